/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Discovery of many devices: against pvs and blkid on loop devices, against libblkid in this process,
 * system calls, growth of time and memory.
 */
#define _GNU_SOURCE 1
#include <blkid.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/bench/bench.h"

#define GROUP_MEMBERS 10

struct looks {
	char **images, **devices;
	size_t count;
	const char *list;		/* file with the paths of images */
	const char *device_list;
	bool has_blank;
	char *lvm;			/* LVM2's configuration */
};

/* --- the child that looks: "discover --look LIST" --- */

static char **read_list(const char *file, size_t *count)
{
	FILE *f = fopen(file, "re");
	char **paths = NULL, *line = NULL;
	size_t room = 0;
	ssize_t n;

	*count = 0;
	if (!f)
		bench_die("%s: cannot be read", file);
	while ((n = getline(&line, &room, f)) > 0) {
		line[n - 1] = '\0';
		paths = realloc(paths, (*count + 1) * sizeof(*paths));
		paths[(*count)++] = bench_text("%s", line);
	}
	fclose(f);
	return paths;
}

/* Prints seconds, processor seconds, KiB, objects. */
static int look(const char *file)
{
	double start, cpu, seconds;
	size_t count, before, objects;
	struct evms_engine *e;
	struct evms_list *all;
	char **paths = read_list(file, &count);

	before = bench_memory();
	cpu = bench_cpu();
	start = bench_now();
	e = bench_engine(paths, count);
	seconds = bench_now() - start;
	cpu = bench_cpu() - cpu;
	bench_ok(e, evms_engine_list(e, EVMS_KIND_ANY, &all));
	objects = evms_list_get_length(all);
	evms_list_unref(all);
	printf("%g %g %zu %zu %zu\n", seconds, cpu, bench_memory(), objects, before);
	evms_engine_unref(e);
	return 0;
}

/* --- images --- */

static void write_list(const char *name, char *const *paths, size_t count)
{
	FILE *f = fopen(name, "we");
	size_t i;

	for (i = 0; f && i < count; i++)
		fprintf(f, "%s\n", paths[i]);
	if (!f || fclose(f))
		bench_die("%s: cannot be written", name);
}

static void make_gpt(struct evms_engine *e, const char *name)
{
	bench_task(e, "gpt", EVMS_OP_ASSIGN, name, "");
	bench_task(e, "gpt", EVMS_OP_CREATE, name, "name=one size=8M");
	bench_task(e, "gpt", EVMS_OP_CREATE, name, "name=two");
}

static void make_group(struct evms_engine *e, const char *members, size_t number)
{
	char *options = bench_text("name=vg%zu", number), *group = bench_text("group:vg%zu", number);

	bench_task(e, "lvm2", EVMS_OP_CREATE, members, options);
	bench_task(e, "lvm2", EVMS_OP_CREATE, group, "name=root size=8M");
	free(options);
	free(group);
}

/* what: 'b' blank, 'g' GPT, 'l' LVM2, by turns. */
static void format_images(char *const *paths, size_t count, const char *what)
{
	struct evms_engine *e = bench_engine(paths, count);
	char members[1024] = "";
	size_t i, in_group = 0, groups = 0;

	for (i = 0; i < count; i++) {
		const char *name = strrchr(paths[i], '/') + 1;

		if (what[i % strlen(what)] == 'g')
			make_gpt(e, name);
		if (what[i % strlen(what)] == 'l') {
			size_t at = strlen(members);

			snprintf(members + at, sizeof(members) - at, "%s ", name);
			in_group++;
		}
		if (in_group == GROUP_MEMBERS || (in_group && i + 1 == count)) {
			make_group(e, members, groups++);
			members[0] = '\0';
			in_group = 0;
		}
	}
	bench_ok(e, evms_engine_commit(e, 0));
	evms_engine_unref(e);
}

static void make_images(struct looks *l, const char *what, size_t count)
{
	static unsigned number;		/* so that names differ from those of other lists */
	size_t i;

	*l = (struct looks){ .count = count, .images = bench_alloc(count * sizeof(char *)),
			     .has_blank = strchr(what, 'b') != NULL };
	for (i = 0; i < count; i++) {
		char *name = bench_text("%u-%s-%05zu.img", number, what, i);

		l->images[i] = bench_image(name, 32 * MIB);
		free(name);
	}
	if (strcmp(what, "b"))
		format_images(l->images, count, what);
	l->list = bench_text("%s/%u.list", bench.dir, number++);
	write_list(l->list, l->images, count);
}

