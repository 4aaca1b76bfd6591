from odoo.tests import HttpCase, new_test_user, tagged

from .common import RechargeCommon


@tagged("post_install", "-at_install", "-clock")
class TestTours(RechargeCommon, HttpCase):
    """A buyer tops up in a real browser."""

    def test_a_buyer_tops_up_online(self):
        self.company.country_id = self.env.ref("base.us")
        self.person.country_id = self.env.ref("base.us")
        new_test_user(
            self.env,
            login="tour_top_up",
            password="tour_top_up",
            groups="base.group_portal",
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
            partner_id=self.env["res.partner"]
            .create(
                {
                    "name": "Chris",
                    "parent_id": self.buyer.id,
                    "email": "c@example.com",
                    "country_id": self.env.ref("base.us").id,
                }
            )
            .id,
        )
        before = self.get_balance()
        self.start_tour("/my", "lead_invoicing_buyer_tops_up", login="tour_top_up")
        self.assertEqual(self.get_balance() - before, 250)
        self.assertEqual(self.payments.amount, 250)
