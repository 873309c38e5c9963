/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The header of swap space. */
#ifndef SWAP_H
#define SWAP_H

#include "../common.h"

/* What the header says. */
struct swap {
	char label[FS_LABEL_SIZE], uuid[FS_UUID_SIZE];
	uint32_t page_size;
	uint64_t pages;
	const char *wrong;		/* the first thing that the format does not allow; NULL */
	bool hibernated;		/* holds an image of a sleeping system's memory */
	bool foreign;			/* of the other byte order, or of the first version */
};

/* EVMS_NOT_MINE, EVMS_MINE, EVMS_DAMAGED (see wrong) or a negative errno. */
int swap_read(struct evms_object *o, struct swap *out);

/* Members of struct evms_setup. */
int swap_mkfs(struct evms_task *task);
int swap_execute(struct evms_task *task);

#endif
