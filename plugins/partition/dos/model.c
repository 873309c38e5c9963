/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the table to objects: metadata, partitions, and notes on what is the matter. */
#include <stdio.h>
#include <stdlib.h>
#include "dos.h"

#define DAMAGED		(EVMS_STATE_READ_ONLY | EVMS_STATE_DAMAGED)
#define MAX_SPANS	(1 + 2 * DOS_MAX_EBR + 2 * DOS_PRIMARIES)

struct span {
	uint64_t start, size;
};

/* Space that is taken already. */
struct taken {
	struct span spans[MAX_SPANS];
	unsigned count;
};

static bool take(struct taken *t, uint64_t start, uint64_t size)
{
	unsigned i;

	for (i = 0; i < t->count; i++) {
		const struct span *s = &t->spans[i];

		if (start < s->start ? s->start - start < size : start - s->start < s->size)
			return false;
	}
	if (t->count == MAX_SPANS)
		return false;
	t->spans[t->count++] = (struct span) { start, size };
	return true;
}

static void bad_part(struct evms_object *disk, struct dos_table *t, unsigned number, uint64_t start,
		     uint64_t size, const char *what)
{
	t->read_only = true;
	evms_note(disk, DAMAGED, "dos.entry", "partition %u (%" PRIu64 " blocks at %" PRIu64 ") %s; it is "
		  "not shown and the table is not changed", number, size, start, what);
}

/* --- describing --- */

int dos_part_describe(struct evms_object *part, struct dos_table *t, uint8_t *e, unsigned number)
{
	uint32_t signature = evms_get_le32(t->mbr + DOS_SIGNATURE);
	const char *name = dos_type_name(e[DOS_E_TYPE]);
	char text[32];
	int r = 0;

	if (signature) {
		snprintf(text, sizeof(text), "%08" PRIx32 "-%02x", signature, number);
		r = evms_set_uuid(part, text);
	}
	snprintf(text, sizeof(text), "0x%02x", e[DOS_E_TYPE]);
	if (r == 0)
		r = evms_set_str(part, "type", name ? name : text);
	if (r == 0)
		r = evms_set_str(part, "type-number", text);
	if (r == 0)
		r = evms_set_str(part, "kind", number > DOS_PRIMARIES ? "logical" : "primary");
	if (r == 0)
		r = evms_set_u64(part, "active", EVMS_TYPE_BOOL, e[DOS_E_BOOT] == 0x80);
	if (r == 0)
		r = evms_set_u64(part, "number", EVMS_TYPE_U64, number);
	return r;
}

/* Logical partitions are numbered along the chain: give each the number that it has now. */
int dos_renumber(struct dos_table *t)
{
	unsigned number = DOS_PRIMARIES + 1;
	char name[16];
	uint32_t i;
	int r = 0;

	for (i = 0; i < t->ebr_count && r == 0; i++) {
		struct dos_ebr *ebr = t->ebrs[i];

		if (!ebr->part)
			continue;
		snprintf(name, sizeof(name), "p%u", number);
		r = evms_set_name(ebr->part, name);
		if (r == 0)
			r = dos_part_describe(ebr->part, t, dos_entry(ebr->raw, (unsigned)ebr->data), number);
		number++;
	}
	return r;
}

int dos_disk_describe(struct evms_object *disk, const struct dos_table *t)
{
	uint32_t signature = evms_get_le32(t->mbr + DOS_SIGNATURE);
	char text[16];

	if (!signature)
		return 0;
	snprintf(text, sizeof(text), "%08" PRIx32, signature);
	return evms_set_uuid(disk, text);
}

static int add_part(struct evms_object *disk, struct dos_table *t, uint8_t *e, unsigned number,
		    const struct span *s, struct dos_part where, struct evms_object **out)
{
	struct dos_part *data = malloc(sizeof(*data));
	char name[16];
	int r;

	if (!data)
		return -ENOMEM;
	*data = where;
	snprintf(name, sizeof(name), "p%u", number);
	r = evms_add_partition(disk, s->start * t->bs, s->size * t->bs, name, out);
	if (r == 0)
		r = evms_set_private(*out, data);
	if (r < 0) {
		free(data);
		return r;
	}
	return dos_part_describe(*out, t, e, number);
}

/* --- judging and adding --- */

static const char *judge(const struct dos_table *t, const struct dos_extended *inside,
			 const struct span *s)
{
	if (!s->size)
		return "has no size";
	if (s->start >= t->blocks || s->size > t->blocks - s->start)
		return "goes beyond the end of the disk";
	if (inside && (s->start < inside->start || s->start - inside->start >= inside->size ||
		       s->size > inside->size - (s->start - inside->start)))
		return "leaves the extended partition";
	return NULL;
}

static int add_primary(struct evms_object *disk, struct dos_table *t, struct taken *taken,
		       unsigned slot)
{
	uint8_t *e = dos_entry(t->mbr, slot);
	struct span s = { evms_get_le32(e + DOS_E_START), evms_get_le32(e + DOS_E_SIZE) };
	const char *what;

	if ((!e[DOS_E_TYPE] && !s.size) || dos_is_extended(e[DOS_E_TYPE]))
		return 0;
	what = e[DOS_E_TYPE] ? judge(t, NULL, &s) : "has a place and no type";
	if (!what && !take(taken, s.start, s.size))
		what = "overlaps another one or the table";
	if (what) {
		bad_part(disk, t, slot + 1, s.start, s.size, what);
		return 0;
	}
	return add_part(disk, t, e, slot + 1, &s, (struct dos_part) { (int)slot, NULL },
			&t->primary[slot]);
}

