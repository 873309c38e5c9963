/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * File operations by threads, for kernels and sandboxes that refuse io_uring. This is the one place
 * where the library has threads: they see nothing but struct io, take no signals, and have ended
 * before the call of the client returns (io_queue_settle()). There are few while operations finish
 * at once, and up to one for each operation when none does.
 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "device/queue.h"
#include "util/vec.h"

#define THREADS_AT_FIRST	4
#define THREADS_AT_MOST		4096
#define THREAD_STACK		(64 * 1024)
#define BRIEF_NANOSECONDS	1000000

struct threads {
	pthread_mutex_t lock;
	pthread_cond_t work, news;	/* something to do; something finished */
	struct io_list todo, finished;
	VEC(pthread_t) all;
	size_t busy;
	bool stop;
};

static void *thread_main(void *arg)
{
	struct threads *t = arg;
	struct io *io;

	pthread_mutex_lock(&t->lock);
	for (;;) {
		io = io_list_pop(&t->todo);
		if (io) {
			t->busy++;
			pthread_mutex_unlock(&t->lock);
			io_do(io);
			pthread_mutex_lock(&t->lock);
			t->busy--;
			io_list_push(&t->finished, io);
			pthread_cond_signal(&t->news);
		} else if (t->stop) {
			break;
		} else {
			pthread_cond_wait(&t->work, &t->lock);
		}
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

struct threads *threads_new(void)
{
	struct threads *t = calloc(1, sizeof(*t));
	pthread_condattr_t attr;

	if (!t)
		return NULL;
	if (pthread_condattr_init(&attr)) {
		free(t);
		return NULL;
	}
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->work, NULL);
	pthread_cond_init(&t->news, &attr);
	pthread_condattr_destroy(&attr);
	io_list_init(&t->todo);
	io_list_init(&t->finished);
	return t;
}

void threads_free(struct threads *t)
{
	size_t i;

	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	t->stop = true;
	pthread_cond_broadcast(&t->work);
	pthread_mutex_unlock(&t->lock);
	for (i = 0; i < t->all.count; i++)
		pthread_join(t->all.at[i], NULL);
	vec_free(&t->all);
	pthread_cond_destroy(&t->work);
	pthread_cond_destroy(&t->news);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static bool add_thread(struct threads *t, const pthread_attr_t *attr)
{
	pthread_t thread;

	if (!vec_grow(&t->all) || pthread_create(&thread, attr, thread_main, t))
		return false;
	t->all.at[t->all.count++] = thread;
	return true;
}

/* With the lock held. */
static void grow(struct threads *t, size_t wanted)
{
	sigset_t every, before;
	pthread_attr_t attr;

	if (wanted > THREADS_AT_MOST)
		wanted = THREADS_AT_MOST;
	if (t->all.count >= wanted || pthread_attr_init(&attr))
		return;
	pthread_attr_setstacksize(&attr, THREAD_STACK);
	sigfillset(&every);
	pthread_sigmask(SIG_SETMASK, &every, &before);
	while (t->all.count < wanted && add_thread(t, &attr))
		;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
}

void threads_start(struct threads *t, struct io_list *list)
{
	struct io *io;

	if (!list->count)
		return;
	pthread_mutex_lock(&t->lock);
	while ((io = io_list_pop(list)))
		io_list_push(&t->todo, io);
	grow(t, t->todo.count < THREADS_AT_FIRST ? t->todo.count : THREADS_AT_FIRST);
	pthread_cond_broadcast(&t->work);
	pthread_mutex_unlock(&t->lock);
}

/* With the lock held: wait a millisecond at most. false when nothing happened. */
static bool wait_briefly(struct threads *t)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += BRIEF_NANOSECONDS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	while (!t->finished.count) {
		if (pthread_cond_timedwait(&t->news, &t->lock, &until))
			return t->finished.count > 0;
	}
	return true;
}

void threads_take(struct threads *t, struct io_list *finished, enum io_wait wait)
{
	struct io *io;

	pthread_mutex_lock(&t->lock);
	while (wait != IO_PEEK && !t->finished.count && (t->todo.count || t->busy)) {
		if (!t->all.count) {		/* not even one could be had */
			io = io_list_pop(&t->todo);
			io_do(io);
			io_list_push(&t->finished, io);
			break;
		}
		if (wait_briefly(t))
			break;
		/* Nothing came back and work is waiting: they are all stuck in something slow. */
		if (t->todo.count)
			grow(t, t->all.count * 4);
		else if (wait == IO_WAIT && !t->finished.count)
			pthread_cond_wait(&t->news, &t->lock);
		if (wait == IO_BRIEF)
			break;
	}
	while ((io = io_list_pop(&t->finished)))
		io_list_push(finished, io);
	pthread_mutex_unlock(&t->lock);
}
