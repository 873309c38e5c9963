/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The plug-in SDK. A plug-in includes this header, links against nothing of libevms and exports one
 * symbol, which EVMS_PLUGIN() makes. docs/plugin-guide.md tells how to write one.
 *
 * Rules that hold for every call: sizes and offsets are bytes; results are 0 or a negative errno;
 * strings returned by the host are borrowed until the call into the plug-in returns; a plug-in starts
 * no thread, keeps no mutable static data and is called by one thread at a time for one engine.
 */
#ifndef EVMS_PLUGIN_H
#define EVMS_PLUGIN_H

#ifdef EVMS_H
#error "a file includes <evms/evms.h> or <evms/plugin.h>, not both"
#endif

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <evms/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** ABI of this header: a plug-in and a host work together when the major numbers agree. @since 1.0 */
#define EVMS_PLUGIN_ABI_MAJOR	1
/** Grows by one whenever something is appended to a structure below. @since 1.0 */
#define EVMS_PLUGIN_ABI_MINOR	0

/**
 * @name Answers of probe and assemble
 * @{
 */
#define EVMS_NOT_MINE	0	/**< probe: somebody else's, or nobody's */
#define EVMS_MINE	1	/**< probe: recognised */
#define EVMS_DAMAGED	2	/**< probe: recognised, but damaged; claim says how far it can be used */
#define EVMS_WAIT	1	/**< assemble: members are missing, ask again when more are found */
/** @} */

/**
 * @name Phases of a commit
 * Writes of one phase are on stable storage before the next phase begins. Choose them so that one
 * valid copy of the metadata exists at every moment.
 * @{
 */
#define EVMS_PHASE_NEW		0u	/**< structures that nothing points to yet */
#define EVMS_PHASE_SECONDARY	1u	/**< secondary copies; "precommit" */
#define EVMS_PHASE_PRIMARY	2u	/**< primary copies; the commit point */
#define EVMS_PHASE_FINISH	3u	/**< what may only follow the primary copies */
#define EVMS_PHASE_WIPE		4u	/**< signatures of what was given up */
#define EVMS_PHASE_COUNT	5u	/**< number of phases */
/** @} */

/** The members of something that is assembled from several objects. Opaque. @since 1.0 */
struct evms_members;

/** What a file-system module knows about a file system. Sizes in bytes, 0 for unknown. @since 1.0 */
struct evms_fs_info {
	uint32_t size_of;	/**< sizeof(struct evms_fs_info) */
	uint32_t pad;		/**< 0 */
	const char *type;	/**< "ext4", "vfat", ... */
	const char *label;	/**< NULL or "" for none */
	const char *uuid;	/**< text form, NULL or "" for none */
	uint64_t size;		/**< bytes the file system covers */
	uint64_t used;		/**< bytes in use; UINT64_MAX when unknown */
	uint64_t min_size;	/**< smallest size it can be shrunk to; equal to size when it cannot shrink */
	uint64_t max_size;	/**< largest size it can grow to; equal to size when it cannot grow */
	uint64_t step;		/**< sizes are multiples of this; 0 for 1 */
};

/** Stands for the path of the volume in the arguments of evms_tool(). @since 1.0 */
#define EVMS_TOOL_VOLUME	"\001volume"
/** The tool only reads. @since 1.0 */
#define EVMS_TOOL_READ_ONLY	(1u << 0)
/** The tool needs the volume mounted; EVMS_TOOL_VOLUME is then the mount point. @since 1.0 */
#define EVMS_TOOL_MOUNTED	(1u << 1)
/**
 * The content of the volume is given up before the tool runs. Image files read as zeros then; of block devices
 * only the first and last MiB are sure to. @since 1.0
 */
#define EVMS_TOOL_FRESH		(1u << 2)

/**
 * Services of the host, called through the wrappers further down, where each one is described. Where the host is
 * older than a service, its wrapper gives -ENOSYS, or, when it returns no error, what stands for nothing (0, "",
 * NULL). Members are added at the end only.
 * @since 1.0
 */
struct evms_host {
	uint32_t size;		/**< sizeof(struct evms_host) of the host */
	uint16_t abi_major;	/**< EVMS_PLUGIN_ABI_MAJOR of the host */
	uint16_t abi_minor;	/**< EVMS_PLUGIN_ABI_MINOR of the host */

	/* facts: from any call; texts are borrowed until the call into the plug-in returns */
	/** evms_get_kind(): one EVMS_KIND_* bit. @since 1.0 */
	uint32_t (*get_kind)(const struct evms_object *o);
	/** evms_get_state(): EVMS_STATE_* bits. @since 1.0 */
	uint32_t (*get_state)(const struct evms_object *o);
	/** evms_get_size(): bytes. @since 1.0 */
	uint64_t (*get_size)(const struct evms_object *o);
	/** evms_get_offset(): bytes from the start of the parent; 0 without one. @since 1.0 */
	uint64_t (*get_offset)(const struct evms_object *o);
	/** evms_get_block_size(): bytes of a logical block. @since 1.0 */
	uint32_t (*get_block_size)(const struct evms_object *o);
	/** evms_get_physical_block_size(): bytes of a physical block. @since 1.0 */
	uint32_t (*get_physical_block_size)(const struct evms_object *o);
	/** evms_get_name(): unique among objects of its kind; never NULL. @since 1.0 */
	const char *(*get_name)(const struct evms_object *o);
	/** evms_get_label(): as the format stores it; "" for none. @since 1.0 */
	const char *(*get_label)(const struct evms_object *o);
	/** evms_get_uuid(): as the format stores it; "" for none. @since 1.0 */
	const char *(*get_uuid)(const struct evms_object *o);
	/** evms_get_path(): of a disk; "" for anything else. @since 1.0 */
	const char *(*get_path)(const struct evms_object *o);
	/** evms_get_geometry(): 0 or -ENOENT. @since 1.0 */
	int (*get_geometry)(const struct evms_object *o, struct evms_geometry *out);
	/** evms_get_parent(): borrowed; NULL for none. @since 1.0 */
	struct evms_object *(*get_parent)(const struct evms_object *o);
	/** evms_get_consumer(): borrowed; NULL for none. @since 1.0 */
	struct evms_object *(*get_consumer)(const struct evms_object *o);
	/** evms_get_input_count(): number of inputs. @since 1.0 */
	uint32_t (*get_input_count)(const struct evms_object *o);
	/** evms_get_input(): borrowed; NULL past the end. @since 1.0 */
	struct evms_object *(*get_input)(const struct evms_object *o, uint32_t i);
	/** evms_get_space_count(): entries of the space list. @since 1.0 */
	uint32_t (*get_space_count)(const struct evms_object *o);
	/** evms_get_space(): 0 or -ERANGE. @since 1.0 */
	int (*get_space)(const struct evms_object *o, uint32_t i, struct evms_space *out);
	/** evms_is_mine(): 1 or 0. @since 1.0 */
	int (*is_mine)(const struct evms_object *o);
	/** evms_get_private(): what the calling plug-in put there; NULL for nothing. @since 1.0 */
	void *(*get_private)(const struct evms_object *o);

