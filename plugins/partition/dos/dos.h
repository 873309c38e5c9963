/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the dos plug-in share: the table in memory and the helpers around it. */
#ifndef DOS_H
#define DOS_H

#include <inttypes.h>
#include <stdbool.h>
#include <evms/plugin.h>

#define DOS_MAX_EBR	256u	/* links of a chain that are followed or made */
#define DOS_MAX_STALE	512u
#define DOS_PRIMARIES	4u
#define DOS_SIGNATURE	440	/* of the disk, in the MBR */

/* Offsets in an entry. */
#define DOS_E_BOOT	0
#define DOS_E_CHS	1
#define DOS_E_TYPE	4
#define DOS_E_CHS_END	5
#define DOS_E_START	8
#define DOS_E_SIZE	12

/* One sector of the chain of logical partitions. */
struct dos_ebr {
	uint64_t lba;
	uint8_t *raw;			/* a block */
	int data, link;			/* slots of its entries, -1 for none */
	bool is_new;			/* nothing on the disk points to it yet */
	bool changed;
	struct evms_object *part;	/* its partition, NULL for none */
};

/* The container of the logical partitions; size 0: there is none. */
struct dos_extended {
	unsigned slot;
	uint64_t start, size;
};

/* Private data of a disk. Numbers count blocks of bs bytes. */
struct dos_table {
	uint32_t bs;
	uint32_t heads, sectors;	/* for the CHS fields */
	uint64_t blocks;		/* of the disk */
	uint8_t *mbr;			/* a block */
	bool mbr_changed;
	bool read_only;			/* the table contradicts itself */
	struct dos_extended ext;
	struct evms_object *primary[DOS_PRIMARIES];
	struct dos_ebr *ebrs[DOS_MAX_EBR];	/* in the order of the chain */
	uint32_t ebr_count;
	uint64_t stale[DOS_MAX_STALE];	/* EBRs that were given up: wiped by write */
	uint32_t stale_count;
};

/* Private data of a partition. */
struct dos_part {
	int slot;		/* of its entry, in the MBR or the EBR */
	struct dos_ebr *ebr;	/* NULL: a primary partition */
};

/* types.c */
bool dos_is_extended(uint8_t type);
bool dos_type_parse(const char *text, uint8_t *out);	/* alias, 0x83 or 83 */
const char *dos_type_name(uint8_t type);		/* NULL when unknown */

/* table.c */
uint8_t *dos_entry(uint8_t *block, unsigned slot);
bool dos_has_magic(const uint8_t *block);
void dos_entry_set(const struct dos_table *t, uint8_t *e, uint8_t type, uint64_t base,
		   uint64_t start, uint64_t size);
struct dos_ebr *dos_ebr_new(const struct dos_table *t, uint64_t lba);
void dos_ebr_free(struct dos_ebr *ebr);
void dos_link(struct dos_table *t, uint32_t i);
uint64_t dos_ebr_end(const struct dos_ebr *ebr);
int dos_table_new(struct evms_object *disk, struct dos_table **out);
int dos_table_read(struct evms_object *disk, struct dos_table **out);
void dos_table_free(struct dos_table *t);
int dos_table_write(struct evms_object *disk);

/* chain.c */
int dos_chain_read(struct evms_object *disk, struct dos_table *t, const struct dos_extended *ext);

/* model.c */
int dos_claim(struct evms_object *disk);
int dos_part_describe(struct evms_object *part, struct dos_table *t, uint8_t *e,
		      unsigned number);
int dos_renumber(struct dos_table *t);
int dos_disk_describe(struct evms_object *disk, const struct dos_table *t);

/* tasks.c */
struct dos_table *dos_task_table(struct evms_task *task, struct evms_object *disk);
int dos_task_usable(struct evms_task *task, const struct dos_table *t);
int dos_acceptable(struct evms_task *task, struct evms_object *in);
int dos_assign(struct evms_task *task);
int dos_unassign(struct evms_task *task);
int dos_remove(struct evms_task *task);
int dos_get_limits(struct evms_object *part, struct evms_limits *out);
int dos_resize(struct evms_task *task);
int dos_set(struct evms_task *task);
int dos_drop_extended(struct evms_object *disk, struct dos_table *t);

/* create.c */
int dos_acceptable_space(struct evms_task *task, struct evms_object *space);
int dos_create(struct evms_task *task);

#endif
