/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Volumes: random maps against plain arrays, flat and not; refusals; tools on all three ways. */
#define _GNU_SOURCE
#include "unit.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "registry/sdk.h"
#include "runtime/export.h"
#include "runtime/tool.h"
#include "runtime/volume.h"

#define SECTOR		512
#define DEVICES		3
#define DEVICE_SIZE	(256 * 1024)

static char dir[64];

static uint32_t seed;
static uint32_t rnd(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static void path_of(int i, char *path, size_t size)
{
	snprintf(path, size, "%s/disk%d", dir, i);
}

static void write_file(int i, const void *bytes, size_t size)
{
	char path[128];
	int fd;

	path_of(i, path, sizeof(path));
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, size, 0), size);
	close(fd);
}

static void read_file(int i, void *bytes, size_t size)
{
	char path[128];
	int fd;

	path_of(i, path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, bytes, size, 0), size);
	close(fd);
}

/* A random table in which no byte of a device is used twice, and what it means. */
struct world {
	struct table *table;
	uint8_t bytes[DEVICES][DEVICE_SIZE];
	uint64_t used[DEVICES + 64];	/* of devices, then of nodes */
	bool writable_only;		/* no error targets */
};

/* A place with that much room; false: there is none. */
static bool take(struct world *w, uint64_t size, struct table_leg *leg)
{
	size_t sources = DEVICES + w->table->nodes.count - 1, i, tries;
	uint64_t room;

	for (tries = 0; tries < 8; tries++) {
		i = rnd((uint32_t)sources);
		room = i < DEVICES ? DEVICE_SIZE : w->table->nodes.at[i - DEVICES].size;
		if (room - w->used[i] < size)
			continue;
		leg->is_node = i >= DEVICES;
		leg->index = (uint32_t)(leg->is_node ? i - DEVICES : i);
		leg->offset = w->used[i];
		w->used[i] += size;
		return true;
	}
	return false;
}

static void add_random_target(struct world *w, uint32_t node, uint64_t offset, uint64_t size)
{
	struct table_leg legs[4];
	uint32_t n = 2 + rnd(3), i;
	uint64_t chunk = SECTOR * (1 + rnd(6));
	int r = -1;

	switch (rnd(6)) {
	case 0:
	case 1:
		for (i = 0; i < n && take(w, table_stripe_size(size, chunk, n, i), &legs[i]); i++)
			;
		if (i == n)
			r = table_add_target(w->table, node, offset, size, "striped", chunk, NULL,
					     n, legs);
		break;
	case 2:
		break;
	default:
		if (take(w, size, legs))
			r = table_add_target(w->table, node, offset, size, "linear", 0, NULL, 1,
					     legs);
	}
	if (r < 0)
		r = table_add_target(w->table, node, offset, size,
				     w->writable_only || rnd(2) ? "zero" : "error", 0, NULL, 0,
				     NULL);
	assert_int_equal(r, 0);
}

static void make_world(struct world *w, bool writable_only)
{
	uint32_t nodes = 1 + rnd(12), i, j;
	char path[128];

	memset(w, 0, sizeof(*w));
	w->writable_only = writable_only;
	w->table = table_new();
	for (i = 0; i < DEVICES; i++) {
		for (j = 0; j < DEVICE_SIZE; j++)
			w->bytes[i][j] = (uint8_t)rnd(256);
		write_file((int)i, w->bytes[i], DEVICE_SIZE);
		path_of((int)i, path, sizeof(path));
		assert_int_equal(table_add_device(w->table, path, DEVICE_SIZE, 512, false, NULL),
				 i);
	}
	for (i = 0; i < nodes; i++) {
		uint64_t size = SECTOR * (1 + rnd(200)), at = 0, part;

		assert_int_equal(table_add_node(w->table, size, 512), i);
		for (; at < size; at += part) {
			part = SECTOR * (1 + rnd(60));
			part = part > size - at ? size - at : part;
			add_random_target(w, i, at, part);
		}
	}
	table_set_root(w->table, nodes - 1);
	assert_int_equal(table_check(w->table, NULL, 0), 0);
}

enum found { BYTE, ZERO, ERROR };

/* The slow truth about one byte. */
static enum found locate(struct world *w, uint32_t node, uint64_t offset, uint8_t **byte)
{
	const struct table_node *n = &w->table->nodes.at[node];
	const struct table_target *t = n->targets.at;
	const struct table_leg *leg;
	uint64_t in, piece;

