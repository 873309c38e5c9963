/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words for people, text for machines, and small questions to the model. */
#define _GNU_SOURCE 1
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include "cli.h"

const char *size_words(uint64_t bytes, char *buf)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned unit = 0;
	uint64_t scale = 1;

	while (unit < 6 && bytes / scale >= 1024) {
		scale *= 1024;
		unit++;
	}
	if (bytes % scale == 0)
		snprintf(buf, SIZE_WORDS, "%llu %s", (unsigned long long)(bytes / scale),
			 units[unit]);
	else
		snprintf(buf, SIZE_WORDS, "%.*f %s", bytes / scale < 100 ? 2 : 1,
			 (double)bytes / (double)scale, units[unit]);
	return buf;
}

bool parse_bytes(const char *s, uint64_t *out)
{
	static const char units[] = "kmgtpe";
	uint64_t n = 0, scale = 1;
	const char *unit;

	if (!isdigit((unsigned char)*s))
		return false;
	for (; isdigit((unsigned char)*s); s++) {
		if (n > (UINT64_MAX - (uint64_t)(*s - '0')) / 10)
			return false;
		n = n * 10 + (uint64_t)(*s - '0');
	}
	unit = *s ? strchr(units, tolower((unsigned char)*s)) : NULL;
	if (unit) {
		bool decimal = (s[1] == 'B' || s[1] == 'b') && !s[2];

		if (s[1] && !decimal && strcmp(s + 1, "iB"))
			return false;
		for (long i = unit - units; i >= 0; i--)
			scale *= decimal ? 1000 : 1024;
	} else if (*s && strcmp(s, "B")) {
		return false;
	}
	if (n > UINT64_MAX / scale)
		return false;
	*out = n * scale;
	return true;
}

unsigned edit_distance(const char *a, const char *b)
{
	unsigned row[64], before, up;
	size_t n = strlen(b);

	if (n >= sizeof(row) / sizeof(row[0]))
		return 99;
	for (size_t j = 0; j <= n; j++)
		row[j] = (unsigned)j;
	for (size_t i = 0; a[i]; i++) {
		before = row[0]++;
		for (size_t j = 1; j <= n; j++) {
			up = row[j];
			row[j] = before + (a[i] != b[j - 1]);
			if (up + 1 < row[j])
				row[j] = up + 1;
			if (row[j - 1] + 1 < row[j])
				row[j] = row[j - 1] + 1;
			before = up;
		}
	}
	return row[n];
}

/* Length of a UTF-8 sequence that is well formed; 0 for anything else. */
static size_t sequence(const unsigned char *s)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 :
		   (s[0] & 0xf0) == 0xe0 ? 3 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

void put_json_text(FILE *f, const char *s)
{
	const unsigned char *at = (const unsigned char *)s;
	size_t n;

	putc('"', f);
	for (; *at; at += n ? n : 1) {
		n = sequence(at);
		if (!n)
			fputs("\xef\xbf\xbd", f);
		else if (*at == '"' || *at == '\\')
			fprintf(f, "\\%c", *at);
		else if (*at < 0x20 || *at == 0x7f)
			fprintf(f, "\\u%04x", *at);
		else
			fwrite(at, 1, n, f);
	}
	putc('"', f);
}

void put_safe(FILE *f, const char *s)
{
	const unsigned char *at = (const unsigned char *)s;
	size_t n;

	for (; *at; at += n ? n : 1) {
		n = sequence(at);
		/* C1 controls are two bytes in UTF-8, and terminals obey them. */
		if (!n || *at < 0x20 || *at == 0x7f || (*at == 0xc2 && at[1] < 0xa0))
			putc('?', f);
		else
			fwrite(at, 1, n, f);
	}
}

size_t columns_of(const char *s)
{
	mbstate_t state = { 0 };
	size_t columns = 0, n;
	wchar_t wide;
	int width;

	while (*s) {
		n = mbrtowc(&wide, s, strlen(s), &state);
		if (n == (size_t)-1 || n == (size_t)-2 || n == 0) {
			memset(&state, 0, sizeof(state));
			n = 1;
			width = 1;
		} else {
			width = wcwidth(wide);
		}
		columns += width > 0 ? (size_t)width : width < 0;
		s += n;
	}
	return columns;
}

const char *type_words(const struct evms_option *o)
{
	switch (o->type) {
	case EVMS_TYPE_BOOL:
		return "yes|no";
	case EVMS_TYPE_U64:
		return "NUMBER";
	case EVMS_TYPE_SIZE:
		return o->flags & EVMS_OPTION_PERCENT ? "SIZE|PERCENT" : "SIZE";
	case EVMS_TYPE_CHOICE:
		return o->choices ? o->choices : "WORD";
	default:
		return "TEXT";
	}
}

const char *state_words(uint32_t state, char *buf, size_t size)
{
	static const struct {
		uint32_t bit;
		const char *word;
	} words[] = {
		{ EVMS_STATE_NEW, "new" },
		{ EVMS_STATE_DIRTY, "not committed" },
		{ EVMS_STATE_READ_ONLY, "read-only" },
		{ EVMS_STATE_DEGRADED, "degraded" },
		{ EVMS_STATE_INCOMPLETE, "incomplete" },
		{ EVMS_STATE_IN_USE, "in use" },
		{ EVMS_STATE_MISSING, "missing" },
		{ EVMS_STATE_DAMAGED, "damaged" },
		{ EVMS_STATE_UNSUPPORTED, "cannot be opened" },
		{ EVMS_STATE_INTERNAL, "internal" },
	};
	size_t at = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (state & words[i].bit && at < size)
			at += (size_t)snprintf(buf + at, size - at, "%s%s", at ? ", " : "",
					       words[i].word);
	return buf;
}

struct evms_object *volume_on(const struct evms_object *o)
{
	struct evms_object *out;

	for (size_t i = 0; (out = evms_object_get_output(o, i)); i++)
		if (evms_object_get_kind(out) == EVMS_KIND_VOLUME)
			return out;
	return NULL;
}

struct evms_object *user_of(const struct evms_object *o)
{
	struct evms_object *out;

	for (size_t i = 0; (out = evms_object_get_output(o, i)); i++)
		if (evms_object_get_kind(out) & (EVMS_KIND_GROUP | EVMS_KIND_FEATURE))
			return out;
	return NULL;
}
