"""What a clerk and a manager do, in a real browser."""

from odoo.tests import tagged

from .common.generation import GENERATION
from .common.tours import TourCommon


@tagged("post_install", "-at_install")
class TestTours(TourCommon):
    browser_size = "1280x800"

    def test_clerk_mends_a_buyer_and_retries(self):
        self.start_tour("/odoo", "lead_invoicing_clerk_mends", login="tour_clerk")
        self.env.invalidate_all()
        item = self.run_record.buyer_ids.filtered(
            lambda item: item.partner_id == self.other_buyer
        )
        self.assertEqual(item.state, "todo")
        self.assertEqual(
            self.other_buyer.property_account_receivable_id.name, "Fixed receivable"
        )
        invoice = self.generate(GENERATION)
        self.assertEqual(invoice.partner_id, self.other_buyer)
        self.assertEqual(self.run_record.state, "done")
        self.start_tour(
            "/odoo/action-lead_invoicing.action_lead_invoice_run",
            "lead_invoicing_clerk_looks",
            login="tour_clerk",
        )

    def test_clerk_explains_an_invoice(self):
        self.explain_an_invoice()

    def test_manager_makes_a_cycle(self):
        self.start_tour(
            "/odoo/action-lead_invoicing.action_lead_billing_cycle",
            "lead_invoicing_manager_makes_a_cycle",
            login="tour_boss",
        )
        cycle = self.env["lead.billing.cycle"].search([("name", "=", "Twice a month")])
        self.assertEqual(cycle.frequency, "semimonthly")
        self.assertTrue(cycle.next_generation_at)


@tagged("post_install", "-at_install")
class TestPhoneTours(TourCommon):
    browser_size = "390x844"
    touch_enabled = True

    def test_clerk_retries_on_a_phone(self):
        self.start_tour(
            "/odoo/action-lead_invoicing.action_lead_invoice_run",
            "lead_invoicing_clerk_on_a_phone",
            login="tour_clerk",
        )
        self.env.invalidate_all()
        self.assertFalse(self.run_record.failure_ids)

    def test_clerk_explains_an_invoice_on_a_phone(self):
        self.explain_an_invoice()

    def test_all_fits_a_phone(self):
        for name, action in (
            ("sales", "lead_sale"),
            ("invoices", "lead_invoices"),
            ("cycles", "lead_billing_cycle"),
        ):
            self.start_tour(
                f"/odoo/action-lead_invoicing.action_{action}",
                f"lead_invoicing_phone_{name}",
                login="tour_boss",
            )
