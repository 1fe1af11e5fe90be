#!/bin/bash
# run-hub-http-fuzz.sh BUILD [--rounds N] [--seed S] [--round N] - damaged requests, WebSocket handshakes and frames
# for a hub that runs (hub/http_fuzz.py).
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
build=$1
shift
/usr/bin/python3 -B "$root/tests/hub/http_fuzz.py" "$build" "$scratch" "$@"
