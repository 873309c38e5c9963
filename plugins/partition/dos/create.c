/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* New partitions: primary ones outside the extended partition, logical ones inside, and that itself. */
#include <stdio.h>
#include <stdlib.h>
#include "dos.h"

#define NO_SLOT	DOS_PRIMARIES

/* Blocks [start, end). */
struct room {
	uint64_t start, end;
};

enum kind { KIND_AUTO, KIND_PRIMARY, KIND_LOGICAL, KIND_EXTENDED };

/* All that is decided before anything changes. */
struct plan {
	enum kind kind;			/* PRIMARY, LOGICAL or EXTENDED */
	bool container;			/* the extended partition is to be made */
	struct dos_extended ext;	/* it */
	struct room part;		/* where the partition goes */
	unsigned slot;			/* of a primary */
	struct dos_ebr *ebr;		/* that is there and takes the partition, or NULL */
	uint64_t ebr_lba;		/* where a new one goes */
	uint8_t type;
	bool active;
};

static uint64_t room_size(const struct room *r)
{
	return r->start < r->end ? r->end - r->start : 0;
}

/* --- what there is --- */

/*
 * Does a logical partition begin at this block? Its EBR may be anywhere, but parted gives up on a disk where
 * no block is left for it between this partition and the one before.
 */
static bool is_logical_start(const struct dos_table *t, uint64_t lba)
{
	uint32_t i;

	for (i = 0; i < t->ebr_count; i++) {
		const struct dos_ebr *ebr = t->ebrs[i];

		if (ebr->data >= 0 && lba == ebr->lba + evms_get_le32(dos_entry(ebr->raw, (unsigned)ebr->data) +
								      DOS_E_START))
			return true;
	}
	return false;
}

/* The part of a piece of free space outside the extended partition (the larger one), and that inside. */
static void find_rooms(const struct dos_table *t, struct evms_object *space, struct room *outside,
		       struct room *inside)
{
	struct room all = { evms_get_offset(space) / t->bs,
			    (evms_get_offset(space) + evms_get_size(space)) / t->bs };
	struct room before = all, after = all;
	uint64_t end = t->ext.start + t->ext.size;

	if (all.start == 0)
		all.start = 1;
	*inside = (struct room) { 0, 0 };
	*outside = all;
	if (t->ext.size) {
		*inside = all;
		if (inside->start <= t->ext.start)
			inside->start = t->ext.start + 1;
		if (inside->end > end)
			inside->end = end;
		if (room_size(inside) && is_logical_start(t, inside->end))
			inside->end--;
		if (before.end > t->ext.start)
			before.end = t->ext.start;
		if (after.start < end)
			after.start = end;
		*outside = room_size(&before) > room_size(&after) ? before : after;
	}
	if (outside->end - outside->start > UINT32_MAX && room_size(outside))
		outside->end = outside->start + UINT32_MAX;
	if (outside->start > UINT32_MAX)
		outside->end = outside->start;
}

static unsigned free_slot(struct dos_table *t, unsigned *count)
{
	unsigned slot, first = NO_SLOT;

	*count = 0;
	for (slot = DOS_PRIMARIES; slot-- > 0; ) {
		if (!dos_entry(t->mbr, slot)[DOS_E_TYPE]) {
			first = slot;
			++*count;
		}
	}
	return first;
}

/*
 * The EBR without a partition right before a block. Only the last one of the chain is used again: a
 * partition in another one would change the numbers of those that follow.
 */
static struct dos_ebr *empty_ebr_before(const struct dos_table *t, uint64_t lba)
{
	struct dos_ebr *last = t->ebr_count ? t->ebrs[t->ebr_count - 1] : NULL;

	return last && last->data < 0 && last->lba + 1 == lba ? last : NULL;
}

static bool is_stale(const struct dos_table *t, uint64_t lba)
{
	uint32_t i;

	for (i = 0; i < t->stale_count; i++)
		if (t->stale[i] == lba)
			return true;
	return false;
}

/* Can a logical partition go into this room? It needs a block for its EBR, or one that is there. */
static bool fits_logical(const struct dos_table *t, const struct room *inside)
{
	if (!room_size(inside))
		return false;
	if (empty_ebr_before(t, inside->start))
		return true;
	return room_size(inside) > 1 && t->ebr_count < DOS_MAX_EBR;
}

static enum kind wanted_kind(struct evms_task *task)
{
	const char *kind = evms_task_get_str(task, "kind");

