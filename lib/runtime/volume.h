/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Volumes opened from a runtime table, for the floors above; evms.h has the rest of the functions.
 */
#ifndef RUNTIME_VOLUME_H
#define RUNTIME_VOLUME_H

#include <stddef.h>
#include <stdint.h>
#include <evms/evms.h>
#include "runtime/table.h"

/*
 * Flags besides EVMS_VOLUME_READ_ONLY, inside the library only.
 * Whoever opens for writing holds a shared flock on each backing device, so that no commit starts;
 * within a commit, which holds the exclusive one, that is left out.
 */
#define VOLUME_NO_LOCK		(1u << 30)
#define VOLUME_NO_FLATTEN	(1u << 29)	/* for tests: walk the nodes as they are */

/*
 * Open a table that passed table_check(). The table stays the caller's and is not changed. 0, or
 * -errno with the reason in error (which may be NULL): -ESTALE another device is behind the name;
 * -EBUSY a commit is under way; -EROFS; -ENOTSUP no plug-in for a target; -ENOENT, -EACCES ... of
 * open().
 */
int volume_open_table_struct(const struct table *table, uint32_t flags, const char *plugin_path,
			     char *error, size_t error_size, struct evms_volume **out);

/*
 * The content is not needed any more: files are punched, block devices discarded, and the first and
 * last MiB are made to read as zeros, so that no signature is left.
 */
int volume_give_up(struct evms_volume *v);

/*
 * The next stretch at or behind offset that may hold something else than zeros. 0, or -ENXIO when
 * there is none up to the end.
 */
int volume_find_data(struct evms_volume *v, uint64_t offset, uint64_t *start, uint64_t *end);

#endif
