from odoo.addons.lead_invoicing.tests.common.overview import OverviewCommon

from .common import ReturnRequestCommon


class TestRequestsOnTheOverview(OverviewCommon, ReturnRequestCommon):
    def test_requests_to_decide_with_what_is_asked_for(self):
        self.assertTrue(self.get_card("requests").is_calm)
        first = self.new_request(self.new_sale(price="10.00"))
        second = self.new_request(self.new_sale(price="20.00"), amount=4)
        self.assert_adds_up("requests", 2, {"USD": 14.0})
        first.action_accept()
        self.assert_adds_up("requests", 1, {"USD": 4.0})
        second.answer = "We have reached them."
        second.action_decline()
        self.assertTrue(self.get_card("requests").is_calm)
