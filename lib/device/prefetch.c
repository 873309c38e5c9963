/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading the windows of many devices ahead of those who look at them.
 *
 * Groups are under way in a line; the one at the front is looked at when all its windows were
 * tried. As long as the front is always there already (page cache, fast disks) the line is short,
 * and few buffers go round, small enough to stay in the processor's cache. When nothing came back
 * for a millisecond the line gets four times as long, up to MOST_GROUPS: many slow devices are
 * waited for together.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "device/internal.h"
#include "util/check.h"

#define FEWEST_GROUPS	16
#define MOST_GROUPS	4096
#define FEW_BYTES	(2u << 20)
#define MOST_BYTES	(128u << 20)
#define MOST_READ	(1u << 30)

/* A window under way. */
struct stream {
	struct io io;
	struct line *line;
	struct group *group;
	struct device *device;
	struct stream *next;		/* of the same device: waiting to be open, or served */
	uint64_t offset, size;		/* rounded to DEVICE_BLOCK, inside the device */
	uint64_t valid;			/* bytes read so far */
	char *buf;			/* NULL: cannot be had, device_read() goes to the device */
	bool again;			/* was refused once because the descriptor must not block */
};

/* What waits in the line; recycled with its buffer. */
struct group {
	struct group *next;
	struct stream *streams;
	size_t count, capacity;
	size_t missing;			/* streams not finished */
	size_t number;			/* the caller's */
	char *buf;
	size_t bytes, room;		/* used of it, and its size */
};

struct line {
	struct device_set *set;
	const struct device_window *windows;
	size_t count, next;		/* next: first window not in the line */
	struct group *first, **last;
	struct group *idle;
	size_t length, idle_count;
	size_t target;			/* length wanted */
	uint64_t bytes;			/* of buffers in the line */
};

const void *device_window_bytes(const struct device *d, uint64_t offset, uint64_t len)
{
	const struct stream *s;

	for (s = d->served; s; s = s->next)
		if (offset >= s->offset && range_fits(offset - s->offset, len, s->valid))
			return s->buf + (offset - s->offset);
	return NULL;
}

static void stream_end(struct stream *s)
{
	s->group->missing--;
	s->device->pins--;
}

static void stream_read(struct stream *s);

/* Opened without blocking, and the file system takes that seriously for reads too. */
static bool make_blocking(struct stream *s)
{
	int flags = fcntl(s->device->fd, F_GETFL);
	bool first = !s->again;

	s->again = true;
	return first && flags >= 0 && fcntl(s->device->fd, F_SETFL, flags & ~O_NONBLOCK) == 0;
}

static void stream_was_read(struct io *io)
{
	struct stream *s = io->user;

	if (io->result > 0)
		s->valid += (uint64_t)io->result;
	if (io->result == -EINTR || (io->result > 0 && s->valid < s->size) ||
	    (io->result == -EAGAIN && make_blocking(s)))
		stream_read(s);
	else
		stream_end(s);
}

static void stream_read(struct stream *s)
{
	s->io = (struct io){
		.kind = IO_READ, .fd = s->device->fd, .buf = s->buf + s->valid,
		.len = (size_t)min_u64(s->size - s->valid, MOST_READ),
		.offset = s->offset + s->valid,
		.done = stream_was_read, .user = s,
	};
	io_queue_add(&s->line->set->queue, &s->io);
}

static void device_was_opened(struct io *io)
{
	struct stream *s = io->user, *next;
	struct device *d = s->device;
	int r = io->result;

	d->set->opening--;
	if (r >= 0 && d->fd >= 0)
		close(r);		/* somebody could not wait */
	else if (r >= 0)
		r = device_adopt_fd(d, r);
	s = d->opening;
	d->opening = NULL;
	for (; s; s = next) {
		next = s->next;
		s->next = NULL;
		if (r < 0)
			stream_end(s);		/* device_read() will find out why */
		else
			stream_read(s);
	}
}

static void stream_open(struct stream *s)
{
	struct device *d = s->device;

	s->next = d->opening;
	d->opening = s;
	if (s->next)
		return;
	device_set_make_room(d->set);
	d->set->opening++;
	s->io = (struct io){
		.kind = IO_OPEN, .wants = DEVICE_OPEN_FLAGS, .path = d->path,
		.may_block = device_is_block(d), .done = device_was_opened, .user = s,
	};
	io_queue_add(&d->set->queue, &s->io);
}

static void stream_start(struct stream *s)
{
	struct device *d = s->device;

	s->group->missing++;
	d->pins++;
	if (!s->size || !s->buf || device_readable(d) < 0) {
		stream_end(s);
	} else if (d->fd >= 0) {
		device_touch(d);
		stream_read(s);
	} else {
		stream_open(s);
	}
}

static void stream_place(struct stream *s, const struct device_window *w)
{
	uint64_t size = w->device->identified ? w->device->facts.size : 0;
	uint64_t end = w->offset < size ? w->offset + min_u64(w->size, size - w->offset) : 0;

	s->device = w->device;
	if (!end)
		return;
	s->offset = round_down(w->offset, DEVICE_BLOCK);
	s->size = min_u64(round_up(end, DEVICE_BLOCK), size) - s->offset;
}

static void group_free(struct group *g)
{
	free(g->streams);
	free(g->buf);
	free(g);
}

static struct group *group_get(struct line *line)
{
	struct group *g = line->idle;

