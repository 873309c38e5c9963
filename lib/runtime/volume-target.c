/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Targets that plug-ins provide: finds them in a registry of the volume's own and serves their I/O.
 */
#include <errno.h>
#include <stdio.h>
#include "runtime/runtime.h"
#include "util/check.h"

/*
 * A plug-in works for one host in a process: the engine's, where the engine is part of the program.
 * A program that has the runtime only gives an empty one, which is all that targets need.
 */
extern const struct evms_host host_table __attribute__((weak));

static const struct evms_host bare_host = {
	.size = offsetof(struct evms_host, get_kind),
	.abi_major = EVMS_PLUGIN_ABI_MAJOR,
	.abi_minor = EVMS_PLUGIN_ABI_MINOR,
};

static uint64_t child_get_size(const struct evms_child *child)
{
	return child->size;
}

static int child_read(struct evms_child *child, void *buf, size_t len, uint64_t offset)
{
	if (!range_fits(offset, len, child->size))
		return -ERANGE;
	return rt_leg_io(&child->leg, IO_READ, buf, len, offset);
}

static int child_write(struct evms_child *child, const void *buf, size_t len, uint64_t offset)
{
	if (!range_fits(offset, len, child->size))
		return -ERANGE;
	return rt_leg_io(&child->leg, IO_WRITE, (char *)(uintptr_t)buf, len, offset);
}

static int child_flush(struct evms_child *child);

static const struct evms_runtime_host runtime_host = {
	.size = sizeof(runtime_host),
	.get_size = child_get_size,
	.read = child_read,
	.write = child_write,
	.flush = child_flush,
};

static bool can_flush(const struct evms_target_ops *ops)
{
	return ops->size >= offsetof(struct evms_target_ops, flush) + sizeof(ops->flush) &&
	       ops->flush;
}

static int leg_flush(const struct rt_leg *leg)
{
	const struct rt_target *t;
	size_t i;
	uint32_t j;
	int r, first = 0;

	if (leg->device)
		return rt_device_flush(leg->device);
	for (i = 0; i < leg->node->target_count; i++) {
		t = &leg->node->targets[i];
		r = t->kind == TABLE_PLUGIN && can_flush(t->ops) ? t->ops->flush(t->ctx) : 0;
		first = first ? first : r;
		for (j = 0; j < t->leg_count; j++) {
			r = leg_flush(&t->legs[j]);
			first = first ? first : r;
		}
	}
	return first;
}

static int child_flush(struct evms_child *child)
{
	return leg_flush(&child->leg);
}

/* Plug-ins first, from the top down (nodes come after those that they lie on), then every device.
 */
int rt_volume_flush(struct evms_volume *v)
{
	const struct rt_target *t;
	int r, first = 0;
	size_t i, j;

	for (i = v->registry ? v->node_count : 0; i-- > 0;) {
		for (j = 0; j < v->nodes[i].target_count; j++) {
			t = &v->nodes[i].targets[j];
			r = t->kind == TABLE_PLUGIN && can_flush(t->ops) ? t->ops->flush(t->ctx) :
									   0;
			first = first ? first : r;
		}
	}
	for (i = 0; i < v->device_count; i++) {
		r = rt_device_flush(&v->devices[i]);
		first = first ? first : r;
	}
	return first;
}

static const struct evms_target_ops *find_ops(const struct evms_plugin *p, const char *name)
{
	const struct evms_target_ops *const *ops = p->runtime.targets;

	for (; ops && *ops; ops++)
		if (!strcmp((*ops)->name, name))
			return *ops;
	return NULL;
}

static int make_children(struct rt_target *t)
{
	uint32_t i;

	t->children = calloc((size_t)t->leg_count + 1, sizeof(*t->children));
	if (!t->children)
		return -ENOMEM;
	for (i = 0; i < t->leg_count; i++) {
		struct evms_child *c = calloc(1, sizeof(*c));

		if (!c)
			return -ENOMEM;
		t->children[i] = c;
		c->leg = t->legs[i];
		c->size = (c->leg.device ? c->leg.device->size : c->leg.node->size) - c->leg.offset;
	}
	return 0;
}

static int open_target(struct evms_volume *v, struct rt_target *t, const struct table_target *from,
		       char *error, size_t error_size)
{
	const struct evms_target_ops *ops;
	struct evms_plugin *p;
	int r;

	p = registry_find_target(v->registry, from->name);
	if (!p) {
		snprintf(error, error_size, "no plug-in provides the target %s; is it installed?",
			 from->name);
		return -ENOTSUP;
	}
	r = registry_load(v->registry, p);
	if (r < 0) {
		snprintf(error, error_size, "%s", v->ctx->error.message);
		return r;
	}
	ops = find_ops(p, from->name);
	if (!ops || ops->size < offsetof(struct evms_target_ops, flush) || !ops->open) {
		snprintf(error, error_size, "plug-in %s does not provide the target %s after all",
			 p->name, from->name);
		return -EPROTO;
	}
	r = p->runtime.init ? p->runtime.init(&runtime_host) : 0;
	if (r == 0)
		r = make_children(t);
	if (r == 0)
		r = ops->open(from->args ? from->args : "", t->size, t->leg_count, t->children,
			      &t->ctx);
	if (r < 0) {
		snprintf(error, error_size, "target %s cannot be opened: %s", from->name,
			 strerror(-r));
		return r;
	}
	t->ops = ops;
	p->users++;
	return 0;
}

static int make_registry(struct evms_volume *v, const char *plugin_path)
{
	v->ctx = calloc(1, sizeof(*v->ctx));
	v->registry = calloc(1, sizeof(*v->registry));
	if (!v->ctx || !v->registry)
		goto no_memory;
	context_init(v->ctx);
	registry_init(v->registry, v->ctx, &host_table ? &host_table : &bare_host);
	if (plugin_path) {
		v->registry->path = strdup(plugin_path);
		if (!v->registry->path) {
			registry_free(v->registry);
			goto no_memory;
		}
	}
	return registry_scan(v->registry);

no_memory:
	free(v->ctx);
	free(v->registry);
	v->ctx = NULL;
	v->registry = NULL;
	return -ENOMEM;
}

/* Nodes are in the order of their height: what a plug-in reads while opening works already. */
int rt_open_plugins(struct evms_volume *v, const struct table *t, const char *plugin_path,
		    char *error, size_t error_size)
{
	const struct table_target *from;
	size_t i, j;
	int r;

	for (i = 0; i < t->nodes.count; i++) {
		for (j = 0; j < t->nodes.at[i].targets.count; j++) {
			from = &t->nodes.at[i].targets.at[j];
			if (from->kind != TABLE_PLUGIN)
				continue;
			r = v->registry ? 0 : make_registry(v, plugin_path);
			if (r == 0)
				r = open_target(v, &v->nodes[i].targets[j], from, error,
						error_size);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

void rt_close_plugins(struct evms_volume *v)
{
	struct rt_target *t;
	size_t i, j;
	uint32_t k;

	for (i = v->registry ? v->node_count : 0; i-- > 0;) {
		for (j = 0; j < v->nodes[i].target_count; j++) {
			t = &v->nodes[i].targets[j];
			if (t->ops && t->ops->close)
				t->ops->close(t->ctx);
			for (k = 0; t->children && k < t->leg_count; k++)
				free(t->children[k]);
			free(t->children);
		}
	}
	if (v->registry)
		registry_free(v->registry);
	free(v->registry);
	free(v->ctx);
}
