/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A feature with a data path of its own: the first block of its disk is "XORED", the rest is data, every byte
 * of it xored with 0x5a.
 */
#include <stdlib.h>
#include <evms/plugin.h>

#define HEAD	4096u

static const struct evms_magic magics[] = { { .bytes = "XORED", .len = 5 } };

static int xor_claim(struct evms_object *in)
{
	const uint64_t offset = HEAD;
	struct evms_object *out;
	int r;

	if (evms_get_size(in) <= HEAD)
		return evms_fail(in, ENOSPC, "xor.size", "no room for data");
	r = evms_produce(in, "xored", evms_get_size(in) - HEAD, &out);
	return r < 0 ? r : evms_map_target(out, 0, evms_get_size(in) - HEAD, "xor", "key=5a", 1, &in, &offset);
}

static const struct evms_setup setup = { EVMS_SETUP, .claim = xor_claim };

/* --- the runtime module --- */

struct xored {
	struct evms_child *child;
	uint8_t key;
};

/* Told once before the first open; the services are the same for every volume. */
static const struct evms_runtime_host *services;

static int xor_init(const struct evms_runtime_host *host)
{
	services = host;
	return 0;
}

static int xor_open(const char *args, uint64_t length, uint32_t n, struct evms_child *const *children,
		    void **ctx)
{
	struct xored *x;

	if (n != 1 || strncmp(args, "key=", 4) != 0 || services->get_size(children[0]) < length)
		return -EINVAL;
	x = malloc(sizeof(*x));
	if (!x)
		return -ENOMEM;
	x->child = children[0];
	x->key = (uint8_t)strtoul(args + 4, NULL, 16);
	*ctx = x;
	return 0;
}

static void xor_close(void *ctx)
{
	free(ctx);
}

static void xor_bytes(const struct xored *x, uint8_t *to, const uint8_t *from, size_t len)
{
	while (len--)
		*to++ = *from++ ^ x->key;
}

static int xor_read(void *ctx, void *buf, size_t len, uint64_t offset)
{
	const struct xored *x = ctx;
	int r = services->read(x->child, buf, len, offset);

	if (r == 0)
		xor_bytes(x, buf, buf, len);
	return r;
}

static int xor_write(void *ctx, const void *buf, size_t len, uint64_t offset)
{
	const struct xored *x = ctx;
	uint8_t *copy = malloc(len);	/* the caller's bytes stay as they are */
	int r;

	if (!copy)
		return -ENOMEM;
	xor_bytes(x, copy, buf, len);
	r = services->write(x->child, copy, len, offset);
	free(copy);
	return r;
}

static const struct evms_target_ops xor_ops = {
	.size = sizeof(xor_ops),
	.name = "xor",
	.open = xor_open,
	.close = xor_close,
	.read = xor_read,
	.write = xor_write,
};

static const struct evms_target_ops *const targets[] = { &xor_ops, NULL };

static const struct evms_runtime runtime = {
	.size = sizeof(runtime),
	.targets = targets,
	.init = xor_init,
};

EVMS_PLUGIN(
	.id = UINT64_C(0x786f720000000001),
	.name = "xor",
	.version = "1.0",
	.summary = "data xored with a constant",
	.role = EVMS_ROLE_FEATURE,
	.priority = 20,
	.setup = &setup,
	.runtime = &runtime,
	EVMS_MAGICS(magics),
);
