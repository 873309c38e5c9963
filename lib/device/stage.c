/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is to be written to a device, phase by phase, and reading through it. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "device/extents.h"
#include "device/internal.h"
#include "util/check.h"

struct stage {
	struct extents phases[EVMS_PHASE_COUNT];
	struct extents_place place;	/* of extent number place_index of phase place_phase */
	uint32_t place_phase;
	size_t place_index;
	bool place_good;
};

static int stage_get(struct device *d, struct stage **out)
{
	if (!d->stage)
		d->stage = calloc(1, sizeof(*d->stage));
	*out = d->stage;
	return d->stage ? 0 : -ENOMEM;
}

static int put(struct device *d, const void *bytes, uint64_t len, uint64_t offset, uint32_t phase)
{
	struct stage *s = NULL;
	int r;

	if (phase >= EVMS_PHASE_COUNT)
		return -EINVAL;
	r = device_remember(d, offset, len);
	if (r == 0)
		r = stage_get(d, &s);
	if (r < 0 || !len)
		return r;
	s->place_good = false;
	/* What was given up before must not be wiped over what is put here. */
	if (phase < EVMS_PHASE_FINISH)
		r = extents_clear(&s->phases[EVMS_PHASE_FINISH], len, offset);
	if (r == 0 && phase != EVMS_PHASE_WIPE)
		r = extents_clear(&s->phases[EVMS_PHASE_WIPE], len, offset);
	return r < 0 ? r : extents_put(&s->phases[phase], bytes, len, offset);
}

int device_stage(struct device *d, const void *buf, size_t len, uint64_t offset, uint32_t phase)
{
	return put(d, buf, len, offset, phase);
}

int device_stage_zero(struct device *d, uint64_t offset, uint64_t len, uint32_t phase)
{
	return put(d, NULL, len, offset, phase);
}

void device_unstage(struct device *d)
{
	size_t i;

	if (!d->stage)
		return;
	for (i = 0; i < EVMS_PHASE_COUNT; i++)
		extents_free(&d->stage->phases[i]);
	free(d->stage);
	d->stage = NULL;
}

bool device_is_staged(const struct device *d)
{
	size_t i;

	for (i = 0; d->stage && i < EVMS_PHASE_COUNT; i++)
		if (d->stage->phases[i].count)
			return true;
	return false;
}

/* Copy what e has of [offset, offset + len) to its place in buf. */
static void copy_extent(const struct extent *e, unsigned char *buf, uint64_t len, uint64_t offset)
{
	uint64_t from = max_u64(e->offset, offset);
	uint64_t to = min_u64(e->offset + e->size, offset + len);

	if (e->bytes)
		memcpy(buf + (from - offset), e->bytes + (from - e->offset), (size_t)(to - from));
	else
		memset(buf + (from - offset), 0, (size_t)(to - from));
}

static void overlay_phase(const struct extents *x, void *buf, uint64_t len, uint64_t offset)
{
	struct extents_place p = extents_find(x, offset);
	const struct extent *e;

	while ((e = extents_at(x, p)) && e->offset < offset + len) {
		copy_extent(e, buf, len, offset);
		p = extents_next(x, p);
	}
}

void stage_overlay(const struct stage *s, void *buf, size_t len, uint64_t offset)
{
	size_t i;

	for (i = 0; i < EVMS_PHASE_COUNT; i++)
		overlay_phase(&s->phases[i], buf, len, offset);
}

bool stage_covers(const struct stage *s, void *buf, size_t len, uint64_t offset)
{
	const struct extent *e;
	size_t i = EVMS_PHASE_COUNT;

	while (i-- > 0) {
		e = extents_at(&s->phases[i], extents_find(&s->phases[i], offset));
		if (!e || e->offset > offset || !range_fits(offset - e->offset, len, e->size))
			continue;
		copy_extent(e, buf, len, offset);
		while (++i < EVMS_PHASE_COUNT)
			overlay_phase(&s->phases[i], buf, len, offset);
		return true;
	}
	return false;
}

static bool stage_has(const struct stage *s, uint64_t len, uint64_t offset, bool zeros)
{
	struct extents_place p;
	const struct extent *e;
	size_t i;

	for (i = 0; s && i < EVMS_PHASE_COUNT; i++) {
		p = extents_find(&s->phases[i], offset);
		while ((e = extents_at(&s->phases[i], p)) && e->offset < offset + len) {
			if (e->bytes || zeros)
				return true;
			p = extents_next(&s->phases[i], p);
		}
	}
	return false;
}

bool stage_has_bytes(const struct stage *s, uint64_t len, uint64_t offset)
{
	return stage_has(s, len, offset, false);
}

bool stage_has_any(const struct stage *s, uint64_t len, uint64_t offset)
{
	return stage_has(s, len, offset, true);
}

static struct device_extent describe(const struct extent *e, uint32_t phase)
{
	struct device_extent out = {
		.offset = e->offset, .size = e->size, .phase = phase, .bytes = e->bytes,
	};

	return out;
}

size_t device_extent_count(const struct device *d)
{
	struct stage *s = d->stage;
	size_t i, n = 0;

	for (i = 0; s && i < EVMS_PHASE_COUNT; i++) {
		if (s->phases[i].apart)
			s->place_good = false;
		extents_join(&s->phases[i]);
		n += s->phases[i].count;
	}
	return n;
}

/* The place of extent number i of a phase; the next one after the last asked for costs nothing. */
static struct extents_place seek(struct stage *s, uint32_t phase, size_t i)
{
	const struct extents *x = &s->phases[phase];
	struct extents_place p = { .chunk = 0 };
	size_t left = i;

	if (s->place_good && s->place_phase == phase &&
	    (s->place_index == i || s->place_index + 1 == i)) {
		p = s->place_index == i ? s->place : extents_next(x, s->place);
	} else {
		while (left >= x->chunks.at[p.chunk]->count)
			left -= x->chunks.at[p.chunk++]->count;
		p.at = left;
	}
	s->place = p;
	s->place_phase = phase;
	s->place_index = i;
	s->place_good = true;
	return p;
}

struct device_extent device_extent(const struct device *d, size_t i)
{
	struct device_extent none = { .offset = 0 };
	struct stage *s = d->stage;
	uint32_t phase;

	if (i >= device_extent_count(d))
		return none;
	for (phase = 0; i >= s->phases[phase].count; phase++)
		i -= s->phases[phase].count;
	return describe(extents_at(&s->phases[phase], seek(s, phase, i)), phase);
}

int stage_walk(struct stage *s, uint32_t phase,
	       int (*write)(void *user, const struct device_extent *e), void *user)
{
	struct extents_place p = { .chunk = 0 };
	struct device_extent out;
	struct extents *x;
	const struct extent *e;
	int r = 0;

	if (!s || phase >= EVMS_PHASE_COUNT)
		return 0;
	x = &s->phases[phase];
	s->place_good = false;
	extents_join(x);
	while (r == 0 && (e = extents_at(x, p))) {
		out = describe(e, phase);
		r = write(user, &out);
		p = extents_next(x, p);
	}
	return r;
}