	if (kind && strcmp(kind, "primary") == 0)
		return KIND_PRIMARY;
	if (kind && strcmp(kind, "logical") == 0)
		return KIND_LOGICAL;
	if (kind && strcmp(kind, "extended") == 0)
		return KIND_EXTENDED;
	return KIND_AUTO;
}

int dos_acceptable_space(struct evms_task *task, struct evms_object *space)
{
	struct dos_table *t = dos_task_table(task, evms_get_parent(space));
	enum kind kind = wanted_kind(task);
	struct room outside, inside;
	unsigned count;
	int r;

	if (!t)
		return -EINVAL;
	r = dos_task_usable(task, t);
	if (r < 0)
		return r;
	find_rooms(t, space, &outside, &inside);
	if ((kind == KIND_AUTO || kind == KIND_LOGICAL) && fits_logical(t, &inside))
		return 0;
	if (kind == KIND_LOGICAL && t->ext.size)
		return evms_task_fail(task, ENOSPC, "dos.space", "there is no room for a logical partition "
				      "here");
	if (!room_size(&outside))
		return evms_task_fail(task, ENOSPC, "dos.space", "an MBR cannot have a partition of this kind "
				      "here");
	if (free_slot(t, &count) == NO_SLOT)
		return evms_task_fail(task, ENOSPC, "dos.full", "all four primary partitions are there, and "
				      "this space is outside of an extended one");
	return 0;
}

/* --- deciding --- */

static int get_align(struct evms_task *task, const struct dos_table *t, uint64_t *out)
{
	uint64_t align = evms_task_get_u64(task, "align");

	if (align % t->bs)
		return evms_task_fail(task, EINVAL, "dos.align", "the alignment is not a multiple of the "
				      "%" PRIu32 " bytes of a block", t->bs);
	*out = align ? align / t->bs : 1;
	return 0;
}

/* A share of the space need not be exact: it ends where the next partition can begin. */
static bool is_percentage(struct evms_task *task)
{
	const char *text = evms_task_has(task, "size") ? evms_task_get_str(task, "size") : NULL;

	return text && *text && text[strlen(text) - 1] == '%';
}

/* Where something of the wanted size goes inside a room; size 0 is all of it. */
static int place(struct evms_task *task, const struct dos_table *t, const struct room *room,
		 bool has_start, uint64_t size, struct room *out)
{
	bool share = is_percentage(task);
	uint64_t align, left, end;
	int r = get_align(task, t, &align);

	if (r < 0)
		return r;
	out->start = room->start;
	if (has_start) {
		uint64_t start = evms_task_get_u64(task, "start");

		out->start = start / t->bs;
		if (start % t->bs || out->start < room->start || out->start >= room->end)
			return evms_task_fail(task, ERANGE, "dos.start", "it cannot begin at %" PRIu64
					      "; usable is %" PRIu64 " to %" PRIu64 " in blocks of %" PRIu32,
					      start, room->start * t->bs, room->end * t->bs, t->bs);
	} else if (room->start % align) {
		uint64_t skip = align - room->start % align;

		if (skip < room_size(room))
			out->start += skip;
		else if (evms_task_has(task, "align"))
			return evms_task_fail(task, ENOSPC, "dos.space", "no aligned space");
	}
	left = room->end > out->start ? room->end - out->start : 0;
	if (size > left && share)
		size = left;
	if (size > left || !left)
		return evms_task_fail(task, ENOSPC, "dos.space", "%" PRIu64 " bytes are wanted, %" PRIu64
				      " can be had here", size * t->bs, left * t->bs);
	out->end = size ? out->start + size : room->end;
	end = out->end - out->end % align;
	if ((!size || share) && end > out->start)
		out->end = end;
	return 0;
}

static int plan_primary(struct evms_task *task, struct dos_table *t, const struct room *outside,
			uint64_t size, struct plan *p)
{
	uint64_t number = evms_task_get_u64(task, "number");
	unsigned count;

	p->slot = free_slot(t, &count);
	if (p->slot == NO_SLOT)
		return evms_task_fail(task, ENOSPC, "dos.full", "all four primary partitions are there");
	if (evms_task_has(task, "number")) {
		if (number < 1 || number > DOS_PRIMARIES)
			return evms_task_fail(task, ERANGE, "dos.number", "primary partitions have numbers "
					      "1 to 4");
		p->slot = (unsigned)number - 1;
		if (dos_entry(t->mbr, p->slot)[DOS_E_TYPE])
			return evms_task_fail(task, EEXIST, "dos.number", "there is a partition %" PRIu64
					      " already", number);
	}
	if (!room_size(outside))
		return evms_task_fail(task, ENOSPC, "dos.space", "this space is in the extended partition or "
				      "cannot be reached by an MBR");
	return place(task, t, outside, evms_task_has(task, "start"), size, &p->part);
}

