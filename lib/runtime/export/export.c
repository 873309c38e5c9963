/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * evms-export: shows a volume as one regular file, through FUSE. It is handed a runtime table and
 * knows nothing else. The file is mounted over the mount point, itself a regular file, so that
 * nothing but the volume can be reached through it.
 *
 * A write that has returned is in the runtime; fsync() makes it stable. There is no cache of
 * written data in front of the runtime but for shared memory maps, which the kernel writes back on
 * msync(), fsync() and at the end.
 */
#define _GNU_SOURCE 1
#define FUSE_USE_VERSION 32
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <getopt.h>
#include <limits.h>
#include <linux/falloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "runtime/export.h"
#include "runtime/table.h"
#include "runtime/volume.h"

#define FOR_EVER 86400.0 /* seconds that attributes stay valid: they never change */
#define MAX_TRANSFER	(1u << 20)

static const char usage[] =
	"Usage: evms-export [OPTION]... --table FILE|- MOUNTPOINT\n"
	"Show the volume of a runtime table as the regular file MOUNTPOINT, until SIGINT, SIGTERM\n"
	"or an unmount.\n"
	"\n"
	"  --table FILE   the runtime table, '-' for standard input\n"
	"  --read-only    the file can be read only\n"
	"  --no-lock      do not take the shared lock on the backing devices\n"
	"  --ready-fd N   write \"ready\" or \"error ERRNO TEXT\" to descriptor N\n"
	"  --life-fd N    end when descriptor N, the end of a pipe, is closed at the other end\n"
	"  --help         this text\n"
	"\n"
	"Exit codes: 0 all that was written is on stable storage, 1 usage, 2 the table cannot be\n"
	"opened, 3 FUSE cannot be had or refuses the mount point, 4 the last flush failed.\n";

struct options {
	const char *table, *mountpoint;
	bool read_only, no_lock;
	int ready_fd, life_fd;
};

struct server {
	struct evms_volume *volume;
	struct fuse_session *session;
	struct timespec started;
	struct options *options;
	pthread_t main_thread;
	pthread_key_t buffers;
	atomic_bool ended;
};

/* One line to whoever started us, and to the terminal. */
__attribute__((format(printf, 3, 4)))
static void fail(const struct options *o, int error, const char *fmt, ...)
{
	char text[600];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fprintf(stderr, "evms-export: %s\n", text);
	if (o->ready_fd >= 0)
		dprintf(o->ready_fd, "error %d %s\n", error, text);
}

static void get_stat(const struct server *s, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_ino = FUSE_ROOT_ID;
	st->st_mode = S_IFREG | (s->options->read_only ? 0400 : 0600);
	st->st_nlink = 1;
	st->st_uid = getuid();
	st->st_gid = getgid();
	st->st_size = (off_t)evms_volume_get_size(s->volume);
	st->st_blocks = st->st_size / 512;
	st->st_blksize = (blksize_t)evms_volume_get_block_size(s->volume);
	st->st_atim = st->st_mtim = st->st_ctim = s->started;
}

static void do_init(void *user, struct fuse_conn_info *conn)
{
	(void)user;
	conn->max_write = MAX_TRANSFER;
	conn->max_background = 64;
	conn->congestion_threshold = 48;
	/* Nothing here is set-user-id: spares a request for each write. */
	conn->want |= conn->capable & FUSE_CAP_HANDLE_KILLPRIV;
}

static void do_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;

	(void)ino;
	(void)fi;
	get_stat(fuse_req_userdata(req), &st);
	fuse_reply_attr(req, &st, FOR_EVER);
}

/*
 * As a block device does: to make it shorter is accepted and changes nothing (open with O_TRUNC,
 * tools that cut an image to its file system), longer it cannot be. Times and modes are not kept.
 */
static void do_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *wanted, int set,
		       struct fuse_file_info *fi)
{
	const struct server *s = fuse_req_userdata(req);
	struct stat st;

	(void)ino;
	(void)fi;
	get_stat(s, &st);
	if (set & FUSE_SET_ATTR_SIZE && s->options->read_only)
		fuse_reply_err(req, EROFS);
	else if (set & FUSE_SET_ATTR_SIZE && wanted->st_size > st.st_size)
		fuse_reply_err(req, ENOSPC);
	else
		fuse_reply_attr(req, &st, FOR_EVER);
}

static void do_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	const struct server *s = fuse_req_userdata(req);

	(void)ino;
	if (s->options->read_only && (fi->flags & O_ACCMODE) != O_RDONLY) {
		fuse_reply_err(req, EROFS);
		return;
	}
	fi->keep_cache = 1;
	fuse_reply_open(req, fi);
}

/* A buffer for each thread, kept while it lives. */
static void *get_buffer(const struct server *s)
{
	void *p = pthread_getspecific(s->buffers);

	if (p)
		return p;
	if (posix_memalign(&p, 4096, MAX_TRANSFER) != 0)
		return NULL;
	pthread_setspecific(s->buffers, p);
	return p;
}

