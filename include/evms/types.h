/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Words shared by clients (evms.h) and plug-ins (plugin.h). Include one of those, not this file.
 */
#ifndef EVMS_TYPES_H
#define EVMS_TYPES_H

#if !defined(EVMS_H) && !defined(EVMS_PLUGIN_H)
#error "include <evms/evms.h> or <evms/plugin.h>"
#endif

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An object of the model: anything with a kind below. Opaque to everybody but the engine. @since 1.0 */
struct evms_object;

/** A change to the model: one operation, its inputs and its options. @since 1.0 */
struct evms_task;

/**
 * @name Kinds of objects
 * One bit each, so that a set of kinds is a mask.
 * @{
 */
#define EVMS_KIND_DEVICE	(1u << 0)	/**< reported by a driver, claimed by no device manager */
#define EVMS_KIND_DISK		(1u << 1)	/**< logical disk: made of a device by a device manager */
#define EVMS_KIND_METADATA	(1u << 2)	/**< space that holds a format's own structures */
#define EVMS_KIND_FREE		(1u << 3)	/**< space that a task can allocate */
#define EVMS_KIND_PARTITION	(1u << 4)	/**< contiguous space of one disk */
#define EVMS_KIND_GROUP		(1u << 5)	/**< volume group: hands out the space of its members */
#define EVMS_KIND_REGION	(1u << 6)	/**< blocks that a group exports */
#define EVMS_KIND_FEATURE	(1u << 7)	/**< made by a feature of one or more objects */
#define EVMS_KIND_VOLUME	(1u << 8)	/**< topmost data object: what the operating system sees */
#define EVMS_KIND_ANY		0x1ffu		/**< every kind */
/** @} */

/**
 * @name States of an object
 * @{
 */
#define EVMS_STATE_NEW		(1u << 0)	/**< nothing claims it: a plug-in can be assigned */
#define EVMS_STATE_DIRTY	(1u << 1)	/**< changed by a task, not yet committed */
#define EVMS_STATE_READ_ONLY	(1u << 2)	/**< its metadata or data must not be written */
#define EVMS_STATE_DEGRADED	(1u << 3)	/**< works, with less redundancy than it should have */
#define EVMS_STATE_INCOMPLETE	(1u << 4)	/**< something that it needs is missing */
#define EVMS_STATE_IN_USE	(1u << 5)	/**< mounted, swapped on or held by somebody */
#define EVMS_STATE_MISSING	(1u << 6)	/**< known from metadata, not found */
#define EVMS_STATE_DAMAGED	(1u << 7)	/**< its metadata is not what the format demands */
#define EVMS_STATE_UNSUPPORTED	(1u << 8)	/**< described correctly, but no plug-in can open it */
#define EVMS_STATE_INTERNAL	(1u << 9)	/**< part of another object of its group; gets no volume */
/** @} */

/**
 * @name Operations
 * What a task does. Option masks are made with EVMS_OP_BIT().
 * @{
 */
#define EVMS_OP_CREATE		0u	/**< make a new object from the inputs */
#define EVMS_OP_ASSIGN		1u	/**< give a new disk to a partition manager */
#define EVMS_OP_UNASSIGN	2u	/**< take the partition manager's metadata off a disk */
#define EVMS_OP_DELETE		3u	/**< remove an object; its inputs become free */
#define EVMS_OP_EXPAND		4u	/**< make larger; more inputs are added to a group or link */
#define EVMS_OP_SHRINK		5u	/**< make smaller; more inputs are taken off a group */
#define EVMS_OP_MOVE		6u	/**< move with its data to other space */
#define EVMS_OP_SLIDE		7u	/**< move with its data into adjoining space */
#define EVMS_OP_RENAME		8u	/**< change the name stored on the device */
#define EVMS_OP_SET		9u	/**< change attributes */
#define EVMS_OP_REPLACE		10u	/**< put one input in the place of another */
#define EVMS_OP_REPAIR		11u	/**< rewrite damaged or stale metadata from what is good */
#define EVMS_OP_MKFS		12u	/**< make a file system on a volume */
#define EVMS_OP_CHECK		13u	/**< check the file system of a volume */
#define EVMS_OP_UNMKFS		14u	/**< remove the file system of a volume */
#define EVMS_OP_WIPE		15u	/**< remove every signature from an object nobody uses */
#define EVMS_OP_COUNT		16u	/**< number of operations known to this header */
#define EVMS_OP_BIT(op)		(1u << (op))	/**< mask of one operation */
/** @} */

