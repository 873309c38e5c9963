/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tasks, plans and commits through the public interface: what they do, what they refuse, what they leave. */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/engine/rig.h"

static const unsigned two_disks[] = { 256, 256, 0 };
static const unsigned one_disk[] = { 64, 0 };

/* Two disks, a group over both, a link over both. */
static void plan_stack(struct rig *r)
{
	rig_run(r, "gpt", EVMS_OP_ASSIGN, "a.img", "");
	rig_run(r, "gpt", EVMS_OP_ASSIGN, "b.img", "");
	rig_run(r, "gpt", EVMS_OP_CREATE, "a.img", "name=pv1 size=120M type=lvm");
	rig_run(r, "gpt", EVMS_OP_CREATE, "b.img", "name=pv2 size=120M type=lvm");
	rig_run(r, "gpt", EVMS_OP_CREATE, "a.img", "name=part1 size=60M");
	rig_run(r, "gpt", EVMS_OP_CREATE, "b.img", "name=part2");
	rig_run(r, "lvm2", EVMS_OP_CREATE, "a.img/pv1 b.img/pv2", "name=vg");
	rig_run(r, "lvm2", EVMS_OP_CREATE, "group:vg", "name=root size=80M stripes=2");
	rig_run(r, "lvm2", EVMS_OP_CREATE, "group:vg", "name=home size=64M");
	rig_run(r, "drivelink", EVMS_OP_CREATE, "a.img/part1 b.img/part2", "name=link");
}

static void test_stack(void **state)
{
	struct rig *r = rig_new(two_disks);
	char *planned, *found;

	(void)state;
	plan_stack(r);
	rig_plan(r);
	rig_commit(r);
	assert_int_equal(evms_engine_get_task_count(r->e), 0);
	planned = rig_model(r);
	rig_again(r);
	found = rig_model(r);
	assert_string_equal(planned, found);
	assert_int_equal(r->messages, 0);
	free(planned);
	free(found);
	rig_free(r);
}

/* Nothing to do: nothing is planned, nothing is written. */
static void test_nothing(void **state)
{
	struct rig *r = rig_new(one_disk);
	struct evms_plan *plan;
	uint64_t hash = rig_hash(r, "a.img");

	(void)state;
	rig_ok(r, evms_engine_plan(r->e, &plan));
	assert_int_equal(evms_plan_get_length(plan), 0);
	assert_null(evms_plan_get_step(plan, 0));
	evms_plan_unref(plan);
	rig_commit(r);
	assert_true(rig_hash(r, "a.img") == hash);
	rig_free(r);
}

static int watch_descriptors(void *user, const char *what, uint64_t done, uint64_t total)
{
	int *writable = user, flags;
	struct dirent *entry;
	char target[512];
	DIR *dir = opendir("/proc/self/fd");
	ssize_t n;

	(void)what;
	(void)done;
	(void)total;
	while ((entry = readdir(dir))) {
		n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = '\0';
		flags = fcntl(atoi(entry->d_name), F_GETFL);
		if (strstr(target, "/evms-test-") && (flags & O_ACCMODE) != O_RDONLY)
			(*writable)++;
	}
	closedir(dir);
	return 0;
}

/* A plan has nothing writable open at any moment, and changes no byte. */
static void test_plan_cannot_write(void **state)
{
	struct rig *r = rig_new(two_disks);
	uint64_t a = rig_hash(r, "a.img"), b = rig_hash(r, "b.img");
	int writable = 0;

	(void)state;
	evms_engine_set_progress_fn(r->e, watch_descriptors, &writable);
	plan_stack(r);
	watch_descriptors(&writable, "", 0, 0);
	rig_plan(r);
	watch_descriptors(&writable, "", 0, 0);
	assert_int_equal(writable, 0);
	assert_true(rig_hash(r, "a.img") == a && rig_hash(r, "b.img") == b);
	rig_free(r);
}

