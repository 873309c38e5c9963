/* SPDX-License-Identifier: 0BSD */
/*
 * label: a complete feature plug-in in one file, to be copied.
 *
 * It keeps a name in the first 4 KiB of an object and exports the rest as a new object. To make
 * your own plug-in of it: change the names, the id (any 64-bit number that nobody else uses), the
 * format, and label_export(), which says where the data lies.
 *
 * What the engine does for you, and what is therefore not here: checking options and the bounds of
 * reads and writes, counting references, undoing what a failed call did, locking, the plan, the
 * commit.
 */
#include <stdio.h>
#include <evms/plugin.h>

/*
 * The format. Fixed byte offsets and the evms_get_/put_le helpers instead of a C structure: the
 * bytes on the disk must not depend on a compiler or a machine.
 *
 *   0  8 bytes  magic
 *   8  u32      version, 1
 *  12  u32      CRC-32C of the 512 bytes with this field zero
 *  16  64 bytes name, filled up with NULs
 */
#define LABEL_AREA	4096u	/* kept free for the label, so that data stays aligned */
#define LABEL_SIZE	512u	/* one sector: a power cut leaves the old one or the new one */
#define LABEL_VERSION	1u
#define AT_MAGIC	0
#define AT_VERSION	8
#define AT_CRC		12
#define AT_NAME		16
#define NAME_SIZE	64

static const char magic[8] = { 'E', 'V', 'M', 'S', 'L', 'A', 'B', 'L' };

/* The engine looks for these bytes and calls label_probe() only where they are. */
static const struct evms_magic magics[] = {
	{ .bytes = "EVMSLABL", .len = 8, .offset = 0 },
};

/*
 * Options are data: the engine checks the text that a user gives (type, length, required or not),
 * and programs make their help, forms and completion of this table.
 */
static const struct evms_option options[] = {
	{ .name = "name", .help = "what to call the object", .type = EVMS_TYPE_STR,
	  .flags = EVMS_OPTION_REQUIRED, .min = 1, .max = NAME_SIZE - 1,
	  .ops = EVMS_OP_BIT(EVMS_OP_CREATE) | EVMS_OP_BIT(EVMS_OP_RENAME) },
	{ .name = NULL }
};

static uint32_t checksum(const uint8_t *b)
{
	static const uint8_t zeros[4];
	uint32_t crc = evms_crc32c(0xffffffffu, b, AT_CRC);

	crc = evms_crc32c(crc, zeros, sizeof(zeros));
	return ~evms_crc32c(crc, b + AT_CRC + 4, LABEL_SIZE - AT_CRC - 4);
}

/* Names come from a disk or a user: no control characters, and nothing that looks like a path. */
static int name_ok(const char *name)
{
	const unsigned char *p = (const unsigned char *)name;

	if (!*p)
		return 0;
	for (; *p; p++)
		if (*p < 0x20 || *p == 0x7f || *p == '/')
			return 0;
	return 1;
}

/*
 * Read and check. Everything on a disk may be wrong or malicious: check each number before it is
 * used. Returns 0 or evms_fail(), whose text says what is wrong and what to do about it.
 */
static int label_load(struct evms_object *in, char name[NAME_SIZE])
{
	uint8_t b[LABEL_SIZE];
	int r = evms_read(in, b, sizeof(b), 0);

	if (r < 0)
		return r;
	if (evms_get_le32(b + AT_CRC) != checksum(b))
		return evms_fail(in, EBADMSG, "label.checksum",
				 "the checksum of the label is wrong, and there is no second copy");
	if (evms_get_le32(b + AT_VERSION) != LABEL_VERSION)
		return evms_fail(in, EBADMSG, "label.version",
				 "the label needs a newer version of this plug-in");
	memcpy(name, b + AT_NAME, NAME_SIZE);
	if (!memchr(name, 0, NAME_SIZE) || !name_ok(name))
		return evms_fail(in, EBADMSG, "label.name", "the label has no valid name");
	return 0;
}

/* The model: one new object that uses `in`, and where its bytes lie. For claim and for create. */
static int label_export(struct evms_object *in, const char *name, struct evms_object **out)
{
	uint64_t size = evms_get_size(in);
	int r;

	if (size <= LABEL_AREA)
		return evms_fail(in, ENOSPC, "label.size", "there is no room behind the label");
	if (evms_get_block_size(in) > LABEL_AREA)
		return evms_fail(in, ENOTSUP, "label.block",
				 "the blocks of this device are larger than 4 KiB");
	r = evms_produce(in, name, size - LABEL_AREA, out);
	if (r < 0)
		return r;
	/* The engine may make the name unique by a suffix; the label is the name as it is stored.
	 */
	r = evms_set_label(*out, name);
	if (r < 0)
		return r;
	return evms_map(*out, 0, in, LABEL_AREA, size - LABEL_AREA);
}

