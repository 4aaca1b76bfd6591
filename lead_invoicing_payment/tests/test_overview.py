from odoo.addons.lead_invoicing.tests.common.overview import OverviewCommon

from .common import RechargeCommon


class TestRechargesOnTheOverview(RechargeCommon, OverviewCommon):
    def test_recharges_that_failed_until_the_balance_is_restored(self):
        self.buyer.lead_billing_mode = "prepaid"
        self.assertTrue(self.get_card("recharges").is_calm)
        self.consent(self.new_token(self.person, "error"))
        self.run_job()
        self.assert_adds_up("recharges", 1, {"USD": 500.0})
        self.consent()
        self.run_job()
        self.run_job()
        self.assertTrue(self.get_card("recharges").is_calm)
