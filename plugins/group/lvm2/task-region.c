/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tasks on volumes: create, resize, rename, set, remove. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "lvm2.h"

bool name_reserved(const char *s)
{
	static const char *const prefixes[] = { "pvmove", "snapshot" };
	static const char *const parts[] = {
		"_cdata", "_cmeta", "_corig", "_cpool", "_cvol", "_wcorig", "_mimage", "_mlog", "_rimage",
		"_rmeta", "_tdata", "_tmeta", "_vdata", "_imeta", "_iorig", "_pmspare", "_vorigin",
	};
	size_t i;

	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (!strncmp(s, prefixes[i], strlen(prefixes[i])))
			return true;
	for (s = strchr(s, '_'); s; s = strchr(s + 1, '_'))
		for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
			if (!strncmp(s, parts[i], strlen(parts[i])))
				return true;
	return false;
}

static int check_name(struct evms_task *task, const struct vg *vg, const char *name)
{
	if (!name || !name_valid(name, strlen(name)))
		return evms_task_fail(task, EINVAL, "lvm2.name", "a volume's name has at most 127 letters, "
				      "digits and . _ + -, and does not begin with a hyphen");
	if (name_reserved(name))
		return evms_task_fail(task, EINVAL, "lvm2.name", "%s is a name that LVM2 keeps for itself",
				      name);
	if (vg_find_lv(vg, name, strlen(name)))
		return evms_task_fail(task, EEXIST, "lvm2.exists", "group %s has a volume named %s already",
				      vg->name, name);
	return 0;
}

/* The volume of a region, when it can be changed here. */
static struct lv *task_lv(struct evms_task *task, struct evms_object *o, struct vg **vg, int *error)
{
	struct lv *lv;

	*vg = task_vg(task, o, error);
	if (!*vg)
		return NULL;
	lv = region_lv(o);
	if (lv && lv_is_plain(lv))
		return lv;
	if (lv && lv->refs)
		*error = evms_task_fail(task, EBUSY, "lvm2.internal", "another volume of the group depends on "
					"%s", evms_get_name(o));
	else
		*error = evms_task_fail(task, ENOTSUP, "lvm2.type", "only linear and striped volumes can be "
					"changed here: use LVM2's own tools for %s", evms_get_name(o));
	return NULL;
}

static int no_room(struct evms_task *task, const struct vg *vg, uint64_t wanted, uint64_t has,
		   uint32_t stripes)
{
	if (stripes > 1)
		return evms_task_fail(task, ENOSPC, "lvm2.full", "%" PRIu64 " bytes over %" PRIu32 " stripes "
				      "are wanted, and %" PRIu64 " can be had in group %s: use fewer "
				      "stripes or add members", wanted * vg_extent(vg), stripes,
				      has * vg_extent(vg), vg->name);
	return evms_task_fail(task, ENOSPC, "lvm2.full", "%" PRIu64 " bytes are wanted, and %" PRIu64 " are "
			      "free in group %s: ask for less or add members", wanted * vg_extent(vg),
			      has * vg_extent(vg), vg->name);
}

/* extents on n legs; wanted 0: as many as there are. */
static int allocate(struct evms_task *task, struct vg *vg, uint32_t n, uint64_t wanted,
		    uint32_t limit, const struct seg *last, struct rows *rows)
{
	const uint32_t most = limit / n;
	int r;

	if (wanted > limit)
		return evms_task_fail(task, ERANGE, "lvm2.extents", "a volume has at most 2^32 extents");
	r = alloc_rows(vg, n, wanted ? (uint32_t)(wanted / n) : most, last, rows);
	if (r < 0)
		return r;
	if (!rows->got || rows->got < wanted / n) {
		uint64_t got = (uint64_t)rows->got * n;

		alloc_undo(rows);
		rows_free(rows);
		return no_room(task, vg, wanted ? wanted : n, got, n);
	}
	return 0;
}

