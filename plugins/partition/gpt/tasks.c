/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tasks on tables and on the space of partitions. Everything is checked before anything changes. */
#include <stdlib.h>
#include "gpt.h"

/* A stretch of the disk in bytes. */
struct room {
	uint64_t start, end;
};

/* --- what every task asks --- */

/* The table of a disk of ours. What was noted for the last commit is forgotten once that is done. */
struct gpt_table *gpt_task_table(struct evms_task *task, struct evms_object *disk)
{
	struct gpt_table *t = disk ? evms_get_private(disk) : NULL;

	if (!t) {
		evms_task_fail(task, EINVAL, "gpt.input", "this is not on a disk with a GUID partition table");
		return NULL;
	}
	if (!(evms_get_state(disk) & EVMS_STATE_DIRTY)) {
		t->write_mbr = false;
		t->primary_first = (t->problems & GPT_BAD_PRIMARY) != 0;
		t->stale_blocks = 0;
	}
	return t;
}

/* May the table be changed? */
int gpt_task_usable(struct evms_task *task, const struct gpt_table *t)
{
	if (t->problems & GPT_READ_ONLY & GPT_BEYOND_REPAIR)
		return evms_task_fail(task, EROFS, "gpt.read-only", "the table contradicts itself or does "
				      "not fit the disk; it is not changed");
	if (t->problems & GPT_READ_ONLY ||
	    (t->problems & GPT_GROWN && t->problems & GPT_BAD_BACKUP))
		return evms_task_fail(task, EROFS, "gpt.read-only", "the table is damaged; repair it first");
	return 0;
}

/* The table changed. Writing it heals what only the backup or the link to it suffered from. */
int gpt_task_changed(struct evms_object *disk, struct gpt_table *t)
{
	if (t->problems & (GPT_BAD_BACKUP | GPT_BAD_ALTERNATE)) {
		t->problems &= ~(GPT_BAD_BACKUP | GPT_BAD_ALTERNATE);
		evms_clear_state(disk, EVMS_STATE_DAMAGED);
	}
	return evms_mark_dirty(disk);
}

/* Does a hybrid MBR show the same blocks? It would go on showing the old ones. */
bool gpt_task_mirrored(const struct gpt_table *t, uint32_t index)
{
	const uint8_t *e = gpt_entry(t, index);
	unsigned i;

	for (i = 0; i < 4; i++) {
		const uint8_t *m = t->mbr + 446 + 16 * i;

		if (m[4] && m[4] != 0xee && evms_get_le32(m + 8) == evms_get_le64(e + GPT_E_FIRST))
			return gpt_mbr_kind(t->mbr) == GPT_MBR_HYBRID;
	}
	return false;
}

/* Names are unique on a disk, so that they go on meaning the same partition. */
int gpt_task_check_name(struct evms_task *task, struct evms_object *disk, const struct gpt_table *t,
			const uint8_t *entry, uint32_t index)
{
	char name[GPT_NAME_BYTES], native[GPT_NAME_BYTES];
	struct evms_object *other;

	gpt_part_object_name(entry, index, name);
	other = gpt_part_named(disk, t, name, index);
	if (!other)
		return 0;
	gpt_name_get(entry, native);
	if (!*native)
		return evms_task_fail(task, EEXIST, "gpt.name", "without a name it would be called %s, as "
				      "partition %s is already; give it a name", name, evms_get_name(other));
	return evms_task_fail(task, EEXIST, "gpt.name", "there is a partition %s on this disk already",
			      evms_get_name(other));
}

static int refuse_mirrored(struct evms_task *task)
{
	return evms_task_fail(task, EBUSY, "gpt.hybrid", "the hybrid MBR shows this partition too; take it "
			      "out of the MBR first");
}

/* The usable part of a piece of free space. */
static bool usable_room(const struct gpt_table *t, struct evms_object *space, struct room *out)
{
	uint64_t first = t->first_usable * t->bs, end = (t->last_usable + 1) * t->bs;

	out->start = evms_get_offset(space);
	out->end = out->start + evms_get_size(space);
	if (out->start < first)
		out->start = first;
	if (out->end > end)
		out->end = end;
	return out->start < out->end && out->end - out->start >= t->bs;
}

