#!/bin/sh
# run-hub-clients.sh BUILD - clients of the hub that leave, say what nobody asked for, or ask where there is nothing
# (hub/clients.py).
exec "$(dirname "$0")/hub/clients.py" "$1"
