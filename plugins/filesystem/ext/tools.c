/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making, checking, resizing and labelling ext2, ext3 and ext4 with the tools of e2fsprogs. */
#include <stdio.h>
#include "ext.h"

#define SMALL_VOLUME	(16u << 20)	/* below this, blocks are 1 KiB */
#define JOURNAL_BLOCKS	2048		/* mke2fs makes no journal in fewer */

static uint32_t choose_block_size(const struct evms_task *task, const struct evms_object *volume)
{
	uint32_t least = evms_get_block_size(volume);

	if (evms_task_has(task, "block-size"))
		return (uint32_t)evms_task_get_u64(task, "block-size");
	if (least > 4096)
		return least;
	return evms_get_size(volume) < SMALL_VOLUME && least <= 1024 ? 1024 : 4096;
}

static int check_options(const struct evms_task *task, const struct evms_object *volume,
			 uint32_t block_size, const char *type)
{
	uint64_t blocks = evms_get_size(volume) / block_size;
	uint64_t inode_size = evms_task_get_u64(task, "inode-size");
	uint64_t least = 128 * 1024 / block_size > 64 ? 128 * 1024 / block_size : 64;

	if (!fs_is_power_of_two(block_size) || block_size < evms_get_block_size(volume))
		return fs_fail(task, EINVAL, "block-size", "a block must be a power of two and at least "
			       "as large as a block of the volume (%u bytes)",
			       evms_get_block_size(volume));
	if (inode_size && (!fs_is_power_of_two(inode_size) || inode_size > block_size))
		return fs_fail(task, EINVAL, "inode-size", "the size of an inode must be a power of two "
			       "and at most that of a block (%u bytes)", block_size);
	if (!strcmp(type, "ext3") && least < JOURNAL_BLOCKS)
		least = JOURNAL_BLOCKS;
	if (blocks < least)
		return fs_fail(task, ENOSPC, "small", "%s with blocks of %u bytes needs a volume of %llu "
			       "bytes at least", type, block_size,
			       (unsigned long long)least * block_size);
	if (blocks > UINT32_MAX && strcmp(type, "ext4"))
		return fs_fail(task, EFBIG, "large", "%s cannot be that large: use ext4", type);
	return 0;
}

int ext_mkfs(struct evms_task *task)
{
	struct evms_object *volume = evms_task_get_input(task, 0);
	const char *type = evms_task_get_str(task, "type");
	uint32_t block_size;
	struct fs fs;
	int r = volume ? fs_acceptable(task, volume) :
		fs_fail(task, EINVAL, "volume", "no volume was given");

	if (r < 0)
		return r;
	if (!type)
		type = "ext4";
	block_size = choose_block_size(task, volume);
	r = check_options(task, volume, block_size, type);
	if (r == 0)
		r = fs_begin(task, type, block_size, &fs);
	if (r < 0)
		return r;
	fs.max_size = strcmp(type, "ext4") ? (uint64_t)UINT32_MAX * block_size : FS_SIZE_MAX;
	fs.max_size -= fs.max_size % block_size;
	return fs_publish_new(volume, &fs);
}