static uint32_t unused_entry(const struct gpt_table *t)
{
	uint32_t i;

	for (i = 0; i < t->count; i++)
		if (!gpt_entry_used(gpt_entry(t, i)))
			break;
	return i;
}

static int acceptable_space(struct evms_task *task, struct evms_object *space)
{
	struct gpt_table *t = gpt_task_table(task, evms_get_parent(space));
	struct room room;
	int r;

	if (!t)
		return -EINVAL;
	r = gpt_task_usable(task, t);
	if (r < 0)
		return r;
	if (unused_entry(t) == t->count)
		return evms_task_fail(task, ENOSPC, "gpt.full", "all %" PRIu32 " entries of the table are "
				      "in use", t->count);
	if (usable_room(t, space, &room))
		return 0;
	if (t->problems & GPT_GROWN)
		return evms_task_fail(task, ENOSPC, "gpt.grown", "this space is behind the backup table; "
				      "repair the disk's table first, which moves it");
	return evms_task_fail(task, ENOSPC, "gpt.usable", "this space is not usable for partitions");
}

static uint64_t blocks_needed(uint32_t bs, uint64_t count)
{
	uint64_t blocks = (count * GPT_ENTRY_MIN + bs - 1) / bs;

	return 2 * blocks + 4;	/* MBR, two headers and one usable block */
}

static int acceptable_disk(struct evms_task *task, struct evms_object *disk)
{
	uint32_t bs = evms_get_block_size(disk);
	uint64_t count = evms_task_get_u64(task, "entries");

	if (evms_get_kind(disk) != EVMS_KIND_DISK)
		return evms_task_fail(task, EINVAL, "gpt.input", "a table is put on a disk");
	if (count < 4 || count > GPT_TABLE_MAX / GPT_ENTRY_MIN)
		count = GPT_DEFAULT_COUNT;
	if (evms_get_size(disk) / bs >= blocks_needed(bs, count))
		return 0;
	return evms_task_fail(task, ENOSPC, "gpt.size", "the disk has %" PRIu64 " bytes, the smallest "
			      "table needs %" PRIu64, evms_get_size(disk), blocks_needed(bs, count) * bs);
}

int gpt_acceptable(struct evms_task *task, struct evms_object *in)
{
	uint32_t kind = evms_get_kind(in);

	switch (evms_task_get_op(task)) {
	case EVMS_OP_CREATE:
		if (kind == EVMS_KIND_FREE)
			return acceptable_space(task, in);
		if (kind == EVMS_KIND_DISK && evms_get_private(in))
			return gpt_task_usable(task, evms_get_private(in));
		return evms_task_fail(task, EINVAL, "gpt.input", "a partition is made of free space of a "
				      "disk with a GUID partition table");
	case EVMS_OP_ASSIGN:
		return acceptable_disk(task, in);
	case EVMS_OP_UNASSIGN:
	case EVMS_OP_REPAIR:
		if (kind == EVMS_KIND_DISK && evms_get_private(in))
			return 0;
		break;
	default:
		if (kind == EVMS_KIND_PARTITION && evms_get_private(in))
			return 0;
		if (kind == EVMS_KIND_DISK && evms_get_private(in) &&
		    evms_task_get_op(task) == EVMS_OP_SET)
			return 0;
		break;
	}
	return evms_task_fail(task, EINVAL, "gpt.input", "this has nothing to do with a GUID partition table");
}

/* --- tables --- */

static int task_guid(struct evms_task *task, uint8_t guid[16])
{
	char made[GPT_GUID_TEXT];
	const char *text;
	int r;

	if (!evms_task_has(task, "uuid")) {
		r = gpt_guid_random(guid);
		gpt_guid_text(guid, made);
		return r < 0 ? r : evms_task_set_str(task, "uuid", made);	/* what is planned is made */
	}
	text = evms_task_get_str(task, "uuid");
	if (text && gpt_guid_parse(text, guid) && !gpt_guid_is_zero(guid))
		return 0;
	return evms_task_fail(task, EINVAL, "gpt.uuid", "'%s' is not a GUID", text ? text : "");
}

