/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One run of the program: the engine, what it says meanwhile, errors, questions, plan and commit.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "cli.h"

const uint32_t kinds_to_change[] = {
	EVMS_KIND_DISK | EVMS_KIND_PARTITION | EVMS_KIND_GROUP | EVMS_KIND_REGION |
	EVMS_KIND_FEATURE,
	EVMS_KIND_VOLUME, EVMS_KIND_FREE, 0
};
const uint32_t kinds_with_data[] = {
	EVMS_KIND_VOLUME,
	EVMS_KIND_PARTITION | EVMS_KIND_REGION | EVMS_KIND_FEATURE | EVMS_KIND_DISK, 0
};

static struct evms_engine *engine_to_cancel;
volatile sig_atomic_t interrupted;

static void on_interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
	evms_engine_cancel(engine_to_cancel);
}

/* The first Ctrl-C stops what goes on in good order, the second one at once. */
static void watch_interrupts(struct evms_engine *engine)
{
	struct sigaction sa = { .sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND };

	engine_to_cancel = engine;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

/* --- what the engine says --- */

void progress_done(struct cli *c)
{
	if (c->progress_shown && isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	c->progress_shown = false;
}

static void on_message(void *user, int severity, const char *text)
{
	struct cli *c = user;

	if (severity > EVMS_SEVERITY_WARNING && !c->verbose)
		return;
	if (severity > EVMS_SEVERITY_INFO && c->verbose < 2)
		return;
	if (severity > EVMS_SEVERITY_ERROR && c->quiet)
		return;
	progress_done(c);
	fprintf(stderr, "evms: %s", severity == EVMS_SEVERITY_WARNING ? "warning: " : "");
	put_safe(stderr, text);
	putc('\n', stderr);
}

static int on_progress(void *user, const char *what, uint64_t done, uint64_t total)
{
	static struct timespec last;
	static char before[64];
	struct cli *c = user;
	bool terminal = isatty(STDERR_FILENO), another;
	struct timespec now;
	long passed;

	if (c->quiet || (!terminal && !c->progress))
		return 0;
	clock_gettime(CLOCK_MONOTONIC, &now);
	another = strncmp(before, what, sizeof(before) - 1) != 0;
	/* Nothing flickers past for what is over at once. */
	if (!last.tv_sec && !c->progress)
		last = now;
	passed = (now.tv_sec - last.tv_sec) * 1000 + (now.tv_nsec - last.tv_nsec) / 1000000;
	if (passed < (terminal ? 100 : 1000) && !(another && c->progress))
		return 0;
	last = now;
	snprintf(before, sizeof(before), "%s", what);
	fputs(terminal ? "\r\033[K" : "evms: ", stderr);
	put_safe(stderr, what);
	if (done && total)
		fprintf(stderr, " %.0f%%", 100.0 * (double)done / (double)total);
	fputs(terminal ? " ..." : "\n", stderr);
	fflush(stderr);
	c->progress_shown = true;
	return 0;
}

/* A line from the terminal; false when there is none. */
static bool ask_line(char *buf, size_t size)
{
	FILE *tty = fopen("/dev/tty", "re");
	bool got;

	if (!tty)
		return false;
	got = fgets(buf, (int)size, tty) != NULL;
	fclose(tty);
	return got;
}

static int on_question(void *user, const char *question, const char *const *answers, int count,
		       int safe)
{
	struct cli *c = user;
	char line[64];
	int i;

	if (!isatty(STDERR_FILENO))
		return safe;
	progress_done(c);
	put_safe(stderr, question);
	putc('\n', stderr);
	for (i = 0; i < count; i++)
		fprintf(stderr, "  %d  %s%s\n", i + 1, answers[i], i == safe ? " (default)" : "");
	fputs("? ", stderr);
	if (!ask_line(line, sizeof(line)))
		return safe;
	i = atoi(line);
	return i >= 1 && i <= count ? i - 1 : safe;
}

/* --- errors --- */

static int exit_code_of(int error, const char *reason)
{
	if (!strcmp(reason, "commit.partial"))
		return EXIT_PARTIAL;
	switch (error) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return EXIT_NO_ROOM;
	case EBUSY:
	case EROFS:
	case ESTALE:
	case ENOTSUP:
	case ENOSYS:
	case EPERM:
	case EACCES:
	case EEXIST:
	case ECANCELED:
		return EXIT_REFUSED;
	case EIO:
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return EXIT_FAILED;
	default:
		return EXIT_INVALID;
	}
}

/* What evms read prints is not to be mixed with what it says. */
static FILE *json_stream(const struct cli *c)
{
	return c->command && c->command->run == cmd_read ? stderr : stdout;
}

static void put_member(FILE *f, const char *key, const char *value)
{
	fprintf(f, ",\"%s\":", key);
	put_json_text(f, value);
}

/* "...: Invalid argument" and the like say nothing that the words before it do not say better. */
static void put_message(const char *message, int error)
{
	static const int empty[] = {
		EINVAL, ERANGE, EPROTO, EBADMSG, ENOTSUP, EEXIST, ESTALE, EPERM, EBUSY, ENOTBLK,
	};
	const char *words = strerror(error);
	size_t length = strlen(message), tail = strlen(words);
	char shorter[2048];

	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
		if (error != empty[i] || length < tail + 3 || length >= sizeof(shorter) ||
		    strcmp(message + length - tail, words) ||
		    strncmp(message + length - tail - 2, ": ", 2))
			continue;
		memcpy(shorter, message, length - tail - 2);
		shorter[length - tail - 2] = '\0';
		message = shorter;
		break;
	}
	put_safe(stderr, message);
}

