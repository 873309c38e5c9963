/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bytes through the layers: volumes of depth 1, 4 and 6 against pread and pwrite on the image, in memory
 * (tmpfs), where every microsecond of ours shows.
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/bench/bench.h"

#define BIG	MIB
#define SMALL	4096

struct side {
	struct evms_volume *volume;	/* NULL: the image itself, from start on */
	int fd;
	uint64_t start;
};

struct transfer {
	struct side a, b;
	uint64_t size;
	char *buf;
	bool write, random;
};

static void move(const struct side *s, bool write, char *buf, size_t len, uint64_t offset)
{
	int r = 0;

	if (s->volume && write)
		r = evms_volume_write(s->volume, buf, len, offset);
	else if (s->volume)
		r = evms_volume_read(s->volume, buf, len, offset);
	else if (write)
		r = pwrite(s->fd, buf, len, (off_t)(s->start + offset)) != (ssize_t)len;
	else
		r = pread(s->fd, buf, len, (off_t)(s->start + offset)) != (ssize_t)len;
	if (r)
		bench_die("a transfer failed");
}

static double run(const struct transfer *t, const struct side *s)
{
	uint64_t blocks = t->size / SMALL, x = 88172645463325252u, i;
	size_t count = t->random ? (bench.tiny ? 100 : 50000) : t->size / BIG;
	double start = bench_cpu();	/* all is in memory: nothing is waited for */

	for (i = 0; i < count; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		if (t->random)
			move(s, t->write, t->buf, SMALL, x % blocks * SMALL);
		else
			move(s, t->write, t->buf, BIG, i * BIG);
	}
	return bench_cpu() - start;
}

static double run_a(void *user)
{
	struct transfer *t = user;

	return run(t, &t->a);
}

static double run_b(void *user)
{
	struct transfer *t = user;

	return run(t, &t->b);
}

#define KINDS 4			/* of transfers */

/* peer / ours of times is ours / peer of speeds. */
static void compare(struct transfer *t, const char *what, double goal, double *ratios)
{
	struct bench_pair pair = { NULL, run_a, run_b, t, goal, 0 };
	static const char *const names[KINDS] = { "sequential 1 MiB reads", "sequential 1 MiB writes",
						  "random 4 KiB reads", "random 4 KiB writes" };
	size_t i;

	for (i = 0; i < KINDS; i++) {
		char *name = bench_text("%s, %s", what, names[i]);

		t->write = i % 2;
		t->random = i / 2;
		pair.what = name;
		ratios[i] = bench_pair_run(&pair).ratio;
		free(name);
	}
}

/* Where the first byte of an object lies on its disk. */
static uint64_t place(struct evms_object *o)
{
	struct evms_object *in;
	uint64_t offset, sum = 0;

	while (evms_object_get_kind(o) != EVMS_KIND_DISK) {
		if (evms_object_get_map_input(o, 0, 0, &in, &offset) < 0) {
			offset = evms_object_get_offset(o);
			in = evms_object_get_parent(o);
		}
		if (!in)
			bench_die("%s lies nowhere", evms_object_get_name(o));
		sum += offset;
		o = in;
	}
	return sum;
}

struct level {
	const char *what, *name;
	double goal, ratios[KINDS];
	struct side side;
};

static void open_level(struct evms_engine *e, struct level *l)
{
	struct evms_object *o = evms_engine_find(e, EVMS_KIND_VOLUME, l->name);

	if (!o)
		bench_die("%s is not there", l->name);
	bench_ok(e, evms_volume_open(o, 0, &l->side.volume));
	l->side.start = place(o);
}

/*
 * one: disk, partition. four: disk, partition, group, region, link. six: the same twice over.
 * (Layers above the disk, a group with its region being one.)
 */
static struct evms_engine *build(char **image, uint64_t size)
{
	struct evms_engine *e = bench_engine(image, 1);
	char *options = bench_text("size=%zuM", (size_t)(size / MIB));
	char *more = bench_text("size=%zuM", (size_t)(size / MIB) + 32);
	char *text;

