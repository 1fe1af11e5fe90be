#!/bin/bash
# run-fuzz-hub.sh BUILD - whether the fuzzing of the hub (fuzz_hub.c) would find something: in each part a mistake is
# planted, which it must find, and find again in the round that it says; and whether two runs do the same.
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
build=$1
cd "$scratch" || exit 1

fuzz() {
	timeout -s KILL 300 "$build/tests/fuzz_hub$planted" "$@" >out 2>&1
}
finds() {
	fuzz --only "$1" --rounds 20000
	local status=$?
	cat out
	[ "$status" = 1 ] && grep -q "^not ok 1 - $1" out && grep -q "^# --seed 1 --only $1 --round [0-9]*$" out
}
finds_again() {
	local again
	again=$(grep -o -- '--seed 1 --only .*' out)
	# shellcheck disable=SC2086 # words
	! fuzz $again && cat out && grep -qF -- "$again" out
}
differs() {
	fuzz --rounds 50 --seed "$1" && grep sum out >"sums.$2"
}

for part in receive ingest images texts segment queue; do
	planted=_planted
	check "$part finds what is planted there" finds $part
	check "and finds it again" finds_again
	planted=''
	check "where nothing is planted it finds nothing in that round" \
		eval "fuzz \$(grep -o -- '--seed 1 --only .*' out)"
done
check "a run" differs 7 first
check "with the same seed" differs 7 second
check "does the same" cmp sums.first sums.second
check "with another seed" differs 8 third
check "it does something else" fails cmp sums.first sums.third
check "a part that is none is no success" fails fuzz --only nothing
check "nor are rounds that are none" fails fuzz --rounds many
tap_end
