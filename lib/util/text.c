/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text that grows, sizes in words, and names that are safe to print. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "util/text.h"

#define DISTANCE_MAX 64		/* longer words are cut for text_distance() */

/* Room for length more bytes and the NUL. */
static bool text_reserve(struct text *t, size_t length)
{
	size_t wanted;
	char *p;

	if (t->failed)
		return false;
	if (length >= SIZE_MAX / 2 - t->length) {
		t->failed = true;
		return false;
	}
	if (t->length + length < t->capacity)
		return true;
	wanted = t->capacity ? t->capacity : 64;
	while (wanted <= t->length + length)
		wanted *= 2;
	p = realloc(t->at, wanted);
	if (!p) {
		t->failed = true;
		return false;
	}
	t->at = p;
	t->capacity = wanted;
	return true;
}

void text_add_bytes(struct text *t, const void *bytes, size_t length)
{
	if (!text_reserve(t, length))
		return;
	if (length)
		memcpy(t->at + t->length, bytes, length);
	t->length += length;
	t->at[t->length] = '\0';
}

void text_addv(struct text *t, const char *fmt, va_list args)
{
	size_t room;
	va_list again;
	int n;

	if (!text_reserve(t, 0))
		return;
	room = t->capacity - t->length;
	va_copy(again, args);
	n = vsnprintf(t->at + t->length, room, fmt, args);
	if (n < 0) {
		t->at[t->length] = '\0';
		t->failed = true;
	} else if ((size_t)n < room) {
		t->length += (size_t)n;
	} else if (text_reserve(t, (size_t)n)) {
		vsnprintf(t->at + t->length, (size_t)n + 1, fmt, again);
		t->length += (size_t)n;
	} else {
		t->at[t->length] = '\0';
	}
	va_end(again);
}

void text_add(struct text *t, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	text_addv(t, fmt, args);
	va_end(args);
}

char *text_take(struct text *t)
{
	char *s;

	text_reserve(t, 0);
	if (t->failed) {
		text_free(t);
		return NULL;
	}
	s = t->at;
	s[t->length] = '\0';
	memset(t, 0, sizeof(*t));
	return s;
}

void text_free(struct text *t)
{
	free(t->at);
	memset(t, 0, sizeof(*t));
}

const char *text_size(uint64_t bytes, char *buf, size_t size)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	uint64_t unit = 1, whole, tenth;
	unsigned i = 0;

	while (i < 6 && bytes / unit >= 1024) {
		unit *= 1024;
		i++;
	}
	if (bytes % unit == 0) {
		snprintf(buf, size, "%llu %s", (unsigned long long)(bytes / unit), units[i]);
		return buf;
	}
	whole = bytes / unit;
	/* The rest is less than 2^60: ten times that and half a unit still fit. */
	tenth = (bytes % unit * 10 + unit / 2) / unit;
	if (tenth == 10) {
		tenth = 0;
		whole++;
	}
	if (whole == 1024 && i < 6) {
		whole = 1;
		i++;
	}
	snprintf(buf, size, "%llu.%llu %s", (unsigned long long)whole, (unsigned long long)tenth,
		 units[i]);
	return buf;
}

int text_parse_u64(const char *s, uint64_t *out)
{
	uint64_t n = 0;

	if (*s < '0' || *s > '9')
		return -EINVAL;
	for (; *s >= '0' && *s <= '9'; s++) {
		unsigned digit = (unsigned)(*s - '0');

		if (n > (UINT64_MAX - digit) / 10) {
			while (*s >= '0' && *s <= '9')
				s++;
			return *s ? -EINVAL : -ERANGE;
		}
		n = n * 10 + digit;
	}
	if (*s)
		return -EINVAL;
	*out = n;
	return 0;
}

