#!/bin/bash
# run-hub.sh BUILD - the frame hub from outside: its beginning, the page, wrong addresses, status and figures
# (hub/start.py).
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
/usr/bin/python3 -B "$root/tests/hub/start.py" "$1"
