/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checksums against the published check values, and against the textbook's bit by bit. */
#include "unit.h"
#include <stdlib.h>
#include <string.h>
#include "util/crc.h"

static uint32_t bit_by_bit(uint32_t polynomial, uint32_t crc, const unsigned char *p, size_t len)
{
	int i;

	while (len--) {
		crc ^= *p++;
		for (i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
	}
	return crc;
}

static void test_check_values(void **state)
{
	static const unsigned char zeros[32];

	(void)state;
	assert_int_equal(~crc32_update(~0u, "123456789", 9), 0xcbf43926);
	assert_int_equal(~crc32c_update(~0u, "123456789", 9), 0xe3069283);
	/* RFC 3720 B.4. */
	assert_int_equal(~crc32c_update(~0u, zeros, sizeof(zeros)), 0x8a9136aa);
	assert_int_equal(crc32_update(0x12345678, "", 0), 0x12345678);
	assert_int_equal(crc32c_update(0x12345678, "", 0), 0x12345678);
}

static void test_all_lengths(void **state)
{
	unsigned char buf[300];
	size_t start, len, i;
	uint32_t a, b;

	(void)state;
	srand(1);
	for (i = 0; i < sizeof(buf); i++)
		buf[i] = (unsigned char)rand();
	for (start = 0; start < 9; start++) {
		for (len = 0; len + start <= sizeof(buf); len++) {
			a = bit_by_bit(0xedb88320, 0xf597a6cf, buf + start, len);
			assert_int_equal(crc32_update(0xf597a6cf, buf + start, len), a);
			b = bit_by_bit(0x82f63b78, 7, buf + start, len);
			assert_int_equal(crc32c_update(7, buf + start, len), b);
			/* In two pieces. */
			assert_int_equal(crc32_update(crc32_update(0xf597a6cf, buf + start, len / 3),
						      buf + start + len / 3, len - len / 3), a);
			assert_int_equal(crc32c_update(crc32c_update(7, buf + start, len / 3),
						       buf + start + len / 3, len - len / 3), b);
		}
	}
}

static void test_hash(void **state)
{
	unsigned char buf[256] = { 0 };
	uint64_t h, seen[sizeof(buf) * 8 + 1];
	size_t len, bit, i, n = 0;

	(void)state;
	/* Each single bit shows, and no two of them look alike. */
	seen[n++] = hash64(1, buf, sizeof(buf));
	for (bit = 0; bit < sizeof(buf) * 8; bit++) {
		buf[bit / 8] ^= (unsigned char)(1u << bit % 8);
		h = hash64(1, buf, sizeof(buf));
		buf[bit / 8] ^= (unsigned char)(1u << bit % 8);
		for (i = 0; i < n; i++)
			assert_true(seen[i] != h);
		seen[n++] = h;
	}
	/* So does the length, also of zeros, and the seed. */
	for (len = 1; len < sizeof(buf); len++)
		assert_true(hash64(1, buf, len) != hash64(1, buf, len - 1));
	assert_true(hash64(1, buf, 10) != hash64(2, buf, 10));
	assert_true(hash64(1, "abc", 3) == hash64(1, "abc", 3));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check_values),
		cmocka_unit_test(test_all_lengths),
		cmocka_unit_test(test_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
