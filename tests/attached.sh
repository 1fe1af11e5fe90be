# shellcheck shell=bash
# attached.sh - processes that attach to segments, hold what is in them, wait for it and are killed; sourced after
# tap.sh, with $build. The script is in $scratch then, and has a $directory of segments of its own.

# shellcheck disable=SC2154 # tap.sh's and the script's
directory=$scratch/segments
mkdir -m 700 "$directory"
cd "$scratch" || exit 1
started=()
trap 'kill -KILL "${started[@]}" 2>/dev/null; rm -rf "$scratch"' EXIT

# begin PROGRAM ARGUMENT... - a process, $pid, that says `ready` and stays until `leave PID`. Each has a pipe of its own
# by its number.
begin() {
	rm -f to from
	mkfifo to from
	(
		for fd in "${inputs[@]}"; do # those of others, which would not end
			exec {fd}>&-
		done
		exec "$build/tests/$1" "${@:2}"
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

# share SEGMENT NAME STEP... - one of sharer.c.
share() {
	begin sharer "$directory" "$@"
}
