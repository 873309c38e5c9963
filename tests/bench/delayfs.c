/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * delayfs COUNT SIZE MILLISECONDS MOUNTPOINT: a FUSE file system of COUNT files of zeros, each read of
 * which is answered so many milliseconds after it came, any number of them at once. Ends when unmounted.
 */
#define _GNU_SOURCE 1
#define FUSE_USE_VERSION 34
#include <errno.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MOST_READ	(1u << 20)
#define CACHE_SECONDS	1e6

static const char zeros[MOST_READ];
static unsigned long file_count, file_size, delay_ms;

/* Reads that wait: all wait equally long, so that the first to come is the first to go. */
struct waiting {
	struct waiting *next;
	struct timespec due;
	fuse_req_t request;
	size_t size;
};

static struct waiting *first, **last = &first;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t came = PTHREAD_COND_INITIALIZER;

static void *answer(void *user)
{
	(void)user;
	for (;;) {
		struct waiting *w;

		pthread_mutex_lock(&lock);
		while (!first)
			pthread_cond_wait(&came, &lock);
		w = first;
		first = w->next;
		if (!first)
			last = &first;
		pthread_mutex_unlock(&lock);
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &w->due, NULL) == EINTR)
			;
		fuse_reply_buf(w->request, zeros, w->size);
		free(w);
	}
	return NULL;
}

static void on_read(fuse_req_t request, fuse_ino_t ino, size_t size, off_t offset,
		    struct fuse_file_info *info)
{
	struct waiting *w = malloc(sizeof(*w));
	size_t left = (size_t)offset < file_size ? file_size - (size_t)offset : 0;

	(void)ino, (void)info;
	if (!w) {
		fuse_reply_err(request, ENOMEM);
		return;
	}
	*w = (struct waiting){ .request = request, .size = size < left ? size : left };
	if (w->size > MOST_READ)
		w->size = MOST_READ;
	clock_gettime(CLOCK_MONOTONIC, &w->due);
	w->due.tv_nsec += (long)delay_ms * 1000000;
	w->due.tv_sec += w->due.tv_nsec / 1000000000;
	w->due.tv_nsec %= 1000000000;
	pthread_mutex_lock(&lock);
	*last = w;
	last = &w->next;
	pthread_cond_signal(&came);
	pthread_mutex_unlock(&lock);
}

static bool attributes(fuse_ino_t ino, struct stat *st)
{
	*st = (struct stat){ .st_ino = ino, .st_nlink = 1, .st_uid = getuid(), .st_gid = getgid() };
	if (ino == FUSE_ROOT_ID) {
		st->st_mode = S_IFDIR | 0700;
		return true;
	}
	st->st_mode = S_IFREG | 0600;
	st->st_size = (off_t)file_size;
	st->st_blocks = (blkcnt_t)(file_size / 512);
	return ino - FUSE_ROOT_ID <= file_count;
}

static void on_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param e = { .attr_timeout = CACHE_SECONDS, .entry_timeout = CACHE_SECONDS };
	unsigned long number;

	if (parent != FUSE_ROOT_ID || sscanf(name, "slow%lu.img", &number) != 1) {
		fuse_reply_err(request, ENOENT);
		return;
	}
	e.ino = FUSE_ROOT_ID + 1 + number;
	if (attributes(e.ino, &e.attr))
		fuse_reply_entry(request, &e);
	else
		fuse_reply_err(request, ENOENT);
}

static void on_getattr(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *info)
{
	struct stat st;

	(void)info;
	if (attributes(ino, &st))
		fuse_reply_attr(request, &st, CACHE_SECONDS);
	else
		fuse_reply_err(request, ENOENT);
}

/* Each read reaches us, as it would a disk that nobody read before. */
static void on_open(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *info)
{
	(void)ino;
	info->direct_io = 1;
	fuse_reply_open(request, info);
}

static void on_init(void *user, struct fuse_conn_info *connection)
{
	(void)user;
	connection->max_background = 65535;
	connection->congestion_threshold = 65535;
}

static const struct fuse_lowlevel_ops ops = {
	.init = on_init,
	.lookup = on_lookup,
	.getattr = on_getattr,
	.open = on_open,
	.read = on_read,
};

int main(int argc, char **argv)
{
	char *words[] = { argv[0], NULL };
	struct fuse_args args = FUSE_ARGS_INIT(1, words);
	struct fuse_session *session;
	pthread_t thread;

	if (argc != 5) {
		fprintf(stderr, "usage: %s COUNT SIZE MILLISECONDS MOUNTPOINT\n", argv[0]);
		return 2;
	}
	file_count = strtoul(argv[1], NULL, 10);
	file_size = strtoul(argv[2], NULL, 10);
	delay_ms = strtoul(argv[3], NULL, 10);
	session = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	if (!session || fuse_session_mount(session, argv[4]) < 0)
		return 1;
	if (pthread_create(&thread, NULL, answer, NULL))
		return 1;
	fuse_set_signal_handlers(session);
	puts("mounted");
	fflush(stdout);
	fuse_session_loop(session);
	fuse_session_unmount(session);
	return 0;
}
