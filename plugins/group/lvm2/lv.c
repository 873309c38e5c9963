/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Logical volumes: from text to segments; who uses what; which extents are free. */
#include <stdlib.h>
#include "lvm2.h"

struct use {				/* extents of a physical volume that a volume holds */
	struct lv *lv;
	struct pv *pv;
	uint32_t start, len;
};

struct ref {				/* a volume that another one names */
	const char *name;
	uint32_t len;
	uint32_t flags;			/* what that makes of it */
};

struct lv_parse {
	struct vg *vg;
	struct tok *tok;
	struct use *uses;
	size_t use_count, use_capacity;
	struct ref *refs;
	size_t ref_count, ref_capacity;
	struct seg *segs;		/* of the volume under way */
	size_t seg_count, seg_capacity;
	struct lv **all;
	size_t all_count, all_capacity;
	struct pv *last;		/* that was named last */
	struct names ids;
};

static void damaged(struct lv *lv, const char *what)
{
	if (!lv->damage)
		lv->damage = what;
}

static int add_ref(struct lv_parse *s, const char *name, uint32_t len, uint32_t flags)
{
	if (!grow(&s->refs, s->ref_count, &s->ref_capacity, sizeof(*s->refs)))
		return -ENOMEM;
	s->refs[s->ref_count++] = (struct ref) { name, len, flags };
	return 0;
}

static int add_use(struct lv_parse *s, struct lv *lv, struct pv *pv, uint32_t start, uint32_t len)
{
	if (!grow(&s->uses, s->use_count, &s->use_capacity, sizeof(*s->uses)))
		return -ENOMEM;
	s->uses[s->use_count++] = (struct use) { lv, pv, start, len };
	return 0;
}

static void seg_type(struct seg *seg, const struct value *v)
{
	if (value_is(v, "striped") || value_is(v, "linear"))
		seg->kind = SEG_STRIPED;
	else if (value_is(v, "zero"))
		seg->kind = SEG_ZERO;
	else if (value_is(v, "error"))
		seg->kind = SEG_ERROR;
}

static struct pv *find_pv(struct lv_parse *s, const char *name, size_t len)
{
	const struct pv *last = s->last;

	if (!last || last->name.len != len || memcmp(last->name.s, name, len))
		s->last = (struct pv *)names_find(&s->vg->pv_names, name, len);	/* its first member */
	return s->last;
}

/* stripes = ["pv0", 0, "pv1", 0] */
static int read_stripes(struct lv_parse *s, struct lv *lv, struct seg *seg, const struct item *list)
{
	struct area areas[STRIPES_MAX];
	struct value who, where;
	unsigned n = 0;
	struct tok t;

	tok_list(&t, list);
	while (tok_next(&t, &who) > 0) {
		struct area *a = &areas[n];

		if (n == STRIPES_MAX || tok_next(&t, &where) <= 0 || who.type != VALUE_STRING ||
		    where.type != VALUE_INT || where.negative || where.u64 > UINT32_MAX ||
		    who.len > NAME_MAX_LEN) {
			damaged(lv, "a list of stripes is not one");
			return 0;
		}
		n++;
		a->start = (uint32_t)where.u64;
		a->on.pv = find_pv(s, who.s, who.len);
		a->is_lv = !a->on.pv;
		a->name_len = (uint16_t)who.len;
		if (a->is_lv)
			a->on.name = who.s;
	}
	seg->areas = arena_alloc(&s->vg->arena, n * sizeof(*areas));
	if (!seg->areas)
		return -ENOMEM;
	memcpy(seg->areas, areas, n * sizeof(*areas));
	seg->n = (uint16_t)n;
	return 0;
}

