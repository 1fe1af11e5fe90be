#!/bin/bash
# run-hub-in.sh BUILD - the frame hub from outside: what clients send to it, real clips and bad messages
# (hub/incoming.py).
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
/usr/bin/python3 -B "$root/tests/hub/incoming.py" "$1"
