/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an object is: the label, the headers of the metadata areas, and the first bytes of the text. */
#include <stdio.h>
#include <stdlib.h>
#include "lvm2.h"

#define PEEK_FIRST	1024u
#define PEEK_MORE	65536u

/* The group's id in the committed text of an area. 1, 0 (none can be read there), or a negative errno. */
static int peek_area(struct evms_object *o, const struct mda *m, char *id)
{
	static const uint32_t sizes[] = { PEEK_FIRST, PEEK_MORE };
	uint32_t seqno;
	unsigned i;
	char *buf;
	int r = 0;

	buf = malloc(PEEK_MORE + 1);
	if (!buf)
		return -ENOMEM;
	for (i = 0; i < 2 && r == 0; i++) {
		size_t len = m->text_size < sizes[i] ? (size_t)m->text_size : sizes[i];

		r = mda_read_text(o, m, 0, buf, len);
		if (r < 0)
			break;
		buf[len] = '\0';
		r = text_peek(buf, id, &seqno);
		if (r == -EBADMSG || (r == 0 && len == m->text_size)) {
			r = 0;
			break;
		}
	}
	free(buf);
	return r;
}

static int look_at_areas(struct evms_object *o, struct finding *f, uint32_t *areas)
{
	char id[UUID_TEXT + 1];
	struct mda m;
	uint32_t i;
	int r;

	for (i = 0; i < f->label.area_count; i++) {
		r = mda_read(o, &f->label.areas[i], &m);
		if (r < 0)
			return r;
		if (m.damage) {
			f->why = m.damage;
			continue;
		}
		if (m.ignored)
			continue;
		(*areas)++;
		if (!m.text_size)
			continue;
		r = peek_area(o, &m, id);
		if (r < 0)
			return r;
		if (r > 0) {
			f->is = IS_MEMBER;
			snprintf(f->key, sizeof(f->key), "vg:%s", id);
			return 0;
		}
		f->why = "the metadata text does not begin with a group";
		*areas += 1000;		/* there was a text: not unused */
	}
	return 0;
}

int find_out(struct evms_object *o, struct finding *f)
{
	uint32_t areas = 0;
	const char *why;
	int r;

	memset(f, 0, sizeof(*f));
	r = label_read(o, &f->label, &why);
	if (r == LABEL_BAD) {
		f->is = IS_DAMAGED;
		f->why = why;
	}
	if (r != LABEL_GOOD)
		return r < 0 ? r : 0;
	r = look_at_areas(o, f, &areas);
	if (r < 0 || f->is == IS_MEMBER)
		return r;
	/* Before version 2 the label did not tell whether a group uses it. */
	if (f->label.flags & LABEL_USED || areas >= 1000 || (f->label.version < 2 && !areas)) {
		f->is = IS_LONE;
		snprintf(f->key, sizeof(f->key), "pv:%s", f->label.uuid);
	} else {
		f->is = IS_ORPHAN;
		f->why = NULL;
	}
	return 0;
}