static int use_areas(struct lv_parse *s, struct lv *lv, struct seg *seg)
{
	uint32_t len = seg->count / seg->n, i;
	int r = 0;

	for (i = 0; i < seg->n && r == 0; i++) {
		struct area *a = &seg->areas[i];

		if (a->is_lv) {
			lv->flags |= LV_STACKED;
			r = add_ref(s, a->on.name, a->name_len, LV_SUB);
		} else if (a->start > a->on.pv->pe_count || len > a->on.pv->pe_count - a->start) {
			damaged(lv, "a segment leaves its physical volume");
		} else {
			r = add_use(s, lv, a->on.pv, a->start, len);
		}
	}
	return r;
}

/* A segment that we cannot map: every word in it may be the name of a volume that it needs. */
static int read_words(struct lv_parse *s, const char *text)
{
	struct value v;
	struct item it;
	struct tok t, list;
	int r = 0;

	tok_init(&t, text);
	t.depth = 1;
	while (t.depth && r == 0) {
		uint32_t flags = 0;

		if (tok_item(&t, &it) <= 0 || it.type == ITEM_SECTION)
			continue;
		if (KEY_IS(&it, "origin"))
			flags = LV_ORIGIN;
		if (it.type == ITEM_VALUE && it.value.type == VALUE_STRING) {
			r = add_ref(s, it.value.s, it.value.len, flags);
		} else if (it.type == ITEM_LIST) {
			tok_list(&list, &it);
			while (r == 0 && tok_next(&list, &v) > 0)
				if (v.type == VALUE_STRING)
					r = add_ref(s, v.s, v.len, 0);
		}
	}
	return r;
}

static int check_seg(struct lv_parse *s, struct lv *lv, struct seg *seg, uint64_t stripe_count,
		     const char *text)
{
	if (!seg->count)
		damaged(lv, "a segment has no length");
	if (seg->kind == SEG_OTHER) {
		lv->flags |= LV_OTHER;
		return read_words(s, text);
	}
	if (seg->kind != SEG_STRIPED) {
		seg->n = 0;
		return 0;
	}
	if (!seg->n || seg->n != stripe_count)
		damaged(lv, "the number of stripes does not fit their list");
	else if (seg->count % seg->n)
		damaged(lv, "a segment does not divide into its stripes");
	else if (seg->n > 1 && (!seg->stripe || seg->stripe & (seg->stripe - 1) ||
				seg->stripe > s->vg->extent_size))
		damaged(lv, "the stripe size is impossible");
	if (lv->damage) {
		seg->n = 0;
		return 0;
	}
	return use_areas(s, lv, seg);
}

