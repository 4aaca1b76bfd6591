from freezegun import freeze_time

from odoo import Command
from odoo.tests import HttpCase, new_test_user, tagged

from .generation import GENERATION, GenerationCommon

ADA = {"first_name": "Ada", "email": "ada@byron.example", "program": "Mathematics"}


@tagged("-clock")
class TourCommon(GenerationCommon, HttpCase):
    """A run with one invoice and one buyer who could not be invoiced."""

    def setUp(self):
        super().setUp()
        self.company.country_id = self.env.ref("base.us")
        self.clerk = self.new_user(
            "clerk", "lead_invoicing.group_user,base.group_partner_manager"
        )
        self.boss = self.new_user("boss", "lead_invoicing.group_manager")
        self.other_buyer = self.new_buyer("Buyer B")
        self.new_sale(lead_data={"first_name": "Ada", "email": "ada@example.com"})
        self.new_sale(self.other_buyer)
        self.new_sale(self.other_buyer)
        # Two accounts to choose from, one of which is archived later.
        account = self.other_buyer.property_account_receivable_id
        archived = account.copy({"name": "Old receivable"})
        account.copy({"name": "Fixed receivable"})
        self.other_buyer.property_account_receivable_id = archived
        archived.active = False
        self.generate()
        self.run_record = self.env["lead.invoice.run"].search(
            [("cycle_id", "=", self.cycle.id)]
        )

    @classmethod
    def new_user(cls, login, groups):
        return new_test_user(
            cls.env,
            login=f"tour_{login}",
            password=f"tour_{login}",
            groups=groups,
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    @classmethod
    def new_buyer(cls, name, **vals):
        return super().new_buyer(name, country_id=cls.env.ref("base.us").id, **vals)

    def explain_an_invoice(self):
        """Open the report of a buyer and choose what it shows, which is remembered."""
        self.clerk.group_ids += self.env.ref("lead_invoicing.group_lead_data")
        with freeze_time(GENERATION):
            self.start_tour(
                f"/odoo/res.partner/{self.buyer.id}",
                "lead_invoicing_clerk_explains",
                login="tour_clerk",
            )
        choices = self.clerk.res_users_settings_ids.lead_report_choices
        self.assertEqual(choices["transaction_type"], "return")
        self.assertNotIn("email", choices["columns"][str(self.edu.id)])


@tagged("-clock")
class PortalTourCommon(GenerationCommon, HttpCase):
    """A buyer with an invoice of 55 leads of two types, and a return of one of them."""

    def setUp(self):
        super().setUp()
        self.company.country_id = self.env.ref("base.us")
        clerk = self.env["res.partner"].create(
            {"name": "Chris", "parent_id": self.buyer.id, "email": "c@example.com"}
        )
        self.user = new_test_user(
            self.env,
            login="tour_buyer",
            name="Chris",
            password="tour_buyer",
            groups="base.group_portal",
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
            partner_id=clerk.id,
        )
        sale = self.new_sale(lead_data=ADA)
        row = self.sale_vals(
            "T", buyer_ref=self.buyer.ref, occurred_at="2026-11-04T12:00:00Z"
        )
        with freeze_time("2026-12-01"):
            self.record_all(
                {**row, "external_ref": "A"},
                *(
                    {**row, "external_ref": f"E{i}", "lead_type": "EDU"}
                    for i in range(53)
                ),
            )
        self.generate()
        self.new_return(sale, at="2026-11-10T12:00:00Z", reason="Wrong number")

    def follow(self, tour, url="/my"):
        self.start_tour(url, f"lead_invoicing_buyer_{tour}", login="tour_buyer")
