/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A group emulator that breaks its contract in the way that the disk asks for. */
#include "misfit.h"

static const struct evms_magic magics[] = { { .bytes = "MISFIT-G ", .len = MISFIT_MAGIC } };

static int region(struct evms_object *group, const char *name, uint64_t offset, uint64_t size,
		  struct evms_object *in, uint64_t mapped)
{
	struct evms_object *out;
	int r = evms_produce(group, name, size, &out);

	if (r == 0)
		r = evms_allocate(group, offset, size, out);
	return r < 0 ? r : evms_map(out, 0, in, offset, mapped);
}

static int group_claim(struct evms_object *in)
{
	struct evms_object *group;
	uint64_t size = evms_get_size(in);
	char how[64];
	int r;

	misfit_behaviour(in, how);
	r = evms_produce(in, "misfits", size, &group);
	if (r == 0)
		r = region(group, "first", MIB, MIB, in, MIB);
	if (r == 0 && misfit_is(how, "overlap"))
		return region(group, "second", MIB + 512, MIB, in, MIB);
	if (r == 0 && misfit_is(how, "outside"))
		return region(group, "second", size - 512, MIB, in, MIB);
	if (r == 0 && misfit_is(how, "wraps"))
		return evms_allocate(group, UINT64_MAX - 511, 1024, group);
	if (r == 0 && misfit_is(how, "short-map"))
		return region(group, "second", 4 * MIB, MIB, in, MIB / 2);
	if (r == 0 && misfit_is(how, "itself")) {
		struct evms_object *out;

		r = evms_produce(group, "second", MIB, &out);
		return r < 0 ? r : evms_consume(group, out);
	}
	if (r == 0 && misfit_is(how, "releases")) {
		evms_release_space(group, MIB, MIB);
		evms_set_size(group, 512);
		evms_release_space(group, 0, UINT64_MAX);
	}
	if (r == 0 && misfit_is(how, "fails-late"))
		return evms_fail(in, EBADMSG, "misfit-group.late", "it is bad after all");
	return r;
}

static const struct evms_setup setup = { EVMS_SETUP, .claim = group_claim };

EVMS_PLUGIN(
	.id = UINT64_C(0x6d69736669740003),
	.name = "misfit-group",
	.version = "1.0",
	.summary = "a group emulator that misbehaves",
	.role = EVMS_ROLE_GROUP_EMULATOR,
	.priority = 10,
	.setup = &setup,
	EVMS_MAGICS(magics),
);
