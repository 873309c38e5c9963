/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The part of the host table with which plug-ins change the model and stage bytes. Each function checks that
 * the call under way allows it, and that the object is the plug-in's own.
 */
#include <errno.h>
#include <stdio.h>
#include "engine/host.h"
#include "util/check.h"

/* 0 when the call may change the model and the object is the caller's. */
static int may_change(const struct evms_object *o)
{
	if (!o->model || !o->model->call.may_change)
		return object_fail(o, EPERM, "plugin.call", "the model cannot be changed in this call");
	if (!host_owns(o))
		return object_fail(o, EPERM, "plugin.owner", "the object belongs to somebody else");
	o->model->generation++;
	return 0;
}

static int may_note(const struct evms_object *o)
{
	if (!host_caller(o))
		return -EPERM;
	o->model->generation++;
	return 0;
}

/* --- changes --- */

int host_set_private(struct evms_object *o, void *data)
{
	struct object_private new = { host_caller(o), data };
	size_t i;

	if (!new.plugin)
		return -EPERM;
	o->model->generation++;
	for (i = 0; i < o->privates.count; i++) {
		if (o->privates.at[i].plugin == new.plugin) {
			o->privates.at[i].data = data;
			return 0;
		}
	}
	if (!vec_push(&o->privates, new))
		return object_fail(o, ENOMEM, "memory", "out of memory");
	new.plugin->users++;
	return 0;
}

int host_set_name(struct evms_object *o, const char *name)
{
	char full[512];
	int r = may_change(o);

	if (r < 0)
		return r;
	if (!o->parent)
		return object_set_name(o, name);
	snprintf(full, sizeof(full), "%s/%s", o->parent->name, name);
	return object_set_name(o, full);
}

static int set_text(struct evms_object *o, char **field, const char *text)
{
	int r = may_change(o);

	if (r == 0 && object_set_text(field, text) < 0)
		r = object_fail(o, ENOMEM, "memory", "out of memory");
	return r;
}

int host_set_label(struct evms_object *o, const char *label)
{
	return set_text(o, &o->label, label);
}

int host_set_uuid(struct evms_object *o, const char *uuid)
{
	return set_text(o, &o->uuid, uuid);
}

int host_set_serial(struct evms_object *o, const char *serial)
{
	return set_text(o, &o->serial, serial);
}

int host_set_size(struct evms_object *o, uint64_t size)
{
	int r = may_change(o);

	if (r < 0)
		return r;
	if (o->kind == EVMS_KIND_DISK && size > device_facts(o->disk->device)->size)
		return object_fail(o, EPROTO, "disk.size", "a disk cannot be larger than its device");
	object_touch(o);
	return space_resize(o, size);
}

int host_set_block_size(struct evms_object *o, uint32_t block_size)
{
	int r = may_change(o);

	if (r < 0)
		return r;
	if (!is_power_of_two(block_size) || block_size < 512 || block_size > 65536)
		return object_fail(o, EINVAL, "object.block-size", "%u is no block size", block_size);
	if (o->kind == EVMS_KIND_DISK && o->claimer && !o->disk->block_size_assumed &&
	    block_size != o->block_size)
		return object_fail(o, EPERM, "disk.block-size", "the block size of this disk is known to be %u",
				   o->block_size);
	o->block_size = block_size;
	o->physical_block_size = (uint32_t)max_u64(o->physical_block_size, block_size);
	object_touch(o);
	return o->kind == EVMS_KIND_DISK ? space_resize(o, round_down(o->size, block_size)) : 0;
}

int host_set_geometry(struct evms_object *o, const struct evms_geometry *geometry)
{
	int r = may_change(o);

	if (r < 0)
		return r;
	if (!o->disk)
		return -EINVAL;
	o->disk->geometry = *geometry;
	return 0;
}

static int set_property(struct evms_object *o, const char *key, uint32_t type, uint64_t u64,
			const char *str)
{
	char full[128];

	if (may_note(o) < 0)
		return -EPERM;
	snprintf(full, sizeof(full), "%s.%s", host_caller(o)->name, key);
	return object_set_property(o, full, type, u64, str);
}

int host_set_u64(struct evms_object *o, const char *key, uint32_t type, uint64_t value)
{
	return set_property(o, key, type, value, NULL);
}

int host_set_str(struct evms_object *o, const char *key, const char *value)
{
	return set_property(o, key, EVMS_TYPE_STR, 0, value);
}

