/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Layouts: the checks that need no disk. Plug-ins and their options exist, names are unique,
 * references lead somewhere and are not used twice, and nothing is made of itself.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <evms/evms.h>
#include "engine/engine.h"
#include "engine/layout.h"
#include "util/text.h"

const char *layout_nearest(const char *word, const char *best, const char *candidate)
{
	unsigned limit = strlen(word) < 4 ? 1 : 2;

	if (best && text_distance(word, best) <= text_distance(word, candidate))
		return best;
	return text_distance(word, candidate) <= limit ? candidate : best;
}

/* --- plug-ins and their options --- */

const struct evms_option *layout_find_option(const struct evms_plugin *p, uint32_t op,
					     const char *name)
{
	const struct evms_option *o;

	for (size_t i = 0; (o = evms_plugin_get_option(p, i)); i++)
		if (o->ops & EVMS_OP_BIT(op) && !strcmp(o->name, name))
			return o;
	return NULL;
}

/* kind: the keys of ours that may stand beside it; 0 for none. */
static int check_options(struct layout *l, const struct evms_plugin *p, uint32_t op, uint32_t kinds,
			 const struct layout_options *options)
{
	const struct layout_option *given;
	const struct evms_option *o;
	const char *near;

	for (size_t i = 0; i < options->list.count; i++) {
		given = &options->list.at[i];
		if (p && layout_find_option(p, op, given->key))
			continue;
		near = layout_nearest_key(kinds, given->key);
		for (size_t k = 0; p && (o = evms_plugin_get_option(p, k)); k++)
			if (o->ops & EVMS_OP_BIT(op))
				near = layout_nearest(given->key, near, o->name);
		return layout_fail(l, EINVAL, "layout.key", given->path,
				   "unknown key, and no option of %s%s%s%s",
				   p ? evms_plugin_get_name(p) : "a plug-in",
				   near ? "; did you mean \"" : "", near ? near : "",
				   near ? "\"?" : "");
	}
	return 0;
}

static int unknown_plugin(struct layout *l, const char *path, const char *name, uint32_t role,
			  const char *words)
{
	const struct evms_plugin *p;
	struct text t = { 0 };
	char *list;
	int r;

	for (size_t i = 0; (p = evms_engine_get_plugin(l->engine, i)); i++)
		if (evms_plugin_get_role(p) == role)
			text_add(&t, "%s%s", t.length ? ", " : "", evms_plugin_get_name(p));
	list = text_take(&t);
	r = layout_fail(l, EINVAL, "layout.plugin", path, "there is no %s called %s; there are: %s",
			words, name, list && *list ? list : "none");
	free(list);
	return r;
}

static int find_plugin(struct layout *l, struct layout_item *item, uint32_t role, const char *key,
		       const char *words)
{
	char *path = layout_join(item->path, key);
	int r = 0;

	if (!path)
		return layout_no_memory(l);
	if (item->plugin_name)
		item->plugin = evms_engine_find_plugin(l->engine, item->plugin_name);
	if (!item->plugin_name && item->kind != LAYOUT_DISK)
		r = layout_fail(l, EINVAL, "layout.plugin", path, "the name of a %s is missing",
				words);
	else if (item->plugin_name && (!item->plugin || evms_plugin_get_role(item->plugin) != role))
		r = unknown_plugin(l, path, item->plugin_name, role, words);
	free(path);
	return r;
}

/* Is word one of "a|b|c"? */
static bool is_choice(const char *choices, const char *word)
{
	size_t length = strlen(word);

	while (choices) {
		if (!strncmp(choices, word, length) && (!choices[length] || choices[length] == '|'))
			return true;
		choices = strchr(choices, '|');
		choices += choices ? 1 : 0;
	}
	return false;
}

/*
 * The module for a type of file system: of that name, or with an option that has the type as
 * choice.
 */
static int find_fs(struct layout *l, struct layout_fs *fs)
{
	const struct evms_option *o;
	const struct evms_plugin *p;
	struct layout_option type;

	for (size_t i = 0; (p = evms_engine_get_plugin(l->engine, i)); i++) {
		if (evms_plugin_get_role(p) != EVMS_ROLE_FILE_SYSTEM)
			continue;
		o = layout_find_option(p, EVMS_OP_MKFS, "type");
		if (o && o->choices && is_choice(o->choices, fs->type)) {
			type = (struct layout_option){ strdup("type"), strdup(fs->type),
						       strdup(fs->path) };
			fs->plugin = p;
			if (type.key && type.value && type.path && vec_push(&fs->options.list,
					type))
				return 0;
			free(type.key);
			free(type.value);
			free(type.path);
			return layout_no_memory(l);
		}
		if (!strcmp(evms_plugin_get_name(p), fs->type)) {
			fs->plugin = p;
			return 0;
		}
	}
	return unknown_plugin(l, fs->path, fs->type, EVMS_ROLE_FILE_SYSTEM, "file-system module");
}

