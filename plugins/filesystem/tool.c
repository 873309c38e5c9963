/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running the tools of a file system: arguments one by one, never a shell, and what went wrong in words. */
#include <stdio.h>
#include "common.h"

void fs_arg(struct fs_args *a, const char *text)
{
	/* One place stays NULL: it ends the array. All callers are far below the limit. */
	if (a->count + 1 < sizeof(a->argv) / sizeof(a->argv[0]))
		a->argv[a->count++] = text;
}

void fs_arg_u64(struct fs_args *a, const char *format, uint64_t value)
{
	char *text;

	if (a->number_count >= sizeof(a->numbers) / sizeof(a->numbers[0]))
		return;
	text = a->numbers[a->number_count++];
	snprintf(text, sizeof(a->numbers[0]), format, (unsigned long long)value);
	fs_arg(a, text);
}

int fs_run(struct evms_task *task, const struct fs_args *a, uint32_t flags, char *output, size_t size)
{
	int r;

	output[0] = 0;
	r = evms_tool(task, a->argv, flags, output, size);
	if (r == -ENOENT)
		return fs_fail(task, ENOENT, "tool", "%s is not installed: install the package %s",
			       a->argv[0], fs_kind.package);
	if (r == -ENOTSUP && flags & EVMS_TOOL_MOUNTED)
		return fs_fail(task, ENOTSUP, "mount", "%s works on a mounted file system only, and it "
			       "cannot be mounted here: run it where the volume can be mounted",
			       a->argv[0]);
	if (r < 0)
		return fs_fail(task, -r, "tool", "%s could not be run", a->argv[0]);
	return r;
}

/* "mkfs.fat 4.2 (2021-01-31)": says nothing, and is often printed last when nobody looks on. */
static bool is_banner(const char *line)
{
	const char *blank = strchr(line, ' ');

	return blank && blank[1] >= '0' && blank[1] <= '9' && strchr(blank, '(') &&
	       line[strlen(line) - 1] == ')';
}

/* The last line with something on it, made printable; it is cut out of the text. */
static const char *last_line(char *text)
{
	size_t end = strlen(text), start, i;

	for (;;) {
		while (end > 0 && (unsigned char)text[end - 1] <= ' ')
			end--;
		text[end] = 0;
		for (start = end; start > 0 && text[start - 1] != '\n' && text[start - 1] != '\r'; start--)
			;
		if (!is_banner(text + start))
			break;
		end = start;
	}
	if (end - start > 200)
		text[start + 200] = 0;
	for (i = start; text[i]; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			text[i] = ' ';
	return text + start;
}

int fs_tool_failed(const struct evms_task *task, const struct fs_args *a, int status, char *output)
{
	const char *line = last_line(output);

	return fs_fail(task, EIO, "tool", "%s failed (exit status %d)%s%s", a->argv[0], status,
		       line[0] ? ": " : "", line);
}

int fs_run_ok(struct evms_task *task, const struct fs_args *a, uint32_t flags, int ok)
{
	char output[FS_OUTPUT_SIZE];
	int r = fs_run(task, a, flags, output, sizeof(output));

	if (r < 0)
		return r;
	return r > ok ? fs_tool_failed(task, a, r, output) : 0;
}
