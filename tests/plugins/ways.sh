# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2154,SC2034
# Sourced after lib.sh: the same test on an image file and on block devices, through FUSE and through a
# temporary file, as root and as an ordinary user.

# An unprivileged user, as a prefix of commands; empty: ourselves.
as_user=

evms() {
	$as_user "$EVMS_BUILDDIR/run" evms "$@"
}

# attach FILE [BLOCK-SIZE [OPTION]]: sets $loop; released at the end.
attach() {
	loop=$(losetup --find --show ${2:+--sector-size "$2"} ${3:+"$3"} "$1") || return 1
	cleanup losetup -d "$loop"
}

detach() {
	losetup -d "$1"
}

# Can an ordinary user get at what was built here?
user_possible() {
	[ "$(id -u)" = 0 ] && command -v setpriv >/dev/null || return 1
	setpriv --reuid=65534 --regid=65534 --clear-groups \
		test -r "$EVMS_BUILDDIR/run" -a -r "$EVMS_BUILDDIR/.libs/libevms.so" 2>/dev/null
}

# on_way WAY SIZE BODY: runs BODY with $dev, a blank device of that kind. WAY: fuse, copy (image files), loop512,
# loop4096, user. What cannot be had here is told and left out.
on_way() {
	way=$1 dev=$scratch/disk.img
	shift
	disk "$dev" "$1"
	as_user=''
	unset EVMS_NO_FUSE
	TMPDIR=$scratch/tmp
	export TMPDIR
	mkdir -p "$TMPDIR"
	case $way in
	fuse) [ -w /dev/fuse ] || { echo "left out: no FUSE"; return 0; } ;;
	copy)
		EVMS_NO_FUSE=1
		export EVMS_NO_FUSE
		;;
	loop*)
		[ "$(id -u)" = 0 ] && attach "$dev" "${way#loop}" 2>/dev/null ||
			{ echo "left out: no loop device with blocks of ${way#loop}"; return 0; }
		dev=$loop
		;;
	user)
		user_possible || { echo "left out: no ordinary user who can read $EVMS_BUILDDIR"; return 0; }
		chmod 755 "$scratch"
		chown 65534:65534 "$dev" "$TMPDIR"
		as_user="setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs"
		;;
	esac
	name=$(basename "$dev")
	what="$2 ($way)"
	"$2"
	case $way in loop*) losetup -d "$dev" ;; esac
	as_user=''
	unset EVMS_NO_FUSE
	# What showed a volume to a tool is gone.
	rmdir "$TMPDIR" || fail "$what: left in the folder for temporary files: $(ls -R "$TMPDIR")"
	grep -q "$TMPDIR" /proc/mounts && fail "$what: still mounted: $(cat /proc/mounts)"
	unset TMPDIR
}

# fs_field VOLUME KEY: what is shown of its file system.
fs_field() {
	evms show --json "$dev" >"$scratch/.show.json"
	jq -r --arg v "$1" --arg k "$2" \
		'.objects[] | select(.kind == "volume" and .name == $v) | .filesystem[$k] // ""' \
		"$scratch/.show.json"
}

# blkid_field VOLUME KEY: what blkid finds on it, a second opinion without this library.
blkid_field() {
	evms show --json "$dev" >"$scratch/.show.json"
	at_=$(jq -r --arg v "$1" '.objects[] | select(.kind == "partition" and .name == $v) | .offset' "$scratch/.show.json")
	size_=$(jq -r --arg v "$1" '.objects[] | select(.kind == "partition" and .name == $v) | .size' "$scratch/.show.json")
	blkid -p -O "$at_" -S "$size_" -o value -s "$2" "$dev" || true
}

# partition SIZE: a table with the partition "one"; sets $v.
partition() {
	assert_ok evms assign gpt "$dev" --yes >/dev/null
	assert_ok evms create gpt "$dev" name=one size="$1" --yes >/dev/null
	v=$name/one
}

change() {
	assert_ok evms "$@" "$dev" --yes >/dev/null
}
