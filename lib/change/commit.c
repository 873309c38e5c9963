/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The commit. File systems shrink first; then the staged bytes are written phase by phase, with every device
 * flushed before the next phase begins; then the model is read back from the devices, and the tools of the
 * remaining file-system jobs run. The result is that of the last flush.
 *
 * The crash journal belongs between verify() and write_phases(): redo and undo records of the same extents.
 */
#include <errno.h>
#include <stdio.h>
#include "change/change.h"

static int partial(struct change *c, int r)
{
	struct evms_error why = c->ctx->error;

	context_clear_error(c->ctx);
	return context_fail(c->ctx, -r, why.object, why.plugin, "commit.partial",
			    "the commit stopped halfway: %s (%s); what was written is valid as far as it goes, "
			    "discover again before anything else", why.detail, why.reason);
}

static int lock_and_verify(struct change *c, size_t *locked)
{
	size_t i;
	int r = 0;

	for (i = 0; i < c->devices.count && r == 0; i++) {
		if (!device_is_staged(c->devices.at[i]))
			continue;
		r = device_lock(c->devices.at[i]);
		if (r == 0)
			*locked = i + 1;
	}
	for (i = 0; i < c->devices.count && r == 0; i++)
		if (device_is_staged(c->devices.at[i]))
			r = device_verify(c->devices.at[i]);
	return r;
}

static void unlock(struct change *c, size_t locked)
{
	size_t i;

	for (i = 0; i < locked; i++)
		if (device_is_staged(c->devices.at[i]))
			device_unlock(c->devices.at[i]);
}

static bool has_phase(const struct device *d, uint32_t phase)
{
	size_t i;

	for (i = 0; i < device_extent_count(d); i++)
		if (device_extent(d, i).phase == phase)
			return true;
	return false;
}

static int write_phase(struct change *c, uint32_t phase, bool *wrote)
{
	size_t i;
	int r = 0;

	for (i = 0; i < c->devices.count && r == 0; i++) {
		struct device *d = c->devices.at[i];

		if (!has_phase(d, phase))
			continue;
		*wrote = true;
		r = device_write_phase(d, phase);
		if (r < 0)
			context_fail(c->ctx, -r, device_path(d), "", "device.write", "cannot be written");
	}
	for (i = 0; i < c->devices.count && r == 0; i++) {
		struct device *d = c->devices.at[i];

		if (!has_phase(d, phase))
			continue;
		r = device_flush(d);
		if (r < 0)
			context_fail(c->ctx, -r, device_path(d), "", "device.flush",
				     "what was written may not be on stable storage");
	}
	return r;
}

static int write_phases(struct change *c, bool *wrote)
{
	uint32_t phase;
	int r = 0;

	for (phase = 0; phase < EVMS_PHASE_COUNT && r == 0; phase++) {
		if (!*wrote)		/* once something is written, the shortest way is to the end */
			r = context_progress(c->ctx, "commit", phase, EVMS_PHASE_COUNT);
		if (r == 0)
			r = write_phase(c, phase, wrote);
	}
	return r;
}

static int write_metadata(struct change *c, bool *wrote)
{
	size_t locked = 0, i;
	int r = lock_and_verify(c, &locked);

	if (r == 0)
		r = write_phases(c, wrote);
	unlock(c, locked);
	for (i = 0; i < c->devices.count && r == 0; i++)
		if (device_is_staged(c->devices.at[i]))
			device_committed(c->devices.at[i]);
	return r;
}

static int open_tool(struct evms_task *t)
{
	struct evms_object *v = t->inputs.at[0];
	struct table *table = t->old_table;
	int r = 0;

	if (!table)
		r = object_compile(v, &table);
	if (r == 0)
		r = tool_volume_open(t->change->ctx, table, v->name, &t->tool);
	if (table != t->old_table)
		table_free(table);
	return r;
}

int task_tool(struct evms_task *t, const char *const *argv, uint32_t flags, char *output,
	      size_t output_size)
{
	int r;

	if (!t->executing)
		return task_fail(t, EROFS, "plugin.tool", "programs run during the commit only");
	r = t->tool ? 0 : open_tool(t);
	return r < 0 ? r : tool_run(t->change->ctx, t->tool, argv, flags, output, output_size);
}

static int close_tool(struct evms_task *t, int r)
{
	int closed = tool_volume_close(t->tool);

	t->tool = NULL;
	return r < 0 ? r : closed;
}

/* A volume on a bare disk is known by its file system only: before that is made, it is not found again. */
static int find_volume(struct change *c, struct evms_task *t)
{
	struct evms_object *v = t->inputs.at[0];
	struct evms_object *disk = v->model ? NULL : names_find(&c->model->names, EVMS_KIND_DISK, v->name);
	int r;

	if (v->model)
		return 0;
	if (!disk || disk->claimer || disk->consumer)
		return context_fail(c->ctx, ESTALE, v->name, t->plugin->name, "object.gone",
				    "this volume is not there any more");
	r = object_make_volume(disk);
	if (r < 0)
		return r;
	t->inputs.at[0] = evms_object_ref(disk->volume);
	evms_object_unref(v);
	return 0;
}

