#!/bin/bash
# shellcheck disable=SC2016 # what stands in single quotes is for other shells to expand
# run-shell-queue.sh BUILD - what scripts pass on by fairlead queue, also when those who put and get are killed.
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
build=$1
# shellcheck source=shell.sh
. "$(dirname "$0")/shell.sh"

# Wrong usage.

check "a queue that nobody named is said" refuses 122 "QUEUE is missing" queue
check "what is to be done with it has to be said" refuses 122 "is missing" queue jobs
check "and has to be a verb" refuses 122 "'pop' is not make, put, get," queue jobs pop
check "a name that is none is said" refuses 122 "'../x' is no name for an object" queue ../x put 1
check "get takes no text" refuses 122 "'x' is one argument too many" queue jobs get x
check "an option is for certain verbs" refuses 122 "get takes no --priority" queue jobs get --priority 1
check "another one for others" refuses 122 "put takes no --count" queue jobs put --count 2
check "so is waiting" refuses 122 "shutdown takes no --timeout" queue jobs shutdown --timeout 1s
check "so is making" refuses 122 "join takes no --limit" queue jobs join --limit 3
check "--try and --timeout exclude each other" refuses 122 "exclude each other" queue jobs get --try --timeout 1s
check "so do --count and --all" refuses 122 "exclude each other" queue jobs get --count 2 --all
check "an item ends in one way" refuses 122 "goes with neither" queue jobs get --null --raw
check "also when it is put" refuses 122 "goes with neither" queue jobs put --null --whole
check "a text is whole anyway" refuses 122 "not for a TEXT" queue jobs put --whole text
check "a kind that there is not" refuses 122 "--kind ring: it is not fifo, lifo or priority" queue jobs make --kind ring
check "room for none" refuses 122 "--limit 0: it must be from 1 to 1048576" queue jobs make --limit 0
check "items of nothing" refuses 122 "--item-size 0: it must be from 1" queue jobs make --item-size 0
check "no deliveries" refuses 122 "--deliveries 0: it must be from 1" queue jobs make --deliveries 0
check "a priority that is no number" refuses 122 "--priority high: it is not a whole number" queue jobs put -p high 1
check "one that is too large" refuses 122 "--priority 9223372036854775808: it is not" \
	queue jobs put -p 9223372036854775808 1
check "one where there are none" refuses 122 "needs a queue of that kind" queue jobs put --priority 1 --kind lifo 1
check "none of these has made one" fails grep -qx jobs <("$fairlead" segments shell --names --directory "$directory")
check "nobody joins one that there is not" refuses 125 "there is no object 'jobs'" queue jobs join
check "nor shuts it down" refuses 125 "there is no object 'jobs'" queue jobs shutdown
check "nor looks at it" refuses 125 "there is no object 'jobs'" queue jobs show
tool event ready set
check "an event is no queue" refuses 125 "ready: this is used for something else: object 'ready' is" queue ready get

# Items, one after the other.

check "a text is put" gives 0 tool queue jobs put one
check "several are" gives 0 tool queue jobs put two 'three and more' ''
check "one that looks like an option is, behind --" gives 0 tool queue jobs put -- --try
check "the segment is as it should be" test "$(state shell)" = left
check "they are got as they were put" says $'one\ntwo\n' jobs get --count 2
check "also the empty one" says $'three and more\n\n--try\n' jobs get -c 3
check "then there is none" gives 123 tool queue jobs get --try
check "nor will there be" gives 124 tool queue jobs get --timeout 20ms
check "nothing is said of it" test ! -s out -a ! -s err
printf 'a\n\nb\0c\nd' >lines
check "lines are put" gives 0 run_in lines jobs put
get_lines() {
	gives 0 tool queue jobs get --count 4 && cmp out <(cat lines; echo)
}
check "with all that is in them" get_lines
printf 'a\nb\0\0c' >zeros
check "so are texts that end with a zero byte" gives 0 run_in zeros jobs put --null
get_zeros() {
	gives 0 tool queue jobs get --null --count 3 && cmp out <(printf 'a\nb\0\0c\0')
}
check "and come back like that" get_zeros
check "no input is no item" gives 0 run_in /dev/null jobs put
check "really" gives 123 tool queue jobs get --try
check "but one as a whole" gives 0 run_in /dev/null jobs put --whole
check "which is empty" says '' jobs get --raw --try
check "what is no input is said" gives 125 run_in . jobs put
check "by its name" grep -qF "standard input: Is a directory" err
head -c 100000 /dev/urandom >random
check "an item of any bytes is put" gives 0 run_in random large put --whole --item-size 100000
get_whole() {
	gives 0 tool queue large get --raw && cmp out random
}
check "and got" get_whole
check "a part of what is asked for is better than nothing" gives 0 tool queue jobs put 1 2
check "but it is told" gives 123 tool queue jobs get --count 3 --try
check "after that part" test "$(paste -sd ' ' out)" = "1 2"

