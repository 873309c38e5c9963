/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The lvm2 plug-in's own model of a volume group, shared by its files.
 *
 * The text of the group as read stays in memory. A logical volume or physical volume that no task touches
 * keeps its stretch of that text, byte by byte, so that keys and segment types which are unknown here
 * survive. Everything parsed lives in one arena and goes with the group.
 */
#ifndef LVM2_H
#define LVM2_H

#include <stdbool.h>
#include <stdint.h>
#include <evms/plugin.h>

#define SECTOR		512u
#define LABEL_SECTORS	4u
#define LABEL_SPACE	4096u		/* bytes that belong to the label; the first area begins here */
#define MDA_HEADER	512u
#define MDA_MIN		32768u
#define UUID_LEN	32u
#define UUID_TEXT	38u		/* with the dashes */
#define NAME_MAX_LEN	127u
#define TEXT_MAX	(UINT64_C(256) << 20)	/* more metadata than any group can need */
#define LIST_MAX	28		/* location pairs that fit a label sector */
#define STRIPES_MAX	128u

/* --- memory (mem.c) --- */

struct arena_chunk;
struct arena {
	struct arena_chunk *chunks;
	size_t used, size;		/* of the first chunk */
};
void *arena_alloc(struct arena *a, size_t len);
char *arena_copy(struct arena *a, const char *text, size_t len);	/* adds a NUL */
void arena_free(struct arena *a);

struct buf {				/* growing text; error sticks */
	char *data;
	size_t len, capacity;
	bool failed;
};
bool buf_reserve(struct buf *b, size_t len);	/* room for that much more and a NUL */
static inline void buf_add(struct buf *b, const char *text, size_t len)
{
	if (b->failed || (len >= b->capacity - b->len && !buf_reserve(b, b->capacity + len + 256)))
		return;
	memcpy(b->data + b->len, text, len);
	b->len += len;
	b->data[b->len] = '\0';
}
static inline void buf_str(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}
void buf_u64(struct buf *b, uint64_t v);
void buf_key_u64(struct buf *b, const char *key, uint64_t v);		/* "key = v\n" */
void buf_key_str(struct buf *b, const char *key, const char *text, size_t len);
void buf_quoted(struct buf *b, const char *text, size_t len);
void buf_free(struct buf *b);

/* Grow an array of elements for one more; false: out of memory. */
bool grow(void *array, size_t count, size_t *capacity, size_t element);

struct name {				/* a named thing in a hash table */
	const char *s;
	uint32_t len, hash;
};
struct names {
	struct name_slot *slots;
	size_t slot_count, count, used;	/* used: also by what was removed */
	uint64_t seed;
};
bool names_reserve(struct names *t, size_t count);	/* in all; false: out of memory */
int names_add(struct names *t, struct name *n);		/* -EEXIST, -ENOMEM */
struct name *names_find(const struct names *t, const char *s, size_t len);
void names_remove(struct names *t, struct name *n);
void names_free(struct names *t);
uint64_t hash_bytes(uint64_t seed, const char *s, size_t len);

/* --- tokens of the text (text.c) --- */

enum item_type { ITEM_SECTION, ITEM_VALUE, ITEM_LIST };
enum value_type { VALUE_INT, VALUE_FLOAT, VALUE_STRING };

struct value {
	const char *s;			/* the text, without quotes */
	uint32_t len;
	uint8_t type;
	bool escaped;			/* \" or \\ inside */
	bool negative;
	uint64_t u64;			/* magnitude of an INT */
};

struct item {
	const char *start, *end;	/* key .. behind the value; for a section: behind the brace */
	const char *key;
	uint32_t key_len;
	uint8_t type;
	const char *list;		/* LIST: behind the bracket */
	struct value value;		/* VALUE */
};

struct tok {				/* walks text that ends with a NUL */
	const char *p;
	const char *begin;		/* for the line in messages */
	const char *error;
	uint32_t depth;
};
void tok_init(struct tok *t, const char *text);
int tok_item(struct tok *t, struct item *it);	/* 1; 0 at the end of section or text; -EBADMSG */
int tok_skip(struct tok *t);			/* to the end of the section just entered */
int tok_next(struct tok *t, struct value *v);	/* next value of a list: 1, 0, -EBADMSG */
void tok_list(struct tok *t, const struct item *list);
unsigned tok_line(const struct tok *t);
bool value_is(const struct value *v, const char *text);
bool value_u32(const struct item *it, uint32_t *out);
bool value_u64(const struct item *it, uint64_t *out);
#define KEY_IS(it, text) \
	((it)->key_len == sizeof(text) - 1 && !memcmp((it)->key, text, sizeof(text) - 1))

