/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Changing things: tasks change the model in memory, a plan stages every byte and proves by a second
 * discovery what will be found, a commit writes it.
 */
#ifndef CHANGE_H
#define CHANGE_H

#include "discovery/discovery.h"
#include "runtime/table.h"
#include "runtime/tool.h"
#include "util/text.h"

struct task_option {
	const struct evms_option *option;
	char *text;
	uint64_t value;
};

struct task_name {
	uint32_t kind;
	char *name;
	uint64_t size;			/* as it was before the task */
	char *holds;			/* the file system on it, or NULL */
};

struct evms_task {
	unsigned refs;
	struct change *change;
	struct evms_plugin *plugin;	/* NULL: not known before the first input, or the engine's own */
	uint32_t op;
	VEC(struct evms_object *) inputs, outputs;	/* references held */
	VEC(struct task_name) names;	/* of the inputs as they were given */
	bool any_free;			/* a disk was given: any free space of it will do */
	VEC(struct task_option) options;
	size_t asked;			/* so many of them were not set by the plug-in itself */
	bool ran;
	bool confirmed;			/* it ran before: what it asked was answered */
	char *words;			/* what it does, for the plan */
	struct table *old_table;	/* a shrinking file system: the volume as it is on the disk now */
	struct evms_task *fs_task;	/* what the file system on the object has to do with it */
	struct tool_volume *tool;	/* its volume as programs see it, while it is executed */
	bool executing;
};

/* A file-system job of the commit. */
struct tool {
	struct evms_task *task;
	bool before;			/* before the metadata changes */
	bool left;			/* its metadata is on the disk already: only the job is to be done */
};

struct change {
	struct context *ctx;
	struct registry *registry;
	struct device_set *set;
	VEC(struct device *) devices;
	size_t known;			/* so many of them are in the model; the others wait for discovery */
	struct model *model;
	VEC(struct evms_task *) log;	/* run and not committed */
	VEC(struct tool) tools;		/* jobs of the log, and those that a failed commit left */
};

struct evms_plan {
	VEC(char *) steps;
	struct text json;
};

/* --- tasks (task.c) --- */
struct evms_task *task_ref(struct evms_task *t);
void task_unref(struct evms_task *t);
int task_new(struct change *c, struct evms_plugin *plugin, uint32_t op, struct evms_task **out);
int task_add_input(struct evms_task *t, struct evms_object *o);
int task_set(struct evms_task *t, const char *option, const char *value);
const struct task_option *task_find(const struct evms_task *t, const char *option);
int task_accepts(struct evms_task *t, struct evms_object *o);
int task_run(struct evms_task *t);
/* Run it on a model that was built anew. */
int task_run_again(struct evms_task *t);
int task_fail(const struct evms_task *t, int error, const char *reason, const char *fmt, ...)
	PRINTF(4, 5);
int task_vfail(const struct evms_task *t, int error, const char *reason, const char *fmt, va_list args);
/* Call the plug-in's operation for a task, in the model's bracket. */
int task_call(struct evms_task *t, int (*op)(struct evms_task *));
/* While a task is executed: run a program on its volume. Exit status or -errno. */
int task_tool(struct evms_task *t, const char *const *argv, uint32_t flags, char *output,
	      size_t output_size);

/* --- the task in words (words.c) --- */
int task_remember_names(struct evms_task *t);
void task_forget_names(struct evms_task *t);
void task_describe(struct evms_task *t);

/* --- the engine's own rules (rules.c) --- */
/* The input that the operation is really about; rejects what cannot be. May replace *o. */
int rules_check_input(struct evms_task *t, size_t i, struct evms_object **o);
int rules_before(struct evms_task *t);
int rules_after(struct evms_task *t);
/* Refuse features that cannot be on one another (order.c). */
int order_check(const struct evms_task *t);

/* --- signatures (signature.c) --- */
int signature_probe(struct evms_object *o, char **out);
/* Wipe every signature that a plug-in or libblkid knows from an object, in the given phase. */
int signature_wipe(struct evms_object *o, uint32_t phase);
/* Besides, make it blank: its content is given up for good. */
int signature_clear(struct evms_object *o, uint32_t phase);
/* 1: nothing but zeros where signatures could be. 0, or -errno. */
int signature_is_blank(struct evms_object *o);

/* --- staging (stage.c) --- */
int change_stage(struct change *c);
/* Forget what is staged; the next plan stages it again. */
void change_unstage(struct change *c);
/* The plug-in that writes the metadata of a disk, group or feature object; NULL for none. */
struct evms_plugin *change_writer(const struct evms_object *o);
/* Discover through what is staged, and compare. -EPROTO, recorded. */
int change_verify(struct change *c);
/* Empty the model and build it again from the devices; then run the log's tasks again. */
int change_rebuild(struct change *c);
int change_discover(struct change *c);
void change_drop_log(struct change *c);
bool change_is_staged(const struct change *c);

/* --- plan and commit (plan.c, commit.c) --- */
int change_plan(struct change *c, struct evms_plan **out);
int change_commit(struct change *c);
/* Take tasks back until only the first keep are left. */
int change_undo(struct change *c, size_t keep);

#endif
