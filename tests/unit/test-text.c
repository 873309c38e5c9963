/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text that grows, sizes in words, names that are safe to print. */
#include "unit.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "util/text.h"

static void test_grow(void **state)
{
	struct text t = { 0 };
	char *s;
	int i;

	(void)state;
	s = text_take(&t);
	assert_string_equal(s, "");
	free(s);
	for (i = 0; i < 1000; i++)
		text_add(&t, "%d,", i % 10);
	text_add_bytes(&t, "end", 3);
	text_add_bytes(&t, "", 0);
	assert_int_equal(t.length, 2003);
	s = text_take(&t);
	assert_non_null(s);
	assert_int_equal(strlen(s), 2003);
	assert_memory_equal(s, "0,1,2,3,4,5,6,7,8,9,0,", 22);
	assert_string_equal(s + 2000, "end");
	assert_null(t.at);
	free(s);
	/* Longer than any buffer so far in one step. */
	text_add(&t, "%0*d", 5000, 7);
	assert_int_equal(t.length, 5000);
	text_free(&t);
	t.failed = true;
	text_add(&t, "x");
	assert_null(text_take(&t));
	assert_false(t.failed);
}

static void test_size_in_words(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *words;
	} cases[] = {
		{ 0, "0 B" }, { 1, "1 B" }, { 1023, "1023 B" }, { 1024, "1 KiB" },
		{ 1536, "1.5 KiB" }, { 1025, "1.0 KiB" }, { 1048575, "1.0 MiB" },
		{ 1048576, "1 MiB" }, { 10485760, "10 MiB" }, { UINT64_C(1) << 40, "1 TiB" },
		{ UINT64_C(1) << 63, "8 EiB" }, { UINT64_MAX, "16.0 EiB" },
	};
	char buf[TEXT_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(text_size(cases[i].bytes, buf, sizeof(buf)), cases[i].words);
}

static void test_parse_size(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint64_t bytes;
	} cases[] = {
		{ "0", 0, 0 }, { "4096", 0, 4096 }, { "512B", 0, 512 }, { "4K", 0, 4096 },
		{ "4k", 0, 4096 }, { "4KiB", 0, 4096 }, { "4KB", 0, 4000 }, { "4 KiB", 0, 4096 },
		{ "1.5G", 0, 1610612736 }, { "1.5GB", 0, 1500000000 }, { "0.1K", 0, 102 },
		{ "0.999999999999999999999999E", 0, 1152921504606846975u },
		{ "2TiB", 0, UINT64_C(2) << 40 }, { "1P", 0, UINT64_C(1) << 50 },
		{ "15E", 0, UINT64_C(15) << 60 }, { "15.5EiB", 0, UINT64_C(31) << 59 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, 0 }, { "16E", -ERANGE, 0 },
		{ "99999999999999999999999K", -ERANGE, 0 }, { "18446744073709551615K", -ERANGE, 0 },
		{ "", -EINVAL, 0 }, { "K", -EINVAL, 0 }, { "-1", -EINVAL, 0 }, { "+1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 }, { "1 ", 0, 1 }, { "1.", -EINVAL, 0 }, { ".5K", -EINVAL, 0 },
		{ "1,5K", -EINVAL, 0 }, { "1KK", -EINVAL, 0 }, { "1KiBx", -EINVAL, 0 },
		{ "1Z", -EINVAL, 0 }, { "0x10", -EINVAL, 0 }, { "1e3", -EINVAL, 0 },
		{ "50%", -EINVAL, 0 }, { "1Ki", -EINVAL, 0 }, { "nan", -EINVAL, 0 },
	};
	uint64_t bytes;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bytes = 77;
		if (text_parse_size(cases[i].text, &bytes) != cases[i].result)
			fail_msg("\"%s\"", cases[i].text);
		assert_int_equal(bytes, cases[i].result ? 77 : cases[i].bytes);
	}
}

static void test_parse_u64(void **state)
{
	uint64_t n = 5;

	(void)state;
	assert_int_equal(text_parse_u64("18446744073709551615", &n), 0);
	assert_int_equal(n, UINT64_MAX);
	assert_int_equal(text_parse_u64("18446744073709551616", &n), -ERANGE);
	assert_int_equal(text_parse_u64("99999999999999999999x", &n), -EINVAL);
	assert_int_equal(text_parse_u64("", &n), -EINVAL);
	assert_int_equal(text_parse_u64("-1", &n), -EINVAL);
	assert_int_equal(text_parse_u64("1K", &n), -EINVAL);
	assert_int_equal(n, UINT64_MAX);
	assert_int_equal(text_parse_u64("007", &n), 0);
	assert_int_equal(n, 7);
}

static void test_copy_safe(void **state)
{
	static const struct {
		const char *from, *to;
	} cases[] = {
		{ "plain", "plain" }, { "", "" }, { "a\nb\tc\x7f", "a?b?c?" },
		{ "\033[31mred", "?[31mred" }, { "gr\xc3\xbc\xc3\x9f" "e", "gr\xc3\xbc\xc3\x9f" "e" },
		{ "\xe2\x82\xac \xf0\x9f\x92\xbe", "\xe2\x82\xac \xf0\x9f\x92\xbe" },
		{ "\xc3", "?" }, { "\xc3(", "?(" }, { "\x80\xff", "??" },
		{ "\xc0\xaf", "??" },				/* overlong */
		{ "\xe0\x80\x80", "???" },			/* overlong */
		{ "\xed\xa0\x80", "???" },			/* surrogate */
		{ "\xf4\x90\x80\x80", "????" },		/* beyond Unicode */
		{ "\xc2\x85", "??" },				/* NEL */
		{ "\xe2\x80\xae" "x", "???x" },		/* right to left override */
	};
	char buf[64], small[4];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text_copy_safe(buf, sizeof(buf), cases[i].from);
		assert_string_equal(buf, cases[i].to);
	}
	text_copy_safe(small, sizeof(small), "abcdef");
	assert_string_equal(small, "abc");
	/* A character is never cut in two. */
	text_copy_safe(small, sizeof(small), "ab\xc3\xbc");
	assert_string_equal(small, "ab");
	text_copy_safe(small, sizeof(small), "a\xc3\xbc");
	assert_string_equal(small, "a\xc3\xbc");
	text_copy_safe(small, 1, "a");
	assert_string_equal(small, "");
	small[0] = 'x';
	text_copy_safe(small, 0, "a");
	assert_int_equal(small[0], 'x');
}

static void test_distance(void **state)
{
	char longer[300];

	(void)state;
	assert_int_equal(text_distance("", ""), 0);
	assert_int_equal(text_distance("size", "size"), 0);
	assert_int_equal(text_distance("size", ""), 4);
	assert_int_equal(text_distance("size", "sise"), 1);
	assert_int_equal(text_distance("size", "szie"), 1);
	assert_int_equal(text_distance("size", "sizes"), 1);
	assert_int_equal(text_distance("kitten", "sitting"), 3);
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(text_distance(longer, "a"), 63);
	assert_int_equal(text_distance(longer, longer), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grow),
		cmocka_unit_test(test_size_in_words),
		cmocka_unit_test(test_parse_size),
		cmocka_unit_test(test_parse_u64),
		cmocka_unit_test(test_copy_safe),
		cmocka_unit_test(test_distance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
