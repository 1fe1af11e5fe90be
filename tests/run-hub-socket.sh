#!/bin/bash
# run-hub-socket.sh BUILD - where the hub listens: an address by its name, and a socket that somebody else has opened,
# as systemd does: descriptor 3, LISTEN_FDS=1, and the process that it is for in LISTEN_PID.
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
build=$1
# shellcheck source=hub.sh
. "$(dirname "$0")/hub.sh"

# passes ADDRESS ARGUMENT... - a hub with a listening socket at that address: an IPv4 one, or a path.
passes() {
	exec "$python" -c '
import os, socket, sys
path = sys.argv[1].startswith("/")
listener = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
listener.bind(sys.argv[1] if path else (sys.argv[1], 0))
listener.listen()
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], [sys.argv[2], "hub", *sys.argv[3:]])' "$1" "$fairlead" "${@:2}"
}
replies_at_path() {
	"$python" - "$1" <<-'END'
		import socket, sys
		hub = socket.socket(socket.AF_UNIX)
		hub.connect(sys.argv[1])
		hub.sendall(b"GET /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		sys.exit(not hub.recv(100).startswith(b"HTTP/1.1 200"))
	END
}
# A program that says what its descriptor 3 is.
cat >"$scratch/third" <<'END'
#!/bin/sh
echo "third=$(readlink /proc/$$/fd/3 || echo none)"
exec sleep 1000
END
chmod +x "$scratch/third"

hub_by "$fairlead" hub --listen localhost:0
check "localhost is an address to listen at" asks /status
check "it ends well" hub_end

hub_by passes 127.0.0.1 --exec "$scratch/third"
check "it serves a socket that was passed" asks /status
check "a program says what its descriptor 3 is" until_status '"third" in streams["third"]["results"]'
check "and does not get the socket" until_status '"socket" not in streams["third"]["results"]["third"]'
check "it ends well with that" hub_end

hub_by passes "$scratch/hub.socket"
check "it serves a path that was passed" replies_at_path "$scratch/hub.socket"
check "it ends well with a path" hub_end

refuses() {
	! (passes "$@") 2>"$scratch/complaints" &&
		grep -F 'the socket that was passed can be reached' "$scratch/complaints"
}
check "without a token it takes no socket that others can reach" refuses 0.0.0.0 --for 1s
hub_by passes 0.0.0.0 --token 0123456789
check "with one it does" asks '/status?token=0123456789'
check "it ends well, too" hub_end
tap_end
