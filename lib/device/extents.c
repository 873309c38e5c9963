/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ordered extents of bytes and zeros; see extents.h. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "device/extents.h"
#include "util/check.h"

static uint64_t end_of(const struct extent *e)
{
	return e->offset + e->size;
}

static void extent_drop(struct extent *e)
{
	free(e->base);
	e->bytes = e->base = NULL;
	e->room = 0;
}

void extents_free(struct extents *x)
{
	size_t i, j;

	for (i = 0; i < x->chunks.count; i++) {
		for (j = 0; j < x->chunks.at[i]->count; j++)
			extent_drop(&x->chunks.at[i]->at[j]);
		free(x->chunks.at[i]);
	}
	free(x->spare[0]);
	free(x->spare[1]);
	vec_free(&x->chunks);
	memset(x, 0, sizeof(*x));
}

struct extents_place extents_find(const struct extents *x, uint64_t offset)
{
	size_t low = 0, high = x->chunks.count, middle;
	struct extents_place p = { .at = 0 };
	const struct extents_chunk *c;

	while (low < high) {
		middle = low + (high - low) / 2;
		c = x->chunks.at[middle];
		if (end_of(&c->at[c->count - 1]) > offset)
			high = middle;
		else
			low = middle + 1;
	}
	p.chunk = low;
	if (low == x->chunks.count)
		return p;
	c = x->chunks.at[low];
	for (low = 0, high = c->count; low < high; ) {
		middle = low + (high - low) / 2;
		if (end_of(&c->at[middle]) > offset)
			high = middle;
		else
			low = middle + 1;
	}
	p.at = low;
	return p;
}

struct extents_place extents_next(const struct extents *x, struct extents_place p)
{
	if (++p.at < x->chunks.at[p.chunk]->count)
		return p;
	p.chunk++;
	p.at = 0;
	return p;
}

static struct extent *previous(const struct extents *x, struct extents_place p)
{
	const struct extents_chunk *c;

	if (p.at)
		return &x->chunks.at[p.chunk]->at[p.at - 1];
	if (!p.chunk)
		return NULL;
	c = x->chunks.at[p.chunk - 1];
	return (struct extent *)&c->at[c->count - 1];
}

/* Make sure that two insertions cannot fail. */
static bool reserve(struct extents *x)
{
	struct extents_chunk **grown;
	size_t i, wanted;

	for (i = 0; i < 2; i++) {
		if (!x->spare[i])
			x->spare[i] = malloc(sizeof(*x->spare[i]));
		if (!x->spare[i])
			return false;
	}
	if (x->chunks.capacity - x->chunks.count >= 2)
		return true;
	wanted = x->chunks.capacity * 2 + 2;
	grown = realloc(x->chunks.at, wanted * sizeof(*grown));
	if (!grown)
		return false;
	x->chunks.at = grown;
	x->chunks.capacity = wanted;
	return true;
}

static struct extents_chunk *take_spare(struct extents *x)
{
	size_t i = x->spare[1] ? 1 : 0;
	struct extents_chunk *c = x->spare[i];

	x->spare[i] = NULL;
	c->count = 0;
	return c;
}

static void add_chunk(struct extents *x, size_t i)
{
	memmove(x->chunks.at + i + 1, x->chunks.at + i,
		(x->chunks.count - i) * sizeof(*x->chunks.at));
	x->chunks.at[i] = take_spare(x);
	x->chunks.count++;
}

/* Room at p, which may move into the other half of a full chunk. In order, chunks are left full. */
static struct extents_place make_room(struct extents *x, struct extents_place p)
{
	struct extents_chunk *c, *upper;
	size_t keep;

