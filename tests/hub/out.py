"""out - what goes out of a hub: snapshots, multipart streams, frame messages; and that viewers do not disturb each other."""
import sys
import time

import frames
import http_answers
import http_requests
import hubs
import sockets
from checks import await_, check, contains, end, equal

SMALL = ("--source", "camera=synthetic:320x240@50", "--source", "quiet=websocket")


def consecutive(messages):
    """Each is the one after the one before, and says so."""
    sequences = [message.sequence for message in messages]
    equal(sequences, list(range(sequences[0], sequences[0] + len(sequences))))
    equal({message.missed for message in messages}, {0})


def of_viewer(stream, name):
    """The viewer of the status that has this name."""
    found = [viewer for viewer in stream["viewers"] if viewer["name"].split("@")[0] == name]
    assert len(found) == 1, f"{len(found)} viewers are called {name}: {stream['viewers']}"
    return found[0]


def snapshots(hub):
    with check("/jpeg is the newest frame"):
        hub.await_frames("camera", 2)
        begun = time.time()
        reply = hub.get("/jpeg/camera")
        equal((reply.status, reply.headers["content-type"], reply.headers["cache-control"]),
              (200, "image/jpeg", "no-store"))
        equal(frames.decode(reply.body)[1:], (320, 240))
        assert reply.body.startswith(b"\xff\xd8") and reply.body.endswith(b"\xff\xd9")
    with check("it says when it was captured, its number, and that the camera is there"):
        assert begun - 10 < float(reply.headers["x-captured"]) <= time.time(), reply.headers["x-captured"]
        assert 0 < int(reply.headers["x-sequence"]) <= hub.stream("camera")["frames"]
        equal(reply.headers["x-online"], "true")
    with check("a later one has a higher number and time"):
        hub.await_frames("camera", 2)
        later = hub.get("/jpeg/camera")
        assert int(later.headers["x-sequence"]) > int(reply.headers["x-sequence"])
        assert float(later.headers["x-captured"]) > float(reply.headers["x-captured"])
    with check("without a frame it is 503"):
        reply = hub.get("/jpeg/quiet")
        equal((reply.status, reply.headers["content-type"]), (503, "text/plain; charset=utf-8"))
        contains(reply.text, "quiet has had no frame yet")


def read_line(file):
    line = file.readline()
    assert line.endswith(b"\r\n"), line
    return line[:-2]


def read_part(file):
    """The next part of a multipart stream: its fields and its JPEG."""
    equal(read_line(file), b"--frame")
    fields = {}
    while (line := read_line(file)) != b"":
        name, value = line.decode().split(": ", 1)
        fields[name.lower()] = value
    jpeg = file.read(int(fields["content-length"]))
    equal(read_line(file), b"")
    return fields, jpeg


def multipart(hub):
    with check("/mjpeg is a multipart stream"):
        connection = hub.connect()
        connection.request("GET", "/mjpeg/camera?name=parts")
        reply = connection.getresponse()
        equal((reply.status, reply.headers["content-type"], reply.headers["cache-control"]),
              (200, "multipart/x-mixed-replace; boundary=frame", "no-store"))
        equal((reply.headers["content-length"], reply.headers["transfer-encoding"]), (None, None))
    with check("its parts are whole JPEGs, with their length"):
        parts = [read_part(reply) for _ in range(20)]
        for fields, jpeg in parts:
            equal(fields["content-type"], "image/jpeg")
            assert jpeg.startswith(b"\xff\xd8") and jpeg.endswith(b"\xff\xd9")
        equal(frames.decode(parts[-1][1])[1:], (320, 240))
    with check("their numbers and times grow"):
        for key in "x-sequence", "x-captured":
            values = [float(fields[key]) for fields, _ in parts]
            assert all(before < after for before, after in zip(values, values[1:])), values
    with check("the status has the viewer"):
        viewer = of_viewer(hub.stream("camera"), "parts")
        equal(viewer["how"], "mjpeg")
        assert viewer["sent"] >= 20
    reply.close()
    connection.close()
    with check("and that it has left"):
        hub.watched("camera")


