"""firefox.py - drives Firefox without a program between: it speaks WebDriver BiDi itself, which is JSON by WebSocket.
Debian has no geckodriver.

A Firefox is one with a profile of its own, in a folder of its own, with one tab. It can what webdriver.py's Browser can
that a look at a page needs. Nobody else's files are read or written: HOME is there, too.
"""
import base64
import json
import os
import re
import shutil
import subprocess
import threading

import websockets

import hubs
import sockets

PATIENCE = 90  # seconds for one command: a busy machine starts a browser slowly

# It asks nothing of the network, asks nobody anything, and shows no page of its own.
PREFERENCES = {
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.aboutwelcome.enabled": False,
    "browser.region.network.url": "",
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.search.update": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.push.connection.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.proxy.type": 0,
    "services.settings.server": "data:,",
    "toolkit.telemetry.server": "",
}
DARK, LIGHT = 0, 1  # of layout.css.prefers-color-scheme.content-override


class FirefoxError(Exception):
    pass


def program():
    """Where it is; None: it is not installed."""
    return shutil.which("firefox-esr") or shutil.which("firefox")


class Firefox:
    def __init__(self, is_dark=False, width=1400, height=1100):
        self.folder = hubs.folder()
        wanted = {**PREFERENCES, "layout.css.prefers-color-scheme.content-override": DARK if is_dark else LIGHT}
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in wanted.items()]
        (self.folder / "user.js").write_text("".join(lines))
        self.process = hubs.start(
            [program(), "--headless", "--no-remote", "--profile", self.folder, "--remote-debugging-port", "0"],
            self.folder, env={**os.environ, "HOME": str(self.folder), "XDG_RUNTIME_DIR": str(self.folder)},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        )
        address = self._read_address()
        # What it says later must go somewhere.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        connecting = websockets.connect(f"{address}/session", max_size=None, ping_interval=None)
        self.socket = sockets.wait(connecting, PATIENCE)
        self.sent = 0
        self.events = []
        self.capabilities = self.command("session.new", capabilities={})["capabilities"]
        self.command("session.subscribe", events=["log.entryAdded"])
        self.tab = self.command("browsingContext.getTree")["contexts"][0]["context"]
        self.resize(width, height)

    def _read_address(self):
        said = []
        for line in self.process.stdout:
            said.append(line)
            found = re.search(r"WebDriver BiDi listening on (ws://\S+)", line)
            if found:
                return found[1]
        raise FirefoxError(f"it did not start: {''.join(said)}")

    def command(self, method, **parameters):
        """Returns the result. What comes before that is an event."""
        self.sent += 1
        sockets.wait(self.socket.send(json.dumps({"id": self.sent, "method": method, "params": parameters})), PATIENCE)
        while True:
            said = json.loads(sockets.wait(self.socket.recv(), PATIENCE))
            if said.get("id") != self.sent:
                self.events.append(said)
            elif said["type"] == "success":
                return said["result"]
            else:
                raise FirefoxError(f"{method}: {said['error']}: {said['message'][:600]}")

    def open(self, address, until="complete"):
        self.command("browsingContext.navigate", context=self.tab, url=address, wait=until)

    def run(self, script, *arguments):
        """Runs the body of a function in the page. Returns what it returns."""
        function = f"(...all) => JSON.stringify((function () {{ {script} }}).apply(null, JSON.parse(all[0])) ?? null)"
        said = self.command(
            "script.callFunction", functionDeclaration=function, awaitPromise=False, target={"context": self.tab},
            arguments=[{"type": "string", "value": json.dumps(arguments)}])
        if said["type"] != "success":
            raise FirefoxError(f"{script}: {said['exceptionDetails']['text']}")
        return json.loads(said["result"]["value"])

    def resize(self, width, height):
        self.command("browsingContext.setViewport", context=self.tab, viewport={"width": width, "height": height})

    def click(self, selector):
        found = self.command("browsingContext.locateNodes", context=self.tab,
                             locator={"type": "css", "value": selector})["nodes"][0]
        origin = {"type": "element", "element": {"sharedId": found["sharedId"]}}
        actions = [{"type": "pointerMove", "x": 0, "y": 0, "origin": origin},
                   {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        self.command("input.performActions", context=self.tab,
                     actions=[{"type": "pointer", "id": "mouse", "actions": actions}])

    def screenshot(self):
        """A PNG of what is to be seen."""
        return base64.b64decode(self.command("browsingContext.captureScreenshot", context=self.tab)["data"])

    def log(self):
        """What the console has said since the last call."""
        self.command("session.status")
        said, self.events = self.events, []
        return [{"level": one["params"]["level"].upper(), "message": one["params"]["text"]}
                for one in said if one["method"] == "log.entryAdded"]

    def close(self):
        try:
            self.command("browser.close")
            sockets.wait(self.socket.close())
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.process.wait()
