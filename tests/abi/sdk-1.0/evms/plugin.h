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
 * Services of the host. Plug-ins use the wrappers further down, which give -ENOSYS where the host is
 * older than the service. Members are added at the end only.
 * @since 1.0
 */
struct evms_host {
	uint32_t size;		/**< sizeof(struct evms_host) of the host */
	uint16_t abi_major;	/**< EVMS_PLUGIN_ABI_MAJOR of the host */
	uint16_t abi_minor;	/**< EVMS_PLUGIN_ABI_MINOR of the host */

	/* facts */
	uint32_t (*get_kind)(const struct evms_object *o);
	uint32_t (*get_state)(const struct evms_object *o);
	uint64_t (*get_size)(const struct evms_object *o);
	uint64_t (*get_offset)(const struct evms_object *o);
	uint32_t (*get_block_size)(const struct evms_object *o);
	uint32_t (*get_physical_block_size)(const struct evms_object *o);
	const char *(*get_name)(const struct evms_object *o);
	const char *(*get_label)(const struct evms_object *o);
	const char *(*get_uuid)(const struct evms_object *o);
	const char *(*get_path)(const struct evms_object *o);
	int (*get_geometry)(const struct evms_object *o, struct evms_geometry *out);
	struct evms_object *(*get_parent)(const struct evms_object *o);
	struct evms_object *(*get_consumer)(const struct evms_object *o);
	uint32_t (*get_input_count)(const struct evms_object *o);
	struct evms_object *(*get_input)(const struct evms_object *o, uint32_t i);
	uint32_t (*get_space_count)(const struct evms_object *o);
	int (*get_space)(const struct evms_object *o, uint32_t i, struct evms_space *out);
	int (*is_mine)(const struct evms_object *o);
	void *(*get_private)(const struct evms_object *o);

	/* changes to the model */
	int (*set_private)(struct evms_object *o, void *data);
	int (*set_name)(struct evms_object *o, const char *name);
	int (*set_label)(struct evms_object *o, const char *label);
	int (*set_uuid)(struct evms_object *o, const char *uuid);
	int (*set_serial)(struct evms_object *o, const char *serial);
	int (*set_size)(struct evms_object *o, uint64_t size);
	int (*set_block_size)(struct evms_object *o, uint32_t block_size);
	int (*set_geometry)(struct evms_object *o, const struct evms_geometry *geometry);
	int (*set_u64)(struct evms_object *o, const char *key, uint32_t type, uint64_t value);
	int (*set_str)(struct evms_object *o, const char *key, const char *value);
	int (*set_fs)(struct evms_object *volume, const struct evms_fs_info *fs);
	int (*note)(struct evms_object *o, uint32_t state, const char *reason, const char *fmt,
		    va_list args);
	int (*clear_state)(struct evms_object *o, uint32_t state);
	int (*mark_dirty)(struct evms_object *o);
	int (*produce)(struct evms_object *in, const char *name, uint64_t size,
		       struct evms_object **out);
	int (*consume)(struct evms_object *out, struct evms_object *in);
	int (*give_up)(struct evms_object *out, struct evms_object *in);
	int (*remove)(struct evms_object *o);
	int (*add_metadata)(struct evms_object *parent, uint64_t offset, uint64_t size,
			    const char *name);
	int (*remove_metadata)(struct evms_object *parent, uint64_t offset);
	int (*add_partition)(struct evms_object *disk, uint64_t offset, uint64_t size,
			     const char *name, struct evms_object **out);
	int (*move_partition)(struct evms_object *partition, uint64_t offset, uint64_t size);
	int (*allocate)(struct evms_object *group, uint64_t offset, uint64_t size,
			struct evms_object *region);
	int (*release_space)(struct evms_object *group, uint64_t offset, uint64_t size);
	int (*map)(struct evms_object *out, uint64_t offset, uint64_t size, const char *target,
		   uint64_t chunk, const char *args, uint32_t n, struct evms_object *const *inputs,
		   const uint64_t *offsets);
	int (*clear_map)(struct evms_object *out);