static void test_undo(void **state)
{
	struct rig *r = rig_new(two_disks);
	char *before, *after;
	struct evms_object *disk = evms_object_ref(rig_find(r, "a.img"));

	(void)state;
	rig_run(r, "gpt", EVMS_OP_ASSIGN, "a.img", "uuid=01234567-89ab-cdef-0123-456789abcdef");
	rig_run(r, "gpt", EVMS_OP_CREATE, "a.img", "name=one size=10M uuid="
		"11111111-2222-3333-4444-555555555555");
	before = rig_model(r);
	rig_run(r, "gpt", EVMS_OP_CREATE, "a.img", "name=two size=10M");
	rig_run(r, "gpt", EVMS_OP_DELETE, "a.img/one", "");
	assert_int_equal(evms_engine_get_task_count(r->e), 4);
	rig_ok(r, evms_engine_undo(r->e));
	rig_ok(r, evms_engine_undo(r->e));
	after = rig_model(r);
	assert_string_equal(before, after);
	/* A handle that was held goes on to mean the same disk. */
	assert_ptr_equal(rig_find(r, "a.img"), disk);
	rig_ok(r, evms_engine_undo(r->e));
	rig_ok(r, evms_engine_undo(r->e));
	assert_int_equal(evms_engine_undo(r->e), -ENOENT);
	assert_true(evms_object_get_state(disk) & EVMS_STATE_NEW);
	evms_object_unref(disk);
	free(before);
	free(after);
	rig_free(r);
}

/* A task that fails leaves the model as it was, whatever it was about to do. */
static void test_failure_changes_nothing(void **state)
{
	struct rig *r = rig_new(two_disks);
	char *before, *after;

	(void)state;
	plan_stack(r);
	before = rig_model(r);
	rig_refused(r, ENOSPC, "", "lvm2", EVMS_OP_CREATE, "group:vg", "name=big size=10G");
	rig_refused(r, EINVAL, "", "lvm2", EVMS_OP_CREATE, "group:vg", "name=bad/name size=4M");
	rig_refused(r, EEXIST, "", "lvm2", EVMS_OP_CREATE, "group:vg", "name=home size=4M");
	rig_refused(r, EBUSY, "object.used", "gpt", EVMS_OP_DELETE, "a.img/pv1", "");
	rig_refused(r, EBUSY, "object.used", "gpt", EVMS_OP_EXPAND, "a.img/pv1", "size=130M");
	rig_refused(r, EBUSY, "object.used", "lvm2", EVMS_OP_DELETE, "group:vg", "");
	rig_refused(r, EBUSY, "object.used", "gpt", EVMS_OP_UNASSIGN, "a.img", "");
	rig_refused(r, EBUSY, "input.used", "drivelink", EVMS_OP_CREATE, "a.img/pv1", "name=again");
	rig_refused(r, EBUSY, "input.table", "drivelink", EVMS_OP_CREATE, "a.img", "name=again");
	rig_refused(r, ERANGE, "size.small", NULL, EVMS_OP_EXPAND, "vg/home", "size=8M");
	rig_refused(r, ERANGE, "size.large", NULL, EVMS_OP_SHRINK, "vg/home", "size=1G");
	rig_refused(r, ENOSPC, "size.large", NULL, EVMS_OP_EXPAND, "vg/home", "size=+10G");
	after = rig_model(r);
	assert_string_equal(before, after);
	free(before);
	free(after);
	rig_free(r);
}