# Sizes.

long=$(printf %0257d 0)
check "an item that is too large is said, with sizes" refuses 125 "item 1 has 257 bytes, and this queue takes 256" \
	queue jobs put "$long"
check "and which one it is" refuses 125 "item 3 has 257 bytes" queue jobs put a b "$long" c
check "and what has been put" grep -qF "jobs: 2 items were put before that" err
check "that is there" says $'a\nb\n' jobs get -c 2
check "and nothing else" gives 123 tool queue jobs get --try
printf 'a\n%s\nb\n' "$long" >lines
check "so is a line" gives 125 run_in lines jobs put
check "with at least its size" grep -qE "item 2 has at least [0-9]+ bytes, and this queue takes 256" err
check "one that has just the size is none" gives 0 tool queue jobs put "${long#0}"
check "it comes behind what was before" says "a"$'\n'"${long#0}"$'\n' jobs get -c 2
endless() {
	tr '\0' x </dev/zero | gives 125 run_in /dev/stdin jobs put
}
check "a line without an end has one" endless

# Kinds.

check "a queue is made" gives 0 tool queue stack make --kind lifo --limit 3 --item-size 1
check "the last one comes first" gives 0 tool queue stack put a b c
check "which is all that there is room for" gives 123 tool queue stack put --try d
check "also if one waits for a while" gives 124 tool queue stack put --timeout 20ms d
check "they come" says $'c\nb\na\n' stack get -c 3
check "another kind is another queue" refuses 125 "queue 'stack' is LIFO" queue stack put --kind fifo x
check "so is another limit" refuses 125 "3 items of 1 bytes" queue stack get --limit 4
check "the same is not" gives 0 tool queue stack make --limit 3
check "also if all is said" gives 0 tool queue stack make --limit 3 --item-size 1 --kind lifo
check "more deliveries are another queue" refuses 125 "0 deliveries, not LIFO, 3 of 1, at 0, 7" \
	queue stack put --deliveries 7 x
check "the lowest priority comes first" gives 0 tool queue urgent put --priority 7 seven
check "others are put" gives 0 tool queue urgent put --priority -9223372036854775808 least
check "more of them" gives 0 tool queue urgent put zero "also zero"
check "up to the highest" gives 0 tool queue urgent put --priority 9223372036854775807 most
check "they come in order, and without a number" says $'least\nzero\nalso zero\nseven\nmost\n' urgent get -c 5
check "an item may be as large as was said" gives 0 tool queue large-urgent put --kind priority --item-size 5 12345
check "and no larger" refuses 125 "has 6 bytes, and this queue takes 5" queue large-urgent put 123456
check "that one is there" says $'12345\n' large-urgent get --item-size 5
check "a queue without room in the segment is none" refuses 125 "the segment may not grow" queue huge make \
	--limit 1048576 --item-size 1000000
check "nor is one that was not made" refuses 125 "there is no object 'huge'" queue huge show

# Waiting.

