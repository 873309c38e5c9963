/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An opened volume, as the files of this room see it. */
#ifndef RUNTIME_RUNTIME_H
#define RUNTIME_RUNTIME_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/context.h"
#include "registry/registry.h"
#include "runtime/table.h"
#include "runtime/volume.h"

enum io_op {
	IO_READ,
	IO_WRITE,
	IO_ZERO,			/* make it read as zeros */
	IO_DISCARD,			/* a hint */
	IO_GIVE_UP			/* as discard, but files are made to read as zeros */
};

struct rt_device {
	int fd;
	bool is_block, read_only;
	uint32_t block_size;
	uint64_t size;
	atomic_bool written;		/* since the last flush; set after the write has ended */
	pthread_mutex_t flushing;	/* whoever waits for it finds its writes flushed */
};

struct rt_node;
struct rt_leg {
	struct rt_device *device;	/* NULL: the node */
	struct rt_node *node;
	uint64_t offset;
};

/* What a plug-in's target reads and writes. */
struct evms_child {
	struct rt_leg leg;
	uint64_t size;			/* from leg.offset to the end */
};

struct rt_target {
	uint64_t start, size;
	enum table_kind kind;
	uint32_t leg_count;
	uint64_t chunk;
	struct rt_leg *legs;
	const struct evms_target_ops *ops;	/* TABLE_PLUGIN */
	void *ctx;
	struct evms_child **children;
};

struct rt_node {
	uint64_t size;
	size_t target_count;
	struct rt_target *targets;
	struct rt_leg *legs;
};

struct evms_volume {
	uint64_t size;
	uint32_t block_size;
	bool read_only;
	atomic_int failed; /* -errno of the first flush that failed: no later one succeeds */
	size_t device_count, node_count;
	struct rt_device *devices;
	struct rt_node *nodes, *root;
	struct context *ctx;		/* with plug-ins' targets only */
	struct registry *registry;
};

/* All of [offset, offset + len), which lies inside the node. buf is NULL unless reading or writing.
 */
int rt_node_io(const struct rt_node *n, enum io_op op, char *buf, uint64_t len, uint64_t offset);
int rt_leg_io(const struct rt_leg *leg, enum io_op op, char *buf, uint64_t len, uint64_t offset);
size_t rt_find_target(const struct rt_node *n, uint64_t offset);
int rt_device_io(struct rt_device *d, enum io_op op, char *buf, uint64_t len, uint64_t offset);
int rt_device_flush(struct rt_device *d);
int rt_volume_flush(struct evms_volume *v);

/* Open and close the targets that plug-ins provide. */
int rt_open_plugins(struct evms_volume *v, const struct table *t, const char *plugin_path,
		    char *error, size_t error_size);
void rt_close_plugins(struct evms_volume *v);

#endif
