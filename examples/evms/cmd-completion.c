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

static int put_words(struct cli *c)
{
	const struct command *k = c->arg_count > 1 ? find_command(c->args[1]) : NULL;
	const struct evms_plugin *p;

	if (!k || !strcmp(k->name, "help")) {
		for (const struct command *each = commands; each->name; each++)
			puts(each->name);
		return 0;
	}
	if (!strcmp(k->name, "completion"))
		return puts("bash\nzsh") < 0;
	put_flag_words(k);
	if (!(k->takes & TAKES_PAIRS) || session_open(c))
		return 0;
	if (wants_plugin(k) && c->arg_count > 2) {
		p = evms_engine_find_plugin(c->engine, c->args[2]);
		if (p)
			put_keys(p, k->op);
		return 0;
	}
	for (size_t i = 0; (p = evms_engine_get_plugin(c->engine, i)); i++) {
		if (!(evms_plugin_get_ops(p) & EVMS_OP_BIT(k->op)))
			continue;
		if (wants_plugin(k))
			puts(evms_plugin_get_name(p));
		else
			put_keys(p, k->op);
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
