/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who uses a device: mounts, swap, drivers on top of it, loop devices backed by it and what is
 * mounted from those, processes that have it locked. The system's tables are read once, sorted, and
 * kept until the next look.
 */
#define _GNU_SOURCE 1
#include <ctype.h>
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
	size_t age;			/* place among those that were found */
	char *what;			/* mount point, name of the loop device or process */
};

/* A block device that the kernel has, disk or partition. */
struct block_name {
	dev_t dev;
	char *name;
};

struct holders {
	VEC(struct use) uses;		/* by device and inode, then as they came */
	VEC(struct block_name) blocks;	/* by device */
	VEC(const char *) names;	/* of the same, in order */
	bool has_locks;
	bool failed;			/* out of memory: the tables are not complete */
};

void holders_free(struct holders *h)
{
	size_t i;

	if (!h)
		return;
	for (i = 0; i < h->uses.count; i++)
		free(h->uses.at[i].what);
	for (i = 0; i < h->blocks.count; i++)
		free(h->blocks.at[i].name);
	vec_free(&h->uses);
	vec_free(&h->blocks);
	vec_free(&h->names);
	free(h);
}

static void add_use(struct holders *h, struct use use, const char *what)
{
	use.what = strdup(what);
	use.age = h->uses.count;
	h->has_locks |= use.kind == USE_LOCK;
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

/* "   8        1     524288 sda1" */
static void add_block(struct holders *h, const char *line)
{
	unsigned major_number, minor_number;
	struct block_name block;
	char name[64];

	if (sscanf(line, "%u %u %*u %63s", &major_number, &minor_number, name) != 3)
		return;
	block = (struct block_name){ makedev(major_number, minor_number), strdup(name) };
	if (block.name && vec_push(&h->blocks, block) && vec_push(&h->names, block.name))
		return;
	if (!h->blocks.count || h->blocks.at[h->blocks.count - 1].name != block.name)
		free(block.name);
	h->failed = true;
}

enum table { TABLE_MOUNTS, TABLE_SWAPS, TABLE_LOCKS, TABLE_BLOCKS };

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
		else if (table == TABLE_BLOCKS)
			add_block(h, line);
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
	struct stat st;
	bool good;

	if (fd < 0)
		return false;
	good = fstat(fd, &st) == 0 && S_ISBLK(st.st_mode) && ioctl(fd, LOOP_GET_STATUS64, &info) == 0;
	close(fd);
	if (!good)
		return false;
	use->loop = st.st_rdev;
	use->dev = info.lo_rdevice ? (dev_t)info.lo_rdevice : (dev_t)info.lo_device;
	use->ino = info.lo_rdevice ? 0 : (ino_t)info.lo_inode;
	return true;
}

/* What the system's files say, where the node cannot be asked. */
static bool look_up_loop(const struct device_set *set, const char *name, const char *path, struct use *use)
{
	char file[4200], dev[512];

	snprintf(dev, sizeof(dev), "%s/block/%s/dev", set->sys, name);
	return read_line(path, file, sizeof(file)) && read_dev(dev, &use->loop) && name_to_use(file, use);
}

