/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Maps: where the bytes of an object lie in its inputs. */
#include <errno.h>
#include "model/model.h"
#include "util/check.h"
#include "util/text.h"

/* Maps that go deeper cannot be read while planning (io.c). */
#define DEPTH_MAX	64

const char target_linear[] = "linear";
const char target_striped[] = "striped";
const char target_zero[] = "zero";
const char target_error[] = "error";

static const char *core_target(const char *name)
{
	static const char *const core[] = { target_linear, target_striped, target_zero, target_error };
	size_t i;

	for (i = 0; i < sizeof(core) / sizeof(core[0]); i++)
		if (!strcmp(name, core[i]))
			return core[i];
	return NULL;
}

static void target_free(struct map_target *t)
{
	if (!core_target(t->target))
		free(t->target);
	free(t->args);
	if (t->n > 1)
		free(t->many);
}

void map_clear(struct evms_object *o)
{
	size_t i;
	uint32_t k;

	for (i = 0; i < o->map.count; i++) {
		for (k = 0; k < o->map.at[i].n; k++)
			map_legs(&o->map.at[i])[k].input->mapped--;
		target_free(&o->map.at[i]);
	}
	vec_free(&o->map);
}

/* How much of leg i the stretch uses, counted from the leg's offset. */
static uint64_t leg_size(const char *target, uint64_t size, uint64_t chunk, uint32_t n, uint32_t i)
{
	uint64_t full, rest;

	if (target != target_striped)
		return size;
	full = size / chunk;
	rest = size % chunk;
	/* Chunks full+0, +1, ... go round; the one that is cut short falls on leg full % n. */
	return (full / n + (i < full % n)) * chunk + (i == full % n ? rest : 0);
}

static int check_target(const struct evms_object *o, uint64_t offset, uint64_t size, const char *target,
			uint64_t chunk, uint32_t n, struct evms_object *const *inputs,
			const uint64_t *offsets)
{
	uint64_t end = o->map.count ? o->map.at[o->map.count - 1].offset +
				      o->map.at[o->map.count - 1].size : 0;
	uint32_t i;

	if (!size || offset != end || !range_fits(offset, size, o->size))
		return object_fail(o, EPROTO, "map.tiling", "a stretch of the map does not follow the one "
				   "before it, or leaves the object");
	if (target == target_linear ? n != 1 : target == target_striped ? n < 1 || !chunk :
	    target ? n != 0 : n > 4096)
		return object_fail(o, EPROTO, "map.target", "a %s target cannot have %u inputs",
				   target ? target : "plug-in's", n);
	for (i = 0; i < n; i++) {
		if (!inputs[i] || inputs[i] == o || inputs[i]->model != o->model)
			return object_fail(o, EPROTO, "map.input", "the map names an input that is not "
					   "one");
		if (target && !range_fits(offsets[i], leg_size(target, size, chunk, n, i),
					  inputs[i]->size))
			return object_fail(o, EPROTO, "map.range", "the map leaves %s", inputs[i]->name);
	}
	return 0;
}

int map_add(struct evms_object *o, uint64_t offset, uint64_t size, const char *target, uint64_t chunk,
	    const char *args, uint32_t n, struct evms_object *const *inputs, const uint64_t *offsets)
{
	struct map_target t = { .offset = offset, .size = size, .chunk = chunk, .n = n };
	const char *core = core_target(target);
	uint32_t i;
	int r = check_target(o, offset, size, core, chunk, n, inputs, offsets);

	if (r < 0)
		return r;
	t.target = core ? (char *)(uintptr_t)core : strdup(target);
	t.args = args ? strdup(args) : NULL;
	if (n > 1)
		t.many = calloc(n, sizeof(*t.many));
	if (!t.target || (args && !t.args) || (n > 1 && !t.many))
		goto fail;
	for (i = 0; i < n; i++) {
		struct map_leg *leg = n > 1 ? &t.many[i] : &t.one;

		leg->input = inputs[i];
		leg->offset = offsets[i];
	}
	if (!vec_push(&o->map, t))
		goto fail;
	for (i = 0; i < n; i++)
		inputs[i]->mapped++;
	return 0;
fail:
	if (t.target)
		target_free(&t);
	return object_fail(o, ENOMEM, "memory", "out of memory");
}

/* Is it one of what the object, or the group it is of, is made of? Such maps cannot go round. */
static bool lies_beneath(const struct evms_object *in, const struct evms_object *o)
{
	return in == o->parent || in->volume == o || (in->consumer && (in->consumer == o ||
								       in->consumer == o->parent));
}

static bool is_sibling(const struct evms_object *in, const struct evms_object *o)
{
	return in->kind == EVMS_KIND_REGION && in->parent == o->parent;
}

/* Does a map, from region to region of one group, lead to the given one? So does one that is too deep. */
static bool leads_to(struct evms_object *o, const struct evms_object *to, uint64_t walk, unsigned depth)
{
	size_t i;
	uint32_t k;

	if (o == to || depth > DEPTH_MAX)
		return true;
	if (!object_visit(o, walk))
		return false;
	for (i = 0; i < o->map.count; i++) {
		for (k = 0; k < o->map.at[i].n; k++) {
			struct evms_object *in = map_legs(&o->map.at[i])[k].input;

			if (is_sibling(in, o) && leads_to(in, to, walk, depth + 1))
				return true;
		}
	}
	return false;
}

static int check_input(const struct evms_object *o, struct evms_object *in, uint64_t walk)
{
	if (lies_beneath(in, o) || (is_sibling(in, o) && !leads_to(in, o, walk, 0)))
		return 0;
	return object_fail(o, EPROTO, "map.input", "the map leads to %s, which it is not made of", in->name);
}

int map_check(const struct evms_object *o)
{
	const struct map_target *last;
	size_t i;
	uint32_t k;
	int r = 0;

	if (!o->map.count)
		return 0;
	o->model->visits++;
	for (i = 0; i < o->map.count && r == 0; i++)
		for (k = 0; k < o->map.at[i].n && r == 0; k++)
			r = check_input(o, map_legs(&o->map.at[i])[k].input, o->model->visits);
	if (r < 0)
		return r;
	last = &o->map.at[o->map.count - 1];
	if (last->offset + last->size != o->size)
		return object_fail(o, EPROTO, "map.tiling", "the map covers %llu of %llu bytes",
				   (unsigned long long)(last->offset + last->size),
				   (unsigned long long)o->size);
	return 0;
}

bool map_equal(const struct evms_object *a, const struct evms_object *b)
{
	size_t i;
	uint32_t k;

	if (a->map.count != b->map.count)
		return false;
	for (i = 0; i < a->map.count; i++) {
		const struct map_target *x = &a->map.at[i], *y = &b->map.at[i];

		if (x->offset != y->offset || x->size != y->size || x->chunk != y->chunk || x->n != y->n ||
		    strcmp(x->target, y->target) || strcmp(or_empty(x->args), or_empty(y->args)))
			return false;
		for (k = 0; k < x->n; k++)
			if (map_legs(x)[k].offset != map_legs(y)[k].offset ||
			    strcmp(map_legs(x)[k].input->name, map_legs(y)[k].input->name))
				return false;
	}
	return true;
}
