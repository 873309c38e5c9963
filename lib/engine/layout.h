/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Layout files (docs/layout.md): a description of disks, groups and feature objects as they shall
 * be. layout-parse.c reads one, layout-check.c checks it, layout-size.c does the arithmetic,
 * layout-run.c runs the tasks, layout.c puts that in order. All of it works through evms.h and
 * names no plug-in.
 */
#ifndef ENGINE_LAYOUT_H
#define ENGINE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/context.h"
#include "util/vec.h"

/* How large something shall be. */
enum layout_size_mode {
	LAYOUT_WEIGHT,			/* a share of what the others leave; "rest" is weight 1 */
	LAYOUT_FIXED,
	LAYOUT_PERCENT,			/* of the container's whole capacity */
};

struct layout_size {
	enum layout_size_mode mode;
	uint64_t bytes;			/* LAYOUT_FIXED */
	uint64_t ppm;			/* LAYOUT_PERCENT: millionths */
	uint64_t weight, min, max;	/* LAYOUT_WEIGHT; max 0: no limit */
};

/* Text to size; 0 or -EINVAL, -ERANGE. */
int layout_size_parse(const char *text, struct layout_size *out);

/* One party of a container, for the arithmetic. */
struct layout_want {
	struct layout_size size;
	uint64_t bytes;			/* the answer: a multiple of the step */
};

/*
 * Share capacity out: fixed sizes (rounded up) and percentages (rounded down) first, the rest by
 * weight between min and max. 0, or -ENOSPC and *needs is what the least would be.
 */
int layout_solve(struct layout_want *wants, size_t count, uint64_t capacity, uint64_t step,
		 uint64_t *needs);

enum layout_kind { LAYOUT_DISK, LAYOUT_PARTITION, LAYOUT_GROUP, LAYOUT_REGION, LAYOUT_FEATURE };

struct layout_option {
	char *key, *value;
	char *path;			/* where it stands in the file */
};

struct layout_options {
	VEC(struct layout_option) list;
};

struct layout_fs {
	bool wanted;
	char *path, *type;
	const struct evms_plugin *plugin;
	struct layout_options options;	/* the type among them where the plug-in wants it */
};

struct layout_item;

struct layout_ref {
	char *path, *text;
	struct layout_item *item;
};

/* Anything a layout describes. */
struct layout_item {
	enum layout_kind kind;
	char *path;			/* "/disks/0/partitions/2" */
	char *name;
	bool named;			/* the file gives the name */
	char *plugin_name;
	const struct evms_plugin *plugin;
	struct layout_size size;
	bool wipe, shrink;
	struct layout_options options;
	struct layout_fs fs;
	VEC(struct layout_ref) refs;	/* members or inputs */
	VEC(struct layout_item *) items;	/* partitions or regions */
	struct layout_item *container, *user;
	bool done;

	struct evms_object *object;	/* a reference, when it exists */
	bool existed;			/* it was there before the layout ran */
	uint64_t bytes;			/* resolved size */
};

struct layout {
	struct evms_engine *engine;
	struct context *ctx;
	VEC(struct layout_item *) disks, makers;	/* makers: groups and feature objects */
};

/* --- shared by the files of the layout --- */
int layout_no_memory(struct layout *l);
/* "PATH/KEY", to be freed. */
char *layout_join(const char *path, const char *key);
/* The better one of two guesses for a mistyped word; NULL while none is near. */
const char *layout_nearest(const char *word, const char *best, const char *candidate);
/* The nearest key that items of these kinds (mask of 1 << layout_kind) know. */
const char *layout_nearest_key(uint32_t kinds, const char *word);
const struct evms_option *layout_find_option(const struct evms_plugin *p, uint32_t op,
					     const char *name);

/* Plug-ins, options, names, references; puts the makers in order. Recorded. */
int layout_check(struct layout *l);
/* Read and check everything that can be known without looking at a disk. Recorded. */
int layout_parse(struct layout *l, const char *json, size_t length);
void layout_free(struct layout *l);

/* Record "PATH: text" under reason and return -error. */
int layout_fail(struct layout *l, int error, const char *reason, const char *path, const char *fmt,
		...) PRINTF(5, 6);
/* Put the path before the error that a public call just recorded, and return r. */
int layout_blame(struct layout *l, int r, const char *path);

/* Bring one part to what is described. Recorded. */
int layout_run_disk(struct layout *l, struct layout_item *disk);
int layout_run_maker(struct layout *l, struct layout_item *maker);

#endif
