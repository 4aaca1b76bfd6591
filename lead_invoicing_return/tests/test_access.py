"""What axe-core finds on the pages of return requests, see the portal's own test."""

from odoo.tests import tagged

from odoo.addons.lead_invoicing.tests.common.browser import BrowserCommon, needs_axe

from .tours import ReturnTourCommon

URL = "/my/return-requests"


@needs_axe
@tagged("post_install", "-at_install")
class TestAccess(BrowserCommon, ReturnTourCommon):
    def test_return_requests_and_comparison(self):
        none = {"no requests": URL}
        self.assert_pages_are_accessible("tour_buyer", none)
        self.ask_for_all()
        asked = self.requests.search([], limit=1)
        self.assert_pages_are_accessible(
            "tour_buyer",
            {
                "account": "/my/leads",
                "requests": URL,
                "a request": f"{URL}/{asked.id}",
                "to ask": f"{URL}/new",
                "compare": "/my/compare-leads",
                "report": "/my/invoicing-report?date_from=2026-11-01",
            },
        )
