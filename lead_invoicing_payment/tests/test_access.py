"""What axe-core finds on the pages of online payment, see the portal's own test; and
where paying online is offered."""

from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.lead_invoicing.tests.common.browser import BrowserCommon, needs_axe
from odoo.addons.lead_invoicing.tests.common.generation import GENERATION, WEEK

from .common import RechargeCommon


@needs_axe
@tagged("post_install", "-at_install", "-clock")
class TestAccess(BrowserCommon, RechargeCommon, HttpCase):
    def test_top_up_and_recharge(self):
        chris = self.env["res.partner"].create(
            {"name": "Chris", "parent_id": self.buyer.id, "email": "c@example.com"}
        )
        new_test_user(
            self.env,
            login="tour_top_up",
            password="tour_top_up",
            groups="base.group_portal",
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
            partner_id=chris.id,
        )
        self.assert_pages_are_accessible(
            "tour_top_up",
            {
                "account": "/my/leads",
                "top up": "/my/lead-top-up",
                "recharge": "/my/lead-recharge",
            },
        )


@tagged("post_install", "-at_install", "-clock")
class TestPayOnline(RechargeCommon):
    def setUp(self):
        super().setUp()
        self.buyer.lead_billing_mode = "credit"
        self.env["ir.config_parameter"].set_param(
            "account_payment.enable_portal_payment", "True"
        )
        self.providers = self.env["payment.provider"].search(
            [("state", "!=", "disabled")]
        )

    def new_invoices(self, count):
        """Return the documents of as many weeks, over 10, 11, 12 … in this order."""
        for week in range(count):
            at = (GENERATION + (week - 1) * WEEK).strftime("%Y-%m-%dT%H:%M:%SZ")
            self.new_sale(price=f"{10 + week}.00", at=at)
        return self.generate(GENERATION + (count - 1) * WEEK)

    def count_queries(self, moves):
        """Return how many queries a list needs to tell which of these can be paid
        online, with what Odoo keeps in memory for all users there already."""
        for _number in range(2):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            for move in moves:
                move._has_to_be_paid()
            count = self.env.cr.sql_log_count - before
        return count

    def test_it_is_offered_where_it_works(self):
        document = self.new_invoices(1)
        self.assertTrue(document._has_to_be_paid())
        for maximum, is_offered in ((5, False), (10, True)):
            self.providers.maximum_amount = maximum
            document.invalidate_recordset()
            self.assertEqual(document._has_to_be_paid(), is_offered)
        self.providers.state = "disabled"
        document.invalidate_recordset()
        self.assertFalse(document._has_to_be_paid())
        self.assertIn("bank transfer", document._get_online_payment_error())

    def test_it_is_not_offered_where_all_that_is_open_is_disputed(self):
        document = self.new_invoices(1)
        vals = {"move_id": document.id, "reason": "Wrong numbers"}
        dispute = self.env["lead.dispute"].create({**vals, "amount": 4})
        self.assertTrue(document._has_to_be_paid())
        dispute.action_withdraw()
        dispute.create({**vals, "scope": "whole"})
        self.assertFalse(document._has_to_be_paid())
        self.assertIn("disputed", document._get_online_payment_error())

    def test_of_many_it_is_offered_for_those_up_to_the_maximum(self):
        invoices = self.new_invoices(5)
        self.assertEqual(invoices.mapped("amount_total"), [10, 11, 12, 13, 14])
        for maximum in range(9, 15):
            self.providers.maximum_amount = maximum
            invoices.invalidate_recordset()
            offered = invoices.filtered(lambda move: move._has_to_be_paid())
            self.assertEqual(offered, invoices[: maximum - 9])

    def test_as_many_queries_for_many_as_for_few(self):
        invoices = self.new_invoices(7)
        for maximum in (0, 20, 5):
            self.providers.maximum_amount = maximum
            with self.subTest(maximum=maximum):
                few = self.count_queries(invoices[:4])
                self.assertLessEqual(self.count_queries(invoices), few)
