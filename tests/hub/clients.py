#!/usr/bin/python3 -B
"""clients.py BUILD - clients that leave, that say what nobody asked for, or that want a snapshot where no frame comes: the
hub notices the first, is not kept busy by the second, and answers the third. The streams are silent, so that it has
nothing to send, which would tell it that somebody is gone.
"""
import asyncio
import contextlib
import http.client
import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import time

import checks
import hubs
from checks import check, wait_for
from web_client import BINARY, CLOSE, PING, Multipart, Refused, WebSocket, frame_message

PIXELS = frame_message(b"RGB3", 16, 16, bytes(768))
TWICE = 2 * b"GET /mjpeg/silent HTTP/1.1\r\nHost: localhost\r\n\r\n"


def viewers(hub):
    return hub.stream("silent")["viewers"]


def nobody_looks(hub):
    return not viewers(hub)


def is_running(hub):
    """Whether a thread of the hub's works, or would, were the machine free."""
    states = []
    for path in pathlib.Path(f"/proc/{hub.process.pid}/task").glob("*/stat"):
        with contextlib.suppress(OSError):
            states.append(path.read_text().rpartition(")")[2].split()[0])
    return "R" in states


def is_idle(hub):
    """Whether it does nothing while nothing happens. Who is busy runs whenever it is looked at; others wake up seldom."""
    seen = 0
    for _ in range(100):
        seen += is_running(hub)
        time.sleep(0.01)
    return seen < 30


async def soon(what, *arguments):
    """Waits for it without keeping the connections waiting."""
    return await asyncio.to_thread(wait_for, lambda: what(*arguments))


async def look(hub):
    viewer = await Multipart.open(hub.port)
    await viewer.begin("/mjpeg/silent")
    return viewer


async def check_leaving(hub):
    viewer = await look(hub)
    with check("somebody looks"):
        assert len(viewers(hub)) == 1, viewers(hub)
    await viewer.close()
    with check("and leaves, which is noticed without a frame"):
        assert await soon(nobody_looks, hub), viewers(hub)
    with check("the hub has nothing to do then"):
        assert await asyncio.to_thread(is_idle, hub)
    viewer = await look(hub)
    viewer.vanish()
    with check("who is cut off is noticed, too"):
        assert await soon(nobody_looks, hub), viewers(hub)


async def check_talking(hub):
    viewer = await look(hub)
    viewer.ask("/status")
    viewer.writer.write(b"x" * 20000)
    await viewer.writer.drain()
    with check("who talks while he is to listen costs nothing"):
        assert await asyncio.to_thread(is_idle, hub)
    with check("and stays"):
        assert len(viewers(hub)) == 1, viewers(hub)
    sender = await WebSocket.open(hub.port)
    await sender.begin("/in/silent")
    with check("and gets the frames that come"):
        for wanted in (1, 2):
            await sender.send(PIXELS)
            sequence, jpeg = await asyncio.wait_for(viewer.part(), 60)
            assert sequence == wanted and jpeg[:2] == b"\xff\xd8", f"{sequence}, {jpeg[:9]}"
    viewer.vanish()
    sender.vanish()


async def begin_to_send(hub):
    """As soon as the one before is known to be gone."""
    while True:
        sender = await WebSocket.open(hub.port)
        try:
            await sender.begin("/in/silent")
            return sender
        except Refused:
            sender.vanish()


async def check_pipelined(hub):
    """Two requests in one piece, of which the first one has no end, by several at once."""
    other = await look(hub)
    more = [await Multipart.open(hub.port) for _ in range(5)]
    for viewer in more:
        viewer.writer.write(TWICE)
    with check("who asks for more in the same piece is closed"):
        for viewer in more:
            await viewer.read_head()
            assert await asyncio.wait_for(viewer.reader.read(), 60) == b""
    with check("and costs nothing"):
        assert await asyncio.to_thread(is_idle, hub)
    sender = await begin_to_send(hub)
    with check("others stay, and get the frames that come"):
        before = hub.stream("silent")["frames"]
        await sender.send(PIXELS)
        while (await asyncio.wait_for(other.part(), 60))[0] <= before:
            pass
        assert len(viewers(hub)) == 1, viewers(hub)
    for one in (other, sender):
        one.vanish()


