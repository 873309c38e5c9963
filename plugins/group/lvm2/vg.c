/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The group: its text becomes our model. Volumes are read in lv.c. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <time.h>
#include "lvm2.h"

#define SECTORS_MAX	(UINT64_C(1) << 54)

struct vg_parse {
	struct vg *vg;
	struct tok tok;
	struct lv_parse *lvs;
	const char *lv_text;		/* volumes that come before the physical volumes */
	bool have_pvs, have_lvs, have_id, have_seqno, have_extent;
	bool read_only, locked, contents, version;
	const char *error;
};

static int fail(struct vg_parse *s, const char *error)
{
	if (!s->error)
		s->error = error;
	return -EBADMSG;
}

void vg_freeze(struct vg *vg, const char *reason, const char *text)
{
	if (vg->frozen)
		return;
	vg->frozen_reason = reason;
	vg->frozen = text;
}

void vg_seal(struct vg *vg, const char *reason, const char *text)
{
	if (!vg->sealed)
		vg->frozen = NULL;	/* the graver reason is the one to tell */
	vg->sealed = true;
	vg_freeze(vg, reason, text);
}

bool name_valid(const char *s, size_t len)
{
	size_t i;

	if (!len || len > NAME_MAX_LEN || s[0] == '-' || (len == 1 && s[0] == '.') ||
	    (len == 2 && s[0] == '.' && s[1] == '.'))
		return false;
	for (i = 0; i < len; i++)
		if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'z') ||
		      (s[i] >= 'A' && s[i] <= 'Z') || s[i] == '.' || s[i] == '_' || s[i] == '+' ||
		      s[i] == '-'))
			return false;
	return true;
}

int vg_add_pv(struct vg *vg, struct pv *pv)
{
	int r;

	if (!grow(&vg->pvs, vg->pv_count, &vg->pv_capacity, sizeof(struct pv *)))
		return -ENOMEM;
	r = names_add(&vg->pv_names, &pv->name);
	if (r < 0)
		return r;
	r = names_add(&vg->pv_ids, &pv->id);
	if (r < 0) {
		names_remove(&vg->pv_names, &pv->name);
		return r;
	}
	pv->index = (uint32_t)vg->pv_count;
	vg->pvs[vg->pv_count++] = pv;
	return 0;
}

static bool has_word(const struct item *it, const char *word)
{
	struct value v;
	struct tok t;

	if (it->type != ITEM_LIST)
		return false;
	tok_list(&t, it);
	while (tok_next(&t, &v) > 0)
		if (value_is(&v, word))
			return true;
	return false;
}

/* Is each word of a status list among those known? */
static bool all_known(const struct item *it, const char *const *known)
{
	const char *const *k;
	struct value v;
	struct tok t;

	if (it->type != ITEM_LIST)
		return it->value.type == VALUE_STRING && !it->value.len;
	tok_list(&t, it);
	while (tok_next(&t, &v) > 0) {
		for (k = known; *k && !value_is(&v, *k); k++)
			;
		if (!*k)
			return false;
	}
	return true;
}

static void pv_item(struct vg *vg, struct pv *pv, const struct item *it, bool *ok)
{
	static const char *const known[] = { "ALLOCATABLE", "EXPORTED", "MISSING", NULL };

	if (KEY_IS(it, "id") && !pv->id.s && it->type == ITEM_VALUE) {
		pv->id.s = it->value.s;
		pv->id.len = it->value.len;
	} else if (KEY_IS(it, "device") && !pv->hint && it->type == ITEM_VALUE) {
		pv->hint = it->value.s;
		pv->hint_len = it->value.len;
	} else if (KEY_IS(it, "status")) {
		pv->allocatable = has_word(it, "ALLOCATABLE");
		pv->flagged_missing |= has_word(it, "MISSING");
		if (!all_known(it, known))
			vg_seal(vg, "lvm2.status", "a physical volume has an unknown status flag");
		if (has_word(it, "EXPORTED"))
			vg_seal(vg, "lvm2.exported", "the group is exported: vgimport it first");
	} else if (KEY_IS(it, "flags")) {
		pv->flagged_missing |= has_word(it, "MISSING");
	} else if (KEY_IS(it, "dev_size")) {
		*ok &= value_u64(it, &pv->dev_size);
	} else if (KEY_IS(it, "pe_start")) {
		*ok &= value_u64(it, &pv->pe_start);
	} else if (KEY_IS(it, "pe_count")) {
		*ok &= value_u32(it, &pv->pe_count);
	}
}

