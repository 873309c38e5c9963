/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The error record, messages, progress and cancelling. */
#include "unit.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/context.h"

static char last_message[2000];
static int last_severity;

static void take_message(void *user, int severity, const char *text)
{
	assert_ptr_equal(user, last_message);
	snprintf(last_message, sizeof(last_message), "%s", text);
	last_severity = severity;
}

static int stop_at_two(void *user, const char *what, uint64_t done, uint64_t total)
{
	(void)user;
	assert_string_equal(what, "reading");
	assert_int_equal(total, 3);
	return done == 2;
}

static void test_first_cause_wins(void **state)
{
	struct context ctx;

	(void)state;
	context_init(&ctx);
	assert_int_equal(ctx.error.error, 0);
	assert_int_equal(context_fail(&ctx, EBADMSG, "bad.img", "label", "label.name",
				      "no name in block %d", 7), -EBADMSG);
	assert_int_equal(context_fail(&ctx, EIO, "x", NULL, "other", "later"), -EIO);
	assert_int_equal(ctx.error.error, EBADMSG);
	assert_string_equal(ctx.error.reason, "label.name");
	assert_string_equal(ctx.error.object, "bad.img");
	assert_string_equal(ctx.error.plugin, "label");
	assert_string_equal(ctx.error.detail, "no name in block 7");
	assert_string_equal(ctx.error.message, "bad.img: label: no name in block 7: Bad message");
	context_clear_error(&ctx);
	assert_int_equal(ctx.error.error, 0);
	assert_string_equal(ctx.error.message, "");
	/* What a careless plug-in passes. */
	assert_int_equal(context_fail(&ctx, -EINVAL, NULL, NULL, NULL, "minus"), -EINVAL);
	context_clear_error(&ctx);
	assert_int_equal(context_fail(&ctx, 0, NULL, "p", "p.x", "nothing"), -EIO);
	assert_string_equal(ctx.error.message, "p: nothing: Input/output error");
}

static void test_long_and_ugly(void **state)
{
	struct context ctx;
	char name[5000];

	(void)state;
	context_init(&ctx);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(context_fail(&ctx, EIO, name, name, name, "%s\n\033[2J", name), -EIO);
	assert_int_equal(strlen(ctx.error.object), sizeof(ctx.error.object) - 1);
	assert_int_equal(strlen(ctx.error.detail), sizeof(ctx.error.detail) - 1);
	assert_true(strlen(ctx.error.message) < sizeof(ctx.error.message));
	context_clear_error(&ctx);
	context_fail(&ctx, EIO, "a\nb", NULL, "r", "\033[2J");
	assert_string_equal(ctx.error.message, "a?b: ?[2J: Input/output error");
}

static void test_messages(void **state)
{
	struct context ctx;

	(void)state;
	context_init(&ctx);
	context_message(&ctx, EVMS_SEVERITY_INFO, "nobody listens");
	ctx.message = take_message;
	ctx.message_user = last_message;
	context_message(&ctx, EVMS_SEVERITY_INFO, "disk %s\nhas", "a\033");
	assert_string_equal(last_message, "disk a??has");
	assert_int_equal(last_severity, EVMS_SEVERITY_INFO);
	context_demote_error(&ctx, EVMS_SEVERITY_WARNING);
	assert_string_equal(last_message, "disk a??has");
	context_fail(&ctx, ENOENT, "vg", NULL, "x", "gone");
	context_demote_error(&ctx, EVMS_SEVERITY_WARNING);
	assert_string_equal(last_message, "vg: gone: No such file or directory");
	assert_int_equal(last_severity, EVMS_SEVERITY_WARNING);
	assert_int_equal(ctx.error.error, 0);
	assert_int_equal(context_fail(&ctx, EIO, "", "", "y", "again"), -EIO);
	assert_string_equal(ctx.error.message, "again: Input/output error");
}

static void test_cancel(void **state)
{
	struct context ctx;

	(void)state;
	context_init(&ctx);
	assert_int_equal(context_progress(&ctx, "reading", 1, 3), 0);
	ctx.progress = stop_at_two;
	assert_int_equal(context_progress(&ctx, "reading", 1, 3), 0);
	assert_int_equal(context_progress(&ctx, "reading", 2, 3), -ECANCELED);
	assert_string_equal(ctx.error.reason, "cancelled");
	/* It stays cancelled for whatever still goes on. */
	assert_int_equal(context_progress(&ctx, "reading", 1, 3), -ECANCELED);
	context_clear_error(&ctx);
	assert_int_equal(context_progress(&ctx, "reading", 1, 3), -ECANCELED);
	/* Each public call begins like this. */
	context_clear_error(&ctx);
	atomic_store(&ctx.cancelled, false);
	assert_int_equal(context_progress(&ctx, "reading", 1, 3), 0);
	atomic_store(&ctx.cancelled, true);
	assert_int_equal(context_progress(&ctx, "reading", 1, 3), -ECANCELED);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_cause_wins),
		cmocka_unit_test(test_long_and_ugly),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
