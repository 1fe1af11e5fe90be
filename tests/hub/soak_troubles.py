"""soak_troubles.py - those who send to the hub in a soak (soak.py), and those who get in its way: senders who send good
frames and bad ones, a channel's producer that is killed, stopped and started again, processors that are stopped,
started and killed.
"""
import asyncio
import signal

import processes
from web_client import BINARY, TEXT, Refused, WebSocket, ask, frame_message

PIXELS = bytes(range(256)) * 36  # 64x48 in RGB3
PROCESSORS = ("motion", "edges", "histogram", "crash", "watcher")


def good(soak, rng):
    """Frames that are to be taken."""
    return rng.choice([soak.jpeg, frame_message(b"RGB3", 64, 48, PIXELS), frame_message(b"GREY", 96, 96, PIXELS),
                       frame_message(b"JPEG", 480, 270, soak.jpeg)])


def bad(soak, rng):
    """A message that is to be refused, its kind, and the status with which the hub then closes."""
    return rng.choice([
        (b"FLF2" + bytes(44) + PIXELS, BINARY, 1003),
        (soak.jpeg[:100], BINARY, 1007),
        (b"hello", BINARY, 1003),
        (b"hello", TEXT, 1003),
        (frame_message(b"RGB3", 64, 48, PIXELS[:-1]), BINARY, 1007),
        (frame_message(b"RGB3", 64, 48, PIXELS + b"x"), BINARY, 1007),
        (frame_message(b"RGB3", 60000, 60000, PIXELS), BINARY, 1009),
        (frame_message(b"????", 64, 48, PIXELS), BINARY, 1003),
        (frame_message(b"RGB3", 64, 48, b""), BINARY, 1007),
    ])


async def send_bad(soak, rng, sender):
    """It is said why, and counted."""
    data, kind, status = bad(soak, rng)
    await sender.send(data, kind)
    soak.count["bad sent"] += 1
    while await asyncio.wait_for(sender.receive(), 60) is not None:
        pass
    if sender.closed[0] != status or not sender.closed[1]:
        soak.fail(f"a bad message of {len(data)} bytes was answered with {sender.closed}, not {status}")


async def send_some(soak, rng, sender):
    for _ in range(rng.randint(1, 40)):
        await sender.send(good(soak, rng))
        soak.count["good sent"] += 1
        await soak.pause(rng, 0, 0.06)
    end = rng.choice(["goodbye", "goodbye", "bad", "bad", "middle", "vanish"])
    if end == "goodbye":
        await asyncio.wait_for(sender.say_goodbye(), 60)
        soak.count["good taken"] += soak.count["good sent"]
    elif end == "bad":
        await send_bad(soak, rng, sender)
        soak.count["good taken"] += soak.count["good sent"]
    elif end == "middle":
        data = sender.frame(BINARY, good(soak, rng))
        sender.writer.write(data[: rng.randrange(len(data))])
        await soak.pause(rng, 0, 0.3)
    soak.count["good sent"] = 0


async def send(soak, rng):
    while not soak.over.is_set():
        sender = await WebSocket.open(soak.port)
        try:
            await sender.begin("/in/sender")
            await send_some(soak, rng, sender)
        except Refused as refused:
            # The hub may not have noticed yet that the one before is gone; another one sends, too.
            if refused.status != 409:
                soak.fail(f"a sender was refused: {refused}")
        except (OSError, EOFError, asyncio.TimeoutError) as end:
            soak.fail(f"a sender was cut off: {end!r}")
        finally:
            soak.count["good sent"] = 0
            sender.vanish()
        await soak.pause(rng, 0, 0.4)


async def send_beside(soak, rng):
    """Somebody who wants to send, too: one is enough, the other is told so."""
    while not soak.over.is_set():
        await soak.pause(rng, 0.5, 2)
        sender = await WebSocket.open(soak.port)
        try:
            await sender.begin(rng.choice(["/in/camera", "/in/motion", "/in/channel"]))
            soak.fail("a sender was let in where it should not be")
        except Refused as refused:
            if refused.status != 409:
                soak.fail(f"a sender was refused: {refused}")
        finally:
            sender.vanish()


async def produce(soak, rng):
    """A program that serves the channel that the hub reads."""
    while not soak.over.is_set():
        program = await soak.start("soak-channel", "RGB3", "64x48", producer=True)
        try:
            program.stdin.write(b"stream 20\n")
            await soak.pause(rng, 0.5, 4)
            end = rng.choice(["kill", "kill", "stop", "quiet", "end"])
            soak.count["producers"] += 1
            if end == "stop":
                program.send_signal(signal.SIGSTOP)
                await soak.pause(rng, 0.5, 3)
                program.send_signal(rng.choice([signal.SIGCONT, signal.SIGKILL]))
            elif end == "kill":
                program.send_signal(signal.SIGKILL)
            elif end == "quiet":
                program.stdin.write(b"quiet\n")
            program.stdin.close()
        finally:
            await soak.reap(program)
        await soak.pause(rng, 0, 1)


async def toggle(soak, rng):
    """Stops a processor and starts it."""
    while not soak.over.is_set():
        await soak.pause(rng, 0.2, 2)
        name = rng.choice(PROCESSORS)
        for verb in ("stop", "start"):
            status, body = await ask(soak.port, f"/processors/{name}/{verb}", "POST")
            if status != 204:
                soak.fail(f"{verb} {name}: {status} {body}")
            await soak.pause(rng, 0, 1)
        soak.count["toggles"] += 1


async def kill(soak, rng):
    """Kills programs of the hub, or stops them, so that it has to kill them itself."""
    while not soak.over.is_set():
        await soak.pause(rng, 0.3, 2.5)
        children = processes.children(soak.hub.process.pid)
        if children:
            number = rng.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGSTOP])
            soak.count["killed"] += processes.kill_child(soak.hub.process.pid, rng.choice(children), number)
