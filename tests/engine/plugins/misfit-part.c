/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A partition manager that breaks its contract in the way that the disk asks for. Its table, in the second
 * block, is a number of pairs of offset and size.
 */
#include "misfit.h"

#define TABLE_MAX	31u

struct table {
	uint64_t count, spare;
	uint64_t parts[TABLE_MAX][2];
};

static const struct evms_magic magics[] = {
	{ .bytes = "MISFIT-P ", .len = MISFIT_MAGIC },
	{ .bytes = "EFI PART", .len = 8, .offset = 512 },	/* to see the partitions of others */
};

static int part_probe(struct evms_object *disk)
{
	char magic[MISFIT_MAGIC + 1] = "", how[64];

	if (evms_read(disk, magic, MISFIT_MAGIC, 0) < 0 || strcmp(magic, "MISFIT-P ") != 0) {
		misfit_foreign = disk;
		return EVMS_NOT_MINE;
	}
	misfit_behaviour(disk, how);
	if (misfit_is(how, "answer"))
		return 77;
	if (misfit_is(how, "eio"))
		return -EIO;
	if (misfit_is(how, "probe-produces"))
		return evms_add_metadata(disk, 0, 512, "early") == -EPERM ? EVMS_NOT_MINE : 78;
	if (misfit_is(how, "probe-writes"))
		return evms_write(disk, how, 512, 0, EVMS_PHASE_NEW) == -EROFS ? EVMS_NOT_MINE : 78;
	return EVMS_MINE;
}

static int crowd(struct evms_object *disk, int fail)
{
	struct evms_object *part;
	char name[16];
	unsigned i;
	int r = 0;

	for (i = 0; i < 100000 && r == 0; i++) {
		snprintf(name, sizeof(name), "p%u", i);
		r = evms_add_partition(disk, 1024 + i * UINT64_C(512), 512, name, &part);
	}
	return r == 0 && fail ? -EBADMSG : r;
}

static int add(struct evms_object *disk, uint64_t offset, uint64_t size)
{
	struct evms_object *part;
	char name[32];

	snprintf(name, sizeof(name), "at%llu", (unsigned long long)offset);
	return evms_add_partition(disk, offset, size, name, &part);
}

static int claim_table(struct evms_object *disk)
{
	struct table *t = malloc(sizeof(*t));
	uint64_t i;
	int r = t ? evms_read(disk, t, 512, 512) : -ENOMEM;

	if (r == 0)
		r = evms_set_private(disk, t);
	if (r < 0) {
		free(t);
		return r;
	}
	r = evms_add_metadata(disk, 0, 1024, "misfits");
	if (t->count > TABLE_MAX)
		return evms_fail(disk, EBADMSG, "misfit-part.count", "too many");
	for (i = 0; i < t->count && r == 0; i++)
		r = add(disk, t->parts[i][0], t->parts[i][1]);
	return r;
}

static int part_claim(struct evms_object *disk)
{
	uint64_t size = evms_get_size(disk);
	char how[64];
	int r;

	misfit_behaviour(disk, how);
	if (misfit_is(how, "nothing"))
		return 0;
	if (misfit_is(how, "overlap")) {
		r = add(disk, 3 * MIB, 2 * MIB);
		return r < 0 ? r : add(disk, 2 * MIB, 2 * MIB);
	}
	if (misfit_is(how, "outside"))
		return add(disk, size - MIB, 2 * MIB);
	if (misfit_is(how, "wraps"))
		return add(disk, MIB, UINT64_MAX - 512);
	if (misfit_is(how, "outside-ignored")) {
		add(disk, size, 512);
		add(disk, 0, 0);
		return add(disk, MIB, MIB);
	}
	if (misfit_is(how, "fails-late")) {
		r = claim_table(disk);
		if (r == 0)
			r = add(disk, 3 * MIB, MIB);
		return r < 0 ? r : evms_fail(disk, EBADMSG, "misfit-part.late", "the table is bad after all");
	}
	if (misfit_is(how, "positive"))
		return add(disk, MIB, MIB) < 0 ? -EIO : 5;
	if (misfit_is(how, "crowd") || misfit_is(how, "crowd-fails"))
		return crowd(disk, misfit_is(how, "crowd-fails"));
	if (misfit_is(how, "block-size")) {
		evms_set_block_size(disk, 777);
		evms_set_block_size(disk, 1u << 31);
		evms_set_size(disk, UINT64_MAX);
	}
	return claim_table(disk);
}

