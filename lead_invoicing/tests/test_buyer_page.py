from datetime import datetime

from freezegun import freeze_time
from lxml import etree

from odoo import Command
from odoo.tests import Form, tagged
from odoo.tools.safe_eval import safe_eval

from .common.generation import GENERATION, GenerationCommon


@tagged("post_install", "-at_install")
class TestBuyerPage(GenerationCommon):
    """What the Invoicing/Billing page of a buyer says and does."""

    def test_it_tells_the_window_and_when_its_invoice_comes(self):
        self.assertEqual(self.buyer.lead_next_window, "Nov 2, 2026 – Nov 8, 2026")
        self.assertEqual(self.buyer.lead_next_invoice_at, GENERATION)
        self.buyer.lead_billing_cycle_id = False
        self.assertFalse(self.buyer.lead_next_window)

    def test_a_buyer_on_hold_is_not_invoiced_until_the_hold_ends(self):
        sale = self.new_sale()
        self.buyer.lead_billing_hold = True
        self.assertFalse(self.generate())
        self.assertEqual(sale.billing_state, "unbilled")
        self.buyer.lead_billing_hold = False
        self.cycle.next_generation_at = GENERATION
        self.assertEqual(self.generate().lead_sale_ids, sale)

    def test_a_hold_set_after_the_run_was_opened_parks_the_buyer(self):
        self.new_sale()
        with freeze_time(GENERATION):
            run = self.env["lead.invoice.run"].sudo()._open_next_run()
        self.buyer.lead_billing_hold = True
        self.assertFalse(self.generate())
        self.assertIn("on hold", run.failure_ids.message)

    def test_a_change_of_cycle_says_what_becomes_of_what_waits(self):
        self.new_sale(price="35.00")
        with freeze_time("2026-11-05"):
            monthly = self.cycle.copy({"name": "Monthly", "frequency": "monthly"})
        self.assertEqual(monthly.next_generation_at, datetime(2026, 12, 1, 11))
        with (
            self.assertLogs("odoo.tests.form.onchange", "WARNING") as logs,
            Form(self.buyer) as form,
        ):
            form.lead_billing_cycle_id = monthly
        self.assertIn("35.00", logs.output[0])
        self.assertIn("Nov 1, 2026 – Nov 30, 2026", logs.output[0])

    def test_it_opens_the_buyers_documents(self):
        self.new_sale()
        invoice = self.generate()
        buyer = self.buyer.with_user(self.billing_user)
        self.assertEqual(buyer.lead_invoice_count, 1)
        domain = buyer.action_view_lead_invoices()["domain"]
        self.assertEqual(self.env["account.move"].search(domain), invoice)


@tagged("post_install", "-at_install")
class TestBuyersList(GenerationCommon):
    def find(self):
        """Return the contacts that the list of buyers shows at first."""
        view = self.env.ref("lead_invoicing.res_partner_view_search")
        arch = etree.fromstring(view.arch)
        (domain,) = arch.xpath("//filter[@name='lead_buyers']/@domain")
        partners = self.env["res.partner"].with_user(self.billing_user)
        return partners.search(safe_eval(domain))

    def test_who_is_to_buy_is_found_before_the_first_lead(self):
        stranger, cycle, named, numbered, supplier, sold = self.env[
            "res.partner"
        ].create(
            [
                {"name": "Stranger"},
                {"name": "Of a cycle", "lead_billing_cycle_id": self.cycle.id},
                {"name": "Named", "lead_buyer_ref_ids": [Command.create({"ref": "N"})]},
                {"name": "Numbered", "ref": "4711"},
                {"name": "Supplier", "ref": "S", "supplier_rank": 1},
                {"name": "Sold to", "ref": "B", "supplier_rank": 1},
            ]
        )
        self.new_sale(sold)
        found = self.find()
        self.assertLessEqual(cycle | named | numbered | sold, found)
        self.assertFalse(found & (stranger | supplier))
