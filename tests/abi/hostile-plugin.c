/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plug-in that breaks its contract in the way that HOSTILE_CASE names; see registry-check.c. */
#include <stdlib.h>
#include <evms/plugin.h>

#define LONG_64		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static int do_object(struct evms_object *o)
{
	(void)o;
	return 0;
}

static int do_target(void *ctx, void *buf, size_t len, uint64_t offset)
{
	(void)ctx;
	(void)buf;
	(void)len;
	(void)offset;
	return 0;
}

static int do_write(void *ctx, const void *buf, size_t len, uint64_t offset)
{
	(void)ctx;
	(void)buf;
	(void)len;
	(void)offset;
	return 0;
}

static int do_open(const char *args, uint64_t length, uint32_t n, struct evms_child *const *children,
		   void **ctx)
{
	(void)args;
	(void)length;
	(void)n;
	(void)children;
	(void)ctx;
	return 0;
}

static void do_close(void *ctx)
{
	(void)ctx;
}

EVMS_SHOWN_ const struct evms_plugin *evms_plugin_entry_1(const struct evms_host *host);
EVMS_HIDDEN_ const struct evms_host *evms_host_;

static struct evms_plugin d;
static struct evms_setup setup;
static struct evms_runtime runtime;
static struct evms_device_manager devices;
static struct evms_magic magics[300];
static struct evms_option options[400];
static struct evms_target_ops target;
static const struct evms_target_ops *targets[100];
static char endless[10000];

static void make_honest(void)
{
	size_t i;

	memset(endless, 'x', sizeof(endless));
	memset(&setup, 0, sizeof(setup));
	setup.size = sizeof(setup);
	setup.probe = do_object;
	setup.claim = do_object;
	memset(&runtime, 0, sizeof(runtime));
	runtime.size = sizeof(runtime);
	runtime.targets = targets;
	memset(&devices, 0, sizeof(devices));
	devices.size = sizeof(devices);
	memset(&target, 0, sizeof(target));
	target.size = sizeof(target);
	target.name = "hostile";
	target.open = do_open;
	target.close = do_close;
	target.read = do_target;
	target.write = do_write;
	memset(targets, 0, sizeof(targets));
	targets[0] = &target;
	for (i = 0; i < 300; i++) {
		memset(&magics[i], 0, sizeof(magics[i]));
		magics[i].bytes = "magic";
		magics[i].len = 5;
	}
	memset(options, 0, sizeof(options));
	options[0].name = "size";
	options[0].type = EVMS_TYPE_SIZE;
	options[0].ops = EVMS_OP_BIT(EVMS_OP_CREATE);
	options[1] = options[0];
	options[1].name = "other";
	memset(&d, 0, sizeof(d));
	d.size = sizeof(d);
	d.abi_major = EVMS_PLUGIN_ABI_MAJOR;
	d.id = 0x666;
	d.name = "hostile";
	d.version = "1";
	d.summary = "breaks its contract";
	d.role = EVMS_ROLE_FEATURE;
	d.setup = &setup;
	d.runtime = &runtime;
	d.magics = magics;
	d.magic_count = 2;
	d.magic_size = sizeof(magics[0]);
	d.options = options;
	d.option_size = sizeof(options[0]);
}

static void break_descriptor(const char *how)
{
	if (!strcmp(how, "size-0"))
		d.size = 0;
	else if (!strcmp(how, "size-small"))
		d.size = EVMS_PLUGIN_SIZE_1_0 - 8;
	else if (!strcmp(how, "size-odd"))
		d.size = sizeof(d) + 1;
	else if (!strcmp(how, "major"))
		d.abi_major = 7;
	else if (!strcmp(how, "name-null"))
		d.name = NULL;
	else if (!strcmp(how, "name-empty"))
		d.name = "";
	else if (!strcmp(how, "name-other"))
		d.name = "friendly";
	else if (!strcmp(how, "name-letters"))
		d.name = "../hostile";
	else if (!strcmp(how, "name-long"))
		d.name = LONG_64;
	else if (!strcmp(how, "name-endless"))
		d.name = endless;
	else if (!strcmp(how, "version-endless"))
		d.version = endless;
	else if (!strcmp(how, "texts-null"))
		d.version = d.summary = NULL;
	else if (!strcmp(how, "summary-ugly"))
		d.summary = "\033[2Jgone\n";
	else if (!strcmp(how, "id-0"))
		d.id = 0;
	else if (!strcmp(how, "role-0"))
		d.role = 0;
	else if (!strcmp(how, "role-99"))
		d.role = 99;
	else if (!strcmp(how, "window"))
		d.tail_window = UINT32_MAX;
	else if (!strcmp(how, "no-setup"))
		d.setup = NULL;
	else if (!strcmp(how, "no-devices"))
		d.role = EVMS_ROLE_DEVICE_MANAGER;
	else if (!strcmp(how, "devices-size"))
		d.devices = &devices, devices.size = 8;
	else if (!strcmp(how, "order"))
		d.order.weight = 5;
	else if (!strcmp(how, "weight"))
		d.order.classes = d.order.preferred = 1, d.order.weight = 101;
}