static void part_release(struct evms_object *o)
{
	free(evms_get_private(o));
}

static int part_create(struct evms_task *task)
{
	struct evms_object *space = evms_task_get_input(task, 0), *disk = evms_get_parent(space);
	struct table *t = evms_get_private(disk);
	uint64_t at = evms_get_offset(space);
	char how[64];
	int r;

	misfit_behaviour(disk, how);
	r = add(disk, at, MIB);
	if (r == 0)
		r = evms_mark_dirty(disk);
	if (r == 0 && misfit_is(how, "create-fails")) {
		evms_set_label(disk, "half done");
		evms_add_metadata(disk, at + 5 * MIB, MIB, "half done");
		return evms_task_fail(task, EINVAL, "misfit-part.create", "not this time");
	}
	if (r == 0 && misfit_is(how, "create-positive"))
		return 7;
	if (r < 0 || t->count == TABLE_MAX)
		return -ENOSPC;
	t->parts[t->count][0] = at;
	t->parts[t->count++][1] = MIB;
	return 0;
}

static int part_write(struct evms_object *disk)
{
	struct table t = *(struct table *)evms_get_private(disk);
	char how[64];

	misfit_behaviour(disk, how);
	if (misfit_is(how, "write-nothing"))
		return 0;
	if (misfit_is(how, "write-fails"))
		return -EIO;
	if (misfit_is(how, "write-positive"))
		return evms_write(disk, &t, 512, 512, EVMS_PHASE_PRIMARY) == 0 ? 3 : -EIO;
	if (misfit_is(how, "write-outside"))
		return evms_write(disk, &t, 512, evms_get_size(disk) - 100, EVMS_PHASE_PRIMARY);
	if (misfit_is(how, "write-outside-ignored"))
		evms_write(disk, &t, 512, UINT64_MAX - 100, EVMS_PHASE_PRIMARY);
	if (misfit_is(how, "write-phase"))
		return evms_write(disk, &t, 512, 512, 99);
	if (misfit_is(how, "write-foreign"))
		return evms_write(misfit_foreign, &t, 512, 40 * MIB, EVMS_PHASE_PRIMARY);
	if (misfit_is(how, "write-foreign-ignored"))
		evms_zero(misfit_foreign, 40 * MIB, MIB, EVMS_PHASE_WIPE);
	if (misfit_is(how, "write-data"))	/* into a partition of its own: other people's data */
		return evms_write(disk, &t, 512, t.parts[0][0] + 512, EVMS_PHASE_PRIMARY);
	if (misfit_is(how, "write-wrong"))
		t.parts[0][1] += 512;
	if (misfit_is(how, "write-random"))
		evms_random(&t.spare, sizeof(t.spare));
	if (misfit_is(how, "write-adds"))
		add(disk, 50 * MIB, MIB);
	return evms_write(disk, &t, 512, 512, EVMS_PHASE_PRIMARY);
}

static const struct evms_setup setup = {
	EVMS_SETUP,
	.probe = part_probe,
	.claim = part_claim,
	.release = part_release,
	.create = part_create,
	.write = part_write,
};

EVMS_PLUGIN(
	.id = UINT64_C(0x6d69736669740001),
	.name = "misfit-part",
	.version = "1.0",
	.summary = "a partition manager that misbehaves",
	.role = EVMS_ROLE_PARTITION_MANAGER,
	.priority = 10,
	.setup = &setup,
	EVMS_MAGICS(magics),
);
