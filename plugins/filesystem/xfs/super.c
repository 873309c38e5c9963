/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading the superblock of XFS; README.md has the layout. */
#include "xfs.h"

#define SECTOR_MIN	512
#define SECTOR_MAX	32768
#define BLOCK_MAX	65536
#define CRC_OFFSET	224

#define INCOMPAT_NEEDSREPAIR	(1u << 4)

static bool is_power_between(uint32_t n, uint32_t min, uint32_t max)
{
	return n >= min && n <= max && fs_is_power_of_two(n);
}

/* CRC-32C over the sector, its own place counted as zeros. */
static int check_crc(struct evms_object *o, uint32_t sector_size, bool *good)
{
	static const uint8_t zeros[4];
	uint8_t sector[SECTOR_MAX];
	uint32_t crc = ~0u;
	int r = evms_read(o, sector, sector_size, 0);

	if (r < 0)
		return r;
	crc = evms_crc32c(crc, sector, CRC_OFFSET);
	crc = evms_crc32c(crc, zeros, sizeof(zeros));
	crc = ~evms_crc32c(crc, sector + CRC_OFFSET + 4, sector_size - CRC_OFFSET - 4);
	*good = crc == evms_get_le32(sector + CRC_OFFSET);
	return 0;
}

static const char *find_wrong(const uint8_t *sb, const struct xfs *x)
{
	uint64_t ag_blocks = evms_get_be32(sb + 84), ag_count = evms_get_be32(sb + 88);

	if (sb[126])
		return "it was never made to the end: make the file system again";
	if (!x->blocks || x->blocks > FS_SIZE_MAX / x->block_size)
		return "the superblock has an impossible number of blocks";
	/* Both are below 2^32. The last allocation group may be shorter than the others, but not empty. */
	if (!ag_blocks || !ag_count || x->blocks > ag_blocks * ag_count ||
	    x->blocks <= ag_blocks * (ag_count - 1))
		return "the allocation groups do not make up the size of the file system";
	if (x->free_blocks > x->blocks)
		return "the superblock counts more free space than there is";
	return NULL;
}

int xfs_read(struct evms_object *o, struct xfs *out)
{
	uint8_t sb[SECTOR_MIN];
	uint32_t sector_size, version;
	bool good = true;
	int r;

	*out = (struct xfs) { .block_size = 0 };
	if (evms_get_size(o) < sizeof(sb))
		return EVMS_NOT_MINE;
	r = evms_read(o, sb, sizeof(sb), 0);
	if (r < 0)
		return r;
	if (memcmp(sb, "XFSB", 4))
		return EVMS_NOT_MINE;
	version = evms_get_be16(sb + 100) & 15;
	sector_size = evms_get_be16(sb + 102);
	out->block_size = evms_get_be32(sb + 4);
	fs_text(out->label, sizeof(out->label), sb + 108, 12);
	fs_uuid(out->uuid, sb + 32);
	if (!is_power_between(out->block_size, SECTOR_MIN, BLOCK_MAX) || version < 1 || version > 5 ||
	    !is_power_between(sector_size, SECTOR_MIN, SECTOR_MAX)) {
		out->wrong = "the superblock has an impossible version or sizes of blocks and sectors";
		return EVMS_DAMAGED;
	}
	out->blocks = evms_get_be64(sb + 8);
	out->free_blocks = evms_get_be64(sb + 144);
	out->external_log = !evms_get_be64(sb + 48);
	out->wrong = find_wrong(sb, out);
	if (!out->wrong && version == 5) {
		out->needs_repair = evms_get_be32(sb + 216) & INCOMPAT_NEEDSREPAIR;
		if (evms_get_size(o) < sector_size)
			return EVMS_NOT_MINE;
		r = check_crc(o, sector_size, &good);
		if (r < 0)
			return r;
	}
	if (!good)
		out->wrong = "the checksum of the superblock is wrong";
	return out->wrong ? EVMS_DAMAGED : EVMS_MINE;
}
