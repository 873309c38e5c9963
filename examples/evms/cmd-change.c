/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The commands that are one operation: create, delete, expand, ... Plug-ins describe their
 * options.
 */
#include <errno.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "cli.h"

#define QUESTION_SIZE	512

struct change {
	const char *plugin, *type;	/* type: option of a file-system module, from its name */
	const char **inputs;
	size_t input_count;
	const char *size, *name;	/* given without a key */
};

struct evms_object *disk_of_path(struct cli *c, const char *path)
{
	struct evms_object *o, *found = NULL;
	struct evms_list *list;
	struct stat wanted, st;

	if (stat(path, &wanted) < 0 || evms_engine_list(c->engine, EVMS_KIND_DISK, &list) < 0)
		return NULL;
	evms_list_foreach(o, list) {
		if (stat(evms_object_get_path(o), &st) < 0 || (st.st_mode &
							       S_IFMT) != (wanted.st_mode & S_IFMT))
			continue;
		if (S_ISBLK(st.st_mode) ? st.st_rdev == wanted.st_rdev :
		    st.st_dev == wanted.st_dev && st.st_ino == wanted.st_ino)
			found = o;
	}
	evms_list_unref(list);		/* the model keeps the disk */
	return found;
}

/* Is word one of "a|b|c"? */
static bool is_choice(const char *choices, const char *word)
{
	size_t n = strlen(word);

	while (choices && *choices) {
		if (!strncmp(choices, word, n) && (!choices[n] || choices[n] == '|'))
			return true;
		choices = strchr(choices, '|');
		choices += choices ? 1 : 0;
	}
	return false;
}

const struct evms_plugin *find_module(struct cli *c, const char *name, const char **type)
{
	const struct evms_option *o;
	const struct evms_plugin *p;

	*type = NULL;
	for (size_t i = 0; (p = evms_engine_get_plugin(c->engine, i)); i++) {
		if (evms_plugin_get_role(p) != EVMS_ROLE_FILE_SYSTEM)
			continue;
		for (size_t k = 0; (o = evms_plugin_get_option(p, k)); k++) {
			if (!strcmp(o->name, "type") && o->choices && is_choice(o->choices, name)) {
				*type = name;
				return p;
			}
		}
		if (!strcmp(evms_plugin_get_name(p), name))
			return p;
	}
	return NULL;
}

static bool needs_plugin(uint32_t op)
{
	return op == EVMS_OP_CREATE || op == EVMS_OP_ASSIGN || op == EVMS_OP_MKFS;
}

static bool is_resize(uint32_t op)
{
	return op == EVMS_OP_EXPAND || op == EVMS_OP_SHRINK;
}

static bool has_pair(const struct cli *c, const char *key)
{
	for (size_t i = 0; i < c->pair_count; i++)
		if (!strcmp(c->pairs[i].key, key))
			return true;
	return false;
}

static bool looks_like_size(const char *s)
{
	return isdigit((unsigned char)s[*s == '+' || *s == '-']);
}

static bool takes_as_name(const struct cli *c, const struct change *ch)
{
	return c->command->op == EVMS_OP_RENAME && ch->input_count == 1 && !ch->name &&
	       !has_pair(c, "name");
}

static bool takes_as_size(const struct cli *c, const struct change *ch, const char *arg)
{
	return is_resize(c->command->op) && ch->input_count == 1 && !ch->size && !has_pair(c,
			"size") &&
	       looks_like_size(arg) && !is_path(arg);
}

/*
 * Sort the words into objects and devices. The first word is an object, but for create, where a
 * path is a device. A path stands for its disk when no device is named besides.
 */
