/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The façade: engines, devices, discovery, tasks, plans and commits as clients see them. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>
#include "engine/engine.h"
#include "runtime/volume.h"
#include "util/check.h"
#include "util/export.h"

EXPORT void evms_get_version(unsigned *major, unsigned *minor, unsigned *patch)
{
	if (major)
		*major = EVMS_VERSION_MAJOR;
	if (minor)
		*minor = EVMS_VERSION_MINOR;
	if (patch)
		*patch = EVMS_VERSION_PATCH;
}

int engine_enter(struct evms_engine *e)
{
	if (e->busy)
		return -EDEADLK;
	e->busy = true;
	e->ctx.cancelled = false;
	context_clear_error(&e->ctx);
	return 0;
}

int engine_leave(struct evms_engine *e, int r)
{
	e->busy = false;
	if (r < 0 && !e->ctx.error.error)	/* no failure without a record */
		context_fail(&e->ctx, -r, "", "", "engine.failed", "the call failed");
	return r;
}

struct context *engine_context(struct evms_engine *engine)
{
	return &engine->ctx;
}

struct evms_engine *engine_of(const struct evms_object *o)
{
	return o->model ? o->model->owner : NULL;
}

/* --- life --- */

EXPORT int evms_engine_new(struct evms_engine **out, uint32_t flags)
{
	struct evms_engine *e;
	int r;

	if (!out || flags)
		return -EINVAL;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->refs = 1;
	context_init(&e->ctx);
	registry_init(&e->registry, &e->ctx, &host_table);
	r = device_set_new(&e->ctx, &e->set);
	if (r == 0)
		r = model_new(&e->ctx, &e->registry, e, &e->next_id, &e->model);
	if (r < 0) {
		evms_engine_unref(e);
		return r;
	}
	e->change.ctx = &e->ctx;
	e->change.registry = &e->registry;
	e->change.set = e->set;
	e->change.model = e->model;
	*out = e;
	return 0;
}

EXPORT struct evms_engine *evms_engine_ref(struct evms_engine *engine)
{
	engine->refs++;
	return engine;
}

EXPORT struct evms_engine *evms_engine_unref(struct evms_engine *engine)
{
	if (!engine || --engine->refs)
		return NULL;
	change_drop_log(&engine->change);
	vec_free(&engine->change.log);
	vec_free(&engine->change.tools);
	model_free(engine->model);
	vec_free(&engine->change.devices);
	device_set_free(engine->set);
	registry_free(&engine->registry);
	free(engine);
	return NULL;
}

EXPORT const struct evms_error *evms_engine_get_error(const struct evms_engine *engine)
{
	return &engine->ctx.error;
}

EXPORT void evms_engine_set_message_fn(struct evms_engine *engine, evms_message_fn fn, void *user)
{
	engine->ctx.message = fn;
	engine->ctx.message_user = user;
}

EXPORT void evms_engine_set_progress_fn(struct evms_engine *engine, evms_progress_fn fn, void *user)
{
	engine->ctx.progress = fn;
	engine->ctx.progress_user = user;
}

EXPORT void evms_engine_set_question_fn(struct evms_engine *engine, evms_question_fn fn, void *user)
{
	engine->ctx.question = fn;
	engine->ctx.question_user = user;
}

EXPORT void evms_engine_cancel(struct evms_engine *engine)
{
	engine->ctx.cancelled = true;
}

EXPORT int evms_engine_set_plugin_path(struct evms_engine *engine, const char *path)
{
	char *copy;
	int r = engine_enter(engine);

	if (r < 0)
		return r;
	if (!path || !*path)
		r = context_fail(&engine->ctx, EINVAL, "", "", "plugin.path", "the path is empty");
	else if (engine->registry.scanned)
		r = context_fail(&engine->ctx, EBUSY, "", "", "plugin.path", "the plug-ins are known already");
	copy = r == 0 ? strdup(path) : NULL;
	if (r == 0 && !copy)
		r = context_fail(&engine->ctx, ENOMEM, "", "", "memory", "out of memory");
	if (copy) {
		free(engine->registry.path);
		engine->registry.path = copy;
	}
	return engine_leave(engine, r);
}

