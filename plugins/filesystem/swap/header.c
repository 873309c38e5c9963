/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading the header of swap space; README.md has the layout. */
#include "swap.h"

#define HEADER_OFFSET	1024	/* of what follows the space for a boot sector */
#define HEADER_SIZE	44	/* version, last page, bad pages, uuid, label */
#define MAGIC_SIZE	10	/* the last bytes of the first page */
#define PAGES_MIN	10
#define BAD_PAGES_OFFSET 1536	/* of the list of bad pages, which ends where the magic begins */

enum kind { NOTHING, SWAP_1, SWAP_0, HIBERNATED };

static enum kind find_kind(const char *magic)
{
	static const char *const images[] = { "S1SUSPEND", "S2SUSPEND", "ULSUSPEND", "LINHIB0001" };
	size_t i;

	if (!memcmp(magic, "SWAPSPACE2", MAGIC_SIZE))
		return SWAP_1;
	if (!memcmp(magic, "SWAP-SPACE", MAGIC_SIZE))
		return SWAP_0;
	for (i = 0; i < sizeof(images) / sizeof(images[0]); i++)
		if (!memcmp(magic, images[i], strlen(images[i])))
			return HIBERNATED;
	return NOTHING;
}

/* The size of pages is nowhere written down: it is where the magic is found. */
static int find_magic(struct evms_object *o, uint32_t *page_size, enum kind *kind)
{
	char magic[MAGIC_SIZE];
	uint32_t page;
	int r;

	*kind = NOTHING;
	for (page = 4096; page <= 65536 && page <= evms_get_size(o); page *= 2) {
		r = evms_read(o, magic, sizeof(magic), page - MAGIC_SIZE);
		if (r < 0)
			return r;
		*kind = find_kind(magic);
		*page_size = page;
		if (*kind != NOTHING)
			break;
	}
	return 0;
}

static void read_header(const uint8_t *h, struct swap *s)
{
	bool big = evms_get_be32(h) == 1;
	uint32_t version = big ? 1 : evms_get_le32(h);
	uint32_t last_page = big ? evms_get_be32(h + 4) : evms_get_le32(h + 4);
	uint32_t bad_pages = big ? evms_get_be32(h + 8) : evms_get_le32(h + 8);
	const uint16_t one = 1;
	bool machine_big = *(const uint8_t *)&one == 0;

	s->pages = (uint64_t)last_page + 1;
	s->foreign = big != machine_big;
	fs_uuid(s->uuid, h + 12);
	fs_text(s->label, sizeof(s->label), h + 28, 16);
	if (version != 1)
		s->wrong = "the header has a version that does not exist";
	else if (s->pages < PAGES_MIN)
		s->wrong = "the header has an impossible number of pages";
	else if (bad_pages > (s->page_size - MAGIC_SIZE - BAD_PAGES_OFFSET) / 4 ||
		 bad_pages >= s->pages)
		s->wrong = "the header has an impossible number of bad pages";
}

int swap_read(struct evms_object *o, struct swap *out)
{
	uint8_t header[HEADER_SIZE];
	enum kind kind;
	int r;

	*out = (struct swap) { .page_size = 4096 };
	r = find_magic(o, &out->page_size, &kind);
	if (r < 0)
		return r;
	if (kind == NOTHING)
		return EVMS_NOT_MINE;
	if (kind == SWAP_0) {
		out->pages = evms_get_size(o) / out->page_size;
		out->foreign = true;
		return EVMS_MINE;
	}
	r = evms_read(o, header, sizeof(header), HEADER_OFFSET);
	if (r < 0)
		return r;
	read_header(header, out);
	if (kind == HIBERNATED) {	/* nobody's business, but its name is of use */
		out->hibernated = true;
		if (out->wrong) {
			out->pages = evms_get_size(o) / out->page_size;
			out->wrong = NULL;
		}
	}
	return out->wrong ? EVMS_DAMAGED : EVMS_MINE;
}
