/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tasks that change what a table says of its partitions and itself, and repair. */
#include <stdlib.h>
#include "gpt.h"

/* Show a changed entry; the old one comes back when that fails. */
static int commit_entry(struct evms_object *part, struct gpt_table *t, uint32_t index,
			const uint8_t *entry, bool renamed)
{
	struct evms_object *disk = evms_get_parent(part);
	uint8_t old[GPT_ENTRY_MIN];
	char name[GPT_NAME_BYTES];
	int r;

	memcpy(old, gpt_entry(t, index), sizeof(old));
	memcpy(gpt_entry(t, index), entry, sizeof(old));
	r = gpt_part_describe(part, t, index);
	if (r == 0 && renamed) {
		gpt_part_object_name(entry, index, name);
		r = evms_set_name(part, name);
		if (r == 0)
			r = gpt_parts_rename(disk, t);
	}
	if (r == 0)
		r = gpt_task_changed(disk, t);
	if (r < 0) {
		memcpy(gpt_entry(t, index), old, sizeof(old));
		gpt_part_describe(part, t, index);
	}
	return r;
}

static int change_name(struct evms_task *task, struct evms_object *part, const struct gpt_table *t,
		       uint32_t index, uint8_t *entry)
{
	const char *name = evms_task_get_str(task, "name");
	int r = gpt_name_set(entry, name ? name : "");

	if (r == -ENAMETOOLONG)
		return evms_task_fail(task, EINVAL, "gpt.name", "the name has more than 36 characters");
	if (r < 0)
		return evms_task_fail(task, EINVAL, "gpt.name", "the name is not UTF-8 text");
	/* One that is used twice already may stay so: what is set then is something else. */
	if (memcmp(entry + GPT_E_NAME, gpt_entry(t, index) + GPT_E_NAME, GPT_NAME_UNITS * 2) == 0)
		return 0;
	return gpt_task_check_name(task, evms_get_parent(part), t, entry, index);
}

static int change_type(struct evms_task *task, uint8_t *entry)
{
	const char *type = evms_task_get_str(task, "type");

	if (type && gpt_type_parse(type, entry + GPT_E_TYPE))
		return 0;
	return evms_task_fail(task, EINVAL, "gpt.type", "'%s' is neither a known type nor a GUID",
			      type ? type : "");
}

static int change_attributes(struct evms_task *task, uint8_t *entry)
{
	const char *text = evms_task_get_str(task, "attributes");
	uint64_t mask;

	if (!text || !gpt_attributes_parse(text, &mask))
		return evms_task_fail(task, EINVAL, "gpt.attributes", "'%s' are not attributes",
				      text ? text : "");
	evms_put_le64(entry + GPT_E_ATTRIBUTES, mask);
	return 0;
}

static int parse_uuid(struct evms_task *task, uint8_t guid[16])
{
	const char *text = evms_task_get_str(task, "uuid");

	if (text && gpt_guid_parse(text, guid) && !gpt_guid_is_zero(guid))
		return 0;
	return evms_task_fail(task, EINVAL, "gpt.uuid", "'%s' is not a GUID", text ? text : "");
}

static int change_uuid(struct evms_task *task, const struct gpt_table *t, uint32_t index,
		       uint8_t *entry)
{
	uint32_t i;
	int r = parse_uuid(task, entry + GPT_E_GUID);

	for (i = 0; i < t->count && r == 0; i++)
		if (i != index && gpt_entry_used(gpt_entry(t, i)) &&
		    memcmp(gpt_entry(t, i) + GPT_E_GUID, entry + GPT_E_GUID, 16) == 0)
			r = evms_task_fail(task, EEXIST, "gpt.uuid", "partition %" PRIu32
					   " has this GUID already", i + 1);
	return r;
}

/* The table and entry of the partition that a task works on. */
static int open_entry(struct evms_task *task, struct evms_object *part, struct gpt_table **t,
		      uint32_t *index, uint8_t entry[GPT_ENTRY_MIN])
{
	const struct gpt_part *data = evms_get_private(part);

	*t = gpt_task_table(task, evms_get_parent(part));
	if (!*t || !data)
		return -EINVAL;
	*index = data->index;
	memcpy(entry, gpt_entry(*t, *index), GPT_ENTRY_MIN);
	return gpt_task_usable(task, *t);
}

int gpt_rename(struct evms_task *task)
{
	struct evms_object *part = evms_task_get_input(task, 0);
	uint8_t entry[GPT_ENTRY_MIN];
	struct gpt_table *t;
	uint32_t index;
	int r;

	if (evms_get_kind(part) != EVMS_KIND_PARTITION)
		return evms_task_fail(task, ENOTSUP, "gpt.name", "the table itself has no name");
	r = open_entry(task, part, &t, &index, entry);
	if (r == 0)
		r = change_name(task, part, t, index, entry);
	return r == 0 ? commit_entry(part, t, index, entry, true) : r;
}

