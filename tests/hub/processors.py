"""processors - what is done with frames in a hub: by threads, by processes, by plug-ins and outside programs; and crashes."""
import os
import pathlib
import re
import signal
import subprocess
import sys

import frames
import hubs
import sockets
from checks import PATIENCE, await_, check, contains, end, equal

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CAMERA = "--source", "camera=synthetic:640x360@25"
LINKED = ROOT / "include"


def program(text):
    """A script as an outside program: its path."""
    path = hubs.folder() / "program"
    path.write_text("#!/bin/sh\n" + text, encoding="ascii")
    path.chmod(0o755)
    return path


def is_gone(pid):
    """Whether there is no such process any more, or it is only to be waited for."""
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return True
    return state in "ZX"


def boxes(results, width, height):
    """Those that motion has found, each within the picture."""
    found = [tuple(map(int, results[f"box{i}"].split(","))) for i in range(int(results["boxes"]))
             if f"box{i}" in results]
    for x, y, wide, high in found:
        assert 0 <= x < x + wide <= width and 0 <= y < y + high <= height, found
    return found


def within(hub):
    with check("motion finds boxes around what moves"):
        for _ in range(3):
            hub.await_stream("motion", "boxes", lambda stream: boxes(stream["results"], 640, 360)
                             if "boxes" in stream["results"] else False)
    with check("and shows them in pictures of the same size"):
        with sockets.Socket(hub, "/out/motion?every=16") as viewer:
            message = viewer.frames(3)[-1]
            equal((message.width, message.height), (640, 360))
            equal(frames.decode(message.data)[1:], (640, 360))
    with check("histogram says results, too, and edges shows pictures"):
        hub.await_stream("histogram", "results", lambda stream: stream["results"])
        hub.await_frames("edges", 3)
        equal(frames.decode(hub.get("/jpeg/edges").body)[1:], (640, 360))
    with check("a processor may have another one's pictures"):
        equal(hub.await_frames("chained", 3)["of"], "motion")
    with check("each has the names of what it reads"):
        readers = {reader["name"] for reader in hub.stream("camera")["readers"]}
        assert {"motion", "histogram", "edges"} <= readers, readers
    with check("they run"):
        for name in "motion", "histogram", "edges", "chained":
            stream = hub.stream(name)
            equal((stream["running"], stream["wanted"], stream["isolated"], stream["error"], stream["failed"]),
                  (True, True, False, None, 0), name)


def stopping(hub, name, isolated):
    kind = "isolated" if isolated else "within the hub"
    with check(f"a processor {kind} is stopped"):
        equal(hub.post(f"/processors/{name}/stop").status, 204)
        stream = hub.await_stream(name, "it rests", lambda stream: not stream["running"] and not stream["online"])
        equal((stream["wanted"], stream["error"]), (False, stream["last_error"]))
        hub.await_stream("camera", "it reads no more", lambda stream: not any(
            reader["name"].startswith(name) for reader in stream["readers"]))
        # The picture that says so is its last, and comes a little after the status has said it.
        with sockets.Socket(hub, f"/out/{name}") as viewer:
            while not viewer.frame().flags & frames.SYNTHETIC:
                pass
        before = hub.stream(name)["frames"]
        hub.await_frames("camera", 10)
        equal(hub.stream(name)["frames"], before)
    with check("its picture says that there is no signal"):
        equal(hub.get(f"/jpeg/{name}").headers["x-online"], "false")
    with check("stopping it again changes nothing"):
        equal(hub.post(f"/processors/{name}/stop").status, 204)
        equal(hub.stream(name)["running"], False)
    with check("started, it goes on"):
        equal(hub.post(f"/processors/{name}/start").status, 204)
        equal(hub.post(f"/processors/{name}/start").status, 204)
        stream = hub.await_stream(name, "it runs", lambda stream: (
            stream["running"] and stream["online"] and stream["frames"] > before + 5))
        equal((stream["wanted"], stream["error"]), (True, None))
    with check("started and stopped many times it does what was said last"):
        for _ in range(20):
            hub.post(f"/processors/{name}/stop")
            hub.post(f"/processors/{name}/start")
        hub.await_stream(name, "it runs", lambda stream: stream["running"] and stream["online"])


