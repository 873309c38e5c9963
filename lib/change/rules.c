/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the engine itself demands of a task and does around it, whatever the plug-in: which inputs make sense,
 * who uses what, signatures that must not survive, and file systems that follow their volume's size.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <strings.h>
#include "change/change.h"
#include "util/check.h"

static int refuse(const struct evms_task *t, const struct evms_object *o, int error, const char *reason,
		  const char *fmt, ...) PRINTF(5, 6);

static int refuse(const struct evms_task *t, const struct evms_object *o, int error, const char *reason,
		  const char *fmt, ...)
{
	va_list args;
	int r;

	va_start(args, fmt);
	r = context_vfail(t->change->ctx, error, o->name, t->plugin ? t->plugin->name : "", reason, fmt,
			  args);
	va_end(args);
	return r;
}

static bool is_fs_plugin(const struct evms_task *t)
{
	return t->plugin && t->plugin->role == EVMS_ROLE_FILE_SYSTEM;
}

/* Can the object become part of something bigger? */
static int check_member(const struct evms_task *t, struct evms_object *o)
{
	if (!object_holds_data(o) || o->state & (EVMS_STATE_INTERNAL | EVMS_STATE_UNSUPPORTED))
		return refuse(t, o, EINVAL, "input.kind", "a %s cannot be used here; give a disk, partition, "
			      "region or feature object", kind_name(o->kind));
	if (o->consumer)
		return refuse(t, o, EBUSY, "input.used", "it is used by %s %s", kind_name(o->consumer->kind),
			      o->consumer->name);
	if (o->member)
		return refuse(t, o, EBUSY, "input.member", "it is a member of something that is not complete; "
			      "wipe it first when that is not needed any more");
	if (o->claimer)
		return refuse(t, o, EBUSY, "input.table", "it has a partition table (%s); use its partitions, "
			      "or unassign it first", o->claimer->name);
	if (o->volume && o->volume->fs)
		return refuse(t, o, EBUSY, "input.fs", "it holds a file system (%s); remove that first with "
			      "unmkfs", o->volume->fs->type);
	if (o->state & (EVMS_STATE_READ_ONLY | EVMS_STATE_INCOMPLETE))
		return refuse(t, o, EROFS, "input.read-only", "it is read-only%s%s", o->notes.count ? ": " : "",
			      o->notes.count ? o->notes.at[0].text : "");
	return 0;
}

static struct evms_object *largest_free(const struct evms_object *disk)
{
	struct evms_object *best = NULL;
	size_t i;

	for (i = 0; disk->space && i < disk->space->entries.count; i++) {
		const struct space_entry *e = &disk->space->entries.at[i];

		if (e->kind == EVMS_KIND_FREE && (!best || e->size > best->size))
			best = e->object;
	}
	return best;
}

static int check_partition_source(const struct evms_task *t, struct evms_object **o)
{
	struct evms_object *disk = (*o)->kind == EVMS_KIND_FREE ? (*o)->parent : *o;

	if (disk->kind != EVMS_KIND_DISK)
		return refuse(t, *o, EINVAL, "input.kind", "partitions are made from free space of a disk, not "
			      "from a %s", kind_name((*o)->kind));
	if (!disk->claimer)
		return refuse(t, disk, EINVAL, "disk.new", "it has no partition table; assign a partition "
			      "manager first");
	if (t->plugin && disk->claimer != t->plugin)
		return refuse(t, disk, EINVAL, "disk.manager", "its partitions belong to %s, not to %s",
			      disk->claimer->name, t->plugin->name);
	if ((*o)->kind == EVMS_KIND_DISK)
		*o = largest_free(disk);
	return *o ? 0 : refuse(t, disk, ENOSPC, "disk.full", "it has no free space");
}

static int check_create_input(const struct evms_task *t, size_t i, struct evms_object **o)
{
	uint32_t role = t->plugin ? t->plugin->role : 0;

	if ((*o)->kind == EVMS_KIND_VOLUME)
		*o = object_under_volume(*o);
	if ((*o)->kind == EVMS_KIND_FREE && (*o)->parent->kind == EVMS_KIND_GROUP)
		*o = (*o)->parent;
	if (role == EVMS_ROLE_PARTITION_MANAGER ||
	    (!role && (*o)->kind & (EVMS_KIND_FREE | EVMS_KIND_DISK)))
		return check_partition_source(t, o);
	if ((*o)->kind == EVMS_KIND_GROUP && (!role || (*o)->owner == t->plugin) && i == 0)
		return 0;
	return check_member(t, *o);
}

