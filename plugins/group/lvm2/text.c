/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tokens of metadata text: one pass, nothing copied, nothing recursive. The text ends with a NUL. */
#include "lvm2.h"

#define DEPTH_MAX	32u		/* native metadata nests five deep */

#define C_SPACE	1u			/* white space */
#define C_KEY	2u			/* ends a key */
#define C_BARE	4u			/* ends a bare word */

static const uint8_t classes[256] = {
	[0] = C_KEY | C_BARE,
	[' '] = C_SPACE | C_KEY | C_BARE, ['\t'] = C_SPACE | C_KEY | C_BARE,
	['\n'] = C_SPACE | C_KEY | C_BARE, ['\v'] = C_SPACE | C_KEY | C_BARE,
	['\f'] = C_SPACE | C_KEY | C_BARE, ['\r'] = C_SPACE | C_KEY | C_BARE,
	['#'] = C_KEY | C_BARE, ['='] = C_KEY | C_BARE, ['{'] = C_KEY | C_BARE, ['}'] = C_KEY | C_BARE,
	['['] = C_BARE, [']'] = C_BARE, [','] = C_BARE, ['"'] = C_BARE, ['\''] = C_BARE,
};

static inline unsigned class_of(const char *p)
{
	return classes[(unsigned char)*p];
}

static int bad(struct tok *t, const char *error)
{
	if (!t->error)
		t->error = error;
	return -EBADMSG;
}

void tok_init(struct tok *t, const char *text)
{
	*t = (struct tok) { .p = text, .begin = text };
}

unsigned tok_line(const struct tok *t)
{
	const char *p;
	unsigned line = 1;

	for (p = t->begin; p < t->p; p++)
		line += *p == '\n';
	return line;
}

static inline void skip_space(struct tok *t)
{
	const char *p = t->p;

	for (;;) {
		while (class_of(p) & C_SPACE)
			p++;
		if (*p != '#')
			break;
		while (*p && *p != '\n')
			p++;
	}
	t->p = p;
}

/* t->p is at the opening quote. */
static int scan_string(struct tok *t, struct value *v)
{
	const char quote = *t->p;
	const char *p = t->p + 1;

	v->s = p;
	v->type = VALUE_STRING;
	v->escaped = false;
	while (*p && *p != quote) {
		if (*p == '\\' && quote == '"' && p[1]) {
			v->escaped = true;
			p++;
		}
		p++;
	}
	if (!*p)
		return bad(t, "a string does not end");
	if (p - v->s > INT32_MAX)
		return bad(t, "a string is too long");
	v->len = (uint32_t)(p - v->s);
	t->p = p + 1;
	return 0;
}

/* Is the word a number? Sets u64 for whole ones. */
static int scan_number(struct tok *t, struct value *v)
{
	const char *p = v->s, *end = v->s + v->len;
	unsigned digits = 0, dots = 0;
	uint64_t n = 0;

	if (*p == '-' || *p == '+')
		v->negative = *p++ == '-';
	for (; p < end; p++) {
		unsigned d = (unsigned)(*p - '0');

		if (*p == '.') {
			dots++;
			continue;
		}
		if (d > 9)
			return 0;
		digits++;
		if (dots)
			continue;
		if (n > (UINT64_MAX - d) / 10)
			return bad(t, "a number is too large");
		n = n * 10 + d;
	}
	if (!digits || dots > 1)
		return 0;
	v->type = dots ? VALUE_FLOAT : VALUE_INT;
	v->u64 = n;
	return 0;
}

static inline int scan_value(struct tok *t, struct value *v)
{
	const char *p = t->p;

	if (*p == '"' || *p == '\'')
		return scan_string(t, v);
	v->s = p;
	while (!(class_of(p) & C_BARE))
		p++;
	if (p == v->s)
		return bad(t, "a value is missing");
	if (p - v->s > INT32_MAX)
		return bad(t, "a word is too long");
	v->len = (uint32_t)(p - v->s);
	v->type = VALUE_STRING;
	v->escaped = v->negative = false;
	t->p = p;
	return scan_number(t, v);
}

void tok_list(struct tok *t, const struct item *list)
{
	*t = (struct tok) { .p = list->list, .begin = list->list };
}

