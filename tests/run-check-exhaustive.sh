#!/bin/bash
# run-check-exhaustive.sh BUILD - the exhaustive search makes as many executions as theory says, and sees all outcomes.
#
# tests/check/exhaustive/orders.py makes programs of random steps, works out by brute force how many of their
# executions differ in the order of steps that depend on each other, and what they can come to, and asks the checker.
source "$(dirname "$0")/tap.sh"

build=$1
programs=$root/tests/check/exhaustive

# verified EXECUTIONS ARGUMENT...
verified() {
	local wanted=$1 said came
	shift
	said=$("$build/cli/fairlead" check --exhaustive --races off --json "$@" </dev/null)
	[[ $said == *'"verdict": "verified"'* ]] || return
	came=$(python3 -c 'import json, sys; r = json.load(sys.stdin); print(r["schedules"] - r["blocked"])' <<<"$said")
	[ "$came" = "$wanted" ] || echo "$came executions instead of $wanted"
	[ "$came" = "$wanted" ]
}

says() {
	local wanted=$1
	shift
	"$build/cli/fairlead" check --json --save "$scratch/replay" "$@" </dev/null | grep -F "$wanted"
}

for name in steps lost program poll; do
	check "$name is compiled" "${CC:-gcc}" -g -O1 -fsanitize=thread -pthread -o "$scratch/$name" "$programs/$name.c"
done
check "2 threads, 10 steps under one lock: 20! / 10! 10!" verified 184756 "$scratch/steps" 2 10
check "3 threads, 3 steps: 9! / 3! 3! 3!" verified 1680 "$scratch/steps" 3 3
check "4 threads, 2 steps: 8! / 2! 2! 2! 2!" verified 2520 "$scratch/steps" 4 2
check "8 threads, 20 steps under locks of their own: 1" verified 1 "$scratch/steps" 8 20 apart
check "the same in a process for each execution" verified 20 --engine process "$scratch/steps" 2 3
check "no preemption, no lost update" says '"verdict": "verified"' --preemptions 0 "$scratch/lost"
check "the bound is said" says '"bounds": "0 preemptions at most"' --preemptions 0 "$scratch/lost"
check "one preemption, a lost update" says '"verdict": "exit"' --preemptions 1 "$scratch/lost"
loop=$root/tests/check/programs/spin_for_ever.c
check "a loop is compiled" "${CC:-gcc}" -g -O1 -fsanitize=thread -pthread -o "$scratch/loop" "$loop"
check "and one that ends" "${CC:-gcc}" -DMENDED -g -O1 -fsanitize=thread -pthread -o "$scratch/mended" "$loop"
check "a loop that waits for ever ends the search" says '"verdict": "livelock"' --exhaustive "$scratch/loop"
check "one that another thread ends does not" says '"verdict": "verified"' --exhaustive "$scratch/mended"
check "one that looks under a lock ends, too" says '"verdict": "verified"' --exhaustive "$scratch/poll"
check "what that leaves out is said" says 'is put off by 16 vain attempts' --exhaustive "$scratch/poll"
orders=("$programs/orders.py" "$build/cli/fairlead" "$scratch/program")
for kinds in RWX RWJ RWXL RWTL RWN RWP RWAB; do
	check "random programs of $kinds" python3 "${orders[@]}" 25 "$kinds"
done
tap_end
