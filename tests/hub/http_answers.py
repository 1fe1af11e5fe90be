"""http_answers - what a hub may answer, judged strictly: HTTP replies and WebSocket frames, read from the bytes alone by
another reader than the hub's or any library's; and whether an answer fits what was asked.

Each checker raises Wrong. `SELF_TESTS` are answers that no hub may give, with what a checker must say of each: a checker
that lets one pass finds nothing.
"""
import json
import re
import urllib.parse

STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d) [ -~]*")
FIELD = re.compile(rb"([a-z-]+):[ ]([ -~]*)", re.IGNORECASE)
KNOWN = {
    "allow", "cache-control", "connection", "content-length", "content-security-policy", "content-type",
    "cross-origin-resource-policy", "etag", "referrer-policy", "sec-websocket-accept", "sec-websocket-version", "upgrade",
    "x-accel-buffering", "x-captured", "x-online", "x-sequence", "x-content-type-options", "x-frame-options",
}
REFUSALS = {400, 403, 404, 405, 409, 411, 413, 414, 426, 431, 503, 505}
GOOD = {101, 200, 204, 304}
# What a body of that type begins with, and a word of the path that it is the answer to.
KINDS = {
    "application/json": (re.compile(rb"\{"), "status"),
    "text/plain; version=0.0.4; charset=utf-8": (re.compile(rb"# HELP "), "metrics"),
    "image/jpeg": (re.compile(rb"\xff\xd8"), "jpeg/camera"),
    "multipart/x-mixed-replace; boundary=frame": (re.compile(rb""), "mjpeg/camera"),
    "text/html; charset=utf-8": (re.compile(rb"<!doctype html>", re.IGNORECASE), "/"),
    "text/javascript; charset=utf-8": (re.compile(rb""), "page.js"),
    "text/css; charset=utf-8": (re.compile(rb""), "page.css"),
    "image/svg+xml": (re.compile(rb"<svg"), "icon.svg"),
}
OPCODES = {0, 1, 2, 8, 9, 10}
CLOSE_CODES = {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}
ADDRESS = re.compile(rb"\d+\.\d+\.\d+\.\d+|localhost|:[0-9a-f.]*:", re.IGNORECASE)


class Wrong(AssertionError):
    """An answer that no hub may give."""


def need(condition, what):
    if not condition:
        raise Wrong(what)


class Answer:
    """One reply: its status, fields and body. `whole`: the connection did not end in it."""

    def __init__(self, status, fields):
        self.status, self.fields = status, fields
        self.body, self.whole = b"", False


def read_head(head):
    """An Answer without its body, of the bytes before the blank line."""
    line, *lines = head.split(b"\r\n")
    found = STATUS_LINE.fullmatch(line)
    need(found, f"no status line: {line[:80]!r}")
    fields = {}
    for line in lines:
        field = FIELD.fullmatch(line)
        need(field, f"no field: {line[:80]!r}")
        name = field[1].decode().lower()
        need(name in KNOWN, f"a field that no hub has: {line[:80]!r}")
        need(name not in fields, f"a field twice: {line[:80]!r}")
        fields[name] = field[2].decode()
    return Answer(int(found[1]), fields)


def answers(data, bare=False):
    """The answers that these bytes are, which may end in one, and what follows a 101. `bare`: they are to HEAD."""
    found = []
    while data:
        head, blank, rest = data.partition(b"\r\n\r\n")
        if not blank:
            need(b"HTTP/1."[:len(head)] == head[:7], f"no answer: {head[:80]!r}")
            return found, b""
        answer = read_head(head)
        found.append(answer)
        if answer.status == 101:
            answer.whole = True
            return found, rest
        answer.body, data = take_body(answer, rest, bare)
    return found, b""


def take_body(answer, rest, bare):
    """What of the rest is its body, and what is not."""
    length = answer.fields.get("content-length")
    if bare or answer.status in (204, 304):
        need(answer.status != 204 or length in (None, "0"), f"no body, of {length} bytes")
        answer.whole = True
        return b"", rest
    if length is None:
        need(answer.status == 200 and answer.fields.get("content-type", "").startswith("multipart/"), "no length")
        return rest, b""
    need(length.isdigit(), f"no length: {length!r}")
    size = int(length)
    answer.whole = len(rest) >= size
    return rest[:size], rest[size:]


def check_fits(answer, asked):
    """Whether it is one to something that these bytes ask for."""
    if answer.status not in GOOD:
        need(answer.status in REFUSALS, f"a status that no request here gets: {answer.status}")
        return
    asked = urllib.parse.unquote_to_bytes(asked)
    if answer.status == 101:
        need(b"/in/" in asked or b"/out/" in asked, "a WebSocket that nobody asked for")
    if answer.status == 204:
        need(b"/processors/" in asked, "something done that nobody asked for")
    if answer.status == 304:
        need(b"none-match" in asked.lower(), "nothing new, for who has nothing")
    if answer.status == 200:
        kind = answer.fields.get("content-type")
        need(kind in KINDS, f"200 with {kind}")
        begins, word = KINDS[kind]
        need(word.encode() in asked, f"200 with {kind} for {asked[:200]!r}")
        need(not answer.whole or begins.match(answer.body), f"no {kind}: {answer.body[:40]!r}")
        if answer.whole and kind == "application/json":
            json.loads(answer.body)


def check_refused(found):
    """Of who may not use the hub at all."""
    for answer in found:
        need(answer.status not in GOOD, f"who has no business here gets {answer.status}")


def can_be_ours(asked):
    """Whether the bytes have something in them that could be an address of the hub: without that all are refused."""
    return ADDRESS.search(urllib.parse.unquote_to_bytes(asked)) is not None