	if (p.chunk == x->chunks.count && p.chunk) {
		p.chunk--;
		p.at = x->chunks.at[p.chunk]->count;
	}
	if (p.chunk < x->chunks.count && x->chunks.at[p.chunk]->count < EXTENTS_CHUNK)
		return p;
	if (p.chunk == x->chunks.count) {
		add_chunk(x, p.chunk);
		return p;
	}
	add_chunk(x, p.chunk + 1);
	c = x->chunks.at[p.chunk];
	upper = x->chunks.at[p.chunk + 1];
	keep = p.at == c->count ? c->count : c->count / 2;
	upper->count = c->count - keep;
	memcpy(upper->at, c->at + keep, upper->count * sizeof(*c->at));
	c->count = keep;
	if (p.at >= keep) {
		p.chunk++;
		p.at -= keep;
	}
	return p;
}

/* After reserve(): cannot fail. */
static void insert(struct extents *x, struct extents_place p, struct extent e)
{
	struct extents_chunk *c;

	p = make_room(x, p);
	c = x->chunks.at[p.chunk];
	memmove(c->at + p.at + 1, c->at + p.at, (c->count - p.at) * sizeof(*c->at));
	c->at[p.at] = e;
	c->count++;
	x->count++;
	x->apart = true;
}

/* Returns the place of what follows. */
static struct extents_place take_out(struct extents *x, struct extents_place p)
{
	struct extents_chunk *c = x->chunks.at[p.chunk];

	extent_drop(&c->at[p.at]);
	c->count--;
	x->count--;
	memmove(c->at + p.at, c->at + p.at + 1, (c->count - p.at) * sizeof(*c->at));
	if (p.at < c->count)
		return p;
	if (!c->count) {
		free(c);
		vec_remove(&x->chunks, p.chunk);
	} else {
		p.chunk++;
	}
	p.at = 0;
	return p;
}

/* Less than half of the memory is still used: give the rest back. */
static void slim(struct extent *e)
{
	unsigned char *p;

	if (!e->bytes || e->size > e->room / 2)
		return;
	if (e->bytes != e->base)
		memmove(e->base, e->bytes, (size_t)e->size);
	e->bytes = e->base;
	p = realloc(e->base, (size_t)e->size);
	if (!p)
		return;
	e->base = e->bytes = p;
	e->room = (size_t)e->size;
}

static void cut_front(struct extent *e, uint64_t n)
{
	e->offset += n;
	e->size -= n;
	if (e->bytes)
		e->bytes += n;
	slim(e);
}

static void cut_back(struct extent *e, uint64_t n)
{
	e->size -= n;
	slim(e);
}

/* The hole is inside one extent: that becomes two. */
static int split(struct extents *x, struct extents_place p, uint64_t hole, uint64_t end)
{
	struct extent *e = extents_at(x, p), right = { .offset = end };

	right.size = end_of(e) - end;
	if (e->bytes) {
		right.base = right.bytes = malloc((size_t)right.size);
		if (!right.base)
			return -ENOMEM;
		right.room = (size_t)right.size;
		memcpy(right.base, e->bytes + (end - e->offset), right.room);
	}
	cut_back(e, end_of(e) - hole);
	p.at++;
	insert(x, p, right);
	return 0;
}

/* After reserve(). */
static int clear(struct extents *x, uint64_t len, uint64_t offset)
{
	struct extents_place p = extents_find(x, offset);
	uint64_t end = offset + len;
	struct extent *e;

	while ((e = extents_at(x, p)) && e->offset < end) {
		if (e->offset < offset && end_of(e) > end)
			return split(x, p, offset, end);
		if (e->offset >= offset && end_of(e) <= end) {
			p = take_out(x, p);
			continue;
		}
		if (e->offset < offset)
			cut_back(e, end_of(e) - offset);
		else
			cut_front(e, end - e->offset);
		p = extents_next(x, p);
	}
	return 0;
}

int extents_clear(struct extents *x, uint64_t len, uint64_t offset)
{
	if (!x->count || !len)
		return 0;
	return reserve(x) ? clear(x, len, offset) : -ENOMEM;
}

