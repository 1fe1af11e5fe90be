#!/bin/bash
# run-soak.sh BUILD - a short soak of the hub (hub/soak.py; `make soak HUB=10m` is a long one), and one with a planted
# leak, which must be found.
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
build=${1:?the build directory}
clip=/usr/lib/python3/dist-packages/imageio/resources/images/realshort.mp4

soak() {
	timeout -s KILL 300 "$root/tests/hub/soak.py" "$build" "$@" >"$scratch/soak" 2>&1
	status=$?
	cat "$scratch/soak"
	return "$status"
}
says() {
	cat "$scratch/soak"
	grep -q "$1" "$scratch/soak"
}

if [ ! -e "$clip" ]; then
	skip "the hub holds" "the package python3-imageio, whose clip is one of the sources, is not installed"
	tap_end
fi
check "the hub holds for 20 seconds" soak --for 20s
for what in "bad sent" "good taken" killed producers "readers killed" stalled toggles visits; do
	check "it has had its share of: $what" says "\\b$what: [1-9]"
done
check "a leak is found" fails soak --for 10s --plant leak
check "as one" says '^soak: descriptors grew by'
tap_end
