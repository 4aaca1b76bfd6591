from lxml import html

from odoo import Command
from odoo.tests import tagged

from odoo.addons.lead_invoicing.tests.common.generation import GENERATION, WEEK
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

    def test_what_is_paid_by_transfer_is_overdue_but_not_paid_online(self):
        self.provider.maximum_amount = self.document.amount_total
        self.assertIn("Pay overdue", self.url_open("/my/invoices").text)
        self.provider.maximum_amount = 1
        self.assertIsNone(self.open())
        self.assertNotIn("Pay overdue", self.url_open("/my/invoices").text)
        counted = self.make_jsonrpc_request(
            "/my/counters", {"counters": ["overdue_invoice_count"]}
        )
        self.assertFalse(counted["overdue_invoice_count"])
        page = self.url_open("/my/invoices?filterby=overdue_invoices").text
        self.assertIn(self.document.name, page)

    def test_what_is_not_disputed_is_paid_first(self):
        self.new_sale(price="50.00", at="2026-11-11T12:00:00Z")
        later = self.generate(GENERATION + WEEK)
        later.invoice_date_due = "2026-11-20"
        self.dispute(amount=5)
        asked = self.open()
        self.assertEqual(asked, self.document.amount_total - 5 + later.amount_total)
        transaction = (
            self.env["payment.transaction"]
            .sudo()
            .create(
                {
                    "provider_id": self.provider.id,
                    "payment_method_id": self.method.id,
                    "operation": "online_direct",
                    "amount": asked,
                    "currency_id": later.currency_id.id,
                    "partner_id": self.portal_user.partner_id.id,
                    "invoice_ids": [Command.set((self.document | later).ids)],
                }
            )
        )
        transaction._set_done()
        transaction._post_process()
        self.assertEqual(later.amount_residual, 0)
        self.assertEqual(self.document.amount_residual, 5)
        self.assertEqual(
            transaction.payment_id.reconciled_invoice_ids, self.document | later
        )