	/* changes to the model: -EPERM where the call or the owner does not allow them, or -ENOMEM, besides */
	/** evms_set_private(): 0, -EPERM (outside of a call) or -ENOMEM. @since 1.0 */
	int (*set_private)(struct evms_object *o, void *data);
	/** evms_set_name(): 0, -EPERM or -ENOMEM. @since 1.0 */
	int (*set_name)(struct evms_object *o, const char *name);
	/** evms_set_label(): 0, -EPERM or -ENOMEM. @since 1.0 */
	int (*set_label)(struct evms_object *o, const char *label);
	/** evms_set_uuid(): 0, -EPERM or -ENOMEM. @since 1.0 */
	int (*set_uuid)(struct evms_object *o, const char *uuid);
	/** evms_set_serial(): 0, -EPERM or -ENOMEM. @since 1.0 */
	int (*set_serial)(struct evms_object *o, const char *serial);
	/** evms_set_size(): 0, -EPROTO, -EBUSY, -EPERM or -ENOMEM. @since 1.0 */
	int (*set_size)(struct evms_object *o, uint64_t size);
	/** evms_set_block_size(): 0, -EINVAL or -EPERM. @since 1.0 */
	int (*set_block_size)(struct evms_object *o, uint32_t block_size);
	/** evms_set_geometry(): 0, -EINVAL or -EPERM. @since 1.0 */
	int (*set_geometry)(struct evms_object *o, const struct evms_geometry *geometry);
	/** evms_set_u64(): 0, -EPERM (outside of a call) or -ENOMEM. @since 1.0 */
	int (*set_u64)(struct evms_object *o, const char *key, uint32_t type, uint64_t value);
	/** evms_set_str(): 0, -EPERM (outside of a call) or -ENOMEM. @since 1.0 */
	int (*set_str)(struct evms_object *o, const char *key, const char *value);
	/** evms_set_fs(): 0, -EPERM or -ENOMEM. @since 1.0 */
	int (*set_fs)(struct evms_object *volume, const struct evms_fs_info *fs);
	/** evms_note(): 0, -EPERM (outside of a call) or -ENOMEM. @since 1.0 */
	int (*note)(struct evms_object *o, uint32_t state, const char *reason, const char *fmt,
		    va_list args);
	/** evms_clear_state(): 0 or -EPERM (outside of a call). @since 1.0 */
	int (*clear_state)(struct evms_object *o, uint32_t state);
	/** evms_mark_dirty(): 0 or -EPERM. @since 1.0 */
	int (*mark_dirty)(struct evms_object *o);
	/** evms_produce(): 0, -EBUSY, -EINVAL, -EPERM or -ENOMEM. @since 1.0 */
	int (*produce)(struct evms_object *in, const char *name, uint64_t size,
		       struct evms_object **out);
	/** evms_consume(): 0, -EBUSY, -EINVAL, -E2BIG, -EPERM or -ENOMEM. @since 1.0 */
	int (*consume)(struct evms_object *out, struct evms_object *in);
	/** evms_give_up(): 0, -EINVAL or -EPERM. @since 1.0 */
	int (*give_up)(struct evms_object *out, struct evms_object *in);
	/** evms_remove(): 0, -EBUSY or -EPERM. @since 1.0 */
	int (*remove)(struct evms_object *o);
	/** evms_add_metadata(): 0, -ERANGE, -EBUSY, -EPERM or -ENOMEM. @since 1.0 */
	int (*add_metadata)(struct evms_object *parent, uint64_t offset, uint64_t size,
			    const char *name);
	/** evms_remove_metadata(): 0, -ENOENT or -EPERM. @since 1.0 */
	int (*remove_metadata)(struct evms_object *parent, uint64_t offset);
	/** evms_add_partition(): 0, -ERANGE, -EBUSY, -EPERM or -ENOMEM. @since 1.0 */
	int (*add_partition)(struct evms_object *disk, uint64_t offset, uint64_t size,
			     const char *name, struct evms_object **out);
	/** evms_move_partition(): 0, -EINVAL, -ERANGE, -EBUSY, -EPERM or -ENOMEM. @since 1.0 */
	int (*move_partition)(struct evms_object *partition, uint64_t offset, uint64_t size);
	/** evms_allocate(): 0, -EINVAL, -ERANGE, -EBUSY, -EPERM or -ENOMEM. @since 1.0 */
	int (*allocate)(struct evms_object *group, uint64_t offset, uint64_t size,
			struct evms_object *region);
	/** evms_release_space(): 0, -ERANGE, -EPROTO, -EPERM or -ENOMEM. @since 1.0 */
	int (*release_space)(struct evms_object *group, uint64_t offset, uint64_t size);
	/** evms_map() and its kin: 0, -EPROTO, -EPERM or -ENOMEM. @since 1.0 */
	int (*map)(struct evms_object *out, uint64_t offset, uint64_t size, const char *target,
		   uint64_t chunk, const char *args, uint32_t n, struct evms_object *const *inputs,
		   const uint64_t *offsets);
	/** evms_clear_map(): 0 or -EPERM. @since 1.0 */
	int (*clear_map)(struct evms_object *out);

	/* bytes */
	/** evms_read(): 0, -ERANGE, -EIO or -ENOTSUP. @since 1.0 */
	int (*read)(struct evms_object *o, void *buf, size_t len, uint64_t offset);
	/** evms_write(): 0, -EROFS, -EINVAL, -ERANGE, -EIO, -ENOTSUP or -ENOMEM. @since 1.0 */
	int (*write)(struct evms_object *o, const void *buf, size_t len, uint64_t offset,
		     uint32_t phase);
	/** evms_zero(): as write. @since 1.0 */
	int (*zero)(struct evms_object *o, uint64_t offset, uint64_t len, uint32_t phase);

	/* members of something bigger */
	/** evms_join(): 0, -EPERM or -ENOMEM. @since 1.0 */
	int (*join)(struct evms_object *o, const char *key);
	/** evms_members_get_key(): the key, borrowed. @since 1.0 */
	const char *(*members_get_key)(const struct evms_members *m);
	/** evms_members_get_count(): number of members found. @since 1.0 */
	uint32_t (*members_get_count)(const struct evms_members *m);
	/** evms_members_get(): borrowed; NULL past the end. @since 1.0 */
	struct evms_object *(*members_get)(const struct evms_members *m, uint32_t i);
	/** evms_members_take(): borrowed; NULL for none. @since 1.0 */
	struct evms_object *(*members_take)(struct evms_members *m, const char *key);
	/** evms_members_is_final(): 1 or 0. @since 1.0 */
	int (*members_is_final)(const struct evms_members *m);

	/* tasks */
	/** evms_task_get_op(): EVMS_OP_*. @since 1.0 */
	uint32_t (*task_get_op)(const struct evms_task *t);
	/** evms_task_get_input_count(): number of inputs. @since 1.0 */
	uint32_t (*task_get_input_count)(const struct evms_task *t);
	/** evms_task_get_input(): borrowed; NULL past the end. @since 1.0 */
	struct evms_object *(*task_get_input)(const struct evms_task *t, uint32_t i);
	/** evms_task_has(): 1 or 0. @since 1.0 */
	int (*task_has)(const struct evms_task *t, const char *option);
	/** evms_task_get_str(): borrowed; NULL when neither given nor defaulted. @since 1.0 */
	const char *(*task_get_str)(const struct evms_task *t, const char *option);
	/** evms_task_get_u64(): the value; 0 when neither given nor defaulted. @since 1.0 */
	uint64_t (*task_get_u64)(const struct evms_task *t, const char *option);
	/** evms_task_progress(): 0 or -ECANCELED. @since 1.0 */
	int (*task_progress)(struct evms_task *t, uint64_t done, uint64_t total);
	/** evms_tool(): exit status or a negative errno. @since 1.0 */
	int (*tool)(struct evms_task *t, const char *const *argv, uint32_t flags, char *output,
		    size_t output_size);

