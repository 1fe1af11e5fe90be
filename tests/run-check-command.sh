#!/bin/bash
# run-check-command.sh BUILD - the commands fairlead check, replay, cc and c++: the three classic bugs
# (tests/check/classic) are found, told, kept in a file and replayed in each engine and in gdb; other kinds of failures;
# what cannot be checked is refused with what to do; the report as JSON, SARIF and a page.
#
# Nothing here depends on how soon a failure is found, but that it is within the default limits.
# shellcheck source=checking.sh
. "$(dirname "$0")/checking.sh"
classic=$root/tests/check/classic
for name in counter two_locks lost_wakeup; do
	program $name <"$classic/$name.c"
done

# The three.
check "counter += 1 is found" ends 1 check ./counter
check "... and said" says '^Assertion failed: .*counter == 2'
check "... with values that were read" says 'read counter = 0 '
check "... with values that were written" says 'write counter: 0 -> 1'
check "... with the line and the source" says 'counter.c:12  counter \+= 1;'
check "... and the command that does it again" says '^Again: fairlead replay ./fairlead-check.counter.replay$'
check "... without colours" fails grep -q $'\033' out
check "it is shown as it was found, if that is asked for" ends 1 check --json --no-minimise --strategy random ./counter
check "... after no attempts at a shorter one" asks 'r["replays"] == 1'
check "two locks in opposite order are found" ends 1 check ./two_locks
check "... as a deadlock" says '^Deadlock: 2 threads wait for each other'
check "... with who has what since where" \
	says 'T1 waits for the lock to, which T2 has acquired at two_locks.c:22 in back'
check "... and the other way round" \
	says 'T2 waits for the lock from, which T1 has acquired at two_locks.c:11 in there'
check "a lost wake-up is found" ends 1 check ./lost_wakeup
check "... as a deadlock" says '^Deadlock: '
check "... with the signal that was lost" \
	says '1 signal was sent while nobody waited, by T0 at lost_wakeup.c:24 in main'
for name in counter two_locks lost_wakeup; do
	for engine in auto snapshot process kernel; do
		check "$name is replayed in the engine $engine" \
			ends 0 replay --engine $engine fairlead-check.$name.replay
		check "... with the same failure" says '^The same failure as in the file.$'
	done
done

# Replay files.
replay='fairlead-check.counter.replay'
check "no file is said" refuses "No such file" replay nothing.replay
check "a foreign file is refused" refuses "it is not a replay file" replay /etc/passwd
: >damaged.replay
check "an empty file is refused" refuses "it is not a replay file" replay damaged.replay
head -c 150 $replay >damaged.replay
check "a file that was cut off is refused" refuses "its end is missing" replay damaged.replay
sed 's/^schedule 0/schedule 1/' $replay >damaged.replay
check "a file that was changed is refused" refuses "its sum is wrong" replay damaged.replay
sed '1s/1$/9/' $replay >damaged.replay
check "a file of another version is refused" refuses "of another version" replay damaged.replay
# with_sum - the same with the right sum: what is wrong is found, whatever it is.
with_sum() {
	python3 - <<-'END'
		lines = open("damaged.replay", "rb").read().splitlines(keepends=True)[:-1]
		total = 0xcbf29ce484222325
		for byte in b"".join(lines):
		    total = (total ^ byte) * 0x100000001b3 % 2**64
		open("damaged.replay", "wb").write(b"".join(lines) + b"end %016x\n" % total)
	END
}
for change in 's/^schedule .*/schedule 0*99999999999/' 's/^schedule .*/schedule 999/' 's/^schedule .*/schedule 0 x/' \
	's/^choices.*/choices 256/' 's/^verdict .*/verdict 99/' 's/^seed .*/seed -1/' 's/^seed/sead/' \
	's/^learned .*/learned 0x1/'; do
	sed "$change" $replay >damaged.replay
	with_sum
	check "a wrong line is refused: $change" refuses "is wrong" replay damaged.replay
done
sed '/^schedule/d' $replay >damaged.replay
with_sum
check "a line that is missing is said" refuses "its schedule is missing" replay damaged.replay
sed 's/^schedule .*/schedule 0*2 200*3/' $replay >damaged.replay
with_sum
check "a schedule that does not fit is said" ends 1 replay damaged.replay
check "... in words" says 'which does not fit any more'
sed 's/counter += 1/counter += 3/' "$classic/counter.c" >counter.c
cp counter was
"$fairlead" cc -o counter counter.c
tool replay $replay
check "a program that was built anew is said" grep -q "was built anew since" err
mv was counter
rm -f counter.c

