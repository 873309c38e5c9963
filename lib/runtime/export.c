/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starts and ends evms-export. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>
#include "runtime/export.h"
#include "runtime/spawn.h"

#ifndef EVMS_LIBEXECDIR
#define EVMS_LIBEXECDIR "/usr/libexec/evms"
#endif

#define READY_TIMEOUT_MS	30000
#define STOP_TIMEOUT_MS		60000

extern char **environ;

static const char *export_program(void)
{
	const char *s = secure_getenv("EVMS_EXPORT_PROGRAM");

	return s && *s ? s : EVMS_LIBEXECDIR "/evms-export";
}

bool export_is_possible(void)
{
	const char *no = secure_getenv("EVMS_NO_FUSE");
	char path[4096];
	int fd;

	if (no && *no && strcmp(no, "0") != 0)
		return false;
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	close(fd);
	return spawn_find(export_program(), path, sizeof(path)) == 0 &&
	       (geteuid() == 0 || spawn_find("fusermount3", path, sizeof(path)) == 0);
}

/* The table as a descriptor to read from. */
static int table_file(const char *table, size_t length)
{
	int fd = memfd_create("evms-table", MFD_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	while (length) {
		n = write(fd, table, length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int r = n < 0 ? -errno : -EIO;

			close(fd);
			return r;
		}
		table += n;
		length -= (size_t)n;
	}
	lseek(fd, 0, SEEK_SET);
	return fd;
}

/* Reads "ready", or "error ERRNO TEXT", or nothing when the program died. */
static int read_answer(int fd, pid_t pid, char *error, size_t error_size)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char line[512], *text;
	size_t length = 0;
	ssize_t n;
	long e;

	for (;;) {
		n = poll(&p, 1, READY_TIMEOUT_MS);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0) {
			snprintf(error, error_size, "evms-export does not answer");
			spawn_kill(pid, 1000);
			return -ETIMEDOUT;
		}
		n = read(fd, line + length, sizeof(line) - 1 - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n > 0)
			length += (size_t)n;
		if (n <= 0 || memchr(line, '\n', length) || length == sizeof(line) - 1)
			break;
	}
	line[length] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (!strcmp(line, "ready"))
		return 0;
	spawn_kill(pid, 5000);
	if (strncmp(line, "error ", 6) != 0) {
		snprintf(error, error_size, "evms-export died");
		return -EIO;
	}
	e = strtol(line + 6, &text, 10);
	snprintf(error, error_size, "%s", *text ? text + 1 : "");
	return e > 0 && e < 4096 ? -(int)e : -EIO;
}

static int start(int table, int ready, int life, const char *mountpoint, uint32_t flags, pid_t *pid)
{
	const char *argv[12];
	struct spawn s = {
		.argv = argv, .env = (const char *const *)environ,
		.fds = { table, -1, -1, ready, life }, .fd_count = 5
	};
	int n = 0;

	argv[n++] = export_program();
	argv[n++] = "--table";
	argv[n++] = "-";
	argv[n++] = "--ready-fd";
	argv[n++] = "3";
	argv[n++] = "--life-fd";
	argv[n++] = "4";
	if (flags & EXPORT_READ_ONLY)
		argv[n++] = "--read-only";
	if (flags & EXPORT_NO_LOCK)
		argv[n++] = "--no-lock";
	argv[n++] = mountpoint;
	argv[n] = NULL;
	/* A library is silent: reasons come as the answer. */
	if (secure_getenv("EVMS_DEBUG") && fcntl(STDERR_FILENO, F_GETFD) >= 0)
		s.fds[2] = STDERR_FILENO;
	return spawn(&s, pid);
}

int export_spawn(const char *table, size_t length, const char *mountpoint, uint32_t flags,
		 struct export *out, char *error, size_t error_size)
{
	int ready[2] = { -1, -1 }, life[2] = { -1, -1 }, fd, r;
	struct export e = { .flags = flags, .life = -1 };

	e.mountpoint = strdup(mountpoint);
	fd = table_file(table, length);
	r = fd < 0 ? fd : e.mountpoint ? 0 : -ENOMEM;
	if (r == 0 && (pipe2(ready, O_CLOEXEC) < 0 || pipe2(life, O_CLOEXEC) < 0))
		r = -errno;
	if (r == 0)
		r = start(fd, ready[1], life[0], mountpoint, flags, &e.pid);
	if (r < 0)
		snprintf(error, error_size, "%s cannot be started: %s", export_program(),
			 strerror(-r));
	if (fd >= 0)
		close(fd);
	if (ready[1] >= 0)
		close(ready[1]);
	if (life[0] >= 0)
		close(life[0]);
	if (r == 0)
		r = read_answer(ready[0], e.pid, error, error_size);
	if (ready[0] >= 0)
		close(ready[0]);
	if (r < 0) {
		if (life[1] >= 0)
			close(life[1]);
		free(e.mountpoint);
		return r;
	}
	e.life = life[1];
	*out = e;
	return 0;
}

/* What an export that had to be killed leaves behind: a mount that nobody serves. */
static void unmount_dead(const char *mountpoint)
{
	const char *const argv[] = { "fusermount3", "-u", "-z", "-q", "--", mountpoint, NULL };

	if (umount2(mountpoint, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && errno == EPERM)
		spawn_run(argv);
}

int export_stop(struct export *e)
{
	int status, r;

	if (!e->pid)
		return 0;
	kill(e->pid, SIGTERM);
	r = spawn_wait(e->pid, STOP_TIMEOUT_MS, &status);
	if (r == -ETIMEDOUT) {
		spawn_kill(e->pid, 0);
		unmount_dead(e->mountpoint);
		r = -EIO;
	} else if (r == 0 && (!WIFEXITED(status) || WEXITSTATUS(status) != EXPORT_EXIT_OK)) {
		r = -EIO;
	}
	close(e->life);
	free(e->mountpoint);
	memset(e, 0, sizeof(*e));
	return r;
}
