"""incoming - what clients send to a hub, by WebSocket: real clips and bad messages, whole and in pieces; comings and goings."""
import itertools
import struct
import sys
import time

import frames
import hubs
import sockets
from checks import await_, check, contains, end, equal


def pieces(data, *sizes):
    """The data in fragments of these sizes, over and over."""
    at, parts = 0, []
    for size in itertools.cycle(sizes):
        if at >= len(data):
            return parts
        parts.append(data[at:at + size])
        at += size


def exchange(hub, name, sent, to_send=lambda data: data):
    """Sends these over a new connection; returns what came out of the hub for each of them."""
    with sockets.Socket(hub, f"/in/{name}") as sender:
        sender.send(to_send(sent[0]))
        with sockets.Socket(hub, f"/out/{name}?every=128") as viewer:
            received = [viewer.frame()]
            for data in sent[1:]:
                sender.send(to_send(data))
                received.append(viewer.frame())
    hub.await_stream(name, "the sender has left", lambda stream: not stream["online"])
    return received


def same(received, sent):
    """Byte by byte, in order, with nothing between."""
    equal(len(received), len(sent))
    for number, (message, data) in enumerate(zip(received, sent)):
        assert message.data == data, f"frame {number} is not what was sent: {len(message.data)}, {len(data)} bytes"
        equal(message.missed, 0)
        equal(message.sequence, received[0].sequence + number)


def clips(hub, short, large):
    for clip, sent, size in ("realshort", short, (320, 240)), ("cockatoo", large, (1280, 720)):
        with check(f"{clip}: every frame comes out as it went in"):
            received = exchange(hub, clip, sent)
            same(received, sent)
            equal({(message.width, message.height, message.format) for message in received}, {(*size, frames.JPEG)})
        with check(f"{clip}: the same in messages of many fragments"):
            for sizes in ((1000,), (1, 47, 3), (48, 1 << 16), (47, 1), (49, 1 << 20), (1 << 20,)):
                some = sent[:2] if min(sizes) < 1000 and len(sent[0]) > 50000 else sent[:4]
                same(exchange(hub, clip, some, lambda data, sizes=sizes: pieces(data, *sizes)), some)
        with check(f"{clip}: the same with a header"):
            some = sent[:10]
            received = exchange(hub, clip, some, lambda data: frames.message(data, frames.JPEG, *size))
            same(received, some)
    with check("as fast as it goes, all that is sent arrives"):
        # Whoever comes gets what there was last first, by what all that follows comes, too.
        hub.await_stream("realshort", "the view has left", lambda stream: not stream["readers"])
        with sockets.Socket(hub, "/in/realshort") as sender, sockets.Socket(hub, "/out/realshort?every=128") as viewer:
            received = [viewer.frame()]
            before = hub.stream("realshort")["frames"]
            for data in short:
                sender.send(data)
            sender.ping()
            equal(hub.stream("realshort")["frames"], before + len(short))
            while len(received) < len(short) or received[-1].data != short[-1]:
                received.append(viewer.frame())
            same(received[-len(short):], short)


