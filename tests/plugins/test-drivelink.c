/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Drive links through the engine: over everything that holds data, damaged, incomplete, and cut off. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tests/plugins/crash.h"

#define MIB		(UINT64_C(1) << 20)
#define AREA		65536u
#define ON_CHILD(mib)	((mib) * MIB - AREA - MIB)	/* data on a child of so many MiB */

static const unsigned three[] = { 8, 12, 9, 0 };

/* --- content: every 512 bytes say where they are --- */

static void fill(struct rig *r, const char *name, uint64_t from, uint64_t to)
{
	uint64_t at, i, *p = malloc(MIB);
	struct evms_volume *v;
	size_t n;

	assert_non_null(p);
	rig_ok(r, evms_volume_open(rig_find(r, name), 0, &v));
	for (at = from; at < to; at += n) {
		n = to - at < MIB ? to - at : MIB;
		for (i = 0; i < n / 8; i++)
			p[i] = (at + i * 8) / 512 * 0x9e3779b97f4a7c15u + 1;
		assert_int_equal(evms_volume_write(v, p, n, at), 0);
	}
	assert_int_equal(evms_volume_flush(v), 0);
	assert_int_equal(evms_volume_close(v), 0);
	free(p);
}

static void check(struct rig *r, const char *name, uint64_t from, uint64_t to)
{
	uint64_t at, i, *p = malloc(MIB);
	struct evms_volume *v;
	size_t n;

	assert_non_null(p);
	rig_ok(r, evms_volume_open(rig_find(r, name), EVMS_VOLUME_READ_ONLY, &v));
	for (at = from; at < to; at += n) {
		n = to - at < MIB ? to - at : MIB;
		assert_int_equal(evms_volume_read(v, p, n, at), 0);
		for (i = 0; i < n / 8; i++)
			if (p[i] != (at + i * 8) / 512 * 0x9e3779b97f4a7c15u + 1)
				fail_msg("%s: byte %" PRIu64 " is another one", name, at + i * 8);
	}
	evms_volume_close(v);
	free(p);
}

static uint64_t size_of(struct rig *r, const char *name)
{
	return evms_object_get_size(rig_find(r, name));
}

static void move_image(struct rig *r, const char *from, const char *to)
{
	assert_int_equal(rename(rig_path(r, from), rig_path(r, to)), 0);
}

static void copy_image(struct rig *r, const char *from, const char *to)
{
	char command[600];

	snprintf(command, sizeof(command), "cp --sparse=always '%s' '%s'", rig_path(r, from),
		 rig_path(r, to));
	assert_int_equal(system(command), 0);
}

static void damage(struct rig *r, const char *file, uint64_t offset)
{
	int fd = open(rig_path(r, file), O_RDWR | O_CLOEXEC);
	char byte;

	assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
	close(fd);
}

static bool has_note(struct rig *r, const char *name, const char *text)
{
	struct evms_object *o = rig_find(r, name);
	const char *note;
	size_t i;

	for (i = 0; (note = evms_object_get_note(o, i)); i++)
		if (strstr(note, text))
			return true;
	return false;
}

static uint32_t state_of(struct rig *r, const char *name)
{
	return evms_object_get_state(rig_find(r, name));
}

/* Links and where their bytes are; not whether copies of the metadata are stale. */
static char *view(struct rig *r)
{
	const uint32_t states = EVMS_STATE_READ_ONLY | EVMS_STATE_INCOMPLETE | EVMS_STATE_UNSUPPORTED;
	struct evms_object *o, *in;
	struct evms_list *all;
	struct evms_map_entry map;
	uint64_t offset;
	char *text = NULL;
	size_t size = 0, i;
	FILE *f = open_memstream(&text, &size);

	rig_ok(r, evms_engine_list(r->e, EVMS_KIND_FEATURE, &all));
	evms_list_foreach(o, all) {
		fprintf(f, "%s %" PRIu64 " %s %x\n", evms_object_get_name(o), evms_object_get_size(o),
			evms_object_get_uuid(o), evms_object_get_state(o) & states);
		for (i = 0; evms_object_get_map(o, i, &map) == 0; i++) {
			in = NULL;
			offset = 0;
			evms_object_get_map_input(o, i, 0, &in, &offset);
			fprintf(f, "  %" PRIu64 "+%" PRIu64 " %s %s@%" PRIu64 "\n", map.offset, map.size,
				map.target, in ? evms_object_get_name(in) : "", offset);
		}
	}
	evms_list_unref(all);
	fclose(f);
	return text;
}