int host_set_fs(struct evms_object *volume, const struct evms_fs_info *fs)
{
	struct evms_fs_info known = { .size_of = 0 };
	const struct evms_plugin *p = host_caller(volume);

	if (!p || !volume->model->call.may_change || volume->kind != EVMS_KIND_VOLUME ||
	    p->role != EVMS_ROLE_FILE_SYSTEM)
		return object_fail(volume, EPERM, "plugin.call", "a file system is set on a volume only");
	if (volume->fs && volume->fs->plugin != p)
		return object_fail(volume, EPERM, "plugin.owner", "the file system belongs to somebody else");
	volume->model->generation++;
	if (fs)
		memcpy(&known, fs, min_u64(fs->size_of, sizeof(known)));
	return object_set_fs(volume, host_caller(volume), fs ? &known : NULL);
}

int host_note(struct evms_object *o, uint32_t state, const char *reason, const char *fmt,
		     va_list args)
{
	if (may_note(o) < 0)
		return -EPERM;
	if (o->model->call.may_change)
		object_touch(o);	/* its volume shares some of the states */
	return object_vnote(o, state, reason, fmt, args);
}

int host_clear_state(struct evms_object *o, uint32_t state)
{
	if (may_note(o) < 0)
		return -EPERM;
	if (o->model->call.may_change)
		object_touch(o);
	object_clear_state(o, state);
	return 0;
}

int host_mark_dirty(struct evms_object *o)
{
	int r = may_change(o);

	if (r < 0)
		return r;
	object_touch(o);
	o->state |= EVMS_STATE_DIRTY;
	return 0;
}

static int check_free_input(const struct evms_object *in)
{
	if (!in->model)
		return -ESTALE;
	if (!object_holds_data(in))
		return object_fail(in, EINVAL, "input.kind", "a %s cannot be used", kind_name(in->kind));
	if (in->consumer)
		return object_fail(in, EBUSY, "input.used", "it is used by %s", in->consumer->name);
	if (in->claimer)
		return object_fail(in, EBUSY, "input.used", "its partitions belong to %s", in->claimer->name);
	return 0;
}

static int may_produce(const struct evms_object *in)
{
	const struct evms_plugin *p = host_caller(in);

	if (!p || !in->model->call.may_change ||
	    (p->role != EVMS_ROLE_GROUP_EMULATOR && p->role != EVMS_ROLE_FEATURE))
		return object_fail(in, EPERM, "plugin.call", "this call cannot produce objects");
	return 0;
}

static void inherit_blocks(struct evms_object *o, const struct evms_object *in)
{
	o->block_size = (uint32_t)max_u64(o->block_size, in->block_size);
	o->physical_block_size = (uint32_t)max_u64(o->physical_block_size, in->physical_block_size);
}

static int produce_region(struct evms_object *group, const char *name, uint64_t size,
			  struct evms_object **out)
{
	char full[512];
	int r;

	snprintf(full, sizeof(full), "%s/%s", group->name, name);
	r = object_new(group->model, EVMS_KIND_REGION, full, group->owner, out);
	if (r < 0)
		return r;
	(*out)->parent = group;
	(*out)->size = size;
	return 0;
}

int host_produce(struct evms_object *in, const char *name, uint64_t size, struct evms_object **out)
{
	struct evms_object *o;
	int r = may_produce(in);

	if (r < 0)
		return r;
	if (in->kind == EVMS_KIND_GROUP && in->owner == host_caller(in)) {
		r = produce_region(in, name, size, &o);
	} else {
		r = check_free_input(in);
		if (r == 0)
			r = object_new(in->model, host_caller(in)->role == EVMS_ROLE_FEATURE ? EVMS_KIND_FEATURE :
				       EVMS_KIND_GROUP, name, host_caller(in), &o);
		if (r == 0) {
			o->size = size;
			if (o->kind == EVMS_KIND_GROUP)
				r = space_prepare(o);
		}
	}
	if (r < 0)
		return r;
	inherit_blocks(o, in);
	r = object_add_input(o, in);
	if (r < 0) {
		object_remove(o);
		return r;
	}
	*out = o;
	return 0;
}

/* Does o lie on the other object, however far down? What lies deeper than can be read counts as well. */
static bool lies_on(struct evms_object *o, const struct evms_object *other, unsigned depth)
{
	size_t i;

	if (!depth)
		o->model->visits++;
	if (!object_visit(o, o->model->visits))
		return false;
	if (o == other || depth > 64 || (o->parent && lies_on(o->parent, other, depth + 1)))
		return true;
	for (i = 0; i < o->inputs.count; i++)
		if (o->inputs.at[i] != o->parent && lies_on(o->inputs.at[i], other, depth + 1))
			return true;
	return false;
}

