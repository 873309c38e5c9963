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

/* peer / ours of times is ours / peer of speeds. */
static void compare(struct transfer *t, const char *what, double goal)
{
	struct bench_pair pair = { NULL, run_a, run_b, t, goal, 0 };
	static const char *const names[] = { "sequential 1 MiB reads", "sequential 1 MiB writes",
					     "random 4 KiB reads", "random 4 KiB writes" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		char *name = bench_text("%s, %s", what, names[i]);

		t->write = i % 2;
		t->random = i / 2;
		pair.what = name;
		bench_pair_run(&pair);
		free(name);
	}
}

static struct evms_volume *open_volume(struct evms_engine *e, const char *name)
{
	struct evms_object *o = evms_engine_find(e, EVMS_KIND_VOLUME, name);
	struct evms_volume *v;

	if (!o)
		bench_die("%s is not there", name);
	bench_ok(e, evms_volume_open(o, 0, &v));
	return v;
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

/* All pages are there, and what is written through the layers is on the image. */
static void check(struct transfer *t, struct side *s, const char *what)
{
	static const char text[] = "through all layers";
	char got[sizeof(text)];

	t->write = true;
	t->random = false;
	run(t, s);
	move(s, true, memcpy(t->buf, text, sizeof(text)), SMALL, t->size / 2);
	move(s, false, t->buf, SMALL, t->size / 2);
	memcpy(got, t->buf, sizeof(got));
	if (memcmp(got, text, sizeof(text)))
		bench_die("%s: other bytes were read than were written", what);
}

int main(int argc, char **argv)
{
	struct transfer t = { .buf = NULL };
	uint64_t size;
	struct evms_engine *e;
	struct side image = { .volume = NULL }, one, four, six;
	char *path;

	bench_begin(argc, argv, "/dev/shm");
	size = bench.tiny ? 24 * MIB : 256 * MIB;
	t.size = size - 8 * MIB;	/* what the layers take for themselves */
	path = bench_image("stack.img", 4 * size + 96 * MIB);
	t.buf = aligned_alloc(4096, BIG);
	memset(t.buf, 1, BIG);
	e = build(&path, size);
	one = (struct side){ .volume = open_volume(e, "stack.img/one") };
	four = (struct side){ .volume = open_volume(e, "four") };
	six = (struct side){ .volume = open_volume(e, "six") };
	image.fd = open(path, O_RDWR | O_CLOEXEC);
	image.start = MIB;
	check(&t, &one, "depth 1");
	check(&t, &four, "depth 4");
	check(&t, &six, "depth 6");

	bench_title("Bytes through disk, partition, group, link and volume: %zu MiB, processor time", (size_t)(t.size / MIB));
	bench_pair_head("pread/pwrite");
	t.b = image;
	t.a = one;
	compare(&t, "depth 1", 0);
	t.a = four;
	compare(&t, "depth 4", 0.95);
	t.a = six;
	compare(&t, "depth 6", 0);
	bench_title("The same, depth 6 against depth 1");
	bench_pair_head("depth 1");
	t.b = one;
	compare(&t, "depth 6", 0.95);

	evms_volume_close(one.volume);
	evms_volume_close(four.volume);
	evms_volume_close(six.volume);
	evms_engine_unref(e);
	return bench_end();
}
