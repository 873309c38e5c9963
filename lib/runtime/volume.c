/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opens volumes from runtime tables, and the evms_volume functions of evms.h. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "runtime/runtime.h"
#include "util/check.h"
#include "util/export.h"

#ifndef BLKGETDISKSEQ
#define BLKGETDISKSEQ _IOR(0x12, 128, __u64)
#endif

#define SIGNATURE_AREA	(UINT64_C(1) << 20)	/* what volume_give_up() clears at either end */

/* Where the reason of a failure goes. */
struct reason {
	char *text;
	size_t size;
};

__attribute__((format(printf, 3, 4)))
static int fail(const struct reason *reason, int error, const char *fmt, ...)
{
	va_list args;

	if (reason->size) {
		va_start(args, fmt);
		vsnprintf(reason->text, reason->size, fmt, args);
		va_end(args);
	}
	return -error;
}

static int check_identity(const struct rt_device *d, const struct table_device *t,
			  const struct stat *st, const struct reason *reason)
{
	const struct table_identity *who = &t->identity;
	uint64_t size = (uint64_t)st->st_size, seq = 0;

	if (d->is_block && ioctl(d->fd, BLKGETSIZE64, &size) < 0)
		return fail(reason, errno, "%s: its size is unknown: %s", t->path, strerror(errno));
	if (size < t->size)
		return fail(reason, ESTALE,
			    "%s has %llu bytes, fewer than the %llu when it was last seen", t->path,
			    (unsigned long long)size, (unsigned long long)t->size);
	if (!who->dev && !who->ino)
		return 0;
	if (d->is_block && who->diskseq && ioctl(d->fd, BLKGETDISKSEQ, &seq) == 0 &&
	    seq != who->diskseq)
		return fail(reason, ESTALE, "%s is another device than before", t->path);
	if (d->is_block ? st->st_rdev != who->dev || who->ino :
			  st->st_dev != who->dev || st->st_ino != who->ino)
		return fail(reason, ESTALE, "%s is another %s than before", t->path,
			    d->is_block ? "device" : "file");
	return 0;
}

