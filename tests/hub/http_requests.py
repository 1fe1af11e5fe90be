"""http_requests - what the fuzzing sends to a hub: requests that are damaged on purpose, where it is known what may come of
them, and requests and WebSocket frames with bytes changed anywhere. All chance comes from the generator that is given.
"""
import frames
import sockets

GOOD_PATHS = "/", "/page.js", "/page.css", "/status", "/metrics", "/jpeg/camera", "/mjpeg/camera"
ODD_PATHS = (
    "/nothing", "//status", "/./status", "/x/../status", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/%00", "/status%00",
    "/%zz", "/%", "/st%61tus", "/%0d%0aX:y", "/status%0d%0aset-cookie:a=b", "/status%0aHost:127.0.0.1", "/%ff%fe", "*",
    "status", "/in/", "/out/", "/out/nobody", "/jpeg/", "/jpeg/%2e%2e", "/mjpeg/nobody", "/" + "a" * 300, "/" + "a" * 9000,
    "/status?" + "a=b&" * 200, "/processors/motion/", "/processors//start", "/" + "%41" * 100, "/status#x",
)
METHODS = "GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "get", "G", "", "GET GET", "\x00", "PRI"
BAD_HOSTS = "evil.example", "127.0.0.1.evil.example", "", "a" * 300, "[evil]", "@127.0.0.1", "127.0.0.1:80:80", "0x7f.1 ", "*"
BAD_ORIGINS = "https://evil.example", "null", "http://127.0.0.1.evil.example", "x" * 400, "file://", "http://127.0.0.1"
BAD_KEYS = "", "A", "A" * 300, "AAAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAAAAA", "!AAAAAAAAAAAAAAAAAAAAA==", "\xff" * 24
BAD_VERSIONS = "", "0", "8", "12", "130", "-1", "13, 8", "x", "9" * 100
KEY = "AAAAAAAAAAAAAAAAAAAAAA=="
NOISE = "X-" + "a" * 40, "Accept", "Cookie", "If-None-Match", "Range", "Expect", "TE", "User-Agent", "Authorization", "Via"


def join(method, path, fields, version="HTTP/1.1", end="\r\n"):
    lines = [f"{method} {path} {version}", *(f"{name}: {value}" for name, value in fields), "", ""]
    return end.join(lines).encode("latin-1")


def upgrade(key=KEY, version="13"):
    return [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", version),
            ("Sec-WebSocket-Key", key)]


def noise(chance):
    """Fields that mean nothing to the question who may ask."""
    value = chance.choice(["", "x", "a" * chance.randrange(2000), "\t ", "bytes=0-", "\"" * 9, "100-continue", "\xff\x80", "=;=;,"])
    return chance.choice(NOISE), value


def any_path(chance):
    return chance.choice(GOOD_PATHS if chance.random() < 0.5 else ODD_PATHS)


def body(chance):
    """Fields that announce a body, and the body: another request, which nobody makes."""
    inner = join("GET", "/status", [("Host", "127.0.0.1")])
    if chance.random() < 0.5:
        return [("Content-Length", str(len(inner)))], inner
    length = f"{len(inner):x}\r\n".encode()
    return [("Transfer-Encoding", "chunked")], length + inner + chance.choice([b"\r\n0\r\n\r\n", b"", b"\r\nzz\r\n"])


def stranger(chance, hub):
    """Requests of somebody who may not ask; returns them and how many they are."""
    requests, n = b"", chance.choice([1, 1, 1, 2, 5])
    for _ in range(n):
        who = [("Host", hub.address)]
        wrong = chance.randrange(4)
        if wrong == 0:
            who = [("Host", chance.choice(BAD_HOSTS))]
        elif wrong == 1:
            who.append(("Origin", chance.choice(BAD_ORIGINS)))
        elif wrong == 2:
            who.append(("Sec-Fetch-Site", chance.choice(["cross-site", "same-site", "x" * 100])))
        else:
            who.insert(chance.randrange(2), ("Host", chance.choice(BAD_HOSTS[:2])))
        fields = who + [noise(chance) for _ in range(chance.randrange(4))]
        inner = b""
        if chance.random() < 0.3:
            fields += upgrade()
            path = chance.choice(["/out/camera", "/in/door", "/in/window", any_path(chance)])
        else:
            path = any_path(chance)
            if n == 1 and chance.random() < 0.4:
                announced, inner = body(chance)
                fields += announced
        chance.shuffle(fields)
        requests += join(chance.choice(METHODS), path, fields) + inner
    return requests, n


