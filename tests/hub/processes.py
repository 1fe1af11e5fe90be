"""processes - who has started whom on this machine, and how to end one of them and no other."""
import contextlib
import os
import pathlib
import signal


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
