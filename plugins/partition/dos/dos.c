/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* MBR partition tables with logical partitions: what the plug-in offers, and recognition. */
#include <stdlib.h>
#include "dos.h"

static const struct evms_magic dos_magics[] = {
	{ .bytes = "\x55\xaa", .len = 2, .offset = 510 },
};

#define RESIZE	(EVMS_OP_BIT(EVMS_OP_EXPAND) | EVMS_OP_BIT(EVMS_OP_SHRINK))
#define CREATE	EVMS_OP_BIT(EVMS_OP_CREATE)
#define SET	EVMS_OP_BIT(EVMS_OP_SET)

static const struct evms_option dos_options[] = {
	{ .name = "size", .type = EVMS_TYPE_SIZE, .flags = EVMS_OPTION_PERCENT, .min = 1,
	  .ops = CREATE | RESIZE,
	  .help = "size of the partition; a new one takes all of the free space without it" },
	{ .name = "kind", .type = EVMS_TYPE_CHOICE, .choices = "auto|primary|logical|extended",
	  .fallback = "auto", .ops = CREATE,
	  .help = "auto makes an extended partition for logical ones when one primary is left" },
	{ .name = "type", .type = EVMS_TYPE_STR, .fallback = "linux", .min = 1, .ops = CREATE | SET,
	  .help = "type of the partition: linux, swap, lvm, raid, esp, fat32, ntfs, ... or a "
		  "hexadecimal number" },
	{ .name = "active", .type = EVMS_TYPE_BOOL, .ops = CREATE | SET,
	  .help = "boot from this primary partition, and from no other" },
	{ .name = "number", .type = EVMS_TYPE_U64, .min = 1, .max = DOS_PRIMARIES, .ops = CREATE,
	  .help = "number of a primary partition; the lowest free one without it" },
	{ .name = "start", .type = EVMS_TYPE_SIZE, .ops = CREATE,
	  .help = "where it begins on the disk; the start of the free space, aligned, without it" },
	{ .name = "align", .type = EVMS_TYPE_SIZE, .fallback = "1MiB", .ops = CREATE,
	  .help = "begin at a multiple of this" },
	{ .name = "uuid", .type = EVMS_TYPE_STR, .min = 8, .max = 8,
	  .ops = SET | EVMS_OP_BIT(EVMS_OP_ASSIGN),
	  .help = "signature of the disk, 8 hexadecimal digits; a random one without it" },
	{ .name = "drop-extended", .type = EVMS_TYPE_BOOL, .fallback = "no", .ops = SET,
	  .help = "on a disk: remove the extended partition, which must be empty" },
	{ .name = "keep-extended", .type = EVMS_TYPE_BOOL, .fallback = "no",
	  .ops = EVMS_OP_BIT(EVMS_OP_DELETE),
	  .help = "keep the extended partition when its last logical one goes" },
	{ .name = NULL }
};

static bool is_zero(const uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i])
			return false;
	return true;
}

/* A boot sector of FAT, NTFS or exFAT has the same two bytes at its end. */
static bool is_volume_boot(const uint8_t *b)
{
	uint32_t bytes = evms_get_le16(b + 11);

	if (b[0] != 0xeb && b[0] != 0xe9)
		return false;
	if (memcmp(b + 3, "NTFS    ", 8) == 0 || memcmp(b + 3, "EXFAT   ", 8) == 0 ||
	    memcmp(b + 3, "-FVE-FS-", 8) == 0)
		return true;
	if (bytes < 512 || bytes > 4096 || bytes & (bytes - 1))
		return false;
	return b[13] && !(b[13] & (b[13] - 1)) && evms_get_le16(b + 14) && b[16] && b[16] <= 4 &&
		(b[21] >= 0xf8 || b[21] == 0xf0);
}

/* What else may be found on a disk whose first sector ends in 55 aa. */
static const struct {
	uint64_t offset;
	const char *bytes;
	uint32_t len;
} others[] = {
	{ 0, "XFSB", 4 }, { 0, "LUKS\xba\xbe", 6 }, { 512, "LABELONE", 8 }, { 1080, "\x53\xef", 2 },
	{ 4086, "SWAPSPACE2", 10 }, { 4096, "\xfc\x4e\x2b\xa9", 4 }, { 32769, "CD001", 5 },
	{ 65600, "_BHRfS_M", 8 },
};

