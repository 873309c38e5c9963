/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Metadata areas: a header that points to the committed text in a ring. */
#include <stdlib.h>
#include "lvm2.h"

#define LOCN_COUNT	4u
#define LOCN_IGNORED	1u
#define LOCN_AT		40u
#define LOCN_SIZE	24u

static const uint8_t mda_magic[16] = {	/* " LVM2 x[5A%r0N*>" */
	0x20, 0x4c, 0x56, 0x4d, 0x32, 0x20, 0x78, 0x5b, 0x35, 0x41, 0x25, 0x72, 0x30, 0x4e, 0x2a, 0x3e,
};

static void read_locns(const uint8_t *h, struct mda *m)
{
	const uint8_t *p = h + LOCN_AT;
	uint64_t offset = evms_get_le64(p), size = evms_get_le64(p + 8);
	const char *damage = "the header of a metadata area points outside of it";

	m->ignored = evms_get_le32(p + 20) & LOCN_IGNORED;
	m->pending = evms_get_le64(p + LOCN_SIZE) && evms_get_le64(p + LOCN_SIZE + 8);
	if (!offset)
		return;
	if (offset < MDA_HEADER || offset >= m->size || !size || size > m->size - MDA_HEADER) {
		m->damage = damage;
		return;
	}
	/* A text that wraps may not run into its own beginning. */
	if (size > m->size - offset && size - (m->size - offset) > offset - MDA_HEADER) {
		m->damage = damage;
		return;
	}
	m->text_offset = offset;
	m->text_size = size;
	m->text_crc = evms_get_le32(p + 16);
}

/* Read the header. Damage is told in m->damage; the result is negative only when reading fails. */
int mda_read(struct evms_object *o, const struct pair *where, struct mda *m)
{
	uint64_t object = evms_get_size(o), size;
	uint8_t h[MDA_HEADER];
	int r;

	*m = (struct mda) { .offset = where->offset, .size = where->size };
	if (where->offset < SECTOR || where->offset > object || object - where->offset < MDA_MIN / 4) {
		m->damage = "a metadata area lies outside of the device";
		m->unusable = true;
		return 0;
	}
	r = evms_read(o, h, sizeof(h), where->offset);
	if (r < 0)
		return r;
	/* Without a good header only the label tells how large the area is. */
	m->unusable = where->size < MDA_MIN / 4 || where->size > object - where->offset ||
		      where->offset % SECTOR;
	if (memcmp(h + 4, mda_magic, sizeof(mda_magic)))
		m->damage = "a metadata area has no header";
	else if (lvm_crc(h + 4, MDA_HEADER - 4) != evms_get_le32(h))
		m->damage = "the checksum of a metadata area's header is wrong";
	else if (evms_get_le32(h + 20) != 1)
		m->damage = "a metadata area has an unknown version";
	else if (evms_get_le64(h + 24) != where->offset)
		m->damage = "the header of a metadata area belongs elsewhere";
	if (m->damage)
		return 0;
	size = evms_get_le64(h + 32);
	if (size < MDA_MIN / 4 || size > object - where->offset) {
		m->damage = "the size of a metadata area is impossible";
		return 0;
	}
	m->size = size;
	m->unusable = where->offset % SECTOR;
	read_locns(h, m);
	return 0;
}

/* Bytes [from, from+len) of the committed text, which may wrap. */
int mda_read_text(struct evms_object *o, const struct mda *m, uint64_t from, char *buf, size_t len)
{
	uint64_t at = m->text_offset + from, part = 0;
	int r;

	if (from > m->text_size || len > m->text_size - from)
		return -ERANGE;
	if (at < m->size) {
		part = m->size - at < len ? m->size - at : len;
		r = evms_read(o, buf, (size_t)part, m->offset + at);
		if (r < 0 || part == len)
			return r;
		at = m->size;
	}
	return evms_read(o, buf + part, (size_t)(len - part),
			 m->offset + MDA_HEADER + (at - m->size));
}

static void put_locn(uint8_t *p, const struct mda *m)
{
	evms_put_le64(p, m->text_offset);
	evms_put_le64(p + 8, m->text_size);
	evms_put_le32(p + 16, m->text_crc);
	evms_put_le32(p + 20, m->ignored ? LOCN_IGNORED : 0);
}

/* m: what is committed; next: what is precommitted, or NULL. */
void mda_header_build(uint8_t *h, const struct mda *m, const struct mda *next)
{
	memset(h, 0, MDA_HEADER);
	memcpy(h + 4, mda_magic, sizeof(mda_magic));
	evms_put_le32(h + 20, 1);
	evms_put_le64(h + 24, m->offset);
	evms_put_le64(h + 32, m->size);
	if (m->text_size)
		put_locn(h + LOCN_AT, m);
	if (next)
		put_locn(h + LOCN_AT + LOCN_SIZE, next);
	evms_put_le32(h, lvm_crc(h + 4, MDA_HEADER - 4));
}

/* The largest text that fits beside one as large. */
uint64_t mda_capacity(const struct mda *m)
{
	uint64_t half = m->size > MDA_HEADER ? (m->size - MDA_HEADER) / 2 : 0;

	return half > SECTOR ? half - SECTOR : 0;
}

/* Do [a, a+a_len) and [b, b+b_len) meet on a ring of the given size? Offsets from the ring's start. */
static bool ring_overlap(uint64_t ring, uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	uint64_t distance = b >= a ? b - a : ring - (a - b);

	if (a_len > ring || b_len > ring)
		return true;
	return distance < a_len || (distance && ring - distance < b_len);
}

static uint64_t round_sector(uint64_t v)
{
	return (v + SECTOR - 1) / SECTOR * SECTOR;
}

int mda_place(const struct mda *m, uint64_t len, uint64_t *offset)
{
	uint64_t last, at = MDA_HEADER, ring = m->size - MDA_HEADER;

	if (len > mda_capacity(m))
		return -ENOSPC;
	if (m->text_size) {
		last = m->text_offset + m->text_size - 1;
		if (last >= m->size)
			last = MDA_HEADER + (last - m->size);
		at = round_sector(last + 1);
		if (m->size - last < SECTOR || at > m->size || m->size - at < SECTOR)
			at = MDA_HEADER;
		if (ring_overlap(ring, at - MDA_HEADER, round_sector(len),
				 m->text_offset - MDA_HEADER, m->text_size))
			return -ENOSPC;
	}
	*offset = at;
	return 0;
}

/* text is padded with zeros to whole sectors; len counts the padding. */
int mda_stage_text(struct evms_object *o, const struct mda *m, const char *text, uint64_t len,
		   uint64_t offset)
{
	uint64_t part = m->size - offset < len ? m->size - offset : len;
	int r;

	r = evms_write(o, text, (size_t)part, m->offset + offset, EVMS_PHASE_NEW);
	if (r < 0 || part == len)
		return r;
	return evms_write(o, text + part, (size_t)(len - part), m->offset + MDA_HEADER,
			  EVMS_PHASE_NEW);
}
