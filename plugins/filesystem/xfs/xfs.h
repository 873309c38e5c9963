/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The superblock of XFS. */
#ifndef XFS_H
#define XFS_H

#include "../common.h"

/* What the superblock says. */
struct xfs {
	char label[FS_LABEL_SIZE], uuid[FS_UUID_SIZE];
	uint32_t block_size;
	uint64_t blocks, free_blocks;
	const char *wrong;		/* the first thing that the format does not allow; NULL */
	bool external_log;
	bool needs_repair;		/* it says so itself */
};

/* EVMS_NOT_MINE, EVMS_MINE, EVMS_DAMAGED (see wrong) or a negative errno. */
int xfs_read(struct evms_object *o, struct xfs *out);

/* Members of struct evms_setup. */
int xfs_mkfs(struct evms_task *task);
int xfs_expand(struct evms_task *task);
int xfs_execute(struct evms_task *task);

#endif
