/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Growing arrays: VEC(type) declares one, zeroed is empty, vec_push() grows it. */
#ifndef UTIL_VEC_H
#define UTIL_VEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define VEC(type) struct { type *at; size_t count, capacity; }

/* Room for one more element of the given size. false: out of memory, nothing changed. */
static inline bool vec_grow_(void **at, size_t count, size_t *capacity, size_t element)
{
	size_t wanted = *capacity ? *capacity * 2 : element >= 32 ? 1 : 4;	/* most stay short */
	void *p;

	if (count < *capacity)
		return true;
	if (wanted > SIZE_MAX / element)
		return false;
	p = realloc(*at, wanted * element);
	if (!p)
		return false;
	*at = p;
	*capacity = wanted;
	return true;
}

#define vec_grow(v) \
	vec_grow_((void **)&(v)->at, (v)->count, &(v)->capacity, sizeof(*(v)->at))
/* Append. false: out of memory. */
#define vec_push(v, x) (vec_grow(v) ? ((v)->at[(v)->count++] = (x), true) : false)
/* Insert before element i <= count. false: out of memory. */
#define vec_insert(v, i, x) \
	(vec_grow(v) ? (memmove((v)->at + (i) + 1, (v)->at + (i), \
				((v)->count - (i)) * sizeof(*(v)->at)), \
			(v)->count++, (v)->at[i] = (x), true) : false)
#define vec_remove(v, i) \
	(memmove((v)->at + (i), (v)->at + (i) + 1, ((v)->count - (i) - 1) * sizeof(*(v)->at)), \
	 (void)(v)->count--)
#define vec_free(v) (free((v)->at), (v)->at = NULL, (v)->count = (v)->capacity = 0)

#endif
