/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The pipeline: device managers claim devices; then objects are examined in waves, each wave being what
 * the one before produced; when no wave is left, groups are assembled, whose products are the next wave;
 * when nothing new comes, those that waited for more members are asked a last time.
 */
#include <errno.h>
#include <stdlib.h>
#include "discovery/discovery.h"

struct wave {
	struct model *m;
	struct windows windows;
	VEC(struct evms_object *) objects;
};

static void device_refused(struct model *m, struct evms_object *device, int r)
{
	const struct evms_error *e = &m->ctx->error;

	object_note(device, EVMS_STATE_NEW, e->error ? e->reason : "device.unclaimed", "%s",
		    e->error ? e->detail : r < 0 ? strerror(-r) : "no device manager knows this kind of device");
	if (e->error)
		context_demote_error(m->ctx, EVMS_SEVERITY_ERROR);
	else
		context_message(m->ctx, EVMS_SEVERITY_ERROR, "%s: %s", device->name,
				r < 0 ? strerror(-r) : "no device manager knows this kind of device");
}

static int make_disk(struct model *m, struct evms_plugin *p, struct evms_object *device,
		     struct device *d)
{
	const struct evms_device_facts *facts = device_facts(d);
	const char *path = device_path(d), *slash = strrchr(path, '/');
	struct evms_object *disk;
	int r;

	model_call_begin(m, p, "describe");
	m->call.may_change = true;
	r = object_new(m, EVMS_KIND_DISK, slash ? slash + 1 : path, p, &disk);
	if (r == 0) {
		disk->disk = calloc(1, sizeof(*disk->disk));
		if (!disk->disk)
			r = -ENOMEM;
	}
	if (r == 0) {
		disk->disk->device = d;
		disk->disk->block_size_assumed = !facts->logical_block_size && !facts->wanted_block_size;
		disk->size = facts->size;
		if (facts->physical_block_size)
			disk->physical_block_size = facts->physical_block_size;
		r = p->devices.describe ? p->devices.describe(disk, facts) : 0;
		disk->disk->first_size = disk->size;
		disk->disk->first_block_size = disk->block_size;
	}
	r = model_call_end(m, r);
	if (r == 0)
		object_remove(device);
	return r;
}

/* Offer a device to the device managers, best priority first. */
static int claim_device(struct model *m, struct evms_object *device, struct device *d)
{
	struct evms_plugin *winner = NULL;
	size_t i;
	int r = device_error(d);

	if (r < 0) {
		device_refused(m, device, r);
		return 0;
	}
	for (i = 0; i < m->registry->plugins.count; i++) {
		struct evms_plugin *p = m->registry->plugins.at[i];

		if (p->role != EVMS_ROLE_DEVICE_MANAGER || (winner && p->priority < winner->priority) ||
		    registry_load(m->registry, p) < 0 || !p->devices.claim)
			continue;
		model_call_begin(m, p, "claim");
		r = model_call_end(m, p->devices.claim(device, device_facts(d)));
		if (r == EVMS_MINE && winner) {
			object_note(device, EVMS_STATE_NEW, "claim.conflict", "both %s and %s say that it "
				    "is theirs: nobody gets it", winner->name, p->name);
			return 0;
		}
		if (r == EVMS_MINE)
			winner = p;
	}
	r = winner ? make_disk(m, winner, device, d) : 0;
	if (r == -ENOMEM)
		return r;
	if (!winner || r < 0)
		device_refused(m, device, r);
	return 0;
}

/* A device and where it stands among those that were added. */
struct place {
	const struct device *device;
	size_t index;
};

static int by_identity(const void *x, const void *y)
{
	const struct place *a = x, *b = y;
	const struct device_identity *i = device_identity(a->device), *k = device_identity(b->device);

	if (i->dev != k->dev)
		return i->dev < k->dev ? -1 : 1;
	if (i->ino != k->ino)
		return i->ino < k->ino ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

/* The first device that is the same one by another name goes to same[i]; NULL for none. */
static int find_same(struct device *const *devices, size_t count, const struct device **same)
{
	struct place *places = calloc(count ? count : 1, sizeof(*places));
	size_t n = 0, i;

	if (!places)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		if (device_error(devices[i]) == 0)
			places[n++] = (struct place) { devices[i], i };
	}
	qsort(places, n, sizeof(*places), by_identity);
	for (i = 1; i < n; i++) {
		const struct device_identity *a = device_identity(places[i - 1].device);
		const struct device_identity *b = device_identity(places[i].device);
		const struct device *first = same[places[i - 1].index];

		if (a->dev == b->dev && a->ino == b->ino)
			same[places[i].index] = first ? first : places[i - 1].device;
	}
	free(places);
	return 0;
}