/*
 * Discovery, step 1: is it ours? Reads only. The magic was seen already, so the answer is "ours";
 * whether the label is good is for claim to find out. EVMS_DAMAGED says so early, EVMS_NOT_MINE
 * declines. (A format with several members would call evms_join() here and have an assemble()
 * instead of a claim().)
 */
static int label_probe(struct evms_object *in)
{
	uint8_t b[LABEL_SIZE];
	int r = evms_read(in, b, sizeof(b), 0);

	if (r < 0)
		return r;
	if (memcmp(b + AT_MAGIC, magic, sizeof(magic)) != 0)
		return EVMS_NOT_MINE;
	return evms_get_le32(b + AT_CRC) == checksum(b) ? EVMS_MINE : EVMS_DAMAGED;
}

/* Discovery, step 2: it is ours alone. Make the object, or say why that cannot be done. */
static int label_claim(struct evms_object *in)
{
	struct evms_object *out;
	char name[NAME_SIZE];
	int r = label_load(in, name);

	return r < 0 ? r : label_export(in, name, &out);
}

/* Tasks change the model in memory only. All checks come first: a failed task changes nothing. */
static int label_create(struct evms_task *task)
{
	struct evms_object *in = evms_task_get_input(task, 0), *out;
	const char *name = evms_task_get_str(task, "name");
	int r;

	if (evms_task_get_input_count(task) != 1)
		return evms_task_fail(task, EINVAL, "label.inputs",
				      "give one object to put the label on");
	if (!name_ok(name))
		return evms_task_fail(task, EINVAL, "label.name",
				      "a name has no '/' and no control characters");
	r = label_export(in, name, &out);
	/* "dirty" means: call label_write() when a plan is made */
	return r < 0 ? r : evms_mark_dirty(out);
}

static int label_rename(struct evms_task *task)
{
	struct evms_object *out = evms_task_get_input(task, 0);
	const char *name = evms_task_get_str(task, "name");
	int r;

	if (!name_ok(name))
		return evms_task_fail(task, EINVAL, "label.name",
				      "a name has no '/' and no control characters");
	r = evms_set_name(out, name);
	if (r == 0)
		r = evms_set_label(out, name);
	return r < 0 ? r : evms_mark_dirty(out);
}

/* Take the signature off, in the last phase of the commit, so that nobody finds it again. */
static int label_remove(struct evms_task *task)
{
	struct evms_object *out = evms_task_get_input(task, 0);
	int r = evms_zero(evms_get_input(out, 0), 0, LABEL_AREA, EVMS_PHASE_WIPE);

	return r < 0 ? r : evms_remove(out);
}

/*
 * Stage the bytes; the engine writes them when the user commits. It may call this several times
 * before: what is staged follows from the model alone, so that each call gives the same bytes.
 * A format with two copies writes one in EVMS_PHASE_SECONDARY and the other in EVMS_PHASE_PRIMARY.
 */
static int label_write(struct evms_object *out)
{
	uint8_t b[LABEL_AREA] = { 0 };

	memcpy(b + AT_MAGIC, magic, sizeof(magic));
	evms_put_le32(b + AT_VERSION, LABEL_VERSION);
	snprintf((char *)b + AT_NAME, NAME_SIZE, "%s", evms_get_label(out));
	evms_put_le32(b + AT_CRC, checksum(b));
	return evms_write(evms_get_input(out, 0), b, sizeof(b), 0, EVMS_PHASE_PRIMARY);
}

/* What the engine calls. A member that is left out means "not offered". */
static const struct evms_setup setup = {
	EVMS_SETUP,
	.probe = label_probe,
	.claim = label_claim,
	.create = label_create,
	.remove = label_remove,
	.rename = label_rename,
	.write = label_write,
};

/* The only thing that the shared object exports. The file must be called NAME.so. */
EVMS_PLUGIN(
	.id = UINT64_C(0x6c6162656c000001),
	.name = "label",
	.version = "1.0",
	.summary = "an example: a name for any object",
	.role = EVMS_ROLE_FEATURE,
	.setup = &setup,
	EVMS_MAGICS(magics),
	EVMS_OPTIONS(options),
	.head_window = LABEL_SIZE,
	.order = {
		.classes = EVMS_FEATURE_PARTITION | EVMS_FEATURE_VOLUME,
		.preferred = EVMS_FEATURE_VOLUME,
		.weight = 50,
	},
);