static const char *new_name(struct evms_task *task, struct vg *vg)
{
	const char *name = evms_task_get_str(task, "name");
	char made[24];

	if (name)
		return arena_copy(&vg->arena, name, strlen(name));
	do
		snprintf(made, sizeof(made), "lvol%" PRIu32, vg->next_lv++);
	while (vg_find_lv(vg, made, strlen(made)));
	return arena_copy(&vg->arena, made, strlen(made));
}

/* Everything of a new volume but its object: checked, allocated, and with its text. */
static int prepare(struct evms_task *task, struct vg *vg, struct lv *lv, const char *name,
		   struct rows *rows)
{
	uint64_t n = evms_task_get_u64(task, "stripes"), stripe = evms_task_get_u64(task, "stripe-size");
	uint64_t extent = vg_extent(vg), size = evms_task_get_u64(task, "size"), wanted;
	char id[UUID_TEXT + 1];
	int r;

	if (!n)
		n = 1;
	if (n > STRIPES_MAX || (n > 1 && (stripe & (stripe - 1) || stripe < 4096 || stripe > extent)))
		return evms_task_fail(task, EINVAL, "lvm2.stripes", "a volume has at most 128 stripes, and its "
				      "stripe size is a power of two from 4 KiB to the extent size (%"
				      PRIu64 " bytes)", extent);
	if (evms_task_has(task, "size") && !size)
		return evms_task_fail(task, EINVAL, "lvm2.size", "a volume of no size cannot be");
	wanted = size / extent + (size % extent != 0);
	wanted = (wanted + n - 1) / n * n;
	r = pick_pvs(vg, task);
	if (r == 0)
		r = task_uuid(task, vg, id);
	vg_stamp(vg);
	if (r == 0)
		r = allocate(task, vg, (uint32_t)n, wanted, UINT32_MAX, NULL, rows);
	if (r < 0)
		return r;
	r = alloc_segments(vg, lv, rows, (uint32_t)(stripe / SECTOR), &lv->segs, &lv->seg_count);
	lv->extents = rows->got * (uint32_t)n;
	lv->name.s = name;
	lv->name.len = (uint32_t)strlen(name);
	lv->type = "striped";
	lv->type_len = 7;
	lv->flags = LV_VISIBLE | LV_WRITE | LV_MAPPED;
	lv->id = arena_copy(&vg->arena, id, UUID_TEXT);
	if (r == 0 && !lv->id)
		r = -ENOMEM;
	if (r == 0)
		r = print_new_lv(vg, lv, name, id);
	if (r < 0) {
		alloc_undo(rows);
		rows_free(rows);
	}
	return r;
}

int region_create(struct evms_task *task, struct vg *vg)
{
	struct lv *lv = arena_alloc(&vg->arena, sizeof(*lv));
	const char *name = new_name(task, vg);
	struct rows rows;
	int r;

	if (!lv || !name)
		return -ENOMEM;
	memset(lv, 0, sizeof(*lv));
	r = check_name(task, vg, name);
	if (r == 0 && vg->max_lv && vg->lv_count >= vg->max_lv)
		r = evms_task_fail(task, ENOSPC, "lvm2.max-lv", "the group is limited to %" PRIu32 " volumes",
				   vg->max_lv);
	if (r == 0)
		r = prepare(task, vg, lv, name, &rows);
	if (r < 0)
		return r;
	r = vg_link_lv(vg, lv);
	if (r == 0) {
		r = region_make(vg, lv);
		if (r == 0)
			r = region_map(vg, lv);
		if (r < 0)
			vg_unlink_lv(vg, lv);
	}
	if (r < 0)
		alloc_undo(&rows);
	rows_free(&rows);
	return r < 0 ? r : vg_touch(vg);
}

