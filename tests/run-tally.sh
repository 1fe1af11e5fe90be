#!/bin/bash
# run-tally.sh - scripts/tally counts subtests, and nothing that went wrong counts as passed.
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"

# run NAME RESULT STATUS OUTPUT - one line of a Meson test log.
run() {
	printf '{"name": "%s", "result": "%s", "returncode": %s, "stdout": "%s"}\n' "$@" >>"$scratch/log"
}

# ends STATUS LINE - tally's exit status for the log, and its last line; begins a new log.
ends() {
	local said status
	said=$("$root/scripts/tally" "$scratch/log")
	status=$?
	rm -f "$scratch/log"
	echo "status $status"
	echo "$said"
	[ "$status" = "$1" ] && [ "$(tail -n 1 <<<"$said")" = "$2" ]
}

run one OK 0 '1..2\nok 1 - a\nok 2 - b\n'
run two OK 0 'ok 1\n1..1\n'
check "what passed is added up" ends 0 "3 passed, 0 failed"
run one ERROR 1 '1..2\nok 1 - a\nnot ok 2 - b\n'
run two OK 0 'ok 1\n1..1\n'
check "a failure counts" ends 1 "2 passed, 1 failed"
run one ERROR 139 'ok 1 - a\n'
check "a program that died counts, whatever had passed" ends 1 "1 passed, 1 failed"
run one TIMEOUT -9 ''
check "one that was killed for its time counts" ends 1 "0 passed, 1 failed"
run one SKIP 0 ''
check "one that printed no test counts as a failure" ends 1 "0 passed, 1 failed"
run one ERROR 0 '1..2\nok 1 - a\n'
check "one that ended before its plan counts" ends 1 "1 passed, 1 failed"
run one SKIP 0 '1..0 # SKIP no compiler\n'
run two OK 0 'ok 1\nok 2 # SKIP no compiler\n1..2\n'
check "what is skipped with a reason is neither" ends 0 "1 passed, 0 failed"
run one SKIP 0 '1..0 # SKIP no compiler\n'
check "if all is skipped nothing ran, which is a failure" ends 1 "0 passed, 0 failed"
check "so is no log at all" ends 1 "0 passed, 1 failed"
tap_end
