import json
import os
import time
import unittest
from pathlib import Path

from odoo.tests.common import ChromeBrowser, ChromeBrowserException

# Where axe-core is, see `dev/environment/provision.py`.
AXE = os.environ.get("LEAD_INVOICING_AXE")
needs_axe = unittest.skipUnless(
    AXE, "axe-core is not there: LEAD_INVOICING_AXE is unset"
)

WIDTHS = {"desktop": (1280, 800), "phone": (390, 844)}
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
# What keeps people from using a page.
IMPACTS = ("serious", "critical")
# The conversation below an invoice is Odoo's.
FOREIGN = ("#invoice_communication",)

# Does axe-core find anything in what is ours?
FIND = """
    axe.run(
        {exclude: %(foreign)s},
        {
            runOnly: {type: "tag", values: %(rules)s},
            resultTypes: ["violations"],
            iframes: false,
        }
    ).then(found => JSON.stringify({
        checked: found.passes.length + found.violations.length,
        violations: found.violations.map(rule => ({
            id: rule.id,
            impact: rule.impact,
            help: rule.help,
            nodes: rule.nodes.map(node => node.html.slice(0, 200)),
        })),
    }))
"""


class BrowserCommon:
    """A browser that does as it is told, for tests of Odoo's `HttpCase`: pages at any
    width, the keys of a keyboard, and axe-core."""

    KEYS = {"Tab": 9, "Enter": 13, " ": 32}

    def setUp(self):
        super().setUp()
        self.browser = ChromeBrowser(self)
        self.addCleanup(self.browser.stop)

    def open_in_browser(self, path):
        self.browser.navigate_to(f"{self.base_url()}{path}", wait_stop=True)
        self.wait_for("document.readyState === 'complete'")

    def resize(self, size):
        width, height = WIDTHS[size]
        self.browser._websocket_request(
            "Emulation.setDeviceMetricsOverride",
            params={
                "width": width,
                "height": height,
                "deviceScaleFactor": 1,
                "mobile": size == "phone",
            },
        )

    def press(self, key):
        values = {
            "key": key,
            "code": "Space" if key == " " else key,
            "windowsVirtualKeyCode": self.KEYS[key],
        }
        # What a key writes, or what it does to a button.
        text = {"Enter": "\r", " ": " "}.get(key)
        down = {"type": "keyDown", "text": text} if text else {"type": "rawKeyDown"}
        for event in (down, {"type": "keyUp"}):
            self.browser._websocket_request(
                "Input.dispatchKeyEvent", params={**values, **event}
            )

    def evaluate(self, expression, timeout=60, **options):
        answer = self.browser._websocket_request(
            "Runtime.evaluate",
            params={"expression": expression, "returnByValue": True, **options},
            timeout=timeout,
        )
        if error := answer.get("exceptionDetails"):
            self.fail(f"{error}: {expression[:100]}")
        return answer["result"].get("value")

    def wait_for(self, expression):
        deadline = time.monotonic() + 60
        while not self.is_true(expression):
            self.assertLess(time.monotonic(), deadline, expression)
            time.sleep(0.1)

    def is_true(self, expression):
        try:
            return self.evaluate(expression)
        except ChromeBrowserException:
            # The page that was asked has just been left.
            return False

    def get_focus(self):
        """Return the name, label or text of what has the focus, which must show."""
        # In a field for a date, it is on one of the parts within.
        self.assertTrue(
            self.evaluate(
                "document.activeElement.matches("
                "':focus-visible, [type=date]:focus-within')"
            ),
            self.evaluate("document.activeElement.outerHTML"),
        )
        return self.evaluate(
            "(element => element.name || element.ariaLabel || element.innerText.trim())"
            "(document.activeElement)"
        )

    def find_obstacles(self):
        """Return what axe-core finds on the page that keeps people from using it."""
        self.evaluate(f"{Path(AXE).read_text()}; undefined")
        find = FIND % {"foreign": json.dumps(FOREIGN), "rules": json.dumps(RULES)}
        found = json.loads(self.evaluate(find, timeout=120, awaitPromise=True))
        # It looked at something.
        self.assertGreater(found["checked"], 5)
        return [rule for rule in found["violations"] if rule["impact"] in IMPACTS]

    def assert_pages_are_accessible(self, login, pages):
        """Ask axe-core about pages, on a screen and on a phone.

        :param login: of the portal user that looks at them
        :param pages: {what is seen: path}
        """
        with self.allow_requests(browser=self.browser):
            self.authenticate(login, login, browser=self.browser)
            for size in WIDTHS:
                self.resize(size)
                for name, path in pages.items():
                    with self.subTest(page=name, size=size):
                        self.open_in_browser(path)
                        # What is folded away is read, too.
                        self.evaluate(
                            "document.querySelectorAll('main details')"
                            ".forEach(part => { part.open = true; })"
                        )
                        self.assertEqual(self.find_obstacles(), [])