/* --- measurements --- */

static double ours_images(void *user)
{
	struct looks *l = user;
	const char *argv[] = { bench.program, "--look", l->list, NULL };

	return bench_time(argv);
}

static double ours_devices(void *user)
{
	struct looks *l = user;
	const char *argv[] = { bench.program, "--look", l->device_list, NULL };

	return bench_time(argv);
}

static const char **peer_argv(const struct looks *l, const char *const *words)
{
	const char **argv = bench_alloc((l->count + 8) * sizeof(*argv));
	size_t n = 0, i;

	while (words[n]) {
		argv[n] = words[n];
		n++;
	}
	for (i = 0; i < l->count; i++)
		argv[n++] = l->devices[i];
	return argv;
}

/*
 * blkid -p stops at the first device with nothing on it: where there are such, what it would do for each
 * device is done by a child of our own with libblkid.
 */
static double peer_blkid(void *user)
{
	static const char *const words[] = { "blkid", "-p", NULL };
	struct looks *l = user;
	const char *own[] = { bench.program, "--blkid", l->device_list, NULL }, **argv;
	struct bench_child c;

	if (l->has_blank)
		return bench_time(own);
	argv = peer_argv(l, words);
	c = bench_run(argv, false, false);

	free(c.output);
	free(argv);
	return c.seconds;
}

static double peer_pvs(void *user)
{
	struct looks *l = user;
	const char *argv[] = { "pvs", "--config", l->lvm, NULL };

	return bench_time(argv);
}

static double cpu_ours(void *user)
{
	struct looks *l = user;
	double start = bench_cpu();
	struct evms_engine *e = bench_engine(l->images, l->count);

	evms_engine_unref(e);
	return bench_cpu() - start;
}

static void probe_all(char *const *paths, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		blkid_probe p = blkid_new_probe_from_filename(paths[i]);

		if (!p)
			bench_die("libblkid: no probe");
		blkid_probe_enable_superblocks(p, 1);
		blkid_probe_enable_partitions(p, 1);
		blkid_do_safeprobe(p);
		blkid_free_probe(p);
	}
}

static double cpu_blkid(void *user)
{
	struct looks *l = user;
	double start = bench_cpu();

	probe_all(l->images, l->count);
	return bench_cpu() - start;
}

/* "--blkid LIST" */
static int look_with_blkid(const char *file)
{
	size_t count;
	char **paths = read_list(file, &count);

	probe_all(paths, count);
	return 0;
}

static uint64_t calls(const char *const *argv)
{
	struct bench_child c = bench_run(argv, true, true);

	free(c.output);
	return c.calls;
}

/* Per device: the difference between all of them and none, so that starting up does not count. */
static double our_calls(const struct looks *l, const char *list)
{
	char *one = bench_text("%s/one.list", bench.dir);
	const char *argv[] = { bench.program, "--look", NULL, NULL };
	uint64_t many, few;

	write_list(one, l->images, 1);
	argv[2] = one;
	few = calls(argv);
	argv[2] = list;
	many = calls(argv);
	free(one);
	return ((double)many - (double)few) / (double)(l->count - 1);
}

static void count_peers(const struct looks *l)
{
	const char *blkid[] = { bench.program, "--blkid", l->device_list, NULL };
	const char *pvs[] = { "pvs", "--config", l->lvm, NULL };

	bench_say("\n- system calls a device: pvs %.1f, libblkid %.1f, libevms on the same loop devices %.2f",
		  (double)calls(pvs) / (double)l->count, (double)calls(blkid) / (double)l->count,
		  our_calls(l, l->device_list));
}