def messages(hub):
    with check("frame messages come"):
        viewer = sockets.Socket(hub, "/out/camera", compression="deflate")
        begun = time.time()
        taken = viewer.frames(20)
    with check("they say what they are"):
        for message in taken:
            equal((message.format, message.width, message.height, message.flags & frames.SYNTHETIC),
                  (frames.JPEG, 320, 240, 0))
            assert begun - 10 < message.captured / 1e6 <= message.sent / 1e6 <= time.time()
        equal(frames.decode(taken[-1].data)[1:], (320, 240))
    with check("what was missed is said, and nothing comes twice"):
        for before, after in zip(taken, taken[1:]):
            equal(after.sequence, before.sequence + 1 + after.missed)
    with check("nothing is compressed"):
        equal(list(viewer.socket.extensions), [])
    with check("a ping is answered"):
        viewer.ping()
    with check("a close is answered"):
        viewer.close()
        equal(viewer.socket.close_code, 1000)
    with check("a viewer that says more than ack is told so"):
        with sockets.Socket(hub, "/out/camera") as talker:
            talker.send("x" * 17)
            equal(talker.closed(), (1009, 'a viewer says nothing but "ack"'))
    with check("the frame is that of /jpeg, byte by byte"):
        with sockets.Socket(hub, "/out/camera?every=128") as viewer:
            message = viewer.frame()
            reply = hub.get("/jpeg/camera")
            while message.sequence < int(reply.headers["x-sequence"]):
                message = viewer.frame()
            equal((message.sequence, message.data), (int(reply.headers["x-sequence"]), reply.body))
            equal(f"{message.captured / 1e6:.3f}", f"{float(reply.headers['x-captured']):.3f}")
    with check("quick comers and goers leave nothing behind"):
        for i in range(50):
            bare = sockets.handshake(hub, f"/out/camera?every={1 + i}")
            bare.close()
        hub.watched("camera")


def windows(hub):
    for window in 1, 3:
        with check(f"window={window}: so many come without an acknowledgement"):
            viewer = sockets.Socket(hub, f"/out/camera?window={window}&name=window")
            first = viewer.frames(window)
            hub.await_frames("camera", 10)
            assert viewer.quiet()
            equal(of_viewer(hub.stream("camera"), "window")["sent"], window)
        with check("and one for each after that, the newest"):
            for _ in range(5):
                viewer.send("ack")
                after = viewer.frame()
                assert after.sequence > first[-1].sequence
            made = hub.stream("camera")["encoded"]["frames"]
            hub.await_stream("camera", "new JPEGs", lambda stream: stream["encoded"]["frames"] >= made + 11)
            assert viewer.quiet()
            viewer.send("ack")
            assert viewer.frame().missed >= 9
        with check("more acknowledgements than messages are no credit"):
            for _ in range(3 * window):
                viewer.send("ack")
            viewer.frames(window)
            newest = hub.await_frames("camera", 10)["frames"]
            while not viewer.quiet():
                viewer.frame()
            assert of_viewer(hub.stream("camera"), "window")["sent"] <= newest
            count = of_viewer(hub.stream("camera"), "window")["sent"]
            hub.await_frames("camera", 10)
            equal(of_viewer(hub.stream("camera"), "window")["sent"], count)
        viewer.close()
    with check("window and every together: all, in order, and never ahead"):
        with sockets.Socket(hub, "/out/camera?window=2&every=64&name=both") as viewer:
            taken = viewer.frames(2)
            hub.await_frames("camera", 10)
            assert viewer.quiet()
            for _ in range(10):
                viewer.send("ack")
                taken.append(viewer.frame())
            consecutive(taken)
    for argument in "window=0", "window=65", "window=x", "window=", "every=0", "every=129", "every=-1", "window=1x":
        with check(f"{argument} is refused"):
            equal(sockets.refused(hub, f"/out/camera?{argument}"), 400)
    with check("arguments are found behind others, whatever these are"):
        for others in "name=a-name-that-is-rather-long", "name=" + "x" * 300, "", "x", "window", "token=" + "x" * 100:
            with sockets.Socket(hub, f"/out/camera?{others}&window=1") as viewer:
                viewer.frame()
                hub.await_frames("camera", 3)
                assert viewer.quiet(), others
    with check("a stream that there is not is 404"):
        equal(sockets.refused(hub, "/out/other"), 404)
        equal(sockets.refused(hub, "/out/"), 404)
        equal(sockets.refused(hub, "/status"), 404)


