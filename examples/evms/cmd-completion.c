/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * evms completion: scripts for shells, which ask "evms completion words -- WORD..." for what may
 * follow.
 */
#include <string.h>
#include "cli.h"

static const char bash_script[] =
	"# bash completion for evms: eval \"$(evms completion bash)\"\n"
	"_evms() {\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} words\n"
	"\twords=$(evms completion words -- \"${COMP_WORDS[@]:1:COMP_CWORD-1}\" 2>/dev/null)\n"
	"\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\") $(compgen -f -- \"$cur\"))\n"
	"\t[[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n"
	"}\n"
	"complete -o filenames -F _evms evms\n";

static const char zsh_script[] =
	"#compdef evms\n"
	"# zsh completion for evms: eval \"$(evms completion zsh)\"\n"
	"_evms() {\n"
	"\tlocal -a list keys rest\n"
	"\tlist=(${(f)\"$(evms completion words -- ${words[2,CURRENT-1]} 2>/dev/null)\"})\n"
	"\tkeys=(${(M)list:#*=}); rest=(${list:#*=})\n"
	"\tcompadd -S '' -- $keys\n"
	"\tcompadd -- $rest\n"
	"\t_files\n"
	"}\n"
	"compdef _evms evms\n";

static bool wants_plugin(const struct command *k)
{
	return k->takes & TAKES_PAIRS &&
	       (k->op == EVMS_OP_CREATE || k->op == EVMS_OP_ASSIGN || k->op == EVMS_OP_MKFS);
}

static void put_flag_words(const struct command *k)
{
	for (const struct flag *f = flags; f->name; f++)
		if (!f->takes || f->takes & k->takes)
			printf("--%s\n", f->name);
}

static void put_keys(const struct evms_plugin *p, uint32_t op)
{
	const struct evms_option *o;

	for (size_t i = 0; (o = evms_plugin_get_option(p, i)); i++)
		if (o->ops & EVMS_OP_BIT(op))
			printf("%s=\n", o->name);
}

/* "ext4" of "ext2|ext3|ext4" is as good as the name of the module. */
static void put_types(const struct evms_plugin *p)
{
	const struct evms_option *o;

	for (size_t i = 0; (o = evms_plugin_get_option(p, i)); i++) {
		if (strcmp(o->name, "type") || !o->choices || !(o->ops & EVMS_OP_BIT(EVMS_OP_MKFS)))
			continue;
		for (const char *s = o->choices; *s; s++)
			putchar(*s == '|' ? '\n' : *s);
		putchar('\n');
	}
}

static void put_plugins(struct cli *c, uint32_t op)
{
	const struct evms_plugin *p;

	for (size_t i = 0; (p = evms_engine_get_plugin(c->engine, i)); i++) {
		if (op != EVMS_OP_COUNT && !(evms_plugin_get_ops(p) & EVMS_OP_BIT(op)))
			continue;
		puts(evms_plugin_get_name(p));
		if (op == EVMS_OP_MKFS)
			put_types(p);
	}
}

/* The options of the plug-in that was named, or of all that offer the operation. */
static void put_all_keys(struct cli *c, const struct command *k)
{
	const struct evms_plugin *p;
	const char *type;

	if (wants_plugin(k)) {
		p = evms_engine_find_plugin(c->engine, c->args[2]);
		if (!p)
			p = find_module(c, c->args[2], &type);
		if (p)
			put_keys(p, k->op);
		return;
	}
	for (size_t i = 0; (p = evms_engine_get_plugin(c->engine, i)); i++)
		if (evms_plugin_get_ops(p) & EVMS_OP_BIT(k->op))
			put_keys(p, k->op);
}

static bool works_on_objects(const struct command *k)
{
	return k->op != EVMS_OP_COUNT || k->run == cmd_read || k->run == cmd_write ||
	       k->run == cmd_export || k->run == cmd_mount;
}

/* Only of devices that were named: nobody waits for a look at the whole system. */
static void put_objects(struct cli *c)
{
	struct evms_list *list;
	struct evms_object *o;

	for (size_t i = 2; i + 1 < c->arg_count; i++)
		if (!strcmp(c->args[i], "-d") || !strcmp(c->args[i], "--device"))
			c->devices[c->device_count++] = c->args[i + 1];
	if (!c->device_count || session_discover(c) ||
	    evms_engine_list(c->engine, EVMS_KIND_DISK | EVMS_KIND_PARTITION | EVMS_KIND_GROUP |
			     EVMS_KIND_REGION | EVMS_KIND_FEATURE, &list) < 0)
		return;
	evms_list_foreach(o, list) {
		put_safe(stdout, evms_object_get_name(o));
		putchar('\n');
	}
	evms_list_unref(list);
}

static void put_command_words(struct cli *c, const struct command *k)
{
	bool plugin_first = wants_plugin(k);

	put_flag_words(k);
	if (!works_on_objects(k) || session_open(c))
		return;
	if (plugin_first && c->arg_count == 2) {
		put_plugins(c, k->op);
		return;
	}
	if (k->takes & TAKES_PAIRS)
		put_all_keys(c, k);
	put_objects(c);
}

static int put_words(struct cli *c)
{
	const struct command *k = c->arg_count > 1 ? find_command(c->args[1]) : NULL;

	if (!k || (k->run == cmd_help && c->arg_count == 2)) {
		for (const struct command *each = commands; each->name; each++)
			puts(each->name);
	} else if (k->run == cmd_completion) {
		puts("bash\nzsh");
	} else if (k->run == cmd_help || k->run == cmd_plugins) {
		k = k->run == cmd_help ? find_command(c->args[2]) : NULL;
		if (!session_open(c))
			put_plugins(c, k ? k->op : EVMS_OP_COUNT);
	} else {
		put_command_words(c, k);
	}
	return 0;
}

int cmd_completion(struct cli *c)
{
	const char *shell = c->arg_count ? c->args[0] : "", *script = NULL;

	if (!strcmp(shell, "words"))
		return put_words(c);
	if (!strcmp(shell, "bash"))
		script = bash_script;
	else if (!strcmp(shell, "zsh"))
		script = zsh_script;
	if (!script)
		return complain(c, EXIT_USAGE, "cli.arguments", "usage: evms completion bash|zsh");
	if (c->json) {
		fputs("{\"schema\":\"evms.result/1\",\"command\":\"completion\",\"script\":",
		      stdout);
		put_json_text(stdout, script);
		puts("}");
	} else {
		fputs(script, stdout);
	}
	return 0;
}
