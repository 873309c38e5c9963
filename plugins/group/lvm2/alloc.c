/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Allocation of extents. A row is a stretch of equal length on each of n physical volumes: behind what is
 * to be continued if that is free, else in one piece, else in as few pieces as come.
 */
#include <stdlib.h>
#include "lvm2.h"

void rows_free(struct rows *rows)
{
	free(rows->at);
	free(rows->areas);
	memset(rows, 0, sizeof(*rows));
}

static struct area *row_areas(struct rows *rows, size_t i)
{
	return rows->areas + i * rows->n;
}

static void give_back(struct area *legs, uint32_t n, uint32_t len)
{
	/* The set was that large a moment ago; a hole that cannot be noted is space lost until
	 * the next discovery, nothing worse. */
	while (n-- > 0)
		(void)free_put(&legs[n].on.pv->free, legs[n].start, len);
}

static int row_take(struct rows *rows, const struct area *legs, uint32_t len)
{
	struct area *areas;
	uint32_t i;
	int r;

	if (!len)
		return 0;
	if (!grow(&rows->at, rows->count, &rows->capacity, sizeof(*rows->at)))
		return -ENOMEM;
	if (rows->area_capacity < rows->capacity) {
		areas = realloc(rows->areas, rows->capacity * rows->n * sizeof(*areas));
		if (!areas)
			return -ENOMEM;
		rows->areas = areas;
		rows->area_capacity = rows->capacity;
	}
	areas = row_areas(rows, rows->count);
	memcpy(areas, legs, rows->n * sizeof(*areas));
	for (i = 0; i < rows->n; i++) {
		r = free_take(&legs[i].on.pv->free, legs[i].start, len);
		if (r < 0) {
			give_back(areas, i, len);
			return r;
		}
	}
	rows->at[rows->count++].len = len;
	rows->got += len;
	return 0;
}

void alloc_undo(struct rows *rows)
{
	size_t i;

	for (i = rows->count; i-- > 0; )
		give_back(row_areas(rows, i), rows->n, rows->at[i].len);
	rows->count = 0;
	rows->got = 0;
}

/* Right behind the last segment. */
static int take_next(struct rows *rows, const struct seg *last, uint32_t want)
{
	struct area legs[STRIPES_MAX];
	uint32_t i, len = want, used = last->count / last->n;

	for (i = 0; i < last->n; i++) {
		struct pv *pv = last->areas[i].on.pv;
		uint64_t start = (uint64_t)last->areas[i].start + used;
		uint32_t room;

		room = pv->picked && start < pv->pe_count ? free_at(&pv->free, (uint32_t)start) : 0;
		if (room < len)
			len = room;
		legs[i] = (struct area) { .on.pv = pv, .start = (uint32_t)start };
	}
	return row_take(rows, legs, len);
}

static bool leg_for(struct pv *pv, uint32_t len, struct area *leg)
{
	struct hole h;

	if (!pv->picked || pv->free.total < len || !free_find(&pv->free, len, &h))
		return false;
	*leg = (struct area) { .on.pv = pv, .start = h.start };
	return true;
}

static bool distinct(const struct seg *last)
{
	uint32_t i, k;

	for (i = 1; i < last->n; i++)
		for (k = 0; k < i; k++)
			if (last->areas[i].on.pv == last->areas[k].on.pv)
				return false;
	return true;
}

/* All of it in one piece: on the volumes of the last segment, else on the first that have room. */
static int take_whole(struct vg *vg, struct rows *rows, const struct seg *last, uint32_t want)
{
	struct area legs[STRIPES_MAX];
	uint32_t n = 0;
	size_t i;

	if (last && distinct(last))
		while (n < rows->n && leg_for(last->areas[n].on.pv, want, &legs[n]))
			n++;
	if (n < rows->n)
		for (n = 0, i = 0; i < vg->pv_count && n < rows->n; i++)
			n += leg_for(vg->pvs[i], want, &legs[n]);
	return n == rows->n ? row_take(rows, legs, want) : 0;
}

