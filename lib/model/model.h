/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The model: a graph of objects from disks to volumes, with space lists and maps. Knows no format.
 *
 * Plug-ins change it through the host table only. Each call into a plug-in is bracketed by
 * model_call_begin() and model_call_end(), which checks what the plug-in did (tiling of space lists and
 * maps) and takes all of it back when the call failed.
 */
#ifndef MODEL_H
#define MODEL_H

#include "base/context.h"
#include "device/device.h"
#include "registry/registry.h"
#include "util/vec.h"

struct model;

/* One stretch of a map: linear, striped, zero, error, or a plug-in's target. */
struct map_leg {
	struct evms_object *input;
	uint64_t offset;
};

struct map_target {
	uint64_t offset, size, chunk;
	char *target;			/* one of the core's names (not allocated), or a plug-in's */
	char *args;			/* for a plug-in's target */
	uint32_t n;
	struct map_leg one;		/* the leg when n == 1 */
	struct map_leg *many;		/* the legs when n > 1 */
};

extern const char target_linear[], target_striped[], target_zero[], target_error[];

/* Entry of a space list. Free entries have an object too. */
struct space_entry {
	uint64_t offset, size;
	uint32_t kind;
	struct evms_object *object;
};

struct space {
	VEC(struct space_entry) entries;
	bool settled;			/* sorted and tiled; before that, entries are only appended */
	bool fresh;			/* made by the plug-in call under way, with all that is in it */
};

struct object_note {
	uint32_t state;			/* the bits that it gave */
	char *reason, *text;
};

struct object_property {
	char *key;			/* "plugin.key" */
	uint32_t type;
	uint64_t u64;
	char *str;
};

struct object_private {
	struct evms_plugin *plugin;
	void *data;
};

struct object_fs {
	struct evms_plugin *plugin;
	char *type, *label, *uuid;
	uint64_t size, used, min_size, max_size, step;
	bool planned;			/* not there before the commit */
};

/* What only some objects have. */
struct object_disk {
	struct device *device;
	struct evms_geometry geometry;
	bool block_size_assumed;
	uint64_t first_size;		/* what the device manager said */
	uint32_t first_block_size;	/* before a table settled it */
};

struct evms_object {
	struct model *model;		/* NULL: gone, only remembered */
	unsigned refs;			/* handles held outside the model */
	uint32_t kind, state;
	uint64_t id, size, offset;
	uint32_t block_size, physical_block_size;
	uint32_t index;			/* position in model->objects */
	char *name, *label, *uuid, *serial;
	struct evms_plugin *owner;	/* who made it; NULL: the engine */
	struct evms_plugin *claimer;	/* the partition manager of a disk */
	struct evms_object *parent;	/* what its space was cut from */
	struct evms_object *consumer;	/* the group or feature object that uses it */
	struct evms_object *volume;	/* the volume on it */
	const struct evms_object *before;	/* the same one in the look before this, and unchanged */
	VEC(struct evms_object *) inputs, outputs;
	struct space *space;
	VEC(struct map_target) map;
	VEC(struct object_note) notes;
	VEC(struct object_property) properties;
	VEC(struct object_private) privates;
	struct object_fs *fs;
	struct object_disk *disk;
	struct evms_object *next_name;	/* chain of the name table */
	uint64_t name_hash;
	uint64_t visit;			/* the last walk that came here: object_visit() */
	size_t mapped;			/* legs of maps that lead here */
	bool waiting;			/* gone, and may be revived: not freed yet */
	bool touched;			/* changed by the plug-in call under way */
	bool examined;			/* discovery has looked at it, or a task made it */
	bool planned;			/* a task changed it: it is not on the disk like this */
	bool wiped;			/* this plan leaves no signature on it */
	bool member;			/* joined something bigger: never a volume by itself */
};

/* The call into a plug-in that is under way. */
struct model_call {
	struct evms_plugin *plugin;
	const char *op;
	bool may_write;			/* evms_write() stages */
	bool may_wipe;			/* evms_zero(EVMS_PHASE_WIPE) is noted */
	bool remember;			/* what it reads is what the model depends on */
	bool may_change;		/* the model may be changed */
	size_t first_new;		/* objects from here on were made by this call */
	uint64_t generation;		/* of the model when the call began */
	bool had_error;			/* an error was recorded before the call */
};

struct wipe {				/* zeros that a task asked for */
	struct device *device;
	uint64_t offset, size;
	uint32_t phase;
};

struct staged {				/* bytes that a plug-in's write() staged, for the plan */
	struct evms_object *object;
	struct device *device;
	uint64_t offset, size;
	uint32_t phase;
};

struct name_table {			/* hash table of kind and name */
	struct evms_object **slots;
	size_t slot_count, count;
};

struct model {
	struct context *ctx;
	struct registry *registry;
	void *owner;			/* the engine; only engine/ looks into it */
	VEC(struct evms_object *) objects;	/* by age; holes are NULL */
	struct name_table names;
	struct name_table graves;	/* handles that wait to be revived */
	uint64_t *next_id;		/* shared with the engine's other models */
	VEC(struct evms_object *) touched;	/* holes are NULL */
	VEC(struct wipe) wipes;
	VEC(struct staged) writes;
	struct model_call call;
	uint64_t generation;		/* grows with every change */
	uint64_t visits;		/* walks over the graph so far */
	bool scratch;			/* a second look: what it reads is not remembered */
	struct members *members;	/* while discovering */
	const struct model *prior;	/* a look before this one, at the same bytes but what is staged */
};

int model_new(struct context *ctx, struct registry *registry, void *owner, uint64_t *next_id,
	      struct model **out);
