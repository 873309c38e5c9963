/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small commits with every flush, on a file system that is on a disk: against sfdisk and lvcreate. */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/bench/bench.h"

#define PARTITIONS 100		/* in a table, before a new one is begun */

struct commits {
	char *image, *peer_image;	/* GPT */
	char *script;			/* what sfdisk is told */
	char *device, *lvm;
	unsigned made, peer_made;
	struct evms_engine *e;
	unsigned number;
};

/* --- children --- */

/* "--append IMAGE NAME": one more partition. */
static int append(char *image, const char *name)
{
	struct evms_engine *e = bench_engine(&image, 1);
	char *options = bench_text("name=%s size=1M", name);

	bench_task(e, "gpt", EVMS_OP_CREATE, strrchr(image, '/') + 1, options);
	bench_ok(e, evms_engine_commit(e, 0));
	evms_engine_unref(e);
	return 0;
}

/* "--volume DEVICE NAME": one more volume. */
static int volume(char *device, const char *name)
{
	struct evms_engine *e = bench_engine(&device, 1);
	char *options = bench_text("name=%s size=4M", name);

	bench_task(e, "lvm2", EVMS_OP_CREATE, "group:vg", options);
	bench_ok(e, evms_engine_commit(e, 0));
	evms_engine_unref(e);
	return 0;
}

/* --- measurements --- */

static void new_table(char *image)
{
	struct evms_engine *e;

	if (truncate(image, 0) < 0 || truncate(image, (off_t)(512 * MIB)) < 0)
		bench_die("%s: cannot be emptied", image);
	e = bench_engine(&image, 1);
	bench_task(e, "gpt", EVMS_OP_ASSIGN, strrchr(image, '/') + 1, "");
	bench_ok(e, evms_engine_commit(e, 0));
	evms_engine_unref(e);
}

static double ours_append(void *user)
{
	struct commits *c = user;
	char *name = bench_text("p%u", c->made);
	const char *argv[] = { bench.program, "--append", c->image, name, NULL };
	double seconds;

	if (c->made++ % PARTITIONS == 0)
		new_table(c->image);
	seconds = bench_time(argv);
	free(name);
	return seconds;
}

static double peer_append(void *user)
{
	struct commits *c = user;
	char *command = bench_text("PATH=$PATH:/usr/sbin:/sbin; exec sfdisk -q --append %s <%s",
				   c->peer_image, c->script);
	const char *argv[] = { "sh", "-c", command, NULL };
	double seconds;

	if (c->peer_made++ % PARTITIONS == 0)
		new_table(c->peer_image);
	seconds = bench_time(argv);
	free(command);
	return seconds;
}

static double ours_volume(void *user)
{
	struct commits *c = user;
	char *name = bench_text("ours%u", c->made++);
	const char *argv[] = { bench.program, "--volume", c->device, name, NULL };
	double seconds = bench_time(argv);

	free(name);
	return seconds;
}

static double peer_volume(void *user)
{
	struct commits *c = user;
	char *name = bench_text("peer%u", c->made++);
	const char *argv[] = { "lvcreate", "--config", c->lvm, "-an", "-Zn", "-Wn", "-l1", "-n", name, "vg",
			       NULL };
	double seconds = bench_time(argv);

	free(name);
	return seconds;
}

/* Name a partition, and commit it: in an engine that is there already. */
static double one_commit(struct commits *c, const char *plugin, const char *object)
{
	char *options = bench_text("name=n%u", c->number++);
	double start = bench_now();

	bench_task(c->e, plugin, EVMS_OP_RENAME, object, options);
	bench_ok(c->e, evms_engine_commit(c->e, 0));
	free(options);
	return bench_now() - start;
}

static double one_flush(int fd)
{
	static char block[4096];
	double start = bench_now();

	block[0]++;
	if (pwrite(fd, block, sizeof(block), 0) != (ssize_t)sizeof(block) || fsync(fd))
		bench_die("fsync failed");
	return bench_now() - start;
}

