"""web_client.py - HTTP and WebSocket by hand, for asyncio: a client that can also do what no library lets one do, which
is to stop reading, to stop in mid-message, and to vanish.
"""
import asyncio
import base64
import contextlib
import os
import socket
import struct

SMALL = 16 * 1024  # bytes that the system keeps for a client that is to stall soon
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
HEADER = struct.Struct("<4sHHIIIIQqq")  # of a frame message


class Refused(Exception):
    """The hub has answered with another status than the one hoped for."""

    def __init__(self, status, body):
        super().__init__(f"{status} {body[:200]!r}")
        self.status, self.body = status, body


class Connection:
    """A connection that has asked for a path. `head` is how the reply begins."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.status, self.fields = 0, {}

    @classmethod
    async def open(cls, port, small=False):
        end = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        end.setblocking(False)
        if small:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        try:
            await asyncio.get_running_loop().sock_connect(end, ("127.0.0.1", port))
        except BaseException:
            end.close()
            raise
        return cls(*await asyncio.open_connection(sock=end, limit=1 << 18))

    def ask(self, path, method="GET", **fields):
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        self.writer.write("\r\n".join([*lines, "", ""]).encode())

    async def read_head(self):
        first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        self.status = int(first.split()[1])
        self.fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}

    async def read_body(self):
        return await self.reader.readexactly(int(self.fields.get("content-length", 0)))

    async def reply(self, path, method="GET"):
        """Asks, and returns the status and the body; can be called again."""
        self.ask(path, method)
        await self.read_head()
        return self.status, await self.read_body()

    def vanish(self):
        """Closes it so that the other side gets a reset, as it does when a program is killed that had not read all."""
        with contextlib.suppress(OSError):
            self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                                            struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def close(self):
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


async def ask(port, path, method="GET"):
    """One request on a connection of its own: the status and the body."""
    connection = await Connection.open(port)
    try:
        return await connection.reply(path, method)
    finally:
        await connection.close()


class Multipart(Connection):
    """A stream of JPEGs, as an <img> gets it."""

    async def begin(self, path):
        self.ask(path)
        await self.read_head()
        if self.status != 200:
            raise Refused(self.status, await self.read_body())

    async def part(self):
        """The number of the next frame, and the JPEG."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
        fields = dict(line.split(": ", 1) for line in head if ": " in line)
        return int(fields["x-sequence"]), await self.reader.readexactly(int(fields["content-length"]))


def _masked(data, key):
    whole = (key * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(whole, "big")).to_bytes(len(data), "big")


class WebSocket(Connection):
    closed = None  # (code, reason), once the hub has said so

    async def begin(self, path):
        key = base64.b64encode(os.urandom(16)).decode()
        self.ask(path, Connection="Upgrade", Upgrade="websocket", Sec_WebSocket_Version=13, Sec_WebSocket_Key=key)
        await self.read_head()
        if self.status != 101:
            raise Refused(self.status, await self.read_body())

    def frame(self, kind, data, last=True):
        """The bytes of a WebSocket frame."""
        size = len(data)
        if size < 126:
            head = struct.pack("!BB", kind | last << 7, 128 | size)
        elif size < 65536:
            head = struct.pack("!BBH", kind | last << 7, 128 | 126, size)
        else:
            head = struct.pack("!BBQ", kind | last << 7, 128 | 127, size)
        key = os.urandom(4)
        return head + key + _masked(data, key)

    async def send(self, data, kind=BINARY):
        self.writer.write(self.frame(kind, data))
        await self.writer.drain()

    async def _read_frame(self):
        first, size = await self.reader.readexactly(2)
        if size == 126:
            size = int.from_bytes(await self.reader.readexactly(2), "big")
        elif size == 127:
            size = int.from_bytes(await self.reader.readexactly(8), "big")
        return first, await self.reader.readexactly(size)

    async def receive(self):
        """The next message; None: the hub has closed, `closed` says how."""
        message = b""
        while True:
            first, data = await self._read_frame()
            kind = first & 15
            if kind == CLOSE:
                self.closed = (int.from_bytes(data[:2], "big"), data[2:].decode(errors="replace"))
                return None
            if kind == PING:
                await self.send(data, PONG)
            if kind < CLOSE:
                message += data
                if first & 128:
                    return message

    async def say_goodbye(self):
        """Closes as the protocol wants it, and waits for the answer."""
        await self.send((1000).to_bytes(2, "big"), CLOSE)
        while await self.receive() is not None:
            pass
        await self.close()


class Message:
    """A frame message, taken apart."""

    def __init__(self, data):
        fields = HEADER.unpack_from(data)
        self.magic, self.header, self.flags, self.format, self.width, self.height = fields[:6]
        self.missed, self.sequence, self.captured, self.sent = fields[6:]
        self.jpeg = data[self.header :]

    def is_whole(self):
        return self.magic == b"FLF1" and self.header == HEADER.size and is_jpeg(self.jpeg)


def is_jpeg(data):
    return data[:2] == b"\xff\xd8" and data[-2:] == b"\xff\xd9"


def frame_message(fourcc, width, height, pixels):
    return HEADER.pack(b"FLF1", HEADER.size, 0, int.from_bytes(fourcc, "little"), width, height, 0, 0, 0, 0) + pixels