static int check_fs_input(const struct evms_task *t, struct evms_object **o)
{
	if ((*o)->volume)
		*o = (*o)->volume;
	if ((*o)->kind != EVMS_KIND_VOLUME && (*o)->kind != EVMS_KIND_DISK)
		return refuse(t, *o, EINVAL, "input.kind", "a %s is not a volume", kind_name((*o)->kind));
	if ((*o)->kind == EVMS_KIND_DISK)
		return t->op == EVMS_OP_MKFS ? check_member(t, *o) :
		       refuse(t, *o, EINVAL, "input.kind", "there is no file system on this disk");
	if (t->op == EVMS_OP_MKFS && (*o)->fs)
		return refuse(t, *o, EBUSY, "volume.fs", "it holds a file system already (%s%s%s); remove that "
			      "first with unmkfs", (*o)->fs->type, (*o)->fs->label ? ", label " : "",
			      (*o)->fs->label ? (*o)->fs->label : "");
	if (t->op != EVMS_OP_MKFS && !(*o)->fs && t->op != EVMS_OP_UNMKFS)
		return refuse(t, *o, EINVAL, "volume.fs", "there is no file system on it that a plug-in knows");
	return 0;
}

static int check_assign_input(const struct evms_task *t, struct evms_object **o)
{
	*o = object_under_volume(*o);
	if ((*o)->kind != EVMS_KIND_DISK)
		return refuse(t, *o, EINVAL, "input.kind", "partition managers are assigned to disks, not to a "
			      "%s", kind_name((*o)->kind));
	return check_member(t, *o);
}

static bool is_input_of(const struct evms_object *in, const struct evms_object *o)
{
	size_t i;

	for (i = 0; i < o->inputs.count; i++)
		if (o->inputs.at[i] == in)
			return true;
	return false;
}

static int check_more_input(const struct evms_task *t, struct evms_object **o)
{
	*o = object_under_volume(*o);
	if (t->op != EVMS_OP_SHRINK)
		return check_member(t, *o);
	if (!is_input_of(*o, t->inputs.at[0]))
		return refuse(t, *o, EINVAL, "input.member", "it is no member of %s", t->inputs.at[0]->name);
	return 0;
}

static int check_wipe_input(const struct evms_task *t, struct evms_object **o)
{
	*o = object_under_volume(*o);
	if (!object_holds_data(*o))
		return refuse(t, *o, EINVAL, "input.kind", "a %s has no signatures", kind_name((*o)->kind));
	if ((*o)->consumer)
		return refuse(t, *o, EBUSY, "input.used", "it is used by %s %s",
			      kind_name((*o)->consumer->kind), (*o)->consumer->name);
	if ((*o)->claimer)
		return refuse(t, *o, EBUSY, "input.table", "it has a partition table (%s); unassign it instead",
			      (*o)->claimer->name);
	return 0;
}

int rules_check_input(struct evms_task *t, size_t i, struct evms_object **o)
{
	switch (t->op) {
	case EVMS_OP_CREATE:
		return check_create_input(t, i, o);
	case EVMS_OP_ASSIGN:
		return check_assign_input(t, o);
	case EVMS_OP_MKFS:
	case EVMS_OP_CHECK:
	case EVMS_OP_UNMKFS:
		return check_fs_input(t, o);
	case EVMS_OP_WIPE:
		return check_wipe_input(t, o);
	default:
		break;
	}
	if (is_fs_plugin(t))
		return check_fs_input(t, o);
	if (i > 0)
		return check_more_input(t, o);
	*o = object_under_volume(*o);
	if ((*o)->kind & (EVMS_KIND_FREE | EVMS_KIND_METADATA | EVMS_KIND_DEVICE))
		return refuse(t, *o, EINVAL, "input.kind", "%s does not work on %s", op_name(t->op),
			      kind_name((*o)->kind));
	return 0;
}

/* Whoever cannot be changed can still be given up, unless the devices themselves are read-only. */
static bool gives_up(const struct evms_task *t, const struct evms_object *c)
{
	return t->op == EVMS_OP_UNASSIGN || t->op == EVMS_OP_WIPE ||
	       (t->op == EVMS_OP_DELETE && c == t->inputs.at[0]);
}

