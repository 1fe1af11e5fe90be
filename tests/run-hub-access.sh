#!/bin/bash
# run-hub-access.sh BUILD - the frame hub from outside: who may use it, and what slow and many clients can do to it
# (hub/access.py).
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
/usr/bin/python3 -B "$root/tests/hub/access.py" "$1"
