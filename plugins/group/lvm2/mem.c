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

void buf_add(struct buf *b, const char *text, size_t len)
{
	size_t wanted;
	char *p;

	if (b->failed)
		return;
	if (len >= b->capacity - b->len) {	/* one more byte stays for a NUL */
		wanted = b->capacity * 2 + len + 256;
		p = realloc(b->data, wanted);
		if (!p) {
			b->failed = true;
			return;
		}
		b->data = p;
		b->capacity = wanted;
	}
	memcpy(b->data + b->len, text, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void buf_str(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
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
	size_t i;

	buf_add(b, "\"", 1);
	for (i = 0; i < len; i++) {
		if (text[i] == '"' || text[i] == '\\')
			buf_add(b, "\\", 1);
		buf_add(b, &text[i], 1);
	}
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

/* Make room for count names with few of them meeting in one chain. */
bool names_reserve(struct names *t, size_t count)
{
	size_t wanted = t->slot_count ? t->slot_count : 16, i;
	struct name **slots, *n, *next;

	while (wanted < count + count / 2)
		wanted *= 2;
	if (wanted == t->slot_count)
		return true;
	slots = calloc(wanted, sizeof(struct name *));
	if (!slots)
		return false;
	if (!t->slot_count && evms_random(&t->seed, sizeof(t->seed)) < 0)
		t->seed = (uint64_t)(uintptr_t)slots;
	for (i = 0; i < t->slot_count; i++) {
		for (n = t->slots[i]; n; n = next) {
			next = n->chain;
			n->chain = slots[n->hash & (wanted - 1)];
			slots[n->hash & (wanted - 1)] = n;
		}
	}
	free(t->slots);
	t->slots = slots;
	t->slot_count = wanted;
	return true;
}

static struct name *chain_find(const struct names *t, uint32_t hash, const char *s, size_t len)
{
	struct name *n;

	for (n = t->slots[hash & (t->slot_count - 1)]; n; n = n->chain)
		if (n->hash == hash && n->len == len && !memcmp(n->s, s, len))
			return n;
	return NULL;
}

int names_add(struct names *t, struct name *n)
{
	struct name **slot;

	if (!names_reserve(t, t->count + 1))
		return -ENOMEM;
	n->hash = (uint32_t)hash_bytes(t->seed, n->s, n->len);
	if (chain_find(t, n->hash, n->s, n->len))
		return -EEXIST;
	slot = &t->slots[n->hash & (t->slot_count - 1)];
	n->chain = *slot;
	*slot = n;
	t->count++;
	return 0;
}

struct name *names_find(const struct names *t, const char *s, size_t len)
{
	if (!t->count)
		return NULL;
	return chain_find(t, (uint32_t)hash_bytes(t->seed, s, len), s, len);
}

void names_remove(struct names *t, struct name *n)
{
	struct name **slot = &t->slots[n->hash & (t->slot_count - 1)];

	while (*slot && *slot != n)
		slot = &(*slot)->chain;
	if (!*slot)
		return;
	*slot = n->chain;
	t->count--;
}

void names_free(struct names *t)
{
	free(t->slots);
	memset(t, 0, sizeof(*t));
}
