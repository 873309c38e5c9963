/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The list of plug-ins: scanning directories, keeping names and ids unique, loading on demand. */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "registry/loader.h"
#include "util/text.h"

#ifndef EVMS_PLUGIN_DIR
#error "the build defines EVMS_PLUGIN_DIR"
#endif

void registry_init(struct registry *r, struct context *ctx, const struct evms_host *host)
{
	memset(r, 0, sizeof(*r));
	r->ctx = ctx;
	r->host = host;
}

void registry_free(struct registry *r)
{
	size_t i;

	for (i = 0; i < r->plugins.count; i++) {
		loader_close(r->plugins.at[i]->module);
		entry_free(r->plugins.at[i]);
	}
	vec_free(&r->plugins);
	free(r->path);
	r->path = NULL;
	r->scanned = false;
}

struct evms_plugin *registry_find(const struct registry *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->plugins.count; i++)
		if (!strcmp(r->plugins.at[i]->name, name))
			return r->plugins.at[i];
	return NULL;
}

struct evms_plugin *registry_find_target(const struct registry *r, const char *target)
{
	size_t i, k;

	for (i = 0; i < r->plugins.count; i++)
		for (k = 0; r->plugins.at[i]->targets[k]; k++)
			if (!strcmp(r->plugins.at[i]->targets[k], target))
				return r->plugins.at[i];
	return NULL;
}

/* By class, highest priority first, by name. */
static bool comes_before(const struct evms_plugin *a, const struct evms_plugin *b)
{
	if (a->role != b->role)
		return a->role < b->role;
	if (a->priority != b->priority)
		return a->priority > b->priority;
	return strcmp(a->name, b->name) < 0;
}

static int check_unique(struct registry *r, const struct evms_plugin *p)
{
	const struct evms_plugin *q;
	size_t i;

	for (i = 0; i < r->plugins.count; i++) {
		q = r->plugins.at[i];
		if (!strcmp(q->name, p->name))
			return context_fail(r->ctx, EEXIST, p->file, NULL, "plugin.twin",
					    "plug-in %s was loaded from %s already", p->name, q->file);
		if (q->id == p->id)
			return context_fail(r->ctx, EEXIST, p->file, NULL, "plugin.twin",
					    "plug-in %s has the id 0x%llx of plug-in %s (%s)", p->name,
					    (unsigned long long)p->id, q->name, q->file);
	}
	return 0;
}

static int insert(struct registry *r, struct evms_plugin *p)
{
	size_t i = 0;

	while (i < r->plugins.count && comes_before(r->plugins.at[i], p))
		i++;
	if (!vec_insert(&r->plugins, i, p))
		return context_fail(r->ctx, ENOMEM, p->file, NULL, "memory", "out of memory");
	return 0;
}

/* file is absolute. */
static int add(struct registry *r, const char *file)
{
	struct evms_plugin *p = NULL;
	struct loaded l;
	int e;

	e = loader_open(r->ctx, r->host, file, &l);
	if (e)
		return e;
	e = entry_new(r->ctx, file, &l, &p);
	if (!e)
		e = check_unique(r, p);
	if (!e)
		e = insert(r, p);
	if (e) {
		entry_free(p);
		loader_close(l.module);
		return e;
	}
	entry_attach(p, &l);
	return 0;
}

/* The folder made absolute; the last name stays as it is, also when it is a link. */
static char *absolute(const char *file)
{
	const char *base = strrchr(file, '/');
	struct text t = { 0 };
	char *folder, *resolved;

	folder = base ? strndup(file, (size_t)(base - file) + 1) : strdup(".");
	if (!folder)
		return NULL;
	resolved = realpath(folder, NULL);
	free(folder);
	if (!resolved)
		return NULL;
	text_add(&t, "%s/%s", strcmp(resolved, "/") ? resolved : "", base ? base + 1 : file);
	free(resolved);
	return text_take(&t);
}

int registry_add_file(struct registry *r, const char *file)
{
	char *path;
	int e;

	if (!file || !*file)
		return context_fail(r->ctx, EINVAL, NULL, NULL, "plugin.file", "no file was given");
	path = absolute(file);
	if (!path)
		return context_fail(r->ctx, errno == ENOMEM ? ENOMEM : ENOENT, file, NULL,
				    "plugin.file", "the plug-in cannot be found");
	e = add(r, path);
	free(path);
	return e;
}

static bool ends_in_so(const char *name)
{
	size_t length = strlen(name);

	return length > 3 && !strcmp(name + length - 3, ".so");
}

static int is_candidate(const struct dirent *d)
{
	return d->d_name[0] != '.' && ends_in_so(d->d_name);
}

