#!/bin/bash
# run-examples.sh BUILD_DIR - do the examples do what they say?
#
# Runs BUILD_DIR/examples/NAME for each examples/NAME.c, at most 20 seconds, and compares what it prints with
# examples/NAME.out (exactly) or examples/NAME.expect (an extended regular expression for each line). What downloads is
# run by examples/download_pages.py, and may print its lines in any order, but for that of the slow page. An example is
# a program a reader can take in at a glance, made of what every user has: at most 60 lines, public headers only; 80
# lines where libcurl has its say too.
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

# The lines with the four quick pages in the order of their names, and nowhere the port of this run.
in_order() {
	sed -E 's,127\.0\.0\.1:[0-9]+,HOST,' "$1" >"$scratch/lines"
	head -n 4 "$scratch/lines" | LC_ALL=C sort
	tail -n +5 "$scratch/lines"
}

reports_each_download_when_it_is_done() {
	if ! timeout -k 5 20 "$root/examples/download_pages.py" "$build/examples/$1" >"$scratch/$1"; then
		echo "it failed, or waited for the slow page before it reported the others; it had printed:"
		cat "$scratch/$1"
		return 1
	fi
	diff -u "$root/examples/$1.out" <(in_order "$scratch/$1")
}

downloads() {
	grep -q '^#include <curl/' "$1"
}

is_short() {
	[ "$(wc -l <"$1")" -le "$(downloads "$1" && echo 80 || echo 60)" ]
}
includes_public_headers_only() {
	! grep -nE '^#include "' "$1" && grep -q '^#include <fairlead/' "$1"
}

for source in "$root"/examples/*.c; do
	name=$(basename "$source" .c)
	if ! downloads "$source"; then
		check "$name prints what it should" prints_what_it_should "$name"
	elif pkg-config --exists libcurl; then
		check "$name reports each page when it is done" reports_each_download_when_it_is_done "$name"
	else
		skip "$name reports each page when it is done" "libcurl is not installed"
	fi
	check "$name is short" is_short "$source"
	check "$name includes public headers only" includes_public_headers_only "$source"
done
tap_end
