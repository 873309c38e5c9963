/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two halves of the host table: host.c tells, host-change.c changes. */
#ifndef ENGINE_HOST_H
#define ENGINE_HOST_H

#include "engine/engine.h"

/* The plug-in whose call is under way; NULL for none. */
struct evms_plugin *host_caller(const struct evms_object *o);
/* Is the object the caller's? */
bool host_owns(const struct evms_object *o);

int host_set_private(struct evms_object *o, void *data);
int host_set_name(struct evms_object *o, const char *name);
int host_set_label(struct evms_object *o, const char *label);
int host_set_uuid(struct evms_object *o, const char *uuid);
int host_set_serial(struct evms_object *o, const char *serial);
int host_set_size(struct evms_object *o, uint64_t size);
int host_set_block_size(struct evms_object *o, uint32_t block_size);
int host_set_geometry(struct evms_object *o, const struct evms_geometry *geometry);
int host_set_u64(struct evms_object *o, const char *key, uint32_t type, uint64_t value);
int host_set_str(struct evms_object *o, const char *key, const char *value);
int host_set_fs(struct evms_object *volume, const struct evms_fs_info *fs);
int host_note(struct evms_object *o, uint32_t state, const char *reason, const char *fmt,
		     va_list args);
int host_clear_state(struct evms_object *o, uint32_t state);
int host_mark_dirty(struct evms_object *o);
int host_produce(struct evms_object *in, const char *name, uint64_t size, struct evms_object **out);
int host_consume(struct evms_object *out, struct evms_object *in);
int host_give_up(struct evms_object *out, struct evms_object *in);
int host_remove(struct evms_object *o);
int host_add_metadata(struct evms_object *parent, uint64_t offset, uint64_t size, const char *name);
int host_remove_metadata(struct evms_object *parent, uint64_t offset);
int host_add_partition(struct evms_object *disk, uint64_t offset, uint64_t size, const char *name,
			      struct evms_object **out);
int host_move_partition(struct evms_object *o, uint64_t offset, uint64_t size);
int host_allocate(struct evms_object *group, uint64_t offset, uint64_t size,
			 struct evms_object *region);
int host_release_space(struct evms_object *group, uint64_t offset, uint64_t size);
int host_map(struct evms_object *out, uint64_t offset, uint64_t size, const char *target,
		    uint64_t chunk, const char *args, uint32_t n, struct evms_object *const *inputs,
		    const uint64_t *offsets);
int host_clear_map(struct evms_object *out);
int host_read(struct evms_object *o, void *buf, size_t len, uint64_t offset);
int host_write(struct evms_object *o, const void *buf, size_t len, uint64_t offset, uint32_t phase);
int host_zero(struct evms_object *o, uint64_t offset, uint64_t len, uint32_t phase);

#endif
