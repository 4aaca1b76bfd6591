"""Requests for sales whose price was corrected."""

from datetime import timedelta

from freezegun import freeze_time

from odoo.tests import tagged

from odoo.addons.lead_invoicing.recording.file_formats import FileFormats

from ..recording.lists import ListedLead
from ..report.comparison import Comparison
from .common import NOW, ReturnRequestCommon


@tagged("post_install", "-at_install")
class TestCorrections(ReturnRequestCommon):
    def setUp(self):
        super().setUp()
        self.startPatcher(freeze_time(NOW))
        self.sale = self.new_sale(lead_ref="L1")

    def correct(self, price, ref="C1"):
        """Let the platform correct the price of the sale; return what is in force."""
        (answer,) = self.record(
            {
                "external_ref": ref,
                "type": "correction",
                "origin_external_ref": self.sale.external_ref,
                "occurred_at": "2026-11-05T12:00:00Z",
                "buyer_ref": self.buyer.ref,
                "lead_type": "EDU",
                "price": price,
            }
        )
        self.assertEqual(answer["status"], "created", answer["message"])
        return self.env["lead.sale"].browse(answer["id"])

    def test_it_is_for_what_is_in_force_by_whatever_name(self):
        corrected = self.correct(7)
        for word in (self.sale.external_ref, "L1", "C1"):
            self.assertEqual(self.ask(word), {word: "requested"})
            request = self.requests.search([], limit=1)
            self.assertEqual((request.sale_id, request.amount), (corrected, 7))
            request.sudo()._withdraw()
        request = self.new_request(self.sale)
        self.assertEqual((request.sale_id, request.amount), (corrected, 7))
        request.action_accept()
        self.assertEqual(request.return_id.origin_id, corrected)
        self.generate()

    def test_one_that_was_asked_for_before_is_known_and_follows(self):
        request = self.new_request(self.sale)
        corrected = self.correct(12)
        self.assertEqual(self.ask("L1", "C1"), {"L1": "known", "C1": "known"})
        request.action_accept()
        self.assertEqual((request.sale_id, request.amount), (corrected, 12))
        self.assertFalse(request.return_id.price_adjustment)
        self.generate()

    def test_a_part_of_the_price_stays_that_part(self):
        request = self.new_request(self.sale, amount=3)
        corrected = self.correct(7)
        request.action_accept()
        self.assertEqual((request.sale_id, request.amount), (corrected, 3))
        self.assertTrue(request.return_id.price_adjustment)
        self.generate()

    def test_the_platforms_return_is_known_through_a_correction(self):
        request = self.new_request(self.sale, amount=4)
        with freeze_time("2026-11-05"):
            request.action_accept()
        self.correct(9)
        answer = self.record_return(
            self.sale, price="4", occurred_at="2026-11-06T11:00:00Z"
        )
        self.assertEqual(answer["status"], "duplicate", answer)
        self.assertEqual(answer["id"], request.return_id.id)

    def test_the_days_are_those_since_the_purchase(self):
        self.correct(7)
        self.edu.return_request_days = 1
        self.assertEqual(self.ask("L1"), {"L1": "refused"})
        # A correction is no lead purchased.
        self.edu.return_request_days = 0
        self.edu.return_request_share = 60
        self.assertEqual(self.ask("L1"), {"L1": "refused"})

    def test_the_report_marks_what_is_in_force(self):
        self.correct(7)
        requests = self.requests.sudo()
        references = [self.sale.external_ref, "C1"]
        marks = requests._get_marks(self.buyer, references)
        self.assertEqual(marks, {"C1": requests.browse()})
        self.ask("L1")
        request = requests.search([])
        marks = requests._get_marks(self.buyer, references)
        self.assertEqual(marks, dict.fromkeys(references, request))

    def test_the_list_is_compared_with_the_price_in_force(self):
        self.correct(7)
        for price, kind in (("7.00", "same"), ("10.00", "other_price")):
            for lead in (
                ListedLead(1, lead="L1", price=price),
                ListedLead(1, reference=self.sale.external_ref, price=price),
            ):
                comparison = Comparison(
                    self.requests.sudo().env,
                    self.buyer,
                    [lead],
                    NOW - timedelta(days=7),
                    NOW,
                    FileFormats(None, {}),
                )
                found = comparison.same or len(comparison.other_price)
                self.assertEqual((found, bool(comparison.same)), (1, kind == "same"))
                self.assertFalse(comparison.not_received or comparison.not_charged)
