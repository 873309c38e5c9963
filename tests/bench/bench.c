/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The harness: command line, clocks, pairs and tables. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "tests/bench/bench.h"

struct bench bench = { .pairs = 15, .patience = 60 };

static pid_t owner, janitor;	/* owner: of the scratch directory, not a child that was forked */
static int janitor_pipe;

void bench_die(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

void bench_skip(const char *fmt, ...)
{
	va_list args;

	printf("skip: ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	exit(77);
}

void bench_ok_(struct evms_engine *e, int r, const char *call, const char *file, int line)
{
	if (r < 0)
		bench_die("%s:%d: %s: %s", file, line, call,
			  e ? evms_error_get_message(evms_engine_get_error(e)) : strerror(-r));
}

void *bench_alloc(size_t size)
{
	void *p = calloc(1, size ? size : 1);

	if (!p)
		bench_die("out of memory");
	return p;
}

char *bench_text(const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		bench_die("out of memory");
	va_end(args);
	return text;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void clean(void)
{
	if (getpid() != owner)
		return;
	close(janitor_pipe);
	waitpid(janitor, NULL, 0);
}

/*
 * A child that does nothing but wait for the end of this process, however it comes, and removes the
 * scratch directory then.
 */
static void start_janitor(void)
{
	int ends[2];
	char c;

	if (pipe2(ends, O_CLOEXEC) < 0)
		bench_die("pipe: %s", strerror(errno));
	janitor = fork();
	if (janitor == 0) {
		setpgid(0, 0);		/* an interrupt from the keyboard is not for us */
		close(ends[1]);
		while (read(ends[0], &c, 1) < 0 && errno == EINTR)
			;
		nftw(bench.dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
		_exit(0);
	}
	close(ends[0]);
	janitor_pipe = ends[1];
	owner = getpid();
	atexit(clean);
}

int bench_begin(int argc, char **argv, const char *where)
{
	const char *parent = getenv("TMPDIR") ? getenv("TMPDIR") : where;
	char *dir;
	int i;

	bench.program = argv[0];
	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--tiny"))
			bench.tiny = true;
		else if (!strcmp(argv[i], "--pairs") && i + 1 < argc)
			bench.pairs = strtoul(argv[++i], NULL, 10);
		else if (!strcmp(argv[i], "--dir") && i + 1 < argc)
			parent = argv[++i];
		else
			break;
	}
	if (!bench.pairs)
		bench_die("usage: %s [--tiny] [--pairs N] [--dir DIR]", argv[0]);
	if (bench.tiny)
		bench.pairs = 1;
	if (access(parent, W_OK) < 0)
		parent = "/tmp";
	dir = bench_text("%s/evms-bench.XXXXXX", parent);
	if (!mkdtemp(dir))
		bench_die("%s: cannot be made", dir);
	bench.dir = dir;
	start_janitor();
	return i;
}

int bench_end(void)
{
	fflush(stdout);
	return 0;
}

static double clock_of(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double bench_now(void)
{
	return clock_of(CLOCK_MONOTONIC);
}

double bench_cpu(void)
{
	return clock_of(CLOCK_PROCESS_CPUTIME_ID);
}

size_t bench_memory(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[128];
	size_t kib = 0;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmHWM: %zu", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double bench_median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), by_value);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/*
 * The rank of the lower end of the interval of a median by order statistics, for at least 95 %: the
 * number of values below the median is binomial, whatever the distribution. Below six values there
 * is none, and the range is given.
 */
static size_t interval_rank(size_t n)
{
	double p = pow(0.5, (double)n), below = p;
	size_t k = 0;

	while (below <= 0.025 && k < n / 2) {
		p = p * (double)(n - k) / (double)(k + 1);
		k++;
		below += p;
	}
	return k ? k - 1 : 0;
}

static void measure(const struct bench_pair *pair, double *a, double *b, bool swap)
{
	if (!swap)
		*a = pair->ours(pair->user);
	*b = pair->peer(pair->user);
	if (swap)
		*a = pair->ours(pair->user);
}

struct bench_result bench_compare(const struct bench_pair *pair)
{
	size_t most = pair->most && pair->most < bench.pairs ? pair->most : bench.pairs, n, k;
	double *a = bench_alloc(most * sizeof(*a)), *b = bench_alloc(most * sizeof(*b));
	double *ratio = bench_alloc(most * sizeof(*ratio)), start, end;
	struct bench_result result;

	if (!bench.tiny)	/* caches and clocks as they will be */
		measure(pair, a, b, false);
	start = bench_now();
	for (n = 0; n < most; n++) {
		measure(pair, &a[n], &b[n], n % 2);
		ratio[n] = b[n] / a[n];
		end = bench_now();
		if (n + 1 >= 5 && end - start > bench.patience)
			most = n + 1;
	}
	k = interval_rank(n);
	result = (struct bench_result){
		.ours = bench_median(a, n), .peer = bench_median(b, n),
		.ratio = bench_median(ratio, n), .low = ratio[k], .high = ratio[n - 1 - k],
		.pairs = n,
	};
	free(a);
	free(b);
	free(ratio);
	return result;
}

void bench_title(const char *fmt, ...)
{
	va_list args;

	printf("\n## ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n\n");
	fflush(stdout);
}

void bench_say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

static const char *verdict(bool met)
{
	return bench.tiny ? "not measured" : met ? "met" : "MISSED";
}

void bench_pair_head(const char *peer)
{
	printf("| what | libevms | %s | ratio (95 %% interval) | pairs | goal |\n", peer);
	printf("|---|---:|---:|---:|---:|---|\n");
}

static void print_time(double s)
{
	if (s < 1e-3)
		printf(" %.1f us |", s * 1e6);
	else if (s < 1)
		printf(" %.2f ms |", s * 1e3);
	else
		printf(" %.2f s |", s);
}

void bench_pair_row(const struct bench_pair *pair, const struct bench_result *r)
{
	printf("| %s |", pair->what);
	print_time(r->ours);
	print_time(r->peer);
	printf(" %.2f (%.2f-%.2f) | %zu |", r->ratio, r->low, r->high, r->pairs);
	if (pair->goal > 0)
		printf(" >= %.3g: %s |\n", pair->goal, verdict(r->ratio >= pair->goal));
	else
		printf(" |\n");
	fflush(stdout);
}

struct bench_result bench_pair_run(const struct bench_pair *pair)
{
	struct bench_result r = bench_compare(pair);

	bench_pair_row(pair, &r);
	return r;
}

void bench_figure(const char *what, double value, const char *unit, bool at_most, double goal)
{
	printf("- %s: %.4g%s%s (goal: %s %.4g: %s)\n", what, value, *unit ? " " : "", unit, at_most ? "<=" : ">=", goal,
	       verdict(at_most ? value <= goal : value >= goal));
	fflush(stdout);
}

double bench_exponent(const double *x, const double *y, size_t n)
{
	double sx = 0, sy = 0, sxx = 0, sxy = 0, count = (double)n;
	size_t i;

	for (i = 0; i < n; i++) {
		double u = log(x[i]), v = log(y[i]);

		sx += u;
		sy += v;
		sxx += u * u;
		sxy += u * v;
	}
	return n < 2 ? 0 : (count * sxy - sx * sy) / (count * sxx - sx * sx);
}
