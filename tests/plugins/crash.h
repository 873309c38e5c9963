/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Power cuts: a commit is done, and then the images are rebuilt as they could have been had the power gone at
 * any moment of it: any writes of one phase, whole or torn, after all writes of the phases before.
 */
#ifndef CRASH_H
#define CRASH_H

#include "tests/engine/rig.h"

/* What of the model must be the old or the new, as text; to be freed. */
typedef char *(*crash_view_fn)(struct rig *r);

/*
 * Commit what is planned in r and try every crash. Each must be found as view tells of the time before or
 * after; then, when repair is given, repair(r) must bring it to exactly that. Returns the number of
 * crashes; r is left discovered with everything written.
 */
unsigned crash_check(struct rig *r, crash_view_fn view, void (*repair)(struct rig *r));

#endif
