/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Staging: every byte of the plan is laid over the devices in memory; then the devices are discovered again
 * through it, into a scratch model, and what is found must be what the user was shown.
 */
#include <errno.h>
#include <inttypes.h>
#include "change/change.h"

void change_unstage(struct change *c)
{
	size_t i;

	for (i = 0; i < c->devices.count; i++)
		device_unstage(c->devices.at[i]);
	c->model->writes.count = 0;
}

struct evms_plugin *change_writer(const struct evms_object *o)
{
	return o->kind == EVMS_KIND_DISK ? o->claimer : o->owner;
}

static int write_object(struct change *c, struct evms_object *o)
{
	struct evms_plugin *p = change_writer(o);
	int r;

	if (!p)
		return 0;
	r = registry_load(c->registry, p);
	if (r < 0)
		return r;
	model_call_begin(c->model, p, "write");
	c->model->call.may_write = true;
	r = p->setup.write ? p->setup.write(o) : -ENOTSUP;
	if (r > 0)
		r = -EPROTO;
	if (r < 0)
		context_fail(c->ctx, -r, o->name, p->name, "plugin.write", "its metadata cannot be written");
	return model_call_end(c->model, r);
}

static int stage_wipes(struct change *c)
{
	size_t i;
	int r = 0;

	for (i = 0; i < c->model->wipes.count && r == 0; i++) {
		const struct wipe *w = &c->model->wipes.at[i];

		r = device_stage_zero(w->device, w->offset, w->size, w->phase);
	}
	return r;
}

int change_stage(struct change *c)
{
	struct model *m = c->model;
	size_t i;
	int r;

	change_unstage(c);
	r = stage_wipes(c);
	if (r < 0)
		return context_fail(c->ctx, -r, "", "", "stage.wipe", "stale signatures cannot be wiped");
	for (i = 0; i < m->objects.count && r == 0; i++) {
		struct evms_object *o = m->objects.at[i];

		if (o && o->state & EVMS_STATE_DIRTY)
			r = write_object(c, o);
		if (r == 0 && i % 256 == 0)
			r = context_progress(c->ctx, "plan", i, m->objects.count);
	}
	if (r < 0)
		change_unstage(c);
	return r;
}

bool change_is_staged(const struct change *c)
{
	size_t i;

	for (i = 0; i < c->devices.count; i++)
		if (device_is_staged(c->devices.at[i]))
			return true;
	return false;
}

/* States that the metadata decides. */
#define LASTING (EVMS_STATE_DEGRADED | EVMS_STATE_INCOMPLETE | EVMS_STATE_MISSING | EVMS_STATE_UNSUPPORTED | \
		 EVMS_STATE_INTERNAL)

static const char *owner_name(const struct evms_object *o)
{
	return o->claimer ? o->claimer->name : o->owner ? o->owner->name : "";
}

/* What would be found that was not planned; NULL when all is as planned. */
static const char *difference(const struct evms_object *a, const struct evms_object *b)
{
	if (a->size != b->size)
		return "size";
	if (a->offset != b->offset)
		return "offset";
	if (a->block_size != b->block_size)
		return "block size";
	if (strcmp(or_empty(a->uuid), or_empty(b->uuid)))
		return "uuid";
	if (strcmp(or_empty(a->label), or_empty(b->label)))
		return "label";
	if (strcmp(owner_name(a), owner_name(b)))
		return "plug-in";
	if ((a->state & LASTING) != (b->state & LASTING))
		return "state";
	if (!a->consumer != !b->consumer || (a->consumer && strcmp(a->consumer->name, b->consumer->name)))
		return "user";
	if (a->inputs.count != b->inputs.count)
		return "number of inputs";
	return b->before || map_equal(a, b) ? NULL : "map";
}

static int differs(struct change *c, const struct evms_object *a, const char *what)
{
	return context_fail(c->ctx, EPROTO, a->name, owner_name(a), "verify.differs",
			    "the %s of this %s would not be found as planned; nothing was written", what,
			    kind_name(a->kind));
}

