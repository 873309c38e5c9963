/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Making and labelling swap space with the tools of util-linux. It has no content that lasts: to give it
 * another size is to make it again with the same label and uuid.
 */
#include <unistd.h>
#include "swap.h"

#define PAGES_MIN	10

static uint32_t machine_page_size(void)
{
	long size = sysconf(_SC_PAGESIZE);

	return size > 0 && size <= 65536 ? (uint32_t)size : 4096;
}

int swap_mkfs(struct evms_task *task)
{
	struct evms_object *volume = evms_task_get_input(task, 0);
	uint32_t page_size = machine_page_size();
	struct fs fs;
	int r = volume ? fs_acceptable(task, volume) :
		fs_fail(task, EINVAL, "volume", "no volume was given");

	if (r < 0)
		return r;
	if (evms_get_size(volume) / page_size < PAGES_MIN)
		return fs_fail(task, ENOSPC, "small", "swap space needs a volume of %u bytes at least",
			       PAGES_MIN * page_size);
	r = fs_begin(task, "swap", page_size, &fs);
	if (r < 0)
		return r;
	fs.max_size = ((uint64_t)UINT32_MAX + 1) * page_size;
	if (fs.size > fs.max_size)
		fs.size = fs.max_size;
	fs.min_size = (uint64_t)PAGES_MIN * page_size;
	return fs_publish_new(volume, &fs);
}

/* size: bytes, 0 for the whole volume. */
static int run_mkswap(struct evms_task *task, const char *label, const char *uuid, uint32_t page_size,
		      uint64_t size, uint32_t flags)
{
	struct fs_args a = { .count = 0 };

	fs_arg(&a, "mkswap");
	fs_arg(&a, "-p");
	fs_arg_u64(&a, "%llu", page_size);
	if (label[0]) {
		fs_arg(&a, "-L");
		fs_arg(&a, label);
	}
	if (uuid[0]) {
		fs_arg(&a, "-U");
		fs_arg(&a, uuid);
	}
	fs_arg(&a, EVMS_TOOL_VOLUME);
	if (size)
		fs_arg_u64(&a, "%llu", size / 1024);
	return fs_run_ok(task, &a, flags, 0);
}

static int run_mkfs(struct evms_task *task)
{
	char label[FS_LABEL_SIZE], uuid[FS_UUID_SIZE];
	int r = fs_get_label(task, "label", label);

	if (r < 0)
		return r;
	fs_get_planned_uuid(task, uuid);
	return run_mkswap(task, label, uuid, machine_page_size(), 0, EVMS_TOOL_FRESH);
}

static int run_resize(struct evms_task *task)
{
	const struct fs *fs = evms_get_private(evms_task_get_input(task, 0));
	uint64_t size = evms_task_get_u64(task, "size");

	if (!fs)
		return fs_fail(task, ESTALE, "header", "nothing is known of the swap space any more");
	return run_mkswap(task, fs->label, fs->uuid, fs->step, size - size % fs->step, 0);
}

static int run_rename(struct evms_task *task)
{
	struct fs_args a = { .count = 0 };
	char label[FS_LABEL_SIZE];
	int r = fs_get_label(task, "name", label);

	if (r < 0)
		return r;
	fs_arg(&a, "swaplabel");
	fs_arg(&a, "-L");
	fs_arg(&a, label);
	fs_arg(&a, EVMS_TOOL_VOLUME);
	return fs_run_ok(task, &a, 0, 0);
}

int swap_execute(struct evms_task *task)
{
	switch (evms_task_get_op(task)) {
	case EVMS_OP_MKFS:
		return run_mkfs(task);
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
