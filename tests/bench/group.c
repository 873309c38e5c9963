/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A volume group of many volumes: read against lvs, one volume more against lvcreate, all of them in
 * one plan against vgcfgrestore; and the growth of time and memory with their number.
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/bench/bench.h"

#define EXTENT MIB

struct group {
	size_t count;			/* of volumes */
	char *device, *file;		/* with them */
	char *fresh, *fresh_file;	/* whose group is made again each time */
	char *lvm, *backup;
	unsigned added;
};

/* --- children --- */

/* "--prepare DEVICE COUNT": an empty group with room for the metadata of that many volumes. */
static int prepare(char *device, size_t count)
{
	/* About 400 bytes a volume, twice, and some air. */
	uint64_t area = (count * 1000 + 2 * MIB) / MIB * MIB;
	char *options = bench_text("name=vg extent-size=%zu metadata-size=%zu", (size_t)EXTENT,
				   (size_t)area);
	char *zeros = bench_alloc(4 * MIB);
	struct evms_engine *e;
	int fd = open(device, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || pwrite(fd, zeros, 4 * MIB, 0) != (ssize_t)(4 * MIB) || close(fd))
		bench_die("%s: cannot be written", device);
	e = bench_engine(&device, 1);
	bench_task(e, "lvm2", EVMS_OP_CREATE, strrchr(device, '/') + 1, options);
	bench_ok(e, evms_engine_commit(e, 0));
	evms_engine_unref(e);
	return 0;
}

static void create(struct evms_engine *e, struct evms_object *vg, const char *name)
{
	struct evms_task *t;

	bench_ok(e, evms_task_new(e, "lvm2", EVMS_OP_CREATE, &t));
	bench_ok(e, evms_task_add_input(t, vg));
	bench_ok(e, evms_task_set(t, "name", name));
	bench_ok(e, evms_task_set(t, "size", "1M"));
	bench_ok(e, evms_task_run(t));
	evms_task_unref(t);
}

/* "--build DEVICE COUNT NAME": that many volumes in one plan. Prints seconds of tasks and of the commit. */
static int build(char *device, size_t count, const char *prefix)
{
	struct evms_engine *e = bench_engine(&device, 1);
	struct evms_object *vg = evms_engine_find(e, EVMS_KIND_GROUP, "vg");
	double start = bench_now(), tasks, commit;
	char name[64];
	size_t i;

	if (!vg)
		bench_die("%s: no group", device);
	for (i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s%zu", prefix, i);
		create(e, vg, name);
	}
	tasks = bench_now();
	bench_ok(e, evms_engine_commit(e, 0));
	commit = bench_now();
	printf("%g %g\n", tasks - start, commit - tasks);
	evms_engine_unref(e);
	return 0;
}

/* "--read DEVICE": seconds, KiB before and after, objects. */
static int look(char *device)
{
	size_t before = bench_memory(), objects;
	double start = bench_now(), seconds;
	struct evms_engine *e = bench_engine(&device, 1);
	struct evms_list *all;

	seconds = bench_now() - start;
	bench_ok(e, evms_engine_list(e, EVMS_KIND_ANY, &all));
	objects = evms_list_get_length(all);
	evms_list_unref(all);
	printf("%g %zu %zu %zu\n", seconds, before, bench_memory(), objects);
	evms_engine_unref(e);
	return 0;
}

/* --- measurements --- */

static struct bench_child child(const char *mode, const char *device, size_t count, const char *name)
{
	char *number = bench_text("%zu", count);
	const char *argv[] = { bench.program, mode, device, number, name, NULL };
	struct bench_child c = bench_run(argv, false, false);

	free(number);
	return c;
}

static double read_group(const char *device)
{
	struct bench_child c = child("--read", device, 0, NULL);

	free(c.output);
	return c.seconds;
}

static double ours_read(void *user)
{
	return read_group(((struct group *)user)->device);
}

static double ours_read_file(void *user)
{
	return read_group(((struct group *)user)->file);
}

static double peer_lvs(void *user)
{
	struct group *g = user;
	const char *argv[] = { "lvs", "--config", g->lvm, "vg", NULL };

	return bench_time(argv);
}

static double add_volume(struct group *g, const char *device)
{
	char *name = bench_text("more%u_", g->added++);
	struct bench_child c = child("--build", device, 1, name);

	free(c.output);
	free(name);
	return c.seconds;
}

static double ours_add(void *user)
{
	return add_volume(user, ((struct group *)user)->device);
}

static double ours_add_file(void *user)
{
	return add_volume(user, ((struct group *)user)->file);
}

static double peer_lvcreate(void *user)
{
	struct group *g = user;
	char *name = bench_text("peer%u", g->added++);
	const char *argv[] = { "lvcreate", "--config", g->lvm, "-an", "-Zn", "-Wn", "-l1", "-n", name, "vg",
			       NULL };
	double seconds = bench_time(argv);

	free(name);
	return seconds;
}

static double build_group(const struct group *g, const char *device)
{
	struct bench_child c = child("--prepare", device, g->count, NULL);

	free(c.output);
	c = child("--build", device, g->count, "lv");
	free(c.output);
	return c.seconds;
}

static double ours_build(void *user)
{
	return build_group(user, ((struct group *)user)->fresh);
}

