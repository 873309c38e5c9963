/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the model to a runtime table: the maps beneath an object, and the devices beneath those. */
#include <errno.h>
#include "model/model.h"
#include "runtime/table.h"

#define DEPTH_MAX	30

struct compiled {
	struct evms_object *object;
	struct table_leg leg;		/* offset 0 */
};

struct compiler {
	struct table *table;
	VEC(struct compiled) done;
};

static int compile_object(struct compiler *c, struct evms_object *o, struct table_leg *out, unsigned depth);

static int compile_disk(struct compiler *c, struct evms_object *o)
{
	const struct device_identity *id = device_identity(o->disk->device);
	struct table_identity identity = { (uint64_t)id->dev, (uint64_t)id->ino, id->diskseq };

	return table_add_device(c->table, device_path(o->disk->device), id->size, o->block_size,
				device_facts(o->disk->device)->read_only != 0, &identity);
}

static int compile_target(struct compiler *c, uint32_t node, const struct map_target *t, unsigned depth)
{
	struct table_leg *legs = calloc(t->n ? t->n : 1, sizeof(*legs));
	uint32_t i;
	int r = legs ? 0 : -ENOMEM;

	for (i = 0; i < t->n && r == 0; i++) {
		r = compile_object(c, map_legs(t)[i].input, &legs[i], depth);
		legs[i].offset = map_legs(t)[i].offset;
	}
	if (r == 0)
		r = table_add_target(c->table, node, t->offset, t->size, t->target, t->chunk, t->args, t->n,
				     legs);
	free(legs);
	return r;
}

static int compile_object(struct compiler *c, struct evms_object *o, struct table_leg *out, unsigned depth)
{
	struct compiled new = { o, { .is_node = !o->disk } };
	size_t i;
	int r;

	for (i = 0; i < c->done.count; i++) {
		if (c->done.at[i].object == o) {
			*out = c->done.at[i].leg;
			return 0;
		}
	}
	if (depth > DEPTH_MAX)
		return -ELOOP;
	if (!o->disk && !o->map.count)
		return -ENOTSUP;
	r = o->disk ? compile_disk(c, o) : table_add_node(c->table, o->size, o->block_size);
	if (r < 0)
		return r;
	new.leg.index = (uint32_t)r;
	*out = new.leg;
	if (!vec_push(&c->done, new))
		return -ENOMEM;
	for (i = 0, r = 0; i < o->map.count && r == 0; i++)
		r = compile_target(c, new.leg.index, &o->map.at[i], depth + 1);
	return r;
}

/* The root is a node, also when the object is a whole disk. */
static int compile_root(struct compiler *c, struct evms_object *o)
{
	struct table_leg leg = { .is_node = false };
	int r = compile_object(c, o, &leg, 0), node;

	if (r < 0 || leg.is_node) {
		if (r == 0)
			table_set_root(c->table, leg.index);
		return r;
	}
	node = table_add_node(c->table, o->size, o->block_size);
	if (node < 0)
		return node;
	r = table_add_target(c->table, (uint32_t)node, 0, o->size, target_linear, 0, NULL, 1, &leg);
	table_set_root(c->table, (uint32_t)node);
	return r;
}

int object_compile(struct evms_object *o, struct table **out)
{
	struct compiler c = { .table = table_new() };
	char why[256] = "";
	int r = c.table ? compile_root(&c, o) : -ENOMEM;

	if (r == 0 && o->state & EVMS_STATE_READ_ONLY)
		table_set_read_only(c.table);
	if (r == 0)
		r = table_check(c.table, why, sizeof(why));
	vec_free(&c.done);
	if (r == 0) {
		*out = c.table;
		return 0;
	}
	table_free(c.table);
	if (r == -ENOTSUP)
		return object_fail(o, ENOTSUP, "object.closed", "it holds no data that can be opened%s%s",
				   o->notes.count ? ": " : "", o->notes.count ? o->notes.at[0].text : "");
	return object_fail(o, -r, "object.table", "no runtime table can be made of it: %s",
			   why[0] ? why : strerror(-r));
}