def crashing():
    arguments = "--isolated", "boom=camera:crash", "--isolated", "alone=camera:motion", "--processor", "motion"
    with hubs.Hub(*CAMERA, *arguments, "--verify") as hub:
        with check("an isolated one finds boxes, too, in a process of its own"):
            stream = hub.await_stream("alone", "boxes", lambda stream: stream["results"].get("boxes", "0") != "0")
            equal((stream["isolated"], stream["what"]), (True, "motion"))
            assert boxes(stream["results"], 640, 360) is not None
            hub.await_frames("alone", 3)
            pids = {reader["name"]: reader["process"] for reader in hub.stream("camera")["readers"]}
            assert pids["motion"] == hub.process.pid != pids["alone.out"], pids
        with check("one that crashes is started again, while others have every frame"):
            with sockets.Socket(hub, "/out/camera?every=128") as viewer:
                taken = [viewer.frame()]

                def look():
                    taken.append(viewer.frame())
                    stream = hub.stream("boom")
                    return stream["restarts"] >= 3, (stream["restarts"], stream["last_error"])

                await_("three restarts", look)
                contains(hub.stream("boom")["last_error"], "it was killed by signal")
                equal([message.sequence for message in taken],
                      list(range(taken[0].sequence, taken[0].sequence + len(taken))))
            equal([hub.stream(name)["restarts"] for name in ("camera", "motion", "alone")], [0, 0, 0])
        with check("one that is killed from outside is started again, and finds boxes again"):
            os.kill(pids["alone.out"], signal.SIGKILL)
            hub.await_stream("alone", "a restart", lambda stream: stream["restarts"] == 1 and stream["running"])
            hub.await_frames("alone", 5)
            contains(hub.stream("alone")["last_error"], "signal 9")
        stopping(hub, "alone", True)
        with check("nothing was torn"):
            equal(hub.status()["torn"], 0)
        with check("when the hub ends, so do its processes"):
            pids = {reader["process"] for reader in hub.stream("camera")["readers"]} - {hub.process.pid}
            assert pids
            hub.end()
            assert all(map(is_gone, pids)), pids


def outside():
    brightness = hubs.BUILD / "examples" / "hub_brightness"
    talker = program('echo "first=1"; echo "second = two words"; echo "noise"; echo "=empty key"; echo "bad key=1"\n'
                     'echo "a.b-c_D9=$FAIRLEAD_INPUT,$FAIRLEAD_OUTPUT"; head -c 100000 /dev/zero | tr "\\0" x; echo\n'
                     'printf "long="; head -c 3000 /dev/zero | tr "\\0" y; echo; printf "bytes=\\377\\376\\n"\n'
                     'for i in 1 2 3 4 5 6 7 8 9; do for j in 1 2 3 4 5; do echo "k$i$j=$j"; done; done\n'
                     'exec sleep 1000\n')
    replacing = program('echo "old=1"; echo; echo "new=1"; echo "both=2"; echo; sleep 1000\n')
    stubborn = program('trap "" TERM; echo "pid=$$"; sleep 1000 & echo "child=$!"; while :; do sleep 1; done\n')
    ends = program("echo done=1; exit 3\n")
    with hubs.Hub(*CAMERA, "--exec", f"brightness=camera:{brightness}", "--exec", f"talker={talker}",
                  "--exec", f"replacing=camera:{replacing}", "--exec", f"stubborn={stubborn}", "--exec", f"ends={ends}",
                  "--exec", "missing=/not/there/at-all", "--exec", "quiet=cat") as hub:
        with check("an outside program says how bright the pictures are"):
            stream = hub.await_stream("brightness", "a result", lambda stream: "mean" in stream["results"])
            equal((stream["isolated"], stream["running"], stream["what"]), (True, True, str(brightness)))
            shown = frames.mean_color(frames.decode(hub.get("/jpeg/camera").body)[0])
            assert abs(float(stream["results"]["mean"]) - sum(shown) / 3) < 12, (stream["results"], shown)
        with check("what a program prints is taken as far as it is a result"):
            results = hub.await_stream("talker", "many results", lambda stream: len(
                stream["results"]) == 32)["results"]
            equal((results["first"], results["a.b-c_D9"]), ("1", "camera,talker.out"))
            assert not {"", "bad key", "noise", "second "} & set(results), results
            assert set(results["long"]) == {"y"} and 0 < len(results["long"]) < 3000
        with check("an empty line says that these are all there are"):
            stream = hub.await_stream("replacing", "the new ones", lambda stream: "both" in stream["results"])
            equal(stream["results"], {"new": "1", "both": "2"})
        with check("a program that ends is started again, and its status is said"):
            stream = hub.await_stream("ends", "restarts", lambda stream: stream["restarts"] >= 2)
            contains(stream["last_error"], "it ended with status 3")
        with check("one that is not there is said"):
            stream = hub.await_stream("missing", "an error", lambda stream: stream["last_error"])
            contains(stream["last_error"], "it ended with status 127")
        with check("one that does not heed SIGTERM is killed, and what it has started"):
            results = hub.await_stream("stubborn", "its pids", lambda stream: "child" in stream["results"])["results"]
            pids = int(results["pid"]), int(results["child"])
            equal(hub.post("/processors/stubborn/stop").status, 204)
            hub.await_stream("stubborn", "it rests", lambda stream: not stream["running"])
            await_("both are gone", lambda: all(map(is_gone, pids)))
        with check("it can be started again"):
            equal(hub.post("/processors/stubborn/start").status, 204)
            results = hub.await_stream("stubborn", "another pid", lambda stream: (
                stream["running"] and stream["results"].get("pid") not in (None, str(pids[0]))))["results"]
        with check("the hub does not wait for it at its end"):
            hub.end()
            assert is_gone(int(results["pid"]))