begin queue jobs get >got
check "one waits for an item" alive 1
check "one is put" gives 0 tool queue jobs put x
check "and got" ends "$pid" 0
check "by the one that waited" test "$(cat got)" = x
tool queue room make --limit 1
tool queue room put first
begin queue room put second
alive 1
check "one waits for room" gives 123 tool queue room put --try third
check "the first one is got" says $'first\n' room get
check "then there is room" ends "$pid" 0
check "for the second one" says $'second\n' room get
begin queue room join
check "all is done: who joins is not kept" ends "$pid" 0
tool queue room put third
check "it is not, and who joins waits" gives 123 tool queue room join --try
check "not for ever" gives 124 tool queue room join --timeout 20ms
begin queue room join
alive 1
check "it is done" says $'third\n' room get
check "and who joins is told" ends "$pid" 0
for signal in INT TERM HUP QUIT; do
	begin queue jobs get
	alive 1
	kill -$signal "$pid"
	check "SIG$signal ends a wait for an item" ends "$pid" $((128 + $(kill -l $signal)))
	check "after SIG$signal the segment is as after any other" test "$(state shell)" = left
done
mkfifo silent
exec 8<>silent # a read from it never ends
env --default-signal=INT "$fairlead" queue --directory "$directory" jobs put <silent 2>err.put &
pid=$!
printf 'one\ntwo\nhal' >&8
until_shows jobs size=2
kill -TERM "$pid"
check "SIGTERM ends a wait for input" ends "$pid" 143
check "what was put is said" grep -qF "jobs: 2 items were put before that" err.put
check "and left in order" test "$(state shell)" = left
check "they are there, and half a line is not" says $'one\ntwo\n' jobs get -c 2
check "really not" gives 123 tool queue jobs get --try
queue_show_is() {
	[ "$(./queue "$1" show)" = "$2" ] || { ./queue "$1" show; return 1; }
}
check "a queue is shown" queue_show_is stack "kind=lifo size=0 taken=0 reserved=0 limit=3 item_size=1 \
max_deliveries=0 shutdown=0 put=3 delivered=3 returned=0 dropped=0 cleared=0"
json_is() {
	tool queue large-urgent show --json && python3 -c '
import json, sys
got = json.load(sys.stdin)
want = dict(name="large-urgent", kind="priority", size=0, taken=0, reserved=0, limit=64, item_size=5, max_deliveries=0,
            shutdown=False, put=1, delivered=1, returned=0, dropped=0, cleared=0)
sys.exit(0 if got == want else str(got))' <out
}
check "also as JSON" json_is

# Shutting down.

tool queue ending put --limit 3 1 2 3
begin queue ending put 4
alive 1
check "it is shut down" gives 0 tool queue ending shutdown
check "who waits to put is told" ends "$pid" 121
check "nothing more is put" refuses 121 "ending: it is shut down" queue ending put 5
printf 'one\n' >&8
check "also who could read more" gives 121 run_in silent ending put
check "what is there is got" says $'1\n2\n' ending get -c 2
check "as far as it goes" gives 121 tool queue ending get -c 2
check "the last one was among it" test "$(cat out)" = 3
check "that is the end" gives 121 tool queue ending get
check "nothing is said of that" test ! -s out -a ! -s err
check "for who wants all, it is as it should be" says '' ending get --all
check "a second time is not too often" gives 0 tool queue ending shutdown
check "it shows" until_shows ending shutdown=1
begin queue all get --all
waits=$pid
"$fairlead" queue --directory "$directory" stream get --all >streamed &
pid=$!
alive 2
tool queue all shutdown
check "who waits to get is told" ends "$waits" 0
seq 1000 >numbers
check "a thousand lines go through" gives 0 run_in numbers stream put
check "they are all" gives 0 tool queue stream shutdown
check "who gets all of them ends" ends "$pid" 0
check "and has them in order" diff numbers streamed
tool queue drop put 1 2 3
check "what is in it can be dropped, and is counted" gives 0 tool queue drop shutdown --now
check "that is said" grep -qF "drop: 3 items were dropped" err
check "there is nothing" gives 121 tool queue drop get

# Output that fails, and who is killed in the middle of it.

