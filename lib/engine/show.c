/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The model and the plug-ins as JSON (docs/json.md). The text is written directly, in one pass
 * over the objects, so that a model of any size takes time and memory in proportion.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <evms/evms.h>
#include "engine/engine.h"
#include "engine/json.h"
#include "util/export.h"
#include "util/text.h"

static const struct {
	uint32_t bit;
	const char *name;
} states[] = {
	{ EVMS_STATE_NEW, "new" },
	{ EVMS_STATE_DIRTY, "dirty" },
	{ EVMS_STATE_READ_ONLY, "read-only" },
	{ EVMS_STATE_DEGRADED, "degraded" },
	{ EVMS_STATE_INCOMPLETE, "incomplete" },
	{ EVMS_STATE_IN_USE, "in-use" },
	{ EVMS_STATE_MISSING, "missing" },
	{ EVMS_STATE_DAMAGED, "damaged" },
	{ EVMS_STATE_UNSUPPORTED, "unsupported" },
	{ EVMS_STATE_INTERNAL, "internal" },
};

static const char *const type_names[] = {
	[EVMS_TYPE_BOOL] = "bool",
	[EVMS_TYPE_U64] = "number",
	[EVMS_TYPE_SIZE] = "size",
	[EVMS_TYPE_STR] = "text",
	[EVMS_TYPE_CHOICE] = "choice",
};

static void put(struct text *t, const char *s)
{
	text_add_bytes(t, s, strlen(s));
}

static void put_text(struct text *t, const char *key, const char *value)
{
	json_put_key(t, key);
	json_put_text(t, value);
}

static void put_u64(struct text *t, const char *key, uint64_t value)
{
	json_put_key(t, key);
	json_put_u64(t, value);
}

static void put_bool(struct text *t, const char *key, bool value)
{
	json_put_key(t, key);
	put(t, value ? "true" : "false");
}

static void put_open(struct text *t, const char *key, const char *bracket)
{
	json_put_key(t, key);
	put(t, bracket);
}

static void show_states(struct text *t, uint32_t state)
{
	put_open(t, "state", "[");
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (state & states[i].bit) {
			json_put_comma(t);
			json_put_text(t, states[i].name);
		}
	}
	put(t, "]");
}

static void show_inputs(struct text *t, const struct evms_object *o)
{
	const struct evms_object *in;

	put_open(t, "inputs", "[");
	for (size_t i = 0; (in = evms_object_get_input(o, i)); i++) {
		json_put_comma(t);
		json_put_u64(t, evms_object_get_id(in));
	}
	put(t, "]");
}

static void show_leg(struct text *t, const struct evms_object *o, size_t i, size_t leg)
{
	struct evms_object *input;
	uint64_t offset;

	if (evms_object_get_map_input(o, i, leg, &input, &offset) < 0)
		return;
	put_u64(t, "input", evms_object_get_id(input));
	put_u64(t, "input_offset", offset);
}

static void show_map(struct text *t, const struct evms_object *o)
{
	struct evms_map_entry m;

	put_open(t, "map", "[");
	for (size_t i = 0; evms_object_get_map(o, i, &m) == 0; i++) {
		json_put_comma(t);
		put(t, "{");
		put_u64(t, "offset", m.offset);
		put_u64(t, "size", m.size);
		put_text(t, "target", m.target);
		if (m.chunk)
			put_u64(t, "chunk", m.chunk);
		if (m.input_count == 1) {
			show_leg(t, o, i, 0);
		} else if (m.input_count) {
			put_open(t, "legs", "[");
			for (uint32_t leg = 0; leg < m.input_count; leg++) {
				json_put_comma(t);
				put(t, "{");
				show_leg(t, o, i, leg);
				put(t, "}");
			}
			put(t, "]");
		}
		put(t, "}");
	}
	put(t, "]");
}

static const char *space_kind(uint32_t kind)
{
	switch (kind) {
	case EVMS_KIND_METADATA:
		return "metadata";
	case EVMS_KIND_FREE:
		return "free";
	case EVMS_KIND_REGION:
		return "region";
	default:
		return "partition";
	}
}

static void show_space(struct text *t, const struct evms_object *o)
{
	struct evms_space s;

	if (evms_object_get_space(o, 0, &s) < 0)
		return;
	put_open(t, "space", "[");
	for (size_t i = 0; evms_object_get_space(o, i, &s) == 0; i++) {
		json_put_comma(t);
		put(t, "{");
		put_u64(t, "offset", s.offset);
		put_u64(t, "size", s.size);
		put_text(t, "kind", space_kind(s.kind));
		if (s.object)
			put_u64(t, "object", evms_object_get_id(s.object));
		put(t, "}");
	}
	put(t, "]");
}

