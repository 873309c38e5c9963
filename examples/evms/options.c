/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line: options of ours, options for plug-ins, and the rest. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "cli.h"

const struct flag flags[] = {
	{ "device", 'd', "DEVICE", "look at this device or image file; may be given again", 0 },
	{ "block-size", 0, "N", "logical block size of image files, in bytes", 0 },
	{ "json", 0, NULL, "print JSON (docs/json.md)", 0 },
	{ "plugin-path", 0, "DIRS", "look for plug-ins there (separated by ':')", 0 },
	{ "progress", 0, NULL, "tell progress on standard error, also when it is no terminal", 0 },
	{ "quiet", 'q', NULL, "no warnings, no progress", 0 },
	{ "verbose", 'v', NULL, "more messages; twice for all of them", 0 },
	{ "help", 'h', NULL, "explain the command and stop", 0 },
	{ "version", 0, NULL, "print the version and stop", 0 },
	{ "tree", 0, NULL, "print a tree (the default)", TAKES_VIEW },
	{ "dot", 0, NULL, "print a graph for graphviz", TAKES_VIEW },
	{ "all", 'a', NULL, "every piece of metadata and free space by itself", TAKES_VIEW },
	{ "dry-run", 'n', NULL, "show the plan and stop; nothing can be written", TAKES_CHANGE },
	{ "yes", 'y', NULL, "do not ask before something is lost", TAKES_CHANGE | TAKES_YES },
	{ "plugin", 0, "NAME", "the plug-in that is to do it", TAKES_CHANGE },
	{ "offset", 0, "SIZE", "begin there", TAKES_RANGE },
	{ "length", 0, "SIZE", "so many bytes", TAKES_RANGE },
	{ "read-only", 'r', NULL, "refuse every write", TAKES_READ_ONLY },
	{ "options", 'o', "LIST", "options for mount(8)", TAKES_MOUNT },
	{ .name = NULL }
};

bool is_path(const char *s)
{
	struct stat st;

	return stat(s, &st) == 0;
}

static bool applies(const struct cli *c, const struct flag *f)
{
	return !f->takes || (c->command && c->command->takes & f->takes);
}

static const struct flag *find_flag(const struct cli *c, const char *name, size_t length)
{
	for (const struct flag *f = flags; f->name; f++)
		if (!strncmp(f->name, name, length) && !f->name[length] && applies(c, f))
			return f;
	return NULL;
}

static const struct flag *find_letter(const struct cli *c, char letter)
{
	for (const struct flag *f = flags; f->name; f++)
		if (f->letter == letter && applies(c, f))
			return f;
	return NULL;
}

static int set_size(struct cli *c, const char *name, const char *value, uint64_t *out)
{
	if (parse_bytes(value, out))
		return 0;
	return complain(c, EXIT_USAGE, "cli.value", "--%s: \"%s\" is no size; write 4096, 4K or "
			"2MiB",
			name, value);
}

static int set_block_size(struct cli *c, const char *value)
{
	uint64_t n;

	if (!parse_bytes(value, &n) || n < 512 || n > 65536 || n & (n - 1))
		return complain(c, EXIT_USAGE, "cli.value", "--block-size: \"%s\" is none of 512, "
				"1024, 2048, ... 65536", value);
	c->block_size = (uint32_t)n;
	return 0;
}

static int set_flag(struct cli *c, const struct flag *f, const char *value)
{
	const struct {
		const char *name;
		bool *flag;
	} booleans[] = {
		{ "json", &c->json }, { "tree", &c->tree }, { "dot", &c->dot }, { "all", &c->all },
		{ "dry-run", &c->dry_run }, { "yes", &c->yes }, { "quiet", &c->quiet },
		{ "progress", &c->progress }, { "read-only", &c->read_only }, { "help", &c->help },
		{ "version", &c->version },
	};

	for (size_t i = 0; i < sizeof(booleans) / sizeof(booleans[0]); i++) {
		if (!strcmp(f->name, booleans[i].name)) {
			*booleans[i].flag = true;
			return 0;
		}
	}
	if (!strcmp(f->name, "verbose")) {
		c->verbose++;
	} else if (!strcmp(f->name, "device")) {
		c->devices[c->device_count++] = value;
		c->devices_given = true;
	} else if (!strcmp(f->name, "plugin-path")) {
		c->plugin_path = value;
	} else if (!strcmp(f->name, "plugin")) {
		c->plugin = value;
	} else if (!strcmp(f->name, "options")) {
		c->mount_options = value;
	} else if (!strcmp(f->name, "block-size")) {
		return set_block_size(c, value);
	} else if (!strcmp(f->name, "offset")) {
		return set_size(c, f->name, value, &c->offset);
	} else if (!strcmp(f->name, "length")) {
		c->has_length = true;
		return set_size(c, f->name, value, &c->length);
	}
	return 0;
}

static int add_pair(struct cli *c, const char *key, size_t length, const char *value)
{
	struct pair *p = &c->pairs[c->pair_count];

	p->key = strndup(key, length);
	p->value = strdup(value);
	if (!p->key || !p->value)
		return complain(c, EXIT_FAILED, "cli.memory", "out of memory");
	c->pair_count++;
	return 0;
}

/* Length of the key in "key=value", 0 when it is something else. */
static size_t key_length(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return s[n] == '=' && islower((unsigned char)*s) ? n : 0;
}

