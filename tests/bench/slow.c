/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Discovery of devices of which each takes 100 ms to answer a read. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/bench/bench.h"

#define DELAY	100		/* milliseconds */
#define MOST	1000

static const size_t sizes[] = { 1, 10, 100, 300, MOST };
static size_t size_count = ARRAY_SIZE(sizes);
static double serial;		/* seconds for one device, each after the other */
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

static void start_server(unsigned delay)
{
	char *count = bench_text("%d", MOST), *size = bench_text("%zu", (size_t)(64 * MIB));
	char *path = server_path(), *ms = bench_text("%u", delay), answer[16];
	int out[2];

	if (pipe(out) < 0)
		bench_die("pipe: %s", strerror(errno));
	mkdir(mount_point, 0700);
	fflush(stdout);
	server = fork();
	if (server == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		close(out[1]);
		execl(path, path, count, size, ms, mount_point, (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	if (read(out[0], answer, sizeof(answer)) <= 0)
		bench_skip("a FUSE file system cannot be mounted");
	close(out[0]);
}

static double one_by_one(void)
{
	size_t some = bench.tiny ? 1 : 10, i;
	double start = bench_now();

	for (i = 0; i < some; i++) {
		char *path = bench_text("%s/slow%zu.img", mount_point, i), block[4096];
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd < 0 || pread(fd, block, sizeof(block), 0) != (ssize_t)sizeof(block))
			bench_die("%s: cannot be read", path);
		close(fd);
		free(path);
	}
	return (bench_now() - start) / (double)some;
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

/* The medians for each number of devices. */
static void measure(unsigned delay, double *out)
{
	size_t pairs = bench.tiny ? 1 : bench.pairs, i, k;
	double *t = bench_alloc(pairs * sizeof(*t));

	start_server(delay);
	for (i = 0; i < size_count; i++) {
		for (k = 0; k < pairs; k++)
			t[k] = discover(sizes[i]);
		out[i] = bench_median(t, pairs);
	}
	if (delay)
		serial = one_by_one();
	stop_server();
	free(t);
}

int main(int argc, char **argv)
{
	double slow[ARRAY_SIZE(sizes)], quick[ARRAY_SIZE(sizes)];
	size_t i;

	bench_begin(argc, argv, "/tmp");
	mount_point = bench_text("%s/slow", bench.dir);
	atexit(stop_server);
	if (bench.tiny)
		size_count = 2;
	measure(0, quick);
	measure(DELAY, slow);
	bench_title("Discovery of devices that each take %d ms to answer", DELAY);
	printf("| devices | libevms | of it with no delay | one by one, one read each |\n|---:|---:|---:|---:|\n");
	for (i = 0; i < size_count; i++)
		printf("| %zu | %.1f ms | %.1f ms | %.1f s |\n", sizes[i], slow[i] * 1e3, quick[i] * 1e3,
		       serial * (double)sizes[i]);
	printf("\n");
	bench_figure("all of them", slow[i - 1] * 1e3, "ms", true, 110);
	bench_figure("what the delay adds", (slow[i - 1] - quick[i - 1]) * 1e3, "ms", true, 110);
	return bench_end();
}
