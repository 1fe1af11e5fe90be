# shellcheck shell=bash
# tap.sh - what the tests that are scripts are written with; sourced.
#
# `check NAME COMMAND...` is one test: it passes if the command succeeds; what the command said is shown if it fails.
# `tap_end` prints the plan and ends the script. $scratch is a directory that is removed at the end.

set -u
# shellcheck disable=SC2034 # for those who source this
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
tests=0 failures=0

check() {
	local name=$1
	shift
	tests=$((tests + 1))
	if "$@" >"$scratch/.said" 2>&1 </dev/null; then
		echo "ok $tests - $name"
	else
		failures=$((failures + 1))
		echo "not ok $tests - $name"
		sed 's/^/# /' "$scratch/.said"
	fi
}

# Succeeds if the command fails.
fails() {
	! "$@"
}

# Says in the output why a test could not be made here.
skip() {
	tests=$((tests + 1))
	echo "ok $tests - $1 # SKIP $2"
}

tap_end() {
	echo "1..$tests"
	[ "$failures" = 0 ]
	exit
}
