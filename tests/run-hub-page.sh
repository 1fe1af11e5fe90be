#!/bin/bash
# run-hub-page.sh - the hub's page in a browser (hub/page.py), and `make run`, which shows somebody the hub for the
# first time.
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
build=$(cd "${1:?the build directory}" && pwd) || exit 1

# Nothing is installed for it, and there is no network: what it needs is there, since the tests are built of the same.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
run() {
	XDG_RUNTIME_DIR=$scratch timeout -s KILL 300 \
		make --no-print-directory -C "$root" run BUILD="$build" ARGS="$1" >"$scratch/run" 2>&1
	status=$?
	cat "$scratch/run"
	return "$status"
}
says() {
	cat "$scratch/run"
	grep -Eq "$1" "$scratch/run"
}

check "make run runs the hub" run "--for 3s --listen :0"
check "it prints the page's address" says '^fairlead hub: http://127\.0\.0\.1:[0-9]+/$'
check "and, at the end, what has come" says '^  camera: [1-9][0-9]* frames'
check "of the processor, too" says '^  motion: [1-9][0-9]* frames'
check "what is wrong with its options is said" fails run "--listen 0.0.0.0:0"
check "in words" says 'needs a --token'

if [ -x /usr/bin/chromium ] && type -P chromedriver >/dev/null; then
	tap_from "$root/tests/hub/page.py" "$build"
else
	skip "the page in a browser" "chromium and chromedriver are not both installed"
fi
tap_end