static int check_container(struct evms_task *task, struct dos_table *t, const struct room *outside,
			   struct plan *p)
{
	unsigned count;

	p->ext.slot = free_slot(t, &count);
	if (t->ext.size)
		return evms_task_fail(task, EEXIST, "dos.extended", "there is an extended partition already");
	if (p->ext.slot == NO_SLOT)
		return evms_task_fail(task, ENOSPC, "dos.full", "all four primary partitions are there");
	if (!room_size(outside))
		return evms_task_fail(task, ENOSPC, "dos.space", "an MBR cannot have a partition here");
	return 0;
}

/* An EBR that is about to be wiped is not a place to begin. */
static void set_container(const struct dos_table *t, struct room where, struct plan *p)
{
	while (is_stale(t, where.start) && room_size(&where) > 1)
		where.start++;
	p->container = true;
	p->ext.start = where.start;
	p->ext.size = room_size(&where);
}

static int plan_container(struct evms_task *task, struct dos_table *t, const struct room *outside,
			  uint64_t size, struct plan *p)
{
	struct room where = { 0, 0 };
	int r = check_container(task, t, outside, p);

	if (r == 0)
		r = place(task, t, outside, evms_task_has(task, "start"), size, &where);
	if (r == 0)
		set_container(t, where, p);
	return r;
}

/* A logical partition: its EBR at the start of the room, itself at the next aligned block. */
static int plan_logical(struct evms_task *task, struct dos_table *t, const struct room *inside,
			uint64_t size, struct plan *p)
{
	struct room room = *inside;
	uint64_t align = 1;
	int r;

	if (evms_task_has(task, "number"))
		return evms_task_fail(task, EINVAL, "dos.number", "the numbers of logical partitions follow "
				      "from their order");
	if (evms_task_has(task, "active") && evms_task_get_u64(task, "active"))
		return evms_task_fail(task, EINVAL, "dos.active", "only a primary partition can be active");
	if (p->container)
		return place(task, t, &room, evms_task_has(task, "start"), size, &p->part);
	if (!fits_logical(t, inside))
		return evms_task_fail(task, ENOSPC, "dos.space", "no room in the extended partition here");
	p->ebr = empty_ebr_before(t, room.start);
	p->ebr_lba = room.start;
	if (!p->ebr) {
		while (is_stale(t, p->ebr_lba))
			p->ebr_lba++;
		room.start = p->ebr_lba + 1;
	}
	r = place(task, t, &room, evms_task_has(task, "start"), size, &p->part);
	if (r == 0)
		r = get_align(task, t, &align);
	/* Somebody who chose the start gets the EBR near it. */
	if (r == 0 && !p->ebr && p->part.start - p->ebr_lba > align &&
	    !is_stale(t, p->part.start - align))
		p->ebr_lba = p->part.start - align;
	return r;
}

/* A logical partition together with the extended one, which takes all of the room. */
static int plan_with_container(struct evms_task *task, struct dos_table *t,
			       const struct room *outside, uint64_t size, struct plan *p)
{
	uint64_t align = 1, start = evms_task_get_u64(task, "start") / t->bs;
	struct room inside, where = *outside;
	int r = check_container(task, t, outside, p);

	if (r == 0)
		r = get_align(task, t, &align);
	if (r == 0 && !evms_task_has(task, "start"))
		r = place(task, t, outside, false, 0, &where);
	else if (r == 0 && start > where.start && start < where.end && start - where.start > align)
		where.start = start - align;
	if (r < 0)
		return r;
	set_container(t, where, p);
	p->kind = KIND_LOGICAL;
	inside = (struct room) { p->ext.start + 1, p->ext.start + p->ext.size };
	return plan_logical(task, t, &inside, size, p);
}

/* The last primary entry goes to an extended partition when something worth it would be left. */
static bool wants_container(struct evms_task *task, const struct dos_table *t,
			    const struct room *outside, uint64_t size)
{
	uint64_t least = 2 * evms_task_get_u64(task, "align") / t->bs + 2;

	return size && size < room_size(outside) && room_size(outside) - size > 2 * least &&
		!t->ext.size && !evms_task_has(task, "number");
}

static int decide(struct evms_task *task, struct dos_table *t, struct evms_object *space,
		  struct plan *p)
{
	uint64_t bytes = evms_task_has(task, "size") ? evms_task_get_u64(task, "size") : 0;
	struct room outside, inside;
	uint64_t size;
	unsigned count;

