/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices and their set: life, descriptors within a budget, reading. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "device/internal.h"
#include "util/check.h"
#include "util/crc.h"

#define MOST_DESCRIPTORS	1024
#define FEWEST_DESCRIPTORS	8

static size_t descriptor_budget(void)
{
	struct rlimit limit;
	size_t budget = MOST_DESCRIPTORS;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		budget = (size_t)min_u64(budget, limit.rlim_cur / 2);
	return budget < FEWEST_DESCRIPTORS ? FEWEST_DESCRIPTORS : budget;
}

int device_set_new(struct context *ctx, struct device_set **out)
{
	struct device_set *set = calloc(1, sizeof(*set));

	if (!set)
		return -ENOMEM;
	set->ctx = ctx;
	set->budget = descriptor_budget();
	set->proc = "/proc";
	set->sys = "/sys";
	io_queue_init(&set->queue);
	*out = set;
	return 0;
}

static void device_free(struct device *d)
{
	device_unlock(d);
	device_unstage(d);
	device_forget(d);
	device_drop_fd(d);
	free(d->path);
	free(d);
}

static void count_closed(struct io *io)
{
	(void)io;
}

/* Many descriptors: hand them to the ring in a few calls instead of one each. */
static void close_all(struct device_set *set)
{
	struct io ios[64];
	struct device *d;
	size_t n = 0;

	if (!set->queue.has_ring || set->open_count < 16)
		return;
	while ((d = set->oldest)) {
		ios[n] = (struct io){ .kind = IO_CLOSE, .fd = d->fd, .done = count_closed };
		io_queue_add(&set->queue, &ios[n++]);
		set->oldest = d->newer;
		d->fd = -1;
		if (n == sizeof(ios) / sizeof(ios[0])) {
			io_queue_settle(&set->queue);
			n = 0;
		}
	}
	io_queue_settle(&set->queue);
	set->newest = NULL;
	set->open_count = 0;
}

void device_set_free(struct device_set *set)
{
	size_t i;

	if (!set)
		return;
	close_all(set);
	for (i = 0; i < set->devices.count; i++)
		device_free(set->devices.at[i]);
	vec_free(&set->devices);
	free(set->paths);
	vec_free(&set->whole_locks);
	holders_free(set->holders);
	io_queue_free(&set->queue);
	free(set);
}

static struct device **path_slot(const struct device_set *set, const char *path)
{
	return &set->paths[(size_t)hash64(0, path, strlen(path)) & (set->path_slots - 1)];
}

struct device *device_find(const struct device_set *set, const char *path)
{
	struct device *d = set->path_slots ? *path_slot(set, path) : NULL;

	while (d && strcmp(d->path, path) != 0)
		d = d->next_path;
	return d;
}

static void put_path(struct device_set *set, struct device *d)
{
	struct device **slot = path_slot(set, d->path);

	d->next_path = *slot;
	*slot = d;
}

static bool grow_paths(struct device_set *set)
{
	size_t slots = set->path_slots ? set->path_slots * 2 : 64, i;
	struct device **paths = calloc(slots, sizeof(struct device *));

	if (!paths)
		return false;
	free(set->paths);
	set->paths = paths;
	set->path_slots = slots;
	for (i = 0; i < set->devices.count; i++)
		put_path(set, set->devices.at[i]);
	return true;
}

int device_new(struct device_set *set, const char *path, uint32_t wanted_block_size,
	       struct device **out)
{
	struct device *d;

	if (!path || path[0] != '/')
		return -EINVAL;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->set = set;
	d->fd = d->write_fd = -1;
	d->path = strdup(path);
	if (!d->path || (set->devices.count >= set->path_slots && !grow_paths(set)) ||
	    !vec_push(&set->devices, d)) {
		free(d->path);
		free(d);
		return -ENOMEM;
	}
	put_path(set, d);
	d->facts.path = d->path;
	d->facts.wanted_block_size = wanted_block_size;
	*out = d;
	return 0;
}

const char *device_path(const struct device *d)
{
	return d->path;
}

int device_error(const struct device *d)
{
	return d->error;
}

const struct evms_device_facts *device_facts(const struct device *d)
{
	return &d->facts;
}

const struct device_identity *device_identity(const struct device *d)
{
	return &d->identity;
}

bool device_is_block(const struct device *d)
{
	return S_ISBLK(d->facts.mode);
}

int device_readable(const struct device *d)
{
	if (d->error)
		return d->error;
	if (S_ISREG(d->facts.mode) || S_ISBLK(d->facts.mode))
		return 0;
	return S_ISDIR(d->facts.mode) ? -EISDIR : -ENOTBLK;
}

static void unlink_open(struct device *d)
{
	struct device_set *set = d->set;

	if (d->newer)
		d->newer->older = d->older;
	else
		set->newest = d->older;
	if (d->older)
		d->older->newer = d->newer;
	else
		set->oldest = d->newer;
	d->newer = d->older = NULL;
}

static void link_open(struct device *d)
{
	struct device_set *set = d->set;

	d->older = set->newest;
	d->newer = NULL;
	if (set->newest)
		set->newest->newer = d;
	else
		set->oldest = d;
	set->newest = d;
}

