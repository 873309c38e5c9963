/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arithmetic on numbers that come from a disk or a user: nothing wraps. */
#ifndef UTIL_CHECK_H
#define UTIL_CHECK_H

#include <stdbool.h>
#include <stdint.h>

/* Does [offset, offset+len) lie inside [0, size)? */
static inline bool range_fits(uint64_t offset, uint64_t len, uint64_t size)
{
	return offset <= size && len <= size - offset;
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static inline bool is_power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

static inline uint64_t round_down(uint64_t n, uint64_t step)
{
	return n - n % step;
}

/* Saturates at the largest multiple of step. */
static inline uint64_t round_up(uint64_t n, uint64_t step)
{
	uint64_t rest = n % step;

	if (!rest)
		return n;
	return n > UINT64_MAX - (step - rest) ? UINT64_MAX - UINT64_MAX % step : n + (step - rest);
}

#endif