static void sort_words(struct cli *c, struct change *ch, size_t i)
{
	size_t first_device = c->device_count;

	for (; i < c->arg_count; i++) {
		const char *arg = c->args[i];
		bool object = c->devices_given || !is_path(arg) ||
			      (!ch->input_count && c->command->op != EVMS_OP_CREATE);

		if (takes_as_name(c, ch))
			ch->name = arg;
		else if (takes_as_size(c, ch, arg))
			ch->size = arg;
		else if (object)
			ch->inputs[ch->input_count++] = arg;
		else
			c->devices[c->device_count++] = arg;
	}
	if (!ch->input_count)
		for (i = first_device; i < c->device_count; i++)
			ch->inputs[ch->input_count++] = c->devices[i];
	for (i = 0; !c->device_count && i < ch->input_count && is_path(ch->inputs[i]); i++)
		;
	if (!c->device_count && i == ch->input_count)
		for (i = 0; i < ch->input_count; i++)
			c->devices[c->device_count++] = ch->inputs[i];
}

static int check_plugin(struct cli *c, struct change *ch)
{
	const struct evms_plugin *p, *near = NULL;
	uint32_t op = c->command->op;
	unsigned best = 3, distance;

	if (!ch->plugin)
		return 0;
	p = op == EVMS_OP_MKFS ? find_module(c, ch->plugin, &ch->type) :
	    evms_engine_find_plugin(c->engine, ch->plugin);
	if (p) {
		ch->plugin = evms_plugin_get_name(p);
		return 0;
	}
	for (size_t i = 0; (p = evms_engine_get_plugin(c->engine, i)); i++) {
		distance = edit_distance(ch->plugin, evms_plugin_get_name(p));
		if (evms_plugin_get_ops(p) & EVMS_OP_BIT(op) && distance < best) {
			best = distance;
			near = p;
		}
	}
	return complain(c, EXIT_INVALID, "cli.plugin", "there is no plug-in \"%s\"; %s%s%s\"evms "
			"plugins\" lists those there are", ch->plugin, near ? "did you mean " : "",
			near ? evms_plugin_get_name(near) : "", near ? "? " : "");
}

static struct evms_object *find_input(struct cli *c, const char *name, int *exit_code)
{
	static const uint32_t volumes_first[] = {
		EVMS_KIND_VOLUME, EVMS_KIND_PARTITION | EVMS_KIND_REGION | EVMS_KIND_FEATURE,
		EVMS_KIND_DISK, 0
	};
	uint32_t op = c->command->op;
	bool volume = op == EVMS_OP_MKFS || op == EVMS_OP_CHECK || op == EVMS_OP_UNMKFS;
	struct evms_object *o = is_path(name) ? disk_of_path(c, name) : NULL;

	return o ? o : find_object(c, name, volume ? volumes_first : kinds_to_change, exit_code);
}

static int add_inputs(struct cli *c, const struct change *ch, struct evms_task *t)
{
	struct evms_object *o;
	int r = 0, exit_code = 0;

	for (size_t i = 0; r == 0 && i < ch->input_count; i++) {
		o = find_input(c, ch->inputs[i], &exit_code);
		if (!o)
			return exit_code;
		r = evms_task_add_input(t, o);
	}
	return r < 0 ? report(c, r) : 0;
}

static int set_options(struct cli *c, const struct change *ch, struct evms_task *t)
{
	int r = 0;

	if (ch->type && !has_pair(c, "type"))
		r = evms_task_set(t, "type", ch->type);
	if (r == 0 && ch->size)
		r = evms_task_set(t, "size", ch->size);
	if (r == 0 && ch->name)
		r = evms_task_set(t, "name", ch->name);
	for (size_t i = 0; r == 0 && i < c->pair_count; i++)
		r = evms_task_set(t, c->pairs[i].key, c->pairs[i].value);
	return r < 0 ? report(c, r) : 0;
}

static void describe(const struct evms_object *o, char *buf, size_t size)
{
	const struct evms_object *volume = volume_on(o);
	char words[SIZE_WORDS];

	if (!volume)
		volume = o;
	snprintf(buf, size, "%s %s (%s%s%s)", evms_object_get_kind_name(o), evms_object_get_name(o),
		 size_words(evms_object_get_size(o), words), evms_object_get_fs_type(volume)[0] ?
		 ", " : "",
		 evms_object_get_fs_type(volume));
}

