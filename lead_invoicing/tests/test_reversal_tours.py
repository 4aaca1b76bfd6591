"""A clerk reverses an invoice and invoices its leads again, in a real browser."""

from odoo.tests import tagged

from .common.tours import TourCommon


class ReversalTourCommon(TourCommon):
    def walk(self, tour):
        invoice = self.env["account.move"].search(
            [("partner_id", "=", self.buyer.id), ("lead_run_id", "!=", False)]
        )
        sales = invoice.lead_sale_ids
        self.start_tour(
            f"/odoo/action-account.action_move_out_invoice_type/{invoice.id}",
            f"lead_invoicing_clerk_{tour}",
            login="tour_clerk",
        )
        self.env.invalidate_all()
        self.assertTrue(sales)
        again = self.env["account.move"].search([("lead_replaces_id", "=", invoice.id)])
        self.assertEqual(again.state, "posted")
        self.assertEqual(again.lead_sale_ids, sales)
        self.assertEqual(sales.invoice_id, again)
        self.assertTrue(invoice.lead_credited)
        self.assertEqual(invoice.reversal_move_ids.amount_total, invoice.amount_total)


@tagged("post_install", "-at_install")
class TestReversalTours(ReversalTourCommon):
    def test_a_clerk_reverses_and_invoices_again(self):
        self.walk("reverses_and_invoices")


@tagged("post_install", "-at_install", "long")
class TestReversalPhoneTours(ReversalTourCommon):
    browser_size = "390x844"
    touch_enabled = True

    def test_a_clerk_reverses_and_invoices_again_on_a_phone(self):
        self.walk("reverses_and_invoices_on_a_phone")
