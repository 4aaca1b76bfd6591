"""A buyer asks for returns, a clerk decides: in a real browser, on desk and phone."""

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


@tagged("post_install", "-at_install")
class TestPhoneTours(BuyerTours, ReturnTourCommon):
    allow_inherited_tests_method = True

    browser_size = "390x844"
    touch_enabled = True

    def test_a_clerk_decides(self):
        self.ask_for_all()
        self.walk("decides_on_a_phone")
        self.assertIn("declined", self.requests.search([]).mapped("state"))
