/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tasks: one operation, its inputs and options; running one changes the model in memory only. */
#include <errno.h>
#include <stdio.h>
#include "change/change.h"

int task_vfail(const struct evms_task *t, int error, const char *reason, const char *fmt, va_list args)
{
	const struct evms_object *o = t->inputs.count ? t->inputs.at[0] : NULL;

	return context_vfail(t->change->ctx, error, o ? o->name : "", t->plugin ? t->plugin->name : "",
			     reason, fmt, args);
}

int task_fail(const struct evms_task *t, int error, const char *reason, const char *fmt, ...)
{
	va_list args;
	int r;

	va_start(args, fmt);
	r = task_vfail(t, error, reason, fmt, args);
	va_end(args);
	return r;
}

int task_new(struct change *c, struct evms_plugin *plugin, uint32_t op, struct evms_task **out)
{
	struct evms_task *t;

	if (op >= EVMS_OP_COUNT)
		return context_fail(c->ctx, EINVAL, "", "", "task.operation", "there is no operation %u", op);
	if (plugin && !(plugin->ops & EVMS_OP_BIT(op)))
		return context_fail(c->ctx, ENOTSUP, "", plugin->name, "task.operation",
				    "this plug-in does not offer %s", op_name(op));
	t = calloc(1, sizeof(*t));
	if (!t)
		return context_fail(c->ctx, ENOMEM, "", "", "memory", "out of memory");
	t->refs = 1;
	t->change = c;
	t->plugin = plugin;
	t->op = op;
	if (plugin)
		plugin->users++;
	*out = t;
	return 0;
}

struct evms_task *task_ref(struct evms_task *t)
{
	t->refs++;
	return t;
}

static void forget_outputs(struct evms_task *t)
{
	while (t->outputs.count)
		evms_object_unref(t->outputs.at[--t->outputs.count]);
}

void task_unref(struct evms_task *t)
{
	size_t i;

	if (!t || --t->refs)
		return;
	forget_outputs(t);
	for (i = 0; i < t->inputs.count; i++)
		evms_object_unref(t->inputs.at[i]);
	for (i = 0; i < t->options.count; i++)
		free(t->options.at[i].text);
	task_forget_names(t);
	vec_free(&t->inputs);
	vec_free(&t->outputs);
	vec_free(&t->options);
	task_unref(t->fs_task);
	if (t->plugin)
		t->plugin->users--;
	free(t->words);
	table_free(t->old_table);
	free(t);
}

/* Whose business is an operation on this object, when the caller did not say? */
static struct evms_plugin *natural_plugin(const struct evms_task *t, const struct evms_object *o)
{
	switch (t->op) {
	case EVMS_OP_MKFS:
		return NULL;
	case EVMS_OP_CHECK:
	case EVMS_OP_UNMKFS:
		return o->fs ? o->fs->plugin : NULL;
	default:
		return o->claimer ? o->claimer : o->owner;
	}
}

static int find_plugin(struct evms_task *t, const struct evms_object *o)
{
	struct evms_plugin *p = natural_plugin(t, o);

	if (t->plugin || t->op == EVMS_OP_WIPE || (t->op == EVMS_OP_UNMKFS && !p))
		return 0;
	if (!p)
		return context_fail(t->change->ctx, EINVAL, o->name, "", "task.plugin", t->op == EVMS_OP_CHECK ?
				    "there is no file system on it that a plug-in knows" :
				    "say which plug-in is to %s it", op_name(t->op));
	if (!(p->ops & EVMS_OP_BIT(t->op)))
		return context_fail(t->change->ctx, ENOTSUP, o->name, p->name, "task.operation",
				    "this plug-in does not offer %s", op_name(t->op));
	t->plugin = p;
	p->users++;
	return 0;
}

int task_add_input(struct evms_task *t, struct evms_object *o)
{
	struct evms_object *real = o;
	int r;

	if (!o->model)
		return context_fail(t->change->ctx, ESTALE, o->name, "", "object.gone",
				    "this object is not there any more");
	if (o->model != t->change->model)
		return context_fail(t->change->ctx, EINVAL, o->name, "", "object.engine",
				    "this object belongs to another engine");
	r = rules_check_input(t, t->inputs.count, &real);
	if (r == 0 && !t->inputs.count)
		r = find_plugin(t, real);
	if (r < 0)
		return r;
	t->any_free |= o->kind == EVMS_KIND_DISK && real->kind == EVMS_KIND_FREE;
	o = real;
	if (!vec_push(&t->inputs, o))
		return context_fail(t->change->ctx, ENOMEM, o->name, "", "memory", "out of memory");
	evms_object_ref(o);
	return 0;
}