static void rate(const char *what, char *image, const char *plugin, uint32_t kinds)
{
	size_t n = bench.tiny ? 2 : 200, i;
	double *t = bench_alloc(n * sizeof(*t)), *flush = bench_alloc(n * sizeof(*flush)), seconds;
	struct commits c = { .e = bench_engine(&image, 1) };
	char *plain = bench_image("plain", 4096), *name;
	struct evms_list *all;
	int fd = open(plain, O_RDWR | O_CLOEXEC);

	for (i = 0; i < n; i++) {
		bench_ok(c.e, evms_engine_list(c.e, kinds, &all));
		name = bench_text("%s", evms_object_get_name(evms_list_get(all, 0)));
		evms_list_unref(all);
		t[i] = one_commit(&c, plugin, name);
		flush[i] = one_flush(fd);
		free(name);
	}
	seconds = bench_median(t, n);
	bench_figure(what, 1 / seconds, "commits a second", false, 200);
	bench_say("  (%.2f ms each; writing 4 KiB to a file and fsync: %.2f ms)", seconds * 1e3,
		  bench_median(flush, n) * 1e3);
	evms_engine_unref(c.e);
	close(fd);
	free(plain);
	free(t);
	free(flush);
}

static void on_gpt(struct commits *c)
{
	const struct bench_pair pair = { "append a partition, `sfdisk --append`", ours_append, peer_append,
					 c, 1, 0 };
	FILE *f;

	c->image = bench_image("ours.img", 512 * MIB);
	c->peer_image = bench_image("peer.img", 512 * MIB);
	c->script = bench_text("%s/script", bench.dir);
	f = fopen(c->script, "we");
	if (!f || fputs(",1M\n", f) < 0 || fclose(f))
		bench_die("%s: cannot be written", c->script);
	bench_title("Small commits: GPT, image files");
	if (bench_have("sfdisk")) {
		bench_pair_head("peer");
		bench_pair_run(&pair);
	} else {
		ours_append(c);
	}
	printf("\n");
	rate("rename a partition, in a running program", c->image, "gpt", EVMS_KIND_PARTITION);
}

static void on_lvm2(struct commits *c)
{
	const struct bench_pair pair = { "add a volume, `lvcreate -an -Zn -Wn`", ours_volume, peer_volume,
					 c, 1, 0 };
	char *images[] = { bench_image("group.img", 2048 * MIB) };
	struct evms_engine *e = bench_engine(images, 1);
	struct bench_loops loops;

	bench_task(e, "lvm2", EVMS_OP_CREATE, "group.img", "name=vg");
	bench_task(e, "lvm2", EVMS_OP_CREATE, "group:vg", "name=one size=8M");
	bench_ok(e, evms_engine_commit(e, 0));
	evms_engine_unref(e);
	bench_title("Small commits: LVM2");
	rate("rename a volume, in a running program", images[0], "lvm2", EVMS_KIND_REGION);
	if (geteuid() != 0 || !bench_have("lvcreate")) {
		bench_say("\nnot compared with lvcreate: needs root and LVM2");
		return;
	}
	loops = bench_loops(images, 1);
	c->device = loops.nodes[0];
	c->lvm = bench_lvm_config(loops.dir);
	printf("\n");
	bench_pair_head("peer");
	bench_pair_run(&pair);
	bench_loops_end(&loops);
}

int main(int argc, char **argv)
{
	struct commits c = { .made = 0 };

	if (argc == 4 && !strcmp(argv[1], "--append"))
		return append(argv[2], argv[3]);
	if (argc == 4 && !strcmp(argv[1], "--volume"))
		return volume(argv[2], argv[3]);
	bench_begin(argc, argv, "/var/tmp");
	on_gpt(&c);
	on_lvm2(&c);
	return bench_end();
}
