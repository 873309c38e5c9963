/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Free extents of a physical volume: holes sorted by start, in chunks of bounded size, so that a change
 * moves little and a search skips what is too small. No recursion, no balance that a disk could upset.
 */
#include <stdlib.h>
#include "lvm2.h"

#define CHUNK_HOLES	256u

static void chunk_measure(struct hole_chunk *c)
{
	uint32_t i;

	c->largest = 0;
	for (i = 0; i < c->count; i++)
		if (c->holes[i].len > c->largest)
			c->largest = c->holes[i].len;
}

/* The last chunk that begins at or before start; the first one when none does. */
static size_t chunk_find(const struct free_set *f, uint32_t start)
{
	size_t low = 0, high = f->count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (f->chunks[middle].holes[0].start <= start)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* Index of the first hole that begins after start. */
static uint32_t hole_after(const struct hole_chunk *c, uint32_t start)
{
	uint32_t low = 0, high = c->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (c->holes[middle].start <= start)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int chunk_insert(struct free_set *f, size_t at)
{
	if (!grow(&f->chunks, f->count, &f->capacity, sizeof(*f->chunks)))
		return -ENOMEM;
	memmove(&f->chunks[at + 1], &f->chunks[at], (f->count - at) * sizeof(*f->chunks));
	memset(&f->chunks[at], 0, sizeof(*f->chunks));
	f->count++;
	return 0;
}

static int chunk_room(struct hole_chunk *c)
{
	uint32_t wanted = c->capacity ? c->capacity * 2 : 4;
	struct hole *p;

	if (c->count < c->capacity)
		return 0;
	p = realloc(c->holes, wanted * sizeof(*p));
	if (!p)
		return -ENOMEM;
	c->holes = p;
	c->capacity = wanted;
	return 0;
}

/* Half of a full chunk moves into a new one behind it. */
static int chunk_split(struct free_set *f, size_t at)
{
	struct hole *half = malloc(CHUNK_HOLES * sizeof(*half));
	struct hole_chunk *c;

	if (!half)
		return -ENOMEM;
	if (chunk_insert(f, at + 1) < 0) {
		free(half);
		return -ENOMEM;
	}
	c = &f->chunks[at];
	memcpy(half, c->holes + CHUNK_HOLES / 2, CHUNK_HOLES / 2 * sizeof(*half));
	c->count = CHUNK_HOLES / 2;
	c[1] = (struct hole_chunk) { .holes = half, .count = CHUNK_HOLES / 2, .capacity = CHUNK_HOLES };
	chunk_measure(c);
	chunk_measure(c + 1);
	return 0;
}

static int hole_insert(struct free_set *f, struct hole h)
{
	size_t at = chunk_find(f, h.start);
	struct hole_chunk *c;
	uint32_t i;

	if (!f->count && chunk_insert(f, 0) < 0)
		return -ENOMEM;
	if (f->chunks[at].count == CHUNK_HOLES) {
		if (chunk_split(f, at) < 0)
			return -ENOMEM;
		at = chunk_find(f, h.start);
	}
	c = &f->chunks[at];
	if (chunk_room(c) < 0) {
		if (c->count)
			return -ENOMEM;
		f->count--;		/* the chunk made above; it is the only one */
		return -ENOMEM;
	}
	i = hole_after(c, h.start);
	memmove(&c->holes[i + 1], &c->holes[i], (c->count - i) * sizeof(*c->holes));
	c->holes[i] = h;
	c->count++;
	if (h.len > c->largest)
		c->largest = h.len;
	return 0;
}

static void hole_remove(struct free_set *f, size_t at, uint32_t i)
{
	struct hole_chunk *c = &f->chunks[at];
	uint32_t len = c->holes[i].len;

	c->count--;
	memmove(&c->holes[i], &c->holes[i + 1], (c->count - i) * sizeof(*c->holes));
	if (!c->count) {
		free(c->holes);
		f->count--;
		memmove(c, c + 1, (f->count - at) * sizeof(*c));
	} else if (len == c->largest) {
		chunk_measure(c);
	}
}

/* The hole that holds extent start, or ends right before it when touching is enough. */
static bool hole_find(const struct free_set *f, uint32_t start, bool touching, size_t *at, uint32_t *i)
{
	const struct hole *h;

	if (!f->count)
		return false;
	*at = chunk_find(f, start);
	*i = hole_after(&f->chunks[*at], start);
	if (!*i)
		return false;
	h = &f->chunks[*at].holes[--*i];
	return touching ? start - h->start <= h->len : start - h->start < h->len;
}

static bool hole_exact(const struct free_set *f, uint64_t start, size_t *at, uint32_t *i)
{
	if (start > UINT32_MAX || !hole_find(f, (uint32_t)start, false, at, i))
		return false;
	return f->chunks[*at].holes[*i].start == start;
}

int free_put(struct free_set *f, uint32_t start, uint32_t len)
{
	size_t left, right;
	uint32_t li, ri;
	bool has_left, has_right;
	int r = 0;

	if (!len)
		return 0;
	has_left = hole_find(f, start, true, &left, &li);
	has_right = hole_exact(f, (uint64_t)start + len, &right, &ri);
	if (has_left) {
		struct hole_chunk *c = &f->chunks[left];

		c->holes[li].len += len + (has_right ? f->chunks[right].holes[ri].len : 0);
		if (c->holes[li].len > c->largest)
			c->largest = c->holes[li].len;
		if (has_right)
			hole_remove(f, right, ri);
	} else if (has_right) {
		struct hole_chunk *c = &f->chunks[right];

		c->holes[ri].start = start;
		c->holes[ri].len += len;
		if (c->holes[ri].len > c->largest)
			c->largest = c->holes[ri].len;
	} else {
		r = hole_insert(f, (struct hole) { start, len });
	}
	if (r == 0)
		f->total += len;
	return r;
}

/* Takes what lies in one hole. */
int free_take(struct free_set *f, uint32_t start, uint32_t len)
{
	struct hole_chunk *c;
	struct hole *h, rest;
	bool was_largest;
	size_t at;
	uint32_t i;
	int r;

	if (!len)
		return 0;
	if (!hole_find(f, start, false, &at, &i))
		return -EBUSY;
	c = &f->chunks[at];
	h = &c->holes[i];
	if (len > h->len - (start - h->start))
		return -EBUSY;
	rest = (struct hole) { start + len, h->len - (start - h->start) - len };
	was_largest = h->len == c->largest;
	if (start == h->start && rest.len) {
		*h = rest;
	} else if (start == h->start) {
		f->total -= len;
		hole_remove(f, at, i);
		return 0;
	} else {
		uint32_t before = h->len;

		h->len = start - h->start;
		if (rest.len) {
			r = hole_insert(f, rest);
			if (r < 0) {
				/* The hole is where it was: inserting failed before anything moved. */
				f->chunks[at].holes[i].len = before;
				return r;
			}
			at = chunk_find(f, start);
			c = &f->chunks[at];
			was_largest = true;
		}
	}
	f->total -= len;
	if (was_largest)
		chunk_measure(c);
	return 0;
}

bool free_find(const struct free_set *f, uint32_t len, struct hole *out)
{
	size_t at;
	uint32_t i;

	for (at = 0; at < f->count; at++) {
		const struct hole_chunk *c = &f->chunks[at];

		if (c->largest < len)
			continue;
		for (i = 0; i < c->count; i++) {
			if (c->holes[i].len >= len) {
				*out = c->holes[i];
				return true;
			}
		}
	}
	return false;
}

bool free_largest(const struct free_set *f, struct hole *out)
{
	uint32_t largest = 0;
	size_t at;

	for (at = 0; at < f->count; at++)
		if (f->chunks[at].largest > largest)
			largest = f->chunks[at].largest;
	return largest && free_find(f, largest, out);
}

uint32_t free_at(const struct free_set *f, uint32_t start)
{
	size_t at;
	uint32_t i;

	if (!hole_find(f, start, false, &at, &i))
		return 0;
	return f->chunks[at].holes[i].len - (start - f->chunks[at].holes[i].start);
}

void free_clear(struct free_set *f)
{
	size_t i;

	for (i = 0; i < f->count; i++)
		free(f->chunks[i].holes);
	free(f->chunks);
	memset(f, 0, sizeof(*f));
}
