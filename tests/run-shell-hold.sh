#!/bin/bash
# shellcheck disable=SC2016 # what stands in single quotes is for other shells to expand
# run-shell-hold.sh BUILD - programs run under fairlead lock and semaphore, and whoever is killed meanwhile.
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
build=$1
# shellcheck source=shell.sh
. "$(dirname "$0")/shell.sh"

# Locks: wrong usage, and what a program comes to.

check "a lock that nobody named is said" refuses 122 "LOCK is missing" lock
check "so is a program" refuses 122 "PROGRAM is missing" lock db
check "also behind --" refuses 122 "PROGRAM is missing" lock db --try --
check "--try and --timeout exclude each other" refuses 122 "exclude each other" lock --try --timeout 1s db true
tool event ready set
check "an event is no lock" refuses 125 "ready: this is used for something else: object 'ready' is" lock ready true
check "a program that there is not" refuses 127 "there is no such program" lock db ./no-such
check "one that is not on the PATH" refuses 127 "there is no such program" lock db no-such-program
check "one that is not executable" refuses 126 "it is not executable" lock db "$root/README.md"
check "none of these has made a lock" fails grep -qx db <("$fairlead" segments shell --names --directory "$directory")
check "a program runs" gives 0 tool lock db echo that it does
check "and says what it says" test "$(cat out)" = "that it does"
check "its status is the command's" gives 7 tool lock db -- sh -c 'exit 7'
check "so is the signal that killed it" gives 139 tool lock db -- sh -c 'kill -SEGV $$'
check "it has options of its own" gives 0 tool lock db -w 10s printf -- '%s.' --timeout -n --
check "as they were" test "$(cat out)" = "--timeout.-n.--."
cat >read-all <<<'cat; echo and so much >&2; printf "%s" "$FAIRLEAD_OWNER_DIED" >&2'
echo 'what came in' >in
stands_in_its_place() {
	"$fairlead" lock --directory "$directory" db sh ./read-all <in >out 2>err &&
		[ "$(cat out err)" = $'what came in\nand so much' ]
}
check "its input and output are the command's" stands_in_its_place
printf '#!/no/such/interpreter\n' >odd
chmod +x odd
check "what the system cannot run is said" refuses 127 "./odd: No such file or directory" lock db ./odd
check "after all that the lock is free" gives 0 tool lock db --try true
check "and the segment as it should be" test "$(state)" = left

# Eight scripts count in a file, which nobody may do at the same time.
cat >increment <<-'EOS'
	#!/bin/sh
	read -r n <counter
	echo $((n + 1)) >counter
EOS
chmod +x increment
count() {
	for _ in {1..25}; do
		"$fairlead" lock --directory "$directory" counter -- ./increment || return
	done
}
eight_count() {
	local i pids=()
	echo 0 >counter
	for i in {1..8}; do
		count &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || return
	done
	[ "$(cat counter)" = 200 ] || { cat counter; return 1; }
}
check "eight scripts count to 200 together" eight_count

gone() {
	! kill -0 "$1" 2>/dev/null
}

stay lock db
check "a lock that is held is busy" gives 123 tool lock db --try true
check "a wait for it takes no longer than it may" gives 124 tool lock db --timeout 20ms true
check "nothing was said about it" test ! -s err
check "another lock is free" gives 0 tool lock --try other true
check "one may be held around another one" gives 5 tool lock other -- "$fairlead" lock --directory "$directory" \
	third -- sh -c 'exit 5'
check "what holds it is called as the program" grep -qE "^ *$holder +alive .* stay\$" \
	<("$fairlead" segments shell --directory "$directory")
begin lock db -- sh -c 'echo "next, after: $FAIRLEAD_OWNER_DIED" >next'
waits=$pid
check "one waits for it" alive 3
check "when it is to end" ./event go set
check "it does" ends "$front" 9
check "the one that waited comes next" ends "$waits" 0
check "and is not told that somebody died" test "$(cat next)" = "next, after: "

