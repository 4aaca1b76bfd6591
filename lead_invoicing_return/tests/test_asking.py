"""How a buyer asks for returns, and what keeps one from it."""

from datetime import timedelta

from freezegun import freeze_time

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from .common import NOW, ReturnRequestCommon


@tagged("post_install", "-at_install")
class TestAsking(ReturnRequestCommon):
    def setUp(self):
        super().setUp()
        self.startPatcher(freeze_time(NOW))

    def sentence(self, word):
        return next(o.sentence for o in self.outcomes if o.word == word)

    def test_leads_are_named_by_reference_or_by_id(self):
        first, second = self.new_sale(lead_ref="L1"), self.new_sale(lead_ref="L2")
        self.assertEqual(
            self.ask(first.external_ref, "L2", reason=self.reason, note="Rang twice"),
            {first.external_ref: "requested", "L2": "requested"},
        )
        requests = self.requests.search([], order="id")
        self.assertEqual(requests.sale_id, first + second)
        self.assertEqual(requests.reason_id, self.reason)
        self.assertEqual(set(requests.mapped("note")), {"Rang twice"})

    def test_nothing_is_asked_for_twice(self):
        sale = self.new_sale(lead_ref="L1")
        self.assertEqual(
            self.ask("L1", sale.external_ref),
            {"L1": "requested", sale.external_ref: "refused"},
        )
        self.assertIn("twice", self.sentence(sale.external_ref))
        self.assertEqual(self.ask("L1"), {"L1": "known"})
        self.assertEqual(self.requests.search_count([]), 1)

    def test_a_lead_that_fits_several_sales_is_told_not_chosen(self):
        sales = [self.new_sale(lead_ref="L1") for _number in range(2)]
        self.assertEqual(self.ask("L1"), {"L1": "refused"})
        for sale in sales:
            self.assertIn(sale.external_ref, self.sentence("L1"))
        self.assertFalse(self.requests.search([]))
        # The only one that is left is meant.
        self.new_return(sales[0])
        self.assertEqual(self.ask("L1"), {"L1": "requested"})
        self.assertEqual(self.requests.search([]).sale_id, sales[1])

    def test_others_leads_are_unknown(self):
        theirs = self.new_sale(self.other_buyer, lead_ref="L1")
        for word in (theirs.external_ref, "L1", "nothing"):
            self.assertEqual(self.ask(word), {word: "refused"})
            self.assertIn("You purchased no lead", self.sentence(word))

    def test_the_leads_of_a_sub_account_are_the_buyers(self):
        branch = self.env["res.partner"].create(
            {"name": "Branch", "ref": "branch", "parent_id": self.buyer.id}
        )
        sale = self.new_sale(branch)
        self.assertEqual(self.ask(sale.external_ref), {sale.external_ref: "requested"})

    def test_what_was_returned_waived_declined_or_credited_is_refused(self):
        returned, waived, declined = (
            self.new_sale(lead_ref=f"L{number}") for number in range(3)
        )
        credited = self.new_sale(lead_ref="L3")
        self.new_return(returned)
        waived._waive("Goodwill")
        self.new_request(declined).action_decline("We reached her.")
        self.invoice(credited)
        credited.invoice_id.sudo().lead_credited = True
        self.assertEqual(set(self.ask("L0", "L1", "L2", "L3").values()), {"refused"})
        for word, text in (
            ("L0", "already been returned"),
            ("L1", "not charged"),
            ("L2", "We reached her."),
            ("L3", "already been credited"),
        ):
            self.assertIn(text, self.sentence(word))

    def test_after_the_days_of_the_lead_type_it_is_too_late(self):
        self.edu.return_request_days = 3
        old = self.new_sale(at="2026-11-03T11:59:59Z")
        new = self.new_sale(at="2026-11-03T12:00:01Z")
        self.assertEqual(
            self.ask(old.external_ref, new.external_ref),
            {old.external_ref: "refused", new.external_ref: "requested"},
        )
        self.assertIn("more than 3 days ago", self.sentence(old.external_ref))

    def test_the_share_of_the_lead_type_is_kept(self):
        self.edu.return_request_share = 20
        sales = [self.new_sale() for _number in range(14)]
        self.new_sale(at="2026-10-01T12:00:00Z")  # more than 30 days ago
        words = [sale.external_ref for sale in sales]
        states = list(self.ask(*words[:3]).values())
        self.assertEqual(states, ["requested", "requested", "refused"])
        self.assertIn("at most 20%", self.sentence(words[2]))
        # What is declined or withdrawn does not count, what is accepted does.
        first, second = self.requests.search([], order="id")
        first.with_user(self.billing_user).action_accept()
        self.assertEqual(list(self.ask(words[2]).values()), ["refused"])
        second.sudo()._withdraw()
        self.assertEqual(list(self.ask(words[2]).values()), ["requested"])
        with freeze_time(NOW + timedelta(days=31)):
            self.edu.return_request_share = 100
            self.assertEqual(list(self.ask(words[3]).values()), ["refused"])

    def test_a_part_of_the_price_can_be_asked_for(self):
        sale = self.new_sale()
        self.ask({sale.external_ref: 2.5})
        self.assertEqual(self.requests.search([]).amount, 2.5)
        other = self.new_sale()
        self.assertEqual(list(self.ask({other.external_ref: 11}).values()), ["refused"])

    def test_up_to_the_buyers_share_it_is_accepted_automatically(self):
        self.buyer.lead_return_auto_share = 10
        sales = [self.new_sale() for _number in range(19)]
        words = [sale.external_ref for sale in sales]
        states = list(self.ask(*words[:2], reason=self.reason).values())
        self.assertEqual(states, ["accepted", "requested"])
        accepted, waiting = self.requests.search([], order="id")
        self.assertEqual(accepted.return_id.external_ref, accepted.name)
        self.assertEqual(accepted.return_id.reason_id, self.reason)
        self.assertTrue(accepted.is_automatic)
        self.assertFalse(accepted.decided_by_id)
        self.assertFalse(waiting.return_id)
        # By a person, more can be accepted; then nothing is by itself.
        waiting.with_user(self.billing_user).action_accept()
        self.assertEqual(list(self.ask(words[2]).values()), ["requested"])
        other = self.new_sale(self.other_buyer)
        states = self.ask(other.external_ref, buyer=self.other_buyer)
        self.assertEqual(list(states.values()), ["requested"])

    def test_limits_are_numbers_that_make_sense(self):
        for record, vals in (
            (self.edu, {"return_request_days": -1}),
            (self.edu, {"return_request_share": 101}),
            (self.buyer, {"lead_return_auto_share": -0.1}),
        ):
            with self.assertRaises(ValidationError):
                record.write(vals)

    def test_so_many_at_once(self):
        with self.assertRaisesRegex(UserError, "at most 2000"):
            self.ask(*(str(number) for number in range(2001)))

    def test_it_takes_as_many_queries_for_many_as_for_few(self):
        sales = [self.new_sale() for _number in range(60)]
        words = [sale.external_ref for sale in sales]
        counts = []
        self.ask(words[0])
        for some in (words[1:5], words[5:55]):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.ask(*some)
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
        # Odoo writes the messages of new records in batches of their own.
        self.assertLess(counts[1] - counts[0], 10, counts)