static void do_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		    struct fuse_file_info *fi)
{
	const struct server *s = fuse_req_userdata(req);
	uint64_t end = evms_volume_get_size(s->volume);
	void *buffer = get_buffer(s);
	int r;

	(void)ino;
	(void)fi;
	if (!buffer) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	if (offset < 0 || (uint64_t)offset >= end) {
		fuse_reply_buf(req, NULL, 0);
		return;
	}
	if (size > MAX_TRANSFER)
		size = MAX_TRANSFER;
	if (size > end - (uint64_t)offset)
		size = end - (uint64_t)offset;
	r = evms_volume_read(s->volume, buffer, size, (uint64_t)offset);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_buf(req, buffer, size);
}

static void do_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t offset,
		     struct fuse_file_info *fi)
{
	const struct server *s = fuse_req_userdata(req);
	uint64_t end = evms_volume_get_size(s->volume);
	int r;

	(void)ino;
	(void)fi;
	if (offset < 0 || (uint64_t)offset >= end) {
		fuse_reply_err(req, size ? ENOSPC : 0);
		return;
	}
	if (size > end - (uint64_t)offset)
		size = end - (uint64_t)offset;
	r = evms_volume_write(s->volume, buf, size, (uint64_t)offset);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_write(req, size);
}

static void do_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	const struct server *s = fuse_req_userdata(req);

	(void)ino;
	(void)datasync;
	(void)fi;
	fuse_reply_err(req, s->options->read_only ? 0 : -evms_volume_flush(s->volume));
}

static void do_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
			 struct fuse_file_info *fi)
{
	const struct server *s = fuse_req_userdata(req);
	uint64_t end = evms_volume_get_size(s->volume);
	uint64_t from = (uint64_t)offset, size = (uint64_t)length;
	int what = mode & ~FALLOC_FL_KEEP_SIZE;

	(void)ino;
	(void)fi;
	if (offset < 0 || length <= 0) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	if (from > end || (what != FALLOC_FL_PUNCH_HOLE && size > end - from)) {
		fuse_reply_err(req, mode & FALLOC_FL_KEEP_SIZE ? 0 : ENOSPC);
		return;
	}
	if (size > end - from)
		size = end - from;
	if (what == FALLOC_FL_PUNCH_HOLE || what == FALLOC_FL_ZERO_RANGE)
		fuse_reply_err(req, -evms_volume_zero(s->volume, from, size));
	else
		fuse_reply_err(req, what ? EOPNOTSUPP : 0);	/* all space is there already */
}

/* There is nothing but the file itself. */
static void do_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	(void)parent;
	(void)name;
	fuse_reply_err(req, ENOTDIR);
}

static const struct fuse_lowlevel_ops ops = {
	.init = do_init,
	.lookup = do_lookup,
	.getattr = do_getattr,
	.setattr = do_setattr,
	.open = do_open,
	.read = do_read,
	.write = do_write,
	.fsync = do_fsync,
	.fallocate = do_fallocate,
};

static void wake(int signal)
{
	(void)signal;			/* to be interrupted is all */
}

