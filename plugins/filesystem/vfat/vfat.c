/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* FAT12, FAT16 and FAT32: what the plug-in offers, and describing what is on a volume. */
#include <stdio.h>
#include "vfat.h"

/* DOS knows no lower case in labels; what is written is what is announced. */
static const char *vfat_fit_label(char *label)
{
	char *c;

	for (c = label; *c; c++) {
		if ((unsigned char)*c >= 0x80 || strchr("*?.,;:/\\|+=<>[]\"", *c))
			return "a label of FAT has ASCII letters, digits, blanks and $%'-_@~`!(){}^#& only";
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	}
	if (label[0] == ' ')
		return "a label of FAT must not begin with a blank";
	return !strcmp(label, "NO NAME") ? "\"NO NAME\" means that there is no label: leave it out" : NULL;
}

const struct fs_kind fs_kind = {
	.name = "vfat", .package = "dosfstools", .label_max = 11, .fit_label = vfat_fit_label,
	.get_uuid = vfat_get_serial,
	.no_shrink = "FAT cannot be made smaller: make a new one and copy the files",
};

static const struct evms_magic vfat_magics[] = {
	{ .bytes = "\x55\xaa", .len = 2, .offset = 510 },
	{ .bytes = "FAT1", .len = 4, .offset = 54 },
	{ .bytes = "FAT32   ", .len = 8, .offset = 82 },
};

#define MKFS	EVMS_OP_BIT(EVMS_OP_MKFS)

static const struct evms_option vfat_options[] = {
	{ .name = "label", .type = EVMS_TYPE_STR, .ops = MKFS, .max = 11,
	  .help = "label of the file system, in capitals" },
	{ .name = "uuid", .type = EVMS_TYPE_STR, .ops = MKFS, .max = 9,
	  .help = "serial number XXXX-XXXX, random when it is not given" },
	{ .name = "bits", .type = EVMS_TYPE_CHOICE, .fallback = "auto", .choices = "auto|12|16|32",
	  .ops = MKFS, .help = "FAT12, FAT16 or FAT32" },
	{ .name = "cluster-size", .type = EVMS_TYPE_SIZE, .ops = MKFS, .min = 512, .max = 128 * 4096,
	  .help = "bytes of a cluster" },
	{ .name = "repair", .type = EVMS_TYPE_BOOL, .fallback = "no",
	  .ops = EVMS_OP_BIT(EVMS_OP_CHECK), .help = "mend what is wrong" },
	{ .name = "name", .type = EVMS_TYPE_STR, .flags = EVMS_OPTION_REQUIRED, .max = 11,
	  .ops = EVMS_OP_BIT(EVMS_OP_RENAME), .help = "new label, empty for none" },
	{ .name = "size", .type = EVMS_TYPE_SIZE, .flags = EVMS_OPTION_REQUIRED | EVMS_OPTION_PERCENT,
	  .ops = EVMS_OP_BIT(EVMS_OP_SHRINK), .help = "new size" },
	{ .name = NULL }
};

static int vfat_probe(struct evms_object *volume)
{
	struct vfat v;

	return vfat_read(volume, &v);
}

/* What lies further in than the boot sector; none of it is needed to know the file system. */
static int describe(struct evms_object *volume, struct vfat *v, struct fs *fs)
{
	uint64_t free_clusters;
	int r = vfat_read_label(volume, v);

	if (r < 0)
		return r;
	memcpy(fs->label, v->label, sizeof(fs->label));
	r = vfat_count_free(volume, v, &free_clusters);
	if (r == 0 && free_clusters != UINT64_MAX)
		fs->used = fs->size - free_clusters * v->cluster_size;
	return r;
}

static int vfat_claim(struct evms_object *volume)
{
	struct vfat v;
	struct fs fs = { .type = "vfat", .used = UINT64_MAX };
	int r = vfat_read(volume, &v);

	if (r < 0)
		return r;
	if (r == EVMS_NOT_MINE)
		return evms_fail(volume, EBADMSG, "vfat.boot", "the boot sector is gone");
	memcpy(fs.label, v.label, sizeof(fs.label));
	memcpy(fs.uuid, v.uuid, sizeof(fs.uuid));
	fs.step = v.sector_size ? v.sector_size : 512;
	if (r == EVMS_DAMAGED) {
		fs_damaged(volume, &fs, "boot", v.wrong);
		return fs_publish(volume, &fs);
	}
	fs.size = fs.min_size = fs.max_size = v.sectors * v.sector_size;
	fs_check_fits(volume, &fs);
	if (fs.size <= evms_get_size(volume)) {
		r = describe(volume, &v, &fs);
		if (r < 0)
			return r;
	}
	return fs_publish(volume, &fs);
}

static const struct evms_setup vfat_setup = {
	EVMS_SETUP,
	.probe = vfat_probe,
	.claim = vfat_claim,
	.release = fs_release,
	.acceptable = fs_acceptable,
	.get_limits = fs_get_limits,
	.shrink = fs_resize,	/* of the space behind it only */
	.rename = fs_rename,
	.mkfs = vfat_mkfs,
	.check = fs_check,
	.unmkfs = fs_unmkfs,
	.execute = vfat_execute,
};

EVMS_PLUGIN(
	.name = "vfat",
	.id = UINT64_C(0x6673766661740001),
	.version = "1.0",
	.summary = "FAT12, FAT16 and FAT32 file systems",
	.role = EVMS_ROLE_FILE_SYSTEM,
	.setup = &vfat_setup,
	EVMS_MAGICS(vfat_magics),
	EVMS_OPTIONS(vfat_options),
	.head_window = 4096,
);
