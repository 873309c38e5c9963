/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the gpt plug-in share: the table in memory and the helpers around it. */
#ifndef GPT_H
#define GPT_H

#include <inttypes.h>
#include <stdbool.h>
#include <evms/plugin.h>

#define GPT_HEADER_MIN		92u
#define GPT_ENTRY_MIN		128u
#define GPT_ENTRY_MAX		4096u
#define GPT_TABLE_MAX		(4u << 20)	/* bytes of one entry array */
#define GPT_NAME_UNITS		36u
#define GPT_NAME_BYTES		(GPT_NAME_UNITS * 3 + 1)
#define GPT_GUID_TEXT		37u		/* with the NUL */
#define GPT_DEFAULT_COUNT	128u
#define GPT_META_MAX		12u

/* Offsets in a header. */
#define GPT_H_REVISION		8
#define GPT_H_SIZE		12
#define GPT_H_CRC		16
#define GPT_H_MY_LBA		24
#define GPT_H_ALTERNATE		32
#define GPT_H_FIRST		40
#define GPT_H_LAST		48
#define GPT_H_GUID		56
#define GPT_H_ENTRIES		72
#define GPT_H_COUNT		80
#define GPT_H_ENTRY_SIZE	84
#define GPT_H_ENTRIES_CRC	88

/* Offsets in an entry. */
#define GPT_E_TYPE		0
#define GPT_E_GUID		16
#define GPT_E_FIRST		32
#define GPT_E_LAST		40
#define GPT_E_ATTRIBUTES	48
#define GPT_E_NAME		56

/* What is the matter with a table. */
#define GPT_NO_PMBR		(1u << 0)	/* the kernel does not look at the table */
#define GPT_BAD_PRIMARY		(1u << 1)
#define GPT_BAD_BACKUP		(1u << 2)
#define GPT_GROWN		(1u << 3)	/* the backup is not at the end of the disk */
#define GPT_BAD_ALTERNATE	(1u << 4)	/* the primary does not point to the backup */
#define GPT_DIFFER		(1u << 5)	/* both copies are valid and say different things */
#define GPT_SHRUNK		(1u << 6)	/* usable blocks behind the end of the disk */
#define GPT_LAYOUT		(1u << 7)	/* the table's own structures overlap */
#define GPT_ENTRIES		(1u << 8)	/* partitions overlap, are inverted or outside */
#define GPT_BLOCK_SIZE		(1u << 9)	/* written for another block size */
#define GPT_REVISION		(1u << 10)	/* newer than what is known */

/* With one of these the table is not changed before it was repaired; some cannot be repaired. */
#define GPT_READ_ONLY	(GPT_NO_PMBR | GPT_BAD_PRIMARY | GPT_DIFFER | GPT_SHRUNK | GPT_LAYOUT | \
			 GPT_ENTRIES | GPT_BLOCK_SIZE | GPT_REVISION)
#define GPT_BEYOND_REPAIR	(GPT_LAYOUT | GPT_ENTRIES | GPT_BLOCK_SIZE | GPT_REVISION)

enum gpt_mbr {
	GPT_MBR_NONE,		/* nothing of interest in block 0 */
	GPT_MBR_FOREIGN,	/* somebody else's block 0 */
	GPT_MBR_BROKEN,		/* a protective entry that does not begin at block 1 */
	GPT_MBR_PROTECTIVE,
	GPT_MBR_HYBRID,		/* a protective entry and others */
};

/* Private data of a disk. Numbers count blocks of bs bytes. */
struct gpt_table {
	uint32_t bs;
	uint32_t count, entry_size;
	uint32_t blocks;		/* that one entry array fills */
	uint32_t problems;		/* GPT_* */
	uint32_t meta_count;
	uint64_t last_lba;		/* of the disk */
	uint64_t first_usable, last_usable;
	uint64_t primary_entries, backup_entries, backup_lba;
	uint64_t stale_first, stale_blocks;	/* a backup that was moved away: wiped by write */
	uint64_t meta[GPT_META_MAX];	/* offsets of the metadata entries that were added */
	bool write_mbr;			/* block 0 changed */
	bool twins;			/* a name is used twice: objects have other names than entries */
	bool primary_first;		/* the backup is the only good copy on the disk */
	uint8_t *mbr, *primary, *backup;	/* bs bytes each, as read, so that nothing gets lost */
	uint8_t *entries;		/* blocks * bs bytes */
};