static int read_pv(struct vg_parse *s, const struct item *head)
{
	struct vg *vg = s->vg;
	struct pv *pv = arena_alloc(&vg->arena, sizeof(*pv));
	bool ok = true;
	struct item it;
	int r;

	if (!pv)
		return -ENOMEM;
	memset(pv, 0, sizeof(*pv));
	pv->name.s = head->key;
	pv->name.len = head->key_len;
	pv->text = head->start;
	while ((r = tok_item(&s->tok, &it)) > 0) {
		if (it.type == ITEM_SECTION)
			r = tok_skip(&s->tok);
		else
			pv_item(vg, pv, &it, &ok);
		if (r < 0)
			break;
	}
	if (r < 0)
		return r;
	if (s->tok.p - pv->text > INT32_MAX)
		return fail(s, "a physical volume's section is too long");
	pv->text_len = (uint32_t)(s->tok.p - pv->text);
	if (!ok)
		return fail(s, "a physical volume has impossible numbers");
	if (!pv->id.s || !uuid_valid(pv->id.s, pv->id.len))
		return fail(s, "a physical volume has no valid id");
	r = vg_add_pv(vg, pv);
	return r == -EEXIST ? fail(s, "two physical volumes have one name or one id") : r;
}

static int read_pvs(struct vg_parse *s)
{
	struct item it;
	int r;

	if (s->have_pvs)
		return tok_skip(&s->tok);
	s->have_pvs = true;
	while ((r = tok_item(&s->tok, &it)) > 0) {
		if (it.type == ITEM_SECTION)
			r = read_pv(s, &it);
		if (r < 0)
			return r;
	}
	return r;
}

static int read_lvs(struct vg_parse *s, const struct item *head)
{
	if (s->have_lvs)
		return tok_skip(&s->tok);
	s->have_lvs = true;
	if (s->have_pvs)
		return lv_section(s->vg, &s->tok, &s->lvs);
	s->lv_text = head->end;
	return tok_skip(&s->tok);
}

static void vg_status(struct vg_parse *s, const struct item *it)
{
	static const char *const known[] = { "EXPORTED", "RESIZEABLE", "READ", "WRITE", "CLUSTERED",
					     "SHARED", "PVMOVE", NULL };
	struct vg *vg = s->vg;

	if (!all_known(it, known))
		vg_seal(vg, "lvm2.status", "the group has an unknown status flag");
	if (has_word(it, "EXPORTED"))
		vg_seal(vg, "lvm2.exported", "the group is exported: vgimport it first");
	if (has_word(it, "CLUSTERED") || has_word(it, "SHARED"))
		vg_seal(vg, "lvm2.shared", "the group is shared with other hosts");
	if (has_word(it, "PVMOVE"))
		vg_seal(vg, "lvm2.pvmove", "a pvmove is under way: finish it first");
	s->read_only = !has_word(it, "WRITE");
	vg->resizeable = has_word(it, "RESIZEABLE");
}

static int vg_value(struct vg_parse *s, const struct item *it)
{
	struct vg *vg = s->vg;

	if (KEY_IS(it, "id") && !s->have_id) {
		if (it->type != ITEM_VALUE || !uuid_valid(it->value.s, it->value.len))
			return fail(s, "the group has no valid id");
		memcpy(vg->id, it->value.s, UUID_TEXT);
		s->have_id = true;
	} else if (KEY_IS(it, "seqno") && !s->have_seqno) {
		if (!value_u32(it, &vg->seqno))
			return fail(s, "the sequence number is not one");
		s->have_seqno = true;
	} else if (KEY_IS(it, "extent_size") && !s->have_extent) {
		if (!value_u32(it, &vg->extent_size) || !vg->extent_size)
			return fail(s, "the extent size is impossible");
		s->have_extent = true;
	} else if (KEY_IS(it, "max_lv")) {
		value_u32(it, &vg->max_lv);
	} else if (KEY_IS(it, "max_pv")) {
		value_u32(it, &vg->max_pv);
	} else if (KEY_IS(it, "status")) {
		vg_status(s, it);
	} else if (KEY_IS(it, "flags")) {
		s->locked = has_word(it, "WRITE_LOCKED");
	} else if (KEY_IS(it, "system_id") && it->type == ITEM_VALUE && it->value.len) {
		vg_seal(vg, "lvm2.system-id", "the group belongs to another host (system_id)");
	} else if (KEY_IS(it, "lock_type") && it->type == ITEM_VALUE && it->value.len &&
		   !value_is(&it->value, "none")) {
		vg_seal(vg, "lvm2.shared", "the group is shared with other hosts (lock_type)");
	}
	return 0;
}