	while (offset >= t->offset + t->size)
		t++;
	in = offset - t->offset;
	if (t->kind == TABLE_ZERO)
		return ZERO;
	if (t->kind == TABLE_ERROR)
		return ERROR;
	leg = table_legs(n, t);
	if (t->kind == TABLE_STRIPED) {
		piece = in / t->chunk;
		leg += piece % t->leg_count;
		in = piece / t->leg_count * t->chunk + in % t->chunk;
	}
	in += leg->offset;
	if (leg->is_node)
		return locate(w, leg->index, in, byte);
	*byte = &w->bytes[leg->index][in];
	return BYTE;
}

static void check_read(struct world *w, struct evms_volume *v, uint64_t offset, size_t size)
{
	uint8_t *got = malloc(size + 1), *byte;
	bool error = false;
	size_t i;
	int r;

	memset(got, 0xa5, size + 1);
	r = evms_volume_read(v, got, size, offset);
	for (i = 0; i < size; i++)
		error = error || locate(w, w->table->root, offset + i, &byte) == ERROR;
	assert_int_equal(r, error ? -EIO : 0);
	for (i = 0; i < size && !error; i++)
		assert_int_equal(got[i],
				 locate(w, w->table->root, offset + i, &byte) == ZERO ? 0 : *byte);
	assert_int_equal(got[size], 0xa5);
	free(got);
}

static void change(struct world *w, struct evms_volume *v, uint64_t offset, size_t size, bool zero)
{
	uint8_t *bytes = malloc(size + 1), *byte;
	size_t i;

	for (i = 0; i < size; i++)
		bytes[i] = zero ? 0 : (uint8_t)rnd(256);
	assert_int_equal(zero ? evms_volume_zero(v, offset, size) :
				evms_volume_write(v, bytes, size, offset), 0);
	for (i = 0; i < size; i++)
		if (locate(w, w->table->root, offset + i, &byte) == BYTE)
			*byte = bytes[i];
	free(bytes);
}

static void check_files(const struct world *w)
{
	uint8_t *got = malloc(DEVICE_SIZE);
	int i;

	for (i = 0; i < DEVICES; i++) {
		read_file(i, got, DEVICE_SIZE);
		assert_memory_equal(got, w->bytes[i], DEVICE_SIZE);
	}
	free(got);
}

static void test_random_maps(void **state)
{
	struct world *w = malloc(sizeof(*w));
	struct evms_volume *flat, *raw, *v;
	uint64_t size, at, length;
	int round, i;

	(void)state;
	for (round = 0; round < 150; round++) {
		seed = (uint32_t)round;
		make_world(w, round % 2);
		assert_int_equal(volume_open_table_struct(w->table, 0, NULL, NULL, 0, &flat), 0);
		assert_int_equal(
			volume_open_table_struct(w->table, VOLUME_NO_FLATTEN, NULL, NULL, 0, &raw),
			0);
		size = evms_volume_get_size(flat);
		assert_int_equal(size, evms_volume_get_size(raw));
		check_read(w, flat, 0, size);
		for (i = 0; i < 20; i++) {
			v = i % 2 ? flat : raw;
			at = rnd((uint32_t)size);
			length = rnd((uint32_t)(size - at) + 1);
			if (w->writable_only)
				change(w, v, at, length, i % 5 == 4);
			check_read(w, flat, at, length);
			check_read(w, raw, at, length);
		}
		check_files(w);
		assert_int_equal(evms_volume_flush(flat), 0);
		assert_int_equal(evms_volume_close(flat), 0);
		assert_int_equal(evms_volume_close(raw), 0);
		table_free(w->table);
	}
	free(w);
}

/* A volume that lies on part of a device. */
static char *part_table(uint64_t size, bool read_only, const struct stat *st)
{
	char path[128], *text;

	path_of(0, path, sizeof(path));
	assert_true(asprintf(&text, "evms-table 1\ndevice 0 %llu 512 %s %llu %llu 0 %s\n"
			     "node 0 65536 4096\nlinear 0 65536 d0+4096\nroot 0 rw\nend\n",
			     (unsigned long long)size, read_only ? "ro" : "rw",
			     st ? (unsigned long long)st->st_dev : 0,
			     st ? (unsigned long long)st->st_ino : 0, path) > 0);
	return text;
}