static int run_tool(struct change *c, struct evms_task *t)
{
	int r = registry_load(c->registry, t->plugin);
	char what[128];

	if (r < 0)
		return r;
	r = find_volume(c, t);
	if (r < 0)
		return r;
	snprintf(what, sizeof(what), "%s %s", op_name(t->op), t->inputs.at[0]->name);
	r = context_progress(c->ctx, what, 0, 0);
	if (r < 0)
		return r;
	model_call_begin(c->model, t->plugin, "execute");
	t->executing = true;
	r = t->plugin->setup.execute ? t->plugin->setup.execute(t) : -ENOTSUP;
	if (r > 0)
		r = -EPROTO;
	t->executing = false;
	r = model_call_end(c->model, close_tool(t, r));
	if (r == 0 && t->op != EVMS_OP_CHECK)
		r = examine_volume(c->model, t->inputs.at[0]);
	return r;
}

/* Run the jobs that belong before (or after) the metadata, in their order; done ones leave the list. */
static int run_tools(struct change *c, bool before, bool *wrote)
{
	size_t i = 0;
	int r;

	while (i < c->tools.count) {
		struct evms_task *t = c->tools.at[i].task;

		if (c->tools.at[i].before != before) {
			i++;
			continue;
		}
		r = run_tool(c, t);
		*wrote |= t->op != EVMS_OP_CHECK;	/* also one that failed may have */
		if (r < 0)
			return r;
		vec_remove(&c->tools, i);
		task_unref(t);
	}
	return 0;
}

static int check_holders(struct change *c)
{
	char holder[256];
	size_t i;

	device_set_look_again(c->set);
	for (i = 0; i < c->devices.count; i++) {
		struct device *d = c->devices.at[i];

		if (device_is_staged(d) && device_find_holder(d, holder, sizeof(holder)) == 0)
			return context_fail(c->ctx, EBUSY, device_path(d), "", "device.busy",
					    "in use: %s; nothing was written", holder);
	}
	return 0;
}

/* The tasks are done but for what is left to tools. */
static void drop_tasks(struct change *c)
{
	size_t i;

	while (c->log.count)
		task_unref(c->log.at[--c->log.count]);
	for (i = 0; i < c->tools.count; i++)
		c->tools.at[i].left = true;
}

/* Before a file system is touched for a plan, the plan must have every chance of being carried out. */
static int run_first_tools(struct change *c, bool *wrote)
{
	size_t locked = 0, i;
	bool any = false;
	int r;

	for (i = 0; i < c->tools.count; i++)
		any |= c->tools.at[i].before;
	if (!any)
		return 0;
	r = lock_and_verify(c, &locked);
	unlock(c, locked);
	return r < 0 ? r : run_tools(c, true, wrote);
}

static bool has_notes(const struct evms_object *o)
{
	size_t i;

	for (i = 0; i < o->inputs.count; i++)
		if (o->inputs.at[i]->notes.count)
			return true;
	return o->notes.count != 0;
}

static bool all_can_follow(struct change *c)
{
	struct model *m = c->model;
	size_t i;

	for (i = 0; i < m->objects.count; i++) {
		struct evms_object *o = m->objects.at[i];
		struct evms_plugin *p = o && o->state & EVMS_STATE_DIRTY ? change_writer(o) : NULL;

		if (p && (registry_load(c->registry, p) < 0 || !p->setup.committed || has_notes(o)))
			return false;	/* what was the matter may be mended now */
	}
	return m->wipes.count == 0;	/* wiping may have changed what others see */
}

/*
 * The disks are what the model says, as the second discovery has shown. Where every plug-in concerned can bring
 * its private data up to date, that is all; else the model is built anew.
 */
static int follow(struct change *c)
{
	struct model *m = c->model;
	size_t i;

	if (!all_can_follow(c))
		return change_discover(c);
	for (i = 0; i < m->objects.count; i++) {
		struct evms_object *o = m->objects.at[i];
		struct evms_plugin *p = o && o->state & EVMS_STATE_DIRTY ? change_writer(o) : NULL;

		if (!o)
			continue;
		if (p) {
			model_call_begin(m, p, "committed");
			m->call.may_change = true;
			p->setup.committed(o);
			model_call_end(m, 0);
		}
		object_clear_state(o, EVMS_STATE_DIRTY);
		o->planned = o->wiped = false;
	}
	change_unstage(c);
	return 0;
}

/* Everything up to the last flush; wrote tells whether anything can have been written. */
static int commit(struct change *c, bool *wrote)
{
	bool staged;
	int r = change_stage(c);

	if (r == 0)
		r = change_verify(c);
	staged = r == 0 && change_is_staged(c);
	if (staged)
		r = check_holders(c);
	if (r == 0)
		r = run_first_tools(c, wrote);
	if (r == 0 && staged)
		r = write_metadata(c, wrote);
	if (r < 0)
		return r;
	drop_tasks(c);
	c->ctx->unstoppable = true;
	if (staged)
		r = follow(c);
	c->ctx->unstoppable = false;
	return r == 0 ? run_tools(c, false, wrote) : r;
}

int change_commit(struct change *c)
{
	bool wrote = false;
	int r = commit(c, &wrote);

	change_unstage(c);
	return r < 0 && wrote ? partial(c, r) : r;
}