static void test_bad_input(void **state)
{
	struct rig *r = rig_new(two_disks);
	struct evms_task *t;
	struct evms_object *disk = rig_find(r, "a.img");

	(void)state;
	assert_int_equal(evms_engine_add_device(r->e, "", 0), -EINVAL);
	assert_int_equal(evms_engine_add_device(r->e, "x", 777), -EINVAL);
	assert_int_equal(evms_engine_add_device(r->e, rig_path(r, "a.img"), 0), -EEXIST);
	assert_int_equal(evms_task_new(r->e, "no-such", EVMS_OP_CREATE, &t), -ENOENT);
	assert_int_equal(evms_task_new(r->e, "gpt", 99, &t), -EINVAL);
	assert_int_equal(evms_task_new(r->e, "gpt", EVMS_OP_MKFS, &t), -ENOTSUP);
	assert_null(evms_engine_find(r->e, EVMS_KIND_ANY, "nobody"));
	assert_string_equal(evms_error_get_reason(evms_engine_get_error(r->e)), "object.unknown");
	rig_refused(r, EINVAL, "disk.new", "gpt", EVMS_OP_CREATE, "a.img", "size=1M");
	rig_run(r, "gpt", EVMS_OP_ASSIGN, "a.img", "");
	rig_refused(r, ENOENT, "option.unknown", "gpt", EVMS_OP_CREATE, "a.img", "siz=1M");
	assert_non_null(strstr(evms_error_get_detail(evms_engine_get_error(r->e)), "\"size\""));
	rig_refused(r, EINVAL, "", "gpt", EVMS_OP_CREATE, "a.img", "size=lots");
	rig_refused(r, EBUSY, "input.table", NULL, EVMS_OP_MKFS, "a.img", "");
	rig_refused(r, EINVAL, "task.plugin", NULL, EVMS_OP_MKFS, "b.img", "");
	rig_refused(r, EINVAL, "input.kind", "gpt", EVMS_OP_DELETE, "a.img", "");
	rig_refused(r, EBUSY, "input.table", "dos", EVMS_OP_ASSIGN, "a.img", "");
	rig_ok(r, evms_task_new(r->e, "gpt", EVMS_OP_CREATE, &t));
	assert_int_equal(evms_task_run(t), -EINVAL);
	rig_ok(r, evms_task_add_input(t, disk));
	rig_ok(r, evms_task_run(t));
	assert_int_equal(evms_task_run(t), -EINVAL);
	evms_task_unref(t);
	rig_free(r);
}

/* The commit is refused, and nothing is written. */
static void refuse_commit(struct rig *r, int error)
{
	uint64_t hash = rig_hash(r, "a.img");
	int result = evms_engine_commit(r->e, 0);

	if (result != -error)
		print_error("%d: %s\n", result, evms_error_get_message(evms_engine_get_error(r->e)));
	assert_int_equal(result, -error);
	assert_non_null(strstr(evms_error_get_message(evms_engine_get_error(r->e)), "a.img"));
	assert_true(rig_hash(r, "a.img") == hash);
}

static struct rig *with_table(void)
{
	struct rig *r = rig_new(one_disk);

	rig_run(r, "gpt", EVMS_OP_ASSIGN, "a.img", "");
	rig_run(r, "gpt", EVMS_OP_CREATE, "a.img", "name=one size=10M");
	rig_commit(r);
	rig_run(r, "gpt", EVMS_OP_CREATE, "a.img", "name=two size=10M");
	return r;
}

