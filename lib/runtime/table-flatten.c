/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Flattening: a partition in a group in a link costs what one linear map costs. Nodes are rewritten
 * in the order of their height, so that what a leg lies on is flat already when the leg is looked
 * at.
 *
 * - A linear target on a node is replaced by that node's own targets, cut where it begins and ends.
 *   A stripe set cut at the border of a piece is again a stripe set, its legs rotated; the rest of
 * a piece before the first border is linear.
 * - A leg of a stripe set that falls into one linear target of its node goes to what is beneath.
 * - Targets of plug-ins stay whole in their node.
 */
#include <errno.h>
#include "runtime/table.h"
#include "util/check.h"

/* What a node becomes. */
struct flat {
	VEC(struct table_target) targets;
	VEC(struct table_leg) legs;
	size_t budget;			/* targets that may still be made */
};

static bool legs_continue(const struct flat *f, const struct table_target *a,
			  const struct table_leg *legs, uint64_t step)
{
	const struct table_leg *mine = f->legs.at + a->first_leg;
	uint32_t i;

	for (i = 0; i < a->leg_count; i++)
		if (mine[i].is_node != legs[i].is_node || mine[i].index != legs[i].index ||
		    mine[i].offset + step != legs[i].offset)
			return false;
	return true;
}

/* Is what comes next nothing but more of the last target? */
static bool continues(const struct flat *f, const struct table_target *a,
		      const struct table_target *b, const struct table_leg *legs)
{
	if (a->kind != b->kind || a->chunk != b->chunk || a->leg_count != b->leg_count)
		return false;
	switch (a->kind) {
	case TABLE_ZERO:
	case TABLE_ERROR:
		return true;
	case TABLE_LINEAR:
		return legs_continue(f, a, legs, a->size);
	case TABLE_STRIPED:
		return a->chunk <= UINT64_MAX / a->leg_count &&
		       a->size % (a->chunk * a->leg_count) == 0 &&
		       legs_continue(f, a, legs, a->size / a->leg_count);
	default:
		return false;
	}
}

/* Append a target; its legs are copied. -E2BIG: the budget is used up. */
static int emit(struct flat *f, struct table_target t, const struct table_leg *legs)
{
	struct table_target *last = f->targets.count ? &f->targets.at[f->targets.count - 1] : NULL;
	uint32_t i;

	if (last && continues(f, last, &t, legs)) {
		last->size += t.size;
		return 0;
	}
	if (!f->budget)
		return -E2BIG;
	t.first_leg = f->legs.count;
	for (i = 0; i < t.leg_count; i++)
		if (!vec_push(&f->legs, legs[i]))
			return -ENOMEM;
	if (!vec_push(&f->targets, t))
		return -ENOMEM;
	f->budget--;
	return 0;
}

static int emit_linear(struct flat *f, uint64_t offset, uint64_t size, struct table_leg leg)
{
	struct table_target t = {
		.offset = offset, .size = size, .kind = TABLE_LINEAR, .leg_count = 1
	};

	return emit(f, t, &leg);
}

/* [from, from + size) of a stripe set, to stand at offset. */
static int emit_striped(struct flat *f, uint64_t offset, uint64_t size, uint64_t from,
			const struct table_target *set, const struct table_leg *legs)
{
	struct table_leg rotated[TABLE_MAX_LEGS];
	struct table_target t = {
		.offset = offset, .kind = TABLE_STRIPED, .leg_count = set->leg_count,
		.chunk = set->chunk
	};
	uint64_t piece = from / set->chunk, in = from % set->chunk;
	uint64_t part = min_u64(size, set->chunk - in);
	uint32_t n = set->leg_count, i;
	struct table_leg leg;
	int r;

	if (in || part == size) {
		leg = legs[piece % n];
		leg.offset += piece / n * set->chunk + in;
		r = emit_linear(f, offset, part, leg);
		if (r < 0 || part == size)
			return r;
		t.offset += part;
		size -= part;
		piece++;
	}
	for (i = 0; i < n; i++) {
		rotated[i] = legs[(piece + i) % n];
		rotated[i].offset += (piece + i) / n * set->chunk;
	}
	t.size = size;
	return emit(f, t, rotated);
}

