"""sockets - WebSocket clients for the tests of the hub: by Debian's `websockets`, and by hand for what it refuses to send.

`websockets` is asynchronous; the tests go step by step. So there is one loop, which runs while a test waits, and no
longer: what is not waited for is not read.
"""
import asyncio
import base64
import os
import struct

import websockets

import frames
import checks

_loop = asyncio.new_event_loop()
asyncio.set_event_loop(_loop)


def wait(coroutine, patience=checks.PATIENCE):
    """What the coroutine returns."""
    return _loop.run_until_complete(asyncio.wait_for(coroutine, patience))


class Socket:
    """A connection to a hub's /in/NAME or /out/NAME."""

    def __init__(self, hub, path, headers=None, **options):
        options.setdefault("compression", None)
        self.socket = wait(websockets.connect(
            options.pop("url", f"ws://{hub.address}") + path, extra_headers=headers or {}, max_size=None,
            ping_interval=None, **options))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        wait(self.socket.send(data))

    def receive(self, patience=checks.PATIENCE):
        return wait(self.socket.recv(), patience)

    def frame(self):
        return frames.Message(self.receive())

    def frames(self, n):
        return [self.frame() for _ in range(n)]

    def quiet(self):
        """Whether nothing is there to be received, now that the hub has answered a ping."""
        self.ping()
        return not self.socket.messages

    def ping(self, data=b"are you there"):
        """Sends one, and waits for the answer: all that was sent before has been taken."""
        async def there_and_back():
            await (await self.socket.ping(data))

        wait(there_and_back())

    def closed(self):
        """Waits until the hub has closed it; returns its status and reason."""
        wait(self.socket.wait_closed())
        return self.socket.close_code, self.socket.close_reason

    def close(self):
        wait(self.socket.close())


def refused(hub, path, headers=None, **options):
    """The HTTP status with which an upgrade is refused."""
    return checks.fails(websockets.InvalidStatusCode, Socket, hub, path, headers, **options).status_code


# By hand.

def handshake(hub, path, buffer=None, headers=""):
    """A bare connection that has been upgraded."""
    key = base64.b64encode(os.urandom(16)).decode()
    bare = hub.raw(
        f"GET {path} HTTP/1.1\r\nHost: {hub.address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n".encode(), buffer=buffer)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = bare.recv(1)
        assert byte, f"no answer but {head!r}"
        head += byte
    assert head.startswith(b"HTTP/1.1 101 "), head
    return bare


def frame(opcode, payload=b"", last=True, masked=True, reserved=0, length=None):
    """A frame of RFC 6455."""
    length = len(payload) if length is None else length
    mask = os.urandom(4) if masked else b""
    if masked:
        payload = bytes(byte ^ mask[i & 3] for i, byte in enumerate(payload))
    head = bytes([(128 if last else 0) | reserved << 4 | opcode])
    if length < 126:
        head += bytes([(128 if masked else 0) | length])
    elif length < 65536:
        head += bytes([(128 if masked else 0) | 126]) + struct.pack(">H", length)
    else:
        head += bytes([(128 if masked else 0) | 127]) + struct.pack(">Q", length)
    return head + mask + payload


def read_frame(bare):
    """The next frame of the hub: its opcode and payload; None: the connection has ended."""
    def exactly(n):
        data = b""
        while len(data) < n:
            try:
                part = bare.recv(n - len(data))
            except ConnectionResetError:
                return None
            if not part:
                return None
            data += part
        return data

    head = exactly(2)
    if head is None:
        return None
    length = head[1] & 127
    if length > 125:
        length = int.from_bytes(exactly(2 if length == 126 else 8), "big")
    return head[0] & 15, exactly(length)


def close_status(bare):
    """Reads until the hub closes; returns status and reason, (None, "") if it gave none."""
    while True:
        found = read_frame(bare)
        if found is None:
            return None, ""
        if found[0] == 8:
            return int.from_bytes(found[1][:2], "big"), found[1][2:].decode()
