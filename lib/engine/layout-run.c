/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Layouts: compare what is described with what there is, and run the tasks for the difference.
 * What matches makes no task, so that a layout applied twice plans nothing the second time.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <evms/evms.h>
#include "engine/engine.h"
#include "engine/layout.h"
#include "util/check.h"
#include "util/text.h"

#define STEPS_OF_SLACK	16	/* what alignment and stripes may take from a share */
#define DEFAULT_ALIGN	(UINT64_C(1) << 20)

/* --- tasks --- */

static int job_begin(struct layout *l, const char *path, const char *plugin, uint32_t op,
		      struct evms_object *input, struct evms_task **out)
{
	int r = evms_task_new(l->engine, plugin, op, out);

	if (r < 0)
		return layout_blame(l, r, path);
	if (!input)
		return 0;
	r = evms_task_add_input(*out, input);
	if (r < 0) {
		r = layout_blame(l, r, path);
		*out = evms_task_unref(*out);
	}
	return r;
}

static int job_set(struct layout *l, const char *path, struct evms_task *t, const char *key,
		    const char *value)
{
	int r = evms_task_set(t, key, value);

	return r < 0 ? layout_blame(l, r, path) : 0;
}

static int job_set_all(struct layout *l, struct evms_task *t, const struct layout_options *options)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < options->list.count; i++)
		r = job_set(l, options->list.at[i].path, t, options->list.at[i].key,
			     options->list.at[i].value);
	return r;
}

static int job_set_bytes(struct layout *l, const char *path, struct evms_task *t, uint64_t bytes)
{
	char number[24];

	snprintf(number, sizeof(number), "%llu", (unsigned long long)bytes);
	return job_set(l, path, t, "size", number);
}

static int job_go(struct layout *l, const char *path, struct evms_task *t)
{
	int r = evms_task_run(t);

	return r < 0 ? layout_blame(l, r, path) : 0;
}

/* An operation on one object without options. */
static int job_simple(struct layout *l, const char *path, uint32_t op, struct evms_object *o)
{
	struct evms_task *t;
	int r = job_begin(l, path, NULL, op, o, &t);

	if (r < 0)
		return r;
	r = job_go(l, path, t);
	evms_task_unref(t);
	return r;
}

/* What a task made, by kind; a reference is put on the item. */
static int job_keep_output(struct layout *l, struct layout_item *item, struct evms_task *t,
			    uint32_t kind)
{
	struct evms_object *o;

	for (size_t i = 0; (o = evms_task_get_output(t, i)); i++) {
		if (evms_object_get_kind(o) != kind)
			continue;
		item->object = evms_object_ref(o);
		return 0;
	}
	return layout_fail(l, EPROTO, "layout.output", item->path, "the plug-in %s made nothing",
			   evms_plugin_get_name(item->plugin));
}

static bool has_option(const struct layout_options *options, const char *key)
{
	for (size_t i = 0; i < options->list.count; i++)
		if (!strcmp(options->list.at[i].key, key))
			return true;
	return false;
}

static int job_set_name(struct layout *l, struct layout_item *item, struct evms_task *t)
{
	if (!item->named || has_option(&item->options, "name") ||
	    !layout_find_option(item->plugin, EVMS_OP_CREATE, "name"))
		return 0;
	return job_set(l, item->path, t, "name", item->name);
}

/* --- what there is --- */

static struct evms_object *volume_of(struct evms_object *o)
{
	struct evms_object *out;

	for (size_t i = 0; (out = evms_object_get_output(o, i)); i++)
		if (evms_object_get_kind(out) == EVMS_KIND_VOLUME)
			return out;
	return o;
}

/* The group or feature object that uses it. */
static struct evms_object *user_of(const struct evms_object *o)
{
	struct evms_object *out;

	for (size_t i = 0; (out = evms_object_get_output(o, i)); i++)
		if (evms_object_get_kind(out) & (EVMS_KIND_GROUP | EVMS_KIND_FEATURE) &&
		    evms_object_get_parent(out) != o)
			return out;
	return NULL;
}

static bool is_input(const struct evms_object *o, const struct evms_object *in)
{
	const struct evms_object *each;

	for (size_t i = 0; (each = evms_object_get_input(o, i)); i++)
		if (each == in)
			return true;
	return false;
}