	/* errors and messages */
	/** evms_fail(): -error. @since 1.0 */
	int (*fail)(const struct evms_object *o, int error, const char *reason, const char *fmt,
		    va_list args);
	/** evms_task_fail(): -error. @since 1.0 */
	int (*task_fail)(const struct evms_task *t, int error, const char *reason, const char *fmt,
			 va_list args);

	/* helpers */
	/** evms_crc32(): the next value of the sum. @since 1.0 */
	uint32_t (*crc32)(uint32_t crc, const void *buf, size_t len);
	/** evms_crc32c(): the next value of the sum. @since 1.0 */
	uint32_t (*crc32c)(uint32_t crc, const void *buf, size_t len);
	/** evms_random(): 0 or -EIO. @since 1.0 */
	int (*random)(void *buf, size_t len);

	/* more of tasks */
	/** evms_task_set_str(): 0, -ENOENT, -EINVAL, -ERANGE or -ENOMEM. @since 1.0 */
	int (*task_set)(struct evms_task *t, const char *option, const char *text);
	/** evms_tool_possible(): 0 or -ENOTSUP. @since 1.0 */
	int (*tool_possible)(const struct evms_task *t, uint32_t flags);
};

/**
 * A signature on the disk, as data. The host looks for it and calls probe only when it is there.
 * @since 1.0
 */
struct evms_magic {
	const char *bytes;	/**< the signature */
	uint32_t len;		/**< its length, 1..64 */
	uint32_t flags;		/**< EVMS_MAGIC_* */
	int64_t offset;		/**< from the start, or from the end when negative */
	uint64_t align;		/**< the position is rounded down to a multiple of this; 0 for none */
};

/** The offset counts logical blocks instead of bytes. @since 1.0 */
#define EVMS_MAGIC_BLOCKS	(1u << 0)
/** The signature is also looked for at 4096-byte blocks when the disk's block size is assumed. @since 1.0 */
#define EVMS_MAGIC_ANY_BLOCK	(1u << 1)

/** How a feature may be ordered among others on one volume (docs/object-model.md). @since 1.0 */
struct evms_feature_order {
	uint32_t classes;	/**< EVMS_FEATURE_* classes it may serve */
	uint32_t preferred;	/**< one of them */
	uint32_t flags;		/**< EVMS_FEATURE_*_EXCLUSIVE */
	uint32_t weight;	/**< 1 (bottom) .. 100 (top), inside its class */
};

#define EVMS_FEATURE_PARTITION		(1u << 0)	/**< works on one partition */
#define EVMS_FEATURE_AGGREGATE		(1u << 1)	/**< combines several objects */
#define EVMS_FEATURE_VOLUME		(1u << 2)	/**< works on a whole volume */
#define EVMS_FEATURE_GLOBAL_EXCLUSIVE	(1u << 0)	/**< the only feature of its volume */
#define EVMS_FEATURE_CLASS_EXCLUSIVE	(1u << 1)	/**< the only feature of its class */
#define EVMS_FEATURE_TOP_EXCLUSIVE	(1u << 2)	/**< must be topmost of its class */
#define EVMS_FEATURE_BOTTOM_EXCLUSIVE	(1u << 3)	/**< must be bottommost of its class */

/**
 * The setup module: what the engine calls. A NULL member means "not offered" (-ENOTSUP).
 * All of them work on the model in memory; bytes are written by @ref write only, into the plan.
 * An operation checks everything before it changes anything. Called by the thread that called the engine.
 * @since 1.0
 */
struct evms_setup {
	uint32_t size;	/**< sizeof(struct evms_setup); filled in by EVMS_SETUP */
	uint32_t pad;	/**< 0 */

	/**
	 * Look at an object, read only. Called after a magic matched, or for every object of a kind that the
	 * class looks at when the plug-in has no magics. A member of something bigger calls evms_join().
	 * NULL: a magic that is there counts as EVMS_MINE.
	 * @return EVMS_NOT_MINE, EVMS_MINE, EVMS_DAMAGED, or a negative errno, which is noted on the object
	 * and counts as EVMS_NOT_MINE
	 * @since 1.0
	 */
	int (*probe)(struct evms_object *in);
	/**
	 * Take an object that probe knew and that did not join anything: describe what is on it (partition
	 * managers, file-system modules) or produce what it makes up (others).
	 * @return 0, or a negative errno: what the call made is taken back, and the error is noted on the object
	 * @since 1.0
	 */
	int (*claim)(struct evms_object *in);
	/**
	 * Build what the members make up. Called once for a key, and again when members came after EVMS_WAIT.
	 * @return 0, EVMS_WAIT, or a negative errno: what the call made is taken back, and the error is noted on
	 * every member
	 * @since 1.0
	 */
	int (*assemble)(struct evms_members *members);
	/** Free what evms_set_private() put on an object. NULL when there is nothing to free. @since 1.0 */
	void (*release)(struct evms_object *o);

	/**
	 * Is this object acceptable as the next input of this task? Asked for lists of choices, and to choose
	 * among free space; the operation itself checks its inputs again. Changes nothing.
	 * @return 0, or evms_task_fail() with the reason
	 * @since 1.0
	 */
	int (*acceptable)(struct evms_task *task, struct evms_object *in);
	/**
	 * How large and small the object can become in place, in bytes. Changes nothing.
	 * @return 0 or a negative errno from evms_fail()
	 * @since 1.0
	 */
	int (*get_limits)(struct evms_object *o, struct evms_limits *out);

	/*
	 * Operations: 0, or a negative errno from evms_task_fail() or evms_fail(); the model is then as before.
	 * Private data is the plug-in's own to keep as before: check everything first.
	 */
	/** EVMS_OP_CREATE: from the inputs, with the options. @since 1.0 */
	int (*create)(struct evms_task *task);
	/** EVMS_OP_ASSIGN: input 0 is a new disk; lay out an empty table in the model. @since 1.0 */
	int (*assign)(struct evms_task *task);
	/** EVMS_OP_UNASSIGN: input 0 is the disk; wipe what tells of the table. @since 1.0 */
	int (*unassign)(struct evms_task *task);
	/** EVMS_OP_DELETE: input 0 goes; nobody uses it. @since 1.0 */
	int (*remove)(struct evms_task *task);
	/** EVMS_OP_EXPAND: option "size" is the new size in bytes; inputs from 1 on are to be added. @since 1.0 */
	int (*expand)(struct evms_task *task);
	/** EVMS_OP_SHRINK: option "size" is the new size in bytes; inputs from 1 on are to be taken off. @since 1.0 */
	int (*shrink)(struct evms_task *task);
	/** EVMS_OP_MOVE: input 0 with its data to other space. @since 1.0 */
	int (*move)(struct evms_task *task);
	/** EVMS_OP_SLIDE: input 0 with its data into adjoining space. @since 1.0 */
	int (*slide)(struct evms_task *task);
	/** EVMS_OP_RENAME: option "name" is the name that the format stores. @since 1.0 */
	int (*rename)(struct evms_task *task);
	/** EVMS_OP_SET: change what the options name. @since 1.0 */
	int (*set)(struct evms_task *task);
	/** EVMS_OP_REPLACE: put one input in the place of another. @since 1.0 */
	int (*replace)(struct evms_task *task);
	/** EVMS_OP_REPAIR: make all metadata of input 0 good again from what is good. @since 1.0 */
	int (*repair)(struct evms_task *task);
	/** EVMS_OP_MKFS: checks, and announces with evms_set_fs(); execute does it. @since 1.0 */
	int (*mkfs)(struct evms_task *task);
	/** EVMS_OP_CHECK: checks that it can be done; execute does it. @since 1.0 */
	int (*check)(struct evms_task *task);
	/** EVMS_OP_UNMKFS: checks; the engine wipes every signature afterwards. @since 1.0 */
	int (*unmkfs)(struct evms_task *task);

