/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Create, remove and rename arrays, and stage their superblocks. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "raid.h"

#define MIN_MEMBERS	2u
#define MIN_MAX_DEV	128u		/* slots that a superblock of one 512-byte sector has */
#define MIB_SECTORS	2048u
#define HEADROOM	262144u		/* 128 MiB, kept free for a later reshape */
#define OLD_SIGNATURES	(128u * 1024)	/* no known signature lies further in */
#define MEMBER_KINDS	(EVMS_KIND_DISK | EVMS_KIND_PARTITION | EVMS_KIND_REGION | \
			 EVMS_KIND_FEATURE)

const struct evms_option raid_options[] = {
	{ .name = "level",
	  .help = "how data is spread over the members",
	  .type = EVMS_TYPE_CHOICE,
	  .choices = "raid0|linear",
	  .fallback = "raid0",
	  .ops = EVMS_OP_BIT(EVMS_OP_CREATE) },
	{ .name = "metadata",
	  .help = "version of the MD superblock",
	  .type = EVMS_TYPE_CHOICE,
	  .choices = "1.0|1.1|1.2",
	  .fallback = "1.2",
	  .ops = EVMS_OP_BIT(EVMS_OP_CREATE) },
	{ .name = "chunk",
	  .help = "bytes on one member before the next one is used, a multiple of 4 KiB "
		  "(linear: sizes are rounded down to it, as a rule not at all)",
	  .type = EVMS_TYPE_SIZE,
	  .fallback = "512KiB",
	  .min = 4096,
	  .max = 1 << 30,
	  .ops = EVMS_OP_BIT(EVMS_OP_CREATE) },
	{ .name = "name",
	  .help = "name of the array, as NAME or HOST:NAME",
	  .type = EVMS_TYPE_STR,
	  .min = 1,
	  .max = RAID_NAME_SIZE,
	  .ops = EVMS_OP_BIT(EVMS_OP_CREATE) | EVMS_OP_BIT(EVMS_OP_RENAME) },
	{ .name = NULL }
};

/* What a create task asks for. */
struct wish {
	enum raid_format format;
	int32_t level;
	uint32_t chunk;		/* sectors */
	const char *name;
};

static uint64_t round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

static int get_wish(const struct evms_task *task, struct wish *w)
{
	const char *metadata = evms_task_get_str(task, "metadata");
	const char *level = evms_task_get_str(task, "level");
	uint64_t chunk = evms_task_get_u64(task, "chunk");
	const char *name = evms_task_get_str(task, "name");

	w->format = !metadata || strcmp(metadata, "1.2") == 0 ? RAID_FORMAT_1_2 :
		    strcmp(metadata, "1.1") == 0 ? RAID_FORMAT_1_1 : RAID_FORMAT_1_0;
	w->level = level && strcmp(level, "linear") == 0 ? RAID_LEVEL_LINEAR : 0;
	w->name = name ? name : "";
	if (w->level == RAID_LEVEL_LINEAR && !evms_task_has(task, "chunk"))
		chunk = 0;
	if (chunk % 4096 || chunk > 1 << 30)
		return evms_task_fail(task, EINVAL, "raid.chunk",
				      "the chunk must be a multiple of 4 KiB, up to 1 GiB");
	w->chunk = (uint32_t)(chunk / RAID_SECTOR);
	return 0;
}

static uint64_t bitmap_space(uint64_t sectors)
{
	if (sectors < 128)
		return 0;
	if (sectors > UINT64_C(200) * 1024 * MIB_SECTORS)
		return 256;
	return sectors > UINT64_C(8) * 1024 * MIB_SECTORS ? 128 : 8;
}

/* Where data begins: as mdadm chooses, so that a later change of the level finds its room. */
static uint64_t choose_data_offset(const struct wish *w, uint64_t sectors)
{
	uint64_t headroom = HEADROOM;

	if (w->format == RAID_FORMAT_1_0)
		return 0;
	while (headroom * 1024 > sectors && headroom > 2 * (uint64_t)w->chunk)
		headroom /= 2;
	return round_up(12 * 2 + bitmap_space(sectors) + headroom, MIB_SECTORS);
}

