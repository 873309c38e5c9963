/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The root directory and the allocation table, as far as label and free space need them. */
#include "vfat.h"

#define CHUNK		4096
#define ENTRY_SIZE	32
#define DIRECTORY_MAX	(2u << 20)	/* the format allows no larger directory */
#define COUNT_MAX	(256u << 10)	/* tables larger than this are not counted through */

#define ATTRIBUTE_LABEL	0x08
#define ATTRIBUTE_LONG	0x0f		/* part of a long name: has that bit, too */

enum search { GO_ON, FOUND, END };

static enum search search_entries(const uint8_t *entries, size_t len, struct vfat *v)
{
	char name[11];
	size_t i;

	for (i = 0; i + ENTRY_SIZE <= len; i += ENTRY_SIZE) {
		const uint8_t *e = entries + i;

		if (!e[0])
			return END;
		if (e[0] == 0xe5 || (e[11] & 0x3f) == ATTRIBUTE_LONG || !(e[11] & ATTRIBUTE_LABEL) ||
		    e[11] & 0x10)
			continue;
		memcpy(name, e, sizeof(name));
		if (e[0] == 0x05)
			name[0] = (char)0xe5;
		fs_text(v->label, sizeof(v->label), name, sizeof(name));
		return FOUND;
	}
	return GO_ON;
}

/* One stretch of a directory. A search result or -errno. */
static int search_bytes(struct evms_object *o, uint64_t offset, uint64_t len, struct vfat *v)
{
	uint8_t buf[CHUNK];
	int r = GO_ON;

	while (len > 0 && r == GO_ON) {
		size_t n = len < sizeof(buf) ? (size_t)len : sizeof(buf);

		r = evms_read(o, buf, n, offset);
		if (r < 0)
			return r;
		r = (int)search_entries(buf, n, v);
		offset += n;
		len -= n;
	}
	return r;
}

/* The cluster after this one; 0 at the end of the chain or where the chain is broken. */
static int next_cluster(struct evms_object *o, const struct vfat *v, uint32_t *cluster)
{
	uint8_t entry[4];
	uint32_t next;
	int r = evms_read(o, entry, sizeof(entry), v->table + (uint64_t)*cluster * 4);

	if (r < 0)
		return r;
	next = evms_get_le32(entry) & 0x0fffffff;
	*cluster = next >= 2 && next - 2 < v->clusters ? next : 0;
	return 0;
}

static int search_chain(struct evms_object *o, struct vfat *v)
{
	uint32_t cluster = v->root_cluster;
	uint64_t seen = 0;	/* a chain that bites its tail ends here, too */
	int r = GO_ON;

	while (cluster && r == GO_ON && seen < DIRECTORY_MAX) {
		r = search_bytes(o, v->data + (uint64_t)(cluster - 2) * v->cluster_size,
				 v->cluster_size, v);
		if (r != GO_ON)
			break;
		seen += v->cluster_size;
		r = next_cluster(o, v, &cluster);
		if (r < 0)
			break;
		r = GO_ON;
	}
	return r;
}

int vfat_read_label(struct evms_object *o, struct vfat *v)
{
	int r = v->bits == 32 ? search_chain(o, v) : search_bytes(o, v->root, v->root_size, v);

	return r < 0 ? r : 0;
}

/* FAT32 keeps counters, which are right after a clean unmount. */
static int read_info(struct evms_object *o, const struct vfat *v, uint64_t *out)
{
	uint8_t info[512];
	int r;

	if (!v->info_sector)
		return 0;
	r = evms_read(o, info, sizeof(info), (uint64_t)v->info_sector * v->sector_size);
	if (r < 0)
		return r;
	if (evms_get_le32(info) == 0x41615252 && evms_get_le32(info + 484) == 0x61417272 &&
	    evms_get_le32(info + 488) <= v->clusters)
		*out = evms_get_le32(info + 488);
	return 0;
}

static uint32_t table_entry(const struct vfat *v, const uint8_t *table, uint64_t i)
{
	uint32_t pair;

	if (v->bits == 32)
		return evms_get_le32(table + i * 4) & 0x0fffffff;
	if (v->bits == 16)
		return evms_get_le16(table + i * 2);
	pair = evms_get_le16(table + i + i / 2);
	return i % 2 ? pair >> 4 : pair & 0xfff;
}

/* Piece by piece: 3 KiB hold a whole number of entries of each width. */
static int count_table(struct evms_object *o, const struct vfat *v, uint64_t *out)
{
	uint8_t piece[3072];
	uint64_t per_piece = sizeof(piece) * 8 / v->bits, left = v->clusters + 2, at = v->table;
	uint64_t count = 0, i, n, first = 2;	/* two entries stand for no cluster */
	int r;

	for (; left > 0; left -= n, at += sizeof(piece), first = 0) {
		n = left < per_piece ? left : per_piece;
		r = evms_read(o, piece, (size_t)((n * v->bits + 7) / 8), at);
		if (r < 0)
			return r;
		for (i = first; i < n; i++)
			count += !table_entry(v, piece, i);
	}
	*out = count;
	return 0;
}

int vfat_count_free(struct evms_object *o, const struct vfat *v, uint64_t *out)
{
	int r = 0;

	*out = UINT64_MAX;
	if (v->bits == 32)
		r = read_info(o, v, out);
	if (r < 0 || *out != UINT64_MAX || v->table_size > COUNT_MAX)
		return r;
	return count_table(o, v, out);
}