	/**
	 * Stage the metadata of a changed disk, group or feature object with evms_write(). Called for each
	 * plan, any number of times: what is staged follows from the model and private data alone. Changes
	 * nothing.
	 * @return 0 or a negative errno, which fails the plan
	 * @since 1.0
	 */
	int (*write)(struct evms_object *o);
	/**
	 * File-system modules: do during the commit what the task announced, with evms_tool(). The volume
	 * has been written already; when the file system shrinks it has not. Changes nothing in the model:
	 * the volume is looked at again afterwards.
	 * @return 0 or a negative errno, which stops the commit
	 * @since 1.0
	 */
	int (*execute)(struct evms_task *task);
	/**
	 * What write() staged last for @p o is on the disk now: bring private data and properties up to date.
	 * It cannot fail. Without this the engine discovers everything again after a commit.
	 * @since 1.0
	 */
	void (*committed)(struct evms_object *o);
};

/** Something a target of a plug-in can read and write: one of its inputs. Opaque. @since 1.0 */
struct evms_child;

/**
 * A target that a plug-in's runtime module provides by name. All calls but open and close may come from many
 * threads at once. Results are 0 or a negative errno, which is what the reader or writer of the volume gets.
 * @since 1.0
 */
struct evms_target_ops {
	uint32_t size;			/**< sizeof(struct evms_target_ops) */
	uint32_t pad;			/**< 0 */
	const char *name;		/**< the name used in maps: [a-z0-9-]+, none of the core's */
	/**
	 * Make ready, once for each place in a table. @p args is the text given to evms_map_target(), "" for
	 * none; @p length the bytes of the target; the children stay valid until close. @since 1.0
	 */
	int (*open)(const char *args, uint64_t length, uint32_t n, struct evms_child *const *children,
		    void **ctx);
	/** Free what open made. @since 1.0 */
	void (*close)(void *ctx);
	int (*read)(void *ctx, void *buf, size_t len, uint64_t offset);		/**< all or an error. @since 1.0 */
	int (*write)(void *ctx, const void *buf, size_t len, uint64_t offset);	/**< all or an error. @since 1.0 */
	int (*flush)(void *ctx);						/**< NULL: children only. @since 1.0 */
};

/**
 * Services for targets, valid from open to close. From any thread. Results are 0 or a negative errno.
 * Members are added at the end only.
 * @since 1.0
 */
struct evms_runtime_host {
	uint32_t size;	/**< sizeof(struct evms_runtime_host) of the host */
	uint32_t pad;	/**< 0 */
	uint64_t (*get_size)(const struct evms_child *child);	/**< bytes from where the child begins. @since 1.0 */
	/** Read all of @p len bytes: 0, -ERANGE, -EIO, ... @since 1.0 */
	int (*read)(struct evms_child *child, void *buf, size_t len, uint64_t offset);
	/** Write all of @p len bytes: 0, -ERANGE, -EROFS, -ENOSPC, -EIO, ... @since 1.0 */
	int (*write)(struct evms_child *child, const void *buf, size_t len, uint64_t offset);
	/** What was written to the child is on stable storage when this gives 0. @since 1.0 */
	int (*flush)(struct evms_child *child);
};

/** The runtime module: the data path. @since 1.0 */
struct evms_runtime {
	uint32_t size;			/**< sizeof(struct evms_runtime) */
	uint32_t pad;			/**< 0 */
	const struct evms_target_ops *const *targets;	/**< ends with NULL */
	/** Called before each open with the same host; NULL when the host is not needed. 0 or -errno. @since 1.0 */
	int (*init)(const struct evms_runtime_host *host);
};

/** What a driver reported, for device managers. @since 1.0 */
struct evms_device_facts {
	const char *path;		/**< as the caller gave it, made absolute */
	uint64_t size;			/**< bytes */
	uint32_t mode;			/**< st_mode of the node or file; 0 for a URI */
	uint32_t logical_block_size;	/**< bytes; 0 when the driver does not say (image files) */
	uint32_t physical_block_size;	/**< bytes; 0 when unknown */
	uint32_t read_only;		/**< 1 when it cannot be written */
	uint32_t wanted_block_size;	/**< bytes that the caller asked for, 0 for nothing */
	uint32_t pad;			/**< 0 */
	struct evms_geometry geometry;	/**< zeros when unknown */
};

/** A device manager's part. Both are required. @since 1.0 */
struct evms_device_manager {
	uint32_t size;	/**< sizeof(struct evms_device_manager) */
	uint32_t pad;	/**< 0 */
	/**
	 * Is this device for us? EVMS_MINE, EVMS_NOT_MINE, or a negative errno from evms_fail() when it would
	 * be, but cannot be used: the reason is then shown on the device.
	 * @since 1.0
	 */
	int (*claim)(struct evms_object *device, const struct evms_device_facts *facts);
	/**
	 * Make the logical disk of a claimed device: size, block sizes, geometry, name. The disk begins with
	 * the size of the device and the last part of its path as name.
	 * @return 0, or a negative errno from evms_fail(), which is shown on the device
	 * @since 1.0
	 */
	int (*describe)(struct evms_object *disk, const struct evms_device_facts *facts);
};

/** A plug-in. New members are added at the end only. @since 1.0 */
struct evms_plugin {
	uint32_t size;		/**< filled in by EVMS_PLUGIN */
	uint16_t abi_major;	/**< filled in by EVMS_PLUGIN */
	uint16_t abi_minor;	/**< filled in by EVMS_PLUGIN */
	uint64_t id;		/**< unique, not 0 */
	const char *name;	/**< unique, [a-z0-9-]+; the file is called NAME.so */
	const char *version;	/**< for people */
	const char *summary;	/**< one line */
	uint32_t role;		/**< EVMS_ROLE_* */
	int32_t priority;	/**< the higher claims first inside a class; equal ones conflict */
	const struct evms_setup *setup;			/**< required, but for device managers */
	const struct evms_runtime *runtime;		/**< NULL when every map is linear or striped */
	const struct evms_device_manager *devices;	/**< device managers only */
	const struct evms_magic *magics;		/**< signatures, NULL for none */
	uint32_t magic_count;				/**< number of signatures */
	uint32_t magic_size;				/**< sizeof(struct evms_magic) */
	const struct evms_option *options;		/**< ends with a NULL name; NULL for none */
	uint32_t option_size;				/**< sizeof(struct evms_option) */
	uint32_t head_window;	/**< bytes at the start of an object that probe and claim usually read; up to 64 KiB are read ahead */
	uint32_t tail_window;	/**< bytes at the end, likewise */
	struct evms_feature_order order;		/**< features only */
	uint32_t pad;		/**< 0 */
};

/** Size of struct evms_plugin in ABI 1.0, the smallest one that a host accepts. @since 1.0 */
#define EVMS_PLUGIN_SIZE_1_0	128

