/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The harness of the benchmarks: pairs of measurements in the order A, B, B, A, ..., their ratio with
 * a confidence interval, tables, child processes, counted system calls, images and loop devices.
 * Whatever goes wrong ends the program with a message.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <evms/evms.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIB (UINT64_C(1) << 20)

/* What the command line says; tiny is for the smoke test: everything runs, nothing is measured well. */
struct bench {
	const char *program;
	const char *dir;		/* a scratch directory, removed at the end */
	bool tiny;
	size_t pairs;			/* at least that many measurements of each side */
	double patience;		/* seconds after which five pairs are enough */
};

extern struct bench bench;

/*
 * Takes "--tiny", "--pairs N" and "--dir DIR" off the command line and makes the scratch directory
 * (in DIR, TMPDIR or where). Returns the index of the first other argument.
 */
int bench_begin(int argc, char **argv, const char *where);
int bench_end(void);
void bench_skip(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void bench_die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void bench_ok_(struct evms_engine *e, int r, const char *call, const char *file, int line);
#define bench_ok(e, call) bench_ok_((e), (call), #call, __FILE__, __LINE__)
void *bench_alloc(size_t size);
char *bench_text(const char *fmt, ...) __attribute__((format(printf, 1, 2), malloc));

double bench_now(void);			/* seconds */
double bench_cpu(void);			/* seconds of processor time of this process */
size_t bench_memory(void);		/* KiB that the process has had resident at most */

/* --- pairs --- */
typedef double (*bench_fn)(void *user);	/* returns what is measured: seconds, mostly */

struct bench_pair {
	const char *what;
	bench_fn ours, peer;
	void *user;
	double goal;			/* peer / ours at least; 0 for none */
	size_t most;			/* pairs at most; 0: as many as usual */
};

struct bench_result {
	double ours, peer;		/* medians */
	double ratio, low, high;	/* median of peer / ours and the 95 % interval of it */
	size_t pairs;
};

struct bench_result bench_compare(const struct bench_pair *pair);
double bench_median(double *values, size_t n);	/* sorts them */

/* --- tables --- */
void bench_title(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void bench_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void bench_pair_head(const char *peer);
void bench_pair_row(const struct bench_pair *pair, const struct bench_result *r);
/* Measure and print. */
struct bench_result bench_pair_run(const struct bench_pair *pair);
/* A figure against its goal: "<= goal" or ">= goal". */
void bench_figure(const char *what, double value, const char *unit, bool at_most, double goal);
/* The exponent of a power law through the points: 1 is linear. */
double bench_exponent(const double *x, const double *y, size_t n);

/* --- children --- */
struct bench_child {
	double seconds, cpu;
	uint64_t calls;			/* system calls, when they were to be counted */
	int status;			/* exit status */
	char *output;			/* standard output; free() */
};

/* Runs a program; one that fails ends the benchmark unless may_fail. */
struct bench_child bench_run(const char *const *argv, bool count_calls, bool may_fail);
double bench_time(const char *const *argv);
bool bench_have(const char *program);

/* --- images and devices --- */
char *bench_image(const char *name, uint64_t size);	/* path of a new sparse file */
/*
 * Loop devices of the files, by nodes in a folder of our own: /dev may not show one that is so new.
 * They are gone when this process ends, however it ends.
 */
struct bench_loops {
	char *dir, **nodes;
	size_t count;
	int keeper;			/* which process holds them */
};

struct bench_loops bench_loops(char *const *images, size_t count);
void bench_loops_end(struct bench_loops *l);
/* LVM2's configuration: only the nodes in this folder, no device-mapper. */
char *bench_lvm_config(const char *dir);

/* --- tasks --- */
/* Inputs and options as words: "a.img b.img", "name=x size=1M". Returns the first output. */
struct evms_object *bench_task(struct evms_engine *e, const char *plugin, uint32_t op,
			       const char *inputs, const char *options);
struct evms_engine *bench_engine(char *const *paths, size_t count);	/* discovered */

#endif
