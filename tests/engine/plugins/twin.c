/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One of two plug-ins that take the same disks for theirs: TWIN is "a" or "b". */
#include <evms/plugin.h>

static const struct evms_magic magics[] = { { .bytes = "TWINTWIN", .len = 8 } };

static int twin_claim(struct evms_object *in)
{
	struct evms_object *out;
	int r = evms_produce(in, "twin-" TWIN, evms_get_size(in), &out);

	return r < 0 ? r : evms_map(out, 0, in, 0, evms_get_size(in));
}

static const struct evms_setup setup = { EVMS_SETUP, .claim = twin_claim };

EVMS_PLUGIN(
	.id = UINT64_C(0x7477696e00000000) + TWIN[0],
	.name = "twin-" TWIN,
	.version = "1.0",
	.summary = "one of two that claim the same",
	.role = EVMS_ROLE_FEATURE,
	.priority = 20,
	.setup = &setup,
	EVMS_MAGICS(magics),
);
