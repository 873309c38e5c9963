/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table in memory: entries, links between EBRs, and the order in which they are written. */
#include <stdlib.h>
#include "dos.h"

uint8_t *dos_entry(uint8_t *block, unsigned slot)
{
	return block + 446 + 16 * slot;
}

bool dos_has_magic(const uint8_t *block)
{
	return block[510] == 0x55 && block[511] == 0xaa;
}

/* Old systems read cylinder, head and sector; what cannot be told that way is all ones. */
static void chs_set(const struct dos_table *t, uint8_t *chs, uint64_t lba)
{
	uint64_t track = lba / t->sectors, cylinder = track / t->heads;

	if (cylinder > 1023) {
		chs[0] = 0xfe;
		chs[1] = chs[2] = 0xff;
		return;
	}
	chs[0] = (uint8_t)(track % t->heads);
	chs[1] = (uint8_t)((lba % t->sectors + 1) | (cylinder >> 8 << 6));
	chs[2] = (uint8_t)cylinder;
}

/* The boot flag stays. Where the entry's numbers count from is given by base. */
void dos_entry_set(const struct dos_table *t, uint8_t *e, uint8_t type, uint64_t base,
		   uint64_t start, uint64_t size)
{
	e[DOS_E_TYPE] = type;
	chs_set(t, e + DOS_E_CHS, start);
	chs_set(t, e + DOS_E_CHS_END, start + size - 1);
	evms_put_le32(e + DOS_E_START, (uint32_t)(start - base));
	evms_put_le32(e + DOS_E_SIZE, (uint32_t)size);
}

/* --- EBRs --- */

struct dos_ebr *dos_ebr_new(const struct dos_table *t, uint64_t lba)
{
	struct dos_ebr *ebr = calloc(1, sizeof(*ebr));

	if (!ebr)
		return NULL;
	ebr->raw = calloc(1, t->bs);
	if (!ebr->raw) {
		free(ebr);
		return NULL;
	}
	ebr->lba = lba;
	ebr->data = ebr->link = -1;
	ebr->raw[510] = 0x55;
	ebr->raw[511] = 0xaa;
	return ebr;
}

void dos_ebr_free(struct dos_ebr *ebr)
{
	if (!ebr)
		return;
	free(ebr->raw);
	free(ebr);
}

/* The first block behind an EBR and its partition. */
uint64_t dos_ebr_end(const struct dos_ebr *ebr)
{
	const uint8_t *e;

	if (ebr->data < 0)
		return ebr->lba + 1;
	e = dos_entry(ebr->raw, (unsigned)ebr->data);
	return ebr->lba + evms_get_le32(e + DOS_E_START) + evms_get_le32(e + DOS_E_SIZE);
}

/* Let EBR i point to the one behind it in the chain, or to nothing. */
void dos_link(struct dos_table *t, uint32_t i)
{
	struct dos_ebr *ebr = t->ebrs[i], *next = i + 1 < t->ebr_count ? t->ebrs[i + 1] : NULL;
	uint8_t type = 0x05, *e;

	ebr->changed = true;
	if (ebr->link < 0 && !next)
		return;
	if (ebr->link < 0)
		ebr->link = ebr->data == 1 ? 0 : 1;
	e = dos_entry(ebr->raw, (unsigned)ebr->link);
	if (!next) {
		memset(e, 0, 16);
		ebr->link = -1;
		return;
	}
	if (dos_is_extended(e[DOS_E_TYPE]))
		type = e[DOS_E_TYPE];
	dos_entry_set(t, e, type, t->ext.start, next->lba, dos_ebr_end(next) - next->lba);
}

/* --- the whole --- */

int dos_table_new(struct evms_object *disk, struct dos_table **out)
{
	struct dos_table *t = calloc(1, sizeof(*t));
	struct evms_geometry g;

	if (!t)
		return -ENOMEM;
	t->bs = evms_get_block_size(disk);
	t->blocks = evms_get_size(disk) / t->bs;
	t->heads = 255;
	t->sectors = 63;
	if (evms_get_geometry(disk, &g) == 0 && g.heads && g.heads <= 255 && g.sectors &&
	    g.sectors <= 63) {
		t->heads = g.heads;
		t->sectors = g.sectors;
	}
	t->mbr = calloc(1, t->bs);
	if (!t->mbr) {
		free(t);
		return -ENOMEM;
	}
	*out = t;
	return 0;
}

int dos_table_read(struct evms_object *disk, struct dos_table **out)
{
	struct dos_table *t;
	int r = dos_table_new(disk, &t);

	if (r < 0)
		return r;
	r = evms_read(disk, t->mbr, t->bs, 0);
	if (r < 0) {
		dos_table_free(t);
		return r;
	}
	*out = t;
	return 0;
}

void dos_table_free(struct dos_table *t)
{
	uint32_t i;

	if (!t)
		return;
	for (i = 0; i < t->ebr_count; i++)
		dos_ebr_free(t->ebrs[i]);
	free(t->mbr);
	free(t);
}

/* --- writing --- */

static bool is_covered(struct dos_table *t, uint64_t lba)
{
	unsigned slot;
	uint32_t i;

	for (slot = 0; slot < DOS_PRIMARIES; slot++) {
		const uint8_t *e = dos_entry(t->mbr, slot);
		uint64_t start = evms_get_le32(e + DOS_E_START);

		if (t->primary[slot] && lba >= start && lba - start < evms_get_le32(e + DOS_E_SIZE))
			return true;
	}
	for (i = 0; i < t->ebr_count; i++) {
		struct dos_ebr *ebr = t->ebrs[i];
		uint64_t end = dos_ebr_end(ebr);
		const uint8_t *e;

		if (ebr->lba == lba)
			return true;
		if (ebr->data < 0)
			continue;
		e = dos_entry(ebr->raw, (unsigned)ebr->data);
		if (lba < end && lba >= ebr->lba + evms_get_le32(e + DOS_E_START))
			return true;
	}
	return false;
}

/*
 * Stage what changed. New EBRs are on stable storage before anything points to them; EBRs that were given
 * up are wiped when nothing points to them any more, unless a partition got their place.
 */
int dos_table_write(struct evms_object *disk)
{
	struct dos_table *t = evms_get_private(disk);
	uint32_t i;
	int r = 0;

	if (!t)
		return evms_fail(disk, EINVAL, "dos.private", "the disk has no table");
	if (t->read_only)
		return evms_fail(disk, EROFS, "dos.read-only", "the table is damaged and is not changed");
	for (i = 0; i < t->ebr_count && r == 0; i++) {
		const struct dos_ebr *ebr = t->ebrs[i];

		if (ebr->is_new || ebr->changed)
			r = evms_write(disk, ebr->raw, t->bs, ebr->lba * t->bs,
				       ebr->is_new ? EVMS_PHASE_NEW : EVMS_PHASE_PRIMARY);
	}
	if (r == 0 && t->mbr_changed)
		r = evms_write(disk, t->mbr, t->bs, 0, EVMS_PHASE_PRIMARY);
	for (i = 0; i < t->stale_count && r == 0; i++)
		if (!is_covered(t, t->stale[i]))
			r = evms_zero(disk, t->stale[i] * t->bs, t->bs, EVMS_PHASE_WIPE);
	return r;
}