/** @cond internal */
#if defined(__GNUC__)
#define EVMS_HIDDEN_	__attribute__((visibility("hidden")))
#define EVMS_SHOWN_	__attribute__((visibility("default")))
#define EVMS_PRINTF_(f, a) __attribute__((format(printf, f, a)))
#define EVMS_UNUSED_	__attribute__((unused))
#else
#define EVMS_HIDDEN_
#define EVMS_SHOWN_
#define EVMS_PRINTF_(f, a)
#define EVMS_UNUSED_
#endif
EVMS_HIDDEN_ extern const struct evms_host *evms_host_;
#define EVMS_HAS_(fn) \
	(evms_host_->size >= offsetof(struct evms_host, fn) + sizeof(evms_host_->fn))
#define EVMS_CALL_(fn, args)		(EVMS_HAS_(fn) ? evms_host_->fn args : -ENOSYS)
#define EVMS_CALL_OR_(fn, args, other)	(EVMS_HAS_(fn) ? evms_host_->fn args : (other))
/** @endcond */

/** First words of a struct evms_setup initialiser. @since 1.0 */
#define EVMS_SETUP	.size = sizeof(struct evms_setup)

/** Names an array of struct evms_magic in EVMS_PLUGIN(). @since 1.0 */
#define EVMS_MAGICS(array) \
	.magics = (array), .magic_count = sizeof(array) / sizeof((array)[0]), \
	.magic_size = sizeof(struct evms_magic)

/** Names an array of struct evms_option in EVMS_PLUGIN(). @since 1.0 */
#define EVMS_OPTIONS(array) \
	.options = (array), .option_size = sizeof(struct evms_option)

/** Defines the plug-in: the members of struct evms_plugin, as an initialiser. Once in a shared object. @since 1.0 */
#define EVMS_PLUGIN(...) \
	EVMS_HIDDEN_ const struct evms_host *evms_host_; \
	EVMS_SHOWN_ const struct evms_plugin *evms_plugin_entry_1(const struct evms_host *host); \
	const struct evms_plugin *evms_plugin_entry_1(const struct evms_host *host) \
	{ \
		static const struct evms_plugin plugin = { \
			.size = sizeof(struct evms_plugin), \
			.abi_major = EVMS_PLUGIN_ABI_MAJOR, \
			.abi_minor = EVMS_PLUGIN_ABI_MINOR, \
			__VA_ARGS__ \
		}; \
		if (host->abi_major != EVMS_PLUGIN_ABI_MAJOR || (evms_host_ && evms_host_ != host)) \
			return NULL; \
		evms_host_ = host; \
		return &plugin; \
	} \
	extern const struct evms_host *evms_host_

/**
 * @name Facts about an object
 * @{
 */
/** @return one EVMS_KIND_* bit. @since 1.0 */
static inline uint32_t evms_get_kind(const struct evms_object *o)
{ return EVMS_CALL_OR_(get_kind, (o), 0); }
/** @return EVMS_STATE_* bits. @since 1.0 */
static inline uint32_t evms_get_state(const struct evms_object *o)
{ return EVMS_CALL_OR_(get_state, (o), 0); }
/** @return bytes. @since 1.0 */
static inline uint64_t evms_get_size(const struct evms_object *o)
{ return EVMS_CALL_OR_(get_size, (o), 0); }
/** @return where it begins in its parent, in bytes; 0 without a parent. @since 1.0 */
static inline uint64_t evms_get_offset(const struct evms_object *o)
{ return EVMS_CALL_OR_(get_offset, (o), 0); }
/** @return bytes of a logical block: a power of two, 512..65536. @since 1.0 */
static inline uint32_t evms_get_block_size(const struct evms_object *o)
{ return EVMS_CALL_OR_(get_block_size, (o), 512); }
/** @return bytes of a physical block: not below the logical one. @since 1.0 */
static inline uint32_t evms_get_physical_block_size(const struct evms_object *o)
{ return EVMS_CALL_OR_(get_physical_block_size, (o), 512); }
/** @return the name, unique among objects of its kind; never NULL. @since 1.0 */
static inline const char *evms_get_name(const struct evms_object *o)
{ return EVMS_CALL_OR_(get_name, (o), ""); }
/** @return the name that the format stores; "" for none. @since 1.0 */
static inline const char *evms_get_label(const struct evms_object *o)
{ return EVMS_CALL_OR_(get_label, (o), ""); }
/** @return the uuid that the format stores, as text; "" for none. @since 1.0 */
static inline const char *evms_get_uuid(const struct evms_object *o)
{ return EVMS_CALL_OR_(get_uuid, (o), ""); }
/** @return the path of a disk's device or image file; "" for anything else. @since 1.0 */
static inline const char *evms_get_path(const struct evms_object *o)
{ return EVMS_CALL_OR_(get_path, (o), ""); }
/**
 * The geometry of the disk under @p o, found by way of first inputs.
 * @return 0 or -ENOENT (none is known)
 * @since 1.0
 */
static inline int evms_get_geometry(const struct evms_object *o, struct evms_geometry *out)
{ return EVMS_CALL_(get_geometry, (o, out)); }
/** @return the disk or group that @p o was cut from, NULL for none. @since 1.0 */
static inline struct evms_object *evms_get_parent(const struct evms_object *o)
{ return EVMS_CALL_OR_(get_parent, (o), NULL); }
/** @return the group or feature object that uses @p o, NULL when nobody does. Volumes do not count. @since 1.0 */
static inline struct evms_object *evms_get_consumer(const struct evms_object *o)
{ return EVMS_CALL_OR_(get_consumer, (o), NULL); }
/** @return how many objects @p o uses. @since 1.0 */
static inline uint32_t evms_get_input_count(const struct evms_object *o)
{ return EVMS_CALL_OR_(get_input_count, (o), 0); }
/** @return the object used as number @p i, borrowed; NULL past the end. @since 1.0 */
static inline struct evms_object *evms_get_input(const struct evms_object *o, uint32_t i)
{ return EVMS_CALL_OR_(get_input, (o, i), NULL); }
/** @return number of entries of the space list of a disk or group. @since 1.0 */
static inline uint32_t evms_get_space_count(const struct evms_object *o)
{ return EVMS_CALL_OR_(get_space_count, (o), 0); }
/** Entry @p i of the space list, in order of offset. @return 0 or -ERANGE. @since 1.0 */
static inline int evms_get_space(const struct evms_object *o, uint32_t i, struct evms_space *out)
{ return EVMS_CALL_(get_space, (o, i, out)); }
/** @return 1 when @p o was produced or claimed by the calling plug-in. @since 1.0 */
static inline int evms_is_mine(const struct evms_object *o)
{ return EVMS_CALL_OR_(is_mine, (o), 0); }
/** @return what the calling plug-in put on @p o with evms_set_private(), NULL for nothing. @since 1.0 */
static inline void *evms_get_private(const struct evms_object *o)
{ return EVMS_CALL_OR_(get_private, (o), NULL); }
/** @} */

/**
 * @name Changing the model
 * Allowed in claim, assemble, describe and the operations; each plug-in changes its own objects only. -EPERM
 * otherwise. Texts are copied.
 * @{
 */
/**
 * Keep data on an object, for the calling plug-in alone. In any call, on any object. release() frees it when the
 * object goes or the plug-in loses it. Data that was there before is replaced and not released.
 * @return 0, -EPERM (outside of a call) or -ENOMEM (the data is still the caller's)
 * @since 1.0
 */
