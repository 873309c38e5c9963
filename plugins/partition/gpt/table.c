/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table on the disk: both copies are read and judged, one is chosen, and all is written back. */
#include <stdlib.h>
#include "gpt.h"

#define MBR_ENTRY(mbr, i)	((mbr) + 446 + 16 * (i))
#define MBR_TYPE_PROTECTIVE	0xee

/* One copy of the table as it was read. */
struct gpt_copy {
	uint8_t *header;	/* NULL: could not be read */
	uint8_t *entries;	/* NULL: the copy is not valid */
	const char *why;	/* it is not valid */
	uint64_t lba, alternate, first_usable, last_usable, entries_lba;
	uint32_t count, entry_size, blocks;
};

/* --- block 0 --- */

static bool is_boot_sector(const uint8_t *b)
{
	return b[0] == 0xeb || b[0] == 0xe9;
}

enum gpt_mbr gpt_mbr_kind(const uint8_t *mbr)
{
	bool ee = false, good = false, others = false;
	unsigned i;

	for (i = 0; i < 4; i++) {
		const uint8_t *e = MBR_ENTRY(mbr, i);

		if (e[4] == MBR_TYPE_PROTECTIVE) {
			ee = true;
			good = good || evms_get_le32(e + 8) == 1;
		} else if (e[4] || evms_get_le32(e + 8) || evms_get_le32(e + 12)) {
			others = true;
		}
	}
	if (mbr[510] != 0x55 || mbr[511] != 0xaa)
		return ee ? GPT_MBR_BROKEN : others ? GPT_MBR_FOREIGN : GPT_MBR_NONE;
	if (good)
		return others ? GPT_MBR_HYBRID : GPT_MBR_PROTECTIVE;
	if (ee)
		return GPT_MBR_BROKEN;
	return others || is_boot_sector(mbr) ? GPT_MBR_FOREIGN : GPT_MBR_NONE;
}

/* The protective entry covers another number of blocks. All ones are right for every disk. */
bool gpt_mbr_size_wrong(const struct gpt_table *t)
{
	unsigned i;

	for (i = 0; i < 4; i++) {
		const uint8_t *e = MBR_ENTRY(t->mbr, i);
		uint32_t size = evms_get_le32(e + 12);

		if (e[4] == MBR_TYPE_PROTECTIVE)
			return size != UINT32_MAX && size != t->last_lba &&
				gpt_mbr_kind(t->mbr) == GPT_MBR_PROTECTIVE;
	}
	return false;
}

/* Give block 0 a right protective entry; boot code and other entries stay. */
void gpt_mbr_protect(struct gpt_table *t)
{
	static const uint8_t entry[8] = { 0x00, 0x00, 0x02, 0x00, 0xee, 0xff, 0xff, 0xff };
	enum gpt_mbr kind = gpt_mbr_kind(t->mbr);
	uint8_t *e = MBR_ENTRY(t->mbr, 0);
	unsigned i;

	if (kind == GPT_MBR_HYBRID)
		return;
	for (i = 0; i < 4; i++)
		if (MBR_ENTRY(t->mbr, i)[4] == MBR_TYPE_PROTECTIVE)
			e = MBR_ENTRY(t->mbr, i);
	if (kind == GPT_MBR_NONE)
		memcpy(e, entry, sizeof(entry));
	evms_put_le32(e + 8, 1);
	evms_put_le32(e + 12, t->last_lba > UINT32_MAX ? UINT32_MAX : (uint32_t)t->last_lba);
	t->mbr[510] = 0x55;
	t->mbr[511] = 0xaa;
	t->write_mbr = true;
}

/* --- reading --- */

static uint32_t crc(const void *data, size_t len)
{
	return ~evms_crc32(UINT32_MAX, data, len);
}

static uint32_t header_crc(const uint8_t *h, uint32_t size)
{
	static const uint8_t zero[4];
	uint32_t sum = evms_crc32(UINT32_MAX, h, GPT_H_CRC);

	sum = evms_crc32(sum, zero, 4);
	return ~evms_crc32(sum, h + GPT_H_CRC + 4, size - GPT_H_CRC - 4);
}