def build_plugin(name, text, *options):
    folder = hubs.folder()
    (folder / f"{name}.c").write_text(text, encoding="utf-8")
    path = folder / f"{name}.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-g", "-I", LINKED, "-o", path, folder / f"{name}.c", *options], check=True)
    return path


def plugins():
    page = (ROOT / "docs" / "man" / "fl_processor.3.scd").read_text(encoding="utf-8")
    example = re.search(r"^# EXAMPLE$.*?^```\n(.*?)^```$", page, re.M | re.S)[1]
    mean = build_plugin("mean", example)
    with hubs.Hub(*CAMERA, "--processor", f"camera:{mean}", "--isolated", f"apart=camera:{mean}") as hub:
        for name in "mean", "apart":
            with check(f"the plug-in of the man page works: {name}"):
                stream = hub.await_stream(name, "a result", lambda stream: "mean" in stream["results"])
                shown = frames.mean_color(frames.decode(hub.get("/jpeg/camera").body)[0])
                assert abs(float(stream["results"]["mean"]) - sum(shown) / 3) < 12, (stream["results"], shown)
        with check("it is stopped and started"):
            hub.post("/processors/mean/stop")
            hub.await_stream("mean", "it rests", lambda stream: not stream["running"])
            hub.post("/processors/mean/start")
            hub.await_stream("mean", "it runs", lambda stream: stream["running"])
    plain = "#include <fairlead/processor.h>\n"
    bad = {
        "no_start": (plain + "static int start(void **s) { (void)s; return -5; }\n"
                     "static int process(void *s, const fl_frame *f, const fl_processor_host *h)\n"
                     "{ (void)s; (void)f; (void)h; return 0; }\n"
                     "const fl_processor fl_processor_plugin = {.version = FL_PROCESSOR_VERSION, .name = \"x\",\n"
                     ".summary = \"x\", .start = start, .process = process};\n"),
        "failing": (plain + "static int process(void *s, const fl_frame *f, const fl_processor_host *h)\n"
                    "{ (void)s; (void)f; (void)h; return -22; }\n"
                    "const fl_processor fl_processor_plugin = {.version = FL_PROCESSOR_VERSION, .name = \"x\",\n"
                    ".summary = \"x\", .process = process};\n"),
    }
    paths = {name: build_plugin(name, text) for name, text in bad.items()}
    with hubs.Hub(*CAMERA, "--processor", f"camera:{paths['no_start']}", "--processor", f"camera:{paths['failing']}") as hub:
        with check("one that does not start is said, and tried again"):
            stream = hub.await_stream("no_start", "restarts", lambda stream: stream["restarts"] >= 1)
            contains(stream["last_error"], "Input/output error")
        with check("frames that fail are counted"):
            stream = hub.await_stream("failing", "failures", lambda stream: stream["failed"] > 3)
            contains(stream["last_error"], "a frame failed")
            equal((stream["running"], stream["restarts"]), (True, 0))
    refused(bad["failing"])


def refused(good):
    text = hubs.folder() / "text.so"
    text.write_text("this is no library", encoding="ascii")
    cases = {
        "nonsense": "nonsense",
        "/not/there.so": "/not/there.so",
        str(text): "text.so",
        str(build_plugin("without", "int x;\n")): "fl_processor_plugin",
        str(build_plugin("older", good.replace("FL_PROCESSOR_VERSION", "99"))): "version",
        str(build_plugin("idle", good.replace(".process = process", ".process = 0").replace("static int", "int"))): "",
    }
    for what, words in cases.items():
        for option in "--processor", "--isolated":
            with check(f"{option} {pathlib.Path(what).name} is refused"):
                status, out, said = hubs.run("hub", "--listen", ":0", *CAMERA, option, f"p=camera:{what}")
                assert status in (1, 2), (status, said)
                equal(out, "")
                contains(said, words)
    with check("what needs channels is refused without them"):
        status, _, said = hubs.run("hub", "--listen", ":0", *CAMERA, "--channels", "no", "--isolated", "camera:motion")
        equal(status, 1)
        contains(said, "a process of its own needs channels")


def main():
    with hubs.Hub(*CAMERA, "--processor", "motion", "--processor", "camera:histogram", "--processor", "camera:edges",
                  "--processor", "chained=motion:edges") as hub:
        within(hub)
        stopping(hub, "motion", False)
    crashing()
    outside()
    plugins()
    return end()


sys.exit(main())
