#!/bin/bash
# run-hub-sources.sh BUILD - the frame hub from outside: its sources, how they get lost and come back, and on demand
# (hub/sources.py).
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
/usr/bin/python3 -B "$root/tests/hub/sources.py" "$1"
