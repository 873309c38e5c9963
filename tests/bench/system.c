/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The harness: child processes and their system calls, images, loop devices, tasks. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "tests/bench/bench.h"

#define KERNEL_LOOPS 8		/* that are there without being asked for */

#define TRACE (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | \
	       PTRACE_O_TRACEVFORK | PTRACE_O_EXITKILL)

static void become(const char *const *argv, int out, bool traced, bool quiet)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (traced) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
	}
	dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	if (quiet)
		dup2(null, STDERR_FILENO);
	setenv("LVM_SUPPRESS_FD_WARNINGS", "1", 1);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

/* Each system call stops the child twice: going in and coming out. */
static uint64_t count_stops(pid_t child, int *status)
{
	uint64_t stops = 0;
	pid_t pid;
	int s;

	waitpid(child, &s, __WALL);
	ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)(uintptr_t)TRACE);
	ptrace(PTRACE_SYSCALL, child, NULL, NULL);
	while ((pid = waitpid(-1, &s, __WALL)) > 0) {
		uintptr_t signal = 0;

		if (WIFEXITED(s) || WIFSIGNALED(s)) {
			if (pid == child) {
				*status = s;
				break;
			}
			continue;
		}
		if (WSTOPSIG(s) == (SIGTRAP | 0x80))
			stops++;
		else if (WSTOPSIG(s) != SIGTRAP && WSTOPSIG(s) != SIGSTOP)
			signal = (uintptr_t)WSTOPSIG(s);
		ptrace(PTRACE_SYSCALL, pid, NULL, (void *)signal);
	}
	return stops / 2;
}

static char *read_all(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *text = bench_alloc((size_t)size + 1);

	if (pread(fd, text, (size_t)size, 0) != size)
		bench_die("output of a child cannot be read");
	return text;
}

struct bench_child bench_run(const char *const *argv, bool count_calls, bool may_fail)
{
	struct bench_child c = { .status = -1 };
	int out = memfd_create("output", MFD_CLOEXEC), status = -1;
	struct rusage use = { .ru_maxrss = 0 };
	double start;
	pid_t pid;