static double ours_build_file(void *user)
{
	return build_group(user, ((struct group *)user)->fresh_file);
}

static double peer_restore(void *user)
{
	struct group *g = user;
	const char *argv[] = { "vgcfgrestore", "--config", g->lvm, "-f", g->backup, "vg", NULL };

	return bench_time(argv);
}

static void compare(struct group *g)
{
	const struct bench_pair pairs[] = {
		{ "read the group, `lvs`", ours_read, peer_lvs, g, 10, 0 },
		{ "the same, ours on an image file", ours_read_file, peer_lvs, g, 10, 0 },
		{ "add and commit one volume, `lvcreate -an -Zn -Wn`", ours_add, peer_lvcreate, g, 20, 0 },
		{ "the same, ours on an image file", ours_add_file, peer_lvcreate, g, 20, 0 },
		{ "create all of them, `vgcfgrestore`", ours_build, peer_restore, g, 7, 0 },
		{ "the same, ours on an image file", ours_build_file, peer_restore, g, 7, 0 },
	};
	size_t i;

	bench_title("A group of %zu volumes on one loop device: whole processes", g->count);
	bench_pair_head("LVM2");
	for (i = 0; i < ARRAY_SIZE(pairs); i++)
		bench_pair_run(&pairs[i]);
}

static void against_lvm2(size_t count)
{
	uint64_t size = (count + 1000) * EXTENT + 256 * MIB;
	char *images[] = { bench_image("group.img", size), bench_image("fresh.img", size) };
	struct bench_loops loops = bench_loops(images, 1);
	struct bench_loops fresh = bench_loops(images + 1, 1);	/* not where LVM2 looks */
	struct group g = {
		.count = count, .device = loops.nodes[0], .fresh = fresh.nodes[0],
		.file = bench_image("file.img", size), .fresh_file = bench_image("fresh-file.img", size),
		.lvm = bench_lvm_config(loops.dir), .backup = bench_text("%s/vg.text", bench.dir),
	};
	const char *backup[] = { "vgcfgbackup", "--config", g.lvm, "-f", g.backup, "vg", NULL };

	free(child("--prepare", g.device, count, NULL).output);
	free(child("--build", g.device, count, "lv").output);
	free(child("--prepare", g.file, count, NULL).output);
	free(child("--build", g.file, count, "lv").output);
	bench_time(backup);
	compare(&g);
	bench_loops_end(&loops);
	bench_loops_end(&fresh);
}

static void growth(void)
{
	static const size_t sizes[] = { 1000, 3000, 10000, 30000, 100000 };
	double x[ARRAY_SIZE(sizes)], reading[ARRAY_SIZE(sizes)], making[ARRAY_SIZE(sizes)];
	size_t i, k, before, after, objects;

	bench_title("A group: growth with the number of volumes (an image file)");
	printf("| volumes | tasks | commit | read | per volume | memory | per object |\n");
	printf("|---:|---:|---:|---:|---:|---:|---:|\n");
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t count = bench.tiny ? sizes[i] / 1000 : sizes[i];
		char *image = bench_image("growth.img", (count + 10) * EXTENT + 512 * MIB);
		struct bench_child c;
		double t[5], tasks, commit;

		free(child("--prepare", image, count, NULL).output);
		c = child("--build", image, count, "lv");
		if (sscanf(c.output, "%lf %lf", &tasks, &commit) != 2)
			bench_die("what did it say? %s", c.output);
		free(c.output);
		for (k = 0; k < ARRAY_SIZE(t); k++) {
			c = child("--read", image, 0, NULL);
			if (sscanf(c.output, "%lf %zu %zu %zu", &t[k], &before, &after, &objects) != 4)
				bench_die("what did it say? %s", c.output);
			free(c.output);
		}
		x[i] = (double)count;
		reading[i] = bench_median(t, ARRAY_SIZE(t));
		making[i] = tasks + commit;
		printf("| %zu | %.1f ms | %.1f ms | %.1f ms | %.2f us | %.1f MiB | %.0f B |\n", count,
		       tasks * 1e3, commit * 1e3, reading[i] * 1e3, reading[i] / x[i] * 1e6,
		       (double)after / 1024, (double)(after - before) * 1024 / (double)objects);
		fflush(stdout);
		unlink(image);
		free(image);
	}
	printf("\n");
	bench_figure("exponent of reading", bench_exponent(x, reading, i), "", true, 1.1);
	bench_figure("exponent of creating", bench_exponent(x, making, i), "", true, 1.1);
	bench_figure("memory at the largest", (double)after, "KiB", true, 8192 + (double)objects);
}

int main(int argc, char **argv)
{
	bench.program = argv[0];
	if (argc == 4 && !strcmp(argv[1], "--prepare"))
		return prepare(argv[2], strtoul(argv[3], NULL, 10));
	if (argc == 5 && !strcmp(argv[1], "--build"))
		return build(argv[2], strtoul(argv[3], NULL, 10), argv[4]);
	if (argc == 4 && !strcmp(argv[1], "--read"))
		return look(argv[2]);
	bench_begin(argc, argv, "/dev/shm");
	growth();
	if (geteuid() != 0 || !bench_have("lvs"))
		bench_say("\nnot compared with LVM2: needs root and its tools");
	else
		against_lvm2(bench.tiny ? 20 : 10000);
	return bench_end();
}
