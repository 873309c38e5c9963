/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The claim pipeline: from devices to volumes, read only, linear in the number of objects. */
#ifndef DISCOVERY_H
#define DISCOVERY_H

#include "model/model.h"

/* Fill an empty model from the devices. 0, -ECANCELED or -ENOMEM; bad disks are noted on themselves. */
int discover(struct model *m, struct device_set *set, struct device *const *devices, size_t count);
/* Note on each disk who uses it now. Apart from discovery, because it reads the system's tables. */
int note_holders(struct model *m, struct device_set *set);

/* Look again at what is on a volume: a tool changed it. */
int examine_volume(struct model *m, struct evms_object *volume);

/* Note zeros over every magic of the plug-in that is on the object (windows.c). */
int magics_wipe(const struct evms_plugin *p, struct evms_object *o, uint32_t phase);

/* --- inside this room --- */

/* Members of something bigger, by plug-in and key (members.c). */
struct evms_members {
	struct members *all;
	struct evms_plugin *plugin;
	char *key;
	VEC(struct evms_object *) at;
	bool fresh;			/* a member came since assemble was asked */
	bool final;			/* nothing more will come */
	bool done;			/* assemble has answered */
	struct evms_members *next;	/* hash chain */
};

struct members {
	VEC(struct evms_members *) list;	/* by age of the first member */
	struct evms_members **slots;
	size_t slot_count;
	char *joined;			/* the key that the probe under way asked for */
};

int members_join(struct members *all, struct evms_plugin *p, const char *key, struct evms_object *o);
struct evms_object *members_take(struct evms_members *m, const char *key);
/* Call assemble for what is fresh, or, when final, for all that wait. *any tells whether something was asked. */
int members_assemble(struct model *m, bool final, bool *any);
void members_free(struct members *all);

/* What an object must show of itself so that every plug-in can tell whether it is its own (windows.c). */
struct window_set {
	uint64_t head, tail;		/* bytes at the start and at the end */
	VEC(const struct evms_magic *) far;	/* magics outside of both */
};

struct windows {
	struct window_set disks, others;	/* partition managers look at disks only */
	char *buf;			/* head bytes of the object that is examined */
};

int windows_init(struct windows *w, const struct registry *r);
void windows_free(struct windows *w);
/* The device windows of an object, appended to a list. */
typedef VEC(struct device_window) window_list;
int windows_add(const struct windows *w, struct evms_object *o, size_t group, window_list *list);
/* Bytes at the start of the object that belong to its windows. */
uint64_t windows_head(const struct windows *w, const struct evms_object *o);
/* Do all windows of the object surely read as zeros, without reading them? */
bool windows_are_blank(const struct windows *w, struct evms_object *o);
/* Is nothing staged over them? */
bool windows_are_unstaged(const struct windows *w, struct evms_object *o);
/* Is one of the plug-in's magics there? head holds the first head_size bytes of the object. */
bool magics_hit(const struct evms_plugin *p, struct evms_object *o, const char *head,
		uint64_t head_size);

/* Note serials that two objects have: somebody cloned a disk (twins.c). */
int note_twins(struct model *m);

/* Ask every plug-in about an object, and let the winner have it (examine.c). blank: its windows hold zeros. */
int examine(struct model *m, struct windows *w, struct evms_object *o, bool blank);
/* Did the look before this one find a volume there, and has nothing changed since? Then it is one. */
bool examine_known(struct model *m, const struct windows *w, struct evms_object *o);

#endif