# gdb.
if command -v gdb >/dev/null; then
	tool replay --json $replay
	step=$(python3 -c 'import json, sys
print([e["n"] for e in json.load(open("out"))["events"] if e["op"] == "write"][-1])')
	printf 'printf "value %%d\\n", counter\ncontinue\nbacktrace\ninfo threads\nkill\n' |
		timeout -s KILL 120 "$fairlead" replay --before "$step" $replay >gdb.out 2>&1
	stops() {
		cat gdb.out
		[ "$(grep -c 'received signal SIGTRAP' gdb.out)" = 2 ]
	}
	check "gdb stops before the step and at the failure" stops
	check "... in a frame of the program" grep -qE '^#[0-9]+ .* in work ' gdb.out
	check "... where one of two additions has happened" grep -q 'value 1' gdb.out
	check "... and shows where it fails" grep -qE '^#[0-9]+ .* in main \(\) at .*counter.c:24' gdb.out
else
	skip "gdb stops" "it is not installed"
fi

# Other failures.
program race <<'END'
#include <pthread.h>
static struct { int x, values[4]; } box;
static void put(int i)
{
	box.values[i] = 1;
}
static void *work(void *arg)
{
	put(2);
	return arg;
}
int main(void)
{
	pthread_t a;

	pthread_create(&a, NULL, work, NULL);
	put(2);
	return pthread_join(a, NULL);
}
END
check "a data race is found" ends 1 check ./race
check "... and what it is about" says '^Data race: nothing orders what T[01] and T[01] do with box.values\[2\]'
two_stacks() {
	cat out
	[ "$(grep -cE '^    put +race.c:5 ' out)" = 2 ] && grep -qE '^    main +race.c:17 ' out &&
		grep -qE '^    work +race.c:9 ' out
}
check "... with both stacks" two_stacks
check "races may be off" ends 0 check --races=off --runs 50 ./race
check "races may be counted" ends 0 check --races=note --runs 50 ./race
check "... which is said" says '^[0-9]+ runs? had data races'

program freed -O0 <<'END'
#include <pthread.h>
#include <stdlib.h>
static int *memory;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *use(void *arg)
{
	pthread_mutex_lock(&lock);
	*memory = 3;
	pthread_mutex_unlock(&lock);
	return arg;
}
int main(void)
{
	pthread_t a;

	memory = malloc(sizeof(*memory));
	pthread_create(&a, NULL, use, NULL);
	pthread_mutex_lock(&lock);
	free(memory);
	pthread_mutex_unlock(&lock);
	return pthread_join(a, NULL);
}
END
check "a use after free is found" ends 1 check ./freed
check "... and said" says '^Use after free: '
check "... with where it was freed" says '^    main +freed.c:19 '
check "... and where it was allocated" says '^  It is a block of 4 bytes that T0 has allocated$'
check "... with the line" says '^    main +freed.c:16 '
program heap <<'END'
#include <pthread.h>
#include <stdlib.h>
struct pair { long first, second; };
static struct pair *make(void)
{
	return malloc(sizeof(struct pair));
}
static void *change(void *pair)
{
	((struct pair *)pair)->second++;
	return NULL;
}
static void *drop(void *pair)
{
	free(pair);
	return NULL;
}
static void *both(void *call)
{
	struct pair *pair = make();
	pthread_t a, b;

	pair->second = 0;
	pthread_create(&a, NULL, call, pair);
	pthread_create(&b, NULL, call, pair);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	return NULL;
}
int main(int argc, char **argv)
{
	pthread_t thread;

	free(make());
	pthread_create(&thread, NULL, both, argc > 1 ? (void *)drop : (void *)change);
	return pthread_join(thread, NULL) + 0 * (argv == NULL);
}
END
check "a race on the heap is found" ends 1 check --json --sarif heap.sarif ./heap
block='r["block"]["size"] == 16 and r["block"]["thread"] == 1 and
	[f["line"] for f in r["block"]["stack"]][:2] == [6, 20]'
check "... with the block" asks "r['verdict'] == 'race' and $block"
check "... and where in it" asks 'r["block"]["offset"] == 8 and r["block"]["freed_by"] is None'
check "... in SARIF, too" asks 'any(l["message"]["text"] == "16 bytes allocated by T1"
	for l in r["runs"][0]["results"][0]["relatedLocations"])' heap.sarif
for engine in snapshot process kernel; do
	check "... and replayed in the engine $engine" ends 0 replay --json --engine $engine fairlead-check.heap.replay
	check "... with its block" asks "$block"