static int add_item(struct vg *vg, const char *text, const char *end, uint32_t what)
{
	if (end - text > INT32_MAX)
		return -EBADMSG;
	if (!grow(&vg->items, vg->item_count, &vg->item_capacity, sizeof(*vg->items)))
		return -ENOMEM;
	vg->items[vg->item_count++] = (struct vg_item) { text, (uint32_t)(end - text), what };
	return 0;
}

static int read_group(struct vg_parse *s, const struct item *head)
{
	struct item it;
	int r;

	if (!name_valid(head->key, head->key_len))
		return fail(s, "the group has no valid name");
	s->vg->name = arena_copy(&s->vg->arena, head->key, head->key_len);
	if (!s->vg->name)
		return -ENOMEM;
	while ((r = tok_item(&s->tok, &it)) > 0) {
		uint32_t what = VG_RAW;

		if (it.type != ITEM_SECTION) {
			if (KEY_IS(&it, "seqno") && !s->have_seqno)
				what = VG_SEQNO;	/* the first one counts; others stay as text */
			r = vg_value(s, &it);
		} else if (KEY_IS(&it, "physical_volumes")) {
			what = s->have_pvs ? VG_RAW : VG_PVS;
			r = read_pvs(s);
		} else if (KEY_IS(&it, "logical_volumes")) {
			what = s->have_lvs ? VG_RAW : VG_LVS;
			r = read_lvs(s, &it);
		} else {
			r = tok_skip(&s->tok);
		}
		if (r == 0)
			r = add_item(s->vg, it.start, s->tok.p, what);
		if (r < 0)
			break;
	}
	return r;
}

static int read_top(struct vg_parse *s)
{
	struct item it;
	int r;

	while ((r = tok_item(&s->tok, &it)) > 0) {
		if (it.type == ITEM_SECTION && !s->vg->name) {
			r = read_group(s, &it);
		} else if (it.type == ITEM_SECTION) {
			r = tok_skip(&s->tok);
			if (r == 0)
				r = add_item(s->vg, it.start, s->tok.p, VG_TAIL);
		} else if (KEY_IS(&it, "contents")) {
			s->contents |= it.type == ITEM_VALUE &&
				       value_is(&it.value, "Text Format Volume Group");
		} else if (KEY_IS(&it, "version")) {
			s->version |= it.type == ITEM_VALUE && it.value.type == VALUE_INT &&
				      it.value.u64 == 1;
		} else if (!KEY_IS(&it, "description") && !KEY_IS(&it, "creation_host") &&
			   !KEY_IS(&it, "creation_time")) {
			r = add_item(s->vg, it.start, it.end, VG_TAIL);
		}
		if (r < 0)
			return r;
	}
	return r;
}

static int check_group(struct vg_parse *s)
{
	struct vg *vg = s->vg;
	uint64_t extents = 0;
	size_t i;

	if (!vg->name)
		return fail(s, "there is no group in it");
	if (!s->contents || !s->version)
		return fail(s, "its contents or version are not those of metadata");
	if (!s->have_id || !s->have_seqno || !s->have_extent || !s->have_pvs)
		return fail(s, "the group lacks its id, seqno, extent_size or physical_volumes");
	/* Last: what makes a group shared or somebody else's hides WRITE, too. */
	if (s->locked)
		vg_seal(vg, "lvm2.permission", "the group is marked read-only for this tool");
	else if (s->read_only)
		vg_seal(vg, "lvm2.permission", "the group is marked read-only");
	for (i = 0; i < vg->pv_count; i++) {
		const struct pv *pv = vg->pvs[i];

		extents += pv->pe_count;
		if (pv->pe_start > SECTORS_MAX ||
		    (uint64_t)pv->pe_count > SECTORS_MAX / vg->extent_size)
			return fail(s, "a physical volume is impossibly large");
	}
	if (extents > SECTORS_MAX / vg->extent_size)
		return fail(s, "the group is impossibly large");
	return 0;
}

