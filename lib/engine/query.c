/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What clients can ask of objects, lists and plug-ins. */
#include <errno.h>
#include "engine/engine.h"
#include "util/check.h"
#include "util/export.h"

struct evms_list {
	size_t count;
	struct evms_object *at[];
};

/* --- lists --- */

static int list_new(struct evms_engine *e, uint32_t kinds, struct evms_task *accepted_by,
		    struct evms_list **out)
{
	struct model *m = e->model;
	struct evms_list *list = malloc(sizeof(*list) + m->objects.count * sizeof(list->at[0]));
	size_t i;

	if (!list)
		return context_fail(&e->ctx, ENOMEM, "", "", "memory", "out of memory");
	list->count = 0;
	for (i = 0; i < m->objects.count; i++) {
		struct evms_object *o = m->objects.at[i];

		if (!o || !(o->kind & kinds))
			continue;
		if (accepted_by && task_accepts(accepted_by, o) < 0) {
			context_clear_error(&e->ctx);
			continue;
		}
		list->at[list->count++] = evms_object_ref(o);
	}
	*out = list;
	return 0;
}

EXPORT int evms_engine_list(struct evms_engine *engine, uint32_t kinds, struct evms_list **out)
{
	int r = engine_enter(engine);

	if (r < 0)
		return r;
	if (kinds & ~EVMS_KIND_ANY || !kinds)
		r = context_fail(&engine->ctx, EINVAL, "", "", "list.kinds", "unknown kinds");
	return engine_leave(engine, r < 0 ? r : list_new(engine, kinds, NULL, out));
}

EXPORT int evms_task_list_acceptable(struct evms_task *task, struct evms_list **out)
{
	struct evms_engine *e = task->change->model->owner;
	int r = engine_enter(e);

	return r < 0 ? r : engine_leave(e, list_new(e, EVMS_KIND_ANY, task, out));
}

EXPORT size_t evms_list_get_length(const struct evms_list *list)
{
	return list ? list->count : 0;
}

EXPORT struct evms_object *evms_list_get(const struct evms_list *list, size_t i)
{
	return list && i < list->count ? list->at[i] : NULL;
}

EXPORT struct evms_list *evms_list_unref(struct evms_list *list)
{
	size_t i;

	for (i = 0; list && i < list->count; i++)
		evms_object_unref(list->at[i]);
	free(list);
	return NULL;
}

/* --- finding --- */

static uint32_t kind_of_prefix(const char **name)
{
	uint32_t kind;

	for (kind = 1; kind < EVMS_KIND_ANY; kind <<= 1) {
		const char *word = kind_name(kind);
		size_t len = strlen(word);

		if (!strncmp(*name, word, len) && (*name)[len] == ':') {
			*name += len + 1;
			return kind;
		}
	}
	return EVMS_KIND_ANY;
}

/* "DISK/LABEL" and "DISK/pN" for partitions whose name is another. */
static bool fits_in_parent(const struct evms_object *o, const char *name)
{
	size_t len = o->parent ? strlen(o->parent->name) : 0;
	size_t i;

	if (!len || strncmp(name, o->parent->name, len) || name[len] != '/')
		return false;
	name += len + 1;
	if (o->label && !strcmp(name, o->label))
		return true;
	for (i = 0; i < o->properties.count && *name == 'p'; i++) {
		const struct object_property *p = &o->properties.at[i];
		const char *dot = strrchr(p->key, '.');
		uint64_t number;

		if (dot && !strcmp(dot, ".number") && text_parse_u64(name + 1, &number) == 0 &&
		    number == p->u64)
			return true;
	}
	return false;
}

static bool fits(const struct evms_object *o, const char *name)
{
	return (o->uuid && !strcmp(name, o->uuid)) || (o->serial && !strcmp(name, o->serial)) ||
	       (o->label && !strcmp(name, o->label)) || fits_in_parent(o, name) ||
	       (o->disk && !strcmp(name, device_path(o->disk->device))) ||
	       (o->fs && ((o->fs->uuid && !strcmp(name, o->fs->uuid)) ||
			  (o->fs->label && !strcmp(name, o->fs->label))));
}

static struct evms_object *find_by_name(const struct model *m, uint32_t kinds, const char *name)
{
	/* What a name most likely means, when several kinds share it. */
	static const uint32_t order[] = { EVMS_KIND_DISK, EVMS_KIND_GROUP, EVMS_KIND_PARTITION,
					  EVMS_KIND_REGION, EVMS_KIND_FEATURE, EVMS_KIND_VOLUME,
					  EVMS_KIND_FREE, EVMS_KIND_METADATA, EVMS_KIND_DEVICE };
	struct evms_object *o = NULL;
	size_t i;

	for (i = 0; i < sizeof(order) / sizeof(order[0]) && !o; i++)
		if (kinds & order[i])
			o = names_find(&m->names, order[i], name);
	return o;
}

static struct evms_object *find_object(struct evms_engine *e, uint32_t kinds, const char *name)
{
	struct model *m = e->model;
	struct evms_object *found;
	size_t i;

