/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading the boot sector of FAT12, FAT16 and FAT32; README.md has the layout. */
#include <stdio.h>
#include "vfat.h"

#define BOOT_SIZE	512
#define CLUSTERS_12	4085		/* with so many it is FAT16 */
#define CLUSTERS_16	65525		/* with so many it is not FAT16 any more */
#define CLUSTERS_32	0x0ffffff5u

static const char no_name[11] = "NO NAME    ";

/* Others that begin with a jump and the same end of the sector. */
static bool is_somebody_elses(const uint8_t *b)
{
	return !memcmp(b + 3, "NTFS    ", 8) || !memcmp(b + 3, "EXFAT   ", 8) ||
	       !memcmp(b + 3, "-FVE-FS-", 8) || !memcmp(b + 3, "ReFS\0\0\0\0", 8);
}

/* The numbers from which everything is worked out: without them it is no FAT. */
static bool is_sane(const uint8_t *b)
{
	uint32_t sector = evms_get_le16(b + 11), media = b[21];

	return (b[0] == 0xeb || b[0] == 0xe9) && fs_is_power_of_two(sector) && sector >= 512 &&
	       sector <= 4096 && fs_is_power_of_two(b[13]) && evms_get_le16(b + 14) > 0 &&
	       b[16] >= 1 && b[16] <= 4 && (media == 0xf0 || media >= 0xf8) &&
	       (evms_get_le16(b + 19) || evms_get_le32(b + 32)) &&
	       (evms_get_le16(b + 22) || evms_get_le32(b + 36));
}

static void read_names(const uint8_t *b, struct vfat *v)
{
	const uint8_t *tail = b + (v->bits == 32 ? 64 : 36);	/* drive, flags, signature, serial */
	uint32_t serial;

	if (tail[2] != 0x28 && tail[2] != 0x29)
		return;
	serial = evms_get_le32(tail + 3);
	snprintf(v->uuid, sizeof(v->uuid), "%04X-%04X", serial >> 16, serial & 0xffff);
	if (tail[2] == 0x29 && memcmp(tail + 7, no_name, sizeof(no_name)))
		fs_text(v->label, sizeof(v->label), tail + 7, 11);
}

static const char *find_wrong(const struct vfat *v)
{
	uint64_t entries = v->table_size * 8 / v->bits;

	if (!v->clusters)
		return "the boot sector leaves no room for files";
	if (v->clusters >= (v->bits == 32 ? CLUSTERS_32 : CLUSTERS_16))
		return "the boot sector has an impossible number of clusters";
	if (entries < v->clusters + 2)
		return "the allocation table is too small for the number of clusters";
	if (v->bits == 32 && (v->root_cluster < 2 || v->root_cluster - 2 >= v->clusters))
		return "the boot sector has no valid place for the root directory";
	return NULL;
}

/* All numbers are below 2^32 and few, so that nothing can overflow 64 bits. */
static void work_out(const uint8_t *b, struct vfat *v)
{
	uint64_t reserved = evms_get_le16(b + 14), tables = b[16], root_entries = evms_get_le16(b + 17);
	uint64_t table_sectors = evms_get_le16(b + 22), root_sectors, data;

	v->sector_size = evms_get_le16(b + 11);
	v->cluster_size = v->sector_size * b[13];
	v->sectors = evms_get_le16(b + 19) ? evms_get_le16(b + 19) : evms_get_le32(b + 32);
	v->bits = table_sectors ? 16 : 32;
	if (v->bits == 32) {
		table_sectors = evms_get_le32(b + 36);
		v->root_cluster = evms_get_le32(b + 44);
		v->info_sector = evms_get_le16(b + 48);
		if (v->info_sector >= reserved)
			v->info_sector = 0;
	}
	root_sectors = (root_entries * 32 + v->sector_size - 1) / v->sector_size;
	data = reserved + tables * table_sectors + root_sectors;
	v->table = reserved * v->sector_size;
	v->table_size = table_sectors * v->sector_size;
	v->root = (reserved + tables * table_sectors) * v->sector_size;
	v->root_size = root_entries * 32;
	v->data = data * v->sector_size;
	v->clusters = data < v->sectors ? (v->sectors - data) / b[13] : 0;
	if (v->bits == 16 && v->clusters < CLUSTERS_12)
		v->bits = 12;
}

int vfat_read(struct evms_object *o, struct vfat *out)
{
	uint8_t b[BOOT_SIZE];
	bool named;
	int r;

	*out = (struct vfat) { .bits = 0 };
	if (evms_get_size(o) < sizeof(b))
		return EVMS_NOT_MINE;
	r = evms_read(o, b, sizeof(b), 0);
	if (r < 0)
		return r;
	/* The names are hints only, but without the end mark or with nonsense they decide. */
	named = !memcmp(b + 54, "FAT1", 4) || !memcmp(b + 82, "FAT32   ", 8);
	if (is_somebody_elses(b) || (!named && evms_get_le16(b + 510) != 0xaa55))
		return EVMS_NOT_MINE;
	if (!is_sane(b)) {
		out->wrong = "the boot sector has impossible sizes of sectors, clusters or tables";
		return named ? EVMS_DAMAGED : EVMS_NOT_MINE;
	}
	work_out(b, out);
	read_names(b, out);
	out->wrong = find_wrong(out);
	if (!out->wrong)
		return EVMS_MINE;
	return named ? EVMS_DAMAGED : EVMS_NOT_MINE;
}