/* The extents of a volume from extent at on become free. */
static int free_tail(struct lv *lv, uint32_t at)
{
	uint32_t i, k;
	int r = 0;

	for (i = 0; i < lv->seg_count && r == 0; i++) {
		const struct seg *seg = &lv->segs[i];
		uint32_t keep;

		if (seg->kind != SEG_STRIPED || seg->start + (uint64_t)seg->count <= at)
			continue;
		keep = seg->start >= at ? 0 : (at - seg->start) / seg->n;
		for (k = 0; k < seg->n && r == 0; k++)
			r = free_put(&seg->areas[k].on.pv->free, seg->areas[k].start + keep,
				     seg->count / seg->n - keep);
	}
	return r;
}

int region_remove(struct evms_task *task, struct evms_object *o)
{
	struct vg *vg;
	struct lv *lv;
	int r = -EINVAL;

	lv = task_lv(task, o, &vg, &r);
	if (!lv)
		return r;
	r = evms_remove(o);
	if (r < 0)
		return r;
	lv->object = NULL;
	vg_unlink_lv(vg, lv);
	r = free_tail(lv, 0);
	return r < 0 ? r : vg_touch(vg);
}

/* Put other segments in the place of a volume's, in our model, the text and the engine's model. */
static int replace_segs(struct vg *vg, struct lv *lv, struct seg *segs, uint32_t count, uint32_t extents)
{
	const struct lv_edit edit = { .segments = true };
	const struct lv old = *lv;
	int r;

	lv->segs = segs;
	lv->seg_count = count;
	lv->extents = extents;
	r = print_lv(vg, lv, &edit);
	if (r == 0)
		r = region_release(vg, (struct lv *)(uintptr_t)&old);
	if (r == 0)
		r = evms_clear_map(lv->object);
	if (r == 0)
		r = evms_set_size(lv->object, extents * vg_extent(vg));
	if (r == 0)
		r = region_allocate(vg, lv);
	if (r == 0)
		r = region_map(vg, lv);
	if (r < 0)
		*lv = old;
	return r < 0 ? r : region_describe(vg, lv);
}

static int grow_lv(struct evms_task *task, struct vg *vg, struct lv *lv, uint64_t wanted)
{
	const struct seg *last = &lv->segs[lv->seg_count - 1];
	uint32_t n = last->n, count;
	uint64_t more = wanted - lv->extents;
	struct rows rows;
	struct seg *segs;
	int r;

	if (last->kind != SEG_STRIPED)
		return evms_task_fail(task, ENOTSUP, "lvm2.type", "a volume that ends in a segment of type %.*s "
				      "cannot be expanded here", (int)lv->type_len, lv->type);
	more = (more + n - 1) / n * n;
	r = pick_pvs(vg, task);
	if (r == 0)
		r = allocate(task, vg, n, more, UINT32_MAX - lv->extents, last, &rows);
	if (r < 0)
		return r;
	r = alloc_segments(vg, lv, &rows, last->stripe, &segs, &count);
	if (r == 0)
		r = replace_segs(vg, lv, segs, count, lv->extents + rows.got * n);
	if (r < 0)
		alloc_undo(&rows);
	rows_free(&rows);
	return r;
}

static int shrink_lv(struct evms_task *task, struct vg *vg, struct lv *lv, uint32_t wanted)
{
	struct seg *segs = arena_alloc(&vg->arena, lv->seg_count * sizeof(*segs));
	const struct lv old = *lv;
	uint32_t count = 0, keep, extents = 0;
	int r;

	if (!segs)
		return -ENOMEM;
	while (count < lv->seg_count && lv->segs[count].start < wanted) {
		struct seg *seg = &segs[count];

		*seg = lv->segs[count++];
		keep = wanted - seg->start;
		if (seg->kind == SEG_STRIPED && keep < seg->count)
			keep = (keep + seg->n - 1) / seg->n * seg->n;
		if (keep < seg->count)
			seg->count = keep;
		extents = seg->start + seg->count;
	}
	if (extents >= lv->extents)
		return evms_task_fail(task, EINVAL, "lvm2.size", "in whole extents the volume keeps its size");
	r = replace_segs(vg, lv, segs, count, extents);
	return r < 0 ? r : free_tail((struct lv *)(uintptr_t)&old, extents);
}

