/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of this room know of each other. */
#ifndef DEVICE_INTERNAL_H
#define DEVICE_INTERNAL_H

#include <sys/stat.h>

#include "device/device.h"
#include "device/queue.h"

#define DEVICE_BLOCK 4096u		/* what is hashed, and what windows are rounded to */

struct holders;				/* holders.c */
struct stage;				/* stage.c */
struct stream;				/* prefetch.c: a window under way */

struct remembered_block {
	uint64_t key;			/* number of the block + 1; 0 for an empty slot */
	uint64_t hash;
};

struct remembered {
	struct remembered_block *at;	/* open addressing */
	size_t count, capacity;
};

struct device {
	struct device_set *set;
	char *path;
	struct device *next_path;	/* chain of the set's paths */
	struct evms_device_facts facts;
	struct device_identity identity;
	struct device *newer, *older;	/* among those with an open descriptor */
	struct stream *served;		/* windows of the group that is being looked at */
	struct stream *opening;		/* windows that wait for the descriptor */
	struct stage *stage;
	struct remembered remembered;
	dev_t lock_dev;			/* whole disk locked for a partition; 0 for none */
	int fd;				/* read only; -1 */
	int write_fd;			/* between lock and unlock; -1 */
	int error;			/* of identify: 0 or -errno */
	int write_error;		/* first error of this commit's writes and flushes */
	unsigned pins;			/* windows under way: the descriptor stays open */
	bool identified;
	bool wrote;			/* between lock and unlock */
	uint64_t hole_start, hole_end;	/* a hole found since identify; empty when equal */
};

/* The whole disk under locked partitions: one flock for all of them. */
struct whole_lock {
	dev_t dev;
	int fd;
	unsigned users;
};

struct device_set {
	struct context *ctx;
	VEC(struct device *) devices;
	struct device **paths;		/* hash table */
	size_t path_slots;
	struct io_queue queue;
	struct device *newest, *oldest;	/* open descriptors, by last use */
	size_t open_count, opening;	/* opening: those that the queue works on */
	size_t budget;
	bool busy;			/* in device_set_prefetch() */
	size_t locked;			/* devices between lock and unlock */
	VEC(struct whole_lock) whole_locks;
	struct holders *holders;	/* as last looked up */
	const char *proc, *sys;		/* "/proc", "/sys"; tests have their own */
};

/* set.c: descriptors */
#define DEVICE_OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
bool device_is_block(const struct device *d);
/* 0 when it can be opened for reading: a regular file or block device without an error. */
int device_readable(const struct device *d);
/* The descriptor to read from, opened when it is not; valid until another device is used. */
int device_get_fd(struct device *d, int *fd);
/*
 * Take a descriptor that was opened for d: it is checked, kept, and counted; or closed on failure.
 */
int device_adopt_fd(struct device *d, int fd);
void device_keep_fd(struct device *d, int fd);		/* the same without the check */
void device_touch(struct device *d);
void device_drop_fd(struct device *d);
/* Close the least recently used descriptors until there is room for one more. */
void device_set_make_room(struct device_set *set);
bool device_set_has_room(const struct device_set *set);
int device_read_fd(int fd, void *buf, size_t len, uint64_t offset);

/* facts.c */
/* Does the open descriptor belong to the device that was identified? 0 or -ESTALE, -errno. */
int device_check_fd(const struct device *d, int fd, bool with_size);
/* Sizes and flags of a block device. */
int facts_ask_block(int fd, struct evms_device_facts *facts, uint64_t *diskseq);

/* prefetch.c: the bytes in the windows that are being looked at, or NULL */
const void *device_window_bytes(const struct device *d, uint64_t offset, uint64_t len);

/* stage.c */
void stage_overlay(const struct stage *s, void *buf, size_t len, uint64_t offset);
/* True when everything was staged: buf has it all. */
bool stage_covers(const struct stage *s, void *buf, size_t len, uint64_t offset);
/* Are there bytes, not only zeros, over the range? s may be NULL. */
bool stage_has_bytes(const struct stage *s, uint64_t len, uint64_t offset);
/* The same, zeros included. */
bool stage_has_any(const struct stage *s, uint64_t len, uint64_t offset);
/* Calls write() for what is staged for a phase, in order; stops at the first error. */
int stage_walk(struct stage *s, uint32_t phase,
	       int (*write)(void *user, const struct device_extent *e), void *user);

/* remember.c */
void device_forget(struct device *d);
/* Take the bytes as they are now for those that are remembered. */
void device_remember_again(struct device *d);

/* holders.c */
void holders_free(struct holders *h);

#endif
