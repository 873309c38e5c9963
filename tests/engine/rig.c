/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rig: see rig.h. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/engine/rig.h"

void rig_ok_(struct rig *r, int result, const char *call, const char *file, int line)
{
	const struct evms_error *e;

	if (result >= 0)
		return;
	e = evms_engine_get_error(r->e);
	print_error("%s:%d: %s: %s [%s]\n", file, line, call, evms_error_get_message(e),
		    evms_error_get_reason(e));
	_fail(file, line);
}

static void on_message(void *user, int severity, const char *text)
{
	struct rig *r = user;

	if (severity > EVMS_SEVERITY_WARNING)
		return;
	r->messages++;
	snprintf(r->last, sizeof(r->last), "%s", text);
}

const char *rig_path(const struct rig *r, const char *file)
{
	static char paths[4][256];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", r->dir, file);
	return path;
}

static void rig_open(struct rig *r)
{
	char file[] = "a.img";

	assert_int_equal(evms_engine_new(&r->e, 0), 0);
	evms_engine_set_message_fn(r->e, on_message, r);
	for (file[0] = 'a'; access(rig_path(r, file), F_OK) == 0; file[0]++)
		rig_ok(r, evms_engine_add_device(r->e, rig_path(r, file), 0));
	rig_ok(r, evms_engine_discover(r->e));
}

struct rig *rig_new(const unsigned *images)
{
	struct rig *r = calloc(1, sizeof(*r));
	char file[] = "a.img";

	assert_non_null(r);
	strcpy(r->dir, "/tmp/evms-test-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	for (; *images; images++, file[0]++) {
		int fd = open(rig_path(r, file), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

		assert_true(fd >= 0);
		assert_int_equal(ftruncate(fd, (off_t)*images << 20), 0);
		close(fd);
	}
	rig_open(r);
	return r;
}

void rig_again(struct rig *r)
{
	evms_engine_unref(r->e);
	rig_open(r);
}

void rig_free(struct rig *r)
{
	char file[] = "a.img";

	evms_engine_unref(r->e);
	for (file[0] = 'a'; file[0] <= 'z'; file[0]++)
		unlink(rig_path(r, file));
	rmdir(r->dir);
	free(r);
}

struct evms_object *rig_find(struct rig *r, const char *name)
{
	struct evms_object *o = evms_engine_find(r->e, EVMS_KIND_ANY, name);

	if (!o)
		rig_ok(r, -ENOENT);
	return o;
}

/* Everything up to and with the run; the first failure. */
static int try_task(struct rig *r, const char *plugin, uint32_t op, const char *inputs,
		    const char *options, struct evms_object **out)
{
	char list[1024], *save, *word;
	struct evms_task *t = NULL;
	int result = evms_task_new(r->e, plugin, op, &t);

	snprintf(list, sizeof(list), "%s", inputs);
	for (word = strtok_r(list, " ", &save); word && result == 0; word = strtok_r(NULL, " ", &save))
		result = evms_task_add_input(t, rig_find(r, word));
	snprintf(list, sizeof(list), "%s", options);
	for (word = strtok_r(list, " ", &save); word && result == 0; word = strtok_r(NULL, " ", &save)) {
		char *value = strchr(word, '=');

		*value++ = '\0';
		result = evms_task_set(t, word, value);
	}
	if (result == 0)
		result = evms_task_run(t);
	if (result == 0)
		*out = evms_task_get_output(t, 0);
	evms_task_unref(t);
	return result;
}

struct evms_object *rig_run(struct rig *r, const char *plugin, uint32_t op, const char *inputs,
			    const char *options)
{
	struct evms_object *out = NULL;

	rig_ok(r, try_task(r, plugin, op, inputs, options, &out));
	return out;
}

void rig_refused(struct rig *r, int error, const char *reason, const char *plugin, uint32_t op,
		 const char *inputs, const char *options)
{
	struct evms_object *out = NULL;
	int result = try_task(r, plugin, op, inputs, options, &out);
	const struct evms_error *e = evms_engine_get_error(r->e);

	if (result != -error)
		print_error("%s %s: %d instead of %d: %s\n", evms_op_get_name(op), inputs, result, -error,
			    evms_error_get_message(e));
	assert_int_equal(result, -error);
	assert_int_equal(evms_error_get_errno(e), error);
	assert_true(strlen(evms_error_get_detail(e)) > 0);
	if (*reason)
		assert_string_equal(evms_error_get_reason(e), reason);
}

void rig_plan(struct rig *r)
{
	struct evms_plan *plan;

	rig_ok(r, evms_engine_plan(r->e, &plan));
	evms_plan_unref(plan);
}

void rig_commit(struct rig *r)
{
	rig_ok(r, evms_engine_commit(r->e, 0));
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char *rig_model(struct rig *r)
{
	struct evms_list *all;
	struct evms_object *o;
	char **lines, *text = NULL;
	size_t size = 0, i, count;
	FILE *f;

	rig_ok(r, evms_engine_list(r->e, EVMS_KIND_ANY, &all));
	count = evms_list_get_length(all);
	lines = calloc(count + 1, sizeof(*lines));
	assert_non_null(lines);
	for (i = 0; (o = evms_list_get(all, i)); i++)
		assert_true(asprintf(&lines[i], "%s %s %" PRIu64 "@%" PRIu64 " %s %s %s %x %s %s\n",
				     evms_object_get_kind_name(o), evms_object_get_name(o),
				     evms_object_get_size(o), evms_object_get_offset(o),
				     evms_object_get_plugin(o), evms_object_get_label(o),
				     evms_object_get_uuid(o), evms_object_get_state(o),
				     evms_object_get_fs_type(o), evms_object_get_fs_label(o)) > 0);
	evms_list_unref(all);
	qsort(lines, count, sizeof(*lines), compare_lines);
	f = open_memstream(&text, &size);
	for (i = 0; i < count; i++) {
		fputs(lines[i], f);
		free(lines[i]);
	}
	free(lines);
	fclose(f);
	return text;
}

/* Holes are zeros, and do not count. */
uint64_t rig_hash(const struct rig *r, const char *file)
{
	int fd = open(rig_path(r, file), O_RDONLY | O_CLOEXEC);
	uint64_t h = 0xcbf29ce484222325u, offset = 0;
	char buf[65536];
	ssize_t n, i;

	assert_true(fd >= 0);
	for (;;) {
		off_t data = lseek(fd, (off_t)offset, SEEK_DATA);

		if (data < 0)
			break;
		offset = (uint64_t)data / sizeof(buf) * sizeof(buf);
		n = pread(fd, buf, sizeof(buf), (off_t)offset);
		if (n <= 0)
			break;
		for (i = 0; i < n; i++)
			if (buf[i])
				h = (h ^ (offset + (uint64_t)i) ^ ((uint64_t)(uint8_t)buf[i] << 56)) *
				    0x100000001b3u;
		offset += sizeof(buf);
	}
	close(fd);
	return h;
}
