/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tasks on tables and on partitions that are there. Everything is checked before anything changes. */
#include <stdlib.h>
#include "dos.h"

/* The table of a disk of ours. What was noted for the last commit is forgotten once that is done. */
struct dos_table *dos_task_table(struct evms_task *task, struct evms_object *disk)
{
	struct dos_table *t = disk ? evms_get_private(disk) : NULL;
	uint32_t i;

	if (!t) {
		evms_task_fail(task, EINVAL, "dos.input", "this is not on a disk with an MBR partition table");
		return NULL;
	}
	if (!(evms_get_state(disk) & EVMS_STATE_DIRTY)) {
		for (i = 0; i < t->ebr_count; i++)
			t->ebrs[i]->is_new = t->ebrs[i]->changed = false;
		t->mbr_changed = false;
		t->stale_count = 0;
	}
	return t;
}

int dos_task_usable(struct evms_task *task, const struct dos_table *t)
{
	if (t->read_only)
		return evms_task_fail(task, EROFS, "dos.read-only", "the table is damaged, or has more in it "
				      "than can be changed safely");
	return 0;
}

static int acceptable_disk(struct evms_task *task, struct evms_object *disk)
{
	if (evms_get_kind(disk) != EVMS_KIND_DISK)
		return evms_task_fail(task, EINVAL, "dos.input", "a table is put on a disk");
	if (evms_get_size(disk) / evms_get_block_size(disk) < 2)
		return evms_task_fail(task, ENOSPC, "dos.size", "the disk has no room for a table and a "
				      "partition");
	return 0;
}

int dos_acceptable(struct evms_task *task, struct evms_object *in)
{
	uint32_t kind = evms_get_kind(in), op = evms_task_get_op(task);

	if (op == EVMS_OP_ASSIGN)
		return acceptable_disk(task, in);
	if (op == EVMS_OP_CREATE && kind == EVMS_KIND_FREE)
		return dos_acceptable_space(task, in);
	if (op == EVMS_OP_CREATE && kind == EVMS_KIND_DISK && evms_get_private(in))
		return dos_task_usable(task, evms_get_private(in));
	if (op == EVMS_OP_CREATE)
		return evms_task_fail(task, EINVAL, "dos.input", "a partition is made of free space of a "
				      "disk with an MBR partition table");
	if (kind == EVMS_KIND_DISK && (op == EVMS_OP_UNASSIGN || op == EVMS_OP_SET) &&
	    evms_get_private(in))
		return 0;
	if (kind == EVMS_KIND_PARTITION && op != EVMS_OP_UNASSIGN && evms_get_private(in))
		return 0;
	return evms_task_fail(task, EINVAL, "dos.input", "this has nothing to do with an MBR partition table");
}

/* --- tables --- */

static int task_signature(struct evms_task *task, uint32_t *out)
{
	const char *text = evms_task_get_str(task, "uuid");
	char *end = NULL;

	if (!evms_task_has(task, "uuid")) {
		int r = evms_random(out, sizeof(*out));

		if (r == 0 && !*out)
			*out = 0x45564d53;
		return r;
	}
	*out = 0;
	if (text && strspn(text, "0123456789abcdefABCDEF") == 8 && !text[8])
		*out = (uint32_t)strtoul(text, &end, 16);
	if (*out)
		return 0;
	return evms_task_fail(task, EINVAL, "dos.uuid", "'%s' is not a disk signature of 8 hexadecimal digits "
			      "other than 0", text ? text : "");
}

int dos_assign(struct evms_task *task)
{
	struct evms_object *disk = evms_task_get_input(task, 0);
	struct dos_table *t;
	uint32_t signature = 0;
	int r = acceptable_disk(task, disk);

	if (r == 0)
		r = task_signature(task, &signature);
	if (r == 0)
		r = dos_table_new(disk, &t);
	if (r < 0)
		return r;
	evms_put_le32(t->mbr + DOS_SIGNATURE, signature);
	t->mbr[510] = 0x55;
	t->mbr[511] = 0xaa;
	t->mbr_changed = true;
	r = evms_set_private(disk, t);
	if (r < 0) {
		dos_table_free(t);
		return r;
	}
	r = evms_add_metadata(disk, 0, t->bs, "MBR");
	if (r == 0)
		r = dos_disk_describe(disk, t);
	return r == 0 ? evms_mark_dirty(disk) : r;
}

