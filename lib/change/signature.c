/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Signatures that something left on an object: those that plug-ins declare and those that libblkid knows.
 * libblkid reads descriptors only, so it gets a sparse copy of the head and tail in memory.
 */
#include <blkid/blkid.h>
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include "change/change.h"
#include "util/check.h"

#define SPAN	(256 * 1024)	/* where signatures live: this much of the head and of the tail */
#define PIECE	(32 * 1024)
#define MAX	64		/* signatures on one object */

struct look {
	int fd;			/* copy to here; -1: only look */
	bool blank;
};

static bool is_zero(const char *buf, size_t len)
{
	return !buf[0] && !memcmp(buf, buf + 1, len - 1);
}

static int look_at(struct evms_object *o, struct look *look, uint64_t offset, uint64_t end)
{
	char buf[PIECE];

	while (offset < end) {
		size_t len = (size_t)min_u64(sizeof(buf), end - offset);
		int r = object_read(o, buf, len, offset);

		if (r < 0)
			return r;
		if (!is_zero(buf, len)) {
			look->blank = false;
			if (look->fd < 0)
				return 0;
			if (pwrite(look->fd, buf, len, (off_t)offset) != (ssize_t)len)
				return -errno;
		}
		offset += len;
	}
	return 0;
}

static int hole_extent(void *user, struct device *device, uint64_t offset, uint64_t len)
{
	(void)user;
	return device_is_hole(device, offset, len) ? 0 : 1;
}

static int look(struct evms_object *o, struct look *look)
{
	uint64_t head = min_u64(SPAN, o->size);
	uint64_t tail = max_u64(head, o->size - min_u64(SPAN, o->size));
	int r;

	look->blank = true;
	if (object_extents(o, 0, head, hole_extent, NULL) == 0 &&
	    (tail == o->size || object_extents(o, tail, o->size - tail, hole_extent, NULL) == 0))
		return 0;
	r = look_at(o, look, 0, head);
	return r < 0 ? r : look_at(o, look, tail, o->size);
}

int signature_is_blank(struct evms_object *o)
{
	struct look l = { .fd = -1 };
	int r = look(o, &l);

	return r < 0 ? r : l.blank;
}

/* A probe over a copy of the object. 1 when there is nothing to look at. */
static int probe_new(struct evms_object *o, int *fd, blkid_probe *out)
{
	struct look l = { .fd = memfd_create("evms-signatures", MFD_CLOEXEC) };
	int r;

	if (l.fd < 0)
		return -errno;
	if (o->size > INT64_MAX)
		r = -EFBIG;
	else
		r = ftruncate(l.fd, (off_t)o->size) < 0 ? -errno : look(o, &l);
	if (r < 0 || l.blank)
		goto out;
	*out = blkid_new_probe();
	if (!*out || blkid_probe_set_device(*out, l.fd, 0, (blkid_loff_t)o->size) < 0) {
		blkid_free_probe(*out);
		r = -ENOMEM;
		goto out;
	}
	blkid_probe_set_sectorsize(*out, o->block_size);
	blkid_probe_enable_superblocks(*out, 1);
	blkid_probe_set_superblocks_flags(*out, BLKID_SUBLKS_MAGIC | BLKID_SUBLKS_TYPE |
					  BLKID_SUBLKS_BADCSUM);
	blkid_probe_enable_partitions(*out, 1);
	blkid_probe_set_partitions_flags(*out, BLKID_PARTS_MAGIC | BLKID_PARTS_FORCE_GPT);
	*fd = l.fd;
	return 0;
out:
	close(l.fd);
	return r < 0 ? r : 1;
}

int signature_probe(struct evms_object *o, char **out)
{
	const char *type = "";
	blkid_probe probe;
	int fd, r = probe_new(o, &fd, &probe);

	if (r < 0)
		return object_fail(o, -r, "signature.read", "cannot be searched for signatures");
	if (r == 0 && blkid_do_probe(probe) == 0 &&
	    blkid_probe_lookup_value(probe, "TYPE", &type, NULL) < 0 &&
	    blkid_probe_lookup_value(probe, "PTTYPE", &type, NULL) < 0)
		type = "";
	*out = strdup(type);
	if (r == 0) {
		blkid_free_probe(probe);
		close(fd);
	}
	return *out ? 0 : object_fail(o, ENOMEM, "memory", "out of memory");
}

static int wipe_found(struct evms_object *o, blkid_probe probe, const char *where, const char *what,
		      uint32_t phase)
{
	const char *offset, *magic;
	uint64_t at;
	size_t len;

	if (blkid_probe_lookup_value(probe, where, &offset, NULL) < 0 ||
	    blkid_probe_lookup_value(probe, what, &magic, &len) < 0 ||
	    text_parse_u64(offset, &at) < 0 || !len || !range_fits(at, len, o->size))
		return 0;
	return object_wipe(o, at, len, phase);
}

int signature_wipe(struct evms_object *o, uint32_t phase)
{
	const struct registry *registry = o->model->registry;
	blkid_probe probe;
	int fd, n, r = signature_is_blank(o);
	size_t i;

	if (r == 1 || r == -ENOTSUP || r == -EIO)	/* what cannot be read cannot be found again either */
		return 0;
	for (i = 0; i < registry->plugins.count && r == 0; i++)
		r = magics_wipe(registry->plugins.at[i], o, phase);
	if (r == 0)
		r = probe_new(o, &fd, &probe);
	if (r < 0)
		return object_fail(o, -r, "signature.read", "cannot be searched for signatures");
	if (r > 0)
		return 0;
	for (n = 0; n < MAX && r == 0 && blkid_do_probe(probe) == 0; n++) {
		r = wipe_found(o, probe, "SBMAGIC_OFFSET", "SBMAGIC", phase);
		if (r == 0)
			r = wipe_found(o, probe, "PTMAGIC_OFFSET", "PTMAGIC", phase);
		if (r == 0 && blkid_do_wipe(probe, 0) < 0)	/* the copy's: to find what is behind it */
			break;
	}
	blkid_free_probe(probe);
	close(fd);
	return r < 0 ? object_fail(o, -r, "signature.wipe", "signatures cannot be wiped") : 0;
}

int signature_clear(struct evms_object *o, uint32_t phase)
{
	uint64_t span = min_u64(SPAN, o->size);
	int r = signature_wipe(o, phase);

	if (r == 0)
		r = object_wipe(o, 0, span, phase);
	if (r == 0)
		r = object_wipe(o, o->size - span, span, phase);
	if (r == -ENOTSUP)	/* no data can be reached */
		return 0;
	return r == -ENOMEM ? object_fail(o, ENOMEM, "memory", "out of memory") : r;
}
