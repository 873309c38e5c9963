# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# Sourced by the tests of partition managers, after lib.sh: what the native tools say of a table, what we
# say of it, both as the same lines of JSON, and both compared.

# One JSON line for the disk, then one a partition. Type names and words for attributes become what is stored.
pt_native_rows='
def bits: [(. // "") | gsub("GUID:"; "") | split("[ ,]+"; null)[] | select(. != "") |
	{"RequiredPartition": 0, "NoBlockIOProtocol": 1, "LegacyBIOSBootable": 2}[.] // tonumber] | sort;
.partitiontable | . as $t |
{id: (.id | ascii_downcase | ltrimstr("0x")), block_size: .sectorsize, type: .label},
([.partitions[]? | (.node | ltrimstr($t.device) | ltrimstr("p") | tonumber) as $n |
  if $t.label == "gpt" then
	{n: $n, start, size, type: (.type | ascii_downcase), uuid: (.uuid | ascii_downcase),
	 name: (.name // ""), bits: (.attrs | bits)}
  else
	select(.type != "5" and .type != "f" and .type != "85") |
	{n: $n, start, size, type, active: (.bootable // false)}
  end] | sort_by(.n)[])'

pt_our_rows='
def bits: [(. // "") | split(",")[] | select(. != "") |
	{"required": 0, "no-block-io": 1, "legacy-boot": 2, "grow-fs": 59, "read-only": 60, "hidden": 62,
	 "no-auto": 63}[.] // tonumber] | sort;
(.objects[] | select(.kind == "disk" and .name == $disk)) as $d |
{id: $d.uuid, block_size: $d.block_size,
 type: ([.objects[] | select(.kind == "metadata" and .parent == $d.id) | .plugin] | first)},
([.objects[] | select(.kind == "partition" and .parent == $d.id) |
  {start: (.offset / $d.block_size), size: (.size / $d.block_size)} + if .plugin == "gpt" then
	{n: .properties["gpt.number"], type: .properties["gpt.type-guid"], uuid, name: .label,
	 bits: (.properties["gpt.attributes"] | bits)}
  else
	{n: .properties["dos.number"], type: (.properties["dos.type-number"] | ltrimstr("0x") | ltrimstr("0")),
	 active: .properties["dos.active"]}
  end] | sort_by(.n)[])'

# shellcheck disable=SC2154
# Loop devices of a test that failed in between: those on files of its folder only.
detach_loops() {
	losetup -n -O NAME,BACK-FILE 2>/dev/null | while read -r loop_ back_; do
		case $back_ in
		"$scratch"/*) losetup -d "$loop_" ;;
		esac
	done
}
cleanup detach_loops

# with_device FILE BLOCK-SIZE COMMAND...: the word DEVICE of the command is the file, or a loop device with
# that block size.
with_device() {
	file_=$1 block_size_=$2 device_=$1
	shift 2
	if [ "$block_size_" != 512 ]; then
		device_=$(losetup -f --show -b "$block_size_" "$file_") || return 1
	fi
	# shellcheck disable=SC2046
	eval "set -- $(for word_ in "$@"; do
		[ "$word_" = DEVICE ] && word_=$device_
		printf "'%s' " "$word_"
	done)"
	result_=0
	"$@" || result_=$?
	if [ "$device_" != "$file_" ]; then
		losetup -d "$device_"
		# The loop device lets go of the file a moment later.
		while losetup -j "$file_" | grep -q .; do sleep 0.05; done
	fi
	return $result_
}

# can_loop: are there loop devices with blocks of 4096 bytes?
can_loop() {
	[ "$(id -u)" = 0 ] || return 1
	truncate -s 1M loop.try
	loop_=$(losetup -f --show -b 4096 loop.try 2>/dev/null) || return 1
	losetup -d "$loop_"
}

# A table as text for sfdisk on standard input: make_sfdisk FILE BLOCK-SIZE
make_sfdisk() {
	with_device "$1" "$2" sfdisk -q --no-reread --no-tell-kernel DEVICE
}

native_rows() {
	with_device "$1" "$2" env LC_ALL=C.UTF-8 sfdisk -J DEVICE 2>/dev/null |
		sed '/^omitting empty partition/d' | jq -S -c "$pt_native_rows"
}

our_rows() {
	evms show --json ${evms_block_size:+--block-size "$evms_block_size"} "$1" | jq -S -c --arg disk "$1" "$pt_our_rows"
}

# same_table FILE BLOCK-SIZE WHAT: we and sfdisk see the same table.
same_table() {
	native_rows "$1" "$2" >rows.native
	# sfdisk does not show attributes 3 to 47, which are reserved.
	our_rows "$1" | jq -S -c 'if .bits then .bits |= map(select(. < 3 or . > 47)) else . end' >rows.ours
	[ -s rows.native ] || fail "$3: sfdisk sees no table"
	diff -u rows.native rows.ours >&2 || fail "$3: another table than sfdisk's"
}

# valid_table FILE BLOCK-SIZE WHAT: no native tool finds anything wrong with the table either.
valid_table() {
	same_table "$1" "$2" "$3"
	if grep -q '"type":"gpt"' rows.ours; then
		with_device "$1" "$2" sgdisk -v DEVICE >tool.out 2>&1 || fail "$3: sgdisk -v: $(cat tool.out)"
		grep -q '^No problems found' tool.out || fail "$3: sgdisk -v: $(cat tool.out)"
		grep -qi 'warning\|error\|invalid\|corrupt' tool.out && fail "$3: sgdisk -v: $(cat tool.out)"
	fi
	with_device "$1" "$2" sfdisk -V DEVICE >tool.out 2>&1 || fail "$3: sfdisk -V: $(cat tool.out)"
	grep -q 'No errors detected' tool.out || fail "$3: sfdisk -V: $(cat tool.out)"
	LC_ALL=C.UTF-8 PARTED_SECTOR_SIZE=$2 parted -s "$1" unit s print >tool.out 2>&1 || fail "$3: parted: $(cat tool.out)"
	grep -qi '^error\|^warning' tool.out && fail "$3: parted: $(cat tool.out)"
	return 0
}

# disk_json FILE FILTER: jq on the disk's object.
disk_json() {
	evms show --json ${evms_block_size:+--block-size "$evms_block_size"} "$1" | jq -r --arg disk "$1" ".objects[] | select(.kind == \"disk\" and .name == \$disk) | $2"
}

# The block size that evms is told; empty: it finds out.
evms_block_size=

# evms, quietly; the output only when it fails.
do_evms() {
	evms "$@" ${evms_block_size:+--block-size "$evms_block_size"} --yes >evms.out 2>&1 || fail "evms $*: $(cat evms.out)"
	! [ -s evms.out ] || ! grep -qi 'sanitizer\|runtime error' evms.out || fail "evms $*: $(cat evms.out)"
}
