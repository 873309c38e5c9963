/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The text form of runtime tables (docs/runtime-table.md): strict, and safe for hostile text. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include "runtime/table.h"
#include "util/text.h"

#define HEADER "evms-table 1"

/* Every byte but printable ASCII becomes %XX; so do '%' itself and a lone "-", which means nothing.
 */
static void add_word(struct text *t, const char *s)
{
	bool dash = !strcmp(s, "-");

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c <= ' ' || c >= 0x7f || c == '%' || dash)
			text_add(t, "%%%02X", c);
		else
			text_add_bytes(t, s, 1);
	}
}

static void add_target(struct text *text, const struct table_node *n, const struct table_target *t)
{
	const struct table_leg *leg = table_legs(n, t);
	uint32_t i;

	if (t->kind == TABLE_PLUGIN)
		text_add(text, "plugin %" PRIu64 " %" PRIu64 " %s ", t->offset, t->size, t->name);
	else
		text_add(text, "%s %" PRIu64 " %" PRIu64, table_kind_name(t), t->offset, t->size);
	if (t->kind == TABLE_STRIPED)
		text_add(text, " %" PRIu64, t->chunk);
	if (t->kind == TABLE_PLUGIN && (!t->args || !*t->args))
		text_add(text, "-");
	else if (t->kind == TABLE_PLUGIN)
		add_word(text, t->args);
	for (i = 0; i < t->leg_count; i++, leg++)
		text_add(text, " %c%" PRIu32 "+%" PRIu64, leg->is_node ? 'n' : 'd', leg->index,
			 leg->offset);
	text_add(text, "\n");
}

int table_to_text(const struct table *t, char **out)
{
	struct text text = { 0 };
	size_t i, j;
	char *s;
	int r;

	r = table_check(t, NULL, 0);
	if (r < 0)
		return r;
	text_add(&text, "%s\n", HEADER);
	for (i = 0; i < t->devices.count; i++) {
		const struct table_device *d = &t->devices.at[i];

		text_add(&text,
			 "device %zu %" PRIu64 " %" PRIu32 " %s %" PRIu64 " %" PRIu64 " %" PRIu64
			 " ",
			 i, d->size, d->block_size, d->read_only ? "ro" : "rw", d->identity.dev,
			 d->identity.ino, d->identity.diskseq);
		add_word(&text, d->path);
		text_add(&text, "\n");
	}
	for (i = 0; i < t->nodes.count; i++) {
		const struct table_node *n = &t->nodes.at[i];

		text_add(&text, "node %zu %" PRIu64 " %" PRIu32 "\n", i, n->size, n->block_size);
		for (j = 0; j < n->targets.count; j++)
			add_target(&text, n, &n->targets.at[j]);
	}
	text_add(&text, "root %" PRIu32 " %s\nend\n", t->root, t->read_only ? "ro" : "rw");
	s = text_take(&text);
	if (!s)
		return -ENOMEM;
	*out = s;
	return 0;
}

/* A walk over the text. The first failure sticks: after it nothing matches. */
struct reader {
	const char *at, *end;
	size_t line;
	bool failed, no_memory;
	char *error;
	size_t error_size;
	char *word;			/* scratch for one decoded word */
	size_t word_capacity;
	VEC(struct table_leg) legs;
};

__attribute__((format(printf, 2, 3)))
static void fail(struct reader *r, const char *fmt, ...)
{
	char text[160];
	va_list args;

	if (r->failed)
		return;
	r->failed = true;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (r->error && r->error_size)
		snprintf(r->error, r->error_size, "line %zu: %s", r->line, text);
}

static void fail_memory(struct reader *r)
{
	fail(r, "out of memory");
	r->no_memory = true;
}

/* Take these characters if they come next. */
static bool take(struct reader *r, const char *s)
{
	size_t n = strlen(s);

	if (r->failed || (size_t)(r->end - r->at) < n || memcmp(r->at, s, n) != 0)
		return false;
	r->at += n;
	return true;
}

