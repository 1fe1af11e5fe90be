#!/usr/bin/python3
"""terminal.py [--size COLUMNSxLINES] COMMAND... - runs a program in a terminal of its own, and does what it reads.

A line of standard input is one of

    see REGEX       waits until a line of the screen matches
    not REGEX       waits until none does
    keys TEXT       types it; \\n and the like are as in Python, <up> <down> <next> <prior> are keys
    size 100x30     makes the screen that large
    signal NAME     sends the signal to the program
    end STATUS      waits for its end: its exit status, or minus the number of the signal that ended it
    hang            up: the terminal goes away
    say WORD        writes a line to the pipe `said`
    cooked          the terminal is as it was before the program: it echoes, and shows its first screen

It ends with 1 at the first that does not come true within a minute, and shows the screen; with 2 if it cannot go on.
The terminal understands what xterm is told by a program that uses ncurses, and no more: anything else is an error.
"""
import argparse
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

KEYS = {"<up>": "\033OA", "<down>": "\033OB", "<next>": "\033[6~", "<prior>": "\033[5~"}
SEQUENCE = re.compile(rb"\033(?:\[([?>]?)([0-9;]*)([@-~])|[()]([A-Z0-9])|([=>78M])|\]([^\007]*)\007)")
WITHIN = 60


class Screen:
    """What a terminal shows: lines of characters, and where the next one goes."""

    def __init__(self, columns, lines):
        self.second = False  # whether the program's own screen is shown
        self.left = b""
        self.resize(columns, lines)

    def resize(self, columns, lines):
        self.columns, self.n = columns, lines
        self.clear()

    def clear(self):
        self.lines = [[" "] * self.columns for _ in range(self.n)]
        self.x = self.y = 0
        self.top, self.bottom = 0, self.n - 1
        self.last = " "

    def text(self):
        return ["".join(line).rstrip() for line in self.lines]

    def feed(self, data):
        data, at = self.left + data, 0
        while at < len(data):
            if data[at:at + 1] == b"\033":
                found = SEQUENCE.match(data, at)
                if not found:
                    if len(data) - at > 64:
                        raise ValueError(f"what is {data[at:at + 16]!r}?")
                    break
                self.obey(found)
                at = found.end()
            else:
                self.put(chr(data[at]))
                at += 1
        self.left = data[at:]

    def put(self, char):
        if char == "\r":
            self.x = 0
        elif char == "\n":
            self.down()
        elif char == "\b":
            self.x = max(self.x - 1, 0)
        elif char >= " ":
            if self.x == self.columns:
                self.x = 0
                self.down()
            self.lines[self.y][self.x] = self.last = char
            self.x += 1

    def down(self):
        if self.y == self.bottom:
            self.scroll(self.top, 1)
        else:
            self.y = min(self.y + 1, self.n - 1)

    def scroll(self, at, count):
        """Takes lines out at `at`, or puts empty ones there, within the region."""
        for _ in range(abs(count)):
            del self.lines[at if count > 0 else self.bottom]
            self.lines.insert(self.bottom if count > 0 else at, [" "] * self.columns)

    def obey(self, found):
        private, numbers, what = found[1], found[2], (found[3] or b"").decode()
        args = [int(number) if number else 0 for number in (numbers or b"").split(b";")]
        one = max(args[0], 1)
        if found[5] == b"M" or (found[0][1:2] != b"[" and found[5] != b"M"):
            if found[5] == b"M":
                self.scroll(self.top, -1) if self.y == self.top else setattr(self, "y", self.y - 1)
        elif private:
            if args[0] == 1049:
                self.second = what == "h"
                self.clear()
        elif what in "Hf":
            self.y, self.x = min(one, self.n) - 1, min(max((args + [1])[1], 1), self.columns) - 1
        elif what == "G":
            self.x = min(one, self.columns) - 1
        elif what == "d":
            self.y = min(one, self.n) - 1
        elif what in "ABCD":
            self.y += {"A": -one, "B": one}.get(what, 0)
            self.x += {"C": one, "D": -one}.get(what, 0)
            self.y, self.x = min(max(self.y, 0), self.n - 1), min(max(self.x, 0), self.columns - 1)
        elif what == "J":
            if args[0] == 2:
                self.lines = [[" "] * self.columns for _ in range(self.n)]
            else:
                self.erase(self.y, self.x, self.columns)
                for y in range(self.y + 1, self.n):
                    self.erase(y, 0, self.columns)
        elif what == "K":
            self.erase(self.y, 0 if args[0] else self.x, self.x + 1 if args[0] == 1 else self.columns)
        elif what == "X":
            self.erase(self.y, self.x, min(self.x + one, self.columns))
        elif what == "b":
            for _ in range(one):
                self.put(self.last)
        elif what == "P":
            line = self.lines[self.y]
            self.lines[self.y] = line[:self.x] + line[self.x + one:] + [" "] * min(one, self.columns - self.x)
        elif what == "@":
            line = self.lines[self.y]
            self.lines[self.y] = (line[:self.x] + [" "] * one + line[self.x:])[:self.columns]
        elif what in "LM":
            self.scroll(self.y, one if what == "M" else -one)
        elif what == "r":
            self.top, self.bottom = one - 1, (args + [self.n])[1] - 1
            self.x = self.y = 0
        elif what not in "mhlt":
            raise ValueError(f"what is {found[0]!r}?")

    def erase(self, y, begin, end):
        self.lines[y][begin:end] = [" "] * (end - begin)


