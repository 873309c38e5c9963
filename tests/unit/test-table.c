/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runtime tables: building, checking, flattening, and the text form with what it must refuse. */
#include "unit.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "runtime/table.h"

#define MIB (UINT64_C(1) << 20)

static struct table_leg on_device(uint32_t index, uint64_t offset)
{
	return (struct table_leg){ .index = index, .offset = offset };
}

static struct table_leg on_node(uint32_t index, uint64_t offset)
{
	return (struct table_leg){ .is_node = true, .index = index, .offset = offset };
}

static void linear(struct table *t, uint32_t node, uint64_t offset, uint64_t size,
		   struct table_leg leg)
{
	assert_int_equal(table_add_target(t, node, offset, size, "linear", 0, NULL, 1, &leg), 0);
}

static struct table *with_devices(int count, uint64_t size)
{
	struct table *t = table_new();
	char path[32];
	int i;

	assert_non_null(t);
	for (i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "/disk %d%%", i);
		assert_int_equal(table_add_device(t, path, size, 512, false, NULL), i);
	}
	return t;
}

static void expect_text(const struct table *t, const char *wanted)
{
	char *s;

	assert_int_equal(table_check(t, NULL, 0), 0);
	assert_int_equal(table_to_text(t, &s), 0);
	assert_string_equal(s, wanted);
	free(s);
}

static void test_text_round_trip(void **state)
{
	struct table_leg two[2] = { on_device(0, 0), on_device(1, 4096) };
	struct table *t = with_devices(2, 8 * MIB), *back;
	char *a, *b;

	(void)state;
	assert_int_equal(table_add_node(t, 4 * MIB, 4096), 0);
	assert_int_equal(table_add_target(t, 0, 0, MIB, "striped", 65536, NULL, 2, two), 0);
	assert_int_equal(table_add_target(t, 0, MIB, MIB, "zero", 0, NULL, 0, NULL), 0);
	assert_int_equal(table_add_target(t, 0, 2 * MIB, MIB, "error", 0, NULL, 0, NULL), 0);
	assert_int_equal(table_add_target(t, 0, 3 * MIB, MIB / 2, "raid5", 0, "a b\n%-", 2, two),
			 0);
	assert_int_equal(table_add_target(t, 0, 3 * MIB + MIB / 2, MIB / 2, "x", 0, "-", 0, NULL),
			 0);
	table_set_root(t, 0);
	table_set_read_only(t);
	expect_text(t, "evms-table 1\n"
		    "device 0 8388608 512 rw 0 0 0 /disk%200%25\n"
		    "device 1 8388608 512 rw 0 0 0 /disk%201%25\n"
		    "node 0 4194304 4096\n"
		    "striped 0 1048576 65536 d0+0 d1+4096\n"
		    "zero 1048576 1048576\n"
		    "error 2097152 1048576\n"
		    "plugin 3145728 524288 raid5 a%20b%0A%25- d0+0 d1+4096\n"
		    "plugin 3670016 524288 x %2D\n"
		    "root 0 ro\n"
		    "end\n");
	assert_int_equal(table_to_text(t, &a), 0);
	assert_int_equal(table_parse(a, strlen(a), &back, NULL, 0), 0);
	assert_string_equal(back->devices.at[0].path, "/disk 0%");
	assert_string_equal(back->nodes.at[0].targets.at[3].args, "a b\n%-");
	assert_string_equal(back->nodes.at[0].targets.at[4].args, "-");
	assert_int_equal(table_to_text(back, &b), 0);
	assert_string_equal(a, b);
	free(a);
	free(b);
	table_free(back);
	table_free(t);
}

static const char good[] =
	"evms-table 1\n"
	"device 0 1048576 512 rw 1 2 3 /a\n"
	"node 0 1048576 512\n"
	"linear 0 524288 d0+0\n"
	"striped 524288 524288 4096 d0+0 n1+0\n"
	"node 1 262144 512\n"
	"plugin 0 262144 crypt - d0+0\n"
	"root 0 rw\n"
	"end\n";

static void test_good(void **state)
{
	struct table *t;

	(void)state;
	assert_int_equal(table_parse(good, strlen(good), &t, NULL, 0), 0);
	assert_int_equal(t->devices.at[0].identity.diskseq, 3);
	table_free(t);
}

