/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Layouts: from JSON to a description. Keys and types are checked here; names, references,
 * plug-ins and their options in layout-check.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <evms/evms.h>
#include "engine/engine.h"
#include "engine/json.h"
#include "engine/layout.h"
#include "util/text.h"

#define LAYOUT_SCHEMA	"evms.layout/1"

int layout_fail(struct layout *l, int error, const char *reason, const char *path, const char *fmt,
		...)
{
	char detail[700];
	va_list args;

	va_start(args, fmt);
	vsnprintf(detail, sizeof(detail), fmt, args);
	va_end(args);
	context_clear_error(l->ctx);
	return context_fail(l->ctx, error, NULL, NULL, reason, "%s: %s", path[0] ? path : "/",
			    detail);
}

int layout_blame(struct layout *l, int r, const char *path)
{
	struct evms_error error = l->ctx->error;

	if (!error.error || error.error != -r)
		return layout_fail(l, -r, "layout.task", path, "this could not be done");
	context_clear_error(l->ctx);
	return context_fail(l->ctx, -r, error.object, error.plugin, error.reason, "%s: %s", path,
			    error.detail);
}

int layout_no_memory(struct layout *l)
{
	context_clear_error(l->ctx);
	return context_fail(l->ctx, ENOMEM, NULL, NULL, "layout.memory", "no memory for the "
			    "layout");
}

char *layout_join(const char *path, const char *key)
{
	struct text t = { 0 };

	text_add(&t, "%s/%s", path, key);
	return text_take(&t);
}

static char *join_index(const char *path, size_t i)
{
	struct text t = { 0 };

	text_add(&t, "%s/%zu", path, i);
	return text_take(&t);
}

/* --- life and death --- */

static void options_free(struct layout_options *options)
{
	for (size_t i = 0; i < options->list.count; i++) {
		free(options->list.at[i].key);
		free(options->list.at[i].value);
		free(options->list.at[i].path);
	}
	vec_free(&options->list);
}

static void item_free(struct layout_item *item)
{
	if (!item)
		return;
	for (size_t i = 0; i < item->items.count; i++)
		item_free(item->items.at[i]);
	vec_free(&item->items);
	for (size_t i = 0; i < item->refs.count; i++) {
		free(item->refs.at[i].path);
		free(item->refs.at[i].text);
	}
	vec_free(&item->refs);
	options_free(&item->options);
	options_free(&item->fs.options);
	free(item->fs.path);
	free(item->fs.type);
	free(item->path);
	free(item->name);
	free(item->plugin_name);
	evms_object_unref(item->object);
	free(item);
}

void layout_free(struct layout *l)
{
	for (size_t i = 0; i < l->disks.count; i++)
		item_free(l->disks.at[i]);
	vec_free(&l->disks);
	for (size_t i = 0; i < l->makers.count; i++)
		item_free(l->makers.at[i]);
	vec_free(&l->makers);
}

/* --- values --- */

static int want_kind(struct layout *l, const struct jval *v, enum jval_kind kind, const char *path,
		     const char *words)
{
	if (jval_kind(v) == kind)
		return 0;
	return layout_fail(l, EINVAL, "layout.value", path, "%s is expected, not %s", words,
			   jval_kind_words(v));
}

static int take_text(struct layout *l, const struct jval *v, const char *path, char **out)
{
	const char *s = jval_text(v);

	if (!s || !*s)
		return layout_fail(l, EINVAL, "layout.value", path, "text is expected, not %s",
				   s ? "an empty one" : jval_kind_words(v));
	free(*out);
	*out = strdup(s);
	return *out ? 0 : layout_no_memory(l);
}

static int take_bool(struct layout *l, const struct jval *v, const char *path, bool *out)
{
	int r = want_kind(l, v, JVAL_BOOL, path, "true or false");

	if (r == 0)
		*out = jval_bool(v);
	return r;
}

static int take_bytes(struct layout *l, const struct jval *v, const char *path, uint64_t *out)
{
	const char *s = jval_text(v);

	if (jval_number(v, out))
		return 0;
	if (s && text_parse_size(s, out) == 0)
		return 0;
	return layout_fail(l, EINVAL, "layout.size", path,
			   "a number of bytes or a size like \"512MiB\" is expected, not %s",
			   s ? s : jval_kind_words(v));
}

struct share_reader {
	struct layout *l;
	const char *path;
	struct layout_size *size;
};

