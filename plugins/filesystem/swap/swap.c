/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Linux swap space: what the plug-in offers, and describing what is on a volume. */
#include <stdio.h>
#include "swap.h"

const struct fs_kind fs_kind = { .name = "swap", .package = "util-linux", .label_max = 15 };

/* One signature at the end of the first page, whatever the size of pages. */
#define MAGIC(text, length) \
	{ .bytes = (text), .len = (length), .offset = 4096 - 10 }, \
	{ .bytes = (text), .len = (length), .offset = 8192 - 10 }, \
	{ .bytes = (text), .len = (length), .offset = 16384 - 10 }, \
	{ .bytes = (text), .len = (length), .offset = 32768 - 10 }, \
	{ .bytes = (text), .len = (length), .offset = 65536 - 10 }

static const struct evms_magic swap_magics[] = {
	MAGIC("SWAPSPACE2", 10),
	MAGIC("SWAP-SPACE", 10),
	MAGIC("S1SUSPEND", 9),
	MAGIC("S2SUSPEND", 9),
	MAGIC("ULSUSPEND", 9),
	MAGIC("LINHIB0001", 10),
};

#define MKFS	EVMS_OP_BIT(EVMS_OP_MKFS)

static const struct evms_option swap_options[] = {
	{ .name = "label", .type = EVMS_TYPE_STR, .ops = MKFS, .max = 15,
	  .help = "label of the swap space" },
	{ .name = "uuid", .type = EVMS_TYPE_STR, .ops = MKFS, .max = 36,
	  .help = "uuid of the swap space, random when it is not given" },
	{ .name = "name", .type = EVMS_TYPE_STR, .flags = EVMS_OPTION_REQUIRED, .max = 15,
	  .ops = EVMS_OP_BIT(EVMS_OP_RENAME), .help = "new label, empty for none" },
	{ .name = "size", .type = EVMS_TYPE_SIZE, .flags = EVMS_OPTION_REQUIRED | EVMS_OPTION_PERCENT,
	  .ops = EVMS_OP_BIT(EVMS_OP_EXPAND) | EVMS_OP_BIT(EVMS_OP_SHRINK), .help = "new size" },
	{ .name = NULL }
};

static int swap_probe(struct evms_object *volume)
{
	struct swap s;

	return swap_read(volume, &s);
}

static int swap_claim(struct evms_object *volume)
{
	struct swap s;
	struct fs fs = { .type = "swap", .used = UINT64_MAX };
	int r = swap_read(volume, &s);

	if (r < 0)
		return r;
	if (r == EVMS_NOT_MINE)
		return evms_fail(volume, EBADMSG, "swap.header", "the header is gone");
	memcpy(fs.label, s.label, sizeof(fs.label));
	memcpy(fs.uuid, s.uuid, sizeof(fs.uuid));
	fs.step = s.page_size;
	if (r == EVMS_DAMAGED) {
		fs_damaged(volume, &fs, "header", s.wrong);
		fs.refusal = "the header is damaged: make the swap space again";
		fs.check_anyway = false;
		return fs_publish(volume, &fs);
	}
	fs.size = s.pages * s.page_size;
	fs.min_size = s.hibernated || s.foreign ? fs.size : (uint64_t)10 * s.page_size;
	fs.max_size = s.hibernated || s.foreign ? fs.size : ((uint64_t)UINT32_MAX + 1) * s.page_size;
	if (s.hibernated) {
		snprintf(fs.type, sizeof(fs.type), "swsuspend");
		fs.keep = true;
		fs.refusal = "it holds the memory of a system that sleeps: wake that system up and shut it "
			     "down; or remove the file system, which loses what it had open";
		evms_note(volume, 0, "swap.hibernated", "%s", fs.refusal);
	} else if (s.foreign) {
		fs.refusal = "it was made for another kind of machine, or by a very old mkswap: make the "
			     "swap space again";
	}
	fs_check_fits(volume, &fs);
	return fs_publish(volume, &fs);
}

static const struct evms_setup swap_setup = {
	EVMS_SETUP,
	.probe = swap_probe,
	.claim = swap_claim,
	.release = fs_release,
	.acceptable = fs_acceptable,
	.get_limits = fs_get_limits,
	.expand = fs_resize,
	.shrink = fs_resize,
	.rename = fs_rename,
	.mkfs = swap_mkfs,
	.unmkfs = fs_unmkfs,
	.execute = swap_execute,
};

EVMS_PLUGIN(
	.name = "swap",
	.id = UINT64_C(0x6673737761700001),
	.version = "1.0",
	.summary = "Linux swap space",
	.role = EVMS_ROLE_FILE_SYSTEM,
	.setup = &swap_setup,
	EVMS_MAGICS(swap_magics),
	EVMS_OPTIONS(swap_options),
	.head_window = 4096,
);
