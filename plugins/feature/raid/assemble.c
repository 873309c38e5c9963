/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From members to an array: who belongs to it, in which slot, what is missing, and its object. */
#include <stdio.h>
#include <stdlib.h>
#include "raid.h"

#define KEY_SIZE	(RAID_UUID_TEXT + 8)

struct raid_array *raid_array_new(uint32_t count)
{
	struct raid_array *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->members = calloc(count ? count : 1, sizeof(*a->members));
	if (!a->members) {
		free(a);
		return NULL;
	}
	return a;
}

void raid_array_free(struct raid_array *a)
{
	uint32_t i;

	if (!a)
		return;
	for (i = 0; i < a->count; i++)
		free(a->members[i].super);
	free(a->members);
	free(a->slots);
	free(a);
}

void raid_release(struct evms_object *o)
{
	raid_array_free(evms_get_private(o));
}

int raid_probe(struct evms_object *in)
{
	struct raid_trouble trouble = { .reason = NULL };
	char uuid[RAID_UUID_TEXT], key[KEY_SIZE];
	struct raid_super s;
	int r = raid_super_find(in, &s, &trouble);

	if (r < 0)
		return r;
	if (r == RAID_FOUND_NONE)
		return EVMS_NOT_MINE;
	if (r == RAID_FOUND_BAD)
		return EVMS_DAMAGED;
	raid_uuid_text(s.set_uuid, uuid);
	snprintf(key, sizeof(key), "%s:%s", s.format == RAID_FORMAT_0_90 ? "md090" : "md", uuid);
	r = evms_join(in, key);
	return r < 0 ? r : EVMS_MINE;
}

/* Only for superblocks that cannot be used: the others have joined an array. */
int raid_claim(struct evms_object *in)
{
	struct raid_trouble trouble = { .reason = "raid.superblock",
					.text = "the MD superblock is damaged" };
	struct raid_super s;
	int r = raid_super_find(in, &s, &trouble);

	if (r < 0)
		return r;
	return evms_fail(in, EBADMSG, trouble.reason, "%s", trouble.text);
}

/* Equal event counts are in any order; a fixed rule makes the choice the same each time. */
static bool fresher(const struct raid_super *a, const struct raid_super *b)
{
	return a->events != b->events ? a->events > b->events : a->dev_number < b->dev_number;
}

static bool same_shape(const struct raid_super *a, const struct raid_super *b)
{
	return a->level == b->level && a->layout == b->layout && a->chunk == b->chunk &&
	       a->raid_disks == b->raid_disks &&
	       (a->features & RAID_FEATURE_RAID0_LAYOUT) ==
		       (b->features & RAID_FEATURE_RAID0_LAYOUT);
}

/* A device that is being built as the successor of another one shares its slot. */
static bool replaces(const struct raid_member *m)
{
	return m->super->features & RAID_FEATURE_REPLACEMENT;
}

static void leave_out(struct raid_member *m, uint32_t *counter)
{
	m->left_out = true;
	(*counter)++;
}

static void take_slot(struct raid_array *a, struct raid_member *m)
{
	struct raid_member *other;

	/* a crash between the writes to two members leaves a difference of one */
	if (m->role < a->raid_disks && a->fresh->events - m->super->events > 1) {
		leave_out(m, &a->stale);
		return;
	}
	if (m->role >= a->raid_disks)
		return;
	if (!same_shape(m->super, a->fresh)) {
		leave_out(m, &a->strange);
		return;
	}
	other = a->slots[m->role];
	if (other && !replaces(m) && !replaces(other)) {
		leave_out(m, &a->doubles);
		return;
	}
	if (!other || replaces(other))
		a->slots[m->role] = m;
}

static int by_slot(const void *x, const void *y)
{
	const struct raid_member *a = x, *b = y;

	if (a->role != b->role)
		return a->role < b->role ? -1 : 1;
	if (a->super->dev_number != b->super->dev_number)
		return a->super->dev_number < b->super->dev_number ? -1 : 1;
	return strcmp(evms_get_name(a->object), evms_get_name(b->object));
}

