/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which features may be on one another: every pair and every position is checked, both sides are named. */
#include <errno.h>
#include "change/change.h"

/* The lowest class that a feature can serve above one of class at_least. 0: none. */
static uint32_t class_at_least(const struct evms_feature_order *o, uint32_t at_least)
{
	uint32_t c;

	for (c = at_least ? at_least : EVMS_FEATURE_PARTITION; c <= EVMS_FEATURE_VOLUME; c <<= 1)
		if (o->classes & c)
			return c;
	return 0;
}

static const char *clash(const struct evms_feature_order *top, const struct evms_feature_order *below)
{
	uint32_t both = top->flags | below->flags;
	uint32_t class_below = class_at_least(below, 0), class_top = class_at_least(top, class_below);

	if (both & EVMS_FEATURE_GLOBAL_EXCLUSIVE)
		return "one of them must be the only feature of its volume";
	if (!class_top)
		return "the upper one serves a lower class";
	if (class_top != class_below)
		return NULL;
	if (both & EVMS_FEATURE_CLASS_EXCLUSIVE)
		return "one of them must be the only feature of its class";
	if (below->flags & EVMS_FEATURE_TOP_EXCLUSIVE)
		return "the lower one must be the topmost of its class";
	if (top->flags & EVMS_FEATURE_BOTTOM_EXCLUSIVE)
		return "the upper one must be the bottommost of its class";
	return NULL;
}

static int check_below(const struct evms_task *t, struct evms_object *o)
{
	const struct evms_plugin *p = t->plugin, *q = o->owner;
	size_t i;
	int r = 0;

	if (!object_visit(o, o->model->visits))
		return 0;
	if (o->kind == EVMS_KIND_FEATURE && q && q->order.classes) {
		const char *why = clash(&p->order, &q->order);

		if (why)
			return task_fail(t, EBUSY, "feature.conflict", "%s cannot be put on %s (%s): %s",
					 p->name, q->name, o->name, why);
	}
	for (i = 0; i < o->inputs.count && r == 0; i++)
		r = check_below(t, o->inputs.at[i]);
	return r;
}

int order_check(const struct evms_task *t)
{
	size_t i;
	int r = 0;

	if (t->op != EVMS_OP_CREATE || !t->plugin || !t->plugin->order.classes)
		return 0;
	t->change->model->visits++;
	for (i = 0; i < t->inputs.count && r == 0; i++)
		r = check_below(t, t->inputs.at[i]);
	return r;
}
