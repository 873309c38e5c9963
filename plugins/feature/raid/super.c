/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* MD superblocks, versions 0.90 and 1.0 to 1.2: find, check, decode, encode. */
#include <stdio.h>
#include "raid.h"

#define MAGIC		0xa92b4efcu
#define SUPER_1_SIZE	256u	/* without the role table */

/* version 1, little endian; byte offsets */
enum {
	V1_MAGIC = 0, V1_MAJOR = 4, V1_FEATURES = 8, V1_SET_UUID = 16, V1_SET_NAME = 32,
	V1_CTIME = 64, V1_LEVEL = 72, V1_LAYOUT = 76, V1_SIZE = 80, V1_CHUNK = 88,
	V1_RAID_DISKS = 92, V1_DELTA_DISKS = 112, V1_DATA_OFFSET = 128, V1_DATA_SIZE = 136,
	V1_SUPER_OFFSET = 144, V1_DEV_NUMBER = 160, V1_DEVICE_UUID = 168, V1_BBLOG_SIZE = 186,
	V1_BBLOG_OFFSET = 188, V1_UTIME = 192, V1_EVENTS = 200, V1_RESYNC_OFFSET = 208,
	V1_CSUM = 216, V1_MAX_DEV = 220, V1_ROLES = 256
};

/* version 0.90, 32-bit words in the byte order of the machine that made it */
enum {
	V0_MAGIC = 0, V0_MAJOR = 1, V0_MINOR = 2, V0_UUID0 = 5, V0_CTIME = 6, V0_LEVEL = 7,
	V0_SIZE = 8, V0_RAID_DISKS = 10, V0_UUID1 = 13, V0_CSUM = 38, V0_EVENTS = 39,
	V0_DELTA_DISKS = 47,
	V0_LAYOUT = 64, V0_CHUNK = 65, V0_DISKS = 128, V0_DISK_WORDS = 32, V0_THIS_DISK = 992
};
/* words of a disk entry */
enum { V0_DISK_NUMBER = 0, V0_DISK_SLOT = 3, V0_DISK_STATE = 4 };

#define V0_DISK_FAULTY	1u
#define V0_DISK_WORKS	6u	/* active and in sync */

#define V1_SECONDS	((UINT64_C(1) << 40) - 1)	/* of ctime; microseconds above */

static const char *const format_names[RAID_FORMAT_COUNT] = { "1.2", "1.1", "1.0", "0.90" };

const char *raid_format_name(enum raid_format format)
{
	return format_names[format];
}

void raid_uuid_text(const uint8_t uuid[16], char text[RAID_UUID_TEXT])
{
	int i, at = 0;

	for (i = 0; i < 16; i++)
		at += snprintf(text + at, RAID_UUID_TEXT - (size_t)at, "%s%02x",
			       i && i % 4 == 0 ? ":" : "", uuid[i]);
}

/* Bytes from the start of the member; UINT64_MAX when it is too small for this format. */
uint64_t raid_super_position(enum raid_format format, uint64_t member_size)
{
	uint64_t sectors = member_size / RAID_SECTOR;

	if (format == RAID_FORMAT_0_90)
		return sectors < 256 ? UINT64_MAX : (sectors / 128 - 1) * 128 * RAID_SECTOR;
	if (sectors < 24)
		return UINT64_MAX;
	if (format == RAID_FORMAT_1_0)
		return ((sectors - 16) & ~UINT64_C(7)) * RAID_SECTOR;
	return format == RAID_FORMAT_1_1 ? 0 : 8 * RAID_SECTOR;
}

static int bad(struct raid_trouble *t, const char *reason, const char *text)
{
	t->reason = reason;
	t->text = text;
	return RAID_FOUND_BAD;
}

static uint32_t fold(uint64_t sum)
{
	return (uint32_t)((sum & 0xffffffffu) + (sum >> 32));
}

static uint32_t checksum_1(const uint8_t *raw, uint32_t max_dev)
{
	uint32_t len = SUPER_1_SIZE + 2 * max_dev, i;
	uint64_t sum = 0;

	for (i = 0; i + 4 <= len; i += 4)
		sum += i == V1_CSUM ? 0 : evms_get_le32(raw + i);
	if (i < len)
		sum += evms_get_le16(raw + i);
	return fold(sum);
}

