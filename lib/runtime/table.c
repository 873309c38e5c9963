/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Builds runtime tables and checks them. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include "runtime/table.h"
#include "util/check.h"

static void node_clear(struct table_node *n)
{
	size_t i;

	for (i = 0; i < n->targets.count; i++) {
		free(n->targets.at[i].name);
		free(n->targets.at[i].args);
	}
	vec_free(&n->targets);
	vec_free(&n->legs);
}

struct table *table_new(void)
{
	return calloc(1, sizeof(struct table));
}

void table_free(struct table *t)
{
	size_t i;

	if (!t)
		return;
	for (i = 0; i < t->devices.count; i++)
		free(t->devices.at[i].path);
	for (i = 0; i < t->nodes.count; i++)
		node_clear(&t->nodes.at[i]);
	vec_free(&t->devices);
	vec_free(&t->nodes);
	free(t);
}

static bool block_size_is_good(uint32_t block_size)
{
	return is_power_of_two(block_size) && block_size >= 512 && block_size <= 65536;
}

int table_add_device(struct table *t, const char *path, uint64_t size, uint32_t block_size,
		     bool read_only, const struct table_identity *identity)
{
	struct table_device d = {
		.size = size, .block_size = block_size, .read_only = read_only
	};

	if (!path || !*path || strlen(path) > TABLE_MAX_PATH || size > TABLE_MAX_SIZE ||
	    !block_size_is_good(block_size))
		return -EINVAL;
	if (t->devices.count >= TABLE_MAX_DEVICES)
		return -E2BIG;
	if (identity)
		d.identity = *identity;
	d.path = strdup(path);
	if (!d.path)
		return -ENOMEM;
	if (!vec_push(&t->devices, d)) {
		free(d.path);
		return -ENOMEM;
	}
	return (int)(t->devices.count - 1);
}

int table_add_node(struct table *t, uint64_t size, uint32_t block_size)
{
	struct table_node n = { .size = size, .block_size = block_size };

	if (!size || size > TABLE_MAX_SIZE || !block_size_is_good(block_size))
		return -EINVAL;
	if (t->nodes.count >= TABLE_MAX_NODES)
		return -E2BIG;
	if (!vec_push(&t->nodes, n))
		return -ENOMEM;
	return (int)(t->nodes.count - 1);
}

static const char *const kind_names[] = {
	[TABLE_LINEAR] = "linear",
	[TABLE_STRIPED] = "striped",
	[TABLE_ZERO] = "zero",
	[TABLE_ERROR] = "error",
};

static enum table_kind kind_of(const char *name)
{
	enum table_kind k;

	for (k = TABLE_LINEAR; k < TABLE_PLUGIN; k++)
		if (!strcmp(name, kind_names[k]))
			return k;
	return TABLE_PLUGIN;
}

const char *table_kind_name(const struct table_target *target)
{
	return target->kind == TABLE_PLUGIN ? target->name : kind_names[target->kind];
}

static bool name_is_good(const char *name)
{
	size_t n = strlen(name);

	return n && n <= 64 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == n;
}

/* Does a target have the legs, chunk and arguments that its kind demands? */
static bool shape_is_good(enum table_kind kind, uint64_t chunk, const char *args, uint32_t legs)
{
	if (legs > TABLE_MAX_LEGS || (args && kind != TABLE_PLUGIN))
		return false;
	switch (kind) {
	case TABLE_LINEAR:
		return legs == 1 && !chunk;
	case TABLE_STRIPED:
		return legs >= 1 && chunk >= 512 && chunk % 512 == 0 && chunk <= TABLE_MAX_SIZE;
	case TABLE_ZERO:
	case TABLE_ERROR:
		return !legs && !chunk;
	case TABLE_PLUGIN:
		return !args || strlen(args) <= TABLE_MAX_ARGS;
	}
	return false;
}

int table_add_target(struct table *t, uint32_t node, uint64_t offset, uint64_t size,
		     const char *name, uint64_t chunk, const char *args, uint32_t leg_count,
		     const struct table_leg *legs)
{
	struct table_target target = {
		.offset = offset, .size = size, .leg_count = leg_count, .chunk = chunk
	};
	struct table_node *n;
	uint64_t end = 0;
	uint32_t i;

	if (node >= t->nodes.count || !name_is_good(name) || !size)
		return -EINVAL;
	n = &t->nodes.at[node];
	target.kind = kind_of(name);
	if (n->targets.count)
		end = n->targets.at[n->targets.count - 1].offset +
		      n->targets.at[n->targets.count - 1].size;
	if (offset != end || !range_fits(offset, size, n->size) ||
	    !shape_is_good(target.kind, chunk, args, leg_count))
		return -EINVAL;
	if (t->target_count >= TABLE_MAX_TARGETS)
		return -E2BIG;
	target.first_leg = n->legs.count;
	for (i = 0; i < leg_count; i++)
		if (!vec_push(&n->legs, legs[i]))
			goto no_memory;
	if (target.kind == TABLE_PLUGIN) {
		target.name = strdup(name);
		target.args = args ? strdup(args) : NULL;
		if (!target.name || (args && !target.args))
			goto no_memory;
	}
	if (!vec_push(&n->targets, target))
		goto no_memory;
	t->target_count++;
	return 0;

no_memory:
	n->legs.count = target.first_leg;
	free(target.name);
	free(target.args);
	return -ENOMEM;
}

void table_set_root(struct table *t, uint32_t node)
{
	t->root = node;
	t->has_root = true;
}

void table_set_read_only(struct table *t)
{
	t->read_only = true;
}