static int take_share_member(void *user, const char *key, const struct jval *v)
{
	struct share_reader *s = user;
	char *path = layout_join(s->path, key);
	int r;

	if (!path)
		return layout_no_memory(s->l);
	if (!strcmp(key, "min"))
		r = take_bytes(s->l, v, path, &s->size->min);
	else if (!strcmp(key, "max"))
		r = take_bytes(s->l, v, path, &s->size->max);
	else if (strcmp(key, "weight"))
		r = layout_fail(s->l, EINVAL, "layout.key", path,
				"unknown key; a size knows weight, min and max");
	else if (!jval_number(v, &s->size->weight) || !s->size->weight ||
		 s->size->weight > UINT32_MAX)
		r = layout_fail(s->l, EINVAL, "layout.size", path, "a whole number from 1 is "
				"expected");
	else
		r = 0;
	free(path);
	return r;
}

static int take_share(struct layout *l, const struct jval *v, const char *path,
		      struct layout_size *out)
{
	struct layout_size size = { .mode = LAYOUT_WEIGHT, .weight = 1 };
	struct share_reader reader = { l, path, &size };
	int r = jval_each(v, take_share_member, &reader);

	if (r < 0)
		return r;
	if (size.max && size.max < size.min)
		return layout_fail(l, EINVAL, "layout.size", path, "max is smaller than min");
	*out = size;
	return 0;
}

static int take_size(struct layout *l, const struct jval *v, const char *path,
		     struct layout_size *out)
{
	const char *s = jval_text(v);
	uint64_t n;
	int r;

	if (jval_kind(v) == JVAL_MAP)
		return take_share(l, v, path, out);
	if (jval_number(v, &n) && n) {
		*out = (struct layout_size){ .mode = LAYOUT_FIXED, .bytes = n };
		return 0;
	}
	r = s ? layout_size_parse(s, out) : -EINVAL;
	if (r == 0)
		return 0;
	return layout_fail(l, EINVAL, "layout.size", path,
			   "%s is %s; write bytes, \"512MiB\", \"30%%\", \"rest\" or "
			   "{\"weight\": 1, \"min\": ..., \"max\": ...}",
			   s ? s : jval_kind_words(v), r == -ERANGE ? "out of range" : "no size");
}

static int add_option(struct layout *l, struct layout_options *options, const char *key,
		      const struct jval *v, const char *path)
{
	const char *value = jval_option(v);
	struct layout_option o;

	if (!value)
		return layout_fail(l, EINVAL, "layout.value", path,
				   "an option is text, a number, true or false, not %s",
				   jval_kind_words(v));
	o = (struct layout_option){ strdup(key), strdup(value), strdup(path) };
	if (o.key && o.value && o.path && vec_push(&options->list, o))
		return 0;
	free(o.key);
	free(o.value);
	free(o.path);
	return layout_no_memory(l);
}

struct option_reader {
	struct layout *l;
	struct layout_options *options;
	const char *path;
};

static int take_option(void *user, const char *key, const struct jval *v)
{
	struct option_reader *o = user;
	char *path = layout_join(o->path, key);
	int r;

	if (!path)
		return layout_no_memory(o->l);
	r = add_option(o->l, o->options, key, v, path);
	free(path);
	return r;
}

static int take_options(struct layout *l, struct layout_options *options, const struct jval *v,
			const char *path)
{
	struct option_reader reader = { l, options, path };
	int r = want_kind(l, v, JVAL_MAP, path, "an object of options");

	return r < 0 ? r : jval_each(v, take_option, &reader);
}

/* --- file systems --- */

struct fs_reader {
	struct layout *l;
	struct layout_fs *fs;
	const char *path;
};

static int take_fs_member(void *user, const char *key, const struct jval *v)
{
	struct fs_reader *f = user;
	char *path = layout_join(f->path, key);
	int r;

	if (!path)
		return layout_no_memory(f->l);
	if (!strcmp(key, "type"))
		r = take_text(f->l, v, path, &f->fs->type);
	else if (!strcmp(key, "options"))
		r = take_options(f->l, &f->fs->options, v, path);
	else if (!strcmp(key, "comment"))
		r = 0;
	else
		r = add_option(f->l, &f->fs->options, key, v, path);
	free(path);
	return r;
}

static int take_fs(struct layout *l, struct layout_item *item, const char *path,
		   const struct jval *v)
{
	struct fs_reader reader = { l, &item->fs, path };
	int r;

	item->fs.wanted = true;
	item->fs.path = strdup(path);
	if (!item->fs.path)
		return layout_no_memory(l);
	if (jval_kind(v) == JVAL_TEXT)
		return take_text(l, v, path, &item->fs.type);
	r = want_kind(l, v, JVAL_MAP, path, "the type of a file system or an object");
	if (r == 0)
		r = jval_each(v, take_fs_member, &reader);
	if (r == 0 && !item->fs.type)
		r = layout_fail(l, EINVAL, "layout.value", path,
				"the key \"type\" is missing, for example \"ext4\"");
	return r;
}