int raid_array_arrange(struct raid_array *a)
{
	uint32_t i;

	a->fresh = a->members[0].super;
	for (i = 1; i < a->count; i++)
		if (fresher(a->members[i].super, a->fresh))
			a->fresh = a->members[i].super;
	for (i = 0; i < a->count; i++)
		a->members[i].role = raid_super_role(a->fresh, a->members[i].super->dev_number);
	qsort(a->members, a->count, sizeof(*a->members), by_slot);
	a->raid_disks = a->fresh->raid_disks;
	a->slots = calloc(a->raid_disks, sizeof(struct raid_member *));
	if (!a->slots)
		return -ENOMEM;
	for (i = 0; i < a->count; i++)
		take_slot(a, &a->members[i]);
	for (i = 0; i < a->raid_disks; i++)
		a->missing += a->slots[i] == NULL;
	return 0;
}

/* Length of the UTF-8 sequence at p, 0 when it is none or a control character. */
static size_t utf8_length(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;
	size_t n, i;

	if (u[0] < 0x80)
		return u[0] >= 0x20 && u[0] != 0x7f;
	if (u[0] < 0xc2 || u[0] > 0xf4)
		return 0;
	n = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
	for (i = 1; i < n; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) ||
	    (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f))
		return 0;
	return n;
}

/* Text from the disk, with '_' for what cannot be shown or, in a name, would look like a path. */
static void clean(char *out, size_t size, const char *in, bool is_name)
{
	size_t at = 0, n;

	while (*in && at + 5 < size) {
		n = utf8_length(in);
		if (n == 0 || (is_name && *in == '/')) {
			out[at++] = '_';
			in++;
			continue;
		}
		memcpy(out + at, in, n);
		at += n;
		in += n;
	}
	out[at] = '\0';
}