int gpt_assign(struct evms_task *task)
{
	struct evms_object *disk = evms_task_get_input(task, 0);
	struct gpt_table *t;
	uint8_t guid[16];
	char text[GPT_GUID_TEXT];
	uint32_t bs;
	int r = acceptable_disk(task, disk);

	if (r == 0)
		r = task_guid(task, guid);
	if (r < 0)
		return r;
	bs = evms_get_block_size(disk);
	r = gpt_table_new(bs, evms_get_size(disk) / bs - 1,
			  (uint32_t)evms_task_get_u64(task, "entries"), &t);
	if (r < 0)
		return r;
	memcpy(t->primary + GPT_H_GUID, guid, 16);
	gpt_guid_text(guid, text);
	r = evms_set_private(disk, t);
	if (r < 0) {
		gpt_table_free(t);
		return r;
	}
	r = gpt_metadata_add(disk, t);
	if (r == 0)
		r = evms_set_uuid(disk, text);
	if (r == 0)
		r = evms_set_u64(disk, "entries", EVMS_TYPE_U64, t->count);
	if (r == 0)
		r = evms_set_u64(disk, "hybrid", EVMS_TYPE_BOOL, 0);
	return r == 0 ? evms_mark_dirty(disk) : r;
}

/* Both headers go, and block 0, lest what is left of the table is found again. */
int gpt_unassign(struct evms_task *task)
{
	struct evms_object *disk = evms_task_get_input(task, 0);
	struct gpt_table *t = gpt_task_table(task, disk);
	int r;

	if (!t)
		return -EINVAL;
	r = evms_zero(disk, t->bs, t->bs, EVMS_PHASE_WIPE);
	if (r == 0)
		r = evms_zero(disk, t->last_lba * t->bs, t->bs, EVMS_PHASE_WIPE);
	if (r == 0 && t->backup_lba > 1 && t->backup_lba < t->last_lba)
		r = evms_zero(disk, t->backup_lba * t->bs, t->bs, EVMS_PHASE_WIPE);
	if (r == 0 && t->stale_blocks)
		r = evms_zero(disk, t->stale_first * t->bs, t->stale_blocks * t->bs, EVMS_PHASE_WIPE);
	return r == 0 ? evms_zero(disk, 0, t->bs, EVMS_PHASE_WIPE) : r;
}

/* --- making partitions --- */

/* A share of the space need not be exact: it ends where the next partition can begin. */
static bool is_percentage(struct evms_task *task)
{
	const char *text = evms_task_has(task, "size") ? evms_task_get_str(task, "size") : NULL;

	return text && *text && text[strlen(text) - 1] == '%';
}

/* Where a new partition goes inside the room. */
static int place(struct evms_task *task, const struct gpt_table *t, const struct room *room,
		 uint64_t whole, struct room *out)
{
	uint64_t align = evms_task_get_u64(task, "align"), size = evms_task_get_u64(task, "size");
	bool all = !evms_task_has(task, "size") || size == whole, share = is_percentage(task);
	uint64_t left, end;

	if (!align)
		align = t->bs;
	if (align % t->bs)
		return evms_task_fail(task, EINVAL, "gpt.align", "the alignment is not a multiple of the "
				      "%" PRIu32 " bytes of a block", t->bs);
	out->start = room->start;
	if (evms_task_has(task, "start")) {
		out->start = evms_task_get_u64(task, "start");
		if (out->start % t->bs || out->start < room->start || out->start >= room->end)
			return evms_task_fail(task, ERANGE, "gpt.start", "it cannot begin at %" PRIu64
					      "; usable is %" PRIu64 " to %" PRIu64 " in blocks of %" PRIu32,
					      out->start, room->start, room->end, t->bs);
	} else if (room->start % align) {
		uint64_t skip = align - room->start % align;

		if (skip < room->end - room->start)
			out->start += skip;
		else if (evms_task_has(task, "align"))
			return evms_task_fail(task, ENOSPC, "gpt.space", "no aligned space");
	}
	left = room->end - out->start;
	if (all || (share && size > left))
		size = left;
	if (size > left)
		return evms_task_fail(task, ENOSPC, "gpt.space", "%" PRIu64 " bytes are wanted, %" PRIu64
				      " can be had here", size, left);
	size += (t->bs - size % t->bs) % t->bs;
	out->end = out->start + (size < left ? size : left);
	end = out->end - out->end % align;
	if ((all || share) && end > out->start)	/* so that the next one fits */
		out->end = end;
	return 0;
}

