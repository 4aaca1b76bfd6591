"""A clerk with the Billing role alone ends a month on the form of its run."""

from odoo.tests import tagged

from .common.generation import GENERATION
from .common.tours import TourCommon


class MonthEndCommon(TourCommon):
    def end_the_month(self, device):
        """Fix a buyer, whose draft is kept for review, and bring all to its buyers."""
        self.clerk.group_ids -= self.env.ref("base.group_partner_manager")
        self.company.lead_review_zero_price = True
        self.new_sale(self.other_buyer, price=0)
        failure = self.run_record.failure_ids.with_user(self.clerk)
        fixed = self.env["account.account"].search([("name", "=", "Fixed receivable")])
        action = failure.action_fix()
        wizard = (
            failure.env[action["res_model"]]
            .with_context(**action["context"])
            .create({"receivable_account_id": fixed.id})
        )
        wizard.action_save()
        document = self.generate(GENERATION)
        self.assertEqual(document.partner_id, self.other_buyer)
        self.start_tour(
            f"/odoo/lead.invoice.run/{self.run_record.id}",
            f"lead_invoicing_clerk_ends_the_month_{device}",
            login="tour_clerk",
        )
        self.env.invalidate_all()
        self.assertEqual(document.state, "posted")
        self.assertEqual(document.lead_delivery_state, "to_send")
        document._set_lead_delivery("sent", "")
        self.assertEqual(self.run_record.outcome, "done")


@tagged("post_install", "-at_install")
class TestMonthEnd(MonthEndCommon):
    browser_size = "1280x800"

    def test_clerk_ends_the_month(self):
        self.end_the_month("desktop")


@tagged("post_install", "-at_install", "long")
class TestMonthEndOnAPhone(MonthEndCommon):
    browser_size = "390x844"
    touch_enabled = True

    def test_clerk_ends_the_month(self):
        self.end_the_month("phone")