	/* bytes */
	int (*read)(struct evms_object *o, void *buf, size_t len, uint64_t offset);
	int (*write)(struct evms_object *o, const void *buf, size_t len, uint64_t offset,
		     uint32_t phase);
	int (*zero)(struct evms_object *o, uint64_t offset, uint64_t len, uint32_t phase);

	/* members of something bigger */
	int (*join)(struct evms_object *o, const char *key);
	const char *(*members_get_key)(const struct evms_members *m);
	uint32_t (*members_get_count)(const struct evms_members *m);
	struct evms_object *(*members_get)(const struct evms_members *m, uint32_t i);
	struct evms_object *(*members_take)(struct evms_members *m, const char *key);
	int (*members_is_final)(const struct evms_members *m);

	/* tasks */
	uint32_t (*task_get_op)(const struct evms_task *t);
	uint32_t (*task_get_input_count)(const struct evms_task *t);
	struct evms_object *(*task_get_input)(const struct evms_task *t, uint32_t i);
	int (*task_has)(const struct evms_task *t, const char *option);
	const char *(*task_get_str)(const struct evms_task *t, const char *option);
	uint64_t (*task_get_u64)(const struct evms_task *t, const char *option);
	int (*task_progress)(struct evms_task *t, uint64_t done, uint64_t total);
	int (*tool)(struct evms_task *t, const char *const *argv, uint32_t flags, char *output,
		    size_t output_size);

	/* errors and messages */
	int (*fail)(const struct evms_object *o, int error, const char *reason, const char *fmt,
		    va_list args);
	int (*task_fail)(const struct evms_task *t, int error, const char *reason, const char *fmt,
			 va_list args);

	/* helpers */
	uint32_t (*crc32)(uint32_t crc, const void *buf, size_t len);
	uint32_t (*crc32c)(uint32_t crc, const void *buf, size_t len);
	int (*random)(void *buf, size_t len);

	/* more of tasks */
	int (*task_set)(struct evms_task *t, const char *option, const char *text);
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
 * An operation checks everything before it changes anything.
 * @since 1.0
 */
struct evms_setup {
	uint32_t size;	/**< filled in by EVMS_SETUP */
	uint32_t pad;	/**< 0 */

	/**
	 * Look at an object, read only. Called after a magic matched, or for every object when the
	 * plug-in has no magics. A member of something bigger calls evms_join().
	 * @return EVMS_NOT_MINE, EVMS_MINE, EVMS_DAMAGED or a negative errno
	 */
	int (*probe)(struct evms_object *in);
	/** Take an object that probe knew and that did not join anything: describe or produce. */
	int (*claim)(struct evms_object *in);
	/** Build what the members make up. @return 0, EVMS_WAIT or a negative errno */
	int (*assemble)(struct evms_members *members);
	/** Free what evms_set_private() put on an object. */
	void (*release)(struct evms_object *o);

	/** Is this input acceptable for this task? 0, or evms_task_fail() with the reason. */
	int (*acceptable)(struct evms_task *task, struct evms_object *in);
	/** How large and small the object can become in place. */
	int (*get_limits)(struct evms_object *o, struct evms_limits *out);

