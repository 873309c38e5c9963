/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the table to objects: metadata, partitions, and notes on what is the matter. */
#include <stdio.h>
#include <stdlib.h>
#include "gpt.h"

#define NOTES_MAX	16	/* about single partitions; a table can have thousands of bad ones */

struct span {
	uint64_t first, last;
	uint32_t index;
	bool bad;
};

static int compare_spans(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* --- metadata --- */

struct meta {
	struct span spans[8];
	const char *names[8];
	unsigned count;
};

/* Structures of a damaged table may overlap: the first one gets the space. */
static void meta_put(struct meta *m, uint64_t first, uint64_t count, const char *name)
{
	unsigned i, at = m->count;

	for (i = 0; i < m->count; i++) {
		if (first <= m->spans[i].last && m->spans[i].first <= first + count - 1)
			return;
		if (at == m->count && first < m->spans[i].first)
			at = i;
	}
	memmove(&m->spans[at + 1], &m->spans[at], (m->count - at) * sizeof(m->spans[0]));
	memmove(&m->names[at + 1], &m->names[at], (m->count - at) * sizeof(m->names[0]));
	m->spans[at] = (struct span) { .first = first, .last = first + count - 1 };
	m->names[at] = name;
	m->count++;
}

static void meta_collect(const struct gpt_table *t, struct meta *m)
{
	*m = (struct meta) { .count = 0 };
	meta_put(m, 0, 1, "protective MBR");
	meta_put(m, 1, 1, "primary GPT header");
	if (t->primary_entries <= t->last_lba && t->blocks <= t->last_lba - t->primary_entries + 1)
		meta_put(m, t->primary_entries, t->blocks, "primary GPT entries");
	if (t->problems & (GPT_SHRUNK | GPT_LAYOUT))
		return;
	meta_put(m, t->backup_entries, t->blocks, "backup GPT entries");
	meta_put(m, t->backup_lba, 1, "backup GPT header");
}

static int meta_add(struct evms_object *disk, struct gpt_table *t, uint64_t first, uint64_t last,
		    const char *name)
{
	int r = evms_add_metadata(disk, first * t->bs, (last - first + 1) * t->bs, name);

	if (r == 0)
		t->meta[t->meta_count++] = first * t->bs;
	return r;
}

static int reserve(struct evms_object *disk, struct gpt_table *t, uint64_t from, uint64_t to)
{
	return from < to ? meta_add(disk, t, from, to - 1, "reserved by GPT") : 0;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/*
 * Describe the structures, and as reserved what lies between them outside the usable blocks. The space
 * behind the backup of a disk that has grown stays free: a repair makes it usable.
 */
int gpt_metadata_add(struct evms_object *disk, struct gpt_table *t)
{
	bool gaps = !(t->problems & (GPT_SHRUNK | GPT_LAYOUT | GPT_ENTRIES));
	uint64_t at = 0;
	struct meta m;
	unsigned i;
	int r = 0;

	meta_collect(t, &m);
	t->meta_count = 0;
	for (i = 0; i < m.count && r == 0; i++) {
		const struct span *s = &m.spans[i];

		if (gaps)
			r = reserve(disk, t, at, smaller(s->first, t->first_usable));
		if (gaps && r == 0 && !(t->problems & GPT_GROWN))
			r = reserve(disk, t, at > t->last_usable ? at : t->last_usable + 1, s->first);
		if (r == 0)
			r = meta_add(disk, t, s->first, s->last, m.names[i]);
		at = s->last + 1;
	}
	return r;
}

int gpt_metadata_remove(struct evms_object *disk, struct gpt_table *t)
{
	int r = 0;

	while (t->meta_count && r == 0)
		r = evms_remove_metadata(disk, t->meta[--t->meta_count]);
	return r;
}

/* --- partitions --- */

/* The name an entry gives its object; "p7" when it has none that can be used. */
void gpt_part_object_name(const uint8_t *entry, uint32_t index, char text[GPT_NAME_BYTES])
{
	char *c;

	gpt_name_get(entry, text);
	for (c = text; *c; c++)
		if (*c == '/')
			*c = '_';
	if (!*text || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
		snprintf(text, GPT_NAME_BYTES, "p%" PRIu32, index + 1);
}

/* Show what an entry says of its partition. */
int gpt_part_describe(struct evms_object *part, const struct gpt_table *t, uint32_t index)
{
	const uint8_t *e = gpt_entry(t, index);
	char text[256], guid[GPT_GUID_TEXT];
	const char *type = gpt_type_name(e + GPT_E_TYPE);
	int r;

	gpt_name_get(e, text);
	r = evms_set_label(part, text);
	gpt_guid_text(e + GPT_E_GUID, guid);
	if (r == 0)
		r = evms_set_uuid(part, guid);
	gpt_guid_text(e + GPT_E_TYPE, guid);
	if (r == 0)
		r = evms_set_str(part, "type", type ? type : guid);
	if (r == 0)
		r = evms_set_str(part, "type-guid", guid);
	gpt_attributes_text(evms_get_le64(e + GPT_E_ATTRIBUTES), text, sizeof(text));
	if (r == 0)
		r = evms_set_str(part, "attributes", *text ? text : NULL);
	if (r == 0)
		r = evms_set_u64(part, "number", EVMS_TYPE_U64, index + 1);
	return r;
}

/* The name of a partition's object without that of the disk. */
static const char *own_name(struct evms_object *disk, struct evms_object *part)
{
	const char *name = evms_get_name(part);
	size_t len = strlen(evms_get_name(disk));

	return strlen(name) > len ? name + len + 1 : name;
}

/*
 * The partition, other than that of entry but, whose object or entry gives it this name. The name "NAME~2" of
 * an object whose entry says NAME counts too: who takes it would change places with it when found again.
 */
struct evms_object *gpt_part_named(struct evms_object *disk, const struct gpt_table *t,
				   const char *name, uint32_t but)
{
	char text[GPT_NAME_BYTES];
	struct evms_space s;
	uint32_t i;

	for (i = 0; evms_get_space(disk, i, &s) == 0; i++) {
		const struct gpt_part *data = s.kind == EVMS_KIND_PARTITION ? evms_get_private(s.object) : NULL;

		if (!data || data->index == but)
			continue;
		gpt_part_object_name(gpt_entry(t, data->index), data->index, text);
		if (strcmp(text, name) == 0 || strcmp(own_name(disk, s.object), name) == 0)
			return s.object;
	}
	return NULL;
}

struct numbered {
	uint32_t index;
	struct evms_object *part;
};

static int compare_numbers(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;

	return x->index < y->index ? -1 : x->index > y->index;
}

/* Where names are used twice, give every partition the name that it will have when it is found again. */
int gpt_parts_rename(struct evms_object *disk, const struct gpt_table *t)
{
	struct numbered *parts;
	char name[GPT_NAME_BYTES];
	struct evms_space s;
	uint32_t i, n = 0;
	int r = 0;

	if (!t->twins)
		return 0;
	parts = calloc(evms_get_space_count(disk) + 1, sizeof(*parts));
	if (!parts)
		return -ENOMEM;
	for (i = 0; evms_get_space(disk, i, &s) == 0; i++) {
		const struct gpt_part *data = s.kind == EVMS_KIND_PARTITION ? evms_get_private(s.object) : NULL;

		if (data)
			parts[n++] = (struct numbered) { data->index, s.object };
	}
	qsort(parts, n, sizeof(*parts), compare_numbers);
	for (i = 0; i < n && r == 0; i++) {
		gpt_part_object_name(gpt_entry(t, parts[i].index), parts[i].index, name);
		r = evms_set_name(parts[i].part, name);
	}
	free(parts);
	return r;
}

static int add_partition(struct evms_object *disk, struct gpt_table *t, const struct span *s)
{
	struct evms_object *part;
	struct gpt_part *data;
	char name[GPT_NAME_BYTES];
	int r;

	gpt_part_object_name(gpt_entry(t, s->index), s->index, name);
	r = evms_add_partition(disk, s->first * t->bs, (s->last - s->first + 1) * t->bs, name, &part);
	if (r < 0)
		return r;
	t->twins = t->twins || strcmp(own_name(disk, part), name) != 0;
	data = malloc(sizeof(*data));
	if (!data)
		return -ENOMEM;
	data->index = s->index;
	r = evms_set_private(part, data);
	if (r < 0) {
		free(data);
		return r;
	}
	return gpt_part_describe(part, t, s->index);
}

/* --- judging the entries --- */

static bool meets_metadata(const struct meta *m, const struct span *s)
{
	unsigned i;

	for (i = 0; i < m->count; i++)
		if (s->first <= m->spans[i].last && m->spans[i].first <= s->last)
			return true;
	return false;
}

static void bad_entry(struct evms_object *disk, struct gpt_table *t, unsigned *notes,
		      const struct span *s, const char *what)
{
	t->problems |= GPT_ENTRIES;
	if ((*notes)++ < NOTES_MAX)
		evms_note(disk, EVMS_STATE_READ_ONLY | EVMS_STATE_DAMAGED, "gpt.entry",
			  "partition %" PRIu32 " (blocks %" PRIu64 " to %" PRIu64 ") %s", s->index + 1,
			  s->first, s->last, what);
}

/* Mark the spans that cannot be shown, and note them and those that merely should not be there. */
static void check_spans(struct evms_object *disk, struct gpt_table *t, struct span *spans,
			uint32_t n)
{
	unsigned notes = 0;
	uint64_t end = 0;
	struct meta m;
	uint32_t i;

	meta_collect(t, &m);
	for (i = 0; i < n; i++) {
		struct span *s = &spans[i];

		s->bad = true;
		if (s->first > s->last) {
			bad_entry(disk, t, &notes, s, "ends before it begins; it is not shown");
		} else if (s->last > t->last_lba) {
			bad_entry(disk, t, &notes, s, "goes beyond the end of the disk; it is not shown");
		} else if (meets_metadata(&m, s)) {
			bad_entry(disk, t, &notes, s, "lies on the table itself; it is not shown");
		} else if (s->first < end) {
			bad_entry(disk, t, &notes, s, "overlaps another one; it is not shown");
		} else {
			s->bad = false;
			end = s->last + 1;
			if (s->first < t->first_usable || s->last > t->last_usable)
				bad_entry(disk, t, &notes, s, "lies outside the usable blocks");
		}
	}
}

static int compare_indexes(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->index < y->index ? -1 : x->index > y->index;
}

static void note_twins(struct evms_object *disk, const struct gpt_table *t, const struct span *spans,
		       uint32_t n)
{
	uint32_t i, j;

	if (n > 1024)	/* not worth comparing each with each */
		return;
	for (i = 0; i < n; i++)
		for (j = i + 1; j < n; j++)
			if (memcmp(gpt_entry(t, spans[i].index) + GPT_E_GUID,
				   gpt_entry(t, spans[j].index) + GPT_E_GUID, 16) == 0) {
				evms_note(disk, 0, "gpt.duplicate-guid", "partitions %" PRIu32 " and %"
					  PRIu32 " have the same GUID; give one a new uuid",
					  spans[i].index + 1, spans[j].index + 1);
				return;
			}
}

static int add_partitions(struct evms_object *disk, struct gpt_table *t)
{
	struct span *spans;
	uint32_t i, n = 0;
	int r = 0;

	for (i = 0; i < t->count; i++)
		n += gpt_entry_used(gpt_entry(t, i));
	if (!n)
		return 0;
	spans = calloc(n, sizeof(*spans));
	if (!spans)
		return -ENOMEM;
	for (i = 0, n = 0; i < t->count; i++) {
		const uint8_t *e = gpt_entry(t, i);

		if (gpt_entry_used(e))
			spans[n++] = (struct span) { .index = i, .first = evms_get_le64(e + GPT_E_FIRST),
						     .last = evms_get_le64(e + GPT_E_LAST) };
	}
	qsort(spans, n, sizeof(*spans), compare_spans);
	check_spans(disk, t, spans, n);
	qsort(spans, n, sizeof(*spans), compare_indexes);
	for (i = 0; i < n && r == 0; i++)
		if (!spans[i].bad)
			r = add_partition(disk, t, &spans[i]);
	if (r == 0)
		note_twins(disk, t, spans, n);
	free(spans);
	return r;
}

/* --- the disk --- */

static const struct {
	uint32_t problem, state;
	const char *reason, *text;
} explanations[] = {
	{ GPT_NO_PMBR, EVMS_STATE_READ_ONLY | EVMS_STATE_DAMAGED, "gpt.pmbr",
	  "there is no protective MBR, so that most systems do not see the table; repair writes one" },
	{ GPT_BAD_PRIMARY, EVMS_STATE_READ_ONLY | EVMS_STATE_DAMAGED, "gpt.primary",
	  "the primary table is damaged and the backup is used; repair restores the primary" },
	{ GPT_BAD_BACKUP, EVMS_STATE_DAMAGED, "gpt.backup",
	  "the backup table is missing or damaged; repair, or any change, writes it anew" },
	{ GPT_GROWN, EVMS_STATE_DAMAGED, "gpt.grown",
	  "the backup table is not at the end of the disk, which has grown; repair moves it and makes "
	  "the new space usable" },
	{ GPT_BAD_ALTERNATE, EVMS_STATE_DAMAGED, "gpt.alternate",
	  "the primary header does not point to the backup; repair, or any change, corrects it" },
	{ GPT_DIFFER, EVMS_STATE_READ_ONLY | EVMS_STATE_DAMAGED, "gpt.differ",
	  "the primary and the backup table are valid and differ; the primary is shown; repair with "
	  "keep-primary=yes overwrites the backup with it" },
	{ GPT_SHRUNK, EVMS_STATE_READ_ONLY | EVMS_STATE_DAMAGED, "gpt.shrunk",
	  "the table was made for a larger disk; repair fits it to this one when all partitions have "
	  "room" },
	{ GPT_LAYOUT, EVMS_STATE_READ_ONLY | EVMS_STATE_DAMAGED, "gpt.layout",
	  "the table's own structures overlap each other or the usable blocks" },
	{ GPT_BLOCK_SIZE, EVMS_STATE_READ_ONLY | EVMS_STATE_DAMAGED, "gpt.block-size",
	  "the table was written for another block size than the disk has; most systems do not see it" },
	{ GPT_REVISION, EVMS_STATE_READ_ONLY, "gpt.revision",
	  "the table is of a newer revision of the format than is known here" },
};

static void explain(struct evms_object *disk, const struct gpt_table *t)
{
	size_t i;

	for (i = 0; i < sizeof(explanations) / sizeof(explanations[0]); i++)
		if (t->problems & explanations[i].problem)
			evms_note(disk, explanations[i].state, explanations[i].reason, "%s",
				  explanations[i].text);
	if (t->entry_size != GPT_ENTRY_MIN)
		evms_note(disk, 0, "gpt.entry-size", "the entries have %" PRIu32 " bytes, which is valid, "
			  "but Linux does not accept other than 128", t->entry_size);
}

int gpt_claim(struct evms_object *disk)
{
	struct gpt_table *t;
	char guid[GPT_GUID_TEXT];
	int r = gpt_table_load(disk, &t);

	if (r < 0)
		return r;
	r = evms_set_private(disk, t);
	if (r < 0) {
		gpt_table_free(t);
		return r;
	}
	explain(disk, t);
	gpt_guid_text(t->primary + GPT_H_GUID, guid);
	r = evms_set_uuid(disk, guid);
	if (r == 0)
		r = evms_set_u64(disk, "entries", EVMS_TYPE_U64, t->count);
	if (r == 0)
		r = evms_set_u64(disk, "hybrid", EVMS_TYPE_BOOL,
				 gpt_mbr_kind(t->mbr) == GPT_MBR_HYBRID);
	if (r == 0)
		r = add_partitions(disk, t);
	return r == 0 ? gpt_metadata_add(disk, t) : r;	/* knows now where partitions are */
}
