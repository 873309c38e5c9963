/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lets the library see plugin.h and evms.h at once: the descriptor's tag is renamed. */
#ifndef REGISTRY_SDK_H
#define REGISTRY_SDK_H

#include <evms/evms.h>
#undef EVMS_H
#define evms_plugin plugin_descriptor
#include <evms/plugin.h>
#undef evms_plugin
#define EVMS_H
/* The wrappers of plugin.h are never used inside the library; the host table is filled in by engine/host.c. */

#endif
