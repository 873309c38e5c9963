/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Partition names: UTF-16LE on the disk, UTF-8 everywhere else. */
#include "gpt.h"

#define REPLACEMENT	0xfffdu

static size_t put_utf8(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* Names are shown to people and used in paths: what is not a character must not get through. */
static uint32_t make_safe(uint32_t c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0) || (c & 0xfffe) == 0xfffe)
		return REPLACEMENT;
	return c;
}

void gpt_name_get(const uint8_t *entry, char text[GPT_NAME_BYTES])
{
	const uint8_t *p = entry + GPT_E_NAME;
	size_t used = 0;
	unsigned i;

	text[0] = '\0';
	if (evms_get_le16(p) == 0xffff)		/* erased flash, never written */
		return;
	for (i = 0; i < GPT_NAME_UNITS; i++) {
		uint32_t c = evms_get_le16(p + 2 * i), low;

		if (!c)
			break;
		if (c >= 0xd800 && c < 0xe000) {
			low = i + 1 < GPT_NAME_UNITS ? evms_get_le16(p + 2 * i + 2) : 0;
			if (c < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
				c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
				i++;
			} else {
				c = REPLACEMENT;
			}
		}
		used += put_utf8(text + used, make_safe(c));
	}
	text[used] = '\0';
}

/* Take one character off *text. Strict: no overlong forms, no surrogates. */
static bool get_utf8(const char **text, uint32_t *out)
{
	const uint8_t *s = (const uint8_t *)*text;
	uint32_t c = s[0], least;
	unsigned more, i;

	if (c < 0x80) {
		more = 0;
		least = 0;
	} else if (c >= 0xc2 && c < 0xe0) {
		more = 1;
		least = 0x80;
		c &= 0x1f;
	} else if (c >= 0xe0 && c < 0xf0) {
		more = 2;
		least = 0x800;
		c &= 0x0f;
	} else if (c >= 0xf0 && c < 0xf5) {
		more = 3;
		least = 0x10000;
		c &= 0x07;
	} else {
		return false;
	}
	for (i = 1; i <= more; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return false;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return false;
	*text += more + 1;
	*out = c;
	return true;
}

int gpt_name_set(uint8_t *entry, const char *text)
{
	uint8_t units[GPT_NAME_UNITS * 2] = { 0 };
	unsigned n = 0;

	while (*text) {
		uint32_t c;

		if (!get_utf8(&text, &c) || make_safe(c) != c)
			return -EINVAL;
		if (n + (c >= 0x10000 ? 2 : 1) > GPT_NAME_UNITS)
			return -ENAMETOOLONG;
		if (c >= 0x10000) {
			c -= 0x10000;
			evms_put_le16(units + 2 * n++, (uint16_t)(0xd800 + (c >> 10)));
			c = 0xdc00 + (c & 0x3ff);
		}
		evms_put_le16(units + 2 * n++, (uint16_t)c);
	}
	memcpy(entry + GPT_E_NAME, units, sizeof(units));
	return 0;
}
