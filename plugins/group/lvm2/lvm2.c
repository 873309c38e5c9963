/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lvm2: the group emulator for LVM2 volume groups. Entry, options, probe and claim. */
#include "lvm2.h"

static int lvm2_probe(struct evms_object *in)
{
	struct finding f;
	int r = find_out(in, &f);

	if (r < 0)
		return r;
	switch (f.is) {
	case IS_NOTHING:
		return EVMS_NOT_MINE;
	case IS_DAMAGED:
		return EVMS_DAMAGED;
	case IS_ORPHAN:
		return EVMS_MINE;
	default:
		r = evms_join(in, f.key);
		return r < 0 ? r : EVMS_MINE;
	}
}

/* A physical volume of no group stays free to be used; we only say what it is. */
static int lvm2_claim(struct evms_object *in)
{
	struct finding f;
	int r = find_out(in, &f);

	if (r < 0)
		return r;
	if (f.is == IS_DAMAGED)
		return evms_fail(in, EBADMSG, "lvm2.label", "%s: restore it with pvcreate --restorefile, or "
				 "wipe the object to use it for something else", f.why);
	if (f.is != IS_ORPHAN)
		return 0;
	return evms_set_str(in, "pv-uuid", f.label.uuid);
}

static void lvm2_release(struct evms_object *o)
{
	if (evms_get_kind(o) == EVMS_KIND_GROUP)
		vg_free(evms_get_private(o));
}

#define GROUP_OPS (EVMS_OP_BIT(EVMS_OP_CREATE) | EVMS_OP_BIT(EVMS_OP_EXPAND))

static const struct evms_option options[] = {
	{ .name = "name", .type = EVMS_TYPE_STR, .min = 1, .max = NAME_MAX_LEN,
	  .ops = EVMS_OP_BIT(EVMS_OP_CREATE) | EVMS_OP_BIT(EVMS_OP_RENAME),
	  .help = "name of the group or volume (a new volume without one is called lvolN)" },
	{ .name = "size", .type = EVMS_TYPE_SIZE, .flags = EVMS_OPTION_PERCENT, .min = 1,
	  .ops = EVMS_OP_BIT(EVMS_OP_CREATE) | EVMS_OP_BIT(EVMS_OP_EXPAND) |
		 EVMS_OP_BIT(EVMS_OP_SHRINK),
	  .help = "size of the volume, rounded up to extents (a new volume without one gets all that is "
		  "free)" },
	{ .name = "stripes", .type = EVMS_TYPE_U64, .fallback = "1", .min = 1, .max = STRIPES_MAX,
	  .ops = EVMS_OP_BIT(EVMS_OP_CREATE), .help = "number of members a new volume is spread over" },
	{ .name = "stripe-size", .type = EVMS_TYPE_SIZE, .fallback = "64KiB", .min = 4096,
	  .max = UINT64_C(1) << 32, .ops = EVMS_OP_BIT(EVMS_OP_CREATE),
	  .help = "bytes on one member before the next one follows: a power of two" },
	{ .name = "uuid", .type = EVMS_TYPE_STR, .min = UUID_TEXT, .max = UUID_TEXT,
	  .ops = EVMS_OP_BIT(EVMS_OP_CREATE),
	  .help = "uuid of the group or volume in LVM2's form; a random one without it" },
	{ .name = "on", .type = EVMS_TYPE_STR, .ops = GROUP_OPS,
	  .help = "members to allocate a volume from, separated by commas" },
	{ .name = "extent-size", .type = EVMS_TYPE_SIZE, .fallback = "4MiB", .min = 1024,
	  .max = UINT64_C(1) << 40, .ops = EVMS_OP_BIT(EVMS_OP_CREATE),
	  .help = "extent size of a new group: a power of two or a multiple of 128 KiB" },
	{ .name = "metadata-size", .type = EVMS_TYPE_SIZE, .min = MDA_MIN,
	  .max = UINT64_C(2) << 30, .ops = GROUP_OPS,
	  .help = "size of each metadata area of a new member (default: what fits before the data)" },
	{ .name = "metadata-copies", .type = EVMS_TYPE_U64, .fallback = "1", .min = 1, .max = 2,
	  .ops = GROUP_OPS, .help = "metadata areas on each new member; the second one is at its end" },
	{ .name = "data-alignment", .type = EVMS_TYPE_SIZE, .fallback = "1MiB", .min = 4096,
	  .max = UINT64_C(1) << 30, .ops = GROUP_OPS,
	  .help = "the data of a new member begins at a multiple of this" },
	{ .name = "permission", .type = EVMS_TYPE_CHOICE, .choices = "rw|r",
	  .ops = EVMS_OP_BIT(EVMS_OP_SET), .help = "whether the volume may be written" },
	{ .name = "add-tag", .type = EVMS_TYPE_STR, .min = 1, .max = 1024,
	  .ops = EVMS_OP_BIT(EVMS_OP_SET), .help = "tag to give to the volume" },
	{ .name = "remove-tag", .type = EVMS_TYPE_STR, .min = 1, .max = 1024,
	  .ops = EVMS_OP_BIT(EVMS_OP_SET), .help = "tag to take off the volume" },
	{ .name = NULL }
};

static const struct evms_magic magics[] = {
	{ .bytes = "LABELONE", .len = 8, .offset = 0 },
	{ .bytes = "LABELONE", .len = 8, .offset = 512 },
	{ .bytes = "LABELONE", .len = 8, .offset = 1024 },
	{ .bytes = "LABELONE", .len = 8, .offset = 1536 },
};

static const struct evms_setup setup = {
	EVMS_SETUP,
	.probe = lvm2_probe,
	.claim = lvm2_claim,
	.assemble = group_assemble,
	.release = lvm2_release,
	.acceptable = lvm2_acceptable,
	.get_limits = lvm2_get_limits,
	.create = lvm2_create,
	.remove = lvm2_remove,
	.expand = lvm2_expand,
	.shrink = lvm2_shrink,
	.rename = lvm2_rename,
	.set = lvm2_set,
	.repair = lvm2_repair,
	.write = lvm2_write,
	.committed = lvm2_committed,
};

EVMS_PLUGIN(
	.name = "lvm2",
	.id = UINT64_C(0x6c766d3200000001),
	.version = "1.0",
	.summary = "LVM2 volume groups: linear and striped volumes",
	.role = EVMS_ROLE_GROUP_EMULATOR,
	.setup = &setup,
	EVMS_MAGICS(magics),
	EVMS_OPTIONS(options),
	.head_window = 8192,
);