static void break_tables(const char *how)
{
	if (!strcmp(how, "setup-size-0"))
		setup.size = 0;
	else if (!strcmp(how, "setup-size-odd"))
		setup.size = 12;
	else if (!strcmp(how, "setup-empty"))
		setup.size = 8, d.runtime = NULL;
	else if (!strcmp(how, "no-probe"))
		setup.probe = NULL, d.magics = NULL, d.magic_count = 0;
	else if (!strcmp(how, "no-claim"))
		setup.claim = NULL;
	else if (!strcmp(how, "magics-null"))
		d.magics = NULL;
	else if (!strcmp(how, "magics-many"))
		d.magic_count = UINT32_MAX;
	else if (!strcmp(how, "magic-stride-0"))
		d.magic_size = 0;
	else if (!strcmp(how, "magic-stride-large"))
		d.magic_size = 1u << 31;
	else if (!strcmp(how, "magic-null"))
		magics[1].bytes = NULL;
	else if (!strcmp(how, "magic-empty"))
		magics[1].len = 0;
	else if (!strcmp(how, "magic-long"))
		magics[1].len = UINT32_MAX;
	else if (!strcmp(how, "magic-offset"))
		magics[1].offset = INT64_MIN;
	else if (!strcmp(how, "magic-blocks"))
		magics[1].offset = INT64_MAX / 512, magics[1].flags = EVMS_MAGIC_BLOCKS;
	else if (!strcmp(how, "runtime-size"))
		runtime.size = 4;
	else if (!strcmp(how, "target-size"))
		target.size = 16;
	else if (!strcmp(how, "target-name"))
		target.name = NULL;
	else if (!strcmp(how, "target-linear"))
		target.name = "linear";
	else if (!strcmp(how, "target-read"))
		target.read = NULL;
}

static void break_options(const char *how)
{
	size_t i;

	if (!strcmp(how, "option-stride"))
		d.option_size = 8;
	else if (!strcmp(how, "option-name"))
		options[1].name = "Bad Name";
	else if (!strcmp(how, "option-type"))
		options[1].type = 77;
	else if (!strcmp(how, "option-twice"))
		options[1].name = "size";
	else if (!strcmp(how, "option-limits"))
		options[1].min = 2, options[1].max = 1;
	else if (!strcmp(how, "option-help"))
		options[1].help = endless;
	else if (!strcmp(how, "option-fallback"))
		options[1].fallback = "many";
	else if (!strcmp(how, "option-choices"))
		options[1].type = EVMS_TYPE_CHOICE;
	else if (!strcmp(how, "option-choice-empty"))
		options[1].type = EVMS_TYPE_CHOICE, options[1].choices = "a||b";
	else if (!strcmp(how, "options-endless"))
		for (i = 0; i < 400; i++)
			options[i] = options[0], options[i].ops = 0;
	else if (!strcmp(how, "targets-endless"))
		for (i = 0; i < 99; i++)
			targets[i] = &target;
}

const struct evms_plugin *evms_plugin_entry_1(const struct evms_host *host)
{
	const char *how = getenv("HOSTILE_CASE");

	(void)host;
	if (!how)
		how = "";
	if (!strcmp(how, "null"))
		return NULL;
	make_honest();
	break_descriptor(how);
	break_tables(how);
	break_options(how);
	return &d;
}