/* --- label and metadata areas (label.c, area.c) --- */

struct pair { uint64_t offset, size; };

struct label {
	uint64_t sector;
	char uuid[UUID_TEXT + 1];
	uint64_t device_size;
	uint32_t version, flags;	/* of the extension header; 0 without one */
	uint32_t area_count;
	struct pair data, boot;
	struct pair areas[LIST_MAX];
};

#define LABEL_USED	1u		/* flags: belongs to a group */
#define LABEL_NONE	0
#define LABEL_GOOD	1
#define LABEL_BAD	2		/* looks like one, but is damaged */

struct mda {				/* a metadata area */
	uint64_t offset, size;
	uint64_t text_offset, text_size;	/* committed text, 0 for none; offset inside the area */
	uint32_t text_crc;
	bool ignored;			/* the group keeps no text in it */
	bool pending;			/* a precommitted text waits in it */
	bool unusable;			/* lies where it cannot be used: never written */
	const char *damage;		/* what is wrong with the header, NULL for nothing */
};

/* Read the label of an object. LABEL_* or a negative errno; why: what is damaged. */
int label_read(struct evms_object *o, struct label *l, const char **why);
void label_build(uint8_t *space, const struct label *l);
uint32_t lvm_crc(const void *buf, size_t len);
bool uuid_valid(const char *text, size_t len);
struct random {				/* bytes that were got at once and not yet used */
	uint8_t bytes[256];
	uint32_t left;
};
int uuid_new(struct random *random, char *text);

int mda_read(struct evms_object *o, const struct pair *where, struct mda *m);
int mda_read_text(struct evms_object *o, const struct mda *m, uint64_t from, char *buf, size_t len);
void mda_header_build(uint8_t *header, const struct mda *m, const struct mda *next);
/* Where a text of len bytes goes. 0 or -ENOSPC. */
int mda_place(const struct mda *m, uint64_t len, uint64_t *offset);
uint64_t mda_capacity(const struct mda *m);
int mda_stage_text(struct evms_object *o, const struct mda *m, const char *text, uint64_t len,
		   uint64_t offset);

/* --- the group --- */

struct hole { uint32_t start, len; };
struct hole_chunk { struct hole *holes; uint32_t count, capacity, largest; };
struct free_set {			/* free extents of one physical volume (free.c) */
	struct hole_chunk *chunks;
	size_t count, capacity;
	uint64_t total;
};
int free_put(struct free_set *f, uint32_t start, uint32_t len);
int free_take(struct free_set *f, uint32_t start, uint32_t len);
/* The first hole of at least len extents; false: none. */
bool free_find(const struct free_set *f, uint32_t len, struct hole *out);
bool free_largest(const struct free_set *f, struct hole *out);
uint32_t free_at(const struct free_set *f, uint32_t start);	/* free extents from start on */
void free_clear(struct free_set *f);

struct pv {
	struct name name;		/* "pv0" */
	struct name id;			/* the uuid as text */
	const char *text;		/* its section: pv0 { ... } */
	uint32_t text_len;
	uint32_t index;			/* position in the group */
	const char *hint;
	uint32_t hint_len;
	uint32_t pe_count;
	uint64_t dev_size, pe_start;	/* sectors */
	uint64_t base;			/* bytes: where its extents begin in the group */
	struct free_set free;
	struct evms_object *object;	/* NULL: missing */
	struct evms_object *twin;	/* another object with the same uuid */
	struct mda *mdas;
	uint32_t mda_count;
	bool fresh;			/* gets its label at the next commit */
	bool allocatable;
	bool flagged_missing;		/* the text says so */
	bool picked;			/* of the allocation under way */
	struct label label;
};

enum seg_kind { SEG_STRIPED, SEG_ZERO, SEG_ERROR, SEG_OTHER };

