/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Logical volumes as the engine sees them: regions, their space in the group and their maps. */
#include <stdlib.h>
#include "lvm2.h"

#define STACK_MAX	8u		/* volumes on volumes */

static bool is_missing(const struct pv *pv)
{
	return !pv->object || pv->flagged_missing;
}

bool lv_is_plain(const struct lv *lv)
{
	return !lv->damage && !lv->refs && lv->flags & LV_VISIBLE &&
	       !(lv->flags & (LV_OTHER | LV_STACKED | LV_SUB | LV_ORIGIN | LV_LOCKED));
}

static bool is_type(const struct lv *lv, const char *type)
{
	return lv->type && lv->type_len == strlen(type) && !memcmp(lv->type, type, lv->type_len);
}

static const char *type_text(const struct lv *lv, char *buf, size_t size)
{
	size_t len = lv->type_len < size ? lv->type_len : size - 1;

	if (lv->seg_count && lv->segs[0].kind == SEG_STRIPED)
		return lv->segs[0].n == 1 ? "linear" : "striped";
	memcpy(buf, lv->type ? lv->type : "", lv->type ? len : 0);
	buf[lv->type ? len : 0] = '\0';
	return buf;
}

/* Regions have no data of their own: the label leads to the volume. */
struct lv *region_lv(const struct evms_object *o)
{
	struct evms_object *group = evms_get_parent(o);
	struct vg *vg = group ? evms_get_private(group) : NULL;
	const char *name = evms_get_label(o);

	return vg ? vg_find_lv(vg, name, strlen(name)) : NULL;
}

/* Properties that follow from the model; called again after a change. */
int region_describe(struct vg *vg, struct lv *lv)
{
	const struct seg *seg = lv->seg_count ? &lv->segs[0] : NULL;
	char type[64];
	int r;

	(void)vg;
	r = evms_set_str(lv->object, "type", type_text(lv, type, sizeof(type)));
	if (r == 0 && seg && seg->kind == SEG_STRIPED && seg->n > 1) {
		r = evms_set_u64(lv->object, "stripes", EVMS_TYPE_U64, seg->n);
		if (r == 0)
			r = evms_set_u64(lv->object, "stripe-size", EVMS_TYPE_SIZE,
					 (uint64_t)seg->stripe * SECTOR);
	}
	return r;
}

static int region_notes(struct vg *vg, struct lv *lv)
{
	struct evms_object *o = lv->object;
	char type[64];
	int r = 0;

	if (!(lv->flags & LV_VISIBLE) || lv->flags & LV_SUB || is_type(lv, "snapshot"))
		r = evms_note(o, EVMS_STATE_INTERNAL, "lvm2.internal", "it is part of another volume of "
			      "its group");
	if (r == 0 && lv->damage)
		r = evms_note(o, EVMS_STATE_DAMAGED | EVMS_STATE_READ_ONLY, "lvm2.volume", "its "
			      "description is damaged: %s", lv->damage);
	else if (r == 0 && lv->flags & LV_OTHER)
		r = evms_note(o, EVMS_STATE_UNSUPPORTED, "lvm2.type", "volumes of type %s cannot be "
			      "opened here", type_text(lv, type, sizeof(type)));
	if (r == 0 && !(lv->flags & LV_WRITE))
		r = evms_note(o, EVMS_STATE_READ_ONLY, "lvm2.permission", "the volume is marked "
			      "read-only");
	else if (r == 0 && lv->flags & LV_LOCKED)
		r = evms_note(o, EVMS_STATE_READ_ONLY, "lvm2.locked", "the volume is locked in the "
			      "group's metadata");
	if (r == 0 && vg->sealed)
		r = evms_note(o, EVMS_STATE_READ_ONLY, vg->frozen_reason, "its data must not be changed: "
			      "%s", vg->frozen);
	if (r == 0 && lv->flags & LV_ORIGIN && !(lv->flags & LV_OTHER))
		r = evms_note(o, EVMS_STATE_READ_ONLY, "lvm2.origin", "a snapshot depends on it, which "
			      "a change would spoil");
	return r;
}

static int map_seg(struct vg *vg, struct lv *lv, const struct seg *seg, bool *incomplete)
{
	struct evms_object *inputs[STRIPES_MAX];
	uint64_t offsets[STRIPES_MAX], extent = vg_extent(vg);
	uint64_t offset = seg->start * extent, size = seg->count * extent;
	uint32_t i;

	if (seg->kind == SEG_ZERO)
		return evms_map_zero(lv->object, offset, size);
	if (seg->kind == SEG_ERROR)
		return evms_map_error(lv->object, offset, size);
	for (i = 0; i < seg->n; i++) {
		const struct area *a = &seg->areas[i];

		if (a->is_lv) {
			inputs[i] = a->on.lv->object;
			offsets[i] = a->start * extent;
			continue;
		}
		if (is_missing(a->on.pv)) {
			*incomplete = true;
			return evms_map_error(lv->object, offset, size);
		}
		inputs[i] = a->on.pv->object;
		offsets[i] = a->on.pv->pe_start * SECTOR + a->start * extent;
	}
	if (seg->n == 1)
		return evms_map(lv->object, offset, inputs[0], offsets[0], size);
	return evms_map_striped(lv->object, offset, size, (uint64_t)seg->stripe * SECTOR, seg->n, inputs,
				offsets);
}

