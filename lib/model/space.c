/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Space lists: entries of metadata, free and allocated space that tile a disk or group.
 *
 * While a plug-in first describes a disk or group, entries are only collected; space_settle() sorts them
 * once, so that describing n entries in any order costs n log n. After that, entries are cut out of and
 * merged into free ones in place.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include "model/model.h"
#include "util/check.h"

static int compare_entries(const void *a, const void *b)
{
	const struct space_entry *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static uint64_t entry_end(const struct space_entry *e)
{
	return e->offset + e->size;
}

/* Index of the entry that holds the byte at offset; the count when there is none. */
size_t space_find(const struct space *s, uint64_t offset)
{
	size_t low = 0, high = s->entries.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (entry_end(&s->entries.at[middle]) <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void free_object_place(struct evms_object *o, uint64_t offset, uint64_t size)
{
	char name[300];

	o->offset = offset;
	o->size = size;
	snprintf(name, sizeof(name), "%s/free@%" PRIu64, o->parent->name, offset);
	object_set_name(o, name);	/* keeps the old name when memory is short */
	object_touch(o);
}

static int free_object_new(struct evms_object *parent, uint64_t offset, uint64_t size,
			   struct evms_object **out)
{
	char name[300];
	int r;

	snprintf(name, sizeof(name), "%s/free@%" PRIu64, parent->name, offset);
	r = object_new(parent->model, EVMS_KIND_FREE, name, parent->claimer ? parent->claimer :
		       parent->owner, out);
	if (r < 0)
		return r;
	(*out)->parent = parent;
	(*out)->block_size = parent->block_size;
	(*out)->physical_block_size = parent->physical_block_size;
	(*out)->offset = offset;
	(*out)->size = size;
	return 0;
}

int space_prepare(struct evms_object *parent)
{
	if (parent->space)
		return 0;
	parent->space = calloc(1, sizeof(*parent->space));
	if (!parent->space)
		return object_fail(parent, ENOMEM, "memory", "out of memory");
	parent->space->fresh = true;
	return 0;
}

/* Cut [offset, offset+size) out of the free entry that holds it. */
static int space_cut(struct evms_object *parent, struct space_entry new)
{
	struct space *s = parent->space;
	size_t i = space_find(s, new.offset);
	struct space_entry *e = i < s->entries.count ? &s->entries.at[i] : NULL;
	uint64_t end = new.offset + new.size, free_end;
	struct evms_object *tail = NULL;
	int r;

	if (!e || e->kind != EVMS_KIND_FREE || end > entry_end(e))
		return object_fail(parent, EBUSY, "space.used", "the space at %" PRIu64 " (%" PRIu64
				   " bytes) is not free", new.offset, new.size);
	free_end = entry_end(e);
	if (new.offset > e->offset && end < free_end) {
		r = free_object_new(parent, end, free_end - end, &tail);
		if (r < 0)
			return r;
		if (!vec_insert(&s->entries, i + 1, ((struct space_entry){
				end, free_end - end, EVMS_KIND_FREE, tail })))
			return -ENOMEM;
		e = &s->entries.at[i];
	}
	if (new.offset > e->offset) {		/* the free entry keeps what is before */
		if (!vec_insert(&s->entries, i + 1, new))
			return -ENOMEM;
		e = &s->entries.at[i];
		e->size = new.offset - e->offset;
		free_object_place(e->object, e->offset, e->size);
	} else if (end < free_end) {		/* it keeps what is after */
		if (!vec_insert(&s->entries, i, new))
			return -ENOMEM;
		e = &s->entries.at[i + 1];
		e->offset = end;
		e->size = free_end - end;
		free_object_place(e->object, e->offset, e->size);
	} else {
		struct evms_object *gone = e->object;

		*e = new;
		object_remove(gone);
	}
	return 0;
}

int space_add(struct evms_object *parent, uint64_t offset, uint64_t size, uint32_t kind,
	      struct evms_object *object)
{
	struct space_entry e = { offset, size, kind, object };
	int r = space_prepare(parent);

	if (r < 0)
		return r;
	if (!size || !range_fits(offset, size, parent->size))
		return object_fail(parent, ERANGE, "space.range", "%" PRIu64 " bytes at %" PRIu64
				   " do not lie inside it", size, offset);
	object_touch(parent);
	if (parent->space->settled)
		return space_cut(parent, e);
	return vec_push(&parent->space->entries, e) ? 0 : -ENOMEM;
}

/* Entry i became free: give it an object, or merge it with its free neighbours. */
static int space_merge(struct evms_object *parent, size_t i)
{
	struct space *s = parent->space;
	struct space_entry *e = &s->entries.at[i], *before, *after;
	int r;

	before = i > 0 && e[-1].kind == EVMS_KIND_FREE ? &e[-1] : NULL;
	after = i + 1 < s->entries.count && e[1].kind == EVMS_KIND_FREE ? &e[1] : NULL;
	e->kind = EVMS_KIND_FREE;
	e->object = NULL;
	if (!before && !after) {
		r = free_object_new(parent, e->offset, e->size, &e->object);
		return r;
	}
	if (before) {
		before->size += e->size + (after ? after->size : 0);
		if (after) {
			object_remove(after->object);
			vec_remove(&s->entries, i + 1);
		}
		vec_remove(&s->entries, i);
		free_object_place(before->object, before->offset, before->size);
	} else {
		after->offset = e->offset;
		after->size += e->size;
		vec_remove(&s->entries, i);
		e = &s->entries.at[i];
		free_object_place(e->object, e->offset, e->size);
	}
	return 0;
}

/* Cut the entry at i in two at offset. */
static int space_split(struct space *s, size_t i, uint64_t offset)
{
	struct space_entry rest = s->entries.at[i];

	rest.size = entry_end(&rest) - offset;
	rest.offset = offset;
	if (!vec_insert(&s->entries, i + 1, rest))
		return -ENOMEM;
	s->entries.at[i].size = offset - s->entries.at[i].offset;
	return 0;
}

int space_release(struct evms_object *parent, uint64_t offset, uint64_t size)
{
	struct space *s = parent->space;
	uint64_t end = offset + size;
	size_t i;
	int r;

	if (!s || !s->settled || !size || !range_fits(offset, size, parent->size))
		return object_fail(parent, ERANGE, "space.range", "%" PRIu64 " bytes at %" PRIu64
				   " cannot be released", size, offset);
	object_touch(parent);
	while (offset < end) {
		struct space_entry *e;

		i = space_find(s, offset);
		e = &s->entries.at[i];
		if (e->kind == EVMS_KIND_FREE)
			return object_fail(parent, EPROTO, "space.free", "the space at %" PRIu64
					   " is free already", offset);
		if (e->kind == EVMS_KIND_METADATA && e->object)
			return object_fail(parent, EPROTO, "space.metadata", "the space at %" PRIu64
					   " holds metadata", offset);
		if (e->offset < offset) {
			r = space_split(s, i++, offset);
			if (r < 0)
				return r;
			e = &s->entries.at[i];
		}
		if (entry_end(e) > end) {
			r = space_split(s, i, end);
			if (r < 0)
				return r;
			e = &s->entries.at[i];
		}
		offset = entry_end(e);
		r = space_merge(parent, i);
		if (r < 0)
			return r;
	}
	return 0;
}

int space_release_object(struct evms_object *parent, struct evms_object *object)
{
	struct space *s = parent->space;
	size_t i;
	int r = 0;

	if (!s)
		return 0;
	if (object->kind == EVMS_KIND_PARTITION || object->kind == EVMS_KIND_METADATA) {
		i = s->settled ? space_find(s, object->offset) : 0;
		while (i < s->entries.count && s->entries.at[i].object != object)
			i++;
		if (i == s->entries.count)
			return 0;
		if (s->settled)
			return space_merge(parent, i);
		vec_remove(&s->entries, i);
		return 0;
	}
	for (i = 0; i < s->entries.count && r == 0; ) {
		if (s->entries.at[i].object != object) {
			i++;
		} else if (s->settled) {
			r = space_merge(parent, i);
			i = i ? i - 1 : 0;
		} else {
			vec_remove(&s->entries, i);
		}
	}
	return r;
}

int space_resize(struct evms_object *parent, uint64_t size)
{
	struct space *s = parent->space;
	uint64_t old = parent->size;
	struct space_entry new = { old, size - old, EVMS_KIND_METADATA, NULL };
	size_t i;

	if (!s || !s->settled || size == old) {
		parent->size = size;
		return 0;
	}
	if (size > old) {		/* taken for a moment, then released like any other */
		if (!vec_push(&s->entries, new))
			return object_fail(parent, ENOMEM, "memory", "out of memory");
		parent->size = size;
		return space_release(parent, old, size - old);
	}
	i = space_find(s, size);
	if (i + 1 != s->entries.count || s->entries.at[i].kind != EVMS_KIND_FREE)
		return object_fail(parent, EBUSY, "space.used", "the space behind %" PRIu64 " is not free", size);
	parent->size = size;
	if (s->entries.at[i].offset < size) {
		s->entries.at[i].size = size - s->entries.at[i].offset;
		free_object_place(s->entries.at[i].object, s->entries.at[i].offset, s->entries.at[i].size);
	} else {
		object_remove(s->entries.at[i].object);
		s->entries.count--;
	}
	return 0;
}

int space_settle(struct evms_object *parent)
{
	struct space *s = parent->space;
	VEC(struct space_entry) tiled = { 0 };
	uint64_t at = 0;
	size_t i;
	int r = 0;

	if (!s || s->settled)
		return 0;
	if (s->entries.count)
		qsort(s->entries.at, s->entries.count, sizeof(*s->entries.at), compare_entries);
	for (i = 0; i <= s->entries.count && r == 0; i++) {
		uint64_t next = i < s->entries.count ? s->entries.at[i].offset : parent->size;

		if (next < at) {
			r = object_fail(parent, EPROTO, "space.overlap", "two pieces of space overlap at %"
					PRIu64, next);
			break;
		}
		if (next > at) {
			struct space_entry gap = { at, next - at, EVMS_KIND_FREE, NULL };

			r = free_object_new(parent, gap.offset, gap.size, &gap.object);
			if (r == 0 && !vec_push(&tiled, gap)) {
				object_remove(gap.object);
				r = -ENOMEM;
			}
		}
		if (r == 0 && i < s->entries.count) {
			at = entry_end(&s->entries.at[i]);
			if (!vec_push(&tiled, s->entries.at[i]))
				r = -ENOMEM;
		}
	}
	if (r < 0) {
		while (tiled.count)
			if (tiled.at[--tiled.count].kind == EVMS_KIND_FREE)
				object_remove(tiled.at[tiled.count].object);
		vec_free(&tiled);
		return r;
	}
	free(s->entries.at);
	memcpy(&s->entries, &tiled, sizeof(s->entries));
	s->settled = true;
	return 0;
}

/* Drop the list and what stands for its free and metadata entries. */
void space_free(struct evms_object *parent)
{
	struct space *s = parent->space;
	size_t i;

	if (!s)
		return;
	parent->space = NULL;
	for (i = 0; i < s->entries.count; i++)
		if (s->entries.at[i].kind & (EVMS_KIND_FREE | EVMS_KIND_METADATA) &&
		    s->entries.at[i].object)
			object_remove(s->entries.at[i].object);
	vec_free(&s->entries);
	free(s);
}
