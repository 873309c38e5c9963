/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From children to a link: which state of it counts, who is missing, and its object. */
#include <stdio.h>
#include <stdlib.h>
#include "link.h"

#define KEY_PREFIX	"link:"
#define KEY_SIZE	(sizeof(KEY_PREFIX) + LINK_UUID_TEXT)
#define MAX_STATES	16u	/* states looked at; a crash leaves two */
#define MAX_NAMED	8u	/* missing children that get a note of their own */

/* An object that carries the link's metadata. */
struct member {
	struct evms_object *object;
	struct link_copy copy[2];
	bool good[2];
	bool used;			/* in the state that is looked at */
};

/* What one or more copies with the same sequence number and content describe. */
struct state {
	const struct link_copy *copy;	/* one of them */
	struct evms_object *object;	/* where it was read */
	struct link_child *children;	/* [copy->count] */
	uint32_t missing;
	bool committed;			/* a copy 1 exists: all copies 2 were written before it */
	bool contested;			/* another state has the same sequence number */
};

struct discovery {
	struct member *members;		/* sorted by uuid, the newest of equal ones first */
	uint32_t count;
	const struct link_copy **copies;	/* all good ones, newest first */
	uint32_t copy_count;
};

/* --- reading ------------------------------------------------------------------------------- */

static int read_member(struct evms_object *o, struct member *m, struct link_trouble *trouble)
{
	uint64_t second = link_copy2_offset(evms_get_size(o));
	int a, b;

	memset(m, 0, sizeof(*m));
	m->object = o;
	a = link_copy_read(o, 1, 0, &m->copy[0], trouble);
	m->good[0] = a == LINK_FOUND_GOOD;
	/* the child may have grown since: its metadata stays where it is */
	if (m->good[0])
		second = m->copy[0].copy2;
	b = second ? link_copy_read(o, 2, second, &m->copy[1], trouble) : LINK_FOUND_NONE;
	m->good[1] = b == LINK_FOUND_GOOD;
	/* an end left over from another link */
	if (m->good[0] && m->good[1] && (memcmp(m->copy[0].link, m->copy[1].link, 16) != 0 ||
					 memcmp(m->copy[0].child, m->copy[1].child, 16) != 0))
		m->good[1] = false;
	if (m->good[0] || m->good[1])
		return LINK_FOUND_GOOD;
	if (a == LINK_FOUND_BAD || b == LINK_FOUND_BAD)
		return LINK_FOUND_BAD;
	return a < 0 ? a : b < 0 ? b : LINK_FOUND_NONE;
}

static const struct link_copy *newest(const struct member *m)
{
	if (!m->good[0])
		return &m->copy[1];
	return m->good[1] && m->copy[1].sequence > m->copy[0].sequence ? &m->copy[1] : &m->copy[0];
}

int link_probe(struct evms_object *in)
{
	struct link_trouble trouble = { .reason = NULL };
	char uuid[LINK_UUID_TEXT], key[KEY_SIZE];
	struct member m;
	int r = read_member(in, &m, &trouble);

	if (r < 0)
		return r;
	if (r == LINK_FOUND_NONE)
		return EVMS_NOT_MINE;
	if (r == LINK_FOUND_BAD)
		return EVMS_DAMAGED;
	link_uuid_text(newest(&m)->link, uuid);
	snprintf(key, sizeof(key), KEY_PREFIX "%s", uuid);
	r = evms_join(in, key);
	return r < 0 ? r : EVMS_MINE;
}

/* Only for objects with no good copy: the others have joined a link. */
int link_claim(struct evms_object *in)
{
	struct link_trouble trouble = { .reason = "drivelink.metadata",
					.text = "the metadata of the drive link is damaged" };
	struct member m;
	int r = read_member(in, &m, &trouble);

	if (r < 0)
		return r;
	return evms_fail(in, EBADMSG, trouble.reason, "%s", trouble.text);
}

