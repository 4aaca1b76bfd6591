"""Disputes and closed accounts, in a real browser, on a desk and on a phone."""

from freezegun import freeze_time

from odoo import Command
from odoo.tests import tagged

from .common.generation import GENERATION
from .common.tours import TourCommon


class DisputeTourCommon(TourCommon):
    def setUp(self):
        super().setUp()
        self.company.country_id = self.env.ref("base.us")
        self.portal_user = self.new_user("buyer", "base.group_portal")
        self.portal_user.partner_id.write({"name": "Chris", "parent_id": self.buyer.id})
        self.sales = [
            self.new_sale(price=price, lead_ref=f"L{number}", at="2026-11-10T12:00:00Z")
            for number, price in enumerate(("12.00", "20.00", "30.00"), start=1)
        ]
        documents = self.generate(self.cycle.next_generation_at)
        self.invoice = documents.filtered(
            lambda move: move.commercial_partner_id == self.buyer
        )
        # The portal lists the buyer's documents, newest first.
        self.env["account.move"].search(
            [("partner_id", "=", self.buyer.id), ("id", "!=", self.invoice.id)]
        ).button_cancel()

    def open_disputes(self):
        disputes = self.env["lead.dispute"]
        vals = {"move_id": self.invoice.id, "reason": "Nobody answers"}
        with freeze_time(GENERATION):
            self.of_leads = disputes.create(
                {**vals, "sale_ids": [Command.set(self.sales[0].ids)]}
            )
            self.of_a_sum = disputes.create({**vals, "scope": "amount", "amount": 5})

    def walk(self, tour, url):
        self.start_tour(url, f"lead_invoicing_clerk_{tour}", login="tour_clerk")
        self.env.invalidate_all()

    def check_buyer_disputes(self):
        self.start_tour(
            "/my/invoices", "lead_invoicing_buyer_disputes_leads", login="tour_buyer"
        )
        dispute = self.env["lead.dispute"].search([])
        self.assertEqual(len(dispute.sale_ids), 2)
        self.assertEqual((dispute.amount, dispute.from_buyer), (32, True))


@tagged("post_install", "-at_install")
class TestDisputeTours(DisputeTourCommon):
    def test_a_buyer_disputes_leads(self):
        self.check_buyer_disputes()

    def test_a_clerk_decides(self):
        self.open_disputes()
        self.walk("decides_disputes", "/odoo/action-lead_invoicing.action_lead_dispute")
        self.assertEqual(self.of_a_sum.state, "rejected")
        self.assertEqual(self.of_leads.state, "accepted")
        self.assertEqual(self.of_leads.row_ids.return_id.price, 12)

    def test_a_clerk_closes_an_account_and_reopens_it(self):
        sale = self.new_sale(price="9.00", at="2026-11-18T12:00:00Z")
        self.walk("closes_an_account", f"/odoo/res.partner/{self.buyer.id}")
        self.assertEqual(sale.billing_state, "invoiced")
        closing = self.env["lead.account.closing"].search([])
        self.assertTrue(closing.reopened_at)
        self.assertEqual(self.buyer.lead_billing_cycle_id, self.cycle)


@tagged("post_install", "-at_install", "long")
class TestDisputePhoneTours(DisputeTourCommon):
    browser_size = "390x844"
    touch_enabled = True

    def test_a_buyer_disputes_leads_on_a_phone(self):
        self.check_buyer_disputes()

    def test_a_clerk_decides_on_a_phone(self):
        self.open_disputes()
        self.walk(
            "decides_a_dispute_on_a_phone",
            "/odoo/action-lead_invoicing.action_lead_dispute",
        )
        self.assertEqual(self.of_leads.state, "accepted")

    def test_a_clerk_closes_an_account_on_a_phone(self):
        self.new_sale(price="9.00", at="2026-11-18T12:00:00Z")
        self.walk("closes_an_account", f"/odoo/res.partner/{self.buyer.id}")
        self.assertTrue(self.env["lead.account.closing"].search([]).reopened_at)
