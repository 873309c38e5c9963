/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* evms show --dot: the graph of objects for graphviz. */
#include <string.h>
#include "cli.h"

static const struct {
	uint32_t kind;
	const char *style;
} styles[] = {
	{ EVMS_KIND_DISK, "shape=cylinder,fillcolor=\"#d0d8e8\"" },
	{ EVMS_KIND_METADATA, "shape=note,fillcolor=\"#eeeeee\"" },
	{ EVMS_KIND_FREE, "shape=box,fillcolor=white,style=\"dashed\"" },
	{ EVMS_KIND_PARTITION, "shape=box,fillcolor=\"#d8e8d0\"" },
	{ EVMS_KIND_GROUP, "shape=folder,fillcolor=\"#f0e0c0\"" },
	{ EVMS_KIND_REGION, "shape=box,fillcolor=\"#f8ecd4\"" },
	{ EVMS_KIND_FEATURE, "shape=component,fillcolor=\"#e8d0e8\"" },
	{ EVMS_KIND_VOLUME, "shape=box,fillcolor=\"#fff8b0\",penwidth=2" },
};

/* Inside a quoted string of the dot language. */
static void put_dot(const char *s)
{
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			putchar('\\');
		putchar((unsigned char)*s < 0x20 || *s == 0x7f ? '?' : *s);
	}
}

static void put_node(const struct evms_object *o)
{
	char size[SIZE_WORDS], states[STATE_WORDS];
	const char *style = "";

	for (size_t i = 0; i < sizeof(styles) / sizeof(styles[0]); i++)
		if (styles[i].kind == evms_object_get_kind(o))
			style = styles[i].style;
	printf("  o%llu [%s,label=\"", (unsigned long long)evms_object_get_id(o), style);
	put_dot(evms_object_get_name(o));
	printf("\\n%s, %s", evms_object_get_kind_name(o), size_words(evms_object_get_size(o),
								     size));
	if (evms_object_get_manager(o)[0])
		printf(", %s", evms_object_get_manager(o));
	else if (evms_object_get_plugin(o)[0])
		printf(", %s", evms_object_get_plugin(o));
	if (evms_object_get_fs_type(o)[0]) {
		printf("\\n%s ", evms_object_get_fs_type(o));
		put_dot(evms_object_get_fs_label(o));
	}
	if (state_words(evms_object_get_state(o), states, sizeof(states))[0])
		printf("\\n[%s]", states);
	puts("\"];");
}

static void put_edge(const struct evms_object *from, const struct evms_object *to,
		     const char *style)
{
	printf("  o%llu -> o%llu%s;\n", (unsigned long long)evms_object_get_id(from),
	       (unsigned long long)evms_object_get_id(to), style);
}

int show_dot(struct cli *c)
{
	uint32_t kinds = EVMS_KIND_ANY & ~EVMS_KIND_DEVICE;
	const struct evms_object *in, *parent;
	struct evms_list *list;
	struct evms_object *o;
	int r;

	if (!c->all)
		kinds &= ~(EVMS_KIND_METADATA | EVMS_KIND_FREE);
	r = evms_engine_list(c->engine, kinds, &list);
	if (r < 0)
		return report(c, r);
	puts("digraph evms {\n  rankdir=LR;\n  node [style=filled,fontname=\"sans-serif\"];");
	evms_list_foreach(o, list)
		put_node(o);
	evms_list_foreach(o, list) {
		parent = evms_object_get_parent(o);
		if (parent)
			put_edge(parent, o, "");
		for (size_t i = 0; (in = evms_object_get_input(o, i)); i++)
			if (in != parent)
				put_edge(in, o, "");
	}
	puts("}");
	evms_list_unref(list);
	return 0;
}