/* --- items --- */

static int take_items(struct layout *l, struct layout_item *item, const char *path,
		      const struct jval *v);

static int take_name(struct layout *l, struct layout_item *item, const char *path,
		     const struct jval *v)
{
	int r = take_text(l, v, path, &item->name);

	item->named = true;
	if (r == 0 && strchr(item->name, '/'))
		r = layout_fail(l, EINVAL, "layout.name", path, "a name has no '/'");
	return r;
}

static int take_plugin(struct layout *l, struct layout_item *item, const char *path,
		       const struct jval *v)
{
	return take_text(l, v, path, &item->plugin_name);
}

static int take_item_size(struct layout *l, struct layout_item *item, const char *path,
			  const struct jval *v)
{
	return take_size(l, v, path, &item->size);
}

static int take_wipe(struct layout *l, struct layout_item *item, const char *path,
		     const struct jval *v)
{
	return take_bool(l, v, path, &item->wipe);
}

static int take_shrink(struct layout *l, struct layout_item *item, const char *path,
		       const struct jval *v)
{
	return take_bool(l, v, path, &item->shrink);
}

static int take_item_options(struct layout *l, struct layout_item *item, const char *path,
			     const struct jval *v)
{
	return take_options(l, &item->options, v, path);
}

static int take_comment(struct layout *l, struct layout_item *item, const char *path,
			const struct jval *v)
{
	(void)l, (void)item, (void)path, (void)v;
	return 0;
}

static int take_refs(struct layout *l, struct layout_item *item, const char *path,
		     const struct jval *v)
{
	int r = want_kind(l, v, JVAL_LIST, path, "a list of names");

	for (size_t i = 0; r == 0 && i < jval_length(v); i++) {
		struct layout_ref ref = { .path = join_index(path, i) };

		if (!ref.path || !vec_push(&item->refs, ref)) {
			free(ref.path);
			return layout_no_memory(l);
		}
		r = take_text(l, jval_at(v, i), ref.path, &item->refs.at[i].text);
	}
	if (r == 0 && !item->refs.count)
		r = layout_fail(l, EINVAL, "layout.value", path, "the list is empty");
	return r;
}

#define ON(kind)	(1u << (kind))
#define ON_ALL		0x1fu

static const struct {
	const char *name;
	uint32_t kinds;
	int (*take)(struct layout *l, struct layout_item *item, const char *path,
		    const struct jval *v);
} keys[] = {
	{ "name", ON_ALL, take_name },
	{ "table", ON(LAYOUT_DISK), take_plugin },
	{ "plugin", ON(LAYOUT_GROUP) | ON(LAYOUT_FEATURE), take_plugin },
	{ "partitions", ON(LAYOUT_DISK), take_items },
	{ "regions", ON(LAYOUT_GROUP), take_items },
	{ "members", ON(LAYOUT_GROUP), take_refs },
	{ "inputs", ON(LAYOUT_FEATURE), take_refs },
	{ "size", ON(LAYOUT_PARTITION) | ON(LAYOUT_REGION), take_item_size },
	{ "fs", ON_ALL & ~ON(LAYOUT_GROUP), take_fs },
	{ "wipe", ON_ALL & ~ON(LAYOUT_GROUP), take_wipe },
	{ "shrink", ON(LAYOUT_PARTITION) | ON(LAYOUT_REGION), take_shrink },
	{ "options", ON_ALL, take_item_options },
	{ "comment", ON_ALL, take_comment },
};

#define KEY_COUNT	(sizeof(keys) / sizeof(keys[0]))

struct item_reader {
	struct layout *l;
	struct layout_item *item;
};

/*
 * What is no key of ours is an option of the plug-in; check_options() knows which ones there are.
 */
static int take_member(void *user, const char *key, const struct jval *v)
{
	struct item_reader *reader = user;
	struct layout_item *item = reader->item;
	char *path = layout_join(item->path, key);
	int r;

	if (!path)
		return layout_no_memory(reader->l);
	for (size_t i = 0; i < KEY_COUNT; i++) {
		if (!(keys[i].kinds & ON(item->kind)) || strcmp(keys[i].name, key))
			continue;
		r = keys[i].take(reader->l, item, path, v);
		free(path);
		return r;
	}
	r = add_option(reader->l, &item->options, key, v, path);
	free(path);
	return r;
}

