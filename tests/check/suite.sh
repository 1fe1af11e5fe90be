#!/bin/bash
# suite.sh - runs `fairlead check` over a folder of built programs and prints what it found as a table; see --help.
#
# The public suites of concurrent programs with bugs are not ours to keep, so this takes whatever was built elsewhere.
set -u

usage() {
	cat <<'END'
Usage: suite.sh [OPTION...] FOLDER [NAME...]

Checks the programs that FOLDER/expect names (or those of them that are named), which lie in FOLDER and were built with
-fsanitize=thread, and prints a table:

  a program that fails    in how many of the seeds it was found, the median and the most schedules until then,
                          schedules a second (with the time that making the report takes), and what was found instead
  one that is safe        whether there was a false alarm, and schedules a second

and ends with how many were found in every seed, how many of these within 100 schedules each time, the median of the
medians, and the number of false alarms. The exit code is 1 if a program was not found in every seed, or if there was an
alarm.

  --seeds N     seeds 1 to N for each program that fails (default 20)
  --limit N     schedules in which it must be found (default 1000)
  --runs N      schedules of a program that is safe (default 100000)
  --time T      no more than so long for one search, for example 60s; then --limit and --runs may not be reached
  --expect FILE the expectations, if they are not in FOLDER/expect
  --command C   the command (default fairlead)
  --help        this text

The expectation file has a line a program; empty ones and those that begin with # mean nothing:

  NAME fail KIND[,KIND...] [ARGUMENT...]
  NAME safe -|race [ARGUMENT...]

NAME is the program's file in FOLDER. KIND is a verdict of `fairlead check --json` that tells of the bug: assertion,
abort, crash, deadlock, livelock, hang, race, use-after-free, double-free, misuse, exit, output; several, if the bug may
show itself in several ways; any, if each will do. The rest are the program's arguments. Data races count only where
KIND says race, as programs of such suites have others beside the bug that they are for; a safe program with real races
says so by race, and is looked at for everything else.
END
}

fail() {
	echo "suite.sh: $*" >&2
	exit 2
}

# check SEED RUNS KINDS PROGRAM [ARGUMENT...]: sets verdict, first (schedules to the failure) and rate.
check() {
	local seed=$1 runs=$2 kinds=$3 options=()
	shift 3
	[[ ",$kinds," == *,race,* || $kinds = any ]] || options+=(--races=off)
	[ -z "$time" ] || options+=(--time "$time")
	"$command" check --json --runs "$runs" --seed "$seed" "${options[@]}" --save "$scratch/replay" -- "$@" \
		>"$scratch/report" 2>"$scratch/said" </dev/null
	if ! read -r verdict first rate unknown < <(summary <"$scratch/report"); then
		echo "$1: no report: $(head -n 1 "$scratch/said")" >&2
		verdict=broken first=0 rate=0 unknown=-
	fi
	[ "$unknown" = - ] || echo "$1: not modelled: $unknown" >&2
}

# What a report says in one line: the verdict, schedules to the failure, schedules a second, and what is not modelled.
summary() {
	python3 -c '
import json, sys
try:
    report = json.load(sys.stdin)
except ValueError:
    sys.exit(0)
verdict = report["verdict"]
print("none" if verdict == "verified" else verdict, report["to_failure"] or 0,
      round(report["schedules"] / max(report["seconds"], 1e-3)), report["unmodelled"] or "-")
'
}

is_found() {
	case $1 in
	none | broken) false ;;
	*) [ "$2" = any ] || [[ ",$2," == *,$1,* ]] ;;
	esac
}

# Prints each word with how often it is among those given: 2 deadlock, 1 none
tally() {
	[ $# = 0 ] || printf '%s\n' "$@" | sort | uniq -c | awk '{ printf "%s%s %s", (NR > 1 ? ", " : ""), $1, $2 }'
}

# Prints the number in the middle of those given, or - for none.
median() {
	[ $# = 0 ] && echo - && return
	printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"
}

most() {
	[ $# = 0 ] && echo - && return
	printf '%s\n' "$@" | sort -n | tail -n 1
}

row() {
	printf '%-36s %10s %8s %8s %12s  %s\n' "$@" | sed 's/ *$//'
}

try_failing() {
	local name=$1 kinds=$2 schedules=() rates=() others=() seed
	shift 2
	for ((seed = 1; seed <= seeds; seed++)); do
		check "$seed" "$limit" "$kinds" "$folder/$name" "$@"
		rates+=("$rate")
		if is_found "$verdict" "$kinds"; then
			schedules+=("$first")
		else
			others+=("$verdict")
		fi
	done
	failing=$((failing + 1))
	if [ ${#schedules[@]} = "$seeds" ]; then
		found=$((found + 1))
		[ "$(most "${schedules[@]}")" -gt 100 ] || within=$((within + 1))
	fi
	[ ${#schedules[@]} = 0 ] || medians+=("$(median "${schedules[@]}")")
	row "$name" "${#schedules[@]}/$seeds" "$(median "${schedules[@]}")" "$(most "${schedules[@]}")" \
		"$(median "${rates[@]}")" "$(tally "${others[@]}")"
}

try_safe() {
	local name=$1
	shift 2
	check 1 "$runs" - "$folder/$name" "$@"
	safe=$((safe + 1))
	[ "$verdict" = none ] || alarms=$((alarms + 1))
	row "$name" safe - - "$rate" "$([ "$verdict" = none ] || echo "$verdict after $first schedules")"
}

folder='' expect='' command=fairlead seeds=20 limit=1000 runs=100000 time='' names=()
while [ $# -gt 0 ]; do
	case $1 in
	--help) usage && exit ;;
	--seeds | --limit | --runs | --time | --expect | --command)
		[ $# -gt 1 ] || fail "$1 needs a value"
		printf -v "${1#--}" %s "$2"
		shift
		;;
	-*) fail "there is no option $1; see --help" ;;
	*) if [ -n "$folder" ]; then names+=("$1"); else folder=$1; fi ;;
	esac
	shift
done
[ -n "$folder" ] || fail "which folder? See --help"
expect=${expect:-$folder/expect}
[ -r "$expect" ] || fail "$expect: there are no expectations"
[ -n "$(type -P "$command")" ] || fail "$command: there is no such command"
folder=$(cd "$folder" && pwd) || exit 2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

failing=0 found=0 within=0 safe=0 alarms=0 medians=() verdict='' first=0 rate=0 unknown=-
row program found median most schedules/s remarks
while read -r -a words <&3; do
	[[ ${#words[@]} -gt 0 && ${words[0]} != '#'* ]] || continue
	[ ${#names[@]} = 0 ] || [[ " ${names[*]} " == *" ${words[0]} "* ]] || continue
	[ ${#words[@]} -ge 3 ] || fail "$expect: '${words[*]}' is not NAME fail|safe KIND"
	case ${words[1]} in
	fail) try_failing "${words[0]}" "${words[@]:2}" ;;
	safe) try_safe "${words[0]}" "${words[@]:2}" ;;
	*) fail "$expect: '${words[1]}' is neither fail nor safe" ;;
	esac
done 3<"$expect"
[ $((failing + safe)) -gt 0 ] || fail "$expect names none of these programs"
echo "$found of $failing found in $seeds of $seeds seeds, $within within 100 schedules each time;" \
	"median of medians $(median "${medians[@]}"); $alarms alarms in $safe safe programs of $runs schedules each"
[ "$found" = "$failing" ] && [ "$alarms" = 0 ]