/*
 * What would be lost if the object were used for something else: 0 and text, or -ENOENT for
 * nothing.
 */
static int content_of(struct evms_object *o, char *buf, size_t size)
{
	struct evms_object *volume = volume_of(o);
	const char *type = evms_object_get_fs_type(volume),
	*label = evms_object_get_fs_label(volume);
	char *signature = NULL;
	int r = -ENOENT;

	if (type[0]) {
		snprintf(buf, size, "a file system (%s%s%s)", type, label[0] ? ", " : "", label);
		return 0;
	}
	if (evms_object_probe_signature(o, &signature) == 0 && signature[0]) {
		snprintf(buf, size, "data (%s)", signature);
		r = 0;
	}
	free(signature);
	return r;
}

/* Nobody uses it and nothing is on it, or the layout says that it may be wiped. */
static int make_blank(struct layout *l, struct layout_item *item)
{
	struct evms_object *user = user_of(item->object);
	const char *name = evms_object_get_name(item->object);
	char what[160];

	if (user)
		return layout_fail(l, EBUSY, "layout.used", item->path, "%s is used by %s; "
				   "delete that first", name, evms_object_get_name(user));
	if (content_of(item->object, what, sizeof(what)) < 0)
		return 0;
	if (!item->wipe)
		return layout_fail(l, EPERM, "layout.content", item->path,
				   "%s holds %s; set \"wipe\": true here to give it up", name,
				   what);
	return job_simple(l, item->path, EVMS_OP_WIPE, item->object);
}

/* --- file systems --- */

static bool fs_is(const struct layout_fs *fs, const struct evms_object *volume)
{
	const char *plugin = evms_plugin_get_name(fs->plugin);

	return !strcmp(evms_object_get_fs_plugin(volume), plugin) &&
	       (!strcmp(evms_object_get_fs_type(volume), fs->type) || !strcmp(fs->type, plugin));
}

/* Labels are compared as people read them: some file systems store capitals only. */
static int settle_label(struct layout *l, struct layout_fs *fs, struct evms_object *volume)
{
	const struct layout_option *label = NULL;
	struct evms_task *t;
	int r;

	for (size_t i = 0; i < fs->options.list.count; i++)
		if (!strcmp(fs->options.list.at[i].key, "label"))
			label = &fs->options.list.at[i];
	if (!label || !strcasecmp(label->value, evms_object_get_fs_label(volume)))
		return 0;
	r = job_begin(l, label->path, evms_plugin_get_name(fs->plugin), EVMS_OP_RENAME, volume, &t);
	if (r < 0)
		return r;
	r = job_set(l, label->path, t, "name", label->value);
	if (r == 0)
		r = job_go(l, label->path, t);
	evms_task_unref(t);
	return r;
}

static int settle_fs(struct layout *l, struct layout_item *item)
{
	struct layout_fs *fs = &item->fs;
	struct evms_object *volume;
	struct evms_task *t;
	int r;

	if (!fs->wanted)
		return 0;
	volume = volume_of(item->object);
	if (evms_object_get_fs_type(volume)[0] && fs_is(fs, volume))
		return settle_label(l, fs, volume);
	r = item->existed ? make_blank(l, item) : 0;
	if (r < 0)
		return r;
	r = job_begin(l, fs->path, evms_plugin_get_name(fs->plugin), EVMS_OP_MKFS,
		       volume_of(item->object), &t);
	if (r < 0)
		return r;
	r = job_set_all(l, t, &fs->options);
	if (r == 0)
		r = job_go(l, fs->path, t);
	evms_task_unref(t);
	return r;
}

/* --- partitions of a disk, regions of a group --- */

struct named {
	const char *name;
	struct layout_item *item;
};