async def check_senders(hub):
    sender = await begin_to_send(hub)
    await sender.send(b"are you there?", PING)
    await sender.send(PIXELS)
    await sender.send((1001).to_bytes(2, "big") + b"enough", CLOSE)
    first, data = await asyncio.wait_for(sender._read_frame(), 60)
    with check("a sender's ping is answered"):
        assert first & 15 == 10 and data == b"are you there?", f"{first}, {data}"
    end = await asyncio.wait_for(sender.receive(), 60)
    with check("its close is answered with its status"):
        assert end is None and sender.closed[0] == 1001, sender.closed
    rest = await asyncio.wait_for(sender.reader.read(), 60)
    with check("and the connection is closed"):
        assert rest == b"", rest
    await sender.close()
    sender = await begin_to_send(hub)
    await sender.send(b"", CLOSE)
    await asyncio.wait_for(sender.receive(), 60)
    with check("also if it had none"):
        assert sender.closed == (0, ""), sender.closed
    await sender.close()


def snapshot(hub):
    """Its status; None: there was no answer."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        return hub.get("/jpeg/silent").status


async def check_snapshots(hub):
    """While somebody else looks already, who is not told again what there is."""
    viewer = await look(hub)
    with check("a snapshot of no frame yet is answered"):
        assert await asyncio.to_thread(snapshot, hub) == 503
    viewer.vanish()
    sender = await begin_to_send(hub)
    await sender.send(PIXELS)
    await soon(lambda: hub.stream("silent")["frames"] == 1)
    recorded = await soon(lambda: hub.stream("silent")["recording"]["frames"] == 1)
    with check("a frame has been recorded"):
        assert recorded, hub.stream("silent")
    for again in ("", " again"):
        with check(f"a snapshot has what was recorded last{again}"):
            assert await asyncio.to_thread(snapshot, hub) == 200
    viewer = await look(hub)
    sequence, _ = await asyncio.wait_for(viewer.part(), 60)
    with check("a viewer gets it, too"):
        assert sequence == 1, sequence
    viewer.vanish()
    sender.vanish()


async def check_tls(hub):
    """The same where the bytes that come are not what they seem."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    viewer = Multipart(*await asyncio.open_connection("127.0.0.1", hub.port, ssl=context))
    await viewer.begin("/mjpeg/silent")
    viewer.ask("/status")
    await viewer.writer.drain()
    with check("by TLS: who talks costs nothing"):
        assert await asyncio.to_thread(is_idle, hub)
    more = Multipart(*await asyncio.open_connection("127.0.0.1", hub.port, ssl=context))
    more.writer.write(TWICE)
    with check("by TLS: who asks for more in the same piece is closed"):
        await more.read_head()
        assert await asyncio.wait_for(more.reader.read(), 60) == b""
    await more.close()
    with check("by TLS: and costs nothing"):
        assert await asyncio.to_thread(is_idle, hub)
    before = len(list(pathlib.Path(f"/proc/{hub.process.pid}/fd").iterdir()))
    viewer.vanish()

    def is_gone():
        return len(list(pathlib.Path(f"/proc/{hub.process.pid}/fd").iterdir())) <= before - 2

    with check("by TLS: who leaves is noticed"):
        assert await soon(is_gone)


def make_certificate(folder):
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
             "1", "-subj", "/CN=localhost", "-keyout", f"{folder}/key.pem", "-out", f"{folder}/certificate.pem"]
    subprocess.run(words, check=True, capture_output=True)
    return ["--certificate", f"{folder}/certificate.pem", "--key", f"{folder}/key.pem"]


def running(*options):
    return hubs.Hub("--source", "silent=websocket", *options)


def main():
    with running() as hub:
        asyncio.run(check_leaving(hub))
        asyncio.run(check_talking(hub))
        asyncio.run(check_pipelined(hub))
        asyncio.run(check_senders(hub))
    with running("--record", f"silent={hubs.folder()}/silent.mkv") as hub:
        asyncio.run(check_snapshots(hub))
    if shutil.which("openssl"):
        with running(*make_certificate(hubs.folder())) as hub:
            asyncio.run(check_tls(hub))
    else:
        checks.skip("the same by TLS", "there is no openssl to make a certificate with")
    return checks.end()


sys.exit(main())
