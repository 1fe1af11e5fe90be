#!/usr/bin/python3 -B
"""page.py BUILD [SHOTS] - what somebody sees who opens the hub's page: the test behind tests/run-hub-page.sh.

A hub with the synthetic camera and motion detection, and a browser without a screen. The page's canvases are read
pixel by pixel: they must change, their time code must tell the time, and the processor's must have its boxes. Then what
may happen to somebody who looks: the processor is stopped and started by its button, another browser that looks too
stops in mid-stream, the hub is killed and comes back, the room is dark, the screen is small.

Nothing is expected at a certain time. How many frames a second were shown is said, not asserted: that depends on the
machine. With a folder SHOTS the screenshots are kept there.

The browser is Chromium; most of it is looked at once more in Firefox, if it is installed.
"""
import base64
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

import checks
import firefox
import hubs
import time_code
from checks import check, contains, wait_for
from hubs import find
from webdriver import Browser, Driver

STREAMS = ("camera", "motion")
FRAMES = 100  # of each stream are to be shown, at least
OLD = 15  # seconds: a picture with a time code before that is not a live one

# Counts what the page draws, by the canvas.
COUNT = """
window.drawn = {};
const draw = CanvasRenderingContext2D.prototype.drawImage;
CanvasRenderingContext2D.prototype.drawImage = function (...all) {
	window.drawn[this.canvas.id] = (window.drawn[this.canvas.id] ?? 0) + 1;
	return draw.apply(this, all);
};
"""

# What a canvas shows: the strip of the time code, a sum over all pixels, and how many have the colour of motion's
# boxes, about. It is looked at in a copy, so that the page's own canvas stays as it is.
LOOK = """
const canvas = document.getElementById(`picture-${arguments[0]}`), { width, height } = canvas;
const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
copy.drawImage(canvas, 0, 0);
const { data } = copy.getImageData(0, 0, width, height);
const cell = Math.max(4, Math.floor(width / 80));
let sum = 0, boxes = 0;
for (let i = 0; i < data.length; i += 4) {
	const [red, green, blue] = [data[i], data[i + 1], data[i + 2]];
	sum = (Math.imul(sum, 31) + (red << 16 | green << 8 | blue)) | 0;
	boxes += green > 190 && red < 130 && blue > 60 && blue < 160;
}
const strip = data.subarray(data.length - 4 * width * cell);
let text = "";
for (let i = 0; i < strip.length; i += 4096)
	text += String.fromCharCode(...strip.subarray(i, i + 4096));
return { width, height, sum, boxes, strip: btoa(text) };
"""

STATE = """
const card = document.querySelector(`[data-stream="${arguments[0]}"]`);
return { ...card.dataset, badge: card.querySelector(".badge").textContent,
	button: card.querySelector(".toggle").textContent, drawn: window.drawn?.[`picture-${arguments[0]}`] ?? 0 };
"""

# How far the page can be scrolled sideways; whether a card is within the screen's width.
WIDTHS = """
const { scrollWidth, clientWidth } = document.documentElement;
const card = document.querySelector(".stream").getBoundingClientRect();
return { over: scrollWidth - clientWidth, card: card.left >= 0 && card.right <= clientWidth && card.width > 0 };
"""

# All that a card's details say of frames that were dropped: of the stream, and of each of its readers.
DROPPED = """
const details = document.querySelector(`[data-stream="${arguments[0]}"] details`);
details.open = true;
const figures = [...details.querySelectorAll('[data-list="inner"] div')];
const inner = figures.find((one) => one.textContent.startsWith("Dropped"));
const rows = [...details.querySelectorAll('[data-table="readers"] tr')];
return [inner?.lastChild.textContent ?? "", ...rows.map((row) => row.cells[4]?.textContent ?? "")];
"""

LOST = "const lost = document.getElementById('lost'); return lost.hidden ? '' : lost.textContent;"