/* --- errors --- */

EXPORT int evms_error_get_errno(const struct evms_error *error)
{
	return error->error;
}

EXPORT const char *evms_error_get_reason(const struct evms_error *error)
{
	return error->reason;
}

EXPORT const char *evms_error_get_object(const struct evms_error *error)
{
	return error->object;
}

EXPORT const char *evms_error_get_plugin(const struct evms_error *error)
{
	return error->plugin;
}

EXPORT const char *evms_error_get_detail(const struct evms_error *error)
{
	return error->detail;
}

EXPORT const char *evms_error_get_message(const struct evms_error *error)
{
	return error->message;
}

/* --- devices --- */

static char *absolute(const char *path)
{
	char here[PATH_MAX], *made = NULL;

	if (*path == '/')
		return strdup(path);
	if (!getcwd(here, sizeof(here)) || asprintf(&made, "%s/%s", here, path) < 0)
		return NULL;
	return made;
}

static int add_device(struct evms_engine *e, const char *path, uint32_t block_size)
{
	struct context *ctx = &e->ctx;
	struct device *d;
	char *full;
	int r;

	if (!path || !*path)
		return context_fail(ctx, EINVAL, "", "", "device.path", "the path is empty");
	if (block_size && (!is_power_of_two(block_size) || block_size < 512 || block_size > 65536))
		return context_fail(ctx, EINVAL, path, "", "device.block-size",
				    "%u is no block size; give a power of two from 512 to 65536", block_size);
	full = absolute(path);
	if (!full)
		return context_fail(ctx, ENOMEM, path, "", "memory", "out of memory");
	if (device_find(e->set, full)) {
		free(full);
		return context_fail(ctx, EEXIST, path, "", "device.twice", "it was added already");
	}
	r = device_new(e->set, full, block_size, &d);
	free(full);
	if (r < 0)
		return context_fail(ctx, -r, path, "", "device.new", "it cannot be added");
	if (!vec_push(&e->change.devices, d))
		return context_fail(ctx, ENOMEM, path, "", "memory", "out of memory");
	return 0;
}

EXPORT int evms_engine_add_device(struct evms_engine *engine, const char *path, uint32_t block_size)
{
	int r = engine_enter(engine);

	return r < 0 ? r : engine_leave(engine, add_device(engine, path, block_size));
}

/* Not what others are made of: mapped and assembled devices, and those without a medium. */
static bool is_real(const char *name)
{
	static const char *const made[] = { "dm-", "md", "ram", "zram", "nbd" };
	char path[320], text[32];
	uint64_t sectors = 0;
	FILE *f;
	size_t i;

	for (i = 0; i < sizeof(made) / sizeof(made[0]); i++)
		if (!strncmp(name, made[i], strlen(made[i])))
			return false;
	snprintf(path, sizeof(path), "/sys/block/%.255s/size", name);
	f = fopen(path, "re");
	if (f && fgets(text, sizeof(text), f))
		sectors = strtoull(text, NULL, 10);
	if (f)
		fclose(f);
	return sectors > 0;
}

EXPORT int evms_engine_scan_devices(struct evms_engine *engine)
{
	struct dirent **names = NULL;
	char path[320];
	int r = engine_enter(engine), count, i;

	if (r < 0)
		return r;
	count = scandir("/sys/block", &names, NULL, alphasort);
	if (count < 0)
		r = context_fail(&engine->ctx, errno, "/sys/block", "", "device.scan", "cannot be read");
	for (i = 0; i < count; i++) {
		if (r == 0 && names[i]->d_name[0] != '.' && is_real(names[i]->d_name)) {
			snprintf(path, sizeof(path), "/dev/%.255s", names[i]->d_name);
			r = add_device(engine, path, 0);
			if (r == -EEXIST) {
				context_clear_error(&engine->ctx);
				r = 0;
			}
		}
		free(names[i]);
	}
	free(names);
	return engine_leave(engine, r);
}

static int discover_all(struct evms_engine *e)
{
	if (!e->change.devices.count)
		return context_fail(&e->ctx, ENOENT, "", "", "device.none", "no device was added");
	change_drop_log(&e->change);
	return change_discover(&e->change);
}