def check_number(found, most):
    need(len(found) <= most, f"{len(found)} answers to {most} requests")


# What a hub sends by WebSocket.

def frames(data):
    """The frames that these bytes are, as pairs of an opcode and a payload; the last one may be cut."""
    found, at, closed = [], 0, False
    while len(data) - at >= 2:
        need(not closed, "a frame after the close")
        first, length = data[at], data[at + 1]
        opcode = first & 15
        need(first & 0x70 == 0 and opcode in OPCODES, f"no frame: {data[at:at + 20]!r}")
        need(length < 128, "a hub that masks")
        need(opcode < 8 or (first & 128 and length < 126), f"no control frame: {data[at:at + 20]!r}")
        bytes_ = {126: 2, 127: 8}.get(length, 0)
        size = int.from_bytes(data[at + 2:at + 2 + bytes_], "big") if bytes_ else length
        payload = data[at + 2 + bytes_:at + 2 + bytes_ + size]
        if len(data) < at + 2 + bytes_ + size:
            return found
        if opcode == 8:
            check_close(payload)
            closed = True
        found.append((opcode, payload))
        at += 2 + bytes_ + size
    return found


def check_close(payload):
    need(len(payload) != 1, "a close with half a status")
    if payload:
        code = int.from_bytes(payload[:2], "big")
        need(code in CLOSE_CODES, f"a close with the status {code}, which there is not")
        try:
            payload[2:].decode()
        except UnicodeDecodeError as error:
            raise Wrong(f"a close with a reason that is no text: {payload!r}") from error


def check_sender(found, good):
    """Of who has sent frames to /in/NAME: nothing is sent there but pongs and a close. `good`: he has done no wrong."""
    for opcode, payload in found:
        need(opcode in (8, 9, 10), f"a sender is sent {opcode} {payload[:20]!r}")
        need(not (good and opcode == 8 and payload[:2] != b"\x03\xe8"), f"who does no wrong is told {payload!r}")


def check_viewer(found):
    """Of who looks at /out/NAME: what comes are whole frame messages."""
    for opcode, payload in found:
        need(opcode in (2, 8, 9, 10), f"a viewer is sent {opcode} {payload[:20]!r}")
        need(opcode != 2 or (payload[:4] == b"FLF1" and payload[48:50] == b"\xff\xd8" and payload[-2:] == b"\xff\xd9"),
             f"no frame message: {payload[:60]!r}")


# Whether all this can fail.

def _head(text):
    return lambda: answers(text + b"\r\n\r\n")


def _fits(status, kind, body, asked):
    def look():
        answer = Answer(status, {"content-type": kind})
        answer.body, answer.whole = body, True
        check_fits(answer, asked)
    return look


SELF_TESTS = [
    ("a text that is no HTTP", "no answer", lambda: answers(b"hello")),
    ("a status line that is none", "no status line", _head(b"HTTP/1.1 20 OK")),
    ("one with a byte that is no text", "no status line", _head(b"HTTP/1.1 200 O\x01K")),
    ("a field that was smuggled in", "no hub has", _head(b"HTTP/1.1 200 OK\r\nset-cookie: a=b")),
    ("one with a bare line feed", "no field", _head(b"HTTP/1.1 200 OK\r\netag: a\nx: y")),
    ("one that is there twice", "a field twice", _head(b"HTTP/1.1 404 No\r\ncontent-length: 1\r\ncontent-length: 0")),
    ("a body of no length", "no length", _head(b"HTTP/1.1 200 OK\r\ncontent-type: text/css")),
    ("bytes behind a body", "no answer", lambda: answers(b"HTTP/1.1 404 No\r\ncontent-length: 1\r\n\r\nabc")),
    ("another page than the one asked for", "200 with", _fits(200, "application/json", b"{}", b"GET /metrics HTTP/1.1")),
    ("a file of nobody's business", "200 with", _fits(200, "text/passwd", b"root", b"GET /status HTTP/1.1")),
    ("a body of another kind", "no image/jpeg", _fits(200, "image/jpeg", b"GIF", b"GET /jpeg/camera HTTP/1.1")),
    ("a WebSocket unasked", "nobody asked", _fits(101, "", b"", b"GET /status HTTP/1.1")),
    ("a fault of the hub's own", "a status that", _fits(500, "", b"", b"GET /status HTTP/1.1")),
    ("a stranger who is let in", "no business", lambda: check_refused([Answer(403, {}), Answer(101, {})])),
    ("an answer to a body", "2 answers", lambda: check_number([Answer(404, {})] * 2, 1)),
    ("a frame with a reserved bit", "no frame", lambda: frames(b"\xc2\x00")),
    ("one with a mask", "masks", lambda: frames(b"\x82\x80abcd")),
    ("a ping in parts", "no control frame", lambda: frames(b"\x09\x00")),
    ("a frame after the end", "after the close", lambda: frames(b"\x88\x00\x82\x00")),
    ("a close that is not", "which there is not", lambda: frames(b"\x88\x02\x03\xed")),
    ("half a close", "half a status", lambda: frames(b"\x88\x01\x03")),
    ("a reason that is no text", "no text", lambda: frames(b"\x88\x03\x03\xe8\xff")),
    ("a picture for a sender", "a sender is sent", lambda: check_sender([(2, b"abc")], True)),
    ("blame for no wrong", "who does no wrong", lambda: check_sender([(8, b"\x03\xea")], True)),
    ("a torn picture", "no frame message", lambda: check_viewer([(2, b"FLF1" + bytes(44) + b"\xff\xd8\xff")])),
]
