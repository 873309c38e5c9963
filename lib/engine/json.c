/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading JSON through json-c, whose types stay in this file, and writing JSON text directly. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <json-c/json.h>
#include "engine/json.h"

#define DOCUMENT_MAX	(16u << 20)
#define DEPTH_MAX	32
#define MEMBERS_MAX	4096

static struct json_object *unwrap(const struct jval *v)
{
	return (struct json_object *)v;
}

/*
 * json-c keeps the last of several equal keys silently, and a layout with a key given twice is a
 * mistake that costs data. This walks the text that json-c has already accepted.
 */
struct scan {
	const char *at, *end;
	struct text path;
	struct { const char *at; size_t length; } twice;
};

static void scan_space(struct scan *s)
{
	while (s->at < s->end && strchr(" \t\r\n", *s->at))
		s->at++;
}

/* Over a string; its bytes without the quotes. */
static size_t scan_string(struct scan *s, const char **start)
{
	*start = ++s->at;
	while (s->at < s->end && *s->at != '"')
		s->at += *s->at == '\\' && s->end - s->at > 1 ? 2 : 1;
	s->at += s->at < s->end;
	return (size_t)(s->at - 1 - *start);
}

static int scan_value(struct scan *s, unsigned depth);

struct scan_key {
	const char *at;
	size_t length;
};

static bool scan_seen(const struct scan_key *keys, size_t count, const char *key, size_t length)
{
	for (size_t i = 0; i < count; i++)
		if (keys[i].length == length && !memcmp(keys[i].at, key, length))
			return true;
	return false;
}

static int scan_members(struct scan *s, struct scan_key *keys, unsigned depth)
{
	size_t count = 0, mark = s->path.length;
	int r;

	for (s->at++; scan_space(s), s->at < s->end && *s->at != '}'; ) {
		const char *key;
		size_t length;

		if (*s->at == ',') {
			s->at++;
			continue;
		}
		length = scan_string(s, &key);
		text_add(&s->path, "/%.*s", (int)length, key);
		if (scan_seen(keys, count, key, length))
			return -EEXIST;
		if (count == MEMBERS_MAX)
			return -E2BIG;
		keys[count++] = (struct scan_key){ key, length };
		scan_space(s);
		s->at += s->at < s->end;	/* the colon */
		r = scan_value(s, depth + 1);
		if (r < 0)
			return r;
		s->path.length = mark;
	}
	s->at += s->at < s->end;
	return 0;
}

static int scan_list(struct scan *s, unsigned depth)
{
	size_t mark = s->path.length, i = 0;
	int r;

	for (s->at++; scan_space(s), s->at < s->end && *s->at != ']'; ) {
		if (*s->at == ',') {
			s->at++;
			continue;
		}
		text_add(&s->path, "/%zu", i++);
		r = scan_value(s, depth + 1);
		if (r < 0)
			return r;
		s->path.length = mark;
	}
	s->at += s->at < s->end;
	return 0;
}

static int scan_value(struct scan *s, unsigned depth)
{
	struct scan_key *keys;
	const char *ignored;
	int r;

	scan_space(s);
	if (s->at >= s->end || depth > DEPTH_MAX)
		return 0;
	switch (*s->at) {
	case '{':
		keys = calloc(MEMBERS_MAX, sizeof(*keys));
		r = keys ? scan_members(s, keys, depth) : -ENOMEM;
		free(keys);
		return r;
	case '[':
		return scan_list(s, depth);
	case '"':
		scan_string(s, &ignored);
		return 0;
	default:
		while (s->at < s->end && !strchr(",]} \t\r\n", *s->at))
			s->at++;
		return 0;
	}
}

