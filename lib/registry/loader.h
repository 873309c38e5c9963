/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared objects: how a file becomes the descriptor of a plug-in, and how an entry is made of it. */
#ifndef REGISTRY_LOADER_H
#define REGISTRY_LOADER_H

#include "registry/registry.h"

/* What a module says about itself, cut or filled up to our sizes. Pointers in it lead into the module. */
struct loaded {
	void *module;
	struct plugin_descriptor descriptor;
	struct evms_setup setup;		/* zeros when it has none */
	struct evms_runtime runtime;
	struct evms_device_manager devices;
};

/* Map a file and negotiate. 0, or the recorded error -ENOENT, -ENOEXEC, -EBUSY. */
int loader_open(struct context *ctx, const struct evms_host *host, const char *file,
		struct loaded *out);
/* Unmap, unless EVMS_NO_DLCLOSE or a sanitizer wants to see the code later. NULL is fine. */
void loader_close(void *module);

/*
 * Check all that a plug-in says and make an entry that holds copies of it; nothing in it leads into the
 * module. 0, or the recorded error -ENOEXEC, -ENOMEM.
 */
int entry_new(struct context *ctx, const char *file, const struct loaded *l, struct evms_plugin **out);
void entry_free(struct evms_plugin *p);
/* Give an entry the functions of its module. */
void entry_attach(struct evms_plugin *p, const struct loaded *l);
void entry_detach(struct evms_plugin *p);

/* [a-z0-9-]+, at most 63 letters, not beginning with '-'. */
bool is_plugin_name(const char *s, size_t length);
/* Check a text against an option without an engine: 0, -EINVAL, -ERANGE; why is a text for people. */
int option_check(const struct evms_option *o, const char *text, uint64_t base, uint64_t *out, char *why,
		 size_t why_size);

#endif