static int read_seg(struct lv_parse *s, struct lv *lv)
{
	const char *text = s->tok->p;
	struct seg seg = { .kind = SEG_OTHER };
	uint64_t stripe_count = 1;
	bool ok = true, sized = false, typed = false;
	struct item it;
	int r;

	while ((r = tok_item(s->tok, &it)) > 0) {
		if (it.type == ITEM_SECTION) {
			r = tok_skip(s->tok);
		} else if (KEY_IS(&it, "start_extent")) {
			ok &= value_u32(&it, &seg.start);
		} else if (KEY_IS(&it, "extent_count")) {
			ok &= value_u32(&it, &seg.count);
			sized = true;
		} else if (KEY_IS(&it, "type") && !typed) {
			typed = it.type == ITEM_VALUE;
			if (typed && !lv->type) {
				lv->type = it.value.s;
				lv->type_len = it.value.len;
			}
			if (typed)
				seg_type(&seg, &it.value);
		} else if (KEY_IS(&it, "stripe_count")) {
			ok &= value_u64(&it, &stripe_count);
		} else if (KEY_IS(&it, "stripe_size")) {
			ok &= value_u32(&it, &seg.stripe);
		} else if (KEY_IS(&it, "stripes") && it.type == ITEM_LIST && !seg.areas) {
			r = read_stripes(s, lv, &seg, &it);
		}
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	if (!ok || !sized || !typed)
		damaged(lv, "a segment lacks its numbers or its type");
	if (!grow(&s->segs, s->seg_count, &s->seg_capacity, sizeof(*s->segs)))
		return -ENOMEM;
	r = check_seg(s, lv, &seg, stripe_count, text);
	s->segs[s->seg_count++] = seg;
	return r;
}

static void lv_status(struct lv *lv, const struct item *it)
{
	static const char *const known[] = { "READ", "FIXED_MINOR", "NOTSYNCED", "REBUILD", "WRITEMOSTLY",
					     NULL };
	const char *const *k;
	struct value v;
	struct tok t;

	if (it->type != ITEM_LIST)
		return;
	tok_list(&t, it);
	while (tok_next(&t, &v) > 0) {
		if (value_is(&v, "WRITE")) {
			lv->flags |= LV_WRITE;
		} else if (value_is(&v, "VISIBLE")) {
			lv->flags |= LV_VISIBLE;
		} else if (value_is(&v, "PVMOVE") || value_is(&v, "LOCKED")) {
			lv->flags |= LV_LOCKED;
		} else {
			for (k = known; *k && !value_is(&v, *k); k++)
				;
			if (!*k)
				damaged(lv, "it has an unknown status flag");
		}
	}
}

static void lv_flags(struct lv *lv, const struct item *it)
{
	struct value v;
	struct tok t;

	if (it->type != ITEM_LIST)
		return;
	tok_list(&t, it);
	while (tok_next(&t, &v) > 0)
		if (value_is(&v, "WRITE_LOCKED"))
			lv->flags |= LV_LOCKED;
}

static int compare_segs(const void *a, const void *b)
{
	const struct seg *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Segments tile the volume. */
static int place_segs(struct lv_parse *s, struct lv *lv, uint64_t expected)
{
	uint64_t at = 0;
	size_t i;

	for (i = 1; i < s->seg_count; i++)
		if (s->segs[i].start < s->segs[i - 1].start)
			break;
	if (i < s->seg_count)
		qsort(s->segs, s->seg_count, sizeof(*s->segs), compare_segs);
	for (i = 0; i < s->seg_count; i++) {
		if (s->segs[i].start != at)
			damaged(lv, "its segments have a gap or overlap");
		at += s->segs[i].count;
	}
	if (!s->seg_count || expected != s->seg_count)
		damaged(lv, "it has not as many segments as it says");
	if (at > UINT32_MAX) {
		damaged(lv, "it is impossibly large");
		at = 0;
	}
	lv->extents = (uint32_t)at;
	lv->seg_count = (uint32_t)s->seg_count;
	lv->segs = arena_alloc(&s->vg->arena, s->seg_count * sizeof(*s->segs));
	if (!lv->segs)
		return -ENOMEM;
	if (s->seg_count)
		memcpy(lv->segs, s->segs, s->seg_count * sizeof(*s->segs));
	return 0;
}

static int lv_items(struct lv_parse *s, struct lv *lv)
{
	uint64_t expected = 0;
	struct item it;
	int r;

	s->seg_count = 0;
	while ((r = tok_item(s->tok, &it)) > 0) {
		if (it.type == ITEM_SECTION) {
			if (it.key_len > 7 && !memcmp(it.key, "segment", 7))
				r = read_seg(s, lv);
			else
				r = tok_skip(s->tok);
			if (r < 0)
				return r;
		} else if (KEY_IS(&it, "id") && !lv->id) {
			if (it.type == ITEM_VALUE && uuid_valid(it.value.s, it.value.len))
				lv->id = it.value.s;
		} else if (KEY_IS(&it, "status")) {
			lv_status(lv, &it);
		} else if (KEY_IS(&it, "flags")) {
			lv_flags(lv, &it);
		} else if (KEY_IS(&it, "segment_count")) {
			value_u64(&it, &expected);
		}
	}
	return r < 0 ? r : place_segs(s, lv, expected);
}

/* 1: read; 0: its text is of another form. */
static int lv_quick(struct lv_parse *s, struct lv *lv)
{
	struct seg seg = { .kind = SEG_STRIPED, .n = 1 };
	struct quick_lv q;
	const char *p = quick_lv(s->tok->p, s->vg->text + s->vg->text_len, &q);
	struct pv *pv = p ? find_pv(s, q.pv, q.pv_len) : NULL;
	int r;

	if (!pv)
		return 0;
	s->tok->p = p;
	s->tok->depth--;
	if (uuid_valid(q.id, UUID_TEXT))
		lv->id = q.id;
	lv->type = "striped";
	lv->type_len = 7;
	lv->flags = LV_VISIBLE | (q.writable ? LV_WRITE : 0);
	seg.count = q.count;
	seg.areas = arena_alloc(&s->vg->arena, sizeof(*seg.areas));
	s->seg_count = 0;
	if (!seg.areas || !grow(&s->segs, 0, &s->seg_capacity, sizeof(*s->segs)))
		return -ENOMEM;
	*seg.areas = (struct area) { .on.pv = pv, .start = q.start };
	r = check_seg(s, lv, &seg, 1, NULL);
	s->segs[s->seg_count++] = seg;
	if (r == 0)
		r = place_segs(s, lv, 1);
	return r < 0 ? r : 1;
}

static int read_lv(struct lv_parse *s, const struct item *head)
{
	struct vg *vg = s->vg;
	struct lv *lv = arena_alloc(&vg->arena, sizeof(*lv));
	int r;

	if (!lv)
		return -ENOMEM;
	memset(lv, 0, sizeof(*lv));
	lv->text = head->start;
	lv->name.s = head->key;
	lv->name.len = head->key_len;
	r = lv_quick(s, lv);
	if (r == 0)
		r = lv_items(s, lv);
	if (r < 0)
		return r;
	if (s->tok->p - lv->text > INT32_MAX) {
		s->tok->error = "a volume's section is too long";
		return -EBADMSG;
	}
	lv->text_len = (uint32_t)(s->tok->p - lv->text);
	r = name_valid(lv->name.s, lv->name.len) ? vg_link_lv(vg, lv) : -EEXIST;
	if (r < 0 && r != -EEXIST)
		return r;
	if (r < 0) {
		vg->damaged = true;
		vg_freeze(vg, "lvm2.name", "two volumes have one name, or a volume has none that is valid: "
			  "they are left out");
		lv->damage = "name";	/* its extents stay taken */
	}
	if (!grow(&s->all, s->all_count, &s->all_capacity, sizeof(struct lv *)))
		return -ENOMEM;
	s->all[s->all_count++] = lv;
	return 0;
}

/* tok stands behind the opening brace of logical_volumes. */
int lv_section(struct vg *vg, struct tok *tok, struct lv_parse **state)
{
	struct lv_parse *s = calloc(1, sizeof(*s));
	struct item it;
	int r;

	if (!s)
		return -ENOMEM;
	*state = s;
	s->vg = vg;
	if (!names_reserve(&vg->lv_names, vg->text_len / 320))	/* about what a volume takes */
		return -ENOMEM;
	s->tok = tok;
	while ((r = tok_item(tok, &it)) > 0) {
		if (it.type == ITEM_SECTION)
			r = read_lv(s, &it);
		if (r < 0)
			return r;
	}
	return r;
}

static void resolve_refs(struct lv_parse *s)
{
	size_t i;

	for (i = 0; i < s->ref_count; i++) {
		struct lv *lv = vg_find_lv(s->vg, s->refs[i].name, s->refs[i].len);

		if (!lv)
			continue;
		lv->refs++;
		lv->flags |= s->refs[i].flags;
	}
}

static void resolve_areas(struct lv_parse *s, struct lv *lv)
{
	uint32_t i, k;

	for (i = 0; i < lv->seg_count; i++) {
		struct seg *seg = &lv->segs[i];

		for (k = 0; k < seg->n; k++) {
			struct area *a = &seg->areas[k];
			struct lv *sub;

			if (!a->is_lv)
				continue;
			sub = vg_find_lv(s->vg, a->on.name, a->name_len);
			if (!sub || sub == lv || a->start > sub->extents ||
			    seg->count / seg->n > sub->extents - a->start)
				damaged(lv, "a segment lies on something that is not there");
			a->on.lv = sub;
		}
	}
}

static int compare_uses(const void *a, const void *b)
{
	const struct use *x = a, *y = b;

	if (x->pv != y->pv)
		return x->pv->index < y->pv->index ? -1 : 1;
	return x->start < y->start ? -1 : x->start > y->start;
}

/* What no volume holds is free; what two hold belongs to neither. */
static int settle_uses(struct lv_parse *s)
{
	struct vg *vg = s->vg;
	struct use *widest = NULL;	/* of those seen, the one that reaches furthest */
	size_t i, k = 0;
	int r = 0;

	for (i = 1; i < s->use_count && compare_uses(&s->uses[i - 1], &s->uses[i]) <= 0; i++)
		;
	if (i < s->use_count)
		qsort(s->uses, s->use_count, sizeof(*s->uses), compare_uses);
	for (i = 0; i < vg->pv_count && r == 0; i++) {
		struct pv *pv = vg->pvs[i];
		uint32_t at = 0;

		widest = NULL;
		for (; k < s->use_count && s->uses[k].pv == pv && r == 0; k++) {
			struct use *u = &s->uses[k];

			if (u->start < at) {
				damaged(u->lv, "another volume has the same extents");
				damaged(widest->lv, "another volume has the same extents");
			} else {
				r = free_put(&pv->free, at, u->start - at);
			}
			if (!widest || u->start + u->len > at) {
				at = u->start + u->len;
				widest = u;
			}
		}
		if (r == 0)
			r = free_put(&pv->free, at, pv->pe_count - at);
	}
	return r;
}

/* Two volumes with one id. */
static int check_ids(struct lv_parse *s)
{
	struct vg *vg = s->vg;
	struct name *nodes, *n;
	struct lv *lv;
	int r = 0;

	nodes = n = calloc(vg->lv_count + 1, sizeof(*nodes));
	if (!nodes || !names_reserve(&s->ids, vg->lv_count)) {
		free(nodes);
		return -ENOMEM;
	}
	for (lv = vg->first; lv; lv = lv->next) {
		if (!lv->id) {
			damaged(lv, "it has no valid id");
			continue;
		}
		n->s = lv->id;
		n->len = UUID_TEXT;
		r = names_add(&s->ids, n++);
		if (r == -EEXIST)
			damaged(lv, "another volume has the same id");
		else if (r < 0)
			break;
	}
	free(nodes);
	names_free(&s->ids);
	return lv ? r : 0;
}

int lv_finish(struct vg *vg, struct lv_parse *s)
{
	struct lv_parse none = { .vg = vg };
	struct lv *lv;
	size_t i;
	int r;

	if (!s)
		return settle_uses(&none);
	resolve_refs(s);
	for (i = 0; i < s->all_count; i++)
		if (s->all[i]->flags & LV_STACKED)
			resolve_areas(s, s->all[i]);
	r = settle_uses(s);
	if (r == 0)
		r = check_ids(s);
	for (lv = vg->first; lv && r == 0; lv = lv->next)
		if (lv->damage) {
			vg->damaged = true;
			vg_freeze(vg, "lvm2.volume", "a volume of the group is damaged");
		}
	return r;
}

void lv_parse_free(struct lv_parse *s)
{
	if (!s)
		return;
	free(s->uses);
	free(s->refs);
	free(s->segs);
	free(s->all);
	names_free(&s->ids);
	free(s);
}
