/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Objects: their life, their links and their facts. */
#include <errno.h>
#include <stdio.h>
#include "model/model.h"
#include "util/text.h"

int object_fail(const struct evms_object *o, int error, const char *reason, const char *fmt, ...)
{
	const struct model *m = o->model;
	va_list args;
	int r;

	if (!m)
		return -error;
	va_start(args, fmt);
	r = context_vfail(m->ctx, error, o->name,
			  m->call.plugin ? m->call.plugin->name : o->owner ? o->owner->name : "",
			  reason, fmt, args);
	va_end(args);
	return r;
}

const char *kind_name(uint32_t kind)
{
	static const char *const names[] = { "device", "disk", "metadata", "free", "partition", "group",
					     "region", "feature", "volume" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (kind == 1u << i)
			return names[i];
	return "object";
}

/* A name that no other object of the kind has: NAME, NAME~2, NAME~3, ... */
static char *unique_name(struct model *m, uint32_t kind, const char *name,
			 const struct evms_object *but)
{
	char safe[256], *made = NULL;
	struct evms_object *other;
	unsigned n;

	text_copy_safe(safe, sizeof(safe), name);
	other = names_find(&m->names, kind, safe);
	if (!other || other == but)
		return strdup(safe);
	for (n = 2; ; n++) {
		free(made);
		if (asprintf(&made, "%s~%u", safe, n) < 0)
			return NULL;
		other = names_find(&m->names, kind, made);
		if (!other || other == but)
			return made;
	}
}

int object_new(struct model *m, uint32_t kind, const char *name, struct evms_plugin *owner,
	       struct evms_object **out)
{
	char *unique = unique_name(m, kind, name, NULL);
	struct evms_object *o = NULL;
	uint64_t id = 0;
	unsigned refs = 0;

	if (!unique)
		return context_fail(m->ctx, ENOMEM, name, "", "memory", "out of memory");
	o = names_find(&m->graves, kind, unique);
	if (o) {
		names_remove(&m->graves, o);
		refs = o->refs;
		id = o->id;
		free(o->name);
		free(o->label);
		free(o->uuid);
		free(o->serial);
	} else {
		o = malloc(sizeof(*o));
	}
	if (!o)
		goto fail;
	*o = (struct evms_object) {
		.model = m, .kind = kind, .name = unique, .owner = owner, .refs = refs,
		.block_size = 512, .physical_block_size = 512, .index = (uint32_t)m->objects.count,
		.id = id ? id : ++*m->next_id, .examined = !m->members,
	};
	unique = NULL;
	if (names_add(&m->names, o) < 0)
		goto fail;
	if (!vec_push(&m->objects, o)) {
		names_remove(&m->names, o);
		goto fail;
	}
	object_touch(o);
	*out = o;
	return 0;
fail:
	free(unique);
	if (o && refs) {
		o->model = NULL;	/* somebody holds it: it stays, and is gone */
	} else if (o) {
		free(o->name);
		free(o);
	}
	return context_fail(m->ctx, ENOMEM, name, "", "memory", "out of memory");
}

void object_touch(struct evms_object *o)
{
	o->model->generation++;
	o->planned |= !o->model->members;
	if (o->touched)
		return;
	/* Without memory to remember it, the object is settled at once by whoever looks next. */
	o->touched = vec_push(&o->model->touched, o);
}

void object_drop_private(struct evms_object *o, struct evms_plugin *only)
{
	struct model *m = o->model;
	size_t i;

	for (i = o->privates.count; i-- > 0; ) {
		struct object_private p = o->privates.at[i];

		if (only && p.plugin != only)
			continue;
		if (p.plugin->setup.release && p.data) {
			struct model_call under_way = m->call;

			m->call = (struct model_call) { .plugin = p.plugin };	/* it can ask for its data */
			p.plugin->setup.release(o);
			m->call = under_way;
		}
		p.plugin->users--;
		vec_remove(&o->privates, i);
	}
	if (!o->privates.count)
		vec_free(&o->privates);
}

static void fs_free(struct object_fs *fs)
{
	if (!fs)
		return;
	free(fs->type);
	free(fs->label);
	free(fs->uuid);
	free(fs);
}

/* Everything an object holds but its names, which a handle may still ask for. */
static void object_empty(struct evms_object *o)
{
	size_t i;

	object_drop_private(o, NULL);
	map_clear(o);
	for (i = 0; i < o->notes.count; i++) {
		free(o->notes.at[i].reason);
		free(o->notes.at[i].text);
	}
	for (i = 0; i < o->properties.count; i++) {
		free(o->properties.at[i].key);
		free(o->properties.at[i].str);
	}
	vec_free(&o->notes);
	vec_free(&o->properties);
	vec_free(&o->inputs);
	vec_free(&o->outputs);
	if (o->space) {
		vec_free(&o->space->entries);
		free(o->space);
	}
	fs_free(o->fs);
	free(o->disk);
	o->space = NULL;
	o->fs = NULL;
	o->disk = NULL;
	o->parent = o->consumer = o->volume = NULL;
	o->owner = o->claimer = NULL;
	o->touched = false;
}

static void object_free(struct evms_object *o)
{
	free(o->name);
	free(o->label);
	free(o->uuid);
	free(o->serial);
	free(o);
}

static void untouch(struct evms_object *o)
{
	struct model *m = o->model;
	size_t i;

	for (i = m->touched.count; o->touched && i-- > 0; ) {
		if (m->touched.at[i] == o) {
			m->touched.at[i] = NULL;
			o->touched = false;
		}
	}
	while (m->touched.count && !m->touched.at[m->touched.count - 1])
		m->touched.count--;
}

/* A plug-in may have left a map that leads to what goes. */
static void drop_maps_to(const struct evms_object *gone)
{
	const struct model *m = gone->model;
	size_t i, k;
	uint32_t leg;

	for (i = 0; i < m->objects.count && gone->mapped; i++) {
		struct evms_object *o = m->objects.at[i];
		bool leads = false;

		for (k = 0; o && k < o->map.count; k++)
			for (leg = 0; leg < o->map.at[k].n; leg++)
				leads |= map_legs(&o->map.at[k])[leg].input == gone;
		if (leads)
			map_clear(o);
	}
}

void object_remove(struct evms_object *o)
{
	struct model *m = o->model;

	m->generation++;
	if (o->volume)
		object_remove(o->volume);
	if (o->parent && o->parent->model && o->kind & (EVMS_KIND_PARTITION | EVMS_KIND_REGION |
							EVMS_KIND_METADATA))
		space_release_object(o->parent, o);
	while (o->inputs.count)
		object_remove_input(o, o->inputs.at[o->inputs.count - 1]);
	while (o->outputs.count)	/* only a plug-in that failed leaves any */
		object_remove_input(o->outputs.at[o->outputs.count - 1], o);
	drop_maps_to(o);
	space_free(o);
	untouch(o);
	names_remove(&m->names, o);
	m->objects.at[o->index] = NULL;
	object_empty(o);
	o->model = NULL;
	if (!o->refs)
		object_free(o);
}

int object_add_input(struct evms_object *o, struct evms_object *in)
{
	if (!vec_push(&o->inputs, in))
		return object_fail(o, ENOMEM, "memory", "out of memory");
	if (!vec_push(&in->outputs, o)) {
		o->inputs.count--;
		return object_fail(o, ENOMEM, "memory", "out of memory");
	}
	if (o->kind == EVMS_KIND_VOLUME)
		in->volume = o;
	else if (o->parent != in)
		in->consumer = o;
	object_touch(o);
	object_touch(in);
	return 0;
}

void object_remove_input(struct evms_object *o, struct evms_object *in)
{
	size_t i;

	for (i = o->inputs.count; i-- > 0; ) {
		if (o->inputs.at[i] == in) {
			vec_remove(&o->inputs, i);
			break;
		}
	}
	for (i = in->outputs.count; i-- > 0; ) {
		if (in->outputs.at[i] == o) {
			vec_remove(&in->outputs, i);
			break;
		}
	}
	if (in->volume == o)
		in->volume = NULL;
	if (in->consumer == o) {
		in->consumer = NULL;
		if (!o->model->members)	/* what could not be assembled is a member all the same */
			in->member = false;
	}
	object_touch(o);
	object_touch(in);
}

int object_set_text(char **field, const char *text)
{
	char safe[256], *copy = NULL;

	if (text && *text) {
		text_copy_safe(safe, sizeof(safe), text);
		copy = strdup(safe);
		if (!copy)
			return -ENOMEM;
	}
	free(*field);
	*field = copy;
	return 0;
}

int object_set_name(struct evms_object *o, const char *name)
{
	struct model *m = o->model;
	char *unique = unique_name(m, o->kind, name, o);

	if (!unique)
		return object_fail(o, ENOMEM, "memory", "out of memory");
	names_remove(&m->names, o);
	free(o->name);
	o->name = unique;
	object_touch(o);
	return names_add(&m->names, o);
}

int object_set_property(struct evms_object *o, const char *key, uint32_t type, uint64_t u64,
			const char *str)
{
	struct object_property p = { .type = type, .u64 = u64 }, *old = NULL;
	size_t i;

	for (i = 0; i < o->properties.count && !old; i++)
		if (!strcmp(o->properties.at[i].key, key))
			old = &o->properties.at[i];
	if (type == EVMS_TYPE_STR && !str) {
		if (old) {
			free(old->key);
			free(old->str);
			vec_remove(&o->properties, (size_t)(old - o->properties.at));
		}
		return 0;
	}
	if (str && (object_set_text(&p.str, str) < 0 || (!p.str && !(p.str = strdup("")))))
		return object_fail(o, ENOMEM, "memory", "out of memory");
	if (old) {
		free(old->str);
		old->type = type;
		old->u64 = u64;
		old->str = p.str;
		return 0;
	}
	p.key = strdup(key);
	if (!p.key || !vec_push(&o->properties, p)) {
		free(p.key);
		free(p.str);
		return object_fail(o, ENOMEM, "memory", "out of memory");
	}
	return 0;
}

int object_vnote(struct evms_object *o, uint32_t state, const char *reason, const char *fmt,
		 va_list args)
{
	struct object_note n = { .state = state };
	char line[512], safe[512];

	o->state |= state;
	vsnprintf(line, sizeof(line), fmt, args);
	text_copy_safe(safe, sizeof(safe), line);
	if (o->notes.count >= 64)	/* a hostile disk could cause any number of them */
		return 0;
	n.reason = strdup(reason);
	n.text = strdup(safe);
	if (!n.reason || !n.text || !vec_push(&o->notes, n)) {
		free(n.reason);
		free(n.text);
		return object_fail(o, ENOMEM, "memory", "out of memory");
	}
	return 0;
}

int object_note(struct evms_object *o, uint32_t state, const char *reason, const char *fmt, ...)
{
	va_list args;
	int r;

	va_start(args, fmt);
	r = object_vnote(o, state, reason, fmt, args);
	va_end(args);
	return r;
}

void object_clear_state(struct evms_object *o, uint32_t state)
{
	size_t i;

	o->state &= ~state;
	for (i = o->notes.count; i-- > 0; ) {
		struct object_note *n = &o->notes.at[i];

		if (!(n->state & state))
			continue;
		n->state &= ~state;
		if (!n->state) {
			free(n->reason);
			free(n->text);
			vec_remove(&o->notes, i);
		}
	}
}

int object_set_fs(struct evms_object *volume, struct evms_plugin *plugin,
		  const struct evms_fs_info *info)
{
	struct object_fs *fs = NULL;

	if (info) {
		fs = calloc(1, sizeof(*fs));
		if (!fs || object_set_text(&fs->type, info->type) < 0 ||
		    object_set_text(&fs->label, info->label) < 0 ||
		    object_set_text(&fs->uuid, info->uuid) < 0) {
			fs_free(fs);
			return object_fail(volume, ENOMEM, "memory", "out of memory");
		}
		fs->plugin = plugin;
		fs->size = info->size;
		fs->used = info->used;
		fs->min_size = info->min_size;
		fs->max_size = info->max_size;
		fs->step = info->step ? info->step : 1;
		fs->planned = volume->fs && volume->fs->planned;
	}
	fs_free(volume->fs);
	volume->fs = fs;
	return 0;
}

void object_reset_disk(struct evms_object *disk)
{
	disk->claimer = NULL;
	disk->size = disk->disk->first_size;	/* a table may settle the block size */
	disk->block_size = disk->disk->first_block_size;
	object_set_text(&disk->label, NULL);
	object_set_text(&disk->uuid, NULL);
	object_set_text(&disk->serial, NULL);
}

bool object_holds_data(const struct evms_object *o)
{
	return o->kind & (EVMS_KIND_DISK | EVMS_KIND_PARTITION | EVMS_KIND_REGION | EVMS_KIND_FEATURE);
}

struct evms_object *object_container(struct evms_object *o)
{
	return o->parent ? o->parent : o;
}

struct evms_object *object_under_volume(struct evms_object *o)
{
	return o->kind == EVMS_KIND_VOLUME && o->inputs.count ? o->inputs.at[0] : o;
}

static int volume_make(struct evms_object *o)
{
	struct evms_object *v;
	int r = object_new(o->model, EVMS_KIND_VOLUME, o->name, NULL, &v);

	if (r < 0)
		return r;
	r = object_add_input(v, o);
	if (r < 0)
		object_remove(v);
	return r;
}

/* The volume is what its object is: size, blocks, and one linear map. */
static int volume_fit(struct evms_object *o)
{
	struct evms_object *v = o->volume;
	const uint64_t zero = 0;
	size_t i;

	v->block_size = o->block_size;
	v->physical_block_size = o->physical_block_size;
	v->state = (v->state & ~(EVMS_STATE_INCOMPLETE | EVMS_STATE_DEGRADED | EVMS_STATE_READ_ONLY)) |
		   (o->state & (EVMS_STATE_READ_ONLY | EVMS_STATE_DEGRADED | EVMS_STATE_INCOMPLETE));
	for (i = 0; i < v->notes.count; i++)	/* what the matter is with its file system stays */
		v->state |= v->notes.at[i].state;
	if (strcmp(v->name, o->name) && object_set_name(v, o->name) < 0)
		return -ENOMEM;
	if (v->size == o->size && v->map.count)
		return 0;
	v->size = o->size;
	map_clear(v);
	return v->size ? map_add(v, 0, v->size, target_linear, 0, NULL, 1, &o, &zero) : 0;
}

int object_make_volume(struct evms_object *o)
{
	int r = o->volume ? 0 : volume_make(o);

	return r < 0 ? r : volume_fit(o);
}

int object_settle_volume(struct evms_object *o)
{
	bool wanted = object_holds_data(o) && o->examined && !o->member && !o->consumer &&
		      !o->claimer && o->size &&
		      !(o->state & (EVMS_STATE_INTERNAL | EVMS_STATE_UNSUPPORTED)) &&
		      (o->kind == EVMS_KIND_DISK ? o->volume != NULL : o->map.count != 0);
	int r = 0;

	if (!wanted && o->volume)
		object_remove(o->volume);
	if (o->kind == EVMS_KIND_DISK && o->examined) {
		o->state &= ~EVMS_STATE_NEW;
		if (!o->claimer && !o->consumer && !o->member && !o->volume)
			o->state |= EVMS_STATE_NEW;
	}
	if (!wanted)
		return 0;
	if (!o->volume)
		r = volume_make(o);
	return r < 0 ? r : volume_fit(o);
}

int model_new(struct context *ctx, struct registry *registry, void *owner, uint64_t *next_id,
	      struct model **out)
{
	struct model *m = calloc(1, sizeof(*m));

	if (!m)
		return context_fail(ctx, ENOMEM, "", "", "memory", "out of memory");
	m->ctx = ctx;
	m->registry = registry;
	m->owner = owner;
	m->next_id = next_id;
	*out = m;
	return 0;
}

static void model_empty(struct model *m, bool revive)
{
	size_t i;

	names_clear(&m->names);
	for (i = m->objects.count; i-- > 0; )	/* private data first: release() may look around */
		if (m->objects.at[i])
			object_drop_private(m->objects.at[i], NULL);
	for (i = 0; i < m->objects.count; i++)	/* then what leads from one to another */
		if (m->objects.at[i])
			map_clear(m->objects.at[i]);
	for (i = 0; i < m->objects.count; i++) {
		struct evms_object *o = m->objects.at[i];

		if (!o)
			continue;
		object_empty(o);
		o->model = NULL;
		o->waiting = revive && names_add(&m->graves, o) == 0;
		if (o->waiting)
			continue;		/* its id comes back with its name, held or not */
		if (!o->refs)
			object_free(o);
	}
	m->objects.count = 0;
	m->touched.count = 0;
	m->wipes.count = m->writes.count = 0;
}

void model_clear(struct model *m)
{
	model_empty(m, true);
}

void model_bury(struct model *m)
{
	size_t i;

	for (i = 0; i < m->graves.slot_count; i++) {
		while (m->graves.slots[i]) {
			struct evms_object *o = m->graves.slots[i];

			names_remove(&m->graves, o);
			o->waiting = false;
			if (!o->refs)
				object_free(o);
		}
	}
}

void model_free(struct model *m)
{
	if (!m)
		return;
	model_empty(m, false);
	model_bury(m);
	free(m->names.slots);
	free(m->graves.slots);
	vec_free(&m->objects);
	vec_free(&m->touched);
	vec_free(&m->wipes);
	vec_free(&m->writes);
	free(m);
}
