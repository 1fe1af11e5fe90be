#!/bin/bash
# run-watch.sh BUILD - `fairlead watch`: each kind of circle is found, and named; correct programs are passed over in
# silence; deadlocks are found while they last; figures are there however a program ends; what cannot be watched is
# refused; and python3 and sqlite3's shell run under it.
#
# The programs (tests/watch) make what is to be found happen for certain; nothing is waited for by time. Tests of what
# is not reported would pass if nothing were ever reported: those of what is stand before them, with the same locks.
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
build=$1
fairlead=$build/cli/fairlead
programs=$build/tests/watch
cd "$scratch" || exit 1

# Runs the command, which must not take for ever. What it says is in `out` and `err`, its status in $status.
tool() {
	timeout -s KILL 120 "$fairlead" watch "$@" >out 2>err </dev/null
	status=$?
	cat out err
}

# ends_with STATUS ARGUMENT...
ends_with() {
	local wanted=$1
	shift
	tool "$@"
	[ "$status" = "$wanted" ]
}

# says N WORDS - so many lines of what was found have these words.
says() {
	[ "$(grep -c -- "$2" err)" = "$1" ]
}

# What a case of `orders` has to have in its report.
declare -A words=(
	[two]="a_then_b b_then_a 'a' 'b'"
	[three]="a_then_b b_then_c c_then_a"
	[five]="a_then_b b_then_c c_then_d d_then_e e_then_a"
	[main-too]="main_too a_then_b"
	[rwlocks]="read_r_write_s read_s_write_r to.read to.write"
	[spin-locks]="spin.lock spin_up spin_down"
	[c11]="c11_up c11_down"
	[condition]="wait_with_a b_then_a"
	[after-try]="try_a_then_b"
	[other-gates]="and.held"
	[read-gates]="and.held to.read"
	[many]="transfer_up transfer_down accounts"
	[destructors]="at_end"
	[moved]="hand_over c_then_b"
)
finds_circle() {
	local word
	ends_with 3 --fail --limit 0 "$programs/orders" "$1" && says 1 "potential deadlock:" || return
	for word in ${words[$1]} 'orders.c:[0-9]'; do
		grep -q -- "$word" err || { echo "no $word"; return 1; }
	done
}
for name in $("$programs/orders"); do
	check "a circle is found: $name" finds_circle "$name"
done
check "the columns say how it can happen" grep -q "^  *waits for mutex 'c'" <(tool --limit 0 "$programs/orders" three)

is_silent() {
	ends_with 0 --fail --limit 0 "$@" && says 0 deadlock && ! grep -q "nothing is tested" out
}
for name in $("$programs/correct"); do
	check "nothing is found: $name" is_silent "$programs/correct" "$name"
done

for level in 0 2; do
	finds_guards() {
		ends_with 3 --fail --limit 0 "$programs/cxx$level" guards && says 1 "potential deadlock:" &&
			grep -q "guard_a_then_b() (.*cxx.cc:" err && ! grep -q "gthr" err
	}
	check "C++ with -O$level: a circle is found, and named by the program's own functions" finds_guards
	for name in scoped reborn shared-gate threads; do
		check "C++ with -O$level: nothing is found: $name" is_silent "$programs/cxx$level" "$name"
	done
done

# Of two that wait for themselves, the second may not wait yet when the program is ended for the first one's sake.
finds_deadlock() {
	ends_with 3 --end-on-deadlock --limit 0 "$programs/deadlocks" "$1" && grep -q "deadlocks.c:[0-9]" err || return
	says 1 "watch: deadlock:" || { [ "$1" = two-upgrades ] && says 2 "watch: deadlock:"; }
}
for name in $("$programs/deadlocks"); do
	check "a deadlock is found: $name" finds_deadlock "$name"
done
check "it says who holds what is waited for, and where it was acquired" \
	grep -q "which thread .*has_b_wants_a().* holds, acquired in have_and_want() (.*deadlocks.c:" \
	<(tool --end-on-deadlock --limit 0 "$programs/deadlocks" two)

# Without that option the program hangs on, when the report is there already; SIGTERM is passed on to it.
hangs_on() {
	local watcher line
	mkfifo said
	"$fairlead" watch --limit 0 "$programs/deadlocks" itself 2>said &
	watcher=$!
	exec 3<said
	while read -r -t 60 line <&3; do
		[[ $line != *"waits for itself"* ]] || break
	done
	kill -0 "$watcher" && kill -TERM "$watcher"
	wait "$watcher"
	status=$?
	exec 3<&-
	[ "$status" = 143 ]
}
check "a deadlock is said while the program hangs" hangs_on

