from freezegun import freeze_time

from odoo.tests import HttpCase, new_test_user, tagged

from .common import ReturnRequestCommon


@tagged("-clock")
class ReturnTourCommon(ReturnRequestCommon, HttpCase):
    """A buyer with three leads, and a clerk."""

    def setUp(self):
        super().setUp()
        self.company.country_id = self.env.ref("base.us")
        chris = self.env["res.partner"].create(
            {"name": "Chris", "parent_id": self.buyer.id, "email": "c@example.com"}
        )
        company = {
            "company_id": self.company.id,
            "company_ids": [(6, 0, self.company.ids)],
        }
        new_test_user(
            self.env,
            login="tour_buyer",
            name="Chris",
            password="tour_buyer",
            groups="base.group_portal",
            partner_id=chris.id,
            **company,
        )
        new_test_user(
            self.env,
            login="tour_clerk",
            name="Alex",
            password="tour_clerk",
            groups="lead_invoicing.group_user",
            **company,
        )
        self.sales = [self.new_sale(lead_ref=f"L{number}") for number in (1, 2, 3)]

    def ask_for_all(self):
        with freeze_time("2026-11-06"):
            self.ask("L1", "L2", "L3", reason=self.reason, note="Nobody answers.")

    def walk(self, name, login="tour_clerk"):
        self.start_tour(
            "/odoo/action-lead_invoicing_return.action_lead_return_request",
            f"lead_invoicing_return_clerk_{name}",
            login=login,
        )
        self.env.invalidate_all()