static uint32_t word(const struct raid_super *s, uint32_t i)
{
	return s->big_endian ? evms_get_be32(s->raw + 4 * i) : evms_get_le32(s->raw + 4 * i);
}

static uint32_t checksum_0(const struct raid_super *s)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < RAID_SUPER_SIZE / 4; i++)
		sum += i == V0_CSUM ? 0 : word(s, i);
	return fold(sum);
}

static void decode_1(struct raid_super *s)
{
	const uint8_t *p = s->raw;
	uint64_t ctime = evms_get_le64(p + V1_CTIME);

	memcpy(s->set_uuid, p + V1_SET_UUID, 16);
	memcpy(s->device_uuid, p + V1_DEVICE_UUID, 16);
	memcpy(s->name, p + V1_SET_NAME, RAID_NAME_SIZE);
	s->name[RAID_NAME_SIZE] = '\0';
	s->created = (ctime & V1_SECONDS) << 24 | ctime >> 40;
	s->events = evms_get_le64(p + V1_EVENTS);
	s->level = (int32_t)evms_get_le32(p + V1_LEVEL);
	s->layout = evms_get_le32(p + V1_LAYOUT);
	s->chunk = evms_get_le32(p + V1_CHUNK);
	s->raid_disks = evms_get_le32(p + V1_RAID_DISKS);
	s->delta_disks = (int32_t)evms_get_le32(p + V1_DELTA_DISKS);
	s->features = evms_get_le32(p + V1_FEATURES);
	s->size = evms_get_le64(p + V1_SIZE);
	s->data_offset = evms_get_le64(p + V1_DATA_OFFSET);
	s->data_size = evms_get_le64(p + V1_DATA_SIZE);
	s->dev_number = evms_get_le32(p + V1_DEV_NUMBER);
	s->max_dev = evms_get_le32(p + V1_MAX_DEV);
}

/* The data area lies inside the member and does not touch the superblock. */
static int check_extent_1(const struct raid_super *s, uint64_t member_size, struct raid_trouble *t)
{
	uint64_t used = (SUPER_1_SIZE + 2 * s->max_dev + RAID_SECTOR - 1) / RAID_SECTOR;
	uint64_t here = s->position / RAID_SECTOR;
	uint64_t end = s->format == RAID_FORMAT_1_0 ? here : member_size / RAID_SECTOR;

	if (s->format != RAID_FORMAT_1_0 && s->data_offset < here + used)
		return bad(t, "raid.data", "the data area overlaps the MD superblock");
	if (s->data_offset > end || s->data_size > end - s->data_offset)
		return bad(t, "raid.data", "the data area of the MD superblock ends beyond the "
			   "device; was it cut short?");
	return RAID_FOUND_GOOD;
}

static int check_1(struct raid_super *s, uint64_t member_size, struct raid_trouble *t)
{
	const uint8_t *p = s->raw;
	uint32_t max_dev = evms_get_le32(p + V1_MAX_DEV);
	bool placed = evms_get_le64(p + V1_SUPER_OFFSET) == s->position / RAID_SECTOR;
	int r = RAID_FOUND_GOOD;

	if (max_dev > RAID_MAX_DEV)
		r = bad(t, "raid.slots",
			"the MD superblock has more device slots than fit into it");
	else if (checksum_1(p, max_dev) != evms_get_le32(p + V1_CSUM))
		r = bad(t, "raid.checksum", "the checksum of the MD superblock is wrong");
	if (r != RAID_FOUND_GOOD)
		return placed ? r : RAID_FOUND_NONE;
	/* at the end, it is as a rule that of something inside this object which ends with it */
	if (!placed && s->format == RAID_FORMAT_1_0)
		return RAID_FOUND_NONE;
	if (!placed)
		return bad(t, "raid.place", "the MD superblock belongs to another place; was the "
			   "device copied or cut?");
	if (evms_get_le32(p + V1_MAJOR) != 1)
		return bad(t, "raid.version", "the MD superblock is of an unknown version");
	decode_1(s);
	if (s->raid_disks < 1 || s->raid_disks > RAID_MAX_DEV)
		return bad(t, "raid.disks",
			   "the MD superblock gives an impossible number of devices");
	return check_extent_1(s, member_size, t);
}

