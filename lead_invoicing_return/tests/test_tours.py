"""A buyer asks for returns, a clerk decides: in a real browser, on desk and phone."""

from odoo.tests import tagged

from .tours import ReturnTourCommon


class BuyerTours:
    def test_a_buyer_asks_for_returns_with_a_file(self):
        self.start_tour("/my", "lead_invoicing_return_buyer_asks", login="tour_buyer")
        requests = self.requests.search([], order="id")
        self.assertEqual(requests.mapped("lead_ref"), ["L1", "L2"])
        self.assertEqual(set(requests.mapped("note")), {"Nobody answers."})

    def test_a_buyer_compares_its_list(self):
        self.start_tour(
            "/my/compare-leads",
            "lead_invoicing_return_buyer_compares",
            login="tour_buyer",
        )
        self.assertEqual(
            {request.lead_ref: request.amount for request in self.requests.search([])},
            {"L3": 10, "L2": 2},
        )


@tagged("post_install", "-at_install")
class TestTours(BuyerTours, ReturnTourCommon):
    # Odoo's loader would leave out what is inherited.
    allow_inherited_tests_method = True

    def test_a_clerk_decides(self):
        self.ask_for_all()
        self.walk("decides")
        requests = self.requests.search([], order="id")
        self.assertEqual(requests.mapped("state"), ["accepted", "accepted", "declined"])
        self.assertEqual(requests[2].answer, "We reached her.")


@tagged("post_install", "-at_install", "long")
class TestPhoneTours(BuyerTours, ReturnTourCommon):
    allow_inherited_tests_method = True

    browser_size = "390x844"
    touch_enabled = True

    def test_a_clerk_decides(self):
        self.ask_for_all()
        self.walk("decides_on_a_phone")
        self.assertIn("declined", self.requests.search([]).mapped("state"))
