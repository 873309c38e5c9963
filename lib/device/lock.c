/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The commit's side of a device: locked, written phase by phase, made stable, given back. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "device/internal.h"
#include "util/check.h"

#define WRITE_SIZE	(8u << 20)
#define ZERO_SIZE	(1u << 20)	/* shorter zeros are simply written */
#define LOCK_TRIES	50
#define LOCK_NAP	20000000	/* ns */

static int fail_busy(struct device *d)
{
	char who[256];

	if (device_find_holder(d, who, sizeof(who)) < 0)
		snprintf(who, sizeof(who), "in use by somebody who cannot be found out");
	return context_fail(d->set->ctx, EBUSY, d->path, NULL, "device.busy",
			    "%s; nothing was written: release it and commit again", who);
}

static int fail_open(struct device *d, int error)
{
	struct context *ctx = d->set->ctx;

	if (error == EBUSY || error == ETXTBSY)
		return fail_busy(d);
	if (error == EROFS || (d->facts.read_only && device_is_block(d)))
		return context_fail(ctx, EROFS, d->path, NULL, "device.read-only",
				    "it is read-only; nothing was written");
	if (error == ENOENT || error == ENXIO || error == ENODEV)
		return context_fail(ctx, ESTALE, d->path, NULL, "device.identity",
				    "it is gone; nothing was written");
	if (error == EACCES || error == EPERM)
		return context_fail(ctx, error, d->path, NULL, "device.permission",
				    "you may not write to it; nothing was written");
	return context_fail(ctx, error, d->path, NULL, "device.open",
			    "it cannot be opened for writing; nothing was written");
}

/*
 * udev takes a shared lock for moments, for instance right after a commit has closed the device.
 * Somebody who means it still has it a second later.
 */
static int take_flock(int fd, bool block)
{
	struct timespec nap = { .tv_nsec = LOCK_NAP };
	int tries = block ? LOCK_TRIES : 1;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK || --tries <= 0)
			return -errno;
		nanosleep(&nap, NULL);
	}
	return 0;
}

/* The first line of a file in sysfs that begins with key; its rest goes to buf. */
static int read_key(const char *path, const char *key, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");
	size_t n = strlen(key);
	int r = -ENOENT;
	char line[256];

	if (!f)
		return -errno;
	while (r < 0 && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, key, n))
			continue;
		r = snprintf(buf, size, "%s", line + n) < (int)size ? 0 : -ENAMETOOLONG;
	}
	fclose(f);
	return r;
}

/* The whole disk of a partition. -ENOENT for everything else. */
static int find_whole(const struct device *d, dev_t *dev, char *node, size_t size)
{
	unsigned major_number, minor_number;
	char path[256], text[128];
	int r, n;

	n = snprintf(path, sizeof(path), "%s/dev/block/%u:%u/", d->set->sys,
		     major(d->identity.dev), minor(d->identity.dev));
	if (n < 0 || (size_t)n > sizeof(path) - 16)
		return -ENOENT;
	snprintf(path + n, sizeof(path) - (size_t)n, "partition");
	if (access(path, F_OK) < 0)
		return -ENOENT;
	snprintf(path + n, sizeof(path) - (size_t)n, "../dev");
	r = read_key(path, "", text, sizeof(text));
	if (r < 0 || sscanf(text, "%u:%u", &major_number, &minor_number) != 2)
		return -ENOENT;
	*dev = makedev(major_number, minor_number);
	snprintf(path + n, sizeof(path) - (size_t)n, "../uevent");
	r = read_key(path, "DEVNAME=", text, sizeof(text));
	if (r < 0)
		return -ENOENT;
	return snprintf(node, size, "/dev/%s", text) < (int)size ? 0 : -ENOENT;
}

static int open_whole(const char *node, dev_t dev)
{
	int fd = open(node, DEVICE_OPEN_FLAGS);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISBLK(st.st_mode) || st.st_rdev != dev) {
		close(fd);
		return -ENOENT;
	}
	return fd;
}

