/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The superblock of ext2, ext3 and ext4. */
#ifndef EXT_H
#define EXT_H

#include "../common.h"

#define EXT_SUPER_OFFSET	1024
#define EXT_SUPER_SIZE		1024

/* What the superblock says. */
struct ext {
	const char *type;
	char label[FS_LABEL_SIZE], uuid[FS_UUID_SIZE];
	uint32_t block_size;
	uint64_t blocks, free_blocks;	/* in blocks also where space is handed out in clusters */
	uint64_t min_blocks, max_blocks;
	const char *wrong;		/* the first thing that the format does not allow; NULL */
	bool has_errors;		/* the kernel or e2fsck said so */
};

/* EVMS_NOT_MINE, EVMS_MINE, EVMS_DAMAGED (see wrong) or a negative errno. */
int ext_read(struct evms_object *o, struct ext *out);

/* Members of struct evms_setup. */
int ext_mkfs(struct evms_task *task);
int ext_execute(struct evms_task *task);

#endif
