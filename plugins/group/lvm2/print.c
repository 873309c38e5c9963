/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From the model back to text, in the order and form that LVM2 writes. What no task changed is copied from
 * the text that was read.
 */
#include "lvm2.h"

static void add_raw(struct buf *b, const char *start, const char *end)
{
	buf_add(b, start, (size_t)(end - start));
	buf_add(b, "\n", 1);
}

static int settle(struct vg *vg, struct buf *b, const char **text, uint32_t *len)
{
	char *copy = b->failed || b->len > INT32_MAX ? NULL : arena_copy(&vg->arena, b->data, b->len);

	if (copy) {
		*text = copy;
		*len = (uint32_t)b->len;
	}
	buf_free(b);
	return copy ? 0 : -ENOMEM;
}

static void print_areas(struct buf *b, const struct seg *seg)
{
	uint32_t i;

	buf_str(b, "\nstripes = [\n");
	for (i = 0; i < seg->n; i++) {
		const struct name *n = seg->areas[i].is_lv ? &seg->areas[i].on.lv->name :
							     &seg->areas[i].on.pv->name;

		buf_quoted(b, n->s, n->len);
		buf_add(b, ", ", 2);
		buf_u64(b, seg->areas[i].start);
		buf_str(b, i + 1 < seg->n ? ",\n" : "\n");
	}
	buf_str(b, "]\n");
}

static void print_seg(struct buf *b, const struct seg *seg, uint32_t number)
{
	buf_str(b, "\nsegment");
	buf_u64(b, number);
	buf_str(b, " {\n");
	buf_key_u64(b, "start_extent", seg->start);
	buf_key_u64(b, "extent_count", seg->count);
	if (seg->kind == SEG_STRIPED) {
		buf_str(b, "\ntype = \"striped\"\n");
		buf_key_u64(b, "stripe_count", seg->n);
		if (seg->n > 1)
			buf_key_u64(b, "stripe_size", seg->stripe);
		print_areas(b, seg);
	} else {
		buf_str(b, seg->kind == SEG_ZERO ? "\ntype = \"zero\"\n" : "\ntype = \"error\"\n");
	}
	buf_str(b, "}\n");
}

/* The items of a segment as they were, with another length. tok stands behind its brace. */
static void copy_seg(struct buf *b, struct tok *t, const struct seg *seg, uint32_t number)
{
	const uint32_t outside = t->depth - 1;
	struct item it;

	buf_str(b, "\nsegment");
	buf_u64(b, number);
	buf_str(b, " {\n");
	while (t->depth > outside && tok_item(t, &it) > 0) {
		if (it.type == ITEM_SECTION) {
			if (tok_skip(t) < 0)
				break;
			add_raw(b, it.start, t->p);
		} else if (KEY_IS(&it, "extent_count")) {
			buf_key_u64(b, "extent_count", seg->count);
		} else {
			add_raw(b, it.start, it.end);
		}
	}
	buf_str(b, "}\n");
}

static bool starts_at(struct tok t, uint32_t start)
{
	struct item it;
	uint32_t v;

	while (tok_item(&t, &it) > 0) {
		if (it.type == ITEM_SECTION) {
			if (tok_skip(&t) < 0)
				return false;
		} else if (KEY_IS(&it, "start_extent")) {
			return value_u32(&it, &v) && v == start;
		}
	}
	return false;
}

/* All segments of the model; t walks the old ones, of which those that still begin alike are kept. */
static void print_segs(struct buf *b, const struct lv *lv)
{
	struct item it;
	struct tok t;
	uint32_t i = 0;

	buf_key_u64(b, "segment_count", lv->seg_count);
	tok_init(&t, lv->text);
	tok_item(&t, &it);
	while (t.depth && i < lv->seg_count) {
		if (tok_item(&t, &it) <= 0 || it.type != ITEM_SECTION)
			continue;
		if (it.key_len > 7 && !memcmp(it.key, "segment", 7)) {
			if (!starts_at(t, lv->segs[i].start))
				break;
			copy_seg(b, &t, &lv->segs[i], i + 1);
			i++;
		} else if (tok_skip(&t) < 0) {
			break;
		}
	}
	for (; i < lv->seg_count; i++)
		print_seg(b, &lv->segs[i], i + 1);
}

static void print_list(struct buf *b, const char *key, const char *inside)
{
	buf_str(b, key);
	buf_str(b, " = [");
	buf_str(b, inside);
	buf_str(b, "]\n");
}

static void edit_item(struct buf *b, const struct lv *lv, const struct item *it,
		      const struct lv_edit *edit)
{
	if (edit->status && KEY_IS(it, "status")) {
		print_list(b, "status", edit->status);
	} else if (edit->tags && KEY_IS(it, "tags")) {
		return;
	} else if (edit->segments && KEY_IS(it, "segment_count")) {
		print_segs(b, lv);
	} else {
		add_raw(b, it->start, it->end);
		if (edit->tags && *edit->tags && KEY_IS(it, "id"))
			print_list(b, "tags", edit->tags);
	}
}

