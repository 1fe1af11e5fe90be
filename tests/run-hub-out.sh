#!/bin/bash
# run-hub-out.sh BUILD - the frame hub from outside: what goes out of it, to viewers that read and that do not
# (hub/out.py).
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
/usr/bin/python3 -B "$root/tests/hub/out.py" "$1"