static void show_properties(struct text *t, const struct evms_object *o)
{
	struct evms_value value;
	const char *key;

	if (evms_object_get_property(o, 0, &key, &value) < 0)
		return;
	put_open(t, "properties", "{");
	for (size_t i = 0; evms_object_get_property(o, i, &key, &value) == 0; i++) {
		if (value.type == EVMS_TYPE_STR)
			put_text(t, key, value.u.str ? value.u.str : "");
		else if (value.type == EVMS_TYPE_BOOL)
			put_bool(t, key, value.u.u64 != 0);
		else
			put_u64(t, key, value.u.u64);
	}
	put(t, "}");
}

static void show_notes(struct text *t, const struct evms_object *o)
{
	const char *note;

	if (!evms_object_get_note(o, 0))
		return;
	put_open(t, "notes", "[");
	for (size_t i = 0; (note = evms_object_get_note(o, i)); i++) {
		json_put_comma(t);
		json_put_text(t, note);
	}
	put(t, "]");
}

static void show_filesystem(struct text *t, const struct evms_object *o)
{
	const char *type = evms_object_get_fs_type(o);
	uint64_t used = evms_object_get_fs_used(o);

	if (!type[0])
		return;
	put_open(t, "filesystem", "{");
	put_text(t, "plugin", evms_object_get_fs_plugin(o));
	put_text(t, "type", type);
	put_text(t, "uuid", evms_object_get_fs_uuid(o));
	put_text(t, "label", evms_object_get_fs_label(o));
	put_u64(t, "size", evms_object_get_fs_size(o));
	if (used != UINT64_MAX)
		put_u64(t, "used", used);
	put(t, "}");
}

static void show_place(struct text *t, const struct evms_object *o)
{
	const struct evms_object *parent = evms_object_get_parent(o);
	struct evms_geometry g;

	if (evms_object_get_path(o)[0])
		put_text(t, "path", evms_object_get_path(o));
	if (evms_object_get_kind(o) == EVMS_KIND_DISK)
		put_text(t, "manager", evms_object_get_manager(o));
	if (parent) {
		put_u64(t, "parent", evms_object_get_id(parent));
		put_u64(t, "offset", evms_object_get_offset(o));
	}
	if (evms_object_get_geometry(o, &g) == 0 && evms_object_get_kind(o) == EVMS_KIND_DISK) {
		put_open(t, "geometry", "{");
		put_u64(t, "cylinders", g.cylinders);
		put_u64(t, "heads", g.heads);
		put_u64(t, "sectors", g.sectors);
		put(t, "}");
	}
}

static void show_object(struct text *t, const struct evms_object *o)
{
	put(t, "{");
	put_u64(t, "id", evms_object_get_id(o));
	put_text(t, "kind", evms_object_get_kind_name(o));
	put_text(t, "name", evms_object_get_name(o));
	put_text(t, "plugin", evms_object_get_plugin(o));
	put_u64(t, "size", evms_object_get_size(o));
	put_u64(t, "block_size", evms_object_get_block_size(o));
	show_states(t, evms_object_get_state(o));
	put_text(t, "uuid", evms_object_get_uuid(o));
	put_text(t, "serial", evms_object_get_serial(o));
	put_text(t, "label", evms_object_get_label(o));
	show_place(t, o);
	show_inputs(t, o);
	show_map(t, o);
	show_space(t, o);
	show_filesystem(t, o);
	show_properties(t, o);
	show_notes(t, o);
	put(t, "}");
}

static void show_unclaimed(struct text *t, const struct evms_object *o)
{
	const char *path = evms_object_get_path(o), *note = evms_object_get_note(o, 0);

	put(t, "{");
	put_u64(t, "id", evms_object_get_id(o));
	put_text(t, "path", path[0] ? path : evms_object_get_name(o));
	put_u64(t, "size", evms_object_get_size(o));
	show_states(t, evms_object_get_state(o));
	put_text(t, "reason", note ? note : "no device manager claims it");
	show_notes(t, o);
	put(t, "}");
}

/* The text is handed over, or -ENOMEM recorded. */
static int finish(struct evms_engine *engine, struct text *t, char **out)
{
	char *s = text_take(t);

	if (!s)
		return context_fail(engine_context(engine), ENOMEM, NULL, NULL, "json.memory",
				    "no memory for the JSON text");
	*out = s;
	return 0;
}

