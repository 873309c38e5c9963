/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * File-system modules through the engine: what is planned is what blkid finds afterwards, whichever way the
 * tools are run; limits; and superblocks that are damaged or say more than the volume has.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/engine/rig.h"

#define MIB	(UINT64_C(1) << 20)

static const unsigned disk[] = { 400, 0 };

struct kind {
	const char *plugin, *options, *type;
	const char *label;		/* as it will be on the disk */
	const char *tool;
};

static const struct kind kinds[] = {
	{ "ext", "type=ext4 label=Name", "ext4", "Name", "mke2fs" },
	{ "ext", "type=ext3 label=Name", "ext3", "Name", "mke2fs" },
	{ "ext", "type=ext2 label=Name block-size=1024", "ext2", "Name", "mke2fs" },
	{ "vfat", "label=name bits=16", "vfat", "NAME", "mkfs.vfat" },
	{ "vfat", "label=name", "vfat", "NAME", "mkfs.vfat" },
	{ "swap", "label=Name", "swap", "Name", "mkswap" },
	{ "xfs", "label=Name", "xfs", "Name", "mkfs.xfs" },
};

static bool have(const char *tool)
{
	char command[128];

	snprintf(command, sizeof(command), "PATH=$PATH:/usr/sbin:/sbin command -v %s >/dev/null", tool);
	return system(command) == 0;
}

