"""soak_visitors.py - those who look at the hub in a soak (soak.py): viewers who stay, and count; visitors who come and
go, read or do not, say goodbye or vanish; and programs that read the frame channels and are killed.

Each is a task. What it finds wrong it says with soak.fail; what becomes of a connection whose end it has brought about
itself is not looked at.
"""
import asyncio
import contextlib
import signal

from web_client import Connection, Message, Multipart, Refused, WebSocket, ask, is_jpeg

QUEUE = 32  # frames: the longest that a visitor asks for

# What every task may meet whose other side ends.
ENDS = (OSError, EOFError, asyncio.IncompleteReadError)


async def stay(soak, path, window):
    """A viewer who is there from the beginning to the end: what it has got and what it has missed make up all there
    was."""
    viewer = await WebSocket.open(soak.port)
    await viewer.begin(path)
    got = missed = first = last = 0
    over = asyncio.create_task(soak.over.wait())
    while not soak.over.is_set():
        coming = asyncio.create_task(viewer.receive())
        await asyncio.wait({coming, over}, return_when=asyncio.FIRST_COMPLETED)
        if not coming.done():
            coming.cancel()
            break
        message = Message(coming.result() or soak.stop(f"{path}: the hub has closed: {viewer.closed}"))
        if message.sequence <= last or not message.is_whole():
            soak.fail(f"{path}: frame {message.sequence} came after {last}, whole: {message.is_whole()}")
        got += 1
        missed += message.missed
        first, last = first or message.sequence, message.sequence
        soak.count["shown"] += 1
        if window:
            await viewer.send(b"ack", 1)
    if got and got + missed != last - first + 1:
        soak.fail(f"{path}: {got} got and {missed} missed are not all from {first} to {last}")
    if soak.needs(path) and not got:
        soak.fail(f"{path}: there was never a frame")
    soak.count["missed"] += missed
    viewer.vanish()


# Those who come and go.


async def look_multipart(soak, rng, name):
    viewer = await Multipart.open(soak.port)
    try:
        await viewer.begin(f"/mjpeg/{name}")
        last = 0
        for _ in range(rng.randint(1, 40)):
            sequence, jpeg = await asyncio.wait_for(viewer.part(), rng.uniform(0.5, 3))
            if sequence <= last or not is_jpeg(jpeg):
                soak.fail(f"mjpeg of {name}: frame {sequence} came after {last}, {len(jpeg)} bytes")
            last = sequence
    finally:
        await leave(rng, viewer)


async def look_websocket(soak, rng, name):
    window, every = rng.choice([0, 0, 1, 2, 8]), rng.choice([0, 0, 1, 8, QUEUE])
    wish = "&".join([f"window={window}"] * (window > 0) + [f"every={every}"] * (every > 0) + [f"name={rng.random()}"])
    viewer = await WebSocket.open(soak.port)
    try:
        await viewer.begin(f"/out/{name}?{wish}")
        for _ in range(rng.randint(1, 40)):
            data = await asyncio.wait_for(viewer.receive(), rng.uniform(0.5, 3))
            if data is None or not Message(data).is_whole():
                soak.fail(f"out of {name}: no whole frame message: {data and data[:48]} {viewer.closed}")
                return
            if window and rng.random() < 0.98:
                await viewer.send(b"ack", 1)
    finally:
        await leave(rng, viewer)


async def leave(rng, viewer):
    way = rng.choice([viewer.vanish, viewer.close, getattr(viewer, "say_goodbye", viewer.close)])
    with contextlib.suppress(asyncio.TimeoutError, *ENDS):
        done = way()
        if done is not None:
            await asyncio.wait_for(done, 10)
            return
    viewer.vanish()


async def look_once(soak, rng, name):
    """A snapshot is always answered."""
    status, body = await asyncio.wait_for(ask(soak.port, f"/jpeg/{name}"), 60)
    if not (status == 200 and is_jpeg(body)) and status != 503:
        soak.fail(f"snapshot of {name}: {status}, {len(body)} bytes")
    soak.count["snapshots"] += status == 200


async def stall(soak, rng, name):
    """Asks, and never reads."""
    way = rng.choice([Connection, WebSocket])
    viewer = await way.open(soak.port, small=True)
    try:
        if way is WebSocket:
            await viewer.begin(f"/out/{name}?{rng.choice(['', 'window=2', 'every=8'])}")
        else:
            viewer.ask(f"/mjpeg/{name}")
        viewer.writer.transport.pause_reading()  # or asyncio would read
        soak.count["stalled"] += 1
        await soak.pause(rng, 0.5, 6)
    finally:
        viewer.vanish()


async def ask_half(soak, rng, name):
    """Begins to ask, and stops in the middle of it."""
    viewer = await Connection.open(soak.port)
    try:
        viewer.writer.write(f"GET /out/{name} HTTP/1.1\r\nHost: 127.0".encode())
        with contextlib.suppress(*ENDS, asyncio.TimeoutError):
            await asyncio.wait_for(viewer.reader.read(), rng.uniform(0.5, 4))
    finally:
        viewer.vanish()


WRONG = [("/out/camera?window=none", 400), ("/nothing", 404), ("/jpeg/nobody", 404), ("/out/nobody", 404)]


async def ask_other(soak, rng, _):
    """The page and its parts, the figures, and what there is not."""
    path = rng.choice(["/", "/page.js", "/page.css", "/status", "/metrics"])
    status, body = await ask(soak.port, path)
    if status != 200 or not body:
        soak.fail(f"{path}: {status}, {len(body)} bytes")
    path, wanted = rng.choice(WRONG)
    viewer = await WebSocket.open(soak.port)
    try:
        await viewer.begin(path)
        soak.fail(f"{path}: it was let in")
    except Refused as refused:
        if refused.status != wanted:
            soak.fail(f"{path}: {refused}")
    finally:
        viewer.vanish()


WAYS = [look_multipart, look_multipart, look_websocket, look_websocket, look_once, look_once, stall, ask_half, ask_other]


async def visit(soak, rng):
    while not soak.over.is_set():
        way, name = rng.choice(WAYS), rng.choice(soak.names)
        soak.count["visits"] += 1
        try:
            await way(soak, rng, name)
        except asyncio.TimeoutError:
            if way is look_once:
                soak.fail(f"snapshot of {name}: never answered")
        except (Refused, *ENDS) as end:
            soak.fail(f"{way.__name__} of {name}: {end!r}")
        await soak.pause(rng, 0, 0.5)


async def leak(soak, rng):
    """The planted mistake: viewers that come and stay."""
    while not soak.over.is_set():
        viewer = await WebSocket.open(soak.port)
        await viewer.begin(f"/out/{rng.choice(soak.names)}?window=1")
        soak.leaked.append(viewer)
        await soak.pause(rng, 0.1, 0.2)


async def watch(soak, rng):
    """Programs that read a frame channel, and are killed, stopped and killed, or end by themselves."""
    while not soak.over.is_set():
        words = ["frames", "watch", rng.choice(soak.names), "--json"]
        if rng.random() < 0.3:
            words += ["--every", "16"]
        program = await soak.start(*words)
        try:
            await soak.pause(rng, 0.3, 2)
            end = rng.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGSTOP, signal.SIGINT])
            if end == signal.SIGSTOP:
                program.send_signal(end)
                await soak.pause(rng, 0.3, 2)
                end = signal.SIGKILL
            soak.count["readers killed"] += end == signal.SIGKILL
            program.send_signal(end)
        finally:
            await soak.reap(program)
