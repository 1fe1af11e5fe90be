# shellcheck shell=bash
# sharers.sh - processes that hold shared objects, wait for them and are killed (sharer.c); sourced after tap.sh, with
# $build. The script is in $scratch then, and has a $directory of segments of its own.

# shellcheck disable=SC2154 # tap.sh's and the script's
directory=$scratch/segments
mkdir -m 700 "$directory"
cd "$scratch" || exit 1
started=()
trap 'kill -KILL "${started[@]}" 2>/dev/null; rm -rf "$scratch"' EXIT

# share SEGMENT NAME STEP... - a process, $pid, that stays until `leave PID`.
share() {
	rm -f to from
	mkfifo to from
	(
		for fd in "${inputs[@]}"; do # those of others, which would not end
			exec {fd}>&-
		done
		exec "$build/tests/sharer" "$directory" "$@"
	) <to >from &
	pid=$!
	started[pid]=$pid
	exec {input}>to 4<from
	if ! read -r -t 60 word <&4 || [ "$word" != ready ]; then
		echo "Bail out! the process said '$word'"
		exit 1
	fi
	exec 4<&-
	inputs[pid]=$input
}
inputs=()
leave() {
	local fd=${inputs[$1]}

	exec {fd}>&-
	wait "$1"
	unset "started[$1]"
}
cut_down() {
	kill -KILL "$1"
	wait "$1" 2>/dev/null
	unset "started[$1]"
}
