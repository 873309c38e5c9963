/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The boot sector of FAT12, FAT16 and FAT32. */
#ifndef VFAT_H
#define VFAT_H

#include "../common.h"

/* What the boot sector says, and what is worked out from it. */
struct vfat {
	char label[FS_LABEL_SIZE], uuid[FS_UUID_SIZE];
	unsigned bits;			/* of an entry of the table: 12, 16 or 32 */
	uint32_t sector_size, cluster_size;
	uint64_t sectors, clusters;
	uint64_t table, table_size;	/* the first table: bytes */
	uint64_t root, root_size;	/* FAT12 and FAT16: the root directory, bytes */
	uint64_t data;			/* the first cluster, number 2: bytes */
	uint32_t root_cluster;		/* FAT32 */
	uint32_t info_sector;		/* FAT32: of counters; 0 for none */
	const char *wrong;		/* the first thing that the format does not allow; NULL */
};

/* EVMS_NOT_MINE, EVMS_MINE, EVMS_DAMAGED (see wrong) or a negative errno. Only the boot sector. */
int vfat_read(struct evms_object *o, struct vfat *out);
/* The label in the root directory takes the place of the one in the boot sector. 0 or -errno. */
int vfat_read_label(struct evms_object *o, struct vfat *v);
/* Free clusters, UINT64_MAX when it would take too long to count them. 0 or -errno. */
int vfat_count_free(struct evms_object *o, const struct vfat *v, uint64_t *out);

/* The serial number asked for, or a random one, as text. */
int vfat_get_serial(const struct evms_task *task, char *out);

/* Members of struct evms_setup. */
int vfat_mkfs(struct evms_task *task);
int vfat_execute(struct evms_task *task);

#endif
