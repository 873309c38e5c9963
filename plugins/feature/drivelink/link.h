/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of the drivelink plug-in share: copies of metadata and links in memory. */
#ifndef LINK_H
#define LINK_H

#include <stdbool.h>
#include <evms/plugin.h>

#define LINK_AREA	65536u	/* bytes reserved for a copy; also the granule of data */
#define LINK_DATA	(UINT64_C(1) << 20)	/* where data begins on a new child */
#define LINK_HEADER	512u
#define LINK_ENTRY	32u
#define LINK_MAX	1024u			/* children: header and table fit into an area */
#define LINK_NAME	128u			/* with its NUL */
#define LINK_UUID_TEXT	37u
#define LINK_MAX_SIZE	(UINT64_C(1) << 62)
#define LINK_MAX_SEQ	(UINT64_C(1) << 62)

/* One copy of the metadata, decoded and checked; the table stays on the device. */
struct link_copy {
	uint32_t number;		/* 1 at the start of a child, 2 at its end */
	uint32_t digest;		/* of what is the same on all children */
	uint64_t sequence;		/* 1..LINK_MAX_SEQ */
	uint8_t link[16];
	uint8_t child[16];
	uint32_t count;			/* 1..LINK_MAX */
	uint32_t index;			/* < count */
	uint64_t size;			/* of the link: sum of the table */
	uint64_t data_offset;		/* in the child; data lies inside it, off both copies */
	uint64_t data_size;
	uint64_t copy2;			/* offset of copy 2 in the child */
	char name[LINK_NAME];
};

/* Why a copy cannot be used. */
struct link_trouble {
	const char *reason;		/* "drivelink.<what>" */
	const char *text;
};

enum link_found {
	LINK_FOUND_NONE,
	LINK_FOUND_GOOD,
	LINK_FOUND_BAD
};

struct link_child {
	uint8_t uuid[16];
	uint64_t data_offset;
	uint64_t data_size;
	uint64_t copy2;
	struct evms_object *object;	/* NULL when missing */
};

struct link {
	uint8_t uuid[16];
	char name[LINK_NAME];
	uint64_t sequence;		/* of what write() stages; the operations count it up */
	uint64_t size;
	uint32_t count;
	uint32_t missing;
	bool locked;			/* must not be changed: something is missing or ambiguous */
	struct link_child *children;
};

/* format.c */
/* Look for copy 1 or 2 at an offset. LINK_FOUND_*, or a negative errno when it cannot be read. */
int link_copy_read(struct evms_object *o, uint32_t number, uint64_t offset, struct link_copy *out,
		   struct link_trouble *trouble);
/* Read the table of a copy again: uuids and sizes go into children[copy->count]. 0 or -errno. */
int link_table_read(struct evms_object *o, const struct link_copy *copy,
		    struct link_child *children);
/* Where copy 2 of a new child lies; 0 when the child is too small. */
uint64_t link_copy2_offset(uint64_t size);
/* Encode one copy for one child into a cleared area. */
void link_encode(const struct link *l, uint32_t index, uint32_t number, uint8_t area[LINK_AREA]);
bool link_name_ok(const char *name);
void link_uuid_text(const uint8_t uuid[16], char text[LINK_UUID_TEXT]);
int link_uuid_new(uint8_t uuid[16]);

/* assemble.c */
int link_probe(struct evms_object *in);
int link_claim(struct evms_object *in);
int link_assemble(struct evms_members *members);
void link_release(struct evms_object *o);
void link_free(struct link *l);
/* Make the feature object of a link, which then owns it. Frees the link on failure. */
int link_publish(struct link *l, struct evms_object **out);
/* Size, map, block size and properties, from the children. */
int link_show(const struct link *l, struct evms_object *out);

/* tasks.c */
extern const struct evms_option link_options[];
int link_acceptable(struct evms_task *task, struct evms_object *in);
int link_get_limits(struct evms_object *o, struct evms_limits *out);
int link_create(struct evms_task *task);
int link_remove(struct evms_task *task);
int link_expand(struct evms_task *task);
int link_shrink(struct evms_task *task);
int link_rename(struct evms_task *task);
int link_repair(struct evms_task *task);
int link_write(struct evms_object *out);

#endif