static void poke(struct rig *r, off_t offset)
{
	int fd = open(rig_path(r, "a.img"), O_RDWR | O_CLOEXEC);
	char byte;

	assert_int_equal(pread(fd, &byte, 1, offset), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
	close(fd);
}

static void test_changed_disk(void **state)
{
	struct rig *r = with_table();

	(void)state;
	poke(r, 1024 + 56);		/* the name of partition 1 */
	refuse_commit(r, ESTALE);
	rig_free(r);
}

static void test_other_disk(void **state)
{
	struct rig *r = with_table();
	int fd;

	(void)state;
	assert_int_equal(unlink(rig_path(r, "a.img")), 0);
	fd = open(rig_path(r, "a.img"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, 64 << 20), 0);
	close(fd);
	refuse_commit(r, ESTALE);
	rig_free(r);
}

static void test_resized_disk(void **state)
{
	struct rig *r = with_table();

	(void)state;
	assert_int_equal(truncate(rig_path(r, "a.img"), 65 << 20), 0);
	refuse_commit(r, ESTALE);
	rig_free(r);
}

/* Somebody else holds the lock that udev and partitioning tools honour: the message names the process. */
static void test_locked_disk(void **state)
{
	struct rig *r = with_table();
	int ready[2], stop[2], status;
	char byte = 0, pid_text[32];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(ready, O_CLOEXEC) | pipe2(stop, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		int fd = open(rig_path(r, "a.img"), O_RDWR | O_CLOEXEC);

		close(stop[1]);
		if (flock(fd, LOCK_EX) < 0 || write(ready[1], &byte, 1) != 1)
			_exit(1);
		if (read(stop[0], &byte, 1) < 0)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	refuse_commit(r, EBUSY);
	snprintf(pid_text, sizeof(pid_text), "%d", (int)pid);
	assert_non_null(strstr(evms_error_get_message(evms_engine_get_error(r->e)), pid_text));
	close(stop[1]);
	close(stop[0]);
	waitpid(pid, &status, 0);
	rig_commit(r);			/* and now it works */
	close(ready[0]);
	close(ready[1]);
	rig_free(r);
}

static void test_open_volume(void **state)
{
	struct rig *r = with_table();
	struct evms_volume *v;

	(void)state;
	rig_ok(r, evms_engine_undo(r->e));
	rig_ok(r, evms_volume_open(rig_find(r, "volume:a.img/one"), 0, &v));
	rig_run(r, "gpt", EVMS_OP_CREATE, "a.img", "name=two size=10M");
	refuse_commit(r, EBUSY);
	assert_int_equal(evms_volume_close(v), 0);
	rig_commit(r);
	rig_free(r);
}

static void test_read_only_disk(void **state)
{
	struct rig *r = with_table();

	(void)state;
	if (geteuid() == 0) {		/* permission bits do not stop root */
		rig_free(r);
		skip();
	}
	assert_int_equal(chmod(rig_path(r, "a.img"), 0400), 0);
	refuse_commit(r, EACCES);
	rig_free(r);
}

/* A volume is read and written through every layer, by its own engine or by its table alone. */
static void test_volume_io(void **state)
{
	struct rig *r = rig_new(two_disks);
	static const char *const names[] = { "volume:vg/root", "volume:vg/home", "volume:link" };
	char out[8192], in[8192], *table, why[256];
	struct evms_volume *v;
	size_t i;

	(void)state;
	plan_stack(r);
	assert_int_equal(evms_volume_open(rig_find(r, names[0]), 0, &v), -ENOTSUP);
	rig_commit(r);
	for (i = 0; i < 3; i++) {
		uint64_t size, at;

		memset(out, 'a' + (int)i, sizeof(out));
		rig_ok(r, evms_volume_open(rig_find(r, names[i]), 0, &v));
		size = evms_volume_get_size(v);
		for (at = 0; at + sizeof(out) <= size; at += 5 << 20)
			assert_int_equal(evms_volume_write(v, out, sizeof(out), at), 0);
		assert_int_equal(evms_volume_write(v, out, 512, size), -ERANGE);
		assert_int_equal(evms_volume_read(v, in, 1024, size - 512), -ERANGE);
		assert_int_equal(evms_volume_flush(v), 0);
		assert_int_equal(evms_volume_close(v), 0);
	}
	rig_again(r);
	for (i = 0; i < 3; i++) {
		uint64_t at;

		memset(out, 'a' + (int)i, sizeof(out));
		assert_int_equal(evms_object_get_table(rig_find(r, names[i]), &table), 0);
		assert_int_equal(evms_volume_open_table(table, strlen(table), EVMS_VOLUME_READ_ONLY, NULL,
							why, sizeof(why), &v), 0);
		for (at = 0; at + sizeof(out) <= evms_volume_get_size(v); at += 5 << 20) {
			assert_int_equal(evms_volume_read(v, in, sizeof(in), at), 0);
			assert_memory_equal(in, out, sizeof(in));
		}
		assert_int_equal(evms_volume_write(v, out, 512, 0), -EROFS);
		evms_volume_close(v);
		free(table);
	}
	rig_free(r);
}

/* What a removed thing left is not found again, and what is made on old space starts clean. */
static void test_nothing_stale(void **state)
{
	struct rig *r = rig_new(two_disks);

	(void)state;
	plan_stack(r);
	rig_commit(r);
	rig_run(r, "ext", EVMS_OP_MKFS, "volume:vg/home", "label=home");
	rig_run(r, "ext", EVMS_OP_MKFS, "volume:link", "label=link");
	rig_commit(r);
	assert_string_equal(evms_object_get_fs_label(rig_find(r, "volume:vg/home")), "home");
	rig_run(r, NULL, EVMS_OP_DELETE, "volume:vg/home", "");
	rig_run(r, NULL, EVMS_OP_DELETE, "region:vg/root", "");
	rig_run(r, NULL, EVMS_OP_DELETE, "group:vg", "");
	rig_run(r, NULL, EVMS_OP_DELETE, "volume:link", "");
	rig_run(r, "lvm2", EVMS_OP_CREATE, "a.img/part1", "name=new");
	rig_run(r, "lvm2", EVMS_OP_CREATE, "group:new", "name=lv size=32M");
	rig_commit(r);
	rig_again(r);
	assert_int_equal(r->messages, 0);
	assert_null(evms_engine_find(r->e, EVMS_KIND_GROUP | EVMS_KIND_FEATURE, "vg"));
	assert_null(evms_engine_find(r->e, EVMS_KIND_FEATURE, "link"));
	assert_string_equal(evms_object_get_fs_type(rig_find(r, "volume:a.img/pv1")), "");
	assert_string_equal(evms_object_get_fs_type(rig_find(r, "volume:new/lv")), "");
	rig_free(r);
}

/* Commit after commit in one engine is the same as with an engine for each. */
static void test_many_commits(void **state)
{
	struct rig *r = rig_new(two_disks);
	char *kept, *found, name[64];
	struct evms_value seqno;
	int i;

	(void)state;
	plan_stack(r);
	rig_commit(r);
	for (i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "name=lv%d size=4M", i);
		rig_run(r, "lvm2", EVMS_OP_CREATE, "group:vg", name);
		rig_commit(r);
		if (i % 3 == 2) {
			snprintf(name, sizeof(name), "vg/lv%d", i - 1);
			rig_run(r, NULL, EVMS_OP_DELETE, name, "");
			rig_commit(r);
		}
	}
	kept = rig_model(r);
	assert_int_equal(evms_object_get_value(rig_find(r, "group:vg"), "lvm2.seqno", &seqno), 0);
	assert_int_equal(seqno.u.u64, 41);
	rig_again(r);
	found = rig_model(r);
	assert_string_equal(kept, found);
	assert_int_equal(r->messages, 0);
	free(kept);
	free(found);
	rig_free(r);
}

/* Two engines in one process, on disks of their own and on the same ones. */
static void test_two_engines(void **state)
{
	struct rig *a = rig_new(one_disk), *b = rig_new(one_disk);
	struct evms_engine *second;

	(void)state;
	rig_run(a, "gpt", EVMS_OP_ASSIGN, "a.img", "");
	rig_run(b, "dos", EVMS_OP_ASSIGN, "a.img", "");
	rig_run(a, "gpt", EVMS_OP_CREATE, "a.img", "name=x size=4M");
	rig_run(b, "dos", EVMS_OP_CREATE, "a.img", "size=4M");
	rig_commit(a);
	rig_commit(b);
	assert_int_equal(evms_engine_new(&second, 0), 0);
	assert_int_equal(evms_engine_add_device(second, rig_path(a, "a.img"), 0), 0);
	assert_int_equal(evms_engine_discover(second), 0);
	rig_run(a, "gpt", EVMS_OP_CREATE, "a.img", "name=y size=4M");
	assert_null(evms_engine_find(second, EVMS_KIND_PARTITION, "a.img/y"));
	rig_commit(a);
	assert_int_equal(evms_engine_discover(second), 0);
	assert_non_null(evms_engine_find(second, EVMS_KIND_PARTITION, "a.img/y"));
	evms_engine_unref(second);
	rig_free(a);
	rig_free(b);
}

static void test_stale_handle(void **state)
{
	struct rig *r = with_table();
	struct evms_object *two = evms_object_ref(rig_find(r, "a.img/two"));
	struct evms_task *t;

	(void)state;
	rig_ok(r, evms_engine_undo(r->e));
	assert_string_equal(evms_object_get_name(two), "a.img/two");
	rig_ok(r, evms_task_new(r->e, "gpt", EVMS_OP_DELETE, &t));
	assert_int_equal(evms_task_add_input(t, two), -ESTALE);
	evms_task_unref(t);
	rig_run(r, "gpt", EVMS_OP_CREATE, "a.img", "name=two size=10M");
	rig_ok(r, evms_engine_undo(r->e));
	evms_object_unref(two);
	rig_free(r);
}

static int cancel_at_once(void *user, const char *what, uint64_t done, uint64_t total)
{
	(void)user;
	(void)what;
	(void)done;
	(void)total;
	return 1;
}

static void test_cancel(void **state)
{
	struct rig *r = with_table();
	uint64_t hash = rig_hash(r, "a.img");

	(void)state;
	evms_engine_set_progress_fn(r->e, cancel_at_once, NULL);
	assert_int_equal(evms_engine_commit(r->e, 0), -ECANCELED);
	assert_true(rig_hash(r, "a.img") == hash);
	evms_engine_set_progress_fn(r->e, NULL, NULL);
	rig_commit(r);
	rig_free(r);
}

/* As another thread would: the flag counts, not the answer of the callback. */
static int cancel_from_outside(void *user, const char *what, uint64_t done, uint64_t total)
{
	(void)what;
	(void)done;
	(void)total;
	evms_engine_cancel(user);
	return 0;
}

static void test_cancel_from_outside(void **state)
{
	struct rig *r = with_table();
	uint64_t hash = rig_hash(r, "a.img");

	(void)state;
	evms_engine_set_progress_fn(r->e, cancel_from_outside, r->e);
	assert_int_equal(evms_engine_commit(r->e, 0), -ECANCELED);
	assert_int_equal(evms_engine_discover(r->e), -ECANCELED);
	assert_true(rig_hash(r, "a.img") == hash);
	evms_engine_set_progress_fn(r->e, NULL, NULL);
	rig_ok(r, evms_engine_discover(r->e));
	rig_free(r);
}

static int reenter(void *user, const char *what, uint64_t done, uint64_t total)
{
	struct rig *r = user;

	(void)what;
	(void)done;
	(void)total;
	assert_int_equal(evms_engine_discover(r->e), -EDEADLK);
	return 0;
}

static void test_reentry(void **state)
{
	struct rig *r = with_table();

	(void)state;
	evms_engine_set_progress_fn(r->e, reenter, r);
	rig_plan(r);
	evms_engine_set_progress_fn(r->e, NULL, NULL);
	rig_free(r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stack), cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_plan_cannot_write), cmocka_unit_test(test_undo),
		cmocka_unit_test(test_failure_changes_nothing), cmocka_unit_test(test_bad_input),
		cmocka_unit_test(test_changed_disk), cmocka_unit_test(test_other_disk),
		cmocka_unit_test(test_resized_disk), cmocka_unit_test(test_locked_disk),
		cmocka_unit_test(test_open_volume), cmocka_unit_test(test_read_only_disk),
		cmocka_unit_test(test_volume_io), cmocka_unit_test(test_nothing_stale),
		cmocka_unit_test(test_many_commits), cmocka_unit_test(test_two_engines), cmocka_unit_test(test_stale_handle),
		cmocka_unit_test(test_cancel), cmocka_unit_test(test_cancel_from_outside),
		cmocka_unit_test(test_reentry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
