/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Power cuts in commits of LVM2 groups. The writes of a commit are recorded as they reach the files; the
 * images are then made again as they were after each of them, with the next one torn, and with those that
 * no flush separates in another order. Each time we, and LVM2's vgs where there are loop devices, must see
 * the old group or the new one, and the next commit must mend what is left of the old.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/loop.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "tests/engine/rig.h"

#define IMAGES		3u
#define IMAGE_MIB	2u
#define IMAGE_SIZE	((size_t)IMAGE_MIB << 20)
#define WRITES_MAX	256u
#define TEXT		4096u

struct record {
	unsigned image;			/* 0 for a.img, ... */
	unsigned flushes;		/* that were done before */
	uint64_t offset;
	size_t len;
	char *data;
};

static struct {
	const char *dir;		/* of the images, while recording */
	struct record at[WRITES_MAX];
	size_t count;
	unsigned flushes;
} rec;

struct loops {
	char dir[64], node[IMAGES][96];
	int fd[IMAGES], file[IMAGES];	/* of copies: an image that a loop device holds is not changed */
	bool usable, quiet;
};

struct cut {				/* a commit that is being cut */
	struct rig *rig;
	struct loops *loops;
	char *base[IMAGES];
	char ours[2][TEXT], theirs[2][TEXT];	/* old, new */
	const char *leaving;		/* member that is taken off */
	unsigned tried, wiped;
};

/* --- recording: the library's calls come here --- */

static int image_of(int fd)
{
	char link[64], path[256];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (!rec.dir || n < 0)
		return -1;
	path[n] = '\0';
	if (strncmp(path, rec.dir, strlen(rec.dir)) || n < 6)
		return -1;
	return path[n - 5] - 'a';	/* x.img */
}

static void record(int fd, const void *buf, size_t len, uint64_t offset)
{
	int image = image_of(fd);
	struct record *w = &rec.at[rec.count];

	if (image < 0)
		return;
	assert_in_range(image, 0, IMAGES - 1);
	assert_true(rec.count < WRITES_MAX);
	*w = (struct record) { (unsigned)image, rec.flushes, offset, len, malloc(len) };
	assert_non_null(w->data);
	memcpy(w->data, buf, len);
	rec.count++;
}

/* Visible: tests are built like the library, whose names are hidden unless said otherwise. */
#pragma GCC visibility push(default)
ssize_t pwrite(int fd, const void *buf, size_t len, off_t offset)
{
	record(fd, buf, len, (uint64_t)offset);
	return syscall(SYS_pwrite64, fd, buf, len, offset);
}

ssize_t pwrite64(int fd, const void *buf, size_t len, off64_t offset)
{
	return pwrite(fd, buf, len, offset);
}

int fdatasync(int fd)
{
	if (image_of(fd) >= 0)
		rec.flushes++;
	return (int)syscall(SYS_fdatasync, fd);
}
#pragma GCC visibility pop

static void rec_clear(void)
{
	while (rec.count > 0)
		free(rec.at[--rec.count].data);
	rec.flushes = 0;
}

/* --- loop devices --- */

static int attach(struct loops *l, unsigned i, int control)
{
	struct loop_config config = { .info.lo_flags = LO_FLAGS_AUTOCLEAR };
	int number, tries, r = -1;

	snprintf(l->node[i], sizeof(l->node[i]), "%s/image", l->dir);
	l->file[i] = open(l->node[i], O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(l->file[i] >= 0 && ftruncate(l->file[i], IMAGE_SIZE) == 0);
	unlink(l->node[i]);
	snprintf(l->node[i], sizeof(l->node[i]), "%s/%c", l->dir, (char)('a' + i));
	for (tries = 0; tries < 20 && r < 0; tries++) {
		number = ioctl(control, LOOP_CTL_GET_FREE);
		unlink(l->node[i]);
		if (number < 0 || mknod(l->node[i], S_IFBLK | 0600, makedev(7, (unsigned)number)) < 0)
			break;
		l->fd[i] = open(l->node[i], O_RDWR | O_CLOEXEC);
		config.fd = (uint32_t)l->file[i];
		if (l->fd[i] >= 0)
			r = ioctl(l->fd[i], LOOP_CONFIGURE, &config);
		if (r < 0 && l->fd[i] >= 0) {
			close(l->fd[i]);
			l->fd[i] = -1;
		}
	}
	return r;
}

static void loops_open(struct loops *l)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	unsigned i;

	memset(l, 0, sizeof(*l));
	strcpy(l->dir, "/tmp/evms-loops-XXXXXX");
	assert_non_null(mkdtemp(l->dir));
	l->usable = control >= 0 && geteuid() == 0 && system("command -v vgs >/dev/null") == 0;
	for (i = 0; i < IMAGES; i++) {
		l->fd[i] = l->file[i] = -1;
		l->usable = l->usable && attach(l, i, control) == 0;
	}
	if (control >= 0)
		close(control);
	if (!l->usable)
		print_message("no loop devices, or no LVM2: it is not asked\n");
}