/* Something that nobody claims may be on an input all the same. */
static bool has_unknown_data(const struct cli *c, const struct change *ch, char *buf, size_t size)
{
	const uint32_t kinds[] = {
		EVMS_KIND_DISK | EVMS_KIND_PARTITION | EVMS_KIND_REGION | EVMS_KIND_FEATURE, 0
	};
	struct evms_object *o;
	char *signature;
	bool found = false;

	for (size_t i = 0; !found && i < ch->input_count; i++) {
		o = evms_engine_find(c->engine, kinds[0], ch->inputs[i]);
		if (!o || evms_object_get_manager(o)[0] || evms_object_probe_signature(o, &signature) < 0)
			continue;
		found = signature[0];
		if (found)
			snprintf(buf, size, "%s %s holds %s, which will be lost.",
				 evms_object_get_kind_name(o), evms_object_get_name(o), signature);
		free(signature);
	}
	return found;
}

/* The question to ask before the commit, made before the task runs; "" for none. */
static void make_question(struct cli *c, const struct change *ch, char *buf, size_t size)
{
	static const uint32_t destructive = EVMS_OP_BIT(EVMS_OP_DELETE) |
	EVMS_OP_BIT(EVMS_OP_UNASSIGN) |
					    EVMS_OP_BIT(EVMS_OP_UNMKFS) | EVMS_OP_BIT(EVMS_OP_WIPE);
	static const uint32_t covering = EVMS_OP_BIT(EVMS_OP_CREATE) | EVMS_OP_BIT(EVMS_OP_ASSIGN) |
					 EVMS_OP_BIT(EVMS_OP_MKFS);
	char what[QUESTION_SIZE / 2];
	struct evms_object *o;
	int ignored;

	buf[0] = '\0';
	if (EVMS_OP_BIT(c->command->op) & destructive) {
		o = find_input(c, ch->inputs[0], &ignored);
		if (!o)
			return;
		describe(o, what, sizeof(what));
		snprintf(buf, size, "%s %s: what is on it will be lost.", c->command->name, what);
	} else if (EVMS_OP_BIT(c->command->op) & covering) {
		has_unknown_data(c, ch, buf, size);
	}
}

static int run_task(struct cli *c, const struct change *ch)
{
	char question[QUESTION_SIZE];
	struct evms_task *t;
	int r = evms_task_new(c->engine, ch->plugin, c->command->op, &t);

	if (r < 0)
		return report(c, r);
	r = add_inputs(c, ch, t);
	if (!r)
		r = set_options(c, ch, t);
	if (!r)
		make_question(c, ch, question, sizeof(question));
	if (!r) {
		r = evms_task_run(t);
		r = r < 0 ? report(c, r) : 0;
	}
	if (!r)
		r = finish_change(c, question[0] ? question : NULL, t);
	evms_task_unref(t);
	return r;
}

int cmd_change(struct cli *c)
{
	struct change ch = { .plugin = c->plugin };
	size_t first = 0;
	int r;

	if (needs_plugin(c->command->op) && !c->plugin && c->arg_count)
		ch.plugin = c->args[first++];
	ch.inputs = calloc(c->arg_count + c->device_count + 1, sizeof(*ch.inputs));
	if (!ch.inputs)
		return complain(c, EXIT_FAILED, "cli.memory", "out of memory");
	sort_words(c, &ch, first);
	if (!ch.input_count || (needs_plugin(c->command->op) && !ch.plugin))
		r = complain(c, EXIT_USAGE, "cli.arguments", "usage: evms %s %s; \"evms help %s\" "
			     "has examples",
			     c->command->name, c->command->arguments, c->command->name);
	else
		r = session_open(c);
	if (!r)
		r = check_plugin(c, &ch);
	if (!r)
		r = session_discover(c);
	if (!r)
		r = run_task(c, &ch);
	free(ch.inputs);
	return r;
}
