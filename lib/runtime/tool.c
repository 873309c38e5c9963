/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs programs on volumes: shows the volume as a path, runs, and sees to it that all is stable. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "registry/sdk.h"
#include "runtime/export.h"
#include "runtime/spawn.h"
#include "runtime/tool.h"
#include "runtime/tool-copy.h"
#include "runtime/volume.h"

#define POLL_MS		100
#define GRACE_MS	3000		/* from SIGTERM to SIGKILL */
#define UNMOUNT_TRIES	50

struct tool_volume {
	struct context *ctx;
	struct table *table;		/* flat */
	char *name;
	enum tool_way way;
	uint64_t size;
	char *dir;			/* temporary directory, 0700, or NULL */
	char *path;			/* what programs are given */
	bool path_is_ours;		/* a file in dir, to be removed; never the backing */
	struct export export;		/* TOOL_EXPORT, while it runs */
	VEC(int) locks;			/* descriptors that hold the exclusive flock of a commit */
};

static int fail(const struct tool_volume *v, int error, const char *reason, const char *text)
{
	return context_fail(v->ctx, error, v->name, NULL, reason, "%s", text);
}

/* May programs work on the backing itself? A file must be exactly as long as the volume. */
static bool is_backing(const struct table_device *d)
{
	struct stat st;

	if (!d || stat(d->path, &st) < 0)
		return false;
	return S_ISBLK(st.st_mode) || (S_ISREG(st.st_mode) && (uint64_t)st.st_size == d->size);
}

static int open_volume(const struct tool_volume *v, uint32_t flags, struct evms_volume **out)
{
	char error[512] = "";
	int r = volume_open_table_struct(v->table, flags | VOLUME_NO_LOCK, NULL, error,
					 sizeof(error), out);

	return r < 0 ? fail(v, -r, "tool.open", *error ? error : strerror(-r)) : 0;
}

static void unlock_devices(struct tool_volume *v)
{
	while (v->locks.count)
		close(v->locks.at[--v->locks.count]);
	vec_free(&v->locks);
}

