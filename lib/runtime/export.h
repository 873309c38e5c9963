/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shows a volume as a file: starts evms-export and ends it. Knows libc only, so that a program can
 * take export.c and spawn.c as they are.
 */
#ifndef RUNTIME_EXPORT_H
#define RUNTIME_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define EXPORT_READ_ONLY	(1u << 0)
#define EXPORT_NO_LOCK		(1u << 1)	/* within a commit, which holds the lock itself */

/* Exit codes of evms-export. */
enum export_exit {
	EXPORT_EXIT_OK = 0,		/* served, unmounted, all on stable storage */
	EXPORT_EXIT_USAGE = 1,
	EXPORT_EXIT_TABLE = 2,		/* the table cannot be read or opened */
	EXPORT_EXIT_FUSE = 3,		/* FUSE cannot be had here, or refuses the mount point */
	EXPORT_EXIT_FLUSH = 4		/* what was written may not be on stable storage */
};

/* A running export. Zeroed is none. */
struct export {
	pid_t pid;
	int life;			/* the export ends when this end of a pipe is closed */
	uint32_t flags;
	char *mountpoint;
};

/*
 * Show the volume of a table as the file at mountpoint, which must exist (an empty regular file).
 * Returns when the file can be used. 0, or -errno with the reason in error:
 * -ENOENT evms-export is not installed; -ENOTSUP FUSE cannot be had; and what opening the volume
 * gives.
 */
int export_spawn(const char *table, size_t length, const char *mountpoint, uint32_t flags,
		 struct export *out, char *error, size_t error_size);

/* Can FUSE be had at all? Looks only. */
bool export_is_possible(void);

/*
 * End it, flushed and unmounted, also when somebody has the file open. 0, or -EIO: what was written
 * may not be on stable storage.
 */
int export_stop(struct export *e);

#endif