	if (!g)
		return calloc(1, sizeof(*g));
	line->idle = g->next;
	line->idle_count--;
	return g;
}

static void group_put(struct line *line, struct group *g)
{
	if (line->idle_count >= FEWEST_GROUPS) {
		group_free(g);
		return;
	}
	g->next = line->idle;
	line->idle = g;
	line->idle_count++;
}

static bool group_size(struct group *g, size_t count)
{
	struct stream *streams;

	if (count > g->capacity) {
		if (count > SIZE_MAX / sizeof(*streams))
			return false;
		streams = realloc(g->streams, count * sizeof(*streams));
		if (!streams)
			return false;
		g->streams = streams;
		g->capacity = count;
	}
	memset(g->streams, 0, count * sizeof(*g->streams));
	g->count = count;
	return true;
}

/* A buffer for all windows of the group; without one, device_read() goes to the devices. */
static void group_buffer(struct group *g)
{
	uint64_t bytes = 0;
	char *at;
	size_t i;

	for (i = 0; i < g->count; i++)
		bytes += min_u64(g->streams[i].size, MOST_BYTES);
	g->bytes = 0;
	if (bytes > MOST_BYTES)
		return;
	if (bytes > g->room) {
		free(g->buf);
		g->buf = calloc(1, (size_t)bytes);	/* never somebody else's secrets */
		g->room = g->buf ? (size_t)bytes : 0;
	}
	if (!g->buf)
		return;
	g->bytes = (size_t)bytes;
	at = g->buf;
	for (i = 0; i < g->count; i++) {
		g->streams[i].buf = at;
		at += g->streams[i].size;
	}
}

static size_t group_length(const struct line *line)
{
	size_t n = 1;

	while (line->next + n < line->count &&
	       line->windows[line->next + n].group == line->windows[line->next].group)
		n++;
	return n;
}

static int start_group(struct line *line)
{
	size_t count = group_length(line), i;
	struct group *g = group_get(line);

	if (!g)
		return -ENOMEM;
	if (!group_size(g, count)) {
		group_free(g);
		return -ENOMEM;
	}
	for (i = 0; i < count; i++) {
		stream_place(&g->streams[i], &line->windows[line->next + i]);
		g->streams[i].line = line;
		g->streams[i].group = g;
	}
	group_buffer(g);
	g->number = line->windows[line->next].group;
	g->missing = 0;
	g->next = NULL;
	*line->last = g;
	line->last = &g->next;
	line->length++;
	line->bytes += g->bytes;
	line->next += count;
	for (i = 0; i < count; i++)
		stream_start(&g->streams[i]);
	return 0;
}

/* May one more group join the line? The first always may. */
static bool wants_more(const struct line *line)
{
	uint64_t most = line->target > FEWEST_GROUPS ? MOST_BYTES : FEW_BYTES;

	if (line->next == line->count)
		return false;
	if (!line->first)
		return true;
	return line->length < line->target && line->bytes < most && device_set_has_room(line->set);
}

static int fill(struct line *line)
{
	int r = 0;

	while (r == 0 && wants_more(line))
		r = start_group(line);
	/* Without memory for one more, those in the line are dealt with first. */
	return line->first ? 0 : r;
}

static void serve(struct group *g, bool on)
{
	struct stream *s;
	size_t i;

	for (i = 0; i < g->count; i++) {
		s = &g->streams[i];
		s->next = on ? s->device->served : NULL;
		s->device->served = on ? s : NULL;
	}
}

static int look_at_front(struct line *line, device_window_fn done, void *user)
{
	struct group *g = line->first;
	int r;

	serve(g, true);
	r = done(user, g->number);
	serve(g, false);
	line->first = g->next;
	if (!line->first)
		line->last = &line->first;
	line->length--;
	line->bytes -= g->bytes;
	group_put(line, g);
	return r;
}

static void wait_for_front(struct line *line)
{
	struct io_queue *q = &line->set->queue;

	do {
		if (!line->first->missing)
			return;
	} while (io_queue_run(q, IO_PEEK));
	if (io_queue_run(q, IO_BRIEF))
		return;
	if (line->target < MOST_GROUPS && line->next < line->count)
		line->target *= 4;
	else
		io_queue_run(q, IO_WAIT);
}

static int run(struct line *line, device_window_fn done, void *user)
{
	int r = 0;

	while (r == 0 && (line->first || line->next < line->count)) {
		r = fill(line);
		if (r < 0)
			break;
		wait_for_front(line);
		if (line->first->missing)
			continue;
		line->target = FEWEST_GROUPS;
		while (r == 0 && line->first && !line->first->missing)
			r = look_at_front(line, done, user);
	}
	return r;
}

int device_set_prefetch(struct device_set *set, const struct device_window *windows, size_t count,
			device_window_fn done, void *user)
{
	struct line line = {
		.set = set, .windows = windows, .count = count, .target = FEWEST_GROUPS,
	};
	struct group *g;
	int r;

	if (set->busy)
		return -EBUSY;
	set->busy = true;
	line.last = &line.first;
	r = run(&line, done, user);
	io_queue_settle(&set->queue);
	set->busy = false;
	while ((g = line.first)) {
		line.first = g->next;
		group_free(g);
	}
	while ((g = line.idle)) {
		line.idle = g->next;
		group_free(g);
	}
	return r;
}
