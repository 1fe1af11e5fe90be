"""webdriver.py - drives a browser by the W3C's WebDriver protocol, which is HTTP and JSON: chromedriver for Chromium,
geckodriver for Firefox.

A Driver is the program between, a Browser is a session of it: one browser with a profile of its own, which is in the
folder that the driver was given. Nobody else's files are read or written: HOME is there, too.
"""
import base64
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import urllib.error
import urllib.request

import processes

PATIENCE = 90  # seconds for one command: a busy machine starts a browser slowly
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # how the protocol marks an element

# As root there is no sandbox; without a screen there is no GPU. The rest keeps the browser from asking the network.
CHROMIUM = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
            "--password-store=basic", "--mute-audio"]


class WebDriverError(Exception):
    pass


class Driver:
    """`name` is chromedriver or geckodriver."""

    def __init__(self, name, folder):
        self.name = name
        self.folder = pathlib.Path(folder)
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        environment = {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": f"{folder}/.config",
                       "XDG_CACHE_HOME": f"{folder}/.cache"}
        self.process = subprocess.Popen([shutil.which(name), "--port=0"], env=environment, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.port = self._read_port()
        # What it says later must go somewhere.
        self.rest = threading.Thread(target=self.process.stdout.read, daemon=True)
        self.rest.start()

    def _read_port(self):
        said = []
        for line in self.process.stdout:
            said.append(line)
            found = re.search(r"successfully on port (\d+)|Listening on [\d.]+:(\d+)", line)
            if found:
                return int(found[1] or found[2])
        raise WebDriverError(f"{self.name} did not start: {''.join(said)}")

    def command(self, method, path, body=None):
        data = None if method != "POST" else json.dumps(body or {}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, method=method,
                                         headers={"Content-Type": "application/json"})
        try:
            with self.opener.open(request, timeout=PATIENCE) as reply:
                return json.load(reply)["value"]
        except urllib.error.HTTPError as error:
            raise WebDriverError(f"{path}: {error.read().decode(errors='replace')[:600]}") from None

    def close(self):
        self.process.terminate()
        self.process.wait()


def _capabilities(driver, profile, width, height):
    if driver.name == "geckodriver":
        options = {"args": ["-headless", f"--width={width}", f"--height={height}"]}
        return {"browserName": "firefox", "moz:firefoxOptions": options}
    arguments = [*CHROMIUM, f"--user-data-dir={profile}", f"--window-size={width},{height}"]
    return {"browserName": "chrome", "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"}}


class Browser:
    def __init__(self, driver, width=1400, height=1100):
        self.driver = driver
        self.profile = tempfile.mkdtemp(dir=driver.folder, prefix="profile-")
        wanted = _capabilities(driver, self.profile, width, height)
        session = driver.command("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.path = f"/session/{session['sessionId']}"
        self.capabilities = session["capabilities"]

    def command(self, method, path, body=None):
        return self.driver.command(method, self.path + path, body)

    def open(self, address):
        self.command("POST", "/url", {"url": address})

    def run(self, script, *arguments):
        """Runs the body of a function in the page. Returns what it returns."""
        return self.command("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def click(self, selector):
        found = self.command("POST", "/element", {"using": "css selector", "value": selector})
        self.command("POST", f"/element/{found[ELEMENT]}/click")

    def screenshot(self):
        """A PNG of what is to be seen."""
        return base64.b64decode(self.command("GET", "/screenshot"))

    def log(self):
        """What the console has said since the last call. Chromium only."""
        return self.command("POST", "/se/log", {"type": "browser"})

    def devtools(self, command, **parameters):
        """Chromium only."""
        return self.command("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def renderers(self):
        """The ids of its processes that draw pages. Chromium only."""
        # Those that a zygote has forked write their command line as one word.
        titles = {pid: " ".join(processes.words_of(pid)) for pid in processes.descendants(self.driver.process.pid)}
        mine = [pid for pid, title in titles.items() if f"--user-data-dir={self.profile}" in title]
        below = {child for pid in mine for child in processes.descendants(pid)}
        return [pid for pid in below if "--type=renderer" in titles.get(pid, "")]

    def close(self):
        self.command("DELETE", "")
