/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes a registry entry of what a plug-in says about itself: everything is checked once, here, and
 * copied, so that the entry outlives the mapping and later floors need not doubt it.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "registry/loader.h"
#include "util/text.h"

/* More than any honest plug-in has. */
#define NAME_MAX_LENGTH		63
#define TEXT_MAX_LENGTH		4095
#define MAGICS_MAX		256
#define MAGIC_LENGTH_MAX	64
#define OPTIONS_MAX		256
#define TARGETS_MAX		64
#define STRIDE_MAX		4096
#define WINDOW_MAX		(16u << 20)

#define MAGIC_FLAGS	(EVMS_MAGIC_BLOCKS | EVMS_MAGIC_ANY_BLOCK)
#define OPTION_FLAGS	(EVMS_OPTION_REQUIRED | EVMS_OPTION_PERCENT)
#define FEATURE_CLASSES	(EVMS_FEATURE_PARTITION | EVMS_FEATURE_AGGREGATE | EVMS_FEATURE_VOLUME)

/* The plug-in at hand: what errors are about. */
struct subject {
	struct context *ctx;
	const char *file;
	const struct loaded *l;
	struct evms_plugin *p;
};

#define broken(s, ...) \
	context_fail((s)->ctx, ENOEXEC, (s)->file, NULL, "plugin.contract", __VA_ARGS__)
#define no_memory(s) \
	context_fail((s)->ctx, ENOMEM, (s)->file, NULL, "memory", "out of memory")

bool is_plugin_name(const char *s, size_t length)
{
	size_t i;

	if (!length || length > NAME_MAX_LENGTH || s[0] == '-')
		return false;
	for (i = 0; i < length; i++)
		if (!(s[i] >= 'a' && s[i] <= 'z') && !(s[i] >= '0' && s[i] <= '9') && s[i] != '-')
			return false;
	return true;
}

/* Is it a name that ends? */
static bool is_name(const char *s)
{
	return s && is_plugin_name(s, strnlen(s, NAME_MAX_LENGTH + 1));
}

/* A copy that is safe to print; NULL counts as "". */
static int copy_text(struct subject *s, const char *what, const char *from, char **to)
{
	size_t length;

	if (!from)
		from = "";
	length = strnlen(from, TEXT_MAX_LENGTH + 1);
	if (length > TEXT_MAX_LENGTH)
		return broken(s, "the plug-in's %s has no end", what);
	*to = malloc(length + 1);
	if (!*to)
		return no_memory(s);
	text_copy_safe(*to, length + 1, from);
	return 0;
}

static int copy_texts(struct subject *s)
{
	const struct plugin_descriptor *d = &s->l->descriptor;
	const char *base = strrchr(s->file, '/');
	size_t length;
	int r;

	if (!is_name(d->name))
		return broken(s, "the plug-in has no name of the letters a-z, 0-9 and -");
	base = base ? base + 1 : s->file;
	length = strlen(d->name);
	if (strncmp(base, d->name, length) || strcmp(base + length, ".so"))
		return broken(s, "the plug-in calls itself %s: its file must be called %s.so", d->name,
			      d->name);
	s->p->file = strdup(s->file);
	s->p->name = strdup(d->name);
	if (!s->p->file || !s->p->name)
		return no_memory(s);
	r = copy_text(s, "version", d->version, &s->p->version);
	return r ? r : copy_text(s, "summary", d->summary, &s->p->summary);
}

static int check_role(struct subject *s)
{
	const struct plugin_descriptor *d = &s->l->descriptor;
	const struct evms_setup *setup = &s->l->setup;

	if (!d->id)
		return broken(s, "the plug-in's id is 0");
	if (!role_name(d->role))
		return broken(s, "the plug-in's class %u is unknown to this libevms", d->role);
	if (d->head_window > WINDOW_MAX || d->tail_window > WINDOW_MAX)
		return broken(s, "the plug-in wants windows of %u and %u bytes; %u are the limit",
			      d->head_window, d->tail_window, WINDOW_MAX);
	if (d->role == EVMS_ROLE_DEVICE_MANAGER) {
		if (!s->l->devices.claim || !s->l->devices.describe)
			return broken(s, "a device manager needs claim and describe");
		return 0;
	}
	if (!d->setup)
		return broken(s, "the plug-in has no setup module");
	/* A plug-in may be there for its targets alone. */
	if (d->runtime && !setup->probe && !setup->claim && !setup->assemble && !d->magic_count)
		return 0;
	if (!setup->probe && !d->magic_count)
		return broken(s, "the plug-in has neither probe nor magics: it would find nothing");
	if (!setup->claim && !setup->assemble)
		return broken(s, "the plug-in has neither claim nor assemble");
	return 0;
}