EXPORT int evms_engine_discover(struct evms_engine *engine)
{
	int r = engine_enter(engine);

	return r < 0 ? r : engine_leave(engine, discover_all(engine));
}

EXPORT int evms_engine_find_holders(struct evms_engine *engine)
{
	int r = engine_enter(engine);

	return r < 0 ? r : engine_leave(engine, note_holders(engine->model, engine->set));
}

/* --- plug-ins --- */

EXPORT int evms_engine_load_plugins(struct evms_engine *engine)
{
	int r = engine_enter(engine);

	if (r < 0)
		return r;
	r = registry_scan(&engine->registry);
	registry_unload_idle(&engine->registry);
	return engine_leave(engine, r);
}

EXPORT int evms_engine_load_plugin(struct evms_engine *engine, const char *path)
{
	int r = engine_enter(engine);

	if (r < 0)
		return r;
	if (!path || !*path)
		r = context_fail(&engine->ctx, EINVAL, "", "", "plugin.path", "the path is empty");
	else
		r = registry_add_file(&engine->registry, path);
	return engine_leave(engine, r);
}

EXPORT const struct evms_plugin *evms_engine_get_plugin(const struct evms_engine *engine, size_t i)
{
	return i < engine->registry.plugins.count ? engine->registry.plugins.at[i] : NULL;
}

EXPORT const struct evms_plugin *evms_engine_find_plugin(const struct evms_engine *engine,
							 const char *name)
{
	return registry_find(&engine->registry, name);
}

/* --- tasks --- */

static int new_task(struct evms_engine *e, const char *plugin, uint32_t op, struct evms_task **out)
{
	struct evms_plugin *p = NULL;
	int r = registry_scan(&e->registry);

	if (r < 0)
		return r;
	if (plugin) {
		p = registry_find(&e->registry, plugin);
		if (!p)
			return context_fail(&e->ctx, ENOENT, "", plugin, "plugin.unknown",
					    "there is no such plug-in");
	}
	return task_new(&e->change, p, op, out);
}

EXPORT int evms_task_new(struct evms_engine *engine, const char *plugin, uint32_t op,
			 struct evms_task **out)
{
	int r = engine_enter(engine);

	if (r < 0)
		return r;
	r = new_task(engine, plugin, op, out);
	if (r == 0)
		evms_engine_ref(engine);	/* a task cannot do without */
	return engine_leave(engine, r);
}

static struct evms_engine *task_engine(const struct evms_task *t)
{
	return t->change->model->owner;
}

EXPORT struct evms_task *evms_task_unref(struct evms_task *task)
{
	struct evms_engine *e = task ? task_engine(task) : NULL;

	task_unref(task);
	evms_engine_unref(e);
	return NULL;
}

EXPORT int evms_task_add_input(struct evms_task *task, struct evms_object *object)
{
	struct evms_engine *e = task_engine(task);
	int r = engine_enter(e);

	return r < 0 ? r : engine_leave(e, task_add_input(task, object));
}

EXPORT int evms_task_set(struct evms_task *task, const char *option, const char *value)
{
	struct evms_engine *e = task_engine(task);
	int r = engine_enter(e);

	return r < 0 ? r : engine_leave(e, task_set(task, option, value));
}

EXPORT int evms_task_accepts(struct evms_task *task, struct evms_object *object)
{
	struct evms_engine *e = task_engine(task);
	int r = engine_enter(e);

	return r < 0 ? r : engine_leave(e, task_accepts(task, object));
}

EXPORT int evms_task_run(struct evms_task *task)
{
	struct evms_engine *e = task_engine(task);
	int r = engine_enter(e);

	return r < 0 ? r : engine_leave(e, task_run(task));
}

EXPORT struct evms_object *evms_task_get_output(const struct evms_task *task, size_t i)
{
	return i < task->outputs.count ? task->outputs.at[i] : NULL;
}