static void loops_close(struct loops *l)
{
	char command[128];
	unsigned i;

	for (i = 0; i < IMAGES; i++) {
		if (l->fd[i] >= 0)
			close(l->fd[i]);
		if (l->file[i] >= 0)
			close(l->file[i]);
	}
	snprintf(command, sizeof(command), "rm -rf %s", l->dir);
	assert_int_equal(system(command), 0);
}

/* --- what there is --- */

/* Group, number of the commit, volumes. */
static void look_ours(struct rig *r, char *text)
{
	struct evms_list *groups, *regions;
	struct evms_object *o;
	struct evms_value v;
	size_t i, len;

	rig_ok(r, evms_engine_list(r->e, EVMS_KIND_GROUP, &groups));
	rig_ok(r, evms_engine_list(r->e, EVMS_KIND_REGION, &regions));
	o = evms_list_get(groups, 0);
	text[0] = '\0';
	if (o) {
		rig_ok(r, evms_object_get_value(o, "lvm2.seqno", &v));
		len = (size_t)snprintf(text, TEXT, "%s %" PRIu64 " %" PRIu64, evms_object_get_name(o),
				       v.u.u64, evms_object_get_size(o));
		for (i = 0; (o = evms_list_get(regions, i)); i++)
			len += (size_t)snprintf(text + len, TEXT - len, " %s:%" PRIu64,
						evms_object_get_label(o), evms_object_get_size(o));
		assert_true(len < TEXT);
	}
	evms_list_unref(groups);
	evms_list_unref(regions);
}

static void copy(const struct rig *r, const struct loops *l)
{
	char *buf = malloc(IMAGE_SIZE), file[] = "a.img";
	unsigned i;
	int fd;

	assert_non_null(buf);
	for (i = 0; i < IMAGES; i++, file[0]++) {
		fd = open(rig_path(r, file), O_RDONLY | O_CLOEXEC);
		assert_true(fd >= 0);
		assert_int_equal(pread(fd, buf, IMAGE_SIZE, 0), IMAGE_SIZE);
		assert_int_equal(syscall(SYS_pwrite64, l->file[i], buf, IMAGE_SIZE, 0L), IMAGE_SIZE);
		close(fd);
	}
	free(buf);
}

static void look_theirs(const struct rig *r, const struct loops *l, char *text)
{
	char command[1536];
	size_t len;
	int status;
	FILE *f;

	text[0] = '\0';
	if (!l->usable || l->quiet)
		return;
	copy(r, l);
	snprintf(command, sizeof(command), "LVM_SUPPRESS_FD_WARNINGS=1 vgs --noheadings -o "
		 "vg_name,vg_seqno,vg_size,lv_count --units b --config 'global { activation=0 "
		 "locking_dir=\"%s\" } devices { dir=\"%s\" scan=[\"%s\"] use_devicesfile=0 "
		 "filter=[\"a|.*|\"] global_filter=[\"a|.*|\"] obtain_device_list_from_udev=0 "
		 "external_device_info_source=\"none\" hints=\"none\" sysfs_scan=0 "
		 "md_component_detection=0 multipath_component_detection=0 } backup { backup=0 archive=0 "
		 "backup_dir=\"%s\" archive_dir=\"%s\" }' 2>%s/err", l->dir, l->dir, l->dir, l->dir, l->dir,
		 l->dir);
	f = popen(command, "r");
	assert_non_null(f);
	len = fread(text, 1, TEXT - 1, f);
	text[len] = '\0';
	status = pclose(f);
	if (status)
		fail_msg("vgs ended with %d: %s", status, text);
}

