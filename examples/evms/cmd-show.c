/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* evms show, evms plugins. */
#include <stdlib.h>
#include <string.h>
#include "cli.h"

/* All that is left on the command line are devices. */
static void take_devices(struct cli *c)
{
	if (c->arg_count)
		c->device_count = 0;
	for (size_t i = 0; i < c->arg_count; i++)
		c->devices[c->device_count++] = c->args[i];
}

static int print_json(struct cli *c, int (*make)(struct evms_engine *engine, char **out))
{
	char *json;
	int r = make(c->engine, &json);

	if (r < 0)
		return report(c, r);
	fputs(json, stdout);
	free(json);
	return 0;
}

/* Devices that were named and cannot be used are an error, though the others are shown. */
static int count_failures(struct cli *c)
{
	struct evms_list *list;
	size_t n;

	if (c->scanned || evms_engine_list(c->engine, EVMS_KIND_DEVICE, &list) < 0)
		return 0;
	n = evms_list_get_length(list);
	evms_list_unref(list);
	return n ? EXIT_INVALID : 0;
}

int cmd_show(struct cli *c)
{
	int r;

	take_devices(c);
	if (c->json + c->tree + c->dot > 1)
		return complain(c, EXIT_USAGE, "cli.option", "give one of --json, --tree and "
				"--dot");
	r = session_discover(c);
	if (r)
		return r;
	r = evms_engine_find_holders(c->engine);
	if (r < 0)
		return report(c, r);
	if (c->json)
		r = print_json(c, evms_engine_to_json);
	else if (c->dot)
		r = show_dot(c);
	else
		r = show_tree(c);
	return r ? r : count_failures(c);
}

static void list_operations(const struct evms_plugin *p)
{
	uint32_t ops = evms_plugin_get_ops(p);
	const char *before = "                    ";

	for (uint32_t op = 0; op < EVMS_OP_COUNT; op++) {
		if (!(ops & EVMS_OP_BIT(op)))
			continue;
		printf("%s%s", before, evms_op_get_name(op));
		before = " ";
	}
	if (ops)
		putchar('\n');
}

int cmd_plugins(struct cli *c)
{
	const struct evms_plugin *p;
	const char *role = "";
	int r = session_open(c);

	if (r)
		return r;
	if (c->arg_count)
		return show_help(c, NULL, c->args[0]);
	if (c->json)
		return print_json(c, evms_engine_plugins_to_json);
	for (size_t i = 0; (p = evms_engine_get_plugin(c->engine, i)); i++) {
		if (strcmp(role, evms_plugin_get_role_name(p))) {
			role = evms_plugin_get_role_name(p);
			printf("%s%s\n", i ? "\n" : "", role);
		}
		printf("  %-10s %-6s ", evms_plugin_get_name(p), evms_plugin_get_version(p));
		put_safe(stdout, evms_plugin_get_summary(p));
		putchar('\n');
		list_operations(p);
	}
	if (!role[0])
		return complain(c, EXIT_INVALID, "cli.plugins", "there are no plug-ins; set "
				"EVMS_PLUGIN_PATH or --plugin-path to the folder that has them");
	return 0;
}
