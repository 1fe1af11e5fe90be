#!/bin/bash
# run-frames-send.sh BUILD - `fairlead frames send`: files of all kinds go to a hub, and what arrives there is what was
# in them, in their order; what the hub refuses is said in its words.
#
# Nothing is waited for by time: hub, viewer and sender say what they have done.
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
build=$1
fairlead=$build/cli/fairlead
export XDG_RUNTIME_DIR=$scratch/run
mkdir -m 700 "$XDG_RUNTIME_DIR"
cd "$scratch" || exit 1
started=()
trap 'kill -KILL "${started[@]}" 2>/dev/null; rm -rf "$scratch"' EXIT

# hub NAME OPTION... - a hub of that name: its address is $NAME_to, its process $NAME_pid.
main_to='' main_pid='' closed_to='' closed_pid='' safe_to='' safe_pid=''
hub() {
	local name=$1 line
	shift
	mkfifo "$name"
	"$fairlead" hub --listen 127.0.0.1:0 "$@" >"$name" 2>"$name.err" &
	printf -v "${name}_pid" %s $!
	started+=($!)
	exec {fd}<"$name"
	read -r -t 60 line <&"$fd" || { echo "Bail out! there is no hub: $(cat "$name.err")"; exit 1; }
	[[ $line =~ (https?)://([0-9.:]*)/ ]]
	printf -v "${name}_to" %s "ws${BASH_REMATCH[1]#http}://${BASH_REMATCH[2]}"
}

# Sends to the hub; what is said is in `out` and `err`.
send() {
	timeout -s KILL 60 "$fairlead" frames send "$@" >out 2>err
}
sends() {
	send "$@" --to "$main_to"
	local status=$?
	cat out err
	return "$status"
}
# fails_with STATUS WORDS ARGUMENT...
fails_with() {
	local wanted=$1 words=$2 status
	shift 2
	send "$@"
	status=$?
	cat out err
	[ "$status" = "$wanted" ] && grep -qF -- "$words" err
}
says() {
	cat out
	grep -q -- "$1" out
}
# Whether an expression is true of what the hub says of a stream, `s`. status NAME EXPRESSION
status() {
	/usr/bin/python3 - "$main_to" "$@" <<-'END'
		import json, sys, urllib.request
		to, name, expression = sys.argv[1:]
		status = json.load(urllib.request.urlopen(to.replace("ws", "http", 1) + "/status"))
		s = [s for s in status["streams"] if s["name"] == name][0]
		print(s)
		sys.exit(not eval(expression))
	END
}
# Whether an expression is true of the summary as JSON, `s`.
summary() {
	cat out
	/usr/bin/python3 -c 'import json, sys; s = json.load(open("out")); sys.exit(not eval(sys.argv[1]))' "$1"
}

# A viewer that gets every frame: fd 6 says "ready", and then a line for each: SHA-256 of the JPEG, its size in pixels,
# and when it was captured. The frame that says that there is no signal is not among them. view NAME COUNT
cat >viewer.py <<'END'
import asyncio, hashlib, struct, sys, websockets
async def main(to, name, count):
    async with websockets.connect(f"{to}/out/{name}?every=128", max_size=None) as socket:
        print("ready", flush=True)
        while count > 0:
            message = await socket.recv()
            _, _, flags, _, width, height, _, _, captured, _ = struct.unpack("<4sHHIIIIQqq", message[:48])
            if not flags & 4:
                print(hashlib.sha256(message[48:]).hexdigest(), f"{width}x{height}", captured, flush=True)
                count -= 1
asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
END
view() {
	rm -f seen.fifo
	mkfifo seen.fifo
	/usr/bin/python3 viewer.py "$main_to" "$1" "$2" >seen.fifo 2>viewer.err &
	viewer=$!
	started+=("$viewer")
	exec 6<seen.fifo
	read -r -t 60 word <&6
	[ "$word" = ready ] || { echo "Bail out! no viewer: $(cat viewer.err)"; exit 1; }
}
# All frames that the viewer waits for have come: `seen` has them.
seen() {
	timeout 60 cat <&6 >seen || kill "$viewer"
	wait "$viewer"
}
# same FILE... - the viewer has seen these JPEGs, in this order.
same() {
	diff <(cut -d ' ' -f 1 seen) <(sha256sum "$@" | cut -d ' ' -f 1)
}

# Pictures: 12 JPEGs whose names are in order only if 10 comes behind 9, and others.
mkdir folder empty
ffmpeg -v error -f lavfi -i testsrc=size=64x48:rate=10 -frames:v 12 -q:v 3 folder/frame%d.jpg </dev/null
echo "no picture" >folder/notes.txt
in_order=(folder/frame{1..12}.jpg)
/usr/bin/python3 - <<-'END'
	import os
	pixels = bytes(x * 5 % 256 for x in range(64 * 48 * 3))
	open("a.ppm", "wb").write(b"P6\n# a comment\n64 48\n255\n" + pixels)
	open("two.pgm", "wb").write(2 * (b"P5 64 48 255\n" + pixels[:64 * 48]))
	open("three.raw", "wb").write(3 * pixels[:64 * 48 * 3 // 2])
	open("half.raw", "wb").write(pixels[:100])
	jpegs = [open(f"folder/frame{i}.jpg", "rb").read() for i in range(1, 13)]
	# One with another JPEG in a segment, as a camera's preview is.
	preview = jpegs[1]
	segment = b"\xff\xe1" + (len(preview) + 2).to_bytes(2, "big") + preview
	open("preview.jpg", "wb").write(jpegs[0][:2] + segment + jpegs[0][2:])
	open("stream.mjpeg", "wb").write(open("preview.jpg", "rb").read() + b"".join(jpegs[1:]))
	part = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n"
	open("multipart", "wb").write(b"".join(part % (len(jpeg), jpeg) for jpeg in jpegs) + b"--frame--\r\n")
	open("bad.jpg", "wb").write(jpegs[0][:300])
	open("noise.jpg", "wb").write(os.urandom(3000).replace(b"\xff", b"\0"))
	open("large.raw", "wb").write(bytes(300 * 300))
END
cp folder/frame1.jpg no-ending

hub main --source cam=websocket --source test=synthetic:64x48@5 --message-size 80000

# What arrives.

view cam 12
check "a folder is sent" sends cam folder
check "with a summary" says '^cam: 12 frames in [0-9.]* s: [0-9.]* fps, [0-9.]* MB, late 0$'
check "the viewer has seen all" seen
check "in the order of their names, as they are" same "${in_order[@]}"
check "the hub has counted them" status cam 's["bad"] == 0 and s["error"] == "nobody sends"'
view cam 5
check "files are sent, with a rate" sends cam "${in_order[@]:0:5}" --fps 25 --json
check "the summary is JSON" summary '(s["frames"], s["error"], s["stopped"], s["name"]) == (5, None, False, "cam")'
check "and says all" summary 's["bytes"] > 1000 and s["seconds"] > 0.15 and s["late"] >= 0 and s["to"][:5] == "ws://"'
check "the viewer has seen them" seen
check "as they are" same "${in_order[@]:0:5}"
are_due() {
	/usr/bin/python3 -c '
import sys
times = [int(line.split()[2]) for line in open("seen")]
steps = [b - a for a, b in zip(times, times[1:])]
print(steps)
sys.exit(not (len(steps) == 4 and all(abs(step - 40000) < 10000 for step in steps)))'
}
check "they were captured when they were due" are_due
view cam 30
check "again and again, so many" sends cam folder --loop --count 30
check "it says how many" says '^cam: 30 frames'
check "the viewer has seen them" seen
check "from the beginning again" same "${in_order[@]}" "${in_order[@]}" "${in_order[@]:0:6}"

sends_from() {
	local from=$1
	shift
	timeout -s KILL 60 "$fairlead" frames send "$@" --to "$main_to" <"$from" >out 2>err
}
view cam 12
check "a file of many JPEGs" sends cam stream.mjpeg
check "all of them" seen
check "and none that is inside of another" same preview.jpg "${in_order[@]:1}"
view cam 12
check "standard input, a multipart stream" sends_from multipart cam -
check "all of it" seen
check "the JPEGs alone" same "${in_order[@]}"
by_pipe() {
	/usr/bin/python3 -c 'import sys
for byte in open("stream.mjpeg", "rb").read(): sys.stdout.buffer.write(bytes([byte])); sys.stdout.buffer.flush()' |
		timeout -s KILL 60 "$fairlead" frames send "$@" --to "$main_to" >out 2>err
}
view cam 12
check "a pipe, byte by byte" by_pipe cam -
check "all of it" seen
check "the same" same preview.jpg "${in_order[@]:1}"
check "a JPEG whose name says nothing" sends cam no-ending
check "is one" status cam 's["format"] == "RGB3" and s["width"] == 640 or s["width"] == 64'

# Pixels. What a frame of the channel is, is what was in the file.
arrives() {
	local name=$1 format=$2 size=$3
	"$fairlead" frames save "$name" - --format raw --wait 20s >saved 2>geometry
	cat geometry
	[ "$(stat -c %s saved)" = "$size" ] && grep -q "format $format, 64 x 48" geometry
}
# The sender of pixels stays until it is told to end, so that no "no signal" follows: its file comes by a pipe that is
# held open. keep_sending NAME FORMAT FILE
keep_sending() {
	mkfifo pipe
	timeout -s KILL 60 "$fairlead" frames send "$1" - --format "$2" --to "$main_to" <pipe >out 2>err &
	sender=$!
	started+=("$sender")
	exec 7>pipe
	cat "$3" >&7
}
end_sending() {
	exec 7>&-
	rm pipe
	wait "$sender"
}
head -c 9216 <(tail -c 9216 a.ppm) >pixels.rgb
keep_sending pixels 64x48:rgb24 pixels.rgb
check "pixels arrive" arrives pixels RGB3 9216
check "as they are" cmp saved pixels.rgb
check "the sender ends well" end_sending
keep_sending planes 64x48:i420 three.raw
check "pixels of several planes arrive" arrives planes YU12 4608
check "as they are" cmp saved <(head -c 4608 three.raw)
check "the sender ends well" end_sending
check "it has sent three frames" says '^planes: 3 frames'
view pixels 4
check "PPM, PGM with two in one, and a JPEG" sends pixels a.ppm two.pgm folder/frame1.jpg
check "four frames" seen
check "of that size" test "$(cut -d ' ' -f 2 seen | sort -u)" = 64x48
check "a file of pixels" sends pixels three.raw --format 64x48:i420 --json
check "has as many as fit" summary 's["frames"] == 3 and s["bytes"] == 3 * 4608'

# What is wrong.

check "a hub that is not there is said" fails_with 1 "cam: ws://127.0.0.1:1: no connection" \
	cam folder --to ws://127.0.0.1:1
check "a source that is none" fails_with 1 "refused with HTTP status 409: test is no source that" \
	test folder --to "$main_to"
check "a path that is none" fails_with 1 "refused with HTTP status 404: there is no WebSocket at /deep/in/cam" \
	cam folder --to "$main_to/deep/"
check "a name that can be none" fails_with 2 "a channel's name is of" 'a b' folder
check "what the hub says of a message" fails_with 1 "closed with status 1009: a message of more than 80000 bytes" \
	big large.raw --format 300x300:gray8 --to "$main_to"
check "as JSON, too" fails_with 1 "status 1009" big large.raw --format 300x300:gray8 --json --to "$main_to"
check "in the summary" summary '"closed with status 1009: a message of more than 80000 bytes" in s["error"]'
check "the hub has counted it" status big 's["bad"] == 2'
check "and keeps why" status big '"a message of more than 80000 bytes" in s["error"]'
check "half a JPEG is not sent" fails_with 1 "cam: bad.jpg: its end is missing" \
	cam folder/frame1.jpg bad.jpg --to "$main_to"
check "what was before it is" says '^cam: 1 frames'
check "what is no JPEG is not sent" fails_with 1 "noise.jpg: it is not a JPEG" cam noise.jpg --to "$main_to"
check "nor half a picture" fails_with 1 "half.raw: it ends in the middle of a picture" \
	cam half.raw --format 64x48:rgb24 --to "$main_to"
check "pixels without a format are none" fails_with 1 "half.raw: --format has to say" cam half.raw --to "$main_to"
check "a file that is not there is said" fails_with 1 "no.jpg: No such file" cam no.jpg
check "a folder without pictures is said" fails_with 1 "empty: there is no file in it" cam empty
mkfifo pipe-of-mine
check "what is no file is said" fails_with 1 "pipe-of-mine: it is neither a file nor a folder" cam pipe-of-mine
check "a hub of another kind of address" fails_with 2 "it is ws://HOST:PORT" cam folder --to ftp://127.0.0.1
check "a token is not given there" fails_with 2 "there is --token-file" cam folder --to 'ws://127.0.0.1/?token=x'
check "a format is checked" fails_with 2 "as in 640x480:rgb24" cam three.raw --format 64:rgb24
check "its name, too" fails_with 2 "the formats are" cam three.raw --format 64x48:rgb
check "and its size" fails_with 2 "no pictures of that format and size" cam three.raw --format 63x48:i420
check "a rate is checked" fails_with 2 "from 0.01 to 1000" cam folder --fps 0
check "standard input is not sent again" fails_with 2 "can't be sent again" cam - --loop
check "nor with others" fails_with 2 "is sent alone" cam - folder
no_jpegs() { sends_from folder/notes.txt cam - || grep "standard input: there is no JPEG in it" err; }
check "standard input without JPEGs is said" no_jpegs
cut_short() { head -c 2500 stream.mjpeg >short && ! sends_from short cam - && grep "it ends in the middle" err; }
check "one that is cut off, too" cut_short
view pixels 1
keep_sending pixels 64x48:rgb24 pixels.rgb
check "another client sends" seen
check "two can't send to one" fails_with 1 "HTTP status 409: another client sends to pixels" \
	pixels folder --to "$main_to"
check "the first one is left alone" end_sending

# Ctrl-C.

# Sends in the background, and waits until a frame has come to a viewer. send_on FROM OPTION...
send_on() {
	local from=$1
	shift
	view cam 1
	"$fairlead" frames send cam "$@" --to "$main_to" <"$from" >out 2>err &
	sender=$!
	started+=("$sender")
	seen
}
ends_by() {
	kill "-$1" "$sender"
	wait "$sender"
}
check "it sends on and on" send_on /dev/null folder --loop --fps 50 --json
check "Ctrl-C ends it well" ends_by INT
check "with a summary" summary 's["stopped"] and s["error"] is None and s["frames"] > 0'
mkfifo silent
exec 8<>silent
cat folder/frame1.jpg >&8
check "it waits for more of a stream" send_on silent -
check "SIGTERM ends it well" ends_by TERM
check "with a summary, too" says '^cam: 1 frames'
exec 8<&-
check "a terminal shows how it goes" script -qec "'$fairlead' frames send cam folder --fps 100 --to $main_to" terminal
check "in one line" grep -q "$(printf '\r\033\\[Kcam: 12 frames in')" terminal

# A token, and TLS.

echo correct-horse >token
chmod 600 token
echo wrong-horse-too >wrong
chmod 600 wrong
hub closed --channels no --source cam=websocket --token-file token
check "a hub that asks for a token has it" send cam folder --token-file token --to "$closed_to"
check "otherwise it says so" fails_with 1 "HTTP status 401: a token is asked for" cam folder --to "$closed_to"
check "a wrong one is none" fails_with 1 "HTTP status 401" cam folder --token-file wrong --to "$closed_to"
chmod 644 wrong
check "a token that others may read is not taken" fails_with 2 "chmod 600" \
	cam folder --token-file wrong --to "$closed_to"
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost \
	-addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null
hub safe --channels no --source cam=websocket --source test=synthetic:64x48@5 --certificate cert.pem --key key.pem
safe_to=${safe_to/127.0.0.1/localhost}
check "by TLS, with a certificate that is trusted" send cam folder --trust cert.pem --to "$safe_to"
check "all is sent" says '^cam: 12 frames'
check "large frames, too" send big large.raw --format 300x300:gray8 --trust cert.pem --to "$safe_to" --loop --count 100
check "one that is not trusted is refused" fails_with 1 "no connection" cam folder --to "$safe_to"
check "what is refused by TLS is said" fails_with 1 "refused with HTTP status 409: test is no source" \
	test folder --trust cert.pem --to "$safe_to"
check "a hub without TLS is said" fails_with 1 "no connection" cam folder --trust cert.pem --to "${main_to/ws:/wss:}"

ends_well() {
	kill -INT "$main_pid" "$closed_pid" "$safe_pid"
	wait "$main_pid" && wait "$closed_pid" && wait "$safe_pid" && ! grep . main.err closed.err safe.err
}
check "the hubs have seen nothing bad" ends_well
tap_end
