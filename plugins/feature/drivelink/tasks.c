/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Create, remove, grow, shrink, rename and repair links, and stage their metadata. */
#include <stdlib.h>
#include "link.h"

#define OLD_SIGNATURES	131072u		/* no known signature lies further in */
#define CHILD_KINDS	(EVMS_KIND_DISK | EVMS_KIND_PARTITION | EVMS_KIND_REGION | \
			 EVMS_KIND_FEATURE)

const struct evms_option link_options[] = {
	{ .name = "name",
	  .help = "name of the link",
	  .type = EVMS_TYPE_STR,
	  .min = 1,
	  .max = LINK_NAME - 1,
	  .flags = EVMS_OPTION_REQUIRED,
	  .ops = EVMS_OP_BIT(EVMS_OP_CREATE) | EVMS_OP_BIT(EVMS_OP_RENAME) },
	{ .name = "size",
	  .help = "new size: the end of one of the children that stay",
	  .type = EVMS_TYPE_SIZE,
	  .ops = EVMS_OP_BIT(EVMS_OP_SHRINK) },
	{ .name = NULL }
};

static int check_child(struct evms_task *task, struct evms_object *in)
{
	if (!(evms_get_kind(in) & CHILD_KINDS))
		return evms_task_fail(task, EINVAL, "drivelink.kind",
				      "a drive link is made of disks, "
				      "partitions, regions and feature objects");
	if (evms_get_state(in) & EVMS_STATE_READ_ONLY)
		return evms_task_fail(task, EROFS, "drivelink.read-only", "%s cannot be written",
				      evms_get_name(in));
	if (!link_copy2_offset(evms_get_size(in)))
		return evms_task_fail(
			task, ENOSPC, "drivelink.small",
			"%s is too small: a child of a drive link has at least %llu bytes",
			evms_get_name(in), (unsigned long long)(LINK_DATA + 2 * LINK_AREA));
	return 0;
}

int link_acceptable(struct evms_task *task, struct evms_object *in)
{
	uint32_t op = evms_task_get_op(task);

	if (op == EVMS_OP_CREATE)
		return check_child(task, in);
	/* input 0 is the link; what is added or taken off follows */
	if (op == EVMS_OP_EXPAND && in != evms_task_get_input(task, 0) && !evms_get_private(in))
		return check_child(task, in);
	return 0;
}

/* Grows by more children, shrinks by whole ones. */
int link_get_limits(struct evms_object *o, struct evms_limits *out)
{
	const struct link *l = evms_get_private(o);

	if (!l)
		return -EINVAL;
	out->min_size = l->locked ? l->size : l->children[0].data_size;
	out->max_size = l->size;
	out->step = LINK_AREA;
	return 0;
}

static int check_inputs(struct evms_task *task, uint32_t first, uint64_t *size)
{
	uint32_t n = evms_task_get_input_count(task), i, j;
	struct evms_object *in;
	uint64_t data;
	int r;

	for (i = first; i < n; i++) {
		in = evms_task_get_input(task, i);
		r = check_child(task, in);
		if (r < 0)
			return r;
		for (j = 0; j < i; j++)
			if (evms_task_get_input(task, j) == in)
				return evms_task_fail(task, EINVAL, "drivelink.twice",
						      "%s is given twice", evms_get_name(in));
		data = link_copy2_offset(evms_get_size(in)) - LINK_DATA;
		if (data > LINK_MAX_SIZE - *size)
			return evms_task_fail(task, ERANGE, "drivelink.size",
					      "the link would become too large");
		*size += data;
	}
	return 0;
}

static int fill_child(struct link_child *c, struct evms_object *in)
{
	c->object = in;
	c->data_offset = LINK_DATA;
	c->copy2 = link_copy2_offset(evms_get_size(in));
	c->data_size = c->copy2 - LINK_DATA;
	return link_uuid_new(c->uuid);
}

/* Old signatures where neither data nor our metadata will be. */
static int wipe_old(const struct link_child *c)
{
	uint64_t end = evms_get_size(c->object);
	int r = evms_zero(c->object, LINK_AREA, OLD_SIGNATURES - LINK_AREA, EVMS_PHASE_WIPE);

	if (r == 0 && c->copy2 + LINK_AREA < end)
		r = evms_zero(c->object, c->copy2 + LINK_AREA, end - c->copy2 - LINK_AREA,
			      EVMS_PHASE_WIPE);
	return r;
}

/* All copies 1 first: what then has copies 2 only, and not all of them, is no link any more. */
static int wipe_metadata(const struct link *l, uint32_t first)
{
	static const uint32_t phases[3] = { 0, EVMS_PHASE_FINISH, EVMS_PHASE_WIPE };
	const struct link_child *c;
	uint32_t number, i;
	int r = 0;

	for (number = 1; number <= 2; number++) {
		for (i = first; r == 0 && i < l->count; i++) {
			c = &l->children[i];
			if (c->object)
				r = evms_zero(c->object, number == 1 ? 0 : c->copy2, LINK_AREA,
					      phases[number]);
		}
	}
	return r;
}

