/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The queue of file operations over io_uring; hands over to threads where the kernel refuses a
 * ring.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "device/queue.h"

#define RING_ENTRIES		256
#define RING_COMPLETIONS	4096
#define RING_WORKERS		4096
#define BRIEF_NANOSECONDS	1000000

void io_list_init(struct io_list *list)
{
	list->first = NULL;
	list->last = &list->first;
	list->count = 0;
}

void io_list_push(struct io_list *list, struct io *io)
{
	io->next = NULL;
	*list->last = io;
	list->last = &io->next;
	list->count++;
}

struct io *io_list_pop(struct io_list *list)
{
	struct io *io = list->first;

	if (!io)
		return NULL;
	list->first = io->next;
	if (!list->first)
		list->last = &list->first;
	list->count--;
	return io;
}

void io_do(struct io *io)
{
	ssize_t n = -1;

	switch (io->kind) {
	case IO_STATX:
		n = statx(AT_FDCWD, io->path, 0, io->wants, io->buf);
		break;
	case IO_OPEN:
		n = open(io->path, (int)io->wants);
		break;
	case IO_READ:
		n = pread(io->fd, io->buf, io->len, (off_t)io->offset);
		break;
	case IO_CLOSE:
		n = close(io->fd);
		break;
	}
	io->result = n < 0 ? -errno : (int)n;
}

void io_queue_init(struct io_queue *q)
{
	memset(q, 0, sizeof(*q));
	io_list_init(&q->waiting);
	io_list_init(&q->entered);
}

static bool ring_knows_all(struct io_uring *ring)
{
	struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
	bool all;

	if (!probe)
		return false;
	all = io_uring_opcode_supported(probe, IORING_OP_OPENAT) &&
	      io_uring_opcode_supported(probe, IORING_OP_STATX) &&
	      io_uring_opcode_supported(probe, IORING_OP_READ) &&
	      io_uring_opcode_supported(probe, IORING_OP_CLOSE);
	io_uring_free_probe(probe);
	return all;
}

static bool ring_open(struct io_queue *q)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
		.cq_entries = RING_COMPLETIONS,
	};
	unsigned workers[2] = { RING_WORKERS, 0 };

	if (io_uring_queue_init_params(RING_ENTRIES, &q->ring, &params) < 0)
		return false;
	/* Waiting with a limit must not need a second kind of entry (Linux 5.11). */
	if (!(params.features & IORING_FEAT_EXT_ARG) || !ring_knows_all(&q->ring)) {
		io_uring_queue_exit(&q->ring);
		return false;
	}
	q->depth = params.cq_entries;
	/*
	 * File systems that cannot read without blocking (FUSE) take a kernel worker for each read.
	 */
	(void)io_uring_register_iowq_max_workers(&q->ring, workers);
	return true;
}

static void queue_prepare(struct io_queue *q)
{
	if (q->ready)
		return;
	q->has_ring = !q->no_ring && !q->at_once && ring_open(q);
	q->ready = true;
}

void io_queue_free(struct io_queue *q)
{
	io_queue_settle(q);
	if (q->has_ring)
		io_uring_queue_exit(&q->ring);
	q->ready = q->has_ring = false;
}

void io_queue_add(struct io_queue *q, struct io *io)
{
	io_list_push(&q->waiting, io);
}

bool io_queue_is_empty(const struct io_queue *q)
{
	return !q->waiting.count && !q->entered.count && !q->running;
}

