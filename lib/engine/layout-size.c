/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Layouts: the arithmetic of sizes. Knows no model; tests/unit drives it alone. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "engine/layout.h"
#include "util/check.h"
#include "util/text.h"

#define PPM	UINT64_C(1000000)

/* "12.5%": up to four digits after the point. */
static int parse_percent(const char *text, uint64_t *ppm)
{
	uint64_t n = 0, scale = PPM / 100;
	const char *s = text;

	if (*s < '0' || *s > '9')
		return -EINVAL;
	for (; *s >= '0' && *s <= '9'; s++) {
		n = n * 10 + (uint64_t)(*s - '0');
		if (n > 100)
			return -ERANGE;
	}
	n *= scale;
	if (*s == '.') {
		if (s[1] < '0' || s[1] > '9')
			return -EINVAL;
		for (s++; *s >= '0' && *s <= '9'; s++) {
			scale /= 10;
			n += (uint64_t)(*s - '0') * scale;
		}
	}
	while (*s == ' ')
		s++;
	if (strcmp(s, "%"))
		return -EINVAL;
	if (!n || n > PPM)
		return -ERANGE;
	*ppm = n;
	return 0;
}

int layout_size_parse(const char *text, struct layout_size *out)
{
	struct layout_size size = { .mode = LAYOUT_WEIGHT, .weight = 1 };
	int r = 0;

	if (!strcmp(text, "rest")) {
		*out = size;
		return 0;
	}
	if (strchr(text, '%')) {
		size.mode = LAYOUT_PERCENT;
		r = parse_percent(text, &size.ppm);
	} else {
		size.mode = LAYOUT_FIXED;
		r = text_parse_size(text, &size.bytes);
		if (r == 0 && !size.bytes)
			r = -ERANGE;
	}
	if (r == 0)
		*out = size;
	return r;
}

static uint64_t add_capped(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* What a party gets at least: all of it, when it has no choice. */
static uint64_t least(const struct layout_want *w, uint64_t capacity, uint64_t step)
{
	unsigned __int128 share;

	switch (w->size.mode) {
	case LAYOUT_FIXED:
		return round_up(w->size.bytes, step);
	case LAYOUT_PERCENT:
		share = (unsigned __int128)capacity * w->size.ppm / PPM;
		return max_u64(round_down((uint64_t)share, step), step);
	default:
		return round_up(max_u64(w->size.min, step), step);
	}
}

static uint64_t most(const struct layout_want *w, uint64_t step)
{
	uint64_t max = w->size.max ? round_down(w->size.max, step) : UINT64_MAX;

	return max_u64(max, round_up(max_u64(w->size.min, step), step));
}

/* Who still takes part in the sharing. */
enum { OPEN, FROZEN };

/*
 * One round: give the open ones their share of left; those whose limit bites in the direction
 * that dominates get that limit and are frozen. Returns how many stay open; 0: done.
 */
static size_t share_round(struct layout_want *wants, unsigned char *state, size_t count,
			  uint64_t left,
			  uint64_t capacity, uint64_t step)
{
	unsigned __int128 weights = 0;
	__int128 excess = 0;
	size_t open = 0;

	for (size_t i = 0; i < count; i++) {
		if (state[i] == OPEN)
			weights += wants[i].size.weight;
		else if (wants[i].size.mode == LAYOUT_WEIGHT)
			left -= min_u64(left, wants[i].bytes);
	}
	for (size_t i = 0; i < count; i++) {
		uint64_t share, low, high;

		if (state[i] == FROZEN)
			continue;
		low = least(&wants[i], capacity, step);
		high = most(&wants[i], step);
		share = (uint64_t)((unsigned __int128)left * wants[i].size.weight / weights);
		wants[i].bytes = min_u64(max_u64(share, low), high);
		excess += (__int128)wants[i].bytes - share;
	}
	for (size_t i = 0; i < count; i++) {
		uint64_t low, high;

		if (state[i] == FROZEN)
			continue;
		low = least(&wants[i], capacity, step);
		high = most(&wants[i], step);
		if (excess == 0 || (excess > 0 && wants[i].bytes == low) ||
		    (excess < 0 && wants[i].bytes == high))
			state[i] = FROZEN;
		else
			open++;
	}
	return open;
}

/*
 * Round the shares down and hand what that leaves to those who may have more, from the last one
 * on.
 */
static void settle(struct layout_want *wants, size_t count, uint64_t left, uint64_t step)
{
	bool given = true;

	for (size_t i = 0; i < count; i++) {
		if (wants[i].size.mode != LAYOUT_WEIGHT)
			continue;
		wants[i].bytes = round_down(wants[i].bytes, step);
		left -= min_u64(left, wants[i].bytes);
	}
	/* Rounding loses less than a step a party, so that this is one round or two. */
	while (given && left >= step) {
		given = false;
		for (size_t i = count; i-- > 0 && left >= step; ) {
			if (wants[i].size.mode != LAYOUT_WEIGHT ||
			    most(&wants[i], step) - wants[i].bytes < step)
				continue;
			wants[i].bytes += step;
			left -= step;
			given = true;
		}
	}
}

int layout_solve(struct layout_want *wants, size_t count, uint64_t capacity, uint64_t step,
		 uint64_t *needs)
{
	unsigned char *state;
	uint64_t sum = 0, fixed = 0, left;
	size_t open = 0, rounds;

	for (size_t i = 0; i < count; i++) {
		wants[i].bytes = least(&wants[i], capacity, step);
		sum = add_capped(sum, wants[i].bytes);
		if (wants[i].size.mode == LAYOUT_WEIGHT)
			open++;
		else
			fixed = add_capped(fixed, wants[i].bytes);
	}
	*needs = sum;
	if (sum > capacity)
		return -ENOSPC;
	if (!open)
		return 0;
	state = malloc(count);
	if (!state)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		state[i] = wants[i].size.mode == LAYOUT_WEIGHT ? OPEN : FROZEN;
	left = capacity - fixed;
	for (rounds = 0; open && rounds <= count; rounds++)
		open = share_round(wants, state, count, left, capacity, step);
	free(state);
	settle(wants, count, left, step);
	return 0;
}
