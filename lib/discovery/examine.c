/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One object: who recognises it, who gets it, and what file system is on it when nobody does. */
#include <errno.h>
#include "discovery/discovery.h"
#include "util/check.h"

struct candidate {
	struct evms_plugin *plugin;
	char *key;			/* of what it wants to join; NULL: it claims alone */
};

struct election {
	struct candidate best;
	struct evms_plugin *rival;	/* as good as the best one, of the same class */
};

struct head {				/* what is known of the first bytes of an object */
	const char *bytes;
	uint64_t size;
	bool blank;			/* no magic anywhere */
};

static bool shows_magic(const struct evms_plugin *p, struct evms_object *o, const struct head *head)
{
	return !head->blank && magics_hit(p, o, head->bytes, head->size);
}

static bool role_looks_at(uint32_t role, const struct evms_object *o)
{
	switch (role) {
	case EVMS_ROLE_PARTITION_MANAGER:
		return o->kind == EVMS_KIND_DISK;
	case EVMS_ROLE_GROUP_EMULATOR:
	case EVMS_ROLE_FEATURE:
		return o->kind != EVMS_KIND_VOLUME;
	case EVMS_ROLE_FILE_SYSTEM:
		return o->kind == EVMS_KIND_VOLUME;
	default:
		return false;
	}
}

static int note_error(struct model *m, struct evms_object *o, int r)
{
	if (r == -ENOMEM || r == -ECANCELED)
		return r;
	object_note(o, EVMS_STATE_DAMAGED, m->ctx->error.reason[0] ? m->ctx->error.reason : "plugin.failed",
		    "%s", m->ctx->error.detail);
	context_demote_error(m->ctx, EVMS_SEVERITY_WARNING);
	return 0;
}

/* Ask one plug-in. Its answer, or -ENOMEM / -ECANCELED. */
static int probe(struct model *m, struct evms_plugin *p, struct evms_object *o, char **key)
{
	int r = registry_load(m->registry, p);

	if (r < 0) {
		context_demote_error(m->ctx, EVMS_SEVERITY_WARNING);
		return r == -ENOMEM ? r : EVMS_NOT_MINE;
	}
	if (!p->setup.probe)
		return EVMS_MINE;	/* the magic said it all */
	model_call_begin(m, p, "probe");
	r = p->setup.probe(o);
	if (r < 0)	/* unless the plug-in has said more */
		context_fail(m->ctx, -r, o->name, p->name, "plugin.failed", "probe failed");
	r = model_call_end(m, r);
	*key = m->members->joined;
	m->members->joined = NULL;
	if (r == EVMS_MINE || r == EVMS_DAMAGED)
		return r;
	free(*key);
	*key = NULL;
	if (r == EVMS_NOT_MINE)
		return r;
	if (r > 0) {
		context_message(m->ctx, EVMS_SEVERITY_WARNING,
				"%s: %s: probe gave an answer that does not exist (%d)", o->name, p->name, r);
		return EVMS_NOT_MINE;
	}
	r = note_error(m, o, r);
	return r < 0 ? r : EVMS_NOT_MINE;
}

static void elect(struct election *e, struct evms_plugin *p, char *key)
{
	struct evms_plugin *best = e->best.plugin;

	if (best && p->priority == best->priority && p->role == best->role) {
		e->rival = p;
		free(key);
	} else if (best && (p->priority < best->priority ||
			    (p->priority == best->priority && p->role > best->role))) {
		free(key);
	} else {
		free(e->best.key);
		e->best = (struct candidate){ p, key };
		e->rival = NULL;
	}
}

/* All plug-ins that may look at the object; the highest priority wins, an equal one makes it nobody's. */
static int hold_election(struct model *m, struct evms_object *o, const struct head *head,
			 struct election *e)
{
	struct registry *registry = m->registry;
	size_t i;

	for (i = 0; i < registry->plugins.count; i++) {
		struct evms_plugin *p = registry->plugins.at[i];
		char *key = NULL;
		int r;

		if (!role_looks_at(p->role, o) || (!p->magic_count && !p->has_probe) ||
		    (p->magic_count && !shows_magic(p, o, head)))
			continue;
		r = probe(m, p, o, &key);
		if (r < 0) {
			free(e->best.key);
			e->best = (struct candidate){ NULL, NULL };
			return r;
		}
		if (r != EVMS_NOT_MINE)
			elect(e, p, key);
	}
	if (!e->rival)
		return 0;
	object_note(o, 0, "claim.conflict", "both %s and %s say that it is theirs: nobody gets it; wipe the "
		    "signature that is wrong", e->best.plugin->name, e->rival->name);
	context_message(m->ctx, EVMS_SEVERITY_WARNING, "%s: both %s and %s say that it is theirs: nobody "
			"gets it", o->name, e->best.plugin->name, e->rival->name);
	free(e->best.key);
	e->best = (struct candidate){ NULL, NULL };
	return 0;
}