	int (*create)(struct evms_task *task);		/**< EVMS_OP_CREATE */
	int (*assign)(struct evms_task *task);		/**< EVMS_OP_ASSIGN: input 0 is the disk */
	int (*unassign)(struct evms_task *task);	/**< EVMS_OP_UNASSIGN */
	int (*remove)(struct evms_task *task);		/**< EVMS_OP_DELETE: input 0 goes */
	int (*expand)(struct evms_task *task);		/**< EVMS_OP_EXPAND: option "size" is the new size */
	int (*shrink)(struct evms_task *task);		/**< EVMS_OP_SHRINK: option "size" is the new size */
	int (*move)(struct evms_task *task);		/**< EVMS_OP_MOVE */
	int (*slide)(struct evms_task *task);		/**< EVMS_OP_SLIDE */
	int (*rename)(struct evms_task *task);		/**< EVMS_OP_RENAME: option "name" */
	int (*set)(struct evms_task *task);		/**< EVMS_OP_SET */
	int (*replace)(struct evms_task *task);		/**< EVMS_OP_REPLACE */
	int (*repair)(struct evms_task *task);		/**< EVMS_OP_REPAIR */
	int (*mkfs)(struct evms_task *task);		/**< EVMS_OP_MKFS: checks, and announces with evms_set_fs() */
	int (*check)(struct evms_task *task);		/**< EVMS_OP_CHECK */
	int (*unmkfs)(struct evms_task *task);		/**< EVMS_OP_UNMKFS */

