/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The registry against plug-ins of all times and tempers, which registry.test has built in the folder
 * that is the first argument.
 */
#define _GNU_SOURCE 1
#include "unit.h"
#include <errno.h>
#include <glob.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "registry/registry.h"

static const char *folder;
static char path_buffer[4096];
static unsigned messages;
static char last_message[2000];

static uint64_t get_size(const struct evms_object *o)
{
	return o ? 4096 : 1;
}

static int fail_quietly(const struct evms_object *o, int error, const char *reason, const char *fmt,
			va_list args)
{
	char text[100];

	(void)o;
	vsnprintf(text, sizeof(text), fmt, args);
	assert_string_equal(reason, "abi.claim");
	assert_string_equal(text, "size 4096");
	return -error;
}

static const struct evms_host host = {
	.size = sizeof(host), .abi_major = EVMS_PLUGIN_ABI_MAJOR, .abi_minor = EVMS_PLUGIN_ABI_MINOR,
	.get_size = get_size, .fail = fail_quietly,
};
static const struct evms_host second_host = {
	.size = sizeof(host), .abi_major = EVMS_PLUGIN_ABI_MAJOR, .abi_minor = EVMS_PLUGIN_ABI_MINOR,
};
/* A host from before evms_get_offset() and all that follows it. */
static const struct evms_host old_host = {
	.size = offsetof(struct evms_host, get_offset), .abi_major = EVMS_PLUGIN_ABI_MAJOR,
	.get_size = get_size, .fail = fail_quietly,
};

struct bench {
	struct context ctx;
	struct registry r;
};

static void count_message(void *user, int severity, const char *text)
{
	(void)user;
	(void)severity;
	messages++;
	snprintf(last_message, sizeof(last_message), "%s", text);
}

static void begin(struct bench *b, const struct evms_host *h)
{
	context_init(&b->ctx);
	b->ctx.message = count_message;
	messages = 0;
	last_message[0] = '\0';
	registry_init(&b->r, &b->ctx, h);
}

static const char *in_folder(const char *name)
{
	snprintf(path_buffer, sizeof(path_buffer), "%s/%s", folder, name);
	return path_buffer;
}

static int add(struct bench *b, const char *name)
{
	context_clear_error(&b->ctx);
	return registry_add_file(&b->r, in_folder(name));
}

static void expect(struct bench *b, const char *name, int error, const char *reason)
{
	int e = add(b, name);

	if (e != -error || strcmp(b->ctx.error.reason, reason))
		fail_msg("%s: %d %s: %s", name, e, b->ctx.error.reason, b->ctx.error.message);
	assert_non_null(strstr(b->ctx.error.message, ".so"));
}

/* With a sanitizer plug-ins are never unmapped (loader.c). */
static bool stays_mapped(void)
{
#if defined(__SANITIZE_ADDRESS__)
	return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
	return true;
#endif
#endif
	return getenv("EVMS_NO_DLCLOSE") != NULL;
}

static bool is_mapped(const char *name)
{
	char line[4200], wanted[256];
	bool found = false;
	FILE *f = fopen("/proc/self/maps", "r");

	assert_non_null(f);
	snprintf(wanted, sizeof(wanted), "/%s\n", name);
	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, wanted) != NULL;
	fclose(f);
	return found;
}

static void check_contents(const struct evms_plugin *p)
{
	assert_string_equal(p->version, "1.2.3");
	assert_string_equal(p->summary, "tests the plug-in ABI");
	assert_int_equal(p->role, EVMS_ROLE_FEATURE);
	assert_int_equal(p->priority, 10);
	assert_int_equal(p->ops, EVMS_OP_BIT(EVMS_OP_CREATE));
	assert_int_equal(p->head_window, 8192);
	assert_int_equal(p->tail_window, 4096);
	assert_int_equal(p->order.weight, 42);
	assert_true(p->has_probe);
	assert_int_equal(p->magic_count, 3);
	assert_memory_equal(p->magics[1].bytes, "abi-test", 8);
	assert_int_equal(p->magics[1].offset, -4096);
	assert_int_equal(p->magics[1].align, 65536);
	assert_int_equal(p->magics[2].len, 3);
	assert_int_equal(p->magics[2].flags, EVMS_MAGIC_BLOCKS);
	assert_int_equal(p->option_count, 3);
	assert_string_equal(p->options[0].fallback, "50%");
	assert_int_equal(p->options[0].min, 512);
	assert_string_equal(p->options[1].choices, "fast|safe");
	assert_string_equal(p->options[2].name, "label");
	assert_int_equal(p->options[2].flags, EVMS_OPTION_REQUIRED);
	assert_int_equal(p->options[2].max, 36);
	assert_string_equal(p->options[2].help, "");
	assert_null(p->options[2].fallback);
	assert_null(p->options[3].name);
	assert_null(p->targets[1]);
}

