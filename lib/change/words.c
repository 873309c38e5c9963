/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a task does, as a sentence for the plan: "create region vg/home (512 MiB): stripes=2". */
#include <errno.h>
#include "change/change.h"

/* What the sentence says already. */
static bool is_said(const struct evms_task *t, const char *option)
{
	if (!strcmp(option, "name"))
		return t->op == EVMS_OP_CREATE || t->op == EVMS_OP_RENAME;
	if (!strcmp(option, "size"))
		return t->op == EVMS_OP_CREATE || t->op == EVMS_OP_EXPAND || t->op == EVMS_OP_SHRINK;
	return !strcmp(option, "type") && t->op == EVMS_OP_MKFS;
}

/* The options that were asked for; what the plug-in has chosen besides is nobody's concern. */
static void add_options(const struct evms_task *t, struct text *text)
{
	const char *joint = ": ";
	size_t i;

	for (i = 0; i < t->options.count && i < t->asked; i++) {
		const struct task_option *o = &t->options.at[i];

		if (is_said(t, o->option->name))
			continue;
		text_add(text, "%s%s=%s", joint, o->option->name, o->text);
		joint = ", ";
	}
}

static void add_input(const struct evms_task *t, struct text *text)
{
	text_add(text, "%s %s", kind_name(t->names.at[0].kind), t->names.at[0].name);
}

/* "partitions a.img/x and b.img/y", "disk c.img and region vg/z" */
static void add_inputs(const struct evms_task *t, struct text *text, size_t first)
{
	bool alike = t->names.count > first + 1;
	size_t i;

	for (i = first + 1; i < t->names.count; i++)
		alike &= t->names.at[i].kind == t->names.at[first].kind;
	if (alike)
		text_add(text, "%ss ", kind_name(t->names.at[first].kind));
	for (i = first; i < t->names.count; i++) {
		if (i > first)
			text_add(text, i + 1 == t->names.count ? " and " : ", ");
		if (!alike)
			text_add(text, "%s ", kind_name(t->names.at[i].kind));
		text_add(text, "%s", t->names.at[i].name);
	}
}

static void say_create(const struct evms_task *t, const struct evms_object *made, struct text *text)
{
	char size[TEXT_SIZE];

	text_add(text, "create ");
	if (made->kind & (EVMS_KIND_GROUP | EVMS_KIND_FEATURE))
		text_add(text, "%s ", t->plugin->name);
	text_add(text, "%s %s (%s)", made->kind == EVMS_KIND_FEATURE ? "object" : kind_name(made->kind),
		 made->name, text_size(made->size, size, sizeof(size)));
	if (made->kind & (EVMS_KIND_GROUP | EVMS_KIND_FEATURE)) {
		text_add(text, " from ");
		add_inputs(t, text, 0);
	}
}

static void say_resize(const struct evms_task *t, struct text *text)
{
	const struct evms_object *o = t->inputs.at[0];
	const struct object_fs *fs = o->kind == EVMS_KIND_VOLUME ? o->fs : o->volume ? o->volume->fs : NULL;
	char from[TEXT_SIZE], to[TEXT_SIZE];

	if (t->names.count > 1) {
		text_add(text, t->op == EVMS_OP_EXPAND ? "add " : "take ");
		add_inputs(t, text, 1);
		text_add(text, t->op == EVMS_OP_EXPAND ? " to " : " out of ");
		add_input(t, text);
		return;
	}
	text_add(text, "%s ", op_name(t->op));
	if (t->plugin->role == EVMS_ROLE_FILE_SYSTEM)
		text_add(text, "the file system of ");
	add_input(t, text);
	if (o->size != t->names.at[0].size)
		text_add(text, " from %s to %s", text_size(t->names.at[0].size, from, sizeof(from)),
			 text_size(o->size, to, sizeof(to)));
	if (t->fs_task && fs)
		text_add(text, ", its file system (%s) with it", fs->type);
}