/* What blkid finds on the partition of a.img that begins at the first MiB. */
static const char *blkid(struct rig *r, const char *key, uint64_t size)
{
	static char text[256];
	char command[512];
	FILE *f;

	snprintf(command, sizeof(command), "PATH=$PATH:/usr/sbin:/sbin blkid -p -O 1048576 -S %" PRIu64
		 " -o value -s %s '%s'", size, key, rig_path(r, "a.img"));
	f = popen(command, "r");
	assert_non_null(f);
	if (!fgets(text, sizeof(text), f))
		text[0] = '\0';
	pclose(f);
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static struct evms_object *volume(struct rig *r)
{
	return rig_find(r, "volume:a.img/p");
}

static void make_and_compare(struct rig *r, const struct kind *k)
{
	char uuid[64], planned[64];
	uint64_t fs_size;

	rig_run(r, k->plugin, EVMS_OP_MKFS, "volume:a.img/p", k->options);
	snprintf(planned, sizeof(planned), "%s", evms_object_get_fs_uuid(volume(r)));
	fs_size = evms_object_get_fs_size(volume(r));
	assert_true(*planned);
	assert_string_equal(evms_object_get_fs_type(volume(r)), k->type);
	assert_string_equal(evms_object_get_fs_label(volume(r)), k->label);
	rig_plan(r);
	assert_string_equal(evms_object_get_fs_uuid(volume(r)), planned);
	rig_commit(r);
	rig_again(r);
	snprintf(uuid, sizeof(uuid), "%s", evms_object_get_fs_uuid(volume(r)));
	assert_string_equal(uuid, planned);
	assert_string_equal(evms_object_get_fs_label(volume(r)), k->label);
	assert_string_equal(evms_object_get_fs_type(volume(r)), k->type);
	if (evms_object_get_fs_size(volume(r)) != fs_size)
		fail_msg("%s: %" PRIu64 " bytes, planned %" PRIu64, k->type,
			 evms_object_get_fs_size(volume(r)), fs_size);
	assert_string_equal(blkid(r, "TYPE", 320 * MIB), k->type);
	assert_string_equal(blkid(r, "UUID", 320 * MIB), planned);
	assert_string_equal(blkid(r, "LABEL", 320 * MIB), k->label);
	if (strcmp(k->plugin, "swap")) {
		rig_run(r, NULL, EVMS_OP_CHECK, "volume:a.img/p", "");
		rig_commit(r);
	}
	rig_run(r, k->plugin, EVMS_OP_RENAME, "volume:a.img/p", "name=OTHER");
	assert_string_equal(evms_object_get_fs_label(volume(r)), "OTHER");
	rig_commit(r);
	rig_again(r);
	assert_string_equal(evms_object_get_fs_label(volume(r)), "OTHER");
	assert_string_equal(blkid(r, "LABEL", 320 * MIB), "OTHER");
	assert_string_equal(blkid(r, "UUID", 320 * MIB), planned);
	rig_run(r, NULL, EVMS_OP_UNMKFS, "volume:a.img/p", "");
	rig_commit(r);
	rig_again(r);
	assert_string_equal(evms_object_get_fs_type(volume(r)), "");
	assert_string_equal(blkid(r, "TYPE", 320 * MIB), "");
	assert_int_equal(r->messages, 0);
}

static struct rig *with_partition(void)
{
	struct rig *r = rig_new(disk);

	rig_run(r, "gpt", EVMS_OP_ASSIGN, "a.img", "");
	rig_run(r, "gpt", EVMS_OP_CREATE, "a.img", "name=p size=320M");
	rig_commit(r);
	return r;
}

static void all_kinds(void)
{
	struct rig *r = with_partition();
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (have(kinds[i].tool))
			make_and_compare(r, &kinds[i]);
	rig_free(r);
}

static void test_planned_is_made(void **state)
{
	(void)state;
	unsetenv("EVMS_NO_FUSE");
	all_kinds();
}

static void test_planned_is_made_without_fuse(void **state)
{
	(void)state;
	setenv("EVMS_NO_FUSE", "1", 1);
	all_kinds();
	unsetenv("EVMS_NO_FUSE");
}

/* Undo of another task runs mkfs again in the model: the uuid that was shown stays. */
static void test_uuid_survives_undo(void **state)
{
	struct rig *r = with_partition();
	char planned[64];

	(void)state;
	rig_run(r, "ext", EVMS_OP_MKFS, "volume:a.img/p", "");
	snprintf(planned, sizeof(planned), "%s", evms_object_get_fs_uuid(volume(r)));
	rig_run(r, "gpt", EVMS_OP_CREATE, "a.img", "name=q size=1M");
	rig_ok(r, evms_engine_undo(r->e));
	assert_string_equal(evms_object_get_fs_uuid(volume(r)), planned);
	rig_commit(r);
	rig_again(r);
	assert_string_equal(blkid(r, "UUID", 320 * MIB), planned);
	rig_free(r);
}

/* Made, grown and labelled in one plan. */
static void test_one_plan(void **state)
{
	struct rig *r = with_partition();

	(void)state;
	rig_run(r, "ext", EVMS_OP_MKFS, "volume:a.img/p", "label=first");
	rig_run(r, NULL, EVMS_OP_EXPAND, "partition:a.img/p", "size=350M");
	rig_run(r, "ext", EVMS_OP_RENAME, "volume:a.img/p", "name=second");
	rig_commit(r);
	rig_again(r);
	assert_string_equal(evms_object_get_fs_label(volume(r)), "second");
	assert_int_equal(evms_object_get_fs_size(volume(r)), 350 * MIB);
	rig_run(r, NULL, EVMS_OP_CHECK, "volume:a.img/p", "");
	rig_commit(r);
	rig_free(r);
}

/* The smallest size that is offered can be had; below it nothing is done. */
static void test_limits(void **state)
{
	static const char *const types[] = { "type=ext4", "type=ext3", "type=ext2 block-size=1024" };
	struct rig *r = with_partition();
	struct evms_limits l;
	char text[64];
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		rig_run(r, "ext", EVMS_OP_MKFS, "volume:a.img/p", types[i]);
		rig_commit(r);
		rig_ok(r, evms_object_get_limits(rig_find(r, "partition:a.img/p"), &l));
		assert_in_range(l.min_size, MIB, 319 * MIB);
		assert_true(l.max_size >= 380 * MIB && l.max_size < 400 * MIB);
		snprintf(text, sizeof(text), "size=%" PRIu64, l.min_size - l.step);
		rig_refused(r, ERANGE, "", NULL, EVMS_OP_SHRINK, "partition:a.img/p", text);
		snprintf(text, sizeof(text), "size=%" PRIu64, l.min_size);
		rig_run(r, NULL, EVMS_OP_SHRINK, "partition:a.img/p", text);
		rig_commit(r);
		snprintf(text, sizeof(text), "size=%" PRIu64, l.max_size);
		rig_run(r, NULL, EVMS_OP_EXPAND, "partition:a.img/p", text);
		rig_commit(r);
		rig_run(r, NULL, EVMS_OP_CHECK, "volume:a.img/p", "");
		rig_commit(r);
		rig_run(r, NULL, EVMS_OP_UNMKFS, "volume:a.img/p", "");
		rig_commit(r);
	}
	rig_free(r);
}

/* A file system on a bare disk: the tools work on the file itself. */
static void test_whole_disk(void **state)
{
	struct rig *r = rig_new(disk);
	char uuid[64];

	(void)state;
	rig_run(r, "ext", EVMS_OP_MKFS, "disk:a.img", "label=bare");
	snprintf(uuid, sizeof(uuid), "%s", evms_object_get_fs_uuid(rig_find(r, "volume:a.img")));
	rig_commit(r);
	rig_again(r);
	assert_string_equal(evms_object_get_fs_label(rig_find(r, "volume:a.img")), "bare");
	assert_string_equal(evms_object_get_fs_uuid(rig_find(r, "volume:a.img")), uuid);
	assert_int_equal(evms_object_get_size(rig_find(r, "disk:a.img")), 400 * MIB);
	rig_refused(r, EBUSY, "", "gpt", EVMS_OP_ASSIGN, "disk:a.img", "");
	rig_free(r);
}