/* An object is opaque to plug-ins: any address does. */
static struct evms_object *some_object(void)
{
	static int place;

	return (struct evms_object *)(void *)&place;
}

/* Builds against headers of one time or another all say and do the same. */
static void check_time(struct bench *b, const char *file)
{
	char name[64], target[80];
	struct evms_plugin *p;

	if (add(b, file))
		fail_msg("%s", b->ctx.error.message);
	snprintf(name, sizeof(name), "%.*s", (int)(strlen(file) - 3), file);
	p = registry_find(&b->r, name);
	assert_non_null(p);
	check_contents(p);
	assert_string_equal(p->file, in_folder(file));
	snprintf(target, sizeof(target), "%s-target", name);
	assert_string_equal(p->targets[0], target);
	assert_ptr_equal(registry_find_target(&b->r, target), p);
	assert_non_null(p->module);
	assert_non_null(p->setup.create);
	assert_null(p->setup.execute);
	assert_int_equal(p->setup.probe(some_object()), strcmp(name, "newer") ? EVMS_MINE : -ENOSYS);
	assert_int_equal(p->setup.claim(some_object()), -EBADMSG);
}

static void test_times(void **state)
{
	struct bench b;
	glob_t frozen;
	size_t i;

	(void)state;
	begin(&b, &host);
	check_time(&b, "current.so");
	check_time(&b, "older.so");
	check_time(&b, "newer.so");
	assert_int_equal(glob(in_folder("frozen-*.so"), 0, NULL, &frozen), 0);
	for (i = 0; i < frozen.gl_pathc; i++)
		check_time(&b, strrchr(frozen.gl_pathv[i], '/') + 1);
	globfree(&frozen);
	assert_null(registry_find_target(&b.r, "linear"));
	assert_null(registry_find(&b.r, "nobody"));
	expect(&b, "major2.so", ENOEXEC, "plugin.abi");
	expect(&b, "symbol2.so", ENOEXEC, "plugin.abi");
	registry_free(&b.r);
}

/* A service that the host does not have yet gives -ENOSYS or a harmless value. */
static void test_old_host(void **state)
{
	struct evms_plugin *p;
	struct bench b;

	(void)state;
	begin(&b, &old_host);
	assert_int_equal(add(&b, "alone.so"), 0);
	p = registry_find(&b.r, "alone");
	assert_int_equal(p->setup.probe(some_object()), EVMS_MINE);
	assert_int_equal(p->setup.claim(some_object()), -ENOSYS);
	registry_free(&b.r);
}

static void test_refused(void **state)
{
	struct bench b, c;

	(void)state;
	begin(&b, &host);
	assert_int_equal(add(&b, "current.so"), 0);
	expect(&b, "current.so", EEXIST, "plugin.twin");
	expect(&b, "twins/current.so", EEXIST, "plugin.twin");
	expect(&b, "same-id.so", EEXIST, "plugin.twin");
	assert_non_null(strstr(b.ctx.error.detail, "0xab1"));
	expect(&b, "renamed.so", ENOEXEC, "plugin.contract");
	expect(&b, "missing.so", ENOENT, "plugin.file");
	expect(&b, "no-folder/missing.so", ENOENT, "plugin.file");
	expect(&b, "dangling.so", ENOENT, "plugin.file");
	expect(&b, "empty.so", ENOEXEC, "plugin.load");
	expect(&b, "text.so", ENOEXEC, "plugin.load");
	expect(&b, "undefined.so", ENOEXEC, "plugin.load");
	expect(&b, "folder.so", ENOEXEC, "plugin.file");
	expect(&b, "fifo.so", ENOEXEC, "plugin.file");
	expect(&b, "no-entry.so", ENOEXEC, "plugin.abi");
	assert_int_equal(registry_add_file(&b.r, ""), -EINVAL);
	assert_int_equal(b.r.plugins.count, 1);
	/* Another libevms in this process would bring its own host. */
	begin(&c, &second_host);
	expect(&c, "current.so", EBUSY, "plugin.refused");
	registry_free(&c.r);
	registry_free(&b.r);
}