	kinds &= kind_of_prefix(&name);
	found = find_by_name(m, kinds, name);
	for (i = 0; !found && i < m->objects.count; i++) {
		struct evms_object *o = m->objects.at[i];

		if (!o || !(o->kind & kinds) || !fits(o, name))
			continue;
		for (i++; i < m->objects.count; i++) {
			struct evms_object *other = m->objects.at[i];

			if (other && other->kind & kinds && fits(other, name) && other->volume != o &&
			    o->volume != other) {
				context_fail(&e->ctx, EEXIST, name, "", "object.ambiguous",
					     "both %s %s and %s %s fit", kind_name(o->kind), o->name,
					     kind_name(other->kind), other->name);
				return NULL;
			}
		}
		found = o;
	}
	if (!found)
		context_fail(&e->ctx, ENOENT, name, "", "object.unknown", "there is no such object");
	return found;
}

EXPORT struct evms_object *evms_engine_find(struct evms_engine *engine, uint32_t kinds, const char *name)
{
	struct evms_object *o;

	if (engine_enter(engine) < 0)
		return NULL;
	o = find_object(engine, kinds, name);
	engine->busy = false;
	return o;
}

/* --- objects --- */

EXPORT struct evms_object *evms_object_ref(struct evms_object *object)
{
	object->refs++;
	return object;
}

EXPORT struct evms_object *evms_object_unref(struct evms_object *object)
{
	if (!object || --object->refs || object->model || object->waiting)
		return NULL;
	free(object->name);
	free(object->label);
	free(object->uuid);
	free(object->serial);
	free(object);
	return NULL;
}

EXPORT uint64_t evms_object_get_id(const struct evms_object *object)
{
	return object->id;
}

EXPORT uint32_t evms_object_get_kind(const struct evms_object *object)
{
	return object->kind;
}

EXPORT const char *evms_object_get_kind_name(const struct evms_object *object)
{
	return kind_name(object->kind);
}

EXPORT const char *evms_object_get_name(const struct evms_object *object)
{
	return object->name;
}

EXPORT const char *evms_object_get_label(const struct evms_object *object)
{
	return or_empty(object->label);
}

EXPORT const char *evms_object_get_uuid(const struct evms_object *object)
{
	return or_empty(object->uuid);
}

EXPORT const char *evms_object_get_serial(const struct evms_object *object)
{
	return object->serial ? object->serial : or_empty(object->uuid);
}

EXPORT const char *evms_object_get_path(const struct evms_object *object)
{
	return object->disk ? device_path(object->disk->device) :
	       object->kind == EVMS_KIND_DEVICE ? object->name : "";
}

EXPORT const char *evms_object_get_plugin(const struct evms_object *object)
{
	return object->owner ? object->owner->name : "";
}

EXPORT const char *evms_object_get_manager(const struct evms_object *object)
{
	return object->claimer ? object->claimer->name : "";
}

EXPORT uint64_t evms_object_get_size(const struct evms_object *object)
{
	return object->size;
}

EXPORT uint64_t evms_object_get_offset(const struct evms_object *object)
{
	return object->offset;
}

EXPORT uint32_t evms_object_get_block_size(const struct evms_object *object)
{
	return object->block_size;
}

EXPORT uint32_t evms_object_get_state(const struct evms_object *object)
{
	return object->state;
}

EXPORT const char *evms_object_get_note(const struct evms_object *object, size_t i)
{
	return i < object->notes.count ? object->notes.at[i].text : NULL;
}

EXPORT const char *evms_object_get_note_reason(const struct evms_object *object, size_t i)
{
	return i < object->notes.count ? object->notes.at[i].reason : NULL;
}

EXPORT struct evms_object *evms_object_get_parent(const struct evms_object *object)
{
	return object->parent;
}

EXPORT struct evms_object *evms_object_get_input(const struct evms_object *object, size_t i)
{
	return i < object->inputs.count ? object->inputs.at[i] : NULL;
}

EXPORT struct evms_object *evms_object_get_output(const struct evms_object *object, size_t i)
{
	return i < object->outputs.count ? object->outputs.at[i] : NULL;
}

EXPORT int evms_object_get_space(const struct evms_object *object, size_t i, struct evms_space *out)
{
	const struct space_entry *e;

	if (!object->space || i >= object->space->entries.count)
		return -ERANGE;
	e = &object->space->entries.at[i];
	*out = (struct evms_space){ e->offset, e->size, e->kind, 0, e->object };
	return 0;
}

EXPORT int evms_object_get_map(const struct evms_object *object, size_t i, struct evms_map_entry *out)
{
	const struct map_target *t;

	if (i >= object->map.count)
		return -ERANGE;
	t = &object->map.at[i];
	*out = (struct evms_map_entry){ t->offset, t->size, t->target, t->chunk, t->n, 0 };
	return 0;
}

EXPORT int evms_object_get_map_input(const struct evms_object *object, size_t i, size_t leg,
				     struct evms_object **input, uint64_t *offset)
{
	const struct map_target *t;

