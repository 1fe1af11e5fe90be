#!/bin/bash
# run-hub-camera.sh BUILD - the frame hub from outside: a V4L2 device, which bench/fake-v4l2.c plays
# (hub/camera.py).
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
/usr/bin/python3 -B "$root/tests/hub/camera.py" "$1"
