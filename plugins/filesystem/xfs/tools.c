/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making, checking, growing and labelling XFS with the tools of xfsprogs. */
#include <stdio.h>
#include <stdlib.h>
#include "xfs.h"

#define VOLUME_MIN	(UINT64_C(300) << 20)	/* mkfs.xfs refuses less */

int xfs_mkfs(struct evms_task *task)
{
	struct evms_object *volume = evms_task_get_input(task, 0);
	uint64_t block_size = evms_task_get_u64(task, "block-size");
	struct fs fs;
	int r = volume ? fs_acceptable(task, volume) :
		fs_fail(task, EINVAL, "volume", "no volume was given");

	if (r < 0)
		return r;
	if (!fs_is_power_of_two(block_size) || block_size < evms_get_block_size(volume) ||
	    block_size > 65536)
		return fs_fail(task, EINVAL, "block-size", "a block must be a power of two and at least "
			       "as large as a block of the volume (%u bytes)",
			       evms_get_block_size(volume));
	if (evms_get_size(volume) < VOLUME_MIN)
		return fs_fail(task, ENOSPC, "small", "XFS needs a volume of 300 MiB at least");
	r = fs_begin(task, "xfs", (uint32_t)block_size, &fs);
	if (r < 0)
		return r;
	fs.max_size = FS_SIZE_MAX - FS_SIZE_MAX % block_size;
	return fs_publish_new(volume, &fs);
}

/* Sectors as the disk writes them whole, as far as XFS and the chosen blocks allow. */
static uint32_t choose_sector_size(const struct evms_object *volume, uint64_t block_size)
{
	uint32_t logical = evms_get_block_size(volume);
	uint32_t physical = evms_get_physical_block_size(volume);

	if (physical <= logical || physical > 4096 || physical > block_size ||
	    !fs_is_power_of_two(physical))
		return logical;
	return physical;
}

static int run_mkfs(struct evms_task *task)
{
	const struct evms_object *volume = evms_task_get_input(task, 0);
	uint64_t block_size = evms_task_get_u64(task, "block-size");
	struct fs_args a = { .count = 0 };
	char label[FS_LABEL_SIZE], uuid[FS_UUID_SIZE], metadata[FS_UUID_SIZE + 8];
	int r = fs_get_label(task, "label", label);

	if (r < 0)
		return r;
	fs_arg(&a, "mkfs.xfs");
	fs_arg(&a, "-f");
	fs_arg(&a, "-q");
	fs_arg(&a, "-K");	/* what was there is given up already */
	fs_arg(&a, "-b");
	fs_arg_u64(&a, "size=%llu", block_size);
	fs_arg(&a, "-s");
	fs_arg_u64(&a, "size=%llu", choose_sector_size(volume, block_size));
	if (label[0]) {
		fs_arg(&a, "-L");
		fs_arg(&a, label);
	}
	fs_get_planned_uuid(task, uuid);
	if (uuid[0]) {
		snprintf(metadata, sizeof(metadata), "uuid=%s", uuid);
		fs_arg(&a, "-m");
		fs_arg(&a, metadata);
	}
	fs_arg(&a, EVMS_TOOL_VOLUME);
	return fs_run_ok(task, &a, EVMS_TOOL_FRESH, 0);
}

/* xfs_repair -n: 1 for errors, 2 for a log that must be replayed first. */
static int run_check(struct evms_task *task)
{
	bool mend = evms_task_get_u64(task, "repair");
	char output[FS_OUTPUT_SIZE];
	struct fs_args a = { .count = 0 };
	int r;

	fs_arg(&a, "xfs_repair");
	if (!mend)
		fs_arg(&a, "-n");
	fs_arg(&a, EVMS_TOOL_VOLUME);
	r = fs_run(task, &a, mend ? 0 : EVMS_TOOL_READ_ONLY, output, sizeof(output));
	if (r <= 0)
		return r;
	if (r == 2)
		return fs_fail(task, EBUSY, "log", "the log holds changes that are not in place yet: "
			       "mount and unmount the file system once, then check it again");
	if (r == 1 && !mend)
		return fs_fail(task, EBADMSG, "errors", "the file system has errors: check it again with "
			       "repair=yes");
	return fs_tool_failed(task, &a, r, output);
}

