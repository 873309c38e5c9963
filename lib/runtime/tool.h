/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs the programs of file systems on a volume: on its backing when the volume is a whole device
 * or file, else on a FUSE export, else on a sparse temporary file that is copied back.
 */
#ifndef RUNTIME_TOOL_H
#define RUNTIME_TOOL_H

#include <stddef.h>
#include <stdint.h>
#include "base/context.h"
#include "runtime/table.h"

/* A volume that programs are run on; keeps an export between runs. */
struct tool_volume;

/* How a volume is shown to programs; for messages and plans. */
enum tool_way {
	TOOL_BACKING,			/* the device or file itself */
	TOOL_EXPORT,			/* a FUSE export */
	TOOL_COPY			/* a temporary file */
};

/*
 * name is for messages. The table must have passed table_check(); it is copied. Touches nothing
 * yet. From the first run that writes to the close it holds the exclusive flock of a commit on each
 * backing device; the caller must not hold one, nor have a block device open with O_EXCL, because
 * tools do that.
 */
int tool_volume_open(struct context *ctx, const struct table *table, const char *name,
		     struct tool_volume **out);
/* End the export, flushed. NULL is fine. 0, or -EIO recorded. The handle is gone either way. */
int tool_volume_close(struct tool_volume *v);
enum tool_way tool_volume_way(const struct tool_volume *v);

/*
 * Run a program: argv ends with NULL; an argument that is EVMS_TOOL_VOLUME stands for the path,
 * also at the end of a longer argument. flags are EVMS_TOOL_*. output (may be NULL) takes the
 * beginning of what it printed, ended by NUL. Calls context_progress() ten times a second and ends
 * the program when that says so.
 *
 * EVMS_TOOL_FRESH gives the content up before: files are punched, so that the volume reads as
 * zeros; on block devices, which cannot do that quickly, all is discarded and the first and last
 * MiB are zeroed.
 *
 * The exit status 0..255, or, recorded: -ENOENT not installed, -ENOTSUP cannot be mounted here,
 * -ECANCELED, -EBUSY open for writing elsewhere, -EIO (also: ended by a signal), -EINVAL. What the
 * program wrote is on stable storage when it returns >= 0.
 */
int tool_run(struct context *ctx, struct tool_volume *v, const char *const *argv, uint32_t flags,
	     char *output, size_t output_size);

#endif
