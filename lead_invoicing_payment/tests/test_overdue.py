from lxml import html

from odoo.tests import tagged

from odoo.addons.lead_invoicing.tests.common.portal import PortalReportCommon

from .common import DemoProvider


@tagged("post_install", "-at_install", "-clock")
class TestPayOverdue(DemoProvider, PortalReportCommon):
    """*Pay overdue* asks for what the buyer is to pay, and for nothing else."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_provider()
        # The invoice goes to who opens the page.
        cls.portal_user.partner_id.write({"type": "invoice", "email": "x@example.com"})

    def setUp(self):
        super().setUp()
        self.document.invoice_date_due = "2026-11-10"
        self.login(self.portal_user)

    def dispute(self, **vals):
        vals = {"move_id": self.document.id, "reason": "Wrong numbers", **vals}
        return self.env["lead.dispute"].create(vals)

    def open(self):
        """Return the amount that the page asks for, None where it asks for nothing."""
        response = self.url_open("/my/invoices/overdue", allow_redirects=False)
        if response.status_code == 303:
            return None
        self.assertEqual(response.status_code, 200)
        page = html.fromstring(response.text)
        (form,) = page.xpath("//form[@id='o_payment_form']")
        shown = page.xpath("//*[contains(@class, 'oe_currency_value')]")
        self.assertEqual(float(shown[0].text), float(form.get("data-amount")))
        return float(form.get("data-amount"))

    def test_it_asks_for_what_is_not_disputed(self):
        total = self.document.amount_total
        self.assertEqual(self.open(), total)
        dispute = self.dispute(amount=10)
        self.assertEqual(self.open(), total - 10)
        dispute.action_withdraw()
        self.assertEqual(self.open(), total)

    def test_it_leaves_out_an_invoice_that_is_disputed_as_a_whole(self):
        self.dispute(scope="whole")
        self.assertIsNone(self.open())
        page = self.url_open("/my/invoices?filterby=overdue_invoices").text
        self.assertNotIn(self.document.name, page)
        page = self.url_open("/my/invoices").text
        self.assertIn(self.document.name, page)