static void add_loop(const struct device_set *set, struct holders *h, const char *name)
{
	struct use use = { .kind = USE_LOOP };
	char path[512], node[300];

	snprintf(path, sizeof(path), "%s/block/%s/loop/backing_file", set->sys, name);
	if (access(path, F_OK) < 0)
		return;
	snprintf(node, sizeof(node), "/dev/%s", name);
	if (ask_loop(node, &use) || look_up_loop(set, name, path, &use))
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

static int compare_uses(const void *a, const void *b)
{
	const struct use *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return x->age < y->age ? -1 : x->age > y->age;
}

static int compare_blocks(const void *a, const void *b)
{
	dev_t x = ((const struct block_name *)a)->dev, y = ((const struct block_name *)b)->dev;

	return x < y ? -1 : x > y;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort_tables(struct holders *h)
{
	if (h->uses.count)
		qsort(h->uses.at, h->uses.count, sizeof(*h->uses.at), compare_uses);
	if (h->blocks.count)
		qsort(h->blocks.at, h->blocks.count, sizeof(*h->blocks.at), compare_blocks);
	if (h->names.count)
		qsort(h->names.at, h->names.count, sizeof(*h->names.at), compare_names);
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
	read_table(set, h, "partitions", TABLE_BLOCKS);
	read_loops(set, h);
	sort_tables(h);
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

/* The first use of the device or file; the others follow it. */
static size_t first_use(const struct holders *h, dev_t dev, ino_t ino)
{
	const struct use wanted = { .dev = dev, .ino = ino };
	size_t low = 0, high = h->uses.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_uses(&h->uses.at[middle], &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_use_of(const struct holders *h, size_t i, dev_t dev, ino_t ino)
{
	return i < h->uses.count && h->uses.at[i].dev == dev && h->uses.at[i].ino == ino;
}

static bool search_uses(struct search *s, dev_t dev, ino_t ino, const char *partition)
{
	const struct holders *h = s->holders;
	const struct use *use;
	size_t i;

	for (i = first_use(h, dev, ino); is_use_of(h, i, dev, ino); i++) {
		use = &h->uses.at[i];
		if (use->kind == USE_LOCK)
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
	const struct holders *h = s->holders;
	const struct use *use;
	char safe[64];
	size_t i;

	for (i = first_use(h, dev, ino); is_use_of(h, i, dev, ino); i++) {
		use = &h->uses.at[i];
		if (use->kind != USE_LOCK)
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

/* Nothing in a folder of the system: with few calls, since there can be thousands of disks. */
static bool is_empty(const char *path)
{
	_Alignas(struct dirent64) char entries[1024];
	ssize_t n = -1, at = 0;
	bool empty = true;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		n = getdents64(fd, entries, sizeof(entries));
		close(fd);
	}
	while (at < n && empty) {
		const struct dirent64 *entry = (const void *)(entries + at);

		empty = entry->d_name[0] == '.';
		at += entry->d_reclen;
	}
	return empty;
}

/* Drivers on top: device-mapper, md, bcache, ... */
static bool search_drivers(struct search *s, const char *folder, const char *partition)
{
	char path[1024], name[256], what[600] = "";
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/holders", folder);
	dir = is_empty(path) ? NULL : opendir(path);
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

/*
 * Surely no partition of the disk, by the kernel's own list? A partition has the name of its disk and a
 * number, with a "p" between two digits.
 */
static bool is_unpartitioned(const struct holders *h, dev_t dev)
{
	const struct block_name wanted = { .dev = dev }, *disk = NULL;
	size_t low = 0, high = h->names.count, length;
	char prefix[80];

	if (h->blocks.count)
		disk = bsearch(&wanted, h->blocks.at, h->blocks.count, sizeof(wanted), compare_blocks);
	if (!disk)
		return false;
	length = strlen(disk->name);
	snprintf(prefix, sizeof(prefix), "%s%s", disk->name,
		 length && isdigit((unsigned char)disk->name[length - 1]) ? "p" : "");
	length = strlen(prefix);
	while (low < high) {		/* the first one that is not before */
		size_t middle = low + (high - low) / 2;

		if (strcmp(h->names.at[middle], prefix) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < h->names.count && !strncmp(h->names.at[low], prefix, length); low++)
		if (isdigit((unsigned char)h->names.at[low][length]))
			return false;
	return true;
}

static bool search_partitions(struct search *s, const char *folder, dev_t disk)
{
	struct dirent *entry;
	char path[1024], node[300];
	bool found = false;
	dev_t dev;
	DIR *dir = is_unpartitioned(s->holders, disk) ? NULL : opendir(folder);

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
	       (!partition && search_partitions(s, folder, dev));
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
			(s.holders->has_locks && stat(d->path, &st) == 0 && S_ISBLK(st.st_mode) &&
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
