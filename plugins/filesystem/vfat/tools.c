/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making, checking and labelling FAT with the tools of dosfstools. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include "vfat.h"

#define SECTORS_MIN	128	/* mkfs.vfat needs about so many */
#define LARGE		(256u << 20)	/* from here on 255 heads and 63 sectors, below 64 and 32 */
#define ROOT_SIZE	16384	/* root directory of FAT12 and FAT16, as mkfs.vfat makes it */
#define CLUSTERS_16_MIN	4085u	/* with fewer it is FAT12 */
#define CLUSTERS_16_END	65525u

int vfat_get_serial(const struct evms_task *task, char *out)
{
	const char *text = evms_task_get_str(task, "uuid");
	uint8_t raw[4];
	char digits[9];
	unsigned i, n = 0;
	int r;

	if (!text || !text[0]) {
		r = evms_random(raw, sizeof(raw));
		if (r == 0)
			snprintf(out, FS_UUID_SIZE, "%02X%02X-%02X%02X", raw[0], raw[1], raw[2], raw[3]);
		return r;
	}
	for (i = 0; text[i] && n < 8; i++) {
		if (i == 4 && text[i] == '-')
			continue;
		if (!isxdigit((unsigned char)text[i]))
			break;
		digits[n++] = (char)toupper((unsigned char)text[i]);
	}
	if (n != 8 || text[i])
		return fs_fail(task, EINVAL, "uuid", "\"%s\" is no serial number: XXXX-XXXX with "
			       "hexadecimal digits is wanted", text);
	digits[8] = 0;
	snprintf(out, FS_UUID_SIZE, "%.4s-%.4s", digits, digits + 4);
	return 0;
}

static uint32_t choose_sector_size(const struct evms_object *volume)
{
	return evms_get_block_size(volume);
}

/*
 * Sectors of a track. mkfs.vfat makes whole tracks only: said here, so that the size is known beforehand.
 * 0 leaves the choice to it, for the formats of floppy disks.
 */
static uint32_t choose_track(const struct evms_object *volume)
{
	static const uint32_t floppies[] = { 160, 180, 320, 360, 720, 1200, 1440, 2880 };	/* KiB */
	uint64_t size = evms_get_size(volume);
	size_t i;

	for (i = 0; i < sizeof(floppies) / sizeof(floppies[0]); i++)
		if (size == floppies[i] * UINT64_C(1024) && choose_sector_size(volume) == 512)
			return 0;
	return size < LARGE ? 32 : 63;
}

static unsigned wanted_bits(const struct evms_task *task)
{
	const char *bits = evms_task_get_str(task, "bits");

	return bits && strcmp(bits, "auto") ? (unsigned)strtoul(bits, NULL, 10) : 0;
}

/* About how many there are, rather too few: what mkfs.vfat aligns is not known exactly. */
static uint64_t count_clusters(const struct evms_object *volume, uint64_t cluster, unsigned bits)
{
	uint64_t sector = choose_sector_size(volume);
	uint64_t fixed = ROOT_SIZE + 3 * cluster + sector;

	if (evms_get_size(volume) <= fixed)
		return 0;
	return (evms_get_size(volume) - fixed) / (cluster + 2 * bits / 8);
}

/* Bytes of a cluster; 0 leaves the choice to mkfs.vfat, whose smallest for FAT16 is often too large. */
static uint64_t choose_cluster_size(const struct evms_task *task, const struct evms_object *volume)
{
	uint64_t cluster = 4 * (uint64_t)choose_sector_size(volume);

	if (evms_task_has(task, "cluster-size"))
		return evms_task_get_u64(task, "cluster-size");
	if (wanted_bits(task) != 16 || count_clusters(volume, cluster, 16) >= CLUSTERS_16_MIN)
		return 0;
	while (cluster > choose_sector_size(volume) &&
	       count_clusters(volume, cluster, 16) < CLUSTERS_16_MIN)
		cluster /= 2;
	return cluster;
}

/* A width that was asked for goes with certain numbers of clusters only. */
static int check_bits(const struct evms_task *task, const struct evms_object *volume)
{
	uint64_t most = 128 * (uint64_t)choose_sector_size(volume);
	uint64_t cluster = choose_cluster_size(task, volume);
	unsigned bits = wanted_bits(task);

	if (bits == 16 && cluster && count_clusters(volume, cluster, bits) < CLUSTERS_16_MIN)
		return fs_fail(task, ENOSPC, "small", "FAT16 has at least %u clusters: take a larger volume, "
			       "smaller clusters, or bits=12", CLUSTERS_16_MIN);
	if ((bits == 12 && count_clusters(volume, cluster ? cluster : most, bits) >= CLUSTERS_16_MIN) ||
	    (bits == 16 && count_clusters(volume, cluster ? cluster : most, bits) >= CLUSTERS_16_END))
		return fs_fail(task, EFBIG, "large", "FAT%u cannot have so many clusters: take a smaller "
			       "volume, larger clusters, or bits=%u", bits, bits == 12 ? 16 : 32);
	return 0;
}