static const char *entries_check(const uint8_t *h, uint32_t bs, uint64_t lba, uint64_t last_lba)
{
	uint64_t count = evms_get_le32(h + GPT_H_COUNT);
	uint64_t size = evms_get_le32(h + GPT_H_ENTRY_SIZE);
	uint64_t at = evms_get_le64(h + GPT_H_ENTRIES), blocks;

	if (size < GPT_ENTRY_MIN || size > GPT_ENTRY_MAX || size & (size - 1))
		return "it gives an impossible size of its entries";
	if (!count || count > GPT_TABLE_MAX / size)
		return "it gives an impossible number of entries";
	blocks = (count * size + bs - 1) / bs;
	if (at < 2 || at > last_lba || blocks > last_lba - at + 1)
		return "its entries lie outside the disk";
	if (at <= lba && lba - at < blocks)
		return "its entries lie on the header";
	return NULL;
}

/* What is wrong with a header, or NULL. Nothing of it may be used before. */
const char *gpt_header_check(const uint8_t *h, uint32_t bs, uint64_t lba, uint64_t last_lba)
{
	uint32_t size;

	if (memcmp(h, "EFI PART", 8) != 0)
		return "there is none";
	size = evms_get_le32(h + GPT_H_SIZE);
	if (size < GPT_HEADER_MIN || size > bs)
		return "it gives an impossible size of itself";
	if (header_crc(h, size) != evms_get_le32(h + GPT_H_CRC))
		return "its checksum is wrong";
	if (evms_get_le64(h + GPT_H_MY_LBA) != lba)
		return "it was written for another place";
	if (evms_get_le64(h + GPT_H_FIRST) < 2 ||
	    evms_get_le64(h + GPT_H_FIRST) > evms_get_le64(h + GPT_H_LAST))
		return "its range of usable blocks is impossible";
	return entries_check(h, bs, lba, last_lba);
}

static void copy_free(struct gpt_copy *c)
{
	free(c->header);
	free(c->entries);
	c->header = c->entries = NULL;
}

/* Read one copy. A copy that cannot be read is as good as none. Only -ENOMEM is an error. */
static int copy_read(struct evms_object *disk, uint32_t bs, uint64_t lba, uint64_t last_lba,
		     struct gpt_copy *c)
{
	size_t len;

	*c = (struct gpt_copy) { .lba = lba };
	c->header = calloc(1, bs);
	if (!c->header)
		return -ENOMEM;
	if (evms_read(disk, c->header, bs, lba * bs) < 0) {
		c->why = "it cannot be read";
		return 0;
	}
	c->why = gpt_header_check(c->header, bs, lba, last_lba);
	if (c->why)
		return 0;
	c->alternate = evms_get_le64(c->header + GPT_H_ALTERNATE);
	c->first_usable = evms_get_le64(c->header + GPT_H_FIRST);
	c->last_usable = evms_get_le64(c->header + GPT_H_LAST);
	c->entries_lba = evms_get_le64(c->header + GPT_H_ENTRIES);
	c->count = evms_get_le32(c->header + GPT_H_COUNT);
	c->entry_size = evms_get_le32(c->header + GPT_H_ENTRY_SIZE);
	len = (size_t)c->count * c->entry_size;
	c->blocks = (uint32_t)((len + bs - 1) / bs);
	c->entries = malloc((size_t)c->blocks * bs);
	if (!c->entries)
		return -ENOMEM;
	if (evms_read(disk, c->entries, (size_t)c->blocks * bs, c->entries_lba * bs) < 0)
		c->why = "its entries cannot be read";
	else if (crc(c->entries, len) != evms_get_le32(c->header + GPT_H_ENTRIES_CRC))
		c->why = "the checksum of its entries is wrong";
	if (!c->why)
		return 0;
	free(c->entries);
	c->entries = NULL;
	return 0;
}

static bool copies_agree(const struct gpt_copy *a, const struct gpt_copy *b)
{
	return a->count == b->count && a->entry_size == b->entry_size &&
		a->first_usable == b->first_usable && a->last_usable == b->last_usable &&
		memcmp(a->header + GPT_H_GUID, b->header + GPT_H_GUID, 16) == 0 &&
		memcmp(a->entries, b->entries, (size_t)a->count * a->entry_size) == 0;
}