static int open_text(const char *text, uint32_t flags, struct evms_volume **v)
{
	char error[256] = "";
	int r = evms_volume_open_table(text, strlen(text), flags, NULL, error, sizeof(error), v);

	assert_true((r < 0) == (*error != '\0'));
	return r;
}

static void test_refusals(void **state)
{
	static char bytes[DEVICE_SIZE];
	struct evms_volume *v;
	struct stat st;
	char path[128], *text;
	int fd;

	(void)state;
	memset(bytes, 7, sizeof(bytes));
	write_file(0, bytes, sizeof(bytes));
	path_of(0, path, sizeof(path));
	assert_int_equal(stat(path, &st), 0);

	text = part_table(DEVICE_SIZE, false, &st);
	assert_int_equal(open_text(text, 4, &v), -EINVAL);
	assert_int_equal(open_text("rubbish", 0, &v), -EINVAL);
	assert_int_equal(evms_volume_open_table(NULL, 0, 0, NULL, NULL, 0, &v), -EINVAL);
	assert_int_equal(open_text(text, 0, &v), 0);
	assert_int_equal(evms_volume_get_size(v), 65536);
	assert_int_equal(evms_volume_get_block_size(v), 4096);
	assert_int_equal(evms_volume_read(v, bytes, 1, 65536), -ERANGE);
	assert_int_equal(evms_volume_read(v, bytes, 0, 65536), 0);
	assert_int_equal(evms_volume_read(v, bytes, 2, UINT64_MAX), -ERANGE);
	assert_int_equal(evms_volume_write(v, bytes, 65537, 0), -ERANGE);
	assert_int_equal(evms_volume_zero(v, 1, UINT64_MAX), -ERANGE);
	assert_int_equal(evms_volume_discard(v, 0, 65536), 0);
	/* Whoever commits is refused while somebody may write. */
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), -1);
	assert_int_equal(evms_volume_close(v), 0);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(open_text(text, 0, &v), -EBUSY);
	assert_int_equal(open_text(text, EVMS_VOLUME_READ_ONLY, &v), 0);
	assert_int_equal(evms_volume_write(v, bytes, 1, 0), -EROFS);
	assert_int_equal(evms_volume_zero(v, 0, 1), -EROFS);
	assert_int_equal(evms_volume_close(v), 0);
	close(fd);
	free(text);

	text = part_table(DEVICE_SIZE, true, &st);
	assert_int_equal(open_text(text, 0, &v), -EROFS);
	free(text);
	text = part_table(DEVICE_SIZE + 512, false, &st);
	assert_int_equal(open_text(text, 0, &v), -ESTALE);
	free(text);
	st.st_ino++;
	text = part_table(DEVICE_SIZE, false, &st);
	assert_int_equal(open_text(text, 0, &v), -ESTALE);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(open_text(text, 0, &v), -ENOENT);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(open_text(text, 0, &v), -ESTALE);
	assert_int_equal(unlink(path), 0);
	free(text);
	assert_int_equal(
		open_text("evms-table 1\nnode 0 512 512\nplugin 0 512 nobody -\nroot 0 rw\nend\n",
			  0, &v),
		-ENOTSUP);
	assert_int_equal(evms_volume_close(NULL), 0);
}

/* The file was cut after the volume was opened. */
static void test_short_read(void **state)
{
	static char bytes[DEVICE_SIZE];
	struct evms_volume *v;
	char path[128], *text;

	(void)state;
	write_file(0, bytes, sizeof(bytes));
	text = part_table(DEVICE_SIZE, false, NULL);
	assert_int_equal(open_text(text, 0, &v), 0);
	path_of(0, path, sizeof(path));
	assert_int_equal(truncate(path, 8192), 0);
	assert_int_equal(evms_volume_read(v, bytes, 4096, 0), 0);
	assert_int_equal(evms_volume_read(v, bytes, 4097, 0), -EIO);
	assert_int_equal(evms_volume_close(v), 0);
	free(text);
}

struct worker {
	struct evms_volume *volume;
	uint64_t offset;
};

static void *work(void *user)
{
	struct worker *w = user;
	uint8_t out[4096], in[4096];
	int i;

	for (i = 0; i < 300; i++) {
		memset(out, i, sizeof(out));
		if (evms_volume_write(w->volume, out, sizeof(out), w->offset) != 0 ||
		    (i % 50 == 0 && evms_volume_flush(w->volume) != 0) ||
		    evms_volume_read(w->volume, in, sizeof(in), w->offset) != 0 ||
		    memcmp(in, out, sizeof(in)) != 0)
			return "failed";
	}
	return NULL;
}