def friend(chance, hub):
    """Requests that are good, or odd, of somebody who may ask; returns them and how many they are."""
    requests, n = b"", chance.choice([1, 1, 2, 8])
    for _ in range(n):
        method = chance.choice(["GET", "GET", "GET", "POST", *METHODS])
        path = f"/processors/motion/{chance.choice(['start', 'stop'])}" if method == "POST" else any_path(chance)
        fields = [("Host", hub.address), *(noise(chance) for _ in range(chance.randrange(3)))]
        inner = b""
        if chance.random() < 0.2:
            announced, inner = body(chance)
            fields += announced
        elif method == "POST":
            fields.append(("Content-Length", chance.choice(["0", "0", "-1", "+0", "0x0", "99999999999999999999", "1, 1"])))
        end = chance.choice(["\r\n"] * 8 + ["\n", "\r"])
        version = chance.choice(["HTTP/1.1"] * 8 + ["HTTP/1.0", "HTTP/9.9", "HTTP/0.9", "HTTQ", ""])
        requests += join(method, path, fields, version, end) + inner
    return requests, n


def handshake(chance, hub):
    """A handshake that is wrong; no WebSocket may come of it."""
    fields = dict([("Host", hub.address), *upgrade()])
    method, version = "GET", "HTTP/1.1"
    wrong = chance.randrange(8)
    if wrong == 0:
        fields["Sec-WebSocket-Key"] = chance.choice(BAD_KEYS)
    elif wrong == 1:
        fields["Sec-WebSocket-Version"] = chance.choice(BAD_VERSIONS)
    elif wrong == 2:
        fields["Upgrade"] = chance.choice(["h2c", "WebSockets", "", "TLS/1.0", "x" * 200])
    elif wrong == 3:
        fields["Connection"] = chance.choice(["close", "keep-alive", ""])
    elif wrong == 4:
        del fields[chance.choice(["Sec-WebSocket-Key", "Sec-WebSocket-Version", "Upgrade", "Host"])]
    elif wrong == 5:
        method = chance.choice(["POST", "PUT", "HEAD", ""])
    elif wrong == 6:
        version = chance.choice(["HTTP/1.0", "HTTP/0.9", "HTTP/9.9", ""])
    else:
        fields["Origin"] = chance.choice(BAD_ORIGINS)
    fields = list(fields.items())
    chance.shuffle(fields)
    return join(method, chance.choice(["/out/camera", "/in/door", "/in/window"]), fields, version)


def mutate(chance, data):
    """The same with some bytes changed, taken out, put in, moved or doubled."""
    data = bytearray(data)
    for _ in range(chance.randrange(1, 5)):
        at, n = chance.randrange(len(data) + 1), min(chance.randrange(1, 40), 1 << chance.randrange(6))
        how = chance.randrange(6)
        if how == 0 and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        elif how == 1:
            data[at:at + 1] = chance.choice([b"\0", b"\r", b"\n", b"%", b" ", b":", b"\xff", b"\r\n\r\n", b"\x7f", b"/"])
        elif how == 2:
            del data[at:at + n]
        elif how == 3:
            data[at:at] = chance.randbytes(n)
        elif how == 4:
            data[at:at] = data[at:at + n] * chance.choice([1, 2, 500])
        else:
            start = chance.randrange(len(data) + 1)
            data[at:at + n] = data[start:start + n]
    return bytes(data)


def damaged(chance, hub):
    """A request, of a friend or a stranger, with bytes changed anywhere."""
    host = hub.address if chance.random() < 0.5 else "evil.example"
    fields = [("Host", host), noise(chance)]
    paths = [*GOOD_PATHS, "/processors/motion/start"]
    if chance.random() < 0.3:
        fields += upgrade()
        paths = ["/out/camera", "/in/window"]
    path = chance.choice(paths)
    whole = join("POST" if path.startswith("/processors") else "GET", path, fields)
    if chance.random() < 0.2:
        return whole[:chance.randrange(len(whole))]
    return mutate(chance, whole)


