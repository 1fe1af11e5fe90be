#!/bin/bash
# run-install.sh BUILD - what a user does after `make install`: pkg-config, compile, link with the shared or the
# static library, run.
#
# It installs into a directory of its own (DESTDIR) and takes nothing from the source tree but README.md, whose first
# program is compiled as it is printed there. shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
build=$1
stage=$scratch/stage

DESTDIR=$stage meson install -C "$build" --no-rebuild --quiet >"$scratch/install.log" 2>&1
pc=$(find "$stage" -name fairlead.pc)
library=$(dirname "$(dirname "$pc")")

# The paths in fairlead.pc are those of the installed system; pkg-config is told where that system lies.
export PKG_CONFIG_LIBDIR=$library/pkgconfig PKG_CONFIG_SYSROOT_DIR=$stage
export PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1
export LD_LIBRARY_PATH=$library

cat >"$scratch/user.c" <<'EOF'
#include <errno.h>
#include <fairlead/fairlead.h>
#include <stdio.h>

int main(void)
{
	static fl_lock lock = FL_LOCK_INIT;
	fl_event event = FL_EVENT_INIT;

	if (fl_lock_acquire(&lock) != 0 || fl_lock_acquire_try(&lock))
		return 1;
	fl_lock_release(&lock);
	if (fl_event_wait_until(&event, fl_after(FL_MS(1)), NULL) != -ETIMEDOUT)
		return 2;
	puts("works");
	return 0;
}
EOF

# The first program in README.md, and the text block after it: what it prints.
awk -v program="$scratch/readme.c" -v output="$scratch/readme.out" '
	/^```/ && into { close(into); into = ""; next }
	/^```c$/ && !seen_c { seen_c = 1; into = program; next }
	/^```text$/ && seen_c && !seen_text { seen_text = 1; into = output; next }
	into { print > into }' "$root/README.md"

flags=(-Wall -Wextra -Werror -O2)

# All words of pkg-config are split on purpose.
# shellcheck disable=SC2046
shared() {
	cc "${flags[@]}" $(pkg-config --cflags fairlead) "$1" -o "$2" $(pkg-config --libs fairlead)
}
# shellcheck disable=SC2046
static() {
	cc "${flags[@]}" $(pkg-config --cflags fairlead) "$1" -o "$2" -Wl,-Bstatic $(pkg-config --libs fairlead) \
		-Wl,-Bdynamic $(pkg-config --static --libs-only-other fairlead)
}
# shellcheck disable=SC2046
all_static() {
	cc -static "${flags[@]}" $(pkg-config --cflags fairlead) "$1" -o "$2" $(pkg-config --static --libs fairlead)
}
# shellcheck disable=SC2046
cplusplus() {
	c++ -std=c++17 "${flags[@]}" $(pkg-config --cflags fairlead) -x c++ "$1" -o "$2" $(pkg-config --libs fairlead)
}
needs_library() {
	readelf -dW "$1" | grep -q 'NEEDED.*libfairlead.so.0'
}
prints() {
	diff <(timeout 60 "$1") "$2"
}

check "installs" test -s "$pc"
for file in lib:libfairlead.so lib:libfairlead.so.0 lib:libfairlead.so.0.1.0 lib:libfairlead.a; do
	check "installs ${file#*:}" test -e "$library/${file#*:}"
done
headers_are_installed() {
	diff <(cd "$root/include/fairlead" && ls -- *.h) <(cd "$(dirname "$(find "$stage" -name fairlead.h)")" && ls)
}
check "installs every public header and no other" headers_are_installed
if command -v man >/dev/null && command -v scdoc >/dev/null; then
	man_finds() {
		MANPATH=$(dirname "$(dirname "$(find "$stage" -name fl_lock.3)")") man -P cat "$1" | grep -q "$2"
	}
	check "man finds a header's page" man_finds fl_lock "at most one"
	check "man finds a function" man_finds fl_lock_acquire_until ETIMEDOUT
else
	skip "man finds the pages" "man or scdoc is not installed"
fi
if [ -e "$build/cli/fairlead" ]; then
	check "installs the command" "$(find "$stage" -path '*/bin/fairlead')" --version
	check "installs what completes it" bash -n "$(find "$stage" -path '*/completions/fairlead')"
	check "installs the checker's runtime" test -s "$(find "$stage" -path '*/fairlead/check/libtsan.so.2')"
	check "installs it by clang's name, too" \
		test -s "$(find "$stage" -path '*/fairlead/check/libclang_rt.tsan-x86_64.so')"
	finds_a_deadlock() {
		local command
		command=$(find "$stage" -path '*/bin/fairlead')
		"$command" cc -o "$scratch/locks" "$root/tests/check/classic/two_locks.c" || return
		"$command" check --save "$scratch/replay" "$scratch/locks"
		[ $? = 1 ]
	}
	check "the command finds that" finds_a_deadlock
	check "installs an example of its configuration" test -s "$(find "$stage" -path '*/fairlead/examples/hub.conf')"
	check "installs a socket unit" test -s "$(find "$stage" -path '*/systemd/system/fairlead-hub.socket')"
	runs_the_command() {
		local unit program
		unit=$(find "$stage" -path '*/systemd/system/fairlead-hub.service')
		program=$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$unit")
		[ -x "$stage$program" ] || { echo "there is no $program"; return 1; }
	}
	check "installs a service unit, which runs it" runs_the_command
else
	skip "installs the command" "it is not built: its libraries are not installed"
fi
check "pkg-config knows its version" test "$(pkg-config --modversion fairlead)" = 0.1.0

echo works >"$scratch/works"
for kind in shared static all_static cplusplus; do
	check "a program links ($kind)" $kind "$scratch/user.c" "$scratch/$kind"
	check "it runs ($kind)" prints "$scratch/$kind" "$scratch/works"
done
check "the shared one uses the shared library" needs_library "$scratch/shared"
check "the static one does not" fails needs_library "$scratch/static"

check "README's program compiles as printed" shared "$scratch/readme.c" "$scratch/readme"
check "it prints what README says" prints "$scratch/readme" "$scratch/readme.out"
tap_end
