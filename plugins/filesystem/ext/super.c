/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading the superblock of ext2, ext3 and ext4; README.md has the layout. */
#include "ext.h"

#define COMPAT_JOURNAL		0x0004u
#define INCOMPAT_FILETYPE	0x0002u
#define INCOMPAT_RECOVER	0x0004u
#define INCOMPAT_JOURNAL_DEV	0x0008u
#define INCOMPAT_META_BG	0x0010u
#define INCOMPAT_64BIT		0x0080u
#define INCOMPAT_FLEX_BG	0x0200u
#define RO_SPARSE_SUPER		0x0001u
#define RO_LARGE_FILE		0x0002u
#define RO_BTREE_DIR		0x0004u
#define RO_BIGALLOC		0x0200u
#define RO_METADATA_CSUM	0x0400u

#define STATE_HAS_ERRORS	0x0002u
#define LOG_BLOCK_MAX		6	/* 64 KiB */
#define LOG_CLUSTER_MAX		19	/* 512 MiB */
#define BLOCKS_64BIT_MAX	(UINT64_C(1) << 48)

struct counts {
	uint32_t first_block, blocks_per_group, inodes_per_group, inode_size, inodes, free_inodes;
	uint32_t log_block, log_cluster, incompat, ro;
};

/* The magic is only two bytes: is the rest like a superblock at all? */
static bool is_plausible(const uint8_t *sb)
{
	return evms_get_le16(sb + 56) == 0xef53 &&
	       evms_get_le32(sb + 76) <= 1 &&			/* revision */
	       evms_get_le32(sb + 72) <= 4 &&			/* operating system */
	       !(evms_get_le16(sb + 58) & ~0x3fu) &&		/* state */
	       evms_get_le16(sb + 60) <= 3 &&			/* what to do on errors */
	       evms_get_le32(sb + 24) <= LOG_BLOCK_MAX;
}

static void read_counts(const uint8_t *sb, struct counts *c)
{
	bool dynamic = evms_get_le32(sb + 76) >= 1;

	*c = (struct counts) {
		.inodes = evms_get_le32(sb), .free_inodes = evms_get_le32(sb + 16),
		.first_block = evms_get_le32(sb + 20), .log_block = evms_get_le32(sb + 24),
		.log_cluster = evms_get_le32(sb + 28), .blocks_per_group = evms_get_le32(sb + 32),
		.inodes_per_group = evms_get_le32(sb + 40),
		.inode_size = dynamic ? evms_get_le16(sb + 88) : 128,
		.incompat = dynamic ? evms_get_le32(sb + 96) : 0,
		.ro = dynamic ? evms_get_le32(sb + 100) : 0,
	};
	if (!(c->ro & RO_BIGALLOC))
		c->log_cluster = c->log_block;
}

static const char *find_type(uint32_t compat, const struct counts *c)
{
	if (c->incompat & INCOMPAT_JOURNAL_DEV)
		return "jbd";
	if (c->incompat & ~(INCOMPAT_FILETYPE | INCOMPAT_RECOVER | INCOMPAT_META_BG) ||
	    c->ro & ~(RO_SPARSE_SUPER | RO_LARGE_FILE | RO_BTREE_DIR))
		return "ext4";
	return compat & COMPAT_JOURNAL ? "ext3" : "ext2";
}

