# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154 # what is in single quotes is for other shells; variables go to and fro
# shell.sh - what the tests of the commands for scripts are written with; sourced behind tap.sh, with $build set.
#
# All happens in a directory of its own, in memory: there alone are segments of scripts kept. Nothing is waited for by
# time: processes tell each other by events of ours and by pipes, and who is to wait is looked for among those that are
# attached to the segment.

export fairlead=$build/cli/fairlead directory=/dev/shm/run-shell-$$
mkdir -m 700 "$directory" "$scratch/disk" || exit 1
cd "$scratch" || exit 1
# What a command has below it ends with it.
# shellcheck disable=SC2046 # the numbers are words
trap 'kill -KILL $(jobs -pr) 2>/dev/null; rm -rf "$scratch" "$directory"' EXIT

# Runs a command, which must not take for ever. What it says is in `out` and `err`.
tool() {
	timeout -s KILL 60 "$fairlead" "$1" --directory "${folder:-$directory}" "${@:2}" >out 2>err
}

# gives STATUS COMMAND... - the command ends with that status.
gives() {
	local wanted=$1 status
	shift
	"$@"
	status=$?
	cat err 2>/dev/null
	[ "$status" = "$wanted" ] || { echo "the status is $status, not $wanted"; return 1; }
}

# refuses STATUS WORDS ARGUMENT... - and says these words on standard error.
refuses() {
	gives "$1" tool "${@:3}" && grep -qF -- "$2" err
}

# Both in the background, and $pid is the one that was started; it has the signals that a shell leaves to a program in
# front.
begin() {
	env --default-signal=INT,QUIT "$fairlead" "$1" --directory "$directory" "${@:2}" 2>"err.$1" &
	pid=$!
}

# ends PID STATUS
ends() {
	local status
	wait "$1" 2>/dev/null
	status=$?
	[ "$status" = "$2" ] || { echo "the status is $status, not $2"; return 1; }
}

# Waits until so many processes that live are attached.
alive() {
	local until=$((SECONDS + 60))
	until "$fairlead" segments --directory "$directory" | grep -qE "^${2:-shell} +[a-z]+ +$1 "; do
		[ "$SECONDS" -lt "$until" ] || { "$fairlead" segments --directory "$directory"; return 1; }
	done
}
state() {
	"$fairlead" segments --directory "$directory" | awk -v name="${1:-shell}" '$1 == name { print $2 }'
}

# For the programs.
printf '#!/bin/sh\nexec "$fairlead" event --directory "$directory" "$@"\n' >event
chmod +x event

# in_terminal COMMAND... - runs it in a terminal of its own, where Ctrl-C is typed when it says `now`.
cat >terminal.py <<-'EOS'
	import os, pty, sys
	pid, terminal = pty.fork()
	if pid == 0:
	    os.execvp(sys.argv[1], sys.argv[1:])
	said = b""
	while True:
	    try:
	        part = os.read(terminal, 1000)
	    except OSError:
	        break
	    said += part
	    if b"now" in part:
	        os.write(terminal, b"\x03")
	print(said.decode().replace("\r", ""), end="")
	sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) % 256)
EOS
in_terminal() {
	timeout -s KILL 60 python3 terminal.py "$@" >out 2>err
}

# stay COMMAND WORD... - a program that runs under it until the event `go` is set. $front is the command, $holder what
# it holds it by, and $program and its $child are the program. All four have a pipe open, of which descriptor 5 is the
# other end: that ends when all of them are dead.
cat >stay <<-'EOS'
	#!/bin/bash
	./event go wait &
	echo "$PPID $$ $!" >below
	./event there set
	wait
	exit 9
EOS
chmod +x stay
stay() {
	rm -f pipe
	mkfifo pipe
	./event go clear && ./event there clear
	env --default-signal=INT,QUIT "$fairlead" "$1" --directory "$directory" "${@:2}" ./stay 6>pipe 2>err.stay &
	front=$!
	exec 5<pipe
	./event there wait --timeout 60s || { echo "Bail out! it is not there"; exit 1; }
	read -r holder program child <below
}
all_dead() {
	local rest
	read -r -t 60 -N 1 rest <&5
	[ $? = 1 ]
}

# Queues.
printf '#!/bin/sh\nexec "$fairlead" queue --directory "$directory" "$@"\n' >queue
chmod +x queue

# says TEXT ARGUMENT... - the command succeeds and prints that.
says() {
	gives 0 tool queue "${@:2}" && diff <(printf '%s' "$1") out
}
# Waits until `show` says this of the queue.
until_shows() {
	local until=$((SECONDS + 60))
	until ./queue "$1" show | tr ' ' '\n' | grep -qx "$2"; do
		[ "$SECONDS" -lt "$until" ] || { ./queue "$1" show; return 1; }
	done
}
# run_in INPUT ARGUMENT... - with that file as its input.
run_in() {
	timeout -s KILL 60 ./queue "${@:2}" <"$1" >out 2>err
}
