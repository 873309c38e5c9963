/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bytes laid over a range: extents that do not overlap, in order. Two levels of small arrays, so
 * that putting one anywhere costs little however many there are.
 */
#ifndef DEVICE_EXTENTS_H
#define DEVICE_EXTENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "util/vec.h"

#define EXTENTS_CHUNK 64

struct extent {
	uint64_t offset, size;
	unsigned char *bytes;		/* NULL: zeros */
	unsigned char *base;		/* what was allocated; bytes is inside */
	size_t room;			/* size of base */
};

struct extents_chunk {
	size_t count;			/* at least 1 */
	struct extent at[EXTENTS_CHUNK];
};

struct extents {
	VEC(struct extents_chunk *) chunks;
	struct extents_chunk *spare[2];	/* so that an insertion cannot fail half way */
	size_t count;
	bool apart;			/* neighbours may be there that are not joined */
};

/* A place between extents; chunk == chunks.count at the end. */
struct extents_place {
	size_t chunk, at;
};

void extents_free(struct extents *x);
/*
 * Lay bytes (NULL: zeros) over the range. 0 or -ENOMEM and nothing changed. offset + len must not
 * wrap.
 */
int extents_put(struct extents *x, const void *bytes, uint64_t len, uint64_t offset);
/* Take away what lies over the range. 0 or -ENOMEM and nothing changed. */
int extents_clear(struct extents *x, uint64_t len, uint64_t offset);
/* Join neighbours. What cannot be joined for lack of memory stays apart. */
void extents_join(struct extents *x);

/* The first extent that ends behind offset. */
struct extents_place extents_find(const struct extents *x, uint64_t offset);
static inline struct extent *extents_at(const struct extents *x, struct extents_place p)
{
	return p.chunk < x->chunks.count ? &x->chunks.at[p.chunk]->at[p.at] : NULL;
}
struct extents_place extents_next(const struct extents *x, struct extents_place p);

#endif