static void test_threads(void **state)
{
	static char bytes[DEVICE_SIZE];
	struct worker w[8];
	pthread_t thread[8];
	void *result;
	char *text;
	int i;

	(void)state;
	write_file(0, bytes, sizeof(bytes));
	text = part_table(DEVICE_SIZE, false, NULL);
	assert_int_equal(open_text(text, 0, &w[0].volume), 0);
	for (i = 0; i < 8; i++) {
		w[i].volume = w[0].volume;
		w[i].offset = (uint64_t)i * 4096;
		assert_int_equal(pthread_create(&thread[i], NULL, work, &w[i]), 0);
	}
	for (i = 0; i < 8; i++) {
		assert_int_equal(pthread_join(thread[i], &result), 0);
		assert_null(result);
	}
	assert_int_equal(evms_volume_close(w[0].volume), 0);
	free(text);
}

/*
 * Programs on a volume. whole: the volume is the file itself; otherwise two pieces of it in the
 * wrong order.
 */
static struct tool_volume *open_tool(struct context *ctx, bool whole)
{
	struct table_leg leg = { .index = 0 };
	struct tool_volume *v;
	struct table *t = table_new();
	char path[128];

	path_of(0, path, sizeof(path));
	assert_int_equal(table_add_device(t, path, DEVICE_SIZE, 512, false, NULL), 0);
	assert_int_equal(table_add_node(t, whole ? DEVICE_SIZE : 131072, 512), 0);
	if (whole) {
		assert_int_equal(table_add_target(t, 0, 0, DEVICE_SIZE, "linear", 0, NULL, 1, &leg),
				 0);
	} else {
		leg.offset = 131072;
		assert_int_equal(table_add_target(t, 0, 0, 65536, "linear", 0, NULL, 1, &leg), 0);
		leg.offset = 4096;
		assert_int_equal(table_add_target(t, 0, 65536, 65536, "linear", 0, NULL, 1, &leg),
				 0);
	}
	table_set_root(t, 0);
	assert_int_equal(tool_volume_open(ctx, t, "vol", &v), 0);
	table_free(t);
	return v;
}

static int run(struct context *ctx, struct tool_volume *v, uint32_t flags, const char *script,
	       char *output, size_t size)
{
	const char *argv[] = { "sh", "-c", script, "sh", EVMS_TOOL_VOLUME, NULL };

	return tool_run(ctx, v, argv, flags, output, size);
}

static int stop_at_once(void *user, const char *what, uint64_t done, uint64_t total)
{
	(void)user;
	(void)what;
	(void)done;
	(void)total;
	return 1;
}