/* Each replaces a part of the good table, and must then be refused. */
static const struct { const char *from, *to; } rejects[] = {
	{ "evms-table 1", "evms-table 2" },
	{ "evms-table 1\n", "evms-table 1\r\n" },
	{ "evms-table 1\n", "evms-table 1\n\n" },
	{ "device 0", "device 1" },
	{ "device 0", "device  0" },
	{ "device 0", "device 00" },
	{ "device 0", "device -0" },
	{ "1048576 512 rw", "1048576 511 rw" },
	{ "1048576 512 rw", "1048576 131072 rw" },
	{ "1048576 512 rw", "9223372036854775808 512 rw" },
	{ "1048576 512 rw", "18446744073709551617 512 rw" },
	{ "1048576 512 rw", "0 512 rw" },
	{ "512 rw 1", "512 wr 1" },
	{ " /a\n", " \n" },
	{ " /a\n", "\n" },
	{ " /a\n", " /a b\n" },
	{ " /a\n", " /a%\n" },
	{ " /a\n", " /a%0\n" },
	{ " /a\n", " /a%00\n" },
	{ " /a\n", " /a%2f\n" },
	{ " /a\n", " /a\x80\n" },
	{ "node 0 1048576", "node 1 1048576" },
	{ "node 0 1048576", "node 0 1048577" },
	{ "node 0 1048576", "node 0 1048575" },
	{ "node 0 1048576", "node 0 0" },
	{ "node 0 1048576 512\n", "" },
	{ "linear 0 524288", "linear 512 523776" },
	{ "linear 0 524288", "linear 0 524800" },
	{ "linear 0 524288", "linear 0 0" },
	{ "linear 0 524288 d0+0", "linear 0 524288" },
	{ "linear 0 524288 d0+0", "linear 0 524288 d0+0 d0+0" },
	{ "linear 0 524288 d0+0", "linear 0 524288 d0+524289" },
	{ "linear 0 524288 d0+0", "linear 0 524288 d0+9223372036854775807" },
	{ "linear 0 524288 d0+0", "linear 0 524288 d0+9223372036854775808" },
	{ "linear 0 524288 d0+0", "linear 0 524288 d1+0" },
	{ "linear 0 524288 d0+0", "linear 0 524288 d4294967296+0" },
	{ "linear 0 524288 d0+0", "linear 0 524288 d4294967295+0" },
	{ "linear 0 524288 d0+0", "linear 0 524288 n2+0" },
	{ "linear 0 524288 d0+0", "linear 0 524288 n0+0" },	/* on itself */
	{ "linear 0 524288 d0+0", "linear 0 524288 x0+0" },
	{ "linear 0 524288 d0+0", "linear 0 524288 d0+0 " },
	{ "linear 0 524288 d0+0", "cubic 0 524288 d0+0" },
	{ "striped 524288 524288 4096", "striped 524288 524288 0" },
	{ "striped 524288 524288 4096", "striped 524288 524288 100" },
	{ "striped 524288 524288 4096 d0+0 n1+0", "striped 524288 524288 4096" },
	{ "4096 d0+0 n1+0", "4096 d0+0 n1+512" },
	{ "4096 d0+0 n1+0", "4096 d0+1048576 n1+0" },
	{ "crypt - d0+0", "crypt - n0+0" },			/* in a circle */
	{ "crypt - d0+0", "crypt  d0+0" },
	{ "crypt - d0+0", "CRYPT - d0+0" },
	{ "crypt - d0+0", "linear - d0+0" },
	{ "crypt - d0+0", "crypt - d0+1048577" },
	{ "root 0 rw", "root 2 rw" },
	{ "root 0 rw", "root 0" },
	{ "root 0 rw\n", "" },
	{ "end\n", "" },
	{ "end\n", "end" },
	{ "end\n", "end\nx" },
};

static void test_rejects(void **state)
{
	char text[1024], error[256];
	struct table *t = NULL;
	const char *at;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < sizeof(rejects) / sizeof(*rejects); i++) {
		at = strstr(good, rejects[i].from);
		assert_non_null(at);
		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good), good, rejects[i].to,
			 at + strlen(rejects[i].from));
		*error = '\0';
		r = table_parse(text, strlen(text), &t, error, sizeof(error));
		if (r != -EINVAL)
			fail_msg("accepted (%d):\n%s", r, text);
		if (!*error)
			fail_msg("no reason for:\n%s", text);
	}
	/* Cut at every length; exact buffers, so that a sanitizer sees a read beyond. */
	for (i = 0; i < strlen(good); i++) {
		char *cut = malloc(i + 1);

		assert_non_null(cut);
		memcpy(cut, good, i);
		cut = realloc(cut, i ? i : 1);
		assert_int_equal(table_parse(cut, i, &t, error, sizeof(error)), -EINVAL);
		free(cut);
	}
}