static int unknown_flag(struct cli *c, const char *arg)
{
	const struct flag *near = NULL;
	unsigned best = 3, distance;

	for (const struct flag *f = flags; f->name; f++) {
		distance = applies(c, f) ? edit_distance(arg + 2, f->name) : 99;
		if (distance < best) {
			best = distance;
			near = f;
		}
	}
	return complain(c, EXIT_USAGE, "cli.option", "%s: unknown option; %s%s%s\"evms %s --help\" "
			"lists "
			"those there are", arg, near ? "did you mean --" : "", near ? near->name :
			"",
			near ? "? " : "", c->command ? c->command->name : "");
}

/* argv[*i] begins with "--". */
static int parse_long(struct cli *c, char **argv, int *i)
{
	const char *arg = argv[*i], *equals = strchr(arg, '='), *value = equals ? equals + 1 : NULL;
	size_t length = equals ? (size_t)(equals - arg - 2) : strlen(arg + 2);
	const struct flag *f = find_flag(c, arg + 2, length);

	if (f) {
		if (f->value && !value)
			value = argv[*i + 1] ? argv[++*i] : NULL;
		if (f->value && !value)
			return complain(c, EXIT_USAGE, "cli.value", "--%s needs a value (%s)",
					f->name,
					f->value);
		if (!f->value && equals)
			return complain(c, EXIT_USAGE, "cli.value", "--%s takes no value", f->name);
		return set_flag(c, f, value);
	}
	if (!c->command || !(c->command->takes & TAKES_PAIRS) || !islower((unsigned char)arg[2]))
		return unknown_flag(c, arg);
	if (!value)
		value = argv[*i + 1] && strncmp(argv[*i + 1], "--", 2) ? argv[++*i] : "yes";
	return add_pair(c, arg + 2, length, value);
}

/* argv[*i] begins with one "-". */
static int parse_letters(struct cli *c, char **argv, int *i)
{
	const char *at = argv[*i] + 1, *value;
	const struct flag *f;
	int r;

	for (; *at; at++) {
		f = find_letter(c, *at);
		if (!f)
			return complain(c, EXIT_USAGE, "cli.option", "-%c: unknown option; \"evms "
					"%s --help\" lists those there are", *at, c->command ?
					c->command->name : "");
		value = NULL;
		if (f->value) {
			value = at[1] ? at + 1 : argv[*i + 1] ? argv[++*i] : NULL;
			if (!value)
				return complain(c, EXIT_USAGE, "cli.value", "-%c needs a value "
						"(%s)", *at,
						f->value);
		}
		r = set_flag(c, f, value);
		if (r || f->value)
			return r;
	}
	return 0;
}

static int parse_word(struct cli *c, const char *arg)
{
	size_t key = c->command->takes & TAKES_PAIRS ? key_length(arg) : 0;

	if (key && !is_path(arg))
		return add_pair(c, arg, key, arg + key + 1);
	c->args[c->arg_count++] = arg;
	return 0;
}

static int unknown_command(struct cli *c, const char *name)
{
	const struct command *near = NULL;
	unsigned best = 3, distance;

	for (const struct command *k = commands; k->name; k++) {
		distance = edit_distance(name, k->name);
		if (distance < best) {
			best = distance;
			near = k;
		}
	}
	return complain(c, EXIT_USAGE, "cli.command", "there is no command \"%s\"; %s%s%s\"evms "
			"help\" lists "
			"those there are", name, near ? "did you mean " : "", near ? near->name :
			"",
			near ? "? " : "");
}

static int take_environment(struct cli *c, size_t room)
{
	const char *devices = getenv("EVMS_DEVICES");
	char *word, *save = NULL;

	if (c->device_count || !devices || !*devices)
		return 0;
	c->environment = strdup(devices);
	/* A word needs two bytes but for the last. */
	free(c->devices);
	c->devices = c->environment ? calloc(strlen(devices) / 2 + 2 + room, sizeof(*c->devices)) :
	NULL;
	if (!c->devices)
		return complain(c, EXIT_FAILED, "cli.memory", "out of memory");
	for (word = strtok_r(c->environment, " \t\n", &save); word; word = strtok_r(NULL, " \t\n",
			&save))
		c->devices[c->device_count++] = word;
	c->devices_given = c->device_count > 0;
	return 0;
}

int parse_options(struct cli *c, int argc, char **argv)
{
	size_t room = (size_t)argc + 1;
	bool plain = false;
	int r = 0;

	c->args = calloc(room, sizeof(*c->args));
	c->devices = calloc(room, sizeof(*c->devices));
	c->pairs = calloc(room, sizeof(*c->pairs));
	if (!c->args || !c->devices || !c->pairs)
		return complain(c, EXIT_FAILED, "cli.memory", "out of memory");
	/* How errors are told, also those of what stands before it. */
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		c->json |= !strcmp(argv[i], "--json");
	for (int i = 1; i < argc && r == 0; i++) {
		if (!plain && !strcmp(argv[i], "--")) {
			plain = true;
		} else if (!plain && !strncmp(argv[i], "--", 2)) {
			r = parse_long(c, argv, &i);
		} else if (!plain && argv[i][0] == '-' && isalpha((unsigned char)argv[i][1])) {
			r = parse_letters(c, argv, &i);
		} else if (!c->command) {
			c->command = find_command(argv[i]);
			if (!c->command)
				r = unknown_command(c, argv[i]);
		} else {
			r = parse_word(c, argv[i]);
		}
	}
	return r ? r : take_environment(c, room);
}

void free_options(struct cli *c)
{
	for (size_t i = 0; i < c->pair_count; i++) {
		free(c->pairs[i].key);
		free(c->pairs[i].value);
	}
	free(c->pairs);
	free(c->devices);
	free(c->args);
	free(c->environment);
}