/* Where a backup belongs that has to be written anew. */
static void backup_at_end(struct gpt_table *t)
{
	t->backup_lba = t->last_lba;
	t->backup_entries = t->last_lba - t->blocks;
}

/* Take over what the good copy says. */
static void table_take(struct gpt_table *t, struct gpt_copy *c)
{
	t->count = c->count;
	t->entry_size = c->entry_size;
	t->blocks = c->blocks;
	t->first_usable = c->first_usable;
	t->last_usable = c->last_usable;
	t->entries = c->entries;
	c->entries = NULL;
	if (evms_get_le32(c->header + GPT_H_REVISION) >> 16 > 1)
		t->problems |= GPT_REVISION;
}

static uint8_t *header_take(struct gpt_copy *c)
{
	uint8_t *header = c->header;

	c->header = NULL;
	return header;
}

/* The primary copy is valid: find the backup that goes with it. */
static void choose_primary(struct gpt_table *t, struct gpt_copy *primary, struct gpt_copy *end,
			   struct gpt_copy *other)
{
	struct gpt_copy *backup = NULL;

	if (end->entries && copies_agree(primary, end)) {
		backup = end;
		if (primary->alternate != t->last_lba)
			t->problems |= GPT_BAD_ALTERNATE;
	} else if (other->entries && copies_agree(primary, other)) {
		backup = other;
		t->problems |= GPT_GROWN;
	} else if ((end->entries && primary->alternate == t->last_lba) || other->entries) {
		t->problems |= GPT_DIFFER;
		backup = end->entries && primary->alternate == t->last_lba ? end : other;
	} else {
		t->problems |= GPT_BAD_BACKUP;
		if (primary->alternate > 1 && primary->alternate < t->last_lba)
			t->problems |= GPT_GROWN;
	}
	t->primary_entries = primary->entries_lba;
	table_take(t, primary);
	backup_at_end(t);
	if (backup) {
		t->backup_lba = backup->lba;
		t->backup_entries = backup->blocks == t->blocks ? backup->entries_lba :
			backup->lba - t->blocks;	/* checked by check_layout() */
	}
	t->primary = header_take(primary);
	t->backup = header_take(backup ? backup : end);
	if (!backup)	/* nothing of an invalid header is used again */
		memcpy(t->backup, t->primary, t->bs);
}

/* Only the backup is valid. */
static void choose_backup(struct gpt_table *t, struct gpt_copy *primary, struct gpt_copy *end)
{
	t->problems |= GPT_BAD_PRIMARY;
	t->primary_first = true;
	t->primary_entries = 2;
	t->backup_lba = end->lba;
	t->backup_entries = end->entries_lba;
	table_take(t, end);
	t->primary = header_take(primary);
	t->backup = header_take(end);
	memcpy(t->primary, t->backup, t->bs);
}

static bool blocks_overlap(uint64_t a, uint64_t a_count, uint64_t b, uint64_t b_count)
{
	return a < b ? b - a < a_count : a - b < b_count;
}

/* Do the table's own structures keep out of each other's way and out of the usable blocks? */
static void check_layout(struct gpt_table *t)
{
	uint64_t usable = t->last_usable - t->first_usable + 1;

	if (t->last_usable > t->last_lba)
		t->problems |= GPT_SHRUNK;
	if (blocks_overlap(t->primary_entries, t->blocks, t->first_usable, usable))
		t->problems |= GPT_LAYOUT;
	if (t->first_usable > t->last_lba || t->blocks >= t->last_lba)
		t->problems |= GPT_LAYOUT;
	if (t->problems & (GPT_SHRUNK | GPT_LAYOUT))
		return;
	if (blocks_overlap(t->backup_entries, t->blocks, t->first_usable, usable) ||
	    blocks_overlap(t->backup_lba, 1, t->first_usable, usable) ||
	    blocks_overlap(t->backup_entries, t->blocks, t->primary_entries, t->blocks) ||
	    blocks_overlap(t->backup_lba, 1, t->primary_entries, t->blocks) ||
	    blocks_overlap(t->backup_lba, 1, t->backup_entries, t->blocks) ||
	    t->backup_entries < 2 || t->backup_entries > t->last_lba ||
	    t->blocks > t->last_lba - t->backup_entries + 1)
		t->problems |= GPT_LAYOUT;
}

