"""What a buyer does in the portal, in a real browser: by mouse, finger and keyboard."""

from odoo.tests import tagged

from .common.browser import BrowserCommon
from .common.tours import PortalTourCommon


@tagged("post_install", "-at_install")
class TestPortalTours(PortalTourCommon):
    def test_comes_home(self):
        self.start_tour("/web/login?redirect=/my", "lead_invoicing_buyer_comes_home")

    def test_reads_the_report(self):
        self.follow("reads_the_report")

    def test_checks_an_invoice(self):
        self.follow("checks_an_invoice", "/my/invoices")

    def test_is_told_what_is_wrong(self):
        self.follow("is_told", "/my/invoicing-report?date_from=yesterday")


@tagged("post_install", "-at_install")
class TestPortalPhoneTours(TestPortalTours):
    # Odoo's loader would leave out what is inherited.
    allow_inherited_tests_method = True

    browser_size = "390x844"
    touch_enabled = True


@tagged("post_install", "-at_install")
class TestPortalKeyboard(BrowserCommon, PortalTourCommon):
    """The keys are those of a keyboard, not events of a script."""

    def test_all_is_reached_in_order_and_used_by_keys(self):
        with self.allow_requests(browser=self.browser):
            self.authenticate("tour_buyer", "tour_buyer", browser=self.browser)
            url = f"{self.base_url()}/my/invoicing-report?date_from=2026-11-01"
            self.browser.navigate_to(
                f"{url}&lead_type_id={self.edu.id}", wait_stop=True
            )
            self.wait_for("document.readyState === 'complete'")
            found = []
            while "Show" not in found:
                self.press("Tab")
                name = self.get_focus()
                # The parts of a date are one field.
                if not found or found[-1] != name:
                    found.append(name)
                self.assertLess(len(found), 25, found)
            # After what every page of the portal begins with.
            self.assertEqual(
                found[found.index("Home") + 1 :],
                [
                    "Lead Account",
                    "lead_report_this_month",
                    "lead_report_last_month",
                    "lead_report_last_invoice",
                    "All types",
                    "Auto Insurance",
                    "Online Degree",
                    "date_from",
                    "date_to",
                    "transaction_type",
                    "billing",
                    "Show",
                ],
            )
            self.press("Tab")
            self.assertIn("Lead data to show", self.get_focus())
            self.press("Enter")
            self.wait_for("document.querySelector('details').open")
            self.press("Tab")
            self.press("Tab")
            self.assertEqual(self.evaluate("document.activeElement.value"), "email")
            self.press(" ")
            # From any field, Enter shows what is chosen.
            self.press("Enter")
            self.wait_for("location.search.includes('fields=first_name')")
            self.wait_for("!!document.querySelector('table[name=lead_report_table]')")
            head = self.evaluate("document.querySelector('thead').innerText")
            self.assertIn("First Name", head)
            self.assertNotIn("Email", head)
            # The table is scrolled by keys: it takes the focus.
            self.evaluate(
                "document.querySelector('a[name=lead_report_plain_csv]').focus()"
            )
            self.press("Tab")
            self.assertEqual(
                self.evaluate("document.activeElement.getAttribute('role')"), "region"
            )

    def test_from_the_home_to_an_invoice_and_back_by_keys(self):
        with self.allow_requests(browser=self.browser):
            self.authenticate("tour_buyer", "tour_buyer", browser=self.browser)
            self.open_in_browser("/my/leads")
            # First of all, past what every page begins with.
            self.press("Tab")
            self.assertEqual(self.get_focus(), "Skip to Content")
            found = []
            while "lead_home_invoices" not in found:
                self.press("Tab")
                found.append(self.get_focus())
                self.assertLess(len(found), 40, found)
            # What is owed is before what is coming, and that before the picture.
            links = [name for name in found if name.startswith("lead_home_")]
            places = [
                links.index(name) for name in ("lead_home_report", "lead_home_open_USD")
            ]
            self.assertEqual(places, sorted(places))
            self.assertLess(
                found.index("lead_home_open_USD"), found.index("The same as a table")
            )
            self.press("Tab")
            name = self.get_focus()
            self.assertIn("INV/", name)
            self.press("Enter")
            self.wait_for("!!document.querySelector('#invoice_content')")
            while self.evaluate("document.activeElement.name") != "lead_report":
                self.press("Tab")
            self.get_focus()
            self.press("Enter")
            self.wait_for("!!document.querySelector('table[name=lead_report_table]')")
            # And back by the steps above the page.
            self.press("Tab")
            while self.get_focus() != "Lead Account":
                self.press("Tab")
            self.press("Enter")
            self.wait_for("location.pathname === '/my/leads'")

    def test_everything_has_a_label(self):
        with self.allow_requests(browser=self.browser):
            self.authenticate("tour_buyer", "tour_buyer", browser=self.browser)
            self.browser.navigate_to(
                f"{self.base_url()}/my/invoicing-report", wait_stop=True
            )
            self.wait_for("document.readyState === 'complete'")
            tree = self.browser._websocket_request("Accessibility.getFullAXTree")
        unnamed = [
            node["role"]["value"]
            for node in tree["nodes"]
            if not node["ignored"]
            and node["role"]["value"]
            in ("button", "checkbox", "combobox", "Date", "link", "table")
            and not node.get("name", {}).get("value")
        ]
        self.assertEqual(unnamed, [])
