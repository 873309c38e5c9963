/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The label of a physical volume: one sector among the first four. */
#include "lvm2.h"

#define LABEL_HEADER	32u
#define PV_HEADER	40u

static const char label_magic[8] = "LABELONE";
static const char label_type[8] = "LVM2 001";

uint32_t lvm_crc(const void *buf, size_t len)
{
	return evms_crc32(0xf597a6cfu, buf, len);
}

static bool uuid_dash(unsigned i)
{
	return i == 6 || i == 11 || i == 16 || i == 21 || i == 26 || i == 31;
}

bool uuid_valid(const char *text, size_t len)
{
	static const char form[] = "xxxxxx-xxxx-xxxx-xxxx-xxxx-xxxx-xxxxxx";
	static const char letters[256] = {
		['0' ... '9'] = 'x', ['A' ... 'Z'] = 'x', ['a' ... 'z'] = 'x', ['!'] = 'x', ['#'] = 'x',
		['-'] = '-',
	};
	unsigned i, wrong = 0;

	if (len != UUID_TEXT)
		return false;
	for (i = 0; i < UUID_TEXT; i++)
		wrong |= letters[(unsigned char)text[i]] != form[i];
	return !wrong;
}

int uuid_new(struct random *random, char *text)
{
	static const char letters[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	unsigned i = 0;
	uint8_t byte;
	int r;

	while (i < UUID_TEXT) {
		if (uuid_dash(i)) {
			text[i++] = '-';
			continue;
		}
		if (!random->left) {
			r = evms_random(random->bytes, sizeof(random->bytes));
			if (r < 0)
				return r;
			random->left = sizeof(random->bytes);
		}
		byte = random->bytes[--random->left];
		if (byte < 62 * 4)		/* each letter equally often */
			text[i++] = letters[byte % 62];
	}
	text[UUID_TEXT] = '\0';
	return 0;
}

/* 32 letters to 38 with dashes. */
static bool uuid_expand(const uint8_t *raw, char *text)
{
	unsigned i;

	for (i = 0; i < UUID_TEXT; i++)
		text[i] = uuid_dash(i) ? '-' : (char)*raw++;
	text[UUID_TEXT] = '\0';
	return uuid_valid(text, UUID_TEXT);
}

/* A list of offsets and sizes that ends with a pair of zeros. Bytes used, 0 when it leaves the sector. */
static uint32_t read_list(const uint8_t *sector, uint32_t at, struct pair *out, uint32_t max,
			  uint32_t *count)
{
	uint32_t n = 0;

	for (; at <= SECTOR - 16; at += 16) {
		uint64_t offset = evms_get_le64(sector + at), size = evms_get_le64(sector + at + 8);

		if (!offset && !size) {
			*count = n;
			return at + 16;
		}
		if (n < max)
			out[n] = (struct pair) { offset, size };
		n++;
	}
	return 0;
}

static int read_pv_header(const uint8_t *sector, struct label *l, const char **why)
{
	uint32_t at = evms_get_le32(sector + 20), n, next;
	struct pair list[LIST_MAX];

	*why = "the label points outside of its sector";
	if (at < LABEL_HEADER || at > SECTOR - PV_HEADER)
		return LABEL_BAD;
	if (!uuid_expand(sector + at, l->uuid)) {
		*why = "the label holds no valid uuid";
		return LABEL_BAD;
	}
	l->device_size = evms_get_le64(sector + at + 32);
	*why = "a list in the label does not end";
	next = read_list(sector, at + PV_HEADER, list, LIST_MAX, &n);
	if (!next)
		return LABEL_BAD;
	l->data = n ? list[0] : (struct pair) { 0, 0 };
	next = read_list(sector, next, l->areas, LIST_MAX, &l->area_count);
	if (!next)
		return LABEL_BAD;
	if (l->area_count > LIST_MAX)
		l->area_count = LIST_MAX;
	if (next > SECTOR - 8)
		return LABEL_GOOD;	/* no room for an extension: an old label */
	l->version = evms_get_le32(sector + next);
	l->flags = l->version ? evms_get_le32(sector + next + 4) : 0;
	if (l->version && read_list(sector, next + 8, list, LIST_MAX, &n) && n)
		l->boot = list[0];
	return LABEL_GOOD;
}

static int read_sector(const uint8_t *sector, uint64_t number, struct label *l, const char **why)
{
	if (memcmp(sector, label_magic, 8) || memcmp(sector + 24, label_type, 8))
		return LABEL_NONE;
	*why = "the label's checksum is wrong";
	if (lvm_crc(sector + 20, SECTOR - 20) != evms_get_le32(sector + 16))
		return LABEL_BAD;
	*why = "the label was made for another sector";
	if (evms_get_le64(sector + 8) != number)
		return LABEL_BAD;
	memset(l, 0, sizeof(*l));
	l->sector = number;
	return read_pv_header(sector, l, why);
}

int label_read(struct evms_object *o, struct label *l, const char **why)
{
	uint8_t sectors[LABEL_SECTORS * SECTOR];
	uint64_t size = evms_get_size(o);
	uint32_t i;
	int r, found = LABEL_NONE;

	*why = NULL;
	if (size < 2 * SECTOR)
		return LABEL_NONE;
	memset(sectors, 0, sizeof(sectors));
	r = evms_read(o, sectors, size < sizeof(sectors) ? (size_t)size : sizeof(sectors), 0);
	if (r < 0)
		return r;
	for (i = 0; i < LABEL_SECTORS; i++) {
		r = read_sector(sectors + (size_t)i * SECTOR, i, l, why);
		if (r == LABEL_GOOD)
			return r;
		if (r == LABEL_BAD)
			found = r;
	}
	return found;
}

static uint8_t *put_pair(uint8_t *p, uint64_t offset, uint64_t size)
{
	evms_put_le64(p, offset);
	evms_put_le64(p + 8, size);
	return p + 16;
}

/* The first LABEL_SPACE bytes of a new physical volume. */
void label_build(uint8_t *space, const struct label *l)
{
	uint8_t *sector = space + l->sector * SECTOR, *p = sector + LABEL_HEADER;
	unsigned i;

	memset(space, 0, LABEL_SPACE);
	memcpy(sector, label_magic, 8);
	evms_put_le64(sector + 8, l->sector);
	evms_put_le32(sector + 20, LABEL_HEADER);
	memcpy(sector + 24, label_type, 8);
	for (i = 0; i < UUID_TEXT; i++)
		if (!uuid_dash(i))
			*p++ = (uint8_t)l->uuid[i];
	evms_put_le64(p, l->device_size);
	p = put_pair(p + 8, l->data.offset, l->data.size);
	p = put_pair(p, 0, 0);
	for (i = 0; i < l->area_count; i++)
		p = put_pair(p, l->areas[i].offset, l->areas[i].size);
	p = put_pair(p, 0, 0);
	evms_put_le32(p, 2);
	evms_put_le32(p + 4, l->flags);
	put_pair(p + 8, 0, 0);
	evms_put_le32(sector + 16, lvm_crc(sector + 20, SECTOR - 20));
}
