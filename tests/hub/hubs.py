"""hubs - a hub as a child process, and what a client of it needs: HTTP, the status.

A Hub is a context manager: at its end it is asked to end by SIGTERM, and it is a failed check if it does not, or says
what a sanitizer says. Each has a folder for its channels unless it is given one.
"""
import atexit
import ctypes
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading

import checks

BUILD = pathlib.Path(sys.argv[1]).resolve()
SCRATCH = pathlib.Path(tempfile.mkdtemp())
FAIRLEAD = BUILD / "cli" / "fairlead"
SANITIZED = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|terminated by|LeakSanitizer")

_started = []
_libc = ctypes.CDLL(None)


def _end_all():
    for process in _started:
        if process.poll() is None:
            process.kill()
            process.wait()
    shutil.rmtree(SCRATCH, ignore_errors=True)


atexit.register(_end_all)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


def _die_with_parent():
    _libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def folder():
    """A new one for frame channels, and for whatever else."""
    return pathlib.Path(tempfile.mkdtemp(dir=SCRATCH))


def environment(runtime):
    """What a program of the project is started with."""
    races = f"{os.environ.get('TSAN_OPTIONS', '')}:suppressions={pathlib.Path(__file__).parent / 'tsan.supp'}"
    return {**os.environ, "XDG_RUNTIME_DIR": str(runtime), "FAIRLEAD_PLUGINS": str(BUILD / "hub"), "TSAN_OPTIONS": races}


def start(command, runtime, **options):
    """A child, which ends with this process."""
    options.setdefault("preexec_fn", _die_with_parent)
    child = subprocess.Popen(
        [str(word) for word in command], env=options.pop("env", None) or environment(runtime), **options
    )
    _started.append(child)
    return child


def run(*arguments, runtime=None):
    """The command, to its end. Returns its status, output and errors."""
    done = subprocess.run(
        [str(FAIRLEAD), *map(str, arguments)], env=environment(runtime or folder()), capture_output=True, text=True,
        timeout=checks.PATIENCE, check=False, stdin=subprocess.DEVNULL,
    )
    return done.returncode, done.stdout, done.stderr


class Reply:
    """What was answered to a request."""

    def __init__(self, reply):
        self.status = reply.status
        self.version = reply.version
        self.headers = reply.headers
        self.body = reply.read()

    @property
    def text(self):
        return self.body.decode("utf-8")


class Client:
    """What is asked of a hub that serves there, and told by it."""

    def __init__(self, host, port):
        self.host, self.port = host, port
        self.address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.headers = {}  # of every request, if it has none of its own
        self.secure = None  # an SSLContext, for TLS

    def connect(self):
        if self.secure:
            return http.client.HTTPSConnection(self.host, self.port, timeout=checks.PATIENCE, context=self.secure)
        return http.client.HTTPConnection(self.host, self.port, timeout=checks.PATIENCE)

    def ask(self, method, path, headers=None, body=None):
        connection = self.connect()
        try:
            connection.request(method, path, headers=self.headers if headers is None else headers, body=body)
            return Reply(connection.getresponse())
        finally:
            connection.close()

    def get(self, path, headers=None):
        return self.ask("GET", path, headers)

    def post(self, path, headers=None, body=None):
        return self.ask("POST", path, headers, body)

    def raw(self, text=b"", patience=checks.PATIENCE, buffer=None):
        """A bare connection, to which this text has been sent."""
        bare = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET)
        if buffer:
            bare.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        bare.settimeout(patience)
        bare.connect((self.host, self.port))
        bare.sendall(text)
        return bare

    # The status.

    def status(self):
        reply = self.get("/status")
        checks.equal(reply.status, 200, "/status")
        return json.loads(reply.text)

    def stream(self, name):
        return find(self.status(), name)

    def await_stream(self, name, what, condition, patience=checks.PATIENCE):
        """Waits until the status of a stream is so; returns it."""
        def look():
            stream = self.stream(name)
            return bool(condition(stream)), stream

        return checks.await_(f"{name}: {what}", look, patience)

    def await_frames(self, name, n):
        """Waits for n frames more than there are."""
        wanted = self.stream(name)["frames"] + n
        return self.await_stream(name, f"{wanted} frames", lambda stream: stream["frames"] >= wanted)

    def watched(self, name):
        """Waits until nobody looks at a stream any more."""
        return self.await_stream(name, "nobody looks", lambda stream: not stream["viewers"])


class Hub(Client):
    """A hub that runs. `wrapper` is put before the command."""

    def __init__(self, *arguments, runtime=None, wrapper=(), listen=":0", env=None):
        self.runtime = runtime or folder()
        command = [*wrapper, FAIRLEAD, "hub", *(["--listen", listen] if listen else []), *arguments]
        self.said = ""
        self.over = False  # its end has been looked at
        self.process = start(
            command, self.runtime, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self.line = self.process.stdout.readline()
        found = re.fullmatch(r"fairlead hub: (https?://([^/]+):(\d+)/\S*)\n", self.line)
        if not found:
            self.process.wait(checks.PATIENCE)
            self._listener.join()
            raise AssertionError(f"no hub: {self.line!r} {self.said!r}")
        self.url = found[1]
        super().__init__(found[2].strip("[]"), int(found[3]))

    def _listen(self):
        for line in self.process.stderr:
            self.said += line

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if not self.over:
            with checks.check("the hub ends in order when it is told to, and not before"):
                self.end()
        return False

    def end(self, number=signal.SIGTERM):
        """Ends it; returns the summary. It has to end well."""
        self.process.send_signal(number)
        return self.ended()

    def kill(self):
        """Without asking it."""
        self.over = True
        self.process.kill()
        self.process.wait()
        self._listener.join()

    def ended(self):
        """Waits for its end; returns the summary."""
        self.over = True
        timer = threading.Timer(checks.PATIENCE, self.process.kill)
        timer.start()
        summary = self.process.stdout.read()
        status = self.process.wait()
        timer.cancel()
        self._listener.join()
        assert status == 0 and not SANITIZED.search(self.said), f"status {status}, it said:\n{self.said}"
        return summary


def find(status, name):
    """The stream of that name in a status."""
    found = [stream for stream in status["streams"] if stream["name"] == name]
    assert len(found) == 1, f"{len(found)} streams are called {name}"
    return found[0]


def read_all(bare):
    """What comes until the other end closes."""
    data = b""
    while True:
        try:
            part = bare.recv(1 << 20)
        except ConnectionResetError:
            return data
        if not part:
            return data
        data += part