static void say_rename(const struct evms_task *t, struct text *text)
{
	const struct task_option *name = task_find(t, "name");

	if (t->plugin->role == EVMS_ROLE_FILE_SYSTEM)
		text_add(text, "label the file system of ");
	else
		text_add(text, "rename ");
	add_input(t, text);
	if (name)
		text_add(text, t->plugin->role == EVMS_ROLE_FILE_SYSTEM ? " \"%s\"" : " to %s", name->text);
}

static void say_mkfs(const struct evms_task *t, struct text *text)
{
	const struct object_fs *fs = t->inputs.at[0]->fs;

	text_add(text, "make file system %s on ", fs ? fs->type : t->plugin->name);
	add_input(t, text);
}

/* With what is lost: size and file system as they were before. */
static void say_delete(const struct evms_task *t, struct text *text)
{
	const struct task_name *n = &t->names.at[0];
	char size[TEXT_SIZE];

	text_add(text, "delete ");
	add_input(t, text);
	text_add(text, " (%s%s%s)", text_size(n->size, size, sizeof(size)), n->holds ? ", " : "",
		 n->holds ? n->holds : "");
}

static void say_around(const struct evms_task *t, struct text *text, const char *before, const char *what,
		       const char *after)
{
	text_add(text, "%s%s%s", before, what, after);
	add_input(t, text);
}

static void say(const struct evms_task *t, struct text *text)
{
	const struct evms_object *made = t->outputs.count ? t->outputs.at[0] : NULL;
	const char *plugin = t->plugin ? t->plugin->name : "";

	switch (t->op) {
	case EVMS_OP_CREATE:
		if (made && made->model) {
			say_create(t, made, text);
			return;
		}
		break;
	case EVMS_OP_ASSIGN:
		say_around(t, text, "put a partition table (", plugin, ") on ");
		return;
	case EVMS_OP_UNASSIGN:
		say_around(t, text, "remove the partition table (", plugin, ") from ");
		return;
	case EVMS_OP_DELETE:
		say_delete(t, text);
		return;
	case EVMS_OP_EXPAND:
	case EVMS_OP_SHRINK:
		say_resize(t, text);
		return;
	case EVMS_OP_RENAME:
		say_rename(t, text);
		return;
	case EVMS_OP_SET:
		say_around(t, text, "change ", "", "");
		return;
	case EVMS_OP_MKFS:
		say_mkfs(t, text);
		return;
	case EVMS_OP_CHECK:
		say_around(t, text, "check the file system (", plugin, ") of ");
		return;
	case EVMS_OP_UNMKFS:
		say_around(t, text, "remove the file system", "", " from ");
		return;
	case EVMS_OP_WIPE:
		say_around(t, text, "wipe every signature", "", " off ");
		return;
	case EVMS_OP_REPAIR:
		say_around(t, text, "repair the metadata (", plugin, ") of ");
		return;
	}
	text_add(text, "%s ", op_name(t->op));
	add_inputs(t, text, 0);
	text_add(text, " with %s", plugin);
}

void task_describe(struct evms_task *t)
{
	struct text text = { .at = NULL };

	say(t, &text);
	add_options(t, &text);
	free(t->words);
	t->words = text_take(&text);
}

/* Inputs are the objects of these names when the task is run again, whatever became of the handles. */
int task_remember_names(struct evms_task *t)
{
	size_t i;

	if (!t->names.count)
		t->asked = t->options.count;
	for (i = t->names.count; i < t->inputs.count; i++) {
		const struct evms_object *o = t->inputs.at[i];
		const struct object_fs *fs = o->kind == EVMS_KIND_VOLUME ? o->fs :
					     o->volume ? o->volume->fs : NULL;
		struct task_name n = { .kind = o->kind, .name = strdup(o->name), .size = o->size };

		if (n.name && fs && fs->type)
			n.holds = strdup(fs->type);
		if (!n.name || !vec_push(&t->names, n)) {
			free(n.name);
			free(n.holds);
			return task_fail(t, ENOMEM, "memory", "out of memory");
		}
	}
	return 0;
}

void task_forget_names(struct evms_task *t)
{
	while (t->names.count) {
		struct task_name *n = &t->names.at[--t->names.count];

		free(n->name);
		free(n->holds);
	}
	vec_free(&t->names);
}