const struct task_option *task_find(const struct evms_task *t, const char *option)
{
	size_t i;

	for (i = 0; i < t->options.count; i++)
		if (!strcmp(t->options.at[i].option->name, option))
			return &t->options.at[i];
	return NULL;
}

static int unknown_option(const struct evms_task *t, const char *option)
{
	const struct evms_option *near = plugin_nearest_option(t->plugin, t->op, option);

	if (near)
		return task_fail(t, ENOENT, "option.unknown", "%s has no option \"%s\"; did you mean \"%s\"?",
				 op_name(t->op), option, near->name);
	return task_fail(t, ENOENT, "option.unknown", "%s has no option \"%s\"", op_name(t->op), option);
}

/* "+1G" and "-10%" are relative to the size that the object has. */
static int parse_relative(const struct evms_task *t, const struct evms_option *o, const char *text,
			  uint64_t base, uint64_t *out)
{
	uint64_t change;
	int r = option_parse(t->change->ctx, t->plugin, o, text + 1, base, &change);

	if (r < 0)
		return r;
	if (*text == '+' ? change > UINT64_MAX - base : change > base)
		return task_fail(t, ERANGE, "option.range", "\"%s\" is more than there can be", text);
	*out = *text == '+' ? base + change : base - change;
	return 0;
}

static int parse_option(const struct evms_task *t, const struct evms_option *o, const char *text,
			uint64_t *out)
{
	uint64_t base = t->inputs.count ? t->inputs.at[0]->size : 0;
	bool resizes = t->op == EVMS_OP_EXPAND || t->op == EVMS_OP_SHRINK;

	if (resizes && !strcmp(o->name, "size") && (*text == '+' || *text == '-'))
		return parse_relative(t, o, text, base, out);
	return option_parse(t->change->ctx, t->plugin, o, text, base, out);
}

int task_set(struct evms_task *t, const char *option, const char *value)
{
	struct task_option set = { .text = NULL }, *old;
	int r;

	if (!t->plugin)
		return task_fail(t, EINVAL, "task.plugin", "options are set after the plug-in or the first "
				 "input");
	set.option = plugin_find_option(t->plugin, t->op, option);
	if (!set.option)
		return unknown_option(t, option);
	r = parse_option(t, set.option, value, &set.value);
	if (r < 0)
		return r;
	set.text = strdup(value);
	if (!set.text)
		return task_fail(t, ENOMEM, "memory", "out of memory");
	old = (struct task_option *)(uintptr_t)task_find(t, option);
	if (old) {
		free(old->text);
		*old = set;
		return 0;
	}
	if (!vec_push(&t->options, set)) {
		free(set.text);
		return task_fail(t, ENOMEM, "memory", "out of memory");
	}
	return 0;
}

static int check_required(const struct evms_task *t)
{
	uint32_t i;

	for (i = 0; t->plugin && i < t->plugin->option_count; i++) {
		const struct evms_option *o = &t->plugin->options[i];

		if (o->ops & EVMS_OP_BIT(t->op) && o->flags & EVMS_OPTION_REQUIRED && !task_find(t, o->name))
			return task_fail(t, EINVAL, "option.missing", "%s needs the option \"%s\" (%s)",
					 op_name(t->op), o->name, o->help ? o->help : "");
	}
	return 0;
}

int task_accepts(struct evms_task *t, struct evms_object *o)
{
	struct evms_object *real = o;
	int r;

	if (!o->model || o->model != t->change->model)
		return context_fail(t->change->ctx, ESTALE, o->name, "", "object.gone",
				    "this object is not there any more");
	r = rules_check_input(t, t->inputs.count, &real);
	if (r < 0 || !t->plugin)
		return r;
	r = registry_load(t->change->registry, t->plugin);
	if (r < 0 || !t->plugin->setup.acceptable)
		return r;
	model_call_begin(t->change->model, t->plugin, "acceptable");
	r = t->plugin->setup.acceptable(t, real);
	return model_call_end(t->change->model, r > 0 ? -EPROTO : r);
}