class Terminal:
    def __init__(self, command, columns, lines):
        self.screen = Screen(columns, lines)
        self.master, slave = pty.openpty()
        self.set_size(columns, lines)
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        environment = dict(os.environ, TERM=os.environ.get("TERMINAL", "xterm"))
        environment.pop("LINES", None)
        environment.pop("COLUMNS", None)
        self.child = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment,
                                      start_new_session=True,
                                      preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def set_size(self, columns, lines):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def read(self, seconds):
        if self.master is None:
            time.sleep(seconds)
        elif select.select([self.master], [], [], seconds)[0]:
            self.screen.feed(os.read(self.master, 65536))

    def until(self, done):
        end = time.monotonic() + WITHIN
        while not done():
            if time.monotonic() > end:
                return False
            self.read(0.1)
        return True

    def see(self, pattern):
        return self.until(lambda: any(re.search(pattern, line) for line in self.screen.text()))

    def see_not(self, pattern):
        return self.until(lambda: not any(re.search(pattern, line) for line in self.screen.text()))

    def keys(self, text):
        for name, sequence in KEYS.items():
            text = text.replace(name, sequence)
        os.write(self.master, text.encode().decode("unicode_escape").encode("latin-1"))
        return True

    def size(self, text):
        columns, lines = map(int, text.split("x"))
        self.screen.resize(columns, lines)
        self.set_size(columns, lines)
        return True

    def signal(self, name):
        self.child.send_signal(getattr(signal, name))
        return True

    def end(self, status):
        return self.until(lambda: self.child.poll() is not None) and self.child.returncode == int(status)

    def hang(self, _):
        os.close(self.slave)
        os.close(self.master)
        self.master = None
        return True

    def say(self, word):
        with open("said", "w", encoding="ascii") as pipe:
            print(word, file=pipe)
        return True

    def cooked(self, _):
        self.read(0.1)
        return termios.tcgetattr(self.slave) == self.before and not self.screen.second


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", default="80x24")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    columns, lines = map(int, arguments.size.split("x"))
    terminal = Terminal(arguments.command, columns, lines)
    steps = {"see": terminal.see, "not": terminal.see_not, "keys": terminal.keys, "size": terminal.size,
             "signal": terminal.signal, "end": terminal.end, "hang": terminal.hang, "say": terminal.say,
             "cooked": terminal.cooked}
    try:
        for line in sys.stdin:
            word, _, rest = line.strip("\n").strip().partition(" ")
            if word and not steps[word](rest):
                print(f"it did not come to: {line.strip()}", *terminal.screen.text(), sep="\n| ")
                return 1
    finally:
        if terminal.child.poll() is None:
            terminal.child.kill()
            terminal.child.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
