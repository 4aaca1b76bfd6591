"""Buyers pay in a real browser, on a desk and on a phone."""

from odoo.tests import HttpCase, new_test_user, tagged

from .common import RechargeCommon


class TourCommon(RechargeCommon, HttpCase):
    def setUp(self):
        super().setUp()
        country = self.env.ref("base.us")
        self.company.country_id = country
        chris = self.env["res.partner"].create(
            {
                "name": "Chris",
                "parent_id": self.buyer.id,
                "email": "c@example.com",
                "country_id": country.id,
            }
        )
        new_test_user(
            self.env,
            login="tour_buyer",
            name="Chris",
            password="tour_buyer",
            groups="base.group_portal",
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
            partner_id=chris.id,
        )

    def walk(self, tour, url):
        self.start_tour(url, f"lead_invoicing_buyer_{tour}", login="tour_buyer")
        self.env.invalidate_all()


class BuyerTours:
    def test_a_buyer_tops_up_online(self):
        # Its row, of a date, a reference, an amount and a state, is as wide as any.
        self.env["lead.top.up"].create({"partner_id": self.buyer.id, "amount": 1234.5})
        before = self.get_balance()
        self.walk("tops_up", "/my")
        self.assertEqual(self.get_balance() - before, 250)
        self.assertEqual(self.payments.amount, 250)

    def test_a_buyer_disputes_a_part_and_pays_the_rest(self):
        self.buyer.lead_billing_mode = "credit"
        for number, price in enumerate(("12.00", "30.00"), start=1):
            self.new_sale(price=price, lead_ref=f"L{number}")
        invoice = self.generate()
        self.walk("disputes_and_pays", "/my/invoices")
        dispute = self.env["lead.dispute"].search([("move_id", "=", invoice.id)])
        self.assertEqual((dispute.state, dispute.amount), ("open", 12))
        self.assertEqual(self.payments.amount, 30)
        self.assertEqual(self.payments.reconciled_invoice_ids, invoice)
        self.assertEqual(invoice.amount_residual, 12)
        self.assertEqual(invoice._get_lead_amount_to_pay(), 0)


@tagged("post_install", "-at_install", "-clock")
class TestTours(BuyerTours, TourCommon):
    # Odoo's loader would leave out what is inherited.
    allow_inherited_tests_method = True


@tagged("post_install", "-at_install", "long", "-clock")
class TestPhoneTours(BuyerTours, TourCommon):
    allow_inherited_tests_method = True
    browser_size = "390x844"
    touch_enabled = True