static void check_tool(bool whole, enum tool_way way)
{
	static uint8_t bytes[DEVICE_SIZE], got[DEVICE_SIZE];
	const char *missing[] = { "evms-no-such-program", NULL };
	uint64_t size = whole ? DEVICE_SIZE : 131072, end = whole ? DEVICE_SIZE : 4096 + 65536;
	struct tool_volume *v;
	struct context ctx;
	char output[64], wanted[64];
	size_t i;

	for (i = 0; i < DEVICE_SIZE; i++)
		bytes[i] = (uint8_t)(i / 4096 + 1);
	write_file(0, bytes, DEVICE_SIZE);
	context_init(&ctx);
	v = open_tool(&ctx, whole);
	assert_int_equal(tool_volume_way(v), way);

	assert_int_equal(run(&ctx, v, EVMS_TOOL_READ_ONLY, "stat -Lc %s \"$1\"; exit 3", output,
			     sizeof(output)), 3);
	snprintf(wanted, sizeof(wanted), "%llu\n", (unsigned long long)size);
	assert_string_equal(output, wanted);
	assert_int_equal(run(&ctx, v, EVMS_TOOL_READ_ONLY, "od -An -tu1 -N1 -j65536 \"$1\"", output,
			     sizeof(output)), 0);
	assert_int_equal(atoi(output), whole ? 17 : 2);

	/* The last bytes are written; a cut by the tool does not stay. */
	assert_int_equal(run(&ctx, v, 0, "printf end | dd of=\"$1\" bs=1 conv=notrunc,fsync "
			     "seek=$(($(stat -Lc %s \"$1\") - 3)) 2>&1", NULL, 0), 0);
	read_file(0, got, DEVICE_SIZE);
	memcpy(bytes + end - 3, "end", 3);
	assert_memory_equal(got, bytes, DEVICE_SIZE);

	/* Output beyond the buffer is thrown away; a clean environment; nothing leaks to the child.
	 */
	assert_int_equal(run(&ctx, v, EVMS_TOOL_READ_ONLY, "seq 100000", output, sizeof(output)),
			 0);
	assert_int_equal(strlen(output), sizeof(output) - 1);
	assert_int_equal(run(&ctx, v, EVMS_TOOL_READ_ONLY, "echo $LC_ALL $HOME $EVMS_TEST", output,
			     sizeof(output)), 0);
	assert_string_equal(output, "C\n");
	assert_int_equal(run(&ctx, v, EVMS_TOOL_READ_ONLY, "exec ls /proc/self/fd", output,
			     sizeof(output)), 0);
	assert_string_equal(output, "0\n1\n2\n3\n");	/* 3 is the folder that is listed */

	assert_int_equal(tool_run(&ctx, v, missing, 0, NULL, 0), -ENOENT);
	assert_string_equal(ctx.error.reason, "tool.missing");
	context_clear_error(&ctx);
	assert_int_equal(run(&ctx, v, EVMS_TOOL_READ_ONLY, "kill -9 $$", NULL, 0), -EIO);
	assert_string_equal(ctx.error.reason, "tool.signal");
	context_clear_error(&ctx);

	/* Fresh: all zeros, and what is behind the volume stays. */
	assert_int_equal(run(&ctx, v, EVMS_TOOL_FRESH, "tr -d '\\0' <\"$1\" | wc -c", output,
			     sizeof(output)),
			 0);
	assert_int_equal(atoi(output), 0);
	read_file(0, got, DEVICE_SIZE);
	if (!whole) {
		memset(bytes + 4096, 0, 65536);
		memset(bytes + 131072, 0, 65536);
		assert_memory_equal(got, bytes, DEVICE_SIZE);
	}

	ctx.progress = stop_at_once;
	assert_int_equal(run(&ctx, v, EVMS_TOOL_READ_ONLY, "sleep 60", NULL, 0), -ECANCELED);
	assert_int_equal(tool_volume_close(v), 0);
}

static void test_tool_backing(void **state)
{
	struct tool_volume *v;
	struct context ctx;
	char path[128];
	struct stat st;

	(void)state;
	check_tool(true, TOOL_BACKING);
	/* A tool that cuts the image: the length comes back. */
	context_init(&ctx);
	v = open_tool(&ctx, true);
	assert_int_equal(run(&ctx, v, 0, "truncate -s 1000 \"$1\"", NULL, 0), 0);
	path_of(0, path, sizeof(path));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, DEVICE_SIZE);
	/* There is nothing to be mounted; root gets as far as a mount point. The backing stays in
	 * any case. */
	assert_int_equal(run(&ctx, v, EVMS_TOOL_MOUNTED, "true", NULL, 0), -ENOTSUP);
	assert_string_equal(ctx.error.reason, "tool.mount");
	assert_int_equal(tool_volume_close(v), 0);
	assert_int_equal(access(path, F_OK), 0);
}

static void test_tool_copy(void **state)
{
	(void)state;
	setenv("EVMS_NO_FUSE", "1", 1);
	check_tool(false, TOOL_COPY);
	unsetenv("EVMS_NO_FUSE");
}

static void test_tool_export(void **state)
{
	(void)state;
	if (!export_is_possible()) {
		skip();
		return;
	}
	check_tool(false, TOOL_EXPORT);
}

/* Every way leaves the temporary directory empty. */
static void check_nothing_left(void)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -f %s/disk*; rmdir %s", dir, dir);
	assert_int_equal(system(command), 0);
}

static int setup(void **state)
{
	const char *build = getenv("EVMS_BUILDDIR");
	char path[4096];

	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/evms-test-runtime-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	setenv("TMPDIR", dir, 1);
	setenv("EVMS_TEST", "leaked", 1);
	if (build && !getenv("EVMS_EXPORT_PROGRAM")) {
		snprintf(path, sizeof(path), "%s/evms-export", build);
		setenv("EVMS_EXPORT_PROGRAM", path, 1);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	check_nothing_left();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_maps),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_short_read),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_tool_backing),
		cmocka_unit_test(test_tool_copy),
		cmocka_unit_test(test_tool_export),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