EXPORT int evms_engine_to_json(struct evms_engine *engine, char **out)
{
	struct evms_list *objects = NULL, *devices = NULL;
	struct text t = { 0 };
	struct evms_object *o;
	int r;

	r = evms_engine_list(engine, EVMS_KIND_ANY & ~EVMS_KIND_DEVICE, &objects);
	if (r == 0)
		r = evms_engine_list(engine, EVMS_KIND_DEVICE, &devices);
	if (r == 0) {
		put(&t, "{");
		put_text(&t, "schema", "evms.show/1");
		put_open(&t, "objects", "[");
		evms_list_foreach(o, objects) {
			put(&t, o_i ? ",\n" : "\n");
			show_object(&t, o);
		}
		put(&t, "]");
		put_open(&t, "unclaimed", "[");
		evms_list_foreach(o, devices) {
			put(&t, o_i ? ",\n" : "\n");
			show_unclaimed(&t, o);
		}
		put(&t, "]}\n");
		r = finish(engine, &t, out);
	}
	evms_list_unref(devices);
	evms_list_unref(objects);
	text_free(&t);
	return r;
}

static void show_ops(struct text *t, uint32_t ops)
{
	const char *name;

	put_open(t, "operations", "[");
	for (uint32_t op = 0; op < EVMS_OP_COUNT; op++) {
		name = ops & EVMS_OP_BIT(op) ? evms_op_get_name(op) : NULL;
		if (name) {
			json_put_comma(t);
			json_put_text(t, name);
		}
	}
	put(t, "]");
}

static void show_choices(struct text *t, const char *choices)
{
	char word[128];

	put_open(t, "choices", "[");
	while (*choices) {
		size_t length = strcspn(choices, "|");

		if (length < sizeof(word)) {
			memcpy(word, choices, length);
			word[length] = '\0';
			json_put_comma(t);
			json_put_text(t, word);
		}
		choices += length + (choices[length] == '|');
	}
	put(t, "]");
}

static void show_option(struct text *t, const struct evms_option *o)
{
	bool known = o->type < sizeof(type_names) / sizeof(type_names[0]) && type_names[o->type];

	put(t, "{");
	put_text(t, "name", o->name);
	put_text(t, "help", o->help ? o->help : "");
	put_text(t, "type", known ? type_names[o->type] : "text");
	if (o->fallback)
		put_text(t, "default", o->fallback);
	if (o->choices)
		show_choices(t, o->choices);
	put_bool(t, "required", o->flags & EVMS_OPTION_REQUIRED);
	put_bool(t, "percent", o->flags & EVMS_OPTION_PERCENT);
	put_u64(t, "min", o->min);
	if (o->max)
		put_u64(t, "max", o->max);
	show_ops(t, o->ops);
	put(t, "}");
}

static void show_plugin(struct text *t, const struct evms_plugin *p)
{
	const struct evms_option *o;
	char id[24];

	snprintf(id, sizeof(id), "0x%016llx", (unsigned long long)evms_plugin_get_id(p));
	put(t, "{");
	put_text(t, "name", evms_plugin_get_name(p));
	put_text(t, "id", id);
	put_text(t, "class", evms_plugin_get_role_name(p));
	put_text(t, "version", evms_plugin_get_version(p));
	put_text(t, "summary", evms_plugin_get_summary(p));
	put_text(t, "file", evms_plugin_get_file(p));
	put_bool(t, "loaded", evms_plugin_is_loaded(p));
	show_ops(t, evms_plugin_get_ops(p));
	put_open(t, "options", "[");
	for (size_t i = 0; (o = evms_plugin_get_option(p, i)); i++) {
		json_put_comma(t);
		show_option(t, o);
	}
	put(t, "]}");
}

EXPORT int evms_engine_plugins_to_json(struct evms_engine *engine, char **out)
{
	const struct evms_plugin *p;
	struct text t = { 0 };
	int r = evms_engine_load_plugins(engine);

	if (r < 0)
		return r;
	put(&t, "{");
	put_text(&t, "schema", "evms.plugins/1");
	put_open(&t, "plugins", "[");
	for (size_t i = 0; (p = evms_engine_get_plugin(engine, i)); i++) {
		put(&t, i ? ",\n" : "\n");
		show_plugin(&t, p);
	}
	put(&t, "]}\n");
	r = finish(engine, &t, out);
	text_free(&t);
	return r;
}
