/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starts child processes with posix_spawn(), waits for them and ends them. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "runtime/spawn.h"

#define SYSTEM_PATH "/usr/sbin:/sbin:/usr/bin:/bin"

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static bool find_in(const char *dirs, const char *name, char *path, size_t size)
{
	size_t n;

	for (; dirs && *dirs; dirs += n + (dirs[n] == ':')) {
		n = strcspn(dirs, ":");
		if (*dirs != '/' || n > INT_MAX)
			continue;	/* "." and the like: never */
		if ((size_t)snprintf(path, size, "%.*s/%s", (int)n, dirs, name) < size &&
		    is_program(path))
			return true;
	}
	return false;
}

int spawn_find(const char *name, char *path, size_t size)
{
	if (strchr(name, '/'))
		return (size_t)snprintf(path, size, "%s", name) < size && is_program(path) ?
			       0 :
			       -ENOENT;
	if (!*name)
		return -ENOENT;
	return find_in(getenv("PATH"), name, path, size) || find_in(SYSTEM_PATH, name, path, size) ?
		       0 : -ENOENT;
}

/*
 * The child's descriptors. The parent's are first doubled to numbers that no target has, so that
 * one dup2() does not overwrite the source of the next. doubles[] are closed by the caller.
 */
static int set_descriptors(const struct spawn *s, posix_spawn_file_actions_t *actions, int *doubles)
{
	int i, r;

	for (i = 0; i < s->fd_count; i++) {
		doubles[i] = s->fds[i] < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : s->fds[i];
		if (doubles[i] < 0)
			return -errno;
		r = fcntl(doubles[i], F_DUPFD_CLOEXEC, SPAWN_MAX_FDS);
		if (s->fds[i] < 0)
			close(doubles[i]);
		doubles[i] = r;
		if (r < 0)
			return -errno;
		r = posix_spawn_file_actions_adddup2(actions, doubles[i], i);
		if (r)
			return -r;
	}
#if defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 34)
	r = posix_spawn_file_actions_addclosefrom_np(actions, s->fd_count);
	if (r)
		return -r;
#endif
#endif
	return 0;
}

static int set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t set;

	sigfillset(&set);
	posix_spawnattr_setsigdefault(attributes, &set);
	sigemptyset(&set);
	posix_spawnattr_setsigmask(attributes, &set);
	posix_spawnattr_setpgroup(attributes, 0);
	return -posix_spawnattr_setflags(
		attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
}

static int spawn_path(const struct spawn *s, const char *path, const char *const *env, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int doubles[SPAWN_MAX_FDS], i, r;

	for (i = 0; i < SPAWN_MAX_FDS; i++)
		doubles[i] = -1;
	if (posix_spawn_file_actions_init(&actions))
		return -ENOMEM;
	if (posix_spawnattr_init(&attributes)) {
		posix_spawn_file_actions_destroy(&actions);
		return -ENOMEM;
	}
	r = set_attributes(&attributes);
	if (r == 0)
		r = set_descriptors(s, &actions, doubles);
	if (r == 0)
		r = -posix_spawn(pid, path, &actions, &attributes,
				 (char *const *)(uintptr_t)s->argv, (char *const *)(uintptr_t)env);
	for (i = 0; i < SPAWN_MAX_FDS; i++)
		if (doubles[i] >= 0)
			close(doubles[i]);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

int spawn(const struct spawn *s, pid_t *pid)
{
	const char *path_env = getenv("PATH");
	const char *env[3] = { "LC_ALL=C", NULL, NULL };
	char path[PATH_MAX], *text = NULL;
	int r;

	r = spawn_find(s->argv[0], path, sizeof(path));
	if (r < 0)
		return r;
	if (s->env)
		return spawn_path(s, path, s->env, pid);
	if (asprintf(&text, "PATH=%s%s%s", path_env ? path_env : "",
		     path_env && *path_env ? ":" : "", SYSTEM_PATH) < 0)
		return -ENOMEM;
	env[1] = text;
	r = spawn_path(s, path, env, pid);
	free(text);
	return r;
}

int spawn_watch(pid_t pid)
{
#ifdef SYS_pidfd_open
	return (int)syscall(SYS_pidfd_open, pid, 0);
#else
	(void)pid;
	return -1;
#endif
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000L + t.tv_nsec / 1000000;
}

int spawn_wait(pid_t pid, int timeout_ms, int *status)
{
	long end = now_ms() + timeout_ms;
	struct pollfd p = { .events = POLLIN };
	int left;
	pid_t r;

	p.fd = spawn_watch(pid);
	for (;;) {
		r = waitpid(pid, status, WNOHANG);
		if (r == pid || (r < 0 && errno != EINTR))
			break;
		left = timeout_ms < 0 ? 1000 : (int)(end - now_ms());
		if (left <= 0)
			break;
		poll(&p, 1, p.fd < 0 && left > 10 ? 10 : left);
	}
	if (p.fd >= 0)
		close(p.fd);
	return r == pid ? 0 : r < 0 ? -ECHILD : -ETIMEDOUT;
}

void spawn_kill(pid_t pid, int grace_ms)
{
	int status;

	kill(-pid, SIGTERM);
	if (spawn_wait(pid, grace_ms, &status) != -ETIMEDOUT)
		return;
	kill(-pid, SIGKILL);
	spawn_wait(pid, -1, &status);
}

int spawn_run(const char *const *argv)
{
	struct spawn s = { .argv = argv, .fds = { -1, -1, -1 }, .fd_count = 3 };
	int status, r;
	pid_t pid;

	r = spawn(&s, &pid);
	if (r == 0)
		r = spawn_wait(pid, -1, &status);
	if (r < 0)
		return r;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
}
