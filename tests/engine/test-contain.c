/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Plug-ins that misbehave (plugins/, built by contain.test): whatever they do costs them, and their disk,
 * and nobody else. Three disks: a.img and c.img are good, b.img asks a plug-in to misbehave.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "tests/engine/rig.h"

#define MIB	(UINT64_C(1) << 20)

static struct rig *rig;
static char *good;		/* the model of the good disks */

/* The lines of the model that have nothing to do with b.img and what is made of it. */
static char *good_model(void)
{
	char *all = rig_model(rig), *text = NULL, *line, *save;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	for (line = strtok_r(all, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (!strstr(line, "b.img") && !strstr(line, "misfit") && !strstr(line, "xored") &&
		    !strstr(line, "twin"))
			fprintf(f, "%s\n", line);
	fclose(f);
	free(all);
	return text;
}

static void good_is_as_before(void)
{
	char *now = good_model();

	assert_string_equal(good, now);
	free(now);
}

static void write_b(uint64_t offset, const void *bytes, size_t len)
{
	int fd = open(rig_path(rig, "b.img"), O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, (off_t)offset), (ssize_t)len);
	close(fd);
}

/* b.img is empty but for its first block, and all is discovered anew. */
static void look(const char *magic, const char *how)
{
	char block[512] = "";
	const char *path = rig_path(rig, "b.img");

	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(truncate(path, 64 << 20), 0);
	snprintf(block, sizeof(block), "%s%s", magic, how);
	write_b(0, block, sizeof(block));
	rig->messages = 0;
	rig->last[0] = '\0';
	rig_again(rig);
	good_is_as_before();
}

static size_t count_of(const char *plugin, uint32_t kinds)
{
	struct evms_list *list;
	struct evms_object *o;
	size_t n = 0;

	rig_ok(rig, evms_engine_list(rig->e, kinds, &list));
	evms_list_foreach(o, list)
		n += strcmp(evms_object_get_plugin(o), plugin) == 0;
	evms_list_unref(list);
	return n;
}

static bool has_note(const struct evms_object *o, const char *part)
{
	const char *note;
	size_t i;

	for (i = 0; (note = evms_object_get_note(o, i)); i++)
		if (strstr(note, part))
			return true;
	return false;
}

static struct evms_object *disk_b(void)
{
	return rig_find(rig, "disk:b.img");
}

/* --- discovery --- */

static const struct outcome {
	const char *how;
	const char *note;	/* a part of a note on b.img; NULL: none */
	const char *message;	/* a part of the last warning; NULL: none */
	size_t partitions;	/* or feature objects */
	bool claimed;
} part_outcomes[] = {
	{ "answer", NULL, "probe gave an answer that does not exist (77)", 0, false },
	{ "eio", "probe failed", "misfit-part", 0, false },
	{ "probe-produces", NULL, NULL, 0, false },
	{ "probe-writes", NULL, NULL, 0, false },
	{ "nothing", NULL, NULL, 0, true },
	{ "overlap", "overlap", "misfit-part", 0, false },
	{ "outside", "do not lie inside", "misfit-part", 0, false },
	{ "wraps", "do not lie inside", "misfit-part", 0, false },
	{ "outside-ignored", NULL, NULL, 1, true },
	{ "fails-late", "bad after all", "misfit-part", 0, false },
	{ "positive", NULL, NULL, 1, true },
	{ "block-size", NULL, NULL, 0, true },
	{ "tasks", NULL, NULL, 0, true },
}, feature_outcomes[] = {
	{ "nothing", NULL, NULL, 0, false },
	{ "writes", "nothing can be written", "misfit-feature", 0, false },
	{ "partition", "belongs to somebody else", "misfit-feature", 0, false },
	{ "huge", NULL, NULL, 1, false },
	{ "twice", "used by misfit", "misfit-feature", 0, false },
	{ "gap", "does not follow", "misfit-feature", 0, false },
	{ "gap-ignored", "does not follow", "misfit-feature", 0, false },
	{ "short", "covers", "misfit-feature", 0, false },
	{ "beyond", "leaves b.img", "misfit-feature", 0, false },
	{ "beyond-wraps", "leaves b.img", "misfit-feature", 0, false },
	{ "itself", "not one", "misfit-feature", 0, false },
	{ "no-input", "not one", "misfit-feature", 0, false },
	{ "stripes", "cannot have", "misfit-feature", 0, false },
	{ "no-map", NULL, NULL, 1, false },
	{ "consume-itself", "itself", "misfit-feature", 0, false },
	{ "fails-late", "bad after all", "misfit-feature", 0, false },
	{ "removes", NULL, NULL, 0, false },
	{ "joins-wait", "waits for more members", NULL, 0, false },
	{ "joins-nothing", NULL, NULL, 0, false },
	{ "joins-fails", "do not fit together", "misfit-feature", 0, false },
	{ "joins-long", NULL, NULL, 0, false },
	{ "good", NULL, NULL, 1, false },
}, group_outcomes[] = {
	{ "overlap", "overlap", "misfit-group", 0, false },
	{ "outside", "do not lie inside", "misfit-group", 0, false },
	{ "wraps", "no region", "misfit-group", 0, false },
	{ "short-map", "covers", "misfit-group", 0, false },
	{ "itself", "itself", "misfit-group", 0, false },
	{ "fails-late", "bad after all", "misfit-group", 0, false },
	{ "releases", "cannot be released", "misfit-group", 0, false },
	{ "good", NULL, NULL, 1, false },
};

static void check_outcome(const char *plugin, uint32_t kind, const struct outcome *o)
{
	struct evms_object *disk = disk_b();

	print_message("%s %s\n", plugin, o->how);
	assert_int_equal(count_of(plugin, kind), o->partitions);
	assert_string_equal(evms_object_get_manager(disk), o->claimed ? plugin : "");
	if (!o->note)
		assert_null(evms_object_get_note(disk, 0));
	else if (!has_note(disk, o->note))
		fail_msg("no note with \"%s\" but \"%s\"", o->note, evms_object_get_note(disk, 0));
	if (!o->message)
		assert_int_equal(rig->messages, 0);
	else if (!strstr(rig->last, o->message))
		fail_msg("\"%s\" is not in \"%s\"", o->message, rig->last);
	if (o->note)
		assert_true(evms_object_get_state(disk) & (EVMS_STATE_DAMAGED | EVMS_STATE_INCOMPLETE));
	if (o->note && !strstr(rig->last, "b.img") && !strncmp(rig->last, "misfit-", 7))
		fail_msg("\"%s\" does not say which object", rig->last);
}

static void test_partition_managers(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(part_outcomes) / sizeof(part_outcomes[0]); i++) {
		look("MISFIT-P ", part_outcomes[i].how);
		check_outcome("misfit-part", EVMS_KIND_PARTITION, &part_outcomes[i]);
		if (!part_outcomes[i].claimed)
			assert_int_equal(count_of("misfit-part", EVMS_KIND_ANY), 0);
	}
}