	/** Stage the metadata of a changed disk, group or feature object with evms_write(). */
	int (*write)(struct evms_object *o);
	/** File-system modules: do during the commit what the task announced, with evms_tool(). */
	int (*execute)(struct evms_task *task);
};

/** Something a target of a plug-in can read and write: one of its inputs. Opaque. @since 1.0 */
struct evms_child;

/** A target that a plug-in's runtime module provides by name. All calls may come from many threads. @since 1.0 */
struct evms_target_ops {
	uint32_t size;			/**< sizeof(struct evms_target_ops) */
	uint32_t pad;			/**< 0 */
	const char *name;		/**< the name used in maps */
	/** Make ready. @p args is the text given to evms_map_target(). */
	int (*open)(const char *args, uint64_t length, uint32_t n, struct evms_child *const *children,
		    void **ctx);
	/** Free what open made. */
	void (*close)(void *ctx);
	int (*read)(void *ctx, void *buf, size_t len, uint64_t offset);		/**< all or an error */
	int (*write)(void *ctx, const void *buf, size_t len, uint64_t offset);	/**< all or an error */
	int (*flush)(void *ctx);						/**< NULL: children only */
};

/** Services for targets, valid from open to close. Members are added at the end only. @since 1.0 */
struct evms_runtime_host {
	uint32_t size;	/**< sizeof(struct evms_runtime_host) of the host */
	uint32_t pad;	/**< 0 */
	uint64_t (*get_size)(const struct evms_child *child);			/**< bytes */
	int (*read)(struct evms_child *child, void *buf, size_t len, uint64_t offset);
	int (*write)(struct evms_child *child, const void *buf, size_t len, uint64_t offset);
	int (*flush)(struct evms_child *child);
};

/** The runtime module: the data path. @since 1.0 */
struct evms_runtime {
	uint32_t size;			/**< sizeof(struct evms_runtime) */
	uint32_t pad;			/**< 0 */
	const struct evms_target_ops *const *targets;	/**< ends with NULL */
	/** Called once before the first open. */
	int (*init)(const struct evms_runtime_host *host);
};

/** What a driver reported, for device managers. @since 1.0 */
struct evms_device_facts {
	const char *path;		/**< as the caller gave it, made absolute */
	uint64_t size;			/**< bytes */
	uint32_t mode;			/**< st_mode of the node or file; 0 for a URI */
	uint32_t logical_block_size;	/**< 0 when the driver does not say (image files) */
	uint32_t physical_block_size;	/**< 0 when unknown */
	uint32_t read_only;		/**< 1 when it cannot be written */
	uint32_t wanted_block_size;	/**< what the caller asked for, 0 for nothing */
	uint32_t pad;			/**< 0 */
	struct evms_geometry geometry;	/**< zeros when unknown */
};

/** A device manager's part. @since 1.0 */
struct evms_device_manager {
	uint32_t size;	/**< sizeof(struct evms_device_manager) */
	uint32_t pad;	/**< 0 */
	/**
	 * Is this device for us? EVMS_MINE, EVMS_NOT_MINE, or a negative errno from evms_fail() when it would
	 * be, but cannot be used: the reason is then shown on the device.
	 */
	int (*claim)(struct evms_object *device, const struct evms_device_facts *facts);
	/** Make the logical disk of a claimed device: size, block sizes, geometry, name. */
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
	uint32_t head_window;	/**< bytes at the start of an object that probe and claim usually read */
	uint32_t tail_window;	/**< bytes at the end */
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
/** @return one EVMS_KIND_* bit */
static inline uint32_t evms_get_kind(const struct evms_object *o)
{ return EVMS_CALL_OR_(get_kind, (o), 0); }
/** @return EVMS_STATE_* bits */
static inline uint32_t evms_get_state(const struct evms_object *o)
{ return EVMS_CALL_OR_(get_state, (o), 0); }
/** @return bytes */
static inline uint64_t evms_get_size(const struct evms_object *o)
{ return EVMS_CALL_OR_(get_size, (o), 0); }
/** @return where it begins in its parent, in bytes; 0 without a parent */
static inline uint64_t evms_get_offset(const struct evms_object *o)
{ return EVMS_CALL_OR_(get_offset, (o), 0); }
/** @return bytes of a logical block: a power of two, 512..65536 */
static inline uint32_t evms_get_block_size(const struct evms_object *o)
{ return EVMS_CALL_OR_(get_block_size, (o), 512); }
/** @return bytes of a physical block: a multiple of the logical one */
static inline uint32_t evms_get_physical_block_size(const struct evms_object *o)
{ return EVMS_CALL_OR_(get_physical_block_size, (o), 512); }
/** @return the unique name inside the engine; never NULL */
static inline const char *evms_get_name(const struct evms_object *o)
{ return EVMS_CALL_OR_(get_name, (o), ""); }
/** @return the name that the format stores; "" for none */
static inline const char *evms_get_label(const struct evms_object *o)
{ return EVMS_CALL_OR_(get_label, (o), ""); }
/** @return the uuid that the format stores, as text; "" for none */
static inline const char *evms_get_uuid(const struct evms_object *o)
{ return EVMS_CALL_OR_(get_uuid, (o), ""); }
/** @return the path of a disk's device or image file; "" for anything else */
static inline const char *evms_get_path(const struct evms_object *o)
{ return EVMS_CALL_OR_(get_path, (o), ""); }
/** The geometry of the disk under @p o. @return 0 or -ENOENT */
static inline int evms_get_geometry(const struct evms_object *o, struct evms_geometry *out)
{ return EVMS_CALL_(get_geometry, (o, out)); }
/** @return the disk or group that @p o was cut from, NULL for none */
static inline struct evms_object *evms_get_parent(const struct evms_object *o)
{ return EVMS_CALL_OR_(get_parent, (o), NULL); }
/** @return the group or feature object that uses @p o, NULL when nobody does. Volumes do not count. */
static inline struct evms_object *evms_get_consumer(const struct evms_object *o)
{ return EVMS_CALL_OR_(get_consumer, (o), NULL); }
/** @return how many objects @p o uses */
static inline uint32_t evms_get_input_count(const struct evms_object *o)
{ return EVMS_CALL_OR_(get_input_count, (o), 0); }
/** @return the object used as number @p i, NULL past the end */
static inline struct evms_object *evms_get_input(const struct evms_object *o, uint32_t i)
{ return EVMS_CALL_OR_(get_input, (o, i), NULL); }
/** @return number of entries of the space list of a disk or group */
static inline uint32_t evms_get_space_count(const struct evms_object *o)
{ return EVMS_CALL_OR_(get_space_count, (o), 0); }
/** Entry @p i of the space list, in order of offset. @return 0 or -ERANGE */
static inline int evms_get_space(const struct evms_object *o, uint32_t i, struct evms_space *out)
{ return EVMS_CALL_(get_space, (o, i, out)); }
/** @return 1 when @p o was produced or claimed by the calling plug-in */
static inline int evms_is_mine(const struct evms_object *o)
{ return EVMS_CALL_OR_(is_mine, (o), 0); }
/** @return what the calling plug-in put on @p o with evms_set_private(), NULL for nothing */
static inline void *evms_get_private(const struct evms_object *o)
{ return EVMS_CALL_OR_(get_private, (o), NULL); }
/** @} */

/**
 * @name Changing the model
 * Allowed in claim, assemble and the operations. Each plug-in changes its own objects only
 * (-EPERM otherwise). Errors besides those named: -ENOMEM.
 * @{
 */
/** Keep data on an object that the plug-in owns or has claimed; freed by its release(). */
static inline int evms_set_private(struct evms_object *o, void *data)
{ return EVMS_CALL_(set_private, (o, data)); }
/** Name an object. The engine makes the name unique by a suffix where it has to. */
static inline int evms_set_name(struct evms_object *o, const char *name)
{ return EVMS_CALL_(set_name, (o, name)); }
/** The name as the format stores it, also when it is not unique. */
static inline int evms_set_label(struct evms_object *o, const char *label)
{ return EVMS_CALL_(set_label, (o, label)); }
/** The uuid as the format stores it. */
static inline int evms_set_uuid(struct evms_object *o, const char *uuid)
{ return EVMS_CALL_(set_uuid, (o, uuid)); }
/** The serial: unique in the system. The uuid serves where none is set. */
static inline int evms_set_serial(struct evms_object *o, const char *serial)
{ return EVMS_CALL_(set_serial, (o, serial)); }
/** The size of a group, region, feature object or disk that describe() makes. */
static inline int evms_set_size(struct evms_object *o, uint64_t size)
{ return EVMS_CALL_(set_size, (o, size)); }
/** The logical block size; on a disk of assumed block size a partition manager may settle it. */
static inline int evms_set_block_size(struct evms_object *o, uint32_t block_size)
{ return EVMS_CALL_(set_block_size, (o, block_size)); }
/** The geometry of a disk. */
static inline int evms_set_geometry(struct evms_object *o, const struct evms_geometry *geometry)
{ return EVMS_CALL_(set_geometry, (o, geometry)); }
/** A numeric property, shown as "PLUGIN.KEY"; type is EVMS_TYPE_BOOL, _U64 or _SIZE. */
static inline int evms_set_u64(struct evms_object *o, const char *key, uint32_t type, uint64_t value)
{ return EVMS_CALL_(set_u64, (o, key, type, value)); }
/** A text property, shown as "PLUGIN.KEY"; NULL removes it. */
static inline int evms_set_str(struct evms_object *o, const char *key, const char *value)
{ return EVMS_CALL_(set_str, (o, key, value)); }
/** What is on a volume (file-system modules). NULL: nothing any more. */
static inline int evms_set_fs(struct evms_object *volume, const struct evms_fs_info *fs)
{ return EVMS_CALL_(set_fs, (volume, fs)); }
/** Say that something is the matter with an object, and add state bits. Returns 0. */
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
/** Take state bits away; notes that gave them go too. */
static inline int evms_clear_state(struct evms_object *o, uint32_t state)
{ return EVMS_CALL_(clear_state, (o, state)); }
/** The metadata of this disk, group or feature object changed: write() will be called for it. */
static inline int evms_mark_dirty(struct evms_object *o)
{ return EVMS_CALL_(mark_dirty, (o)); }
/**
 * Make a new object that uses @p in: a feature object by a feature, a group by a group emulator,
 * a region of @p in by a group emulator when @p in is its group. Without a map yet.
 * @return -EBUSY when somebody else uses @p in
 */
static inline int evms_produce(struct evms_object *in, const char *name, uint64_t size,
			       struct evms_object **out)
{ return EVMS_CALL_(produce, (in, name, size, out)); }
/** Let @p out use one more object. @return -EBUSY when somebody else uses it */
static inline int evms_consume(struct evms_object *out, struct evms_object *in)
{ return EVMS_CALL_(consume, (out, in)); }
/** Let @p out no longer use @p in, which becomes free for others. */
static inline int evms_give_up(struct evms_object *out, struct evms_object *in)
{ return EVMS_CALL_(give_up, (out, in)); }
/** Remove an object: its inputs and its space become free. @return -EBUSY when it is used */
static inline int evms_remove(struct evms_object *o)
{ return EVMS_CALL_(remove, (o)); }
/** Space of a disk or group that holds the format's own structures. What nobody adds is free space. */
static inline int evms_add_metadata(struct evms_object *parent, uint64_t offset, uint64_t size,
				    const char *name)
{ return EVMS_CALL_(add_metadata, (parent, offset, size, name)); }
/** The metadata entry that begins at @p offset becomes free space. @return -ENOENT */
static inline int evms_remove_metadata(struct evms_object *parent, uint64_t offset)
{ return EVMS_CALL_(remove_metadata, (parent, offset)); }
/** A partition: an object, its space and its linear map in one. */
static inline int evms_add_partition(struct evms_object *disk, uint64_t offset, uint64_t size,
				     const char *name, struct evms_object **out)
{ return EVMS_CALL_(add_partition, (disk, offset, size, name, out)); }
/** Give a partition other space of its disk. */
static inline int evms_move_partition(struct evms_object *partition, uint64_t offset, uint64_t size)
{ return EVMS_CALL_(move_partition, (partition, offset, size)); }
/** Space of a group goes to one of its regions. @return -EBUSY when it is not free, -ERANGE */
static inline int evms_allocate(struct evms_object *group, uint64_t offset, uint64_t size,
				struct evms_object *region)
{ return EVMS_CALL_(allocate, (group, offset, size, region)); }
/** Space of a group becomes free again. */
static inline int evms_release_space(struct evms_object *group, uint64_t offset, uint64_t size)
{ return EVMS_CALL_(release_space, (group, offset, size)); }
/** Forget the map of an object, to build a new one. */
static inline int evms_clear_map(struct evms_object *out)
{ return EVMS_CALL_(clear_map, (out)); }
/** Append to the map: @p size bytes at @p offset of @p out lie at @p in_offset of @p in. */
static inline int evms_map(struct evms_object *out, uint64_t offset, struct evms_object *in,
			   uint64_t in_offset, uint64_t size)
{ return EVMS_CALL_(map, (out, offset, size, "linear", 0, NULL, 1, &in, &in_offset)); }
/** Append a striped stretch: chunks go round over @p n inputs, each from its own offset. */
static inline int evms_map_striped(struct evms_object *out, uint64_t offset, uint64_t size,
				   uint64_t chunk, uint32_t n, struct evms_object *const *inputs,
				   const uint64_t *offsets)
{ return EVMS_CALL_(map, (out, offset, size, "striped", chunk, NULL, n, inputs, offsets)); }
/** Append a stretch that reads as zeros and swallows writes. */
static inline int evms_map_zero(struct evms_object *out, uint64_t offset, uint64_t size)
{ return EVMS_CALL_(map, (out, offset, size, "zero", 0, NULL, 0, NULL, NULL)); }
/** Append a stretch where every access fails with EIO. */
static inline int evms_map_error(struct evms_object *out, uint64_t offset, uint64_t size)
{ return EVMS_CALL_(map, (out, offset, size, "error", 0, NULL, 0, NULL, NULL)); }
/** Append a stretch carried by a plug-in's target (struct evms_target_ops). */
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
 * Read @p len bytes, all or nothing, seeing what was staged.
 * @return -ERANGE outside the object, -EIO, -ENOTSUP through a target that cannot be read while planning
 */
static inline int evms_read(struct evms_object *o, void *buf, size_t len, uint64_t offset)
{ return EVMS_CALL_(read, (o, buf, len, offset)); }
/** Stage bytes for the commit. Only in write(), and create() for stale data. @return -EROFS elsewhere, -ERANGE */
static inline int evms_write(struct evms_object *o, const void *buf, size_t len, uint64_t offset,
			     uint32_t phase)
{ return EVMS_CALL_(write, (o, buf, len, offset, phase)); }
/** Stage zeros. As evms_write(); in operations only with EVMS_PHASE_WIPE, kept for every later plan. */
static inline int evms_zero(struct evms_object *o, uint64_t offset, uint64_t len, uint32_t phase)
{ return EVMS_CALL_(zero, (o, offset, len, phase)); }
/** @} */

/**
 * @name Members
 * @{
 */
/** In probe: @p o is a member of what @p key names; assemble is called once for the key. */
static inline int evms_join(struct evms_object *o, const char *key)
{ return EVMS_CALL_(join, (o, key)); }
/** @return the key */
static inline const char *evms_members_get_key(const struct evms_members *m)
{ return EVMS_CALL_OR_(members_get_key, (m), ""); }
/** @return number of members found */
static inline uint32_t evms_members_get_count(const struct evms_members *m)
{ return EVMS_CALL_OR_(members_get_count, (m), 0); }
/** @return member @p i, in the order of discovery; NULL past the end */
static inline struct evms_object *evms_members_get(const struct evms_members *m, uint32_t i)
{ return EVMS_CALL_OR_(members_get, (m, i), NULL); }
/** Bring over the one member that joined under another key of this plug-in. @return it, or NULL */
static inline struct evms_object *evms_members_take(struct evms_members *m, const char *key)
{ return EVMS_CALL_OR_(members_take, (m, key), NULL); }
/** @return 1 when nothing more will be found: build what can be built and say what is missing */
static inline int evms_members_is_final(const struct evms_members *m)
{ return EVMS_CALL_OR_(members_is_final, (m), 1); }
/** @} */

/**
 * @name Tasks
 * @{
 */
/** @return EVMS_OP_* */
static inline uint32_t evms_task_get_op(const struct evms_task *t)
{ return EVMS_CALL_OR_(task_get_op, (t), EVMS_OP_COUNT); }
/** @return number of inputs */
static inline uint32_t evms_task_get_input_count(const struct evms_task *t)
{ return EVMS_CALL_OR_(task_get_input_count, (t), 0); }
/** @return input @p i; input 0 is the object worked on; NULL past the end */
static inline struct evms_object *evms_task_get_input(const struct evms_task *t, uint32_t i)
{ return EVMS_CALL_OR_(task_get_input, (t, i), NULL); }
/** @return 1 when the caller gave the option */
static inline int evms_task_has(const struct evms_task *t, const char *option)
{ return EVMS_CALL_OR_(task_has, (t, option), 0); }
/** @return the text given, or the default, or NULL */
static inline const char *evms_task_get_str(const struct evms_task *t, const char *option)
{ return EVMS_CALL_OR_(task_get_str, (t, option), NULL); }
/** @return the number, size (bytes, percentages resolved) or truth given, or the default, or 0 */
static inline uint64_t evms_task_get_u64(const struct evms_task *t, const char *option)
{ return EVMS_CALL_OR_(task_get_u64, (t, option), 0); }
/**
 * Settle an option that the caller left open, so that what is planned (a random uuid, say) is what is done
 * when the task is executed or run again. @return as evms_task_set() of the client interface
 */
static inline int evms_task_set_str(struct evms_task *t, const char *option, const char *text)
{ return EVMS_CALL_(task_set, (t, option, text)); }
/** Could evms_tool() run with these flags here? @return 0 or -ENOTSUP (mounting takes root) */
static inline int evms_tool_possible(const struct evms_task *t, uint32_t flags)
{ return EVMS_CALL_(tool_possible, (t, flags)); }
/** Report progress of something long. @return -ECANCELED when the user gave up: stop and return it */
static inline int evms_task_progress(struct evms_task *t, uint64_t done, uint64_t total)
{ return EVMS_CALL_OR_(task_progress, (t, done, total), 0); }
/**
 * In execute: run a program on the task's volume. No shell. @p argv ends with NULL; argv[0] is
 * searched in PATH, /usr/sbin and /sbin. @p output (may be NULL) takes what it printed, ended by NUL.
 * @return its exit status (0..255), or -ENOENT (not installed), -ENOTSUP (cannot be mounted here),
 * -ECANCELED, -EIO
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
/** Fail because of an object. */
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
/** Fail because of what the task asks for. */
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
/** Reflected CRC-32 (0xEDB88320), no inversion before or after: chain it as each format wants. */
static inline uint32_t evms_crc32(uint32_t crc, const void *buf, size_t len)
{ return EVMS_CALL_OR_(crc32, (crc, buf, len), 0); }
/** Reflected CRC-32C (0x82F63B78), no inversion before or after. */
static inline uint32_t evms_crc32c(uint32_t crc, const void *buf, size_t len)
{ return EVMS_CALL_OR_(crc32c, (crc, buf, len), 0); }
/** Random bytes for uuids and serials. */
static inline int evms_random(void *buf, size_t len)
{ return EVMS_CALL_(random, (buf, len)); }
/** Read a little-endian number. */
static inline uint16_t evms_get_le16(const void *p)
{ const uint8_t *b = (const uint8_t *)p; return (uint16_t)(b[0] | (unsigned)b[1] << 8); }
/** Read a little-endian number. */
static inline uint32_t evms_get_le32(const void *p)
{ const uint8_t *b = (const uint8_t *)p; return evms_get_le16(b) | (uint32_t)evms_get_le16(b + 2) << 16; }
/** Read a little-endian number. */
static inline uint64_t evms_get_le64(const void *p)
{ const uint8_t *b = (const uint8_t *)p; return evms_get_le32(b) | (uint64_t)evms_get_le32(b + 4) << 32; }
/** Read a big-endian number. */
static inline uint16_t evms_get_be16(const void *p)
{ const uint8_t *b = (const uint8_t *)p; return (uint16_t)((unsigned)b[0] << 8 | b[1]); }
/** Read a big-endian number. */
static inline uint32_t evms_get_be32(const void *p)
{ const uint8_t *b = (const uint8_t *)p; return (uint32_t)evms_get_be16(b) << 16 | evms_get_be16(b + 2); }
/** Read a big-endian number. */
static inline uint64_t evms_get_be64(const void *p)
{ const uint8_t *b = (const uint8_t *)p; return (uint64_t)evms_get_be32(b) << 32 | evms_get_be32(b + 4); }
/** Store a little-endian number. */
static inline void evms_put_le16(void *p, uint16_t v)
{ uint8_t *b = (uint8_t *)p; b[0] = (uint8_t)(v & 0xff); b[1] = (uint8_t)(v >> 8); }
/** Store a little-endian number. */
static inline void evms_put_le32(void *p, uint32_t v)
{ uint8_t *b = (uint8_t *)p; evms_put_le16(b, (uint16_t)(v & 0xffff)); evms_put_le16(b + 2, (uint16_t)(v >> 16)); }
/** Store a little-endian number. */
static inline void evms_put_le64(void *p, uint64_t v)
{ uint8_t *b = (uint8_t *)p; evms_put_le32(b, (uint32_t)(v & 0xffffffffu)); evms_put_le32(b + 4, (uint32_t)(v >> 32)); }
/** @} */

#ifdef __cplusplus
}
#endif
#endif
