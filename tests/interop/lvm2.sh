# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# shellcheck disable=SC2154
# Sourced by the tests of lvm2, after lib.sh: loop devices with nodes of our own, LVM2's tools that see only
# those, and what LVM2 and we say of a group, both as the same lines of JSON.

mkdir -p dev lvm
lvm_config="global { activation=0 locking_dir=\"$scratch/lvm\" system_id_source=\"none\" }
devices { dir=\"$scratch/dev\" scan=[\"$scratch/dev\"] use_devicesfile=0 filter=[\"a|.*|\"]
global_filter=[\"a|.*|\"] obtain_device_list_from_udev=0 external_device_info_source=\"none\" hints=\"none\"
sysfs_scan=0 md_component_detection=0 multipath_component_detection=0 ${lvm_scan_lvs:+scan_lvs=1} }
backup { backup=0 archive=0 backup_dir=\"$scratch/lvm\" archive_dir=\"$scratch/lvm\" }
activation { udev_sync=0 udev_rules=0 monitoring=0 }"

detach_loops() {
	losetup -n -O NAME,BACK-FILE 2>/dev/null | while read -r loop_ back_; do
		case $back_ in
		"$scratch"/*) losetup -d "$loop_" ;;
		esac
	done
}
cleanup detach_loops

# attach NAME FILE [BLOCK-SIZE]: dev/NAME is a loop device of the file.
attach() {
	try_=0
	until loop_=$(losetup -f --show ${3:+-b "$3"} "$2" 2>losetup.err); do
		# The next one may not be in /dev yet, or somebody else was quicker.
		next_=$(losetup -f 2>/dev/null) || next_=
		[ -z "$next_" ] || [ -b "$next_" ] || mknod "$next_" b 7 "${next_#/dev/loop}" 2>/dev/null || :
		try_=$((try_ + 1))
		[ $try_ -lt 20 ] || return 1
		sleep 0.1
	done
	rm -f "dev/$1"
	mknod "dev/$1" b 7 "${loop_#/dev/loop}"
	echo "$loop_" >"lvm/$1.loop"
}

# pv_disk NAME SIZE [BLOCK-SIZE]: an empty image NAME.img and its loop device dev/NAME.
pv_disk() {
	disk "$1.img" "$2"
	attach "$1" "$1.img" "$3" || skip "there are no loop devices: $(cat losetup.err)"
}

# detach NAME...: take loop devices and their nodes away; the images stay.
detach() {
	for name_ in "$@"; do
		losetup -d "$(cat "lvm/$name_.loop")"
		rm -f "dev/$name_" "lvm/$name_.loop"
	done
}

# all_gone: no device of the test is left.
all_gone() {
	for node_ in dev/*; do
		[ -b "$node_" ] && detach "${node_#dev/}"
	done
	rm -f ./*.img
}

# lvm COMMAND...: one of LVM2's tools; it must succeed, and say nothing on standard error. What it prints is in
# lvm.out. It wants whole paths of devices.
lvm() {
	tool_=$1
	shift
	for word_ in "$@"; do
		shift
		case $word_ in
		dev/*) word_=$scratch/$word_ ;;
		esac
		set -- "$@" "$word_"
	done
	"$tool_" --config "$lvm_config" "$@" >lvm.out 2>lvm.err || fail "$tool_ $*: $(cat lvm.err)"
	rm -rf dev/mapper
	# What changes a group warns when it was told not to zero.
	grep -v 'mapper/control\|device-mapper\|libdevmapper\|active volumes\|Activation disabled\|NOT backed up\|not zeroed\.$\|Wiping .* signature\|^ *$' lvm.err >lvm.warnings || return 0
	fail "$tool_ $* warns: $(cat lvm.warnings)"
}

lvm_new() {
	lvm lvcreate -y -an -Zn -Wn "$@"
}

lvm_json() {
	report_=$1
	shift
	lvm "$report_" --reportformat json --units b --nosuffix "$@"
	cat lvm.out
}

# native_group VG: the group as LVM2 sees it.
native_group() {
	lvm_json vgs -o vg_name,vg_uuid,vg_size,vg_extent_size,vg_seqno,vg_free,pv_count,lv_count "$1" >vgs.json
	lvm_json pvs -o pv_name,pv_size,pv_free,pe_start --select "vg_name=$1" >pvs.json
	lvm_json pvs --segments -o pv_name,pvseg_start,pvseg_size,segtype --select "vg_name=$1" >pvsegs.json
	lvm_json lvs -a --segments -o \
		lv_name,lv_uuid,lv_size,lv_attr,segtype,seg_start,seg_size,stripes,stripe_size,devices \
		"$1" >lvs.json
	jq -n -S -c --slurpfile vgs vgs.json --slurpfile pvs pvs.json --slurpfile free pvsegs.json \
		--slurpfile lvs lvs.json '
	$vgs[0].report[0].vg[0] as $vg | ($vg.vg_extent_size | tonumber) as $extent |
	([$pvs[0].report[0].pv[] | {key: .pv_name, value: (.pe_start | tonumber)}] | from_entries) as $start |
	{vg: $vg.vg_name, uuid: $vg.vg_uuid, size: ($vg.vg_size | tonumber), extent: $extent,
	 seqno: ($vg.vg_seqno | tonumber), free: ($vg.vg_free | tonumber)},
	([$free[0].report[0].pvseg[]? | select(.segtype == "free") |
	  {free: (.pv_name | split("/") | last), start: ((.pvseg_start | tonumber) * $extent),
	   size: ((.pvseg_size | tonumber) * $extent)}] | sort_by(.free, .start)[]),
	([$lvs[0].report[0].seg[]? | {
	  lv: (.lv_name | gsub("[\\[\\]]"; "")), uuid: .lv_uuid, size: (.lv_size | tonumber),
	  rw: (if .lv_attr[1:2] == "r" then "read-only" else "writeable" end), start: (.seg_start | tonumber), len: (.seg_size | tonumber),
	  type: .segtype, chunk: (if .segtype == "striped" then .stripe_size | tonumber else null end),
	  on: [.devices | split(",")[] | select(. != "") | capture("(?<d>.*)\\((?<e>[0-9]+)\\)$") |
	       [(.d | split("/") | last), $start[.d] + (.e | tonumber) * $extent]]}] |
	 sort_by(.lv, .start)[])'
}

# our_group VG [DEVICE...]: the same as evms sees it; native_group goes before, for the sizes of the members.
our_group() {
	group_=$1
	shift
	[ $# -gt 0 ] || set -- dev/*
	evms show --json "$@" >show.json || fail "evms show $*"
	jq -S -c --arg vg "$group_" --slurpfile pvs pvs.json '
	(.objects | map({key: (.id | tostring), value: .}) | from_entries) as $by |
	([$pvs[0].report[0].pv[] | {key: (.pv_name | split("/") | last), value: (.pv_size | tonumber)}] |
	 from_entries) as $size |
	(.objects[] | select(.kind == "group" and .name == $vg)) as $g |
	[$g.inputs[] | $by[tostring].name | split("/") | last] as $members |
	([foreach $members[] as $m ({at: 0}; {m: $m, base: .at, at: (.at + $size[$m])})]) as $bases |
	{vg: $g.label, uuid: $g.uuid, size: $g.size, extent: $g.properties["lvm2.extent-size"],
	 seqno: $g.properties["lvm2.seqno"],
	 free: ([$g.space[]? | select(.kind == "free") | .size] | add // 0)},
	# Free space of the group may go over the end of a member.
	([$g.space[]? | select(.kind == "free") | . as $f | $bases[] |
	  ([$f.offset, .base] | max) as $from | ([$f.offset + $f.size, .at] | min) as $to |
	  select($to > $from) | {free: .m, start: ($from - .base), size: ($to - $from)}] |
	 sort_by(.free, .start)[]),
	([.objects[] | select(.kind == "region" and .parent == $g.id) | . as $r |
	  .map[]? // {offset: 0, size: .size, target: "none"} | {
	  lv: $r.label, uuid: $r.uuid, size: $r.size,
	  rw: (if $r.state | index("read-only") then "read-only" else "writeable" end),
	  start: .offset, len: .size, type: .target, chunk: .chunk,
	  on: [if .legs then .legs[] else . end | select(.input) |
	       [($by[.input | tostring].name | split("/") | last), .input_offset]]}] |
	 sort_by(.lv, .start)[])' show.json
}

# same_group VG WHAT [DEVICE...]: LVM2 and we see the same.
same_group() {
	group_=$1 what_=$2
	shift 2
	native_group "$group_" >rows.native
	our_group "$group_" "$@" >rows.ours
	[ -s rows.native ] || fail "$what_: LVM2 sees no group"
	[ -z "$LVM2_TEST_DEBUG" ] || cp ./*.json "$LVM2_TEST_DEBUG"
	diff -u rows.native rows.ours >&2 || fail "$what_: another group than LVM2's"
}

# valid_group VG WHAT: LVM2 finds nothing wrong with it either.
valid_group() {
	same_group "$1" "$2"
	lvm vgck "$1"
	lvm vgcfgbackup -f "lvm/$1.backup" "$1"
	for member_ in $(jq -r '.report[0].pv[].pv_name' pvs.json); do
		lvm pvck "$member_"
	done
	assert_eq "[]" "$(jq -c --arg vg "$1" '[.objects[] | select(.kind == "group" and .name == $vg) |
		(.state[], .notes[]?)]' show.json)" "$2: state of the group"
}

# evms, quietly, on the devices of the test; the output only when it fails.
do_evms() {
	evms "$@" dev/* --yes >evms.out 2>&1 || fail "evms $*: $(cat evms.out)"
	! grep -qi 'sanitizer\|runtime error\|warning' evms.out || fail "evms $*: $(cat evms.out)"
}

lvm_pattern=1
# pattern FILE SIZE: text that differs all over, and from that of other files.
pattern() {
	lvm_pattern=$((lvm_pattern + 1))
	seq -f "$lvm_pattern:%028.0f" 1 $(($2 / 30 + 1)) | head -c "$2" >"$1"
}
