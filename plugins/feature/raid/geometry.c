/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the data of an array lies: sizes of all levels, the maps of linear and raid0. */
#include <stdlib.h>
#include "raid.h"

/* A run of chunks that goes round over the same members. */
struct zone {
	uint64_t start;			/* sectors from the start of the array */
	uint64_t size;			/* sectors, cut at the end of the array */
	uint64_t member_start;		/* sectors from the start of each member's data */
	uint32_t width;
	struct evms_object **inputs;	/* [width], the one that has the first chunk first */
	uint64_t *offsets;		/* [width], bytes in the inputs */
};

const char *raid_level_name(int32_t level)
{
	switch (level) {
	case RAID_LEVEL_MULTIPATH:
		return "multipath";
	case RAID_LEVEL_LINEAR:
		return "linear";
	case 0:
		return "raid0";
	case 1:
		return "raid1";
	case 4:
		return "raid4";
	case 5:
		return "raid5";
	case 6:
		return "raid6";
	case 10:
		return "raid10";
	default:
		return "unknown";
	}
}

static int refuse(struct raid_trouble *t, const char *reason, const char *text)
{
	t->reason = reason;
	t->text = text;
	return -EBADMSG;
}

static uint32_t near_copies(const struct raid_super *s)
{
	return s->layout & 0xff;
}

static uint32_t far_copies(const struct raid_super *s)
{
	return s->layout >> 8 & 0xff;
}

uint32_t raid_geometry_spare_disks(const struct raid_array *a)
{
	switch (a->fresh->level) {
	case RAID_LEVEL_MULTIPATH:
	case 1:
		return a->raid_disks - 1;
	case 4:
	case 5:
		return 1;
	case 6:
		return 2;
	case 10:
		return near_copies(a->fresh) * far_copies(a->fresh) - 1;
	default:
		return 0;
	}
}