class Page:
    """A browser that shows the hub's page."""

    def __init__(self, browser, address):
        self.browser = browser
        browser.open(address)
        self.is_ready = wait_for(lambda: browser.run("return document.documentElement.dataset.ready === 'true'"))
        browser.run(COUNT)

    def state(self, stream):
        return self.browser.run(STATE, stream)

    def drawn(self, stream):
        return self.state(stream)["drawn"]

    def shows_more(self, stream, frames=1):
        """Whether so many more frames come to be drawn."""
        before = self.drawn(stream)
        return wait_for(lambda: self.drawn(stream) >= before + frames)

    def look(self, stream):
        return Look(self.browser.run(LOOK, stream))

    def lost(self):
        return self.browser.run(LOST)


class Look:
    """What a canvas showed at a moment, and what its time code says."""

    def __init__(self, seen):
        self.size = (seen["width"], seen["height"])
        self.sum, self.boxes = seen["sum"], seen["boxes"]
        self.at = time.time()
        self.code = time_code.read(base64.b64decode(seen["strip"]), self.size[0])

    def tells_the_time(self):
        return self.code is not None and self.at - OLD < self.code < self.at + 1

    def __str__(self):
        return f"{self.size}, sum {self.sum}, boxes {self.boxes}, code {self.code} at {self.at}"


def check_pictures(page, hub):
    for name in STREAMS:
        with check(f"{name}: frames come to be drawn"):
            assert page.shows_more(name), page.state(name)
        first = page.look(name)
        with check(f"{name}: more of them come"):
            assert page.shows_more(name, 10), page.state(name)
        second = page.look(name)
        both = f"{first}\n{second}"
        with check(f"{name}: its canvas has the size of its frames"):
            assert first.size == (1280, 720), both
        with check(f"{name}: its pixels change"):
            assert first.sum != second.sum, both
        with check(f"{name}: its time code tells the time"):
            assert first.tells_the_time() and second.tells_the_time(), both
        with check(f"{name}: its time code advances"):
            assert first.code and second.code and first.code < second.code, both
    has_boxes = wait_for(lambda: page.look("motion").boxes > 3 * page.look("camera").boxes + 500)
    with check("motion: it has boxes, which camera has not"):
        assert has_boxes, page.look("motion")
    best = 0.0
    for name in STREAMS:
        enough = wait_for(lambda: page.drawn(name) >= FRAMES)
        with check(f"{name}: {FRAMES} frames are shown"):
            assert enough, page.state(name)
        best = max(best, float(page.state(name)["fps"]))
        checks.note(f"{name}: {page.state(name)}")
    with check("the page says how many frames it shows a second"):
        assert best > 0
    check_hub(hub)


def check_hub(hub):
    """What the hub says of the same."""
    status = hub.status()
    for name in STREAMS:
        stream = find(status, name)
        lost = [reader for reader in stream["readers"] if reader["dropped"] > 0]
        with check(f"{name}: the hub has dropped nothing"):
            assert stream["dropped"] == 0 and not lost, stream
        with check(f"{name}: the hub knows who looks"):
            assert len(stream["viewers"]) == 1, stream["viewers"]
    with check("no frame was torn"):
        assert status["torn"] == 0, status["torn"]


def check_console(page):
    said = [entry for entry in page.browser.log() if entry["level"] != "INFO"]
    with check("the console has nothing to complain about"):
        assert not said, said


def check_button(page, hub):
    def badge(word):
        return wait_for(lambda: page.state("motion")["badge"] == word)

    page.browser.click('[data-stream="motion"] .toggle')
    with check("a processor is stopped by its button"):
        assert badge("stopped"), page.state("motion")
    with check("the hub knows"):
        assert not hub.stream("motion")["running"], hub.stream("motion")
    with check("the camera goes on"):
        assert page.shows_more("camera", 10), page.state("camera")
    with check("the button says how to start it"):
        assert page.state("motion")["button"] == "Start", page.state("motion")
    page.browser.click('[data-stream="motion"] .toggle')
    with check("and starts it"):
        assert badge("online"), page.state("motion")
    with check("its frames come again"):
        assert page.shows_more("motion", 10), page.state("motion")


def viewers(hub):
    return {viewer["name"]: viewer["sent"] for name in STREAMS for viewer in hub.stream(name)["viewers"]}


