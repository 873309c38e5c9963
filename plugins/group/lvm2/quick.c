/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Volumes of one linear segment whose text has the usual form: compared, not taken apart. */
#include "lvm2.h"

struct cursor { const char *p, *end; };

static inline bool take(struct cursor *c, const char *text, size_t len)
{
	if ((size_t)(c->end - c->p) < len || memcmp(c->p, text, len))
		return false;
	c->p += len;
	return true;
}
#define TAKE(c, text) take(c, text, sizeof(text) - 1)

static inline bool take_u32(struct cursor *c, uint32_t *out)
{
	const char *first = c->p;
	uint64_t v = 0;

	while (c->p < c->end && (unsigned)(*c->p - '0') <= 9 && c->p - first < 10)
		v = v * 10 + (unsigned)(*c->p++ - '0');
	*out = (uint32_t)v;
	return c->p > first && v <= UINT32_MAX;
}

/* Up to a quote. What is escaped, or goes over the end of a line, is not of the usual form. */
static inline bool take_string(struct cursor *c, const char **s, size_t *len)
{
	*s = c->p;
	while (c->p < c->end && *c->p != '"' && *c->p != '\\' && *c->p != '\n' && *c->p)
		c->p++;
	*len = (size_t)(c->p - *s);
	return TAKE(c, "\"");
}

static bool take_creation(struct cursor *c)
{
	const char *host;
	uint32_t time;
	size_t len;

	if (!TAKE(c, "creation_time = "))
		return true;
	return take_u32(c, &time) && TAKE(c, "\ncreation_host = \"") && take_string(c, &host, &len) &&
	       TAKE(c, "\n");
}

const char *quick_lv(const char *p, const char *end, struct quick_lv *q)
{
	struct cursor c = { p, end };
	size_t len;

	if (!TAKE(&c, "\nid = \"") || !take_string(&c, &q->id, &len) || len != UUID_TEXT ||
	    !TAKE(&c, "\nstatus = [\"READ\", "))
		return NULL;
	q->writable = TAKE(&c, "\"WRITE\", ");
	if (!TAKE(&c, "\"VISIBLE\"]\nflags = []\n") || !take_creation(&c) ||
	    !TAKE(&c, "segment_count = 1\n\nsegment1 {\nstart_extent = 0\nextent_count = ") ||
	    !take_u32(&c, &q->count) ||
	    !TAKE(&c, "\n\ntype = \"striped\"\nstripe_count = 1\n\nstripes = [\n\"") ||
	    !take_string(&c, &q->pv, &q->pv_len) || !TAKE(&c, ", ") || !take_u32(&c, &q->start) ||
	    !TAKE(&c, "\n]\n}\n}"))
		return NULL;
	return c.p;
}