static int table_choose(struct evms_object *disk, struct gpt_table *t, struct gpt_copy *primary,
			struct gpt_copy *end, const char **why)
{
	struct gpt_copy other = { 0 };
	int r = 0;

	if (primary->entries) {
		if (primary->alternate > 1 && primary->alternate < t->last_lba)
			r = copy_read(disk, t->bs, primary->alternate, t->last_lba, &other);
		if (r == 0)
			choose_primary(t, primary, end, &other);
		copy_free(&other);
	} else if (end->entries) {
		choose_backup(t, primary, end);
	} else {
		why[0] = primary->why;
		why[1] = end->why;
		return 1;
	}
	if (r == 0)
		check_layout(t);
	return r;
}

/* 0, 1 when there is no valid copy at this block size, or a negative errno. */
static int load_at(struct evms_object *disk, uint32_t bs, struct gpt_table **out, const char **why)
{
	struct gpt_copy primary = { 0 }, end = { 0 };
	struct gpt_table *t;
	uint64_t blocks = evms_get_size(disk) / bs;
	int r;

	if (blocks < 6) {
		why[0] = why[1] = "the disk is too small";
		return 1;
	}
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->bs = bs;
	t->last_lba = blocks - 1;
	t->mbr = calloc(1, bs);
	r = t->mbr ? evms_read(disk, t->mbr, bs, 0) : -ENOMEM;
	if (r == 0)
		r = copy_read(disk, bs, 1, t->last_lba, &primary);
	if (r == 0)
		r = copy_read(disk, bs, t->last_lba, t->last_lba, &end);
	if (r == 0)
		r = table_choose(disk, t, &primary, &end, why);
	copy_free(&primary);
	copy_free(&end);
	if (r) {
		gpt_table_free(t);
		return r;
	}
	if (gpt_mbr_kind(t->mbr) < GPT_MBR_PROTECTIVE)
		t->problems |= GPT_NO_PMBR;
	*out = t;
	return 0;
}

/* Read the table of a disk, at the disk's block size or the other common one. */
int gpt_table_load(struct evms_object *disk, struct gpt_table **out)
{
	uint32_t own = evms_get_block_size(disk);
	const char *why[2] = { "", "" }, *ignored[2];
	int r = load_at(disk, own, out, why);

	if (r == 1 && own != 4096)
		r = load_at(disk, 4096, out, ignored);
	if (r == 1 && own != 512)
		r = load_at(disk, 512, out, ignored);
	if (r == 1)
		return evms_fail(disk, EBADMSG, "gpt.header", "neither copy of the table is valid "
				 "(primary header: %s; backup header: %s); restore it from a backup, or "
				 "assign a new one", why[0], why[1]);
	if (r < 0)
		return r;
	if ((*out)->bs != own && evms_set_block_size(disk, (*out)->bs) < 0)
		(*out)->problems |= GPT_BLOCK_SIZE;
	return 0;
}

/* --- a new table --- */

static void header_init(uint8_t *h)
{
	memcpy(h, "EFI PART", 8);
	evms_put_le32(h + GPT_H_REVISION, 0x00010000);
	evms_put_le32(h + GPT_H_SIZE, GPT_HEADER_MIN);
}

/* An empty table for a disk. The caller has checked that it is large enough. */
int gpt_table_new(uint32_t bs, uint64_t last_lba, uint32_t count, struct gpt_table **out)
{
	struct gpt_table *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->bs = bs;
	t->last_lba = last_lba;
	t->count = count;
	t->entry_size = GPT_ENTRY_MIN;
	t->blocks = (uint32_t)(((uint64_t)count * GPT_ENTRY_MIN + bs - 1) / bs);
	t->primary_entries = 2;
	t->first_usable = 2 + (uint64_t)t->blocks;
	backup_at_end(t);
	t->last_usable = t->backup_entries - 1;
	t->mbr = calloc(1, bs);
	t->primary = calloc(1, bs);
	t->backup = calloc(1, bs);
	t->entries = calloc(t->blocks, bs);
	if (!t->mbr || !t->primary || !t->backup || !t->entries) {
		gpt_table_free(t);
		return -ENOMEM;
	}
	header_init(t->primary);
	header_init(t->backup);
	gpt_mbr_protect(t);
	*out = t;
	return 0;
}