static int compare_named(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

/* The item that an object is, by the name that it stores or the last part of its name. */
static struct layout_item *find_named(const struct named *list, size_t count,
				      const struct evms_object *container,
				      const struct evms_object *o)
{
	const char *label = evms_object_get_label(o), *name = evms_object_get_name(o);
	size_t length = strlen(evms_object_get_name(container));
	struct named key = { label, NULL }, *found;

	found = label[0] ? bsearch(&key, list, count, sizeof(*list), compare_named) : NULL;
	if (found)
		return found->item;
	if (label[0] || strncmp(name, evms_object_get_name(container), length) ||
	    name[length] != '/')
		return NULL;
	key.name = name + length + 1;
	found = bsearch(&key, list, count, sizeof(*list), compare_named);
	return found ? found->item : NULL;
}

static void match(struct layout_item *item, struct evms_object *o)
{
	if (item->object)
		return;
	item->object = evms_object_ref(o);
	item->existed = true;
}

/*
 * Formats that store no names: the first partition of the layout is the first of the disk, and so
 * on.
 */
static void match_in_order(struct layout_item *container, uint32_t kind)
{
	struct evms_space s;
	size_t next = 0;

	for (size_t i = 0; evms_object_get_space(container->object, i, &s) == 0; i++)
		if (s.kind == kind && next < container->items.count)
			match(container->items.at[next++], s.object);
}

static int match_by_name(struct layout *l, struct layout_item *container, uint32_t kind)
{
	size_t count = container->items.count;
	struct named *list = calloc(count ? count : 1, sizeof(*list));
	struct layout_item *item;
	struct evms_space s;

	if (!list)
		return layout_no_memory(l);
	for (size_t i = 0; i < count; i++)
		list[i] = (struct named){ container->items.at[i]->name, container->items.at[i] };
	qsort(list, count, sizeof(*list), compare_named);
	for (size_t i = 0; evms_object_get_space(container->object, i, &s) == 0; i++) {
		if (s.kind != kind || evms_object_get_state(s.object) & EVMS_STATE_INTERNAL)
			continue;
		item = find_named(list, count, container->object, s.object);
		if (item)
			match(item, s.object);
	}
	free(list);
	return 0;
}

static int compare_pointers(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)*(void *const *)a, y = (uintptr_t)*(void *const *)b;

	return x < y ? -1 : x > y;
}

static uint64_t aligned(uint64_t from, uint64_t to, uint64_t step)
{
	from = round_up(from, step);
	to = round_down(to, step);
	return to > from ? to - from : 0;
}

/*
 * What the parties have to share: free space and what they hold already. Neighbours count as one
 * stretch, so that the answer is the same before and after the layout was applied.
 */
static int capacity_of(struct layout *l, struct layout_item *container, uint64_t step,
		       uint64_t *out)
{
	struct evms_object **mine = calloc(container->items.count + 1,
					   sizeof(struct evms_object *));
	uint64_t total = 0, from = 0, to = 0;
	size_t count = 0;
	struct evms_space s;

	if (!mine)
		return layout_no_memory(l);
	for (size_t i = 0; i < container->items.count; i++)
		if (container->items.at[i]->object)
			mine[count++] = container->items.at[i]->object;
	qsort(mine, count, sizeof(struct evms_object *), compare_pointers);
	for (size_t i = 0; evms_object_get_space(container->object, i, &s) == 0; i++) {
		if (s.kind != EVMS_KIND_FREE &&
		    !bsearch(&s.object, mine, count, sizeof(struct evms_object *),
			     compare_pointers)) {
			total += aligned(from, to, step);
			from = to = s.offset + s.size;
			continue;
		}
		if (s.offset != to) {
			total += aligned(from, to, step);
			from = s.offset;
		}
		to = s.offset + s.size;
	}
	*out = total + aligned(from, to, step);
	free(mine);
	return 0;
}

static bool ends_with(const char *s, const char *end)
{
	size_t a = strlen(s), b = strlen(end);

	return a >= b && !strcmp(s + a - b, end);
}

/* Regions come in multiples of this. */
static uint64_t group_step(struct evms_object *group)
{
	struct evms_limits limits;
	struct evms_value value;
	const char *key;

	if (evms_object_get_limits(group, &limits) == 0 && limits.step > 1)
		return limits.step;
	for (size_t i = 0; evms_object_get_property(group, i, &key, &value) == 0; i++)
		if (value.type != EVMS_TYPE_STR && value.u.u64 &&
		    (ends_with(key, "extent-size") || ends_with(key, "extent_size")))
			return value.u.u64;
	return DEFAULT_ALIGN;
}