static void say_error(struct cli *c, int exit_code, int error, const struct evms_error *e,
		      const char *reason, const char *message)
{
	FILE *f = json_stream(c);

	progress_done(c);
	if (c->json) {
		fprintf(f, "{\"schema\":\"evms.error/1\",\"exit\":%d,\"errno\":%d", exit_code,
			error);
		put_member(f, "reason", reason);
		put_member(f, "object", e ? evms_error_get_object(e) : "");
		put_member(f, "plugin", e ? evms_error_get_plugin(e) : "");
		put_member(f, "detail", e ? evms_error_get_detail(e) : message);
		put_member(f, "message", message);
		fputs("}\n", f);
	}
	fputs("evms: ", stderr);
	put_message(message, error);
	putc('\n', stderr);
}

int report(struct cli *c, int r)
{
	const struct evms_error *e = c->engine ? evms_engine_get_error(c->engine) : NULL;
	const char *reason = e ? evms_error_get_reason(e) : "";
	const char *message = e ? evms_error_get_message(e) : "";
	int exit_code = exit_code_of(-r, reason);

	/* A call that failed without a record. */
	if (!e || !evms_error_get_errno(e)) {
		reason = "cli.failed";
		message = strerror(-r);
		e = NULL;
	}
	say_error(c, exit_code, -r, e, reason, message);
	if (exit_code == EXIT_PARTIAL)
		fputs("evms: some of it was written; run the command again to finish, or look at "
		      "it with \"evms show\"\n", stderr);
	return exit_code;
}

int report_io(struct cli *c, int r, const char *name, const char *what, uint64_t offset)
{
	int exit_code = exit_code_of(-r, "");

	return complain(c, exit_code, "cli.io", "%s: cannot %s at byte %llu: %s", name, what,
			(unsigned long long)offset, strerror(-r));
}

void say_done(struct cli *c, uint64_t bytes)
{
	progress_done(c);
	if (c->json)
		fprintf(json_stream(c),
			"{\"schema\":\"evms.result/1\",\"command\":\"%s\",\"bytes\":%llu}\n",
			c->command->name, (unsigned long long)bytes);
}

void say_progress(struct cli *c, const char *what, uint64_t done, uint64_t total)
{
	on_progress(c, what, done, total);
}

