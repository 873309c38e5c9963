/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which bytes of an object discovery reads ahead, and where magics are. All of it comes from descriptors. */
#include <errno.h>
#include "discovery/discovery.h"
#include "util/check.h"

#define PAGE		4096
#define HEAD_MAX	(64 * 1024)
#define TAIL_MAX	(64 * 1024)
/*
 * Bytes between two windows that cost less than a second read: on disks, which are read once each, it is
 * requests that cost; of what lies on a disk there can be thousands, and their bytes add up.
 */
#define DISK_GAP	(48 * 1024)
#define OTHER_GAP	(8 * 1024)
#define BLOCK_BIG	4096	/* the other block size that an image file may have */

/* Where the magic is on this object; false when the object is too small for it. */
static bool magic_position(const struct evms_magic *g, uint64_t size, uint32_t block, uint64_t *out)
{
	uint64_t unit = g->flags & EVMS_MAGIC_BLOCKS ? block : 1;
	uint64_t at = g->offset < 0 ? (uint64_t)-(g->offset + 1) + 1 : (uint64_t)g->offset;

	if (at > UINT64_MAX / unit)
		return false;
	at *= unit;
	if (g->offset < 0) {
		if (at > size)
			return false;
		at = size - at;
	}
	if (g->align)
		at = round_down(at, g->align);
	*out = at;
	return range_fits(at, g->len, size);
}

/* Is the magic outside of the head and the tail of some objects, so that it needs a page of its own? */
static bool is_far(const struct window_set *w, const struct evms_magic *g)
{
	uint64_t back;

	if (g->flags & EVMS_MAGIC_BLOCKS)
		return false;
	if (g->offset >= 0)
		return (uint64_t)g->offset + g->len > w->head;
	back = (uint64_t)-(g->offset + 1) + 1;
	return back + (g->align ? g->align - 1 : 0) > w->tail;
}

/* From the start of an object to its end. */
static int compare_far(const void *a, const void *b)
{
	int64_t x = (*(const struct evms_magic *const *)a)->offset;
	int64_t y = (*(const struct evms_magic *const *)b)->offset;

	if ((x < 0) != (y < 0))
		return x < 0 ? 1 : -1;
	return x < y ? -1 : x > y;
}

static int window_set_init(struct window_set *w, const struct registry *r, bool disks)
{
	size_t i;
	uint32_t k;

	w->head = PAGE;
	for (i = 0; i < r->plugins.count; i++) {
		const struct evms_plugin *p = r->plugins.at[i];

		if (p->role == EVMS_ROLE_PARTITION_MANAGER && !disks)
			continue;
		w->head = max_u64(w->head, min_u64(p->head_window, HEAD_MAX));
		w->tail = max_u64(w->tail, min_u64(p->tail_window, TAIL_MAX));
	}
	w->head = round_up(w->head, PAGE);
	w->tail = round_up(w->tail, PAGE);
	for (i = 0; i < r->plugins.count; i++) {
		const struct evms_plugin *p = r->plugins.at[i];

		if (p->role == EVMS_ROLE_PARTITION_MANAGER && !disks)
			continue;
		for (k = 0; k < p->magic_count; k++)
			if (is_far(w, &p->magics[k]) && !vec_push(&w->far, &p->magics[k]))
				return -ENOMEM;
	}
	if (w->far.count)
		qsort(w->far.at, w->far.count, sizeof(*w->far.at), compare_far);
	return 0;
}

int windows_init(struct windows *w, const struct registry *r)
{
	*w = (struct windows){ .buf = NULL };
	if (window_set_init(&w->disks, r, true) < 0 || window_set_init(&w->others, r, false) < 0)
		return -ENOMEM;
	w->buf = malloc(max_u64(w->disks.head, w->others.head));
	return w->buf ? 0 : -ENOMEM;
}

void windows_free(struct windows *w)
{
	vec_free(&w->disks.far);
	vec_free(&w->others.far);
	free(w->buf);
}

static const struct window_set *set_for(const struct windows *w, const struct evms_object *o)
{
	return o->kind == EVMS_KIND_DISK ? &w->disks : &w->others;
}

uint64_t windows_head(const struct windows *w, const struct evms_object *o)
{
	return min_u64(set_for(w, o)->head, o->size);
}