static int check_twin(struct evms_task *task, const struct gpt_table *t, const uint8_t guid[16])
{
	uint32_t i;

	for (i = 0; i < t->count; i++)
		if (gpt_entry_used(gpt_entry(t, i)) &&
		    memcmp(gpt_entry(t, i) + GPT_E_GUID, guid, 16) == 0)
			return evms_task_fail(task, EEXIST, "gpt.uuid", "partition %" PRIu32
					      " has this GUID already", i + 1);
	return 0;
}

/* Fill in an entry from the options. */
static int fill_entry(struct evms_task *task, const struct gpt_table *t, uint8_t *e)
{
	const char *type = evms_task_get_str(task, "type"), *name = evms_task_get_str(task, "name");
	const char *attributes = evms_task_get_str(task, "attributes");
	uint64_t mask = 0;
	int r;

	if (!gpt_type_parse(type ? type : "linux", e + GPT_E_TYPE))
		return evms_task_fail(task, EINVAL, "gpt.type", "'%s' is neither a known type nor a GUID",
				      type);
	r = task_guid(task, e + GPT_E_GUID);
	if (r == 0)
		r = check_twin(task, t, e + GPT_E_GUID);
	if (r < 0)
		return r;
	if (name && gpt_name_set(e, name) < 0)
		return evms_task_fail(task, EINVAL, "gpt.name", "the name is longer than 36 characters or "
				      "not UTF-8 text");
	if (attributes && !gpt_attributes_parse(attributes, &mask))
		return evms_task_fail(task, EINVAL, "gpt.attributes", "'%s' are not attributes", attributes);
	evms_put_le64(e + GPT_E_ATTRIBUTES, mask);
	return 0;
}

static int choose_index(struct evms_task *task, const struct gpt_table *t, uint32_t *out)
{
	uint64_t number = evms_task_get_u64(task, "number");

	*out = unused_entry(t);
	if (evms_task_has(task, "number")) {
		if (number < 1 || number > t->count)
			return evms_task_fail(task, ERANGE, "gpt.number", "the table has numbers 1 to %"
					      PRIu32, t->count);
		*out = (uint32_t)number - 1;
		if (gpt_entry_used(gpt_entry(t, *out)))
			return evms_task_fail(task, EEXIST, "gpt.number", "there is a partition %" PRIu64
					      " already", number);
	}
	return 0;
}

static int add_partition(struct evms_object *disk, struct gpt_table *t, const uint8_t *entry,
			 uint32_t index, const struct room *where)
{
	struct gpt_part *data = malloc(sizeof(*data));
	struct evms_object *part = NULL;
	char name[GPT_NAME_BYTES];
	int r;

	if (!data)
		return -ENOMEM;
	data->index = index;
	gpt_part_object_name(entry, index, name);
	r = evms_add_partition(disk, where->start, where->end - where->start, name, &part);
	if (r == 0)
		r = evms_set_private(part, data);
	if (r < 0) {
		free(data);
		return r;
	}
	memcpy(gpt_entry(t, index), entry, GPT_ENTRY_MIN);
	r = gpt_part_describe(part, t, index);
	if (r == 0)
		r = gpt_task_changed(disk, t);
	if (r < 0)
		memset(gpt_entry(t, index), 0, t->entry_size);
	return r;
}

