/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A volume as a sparse temporary file: copied out, and what has changed copied back. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "runtime/tool-copy.h"
#include "runtime/volume.h"
#include "util/check.h"

#define STEP	(UINT64_C(1) << 20)	/* read at once */
#define BLOCK	(UINT64_C(64) << 10)	/* compared at once */

struct copy {
	struct context *ctx;
	struct evms_volume *volume;
	const char *what;		/* for progress */
	int fd;
	uint64_t size;
	char *buffer, *other;		/* STEP bytes each */
};

static bool is_zero(const char *p, size_t n)
{
	return n == 0 || (*p == 0 && memcmp(p, p + 1, n - 1) == 0);
}

static int file_io(int fd, bool writing, char *buf, uint64_t len, uint64_t offset)
{
	ssize_t n;

	while (len) {
		n = writing ? pwrite(fd, buf, len, (off_t)offset) :
			      pread(fd, buf, len, (off_t)offset);
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

/* One step of the volume into the file: only blocks with something in them. */
static int copy_out_step(const struct copy *c, uint64_t offset, uint64_t len)
{
	uint64_t at, part;
	int r;

	r = evms_volume_read(c->volume, c->buffer, len, offset);
	for (at = 0; at < len && r == 0; at += part) {
		part = min_u64(BLOCK, len - at);
		if (!is_zero(c->buffer + at, part))
			r = file_io(c->fd, true, c->buffer + at, part, offset + at);
	}
	return r;
}

static int copy_out(const struct copy *c)
{
	uint64_t start, end, part;
	int r;

	for (end = 0; volume_find_data(c->volume, end, &start, &end) == 0;) {
		for (; start < end; start += part) {
			r = context_progress(c->ctx, c->what, start, c->size);
			if (r < 0)
				return r;
			part = min_u64(STEP, end - start);
			r = copy_out_step(c, start, part);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* One step of a hole of the file: the volume must read as zeros there. */
static int zero_step(const struct copy *c, uint64_t offset, uint64_t len)
{
	uint64_t at, part;
	int r;

	r = evms_volume_read(c->volume, c->buffer, len, offset);
	for (at = 0; at < len && r == 0; at += part) {
		part = min_u64(BLOCK, len - at);
		if (!is_zero(c->buffer + at, part))
			r = evms_volume_zero(c->volume, offset + at, part);
	}
	return r;
}

static int zero_range(const struct copy *c, uint64_t offset, uint64_t limit)
{
	uint64_t start, end, part;
	int r;

	for (end = offset; end < limit && volume_find_data(c->volume, end, &start, &end) == 0;) {
		end = min_u64(end, limit);
		for (; start < end; start += part) {
			part = min_u64(STEP, end - start);
			r = zero_step(c, start, part);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int copy_back_step(const struct copy *c, uint64_t offset, uint64_t len)
{
	uint64_t at, part;
	int r;

	r = file_io(c->fd, false, c->other, len, offset);
	if (r == 0)
		r = evms_volume_read(c->volume, c->buffer, len, offset);
	for (at = 0; at < len && r == 0; at += part) {
		part = min_u64(BLOCK, len - at);
		if (memcmp(c->buffer + at, c->other + at, part) != 0)
			r = evms_volume_write(c->volume, c->other + at, part, offset + at);
	}
	return r;
}

/* Not to be cancelled: half of it would leave a broken file system. */
static int copy_back(const struct copy *c)
{
	uint64_t at = 0, data, hole, part;
	off_t found;
	int r;

	while (at < c->size) {
		found = lseek(c->fd, (off_t)at, SEEK_DATA);
		if (found < 0 && errno != ENXIO)
			return -errno;
		data = found < 0 ? c->size : min_u64((uint64_t)found, c->size);
		r = zero_range(c, at, data);
		if (r < 0)
			return r;
		found = data < c->size ? lseek(c->fd, (off_t)data, SEEK_HOLE) : (off_t)data;
		if (found < 0)
			return -errno;
		hole = min_u64((uint64_t)found, c->size);
		for (; data < hole; data += part) {
			part = min_u64(STEP, hole - data);
			r = copy_back_step(c, data, part);
			if (r < 0)
				return r;
		}
		at = hole;
	}
	return evms_volume_flush(c->volume);
}

static int with_buffers(struct copy *c, int (*work)(const struct copy *))
{
	int r = -ENOMEM;

	c->size = evms_volume_get_size(c->volume);
	c->buffer = malloc(STEP);
	c->other = malloc(STEP);
	if (c->buffer && c->other)
		r = work(c);
	free(c->buffer);
	free(c->other);
	return r;
}

int tool_copy_out(struct context *ctx, struct evms_volume *v, int fd)
{
	struct copy c = {.ctx = ctx, .volume = v, .fd = fd, .what = "copying to a temporary file"};

	if (ftruncate(fd, (off_t)evms_volume_get_size(v)) < 0)
		return -errno;
	return with_buffers(&c, copy_out);
}

int tool_copy_back(struct evms_volume *v, int fd)
{
	struct copy c = { .volume = v, .fd = fd };

	/* Tools cut or lengthen an image to its file system; a volume stays as long as it is. */
	if (ftruncate(fd, (off_t)evms_volume_get_size(v)) < 0)
		return -errno;
	return with_buffers(&c, copy_back);
}
