/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who uses a device: mounts, swap, drivers on top of it, loop devices backed by it and what is
 * mounted from those, processes that have it locked. The system's tables are read once and kept
 * until the next look.
 */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "device/internal.h"
#include "util/text.h"

#define MOST_DEPTH 8			/* loop devices on mounts on loop devices ... */

enum use_kind { USE_MOUNT, USE_SWAP, USE_LOOP, USE_LOCK };

/* Somebody uses a block device (ino 0) or a file. */
struct use {
	enum use_kind kind;
	dev_t dev;			/* of a block device itself, or what a file lies on */
	ino_t ino;
	dev_t loop;			/* USE_LOOP: the loop device */
	long pid;			/* USE_LOCK */
	bool flock;			/* USE_LOCK: of the whole file */
	char *what;			/* mount point, name of the loop device or process */
};

struct holders {
	VEC(struct use) uses;
	bool failed;			/* out of memory: the tables are not complete */
};

void holders_free(struct holders *h)
{
	size_t i;

	if (!h)
		return;
	for (i = 0; i < h->uses.count; i++)
		free(h->uses.at[i].what);
	vec_free(&h->uses);
	free(h);
}

static void add_use(struct holders *h, struct use use, const char *what)
{
	use.what = strdup(what);
	if (use.what && vec_push(&h->uses, use))
		return;
	free(use.what);
	h->failed = true;
}