def sent_by_now(hub, names):
    return sum(sent for name, sent in viewers(hub).items() if name in names)


def check_stopped_browser(page, hub, driver):
    """Another one, whose processes are stopped in mid-stream: the hub waits for what it has been sent, and no more."""
    mine = set(viewers(hub))
    with contextlib.closing(Browser(driver)) as browser:
        other = Page(browser, hub.url)
        others = wait_for(lambda: len(new := set(viewers(hub)) - mine) == len(STREAMS) and new)
        with check("another browser looks, too"):
            assert others and other.shows_more("camera", 5), viewers(hub)
        stopped = browser.renderers()
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            check_the_first_goes_on(page, hub, others, bool(stopped))
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)
        with check("it goes on, too, when it can"):
            assert other.shows_more("camera", 5), other.state("camera")
    gone = wait_for(lambda: not set(viewers(hub)) & set(others))
    with check("when it is closed the hub knows"):
        assert gone, viewers(hub)


def check_the_first_goes_on(page, hub, others, is_stopped):
    last = [-1]

    def is_quiet():
        before, last[0] = last[0], sent_by_now(hub, others)
        return before == last[0]

    with check("it is stopped, and the hub sends it no more"):
        assert is_stopped and wait_for(is_quiet, pause=0.3), viewers(hub)
    for name in STREAMS:
        with check(f"{name}: the first browser shows more"):
            assert page.shows_more(name, 30), page.state(name)
    with check("while the other was sent nothing"):
        assert sent_by_now(hub, others) == last[0], viewers(hub)


def check_other_looks(page, shots):
    """Screenshots in the dark and on a small screen: not blank, and of the right brightness."""
    browser = page.browser
    for scheme in ("light", "dark"):
        browser.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        for place, (width, height, mobile) in {"desk": (1400, 1100, False), "phone": (390, 844, True)}.items():
            browser.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                             mobile=mobile)
            check_shot(page, shots / f"{place}-{scheme}.png", scheme == "dark", f"{scheme}, {place}")
    browser.devtools("Emulation.clearDeviceMetricsOverride")
    browser.devtools("Emulation.setEmulatedMedia", features=[])
    shown = all(page.shows_more(name, 5) for name in STREAMS)
    with check("back on the large screen both streams are shown"):
        assert shown, [page.state(name) for name in STREAMS]


def check_shot(page, file, is_dark, name):
    with check(f"{name}: frames come to be drawn"):
        assert page.shows_more("camera", 5), page.state("camera")
    file.write_bytes(page.browser.screenshot())
    pixels, size = small(file)
    colours = len({pixels[i : i + 3] for i in range(0, len(pixels), 3)})
    corner = sum(pixels[-3:]) / 3  # the lower right one is the page's ground
    with check(f"{name}: a picture of it is not blank"):
        assert colours > 200, f"{colours} colours of {size} pixels"
    with check(f"{name}: its ground is {'dark' if is_dark else 'bright'}"):
        assert (corner < 100) == is_dark, corner
    widths = page.browser.run(WIDTHS)
    with check(f"{name}: nothing hangs over the edge"):
        assert widths["over"] <= 0 and widths["card"], widths