/* What a user does who sees that something is damaged; on what cannot be repaired, nothing. */
static void repair(struct rig *r)
{
	struct evms_list *all;
	struct evms_task *t;
	struct evms_object *o;

	rig_ok(r, evms_engine_list(r->e, EVMS_KIND_FEATURE, &all));
	evms_list_foreach(o, all) {
		if (!(evms_object_get_state(o) & EVMS_STATE_DAMAGED))
			continue;
		rig_ok(r, evms_task_new(r->e, NULL, EVMS_OP_REPAIR, &t));
		rig_ok(r, evms_task_add_input(t, o));
		rig_ok(r, evms_task_run(t));
		evms_task_unref(t);
	}
	evms_list_unref(all);
	rig_commit(r);
	rig_ok(r, evms_engine_list(r->e, EVMS_KIND_FEATURE, &all));
	evms_list_foreach(o, all)
		assert_false(evms_object_get_state(o) & EVMS_STATE_DAMAGED);
	evms_list_unref(all);
}

static struct rig *linked_disks(void)
{
	struct rig *r = rig_new(three);

	rig_run(r, "drivelink", EVMS_OP_CREATE, "a.img b.img c.img", "name=link");
	rig_commit(r);
	rig_again(r);
	return r;
}

/* --- what it is made of --- */

static void test_disks(void **state)
{
	const uint64_t a = ON_CHILD(8), b = ON_CHILD(12), c = ON_CHILD(9);
	struct rig *r = linked_disks();
	uint64_t word;
	int fd;

	(void)state;
	assert_int_equal(size_of(r, "feature:link"), a + b + c);
	assert_int_equal(state_of(r, "feature:link"), 0);
	assert_int_equal(r->messages, 0);
	fill(r, "volume:link", 0, a + b + c);
	rig_again(r);
	check(r, "volume:link", 0, a + b + c);
	/* In order, each child from its first MiB on: as the format says, without this library. */
	fd = open(rig_path(r, "b.img"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, &word, 8, MIB), 8);
	assert_true(word == a / 512 * 0x9e3779b97f4a7c15u + 1);
	assert_int_equal(pread(fd, &word, 8, (off_t)(MIB + b - 512)), 8);
	assert_true(word == ((a + b) / 512 - 1) * 0x9e3779b97f4a7c15u + 1);
	close(fd);
	/* Names of devices do not matter. */
	move_image(r, "a.img", "x");
	move_image(r, "c.img", "a.img");
	move_image(r, "b.img", "c.img");
	move_image(r, "x", "b.img");
	rig_again(r);
	assert_int_equal(state_of(r, "feature:link"), 0);
	check(r, "volume:link", 0, a + b + c);
	rig_free(r);
}