static bool has_bytes(struct evms_object *disk, unsigned i)
{
	uint8_t found[16];

	return evms_get_size(disk) >= others[i].offset + others[i].len &&
		evms_read(disk, found, others[i].len, others[i].offset) == 0 &&
		memcmp(found, others[i].bytes, others[i].len) == 0;
}

static bool is_somebody_elses(struct evms_object *disk)
{
	unsigned i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (has_bytes(disk, i))
			return true;
	return false;
}

static bool is_iso(struct evms_object *disk)
{
	return has_bytes(disk, 6);
}

/* AIX writes the magic of its boot record over the first bytes, and its own label seven sectors on. */
static bool is_aix(struct evms_object *disk, const uint8_t *mbr)
{
	uint8_t label[4];
	unsigned slot;

	if (memcmp(mbr, "\xc9\xc2\xd4\xc1", 4) != 0)
		return false;
	for (slot = 0; slot < DOS_PRIMARIES; slot++) {
		uint8_t type = mbr[446 + 16 * slot + DOS_E_TYPE];

		if (type == 0x82 || type == 0x83 || type == 0x8e || type == 0xfd || dos_is_extended(type))
			return false;
	}
	return evms_get_size(disk) >= 8 * 512 && evms_read(disk, label, 4, 7 * 512) == 0 &&
		memcmp(label, "_LVM", 4) == 0;
}

/* A table without partitions looks like any other boot sector: only a plain one is taken for a table. */
static int probe_empty(struct evms_object *disk, const uint8_t *mbr)
{
	uint8_t next[512];

	if (is_somebody_elses(disk))
		return EVMS_NOT_MINE;
	if (evms_get_le32(mbr + DOS_SIGNATURE))
		return EVMS_MINE;
	if (!is_zero(mbr, 446) || evms_get_size(disk) < 1024 || evms_read(disk, next, 512, 512) < 0)
		return EVMS_NOT_MINE;
	return is_zero(next, 512) ? EVMS_MINE : EVMS_NOT_MINE;
}

static int dos_probe(struct evms_object *disk)
{
	uint64_t blocks = evms_get_size(disk) / evms_get_block_size(disk);
	unsigned slot, used = 0, sane = 0;
	uint8_t mbr[512];
	int r;

	if (evms_get_size(disk) < 1024 || blocks < 2)
		return EVMS_NOT_MINE;
	r = evms_read(disk, mbr, sizeof(mbr), 0);
	if (r < 0)
		return r;
	if (!dos_has_magic(mbr) || is_volume_boot(mbr) || is_aix(disk, mbr))
		return EVMS_NOT_MINE;
	for (slot = 0; slot < DOS_PRIMARIES; slot++) {
		const uint8_t *e = dos_entry(mbr, slot);
		uint64_t start = evms_get_le32(e + DOS_E_START), size = evms_get_le32(e + DOS_E_SIZE);

		if (e[DOS_E_BOOT] & 0x7f || e[DOS_E_TYPE] == 0xee)
			return EVMS_NOT_MINE;
		if (!e[DOS_E_TYPE] && !size)
			continue;
		if (!start && is_iso(disk))
			return EVMS_NOT_MINE;
		used++;
		sane += start && size && start < blocks && size <= blocks - start;
	}
	if (!used)
		return probe_empty(disk, mbr);
	if (!sane && !is_zero(mbr, DOS_SIGNATURE))
		return EVMS_NOT_MINE;
	return sane == used ? EVMS_MINE : EVMS_DAMAGED;
}

static void dos_release(struct evms_object *o)
{
	if (evms_get_kind(o) == EVMS_KIND_PARTITION)
		free(evms_get_private(o));
	else
		dos_table_free(evms_get_private(o));
}

static const struct evms_setup dos_setup = {
	EVMS_SETUP,
	.probe = dos_probe,
	.claim = dos_claim,
	.release = dos_release,
	.acceptable = dos_acceptable,
	.get_limits = dos_get_limits,
	.create = dos_create,
	.assign = dos_assign,
	.unassign = dos_unassign,
	.remove = dos_remove,
	.expand = dos_resize,
	.shrink = dos_resize,
	.set = dos_set,
	.write = dos_table_write,
};

EVMS_PLUGIN(
	.id = UINT64_C(0x646f730000000001),
	.name = "dos",
	.version = "1.0",
	.summary = "MBR partition tables with primary and logical partitions",
	.role = EVMS_ROLE_PARTITION_MANAGER,
	.priority = 50,
	.setup = &dos_setup,
	EVMS_MAGICS(dos_magics),
	EVMS_OPTIONS(dos_options),
	.head_window = 4096,
);
