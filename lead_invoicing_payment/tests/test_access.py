"""What axe-core finds on the pages of online payment, see the portal's own test; and
where paying online is offered."""

from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.lead_invoicing.tests.common.browser import BrowserCommon, needs_axe

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
    def test_it_is_offered_where_it_works(self):
        self.buyer.lead_billing_mode = "credit"
        self.env["ir.config_parameter"].set_param(
            "account_payment.enable_portal_payment", "True"
        )
        self.new_sale()
        document = self.generate()
        self.assertTrue(document._has_to_be_paid())
        providers = self.env["payment.provider"].search([("state", "!=", "disabled")])
        for maximum, is_offered in ((5, False), (10, True)):
            providers.maximum_amount = maximum
            document.invalidate_recordset()
            self.assertEqual(document._has_to_be_paid(), is_offered)
        providers.state = "disabled"
        document.invalidate_recordset()
        self.assertFalse(document._has_to_be_paid())
        self.assertIn("bank transfer", document._get_online_payment_error())
