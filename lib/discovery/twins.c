/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Serials are unique in the system; two equal ones mean that a disk was cloned. Both stay usable. */
#include <errno.h>
#include <strings.h>
#include "discovery/discovery.h"

static const char *serial_of(const struct evms_object *o)
{
	return o->serial ? o->serial : o->uuid;
}

struct serial {
	uint64_t hash;			/* without regard to case */
	struct evms_object *object;
};

static uint64_t hash_serial(const char *s)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *s; s++)
		h = (h ^ (uint8_t)(*s | 0x20)) * 0x100000001b3u;
	return h;
}

static int compare_serials(const void *a, const void *b)
{
	const struct serial *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->object->index < y->object->index ? -1 : 1;
}

static int note_pair(struct model *m, struct evms_object *a, struct evms_object *b)
{
	int r = object_note(a, 0, "serial.twice", "its serial %s is also that of %s %s: one is a clone; give it a "
			    "new serial", serial_of(a), kind_name(b->kind), b->name);

	if (r == 0)
		r = object_note(b, 0, "serial.twice", "its serial %s is also that of %s %s: one is a clone; give it "
				"a new serial", serial_of(b), kind_name(a->kind), a->name);
	context_message(m->ctx, EVMS_SEVERITY_WARNING, "%s %s and %s %s have the same serial %s",
			kind_name(a->kind), a->name, kind_name(b->kind), b->name, serial_of(a));
	return r;
}

int note_twins(struct model *m)
{
	VEC(struct serial) all = { 0 };
	size_t i;
	int r = 0;

	for (i = 0; i < m->objects.count && r == 0; i++) {
		struct evms_object *o = m->objects.at[i];

		if (o && serial_of(o) && o->kind & (EVMS_KIND_DISK | EVMS_KIND_PARTITION | EVMS_KIND_GROUP |
						    EVMS_KIND_REGION | EVMS_KIND_FEATURE) &&
		    !vec_push(&all, ((struct serial){ hash_serial(serial_of(o)), o })))
			r = -ENOMEM;
	}
	if (r == 0 && all.count)
		qsort(all.at, all.count, sizeof(*all.at), compare_serials);
	for (i = 1; i < all.count && r == 0; i++)
		if (all.at[i - 1].hash == all.at[i].hash &&
		    !strcasecmp(serial_of(all.at[i - 1].object), serial_of(all.at[i].object)))
			r = note_pair(m, all.at[i - 1].object, all.at[i].object);
	vec_free(&all);
	return r;
}