static void on_devices(struct looks *l, const char *words)
{
	struct bench_pair pairs[] = {
		{ "loop devices, `pvs`", ours_devices, peer_pvs, l, 10, 0 },
		{ "image files, `pvs` on loop devices", ours_images, peer_pvs, l, 10, 0 },
		{ "loop devices, `blkid -p`", ours_devices, peer_blkid, l, 10, 0 },
		{ "image files, `blkid -p` on loop devices", ours_images, peer_blkid, l, 10, 0 },
	};
	struct bench_loops loops = bench_loops(l->images, l->count);
	size_t i;

	l->devices = loops.nodes;
	l->device_list = bench_text("%s.devices", l->list);
	write_list(l->device_list, l->devices, l->count);
	l->lvm = bench_lvm_config(loops.dir);
	bench_title("Discovery: %zu devices, %s: whole processes%s", l->count, words,
		    l->has_blank ? " (blkid: a program that asks libblkid about each)" : "");
	bench_pair_head("peer");
	for (i = 0; i < ARRAY_SIZE(pairs); i++)
		bench_pair_run(&pairs[i]);
	count_peers(l);
	bench_loops_end(&loops);
}

static void in_process(struct looks *l, const char *words)
{
	const struct bench_pair pair = { "processor time in this process", cpu_ours, cpu_blkid, l, 5, 0 };

	bench_title("Discovery: %zu image files, %s: against libblkid", l->count, words);
	bench_pair_head("libblkid");
	bench_pair_run(&pair);
	printf("\n");
	bench_figure("system calls a device", our_calls(l, l->list), "", true, 3);
}

static void growth(void)
{
	static const size_t sizes[] = { 1000, 2000, 5000, 10000 };
	double x[ARRAY_SIZE(sizes)], seconds[ARRAY_SIZE(sizes)], memory[ARRAY_SIZE(sizes)];
	size_t i, k, kib, objects, before;

	bench_title("Discovery: growth with the number of devices (mixed image files)");
	printf("| devices | objects | time | per device | memory | per object |\n");
	printf("|---:|---:|---:|---:|---:|---:|\n");
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t count = bench.tiny ? sizes[i] / 500 : sizes[i];
		struct looks l;
		const char *argv[] = { bench.program, "--look", NULL, NULL };
		double t[5], cpu;

		make_images(&l, "glb", count);
		argv[2] = l.list;
		for (k = 0; k < ARRAY_SIZE(t); k++) {
			struct bench_child c = bench_run(argv, false, false);

			if (sscanf(c.output, "%lf %lf %zu %zu %zu", &t[k], &cpu, &kib, &objects,
				   &before) != 5)
				bench_die("what did it say? %s", c.output);
			free(c.output);
		}
		x[i] = (double)count;
		seconds[i] = bench_median(t, ARRAY_SIZE(t));
		memory[i] = (double)kib;
		printf("| %zu | %zu | %.2f ms | %.2f us | %.1f MiB | %.0f B |\n", count, objects,
		       seconds[i] * 1e3, seconds[i] * 1e6 / x[i], memory[i] / 1024,
		       (memory[i] - (double)before) * 1024 / (double)objects);
		if (i + 1 == ARRAY_SIZE(sizes)) {
			printf("\n");
			bench_figure("exponent of time", bench_exponent(x, seconds, i + 1), "", true, 1.1);
			bench_figure("memory", memory[i], "KiB", true, 8192 + (double)objects);
		}
		for (k = 0; k < count; k++)
			unlink(l.images[k]);
	}
}

int main(int argc, char **argv)
{
	static const struct { const char *what, *words; } cases[] = {
		{ "b", "blank" }, { "g", "GPT" }, { "l", "LVM2" }, { "glb", "mixed" },
	};
	struct looks l[ARRAY_SIZE(cases)];
	size_t count, i;

	if (argc == 3 && !strcmp(argv[1], "--look"))
		return look(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "--blkid"))
		return look_with_blkid(argv[2]);
	bench_begin(argc, argv, "/dev/shm");
	count = bench.tiny ? 20 : 1000;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		make_images(&l[i], cases[i].what, count);
		in_process(&l[i], cases[i].words);
	}
	growth();
	if (geteuid() != 0 || !bench_have("pvs") || !bench_have("blkid")) {
		bench_say("\nnot compared with pvs and blkid -p: needs root and both programs");
		return bench_end();
	}
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		on_devices(&l[i], cases[i].words);
	return bench_end();
}
