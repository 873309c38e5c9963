/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* evms read, evms write: the bytes of a volume on standard output and input. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli.h"

#define CHUNK	(1u << 20)
#define HOLE	(64u << 10)		/* zeros of this size become a hole in a regular file */

/* The first word is the volume, the others are devices. */
static struct evms_object *find_volume(struct cli *c, int *exit_code)
{
	if (!c->arg_count) {
		*exit_code = complain(c, EXIT_USAGE, "cli.arguments", "usage: evms %s %s",
				      c->command->name,
				      c->command->arguments);
		return NULL;
	}
	for (size_t i = 1; i < c->arg_count; i++)
		c->devices[c->device_count++] = c->args[i];
	if (!c->device_count && is_path(c->args[0]))
		c->devices[c->device_count++] = c->args[0];
	*exit_code = session_discover(c);
	if (*exit_code)
		return NULL;
	return find_object(c, c->args[0], kinds_with_data, exit_code);
}

static int check_range(struct cli *c, const char *name, uint64_t size)
{
	char words[SIZE_WORDS];

	if (c->offset <= size && (!c->has_length || c->length <= size - c->offset))
		return 0;
	return complain(c, EXIT_INVALID, "cli.range", "%s has %llu bytes (%s); the range goes "
			"beyond its end",
			name, (unsigned long long)size, size_words(size, words));
}

static int write_out(struct cli *c, const char *buf, size_t n)
{
	ssize_t done;

	while (n) {
		done = write(STDOUT_FILENO, buf, n);
		if (done < 0 && errno == EINTR && !interrupted)
			continue;
		if (done <= 0)
			return complain(c, EXIT_FAILED, "cli.output", "standard output: %s",
					strerror(done < 0 ? errno : EIO));
		buf += done;
		n -= (size_t)done;
	}
	return 0;
}

static bool is_zero(const char *buf, size_t n)
{
	return !buf[0] && !memcmp(buf, buf + 1, n - 1);
}

/* Nothing is behind the end of a regular file: what is skipped there reads as zeros. */
static bool can_skip(void)
{
	int mode = fcntl(STDOUT_FILENO, F_GETFL);
	struct stat st;

	return mode >= 0 && !(mode & O_APPEND) && fstat(STDOUT_FILENO, &st) == 0 &&
	       S_ISREG(st.st_mode) && lseek(STDOUT_FILENO, 0, SEEK_CUR) >= st.st_size;
}

/* The file ends where the last hole does. */
static int end_output(struct cli *c)
{
	off_t end = lseek(STDOUT_FILENO, 0, SEEK_CUR);

	if (end >= 0 && ftruncate(STDOUT_FILENO, end) == 0)
		return 0;
	return complain(c, EXIT_FAILED, "cli.output", "standard output: %s", strerror(errno));
}

static int put_out(struct cli *c, const char *buf, size_t n, bool sparse)
{
	size_t at, part;
	int r = 0;

	if (!sparse)
		return write_out(c, buf, n);
	for (at = 0; !r && at < n; at += part) {
		part = n - at < HOLE ? n - at : HOLE;
		if (!is_zero(buf + at, part) ||
		    lseek(STDOUT_FILENO, (off_t)part, SEEK_CUR) < 0)
			r = write_out(c, buf + at, part);
	}
	return r;
}

static int copy_out(struct cli *c, struct evms_volume *v, const char *name, char *buf)
{
	uint64_t size = evms_volume_get_size(v), total, done = 0;
	int r = check_range(c, name, size), result;
	bool sparse = can_skip();

	total = c->has_length ? c->length : size - c->offset;
	while (!r && done < total) {
		size_t n = total - done < CHUNK ? (size_t)(total - done) : CHUNK;

		if (interrupted)
			return complain(c, EXIT_REFUSED, "cli.interrupted", "interrupted");
		result = evms_volume_read(v, buf, n, c->offset + done);
		if (result < 0)
			return report_io(c, result, name, "read", c->offset + done);
		r = put_out(c, buf, n, sparse);
		done += n;
		say_progress(c, "read", done, total);
	}
	if (!r && sparse)
		r = end_output(c);
	if (!r)
		say_done(c, done);
	return r;
}

static int with_volume(struct cli *c, uint32_t mode, struct evms_object *o,
		       int (*copy)(struct cli *c, struct evms_volume *v, const char *name,
				   char *buf))
{
	const char *name = evms_object_get_name(o);
	struct evms_volume *v;
	char *buf = malloc(CHUNK);
	int r, result;

	if (!buf)
		return complain(c, EXIT_FAILED, "cli.memory", "out of memory");
	result = evms_volume_open(o, mode, &v);
	if (result < 0) {
		free(buf);
		return report(c, result);
	}
	r = copy(c, v, name, buf);
	progress_done(c);
	result = evms_volume_close(v);
	free(buf);
	if (!r && result < 0)
		r = report_io(c, result, name, "flush what was written", c->offset);
	return r;
}