static int find_missing(struct change *c, const struct model *planned, const struct model *found)
{
	size_t i;

	for (i = 0; i < planned->objects.count; i++) {
		const struct evms_object *a = planned->objects.at[i];

		if (a && a->kind != EVMS_KIND_VOLUME && !names_find(&found->names, a->kind, a->name))
			return differs(c, a, "existence");
	}
	return 0;
}

static int compare(struct change *c, const struct model *planned, const struct model *found)
{
	size_t i, same = 0;

	for (i = 0; i < found->objects.count; i++) {
		const struct evms_object *b = found->objects.at[i], *a;
		const char *what;

		if (!b || b->kind == EVMS_KIND_VOLUME)	/* it follows from what it is on */
			continue;
		a = b->before ? b->before : names_find(&planned->names, b->kind, b->name);
		if (!a)
			return context_fail(c->ctx, EPROTO, b->name, owner_name(b), "verify.extra",
					    "this %s would be found, and is not planned; nothing was written",
					    kind_name(b->kind));
		what = difference(a, b);
		if (what)
			return differs(c, a, what);
		same++;
	}
	for (i = 0; i < planned->objects.count; i++)
		same -= planned->objects.at[i] && planned->objects.at[i]->kind != EVMS_KIND_VOLUME;
	return same ? find_missing(c, planned, found) : 0;
}

int change_verify(struct change *c)
{
	evms_message_fn message = c->ctx->message;
	struct model *scratch;
	uint64_t id = 0;
	int r = model_new(c->ctx, c->registry, c->model->owner, &id, &scratch);

	if (r < 0)
		return r;
	c->ctx->message = NULL;		/* what is the matter with the disks was said before */
	scratch->scratch = true;
	scratch->prior = c->model;
	r = discover(scratch, c->set, c->devices.at, c->known);
	c->ctx->message = message;
	if (r == 0)
		r = compare(c, c->model, scratch);
	model_free(scratch);
	return r;
}

int change_discover(struct change *c)
{
	int r;

	change_unstage(c);
	model_clear(c->model);
	c->known = c->devices.count;
	r = registry_scan(c->registry);
	if (r == 0)
		r = discover(c->model, c->set, c->devices.at, c->devices.count);
	model_bury(c->model);
	registry_unload_idle(c->registry);
	return r;
}

void change_drop_log(struct change *c)
{
	while (c->log.count)
		task_unref(c->log.at[--c->log.count]);
	while (c->tools.count)
		task_unref(c->tools.at[--c->tools.count].task);
}

/* The log's tasks once more, on the objects that were found again. */
static int replay(struct change *c)
{
	VEC(struct evms_task *) again = { c->log.at, c->log.count, c->log.capacity };
	size_t i;
	int r = 0;

	c->log.at = NULL;
	c->log.count = c->log.capacity = 0;
	for (i = 0; i < again.count; i++) {
		if (r == 0)
			r = task_run_again(again.at[i]);
		task_unref(again.at[i]);
	}
	vec_free(&again);
	return r;
}

/* The jobs of the log's tasks, which come again with them. Those that a failed commit left stay. */
static void drop_planned_tools(struct change *c)
{
	size_t i, kept = 0;

	for (i = 0; i < c->tools.count; i++) {
		if (c->tools.at[i].left)
			c->tools.at[kept++] = c->tools.at[i];
		else
			task_unref(c->tools.at[i].task);
	}
	c->tools.count = kept;
}

/* The model that there was before cannot be had by halves. */
int change_rebuild(struct change *c)
{
	int r;

	c->ctx->unstoppable = true;
	drop_planned_tools(c);
	change_unstage(c);
	context_clear_error(c->ctx);
	model_clear(c->model);
	r = discover(c->model, c->set, c->devices.at, c->known);
	if (r == 0)
		r = replay(c);
	model_bury(c->model);
	c->ctx->unstoppable = false;
	return r;
}

int change_undo(struct change *c, size_t keep)
{
	if (keep >= c->log.count)
		return context_fail(c->ctx, ENOENT, "", "", "undo.nothing", "there is no task to take back");
	while (c->log.count > keep)
		task_unref(c->log.at[--c->log.count]);
	return change_rebuild(c);
}