static bool devices_are_writable(struct evms_object *o, uint64_t walk)
{
	size_t i;

	if (!object_visit(o, walk))
		return true;
	if (o->disk)
		return !device_facts(o->disk->device)->read_only;
	for (i = 0; i < o->inputs.count; i++)
		if (!devices_are_writable(o->inputs.at[i], walk))
			return false;
	return true;
}

static int check_writable(const struct evms_task *t, struct evms_object *o)
{
	struct evms_object *c = object_container(o);

	if (!(c->state & EVMS_STATE_READ_ONLY) || t->op == EVMS_OP_REPAIR || t->op == EVMS_OP_CHECK)
		return 0;
	if (gives_up(t, c) && devices_are_writable(c, ++c->model->visits))
		return 0;
	return refuse(t, c, EROFS, "object.read-only", "it is read-only%s%s", c->notes.count ? ": " : "",
		      c->notes.count ? c->notes.at[0].text : "");
}

static int before_delete(struct evms_task *t, struct evms_object *o)
{
	size_t i;

	if (o->kind == EVMS_KIND_DISK)
		return refuse(t, o, EINVAL, "input.kind", "a disk cannot be deleted; unassign takes its "
			      "partition table away");
	if (o->consumer)
		return refuse(t, o, EBUSY, "object.used", "it is used by %s %s; remove it from there first",
			      kind_name(o->consumer->kind), o->consumer->name);
	for (i = 0; i < o->outputs.count; i++) {
		const struct evms_object *out = o->outputs.at[i];

		if (out->kind == EVMS_KIND_REGION && !(out->state & EVMS_STATE_INTERNAL))
			return refuse(t, o, EBUSY, "object.used", "%s is still in it; delete that first",
				      out->name);
	}
	return object_holds_data(o) ? signature_wipe(o, EVMS_PHASE_WIPE) : 0;
}

static int before_unassign(struct evms_task *t, struct evms_object *o)
{
	size_t i;

	if (!o->claimer)
		return refuse(t, o, EINVAL, "disk.new", "no partition manager is assigned to it");
	for (i = 0; i < o->outputs.count; i++)
		if (o->outputs.at[i]->kind == EVMS_KIND_PARTITION &&
		    (!(o->state & EVMS_STATE_READ_ONLY) || o->outputs.at[i]->consumer))
			return refuse(t, o, EBUSY, "object.used", "%s is still on it; delete that first",
				      o->outputs.at[i]->name);
	return 0;	/* partitions of a table that cannot be changed go with it */
}

static bool acceptable(struct evms_task *t, struct evms_object *o)
{
	int r = 0;

	if (t->plugin->setup.acceptable) {
		model_call_begin(t->change->model, t->plugin, "acceptable");
		r = model_call_end(t->change->model, t->plugin->setup.acceptable(t, o));
		if (r < 0)
			context_clear_error(t->change->ctx);
	}
	return r == 0;
}

/* The first free space of the disk that will do, else the largest one, now that the options are known. */
static void choose_free(struct evms_task *t)
{
	const struct evms_object *disk = t->inputs.at[0]->parent;
	const struct task_option *size = task_find(t, "size");
	struct evms_object *best = NULL;
	size_t i;

	for (i = 0; i < disk->space->entries.count; i++) {
		const struct space_entry *e = &disk->space->entries.at[i];

		if (e->kind != EVMS_KIND_FREE || (best && e->size <= best->size) || !acceptable(t, e->object))
			continue;
		best = e->object;
		if (size && best->size >= size->value)
			break;
	}
	if (!best)
		return;
	evms_object_ref(best);
	evms_object_unref(t->inputs.at[0]);
	t->inputs.at[0] = best;
}

static int check_limits(struct evms_task *t, struct evms_object *o, uint64_t size)
{
	struct evms_limits l = { 0, UINT64_MAX, 1 };
	char want[TEXT_SIZE], may[TEXT_SIZE];
	int r;

	if (!t->plugin->setup.get_limits)
		return 0;
	model_call_begin(t->change->model, t->plugin, "get_limits");
	r = model_call_end(t->change->model, t->plugin->setup.get_limits(o, &l));
	if (r < 0)
		return r;
	if (size > l.max_size)
		return refuse(t, o, ENOSPC, "size.large", "it cannot be made %s large; %s is the most that can "
			      "be had", text_size(size, want, sizeof(want)),
			      text_size(l.max_size, may, sizeof(may)));
	if (size < l.min_size)
		return refuse(t, o, ERANGE, "size.small", "it cannot be made as small as %s; it needs %s",
			      text_size(size, want, sizeof(want)), text_size(l.min_size, may, sizeof(may)));
	return 0;
}