int cmd_read(struct cli *c)
{
	struct evms_object *o;
	int r;

	if (isatty(STDOUT_FILENO))
		return complain(c, EXIT_USAGE, "cli.terminal", "a terminal is no place for the "
				"bytes of a volume; write \"evms read ... > FILE\"");
	o = find_volume(c, &r);
	return o ? with_volume(c, EVMS_VOLUME_READ_ONLY, o, copy_out) : r;
}

/* As many bytes as there are, at most n. 0: the end. */
static ssize_t read_in(char *buf, size_t n)
{
	size_t got = 0;
	ssize_t r;

	while (got < n) {
		r = read(STDIN_FILENO, buf + got, n - got);
		if (r < 0 && errno == EINTR && !interrupted)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

/* Pass over the hole that the input is at. Its length; 0 for data and for what has no holes. */
static uint64_t take_hole(uint64_t most)
{
	off_t at = lseek(STDIN_FILENO, 0, SEEK_CUR), data;
	struct stat st;

	if (at < 0 || fstat(STDIN_FILENO, &st) < 0 || !S_ISREG(st.st_mode) || at >= st.st_size)
		return 0;
	data = lseek(STDIN_FILENO, at, SEEK_DATA);
	if (data < 0)
		data = errno == ENXIO ? st.st_size : at;
	if ((uint64_t)(data - at) > most)
		data = at + (off_t)most;
	return lseek(STDIN_FILENO, data, SEEK_SET) == data ? (uint64_t)(data - at) : 0;
}

/* A file whose size is known is not begun when it does not fit. */
static int check_input(struct cli *c, const char *name, uint64_t room)
{
	char has[SIZE_WORDS], takes[SIZE_WORDS];
	struct stat st;
	off_t at;

	if (c->has_length || fstat(STDIN_FILENO, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	at = lseek(STDIN_FILENO, 0, SEEK_CUR);
	if (at < 0 || at > st.st_size || (uint64_t)(st.st_size - at) <= room)
		return 0;
	return complain(c, EXIT_NO_ROOM, "cli.range", "%s has room for %s there, and the input has "
			"%s; nothing was written", name, size_words(room, takes),
			size_words((uint64_t)(st.st_size - at), has));
}

static int copy_in(struct cli *c, struct evms_volume *v, const char *name, char *buf)
{
	uint64_t size = evms_volume_get_size(v), done = 0, room, hole;
	int r = check_range(c, name, size), result;
	ssize_t n;

	if (r)
		return r;
	room = c->has_length ? c->length : size - c->offset;
	r = check_input(c, name, room);
	while (!r) {
		if (interrupted)
			return complain(c, EXIT_PARTIAL, "cli.interrupted", "interrupted; %llu "
					"bytes were written",
					(unsigned long long)done);
		hole = take_hole(room - done);
		if (hole) {
			result = evms_volume_zero(v, c->offset + done, hole);
			if (result < 0)
				return report_io(c, result, name, "write", c->offset + done);
			done += hole;
		}
		n = read_in(buf, c->has_length && room - done < CHUNK ? (size_t)(room - done) :
			    CHUNK);
		if (n < 0)
			return complain(c, EXIT_PARTIAL, "cli.input", "standard input: %s; %llu "
					"bytes were written",
					strerror((int)-n), (unsigned long long)done);
		if (n == 0)
			break;
		if ((uint64_t)n > room - done)
			return complain(c, EXIT_NO_ROOM, "cli.range", "the input goes beyond the "
					"end of %s; %llu "
					"bytes were written", name, (unsigned long long)done);
		result = evms_volume_write(v, buf, (size_t)n, c->offset + done);
		if (result < 0)
			return report_io(c, result, name, "write", c->offset + done);
		done += (uint64_t)n;
		say_progress(c, "write", done, c->has_length ? c->length : 0);
	}
	if (!r && (result = evms_volume_flush(v)) < 0)
		return report_io(c, result, name, "flush what was written", c->offset);
	if (!r)
		say_done(c, done);
	return r;
}

int cmd_write(struct cli *c)
{
	struct evms_object *o;
	char question[256];
	int r;

	o = find_volume(c, &r);
	if (!o)
		return r;
	if (evms_object_get_fs_type(o)[0]) {
		snprintf(question, sizeof(question), "%s holds a file system (%s): the input is "
			 "written over it.",
			 evms_object_get_name(o), evms_object_get_fs_type(o));
		r = confirm(c, question);
		if (r)
			return r;
	}
	return with_volume(c, 0, o, copy_in);
}
