/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GUID partition tables (UEFI 2.10, chapter 5): what the plug-in offers, and recognition. */
#include <stdlib.h>
#include "gpt.h"

static const struct evms_magic gpt_magics[] = {
	{ .bytes = "EFI PART", .len = 8, .offset = 1,
	  .flags = EVMS_MAGIC_BLOCKS | EVMS_MAGIC_ANY_BLOCK },
	{ .bytes = "EFI PART", .len = 8, .offset = -1,
	  .flags = EVMS_MAGIC_BLOCKS | EVMS_MAGIC_ANY_BLOCK },
};

#define RESIZE	(EVMS_OP_BIT(EVMS_OP_EXPAND) | EVMS_OP_BIT(EVMS_OP_SHRINK))
#define CREATE	EVMS_OP_BIT(EVMS_OP_CREATE)
#define SET	EVMS_OP_BIT(EVMS_OP_SET)

static const struct evms_option gpt_options[] = {
	{ .name = "size", .type = EVMS_TYPE_SIZE, .flags = EVMS_OPTION_PERCENT, .min = 1,
	  .ops = CREATE | RESIZE,
	  .help = "size of the partition; a new one takes all of the free space without it" },
	{ .name = "name", .type = EVMS_TYPE_STR, .max = GPT_NAME_BYTES - 1,
	  .ops = CREATE | SET | EVMS_OP_BIT(EVMS_OP_RENAME),
	  .help = "name of the partition, at most 36 UTF-16 units" },
	{ .name = "type", .type = EVMS_TYPE_STR, .fallback = "linux", .min = 1, .ops = CREATE | SET,
	  .help = "type of the partition: linux, esp, swap, lvm, raid, luks, home, bios-boot, "
		  "root-x86-64, ... or a GUID" },
	{ .name = "uuid", .type = EVMS_TYPE_STR, .min = 36, .max = 36,
	  .ops = CREATE | SET | EVMS_OP_BIT(EVMS_OP_ASSIGN),
	  .help = "GUID of the partition or disk; a random one without it" },
	{ .name = "attributes", .type = EVMS_TYPE_STR, .ops = CREATE | SET,
	  .help = "required, no-block-io, legacy-boot, read-only, hidden, no-auto, grow-fs or bit "
		  "numbers, separated by commas; or none" },
	{ .name = "number", .type = EVMS_TYPE_U64, .min = 1, .max = GPT_TABLE_MAX / GPT_ENTRY_MIN,
	  .ops = CREATE, .help = "number of the partition; the lowest free one without it" },
	{ .name = "start", .type = EVMS_TYPE_SIZE, .ops = CREATE,
	  .help = "where it begins on the disk; the start of the free space, aligned, without it" },
	{ .name = "align", .type = EVMS_TYPE_SIZE, .fallback = "1MiB", .ops = CREATE,
	  .help = "begin at a multiple of this" },
	{ .name = "entries", .type = EVMS_TYPE_U64, .fallback = "128", .min = 4,
	  .max = GPT_TABLE_MAX / GPT_ENTRY_MIN, .ops = EVMS_OP_BIT(EVMS_OP_ASSIGN),
	  .help = "number of partitions the table has room for" },
	{ .name = "keep-primary", .type = EVMS_TYPE_BOOL, .fallback = "no",
	  .ops = EVMS_OP_BIT(EVMS_OP_REPAIR),
	  .help = "where the two copies differ, keep the primary one and overwrite the backup" },
	{ .name = NULL }
};

/* Is there a signature at the given block, for any common block size? */
static bool has_signature(struct evms_object *disk, uint32_t bs, bool at_end)
{
	uint64_t blocks = evms_get_size(disk) / bs;
	uint8_t sig[8];

	if (blocks < 6 || evms_read(disk, sig, 8, (at_end ? blocks - 1 : 1) * bs) < 0)
		return false;
	return memcmp(sig, "EFI PART", 8) == 0;
}

static bool has_any_signature(struct evms_object *disk)
{
	static const uint32_t sizes[] = { 512, 4096 };
	uint32_t own = evms_get_block_size(disk);
	unsigned i;

	if (has_signature(disk, own, false) || has_signature(disk, own, true))
		return true;
	for (i = 0; i < 2; i++)
		if (sizes[i] != own && (has_signature(disk, sizes[i], false) ||
					has_signature(disk, sizes[i], true)))
			return true;
	return false;
}

static int has_good_primary(struct evms_object *disk, uint32_t bs)
{
	uint64_t blocks = evms_get_size(disk) / bs;
	uint8_t *h;
	int r = 0;

	if (blocks < 6)
		return 0;
	h = malloc(bs);
	if (!h)
		return -ENOMEM;
	if (evms_read(disk, h, bs, bs) == 0)
		r = !gpt_header_check(h, bs, 1, blocks - 1);
	free(h);
	return r;
}

/*
 * A table without a protective MBR is not seen by the kernel and by most tools. It is claimed, read-only,
 * when its primary header is good and nobody else uses block 0; a lone backup header is what remains of
 * many a disk that is used for something else.
 */
static int gpt_probe(struct evms_object *disk)
{
	uint8_t mbr[512];
	int r;

	if (evms_get_size(disk) < 6 * 512)
		return EVMS_NOT_MINE;
	r = evms_read(disk, mbr, sizeof(mbr), 0);
	if (r < 0)
		return r;
	switch (gpt_mbr_kind(mbr)) {
	case GPT_MBR_PROTECTIVE:
	case GPT_MBR_HYBRID:
		return has_any_signature(disk) ? EVMS_MINE : EVMS_NOT_MINE;
	case GPT_MBR_BROKEN:
		return has_any_signature(disk) ? EVMS_DAMAGED : EVMS_NOT_MINE;
	case GPT_MBR_NONE:
		r = has_good_primary(disk, evms_get_block_size(disk));
		if (r == 0 && evms_get_block_size(disk) != 4096)
			r = has_good_primary(disk, 4096);
		return r > 0 ? EVMS_DAMAGED : r;
	case GPT_MBR_FOREIGN:
		break;
	}
	return EVMS_NOT_MINE;
}

static void gpt_release(struct evms_object *o)
{
	if (evms_get_kind(o) == EVMS_KIND_PARTITION)
		free(evms_get_private(o));
	else
		gpt_table_free(evms_get_private(o));
}

static const struct evms_setup gpt_setup = {
	EVMS_SETUP,
	.probe = gpt_probe,
	.claim = gpt_claim,
	.release = gpt_release,
	.acceptable = gpt_acceptable,
	.get_limits = gpt_get_limits,
	.create = gpt_create,
	.assign = gpt_assign,
	.unassign = gpt_unassign,
	.remove = gpt_remove,
	.expand = gpt_resize,
	.shrink = gpt_resize,
	.rename = gpt_rename,
	.set = gpt_set,
	.repair = gpt_repair,
	.write = gpt_table_write,
};

EVMS_PLUGIN(
	.id = UINT64_C(0x6770740000000001),
	.name = "gpt",
	.version = "1.0",
	.summary = "GUID partition tables",
	.role = EVMS_ROLE_PARTITION_MANAGER,
	.priority = 100,
	.setup = &gpt_setup,
	EVMS_MAGICS(gpt_magics),
	EVMS_OPTIONS(gpt_options),
	.head_window = 6 * 4096,
	.tail_window = 5 * 4096,
);
