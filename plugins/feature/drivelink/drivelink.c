/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* drivelink: objects of any kind, one behind the other, as one object. README.md has the format. */
#include "link.h"

static const struct evms_magic link_magics[] = {
	{ .bytes = "EVMSLINK", .len = 8, .offset = 0 },
	{ .bytes = "EVMSLINK", .len = 8, .offset = -(int64_t)LINK_AREA, .align = LINK_AREA },
};

static const struct evms_setup link_setup = {
	EVMS_SETUP,
	.probe = link_probe,
	.claim = link_claim,
	.assemble = link_assemble,
	.release = link_release,
	.acceptable = link_acceptable,
	.get_limits = link_get_limits,
	.create = link_create,
	.remove = link_remove,
	.expand = link_expand,
	.shrink = link_shrink,
	.rename = link_rename,
	.repair = link_repair,
	.write = link_write,
};

EVMS_PLUGIN(
	.id = UINT64_C(0x45564d534c494e4b),
	.name = "drivelink",
	.version = "1.0",
	.summary = "drive links: objects of any kind joined end to end",
	.role = EVMS_ROLE_FEATURE,
	.setup = &link_setup,
	EVMS_MAGICS(link_magics),
	EVMS_OPTIONS(link_options),
	.head_window = 4096,
	.order = {
		.classes = EVMS_FEATURE_AGGREGATE,
		.preferred = EVMS_FEATURE_AGGREGATE,
		.weight = 95,
	},
);