static int check_fs(struct layout *l, struct layout_item *item)
{
	int r;

	if (!item->fs.wanted)
		return 0;
	if (item->plugin && item->kind == LAYOUT_DISK)
		return layout_fail(l, EINVAL, "layout.key", item->fs.path,
				   "the disk has a partition table: the file system belongs on a "
				   "partition");
	r = find_fs(l, &item->fs);
	if (r == 0)
		r = check_options(l, item->fs.plugin, EVMS_OP_MKFS, 0, &item->fs.options);
	return r;
}

static int check_item(struct layout *l, struct layout_item *item)
{
	uint32_t op = item->kind == LAYOUT_DISK ? EVMS_OP_ASSIGN : EVMS_OP_CREATE;
	int r = 0;

	if (item->kind == LAYOUT_DISK)
		r = find_plugin(l, item, EVMS_ROLE_PARTITION_MANAGER, "table", "partition manager");
	else if (item->kind == LAYOUT_GROUP)
		r = find_plugin(l, item, EVMS_ROLE_GROUP_EMULATOR, "plugin", "group emulator");
	else if (item->kind == LAYOUT_FEATURE)
		r = find_plugin(l, item, EVMS_ROLE_FEATURE, "plugin", "feature");
	else
		item->plugin = item->container->plugin;
	if (r == 0 && item->kind == LAYOUT_DISK && item->items.count && !item->plugin)
		r = layout_fail(l, EINVAL, "layout.plugin", item->path,
				"there are partitions, and the key \"table\" is missing");
	if (r == 0 && item->kind == LAYOUT_GROUP && !item->refs.count)
		r = layout_fail(l, EINVAL, "layout.value", item->path, "the key \"members\" is "
				"missing");
	if (r == 0 && item->kind == LAYOUT_FEATURE && !item->refs.count)
		r = layout_fail(l, EINVAL, "layout.value", item->path, "the key \"inputs\" is "
				"missing");
	if (r == 0)
		r = check_options(l, item->plugin, op, 1u << item->kind, &item->options);
	if (r == 0)
		r = check_fs(l, item);
	for (size_t i = 0; r == 0 && i < item->items.count; i++)
		r = check_item(l, item->items.at[i]);
	return r;
}

/* --- names and references --- */

static struct layout_item *find_top(struct layout *l, const char *name, size_t length)
{
	for (size_t i = 0; i < l->disks.count; i++)
		if (!strncmp(l->disks.at[i]->name, name, length) && !l->disks.at[i]->name[length])
			return l->disks.at[i];
	for (size_t i = 0; i < l->makers.count; i++)
		if (!strncmp(l->makers.at[i]->name, name, length) && !l->makers.at[i]->name[length])
			return l->makers.at[i];
	return NULL;
}

static struct layout_item *find_inside(const struct layout_item *top, const char *name)
{
	for (size_t i = 0; i < top->items.count; i++)
		if (!strcmp(top->items.at[i]->name, name))
			return top->items.at[i];
	return NULL;
}

static int compare_names(const void *a, const void *b)
{
	const struct layout_item *x = *(struct layout_item *const *)a;
	const struct layout_item *y = *(struct layout_item *const *)b;
	int order = strcmp(x->name, y->name);

	return order ? order : strcmp(x->path, y->path);
}

/* No two of these have the same name. */
static int check_unique(struct layout *l, struct layout_item *const *items, size_t count)
{
	struct layout_item **sorted = malloc((count + 1) * sizeof(struct layout_item *));
	int r = 0;

	if (!sorted)
		return layout_no_memory(l);
	for (size_t i = 0; i < count; i++)
		sorted[i] = items[i];
	qsort(sorted, count, sizeof(struct layout_item *), compare_names);
	for (size_t i = 1; r == 0 && i < count; i++)
		if (!strcmp(sorted[i]->name, sorted[i - 1]->name))
			r = layout_fail(l, EINVAL, "layout.name", sorted[i]->path,
					"the name %s is that of %s too", sorted[i]->name,
					sorted[i - 1]->path);
	free(sorted);
	for (size_t i = 0; r == 0 && i < count; i++)
		if (items[i]->items.count)
			r = check_unique(l, items[i]->items.at, items[i]->items.count);
	return r;
}