/* Give a volume the text of its model and of the edit. */
int print_lv(struct vg *vg, struct lv *lv, const struct lv_edit *edit)
{
	struct buf b = { NULL, 0, 0, false };
	struct item it;
	struct tok t;

	if (edit->name)
		buf_str(&b, edit->name);
	else
		buf_add(&b, lv->name.s, lv->name.len);
	buf_str(&b, " {\n");
	tok_init(&t, lv->text);
	tok_item(&t, &it);
	while (t.depth) {
		if (tok_item(&t, &it) <= 0)
			continue;	/* the end of the section: it was read before */
		if (it.type != ITEM_SECTION) {
			edit_item(&b, lv, &it, edit);
			continue;
		}
		if (tok_skip(&t) < 0)
			break;
		if (edit->segments && it.key_len > 7 && !memcmp(it.key, "segment", 7))
			continue;
		buf_add(&b, "\n", 1);
		add_raw(&b, it.start, t.p);
	}
	buf_str(&b, "}");
	return settle(vg, &b, &lv->text, &lv->text_len);
}

/* The text of a volume that is new. */
int print_new_lv(struct vg *vg, struct lv *lv, const char *name, const char *id)
{
	struct buf b = { NULL, 0, 0, false };
	uint32_t i;

	buf_reserve(&b, 512);
	buf_str(&b, name);
	buf_str(&b, " {\n");
	buf_key_str(&b, "id", id, UUID_TEXT);
	buf_str(&b, "status = [\"READ\", \"WRITE\", \"VISIBLE\"]\nflags = []\n");
	buf_key_u64(&b, "creation_time", vg->stamp);
	buf_key_str(&b, "creation_host", vg->host, strlen(vg->host));
	buf_key_u64(&b, "segment_count", lv->seg_count);
	for (i = 0; i < lv->seg_count; i++)
		print_seg(&b, &lv->segs[i], i + 1);
	buf_str(&b, "}");
	return settle(vg, &b, &lv->text, &lv->text_len);
}

/* The text of a physical volume that is new. */
int print_pv(struct vg *vg, struct pv *pv)
{
	struct buf b = { NULL, 0, 0, false };

	buf_add(&b, pv->name.s, pv->name.len);
	buf_str(&b, " {\n");
	buf_key_str(&b, "id", pv->id.s, pv->id.len);
	buf_key_str(&b, "device", pv->hint, pv->hint_len);
	buf_str(&b, "\nstatus = [\"ALLOCATABLE\"]\nflags = []\n");
	buf_key_u64(&b, "dev_size", pv->dev_size);
	buf_key_u64(&b, "pe_start", pv->pe_start);
	buf_key_u64(&b, "pe_count", pv->pe_count);
	buf_str(&b, "}");
	return settle(vg, &b, &pv->text, &pv->text_len);
}

static void print_pvs(const struct vg *vg, struct buf *b)
{
	size_t i;

	buf_str(b, "\nphysical_volumes {\n");
	for (i = 0; i < vg->pv_count; i++) {
		buf_add(b, "\n", 1);
		add_raw(b, vg->pvs[i]->text, vg->pvs[i]->text + vg->pvs[i]->text_len);
	}
	buf_str(b, "}\n");
}

static void print_lvs(const struct vg *vg, struct buf *b)
{
	const struct lv *lv;
	size_t len = 0;

	if (!vg->first)
		return;
	for (lv = vg->first; lv; lv = lv->next)
		len += lv->text_len + 2;
	buf_reserve(b, len + 4096);
	buf_str(b, "\nlogical_volumes {\n");
	for (lv = vg->first; lv; lv = lv->next) {
		buf_add(b, "\n", 1);
		add_raw(b, lv->text, lv->text + lv->text_len);
	}
	buf_str(b, "}\n");
}

static void print_tail(const struct vg *vg, struct buf *b)
{
	size_t i;

	buf_str(b, "# Generated by libevms\n\ncontents = \"Text Format Volume Group\"\nversion = 1\n\n"
		"description = \"Written by libevms\"\n\n");
	buf_key_str(b, "creation_host", vg->host, strlen(vg->host));
	buf_key_u64(b, "creation_time", vg->stamp);
	for (i = 0; i < vg->item_count; i++)
		if (vg->items[i].what == VG_TAIL)
			add_raw(b, vg->items[i].text, vg->items[i].text + vg->items[i].len);
	buf_add(b, "\n", 1);
}

/* The whole text, without the NUL that ends it on the device. */
int print_vg(const struct vg *vg, struct buf *b)
{
	bool lvs = false;
	size_t i;

	buf_str(b, vg->name);
	buf_str(b, " {\n");
	for (i = 0; i < vg->item_count; i++) {
		const struct vg_item *it = &vg->items[i];

		switch (it->what) {
		case VG_SEQNO:
			buf_key_u64(b, "seqno", (uint64_t)vg->seqno + 1);
			break;
		case VG_PVS:
			print_pvs(vg, b);
			break;
		case VG_LVS:
			print_lvs(vg, b);
			lvs = true;
			break;
		case VG_RAW:
			add_raw(b, it->text, it->text + it->len);
			break;
		default:
			break;
		}
	}
	if (!lvs)
		print_lvs(vg, b);
	buf_str(b, "\n}\n");
	print_tail(vg, b);
	return b->failed ? -ENOMEM : 0;
}