/* Have the kernel hand over what is only in memory maps, while requests are still served. */
static void write_back(const struct server *s)
{
	int fd;

	if (s->options->read_only)
		return;
	fd = open(s->options->mountpoint, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

/* Waits for the end: a signal, or the death of whoever started us. */
static void *wait_for_end(void *user)
{
	struct server *s = user;
	struct pollfd p[2];
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	p[0] = (struct pollfd){ .fd = signalfd(-1, &set, SFD_CLOEXEC), .events = POLLIN };
	p[1] = (struct pollfd){ .fd = s->options->life_fd, .events = POLLIN };
	while (poll(p, 2, -1) < 0 && errno == EINTR)
		;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	write_back(s);
	while (!atomic_load(&s->ended)) {
		fuse_session_exit(s->session);
		pthread_kill(s->main_thread, SIGUSR1);
		usleep(5000);
	}
	return NULL;
}

static int serve(struct server *s)
{
	struct fuse_loop_config loop = { .clone_fd = 0, .max_idle_threads = 10 };
	struct sigaction action = { .sa_handler = wake };
	pthread_t waiter;
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGUSR1, &action, NULL);
	s->main_thread = pthread_self();
	r = pthread_create(&waiter, NULL, wait_for_end, s);
	if (r)
		return -r;
	if (s->options->ready_fd >= 0) {
		dprintf(s->options->ready_fd, "ready\n");
		close(s->options->ready_fd);
		s->options->ready_fd = -1;
	}
	fuse_session_loop_mt(s->session, &loop);
	atomic_store(&s->ended, true);
	pthread_cancel(waiter);
	pthread_join(waiter, NULL);
	return 0;
}

static int run_session(struct server *s)
{
	char *argv[] = { (char *)"evms-export", (char *)"-o", NULL, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	struct stat st;
	int r = EXPORT_EXIT_FUSE;

	argv[2] = s->options->read_only ? (char *)"fsname=evms,subtype=evms,ro" :
					  (char *)"fsname=evms,subtype=evms";
	if (stat(s->options->mountpoint, &st) < 0 || !S_ISREG(st.st_mode)) {
		fail(s->options, S_ISDIR(st.st_mode) ? EISDIR : ENOENT,
		     "%s: the mount point must be a regular file", s->options->mountpoint);
		return EXPORT_EXIT_FUSE;
	}
	s->session = fuse_session_new(&args, &ops, sizeof(ops), s);
	if (!s->session) {
		fail(s->options, ENOTSUP, "FUSE cannot be had");
		return EXPORT_EXIT_FUSE;
	}
	if (fuse_session_mount(s->session, s->options->mountpoint) != 0) {
		fail(s->options, ENOTSUP, "%s: FUSE cannot mount here (is there a /dev/fuse and "
		     "fusermount3?)", s->options->mountpoint);
	} else {
		r = serve(s) < 0 ? EXPORT_EXIT_FUSE : EXPORT_EXIT_OK;
		fuse_session_unmount(s->session);
	}
	fuse_session_destroy(s->session);
	fuse_opt_free_args(&args);
	return r;
}

/* All of a file or standard input. NULL: see errno. */
static char *read_all(const char *name, size_t *length)
{
	FILE *f = strcmp(name, "-") ? fopen(name, "re") : stdin;
	size_t capacity = 0, n;
	char *text = NULL, *p;

	*length = 0;
	while (f) {
		if (capacity - *length < 65536) {
			capacity = capacity ? capacity * 2 : 131072;
			p = capacity > TABLE_MAX_TEXT * 2 ? NULL : realloc(text, capacity);
			if (!p) {
				errno = E2BIG;
				break;
			}
			text = p;
		}
		n = fread(text + *length, 1, capacity - *length, f);
		*length += n;
		if (n)
			continue;
		if (ferror(f))
			break;
		if (f != stdin)
			fclose(f);
		return text;
	}
	free(text);
	if (f && f != stdin)
		fclose(f);
	return NULL;
}

static int open_volume(const struct options *o, struct evms_volume **out)
{
	char error[512] = "", *text;
	struct table *table;
	size_t length;
	int r;

	text = read_all(o->table, &length);
	if (!text) {
		r = -errno;
		fail(o, -r, "%s: %s", o->table, strerror(-r));
		return r;
	}
	r = table_parse(text, length, &table, error, sizeof(error));
	free(text);
	if (r < 0) {
		fail(o, -r, "not a runtime table: %s", *error ? error : strerror(-r));
		return r;
	}
	r = volume_open_table_struct(table,
				     (o->read_only ? EVMS_VOLUME_READ_ONLY : 0) |
					     (o->no_lock ? VOLUME_NO_LOCK : 0),
				     NULL, error, sizeof(error), out);
	table_free(table);
	if (r < 0)
		fail(o, -r, "%s", *error ? error : strerror(-r));
	return r;
}

static int descriptor(const char *s)
{
	char *end;
	long n = strtol(s, &end, 10);

	return *s && !*end && n >= 0 && n < INT_MAX && fcntl((int)n, F_SETFD, FD_CLOEXEC) == 0 ?
		       (int)n :
		       -1;
}

/* -1 to go on, or an exit code. */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option long_options[] = {
		{ "table", required_argument, NULL, 't' },
		{ "read-only", no_argument, NULL, 'r' },
		{ "no-lock", no_argument, NULL, 'n' },
		{ "ready-fd", required_argument, NULL, 'f' },
		{ "life-fd", required_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	bool good = true;
	int c;

	while ((c = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		switch (c) {
		case 't':
			o->table = optarg;
			break;
		case 'r':
			o->read_only = true;
			break;
		case 'n':
			o->no_lock = true;
			break;
		case 'f':
			o->ready_fd = descriptor(optarg);
			good = good && o->ready_fd >= 0;
			break;
		case 'l':
			o->life_fd = descriptor(optarg);
			good = good && o->life_fd >= 0;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXPORT_EXIT_OK;
		default:
			good = false;
		}
	}
	if (!good || !o->table || argc - optind != 1) {
		fputs(usage, stderr);
		return EXPORT_EXIT_USAGE;
	}
	o->mountpoint = argv[optind];
	return -1;
}

int main(int argc, char **argv)
{
	struct options o = { .ready_fd = -1, .life_fd = -1 };
	struct server s = { .options = &o };
	int code, r;

	code = parse_options(argc, argv, &o);
	if (code >= 0)
		return code;
	if (open_volume(&o, &s.volume) < 0)
		return EXPORT_EXIT_TABLE;
	clock_gettime(CLOCK_REALTIME, &s.started);
	if (pthread_key_create(&s.buffers, free) != 0) {
		fail(&o, ENOMEM, "out of memory");
		code = EXPORT_EXIT_FUSE;
	} else {
		code = run_session(&s);
	}
	r = evms_volume_close(s.volume);
	if (r < 0) {
		fail(&o, -r, "what was written may not be on stable storage: %s", strerror(-r));
		code = EXPORT_EXIT_FLUSH;
	}
	return code;
}