int tok_next(struct tok *t, struct value *v)
{
	int r;

	skip_space(t);
	if (*t->p == ']') {
		t->p++;
		return 0;
	}
	r = scan_value(t, v);
	if (r < 0)
		return r;
	skip_space(t);
	if (*t->p == ',')
		t->p++;
	else if (*t->p != ']')
		return bad(t, "a list does not end");
	return 1;
}

static int scan_list(struct tok *t, struct item *it)
{
	struct value v;
	int r;

	it->type = ITEM_LIST;
	it->list = ++t->p;
	do
		r = tok_next(t, &v);
	while (r > 0);
	return r;
}

static inline int scan_key(struct tok *t, struct item *it)
{
	const char *p = t->p;
	struct value v;

	if (*p == '"' || *p == '\'') {
		if (scan_string(t, &v) < 0)
			return -EBADMSG;
		it->key = v.s;
		it->key_len = v.len;
		return 0;
	}
	it->key = p;
	while (!(class_of(p) & C_KEY))
		p++;
	if (p == it->key)
		return bad(t, "a name is missing");
	if (p - it->key > INT32_MAX)
		return bad(t, "a name is too long");
	it->key_len = (uint32_t)(p - it->key);
	t->p = p;
	return 0;
}

int tok_item(struct tok *t, struct item *it)
{
	int r;

	skip_space(t);
	if (!*t->p)
		return t->depth ? bad(t, "the text ends inside a section") : 0;
	if (*t->p == '}') {
		if (!t->depth)
			return bad(t, "a brace closes nothing");
		t->depth--;
		t->p++;
		return 0;
	}
	it->start = t->p;
	r = scan_key(t, it);
	if (r < 0)
		return r;
	skip_space(t);
	if (*t->p == '{') {
		if (t->depth >= DEPTH_MAX)
			return bad(t, "sections nest too deep");
		t->depth++;
		it->end = ++t->p;
		it->type = ITEM_SECTION;
		return 1;
	}
	if (*t->p != '=')
		return bad(t, "'=' or '{' is missing");
	t->p++;
	skip_space(t);
	if (*t->p == '[') {
		r = scan_list(t, it);
	} else {
		it->type = ITEM_VALUE;
		r = scan_value(t, &it->value);
	}
	it->end = t->p;
	return r < 0 ? r : 1;
}

int tok_skip(struct tok *t)
{
	const uint32_t outside = t->depth - 1;
	struct item it;

	while (t->depth > outside)
		if (tok_item(t, &it) < 0)
			return -EBADMSG;
	return 0;
}

bool value_is(const struct value *v, const char *text)
{
	return v->type == VALUE_STRING && strlen(text) == v->len && !memcmp(v->s, text, v->len);
}

bool value_u64(const struct item *it, uint64_t *out)
{
	if (it->type != ITEM_VALUE || it->value.type != VALUE_INT || it->value.negative)
		return false;
	*out = it->value.u64;
	return true;
}

bool value_u32(const struct item *it, uint32_t *out)
{
	uint64_t v;

	if (!value_u64(it, &v) || v > UINT32_MAX)
		return false;
	*out = (uint32_t)v;
	return true;
}

static int peek_section(struct tok *t, char *id, uint32_t *seqno)
{
	bool have_id = false, have_seqno = false;
	struct item it;
	int r;

	while ((r = tok_item(t, &it)) > 0) {
		if (it.type == ITEM_SECTION) {
			r = tok_skip(t);
			if (r < 0)
				break;
			continue;
		}
		if (!*t->p)		/* the value may have been cut */
			break;
		if (KEY_IS(&it, "id") && !have_id) {
			if (it.type != ITEM_VALUE || !uuid_valid(it.value.s, it.value.len))
				return bad(t, "the group has no valid id");
			memcpy(id, it.value.s, UUID_TEXT);
			id[UUID_TEXT] = '\0';
			have_id = true;
		} else if (KEY_IS(&it, "seqno") && !have_seqno) {
			if (!value_u32(&it, seqno))
				return bad(t, "the sequence number is not one");
			have_seqno = true;
		}
		if (have_id && have_seqno)
			return 1;
	}
	return 0;
}

int text_peek(const char *text, char *id, uint32_t *seqno)
{
	struct item it;
	struct tok t;

	tok_init(&t, text);
	while (tok_item(&t, &it) > 0)
		if (it.type == ITEM_SECTION)
			return peek_section(&t, id, seqno);
	return 0;
}
