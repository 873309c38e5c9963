/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the file-system modules have in common: a description of the file system kept on its volume, the
 * operations that only change this description until the commit, and running the file system's own tools.
 */
#ifndef FILESYSTEM_COMMON_H
#define FILESYSTEM_COMMON_H

#include <evms/plugin.h>
#include <stdbool.h>

#define FS_LABEL_SIZE	64	/* bytes of a label in memory, its end included */
#define FS_UUID_SIZE	40
#define FS_OUTPUT_SIZE	8192	/* of what a tool prints */

/* Limits of size for formats that know none below what a file can have. */
#define FS_SIZE_MAX	((uint64_t)INT64_MAX)

/* What is on a volume; the module's private data there. */
struct fs {
	char type[16];
	char label[FS_LABEL_SIZE];
	char uuid[FS_UUID_SIZE];
	uint64_t size, used;
	uint64_t min_size, max_size;	/* equal to size where it cannot shrink or grow */
	uint32_t step;			/* of sizes: a block of the file system */
	uint32_t noted;			/* the volume has a note about it */
	const char *refusal;		/* why it must not be changed; NULL when it may */
	bool check_anyway;		/* checking is fine in spite of the refusal */
	bool keep;			/* not even a new file system may take its place */
};

/* What each module says about itself: one definition in each. */
struct fs_kind {
	const char *name;		/* of the plug-in */
	const char *package;		/* where its tools come from */
	uint32_t label_max;		/* bytes */
	const char *no_grow, *no_shrink;	/* why it never can; NULL when it can */
	/* Bring a label to the form that will be on the disk. NULL when it is fine, else what is wrong. */
	const char *(*fit_label)(char *label);
	/* The option "uuid" in the form of the format, or a random one; NULL for uuids like all others. */
	int (*get_uuid)(const struct evms_task *task, char *out);
};

extern const struct fs_kind fs_kind;

/* --- reading (common.c) --- */

/* Text of fixed width from a disk: ends at a NUL, loses blanks at its end, and is printable UTF-8 after. */
void fs_text(char *out, size_t size, const void *raw, size_t len);
/* "" for zeros. */
void fs_uuid(char *out, const uint8_t *raw);
/* Describe the volume so, and remember it there. */
int fs_publish(struct evms_object *volume, const struct fs *fs);
/* Note what is wrong, and allow nothing but checking. */
void fs_damaged(struct evms_object *volume, struct fs *fs, const char *what, const char *detail);
/* Note it when the file system says that it is larger than its volume. */
void fs_check_fits(struct evms_object *volume, struct fs *fs);

/* --- members of struct evms_setup (common.c) --- */

void fs_release(struct evms_object *volume);
int fs_acceptable(struct evms_task *task, struct evms_object *in);
int fs_get_limits(struct evms_object *volume, struct evms_limits *out);
int fs_resize(struct evms_task *task);	/* expand and shrink */
int fs_rename(struct evms_task *task);
int fs_check(struct evms_task *task);
int fs_unmkfs(struct evms_task *task);

/* --- making (common.c) --- */

EVMS_PRINTF_(4, 5)
int fs_fail(const struct evms_task *task, int error, const char *what, const char *fmt, ...);
/* The text of an option as a label, "" when it is not given. */
int fs_get_label(const struct evms_task *task, const char *option, char *out);
/* Begin to describe a new file system on the volume of the task: its size, label and uuid. */
int fs_begin(struct evms_task *task, const char *type, uint32_t step, struct fs *out);
/* Publish a new file system: notes about the one before go. */
int fs_publish_new(struct evms_object *volume, const struct fs *fs);
/*
 * While a mkfs runs: the uuid (serial) that was asked for, or chosen when the task was planned as far as that
 * is still known; "" leaves the choice to the tool.
 */
void fs_get_planned_uuid(const struct evms_task *task, char *out);
bool fs_is_power_of_two(uint64_t n);

/* --- tools (tool.c) --- */

/* The arguments of a tool, collected one by one. */
struct fs_args {
	const char *argv[40];
	unsigned count;
	char numbers[12][32];
	unsigned number_count;
};

void fs_arg(struct fs_args *a, const char *text);
/* The same with a formatted number: format has one conversion, for an unsigned long long. */
void fs_arg_u64(struct fs_args *a, const char *format, uint64_t value);

/* Run it. The exit status, or a negative errno, recorded. */
int fs_run(struct evms_task *task, const struct fs_args *a, uint32_t flags, char *output, size_t size);
/* The tool failed: an error with its exit status and the last line that it printed. */
int fs_tool_failed(const struct evms_task *task, const struct fs_args *a, int status, char *output);
/* Run it; an exit status above ok is an error. 0 or a negative errno, recorded. */
int fs_run_ok(struct evms_task *task, const struct fs_args *a, uint32_t flags, int ok);

#endif