static int open_device(struct rt_device *d, const struct table_device *t, uint32_t flags,
		       const struct reason *reason)
{
	bool writing = !(flags & EVMS_VOLUME_READ_ONLY);
	struct stat st;
	int r;

	/* Non-blocking, because a FIFO may have taken the place of the file. */
	d->fd = open(t->path, (writing ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (d->fd < 0)
		return fail(reason, errno, "%s: %s", t->path, strerror(errno));
	if (fstat(d->fd, &st) < 0)
		return fail(reason, errno, "%s: %s", t->path, strerror(errno));
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return fail(reason, ESTALE, "%s is neither a file nor a block device", t->path);
	d->is_block = S_ISBLK(st.st_mode);
	d->read_only = !writing;
	d->block_size = t->block_size;
	d->size = t->size;
	r = check_identity(d, t, &st, reason);
	if (r < 0)
		return r;
	if (!writing || flags & VOLUME_NO_LOCK || flock(d->fd, LOCK_SH | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return 0;	/* a file system without flock has no commit that holds one */
	return fail(reason, EBUSY, "%s is being changed by somebody else; try again later",
		    t->path);
}

static int open_devices(struct evms_volume *v, const struct table *t, uint32_t flags,
			const struct reason *reason)
{
	size_t i;
	int r;

	v->devices = calloc(t->devices.count + 1, sizeof(*v->devices));
	if (!v->devices)
		return -ENOMEM;
	for (i = 0; i < t->devices.count; i++) {
		v->devices[i].fd = -1;
		pthread_mutex_init(&v->devices[i].flushing, NULL);
		v->device_count++;
		r = open_device(&v->devices[i], &t->devices.at[i], flags, reason);
		if (r < 0)
			return r;
	}
	return 0;
}

static int copy_node(struct evms_volume *v, size_t i, const struct table_node *from)
{
	struct rt_node *n = &v->nodes[i];
	size_t j;

	n->size = from->size;
	n->legs = calloc(from->legs.count + 1, sizeof(*n->legs));
	n->targets = calloc(from->targets.count + 1, sizeof(*n->targets));
	if (!n->legs || !n->targets)
		return -ENOMEM;
	n->target_count = from->targets.count;
	for (j = 0; j < from->legs.count; j++) {
		const struct table_leg *leg = &from->legs.at[j];

		n->legs[j].offset = leg->offset;
		if (leg->is_node)
			n->legs[j].node = &v->nodes[leg->index];
		else
			n->legs[j].device = &v->devices[leg->index];
	}
	for (j = 0; j < from->targets.count; j++) {
		const struct table_target *t = &from->targets.at[j];

		n->targets[j] = (struct rt_target){
			.start = t->offset, .size = t->size, .kind = t->kind,
			.leg_count = t->leg_count, .chunk = t->chunk, .legs = n->legs + t->first_leg
		};
	}
	return 0;
}

static int copy_nodes(struct evms_volume *v, const struct table *t)
{
	size_t i;
	int r;

	v->nodes = calloc(t->nodes.count, sizeof(*v->nodes));
	if (!v->nodes)
		return -ENOMEM;
	v->node_count = t->nodes.count;
	for (i = 0; i < t->nodes.count; i++) {
		r = copy_node(v, i, &t->nodes.at[i]);
		if (r < 0)
			return r;
	}
	v->root = &v->nodes[t->root];
	v->size = v->root->size;
	v->block_size = t->nodes.at[t->root].block_size;
	return 0;
}

static void volume_free(struct evms_volume *v)
{
	size_t i;

	rt_close_plugins(v);
	for (i = 0; i < v->node_count; i++) {
		free(v->nodes[i].targets);
		free(v->nodes[i].legs);
	}
	free(v->nodes);
	for (i = 0; i < v->device_count; i++) {
		if (v->devices[i].fd >= 0)
			close(v->devices[i].fd);
		pthread_mutex_destroy(&v->devices[i].flushing);
	}
	free(v->devices);
	free(v);
}

static int check_writable(const struct table *t, const struct reason *reason)
{
	size_t i;

	if (t->read_only)
		return fail(reason, EROFS, "the volume can be opened for reading only");
	for (i = 0; i < t->devices.count; i++)
		if (t->devices.at[i].read_only)
			return fail(reason, EROFS, "%s can be read only", t->devices.at[i].path);
	return 0;
}

static int open_flat(const struct table *t, uint32_t flags, const char *plugin_path,
		     const struct reason *reason, struct evms_volume **out)
{
	struct evms_volume *v;
	int r;

	r = flags & EVMS_VOLUME_READ_ONLY ? 0 : check_writable(t, reason);
	if (r < 0)
		return r;
	v = calloc(1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	v->read_only = flags & EVMS_VOLUME_READ_ONLY;
	r = open_devices(v, t, flags, reason);
	if (r == 0)
		r = copy_nodes(v, t);
	if (r == 0)
		r = rt_open_plugins(v, t, plugin_path, reason->text, reason->size);
	if (r < 0) {
		volume_free(v);
		return r;
	}
	*out = v;
	return 0;
}

/* Takes the table over. */
static int open_own(struct table *t, uint32_t flags, const char *plugin_path,
		    const struct reason *reason, struct evms_volume **out)
{
	int r = flags & VOLUME_NO_FLATTEN ? 0 : table_flatten(t);

	if (r == 0)
		r = open_flat(t, flags, plugin_path, reason, out);
	table_free(t);
	return r;
}

/* Copies a table the way that costs no code of its own. */
static int table_copy(const struct table *t, struct table **out)
{
	char *text;
	int r;

	r = table_to_text(t, &text);
	if (r < 0)
		return r;
	r = table_parse(text, strlen(text), out, NULL, 0);
	free(text);
	return r;
}

int volume_open_table_struct(const struct table *table, uint32_t flags, const char *plugin_path,
			     char *error, size_t error_size, struct evms_volume **out)
{
	char unused[8];
	struct reason reason = { error ? error : unused, error ? error_size : sizeof(unused) };
	struct table *t;
	int r;

	if (flags & ~(EVMS_VOLUME_READ_ONLY | VOLUME_NO_LOCK | VOLUME_NO_FLATTEN))
		return fail(&reason, EINVAL, "unknown flags");
	r = table_copy(table, &t);
	if (r < 0)
		return fail(&reason, -r, "%s", strerror(-r));
	return open_own(t, flags, plugin_path, &reason, out);
}

EXPORT int evms_volume_open_table(const char *table, size_t length, uint32_t flags,
				  const char *plugin_path, char *error, size_t error_size,
				  struct evms_volume **out)
{
	char text[512] = "";
	struct reason reason = { text, sizeof(text) };
	struct table *t;
	int r;

	if (!table || !out || flags & ~EVMS_VOLUME_READ_ONLY)
		r = fail(&reason, EINVAL, "%s",
			 table && out ? "unknown flags" : "an argument is NULL");
	else
		r = table_parse(table, length, &t, text, sizeof(text));
	if (r == 0)
		r = open_own(t, flags, plugin_path, &reason, out);
	if (r < 0 && error && error_size)
		snprintf(error, error_size, "%s", *text ? text : strerror(-r));
	return r;
}

EXPORT int evms_volume_close(struct evms_volume *v)
{
	int r;

	if (!v)
		return 0;
	r = v->read_only ? 0 : evms_volume_flush(v);
	volume_free(v);
	return r;
}

EXPORT uint64_t evms_volume_get_size(const struct evms_volume *v)
{
	return v->size;
}

EXPORT uint32_t evms_volume_get_block_size(const struct evms_volume *v)
{
	return v->block_size;
}

EXPORT int evms_volume_read(struct evms_volume *v, void *buf, size_t len, uint64_t offset)
{
	if (!range_fits(offset, len, v->size))
		return -ERANGE;
	return rt_node_io(v->root, IO_READ, buf, len, offset);
}

/* All that changes bytes. buf is NULL unless writing. */
static int change(struct evms_volume *v, enum io_op op, const void *buf, uint64_t len,
		  uint64_t offset)
{
	if (v->read_only)
		return -EROFS;
	if (!range_fits(offset, len, v->size))
		return -ERANGE;
	return rt_node_io(v->root, op, (char *)(uintptr_t)buf, len, offset);
}

EXPORT int evms_volume_write(struct evms_volume *v, const void *buf, size_t len, uint64_t offset)
{
	return change(v, IO_WRITE, buf, len, offset);
}

EXPORT int evms_volume_zero(struct evms_volume *v, uint64_t offset, uint64_t len)
{
	return change(v, IO_ZERO, NULL, len, offset);
}

EXPORT int evms_volume_discard(struct evms_volume *v, uint64_t offset, uint64_t len)
{
	return change(v, IO_DISCARD, NULL, len, offset);
}

/*
 * The kernel reports a failed write-back once and then calls the pages clean: a later flush that
 * says "done" would be a lie.
 */
EXPORT int evms_volume_flush(struct evms_volume *v)
{
	int none = 0, r;

	r = atomic_load(&v->failed);
	if (r < 0)
		return r;
	r = rt_volume_flush(v);
	if (r < 0)
		atomic_compare_exchange_strong(&v->failed, &none, r);
	else
		r = atomic_load(&v->failed);
	return r;
}

int volume_give_up(struct evms_volume *v)
{
	uint64_t area = min_u64(v->size, SIGNATURE_AREA);
	int r;

	r = change(v, IO_GIVE_UP, NULL, v->size, 0);
	if (r == 0)
		r = change(v, IO_ZERO, NULL, area, 0);
	if (r == 0)
		r = change(v, IO_ZERO, NULL, area, v->size - area);
	return r;
}

/* The data in [from, from + size) of a device. false: nothing but holes. */
static bool find_device_data(const struct rt_device *d, uint64_t from, uint64_t size,
			     uint64_t *start, uint64_t *end)
{
	off_t data, hole;

	*start = from;
	*end = from + size;
	if (d->is_block)
		return true;
	data = lseek(d->fd, (off_t)from, SEEK_DATA);
	if (data < 0)
		return errno != ENXIO;
	if ((uint64_t)data >= from + size)
		return false;
	*start = max_u64(from, (uint64_t)data);
	hole = lseek(d->fd, data, SEEK_HOLE);
	if (hole > data)
		*end = min_u64(*end, (uint64_t)hole);
	return true;
}

int volume_find_data(struct evms_volume *v, uint64_t offset, uint64_t *start, uint64_t *end)
{
	const struct rt_target *t;
	uint64_t from, base;
	size_t i;

	if (offset >= v->size)
		return -ENXIO;
	for (i = rt_find_target(v->root, offset); i < v->root->target_count; i++) {
		t = &v->root->targets[i];
		from = max_u64(offset, t->start);
		if (t->kind == TABLE_ZERO)
			continue;
		if (t->kind != TABLE_LINEAR || !t->legs[0].device) {
			*start = from;
			*end = t->start + t->size;
			return 0;
		}
		base = t->legs[0].offset;
		if (find_device_data(t->legs[0].device, base + (from - t->start),
				     t->size - (from - t->start), start, end)) {
			*start = *start - base + t->start;
			*end = *end - base + t->start;
			return 0;
		}
	}
	return -ENXIO;
}