static void test_features(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(feature_outcomes) / sizeof(feature_outcomes[0]); i++) {
		look("MISFIT-F ", feature_outcomes[i].how);
		check_outcome("misfit-feature", EVMS_KIND_FEATURE, &feature_outcomes[i]);
		assert_int_equal(count_of("misfit-feature", EVMS_KIND_ANY), feature_outcomes[i].partitions);
	}
}

static void test_groups(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(group_outcomes) / sizeof(group_outcomes[0]); i++) {
		look("MISFIT-G ", group_outcomes[i].how);
		check_outcome("misfit-group", EVMS_KIND_REGION, &group_outcomes[i]);
		if (!group_outcomes[i].partitions)
			assert_int_equal(count_of("misfit-group", EVMS_KIND_ANY), 0);
	}
}

/* Everything that would change an object of somebody else is refused. */
static void test_foreign_objects(void **state)
{
	struct evms_value v = { .type = 0 };

	(void)state;
	look("MISFIT-F ", "foreign");
	rig_ok(rig, evms_object_get_value(rig_find(rig, "feature:misfit"), "misfit-feature.refused", &v));
	assert_int_equal(v.u.u64, 13);
	assert_int_equal(count_of("misfit-feature", EVMS_KIND_ANY), 1);
}

/* What a plug-in makes is for it again: that ends somewhere. */
static void test_endless(void **state)
{
	(void)state;
	look("MISFIT-F ", "endless");
	assert_in_range(count_of("misfit-feature", EVMS_KIND_FEATURE), 2, 100);
}

