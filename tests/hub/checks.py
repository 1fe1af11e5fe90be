"""checks - checks in Python that speak TAP, for the tests of the hub.

    with check("a wrong path is 404"):
        equal(hub.get("/nothing").status, 404)

is one test: it passes if the block ends without an exception; what went wrong is shown if it fails, and the next one goes
on. `await_(what, condition)` is how a test waits: it asks again and again, and fails with what it saw last when the
patience is over, which is long: a machine may be slow. `wait_for(condition)` is the same for who goes on in any case.
"""
import contextlib
import time
import traceback

PATIENCE = 60  # seconds, for what happens in far less
GLANCE = 0.01

_count = 0
_failures = 0
_group = ""


def _report(good, name):
    global _count, _failures
    _count += 1
    _failures += not good
    print(f"{'ok' if good else 'not ok'} {_count} - {_group}{name}", flush=True)


@contextlib.contextmanager
def check(name):
    try:
        yield
    except Exception:  # pylint: disable=broad-except # all that goes wrong in a test is its failure
        _report(False, name)
        for line in traceback.format_exc().splitlines():
            print(f"# {line[:1000]}", flush=True)
    else:
        _report(True, name)


@contextlib.contextmanager
def group(name):
    """What is checked in here is named after it, too."""
    global _group
    before, _group = _group, f"{_group}{name}: "
    try:
        yield
    finally:
        _group = before


def skip(name, why):
    """A test that can't be made here."""
    _report(True, f"{name} # SKIP {why}")


def note(text):
    print(f"# {text}", flush=True)


def end():
    """Prints the plan; returns an exit status."""
    print(f"1..{_count}", flush=True)
    return 0 if _count > 0 and _failures == 0 else 1


def equal(got, wanted, of=""):
    assert got == wanted, f"{of}: got {got!r}, not {wanted!r}"


def contains(got, part):
    assert part in got, f"{part!r} is not in {got!r}"


def fails(exception, call, *arguments, **named):
    """Returns the exception that the call ends with."""
    try:
        result = call(*arguments, **named)
    except exception as error:
        return error
    raise AssertionError(f"it did not fail, but returned {result!r}")


def wait_for(condition, patience=PATIENCE, pause=GLANCE):
    """Waits until condition() is true, but not longer than patience. Returns what it returned last."""
    deadline = time.monotonic() + patience
    while not (said := condition()) and time.monotonic() < deadline:
        time.sleep(pause)
    return said


def await_(what, condition, patience=PATIENCE):
    """Waits until condition() is true, and returns what it returned. What it returned last, or the pair (False, seen)
    if it returns that, is shown if it never is."""
    seen = None

    def look():
        nonlocal seen
        said = condition()
        good, seen = said if isinstance(said, tuple) else (said, said)
        return good

    assert wait_for(look, patience), f"not within {patience} s: {what}; seen last: {seen!r}"
    return seen
