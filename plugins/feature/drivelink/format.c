/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The metadata of drive links on a child: check, decode, encode. README.md describes the format. */
#include <stdio.h>
#include <stdlib.h>
#include "link.h"

#define VERSION_MAJOR	1

static const char magic[8] = { 'E', 'V', 'M', 'S', 'L', 'I', 'N', 'K' };

/* byte offsets in a copy, all numbers little endian */
enum {
	AT_MAGIC = 0, AT_MAJOR = 8, AT_MINOR = 10, AT_CRC = 12, AT_LENGTH = 16, AT_COPY = 20,
	AT_SEQUENCE = 24, AT_LINK = 32, AT_CHILD = 48, AT_COUNT = 64, AT_INDEX = 68, AT_SIZE = 72,
	AT_DATA_OFFSET = 80, AT_DATA_SIZE = 88, AT_COPY2 = 96, AT_FEATURES = 104, AT_NAME = 128,
	AT_TABLE = LINK_HEADER
};
/* in an entry of the table */
enum { ENTRY_UUID = 0, ENTRY_SIZE = 16 };

static int bad(struct link_trouble *t, const char *reason, const char *text)
{
	t->reason = reason;
	t->text = text;
	return LINK_FOUND_BAD;
}

static uint32_t checksum(const uint8_t *area, uint32_t length)
{
	static const uint8_t zeros[4];
	uint32_t crc = evms_crc32c(0xffffffffu, area, AT_CRC);

	crc = evms_crc32c(crc, zeros, sizeof(zeros));
	return ~evms_crc32c(crc, area + AT_CRC + 4, length - AT_CRC - 4);
}

/* Of what all children must agree about. */
static uint32_t digest(const uint8_t *area, uint32_t count)
{
	uint32_t crc = evms_crc32c(0xffffffffu, area + AT_LINK, 16);

	crc = evms_crc32c(crc, area + AT_COUNT, 4);
	crc = evms_crc32c(crc, area + AT_SIZE, 8);
	crc = evms_crc32c(crc, area + AT_NAME, LINK_NAME);
	return evms_crc32c(crc, area + AT_TABLE, (size_t)count * LINK_ENTRY);
}

/* Length of the UTF-8 sequence at p, 0 when it is none or a control character. */
static size_t utf8_length(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;
	size_t n, i;

	if (u[0] < 0x80)
		return u[0] >= 0x20 && u[0] != 0x7f;
	if (u[0] < 0xc2 || u[0] > 0xf4)
		return 0;
	n = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
	for (i = 1; i < n; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) ||
	    (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f))
		return 0;
	return n;
}