/* Undo the \040 of the tables in /proc, in place. */
static void unescape(char *s)
{
	char *to = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

/* The block device or file that a name stands for. */
static bool name_to_use(const char *name, struct use *use)
{
	struct stat st;

	if (name[0] != '/' || stat(name, &st) < 0)
		return false;
	use->dev = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev;
	use->ino = S_ISBLK(st.st_mode) ? 0 : st.st_ino;
	return S_ISBLK(st.st_mode) || S_ISREG(st.st_mode);
}

static void add_mount(struct holders *h, char *line)
{
	struct use use = { .kind = USE_MOUNT };
	unsigned major_number, minor_number;
	char *fields[6], *save = NULL, *source;
	size_t i;

	source = strstr(line, " - ");
	if (!source)
		return;
	*source = '\0';
	source += 3;
	for (i = 0; i < 6; i++)
		fields[i] = strtok_r(i ? NULL : line, " ", &save);
	if (!fields[4] || sscanf(fields[2], "%u:%u", &major_number, &minor_number) != 2)
		return;
	unescape(fields[4]);
	use.dev = makedev(major_number, minor_number);
	if (!major_number) {		/* btrfs, FUSE: the number says nothing, the source may */
		save = NULL;
		strtok_r(source, " ", &save);
		source = strtok_r(NULL, " ", &save);
		if (!source)
			return;
		unescape(source);
		if (!name_to_use(source, &use))
			return;
	}
	add_use(h, use, fields[4]);
}

static void add_swap(struct holders *h, char *line)
{
	struct use use = { .kind = USE_SWAP };
	char *save = NULL, *name = strtok_r(line, " \t", &save);

	if (!name)
		return;
	unescape(name);
	if (name_to_use(name, &use))
		add_use(h, use, name);
}

static void process_name(const struct device_set *set, long pid, char *buf, size_t size)
{
	char path[128];
	FILE *f;

	buf[0] = '\0';
	snprintf(path, sizeof(path), "%s/%ld/comm", set->proc, pid);
	f = fopen(path, "re");
	if (!f)
		return;
	if (!fgets(buf, (int)size, f))
		buf[0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	fclose(f);
}

/* "1: FLOCK  ADVISORY  WRITE 1234 fe:00:5678 0 EOF" */
static void add_lock(const struct device_set *set, struct holders *h, const char *line)
{
	struct use use = { .kind = USE_LOCK };
	unsigned major_number, minor_number;
	unsigned long long ino;
	char sort[16], name[64];

	if (strstr(line, "->"))		/* only waits for it */
		return;
	if (sscanf(line, "%*s %15s %*s %*s %ld %x:%x:%llu", sort, &use.pid, &major_number,
		   &minor_number, &ino) != 5)
		return;
	use.flock = strcmp(sort, "FLOCK") == 0;
	if (!use.flock && strcmp(sort, "POSIX") && strcmp(sort, "OFDLCK"))
		return;
	use.dev = makedev(major_number, minor_number);
	use.ino = (ino_t)ino;
	process_name(set, use.pid, name, sizeof(name));
	add_use(h, use, name);
}

enum table { TABLE_MOUNTS, TABLE_SWAPS, TABLE_LOCKS };

static void read_table(const struct device_set *set, struct holders *h, const char *name,
		       enum table table)
{
	char path[128], *line = NULL;
	size_t size = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", set->proc, name);
	f = fopen(path, "re");
	if (!f)
		return;
	while (getline(&line, &size, f) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (table == TABLE_MOUNTS)
			add_mount(h, line);
		else if (table == TABLE_SWAPS)
			add_swap(h, line);
		else
			add_lock(set, h, line);
	}
	free(line);
	fclose(f);
}

static bool read_line(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");
	bool good;

	if (!f)
		return false;
	good = fgets(buf, (int)size, f) != NULL;
	fclose(f);
	if (good)
		buf[strcspn(buf, "\n")] = '\0';
	return good;
}

static bool read_dev(const char *path, dev_t *dev)
{
	unsigned major_number, minor_number;
	char text[64];

	if (!read_line(path, text, sizeof(text)) ||
	    sscanf(text, "%u:%u", &major_number, &minor_number) != 2)
		return false;
	*dev = makedev(major_number, minor_number);
	return true;
}

/* The kernel knows the file for sure; its name may have changed or be hidden from us. */
static bool ask_loop(const char *node, struct use *use)
{
	int fd = open(node, DEVICE_OPEN_FLAGS);
	struct loop_info64 info = { .lo_inode = 0 };
	int r;

	if (fd < 0)
		return false;
	r = ioctl(fd, LOOP_GET_STATUS64, &info);
	close(fd);
	if (r < 0)
		return false;
	use->dev = info.lo_rdevice ? (dev_t)info.lo_rdevice : (dev_t)info.lo_device;
	use->ino = info.lo_rdevice ? 0 : (ino_t)info.lo_inode;
	return true;
}

static void add_loop(const struct device_set *set, struct holders *h, const char *name)
{
	struct use use = { .kind = USE_LOOP };
	char path[512], file[4200], node[300];

	snprintf(path, sizeof(path), "%s/block/%s/loop/backing_file", set->sys, name);
	if (!read_line(path, file, sizeof(file)))
		return;
	snprintf(path, sizeof(path), "%s/block/%s/dev", set->sys, name);
	if (!read_dev(path, &use.loop))
		return;
	snprintf(node, sizeof(node), "/dev/%s", name);
	if (ask_loop(node, &use) || name_to_use(file, &use))
		add_use(h, use, node);
}

static void read_loops(const struct device_set *set, struct holders *h)
{
	struct dirent *entry;
	char path[128];
	DIR *dir;

	snprintf(path, sizeof(path), "%s/block", set->sys);
	dir = opendir(path);
	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (strncmp(entry->d_name, "loop", 4) == 0)
			add_loop(set, h, entry->d_name);
	closedir(dir);
}

static struct holders *holders_get(struct device_set *set)
{
	struct holders *h = set->holders;

	if (h)
		return h;
	h = calloc(1, sizeof(*h));
	if (!h)
		return NULL;
	read_table(set, h, "self/mountinfo", TABLE_MOUNTS);
	read_table(set, h, "swaps", TABLE_SWAPS);
	read_table(set, h, "locks", TABLE_LOCKS);
	read_loops(set, h);
	if (h->failed) {
		holders_free(h);
		return NULL;
	}
	set->holders = h;
	return h;
}

void device_set_look_again(struct device_set *set)
{
	holders_free(set->holders);
	set->holders = NULL;
}

/* What is being asked about, and where the answer goes. */
struct search {
	struct device_set *set;
	const struct holders *holders;
	struct text *out;
	unsigned depth;
};

static bool search_block(struct search *s, dev_t dev, const char *partition);

static void answer(struct search *s, const char *partition, const char *verb, const char *what)
{
	char safe[512];

	text_copy_safe(safe, sizeof(safe), what);
	if (partition)
		text_add(s->out, "partition %s is ", partition);
	text_add(s->out, "%s%s", verb, safe);
}

static void answer_loop(struct search *s, const struct use *use, const char *partition)
{
	struct text inside = { .at = NULL };
	struct search deeper = { s->set, s->holders, &inside, s->depth + 1 };
	char *text;

	answer(s, partition, "used by the loop device ", use->what);
	if (s->depth >= MOST_DEPTH || !search_block(&deeper, use->loop, NULL)) {
		text_free(&inside);
		return;
	}
	text = text_take(&inside);
	if (text)
		text_add(s->out, " (%s)", text);
	free(text);
}

static bool search_uses(struct search *s, dev_t dev, ino_t ino, const char *partition)
{
	const struct use *use;
	size_t i;

	for (i = 0; i < s->holders->uses.count; i++) {
		use = &s->holders->uses.at[i];
		if (use->dev != dev || use->ino != ino || use->kind == USE_LOCK)
			continue;
		if (use->kind == USE_MOUNT)
			answer(s, partition, "mounted on ", use->what);
		else if (use->kind == USE_SWAP)
			answer(s, partition, "used as swap space", "");
		else
			answer_loop(s, use, partition);
		return true;
	}
	return false;
}

/* ino and dev of the file or the device's node. */
static bool search_locks(struct search *s, dev_t dev, ino_t ino, bool locked_by_us)
{
	const struct use *use;
	char safe[64];
	size_t i;

	for (i = 0; i < s->holders->uses.count; i++) {
		use = &s->holders->uses.at[i];
		if (use->kind != USE_LOCK || use->dev != dev || use->ino != ino)
			continue;
		if (locked_by_us && use->flock && use->pid == (long)getpid())
			continue;
		text_copy_safe(safe, sizeof(safe), use->what);
		if (use->pid > 0)
			text_add(s->out, "locked by process %ld%s%s", use->pid,
				 safe[0] ? " " : "", safe);
		else
			text_add(s->out, "locked by another process");
		return true;
	}
	return false;
}

/* Drivers on top: device-mapper, md, bcache, ... */
static bool search_drivers(struct search *s, const char *folder, const char *partition)
{
	char path[1024], name[256], what[600] = "";
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/holders", folder);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!what[0] && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/block/%s/dm/name", s->set->sys, entry->d_name);
		if (read_line(path, name, sizeof(name)))
			snprintf(what, sizeof(what), "%s (%s)", entry->d_name, name);
		else
			snprintf(what, sizeof(what), "%s", entry->d_name);
	}
	closedir(dir);
	if (what[0])
		answer(s, partition, "held by ", what);
	return what[0] != '\0';
}