static bool power_of_two(uint32_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

static bool raid0_has_layout(const struct raid_super *s)
{
	return (s->features & RAID_FEATURE_RAID0_LAYOUT) &&
	       (s->layout == RAID_LAYOUT_ORIGINAL || s->layout == RAID_LAYOUT_ALTERNATE);
}

static bool unequal(const struct raid_array *a)
{
	uint64_t length = 0;
	uint32_t i;

	for (i = 0; i < a->raid_disks; i++) {
		if (!a->slots[i])
			continue;
		if (length && a->slots[i]->length != length)
			return true;
		length = a->slots[i]->length;
	}
	return false;
}

/* Linear and raid0: whole chunks of every member. */
static int size_concatenated(struct raid_array *a, struct raid_trouble *t)
{
	const struct raid_super *s = a->fresh;
	struct raid_member *m;
	uint64_t part;
	uint32_t i;

	if (s->level == 0 && s->chunk < RAID_MIN_CHUNK)
		return refuse(t, "raid.chunk", "the chunk size of the array is below 4 KiB");
	for (i = 0; i < a->raid_disks; i++) {
		m = a->slots[i];
		if (!m)
			continue;
		m->length = m->super->data_size;
		if (s->chunk)
			m->length -= m->length % s->chunk;
		if (m->length == 0)
			return refuse(t, "raid.chunk",
				      "a member of the array is smaller than its chunk");
		part = m->length;
		/* MD masks with chunk - 1 here also when the chunk is no power of two */
		if (s->level == 0)
			part &= ~((uint64_t)s->chunk - 1);
		if (m->length > RAID_MAX_SECTORS - a->sectors)
			return refuse(t, "raid.size",
				      "the members of the array add up to an impossible size");
		a->sectors += part;
	}
	return 0;
}

static int check_component(const struct raid_array *a, struct raid_trouble *t)
{
	const struct raid_super *s = a->fresh;
	uint32_t i;

	if (s->size == 0 || s->size > RAID_MAX_SECTORS / RAID_MAX_DEV)
		return refuse(t, "raid.size", "the MD superblock gives an impossible member size");
	for (i = 0; i < a->raid_disks; i++)
		if (a->slots[i] && a->slots[i]->super->data_size < s->size)
			return refuse(t, "raid.size",
				      "the array uses more of a member than there is of it");
	return 0;
}

/* The smaller one of the shapes before and after a reshape: MD shows no more until it is done. */
static int data_disks(const struct raid_array *a, uint32_t parity, uint64_t *out,
		      struct raid_trouble *t)
{
	const struct raid_super *s = a->fresh;
	int64_t n = s->raid_disks;

	if ((s->features & RAID_FEATURE_RESHAPE) && s->delta_disks > 0)
		n -= s->delta_disks;
	if (n <= (int64_t)parity)
		return refuse(t, "raid.disks", "the array has fewer devices than its level needs");
	*out = (uint64_t)n - parity;
	return 0;
}

static int size_parity(struct raid_array *a, struct raid_trouble *t)
{
	const struct raid_super *s = a->fresh;
	uint64_t n = 0;
	int r = data_disks(a, s->level == 6 ? 2 : 1, &n, t);

	if (r < 0)
		return r;
	a->sectors = (s->size & ~((uint64_t)s->chunk - 1)) * n;
	return 0;
}

static int size_raid10(struct raid_array *a, struct raid_trouble *t)
{
	const struct raid_super *s = a->fresh;
	uint64_t n = 0;
	int r = data_disks(a, 0, &n, t);

	if (r < 0)
		return r;
	if (!near_copies(s) || !far_copies(s) || s->layout >> 19 ||
	    near_copies(s) * far_copies(s) > n)
		return refuse(t, "raid.layout", "the layout of the array is impossible");
	a->sectors = s->size / s->chunk / far_copies(s) * n / near_copies(s) * s->chunk;
	return 0;
}

static int size_redundant(struct raid_array *a, struct raid_trouble *t)
{
	const struct raid_super *s = a->fresh;
	int r = check_component(a, t);

	if (r < 0)
		return r;
	if (s->level == 1 || s->level == RAID_LEVEL_MULTIPATH) {
		a->sectors = s->size;
		return 0;
	}
	if (s->chunk < RAID_MIN_CHUNK || !power_of_two(s->chunk))
		return refuse(t, "raid.chunk", "the chunk size of the array is impossible");
	return s->level == 10 ? size_raid10(a, t) : size_parity(a, t);
}

int raid_geometry_size(struct raid_array *a, struct raid_trouble *t)
{
	int r;

	a->sectors = 0;
	switch (a->fresh->level) {
	case RAID_LEVEL_LINEAR:
	case 0:
		r = size_concatenated(a, t);
		break;
	case RAID_LEVEL_MULTIPATH:
	case 1:
	case 4:
	case 5:
	case 6:
	case 10:
		r = size_redundant(a, t);
		break;
	default:
		return refuse(t, "raid.level", "the array is of an unknown level");
	}
	if (r == 0 && a->sectors == 0)
		r = refuse(t, "raid.size", "the array has no room for data");
	return r;
}

/* Are the data areas made of whole logical blocks of their devices? */
static bool aligned(const struct raid_array *a)
{
	const struct raid_member *m;
	uint32_t i, block;

	for (i = 0; i < a->raid_disks; i++) {
		m = a->slots[i];
		if (!m)
			continue;
		block = evms_get_block_size(m->object) / RAID_SECTOR;
		if (m->super->data_offset % block || m->length % block ||
		    (a->fresh->level == 0 && a->fresh->chunk % block))
			return false;
	}
	return true;
}

const char *raid_geometry_unsupported(const struct raid_array *a)
{
	const struct raid_super *s = a->fresh;

	if (s->level != RAID_LEVEL_LINEAR && s->level != 0)
		return "redundant levels cannot be opened by this version";
	if (s->features & ~RAID_FEATURE_KNOWN)
		return "the array uses features that this version does not know";
	if (s->features & RAID_FEATURE_RESHAPE)
		return "the array is being reshaped; let mdadm finish that first";
	if (s->level == 0 && unequal(a) && !raid0_has_layout(s))
		return "the members are of different sizes and the superblock does not say which "
		       "of the two raid0 layouts was used; set it with mdadm --assemble "
		       "--update=layout-original or layout-alternate";
	if (!aligned(a))
		return "the data areas are not made of whole logical blocks of their devices";
	return NULL;
}

static uint64_t data_start(const struct raid_member *m)
{
	return m->super->data_offset * RAID_SECTOR;
}

static int map_linear(const struct raid_array *a, struct evms_object *out)
{
	uint64_t at = 0, len;
	uint32_t i;
	int r;

	for (i = 0; i < a->raid_disks; i++) {
		len = a->slots[i]->length * RAID_SECTOR;
		r = evms_map(out, at, a->slots[i]->object, data_start(a->slots[i]), len);
		if (r < 0)
			return r;
		at += len;
	}
	return 0;
}

/* Whole rows are one striped stretch; chunks of a last row that is cut short are mapped singly. */
static int map_zone(const struct zone *z, struct evms_object *out, uint32_t chunk)
{
	uint64_t rows = z->size / ((uint64_t)chunk * z->width);
	uint64_t done = rows * chunk * z->width, len;
	uint32_t i;
	int r = 0;

	if (z->width == 1)
		return evms_map(out, z->start * RAID_SECTOR, z->inputs[0], z->offsets[0],
				z->size * RAID_SECTOR);
	if (rows)
		r = evms_map_striped(out, z->start * RAID_SECTOR, done * RAID_SECTOR,
				     (uint64_t)chunk * RAID_SECTOR, z->width, z->inputs,
				     z->offsets);
	for (i = 0; r == 0 && done < z->size; i++) {
		len = z->size - done < chunk ? z->size - done : chunk;
		r = evms_map(out, (z->start + done) * RAID_SECTOR, z->inputs[i],
			     z->offsets[i] + rows * chunk * RAID_SECTOR, len * RAID_SECTOR);
		done += len;
	}
	return r;
}

/* The members that reach beyond z->member_start make a zone as long as the shortest of them. */
static void collect_zone(const struct raid_array *a, struct zone *z, uint64_t *end)
{
	const struct raid_member *m;
	uint64_t shift = 0;
	uint32_t i, n = 0, at;

	*end = UINT64_MAX;
	for (i = 0; i < a->raid_disks; i++) {
		if (a->slots[i]->length <= z->member_start)
			continue;
		n++;
		if (a->slots[i]->length < *end)
			*end = a->slots[i]->length;
	}
	z->width = n;
	/* the original layout counts chunks from the start of the array: any member may be first */
	if (n && a->fresh->layout == RAID_LAYOUT_ORIGINAL)
		shift = z->start / a->fresh->chunk % n;
	for (i = 0, at = 0; i < a->raid_disks; i++) {
		m = a->slots[i];
		if (m->length <= z->member_start)
			continue;
		z->inputs[(at + n - shift) % n] = m->object;
		z->offsets[(at + n - shift) % n] = data_start(m) + z->member_start * RAID_SECTOR;
		at++;
	}
}

static int map_zones(const struct raid_array *a, struct evms_object *out, struct zone *z)
{
	uint64_t end, left;
	int r;

	/* every round uses up the shortest member that is left */
	while (z->start < a->sectors) {
		collect_zone(a, z, &end);
		if (z->width == 0)
			return -EPROTO;
		left = a->sectors - z->start;
		z->size = (end - z->member_start) * z->width;
		if (z->size > left)
			z->size = left;
		r = map_zone(z, out, a->fresh->chunk);
		if (r < 0)
			return r;
		z->start += z->size;
		z->member_start = end;
	}
	return 0;
}

static int map_raid0(const struct raid_array *a, struct evms_object *out)
{
	struct zone z = { .start = 0 };
	int r = -ENOMEM;

	z.inputs = calloc(a->raid_disks, sizeof(struct evms_object *));
	z.offsets = calloc(a->raid_disks, sizeof(uint64_t));
	if (z.inputs && z.offsets)
		r = map_zones(a, out, &z);
	free(z.inputs);
	free(z.offsets);
	return r;
}

int raid_geometry_map(const struct raid_array *a, struct evms_object *out)
{
	return a->fresh->level == 0 ? map_raid0(a, out) : map_linear(a, out);
}
