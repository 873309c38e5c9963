/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Members of something bigger are collected by key; assemble is called once they are together. */
#include <errno.h>
#include "discovery/discovery.h"
#include "util/crc.h"

static size_t members_slot(const struct members *all, const struct evms_plugin *p, const char *key)
{
	return (size_t)hash64(p->id, key, strlen(key)) & (all->slot_count - 1);
}

static struct evms_members *members_find(const struct members *all, const struct evms_plugin *p,
					 const char *key)
{
	struct evms_members *m;

	if (!all->slot_count)
		return NULL;
	for (m = all->slots[members_slot(all, p, key)]; m; m = m->next)
		if (m->plugin == p && !strcmp(m->key, key))
			return m;
	return NULL;
}

static int members_grow(struct members *all)
{
	size_t count = all->slot_count ? all->slot_count * 2 : 64, i, slot;
	struct evms_members **slots = calloc(count, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	free(all->slots);
	all->slots = slots;
	all->slot_count = count;
	for (i = 0; i < all->list.count; i++) {
		struct evms_members *m = all->list.at[i];

		slot = members_slot(all, m->plugin, m->key);
		m->next = slots[slot];
		slots[slot] = m;
	}
	return 0;
}

int members_join(struct members *all, struct evms_plugin *p, const char *key, struct evms_object *o)
{
	struct evms_members *m = members_find(all, p, key);
	size_t slot;

	if (!m) {
		if (all->list.count >= all->slot_count && members_grow(all) < 0)
			return -ENOMEM;
		m = calloc(1, sizeof(*m));
		if (!m || !(m->key = strdup(key)) || !vec_push(&all->list, m)) {
			free(m ? m->key : NULL);
			free(m);
			return -ENOMEM;
		}
		m->all = all;
		m->plugin = p;
		slot = members_slot(all, p, key);
		m->next = all->slots[slot];
		all->slots[slot] = m;
	}
	if (!vec_push(&m->at, o))
		return -ENOMEM;
	m->fresh = true;
	return 0;
}

struct evms_object *members_take(struct evms_members *m, const char *key)
{
	struct evms_members *from = members_find(m->all, m->plugin, key);
	struct evms_object *o;

	if (!from || from == m || from->at.count != 1 || from->at.at[0]->consumer)
		return NULL;
	o = from->at.at[0];
	if (!vec_push(&m->at, o))
		return NULL;
	from->at.count = 0;
	from->done = true;
	return o;
}

/* The members of something that could not be built say so themselves. */
static void note_failure(struct model *m, struct evms_members *members)
{
	const char *why = m->ctx->error.detail;
	size_t i;

	for (i = 0; i < members->at.count; i++)
		object_note(members->at.at[i], EVMS_STATE_DAMAGED, m->ctx->error.reason, "%s", why);
	context_demote_error(m->ctx, EVMS_SEVERITY_WARNING);
}

/* Nothing more will be found, and the plug-in goes on waiting: whoever looks at the members must be told. */
static void note_waiting(struct evms_members *members)
{
	size_t i;

	for (i = 0; i < members->at.count; i++)
		object_note(members->at.at[i], EVMS_STATE_INCOMPLETE, "members.waiting", "%s waits for more "
			    "members of what this belongs to, and none were found", members->plugin->name);
}

static int ask(struct model *m, struct evms_members *members, bool final)
{
	struct evms_plugin *p = members->plugin;
	int r = registry_load(m->registry, p);

	members->fresh = false;
	members->final = final;
	if (r == 0) {
		model_call_begin(m, p, "assemble");
		m->call.may_change = m->call.remember = true;
		r = p->setup.assemble ? p->setup.assemble(members) : -ENOTSUP;
		r = model_call_end(m, r);
	}
	if (r == EVMS_WAIT && !final)
		return 0;
	members->done = true;
	if (r == -ENOMEM || r == -ECANCELED)
		return r;
	if (r < 0)
		note_failure(m, members);
	else if (r == EVMS_WAIT)
		note_waiting(members);
	return 0;
}

static int assemble_all(struct model *m, bool final, bool features_only, bool *any)
{
	struct members *all = m->members;
	size_t i;
	int r = 0;

	for (i = 0; i < all->list.count && r == 0; i++) {
		struct evms_members *members = all->list.at[i];

		if (members->done || !members->at.count || (!final && !members->fresh) ||
		    (features_only && members->plugin->role != EVMS_ROLE_FEATURE))
			continue;
		*any = true;
		r = ask(m, members, final);
	}
	return r;
}

/* Groups come last: what they wait for can lie on a feature that has to do without a member of its own. */
int members_assemble(struct model *m, bool final, bool *any)
{
	int r = 0;

	*any = false;
	if (final)
		r = assemble_all(m, true, true, any);
	return r < 0 || *any ? r : assemble_all(m, final, false, any);
}

void members_free(struct members *all)
{
	size_t i;

	for (i = 0; i < all->list.count; i++) {
		free(all->list.at[i]->key);
		vec_free(&all->list.at[i]->at);
		free(all->list.at[i]);
	}
	vec_free(&all->list);
	free(all->slots);
	free(all->joined);
}