/* What is on the volume of an object that is to shrink must be able to, or be nothing. */
static int before_shrink(struct evms_task *t, struct evms_object *o, uint64_t size)
{
	struct object_fs *fs = o->volume ? o->volume->fs : NULL;
	char want[TEXT_SIZE], need[TEXT_SIZE];
	int blank;

	if (!o->volume)
		return 0;
	if (!fs) {
		blank = signature_is_blank(o);
		if (blank < 0)
			return object_fail(o, -blank, "object.read", "what is on it cannot be read");
		return blank ? 0 : refuse(t, o, EBUSY, "shrink.unknown", "something is on it that no plug-in "
					  "can shrink; wipe it first when it is not needed");
	}
	if (fs->planned)
		return 0;
	if (size < fs->min_size)
		return refuse(t, o, ERANGE, "shrink.fs", "its file system (%s) cannot be made smaller than %s "
			      "(asked for %s)", fs->type, text_size(fs->min_size, need, sizeof(need)),
			      text_size(size, want, sizeof(want)));
	if (!(fs->plugin->ops & EVMS_OP_BIT(EVMS_OP_SHRINK)))
		return refuse(t, o, ENOTSUP, "shrink.fs", "its file system (%s) cannot shrink", fs->type);
	table_free(t->old_table);
	t->old_table = NULL;
	return object_compile(o->volume, &t->old_table);
}

static int before_resize(struct evms_task *t, struct evms_object *o)
{
	const struct task_option *size = task_find(t, "size");
	char now[TEXT_SIZE], then[TEXT_SIZE];
	int r;

	if (o->consumer)
		return refuse(t, o, EBUSY, "object.used", "it is used by %s %s, which would not know of its new "
			      "size", kind_name(o->consumer->kind), o->consumer->name);
	if (!size)	/* children are taken off: how much goes is known afterwards */
		return t->op == EVMS_OP_SHRINK ? before_shrink(t, o, o->size) : 0;
	text_size(o->size, now, sizeof(now));
	text_size(size->value, then, sizeof(then));
	if (t->op == EVMS_OP_EXPAND && size->value <= o->size)
		return refuse(t, o, ERANGE, "size.small", "it has %s; %s would not expand it", now, then);
	if (t->op == EVMS_OP_SHRINK && size->value >= o->size)
		return refuse(t, o, ERANGE, "size.large", "it has %s; %s would not shrink it", now, then);
	r = check_limits(t, o, size->value);
	return r < 0 || t->op != EVMS_OP_SHRINK ? r : before_shrink(t, o, size->value);
}

/* What no plug-in knows may still be somebody's: nothing goes over it unless the user says so. */
static int confirm_signature(struct evms_task *t, struct evms_object *o)
{
	static const char *const answers[] = { "no", "yes" };
	char *found = NULL, question[512];
	int r;

	if (o->wiped || t->confirmed)
		return 0;
	r = signature_probe(o, &found);
	if (r == 0 && *found) {
		snprintf(question, sizeof(question), "%s %s holds %s, which will be lost. Go on?",
			 kind_name(o->kind), o->name, found);
		if (context_ask(t->change->ctx, question, answers, 2, 0) == 0)
			r = refuse(t, o, EBUSY, "object.signature", "libblkid finds %s on it; wipe it first when "
				   "that is not needed any more", found);
	}
	free(found);
	return r;
}

/* A file system on a whole disk makes a volume of it. */
static int before_mkfs(struct evms_task *t)
{
	struct evms_object *o = t->inputs.at[0];
	int r = confirm_signature(t, object_under_volume(o));

	if (r < 0 || o->kind != EVMS_KIND_DISK)
		return r;
	r = object_make_volume(o);
	if (r < 0)
		return r;
	o->state &= ~EVMS_STATE_NEW;
	t->inputs.at[0] = evms_object_ref(o->volume);
	evms_object_unref(o);
	return 0;
}

