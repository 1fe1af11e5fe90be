#!/bin/bash
# run-headers.sh - every public header compiles alone, as C11 and as C++17, with each compiler, without a warning.
#
# The flags are what a strict user has, not what Fairlead itself is built with: no GNU mode in C, all warnings are
# errors. shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"

warnings=(-Wall -Wextra -Wpedantic -Wshadow -Wundef -Wcast-qual -Werror)

# compiles COMPILER LANGUAGE STANDARD HEADER
compiles() {
	local more=()
	[ "$2" != c ] || more=(-Wstrict-prototypes -Wmissing-prototypes)
	printf '#include <%s>\ntypedef int not_empty;\n' "$4" |
		"$1" -x "$2" -std="$3" "${warnings[@]}" "${more[@]}" -I"$include" -fsyntax-only -
}

include=$root/include
for compiler in gcc clang clang-22; do
	command -v $compiler >/dev/null || { skip "C11 with $compiler" "not installed"; continue; }
	for header in "$include"/fairlead/*.h; do
		name=fairlead/$(basename "$header")
		check "$name as C11 with $compiler" compiles $compiler c c11 "$name"
	done
done
for compiler in g++ clang++; do
	command -v $compiler >/dev/null || { skip "C++17 with $compiler" "not installed"; continue; }
	for header in "$include"/fairlead/*.h; do
		name=fairlead/$(basename "$header")
		check "$name as C++17 with $compiler" compiles $compiler c++ c++17 "$name"
	done
done

umbrella_is_complete() {
	diff <(sed -n 's/^#include <\(.*\)>$/\1/p' "$include/fairlead/fairlead.h" | sort) \
		<(cd "$include" && printf '%s\n' fairlead/*.h | grep -vx fairlead/fairlead.h | sort)
}
check "fairlead.h includes every other header, and does nothing else" umbrella_is_complete

# This test can fail: a header that leans on another one is refused.
include=$scratch
mkdir "$scratch/fairlead"
echo 'static inline int fl_planted(uint32_t x) { return (int)x; }' >"$scratch/fairlead/planted.h"
check "a header that needs another one is found" fails compiles gcc c c11 fairlead/planted.h
tap_end