/* udev looks for the lock on the whole disk: a partition's device takes it there too. */
static int lock_whole(struct device *d)
{
	struct device_set *set = d->set;
	struct whole_lock lock = { .users = 1 };
	char node[160];
	size_t i;
	int r;

	if (!device_is_block(d) || find_whole(d, &lock.dev, node, sizeof(node)) < 0)
		return 0;
	for (i = 0; i < set->whole_locks.count; i++) {
		if (set->whole_locks.at[i].dev != lock.dev)
			continue;
		set->whole_locks.at[i].users++;
		d->lock_dev = lock.dev;
		return 0;
	}
	lock.fd = open_whole(node, lock.dev);
	if (lock.fd < 0)
		return 0;		/* a sandbox that shows the partition only */
	r = take_flock(lock.fd, true);
	if (r == 0 && !vec_push(&set->whole_locks, lock))
		r = -ENOMEM;
	if (r < 0)
		close(lock.fd);
	else
		d->lock_dev = lock.dev;
	return r;
}

static void unlock_whole(struct device *d)
{
	struct device_set *set = d->set;
	size_t i;

	for (i = 0; d->lock_dev && i < set->whole_locks.count; i++) {
		if (set->whole_locks.at[i].dev != d->lock_dev)
			continue;
		if (!--set->whole_locks.at[i].users) {
			close(set->whole_locks.at[i].fd);
			vec_remove(&set->whole_locks, i);
		}
		break;
	}
	d->lock_dev = 0;
}

static int check_locked(struct device *d)
{
	struct evms_device_facts now = { .path = NULL };
	char who[256];
	uint64_t seq;
	int r;

	r = device_check_fd(d, d->write_fd, false);
	if (r == 0 && device_is_block(d))
		r = facts_ask_block(d->write_fd, &now, &seq);
	if (r == -ESTALE)
		return context_fail(d->set->ctx, ESTALE, d->path, NULL, "device.identity",
				    "another device has this name now; nothing was written: "
				    "discover again");
	if (r == 0 && now.read_only)
		r = -EROFS;
	if (r < 0)
		return fail_open(d, -r);
	r = take_flock(d->write_fd, device_is_block(d));
	if (r == 0)
		r = lock_whole(d);
	if (r == -EWOULDBLOCK)
		return fail_busy(d);
	if (r < 0)
		return context_fail(d->set->ctx, -r, d->path, NULL, "device.lock",
				    "it cannot be locked; nothing was written");
	if (device_find_holder(d, who, sizeof(who)) == 0)
		return fail_busy(d);
	return 0;
}

int device_lock(struct device *d)
{
	int flags = O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, r;

	if (d->write_fd >= 0)
		return 0;
	r = d->identified ? 0 : device_set_identify(d->set, &d, 1);
	if (r == 0)
		r = device_readable(d);
	if (r < 0)
		return fail_open(d, -r);
	if (!d->set->locked)		/* a commit begins: who uses what is looked up afresh */
		device_set_look_again(d->set);
	if (device_is_block(d))
		flags |= O_EXCL;
	d->write_fd = open(d->path, flags);
	if (d->write_fd < 0)
		return fail_open(d, errno);
	d->write_error = 0;
	d->set->locked++;
	r = check_locked(d);
	if (r < 0)
		device_unlock(d);
	return r;
}

void device_unlock(struct device *d)
{
	if (d->write_fd < 0)
		return;
	/* While nobody else can write: what we wrote must not look like somebody else's doing. */
	if (d->wrote)
		device_remember_again(d);
	d->wrote = false;
	unlock_whole(d);
	close(d->write_fd);
	d->write_fd = -1;
	d->write_error = 0;
	d->set->locked--;
}