bool link_name_ok(const char *name)
{
	size_t len = strlen(name), n;

	if (len == 0 || len >= LINK_NAME || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	for (; *name; name += n) {
		n = utf8_length(name);
		if (n == 0 || *name == '/')
			return false;
	}
	return true;
}

void link_uuid_text(const uint8_t uuid[16], char text[LINK_UUID_TEXT])
{
	int i, at = 0;

	for (i = 0; i < 16; i++)
		at += snprintf(text + at, LINK_UUID_TEXT - (size_t)at, "%s%02x",
			       i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
}

int link_uuid_new(uint8_t uuid[16])
{
	int r = evms_random(uuid, 16);

	uuid[6] = (uint8_t)(0x40 | (uuid[6] & 0x0f));
	uuid[8] = (uint8_t)(0x80 | (uuid[8] & 0x3f));
	return r;
}

uint64_t link_copy2_offset(uint64_t size)
{
	if (size < LINK_DATA + 2 * LINK_AREA)
		return 0;
	return (size - LINK_AREA) & ~(uint64_t)(LINK_AREA - 1);
}

static int check_table(const uint8_t *area, const struct link_copy *c, struct link_trouble *t)
{
	const uint8_t *entry = area + AT_TABLE + (size_t)c->index * LINK_ENTRY;
	uint64_t sum = 0, size;
	uint32_t i;

	if (memcmp(entry + ENTRY_UUID, c->child, 16) != 0 ||
	    evms_get_le64(entry + ENTRY_SIZE) != c->data_size)
		return bad(t, "drivelink.index", "the table of the link does not name this child");
	for (i = 0; i < c->count; i++) {
		size = evms_get_le64(area + AT_TABLE + (size_t)i * LINK_ENTRY + ENTRY_SIZE);
		if (size == 0 || size % LINK_AREA || size > LINK_MAX_SIZE - sum)
			return bad(t, "drivelink.table",
				   "the table of the link has an impossible size");
		sum += size;
	}
	if (sum != c->size)
		return bad(t, "drivelink.table",
			   "the children do not add up to the size of the link");
	return LINK_FOUND_GOOD;
}

static int check_extent(const struct link_copy *c, uint64_t offset, uint64_t size,
			struct link_trouble *t)
{
	/* a copy 2 of something inside this object that ends where the object ends */
	if (c->number == 2 && c->copy2 != offset)
		return LINK_FOUND_NONE;
	if (c->data_offset < LINK_AREA || c->data_offset % 4096 || c->copy2 % 4096 ||
	    c->data_offset > c->copy2 || c->data_size > c->copy2 - c->data_offset)
		return bad(t, "drivelink.data", "the data area of the child overlaps its metadata");
	if (c->copy2 > size || size - c->copy2 < LINK_AREA)
		return bad(t, "drivelink.short",
			   "the child is smaller than it was; was it cut short?");
	return LINK_FOUND_GOOD;
}

static int decode(const uint8_t *area, struct link_copy *c, struct link_trouble *t)
{
	if (evms_get_le16(area + AT_MAJOR) != VERSION_MAJOR ||
	    evms_get_le32(area + AT_FEATURES) != 0)
		return bad(t, "drivelink.version",
			   "the drive link needs a newer version of this plug-in");
	c->sequence = evms_get_le64(area + AT_SEQUENCE);
	memcpy(c->link, area + AT_LINK, 16);
	memcpy(c->child, area + AT_CHILD, 16);
	c->index = evms_get_le32(area + AT_INDEX);
	c->size = evms_get_le64(area + AT_SIZE);
	c->data_offset = evms_get_le64(area + AT_DATA_OFFSET);
	c->data_size = evms_get_le64(area + AT_DATA_SIZE);
	c->copy2 = evms_get_le64(area + AT_COPY2);
	memcpy(c->name, area + AT_NAME, LINK_NAME);
	if (c->sequence < 1 || c->sequence > LINK_MAX_SEQ || c->index >= c->count)
		return bad(t, "drivelink.header",
			   "the header of the drive link has impossible numbers");
	if (!memchr(c->name, 0, LINK_NAME) || !link_name_ok(c->name))
		return bad(t, "drivelink.name", "the drive link has no valid name");
	c->digest = digest(area, c->count);
	return LINK_FOUND_GOOD;
}

static uint32_t copy_length(uint32_t count)
{
	return (LINK_HEADER + count * LINK_ENTRY + 4095) / 4096 * 4096;
}

static int check(const uint8_t *area, uint64_t size, uint64_t offset, struct link_copy *c,
		 struct link_trouble *t)
{
	int r;

	if (checksum(area, copy_length(c->count)) != evms_get_le32(area + AT_CRC))
		return bad(t, "drivelink.checksum", "the checksum of the drive link is wrong");
	if (evms_get_le32(area + AT_COPY) != c->number)
		return bad(t, "drivelink.place",
			   "the metadata of the drive link is at another place");
	r = decode(area, c, t);
	if (r == LINK_FOUND_GOOD)
		r = check_extent(c, offset, size, t);
	return r == LINK_FOUND_GOOD ? check_table(area, c, t) : r;
}

int link_copy_read(struct evms_object *o, uint32_t number, uint64_t offset, struct link_copy *out,
		   struct link_trouble *trouble)
{
	uint64_t size = evms_get_size(o);
	uint8_t first[4096], *area;
	uint32_t length;
	int r;

	if (size < LINK_AREA || offset > size - LINK_AREA)
		return LINK_FOUND_NONE;
	r = evms_read(o, first, sizeof(first), offset);
	if (r < 0)
		return r;
	if (memcmp(first + AT_MAGIC, magic, sizeof(magic)) != 0)
		return LINK_FOUND_NONE;
	memset(out, 0, sizeof(*out));
	out->number = number;
	out->count = evms_get_le32(first + AT_COUNT);
	if (out->count < 1 || out->count > LINK_MAX)
		return bad(trouble, "drivelink.count",
			   "the drive link has an impossible number of children");
	length = copy_length(out->count);
	if (evms_get_le32(first + AT_LENGTH) != length)
		return bad(trouble, "drivelink.length",
			   "the drive link has metadata of impossible length");
	area = malloc(length);
	if (!area)
		return -ENOMEM;
	r = evms_read(o, area, length, offset);
	if (r == 0)
		r = check(area, size, offset, out, trouble);
	free(area);
	return r;
}

int link_table_read(struct evms_object *o, const struct link_copy *copy,
		    struct link_child *children)
{
	uint64_t offset = copy->number == 1 ? 0 : copy->copy2;
	size_t length = (size_t)copy->count * LINK_ENTRY;
	uint8_t *table = malloc(length);
	uint32_t i;
	int r;

	if (!table)
		return -ENOMEM;
	r = evms_read(o, table, length, offset + AT_TABLE);
	for (i = 0; r == 0 && i < copy->count; i++) {
		memcpy(children[i].uuid, table + (size_t)i * LINK_ENTRY + ENTRY_UUID, 16);
		children[i].data_size = evms_get_le64(table + (size_t)i * LINK_ENTRY + ENTRY_SIZE);
	}
	free(table);
	return r;
}

void link_encode(const struct link *l, uint32_t index, uint32_t number, uint8_t area[LINK_AREA])
{
	const struct link_child *c = &l->children[index];
	uint8_t *entry;
	uint32_t i;

	memset(area, 0, LINK_AREA);
	memcpy(area + AT_MAGIC, magic, sizeof(magic));
	evms_put_le16(area + AT_MAJOR, VERSION_MAJOR);
	evms_put_le32(area + AT_LENGTH, copy_length(l->count));
	evms_put_le32(area + AT_COPY, number);
	evms_put_le64(area + AT_SEQUENCE, l->sequence);
	memcpy(area + AT_LINK, l->uuid, 16);
	memcpy(area + AT_CHILD, c->uuid, 16);
	evms_put_le32(area + AT_COUNT, l->count);
	evms_put_le32(area + AT_INDEX, index);
	evms_put_le64(area + AT_SIZE, l->size);
	evms_put_le64(area + AT_DATA_OFFSET, c->data_offset);
	evms_put_le64(area + AT_DATA_SIZE, c->data_size);
	evms_put_le64(area + AT_COPY2, c->copy2);
	memcpy(area + AT_NAME, l->name, strlen(l->name));
	for (i = 0; i < l->count; i++) {
		entry = area + AT_TABLE + (size_t)i * LINK_ENTRY;
		memcpy(entry + ENTRY_UUID, l->children[i].uuid, 16);
		evms_put_le64(entry + ENTRY_SIZE, l->children[i].data_size);
	}
	evms_put_le32(area + AT_CRC, checksum(area, copy_length(l->count)));
}
