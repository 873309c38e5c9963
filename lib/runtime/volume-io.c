/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The data path: from a stretch of a node to system calls. Takes no lock and allocates nothing. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>
#include "runtime/runtime.h"
#include "util/check.h"

#define ZEROS_SIZE	65536
#define ZEROS_PIECES	16
#define STRIPE_PIECES	64		/* of one leg in one system call */

static const char zeros[ZEROS_SIZE];

static int device_read(const struct rt_device *d, char *buf, uint64_t len, uint64_t offset)
{
	ssize_t n;

	while (len) {
		n = pread(d->fd, buf, len, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;	/* it has become shorter than it was */
		buf += n;
		offset += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

static int device_write(const struct rt_device *d, const char *buf, uint64_t len, uint64_t offset)
{
	ssize_t n;

	while (len) {
		n = pwrite(d->fd, buf, len, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		buf += n;
		offset += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

static int device_write_zeros(const struct rt_device *d, uint64_t len, uint64_t offset)
{
	struct iovec v[ZEROS_PIECES];
	uint64_t part, rest;
	ssize_t n;
	int i;

	while (len) {
		rest = min_u64(len, (uint64_t)ZEROS_SIZE * ZEROS_PIECES);
		for (i = 0; rest; i++, rest -= part) {
			part = min_u64(rest, ZEROS_SIZE);
			v[i].iov_base = (void *)(uintptr_t)zeros;
			v[i].iov_len = part;
		}
		n = pwritev(d->fd, v, i, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		offset += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

static bool is_not_offered(int error)
{
	return error == EOPNOTSUPP || error == ENOSYS || error == ENOTTY || error == EINVAL ||
	       error == ENODEV;
}

static int punch_file(const struct rt_device *d, uint64_t len, uint64_t offset)
{
	int r;

	do {
		r = fallocate(d->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
			      (off_t)len);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

/* One of BLKZEROOUT and BLKDISCARD on whole logical blocks. */
static int block_ioctl(const struct rt_device *d, unsigned long request, uint64_t start,
		       uint64_t end)
{
	uint64_t range[2] = { start, end - start };

	if (start >= end)
		return 0;
	return ioctl(d->fd, request, range) < 0 ? -errno : 0;
}

static int zero_block_device(const struct rt_device *d, uint64_t len, uint64_t offset)
{
	uint64_t end = offset + len;
	uint64_t start_whole = round_up(offset, d->block_size);
	uint64_t end_whole = round_down(end, d->block_size);
	int r;

	if (start_whole >= end_whole)
		return device_write_zeros(d, len, offset);
	r = block_ioctl(d, BLKZEROOUT, start_whole, end_whole);
	if (r < 0 && !is_not_offered(-r))
		return r;
	if (r < 0)
		return device_write_zeros(d, len, offset);
	r = device_write_zeros(d, start_whole - offset, offset);
	return r < 0 ? r : device_write_zeros(d, end - end_whole, end_whole);
}

static int device_zero(const struct rt_device *d, uint64_t len, uint64_t offset)
{
	int r;

	if (d->is_block)
		return zero_block_device(d, len, offset);
	r = punch_file(d, len, offset);
	if (r < 0 && is_not_offered(-r))
		return device_write_zeros(d, len, offset);
	return r;
}

/* Only a hint: that a device does not know it is no failure. */
static int device_discard(const struct rt_device *d, uint64_t len, uint64_t offset)
{
	int r;

	if (d->is_block)
		r = block_ioctl(d, BLKDISCARD, round_up(offset, d->block_size),
				round_down(offset + len, d->block_size));
	else
		r = punch_file(d, len, offset);
	return r < 0 && is_not_offered(-r) ? 0 : r;
}

static void note_written(struct rt_device *d)
{
	if (!atomic_load_explicit(&d->written, memory_order_relaxed))
		atomic_store_explicit(&d->written, true, memory_order_release);
}

int rt_device_io(struct rt_device *d, enum io_op op, char *buf, uint64_t len, uint64_t offset)
{
	int r = 0;

	if (op == IO_READ)
		return device_read(d, buf, len, offset);
	if (d->read_only)
		return -EROFS;
	switch (op) {
	case IO_READ:
	case IO_WRITE:
		r = device_write(d, buf, len, offset);
		break;
	case IO_ZERO:
		r = device_zero(d, len, offset);
		break;
	case IO_DISCARD:
	case IO_GIVE_UP:
		r = device_discard(d, len, offset);
		break;
	}
	note_written(d);
	return r;
}

/*
 * A writer marks the device only after its write. The mark is taken away under the mutex before the
 * flush, so that a second flush waits for the first one or flushes itself.
 */
int rt_device_flush(struct rt_device *d)
{
	int r = 0;

	pthread_mutex_lock(&d->flushing);
	if (atomic_exchange(&d->written, false)) {
		do {
			r = fdatasync(d->fd);
		} while (r < 0 && errno == EINTR);
		r = r < 0 ? -errno : 0;
	}
	pthread_mutex_unlock(&d->flushing);
	return r;
}

int rt_leg_io(const struct rt_leg *leg, enum io_op op, char *buf, uint64_t len, uint64_t offset)
{
	offset += leg->offset;
	if (leg->device)
		return rt_device_io(leg->device, op, buf, len, offset);
	return rt_node_io(leg->node, op, buf, len, offset);
}

/*
 * The stretch of leg i that [offset, offset + len) of a stripe set covers; neighbouring pieces of a
 * leg lie side by side on it. 0 bytes when the leg is not touched.
 */
static uint64_t stripe_stretch(const struct rt_target *t, uint32_t i, uint64_t len, uint64_t offset,
			       uint64_t *start)
{
	uint64_t first = offset / t->chunk, last = (offset + len - 1) / t->chunk;
	uint32_t n = t->leg_count;
	uint64_t a = first + (i + n - first % n) % n, b, end;

	if (a > last)
		return 0;
	b = last - (last % n + n - i) % n;
	*start = a / n * t->chunk + (a == first ? offset % t->chunk : 0);
	end = b / n * t->chunk + (b == last ? (offset + len - 1) % t->chunk + 1 : t->chunk);
	return end - *start;
}

static int striped_range(const struct rt_target *t, enum io_op op, uint64_t len, uint64_t offset)
{
	uint64_t start, stretch;
	uint32_t i;
	int r;

	for (i = 0; i < t->leg_count; i++) {
		stretch = stripe_stretch(t, i, len, offset, &start);
		if (!stretch)
			continue;
		r = rt_leg_io(&t->legs[i], op, NULL, stretch, start);
		if (r < 0)
			return r;
	}
	return 0;
}

static int striped_pieces(const struct rt_target *t, enum io_op op, char *buf, uint64_t len,
			  uint64_t offset)
{
	uint64_t piece, in, part;
	int r;

	while (len) {
		piece = offset / t->chunk;
		in = offset % t->chunk;
		part = min_u64(len, t->chunk - in);
		r = rt_leg_io(&t->legs[piece % t->leg_count], op, buf, part,
			      piece / t->leg_count * t->chunk + in);
		if (r < 0)
			return r;
		buf += part;
		offset += part;
		len -= part;
	}
	return 0;
}

/* Bytes of v from the first one on. false: more was moved than there is. */
static bool skip_iovec(struct iovec **v, int *count, size_t moved)
{
	while (*count && moved >= (*v)->iov_len) {
		moved -= (*v)->iov_len;
		(*v)++;
		(*count)--;
	}
	if (moved && !*count)
		return false;
	if (moved) {
		(*v)->iov_base = (char *)(*v)->iov_base + moved;
		(*v)->iov_len -= moved;
	}
	return true;
}

static int device_vector(struct rt_device *d, enum io_op op, struct iovec *v, int count,
			 uint64_t offset)
{
	ssize_t n;

	if (op == IO_WRITE && d->read_only)
		return -EROFS;
	while (count) {
		n = op == IO_READ ? preadv(d->fd, v, count, (off_t)offset) :
				    pwritev(d->fd, v, count, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0 || !skip_iovec(&v, &count, (size_t)n))
			return -EIO;
		offset += (uint64_t)n;
	}
	if (op == IO_WRITE)
		note_written(d);
	return 0;
}

/* The pieces of one leg on a device, many at once. */
static int striped_leg(const struct rt_target *t, uint32_t i, enum io_op op, char *buf,
		       uint64_t len, uint64_t offset)
{
	const struct rt_leg *leg = &t->legs[i];
	struct iovec v[STRIPE_PIECES];
	uint64_t stretch, start, part, bytes, skip;
	int count, r;

	stretch = stripe_stretch(t, i, len, offset, &start);
	while (stretch) {
		bytes = 0;
		for (count = 0; count < STRIPE_PIECES && bytes < stretch; count++, bytes += part) {
			part = min_u64(stretch - bytes, t->chunk - (start + bytes) % t->chunk);
			/* Where the piece is in the set, less where the transfer begins. */
			skip = ((start + bytes) / t->chunk * t->leg_count + i) * t->chunk +
			       (start + bytes) % t->chunk - offset;
			v[count].iov_base = buf + skip;
			v[count].iov_len = part;
		}
		r = device_vector(leg->device, op, v, count, leg->offset + start);
		if (r < 0)
			return r;
		start += bytes;
		stretch -= bytes;
	}
	return 0;
}

static int striped_io(const struct rt_target *t, enum io_op op, char *buf, uint64_t len,
		      uint64_t offset)
{
	uint32_t i;
	int r;

	if (op != IO_READ && op != IO_WRITE)
		return striped_range(t, op, len, offset);
	if (len <= t->chunk * 2 || len / t->leg_count < t->chunk)
		return striped_pieces(t, op, buf, len, offset);
	for (i = 0; i < t->leg_count; i++)
		if (!t->legs[i].device)
			return striped_pieces(t, op, buf, len, offset);
	for (i = 0; i < t->leg_count; i++) {
		r = striped_leg(t, i, op, buf, len, offset);
		if (r < 0)
			return r;
	}
	return 0;
}

static int plugin_io(const struct rt_target *t, enum io_op op, char *buf, uint64_t len,
		     uint64_t offset)
{
	uint64_t part;
	int r;

	if (!t->ops)
		return -EIO;		/* not opened yet */
	if (op == IO_READ)
		return t->ops->read ? t->ops->read(t->ctx, buf, len, offset) : -ENOTSUP;
	if (op == IO_DISCARD || op == IO_GIVE_UP)
		return 0;
	if (!t->ops->write)
		return -EROFS;
	if (op == IO_WRITE)
		return t->ops->write(t->ctx, buf, len, offset);
	for (; len; len -= part, offset += part) {
		part = min_u64(len, ZEROS_SIZE);
		r = t->ops->write(t->ctx, zeros, part, offset);
		if (r < 0)
			return r;
	}
	return 0;
}

static int target_io(const struct rt_target *t, enum io_op op, char *buf, uint64_t len,
		     uint64_t offset)
{
	switch (t->kind) {
	case TABLE_LINEAR:
		return rt_leg_io(t->legs, op, buf, len, offset);
	case TABLE_STRIPED:
		return striped_io(t, op, buf, len, offset);
	case TABLE_ZERO:
		if (op == IO_READ)
			memset(buf, 0, len);
		return 0;		/* takes what is written, as dm-zero does */
	case TABLE_ERROR:
		return op == IO_DISCARD || op == IO_GIVE_UP ? 0 : -EIO;
	case TABLE_PLUGIN:
		return plugin_io(t, op, buf, len, offset);
	}
	return -EIO;
}

/* The number of the target that holds a byte of the node. */
size_t rt_find_target(const struct rt_node *n, uint64_t offset)
{
	size_t low = 0, count = n->target_count, half;

	while (count > 1) {
		half = count / 2;
		low += n->targets[low + half].start <= offset ? half : 0;
		count -= half;
	}
	return low;
}

int rt_node_io(const struct rt_node *n, enum io_op op, char *buf, uint64_t len, uint64_t offset)
{
	const struct rt_target *t = &n->targets[rt_find_target(n, offset)];
	uint64_t in, part;
	int r;

	for (; len; t++) {
		in = offset - t->start;
		part = min_u64(len, t->size - in);
		r = target_io(t, op, buf, part, in);
		if (r < 0)
			return r;
		if (buf)
			buf += part;
		offset += part;
		len -= part;
	}
	return 0;
}
