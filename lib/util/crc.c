/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CRC-32 and CRC-32C sixteen bytes at a time, and a hash that tells whether bytes changed.
 *
 * The tables are made by the compiler. A CRC is linear, so an entry is the sum of the entries of its
 * bits; and the entries of single bits are all found in one chain: the polynomial, taken one step
 * further each time. Bit k of table t is step 8 * t + 7 - k.
 */
#include <endian.h>
#include <string.h>
#include "util/crc.h"

#define STEP(x, polynomial) (((x) >> 1) ^ ((x) & 1 ? (polynomial) : 0u))

#define CHAIN8(S, h, g) \
	S(h##0, g##7) S(h##1, h##0) S(h##2, h##1) S(h##3, h##2) \
	S(h##4, h##3) S(h##5, h##4) S(h##6, h##5) S(h##7, h##6)
#define CHAIN(S) \
	S(a1, a0) S(a2, a1) S(a3, a2) S(a4, a3) S(a5, a4) S(a6, a5) S(a7, a6) \
	CHAIN8(S, b, a) CHAIN8(S, c, b) CHAIN8(S, d, c) CHAIN8(S, e, d) CHAIN8(S, f, e) \
	CHAIN8(S, g, f) CHAIN8(S, h, g) CHAIN8(S, i, h) CHAIN8(S, j, i) CHAIN8(S, k, j) \
	CHAIN8(S, l, k) CHAIN8(S, m, l) CHAIN8(S, n, m) CHAIN8(S, o, n) CHAIN8(S, p, o)

#define IEEE(to, from) ieee_##to = STEP(ieee_##from, ieee_a0),
#define CASTAGNOLI(to, from) castagnoli_##to = STEP(castagnoli_##from, castagnoli_a0),

enum { ieee_a0 = 0xedb88320u, CHAIN(IEEE) };
enum { castagnoli_a0 = 0x82f63b78u, CHAIN(CASTAGNOLI) };

#define BIT(n, k, x) ((n) >> (k) & 1 ? (uint32_t)(x) : 0u)
#define ENTRY(t, n) \
	(BIT(n, 0, t##7) ^ BIT(n, 1, t##6) ^ BIT(n, 2, t##5) ^ BIT(n, 3, t##4) ^ \
	 BIT(n, 4, t##3) ^ BIT(n, 5, t##2) ^ BIT(n, 6, t##1) ^ BIT(n, 7, t##0))
#define ENTRIES4(t, n) ENTRY(t, n), ENTRY(t, (n) + 1), ENTRY(t, (n) + 2), ENTRY(t, (n) + 3)
#define ENTRIES16(t, n) \
	ENTRIES4(t, n), ENTRIES4(t, (n) + 4), ENTRIES4(t, (n) + 8), ENTRIES4(t, (n) + 12)
#define ENTRIES64(t, n) \
	ENTRIES16(t, n), ENTRIES16(t, (n) + 16), ENTRIES16(t, (n) + 32), ENTRIES16(t, (n) + 48)
#define TABLE(t) \
	{ ENTRIES64(t, 0u), ENTRIES64(t, 64u), ENTRIES64(t, 128u), ENTRIES64(t, 192u) }
#define TABLES(p) { \
	TABLE(p##_a), TABLE(p##_b), TABLE(p##_c), TABLE(p##_d), \
	TABLE(p##_e), TABLE(p##_f), TABLE(p##_g), TABLE(p##_h), \
	TABLE(p##_i), TABLE(p##_j), TABLE(p##_k), TABLE(p##_l), \
	TABLE(p##_m), TABLE(p##_n), TABLE(p##_o), TABLE(p##_p) }

static const uint32_t ieee[16][256] = TABLES(ieee);
static const uint32_t castagnoli[16][256] = TABLES(castagnoli);

static uint32_t load_le32(const unsigned char *p)
{
	uint32_t n;

	memcpy(&n, p, sizeof(n));
	return le32toh(n);
}

static uint64_t load_le64(const unsigned char *p)
{
	uint64_t n;

	memcpy(&n, p, sizeof(n));
	return le64toh(n);
}

/* Four bytes; t is the table of the last of them. */
static inline uint32_t word(const uint32_t (*t)[256], uint32_t n)
{
	return t[3][n & 0xff] ^ t[2][n >> 8 & 0xff] ^ t[1][n >> 16 & 0xff] ^ t[0][n >> 24];
}

static uint32_t update(const uint32_t (*t)[256], uint32_t crc, const unsigned char *p, size_t len)
{
	for (; len >= 16; len -= 16, p += 16)
		crc = word(t + 12, load_le32(p) ^ crc) ^ word(t + 8, load_le32(p + 4)) ^
		      word(t + 4, load_le32(p + 8)) ^ word(t, load_le32(p + 12));
	for (; len; len--, p++)
		crc = crc >> 8 ^ t[0][(crc ^ *p) & 0xff];
	return crc;
}

uint32_t crc32_update(uint32_t crc, const void *buf, size_t len)
{
	return update(ieee, crc, buf, len);
}

#if defined(__x86_64__)
__attribute__((target("sse4.2")))
static uint32_t crc32c_sse42(uint32_t crc, const unsigned char *p, size_t len)
{
	uint64_t wide = crc;

	for (; len >= 8; len -= 8, p += 8)
		wide = __builtin_ia32_crc32di(wide, load_le64(p));
	crc = (uint32_t)wide;
	for (; len; len--, p++)
		crc = __builtin_ia32_crc32qi(crc, *p);
	return crc;
}
#endif

uint32_t crc32c_update(uint32_t crc, const void *buf, size_t len)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		return crc32c_sse42(crc, buf, len);
#endif
	return update(castagnoli, crc, buf, len);
}

/* Odd numbers, so that multiplying loses nothing: a change in one word always changes the sum. */
#define MIX_1 0x9e3779b185ebca87u
#define MIX_2 0xc2b2ae3d27d4eb4fu
#define MIX_3 0x165667b19e3779f9u

static inline uint64_t rotate(uint64_t n, unsigned bits)
{
	return n << bits | n >> (64 - bits);
}

static inline uint64_t mix(uint64_t lane, uint64_t n)
{
	return rotate(lane + n * MIX_2, 31) * MIX_1;
}

uint64_t hash64(uint64_t seed, const void *buf, size_t len)
{
	uint64_t lane[4] = { seed + MIX_1, seed ^ MIX_2, seed, seed - MIX_3 };
	const unsigned char *p = buf;
	uint64_t h = seed + len * MIX_3;
	unsigned char tail[8] = { 0 };
	int i;

	for (; len >= 32; len -= 32, p += 32)
		for (i = 0; i < 4; i++)
			lane[i] = mix(lane[i], load_le64(p + 8 * i));
	for (i = 0; i < 4; i++)
		h = mix(h, lane[i]);
	for (; len >= 8; len -= 8, p += 8)
		h = mix(h, load_le64(p));
	if (len) {
		memcpy(tail, p, len);
		h = mix(h, load_le64(tail));
	}
	h = (h ^ h >> 33) * MIX_2;
	h = (h ^ h >> 29) * MIX_3;
	return h ^ h >> 32;
}