static inline int evms_set_private(struct evms_object *o, void *data)
{ return EVMS_CALL_(set_private, (o, data)); }
/**
 * Name an object. One that was cut from a disk or group is called PARENT/NAME. The engine makes the name unique by
 * a suffix (~2, ~3, ...), replaces what cannot be printed and cuts it at 255 bytes.
 * @return 0, -EPERM or -ENOMEM
 * @since 1.0
 */
static inline int evms_set_name(struct evms_object *o, const char *name)
{ return EVMS_CALL_(set_name, (o, name)); }
/**
 * The name as the format stores it, also when it is not unique. NULL or "" for none. Copied; printable, 255 bytes
 * at most.
 * @return 0, -EPERM or -ENOMEM
 * @since 1.0
 */
static inline int evms_set_label(struct evms_object *o, const char *label)
{ return EVMS_CALL_(set_label, (o, label)); }
/**
 * The uuid as the format stores it, as text. NULL or "" for none. Copied.
 * @return 0, -EPERM or -ENOMEM
 * @since 1.0
 */
static inline int evms_set_uuid(struct evms_object *o, const char *uuid)
{ return EVMS_CALL_(set_uuid, (o, uuid)); }
/**
 * The serial: unique in the system. Clients see the uuid where none is set. Copied.
 * @return 0, -EPERM or -ENOMEM
 * @since 1.0
 */
static inline int evms_set_serial(struct evms_object *o, const char *serial)
{ return EVMS_CALL_(set_serial, (o, serial)); }
/**
 * The size in bytes of a group, region, feature object, or disk that describe() makes. What a group gains is free
 * space.
 * @return 0, -EPROTO (a disk larger than its device), -EBUSY (the space that goes is not free), -EPERM or -ENOMEM
 * @since 1.0
 */
static inline int evms_set_size(struct evms_object *o, uint64_t size)
{ return EVMS_CALL_(set_size, (o, size)); }
/**
 * The logical block size in bytes; on a disk of assumed block size its partition manager may settle it. A disk
 * becomes a whole number of blocks long.
 * @return 0, -EINVAL (no power of two from 512 to 65536) or -EPERM (also: the disk's block size is known)
 * @since 1.0
 */
static inline int evms_set_block_size(struct evms_object *o, uint32_t block_size)
{ return EVMS_CALL_(set_block_size, (o, block_size)); }
/**
 * The geometry of a disk. Copied.
 * @return 0, -EINVAL (not a disk) or -EPERM
 * @since 1.0
 */
static inline int evms_set_geometry(struct evms_object *o, const struct evms_geometry *geometry)
{ return EVMS_CALL_(set_geometry, (o, geometry)); }
/**
 * A property in numbers, shown as "PLUGIN.KEY"; @p type is EVMS_TYPE_BOOL, _U64 or _SIZE (bytes). In any call, on
 * any object.
 * @return 0, -EPERM (outside of a call) or -ENOMEM
 * @since 1.0
 */
static inline int evms_set_u64(struct evms_object *o, const char *key, uint32_t type, uint64_t value)
{ return EVMS_CALL_(set_u64, (o, key, type, value)); }
/**
 * A property in text, shown as "PLUGIN.KEY"; NULL removes it. Copied; printable, 255 bytes at most. In any call,
 * on any object.
 * @return 0, -EPERM (outside of a call) or -ENOMEM
 * @since 1.0
 */
static inline int evms_set_str(struct evms_object *o, const char *key, const char *value)
{ return EVMS_CALL_(set_str, (o, key, value)); }
/**
 * What is on a volume (file-system modules). NULL: nothing any more. Copied. In claim it is what was found, in
 * an operation what will be there.
 * @return 0, -EPERM or -ENOMEM
 * @since 1.0
 */
static inline int evms_set_fs(struct evms_object *volume, const struct evms_fs_info *fs)
{ return EVMS_CALL_(set_fs, (volume, fs)); }
/**
 * Say that something is the matter with an object, and add state bits. In any call, on any object. @p reason is a
 * token "<plugin>.<what>"; the text says what is wrong and what to do.
 * @return 0, -EPERM (outside of a call) or -ENOMEM
 * @since 1.0
 */
EVMS_PRINTF_(4, 5) EVMS_UNUSED_
static int evms_note(struct evms_object *o, uint32_t state, const char *reason, const char *fmt, ...)
{
	va_list args;
	int r;

	va_start(args, fmt);
	r = EVMS_CALL_(note, (o, state, reason, fmt, args));
	va_end(args);
	return r;
}
/**
 * Take state bits away; notes that gave them go too. In any call, on any object.
 * @return 0 or -EPERM (outside of a call)
 * @since 1.0
 */
static inline int evms_clear_state(struct evms_object *o, uint32_t state)
{ return EVMS_CALL_(clear_state, (o, state)); }
/**
 * The metadata of this disk, group or feature object changed: write() will be called for it.
 * @return 0 or -EPERM
 * @since 1.0
 */
static inline int evms_mark_dirty(struct evms_object *o)
{ return EVMS_CALL_(mark_dirty, (o)); }
/**
 * Make a new object that uses @p in: a feature object by a feature, a group by a group emulator,
 * a region of @p in by a group emulator when @p in is its group. Without a map yet. @p size is bytes; the object is
 * borrowed. Its blocks are as large as the largest of its inputs.
 * @return 0, -EBUSY (somebody else uses @p in), -EINVAL (@p in holds no data), -EPERM (not in this call, or not by
 * this class) or -ENOMEM
 * @since 1.0
 */
static inline int evms_produce(struct evms_object *in, const char *name, uint64_t size,
			       struct evms_object **out)
{ return EVMS_CALL_(produce, (in, name, size, out)); }
/**
 * Let @p out use one more object.
 * @return 0, -EBUSY (somebody else uses it), -EINVAL (it holds no data), -E2BIG (65536 inputs are the limit), -EPERM
 * or -ENOMEM
 * @since 1.0
 */
static inline int evms_consume(struct evms_object *out, struct evms_object *in)
{ return EVMS_CALL_(consume, (out, in)); }
/**
 * Let @p out no longer use @p in, which becomes free for others.
 * @return 0, -EINVAL (it is not used by @p out) or -EPERM
 * @since 1.0
 */
static inline int evms_give_up(struct evms_object *out, struct evms_object *in)
{ return EVMS_CALL_(give_up, (out, in)); }
/**
 * Remove an object: its inputs and its space become free; @p o is gone.
 * @return 0, -EBUSY (it is used) or -EPERM
 * @since 1.0
 */
static inline int evms_remove(struct evms_object *o)
{ return EVMS_CALL_(remove, (o)); }
/**
 * Space of a disk or group that holds the format's own structures. What nobody adds is free space.
 * @return 0, -ERANGE (outside of the parent), -EBUSY (not free), -EPERM or -ENOMEM. While a disk or group is first
 * described, overlaps are found when the call returns, and fail it with -EPROTO
 * @since 1.0
 */
static inline int evms_add_metadata(struct evms_object *parent, uint64_t offset, uint64_t size,
				    const char *name)
{ return EVMS_CALL_(add_metadata, (parent, offset, size, name)); }
/**
 * The metadata entry that begins at @p offset becomes free space.
 * @return 0, -ENOENT or -EPERM
 * @since 1.0
 */
static inline int evms_remove_metadata(struct evms_object *parent, uint64_t offset)
{ return EVMS_CALL_(remove_metadata, (parent, offset)); }
/**
 * A partition: an object called DISK/NAME, its space and its linear map in one. Borrowed.
 * @return as evms_add_metadata()
 * @since 1.0
 */