int dos_unassign(struct evms_task *task)
{
	struct evms_object *disk = evms_task_get_input(task, 0);
	struct dos_table *t = dos_task_table(task, disk);
	uint32_t i;
	int r;

	if (!t)
		return -EINVAL;
	r = evms_zero(disk, 0, t->bs, EVMS_PHASE_WIPE);
	for (i = 0; i < t->ebr_count && r == 0; i++)
		r = evms_zero(disk, t->ebrs[i]->lba * t->bs, t->bs, EVMS_PHASE_WIPE);
	for (i = 0; i < t->stale_count && r == 0; i++)
		r = evms_zero(disk, t->stale[i] * t->bs, t->bs, EVMS_PHASE_WIPE);
	return r;
}

/* --- removing --- */

/* An EBR is given up. It is wiped by a later phase unless it was never written. */
static void ebr_drop(struct dos_table *t, uint32_t i)
{
	struct dos_ebr *ebr = t->ebrs[i];

	if (!ebr->is_new && t->stale_count < DOS_MAX_STALE)
		t->stale[t->stale_count++] = ebr->lba;
	memmove(&t->ebrs[i], &t->ebrs[i + 1], (t->ebr_count - i - 1) * sizeof(t->ebrs[0]));
	t->ebr_count--;
	dos_ebr_free(ebr);
}

static bool is_empty(const struct dos_table *t)
{
	uint32_t i;

	for (i = 0; i < t->ebr_count; i++)
		if (t->ebrs[i]->data >= 0)
			return false;
	return true;
}

/* Remove the empty extended partition. */
int dos_drop_extended(struct evms_object *disk, struct dos_table *t)
{
	int r = 0;

	while (t->ebr_count && r == 0) {
		r = evms_remove_metadata(disk, t->ebrs[t->ebr_count - 1]->lba * t->bs);
		if (r == 0)
			ebr_drop(t, t->ebr_count - 1);
	}
	if (r < 0)
		return r;
	memset(dos_entry(t->mbr, t->ext.slot), 0, 16);
	t->ext = (struct dos_extended) { .size = 0 };
	t->mbr_changed = true;
	return 0;
}

static int remove_logical(struct evms_task *task, struct evms_object *disk, struct dos_table *t,
			  struct dos_ebr *ebr)
{
	uint32_t i = 0;
	int r = 0;

	while (i < t->ebr_count && t->ebrs[i] != ebr)
		i++;
	if (i == t->ebr_count)
		return evms_task_fail(task, EINVAL, "dos.chain", "the partition is not in the chain");
	memset(dos_entry(ebr->raw, (unsigned)ebr->data), 0, 16);
	ebr->data = -1;
	ebr->part = NULL;
	ebr->changed = true;
	if (i > 0) {	/* the first one stays, for the chain begins there */
		r = evms_remove_metadata(disk, ebr->lba * t->bs);
		if (r < 0)
			return r;
		ebr_drop(t, i);
		dos_link(t, i - 1);
	}
	if (is_empty(t) && !evms_task_get_u64(task, "keep-extended"))
		r = dos_drop_extended(disk, t);
	return r == 0 ? dos_renumber(t) : r;
}

int dos_remove(struct evms_task *task)
{
	struct evms_object *part = evms_task_get_input(task, 0), *disk = evms_get_parent(part);
	struct dos_table *t = dos_task_table(task, disk);
	const struct dos_part *data = evms_get_private(part);
	struct dos_part where;
	int r;

	if (!t || !data)
		return -EINVAL;
	r = dos_task_usable(task, t);
	if (r < 0)
		return r;
	where = *data;
	r = evms_mark_dirty(disk);
	if (r == 0)
		r = evms_remove(part);		/* frees data */
	if (r < 0)
		return r;
	if (where.ebr)
		return remove_logical(task, disk, t, where.ebr);
	memset(dos_entry(t->mbr, (unsigned)where.slot), 0, 16);
	t->primary[where.slot] = NULL;
	t->mbr_changed = true;
	return 0;
}

