/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Device manager for what this system has as nodes and files: block devices and image files. */
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <evms/plugin.h>

#define BLOCK_DEFAULT	512
#define BLOCK_MAX	65536

/* What a BIOS makes of any disk that it can address with cylinders, heads and sectors. */
#define HEADS		255
#define SECTORS		63

static const char *kind_of_node(uint32_t mode)
{
	return S_ISDIR(mode) ? "a directory" : S_ISFIFO(mode) ? "a FIFO" : S_ISSOCK(mode) ? "a socket" :
	       S_ISCHR(mode) ? "a character device" : "of an unknown kind";
}

static uint32_t choose_block_size(const struct evms_device_facts *facts)
{
	return facts->logical_block_size ? facts->logical_block_size :
	       facts->wanted_block_size ? facts->wanted_block_size : BLOCK_DEFAULT;
}

static int check_block_size(const struct evms_object *device, const struct evms_device_facts *facts)
{
	uint32_t size = choose_block_size(facts), wanted = facts->wanted_block_size;

	if (wanted && wanted != size)
		return evms_fail(device, EINVAL, "local.block-size", "the device has blocks of %u bytes, "
				 "not %u: leave the block size out", size, wanted);
	if (size < BLOCK_DEFAULT || size > BLOCK_MAX || size & (size - 1))
		return evms_fail(device, EINVAL, "local.block-size", "%u is no size of blocks: powers of "
				 "two from %u to %u are", size, BLOCK_DEFAULT, BLOCK_MAX);
	return 0;
}

static int local_claim(struct evms_object *device, const struct evms_device_facts *facts)
{
	int r;

	if (!facts->mode)	/* not of this system */
		return EVMS_NOT_MINE;
	if (!S_ISREG(facts->mode) && !S_ISBLK(facts->mode))
		return evms_fail(device, ENOTBLK, "local.kind", "it is %s: a block device or an image "
				 "file is wanted", kind_of_node(facts->mode));
	r = check_block_size(device, facts);
	if (r < 0)
		return r;
	if (!facts->size)
		return evms_fail(device, ENODATA, "local.empty", S_ISREG(facts->mode) ?
				 "the file is empty: give it the size of the disk first (truncate -s)" :
				 "the device has no size: is a medium in it?");
	if (facts->size < choose_block_size(facts))
		return evms_fail(device, ENODATA, "local.empty", "it has %" PRIu64 " bytes, which is less "
				 "than one block of %u", facts->size, choose_block_size(facts));
	return EVMS_MINE;
}

static void set_geometry(struct evms_object *disk, const struct evms_device_facts *facts, uint64_t blocks)
{
	struct evms_geometry g = facts->geometry;

	if (!g.heads || !g.sectors || g.heads > HEADS || g.sectors > SECTORS)
		g = (struct evms_geometry) { .heads = HEADS, .sectors = SECTORS };
	if (!g.cylinders)
		g.cylinders = blocks / ((uint64_t)g.heads * g.sectors);
	evms_set_geometry(disk, &g);
}

static int set_name(struct evms_object *disk, const char *path)
{
	const char *base = strrchr(path, '/');
	char name[256];
	size_t i;

	snprintf(name, sizeof(name), "%s", base && base[1] ? base + 1 : path);
	for (i = 0; name[i]; i++)
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
			name[i] = '_';
	return evms_set_name(disk, name);
}

static int local_describe(struct evms_object *disk, const struct evms_device_facts *facts)
{
	uint32_t block = choose_block_size(facts);
	uint64_t size = facts->size - facts->size % block;
	int r = set_name(disk, facts->path);

	if (r == 0)
		r = evms_set_block_size(disk, block);
	if (r == 0)
		r = evms_set_size(disk, size);
	if (r == 0 && facts->physical_block_size)
		r = evms_set_u64(disk, "physical-block-size", EVMS_TYPE_SIZE,
				 facts->physical_block_size);
	if (r < 0)
		return r;
	set_geometry(disk, facts, size / block);
	if (size != facts->size)
		evms_note(disk, 0, "local.partial", "the last %" PRIu64 " bytes make up no whole block of "
			  "%u bytes: they are left alone", facts->size - size, block);
	if (facts->read_only)
		evms_note(disk, EVMS_STATE_READ_ONLY, "local.read-only", S_ISREG(facts->mode) ?
			  "the file may not be written by this user" : "the device is read only");
	return 0;
}

static const struct evms_device_manager local_devices = {
	.size = sizeof(struct evms_device_manager),
	.claim = local_claim,
	.describe = local_describe,
};

EVMS_PLUGIN(
	.name = "local",
	.id = UINT64_C(0x6465766c6f630001),
	.version = "1.0",
	.summary = "block devices and image files",
	.role = EVMS_ROLE_DEVICE_MANAGER,
	.devices = &local_devices,
);
