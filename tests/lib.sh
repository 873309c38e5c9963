# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# Sourced by the shell tests, which are run through ./run of the build tree:
#	. "$EVMS_SRCDIR/tests/lib.sh"
# A test begins in an empty folder of its own, which is removed at the end. It ends with 0, with 77
# (skipped, by skip) or with anything else (failed).

: "${EVMS_SRCDIR:?run this test as: ./run path/to/the.test}" "${EVMS_BUILDDIR:?}"
set -e
LC_ALL=C
TZ=UTC
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL TZ PATH

scratch=$(mktemp -d "${TMPDIR:-/tmp}/evms-test.XXXXXX")
cleanups=
# LVM2's own tools, kept away from the machine's configuration.
LVM_SUPPRESS_FD_WARNINGS=1
export LVM_SUPPRESS_FD_WARNINGS

# cleanup COMMAND...: run it at the end, last one first. One simple command without quotes in it.
cleanup() {
	cleanups="$*
$cleanups"
}

finish_() {
	status=$?
	trap '' INT TERM
	set +e
	printf '%s' "$cleanups" | while IFS= read -r line; do
		[ -n "$line" ] && eval "$line" >/dev/null 2>&1
	done
	cd /
	rm -rf "$scratch"
	[ $status = 0 ] || [ $status = 77 ] || echo "failed with $status" >&2
	exit $status
}
trap finish_ EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
cd "$scratch"

skip() {
	echo "skip: $*"
	exit 77
}

fail() {
	echo "FAILED: $*" >&2
	exit 1
}

# requires COMMAND...: skip when one is missing.
requires() {
	for command_ in "$@"; do
		command -v "$command_" >/dev/null || skip "$command_ is not installed"
	done
}

requires_root() {
	[ "$(id -u)" = 0 ] || skip "needs root"
}

# requires_symbol NAME...: skip when the library of this build tree does not export it.
requires_symbol() {
	requires nm
	for symbol_ in "$@"; do
		nm -D --defined-only "$EVMS_BUILDDIR/.libs/libevms.so" | grep -q " $symbol_\(@\|\$\)" ||
			skip "libevms has no $symbol_ yet"
	done
}

# requires_plain REASON: skip on a build with sanitizers.
requires_plain() {
	[ -z "$EVMS_SANITIZE" ] || skip "$* (this build has sanitizers)"
}

# requires_corpus: sets $corpus to the folder of images that are too large for the repository, or skips.
requires_corpus() {
	corpus=${EVMS_TEST_CORPUS:-$EVMS_SRCDIR/../shared/corpus}
	[ -d "$corpus" ] || skip "the corpus of images is not at $corpus (EVMS_TEST_CORPUS)"
}

is_long() {
	[ -n "$EVMS_TEST_LONG" ] && [ "$EVMS_TEST_LONG" != 0 ]
}

# The command line program of the build tree.
evms() {
	"$EVMS_BUILDDIR/run" evms "$@"
}

# disk NAME SIZE: an empty sparse image.
disk() {
	rm -f "$1"
	truncate -s "$2" "$1"
}

# What tells whether files were changed.
digest() {
	sha256sum "$@"
}

# assert_eq WANTED GOT [WHAT]
assert_eq() {
	[ "$1" = "$2" ] || fail "${3:-not equal}: wanted '$1', got '$2'"
}

# assert_contains TEXT PART [WHAT]
assert_contains() {
	case $1 in
	*"$2"*) ;;
	*) fail "${3:-text}: '$2' is not in '$1'" ;;
	esac
}

# assert_lacks TEXT PART [WHAT]
assert_lacks() {
	case $1 in
	*"$2"*) fail "${3:-text}: '$2' is in '$1'" ;;
	esac
}

# assert_same FILE FILE [WHAT]
assert_same() {
	cmp -- "$1" "$2" || fail "${3:-files differ}: $1 $2"
}

# assert_text FILE < WANTED: the file has exactly this text.
assert_text() {
	cat >"$scratch/.wanted"
	diff -u "$scratch/.wanted" "$1" >&2 || fail "$1 differs from what was wanted"
}

# assert_ok COMMAND...
assert_ok() {
	"$@" || fail "exit $? from: $*"
}

# assert_exit STATUS COMMAND...: output is left in $output, both streams.
assert_exit() {
	wanted_=$1
	shift
	status_=0
	output=$("$@" 2>&1) || status_=$?
	[ "$status_" = "$wanted_" ] || fail "exit $status_ instead of $wanted_ from: $*
$output"
}

# assert_error TEXT COMMAND...: fails cleanly (no signal, no sanitizer), and says TEXT.
assert_error() {
	text_=$1
	shift
	status_=0
	output=$("$@" 2>&1) || status_=$?
	[ "$status_" != 0 ] || fail "no error from: $*
$output"
	[ "$status_" -lt 99 ] || fail "exit $status_ from: $*
$output"
	assert_contains "$output" "$text_" "error of $*"
}

# What an SDK user compiles with: cc_plugin SOURCE OUTPUT [FLAGS...], against this source tree.
cc_plugin() {
	source_=$1
	output_=$2
	shift 2
	# shellcheck disable=SC2086
	$EVMS_CC $EVMS_SANITIZE -std=c11 -Wall -Wextra -Werror -fPIC -shared -fvisibility=hidden \
		-I"$EVMS_SRCDIR/include" -I"$EVMS_BUILDDIR/include" "$@" -o "$output_" "$source_"
}