/* Partitions begin and end at multiples of this, unless an item asks for more. */
static uint64_t disk_step(const struct layout_item *container)
{
	const struct evms_option *o = layout_find_option(container->plugin, EVMS_OP_CREATE,
							 "align");
	uint64_t step = DEFAULT_ALIGN, n;

	if (o && o->fallback && text_parse_size(o->fallback, &n) == 0 && n)
		step = n;
	for (size_t i = 0; i < container->items.count; i++) {
		const struct layout_options *options = &container->items.at[i]->options;

		for (size_t k = 0; k < options->list.count; k++)
			if (!strcmp(options->list.at[k].key, "align") &&
			    text_parse_size(options->list.at[k].value, &n) == 0 && n)
				step = i ? max_u64(step, n) : n;
	}
	return max_u64(step, evms_object_get_block_size(container->object));
}

static int resolve_sizes(struct layout *l, struct layout_item *container, uint64_t step)
{
	size_t count = container->items.count;
	struct layout_want *wants;
	char needs_words[TEXT_SIZE], has_words[TEXT_SIZE], step_words[TEXT_SIZE];
	uint64_t capacity = 0, needs;
	int r = capacity_of(l, container, step, &capacity);

	if (r < 0)
		return r;
	wants = calloc(count ? count : 1, sizeof(*wants));
	if (!wants)
		return layout_no_memory(l);
	for (size_t i = 0; i < count; i++)
		wants[i].size = container->items.at[i]->size;
	r = layout_solve(wants, count, capacity, step, &needs);
	for (size_t i = 0; r == 0 && i < count; i++)
		container->items.at[i]->bytes = wants[i].bytes;
	free(wants);
	if (r == -ENOMEM)
		return layout_no_memory(l);
	if (r < 0)
		return layout_fail(l, ENOSPC, "layout.space", container->path,
				   "this needs %s, and %s has %s (in steps of %s)",
				   text_size(needs, needs_words, sizeof(needs_words)),
				   evms_object_get_name(container->object),
				   text_size(capacity, has_words, sizeof(has_words)),
				   text_size(step, step_words, sizeof(step_words)));
	return 0;
}

/*
 * How much larger than asked something may be because of stripes: plug-ins round up to a full
 * row.
 */
static uint64_t row_of(const struct evms_object *o, uint64_t step)
{
	struct evms_map_entry m;
	uint64_t legs = 1;

	for (size_t i = 0; evms_object_get_map(o, i, &m) == 0; i++)
		legs = max_u64(legs, m.input_count);
	return step > UINT64_MAX / legs ? UINT64_MAX : step * legs;
}

enum verdict { KEEP, GROW, SHRINK };

static enum verdict judge(const struct layout_item *item, uint64_t step)
{
	uint64_t size = evms_object_get_size(item->object), slack = STEPS_OF_SLACK * step;

	if (item->size.mode == LAYOUT_FIXED) {
		if (size < item->size.bytes)
			return GROW;
		return size - item->size.bytes < row_of(item->object, step) ? KEEP : SHRINK;
	}
	if ((size > item->bytes ? size - item->bytes : item->bytes - size) <= slack)
		return KEEP;
	return size < item->bytes ? GROW : SHRINK;
}

static int resize(struct layout *l, struct layout_item *item, enum verdict verdict)
{
	char *path, has[TEXT_SIZE], wants[TEXT_SIZE];
	struct evms_task *t;
	int r;

	path = layout_join(item->path, "size");
	if (!path)
		return layout_no_memory(l);
	if (verdict == SHRINK && !item->shrink) {
		r = layout_fail(l, EPERM, "layout.shrink", path,
				"%s has %s, more than %s; set \"shrink\": true to make it smaller",
				evms_object_get_name(item->object),
				text_size(evms_object_get_size(item->object), has, sizeof(has)),
				text_size(item->bytes, wants, sizeof(wants)));
		free(path);
		return r;
	}
	r = job_begin(l, path, NULL, verdict == GROW ? EVMS_OP_EXPAND : EVMS_OP_SHRINK,
		       volume_of(item->object), &t);
	if (r == 0) {
		r = job_set_bytes(l, path, t, item->bytes);
		if (r == 0)
			r = job_go(l, path, t);
		evms_task_unref(t);
	}
	free(path);
	return r;
}

static int resize_children(struct layout *l, struct layout_item *container, uint64_t step,
			   enum verdict which)
{
	struct layout_item *item;
	int r = 0;

	for (size_t i = 0; r == 0 && i < container->items.count; i++) {
		item = container->items.at[i];
		if (item->existed && judge(item, step) == which)
			r = resize(l, item, which);
	}
	return r;
}