static void test_hostile(void **state)
{
	static const char *const contract[] = {
		"name-null", "name-empty", "name-other", "name-letters", "name-long", "name-endless",
		"version-endless", "id-0", "role-0", "role-99", "window", "no-setup", "no-devices",
		"order", "weight", "setup-empty", "no-probe", "no-claim", "magics-null", "magics-many",
		"magic-stride-0", "magic-stride-large", "magic-null", "magic-empty", "magic-long",
		"magic-offset", "magic-blocks", "target-size", "target-name", "target-linear",
		"target-read", "targets-endless", "option-stride", "option-name", "option-type",
		"option-twice", "option-limits", "option-help", "option-fallback", "option-choices",
		"option-choice-empty", "options-endless",
	};
	static const char *const abi[] = {
		"size-0", "size-small", "size-odd", "major", "setup-size-0", "setup-size-odd",
		"runtime-size", "devices-size",
	};
	struct bench b;
	size_t i;

	(void)state;
	begin(&b, &host);
	for (i = 0; i < sizeof(contract) / sizeof(contract[0]); i++) {
		setenv("HOSTILE_CASE", contract[i], 1);
		if (add(&b, "hostile.so") != -ENOEXEC || strcmp(b.ctx.error.reason, "plugin.contract"))
			fail_msg("%s: %s %s", contract[i], b.ctx.error.reason, b.ctx.error.message);
	}
	for (i = 0; i < sizeof(abi) / sizeof(abi[0]); i++) {
		setenv("HOSTILE_CASE", abi[i], 1);
		if (add(&b, "hostile.so") != -ENOEXEC || strcmp(b.ctx.error.reason, "plugin.abi"))
			fail_msg("%s: %s %s", abi[i], b.ctx.error.reason, b.ctx.error.message);
	}
	setenv("HOSTILE_CASE", "null", 1);
	expect(&b, "hostile.so", EBUSY, "plugin.refused");
	assert_int_equal(b.r.plugins.count, 0);
	/* Odd, and no harm. */
	setenv("HOSTILE_CASE", "texts-null", 1);
	assert_int_equal(add(&b, "hostile.so"), 0);
	assert_string_equal(b.r.plugins.at[0]->version, "");
	registry_free(&b.r);
	begin(&b, &host);
	setenv("HOSTILE_CASE", "summary-ugly", 1);
	assert_int_equal(add(&b, "hostile.so"), 0);
	assert_string_equal(b.r.plugins.at[0]->summary, "?[2Jgone?");
	/* It changes while it is out of memory. */
	registry_unload_idle(&b.r);
	setenv("HOSTILE_CASE", "option-stride", 1);
	assert_int_equal(registry_load(&b.r, b.r.plugins.at[0]), -ENOEXEC);
	assert_null(b.r.plugins.at[0]->module);
	unsetenv("HOSTILE_CASE");
	context_clear_error(&b.ctx);
	assert_int_equal(registry_load(&b.r, b.r.plugins.at[0]), 0);
	registry_free(&b.r);
}

static void test_unload(void **state)
{
	struct evms_plugin *p, *q;
	struct bench b;

	(void)state;
	begin(&b, &host);
	assert_int_equal(add(&b, "current.so"), 0);
	assert_int_equal(add(&b, "newer.so"), 0);
	p = registry_find(&b.r, "current");
	q = registry_find(&b.r, "newer");
	q->users = 1;
	registry_unload_idle(&b.r);
	assert_null(p->module);
	assert_null(p->setup.probe);
	assert_null(p->runtime.targets);
	assert_non_null(q->module);
	check_contents(p);
	check_contents(q);
	assert_non_null(plugin_find_option(p, EVMS_OP_RENAME, "label"));
	assert_int_equal(is_mapped("current.so"), stays_mapped());
	assert_true(is_mapped("newer.so"));
	assert_int_equal(registry_load(&b.r, p), 0);
	assert_int_equal(registry_load(&b.r, p), 0);
	assert_true(is_mapped("current.so"));
	assert_int_equal(p->setup.probe(some_object()), EVMS_MINE);
	check_contents(p);
	q->users = 0;
	registry_unload_idle(&b.r);
	assert_null(q->module);
	registry_free(&b.r);
}

