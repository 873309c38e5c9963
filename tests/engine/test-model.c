/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of a plan when tasks change their mind, fail, come again, or are stopped. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/engine/rig.h"

static const unsigned one_disk[] = { 128, 0 };
static const unsigned three_disks[] = { 128, 128, 128, 0 };

static struct rig *with_partition(void)
{
	struct rig *r = rig_new(one_disk);

	rig_run(r, "gpt", EVMS_OP_ASSIGN, "a.img", "");
	rig_run(r, "gpt", EVMS_OP_CREATE, "a.img", "name=one size=40M");
	return r;
}

static void put(struct rig *r, const char *file, const void *bytes, size_t len, off_t offset)
{
	int fd = open(rig_path(r, file), O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, bytes, len, offset), len);
	close(fd);
}

static const char *fs_on(struct rig *r, const char *name)
{
	return evms_object_get_fs_type(rig_find(r, name));
}

/* A deletion that the plug-in refuses wipes nothing later on: here an entry that a hybrid MBR shows as well. */
static void test_refused_delete(void **state)
{
	struct rig *r = with_partition();
	unsigned char entry[16] = { 0, 0, 2, 0, 0x83, 0xff, 0xff, 0xff, 0, 8, 0, 0, 0, 0x40, 1, 0 };

	(void)state;
	rig_run(r, "ext", EVMS_OP_MKFS, "volume:a.img/one", "");
	rig_commit(r);
	put(r, "a.img", entry, sizeof(entry), 446 + 16);
	rig_again(r);
	assert_string_equal(fs_on(r, "volume:a.img/one"), "ext4");
	rig_refused(r, EBUSY, "", NULL, EVMS_OP_DELETE, "a.img/one", "");
	rig_run(r, "gpt", EVMS_OP_CREATE, "a.img", "name=two size=10M");
	rig_commit(r);
	rig_again(r);
	assert_string_equal(fs_on(r, "volume:a.img/one"), "ext4");
	rig_free(r);
}

/* What is given up in the same plan is not made first, nor missed. */
static void test_given_up_in_plan(void **state)
{
	struct rig *r = with_partition();

	(void)state;
	rig_run(r, "gpt", EVMS_OP_CREATE, "a.img", "name=two size=40M");
	rig_run(r, "ext", EVMS_OP_MKFS, "volume:a.img/one", "");
	rig_run(r, "ext", EVMS_OP_MKFS, "volume:a.img/two", "");
	rig_run(r, NULL, EVMS_OP_UNMKFS, "volume:a.img/one", "");
	rig_run(r, NULL, EVMS_OP_DELETE, "a.img/two", "");
	rig_commit(r);
	rig_again(r);
	assert_string_equal(fs_on(r, "volume:a.img/one"), "");
	rig_free(r);
}

/* A file system that is only planned stays so when it is renamed: there is nothing yet that could shrink. */
static void test_planned_fs(void **state)
{
	struct rig *r = with_partition();

	(void)state;
	rig_run(r, "ext", EVMS_OP_MKFS, "volume:a.img/one", "");
	rig_run(r, "ext", EVMS_OP_RENAME, "volume:a.img/one", "name=new");
	rig_run(r, "gpt", EVMS_OP_SHRINK, "a.img/one", "size=30M");
	rig_commit(r);
	rig_again(r);
	assert_string_equal(evms_object_get_fs_label(rig_find(r, "volume:a.img/one")), "new");
	assert_int_equal(evms_object_get_fs_size(rig_find(r, "volume:a.img/one")), 30 << 20);
	rig_free(r);
}

/* A file system is taken one way only in a plan, or the programs would come in the wrong order. */
static void test_expand_and_shrink(void **state)
{
	struct rig *r = with_partition();

	(void)state;
	rig_run(r, "ext", EVMS_OP_MKFS, "volume:a.img/one", "");
	rig_commit(r);
	rig_run(r, "gpt", EVMS_OP_EXPAND, "a.img/one", "size=80M");
	rig_refused(r, EBUSY, "shrink.planned", "gpt", EVMS_OP_SHRINK, "a.img/one", "size=60M");
	rig_commit(r);
	assert_int_equal(evms_object_get_fs_size(rig_find(r, "volume:a.img/one")), 80 << 20);
	rig_free(r);
}

/* An input that was fine when it was given may not be when the task runs. */
static void test_input_changed(void **state)
{
	struct rig *r = with_partition();
	struct evms_task *t;

	(void)state;
	rig_ok(r, evms_task_new(r->e, "lvm2", EVMS_OP_CREATE, &t));
	rig_ok(r, evms_task_add_input(t, rig_find(r, "partition:a.img/one")));
	rig_ok(r, evms_task_set(t, "name", "vg"));
	rig_run(r, "ext", EVMS_OP_MKFS, "volume:a.img/one", "");
	assert_int_equal(evms_task_run(t), -EBUSY);
	assert_string_equal(evms_error_get_reason(evms_engine_get_error(r->e)), "input.fs");
	evms_task_unref(t);
	rig_commit(r);
	rig_free(r);
}

/* A task that failed can be mended and run again, also when it was to turn its input into something else. */
static void test_second_try(void **state)
{
	struct rig *r = rig_new(one_disk);
	struct evms_task *t;

	(void)state;
	rig_ok(r, evms_task_new(r->e, "ext", EVMS_OP_MKFS, &t));
	rig_ok(r, evms_task_add_input(t, rig_find(r, "disk:a.img")));
	rig_ok(r, evms_task_set(t, "inode-size", "300"));
	assert_true(evms_task_run(t) < 0);
	rig_ok(r, evms_task_set(t, "inode-size", "512"));
	rig_ok(r, evms_task_run(t));
	evms_task_unref(t);
	rig_commit(r);
	assert_string_equal(fs_on(r, "volume:a.img"), "ext4");
	rig_free(r);
}

