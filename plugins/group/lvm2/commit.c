/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Staging a changed group: the new text beside the old one in every metadata area, then headers that
 * announce it, then headers that make it count. Until the last step the old text is what counts; after
 * the first of those headers the new one, since its sequence number is higher.
 */
#include <inttypes.h>
#include <stdlib.h>
#include "lvm2.h"

static bool is_written(const struct pv *pv, uint32_t i)
{
	return pv->object && !pv->mdas[i].unusable && !pv->mdas[i].ignored;
}

static int check_room(const struct vg *vg, uint64_t len)
{
	uint64_t offset;
	bool any = false;
	size_t i;
	uint32_t k;

	for (i = 0; i < vg->pv_count; i++) {
		const struct pv *pv = vg->pvs[i];

		for (k = 0; k < pv->mda_count; k++) {
			if (!is_written(pv, k))
				continue;
			any = true;
			if (mda_place(&pv->mdas[k], len, &offset) < 0)
				return evms_fail(vg->object, ENOSPC, "lvm2.metadata-full", "the metadata "
						 "needs %" PRIu64 " bytes and the area on %s holds %"
						 PRIu64 ": use fewer volumes or segments, or make the "
						 "group with a larger metadata-size", len,
						 evms_get_name(pv->object), mda_capacity(&pv->mdas[k]));
		}
	}
	return any ? 0 : evms_fail(vg->object, EROFS, "lvm2.area", "no metadata area can be written");
}

static int stage_label(const struct pv *pv)
{
	uint8_t *space = malloc(LABEL_SPACE);
	int r;

	if (!space)
		return -ENOMEM;
	label_build(space, &pv->label);
	r = evms_write(pv->object, space, LABEL_SPACE, 0, EVMS_PHASE_SECONDARY);
	free(space);
	return r;
}

static int stage_area(const struct pv *pv, const struct mda *m, const struct buf *text, uint64_t len,
		      uint32_t crc)
{
	struct mda next = *m, old = *m;
	uint8_t header[MDA_HEADER];
	int r;

	r = mda_place(m, len, &next.text_offset);
	if (r < 0)
		return r;
	next.text_size = len;
	next.text_crc = crc;
	r = mda_stage_text(pv->object, m, text->data, text->len, next.text_offset);
	if (r < 0)
		return r;
	mda_header_build(header, &old, &next);
	r = evms_write(pv->object, header, sizeof(header), m->offset, EVMS_PHASE_SECONDARY);
	if (r < 0)
		return r;
	mda_header_build(header, &next, NULL);
	return evms_write(pv->object, header, sizeof(header), m->offset, EVMS_PHASE_PRIMARY);
}

int lvm2_write(struct evms_object *o)
{
	struct vg *vg = evms_get_private(o);
	static const char zeros[SECTOR];
	struct buf text = { NULL, 0, 0, false };
	uint64_t len;
	uint32_t crc, k;
	size_t i;
	int r;

	if (!vg || evms_get_kind(o) != EVMS_KIND_GROUP)
		return 0;
	r = print_vg(vg, &text);
	len = text.len + 1;		/* the NUL counts */
	buf_add(&text, zeros, SECTOR - text.len % SECTOR);
	if (r < 0 || text.failed) {
		buf_free(&text);
		return evms_fail(o, ENOMEM, "lvm2.memory", "no memory for the metadata");
	}
	crc = lvm_crc(text.data, (size_t)len);
	vg->staged_len = len;
	vg->staged_crc = crc;
	r = check_room(vg, len);
	for (i = 0; i < vg->pv_count && r == 0; i++) {
		const struct pv *pv = vg->pvs[i];

		if (pv->fresh)
			r = stage_label(pv);
		for (k = 0; k < pv->mda_count && r == 0; k++)
			if (is_written(pv, k))
				r = stage_area(pv, &pv->mdas[k], &text, len, crc);
	}
	buf_free(&text);
	return r;
}

/* The text that was staged last counts now. */
void lvm2_committed(struct evms_object *o)
{
	struct vg *vg = evms_get_private(o);
	size_t i;
	uint32_t k;

	if (!vg || evms_get_kind(o) != EVMS_KIND_GROUP)
		return;
	vg->seqno++;
	evms_set_u64(o, "seqno", EVMS_TYPE_U64, vg->seqno);
	for (i = 0; i < vg->pv_count; i++) {
		struct pv *pv = vg->pvs[i];

		pv->fresh = false;
		for (k = 0; k < pv->mda_count; k++) {
			struct mda *m = &pv->mdas[k];

			if (!is_written(pv, k) || mda_place(m, vg->staged_len, &m->text_offset) < 0)
				continue;
			m->text_size = vg->staged_len;
			m->text_crc = vg->staged_crc;
			m->pending = false;
			m->damage = NULL;
		}
	}
}
