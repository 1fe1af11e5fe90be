#!/bin/bash
# run-hub-record.sh BUILD - the frame hub from outside: what it records, and where it can't
# (hub/record.py).
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
/usr/bin/python3 -B "$root/tests/hub/record.py" "$1"
