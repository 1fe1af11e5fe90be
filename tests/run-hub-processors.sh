#!/bin/bash
# run-hub-processors.sh BUILD - the frame hub from outside: processors, as threads, processes, plug-ins and programs
# (hub/processors.py).
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
/usr/bin/python3 -B "$root/tests/hub/processors.py" "$1"