static struct link *link_new(uint32_t count, const char *name)
{
	struct link *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->children = calloc(count, sizeof(*l->children));
	if (!l->children || link_uuid_new(l->uuid) < 0) {
		link_free(l);
		return NULL;
	}
	l->count = count;
	l->sequence = 1;
	memcpy(l->name, name, strlen(name));
	return l;
}

static int check_name(struct evms_task *task, const char *name)
{
	if (name && link_name_ok(name))
		return 0;
	return evms_task_fail(task, EINVAL, "drivelink.name",
			      "the name must have 1 to %u bytes of UTF-8, "
			      "without '/' and control characters",
			      LINK_NAME - 1);
}

int link_create(struct evms_task *task)
{
	uint32_t n = evms_task_get_input_count(task), i;
	const char *name = evms_task_get_str(task, "name");
	struct evms_object *out = NULL;
	uint64_t size = 0;
	struct link *l;
	int r = check_name(task, name);

	if (r == 0 && (n < 1 || n > LINK_MAX))
		r = evms_task_fail(task, EINVAL, "drivelink.count",
				   "a drive link has 1 to %u children, not %u", LINK_MAX, n);
	if (r == 0)
		r = check_inputs(task, 0, &size);
	if (r < 0)
		return r;
	l = link_new(n, name);
	if (!l)
		return -ENOMEM;
	l->size = size;
	for (i = 0; r == 0 && i < n; i++)
		r = fill_child(&l->children[i], evms_task_get_input(task, i));
	if (r < 0) {
		link_free(l);
		return r;
	}
	r = link_publish(l, &out);
	if (r < 0)
		return r;
	for (i = 0; r == 0 && i < n; i++)
		r = wipe_old(&l->children[i]);
	if (r == 0)
		r = evms_mark_dirty(out);
	if (r < 0)
		evms_remove(out);
	return r;
}

int link_remove(struct evms_task *task)
{
	struct evms_object *out = evms_task_get_input(task, 0);
	struct link *l = evms_get_private(out);
	int r;

	if (!l)
		return evms_task_fail(task, EINVAL, "drivelink.object", "%s is no drive link",
				      evms_get_name(out));
	r = wipe_metadata(l, 0);
	return r < 0 ? r : evms_remove(out);
}

static int get_link(struct evms_task *task, struct evms_object **out, struct link **l)
{
	*out = evms_task_get_input(task, 0);
	*l = evms_get_private(*out);
	if (!*l)
		return evms_task_fail(task, EINVAL, "drivelink.object", "%s is no drive link",
				      evms_get_name(*out));
	if ((*l)->locked)
		return evms_task_fail(task, EROFS, "drivelink.locked",
				      "%s cannot be changed while children are missing or doubled",
				      evms_get_name(*out));
	return 0;
}

/* Back to the children of before; what fails here leaves no more to do. */
static void take_back(struct link *l, struct evms_object *out, uint32_t count, uint64_t size)
{
	uint32_t i;

	for (i = count; i < l->count; i++)
		if (evms_get_consumer(l->children[i].object) == out)
			evms_give_up(out, l->children[i].object);
	l->count = count;
	l->size = size;
	link_show(l, out);
}

int link_expand(struct evms_task *task)
{
	uint32_t n = evms_task_get_input_count(task), before, i;
	struct link_child *children;
	struct evms_object *out;
	uint64_t size, old_size;
	struct link *l;
	int r = get_link(task, &out, &l);

	if (r < 0)
		return r;
	before = l->count;
	old_size = size = l->size;
	if (n < 2 || n - 1 > LINK_MAX - before)
		return evms_task_fail(task, EINVAL, "drivelink.count",
				      "name the objects to add at the end, "
				      "up to %u children in all",
				      LINK_MAX);
	r = check_inputs(task, 1, &size);
	if (r < 0)
		return r;
	children = realloc(l->children, (before + n - 1) * sizeof(*children));
	if (!children)
		return -ENOMEM;
	l->children = children;
	for (i = 1; r == 0 && i < n; i++)
		r = fill_child(&children[before + i - 1], evms_task_get_input(task, i));
	if (r < 0)
		return r;
	l->count = before + n - 1;
	l->size = size;
	for (i = before; r == 0 && i < l->count; i++)
		r = evms_consume(out, children[i].object);
	if (r == 0)
		r = link_show(l, out);
	for (i = before; r == 0 && i < l->count; i++)
		r = wipe_old(&children[i]);
	if (r == 0)
		r = evms_mark_dirty(out);
	if (r < 0) {
		take_back(l, out, before, old_size);
		return r;
	}
	l->sequence++;
	return 0;
}

/* The objects taken off are the last children, in any order. */
static int check_last(struct evms_task *task, const struct link *l, uint32_t first)
{
	uint32_t n = evms_task_get_input_count(task), i, j;
	struct evms_object *in;

	for (i = 1; i < n; i++) {
		in = evms_task_get_input(task, i);
		for (j = first; j < l->count && l->children[j].object != in; j++)
			;
		if (j == l->count)
			return evms_task_fail(task, EINVAL, "drivelink.order",
					      "%s is not among the last %u "
					      "children: a link loses children from its end",
					      evms_get_name(in), n - 1);
		for (j = 1; j < i; j++)
			if (evms_task_get_input(task, j) == in)
				return evms_task_fail(task, EINVAL, "drivelink.twice",
						      "%s is given twice", evms_get_name(in));
	}
	return 0;
}

