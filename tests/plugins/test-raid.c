/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arrays through the engine: in stacks, renamed across a power cut, with any byte of a superblock wrong. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/plugins/crash.h"

#define SUPER		4096u		/* where version 1.2 has its superblock */
#define CHECKSUM	216u

static const unsigned three[] = { 8, 8, 12, 0 };

static char *view(struct rig *r)
{
	struct evms_object *o;
	struct evms_list *all;
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	rig_ok(r, evms_engine_list(r->e, EVMS_KIND_FEATURE, &all));
	evms_list_foreach(o, all)
		fprintf(f, "%s %s %" PRIu64 " %s %x\n", evms_object_get_name(o), evms_object_get_label(o),
			evms_object_get_size(o), evms_object_get_uuid(o), evms_object_get_state(o));
	evms_list_unref(all);
	fclose(f);
	return text;
}

static struct rig *arrayed(void)
{
	struct rig *r = rig_new(three);

	rig_run(r, "raid", EVMS_OP_CREATE, "a.img b.img c.img", "name=host:old chunk=64K");
	rig_commit(r);
	rig_again(r);
	assert_int_equal(r->messages, 0);
	return r;
}

static void test_crash_rename(void **state)
{
	struct rig *r = arrayed();

	(void)state;
	rig_run(r, NULL, EVMS_OP_RENAME, "feature:old", "name=new");
	assert_true(crash_check(r, view, NULL) > 8);
	assert_string_equal(evms_object_get_label(rig_find(r, "feature:new")), "host:new");
	rig_free(r);
}

/* An array of partitions, one of regions, and one of arrays. */
static void test_stacks(void **state)
{
	static const unsigned disks[] = { 64, 64, 0 };
	struct rig *r = rig_new(disks);
	char *planned, *found;

	(void)state;
	rig_run(r, "gpt", EVMS_OP_ASSIGN, "a.img", "");
	rig_run(r, "gpt", EVMS_OP_ASSIGN, "b.img", "");
	rig_run(r, "gpt", EVMS_OP_CREATE, "a.img", "name=pv size=40M type=lvm");
	rig_run(r, "gpt", EVMS_OP_CREATE, "a.img", "name=r size=10M type=raid");
	rig_run(r, "gpt", EVMS_OP_CREATE, "b.img", "name=r size=11M type=raid");
	rig_run(r, "gpt", EVMS_OP_CREATE, "b.img", "name=s size=11M type=raid");
	rig_run(r, "lvm2", EVMS_OP_CREATE, "a.img/pv", "name=vg");
	rig_run(r, "lvm2", EVMS_OP_CREATE, "group:vg", "name=x size=8M");
	rig_run(r, "lvm2", EVMS_OP_CREATE, "group:vg", "name=y size=12M");
	rig_run(r, "raid", EVMS_OP_CREATE, "a.img/r b.img/r", "name=parts metadata=1.0");
	rig_run(r, "raid", EVMS_OP_CREATE, "vg/x vg/y", "name=regions level=linear");
	rig_run(r, "raid", EVMS_OP_CREATE, "feature:parts feature:regions b.img/s", "name=top chunk=4K");
	rig_plan(r);
	rig_commit(r);
	planned = rig_model(r);
	rig_again(r);
	found = rig_model(r);
	assert_string_equal(planned, found);
	assert_int_equal(r->messages, 0);
	rig_refused(r, EBUSY, "", NULL, EVMS_OP_DELETE, "feature:parts", "");
	rig_run(r, NULL, EVMS_OP_DELETE, "feature:top", "");
	rig_commit(r);
	rig_again(r);
	assert_int_equal(r->messages, 0);
	assert_int_equal(evms_object_get_state(rig_find(r, "feature:parts")), 0);
	free(planned);
	free(found);
	rig_free(r);
}

/* The checksum that MD gives a superblock of 128 slots. */
static void seal(unsigned char *p)
{
	uint64_t sum = 0;
	unsigned i, n = 256 + 2 * 128;

	for (i = 0; i < n; i += 4)
		if (i != CHECKSUM)
			sum += (uint32_t)p[i] | (uint32_t)p[i + 1] << 8 | (uint32_t)p[i + 2] << 16 |
			       (uint32_t)p[i + 3] << 24;
	sum = (sum & 0xffffffffu) + (sum >> 32);
	for (i = 0; i < 4; i++)
		p[CHECKSUM + i] = (unsigned char)(sum >> 8 * i & 0xff);
}

/* Valid checksums, any nonsense under them. What cannot be told is not offered; nothing crashes. */
static void test_any_byte(void **state)
{
	static const unsigned char values[] = { 0, 1, 0x7f, 0x80, 0xff };
	struct rig *r = arrayed();
	unsigned char good[SUPER], bad[SUPER];
	int fd = open(rig_path(r, "b.img"), O_RDWR | O_CLOEXEC);
	unsigned at;
	size_t k;

	(void)state;
	assert_int_equal(pread(fd, good, SUPER, SUPER), SUPER);
	memcpy(bad, good, SUPER);
	seal(bad);
	assert_memory_equal(bad, good, SUPER);	/* it is the checksum */
	for (at = 0; at < 264; at++) {
		for (k = at % 2; k < sizeof(values); k += 2) {
			memcpy(bad, good, SUPER);
			bad[at] = values[k];
			seal(bad);
			assert_int_equal(pwrite(fd, bad, SUPER, SUPER), SUPER);
			rig_again(r);
			assert_non_null(evms_engine_find(r->e, EVMS_KIND_DISK, "b.img"));
		}
	}
	assert_int_equal(pwrite(fd, good, SUPER, SUPER), SUPER);
	close(fd);
	rig_again(r);
	assert_int_equal(evms_object_get_state(rig_find(r, "feature:old")), 0);
	rig_free(r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crash_rename), cmocka_unit_test(test_stacks),
		cmocka_unit_test(test_any_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
