from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import ValidationError
from odoo.tests import new_test_user

from .common.generation import GENERATION, WEEK
from .common.rights import RightsCommon


class TestTeam(RightsCommon):
    """Exceptions belong to the billing team, or to whom a cycle names."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.colleague = cls.new_user("colleague", "lead_invoicing.group_user")

    def setUp(self):
        super().setUp()
        self.cycle.user_id = False
        self.company.lead_team_user_ids = self.billing_user + self.colleague

    def find_exceptions(self, user):
        return (
            self.env["mail.activity"]
            .with_user(user)
            .search([("lead_exception", "=", True), ("res_model", "!=", False)])
        )

    def test_new_cycle_has_nobody_responsible(self):
        self.assertFalse(self.cycle.copy().user_id)
        self.assertFalse(self.env["lead.billing.cycle"].new({}).user_id)

    def test_team_shares_one_activity(self):
        self.bill()
        activity = self.other_buyer.activity_ids
        self.assertEqual(len(activity), 1)
        self.assertFalse(activity.user_id)
        for user in self.billing_user, self.colleague:
            self.assertIn(activity, self.find_exceptions(user))

    def test_who_does_it_does_it_for_all(self):
        self.bill()
        activity = self.other_buyer.activity_ids
        activity.with_user(self.colleague).action_done()
        self.assertNotIn(activity, self.find_exceptions(self.billing_user))

    def test_documents_are_named_with_their_buyers(self):
        self.cycle.posting = "post"
        self.company.lead_review_zero_price = True
        self.new_sale(price=0)
        self.new_sale()
        draft = self.generate()
        self.assertEqual(draft.state, "draft")
        activity = draft.activity_ids
        self.assertEqual(activity.summary, "Review before confirming")
        self.assertIn(self.buyer.name, activity.res_name)
        self.assertIn(draft.lead_window_label, activity.res_name)
        self.assertIn(activity, self.find_exceptions(self.billing_user))

    def test_documents_are_named_together(self):
        buyers = [self.new_buyer(f"Many {number}") for number in range(9)]
        for buyer in buyers:
            self.new_sale(buyer)
        documents = self.generate()
        documents._schedule_lead_activity(
            "Look", "Please.", self.company, self.billing_user
        )
        activities = documents.activity_ids

        def count(named):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            self.env.add_to_compute(named._fields["res_name"], named)
            self.env.flush_all()
            self.assertIn("Many", named[-1].res_name)
            return self.cr.sql_log_count - before

        self.assertEqual(count(activities[:2]), count(activities))

    def test_responsible_of_a_cycle_gets_its_exceptions(self):
        self.cycle.user_id = self.manager
        self.bill()
        self.assertEqual(self.other_buyer.activity_ids.user_id, self.manager)

    def test_team_of_one_is_told_in_person(self):
        self.company.lead_team_user_ids = self.colleague
        self.bill()
        self.assertEqual(self.other_buyer.activity_ids.user_id, self.colleague)

    def test_who_left_is_no_longer_of_the_team(self):
        self.colleague.active = False
        self.assertEqual(self.company._get_lead_team(), self.billing_user)

    def test_what_stops_a_company_is_mailed_to_the_team(self):
        self.bill()
        self.run.sudo()._stop("The books are locked.")
        self.assertFalse(self.run.activity_ids.user_id)
        message = (
            self.env["mail.message"]
            .search([("model", "=", self.run._name), ("res_id", "=", self.run.id)])
            .filtered(lambda m: m.message_type == "user_notification")
        )
        self.assertEqual(
            message.partner_ids, (self.billing_user + self.colleague).partner_id
        )

    def test_team_reads_its_own_language(self):
        self.env["res.lang"]._activate_lang("de_DE")
        self.company.lead_team_user_ids.lang = "de_DE"
        self.assertEqual(self.company._get_lead_lang(), "de_DE")

    def test_others_do_not_see_exceptions(self):
        self.bill()
        self.assertFalse(
            self.find_exceptions(self.stranger) & self.document.activity_ids
        )
        self.assertFalse(self.find_exceptions(self.plain_user))

    def test_team_is_of_the_company_and_bills(self):
        for user in self.plain_user, self.stranger:
            with self.assertRaises(ValidationError):
                self.company.lead_team_user_ids = [Command.link(user.id)]

    def bill_abroad(self, price):
        """Have the scheduled action bill a sale of the other company to the buyer that
        fails in ours, a week later."""
        there = self.env(context={"allowed_company_ids": self.abroad.ids}, su=True)
        product = there["product.product"].create(
            {"name": "Lead", "type": "service", "taxes_id": False}
        )
        there["lead.type"].create(
            {"name": "Abroad", "code": "ABROAD", "product_id": product.id}
        )
        cycle = there["lead.billing.cycle"].create(
            {
                "name": "Abroad",
                "tz": "America/New_York",
                "anchor_date": "2026-11-02",
                "posting": "post",
                "next_generation_at": GENERATION + WEEK,
            }
        )
        buyer = self.other_buyer.with_env(there)
        buyer.lead_billing_cycle_id = cycle
        with freeze_time("2026-11-11 12:00"):
            answers = there["lead.sale"].record_transactions(
                [
                    {
                        "external_ref": "ABROAD",
                        "type": "sale",
                        "occurred_at": "2026-11-11T12:00:00Z",
                        "buyer_ref": buyer.ref,
                        "lead_type": "ABROAD",
                        "price": price,
                    }
                ]
            )
        self.assertEqual(answers[0]["status"], "created", answers)
        return buyer

    def test_another_company_leaves_an_exception_alone(self):
        self.bill()
        exception = self.other_buyer.activity_ids
        self.bill_abroad(10)
        # As a manager decides.
        self.other_sale.sudo().waived = True
        document = self.generate(GENERATION + WEEK)
        self.assertEqual(document.company_id, self.abroad)
        self.assertTrue(exception.exists())

    def test_a_buyer_that_fails_in_two_companies_is_an_exception_of_each(self):
        self.bill()
        buyer = self.bill_abroad(10)
        buyer.property_account_receivable_id = account = (
            buyer.property_account_receivable_id.copy({"name": "Abroad"})
        )
        account.active = False
        # As a manager decides.
        self.other_sale.sudo().waived = True
        self.assertFalse(self.generate(GENERATION + WEEK))
        here, there = self.other_buyer.activity_ids.sorted("id")
        self.assertEqual(self.find_exceptions(self.billing_user), here)
        self.assertEqual(self.find_exceptions(self.stranger), there)
        self.assertNotIn("Abroad", here.note)
        self.assertIn("Abroad", there.note)

    def test_what_is_to_be_done_with_money_is_not_done_by_invoicing(self):
        self.buyer.lead_billing_mode = "prepaid"
        top_up = self.env["lead.top.up"].create(
            {"partner_id": self.buyer.id, "amount": 5}
        )
        self.buyer.lead_billing_mode = "credit"
        self.new_sale()
        first = self.generate()
        top_up.sudo()._pay_with(first)
        top_up.sudo()._pay_with(first.copy())
        # What pays here is no deposit.
        self.broken_rules = ("top_up_without_deposit",)
        self.assertEqual(self.buyer.activity_ids.summary, "Top-up paid twice?")
        self.new_sale(at="2026-11-11T12:00:00Z")
        self.assertTrue(self.generate(GENERATION + WEEK))
        self.assertEqual(self.buyer.activity_ids.summary, "Top-up paid twice?")
        self.assertIn(self.buyer.activity_ids, self.find_exceptions(self.billing_user))

    def test_portal_users_do_not_see_the_team(self):
        portal = new_test_user(
            self.env, login="team_portal", groups="base.group_portal"
        )
        self.assertNotIn(
            "lead_team_user_ids", self.company.with_user(portal).fields_get()
        )