static int add_logical(struct evms_object *disk, struct dos_table *t, struct taken *taken,
		       struct dos_ebr *ebr, const struct dos_extended *ext, unsigned number)
{
	uint8_t *e = dos_entry(ebr->raw, (unsigned)ebr->data);
	struct span s = { ebr->lba + evms_get_le32(e + DOS_E_START), evms_get_le32(e + DOS_E_SIZE) };
	const char *what = judge(t, ext, &s);

	if (!what && !take(taken, s.start, s.size))
		what = "overlaps another one or the table";
	if (what) {
		bad_part(disk, t, number, s.start, s.size, what);
		return 0;
	}
	return add_part(disk, t, e, number, &s, (struct dos_part) { ebr->data, ebr }, &ebr->part);
}

/* Is the extended partition clear of the others? Its own space is that of its parts. */
static bool container_is_clear(struct dos_table *t, const struct dos_extended *ext)
{
	struct span whole = { ext->start, ext->size };
	struct taken others = { .count = 0 };
	unsigned slot;

	if (judge(t, NULL, &whole) || !ext->start)
		return false;
	take(&others, ext->start, ext->size);
	for (slot = 0; slot < DOS_PRIMARIES; slot++) {
		const uint8_t *e = dos_entry(t->mbr, slot);
		uint32_t size = evms_get_le32(e + DOS_E_SIZE);

		if (slot != ext->slot && e[DOS_E_TYPE] && size &&
		    !take(&others, evms_get_le32(e + DOS_E_START), size))
			return false;
	}
	return true;
}

/* One extended partition and what is in it; first is its first EBR in the table's list. */
static int add_extended(struct evms_object *disk, struct dos_table *t, struct taken *taken,
			const struct dos_extended *ext, unsigned *number)
{
	uint32_t first = t->ebr_count, i;
	char name[32];
	int r = dos_chain_read(disk, t, ext);

	for (i = first; i < t->ebr_count && r == 0; i++) {
		if (!take(taken, t->ebrs[i]->lba, 1)) {
			t->read_only = true;
			evms_note(disk, DAMAGED, "dos.ebr-overlap", "the EBR at block %" PRIu64 " lies in a "
				  "partition; the table is not changed", t->ebrs[i]->lba);
			continue;
		}
		snprintf(name, sizeof(name), "EBR@%" PRIu64, t->ebrs[i]->lba * t->bs);
		r = evms_add_metadata(disk, t->ebrs[i]->lba * t->bs, t->bs, name);
	}
	for (i = first; i < t->ebr_count && r == 0; i++)
		if (t->ebrs[i]->data >= 0)
			r = add_logical(disk, t, taken, t->ebrs[i], ext, (*number)++);
	return r;
}

static int add_all(struct evms_object *disk, struct dos_table *t, struct taken *taken)
{
	unsigned slot, number = DOS_PRIMARIES + 1;
	int r = evms_add_metadata(disk, 0, t->bs, "MBR");

	take(taken, 0, 1);
	for (slot = 0; slot < DOS_PRIMARIES && r == 0; slot++)
		r = add_primary(disk, t, taken, slot);
	for (slot = 0; slot < DOS_PRIMARIES && r == 0; slot++) {
		const uint8_t *e = dos_entry(t->mbr, slot);
		struct dos_extended ext = { slot, evms_get_le32(e + DOS_E_START),
					    evms_get_le32(e + DOS_E_SIZE) };

		if (!dos_is_extended(e[DOS_E_TYPE]))
			continue;
		if (!container_is_clear(t, &ext)) {
			bad_part(disk, t, slot + 1, ext.start, ext.size, "is extended and overlaps others or "
				 "leaves the disk");
			continue;
		}
		if (t->ext.size) {
			t->read_only = true;
			evms_note(disk, DAMAGED, "dos.two-extended", "there is more than one extended "
				  "partition; the table is not changed");
		} else {
			t->ext = ext;
		}
		r = add_extended(disk, t, taken, &ext, &number);
	}
	return r;
}

/*
 * On an image file the block size is a guess. A chain that is not where it has to be with 512-byte blocks,
 * but is there with 4096-byte ones, settles it.
 */
static int settle_block_size(struct evms_object *disk)
{
	uint64_t size = evms_get_size(disk);
	uint8_t mbr[512], ebr[512];
	unsigned slot;
	int r;

	if (evms_get_block_size(disk) != 512)
		return 0;
	r = evms_read(disk, mbr, sizeof(mbr), 0);
	if (r < 0)
		return r;
	for (slot = 0; slot < DOS_PRIMARIES; slot++) {
		const uint8_t *e = dos_entry(mbr, slot);
		uint64_t at = evms_get_le32(e + DOS_E_START);

		if (!dos_is_extended(e[DOS_E_TYPE]) || !at || size < 4096 || at > (size - 4096) / 4096)
			continue;
		if (evms_read(disk, ebr, sizeof(ebr), at * 512) < 0 || dos_has_magic(ebr))
			continue;
		if (evms_read(disk, ebr, sizeof(ebr), at * 4096) == 0 && dos_has_magic(ebr))
			evms_set_block_size(disk, 4096);	/* stays as it is where it is known */
		break;
	}
	return 0;
}

int dos_claim(struct evms_object *disk)
{
	struct taken *taken;
	struct dos_table *t;
	int r = settle_block_size(disk);

	if (r < 0)
		return r;
	r = dos_table_read(disk, &t);
	if (r < 0)
		return r;
	r = evms_set_private(disk, t);
	if (r < 0) {
		dos_table_free(t);
		return r;
	}
	taken = calloc(1, sizeof(*taken));
	if (!taken)
		return -ENOMEM;
	r = add_all(disk, t, taken);
	free(taken);
	return r == 0 ? dos_disk_describe(disk, t) : r;
}