static int parse(struct vg_parse *s)
{
	int r = read_top(s);

	if (r == 0)
		r = check_group(s);
	if (r == 0 && s->lv_text) {
		struct tok after = s->tok;

		tok_init(&s->tok, s->vg->text);
		s->tok.p = s->lv_text;
		s->tok.depth = 1;
		r = lv_section(s->vg, &s->tok, &s->lvs);
		if (r == 0)
			s->tok = after;
	}
	if (r == 0)
		r = lv_finish(s->vg, s->lvs);
	return r;
}

/* Takes the text, which ends with a NUL, also on failure. */
int vg_parse(char *text, struct vg **out, char *why, size_t why_size)
{
	struct vg_parse s = { .vg = calloc(1, sizeof(*s.vg)) };
	int r;

	if (!s.vg) {
		free(text);
		return -ENOMEM;
	}
	s.vg->text = text;
	s.vg->text_len = strlen(text);
	tok_init(&s.tok, text);
	r = parse(&s);
	lv_parse_free(s.lvs);
	if (r < 0) {
		if (s.error || s.tok.error)
			snprintf(why, why_size, "%s (line %u)", s.error ? s.error : s.tok.error,
				 tok_line(&s.tok));
		else
			snprintf(why, why_size, "it cannot be held in memory");
		vg_free(s.vg);
		return r;
	}
	vg_place(s.vg);
	*out = s.vg;
	return 0;
}

void vg_free(struct vg *vg)
{
	size_t i;

	if (!vg)
		return;
	for (i = 0; i < vg->pv_count; i++) {
		free_clear(&vg->pvs[i]->free);
		free(vg->pvs[i]->mdas);
	}
	free(vg->pvs);
	free(vg->items);
	names_free(&vg->pv_names);
	names_free(&vg->pv_ids);
	names_free(&vg->lv_names);
	arena_free(&vg->arena);
	free(vg->text);
	free(vg);
}

uint64_t vg_extent(const struct vg *vg)
{
	return (uint64_t)vg->extent_size * SECTOR;
}

void vg_place(struct vg *vg)
{
	uint64_t at = 0;
	size_t i;

	for (i = 0; i < vg->pv_count; i++) {
		vg->pvs[i]->index = (uint32_t)i;
		vg->pvs[i]->base = at;
		at += vg->pvs[i]->pe_count * vg_extent(vg);
	}
}

uint64_t vg_size(const struct vg *vg)
{
	const struct pv *last = vg->pv_count ? vg->pvs[vg->pv_count - 1] : NULL;

	return last ? last->base + last->pe_count * vg_extent(vg) : 0;
}

struct lv *vg_find_lv(const struct vg *vg, const char *name, size_t len)
{
	return (struct lv *)names_find(&vg->lv_names, name, len);	/* name is its first member */
}

int vg_link_lv(struct vg *vg, struct lv *lv)
{
	int r = names_add(&vg->lv_names, &lv->name);

	if (r < 0)
		return r;
	lv->prev = vg->last;
	lv->next = NULL;
	if (vg->last)
		vg->last->next = lv;
	else
		vg->first = lv;
	vg->last = lv;
	vg->lv_count++;
	return 0;
}

void vg_unlink_lv(struct vg *vg, struct lv *lv)
{
	names_remove(&vg->lv_names, &lv->name);
	if (lv->prev)
		lv->prev->next = lv->next;
	else
		vg->first = lv->next;
	if (lv->next)
		lv->next->prev = lv->prev;
	else
		vg->last = lv->prev;
	vg->lv_count--;
}

void vg_stamp(struct vg *vg)
{
	struct utsname host;
	size_t i;

	vg->stamp = (uint64_t)time(NULL);
	if (!vg->host[0]) {
		if (uname(&host) < 0)
			host.nodename[0] = '\0';
		for (i = 0; i < sizeof(vg->host) - 1 && host.nodename[i]; i++)
			vg->host[i] = name_valid(&host.nodename[i], 1) || host.nodename[i] == '.' ?
				      host.nodename[i] : '_';
		if (!i)
			memcpy(vg->host, "none", 5);
	}
}

int vg_touch(struct vg *vg)
{
	int r = 0;

	vg_stamp(vg);
	/* Each commit brings stale and damaged areas up to date. */
	if (!vg->lasting && evms_get_state(vg->object) & EVMS_STATE_DEGRADED)
		r = evms_clear_state(vg->object, EVMS_STATE_DEGRADED);
	return r < 0 ? r : evms_mark_dirty(vg->object);
}
