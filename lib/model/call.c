/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bracket around each call into a plug-in: what it did is checked, and taken back when it failed. */
#include <errno.h>
#include "model/model.h"

void model_call_begin(struct model *m, struct evms_plugin *p, const char *op)
{
	m->call = (struct model_call) {
		.plugin = p, .op = op, .first_new = m->objects.count, .had_error = m->ctx->error.error != 0,
		.generation = m->generation,
	};
}

/* Touched objects come to rest: space lists tiled, maps complete, volumes where they belong. */
static int settle(struct model *m)
{
	size_t i;
	int r = 0;

	for (i = 0; i < m->touched.count && r == 0; i++) {
		struct evms_object *o = m->touched.at[i];

		if (!o)
			continue;
		r = space_settle(o);
		if (r == 0)
			r = map_check(o);
	}
	for (i = 0; i < m->touched.count && r == 0; i++)	/* grows while volumes are made */
		if (m->touched.at[i])
			r = object_settle_volume(m->touched.at[i]);
	return r;
}

static void untouch_all(struct model *m)
{
	size_t i;

	for (i = 0; i < m->touched.count; i++) {
		struct evms_object *o = m->touched.at[i];

		if (!o)
			continue;
		o->touched = false;
		if (o->space)
			o->space->fresh = false;
	}
	m->touched.count = 0;
}

/* Space lists that the call made go as a whole, before what is in them: n objects cost n steps. */
static void drop_fresh_spaces(struct model *m)
{
	size_t i, n = 0;

	for (i = 0; i < m->touched.count; i++) {
		struct evms_object *o = m->touched.at[i];

		if (!o)
			continue;
		o->touched = false;
		if (o->space && o->space->fresh)
			m->touched.at[n++] = o;
	}
	m->touched.count = 0;	/* nothing is appended while lists are dropped */
	for (i = 0; i < n; i++)
		space_free(m->touched.at[i]);
}

/*
 * What the call made goes, youngest first, and what it claimed is free again. Free space goes and comes with
 * what is cut out of it: objects for it may stay that are younger than the call.
 */
static void take_back(struct model *m, size_t first_new)
{
	size_t i;

	drop_fresh_spaces(m);
	for (i = m->objects.count; i-- > first_new; )
		if (m->objects.at[i] && m->objects.at[i]->kind != EVMS_KIND_FREE)
			object_remove(m->objects.at[i]);
	while (m->objects.count > first_new && !m->objects.at[m->objects.count - 1])
		m->objects.count--;
}

int model_call_end(struct model *m, int r)
{
	struct evms_plugin *p = m->call.plugin;

	if (r >= 0) {
		int settled = settle(m);

		if (settled < 0)
			r = settled;
	}
	if (r < 0 && m->generation != m->call.generation)
		take_back(m, m->call.first_new);
	untouch_all(m);
	if (r >= 0 && !m->call.had_error)
		context_clear_error(m->ctx);	/* what the plug-in got over by itself */
	if (r < 0 && p)
		context_fail(m->ctx, -r, "", p->name, "plugin.failed", "%s failed", m->call.op);
	m->call.plugin = NULL;
	m->call.may_write = m->call.may_wipe = m->call.may_change = m->call.remember = false;
	return r;
}