static bool search_partitions(struct search *s, const char *folder)
{
	struct dirent *entry;
	char path[1024], node[300];
	bool found = false;
	dev_t dev;
	DIR *dir = opendir(folder);

	if (!dir)
		return false;
	while (!found && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s/partition", folder, entry->d_name);
		if (access(path, F_OK) < 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s/dev", folder, entry->d_name);
		if (!read_dev(path, &dev))
			continue;
		snprintf(node, sizeof(node), "/dev/%s", entry->d_name);
		found = search_block(s, dev, node);
	}
	closedir(dir);
	return found;
}

static bool search_block(struct search *s, dev_t dev, const char *partition)
{
	char folder[256];

	snprintf(folder, sizeof(folder), "%s/dev/block/%u:%u", s->set->sys, major(dev), minor(dev));
	return search_uses(s, dev, 0, partition) || search_drivers(s, folder, partition) ||
	       (!partition && search_partitions(s, folder));
}

int device_find_holder(struct device *d, char *buf, size_t size)
{
	struct text out = { .at = NULL };
	struct search s = { .set = d->set, .out = &out };
	struct stat st;
	bool found;
	char *text;

	if (!d->identified || device_readable(d) == -ENOENT)
		return -ENOENT;
	s.holders = holders_get(d->set);
	if (!s.holders)
		return -ENOMEM;
	if (device_is_block(d)) {
		found = search_block(&s, d->identity.dev, NULL) ||
			(stat(d->path, &st) == 0 && S_ISBLK(st.st_mode) &&
			 search_locks(&s, st.st_dev, st.st_ino, d->write_fd >= 0));
	} else {
		found = search_uses(&s, d->identity.dev, d->identity.ino, NULL) ||
			search_locks(&s, d->identity.dev, d->identity.ino, d->write_fd >= 0);
	}
	text = text_take(&out);
	if (found && text)
		text_copy_safe(buf, size, text);
	else if (found && size)
		snprintf(buf, size, "in use");
	free(text);
	return found ? 0 : -ENOENT;
}