static inline int evms_add_partition(struct evms_object *disk, uint64_t offset, uint64_t size,
				     const char *name, struct evms_object **out)
{ return EVMS_CALL_(add_partition, (disk, offset, size, name, out)); }
/**
 * Give a partition other space of its disk, which may overlap what it has. No data is moved.
 * @return 0, -EINVAL (not a partition), -ERANGE, -EBUSY (not free; it keeps what it has), -EPERM or -ENOMEM
 * @since 1.0
 */
static inline int evms_move_partition(struct evms_object *partition, uint64_t offset, uint64_t size)
{ return EVMS_CALL_(move_partition, (partition, offset, size)); }
/**
 * Space of a group goes to one of its regions. Says nothing of where the data lies: that is the region's map.
 * @return 0, -EBUSY (not free), -ERANGE (outside of the group), -EINVAL (not its region), -EPERM or -ENOMEM
 * @since 1.0
 */
static inline int evms_allocate(struct evms_object *group, uint64_t offset, uint64_t size,
				struct evms_object *region)
{ return EVMS_CALL_(allocate, (group, offset, size, region)); }
/**
 * Space of a group becomes free again.
 * @return 0, -ERANGE, -EPROTO (some of it is free already), -EPERM or -ENOMEM
 * @since 1.0
 */
static inline int evms_release_space(struct evms_object *group, uint64_t offset, uint64_t size)
{ return EVMS_CALL_(release_space, (group, offset, size)); }
/**
 * Forget the map of an object, to build a new one.
 * @return 0 or -EPERM
 * @since 1.0
 */
static inline int evms_clear_map(struct evms_object *out)
{ return EVMS_CALL_(clear_map, (out)); }
/**
 * Append to the map: @p size bytes at @p offset of @p out lie at @p in_offset of @p in. Stretches are appended in
 * order, without gaps, and have to cover @p out when the call into the plug-in returns.
 * @return 0, -EPROTO (a gap, or more than there is of an object), -EPERM or -ENOMEM
 * @since 1.0
 */
static inline int evms_map(struct evms_object *out, uint64_t offset, struct evms_object *in,
			   uint64_t in_offset, uint64_t size)
{ return EVMS_CALL_(map, (out, offset, size, "linear", 0, NULL, 1, &in, &in_offset)); }
/**
 * Append a striped stretch: pieces of @p chunk bytes go round over @p n inputs, each from its own offset.
 * @return as evms_map()
 * @since 1.0
 */
static inline int evms_map_striped(struct evms_object *out, uint64_t offset, uint64_t size,
				   uint64_t chunk, uint32_t n, struct evms_object *const *inputs,
				   const uint64_t *offsets)
{ return EVMS_CALL_(map, (out, offset, size, "striped", chunk, NULL, n, inputs, offsets)); }
/** Append a stretch that reads as zeros and swallows writes. @return as evms_map(). @since 1.0 */
static inline int evms_map_zero(struct evms_object *out, uint64_t offset, uint64_t size)
{ return EVMS_CALL_(map, (out, offset, size, "zero", 0, NULL, 0, NULL, NULL)); }
/** Append a stretch where every access fails with EIO. @return as evms_map(). @since 1.0 */
static inline int evms_map_error(struct evms_object *out, uint64_t offset, uint64_t size)
{ return EVMS_CALL_(map, (out, offset, size, "error", 0, NULL, 0, NULL, NULL)); }
/**
 * Append a stretch carried by a plug-in's target (struct evms_target_ops) over @p n inputs, 4096 at most. @p args is
 * text for the target, NULL for none; copied. Such a stretch cannot be read while planning.
 * @return as evms_map()
 * @since 1.0
 */
static inline int evms_map_target(struct evms_object *out, uint64_t offset, uint64_t size,
				  const char *target, const char *args, uint32_t n,
				  struct evms_object *const *inputs, const uint64_t *offsets)
{ return EVMS_CALL_(map, (out, offset, size, target, 0, args, n, inputs, offsets)); }
/** @} */

/**
 * @name Bytes
 * @{
 */
/**
 * Read @p len bytes, all or nothing, seeing what was staged. What claim and assemble read is what the commit
 * demands to be unchanged (not for file-system modules).
 * @return 0, -ERANGE (outside of the object), -EIO, or -ENOTSUP (through a target that cannot be read while planning)
 * @since 1.0
 */
static inline int evms_read(struct evms_object *o, void *buf, size_t len, uint64_t offset)
{ return EVMS_CALL_(read, (o, buf, len, offset)); }
/**
 * Stage bytes for the commit, to be written in @p phase (EVMS_PHASE_*). Only in write(). The bytes under them are
 * what the commit demands to be unchanged.
 * @return 0, -EROFS (not in write()), -EINVAL (no such phase), -ERANGE, -EIO, -ENOTSUP or -ENOMEM
 * @since 1.0
 */
static inline int evms_write(struct evms_object *o, const void *buf, size_t len, uint64_t offset,
			     uint32_t phase)
{ return EVMS_CALL_(write, (o, buf, len, offset, phase)); }
/**
 * Stage zeros. In write() as evms_write(); in operations with EVMS_PHASE_FINISH or _WIPE only, and then for every
 * later plan.
 * Bytes that are staged over them afterwards in another phase win.
 * @return as evms_write()
 * @since 1.0
 */
static inline int evms_zero(struct evms_object *o, uint64_t offset, uint64_t len, uint32_t phase)
{ return EVMS_CALL_(zero, (o, offset, len, phase)); }
/** @} */

/**
 * @name Members
 * @{
 */
/**
 * In probe: @p o is a member of what @p key (1 to 512 bytes) names; assemble is called once for the key. Counts when
 * probe returns EVMS_MINE or EVMS_DAMAGED and the plug-in gets the object.
 * @return 0, -EPERM or -ENOMEM
 * @since 1.0
 */
static inline int evms_join(struct evms_object *o, const char *key)
{ return EVMS_CALL_(join, (o, key)); }
/** @return the key. @since 1.0 */
static inline const char *evms_members_get_key(const struct evms_members *m)
{ return EVMS_CALL_OR_(members_get_key, (m), ""); }
/** @return number of members found. @since 1.0 */
static inline uint32_t evms_members_get_count(const struct evms_members *m)
{ return EVMS_CALL_OR_(members_get_count, (m), 0); }
/** @return member @p i, in the order of discovery, borrowed; NULL past the end. @since 1.0 */
static inline struct evms_object *evms_members_get(const struct evms_members *m, uint32_t i)
{ return EVMS_CALL_OR_(members_get, (m, i), NULL); }
/**
 * Bring over the member that joined under another key of this plug-in, when there is exactly one and nobody uses it.
 * @return it, borrowed, or NULL
 * @since 1.0
 */
static inline struct evms_object *evms_members_take(struct evms_members *m, const char *key)
{ return EVMS_CALL_OR_(members_take, (m, key), NULL); }
/** @return 1 when nothing more will be found: build what can be built and say what is missing. @since 1.0 */
static inline int evms_members_is_final(const struct evms_members *m)
{ return EVMS_CALL_OR_(members_is_final, (m), 1); }
/** @} */

/**
 * @name Tasks
 * @{
 */