	fflush(stdout);
	start = bench_now();
	pid = fork();
	if (pid == 0)
		become(argv, out, count_calls, argv[0] != bench.program);
	if (pid < 0 || out < 0)
		bench_die("fork: %s", strerror(errno));
	if (count_calls)
		c.calls = count_stops(pid, &status);
	else if (wait4(pid, &status, 0, &use) != pid)
		bench_die("wait: %s", strerror(errno));
	c.seconds = bench_now() - start;
	c.cpu = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
		(double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
	c.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
	c.output = read_all(out);
	close(out);
	if (c.status && !may_fail)
		bench_die("%s failed with %d\n%s", argv[0], c.status, c.output);
	return c;
}

double bench_time(const char *const *argv)
{
	struct bench_child c = bench_run(argv, false, false);

	free(c.output);
	return c.seconds;
}

bool bench_have(const char *program)
{
	const char *argv[] = { "sh", "-c", NULL, NULL };
	char *command = bench_text("PATH=$PATH:/usr/sbin:/sbin; command -v %s", program);
	struct bench_child c;

	argv[2] = command;
	c = bench_run(argv, false, true);
	free(command);
	free(c.output);
	return c.status == 0;
}

char *bench_image(const char *name, uint64_t size)
{
	char *path = bench_text("%s/%s", bench.dir, name);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		bench_die("%s: %s", path, strerror(errno));
	close(fd);
	return path;
}

struct loops {
	size_t count;
	int *numbers, *fds;
};

/* One loop device and a node of it in the scratch directory: /dev may not show one that is so new. */
static int attach(struct loops *l, int control, int file, const char *node)
{
	struct loop_config config = { .fd = (uint32_t)file, .info.lo_flags = LO_FLAGS_AUTOCLEAR };
	int number = ioctl(control, LOOP_CTL_GET_FREE), fd, r;

	if (number < 0 || mknod(node, S_IFBLK | 0600, makedev(7, (unsigned)number)) < 0)
		return -errno;
	fd = open(node, O_RDWR | O_CLOEXEC);
	r = fd < 0 || ioctl(fd, LOOP_CONFIGURE, &config) < 0 ? -errno : 0;
	if (r < 0) {
		close(fd);
		unlink(node);
		return r;
	}
	l->numbers[l->count] = number;
	l->fds[l->count++] = fd;
	return 0;
}

/* Others may be quicker to take a free device: then the next one. */
static int attach_image(struct loops *l, int control, const char *image, const char *node)
{
	int file = open(image, O_RDWR | O_CLOEXEC), tries = 100, r = file < 0 ? -errno : -EBUSY;

	while (file >= 0 && (r == -EBUSY || r == -ENXIO) && tries--)
		r = attach(l, control, file, node);
	close(file);
	return r;
}

/* The kernel may still be letting go of the file. */
static void remove_loop(int control, int number)
{
	const struct timespec nap = { .tv_nsec = 1000000 };
	int tries = 100;

	while (ioctl(control, LOOP_CTL_REMOVE, number) < 0 && errno == EBUSY && tries--)
		nanosleep(&nap, NULL);
}

/* Holds the devices until nobody has the other end of the pipe; then they are gone. */
static void keep(struct loops *l, int control, int parent)
{
	size_t i;
	char c;

	while (read(parent, &c, 1) < 0 && errno == EINTR)
		;
	for (i = 0; i < l->count; i++)
		close(l->fds[i]);
	/* From the top: who wants a free device meanwhile gets the lowest one. */
	for (i = l->count; i-- > 0; )
		if (l->numbers[i] >= KERNEL_LOOPS)
			remove_loop(control, l->numbers[i]);
	_exit(0);
}

/* Ends of pipes that others wait for are not ours to hold. */
static void close_all_but(int a, int b)
{
	unsigned low = (unsigned)(a < b ? a : b), high = (unsigned)(a < b ? b : a);

	close_range(STDERR_FILENO + 1, low - 1, 0);
	if (high > low + 1)
		close_range(low + 1, high - 1, 0);
	close_range(high + 1, ~0u, 0);
}

static void make_loops(char *const *images, char *const *nodes, size_t count, int parent, int answer)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), r = control < 0 ? -errno : 0;
	struct loops l = { .numbers = bench_alloc(count * sizeof(int)),
			   .fds = bench_alloc(count * sizeof(int)) };
	size_t i;

	setpgid(0, 0);		/* an interrupt from the keyboard is not for us */
	for (i = 0; i < count && r == 0; i++)
		r = attach_image(&l, control, images[i], nodes[i]);
	if (write(answer, &r, sizeof(r)) != (ssize_t)sizeof(r))
		r = -EPIPE;
	keep(&l, control, parent);
}

/* Those that were not ended before: at most as many as a benchmark has at once. */
static struct keeper {
	int pipe, pid, owner;
} keepers[4];

static void end_keeper(struct keeper *k)
{
	if (k->pid <= 0 || k->owner != getpid())
		return;
	close(k->pipe);
	waitpid(k->pid, NULL, 0);
	k->pid = 0;
}

static void end_keepers(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keepers); i++)
		end_keeper(&keepers[i]);
}

static struct keeper *new_keeper(void)
{
	static bool registered;
	size_t i = 0;

	if (!registered)
		atexit(end_keepers);
	registered = true;
	while (i < ARRAY_SIZE(keepers) && keepers[i].pid > 0)
		i++;
	if (i == ARRAY_SIZE(keepers))
		bench_die("too many sets of loop devices");
	return &keepers[i];
}

