#!/bin/bash
# shellcheck disable=SC2016 # what stands in single quotes is for other shells to expand
# run-shell-queue-work.sh BUILD - programs that fairlead queue runs for items, and whoever is killed meanwhile.
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
build=$1
# shellcheck source=shell.sh
. "$(dirname "$0")/shell.sh"

# of QUEUE TEXT... - exactly these are in the queue.
of() {
	tool queue "$1" get --all --try
	gives 0 tool queue "$1" put -- "${@:2}"
}
tool event ready set # so that there is a segment
head -c 100000 /dev/urandom >random
seq 1000 >numbers

# Wrong usage, and what a program gets.

check "a program has to be said" refuses 122 "PROGRAM is missing" queue work work
check "and to be there" refuses 127 "there is no such program" queue work work ./no-such
check "and executable" refuses 126 "it is not executable" queue work work "$root/README.md"
check "tries are not none" refuses 122 "--tries 0: it must be from 1" queue work work --tries 0 true
check "a priority is not for it" refuses 122 "work takes no --priority" queue work work --priority 1 true
check "none of these has made one" fails grep -qx work <("$fairlead" segments shell --names --directory "$directory")
check "three are put" of work one 'two three' ''
check "a program has each as its input" gives 123 tool queue work work --try -- sh -c 'echo "<$(cat)>"'
check "one after the other" test "$(paste -sd ' ' out)" = "<one> <two three> <>"
check "then they are done" gives 0 tool queue work join --try
check "others are put" of work one 'two three' -4
check "it may have them as an argument" gives 123 tool queue work work --try printf '%s,' {} --try {}.txt {}
check "as it is" test "$(cat out)" = "one,--try,{}.txt,one,two three,--try,{}.txt,two three,-4,--try,{}.txt,-4,"
check "waiting has an end" gives 124 tool queue work work --timeout 20ms true
check "bytes are put" gives 0 run_in random large put --whole --item-size 100000
works_on_bytes() {
	gives 123 tool queue large work --try cat && cmp out random
}
check "any bytes are its input" works_on_bytes
tool queue urgent put --priority 12 later
tool queue urgent put --priority -5 first
check "it is told what it has" gives 123 tool queue urgent work --try -- \
	sh -c 'echo "$FAIRLEAD_NUMBER $FAIRLEAD_DELIVERIES $FAIRLEAD_PRIORITY $(cat)"'
check "in its environment" diff <(echo '2 1 -5 first'; echo '1 1 12 later') out
of work one
export FAIRLEAD_PRIORITY=7 FAIRLEAD_DELIVERIES=7
check "what it is not told is not there" gives 123 tool queue work work --try -- \
	sh -c 'echo "${FAIRLEAD_PRIORITY-none} $FAIRLEAD_DELIVERIES"'
check "really not" test "$(cat out)" = "none 1"
unset FAIRLEAD_PRIORITY FAIRLEAD_DELIVERIES

# A program that fails.
of work bad good
check "when it fails, the command ends with its status" refuses 3 \
	"handed out 1 times: the program's status is 3; it is given back" queue work work -- sh -c 'exit 3'
check "the item is there again" gives 123 tool queue work work --try -- sh -c 'echo "$FAIRLEAD_DELIVERIES $(cat)"'
check "before the others" test "$(paste -sd , out)" = "2 bad,1 good"
of work bad good
check "as often as it may be tried" gives 119 tool queue work work --try --tries 3 -- \
	sh -c 'read -r x; echo "$x"; [ "$x" = good ]'
check "the others come" test "$(paste -sd ' ' out)" = "bad bad bad good"
check "what is given up is said" grep -qE "work: item [0-9]+, handed out 3 times: .*; it is given up" err
check "and how many these are" grep -qF "work: 1 items were given up" err
check "it is not there" gives 0 tool queue work join --try
of work bad
check "what was ended by a signal has failed" refuses 139 "the program was ended by signal 11; it is given back" \
	queue work work -- sh -c 'kill -SEGV $$'