static uint64_t pair(const struct raid_super *s, uint32_t low)
{
	/* the two words change places on big-endian machines */
	return s->big_endian ? (uint64_t)word(s, low) << 32 | word(s, low + 1) :
			       (uint64_t)word(s, low + 1) << 32 | word(s, low);
}

static void decode_uuid_0(struct raid_super *s)
{
	static const uint32_t words[4] = { V0_UUID0, V0_UUID1, V0_UUID1 + 1, V0_UUID1 + 2 };
	uint32_t i, w;

	for (i = 0; i < 4; i++) {
		w = word(s, words[i]);
		s->set_uuid[4 * i] = (uint8_t)(w >> 24);
		s->set_uuid[4 * i + 1] = (uint8_t)(w >> 16 & 0xff);
		s->set_uuid[4 * i + 2] = (uint8_t)(w >> 8 & 0xff);
		s->set_uuid[4 * i + 3] = (uint8_t)(w & 0xff);
	}
}

static int check_0(struct raid_super *s, struct raid_trouble *t)
{
	uint32_t minor = word(s, V0_MINOR);

	if (word(s, V0_MAJOR) != 0)
		return RAID_FOUND_NONE;
	if (checksum_0(s) != word(s, V0_CSUM))
		return bad(t, "raid.checksum", "the checksum of the MD superblock (0.90) is wrong");
	if (minor != 90 && minor != 91)
		return bad(t, "raid.version", "the MD superblock is of an unknown version");
	decode_uuid_0(s);
	s->created = (uint64_t)word(s, V0_CTIME) << 24;
	s->events = pair(s, V0_EVENTS);
	s->level = (int32_t)word(s, V0_LEVEL);
	s->layout = word(s, V0_LAYOUT);
	s->chunk = word(s, V0_CHUNK) / RAID_SECTOR;
	s->raid_disks = word(s, V0_RAID_DISKS);
	s->delta_disks = (int32_t)word(s, V0_DELTA_DISKS);
	s->features = minor == 91 ? RAID_FEATURE_RESHAPE : 0;
	s->size = (uint64_t)word(s, V0_SIZE) * 2;
	s->data_size = s->position / RAID_SECTOR;
	s->dev_number = word(s, V0_THIS_DISK + V0_DISK_NUMBER);
	s->max_dev = RAID_MAX_DISKS_090;
	if (s->raid_disks < 1 || s->raid_disks > RAID_MAX_DISKS_090)
		return bad(t, "raid.disks",
			   "the MD superblock gives an impossible number of devices");
	/* A disk shows the superblock of its last partition; there the sizes disagree. */
	if (s->level > 0 && s->size > s->data_size)
		return RAID_FOUND_NONE;
	return RAID_FOUND_GOOD;
}

int raid_super_read(struct evms_object *o, enum raid_format format, struct raid_super *out,
		    struct raid_trouble *trouble)
{
	uint64_t size = evms_get_size(o);
	int r;

	memset(out, 0, sizeof(*out));
	out->format = format;
	out->position = raid_super_position(format, size);
	if (out->position == UINT64_MAX)
		return RAID_FOUND_NONE;
	r = evms_read(o, out->raw, sizeof(out->raw), out->position);
	if (r < 0)
		return r;
	if (format != RAID_FORMAT_0_90)
		return evms_get_le32(out->raw) == MAGIC ? check_1(out, size, trouble) :
							  RAID_FOUND_NONE;
	out->big_endian = evms_get_be32(out->raw) == MAGIC;
	return word(out, V0_MAGIC) == MAGIC ? check_0(out, trouble) : RAID_FOUND_NONE;
}