void device_touch(struct device *d)
{
	if (d->fd < 0 || d->set->newest == d)
		return;
	unlink_open(d);
	link_open(d);
}

void device_drop_fd(struct device *d)
{
	if (d->fd < 0)
		return;
	unlink_open(d);
	d->set->open_count--;
	close(d->fd);
	d->fd = -1;
}

bool device_set_has_room(const struct device_set *set)
{
	return set->open_count + set->opening < set->budget || (set->oldest && !set->oldest->pins);
}

void device_set_make_room(struct device_set *set)
{
	struct device *d, *newer;

	for (d = set->oldest; d && set->open_count + set->opening >= set->budget; d = newer) {
		newer = d->newer;
		if (!d->pins)
			device_drop_fd(d);
	}
}

void device_keep_fd(struct device *d, int fd)
{
	d->fd = fd;
	d->set->open_count++;
	link_open(d);
}

int device_adopt_fd(struct device *d, int fd)
{
	int r = device_check_fd(d, fd, false);

	if (r < 0) {
		close(fd);
		return r;
	}
	device_keep_fd(d, fd);
	return 0;
}

/* The process has no descriptor left: give back some of ours and live with fewer. */
static bool give_back(struct device_set *set)
{
	size_t had = set->open_count;

	if (had <= FEWEST_DESCRIPTORS)
		return false;
	set->budget = had / 2 < FEWEST_DESCRIPTORS ? FEWEST_DESCRIPTORS : had / 2;
	device_set_make_room(set);
	return set->open_count < had;
}

int device_get_fd(struct device *d, int *fd)
{
	int r;

	if (d->write_fd >= 0) {
		*fd = d->write_fd;
		return 0;
	}
	if (d->fd < 0) {
		r = d->identified ? 0 : device_set_identify(d->set, &d, 1);
		if (r == 0)
			r = device_readable(d);
		if (r < 0)
			return r;
	}
	if (d->fd < 0) {
		device_set_make_room(d->set);
		do {
			r = open(d->path, DEVICE_OPEN_FLAGS);
		} while (r < 0 && (errno == EINTR || (errno == EMFILE && give_back(d->set))));
		if (r < 0)
			return -errno;
		r = device_adopt_fd(d, r);
		if (r < 0)
			return r;
	}
	device_touch(d);
	*fd = d->fd;
	return 0;
}

int device_read_fd(int fd, void *buf, size_t len, uint64_t offset)
{
	char *to = buf;
	ssize_t n;

	while (len) {
		n = pread(fd, to, len, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		to += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int check_range(struct device *d, uint64_t offset, uint64_t len)
{
	int r = 0;

	if (!d->identified)
		r = device_set_identify(d->set, &d, 1);
	if (r == 0)
		r = device_readable(d);
	if (r < 0)
		return r;
	return range_fits(offset, len, d->facts.size) ? 0 : -ERANGE;
}

static int read_base(struct device *d, void *buf, size_t len, uint64_t offset)
{
	const void *bytes = device_window_bytes(d, offset, len);
	int fd, r;

	if (bytes) {
		memcpy(buf, bytes, len);
		return 0;
	}
	r = device_get_fd(d, &fd);
	return r < 0 ? r : device_read_fd(fd, buf, len, offset);
}

int device_read_base(struct device *d, void *buf, size_t len, uint64_t offset)
{
	int r = check_range(d, offset, len);

	if (r < 0 || !len)
		return r;
	return read_base(d, buf, len, offset);
}

int device_read(struct device *d, void *buf, size_t len, uint64_t offset)
{
	int r = check_range(d, offset, len);

	if (r < 0 || !len)
		return r;
	if (!d->stage)
		return read_base(d, buf, len, offset);
	if (stage_covers(d->stage, buf, len, offset))
		return 0;
	r = read_base(d, buf, len, offset);
	if (r == 0)
		stage_overlay(d->stage, buf, len, offset);
	return r;
}

/* The hole that begins at or before offset ends here; offset itself when there is none. */
static uint64_t hole_end(struct device *d, uint64_t offset)
{
	off_t data;
	int fd;

	if (device_is_block(d) || device_get_fd(d, &fd) < 0)
		return offset;
	data = lseek(fd, (off_t)offset, SEEK_DATA);
	if (data < 0)			/* nothing but a hole up to the end */
		return errno == ENXIO ? d->identity.size : offset;
	return (uint64_t)data;
}

bool device_is_hole(struct device *d, uint64_t offset, uint64_t len)
{
	if (check_range(d, offset, len) < 0 || stage_has_bytes(d->stage, len, offset))
		return false;
	return !len || hole_end(d, offset) >= offset + len;
}

bool device_is_known_hole(struct device *d, uint64_t offset, uint64_t len)
{
	if (check_range(d, offset, len) < 0 || stage_has_bytes(d->stage, len, offset))
		return false;
	if (offset < d->hole_start || offset >= d->hole_end) {
		d->hole_start = offset;
		d->hole_end = hole_end(d, offset);
	}
	return !len || (offset >= d->hole_start && offset + len <= d->hole_end);
}

bool device_is_staged_at(const struct device *d, uint64_t offset, uint64_t len)
{
	return stage_has_any(d->stage, len, offset);
}