def all_frames(hub):
    with check("every=128: all frames come, in order"):
        with sockets.Socket(hub, "/out/camera?every=128&name=all") as viewer:
            taken = viewer.frames(100)
            consecutive(taken)
            captured = [message.captured for message in taken]
            equal(captured, sorted(captured))
            equal(of_viewer(hub.stream("camera"), "all")["dropped"], 0)
    with check("every=4: what does not fit into the queue is said"):
        with sockets.Socket(hub, "/out/camera?every=4&window=1&name=four") as viewer:
            first = viewer.frame()
            hub.await_frames("camera", 20)
            sequences = [first]
            while not sequences[-1].missed:
                viewer.send("ack")
                sequences.append(viewer.frame())
            assert len(sequences) <= 6, [message.sequence for message in sequences]
            equal(of_viewer(hub.stream("camera"), "four")["dropped"], sequences[-1].missed)
    with check("two who want all frames and one who wants the latest get theirs"):
        with sockets.Socket(hub, "/out/camera?every=128") as one, sockets.Socket(hub, "/out/camera") as latest:
            with sockets.Socket(hub, "/out/camera?every=64") as two:
                one_taken, two_taken = one.frames(30), two.frames(30)
                latest.frames(10)
                consecutive(one_taken)
                consecutive(two_taken)
            consecutive([one_taken[-1]] + one.frames(10))


def nobody(hub):
    with check("while nobody looks nothing is encoded"):
        hub.await_stream("camera", "the view has left", lambda stream: not stream["readers"])
        before = hub.stream("camera")["encoded"]["frames"]
        assert before > 0
        after = hub.await_frames("camera", 20)
        equal((after["encoded"]["frames"], after["readers"], after["viewers"]), (before, [], []))
    with check("for two who look it is encoded once"):
        with sockets.Socket(hub, "/out/camera?every=128") as one, sockets.Socket(hub, "/out/camera?every=128") as two:
            taken, others = one.frames(40), two.frames(40)
            encoded = hub.stream("camera")["encoded"]["frames"] - before
            ahead = hub.stream("camera")["frames"] - taken[0].sequence
            assert encoded <= ahead + 2, (encoded, ahead)
            both = {message.sequence: message.data for message in taken}
            same = [both[message.sequence] == message.data for message in others if message.sequence in both]
            assert same and all(same)
    with check("of a snapshot alone one frame is encoded, or two"):
        hub.await_stream("camera", "the view has left", lambda stream: not stream["readers"])
        before = hub.stream("camera")["encoded"]["frames"]
        hub.get("/jpeg/camera")
        left = hub.await_stream("camera", "the view has left", lambda stream: not stream["readers"])
        after = hub.await_frames("camera", 5)
        equal(after["encoded"]["frames"], left["encoded"]["frames"])
        assert 1 <= after["encoded"]["frames"] - before <= 2, (before, after["encoded"])