/* --- resizing --- */

static void nearer(uint64_t start, uint64_t other, uint64_t *end)
{
	if (other > start && other < *end)
		*end = other;
}

/* The first block behind a partition that it cannot have. */
static uint64_t room_end(const struct dos_table *t, const struct dos_part *data, uint64_t start)
{
	uint64_t end = t->blocks;
	unsigned slot;
	uint32_t i;

	if (data->ebr && t->ext.start + t->ext.size < end)
		end = t->ext.start + t->ext.size;
	for (slot = 0; slot < DOS_PRIMARIES; slot++) {
		const uint8_t *e = dos_entry(t->mbr, slot);

		if (e[DOS_E_TYPE])
			nearer(start, evms_get_le32(e + DOS_E_START), &end);
	}
	for (i = 0; i < t->ebr_count; i++) {
		const struct dos_ebr *ebr = t->ebrs[i];

		nearer(start, ebr->lba, &end);
		if (ebr->data >= 0)	/* parted wants a block between two of them, wherever the EBR is */
			nearer(start, ebr->lba + evms_get_le32(dos_entry(ebr->raw, (unsigned)ebr->data) +
							       DOS_E_START) - (data->ebr != NULL), &end);
	}
	return end - start > UINT32_MAX ? start + UINT32_MAX : end;
}

int dos_get_limits(struct evms_object *part, struct evms_limits *out)
{
	const struct dos_table *t = evms_get_private(evms_get_parent(part));
	const struct dos_part *data = evms_get_private(part);
	uint64_t start;

	if (!t || !data)
		return -EINVAL;
	out->step = t->bs;
	out->min_size = out->max_size = evms_get_size(part);
	if (t->read_only)
		return 0;
	start = evms_get_offset(part) / t->bs;
	out->min_size = t->bs;
	out->max_size = (room_end(t, data, start) - start) * t->bs;
	if (out->max_size < evms_get_size(part))
		out->max_size = evms_get_size(part);
	return 0;
}

static void resize_entry(struct dos_table *t, const struct dos_part *data, uint64_t start,
			 uint64_t size)
{
	struct dos_ebr *ebr = data->ebr;
	uint32_t i;
	uint8_t *e;

	if (!ebr) {
		e = dos_entry(t->mbr, (unsigned)data->slot);
		dos_entry_set(t, e, e[DOS_E_TYPE], 0, start, size);
		t->mbr_changed = true;
		return;
	}
	e = dos_entry(ebr->raw, (unsigned)data->slot);
	dos_entry_set(t, e, e[DOS_E_TYPE], ebr->lba, start, size);
	ebr->changed = true;
	for (i = 1; i < t->ebr_count; i++)	/* the link to it tells its size too */
		if (t->ebrs[i] == ebr)
			dos_link(t, i - 1);
}

int dos_resize(struct evms_task *task)
{
	struct evms_object *part = evms_task_get_input(task, 0), *disk = evms_get_parent(part);
	struct dos_table *t = dos_task_table(task, disk);
	const struct dos_part *data = evms_get_private(part);
	uint64_t size = evms_task_get_u64(task, "size"), old = evms_get_size(part);
	bool expand = evms_task_get_op(task) == EVMS_OP_EXPAND;
	struct evms_limits limits;
	int r;

	if (!t || !data)
		return -EINVAL;
	r = dos_task_usable(task, t);
	if (r == 0)
		r = dos_get_limits(part, &limits);
	if (r < 0)
		return r;
	if (!evms_task_has(task, "size") && expand)
		size = limits.max_size;
	size -= size % t->bs;
	if (expand ? size <= old : size >= old)
		return evms_task_fail(task, EINVAL, "dos.size", "it has %" PRIu64 " bytes; a %s size is "
				      "needed", old, expand ? "larger" : "smaller");
	if (size < limits.min_size || size > limits.max_size)
		return evms_task_fail(task, ENOSPC, "dos.space", "%" PRIu64 " bytes are wanted, possible "
				      "are %" PRIu64 " to %" PRIu64, size, limits.min_size, limits.max_size);
	r = evms_mark_dirty(disk);
	if (r == 0)
		r = evms_move_partition(part, evms_get_offset(part), size);
	if (r == 0)
		resize_entry(t, data, evms_get_offset(part) / t->bs, size / t->bs);
	return r;
}