static void poke(struct rig *r, uint64_t offset, char value)
{
	int fd = open(rig_path(r, "a.img"), O_RDWR | O_CLOEXEC);

	assert_int_equal(pwrite(fd, &value, 1, (off_t)offset), 1);
	close(fd);
}

/* The volume was cut: said so, left alone, and fine again when the end is back. */
static void test_larger_than_volume(void **state)
{
	static const char *const options[][2] = {
		{ "ext", "type=ext4" }, { "vfat", "" }, { "swap", "" }, { "xfs", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		struct rig *r = rig_new(disk);
		struct evms_object *v;

		if (!strcmp(options[i][0], "xfs") && !have("mkfs.xfs")) {
			rig_free(r);
			continue;
		}
		rig_run(r, options[i][0], EVMS_OP_MKFS, "disk:a.img", options[i][1]);
		rig_commit(r);
		assert_int_equal(truncate(rig_path(r, "a.img"), 350 << 20), 0);
		rig_again(r);
		v = rig_find(r, "volume:a.img");
		assert_string_equal(evms_object_get_fs_plugin(v), options[i][0]);
		assert_true(evms_object_get_state(v) & EVMS_STATE_DAMAGED);
		assert_true(evms_object_get_state(v) & EVMS_STATE_READ_ONLY);
		assert_true(strstr(evms_object_get_note(v, 0), "larger") ||
			    strstr(evms_object_get_note(v, 0), "only has"));
		rig_refused(r, EBUSY, "", options[i][0], EVMS_OP_RENAME, "volume:a.img", "name=X");
		assert_int_equal(truncate(rig_path(r, "a.img"), 400 << 20), 0);
		rig_again(r);
		assert_int_equal(evms_object_get_state(rig_find(r, "volume:a.img")) & EVMS_STATE_DAMAGED, 0);
		/* It can be given up, too. */
		assert_int_equal(truncate(rig_path(r, "a.img"), 350 << 20), 0);
		rig_again(r);
		rig_run(r, NULL, EVMS_OP_UNMKFS, "volume:a.img", "");
		rig_commit(r);
		rig_again(r);
		assert_true(evms_object_get_state(rig_find(r, "disk:a.img")) & EVMS_STATE_NEW);
		rig_free(r);
	}
}

/* Any byte of a superblock wrong: an answer, never more than a note, and the rest of the disk is there. */
static void test_damaged_superblocks(void **state)
{
	static const struct { const char *plugin, *options; uint64_t at; unsigned length; } places[] = {
		{ "ext", "type=ext4", 1024, 300 }, { "ext", "type=ext2", 1024, 140 }, { "vfat", "bits=16", 0, 64 },
		{ "vfat", "bits=32", 0, 96 }, { "swap", "", 1024, 48 }, { "xfs", "", 0, 256 },
	};
	static const char values[] = { 0, 1, '\x7f', '\xff' };
	struct rig *r = with_partition();
	unsigned byte, tried = 0;
	size_t i, k;
	char old;
	int fd;

	(void)state;
	for (i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (!strcmp(places[i].plugin, "xfs") && !have("mkfs.xfs"))
			continue;
		rig_run(r, places[i].plugin, EVMS_OP_MKFS, "volume:a.img/p", places[i].options);
		rig_commit(r);
		for (byte = 0; byte < places[i].length; byte += 1 + byte % 3) {
			fd = open(rig_path(r, "a.img"), O_RDONLY | O_CLOEXEC);
			assert_int_equal(pread(fd, &old, 1, (off_t)(MIB + places[i].at + byte)), 1);
			close(fd);
			for (k = 0; k < sizeof(values); k += 1 + byte % 2) {
				poke(r, MIB + places[i].at + byte, values[k]);
				rig_again(r);
				assert_non_null(rig_find(r, "volume:a.img/p"));
				evms_object_get_fs_used(volume(r));
				tried++;
			}
			poke(r, MIB + places[i].at + byte, old);
		}
		rig_again(r);
		assert_string_equal(evms_object_get_fs_plugin(volume(r)), places[i].plugin);
		assert_int_equal(evms_object_get_state(volume(r)) & EVMS_STATE_DAMAGED, 0);
		rig_run(r, NULL, EVMS_OP_UNMKFS, "volume:a.img/p", "");
		rig_commit(r);
	}
	assert_true(tried > 500);
	rig_free(r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_planned_is_made),
		cmocka_unit_test(test_planned_is_made_without_fuse),
		cmocka_unit_test(test_uuid_survives_undo), cmocka_unit_test(test_one_plan),
		cmocka_unit_test(test_limits), cmocka_unit_test(test_whole_disk),
		cmocka_unit_test(test_larger_than_volume), cmocka_unit_test(test_damaged_superblocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
