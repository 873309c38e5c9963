/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loads and unloads plug-ins: the only file that knows dlopen. */
#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "registry/loader.h"

#define ENTRY_SYMBOL "evms_plugin_entry_1"

/* The sizes of ABI 1.0: what a plug-in must have at least. */
#define DESCRIPTOR_1_0	(offsetof(struct plugin_descriptor, pad) + sizeof(uint32_t))
#define TABLE_HEAD	(2 * sizeof(uint32_t))
#define DEVICES_1_0	(offsetof(struct evms_device_manager, describe) + sizeof(void *))
#define RUNTIME_1_0	(offsetof(struct evms_runtime, init) + sizeof(void *))

#if UINTPTR_MAX == UINT64_MAX
_Static_assert(DESCRIPTOR_1_0 == EVMS_PLUGIN_SIZE_1_0, "the descriptor of ABI 1.0 has changed");
#endif

/*
 * A plug-in keeps the pointer to its host in one variable for the whole process: its entry function
 * runs for one engine at a time.
 */
static pthread_mutex_t loader_mutex = PTHREAD_MUTEX_INITIALIZER;

typedef const struct plugin_descriptor *(*entry_fn)(const struct evms_host *host);

#if defined(__SANITIZE_ADDRESS__)
#define KEEP_MAPPED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEEP_MAPPED true
#endif
#endif
#ifndef KEEP_MAPPED
#define KEEP_MAPPED false
#endif

/* Leaks that are found at exit need the code that made them, to give it names. */
static bool keep_mapped(void)
{
	const char *wish = secure_getenv("EVMS_NO_DLCLOSE");

	return KEEP_MAPPED || (wish && *wish && strcmp(wish, "0"));
}

void loader_close(void *module)
{
	if (!module || keep_mapped())
		return;
	pthread_mutex_lock(&loader_mutex);
	dlclose(module);
	pthread_mutex_unlock(&loader_mutex);
}

/*
 * Copy a table that says its size at its start, from a plug-in that is older or newer than we are.
 * All tables consist of pointers after the head: half a pointer is a lie about the size.
 */
static bool copy_table(void *to, size_t ours, const void *from, size_t at_least)
{
	uint32_t theirs;

	memset(to, 0, ours);
	if (!from)
		return true;
	memcpy(&theirs, from, sizeof(theirs));
	if (theirs < at_least || theirs % sizeof(void *))
		return false;
	memcpy(to, from, theirs < ours ? theirs : ours);
	return true;
}

static int check_file(struct context *ctx, const char *file)
{
	struct stat st;

	if (stat(file, &st))
		return context_fail(ctx, errno == ENOENT || errno == ENOTDIR ? ENOENT : ENOEXEC, file,
				    NULL, "plugin.file", "the plug-in cannot be opened: %m");
	/* Opening a FIFO would wait for a writer. */
	if (!S_ISREG(st.st_mode))
		return context_fail(ctx, ENOEXEC, file, NULL, "plugin.file",
				    "a plug-in is a regular file, and this is none");
	return 0;
}

static int copy_tables(struct context *ctx, const char *file, const struct plugin_descriptor *theirs,
		       struct loaded *l)
{
	const struct plugin_descriptor *d = &l->descriptor;

	if (theirs->abi_major != EVMS_PLUGIN_ABI_MAJOR)
		return context_fail(ctx, ENOEXEC, file, NULL, "plugin.abi",
				    "the plug-in was built for plug-in ABI %u, this libevms has %u: "
				    "build it again", theirs->abi_major, EVMS_PLUGIN_ABI_MAJOR);
	if (!copy_table(&l->descriptor, sizeof(l->descriptor), theirs, DESCRIPTOR_1_0))
		return context_fail(ctx, ENOEXEC, file, NULL, "plugin.abi",
				    "the plug-in's descriptor has an impossible size of %u bytes",
				    theirs->size);
	if (!copy_table(&l->setup, sizeof(l->setup), d->setup, TABLE_HEAD))
		return context_fail(ctx, ENOEXEC, file, NULL, "plugin.abi",
				    "the plug-in's setup module has an impossible size of %u bytes; "
				    "it begins with EVMS_SETUP", d->setup->size);
	if (!copy_table(&l->runtime, sizeof(l->runtime), d->runtime, RUNTIME_1_0))
		return context_fail(ctx, ENOEXEC, file, NULL, "plugin.abi",
				    "the plug-in's runtime module has an impossible size of %u bytes",
				    d->runtime->size);
	if (!copy_table(&l->devices, sizeof(l->devices), d->devices, DEVICES_1_0))
		return context_fail(ctx, ENOEXEC, file, NULL, "plugin.abi",
				    "the plug-in's device manager has an impossible size of %u bytes",
				    d->devices->size);
	return 0;
}

static int negotiate(struct context *ctx, const struct evms_host *host, const char *file,
		     struct loaded *l)
{
	const struct plugin_descriptor *theirs;
	entry_fn entry;
	void *symbol;

	symbol = dlsym(l->module, ENTRY_SYMBOL);
	if (!symbol)
		return context_fail(ctx, ENOEXEC, file, NULL, "plugin.abi",
				    "the file has no " ENTRY_SYMBOL ": it is not a plug-in of libevms, "
				    "or one for another version of it");
	memcpy(&entry, &symbol, sizeof(entry));
	theirs = entry(host);
	if (!theirs)
		return context_fail(ctx, EBUSY, file, NULL, "plugin.refused",
				    "the plug-in declined: another copy of libevms in this process "
				    "uses it already");
	return copy_tables(ctx, file, theirs, l);
}

int loader_open(struct context *ctx, const struct evms_host *host, const char *file,
		struct loaded *out)
{
	struct loaded l = { 0 };
	const char *why;
	int r;

	r = check_file(ctx, file);
	if (r)
		return r;
	pthread_mutex_lock(&loader_mutex);
	l.module = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	if (!l.module) {
		why = dlerror();
		r = context_fail(ctx, ENOEXEC, file, NULL, "plugin.load",
				 "the plug-in cannot be loaded: %s", why ? why : "no reason given");
	} else {
		r = negotiate(ctx, host, file, &l);
	}
	pthread_mutex_unlock(&loader_mutex);
	if (r)
		loader_close(l.module);
	else
		*out = l;
	return r;
}