static int check_order(struct subject *s)
{
	const struct evms_feature_order *o = &s->l->descriptor.order;

	if (s->l->descriptor.role != EVMS_ROLE_FEATURE)
		return 0;
	if (!o->classes && !o->preferred && !o->flags && !o->weight) {
		/* It does not care. */
		s->p->order.classes = FEATURE_CLASSES;
		s->p->order.preferred = EVMS_FEATURE_AGGREGATE;
		s->p->order.weight = 50;
		return 0;
	}
	if (!(o->classes & FEATURE_CLASSES) || !(o->preferred & o->classes) ||
	    (o->preferred & (o->preferred - 1)))
		return broken(s, "the feature prefers class 0x%x, which must be one of its classes 0x%x",
			      o->preferred, o->classes);
	if (!o->weight || o->weight > 100)
		return broken(s, "the feature's weight is %u; it must be 1 to 100", o->weight);
	s->p->order = *o;
	return 0;
}

static int copy_magic(struct subject *s, struct evms_magic *m, uint32_t i)
{
	int64_t limit = m->flags & EVMS_MAGIC_BLOCKS ? INT64_MAX >> 17 : INT64_MAX;
	char *bytes;

	if (!m->bytes || !m->len || m->len > MAGIC_LENGTH_MAX)
		return broken(s, "magic %u has %u bytes; it must have 1 to %d", i,
			      m->bytes ? m->len : 0, MAGIC_LENGTH_MAX);
	if (m->offset > limit || m->offset < -limit)
		return broken(s, "magic %u lies beyond the end of any disk", i);
	bytes = malloc(m->len);
	if (!bytes)
		return no_memory(s);
	memcpy(bytes, m->bytes, m->len);
	m->bytes = bytes;
	/* What a newer SDK added is between the plug-in and newer engines; probe decides in the end. */
	m->flags &= MAGIC_FLAGS;
	s->p->magics[i] = *m;
	s->p->magic_count = i + 1;
	return 0;
}

static bool is_stride(uint32_t stride, size_t at_least)
{
	return stride >= at_least && stride <= STRIDE_MAX && stride % sizeof(uint64_t) == 0;
}

static int copy_magics(struct subject *s)
{
	const struct plugin_descriptor *d = &s->l->descriptor;
	struct evms_magic m;
	uint32_t i;
	int r;

	if (!d->magic_count)
		return 0;
	if (!d->magics || d->magic_count > MAGICS_MAX)
		return broken(s, "the plug-in says that it has %u magics", d->magic_count);
	if (!is_stride(d->magic_size, sizeof(m)))
		return broken(s, "a magic of the plug-in has %u bytes; use EVMS_MAGICS", d->magic_size);
	s->p->magics = calloc(d->magic_count, sizeof(m));
	if (!s->p->magics)
		return no_memory(s);
	for (i = 0; i < d->magic_count; i++) {
		memcpy(&m, (const char *)d->magics + (size_t)i * d->magic_size, sizeof(m));
		r = copy_magic(s, &m, i);
		if (r)
			return r;
	}
	return 0;
}

static int check_choices(struct subject *s, const struct evms_option *o)
{
	const char *c = o->choices;

	if (!*c || *c == '|')
		return broken(s, "option %s has no choices", o->name);
	for (; *c; c++)
		if (*c == '|' && (c[1] == '|' || !c[1]))
			return broken(s, "option %s has an empty choice", o->name);
	return 0;
}

