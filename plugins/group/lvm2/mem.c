/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory of a group: an arena, growing text, and hash tables of names with a secret seed. */
#include <stdlib.h>
#include "lvm2.h"

#define CHUNK_MIN	4096u
#define CHUNK_MAX	(1u << 20)

struct arena_chunk {
	struct arena_chunk *next;
	max_align_t data[];
};

void *arena_alloc(struct arena *a, size_t len)
{
	struct arena_chunk *c;
	size_t size;
	void *p;

	if (len > SIZE_MAX / 2)
		return NULL;
	len = (len + 7) & ~(size_t)7;
	if (!a->chunks || len > a->size - a->used) {
		size = a->size * 2;
		if (size < CHUNK_MIN)
			size = CHUNK_MIN;
		if (size > CHUNK_MAX)
			size = CHUNK_MAX;
		if (size < len)
			size = len;
		c = malloc(sizeof(*c) + size);
		if (!c)
			return NULL;
		c->next = a->chunks;
		a->chunks = c;
		a->size = size;
		a->used = 0;
	}
	p = (char *)a->chunks->data + a->used;
	a->used += len;
	return p;
}

char *arena_copy(struct arena *a, const char *text, size_t len)
{
	char *p = arena_alloc(a, len + 1);

	if (!p)
		return NULL;
	memcpy(p, text, len);
	p[len] = '\0';
	return p;
}

void arena_free(struct arena *a)
{
	struct arena_chunk *c, *next;

	for (c = a->chunks; c; c = next) {
		next = c->next;
		free(c);
	}
	memset(a, 0, sizeof(*a));
}

bool buf_reserve(struct buf *b, size_t len)
{
	char *p;

	if (b->failed || len < b->capacity - b->len)
		return !b->failed;
	p = realloc(b->data, b->len + len + 1);
	if (!p) {
		b->failed = true;
		return false;
	}
	b->data = p;
	b->capacity = b->len + len + 1;
	return true;
}

void buf_u64(struct buf *b, uint64_t v)
{
	char digits[24], *p = digits + sizeof(digits);

	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	buf_add(b, p, (size_t)(digits + sizeof(digits) - p));
}

void buf_key_u64(struct buf *b, const char *key, uint64_t v)
{
	buf_str(b, key);
	buf_add(b, " = ", 3);
	buf_u64(b, v);
	buf_add(b, "\n", 1);
}

void buf_quoted(struct buf *b, const char *text, size_t len)
{
	size_t i, done = 0;

	buf_add(b, "\"", 1);
	for (i = 0; i < len; i++) {
		if (text[i] != '"' && text[i] != '\\')
			continue;
		buf_add(b, text + done, i - done);
		buf_add(b, "\\", 1);
		done = i;
	}
	buf_add(b, text + done, len - done);
	buf_add(b, "\"", 1);
}

void buf_key_str(struct buf *b, const char *key, const char *text, size_t len)
{
	buf_str(b, key);
	buf_add(b, " = ", 3);
	buf_quoted(b, text, len);
	buf_add(b, "\n", 1);
}

void buf_free(struct buf *b)
{
	free(b->data);
	memset(b, 0, sizeof(*b));
}

bool grow(void *array, size_t count, size_t *capacity, size_t element)
{
	size_t wanted = *capacity ? *capacity * 2 : 8;
	void *old, *p;

	if (count < *capacity)
		return true;
	if (wanted > SIZE_MAX / element)
		return false;
	memcpy(&old, array, sizeof(old));
	p = realloc(old, wanted * element);
	if (!p)
		return false;
	memcpy(array, &p, sizeof(p));
	*capacity = wanted;
	return true;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 r = (unsigned __int128)a * b;

	return (uint64_t)r ^ (uint64_t)(r >> 64);
}

/* Names come from the disk: without the seed somebody could make them all meet in one chain. */
uint64_t hash_bytes(uint64_t seed, const char *s, size_t len)
{
	uint64_t h = seed ^ (len * UINT64_C(0x9e3779b97f4a7c15)), w;

	for (; len >= 8; s += 8, len -= 8) {
		memcpy(&w, s, 8);
		h = mix(h ^ w, UINT64_C(0xa0761d6478bd642f) ^ seed);
	}
	w = 0;
	memcpy(&w, s, len);
	return mix(h ^ w, UINT64_C(0xe7037ed1a0b428db) ^ seed);
}

/* The hash is beside the pointer, so that a search looks at a name only when it is the right one. */
struct name_slot {
	struct name *name;
	uint32_t hash;
};

#define GONE ((struct name *)(uintptr_t)1)	/* stands where a name was removed */

static struct name_slot *free_slot(const struct names *t, uint32_t hash)
{
	size_t i = hash & (t->slot_count - 1);

	while (t->slots[i].name)
		i = (i + 1) & (t->slot_count - 1);
	return &t->slots[i];
}

/* A third of the slots stays empty. */
static size_t names_limit(size_t slot_count)
{
	return slot_count - slot_count / 3;
}

bool names_reserve(struct names *t, size_t count)
{
	struct names new = *t;
	size_t i;

	if (t->slot_count && t->used - t->count + count <= names_limit(t->slot_count))
		return true;
	new.slot_count = 16;
	while (count + count / 4 > names_limit(new.slot_count))
		new.slot_count *= 2;
	new.slots = calloc(new.slot_count, sizeof(*new.slots));
	if (!new.slots)
		return false;
	if (!t->slot_count && evms_random(&new.seed, sizeof(new.seed)) < 0)
		new.seed = (uint64_t)(uintptr_t)new.slots;
	new.used = t->count;
	for (i = 0; i < t->slot_count; i++)
		if (t->slots[i].name && t->slots[i].name != GONE)
			*free_slot(&new, t->slots[i].hash) = t->slots[i];
	free(t->slots);
	*t = new;
	return true;
}

static struct name_slot *slot_find(const struct names *t, uint32_t hash, const char *s, size_t len)
{
	size_t i = hash & (t->slot_count - 1);

	for (; t->slots[i].name; i = (i + 1) & (t->slot_count - 1)) {
		const struct name *n = t->slots[i].name;

		if (t->slots[i].hash == hash && n != GONE && n->len == len && !memcmp(n->s, s, len))
			return &t->slots[i];
	}
	return NULL;
}

int names_add(struct names *t, struct name *n)
{
	if (!names_reserve(t, t->count + 1))
		return -ENOMEM;
	n->hash = (uint32_t)hash_bytes(t->seed, n->s, n->len);
	if (slot_find(t, n->hash, n->s, n->len))
		return -EEXIST;
	*free_slot(t, n->hash) = (struct name_slot) { n, n->hash };
	t->used++;
	t->count++;
	return 0;
}

struct name *names_find(const struct names *t, const char *s, size_t len)
{
	struct name_slot *slot;

	if (!t->count)
		return NULL;
	slot = slot_find(t, (uint32_t)hash_bytes(t->seed, s, len), s, len);
	return slot ? slot->name : NULL;
}

void names_remove(struct names *t, struct name *n)
{
	size_t i;

	if (!t->count)
		return;
	for (i = n->hash & (t->slot_count - 1); t->slots[i].name; i = (i + 1) & (t->slot_count - 1)) {
		if (t->slots[i].name == n) {
			t->slots[i].name = GONE;
			t->count--;
			return;
		}
	}
}

void names_free(struct names *t)
{
	free(t->slots);
	memset(t, 0, sizeof(*t));
}
