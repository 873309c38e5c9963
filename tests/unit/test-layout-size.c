/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The arithmetic of layouts, by example and by chance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <errno.h>
#include <cmocka.h>
#include "engine/layout.h"

#define MIB	(UINT64_C(1) << 20)

static struct layout_want want(const char *text)
{
	struct layout_want w = { .bytes = 0 };

	assert_int_equal(layout_size_parse(text, &w.size), 0);
	return w;
}

static struct layout_want share(uint64_t weight, uint64_t min, uint64_t max)
{
	struct layout_want w = {
		.size = { .mode = LAYOUT_WEIGHT, .weight = weight, .min = min, .max = max },
	};

	return w;
}

static void test_parse(void **state)
{
	struct layout_size s;

	(void)state;
	assert_int_equal(layout_size_parse("512MiB", &s), 0);
	assert_int_equal(s.mode, LAYOUT_FIXED);
	assert_true(s.bytes == 512 * MIB);
	assert_int_equal(layout_size_parse("12.5%", &s), 0);
	assert_int_equal(s.mode, LAYOUT_PERCENT);
	assert_true(s.ppm == 125000);
	assert_int_equal(layout_size_parse("100 %", &s), 0);
	assert_true(s.ppm == 1000000);
	assert_int_equal(layout_size_parse("rest", &s), 0);
	assert_int_equal(s.mode, LAYOUT_WEIGHT);
	assert_int_equal(layout_size_parse("0", &s), -ERANGE);
	assert_int_equal(layout_size_parse("0%", &s), -ERANGE);
	assert_int_equal(layout_size_parse("101%", &s), -ERANGE);
	assert_int_equal(layout_size_parse("100.1%", &s), -ERANGE);
	assert_int_equal(layout_size_parse("%", &s), -EINVAL);
	assert_int_equal(layout_size_parse("5.%", &s), -EINVAL);
	assert_int_equal(layout_size_parse("5%x", &s), -EINVAL);
	assert_int_equal(layout_size_parse("", &s), -EINVAL);
	assert_int_equal(layout_size_parse("-5", &s), -EINVAL);
	assert_int_equal(layout_size_parse("most", &s), -EINVAL);
	assert_int_equal(layout_size_parse("99999999999999999999", &s), -ERANGE);
	assert_int_equal(layout_size_parse("99999999999999999999%", &s), -ERANGE);
}

static void test_fixed_percent_rest(void **state)
{
	struct layout_want w[] = { want("100MiB"), want("1000001"), want("50%"), want("rest") };
	uint64_t needs;

	(void)state;
	assert_int_equal(layout_solve(w, 4, 1000 * MIB, MIB, &needs), 0);
	assert_true(w[0].bytes == 100 * MIB);
	assert_true(w[1].bytes == MIB);
	assert_true(w[2].bytes == 500 * MIB);
	assert_true(w[3].bytes == 399 * MIB);
	assert_true(needs == 602 * MIB);
}

static void test_weights(void **state)
{
	struct layout_want w[] = { share(1, 0, 0), share(3, 0, 0) };
	struct layout_want low[] = { share(1, 60 * MIB, 0), share(1, 0, 0), share(2, 0, 0) };
	struct layout_want high[] = { share(8, 0, 10 * MIB), share(1, 0, 0), share(1, 0,
			30 * MIB) };
	uint64_t needs;

	(void)state;
	assert_int_equal(layout_solve(w, 2, 100 * MIB, MIB, &needs), 0);
	assert_true(w[0].bytes == 25 * MIB && w[1].bytes == 75 * MIB);
	assert_int_equal(layout_solve(low, 3, 100 * MIB, MIB, &needs), 0);
	assert_true(low[0].bytes == 60 * MIB);
	assert_true(low[1].bytes + low[2].bytes == 40 * MIB);
	assert_true(low[1].bytes >= 13 * MIB && low[1].bytes <= 14 * MIB);
	assert_int_equal(layout_solve(high, 3, 100 * MIB, MIB, &needs), 0);
	assert_true(high[0].bytes == 10 * MIB && high[2].bytes == 30 * MIB);
	assert_true(high[1].bytes == 60 * MIB);
}

static void test_does_not_fit(void **state)
{
	struct layout_want w[] = { want("60MiB"), want("50MiB") };
	struct layout_want m[] = { want("60MiB"), share(1, 41 * MIB, 0) };
	uint64_t needs;

	(void)state;
	assert_int_equal(layout_solve(w, 2, 100 * MIB, MIB, &needs), -ENOSPC);
	assert_true(needs == 110 * MIB);
	assert_int_equal(layout_solve(m, 2, 100 * MIB, MIB, &needs), -ENOSPC);
	assert_true(needs == 101 * MIB);
	assert_int_equal(layout_size_parse("16E", &w[0].size), -ERANGE);
}

/*
 * Whatever is asked: parts are multiples of the step, inside their limits, and fill what they
 * can.
 */
static void test_chance(void **state)
{
	(void)state;
	srand(7);
	for (int round = 0; round < 200000; round++) {
		struct layout_want w[6];
		uint64_t step = UINT64_C(1) << (rand() % 12), needs, sum = 0;
		uint64_t capacity = (uint64_t)rand() % 100000, room = 0;
		size_t count = (size_t)(1 + rand() % 6), shares = 0;

		if (rand() % 10 == 0)
			capacity = UINT64_MAX - (uint64_t)rand();
		for (size_t i = 0; i < count; i++) {
			uint64_t min = rand() % 2 ? (uint64_t)rand() % 20000 : 0;

			w[i] = share((uint64_t)(1 + rand() % 9), min,
				     rand() % 2 ? min + (uint64_t)rand() % 40000 : 0);
			if (rand() % 4 == 0)
				w[i].size = (struct layout_size){ .mode = LAYOUT_FIXED,
					.bytes = (uint64_t)(1 + rand() % 20000) };
			else if (rand() % 4 == 0)
				w[i].size = (struct layout_size){ .mode = LAYOUT_PERCENT,
					.ppm = (uint64_t)(1 + rand() % 400000) };
		}
		if (layout_solve(w, count, capacity, step, &needs) < 0) {
			assert_true(needs > capacity);
			continue;
		}
		for (size_t i = 0; i < count; i++) {
			assert_true(w[i].bytes % step == 0 && w[i].bytes);
			assert_true(w[i].bytes <= capacity - sum);
			sum += w[i].bytes;
			if (w[i].size.mode != LAYOUT_WEIGHT)
				continue;
			assert_true(w[i].bytes >= w[i].size.min);
			shares++;
			if (!w[i].size.max || w[i].bytes + step <= w[i].size.max)
				room++;
			if (w[i].size.max > w[i].size.min + step)
				assert_true(w[i].bytes <= w[i].size.max);
		}
		if (room)
			assert_true(capacity - sum < step);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_fixed_percent_rest),
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_does_not_fit),
		cmocka_unit_test(test_chance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
