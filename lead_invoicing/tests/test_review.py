from unittest.mock import patch

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from ..models import lead_invoice_run_buyer_review
from .common.generation import GENERATION, WEEK, GenerationCommon


@tagged("post_install", "-at_install")
class TestReview(GenerationCommon):
    """What looks wrong stays in draft, one by one, until a person posts it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.activity_type = cls.env.ref(
            "lead_invoicing.mail_activity_type_lead_invoicing"
        )
        cls.other = cls.new_buyer("Buyer B")

    def assert_kept(self, document, words):
        """The document is a draft, with its reason and one activity that says it."""
        self.assertEqual(document.state, "draft")
        self.assertIn(words, document.lead_review_reason)
        activity = document.activity_ids
        self.assertEqual(activity.activity_type_id, self.activity_type)
        self.assertEqual(activity.user_id, self.cycle.user_id)
        self.assertIn(words, activity.note.replace("&nbsp;", "\xa0"))
        self.assertEqual(document.lead_run_buyer_id.problem.count(words), 1)
        self.assertEqual(document.lead_run_buyer_id.state, "done")
        self.assert_ties_out(document)

    def assert_posted(self, documents):
        self.assertEqual(set(documents.mapped("state")), {"posted"})
        self.assertFalse(documents.filtered("lead_review_reason"))
        self.assertFalse(documents.activity_ids)

    def sell_weeks(self, *counts, buyer=None, price="10.00"):
        """Sell so many leads in one week after the other, and invoice each week.

        :return: the documents
        """
        documents = self.env["account.move"]
        for week, count in enumerate(counts):
            for _number in range(count):
                self.new_sale(buyer, price, f"2026-11-{4 + 7 * week:02}T12:00:00Z")
            documents += self.generate(GENERATION + week * WEEK)
        return documents

    # Checks

    def test_nothing_is_checked_unless_the_company_wants_it(self):
        self.new_sale(price="0.00", lead_ref="L1")
        self.new_sale(lead_ref="L1")
        self.assert_posted(self.generate())

    def test_a_zero_price_stays_in_draft_and_the_others_are_posted(self):
        self.company.lead_review_zero_price = True
        self.new_sale(price="0.00")
        self.new_sale()
        self.new_sale(self.other)
        kept, posted = self.generate().sorted(lambda move: move.partner_id.id)
        self.assert_kept(kept, "zero price: 1.")
        self.assert_posted(posted)
        self.assertEqual(kept.lead_run_id.state, "done")

    def test_what_is_returned_to_nothing_is_no_zero_price(self):
        self.company.lead_review_zero_price = True
        self.new_return(self.new_sale(), price="4.00")
        self.assert_posted(self.generate())

    def test_drafts_of_a_cycle_that_leaves_drafts_are_not_checked(self):
        self.company.lead_review_zero_price = True
        self.cycle.posting = "draft"
        self.new_sale(price="0.00")
        document = self.generate()
        self.assertEqual(document.state, "draft")
        self.assertFalse(document.lead_review_reason)
        self.assertFalse(document.activity_ids)

    def test_the_same_lead_twice_on_a_document(self):
        self.company.lead_review_same_lead = True
        self.new_sale(lead_ref="L1")
        self.new_sale(lead_ref="L1")
        self.new_sale(self.other, lead_ref="L1")
        kept, posted = self.generate().sorted(lambda move: move.partner_id.id)
        self.assert_kept(kept, "more than once: 1 (L1).")
        self.assert_posted(posted)

    def test_a_lead_that_was_billed_to_this_buyer_before(self):
        self.company.lead_review_same_lead = True
        self.new_sale(lead_ref="L1")
        self.new_sale(self.other, lead_ref="L2")
        self.assert_posted(self.generate())
        self.new_sale(lead_ref="L1", at="2026-11-11T12:00:00Z")
        self.new_sale(self.other, lead_ref="L1", at="2026-11-11T12:00:00Z")
        kept, posted = self.generate(GENERATION + WEEK).sorted(
            lambda move: move.partner_id.id
        )
        self.assert_kept(kept, "L1")
        self.assert_posted(posted)

    def test_a_returned_lead_may_be_sold_again(self):
        self.company.lead_review_same_lead = True
        self.new_return(self.new_sale(lead_ref="L1"))
        self.new_sale(lead_ref="L1", price="12.00")
        self.assert_posted(self.generate())

    def test_a_lead_of_a_reversed_invoice_may_be_sold_again(self):
        self.company.lead_review_same_lead = True
        self.new_sale(lead_ref="L1")
        invoice = self.generate()
        invoice._reverse_moves([{"invoice_date": invoice.invoice_date}], cancel=True)
        self.assertTrue(invoice.lead_credited)
        self.new_sale(lead_ref="L1", at="2026-11-11T12:00:00Z")
        self.assert_posted(self.generate(GENERATION + WEEK))

    def test_far_more_leads_than_usual(self):
        self.company.lead_review_volume_factor = 2
        documents = self.sell_weeks(2, 2, 5)
        self.assert_posted(documents[:2])
        self.assert_kept(documents[2], "purchased 5, amount $\xa050.00.")
        self.assertIn(
            "purchased 2.0, amount $\xa020.00.", documents[2].lead_review_reason
        )

    def test_the_factor_itself_is_not_beyond_it(self):
        self.company.lead_review_volume_factor = 2
        self.assert_posted(self.sell_weeks(2, 4))

    def test_far_more_money_than_usual(self):
        self.company.lead_review_volume_factor = 2
        self.assert_posted(self.sell_weeks(1))
        self.new_sale(price="20.01", at="2026-11-11T12:00:00Z")
        self.assert_kept(self.generate(GENERATION + WEEK), "amount $\xa020.01.")

    def test_only_the_last_windows_of_the_buyer_itself_count(self):
        self.company.lead_review_volume_factor = 2
        with patch.object(lead_invoice_run_buyer_review, "PAST_WINDOWS", 2):
            documents = self.sell_weeks(9, 1, 1)
            self.new_sale(at="2026-11-25T12:00:00Z")
            self.new_sale(at="2026-11-25T12:00:00Z")
            self.new_sale(at="2026-11-25T12:00:00Z")
            for _number in range(9):
                self.new_sale(self.other, at="2026-11-25T12:00:00Z")
            kept, posted = self.generate(GENERATION + 3 * WEEK).sorted(
                lambda move: move.partner_id.id
            )
        self.assert_posted(documents)
        self.assert_kept(kept, "purchased 3,")
        self.assert_posted(posted)

    def test_a_split_buyer_is_compared_as_a_whole(self):
        self.company.lead_review_volume_factor = 2
        self.assert_posted(self.sell_weeks(4))
        self.buyer.lead_invoice_split = "lead_type"
        for lead_type in ("EDU", "AUTO"):
            for _number in range(4):
                self.new_sale(at="2026-11-11T12:00:00Z", lead_type=lead_type)
        self.assert_posted(self.generate(GENERATION + WEEK))

    def test_a_factor_below_one_is_refused(self):
        for factor in (-1, 0.5):
            with self.assertRaisesRegex(ValidationError, "from 1 to 1000"):
                self.company.lead_review_volume_factor = factor

    def test_several_reasons_and_those_of_another_addon(self):
        self.company.lead_review_zero_price = True
        self.company.lead_review_same_lead = True
        self.new_sale(price="0.00", lead_ref="L1")
        self.new_sale(lead_ref="L1")
        items = self.env.registry["lead.invoice.run.buyer"]
        original = items._get_review_reasons

        def with_own_check(items, documents, moves):
            reasons = original(items, documents, moves)
            self.assertEqual(len(documents), len(moves))
            reasons[moves].append("Too beautiful.")
            return reasons

        with patch.object(items, "_get_review_reasons", with_own_check):
            document = self.generate()
        self.assert_kept(document, "Too beautiful.")
        self.assertEqual(len(document.lead_review_reason.splitlines()), 3)

    # Deciding

    def keep_two(self):
        """Let the drafts of both buyers be kept; return them."""
        self.company.lead_review_zero_price = True
        self.new_sale(price="0.00")
        self.new_sale(self.other, price="0.00")
        documents = self.generate().sorted(lambda move: move.partner_id.id)
        self.assertEqual(set(documents.mapped("state")), {"draft"})
        return documents

    def test_drafts_are_posted_together(self):
        documents = self.keep_two()
        action = documents.with_user(self.billing_user).action_lead_post()
        self.assert_posted(documents)
        self.assertEqual(action["params"]["message"], "Documents confirmed: 2.")
        self.assertEqual(action["params"]["type"], "success")
        self.assertFalse(documents.filtered("lead_delivery_state"))

    def test_drafts_are_posted_and_sent_together(self):
        documents = self.keep_two()
        self.cycle.posting = "send"
        documents.with_user(self.billing_user).action_lead_post_and_send()
        self.assert_posted(documents)
        self.assertEqual(set(documents.mapped("lead_delivery_state")), {"to_send"})

    def test_with_posting_send_only_what_looks_right_is_sent(self):
        self.cycle.posting = "send"
        self.company.lead_review_zero_price = True
        self.new_sale(price="0.00")
        self.new_sale(self.other)
        kept, sent = self.generate().sorted(lambda move: move.partner_id.id)
        self.assert_kept(kept, "zero price")
        self.assertFalse(kept.lead_delivery_state)
        self.assertTrue(sent.lead_delivery_state)

    def test_one_that_cannot_be_posted_does_not_hold_up_the_others(self):
        documents = self.keep_two()
        # Its leads are gone: it bills nothing any more.
        bad, good = documents
        bad.invoice_line_ids._release_lead_sales()
        action = documents.with_user(self.billing_user).action_lead_post()
        self.assertEqual(bad.state, "draft")
        self.assertTrue(bad.lead_review_reason)
        self.assertTrue(bad.activity_ids)
        self.assert_posted(good)
        message = action["params"]["message"]
        self.assertIn("Documents confirmed: 1.", message)
        self.assertIn("Buyer A", message)
        self.assertIn("were released", message)
        self.assertEqual(action["params"]["type"], "warning")

    def test_posting_by_odoos_own_button_settles_the_review(self):
        documents = self.keep_two()
        documents.with_user(self.billing_user).action_post()
        self.assert_posted(documents)

    def test_a_cancelled_draft_is_not_to_be_reviewed(self):
        document = self.keep_two()[0]
        document.button_cancel()
        self.assertFalse(document.lead_review_reason)
        self.assertFalse(document.activity_ids)

    def test_an_uncovered_prepaid_buyer_is_told_of_when_it_is_posted(self):
        self.company.lead_review_same_lead = True
        self.buyer.lead_billing_mode = "prepaid"
        self.new_sale(lead_ref="L1")
        self.new_sale(lead_ref="L1")
        document = self.generate()
        self.assert_kept(document, "L1")
        document.with_user(self.billing_user).action_lead_post()
        self.assertEqual(document.state, "posted")
        self.assertIn("is still due", document.activity_ids.note)
        self.assertIn("is still due", document.lead_run_buyer_id.message)

    def test_only_drafts_of_runs_are_posted_so(self):
        documents = self.keep_two()
        documents.action_lead_post()
        by_hand = documents[0].copy()
        for moves in (documents, by_hand):
            with self.assertRaisesRegex(UserError, "Select drafts"):
                moves.with_user(self.billing_user).action_lead_post()
        self.assertEqual(by_hand.state, "draft")

    # Rights

    def test_who_may_post_and_who_writes_the_reason(self):
        documents = self.keep_two()
        for user in (self.plain_user, self.integrator, self.portal_user):
            for method in ("action_lead_post", "action_lead_post_and_send"):
                with self.subTest(user=user.login), self.assertRaises(AccessError):
                    getattr(documents.with_user(user), method)()
        with self.assertRaisesRegex(UserError, "sets this itself"):
            documents.with_user(self.billing_user).write({"lead_review_reason": "x"})

    def test_the_list_to_review_shows_the_drafts_of_runs(self):
        documents = self.keep_two()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "lead_invoicing.action_lead_invoices_review"
        )
        moves = self.env["account.move"].with_user(self.billing_user)
        domain = [("lead_run_id", "!=", False), ("state", "=", "draft")]
        self.assertEqual(moves.search(domain), documents.sorted("id", reverse=True))
        view = moves.get_view(dict(map(reversed, action["views"]))["list"], "list")
        self.assertIn("action_lead_post_and_send", view["arch"])
        self.assertIn("lead_review_reason", view["arch"])
