"""From an empty company to the first invoice, in a real browser."""

from odoo import Command
from odoo.tests import HttpCase, new_test_user, tagged

from .common.world import LeadInvoicingCommon


class SetupTourCommon(LeadInvoicingCommon, HttpCase):
    """A company with a chart of accounts and nothing else, and its administrator."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.new_company = cls._create_company(name="New Leads House")
        cls.newcomer = new_test_user(
            cls.env,
            login="newcomer",
            password="newcomer",
            groups="lead_invoicing.group_manager,base.group_partner_manager",
            company_id=cls.new_company.id,
            company_ids=[Command.set(cls.new_company.ids)],
            tz="America/New_York",
        )

    def check_first_invoice(self):
        """What the newcomer has in the end."""
        invoice = self.env["account.move"].search(
            [
                ("lead_run_id", "!=", False),
                ("company_id", "=", self.new_company.id),
            ]
        )
        self.assertEqual(invoice.state, "draft")
        self.assertEqual(invoice.amount_untaxed, 25)
        self.assertEqual(
            invoice.invoice_line_ids.tax_ids, self.new_company.account_sale_tax_id
        )
        self.assertEqual(invoice.lead_sale_ids.external_ref, "FIRST-1")
        cycle = self.new_company.lead_billing_cycle_id
        self.assertEqual((cycle.frequency, cycle.posting), ("weekly", "draft"))
        self.assertEqual(cycle.tz, "America/New_York")
        self.assertTrue(cycle.next_generation_at)


@tagged("post_install", "-at_install")
class TestSetupTour(SetupTourCommon):
    def test_first_invoice(self):
        self.start_tour("/odoo", "lead_invoicing_first_invoice", login="newcomer")
        self.check_first_invoice()


@tagged("post_install", "-at_install")
class TestSetupPhoneTour(SetupTourCommon):
    browser_size = "390x844"
    touch_enabled = True

    def test_first_invoice_on_a_phone(self):
        self.start_tour(
            "/odoo/action-lead_invoicing.action_lead_invoices",
            "lead_invoicing_first_invoice_on_a_phone",
            login="newcomer",
        )
        self.check_first_invoice()