int host_consume(struct evms_object *out, struct evms_object *in)
{
	int r = may_change(out);

	if (r == 0)
		r = check_free_input(in);
	if (r == 0 && lies_on(in, out, 0))
		r = object_fail(out, EINVAL, "input.loop", "it cannot be made of itself (%s lies on it)",
				in->name);
	if (r == 0 && out->inputs.count >= 65536)
		r = object_fail(out, E2BIG, "object.inputs", "too many inputs");
	if (r < 0)
		return r;
	inherit_blocks(out, in);
	return object_add_input(out, in);
}

int host_give_up(struct evms_object *out, struct evms_object *in)
{
	int r = may_change(out);

	if (r < 0)
		return r;
	if (in->consumer != out)
		return object_fail(in, EINVAL, "input.member", "it is not used by %s", out->name);
	object_remove_input(out, in);
	return 0;
}

int host_remove(struct evms_object *o)
{
	size_t i;
	int r = may_change(o);

	if (r < 0)
		return r;
	if (o->owner != host_caller(o) || !(o->kind & (EVMS_KIND_PARTITION | EVMS_KIND_GROUP | EVMS_KIND_REGION |
						  EVMS_KIND_FEATURE)))
		return object_fail(o, EPERM, "plugin.owner", "a %s cannot be removed", kind_name(o->kind));
	if (o->model->members && o->index < o->model->call.first_new)
		return object_fail(o, EPERM, "plugin.call", "others may have seen it: discovery removes only "
				   "what the same call has made");
	for (i = 0; i < o->outputs.count; i++)
		if (o->outputs.at[i] != o->volume)
			return object_fail(o, EBUSY, "object.used", "it is used by %s",
					   o->outputs.at[i]->name);
	object_remove(o);
	return 0;
}

static int add_piece(struct evms_object *parent, uint32_t kind, uint64_t offset, uint64_t size,
		     const char *name, struct evms_object **out)
{
	char full[512];
	int r = may_change(parent);

	if (r < 0)
		return r;
	snprintf(full, sizeof(full), "%s/%s", parent->name, name);
	r = object_new(parent->model, kind, full, host_caller(parent), out);
	if (r < 0)
		return r;
	inherit_blocks(*out, parent);
	(*out)->offset = offset;
	(*out)->size = size;
	r = space_add(parent, offset, size, kind, *out);
	(*out)->parent = r == 0 ? parent : NULL;
	if (r < 0)
		object_remove(*out);
	return r;
}

int host_add_metadata(struct evms_object *parent, uint64_t offset, uint64_t size, const char *name)
{
	struct evms_object *o;

	return add_piece(parent, EVMS_KIND_METADATA, offset, size, name, &o);
}

int host_remove_metadata(struct evms_object *parent, uint64_t offset)
{
	struct space *s = parent->space;
	size_t i;
	int r = may_change(parent);

	if (r < 0)
		return r;
	i = s && s->settled ? space_find(s, offset) : 0;
	if (!s || !s->settled || i == s->entries.count || s->entries.at[i].offset != offset ||
	    s->entries.at[i].kind != EVMS_KIND_METADATA)
		return object_fail(parent, ENOENT, "space.metadata", "no metadata begins there");
	object_remove(s->entries.at[i].object);
	return 0;
}

int host_add_partition(struct evms_object *disk, uint64_t offset, uint64_t size, const char *name,
			      struct evms_object **out)
{
	struct evms_object *o;
	int r = add_piece(disk, EVMS_KIND_PARTITION, offset, size, name, &o);

	if (r == 0)
		r = object_add_input(o, disk);
	if (r == 0)
		r = map_add(o, 0, size, target_linear, 0, NULL, 1, &disk, &offset);
	if (r == 0)
		*out = o;
	return r;
}

int host_move_partition(struct evms_object *o, uint64_t offset, uint64_t size)
{
	struct evms_object *disk = o->parent;
	int r = may_change(o);

	if (r < 0)
		return r;
	if (o->kind != EVMS_KIND_PARTITION || !disk)
		return -EINVAL;
	r = space_release(disk, o->offset, o->size);
	if (r == 0)
		r = space_add(disk, offset, size, EVMS_KIND_PARTITION, o);
	if (r < 0) {
		space_add(disk, o->offset, o->size, EVMS_KIND_PARTITION, o);
		return r;
	}
	o->offset = offset;
	o->size = size;
	object_touch(o);
	map_clear(o);
	return map_add(o, 0, size, target_linear, 0, NULL, 1, &disk, &offset);
}

int host_allocate(struct evms_object *group, uint64_t offset, uint64_t size,
			 struct evms_object *region)
{
	int r = may_change(group);

	if (r == 0 && region->parent != group)
		r = object_fail(group, EINVAL, "space.region", "%s is no region of it", region->name);
	return r < 0 ? r : space_add(group, offset, size, EVMS_KIND_REGION, region);
}

