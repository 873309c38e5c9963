/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ext2, ext3 and ext4: what the plug-in offers, and describing what is on a volume. */
#include <stdio.h>
#include "ext.h"

const struct fs_kind fs_kind = { .name = "ext", .package = "e2fsprogs", .label_max = 16 };

static const struct evms_magic ext_magics[] = {
	{ .bytes = "\x53\xef", .len = 2, .offset = 1080 },
};

#define MKFS	EVMS_OP_BIT(EVMS_OP_MKFS)

static const struct evms_option ext_options[] = {
	{ .name = "type", .type = EVMS_TYPE_CHOICE, .fallback = "ext4", .choices = "ext2|ext3|ext4",
	  .ops = MKFS, .help = "which of the family" },
	{ .name = "label", .type = EVMS_TYPE_STR, .ops = MKFS, .max = 16,
	  .help = "label of the file system" },
	{ .name = "uuid", .type = EVMS_TYPE_STR, .ops = MKFS, .max = 36,
	  .help = "uuid of the file system, random when it is not given" },
	{ .name = "block-size", .type = EVMS_TYPE_SIZE, .ops = MKFS, .min = 1024, .max = 65536,
	  .help = "bytes of a block, 4096 unless the volume is very small" },
	{ .name = "inode-size", .type = EVMS_TYPE_SIZE, .ops = MKFS, .min = 128, .max = 65536,
	  .help = "bytes of an inode" },
	{ .name = "bytes-per-inode", .type = EVMS_TYPE_SIZE, .ops = MKFS, .min = 1024,
	  .max = 64 << 20, .help = "make one inode for this much space" },
	{ .name = "reserved-percent", .type = EVMS_TYPE_U64, .fallback = "5", .ops = MKFS, .max = 50,
	  .help = "percentage of blocks kept for the superuser" },
	{ .name = "repair", .type = EVMS_TYPE_CHOICE, .fallback = "no", .choices = "no|yes|all",
	  .ops = EVMS_OP_BIT(EVMS_OP_CHECK),
	  .help = "mend what is safe to mend (yes), or everything, whatever is lost (all)" },
	{ .name = "name", .type = EVMS_TYPE_STR, .flags = EVMS_OPTION_REQUIRED, .max = 16,
	  .ops = EVMS_OP_BIT(EVMS_OP_RENAME), .help = "new label, empty for none" },
	{ .name = "size", .type = EVMS_TYPE_SIZE, .flags = EVMS_OPTION_REQUIRED | EVMS_OPTION_PERCENT,
	  .ops = EVMS_OP_BIT(EVMS_OP_EXPAND) | EVMS_OP_BIT(EVMS_OP_SHRINK), .help = "new size" },
	{ .name = NULL }
};

static int ext_probe(struct evms_object *volume)
{
	struct ext e;

	return ext_read(volume, &e);
}

static int ext_claim(struct evms_object *volume)
{
	struct ext e;
	struct fs fs = { .used = UINT64_MAX };
	int r = ext_read(volume, &e);

	if (r < 0)
		return r;
	if (r == EVMS_NOT_MINE)
		return evms_fail(volume, EBADMSG, "ext.superblock", "the superblock is gone");
	snprintf(fs.type, sizeof(fs.type), "%s", e.type);
	memcpy(fs.label, e.label, sizeof(fs.label));
	memcpy(fs.uuid, e.uuid, sizeof(fs.uuid));
	fs.step = e.block_size;
	if (r == EVMS_DAMAGED) {
		fs_damaged(volume, &fs, "superblock", e.wrong);
		return fs_publish(volume, &fs);
	}
	fs.size = e.blocks * e.block_size;
	fs.used = (e.blocks - e.free_blocks) * e.block_size;
	fs.min_size = e.min_blocks * e.block_size;
	fs.max_size = e.max_blocks * e.block_size;
	if (!strcmp(e.type, "jbd"))
		fs.refusal = "this is the journal of a file system on another volume";
	else if (e.has_errors)
		fs_damaged(volume, &fs, "errors", "the file system is marked as having errors: check it "
			   "with repair=yes");
	fs_check_fits(volume, &fs);
	return fs_publish(volume, &fs);
}

static const struct evms_setup ext_setup = {
	EVMS_SETUP,
	.probe = ext_probe,
	.claim = ext_claim,
	.release = fs_release,
	.acceptable = fs_acceptable,
	.get_limits = fs_get_limits,
	.expand = fs_resize,
	.shrink = fs_resize,
	.rename = fs_rename,
	.mkfs = ext_mkfs,
	.check = fs_check,
	.unmkfs = fs_unmkfs,
	.execute = ext_execute,
};

EVMS_PLUGIN(
	.name = "ext",
	.id = UINT64_C(0x6673657874000001),
	.version = "1.0",
	.summary = "ext2, ext3 and ext4 file systems",
	.role = EVMS_ROLE_FILE_SYSTEM,
	.setup = &ext_setup,
	EVMS_MAGICS(ext_magics),
	EVMS_OPTIONS(ext_options),
	.head_window = EXT_SUPER_OFFSET + EXT_SUPER_SIZE,
);