static void need(struct reader *r, const char *s, const char *name)
{
	if (!take(r, s))
		fail(r, "%s expected", name);
}

static void need_newline(struct reader *r)
{
	need(r, "\n", "end of line");
	r->line++;
}

/* A number without sign or leading zeros, at most max. */
static uint64_t number(struct reader *r, uint64_t max)
{
	const char *start = r->at;
	uint64_t n = 0;

	while (!r->failed && r->at < r->end && *r->at >= '0' && *r->at <= '9') {
		uint64_t digit = (uint64_t)(*r->at++ - '0');

		if (n > (max - digit) / 10 || digit > max) {
			fail(r, "number too large");
			return 0;
		}
		n = n * 10 + digit;
	}
	if (r->at == start || (*start == '0' && r->at - start > 1))
		fail(r, "number expected");
	return n;
}

static uint64_t next_number(struct reader *r, uint64_t max)
{
	need(r, " ", "space");
	return number(r, max);
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* A space and a word, decoded into r->word, at most max bytes. */
static const char *next_word(struct reader *r, size_t max)
{
	size_t length = 0;

	need(r, " ", "space");
	while (!r->failed && r->at < r->end && *r->at > ' ' && *r->at < 0x7f) {
		int c = *r->at++;

		if (c == '%') {
			if (r->end - r->at < 2 || hex(r->at[0]) < 0 || hex(r->at[1]) < 0 ||
			    (r->at[0] == '0' && r->at[1] == '0')) {
				fail(r, "bad %%XX");
				break;
			}
			c = hex(r->at[0]) << 4 | hex(r->at[1]);
			r->at += 2;
		}
		if (length == max) {
			fail(r, "word too long");
			break;
		}
		if (length + 1 >= r->word_capacity) {
			size_t wanted = r->word_capacity ? r->word_capacity * 2 : 256;
			char *p = realloc(r->word, wanted);

			if (!p) {
				fail_memory(r);
				break;
			}
			r->word = p;
			r->word_capacity = wanted;
		}
		r->word[length++] = (char)c;
	}
	if (!r->failed && !length)
		fail(r, "word expected");
	if (r->failed)
		return "";
	r->word[length] = '\0';
	return r->word;
}

static void settle(struct reader *r, int result, const char *what)
{
	if (result == -ENOMEM)
		fail_memory(r);
	else if (result == -E2BIG)
		fail(r, "too many of them");
	else if (result < 0)
		fail(r, "%s", what);
}

static bool next_mode_is_read_only(struct reader *r)
{
	bool read_only = take(r, " ro");

	if (!read_only)
		need(r, " rw", "ro or rw");
	return read_only;
}

static void read_device(struct reader *r, struct table *t)
{
	struct table_identity identity;
	uint64_t number_, size;
	uint32_t block_size;
	const char *path;
	bool read_only;

	number_ = next_number(r, UINT32_MAX);
	size = next_number(r, TABLE_MAX_SIZE);
	block_size = (uint32_t)next_number(r, UINT32_MAX);
	read_only = next_mode_is_read_only(r);
	identity.dev = next_number(r, UINT64_MAX);
	identity.ino = next_number(r, UINT64_MAX);
	identity.diskseq = next_number(r, UINT64_MAX);
	path = next_word(r, TABLE_MAX_PATH);
	if (r->failed)
		return;
	if (number_ != t->devices.count)
		fail(r, "devices are not numbered in order");
	else
		settle(r, table_add_device(t, path, size, block_size, read_only, &identity),
		       "not a device: block size");
}

static void read_node(struct reader *r, struct table *t)
{
	uint64_t number_ = next_number(r, UINT32_MAX);
	uint64_t size = next_number(r, TABLE_MAX_SIZE);
	uint32_t block_size = (uint32_t)next_number(r, UINT32_MAX);

	if (r->failed)
		return;
	if (number_ != t->nodes.count)
		fail(r, "nodes are not numbered in order");
	else
		settle(r, table_add_node(t, size, block_size), "not a node: size or block size");
}

static void read_legs(struct reader *r)
{
	struct table_leg leg;

	r->legs.count = 0;
	while (!r->failed && r->at < r->end && *r->at == ' ') {
		leg.is_node = take(r, " n");
		if (!leg.is_node)
			need(r, " d", "leg");
		leg.index = (uint32_t)number(r, UINT32_MAX);
		need(r, "+", "+");
		leg.offset = number(r, TABLE_MAX_SIZE);
		if (r->legs.count == TABLE_MAX_LEGS)
			fail(r, "too many legs");
		else if (!r->failed && !vec_push(&r->legs, leg))
			fail_memory(r);
	}
}

static void read_target(struct reader *r, struct table *t, const char *kind)
{
	bool plugin = !strcmp(kind, "plugin");
	uint64_t offset, size, chunk = 0;
	char name[65] = "", *args = NULL;

	offset = next_number(r, TABLE_MAX_SIZE);
	size = next_number(r, TABLE_MAX_SIZE);
	if (!strcmp(kind, "striped"))
		chunk = next_number(r, TABLE_MAX_SIZE);
	if (plugin) {
		snprintf(name, sizeof(name), "%s", next_word(r, sizeof(name) - 1));
		if (take(r, " - ") || take(r, " -\n")) {
			r->at--;	/* no arguments */
		} else {
			args = strdup(next_word(r, TABLE_MAX_ARGS));
			if (!args)
				fail_memory(r);
		}
	}
	read_legs(r);
	if (r->failed)
		;
	else if (!t->nodes.count)
		fail(r, "a target outside a node");
	else if (plugin && (!strcmp(name, "linear") || !strcmp(name, "striped") ||
			    !strcmp(name, "zero") || !strcmp(name, "error")))
		fail(r, "%s is no plug-in's target", name);
	else
		settle(r, table_add_target(t, (uint32_t)(t->nodes.count - 1), offset, size,
					   plugin ? name : kind, chunk, args,
					   (uint32_t)r->legs.count, r->legs.at),
		       "not a target: a gap, beyond its node, or not what its kind needs");
	free(args);
}

static void read_lines(struct reader *r, struct table *t)
{
	static const char *const kinds[] = { "linear", "striped", "zero", "error", "plugin" };
	size_t i;

	while (!r->failed && take(r, "device")) {
		read_device(r, t);
		need_newline(r);
	}
	while (!r->failed && !take(r, "root")) {
		if (take(r, "node")) {
			read_node(r, t);
			need_newline(r);
			continue;
		}
		for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
			if (take(r, kinds[i]))
				break;
		if (i == sizeof(kinds) / sizeof(*kinds)) {
			fail(r, "node, root or a target expected");
			return;
		}
		read_target(r, t, kinds[i]);
		need_newline(r);
	}
	table_set_root(t, (uint32_t)next_number(r, UINT32_MAX));
	t->read_only = next_mode_is_read_only(r);
	need_newline(r);
	need(r, "end\n", "end");
	if (!r->failed && r->at != r->end)
		fail(r, "something follows the end");
}

int table_parse(const char *text, size_t length, struct table **out, char *error, size_t error_size)
{
	struct reader r = {.at = text,
			   .end = text + length,
			   .line = 1,
			   .error = error,
			   .error_size = error_size};
	struct table *t = table_new();
	int result;

	if (!t)
		return -ENOMEM;
	if (length > TABLE_MAX_TEXT)
		fail(&r, "too long for a table");
	need(&r, HEADER "\n", "\"" HEADER "\"");
	r.line++;
	if (!r.failed)
		read_lines(&r, t);
	free(r.word);
	vec_free(&r.legs);
	result = r.no_memory ? -ENOMEM : r.failed ? -EINVAL : table_check(t, error, error_size);
	if (result < 0) {
		table_free(t);
		return result;
	}
	*out = t;
	return 0;
}