/* Partitions, a region, an array and another link, in one link. */
static void test_everything(void **state)
{
	static const unsigned disks[] = { 64, 64, 16, 16, 12, 13, 0 };
	struct rig *r = rig_new(disks);
	char *planned, *found;
	uint64_t size;

	(void)state;
	rig_run(r, "gpt", EVMS_OP_ASSIGN, "a.img", "");
	rig_run(r, "dos", EVMS_OP_ASSIGN, "b.img", "");
	rig_run(r, "gpt", EVMS_OP_CREATE, "a.img", "name=part size=7M");
	rig_run(r, "gpt", EVMS_OP_CREATE, "a.img", "name=pv type=lvm");
	rig_run(r, "dos", EVMS_OP_CREATE, "b.img", "size=11M");
	rig_run(r, "lvm2", EVMS_OP_CREATE, "a.img/pv", "name=vg");
	rig_run(r, "lvm2", EVMS_OP_CREATE, "group:vg", "name=lv size=20M");
	rig_run(r, "raid", EVMS_OP_CREATE, "c.img d.img", "name=stripe chunk=64K");
	rig_run(r, "drivelink", EVMS_OP_CREATE, "e.img f.img", "name=inner");
	rig_run(r, "drivelink", EVMS_OP_CREATE, "a.img/part vg/lv feature:stripe feature:inner b.img/p1",
		"name=outer");
	rig_plan(r);
	rig_commit(r);
	planned = rig_model(r);
	rig_again(r);
	found = rig_model(r);
	assert_string_equal(planned, found);
	assert_int_equal(r->messages, 0);
	size = size_of(r, "feature:outer");
	fill(r, "volume:outer", 0, size);
	rig_again(r);
	check(r, "volume:outer", 0, size);
	/* A child is nobody's volume, and cannot be changed behind the link's back. */
	assert_null(evms_engine_find(r->e, EVMS_KIND_VOLUME, "inner"));
	rig_refused(r, EBUSY, "object.used", NULL, EVMS_OP_DELETE, "feature:inner", "");
	rig_refused(r, EBUSY, "object.used", NULL, EVMS_OP_EXPAND, "vg/lv", "size=24M");
	rig_refused(r, EBUSY, "object.used", NULL, EVMS_OP_DELETE, "a.img/part", "");
	/* From the top down, all goes away again. */
	rig_run(r, NULL, EVMS_OP_DELETE, "feature:outer", "");
	rig_run(r, NULL, EVMS_OP_DELETE, "feature:inner", "");
	rig_run(r, NULL, EVMS_OP_DELETE, "feature:stripe", "");
	rig_commit(r);
	rig_again(r);
	assert_int_equal(r->messages, 0);
	assert_null(evms_engine_find(r->e, EVMS_KIND_FEATURE, "outer"));
	assert_null(evms_engine_find(r->e, EVMS_KIND_FEATURE, "inner"));
	assert_true(state_of(r, "disk:e.img") & EVMS_STATE_NEW);
	free(planned);
	free(found);
	rig_free(r);
}

/* --- what is missing, double or damaged --- */

static void test_missing_child(void **state)
{
	const uint64_t a = ON_CHILD(8), b = ON_CHILD(12), c = ON_CHILD(9);
	struct rig *r = linked_disks();
	struct evms_volume *v;
	char sector[512];

	(void)state;
	fill(r, "volume:link", 0, a + b + c);
	move_image(r, "b.img", "away");
	move_image(r, "c.img", "b.img");
	rig_again(r);
	assert_int_equal(size_of(r, "feature:link"), a + b + c);
	assert_true(state_of(r, "feature:link") & EVMS_STATE_INCOMPLETE);
	assert_true(state_of(r, "feature:link") & EVMS_STATE_READ_ONLY);
	assert_true(has_note(r, "feature:link", "child 2 of 3 is missing"));
	check(r, "volume:link", 0, a);
	check(r, "volume:link", a + b, a + b + c);
	assert_int_equal(evms_volume_open(rig_find(r, "volume:link"), 0, &v), -EROFS);
	rig_ok(r, evms_volume_open(rig_find(r, "volume:link"), EVMS_VOLUME_READ_ONLY, &v));
	assert_int_equal(evms_volume_read(v, sector, 512, a), -EIO);
	assert_int_equal(evms_volume_read(v, sector, 512, a + b - 512), -EIO);
	assert_int_equal(evms_volume_read(v, sector, 512, a - 512), 0);
	evms_volume_close(v);
	rig_refused(r, EROFS, "", NULL, EVMS_OP_RENAME, "feature:link", "name=other");
	rig_refused(r, EROFS, "", NULL, EVMS_OP_REPAIR, "feature:link", "");
	rig_refused(r, EROFS, "", "ext", EVMS_OP_MKFS, "volume:link", "");
	/* It comes back. */
	move_image(r, "b.img", "c.img");
	move_image(r, "away", "b.img");
	rig_again(r);
	assert_int_equal(state_of(r, "feature:link"), 0);
	check(r, "volume:link", 0, a + b + c);
	/* All but one are gone; the last one goes too, and is free again. */
	unlink(rig_path(r, "c.img"));
	unlink(rig_path(r, "b.img"));
	rig_again(r);
	assert_true(state_of(r, "feature:link") & EVMS_STATE_INCOMPLETE);
	rig_run(r, NULL, EVMS_OP_DELETE, "feature:link", "");
	rig_commit(r);
	rig_again(r);
	assert_true(state_of(r, "disk:a.img") & EVMS_STATE_NEW);
	rig_free(r);
}

