#!/bin/bash
# run-hub-end.sh BUILD - the frame hub from outside: how it ends, and other ways to begin it
# (hub/ending.py).
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
/usr/bin/python3 -B "$root/tests/hub/ending.py" "$1"