int raid_super_find(struct evms_object *o, struct raid_super *out, struct raid_trouble *trouble)
{
	struct raid_super s;
	uint32_t formats = 0;
	int error = 0, found = RAID_FOUND_NONE, i, r;

	for (i = 0; i < RAID_FORMAT_COUNT; i++) {
		r = raid_super_read(o, (enum raid_format)i, &s, trouble);
		if (r < 0)
			error = r;
		if (r == RAID_FOUND_BAD && found == RAID_FOUND_NONE)
			found = RAID_FOUND_BAD;
		if (r != RAID_FOUND_GOOD)
			continue;
		formats |= 1u << i;
		if (found != RAID_FOUND_GOOD || s.created > out->created)
			*out = s;
		found = RAID_FOUND_GOOD;
	}
	if (found == RAID_FOUND_GOOD)
		out->other_formats = formats & ~(1u << out->format);
	return found == RAID_FOUND_NONE && error < 0 ? error : found;
}

static uint32_t role_0(const struct raid_super *s, uint32_t dev_number)
{
	uint32_t entry = V0_DISKS + V0_DISK_WORDS * dev_number, state, slot;

	state = word(s, entry + V0_DISK_STATE);
	slot = word(s, entry + V0_DISK_SLOT);
	if (state & V0_DISK_FAULTY)
		return RAID_ROLE_FAULTY;
	if ((state & V0_DISK_WORKS) != V0_DISK_WORKS || slot >= s->raid_disks)
		return RAID_ROLE_SPARE;
	return slot;
}

uint32_t raid_super_role(const struct raid_super *s, uint32_t dev_number)
{
	uint32_t role;

	if (dev_number >= s->max_dev)
		return RAID_ROLE_SPARE;
	if (s->format == RAID_FORMAT_0_90)
		return role_0(s, dev_number);
	role = evms_get_le16(s->raw + V1_ROLES + 2 * dev_number);
	/* a slot that the array does not have is as good as none */
	return role >= s->raid_disks && role <= RAID_ROLE_MAX ? RAID_ROLE_SPARE : role;
}

void raid_super_set_roles(struct raid_super *s, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < s->max_dev; i++)
		evms_put_le16(s->raw + V1_ROLES + 2 * i, (uint16_t)(i < n ? i : RAID_ROLE_SPARE));
}

static void store_new_1(struct raid_super *s)
{
	uint8_t *p = s->raw;
	uint64_t ctime = s->created >> 24 | (s->created & 0xffffff) << 40;

	evms_put_le32(p + V1_MAGIC, MAGIC);
	evms_put_le32(p + V1_MAJOR, 1);
	memcpy(p + V1_SET_UUID, s->set_uuid, 16);
	memcpy(p + V1_DEVICE_UUID, s->device_uuid, 16);
	evms_put_le64(p + V1_CTIME, ctime);
	evms_put_le64(p + V1_UTIME, ctime & V1_SECONDS);
	evms_put_le32(p + V1_LEVEL, (uint32_t)s->level);
	evms_put_le32(p + V1_LAYOUT, s->layout);
	evms_put_le32(p + V1_FEATURES, s->features);
	evms_put_le64(p + V1_SIZE, s->size);
	evms_put_le32(p + V1_CHUNK, s->chunk);
	evms_put_le32(p + V1_RAID_DISKS, s->raid_disks);
	evms_put_le64(p + V1_DATA_OFFSET, s->data_offset);
	evms_put_le64(p + V1_DATA_SIZE, s->data_size);
	evms_put_le64(p + V1_SUPER_OFFSET, s->position / RAID_SECTOR);
	evms_put_le32(p + V1_DEV_NUMBER, s->dev_number);
	evms_put_le64(p + V1_EVENTS, s->events);
	evms_put_le64(p + V1_RESYNC_OFFSET, UINT64_MAX);	/* clean */
	evms_put_le32(p + V1_MAX_DEV, s->max_dev);
	/* 4 KiB after the superblock, or before that of 1.0, are kept for the bad-block log */
	evms_put_le16(p + V1_BBLOG_SIZE, 8);
	evms_put_le32(p + V1_BBLOG_OFFSET, s->format == RAID_FORMAT_1_0 ? (uint32_t)-8 : 8);
}

void raid_super_store(struct raid_super *s)
{
	if (evms_get_le32(s->raw) != MAGIC)
		store_new_1(s);
	/* what is there already keeps every byte that no task changes */
	memcpy(s->raw + V1_SET_NAME, s->name, RAID_NAME_SIZE);
	evms_put_le32(s->raw + V1_CSUM, checksum_1(s->raw, s->max_dev));
}