def small(file):
    """The pixels of a picture, made smaller: RGB."""
    words = ["ffmpeg", "-v", "error", "-i", file, "-vf", "scale=iw/4:ih/4", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    pixels = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout
    return pixels, len(pixels) // 3


def check_return(page, hub, start):
    """Kills the hub, and starts another one at the same address. Returns that one."""
    hub.kill()
    with check("a hub that is killed is missed"):
        assert "lost" in wait_for(page.lost), page.lost()
    is_unknown = wait_for(lambda: page.state("camera")["badge"] == "unknown")
    with check("what was known of its streams counts no more"):
        assert is_unknown, page.state("camera")
    hub = start(port=hub.port)
    with check("when it is there again the page finds it"):
        assert wait_for(lambda: not page.lost()), page.lost()
    for name in STREAMS:
        with check(f"{name}: frames come again"):
            assert page.shows_more(name, 10), page.state(name)
    looks = [page.look(name) for name in STREAMS]
    with check("with the right time"):
        assert all(look.tells_the_time() for look in looks), [str(look) for look in looks]
    return hub


def check_console_at_the_end(page):
    """While the hub was away connections failed, which browsers say. A planted violation shows that the log has what it
    should."""
    away = re.compile(r"ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|WebSocket connection to|Failed to load resource")
    said = [entry for entry in page.browser.log() if entry["level"] != "INFO" and not away.search(entry["message"])]
    with check("the console has nothing else to complain about"):
        assert not said, said
    page.browser.run("document.body.append(Object.assign(document.createElement('script'), { textContent: '1' }))")
    planted = wait_for(lambda: [one for one in page.browser.log() if "Content Security Policy" in one["message"]])
    with check("a script that was smuggled in would be seen"):
        assert planted


def check_dropped(page):
    """What the page says of it."""
    for name in STREAMS:
        said = []

        def look():
            said[:] = page.browser.run(DROPPED, name)
            return len(said) > 1

        with check(f"{name}: the page says that nothing was dropped"):
            assert wait_for(look) and set(said) == {"0"}, said


def check_multipart(browser, hub):
    """What a browser shows of /mjpeg by itself. Such a page is never complete; until its first image is there, the page
    before it may just be going away, and then Firefox has nothing to make a picture of."""
    browser.open(f"{hub.url}mjpeg/camera", until="none")
    shots = [None]

    def is_moving():
        if browser.run("return document.images[0]?.naturalWidth") != 1280:
            return False
        shots.append(browser.screenshot())
        return len(set(shots[-3:])) == 3

    with check("/mjpeg is shown, and moves"):
        assert wait_for(is_moving), len(shots)


def check_firefox(hub, start, shots):
    """Most of it once more. Returns the hub, which is another one."""
    if not firefox.program():
        checks.skip("Firefox shows the page", "it is not installed (apt-get install firefox-esr)")
        return hub
    for name in STREAMS:
        hub.watched(name)
    for scheme in ("light", "dark"):
        is_dark = scheme == "dark"
        with contextlib.closing(firefox.Firefox(is_dark)) as browser:
            page = Page(browser, hub.url)
            with check("the page is ready"):
                assert page.is_ready
            if is_dark:
                hub = check_return(page, hub, start)
            else:
                checks.note(f"{browser.capabilities['browserName']} {browser.capabilities['browserVersion']}")
                check_pictures(page, hub)
                check_button(page, hub)
                check_console(page)
            for place, size in {"desk": (1400, 1100), "phone": (390, 844)}.items():
                browser.resize(*size)
                check_shot(page, shots / f"firefox-{place}-{scheme}.png", is_dark, f"{scheme}, {place}")
            if not is_dark:
                check_dropped(page)
                check_multipart(browser, hub)
    return hub


def check_chromium(hub, start, shots):
    """Returns the hub, which is another one."""
    with contextlib.ExitStack() as stack:
        driver = stack.enter_context(contextlib.closing(Driver("chromedriver", hubs.folder())))
        page = Page(stack.enter_context(contextlib.closing(Browser(driver))), hub.url)
        checks.note(f"{page.browser.capabilities['browserName']} {page.browser.capabilities['browserVersion']}")
        with check("the page is ready"):
            assert page.is_ready
        check_pictures(page, hub)
        check_button(page, hub)
        check_stopped_browser(page, hub, driver)
        check_other_looks(page, shots)
        check_console(page)
        hub = check_return(page, hub, start)
        check_console_at_the_end(page)
    return hub


def main(shots=None):
    shots = pathlib.Path(shots or hubs.folder())
    runtime = hubs.folder()

    def start(port=0):
        return hubs.Hub("--verify", listen=f"127.0.0.1:{port}", runtime=runtime)

    hub = check_chromium(start(), start, shots)
    with checks.group("Firefox"):
        hub = check_firefox(hub, start, shots)
    with check("the hub ends well"):
        contains(hub.end(), "torn: 0")
    return checks.end()


sys.exit(main(*sys.argv[2:]))