/** @return EVMS_OP_*. @since 1.0 */
static inline uint32_t evms_task_get_op(const struct evms_task *t)
{ return EVMS_CALL_OR_(task_get_op, (t), EVMS_OP_COUNT); }
/** @return number of inputs. @since 1.0 */
static inline uint32_t evms_task_get_input_count(const struct evms_task *t)
{ return EVMS_CALL_OR_(task_get_input_count, (t), 0); }
/** @return input @p i, borrowed; input 0 is the object worked on; NULL past the end. @since 1.0 */
static inline struct evms_object *evms_task_get_input(const struct evms_task *t, uint32_t i)
{ return EVMS_CALL_OR_(task_get_input, (t, i), NULL); }
/** @return 1 when the option was given. @since 1.0 */
static inline int evms_task_has(const struct evms_task *t, const char *option)
{ return EVMS_CALL_OR_(task_has, (t, option), 0); }
/** @return the text given, or the default, or NULL. Checked against the option already. @since 1.0 */
static inline const char *evms_task_get_str(const struct evms_task *t, const char *option)
{ return EVMS_CALL_OR_(task_get_str, (t, option), NULL); }
/** @return the number, size (bytes, percentages resolved) or truth given, or the default, or 0. @since 1.0 */
static inline uint64_t evms_task_get_u64(const struct evms_task *t, const char *option)
{ return EVMS_CALL_OR_(task_get_u64, (t, option), 0); }
/**
 * Settle an option that the caller left open, so that what is planned (a random uuid, say) is what is done
 * when the task is executed or run again.
 * @return 0, -ENOENT (no such option), -EINVAL, -ERANGE or -ENOMEM
 * @since 1.0
 */
static inline int evms_task_set_str(struct evms_task *t, const char *option, const char *text)
{ return EVMS_CALL_(task_set, (t, option, text)); }
/** Could evms_tool() run with these flags here? @return 0 or -ENOTSUP (mounting takes root). @since 1.0 */
static inline int evms_tool_possible(const struct evms_task *t, uint32_t flags)
{ return EVMS_CALL_(tool_possible, (t, flags)); }
/**
 * Report progress of something long; 0 as @p total: unknown.
 * @return 0, or -ECANCELED when the user gave up: stop and return it
 * @since 1.0
 */
static inline int evms_task_progress(struct evms_task *t, uint64_t done, uint64_t total)
{ return EVMS_CALL_OR_(task_progress, (t, done, total), 0); }
/**
 * In execute only: run a program on the task's volume. No shell. @p argv ends with NULL; argv[0] is
 * searched in PATH, /usr/sbin, /sbin, /usr/bin and /bin; EVMS_TOOL_VOLUME may also stand inside an argument.
 * @p output (may be NULL) takes the beginning of what it printed, ended by NUL. @p flags are EVMS_TOOL_*.
 * What it wrote is on stable storage when it returns 0 or more.
 * @return its exit status (0..255), or -ENOENT (not installed), -ENOTSUP (cannot be mounted here), -EBUSY (open for
 * writing elsewhere), -ECANCELED, -EINVAL (such flags do not go together), -ENOMEM or -EIO (also: ended by a signal)
 * @since 1.0
 */
static inline int evms_tool(struct evms_task *t, const char *const *argv, uint32_t flags, char *output,
			    size_t output_size)
{ return EVMS_CALL_(tool, (t, argv, flags, output, output_size)); }
/** @} */

/**
 * @name Errors
 * @p reason is a stable token "<plugin>.<what>"; the text says what is wrong and what to do.
 * Both return -error, so that "return evms_fail(...)" works.
 * @{
 */
/** Fail because of an object. The first failure of a call is the one that is kept. @return -error. @since 1.0 */
EVMS_PRINTF_(4, 5) EVMS_UNUSED_
static int evms_fail(const struct evms_object *o, int error, const char *reason, const char *fmt, ...)
{
	va_list args;
	int r;

	va_start(args, fmt);
	r = EVMS_CALL_(fail, (o, error, reason, fmt, args));
	va_end(args);
	return r;
}
/** Fail because of what the task asks for; the error names its input 0. @return -error. @since 1.0 */
EVMS_PRINTF_(4, 5) EVMS_UNUSED_
static int evms_task_fail(const struct evms_task *t, int error, const char *reason, const char *fmt, ...)
{
	va_list args;
	int r;

	va_start(args, fmt);
	r = EVMS_CALL_(task_fail, (t, error, reason, fmt, args));
	va_end(args);
	return r;
}
/** @} */

/**
 * @name Helpers
 * @{
 */
/** Reflected CRC-32 (0xEDB88320), no inversion before or after: chain it as each format wants. @since 1.0 */
static inline uint32_t evms_crc32(uint32_t crc, const void *buf, size_t len)
{ return EVMS_CALL_OR_(crc32, (crc, buf, len), 0); }
/** Reflected CRC-32C (0x82F63B78), no inversion before or after. @since 1.0 */
static inline uint32_t evms_crc32c(uint32_t crc, const void *buf, size_t len)
{ return EVMS_CALL_OR_(crc32c, (crc, buf, len), 0); }
/** Random bytes for uuids and serials, 256 at most. @return 0 or -EIO. @since 1.0 */
static inline int evms_random(void *buf, size_t len)
{ return EVMS_CALL_(random, (buf, len)); }
/** Read a little-endian number at any address. @since 1.0 */
static inline uint16_t evms_get_le16(const void *p)
{ const uint8_t *b = (const uint8_t *)p; return (uint16_t)(b[0] | (unsigned)b[1] << 8); }
/** Read a little-endian number at any address. @since 1.0 */
static inline uint32_t evms_get_le32(const void *p)
{ const uint8_t *b = (const uint8_t *)p; return evms_get_le16(b) | (uint32_t)evms_get_le16(b + 2) << 16; }
/** Read a little-endian number at any address. @since 1.0 */
static inline uint64_t evms_get_le64(const void *p)
{ const uint8_t *b = (const uint8_t *)p; return evms_get_le32(b) | (uint64_t)evms_get_le32(b + 4) << 32; }
/** Read a big-endian number at any address. @since 1.0 */
static inline uint16_t evms_get_be16(const void *p)
{ const uint8_t *b = (const uint8_t *)p; return (uint16_t)((unsigned)b[0] << 8 | b[1]); }
/** Read a big-endian number at any address. @since 1.0 */
static inline uint32_t evms_get_be32(const void *p)
{ const uint8_t *b = (const uint8_t *)p; return (uint32_t)evms_get_be16(b) << 16 | evms_get_be16(b + 2); }
/** Read a big-endian number at any address. @since 1.0 */
static inline uint64_t evms_get_be64(const void *p)
{ const uint8_t *b = (const uint8_t *)p; return (uint64_t)evms_get_be32(b) << 32 | evms_get_be32(b + 4); }
/** Store a little-endian number at any address. @since 1.0 */
static inline void evms_put_le16(void *p, uint16_t v)
{ uint8_t *b = (uint8_t *)p; b[0] = (uint8_t)(v & 0xff); b[1] = (uint8_t)(v >> 8); }
/** Store a little-endian number at any address. @since 1.0 */
static inline void evms_put_le32(void *p, uint32_t v)
{ uint8_t *b = (uint8_t *)p; evms_put_le16(b, (uint16_t)(v & 0xffff)); evms_put_le16(b + 2, (uint16_t)(v >> 16)); }
/** Store a little-endian number at any address. @since 1.0 */
static inline void evms_put_le64(void *p, uint64_t v)
{ uint8_t *b = (uint8_t *)p; evms_put_le32(b, (uint32_t)(v & 0xffffffffu)); evms_put_le32(b + 4, (uint32_t)(v >> 32)); }
/** @} */

#ifdef __cplusplus
}
#endif
#endif