struct lv;
struct area {				/* one leg of a segment */
	union { struct pv *pv; struct lv *lv; const char *name; } on;
	uint32_t start;			/* extent */
	uint16_t name_len;		/* only until the name is resolved */
	uint16_t is_lv;
};

struct seg {
	uint32_t start, count;		/* extents of the volume */
	uint32_t stripe;		/* sectors */
	uint16_t n;
	uint16_t kind;
	struct area *areas;		/* n of them */
};

#define LV_VISIBLE	(1u << 0)
#define LV_WRITE	(1u << 1)
#define LV_OTHER	(1u << 2)	/* has segments that cannot be mapped */
#define LV_STACKED	(1u << 3)	/* has segments on other volumes */
#define LV_SUB		(1u << 4)	/* carries another volume */
#define LV_ORIGIN	(1u << 5)	/* snapshots depend on it */
#define LV_LOCKED	(1u << 6)	/* the text forbids changes to it */
#define LV_VISITED	(1u << 7)	/* while mapping */
#define LV_MAPPED	(1u << 8)

struct lv {
	struct name name;
	struct lv *prev, *next;
	const char *text;		/* its section: NAME { ... } */
	const char *id;
	const char *damage;		/* why it cannot be used, NULL for nothing */
	const char *type;		/* of the first segment */
	struct seg *segs;
	struct evms_object *object;
	uint32_t text_len, type_len;
	uint32_t seg_count, extents;
	uint32_t refs;			/* times other volumes name it */
	uint32_t flags;
};

struct vg_item { const char *text; uint32_t len; uint32_t what; };
enum { VG_RAW, VG_SEQNO, VG_PVS, VG_LVS, VG_TAIL };

struct vg {
	struct arena arena;
	char *text;			/* as read */
	size_t text_len;
	const char *name;
	char id[UUID_TEXT + 1];
	uint32_t seqno;			/* as read; the next commit writes one more */
	uint32_t extent_size;		/* sectors */
	uint32_t max_lv, max_pv;
	struct vg_item *items;		/* what the section holds, in order */
	size_t item_count, item_capacity;
	struct pv **pvs;
	size_t pv_count, pv_capacity;
	struct names pv_names, pv_ids, lv_names;
	struct lv *first, *last;
	size_t lv_count;
	struct evms_object *object;
	const char *frozen_reason;	/* NULL, or the token ... */
	const char *frozen;		/* ... and text why the group must not be changed */
	bool damaged;			/* by what its text says */
	bool lasting;			/* degraded by what a commit does not mend */
	bool sealed;			/* nor the data of its volumes */
	bool resizeable;
	uint32_t next_pv, next_lv;	/* numbers tried next for names */
	uint64_t stamp;			/* time of the last change */
	uint64_t staged_len;		/* of the text that was staged last, and its checksum */
	uint32_t staged_crc;
	struct random random;
	char host[65];
};

/* Reading the text (vg.c, lv.c). why: an arena or constant text. */
int vg_parse(char *text, struct vg **out, char *why, size_t why_size);
void vg_free(struct vg *vg);
void vg_freeze(struct vg *vg, const char *reason, const char *text);
void vg_seal(struct vg *vg, const char *reason, const char *text);	/* freeze, and the data too */
int vg_add_pv(struct vg *vg, struct pv *pv);
void vg_place(struct vg *vg);		/* where each volume's extents begin in the group */
uint64_t vg_size(const struct vg *vg);
struct lv *vg_find_lv(const struct vg *vg, const char *name, size_t len);
int vg_link_lv(struct vg *vg, struct lv *lv);
void vg_unlink_lv(struct vg *vg, struct lv *lv);
uint64_t vg_extent(const struct vg *vg);	/* bytes */
void vg_stamp(struct vg *vg);		/* note time and host, which go into the text */
int vg_touch(struct vg *vg);		/* that, and mark the group as changed: a commit mends it */

struct lv_parse;			/* lv.c: what is collected while volumes are read */
int lv_section(struct vg *vg, struct tok *t, struct lv_parse **state);
int lv_finish(struct vg *vg, struct lv_parse *state);
void lv_parse_free(struct lv_parse *state);

/*
 * The text of a volume of one linear segment, in exactly the form that LVM2 and we print: most are like that,
 * and are read several times as fast as token by token (quick.c).
 */
