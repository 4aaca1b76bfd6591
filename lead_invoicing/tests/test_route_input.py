from odoo import http
from odoo.tests import tagged

from .common.portal import PortalReportCommon

FILE = ("leads.txt", b"abc")
# Pages and files for a buyer, what it sends, and those for staff.
PAGES = {
    "/my/invoicing-report": (
        "page",
        "lead_type_id",
        "date_from",
        "fields",
        "transaction_type",
        "invoice_id",
    ),
    "/my/invoicing-report/csv": ("lead_type_id", "plain", "fields"),
    "/my/leads/invoices": ("page", "status", "currency", "company"),
    "/my/lead-statement": ("date_from",),
    "/my/lead-top-up": ("company_id", "amount"),
}
FORMS = {
    "/my/lead-top-up": ("amount", "company_id"),
    "/my/invoices/%s/dispute": ("scope", "amount", "references", "reason", "sale"),
}
STAFF_PAGES = {
    "/lead-invoicing/report/csv": ("partner_id", "company_ids", "lead_type_id"),
    "/lead-invoicing/month-close": ("month", "company_id"),
    "/lead-invoicing/control-totals": ("from", "company_id"),
    "/lead-invoicing/statement/xlsx": ("partner_id", "company_ids"),
    "/lead-invoicing/import-template/buyers.csv": ("company_id",),
}


@tagged("post_install", "-at_install")
class TestRouteInput(PortalReportCommon):
    """An address or a form can ask for anything: no answer is the server's error."""

    def send(self, pages, method="GET"):
        """Ask for each page with a file, and a text with NUL, as each parameter."""
        data = {"csrf_token": http.Request.csrf_token(self)} if method == "POST" else {}
        for path, names in pages.items():
            if "%s" in path:
                path %= self.document.id
            for name in names:
                with self.subTest(path, name=name):
                    response = self.url_open(
                        path,
                        data=data,
                        files={name: FILE},
                        method=method,
                        allow_redirects=False,
                    )
                    self.assertLess(response.status_code, 500)
                    asked = {"params": {name: "1\0"}}
                    if method == "POST":
                        asked = {"data": {**data, name: "1\0"}}
                    response = self.url_open(
                        path, method=method, allow_redirects=False, **asked
                    )
                    self.assertLess(response.status_code, 500)

    def test_a_file_or_nul_in_place_of_a_text_breaks_no_page(self):
        self.buyer.lead_billing_mode = "prepaid"
        self.login(self.portal_user)
        self.send(PAGES)
        self.send(FORMS, "POST")

    def test_nor_one_of_the_staff(self):
        self.login(self.billing_user)
        self.send(STAFF_PAGES)