static int claim_devices(struct model *m, struct device *const *devices, size_t count)
{
	const struct device **same = calloc(count ? count : 1, sizeof(struct device *));
	struct evms_object *device;
	size_t i;
	int r = same ? find_same(devices, count, same) : -ENOMEM;

	for (i = 0; i < count && r == 0; i++) {
		r = object_new(m, EVMS_KIND_DEVICE, device_path(devices[i]), NULL, &device);
		if (r < 0)
			break;
		device->size = device_facts(devices[i])->size;
		if (!same[i]) {
			r = claim_device(m, device, devices[i]);
			continue;
		}
		context_fail(m->ctx, EEXIST, device->name, "", "device.twice", "it is the same as %s",
			     device_path(same[i]));
		device_refused(m, device, -EEXIST);
	}
	free(same);
	return r;
}

static int examine_next(void *user, size_t i)
{
	struct wave *wave = user;
	struct model *m = wave->m;
	int r;

	if (i % 64 == 0) {
		r = context_progress(m->ctx, "discover", i, wave->objects.count);
		if (r < 0)
			return r;
	}
	return examine(m, &wave->windows, wave->objects.at[i], false);
}

/* Everything from index from on that holds bytes and was not looked at. */
static int collect(struct wave *wave, size_t from)
{
	struct model *m = wave->m;
	size_t i;

	wave->objects.count = 0;
	for (i = from; i < m->objects.count; i++) {
		struct evms_object *o = m->objects.at[i];

		if (o && object_holds_data(o) && !o->examined && (o->disk || o->map.count) &&
		    !vec_push(&wave->objects, o))
			return -ENOMEM;
	}
	return 0;
}

/* Objects that need no reading are done at once; the windows of the others are read together. */
static int run_wave(struct wave *wave, struct device_set *set)
{
	struct model *m = wave->m;
	window_list list = { 0 };
	size_t i, before;
	int r = 0;

	for (i = 0; i < wave->objects.count && r == 0; i++) {
		struct evms_object *o = wave->objects.at[i];

		if (examine_known(m, &wave->windows, o))
			continue;	/* the second look is about what it is, not for its volume */
		/* Only where there can be thousands on one device: the first look at a device is in the batch. */
		if (o->kind == EVMS_KIND_REGION && windows_are_blank(&wave->windows, o)) {
			r = examine(m, &wave->windows, o, true);
			continue;
		}
		before = list.count;
		r = windows_add(&wave->windows, o, i, &list);
		if (r == 0 && list.count == before)	/* it has no bytes on a device */
			r = examine(m, &wave->windows, o, false);
	}
	if (r == 0)
		r = device_set_prefetch(set, list.at, list.count, examine_next, wave);
	vec_free(&list);
	return r;
}

static int run_waves(struct wave *wave, struct device_set *set)
{
	struct model *m = wave->m;
	size_t from = 0;
	bool any;
	int r = 0;

	while (r == 0) {
		while (r == 0 && from < m->objects.count) {
			r = collect(wave, from);
			from = m->objects.count;
			if (r == 0)
				r = run_wave(wave, set);
		}
		if (r == 0)
			r = members_assemble(m, false, &any);
		if (r == 0 && from == m->objects.count) {
			r = members_assemble(m, true, &any);
			if (!any)
				break;
		}
	}
	return r;
}

int discover(struct model *m, struct device_set *set, struct device *const *devices, size_t count)
{
	struct wave wave = { .m = m };
	struct members members = { .joined = NULL };
	int r;

	m->members = &members;
	r = m->scratch ? 0 : device_set_identify(set, devices, count);	/* a second look is at the same ones */
	if (r == 0)
		r = claim_devices(m, devices, count);
	if (r == 0)
		r = windows_init(&wave.windows, m->registry);
	if (r == 0)
		r = run_waves(&wave, set);
	if (r == 0 && !m->scratch)
		r = note_twins(m);
	m->members = NULL;
	members_free(&members);
	windows_free(&wave.windows);
	vec_free(&wave.objects);
	return r;
}

int note_holders(struct model *m, struct device_set *set)
{
	char holder[256];
	size_t i;
	int r = 0;

	device_set_look_again(set);
	for (i = 0; i < m->objects.count && r == 0; i++) {
		struct evms_object *o = m->objects.at[i];

		if (!o || !o->disk)
			continue;
		object_clear_state(o, EVMS_STATE_IN_USE);
		if (device_find_holder(o->disk->device, holder, sizeof(holder)) == 0)
			r = object_note(o, EVMS_STATE_IN_USE, "device.busy", "in use: %s", holder);
	}
	return r;
}