/* Private data of a partition. */
struct gpt_part {
	uint32_t index;			/* of its entry, from 0 */
};

/* types.c */
extern const uint8_t gpt_type_linux[16];
void gpt_guid_text(const uint8_t guid[16], char text[GPT_GUID_TEXT]);
bool gpt_guid_parse(const char *text, uint8_t guid[16]);
int gpt_guid_random(uint8_t guid[16]);
bool gpt_guid_is_zero(const uint8_t guid[16]);
bool gpt_type_parse(const char *text, uint8_t guid[16]);	/* alias or GUID */
const char *gpt_type_name(const uint8_t guid[16]);		/* NULL when unknown */
void gpt_attributes_text(uint64_t attributes, char *text, size_t size);
bool gpt_attributes_parse(const char *text, uint64_t *out);

/* names.c */
void gpt_name_get(const uint8_t *entry, char text[GPT_NAME_BYTES]);
int gpt_name_set(uint8_t *entry, const char *text);	/* -EINVAL not UTF-8, -ENAMETOOLONG */

/* table.c */
enum gpt_mbr gpt_mbr_kind(const uint8_t *mbr);
bool gpt_mbr_size_wrong(const struct gpt_table *t);
void gpt_mbr_protect(struct gpt_table *t);
const char *gpt_header_check(const uint8_t *h, uint32_t bs, uint64_t lba, uint64_t last_lba);
int gpt_table_load(struct evms_object *disk, struct gpt_table **out);
int gpt_table_new(uint32_t bs, uint64_t last_lba, uint32_t count, struct gpt_table **out);
void gpt_table_free(struct gpt_table *t);
int gpt_table_write(struct evms_object *disk);

static inline uint8_t *gpt_entry(const struct gpt_table *t, uint32_t i)
{
	return t->entries + (size_t)i * t->entry_size;
}

static inline bool gpt_entry_used(const uint8_t *entry)
{
	return !gpt_guid_is_zero(entry + GPT_E_TYPE);
}

/* model.c */
int gpt_claim(struct evms_object *disk);
int gpt_metadata_add(struct evms_object *disk, struct gpt_table *t);
int gpt_metadata_remove(struct evms_object *disk, struct gpt_table *t);
void gpt_part_object_name(const uint8_t *entry, uint32_t index, char text[GPT_NAME_BYTES]);
int gpt_part_describe(struct evms_object *part, const struct gpt_table *t, uint32_t index);
struct evms_object *gpt_part_named(struct evms_object *disk, const struct gpt_table *t,
				   const char *name, uint32_t but);
int gpt_parts_rename(struct evms_object *disk, const struct gpt_table *t);

/* tasks.c */
struct gpt_table *gpt_task_table(struct evms_task *task, struct evms_object *disk);
int gpt_task_usable(struct evms_task *task, const struct gpt_table *t);
int gpt_task_changed(struct evms_object *disk, struct gpt_table *t);
bool gpt_task_mirrored(const struct gpt_table *t, uint32_t index);
int gpt_task_check_name(struct evms_task *task, struct evms_object *disk, const struct gpt_table *t,
			const uint8_t *entry, uint32_t index);
int gpt_acceptable(struct evms_task *task, struct evms_object *in);
int gpt_assign(struct evms_task *task);
int gpt_unassign(struct evms_task *task);
int gpt_create(struct evms_task *task);
int gpt_remove(struct evms_task *task);
int gpt_get_limits(struct evms_object *part, struct evms_limits *out);
int gpt_resize(struct evms_task *task);

/* edit.c */
int gpt_rename(struct evms_task *task);
int gpt_set(struct evms_task *task);
int gpt_repair(struct evms_task *task);

#endif