int task_call(struct evms_task *t, int (*op)(struct evms_task *))
{
	struct model *m = t->change->model;
	size_t first = m->objects.count, i;
	int r;

	model_call_begin(m, t->plugin, op_name(t->op));
	m->call.may_change = m->call.may_wipe = true;
	r = op(t);
	r = model_call_end(m, r > 0 ? -EPROTO : r);
	for (i = first; r == 0 && i < m->objects.count; i++) {
		struct evms_object *o = m->objects.at[i];

		if (!o || o->kind & (EVMS_KIND_FREE | EVMS_KIND_METADATA))
			continue;
		if (!vec_push(&t->outputs, o))
			return task_fail(t, ENOMEM, "memory", "out of memory");
		evms_object_ref(o);
	}
	return r;
}

static int call_op(struct evms_task *t)
{
	const struct evms_setup *s = &t->plugin->setup;
	int (*const ops[EVMS_OP_COUNT])(struct evms_task *) = {
		[EVMS_OP_CREATE] = s->create, [EVMS_OP_ASSIGN] = s->assign,
		[EVMS_OP_UNASSIGN] = s->unassign, [EVMS_OP_DELETE] = s->remove,
		[EVMS_OP_EXPAND] = s->expand, [EVMS_OP_SHRINK] = s->shrink, [EVMS_OP_MOVE] = s->move,
		[EVMS_OP_SLIDE] = s->slide, [EVMS_OP_RENAME] = s->rename, [EVMS_OP_SET] = s->set,
		[EVMS_OP_REPLACE] = s->replace, [EVMS_OP_REPAIR] = s->repair, [EVMS_OP_MKFS] = s->mkfs,
		[EVMS_OP_CHECK] = s->check, [EVMS_OP_UNMKFS] = s->unmkfs,
	};

	if (!ops[t->op])
		return task_fail(t, ENOTSUP, "task.operation", "this plug-in does not offer %s",
				 op_name(t->op));
	return task_call(t, ops[t->op]);
}

/* Each must still be there, and still do: other tasks may have run since it was given. */
static int check_inputs(struct evms_task *t)
{
	size_t i;
	int r = 0;

	if (!t->inputs.count)
		return task_fail(t, EINVAL, "task.input", "%s needs an object to work on", op_name(t->op));
	for (i = 0; i < t->inputs.count && r == 0; i++) {
		struct evms_object *o = t->inputs.at[i];

		r = o->model ? rules_check_input(t, i, &o) :
		    context_fail(t->change->ctx, ESTALE, o->name, "", "object.gone",
				 "this object is not there any more");
	}
	return r;
}

/* The objects that have the names of what was given; a run may have put others in their place. */
static int find_inputs(struct evms_task *t)
{
	size_t i;

	for (i = 0; i < t->names.count; i++) {
		const struct task_name *n = &t->names.at[i];
		struct evms_object *o = names_find(&t->change->model->names, n->kind, n->name);

		if (!o)
			return context_fail(t->change->ctx, ESTALE, n->name, "", "object.gone",
					    "this object is not there any more");
		evms_object_ref(o);
		evms_object_unref(t->inputs.at[i]);
		t->inputs.at[i] = o;
	}
	return 0;
}

int task_run_again(struct evms_task *t)
{
	int r = find_inputs(t);

	if (r < 0)
		return r;
	t->ran = false;
	t->confirmed = true;
	return task_run(t);
}

static int run_in_model(struct evms_task *t)
{
	int r = check_inputs(t);

	if (r == 0)
		r = task_remember_names(t);
	if (r == 0)
		r = check_required(t);
	if (r == 0 && t->plugin)
		r = registry_load(t->change->registry, t->plugin);
	if (r == 0)
		r = order_check(t);
	forget_outputs(t);
	if (r == 0)
		r = rules_before(t);
	if (r == 0 && t->plugin && t->op != EVMS_OP_WIPE)
		r = call_op(t);
	if (r == 0)
		r = rules_after(t);
	if (r == 0)
		task_describe(t);
	return r;
}

int task_run(struct evms_task *t)
{
	struct change *c = t->change;
	size_t tools = c->tools.count;
	uint64_t generation = c->model->generation;
	int r, again;

	if (t->ran)
		return task_fail(t, EINVAL, "task.ran", "this task was run already");
	r = run_in_model(t);
	if (r < 0) {
		struct evms_error why = c->ctx->error;

		while (c->tools.count > tools)
			task_unref(c->tools.at[--c->tools.count].task);
		again = c->model->generation != generation ? change_rebuild(c) : 0;
		if (again < 0)
			return again;
		find_inputs(t);
		task_forget_names(t);
		c->ctx->error = why;
		return r;
	}
	if (!vec_push(&c->log, t)) {
		change_rebuild(c);
		return task_fail(t, ENOMEM, "memory", "out of memory");
	}
	task_ref(t);
	t->ran = true;
	return 0;
}