# WebSocket frames. A fault is a name, its bytes, and the statuses with which a hub may close then.

def _mask(chance, data):
    mask = chance.randbytes(4)
    return mask + bytes(byte ^ mask[i & 3] for i, byte in enumerate(data))


def frame(chance, first, data=b"", masked=True, size=None):
    size = len(data) if size is None else size
    high = 128 if masked else 0
    if size < 126:
        head = bytes([first, high | size])
    elif size < 65536:
        head = bytes([first, high | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([first, high | 127]) + size.to_bytes(8, "big")
    return head + (_mask(chance, data) if masked else data)


def picture(chance, jpeg):
    """A message that is good: in one frame or more, with pings between."""
    data = jpeg if chance.random() < 0.5 else frames.message(jpeg, frames.JPEG, 16, 16)
    n = chance.choice([1, 1, 2, 5])
    cuts = sorted(chance.randrange(len(data) + 1) for _ in range(n - 1))
    parts = [data[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(data)])]
    sent = b""
    for i, part in enumerate(parts):
        sent += frame(chance, (128 if i == n - 1 else 0) | (2 if i == 0 else 0), part)
        if chance.random() < 0.3:
            sent += frame(chance, 128 | chance.choice([9, 10]), chance.randbytes(chance.choice([0, 1, 125])))
    return sent


def bad_close(chance):
    return chance.choice([
        b"\x03", b"\x00\x00", b"\x03\xe7", b"\x03\xec", b"\x03\xed", b"\x03\xee", b"\x03\xf7", b"\x07\xd0", b"\x13\x88", b"\xff\xff",
    ])


def fault(chance):
    """Something that a client may not send to /in/NAME between two messages, and how a hub may close then."""
    make = [
        lambda: (frame(chance, 0x82, b"abcdef", masked=False), {1002}),
        lambda: (frame(chance, 0x80 | 0x10 << chance.randrange(3) | chance.choice([1, 2, 8, 9]), b"abc"), {1002}),
        lambda: (frame(chance, 0x80 | chance.choice([3, 4, 5, 6, 7, 11, 12, 13, 14, 15]), b"abc"), {1002}),
        lambda: (frame(chance, chance.choice([8, 9, 10]), b"abc"), {1002}),
        lambda: (frame(chance, 0x80 | chance.choice([8, 9, 10]), bytes(126)), {1002}),
        lambda: (frame(chance, 0x80, b"abc"), {1002}),
        lambda: (frame(chance, 2, b"\xff\xd8abc") + frame(chance, 0x82, b"abc"), {1002}),
        lambda: (bytes([0x82, 0xff]) + b"\xff" * 8 + b"mask", {1002}),
        lambda: (frame(chance, 0x82, b"\xff\xd8", size=1 << 40), {1009}),
        lambda: (frame(chance, 0x88, bad_close(chance)), {1002}),
        lambda: (frame(chance, 0x88, b"\x03\xe8" + b"\xff\xfe"), {1002, 1007}),
        lambda: (frame(chance, 0x81, b"hello"), {1003}),
        lambda: (frame(chance, 0x81, b"\xff\xc0\x80"), {1003, 1007}),
        lambda: (frame(chance, 0x82, chance.randbytes(60)), {1003}),
        lambda: (frame(chance, 0x82, b"\xff\xd8" + chance.randbytes(60)), {1007}),
        lambda: (frame(chance, 0x82), {1003}),
    ]
    return chance.choice(make)()


def pieces(chance, data):
    """The data cut into some pieces, as a network might."""
    cuts = sorted(chance.randrange(len(data) + 1) for _ in range(chance.choice([0, 0, 1, 3])))
    return [data[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(data)]) if end > begin]


def good_handshake(hub, path):
    return join("GET", path, [("Host", hub.address), *upgrade(sockets.base64.b64encode(bytes(16)).decode())])
