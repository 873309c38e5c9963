/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* evms: what the files of the command-line client share. It uses nothing but <evms/evms.h>. */
#ifndef CLI_H
#define CLI_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <evms/evms.h>

/* Exit codes, documented in evms(1). */
enum {
	EXIT_OK = 0,
	EXIT_USAGE = 1,			/* the command line is wrong */
	EXIT_INVALID = 2,		/* not found, or the input is wrong */
	EXIT_REFUSED = 3,		/* in use, not offered, not allowed, or not confirmed */
	EXIT_FAILED = 4,		/* I/O failed, or memory ran out */
	EXIT_PARTIAL = 5,		/* a commit stopped half-way */
	EXIT_NO_ROOM = 6,		/* it does not fit */
};

struct pair {				/* an option for a plug-in */
	char *key, *value;
};

struct cli {
	const struct command *command;
	/* From the command line; each list has room for all arguments. */
	const char **args;		/* neither option nor key=value */
	size_t arg_count;
	const char **devices;
	size_t device_count;
	struct pair *pairs;
	size_t pair_count;
	char *environment;		/* a copy of EVMS_DEVICES, cut into words */
	bool devices_given;		/* by -d or the environment */
	bool json, tree, dot, all, dry_run, yes, quiet, progress, read_only, help, version;
	unsigned verbose;
	uint32_t block_size;
	uint64_t offset, length;
	bool has_length;
	const char *plugin, *plugin_path, *mount_options;
	/* The session. */
	struct evms_engine *engine;
	bool unicode, scanned, progress_shown, plan_shown;
};

/* What a command takes besides the options that all take. */
#define TAKES_PAIRS	(1u << 0)	/* key=value and --key value, for plug-ins */
#define TAKES_VIEW	(1u << 1)	/* --tree --dot --all */
#define TAKES_CHANGE	(1u << 2)	/* --dry-run --yes --plugin */
#define TAKES_RANGE	(1u << 3)	/* --offset --length */
#define TAKES_YES	(1u << 4)	/* --yes */
#define TAKES_READ_ONLY	(1u << 5)	/* --read-only */
#define TAKES_MOUNT	(1u << 6)	/* -o OPTIONS */

struct command {
	const char *name, *arguments, *summary, *help;
	int (*run)(struct cli *c);
	uint32_t takes;
	uint32_t op;			/* commands of one operation */
};

extern const struct command commands[];
const struct command *find_command(const char *name);

/* options.c: 0, or an exit code after saying what is wrong */
int parse_options(struct cli *c, int argc, char **argv);
void free_options(struct cli *c);
/* The options of a command, one "name", "takes a value", "help" at a time; NULL ends. */
struct flag {
	const char *name;
	char letter;
	const char *value, *help;
	uint32_t takes;			/* the commands with one of these; 0: all */
};
extern const struct flag flags[];

/* session.c: exit codes */
int session_open(struct cli *c);		/* an engine that knows its plug-ins */
int session_discover(struct cli *c);		/* the same, and the model of the devices */
void session_close(struct cli *c);
/* Say what the engine's last error was; r: what was returned. */
int report(struct cli *c, int r);
/* Say an error of our own. */
int complain(struct cli *c, int exit_code, const char *reason, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The runtime failed: "NAME: cannot WHAT at byte OFFSET: ..." */
int report_io(struct cli *c, int r, const char *name, const char *what, uint64_t offset);
void say_done(struct cli *c, uint64_t bytes);
void say_progress(struct cli *c, const char *what, uint64_t done, uint64_t total);
extern volatile sig_atomic_t interrupted;
/* Allowed to destroy what text says? 0 or an exit code. */
int confirm(struct cli *c, const char *text);
/* The object of that name, kinds tried in turn (0 ends); NULL after a complaint in *exit_code. */
struct evms_object *find_object(struct cli *c, const char *name, const uint32_t *kinds,
				int *exit_code);
extern const uint32_t kinds_to_change[], kinds_with_data[];
/*
 * Plan, show the plan, ask when question is not NULL, commit. task: whose results are told, or
 * NULL.
 */
int finish_change(struct cli *c, const char *question, struct evms_task *task);
void progress_done(struct cli *c);
bool is_path(const char *s);
/* The disk of a device or image file that was given; NULL for none. */
struct evms_object *disk_of_path(struct cli *c, const char *path);
/* The file-system module for a type; *type is the value for its option "type", or NULL. */
const struct evms_plugin *find_module(struct cli *c, const char *name, const char **type);

/* words.c */
#define SIZE_WORDS	32
const char *size_words(uint64_t bytes, char *buf);
bool parse_bytes(const char *s, uint64_t *out);
unsigned edit_distance(const char *a, const char *b);
void put_json_text(FILE *f, const char *s);
/* For terminals: control characters become '?'. */
void put_safe(FILE *f, const char *s);
size_t columns_of(const char *s);
const char *type_words(const struct evms_option *o);
/* The states as "read-only, damaged"; "" for none worth telling. */
const char *state_words(uint32_t state, char *buf, size_t size);
#define STATE_WORDS	160

/* The object under a volume, the volume on an object, and who uses it. NULL for none. */
struct evms_object *volume_on(const struct evms_object *o);
struct evms_object *user_of(const struct evms_object *o);

int show_tree(struct cli *c);
int show_dot(struct cli *c);

int cmd_show(struct cli *c);
int cmd_plan(struct cli *c);
int cmd_apply(struct cli *c);
int cmd_change(struct cli *c);
int cmd_read(struct cli *c);
int cmd_write(struct cli *c);
int cmd_export(struct cli *c);
int cmd_mount(struct cli *c);
int cmd_umount(struct cli *c);
int cmd_plugins(struct cli *c);
int cmd_completion(struct cli *c);
int cmd_help(struct cli *c);
int show_help(struct cli *c, const struct command *command, const char *plugin);

#endif
