/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The common half of the file-system modules: descriptions, labels, uuids, and the planning of changes. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "common.h"

/* Bytes of the UTF-8 character that begins here, 0 when it is none. */
static size_t utf8_length(const unsigned char *s, size_t len)
{
	size_t n, i;

	if (s[0] < 0x80)
		return 1;
	n = s[0] >= 0xc2 && s[0] <= 0xdf ? 2 : s[0] >= 0xe0 && s[0] <= 0xef ? 3 :
	    s[0] >= 0xf0 && s[0] <= 0xf4 ? 4 : 0;
	if (!n || n > len)
		return 0;
	for (i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* Longer than needed, surrogates, and beyond the last code point. */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

static bool is_control(unsigned char c)
{
	return c < ' ' || c == 0x7f;
}

void fs_text(char *out, size_t size, const void *raw, size_t len)
{
	const unsigned char *s = raw;
	size_t end = strnlen(raw, len), i = 0, n, at = 0;

	while (end > 0 && s[end - 1] == ' ')
		end--;
	while (i < end) {
		n = utf8_length(s + i, end - i);
		if (n > 1 && at + n < size) {
			memcpy(out + at, s + i, n);
			at += n;
		} else if (at + 1 < size) {
			out[at++] = n == 1 && !is_control(s[i]) ? (char)s[i] : '_';
		}
		i += n ? n : 1;
	}
	out[at] = 0;
}

void fs_uuid(char *out, const uint8_t *raw)
{
	static const uint8_t zeros[16];
	int i, at = 0;

	out[0] = 0;
	if (!memcmp(raw, zeros, sizeof(zeros)))
		return;
	for (i = 0; i < 16; i++)
		at += snprintf(out + at, (size_t)(FS_UUID_SIZE - at), "%s%02x",
			       i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", raw[i]);
}

static int random_uuid(char *out)
{
	uint8_t raw[16];
	int r = evms_random(raw, sizeof(raw));

	if (r < 0)
		return r;
	raw[6] = (uint8_t)((raw[6] & 0x0f) | 0x40);
	raw[8] = (uint8_t)((raw[8] & 0x3f) | 0x80);
	fs_uuid(out, raw);
	return 0;
}

bool fs_is_power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

static int set_fs(struct evms_object *volume, const struct fs *fs)
{
	struct evms_fs_info info = {
		.size_of = sizeof(info), .type = fs->type, .label = fs->label, .uuid = fs->uuid,
		.size = fs->size, .used = fs->used, .min_size = fs->min_size,
		.max_size = fs->max_size, .step = fs->step,
	};

	return evms_set_fs(volume, &info);
}

int fs_publish(struct evms_object *volume, const struct fs *fs)
{
	struct fs *mine = evms_get_private(volume), *made = NULL;
	int r;

	if (!mine) {
		made = malloc(sizeof(*made));
		if (!made)
			return -ENOMEM;
		*made = *fs;
	}
	r = set_fs(volume, fs);
	if (r < 0) {
		free(made);
		return r;
	}
	if (mine) {
		*mine = *fs;
		return 0;
	}
	r = evms_set_private(volume, made);
	if (r < 0) {
		evms_set_fs(volume, NULL);
		free(made);
	}
	return r;
}

void fs_damaged(struct evms_object *volume, struct fs *fs, const char *what, const char *detail)
{
	char reason[48];

	snprintf(reason, sizeof(reason), "%s.%s", fs_kind.name, what);
	evms_note(volume, EVMS_STATE_DAMAGED, reason, "%s", detail);
	fs->noted = 1;
	fs->min_size = fs->max_size = fs->size;
	if (!fs->refusal) {
		fs->refusal = "the file system is damaged: check it with repair=yes first";
		fs->check_anyway = true;
	}
}

void fs_check_fits(struct evms_object *volume, struct fs *fs)
{
	char reason[48];

	if (fs->size <= evms_get_size(volume))
		return;
	snprintf(reason, sizeof(reason), "%s.size", fs_kind.name);
	evms_note(volume, EVMS_STATE_READ_ONLY | EVMS_STATE_DAMAGED, reason,
		  "the file system covers %" PRIu64 " bytes, the volume only has %" PRIu64 ": its end is "
		  "missing; make the volume as large as it was before, or restore a copy", fs->size,
		  evms_get_size(volume));
	fs->noted = 1;
	fs->min_size = fs->max_size = fs->size;
	fs->refusal = "the file system is larger than its volume: give the volume its old size back first";
	fs->check_anyway = false;
}

void fs_release(struct evms_object *volume)
{
	free(evms_get_private(volume));
}

int fs_fail(const struct evms_task *task, int error, const char *what, const char *fmt, ...)
{
	char reason[48], text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	snprintf(reason, sizeof(reason), "%s.%s", fs_kind.name, what);
	return evms_task_fail(task, error, reason, "%s", text);
}

int fs_acceptable(struct evms_task *task, struct evms_object *in)
{
	uint32_t op = evms_task_get_op(task);
	const struct fs *fs = evms_get_private(in);

	if (evms_get_kind(in) != EVMS_KIND_VOLUME)
		return fs_fail(task, EINVAL, "volume", "file systems are on volumes: give a volume");
	if (op == EVMS_OP_MKFS) {
		if (fs && fs->keep)
			return fs_fail(task, EBUSY, "keep", "%s", fs->refusal);
		return 0;
	}
	if (!fs)
		return fs_fail(task, EINVAL, "volume", "there is no %s file system on this volume",
			       fs_kind.name);
	if (op == EVMS_OP_UNMKFS || !fs->refusal || (op == EVMS_OP_CHECK && fs->check_anyway))
		return 0;
	return fs_fail(task, EBUSY, "refused", "%s", fs->refusal);
}

int fs_get_limits(struct evms_object *volume, struct evms_limits *out)
{
	const struct fs *fs = evms_get_private(volume);

	if (!fs)
		return -ENOTSUP;
	*out = (struct evms_limits) {
		.min_size = fs->min_size, .max_size = fs->max_size, .step = fs->step ? fs->step : 1,
	};
	return 0;
}

/* The volume of a task and what is on it. */
static int get_fs(struct evms_task *task, struct evms_object **volume, struct fs *out)
{
	const struct fs *fs;
	int r;

	*volume = evms_task_get_input(task, 0);
	if (!*volume)
		return fs_fail(task, EINVAL, "volume", "no volume was given");
	r = fs_acceptable(task, *volume);
	if (r < 0)
		return r;
	fs = evms_get_private(*volume);
	*out = *fs;	/* acceptable() has made sure that there is one */
	return 0;
}

int fs_resize(struct evms_task *task)
{
	struct evms_object *volume;
	struct fs fs;
	uint64_t size;
	int r = get_fs(task, &volume, &fs);

	if (r < 0)
		return r;
	size = evms_task_get_u64(task, "size");
	size -= size % (fs.step ? fs.step : 1);
	if (size == fs.size)
		return 0;
	if (size > fs.size && fs_kind.no_shrink && evms_task_get_op(task) == EVMS_OP_SHRINK)
		return 0;	/* only space behind the file system goes */
	if (size > fs.max_size && fs_kind.no_grow && size > fs.size)
		return fs_fail(task, ENOTSUP, "grow", "%s", fs_kind.no_grow);
	if (size > fs.max_size)
		return fs_fail(task, ERANGE, "size", "it can become %" PRIu64 " bytes at most, not %"
			       PRIu64, fs.max_size, size);
	if (size < fs.min_size && fs_kind.no_shrink)
		return fs_fail(task, ENOTSUP, "shrink", "%s", fs_kind.no_shrink);
	if (size < fs.min_size)
		return fs_fail(task, ERANGE, "size", "it needs %" PRIu64 " bytes at least, not %" PRIu64,
			       fs.min_size, size);
	fs.size = size;
	if (fs_kind.no_shrink)
		fs.min_size = size;
	if (fs_kind.no_grow)
		fs.max_size = size;
	return fs_publish(volume, &fs);
}

int fs_rename(struct evms_task *task)
{
	struct evms_object *volume;
	struct fs fs;
	int r = get_fs(task, &volume, &fs);

	if (r == 0)
		r = fs_get_label(task, "name", fs.label);
	return r < 0 ? r : fs_publish(volume, &fs);
}

int fs_check(struct evms_task *task)
{
	struct evms_object *volume;
	struct fs fs;

	return get_fs(task, &volume, &fs);
}

/* Notes about a file system that goes are no longer true; that of a read-only device is. */
static void clear_notes(struct evms_object *volume)
{
	const struct evms_object *under = evms_get_input(volume, 0);
	uint32_t state = EVMS_STATE_DAMAGED;

	if (!under || !(evms_get_state(under) & EVMS_STATE_READ_ONLY))
		state |= EVMS_STATE_READ_ONLY;
	evms_clear_state(volume, state);
}

int fs_unmkfs(struct evms_task *task)
{
	struct evms_object *volume = evms_task_get_input(task, 0);
	struct fs *fs;
	int r;

	if (!volume)
		return fs_fail(task, EINVAL, "volume", "no volume was given");
	r = fs_acceptable(task, volume);
	if (r < 0)
		return r;
	fs = evms_get_private(volume);
	r = evms_set_private(volume, NULL);
	if (r < 0)
		return r;
	if (fs->noted)
		clear_notes(volume);
	free(fs);
	return evms_set_fs(volume, NULL);
}

int fs_get_label(const struct evms_task *task, const char *option, char *out)
{
	const char *text = evms_task_get_str(task, option), *wrong;
	size_t len = text ? strlen(text) : 0, i, n;

	out[0] = 0;
	if (!len)
		return 0;
	if (len > fs_kind.label_max || len >= FS_LABEL_SIZE)
		return fs_fail(task, EINVAL, "label", "a label has %u bytes at most, \"%s\" has %zu",
			       fs_kind.label_max, text, len);
	if (text[0] == '-')
		return fs_fail(task, EINVAL, "label", "a label must not begin with '-'");
	if (text[len - 1] == ' ')
		return fs_fail(task, EINVAL, "label", "a label must not end with a blank");
	for (i = 0; i < len; i += n) {
		n = utf8_length((const unsigned char *)text + i, len - i);
		if (!n || is_control((unsigned char)text[i]))
			return fs_fail(task, EINVAL, "label", "a label is printable text in UTF-8");
	}
	memcpy(out, text, len + 1);
	wrong = fs_kind.fit_label ? fs_kind.fit_label(out) : NULL;
	return wrong ? fs_fail(task, EINVAL, "label", "%s", wrong) : 0;
}

static int get_usual_uuid(const struct evms_task *task, char *out)
{
	const char *text = evms_task_get_str(task, "uuid");
	size_t i;

	out[0] = 0;
	if (!text || !text[0])
		return random_uuid(out);
	for (i = 0; i < 36 && text[i]; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			break;
		out[i] = (char)tolower((unsigned char)text[i]);
	}
	out[i] = 0;
	if (i != 36 || text[i]) {
		out[0] = 0;
		return fs_fail(task, EINVAL, "uuid", "\"%s\" is no uuid: 8-4-4-4-12 hexadecimal digits "
			       "are wanted", text);
	}
	return 0;
}

static int get_uuid(const struct evms_task *task, char *out)
{
	return fs_kind.get_uuid ? fs_kind.get_uuid(task, out) : get_usual_uuid(task, out);
}

int fs_begin(struct evms_task *task, const char *type, uint32_t step, struct fs *out)
{
	const struct evms_object *volume = evms_task_get_input(task, 0);
	uint64_t size = evms_get_size(volume);
	int r;

	*out = (struct fs) { .used = UINT64_MAX, .step = step };
	snprintf(out->type, sizeof(out->type), "%s", type);
	out->size = size - size % step;
	out->min_size = out->max_size = out->size;
	r = fs_get_label(task, "label", out->label);
	if (r == 0)
		r = get_uuid(task, out->uuid);
	if (r == 0 && out->uuid[0] && !evms_task_has(task, "uuid"))
		r = evms_task_set_str(task, "uuid", out->uuid);	/* what is shown is what will be made */
	return r;
}

int fs_publish_new(struct evms_object *volume, const struct fs *fs)
{
	const struct fs *old = evms_get_private(volume);
	bool noted = old && old->noted;
	int r = fs_publish(volume, fs);

	if (r == 0 && noted)
		clear_notes(volume);
	return r;
}

void fs_get_planned_uuid(const struct evms_task *task, char *out)
{
	const struct evms_object *volume = evms_task_get_input(task, 0);
	const struct fs *planned = volume ? evms_get_private(volume) : NULL;

	out[0] = 0;
	if (evms_task_has(task, "uuid") && get_uuid(task, out) < 0)
		out[0] = 0;
	if (!out[0] && planned)
		memcpy(out, planned->uuid, sizeof(planned->uuid));
}