static int set_partition(struct evms_task *task, struct evms_object *part)
{
	uint8_t entry[GPT_ENTRY_MIN];
	struct gpt_table *t;
	uint32_t index;
	int r = open_entry(task, part, &t, &index, entry);

	if (r == 0 && evms_task_has(task, "type"))
		r = change_type(task, entry);
	if (r == 0 && evms_task_has(task, "attributes"))
		r = change_attributes(task, entry);
	if (r == 0 && evms_task_has(task, "uuid"))
		r = change_uuid(task, t, index, entry);
	if (r == 0 && evms_task_has(task, "name"))
		r = change_name(task, part, t, index, entry);
	return r == 0 ? commit_entry(part, t, index, entry, evms_task_has(task, "name")) : r;
}

int gpt_set(struct evms_task *task)
{
	struct evms_object *disk = evms_task_get_input(task, 0);
	struct gpt_table *t;
	uint8_t guid[16];
	char text[GPT_GUID_TEXT];
	int r;

	if (evms_get_kind(disk) == EVMS_KIND_PARTITION)
		return set_partition(task, disk);
	t = gpt_task_table(task, disk);
	if (!t)
		return -EINVAL;
	r = gpt_task_usable(task, t);
	if (r < 0)
		return r;
	if (!evms_task_has(task, "uuid") || evms_task_has(task, "type") ||
	    evms_task_has(task, "attributes") || evms_task_has(task, "name"))
		return evms_task_fail(task, EINVAL, "gpt.set", "only the uuid of a table can be set");
	r = parse_uuid(task, guid);
	if (r < 0)
		return r;
	gpt_guid_text(guid, text);
	r = evms_set_uuid(disk, text);
	if (r == 0)
		r = gpt_task_changed(disk, t);
	if (r == 0)
		memcpy(t->primary + GPT_H_GUID, guid, 16);
	return r;
}

/* --- repair --- */

/* Has every partition room before the backup table when that is at the end of the disk? */
static int check_fit(struct evms_task *task, const struct gpt_table *t)
{
	uint64_t end;
	uint32_t i;

	if (t->last_lba < (uint64_t)t->blocks + 2 || t->last_lba - t->blocks <= t->first_usable)
		return evms_task_fail(task, ENOSPC, "gpt.space", "the disk has no room for the backup table");
	end = t->last_lba - t->blocks;
	for (i = 0; i < t->count; i++) {
		const uint8_t *e = gpt_entry(t, i);

		if (gpt_entry_used(e) && evms_get_le64(e + GPT_E_LAST) >= end)
			return evms_task_fail(task, ENOSPC, "gpt.space", "partition %" PRIu32 " is where "
					      "the backup table belongs", i + 1);
	}
	return 0;
}

/* Must the backup move, or the usable blocks follow the size of the disk? */
static bool needs_fit(const struct gpt_table *t)
{
	return t->problems & (GPT_GROWN | GPT_SHRUNK) || t->backup_lba != t->last_lba;
}

static int check_repair(struct evms_task *task, const struct gpt_table *t)
{
	if (t->problems & GPT_ENTRIES)
		return evms_task_fail(task, EBADMSG, "gpt.entry", "partitions overlap or lie where they "
				      "must not; which of them is right cannot be known");
	if (t->problems & GPT_BEYOND_REPAIR)
		return evms_task_fail(task, EBADMSG, "gpt.layout", "the table does not fit the disk and "
				      "cannot be repaired");
	if (t->problems & GPT_DIFFER && !evms_task_get_u64(task, "keep-primary"))
		return evms_task_fail(task, EINVAL, "gpt.differ", "the two copies differ; say "
				      "keep-primary=yes to overwrite the backup with what is shown");
	return needs_fit(t) ? check_fit(task, t) : 0;
}

/* The backup goes to the end of the disk, and the usable blocks reach up to it. */
static void move_backup(struct gpt_table *t)
{
	if (t->backup_lba < t->last_lba) {
		if (t->backup_entries < t->backup_lba &&
		    t->backup_lba - t->backup_entries == t->blocks) {
			t->stale_first = t->backup_entries;
			t->stale_blocks = t->blocks + 1;
		} else {	/* entries elsewhere stay; without a header they mean nothing */
			t->stale_first = t->backup_lba;
			t->stale_blocks = 1;
		}
	}
	t->backup_lba = t->last_lba;
	t->backup_entries = t->last_lba - t->blocks;
	t->last_usable = t->backup_entries - 1;
}

int gpt_repair(struct evms_task *task)
{
	struct evms_object *disk = evms_task_get_input(task, 0);
	struct gpt_table *t = gpt_task_table(task, disk);
	int r;

	if (!t)
		return -EINVAL;
	if (!t->problems && !gpt_mbr_size_wrong(t))
		return 0;
	r = check_repair(task, t);
	if (r < 0)
		return r;
	if (needs_fit(t)) {
		r = gpt_metadata_remove(disk, t);
		if (r < 0)
			return r;
		move_backup(t);
		t->problems &= ~(GPT_GROWN | GPT_SHRUNK);
		r = gpt_metadata_add(disk, t);
		if (r < 0)
			return r;
	}
	if (t->problems & GPT_NO_PMBR || gpt_mbr_size_wrong(t))
		gpt_mbr_protect(t);
	t->problems = 0;
	r = evms_clear_state(disk, EVMS_STATE_READ_ONLY | EVMS_STATE_DAMAGED);
	return r == 0 ? evms_mark_dirty(disk) : r;
}