def pixels(hub):
    wide = frames.raws(frames.REALSHORT, 320, 240, 3)
    raw = [frames.message(data, frames.RGB24, 320, 240) for data in wide]
    with check("pixels become pictures of their size and colour"):
        for number, (message, data) in enumerate(zip(exchange(hub, "raw", raw), wide)):
            decoded, *size = frames.decode(message.data)
            equal(size, [320, 240])
            colors = frames.mean_color(decoded), frames.mean_color(data)
            assert all(abs(got - wanted) < 4 for got, wanted in zip(*colors)), (number, colors)
    ways = {
        "the header alone in the first": lambda data: [data[:48], data[48:]],
        "the header and a byte": lambda data: [data[:49], data[49:]],
        "half a header": lambda data: [data[:24], data[24:]],
        "a byte at a time, of the header": lambda data: [data[i:i + 1] for i in range(48)] + [data[48:]],
        "the last byte alone": lambda data: [data[:-1], data[-1:]],
        "empty ones between": lambda data: [data[:10], b"", data[10:48], b"", data[48:99], b"", data[99:], b""],
        "rows": lambda data: pieces(data, 960),
    }
    for way, cut in ways.items():
        with check(f"they may come in fragments: {way}"):
            with sockets.Socket(hub, "/in/raw") as sender:
                before = hub.stream("raw")
                sender.send(cut(raw[0]))
                sender.send(cut(raw[1]))
                sender.ping()
                after = hub.stream("raw")
                equal((after["frames"], after["bad"]), (before["frames"] + 2, before["bad"]))
            hub.await_stream("raw", "the sender has left", lambda stream: not stream["online"])
    with check("so may a JPEG whose header is alone"):
        jpeg = frames.colored("blue", 160, 120)
        received = exchange(hub, "raw", [frames.message(jpeg, frames.JPEG, 160, 120)] * 2,
                            lambda data: [data[:48], data[48:100], data[100:]])
        same(received, [jpeg] * 2)
    formats = {"GREY": 320 * 240, "RGB3": 3 * 320 * 240, "BGR3": 3 * 320 * 240, "AB24": 4 * 320 * 240,
               "AR24": 4 * 320 * 240, "YUYV": 2 * 320 * 240, "UYVY": 2 * 320 * 240, "NV12": 3 * 160 * 240,
               "YU12": 3 * 160 * 240}
    for name, size in formats.items():
        with check(f"{name} is gray where all bytes are 128"):
            gray = frames.message(bytes([128]) * size, frames.fourcc(name), 320, 240)
            with sockets.Socket(hub, "/in/raw") as sender, sockets.Socket(hub, "/out/raw?every=8") as viewer:
                sender.send(gray)
                sender.ping()
                equal(hub.stream("raw")["format"], name)
                message = viewer.frame()
                while message.flags & frames.SYNTHETIC:
                    message = viewer.frame()
                color = frames.mean_color(frames.decode(message.data)[0])
                assert all(abs(channel - 128) <= 2 for channel in color), color
            hub.await_stream("raw", "the sender has left", lambda stream: not stream["online"])


def carried(hub):
    with check("the time of capture and the flags are carried through"):
        red = frames.colored("red", 320, 240)
        # Nothing was captured before the machine was started.
        captured = int((time.time() - min(1234.5, time.clock_gettime(time.CLOCK_MONOTONIC) / 2)) * 1e6)
        with sockets.Socket(hub, "/in/carried") as sender:
            sender.send(frames.message(red, frames.JPEG, 320, 240, captured, frames.KEY | frames.CORRUPT))
            with sockets.Socket(hub, "/out/carried?every=8") as viewer:
                message = viewer.frame()
                assert abs(message.captured - captured) < 2000, (message.captured, captured)
                equal(message.flags, frames.KEY | frames.CORRUPT)
            reply = hub.get("/jpeg/carried")
            assert abs(float(reply.headers["x-captured"]) * 1e6 - captured) < 2000
            assert hub.stream("carried")["age"] < 1000
    with check("a time that is wrong, or not known, is now"):
        for wrong in 0, -5, int((time.time() + 3600) * 1e6), int((time.time() - 7200) * 1e6), 1 << 62, -1 << 63:
            begun = time.time()
            with sockets.Socket(hub, "/in/carried2") as sender:
                sender.send(frames.message(red, frames.JPEG, 320, 240, wrong))
                sender.ping()
                captured = float(hub.get("/jpeg/carried2").headers["x-captured"])
                assert begun - 1 < captured < time.time() + 1, (wrong, captured)
            hub.await_stream("carried2", "the sender has left", lambda stream: not stream["online"])
    with check("the size may change from frame to frame"):
        sizes = [(320, 240), (1920, 1080), (16, 16), (640, 480), (1, 1), (33, 17), (1280, 720)]
        with sockets.Socket(hub, "/in/changes") as sender, sockets.Socket(hub, "/out/changes?every=64") as viewer:
            for width, height in sizes:
                sender.send(frames.message(bytes(3 * width * height), frames.RGB24, width, height))
                message = viewer.frame()
                equal((message.width, message.height), (width, height))
                equal(frames.decode(message.data)[1:], (width, height))
                green = frames.colored("green", max(width, 16), max(height, 16))
                sender.send(green)
                equal(viewer.frame().data, green)
            equal(hub.stream("changes")["bad"], 0)