void io_queue_reserve_descriptors(struct io_queue *q, unsigned n)
{
	struct rlimit limit;
	int fd;

	queue_prepare(q);
	if (!q->has_ring || getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	if (n >= limit.rlim_cur)
		n = limit.rlim_cur ? (unsigned)limit.rlim_cur - 1 : 0;
	fd = fcntl(q->ring.ring_fd, F_DUPFD_CLOEXEC, (int)n);
	if (fd >= 0)
		close(fd);
}

static size_t finish(struct io_list *list)
{
	struct io *io;
	size_t n = 0;

	while ((io = io_list_pop(list))) {
		n++;
		io->done(io);
	}
	return n;
}

static void ring_fill(struct io_queue *q, struct io_uring_sqe *sqe, struct io *io)
{
	switch (io->kind) {
	case IO_STATX:
		io_uring_prep_statx(sqe, AT_FDCWD, io->path, 0, io->wants, io->buf);
		break;
	case IO_OPEN:
		io_uring_prep_openat(sqe, AT_FDCWD, io->path, (int)io->wants, 0);
		if (io->may_block)
			io_uring_sqe_set_flags(sqe, IOSQE_ASYNC);
		break;
	case IO_READ:
		io_uring_prep_read(sqe, io->fd, io->buf, (unsigned)io->len, io->offset);
		break;
	case IO_CLOSE:
		io_uring_prep_close(sqe, io->fd);
		break;
	}
	io_uring_sqe_set_data(sqe, io);
	io_list_push(&q->entered, io);
}

static void ring_enter(struct io_queue *q)
{
	struct io_uring_sqe *sqe;

	while (q->waiting.count && q->running + q->entered.count < q->depth) {
		sqe = io_uring_get_sqe(&q->ring);
		if (!sqe)
			return;
		ring_fill(q, sqe, io_list_pop(&q->waiting));
	}
}

static void ring_taken(struct io_queue *q, int n)
{
	while (n-- > 0 && io_list_pop(&q->entered))
		q->running++;
}

static size_t ring_reap(struct io_queue *q)
{
	struct io_list finished;
	struct io_uring_cqe *cqe;
	unsigned head, n = 0;
	struct io *io;

	io_list_init(&finished);
	io_uring_for_each_cqe(&q->ring, head, cqe) {
		io = io_uring_cqe_get_data(cqe);
		n++;
		if (!io)
			continue;
		io->result = cqe->res;
		io_list_push(&finished, io);
	}
	io_uring_cq_advance(&q->ring, n);
	q->running -= finished.count;
	return finish(&finished);
}

/*
 * The kernel does not take entries any more, for a reason that will not pass. Let those under way
 * finish (their buffers are being written), do the rest here, and use threads from now on.
 */
static size_t ring_give_up(struct io_queue *q)
{
	struct timespec nap = { .tv_nsec = BRIEF_NANOSECONDS };
	struct io_list rest = q->entered;
	struct io *io;
	size_t n = 0;

	if (!rest.first)
		rest.last = &rest.first;
	io_list_init(&q->entered);
	while (q->running) {
		n += ring_reap(q);
		if (q->running)
			nanosleep(&nap, NULL);
	}
	io_uring_queue_exit(&q->ring);
	q->has_ring = false;
	for (io = rest.first; io; io = io->next)
		io_do(io);
	return n + finish(&rest);
}

static bool passes(int error)
{
	return error == -EINTR || error == -EAGAIN || error == -EBUSY || error == -ETIME;
}

static size_t ring_run(struct io_queue *q, enum io_wait wait)
{
	struct __kernel_timespec limit = { .tv_nsec = BRIEF_NANOSECONDS };
	struct io_uring_cqe *cqe;
	size_t n = 0, before;
	int r;

	do {
		before = q->waiting.count + q->entered.count;
		ring_enter(q);
		r = q->entered.count ? io_uring_submit(&q->ring) : 0;
		ring_taken(q, r);
		n += ring_reap(q);
		if (r < 0 && (!passes(r) || (!q->running && !n)))
			return n + ring_give_up(q);
	} while (q->waiting.count + q->entered.count &&
		 (r > 0 || q->waiting.count + q->entered.count < before));
	if (n || wait == IO_PEEK || !q->running)
		return n;
	do {
		r = io_uring_wait_cqes(&q->ring, &cqe, 1, wait == IO_BRIEF ? &limit : NULL, NULL);
		if (r < 0 && !passes(r))
			return n + ring_give_up(q);
		n += ring_reap(q);
	} while (!n && wait == IO_WAIT && q->running);
	return n;
}

static size_t threads_run(struct io_queue *q, enum io_wait wait)
{
	struct io_list finished;
	struct io *io;

	io_list_init(&finished);
	if (!q->threads && !q->at_once)
		q->threads = threads_new();
	if (!q->threads) {
		while ((io = io_list_pop(&q->waiting))) {
			io_do(io);
			io_list_push(&finished, io);
		}
		return finish(&finished);
	}
	q->running += q->waiting.count;
	threads_start(q->threads, &q->waiting);
	if (!q->running)
		return 0;
	threads_take(q->threads, &finished, wait);
	q->running -= finished.count;
	return finish(&finished);
}

size_t io_queue_run(struct io_queue *q, enum io_wait wait)
{
	queue_prepare(q);
	return q->has_ring ? ring_run(q, wait) : threads_run(q, wait);
}

void io_queue_settle(struct io_queue *q)
{
	while (!io_queue_is_empty(q))
		io_queue_run(q, IO_WAIT);
	threads_free(q->threads);
	q->threads = NULL;
}