# Who is killed: the command that the script has started.
stay lock db
cat >next.sh <<-EOS
	kill -0 $program 2>/dev/null && echo the program lives
	kill -0 $child 2>/dev/null && echo what it has started lives
	echo "\$FAIRLEAD_OWNER_DIED"
EOS
begin lock db -- sh -c 'sh ./next.sh >next'
waits=$pid
alive 3
kill -KILL "$front"
check "when the command is killed" ends "$front" 137
check "the next one comes" ends "$waits" 0
check "and finds nothing alive, and who it was" test "$(cat next)" = "$holder"
check "that is said, too" grep -qx "fairlead lock: db: process $holder (stay) died holding it" err.lock
check "all are dead" all_dead
check "the one after that is not told" gives 0 tool lock db -- sh -c '[ -z "$FAIRLEAD_OWNER_DIED" ]'

# The same if nobody waits, and with what takes itself out of its session.
sed -i 's/^\.\/event/setsid &/' stay
stay lock db
kill -KILL "$front"
check "nobody waits when it is killed" ends "$front" 137
check "all are dead that were below" all_dead
check "who comes is told" gives 0 tool lock db -- sh -c "[ \"\$FAIRLEAD_OWNER_DIED\" = $holder ]"

# The holder itself.
stay lock db
kill -KILL "$holder"
check "when the holder is killed, the status says so" ends "$front" 137
program_is_dead() {
	local until=$((SECONDS + 60))
	until gone "$program"; do
		[ "$SECONDS" -lt "$until" ] || return
	done
}
check "its program dies" program_is_dead
check "who comes is told nevertheless" gives 0 tool lock db -- sh -c "[ \"\$FAIRLEAD_OWNER_DIED\" = $holder ]"
./event go set
check "what the program had started went on, and has ended" all_dead
killed_alone_in() {
	"$fairlead" lock --directory "$directory" --segment "$1" db -- sh -c 'kill -KILL "$PPID"; cat' 2>/dev/null <&7
	[ $? = 137 ] && [ "$(state "$1")" = stale ]
}
mkfifo never
exec 7<>never # a read from it never ends
check "a holder that nobody is beside leaves the segment stale" killed_alone_in shell
check "who comes is told even so" gives 0 tool lock db -- sh -c '[ -n "$FAIRLEAD_OWNER_DIED" ]'
check "it is so in a program's segment" killed_alone_in shelf
check "that one is made anew, and nobody is told" gives 0 tool lock --segment shelf db -- \
	sh -c '[ -z "$FAIRLEAD_OWNER_DIED" ]'

# The program, and the script around.
stay lock db
kill -KILL "$program"
check "when the program is killed, the status says so" ends "$front" 137
check "the lock is free, and nobody is told" gives 0 tool lock db --try -- sh -c '[ -z "$FAIRLEAD_OWNER_DIED" ]'
./event go set
all_dead
cat >around <<-'EOS'
	"$fairlead" lock --directory "$directory" db -- ./stay &
	wait
EOS
./event there clear && ./event go clear
bash ./around &
around=$!
./event there wait
read -r holder program child <below
kill -KILL "$around"
wait "$around" 2>/dev/null
check "when the script around is killed, the lock is held" gives 123 tool lock db --try true
begin lock db -- sh -c 'echo "next, after: $FAIRLEAD_OWNER_DIED" >next'
./event go set
check "until the program ends" ends "$pid" 0
check "as it should" test "$(cat next)" = "next, after: "
stay lock db
begin lock db -- true
alive 3
kill -KILL "$pid"
wait "$pid" 2>/dev/null
check "one that is killed while it waits is gone" alive 2
./event go set
check "and is missed by nobody" ends "$front" 9

# The one before died, and that is not to be passed over.
died() {
	stay lock db
	kill -KILL "$front"
	all_dead
	ends "$front" 137
}
check "somebody dies" died
check "who fails for that does not run" refuses 120 "process $holder (stay) died" lock db --fail-if-owner-died touch ran
check "really" test ! -e ran
check "nor does the next one like that" refuses 120 "died holding it" lock db --fail-if-owner-died touch ran
check "one that does not mind does" gives 0 tool lock db -- sh -c '[ -n "$FAIRLEAD_OWNER_DIED" ]'
check "then all is well" gives 0 tool lock db --fail-if-owner-died -- sh -c '[ -z "$FAIRLEAD_OWNER_DIED" ]'