	/* All of the space is all that is usable of it. */
	if (bytes == evms_get_size(space))
		bytes = 0;
	size = bytes / t->bs + (bytes % t->bs != 0);
	find_rooms(t, space, &outside, &inside);
	if (p->kind == KIND_AUTO) {
		bool in = fits_logical(t, &inside) && size < room_size(&inside) &&
			!evms_task_has(task, "number");

		free_slot(t, &count);
		if (in && (size || room_size(&inside) >= room_size(&outside) || !count))
			p->kind = KIND_LOGICAL;
		else if (count == 1 && wants_container(task, t, &outside, size))
			return plan_with_container(task, t, &outside, size, p);
		else
			p->kind = KIND_PRIMARY;
	}
	if (p->kind == KIND_PRIMARY)
		return plan_primary(task, t, &outside, size, p);
	if (p->kind == KIND_EXTENDED)
		return plan_container(task, t, &outside, size, p);
	if (!t->ext.size)
		return plan_with_container(task, t, &outside, size, p);
	return plan_logical(task, t, &inside, size, p);
}

static int parse_options(struct evms_task *task, struct plan *p)
{
	const char *type = evms_task_get_str(task, "type");

	p->kind = wanted_kind(task);
	p->active = evms_task_has(task, "active") && evms_task_get_u64(task, "active");
	if (!dos_type_parse(type ? type : "linux", &p->type) || !p->type || p->type == 0xee ||
	    dos_is_extended(p->type))
		return evms_task_fail(task, EINVAL, "dos.type", "'%s' is not a type that a partition can "
				      "have; an extended one is made with kind=extended", type);
	return 0;
}

/* --- doing --- */

static int add_ebr(struct evms_object *disk, struct dos_table *t, uint64_t lba, struct dos_ebr **out)
{
	struct dos_ebr *ebr;
	char name[32];
	int r;

	if (t->ebr_count == DOS_MAX_EBR)
		return -ENOSPC;
	ebr = dos_ebr_new(t, lba);
	if (!ebr)
		return -ENOMEM;
	snprintf(name, sizeof(name), "EBR@%" PRIu64, lba * t->bs);
	r = evms_add_metadata(disk, lba * t->bs, t->bs, name);
	if (r < 0) {
		dos_ebr_free(ebr);
		return r;
	}
	ebr->is_new = true;
	t->ebrs[t->ebr_count++] = ebr;
	*out = ebr;
	return 0;
}

static int make_container(struct evms_object *disk, struct dos_table *t, struct plan *p)
{
	uint64_t last = p->ext.start + p->ext.size - 1;
	int r = add_ebr(disk, t, p->ext.start, &p->ebr);

	if (r < 0)
		return r;
	t->ext = p->ext;
	/* 0x0f tells old systems that the cylinders do not matter. */
	dos_entry_set(t, dos_entry(t->mbr, p->ext.slot),
		      last / t->sectors / t->heads > 1023 ? 0x0f : 0x05, 0, p->ext.start, p->ext.size);
	t->mbr_changed = true;
	return 0;
}

static int add_part(struct evms_object *disk, struct plan *p, const struct dos_table *t,
		    unsigned number, struct evms_object **out)
{
	struct dos_part *data = malloc(sizeof(*data));
	char name[16];
	int r;

	if (!data)
		return -ENOMEM;
	*data = (struct dos_part) { (int)p->slot, NULL };
	if (p->kind == KIND_LOGICAL)
		*data = (struct dos_part) { p->ebr->link == 0 ? 1 : 0, p->ebr };
	snprintf(name, sizeof(name), "p%u", number);
	r = evms_add_partition(disk, p->part.start * t->bs, room_size(&p->part) * t->bs, name, out);
	if (r == 0)
		r = evms_set_private(*out, data);
	if (r < 0)
		free(data);
	return r;
}

static int make_primary(struct evms_object *disk, struct dos_table *t, struct plan *p)
{
	struct evms_object *part;
	uint8_t *e = dos_entry(t->mbr, p->slot);
	unsigned i;
	int r = add_part(disk, p, t, p->slot + 1, &part);

	if (r < 0)
		return r;
	memset(e, 0, 16);
	dos_entry_set(t, e, p->type, 0, p->part.start, room_size(&p->part));
	t->primary[p->slot] = part;
	t->mbr_changed = true;
	for (i = 0; i < DOS_PRIMARIES && p->active; i++) {
		dos_entry(t->mbr, i)[DOS_E_BOOT] = i == p->slot ? 0x80 : 0;
		if (t->primary[i] && i != p->slot)
			r = dos_part_describe(t->primary[i], t, dos_entry(t->mbr, i), i + 1);
	}
	return r == 0 ? dos_part_describe(part, t, e, p->slot + 1) : r;
}

