#!/bin/bash
# run-check-programs.sh BUILD - the checker finds what is wrong in each of the programs that it is tried on, replays it
# in each engine, and finds nothing in their mended twins (check/programs.py).
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
build=${1:?the build directory}

if [ ! -e "$build/tests/check/counter" ]; then
	skip "the checker's programs" "the compiler cannot build with -fsanitize=thread"
	tap_end
fi
tap_from "$root/tests/check/programs.py" "$build"
check "a checker that finds nothing is found out" fails "$root/tests/check/programs.py" "$build" --command true account
tap_end