/* Frees all objects; those with handles outside live on without a model. */
void model_free(struct model *m);
/* Empty the model, but keep the handles that are held outside, to be revived by kind and name. */
void model_clear(struct model *m);
/* The revival is over: what was not found again is gone. */
void model_bury(struct model *m);

/* --- objects (object.c) --- */
int object_new(struct model *m, uint32_t kind, const char *name, struct evms_plugin *owner,
	       struct evms_object **out);
/* Take an object out of the model: space, inputs, volume, private data. Not while it is used. */
void object_remove(struct evms_object *o);
/* A walk over the graph, numbered ++model->visits, sees each object once: the first time it comes, true. */
static inline bool object_visit(struct evms_object *o, uint64_t walk)
{
	if (o->visit == walk)
		return false;
	o->visit = walk;
	return true;
}
/* Forget what a partition manager said of a disk. */
void object_reset_disk(struct evms_object *disk);
void object_drop_private(struct evms_object *o, struct evms_plugin *only);
void object_touch(struct evms_object *o);
int object_add_input(struct evms_object *o, struct evms_object *in);
void object_remove_input(struct evms_object *o, struct evms_object *in);
int object_set_text(char **field, const char *text);
int object_set_name(struct evms_object *o, const char *name);
int object_set_property(struct evms_object *o, const char *key, uint32_t type, uint64_t u64,
			const char *str);
int object_vnote(struct evms_object *o, uint32_t state, const char *reason, const char *fmt,
		 va_list args);
int object_note(struct evms_object *o, uint32_t state, const char *reason, const char *fmt, ...)
	PRINTF(4, 5);
void object_clear_state(struct evms_object *o, uint32_t state);
int object_set_fs(struct evms_object *volume, struct evms_plugin *plugin,
		  const struct evms_fs_info *info);
const char *kind_name(uint32_t kind);
/* Is it a disk, partition, region or feature object, whose bytes can belong to somebody? */
bool object_holds_data(const struct evms_object *o);
/* The disk or group whose metadata describes it, or itself. */
struct evms_object *object_container(struct evms_object *o);
/* The object under a volume; any other object is itself. */
struct evms_object *object_under_volume(struct evms_object *o);
/* Give a topmost data object its volume, and take it from one that is used. */
int object_settle_volume(struct evms_object *o);
/* Give a disk that nobody claims a volume of its own. */
int object_make_volume(struct evms_object *o);
int object_fail(const struct evms_object *o, int error, const char *reason, const char *fmt, ...)
	PRINTF(4, 5);

/* --- names (names.c) --- */
struct evms_object *names_find(const struct name_table *t, uint32_t kind, const char *name);
int names_add(struct name_table *t, struct evms_object *o);
void names_remove(struct name_table *t, struct evms_object *o);
void names_clear(struct name_table *t);

/* --- space lists (space.c) --- */
int space_add(struct evms_object *parent, uint64_t offset, uint64_t size, uint32_t kind,
	      struct evms_object *object);
/* Give the object a space list, to be settled even when nothing is added. */
int space_prepare(struct evms_object *parent);
int space_release(struct evms_object *parent, uint64_t offset, uint64_t size);
/* Everything that object holds of its parent. */
int space_release_object(struct evms_object *parent, struct evms_object *object);
/* The parent has a new size: what is added is free, what goes must be. */
int space_resize(struct evms_object *parent, uint64_t size);
/* Sort, check, and fill what nobody holds with free space. -EPROTO, recorded, when entries clash. */
int space_settle(struct evms_object *parent);
size_t space_find(const struct space *s, uint64_t offset);
void space_free(struct evms_object *parent);

/* --- maps (map.c) --- */
int map_add(struct evms_object *o, uint64_t offset, uint64_t size, const char *target, uint64_t chunk,
	    const char *args, uint32_t n, struct evms_object *const *inputs, const uint64_t *offsets);
void map_clear(struct evms_object *o);
/*
 * Does the map tile the object, and lead to what the object is made of only? -EPROTO, recorded, when not.
 * Objects without a map are fine.
 */
int map_check(const struct evms_object *o);
/* The same stretches over inputs of the same names? The objects may be of different models. */
bool map_equal(const struct evms_object *a, const struct evms_object *b);
static inline const struct map_leg *map_legs(const struct map_target *t)
{
	return t->n > 1 ? t->many : &t->one;
}

/* --- bytes (io.c) --- */
int object_read(struct evms_object *o, void *buf, size_t len, uint64_t offset);
int object_stage(struct evms_object *o, const void *buf, size_t len, uint64_t offset, uint32_t phase);
int object_stage_zero(struct evms_object *o, uint64_t offset, uint64_t len, uint32_t phase);
/* Call fn for each stretch of devices that [offset, offset+len) lies on. */
typedef int (*object_extent_fn)(void *user, struct device *device, uint64_t offset, uint64_t len);
int object_extents(struct evms_object *o, uint64_t offset, uint64_t len, object_extent_fn fn,
		   void *user);
/* Zeros for every later plan, wherever [offset, offset+len) lies now. */
int object_wipe(struct evms_object *o, uint64_t offset, uint64_t len, uint32_t phase);
/* The device that the first byte lies on; NULL for none. */
struct device *object_device(struct evms_object *o);

/* --- runtime (compile.c) --- */
struct table;
/* The runtime table of an object that holds data, checked. Free with table_free(). Errors are recorded. */
int object_compile(struct evms_object *o, struct table **out);

/* --- calls into plug-ins (call.c) --- */
void model_call_begin(struct model *m, struct evms_plugin *p, const char *op);
/* r: what the plug-in returned. Checks its work, or takes it back when r < 0. Returns r or -EPROTO. */
int model_call_end(struct model *m, int r);

#endif
