/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a device is: type, size, block sizes, whether it can be written, and who it is. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "device/internal.h"
#include "util/check.h"

#ifndef BLKGETDISKSEQ
#define BLKGETDISKSEQ _IOR(0x12, 128, __u64)
#endif

#define WANTED (STATX_BASIC_STATS | STATX_MNT_ID)
#define MOST_JOBS 1024
#define MANY_DESCRIPTORS 64

/* Whether the mount of an image file can be written, asked once a mount. */
struct mount_fact {
	uint64_t id;
	bool read_only;
};

struct identify {
	struct device_set *set;
	struct io_queue *queue;
	struct device *const *devices;
	size_t count, next;		/* next: first that was not started */
	uid_t uid;
	VEC(struct mount_fact) mounts;
	struct job *idle;
};

struct job {
	struct io io;
	struct identify *all;
	struct device *device;
	struct job *next;
	struct statx st;
};

int facts_ask_block(int fd, struct evms_device_facts *facts, uint64_t *diskseq)
{
	unsigned physical = 0;
	int logical = 0, read_only = 0;
	uint64_t size = 0;
	__u64 seq = 0;

	if (ioctl(fd, BLKGETSIZE64, &size) < 0 || ioctl(fd, BLKSSZGET, &logical) < 0)
		return -errno;
	if (size > INT64_MAX || logical < 0)
		return -EOVERFLOW;
	if (ioctl(fd, BLKPBSZGET, &physical) < 0)
		physical = 0;
	if (ioctl(fd, BLKROGET, &read_only) < 0)
		read_only = 0;
	if (ioctl(fd, BLKGETDISKSEQ, &seq) < 0)
		seq = 0;
	facts->size = size;
	facts->logical_block_size = (uint32_t)logical;
	facts->physical_block_size = physical;
	facts->read_only = read_only != 0;
	*diskseq = seq;
	return 0;
}

static int check_block(const struct device *d, int fd, bool with_size)
{
	struct evms_device_facts now = { .path = NULL };
	uint64_t seq;
	int r;

	r = facts_ask_block(fd, &now, &seq);
	if (r < 0)
		return r;
	if (d->identity.diskseq && seq != d->identity.diskseq)
		return -ESTALE;
	return with_size && now.size != d->identity.size ? -ESTALE : 0;
}

int device_check_fd(const struct device *d, int fd, bool with_size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (((st.st_mode ^ d->facts.mode) & S_IFMT) != 0)
		return -ESTALE;
	if (S_ISBLK(st.st_mode))
		return st.st_rdev == d->identity.dev ? check_block(d, fd, with_size) : -ESTALE;
	if (st.st_dev != d->identity.dev || st.st_ino != d->identity.ino)
		return -ESTALE;
	return with_size && (uint64_t)st.st_size != d->identity.size ? -ESTALE : 0;
}

static bool mount_read_only(struct identify *all, const struct device *d, uint64_t id)
{
	struct mount_fact fact = { .id = id };
	struct statvfs fs;
	size_t i;

	for (i = 0; i < all->mounts.count; i++)
		if (all->mounts.at[i].id == id)
			return all->mounts.at[i].read_only;
	if (statvfs(d->path, &fs) < 0)
		return false;
	fact.read_only = (fs.f_flag & ST_RDONLY) != 0;
	if (all->mounts.count < 64)
		(void)vec_push(&all->mounts, fact);	/* only asked again when it fails */
	return fact.read_only;
}

/* The owner's bits decide for the owner; for anybody else the kernel is asked. */
static bool permitted(const struct identify *all, const struct device *d, const struct statx *st,
		      int how)
{
	if (st->stx_uid == all->uid && st->stx_mode & (how == W_OK ? S_IWUSR : S_IRUSR))
		return true;
	return faccessat(AT_FDCWD, d->path, how, AT_EACCESS) == 0;
}

static bool file_read_only(struct identify *all, const struct device *d, const struct statx *st)
{
	uint64_t mount = st->stx_mask & STATX_MNT_ID ? st->stx_mnt_id :
		makedev(st->stx_dev_major, st->stx_dev_minor);

	if (st->stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND))
		return true;
	return mount_read_only(all, d, mount) || !permitted(all, d, st, W_OK);
}

static bool same_identity(const struct device_identity *a, const struct device_identity *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->diskseq == b->diskseq;
}

/*
 * A fresh look. What is staged was planned for the old device: then a new identity is an error, and
 * the old one is kept, so that the commit refuses.
 */
static void settle(struct device *d, const struct evms_device_facts *facts,
		   const struct device_identity *id)
{
	bool same = d->identified && same_identity(&d->identity, id);

	d->error = 0;
	if (device_is_staged(d) || d->pins) {
		if (!same)
			d->error = -ESTALE;
		return;
	}
	if (!same)
		device_drop_fd(d);
	device_forget(d);
	d->facts = *facts;
	d->identity = *id;
	d->identified = true;
}

