/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Assembling a group from its physical volumes. The valid text with the highest sequence number tells what
 * the group is; each different text is read once, however many areas hold it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "lvm2.h"

struct source {				/* a member with its label and areas */
	struct evms_object *o;
	struct label label;
	struct mda *mdas;
	uint32_t mda_count;
	bool current;			/* an area of it holds the winning text */
};

struct version {			/* a text, known by its size and checksum */
	uint64_t size;
	uint32_t crc, seqno;
	bool good;
};

struct assembly {
	const char *key;		/* id of the group */
	struct source *sources;
	size_t source_count, source_capacity;
	struct version *versions;
	size_t version_count, version_capacity;
	char *text;			/* of the winner */
	size_t winner;
	bool rival;			/* another text has the winner's number */
	const char *why;		/* what was wrong with the last bad text */
	struct vg *vg;
};

static void assembly_free(struct assembly *a)
{
	size_t i;

	for (i = 0; i < a->source_count; i++)
		free(a->sources[i].mdas);
	free(a->sources);
	free(a->versions);
	free(a->text);
}

static struct version *version_of(struct assembly *a, const struct mda *m)
{
	size_t i;

	for (i = 0; i < a->version_count; i++)
		if (a->versions[i].size == m->text_size && a->versions[i].crc == m->text_crc)
			return &a->versions[i];
	if (!grow(&a->versions, a->version_count, &a->version_capacity, sizeof(*a->versions)))
		return NULL;
	a->versions[a->version_count] = (struct version) { m->text_size, m->text_crc, 0, false };
	return &a->versions[a->version_count++];
}

/* The text of an area, when it is valid and of this group. Otherwise *out is NULL. */
static int read_text(struct assembly *a, struct evms_object *o, const struct mda *m, uint32_t *seqno,
		     char **out)
{
	char id[UUID_TEXT + 1], *text;
	int r;

	*out = NULL;
	if (m->text_size > TEXT_MAX) {
		a->why = "the metadata is impossibly large";
		return 0;
	}
	text = malloc((size_t)m->text_size + 1);
	if (!text)
		return evms_fail(o, ENOMEM, "lvm2.memory", "no memory for %" PRIu64 " bytes of metadata",
				 m->text_size);
	r = mda_read_text(o, m, 0, text, (size_t)m->text_size);
	text[m->text_size] = '\0';
	if (r < 0)
		a->why = "the metadata cannot be read";
	else if (lvm_crc(text, (size_t)m->text_size) != m->text_crc)
		a->why = "the checksum of the metadata is wrong";
	else if (text_peek(text, id, seqno) <= 0)
		a->why = "the metadata does not begin with a group";
	else if (strcmp(id, a->key))
		a->why = "the metadata is another group's";
	else {
		*out = text;
		return 0;
	}
	free(text);
	return r == -ENOMEM ? r : 0;
}

static int consider(struct assembly *a, struct source *s, const struct mda *m)
{
	struct version *v;
	char *text;
	int r;

	if (a->vg)
		return 0;		/* the winner is settled */
	v = version_of(a, m);
	if (!v)
		return -ENOMEM;
	if (v->good)
		return 0;
	r = read_text(a, s->o, m, &v->seqno, &text);
	if (r < 0 || !text)
		return r;
	v->good = true;
	if (a->text && v->seqno == a->versions[a->winner].seqno)
		a->rival = true;
	if (a->text && v->seqno <= a->versions[a->winner].seqno) {
		free(text);
		return 0;
	}
	free(a->text);
	a->text = text;
	a->winner = (size_t)(v - a->versions);
	a->rival = false;
	return 0;
}