static int check_option(struct subject *s, const struct evms_option *o, uint32_t i)
{
	uint32_t k;
	uint64_t number;
	char why[256];
	int r = 0;

	if (o->type < EVMS_TYPE_BOOL || o->type > EVMS_TYPE_CHOICE)
		return broken(s, "option %s has the unknown type %u", o->name, o->type);
	if (o->max && o->min > o->max)
		return broken(s, "option %s has a minimum above its maximum", o->name);
	for (k = 0; k < i; k++)
		if (!strcmp(s->p->options[k].name, o->name) && (s->p->options[k].ops & o->ops))
			return broken(s, "option %s is there twice", o->name);
	if (o->type == EVMS_TYPE_CHOICE)
		r = check_choices(s, o);
	if (r)
		return r;
	/* What a percentage comes to is known later only. */
	if (!o->fallback || strchr(o->fallback, '%'))
		return 0;
	if (option_check(o, o->fallback, 0, &number, why, sizeof(why)))
		return broken(s, "the default of option %s is not valid: %s", o->name, why);
	return 0;
}

static int copy_option(struct subject *s, const struct evms_option *from, uint32_t i)
{
	struct evms_option *o = &s->p->options[i];
	char *name, *help = NULL, *fallback = NULL, *choices = NULL;
	int r = 0;

	if (!is_name(from->name))
		return broken(s, "option %u has no name of the letters a-z, 0-9 and -", i);
	name = strdup(from->name);
	if (!name)
		return no_memory(s);
	*o = *from;
	o->name = name;
	o->help = o->fallback = o->choices = NULL;
	o->flags &= OPTION_FLAGS;
	o->pad = 0;
	s->p->option_count = i + 1;
	r = copy_text(s, "help", from->help, &help);
	o->help = help;
	if (!r && from->fallback)
		r = copy_text(s, "default", from->fallback, &fallback);
	o->fallback = fallback;
	if (!r && (from->choices || from->type == EVMS_TYPE_CHOICE))
		r = copy_text(s, "list of choices", from->choices, &choices);
	o->choices = choices;
	return r ? r : check_option(s, o, i);
}

/* The option at p, or a NULL name at the end. Only the name is looked at before it is known not to be the end. */
static void fetch_option(const char *p, struct evms_option *o)
{
	memset(o, 0, sizeof(*o));
	memcpy(&o->name, p + offsetof(struct evms_option, name), sizeof(o->name));
	if (o->name)
		memcpy(o, p, sizeof(*o));
}

static int copy_options(struct subject *s)
{
	const struct plugin_descriptor *d = &s->l->descriptor;
	const char *at = (const char *)d->options;
	struct evms_option o;
	uint32_t n, i;
	int r;

	if (at && !is_stride(d->option_size, sizeof(o)))
		return broken(s, "an option of the plug-in has %u bytes; use EVMS_OPTIONS",
			      d->option_size);
	for (n = 0; at; n++) {
		fetch_option(at + (size_t)n * d->option_size, &o);
		if (!o.name)
			break;
		if (n == OPTIONS_MAX)
			return broken(s, "the plug-in's list of options has no end");
	}
	s->p->options = calloc((size_t)n + 1, sizeof(o));
	if (!s->p->options)
		return no_memory(s);
	for (i = 0; i < n; i++) {
		fetch_option(at + (size_t)i * d->option_size, &o);
		r = copy_option(s, &o, i);
		if (r)
			return r;
	}
	return 0;
}

static bool is_core_target(const char *name)
{
	return !strcmp(name, "linear") || !strcmp(name, "striped") || !strcmp(name, "zero") ||
	       !strcmp(name, "error");
}

static int check_target(struct subject *s, const struct evms_target_ops *t)
{
	const size_t at_least = offsetof(struct evms_target_ops, flush);

	if (t->size < at_least || t->size % sizeof(void *))
		return broken(s, "a target has an impossible size of %u bytes", t->size);
	if (!is_name(t->name))
		return broken(s, "a target has no name of the letters a-z, 0-9 and -");
	if (is_core_target(t->name))
		return broken(s, "target %s is the core's own", t->name);
	if (!t->open || !t->close || !t->read || !t->write)
		return broken(s, "target %s needs open, close, read and write", t->name);
	return 0;
}

static int copy_targets(struct subject *s)
{
	const struct evms_target_ops *const *targets = s->l->runtime.targets;
	uint32_t n = 0, i;
	int r;

	while (targets && targets[n])
		if (n++ == TARGETS_MAX)
			return broken(s, "the plug-in's list of targets has no end");
	s->p->targets = calloc((size_t)n + 1, sizeof(*s->p->targets));
	if (!s->p->targets)
		return no_memory(s);
	for (i = 0; i < n; i++) {
		r = check_target(s, targets[i]);
		if (r)
			return r;
		s->p->targets[i] = strdup(targets[i]->name);
		if (!s->p->targets[i])
			return no_memory(s);
	}
	return 0;
}