/* Sectors for data on a member of this size; 0 when it is too small. */
static uint64_t data_sectors(const struct wish *w, uint64_t bytes, uint64_t data_offset)
{
	uint64_t end = bytes / RAID_SECTOR, size;

	if (w->format == RAID_FORMAT_1_0) {
		end = raid_super_position(w->format, bytes);
		if (end == UINT64_MAX)
			return 0;
		end /= RAID_SECTOR;
		end -= 8;	/* the bad-block log; a position is never below 8 sectors */
	}
	if (end <= data_offset)
		return 0;
	size = (end - data_offset) & ~UINT64_C(7);
	return size < w->chunk ? 0 : size;
}

int raid_acceptable(struct evms_task *task, struct evms_object *in)
{
	struct wish w;
	int r;

	if (evms_task_get_op(task) != EVMS_OP_CREATE)
		return 0;
	if (!(evms_get_kind(in) & MEMBER_KINDS))
		return evms_task_fail(
			task, EINVAL, "raid.kind",
			"an array is made of disks, partitions, regions and feature objects");
	if (evms_get_state(in) & EVMS_STATE_READ_ONLY)
		return evms_task_fail(task, EROFS, "raid.read-only", "%s cannot be written",
				      evms_get_name(in));
	r = get_wish(task, &w);
	if (r < 0)
		return r;
	if (!data_sectors(&w, evms_get_size(in),
			  choose_data_offset(&w, evms_get_size(in) / RAID_SECTOR)))
		return evms_task_fail(task, ENOSPC, "raid.small",
				      "%s is too small for a member of this array",
				      evms_get_name(in));
	return 0;
}

/* Names that the next discovery would show in another form are refused. */
static int check_name(const struct evms_task *task, const char *name)
{
	const unsigned char *p;

	for (p = (const unsigned char *)name; *p; p++)
		if (*p < 0x20 || *p == 0x7f || *p == '/')
			break;
	if (*p || strlen(name) > RAID_NAME_SIZE)
		return evms_task_fail(task, EINVAL, "raid.name",
				      "a name has up to %u bytes, without '/' "
				      "and control characters; \"%s\" has not",
				      RAID_NAME_SIZE, name);
	return 0;
}

static int check_inputs(struct evms_task *task, uint64_t *smallest)
{
	uint32_t n = evms_task_get_input_count(task), i, j;
	struct evms_object *in;
	int r;

	if (n < MIN_MEMBERS || n > RAID_MAX_DEV)
		return evms_task_fail(task, EINVAL, "raid.members",
				      "an array has %u to %u members, not %u", MIN_MEMBERS,
				      RAID_MAX_DEV, n);
	*smallest = UINT64_MAX;
	for (i = 0; i < n; i++) {
		in = evms_task_get_input(task, i);
		r = raid_acceptable(task, in);
		if (r < 0)
			return r;
		for (j = 0; j < i; j++)
			if (evms_task_get_input(task, j) == in)
				return evms_task_fail(task, EINVAL, "raid.twice",
						      "%s is given twice", evms_get_name(in));
		if (evms_get_size(in) < *smallest)
			*smallest = evms_get_size(in);
	}
	return 0;
}