/* Each piece of a device that the windows of the object lie on. */
static int each_window(const struct windows *windows, struct evms_object *o, object_extent_fn fn, void *user)
{
	const struct window_set *w = set_for(windows, o);
	uint64_t head = min_u64(w->head, o->size);
	uint64_t tail = max_u64(head, o->size - min_u64(w->tail, o->size));
	size_t i;
	int r = object_extents(o, 0, head, fn, user);

	for (i = 0; i < w->far.count && r == 0; i++) {
		uint64_t at;

		if (!magic_position(w->far.at[i], o->size, o->block_size, &at))
			continue;
		at = round_down(at, PAGE);
		if (at >= head && at < tail)
			r = object_extents(o, at, min_u64(PAGE, o->size - at), fn, user);
	}
	return r == 0 && tail < o->size ? object_extents(o, tail, o->size - tail, fn, user) : r;
}

struct adding {
	window_list *list;
	size_t group;
	uint64_t gap;
};

static int add_extent(void *user, struct device *device, uint64_t offset, uint64_t len)
{
	struct adding *a = user;
	struct device_window window = { device, offset, len, a->group };
	struct device_window *last = a->list->count ? &a->list->at[a->list->count - 1] : NULL;

	/* Windows close to each other are read as one. */
	if (last && last->group == a->group && last->device == device && offset >= last->offset &&
	    offset <= last->offset + last->size + a->gap) {
		last->size = max_u64(last->size, offset + len - last->offset);
		return 0;
	}
	return vec_push(a->list, window) ? 0 : -ENOMEM;
}

int windows_add(const struct windows *w, struct evms_object *o, size_t group, window_list *list)
{
	struct adding a = { list, group, o->kind == EVMS_KIND_DISK ? DISK_GAP : OTHER_GAP };
	int r = each_window(w, o, add_extent, &a);

	return r == -ENOMEM ? r : 0;	/* what cannot be mapped cannot be read ahead either */
}

/* user counts the pieces that may still be looked at; NULL for any number. */
static int is_hole(void *user, struct device *device, uint64_t offset, uint64_t len)
{
	unsigned *left = user;

	if (left && !(*left)--)
		return 1;
	return device_is_known_hole(device, offset, len) ? 0 : 1;
}

/* Is it true of the whole object? Asked first: most objects lie in one piece, far from everything else. */
static bool all_of(struct evms_object *o, object_extent_fn fn)
{
	unsigned left = 16;	/* over stripes there could be millions of pieces */

	return o->map.count == 1 && o->map.at[0].target == target_linear &&
	       object_extents(o, 0, o->size, fn, &left) == 0;
}

bool windows_are_blank(const struct windows *w, struct evms_object *o)
{
	return all_of(o, is_hole) || each_window(w, o, is_hole, NULL) == 0;
}

static int is_unstaged(void *user, struct device *device, uint64_t offset, uint64_t len)
{
	unsigned *left = user;

	if (left && (*left)-- == 0)
		return 1;
	return device_is_staged_at(device, offset, len) ? 1 : 0;
}

bool windows_are_unstaged(const struct windows *w, struct evms_object *o)
{
	return all_of(o, is_unstaged) || each_window(w, o, is_unstaged, NULL) == 0;
}

static bool magic_hit(const struct evms_magic *g, struct evms_object *o, uint32_t block,
		      const char *head, uint64_t head_size)
{
	char found[64];
	uint64_t at;

	if (!magic_position(g, o->size, block, &at) || g->len > sizeof(found))
		return false;
	if (range_fits(at, g->len, head_size))
		return !memcmp(head + at, g->bytes, g->len);
	return object_read(o, found, g->len, at) == 0 && !memcmp(found, g->bytes, g->len);
}

bool magics_hit(const struct evms_plugin *p, struct evms_object *o, const char *head,
		uint64_t head_size)
{
	uint32_t i;

	for (i = 0; i < p->magic_count; i++) {
		const struct evms_magic *g = &p->magics[i];

		if (magic_hit(g, o, o->block_size, head, head_size))
			return true;
		if (g->flags & EVMS_MAGIC_ANY_BLOCK && o->disk && o->disk->block_size_assumed &&
		    magic_hit(g, o, BLOCK_BIG, head, head_size))
			return true;
	}
	return false;
}

int magics_wipe(const struct evms_plugin *p, struct evms_object *o, uint32_t phase)
{
	uint32_t i;
	int r = 0;

	for (i = 0; i < p->magic_count && r == 0; i++) {
		const struct evms_magic *g = &p->magics[i];
		uint64_t at;

		if (magic_hit(g, o, o->block_size, NULL, 0) &&
		    magic_position(g, o->size, o->block_size, &at))
			r = object_wipe(o, at, g->len, phase);
	}
	return r;
}
