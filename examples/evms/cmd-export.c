/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * evms export, mount, umount: a volume as a file, through the program evms-export, and mounted by
 * way of a loop device, which needs no device-mapper.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "cli.h"

#ifndef EVMS_LIBEXECDIR
#define EVMS_LIBEXECDIR "/usr/libexec/evms"
#endif

#define RUN_DIR		"/run/evms"
#define PATH_SIZE	4096

/* Exit codes of evms-export. */
enum { EXPORT_TABLE = 2, EXPORT_FUSE = 3, EXPORT_FLUSH = 4 };

struct export {
	const char *file;
	bool made_file;			/* and so it is taken away again */
	pid_t pid;
	int life;			/* closing it ends the export; -1: it lives on without us */
};

static const char *export_program(void)
{
	const char *s = secure_getenv("EVMS_EXPORT_PROGRAM");

	return s && *s ? s : EVMS_LIBEXECDIR "/evms-export";
}

static struct evms_object *find_volume(struct cli *c, size_t words, int *exit_code)
{
	if (c->arg_count < words) {
		*exit_code = complain(c, EXIT_USAGE, "cli.arguments", "usage: evms %s %s; \"evms "
				      "help %s\" has "
				      "an example", c->command->name, c->command->arguments,
				      c->command->name);
		return NULL;
	}
	for (size_t i = words; i < c->arg_count; i++)
		c->devices[c->device_count++] = c->args[i];
	if (!c->device_count && is_path(c->args[0]))
		c->devices[c->device_count++] = c->args[0];
	*exit_code = session_discover(c);
	return *exit_code ? NULL : find_object(c, c->args[0], kinds_with_data, exit_code);
}