/* "", "B", "K", "KiB" (1024), "KB" (1000), ... */
static int parse_unit(const char *s, uint64_t *out)
{
	static const char letters[] = "kmgtpe";
	uint64_t base = 1024, unit = 1;
	const char *letter;
	int power;

	if (!*s || ((*s == 'B' || *s == 'b') && !s[1])) {
		*out = 1;
		return 0;
	}
	letter = strchr(letters, *s | 0x20);
	if (!letter || !*letter)
		return -EINVAL;
	s++;
	if ((*s == 'i' || *s == 'I') && (s[1] == 'B' || s[1] == 'b')) {
		s += 2;
	} else if (*s == 'B' || *s == 'b') {
		base = 1000;
		s++;
	}
	if (*s)
		return -EINVAL;
	for (power = (int)(letter - letters); power >= 0; power--)
		unit *= base;
	*out = unit;
	return 0;
}

int text_parse_size(const char *s, uint64_t *out)
{
	uint64_t whole = 0, unit, part = 0;
	const char *fraction = NULL, *end, *p;
	bool large = false;
	int r;

	if (*s < '0' || *s > '9')
		return -EINVAL;
	for (end = s; *end >= '0' && *end <= '9'; end++) {
		unsigned digit = (unsigned)(*end - '0');

		if (whole > (UINT64_MAX - digit) / 10)
			large = true;
		else
			whole = whole * 10 + digit;
	}
	if (*end == '.') {
		fraction = ++end;
		while (*end >= '0' && *end <= '9')
			end++;
		if (end == fraction)
			return -EINVAL;
	}
	p = end;
	while (*p == ' ')
		p++;
	r = parse_unit(p, &unit);
	if (r)
		return r;
	/* From the last digit to the first, rounding down: never more than ten units. */
	for (p = end; fraction && p > fraction; p--)
		part = ((uint64_t)(p[-1] - '0') * unit + part) / 10;
	if (large || whole > (UINT64_MAX - part) / unit)
		return -ERANGE;
	*out = whole * unit + part;
	return 0;
}

/* Bytes of the UTF-8 character at s, 0 when it is broken or not fit to be printed. */
static size_t printable_length(const unsigned char *s)
{
	uint32_t code;
	size_t length, i;

	if (s[0] < 0x80)
		return s[0] >= 0x20 && s[0] != 0x7f;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		length = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		length = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		length = 4;
	else
		return 0;
	code = s[0] & (0x7fu >> length);
	for (i = 1; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3fu);
	}
	if ((length == 3 && code < 0x800) || (length == 4 && code < 0x10000) || code > 0x10ffff)
		return 0;
	if (code < 0xa0 || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	/* Line and paragraph separators; what turns the direction of the text around it. */
	if ((code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069))
		return 0;
	return length;
}

void text_copy_safe(char *to, size_t size, const char *from)
{
	const unsigned char *s = (const unsigned char *)from;
	size_t n = 0, length;

	if (!size)
		return;
	while (*s) {
		length = printable_length(s);
		if (!length) {
			if (n + 1 >= size)
				break;
			to[n++] = '?';
			s++;
			continue;
		}
		if (length >= size - n)
			break;
		memcpy(to + n, s, length);
		n += length;
		s += length;
	}
	to[n] = '\0';
}

/* Edits are: insert, delete, change a letter, swap two neighbours. */
unsigned text_distance(const char *a, const char *b)
{
	unsigned rows[3][DISTANCE_MAX + 1], *before = rows[0], *above = rows[1], *now = rows[2], *spare;
	size_t n = strnlen(a, DISTANCE_MAX), m = strnlen(b, DISTANCE_MAX), i, j;

	for (j = 0; j <= m; j++)
		before[j] = above[j] = (unsigned)j;
	for (i = 1; i <= n; i++) {
		now[0] = (unsigned)i;
		for (j = 1; j <= m; j++) {
			unsigned best = above[j - 1] + (a[i - 1] != b[j - 1]);

			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
		spare = before;
		before = above;
		above = now;
		now = spare;
	}
	return above[m];
}
