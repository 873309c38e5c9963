/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Marks the definition of a function of evms.h: everything else stays inside the library. */
#ifndef UTIL_EXPORT_H
#define UTIL_EXPORT_H

#define EXPORT __attribute__((visibility("default")))

#endif