tool queue jobs put kept
check "what cannot be written is said" gives 125 sh -c './queue jobs get >/dev/full 2>err'
check "by its name" grep -qF "standard output: No space left on device" err
check "and is there again" says $'kept\n' jobs get --try
tool queue jobs put 1 2 3
exec 7> >(:)
wait $! # nobody reads from descriptor 7 any more
unread() {
	timeout -s KILL 60 ./queue jobs get >&7 2>err
}
check "where nobody reads, it ends as others do" gives 141 unread
check "without a word" test ! -s err
check "and in order" test "$(state shell)" = left
check "and nothing is lost" says $'1\n2\n3\n' jobs get -c 3
exec 7>&-
# Blocks in the middle of an item, since nobody reads; $pid.
write_slowly() {
	run_in random large put --whole
	rm -f slow
	mkfifo slow
	exec 9<>slow
	"$fairlead" queue --directory "$directory" large get --raw >slow 2>err.get &
	pid=$!
	until_shows large taken=1 && timeout 60 head -c 1 <&9 >part
}
check "one writes what nobody reads" write_slowly
kill -TERM "$pid"
check "SIGTERM ends it" ends "$pid" 143
check "in order" test "$(state shell)" = left
check "and the item is there again" get_whole
check "another one does" write_slowly
kill -KILL "$pid"
wait "$pid" 2>/dev/null
check "it is killed, and the item is there again" get_whole
check "it was handed out twice" until_shows large delivered=5
check "and nothing has been dropped" until_shows large dropped=0
tool queue twice make --item-size 100000 --deliveries 2
kill_one() {
	rm -f slow
	mkfifo slow
	exec 9<>slow
	"$fairlead" queue --directory "$directory" twice get --raw >slow &
	pid=$!
	until_shows twice taken=1 && timeout 60 head -c 1 <&9 >part
	kill -KILL "$pid"
	ends "$pid" 137
}
run_in random twice put --whole
check "one of two deliveries is killed" kill_one
check "and the other one" kill_one
check "then there is nothing" gives 123 tool queue twice get --try
check "and that is counted" until_shows twice dropped=1
exec 9>&-

# Killed at random instants, those who put and those who get: what was put by one that ended well is got.
putter() {
	local j pid
	RANDOM=$1
	for i in {1..40}; do
		"$fairlead" queue --directory "$directory" storm put --timeout 60s "$1.$i" 2>/dev/null &
		pid=$!
		for ((j = RANDOM % 6000; j > 0; j--)); do :; done
		((RANDOM % 3)) || kill -KILL "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
		case $? in
		0) echo "$1.$i" >>put ;;
		137) ;;
		*) echo "to put, a status of $?" >>violations ;;
		esac
	done
}
getter() {
	local j pid
	RANDOM=$1
	for _ in {1..15}; do
		"$fairlead" queue --directory "$directory" storm get -c 2 --timeout 20ms >>got 2>/dev/null &
		pid=$!
		for ((j = RANDOM % 6000; j > 0; j--)); do :; done
		((RANDOM % 3)) || kill -KILL "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
		case $? in
		0 | 124 | 137) ;;
		*) echo "to get, a status of $?" >>violations ;;
		esac
	done
}
storm() {
	local i pids=()
	tool queue storm make --limit 1000
	: >violations
	: >put
	: >got
	for i in 1 2; do
		putter "$1$i" &
		pids+=($!)
		getter "$1$i" &
		pids+=($!)
	done
	wait "${pids[@]}"
	./queue storm get --all --try >>got
	sort -u got | comm -23 <(sort put) - | sed 's/$/ is lost/' >>violations
	grep -vxE "$1[12]\.[0-9]+" got | sed 's/$/ was never put/' >>violations
	cat violations
	echo "$(wc -l <put) were put, $(wc -l <got) got; the random numbers began with $1"
	[ ! -s violations ] && [ -s put ] && ./queue storm join --try
}
check "of those who put and get some are killed, and nothing is lost" storm "$RANDOM"
tap_end
