"""Pictures of a running Odoo, taken by headless Chromium over its DevTools protocol.

Run by the Python of Odoo, which has websocket-client, see
`dev/commands/screenshots.py`.
"""

import argparse
import base64
import contextlib
import http.cookiejar
import json
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

import websocket

SIZES = {"desktop": (1280, 800), "phone": (390, 844)}

# As root, and without a network to look anything up in.
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
    "--remote-allow-origins=*",
    "about:blank",
]

# The page is loaded, Odoo shows what was asked for, and nothing is being fetched.
READY = """
    document.readyState === "complete"
    && (!document.querySelector(".o_web_client")
        || document.querySelector(".o_action_manager > *, .modal") !== null)
    && document.querySelector(".o_loading_indicator, .o_blockUI") === null
    && Array.from(document.images).every(image => image.complete)
"""


class Browser:
    """A tab of a headless Chromium with an empty profile."""

    def __init__(self, program, profile):
        self.process = subprocess.Popen(
            [program, f"--user-data-dir={profile}", *FLAGS],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        port = self._wait_for_port(Path(profile) / "DevToolsActivePort")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
            pages = [page for page in json.load(answer) if page["type"] == "page"]
        self.socket = websocket.create_connection(
            pages[0]["webSocketDebuggerUrl"], timeout=60
        )
        self.number = 0
        self.call("Page.enable")

    @staticmethod
    def _wait_for_port(file):
        for _attempt in range(300):
            with contextlib.suppress(OSError, IndexError):
                return int(file.read_text().split()[0])
            time.sleep(0.1)
        raise SystemExit("Chromium did not start.")

    def call(self, method, **parameters):
        """Send a command and return its answer, passing over events."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        self.socket.send(json.dumps(message))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise SystemExit(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def evaluate(self, expression):
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True
        )
        return answer["result"].get("value")

    def resize(self, size):
        width, height = SIZES[size]
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=size == "phone",
        )

    def open(self, url):
        # From an empty page, so that the last one is not taken for the new one.
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=url)
        deadline = time.monotonic() + 60
        while not (self.evaluate("location.href") != "about:blank" and self.ready()):
            if time.monotonic() > deadline:
                raise SystemExit(f"{url} was not shown within a minute.")
            time.sleep(0.2)

    def ready(self):
        """Tell whether the page is complete, and still is half a second later."""
        if not self.evaluate(READY):
            return False
        time.sleep(0.5)
        return self.evaluate(READY)

    def picture(self, whole):
        answer = self.call(
            "Page.captureScreenshot", format="png", captureBeyondViewport=whole
        )
        return base64.b64decode(answer["data"])

    def close(self):
        # Its helper processes, which still write into the profile, end with it.
        with contextlib.suppress(websocket.WebSocketException, OSError):
            self.call("Browser.close")
        self.socket.close()
        self.process.wait(20)


def login(base, database, user, password):
    """Log in and return the session's key."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    parameters = {"db": database, "login": user, "password": password}
    request = urllib.request.Request(
        f"{base}/web/session/authenticate",
        json.dumps({"jsonrpc": "2.0", "params": parameters}).encode(),
        {"Content-Type": "application/json"},
    )
    with opener.open(request) as answer:
        if "error" in json.load(answer):
            raise SystemExit(f"{base} does not let {user} in.")
    return next(cookie.value for cookie in jar if cookie.name == "session_id")


def main():
    options = parse()
    options.folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        contextlib.closing(Browser(options.chromium, profile)) as browser,
    ):
        if options.user:
            key = login(options.base, options.db, options.user, options.password)
            browser.call(
                "Network.setCookie", name="session_id", value=key, url=options.base
            )
        browser.resize(options.size)
        for page in options.pages:
            name, _equals, path = page.partition("=")
            browser.open(options.base + path)
            if options.script:
                browser.evaluate(options.script)
                time.sleep(1)
            file = options.folder / f"{name}.png"
            file.write_bytes(browser.picture(options.whole))
            print(file)


def parse():
    parser = argparse.ArgumentParser(
        prog="dev/start screenshots",
        description="Take pictures of a running Odoo, for example of bin/demo.",
    )
    add = parser.add_argument
    add("base", help="address of the server, for example http://127.0.0.1:8069")
    add("pages", nargs="+", metavar="NAME=PATH", help="file name and path of a page")
    add("--folder", type=Path, default=Path("."), help="where the pictures go")
    add("--size", choices=SIZES, default="desktop")
    add("--whole", action="store_true", help="the whole page, not what a screen shows")
    add("--script", help="JavaScript to run in the page before the picture")
    add("--db", default="lead_invoicing_demo")
    add("--user", default="admin", help="empty: nobody")
    add("--password", help="default: the user's name")
    add("--chromium", required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.password = options.password or options.user
    return options


if __name__ == "__main__":
    main()