done
check "a double free is found" ends 1 check --json ./heap drop
check "... with the block, and who has freed it before" asks "r['verdict'] == 'double-free' and $block and
	r['block']['freed_by'] in (2, 3) and r['block']['freed_at'][0]['line'] == 15"

program crash -O0 <<'END'
#include <pthread.h>
#include <stdatomic.h>
static int value;
static int *_Atomic pointer;
static void *set(void *arg)
{
	atomic_store(&pointer, &value);
	return arg;
}
int main(void)
{
	pthread_t a;

	pthread_create(&a, NULL, set, NULL);
	*atomic_load(&pointer) = 3;
	return pthread_join(a, NULL);
}
END
check "a crash is found" ends 1 check ./crash
check "... and said" says '^Crash: signal 11'
check "... with its line" says '^    main +crash.c:15 '

program code -O0 <<'END'
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
static atomic_int first;
static void *come(void *arg)
{
	int none = 0;

	atomic_compare_exchange_strong(&first, &none, (int)(long)arg);
	return NULL;
}
int main(int argc, char **argv)
{
	pthread_t a, b;
	char word[20] = "";

	pthread_create(&a, NULL, come, (void *)1);
	pthread_create(&b, NULL, come, (void *)2);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	if (fgets(word, sizeof(word), stdin))
		printf("heard %s", word);
	printf("first %d\n", atomic_load(&first));
	return argc > 1 ? 7 : 0 * (argv == NULL);
}
END
check "a wrong exit code is found" ends 1 check ./code argument
check "... and said" says '^Wrong exit code: exit code 7'
check "it may be the right one" ends 0 check --runs 100 --expect-exit 7 ./code --help
check "each may be right" ends 0 check --runs 100 --expect-exit any ./code argument
check "output that changes is found" ends 1 check --same-output ./code
check "... and said, line by line" says 'line 1 of the output is "first [12]", and should be "first [12]"'
check "... and replayed" ends 0 replay fairlead-check.code.replay
echo words >input
printf 'heard words\nfirst 1\n' >wanted
check "other output than expected is found" ends 1 check --stdin input --expect-output wanted ./code
check "... where it departs" says 'line 2 of the output is "first 2", and should be "first 1"'
check "... with standard input anew in each run" says '^Wrong output'
check "... and replayed with it" ends 0 replay fairlead-check.code.replay

# Standard input, of which each run sees all, wherever it comes from.
program count <<'END'
#include <stdio.h>
int main(void)
{
	int n = 0;

	while (getchar() != EOF)
		n++;
	return n % 256;
}
END
# fed COMMAND ARGUMENT... - what the command writes is the standard input of `fairlead check ARGUMENT...`.
fed() {
	local source=$1 status
	shift
	$source | timeout -s KILL 120 "$fairlead" check "$@" >out 2>err
	status=$?
	cat out err
	return "$status"
}
many() {
	head -c 70000 /dev/zero
}
check "a pipe is read once, for all runs" fed many --runs 20 --jobs 2 --expect-exit 112 ./count
check "... also if it is named" ends 0 check --runs 20 --expect-exit 112 --stdin <(many) ./count
check "... or is standard input" fed many --runs 20 --expect-exit 112 --stdin - ./count
check "... and kept for a replay" fails fed many --expect-exit 3 ./count
check "... beside its file" test "$(stat -c %s fairlead-check.count.replay.stdin)" = 70000
check "... where that finds it" ends 0 replay fairlead-check.count.replay
many >input
from_file() {
	"$fairlead" check --runs 20 --expect-exit 112 ./count <input
}
from_the_middle() {
	{ head -c 100 >there && "$fairlead" check --runs 20 --expect-exit 12 ./count; } <input
}
check "a file is read anew" from_file
check "... from where it is read already" from_the_middle
from_proc() {
	"$fairlead" check --runs 5 --expect-exit $(($(wc -c </proc/version) % 256)) ./count </proc/version
}
check "... also one that does not say its size" from_proc
from_nothing() {
	"$fairlead" check --runs 5 ./count <&-
}
check "standard input may be closed" from_nothing
check "an empty pipe is no input" fed true --runs 20 ./count
check "what is too long is said" refuses "longer than 256 MiB" check --stdin /dev/zero ./count
cat >terminal.py <<'END'
import pty, subprocess, sys
sys.exit(subprocess.run(sys.argv[1:], stdin=pty.openpty()[1], timeout=60).returncode)
END
check "a terminal is not read" python3 terminal.py "$fairlead" check --runs 20 ./count