/* Names are given by users, uuids as well: nobody gets one that somebody has. */
static int check_uuid(struct evms_task *t)
{
	const struct task_option *uuid = task_find(t, "uuid");
	const struct model *m = t->change->model;
	size_t i;

	for (i = 0; uuid && i < m->objects.count; i++) {
		struct evms_object *o = m->objects.at[i];

		if (o && o != t->inputs.at[0] && o->uuid && !strcasecmp(o->uuid, uuid->text))
			return task_fail(t, EEXIST, "uuid.taken", "%s %s has the uuid %s already",
					 kind_name(o->kind), o->name, o->uuid);
	}
	return 0;
}

static int before_create(struct evms_task *t)
{
	size_t i;
	int r = 0;

	if (t->any_free)
		choose_free(t);
	for (i = 0; i < t->inputs.count && r == 0; i++)
		if (object_holds_data(t->inputs.at[i]))
			r = confirm_signature(t, t->inputs.at[i]);
	return r;
}

static int before_assign(struct evms_task *t)
{
	struct evms_object *o = t->inputs.at[0];
	int r = confirm_signature(t, o);

	if (r < 0)
		return r;
	o->claimer = t->plugin;
	object_touch(o);
	return space_prepare(o);
}

int rules_before(struct evms_task *t)
{
	struct evms_object *o = t->inputs.at[0];
	int r = check_writable(t, object_under_volume(o));

	if (r == 0)
		r = check_uuid(t);
	if (r < 0)
		return r;
	switch (t->op) {
	case EVMS_OP_DELETE:
		return before_delete(t, o);
	case EVMS_OP_UNASSIGN:
		return before_unassign(t, o);
	case EVMS_OP_EXPAND:
	case EVMS_OP_SHRINK:
		return is_fs_plugin(t) || !object_holds_data(o) ? 0 : before_resize(t, o);
	case EVMS_OP_MKFS:
		return before_mkfs(t);
	case EVMS_OP_CREATE:
		return before_create(t);
	case EVMS_OP_ASSIGN:
		return before_assign(t);
	default:
		return 0;
	}
}

/* Queue what a file-system module has to do during the commit. */
static int queue_tool(struct evms_task *t, bool before)
{
	struct tool tool = { t, before, false };
	size_t i;

	for (i = 0; before && i < t->change->tools.count; i++) {
		const struct evms_task *other = t->change->tools.at[i].task;

		if (other->op == EVMS_OP_EXPAND && other->inputs.at[0] == t->inputs.at[0])
			return task_fail(t, EBUSY, "shrink.planned", "this plan expands its file system, and "
					 "that can only come after; take that task back, or commit first");
	}
	if (!vec_push(&t->change->tools, tool))
		return task_fail(t, ENOMEM, "memory", "out of memory");
	task_ref(t);
	return 0;
}

/* The file system of a resized object takes its new size. */
static int resize_fs(struct evms_task *t, struct evms_object *o)
{
	struct object_fs *fs = o->volume ? o->volume->fs : NULL;
	struct evms_plugin *p;
	char size[32];
	int r;

	if (!fs)
		return 0;
	if (fs->planned) {
		fs->size = fs->max_size = o->size;
		return 0;
	}
	p = fs->plugin;
	if (t->op == EVMS_OP_SHRINK && o->size < fs->min_size)
		return refuse(t, o, ERANGE, "shrink.fs", "its file system (%s) needs more than what would be left",
			      fs->type);
	if (!(p->ops & EVMS_OP_BIT(t->op))) {
		context_message(t->change->ctx, EVMS_SEVERITY_WARNING, "%s: its file system (%s) keeps its size",
				o->name, fs->type);
		return 0;
	}
	task_unref(t->fs_task);
	t->fs_task = NULL;
	snprintf(size, sizeof(size), "%" PRIu64, o->size);
	r = task_new(t->change, p, t->op, &t->fs_task);
	if (r == 0)
		r = task_add_input(t->fs_task, o->volume);
	if (r == 0)
		r = task_set(t->fs_task, "size", size);
	if (r == 0)
		r = registry_load(t->change->registry, p);
	if (r == 0)
		r = task_call(t->fs_task, t->op == EVMS_OP_EXPAND ? p->setup.expand : p->setup.shrink);
	if (r < 0)
		return r;
	t->fs_task->old_table = t->old_table;
	t->old_table = NULL;
	return queue_tool(t->fs_task, t->op == EVMS_OP_SHRINK);
}

/* Nothing stale may be found on what became part of something. */
static int wipe_members(struct evms_task *t, size_t first)
{
	size_t i;
	int r = 0;

	for (i = first; i < t->inputs.count && r == 0; i++) {
		struct evms_object *in = t->inputs.at[i];

		if (in->model && in->consumer && object_holds_data(in))
			r = signature_wipe(in, EVMS_PHASE_NEW);
	}
	return r;
}

