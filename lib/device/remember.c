/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Remembering what the model depends on: a hash of each 4 KiB block that was looked at. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device/internal.h"
#include "util/check.h"
#include "util/crc.h"

#define RUN_BLOCKS 256			/* read at once */

/* What to do with the bytes of a block that is remembered. */
typedef int (*block_fn)(struct device *d, struct remembered_block *b, uint64_t hash);

void device_forget(struct device *d)
{
	free(d->remembered.at);
	memset(&d->remembered, 0, sizeof(d->remembered));
}

static size_t slot_of(const struct remembered *m, uint64_t key)
{
	size_t mask = m->capacity - 1;
	size_t i = (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & mask;

	while (m->at[i].key && m->at[i].key != key)
		i = (i + 1) & mask;
	return i;
}

static bool is_known(const struct remembered *m, uint64_t block)
{
	return m->capacity && m->at[slot_of(m, block + 1)].key;
}

static bool resize(struct remembered *m, size_t capacity)
{
	struct remembered bigger = { .count = m->count, .capacity = capacity };
	size_t i;

	if (capacity > SIZE_MAX / sizeof(*m->at) / 2)
		return false;
	bigger.at = calloc(capacity, sizeof(*m->at));
	if (!bigger.at)
		return false;
	for (i = 0; i < m->capacity; i++)
		if (m->at[i].key)
			bigger.at[slot_of(&bigger, m->at[i].key)] = m->at[i];
	free(m->at);
	*m = bigger;
	return true;
}

static bool add(struct remembered *m, uint64_t block, uint64_t hash)
{
	size_t i;

	if (m->count >= m->capacity / 4 * 3 && !resize(m, m->capacity ? m->capacity * 2 : 16))
		return false;
	i = slot_of(m, block + 1);
	m->at[i].key = block + 1;
	m->at[i].hash = hash;
	m->count++;
	return true;
}

static uint64_t block_size(const struct device *d, uint64_t block)
{
	return min_u64(DEVICE_BLOCK, d->facts.size - block * DEVICE_BLOCK);
}

static uint64_t run_size(const struct device *d, uint64_t block, uint64_t n)
{
	return (n - 1) * DEVICE_BLOCK + block_size(d, block + n - 1);
}

/* The n blocks are not known yet. */
static int add_run(struct device *d, uint64_t block, uint64_t n)
{
	uint64_t size = run_size(d, block, n), i;
	const unsigned char *bytes = device_window_bytes(d, block * DEVICE_BLOCK, size);
	unsigned char *buf = NULL;
	int r = 0;

	if (!bytes) {
		buf = malloc((size_t)size);
		if (!buf)
			return -ENOMEM;
		r = device_read_base(d, buf, (size_t)size, block * DEVICE_BLOCK);
		bytes = buf;
	}
	for (i = 0; r == 0 && i < n; i++)
		if (!add(&d->remembered, block + i,
			 hash64(0, bytes + i * DEVICE_BLOCK, (size_t)block_size(d, block + i))))
			r = -ENOMEM;
	free(buf);
	return r;
}

int device_remember(struct device *d, uint64_t offset, uint64_t len)
{
	uint64_t block, last, n;
	int r;

	r = device_read_base(d, NULL, 0, 0);	/* identified and readable? */
	if (r < 0)
		return r;
	if (!range_fits(offset, len, d->facts.size))
		return -ERANGE;
	if (!len)
		return 0;
	last = (offset + len - 1) / DEVICE_BLOCK;
	for (block = offset / DEVICE_BLOCK; r == 0 && block <= last; block += n ? n : 1) {
		for (n = 0; n < RUN_BLOCKS && block + n <= last; n++)
			if (is_known(&d->remembered, block + n))
				break;
		if (n)
			r = add_run(d, block, n);
	}
	return r;
}

static int compare_blocks(const void *a, const void *b)
{
	uint64_t x = (*(struct remembered_block *const *)a)->key;
	uint64_t y = (*(struct remembered_block *const *)b)->key;

	return x < y ? -1 : x > y;
}

static int each_of_run(struct device *d, int fd, struct remembered_block **at, size_t n,
		       unsigned char *buf, block_fn fn)
{
	uint64_t block = at[0]->key - 1;
	size_t i, size;
	int r;

	r = device_read_fd(fd, buf, (size_t)run_size(d, block, n), block * DEVICE_BLOCK);
	for (i = 0; r == 0 && i < n; i++) {
		size = (size_t)block_size(d, block + i);
		r = fn(d, at[i], hash64(0, buf + i * DEVICE_BLOCK, size));
	}
	return r;
}

static int each_in_order(struct device *d, int fd, struct remembered_block **at, size_t count,
			 block_fn fn)
{
	unsigned char *buf = malloc((count < RUN_BLOCKS ? count : RUN_BLOCKS) * DEVICE_BLOCK);
	size_t i, n;
	int r = 0;

	if (!buf)
		return -ENOMEM;
	for (i = 0; r == 0 && i < count; i += n) {
		for (n = 1; n < RUN_BLOCKS && i + n < count; n++)
			if (at[i + n]->key != at[i]->key + n)
				break;
		r = each_of_run(d, fd, at + i, n, buf, fn);
	}
	free(buf);
	return r;
}

/* Read every remembered block again. */
static int each_remembered(struct device *d, int fd, block_fn fn)
{
	const struct remembered *m = &d->remembered;
	struct remembered_block **at;
	size_t i, n = 0;
	int r;

	if (!m->count)
		return 0;
	at = calloc(m->count, sizeof(struct remembered_block *));
	if (!at)
		return -ENOMEM;
	for (i = 0; i < m->capacity; i++)
		if (m->at[i].key)
			at[n++] = &m->at[i];
	qsort(at, n, sizeof(struct remembered_block *), compare_blocks);
	r = each_in_order(d, fd, at, n, fn);
	free(at);
	return r;
}

static int check_block(struct device *d, struct remembered_block *b, uint64_t hash)
{
	if (b->hash == hash)
		return 0;
	return context_fail(d->set->ctx, ESTALE, d->path, NULL, "device.changed",
			    "the bytes at offset %" PRIu64 " have changed since they were "
			    "looked at; nothing was written: discover again and repeat the changes",
			    (b->key - 1) * DEVICE_BLOCK);
}

static int take_block(struct device *d, struct remembered_block *b, uint64_t hash)
{
	(void)d;
	b->hash = hash;
	return 0;
}

void device_remember_again(struct device *d)
{
	int fd;

	/* What cannot be read keeps its old hash: the next commit refuses, and that is right. */
	if (device_get_fd(d, &fd) == 0)
		(void)each_remembered(d, fd, take_block);
}

static int verify_identity(struct device *d, int *fd)
{
	int r;

	/* A descriptor that is open already says nothing about who has the name now. */
	if (d->write_fd < 0 && !d->pins)
		device_drop_fd(d);
	r = device_get_fd(d, fd);
	return r < 0 ? r : device_check_fd(d, *fd, true);
}

int device_verify(struct device *d)
{
	int fd, r;

	r = verify_identity(d, &fd);
	if (r == -ESTALE || r == -ENOENT)
		return context_fail(d->set->ctx, ESTALE, d->path, NULL, "device.identity",
				    "this is not the device that was discovered, or its size has "
				    "changed; nothing was written: discover again");
	if (r == 0)
		r = each_remembered(d, fd, check_block);
	if (r < 0 && r != -ESTALE)
		return context_fail(d->set->ctx, -r, d->path, NULL, "device.read",
				    "what it holds cannot be compared with what was discovered");
	return r;
}
