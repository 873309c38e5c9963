/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The client interface of libevms: see and change everything between a raw disk and a mounted volume.
 *
 * Ownership shows in the syntax: "struct evms_x **out" gives a reference that the caller drops with
 * evms_x_unref(); a returned pointer is borrowed from the handle that was asked, valid until that is
 * dropped or changed; a returned "char **out" is the caller's, to be freed with free().
 * Sizes and offsets are bytes. Results are 0 or a negative errno; out-parameters are written only on
 * success. After a failure evms_engine_get_error() tells what went wrong; docs/errors.md lists the reasons.
 * Unless a function says otherwise no argument may be NULL.
 *
 * Threads: an engine and everything obtained from it belong to one thread at a time; different engines
 * are independent. A struct evms_volume may be used by many threads at once. evms_engine_cancel() may be
 * called from any thread. Callbacks run on the thread that made the call; calling the engine from one gives
 * -EDEADLK.
 */
#ifndef EVMS_H
#define EVMS_H

#ifdef EVMS_PLUGIN_H
#error "a file includes <evms/evms.h> or <evms/plugin.h>, not both"
#endif

#include <evms/version.h>
#include <evms/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One independent instance of the library. @since 1.0 */
struct evms_engine;
/** A snapshot list of objects. @since 1.0 */
struct evms_list;
/** A plug-in as the registry knows it, loaded or not. @since 1.0 */
struct evms_plugin;
/** What went wrong. @since 1.0 */
struct evms_error;
/** What a commit would do, step by step. @since 1.0 */
struct evms_plan;
/** A volume opened for reading and writing. @since 1.0 */
struct evms_volume;

/** The version of the library at run time. Any pointer may be NULL. @since 1.0 */
void evms_get_version(unsigned *major, unsigned *minor, unsigned *patch);

/**
 * @name The engine
 * @{
 */
/**
 * Make an engine. Does no I/O and loads no plug-in.
 * @param out the engine, to be dropped with evms_engine_unref()
 * @param flags 0
 * @return 0, -EINVAL (unknown flags) or -ENOMEM
 * @since 1.0
 */
int evms_engine_new(struct evms_engine **out, uint32_t flags);
/** Take another reference. @return @p engine. @since 1.0 */
struct evms_engine *evms_engine_ref(struct evms_engine *engine);
/** Drop a reference; the last one frees all. NULL is fine. @return NULL. @since 1.0 */
struct evms_engine *evms_engine_unref(struct evms_engine *engine);
/** Why the last call on this engine failed. Borrowed, valid until the next call on it. Never NULL. @since 1.0 */
const struct evms_error *evms_engine_get_error(const struct evms_engine *engine);

/** Severities of messages: the numbers of syslog. @since 1.0 */
enum evms_severity {
	EVMS_SEVERITY_ERROR = 3,	/**< something failed, and the rest went on */
	EVMS_SEVERITY_WARNING = 4,	/**< the user should know */
	EVMS_SEVERITY_INFO = 6,		/**< the user may want to know */
	EVMS_SEVERITY_DEBUG = 7		/**< only for whoever mends libevms */
};
/** Takes a message: one line without a line break. @since 1.0 */
typedef void (*evms_message_fn)(void *user, int severity, const char *text);
/** Takes progress of what goes on. @p total 0: unknown. Return non-zero to cancel. @since 1.0 */
typedef int (*evms_progress_fn)(void *user, const char *what, uint64_t done, uint64_t total);
/**
 * Answers a question with the index of one of the answers.
 * @p safe is the answer that is taken when there is no function, or when it returns something else.
 * @since 1.0
 */
typedef int (*evms_question_fn)(void *user, const char *question, const char *const *answers,
				int count, int safe);
/** Who gets messages; NULL for nobody. @since 1.0 */
void evms_engine_set_message_fn(struct evms_engine *engine, evms_message_fn fn, void *user);
/** Who sees progress and may cancel; NULL for nobody. @since 1.0 */
void evms_engine_set_progress_fn(struct evms_engine *engine, evms_progress_fn fn, void *user);
/** Who answers questions; NULL: the safe answer is taken. @since 1.0 */
void evms_engine_set_question_fn(struct evms_engine *engine, evms_question_fn fn, void *user);
/**
 * Make the call that goes on stop with -ECANCELED as soon as it can. From any thread. Without effect on a commit
 * that has begun to write metadata, before its tools run, and on going back to a model that there was (undo, and
 * after a task that failed). @since 1.0
 */