/* What the format does not allow, of that which is needed here; NULL for nothing. */
static const char *find_wrong(const uint8_t *sb, const struct ext *e, const struct counts *c)
{
	uint64_t bits = 8 * (uint64_t)e->block_size, clusters_per_group;

	if (c->ro & RO_METADATA_CSUM && evms_crc32c(~0u, sb, 1020) != evms_get_le32(sb + 1020))
		return "the checksum of the superblock is wrong";
	if (!e->blocks || e->blocks > FS_SIZE_MAX / e->block_size || c->first_block >= e->blocks)
		return "the superblock has an impossible number of blocks";
	if (c->incompat & INCOMPAT_JOURNAL_DEV)
		return NULL;	/* no groups, no inodes */
	if (c->log_cluster < c->log_block || c->log_cluster > LOG_CLUSTER_MAX)
		return "the superblock has an impossible size of clusters";
	clusters_per_group = (uint64_t)c->blocks_per_group >> (c->log_cluster - c->log_block);
	if (!clusters_per_group || clusters_per_group > bits)
		return "the superblock has an impossible number of blocks in a group";
	if (!c->inodes_per_group || c->inodes_per_group > bits)
		return "the superblock has an impossible number of inodes in a group";
	if (c->inode_size < 128 || c->inode_size > e->block_size || !fs_is_power_of_two(c->inode_size))
		return "the superblock has an impossible size of inodes";
	if (e->free_blocks > e->blocks || c->free_inodes > c->inodes)
		return "the superblock counts more free space than there is";
	return NULL;
}

/*
 * A size to which it can certainly shrink. resize2fs works it out exactly, but must run for that. Its own
 * estimate, below which it refuses, is up to twice what is used when inode tables lie together (flex_bg).
 */
static uint64_t find_min(const struct ext *e, const struct counts *c)
{
	uint64_t used = e->blocks - e->free_blocks, used_inodes = c->inodes - c->free_inodes;
	uint64_t groups = (used_inodes + c->inodes_per_group - 1) / c->inodes_per_group;
	uint64_t table = (uint64_t)c->inodes_per_group * c->inode_size / e->block_size;
	uint64_t by_inodes = c->first_block + table + 64;	/* one group */
	uint64_t min = c->incompat & INCOMPAT_FLEX_BG ? 2 * used : used;

	if (groups > 1)
		by_inodes += (groups - 1) * c->blocks_per_group;
	min += used / 50 + (1024 * 1024) / e->block_size + 1;
	if (min < by_inodes)
		min = by_inodes;
	return min < e->blocks ? min : e->blocks;
}

static uint64_t find_max(const struct ext *e, const struct counts *c)
{
	uint64_t max = c->incompat & INCOMPAT_64BIT ? BLOCKS_64BIT_MAX : UINT32_MAX;

	return max < FS_SIZE_MAX / e->block_size ? max : FS_SIZE_MAX / e->block_size;
}

int ext_read(struct evms_object *o, struct ext *out)
{
	uint8_t sb[EXT_SUPER_SIZE];
	struct counts c;
	int r;

	*out = (struct ext) { .type = NULL };
	if (evms_get_size(o) < EXT_SUPER_OFFSET + EXT_SUPER_SIZE)
		return EVMS_NOT_MINE;
	r = evms_read(o, sb, sizeof(sb), EXT_SUPER_OFFSET);
	if (r < 0)
		return r;
	if (!is_plausible(sb))
		return EVMS_NOT_MINE;
	read_counts(sb, &c);
	out->type = find_type(evms_get_le32(sb + 92), &c);
	out->block_size = 1024u << c.log_block;
	out->blocks = evms_get_le32(sb + 4);
	out->free_blocks = evms_get_le32(sb + 12);
	if (c.incompat & INCOMPAT_64BIT) {
		out->blocks |= (uint64_t)evms_get_le32(sb + 336) << 32;
		out->free_blocks |= (uint64_t)evms_get_le32(sb + 344) << 32;
	}
	out->has_errors = evms_get_le16(sb + 58) & STATE_HAS_ERRORS;
	fs_text(out->label, sizeof(out->label), sb + 120, 16);
	fs_uuid(out->uuid, sb + 104);
	out->wrong = find_wrong(sb, out, &c);
	if (out->wrong)
		return EVMS_DAMAGED;
	if (c.incompat & INCOMPAT_JOURNAL_DEV) {
		out->min_blocks = out->max_blocks = out->blocks;
		return EVMS_MINE;
	}
	out->min_blocks = find_min(out, &c);
	out->max_blocks = find_max(out, &c);
	return EVMS_MINE;
}
