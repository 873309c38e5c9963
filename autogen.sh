#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Makes ./configure. Needs autoconf, automake, libtool and pkg-config (tests/setup installs them).
set -e
cd "$(dirname "$0")"
for tool in autoreconf automake libtoolize pkg-config; do
	command -v "$tool" >/dev/null || {
		echo "autogen.sh: $tool is missing (tests/setup installs all that is needed)" >&2
		exit 1
	}
done
mkdir -p m4
autoreconf -fi
echo "Now: mkdir -p build && cd build && ../configure && make"