# Signals are the program's.
cat >obey <<-'EOS'
	#!/bin/bash
	./event never wait &
	trap 'kill $!; echo "$1" >said; exit 4' "$1"
	./event there set
	wait
EOS
chmod +x obey
for signal in TERM HUP INT USR1; do
	./event there clear
	begin lock db ./obey "$signal"
	./event there wait
	kill -$signal "$pid"
	check "the program gets SIG$signal, and its status is the command's" ends "$pid" 4
	check "it was SIG$signal" test "$(cat said)" = "$signal"
done
stay lock db
begin lock db touch ran
alive 3
kill -TERM "$pid"
check "SIGTERM ends a wait for a lock" ends "$pid" 143
check "its program is not run" test ! -e ran
./event go set
check "the one that has it is not disturbed" ends "$front" 9
env --ignore-signal=CHLD "$fairlead" lock --directory "$directory" db -- sh -c 'exit 6'
check "where SIGCHLD is ignored, the status is the program's, too" test $? = 6

# In a terminal, Ctrl-C goes to all in front of it: the program gets it once, and decides. A script around is ended by
# it if the program was.
cat >interrupted.py <<-'EOS'
	import os, signal, sys
	signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGUSR1])
	print("now", flush=True)
	signal.sigwait([signal.SIGINT])
	# this one goes the way that another SIGINT would have come before it
	with open(f"/proc/{os.getppid()}/stat") as about:
	    os.kill(int(about.read().rsplit(")")[1].split()[1]), signal.SIGUSR1)
	signal.sigwait([signal.SIGUSR1])
	print("twice" if signal.SIGINT in signal.sigpending() else "once", flush=True)
	sys.exit(8)
EOS
check "Ctrl-C is the program's to handle" gives 8 in_terminal "$fairlead" lock --directory "$directory" db -- \
	python3 interrupted.py
check "and comes to it once" grep -q "once\$" out
cat >dies.py <<-'EOS'
	import signal
	signal.signal(signal.SIGINT, signal.SIG_DFL)
	print("now", flush=True)
	signal.pause()
EOS
check "what it kills ends the script around, too" gives 254 in_terminal bash -c '
	"$fairlead" lock --directory "$directory" db python3 dies.py
	echo went on'
check "as if there were no command between" fails grep -q "went on" out

# Killed at random instants, waiting, running or about to end: nobody comes to where another one works, and who finds
# that one died in there is told. Each makes a folder, and takes it away when it has done its work.
cat >careful <<-'EOS'
	#!/bin/bash
	[ -z "$FAIRLEAD_OWNER_DIED" ] || rmdir inside 2>>/dev/null
	mkdir inside || echo "$$ meets another one, or what one has left" >>violations
	(for ((i = RANDOM % 2000; i > 0; i--)); do :; done)
	rmdir inside || echo "$$ has had company" >>violations
	echo >>worked
EOS
chmod +x careful
assassin() {
	local j front
	RANDOM=$1
	for _ in {1..25}; do
		"$fairlead" lock --directory "$directory" careful --timeout 60s ./careful 2>/dev/null &
		front=$!
		for ((j = RANDOM % 12000; j > 0; j--)); do :; done
		((RANDOM % 3)) || kill -KILL "$front" 2>/dev/null
		wait "$front" 2>/dev/null
		case $? in
		0 | 137) ;;
		*) echo "a status of $?" >>violations ;;
		esac
	done
}
careful() {
	local i pids=()
	: >violations
	: >worked
	rm -rf inside
	for i in {1..4}; do
		assassin "$1$i" &
		pids+=($!)
	done
	wait "${pids[@]}"
	cat violations
	echo "$(wc -l <worked) of 100 have done their work; the random numbers began with $1"
	[ ! -s violations ] && [ -s worked ] &&
		"$fairlead" lock --directory "$directory" careful --timeout 60s ./careful && [ ! -s violations ]
}
check "100 that are killed now and then do no harm" careful "$RANDOM"