int complain(struct cli *c, int exit_code, const char *reason, const char *fmt, ...)
{
	static const int errors[] = { 0, EINVAL, ENOENT, EBUSY, EIO, EIO, ENOSPC };
	char message[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	say_error(c, exit_code, errors[exit_code], NULL, reason, message);
	return exit_code;
}

int confirm(struct cli *c, const char *text)
{
	char line[64];

	if (c->yes)
		return 0;
	progress_done(c);
	if (!isatty(STDERR_FILENO))
		return complain(c, EXIT_REFUSED, "cli.confirm",
				"%s Nobody can be asked here: --yes goes ahead, --dry-run only "
				"shows", text);
	put_safe(stderr, text);
	fputs("\nGo ahead? [y/N] ", stderr);
	if (ask_line(line, sizeof(line)) && (line[0] == 'y' || line[0] == 'Y'))
		return 0;
	return complain(c, EXIT_REFUSED, "cli.confirm", "not confirmed; nothing was written");
}

/* --- the session --- */

int session_open(struct cli *c)
{
	int r;

	if (c->engine)
		return 0;
	r = evms_engine_new(&c->engine, 0);
	if (r < 0)
		return report(c, r);
	watch_interrupts(c->engine);
	evms_engine_set_message_fn(c->engine, on_message, c);
	evms_engine_set_progress_fn(c->engine, on_progress, c);
	evms_engine_set_question_fn(c->engine, on_question, c);
	if (c->plugin_path)
		r = evms_engine_set_plugin_path(c->engine, c->plugin_path);
	if (r == 0)
		r = evms_engine_load_plugins(c->engine);
	return r < 0 ? report(c, r) : 0;
}

static int add_devices(struct cli *c)
{
	int r = 0;

	if (!c->device_count) {
		c->scanned = true;
		r = evms_engine_scan_devices(c->engine);
	}
	for (size_t i = 0; r == 0 && i < c->device_count; i++) {
		r = evms_engine_add_device(c->engine, c->devices[i], c->block_size);
		if (r == -EEXIST)
			r = 0;
	}
	return r < 0 ? report(c, r) : 0;
}

int session_discover(struct cli *c)
{
	int r = session_open(c);

	if (r == 0)
		r = add_devices(c);
	if (r)
		return r;
	r = evms_engine_discover(c->engine);
	progress_done(c);
	if (r == -ENOENT && c->scanned)
		return complain(c, EXIT_USAGE, "cli.device", "which devices? Name block devices or "
				"image files, with -d DEVICE or in EVMS_DEVICES");
	return r < 0 ? report(c, r) : 0;
}

void session_close(struct cli *c)
{
	progress_done(c);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	c->engine = evms_engine_unref(c->engine);
}

static const char *nearest_name(struct cli *c, const char *name)
{
	struct evms_list *list = NULL;
	struct evms_object *o;
	const char *near = NULL;
	unsigned best = 4, distance;

	if (evms_engine_list(c->engine, EVMS_KIND_ANY & ~(EVMS_KIND_FREE | EVMS_KIND_METADATA),
			     &list) < 0)
		return NULL;
	evms_list_foreach(o, list) {
		const char *whole = evms_object_get_name(o), *last = strrchr(whole, '/');

		distance = edit_distance(name, whole);
		if (last && edit_distance(name, last + 1) < distance)
			distance = edit_distance(name, last + 1);
		if (distance < best) {
			best = distance;
			near = whole;
		}
	}
	evms_list_unref(list);		/* the model keeps the name */
	return near;
}

struct evms_object *find_object(struct cli *c, const char *name, const uint32_t *kinds,
				int *exit_code)
{
	const struct evms_error *e;
	struct evms_object *o = NULL;
	const char *near;

	for (; *kinds && !o; kinds++) {
		o = evms_engine_find(c->engine, *kinds, name);
		e = evms_engine_get_error(c->engine);
		/* More than one is no reason to look further. */
		if (!o && evms_error_get_errno(e) && evms_error_get_errno(e) != ENOENT) {
			*exit_code = report(c, -evms_error_get_errno(e));
			return NULL;
		}
	}
	if (o)
		return o;
	near = nearest_name(c, name);
	*exit_code = complain(c, EXIT_INVALID, "cli.object", "there is no \"%s\" on these devices; "
			      "%s%s%s"
			      "\"evms show\" lists what there is", name, near ? "did you mean " :
			      "",
			      near ? near : "", near ? "? " : "");
	return NULL;
}

/* --- plan and commit --- */

static void print_steps(FILE *f, const struct evms_plan *plan)
{
	const char *step;

	for (size_t i = 0; (step = evms_plan_get_step(plan, i)); i++) {
		fprintf(f, "%4zu. ", i + 1);
		put_safe(f, step);
		putc('\n', f);
	}
}

static void print_made(const struct evms_task *task)
{
	const struct evms_object *o;
	char size[SIZE_WORDS];

	for (size_t i = 0; task && (o = evms_task_get_output(task, i)); i++) {
		printf("%s ", evms_object_get_kind_name(o));
		put_safe(stdout, evms_object_get_name(o));
		printf(", %s\n", size_words(evms_object_get_size(o), size));
	}
}

static int print_result(struct cli *c, const struct evms_plan *plan, const struct evms_task *task,
			bool committed)
{
	const struct evms_object *o;
	char *json;
	int r = evms_plan_to_json(plan, &json);

	if (r < 0)
		return report(c, r);
	fputs("{\"schema\":\"evms.result/1\",\"command\":", stdout);
	put_json_text(stdout, c->command->name);
	printf(",\"changes\":%s,\"committed\":%s,\"objects\":[",
	       evms_plan_get_length(plan) ? "true" : "false", committed ? "true" : "false");
	for (size_t i = 0; task && (o = evms_task_get_output(task, i)); i++) {
		printf("%s{\"kind\":", i ? "," : "");
		put_json_text(stdout, evms_object_get_kind_name(o));
		put_member(stdout, "name", evms_object_get_name(o));
		printf(",\"size\":%llu}", (unsigned long long)evms_object_get_size(o));
	}
	printf("],\"plan\":%s}\n", json);
	free(json);
	return 0;
}

static int commit_plan(struct cli *c, const struct evms_plan *plan, const char *question)
{
	int r;

	if (question) {
		if (!c->yes && isatty(STDERR_FILENO)) {
			print_steps(stderr, plan);
			c->plan_shown = true;
		}
		r = confirm(c, question);
		if (r)
			return r;
	}
	r = evms_engine_commit(c->engine, 0);
	progress_done(c);
	return r < 0 ? report(c, r) : 0;
}

static void print_outcome(const struct cli *c, const struct evms_plan *plan,
			  const struct evms_task *task, bool committed)
{
	if (!evms_plan_get_length(plan)) {
		puts("Nothing to do: everything is as it should be.");
		return;
	}
	if (committed && c->quiet)
		return;
	if (committed)
		puts(c->plan_shown ? "Done." : "Done:");
	else
		puts("This would be done (nothing was written):");
	if (!committed || !c->plan_shown)
		print_steps(stdout, plan);
	if (committed)
		print_made(task);
}

int finish_change(struct cli *c, const char *question, struct evms_task *task)
{
	struct evms_plan *plan;
	bool commit;
	int r = evms_engine_plan(c->engine, &plan);

	progress_done(c);
	if (r < 0)
		return report(c, r);
	commit = !c->dry_run && evms_plan_get_length(plan);
	r = commit ? commit_plan(c, plan, question) : 0;
	if (r == 0 && c->json)
		r = print_result(c, plan, task, commit);
	else if (r == 0)
		print_outcome(c, plan, task, commit);
	evms_plan_unref(plan);
	return r;
}