void evms_engine_cancel(struct evms_engine *engine);
/**
 * Where plug-ins are looked for, instead of the installed directory: directories separated by ':'.
 * Overrides the environment variable EVMS_PLUGIN_PATH. Before the first discovery.
 * @return 0, -EINVAL, -EBUSY (plug-ins are known already) or -ENOMEM
 * @since 1.0
 */
int evms_engine_set_plugin_path(struct evms_engine *engine, const char *path);
/** @} */

/**
 * @name Errors
 * @{
 */
/** @return the positive errno; 0 when nothing failed. @since 1.0 */
int evms_error_get_errno(const struct evms_error *error);
/** @return a stable token, "noun.what"; plug-ins use "<plugin>.what". @since 1.0 */
const char *evms_error_get_reason(const struct evms_error *error);
/** @return the name of the object it is about; "" for none. @since 1.0 */
const char *evms_error_get_object(const struct evms_error *error);
/** @return the name of the plug-in that said so; "" for the engine. @since 1.0 */
const char *evms_error_get_plugin(const struct evms_error *error);
/** @return what is wrong and what to do. @since 1.0 */
const char *evms_error_get_detail(const struct evms_error *error);
/** @return the line to print: "object: plug-in: detail: errno text". @since 1.0 */
const char *evms_error_get_message(const struct evms_error *error);
/** @} */

/**
 * @name Devices and discovery
 * @{
 */
/**
 * Add a block device or image file to what discovery looks at. Nothing is opened yet.
 * @param engine the engine
 * @param path the path; image files are named by their base name
 * @param block_size logical block size of an image file in bytes (512..65536, a power of two), 0 to find out
 * @return 0, -EINVAL, -EEXIST (added already) or -ENOMEM
 * @since 1.0
 */
int evms_engine_add_device(struct evms_engine *engine, const char *path, uint32_t block_size);
/**
 * Add every block device of the system that is no partition, is not made of others (device-mapper, MD) and has a
 * size. RAM disks and network block devices are left out. What was added already stays.
 * @return 0 or -errno (/sys/block cannot be read)
 * @since 1.0
 */
int evms_engine_scan_devices(struct evms_engine *engine);
/**
 * Build the model from what is on the devices. Reads only. Drops tasks that were not committed.
 * A device that cannot be read, or whose content is bad, is reported on its object and by a message;
 * the call fails only when nothing could be done at all.
 * @return 0, -ENOENT (no device was added), -ECANCELED or -ENOMEM
 * @since 1.0
 */
int evms_engine_discover(struct evms_engine *engine);
/**
 * See who uses the disks now: those that are mounted, swapped on, held or locked by somebody get
 * EVMS_STATE_IN_USE and a note that says by whom. A commit looks for itself.
 * @return 0 or -ENOMEM
 * @since 1.0
 */
int evms_engine_find_holders(struct evms_engine *engine);
/** @} */

/**
 * @name Lists
 * @{
 */