/* From the first program that writes on: nobody else writes, and no commit starts. */
static int lock_devices(struct tool_volume *v)
{
	size_t i;
	int fd;

	if (v->locks.count)
		return 0;
	for (i = 0; i < v->table->devices.count; i++) {
		fd = open(v->table->devices.at[i].path,
			  O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (fd < 0 || !vec_push(&v->locks, fd)) {
			int error = fd < 0 ? errno : ENOMEM;

			if (fd >= 0)
				close(fd);
			unlock_devices(v);
			return context_fail(v->ctx, error, v->name, NULL, "tool.open", "%s: %s",
					    v->table->devices.at[i].path, strerror(error));
		}
		if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
			continue;
		unlock_devices(v);
		return context_fail(v->ctx, EBUSY, v->name, NULL, "tool.busy",
				    "%s is open for writing elsewhere: close it, or end its export",
				    v->table->devices.at[i].path);
	}
	return 0;
}

int tool_volume_open(struct context *ctx, const struct table *table, const char *name,
		     struct tool_volume **out)
{
	struct tool_volume *v = calloc(1, sizeof(*v));
	const struct table_device *whole;
	char *text = NULL;
	int r = -ENOMEM;

	if (!v)
		return context_fail(ctx, ENOMEM, name, NULL, "tool.memory", "out of memory");
	v->ctx = ctx;
	v->export.life = -1;
	v->name = strdup(name);
	if (v->name)
		r = table_to_text(table, &text);
	if (r == 0)
		r = table_parse(text, strlen(text), &v->table, NULL, 0);
	free(text);
	if (r == 0)
		r = table_flatten(v->table);
	if (r < 0) {
		tool_volume_close(v);
		return context_fail(ctx, -r, name, NULL, "tool.table",
				    "its runtime table is not good");
	}
	v->size = v->table->nodes.at[v->table->root].size;
	whole = table_whole_device(v->table);
	v->way = is_backing(whole) ? TOOL_BACKING : export_is_possible() ? TOOL_EXPORT : TOOL_COPY;
	if (v->way == TOOL_BACKING) {
		v->path = strdup(whole->path);
		if (!v->path) {
			tool_volume_close(v);
			return context_fail(ctx, ENOMEM, name, NULL, "tool.memory",
					    "out of memory");
		}
	}
	*out = v;
	return 0;
}

enum tool_way tool_volume_way(const struct tool_volume *v)
{
	return v->way;
}

static int make_dir(struct tool_volume *v)
{
	const char *const bases[] = {
		secure_getenv("TMPDIR"), "/tmp", secure_getenv("XDG_RUNTIME_DIR")
	};
	size_t i;
	char *s;

	for (i = 0; !v->dir && i < sizeof(bases) / sizeof(*bases); i++) {
		if (!bases[i] || *bases[i] != '/')
			continue;
		if (asprintf(&s, "%s/evms-XXXXXX", bases[i]) < 0)
			return fail(v, ENOMEM, "tool.memory", "out of memory");
		if (mkdtemp(s))
			v->dir = s;
		else
			free(s);
	}
	if (!v->dir)
		return fail(v, errno, "tool.directory",
			    "no temporary directory can be made; set TMPDIR");
	return 0;
}

/* An empty file of our own to mount on or to copy to. The descriptor, or -errno. */
static int make_file(struct tool_volume *v)
{
	int fd, r;

	r = make_dir(v);
	if (r < 0)
		return r;
	if (!v->path_is_ours) {
		if (asprintf(&v->path, "%s/volume", v->dir) < 0) {
			v->path = NULL;
			return fail(v, ENOMEM, "tool.memory", "out of memory");
		}
		v->path_is_ours = true;
	}
	fd = open(v->path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? fail(v, errno, "tool.directory", "a temporary file cannot be made") : fd;
}

static int stop_export(struct tool_volume *v)
{
	int r;

	if (!v->export.pid)
		return 0;
	r = export_stop(&v->export);
	return r < 0 ? fail(v, -r, "tool.flush", "what was written may not be on stable storage") :
		       0;
}

int tool_volume_close(struct tool_volume *v)
{
	int r;

	if (!v)
		return 0;
	r = stop_export(v);
	if (v->path_is_ours)
		unlink(v->path);
	if (v->dir)
		rmdir(v->dir);
	unlock_devices(v);
	table_free(v->table);
	free(v->name);
	free(v->path);
	free(v->dir);
	free(v);
	return r;
}

/* Have the export run, in the mode that is needed. -ENOTSUP (not recorded): FUSE refuses. */
static int start_export(struct tool_volume *v, uint32_t flags)
{
	uint32_t wanted = EXPORT_NO_LOCK | (flags & EVMS_TOOL_READ_ONLY ? EXPORT_READ_ONLY : 0);
	char error[512] = "", *text;
	int r;

	if (v->export.pid && (v->export.flags == wanted || wanted & EXPORT_READ_ONLY))
		return 0;
	r = stop_export(v);
	if (r < 0)
		return r;
	r = make_file(v);
	if (r < 0)
		return r;
	close(r);
	r = table_to_text(v->table, &text);
	if (r < 0)
		return fail(v, -r, "tool.memory", "out of memory");
	r = export_spawn(text, strlen(text), v->path, wanted, &v->export, error, sizeof(error));
	free(text);
	if (r == -ENOTSUP || r == -ENOENT) {
		context_message(v->ctx, EVMS_SEVERITY_DEBUG, "%s: %s", v->name, error);
		return -ENOTSUP;
	}
	return r < 0 ? fail(v, -r, "tool.export", *error ? error : strerror(-r)) : 0;
}

static int give_up(struct tool_volume *v)
{
	struct evms_volume *volume;
	int r, closed;

	/* What the kernel keeps of the file would be old. */
	r = stop_export(v);
	if (r == 0)
		r = open_volume(v, 0, &volume);
	if (r < 0)
		return r;
	r = volume_give_up(volume);
	closed = evms_volume_close(volume);
	r = r < 0 ? r : closed;
	return r < 0 ? fail(v, -r, "tool.fresh", "its content cannot be cleared") : 0;
}

static int make_copy(struct tool_volume *v, int *fd)
{
	struct evms_volume *volume;
	int r;

	*fd = make_file(v);
	if (*fd < 0)
		return *fd;
	r = open_volume(v, EVMS_VOLUME_READ_ONLY, &volume);
	if (r < 0)
		return r;
	r = tool_copy_out(v->ctx, volume, *fd);
	evms_volume_close(volume);
	if (r == -ECANCELED)
		return r;
	return r < 0 ? context_fail(v->ctx, -r, v->name, NULL, "tool.copy",
				    "it cannot be copied to the temporary file %s (FUSE would do "
				    "without)", v->path) : 0;
}

static int take_copy(struct tool_volume *v, int fd)
{
	struct evms_volume *volume;
	int r, closed;

	r = open_volume(v, 0, &volume);
	if (r < 0)
		return r;
	r = tool_copy_back(volume, fd);
	closed = evms_volume_close(volume);
	r = r < 0 ? r : closed;
	return r < 0 ? fail(v, -r, "tool.copy",
			    "it cannot be copied back from the temporary file") :
		       0;
}

/* A program is let loose on the backing by its name: it must still be the one that is meant. */
static int check_backing(const struct tool_volume *v)
{
	struct evms_volume *volume;
	int r = open_volume(v, EVMS_VOLUME_READ_ONLY, &volume);

	return r < 0 ? r : evms_volume_close(volume);
}

/* Have v->path show the volume. *fd is the temporary file, or -1. */
static int show(struct tool_volume *v, uint32_t flags, int *fd)
{
	int r;

	*fd = -1;
	if (v->way == TOOL_BACKING)
		return check_backing(v);
	if (v->way == TOOL_EXPORT) {
		r = start_export(v, flags);
		if (r != -ENOTSUP)
			return r;
		v->way = TOOL_COPY;
	}
	return make_copy(v, fd);
}

/* What the program wrote goes to stable storage; a file that it cut gets its length back. */
static int settle(struct tool_volume *v, int copy)
{
	struct stat st;
	int fd, r = 0;

	if (v->way == TOOL_COPY)
		return take_copy(v, copy);
	fd = open(v->path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return fail(v, errno, "tool.flush", "it cannot be flushed");
	if (v->way == TOOL_BACKING && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (uint64_t)st.st_size != v->size && ftruncate(fd, (off_t)v->size) < 0)
		r = -errno;
	if (fsync(fd) < 0 && r == 0)
		r = -errno;
	close(fd);
	return r < 0 ? fail(v, -r, "tool.flush", "what was written may not be on stable storage") :
		       0;
}

/* A bounded beginning of what a program prints. */
struct output {
	char *at;
	size_t size, length;
};

/* false: the other end is closed. */
static bool drain(int fd, struct output *o)
{
	char buffer[4096];
	size_t part;
	ssize_t n;

	for (;;) {
		n = read(fd, buffer, sizeof(buffer));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 && errno == EAGAIN;
		part = o->size - o->length;
		if ((size_t)n < part)
			part = (size_t)n;
		if (part)
			memcpy(o->at + o->length, buffer, part);
		o->length += part;
	}
}

/* Watch a program until it ends. Its wait status in *status, or -ECANCELED, -ECHILD. */
static int attend(struct context *ctx, pid_t pid, const char *what, int fd, struct output *o,
		  int *status)
{
	struct pollfd p[2] = { { .fd = fd, .events = POLLIN }, { .events = POLLIN } };
	int r;

	p[1].fd = spawn_watch(pid);
	for (;;) {
		poll(p, 2, p[1].fd < 0 ? POLL_MS / 10 : POLL_MS);
		if (p[0].revents && !drain(fd, o))
			p[0].fd = -1;
		r = spawn_wait(pid, 0, status);
		if (r != -ETIMEDOUT)
			break;
		r = context_progress(ctx, what, 0, 0);
		if (r < 0) {
			spawn_kill(pid, GRACE_MS);
			break;
		}
	}
	if (p[0].fd >= 0)
		drain(fd, o);
	if (p[1].fd >= 0)
		close(p[1].fd);
	return r;
}

static int run(const struct tool_volume *v, const char *const *argv, char *output,
	       size_t output_size)
{
	struct spawn s = { .argv = argv, .fds = { -1, -1, -1 }, .fd_count = 3 };
	struct output o = { .at = output, .size = output_size ? output_size - 1 : 0 };
	const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	int pipes[2], status = 0, r;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return context_fail(v->ctx, errno, v->name, NULL, "tool.start", "%s: no pipe",
				    name);
	fcntl(pipes[0], F_SETFL, O_NONBLOCK);
	s.fds[1] = s.fds[2] = pipes[1];
	r = spawn(&s, &pid);
	close(pipes[1]);
	if (r < 0)
		context_fail(v->ctx, -r, v->name, NULL, "tool.start", "%s cannot be started", name);
	else
		r = attend(v->ctx, pid, name, pipes[0], &o, &status);
	close(pipes[0]);
	if (output_size)
		output[o.length] = '\0';
	if (r == -ECHILD)
		return context_fail(v->ctx, EIO, v->name, NULL, "tool.lost",
				    "%s: somebody else waits for the children of this process",
				    name);
	if (r < 0)
		return r;
	if (!WIFEXITED(status))
		return context_fail(v->ctx, EIO, v->name, NULL, "tool.signal",
				    "%s was ended by signal %d", name, WTERMSIG(status));
	return WEXITSTATUS(status);
}

/* argv with the path in the place of the token. NULL: out of memory. */
static char **fill_in(const char *const *argv, const char *path)
{
	const char *token;
	size_t n = 0, i;
	char **out;

	while (argv[n])
		n++;
	out = calloc(n + 1, sizeof(*out));
	for (i = 0; out && i < n; i++) {
		token = strstr(argv[i], EVMS_TOOL_VOLUME);
		if (!token)
			out[i] = strdup(argv[i]);
		else if (asprintf(&out[i], "%.*s%s%s", (int)(token - argv[i]), argv[i], path,
				  token + strlen(EVMS_TOOL_VOLUME)) < 0)
			out[i] = NULL;
		if (out[i])
			continue;
		while (i--)
			free(out[i]);
		free(out);
		return NULL;
	}
	return out;
}

static int run_on(const struct tool_volume *v, const char *const *argv, const char *path,
		  char *output, size_t output_size)
{
	char **filled = fill_in(argv, path);
	size_t i;
	int r;

	if (!filled)
		return fail(v, ENOMEM, "tool.memory", "out of memory");
	r = run(v, (const char *const *)filled, output, output_size);
	for (i = 0; filled[i]; i++)
		free(filled[i]);
	free(filled);
	return r;
}

static int mount_on(const struct tool_volume *v, uint32_t flags, const char *dir)
{
	bool read_only = flags & EVMS_TOOL_READ_ONLY;
	const char *argv[] = { "mount", "-o", NULL, "--", v->path, dir, NULL };
	char output[400] = "", options[64];
	struct stat st;
	int r;

	snprintf(options, sizeof(options), "nosuid,nodev,noexec,%s%s", read_only ? "ro" : "rw",
		 stat(v->path, &st) == 0 && S_ISREG(st.st_mode) ? ",loop" : "");
	argv[2] = options;
	r = run(v, argv, output, sizeof(output));
	if (r > 0) {
		output[strcspn(output, "\n")] = '\0';
		return context_fail(v->ctx, ENOTSUP, v->name, NULL, "tool.mount",
				    "it cannot be mounted here: %s", output);
	}
	return r;
}

static int unmount(const struct tool_volume *v, const char *dir)
{
	const char *const argv[] = { "umount", "--", dir, NULL };
	const char *const lazy[] = { "umount", "-l", "--", dir, NULL };
	int i;

	for (i = 0; i < UNMOUNT_TRIES; i++) {
		if (spawn_run(argv) == 0)
			return 0;
		poll(NULL, 0, POLL_MS);
	}
	spawn_run(lazy);
	return fail(v, EBUSY, "tool.mount", "it cannot be unmounted");
}

/* In a private mount point, which only root can make. */
static int run_mounted(struct tool_volume *v, const char *const *argv, uint32_t flags, char *output,
		       size_t output_size)
{
	char *dir = NULL;
	int r, end;

	r = make_dir(v);
	if (r < 0)
		return r;
	if (asprintf(&dir, "%s/mounted", v->dir) < 0)
		return fail(v, ENOMEM, "tool.memory", "out of memory");
	if (mkdir(dir, 0700) < 0)
		r = fail(v, errno, "tool.directory", "no mount point can be made");
	if (r == 0)
		r = mount_on(v, flags, dir);
	if (r == 0) {
		r = run_on(v, argv, dir, output, output_size);
		end = unmount(v, dir);
		r = end < 0 && r >= 0 ? end : r;
	}
	rmdir(dir);
	free(dir);
	return r;
}

int tool_run(struct context *ctx, struct tool_volume *v, const char *const *argv, uint32_t flags,
	     char *output, size_t output_size)
{
	char program[4096];
	int copy = -1, r, end;

	v->ctx = ctx;
	if (output && output_size)
		*output = '\0';
	if (!argv || !argv[0] ||
	    flags & ~(EVMS_TOOL_READ_ONLY | EVMS_TOOL_MOUNTED | EVMS_TOOL_FRESH) ||
	    (flags & EVMS_TOOL_FRESH && flags & (EVMS_TOOL_READ_ONLY | EVMS_TOOL_MOUNTED)))
		return fail(v, EINVAL, "tool.call", "a tool cannot be run like that");
	if (spawn_find(argv[0], program, sizeof(program)) < 0)
		return context_fail(ctx, ENOENT, v->name, NULL, "tool.missing",
				    "the program %s is not installed", argv[0]);
	if (flags & EVMS_TOOL_MOUNTED && geteuid() != 0)
		return context_fail(ctx, ENOTSUP, v->name, NULL, "tool.mount",
				    "%s needs the volume mounted, which only root can do", argv[0]);
	r = flags & EVMS_TOOL_READ_ONLY ? 0 : lock_devices(v);
	if (r == 0 && flags & EVMS_TOOL_FRESH)
		r = give_up(v);
	if (r == 0)
		r = show(v, flags, &copy);
	if (r == 0 && flags & EVMS_TOOL_MOUNTED)
		r = run_mounted(v, argv, flags, output, output ? output_size : 0);
	else if (r == 0)
		r = run_on(v, argv, v->path, output, output ? output_size : 0);
	if (r >= 0 && !(flags & EVMS_TOOL_READ_ONLY)) {
		end = settle(v, copy);
		r = end < 0 ? end : r;
	}
	if (copy >= 0) {
		close(copy);
		unlink(v->path);	/* make_copy() made it: path_is_ours */
	}
	return r;
}