check "who is ended by SIGINT ends the command" gives 130 tool queue work work -- sh -c 'kill -INT $$'
check "and the item is there" says $'bad\n' work get --try
printf '1\0 2' >zeros
tool queue large get --all --try
run_in zeros large put --whole
check "no argument has a zero byte" refuses 126 "it has a zero byte, as no argument can; it is given back" \
	queue large work echo {}
check "that is the item's fault" gives 119 tool queue large work --try --tries 1 echo {}
tool queue larger make --item-size 200000
tr '\0' x </dev/zero | head -c 200000 >xs
run_in xs larger put --whole
check "nor is one so large" refuses 126 "it is too large for an argument; it is given back" queue larger work echo {}
printf '#!/no/such/interpreter\n' >odd
chmod +x odd
of work one
check "what cannot be run is not the item's fault" refuses 127 "./odd: No such file" queue work work --tries 1 ./odd
check "which is there" says $'one\n' work get --try

# Two share the work: each of them has to come to the barrier.
cat >share <<-'EOS'
	#!/bin/sh
	read -r item
	[ "$item" != meet ] || "$fairlead" barrier --directory "$directory" meet --parties 2 --timeout 60s
	echo "$item" >>"shared.$1"
EOS
chmod +x share
share() {
	local one
	"$fairlead" queue --directory "$directory" shared work ./share 1 &
	one=$!
	"$fairlead" queue --directory "$directory" shared work ./share 2 &
	{ echo meet; echo meet; cat numbers; } | ./queue shared put &&
		./queue shared join && ./queue shared shutdown && ends "$one" 0 && ends $! 0
}
check "two share a thousand, and end when it is shut down" share
check "each has come to something" test -s shared.1 -a -s shared.2
check "all are done, and once" diff <(sort numbers) <(grep -vx meet shared.1 shared.2 -h | sort)

# Who is killed.
cat >next.sh <<-'EOS'
	if [ "$FAIRLEAD_DELIVERIES" = 2 ]; then
		kill -0 "$(cut -d ' ' -f 2 below)" 2>/dev/null && echo the program lives
		kill -0 "$(cut -d ' ' -f 3 below)" 2>/dev/null && echo what it has started lives
	fi
	echo "$FAIRLEAD_DELIVERIES $(cat)"
EOS
of work 0 later
stay queue work work
check "an item that somebody has is not done" gives 123 tool queue work join --try
begin queue work work sh next.sh >next
waits=$pid
until_shows work size=0
until_shows work taken=1
begin queue work join
joins=$pid
alive 4
check "who works is called as the program" grep -qE "^ *$holder +alive .* stay\$" \
	<("$fairlead" segments shell --directory "$directory")
kill -KILL "$front"
check "when the command is killed" ends "$front" 137
check "all is dead that it has started" all_dead
check "and all is done by another one" ends "$joins" 0
check "to which it was handed out again" diff <(echo '1 later'; echo '2 0') next
kill -TERM "$waits"
check "that one waits for more until SIGTERM" ends "$waits" 143
check "in order" test "$(state shell)" = left
of work 0
stay queue work work
kill -KILL "$holder"
check "when the holder is killed, the status says so" ends "$front" 137
./event go set
all_dead
check "the item is there again" says $'0\n' work get --try
of work 0
stay queue work work
kill -KILL "$program"
check "when the program is killed, the status says so" ends "$front" 137
check "the item is there again, too" says $'0\n' work get --try
./event go set
all_dead
tool queue once put --deliveries 1 0
stay queue once work
kill -KILL "$front"
wait "$front" 2>/dev/null
all_dead
check "as often as the queue says, and not more" gives 123 tool queue once get --try
check "it is counted" until_shows once dropped=1
killed_alone_in() {
	tool queue alone put 0 --segment "$1"
	stay queue alone work --segment "$1"
	kill -KILL "$front"
	all_dead
	wait "$front" 2>/dev/null
	[ "$(state "$1")" = left ]
}
check "who is killed alone in a program's segment has left in order" killed_alone_in shelf
check "so that what is in it is kept" says $'0\n' alone get --try --segment shelf