/* --- setting --- */

static int set_active(struct dos_table *t, int slot, bool active)
{
	unsigned i;
	int r = 0;

	for (i = 0; i < DOS_PRIMARIES; i++) {
		uint8_t *e = dos_entry(t->mbr, i);

		if ((int)i != slot && !active)
			continue;
		e[DOS_E_BOOT] = (int)i == slot && active ? 0x80 : 0;
		if (t->primary[i] && r == 0)
			r = dos_part_describe(t->primary[i], t, e, i + 1);
	}
	t->mbr_changed = true;
	return r;
}

static int set_partition(struct evms_task *task, struct evms_object *part, struct dos_table *t)
{
	const struct dos_part *data = evms_get_private(part);
	const char *text = evms_task_get_str(task, "type");
	uint8_t type = 0, *e;
	int r;

	if (!data)
		return -EINVAL;
	if (evms_task_has(task, "uuid") || evms_task_has(task, "drop-extended"))
		return evms_task_fail(task, EINVAL, "dos.set", "this is set on the disk, not on a partition");
	if (evms_task_has(task, "type") &&
	    (!text || !dos_type_parse(text, &type) || !type || type == 0xee || dos_is_extended(type)))
		return evms_task_fail(task, EINVAL, "dos.type", "'%s' is not a type that a partition can have",
				      text ? text : "");
	if (evms_task_has(task, "active") && data->ebr)
		return evms_task_fail(task, EINVAL, "dos.active", "only a primary partition can be active");
	r = evms_mark_dirty(evms_get_parent(part));
	if (r < 0)
		return r;
	e = dos_entry(data->ebr ? data->ebr->raw : t->mbr, (unsigned)data->slot);
	if (evms_task_has(task, "type")) {
		e[DOS_E_TYPE] = type;
		if (data->ebr)
			data->ebr->changed = true;
		else
			t->mbr_changed = true;
	}
	if (evms_task_has(task, "active"))
		return set_active(t, data->slot, evms_task_get_u64(task, "active") != 0);
	return data->ebr ? dos_renumber(t) : dos_part_describe(part, t, e, (unsigned)data->slot + 1);
}

static int set_signature(struct evms_object *disk, struct dos_table *t, uint32_t signature)
{
	unsigned i;
	int r;

	evms_put_le32(t->mbr + DOS_SIGNATURE, signature);
	t->mbr_changed = true;
	r = dos_disk_describe(disk, t);
	for (i = 0; i < DOS_PRIMARIES && r == 0; i++)
		if (t->primary[i])
			r = dos_part_describe(t->primary[i], t, dos_entry(t->mbr, i), i + 1);
	return r == 0 ? dos_renumber(t) : r;
}

int dos_set(struct evms_task *task)
{
	struct evms_object *in = evms_task_get_input(task, 0), *disk = in;
	uint32_t signature = 0;
	struct dos_table *t;
	bool drop;
	int r;

	if (evms_get_kind(in) == EVMS_KIND_PARTITION)
		disk = evms_get_parent(in);
	t = dos_task_table(task, disk);
	if (!t)
		return -EINVAL;
	r = dos_task_usable(task, t);
	if (r < 0)
		return r;
	if (in != disk)
		return set_partition(task, in, t);
	if (evms_task_has(task, "type") || evms_task_has(task, "active"))
		return evms_task_fail(task, EINVAL, "dos.set", "this is set on a partition, not on a disk");
	drop = evms_task_get_u64(task, "drop-extended") != 0;
	if (drop && (!t->ext.size || !is_empty(t)))
		return evms_task_fail(task, t->ext.size ? EBUSY : ENOENT, "dos.extended", t->ext.size ?
				      "there are logical partitions in the extended one" :
				      "there is no extended partition");
	if (evms_task_has(task, "uuid"))
		r = task_signature(task, &signature);
	if (r == 0)
		r = evms_mark_dirty(disk);
	if (r == 0 && drop)
		r = dos_drop_extended(disk, t);
	if (r == 0 && signature)
		r = set_signature(disk, t, signature);
	return r;
}