static int check_duplicates(struct context *ctx, const char *what, const char *text, size_t length)
{
	struct scan s = { .at = text, .end = text + length };
	char reason[64], *path;
	int r = scan_value(&s, 0);

	path = text_take(&s.path);
	snprintf(reason, sizeof(reason), "%s.duplicate", what);
	if (r == -ENOMEM || !path)
		r = context_fail(ctx, ENOMEM, NULL, NULL, reason, "no memory to check the keys");
	else if (r == -EEXIST)
		r = context_fail(ctx, EINVAL, NULL, NULL, reason,
				 "%s: this key is given twice; keep one", path);
	else if (r < 0)
		r = context_fail(ctx, EINVAL, NULL, NULL, reason, "%s: more than %u keys in one "
				 "object",
				 path, MEMBERS_MAX);
	free(path);
	return r;
}

static void position(const char *text, size_t offset, unsigned *line, unsigned *column)
{
	*line = *column = 1;
	for (size_t i = 0; i < offset; i++) {
		if (text[i] == '\n') {
			++*line;
			*column = 1;
		} else {
			++*column;
		}
	}
}

static int syntax_error(struct context *ctx, const char *what, const char *text, size_t length,
			size_t offset, const char *why)
{
	unsigned line, column;
	char reason[64];

	position(text, offset < length ? offset : length, &line, &column);
	snprintf(reason, sizeof(reason), "%s.syntax", what);
	return context_fail(ctx, EINVAL, NULL, NULL, reason,
			    "line %u, column %u: this is not JSON: %s", line, column, why);
}

int jval_parse(struct context *ctx, const char *what, const char *text, size_t length,
	       struct jval **out)
{
	struct json_tokener *tok;
	struct json_object *root;
	enum json_tokener_error error;
	size_t end;
	int r;

	if (length > DOCUMENT_MAX)
		return syntax_error(ctx, what, text, length, 0, "it is longer than 16 MiB");
	tok = json_tokener_new_ex(DEPTH_MAX);
	if (!tok)
		return context_fail(ctx, ENOMEM, NULL, NULL, what, "no memory to read JSON");
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	root = json_tokener_parse_ex(tok, text, (int)length);
	error = json_tokener_get_error(tok);
	end = json_tokener_get_parse_end(tok);
	json_tokener_free(tok);
	if (error == json_tokener_continue)
		return syntax_error(ctx, what, text, length, length,
				    length ? "it ends too early" : "it is empty");
	if (error != json_tokener_success)
		return syntax_error(ctx, what, text, length, end, json_tokener_error_desc(error));
	while (end < length && strchr(" \t\r\n", text[end]))
		end++;
	if (end < length)
		r = syntax_error(ctx, what, text, length, end, "something follows the end");
	else if (!json_object_is_type(root, json_type_object))
		r = syntax_error(ctx, what, text, length, 0, "an object { ... } is expected");
	else
		r = check_duplicates(ctx, what, text, length);
	if (r < 0) {
		json_object_put(root);
		return r;
	}
	*out = (struct jval *)root;
	return 0;
}

void jval_free(struct jval *root)
{
	json_object_put(unwrap(root));
}

enum jval_kind jval_kind(const struct jval *v)
{
	switch (json_object_get_type(unwrap(v))) {
	case json_type_boolean:
		return JVAL_BOOL;
	case json_type_int:
		return JVAL_NUMBER;
	case json_type_double:
		return JVAL_REAL;
	case json_type_string:
		return JVAL_TEXT;
	case json_type_array:
		return JVAL_LIST;
	case json_type_object:
		return JVAL_MAP;
	default:
		return JVAL_NULL;
	}
}

const char *jval_kind_words(const struct jval *v)
{
	static const char *const words[] = {
		[JVAL_NULL] = "null", [JVAL_BOOL] = "true or false", [JVAL_NUMBER] = "a number",
		[JVAL_REAL] = "a number with a fraction", [JVAL_TEXT] = "text",
		[JVAL_LIST] = "a list", [JVAL_MAP] = "an object",
	};

	return words[jval_kind(v)];
}

bool jval_bool(const struct jval *v)
{
	return json_object_get_boolean(unwrap(v));
}