int region_resize(struct evms_task *task, struct evms_object *o, bool larger)
{
	uint64_t size = evms_task_get_u64(task, "size"), wanted;
	struct vg *vg;
	struct lv *lv;
	int r = -EINVAL;

	lv = task_lv(task, o, &vg, &r);
	if (!lv)
		return r;
	wanted = size / vg_extent(vg) + (size % vg_extent(vg) != 0);
	if (!evms_task_has(task, "size") || !wanted)
		return evms_task_fail(task, EINVAL, "lvm2.size", "give the new size");
	if (larger ? wanted <= lv->extents : wanted >= lv->extents)
		return evms_task_fail(task, EINVAL, "lvm2.size", "the volume has %" PRIu64 " bytes already, which "
				      "is not %s than %" PRIu64, lv->extents * vg_extent(vg),
				      larger ? "less" : "more", wanted * vg_extent(vg));
	r = larger ? grow_lv(task, vg, lv, wanted) : shrink_lv(task, vg, lv, (uint32_t)wanted);
	return r < 0 ? r : vg_touch(vg);
}

/* How many extents the volume could get. A linear one can have all that are free; stripes have to be tried. */
static int most_extents(struct vg *vg, const struct lv *lv, const struct seg *last, uint64_t *out)
{
	const uint32_t limit = UINT32_MAX - lv->extents;
	uint64_t room = 0;
	struct rows rows;
	size_t i;
	int r = pick_pvs(vg, NULL);

	if (r < 0)
		return r;
	if (last->n == 1) {
		for (i = 0; i < vg->pv_count; i++)
			room += vg->pvs[i]->picked ? vg->pvs[i]->free.total : 0;
		*out = room < limit ? room : limit;
		return 0;
	}
	r = alloc_rows(vg, last->n, limit / last->n, last, &rows);
	if (r < 0)
		return r;
	*out = (uint64_t)rows.got * last->n;
	alloc_undo(&rows);
	rows_free(&rows);
	return 0;
}

int region_limits(struct evms_object *o, struct evms_limits *out)
{
	struct evms_object *group = evms_get_parent(o);
	struct vg *vg = group ? evms_get_private(group) : NULL;
	struct lv *lv = region_lv(o);
	const struct seg *last;
	uint64_t more;
	int r;

	out->min_size = out->max_size = evms_get_size(o);
	out->step = 1;
	if (!vg || !lv || vg->frozen || !lv_is_plain(lv) || !lv->seg_count)
		return 0;
	last = &lv->segs[lv->seg_count - 1];
	out->step = vg_extent(vg) * (last->n ? last->n : 1);
	out->min_size = vg_extent(vg) * (lv->segs[0].n ? lv->segs[0].n : 1);
	if (last->kind != SEG_STRIPED)
		return 0;
	r = most_extents(vg, lv, last, &more);
	if (r == 0)
		out->max_size += more * vg_extent(vg);
	return r;
}

int region_rename(struct evms_task *task, struct evms_object *o)
{
	const char *name = evms_task_get_str(task, "name");
	struct lv_edit edit = { 0 };
	struct vg *vg;
	struct lv *lv;
	int r = -EINVAL;

	lv = task_lv(task, o, &vg, &r);
	if (!lv)
		return r;
	r = check_name(task, vg, name);
	if (r == 0) {
		edit.name = arena_copy(&vg->arena, name, strlen(name));
		r = edit.name ? print_lv(vg, lv, &edit) : -ENOMEM;
	}
	if (r == 0)
		r = evms_set_label(o, name);
	if (r == 0)
		r = evms_set_name(o, name);
	if (r < 0)
		return r;
	names_remove(&vg->lv_names, &lv->name);
	lv->name.s = edit.name;
	lv->name.len = (uint32_t)strlen(edit.name);
	names_add(&vg->lv_names, &lv->name);	/* cannot fail: there was room, and it is new */
	return vg_touch(vg);
}

