/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A rig for tests through the public interface: an engine over scratch images, tasks in one line.
 * Everything fails the test by itself, with the error record.
 */
#ifndef RIG_H
#define RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <evms/evms.h>

struct rig {
	struct evms_engine *e;
	char dir[64];			/* scratch directory, removed by rig_free() */
	int messages;			/* warnings and errors that came */
	char last[1024];		/* the last of them */
};

/* images: sizes in MiB, ended by 0; they are a.img, b.img, ... Discovered. */
struct rig *rig_new(const unsigned *images);
void rig_free(struct rig *r);
/* Another engine on the same images, discovered. */
void rig_again(struct rig *r);
const char *rig_path(const struct rig *r, const char *file);

struct evms_object *rig_find(struct rig *r, const char *name);
/* Run a task: inputs "a.img/p1 b.img/p2", options "name=x size=1M". The first output, or NULL. */
struct evms_object *rig_run(struct rig *r, const char *plugin, uint32_t op, const char *inputs,
			    const char *options);
/* The same for a task that must fail, at whatever stage, with this error and reason ("" for any). */
void rig_refused(struct rig *r, int error, const char *reason, const char *plugin, uint32_t op,
		 const char *inputs, const char *options);
void rig_plan(struct rig *r);
void rig_commit(struct rig *r);
/* The model without ids, one object a line, sorted; to be compared and freed. */
char *rig_model(struct rig *r);
/* A hash of all bytes of an image. */
uint64_t rig_hash(const struct rig *r, const char *file);

#define rig_ok(rig, call) rig_ok_((rig), (call), #call, __FILE__, __LINE__)
void rig_ok_(struct rig *r, int result, const char *call, const char *file, int line);

#endif
