#!/bin/bash
# real.sh - `fairlead check` on programs that others wrote, as they are; see --help.
set -u

usage() {
	cat <<'END'
Usage: real.sh [OPTION...] pigz|xz|thpool FOLDER

Builds a program of others with `fairlead cc`, unchanged, and runs it under many schedules. FOLDER has its source, which
is copied and left as it is:

  pigz    pigz, unpacked or cloned. It compresses 400 KB with 4 threads, and must write what it writes without the
          checker, which is first unpacked and compared with the input. Nothing else may be found.
  xz      XZ Utils, unpacked or cloned (cmake builds it). The same, with 2 threads.
  thpool  a clone of C-Thread-Pool, with its history. Its commit 093a9b7 mended that a worker took a job from a queue
          which another one had emptied since it looked. That must be found in the commit before, and not in this one.

The exit code is 0 if all was as it has to be.

  --runs N      schedules of what must not fail (default 300)
  --command C   the command (default fairlead)
  --help        this text
END
}

fail() {
	echo "real.sh: $*" >&2
	exit 2
}

# say WHAT COMMAND...: prints one line about what was checked; counts it if it went wrong.
say() {
	local what=$1 began=$SECONDS
	shift
	if "$@" >"$scratch/said" 2>&1; then
		echo "ok: $what ($((SECONDS - began)) s)"
	else
		echo "WRONG: $what"
		tail -n 40 "$scratch/said"
		wrong=$((wrong + 1))
	fi
}

# Numbers that look random as text, with much that stands in them twice.
make_input() {
	awk 'BEGIN { srand(7); while (n < 400000) { line = "line " int(rand() * 900) " of " int(rand() * 70000) "\n"
		n += length(line); printf "%s", line } }' >"$scratch/in"
}

# nothing_is_found PROGRAM...: in so many schedules, the output being the same as without the checker.
nothing_is_found() {
	"$command" check --runs "$runs" --expect-output "$scratch/out" --stdin "$scratch/in" -- "$@"
}

# compress UNPACK PROGRAM...
compress() {
	local unpack=$1
	shift
	make_input
	"$@" <"$scratch/in" >"$scratch/out" || fail "$1 does not run by itself"
	say "what $(basename "$1") packs is unpacked again" cmp "$scratch/in" <("$unpack" -dc <"$scratch/out")
	say "$(basename "$1"), $runs schedules: nothing found, the same $(stat -c %s "$scratch/out") bytes each time" \
		nothing_is_found "$@"
}

try_pigz() {
	make -C "$scratch/source" -s clean
	make -C "$scratch/source" -s CC="$command cc" CFLAGS="-O2 -g" pigz || fail "pigz was not built"
	compress gzip "$scratch/source/pigz" -p4 -c
}

try_xz() {
	cmake -S "$scratch/source" -B "$scratch/build" -DCMAKE_C_COMPILER="$command" -DCMAKE_C_COMPILER_ARG1=cc \
		-DCMAKE_BUILD_TYPE=RelWithDebInfo -DBUILD_SHARED_LIBS=OFF -DXZ_SANDBOX=no >/dev/null 2>&1
	make -C "$scratch/build" -s xz >/dev/null || fail "xz was not built"
	compress "$scratch/build/xz" "$scratch/build/xz" -T2 -0 --block-size=100KiB -c
}

# thpool_at REVISION NAME: builds the pool of a revision with a program that uses it.
thpool_at() {
	local file

	mkdir "$scratch/$2"
	for file in thpool.c thpool.h; do
		git -C "$scratch/source" show "$1:$file" >"$scratch/$2/$file" || fail "it has no revision $1"
	done
	cat >"$scratch/$2/use.c" <<'END'
#include <stdio.h>
#include <unistd.h>

#include "thpool.h"

static void *job(void *arg)
{
	return arg;
}

int main(void)
{
	thpool_t *pool = thpool_init(2);

	for (int i = 0; i < 6; i++)
		thpool_add_work(pool, (void *)job, NULL);
	sleep(1);
	return 0;
}
END
	"$command" cc -w -O1 -g -pthread -o "$scratch/$2/$2" "$scratch/$2/use.c" "$scratch/$2/thpool.c" ||
		fail "$2 was not built"
}

crashes() {
	"$command" check --races off --save "$scratch/replay" -- "$1"
	[ $? = 1 ] && "$command" replay "$scratch/replay" | grep -i 'crash'
}

# What the revision that mends it leaves is a race between the threads' flags, which is not what is looked for.
try_thpool() {
	thpool_at 093a9b7~1 before
	thpool_at 093a9b7 after
	say "C-Thread-Pool before it was mended: the crash is found, and replayed" crashes "$scratch/before/before"
	say "C-Thread-Pool mended, $runs schedules: nothing found" \
		"$command" check --races off --runs "$runs" -- "$scratch/after/after"
}

command=fairlead runs=300 words=() wrong=0
while [ $# -gt 0 ]; do
	case $1 in
	--help) usage && exit ;;
	--runs | --command)
		[ $# -gt 1 ] || fail "$1 needs a value"
		printf -v "${1#--}" %s "$2"
		shift
		;;
	-*) fail "there is no option $1; see --help" ;;
	*) words+=("$1") ;;
	esac
	shift
done
[ ${#words[@]} = 2 ] || fail "which program, and in which folder? See --help"
[ "$(type -t "try_${words[0]}")" = function ] || fail "${words[0]}: there are pigz, xz and thpool"
[ -d "${words[1]}" ] || fail "${words[1]}: there is no such folder"
command=$(realpath "$(type -P "$command")" 2>/dev/null) || fail "there is no such command; see --command"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp -r "${words[1]}" "$scratch/source" || exit 2
"try_${words[0]}"
[ "$wrong" = 0 ]