static int make_file(struct cli *c, struct export *e)
{
	struct stat st;
	int fd = open(e->file, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0) {
		close(fd);
		e->made_file = true;
		return 0;
	}
	if (errno != EEXIST)
		return complain(c, EXIT_INVALID, "cli.file", "%s: %s", e->file, strerror(errno));
	if (stat(e->file, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size)
		return complain(c, EXIT_REFUSED, "cli.file", "%s is there already and no empty "
				"file; name one that does not exist", e->file);
	return 0;
}

/* The table as a descriptor to read from; -1 and errno. */
static int table_file(const char *table)
{
	size_t left = strlen(table);
	int fd = memfd_create("evms-table", MFD_CLOEXEC);
	ssize_t n;

	while (fd >= 0 && left) {
		n = write(fd, table, left);
		if (n <= 0) {
			close(fd);
			return -1;
		}
		table += n;
		left -= (size_t)n;
	}
	if (fd >= 0)
		lseek(fd, 0, SEEK_SET);
	return fd;
}

/* In the child. ready and life become descriptors 3 and 4. */
static void run_export(struct cli *c, const struct export *e, int table, int ready, int life)
{
	const char *argv[12];
	sigset_t none;
	int n = 0, high_ready, high_life;

	argv[n++] = export_program();
	argv[n++] = "--table";
	argv[n++] = "-";
	argv[n++] = "--ready-fd";
	argv[n++] = "3";
	if (life >= 0) {
		argv[n++] = "--life-fd";
		argv[n++] = "4";
	}
	if (c->read_only)
		argv[n++] = "--read-only";
	argv[n++] = e->file;
	argv[n] = NULL;
	/* Ctrl-C is for us; we end the export in good order. */
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	high_ready = fcntl(ready, F_DUPFD, 10);
	high_life = life >= 0 ? fcntl(life, F_DUPFD, 10) : -1;
	dup2(table, STDIN_FILENO);
	dup2(high_ready, 3);
	if (high_life >= 0) {
		dup2(high_life, 4);
		close(high_life);
	}
	close(high_ready);
	if (life < 0) {
		/* It outlives us: nothing of our terminal or pipes may stay open. */
		int null = open("/dev/null", O_RDWR);

		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
	}
	execvp(argv[0], (char *const *)argv);
	dprintf(3, "error %d %s: %s\n", errno, argv[0], strerror(errno));
	_exit(127);
}

static int read_answer(struct cli *c, int fd)
{
	char line[512];
	size_t length = 0;
	ssize_t n;
	long error;
	char *text;

	do {
		n = read(fd, line + length, sizeof(line) - 1 - length);
		if (n > 0)
			length += (size_t)n;
	} while ((n > 0 && !memchr(line, '\n', length) && length < sizeof(line) - 1) ||
		 (n < 0 && errno == EINTR && !interrupted));
	line[length] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (!strcmp(line, "ready"))
		return 0;
	if (interrupted)
		return complain(c, EXIT_REFUSED, "cli.interrupted", "interrupted");
	if (strncmp(line, "error ", 6))
		return complain(c, EXIT_FAILED, "export.died", "%s ended without an answer",
				export_program());
	error = strtol(line + 6, &text, 10);
	if (error == ENOENT)
		return complain(c, EXIT_REFUSED, "export.missing", "%s; install it, or name it in "
				"EVMS_EXPORT_PROGRAM", *text ? text + 1 : "evms-export is not "
				"there");
	return complain(c, error == EIO ? EXIT_FAILED : EXIT_REFUSED, "export.failed", "the volume "
			"cannot be exported: %s", *text ? text + 1 : strerror((int)error));
}

static void end_export(struct export *e)
{
	int status;

	if (e->life >= 0)
		close(e->life);
	e->life = -1;
	if (e->pid > 0) {
		kill(e->pid, SIGTERM);
		while (waitpid(e->pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	e->pid = 0;
}

/* Start evms-export and wait until the file can be used. */
static int start_export(struct cli *c, struct evms_object *volume, struct export *e, bool stays)
{
	int ready[2] = { -1, -1 }, life[2] = { -1, -1 }, fd, r;
	char *table;

	r = evms_object_get_table(volume, &table);
	if (r < 0)
		return report(c, r);
	fd = table_file(table);
	free(table);
	if (fd < 0 || pipe2(ready, O_CLOEXEC) < 0 || (!stays && pipe2(life, O_CLOEXEC) < 0))
		return complain(c, EXIT_FAILED, "export.start", "cannot start evms-export: %s",
				strerror(errno));
	r = make_file(c, e);
	if (r)
		return r;
	fflush(NULL);
	e->pid = fork();
	if (e->pid == 0)
		run_export(c, e, fd, ready[1], life[0]);
	close(fd);
	close(ready[1]);
	if (!stays)
		close(life[0]);
	e->life = life[1];
	if (e->pid < 0)
		r = complain(c, EXIT_FAILED, "export.start", "cannot start evms-export: %s",
			     strerror(errno));
	else
		r = read_answer(c, ready[0]);
	close(ready[0]);
	if (r) {
		end_export(e);
		if (e->made_file)
			unlink(e->file);
	}
	return r;
}

static int exit_code_of_export(struct cli *c, int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXPORT_FLUSH)
		return complain(c, EXIT_FAILED, "export.flush", "what was written may not be on "
				"stable storage");
	if (WIFEXITED(status))
		return complain(c, EXIT_FAILED, "export.ended", "evms-export ended with %d",
				WEXITSTATUS(status));
	return complain(c, EXIT_FAILED, "export.ended", "evms-export was ended by signal %d",
			WTERMSIG(status));
}

/* Until Ctrl-C, or until somebody unmounts the file. */
static int serve(struct cli *c, struct export *e, const sigset_t *watched)
{
	int status, sig;

	for (;;) {
		pid_t pid = waitpid(e->pid, &status, e->life >= 0 ? WNOHANG : 0);

		if (pid == e->pid)
			break;
		if (pid < 0 && errno != EINTR)
			return complain(c, EXIT_FAILED, "export.wait", "waitpid: %s",
					strerror(errno));
		if (e->life < 0)
			continue;
		sig = sigwaitinfo(watched, NULL);
		if (sig > 0 && sig != SIGCHLD) {
			close(e->life);
			e->life = -1;
		}
	}
	e->pid = 0;
	return exit_code_of_export(c, status);
}

int cmd_export(struct cli *c)
{
	struct export e = { .life = -1 };
	struct evms_object *volume;
	char size[SIZE_WORDS];
	sigset_t watched;
	int r;

	volume = find_volume(c, 2, &r);
	if (!volume)
		return r;
	e.file = c->args[1];
	sigemptyset(&watched);
	sigaddset(&watched, SIGINT);
	sigaddset(&watched, SIGTERM);
	sigaddset(&watched, SIGHUP);
	sigaddset(&watched, SIGCHLD);
	r = start_export(c, volume, &e, false);
	if (r)
		return r;
	sigprocmask(SIG_BLOCK, &watched, NULL);
	if (c->json) {
		fputs("{\"schema\":\"evms.result/1\",\"command\":\"export\","
		      "\"ready\":true,\"file\":", stdout);
		put_json_text(stdout, e.file);
		puts("}");
	} else if (!c->quiet) {
		put_safe(stdout, evms_object_get_name(volume));
		printf(" is the file %s (%s) until Ctrl-C\n", e.file,
		       size_words(evms_object_get_size(volume), size));
	}
	fflush(stdout);
	r = interrupted ? (end_export(&e), 0) : serve(c, &e, &watched);
	if (e.made_file)
		unlink(e.file);
	return r;
}

/* --- mount --- */

static int run_program(const char *const *argv)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	if (pid < 0)
		return 127;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 127;
}

static int mount_file(struct cli *c, const char *file, const char *dir)
{
	char options[1024];
	const char *argv[] = { "mount", "-o", options, "--", file, dir, NULL };

	snprintf(options, sizeof(options), "loop%s%s%s", c->read_only ? ",ro" : "",
		 c->mount_options ? "," : "", c->mount_options ? c->mount_options : "");
	if (run_program(argv) == 0)
		return 0;
	return complain(c, EXIT_REFUSED, "mount.failed", "mount did not work; its own words are "
			"above");
}

static int need_root(struct cli *c)
{
	if (geteuid() == 0)
		return 0;
	return complain(c, EXIT_REFUSED, "mount.root", "%s needs root; \"evms export VOLUME FILE\" "
			"shows the volume as a file without", c->command->name);
}

/* Where the file of a mounted volume is: its name without what a path cannot have. */
static void run_path(const struct evms_object *volume, char *path, size_t size)
{
	size_t at = (size_t)snprintf(path, size, "%s/", RUN_DIR);

	for (const char *s = evms_object_get_name(volume); *s && at + 1 < size && at < 200; s++)
		path[at++] = *s == '/' ? '!' : *s;
	path[at] = '\0';
}

int cmd_mount(struct cli *c)
{
	struct export e = { .life = -1 };
	struct evms_object *volume;
	char path[PATH_SIZE];
	int r = need_root(c);

	if (r)
		return r;
	volume = find_volume(c, 2, &r);
	if (!volume)
		return r;
	if (mkdir(RUN_DIR, 0700) < 0 && errno != EEXIST)
		return complain(c, EXIT_FAILED, "mount.run", "%s: %s", RUN_DIR, strerror(errno));
	run_path(volume, path, sizeof(path));
	e.file = path;
	r = start_export(c, volume, &e, true);
	if (r)
		return r;
	r = mount_file(c, path, c->args[1]);
	if (r) {
		end_export(&e);
		unlink(path);
		return r;
	}
	say_done(c, evms_object_get_size(volume));
	return 0;
}

/* --- umount --- */

/* "\040" of /proc/self/mountinfo to the byte. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] && s[3]) {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

/* The source of the topmost mount at dir; false when nothing is mounted there. */
static bool mount_source(const char *dir, char *source, size_t size)
{
	char *line = NULL, *dash, point[PATH_SIZE], from[PATH_SIZE];
	FILE *f = fopen("/proc/self/mountinfo", "re");
	size_t room = 0;
	bool found = false;

	while (f && getline(&line, &room, f) > 0) {
		dash = strstr(line, " - ");
		if (!dash || sscanf(line, "%*s %*s %*s %*s %4095s", point) != 1 ||
		    sscanf(dash + 3, "%*s %4095s", from) != 1)
			continue;
		unescape(point);
		if (strcmp(point, dir))
			continue;
		unescape(from);
		snprintf(source, size, "%s", from);
		found = true;
	}
	free(line);
	if (f)
		fclose(f);
	return found;
}

static bool backing_file(const char *loop, char *file, size_t size)
{
	char path[PATH_SIZE + 64];
	const char *name = strrchr(loop, '/');
	FILE *f;
	bool got;

	if (strncmp(loop, "/dev/loop", 9) || !name)
		return false;
	snprintf(path, sizeof(path), "/sys/block/%s/loop/backing_file", name + 1);
	f = fopen(path, "re");
	got = f && fgets(file, (int)size, f);
	if (got)
		file[strcspn(file, "\n")] = '\0';
	if (f)
		fclose(f);
	return got;
}

/* The loop device lets go of the file a moment after its file system is unmounted. */
static int end_file(struct cli *c, const char *file)
{
	static const struct timespec moment = { 0, 50 * 1000 * 1000 };
	const char *argv[] = { "umount", "--", file, NULL };
	int tries, r = 1;

	for (tries = 0; r && tries < 100; tries++) {
		int saved = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		if (null >= 0 && saved >= 0 && tries < 99)
			dup2(null, STDERR_FILENO);
		r = run_program(argv);
		if (saved >= 0)
			dup2(saved, STDERR_FILENO);
		close(saved);
		close(null);
		if (r)
			nanosleep(&moment, NULL);
	}
	if (r)
		return complain(c, EXIT_REFUSED, "umount.busy", "%s is still in use", file);
	unlink(file);
	return 0;
}

int cmd_umount(struct cli *c)
{
	char source[PATH_SIZE], file[PATH_SIZE];
	const char *argv[] = { "umount", "--", NULL, NULL };
	char *dir;
	bool ours;
	int r = need_root(c);

	if (r)
		return r;
	if (c->arg_count != 1)
		return complain(c, EXIT_USAGE, "cli.arguments", "usage: evms umount DIRECTORY");
	dir = realpath(c->args[0], NULL);
	if (!dir || !mount_source(dir, source, sizeof(source))) {
		free(dir);
		return complain(c, EXIT_INVALID, "umount.nothing", "nothing is mounted at %s",
				c->args[0]);
	}
	ours = backing_file(source, file, sizeof(file)) && !strncmp(file, RUN_DIR "/",
								    strlen(RUN_DIR) + 1);
	if (!ours) {
		r = complain(c, EXIT_REFUSED, "umount.other", "%s was not mounted by \"evms "
			     "mount\"; use umount",
			     c->args[0]);
	} else {
		argv[2] = dir;
		r = run_program(argv) ? complain(c, EXIT_REFUSED, "umount.failed",
						 "umount did not work; its own words are above") :
						 0;
	}
	free(dir);
	if (!r)
		r = end_file(c, file);
	if (!r)
		say_done(c, 0);
	return r;
}