int host_release_space(struct evms_object *group, uint64_t offset, uint64_t size)
{
	int r = may_change(group);

	if (r == 0 && group->kind != EVMS_KIND_GROUP)
		r = object_fail(group, EINVAL, "space.group", "only space of groups is released in pieces");
	return r < 0 ? r : space_release(group, offset, size);
}

int host_map(struct evms_object *out, uint64_t offset, uint64_t size, const char *target,
		    uint64_t chunk, const char *args, uint32_t n, struct evms_object *const *inputs,
		    const uint64_t *offsets)
{
	int r = may_change(out);

	if (r < 0)
		return r;
	object_touch(out);
	return map_add(out, offset, size, target, chunk, args, n, inputs, offsets);
}

int host_clear_map(struct evms_object *out)
{
	int r = may_change(out);

	if (r < 0)
		return r;
	object_touch(out);
	map_clear(out);
	return 0;
}

/* --- bytes --- */

static int remember_extent(void *user, struct device *device, uint64_t offset, uint64_t len)
{
	(void)user;
	return device_remember(device, offset, len);
}

int host_read(struct evms_object *o, void *buf, size_t len, uint64_t offset)
{
	int r = object_read(o, buf, len, offset);

	if (r < 0)
		return object_fail(o, -r, "object.read", "%zu bytes at %llu cannot be read", len,
				   (unsigned long long)offset);
	if (o->model->call.remember && !o->model->scratch)
		object_extents(o, offset, len, remember_extent, NULL);
	return 0;
}

struct writing {
	struct model *model;
	struct evms_object *object;
	uint32_t phase;
};

static int note_write(void *user, struct device *device, uint64_t offset, uint64_t len)
{
	struct writing *w = user;
	struct staged s = { w->object, device, offset, len, w->phase };

	return vec_push(&w->model->writes, s) ? 0 : -ENOMEM;
}

/* Where partitions are is other people's data. */
static int check_partitions(const struct evms_object *disk, uint64_t len, uint64_t offset)
{
	const struct space *s = disk->space;
	size_t i;

	if (disk->kind != EVMS_KIND_DISK || !s || !s->settled || !range_fits(offset, len, disk->size))
		return 0;
	for (i = space_find(s, offset); i < s->entries.count && s->entries.at[i].offset < offset + len; i++)
		if (s->entries.at[i].kind == EVMS_KIND_PARTITION)
			return object_fail(disk, EPERM, "plugin.data", "metadata would overwrite partition %s",
					   s->entries.at[i].object->name);
	return 0;
}

static int may_write(struct evms_object *o, uint64_t len, uint64_t offset, uint32_t phase)
{
	if (!o->model || !o->model->call.may_write)
		return object_fail(o, EROFS, "plugin.write", "nothing can be written in this call");
	if (!host_owns(o) && !(o->consumer && host_owns(o->consumer)))
		return object_fail(o, EPERM, "plugin.owner", "the object belongs to somebody else");
	if (phase >= EVMS_PHASE_COUNT)
		return object_fail(o, EINVAL, "plugin.phase", "no such phase");
	return check_partitions(o, len, offset);
}

static int stage_failed(const struct evms_object *o, int r)
{
	return r < 0 ? object_fail(o, -r, "object.write", "its metadata cannot be staged") : 0;
}

int host_write(struct evms_object *o, const void *buf, size_t len, uint64_t offset, uint32_t phase)
{
	struct writing w = { o->model, o, phase };
	int r = may_write(o, len, offset, phase);

	if (r < 0)
		return r;
	r = object_stage(o, buf, len, offset, phase);
	return stage_failed(o, r < 0 ? r : object_extents(o, offset, len, note_write, &w));
}

/* In an operation: what the plug-in has or is about to take, but nobody's data. */
static int may_wipe(const struct evms_object *o)
{
	if (host_owns(o) || (o->consumer && host_owns(o->consumer)) ||
	    (object_holds_data(o) && !o->consumer && !o->claimer && !(o->volume && o->volume->fs)))
		return 0;
	return object_fail(o, EPERM, "plugin.owner", "the object belongs to somebody else");
}

int host_zero(struct evms_object *o, uint64_t offset, uint64_t len, uint32_t phase)
{
	struct writing w = { o->model, o, phase };
	int r;

	if (o->model && o->model->call.may_wipe && (phase == EVMS_PHASE_FINISH || phase == EVMS_PHASE_WIPE)) {
		r = may_wipe(o);
		return r < 0 ? r : stage_failed(o, object_wipe(o, offset, len, phase));
	}
	r = may_write(o, len, offset, phase);
	if (r < 0)
		return r;
	r = object_stage_zero(o, offset, len, phase);
	return stage_failed(o, r < 0 ? r : object_extents(o, offset, len, note_write, &w));
}
