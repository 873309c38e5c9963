/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices: what they are, windows, staging, remembering, commit. On plain files, once for each sort
 * of queue.
 */
#define _GNU_SOURCE 1
#include "unit.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "device/internal.h"

#define MIB (UINT64_C(1) << 20)

static struct context ctx;
static struct device_set *set;
static char dir[] = "/tmp/test-device-XXXXXX";
static bool no_ring;

static const char *path_of(const char *name)
{
	static char path[4][300];
	static unsigned turn;
	char *p = path[turn++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

/* What the byte at an offset of the file with this number is. */
static unsigned char byte_at(unsigned number, uint64_t offset)
{
	return (unsigned char)(offset * 7 + (offset >> 12) + number);
}

static void make_file(const char *name, uint64_t size, unsigned number)
{
	unsigned char *bytes = malloc(size ? size : 1);
	FILE *f = fopen(path_of(name), "w");
	uint64_t i;

	assert_non_null(bytes);
	assert_non_null(f);
	for (i = 0; i < size; i++)
		bytes[i] = byte_at(number, i);
	assert_int_equal(fwrite(bytes, 1, size, f), size);
	fclose(f);
	free(bytes);
}

static void write_text(const char *name, const char *text)
{
	FILE *f = fopen(path_of(name), "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void poke(const char *name, uint64_t offset, unsigned char byte)
{
	int fd = open(path_of(name), O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
	close(fd);
}

static unsigned char peek(const char *name, uint64_t offset)
{
	int fd = open(path_of(name), O_RDONLY);
	unsigned char byte = 0;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
	close(fd);
	return byte;
}

static struct device *add(const char *name)
{
	struct device *d = NULL;

	assert_int_equal(device_new(set, path_of(name), 0, &d), 0);
	assert_int_equal(device_set_identify(set, &d, 1), 0);
	return d;
}

static int setup(void **state)
{
	(void)state;
	context_init(&ctx);
	if (device_set_new(&ctx, &set) < 0)
		return -1;
	set->queue.no_ring = no_ring;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	device_set_free(set);
	set = NULL;
	return 0;
}

static int make_folder(void **state)
{
	(void)state;
	strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command) == 0 ? 0 : -1;
}

static int use_threads(void **state)
{
	no_ring = true;
	return make_folder(state);
}

static void test_identify(void **state)
{
	static const char *const names[] = {
		"file", "folder", "fifo", "nothing", "empty", "loop", "link"
	};
	struct device *d[7];
	size_t i;

	(void)state;
	make_file("file", 100000, 0);
	make_file("empty", 0, 0);
	mkdir(path_of("folder"), 0700);
	mkfifo(path_of("fifo"), 0600);
	assert_int_equal(symlink("loop", path_of("loop")), 0);
	assert_int_equal(symlink("file", path_of("link")), 0);
	assert_int_equal(device_new(set, "relative", 0, &d[0]), -EINVAL);
	for (i = 0; i < 7; i++)
		assert_int_equal(device_new(set, path_of(names[i]), 4096, &d[i]), 0);
	assert_int_equal(device_set_identify(set, d, 7), 0);
	assert_int_equal(device_error(d[0]), 0);
	assert_int_equal(device_facts(d[0])->size, 100000);
	assert_int_equal(device_facts(d[0])->logical_block_size, 0);
	assert_int_equal(device_facts(d[0])->wanted_block_size, 4096);
	assert_int_equal(device_facts(d[0])->read_only, 0);
	assert_true(S_ISREG(device_facts(d[0])->mode));
	assert_string_equal(device_facts(d[0])->path, path_of("file"));
	/* Not for us, but somebody may want to say so in his words. They are never opened. */
	assert_int_equal(device_error(d[1]), 0);
	assert_true(S_ISDIR(device_facts(d[1])->mode));
	assert_int_equal(device_read(d[1], &i, 1, 0), -EISDIR);
	assert_int_equal(device_error(d[2]), 0);
	assert_true(S_ISFIFO(device_facts(d[2])->mode));
	assert_int_equal(device_read(d[2], &i, 1, 0), -ENOTBLK);
	assert_int_equal(device_lock(d[2]), -ENOTBLK);
	assert_int_equal(device_error(d[3]), -ENOENT);
	assert_int_equal(device_error(d[4]), 0);
	assert_int_equal(device_facts(d[4])->size, 0);
	assert_int_equal(device_error(d[5]), -ELOOP);
	assert_int_equal(device_error(d[6]), 0);
	assert_true(device_identity(d[6])->ino == device_identity(d[0])->ino);
	assert_int_equal(set->open_count, 0);
}

static void test_permission(void **state)
{
	struct device *d;

	(void)state;
	make_file("mine", 8192, 0);
	chmod(path_of("mine"), 0400);
	d = add("mine");
	assert_int_equal(device_error(d), 0);
	if (geteuid() == 0)
		return;
	assert_int_equal(device_facts(d)->read_only, 1);
	assert_int_equal(device_lock(d), -EACCES);
	chmod(path_of("mine"), 0);
	assert_int_equal(device_set_identify(set, &d, 1), 0);
	assert_int_equal(device_error(d), -EACCES);
}

static void test_read(void **state)
{
	struct device *d;
	unsigned char buf[64];
	size_t i;

	(void)state;
	make_file("read", 10000, 3);
	d = add("read");
	assert_int_equal(device_read(d, buf, sizeof(buf), 4090), 0);
	for (i = 0; i < sizeof(buf); i++)
		assert_int_equal(buf[i], byte_at(3, 4090 + i));
	assert_int_equal(device_read(d, buf, 10, 9990), 0);
	assert_int_equal(device_read(d, buf, 11, 9990), -ERANGE);
	assert_int_equal(device_read(d, buf, 1, 10000), -ERANGE);
	assert_int_equal(device_read(d, buf, 1, UINT64_MAX), -ERANGE);
	assert_int_equal(device_read(d, buf, 0, 10000), 0);
	/* It has become shorter behind our back. */
	assert_int_equal(truncate(path_of("read"), 5000), 0);
	assert_int_equal(device_read(d, buf, 10, 4996), -EIO);
	assert_int_equal(device_read(d, buf, 10, 4000), 0);
	/* Another file has its name: seen as soon as it is opened again. */
	make_file("read2", 10000, 3);
	assert_int_equal(rename(path_of("read2"), path_of("read")), 0);
	device_drop_fd(d);
	assert_int_equal(device_read(d, buf, 10, 0), -ESTALE);
	unlink(path_of("read"));
	assert_int_equal(device_read(d, buf, 10, 0), -ENOENT);
}

#define MANY 300
static struct device *many[MANY];
static size_t looked, stop_at;

static uint64_t size_of(size_t i)
{
	return i % 7 ? 20000 + i * 513 : i;
}

static void make_many(void)
{
	char name[32];
	size_t i;

	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "m%zu", i);
		make_file(name, size_of(i), (unsigned)i);
		assert_int_equal(device_new(set, path_of(name), 0, &many[i]), 0);
	}
	assert_int_equal(device_set_identify(set, many, MANY), 0);
	looked = 0;
	stop_at = SIZE_MAX;
}

static void check_bytes(struct device *d, size_t number, uint64_t len, uint64_t offset)
{
	unsigned char buf[9000];
	size_t i;

	assert_true(len <= sizeof(buf));
	assert_int_equal(device_read(d, buf, len, offset), 0);
	for (i = 0; i < len; i++)
		assert_int_equal(buf[i], byte_at((unsigned)number, offset + i));
}

static int look(void *user, size_t group)
{
	struct device *d = many[group];
	uint64_t size = device_facts(d)->size;

	assert_ptr_equal(user, &looked);
	assert_int_equal(group, looked++);
	assert_int_equal(size, size_of(group));
	if (size >= 9000) {
		assert_non_null(device_window_bytes(d, 0, 8192));
		assert_non_null(device_window_bytes(d, size - 3000, 3000));
		assert_null(device_window_bytes(d, 9000, 3000));
		check_bytes(d, group, 8192, 0);
		check_bytes(d, group, 3000, size - 3000);
		check_bytes(d, group, 9000, 100);
	} else {
		check_bytes(d, group, size, 0);
	}
	assert_int_equal(device_set_prefetch(set, NULL, 0, look, NULL), -EBUSY);
	return group == stop_at ? -ECANCELED : 0;
}

static void test_windows(void **state)
{
	struct device_window w[2 * MANY];
	uint64_t size;
	size_t i;
	int fd;

	(void)state;
	make_many();
	for (i = 0; i < MANY; i++) {
		size = size_of(i);
		w[2 * i] = (struct device_window){ many[i], 0, 8192, i };
		size = size > 3000 ? size - 3000 : 0;
		w[2 * i + 1] = (struct device_window){ many[i], size, 1 << 20, i };
	}
	set->budget = 20;
	assert_int_equal(device_set_prefetch(set, w, 2 * MANY, look, &looked), 0);
	assert_int_equal(looked, MANY);
	assert_true(set->open_count <= 20);
	assert_null(device_window_bytes(many[1], 0, 1));
	set->budget = 1000;
	looked = 0;
	assert_int_equal(device_set_prefetch(set, w, 2 * MANY, look, &looked), 0);
	assert_int_equal(looked, MANY);
	/* Neither devices that are gone nor the caller's own error upset the rest. */
	for (i = 0; i < MANY; i++)
		device_drop_fd(many[i]);
	stop_at = 100;
	looked = 0;
	assert_int_equal(device_set_prefetch(set, w, 2 * MANY, look, &looked), -ECANCELED);
	assert_int_equal(looked, 101);
	for (i = 0; i < MANY; i++)
		assert_int_equal(many[i]->pins, 0);
	assert_int_equal(device_set_prefetch(set, w, 0, look, NULL), 0);
	fd = dup(0);
	assert_true(fd < 400);
	close(fd);
}

static int look_at_lost(void *user, size_t group)
{
	unsigned char byte;

	(void)user;
	assert_int_equal(device_read(many[0], &byte, 1, 0), group == 1 ? -ENOENT : -EIO);
	return 0;
}

static void test_lost_windows(void **state)
{
	struct device_window w[1] = { { NULL, 0, 4096, 1 } };

	(void)state;
	make_file("lost", 8192, 0);
	w[0].device = many[0] = add("lost");
	unlink(path_of("lost"));
	assert_int_equal(device_set_prefetch(set, w, 1, look_at_lost, NULL), 0);
	make_file("short", 8192, 0);
	w[0].device = many[0] = add("short");
	w[0].group = 2;
	assert_int_equal(truncate(path_of("short"), 0), 0);
	assert_int_equal(device_set_prefetch(set, w, 1, look_at_lost, NULL), 0);
}

/* One device has all the windows: partitions of a disk. Some want more than others. */
static int look_at_part(void *user, size_t group)
{
	struct device *d = user;

	looked++;
	assert_non_null(device_window_bytes(d, group * 4096, 4096));
	check_bytes(d, 9, 4096, group * 4096);
	return 0;
}

static void test_windows_of_one(void **state)
{
	static struct device_window w[500];
	struct device *d;
	size_t i;

	(void)state;
	make_file("one", 500 * 4096, 9);
	d = add("one");
	for (i = 0; i < 500; i++)
		w[i] = (struct device_window){ d, i * 4096, i % 50 ? 4096 : 3 * MIB, i };
	looked = 0;
	assert_int_equal(device_set_prefetch(set, w, 500, look_at_part, d), 0);
	assert_int_equal(looked, 500);
	assert_int_equal(set->open_count, 1);
}

#define MODEL 65536

struct model {
	unsigned char bytes[EVMS_PHASE_COUNT][MODEL];
	bool set[EVMS_PHASE_COUNT][MODEL];
};

static void check_extents(const struct device *d, const struct model *m)
{
	size_t n = device_extent_count(d), i, covered = 0, wanted = 0;
	struct device_extent e, last = { .size = 0 };
	uint64_t at;

	for (i = 0; i < n; i++) {
		e = device_extent(d, i);
		assert_true(e.size > 0);
		assert_true(!i || e.phase > last.phase ||
			    (e.phase == last.phase && e.offset >= last.offset + last.size));
		assert_false(i && e.phase == last.phase && e.offset == last.offset + last.size &&
			     !e.bytes == !last.bytes);
		for (at = 0; at < e.size; at++) {
			assert_true(m->set[e.phase][e.offset + at]);
			assert_int_equal(e.bytes ? ((const unsigned char *)e.bytes)[at] : 0,
					 m->bytes[e.phase][e.offset + at]);
		}
		covered += e.size;
		last = e;
	}
	for (i = 0; i < EVMS_PHASE_COUNT * (size_t)MODEL; i++)
		wanted += m->set[i / MODEL][i % MODEL];
	assert_int_equal(covered, wanted);
}

static void check_overlay(struct device *d, const struct model *m)
{
	static unsigned char got[MODEL];
	size_t i, phase;
	unsigned char want;

	assert_int_equal(device_read(d, got, MODEL, 0), 0);
	for (i = 0; i < MODEL; i++) {
		want = byte_at(5, i);
		for (phase = 0; phase < EVMS_PHASE_COUNT; phase++)
			if (m->set[phase][i])
				want = m->bytes[phase][i];
		assert_int_equal(got[i], want);
	}
}

static void stage_both(struct device *d, struct model *m, size_t len, size_t offset,
		       unsigned phase, int fill)
{
	static unsigned char buf[MODEL];

	memset(buf, fill, len);
	if (fill)
		assert_int_equal(device_stage(d, buf, len, offset, phase), 0);
	else
		assert_int_equal(device_stage_zero(d, offset, len, phase), 0);
	memcpy(m->bytes[phase] + offset, buf, len);
	memset(m->set[phase] + offset, true, len);
	if (phase < EVMS_PHASE_FINISH)
		memset(m->set[EVMS_PHASE_FINISH] + offset, false, len);
	if (phase != EVMS_PHASE_WIPE)
		memset(m->set[EVMS_PHASE_WIPE] + offset, false, len);
}

static void test_stage_model(void **state)
{
	static struct model m;
	size_t len, offset, most;
	struct device *d;
	unsigned i;

	(void)state;
	make_file("stage", MODEL, 5);
	d = add("stage");
	memset(&m, 0, sizeof(m));
	assert_false(device_is_staged(d));
	srand(1);
	for (i = 0; i < 6000; i++) {
		most = i % 16 ? 300 : i % 160 ? 3000 : 30000;
		len = 1 + (size_t)rand() % most;
		offset = (size_t)rand() % (MODEL - len + 1);
		stage_both(d, &m, len, offset, (unsigned)rand() % EVMS_PHASE_COUNT,
			   rand() % 4 ? rand() % 255 + 1 : 0);
		if (i % 100 == 0) {
			check_overlay(d, &m);
			check_extents(d, &m);
		}
	}
	check_overlay(d, &m);
	check_extents(d, &m);
	assert_true(device_is_staged(d));
	assert_int_equal(device_stage(d, &m, 2, MODEL - 1, 0), -ERANGE);
	assert_int_equal(device_stage_zero(d, UINT64_MAX, 1, 0), -ERANGE);
	assert_int_equal(device_stage(d, &m, 1, 0, EVMS_PHASE_COUNT), -EINVAL);
	assert_int_equal(device_read_base(d, &m, 1, 7), 0);
	assert_int_equal(*(unsigned char *)&m, byte_at(5, 7));
	device_unstage(d);
	assert_false(device_is_staged(d));
	assert_int_equal(device_extent_count(d), 0);
	assert_int_equal(device_extent(d, 0).size, 0);
}

/* Nothing may take time by the square: this would need hours. */
static void test_stage_much(void **state)
{
	size_t big = 40 * MIB, i, k, n = 60000;
	struct device_extent e;
	struct device *d;
	unsigned char *buf;

	(void)state;
	assert_int_equal(close(open(path_of("much"), O_CREAT | O_WRONLY, 0600)), 0);
	assert_int_equal(truncate(path_of("much"), 1 << 30), 0);
	d = add("much");
	buf = malloc(big);
	assert_non_null(buf);
	memset(buf, 1, big);
	/* From behind, in steps that leave gaps, then the gaps. */
	for (k = 0; k < 2; k++) {
		for (i = 0; i < n; i++)
			assert_int_equal(device_stage(d, buf, 512, (n - i) * 1024 + k * 512, 2), 0);
		assert_int_equal(device_extent_count(d), k ? 1 : n);
		for (i = 0; !k && i < n; i++)
			assert_int_equal(device_extent(d, i).offset, (i + 1) * 1024);
	}
	assert_int_equal(device_extent(d, 0).size, n * 1024);
	device_unstage(d);
	assert_int_equal(device_stage(d, buf, big, 0, 1), 0);
	for (i = 0; i < 20000; i++) {
		assert_int_equal(device_stage(d, buf, 4096, (i * 7919 % 10000) * 4096, 1), 0);
		assert_int_equal(device_stage(d, buf, 100, big + i * 100, 1), 0);
	}
	assert_int_equal(device_extent_count(d), 1);
	e = device_extent(d, 0);
	assert_int_equal(e.size, big + 2000000);
	for (i = 0; i < 50; i++)
		assert_int_equal(device_stage(d, buf, big, i * 4096, 1), 0);
	/* Data in zeros: each makes two of one. */
	assert_int_equal(device_stage_zero(d, 100 * MIB, 100 * MIB, 0), 0);
	for (i = 0; i < 20000; i++) {
		k = 100 * MIB + (i * 7919 % 20000) * 4096 + 512;
		assert_int_equal(device_stage(d, buf, 512, k, 0), 0);
	}
	assert_int_equal(device_extent_count(d), 40001 + 1);
	free(buf);
}

static void test_remember(void **state)
{
	struct device *d;
	unsigned char byte = 1;

	(void)state;
	make_file("rem", 5 * MIB + 700, 1);
	d = add("rem");
	assert_int_equal(device_verify(d), 0);
	assert_int_equal(device_remember(d, 5000, 100), 0);
	assert_int_equal(device_remember(d, 0, 2 * MIB), 0);
	assert_int_equal(device_remember(d, 5 * MIB + 699, 1), 0);
	assert_int_equal(device_remember(d, 5 * MIB + 699, 2), -ERANGE);
	assert_int_equal(d->remembered.count, 513);
	poke("rem", 3 * MIB, 99);
	assert_int_equal(device_verify(d), 0);
	poke("rem", 5 * MIB + 3, 99);
	assert_int_equal(device_verify(d), -ESTALE);
	assert_string_equal(ctx.error.reason, "device.changed");
	poke("rem", 5 * MIB + 3, byte_at(1, 5 * MIB + 3));
	context_clear_error(&ctx);
	assert_int_equal(device_verify(d), 0);
	/* Staging looks at what it will write over. */
	assert_int_equal(device_stage(d, &byte, 1, 4 * MIB, 0), 0);
	poke("rem", 4 * MIB + 4095, 98);
	assert_int_equal(device_verify(d), -ESTALE);
	/* Our own writing is nobody else's. */
	assert_int_equal(device_lock(d), 0);
	assert_int_equal(device_write_phase(d, 1), 0);
	device_unlock(d);
	assert_int_equal(device_verify(d), -ESTALE);
	assert_int_equal(device_lock(d), 0);
	assert_int_equal(device_write_phase(d, 0), 0);
	device_unlock(d);
	assert_int_equal(device_verify(d), 0);
	/* Another file of the same size and content is another device. */
	make_file("rem2", 5 * MIB + 700, 1);
	assert_int_equal(rename(path_of("rem2"), path_of("rem")), 0);
	context_clear_error(&ctx);
	assert_int_equal(device_verify(d), -ESTALE);
	assert_string_equal(ctx.error.reason, "device.identity");
	/* Looking again does not help while something is planned for the old one ... */
	assert_int_equal(device_set_identify(set, &d, 1), 0);
	assert_int_equal(device_error(d), -ESTALE);
	device_unstage(d);
	assert_int_equal(device_set_identify(set, &d, 1), 0);
	assert_int_equal(device_error(d), 0);
	assert_int_equal(device_verify(d), 0);
	assert_int_equal(truncate(path_of("rem"), 5 * MIB), 0);
	assert_int_equal(device_verify(d), -ESTALE);
}

static void test_hole(void **state)
{
	struct device *d;

	(void)state;
	make_file("hole", 65536, 1);
	assert_int_equal(truncate(path_of("hole"), 1 << 20), 0);
	d = add("hole");
	assert_false(device_is_hole(d, 0, 4096));
	assert_false(device_is_hole(d, 65535, 100000));
	assert_false(device_is_hole(d, 1 << 20, 1));
	/* Some file systems have no holes. */
	if (!device_is_hole(d, 65536, (1 << 20) - 65536))
		skip();
	assert_true(device_is_hole(d, 1 << 20, 0));
	assert_int_equal(device_stage_zero(d, 70000, 100, 4), 0);
	assert_true(device_is_hole(d, 65536, 10000));
	assert_int_equal(device_stage(d, "x", 1, 70000, 0), 0);
	assert_false(device_is_hole(d, 65536, 4465));
	assert_true(device_is_hole(d, 65536, 4464));
}

static void assert_nothing_writable(void)
{
	char path[64], target[300];
	ssize_t n;
	int fd, flags;

	for (fd = 0; fd < 1024; fd++) {
		flags = fcntl(fd, F_GETFL);
		if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof(target) - 1);
		target[n < 0 ? 0 : n] = '\0';
		assert_null(strstr(target, dir));
	}
}

static void test_commit(void **state)
{
	unsigned char buf[5000];
	struct device *d;
	size_t i;

	(void)state;
	make_file("commit", 8 * MIB, 2);
	d = add("commit");
	memset(buf, 'x', sizeof(buf));
	assert_int_equal(device_stage(d, buf, sizeof(buf), 1000, EVMS_PHASE_NEW), 0);
	assert_int_equal(device_stage(d, "end", 3, 8 * MIB - 3, EVMS_PHASE_PRIMARY), 0);
	assert_int_equal(device_stage_zero(d, 100001, 3 * MIB, EVMS_PHASE_WIPE), 0);
	assert_int_equal(device_stage_zero(d, 6 * MIB + 1, 2, EVMS_PHASE_WIPE), 0);
	assert_nothing_writable();
	assert_int_equal(device_write_phase(d, EVMS_PHASE_NEW), -EROFS);
	assert_int_equal(device_flush(d), -EROFS);
	assert_int_equal(device_lock(d), 0);
	assert_int_equal(device_lock(d), 0);
	assert_int_equal(device_verify(d), 0);
	assert_int_equal(device_write_phase(d, EVMS_PHASE_NEW), 0);
	assert_int_equal(device_flush(d), 0);
	assert_int_equal(peek("commit", 1000), 'x');
	assert_int_equal(peek("commit", 5999), 'x');
	assert_int_equal(peek("commit", 8 * MIB - 1), byte_at(2, 8 * MIB - 1));
	for (i = EVMS_PHASE_SECONDARY; i < EVMS_PHASE_COUNT; i++)
		assert_int_equal(device_write_phase(d, (uint32_t)i), 0);
	assert_int_equal(device_flush(d), 0);
	device_unlock(d);
	device_unlock(d);
	device_unstage(d);
	device_committed(d);
	assert_nothing_writable();
	assert_int_equal(peek("commit", 999), byte_at(2, 999));
	assert_int_equal(peek("commit", 6000), byte_at(2, 6000));
	assert_int_equal(peek("commit", 8 * MIB - 1), 'd');
	assert_int_equal(peek("commit", 100000), byte_at(2, 100000));
	for (i = 100001; i < 3 * MIB + 100001; i += 997)
		assert_int_equal(peek("commit", i), 0);
	assert_int_equal(peek("commit", 3 * MIB + 100000), 0);
	assert_int_equal(peek("commit", 3 * MIB + 100001), byte_at(2, 3 * MIB + 100001));
	assert_int_equal(peek("commit", 6 * MIB), byte_at(2, 6 * MIB));
	assert_int_equal(peek("commit", 6 * MIB + 2), 0);
	assert_int_equal(device_verify(d), 0);
}

/* Everything that the kernel may do wrong is done by a full file system here. */
static void test_write_error(void **state)
{
	struct device *d;
	int fd;

	(void)state;
	make_file("bad", 8192, 2);
	d = add("bad");
	assert_int_equal(device_stage(d, "abc", 3, 0, EVMS_PHASE_NEW), 0);
	assert_int_equal(device_lock(d), 0);
	fd = open("/dev/full", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		skip();
	assert_true(dup2(fd, d->write_fd) >= 0);
	close(fd);
	assert_int_equal(device_write_phase(d, EVMS_PHASE_NEW), -ENOSPC);
	assert_string_equal(ctx.error.reason, "device.write");
	context_clear_error(&ctx);
	/* From now on nothing can make this commit good. */
	assert_int_equal(device_flush(d), -ENOSPC);
	assert_int_equal(device_write_phase(d, EVMS_PHASE_WIPE), -ENOSPC);
	device_unlock(d);
	assert_int_equal(device_lock(d), 0);
	assert_int_equal(device_write_phase(d, EVMS_PHASE_NEW), 0);
	assert_int_equal(device_flush(d), 0);
}

static void test_lock(void **state)
{
	struct device *d;
	char who[200];
	int fd;

	(void)state;
	make_file("lock", 8192, 2);
	d = add("lock");
	assert_int_equal(device_find_holder(d, who, sizeof(who)), -ENOENT);
	fd = open(path_of("lock"), O_RDONLY);
	assert_int_equal(flock(fd, LOCK_SH), 0);
	assert_int_equal(device_lock(d), -EBUSY);
	assert_string_equal(ctx.error.reason, "device.busy");
	assert_nothing_writable();
	close(fd);
	context_clear_error(&ctx);
	assert_int_equal(device_lock(d), 0);
	fd = open(path_of("lock"), O_RDONLY);
	assert_int_equal(flock(fd, LOCK_SH | LOCK_NB), -1);
	device_unlock(d);
	assert_int_equal(flock(fd, LOCK_SH | LOCK_NB), 0);
	close(fd);
	/* Another has taken its place: nothing is locked, nothing can be written. */
	make_file("lock2", 8192, 2);
	assert_int_equal(rename(path_of("lock2"), path_of("lock")), 0);
	assert_int_equal(device_lock(d), -ESTALE);
	unlink(path_of("lock"));
	context_clear_error(&ctx);
	assert_int_equal(device_lock(d), -ESTALE);
	assert_string_equal(ctx.error.reason, "device.identity");
}

static void expect_holder(struct device *d, const char *text)
{
	char who[300] = "nobody";

	device_find_holder(d, who, sizeof(who));
	assert_string_equal(who, text);
}

static void make_device_file(const char *folder, const char *text)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/dev", folder);
	write_text(path, text);
}

/* A block device that is only told of: 8:16 with a partition 8:17. */
static struct device *told_of(void)
{
	struct device *d = add("image");

	d->facts.mode = S_IFBLK | 0600;
	d->identity.dev = makedev(8, 16);
	d->identity.ino = 0;
	return d;
}

static void look_afresh(void)
{
	holders_free(set->holders);
	set->holders = NULL;
}

static void test_holders(void **state)
{
	static char proc[64], sys[64];
	char text[600];
	struct device *image, *disk;
	struct stat st;

	(void)state;
	make_file("image", 8192, 0);
	make_file("swapfile", 8192, 0);
	assert_int_equal(stat(path_of("image"), &st), 0);
	snprintf(text, sizeof(text), "cd %s && mkdir -p proc/self proc/77 sys/block/loop5/loop "
		 "sys/block/dm-3/dm sys/dev/block/8:16/holders sys/dev/block/8:16/sdb1/holders "
		 "sys/dev/block/7:5", dir);
	assert_int_equal(system(text), 0);
	snprintf(proc, sizeof(proc), "%s/proc", dir);
	snprintf(sys, sizeof(sys), "%s/sys", dir);
	set->proc = proc;
	set->sys = sys;
	image = add("image");
	disk = told_of();
	expect_holder(image, "nobody");
	expect_holder(disk, "nobody");
	/* Locked by a process. */
	snprintf(text, sizeof(text), "1: FLOCK  ADVISORY  WRITE 77 %02x:%02x:%lu 0 EOF\n"
		 "1: -> FLOCK  ADVISORY  WRITE 78 08:01:1 0 EOF\nrubbish\n\n",
		 major(st.st_dev), minor(st.st_dev), (unsigned long)st.st_ino);
	write_text("proc/locks", text);
	write_text("proc/77/comm", "virt\033ual\n");
	look_afresh();
	expect_holder(image, "locked by process 77 virt?ual");
	/* Behind a loop device; then with something mounted from that. */
	snprintf(text, sizeof(text), "%s\n", path_of("image"));
	write_text("sys/block/loop5/loop/backing_file", text);
	make_device_file("sys/block/loop5", "7:5\n");
	look_afresh();
	expect_holder(image, "used by the loop device /dev/loop5");
	write_text("proc/self/mountinfo",
		   "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
		   "23 22 7:5 / /mnt/a\\040b rw,noatime shared:1 - ext4 /dev/loop5 rw\n"
		   "24 22 0:55 / /x rw - fuse nowhere rw\n25 22\n - \n26 22 9 / - ext4\n");
	look_afresh();
	expect_holder(image, "used by the loop device /dev/loop5 (mounted on /mnt/a b)");
	expect_holder(disk, "nobody");
	/* Drivers on a partition and on the disk; mounts win. */
	make_device_file("sys/dev/block/8:16/sdb1", "8:17\n");
	write_text("sys/dev/block/8:16/sdb1/partition", "1\n");
	write_text("sys/dev/block/8:16/sdb1/size", "1\n");
	assert_int_equal(mkdir(path_of("sys/dev/block/8:17"), 0700), 0);
	assert_int_equal(mkdir(path_of("sys/dev/block/8:17/holders"), 0700), 0);
	assert_int_equal(mkdir(path_of("sys/dev/block/8:17/holders/dm-3"), 0700), 0);
	write_text("sys/block/dm-3/dm/name", "vg-root\n");
	expect_holder(disk, "partition /dev/sdb1 is held by dm-3 (vg-root)");
	write_text("proc/self/mountinfo", "23 22 8:17 / /home rw - xfs /dev/sdb1 rw\n");
	look_afresh();
	expect_holder(disk, "partition /dev/sdb1 is mounted on /home");
	assert_int_equal(mkdir(path_of("sys/dev/block/8:16/holders/md7"), 0700), 0);
	expect_holder(disk, "held by md7");
	/* Swapped on: the loop device is looked for behind it. */
	snprintf(text, sizeof(text), "Filename Type Size Used Priority\n%s file 20 0 -2\n",
		 path_of("swapfile"));
	write_text("proc/swaps", text);
	look_afresh();
	expect_holder(add("swapfile"), "used as swap space");
	/* Mounted by a FUSE program: only the source tells. */
	snprintf(text, sizeof(text), "24 22 0:55 / /x rw - fuse.thing %s rw\n",
		 path_of("swapfile"));
	write_text("proc/self/mountinfo", text);
	look_afresh();
	expect_holder(add("swapfile"), "mounted on /x");
	disk->facts.mode = S_IFREG | 0600;
}

#define TESTS(f) \
	f(test_identify), f(test_permission), f(test_read), f(test_windows), f(test_lost_windows), \
	f(test_windows_of_one)
#define ONCE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest ring[] = {
		TESTS(ONCE), ONCE(test_stage_model), ONCE(test_stage_much), ONCE(test_remember),
		ONCE(test_hole),
		ONCE(test_commit), ONCE(test_write_error), ONCE(test_lock), ONCE(test_holders),
	};
	const struct CMUnitTest threads[] = { TESTS(ONCE) };
	int failed;

	failed = cmocka_run_group_tests_name("with a ring", ring, make_folder, remove_folder);
	failed += cmocka_run_group_tests_name("with threads", threads, use_threads, remove_folder);
	return failed;
}