static void test_twins(void **state)
{
	struct evms_object *disk;

	(void)state;
	look("TWINTWIN", "");
	disk = disk_b();
	assert_true(has_note(disk, "twin-a") && has_note(disk, "twin-b"));
	assert_non_null(strstr(rig->last, "twin-a"));
	assert_non_null(strstr(rig->last, "twin-b"));
	assert_int_equal(count_of("twin-a", EVMS_KIND_ANY) + count_of("twin-b", EVMS_KIND_ANY), 0);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Very many objects, and the same taken back: linear in time. */
static void test_crowd(void **state)
{
	double start = seconds(), took;

	(void)state;
	look("MISFIT-P ", "crowd");
	took = seconds() - start;
	print_message("100,000 partitions: %.2f s\n", took);
	assert_int_equal(count_of("misfit-part", EVMS_KIND_PARTITION), 100000);
	assert_true(took < 20);
	start = seconds();
	look("MISFIT-P ", "crowd-fails");
	took = seconds() - start;
	print_message("and taken back: %.2f s\n", took);
	assert_int_equal(count_of("misfit-part", EVMS_KIND_ANY), 0);
	assert_true(took < 20);
}

/* --- changing --- */

static struct evms_object *find_quietly(const char *name)
{
	return evms_engine_find(rig->e, EVMS_KIND_ANY, name);
}

/* A plan on b.img must fail like this, and nothing be written anywhere. */
static void plan_fails(const char *how, int error, const char *reason)
{
	uint64_t a, b, c;
	struct evms_plan *plan = NULL;
	const struct evms_error *e;
	int r;

	look("MISFIT-P ", how);
	a = rig_hash(rig, "a.img");
	b = rig_hash(rig, "b.img");
	c = rig_hash(rig, "c.img");
	rig_run(rig, "misfit-part", EVMS_OP_CREATE, "disk:b.img", "");
	r = evms_engine_plan(rig->e, &plan);
	e = evms_engine_get_error(rig->e);
	print_message("%s: %s [%s]\n", how, evms_error_get_message(e), evms_error_get_reason(e));
	evms_plan_unref(plan);
	assert_int_equal(r, -error);
	assert_int_equal(evms_error_get_errno(e), error);
	assert_int_equal(strncmp(evms_error_get_reason(e), reason, strlen(reason)), 0);
	assert_string_equal(evms_error_get_plugin(e), "misfit-part");
	assert_true(rig_hash(rig, "a.img") == a && rig_hash(rig, "b.img") == b && rig_hash(rig, "c.img") == c);
	good_is_as_before();
	/* The task can be taken back, and everything else goes on. */
	rig_ok(rig, evms_engine_undo(rig->e));
	assert_int_equal(evms_engine_get_task_count(rig->e), 0);
	rig_run(rig, "gpt", EVMS_OP_CREATE, "disk:a.img", "name=other size=1M");
	rig_plan(rig);
	rig_ok(rig, evms_engine_undo(rig->e));
	good_is_as_before();
}

static void test_write(void **state)
{
	(void)state;
	plan_fails("write-nothing", EPROTO, "verify.");
	plan_fails("write-wrong", EPROTO, "verify.");
	plan_fails("write-positive", EPROTO, "plugin.write");
	plan_fails("write-fails", EIO, "plugin.write");
	plan_fails("write-outside", ERANGE, "object.write");
	plan_fails("write-phase", EINVAL, "plugin.phase");
	plan_fails("write-foreign", EPERM, "plugin.owner");
	plan_fails("write-data", EPERM, "plugin.data");
}

/* What is refused and ignored does no harm. */
static void test_write_ignored(void **state)
{
	static const char *const hows[] = { "write-outside-ignored", "write-foreign-ignored", "write-adds" };
	uint64_t a, c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
		look("MISFIT-P ", hows[i]);
		a = rig_hash(rig, "a.img");
		c = rig_hash(rig, "c.img");
		rig_run(rig, "misfit-part", EVMS_OP_CREATE, "disk:b.img", "");
		rig_plan(rig);
		assert_true(rig_hash(rig, "a.img") == a && rig_hash(rig, "c.img") == c);
	}
}

/* Other bytes each time: what is written is what was verified. */
static void test_write_random(void **state)
{
	char *planned, *found;

	(void)state;
	look("MISFIT-P ", "write-random");
	rig_run(rig, "misfit-part", EVMS_OP_CREATE, "disk:b.img", "");
	rig_run(rig, "misfit-part", EVMS_OP_CREATE, "disk:b.img", "");
	rig_plan(rig);
	rig_plan(rig);
	rig_commit(rig);
	planned = rig_model(rig);
	rig_again(rig);
	found = rig_model(rig);
	assert_string_equal(planned, found);
	assert_int_equal(count_of("misfit-part", EVMS_KIND_PARTITION), 2);
	free(planned);
	free(found);
	good_is_as_before();
}

