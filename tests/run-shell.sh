#!/bin/bash
# shellcheck disable=SC2016 # what stands in single quotes is for other shells to expand
# run-shell.sh BUILD - what scripts share by fairlead event and barrier, also when some of them are killed; and what
# these commands have in common with fairlead lock, semaphore (run-shell-hold.sh) and queue (run-shell-queue.sh): help
# and completion.
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
build=$1
# shellcheck source=shell.sh
. "$(dirname "$0")/shell.sh"

# Wrong usage.

check "an event that nobody named is said" refuses 122 "EVENT is missing" event
check "what is to be done with it has to be said" refuses 122 "set|clear|wait|is-set is missing" event ready
check "and has to be one of four words" refuses 122 "'stop' is not set, clear, wait or is-set" event ready stop
check "two are one too many" refuses 122 "'wait' is one argument too many" event ready set wait
check "a name that is none is said" refuses 122 "'../x' is no name for an object" event ../x set
check "so is that of a segment" refuses 122 "'.x' is no name for a segment" event ready set --segment .x
check "and a duration" refuses 122 "--timeout soon: it is not a duration" event ready wait --timeout soon
check "what does not wait has no time-out" refuses 122 "set does not wait" event ready set --timeout 1s
check "an option that there is not is said" refuses 122 "did you mean --timeout?" event ready wait --timeuot 1s
folder=$scratch/no/no check "a folder that cannot be is a failure" \
	refuses 125 "$scratch/no/no cannot be" event ready set
check "help is there" gives 0 tool event --help
check "and says how to call it" grep -qF 'Usage: fairlead event [OPTION...] EVENT set|clear|wait|is-set' out
check "a full disk is noticed" fails sh -c "'$fairlead' event --help >/dev/full"

# Events.

check "an event is not set at first" gives 1 tool event ready is-set
check "nothing is said of it" test ! -s out -a ! -s err
check "it is set" gives 0 tool event ready set
check "it is set twice" gives 0 tool event ready set
check "when all have left, the segment is left" test "$(state)" = left
check "and it is set for the next one" gives 0 tool event ready is-set
check "a wait for it is over at once" gives 0 tool event ready wait
check "it is cleared" gives 0 tool event ready clear
check "and is not set" gives 1 tool event ready is-set
check "a wait takes no longer than it may" gives 124 tool event ready wait --timeout 20ms
check "the short option does the same" gives 124 tool event -w .02 ready wait
begin event ready wait
waits=$pid
check "one waits" alive 1
begin event ready wait --timeout 1h
check "another one does" alive 2
check "they are let go" gives 0 tool event ready set
check "the one" ends "$waits" 0
check "and the other one" ends "$pid" 0
tool event ready clear

# Two processes, and one may go on only when the other one has: 50 times each.
turns() {
	for _ in {1..50}; do
		./event "$1" wait && ./event "$1" clear && echo "$1" >>turns && ./event "$2" set || return
	done
}
check_turns() {
	turns tick tock &
	./event tick set
	turns tock tick
	wait $! && diff <(yes $'tick\ntock' | head -n 100) turns
}
check "two take turns" check_turns

# A command that is ended while it waits leaves in order, ends by the same signal, and changes nothing.
for signal in INT TERM HUP QUIT; do
	begin event never wait
	alive 1
	kill -$signal "$pid"
	check "SIG$signal ends a wait" ends "$pid" $((128 + $(kill -l $signal)))
	check "after SIG$signal the segment is as after any other" test "$(state)" = left
done
env --ignore-signal=HUP "$fairlead" event --directory "$directory" never wait --timeout 1h &
pid=$!
alive 1
kill -HUP "$pid"
kill -TERM "$pid"
check "SIGHUP that is ignored ends none" ends "$pid" $((128 + 15))

# Killed. In the segments of scripts that harms nothing; another one is made anew, as it is for programs.
killed_alone() {
	local directory=${folder:-$directory}
	tool event kept set --segment "$1"
	begin event never wait --segment "$1"
	alive 1 "$1" && kill -KILL "$pid"
	wait "$pid" 2>/dev/null
	[ "$(state "$1")" = stale ]
}
check "when the last one is killed, the segment is stale" killed_alone shell
check "what was in it is still there" gives 0 tool event kept is-set
check "it is not stale any more" test "$(state)" = left
check "it is so in others whose name says that they are scripts'" killed_alone shell.mine
check "there, too" gives 0 tool event kept is-set --segment shell.mine
check "it happens in a program's segment" killed_alone shelf
check "that one is made anew" gives 1 tool event kept is-set --segment shelf
if [ "$(stat -f -c %T disk)" != tmpfs ]; then
	folder=disk check "it happens on a disk" killed_alone shell
	folder=disk check "where nothing is kept, for the machine may have died" gives 1 tool event kept is-set