/* The target of a node that holds a byte. */
static const struct table_target *target_at(const struct table_node *n, uint64_t offset)
{
	size_t low = 0, high = n->targets.count - 1, middle;

	while (low < high) {
		middle = low + (high - low + 1) / 2;
		if (n->targets.at[middle].offset <= offset)
			low = middle;
		else
			high = middle - 1;
	}
	return &n->targets.at[low];
}

/* What the linear target at offset becomes, which lies on a flat node. */
static int flatten_linear(struct flat *f, const struct table *t, uint64_t offset, uint64_t size,
			  struct table_leg on)
{
	const struct table_node *n = &t->nodes.at[on.index];
	const struct table_target *s = target_at(n, on.offset);
	struct table_leg leg;
	uint64_t in, part;
	int r = 0;

	for (; size && r == 0; s++, size -= part, offset += part, on.offset += part) {
		in = on.offset - s->offset;
		part = min_u64(size, s->size - in);
		switch (s->kind) {
		case TABLE_LINEAR:
			leg = *table_legs(n, s);
			leg.offset += in;
			r = emit_linear(f, offset, part, leg);
			break;
		case TABLE_STRIPED:
			r = emit_striped(f, offset, part, in, s, table_legs(n, s));
			break;
		case TABLE_ZERO:
		case TABLE_ERROR:
			r = emit(f, (struct table_target){
				.offset = offset, .size = part, .kind = s->kind }, NULL);
			break;
		case TABLE_PLUGIN:
			r = emit_linear(f, offset, part, on);
			break;
		}
	}
	return r;
}

/* Where a leg of a stripe set really lies, if that is one place. */
static void redirect(const struct table *t, struct table_leg *leg, uint64_t length)
{
	const struct table_target *s;
	const struct table_node *n;
	uint64_t in;

	if (!leg->is_node || !length)
		return;
	n = &t->nodes.at[leg->index];
	s = target_at(n, leg->offset);
	in = leg->offset - s->offset;
	if (s->kind != TABLE_LINEAR || length > s->size - in)
		return;
	*leg = *table_legs(n, s);
	leg->offset += in;
}

static int flatten_striped(struct flat *f, const struct table *t, const struct table_target *s,
			   const struct table_leg *legs)
{
	struct table_leg to[TABLE_MAX_LEGS];
	uint32_t i;

	if (s->leg_count == 1 && legs[0].is_node)
		return flatten_linear(f, t, s->offset, s->size, legs[0]);
	if (s->leg_count == 1)
		return emit_linear(f, s->offset, s->size, legs[0]);
	for (i = 0; i < s->leg_count; i++) {
		to[i] = legs[i];
		redirect(t, &to[i], table_stripe_size(s->size, s->chunk, s->leg_count, i));
	}
	return emit(f, *s, to);
}

static int flatten_targets(struct flat *f, const struct table *t, const struct table_node *n)
{
	int r = 0;
	size_t i;

	for (i = 0; i < n->targets.count && r == 0; i++) {
		const struct table_target *s = &n->targets.at[i];
		const struct table_leg *legs = table_legs(n, s);

		if (s->kind == TABLE_LINEAR && legs[0].is_node)
			r = flatten_linear(f, t, s->offset, s->size, legs[0]);
		else if (s->kind == TABLE_STRIPED)
			r = flatten_striped(f, t, s, legs);
		else
			r = emit(f, *s, legs);
	}
	return r;
}

/* 0 also when the node stays as it is because it would become too long. */
static int flatten_node(struct table *t, size_t node)
{
	struct table_node *n = &t->nodes.at[node];
	struct flat f = { 0 };
	int r;

	f.budget = TABLE_MAX_TARGETS -
		   min_u64(TABLE_MAX_TARGETS, t->target_count - n->targets.count);
	r = flatten_targets(&f, t, n);
	if (r < 0) {
		vec_free(&f.targets);
		vec_free(&f.legs);
		return r == -E2BIG ? 0 : r;
	}
	/* Names and arguments of plug-ins' targets went along: those are never merged or cut. */
	t->target_count += f.targets.count - n->targets.count;
	vec_free(&n->targets);
	vec_free(&n->legs);
	memcpy(&n->targets, &f.targets, sizeof(n->targets));
	memcpy(&n->legs, &f.legs, sizeof(n->legs));
	return 0;
}

/* Nodes that the root reaches, each after those that it lies on. Recursion ends at TABLE_MAX_DEPTH.
 */