EXPORT int evms_engine_undo(struct evms_engine *engine)
{
	int r = engine_enter(engine);

	if (r < 0)
		return r;
	return engine_leave(engine, change_undo(&engine->change, engine->change.log.count ?
						engine->change.log.count - 1 : 0));
}

EXPORT int evms_engine_undo_to(struct evms_engine *engine, size_t count)
{
	int r = engine_enter(engine);

	return r < 0 ? r : engine_leave(engine, change_undo(&engine->change, count));
}

EXPORT size_t evms_engine_get_task_count(const struct evms_engine *engine)
{
	return engine->change.log.count;
}

/* --- plan and commit --- */

EXPORT int evms_engine_plan(struct evms_engine *engine, struct evms_plan **out)
{
	int r = engine_enter(engine);

	return r < 0 ? r : engine_leave(engine, change_plan(&engine->change, out));
}

EXPORT struct evms_plan *evms_plan_unref(struct evms_plan *plan)
{
	if (!plan)
		return NULL;
	while (plan->steps.count)
		free(plan->steps.at[--plan->steps.count]);
	vec_free(&plan->steps);
	text_free(&plan->json);
	free(plan);
	return NULL;
}

EXPORT size_t evms_plan_get_length(const struct evms_plan *plan)
{
	return plan->steps.count;
}

EXPORT const char *evms_plan_get_step(const struct evms_plan *plan, size_t i)
{
	return i < plan->steps.count ? plan->steps.at[i] : NULL;
}

EXPORT int evms_plan_to_json(const struct evms_plan *plan, char **out)
{
	*out = strdup(plan->json.at);
	return *out ? 0 : -ENOMEM;
}

EXPORT int evms_engine_commit(struct evms_engine *engine, uint32_t flags)
{
	int r = engine_enter(engine);

	if (r < 0)
		return r;
	if (flags)
		return engine_leave(engine, context_fail(&engine->ctx, EINVAL, "", "", "commit.flags",
							 "unknown flags"));
	return engine_leave(engine, change_commit(&engine->change));
}

/* --- runtime --- */

static bool is_dirty_below(struct evms_object *o, unsigned depth)
{
	size_t i;
	uint32_t k;

	if (!depth)
		o->model->visits++;
	if (!object_visit(o, o->model->visits))
		return false;
	if (depth > 64 || o->state & EVMS_STATE_DIRTY || (o->parent && o->parent->state & EVMS_STATE_DIRTY))
		return true;
	for (i = 0; i < o->map.count; i++)
		for (k = 0; k < o->map.at[i].n; k++)
			if (is_dirty_below(map_legs(&o->map.at[i])[k].input, depth + 1))
				return true;
	return false;
}

static int compile_committed(struct evms_object *o, struct table **out)
{
	if (is_dirty_below(o, 0))
		return object_fail(o, ENOTSUP, "object.dirty", "it is changed and not committed; commit first");
	return object_compile(o, out);
}

EXPORT int evms_object_get_table(struct evms_object *object, char **out)
{
	struct evms_engine *e = engine_of(object);
	struct table *table = NULL;
	int r;

	if (!e)
		return -ESTALE;
	r = engine_enter(e);
	if (r < 0)
		return r;
	r = compile_committed(object, &table);
	if (r == 0)
		r = table_flatten(table);
	if (r == 0)
		r = table_to_text(table, out);
	table_free(table);
	return engine_leave(e, r);
}

EXPORT int evms_volume_open(struct evms_object *object, uint32_t flags, struct evms_volume **out)
{
	struct evms_engine *e = engine_of(object);
	struct table *table = NULL;
	char why[256] = "";
	int r;

	if (!e)
		return -ESTALE;
	r = engine_enter(e);
	if (r < 0)
		return r;
	if (flags & ~EVMS_VOLUME_READ_ONLY)
		r = object_fail(object, EINVAL, "volume.flags", "unknown flags");
	if (r == 0)
		r = compile_committed(object, &table);
	if (r == 0) {
		r = volume_open_table_struct(table, flags, e->registry.path, why, sizeof(why), out);
		if (r < 0)
			object_fail(object, -r, "volume.open", "%s", why);
	}
	table_free(table);
	return engine_leave(e, r);
}
