/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Child processes: started without a shell and without leaking a descriptor. Knows libc only. */
#ifndef RUNTIME_SPAWN_H
#define RUNTIME_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define SPAWN_MAX_FDS 8

struct spawn {
	const char *const *argv;	/* argv[0] is looked for with spawn_find() */
	const char *const *env;		/* NULL: LC_ALL=C and PATH, nothing else */
	/* Descriptors of the child 0..fd_count-1; -1 is /dev/null. All others are closed. */
	int fds[SPAWN_MAX_FDS];
	int fd_count;
};

/* Start it, in a process group of its own. 0, -ENOENT (no such program) or -errno. */
int spawn(const struct spawn *s, pid_t *pid);

/*
 * Find a program: as it is when there is a '/' in the name, else in the absolute directories of
 * PATH and in /usr/sbin, /sbin, /usr/bin and /bin. 0 or -ENOENT.
 */
int spawn_find(const char *name, char *path, size_t size);

/* A descriptor that becomes readable when the process ends; -1 where the kernel has none. */
int spawn_watch(pid_t pid);

/*
 * Wait at most so many milliseconds (-1: for ever). 0 and the wait status, -ETIMEDOUT, or -ECHILD
 * when somebody else took it.
 */
int spawn_wait(pid_t pid, int timeout_ms, int *status);

/* Ask the group to end, and end it after the time. Reaps the process. */
void spawn_kill(pid_t pid, int grace_ms);

/* Run to the end, output thrown away. The exit status, or -errno (-EIO: killed by a signal). */
int spawn_run(const char *const *argv);

#endif