# table EXPRESSION ARGUMENT... - the report is JSON, and the expression is true of it: `said`, and `rows`, by name.
table() {
	local expression=$1
	shift
	tool --json -o report "$@"
	cat report
	python3 -c 'import json, sys
said = json.load(open("report"))
tables = [{row["lock"].get("name", "?"): row for row in process["locks"]} for process in said["processes"]]
rows = tables[0] if tables else {}
out = open("out").read().split()
sys.exit(not eval("(" + sys.argv[1] + ")"))' "$expression"
}
counted='rows["counted"]["acquired"]'
check "what was counted" table "$counted == 70000 and said['status'] == 0" "$programs/ends" returns 70000
check "after _exit" table "$counted == 100 and said['status'] == 5" "$programs/ends" exits-at-once 100
check "after SIGKILL" table "$counted == 100 and said['status'] == 137" "$programs/ends" is-killed 100
check "after a crash" table "$counted == 101 and said['status'] == 139" "$programs/ends" crashes 100
check "of a program that closes all descriptors" table "$counted == 100" "$programs/ends" closes-all 100
check "of a forked child, apart" table "sorted(t['counted']['acquired'] for t in tables) == [1, 100]" \
	"$programs/ends" forks 100
check "of a program that becomes another, apart" \
	table "sorted(t['counted']['acquired'] for t in tables) == [1, 100]" "$programs/ends" becomes-another 100
check "of the programs of a script" table "sorted(t['counted']['acquired'] for t in tables) == [3, 4]" \
	sh -c "$programs/ends returns 3; $programs/ends returns 4"
check "how long a lock was held, and waited for" \
	table "rows['held']['held']['max'] * 1e9 >= int(out[0]) and rows['held']['waited']['max'] > 0 and
		rows['held']['acquired'] == 4 and rows['held']['contended'] == 3" "$programs/ends" holds
check "the most-waited-for lock comes first, and the rest can be left out" \
	table "list(rows) == ['held'] and rows['held']['places'][0]['stack'][0]['function'] == 'waits'" \
	--limit 1 "$programs/ends" holds
check "what was used shortly can be left out" table "rows == {} and said['processes'][0]['left_out'] == 1" \
	--at-least 1h "$programs/ends" returns 10
check "nothing is said twice" table "len(said['findings']) == 1 and said['findings'][0]['finding'] == 'deadlock' and
	said['findings'][0]['threads'][0]['wants']['lock']['name'] == 'a' and said['status'] == 3" \
	--end-on-deadlock "$programs/deadlocks" itself
check "of a program without locks" grep -q "no lock was used" <(tool true)

# 16 threads that count for themselves.
# One of the two tables is its child's.
sees_stress() {
	tool --json -o report --limit 1000 "$programs/stress"
	python3 -c 'import json, sys
said = json.load(open("report"))
wanted = [int(n) for n in open("out").read().split()]
def counts(process):
    rows = {row["lock"].get("name"): row["acquired"] for row in process["locks"]}
    return [rows["locks" + ("+%d" % (40 * i) if i else "")] for i in range(len(wanted))]
tables = [counts(process) for process in said["processes"]]
print(wanted, tables, said["findings"])
sys.exit(not (len(wanted) == 24 and wanted in tables and len(tables) == 2 and said["findings"] == []
              and said["status"] == 0 and not any(process["missed"] for process in said["processes"])))'
}
check "16 threads: every acquisition is counted, and nothing is found" sees_stress

# Programs of others.
cat >threads.py <<'END'
import queue
import threading

items, sums = queue.Queue(10), []

def work():
	total = 0
	while (item := items.get()) is not None:
		total += item
	sums.append(total)

threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
	thread.start()
for number in range(2000):
	items.put(number)
for _ in threads:
	items.put(None)
for thread in threads:
	thread.join()
print(sum(sums))
END
runs_python() {
	is_silent python3 threads.py && [ "$(cat out)" = 1999000 ]
}
check "python3 runs as ever, and nothing is found" runs_python
if command -v sqlite3 >/dev/null; then
	runs_sqlite() {
		is_silent sqlite3 test.db "create table t(n); insert into t values (3), (39); select sum(n) from t" &&
			[ "$(cat out)" = 42 ]
	}
	check "sqlite3's shell runs as ever, and nothing is found" runs_sqlite
else
	skip "sqlite3's shell" "sqlite3 is not installed"
fi

# What is refused.
# refuses STATUS WORDS ARGUMENT...
refuses() {
	local wanted=$1 text=$2
	shift 2
	ends_with "$wanted" "$@" && grep -qF -- "$text" err
}
check "a program that there is not" refuses 127 "there is no such program" no-such-program
check "a file that is none" refuses 126 "it is not executable" "$root/README.md"
check "one that is statically linked" refuses 126 "statically linked" "$programs/static" returns
cp "$(type -P true)" with-rights
if [ "$(id -u)" = 0 ] && chown 1 with-rights && chmod u+s with-rights; then
	check "one with rights of its own" refuses 126 "setuid" ./with-rights
else
	skip "one with rights of its own" "only root can make one"
fi
check "no program" refuses 2 "PROGRAM is missing"
check "an option that there is not" refuses 2 "there is no option --bogus" --bogus true
check "an order that there is not" refuses 2 "it is waited, held, longest" --sort bogus true
check "options behind the program are the program's" grep -q "^--limit$" <(tool --limit 0 printf '%s\n' --limit)
check "a file that cannot be written" refuses 1 "/nowhere/report" -o /nowhere/report true
tap_end
