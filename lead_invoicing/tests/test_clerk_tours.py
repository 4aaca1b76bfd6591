"""By hand, by exception: what clerks and managers do besides, in a real browser."""

from datetime import timedelta

from odoo.fields import Datetime
from odoo.tests import tagged

from .common.tours import TourCommon


class ClerkTourCommon(TourCommon):
    """Besides, a buyer with leads to invoice by hand, and drafts to review."""

    def setUp(self):
        super().setUp()
        self.company.lead_review_zero_price = True
        self.free_buyers = [self.new_buyer(f"Buyer {name}") for name in "DE"]
        for buyer in self.free_buyers:
            self.new_sale(buyer, "0.00", at="2026-11-10T12:00:00Z")
        self.drafts = self.generate(self.cycle.next_generation_at)
        self.assertEqual(len(self.drafts), 2)
        self.hand_buyer = self.new_buyer("Buyer C")
        now = Datetime.now()
        for price, days in (("11.00", 3), ("20.00", 2), ("13.00", 0)):
            at = (now - timedelta(days=days)).isoformat() + "Z"
            self.last_sale = self.new_sale(self.hand_buyer, price, at=at)

    def walk(self, name, action, login="tour_clerk"):
        self.start_tour(f"/odoo/action-lead_invoicing.{action}", name, login=login)
        self.env.invalidate_all()

    def check_by_hand(self):
        invoice = self.env["account.move"].search(
            [("commercial_partner_id", "=", self.hand_buyer.id)]
        )
        self.assertEqual((invoice.state, invoice.amount_untaxed), ("posted", 31))
        self.assertFalse(invoice.lead_run_id.cycle_id)
        self.assertEqual(self.last_sale.billing_state, "unbilled")

    def check_waivers(self):
        self.assertEqual(
            [
                (waiver.waived, waiver.reason, waiver.create_uid)
                for waiver in self.last_sale.waiver_ids.sorted("id")
            ],
            [(True, "Goodwill", self.boss), (False, "A mistake", self.boss)],
        )
        self.assertEqual(self.last_sale.billing_state, "unbilled")


@tagged("post_install", "-at_install")
class TestClerkTours(ClerkTourCommon):
    def test_clerk_invoices_by_hand(self):
        self.walk("lead_invoicing_clerk_invoices_by_hand", "action_lead_buyers")
        self.check_by_hand()

    def test_clerk_reviews_and_posts_drafts(self):
        self.walk("lead_invoicing_clerk_reviews", "action_lead_invoices_review")
        self.assertEqual(set(self.drafts.mapped("state")), {"posted"})
        self.assertEqual(set(self.drafts.mapped("lead_delivery_state")), {"to_send"})

    def test_manager_waives_and_takes_it_back(self):
        self.walk("lead_invoicing_manager_waives", "action_lead_unbilled", "tour_boss")
        self.assertEqual(self.last_sale.billing_state, "waived")
        self.walk(
            "lead_invoicing_manager_takes_back",
            f"action_lead_sale/{self.last_sale.id}",
            "tour_boss",
        )
        self.check_waivers()


@tagged("post_install", "-at_install", "long")
class TestClerkPhoneTours(ClerkTourCommon):
    browser_size = "390x844"
    touch_enabled = True

    def test_clerk_invoices_by_hand_on_a_phone(self):
        self.walk(
            "lead_invoicing_clerk_invoices_by_hand_on_a_phone", "action_lead_buyers"
        )
        self.check_by_hand()

    def test_clerk_reviews_and_posts_on_a_phone(self):
        self.walk(
            "lead_invoicing_clerk_reviews_on_a_phone", "action_lead_invoices_review"
        )
        self.assertEqual(sorted(self.drafts.mapped("state")), ["draft", "posted"])

    def test_manager_waives_and_takes_it_back_on_a_phone(self):
        self.walk(
            "lead_invoicing_manager_waives_on_a_phone",
            f"action_lead_sale/{self.last_sale.id}",
            "tour_boss",
        )
        self.check_waivers()