/* --- cutting --- */

static void images(struct cut *c, bool writing)
{
	char file[] = "a.img";
	unsigned i;
	int fd;

	for (i = 0; i < IMAGES; i++, file[0]++) {
		fd = open(rig_path(c->rig, file), O_RDWR | O_CLOEXEC);
		assert_true(fd >= 0);
		assert_int_equal(writing ? syscall(SYS_pwrite64, fd, c->base[i], IMAGE_SIZE, 0L) :
					   pread(fd, c->base[i], IMAGE_SIZE, 0), IMAGE_SIZE);
		close(fd);
	}
}

/* The first len bytes of a write. */
static void put(struct cut *c, const struct record *w, size_t len)
{
	char file[] = "a.img";
	int fd;

	file[0] = (char)(file[0] + w->image);
	fd = open(rig_path(c->rig, file), O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(syscall(SYS_pwrite64, fd, w->data, len, w->offset), len);
	close(fd);
}

static void judge(struct cut *c, const char *what, size_t i, bool ask)
{
	char ours[TEXT], theirs[TEXT];
	unsigned which;

	c->tried++;
	rig_again(c->rig);
	look_ours(c->rig, ours);
	which = strcmp(ours, c->ours[0]) != 0;
	if (strcmp(ours, c->ours[which]))
		fail_msg("%s write %zu of %zu: found '%s', neither '%s' nor '%s'", what, i, rec.count, ours,
			 c->ours[0], c->ours[1]);
	if (!ask)
		return;
	look_theirs(c->rig, c->loops, theirs);
	if (strcmp(theirs, c->theirs[which]))
		fail_msg("%s write %zu of %zu: LVM2 sees '%s', and we see '%s'", what, i, rec.count, theirs,
			 ours);
}

/*
 * The next commit: all copies are the same afterwards. Of what was never made there is nothing to mend; a
 * member that was taken off and not yet wiped is wiped by hand.
 */
static void mend(struct cut *c, size_t i)
{
	struct evms_object *o;

	if (!evms_engine_find(c->rig->e, EVMS_KIND_GROUP, "vg"))
		return;
	rig_run(c->rig, "lvm2", EVMS_OP_CREATE, "vg", "name=after size=16K");
	rig_commit(c->rig);
	rig_again(c->rig);
	rig_find(c->rig, "vg/after");
	o = c->leaving ? rig_find(c->rig, c->leaving) : NULL;
	if (o && evms_object_get_state(o) & EVMS_STATE_DAMAGED) {
		rig_run(c->rig, NULL, EVMS_OP_WIPE, c->leaving, "");
		rig_commit(c->rig);
		rig_again(c->rig);
		assert_int_equal(evms_object_get_state(rig_find(c->rig, c->leaving)), EVMS_STATE_NEW);
		c->wiped++;
	}
	o = rig_find(c->rig, "vg");
	if (evms_object_get_state(o))
		fail_msg("after write %zu of %zu and another commit the group's state is %x: %s", i, rec.count,
			 evms_object_get_state(o), c->rig->last);
}

static void try_all(struct cut *c)
{
	size_t i, k, first = 0;

	for (i = 0; i <= rec.count; i++) {
		images(c, true);
		for (k = 0; k < i; k++)
			put(c, &rec.at[k], rec.at[k].len);
		judge(c, "before", i, true);
		if (i < rec.count && rec.at[i].len > 512) {
			put(c, &rec.at[i], rec.at[i].len / 1024 * 512);
			judge(c, "in the middle of", i, false);
		}
		mend(c, i);
		if (i == rec.count)
			break;
		/* This one before the others that no flush separates it from. */
		if (i && rec.at[i].flushes != rec.at[i - 1].flushes)
			first = i;
		if (i == first)
			continue;
		images(c, true);
		for (k = 0; k < first; k++)
			put(c, &rec.at[k], rec.at[k].len);
		put(c, &rec.at[i], rec.at[i].len);
		judge(c, "only", i, false);
	}
}

/* What is planned in the rig is committed and cut. Ends with all of it written. */
static void cut_commit(struct rig *r, struct loops *loops, const char *what, const char *leaving)
{
	struct cut c = { .rig = r, .loops = loops, .leaving = leaving };
	struct rig before = *r;
	unsigned i;

	for (i = 0; i < IMAGES; i++) {
		c.base[i] = malloc(IMAGE_SIZE);
		assert_non_null(c.base[i]);
	}
	images(&c, false);
	before.e = NULL;
	rig_again(&before);
	look_ours(&before, c.ours[0]);
	evms_engine_unref(before.e);
	look_theirs(r, loops, c.theirs[0]);
	rec_clear();
	rec.dir = r->dir;
	rig_commit(r);
	rec.dir = NULL;
	assert_true(rec.count > 2 && rec.flushes > 1);
	look_ours(r, c.ours[1]);
	look_theirs(r, loops, c.theirs[1]);
	assert_string_not_equal(c.ours[0], c.ours[1]);
	try_all(&c);
	images(&c, true);
	for (i = 0; i < rec.count; i++)
		put(&c, &rec.at[i], rec.at[i].len);
	rig_again(r);
	print_message("%s: %u cuts of %zu writes and %u flushes\n", what, c.tried, rec.count, rec.flushes);
	assert_true(!leaving || c.wiped);
	rec_clear();
	for (i = 0; i < IMAGES; i++)
		free(c.base[i]);
}

static void test_cuts(void **state)
{
	static const unsigned sizes[] = { IMAGE_MIB, IMAGE_MIB, IMAGE_MIB, 0 };
	struct rig *r = rig_new(sizes);
	struct loops loops;
	unsigned i;

	(void)state;
	loops_open(&loops);
	rig_run(r, "lvm2", EVMS_OP_CREATE, "a.img b.img", "name=vg extent-size=16K metadata-copies=2 "
		"metadata-size=32K data-alignment=64K");
	cut_commit(r, &loops, "a new group", NULL);
	rig_run(r, "lvm2", EVMS_OP_CREATE, "vg", "name=one size=256K");
	rig_run(r, "lvm2", EVMS_OP_CREATE, "vg", "name=two size=256K stripes=2 stripe-size=16K");
	cut_commit(r, &loops, "new volumes", NULL);
	rig_run(r, "lvm2", EVMS_OP_EXPAND, "vg c.img", "data-alignment=64K");
	cut_commit(r, &loops, "a member more", NULL);
	/* Until a text goes over the end of its area. */
	for (i = 0; i < 30; i++) {
		char name[64];

		loops.quiet = i < 20;	/* LVM2 takes its time; once is enough */
		snprintf(name, sizeof(name), "name=more%u size=16K", i);
		rig_run(r, "lvm2", EVMS_OP_CREATE, "vg", name);
		if (i % 10 == 9)
			cut_commit(r, &loops, "volumes in three members", NULL);
		else
			rig_commit(r);
	}
	rig_run(r, "lvm2", EVMS_OP_SHRINK, "vg c.img", "");
	cut_commit(r, &loops, "a member less", "c.img");
	rig_free(r);
	loops_close(&loops);
}

/* --- many commits of one engine leave what a new one finds --- */

/* Lines of disks are taken off: they are not the group's. */
static char *model(struct rig *r)
{
	char *text = rig_model(r), *p = text, *line;

	for (line = text; *line; line = p) {
		p = strchrnul(line, '\n');
		p += *p == '\n';
		if (strncmp(line, "disk ", 5))
			continue;
		memmove(line, p, strlen(p) + 1);
		p = line;
	}
	return text;
}

static void same(struct rig *r)
{
	char *mine = model(r), *found, ours[TEXT], theirs[TEXT];
	struct rig again = *r;

	look_ours(r, ours);
	again.e = NULL;
	rig_again(&again);
	found = model(&again);
	look_ours(&again, theirs);
	evms_engine_unref(again.e);
	assert_string_equal(mine, found);
	assert_string_equal(ours, theirs);
	free(mine);
	free(found);
}

static void step(struct rig *r, uint32_t op, const char *inputs, const char *options)
{
	rig_run(r, "lvm2", op, inputs, options);
	rig_commit(r);
	same(r);
}

static void overwrite(struct rig *r, const char *file, char *bytes, bool writing)
{
	int fd = open(rig_path(r, file), O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(writing ? syscall(SYS_pwrite64, fd, bytes, IMAGE_SIZE, 0L) :
				   pread(fd, bytes, IMAGE_SIZE, 0), IMAGE_SIZE);
	close(fd);
}

static void test_one_engine(void **state)
{
	static const unsigned sizes[] = { IMAGE_MIB, IMAGE_MIB, IMAGE_MIB, 0 };
	struct rig *r = rig_new(sizes);
	char *old = malloc(IMAGE_SIZE), options[64];
	unsigned i;

	(void)state;
	assert_non_null(old);
	step(r, EVMS_OP_CREATE, "a.img b.img", "name=vg extent-size=16K metadata-copies=2 metadata-size=32K "
	     "data-alignment=64K");
	step(r, EVMS_OP_CREATE, "vg", "name=one size=256K");
	step(r, EVMS_OP_CREATE, "vg", "name=two size=128K stripes=2 stripe-size=4K");
	step(r, EVMS_OP_EXPAND, "vg c.img", "data-alignment=64K");
	for (i = 0; i < 20; i++) {
		snprintf(options, sizeof(options), "name=x%u size=32K", i);
		step(r, EVMS_OP_CREATE, "vg", options);
	}
	step(r, EVMS_OP_EXPAND, "vg/one", "size=512K");
	step(r, EVMS_OP_RENAME, "vg/x3", "name=y");
	step(r, EVMS_OP_RENAME, "vg", "name=vh");
	step(r, EVMS_OP_SET, "vh/y", "add-tag=t");
	step(r, EVMS_OP_SHRINK, "vh/one", "size=64K");
	for (i = 4; i < 20; i++) {
		snprintf(options, sizeof(options), "vh/x%u", i);
		step(r, EVMS_OP_DELETE, options, "");
	}
	step(r, EVMS_OP_SHRINK, "vh c.img", "");
	step(r, EVMS_OP_EXPAND, "vh c.img", "metadata-copies=2 metadata-size=64K data-alignment=64K");
	/* A member that missed some commits. */
	overwrite(r, "b.img", old, false);
	step(r, EVMS_OP_CREATE, "vh", "name=missed size=16K");
	step(r, EVMS_OP_CREATE, "vh", "name=missed2 size=16K");
	overwrite(r, "b.img", old, true);
	rig_again(r);
	assert_int_equal(evms_object_get_state(rig_find(r, "vh")), EVMS_STATE_DEGRADED);
	step(r, EVMS_OP_CREATE, "vh", "name=next size=16K");
	assert_int_equal(evms_object_get_state(rig_find(r, "vh")), 0);
	step(r, EVMS_OP_DELETE, "vh/next", "");
	/* A header of an area that was lost. */
	overwrite(r, "a.img", old, false);
	memset(old + 4096, 0, 512);
	overwrite(r, "a.img", old, true);
	rig_again(r);
	assert_int_equal(evms_object_get_state(rig_find(r, "vh")), EVMS_STATE_DEGRADED);
	step(r, EVMS_OP_REPAIR, "vh", "");
	assert_int_equal(evms_object_get_state(rig_find(r, "vh")), 0);
	step(r, EVMS_OP_CREATE, "vh", "name=next size=16K");
	/* What fails leaves everything as it was. */
	rig_refused(r, EEXIST, "lvm2.exists", "lvm2", EVMS_OP_CREATE, "vh", "name=next size=16K");
	rig_refused(r, ENOSPC, "", "lvm2", EVMS_OP_CREATE, "vh", "name=large size=1G");
	rig_refused(r, EBUSY, "lvm2.in-use", "lvm2", EVMS_OP_SHRINK, "vh a.img", "");
	same(r);
	step(r, EVMS_OP_DELETE, "vh/next", "");
	free(old);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_one_engine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