static int default_name(struct layout *l, struct layout_item *item, size_t i)
{
	struct text t = { 0 };

	if (item->name)
		return 0;
	if (item->kind != LAYOUT_DISK && item->kind != LAYOUT_PARTITION)
		return layout_fail(l, EINVAL, "layout.name", item->path, "the key \"name\" is "
				   "missing");
	text_add(&t, "%s%zu", item->kind == LAYOUT_DISK ? "disk" : "p", i + 1);
	item->name = text_take(&t);
	return item->name ? 0 : layout_no_memory(l);
}

static int read_item(struct layout *l, enum layout_kind kind, const char *list_path, size_t i,
		     const struct jval *v, struct layout_item **out)
{
	struct layout_item *item = calloc(1, sizeof(*item));
	struct item_reader reader = { l, item };
	int r;

	if (!item)
		return layout_no_memory(l);
	item->kind = kind;
	item->size = (struct layout_size){ .mode = LAYOUT_WEIGHT, .weight = 1 };
	item->path = join_index(list_path, i);
	r = item->path ? want_kind(l, v, JVAL_MAP, item->path, "an object") : layout_no_memory(l);
	if (r == 0)
		r = jval_each(v, take_member, &reader);
	if (r == 0)
		r = default_name(l, item, i);
	if (r < 0) {
		item_free(item);
		return r;
	}
	*out = item;
	return 0;
}

static int take_items(struct layout *l, struct layout_item *item, const char *path,
		      const struct jval *v)
{
	enum layout_kind kind = item->kind == LAYOUT_DISK ? LAYOUT_PARTITION : LAYOUT_REGION;
	struct layout_item *child;
	int r = want_kind(l, v, JVAL_LIST, path, "a list");

	for (size_t i = 0; r == 0 && i < jval_length(v); i++) {
		r = read_item(l, kind, path, i, jval_at(v, i), &child);
		if (r < 0)
			return r;
		child->container = item;
		if (!vec_push(&item->items, child)) {
			item_free(child);
			return layout_no_memory(l);
		}
	}
	return r;
}

static int read_list(struct layout *l, enum layout_kind kind, const char *path,
		     const struct jval *v)
{
	struct layout_item *item;
	bool pushed;
	int r = want_kind(l, v, JVAL_LIST, path, "a list");

	for (size_t i = 0; r == 0 && i < jval_length(v); i++) {
		r = read_item(l, kind, path, i, jval_at(v, i), &item);
		if (r < 0)
			return r;
		if (kind == LAYOUT_DISK)
			pushed = vec_push(&l->disks, item);
		else
			pushed = vec_push(&l->makers, item);
		if (!pushed) {
			item_free(item);
			return layout_no_memory(l);
		}
	}
	return r;
}

static int read_root_member(void *user, const char *key, const struct jval *v)
{
	static const char *const known[] = { "schema", "disks", "groups", "features", "comment" };
	struct layout *l = user;
	const char *s, *near = NULL;
	char path[80];

	if (!strcmp(key, "disks"))
		return read_list(l, LAYOUT_DISK, "/disks", v);
	if (!strcmp(key, "groups"))
		return read_list(l, LAYOUT_GROUP, "/groups", v);
	if (!strcmp(key, "features"))
		return read_list(l, LAYOUT_FEATURE, "/features", v);
	if (!strcmp(key, "comment") || !strcmp(key, "$schema"))
		return 0;
	if (!strcmp(key, "schema")) {
		s = jval_text(v);
		return s && !strcmp(s, LAYOUT_SCHEMA) ? 0 :
		       layout_fail(l, EINVAL, "layout.schema", "/schema", "\"%s\" is expected",
				   LAYOUT_SCHEMA);
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		near = layout_nearest(key, near, known[i]);
	snprintf(path, sizeof(path), "/%.64s", key);
	return layout_fail(l, EINVAL, "layout.key", path, "unknown key%s%s%s",
			   near ? "; did you mean \"" : "; a layout has disks, groups and features",
			   near ? near : "", near ? "\"?" : "");
}

const char *layout_nearest_key(uint32_t kinds, const char *word)
{
	const char *near = NULL;

	for (size_t i = 0; i < KEY_COUNT; i++)
		if (keys[i].kinds & kinds)
			near = layout_nearest(word, near, keys[i].name);
	return near;
}

int layout_parse(struct layout *l, const char *json, size_t length)
{
	struct jval *root;
	int r;

	context_clear_error(l->ctx);
	r = jval_parse(l->ctx, "layout", json, length, &root);
	if (r < 0)
		return r;
	r = jval_each(root, read_root_member, l);
	jval_free(root);
	return r < 0 ? r : layout_check(l);
}