# Verified, limits, jobs.
sed 's/counter += 1/__atomic_add_fetch(\&counter, 1, __ATOMIC_SEQ_CST)/' "$classic/counter.c" | program mended
check "the mended program is verified" ends 0 check --exhaustive ./mended
check "... which is said with how much" says '^Verified: [0-9 ]+ executions, sequentially consistent memory, no bound'
check "runs are limited" ends 0 check --runs 50 --json ./mended
check "... to that" asks 'r["schedules"] == 50 and r["verdict"] == "none" and r["replay"] is None'
check "two jobs share them" ends 0 check --runs 50 --jobs 2 --json ./mended
check "... so that all are made" asks 'r["schedules"] == 50 and r["jobs"] == 2'
tool check --jobs 2 --json ./counter
cp out first.json
tool check --jobs 2 --json ./counter
check "two jobs tell the same failure each time" asks 'r["run"] == json.load(open("first.json"))["run"] and
	[e["thread"] for e in r["events"]] == [e["thread"] for e in json.load(open("first.json"))["events"]]'
check "no jobs for an exhaustive search" refuses "not with --jobs" check --exhaustive --jobs 2 ./mended

# JSON, SARIF, the page.
check "a report as JSON" ends 1 check --json --sarif report.sarif --html report.html --save kept ./two_locks
check "... says what is wrong" asks 'r["version"] == 1 and r["verdict"] == "deadlock" and
	r["program"] == ["./two_locks"]'
check "... has the steps" asks 'ops(0)[:1] == ["start"] and "lock" in ops(1) and "lock" in ops(2)'
check "... has who waits for what" asks '[t["waits_for"]["object"] for t in r["threads"]] == ["T1", "to", "from"]'
check "... has who holds it, since where" asks 'r["threads"][1]["waits_for"]["holder"] == 2 and
	r["threads"][1]["waits_for"]["held_at"][0]["line"] == 22'
check "... has sources" asks 'any(
	e["stack"] and e["stack"][0]["source"] == "pthread_mutex_lock(&to);" for e in r["events"])'
check "... has how to do it again" asks 'r["replay"] == "fairlead replay kept" and r["model"] == "sc"'
check "... which works" ends 0 replay --json kept
check "... and says so" asks 'r["same"] and r["verdict"] == "deadlock" and not r["diverged"]'
check "SARIF is JSON" asks 'r["version"] == "2.1.0" and r["runs"][0]["results"][0]["ruleId"] == "deadlock"' report.sarif
check "the page has the report" grep -q '"verdict":"deadlock"' report.html

# What cannot be checked.
gcc -o plain "$classic/counter.c"
gcc -static -o static "$classic/counter.c"
gcc -c -o object "$classic/counter.c" && chmod +x object
gcc -fsanitize=thread -static-libtsan -o inside "$classic/counter.c"
printf '#!/bin/sh\n' >script && chmod +x script
program early <<'END'
#include <stdio.h>
#include <stdlib.h>
__attribute__((constructor)) static void begin(void)
{
	fprintf(stderr, "no licence\n");
	exit(3);
}
int main(void)
{
	return 0;
}
END
check "no program is said" refuses "there is no such program" check ./none
check "one that is not on the path is said" refuses "write ./ in front of it" check counter
check "a program that was not built for it" ends 0 check --runs 20 ./plain
check "... is said" says "^Not built with -fsanitize=thread: ./plain.*fairlead cc"
check "a static program" refuses "link it without -static" check ./static
check "an object file" refuses "an object file" check ./object
check "a runtime inside" refuses "has the sanitizer's runtime linked into it" check ./inside
check "a script" refuses "not an ELF program" check ./script
check "a folder" refuses "it is no file" check /tmp
check "one that ends before main" refuses "it did not get as far as main(): it ended with status 3" check ./early
check "... and what it said" grep -qx "no licence" err
check "nothing at all" refuses "PROGRAM is missing" check
check "a wrong word" refuses "it is fail, note or off" check --races=maybe ./counter
check "a wrong number" refuses "--runs 0" check --runs 0 ./counter
check "an option that there is not" refuses "did you mean --seed?" check --sed 3 ./counter
check "a replay file that cannot be written" grep -q "kept: " <(tool check --save /proc/kept ./counter; cat err)

