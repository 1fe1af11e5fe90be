# shellcheck shell=bash
# tap.sh - what the tests that are scripts are written with; sourced.
#
# `check NAME COMMAND...` is one test: it passes if the command succeeds; what the command said is shown if it fails.
# `tap_from COMMAND...` runs a program that speaks TAP itself, and makes its tests part of the script's.
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

# fails_with STATUS WORDS ARGUMENT... - `tool ARGUMENT...`, a function of the script's, ends with that status, and says
# these words in `err`.
fails_with() {
	local wanted=$1 words=$2 status
	shift 2
	tool "$@"
	status=$?
	cat err
	[ "$status" = "$wanted" ] && grep -qF -- "$words" err
}

# Says in the output why a test could not be made here.
skip() {
	tests=$((tests + 1))
	echo "ok $tests - $1 # SKIP $2"
}

# A program that ends without a plan, or with a failure of which it has said nothing, is one.
tap_from() {
	local line plan='' failed=$failures status
	while IFS= read -r line; do
		if [[ $line =~ ^(ok|not\ ok)\ [0-9]+(.*)$ ]]; then
			tests=$((tests + 1))
			[ "${BASH_REMATCH[1]}" = ok ] || failures=$((failures + 1))
			echo "${BASH_REMATCH[1]} $tests${BASH_REMATCH[2]}"
		elif [[ $line =~ ^1\.\.[0-9]+$ ]]; then
			plan=$line
		else
			echo "$line"
		fi
	done < <("$@" </dev/null)
	wait $!
	status=$?
	if [ -z "$plan" ] || { [ "$status" != 0 ] && [ "$failures" = "$failed" ]; }; then
		check "$1 ends as it should (status $status, plan '$plan')" false
	fi
}

tap_end() {
	echo "1..$tests"
	[ "$failures" = 0 ]
	exit
}