# Signals.
cat >obey <<-'EOS'
	#!/bin/bash
	./event never wait &
	trap 'kill $!; echo "$1" >>said; exit "$2"' "$1"
	./event there set
	wait
EOS
chmod +x obey
for signal in TERM HUP INT USR1; do
	./event there clear
	: >said
	of work one two
	begin queue work work ./obey "$signal" 0
	./event there wait
	kill -$signal "$pid"
	check "SIG$signal ends the work" ends "$pid" $((128 + $(kill -l $signal)))
	check "when the program has got it, and has ended" test "$(cat said)" = "$signal"
	check "it was done, and the next one is there" says $'two\n' work get --try
done
of work one
./event there clear
begin queue work work --tries 1 ./obey TERM 5
./event there wait
kill -TERM "$pid"
check "also if the program fails then" ends "$pid" 143
check "for which its item is not given up" says $'one\n' work get --try
of work one two
cat >interrupted.py <<-'EOS'
	import signal, sys
	signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
	print("now", flush=True)
	signal.sigwait([signal.SIGINT])
	print("once" if signal.SIGINT not in signal.sigpending() else "twice", flush=True)
	sys.exit(int(sys.argv[1]))
EOS
check "Ctrl-C ends it, too" gives 254 in_terminal "$fairlead" queue --directory "$directory" work work --tries 1 \
	python3 interrupted.py 1
check "and comes to the program once" grep -q "once\$" out
check "its item is not given up, and it is the last one" says $'one\ntwo\n' work get -c 2

# Those that work are killed at random instants. No item is worked on by two, nor while anything is left of who was
# killed with it; each is done in the end.
cat >careful <<-'EOS'
	#!/bin/bash
	read -r item
	[ "$FAIRLEAD_DELIVERIES" = 1 ] || rmdir "at.$item" 2>>/dev/null
	mkdir "at.$item" || echo "$item has company, or was left by somebody" >>violations
	(for ((i = RANDOM % 2000; i > 0; i--)); do :; done)
	rmdir "at.$item" || echo "$item has had company" >>violations
	echo "$item" >>worked
EOS
chmod +x careful
assassin() {
	local j front
	RANDOM=$1
	for _ in {1..15}; do
		"$fairlead" queue --directory "$directory" careful work --try ./careful 2>/dev/null &
		front=$!
		for ((j = RANDOM % 20000; j > 0; j--)); do :; done
		kill -KILL "$front" 2>/dev/null
		wait "$front" 2>/dev/null
		case $? in
		123 | 137) ;;
		*) echo "a status of $?" >>violations ;;
		esac
	done
}
careful() {
	local i pids=()
	: >violations
	: >worked
	tool queue careful make --limit 1000
	run_in <(seq 300) careful put
	for i in {1..3}; do
		assassin "$1$i" &
		pids+=($!)
	done
	wait "${pids[@]}"
	./queue careful shutdown
	alive 0
	timeout -s KILL 60 ./queue careful work ./careful || echo "a status of $? at the end" >>violations
	diff <(seq 300 | sort) <(sort -u worked) >>violations
	cat violations
	echo "$(wc -l <worked) times worked; the random numbers began with $1"
	./queue careful show
	[ ! -s violations ] && ./queue careful join --try
}
check "workers that are killed do no harm" careful "$RANDOM"

# What the guide says, with this script's directory.
cat >fairlead <<-'EOS'
	#!/bin/sh
	command=$1
	shift
	exec "$fairlead" "$command" --directory "$directory" "$@"
EOS
chmod +x fairlead
awk '/^## / { inside = $0 == "## From a shell" }
	/^```/ { if (block ~ /fairlead queue/) printf "%s", block; block = ""; code = !code && inside; next }
	code { block = block $0 "\n" }' "$root/docs/guide.md" >guide.sh
check "the guide has a script" grep -q 'work --tries 2' guide.sh
check "it runs" env PATH="$PWD:$PATH" timeout -s KILL 60 sh -c 'sh ./guide.sh >said'
check "and says what the guide says" grep -qF "It says \`$(cat said)\`." "$root/docs/guide.md"
check "and leaves nothing behind" test -z "$(state shell.squares)"
tap_end