/* One byte changed at a time: no crash, and what is accepted is a table. */
static void test_mutations(void **state)
{
	char text[sizeof(good)];
	struct table *t;
	size_t i;
	int c;

	(void)state;
	for (i = 0; i < sizeof(good) - 1; i++) {
		for (c = 0; c < 256; c += 3) {
			memcpy(text, good, sizeof(good));
			text[i] = (char)c;
			if (table_parse(text, sizeof(good) - 1, &t, NULL, 0) < 0)
				continue;
			assert_int_equal(table_flatten(t), 0);
			assert_int_equal(table_check(t, NULL, 0), 0);
			table_free(t);
		}
	}
}

/* Partition in group in link: one target is left. */
static void test_flatten_chain(void **state)
{
	struct table *t = with_devices(3, 100 * MIB);

	(void)state;
	assert_int_equal(table_add_node(t, 20 * MIB, 512), 0);		/* link, added first */
	assert_int_equal(table_add_node(t, 90 * MIB, 512), 1);		/* partition */
	assert_int_equal(table_add_node(t, 50 * MIB, 512), 2);		/* region */
	assert_int_equal(table_add_node(t, MIB, 512), 3);		/* reached by nobody */
	linear(t, 0, 0, 10 * MIB, on_node(2, 0));
	linear(t, 0, 10 * MIB, 10 * MIB, on_node(2, 10 * MIB));
	linear(t, 1, 0, 90 * MIB, on_device(1, MIB));
	linear(t, 2, 0, 30 * MIB, on_node(1, MIB));
	linear(t, 2, 30 * MIB, 20 * MIB, on_node(1, 60 * MIB));
	linear(t, 3, 0, MIB, on_device(0, 0));
	table_set_root(t, 0);
	assert_int_equal(table_check(t, NULL, 0), 0);
	assert_int_equal(table_flatten(t), 0);
	expect_text(t, "evms-table 1\n"
		    "device 0 104857600 512 rw 0 0 0 /disk%201%25\n"
		    "node 0 20971520 512\n"
		    "linear 0 20971520 d0+2097152\n"
		    "root 0 rw\n"
		    "end\n");
	assert_null(table_whole_device(t));
	table_free(t);
}

static void test_flatten_stripes(void **state)
{
	struct table_leg legs[2] = { on_node(1, 0), on_node(2, 4096) };
	struct table *t = with_devices(2, 100 * MIB);

	(void)state;
	assert_int_equal(table_add_node(t, 20 * MIB, 512), 0);
	assert_int_equal(table_add_node(t, 50 * MIB, 512), 1);
	assert_int_equal(table_add_node(t, 50 * MIB, 512), 2);
	assert_int_equal(table_add_node(t, 80 * MIB, 512), 3);
	linear(t, 0, 0, 20 * MIB, on_node(3, 65536 + 512));
	linear(t, 1, 0, 50 * MIB, on_device(0, MIB));
	linear(t, 2, 0, 50 * MIB, on_device(1, 2 * MIB));
	assert_int_equal(table_add_target(t, 3, 0, 80 * MIB, "striped", 65536, NULL, 2, legs), 0);
	table_set_root(t, 0);
	assert_int_equal(table_flatten(t), 0);
	/* Begins 512 bytes into the piece of the second leg; the set goes on with the first. */
	expect_text(t, "evms-table 1\n"
		    "device 0 104857600 512 rw 0 0 0 /disk%200%25\n"
		    "device 1 104857600 512 rw 0 0 0 /disk%201%25\n"
		    "node 0 20971520 512\n"
		    "linear 0 65024 d1+2101760\n"
		    "striped 65024 20906496 65536 d0+1114112 d1+2166784\n"
		    "root 0 rw\n"
		    "end\n");
	table_free(t);
}

/* A plug-in's target stays whole in its node. */
static void test_flatten_plugin(void **state)
{
	struct table *t = with_devices(1, 10 * MIB);
	struct table_leg leg = on_device(0, 0);

	(void)state;
	assert_int_equal(table_add_node(t, 4 * MIB, 512), 0);
	assert_int_equal(table_add_node(t, 4 * MIB, 512), 1);
	assert_int_equal(table_add_node(t, 4 * MIB, 512), 2);
	linear(t, 0, 0, 4 * MIB, on_node(1, 0));
	linear(t, 1, 0, MIB, on_node(2, MIB));
	linear(t, 1, MIB, 3 * MIB, on_node(2, 0));
	assert_int_equal(table_add_target(t, 2, 0, 4 * MIB, "mirror", 0, "x", 1, &leg), 0);
	table_set_root(t, 0);
	assert_int_equal(table_flatten(t), 0);
	expect_text(t, "evms-table 1\n"
		    "device 0 10485760 512 rw 0 0 0 /disk%200%25\n"
		    "node 0 4194304 512\n"
		    "plugin 0 4194304 mirror x d0+0\n"
		    "node 1 4194304 512\n"
		    "linear 0 1048576 n0+1048576\n"
		    "linear 1048576 3145728 n0+0\n"
		    "root 1 rw\n"
		    "end\n");
	table_free(t);
}