def slow():
    """Large pictures, so that what the system buffers is full soon."""
    with hubs.Hub("--source", "camera=synthetic:1280x720@30", "--quality", "98", "--patience", "3s") as hub:
        with check("one who never reads does not disturb another one"):
            fast = sockets.Socket(hub, "/out/camera?every=128&name=fast")
            taken = fast.frames(2)
            stuck = [sockets.handshake(hub, "/out/camera?name=stuck", buffer=4096),
                     sockets.handshake(hub, "/out/camera?every=128&name=queued", buffer=4096),
                     hub.raw(f"GET /mjpeg/camera?name=parts HTTP/1.1\r\nHost: {hub.address}\r\n\r\n".encode(),
                             buffer=4096)]
            names = "stuck", "queued", "parts"
            hub.await_stream("camera", "four viewers", lambda stream: len(stream["viewers"]) == 4)
            behind = {}
            while len(behind) < 3:
                taken += fast.frames(5)
                seen = hub.stream("camera")
                ahead = of_viewer(seen, "fast")["sent"]
                behind.update({name: 1 for name in names if ahead - of_viewer(seen, name)["sent"] > 15})
            consecutive(taken)
        with check("when it reads again, it goes on, and it is counted how many it has missed"):
            late = sockets.handshake(hub, "/out/camera?name=late", buffer=4096)
            hub.await_stream("camera", "it is there", lambda stream: of_viewer(stream, "late")["sent"] > 0)
            stopped = [-1, 0]

            def is_stuck():
                """Nothing was sent to it while the fast one got ten."""
                stopped.append(of_viewer(hub.stream("camera"), "late")["sent"])
                taken.extend(fast.frames(10))
                return stopped[-1] == stopped[-2], stopped

            await_("it is stuck", is_stuck)
            said = 0
            while said == 0:
                opcode, payload = sockets.read_frame(late)
                equal(opcode, 2)
                said = frames.Message(payload).missed
            late.close()
            consecutive(taken)
        with check("who does not read for as long as the patience is closed"):
            def look():
                taken.extend(fast.frames(1))
                left = [viewer["name"] for viewer in hub.stream("camera")["viewers"]]
                return len(left) == 1, left

            await_("the fast one is left", look)
            for bare in stuck:
                hubs.read_all(bare)
                bare.close()
        with check("the others have had every frame meanwhile"):
            taken += fast.frames(5)
            consecutive(taken)
            equal(of_viewer(hub.stream("camera"), "fast")["dropped"], 0)
            fast.close()


def wrongs(hub):
    with check("a viewer that sends what is no frame is told so, and nothing after that"):
        asked = http_requests.good_handshake(hub, "/out/camera?window=50")
        bare = hub.raw(asked.encode() if isinstance(asked, str) else asked)
        data = b""
        while len(data) < 20000:  # it gets frames
            data += bare.recv(1 << 16)
        bare.sendall(b"\x83\x80\0\0\0\0")  # of a kind that there is not
        data += hubs.read_all(bare)
        bare.close()
        found = http_answers.frames(data.partition(b"\r\n\r\n")[2])
        equal(found[-1][0], 8, "the last one's opcode")
        equal(int.from_bytes(found[-1][1][:2], "big"), 1002, "the status")


def qualities():
    """Of a picture that stays the same: of a camera the view may have packed another one after that of the reply."""
    picture = frames.message(frames.raws(frames.REALSHORT, 320, 240, 1)[0], frames.RGB24, 320, 240)
    with check("--quality is that of the JPEGs"):
        sizes = []
        for quality in 5, 95:
            with hubs.Hub("--source", "still=websocket", "--quality", quality) as hub:
                with sockets.Socket(hub, "/in/still") as sender:
                    sender.send(picture)
                    sender.ping()
                    sizes.append(len(hub.get("/jpeg/still").body))
                    hub.await_stream("still", "that size", lambda stream: stream["encoded"]["bytes"] == sizes[-1])
        assert 2 * sizes[0] < sizes[1], sizes


def main():
    with hubs.Hub(*SMALL, "--verify") as hub:
        snapshots(hub)
        multipart(hub)
        messages(hub)
        windows(hub)
        all_frames(hub)
        nobody(hub)
        wrongs(hub)
        with check("nothing was torn"):
            equal(hub.status()["torn"], 0)
    slow()
    qualities()
    return end()


sys.exit(main())