static int create_child(struct layout *l, struct layout_item *container, struct layout_item *item,
			uint64_t bytes)
{
	uint32_t kind = item->kind == LAYOUT_PARTITION ? EVMS_KIND_PARTITION : EVMS_KIND_REGION;
	struct evms_task *t;
	int r;

	r = job_begin(l, item->path, evms_plugin_get_name(item->plugin), EVMS_OP_CREATE,
		       container->object, &t);
	if (r < 0)
		return r;
	r = job_set_name(l, item, t);
	if (r == 0)
		r = job_set_all(l, t, &item->options);
	if (r == 0 && !has_option(&item->options, "size"))
		r = job_set_bytes(l, item->path, t, bytes);
	if (r == 0)
		r = job_go(l, item->path, t);
	if (r == 0)
		r = job_keep_output(l, item, t, kind);
	evms_task_unref(t);
	return r;
}

/* Room that a format takes between parties, or that stripes cannot use, comes off a share. */
static int create_fitting(struct layout *l, struct layout_item *container, struct layout_item *item,
			  uint64_t step)
{
	uint64_t bytes = item->bytes, least = max_u64(item->size.min, step);
	int r = create_child(l, container, item, bytes);

	if (item->size.mode == LAYOUT_FIXED)
		return r;
	for (int i = 0; r == -ENOSPC && i < STEPS_OF_SLACK && bytes - step >= least; i++) {
		bytes -= step;
		r = create_child(l, container, item, bytes);
	}
	return r;
}

/* Make room first, then use it; file systems come last. */
static int settle_children(struct layout *l, struct layout_item *container, uint64_t step)
{
	struct layout_item *item;
	int r = resolve_sizes(l, container, step);

	if (r == 0)
		r = resize_children(l, container, step, SHRINK);
	if (r == 0)
		r = resize_children(l, container, step, GROW);
	for (size_t i = 0; r == 0 && i < container->items.count; i++) {
		item = container->items.at[i];
		if (!item->object)
			r = create_fitting(l, container, item, step);
		if (r == 0)
			r = settle_fs(l, item);
	}
	return r;
}

/* --- disks --- */

/* Another partition table gives way, with the partitions that nobody uses. */
static int drop_table(struct layout *l, struct layout_item *disk, const char *table)
{
	struct evms_list *partitions;
	struct evms_object *p;
	int r;

	if (!disk->wipe)
		return layout_fail(l, EPERM, "layout.table", disk->path,
				   "%s has a partition table (%s); set \"wipe\": true to remove it "
				   "with all of its partitions", evms_object_get_name(disk->object),
				   table);
	r = evms_engine_list(l->engine, EVMS_KIND_PARTITION, &partitions);
	if (r < 0)
		return r;
	evms_list_foreach(p, partitions) {
		if (evms_object_get_parent(p) != disk->object)
			continue;
		r = job_simple(l, disk->path, EVMS_OP_DELETE, p);
		if (r < 0)
			break;
	}
	evms_list_unref(partitions);
	return r < 0 ? r : job_simple(l, disk->path, EVMS_OP_UNASSIGN, disk->object);
}

static int assign_table(struct layout *l, struct layout_item *disk)
{
	struct evms_task *t;
	int r = job_begin(l, disk->path, evms_plugin_get_name(disk->plugin), EVMS_OP_ASSIGN,
			   disk->object, &t);

	if (r < 0)
		return r;
	r = job_set_all(l, t, &disk->options);
	if (r == 0)
		r = job_go(l, disk->path, t);
	evms_task_unref(t);
	return r;
}

static int settle_table(struct layout *l, struct layout_item *disk)
{
	const char *table = evms_object_get_manager(disk->object);
	int r = 0;

	if (disk->plugin && !strcmp(table, evms_plugin_get_name(disk->plugin)))
		return 0;
	if (!disk->plugin && !disk->fs.wanted && !disk->user)
		return 0;
	if (table[0])
		r = drop_table(l, disk, table);
	else if (disk->plugin)
		r = make_blank(l, disk);
	if (r < 0 || !disk->plugin)
		return r;
	return assign_table(l, disk);
}