int gpt_create(struct evms_task *task)
{
	struct evms_object *space = evms_task_get_input(task, 0), *disk;
	struct gpt_table *t;
	struct room room = { 0 }, where = { 0 };
	uint8_t entry[GPT_ENTRY_MIN] = { 0 };
	uint32_t index = 0;
	int r = acceptable_space(task, space);

	if (r < 0)
		return r;
	disk = evms_get_parent(space);
	t = evms_get_private(disk);
	usable_room(t, space, &room);
	r = place(task, t, &room, evms_get_size(space), &where);
	if (r == 0)
		r = choose_index(task, t, &index);
	if (r == 0)
		r = fill_entry(task, t, entry);
	if (r == 0)
		r = gpt_task_check_name(task, disk, t, entry, index);
	if (r < 0)
		return r;
	evms_put_le64(entry + GPT_E_FIRST, where.start / t->bs);
	evms_put_le64(entry + GPT_E_LAST, where.end / t->bs - 1);
	return add_partition(disk, t, entry, index, &where);
}

int gpt_remove(struct evms_task *task)
{
	struct evms_object *part = evms_task_get_input(task, 0), *disk = evms_get_parent(part);
	struct gpt_table *t = gpt_task_table(task, disk);
	const struct gpt_part *data = evms_get_private(part);
	uint32_t index;
	int r;

	if (!t || !data)
		return -EINVAL;
	r = gpt_task_usable(task, t);
	if (r < 0)
		return r;
	index = data->index;
	if (gpt_task_mirrored(t, index))
		return refuse_mirrored(task);
	r = gpt_task_changed(disk, t);
	if (r == 0)
		r = evms_remove(part);		/* frees data */
	if (r < 0)
		return r;
	memset(gpt_entry(t, index), 0, t->entry_size);
	return gpt_parts_rename(disk, t);
}

/* --- resizing --- */

int gpt_get_limits(struct evms_object *part, struct evms_limits *out)
{
	const struct gpt_table *t = evms_get_private(evms_get_parent(part));
	const struct gpt_part *data = evms_get_private(part);
	uint64_t first, end;
	uint32_t i;

	if (!t || !data)
		return -EINVAL;
	out->step = t->bs;
	out->min_size = out->max_size = evms_get_size(part);
	if (t->problems & GPT_READ_ONLY || gpt_task_mirrored(t, data->index))
		return 0;
	first = evms_get_le64(gpt_entry(t, data->index) + GPT_E_FIRST);
	end = t->last_usable + 1;
	for (i = 0; i < t->count; i++) {
		const uint8_t *e = gpt_entry(t, i);
		uint64_t other = evms_get_le64(e + GPT_E_FIRST);

		if (gpt_entry_used(e) && other > first && other < end)
			end = other;
	}
	out->min_size = t->bs;
	out->max_size = (end - first) * t->bs;
	return 0;
}

int gpt_resize(struct evms_task *task)
{
	struct evms_object *part = evms_task_get_input(task, 0), *disk = evms_get_parent(part);
	struct gpt_table *t = gpt_task_table(task, disk);
	const struct gpt_part *data = evms_get_private(part);
	uint64_t size = evms_task_get_u64(task, "size"), old = evms_get_size(part);
	bool expand = evms_task_get_op(task) == EVMS_OP_EXPAND;
	struct evms_limits limits;
	uint8_t *e;
	int r;

	if (!t || !data)
		return -EINVAL;
	r = gpt_task_usable(task, t);
	if (r < 0)
		return r;
	if (gpt_task_mirrored(t, data->index))
		return refuse_mirrored(task);
	r = gpt_get_limits(part, &limits);
	if (r < 0)
		return r;
	if (!evms_task_has(task, "size") && expand)
		size = limits.max_size;
	size -= size % t->bs;
	if (expand ? size <= old : size >= old)
		return evms_task_fail(task, EINVAL, "gpt.size", "it has %" PRIu64 " bytes; a %s size is "
				      "needed", old, expand ? "larger" : "smaller");
	if (size < limits.min_size || size > limits.max_size)
		return evms_task_fail(task, ENOSPC, "gpt.space", "%" PRIu64 " bytes are wanted, possible "
				      "are %" PRIu64 " to %" PRIu64, size, limits.min_size, limits.max_size);
	r = gpt_task_changed(disk, t);
	if (r == 0)
		r = evms_move_partition(part, evms_get_offset(part), size);
	if (r < 0)
		return r;
	e = gpt_entry(t, data->index);
	evms_put_le64(e + GPT_E_LAST, evms_get_le64(e + GPT_E_FIRST) + size / t->bs - 1);
	return 0;
}
