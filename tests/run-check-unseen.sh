#!/bin/bash
# run-check-unseen.sh BUILD - `fairlead check` on programs that were not built with -fsanitize=thread: as far as their
# calls go, those of Fairlead and of pthread, they are checked as they are; what that leaves out is said.
# shellcheck source=checking.sh
. "$(dirname "$0")/checking.sh"
unseen=$root/tests/check/unseen
classic=$root/tests/check/classic
if [ ! -e "$build/src/check/libfairlead.so.0" ]; then
	skip "programs that were built as usual" "the compiler has no -fsanitize=thread"
	tap_end
fi

# As its users build with it: found where it lies, with nothing of the checker's.
compile() {
	local name=$1
	shift
	"${CC:-gcc}" -g -O1 -pthread -I"$root/include" -o "$name" "$@" -L"$build/src" -Wl,-rpath,"$build/src" -lfairlead
}

check "a program with Fairlead's locks" compile orders "$unseen/orders.c"
check "... runs by itself" ./orders
check "... and its deadlock is found" ends 1 check ./orders
check "... as one" says '^Deadlock: '
check "... with what they wait in" says '^  T0 waits in fl_lock_acquire$'
check "... and where" says 'orders.c:15  fl_lock_acquire\(second\)'
check "... and the other one" says 'orders.c:28  fl_lock_acquire\(&to\)'
check "... and what is not seen of it" says '^Not built with -fsanitize=thread: .*/orders\. Data races in it are not'
for engine in snapshot process kernel; do
	check "... and it is replayed in the engine $engine" ends 0 replay --engine $engine fairlead-check.orders.replay
done
check "nothing is found where the order is one" ends 0 check --runs 500 ./orders well
check "... which is said with what is not seen" says '^Not built with'
check "every schedule of it" ends 0 check --exhaustive --preemptions 2 ./orders well
check "... is verified within bounds" says '^Verified: .*not built with -fsanitize=thread is taken for independent'

check "one with Fairlead's condition" compile wakeup "$unseen/wakeup.c"
check "... and its lost wake-up is found" ends 1 check ./wakeup
check "... as what it is" says '^  T1 waits in fl_condition_wait$'
check "... where it waits" says 'wakeup.c:17  fl_condition_wait'
check "... but not in the one that looks first" ends 0 check --runs 500 ./wakeup looks

check "a library that uses it" compile libbank.so -shared -fPIC "$unseen/bank.c"
check "... whose user does not know" "${CC:-gcc}" -g -pthread -o customer "$unseen/customer.c" -L. -Wl,-rpath,"$PWD" \
	-Wl,-rpath-link,"$build/src" -lbank
check "... is looked into" ends 1 check ./customer
check "... and named with its user" \
	says '^Not built with -fsanitize=thread: .*/customer, .*/libbank\.so\. Data races in these'
check "... where it waits" says 'bank.c:24  fl_lock_acquire'
check "... but nothing is found one way" ends 0 check --runs 500 --expect-exit 0 ./customer one way
check "the library alone may be built to be seen" \
	"$fairlead" cc -O1 -pthread -I"$root/include" -o libbank.so -shared -fPIC "$unseen/bank.c" -L"$build/src" \
	-Wl,-rpath,"$build/src" -lfairlead
check "... and its user is told alone" ends 1 check ./customer
check "... as that" says '^Not built with -fsanitize=thread: .*/customer\. Data'

check "a program with Fairlead linked into it" \
	"${CC:-gcc}" -g -O1 -pthread -I"$root/include" -o inside "$unseen/orders.c" "$build/src/libfairlead.a"
check "... is run" ends 0 check --runs 100 ./inside
check "... and what is not seen is said" says '^Fairlead is linked into it, so that its calls are not seen'

check "a test of functions" compile function "$unseen/function.c"
check "... is run with what it needs" ends 0 check --functions ./function

# Programs without Fairlead.
for name in counter two_locks lost_wakeup; do
	check "$name is compiled" "${CC:-gcc}" -g -O1 -pthread -o $name "$classic/$name.c"
done
check "two locks in opposite order are found" ends 1 check ./two_locks
check "... with who has what since where" \
	says 'T1 waits for the lock to, which T2 has acquired at two_locks.c:22 in back'
check "a lost wake-up is found" ends 1 check ./lost_wakeup
check "a race is not looked for" ends 0 check --runs 500 ./counter
check "... which is said" says '^Not built with -fsanitize=thread: .*counter.*fairlead cc'
check "... also as JSON" ends 0 check --runs 5 --json ./counter
check "... by the files" asks 'not r["instrumented"] and [f.split("/")[-1] for f in r["unseen"]] == ["counter"]'
# It takes 5 s of processor time, however long that is: so no limit in time.
check "a loop that waits for memory" "${CC:-gcc}" -g -O1 -pthread -o spin "$unseen/spin.c"
check "... is no failure, but not modelled" ends 2 check --runs 100 --strategy random --seed 1 ./spin
check "... which is said" says 'T0 has run for 5 s without a call that is seen'
check "a program with rights of its own" cp "$(type -P true)" with-rights
if [ "$(id -u)" = 0 ] && chown 1 with-rights && chmod u+s with-rights; then
	check "... is refused" refuses "setuid" check ./with-rights
else
	skip "... is refused" "only root can make one"
fi
if /usr/bin/python3 -c 'import threading' 2>/dev/null; then
	cat >locks.py <<-'END'
		import sys, threading, time
		a, b = threading.Lock(), threading.Lock()
		def take(first, second):
		    with first:
		        time.sleep(0.001)
		        with second:
		            pass
		turned = (a, b) if len(sys.argv) > 1 else (b, a)
		thread = threading.Thread(target=take, args=turned)
		thread.start()
		take(a, b)
		thread.join()
	END
	check "an interpreter is run" ends 0 check --runs 10 /usr/bin/python3 locks.py well
	check "... and its locks are seen" ends 1 check --runs 200 /usr/bin/python3 locks.py
	check "... to be in a deadlock" says '^Deadlock: '
else
	skip "an interpreter is run" "there is no /usr/bin/python3 with threads"
fi
tap_end