/**
 * @name Classes of plug-ins
 * @{
 */
#define EVMS_ROLE_DEVICE_MANAGER	1u	/**< turns devices into logical disks */
#define EVMS_ROLE_PARTITION_MANAGER	2u	/**< turns a logical disk into partitions */
#define EVMS_ROLE_GROUP_EMULATOR	3u	/**< turns objects into a group and its regions */
#define EVMS_ROLE_FEATURE		4u	/**< turns objects into feature objects */
#define EVMS_ROLE_FILE_SYSTEM		5u	/**< knows the file system of a volume */
/** @} */

/**
 * @name Types of options and values
 * @{
 */
#define EVMS_TYPE_BOOL		1u	/**< yes/no, true/false, on/off, 1/0 */
#define EVMS_TYPE_U64		2u	/**< a number */
#define EVMS_TYPE_SIZE		3u	/**< bytes; text may carry a unit: 4K, 2MiB, 1.5GB, 50% */
#define EVMS_TYPE_STR		4u	/**< text */
#define EVMS_TYPE_CHOICE	5u	/**< one of the words of evms_option::choices */
/** @} */

/** The option must be given. @since 1.0 */
#define EVMS_OPTION_REQUIRED	(1u << 0)
/** The option may be given as a percentage of the object it is cut from. @since 1.0 */
#define EVMS_OPTION_PERCENT	(1u << 1)

/**
 * One option of a plug-in's operations. Clients make help, forms and completion from it.
 * An array ends with a NULL name. New members are added at the end only.
 * @since 1.0
 */
struct evms_option {
	const char *name;	/**< [a-z0-9-]+ */
	const char *help;	/**< one line without a full stop */
	const char *fallback;	/**< default as text, NULL for none */
	const char *choices;	/**< for CHOICE: words separated by '|' */
	uint32_t type;		/**< EVMS_TYPE_* */
	uint32_t flags;		/**< EVMS_OPTION_* */
	uint32_t ops;		/**< mask of EVMS_OP_BIT(): the operations that take it */
	uint32_t pad;		/**< 0 */
	uint64_t min;		/**< smallest value, or shortest text in bytes */
	uint64_t max;		/**< largest value, or longest text in bytes; 0 for no limit */
};

/** The value of a property. Frozen. @since 1.0 */
struct evms_value {
	uint32_t type;		/**< EVMS_TYPE_BOOL, _U64, _SIZE or _STR */
	uint32_t pad;		/**< 0 */
	union {
		uint64_t u64;		/**< BOOL, U64, SIZE */
		const char *str;	/**< STR: belongs to the object */
	} u;			/**< the value itself */
	uint64_t pad2;		/**< 0 */
};

/** What the CHS fields of old formats count in. @since 1.0 */
struct evms_geometry {
	uint64_t cylinders;	/**< cylinders, 0 when unknown */
	uint32_t heads;		/**< heads, at most 255 */
	uint32_t sectors;	/**< sectors a track, at most 63 */
};

/** Limits of an object's size. @since 1.0 */
struct evms_limits {
	uint64_t min_size;	/**< smallest size in bytes it can take */
	uint64_t max_size;	/**< largest size in bytes it can take */
	uint64_t step;		/**< sizes are multiples of this many bytes; at least 1 */
};

/** A stretch of an object's space list. @since 1.0 */
struct evms_space {
	uint64_t offset;		/**< bytes from the start of the parent */
	uint64_t size;			/**< bytes */
	uint32_t kind;			/**< EVMS_KIND_METADATA, _FREE, _PARTITION or _REGION */
	uint32_t pad;			/**< 0 */
	struct evms_object *object;	/**< the object that stands for it */
};

/** A stretch of an object's map. @since 1.0 */
struct evms_map_entry {
	uint64_t offset;	/**< bytes from the start of the object */
	uint64_t size;		/**< bytes */
	const char *target;	/**< "linear", "striped", "zero", "error" or a plug-in's target */
	uint64_t chunk;		/**< bytes of a stripe, 0 unless striped */
	uint32_t input_count;	/**< number of inputs of this stretch */
	uint32_t pad;		/**< 0 */
};

#ifdef __cplusplus
}
#endif
#endif