/* The number that follows "NAME = " in what xfs_db printed. */
static int find_number(const char *text, const char *name, uint64_t *out)
{
	const char *at = strstr(text, name);
	char *end;

	if (!at)
		return -ENOENT;
	at += strlen(name);
	errno = 0;
	*out = strtoull(at, &end, 10);
	return end == at || errno ? -ENOENT : 0;
}

/* Ask the file system itself: in a plan that also makes it, it has its size already. */
static int read_size(struct evms_task *task, uint64_t *blocks, uint64_t *block_size)
{
	char output[FS_OUTPUT_SIZE];
	struct fs_args a = { .count = 0 };
	int r;

	fs_arg(&a, "xfs_db");
	fs_arg(&a, "-r");
	fs_arg(&a, "-c");
	fs_arg(&a, "sb 0");
	fs_arg(&a, "-c");
	fs_arg(&a, "print dblocks blocksize");
	fs_arg(&a, EVMS_TOOL_VOLUME);
	r = fs_run(task, &a, EVMS_TOOL_READ_ONLY, output, sizeof(output));
	if (r < 0)
		return r;
	if (r > 0 || find_number(output, "dblocks = ", blocks) < 0 ||
	    find_number(output, "blocksize = ", block_size) < 0 || !*block_size)
		return fs_tool_failed(task, &a, r, output);
	return 0;
}

int xfs_expand(struct evms_task *task)
{
	int r = evms_tool_possible(task, EVMS_TOOL_MOUNTED);

	if (r < 0)
		return evms_task_fail(task, -r, "xfs.mount", "XFS grows only while it is mounted, which takes root; "
				      "run this as root, or leave the size as it is");
	return fs_resize(task);
}

static int run_expand(struct evms_task *task)
{
	struct fs_args a = { .count = 0 };
	uint64_t blocks = 0, block_size = 0, wanted;
	int r = read_size(task, &blocks, &block_size);

	if (r < 0)
		return r;
	wanted = evms_task_get_u64(task, "size") / block_size;
	if (wanted <= blocks)
		return 0;
	fs_arg(&a, "xfs_growfs");
	fs_arg(&a, "-D");
	fs_arg_u64(&a, "%llu", wanted);
	fs_arg(&a, EVMS_TOOL_VOLUME);
	return fs_run_ok(task, &a, EVMS_TOOL_MOUNTED, 0);
}

/*
 * xfs_admin hands its arguments to a shell, so xfs_db is run as xfs_admin would. It leaves with 0 also when
 * it changed nothing; what it prints tells.
 */
static int run_rename(struct evms_task *task)
{
	char label[FS_LABEL_SIZE], command[FS_LABEL_SIZE + 16], output[FS_OUTPUT_SIZE];
	struct fs_args a = { .count = 0 };
	int r = fs_get_label(task, "name", label);

	if (r < 0)
		return r;
	snprintf(command, sizeof(command), "label %s", label[0] ? label : "--");
	fs_arg(&a, "xfs_db");
	fs_arg(&a, "-x");
	fs_arg(&a, "-p");
	fs_arg(&a, "xfs_admin");
	fs_arg(&a, "-c");
	fs_arg(&a, command);
	fs_arg(&a, EVMS_TOOL_VOLUME);
	r = fs_run(task, &a, 0, output, sizeof(output));
	if (r < 0)
		return r;
	return r > 0 || !strstr(output, "new label = ") ? fs_tool_failed(task, &a, r, output) : 0;
}

int xfs_execute(struct evms_task *task)
{
	switch (evms_task_get_op(task)) {
	case EVMS_OP_MKFS:
		return run_mkfs(task);
	case EVMS_OP_CHECK:
		return run_check(task);
	case EVMS_OP_EXPAND:
		return run_expand(task);
	case EVMS_OP_RENAME:
		return run_rename(task);
	case EVMS_OP_SHRINK:	/* of the space behind it: the task was refused otherwise */
	case EVMS_OP_UNMKFS:	/* the engine wipes the signatures */
		return 0;
	default:
		return -ENOTSUP;
	}
}
