/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* XFS: what the plug-in offers, and describing what is on a volume. */
#include <stdio.h>
#include "xfs.h"

/* The tool that changes a label takes a line of commands, in which blanks and quotes have a meaning. */
static const char *xfs_fit_label(char *label)
{
	return strpbrk(label, " \"'\\") ? "a label of XFS must not have blanks, quotes or backslashes" :
	       NULL;
}

const struct fs_kind fs_kind = {
	.name = "xfs", .package = "xfsprogs", .label_max = 12, .fit_label = xfs_fit_label,
	.no_shrink = "XFS cannot be made smaller: make a new one and copy the files",
};

static const struct evms_magic xfs_magics[] = {
	{ .bytes = "XFSB", .len = 4, .offset = 0 },
};

#define MKFS	EVMS_OP_BIT(EVMS_OP_MKFS)

static const struct evms_option xfs_options[] = {
	{ .name = "label", .type = EVMS_TYPE_STR, .ops = MKFS, .max = 12,
	  .help = "label of the file system" },
	{ .name = "uuid", .type = EVMS_TYPE_STR, .ops = MKFS, .max = 36,
	  .help = "uuid of the file system, random when it is not given" },
	{ .name = "block-size", .type = EVMS_TYPE_SIZE, .fallback = "4096", .ops = MKFS, .min = 1024,
	  .max = 65536, .help = "bytes of a block" },
	{ .name = "repair", .type = EVMS_TYPE_BOOL, .fallback = "no",
	  .ops = EVMS_OP_BIT(EVMS_OP_CHECK), .help = "mend what is wrong" },
	{ .name = "name", .type = EVMS_TYPE_STR, .flags = EVMS_OPTION_REQUIRED, .max = 12,
	  .ops = EVMS_OP_BIT(EVMS_OP_RENAME), .help = "new label, empty for none" },
	{ .name = "size", .type = EVMS_TYPE_SIZE, .flags = EVMS_OPTION_REQUIRED | EVMS_OPTION_PERCENT,
	  .ops = EVMS_OP_BIT(EVMS_OP_EXPAND) | EVMS_OP_BIT(EVMS_OP_SHRINK), .help = "new size" },
	{ .name = NULL }
};

static int xfs_probe(struct evms_object *volume)
{
	struct xfs x;

	return xfs_read(volume, &x);
}

static int xfs_claim(struct evms_object *volume)
{
	struct xfs x;
	struct fs fs = { .type = "xfs", .used = UINT64_MAX };
	int r = xfs_read(volume, &x);

	if (r < 0)
		return r;
	if (r == EVMS_NOT_MINE)
		return evms_fail(volume, EBADMSG, "xfs.superblock", "the superblock is gone");
	memcpy(fs.label, x.label, sizeof(fs.label));
	memcpy(fs.uuid, x.uuid, sizeof(fs.uuid));
	fs.step = x.block_size;
	if (r == EVMS_DAMAGED) {
		fs_damaged(volume, &fs, "superblock", x.wrong);
		return fs_publish(volume, &fs);
	}
	fs.size = x.blocks * x.block_size;
	fs.used = (x.blocks - x.free_blocks) * x.block_size;
	fs.min_size = fs.size;
	fs.max_size = FS_SIZE_MAX - FS_SIZE_MAX % x.block_size;
	if (x.external_log)
		fs.refusal = "its log is on another device: use the tools of XFS";
	else if (x.needs_repair)
		fs_damaged(volume, &fs, "errors", "the file system is marked as needing repair: check it "
			   "with repair=yes");
	fs_check_fits(volume, &fs);
	return fs_publish(volume, &fs);
}

static const struct evms_setup xfs_setup = {
	EVMS_SETUP,
	.probe = xfs_probe,
	.claim = xfs_claim,
	.release = fs_release,
	.acceptable = fs_acceptable,
	.get_limits = fs_get_limits,
	.expand = xfs_expand,
	.shrink = fs_resize,
	.rename = fs_rename,
	.mkfs = xfs_mkfs,
	.check = fs_check,
	.unmkfs = fs_unmkfs,
	.execute = xfs_execute,
};

EVMS_PLUGIN(
	.name = "xfs",
	.id = UINT64_C(0x6673786673000001),
	.version = "1.0",
	.summary = "XFS file systems",
	.role = EVMS_ROLE_FILE_SYSTEM,
	.setup = &xfs_setup,
	EVMS_MAGICS(xfs_magics),
	EVMS_OPTIONS(xfs_options),
	.head_window = 4096,
);