static int claim(struct model *m, struct evms_object *o, struct evms_plugin *p)
{
	int r;

	if (p->role == EVMS_ROLE_PARTITION_MANAGER) {
		o->claimer = p;
		r = space_prepare(o);
		if (r < 0)
			return r;
	}
	model_call_begin(m, p, "claim");
	m->call.may_change = true;
	m->call.remember = p->role != EVMS_ROLE_FILE_SYSTEM;
	r = p->setup.claim ? p->setup.claim(o) : -ENOTSUP;
	if (r < 0)
		context_fail(m->ctx, -r, o->name, p->name, "plugin.failed", "claim failed");
	object_touch(o);
	r = model_call_end(m, r);
	if (r >= 0)
		return 0;
	object_drop_private(o, p);
	if (p->role == EVMS_ROLE_PARTITION_MANAGER) {
		space_free(o);
		object_reset_disk(o);
	} else if (o->kind == EVMS_KIND_VOLUME) {
		object_set_fs(o, NULL, NULL);
	}
	return note_error(m, o, r);
}

/* Let the winner have the object. 0 also when it could not use it. */
static int give(struct model *m, struct evms_object *o, struct candidate *c)
{
	int r;

	if (!c->key)
		return claim(m, o, c->plugin);
	o->member = true;
	r = members_join(m->members, c->plugin, c->key, o);
	free(c->key);
	return r;
}

/* Nobody made something of the object: is it a volume, and with which file system? */
static int examine_leaf(struct model *m, struct evms_object *o, const struct head *head)
{
	struct election e = { .rival = NULL };
	struct evms_object *volume;
	int r;

	o->examined = true;
	if (o->kind == EVMS_KIND_DISK) {
		r = object_make_volume(o);
		if (r < 0)
			return r;
	} else {
		r = object_settle_volume(o);
		if (r < 0)
			return r;
	}
	volume = o->volume;
	if (!volume)
		return 0;
	r = hold_election(m, volume, head, &e);
	if (r == 0 && e.best.plugin)
		r = give(m, volume, &e.best);
	if (r == 0 && o->kind == EVMS_KIND_DISK && !volume->fs) {
		object_remove(volume);
		o->state |= EVMS_STATE_NEW;
	}
	return r;
}

static bool is_examinable(const struct evms_object *o)
{
	return !o->examined && !o->consumer && o->size &&
	       !(o->state & (EVMS_STATE_INTERNAL | EVMS_STATE_UNSUPPORTED));
}

bool examine_known(struct model *m, const struct windows *w, struct evms_object *o)
{
	const struct evms_object *before;

	if (!m->prior || o->kind == EVMS_KIND_DISK || !is_examinable(o))
		return false;
	before = names_find(&m->prior->names, o->kind, o->name);
	if (!before || !before->examined || !before->volume || before->planned || before->size != o->size ||
	    !map_equal(before, o) || !windows_are_unstaged(w, o))
		return false;
	o->before = before;
	o->examined = true;
	return true;
}

/* Read the head; what cannot be read is noted. */
static void read_head(struct model *m, struct windows *w, struct evms_object *o, struct head *head)
{
	int r;

	head->size = windows_head(w, o);
	r = head->blank ? 0 : object_read(o, w->buf, (size_t)head->size, 0);
	if (head->blank)
		head->size = 0;
	if (r == 0)
		return;
	head->size = 0;
	if (o->state & EVMS_STATE_INCOMPLETE)
		return;
	object_note(o, EVMS_STATE_DAMAGED, "device.read", "cannot be read: %s", strerror(-r));
	context_message(m->ctx, EVMS_SEVERITY_ERROR, "%s: cannot be read: %s", o->name, strerror(-r));
}

int examine(struct model *m, struct windows *w, struct evms_object *o, bool blank)
{
	struct head head = { w->buf, 0, blank };
	struct election e = { .rival = NULL };
	int r;

	if (!is_examinable(o))
		return 0;
	read_head(m, w, o, &head);
	r = hold_election(m, o, &head, &e);
	if (r == 0 && e.best.plugin)
		r = give(m, o, &e.best);
	o->examined = true;
	if (r < 0 || o->consumer || o->claimer || o->member)
		return r;
	return examine_leaf(m, o, &head);
}

int examine_volume(struct model *m, struct evms_object *volume)
{
	struct evms_object *o = object_under_volume(volume);
	struct members members = { .joined = NULL };
	struct election e = { .rival = NULL };
	struct head head = { NULL, 0, false };
	int r;

	object_drop_private(volume, NULL);
	object_set_fs(volume, NULL, NULL);
	object_clear_state(volume, ~(uint32_t)(o->state & (EVMS_STATE_READ_ONLY | EVMS_STATE_DEGRADED |
							   EVMS_STATE_INCOMPLETE)));
	m->members = &members;		/* nobody can join here, but somebody could try */
	r = hold_election(m, volume, &head, &e);
	if (r == 0 && e.best.plugin && !e.best.key)
		r = claim(m, volume, e.best.plugin);
	free(e.best.key);
	m->members = NULL;
	members_free(&members);
	return r;
}
