/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* evms plan, evms apply: bring devices to what a layout file describes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"

#define LAYOUT_MAX	(16u << 20)

static int read_all(struct cli *c, const char *path, FILE *f, char **out, size_t *length)
{
	size_t room = 4096, n;
	char *buf = malloc(room), *more;

	for (*length = 0; buf && (n = fread(buf + *length, 1, room - *length, f)) > 0; ) {
		*length += n;
		if (*length < room)
			continue;
		if (room > LAYOUT_MAX) {
			free(buf);
			return complain(c, EXIT_INVALID, "cli.layout", "%s: a layout of more than "
					"16 MiB", path);
		}
		more = realloc(buf, room * 2);
		if (!more)
			free(buf);
		buf = more;
		room *= 2;
	}
	if (!buf)
		return complain(c, EXIT_FAILED, "cli.memory", "out of memory");
	if (ferror(f)) {
		free(buf);
		return complain(c, EXIT_INVALID, "cli.layout", "%s: %s", path, strerror(errno));
	}
	*out = buf;
	return 0;
}

static int read_layout(struct cli *c, const char *path, char **out, size_t *length)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "re") : stdin;
	int r;

	if (!f)
		return complain(c, EXIT_INVALID, "cli.layout", "%s: %s", path, strerror(errno));
	errno = 0;
	r = read_all(c, path, f, out, length);
	if (f != stdin)
		fclose(f);
	return r;
}

/* The disks in the order of the command line, which is that of the layout. */
static int run_layout(struct cli *c, const char *json, size_t length)
{
	struct evms_object **disks = calloc(c->device_count + 1, sizeof(*disks));
	int r = 0, result;

	if (!disks)
		return complain(c, EXIT_FAILED, "cli.memory", "out of memory");
	for (size_t i = 0; !r && i < c->device_count; i++) {
		disks[i] = disk_of_path(c, c->devices[i]);
		if (!disks[i])
			r = complain(c, EXIT_INVALID, "cli.device", "%s: this is no disk that can "
				     "be used; "
				     "\"evms show %s\" tells why", c->devices[i], c->devices[i]);
	}
	if (!r) {
		result = evms_engine_run_layout(c->engine, json, length, disks, c->device_count);
		progress_done(c);
		r = result < 0 ? report(c, result) : 0;
	}
	free(disks);
	return r;
}

int cmd_apply(struct cli *c)
{
	size_t length = 0;
	char *json = NULL;
	int r;

	if (c->arg_count < 1)
		return complain(c, EXIT_USAGE, "cli.arguments", "%s needs a layout file and the "
				"devices that it "
				"is for; \"evms help %s\" has an example", c->command->name,
				c->command->name);
	if (c->arg_count > 1)
		c->device_count = 0;
	for (size_t i = 1; i < c->arg_count; i++)
		c->devices[c->device_count++] = c->args[i];
	if (!c->device_count)
		return complain(c, EXIT_USAGE, "cli.device", "which devices is the layout for? "
				"Name them in the order of the layout's disks");
	r = read_layout(c, c->args[0], &json, &length);
	if (r)
		return r;
	r = session_discover(c);
	if (!r)
		r = run_layout(c, json, length);
	free(json);
	return r ? r : finish_change(c, "This writes to the devices.", NULL);
}

int cmd_plan(struct cli *c)
{
	c->dry_run = true;
	return cmd_apply(c);
}