int region_map(struct vg *vg, struct lv *lv)
{
	bool incomplete = false;
	uint32_t i;
	int r = 0;

	for (i = 0; i < lv->seg_count && r == 0; i++)
		r = map_seg(vg, lv, &lv->segs[i], &incomplete);
	if (r == 0 && incomplete)
		r = evms_note(lv->object, EVMS_STATE_INCOMPLETE, "lvm2.missing", "parts of it lie on "
			      "a physical volume that is missing");
	return r;
}

/* Volumes on volumes: those beneath come first. A circle or a tower is not mapped. */
static int map_stacked(struct vg *vg, struct lv *lv, unsigned depth)
{
	uint32_t i, k;
	int r = 0;

	if (lv->flags & (LV_MAPPED | LV_OTHER) || lv->damage)
		return 0;
	if (lv->flags & LV_VISITED || depth > STACK_MAX) {
		lv->damage = "volumes lie on one another without an end";
		return evms_note(lv->object, EVMS_STATE_DAMAGED | EVMS_STATE_READ_ONLY, "lvm2.volume",
				 "its description is damaged: %s", lv->damage);
	}
	lv->flags |= LV_VISITED;
	for (i = 0; i < lv->seg_count && r == 0; i++) {
		for (k = 0; k < lv->segs[i].n && r == 0; k++) {
			struct lv *sub = lv->segs[i].areas[k].on.lv;

			if (!lv->segs[i].areas[k].is_lv)
				continue;
			r = map_stacked(vg, sub, depth + 1);
			if (r == 0 && !(sub->flags & LV_MAPPED) && !lv->damage) {
				lv->damage = "what it lies on cannot be opened";
				r = evms_note(lv->object, EVMS_STATE_UNSUPPORTED, "lvm2.stacked",
					      "it lies on %.*s, which cannot be opened",
					      (int)sub->name.len, sub->name.s);
			}
		}
	}
	if (r < 0 || lv->damage)
		return r;
	lv->flags |= LV_MAPPED;
	return region_map(vg, lv);
}

/* Every area on a physical volume is space of the group. */
int region_allocate(struct vg *vg, struct lv *lv)
{
	uint64_t extent = vg_extent(vg);
	uint32_t i, k;
	int r = 0;

	for (i = 0; i < lv->seg_count && r == 0; i++) {
		const struct seg *seg = &lv->segs[i];

		for (k = 0; k < seg->n && r == 0; k++)
			if (!seg->areas[k].is_lv)
				r = evms_allocate(vg->object, seg->areas[k].on.pv->base +
						  seg->areas[k].start * extent,
						  seg->count / seg->n * extent, lv->object);
	}
	return r;
}

int region_release(struct vg *vg, struct lv *lv)
{
	uint64_t extent = vg_extent(vg);
	uint32_t i, k;
	int r = 0;

	for (i = 0; i < lv->seg_count && r == 0; i++) {
		const struct seg *seg = &lv->segs[i];

		for (k = 0; k < seg->n && r == 0; k++)
			if (!seg->areas[k].is_lv)
				r = evms_release_space(vg->object, seg->areas[k].on.pv->base +
						       seg->areas[k].start * extent,
						       seg->count / seg->n * extent);
	}
	return r;
}

/* The region of a volume, with what is known of it, and without its map. */
int region_make(struct vg *vg, struct lv *lv)
{
	char name[NAME_MAX_LEN + 1], id[UUID_TEXT + 1];
	int r;

	memcpy(name, lv->name.s, lv->name.len);
	name[lv->name.len] = '\0';
	r = evms_produce(vg->object, name, lv->extents * vg_extent(vg), &lv->object);
	if (r < 0)
		return r;
	r = evms_set_label(lv->object, name);
	if (r == 0 && lv->id) {
		memcpy(id, lv->id, UUID_TEXT);
		id[UUID_TEXT] = '\0';
		r = evms_set_uuid(lv->object, id);
	}
	if (r == 0)
		r = region_describe(vg, lv);
	if (r == 0)
		r = region_notes(vg, lv);
	if (r == 0 && !lv->damage)
		r = region_allocate(vg, lv);
	return r;
}

int region_make_all(struct vg *vg)
{
	struct lv *lv;
	int r = 0;

	for (lv = vg->first; lv && r == 0; lv = lv->next) {
		if (!lv->extents) {
			lv->damage = "it has no length";
			r = evms_note(vg->object, EVMS_STATE_DAMAGED, "lvm2.volume", "volume %.*s has no "
				      "length", (int)lv->name.len, lv->name.s);
			continue;
		}
		r = region_make(vg, lv);
		if (r == 0 && !lv->damage && !(lv->flags & (LV_OTHER | LV_STACKED))) {
			lv->flags |= LV_MAPPED;
			r = region_map(vg, lv);
		}
	}
	for (lv = vg->first; lv && r == 0; lv = lv->next)
		if (lv->flags & LV_STACKED && !(lv->flags & LV_OTHER))
			r = map_stacked(vg, lv, 0);
	return r;
}
