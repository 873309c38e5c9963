/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A volume as a sparse temporary file, for tools where FUSE cannot be had. */
#ifndef RUNTIME_TOOL_COPY_H
#define RUNTIME_TOOL_COPY_H

#include "base/context.h"

/* Make the empty file what the volume is. 0, -ECANCELED (recorded) or -errno. */
int tool_copy_out(struct context *ctx, struct evms_volume *v, int fd);
/* Make the volume what the file is, writing only what differs, and flush. 0 or -errno. */
int tool_copy_back(struct evms_volume *v, int fd);

#endif