static void test_cloned_child(void **state)
{
	const uint64_t size = ON_CHILD(8) + ON_CHILD(12) + ON_CHILD(9);
	struct rig *r = linked_disks();

	(void)state;
	fill(r, "volume:link", 0, size);
	copy_image(r, "b.img", "d.img");
	rig_again(r);
	assert_true(state_of(r, "feature:link") & EVMS_STATE_READ_ONLY);
	assert_true(has_note(r, "feature:link", "d.img is a copy of another child"));
	check(r, "volume:link", 0, size);
	rig_refused(r, EROFS, "", NULL, EVMS_OP_RENAME, "feature:link", "name=other");
	/* Nobody else may take the copy by mistake; wiping it resolves the matter. */
	assert_null(evms_engine_find(r->e, EVMS_KIND_VOLUME, "d.img"));
	rig_run(r, NULL, EVMS_OP_WIPE, "disk:d.img", "");
	rig_commit(r);
	rig_again(r);
	assert_int_equal(state_of(r, "feature:link"), 0);
	check(r, "volume:link", 0, size);
	rig_free(r);
}

static void test_damaged_copies(void **state)
{
	static const struct { const char *file; uint64_t offset; } places[] = {
		{ "a.img", 40 }, { "a.img", 600 }, { "b.img", 0 }, { "c.img", 9 * MIB - AREA + 40 },
		{ "b.img", 12 * MIB - AREA + 520 }, { "a.img", 8 * MIB - AREA },
	};
	const uint64_t size = ON_CHILD(8) + ON_CHILD(12) + ON_CHILD(9);
	struct rig *r = linked_disks();
	size_t i;

	(void)state;
	fill(r, "volume:link", 0, size);
	for (i = 0; i < sizeof(places) / sizeof(*places); i++) {
		damage(r, places[i].file, places[i].offset);
		rig_again(r);
		assert_int_equal(state_of(r, "feature:link"), EVMS_STATE_DAMAGED);
		assert_true(has_note(r, "feature:link", "old or damaged"));
		check(r, "volume:link", 0, size);
		rig_run(r, NULL, EVMS_OP_REPAIR, "feature:link", "");
		rig_commit(r);
		rig_again(r);
		assert_int_equal(state_of(r, "feature:link"), 0);
	}
	/* Both copies of one child: that child cannot be told any more, and says so itself. */
	damage(r, "b.img", 40);
	damage(r, "b.img", 12 * MIB - AREA + 40);
	rig_again(r);
	assert_true(state_of(r, "feature:link") & EVMS_STATE_INCOMPLETE);
	assert_true(state_of(r, "disk:b.img") & EVMS_STATE_DAMAGED);
	check(r, "volume:link", 0, ON_CHILD(8));
	rig_free(r);
}