/* Independent of the locale, unlike alphasort(). */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool is_known(const struct registry *r, const char *file)
{
	size_t i;

	for (i = 0; i < r->plugins.count; i++)
		if (!strcmp(r->plugins.at[i]->file, file))
			return true;
	return false;
}

/* One file of a directory: broken ones become messages. 0 or -ENOMEM. */
static int scan_file(struct registry *r, const char *folder, const char *name)
{
	struct text t = { 0 };
	char *file;
	int e;

	if (!is_plugin_name(name, strlen(name) - 3)) {
		/* Loading runs code: not for something that cannot be a plug-in. */
		context_message(r->ctx, EVMS_SEVERITY_WARNING,
				"%s/%s: ignored: a plug-in's file has a name of the letters a-z, 0-9 and -",
				folder, name);
		return 0;
	}
	text_add(&t, "%s/%s", folder, name);
	file = text_take(&t);
	if (!file)
		return context_fail(r->ctx, ENOMEM, NULL, NULL, "memory", "out of memory");
	/* A folder may be in the path twice. */
	e = is_known(r, file) ? 0 : add(r, file);
	free(file);
	if (e && e != -ENOMEM) {
		context_demote_error(r->ctx, EVMS_SEVERITY_WARNING);
		return 0;
	}
	return e;
}

static int scan_folder(struct registry *r, const char *folder)
{
	struct dirent **entries;
	char *path;
	int n, i, e = 0;

	path = realpath(folder, NULL);
	if (!path) {
		if (errno == ENOMEM)
			return context_fail(r->ctx, ENOMEM, folder, NULL, "memory", "out of memory");
		if (errno != ENOENT)
			context_message(r->ctx, EVMS_SEVERITY_WARNING,
					"%s: plug-ins are not looked for here: %m", folder);
		return 0;
	}
	n = scandir(path, &entries, is_candidate, by_name);
	if (n < 0) {
		context_message(r->ctx, EVMS_SEVERITY_WARNING,
				"%s: plug-ins are not looked for here: %m", path);
		free(path);
		return 0;
	}
	for (i = 0; i < n; i++) {
		if (!e)
			e = scan_file(r, path, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	free(path);
	return e;
}

int registry_scan(struct registry *r)
{
	const char *path = r->path, *environment = secure_getenv("EVMS_PLUGIN_PATH");
	char *copy, *rest, *folder;
	int e = 0;

	if (r->scanned)
		return 0;
	if (!path)
		path = environment && *environment ? environment : EVMS_PLUGIN_DIR;
	copy = strdup(path);
	if (!copy)
		return context_fail(r->ctx, ENOMEM, NULL, NULL, "memory", "out of memory");
	for (folder = strtok_r(copy, ":", &rest); folder && !e; folder = strtok_r(NULL, ":", &rest))
		e = scan_folder(r, folder);
	free(copy);
	if (!e)
		r->scanned = true;
	return e;
}

/* The file may have been replaced since the entry was made. */
static int check_same(struct registry *r, const struct evms_plugin *p, const struct evms_plugin *now)
{
	uint32_t i;

	if (p->id != now->id || p->role != now->role || strcmp(p->version, now->version) ||
	    p->ops != now->ops || p->magic_count != now->magic_count ||
	    p->option_count != now->option_count)
		goto changed;
	for (i = 0; i < p->option_count; i++)
		if (strcmp(p->options[i].name, now->options[i].name) ||
		    p->options[i].type != now->options[i].type ||
		    p->options[i].ops != now->options[i].ops)
			goto changed;
	for (i = 0; p->targets[i] && now->targets[i]; i++)
		if (strcmp(p->targets[i], now->targets[i]))
			goto changed;
	if (p->targets[i] || now->targets[i])
		goto changed;
	return 0;
changed:
	return context_fail(r->ctx, ENOEXEC, p->file, p->name, "plugin.changed",
			    "the plug-in's file was replaced by another one: start the program again");
}

int registry_load(struct registry *r, struct evms_plugin *p)
{
	struct evms_plugin *now = NULL;
	struct loaded l;
	int e;

	if (p->module)
		return 0;
	e = loader_open(r->ctx, r->host, p->file, &l);
	if (e)
		return e;
	e = entry_new(r->ctx, p->file, &l, &now);
	if (!e)
		e = check_same(r, p, now);
	entry_free(now);
	if (e) {
		loader_close(l.module);
		return e;
	}
	entry_attach(p, &l);
	return 0;
}

void registry_unload_idle(struct registry *r)
{
	size_t i;

	for (i = 0; i < r->plugins.count; i++) {
		struct evms_plugin *p = r->plugins.at[i];
		void *module = p->module;

		if (!module || p->users)
			continue;
		entry_detach(p);
		loader_close(module);
	}
}