static bool tag_valid(const char *tag)
{
	size_t i;

	for (i = 0; tag[i]; i++)
		if (!name_valid(&tag[i], 1) && tag[i] != '-' && tag[i] != '.' && !strchr("/=!:&#", tag[i]))
			return false;
	return i > 0;
}

/* One list of a volume's text, without one word and with another. */
static int edit_list(const struct lv *lv, const char *key, const char *drop, const char *add,
		     struct buf *b)
{
	struct item it;
	struct value v;
	struct tok t, list;

	tok_init(&t, lv->text);
	tok_item(&t, &it);
	while (t.depth && tok_item(&t, &it) >= 0 && t.depth) {
		if (it.type == ITEM_SECTION) {
			if (tok_skip(&t) < 0)
				break;
			continue;
		}
		if (it.key_len != strlen(key) || memcmp(it.key, key, it.key_len) || it.type != ITEM_LIST)
			continue;
		tok_list(&list, &it);
		while (tok_next(&list, &v) > 0) {
			if ((drop && value_is(&v, drop)) || (add && value_is(&v, add)))
				continue;
			if (b->len)
				buf_str(b, ", ");
			buf_quoted(b, v.s, v.len);
		}
		break;
	}
	if (add) {
		if (b->len)
			buf_str(b, ", ");
		buf_quoted(b, add, strlen(add));
	}
	return b->failed ? -ENOMEM : 0;
}

static int set_permission(struct lv *lv, bool writable)
{
	if (writable) {
		lv->flags |= LV_WRITE;
		return evms_clear_state(lv->object, EVMS_STATE_READ_ONLY);
	}
	if (!(lv->flags & LV_WRITE))
		return 0;
	lv->flags &= ~LV_WRITE;
	return evms_note(lv->object, EVMS_STATE_READ_ONLY, "lvm2.permission", "the volume is marked "
			 "read-only");
}

int lvm2_set(struct evms_task *task)
{
	struct evms_object *o = evms_task_get_input(task, 0);
	const char *permission = evms_task_get_str(task, "permission");
	const char *add = evms_task_get_str(task, "add-tag"), *drop = evms_task_get_str(task, "remove-tag");
	struct buf status = { NULL, 0, 0, false }, tags = status;
	struct lv_edit edit = { 0 };
	bool writable = permission && !strcmp(permission, "rw");
	struct vg *vg;
	struct lv *lv;
	int r = -EINVAL;

	if (!o || evms_get_kind(o) != EVMS_KIND_REGION)
		return evms_task_fail(task, ENOTSUP, "lvm2.input", "only volumes have attributes to set");
	if ((add && !tag_valid(add)) || (drop && !tag_valid(drop)))
		return evms_task_fail(task, EINVAL, "lvm2.tag", "a tag has letters, digits and . _ - + / = ! : "
				      "& #");
	lv = task_lv(task, o, &vg, &r);
	if (!lv)
		return r;
	r = 0;
	buf_add(&tags, "", 0);
	if (permission) {
		r = edit_list(lv, "status", "WRITE", writable ? "WRITE" : NULL, &status);
		edit.status = status.data;
	}
	if (r == 0 && (add || drop)) {
		r = edit_list(lv, "tags", drop, add, &tags);
		edit.tags = tags.data;
	}
	if (r == 0)
		r = tags.failed ? -ENOMEM : print_lv(vg, lv, &edit);
	if (r == 0 && permission)
		r = set_permission(lv, writable);
	buf_free(&status);
	buf_free(&tags);
	return r < 0 ? r : vg_touch(vg);
}