/* Nodes that double at each step would become 2^30 targets: kept as nodes instead. */
static void test_explosion(void **state)
{
	struct table *t = with_devices(1, UINT64_C(1) << 40);
	uint64_t size = 1024;
	uint32_t i;

	(void)state;
	for (i = 0; i < 31; i++, size *= 2) {
		assert_int_equal(table_add_node(t, size, 512), i);
		if (!i) {
			linear(t, 0, 0, 512, on_device(0, 4096));
			linear(t, 0, 512, 512, on_device(0, 0));
			continue;
		}
		linear(t, i, 0, size / 2, on_node(i - 1, 0));
		linear(t, i, size / 2, size / 2, on_node(i - 1, 0));
	}
	table_set_root(t, 30);
	assert_int_equal(table_check(t, NULL, 0), 0);
	assert_int_equal(table_flatten(t), 0);
	assert_int_equal(table_check(t, NULL, 0), 0);
	assert_true(t->target_count <= TABLE_MAX_TARGETS);
	table_free(t);
}

static void test_depth(void **state)
{
	struct table *t = with_devices(1, MIB);
	uint32_t i;

	(void)state;
	for (i = 0; i < TABLE_MAX_DEPTH; i++) {
		assert_int_equal(table_add_node(t, MIB, 512), i);
		linear(t, i, 0, MIB, i ? on_node(i - 1, 0) : on_device(0, 0));
		table_set_root(t, i);
		assert_int_equal(table_check(t, NULL, 0), 0);
	}
	assert_int_equal(table_add_node(t, MIB, 512), i);
	linear(t, i, 0, MIB, on_node(i - 1, 0));
	assert_int_equal(table_check(t, NULL, 0), -EINVAL);
	table_free(t);
}

static void test_bad_calls(void **state)
{
	struct table *t = with_devices(1, MIB);
	struct table_leg leg = on_device(0, 0);
	char *s;

	(void)state;
	assert_int_equal(table_to_text(t, &s), -EINVAL);
	assert_int_equal(table_add_device(t, "", MIB, 512, false, NULL), -EINVAL);
	assert_int_equal(table_add_device(t, "/x", UINT64_MAX, 512, false, NULL), -EINVAL);
	assert_int_equal(table_add_node(t, MIB, 1000), -EINVAL);
	assert_int_equal(table_add_node(t, MIB, 512), 0);
	assert_int_equal(table_add_target(t, 1, 0, MIB, "linear", 0, NULL, 1, &leg), -EINVAL);
	assert_int_equal(table_add_target(t, 0, 0, 0, "linear", 0, NULL, 1, &leg), -EINVAL);
	assert_int_equal(table_add_target(t, 0, 0, 2 * MIB, "linear", 0, NULL, 1, &leg), -EINVAL);
	assert_int_equal(table_add_target(t, 0, 0, MIB, "linear", 0, "args", 1, &leg), -EINVAL);
	assert_int_equal(table_add_target(t, 0, 0, MIB, "zero", 0, NULL, 1, &leg), -EINVAL);
	assert_int_equal(table_add_target(t, 0, 0, MIB, "Bad Name", 0, NULL, 1, &leg), -EINVAL);
	linear(t, 0, 0, MIB, leg);
	assert_int_equal(table_add_target(t, 0, MIB, 1, "zero", 0, NULL, 0, NULL), -EINVAL);
	assert_int_equal(table_check(t, NULL, 0), -EINVAL);
	table_set_root(t, 7);
	assert_int_equal(table_check(t, NULL, 0), -EINVAL);
	table_set_root(t, 0);
	assert_int_equal(table_check(t, NULL, 0), 0);
	assert_ptr_equal(table_whole_device(t), t->devices.at);
	table_free(t);
	table_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_round_trip),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_rejects),
		cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_flatten_chain),
		cmocka_unit_test(test_flatten_stripes),
		cmocka_unit_test(test_flatten_plugin),
		cmocka_unit_test(test_explosion),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_bad_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