uint64_t table_stripe_size(uint64_t size, uint64_t chunk, uint32_t leg_count, uint32_t leg)
{
	uint64_t full = size / chunk, rest = size % chunk;
	uint64_t pieces = full / leg_count + (leg < full % leg_count);

	return pieces * chunk + (leg == full % leg_count ? rest : 0);
}

__attribute__((format(printf, 3, 4)))
static int bad(char *error, size_t size, const char *fmt, ...)
{
	va_list args;

	if (error && size) {
		va_start(args, fmt);
		vsnprintf(error, size, fmt, args);
		va_end(args);
	}
	return -EINVAL;
}

/* The bytes that a leg of a target covers on what it lies on. Plug-ins may use all of it. */
static uint64_t leg_length(const struct table_target *t, uint32_t leg)
{
	switch (t->kind) {
	case TABLE_LINEAR:
		return t->size;
	case TABLE_STRIPED:
		return table_stripe_size(t->size, t->chunk, t->leg_count, leg);
	default:
		return 0;
	}
}

static int check_target(const struct table *t, size_t node, const struct table_target *target,
			char *error, size_t size)
{
	const struct table_leg *leg = table_legs(&t->nodes.at[node], target);
	uint64_t room;
	uint32_t i;

	for (i = 0; i < target->leg_count; i++, leg++) {
		if (leg->index >= (leg->is_node ? t->nodes.count : t->devices.count))
			return bad(error, size, "node %zu: there is no %s %u", node,
				   leg->is_node ? "node" : "device", leg->index);
		room = leg->is_node ? t->nodes.at[leg->index].size :
				      t->devices.at[leg->index].size;
		if (!range_fits(leg->offset, leg_length(target, i), room))
			return bad(error, size, "node %zu: the target at %llu goes beyond %s %u",
				   node, (unsigned long long)target->offset,
				   leg->is_node ? "node" : "device", leg->index);
	}
	return 0;
}

static int check_node(const struct table *t, size_t node, char *error, size_t size)
{
	const struct table_node *n = &t->nodes.at[node];
	uint64_t end = 0;
	size_t i;
	int r;

	for (i = 0; i < n->targets.count; i++) {
		r = check_target(t, node, &n->targets.at[i], error, size);
		if (r < 0)
			return r;
		end += n->targets.at[i].size;
	}
	if (end != n->size)
		return bad(error, size, "node %zu: its targets end at %llu, not at %llu", node,
			   (unsigned long long)end, (unsigned long long)n->size);
	return 0;
}

#define UNDER_WAY 255			/* in depth[]: the walk stands on that node or above it */

/* A node of the walk: the next leg to look at, and how high it is by the legs so far. */
struct climb {
	size_t node, leg;
	uint8_t depth;
};

/*
 * How high each node stands over the devices; -EINVAL when one lies on itself. Each node is entered
 * once, with a stack of its own that is TABLE_MAX_DEPTH high.
 */
static int check_depth_from(const struct table *t, size_t start, uint8_t *depth)
{
	struct climb stack[TABLE_MAX_DEPTH], *s = stack;
	const struct table_leg *leg;
	const struct table_node *n;

	*s = (struct climb){ .node = start, .depth = 1 };
	depth[start] = UNDER_WAY;
	for (;;) {
		n = &t->nodes.at[s->node];
		if (s->leg == n->legs.count) {
			depth[s->node] = s->depth;
			if (s == stack)
				return 0;
			s--;
			continue;	/* the leg is looked at again, and its depth known now */
		}
		leg = &n->legs.at[s->leg];
		if (leg->is_node && depth[leg->index] == UNDER_WAY)
			return -EINVAL;
		if (leg->is_node && !depth[leg->index]) {
			if (s == stack + TABLE_MAX_DEPTH - 1)
				return -EINVAL;
			*++s = (struct climb){ .node = leg->index, .depth = 1 };
			depth[leg->index] = UNDER_WAY;
			continue;
		}
		if (leg->is_node && depth[leg->index] >= s->depth)
			s->depth = (uint8_t)(depth[leg->index] + 1);
		if (s->depth > TABLE_MAX_DEPTH)
			return -EINVAL;
		s->leg++;
	}
}

static int check_depth(const struct table *t, char *error, size_t size)
{
	uint8_t *depth = calloc(t->nodes.count + 1, 1);	/* 0: not known yet */
	int r = 0;
	size_t i;

	if (!depth)
		return -ENOMEM;
	for (i = 0; i < t->nodes.count && r == 0; i++)
		if (!depth[i])
			r = check_depth_from(t, i, depth);
	free(depth);
	if (r < 0)
		bad(error, size,
		    "node %zu: nodes lie on one another in a circle, or more than %u deep", i - 1,
		    TABLE_MAX_DEPTH);
	return r;
}

int table_check(const struct table *t, char *error, size_t error_size)
{
	size_t i;
	int r;

	if (!t->has_root || t->root >= t->nodes.count)
		return bad(error, error_size, "it names no root");
	for (i = 0; i < t->nodes.count; i++) {
		r = check_node(t, i, error, error_size);
		if (r < 0)
			return r;
	}
	return check_depth(t, error, error_size);
}

const struct table_device *table_whole_device(const struct table *t)
{
	const struct table_node *n = &t->nodes.at[t->root];
	const struct table_device *d;
	const struct table_leg *leg;

	if (n->targets.count != 1 || n->targets.at[0].kind != TABLE_LINEAR)
		return NULL;
	leg = table_legs(n, &n->targets.at[0]);
	if (leg->is_node || leg->offset)
		return NULL;
	d = &t->devices.at[leg->index];
	return d->size == n->size ? d : NULL;
}