static int by_uuid(const void *x, const void *y)
{
	const struct member *a = x, *b = y;
	int r = memcmp(newest(a)->child, newest(b)->child, 16);

	if (r != 0)
		return r;
	if (newest(a)->sequence != newest(b)->sequence)
		return newest(a)->sequence > newest(b)->sequence ? -1 : 1;
	return strcmp(evms_get_name(a->object), evms_get_name(b->object));
}

static int by_age(const void *x, const void *y)
{
	const struct link_copy *a = *(const struct link_copy *const *)x;
	const struct link_copy *b = *(const struct link_copy *const *)y;

	if (a->sequence != b->sequence)
		return a->sequence > b->sequence ? -1 : 1;
	if (a->digest != b->digest)
		return a->digest > b->digest ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

static void discovery_free(struct discovery *d)
{
	free(d->members);
	free(d->copies);
}

static int discover(struct evms_members *members, struct discovery *d)
{
	struct link_trouble trouble = { .reason = NULL };
	uint32_t n = evms_members_get_count(members), i, k;

	memset(d, 0, sizeof(*d));
	d->members = calloc(n ? n : 1, sizeof(*d->members));
	d->copies = calloc(n ? 2 * (size_t)n : 1, sizeof(*d->copies));
	if (!d->members || !d->copies)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		if (read_member(evms_members_get(members, i), &d->members[d->count], &trouble) ==
		    LINK_FOUND_GOOD)
			d->count++;
	qsort(d->members, d->count, sizeof(*d->members), by_uuid);
	for (i = 0; i < d->count; i++)
		for (k = 0; k < 2; k++)
			if (d->members[i].good[k])
				d->copies[d->copy_count++] = &d->members[i].copy[k];
	qsort(d->copies, d->copy_count, sizeof(*d->copies), by_age);
	return d->count ? 0 : -ENOENT;
}

/* --- choosing ------------------------------------------------------------------------------ */

static bool same_state(const struct link_copy *a, const struct link_copy *b)
{
	return a->sequence == b->sequence && a->digest == b->digest;
}

static struct member *find_member(const struct discovery *d, const uint8_t uuid[16])
{
	uint32_t low = 0, high = d->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (memcmp(newest(&d->members[middle])->child, uuid, 16) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == d->count || memcmp(newest(&d->members[low])->child, uuid, 16) != 0)
		return NULL;
	return &d->members[low];
}

static const struct member *holder(const struct discovery *d, const struct link_copy *c)
{
	const char *first = (const char *)d->members;

	return &d->members[(size_t)((const char *)c - first) / sizeof(*d->members)];
}

/* Match a state's table with what is there. */
static int look_at(const struct discovery *d, const struct link_copy *copy, struct state *s)
{
	struct link_child *c;
	struct member *m;
	uint32_t i;
	int r;

	memset(s, 0, sizeof(*s));
	s->copy = copy;
	s->object = holder(d, copy)->object;
	s->children = calloc(copy->count, sizeof(*s->children));
	if (!s->children)
		return -ENOMEM;
	r = link_table_read(s->object, copy, s->children);
	for (i = 0; i < d->count; i++)
		d->members[i].used = false;
	for (i = 0; r == 0 && i < copy->count; i++) {
		c = &s->children[i];
		m = find_member(d, c->uuid);
		if (!m || m->used || newest(m)->data_size != c->data_size) {
			s->missing++;
			continue;
		}
		m->used = true;
		c->object = m->object;
		c->data_offset = newest(m)->data_offset;
		c->copy2 = newest(m)->copy2;
	}
	for (i = 0; i < d->copy_count; i++) {
		s->committed |= d->copies[i]->number == 1 && same_state(d->copies[i], copy);
		s->contested |= d->copies[i]->sequence == copy->sequence &&
				d->copies[i]->digest != copy->digest;
	}
	return r;
}

/*
 * The newest state with all its children counts: a change that was cut off before it reached all of
 * them has not happened. Without such a one, the newest that was committed.
 * 0, EVMS_WAIT when a newer state may become complete yet, -ENOENT when none was ever finished.
 */
static int choose(const struct discovery *d, bool final, struct state *out)
{
	struct state s, best = { .copy = NULL };
	uint32_t i, seen = 0;
	int r = 0;

	for (i = 0; r == 0 && i < d->copy_count && seen < MAX_STATES; i++) {
		if (i && same_state(d->copies[i], d->copies[i - 1]))
			continue;
		seen++;
		r = look_at(d, d->copies[i], &s);
		if (r == 0 && s.missing == 0) {
			free(best.children);
			best = s;
			break;
		}
		if (r == 0 && !final)
			r = EVMS_WAIT;
		if (r == 0 && s.committed && !best.copy)
			best = s;
		else
			free(s.children);
	}
	if (r == 0 && !best.copy)
		r = -ENOENT;
	if (r != 0) {
		free(best.children);
		return r;
	}
	free(best.children);
	/* once more, because of the marks on the members */
	r = look_at(d, best.copy, out);
	if (r < 0)
		free(out->children);
	return r;
}

/* --- the object ---------------------------------------------------------------------------- */

void link_free(struct link *l)
{
	if (!l)
		return;
	free(l->children);
	free(l);
}

void link_release(struct evms_object *o)
{
	link_free(evms_get_private(o));
}

static int show_map(const struct link *l, struct evms_object *out)
{
	const struct link_child *c;
	uint64_t at = 0;
	uint32_t i;
	int r = evms_clear_map(out);

	for (i = 0; r == 0 && i < l->count; i++) {
		c = &l->children[i];
		r = c->object ? evms_map(out, at, c->object, c->data_offset, c->data_size) :
				evms_map_error(out, at, c->data_size);
		at += c->data_size;
	}
	return r;
}

int link_show(const struct link *l, struct evms_object *out)
{
	uint32_t block = 512, i;
	int r;

	for (i = 0; i < l->count; i++)
		if (l->children[i].object && evms_get_block_size(l->children[i].object) > block)
			block = evms_get_block_size(l->children[i].object);
	r = evms_set_size(out, l->size);
	if (r == 0)
		r = evms_set_block_size(out, block);
	if (r == 0)
		r = evms_set_u64(out, "children", EVMS_TYPE_U64, l->count);
	return r < 0 ? r : show_map(l, out);
}

int link_publish(struct link *l, struct evms_object **out)
{
	struct evms_object *o = NULL;
	char uuid[LINK_UUID_TEXT];
	uint32_t i, first = 0;
	int r;

	while (first < l->count && !l->children[first].object)
		first++;
	r = first == l->count ? -ENOENT :
	    evms_produce(l->children[first].object, l->name, l->size, &o);
	if (r < 0) {
		link_free(l);
		return r;
	}
	r = evms_set_private(o, l);
	if (r < 0) {
		link_free(l);
		evms_remove(o);
		return r;
	}
	for (i = first + 1; r == 0 && i < l->count; i++)
		if (l->children[i].object)
			r = evms_consume(o, l->children[i].object);
	link_uuid_text(l->uuid, uuid);
	if (r == 0)
		r = evms_set_label(o, l->name);
	if (r == 0)
		r = evms_set_uuid(o, uuid);
	if (r == 0)
		r = link_show(l, o);
	if (r < 0) {
		evms_remove(o);		/* releases the link, once it is the object's */
		return r;
	}
	*out = o;
	return 0;
}

static int note_missing(const struct link *l, struct evms_object *out)
{
	const uint32_t state = EVMS_STATE_INCOMPLETE | EVMS_STATE_READ_ONLY;
	char uuid[LINK_UUID_TEXT];
	uint32_t i, named = 0;
	int r = 0;

	for (i = 0; r == 0 && i < l->count && named < MAX_NAMED; i++) {
		if (l->children[i].object)
			continue;
		named++;
		link_uuid_text(l->children[i].uuid, uuid);
		r = evms_note(
			out, state, "drivelink.missing",
			"child %u of %u is missing: uuid %s, %llu bytes; its part cannot be read",
			i + 1, l->count, uuid, (unsigned long long)l->children[i].data_size);
	}
	if (r == 0 && l->missing > named)
		r = evms_note(out, state, "drivelink.missing", "%u more children are missing",
			      l->missing - named);
	return r;
}

static bool is_child(const struct state *s, const uint8_t uuid[16])
{
	uint32_t i;

	for (i = 0; i < s->copy->count; i++)
		if (memcmp(s->children[i].uuid, uuid, 16) == 0)
			return true;
	return false;
}

/* Objects with the link's uuid that are no part of it: copies of a child, or left by a crash. */
static int note_others(const struct discovery *d, const struct state *s, struct link *l,
		       struct evms_object *out)
{
	const struct member *m;
	uint32_t i;
	int r = 0;

	for (i = 0; r == 0 && i < d->count; i++) {
		m = &d->members[i];
		if (m->used)
			continue;
		if (!is_child(s, newest(m)->child)) {
			r = evms_note(
				out, 0, "drivelink.left-over",
				"%s carries metadata of this link but is no part of it; wipe it",
				evms_get_name(m->object));
			continue;
		}
		l->locked = true;
		r = evms_note(out, EVMS_STATE_READ_ONLY | EVMS_STATE_DAMAGED, "drivelink.double",
			      "%s is a copy of another child of this link; remove one of them",
			      evms_get_name(m->object));
	}
	return r;
}

static int note_stale(const struct discovery *d, const struct state *s, struct evms_object *out)
{
	uint32_t i, k, stale = 0;

	for (i = 0; i < d->count; i++)
		for (k = 0; d->members[i].used && k < 2; k++)
			stale += !d->members[i].good[k] ||
				 !same_state(&d->members[i].copy[k], s->copy);
	if (!stale)
		return 0;
	return evms_note(out, EVMS_STATE_DAMAGED, "drivelink.stale",
			 "%u copies of the metadata are old or damaged; repair writes them anew",
			 stale);
}

static int note_all(const struct discovery *d, const struct state *s, struct link *l,
		    struct evms_object *out)
{
	int r = note_missing(l, out);

	if (r == 0)
		r = note_others(d, s, l, out);
	if (r == 0)
		r = note_stale(d, s, out);
	if (r == 0 && s->contested) {
		l->locked = true;
		r = evms_note(out, EVMS_STATE_READ_ONLY | EVMS_STATE_DAMAGED, "drivelink.contested",
			      "the children disagree about what the link is made of");
	}
	return r;
}

static struct link *link_from(const struct discovery *d, struct state *s)
{
	struct link *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	memcpy(l->uuid, s->copy->link, 16);
	memcpy(l->name, s->copy->name, LINK_NAME);
	/* above every number that was ever written, also by a change that was cut off */
	l->sequence = d->copies[0]->sequence;
	l->size = s->copy->size;
	l->count = s->copy->count;
	l->missing = s->missing;
	l->locked = s->missing != 0;
	l->children = s->children;
	s->children = NULL;
	return l;
}

static int build(const struct discovery *d, struct state *s)
{
	struct link_child *children = s->children;
	struct link *l = link_from(d, s);
	struct evms_object *out = NULL;
	int r;

	if (!l) {
		free(children);
		return -ENOMEM;
	}
	r = link_publish(l, &out);
	if (r < 0)
		return r;
	s->children = children;		/* borrowed from the link */
	r = note_all(d, s, l, out);
	if (r < 0)
		evms_remove(out);
	return r;
}

int link_assemble(struct evms_members *members)
{
	struct discovery d;
	struct state s;
	int r = discover(members, &d);

	if (r == 0)
		r = choose(&d, evms_members_is_final(members), &s);
	if (r == 0)
		r = build(&d, &s);
	else if (r == -ENOENT && d.count)
		r = evms_fail(d.members[0].object, EBADMSG, "drivelink.unfinished",
			      "a drive link was being made or removed here, and that was cut off; "
			      "wipe the object");
	discovery_free(&d);
	return r;
}