static int check_options(const struct evms_task *task, const struct evms_object *volume)
{
	uint64_t sector = choose_sector_size(volume);
	uint64_t cluster = evms_task_get_u64(task, "cluster-size");
	uint64_t sectors = evms_get_size(volume) / sector;

	if (sector > 4096)
		return fs_fail(task, ENOTSUP, "block-size", "FAT has blocks of 4096 bytes at most, the "
			       "volume has %llu", (unsigned long long)sector);
	if (cluster && (!fs_is_power_of_two(cluster) || cluster < sector || cluster > 128 * sector))
		return fs_fail(task, EINVAL, "cluster-size", "a cluster must be a power of two, from 1 "
			       "to 128 blocks of the volume (%llu bytes)", (unsigned long long)sector);
	if (sectors < SECTORS_MIN)
		return fs_fail(task, ENOSPC, "small", "FAT needs a volume of %llu bytes at least",
			       (unsigned long long)(SECTORS_MIN * sector));
	if (sectors > UINT32_MAX)
		return fs_fail(task, EFBIG, "large", "FAT cannot be larger than %llu bytes",
			       (unsigned long long)(UINT32_MAX * sector));
	return check_bits(task, volume);
}

int vfat_mkfs(struct evms_task *task)
{
	struct evms_object *volume = evms_task_get_input(task, 0);
	uint32_t track;
	struct fs fs;
	int r = volume ? fs_acceptable(task, volume) :
		fs_fail(task, EINVAL, "volume", "no volume was given");

	if (r == 0)
		r = check_options(task, volume);
	if (r == 0)
		r = fs_begin(task, "vfat", choose_sector_size(volume), &fs);
	if (r < 0)
		return r;
	track = choose_track(volume);
	if (track)
		fs.size -= fs.size % ((uint64_t)track * choose_sector_size(volume));
	fs.min_size = fs.max_size = fs.size;
	return fs_publish_new(volume, &fs);
}

/* What precedes the volume on its disk: some boot loaders want to know. */
static uint64_t hidden_sectors(const struct evms_object *volume)
{
	const struct evms_object *under = evms_get_input(volume, 0);
	uint64_t sectors;

	if (!under || evms_get_kind(under) != EVMS_KIND_PARTITION)
		return 0;
	sectors = evms_get_offset(under) / choose_sector_size(volume);
	return sectors <= UINT32_MAX ? sectors : 0;
}

static int run_mkfs(struct evms_task *task)
{
	const struct evms_object *volume = evms_task_get_input(task, 0);
	const char *bits = evms_task_get_str(task, "bits");
	struct fs_args a = { .count = 0 };
	uint32_t sector_size = choose_sector_size(volume);
	uint64_t cluster = choose_cluster_size(task, volume);
	char label[FS_LABEL_SIZE], uuid[FS_UUID_SIZE], serial[16];
	int r = fs_get_label(task, "label", label);

	if (r < 0)
		return r;
	fs_arg(&a, "mkfs.vfat");
	fs_arg(&a, "-I");	/* also on a whole disk */
	fs_arg(&a, "-S");
	fs_arg_u64(&a, "%llu", sector_size);
	fs_arg(&a, "-h");
	fs_arg_u64(&a, "%llu", hidden_sectors(volume));
	if (choose_track(volume)) {
		fs_arg(&a, "-g");
		fs_arg(&a, choose_track(volume) == 63 ? "255/63" : "64/32");
	}
	if (bits && strcmp(bits, "auto")) {
		fs_arg(&a, "-F");
		fs_arg(&a, bits);
	}
	if (cluster) {
		fs_arg(&a, "-s");
		fs_arg_u64(&a, "%llu", cluster / sector_size);
	}
	if (label[0]) {
		fs_arg(&a, "-n");
		fs_arg(&a, label);
	}
	fs_get_planned_uuid(task, uuid);
	if (strlen(uuid) == 9) {
		snprintf(serial, sizeof(serial), "%.4s%.4s", uuid, uuid + 5);
		fs_arg(&a, "-i");
		fs_arg(&a, serial);
	}
	fs_arg(&a, EVMS_TOOL_VOLUME);
	return fs_run_ok(task, &a, EVMS_TOOL_FRESH, 0);
}

/* fsck.vfat: 1 for errors that were, or could be, mended; 2 when it could not work. */
static int run_check(struct evms_task *task)
{
	bool mend = evms_task_get_u64(task, "repair");
	char output[FS_OUTPUT_SIZE];
	struct fs_args a = { .count = 0 };
	int r;

	fs_arg(&a, "fsck.vfat");
	fs_arg(&a, mend ? "-a" : "-n");
	fs_arg(&a, EVMS_TOOL_VOLUME);
	r = fs_run(task, &a, mend ? 0 : EVMS_TOOL_READ_ONLY, output, sizeof(output));
	if (r <= 0 || (r == 1 && mend))
		return r < 0 ? r : 0;
	if (r == 1)
		return fs_fail(task, EBADMSG, "errors", "the file system has errors: check it again with "
			       "repair=yes");
	return fs_tool_failed(task, &a, r, output);
}

static int run_rename(struct evms_task *task)
{
	struct fs_args a = { .count = 0 };
	char label[FS_LABEL_SIZE];
	int r = fs_get_label(task, "name", label);

	if (r < 0)
		return r;
	fs_arg(&a, "fatlabel");
	if (!label[0])
		fs_arg(&a, "-r");
	fs_arg(&a, "--");
	fs_arg(&a, EVMS_TOOL_VOLUME);
	if (label[0])
		fs_arg(&a, label);
	return fs_run_ok(task, &a, 0, 0);
}

int vfat_execute(struct evms_task *task)
{
	switch (evms_task_get_op(task)) {
	case EVMS_OP_MKFS:
		return run_mkfs(task);
	case EVMS_OP_CHECK:
		return run_check(task);
	case EVMS_OP_RENAME:
		return run_rename(task);
	case EVMS_OP_SHRINK:	/* of the space behind it: the task was refused otherwise */
	case EVMS_OP_UNMKFS:
		return 0;	/* the engine wipes the signatures */
	default:
		return -ENOTSUP;
	}
}