static int add_source(struct assembly *a, struct evms_object *o)
{
	struct source *s;
	const char *why;
	uint32_t i;
	int r;

	if (!grow(&a->sources, a->source_count, &a->source_capacity, sizeof(*a->sources)))
		return -ENOMEM;
	s = &a->sources[a->source_count];
	memset(s, 0, sizeof(*s));
	s->o = o;
	r = label_read(o, &s->label, &why);
	if (r != LABEL_GOOD)
		return r < 0 ? r : evms_fail(o, EBADMSG, "lvm2.label", "the label is not there any more");
	s->mdas = calloc(s->label.area_count + 1, sizeof(*s->mdas));
	if (!s->mdas)
		return -ENOMEM;
	a->source_count++;
	for (i = 0; i < s->label.area_count; i++) {
		struct mda *m = &s->mdas[s->mda_count++];

		r = mda_read(o, &s->label.areas[i], m);
		if (r == -ENOMEM)
			return r;
		if (r < 0) {
			m->damage = "a metadata area cannot be read";
			m->unusable = true;
		}
		if (m->text_size && !m->ignored && !m->damage) {
			r = consider(a, s, m);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static struct pv *vg_find_pv(const struct vg *vg, const char *uuid)
{
	struct name *n = names_find(&vg->pv_ids, uuid, UUID_TEXT);

	return n ? (struct pv *)((char *)n - offsetof(struct pv, id)) : NULL;
}

static bool holds(const struct mda *m, const struct version *v)
{
	return !m->ignored && !m->damage && m->text_size == v->size && m->text_crc == v->crc;
}

/* The object of a physical volume. The same one twice: the first that is up to date, and a note. */
static void attach(struct assembly *a, struct source *s)
{
	const struct version *v = &a->versions[a->winner];
	struct pv *pv = vg_find_pv(a->vg, s->label.uuid);
	uint32_t i;

	if (!pv)
		return;
	for (i = 0; i < s->mda_count; i++)
		s->current |= holds(&s->mdas[i], v);
	if (pv->object) {
		if (!s->current || pv->picked) {
			pv->twin = s->o;
			return;
		}
		pv->twin = pv->object;
		free(pv->mdas);
	}
	pv->object = s->o;
	pv->picked = s->current;
	pv->label = s->label;
	pv->mdas = s->mdas;
	pv->mda_count = s->mda_count;
	s->mdas = NULL;
	s->mda_count = 0;
}

/* Physical volumes without text of their own were found under their uuids. Number still missing. */
static int attach_all(struct assembly *a, struct evms_members *members)
{
	char key[64];
	size_t i, missing = 0;
	int r;

	for (i = 0; i < a->source_count; i++)
		attach(a, &a->sources[i]);
	for (i = 0; i < a->vg->pv_count; i++) {
		struct pv *pv = a->vg->pvs[i];
		struct evms_object *o;

		if (pv->object)
			continue;
		snprintf(key, sizeof(key), "pv:%.*s", (int)UUID_TEXT, pv->id.s);
		o = evms_members_take(members, key);
		if (!o) {
			missing++;
			continue;
		}
		r = add_source(a, o);
		if (r < 0)
			return r;
		attach(a, &a->sources[a->source_count - 1]);
	}
	for (i = 0; i < a->vg->pv_count; i++)
		a->vg->pvs[i]->picked = false;
	return (int)missing;
}

static bool ranges_meet(uint64_t a, uint64_t a_end, uint64_t b, uint64_t b_end)
{
	return a < b_end && b < a_end;
}

/* Areas that lie on one another or on the label are never written. */
static const char *check_areas(struct pv *pv)
{
	const char *wrong = NULL;
	uint32_t i, k;

	for (i = 0; i < pv->mda_count; i++) {
		struct mda *m = &pv->mdas[i];
		bool meets = m->offset < (pv->label.sector + 1) * SECTOR;

		for (k = 0; k < i && !m->unusable; k++)
			meets |= !pv->mdas[k].unusable &&
				 ranges_meet(m->offset, m->offset + m->size, pv->mdas[k].offset,
					     pv->mdas[k].offset + pv->mdas[k].size);
		if (m->unusable || !meets)
			continue;
		m->unusable = true;
		wrong = "a metadata area overlaps another one or the label";
	}
	return wrong;
}

/* The parts of a physical volume are where they can be. NULL, or what is wrong. */
static const char *pv_geometry(const struct vg *vg, struct pv *pv)
{
	uint64_t begin = pv->pe_start * SECTOR, end = begin + pv->pe_count * vg_extent(vg);
	const char *wrong = check_areas(pv);
	uint32_t i;

	if (end > evms_get_size(pv->object)) {
		pv->flagged_missing = true;
		return "the device is smaller than the group says";
	}
	if (pv->pe_count && begin < (pv->label.sector + 1) * SECTOR)
		wrong = "the data overlaps the label";
	for (i = 0; i < pv->mda_count; i++) {
		struct mda *m = &pv->mdas[i];

		if (m->unusable || !pv->pe_count ||
		    !ranges_meet(begin, end, m->offset, m->offset + m->size))
			continue;
		m->unusable = true;
		wrong = "the data overlaps a metadata area";
	}
	return wrong;
}

static int note_pv(struct vg *vg, const struct version *winner, struct pv *pv)
{
	const char *name = evms_get_name(pv->object), *wrong = pv_geometry(vg, pv), *damage = NULL;
	bool stale = false;
	uint32_t i;
	int r = 0;

	for (i = 0; i < pv->mda_count; i++) {
		const struct mda *m = &pv->mdas[i];

		if (m->damage) {
			damage = m->damage;
			vg->lasting |= m->unusable || m->ignored;
		} else if (!m->ignored && !holds(m, winner)) {
			stale = true;
			vg->lasting |= m->unusable;
		}
	}
	if (wrong) {
		vg_seal(vg, "lvm2.geometry", wrong);
		r = evms_note(vg->object, EVMS_STATE_DAMAGED | EVMS_STATE_READ_ONLY, "lvm2.geometry",
			      "%s: %s", name, wrong);
	}
	if (r == 0 && pv->twin) {
		vg_seal(vg, "lvm2.twin", "a physical volume was found twice");
		r = evms_note(vg->object, EVMS_STATE_READ_ONLY, "lvm2.twin", "%s and %s are the same "
			      "physical volume (%.*s): the first one is used, for reading; take one of "
			      "them away, or give a copy its own identity with vgimportclone",
			      name, evms_get_name(pv->twin), (int)UUID_TEXT, pv->id.s);
	}
	if (r == 0 && damage)
		r = evms_note(vg->object, EVMS_STATE_DEGRADED, "lvm2.area", "%s: %s: repair rewrites it "
			      "from the other copies", name, damage);
	if (r == 0 && stale)
		r = evms_note(vg->object, EVMS_STATE_DEGRADED, "lvm2.stale", "the metadata on %s is not "
			      "that of sequence number %" PRIu32 ": the next change, or repair, brings "
			      "it up to date", name, vg->seqno);
	return r;
}

static int note_missing(struct vg *vg, const struct pv *pv)
{
	vg_freeze(vg, "lvm2.missing", "a physical volume is missing");
	if (pv->object)
		return evms_note(vg->object, EVMS_STATE_INCOMPLETE | EVMS_STATE_READ_ONLY, "lvm2.missing",
				 "%s is not used: it is too small, or was marked as missing (vgextend "
				 "--restoremissing takes it back)", evms_get_name(pv->object));
	return evms_note(vg->object, EVMS_STATE_INCOMPLETE | EVMS_STATE_READ_ONLY, "lvm2.missing",
			 "physical volume %.*s is missing (it was on %.*s)", (int)UUID_TEXT, pv->id.s,
			 (int)(pv->hint_len < 100 ? pv->hint_len : 100), pv->hint ? pv->hint : "");
}

/* Free extents of what is missing are not free. */
static int hide_free(struct vg *vg, const struct pv *pv)
{
	uint64_t extent = vg_extent(vg), at;
	char name[32];
	size_t i;
	uint32_t k;
	int r = 0;

	for (i = 0; i < pv->free.count; i++)
		for (k = 0; k < pv->free.chunks[i].count && r == 0; k++) {
			const struct hole *h = &pv->free.chunks[i].holes[k];

			at = pv->base + h->start * extent;
			snprintf(name, sizeof(name), "missing@%" PRIu64, at);
			r = evms_add_metadata(vg->object, at, h->len * extent, name);
		}
	return r;
}

int group_describe(struct vg *vg)
{
	int r;

	r = evms_set_label(vg->object, vg->name);
	if (r == 0)
		r = evms_set_uuid(vg->object, vg->id);
	if (r == 0)
		r = evms_set_u64(vg->object, "extent-size", EVMS_TYPE_SIZE, vg_extent(vg));
	if (r == 0)
		r = evms_set_u64(vg->object, "seqno", EVMS_TYPE_U64, vg->seqno);
	return r;
}

static int note_all(struct assembly *a)
{
	struct vg *vg = a->vg;
	bool areas = false;
	size_t i;
	uint32_t k;
	int r = 0;

	for (i = 0; i < vg->pv_count && r == 0; i++) {
		struct pv *pv = vg->pvs[i];

		if (pv->object)
			r = note_pv(vg, &a->versions[a->winner], pv);
		if (r == 0 && (!pv->object || pv->flagged_missing)) {
			r = note_missing(vg, pv);
			if (r == 0)
				r = hide_free(vg, pv);
		}
		for (k = 0; k < pv->mda_count; k++)
			areas |= !pv->mdas[k].unusable && !pv->mdas[k].ignored;
	}
	if (r == 0 && a->rival) {
		vg_seal(vg, "lvm2.rival", "members disagree");
		r = evms_note(vg->object, EVMS_STATE_DAMAGED | EVMS_STATE_READ_ONLY, "lvm2.rival",
			      "different metadata with the same sequence number %" PRIu32 " was found: "
			      "the members were changed apart from one another", vg->seqno);
	}
	if (!areas)
		vg_freeze(vg, "lvm2.area", "none of its metadata areas can be written");
	if (vg->seqno == UINT32_MAX)
		vg_freeze(vg, "lvm2.seqno", "its sequence number cannot grow");
	if (r == 0 && vg->frozen)
		r = evms_note(vg->object, EVMS_STATE_READ_ONLY | (vg->damaged ? EVMS_STATE_DAMAGED : 0),
			      vg->frozen_reason, "the group cannot be "
			      "changed: %s", vg->frozen);
	return r;
}

/*
 * What the group no longer knows keeps text of it: it was taken off while it was missing, or the power went
 * before it was wiped. That is its own trouble, not the group's.
 */
static int note_outdated(struct assembly *a)
{
	size_t i;
	int r = 0;

	for (i = 0; i < a->source_count && r == 0; i++) {
		const struct source *s = &a->sources[i];

		if (!vg_find_pv(a->vg, s->label.uuid))
			r = evms_note(s->o, EVMS_STATE_DAMAGED, "lvm2.outdated", "it holds old metadata of group "
				      "%s, which no longer contains it: wipe it to use it for something else",
				      a->vg->name);
	}
	return r;
}

static int build(struct assembly *a)
{
	struct vg *vg = a->vg;
	struct evms_object *first = NULL;
	size_t i;
	int r;

	for (i = 0; i < vg->pv_count && !first; i++)
		first = vg->pvs[i]->object;
	if (!first || !vg_size(vg)) {
		r = evms_fail(a->sources[0].o, EBADMSG, "lvm2.empty", "group %s has no extents on what was "
			      "found", vg->name);
		vg_free(vg);
		return r;
	}
	r = evms_produce(first, vg->name, vg_size(vg), &vg->object);
	if (r == 0)
		r = evms_set_private(vg->object, vg);
	if (r < 0) {
		vg_free(vg);
		return r;
	}
	/* From here on the group's release() frees vg. */
	for (i = 0; i < vg->pv_count && r == 0; i++) {
		if (vg->pvs[i]->object && vg->pvs[i]->object != first)
			r = evms_consume(vg->object, vg->pvs[i]->object);
		if (r == 0 && vg->pvs[i]->twin)
			r = evms_consume(vg->object, vg->pvs[i]->twin);
	}
	if (r == 0)
		r = group_describe(vg);
	if (r == 0)
		r = note_all(a);
	if (r == 0)
		r = note_outdated(a);
	if (r == 0)
		r = region_make_all(vg);
	return r;
}

static int assemble_group(struct assembly *a, struct evms_members *members)
{
	uint32_t count = evms_members_get_count(members), i;
	char why[160];
	char *text;
	int r;

	for (i = 0; i < count; i++) {
		r = add_source(a, evms_members_get(members, i));
		if (r < 0)
			return r;
	}
	if (!a->text)
		return evms_fail(evms_members_get(members, 0), EBADMSG, "lvm2.text", "%s: restore it with "
				 "vgcfgrestore", a->why ? a->why : "there is no metadata");
	text = a->text;
	a->text = NULL;			/* belongs to the group now */
	r = vg_parse(text, &a->vg, why, sizeof(why));
	if (r < 0)
		return evms_fail(evms_members_get(members, 0), -r, "lvm2.text", "the metadata of "
				 "sequence number %" PRIu32 " cannot be used: %s",
				 a->versions[a->winner].seqno, why);
	a->text = NULL;
	r = attach_all(a, members);
	if (r < 0 || (r > 0 && !evms_members_is_final(members))) {
		vg_free(a->vg);
		return r < 0 ? r : EVMS_WAIT;
	}
	return build(a);
}

/* A physical volume that says it belongs to a group, of which nothing else was found. */
static int assemble_lone(struct evms_members *members)
{
	struct evms_object *o = evms_members_get(members, 0);
	uint32_t count = evms_members_get_count(members), i;
	struct finding f;
	bool pending = false;
	struct mda m;
	int r;

	if (!evms_members_is_final(members))
		return EVMS_WAIT;
	if (!o)
		return 0;
	r = find_out(o, &f);
	if (r < 0)
		return r;
	for (i = 0; i < f.label.area_count && !f.why; i++)
		if (mda_read(o, &f.label.areas[i], &m) == 0)
			pending |= m.pending && !m.text_size;
	if (pending)			/* a group was about to be made of it, or extended by it */
		return evms_set_str(o, "pv-uuid", f.label.uuid);
	if (f.why)
		return evms_fail(o, EBADMSG, "lvm2.area", "%s, and no other member of its group was found: "
				 "restore it with vgcfgrestore", f.why);
	for (i = 0; i < count && r == 0; i++)
		r = evms_note(evms_members_get(members, i), EVMS_STATE_INCOMPLETE, "lvm2.lone",
			      "physical volume %s belongs to a group whose metadata is on other members, "
			      "none of which was found", f.label.uuid);
	return r;
}

int group_assemble(struct evms_members *members)
{
	const char *key = evms_members_get_key(members);
	struct assembly a = { .key = NULL };
	int r;

	if (!strncmp(key, "pv:", 3))
		return assemble_lone(members);
	a.key = strchr(key, ':');
	a.key = a.key ? a.key + 1 : key;
	r = assemble_group(&a, members);
	assembly_free(&a);
	return r;
}
