/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where every member of every public structure lies, in numbers (64-bit). Numbers that are here never
 * change: a plug-in built years ago counts on them. What is added to a structure goes to its end, gets
 * a line at the end here (make-layout), and changes the size only.
 */
#include <evms/plugin.h>

EVMS_HIDDEN_ const struct evms_host *evms_host_;

#define AT(member, offset) \
	_Static_assert(offsetof(struct STRUCT, member) == (offset), "ABI: " #member " has moved")
#define SIZE(size) _Static_assert(sizeof(struct STRUCT) == (size), "ABI: the size has changed")

#if UINTPTR_MAX == UINT64_MAX

#define STRUCT evms_option
AT(name, 0);
AT(help, 8);
AT(fallback, 16);
AT(choices, 24);
AT(type, 32);
AT(flags, 36);
AT(ops, 40);
AT(pad, 44);
AT(min, 48);
AT(max, 56);
SIZE(64);
#undef STRUCT

#define STRUCT evms_value
AT(type, 0);
AT(pad, 4);
AT(u, 8);
AT(pad2, 16);
SIZE(24);
#undef STRUCT

#define STRUCT evms_geometry
AT(cylinders, 0);
AT(heads, 8);
AT(sectors, 12);
SIZE(16);
#undef STRUCT

#define STRUCT evms_limits
AT(min_size, 0);
AT(max_size, 8);
AT(step, 16);
SIZE(24);
#undef STRUCT

#define STRUCT evms_space
AT(offset, 0);
AT(size, 8);
AT(kind, 16);
AT(pad, 20);
AT(object, 24);
SIZE(32);
#undef STRUCT

#define STRUCT evms_map_entry
AT(offset, 0);
AT(size, 8);
AT(target, 16);
AT(chunk, 24);
AT(input_count, 32);
AT(pad, 36);
SIZE(40);
#undef STRUCT

#define STRUCT evms_fs_info
AT(size_of, 0);
AT(pad, 4);
AT(type, 8);
AT(label, 16);
AT(uuid, 24);
AT(size, 32);
AT(used, 40);
AT(min_size, 48);
AT(max_size, 56);
AT(step, 64);
SIZE(72);
#undef STRUCT

#define STRUCT evms_host
AT(size, 0);
AT(abi_major, 4);
AT(abi_minor, 6);
AT(get_kind, 8);
AT(get_state, 16);
AT(get_size, 24);
AT(get_offset, 32);
AT(get_block_size, 40);
AT(get_physical_block_size, 48);
AT(get_name, 56);
AT(get_label, 64);
AT(get_uuid, 72);
AT(get_path, 80);
AT(get_geometry, 88);
AT(get_parent, 96);
AT(get_consumer, 104);
AT(get_input_count, 112);
AT(get_input, 120);
AT(get_space_count, 128);
AT(get_space, 136);
AT(is_mine, 144);
AT(get_private, 152);
AT(set_private, 160);
AT(set_name, 168);
AT(set_label, 176);
AT(set_uuid, 184);
AT(set_serial, 192);
AT(set_size, 200);
AT(set_block_size, 208);
AT(set_geometry, 216);
AT(set_u64, 224);
AT(set_str, 232);
AT(set_fs, 240);
AT(note, 248);
AT(clear_state, 256);
AT(mark_dirty, 264);
AT(produce, 272);
AT(consume, 280);
AT(give_up, 288);
AT(remove, 296);
AT(add_metadata, 304);
AT(remove_metadata, 312);
AT(add_partition, 320);
AT(move_partition, 328);
AT(allocate, 336);
AT(release_space, 344);
AT(map, 352);
AT(clear_map, 360);
AT(read, 368);
AT(write, 376);
AT(zero, 384);
AT(join, 392);
AT(members_get_key, 400);
AT(members_get_count, 408);
AT(members_get, 416);
AT(members_take, 424);
AT(members_is_final, 432);
AT(task_get_op, 440);
AT(task_get_input_count, 448);
AT(task_get_input, 456);
AT(task_has, 464);
AT(task_get_str, 472);
AT(task_get_u64, 480);
AT(task_progress, 488);
AT(tool, 496);
AT(fail, 504);
AT(task_fail, 512);
AT(crc32, 520);
AT(crc32c, 528);
AT(random, 536);
AT(task_set, 544);
AT(tool_possible, 552);
SIZE(560);
#undef STRUCT

#define STRUCT evms_magic
AT(bytes, 0);
AT(len, 8);
AT(flags, 12);
AT(offset, 16);
AT(align, 24);
SIZE(32);
#undef STRUCT

#define STRUCT evms_feature_order
AT(classes, 0);
AT(preferred, 4);
AT(flags, 8);
AT(weight, 12);
SIZE(16);
#undef STRUCT

#define STRUCT evms_setup
AT(size, 0);
AT(pad, 4);
AT(probe, 8);
AT(claim, 16);
AT(assemble, 24);
AT(release, 32);
AT(acceptable, 40);
AT(get_limits, 48);
AT(create, 56);
AT(assign, 64);
AT(unassign, 72);
AT(remove, 80);
AT(expand, 88);
AT(shrink, 96);
AT(move, 104);
AT(slide, 112);
AT(rename, 120);
AT(set, 128);
AT(replace, 136);
AT(repair, 144);
AT(mkfs, 152);
AT(check, 160);
AT(unmkfs, 168);
AT(write, 176);
AT(execute, 184);
AT(committed, 192);
SIZE(200);
#undef STRUCT

#define STRUCT evms_target_ops
AT(size, 0);
AT(pad, 4);
AT(name, 8);
AT(open, 16);
AT(close, 24);
AT(read, 32);
AT(write, 40);
AT(flush, 48);
SIZE(56);
#undef STRUCT

#define STRUCT evms_runtime_host
AT(size, 0);
AT(pad, 4);
AT(get_size, 8);
AT(read, 16);
AT(write, 24);
AT(flush, 32);
SIZE(40);
#undef STRUCT

#define STRUCT evms_runtime
AT(size, 0);
AT(pad, 4);
AT(targets, 8);
AT(init, 16);
SIZE(24);
#undef STRUCT

#define STRUCT evms_device_facts
AT(path, 0);
AT(size, 8);
AT(mode, 16);
AT(logical_block_size, 20);
AT(physical_block_size, 24);
AT(read_only, 28);
AT(wanted_block_size, 32);
AT(pad, 36);
AT(geometry, 40);
SIZE(56);
#undef STRUCT

#define STRUCT evms_device_manager
AT(size, 0);
AT(pad, 4);
AT(claim, 8);
AT(describe, 16);
SIZE(24);
#undef STRUCT

#define STRUCT evms_plugin
AT(size, 0);
AT(abi_major, 4);
AT(abi_minor, 6);
AT(id, 8);
AT(name, 16);
AT(version, 24);
AT(summary, 32);
AT(role, 40);
AT(priority, 44);
AT(setup, 48);
AT(runtime, 56);
AT(devices, 64);
AT(magics, 72);
AT(magic_count, 80);
AT(magic_size, 84);
AT(options, 88);
AT(option_size, 96);
AT(head_window, 100);
AT(tail_window, 104);
AT(order, 108);
AT(pad, 124);
SIZE(128);
#undef STRUCT

_Static_assert(EVMS_PLUGIN_SIZE_1_0 == 128, "ABI: size of the first descriptor");
_Static_assert(EVMS_PLUGIN_ABI_MAJOR == 1, "ABI: another major version is another entry symbol");

#endif

#define IS(name, value) _Static_assert((name) == (value), "ABI: " #name " has another value")

IS(EVMS_KIND_DEVICE, 1);
IS(EVMS_KIND_DISK, 2);
IS(EVMS_KIND_METADATA, 4);
IS(EVMS_KIND_FREE, 8);
IS(EVMS_KIND_PARTITION, 16);
IS(EVMS_KIND_GROUP, 32);
IS(EVMS_KIND_REGION, 64);
IS(EVMS_KIND_FEATURE, 128);
IS(EVMS_KIND_VOLUME, 256);
IS(EVMS_STATE_NEW, 1);
IS(EVMS_STATE_DIRTY, 2);
IS(EVMS_STATE_READ_ONLY, 4);
IS(EVMS_STATE_DEGRADED, 8);
IS(EVMS_STATE_INCOMPLETE, 16);
IS(EVMS_STATE_IN_USE, 32);
IS(EVMS_STATE_MISSING, 64);
IS(EVMS_STATE_DAMAGED, 128);
IS(EVMS_STATE_UNSUPPORTED, 256);
IS(EVMS_STATE_INTERNAL, 512);
IS(EVMS_OP_CREATE, 0);
IS(EVMS_OP_ASSIGN, 1);
IS(EVMS_OP_UNASSIGN, 2);
IS(EVMS_OP_DELETE, 3);
IS(EVMS_OP_EXPAND, 4);
IS(EVMS_OP_SHRINK, 5);
IS(EVMS_OP_MOVE, 6);
IS(EVMS_OP_SLIDE, 7);
IS(EVMS_OP_RENAME, 8);
IS(EVMS_OP_SET, 9);
IS(EVMS_OP_REPLACE, 10);
IS(EVMS_OP_REPAIR, 11);
IS(EVMS_OP_MKFS, 12);
IS(EVMS_OP_CHECK, 13);
IS(EVMS_OP_UNMKFS, 14);
IS(EVMS_OP_WIPE, 15);
IS(EVMS_ROLE_DEVICE_MANAGER, 1);
IS(EVMS_ROLE_PARTITION_MANAGER, 2);
IS(EVMS_ROLE_GROUP_EMULATOR, 3);
IS(EVMS_ROLE_FEATURE, 4);
IS(EVMS_ROLE_FILE_SYSTEM, 5);
IS(EVMS_TYPE_BOOL, 1);
IS(EVMS_TYPE_U64, 2);
IS(EVMS_TYPE_SIZE, 3);
IS(EVMS_TYPE_STR, 4);
IS(EVMS_TYPE_CHOICE, 5);
IS(EVMS_OPTION_REQUIRED, 1);
IS(EVMS_OPTION_PERCENT, 2);
IS(EVMS_NOT_MINE, 0);
IS(EVMS_MINE, 1);
IS(EVMS_DAMAGED, 2);
IS(EVMS_WAIT, 1);
IS(EVMS_PHASE_NEW, 0);
IS(EVMS_PHASE_SECONDARY, 1);
IS(EVMS_PHASE_PRIMARY, 2);
IS(EVMS_PHASE_FINISH, 3);
IS(EVMS_PHASE_WIPE, 4);
IS(EVMS_TOOL_READ_ONLY, 1);
IS(EVMS_TOOL_MOUNTED, 2);
IS(EVMS_TOOL_FRESH, 4);
IS(EVMS_MAGIC_BLOCKS, 1);
IS(EVMS_MAGIC_ANY_BLOCK, 2);
IS(EVMS_FEATURE_PARTITION, 1);
IS(EVMS_FEATURE_AGGREGATE, 2);
IS(EVMS_FEATURE_VOLUME, 4);
IS(EVMS_FEATURE_GLOBAL_EXCLUSIVE, 1);
IS(EVMS_FEATURE_CLASS_EXCLUSIVE, 2);
IS(EVMS_FEATURE_TOP_EXCLUSIVE, 4);
IS(EVMS_FEATURE_BOTTOM_EXCLUSIVE, 8);

int main(void)
{
	/* All was said while compiling. */
	return 0;
}
