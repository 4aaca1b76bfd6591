"""A portal user who downloads: logs in and measures what a server answers."""

import http.cookiejar
import re
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import namedtuple

from dev.environment.shell import Failure

Download = namedtuple("Download", "first total size tail growth")
Download.__doc__ = """Seconds to the first byte and in all, bytes, the last of them, and
by how many megabytes the server's memory grew meanwhile."""

_TOKEN = re.compile(r'csrf_token: "([^"]+)"|name="csrf_token" value="([^"]+)"')
_PIECE = 256 * 1024


class Browser:
    """One session with the server of an instance."""

    def __init__(self, instance, login, password):
        self.instance = instance
        jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(jar)
        )
        page = self._opener.open(f"{instance.url}/web/login").read().decode()
        token = next(filter(None, _TOKEN.search(page).groups()))
        form = {"csrf_token": token, "login": login, "password": password}
        self._opener.open(
            f"{instance.url}/web/login", urllib.parse.urlencode(form).encode()
        ).read()

    def get(self, path, **params):
        """Fetch a page or a file, throw it away and return what was measured."""
        before = self.instance.resident_mb()
        first, size, tail = None, 0, b""
        with _Peak(self.instance) as peak:
            started = time.monotonic()
            with self._ask(path, params) as answer:
                while piece := answer.read1(_PIECE):
                    first = first or time.monotonic() - started
                    size += len(piece)
                    tail = (tail + piece)[-1000:]
            total = time.monotonic() - started
        return Download(first, total, size, tail, peak.megabytes - before)

    def read(self, path, **params):
        """Fetch a page or a file and return it, as bytes."""
        with self._ask(path, params) as answer:
            return answer.read()

    def _ask(self, path, params):
        url = f"{self.instance.url}{path}?{urllib.parse.urlencode(params)}"
        try:
            return self._opener.open(url)
        except urllib.error.HTTPError as error:
            raise Failure(f"{url} answered {error.code}.") from None


class _Peak:
    """Watches the memory of a server."""

    def __init__(self, instance):
        self.instance = instance
        self.megabytes = instance.resident_mb()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._done.set()
        self._thread.join()

    def _watch(self):
        while not self._done.wait(0.05):
            self.megabytes = max(self.megabytes, self.instance.resident_mb())