/** A snapshot of the objects of these kinds, in the order of discovery. @return 0, -EINVAL or -ENOMEM. @since 1.0 */
int evms_engine_list(struct evms_engine *engine, uint32_t kinds, struct evms_list **out);
/** @return number of objects; 0 for NULL. @since 1.0 */
size_t evms_list_get_length(const struct evms_list *list);
/** @return object @p i, borrowed; NULL past the end. @since 1.0 */
struct evms_object *evms_list_get(const struct evms_list *list, size_t i);
/** Drop a list. @return NULL. @since 1.0 */
struct evms_list *evms_list_unref(struct evms_list *list);
/** Walk a list; NULL is an empty one. @since 1.0 */
#define evms_list_foreach(o, list) \
	for (size_t o##_i = 0; ((o) = evms_list_get((list), o##_i)) != NULL; o##_i++)
/**
 * Find an object by name, path, uuid, serial, label (also of its file system), "PARENT/LABEL" or "DISK/pNUMBER";
 * "KIND:" before it says which kind is meant. Names win over all others.
 * @return it, borrowed from the engine; NULL when none or more than one fits (the error record tells which)
 * @since 1.0
 */
struct evms_object *evms_engine_find(struct evms_engine *engine, uint32_t kinds, const char *name);
/** @} */

/**
 * @name Objects
 * A handle stays valid as long as it is referenced. When its object is gone, getters answer with what
 * was last known and tasks give -ESTALE.
 * @{
 */
/** Take a reference. @return @p object. @since 1.0 */
struct evms_object *evms_object_ref(struct evms_object *object);
/** Drop a reference. NULL is fine. @return NULL. @since 1.0 */
struct evms_object *evms_object_unref(struct evms_object *object);
/** @return a number that is unique in the engine; found again under the same name, an object keeps it. @since 1.0 */
uint64_t evms_object_get_id(const struct evms_object *object);
/** @return one EVMS_KIND_* bit. @since 1.0 */
uint32_t evms_object_get_kind(const struct evms_object *object);
/** @return "disk", "partition", ... @since 1.0 */
const char *evms_object_get_kind_name(const struct evms_object *object);
/** @return the name, unique among objects of its kind; never NULL. @since 1.0 */
const char *evms_object_get_name(const struct evms_object *object);
/** @return the name as stored by the format; "" for none. @since 1.0 */
const char *evms_object_get_label(const struct evms_object *object);
/** @return the uuid as stored by the format; "" for none. @since 1.0 */
const char *evms_object_get_uuid(const struct evms_object *object);
/** @return the serial, unique in the system; the uuid when the format has no other; "" for none. @since 1.0 */
const char *evms_object_get_serial(const struct evms_object *object);
/** @return the path of a device, or of the device or image file of a disk; "" otherwise. @since 1.0 */
const char *evms_object_get_path(const struct evms_object *object);
/** @return the name of the plug-in that made it; "" for the engine. @since 1.0 */
const char *evms_object_get_plugin(const struct evms_object *object);
/** @return the name of the partition manager that owns the partitions of a disk; "" for none. @since 1.0 */
const char *evms_object_get_manager(const struct evms_object *object);
/** @return bytes. @since 1.0 */
uint64_t evms_object_get_size(const struct evms_object *object);
/** @return bytes from the start of its parent; 0 without one. @since 1.0 */
uint64_t evms_object_get_offset(const struct evms_object *object);
/** @return bytes of a logical block. @since 1.0 */
uint32_t evms_object_get_block_size(const struct evms_object *object);
/** @return EVMS_STATE_* bits. @since 1.0 */
uint32_t evms_object_get_state(const struct evms_object *object);
/** @return what is the matter with it, line @p i; NULL past the end. @since 1.0 */
const char *evms_object_get_note(const struct evms_object *object, size_t i);
/** @return the stable reason token of line @p i, "gpt.backup" for one; NULL past the end. @since 1.0 */
const char *evms_object_get_note_reason(const struct evms_object *object, size_t i);
/** @return the disk or group that it was cut from; NULL for none. @since 1.0 */
struct evms_object *evms_object_get_parent(const struct evms_object *object);
/** @return object number @p i that it is made of; NULL past the end. @since 1.0 */
struct evms_object *evms_object_get_input(const struct evms_object *object, size_t i);
/** @return object number @p i that uses it or was cut from it; NULL past the end. @since 1.0 */
struct evms_object *evms_object_get_output(const struct evms_object *object, size_t i);
/** Entry @p i of the space list of a disk or group. @return 0 or -ERANGE. @since 1.0 */
int evms_object_get_space(const struct evms_object *object, size_t i, struct evms_space *out);
/** Stretch @p i of the map. @return 0 or -ERANGE. @since 1.0 */
int evms_object_get_map(const struct evms_object *object, size_t i, struct evms_map_entry *out);
/** Input @p leg of stretch @p i of the map, and the offset in it. @return 0 or -ERANGE. @since 1.0 */
int evms_object_get_map_input(const struct evms_object *object, size_t i, size_t leg,
			      struct evms_object **input, uint64_t *offset);
/** The geometry of a disk. @return 0 or -ENOENT. @since 1.0 */
int evms_object_get_geometry(const struct evms_object *object, struct evms_geometry *out);
/** Property @p i: its key and value, borrowed. @return 0 or -ERANGE. @since 1.0 */
int evms_object_get_property(const struct evms_object *object, size_t i, const char **key,
			     struct evms_value *out);
/** Property by key. @return 0 or -ENOENT. @since 1.0 */
int evms_object_get_value(const struct evms_object *object, const char *key, struct evms_value *out);
/**
 * How large and small it can become in place, in bytes. A file system on it counts for the smallest size.
 * @return 0, -ENOTSUP (its size cannot be changed), -ESTALE or what the plug-in says
 * @since 1.0
 */
int evms_object_get_limits(struct evms_object *object, struct evms_limits *out);
/** @return the file-system module that knows the volume; "" for none. @since 1.0 */
const char *evms_object_get_fs_plugin(const struct evms_object *object);
/** @return "ext4", "xfs", ...; "" when there is nothing or it is unknown. @since 1.0 */
const char *evms_object_get_fs_type(const struct evms_object *object);
/** @return label of the file system; "" for none. @since 1.0 */
const char *evms_object_get_fs_label(const struct evms_object *object);
/** @return uuid of the file system; "" for none. @since 1.0 */
const char *evms_object_get_fs_uuid(const struct evms_object *object);
/** @return bytes the file system covers; 0 when unknown. @since 1.0 */
uint64_t evms_object_get_fs_size(const struct evms_object *object);
/** @return bytes in use; UINT64_MAX when unknown. @since 1.0 */
uint64_t evms_object_get_fs_used(const struct evms_object *object);
/**
 * What libblkid recognises on an object that no plug-in claimed. Reads the device, and sees what was staged.
 * @param object the object
 * @param out the type as libblkid names it, "" for nothing
 * @return 0, -EIO or -ENOMEM
 * @since 1.0
 */
int evms_object_probe_signature(struct evms_object *object, char **out);
/** @} */

/**
 * @name Plug-ins
 * @{
 */
/** Learn the plug-ins of the plug-in path now instead of at the first discovery. @return 0 or -ENOMEM. @since 1.0 */
int evms_engine_load_plugins(struct evms_engine *engine);
/** Load one plug-in by its file. @return 0, -ENOENT, -ENOEXEC (not our ABI), -EEXIST (name or id taken), -EBUSY. @since 1.0 */
int evms_engine_load_plugin(struct evms_engine *engine, const char *path);
/** @return plug-in number @p i, ordered by class, priority and name; NULL past the end. @since 1.0 */
const struct evms_plugin *evms_engine_get_plugin(const struct evms_engine *engine, size_t i);
/** @return the plug-in of that name, or NULL. @since 1.0 */
const struct evms_plugin *evms_engine_find_plugin(const struct evms_engine *engine, const char *name);
/** @return its name. @since 1.0 */
const char *evms_plugin_get_name(const struct evms_plugin *plugin);
/** @return its numeric id. @since 1.0 */
uint64_t evms_plugin_get_id(const struct evms_plugin *plugin);
/** @return its version. @since 1.0 */
const char *evms_plugin_get_version(const struct evms_plugin *plugin);
/** @return one line about it. @since 1.0 */
const char *evms_plugin_get_summary(const struct evms_plugin *plugin);
/** @return the file it comes from. @since 1.0 */
const char *evms_plugin_get_file(const struct evms_plugin *plugin);
/** @return EVMS_ROLE_*. @since 1.0 */
uint32_t evms_plugin_get_role(const struct evms_plugin *plugin);
/** @return "device-manager", "partition-manager", "group-emulator", "feature" or "file-system". @since 1.0 */
const char *evms_plugin_get_role_name(const struct evms_plugin *plugin);
/** @return mask of the EVMS_OP_BIT()s that it offers. @since 1.0 */
uint32_t evms_plugin_get_ops(const struct evms_plugin *plugin);
/** @return 1 when its code is in memory, 0 when it is only known. @since 1.0 */
int evms_plugin_is_loaded(const struct evms_plugin *plugin);
/** @return option number @p i; NULL past the end. Valid also after the plug-in was unloaded. @since 1.0 */
const struct evms_option *evms_plugin_get_option(const struct evms_plugin *plugin, size_t i);
/** @return "create", "expand", ...; NULL for an unknown operation. @since 1.0 */
const char *evms_op_get_name(uint32_t op);
/** @} */

/**
 * @name Tasks
 * Make one, add inputs, set options, run it. Running changes the model in memory only.
 * @{
 */
/**
 * Make a task.
 * @param engine the engine
 * @param plugin name of the plug-in that is to do it; NULL: the owner of input 0
 * @param op EVMS_OP_*
 * @param out the task
 * @return 0, -EINVAL, -ENOENT (no such plug-in), -ENOTSUP (it does not offer this) or -ENOMEM
 * @since 1.0
 */
int evms_task_new(struct evms_engine *engine, const char *plugin, uint32_t op, struct evms_task **out);
/** Drop a task. @return NULL. @since 1.0 */
struct evms_task *evms_task_unref(struct evms_task *task);
/** Add an input; the first one is the object worked on. @return 0, -ESTALE, -EINVAL (of another engine) or -ENOMEM. @since 1.0 */
int evms_task_add_input(struct evms_task *task, struct evms_object *object);
/** Set an option as text, after the first input or with the plug-in given. @return 0, -ENOENT (no such option; the detail proposes one), -EINVAL, -ERANGE or -ENOMEM. @since 1.0 */
int evms_task_set(struct evms_task *task, const char *option, const char *value);
/** Is this object acceptable as next input? 0, or an error whose detail is the reason. @since 1.0 */
int evms_task_accepts(struct evms_task *task, struct evms_object *object);
/** The objects that are acceptable as next input. @return 0 or -errno. @since 1.0 */
int evms_task_list_acceptable(struct evms_task *task, struct evms_list **out);
/**
 * Change the model. On failure the model is as before. Nothing is ever written by this call.
 * @return 0 or what the operation says; -ESTALE when an input is gone
 * @since 1.0
 */
int evms_task_run(struct evms_task *task);
/** @return object number @p i that the task made; NULL past the end. @since 1.0 */
struct evms_object *evms_task_get_output(const struct evms_task *task, size_t i);
/** Take back the last task that was run and not committed. @return 0, -ENOENT (there is none) or an error of discovery. @since 1.0 */
int evms_engine_undo(struct evms_engine *engine);
/**
 * Take back all tasks but the first @p count that were run and not committed.
 * @return 0, -ENOENT (there are no more than that) or an error of discovery
 * @since 1.0
 */
int evms_engine_undo_to(struct evms_engine *engine, size_t count);
/** @return number of tasks run and not committed. @since 1.0 */
size_t evms_engine_get_task_count(const struct evms_engine *engine);
/** @} */

/**
 * @name Layouts
 * @{
 */
/**
 * Run the tasks that bring the devices to what a layout file describes (docs/layout.md). Idempotent:
 * what is there already makes no task. When it fails no task of it is left.
 * @param engine the engine
 * @param json the text of the layout
 * @param length its length in bytes
 * @param disks the disks that the layout's disks stand for, in its order
 * @param disk_count their number
 * @return 0, -EINVAL (the detail gives the path in the file), -ENOSPC (needs and has are told), -ENOENT
 * @since 1.0
 */
int evms_engine_run_layout(struct evms_engine *engine, const char *json, size_t length,
			   struct evms_object *const *disks, size_t disk_count);
/** @} */

/**
 * @name Plan and commit
 * @{
 */
/**
 * What a commit would do now. Stages every byte in memory, then discovers again through what was staged
 * and compares. Cannot write: devices are open read-only.
 * @return 0, -EPROTO (what would be found differs from the model: the detail names object and plug-in), -EIO or -ENOMEM
 * @since 1.0
 */
int evms_engine_plan(struct evms_engine *engine, struct evms_plan **out);
/** Drop a plan. @return NULL. @since 1.0 */
struct evms_plan *evms_plan_unref(struct evms_plan *plan);
/** @return number of steps; 0: nothing to do. @since 1.0 */
size_t evms_plan_get_length(const struct evms_plan *plan);
/** @return step @p i in words; NULL past the end. @since 1.0 */
const char *evms_plan_get_step(const struct evms_plan *plan, size_t i);
/** The plan as JSON "evms.plan/1": steps, byte ranges, tools. @return 0 or -ENOMEM. @since 1.0 */
int evms_plan_to_json(const struct evms_plan *plan, char **out);
/**
 * Write what was planned, phase by phase with a flush between, then run the tools of file systems. File systems
 * that shrink do so first. Plans and verifies again before anything is opened for writing (docs/changes.md).
 * @param engine the engine
 * @param flags 0
 * @return 0 when all is on stable storage; -EPROTO (as evms_engine_plan(); nothing was written), -EBUSY (mounted or
 * held; nothing was written), -ESTALE (a disk changed or is another one; nothing was written), -EROFS, -EACCES
 * (nothing was written), -EIO, -ENOSPC or -ECANCELED (reason "commit.partial": some was written; what is left is
 * still planned)
 * @since 1.0
 */
int evms_engine_commit(struct evms_engine *engine, uint32_t flags);
/** @} */

/**
 * @name Views
 * @{
 */
/** The model as JSON "evms.show/1" (docs/json.md). @return 0 or -ENOMEM. @since 1.0 */
int evms_engine_to_json(struct evms_engine *engine, char **out);
/** The plug-ins as JSON "evms.plugins/1". @return 0 or -ENOMEM. @since 1.0 */
int evms_engine_plugins_to_json(struct evms_engine *engine, char **out);
/** @} */

/**
 * @name The runtime: bytes of a volume
 * @{
 */
/** Open for reading only. @since 1.0 */
#define EVMS_VOLUME_READ_ONLY	(1u << 0)
/**
 * The runtime table of an object that holds data: all that is needed to use it (docs/runtime-table.md).
 * @return 0, -ENOTSUP (no data, or uncommitted changes beneath it), -ENOMEM
 * @since 1.0
 */
int evms_object_get_table(struct evms_object *object, char **out);
/**
 * Open an object that holds data and has no uncommitted changes beneath it. Open for writing, it keeps commits on
 * its devices away. The volume does not need the engine any more.
 * @param object the object
 * @param flags EVMS_VOLUME_READ_ONLY or 0
 * @param out the volume
 * @return 0, -EBUSY (a commit is under way), -EROFS, -ESTALE (gone, or another device behind the name), -ENOTSUP,
 * -EINVAL, -EIO or -ENOMEM
 * @since 1.0
 */
int evms_volume_open(struct evms_object *object, uint32_t flags, struct evms_volume **out);
/**
 * Open from a runtime table, without an engine.
 * @param table the text of the table
 * @param length its length in bytes
 * @param flags EVMS_VOLUME_READ_ONLY or 0
 * @param plugin_path where plug-ins that provide targets are found; NULL for the default
 * @param error what went wrong, may be NULL; written on failure
 * @param error_size bytes of it
 * @param out the volume
 * @return 0, -EINVAL (not a table), -ESTALE (another device behind the name), -EROFS, -EBUSY (a commit is under way),
 * -ENOTSUP (no plug-in for a target), -EIO, -ENOMEM, or as open()
 * @since 1.0
 */
int evms_volume_open_table(const char *table, size_t length, uint32_t flags, const char *plugin_path,
			   char *error, size_t error_size, struct evms_volume **out);
/** Flush and close. NULL is fine. @return 0 or the result of the flush; the handle is gone either way. @since 1.0 */
int evms_volume_close(struct evms_volume *volume);
/** @return bytes. @since 1.0 */
uint64_t evms_volume_get_size(const struct evms_volume *volume);
/** @return bytes of a logical block. @since 1.0 */
uint32_t evms_volume_get_block_size(const struct evms_volume *volume);
/** Read all of @p len bytes. @return 0, -ERANGE, -EIO. @since 1.0 */
int evms_volume_read(struct evms_volume *volume, void *buf, size_t len, uint64_t offset);
/** Write all of @p len bytes. @return 0, -ERANGE, -EROFS, -ENOSPC, -EIO. @since 1.0 */
int evms_volume_write(struct evms_volume *volume, const void *buf, size_t len, uint64_t offset);
/** Make a stretch read as zeros, by discarding where that gives zeros. @return as evms_volume_write(). @since 1.0 */
int evms_volume_zero(struct evms_volume *volume, uint64_t offset, uint64_t len);
/** Say that the content of a stretch is not needed. @return as evms_volume_write(). @since 1.0 */
int evms_volume_discard(struct evms_volume *volume, uint64_t offset, uint64_t len);
/** All that was written is on stable storage when this returns 0. After one failure it fails always. @since 1.0 */
int evms_volume_flush(struct evms_volume *volume);
/** @} */

#ifdef __cplusplus
}
#endif
#endif
