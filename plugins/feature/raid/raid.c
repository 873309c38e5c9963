/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* raid: arrays of Linux MD. Opens linear and raid0, describes all others. README.md tells more. */
#include "raid.h"

static const struct evms_magic raid_magics[] = {
	{ .bytes = "\xfc\x4e\x2b\xa9", .len = 4, .offset = 0 },				/* 1.1 */
	{ .bytes = "\xfc\x4e\x2b\xa9", .len = 4, .offset = 4096 },			/* 1.2 */
	{ .bytes = "\xfc\x4e\x2b\xa9", .len = 4, .offset = -8192, .align = 4096 },	/* 1.0 */
	{ .bytes = "\xfc\x4e\x2b\xa9", .len = 4, .offset = -65536, .align = 65536 },	/* 0.90 */
	/* 0.90 of a big-endian machine */
	{ .bytes = "\xa9\x2b\x4e\xfc", .len = 4, .offset = -65536, .align = 65536 },
};

static const struct evms_setup raid_setup = {
	EVMS_SETUP,
	.probe = raid_probe,
	.claim = raid_claim,
	.assemble = raid_assemble,
	.release = raid_release,
	.acceptable = raid_acceptable,
	.create = raid_create,
	.remove = raid_remove,
	.rename = raid_rename,
	.write = raid_write,
};

EVMS_PLUGIN(
	.id = UINT64_C(0x45564d5352414944),
	.name = "raid",
	.version = "1.0",
	.summary = "Linux MD arrays: linear and raid0; other levels are described",
	.role = EVMS_ROLE_FEATURE,
	/* a superblock at the end leaves what is inside the array visible on its members */
	.priority = 150,
	.setup = &raid_setup,
	EVMS_MAGICS(raid_magics),
	EVMS_OPTIONS(raid_options),
	.head_window = 8192,
	.tail_window = 12288,
	.order = {
		.classes = EVMS_FEATURE_AGGREGATE,
		.preferred = EVMS_FEATURE_AGGREGATE,
		.weight = 50,
	},
);