static int run_mkfs(struct evms_task *task)
{
	const struct evms_object *volume = evms_task_get_input(task, 0);
	const char *type = evms_task_get_str(task, "type");
	struct fs_args a = { .count = 0 };
	char label[FS_LABEL_SIZE], uuid[FS_UUID_SIZE];
	int r = fs_get_label(task, "label", label);

	if (r < 0)
		return r;
	fs_arg(&a, "mke2fs");
	fs_arg(&a, "-F");
	fs_arg(&a, "-q");
	fs_arg(&a, "-t");
	fs_arg(&a, type ? type : "ext4");
	fs_arg(&a, "-b");
	fs_arg_u64(&a, "%llu", choose_block_size(task, volume));
	/*
	 * What was there is given up already. Inode tables that are not zeroed are marked so; a journal
	 * is zeroed, because on a device that keeps its blocks an old one could be taken for it.
	 */
	fs_arg(&a, "-E");
	fs_arg(&a, "nodiscard,lazy_itable_init=1,lazy_journal_init=0");
	if (evms_task_has(task, "inode-size")) {
		fs_arg(&a, "-I");
		fs_arg_u64(&a, "%llu", evms_task_get_u64(task, "inode-size"));
	}
	if (evms_task_has(task, "bytes-per-inode")) {
		fs_arg(&a, "-i");
		fs_arg_u64(&a, "%llu", evms_task_get_u64(task, "bytes-per-inode"));
	}
	if (evms_task_has(task, "reserved-percent")) {
		fs_arg(&a, "-m");
		fs_arg_u64(&a, "%llu", evms_task_get_u64(task, "reserved-percent"));
	}
	if (label[0]) {
		fs_arg(&a, "-L");
		fs_arg(&a, label);
	}
	fs_get_planned_uuid(task, uuid);
	if (uuid[0]) {
		fs_arg(&a, "-U");
		fs_arg(&a, uuid);
	}
	fs_arg(&a, EVMS_TOOL_VOLUME);
	return fs_run_ok(task, &a, EVMS_TOOL_FRESH, 0);
}

/* Exit status of e2fsck: 1 and 2 are "mended", 4 "not mended", from 8 on it could not work. */
static int run_check(struct evms_task *task, const char *repair)
{
	bool mend = strcmp(repair, "no") != 0;
	char output[FS_OUTPUT_SIZE];
	struct fs_args a = { .count = 0 };
	int r;

	fs_arg(&a, "e2fsck");
	fs_arg(&a, "-f");
	fs_arg(&a, !mend ? "-n" : !strcmp(repair, "all") ? "-y" : "-p");
	fs_arg(&a, EVMS_TOOL_VOLUME);
	r = fs_run(task, &a, mend ? 0 : EVMS_TOOL_READ_ONLY, output, sizeof(output));
	if (r <= 0)
		return r;
	if (r < 4 && mend)
		return 0;
	if (r == 4 && !strcmp(repair, "no"))
		return fs_fail(task, EBADMSG, "errors", "the file system has errors: check it again with "
			       "repair=yes");
	if (r == 4 && !strcmp(repair, "yes"))
		return fs_fail(task, EBADMSG, "errors", "the file system has errors whose repair may lose "
			       "data: save what can be saved, then check it with repair=all");
	return fs_tool_failed(task, &a, r, output);
}

static int run_resize(struct evms_task *task)
{
	struct fs_args a = { .count = 0 };
	int r = run_check(task, "yes");	/* resize2fs demands it */

	if (r < 0)
		return r;
	fs_arg(&a, "resize2fs");
	fs_arg(&a, EVMS_TOOL_VOLUME);
	fs_arg_u64(&a, "%llus", evms_task_get_u64(task, "size") / 512);
	return fs_run_ok(task, &a, 0, 0);
}

static int run_rename(struct evms_task *task)
{
	struct fs_args a = { .count = 0 };
	char label[FS_LABEL_SIZE];
	int r = fs_get_label(task, "name", label);

	if (r < 0)
		return r;
	fs_arg(&a, "tune2fs");
	fs_arg(&a, "-L");
	fs_arg(&a, label);
	fs_arg(&a, EVMS_TOOL_VOLUME);
	return fs_run_ok(task, &a, 0, 0);
}

int ext_execute(struct evms_task *task)
{
	const char *repair;

	switch (evms_task_get_op(task)) {
	case EVMS_OP_MKFS:
		return run_mkfs(task);
	case EVMS_OP_CHECK:
		repair = evms_task_get_str(task, "repair");
		return run_check(task, repair ? repair : "no");
	case EVMS_OP_EXPAND:
	case EVMS_OP_SHRINK:
		return run_resize(task);
	case EVMS_OP_RENAME:
		return run_rename(task);
	case EVMS_OP_UNMKFS:
		return 0;	/* the engine wipes the signatures */
	default:
		return -ENOTSUP;
	}
}
