#!/bin/bash
# run-queue-history.sh BUILD - whether the checker of queues' histories (queue_history.c) would find something: each
# kind of mistake is planted in what goes through a queue, and must be found, and called by its name.
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
build=$1

# One producer and one consumer, so that what is planted is a mistake whatever the times.
run() {
	timeout -s KILL 300 "$build/tests/queue_history" --items 20000 --round 20000 --limit 100 --threads 1x1 \
		--small 0 "$@" 2>&1
}
# finds KIND FAULT WORDS
finds() {
	local said
	said=$(run "$1" --plant "$2")
	[ $? = 1 ] || { echo "$said"; return 1; }
	echo "$said"
	grep -q "^# .*\($3\)" <<<"$said"
}

for kind in fifo lifo priority; do
	check "$kind: what is not disturbed is that of a queue" run $kind
	check "$kind: an item that is lost" finds $kind lose "put and not got"
	check "$kind: one that comes twice" finds $kind twice "got twice"
	check "$kind: one that is torn" finds $kind tear torn
	check "$kind: one that comes last" finds $kind overtake 'bound\|VWit\|overtook\|is under all\|a better one'
	check "$kind: empty, and is not" finds $kind empty VWit
	check "$kind: full, and is not" finds $kind full full
	check "$kind: more than there may be" finds $kind bound bound
done
check "fifo: two that are swapped" finds fifo swap 'bound\|overtook'
check "a fault that is none is no success" fails run fifo --plant nothing
tap_end
