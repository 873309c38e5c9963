/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The chain of EBRs, as it is read: nothing in it is believed before it was checked. */
#include "dos.h"

#define DAMAGED	(EVMS_STATE_READ_ONLY | EVMS_STATE_DAMAGED)

static int damaged(struct evms_object *disk, struct dos_table *t, const char *reason,
		   const char *what, uint64_t lba)
{
	t->read_only = true;
	evms_note(disk, DAMAGED, reason, "the chain of logical partitions %s (block %" PRIu64
		  "); what follows is not shown and the table is not changed", what, lba);
	return 0;
}

static bool is_visited(const struct dos_table *t, uint64_t lba)
{
	uint32_t i;

	for (i = 0; i < t->ebr_count; i++)
		if (t->ebrs[i]->lba == lba)
			return true;
	return false;
}

/* Find the entry of the partition and the link. More than one of a kind is more than can be changed. */
static void find_slots(struct evms_object *disk, struct dos_table *t, struct dos_ebr *ebr)
{
	bool odd = false;
	int slot;

	for (slot = 0; slot < (int)DOS_PRIMARIES; slot++) {
		const uint8_t *e = dos_entry(ebr->raw, (unsigned)slot);

		if (!e[DOS_E_TYPE] || !evms_get_le32(e + DOS_E_SIZE))
			continue;
		if (slot >= 2 || (dos_is_extended(e[DOS_E_TYPE]) ? ebr->link >= 0 : ebr->data >= 0))
			odd = true;
		else if (dos_is_extended(e[DOS_E_TYPE]))
			ebr->link = slot;
		else
			ebr->data = slot;
	}
	if (!odd)
		return;
	t->read_only = true;
	evms_note(disk, EVMS_STATE_READ_ONLY, "dos.ebr-entries", "the EBR at block %" PRIu64 " has more "
		  "entries than a partition and a link; the others are not shown and the table is not "
		  "changed", ebr->lba);
}

/* Read the chain of one extended partition. Only a lack of memory is an error. */
int dos_chain_read(struct evms_object *disk, struct dos_table *t, const struct dos_extended *ext)
{
	uint64_t lba = ext->start;

	for (;;) {
		struct dos_ebr *ebr;
		uint8_t *e;

		if (is_visited(t, lba))
			return damaged(disk, t, "dos.ebr-loop", "is a loop", lba);
		if (lba < ext->start || lba - ext->start >= ext->size || lba >= t->blocks)
			return damaged(disk, t, "dos.ebr-outside", "leaves the extended partition", lba);
		if (t->ebr_count == DOS_MAX_EBR)
			return damaged(disk, t, "dos.ebr-count", "has too many links", lba);
		ebr = dos_ebr_new(t, lba);
		if (!ebr)
			return -ENOMEM;
		if (evms_read(disk, ebr->raw, t->bs, lba * t->bs) < 0 || !dos_has_magic(ebr->raw)) {
			dos_ebr_free(ebr);
			return damaged(disk, t, "dos.ebr-signature", "has a sector that is none of it", lba);
		}
		find_slots(disk, t, ebr);
		t->ebrs[t->ebr_count++] = ebr;
		if (ebr->link < 0)
			return 0;
		e = dos_entry(ebr->raw, (unsigned)ebr->link);
		lba = ext->start + evms_get_le32(e + DOS_E_START);
	}
}