program flock <<'END'
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/file.h>
#include <unistd.h>
static void *lock(void *arg)
{
	if (flock(open("flock.c", O_RDONLY), LOCK_EX) != 0) /* until main gives it up */
		_exit(3);
	return arg;
}
int main(void)
{
	int fd = open("flock.c", O_RDONLY);
	pthread_t a;

	flock(fd, LOCK_EX);
	pthread_create(&a, NULL, lock, NULL);
	sched_yield();
	close(fd);
	return pthread_join(a, NULL);
}
END
check "a wait that has no model is no failure" ends 2 check --runs 100 ./flock
check "... and is said" says 'not modelled.*: T1 waits in a system call, in flock, called from .*/flock\+0x'

# Ctrl-C.
"$fairlead" check --time 1h ./mended >out 2>err &
pid=$!
until [ -e "/proc/$pid/task/$pid/children" ] && [ -n "$(cat "/proc/$pid/task/$pid/children")" ]; do
	kill -0 $pid || break
done
kill -INT $pid
ended() {
	wait $pid
}
ended
status=$?
check "Ctrl-C ends it with what was found" test "$status" = 0 -o "$status" = 2
check "... which is said" says '^It was interrupted.$'

# The compilers.
cat >threads.cc <<'END'
#include <mutex>
#include <thread>
struct bank { int id; std::mutex lock[2]; };
static bank banks[2];
static void both(std::mutex &x, std::mutex &y)
{
	std::lock_guard<std::mutex> one(x);
	std::lock_guard<std::mutex> two(y);
}
int main()
{
	std::thread other([] { both(banks[1].lock[0], banks[1].lock[1]); });
	both(banks[1].lock[1], banks[1].lock[0]);
	other.join();
}
END
check "fairlead c++ compiles" "$fairlead" c++ -std=c++17 -o threads threads.cc
check "... and what it made is checked" ends 1 check ./threads
check "... members are named" says 'lock banks\[1\]\.lock\[[01]\]: T[01] has it'
check "the system's headers are left out" fails grep -q gthr out
# Where the build lets libraries be looked for, the runtime would be taken for the sanitizer's.
check "a program runs by itself, too" env -u LD_LIBRARY_PATH ./mended
for part in 'cleared[0]' 'memcmp(compared, "abc", 4) == 0'; do
	program cleared -O2 "-DPART=$part" <<'END'
#include <pthread.h>
#include <string.h>

static char cleared[16], compared[4];

static void *clear(void *arg)
{
	memset(cleared, 1, sizeof(cleared));
	compared[0] = 1;
	return arg;
}

int main(void)
{
	pthread_t thread;
	volatile int n;

	pthread_create(&thread, NULL, clear, NULL);
	n = PART;
	pthread_join(thread, NULL);
	return n > 1;
}
END
	check "what the compiler need not call is seen: $part" ends 1 check ./cleared
	check "... as a race" says 'Data race'
done
check "the compiler's status is the command's" fails "$fairlead" cc -c nothing.c
check "under make CC='fairlead cc', it is its own \$CC" \
	timeout 60 env CC="$fairlead cc" "$fairlead" cc -o counter-make "$classic/counter.c"
printf '#ifndef LAST\n#error\n#endif\n' >words.c
check "all words of \$CC count" \
	env CC="gcc -Da -Db -Dc -Dd -De -Df -Dg -Dh -Di -Dj -Dk -Dl -Dm -DLAST" "$fairlead" cc -c words.c
program hooks <<'END'
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "halt_on_error=1";
}
int main(void)
{
	return 0;
}
END
check "a program may have options for the sanitizer in it" ends 0 check --runs 5 ./hooks
export CC=no-such-compiler
check "no compiler is said" refuses "no-such-compiler: No such file" cc -c x.c
unset CC
check "help is ours" ends 0 cc --help
if command -v clang >/dev/null && [ -e "$(clang -print-file-name=libclang_rt.tsan-x86_64.so)" ]; then
	check "clang compiles" env CC=clang "$fairlead" cc -o counter-clang "$classic/counter.c"
	check "... and what it made is checked" ends 1 check ./counter-clang
	check "... with the read in front of the write" says 'read counter = 0 '
	check "... also behind another command" \
		env CC="env clang" "$fairlead" cc -v -o counter-clang "$classic/counter.c"
	check "... with the runtime outside" ends 1 check ./counter-clang
	check "... and what is compiled is linked" env CC=clang "$fairlead" cc -Werror -c "$classic/counter.c"
	check "... without a warning" env CC=clang "$fairlead" cc -Werror -o counter-clang counter.o
	clang -fsanitize=thread -o inside "$classic/counter.c"
	check "clang's runtime inside is said" refuses "link it with -shared-libsan" check ./inside
else
	skip "clang compiles" "it is not installed, or its runtime is not"
fi
tap_end