/* An operation that fails after it changed the model has changed nothing. */
static void test_create_fails(void **state)
{
	char *before, *after;

	(void)state;
	look("MISFIT-P ", "create-fails");
	before = rig_model(rig);
	rig_refused(rig, EINVAL, "misfit-part.create", "misfit-part", EVMS_OP_CREATE, "disk:b.img", "");
	after = rig_model(rig);
	assert_string_equal(before, after);
	free(before);
	free(after);
	look("MISFIT-P ", "create-positive");
	before = rig_model(rig);
	rig_refused(rig, EPROTO, "", "misfit-part", EVMS_OP_CREATE, "disk:b.img", "");
	after = rig_model(rig);
	assert_string_equal(before, after);
	free(before);
	free(after);
	look("", "");
	before = rig_model(rig);
	rig_refused(rig, EPROTO, "map.tiling", "misfit-feature", EVMS_OP_CREATE, "disk:b.img", "");
	after = rig_model(rig);
	assert_string_equal(before, after);
	free(before);
	free(after);
	assert_null(find_quietly("feature:misfit"));
}

/* --- a data path of its own --- */

static void test_runtime(void **state)
{
	char data[9000], back[9000], raw[9000];
	struct evms_volume *v;
	char *table;
	int fd;
	size_t i;

	(void)state;
	look("XORED", "");
	for (i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 7);
	rig_ok(rig, evms_volume_open(rig_find(rig, "volume:xored"), 0, &v));
	assert_int_equal(evms_volume_get_size(v), 64 * MIB - 4096);
	assert_int_equal(evms_volume_write(v, data, sizeof(data), 12345), 0);
	assert_int_equal(evms_volume_read(v, back, sizeof(back), 12345), 0);
	assert_memory_equal(data, back, sizeof(data));
	assert_int_equal(evms_volume_write(v, data, 512, 64 * MIB - 4096 - 512), 0);
	assert_int_equal(evms_volume_write(v, data, 513, 64 * MIB - 4096 - 512), -ERANGE);
	assert_int_equal(evms_volume_flush(v), 0);
	assert_int_equal(evms_volume_close(v), 0);
	fd = open(rig_path(rig, "b.img"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, raw, sizeof(raw), 4096 + 12345), (ssize_t)sizeof(raw));
	close(fd);
	for (i = 0; i < sizeof(raw); i++)
		assert_int_equal((uint8_t)raw[i], (uint8_t)(data[i] ^ 0x5a));
	/* From the table alone, without an engine. */
	rig_ok(rig, evms_object_get_table(rig_find(rig, "volume:xored"), &table));
	assert_int_equal(evms_volume_open_table(table, strlen(table), EVMS_VOLUME_READ_ONLY,
						getenv("EVMS_PLUGIN_PATH"), NULL, 0, &v), 0);
	memset(back, 0, sizeof(back));
	assert_int_equal(evms_volume_read(v, back, sizeof(back), 12345), 0);
	assert_memory_equal(data, back, sizeof(data));
	assert_int_equal(evms_volume_write(v, data, 1, 0), -EROFS);
	evms_volume_close(v);
	/* Without the plug-in the volume cannot be opened, and that is said. */
	raw[0] = '\0';
	assert_int_equal(evms_volume_open_table(table, strlen(table), EVMS_VOLUME_READ_ONLY, "/nowhere", raw,
						sizeof(raw), &v), -ENOTSUP);
	assert_non_null(strstr(raw, "xor"));
	free(table);
}

static int set_up(void **state)
{
	static const unsigned images[] = { 64, 64, 64, 0 };

	(void)state;
	rig = rig_new(images);
	rig_run(rig, "gpt", EVMS_OP_ASSIGN, "a.img", "");
	rig_run(rig, "gpt", EVMS_OP_CREATE, "a.img", "name=one size=20M");
	rig_run(rig, "gpt", EVMS_OP_CREATE, "a.img", "name=two size=20M");
	rig_run(rig, "drivelink", EVMS_OP_CREATE, "a.img/two", "name=link");
	rig_run(rig, "lvm2", EVMS_OP_CREATE, "c.img", "name=vg");
	rig_run(rig, "lvm2", EVMS_OP_CREATE, "group:vg", "name=home size=8M");
	rig_commit(rig);
	good = good_model();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(good);
	rig_free(rig);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_partition_managers),
		cmocka_unit_test(test_features),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_foreign_objects),
		cmocka_unit_test(test_endless),
		cmocka_unit_test(test_twins),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_write_ignored),
		cmocka_unit_test(test_write_random),
		cmocka_unit_test(test_create_fails),
		cmocka_unit_test(test_runtime),
		cmocka_unit_test(test_crowd),
	};

	/* contain.test builds the plug-ins. */
	if (!getenv("EVMS_TEST_MISFITS"))
		return 77;
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