/* Room for more behind the bytes of an extent, doubling, so that appending stays cheap. */
static bool grow(struct extent *e, uint64_t more)
{
	size_t before = (size_t)(e->bytes - e->base), wanted;
	unsigned char *p;

	if (more > SIZE_MAX / 4 - e->size - before)
		return false;
	wanted = before + (size_t)e->size + (size_t)more;
	if (wanted <= e->room)
		return true;
	wanted = wanted < e->room * 2 ? e->room * 2 : wanted;
	p = realloc(e->base, wanted);
	if (!p)
		return false;
	e->base = p;
	e->bytes = p + before;
	e->room = wanted;
	return true;
}

static void fill(unsigned char *to, const void *bytes, uint64_t len)
{
	if (bytes)
		memcpy(to, bytes, (size_t)len);
	else
		memset(to, 0, (size_t)len);
}

/* The range is inside one extent that can take it as it is. */
static bool put_inside(struct extents *x, const void *bytes, uint64_t len, uint64_t offset)
{
	struct extent *e = extents_at(x, extents_find(x, offset));

	if (!e || offset < e->offset || !range_fits(offset - e->offset, len, e->size))
		return false;
	if (e->bytes)
		fill(e->bytes + (offset - e->offset), bytes, len);
	return e->bytes || !bytes;
}

/* The range begins where an extent of the same sort ends. */
static int put_behind(struct extents *x, const void *bytes, uint64_t len, uint64_t offset)
{
	struct extent *e = previous(x, extents_find(x, offset));

	if (!e || end_of(e) != offset || !e->bytes != !bytes)
		return -ENOENT;
	if (bytes && !grow(e, len))
		return -ENOMEM;
	if (clear(x, len, offset) < 0)
		return -ENOMEM;
	e = previous(x, extents_find(x, offset));
	if (bytes)
		memcpy(e->bytes + e->size, bytes, (size_t)len);
	e->size += len;
	x->apart = true;
	return 0;
}

int extents_put(struct extents *x, const void *bytes, uint64_t len, uint64_t offset)
{
	struct extent e = { .offset = offset, .size = len };
	int r;

	if (!len || put_inside(x, bytes, len, offset))
		return 0;
	if (!reserve(x))
		return -ENOMEM;
	r = put_behind(x, bytes, len, offset);
	if (r != -ENOENT)
		return r;
	if (bytes) {
		e.base = e.bytes = malloc((size_t)len);
		if (!e.base)
			return -ENOMEM;
		e.room = (size_t)len;
		memcpy(e.base, bytes, e.room);
	}
	r = clear(x, len, offset);
	if (r < 0) {
		free(e.base);
		return r;
	}
	insert(x, extents_find(x, offset), e);
	return 0;
}

static bool can_join(const struct extent *a, const struct extent *b)
{
	return end_of(a) == b->offset && !a->bytes == !b->bytes;
}

/* The run of neighbours that begins at p becomes one. */
static void join_run(struct extents *x, struct extents_place p)
{
	struct extent *first = extents_at(x, p), *e;
	uint64_t end = end_of(first), more = 0;
	struct extents_place n = extents_next(x, p);

	while ((e = extents_at(x, n)) && e->offset == end && !e->bytes == !first->bytes) {
		more += e->size;
		end = end_of(e);
		n = extents_next(x, n);
	}
	if (!more || (first->bytes && !grow(first, more)))
		return;
	n = extents_next(x, p);
	while (more) {
		e = extents_at(x, n);
		if (e->bytes)
			memcpy(first->bytes + first->size, e->bytes, (size_t)e->size);
		first->size += e->size;
		more -= e->size;
		n = take_out(x, n);
	}
}

void extents_join(struct extents *x)
{
	struct extents_place p = { .chunk = 0 }, n;

	if (!x->apart)
		return;
	while (p.chunk < x->chunks.count) {
		n = extents_next(x, p);
		if (n.chunk < x->chunks.count && can_join(extents_at(x, p), extents_at(x, n)))
			join_run(x, p);
		p = extents_next(x, p);
	}
	x->apart = false;
}