static int give_up_from(struct link *l, struct evms_object *out, uint32_t first)
{
	uint32_t i;
	int r = wipe_metadata(l, first);

	for (i = first; r == 0 && i < l->count; i++)
		r = evms_give_up(out, l->children[i].object);
	return r;
}

/* After a failure in the middle: the children that are free again come back. */
static void bring_back(struct link *l, struct evms_object *out, uint32_t count, uint64_t size)
{
	uint32_t i;

	l->count = count;
	l->size = size;
	for (i = 0; i < count; i++)
		if (!evms_get_consumer(l->children[i].object))
			evms_consume(out, l->children[i].object);
	link_show(l, out);
}

/* How many children stay at a size; 0 when it is not the end of a child. */
static uint32_t count_at(const struct link *l, uint64_t size)
{
	uint64_t end = 0;
	uint32_t i;

	for (i = 0; i < l->count && end < size; i++)
		end += l->children[i].data_size;
	return end == size ? i : 0;
}

/* The last children go: those named as inputs, or all beyond the new size. */
static int count_staying(struct evms_task *task, const struct link *l, uint32_t *out)
{
	uint32_t n = evms_task_get_input_count(task), stay = l->count - (n - 1);

	if (n > l->count)
		stay = 0;
	if (evms_task_has(task, "size")) {
		stay = count_at(l, evms_task_get_u64(task, "size"));
		if (n > 1 && stay != l->count - (n - 1))
			stay = 0;
		if (stay < 1 || stay >= l->count)
			return evms_task_fail(
				task, ERANGE, "drivelink.size",
				"a link loses whole children "
				"from its end; the last one has %llu of its %llu bytes",
				(unsigned long long)l->children[l->count - 1].data_size,
				(unsigned long long)l->size);
	}
	if (stay < 1 || stay >= l->count)
		return evms_task_fail(task, EINVAL, "drivelink.count",
				      "name the last children to take off; at least one must stay");
	*out = stay;
	return check_last(task, l, stay);
}

int link_shrink(struct evms_task *task)
{
	uint32_t before, first = 0, i;
	struct evms_object *out;
	uint64_t size, old_size;
	struct link *l;
	int r = get_link(task, &out, &l);

	if (r == 0)
		r = count_staying(task, l, &first);
	if (r < 0)
		return r;
	before = l->count;
	old_size = size = l->size;
	for (i = first; i < before; i++)
		size -= l->children[i].data_size;
	/* the map must let go of the children before the link does */
	l->count = first;
	l->size = size;
	r = link_show(l, out);
	l->count = before;
	if (r == 0)
		r = give_up_from(l, out, first);
	if (r == 0)
		r = evms_mark_dirty(out);
	if (r < 0) {
		bring_back(l, out, before, old_size);
		return r;
	}
	l->count = first;
	l->sequence++;
	return 0;
}

int link_rename(struct evms_task *task)
{
	const char *name = evms_task_get_str(task, "name");
	struct evms_object *out;
	struct link *l;
	int r = check_name(task, name);

	if (r == 0)
		r = get_link(task, &out, &l);
	if (r == 0)
		r = evms_set_name(out, name);
	if (r == 0)
		r = evms_set_label(out, name);
	if (r == 0)
		r = evms_mark_dirty(out);
	if (r < 0)
		return r;
	memset(l->name, 0, sizeof(l->name));
	memcpy(l->name, name, strlen(name));
	l->sequence++;
	return 0;
}

int link_repair(struct evms_task *task)
{
	struct evms_object *out;
	struct link *l;
	int r = get_link(task, &out, &l);

	if (r == 0)
		r = evms_mark_dirty(out);
	if (r == 0)
		r = evms_clear_state(out, EVMS_STATE_DAMAGED);
	if (r == 0)
		l->sequence++;
	return r;
}

/*
 * All copies 2 are on stable storage before the first copy 1 is written: whatever is cut off, each
 * child has one good copy, and discovery finds either the old link or the new one.
 */
int link_write(struct evms_object *out)
{
	static const uint32_t phases[3] = { 0, EVMS_PHASE_PRIMARY, EVMS_PHASE_SECONDARY };
	const struct link *l = evms_get_private(out);
	const struct link_child *c;
	uint32_t number, i;
	uint8_t *area;
	int r = 0;

	if (!l)
		return -EINVAL;
	area = malloc(LINK_AREA);
	if (!area)
		return -ENOMEM;
	for (number = 2; number >= 1; number--) {
		for (i = 0; r == 0 && i < l->count; i++) {
			c = &l->children[i];
			link_encode(l, i, number, area);
			r = evms_write(c->object, area, LINK_AREA, number == 1 ? 0 : c->copy2,
				       phases[number]);
		}
	}
	free(area);
	return r;
}
