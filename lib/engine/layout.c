/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Layouts: the public call. Reads the file, then disks, then groups and features in order. */
#include <errno.h>
#include <evms/evms.h>
#include "engine/engine.h"
#include "engine/layout.h"
#include "util/export.h"

static int take_disks(struct layout *l, struct evms_object *const *disks, size_t count)
{
	if (count != l->disks.count)
		return layout_fail(l, EINVAL, "layout.disks", "/disks",
				   "the layout describes %zu disk%s, and %zu %s given",
				   l->disks.count,
				   l->disks.count == 1 ? "" : "s", count, count == 1 ? "was" :
				   "were");
	for (size_t i = 0; i < count; i++) {
		struct layout_item *item = l->disks.at[i];

		if (!disks[i] || evms_object_get_kind(disks[i]) != EVMS_KIND_DISK)
			return layout_fail(l, EINVAL, "layout.disks", item->path, "%s is no disk",
					   disks[i] ? evms_object_get_name(disks[i]) : "what was "
					   "given");
		for (size_t k = 0; k < i; k++)
			if (disks[k] == disks[i])
				return layout_fail(l, EINVAL, "layout.disks", item->path,
						   "the disk %s is given twice",
						   evms_object_get_name(disks[i]));
		item->object = evms_object_ref(disks[i]);
	}
	return 0;
}

static int run(struct layout *l)
{
	size_t total = l->disks.count + l->makers.count;
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->disks.count; i++) {
		r = layout_run_disk(l, l->disks.at[i]);
		if (r == 0)
			r = context_progress(l->ctx, "layout", i + 1, total);
	}
	for (size_t i = 0; r == 0 && i < l->makers.count; i++) {
		r = layout_run_maker(l, l->makers.at[i]);
		if (r == 0)
			r = context_progress(l->ctx, "layout", l->disks.count + i + 1, total);
	}
	return r;
}

/* The model is as before; what went wrong stays on record. */
static void take_back(struct layout *l, size_t task_count)
{
	struct evms_error error = l->ctx->error;

	if (evms_engine_get_task_count(l->engine) == task_count)
		return;
	evms_engine_undo_to(l->engine, task_count);
	l->ctx->error = error;
}

EXPORT int evms_engine_run_layout(struct evms_engine *engine, const char *json, size_t length,
				  struct evms_object *const *disks, size_t disk_count)
{
	struct layout l = { .engine = engine };
	size_t before;
	int r;

	if (!engine || !json || (disk_count && !disks))
		return -EINVAL;
	l.ctx = engine_context(engine);
	before = evms_engine_get_task_count(engine);
	r = layout_parse(&l, json, length);
	if (r == 0)
		r = take_disks(&l, disks, disk_count);
	if (r == 0)
		r = run(&l);
	if (r < 0)
		take_back(&l, before);
	layout_free(&l);
	return r;
}
