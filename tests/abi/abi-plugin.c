/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A plug-in with one of everything, built by registry.test against headers of several times.
 * ABI_NAME and ABI_ID tell the builds apart; ABI_NEWER uses what only the made-up future has.
 */
#include <evms/plugin.h>

static const char abi_signature[] = "abi-test";

static int abi_probe(struct evms_object *in)
{
#ifdef ABI_NEWER
	return evms_future(in);
#else
	return evms_get_size(in) == 4096 ? EVMS_MINE : EVMS_NOT_MINE;
#endif
}

static int abi_claim(struct evms_object *in)
{
	return evms_fail(in, EBADMSG, "abi.claim", "size %llu", (unsigned long long)evms_get_size(in));
}

static int abi_create(struct evms_task *task)
{
	(void)task;
	return 0;
}

static int abi_open(const char *args, uint64_t length, uint32_t n, struct evms_child *const *children,
		    void **ctx)
{
	(void)args;
	(void)length;
	(void)n;
	(void)children;
	*ctx = NULL;
	return 0;
}

static void abi_close(void *ctx)
{
	(void)ctx;
}

static int abi_read(void *ctx, void *buf, size_t len, uint64_t offset)
{
	(void)ctx;
	(void)offset;
	memset(buf, 0, len);
	return 0;
}

static int abi_write(void *ctx, const void *buf, size_t len, uint64_t offset)
{
	(void)ctx;
	(void)buf;
	(void)len;
	(void)offset;
	return -EIO;
}

static const struct evms_target_ops abi_target = {
	.size = sizeof(struct evms_target_ops),
	.name = ABI_NAME "-target",
	.open = abi_open,
	.close = abi_close,
	.read = abi_read,
	.write = abi_write,
};

static const struct evms_target_ops *const abi_targets[] = { &abi_target, NULL };

static const struct evms_runtime abi_runtime = {
	.size = sizeof(struct evms_runtime),
	.targets = abi_targets,
};

static const struct evms_magic abi_magics[] = {
	{ .bytes = abi_signature, .len = 8, .offset = 512 },
	{ .bytes = abi_signature, .len = 8, .offset = -4096, .align = 65536 },
	{ .bytes = abi_signature, .len = 3, .offset = 1, .flags = EVMS_MAGIC_BLOCKS },
};

static const struct evms_option abi_options[] = {
	{ .name = "size", .help = "size", .fallback = "50%", .type = EVMS_TYPE_SIZE,
	  .flags = EVMS_OPTION_PERCENT, .ops = EVMS_OP_BIT(EVMS_OP_CREATE), .min = 512 },
	{ .name = "mode", .help = "how", .fallback = "fast", .choices = "fast|safe",
	  .type = EVMS_TYPE_CHOICE, .ops = EVMS_OP_BIT(EVMS_OP_CREATE) },
	{ .name = "label", .type = EVMS_TYPE_STR, .flags = EVMS_OPTION_REQUIRED,
	  .ops = EVMS_OP_BIT(EVMS_OP_CREATE) | EVMS_OP_BIT(EVMS_OP_RENAME), .max = 36 },
	{ .name = NULL },
};

static const struct evms_setup abi_setup = {
	EVMS_SETUP,
	.probe = abi_probe,
	.claim = abi_claim,
	.create = abi_create,
};

EVMS_PLUGIN(
	.id = ABI_ID,
	.name = ABI_NAME,
	.version = "1.2.3",
	.summary = "tests the plug-in ABI",
	.role = EVMS_ROLE_FEATURE,
	.priority = 10,
	.setup = &abi_setup,
	.runtime = &abi_runtime,
	.head_window = 8192,
	.tail_window = 4096,
	.order = { EVMS_FEATURE_AGGREGATE, EVMS_FEATURE_AGGREGATE, 0, 42 },
	EVMS_MAGICS(abi_magics),
	EVMS_OPTIONS(abi_options)
);
