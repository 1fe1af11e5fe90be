"""tap.py - what the hub's tests in Python are written with: `check(name, passed, said)` is one test, `end()` prints the
plan and ends the program."""
import sys

_count = 0
_failures = 0


def check(name, passed, said=""):
    """Prints the line of one test. Returns whether it passed."""
    global _count, _failures
    _count += 1
    _failures += not passed
    print(f"{'ok' if passed else 'not ok'} {_count} - {name}")
    if not passed:
        for line in str(said).splitlines():
            print("#", line)
    sys.stdout.flush()
    return bool(passed)


def skip(name, why):
    global _count
    _count += 1
    print(f"ok {_count} - {name} # SKIP {why}", flush=True)


def note(text):
    print("#", text, flush=True)


def end():
    print(f"1..{_count}", flush=True)
    sys.exit(_failures > 0)
