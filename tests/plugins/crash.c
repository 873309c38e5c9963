/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Power cuts: see crash.h. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/plugins/crash.h"

#define PHASES		5u
#define ALL_SUBSETS	6u	/* up to so many writes in a phase, every subset is tried */

/* One write of the commit. */
struct piece {
	char path[256];
	unsigned phase;
	uint64_t offset, size;
	char *before, *after;
};

struct crash {
	struct rig *rig;
	crash_view_fn view;
	void (*repair)(struct rig *r);
	struct piece *pieces;		/* in order of phases */
	size_t count;
	char *old, *new;
	unsigned tried;
};

/* How much of a write reached the disk. */
enum reach { NOT, WHOLE, FIRST_HALF, LAST_HALF };

static const char *const phase_names[PHASES] = { "new", "secondary", "primary", "finish", "wipe" };

static void transfer(const struct piece *p, char *buf, uint64_t from, uint64_t to, bool writing)
{
	int fd = open(p->path, (writing ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	ssize_t n;

	assert_true(fd >= 0);
	n = writing ? pwrite(fd, buf + from, to - from, (off_t)(p->offset + from)) :
		      pread(fd, buf + from, to - from, (off_t)(p->offset + from));
	assert_true(n == (ssize_t)(to - from));
	close(fd);
}

static const char *get_text(struct json_object *o, const char *key)
{
	struct json_object *v;

	assert_true(json_object_object_get_ex(o, key, &v));
	return json_object_get_string(v);
}

static uint64_t get_number(struct json_object *o, const char *key)
{
	struct json_object *v;

	assert_true(json_object_object_get_ex(o, key, &v));
	return (uint64_t)json_object_get_int64(v);
}

static void add_pieces(struct crash *c, struct json_object *writes, unsigned phase)
{
	size_t i;

	for (i = 0; i < json_object_array_length(writes); i++) {
		struct json_object *w = json_object_array_get_idx(writes, i);
		struct piece *p = &c->pieces[c->count];

		if (strcmp(get_text(w, "phase"), phase_names[phase]))
			continue;
		snprintf(p->path, sizeof(p->path), "%s", get_text(w, "device"));
		p->phase = phase;
		p->offset = get_number(w, "offset");
		p->size = get_number(w, "size");
		p->before = malloc(p->size);
		p->after = malloc(p->size);
		assert_non_null(p->before);
		assert_non_null(p->after);
		transfer(p, p->before, 0, p->size, false);
		c->count++;
	}
}

/* A byte that is written twice would make "before" and "after" ambiguous. */
static void check_overlaps(const struct crash *c)
{
	size_t i, k;

	for (i = 0; i < c->count; i++)
		for (k = 0; k < i; k++)
			if (!strcmp(c->pieces[i].path, c->pieces[k].path) &&
			    c->pieces[i].offset < c->pieces[k].offset + c->pieces[k].size &&
			    c->pieces[k].offset < c->pieces[i].offset + c->pieces[i].size)
				fail_msg("%s: %" PRIu64 "+%" PRIu64 " (%s) and %" PRIu64 "+%" PRIu64 " (%s)",
					 c->pieces[i].path, c->pieces[i].offset, c->pieces[i].size,
					 phase_names[c->pieces[i].phase], c->pieces[k].offset,
					 c->pieces[k].size, phase_names[c->pieces[k].phase]);
}

static void collect(struct crash *c)
{
	struct json_object *json, *writes;
	struct evms_plan *plan;
	unsigned phase;
	char *text;

	rig_ok(c->rig, evms_engine_plan(c->rig->e, &plan));
	rig_ok(c->rig, evms_plan_to_json(plan, &text));
	evms_plan_unref(plan);
	json = json_tokener_parse(text);
	free(text);
	assert_non_null(json);
	assert_true(json_object_object_get_ex(json, "writes", &writes));
	c->pieces = calloc(json_object_array_length(writes) + 1, sizeof(*c->pieces));
	for (phase = 0; phase < PHASES; phase++)
		add_pieces(c, writes, phase);
	assert_int_equal(c->count, json_object_array_length(writes));
	json_object_put(json);
	check_overlaps(c);
}

static void put(const struct piece *p, enum reach reach)
{
	uint64_t half = p->size / 1024 * 512;

	transfer(p, p->before, 0, p->size, true);
	if (reach == WHOLE || reach == FIRST_HALF)
		transfer(p, p->after, 0, reach == WHOLE ? p->size : half, true);
	else if (reach == LAST_HALF)
		transfer(p, p->after, half, p->size, true);
}

static void show_state(const struct crash *c, const enum reach *state)
{
	static const char *const words[] = { "not", "whole", "first half", "last half" };
	size_t i;

	for (i = 0; i < c->count; i++)
		print_error("  %-9s %s %" PRIu64 "+%" PRIu64 ": %s\n", phase_names[c->pieces[i].phase],
			    strrchr(c->pieces[i].path, '/') + 1, c->pieces[i].offset, c->pieces[i].size,
			    words[state[i]]);
}

static void judge(struct crash *c, const enum reach *state)
{
	char *found, *mended;
	bool is_old, is_new;
	size_t i;

	for (i = 0; i < c->count; i++)
		put(&c->pieces[i], state[i]);
	rig_again(c->rig);
	c->tried++;
	found = c->view(c->rig);
	is_old = !strcmp(found, c->old);
	is_new = !strcmp(found, c->new);
	if (!is_old && !is_new) {
		show_state(c, state);
		print_error("found:\n%s\nold:\n%s\nnew:\n%s\n", found, c->old, c->new);
		fail_msg("neither the old nor the new");
	}
	if (c->repair) {
		c->repair(c->rig);
		rig_again(c->rig);
		mended = c->view(c->rig);
		if (strcmp(mended, found)) {
			show_state(c, state);
			print_error("found:\n%s\nafter repair:\n%s\n", found, mended);
			fail_msg("repair made something else of it");
		}
		free(mended);
	}
	free(found);
}

/* All writes of earlier phases; of this one (first..end) what the bits of mask say. */
static void try_mask(struct crash *c, size_t first, size_t end, uint64_t mask)
{
	enum reach state[64];
	size_t i;

	for (i = 0; i < c->count; i++)
		state[i] = i < first || (i < end && mask >> (i - first) & 1) ? WHOLE : NOT;
	judge(c, state);
}

static void try_torn(struct crash *c, size_t at)
{
	enum reach state[64];
	size_t i;

	if (c->pieces[at].size < 1024)
		return;
	for (i = 0; i < c->count; i++)
		state[i] = i < at ? WHOLE : NOT;
	state[at] = FIRST_HALF;
	judge(c, state);
	state[at] = LAST_HALF;
	judge(c, state);
}

static void try_phase(struct crash *c, size_t first, size_t end)
{
	size_t n = end - first, i;
	uint64_t all = (UINT64_C(1) << n) - 1, mask;

	if (n <= ALL_SUBSETS) {
		for (mask = 0; mask <= all; mask++)
			try_mask(c, first, end, mask);
	} else {
		for (i = 0; i < n; i++) {
			try_mask(c, first, end, (UINT64_C(1) << i) - 1);
			try_mask(c, first, end, UINT64_C(1) << i);
			try_mask(c, first, end, all & ~(UINT64_C(1) << i));
			try_mask(c, first, end, all & ~((UINT64_C(1) << i) - 1));
		}
	}
	for (i = first; i < end; i++)
		try_torn(c, i);
}

unsigned crash_check(struct rig *r, crash_view_fn view, void (*repair)(struct rig *r))
{
	struct crash c = { .rig = r, .view = view, .repair = repair };
	struct rig before = *r;
	size_t i, end;
	char *found;

	before.e = NULL;
	rig_again(&before);
	c.old = view(&before);
	evms_engine_unref(before.e);
	collect(&c);
	assert_in_range(c.count, 1, 64);
	rig_commit(r);
	for (i = 0; i < c.count; i++)
		transfer(&c.pieces[i], c.pieces[i].after, 0, c.pieces[i].size, false);
	rig_again(r);
	c.new = view(r);
	assert_string_not_equal(c.old, c.new);
	for (i = 0; i < c.count; i = end) {
		for (end = i; end < c.count && c.pieces[end].phase == c.pieces[i].phase; end++)
			;
		try_phase(&c, i, end);
	}
	for (i = 0; i < c.count; i++)
		put(&c.pieces[i], WHOLE);
	rig_again(r);
	found = view(r);
	assert_string_equal(found, c.new);
	free(found);
	for (i = 0; i < c.count; i++) {
		free(c.pieces[i].before);
		free(c.pieces[i].after);
	}
	free(c.pieces);
	free(c.old);
	free(c.new);
	return c.tried;
}