def bad_messages(jpeg):
    """What is wrong, what is sent, the status of RFC 6455 and part of the reason."""
    pixel = bytes(300)
    raw = frames.message
    cut = jpeg[:len(jpeg) // 2]
    jpeg_of = raw(jpeg, frames.JPEG, 320, 240)
    huge = jpeg.replace(struct.pack(">HH", 240, 320), struct.pack(">HH", 60000, 60000), 1)
    large = jpeg.replace(struct.pack(">HH", 240, 320), struct.pack(">HH", 1500, 2000), 1)
    return [
        ("nothing", b"", 1003, "neither a JPEG nor a frame message"),
        ("a word", b"hello", 1003, "neither a JPEG nor a frame message"),
        ("zeros", bytes(1000), 1003, "neither a JPEG nor a frame message"),
        ("a PNG", b"\x89PNG\r\n\x1a\n" + bytes(100), 1003, "neither a JPEG nor a frame message"),
        ("text", "hello", 1003, "frames come as binary messages"),
        ("text that looks like a frame", "FLF1" + "0" * 100, 1003, "frames come as binary messages"),
        ("another mark", raw(pixel, frames.RGB24, 10, 10, mark=b"FLF2"), 1003, "neither a JPEG nor"),
        ("another header", raw(pixel, frames.RGB24, 10, 10, header=64), 1003, "neither a JPEG nor"),
        ("half a header", raw(b"", frames.RGB24, 10, 10)[:30], 1003, "neither a JPEG nor"),
        ("a header alone", raw(b"", frames.RGB24, 10, 10), 1007, "a message without a frame"),
        ("a JPEG's header alone", raw(b"", frames.JPEG, 10, 10), 1007, "a message without a frame"),
        ("no format", raw(pixel, 0, 10, 10), 1003, "no such pixel format"),
        ("an unknown format", raw(pixel, frames.fourcc("ABCD"), 10, 10), 1003, "no such pixel format"),
        ("no width", raw(pixel, frames.RGB24, 0, 10), 1003, "no such pixel format, or not for 0x10 pixels"),
        ("no height", raw(pixel, frames.RGB24, 10, 0), 1003, "no such pixel format, or not for 10x0 pixels"),
        ("odd YUYV", raw(pixel, frames.fourcc("YUYV"), 11, 10), 1003, "not for 11x10 pixels"),
        ("a byte too few", raw(pixel[1:], frames.RGB24, 10, 10), 1007, "299 bytes are not the 10x10 pixels"),
        ("a byte too many", raw(pixel + b"x", frames.RGB24, 10, 10), 1007, "more bytes than the 300 of 10x10 pixels"),
        ("many too many", raw(pixel * 99, frames.RGB24, 10, 10), 1007, "more bytes than the 300 of 10x10 pixels"),
        ("too many pixels", raw(pixel, frames.RGB24, 5000, 5000), 1009, "5000x5000 are more than 2000000 pixels"),
        ("pixels that overflow", raw(pixel, frames.RGB24, 1 << 31, 1 << 31), 1009, "more than 2000000 pixels"),
        ("all that fits", raw(pixel, frames.RGB24, 0xffffffff, 0xffffffff), 1009, "more than 2000000 pixels"),
        ("more pixels than bytes may be", raw(pixel, frames.RGB24, 1400, 1400), 1009, "more than 4000000 bytes"),
        ("too many bytes", jpeg + bytes(4100000), 1009, "a message of more than 4000000 bytes"),
        ("half a JPEG", cut, 1007, "its end is missing"),
        ("half a JPEG with a header", raw(cut, frames.JPEG, 320, 240), 1007, "its end is missing"),
        ("the beginning of a JPEG", jpeg[:2], 1007, "JPEG"),
        ("the beginning of a JPEG, longer", jpeg[:47], 1007, "its header is damaged"),
        ("no JPEG where one is announced", raw(pixel, frames.JPEG, 10, 10), 1007, ""),
        ("a JPEG of nothing", b"\xff\xd8\xff\xd9", 1007, ""),
        ("a JPEG with too many pixels", huge, 1007, ""),
        ("a JPEG with more pixels than are admitted", large, 1009, "a JPEG of 2000x1500 has more than 2000000"),
        ("pixels announced, a JPEG sent", raw(jpeg, frames.RGB24, 320, 240), 1007, "are not the 320x240 pixels"),
        ("a frame, and a byte behind its end", jpeg_of + b"x", 1007, "its end is missing"),
        ("fragments, a byte too many", [raw(pixel, frames.RGB24, 10, 10), b"x"], 1007, "more bytes than the 300"),
        ("fragments, a byte too few", [raw(pixel, frames.RGB24, 10, 10)[:-1], b""], 1007, "299 bytes are not"),
        ("fragments, none of a frame", [raw(b"", frames.RGB24, 10, 10), b""], 1007, ""),
        ("fragments, too many bytes", [jpeg] + [bytes(1000000)] * 5, 1009, "a message of more than 4000000 bytes"),
    ]


def bad(hub, jpeg):
    others = sockets.Socket(hub, "/out/camera?every=128")
    before = others.frame()
    for what, data, status, reason in bad_messages(jpeg):
        with check(f"refused, and said why: {what}"):
            known = [stream["bad"] for stream in hub.status()["streams"] if stream["name"] == "bad"] or [0]
            sender = sockets.Socket(hub, "/in/bad")
            try:
                sender.send(data)
            except sockets.websockets.ConnectionClosed:
                pass  # before all of it was sent
            said = sender.closed()
            equal(said[0], status, said[1])
            contains(said[1], reason)
            assert 0 < len(said[1].encode()) <= 123
            equal(hub.stream("bad")["bad"], known[0] + 1)
            hub.await_stream("bad", "the sender has left", lambda stream: not stream["online"])
    with check("after that, it takes what is right"):
        same(exchange(hub, "bad", [jpeg] * 3), [jpeg] * 3)
    with check("others did not notice"):
        after = hub.stream("camera")["frames"]
        while before.sequence < after:
            message = others.frame()
            equal((message.sequence, message.missed), (before.sequence + 1, 0))
            before = message
        others.close()


def protocol(hub, jpeg):
    """What breaks RFC 6455 itself, at a sender, which the hub reads, and at a viewer, which libwebsockets reads."""
    binary, text, cont = 2, 1, 0
    frame = sockets.frame
    cases = {
        "without a mask": frame(binary, jpeg, masked=False),
        "with a reserved bit": frame(binary, jpeg, reserved=4),
        "with an unknown opcode": frame(3, jpeg),
        "with an unknown control opcode": frame(11),
        "that goes on without a beginning": frame(cont, jpeg),
        "that begins within another one": frame(binary, jpeg[:100], last=False) + frame(binary, jpeg),
        "that is a ping in fragments": frame(9, b"x", last=False),
        "that is a ping of 126 bytes": frame(9, bytes(126)),
        "that is longer than there are numbers": frame(binary, length=(1 << 64) - 1),
    }
    for what, data in cases.items():
        with check(f"a frame {what} ends the connection with 1002"):
            bare = sockets.handshake(hub, "/in/protocol")
            bare.sendall(data)
            status, reason = sockets.close_status(bare)
            equal(status, 1002)
            assert reason
            bare.close()
    with check("one that announces more than may be is refused at once"):
        bare = sockets.handshake(hub, "/in/protocol")
        bare.sendall(frame(binary, jpeg, length=1 << 40))
        equal(sockets.close_status(bare)[0], 1009)
        bare.close()
    for what, data in cases.items():
        with check(f"a viewer's frame {what} ends its connection only"):
            bare = sockets.handshake(hub, "/out/camera?window=1")
            bare.sendall(data)
            bare.shutdown(1)
            sockets.close_status(bare)
            bare.close()
    with check("pings between the fragments are answered, one by one"):
        bare = sockets.handshake(hub, "/in/protocol")
        middle = len(jpeg) // 2
        bare.sendall(frame(binary, jpeg[:middle], last=False) + frame(9, b"one") + frame(cont, b"", last=False))
        bare.sendall(frame(9, b"two") + frame(10, b"unasked") + frame(cont, jpeg[middle:]) + frame(9))
        equal([sockets.read_frame(bare) for _ in range(3)], [(10, b"one"), (10, b"two"), (10, b"")])
        hub.await_stream("protocol", "the frame", lambda stream: stream["online"] and stream["width"] == 320)
    with check("a close is answered with its status"):
        bare.sendall(frame(8, struct.pack(">H", 1000) + b"bye"))
        equal(sockets.close_status(bare)[0], 1000)
        bare.close()
    with check("a byte at a time is the same"):
        bare = sockets.handshake(hub, "/in/protocol")
        before = hub.stream("protocol")["frames"]
        for byte in frame(binary, frames.message(bytes(12), frames.RGB24, 2, 2)):
            bare.sendall(bytes([byte]))
        hub.await_stream("protocol", "the frame", lambda stream: stream["online"] and stream["width"] == 2)
        assert hub.stream("protocol")["frames"] > before
        bare.close()
    with check("what comes together with the request is taken, or the connection is closed"):
        text_ = (f"GET /in/early HTTP/1.1\r\nHost: {hub.address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n")
        bare = hub.raw(text_.encode() + frame(binary, jpeg))
        await_("early is there", lambda: "early" in [stream["name"] for stream in hub.status()["streams"]])
        bare.sendall(frame(8, struct.pack(">H", 1000)))
        hubs.read_all(bare)
        bare.close()
    with check("one that breaks off in the middle of a frame leaves nothing behind"):
        for cut in 1, 5, 20, 60, 1000:
            bare = sockets.handshake(hub, "/in/broken")
            bare.sendall(frame(binary, jpeg)[:cut])
            bare.close()
            hub.await_stream("broken", "the sender has left", lambda stream: stream["last_error"] == "nobody sends")
            with sockets.Socket(hub, "/in/broken") as sender:
                sender.ping()
        assert hub.stream("broken")["slots_used"] <= 3, hub.stream("broken")


def senders(hub, jpeg):
    with check("a client makes the source that it sends to"):
        sender = sockets.Socket(hub, "/in/door")
        stream = hub.stream("door")
        equal((stream["kind"], stream["what"], stream["frames"], stream["restarts"]), ("source", "websocket", 0, 0))
        equal(hub.get("/jpeg/door").status, 503)
        sender.send(jpeg)
        sender.ping()
        stream = hub.stream("door")
        equal((stream["online"], stream["frames"], stream["restarts"]), (True, 1, 0))
        equal(hub.get("/jpeg/door").body, jpeg)
    with check("a second sender is refused"):
        equal(sockets.refused(hub, "/in/door"), 409)
        equal(sockets.refused(hub, "/in/camera"), 409)
    with check("when it leaves, the source is offline, and shows that there is no signal"):
        with sockets.Socket(hub, "/out/door?every=16") as viewer:
            viewer.frame()
            sender.close()
            message = viewer.frame()
            equal((message.flags & frames.SYNTHETIC, message.width, message.height), (frames.SYNTHETIC, 320, 240))
            assert message.data != jpeg
            equal(frames.decode(message.data)[1:], (320, 240))
        stream = hub.stream("door")
        equal((stream["online"], stream["error"]), (False, "nobody sends"))
        reply = hub.get("/jpeg/door")
        equal((reply.status, reply.headers["x-online"]), (200, "false"))
    with check("when it comes back, it is online, and has been restarted once"):
        with sockets.Socket(hub, "/in/door") as sender:
            sender.send(jpeg)
            sender.ping()
            stream = hub.stream("door")
            equal((stream["online"], stream["error"], stream["restarts"]), (True, None, 1))
            equal(hub.get("/jpeg/door").body, jpeg)
    with check("names that a source can't have are refused"):
        for name in "", ".hidden", "a/b", "x" * 64, "a%20b", "%ff", "a%0ab":
            assert sockets.refused(hub, f"/in/{name}") in (400, 403), name
    with check("there are 64 streams at most"):
        there = len(hub.status()["streams"])
        many = [sockets.Socket(hub, f"/in/s{i}") for i in range(64 - there)]
        equal(sockets.refused(hub, "/in/one-more"), 503)
        for number, one in enumerate(many):
            one.send(frames.message(bytes([number]) * 12, frames.RGB24, 2, 2))
        for one in many:
            one.ping()
            one.close()
        equal({stream["frames"] for stream in hub.status()["streams"] if stream["name"][1:].isdigit()} - {1, 2}, set())
    with check("--ingest no: none is made"):
        with hubs.Hub("--source", "a=websocket", "--ingest", "no") as other:
            equal(sockets.refused(other, "/in/b"), 404)
            same(exchange(other, "a", [jpeg] * 2), [jpeg] * 2)


def main():
    short, large = frames.jpegs(frames.REALSHORT), frames.jpegs(frames.COCKATOO, 60)
    with check("the clips have what they are said to have"):
        equal((len(short), len(large)), (36, 60))
    with hubs.Hub("--verify", "--source", "camera=synthetic:320x240@25") as hub:
        clips(hub, short, large)
        pixels(hub)
        carried(hub)
        with check("nothing was torn"):
            equal(hub.status()["torn"], 0)
    limits = "--pixels", 2000000, "--message-size", 4000000
    with hubs.Hub("--verify", "--source", "camera=synthetic:320x240@25", *limits) as hub:
        bad(hub, short[0])
        protocol(hub, short[0])
        senders(hub, short[0])
        with check("nothing was torn, and all have left"):
            equal((hub.status()["torn"], hub.status()["clients"]["now"]), (0, 1))
    return end()


sys.exit(main())
