/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of the raid plug-in share: superblocks, arrays, geometry. A sector has 512 bytes.
 */
#ifndef RAID_H
#define RAID_H

#include <stdbool.h>
#include <evms/plugin.h>

#define RAID_SECTOR		512u
#define RAID_SUPER_SIZE		4096u	/* reserved for a superblock, whatever it uses of it */
#define RAID_NAME_SIZE		32u	/* bytes of set_name, without a NUL when full */
#define RAID_MAX_DEV		1920u	/* role slots that fit into 4096 bytes */
#define RAID_MAX_DISKS_090	27u
#define RAID_UUID_TEXT		36u	/* 4 groups of 8 digits, 3 colons, NUL */
#define RAID_MIN_CHUNK		8u	/* sectors */
#define RAID_MAX_SECTORS	(UINT64_C(1) << 53)	/* of an array: 2^62 bytes */

#define RAID_LEVEL_MULTIPATH	(-4)
#define RAID_LEVEL_LINEAR	(-1)

/* feature_map */
#define RAID_FEATURE_BITMAP		1u
#define RAID_FEATURE_RECOVERY		2u
#define RAID_FEATURE_RESHAPE		4u
#define RAID_FEATURE_BAD_BLOCKS		8u
#define RAID_FEATURE_REPLACEMENT	16u
#define RAID_FEATURE_RAID0_LAYOUT	4096u
#define RAID_FEATURE_KNOWN		8191u

#define RAID_LAYOUT_ORIGINAL	1u	/* raid0 of kernels before 3.14 */
#define RAID_LAYOUT_ALTERNATE	2u	/* raid0 since 3.14 */

/* roles beyond the slots of the array */
#define RAID_ROLE_MAX		0xff00u
#define RAID_ROLE_JOURNAL	0xfffdu
#define RAID_ROLE_FAULTY	0xfffeu
#define RAID_ROLE_SPARE		0xffffu

/* Where and how a superblock is stored. */
enum raid_format {
	RAID_FORMAT_1_2,
	RAID_FORMAT_1_1,
	RAID_FORMAT_1_0,
	RAID_FORMAT_0_90,
	RAID_FORMAT_COUNT
};

/* One superblock, decoded. It comes from a device; only what is said below has been checked. */
struct raid_super {
	enum raid_format format;
	bool big_endian;		/* 0.90 only */
	uint64_t position;		/* bytes from the start of the member */
	uint8_t set_uuid[16];
	uint8_t device_uuid[16];	/* zeros in 0.90 */
	char name[RAID_NAME_SIZE + 1];
	uint64_t created;		/* seconds << 24 | microseconds: comparable */
	uint64_t events;
	int32_t level;
	uint32_t layout;
	uint32_t chunk;			/* sectors */
	uint32_t raid_disks;		/* 1..RAID_MAX_DEV */
	int32_t delta_disks;
	uint32_t features;
	uint64_t size;			/* sectors used of each member; 0 for linear and raid0 */
	uint64_t data_offset;		/* sectors; inside the member, off the superblock */
	uint64_t data_size;
	uint32_t dev_number;
	uint32_t max_dev;		/* <= RAID_MAX_DEV */
	uint32_t other_formats;		/* further superblocks on the member, 1 << format */
	uint8_t raw[RAID_SUPER_SIZE];	/* kept for bytes that are not understood */
};

/* Why a superblock cannot be used. */
struct raid_trouble {
	const char *reason;	/* "raid.<what>" */
	const char *text;
};

enum raid_found {
	RAID_FOUND_NONE,
	RAID_FOUND_GOOD,
	RAID_FOUND_BAD		/* certainly MD, but not usable: see the trouble */
};

struct raid_member {
	struct evms_object *object;
	struct raid_super *super;
	uint32_t role;		/* slot of the array, or RAID_ROLE_* */
	bool left_out;		/* stale, twice there or of another shape: has no data of ours */
	uint64_t length;	/* sectors of it that linear and raid0 use */
};

struct raid_array {
	struct raid_member *members;	/* those with a slot first, in order of slots */
	uint32_t count;
	const struct raid_super *fresh;	/* of the member with the most events */
	struct raid_member **slots;	/* [raid_disks], NULL where missing */
	uint32_t raid_disks;
	uint32_t missing;		/* empty slots */
	uint32_t stale;			/* members left out for too few events */
	uint32_t doubles;		/* members left out for a slot that is taken */
	uint32_t strange;		/* members left out for another shape of the array */
	uint64_t sectors;		/* size of the array */
};

/* super.c */
uint64_t raid_super_position(enum raid_format format, uint64_t member_size);
const char *raid_format_name(enum raid_format format);
/* Look for one format. RAID_FOUND_*, or a negative errno when the place cannot be read. */
int raid_super_read(struct evms_object *o, enum raid_format format, struct raid_super *out,
		    struct raid_trouble *trouble);
/* Look for all formats and choose the one written last. Results as raid_super_read(). */
int raid_super_find(struct evms_object *o, struct raid_super *out, struct raid_trouble *trouble);
/* The role that a superblock's table gives to a device. */
uint32_t raid_super_role(const struct raid_super *s, uint32_t dev_number);
/* Encode the decoded members of a version 1 superblock into its raw bytes, checksum included. */
void raid_super_store(struct raid_super *s);
/* Set the role table of a superblock that is being made: slots 0..n-1, the rest spare. */
void raid_super_set_roles(struct raid_super *s, uint32_t n);
void raid_uuid_text(const uint8_t uuid[16], char text[RAID_UUID_TEXT]);

/* geometry.c */
/* The size of the array and the lengths of its members. 0, or -errno with the trouble filled in. */
int raid_geometry_size(struct raid_array *a, struct raid_trouble *trouble);
/* NULL when the data can be reached by linear and striped maps, else why not. */
const char *raid_geometry_unsupported(const struct raid_array *a);
/* How many members the level can lose. */
uint32_t raid_geometry_spare_disks(const struct raid_array *a);
int raid_geometry_map(const struct raid_array *a, struct evms_object *out);
const char *raid_level_name(int32_t level);

/* assemble.c */
int raid_probe(struct evms_object *in);
int raid_claim(struct evms_object *in);
int raid_assemble(struct evms_members *members);
void raid_release(struct evms_object *o);
struct raid_array *raid_array_new(uint32_t count);
void raid_array_free(struct raid_array *a);
/* Choose the freshest superblock and give the members their slots. */
int raid_array_arrange(struct raid_array *a);
/* Make the feature object of an arranged array, which then owns it. Frees the array on failure. */
int raid_array_publish(struct raid_array *a, struct evms_object **out);
/* The name of the object: the set name without its host part, or one made of the uuid. */
void raid_array_set_names(const struct raid_array *a, char *label, char *name, size_t size);

/* tasks.c */
extern const struct evms_option raid_options[];
int raid_acceptable(struct evms_task *task, struct evms_object *in);
int raid_create(struct evms_task *task);
int raid_remove(struct evms_task *task);
int raid_rename(struct evms_task *task);
int raid_write(struct evms_object *out);

#endif