	if (i >= object->map.count || leg >= object->map.at[i].n)
		return -ERANGE;
	t = &object->map.at[i];
	*input = map_legs(t)[leg].input;
	*offset = map_legs(t)[leg].offset;
	return 0;
}

EXPORT int evms_object_get_geometry(const struct evms_object *object, struct evms_geometry *out)
{
	if (!object->disk || !object->disk->geometry.heads)
		return -ENOENT;
	*out = object->disk->geometry;
	return 0;
}

static void property_value(const struct object_property *p, struct evms_value *out)
{
	*out = (struct evms_value){ .type = p->type };
	if (p->type == EVMS_TYPE_STR)
		out->u.str = or_empty(p->str);
	else
		out->u.u64 = p->u64;
}

EXPORT int evms_object_get_property(const struct evms_object *object, size_t i, const char **key,
				    struct evms_value *out)
{
	if (i >= object->properties.count)
		return -ERANGE;
	*key = object->properties.at[i].key;
	property_value(&object->properties.at[i], out);
	return 0;
}

EXPORT int evms_object_get_value(const struct evms_object *object, const char *key,
				 struct evms_value *out)
{
	size_t i;

	for (i = 0; i < object->properties.count; i++) {
		if (!strcmp(object->properties.at[i].key, key)) {
			property_value(&object->properties.at[i], out);
			return 0;
		}
	}
	return -ENOENT;
}

static int get_limits(struct evms_object *o, struct evms_limits *out)
{
	struct evms_object *under = object_under_volume(o);
	const struct object_fs *fs = under->volume ? under->volume->fs : NULL;
	struct evms_limits l = { 0, UINT64_MAX, 1 };
	struct model *m = o->model;
	struct evms_plugin *p = under->owner;
	int r;

	if (!p || registry_load(m->registry, p) < 0 || !p->setup.get_limits)
		return object_fail(o, ENOTSUP, "object.limits", "its size cannot be changed");
	model_call_begin(m, p, "get_limits");
	r = model_call_end(m, p->setup.get_limits(under, &l));
	if (r < 0)
		return r;
	if (fs && !fs->planned) {
		l.min_size = max_u64(l.min_size, fs->min_size);
		l.step = max_u64(l.step, fs->step);
	}
	*out = l;
	return 0;
}

EXPORT int evms_object_get_limits(struct evms_object *object, struct evms_limits *out)
{
	struct evms_engine *e = engine_of(object);
	int r = e ? engine_enter(e) : -ESTALE;

	return r < 0 ? r : engine_leave(e, get_limits(object, out));
}

EXPORT const char *evms_object_get_fs_plugin(const struct evms_object *object)
{
	return object->fs && object->fs->plugin ? object->fs->plugin->name : "";
}

EXPORT const char *evms_object_get_fs_type(const struct evms_object *object)
{
	return object->fs ? or_empty(object->fs->type) : "";
}

EXPORT const char *evms_object_get_fs_label(const struct evms_object *object)
{
	return object->fs ? or_empty(object->fs->label) : "";
}

EXPORT const char *evms_object_get_fs_uuid(const struct evms_object *object)
{
	return object->fs ? or_empty(object->fs->uuid) : "";
}

EXPORT uint64_t evms_object_get_fs_size(const struct evms_object *object)
{
	return object->fs ? object->fs->size : 0;
}

EXPORT uint64_t evms_object_get_fs_used(const struct evms_object *object)
{
	return object->fs ? object->fs->used : UINT64_MAX;
}

EXPORT int evms_object_probe_signature(struct evms_object *object, char **out)
{
	struct evms_engine *e = engine_of(object);
	int r = e ? engine_enter(e) : -ESTALE;

	return r < 0 ? r : engine_leave(e, signature_probe(object, out));
}

/* --- plug-ins --- */

EXPORT const char *evms_plugin_get_name(const struct evms_plugin *plugin)
{
	return plugin->name;
}

EXPORT uint64_t evms_plugin_get_id(const struct evms_plugin *plugin)
{
	return plugin->id;
}

EXPORT const char *evms_plugin_get_version(const struct evms_plugin *plugin)
{
	return or_empty(plugin->version);
}

EXPORT const char *evms_plugin_get_summary(const struct evms_plugin *plugin)
{
	return or_empty(plugin->summary);
}

EXPORT const char *evms_plugin_get_file(const struct evms_plugin *plugin)
{
	return plugin->file;
}

EXPORT uint32_t evms_plugin_get_role(const struct evms_plugin *plugin)
{
	return plugin->role;
}

EXPORT const char *evms_plugin_get_role_name(const struct evms_plugin *plugin)
{
	return role_name(plugin->role);
}

EXPORT uint32_t evms_plugin_get_ops(const struct evms_plugin *plugin)
{
	return plugin->ops;
}

EXPORT int evms_plugin_is_loaded(const struct evms_plugin *plugin)
{
	return plugin->module != NULL;
}

EXPORT const struct evms_option *evms_plugin_get_option(const struct evms_plugin *plugin, size_t i)
{
	return i < plugin->option_count ? &plugin->options[i] : NULL;
}

EXPORT const char *evms_op_get_name(uint32_t op)
{
	return op_name(op);
}
