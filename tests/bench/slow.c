/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Discovery of devices of which each takes 100 ms to answer a read. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/bench/bench.h"

#define DELAY	0.1
#define MOST	1000

static pid_t server;
static char *mount_point;

static void stop_server(void)
{
	if (server <= 0)
		return;
	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
	rmdir(mount_point);
	server = 0;
}

/* The program beside this one, as it lies in the build tree or was linked. */
static char *server_path(void)
{
	const char *slash = strrchr(bench.program, '/'), *libs = "/.libs/";
	int length = slash ? (int)(slash - bench.program) : 1;
	char *path = bench_text("%.*s/delayfs", length, slash ? bench.program : ".");

	if (access(path, X_OK) < 0 && slash && strstr(bench.program, libs))
		path = bench_text("%.*s/delayfs", length - (int)strlen(libs) + 1, bench.program);
	return path;
}

static void start_server(void)
{
	char *count = bench_text("%d", MOST), *size = bench_text("%zu", (size_t)(64 * MIB));
	char *path = server_path(), *delay = bench_text("%d", (int)(DELAY * 1000)), answer[16];
	int out[2];

	if (pipe(out) < 0)
		bench_die("pipe: %s", strerror(errno));
	mount_point = bench_text("%s/slow", bench.dir);
	mkdir(mount_point, 0700);
	fflush(stdout);
	server = fork();
	if (server == 0) {
		dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		close(out[1]);
		execl(path, path, count, size, delay, mount_point, (char *)NULL);
		_exit(127);
	}
	atexit(stop_server);
	close(out[1]);
	if (read(out[0], answer, sizeof(answer)) <= 0)
		bench_skip("a FUSE file system cannot be mounted");
	close(out[0]);
}

/* What one read after the other would take is measured with few devices, and told for all. */
static double one_by_one(size_t count)
{
	size_t some = count < 5 ? count : 5, i;
	double start = bench_now();

	for (i = 0; i < some; i++) {
		char *path = bench_text("%s/slow%zu.img", mount_point, i);
		const char *argv[] = { "dd", "status=none", "bs=4096", "count=1", NULL, NULL };
		char *from = bench_text("if=%s", path);

		argv[4] = from;
		bench_time(argv);
		free(from);
		free(path);
	}
	return (bench_now() - start) / (double)some * (double)count;
}

static double discover(size_t count)
{
	char **paths = bench_alloc(count * sizeof(*paths));
	struct evms_engine *e;
	double start;
	size_t i;

	for (i = 0; i < count; i++)
		paths[i] = bench_text("%s/slow%zu.img", mount_point, i);
	start = bench_now();
	e = bench_engine(paths, count);
	start = bench_now() - start;
	evms_engine_unref(e);
	for (i = 0; i < count; i++)
		free(paths[i]);
	free(paths);
	return start;
}

int main(int argc, char **argv)
{
	static const size_t sizes[] = { 1, 10, 100, 300, 1000 };
	size_t i, k, pairs;

	bench_begin(argc, argv, "/tmp");
	start_server();
	pairs = bench.tiny ? 1 : bench.pairs;
	bench_title("Discovery of devices that each take %.0f ms to answer", DELAY * 1e3);
	printf("| devices | libevms | one by one, one read each |\n|---:|---:|---:|\n");
	for (i = 0; i < (bench.tiny ? 2 : ARRAY_SIZE(sizes)); i++) {
		double *t = bench_alloc(pairs * sizeof(*t)), seconds;

		for (k = 0; k < pairs; k++)
			t[k] = discover(sizes[i]);
		seconds = bench_median(t, pairs);
		printf("| %zu | %.1f ms | %.1f s |\n", sizes[i], seconds * 1e3, one_by_one(sizes[i]));
		fflush(stdout);
		free(t);
		if (sizes[i] == 1000 || (bench.tiny && i)) {
			printf("\n");
			bench_figure("all of them", seconds * 1e3, "ms", true, 110);
		}
	}
	stop_server();
	return bench_end();
}
