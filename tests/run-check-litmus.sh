#!/bin/bash
# run-check-litmus.sh BUILD [NAME...] - which orders of memory the checker lets a program see.
#
# Each row of tests/check/litmus/outcomes is run through every schedule, without and with --weak; the outcomes that come
# must be those of the row, no more and no less.
source "$(dirname "$0")/tap.sh"

build=$1
shift
litmus=$root/tests/check/litmus

# Prints the outcomes, or what went wrong.
outcomes() {
	local said
	said=$("$build/cli/fairlead" check --exhaustive --races off --show-output --json "$@" </dev/null)
	[[ $said == *'"verdict": "verified"'* ]] || echo "not verified"
	grep -E '^[0-9]+$' <<<"$said" | sort -u | xargs
}

same() {
	local wanted=$1 came
	shift
	came=$(outcomes "$@")
	[ "$came" = "$wanted" ] && return
	echo "wanted: $wanted"
	echo "came:   $came"
	return 1
}

check "the programs are compiled" "${CC:-gcc}" -g -O1 -fsanitize=thread -pthread -o "$scratch/litmus" "$litmus/litmus.c"
while IFS=: read -r what strong weak _; do
	read -ra program <<<"$what"
	[[ ${program[0]:-#} == '#'* ]] && continue
	[ $# -gt 0 ] && [[ " $* " != *" ${program[0]} "* ]] && continue
	check "${program[*]}" same "$(xargs <<<"$strong")" "$scratch/litmus" "${program[@]}"
	check "${program[*]} --weak" same "$(xargs <<<"$weak")" --weak "$scratch/litmus" "${program[@]}"
done <"$litmus/outcomes"
tap_end
