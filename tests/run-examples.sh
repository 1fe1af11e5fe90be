#!/bin/bash
# run-examples.sh BUILD_DIR - do the examples do what they say?
#
# Runs BUILD_DIR/examples/NAME for each examples/NAME.c, at most 20 seconds, and compares what it prints with
# examples/NAME.out (exactly) or examples/NAME.expect (an extended regular expression for each line). An example is a
# program a reader can take in at a glance, made of what every user has: at most 60 lines, public headers only.
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"

build=$(cd "${1:?the build directory}" && pwd) || exit 1

# Prints the lines of the second file, with each that matches the expression of its number replaced by that.
matched() {
	awk '
	FILENAME == ARGV[1] { pattern[++patterns] = $0; next }
	{ print FNR <= patterns && $0 ~ ("^(" pattern[FNR] ")$") ? pattern[FNR] : $0 }
	' "$1" "$2"
}

prints_what_it_should() {
	local expected=$root/examples/$1

	if ! timeout -k 5 20 "$build/examples/$1" >"$scratch/$1"; then
		echo "it failed or took too long, after it had printed:"
		cat "$scratch/$1"
		return 1
	fi
	if [ -f "$expected.expect" ]; then
		diff -u "$expected.expect" <(matched "$expected.expect" "$scratch/$1")
	else
		diff -u "$expected.out" "$scratch/$1"
	fi
}

is_short() {
	[ "$(wc -l <"$1")" -le 60 ]
}
includes_public_headers_only() {
	! grep -nE '^#include "' "$1" && grep -q '^#include <fairlead/' "$1"
}

for source in "$root"/examples/*.c; do
	name=$(basename "$source" .c)
	check "$name prints what it should" prints_what_it_should "$name"
	check "$name has at most 60 lines" is_short "$source"
	check "$name includes public headers only" includes_public_headers_only "$source"
done
tap_end
