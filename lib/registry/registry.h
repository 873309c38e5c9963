/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The registry: which plug-ins there are. An entry (struct evms_plugin, the client's opaque handle) holds
 * copies of all that is needed without the code: name, id, class, magics, options, windows, order.
 * The code is mapped on demand and unmapped when idle. Only loader.c knows <dlfcn.h>.
 *
 * The client's and the SDK's struct evms_plugin share a tag; inside the library the SDK's is seen as
 * struct plugin_descriptor (sdk.h) and the client's is struct evms_plugin below.
 */
#ifndef REGISTRY_H
#define REGISTRY_H

#include <evms/evms.h>
#include "base/context.h"
#include "registry/sdk.h"
#include "util/vec.h"

struct evms_plugin {
	char *file;			/* absolute path */
	char *name, *version, *summary;
	uint64_t id;
	uint32_t role;
	int32_t priority;
	uint32_t ops;			/* EVMS_OP_BIT()s offered */
	struct evms_magic *magics;	/* deep copies */
	uint32_t magic_count;
	struct evms_option *options;	/* deep copies, ended by a NULL name */
	uint32_t option_count;
	uint32_t head_window, tail_window;
	struct evms_feature_order order;
	bool has_probe;
	char **targets;			/* names of the runtime module's targets, ended by NULL */

	/* Valid while loaded; zeros and NULLs otherwise. */
	void *module;			/* dlopen handle */
	struct evms_setup setup;		/* copied min(theirs, ours), the rest zero */
	struct evms_runtime runtime;
	struct evms_device_manager devices;
	unsigned users;			/* objects with private data, tasks: not unloaded while > 0 */
};

struct registry {
	struct context *ctx;
	const struct evms_host *host;
	VEC(struct evms_plugin *) plugins;	/* ordered by class, priority (highest first), name */
	char *path;			/* directories separated by ':' */
	bool scanned;
};

void registry_init(struct registry *r, struct context *ctx, const struct evms_host *host);
void registry_free(struct registry *r);

/* Learn every plug-in of the path. Broken ones become messages. A directory that is missing is fine. */
int registry_scan(struct registry *r);
/* One file by name; an error when it does not load. */
int registry_add_file(struct registry *r, const char *file);
/* Make the code of an entry usable (setup, runtime, devices). 0, -ENOENT, -ENOEXEC, -EBUSY, -ENOMEM. */
int registry_load(struct registry *r, struct evms_plugin *p);
/* Unmap the code of every plug-in without users. */
void registry_unload_idle(struct registry *r);
struct evms_plugin *registry_find(const struct registry *r, const char *name);
struct evms_plugin *registry_find_target(const struct registry *r, const char *target);

/*
 * Options of a task: texts checked once against the descriptors.
 * base is what percentages refer to.
 */
const struct evms_option *plugin_find_option(const struct evms_plugin *p, uint32_t op, const char *name);
/* The option of that op whose name is nearest to a mistyped one; NULL when none is near. */
const struct evms_option *plugin_nearest_option(const struct evms_plugin *p, uint32_t op, const char *name);
/* 0 and *out (sizes in bytes, bools 0/1), or the recorded error -EINVAL / -ERANGE. STR and CHOICE: *out = 0. */
int option_parse(struct context *ctx, const struct evms_plugin *p, const struct evms_option *o,
		 const char *text, uint64_t base, uint64_t *out);
const char *role_name(uint32_t role);
const char *op_name(uint32_t op);

#endif
