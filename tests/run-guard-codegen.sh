#!/bin/bash
# run-guard-codegen.sh - is a guard free?
#
# Compiles tests/guard-codegen/pairs.c with gcc -O2 and looks at the machine code of each pair of functions:
#
# - guarded_NAME calls its acquire and its release, once each, and nothing else; off the hot path (its .cold part) it
#   calls fl_guard_failed, and nothing else;
# - its instructions are those of by_hand_NAME, one by one, but for addresses and padding.
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"

# Prints one function's lines of the disassembly.
code() {
	awk -v head="<$1>:" '$2 == head { on = 1; next } NF == 0 { on = 0 } on' "$scratch/code"
}
# Prints the library functions it refers to, in order: relocations against fl_ symbols.
calls() {
	code "$1" | sed -n -E 's/.*: R_[A-Z0-9_]+[[:space:]]+(fl_[a-z_]+).*/\1/p'
}
# Prints its instructions without addresses, comments and padding.
instructions() {
	code "$1" | sed -E -e '/: R_/d' -e 's/^[^:]*:[[:space:]]*//' -e 's/[[:space:]]*#.*//' -e 's/[0-9a-f]+ <.*//' \
		-e '/^(nop|data16|cs nop|xchg +%ax,%ax)/d'
}

calls_only() {
	diff <(printf '%s\n' "${@:2}") <(calls "$1")
}
fails_in_the_cold() {
	diff <(echo fl_guard_failed) <(calls "$1.cold" | sort -u)
}
same_instructions() {
	diff <(instructions "$1") <(instructions "$2")
}

pair() {
	check "guarded_$1 calls acquire and release, and nothing else" calls_only "guarded_$1" "$2" "$3"
	check "guarded_$1 calls fl_guard_failed off the hot path" fails_in_the_cold "guarded_$1"
	check "guarded_$1 has the instructions written by hand" same_instructions "guarded_$1" "by_hand_$1"
}

for tool in gcc objdump; do
	command -v $tool >/dev/null || { skip "guards' machine code" "$tool is not installed"; tap_end; }
done
gcc -std=gnu11 -O2 -Wall -Wextra -I"$root/include" -o "$scratch/pairs.o" -c "$root/tests/guard-codegen/pairs.c" || exit
objdump -dr --no-show-raw-insn "$scratch/pairs.o" >"$scratch/code"

pair lock fl_lock_acquire fl_lock_release
pair return fl_lock_acquire fl_lock_release
pair rlock fl_rlock_acquire fl_rlock_release
pair read fl_rwlock_acquire_read fl_rwlock_release_read
pair write fl_rwlock_acquire_write fl_rwlock_release_write
pair semaphore fl_semaphore_acquire fl_semaphore_release
pair condition fl_condition_acquire fl_condition_release
tap_end