static uint32_t crc32c(const unsigned char *p, size_t len)
{
	uint32_t crc = 0xffffffffu;
	int bit;

	while (len--) {
		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return ~crc;
}

static void seal(unsigned char *copy)
{
	uint32_t crc, i;

	memset(copy + 12, 0, 4);
	crc = crc32c(copy, 4096);
	for (i = 0; i < 4; i++)
		copy[12 + i] = (unsigned char)(crc >> 8 * i & 0xff);
}

/* Valid checksums, any nonsense under them: nothing crashes, and no byte is read from a wrong place. */
static void test_any_byte(void **state)
{
	static const unsigned char values[] = { 0, 1, 0x7f, 0x80, 0xff };
	const uint64_t b = ON_CHILD(12), a = ON_CHILD(8);
	struct rig *r = linked_disks();
	int fd = open(rig_path(r, "b.img"), O_RDWR | O_CLOEXEC);
	unsigned char good[4096], bad[4096];
	struct evms_object *o;
	unsigned at;
	size_t k;

	(void)state;
	fill(r, "volume:link", 0, a + b);
	assert_int_equal(pread(fd, good, sizeof(good), 0), sizeof(good));
	memcpy(bad, good, sizeof(bad));
	seal(bad);
	assert_memory_equal(bad, good, sizeof(good));	/* it is the checksum */
	for (at = 0; at < 608; at += at < 128 ? 1 : 7) {
		for (k = at % 2; k < sizeof(values); k += 2) {
			memcpy(bad, good, sizeof(bad));
			bad[at] = values[k];
			seal(bad);
			assert_int_equal(pwrite(fd, bad, sizeof(bad), 0), sizeof(bad));
			rig_again(r);
			assert_non_null(evms_engine_find(r->e, EVMS_KIND_DISK, "b.img"));
			o = evms_engine_find(r->e, EVMS_KIND_FEATURE, "link");
			if (o && evms_engine_find(r->e, EVMS_KIND_VOLUME, "link"))
				check(r, "volume:link", 0, a);
		}
	}
	assert_int_equal(pwrite(fd, good, sizeof(good), 0), sizeof(good));
	close(fd);
	rig_again(r);
	assert_int_equal(state_of(r, "feature:link"), 0);
	check(r, "volume:link", 0, a + b);
	rig_free(r);
}

/* A child that was cut short is not what it was; one that was made longer is. */
static void test_resized_child(void **state)
{
	const uint64_t size = ON_CHILD(8) + ON_CHILD(12) + ON_CHILD(9);
	struct rig *r = linked_disks();

	(void)state;
	fill(r, "volume:link", 0, size);
	assert_int_equal(truncate(rig_path(r, "b.img"), 14 << 20), 0);
	rig_again(r);
	assert_int_equal(size_of(r, "feature:link"), size);
	assert_false(state_of(r, "feature:link") & (EVMS_STATE_INCOMPLETE | EVMS_STATE_READ_ONLY));
	check(r, "volume:link", 0, size);
	rig_run(r, NULL, EVMS_OP_RENAME, "feature:link", "name=again");
	rig_commit(r);
	rig_again(r);
	check(r, "volume:again", 0, size);
	assert_int_equal(truncate(rig_path(r, "b.img"), 11 << 20), 0);
	rig_again(r);
	assert_true(state_of(r, "feature:again") & EVMS_STATE_INCOMPLETE);
	check(r, "volume:again", 0, ON_CHILD(8));
	rig_free(r);
}

/* --- changes --- */

static void test_shrink_and_rename(void **state)
{
	const uint64_t a = ON_CHILD(8), b = ON_CHILD(12), c = ON_CHILD(9);
	struct rig *r = linked_disks();
	struct evms_limits l;

	(void)state;
	rig_refused(r, EINVAL, "drivelink.order", NULL, EVMS_OP_SHRINK, "feature:link disk:b.img", "");
	rig_refused(r, ERANGE, "drivelink.size", NULL, EVMS_OP_SHRINK, "feature:link", "size=10M");
	rig_refused(r, EINVAL, "", NULL, EVMS_OP_RENAME, "feature:link", "name=a/b");
	rig_ok(r, evms_object_get_limits(rig_find(r, "feature:link"), &l));
	assert_int_equal(l.max_size, a + b + c);
	/* What is there is no file system: it must be given up first. */
	fill(r, "volume:link", 0, a + b);
	rig_refused(r, EBUSY, "shrink.unknown", NULL, EVMS_OP_SHRINK, "feature:link disk:c.img", "");
	rig_run(r, NULL, EVMS_OP_WIPE, "feature:link", "");
	rig_commit(r);
	rig_run(r, NULL, EVMS_OP_SHRINK, "feature:link disk:c.img", "");
	rig_run(r, NULL, EVMS_OP_RENAME, "feature:link", "name=less");
	rig_commit(r);
	rig_again(r);
	assert_int_equal(size_of(r, "feature:less"), a + b);
	assert_int_equal(state_of(r, "feature:less"), 0);
	assert_true(state_of(r, "disk:c.img") & EVMS_STATE_NEW);
	assert_int_equal(r->messages, 0);
	rig_run(r, NULL, EVMS_OP_EXPAND, "feature:less disk:c.img", "");
	rig_commit(r);
	rig_again(r);
	assert_int_equal(size_of(r, "feature:less"), a + b + c);
	rig_free(r);
}

static void test_refusals(void **state)
{
	struct rig *r = rig_new(three);
	uint64_t hash = rig_hash(r, "a.img");
	char small[] = "d.img";
	int fd = open(rig_path(r, small), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	(void)state;
	assert_int_equal(ftruncate(fd, MIB + 2 * AREA - 512), 0);
	close(fd);
	rig_again(r);
	rig_refused(r, ENOSPC, "drivelink.small", "drivelink", EVMS_OP_CREATE, "a.img d.img", "name=x");
	rig_refused(r, EINVAL, "option.missing", "drivelink", EVMS_OP_CREATE, "a.img b.img", "");
	rig_refused(r, EINVAL, "", "drivelink", EVMS_OP_CREATE, "a.img a.img", "name=x");
	rig_refused(r, EINVAL, "drivelink.name", "drivelink", EVMS_OP_CREATE, "a.img b.img", "name=..");
	rig_commit(r);
	assert_true(rig_hash(r, "a.img") == hash);
	/* The smallest child that there can be. */
	assert_int_equal(truncate(rig_path(r, small), MIB + 2 * AREA), 0);
	rig_again(r);
	rig_run(r, "drivelink", EVMS_OP_CREATE, "d.img", "name=x");
	rig_commit(r);
	rig_again(r);
	assert_int_equal(size_of(r, "feature:x"), AREA);
	fill(r, "volume:x", 0, AREA);
	check(r, "volume:x", 0, AREA);
	rig_free(r);
}

/* As many children as there can be, on partitions. */
static void test_many(void **state)
{
	static const unsigned disks[] = { 256, 0 };
	char inputs[1024] = "", name[32];
	struct rig *r = rig_new(disks);
	uint64_t size;
	int i;

	(void)state;
	rig_run(r, "gpt", EVMS_OP_ASSIGN, "a.img", "");
	for (i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "name=c%d size=2M", i);
		rig_run(r, "gpt", EVMS_OP_CREATE, "a.img", name);
		snprintf(inputs + strlen(inputs), sizeof(inputs) - strlen(inputs), "a.img/c%d ", i);
	}
	rig_run(r, "drivelink", EVMS_OP_CREATE, inputs, "name=long");
	rig_commit(r);
	rig_again(r);
	size = size_of(r, "feature:long");
	assert_int_equal(size, 60 * ON_CHILD(2));
	assert_int_equal(r->messages, 0);
	fill(r, "volume:long", 0, size);
	check(r, "volume:long", 0, size);
	rig_free(r);
}

/* ext4 on a link that grows: the file system follows. */
static void test_grow_with_ext4(void **state)
{
	static const unsigned disks[] = { 40, 64, 0 };
	struct rig *r = rig_new(disks);
	struct evms_object *v;

	(void)state;
	if (access("/sbin/mke2fs", X_OK) && access("/usr/sbin/mke2fs", X_OK)) {
		rig_free(r);
		skip();
	}
	rig_run(r, "drivelink", EVMS_OP_CREATE, "a.img", "name=link");
	rig_run(r, "ext", EVMS_OP_MKFS, "volume:link", "label=grows");
	rig_commit(r);
	rig_run(r, NULL, EVMS_OP_EXPAND, "feature:link disk:b.img", "");
	rig_commit(r);
	rig_again(r);
	v = rig_find(r, "volume:link");
	assert_string_equal(evms_object_get_fs_type(v), "ext4");
	assert_string_equal(evms_object_get_fs_label(v), "grows");
	assert_int_equal(evms_object_get_size(v), ON_CHILD(40) + ON_CHILD(64));
	assert_int_equal(evms_object_get_fs_size(v), evms_object_get_size(v) / 4096 * 4096);
	rig_run(r, NULL, EVMS_OP_CHECK, "volume:link", "");
	rig_commit(r);
	/* And shrinks before the last child goes. */
	rig_run(r, NULL, EVMS_OP_SHRINK, "feature:link disk:b.img", "");
	rig_commit(r);
	rig_again(r);
	v = rig_find(r, "volume:link");
	assert_int_equal(evms_object_get_fs_size(v), ON_CHILD(40) / 4096 * 4096);
	assert_int_equal(evms_object_get_size(v), ON_CHILD(40));
	rig_run(r, NULL, EVMS_OP_CHECK, "volume:link", "");
	rig_commit(r);
	rig_free(r);
}

/* --- power cuts --- */

static void test_crash_create(void **state)
{
	struct rig *r = rig_new(three);

	(void)state;
	rig_run(r, "drivelink", EVMS_OP_CREATE, "a.img b.img c.img", "name=link");
	assert_true(crash_check(r, view, repair) > 10);
	rig_free(r);
}

static void test_crash_rename(void **state)
{
	struct rig *r = linked_disks();

	(void)state;
	rig_run(r, NULL, EVMS_OP_RENAME, "feature:link", "name=other");
	assert_true(crash_check(r, view, repair) > 10);
	rig_free(r);
}

static void test_crash_expand(void **state)
{
	static const unsigned four[] = { 8, 12, 9, 10, 0 };
	struct rig *r = rig_new(four);

	(void)state;
	rig_run(r, "drivelink", EVMS_OP_CREATE, "a.img b.img", "name=link");
	rig_commit(r);
	rig_run(r, NULL, EVMS_OP_EXPAND, "feature:link disk:c.img disk:d.img", "");
	assert_true(crash_check(r, view, repair) > 10);
	rig_free(r);
}

static void test_crash_shrink(void **state)
{
	struct rig *r = linked_disks();

	(void)state;
	rig_run(r, NULL, EVMS_OP_SHRINK, "feature:link disk:c.img disk:b.img", "");
	assert_true(crash_check(r, view, repair) > 10);
	rig_free(r);
}

static void test_crash_delete(void **state)
{
	struct rig *r = linked_disks();

	(void)state;
	rig_run(r, NULL, EVMS_OP_DELETE, "feature:link", "");
	assert_true(crash_check(r, view, repair) > 10);
	rig_free(r);
}

/* Repair itself is cut off. */
static void test_crash_repair(void **state)
{
	struct rig *r = linked_disks();

	(void)state;
	damage(r, "a.img", 40);
	damage(r, "c.img", 9 * MIB - AREA + 40);
	rig_again(r);
	rig_run(r, NULL, EVMS_OP_REPAIR, "feature:link", "");
	rig_run(r, NULL, EVMS_OP_RENAME, "feature:link", "name=other");
	assert_true(crash_check(r, view, repair) > 10);
	rig_free(r);
}

/* Layers that are made in one commit. On one disk: what spans disks takes a journal. */
static void test_crash_stack(void **state)
{
	static const unsigned disks[] = { 64, 0 };
	struct rig *r = rig_new(disks);

	(void)state;
	rig_run(r, "gpt", EVMS_OP_ASSIGN, "a.img", "");
	rig_run(r, "gpt", EVMS_OP_CREATE, "a.img", "name=x size=8M");
	rig_run(r, "gpt", EVMS_OP_CREATE, "a.img", "name=y size=9M");
	rig_run(r, "drivelink", EVMS_OP_CREATE, "a.img/x a.img/y", "name=link");
	assert_true(crash_check(r, view, NULL) > 10);
	rig_free(r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_disks), cmocka_unit_test(test_everything),
		cmocka_unit_test(test_missing_child), cmocka_unit_test(test_cloned_child),
		cmocka_unit_test(test_damaged_copies), cmocka_unit_test(test_any_byte),
		cmocka_unit_test(test_resized_child),
		cmocka_unit_test(test_shrink_and_rename), cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_many), cmocka_unit_test(test_grow_with_ext4),
		cmocka_unit_test(test_crash_create), cmocka_unit_test(test_crash_rename),
		cmocka_unit_test(test_crash_expand), cmocka_unit_test(test_crash_shrink),
		cmocka_unit_test(test_crash_delete), cmocka_unit_test(test_crash_repair),
		cmocka_unit_test(test_crash_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