struct order {
	VEC(size_t) nodes;
	bool *seen;
};

static int order_from(const struct table *t, struct order *o, size_t node)
{
	const struct table_node *n = &t->nodes.at[node];
	size_t i;
	int r;

	o->seen[node] = true;
	for (i = 0; i < n->legs.count; i++) {
		if (!n->legs.at[i].is_node || o->seen[n->legs.at[i].index])
			continue;
		r = order_from(t, o, n->legs.at[i].index);
		if (r < 0)
			return r;
	}
	return vec_push(&o->nodes, node) ? 0 : -ENOMEM;
}

static int order_nodes(const struct table *t, struct order *o)
{
	int r;

	memset(o, 0, sizeof(*o));
	o->seen = calloc(t->nodes.count, sizeof(*o->seen));
	r = o->seen ? order_from(t, o, t->root) : -ENOMEM;
	free(o->seen);
	if (r < 0)
		vec_free(&o->nodes);
	return r;
}

static void free_node(struct table *t, struct table_node *n)
{
	size_t i;

	for (i = 0; i < n->targets.count; i++) {
		free(n->targets.at[i].name);
		free(n->targets.at[i].args);
	}
	t->target_count -= n->targets.count;
	vec_free(&n->targets);
	vec_free(&n->legs);
}

/* Number what is used afresh, in order, and forget the rest. */
static int drop_unused(struct table *t, const struct order *o)
{
	uint32_t *node = malloc((t->nodes.count + 1) * sizeof(*node));
	uint32_t *device = calloc(t->devices.count + 1, sizeof(*device));
	struct table_node *nodes = malloc(o->nodes.count * sizeof(*nodes));
	size_t i, j, devices = 0;

	if (!node || !device || !nodes) {
		free(node);
		free(device);
		free(nodes);
		return -ENOMEM;
	}
	memset(node, 0xff, (t->nodes.count + 1) * sizeof(*node));
	for (i = 0; i < o->nodes.count; i++) {
		node[o->nodes.at[i]] = (uint32_t)i;
		nodes[i] = t->nodes.at[o->nodes.at[i]];
		for (j = 0; j < nodes[i].legs.count; j++)
			if (!nodes[i].legs.at[j].is_node)
				device[nodes[i].legs.at[j].index] = 1;
	}
	for (i = 0; i < t->nodes.count; i++)
		if (node[i] == UINT32_MAX)
			free_node(t, &t->nodes.at[i]);
	for (i = 0; i < t->devices.count; i++) {
		if (!device[i]) {
			free(t->devices.at[i].path);
			continue;
		}
		device[i] = (uint32_t)devices;
		t->devices.at[devices++] = t->devices.at[i];
	}
	t->devices.count = devices;
	for (i = 0; i < o->nodes.count; i++) {
		for (j = 0; j < nodes[i].legs.count; j++) {
			struct table_leg *leg = &nodes[i].legs.at[j];

			leg->index = leg->is_node ? node[leg->index] : device[leg->index];
		}
	}
	t->root = node[t->root];
	memcpy(t->nodes.at, nodes, o->nodes.count * sizeof(*nodes));
	t->nodes.count = o->nodes.count;
	free(node);
	free(device);
	free(nodes);
	return 0;
}

/* A root that is another node, whole: that node is the root. */
static void lower_root(struct table *t)
{
	const struct table_node *n = &t->nodes.at[t->root];
	const struct table_leg *leg;

	while (n->targets.count == 1 && n->targets.at[0].kind == TABLE_LINEAR) {
		leg = table_legs(n, &n->targets.at[0]);
		if (!leg->is_node || leg->offset || t->nodes.at[leg->index].size != n->size ||
		    t->nodes.at[leg->index].block_size != n->block_size)
			return;
		t->root = leg->index;
		n = &t->nodes.at[t->root];
	}
}

int table_flatten(struct table *t)
{
	struct order o;
	size_t i;
	int r;

	r = order_nodes(t, &o);
	if (r < 0)
		return r;
	for (i = 0; i < o.nodes.count && r == 0; i++)
		r = flatten_node(t, o.nodes.at[i]);
	vec_free(&o.nodes);
	if (r < 0)
		return r;
	lower_root(t);
	r = order_nodes(t, &o);
	if (r < 0)
		return r;
	r = drop_unused(t, &o);
	vec_free(&o.nodes);
	return r;
}