static void copy_file(const char *from, const char *to)
{
	char buf[65536], target[4096];
	size_t n;
	FILE *in, *out;

	in = fopen(in_folder(from), "r");
	assert_non_null(in);
	snprintf(target, sizeof(target), "%s/%s", folder, to);
	unlink(target);
	out = fopen(target, "w");
	assert_non_null(out);
	while ((n = fread(buf, 1, sizeof(buf), in)) > 0)
		assert_int_equal(fwrite(buf, 1, n, out), n);
	fclose(in);
	assert_int_equal(fclose(out), 0);
}

/* A package update while the program runs. */
static void test_replaced(void **state)
{
	struct bench b;

	(void)state;
	copy_file("replaced-1.so", "replaced.so");
	begin(&b, &host);
	assert_int_equal(add(&b, "replaced.so"), 0);
	registry_unload_idle(&b.r);
	copy_file("replaced-2.so", "replaced.so");
	context_clear_error(&b.ctx);
	if (!stays_mapped()) {
		assert_int_equal(registry_load(&b.r, b.r.plugins.at[0]), -ENOEXEC);
		assert_string_equal(b.ctx.error.reason, "plugin.changed");
	}
	unlink(in_folder("replaced.so"));
	context_clear_error(&b.ctx);
	assert_int_equal(registry_load(&b.r, b.r.plugins.at[0]), -ENOENT);
	registry_free(&b.r);
}

static void test_scan(void **state)
{
	struct bench b;
	size_t i;
	int n;

	(void)state;
	begin(&b, &host);
	n = asprintf(&b.r.path, "%s/none::%s/scan:%s/twins:%s/scan/a.so", folder, folder, folder, folder);
	assert_true(n > 0);
	assert_int_equal(registry_scan(&b.r), 0);
	assert_int_equal(b.ctx.error.error, 0);
	/* By priority, then by name: z is a symbolic link to a file with a higher one. */
	assert_int_equal(b.r.plugins.count, 4);
	assert_string_equal(b.r.plugins.at[0]->name, "z");
	assert_string_equal(b.r.plugins.at[1]->name, "a");
	assert_string_equal(b.r.plugins.at[2]->name, "b");
	assert_string_equal(b.r.plugins.at[3]->name, "current");
	/* Bad-Name.so, broken.so, and scan/a.so, which is no folder. */
	assert_int_equal(messages, 3);
	for (i = 0; i < b.r.plugins.count; i++)
		assert_non_null(b.r.plugins.at[i]->module);
	assert_int_equal(registry_scan(&b.r), 0);
	assert_int_equal(messages, 3);
	registry_free(&b.r);

	begin(&b, &host);
	setenv("EVMS_PLUGIN_PATH", in_folder("twins"), 1);
	assert_int_equal(registry_scan(&b.r), 0);
	assert_int_equal(b.r.plugins.count, 1);
	assert_int_equal(messages, 0);
	registry_free(&b.r);
	/* The same folder twice: the first one counts, and that is no news about the first. */
	begin(&b, &host);
	n = asprintf(&b.r.path, "%s/twins:%s/twins", folder, folder);
	assert_true(n > 0);
	assert_int_equal(registry_scan(&b.r), 0);
	assert_int_equal(b.r.plugins.count, 1);
	assert_int_equal(messages, 0);
	registry_free(&b.r);
}

static void *scan_often(void *argument)
{
	struct context ctx;
	struct registry r;
	intptr_t bad = 0;
	int i;

	(void)argument;
	for (i = 0; i < 50; i++) {
		context_init(&ctx);
		registry_init(&r, &ctx, &host);
		if (asprintf(&r.path, "%s/scan", folder) < 0)
			r.path = NULL;
		bad += registry_scan(&r) != 0 || r.plugins.count != 3;
		registry_unload_idle(&r);
		if (r.plugins.count)
			bad += registry_load(&r, r.plugins.at[0]) != 0;
		registry_free(&r);
	}
	return (void *)bad;
}

static void test_threads(void **state)
{
	pthread_t threads[4];
	void *bad;
	int i;

	(void)state;
	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, scan_often, NULL), 0);
	for (i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], &bad), 0);
		assert_null(bad);
	}
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_old_host),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_unload),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_threads),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	folder = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