static int cancel(void *user, const char *what, uint64_t done, uint64_t total)
{
	(void)user, (void)what, (void)done, (void)total;
	return 1;
}

/* Going back to a model that is known cannot be stopped half way. */
static void test_cancel_undo(void **state)
{
	struct rig *r = rig_new(one_disk);
	char *before, *after;

	(void)state;
	rig_run(r, "gpt", EVMS_OP_ASSIGN, "a.img", "uuid=01234567-89ab-cdef-0123-456789abcdef");
	before = rig_model(r);
	rig_run(r, "gpt", EVMS_OP_CREATE, "a.img", "name=two size=10M");
	evms_engine_set_progress_fn(r->e, cancel, NULL);
	rig_ok(r, evms_engine_undo(r->e));
	evms_engine_set_progress_fn(r->e, NULL, NULL);
	after = rig_model(r);
	assert_string_equal(before, after);
	free(before);
	free(after);
	rig_free(r);
}

/* After the metadata, a commit is not stopped before the model is what is on the disk. */
static int cancel_late(void *user, const char *what, uint64_t done, uint64_t total)
{
	(void)user, (void)done, (void)total;
	return !strcmp(what, "discover") && rig_hash(user, "a.img") != 0xcbf29ce484222325u;
}

static void test_cancel_late(void **state)
{
	struct rig *r = with_partition();

	(void)state;
	evms_engine_set_progress_fn(r->e, cancel_late, r);
	rig_commit(r);
	evms_engine_set_progress_fn(r->e, NULL, NULL);
	rig_find(r, "volume:a.img/one");
	rig_free(r);
}

static int say_yes(void *user, const char *question, const char *const *answers, int count, int safe)
{
	(void)question, (void)answers, (void)count, (void)safe;
	++*(int *)user;
	return 1;
}

/* What was answered once is not asked again when tasks are run again. */
static void test_questions(void **state)
{
	struct rig *r = rig_new(one_disk);
	int asked = 0;

	(void)state;
	put(r, "a.img", "hsqs", 4, 0);		/* squashfs */
	put(r, "a.img", "\4", 1, 28);
	rig_again(r);
	rig_refused(r, EBUSY, "object.signature", "gpt", EVMS_OP_ASSIGN, "a.img", "");
	evms_engine_set_question_fn(r->e, say_yes, &asked);
	rig_run(r, "gpt", EVMS_OP_ASSIGN, "a.img", "");
	assert_int_equal(asked, 1);
	evms_engine_set_question_fn(r->e, NULL, NULL);
	rig_run(r, "gpt", EVMS_OP_CREATE, "a.img", "name=one");
	rig_ok(r, evms_engine_undo(r->e));
	rig_commit(r);
	rig_free(r);
}

/* The last reference to an engine may go before those to what came from it. */
static void test_engine_goes_first(void **state)
{
	struct rig *r = with_partition();
	struct evms_object *o = evms_object_ref(rig_find(r, "a.img/one"));
	struct evms_task *t;

	(void)state;
	rig_ok(r, evms_task_new(r->e, "gpt", EVMS_OP_DELETE, &t));
	rig_ok(r, evms_task_add_input(t, o));
	r->e = evms_engine_unref(r->e);
	evms_task_unref(t);
	assert_string_equal(evms_object_get_name(o), "a.img/one");
	evms_object_unref(o);
	rig_free(r);
}

/* A device that was added is not looked at before the next discovery. */
static void test_device_added_late(void **state)
{
	struct rig *r = rig_new(three_disks);
	int fd = open(rig_path(r, "d.img"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	(void)state;
	assert_int_equal(ftruncate(fd, 64 << 20), 0);
	close(fd);
	rig_run(r, "gpt", EVMS_OP_ASSIGN, "a.img", "");
	rig_ok(r, evms_engine_add_device(r->e, rig_path(r, "d.img"), 0));
	rig_run(r, "gpt", EVMS_OP_CREATE, "a.img", "name=one");
	rig_ok(r, evms_engine_undo(r->e));
	rig_commit(r);
	rig_ok(r, evms_engine_discover(r->e));
	rig_find(r, "disk:d.img");
	rig_free(r);
}

/* A group is not given up for a member that lies on something which has to do without one of its own. */
static void test_group_on_incomplete(void **state)
{
	struct rig *r = rig_new(three_disks);
	struct evms_object *group;

	(void)state;
	rig_run(r, "drivelink", EVMS_OP_CREATE, "b.img c.img", "name=link");
	rig_run(r, "lvm2", EVMS_OP_CREATE, "a.img feature:link", "name=vg");
	rig_run(r, "lvm2", EVMS_OP_CREATE, "group:vg", "name=lv size=150M");
	rig_commit(r);
	unlink(rig_path(r, "c.img"));
	rig_again(r);
	assert_true(evms_object_get_state(rig_find(r, "feature:link")) & EVMS_STATE_INCOMPLETE);
	group = rig_find(r, "group:vg");
	assert_ptr_equal(evms_object_get_input(group, 1), rig_find(r, "feature:link"));
	rig_free(r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_delete), cmocka_unit_test(test_given_up_in_plan),
		cmocka_unit_test(test_planned_fs), cmocka_unit_test(test_expand_and_shrink),
		cmocka_unit_test(test_input_changed), cmocka_unit_test(test_second_try),
		cmocka_unit_test(test_cancel_undo),
		cmocka_unit_test(test_cancel_late), cmocka_unit_test(test_questions),
		cmocka_unit_test(test_engine_goes_first), cmocka_unit_test(test_device_added_late),
		cmocka_unit_test(test_group_on_incomplete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