# Semaphores around programs.

check "a program needs to know of how many" refuses 122 "a PROGRAM needs --permits" semaphore seats true
check "there are not none" refuses 122 "--permits 0: it must be from 1 to 4096" semaphore seats -p 0 true
check "something has to be done" refuses 122 "one of PROGRAM, --acquire and --release" semaphore seats
check "but one thing" refuses 122 "one of PROGRAM, --acquire and --release" semaphore seats --acquire true
check "signals have no such number" refuses 122 "--permits is for a PROGRAM" semaphore seats --acquire -p 2
check "a release does not wait" refuses 122 "--release does not wait" semaphore seats --release 1 --try
check "none cannot be released" refuses 122 "--release 0: it must be" semaphore seats --release 0
meet() {
	tool semaphore seats --permits 2 "$fairlead" barrier meet --parties 2 --directory "$directory"
}
two_meet() {
	meet &
	meet && wait $!
}
check "two are there at a time, if that is how many may" two_meet
check "with another number it is another semaphore" refuses 125 "used for something else" semaphore seats -p 3 true
# Says that it has come, and stays until the event `go` is set.
cat >sit <<-'EOS'
	#!/bin/sh
	echo "$PPID" >seated
	"$fairlead" semaphore --directory "$directory" come --release 1
	exec ./event go wait
EOS
chmod +x sit
sit() {
	begin semaphore seats -p 2 ./sit
	"$fairlead" semaphore --directory "$directory" come --acquire --timeout 60s
	read -r holder <seated
}
./event go clear
sit
first=$pid
sit
second=$pid
check "a third one finds none free" gives 123 tool semaphore seats -p 2 --try true
check "or has to wait" gives 124 tool semaphore seats -p 2 --timeout 20ms true
begin semaphore seats -p 2 -- sh -c 'exit 3'
kill -KILL "$second"
check "when one is killed, the one that waits has its permit" ends "$pid" 3
sit
third=$pid
check "then all are taken again" gives 123 tool semaphore seats -p 2 --try true
begin semaphore seats -p 2 -- sh -c 'exit 4'
kill -KILL "$holder"
check "it is so when a holder is" ends "$pid" 4
check "that one is said to be killed" ends "$third" 137
./event go set
check "one has stayed through all that" ends "$first" 0
check "two may come as before" two_meet

# As signals.
check "no permits are there at first" gives 123 tool semaphore boxes --acquire --try
check "three are released" gives 0 tool semaphore boxes --release 3
for i in 1 2 3; do
	check "one is taken, $i" gives 0 tool semaphore boxes --acquire --try
done
check "there are no more" gives 124 tool semaphore boxes --acquire --timeout 20ms
begin semaphore boxes --acquire
alive 1
check "who waits for one gets it" gives 0 tool semaphore boxes --release 1
check "and goes" ends "$pid" 0
check "as many as there can be are released" gives 0 tool semaphore boxes --release 1073741823
check "and not one more" refuses 125 "more permits than there can be" semaphore boxes --release 1
check "they are no permits for programs" refuses 125 "used for something else" semaphore boxes -p 1 true

# What the guide says, with this script's directory.
cat >fairlead <<-'EOS'
	#!/bin/sh
	command=$1
	shift
	exec "$fairlead" "$command" --directory "$directory" "$@"
EOS
chmod +x fairlead
awk '/^## /{ inside = $0 == "## From a shell" } inside && /^```/ { if (n++) exit; next } inside && n' \
	"$root/docs/guide.md" >guide.sh
check "the guide has a script" grep -q 'fairlead barrier' guide.sh
check "it runs" env PATH="$PWD:$PATH" timeout -s KILL 60 sh -c 'sh ./guide.sh >said'
check "and says what the guide says" grep -qF "It says \`$(cat said)\`." "$root/docs/guide.md"
tap_end