static void start_keeper(struct bench_loops *l, char *const *images)
{
	int parent[2], answer[2], r = -EPIPE;
	struct keeper *k = new_keeper();

	if (pipe2(parent, O_CLOEXEC) < 0 || pipe2(answer, O_CLOEXEC) < 0)
		bench_die("pipe: %s", strerror(errno));
	fflush(stdout);
	*k = (struct keeper){ .pipe = parent[1], .owner = getpid(), .pid = fork() };
	if (k->pid == 0) {
		close_all_but(parent[0], answer[1]);
		make_loops(images, l->nodes, l->count, parent[0], answer[1]);
	}
	close(parent[0]);
	close(answer[1]);
	if (read(answer[0], &r, sizeof(r)) != (ssize_t)sizeof(r) || r < 0)
		bench_skip("no loop devices: %s", strerror(-r));
	close(answer[0]);
	l->keeper = (int)(k - keepers);
}

struct bench_loops bench_loops(char *const *images, size_t count)
{
	struct bench_loops l = { .nodes = bench_alloc(count * sizeof(char *)), .count = count };
	static unsigned number;
	size_t i;

	l.dir = bench_text("%s/dev%u", bench.dir, number++);
	mkdir(l.dir, 0700);
	for (i = 0; i < count; i++)
		l.nodes[i] = bench_text("%s/loop%zu", l.dir, i);
	start_keeper(&l, images);
	return l;
}

void bench_loops_end(struct bench_loops *l)
{
	end_keeper(&keepers[l->keeper]);
	while (l->count) {
		unlink(l->nodes[--l->count]);
		free(l->nodes[l->count]);
	}
	free(l->nodes);
	free(l->dir);
}

char *bench_lvm_config(const char *dir)
{
	return bench_text("global { activation=0 locking_dir=\"%s\" }\n"
			  "devices { dir=\"%s\" scan=[\"%s\"] use_devicesfile=0 filter=[\"a|.*|\"]\n"
			  "global_filter=[\"a|.*|\"] obtain_device_list_from_udev=0\n"
			  "external_device_info_source=\"none\" hints=\"none\" sysfs_scan=0\n"
			  "md_component_detection=0 multipath_component_detection=0 }\n"
			  "backup { backup=0 archive=0 backup_dir=\"%s\" archive_dir=\"%s\" }\n"
			  "activation { udev_sync=0 udev_rules=0 monitoring=0 }",
			  bench.dir, dir, dir, bench.dir, bench.dir);
}

static void add_inputs(struct evms_engine *e, struct evms_task *t, const char *inputs)
{
	char *list = bench_text("%s", inputs), *save = NULL, *word;

	for (word = strtok_r(list, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		struct evms_object *o = evms_engine_find(e, EVMS_KIND_ANY, word);

		if (!o)
			bench_die("%s is not there", word);
		bench_ok(e, evms_task_add_input(t, o));
	}
	free(list);
}

static void set_options(struct evms_engine *e, struct evms_task *t, const char *options)
{
	char *list = bench_text("%s", options), *save = NULL, *word;

	for (word = strtok_r(list, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		char *value = strchr(word, '=');

		*value++ = '\0';
		bench_ok(e, evms_task_set(t, word, value));
	}
	free(list);
}

struct evms_object *bench_task(struct evms_engine *e, const char *plugin, uint32_t op,
			       const char *inputs, const char *options)
{
	struct evms_object *out;
	struct evms_task *t;

	bench_ok(e, evms_task_new(e, plugin, op, &t));
	add_inputs(e, t, inputs);
	set_options(e, t, options);
	bench_ok(e, evms_task_run(t));
	out = evms_task_get_output(t, 0);
	evms_task_unref(t);
	return out;
}

static void print_message(void *user, int severity, const char *text)
{
	(void)user;
	if (severity <= EVMS_SEVERITY_WARNING)
		fprintf(stderr, "%s\n", text);
}

struct evms_engine *bench_engine(char *const *paths, size_t count)
{
	struct evms_engine *e;
	size_t i;

	if (evms_engine_new(&e, 0) < 0)
		bench_die("no engine");
	evms_engine_set_message_fn(e, print_message, NULL);
	for (i = 0; i < count; i++)
		bench_ok(e, evms_engine_add_device(e, paths[i], 0));
	bench_ok(e, evms_engine_discover(e));
	return e;
}