struct quick_lv {
	const char *id, *pv;
	size_t pv_len;
	uint32_t count, start;
	bool writable;
};
/* p stands behind the opening brace. Where the closing one ends, or NULL: read it the other way. */
const char *quick_lv(const char *p, const char *end, struct quick_lv *q);

/* First look at a text: the id and number of the group. 1, 0 (not within this much), -EBADMSG. */
int text_peek(const char *text, char *id, uint32_t *seqno);

/* Writing text (print.c) */
int print_vg(const struct vg *vg, struct buf *out);
struct lv_edit {			/* NULL: as it was */
	const char *name;
	const char *status;		/* the inside of the list */
	const char *tags;
	bool segments;			/* write them from the model */
};
int print_lv(struct vg *vg, struct lv *lv, const struct lv_edit *edit);
int print_new_lv(struct vg *vg, struct lv *lv, const char *name, const char *id);
int print_pv(struct vg *vg, struct pv *pv);

/* Allocation (alloc.c) */
struct rows {				/* what was allocated: count rows of n legs each */
	uint32_t n;
	size_t count, capacity;
	struct row { uint32_t len; } *at;
	struct area *areas;		/* n for each row */
	size_t area_capacity;
	uint32_t got;			/* extents of each leg */
};
/*
 * len extents on each of n volumes, among the picked ones; last: what is to be continued.
 * Takes what there is when less is free: the caller looks at rows->got.
 */
int alloc_rows(struct vg *vg, uint32_t n, uint32_t len, const struct seg *last, struct rows *rows);
void alloc_undo(struct rows *rows);
void rows_free(struct rows *rows);
/* New segments of a volume: the old ones, continued by the rows. Does not change it. */
int alloc_segments(struct vg *vg, const struct lv *lv, const struct rows *rows, uint32_t stripe,
		   struct seg **segs, uint32_t *count);
int pick_pvs(struct vg *vg, struct evms_task *task);

/* Between our model and the engine's (group.c, region.c) */
int group_assemble(struct evms_members *members);
int group_describe(struct vg *vg);
int group_make_pv(struct evms_task *task, struct vg *vg, struct evms_object *o, struct pv **out);
int region_make(struct vg *vg, struct lv *lv);
int region_make_all(struct vg *vg);
int region_describe(struct vg *vg, struct lv *lv);
int region_map(struct vg *vg, struct lv *lv);
int region_allocate(struct vg *vg, struct lv *lv);
int region_release(struct vg *vg, struct lv *lv);
bool lv_is_plain(const struct lv *lv);

/* What an object is to us, without changing anything (probe.c) */
enum { IS_NOTHING, IS_ORPHAN, IS_MEMBER, IS_LONE, IS_DAMAGED };
struct finding {
	struct label label;
	int is;
	char key[64];
	const char *why;
};
int find_out(struct evms_object *o, struct finding *f);

/* The entries of struct evms_setup (tasks-group.c, tasks-region.c, commit.c) */
int lvm2_acceptable(struct evms_task *task, struct evms_object *in);
int lvm2_get_limits(struct evms_object *o, struct evms_limits *out);
int lvm2_create(struct evms_task *task);
int lvm2_remove(struct evms_task *task);
int lvm2_expand(struct evms_task *task);
int lvm2_shrink(struct evms_task *task);
int lvm2_rename(struct evms_task *task);
int lvm2_set(struct evms_task *task);
int lvm2_repair(struct evms_task *task);
int lvm2_write(struct evms_object *o);
void lvm2_committed(struct evms_object *o);
int region_create(struct evms_task *task, struct vg *vg);
int region_remove(struct evms_task *task, struct evms_object *o);
int region_resize(struct evms_task *task, struct evms_object *o, bool larger);
int region_rename(struct evms_task *task, struct evms_object *o);
int region_limits(struct evms_object *o, struct evms_limits *out);
struct lv *region_lv(const struct evms_object *o);	/* the volume of a region of ours */
struct vg *task_vg(struct evms_task *task, struct evms_object *o, int *error);
bool name_valid(const char *s, size_t len);
bool name_reserved(const char *s);
int task_uuid(struct evms_task *task, struct vg *vg, char *text);

#endif
