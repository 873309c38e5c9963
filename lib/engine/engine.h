/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The engine: what holds the floors together. */
#ifndef ENGINE_H
#define ENGINE_H

#include "change/change.h"

struct evms_engine {
	unsigned refs;
	struct context ctx;
	struct registry registry;
	struct device_set *set;
	struct change change;
	struct model *model;
	uint64_t next_id;
	bool busy;			/* inside a public call: callbacks may not come back in */
};

extern const struct evms_host host_table;

/* The start of a public call that can fail: 0, or -EDEADLK from inside a callback. */
int engine_enter(struct evms_engine *e);
/* Its end; passes r on. */
int engine_leave(struct evms_engine *e, int r);
struct context *engine_context(struct evms_engine *engine);
struct evms_engine *engine_of(const struct evms_object *o);

#endif
