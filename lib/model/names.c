/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The name table: each name is unique among the objects of its kind. */
#include <errno.h>
#include "model/model.h"
#include "util/crc.h"

static struct evms_object **slot_of(const struct name_table *t, uint64_t hash)
{
	return &t->slots[(size_t)hash & (t->slot_count - 1)];
}

struct evms_object *names_find(const struct name_table *t, uint32_t kind, const char *name)
{
	uint64_t hash = hash64(kind, name, strlen(name));
	struct evms_object *o;

	if (!t->slot_count)
		return NULL;
	for (o = *slot_of(t, hash); o; o = o->next_name)
		if (o->name_hash == hash && o->kind == kind && !strcmp(o->name, name))
			return o;
	return NULL;
}

static void names_put(struct name_table *t, struct evms_object *o)
{
	struct evms_object **slot = slot_of(t, o->name_hash);

	o->next_name = *slot;
	*slot = o;
}

static int names_grow(struct name_table *t)
{
	struct name_table old = *t;
	struct evms_object *o, *next;
	size_t i;

	t->slot_count = old.slot_count ? old.slot_count * 4 : 64;
	t->slots = calloc(t->slot_count, sizeof(struct evms_object *));
	if (!t->slots) {
		*t = old;
		return -ENOMEM;
	}
	for (i = 0; i < old.slot_count; i++) {
		for (o = old.slots[i]; o; o = next) {
			next = o->next_name;
			names_put(t, o);
		}
	}
	free(old.slots);
	return 0;
}

int names_add(struct name_table *t, struct evms_object *o)
{
	if (t->count >= t->slot_count && names_grow(t) < 0)
		return -ENOMEM;
	o->name_hash = hash64(o->kind, o->name, strlen(o->name));
	names_put(t, o);
	t->count++;
	return 0;
}

void names_remove(struct name_table *t, struct evms_object *o)
{
	struct evms_object **at;

	if (!t->slot_count)
		return;
	for (at = slot_of(t, o->name_hash); *at; at = &(*at)->next_name) {
		if (*at == o) {
			*at = o->next_name;
			o->next_name = NULL;
			t->count--;
			return;
		}
	}
}

void names_clear(struct name_table *t)
{
	if (t->count)
		memset(t->slots, 0, t->slot_count * sizeof(*t->slots));
	t->count = 0;
}
