/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The host table: what plug-ins may ask of the engine. Each function checks that the call under way allows
 * it, and that the object is the plug-in's own, so that a bug in a plug-in costs the plug-in only.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>
#include "engine/host.h"
#include "util/check.h"
#include "util/crc.h"
#include "util/text.h"

struct evms_plugin *host_caller(const struct evms_object *o)
{
	return o->model ? o->model->call.plugin : NULL;
}

bool host_owns(const struct evms_object *o)
{
	struct evms_plugin *p = host_caller(o);

	return p && (o->owner == p || o->claimer == p || (o->fs && o->fs->plugin == p));
}

/* --- facts --- */

static uint32_t host_get_kind(const struct evms_object *o)
{
	return o->kind;
}

static uint32_t host_get_state(const struct evms_object *o)
{
	return o->state;
}

static uint64_t host_get_size(const struct evms_object *o)
{
	return o->size;
}

static uint64_t host_get_offset(const struct evms_object *o)
{
	return o->offset;
}

static uint32_t host_get_block_size(const struct evms_object *o)
{
	return o->block_size;
}

static uint32_t host_get_physical_block_size(const struct evms_object *o)
{
	return o->physical_block_size;
}

static const char *host_get_name(const struct evms_object *o)
{
	return o->name;
}

static const char *host_get_label(const struct evms_object *o)
{
	return or_empty(o->label);
}

static const char *host_get_uuid(const struct evms_object *o)
{
	return or_empty(o->uuid);
}

static const char *host_get_path(const struct evms_object *o)
{
	return o->disk ? device_path(o->disk->device) : "";
}

static int host_get_geometry(const struct evms_object *o, struct evms_geometry *out)
{
	while (o && !o->disk)
		o = o->inputs.count ? o->inputs.at[0] : o->parent;
	if (!o || !o->disk->geometry.heads)
		return -ENOENT;
	*out = o->disk->geometry;
	return 0;
}

static struct evms_object *host_get_parent(const struct evms_object *o)
{
	return o->parent;
}

static struct evms_object *host_get_consumer(const struct evms_object *o)
{
	return o->consumer;
}

static uint32_t host_get_input_count(const struct evms_object *o)
{
	return (uint32_t)o->inputs.count;
}

static struct evms_object *host_get_input(const struct evms_object *o, uint32_t i)
{
	return i < o->inputs.count ? o->inputs.at[i] : NULL;
}

static uint32_t host_get_space_count(const struct evms_object *o)
{
	return o->space ? (uint32_t)o->space->entries.count : 0;
}

static int host_get_space(const struct evms_object *o, uint32_t i, struct evms_space *out)
{
	const struct space_entry *e;

	if (i >= host_get_space_count(o))
		return -ERANGE;
	e = &o->space->entries.at[i];
	*out = (struct evms_space){ e->offset, e->size, e->kind, 0, e->object };
	return 0;
}

static int host_is_mine(const struct evms_object *o)
{
	return host_owns(o);
}

static void *host_get_private(const struct evms_object *o)
{
	size_t i;

	for (i = 0; i < o->privates.count; i++)
		if (o->privates.at[i].plugin == host_caller(o))
			return o->privates.at[i].data;
	return NULL;
}

/* --- members --- */

static int host_join(struct evms_object *o, const char *key)
{
	struct members *all = o->model ? o->model->members : NULL;

	if (!all || !host_caller(o) || o->kind == EVMS_KIND_VOLUME || !key || !*key || strlen(key) > 512)
		return object_fail(o, EPERM, "plugin.call", "objects join in probe only, with a key");
	free(all->joined);
	all->joined = strdup(key);
	return all->joined ? 0 : object_fail(o, ENOMEM, "memory", "out of memory");
}

static const char *host_members_get_key(const struct evms_members *m)
{
	return m->key;
}

static uint32_t host_members_get_count(const struct evms_members *m)
{
	return (uint32_t)m->at.count;
}

static struct evms_object *host_members_get(const struct evms_members *m, uint32_t i)
{
	return i < m->at.count ? m->at.at[i] : NULL;
}

static struct evms_object *host_members_take(struct evms_members *m, const char *key)
{
	return members_take(m, key);
}

static int host_members_is_final(const struct evms_members *m)
{
	return m->final;
}

/* --- tasks --- */

static uint32_t host_task_get_op(const struct evms_task *t)
{
	return t->op;
}

static uint32_t host_task_get_input_count(const struct evms_task *t)
{
	return (uint32_t)t->inputs.count;
}

static struct evms_object *host_task_get_input(const struct evms_task *t, uint32_t i)
{
	return i < t->inputs.count ? t->inputs.at[i] : NULL;
}

static int host_task_has(const struct evms_task *t, const char *option)
{
	return task_find(t, option) != NULL;
}