	bench_task(e, "gpt", EVMS_OP_ASSIGN, "stack.img", "");
	text = bench_text("name=one %s", options);
	bench_task(e, "gpt", EVMS_OP_CREATE, "stack.img", text);
	text = bench_text("name=two %s", more);
	bench_task(e, "gpt", EVMS_OP_CREATE, "stack.img", text);
	bench_task(e, "gpt", EVMS_OP_CREATE, "stack.img", "name=three");
	bench_task(e, "lvm2", EVMS_OP_CREATE, "stack.img/two", "name=vga");
	text = bench_text("name=lv %s", options);
	bench_task(e, "lvm2", EVMS_OP_CREATE, "group:vga", text);
	bench_task(e, "drivelink", EVMS_OP_CREATE, "vga/lv", "name=four");
	bench_task(e, "lvm2", EVMS_OP_CREATE, "stack.img/three", "name=vgb");
	bench_task(e, "lvm2", EVMS_OP_CREATE, "group:vgb", "name=lv");
	bench_task(e, "drivelink", EVMS_OP_CREATE, "vgb/lv", "name=inner");
	bench_task(e, "lvm2", EVMS_OP_CREATE, "inner", "name=vgc");
	bench_task(e, "lvm2", EVMS_OP_CREATE, "group:vgc", "name=lv");
	bench_task(e, "drivelink", EVMS_OP_CREATE, "vgc/lv", "name=six");
	bench_ok(e, evms_engine_commit(e, 0));
	return e;
}

/* All pages are there, and what is written through the layers is where we look for it on the image. */
static void check(struct transfer *t, const struct level *l, const struct side *image)
{
	const char *text = l->what;

	t->write = true;
	t->random = false;
	run(t, &l->side);
	strcpy(t->buf, text);
	move(&l->side, true, t->buf, SMALL, t->size / 2);
	memset(t->buf, 0, SMALL);
	move(&l->side, false, t->buf, SMALL, t->size / 2);
	if (strcmp(t->buf, text))
		bench_die("%s: other bytes were read than were written", l->what);
	memset(t->buf, 0, SMALL);
	move(image, false, t->buf, SMALL, t->size / 2);
	if (strcmp(t->buf, text))
		bench_die("%s: the bytes are not where they should be", l->what);
}

static void print_depths(const struct level *one, const struct level *six)
{
	double ratio[KINDS];
	size_t i;

	for (i = 0; i < KINDS; i++)
		ratio[i] = six->ratios[i] / one->ratios[i];
	printf("\n");
	bench_figure("depth 6 against depth 1, median of the four", bench_median(ratio, KINDS), "of the speed",
		     false, 0.95);
}

int main(int argc, char **argv)
{
	struct level levels[] = {
		{ .what = "depth 1", .name = "stack.img/one" },
		{ .what = "depth 4", .name = "four", .goal = 0.95 },
		{ .what = "depth 6", .name = "six" },
	};
	struct transfer t = { .buf = NULL };
	struct evms_engine *e;
	struct side image;
	uint64_t size;
	char *path;
	size_t i;
	int fd;

	bench_begin(argc, argv, "/dev/shm");
	size = bench.tiny ? 24 * MIB : 256 * MIB;
	t.size = size - 8 * MIB;	/* what the layers take for themselves */
	path = bench_image("stack.img", 4 * size + 96 * MIB);
	t.buf = aligned_alloc(4096, BIG);
	memset(t.buf, 1, BIG);
	e = build(&path, size);
	fd = open(path, O_RDWR | O_CLOEXEC);
	bench_title("Bytes through disk, partition, group, link and volume: %zu MiB, processor time",
		    (size_t)(t.size / MIB));
	bench_pair_head("pread/pwrite");
	for (i = 0; i < ARRAY_SIZE(levels); i++) {
		struct level *l = &levels[i];

		open_level(e, l);
		image = (struct side){ .fd = fd, .start = l->side.start };
		check(&t, l, &image);
		t.a = l->side;
		t.b = image;
		compare(&t, l->what, l->goal, l->ratios);
	}
	print_depths(&levels[0], &levels[2]);
	for (i = 0; i < ARRAY_SIZE(levels); i++)
		evms_volume_close(levels[i].side.volume);
	evms_engine_unref(e);
	close(fd);
	free(t.buf);
	return bench_end();
}