/* Nor in what was made. */
static int after_create(struct evms_task *t)
{
	int r = wipe_members(t, 0);
	size_t i;

	for (i = 0; i < t->outputs.count && r == 0; i++) {
		struct evms_object *out = t->outputs.at[i];

		if (!object_holds_data(out) || !out->map.count)
			continue;
		r = signature_wipe(out, EVMS_PHASE_NEW);
		out->wiped = true;
	}
	return r;
}

static void make_new(struct evms_object *disk)
{
	while (disk->outputs.count)
		object_remove(disk->outputs.at[disk->outputs.count - 1]);
	space_free(disk);
	if (disk->claimer)
		object_drop_private(disk, disk->claimer);
	object_reset_disk(disk);
	object_clear_state(disk, ~(uint32_t)EVMS_STATE_READ_ONLY);
	if (!device_facts(disk->disk->device)->read_only)
		object_clear_state(disk, EVMS_STATE_READ_ONLY);
	disk->state |= EVMS_STATE_NEW;
	object_touch(disk);
}

static int after_unfs(struct evms_task *t)
{
	struct evms_object *v = t->inputs.at[0], *o = object_under_volume(v);
	int r = signature_clear(o, EVMS_PHASE_WIPE);

	if (r < 0)
		return r;
	o->member = false;
	o->wiped = true;
	object_clear_state(o, EVMS_STATE_DAMAGED);
	if (o->volume) {
		object_set_fs(o->volume, NULL, NULL);
		object_clear_state(o->volume, ~0u);
	}
	object_touch(o);
	if (o->kind == EVMS_KIND_DISK) {
		if (o->volume)
			object_remove(o->volume);
		o->state |= EVMS_STATE_NEW;
	}
	return 0;
}

static int after_fs_op(struct evms_task *t)
{
	struct evms_object *v = t->inputs.at[0];

	if (t->op == EVMS_OP_MKFS && v->fs)
		v->fs->planned = true;
	return queue_tool(t, t->op == EVMS_OP_SHRINK && !(v->fs && v->fs->planned));
}

/* Jobs on what was given up are not done. What has no volume can only be a disk that is to get one. */
static void drop_jobs(struct change *c, const struct evms_object *given_up)
{
	size_t i, kept = 0;

	for (i = 0; i < c->tools.count; i++) {
		struct evms_task *t = c->tools.at[i].task;
		const struct evms_object *v = t->inputs.at[0];
		const struct evms_object *o = v->model ? v->inputs.at[0] :
					      names_find(&c->model->names, EVMS_KIND_DISK, v->name);

		if (!o || o == given_up || o->claimer || o->consumer)
			task_unref(t);
		else
			c->tools.at[kept++] = c->tools.at[i];
	}
	c->tools.count = kept;
}

static int after(struct evms_task *t)
{
	struct evms_object *o = t->inputs.at[0];

	switch (t->op) {
	case EVMS_OP_CREATE:
		return after_create(t);
	case EVMS_OP_ASSIGN:
		object_clear_state(o, EVMS_STATE_NEW);
		return signature_wipe(o, EVMS_PHASE_NEW);
	case EVMS_OP_UNASSIGN:
		make_new(o);
		return 0;
	case EVMS_OP_UNMKFS:
	case EVMS_OP_WIPE:
		return after_unfs(t);
	default:
		break;
	}
	if (is_fs_plugin(t))
		return after_fs_op(t);
	if (t->op == EVMS_OP_EXPAND) {
		int r = wipe_members(t, 1);

		if (r < 0)
			return r;
	}
	if (t->op == EVMS_OP_EXPAND || t->op == EVMS_OP_SHRINK)
		return o->model ? resize_fs(t, o) : 0;
	return 0;
}

/* model_call_end() brings to rest what the engine itself touched. */
int rules_after(struct evms_task *t)
{
	const struct evms_object *o = object_under_volume(t->inputs.at[0]);
	struct model *m = t->change->model;
	int r = after(t);

	if (r < 0)
		return r;
	model_call_begin(m, NULL, "settle");
	r = model_call_end(m, 0);
	if (r == 0)
		drop_jobs(t->change, t->op == EVMS_OP_UNMKFS || t->op == EVMS_OP_WIPE ? o : NULL);
	return r;
}