/* The new partition is the last of the chain, so that no other one changes its number. */
static int make_logical(struct evms_object *disk, struct dos_table *t, struct plan *p)
{
	struct evms_object *part;
	unsigned number = DOS_PRIMARIES + 1;
	struct dos_ebr *ebr;
	uint32_t i;
	uint8_t *e;
	int r = 0;

	if (!p->ebr)
		r = add_ebr(disk, t, p->ebr_lba, &p->ebr);
	if (r < 0)
		return r;
	ebr = p->ebr;
	for (i = 0; i < t->ebr_count; i++)
		number += t->ebrs[i]->part != NULL;
	r = add_part(disk, p, t, number, &part);
	if (r < 0)
		return r;
	ebr->data = ebr->link == 0 ? 1 : 0;
	ebr->part = part;
	ebr->changed = true;
	e = dos_entry(ebr->raw, (unsigned)ebr->data);
	memset(e, 0, 16);
	dos_entry_set(t, e, p->type, ebr->lba, p->part.start, room_size(&p->part));
	for (i = 1; i < t->ebr_count; i++)
		if (t->ebrs[i] == ebr)
			dos_link(t, i - 1);
	return dos_renumber(t);
}

/* What a creation changes in the table, to take it back when it fails. */
struct checkpoint {
	uint8_t entries[64], last_entries[64];
	struct evms_object *primary[DOS_PRIMARIES], *last_part;
	struct dos_extended ext;
	uint32_t ebr_count;
	int data, link;
	bool mbr_changed, last_changed;
};

static void checkpoint_take(struct dos_table *t, struct checkpoint *c)
{
	const struct dos_ebr *last = t->ebr_count ? t->ebrs[t->ebr_count - 1] : NULL;

	*c = (struct checkpoint) { .ext = t->ext, .ebr_count = t->ebr_count,
				   .mbr_changed = t->mbr_changed };
	memcpy(c->entries, dos_entry(t->mbr, 0), sizeof(c->entries));
	memcpy(c->primary, t->primary, sizeof(c->primary));
	if (!last)
		return;
	memcpy(c->last_entries, dos_entry(last->raw, 0), sizeof(c->last_entries));
	c->last_part = last->part;
	c->data = last->data;
	c->link = last->link;
	c->last_changed = last->changed;
}

static void checkpoint_restore(struct dos_table *t, const struct checkpoint *c)
{
	struct dos_ebr *last;

	while (t->ebr_count > c->ebr_count)
		dos_ebr_free(t->ebrs[--t->ebr_count]);
	t->ext = c->ext;
	t->mbr_changed = c->mbr_changed;
	memcpy(dos_entry(t->mbr, 0), c->entries, sizeof(c->entries));
	memcpy(t->primary, c->primary, sizeof(c->primary));
	if (!t->ebr_count)
		return;
	last = t->ebrs[t->ebr_count - 1];
	memcpy(dos_entry(last->raw, 0), c->last_entries, sizeof(c->last_entries));
	last->part = c->last_part;
	last->data = c->data;
	last->link = c->link;
	last->changed = c->last_changed;
}

static int make(struct evms_object *disk, struct dos_table *t, struct plan *p)
{
	int r = evms_mark_dirty(disk);

	if (r == 0 && p->container)
		r = make_container(disk, t, p);
	if (r < 0 || p->kind == KIND_EXTENDED)
		return r;
	return p->kind == KIND_PRIMARY ? make_primary(disk, t, p) : make_logical(disk, t, p);
}

int dos_create(struct evms_task *task)
{
	struct evms_object *space = evms_task_get_input(task, 0), *disk;
	struct plan plan = { .kind = KIND_AUTO };
	struct checkpoint before;
	struct dos_table *t;
	int r = dos_acceptable_space(task, space);

	if (r == 0)
		r = parse_options(task, &plan);
	if (r < 0)
		return r;
	disk = evms_get_parent(space);
	t = evms_get_private(disk);
	r = decide(task, t, space, &plan);
	if (r < 0)
		return r;
	checkpoint_take(t, &before);
	r = make(disk, t, &plan);
	if (r < 0)
		checkpoint_restore(t, &before);
	return r;
}
