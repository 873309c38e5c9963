/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Texts checked against the options of a plug-in. */
#include "unit.h"
#include <errno.h>
#include <string.h>
#include "registry/registry.h"

#define CREATE	EVMS_OP_BIT(EVMS_OP_CREATE)
#define EXPAND	EVMS_OP_BIT(EVMS_OP_EXPAND)

static struct evms_option options[] = {
	{ .name = "size", .type = EVMS_TYPE_SIZE, .flags = EVMS_OPTION_PERCENT,
	  .ops = CREATE | EXPAND, .min = 4096 },
	{ .name = "chunk-size", .type = EVMS_TYPE_SIZE, .ops = CREATE, .min = 512, .max = 65536 },
	{ .name = "stripes", .type = EVMS_TYPE_U64, .ops = CREATE, .min = 1, .max = 128 },
	{ .name = "name", .type = EVMS_TYPE_STR, .ops = CREATE, .min = 1, .max = 8 },
	{ .name = "zero", .type = EVMS_TYPE_BOOL, .ops = CREATE },
	{ .name = "type", .type = EVMS_TYPE_CHOICE, .choices = "linear|striped|raid1", .ops = CREATE },
	{ .name = NULL },
};

static struct evms_plugin plugin = {
	.name = (char *)"test", .options = options, .option_count = 6,
};

static struct context ctx;

static int parse(const char *name, const char *text, uint64_t base, uint64_t *out)
{
	context_clear_error(&ctx);
	return option_parse(&ctx, &plugin, plugin_find_option(&plugin, EVMS_OP_CREATE, name), text, base,
			    out);
}

static void accepts(const char *name, const char *text, uint64_t base, uint64_t wanted)
{
	uint64_t n = 99;

	if (parse(name, text, base, &n))
		fail_msg("%s=%s: %s", name, text, ctx.error.message);
	assert_int_equal(n, wanted);
}

static void refuses(const char *name, const char *text, int error, const char *part)
{
	uint64_t n = 99;

	if (parse(name, text, 1 << 20, &n) != -error)
		fail_msg("%s=%s: %s", name, text, ctx.error.message);
	assert_int_equal(n, 99);
	assert_string_equal(ctx.error.plugin, "test");
	assert_non_null(strstr(ctx.error.detail, name));
	if (!strstr(ctx.error.detail, part))
		fail_msg("%s=%s: '%s' is not in '%s'", name, text, part, ctx.error.detail);
}

static void test_sizes(void **state)
{
	(void)state;
	accepts("size", "4096", 0, 4096);
	accepts("size", "1.5GiB", 0, 1610612736);
	accepts("size", "50%", 1 << 20, 1 << 19);
	accepts("size", "100%", UINT64_MAX, UINT64_MAX);
	accepts("size", "33.333333%", 3000000000u, 999999990);
	accepts("size", "0.5%", 1000000, 5000);
	accepts("size", "99.999999%", UINT64_MAX, 18446743889242110877u);
	refuses("size", "101%", ERANGE, "100%");
	refuses("size", "99999999999999999999999%", ERANGE, "100%");
	refuses("size", "0.0000001%", EINVAL, "percentage");
	refuses("size", "5%%", EINVAL, "percentage");
	refuses("size", "%", EINVAL, "percentage");
	refuses("size", "-5%", EINVAL, "percentage");
	refuses("size", "12Q", EINVAL, "not a size");
	refuses("size", "", EINVAL, "not a size");
	refuses("size", "17E", ERANGE, "16 EiB");
	refuses("size", "4095", ERANGE, "at least 4096 bytes (4 KiB)");
	refuses("size", "0.1%", ERANGE, "at least");
	refuses("chunk-size", "50%", EINVAL, "only a size");
	refuses("chunk-size", "64KB1", EINVAL, "not a size");
	refuses("chunk-size", "128K", ERANGE, "at most 65536 bytes (64 KiB)");
	accepts("chunk-size", "64K", 0, 65536);
}

static void test_other_types(void **state)
{
	(void)state;
	accepts("stripes", "128", 0, 128);
	refuses("stripes", "0", ERANGE, "at least 1");
	refuses("stripes", "129", ERANGE, "at most 128");
	refuses("stripes", "2K", EINVAL, "not a number");
	refuses("stripes", "99999999999999999999", ERANGE, "too large");
	accepts("zero", "yes", 0, 1);
	accepts("zero", "FALSE", 0, 0);
	accepts("zero", "1", 0, 1);
	refuses("zero", "maybe", EINVAL, "yes");
	refuses("zero", "", EINVAL, "yes");
	accepts("name", "12345678", 0, 0);
	refuses("name", "123456789", ERANGE, "at most 8");
	refuses("name", "", ERANGE, "at least 1");
	refuses("name", "a\nb", EINVAL, "control character");
	accepts("type", "linear", 0, 0);
	accepts("type", "raid1", 0, 0);
	refuses("type", "raid", EINVAL, "linear|striped|raid1");
	refuses("type", "linear|striped", EINVAL, "not one of");
	refuses("type", "", EINVAL, "not one of");
}

static void test_find(void **state)
{
	(void)state;
	assert_non_null(plugin_find_option(&plugin, EVMS_OP_EXPAND, "size"));
	assert_null(plugin_find_option(&plugin, EVMS_OP_EXPAND, "name"));
	assert_null(plugin_find_option(&plugin, EVMS_OP_CREATE, "Size"));
	assert_null(plugin_find_option(&plugin, 99, "size"));
	assert_string_equal(plugin_nearest_option(&plugin, EVMS_OP_CREATE, "sise")->name, "size");
	assert_string_equal(plugin_nearest_option(&plugin, EVMS_OP_CREATE, "stripe")->name, "stripes");
	assert_string_equal(plugin_nearest_option(&plugin, EVMS_OP_CREATE, "chunk")->name, "chunk-size");
	assert_string_equal(plugin_nearest_option(&plugin, EVMS_OP_CREATE, "chunksize")->name, "chunk-size");
	assert_null(plugin_nearest_option(&plugin, EVMS_OP_CREATE, "compression"));
	assert_null(plugin_nearest_option(&plugin, EVMS_OP_EXPAND, "stripe"));
	assert_null(plugin_nearest_option(&plugin, EVMS_OP_CREATE, ""));
}

static void test_names(void **state)
{
	uint32_t op, role, n = 0;

	(void)state;
	for (op = 0; op < EVMS_OP_COUNT; op++)
		assert_non_null(op_name(op));
	assert_null(op_name(EVMS_OP_COUNT));
	assert_null(op_name(UINT32_MAX));
	assert_string_equal(op_name(EVMS_OP_DELETE), "delete");
	for (role = 0; role < 100; role++)
		n += role_name(role) != NULL;
	assert_int_equal(n, 5);
	assert_string_equal(role_name(EVMS_ROLE_FILE_SYSTEM), "file-system");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_other_types),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_names),
	};

	context_init(&ctx);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