static int new_super(const struct wish *w, struct raid_member *m, const struct raid_super *pattern)
{
	struct raid_super *s = malloc(sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	m->super = s;
	*s = *pattern;
	r = evms_random(s->device_uuid, sizeof(s->device_uuid));
	if (r < 0)
		return r;
	s->position = raid_super_position(w->format, evms_get_size(m->object));
	s->data_size = data_sectors(w, evms_get_size(m->object), s->data_offset);
	return s->data_size ? 0 : -ENOSPC;
}

static int fill_pattern(const struct evms_task *task, const struct wish *w, uint64_t smallest,
			struct raid_super *s)
{
	uint32_t n = evms_task_get_input_count(task);

	memset(s, 0, sizeof(*s));
	s->format = w->format;
	s->created = (uint64_t)time(NULL) << 24;
	s->level = w->level;
	s->chunk = w->chunk;
	s->raid_disks = n;
	s->data_offset = choose_data_offset(w, smallest / RAID_SECTOR);
	s->max_dev = MIN_MAX_DEV;
	if (n > MIN_MAX_DEV)
		s->max_dev += (uint32_t)round_up(n - MIN_MAX_DEV, 256);
	if (s->max_dev > RAID_MAX_DEV)
		s->max_dev = RAID_MAX_DEV;
	memcpy(s->name, w->name, strlen(w->name));
	return evms_random(s->set_uuid, sizeof(s->set_uuid));
}

static int fill_members(struct evms_task *task, const struct wish *w, uint64_t smallest,
			struct raid_array *a)
{
	uint32_t n = evms_task_get_input_count(task), i;
	struct raid_super pattern;
	struct raid_member *m;
	int r = fill_pattern(task, w, smallest, &pattern);

	raid_super_set_roles(&pattern, n);
	for (i = 0; r == 0 && i < n; i++) {
		m = &a->members[i];
		m->object = evms_task_get_input(task, i);
		a->count = i + 1;
		pattern.dev_number = i;
		r = new_super(w, m, &pattern);
		if (r == -ENOSPC)
			r = evms_task_fail(task, ENOSPC, "raid.small",
					   "%s is too small for a member of this array",
					   evms_get_name(m->object));
	}
	return r;
}

/* Kernels since 5.4 want to be told how members of different sizes are used. */
static void settle_layout(struct raid_array *a)
{
	bool equal = true;
	uint32_t i;

	for (i = 1; i < a->count; i++)
		equal = equal && a->members[i].length == a->members[0].length;
	for (i = 0; i < a->count; i++) {
		if (!equal && a->fresh->level == 0) {
			a->members[i].super->features |= RAID_FEATURE_RAID0_LAYOUT;
			a->members[i].super->layout = RAID_LAYOUT_ALTERNATE;
		}
		raid_super_store(a->members[i].super);
	}
}

static int zero(struct evms_object *o, uint64_t from, uint64_t to)
{
	return from < to ? evms_zero(o, from, to - from, EVMS_PHASE_WIPE) : 0;
}

/*
 * Superblocks of other versions, found by their magic in either byte order. Their places are left
 * alone when nothing is there: some of them lie among the data of the new array.
 */
static int wipe_supers(struct evms_object *o, int keep)
{
	static const uint8_t magic[4] = { 0xfc, 0x4e, 0x2b, 0xa9 };
	static const uint8_t swapped[4] = { 0xa9, 0x2b, 0x4e, 0xfc };
	uint8_t here[4];
	uint64_t at;
	int i, r;

	for (i = 0; i < RAID_FORMAT_COUNT; i++) {
		at = raid_super_position((enum raid_format)i, evms_get_size(o));
		if (i == keep || at == UINT64_MAX)
			continue;
		r = evms_read(o, here, sizeof(here), at);
		if (r == 0 && (memcmp(here, magic, 4) == 0 || memcmp(here, swapped, 4) == 0))
			r = zero(o, at, at + RAID_SUPER_SIZE);
		if (r < 0)
			return r;
	}
	return 0;
}

/* What lies around the new superblock, where no data of the array will be. */
static int wipe_old(const struct raid_member *m)
{
	const struct raid_super *s = m->super;
	uint64_t end = s->data_offset * RAID_SECTOR;
	int r = wipe_supers(m->object, (int)s->format);

	if (end > OLD_SIGNATURES)
		end = OLD_SIGNATURES;
	if (r < 0 || s->format == RAID_FORMAT_1_0)
		return r;
	r = zero(m->object, 0, s->position);
	return r < 0 ? r : zero(m->object, s->position + RAID_SUPER_SIZE, end);
}

int raid_create(struct evms_task *task)
{
	struct raid_trouble trouble = { .reason = NULL };
	struct evms_object *out = NULL;
	struct raid_array *a;
	uint64_t smallest = 0;
	struct wish w;
	uint32_t i;
	int r;

	if ((r = get_wish(task, &w)) < 0 || (r = check_name(task, w.name)) < 0 ||
	    (r = check_inputs(task, &smallest)) < 0)
		return r;
	a = raid_array_new(evms_task_get_input_count(task));
	if (!a)
		return -ENOMEM;
	if ((r = fill_members(task, &w, smallest, a)) < 0 || (r = raid_array_arrange(a)) < 0) {
		raid_array_free(a);
		return r;
	}
	r = raid_geometry_size(a, &trouble);
	if (r < 0) {
		raid_array_free(a);
		return evms_task_fail(task, EINVAL, trouble.reason, "%s", trouble.text);
	}
	settle_layout(a);
	r = raid_array_publish(a, &out);
	for (i = 0; r == 0 && i < a->count; i++)
		r = wipe_old(&a->members[i]);
	if (r == 0)
		r = evms_mark_dirty(out);
	if (r < 0 && out)
		evms_remove(out);
	return r;
}

int raid_remove(struct evms_task *task)
{
	struct evms_object *out = evms_task_get_input(task, 0);
	struct raid_array *a = evms_get_private(out);
	uint32_t i;
	int r = 0;

	if (!a)
		return evms_task_fail(task, EINVAL, "raid.object", "%s is no array",
				      evms_get_name(out));
	for (i = 0; r == 0 && i < a->count; i++)
		r = wipe_supers(a->members[i].object, -1);
	return r < 0 ? r : evms_remove(out);
}

/* The host part of the old name stays, unless the new name brings its own or there is no room. */
static void join_name(const char *old, const char *name, char out[RAID_NAME_SIZE + 1])
{
	const char *colon = strchr(old, ':');
	size_t host = colon ? (size_t)(colon - old) + 1 : 0;

	memset(out, 0, RAID_NAME_SIZE + 1);
	if (strchr(name, ':') || host + strlen(name) > RAID_NAME_SIZE)
		host = 0;
	memcpy(out, old, host);
	memcpy(out + host, name, strlen(name));
}

static int can_rename(struct evms_task *task, const struct raid_array *a)
{
	if (a->fresh->format == RAID_FORMAT_0_90)
		return evms_task_fail(task, ENOTSUP, "raid.name",
				      "arrays of metadata 0.90 have no name");
	if (a->missing || a->stale || a->doubles || a->strange)
		return evms_task_fail(
			task, EBUSY, "raid.missing",
			"the name is stored on every member, and some are missing or left out");
	return 0;
}

int raid_rename(struct evms_task *task)
{
	char label[RAID_NAME_SIZE + 8], name[RAID_NAME_SIZE + 8], full[RAID_NAME_SIZE + 1];
	char before[RAID_NAME_SIZE + 1];
	struct evms_object *out = evms_task_get_input(task, 0);
	struct raid_array *a = evms_get_private(out);
	const char *wanted = evms_task_get_str(task, "name");
	uint32_t i;
	int r;

	if (!a || !wanted)
		return evms_task_fail(task, EINVAL, "raid.name",
				      "the new name is missing: set the option name");
	if ((r = check_name(task, wanted)) < 0 || (r = can_rename(task, a)) < 0)
		return r;
	memcpy(before, a->fresh->name, sizeof(before));
	join_name(before, wanted, full);
	for (i = 0; i < a->count; i++)
		memcpy(a->members[i].super->name, full, sizeof(full));
	raid_array_set_names(a, label, name, sizeof(label));
	if ((r = evms_set_name(out, name)) == 0 && (r = evms_set_label(out, label)) == 0)
		return evms_mark_dirty(out);
	for (i = 0; i < a->count; i++)
		memcpy(a->members[i].super->name, before, sizeof(before));
	return r;
}

/*
 * The event count stays as it is: the name is the same question on every member, and a crash
 * between two of these writes must not make a member look older than the others.
 */
int raid_write(struct evms_object *out)
{
	struct raid_array *a = evms_get_private(out);
	struct raid_member *m;
	uint32_t i;
	int r = 0;

	for (i = 0; a && r == 0 && i < a->count; i++) {
		m = &a->members[i];
		if (m->left_out || m->super->format == RAID_FORMAT_0_90)
			continue;
		raid_super_store(m->super);
		r = evms_write(m->object, m->super->raw, RAID_SUPER_SIZE, m->super->position,
			       EVMS_PHASE_PRIMARY);
	}
	return r;
}
