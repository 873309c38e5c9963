/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Many small file operations at once: over io_uring, or by threads that end with the call that
 * needed them.
 */
#ifndef DEVICE_QUEUE_H
#define DEVICE_QUEUE_H

#include <liburing.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct threads;				/* threads.c */

enum io_kind { IO_STATX, IO_OPEN, IO_READ, IO_CLOSE };

/* One operation. Belongs to the caller, and stays where it is until done() was called. */
struct io {
	struct io *next;
	enum io_kind kind;
	bool may_block;			/* open: never try it on the caller's own time */
	int fd;
	int result;			/* as the system call's, or -errno */
	unsigned wants;			/* statx: STATX_* mask; open: flags */
	const char *path;
	void *buf;			/* read: bytes; statx: struct statx */
	size_t len;
	uint64_t offset;
	void (*done)(struct io *io);	/* on the caller's thread; may add more */
	void *user;
};

struct io_list {
	struct io *first, **last;
	size_t count;
};

struct io_queue {
	struct io_list waiting;		/* added, given to nobody yet */
	struct io_list entered;		/* in the submission ring, not yet taken by the kernel */
	size_t running;			/* taken by the kernel or the threads */
	unsigned depth;			/* of the completion ring */
	bool ready, has_ring;
	bool no_ring;			/* set before the first use: threads only */
	bool at_once;			/* set before the first use: neither, one by one */
	struct io_uring ring;
	struct threads *threads;
};

enum io_wait {
	IO_PEEK,			/* start what was added, take what is finished */
	IO_BRIEF,			/* wait a millisecond at most for something to finish */
	IO_WAIT				/* wait until something finishes */
};

void io_queue_init(struct io_queue *q);
void io_queue_free(struct io_queue *q);
void io_queue_add(struct io_queue *q, struct io *io);
/* Returns how many operations finished (their done() was called); 0 when there are none. */
size_t io_queue_run(struct io_queue *q, enum io_wait wait);
bool io_queue_is_empty(const struct io_queue *q);
/* Finish everything and end the threads. */
void io_queue_settle(struct io_queue *q);
/*
 * Make room for n descriptors before threads share the table: growing it later stalls all of them.
 */
void io_queue_reserve_descriptors(struct io_queue *q, unsigned n);

void io_list_init(struct io_list *list);
void io_list_push(struct io_list *list, struct io *io);
struct io *io_list_pop(struct io_list *list);
/* The operation as a system call, here and now. */
void io_do(struct io *io);

/* threads.c */
struct threads *threads_new(void);
/* Ends and joins them; nothing may be under way. */
void threads_free(struct threads *t);
/* Takes over the whole list, which is empty afterwards. */
void threads_start(struct threads *t, struct io_list *list);
/* Moves what is finished to the (empty) list. */
void threads_take(struct threads *t, struct io_list *finished, enum io_wait wait);

#endif