static const char *host_task_get_str(const struct evms_task *t, const char *option)
{
	const struct task_option *set = task_find(t, option);
	const struct evms_option *o = set ? NULL : plugin_find_option(t->plugin, t->op, option);

	return set ? set->text : o ? o->fallback : NULL;
}

static uint64_t host_task_get_u64(const struct evms_task *t, const char *option)
{
	const struct task_option *set = task_find(t, option);
	const struct evms_option *o = set ? NULL : plugin_find_option(t->plugin, t->op, option);
	uint64_t value = 0;

	if (set)
		return set->value;
	if (o && o->fallback)
		option_parse(t->change->ctx, t->plugin, o, o->fallback,
			     t->inputs.count ? t->inputs.at[0]->size : 0, &value);
	return value;
}

static int host_task_progress(struct evms_task *t, uint64_t done, uint64_t total)
{
	return context_progress(t->change->ctx, op_name(t->op), done, total);
}

static int host_task_set(struct evms_task *t, const char *option, const char *text)
{
	return task_set(t, option, text);
}

static int host_tool_possible(const struct evms_task *t, uint32_t flags)
{
	(void)t;
	return flags & EVMS_TOOL_MOUNTED && geteuid() != 0 ? -ENOTSUP : 0;
}

static int host_tool(struct evms_task *t, const char *const *argv, uint32_t flags, char *output,
		     size_t output_size)
{
	return task_tool(t, argv, flags, output, output_size);
}

/* --- errors and helpers --- */

static int host_fail(const struct evms_object *o, int error, const char *reason, const char *fmt,
		     va_list args)
{
	const struct evms_plugin *p = o ? host_caller(o) : NULL;

	if (!o || !o->model)
		return -error;
	return context_vfail(o->model->ctx, error, o->name, p ? p->name : "", reason, fmt, args);
}

static int host_task_fail(const struct evms_task *t, int error, const char *reason, const char *fmt,
			  va_list args)
{
	return task_vfail(t, error, reason, fmt, args);
}

static int host_random(void *buf, size_t len)
{
	return len <= 256 && getrandom(buf, len, 0) == (ssize_t)len ? 0 : -EIO;
}

/* The wrappers of plugin.h, which the library does not call, refer to it when nothing is optimised away. */
const struct evms_host *evms_host_ = &host_table;

const struct evms_host host_table = {
	.size = sizeof(struct evms_host),
	.abi_major = EVMS_PLUGIN_ABI_MAJOR,
	.abi_minor = EVMS_PLUGIN_ABI_MINOR,
	.get_kind = host_get_kind,
	.get_state = host_get_state,
	.get_size = host_get_size,
	.get_offset = host_get_offset,
	.get_block_size = host_get_block_size,
	.get_physical_block_size = host_get_physical_block_size,
	.get_name = host_get_name,
	.get_label = host_get_label,
	.get_uuid = host_get_uuid,
	.get_path = host_get_path,
	.get_geometry = host_get_geometry,
	.get_parent = host_get_parent,
	.get_consumer = host_get_consumer,
	.get_input_count = host_get_input_count,
	.get_input = host_get_input,
	.get_space_count = host_get_space_count,
	.get_space = host_get_space,
	.is_mine = host_is_mine,
	.get_private = host_get_private,
	.set_private = host_set_private,
	.set_name = host_set_name,
	.set_label = host_set_label,
	.set_uuid = host_set_uuid,
	.set_serial = host_set_serial,
	.set_size = host_set_size,
	.set_block_size = host_set_block_size,
	.set_geometry = host_set_geometry,
	.set_u64 = host_set_u64,
	.set_str = host_set_str,
	.set_fs = host_set_fs,
	.note = host_note,
	.clear_state = host_clear_state,
	.mark_dirty = host_mark_dirty,
	.produce = host_produce,
	.consume = host_consume,
	.give_up = host_give_up,
	.remove = host_remove,
	.add_metadata = host_add_metadata,
	.remove_metadata = host_remove_metadata,
	.add_partition = host_add_partition,
	.move_partition = host_move_partition,
	.allocate = host_allocate,
	.release_space = host_release_space,
	.map = host_map,
	.clear_map = host_clear_map,
	.read = host_read,
	.write = host_write,
	.zero = host_zero,
	.join = host_join,
	.members_get_key = host_members_get_key,
	.members_get_count = host_members_get_count,
	.members_get = host_members_get,
	.members_take = host_members_take,
	.members_is_final = host_members_is_final,
	.task_get_op = host_task_get_op,
	.task_get_input_count = host_task_get_input_count,
	.task_get_input = host_task_get_input,
	.task_has = host_task_has,
	.task_get_str = host_task_get_str,
	.task_get_u64 = host_task_get_u64,
	.task_progress = host_task_progress,
	.tool = host_tool,
	.fail = host_fail,
	.task_fail = host_task_fail,
	.crc32 = crc32_update,
	.crc32c = crc32c_update,
	.random = host_random,
	.task_set = host_task_set,
	.tool_possible = host_tool_possible,
};
