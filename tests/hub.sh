# shellcheck shell=bash
# hub.sh - what tests of the hub that are scripts are written with; sourced after tap.sh, with $build set.
#
# `hub ARGUMENT...` starts a hub at a free port, in a directory of its own for frame channels, and waits for its first
# line: $address is what it says there, $port the port. `hub_end` ends it; what it said after the first line is in
# $scratch/summary then, and what it complained of in $scratch/complaints all the while.

# shellcheck disable=SC2154 # both are there
export XDG_RUNTIME_DIR=$scratch/run
mkdir -m 700 "$XDG_RUNTIME_DIR"
# shellcheck disable=SC2154
fairlead=$build/cli/fairlead
# The system's, which has the packages of the system.
python=/usr/bin/python3
[ -x "$python" ] || python=python3
started=()
trap 'kill -KILL "${started[@]}" 2>/dev/null; rm -rf "$scratch"' EXIT

# Any command that runs a hub.
hub_by() {
	local line

	rm -f "$scratch/said"
	mkfifo "$scratch/said"
	"$@" >"$scratch/said" 2>"$scratch/complaints" 3>&- &
	hub_pid=$!
	started+=("$hub_pid")
	exec 3<"$scratch/said"
	if ! read -r -t 60 line <&3; then
		echo "Bail out! no hub: $*: $(cat "$scratch/complaints")"
		exit 1
	fi
	address=${line#fairlead hub: }
	port=${address##*:}
	port=${port%%/*}
}

hub() {
	hub_by "$fairlead" hub --listen :0 "$@"
}

hub_end() {
	local status

	kill -TERM "$hub_pid"
	cat <&3 >"$scratch/summary"
	exec 3<&-
	wait "$hub_pid"
	status=$?
	cat "$scratch/complaints"
	return $status
}

# asks PATH [ARGUMENT...] - prints what the hub replies.
asks() {
	"$python" - "http://127.0.0.1:$port$1" <<-'END'
		import sys, urllib.request
		sys.stdout.buffer.write(urllib.request.urlopen(sys.argv[1], timeout=60).read())
	END
}

# until_status EXPRESSION - asks for the status until the expression is true of it: `streams` are its streams by name.
until_status() {
	timeout 60 "$python" - "http://127.0.0.1:$port/status" "$1" <<-'END'
		import json, sys, urllib.request
		while True:
		    status = json.load(urllib.request.urlopen(sys.argv[1], timeout=60))
		    streams = {stream["name"]: stream for stream in status["streams"]}
		    if eval(sys.argv[2]):
		        break
	END
}
