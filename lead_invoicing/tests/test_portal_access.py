"""What axe-core finds on the buyer's pages: nothing that keeps people from using them
(WCAG 2.2 AA), on a screen and on a phone. And how they are printed."""

from freezegun import freeze_time

from odoo.tests import tagged

from .common.browser import BrowserCommon, needs_axe
from .common.generation import GENERATION, WEEK
from .common.tours import PortalTourCommon

REPORT = "/my/invoicing-report"


@needs_axe
@tagged("post_install", "-at_install")
class TestPortalAccess(BrowserCommon, PortalTourCommon):
    def setUp(self):
        super().setUp()
        self.new_sale(at="2026-11-11T12:00:00Z", lead_type="AUTO")
        # An invoice, and a credit note for what was returned of the week before.
        self.document = self.generate(GENERATION + WEEK).filtered(
            lambda move: move.move_type == "out_invoice"
        )
        self.dispute = self.env["lead.dispute"].create(
            {
                "move_id": self.document.id,
                "scope": "amount",
                "amount": 1,
                "reason": "Wrong",
            }
        )

    def test_account_and_invoices(self):
        self.assert_pages_are_accessible(
            "tour_buyer",
            {
                "portal": "/my",
                "home": "/my/leads",
                "invoices": "/my/leads/invoices",
                "no invoices": "/my/leads/invoices?status=credit",
                "statement": "/my/lead-statement",
                "statement, error": "/my/lead-statement?date_from=x",
                "an invoice": f"/my/invoices/{self.document.id}",
                "a dispute": f"/my/invoices/{self.document.id}/dispute",
            },
        )

    def test_report(self):
        november = "date_from=2026-11-01&date_to=2026-11-30"
        self.assert_pages_are_accessible(
            "tour_buyer",
            {
                "all types": f"{REPORT}?{november}",
                "one type": f"{REPORT}?{november}&lead_type_id={self.edu.id}",
                "an invoice's": f"{REPORT}?invoice_id={self.document.id}",
                "empty": f"{REPORT}?date_from=2020-01-01&date_to=2020-01-31",
                "errors": f"{REPORT}?date_from=yesterday&transaction_type=x",
            },
        )

    def test_prepaid(self):
        self.buyer.lead_billing_mode = "prepaid"
        top_up = self.env["lead.top.up"].create(
            {"partner_id": self.buyer.id, "amount": 50}
        )
        with freeze_time("2026-11-20 12:00"):
            self.assert_pages_are_accessible(
                "tour_buyer",
                {
                    "home": "/my/leads",
                    "statement": "/my/lead-statement",
                    "top up": "/my/lead-top-up",
                    "a request": f"/my/lead-top-up/{top_up.id}",
                },
            )

    def test_it_would_find_something(self):
        with self.allow_requests(browser=self.browser):
            self.authenticate("tour_buyer", "tour_buyer", browser=self.browser)
            self.open_in_browser("/my/leads")
            self.evaluate(
                "document.querySelector('main').insertAdjacentHTML("
                "'beforeend', '<p style=\"color:#ccc\">Pale</p><input>')"
            )
            found = {rule["id"] for rule in self.find_obstacles()}
        self.assertEqual(found, {"color-contrast", "label"})


@tagged("post_install", "-at_install")
class TestPortalPrint(BrowserCommon, PortalTourCommon):
    def is_printed(self, selector):
        return self.evaluate(f"!!document.querySelector(`{selector}`).offsetParent")

    def test_what_was_found_is_printed_without_what_there_is_to_press(self):
        with self.allow_requests(browser=self.browser):
            self.authenticate("tour_buyer", "tour_buyer", browser=self.browser)
            path = f"{REPORT}?date_from=2026-11-01&lead_type_id={self.edu.id}"
            self.open_in_browser(path)
            self.assertFalse(self.is_printed("p[name=lead_report_printed]"))
            self.browser._websocket_request(
                "Emulation.setEmulatedMedia", params={"media": "print"}
            )
            for selector in (
                "form[name=lead_report_choices]",
                "nav[name=lead_report_periods]",
                "nav[aria-label='Lead type']",
                "a[name=lead_report_csv]",
                "p[name=lead_report_formats_advice]",
            ):
                self.assertFalse(self.is_printed(selector), selector)
            self.assertTrue(self.is_printed("p[name=lead_report_printed]"))
            self.assertTrue(self.is_printed("table[name=lead_report_table] td"))
            # No column is cut off, on a sheet of 11 inches.
            self.browser._websocket_request(
                "Emulation.setDeviceMetricsOverride",
                params={
                    "width": 980,
                    "height": 720,
                    "deviceScaleFactor": 1,
                    "mobile": False,
                },
            )
            width = "document.querySelector('table[name=lead_report_table]').{}"
            self.assertLessEqual(
                self.evaluate(width.format("scrollWidth")),
                self.evaluate(width.format("parentElement.clientWidth")),
            )
