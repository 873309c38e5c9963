/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The runtime table: all that is needed to use a volume. Numbered backing devices, and nodes whose
 * targets tile them without gaps; a target's legs lie on devices or on other nodes.
 * docs/runtime-table.md describes its text form. Knows neither model nor formats.
 */
#ifndef RUNTIME_TABLE_H
#define RUNTIME_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "util/vec.h"

/* Caps, so that a hostile table costs little. */
#define TABLE_MAX_SIZE		((uint64_t)INT64_MAX)
#define TABLE_MAX_DEVICES	65536u
#define TABLE_MAX_NODES		(1u << 20)
#define TABLE_MAX_TARGETS	(1u << 22)	/* of all nodes together */
#define TABLE_MAX_LEGS		1024u		/* of one target */
#define TABLE_MAX_DEPTH		32u		/* nodes on one another */
#define TABLE_MAX_PATH		4095u
#define TABLE_MAX_ARGS		65536u
#define TABLE_MAX_TEXT		((size_t)1 << 28)

enum table_kind {
	TABLE_LINEAR,
	TABLE_STRIPED,
	TABLE_ZERO,
	TABLE_ERROR,
	TABLE_PLUGIN
};

/* Who a device is; checked when it is opened. dev and ino 0: any. */
struct table_identity {
	uint64_t dev;			/* st_dev of a file, st_rdev of a block device */
	uint64_t ino;			/* 0 for a block device */
	uint64_t diskseq;		/* 0: unknown */
};

struct table_device {
	char *path;
	uint64_t size;
	uint32_t block_size;		/* of a logical block */
	bool read_only;
	struct table_identity identity;
};

/* A place on a device or on another node. */
struct table_leg {
	bool is_node;
	uint32_t index;
	uint64_t offset;
};

struct table_target {
	uint64_t offset, size;		/* in the node */
	enum table_kind kind;
	uint32_t leg_count;
	size_t first_leg;		/* in the node's legs */
	uint64_t chunk;			/* bytes of a stripe's piece */
	char *name, *args;		/* TABLE_PLUGIN only; args may be NULL */
};

struct table_node {
	uint64_t size;
	uint32_t block_size;
	VEC(struct table_target) targets;	/* ordered, without gaps */
	VEC(struct table_leg) legs;
};

struct table {
	VEC(struct table_device) devices;
	VEC(struct table_node) nodes;
	size_t target_count;		/* of all nodes */
	uint32_t root;
	bool has_root;
	bool read_only; /* the volume must not be written, whatever the devices say */
};

/*
 * Building. Functions that add return the number of what they added, or -EINVAL, -E2BIG (a cap),
 * -ENOMEM. Nodes may refer to nodes that are added later. Targets of a node are added in ascending
 * order.
 */
struct table *table_new(void);
void table_free(struct table *t);
int table_add_device(struct table *t, const char *path, uint64_t size, uint32_t block_size,
		     bool read_only, const struct table_identity *identity);
int table_add_node(struct table *t, uint64_t size, uint32_t block_size);
/* name: "linear" (1 leg), "striped" (chunk and legs), "zero", "error" or a plug-in's target. 0 or
 * -errno. */
int table_add_target(struct table *t, uint32_t node, uint64_t offset, uint64_t size,
		     const char *name, uint64_t chunk, const char *args, uint32_t leg_count,
		     const struct table_leg *legs);
void table_set_root(struct table *t, uint32_t node);
void table_set_read_only(struct table *t);

/*
 * Everything that a table must be: nodes tiled, legs inside what they lie on, no node above itself.
 * 0, -EINVAL or -ENOMEM, with the reason in error (which may be NULL).
 */
int table_check(const struct table *t, char *error, size_t error_size);

/*
 * Replace what lies on nodes by what lies beneath them, as far as that is possible, and drop what
 * the root does not reach. The table must have passed table_check(). 0 or -ENOMEM (the table is as
 * good as before).
 */
int table_flatten(struct table *t);

/* The text form. 0, -EINVAL (not a table that passes table_check()) or -ENOMEM. */
int table_to_text(const struct table *t, char **out);
int table_parse(const char *text, size_t length, struct table **out, char *error,
		size_t error_size);

/* The device that the root is, whole and as it is; NULL when it is anything else. */
const struct table_device *table_whole_device(const struct table *t);

/* How many bytes leg i of a striped target of that size holds. */
uint64_t table_stripe_size(uint64_t size, uint64_t chunk, uint32_t leg_count, uint32_t leg);
const char *table_kind_name(const struct table_target *target);
static inline const struct table_leg *table_legs(const struct table_node *n,
						 const struct table_target *t)
{
	return n->legs.at + t->first_leg;
}

#endif
