/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* evms help, evms COMMAND --help: what there is, with examples; options come from the plug-ins. */
#include <string.h>
#include "cli.h"

static void put_option(const struct evms_option *o)
{
	char left[160];

	snprintf(left, sizeof(left), "%s=%s", o->name, type_words(o));
	printf("    %-28s ", left);
	put_safe(stdout, o->help ? o->help : "");
	if (o->flags & EVMS_OPTION_REQUIRED)
		fputs(" (needed)", stdout);
	else if (o->fallback && *o->fallback)
		printf(" (default %s)", o->fallback);
	putchar('\n');
}

static void put_options(const struct evms_plugin *p, uint32_t op)
{
	const struct evms_option *o;
	bool any = false;

	for (size_t i = 0; (o = evms_plugin_get_option(p, i)); i++) {
		if (!(o->ops & EVMS_OP_BIT(op)))
			continue;
		if (!any)
			printf("\n  %s %s:\n", evms_op_get_name(op), evms_plugin_get_name(p));
		any = true;
		put_option(o);
	}
}

static int plugin_help(struct cli *c, const struct command *command, const char *name)
{
	const struct evms_plugin *p;
	const char *type;
	int r = session_open(c);

	if (r)
		return r;
	p = evms_engine_find_plugin(c->engine, name);
	if (!p)
		p = find_module(c, name, &type);
	if (!p)
		return complain(c, EXIT_INVALID, "cli.plugin", "there is no plug-in \"%s\"; \"evms "
				"plugins\" lists those there are", name);
	printf("%s (%s, version %s): ", evms_plugin_get_name(p), evms_plugin_get_role_name(p),
	       evms_plugin_get_version(p));
	put_safe(stdout, evms_plugin_get_summary(p));
	putchar('\n');
	for (uint32_t op = 0; op < EVMS_OP_COUNT; op++)
		if (evms_plugin_get_ops(p) & EVMS_OP_BIT(op) && (!command || command->op == op))
			put_options(p, op);
	return 0;
}

static void put_flags(const struct command *command)
{
	char left[80];

	puts("\nOptions:");
	for (const struct flag *f = flags; f->name; f++) {
		if (f->takes && (!command || !(f->takes & command->takes)))
			continue;
		snprintf(left, sizeof(left), "%c%c%s --%s%s%s", f->letter ? '-' : ' ',
			 f->letter ? f->letter : ' ', f->letter ? "," : " ", f->name, f->value ? " "
			 : "",
			 f->value ? f->value : "");
		printf("  %-24s %s\n", left, f->help);
	}
}

static void put_plugin_options(struct cli *c, uint32_t op)
{
	const struct evms_plugin *p;

	/* Help is given also where no plug-in is found. */
	if (session_open(c))
		return;
	puts("\nOptions of the plug-ins, as key=value or --key value:");
	for (size_t i = 0; (p = evms_engine_get_plugin(c->engine, i)); i++)
		if (evms_plugin_get_ops(p) & EVMS_OP_BIT(op))
			put_options(p, op);
}

static int json_help(void)
{
	fputs("{\"schema\":\"evms.help/1\",\"commands\":[", stdout);
	for (const struct command *k = commands; k->name; k++) {
		printf("%s\n{\"name\":\"%s\",\"arguments\":", k == commands ? "" : ",", k->name);
		put_json_text(stdout, k->arguments);
		fputs(",\"summary\":", stdout);
		put_json_text(stdout, k->summary);
		fputs(",\"help\":", stdout);
		put_json_text(stdout, k->help);
		putchar('}');
	}
	puts("]}");
	return 0;
}

static int overview(void)
{
	puts("evms - see and change everything between a raw disk and a mounted volume\n\n"
	     "usage: evms COMMAND [ARGUMENT...] [OPTION...]\n");
	for (const struct command *k = commands; k->name; k++)
		printf("  %-12s%s\n", k->name, k->summary);
	puts("\nDevices are block devices or image files. They are named after the object, with -d "
	     "DEVICE, or in\n"
	     "EVMS_DEVICES (separated by spaces). Nothing is written before the plan was made and "
	     "checked;\n"
	     "--dry-run shows it and stops.\n\n"
	     "First steps:\n"
	     "  evms show disk.img                       what is on it\n"
	     "  evms plan layout.json a.img b.img        what a layout would change\n"
	     "  evms apply layout.json a.img b.img       change it\n"
	     "  evms help create                         a command, with examples\n"
	     "  evms help create lvm2                    the options of a plug-in\n\n"
	     "Exit codes: 0 done, 1 wrong command line, 2 not found or invalid, 3 refused or in "
	     "use,\n"
	     "4 input/output failed, 5 a commit stopped half-way, 6 no room.");
	put_flags(NULL);
	return 0;
}

int show_help(struct cli *c, const struct command *command, const char *plugin)
{
	if (c->json)
		return json_help();
	if (plugin)
		return plugin_help(c, command, plugin);
	if (!command)
		return overview();
	printf("usage: evms %s %s\n\n%s.\n", command->name, command->arguments, command->summary);
	if (command->help[0])
		printf("\n%s\n", command->help);
	if (command->takes & TAKES_PAIRS)
		put_plugin_options(c, command->op);
	put_flags(command);
	return 0;
}

int cmd_help(struct cli *c)
{
	const struct command *command;

	if (!c->arg_count)
		return show_help(c, NULL, NULL);
	command = find_command(c->args[0]);
	if (command)
		return show_help(c, command, c->arg_count > 1 ? c->args[1] : NULL);
	return show_help(c, NULL, c->args[0]);
}
