#!/bin/bash
# run-hub-stall.sh BUILD - a viewer that takes nothing of what it is sent is closed when the hub's patience is over,
# however its frames are sent.
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
build=$1
# shellcheck source=hub.sh
. "$(dirname "$0")/hub.sh"

# stalls PATH - looks at a stream, reads nothing after the head of the reply, and waits until the hub knows it no more.
stalls() {
	timeout 120 "$python" - "$port" "$1" <<-'END'
		import json, socket, sys, urllib.request
		port, path = int(sys.argv[1]), sys.argv[2]
		viewer = socket.socket()
		viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
		viewer.connect(("127.0.0.1", port))
		head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n"
		if path.startswith("/out/"):
		    head += ("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
			     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")
		viewer.sendall(head.encode() + b"\r\n")
		assert viewer.recv(12).startswith(b"HTTP/1.1 ")
		def viewers():
		    status = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/status", timeout=60))
		    return [viewer["sent"] for viewer in status["streams"][0]["viewers"]]
		while not viewers() or viewers()[0:1] == [0]:
		    pass
		while viewers():
		    pass
	END
}
hub --source camera=synthetic:1920x1080@60 --patience 1s
for path in /mjpeg/camera /out/camera '/out/camera?every=8'; do
	check "a viewer of $path that reads nothing is closed" stalls "$path"
done
check "the hub ends well" hub_end
tap_end