int layout_run_disk(struct layout *l, struct layout_item *disk)
{
	bool named = disk->plugin && layout_find_option(disk->plugin, EVMS_OP_CREATE, "name");
	int r = settle_table(l, disk);

	disk->existed = true;
	if (r == 0 && named)
		r = match_by_name(l, disk, EVMS_KIND_PARTITION);
	else if (r == 0)
		match_in_order(disk, EVMS_KIND_PARTITION);
	if (r == 0 && disk->items.count)
		r = settle_children(l, disk, disk_step(disk));
	return r < 0 ? r : settle_fs(l, disk);
}

/* --- groups and feature objects --- */

static int find_made(struct layout *l, struct layout_item *maker, uint32_t kind)
{
	struct evms_list *list;
	struct evms_object *o, *found = NULL;
	int r = evms_engine_list(l->engine, kind, &list);

	if (r < 0)
		return r;
	evms_list_foreach(o, list) {
		if (strcmp(evms_object_get_name(o), maker->name) &&
		    strcmp(evms_object_get_label(o), maker->name))
			continue;
		/* A name beats a label. */
		if (!found || !strcmp(evms_object_get_name(o), maker->name))
			found = o;
	}
	if (found && strcmp(evms_object_get_plugin(found), evms_plugin_get_name(maker->plugin)))
		r = layout_fail(l, EEXIST, "layout.name", maker->path, "%s exists, made by %s",
				maker->name, evms_object_get_plugin(found));
	else if (found)
		match(maker, found);
	evms_list_unref(list);
	return r;
}

/* Put those references that are not inputs yet into the task; returns how many, or an error. */
static int add_members(struct layout *l, struct layout_item *maker, struct evms_task *t)
{
	int added = 0, r;

	for (size_t i = 0; i < maker->refs.count; i++) {
		struct layout_item *item = maker->refs.at[i].item;

		if (maker->object && is_input(maker->object, item->object))
			continue;
		r = evms_task_add_input(t, item->object);
		if (r < 0)
			return layout_blame(l, r, maker->refs.at[i].path);
		added++;
	}
	return added;
}

static int blank_members(struct layout *l, struct layout_item *maker)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < maker->refs.count; i++) {
		struct layout_item *item = maker->refs.at[i].item;

		if (item->existed && !(maker->object && is_input(maker->object, item->object)))
			r = make_blank(l, item);
	}
	return r;
}

static int add_to_maker(struct layout *l, struct layout_item *maker)
{
	struct evms_task *t;
	int r = job_begin(l, maker->path, evms_plugin_get_name(maker->plugin), EVMS_OP_EXPAND,
			   maker->object, &t);

	if (r < 0)
		return r;
	r = add_members(l, maker, t);
	if (r > 0)
		r = job_go(l, maker->path, t);
	evms_task_unref(t);
	return r;
}

static int make(struct layout *l, struct layout_item *maker, uint32_t kind)
{
	struct evms_task *t;
	int r = job_begin(l, maker->path, evms_plugin_get_name(maker->plugin), EVMS_OP_CREATE, NULL,
			   &t);

	if (r < 0)
		return r;
	r = add_members(l, maker, t);
	if (r >= 0)
		r = job_set_name(l, maker, t);
	if (r == 0)
		r = job_set_all(l, t, &maker->options);
	if (r == 0)
		r = job_go(l, maker->path, t);
	if (r == 0)
		r = job_keep_output(l, maker, t, kind);
	evms_task_unref(t);
	return r;
}

static bool lacks_members(const struct layout_item *maker)
{
	for (size_t i = 0; i < maker->refs.count; i++)
		if (!is_input(maker->object, maker->refs.at[i].item->object))
			return true;
	return false;
}

int layout_run_maker(struct layout *l, struct layout_item *maker)
{
	uint32_t kind = maker->kind == LAYOUT_GROUP ? EVMS_KIND_GROUP : EVMS_KIND_FEATURE;
	int r = find_made(l, maker, kind);

	if (r == 0)
		r = blank_members(l, maker);
	if (r == 0 && !maker->object)
		r = make(l, maker, kind);
	else if (r == 0 && lacks_members(maker))
		r = add_to_maker(l, maker);
	if (r == 0 && maker->items.count)
		r = match_by_name(l, maker, EVMS_KIND_REGION);
	if (r == 0 && maker->items.count)
		r = settle_children(l, maker, group_step(maker->object));
	return r < 0 ? r : settle_fs(l, maker);
}