static void settle_error(struct device *d, int error)
{
	d->error = error;
	d->identified = true;
}

static void settle_file(struct identify *all, struct device *d, const struct statx *st)
{
	struct evms_device_facts facts = d->facts;
	struct device_identity id = {
		.dev = makedev(st->stx_dev_major, st->stx_dev_minor),
		.ino = st->stx_ino,
		.size = S_ISREG(st->stx_mode) ? st->stx_size : 0,
	};

	facts.mode = st->stx_mode;
	facts.size = id.size;
	facts.logical_block_size = facts.physical_block_size = 0;
	if (S_ISREG(st->stx_mode))
		facts.read_only = file_read_only(all, d, st);
	settle(d, &facts, &id);
	if (!d->error && S_ISREG(st->stx_mode) && !permitted(all, d, st, R_OK))
		d->error = -EACCES;
}

static void block_opened(struct io *io)
{
	struct job *job = io->user;
	struct device *d = job->device;
	const struct statx *st = &job->st;
	struct evms_device_facts facts = d->facts;
	struct device_identity id = { .dev = makedev(st->stx_rdev_major, st->stx_rdev_minor) };
	struct stat now;
	int r;

	job->next = job->all->idle;
	job->all->idle = job;
	facts.mode = st->stx_mode;
	if (io->result < 0) {
		if (!device_is_staged(d))
			d->facts.mode = st->stx_mode;
		settle_error(d, io->result);
		return;
	}
	r = fstat(io->result, &now) < 0 ? -errno : 0;
	if (r == 0 && (!S_ISBLK(now.st_mode) || now.st_rdev != id.dev))
		r = -ESTALE;
	if (r == 0)
		r = facts_ask_block(io->result, &facts, &id.diskseq);
	if (r < 0) {
		close(io->result);
		settle_error(d, r);
		return;
	}
	id.size = facts.size;
	facts.read_only |= !permitted(job->all, d, st, W_OK);
	settle(d, &facts, &id);
	if (d->fd >= 0 || d->error) {
		close(io->result);
		return;
	}
	device_set_make_room(d->set);
	device_keep_fd(d, io->result);
}

static void looked_at(struct io *io)
{
	struct job *job = io->user;
	struct device *d = job->device;

	if (io->result == 0 && S_ISBLK(job->st.stx_mode)) {
		*io = (struct io){ .kind = IO_OPEN, .may_block = true, .wants = DEVICE_OPEN_FLAGS,
				   .path = d->path, .done = block_opened, .user = job };
		io_queue_add(job->all->queue, io);
		return;
	}
	if (io->result == 0)
		settle_file(job->all, d, &job->st);
	else
		settle_error(d, io->result);
	job->next = job->all->idle;
	job->all->idle = job;
}

static void start_idle(struct identify *all)
{
	struct job *job;

	while (all->next < all->count && (job = all->idle)) {
		all->idle = job->next;
		job->device = all->devices[all->next++];
		job->io = (struct io){ .kind = IO_STATX, .wants = WANTED, .path = job->device->path,
				       .buf = &job->st, .done = looked_at, .user = job };
		io_queue_add(all->queue, &job->io);
	}
}

static void run(struct identify *all)
{
	do {
		start_idle(all);
		io_queue_run(all->queue, IO_WAIT);
	} while (all->next < all->count || !io_queue_is_empty(all->queue));
	io_queue_settle(all->queue);
}

static int identify(struct identify *all)
{
	size_t n = all->count < MOST_JOBS ? all->count : MOST_JOBS, i;
	struct job *jobs = calloc(n, sizeof(*jobs));

	if (!jobs)
		return -ENOMEM;
	for (i = n; i-- > 0; ) {
		jobs[i].all = all;
		jobs[i].next = all->idle;
		all->idle = &jobs[i];
	}
	run(all);
	vec_free(&all->mounts);
	free(jobs);
	return 0;
}

int device_set_identify(struct device_set *set, struct device *const *devices, size_t count)
{
	struct identify all = {
		.set = set, .queue = &set->queue, .devices = devices, .count = count,
		.uid = geteuid(),
	};
	struct io_queue here;
	size_t i;

	if (!count)
		return 0;
	for (i = 0; i < count; i++)
		devices[i]->hole_start = devices[i]->hole_end = 0;
	holders_free(set->holders);
	set->holders = NULL;
	/* One device, or somebody's windows are under way in the queue: without it. */
	if (count == 1 || set->busy) {
		io_queue_init(&here);
		here.at_once = true;
		all.queue = &here;
	} else if (count > MANY_DESCRIPTORS) {
		io_queue_reserve_descriptors(&set->queue, (unsigned)set->budget + MANY_DESCRIPTORS);
	}
	return identify(&all);
}
