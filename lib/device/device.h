/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A device as the engine sees it: the bytes of a block device or image file, read only while
 * planning, with what was staged laid over them. Knows no model and no format.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/context.h"
#include "registry/sdk.h"
#include "util/vec.h"

/* Who a device is: checked again before anything is written. */
struct device_identity {
	dev_t dev;			/* st_dev of an image file, st_rdev of a block device */
	ino_t ino;			/* 0 for a block device */
	uint64_t size;
	uint64_t diskseq;		/* BLKGETDISKSEQ; 0 where the kernel has none */
};

struct device;				/* one device; opaque outside this room */
struct device_set;			/* all devices of an engine, and what they share */

/* A stretch that discovery wants to see of a device. Windows of one object share a group number. */
struct device_window {
	struct device *device;
	uint64_t offset, size;		/* clipped to the device by the set */
	size_t group;			/* windows are passed in ascending order of this */
};

int device_set_new(struct context *ctx, struct device_set **out);
void device_set_free(struct device_set *set);	/* frees its devices too */

/* Make a device of an absolute path. Opens nothing. */
int device_new(struct device_set *set, const char *path, uint32_t wanted_block_size,
	       struct device **out);
/* The device of that path; NULL when there is none. */
struct device *device_find(const struct device_set *set, const char *path);
const char *device_path(const struct device *d);

/*
 * Find out what the devices are (type, size, block sizes, read-only, identity) for all at once: in
 * batches over io_uring; where the kernel refuses that, by threads that have ended when the call
 * returns. 0 or -ENOMEM; errors are kept per device: device_error() gives -errno (ENOENT, EACCES,
 * ELOOP, ENOMEDIUM, ...). A folder, FIFO or the like is no error: facts->mode says what it is, so
 * that a device manager can refuse it in its own words; it is never opened, and reading gives
 * -EISDIR or -ENOTBLK.
 * geometry stays zero: no kernel knows it any more. An image file has no block sizes (0).
 * Identifying again is a fresh look, for a new discovery: what was remembered is forgotten and a
 * changed device gets its new identity; but while something is staged for it, a changed device has
 * the error -ESTALE.
 */
int device_set_identify(struct device_set *set, struct device *const *devices, size_t count);
int device_error(const struct device *d);
const struct evms_device_facts *device_facts(const struct device *d);
const struct device_identity *device_identity(const struct device *d);

/*
 * Read these windows, many devices at once, and call done(user, group) once for each group, in
 * ascending order, as soon as all windows of it and of the groups before it were tried.
 * device_read() is served from the windows of a group until its done() returns. Windows of fast
 * devices are read in small batches whose buffers are used again (memory stays small for any number
 * of devices); when the group at the front is slow the others are started meanwhile, so that n
 * devices that each need 100 ms need 100 ms together. A window that cannot be read is no error
 * here: the device_read() of its bytes will be.
 * Descriptors stay open within a budget (half of RLIMIT_NOFILE, at most 1024) and are closed beyond
 * it; a device is opened again on demand, and must be the same one (identity) as before: -ESTALE.
 * Windows are rounded out to 4 KiB blocks. The most that is under way at once, when devices are
 * slow, is what the descriptor budget and 128 MiB of buffers allow.
 * Stops at the first done() that returns non-zero and returns that. Not to be called from done():
 * -EBUSY.
 */
typedef int (*device_window_fn)(void *user, size_t group);
int device_set_prefetch(struct device_set *set, const struct device_window *windows, size_t count,
			device_window_fn done, void *user);

/*
 * Read through the windows and what was staged. All or nothing: 0, -ERANGE, -EIO, ... (not
 * recorded).
 */
int device_read(struct device *d, void *buf, size_t len, uint64_t offset);
/* The same without what was staged. */
int device_read_base(struct device *d, void *buf, size_t len, uint64_t offset);

/*
 * Does [offset, offset+len) surely read as zeros, without reading it (a hole of a sparse file, and
 * no bytes staged there)?
 */
bool device_is_hole(struct device *d, uint64_t offset, uint64_t len);
/* The same, from what was known since device_set_identify(): for the many objects of one discovery. */
bool device_is_known_hole(struct device *d, uint64_t offset, uint64_t len);
/* Is anything staged over [offset, offset+len)? */
bool device_is_staged_at(const struct device *d, uint64_t offset, uint64_t len);

/*
 * Remember that the model depends on these bytes as they are now (a hash of each 4 KiB block around
 * them): device_verify() fails when one has changed. The first look counts: a block that is
 * remembered already is not read again. 0, -ERANGE, -EIO, -ENOMEM, ...
 */
int device_remember(struct device *d, uint64_t offset, uint64_t len);

/*
 * Staging. Bytes of a phase lie over those of earlier phases, later ones of the same phase over
 * earlier ones. What gives things up must not hit what is put in their place: a later stage call over a range
 * drops what was staged there for EVMS_PHASE_WIPE and, unless it is for that phase itself or WIPE, for
 * EVMS_PHASE_FINISH.
 * Staging also remembers the old bytes under the range. 0, -ERANGE, -ENOMEM, -EIO: then no byte was
 * staged (but what was staged for EVMS_PHASE_WIPE under the range may be gone after -ENOMEM).
 * Put in any order: tens of thousands of extents, or large ones that are put again and again, stay
 * cheap.
 */
int device_stage(struct device *d, const void *buf, size_t len, uint64_t offset, uint32_t phase);
int device_stage_zero(struct device *d, uint64_t offset, uint64_t len, uint32_t phase);
void device_unstage(struct device *d);
bool device_is_staged(const struct device *d);

/*
 * What is staged, phase by phase and by offset; neighbours of the same sort (bytes, zeros) are
 * joined. Going through in order is cheap. bytes is valid until the next call that stages.
 */
struct device_extent {
	uint64_t offset, size;
	uint32_t phase;
	const void *bytes;		/* NULL: zeros */
};
size_t device_extent_count(const struct device *d);
struct device_extent device_extent(const struct device *d, size_t i);

/*
 * Commit. device_lock() opens for writing (O_EXCL on block devices), takes the flock that udev
 * honours (LOCK_EX | LOCK_NB on the whole device) and checks that nobody uses it: -EBUSY with the
 * holder recorded (mounted on ..., swap, held by dm-3, loop device /dev/loop7, process 123 NAME),
 * -EROFS, -EACCES. device_verify() checks identity and remembered bytes: -ESTALE, recorded.
 * device_write_phase() writes what is staged for a phase (not flushed); device_flush() makes it
 * stable. Both record their errors. The first one stays: every later call until device_unlock()
 * fails with it, since the kernel may report a lost write once only. Without device_lock() they
 * give -EROFS.
 * device_unlock() closes the writable descriptor. If something was written, also in part, what is
 * remembered is taken anew from what the device has now, so that a commit that failed can be tried
 * again.
 */
int device_lock(struct device *d);
int device_verify(struct device *d);
int device_write_phase(struct device *d, uint32_t phase);
int device_flush(struct device *d);
void device_unlock(struct device *d);

/*
 * Who uses the device or something on it? 0 and a text in buf ("mounted on /home"), -ENOENT when
 * nobody does. The system's tables are read once for all devices, and again after
 * device_set_identify(), after device_committed(), and at the first device_lock() of a commit.
 */
void device_set_look_again(struct device_set *set);	/* what was known of holders is out of date */
int device_find_holder(struct device *d, char *buf, size_t size);
/*
 * After a commit: the kernel's view of a block device is refreshed (BLKRRPART), errors ignored;
 * windows are dropped. Without effect on files.
 */
void device_committed(struct device *d);

#endif