void raid_array_set_names(const struct raid_array *a, char *label, char *name, size_t size)
{
	const char *colon = strchr(a->fresh->name, ':');
	char uuid[RAID_UUID_TEXT];

	clean(label, size, a->fresh->name, false);
	clean(name, size, colon ? colon + 1 : a->fresh->name, true);
	if (name[0] && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
		return;
	raid_uuid_text(a->fresh->set_uuid, uuid);
	snprintf(name, size, "md-%.8s", uuid);
}

static const char *role_text(const struct raid_array *a, const struct raid_member *m, char *buf,
			     size_t size)
{
	if (m->left_out)
		return "left-out";
	if (m->role < a->raid_disks) {
		snprintf(buf, size, "%u", m->role);
		return buf;
	}
	if (m->role == RAID_ROLE_JOURNAL)
		return "journal";
	return m->role == RAID_ROLE_FAULTY ? "faulty" : "spare";
}

/* "0=sda1 1=sdb1 spare=sdc1" */
static int set_members(const struct raid_array *a, struct evms_object *out)
{
	size_t size = 1, at = 0;
	char number[16], *text;
	uint32_t i;
	int r;

	for (i = 0; i < a->count; i++)
		size += strlen(evms_get_name(a->members[i].object)) + sizeof(number) + 2;
	text = calloc(1, size);
	if (!text)
		return -ENOMEM;
	for (i = 0; i < a->count; i++)
		at += (size_t)snprintf(text + at, size - at, "%s%s=%s", i ? " " : "",
				       role_text(a, &a->members[i], number, sizeof(number)),
				       evms_get_name(a->members[i].object));
	r = evms_set_str(out, "members", text);
	free(text);
	return r;
}

static int set_layout(const struct raid_array *a, struct evms_object *out)
{
	const struct raid_super *s = a->fresh;
	char number[16];

	if (s->level == 0 && (s->features & RAID_FEATURE_RAID0_LAYOUT))
		return evms_set_str(out, "layout", s->layout == RAID_LAYOUT_ORIGINAL ? "original" :
				    s->layout == RAID_LAYOUT_ALTERNATE ? "alternate" : "unknown");
	if (s->level != 5 && s->level != 6 && s->level != 10)
		return 0;
	snprintf(number, sizeof(number), "0x%x", s->layout);
	return evms_set_str(out, "layout", number);
}

static int set_facts(const struct raid_array *a, struct evms_object *out)
{
	const struct raid_super *s = a->fresh;
	char label[RAID_NAME_SIZE + 8], name[RAID_NAME_SIZE + 8], uuid[RAID_UUID_TEXT];
	uint64_t chunk = (uint64_t)s->chunk * RAID_SECTOR;
	uint32_t block = RAID_SECTOR, i;
	int r;

	raid_uuid_text(s->set_uuid, uuid);
	raid_array_set_names(a, label, name, sizeof(label));
	for (i = 0; i < a->count; i++)
		if (!a->members[i].left_out && evms_get_block_size(a->members[i].object) > block)
			block = evms_get_block_size(a->members[i].object);
	if ((r = evms_set_label(out, label)) < 0 || (r = evms_set_uuid(out, uuid)) < 0 ||
	    (r = evms_set_block_size(out, block)) < 0 ||
	    (r = evms_set_str(out, "level", raid_level_name(s->level))) < 0 ||
	    (r = evms_set_str(out, "metadata", raid_format_name(s->format))) < 0 ||
	    (r = evms_set_u64(out, "raid-disks", EVMS_TYPE_U64, s->raid_disks)) < 0 ||
	    (r = evms_set_u64(out, "chunk", EVMS_TYPE_SIZE, chunk)) < 0 ||
	    (r = evms_set_u64(out, "events", EVMS_TYPE_U64, s->events)) < 0 ||
	    (r = set_layout(a, out)) < 0)
		return r;
	return set_members(a, out);
}

static int note_left_out(const struct raid_array *a, struct evms_object *out)
{
	int r = 0;

	if (a->stale)
		r = evms_note(out, EVMS_STATE_DAMAGED, "raid.stale",
			      "%u member(s) left out: they were written earlier than the others",
			      a->stale);
	if (r == 0 && a->doubles)
		r = evms_note(out, EVMS_STATE_DAMAGED | EVMS_STATE_READ_ONLY, "raid.double",
			      "%u member(s) left out: another device is member of the same number; "
			      "remove the copy", a->doubles);
	if (r == 0 && a->strange)
		r = evms_note(out, EVMS_STATE_DAMAGED | EVMS_STATE_READ_ONLY, "raid.differs",
			      "%u member(s) left out: their superblocks describe another array",
			      a->strange);
	return r;
}

static int note_missing(const struct raid_array *a, struct evms_object *out)
{
	uint32_t i, first = 0;

	if (!a->missing)
		return 0;
	for (i = 0; i < a->raid_disks && a->slots[i]; i++)
		first = i + 1;
	if (a->missing <= raid_geometry_spare_disks(a))
		return evms_note(out, EVMS_STATE_DEGRADED, "raid.degraded",
				 "%u of %u members are missing, the first of them is number %u",
				 a->missing, a->raid_disks, first);
	return evms_note(out, EVMS_STATE_INCOMPLETE | EVMS_STATE_READ_ONLY, "raid.missing",
			 "%u of %u members are missing, the first of them is number %u; "
			 "add the device that holds it", a->missing, a->raid_disks, first);
}

static int note_members(const struct raid_array *a, struct evms_object *out)
{
	const struct raid_super *s;
	uint32_t i;
	int r = 0;

	for (i = 0; r == 0 && i < a->count; i++) {
		s = a->members[i].super;
		if (s->other_formats)
			r = evms_note(out, 0, "raid.others",
				      "%s also has an older MD superblock of "
				      "another version; this one was written later",
				      evms_get_name(a->members[i].object));
		if (r == 0 && (s->features & RAID_FEATURE_RECOVERY) &&
		    a->members[i].role < a->raid_disks)
			r = evms_note(out, EVMS_STATE_DEGRADED, "raid.recovering",
				      "member %u is not in sync yet", a->members[i].role);
		if (r == 0 && (s->features & RAID_FEATURE_BAD_BLOCKS))
			r = evms_note(out, EVMS_STATE_READ_ONLY, "raid.bad-blocks",
				      "%s has a list of bad blocks",
				      evms_get_name(a->members[i].object));
	}
	return r;
}

static int set_map(const struct raid_array *a, struct evms_object *out)
{
	const char *why = raid_geometry_unsupported(a);

	if (why)
		return evms_note(out, EVMS_STATE_UNSUPPORTED, "raid.unsupported", "%s", why);
	/* without all of them it is not known where the data of the others lies */
	return a->missing ? 0 : raid_geometry_map(a, out);
}

int raid_array_publish(struct raid_array *a, struct evms_object **out)
{
	char label[RAID_NAME_SIZE + 8], name[RAID_NAME_SIZE + 8];
	struct evms_object *o = NULL;
	uint32_t i;
	int r;

	raid_array_set_names(a, label, name, sizeof(label));
	r = evms_produce(a->members[0].object, name, a->sectors * RAID_SECTOR, &o);
	if (r < 0) {
		raid_array_free(a);
		return r;
	}
	r = evms_set_private(o, a);
	if (r < 0) {
		raid_array_free(a);
		evms_remove(o);
		return r;
	}
	for (i = 1; r == 0 && i < a->count; i++)
		r = evms_consume(o, a->members[i].object);
	if (r < 0 || (r = set_facts(a, o)) < 0 || (r = note_left_out(a, o)) < 0 ||
	    (r = note_missing(a, o)) < 0 || (r = note_members(a, o)) < 0 ||
	    (r = set_map(a, o)) < 0) {
		evms_remove(o);	/* releases the array, once it is the object's */
		return r;
	}
	*out = o;
	return 0;
}

static int load_member(struct raid_array *a, struct evms_object *o, struct raid_super *buf)
{
	struct raid_trouble trouble = { .reason = NULL };
	struct raid_member *m = &a->members[a->count];
	int r = raid_super_find(o, buf, &trouble);

	if (r < 0)
		return r;
	if (r != RAID_FOUND_GOOD)
		return 0;
	m->super = malloc(sizeof(*buf));
	if (!m->super)
		return -ENOMEM;
	*m->super = *buf;
	m->object = o;
	a->count++;
	return 0;
}

static int load(struct evms_members *members, struct raid_array **out)
{
	uint32_t count = evms_members_get_count(members), i;
	struct raid_array *a = raid_array_new(count);
	struct raid_super buf;
	int r = a ? 0 : -ENOMEM;

	for (i = 0; r == 0 && i < count; i++)
		r = load_member(a, evms_members_get(members, i), &buf);
	if (r == 0 && a->count == 0)
		r = -ENOENT;
	if (r == 0)
		r = raid_array_arrange(a);
	if (r < 0) {
		raid_array_free(a);
		return r;
	}
	*out = a;
	return 0;
}

int raid_assemble(struct evms_members *members)
{
	struct raid_trouble trouble = { .reason = NULL };
	struct evms_object *out, *first;
	struct raid_array *a = NULL;
	int r = load(members, &a);

	if (r < 0)
		return r;
	if (a->missing && !evms_members_is_final(members)) {
		raid_array_free(a);
		return EVMS_WAIT;
	}
	first = a->members[0].object;
	r = raid_geometry_size(a, &trouble);
	if (r < 0) {
		raid_array_free(a);
		return evms_fail(first, -r, trouble.reason, "%s", trouble.text);
	}
	return raid_array_publish(a, &out);
}
