#!/bin/bash
# run-survival.sh BUILD - the table of who survives kills (tests/kill/survival), short: a row of an object in C that
# survives, one that has been stuck, and one of Python's; and what is asked for and is not there.
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
build=${1:?the build directory}

survival() {
	timeout -s KILL 300 "$root/tests/kill/survival" "$build" "$@" >"$scratch/table"
	status=$?
	cat "$scratch/table"
	return "$status"
}
says() {
	cat "$scratch/table"
	grep -qE "$1" "$scratch/table"
}

check "it makes a table" survival flock pthread-mutex py-lock --kills 200 --no-steps
check "flock survives all kills" says '^\| flock \| 200 \|.* / '
check "a plain one does not" says '^\| pthread mutex, process-shared \| 1?[0-9]?[0-9] \|'
check "nor does Python's Lock" says '^\| Python multiprocessing Lock \| 1?[0-9]?[0-9] \|'
check "or an object for each run" survival py-lock --kills 50 --runs 2 --no-steps --json
check "in which is how it ended" says '"end": "stuck", "how": "4 asleep"'
check "what is not there is no row" fails survival py-glue
tap_end
