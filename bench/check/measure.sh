#!/bin/bash
# measure.sh BUILD - what an execution and a step of `fairlead check` cost, in processor time: three programs, in the
# snapshot engine and with a process for each run. BUILD should be an optimised build, on a machine that does nothing
# else; the best of five is printed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
library=$(cd "$1" && pwd)/src/check/libtsan.so.2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export DRIVE_PLAIN=1 DRIVE_STEPS=10000000 LD_BIND_NOW=1
TIMEFORMAT='%U %S'

"${CC:-gcc}" -D_GNU_SOURCE -O1 -o "$scratch/drive" "$here/../../tests/check/drive.c"
for name in small crowd pingpong; do
	"${CC:-gcc}" -O1 -g -fsanitize=thread -pthread -o "$scratch/$name" "$here/$name.c"
done

# measure WHAT ENGINE RUNS PROGRAM - the best of five; the first line of the driver is "ok RUNS, STEPS steps".
measure() {
	local i
	for i in 1 2 3 4 5; do
		{ time "$scratch/drive" "$library" "$2" "$3" "$i" "$scratch/$4"; } 2>&1 | tr -d ',\n'
		echo
	done | awk -v what="$1" '
		{ gsub("steps", " "); cpu = $4 + $5; if (NR == 1 || cpu / $2 < best) { best = cpu / $2; steps = $3 / $2 } }
		END { printf "%-44s %9.0f executions/CPU-s  %8.0f steps each  %6.0f ns a step\n", what, 1 / best, steps,
			best / steps * 1e9 }'
}

measure "two threads, snapshot engine" 1 100000 small
measure "two threads, a process a run" 2 2000 small
measure "a hundred threads, snapshot engine" 1 3000 crowd
DRIVE_STRATEGY=1 measure "lock and unlock, snapshot engine, random" 1 3 pingpong
DRIVE_STRATEGY=2 measure "lock and unlock, snapshot engine, POS" 1 3 pingpong
