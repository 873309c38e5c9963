/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the plug-ins that misbehave share. The first block of a disk says how: "MISFIT-P overlap", ended by
 * NUL. An object of somebody else that was seen while probing is kept, as only a bad plug-in would.
 */
#ifndef MISFIT_H
#define MISFIT_H

#include <stdio.h>
#include <stdlib.h>
#include <evms/plugin.h>

#define MISFIT_MAGIC	9	/* bytes before the behaviour */
#define MIB		(UINT64_C(1) << 20)

static struct evms_object *misfit_foreign __attribute__((unused));

static inline void misfit_behaviour(struct evms_object *o, char text[64])
{
	memset(text, 0, 64);
	if (evms_get_size(o) < 512 || evms_read(o, text, 63, MISFIT_MAGIC) < 0)
		text[0] = '\0';
}

/* Are the words equal, or is the first one followed by '-'? */
static inline int misfit_is(const char *behaviour, const char *word)
{
	return strcmp(behaviour, word) == 0;
}

/* Try all that changes an object of somebody else; how many of these were refused as they should be? */
static inline unsigned misfit_attack(struct evms_object *victim, struct evms_object *own)
{
	struct evms_object *made;
	int r[13];
	unsigned i, refused = 0;

	r[0] = evms_set_name(victim, "stolen");
	r[1] = evms_set_label(victim, "stolen");
	r[2] = evms_set_uuid(victim, "stolen");
	r[3] = evms_set_serial(victim, "stolen");
	r[4] = evms_set_size(victim, 4096);
	r[5] = evms_set_block_size(victim, 4096);
	r[6] = evms_mark_dirty(victim);
	r[7] = evms_remove(victim);
	r[8] = evms_clear_map(victim);
	r[9] = evms_map_zero(victim, 0, 4096);
	r[10] = evms_move_partition(victim, 0, 4096);
	r[11] = evms_consume(victim, own);
	r[12] = evms_add_partition(evms_get_parent(victim), 0, 4096, "stolen", &made);
	for (i = 0; i < sizeof(r) / sizeof(r[0]); i++)
		refused += r[i] == -EPERM;
	return refused;
}

#define MISFIT_ATTACKS	13u

#endif