static int write_bytes(int fd, const unsigned char *bytes, uint64_t size, uint64_t offset)
{
	ssize_t n;

	while (size) {
		n = pwrite(fd, bytes, (size_t)min_u64(size, WRITE_SIZE), (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		bytes += n;
		offset += (uint64_t)n;
		size -= (uint64_t)n;
	}
	return 0;
}

static int write_zeros(int fd, uint64_t size, uint64_t offset)
{
	uint64_t piece = min_u64(size, ZERO_SIZE);
	unsigned char *zeros;
	int r = 0;

	if (!size)
		return 0;
	zeros = calloc(1, (size_t)piece);
	if (!zeros)
		return -ENOMEM;
	for (; r == 0 && size; size -= piece, offset += piece) {
		piece = min_u64(size, piece);
		r = write_bytes(fd, zeros, piece, offset);
	}
	free(zeros);
	return r;
}

/*
 * Zeros without writing them. A file that has all its blocks keeps them; a sparse one gets a hole.
 * Both read as zeros for sure, and so does what BLKZEROOUT leaves, which never means "discard and
 * hope".
 */
static int zero_fast(struct device *d, uint64_t size, uint64_t offset)
{
	uint64_t range[2] = { offset, size };
	int mode = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE;
	struct stat st;

	if (device_is_block(d))
		return ioctl(d->write_fd, BLKZEROOUT, range) < 0 ? -errno : 0;
	if (fstat(d->write_fd, &st) < 0)
		return -errno;
	if ((uint64_t)st.st_blocks >= (uint64_t)st.st_size / 512)
		mode = FALLOC_FL_KEEP_SIZE | FALLOC_FL_ZERO_RANGE;
	return fallocate(d->write_fd, mode, (off_t)offset, (off_t)size) < 0 ? -errno : 0;
}

static int zero(struct device *d, uint64_t size, uint64_t offset)
{
	uint64_t first = round_up(offset, DEVICE_BLOCK);
	uint64_t end = round_down(offset + size, DEVICE_BLOCK);
	int r;

	if (size < ZERO_SIZE || zero_fast(d, end - first, first) < 0)
		return write_zeros(d->write_fd, size, offset);
	r = write_zeros(d->write_fd, first - offset, offset);
	return r < 0 ? r : write_zeros(d->write_fd, offset + size - end, end);
}

static int write_extent(void *user, const struct device_extent *e)
{
	struct device *d = user;

	if (!range_fits(e->offset, e->size, d->facts.size))
		return -ERANGE;
	d->wrote = true;
	if (!e->bytes)
		return zero(d, e->size, e->offset);
	return write_bytes(d->write_fd, e->bytes, e->size, e->offset);
}

static int fail_write(struct device *d, const char *reason, const char *what)
{
	const char *more = d->write_error == -ENOSPC ?
		": the file system that holds this image is full" : "";

	return context_fail(d->set->ctx, -d->write_error, d->path, NULL, reason, "%s%s", what,
			    more);
}

int device_write_phase(struct device *d, uint32_t phase)
{
	if (phase >= EVMS_PHASE_COUNT)
		return -EINVAL;
	if (d->write_fd < 0)
		return -EROFS;
	if (!d->write_error)
		d->write_error = stage_walk(d->stage, phase, write_extent, d);
	if (!d->write_error)
		return 0;
	return fail_write(d, "device.write", "writing failed");
}

int device_flush(struct device *d)
{
	int r;

	if (d->write_fd < 0)
		return -EROFS;
	/* After a failure the kernel may say that all is well: the pages in question are gone. */
	if (!d->write_error) {
		do {
			r = fdatasync(d->write_fd);
		} while (r < 0 && errno == EINTR);
		if (r < 0)
			d->write_error = -errno;
	}
	if (!d->write_error)
		return 0;
	return fail_write(d, "device.flush",
			  "what was written did not reach stable storage");
}

void device_committed(struct device *d)
{
	int fd;

	d->served = NULL;
	if (device_is_block(d) && device_get_fd(d, &fd) == 0)
		(void)ioctl(fd, BLKRRPART);
	device_set_look_again(d->set);
}
