/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes of objects while planning: through the maps down to the devices and what is staged on them. */
#include <errno.h>
#include <inttypes.h>
#include "model/model.h"
#include "util/check.h"

/* Maps never go deeper in earnest; hostile metadata could tie a knot. */
#define DEPTH_MAX	64

struct walk {
	int (*piece)(struct walk *w, struct device *d, uint64_t offset, uint64_t len);
	int (*nothing)(struct walk *w, const struct map_target *t, uint64_t len);
	char *buf;			/* moves on with each piece */
	uint32_t phase;
	object_extent_fn fn;
	void *user;
};

static int walk(struct walk *w, struct evms_object *o, uint64_t offset, uint64_t len, unsigned depth);

static const struct map_target *find_target(const struct evms_object *o, uint64_t offset)
{
	size_t low = 0, high = o->map.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct map_target *t = &o->map.at[middle];

		if (t->offset + t->size <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low < o->map.count ? &o->map.at[low] : NULL;
}

static int walk_striped(struct walk *w, const struct map_target *t, uint64_t offset, uint64_t len,
			unsigned depth)
{
	const struct map_leg *legs = map_legs(t);
	int r = 0;

	while (len && r == 0) {
		uint64_t chunk = offset / t->chunk, rest = offset % t->chunk;
		uint64_t piece = min_u64(len, t->chunk - rest);
		const struct map_leg *leg = &legs[chunk % t->n];

		r = walk(w, leg->input, leg->offset + chunk / t->n * t->chunk + rest, piece, depth);
		offset += piece;
		len -= piece;
	}
	return r;
}

static int walk_map(struct walk *w, struct evms_object *o, uint64_t offset, uint64_t len,
		    unsigned depth)
{
	int r = 0;

	while (len && r == 0) {
		const struct map_target *t = find_target(o, offset);
		uint64_t at, piece;

		if (!t || offset < t->offset)
			return -ENOTSUP;
		at = offset - t->offset;
		piece = min_u64(len, t->size - at);
		if (t->target == target_linear)
			r = walk(w, t->one.input, t->one.offset + at, piece, depth);
		else if (t->target == target_striped)
			r = walk_striped(w, t, at, piece, depth);
		else
			r = w->nothing(w, t, piece);
		offset += piece;
		len -= piece;
	}
	return r;
}

static int walk(struct walk *w, struct evms_object *o, uint64_t offset, uint64_t len, unsigned depth)
{
	if (depth > DEPTH_MAX)
		return -ELOOP;
	if (!range_fits(offset, len, o->size))
		return -ERANGE;
	if (o->disk)
		return w->piece(w, o->disk->device, offset, len);
	if (o->kind & (EVMS_KIND_FREE | EVMS_KIND_METADATA) && o->parent && o->parent->disk)
		return walk(w, o->parent, o->offset + offset, len, depth + 1);
	return walk_map(w, o, offset, len, depth + 1);
}

static int read_piece(struct walk *w, struct device *d, uint64_t offset, uint64_t len)
{
	int r = device_read(d, w->buf, (size_t)len, offset);

	w->buf += len;
	return r;
}

static int read_nothing(struct walk *w, const struct map_target *t, uint64_t len)
{
	if (t->target != target_zero)
		return t->target == target_error ? -EIO : -ENOTSUP;
	memset(w->buf, 0, (size_t)len);
	w->buf += len;
	return 0;
}

int object_read(struct evms_object *o, void *buf, size_t len, uint64_t offset)
{
	struct walk w = { .piece = read_piece, .nothing = read_nothing, .buf = buf };

	return walk(&w, o, offset, len, 0);
}

static int stage_piece(struct walk *w, struct device *d, uint64_t offset, uint64_t len)
{
	int r = device_stage(d, w->buf, (size_t)len, offset, w->phase);

	w->buf += len;
	return r;
}

static int stage_zero_piece(struct walk *w, struct device *d, uint64_t offset, uint64_t len)
{
	return device_stage_zero(d, offset, len, w->phase);
}

static int stage_nothing(struct walk *w, const struct map_target *t, uint64_t len)
{
	if (t->target != target_zero)
		return t->target == target_error ? -EIO : -ENOTSUP;
	w->buf += w->buf ? len : 0;
	return 0;
}

int object_stage(struct evms_object *o, const void *buf, size_t len, uint64_t offset, uint32_t phase)
{
	struct walk w = { .piece = stage_piece, .nothing = stage_nothing,
			  .buf = (char *)(uintptr_t)buf, .phase = phase };

	return walk(&w, o, offset, len, 0);
}

int object_stage_zero(struct evms_object *o, uint64_t offset, uint64_t len, uint32_t phase)
{
	struct walk w = { .piece = stage_zero_piece, .nothing = stage_nothing, .phase = phase };

	return walk(&w, o, offset, len, 0);
}

static int extent_piece(struct walk *w, struct device *d, uint64_t offset, uint64_t len)
{
	return w->fn(w->user, d, offset, len);
}

static int extent_nothing(struct walk *w, const struct map_target *t, uint64_t len)
{
	(void)w, (void)t, (void)len;
	return 0;
}

int object_extents(struct evms_object *o, uint64_t offset, uint64_t len, object_extent_fn fn,
		   void *user)
{
	struct walk w = { .piece = extent_piece, .nothing = extent_nothing, .fn = fn, .user = user };

	return walk(&w, o, offset, len, 0);
}

struct wiping {
	struct model *model;
	uint32_t phase;
};

static int wipe_extent(void *user, struct device *device, uint64_t offset, uint64_t len)
{
	struct wiping *w = user;
	struct wipe wipe = { device, offset, len, w->phase };

	return vec_push(&w->model->wipes, wipe) ? 0 : -ENOMEM;
}

int object_wipe(struct evms_object *o, uint64_t offset, uint64_t len, uint32_t phase)
{
	struct wiping w = { o->model, phase };

	o->model->generation++;
	return object_extents(o, offset, len, wipe_extent, &w);
}

static int first_device(void *user, struct device *device, uint64_t offset, uint64_t len)
{
	struct device **out = user;

	(void)offset, (void)len;
	if (!*out)
		*out = device;
	return 0;
}

struct device *object_device(struct evms_object *o)
{
	struct device *d = NULL;

	if (o->size)
		object_extents(o, 0, 1, first_device, &d);
	return d;
}