static int check_names(struct layout *l)
{
	size_t count = l->disks.count + l->makers.count;
	struct layout_item **all = malloc((count + 1) * sizeof(struct layout_item *));
	int r;

	if (!all)
		return layout_no_memory(l);
	for (size_t i = 0; i < count; i++)
		all[i] = i < l->disks.count ? l->disks.at[i] : l->makers.at[i - l->disks.count];
	r = check_unique(l, all, count);
	free(all);
	return r;
}

static int unknown_ref(struct layout *l, const struct layout_ref *ref,
		       const struct layout_item *top)
{
	const char *slash = strchr(ref->text, '/'), *near = NULL;

	if (slash && top) {
		for (size_t i = 0; i < top->items.count; i++)
			near = layout_nearest(slash + 1, near, top->items.at[i]->name);
		return layout_fail(l, EINVAL, "layout.reference", ref->path,
				   "%s has nothing called %s%s%s%s", top->path, slash + 1,
				   near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" :
				   "");
	}
	return layout_fail(l, EINVAL, "layout.reference", ref->path,
			   "nothing in this file is called %s; write \"disk/partition\", "
			   "\"group/region\" or the name of a feature object", ref->text);
}

static int resolve_ref(struct layout *l, struct layout_item *user, struct layout_ref *ref)
{
	const char *slash = strchr(ref->text, '/');
	struct layout_item *top, *item;

	top = find_top(l, ref->text, slash ? (size_t)(slash - ref->text) : strlen(ref->text));
	item = top && slash ? find_inside(top, slash + 1) : top;
	if (!item)
		return unknown_ref(l, ref, top);
	if (item->kind == LAYOUT_GROUP)
		return layout_fail(l, EINVAL, "layout.reference", ref->path,
				   "%s is a group; name one of its regions", ref->text);
	if (item->kind == LAYOUT_DISK && item->plugin)
		return layout_fail(l, EINVAL, "layout.reference", ref->path,
				   "%s has a partition table; name one of its partitions",
				   ref->text);
	if (item->fs.wanted)
		return layout_fail(l, EINVAL, "layout.reference", ref->path,
				   "%s has a file system (%s), so it cannot be part of something "
				   "else",
				   ref->text, item->fs.path);
	if (item->user)
		return layout_fail(l, EINVAL, "layout.reference", ref->path, "%s is part of %s "
				   "already",
				   ref->text, item->user->path);
	item->user = user;
	ref->item = item;
	return 0;
}

static bool is_ready(const struct layout_item *maker)
{
	for (size_t i = 0; i < maker->refs.count; i++) {
		const struct layout_item *item = maker->refs.at[i].item;

		if (item->kind == LAYOUT_REGION)
			item = item->container;
		if (item->kind != LAYOUT_DISK && item->kind != LAYOUT_PARTITION && !item->done)
			return false;
	}
	return true;
}

/* Makers come after what they are made of. */
static int order_makers(struct layout *l)
{
	struct layout_item *maker;
	size_t ordered = 0, i;

	while (ordered < l->makers.count) {
		for (i = ordered; i < l->makers.count && !is_ready(l->makers.at[i]); i++)
			;
		if (i == l->makers.count)
			return layout_fail(l, EINVAL, "layout.reference",
					   l->makers.at[ordered]->path,
					   "%s is made of itself, by way of others",
					   l->makers.at[ordered]->name);
		maker = l->makers.at[i];
		memmove(l->makers.at + ordered + 1, l->makers.at + ordered,
			(i - ordered) * sizeof(l->makers.at[0]));
		l->makers.at[ordered++] = maker;
		maker->done = true;
	}
	for (i = 0; i < l->makers.count; i++)
		l->makers.at[i]->done = false;
	return 0;
}

int layout_check(struct layout *l)
{
	int r = evms_engine_load_plugins(l->engine);

	for (size_t i = 0; r == 0 && i < l->disks.count; i++)
		r = check_item(l, l->disks.at[i]);
	for (size_t i = 0; r == 0 && i < l->makers.count; i++)
		r = check_item(l, l->makers.at[i]);
	if (r == 0)
		r = check_names(l);
	for (size_t i = 0; r == 0 && i < l->makers.count; i++)
		for (size_t k = 0; r == 0 && k < l->makers.at[i]->refs.count; k++)
			r = resolve_ref(l, l->makers.at[i], &l->makers.at[i]->refs.at[k]);
	return r < 0 ? r : order_makers(l);
}