else
	skip "it happens on a disk" "there is none"
	skip "where nothing is kept, for the machine may have died" "there is none"
fi

# Barriers.

check "a barrier has to know how many" refuses 122 "--parties is missing" barrier start
check "none are too few" refuses 122 "--parties 0: it must be from 1 to 120" barrier start --parties 0
check "more than a segment has room for are too many" refuses 122 "from 1 to 120" barrier start --parties 121
check "--reset does not wait" refuses 122 "go with neither" barrier start --parties 3 --reset --timeout 1s
check "nor does --abort" refuses 122 "go with neither" barrier start --parties 3 --abort --index
check "one alone needs not wait" gives 0 tool barrier alone --parties 1 --index
check "and is the first one" test "$(cat out)" = 0

# Five rounds of three, of which each has another index.
rounds() {
	for _ in {1..5}; do
		"$fairlead" barrier start --directory "$directory" --parties 3 --index >>"index.$1" || return
	done
}
check_rounds() {
	rounds 1 &
	rounds 2 &
	rounds 3 && wait && paste index.1 index.2 index.3 | while read -r a b c; do
		[ "$(printf '%s\n' "$a" "$b" "$c" | sort | paste -sd ' ')" = '0 1 2' ] || echo "a round of $a $b $c"
	done | tee wrong && [ ! -s wrong ] && [ "$(wc -l <index.3)" = 5 ]
}
check "three wait for each other, five times" check_rounds
check "with another number of parties it is another barrier" refuses 125 "start: this is used for something else" \
	barrier start --parties 4
check "who waits for too long gives up" gives 124 tool barrier start --parties 3 --timeout 20ms
check "and so has broken it" refuses 121 "start: it is broken" barrier start --parties 3
check "it is made whole" gives 0 tool barrier start --parties 3 --reset
begin barrier start --parties 3
waits=$pid
check "one waits at it" alive 1
check "it is broken on purpose" gives 0 tool barrier start --parties 3 --abort
check "who waited is told" ends "$waits" 121
tool barrier start --parties 3 --reset
begin barrier start --parties 3
waits=$pid
begin barrier start --parties 3
check "two wait" alive 2
kill -KILL "$pid"
check "if one of them is killed, the other one is told" ends "$waits" 121
tool barrier start --parties 3 --reset
begin barrier start --parties 3
waits=$pid
alive 1
kill -TERM "$waits"
check "SIGTERM ends a wait at a barrier" ends "$waits" 143
check "which is broken by it" gives 121 tool barrier start --parties 3
check "a reset" gives 0 tool barrier start --parties 3 --reset
rm -f index.*
check "and all is well again" check_rounds

# Help and completion. Names are asked for in this script's directory, by what stands for the command.
for command in lock semaphore event barrier queue; do
	check "$command has help" gives 0 tool "$command" --help
	check "which says where the segment is" grep -q -- '--segment SEGMENT' out
done
printf '#!/bin/sh\nexec "$fairlead" "$@" --directory "$directory"\n' >fairlead
chmod +x fairlead
"$fairlead" completion bash >completion.bash
completes() {
	local words=$1
	shift
	(
		# shellcheck source=/dev/null
		. ./completion.bash
		read -r -a COMP_WORDS <<<"${words%|}"
		[ "${words%|}" = "$words" ] || COMP_WORDS+=("")
		COMP_WORDS[0]=./fairlead
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_fairlead
		diff <(printf '%s\n' "${COMPREPLY[@]}" | sort) <(printf '%s\n' "$@" | sort)
	)
}
touch increment
chmod +x increment
tool lock other true
tool event shelved set --segment shelf
check "commands are completed" completes 'fairlead sema' semaphore
check "options of a lock" completes 'fairlead lock --' --timeout --try --fail-if-owner-died --segment --directory \
	--config --help --version
check "names of locks" completes 'fairlead lock oth' other
check "names of events" completes 'fairlead event rea' ready
check "names of queues" completes 'fairlead queue rea' ready
check "what may be done with one" completes 'fairlead queue ready s' shutdown show
check "kinds of queues" completes 'fairlead queue ready make --kind |' fifo lifo priority
check "what may be done with an event" completes 'fairlead event ready |' set clear wait is-set
check "options behind a name" completes 'fairlead lock other --ti' --timeout
check "names of programs" completes 'fairlead lock other incr' increment
check "behind -- too" completes 'fairlead lock other -- incr' increment
check "nothing of the command's behind a program" completes 'fairlead lock other true --ti' ''
check "names of segments" completes 'fairlead lock --segment shelf' shelf
tap_end
