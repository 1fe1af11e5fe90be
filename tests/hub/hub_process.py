"""hub_process.py - a hub that a test runs: started with any options, asked for /status, looked at in /proc, ended.

Each has a folder of its own for its frame channels, so that several do not meet. What it says on standard error goes
to a file, which `said` reads.
"""
import contextlib
import http.client
import json
import os
import pathlib
import signal
import subprocess
import time
import urllib.parse


def wait_for(what, patience=30, pause=0.05):
    """Calls `what` until it returns something that is true, which it returns; after so many seconds it returns the
    last answer."""
    end = time.monotonic() + patience
    while not (found := what()) and time.monotonic() < end:
        time.sleep(pause)
    return found


class Hub:
    def __init__(self, build, folder, *options, port=0):
        self.folder = pathlib.Path(folder)
        channels = self.folder / "channels"
        channels.mkdir(mode=0o700, exist_ok=True)
        self.environment = {**os.environ, "XDG_RUNTIME_DIR": str(channels)}
        self.environment.pop("LISTEN_FDS", None)
        self.command = pathlib.Path(build) / "cli" / "fairlead"
        self.log = self.folder / "hub.log"
        words = [self.command, "hub", "--listen", f"127.0.0.1:{port}", *options]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(words, env=self.environment, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=log, text=True)
        self.greeting = self.process.stdout.readline().strip()
        self.address = self.greeting.removeprefix("fairlead hub: ")
        self.port = urllib.parse.urlsplit(self.address).port if self.address.startswith("http") else None
        if not self.port:
            self.kill()
            raise RuntimeError(f"the hub did not start: {self.greeting!r} {self.said()}")

    @property
    def pid(self):
        return self.process.pid

    def said(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def ask(self, path, method="GET"):
        """Returns the reply's status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path)
            reply = connection.getresponse()
            return reply.status, reply.read()

    def status(self):
        return json.loads(self.ask("/status")[1])

    def stream(self, name):
        return find(self.status(), name)

    def is_running(self):
        return self.process.poll() is None

    def end(self, number=signal.SIGTERM, patience=60):
        """Returns the status with which it ends, and what it printed; the status is None if it had to be killed."""
        self.process.send_signal(number)
        try:
            out = self.process.communicate(timeout=patience)[0]
        except subprocess.TimeoutExpired:
            self.kill()
            return None, ""
        return self.process.returncode, out

    def kill(self):
        if self.is_running():
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def find(status, name):
    """The stream of that name in what /status said."""
    return next(stream for stream in status["streams"] if stream["name"] == name)


def parents():
    """Who started whom, of all processes: id -> id of its parent."""
    found = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The second field is a name in brackets, which may have blanks and brackets in it.
            found[int(path.parent.name)] = int(path.read_text(errors="replace").rpartition(")")[2].split()[1])
    return found


def descendants(pid):
    """The ids of the processes that it has started, and of those that they have, and so on."""
    above = parents()
    found = [pid]
    for one in found:
        found += [child for child, parent in above.items() if parent == one]
    return found[1:]


def children(pid):
    return [child for child, parent in parents().items() if parent == pid]


def kill_child(parent, child, number):
    """Sends a signal to a process, if it is (still) started by that one. Its number could be another's by now: a
    descriptor can't. Returns whether it was sent."""
    try:
        descriptor = os.pidfd_open(child)
    except ProcessLookupError:
        return False
    try:
        is_ours = child in children(parent)
        if is_ours:
            signal.pidfd_send_signal(descriptor, number)
        return is_ours
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)


def words_of(pid):
    """The command line; empty if the process has ended."""
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    return []