void gpt_table_free(struct gpt_table *t)
{
	if (!t)
		return;
	free(t->mbr);
	free(t->primary);
	free(t->backup);
	free(t->entries);
	free(t);
}

/* --- writing --- */

/* A header block: what is known is set, what is not known stays as it was read. */
static void header_build(const struct gpt_table *t, uint8_t *h, bool is_backup)
{
	uint32_t size;

	memcpy(h, is_backup ? t->backup : t->primary, t->bs);
	size = evms_get_le32(h + GPT_H_SIZE);
	evms_put_le64(h + GPT_H_MY_LBA, is_backup ? t->backup_lba : 1);
	evms_put_le64(h + GPT_H_ALTERNATE, is_backup ? 1 : t->backup_lba);
	evms_put_le64(h + GPT_H_FIRST, t->first_usable);
	evms_put_le64(h + GPT_H_LAST, t->last_usable);
	memcpy(h + GPT_H_GUID, t->primary + GPT_H_GUID, 16);
	evms_put_le64(h + GPT_H_ENTRIES, is_backup ? t->backup_entries : t->primary_entries);
	evms_put_le32(h + GPT_H_COUNT, t->count);
	evms_put_le32(h + GPT_H_ENTRY_SIZE, t->entry_size);
	evms_put_le32(h + GPT_H_ENTRIES_CRC, crc(t->entries, (size_t)t->count * t->entry_size));
	evms_put_le32(h + GPT_H_CRC, header_crc(h, size));
}

static int write_copy(struct evms_object *disk, const struct gpt_table *t, uint8_t *block,
		      bool is_backup, uint32_t phase)
{
	uint64_t entries = is_backup ? t->backup_entries : t->primary_entries;
	int r;

	header_build(t, block, is_backup);
	r = evms_write(disk, t->entries, (size_t)t->blocks * t->bs, entries * t->bs, phase);
	if (r < 0)
		return r;
	return evms_write(disk, block, t->bs, (is_backup ? t->backup_lba : 1) * t->bs, phase);
}

/* The place of a backup that was moved; a partition that took the place keeps its bytes. */
static int wipe_stale(struct evms_object *disk, const struct gpt_table *t)
{
	uint32_t i;

	if (!t->stale_blocks)
		return 0;
	for (i = 0; i < t->count; i++) {
		const uint8_t *e = gpt_entry(t, i);

		if (gpt_entry_used(e) && evms_get_le64(e + GPT_E_LAST) >= t->stale_first &&
		    evms_get_le64(e + GPT_E_FIRST) < t->stale_first + t->stale_blocks)
			return 0;
	}
	return evms_zero(disk, t->stale_first * t->bs, t->stale_blocks * t->bs, EVMS_PHASE_WIPE);
}

/*
 * Stage the table. The backup is on stable storage before the primary is touched, so that one valid copy
 * exists at every moment; the other way round when the backup is the only good copy there is.
 */
int gpt_table_write(struct evms_object *disk)
{
	const struct gpt_table *t = evms_get_private(disk);
	uint8_t *block;
	int r;

	if (!t)
		return evms_fail(disk, EINVAL, "gpt.private", "the disk has no table");
	if (t->problems & GPT_READ_ONLY)
		return evms_fail(disk, EROFS, "gpt.read-only", "the table is damaged; repair it first");
	block = malloc(t->bs);
	if (!block)
		return -ENOMEM;
	r = write_copy(disk, t, block, !t->primary_first, EVMS_PHASE_SECONDARY);
	if (r == 0)
		r = write_copy(disk, t, block, t->primary_first, EVMS_PHASE_PRIMARY);
	if (r == 0 && t->write_mbr)
		r = evms_write(disk, t->mbr, t->bs, 0, EVMS_PHASE_PRIMARY);
	free(block);
	return r < 0 ? r : wipe_stale(disk, t);
}