/* The n volumes with the most free extents give what their largest holes have in common. */
static int take_piece(struct vg *vg, struct rows *rows, uint32_t want)
{
	struct area legs[STRIPES_MAX];
	uint64_t weight[STRIPES_MAX];
	uint32_t n = 0, k, len = want;
	struct hole h;
	size_t i;

	for (i = 0; i < vg->pv_count; i++) {
		struct pv *pv = vg->pvs[i];
		uint64_t w;

		if (!pv->picked || !free_largest(&pv->free, &h))
			continue;
		w = rows->n == 1 ? h.len : pv->free.total;
		for (k = n; k > 0 && weight[k - 1] < w; k--) {
			if (k < rows->n) {
				legs[k] = legs[k - 1];
				weight[k] = weight[k - 1];
			}
		}
		if (k < rows->n) {
			legs[k] = (struct area) { .on.pv = pv, .start = h.start };
			weight[k] = w;
			n += n < rows->n;
		}
	}
	if (n < rows->n)
		return 0;
	for (k = 0; k < n; k++) {
		uint32_t room = free_at(&legs[k].on.pv->free, legs[k].start);

		if (room < len)
			len = room;
	}
	return row_take(rows, legs, len);
}

int alloc_rows(struct vg *vg, uint32_t n, uint32_t len, const struct seg *last, struct rows *rows)
{
	uint32_t before;
	int r = 0;

	*rows = (struct rows) { .n = n };
	if (last && (last->kind != SEG_STRIPED || last->n != n))
		last = NULL;
	if (last)
		r = take_next(rows, last, len);
	if (r == 0 && rows->got < len)
		r = take_whole(vg, rows, last, len - rows->got);
	while (r == 0 && rows->got < len) {
		before = rows->got;
		r = take_piece(vg, rows, len - rows->got);
		if (rows->got == before)
			break;
	}
	if (r < 0) {
		alloc_undo(rows);
		rows_free(rows);
	}
	return r;
}

static bool continues(const struct seg *seg, const struct area *legs, uint32_t n, uint32_t stripe)
{
	uint32_t i;

	if (seg->kind != SEG_STRIPED || seg->n != n || (n > 1 && seg->stripe != stripe))
		return false;
	for (i = 0; i < n; i++)
		if (seg->areas[i].on.pv != legs[i].on.pv ||
		    (uint64_t)seg->areas[i].start + seg->count / n != legs[i].start)
			return false;
	return true;
}

int alloc_segments(struct vg *vg, const struct lv *lv, const struct rows *rows, uint32_t stripe,
		   struct seg **out, uint32_t *out_count)
{
	struct seg *segs = arena_alloc(&vg->arena, (lv->seg_count + rows->count) * sizeof(*segs));
	uint32_t count = lv->seg_count, extents = lv->extents;
	size_t i;

	if (!segs)
		return -ENOMEM;
	if (count)
		memcpy(segs, lv->segs, count * sizeof(*segs));
	for (i = 0; i < rows->count; i++) {
		const struct area *legs = rows->areas + i * rows->n;
		uint32_t len = rows->at[i].len * rows->n;
		struct seg *seg = &segs[count];

		if (count && continues(seg - 1, legs, rows->n, stripe)) {
			seg[-1].count += len;
		} else {
			*seg = (struct seg) {
				.start = extents, .count = len, .stripe = rows->n > 1 ? stripe : 0,
				.n = (uint16_t)rows->n, .kind = SEG_STRIPED,
			};
			seg->areas = arena_alloc(&vg->arena, rows->n * sizeof(*legs));
			if (!seg->areas)
				return -ENOMEM;
			memcpy(seg->areas, legs, rows->n * sizeof(*legs));
			count++;
		}
		extents += len;
	}
	*out = segs;
	*out_count = count;
	return 0;
}

static struct pv *find_pv(const struct vg *vg, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < vg->pv_count; i++) {
		const char *has = vg->pvs[i]->object ? evms_get_name(vg->pvs[i]->object) : "";

		if (strlen(has) == len && !memcmp(has, name, len))
			return vg->pvs[i];
	}
	return NULL;
}

/* Mark the physical volumes that may be allocated from: all, or those of the option "on". */
int pick_pvs(struct vg *vg, struct evms_task *task)
{
	const char *on = task ? evms_task_get_str(task, "on") : NULL;
	size_t i;

	for (i = 0; i < vg->pv_count; i++) {
		struct pv *pv = vg->pvs[i];

		pv->picked = pv->object && pv->allocatable && !(on && *on);
	}
	while (on && *on) {
		size_t len = strcspn(on, ",");
		struct pv *pv = find_pv(vg, on, len);

		if (!pv)
			return evms_task_fail(task, EINVAL, "lvm2.on", "%.*s is not a member of the "
					      "group", (int)(len > 200 ? 200 : len), on);
		if (!pv->allocatable)
			return evms_task_fail(task, EINVAL, "lvm2.on", "%.*s may not be allocated "
					      "from (pvchange -x y allows it)",
					      (int)(len > 200 ? 200 : len), on);
		pv->picked = true;
		on += len;
		on += *on == ',';
	}
	return 0;
}