bool jval_number(const struct jval *v, uint64_t *out)
{
	if (jval_kind(v) != JVAL_NUMBER || json_object_get_int64(unwrap(v)) < 0)
		return false;
	*out = json_object_get_uint64(unwrap(v));
	return true;
}

const char *jval_text(const struct jval *v)
{
	const char *s;

	if (jval_kind(v) != JVAL_TEXT)
		return NULL;
	s = json_object_get_string(unwrap(v));
	return s && strlen(s) == (size_t)json_object_get_string_len(unwrap(v)) ? s : NULL;
}

const char *jval_option(const struct jval *v)
{
	switch (jval_kind(v)) {
	case JVAL_TEXT:
		return jval_text(v);
	case JVAL_BOOL:
		return jval_bool(v) ? "yes" : "no";
	case JVAL_NUMBER:
	case JVAL_REAL:
		return json_object_to_json_string_ext(unwrap(v), JSON_C_TO_STRING_PLAIN);
	default:
		return NULL;
	}
}

size_t jval_length(const struct jval *list)
{
	return jval_kind(list) == JVAL_LIST ? json_object_array_length(unwrap(list)) : 0;
}

const struct jval *jval_at(const struct jval *list, size_t i)
{
	return (const struct jval *)json_object_array_get_idx(unwrap(list), i);
}

int jval_each(const struct jval *map, jval_member_fn fn, void *user)
{
	struct json_object_iterator it = json_object_iter_begin(unwrap(map));
	struct json_object_iterator end = json_object_iter_end(unwrap(map));
	int r;

	for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
		r = fn(user, json_object_iter_peek_name(&it),
		       (const struct jval *)json_object_iter_peek_value(&it));
		if (r)
			return r;
	}
	return 0;
}

/*
 * Length of the UTF-8 sequence at s, 0 when it is none (overlong, surrogate and too large ones
 * too).
 */
static size_t utf8_length(const unsigned char *s)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 :
		   (s[0] & 0xf0) == 0xe0 ? 3 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if (n == 3 && ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f)))
		return 0;
	if (n == 4 && ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f)))
		return 0;
	return n;
}

static void put_escape(struct text *t, unsigned char c)
{
	static const char short_ones[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	char escape[7] = { '\\', 0 };

	for (size_t i = 0; i + 1 < sizeof(short_ones); i += 2) {
		if ((unsigned char)short_ones[i] == c) {
			escape[1] = short_ones[i + 1];
			text_add_bytes(t, escape, 2);
			return;
		}
	}
	snprintf(escape, sizeof(escape), "\\u%04x", c);
	text_add_bytes(t, escape, 6);
}

void json_put_text(struct text *t, const char *s)
{
	const unsigned char *at = (const unsigned char *)s, *from = at;
	size_t n;

	text_add_bytes(t, "\"", 1);
	while (*at) {
		if (*at >= 0x20 && *at < 0x7f && *at != '"' && *at != '\\') {
			at++;
			continue;
		}
		n = utf8_length(at);
		if (n > 1) {
			at += n;
			continue;
		}
		text_add_bytes(t, from, (size_t)(at - from));
		if (n)
			put_escape(t, *at);
		else
			text_add_bytes(t, "\xef\xbf\xbd", 3);
		from = ++at;
	}
	text_add_bytes(t, from, (size_t)(at - from));
	text_add_bytes(t, "\"", 1);
}

void json_put_u64(struct text *t, uint64_t n)
{
	char digits[20];
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	text_add_bytes(t, digits + i, sizeof(digits) - i);
}

void json_put_comma(struct text *t)
{
	if (t->length && t->at[t->length - 1] != '{' && t->at[t->length - 1] != '[')
		text_add_bytes(t, ",", 1);
}

void json_put_key(struct text *t, const char *key)
{
	json_put_comma(t);
	json_put_text(t, key);
	text_add_bytes(t, ":", 1);
}