static uint32_t offered_ops(const struct evms_setup *s)
{
	uint32_t ops = 0;

	ops |= s->create ? EVMS_OP_BIT(EVMS_OP_CREATE) : 0;
	ops |= s->assign ? EVMS_OP_BIT(EVMS_OP_ASSIGN) : 0;
	ops |= s->unassign ? EVMS_OP_BIT(EVMS_OP_UNASSIGN) : 0;
	ops |= s->remove ? EVMS_OP_BIT(EVMS_OP_DELETE) : 0;
	ops |= s->expand ? EVMS_OP_BIT(EVMS_OP_EXPAND) : 0;
	ops |= s->shrink ? EVMS_OP_BIT(EVMS_OP_SHRINK) : 0;
	ops |= s->move ? EVMS_OP_BIT(EVMS_OP_MOVE) : 0;
	ops |= s->slide ? EVMS_OP_BIT(EVMS_OP_SLIDE) : 0;
	ops |= s->rename ? EVMS_OP_BIT(EVMS_OP_RENAME) : 0;
	ops |= s->set ? EVMS_OP_BIT(EVMS_OP_SET) : 0;
	ops |= s->replace ? EVMS_OP_BIT(EVMS_OP_REPLACE) : 0;
	ops |= s->repair ? EVMS_OP_BIT(EVMS_OP_REPAIR) : 0;
	ops |= s->mkfs ? EVMS_OP_BIT(EVMS_OP_MKFS) : 0;
	ops |= s->check ? EVMS_OP_BIT(EVMS_OP_CHECK) : 0;
	ops |= s->unmkfs ? EVMS_OP_BIT(EVMS_OP_UNMKFS) : 0;
	return ops;
}

int entry_new(struct context *ctx, const char *file, const struct loaded *l, struct evms_plugin **out)
{
	static int (*const steps[])(struct subject *s) = {
		copy_texts, check_role, check_order, copy_magics, copy_options, copy_targets,
	};
	const struct plugin_descriptor *d = &l->descriptor;
	struct subject s = { .ctx = ctx, .file = file, .l = l };
	size_t i;
	int r;

	s.p = calloc(1, sizeof(*s.p));
	if (!s.p)
		return no_memory(&s);
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		r = steps[i](&s);
		if (r) {
			entry_free(s.p);
			return r;
		}
	}
	s.p->id = d->id;
	s.p->role = d->role;
	s.p->priority = d->priority;
	s.p->head_window = d->head_window;
	s.p->tail_window = d->tail_window;
	s.p->ops = offered_ops(&l->setup);
	s.p->has_probe = l->setup.probe != NULL;
	*out = s.p;
	return 0;
}

void entry_free(struct evms_plugin *p)
{
	uint32_t i;

	if (!p)
		return;
	for (i = 0; i < p->magic_count; i++)
		free((void *)(uintptr_t)p->magics[i].bytes);
	for (i = 0; i < p->option_count; i++) {
		free((void *)(uintptr_t)p->options[i].name);
		free((void *)(uintptr_t)p->options[i].help);
		free((void *)(uintptr_t)p->options[i].fallback);
		free((void *)(uintptr_t)p->options[i].choices);
	}
	for (i = 0; p->targets && p->targets[i]; i++)
		free(p->targets[i]);
	free(p->magics);
	free(p->options);
	free(p->targets);
	free(p->file);
	free(p->name);
	free(p->version);
	free(p->summary);
	free(p);
}

void entry_attach(struct evms_plugin *p, const struct loaded *l)
{
	p->module = l->module;
	p->setup = l->setup;
	p->runtime = l->runtime;
	p->devices = l->devices;
}

void entry_detach(struct evms_plugin *p)
{
	p->module = NULL;
	memset(&p->setup, 0, sizeof(p->setup));
	memset(&p->runtime, 0, sizeof(p->runtime));
	memset(&p->devices, 0, sizeof(p->devices));
}
