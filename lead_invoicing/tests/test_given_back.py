from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import new_test_user, tagged

from .common.generation import GENERATION, WEEK
from .common.given_back import GivenBackCommon


@tagged("post_install", "-at_install")
class TestGivenBackOnce(GivenBackCommon):
    """What was billed for a lead, less what was given back of it, by whatever way, is
    never below zero nor above its price."""

    def bill_and_return(self, policy="credit_unpaid"):
        """Bill sales of 20 and 80; the next run gives back the first."""
        self.company.lead_return_policy = policy
        small, big = self.new_sale(price="20.00"), self.new_sale(price="80.00")
        invoice = self.generate()
        self.assertEqual(invoice.amount_total, 100)
        back = self.return_later(small)
        self.generate(self.SECOND)
        self.assertEqual(back.billing_state, "invoiced")
        self.assertEqual(self.owed(), 80)
        return invoice, small, big, back

    def test_a_full_reversal_gives_back_what_is_left_by_any_policy(self):
        for policy in ("net", "credit_note", "credit_unpaid"):
            with self.subTest(policy=policy), self.env.cr.savepoint() as savepoint:
                invoice, _small, big, back = self.bill_and_return(policy)
                credit_note = self.reverse(invoice)
                self.assertEqual(credit_note.amount_total, 80)
                credit_note.action_post()
                self.assertEqual(self.owed(), 0)
                self.assertTrue(invoice.lead_credited)
                self.assertEqual(big.billing_state, "credited")
                self.assertEqual(back.billing_state, "invoiced")
                savepoint.rollback()
            self.env.invalidate_all()

    def test_a_reversal_names_what_it_leaves_out(self):
        invoice, small, _big, back = self.bill_and_return()
        credit_note = self.reverse(invoice)
        for text in (credit_note.narration, credit_note.message_ids.mapped("body")):
            text = str(text)
            self.assertIn(small.external_ref, text)
            self.assertIn("20.00", text)
            self.assertIn(back.invoice_id.name, text)

    def test_any_accountant_reverses_what_is_left(self):
        invoice, *_sales = self.bill_and_return()
        accountant = new_test_user(
            self.env,
            "only_an_accountant",
            groups="base.group_user,account.group_account_manager",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        credit_note = self.reverse(invoice, accountant)
        credit_note.action_post()
        self.assertEqual(credit_note.amount_total, 80)
        self.assertEqual(self.owed(), 0)

    def test_nothing_is_left_for_a_second_reversal(self):
        invoice, *_sales = self.bill_and_return()
        self.reverse(invoice).action_post()
        with self.assertRaisesRegex(UserError, "already been credited in full"):
            self.reverse(invoice)
        self.assertEqual(self.owed(), 0)

    def test_nothing_is_left_of_what_was_returned_in_full(self):
        sale = self.new_sale()
        invoice = self.generate()
        self.return_later(sale)
        self.generate(self.SECOND)
        with self.assertRaisesRegex(UserError, "already been credited in full"):
            self.reverse(invoice)
        self.assertEqual(sale.billing_state, "invoiced")

    def test_of_two_reversals_made_before_either_was_posted_one_stays(self):
        self.new_sale()
        invoice = self.generate()
        first, second = self.reverse(invoice), self.reverse(invoice)
        first.action_post()
        second.action_post()
        self.assertEqual((first.state, second.state), ("posted", "draft"))
        self.assertIn("more than the total", second.lead_review_reason)
        self.assertTrue(second.activity_ids)
        self.assertEqual(self.owed(), 0)

    def test_a_price_adjustment_is_left_out(self):
        sale = self.new_sale(price="20.00")
        invoice = self.generate()
        self.return_later(sale, "5.00")
        self.generate(self.SECOND)
        credit_note = self.reverse(invoice)
        self.assertEqual(credit_note.amount_total, 15)
        credit_note.action_post()
        self.assertTrue(invoice.lead_credited)

    def test_of_a_discounted_line_a_return_is_left_out_at_its_price(self):
        self.cycle.posting = "draft"
        sales = self.new_sale(price="20") + self.new_sale(price="20")
        sales += self.new_sale(price="20") + self.new_sale(price="80")
        invoice = self.generate()
        # One line with several leads, one with a single lead.
        invoice.invoice_line_ids.discount = 25
        invoice.action_post()
        self.cycle.posting = "post"
        for sale in sales[0] + sales[3]:
            self.return_later(sale, 20)
        self.generate(self.SECOND)
        reversal = self.reverse(invoice)
        self.assertEqual(reversal.amount_total, 105 - 40)
        reversal.action_post()
        self.assertEqual(reversal.state, "posted")
        self.assertTrue(invoice.lead_credited)

    def test_returns_and_adjustments_of_one_line_are_left_out(self):
        sales = [self.new_sale(price="20.00") for _number in range(3)]
        invoice = self.generate()
        self.return_later(sales[0])
        self.return_later(sales[1], "5.00")
        self.generate(self.SECOND)
        credit_note = self.reverse(invoice)
        self.assertEqual(credit_note.amount_total, 35)
        credit_note.action_post()
        self.assertEqual(self.owed(), 0)
        self.assertTrue(invoice.lead_credited)

    def test_of_a_line_with_many_prices_the_exact_rest_is_given_back(self):
        sales = [self.new_sale(price=f"1.{cents:02}") for cents in range(12)]
        invoice = self.generate()
        for sale in sales[:5]:
            self.return_later(sale)
        self.generate(self.SECOND)
        credit_note = self.reverse(invoice)
        self.assertEqual(credit_note.amount_total, 7.56)
        credit_note.action_post()
        self.assertEqual(self.owed(), 0)

    def test_taxes_are_given_back_once_too(self):
        self.edu_product.taxes_id = self.company_data["default_tax_sale"]
        invoice, *_sales = self.bill_with_tax()
        credit_note = self.reverse(invoice)
        credit_note.action_post()
        self.assertEqual(self.owed(), 0)
        self.assertTrue(invoice.lead_credited)

    def bill_with_tax(self):
        sales = [self.new_sale(price="9.99") for _number in range(3)]
        sales.append(self.new_sale(price="80.01"))
        invoice = self.generate()
        self.return_later(sales[0])
        self.return_later(sales[3], "0.33")
        self.generate(self.SECOND)
        return invoice, *sales

    def test_a_tax_rounded_on_each_document_holds_up_no_return(self):
        # 0.105 of tax each: 0.33 on the invoice of three, 0.11 on each credit note.
        tax = self.company_data["default_tax_sale"].copy(
            {"amount": 10.5, "name": "10.5%"}
        )
        self.edu_product.taxes_id = tax
        sales = [self.new_sale(price="1.01") for _number in range(3)]
        invoice = self.generate()
        for number, sale in enumerate(sales):
            at = f"2026-11-{10 + 7 * number}T12:00:00Z"
            back = self.new_return(sale, at=at)
            self.generate(GENERATION + (number + 1) * (self.SECOND - GENERATION))
            self.assertEqual(back.billing_state, "invoiced")
        self.assertLess(abs(self.owed()), 0.02)
        with self.assertRaises(UserError):
            self.reverse(invoice)

    def test_a_sale_reversed_and_billed_again_can_be_returned_again(self):
        small, big = self.new_sale(price="20.00"), self.new_sale(price="80.00")
        invoice = self.generate()
        self.return_later(big, "30.00")
        self.generate(self.SECOND)
        self.reverse(invoice).action_post()
        self.assertEqual(self.owed(), 0)
        self.release(invoice)
        self.assertEqual(invoice.lead_amount_difference, 0)
        second = self.generate(self.THIRD)
        self.assertEqual(second.amount_total, 100)
        back = self.new_return(big, at="2026-11-24T12:00:00Z")
        self.assertFalse(back.price_adjustment)
        self.generate(self.THIRD + (self.SECOND - GENERATION))
        self.assertEqual(back.billing_state, "invoiced")
        self.assertEqual(self.owed(), 20)
        credit_note = self.reverse(second)
        self.assertEqual(credit_note.amount_total, 20)
        credit_note.action_post()
        self.assertEqual(self.owed(), 0)
        self.assertEqual((small + big).mapped("billing_state"), ["credited"] * 2)
        self.assertTrue(invoice.lead_credited)

    def test_a_lead_that_was_returned_is_not_released_by_a_reversal(self):
        invoice, small, big, _back = self.bill_and_return()
        self.reverse(invoice).action_post()
        self.release(invoice)
        self.assertEqual(small.billing_state, "credited")
        self.assertEqual(big.billing_state, "unbilled")
        self.assertEqual(self.generate(self.THIRD).amount_total, 80)
        self.assertEqual(invoice.lead_sale_ids, small + big)

    def test_what_gave_back_released_leads_cannot_be_taken_back(self):
        invoice, _small, _big, back = self.bill_and_return("net")
        self.reverse(invoice).action_post()
        self.release(invoice)
        with self.assertRaisesRegex(UserError, "released"):
            back.invoice_id.button_draft()
        with self.assertRaisesRegex(UserError, "released"):
            self.reverse(back.invoice_id).action_post()

    def test_invoice_again_gives_back_all_and_bills_all(self):
        for policy in ("net", "credit_note"):
            with self.subTest(policy=policy), self.env.cr.savepoint() as savepoint:
                invoice, small, big, back = self.bill_and_return(policy)
                again = self.invoice_again(invoice)
                self.assertEqual(again.amount_total, 100)
                reversal = invoice.reversal_move_ids.filtered(
                    lambda move: not move.lead_run_id
                )
                self.assertEqual(reversal.amount_total, 100)
                self.assertTrue(invoice.lead_credited)
                again.action_post()
                self.assertEqual(self.owed(), 80)
                self.assertEqual(
                    (small + big + back).mapped("billing_state"), ["invoiced"] * 3
                )
                self.assert_ties_out(invoice + again + back.invoice_id)
                # The earlier return is one of the new line: it counts once.
                credit_note = self.reverse(again)
                self.assertEqual(credit_note.amount_total, 80)
                credit_note.action_post()
                self.assertEqual(self.owed(), 0)
                savepoint.rollback()
            self.env.invalidate_all()

    def test_a_return_stays_with_the_invoice_that_bills_its_lead_again(self):
        invoice, small, _big, back = self.bill_and_return("net")
        again = self.invoice_again(invoice)
        for take_back in (again.unlink, again.button_cancel):
            with self.assertRaisesRegex(UserError, "were credited on"):
                take_back()
        with self.assertRaisesRegex(UserError, "were credited on"):
            again.invoice_line_ids.filtered(
                lambda line: line == small.invoice_line_id
            ).unlink()
        back.invoice_id.button_draft()
        back.invoice_id.button_cancel()
        again.unlink()
        self.assertEqual(small.billing_state, "unbilled")

    def test_invoice_again_after_all_was_returned(self):
        sale = self.new_sale()
        invoice = self.generate()
        self.return_later(sale)
        self.generate(self.SECOND)
        self.invoice_again(invoice).action_post()
        self.assertEqual(self.owed(), 0)

    def test_invoice_again_after_a_partial_credit_note_gives_back_the_rest(self):
        sale = self.new_sale(price="100.00")
        invoice = self.generate()
        self.credit(invoice, 30)
        again = self.invoice_again(invoice)
        again.action_post()
        self.assertEqual(again.amount_total, 100)
        self.assertEqual(self.owed(), 100)
        self.assertEqual(sale.invoice_id, again)

    def credit(self, invoice, amount):
        """Post a credit note of so much."""
        credit_note = self.reverse(invoice)
        keep = credit_note.invoice_line_ids[:1]
        (credit_note.invoice_line_ids - keep).unlink()
        keep.quantity, keep.price_unit = 1, amount
        credit_note.action_post()
        return credit_note

    def test_a_reversal_leaves_out_partial_credit_notes(self):
        self.new_sale(price="20.00")
        self.new_sale(price="80.00")
        invoice = self.generate()
        partial = self.credit(invoice, 30)
        self.assertEqual((partial.state, partial.amount_total), ("posted", 30))
        self.assertFalse(invoice.lead_credited)
        credit_note = self.reverse(invoice)
        self.assertEqual(credit_note.amount_total, 70)
        self.assertIn(partial.name, credit_note.narration)
        credit_note.action_post()
        self.assertEqual(self.owed(), 0)
        self.assertTrue(invoice.lead_credited)

    def test_a_credit_note_beyond_what_is_left_stays_in_draft(self):
        invoice, *_sales = self.bill_and_return()
        self.credit(invoice, 50)
        too_much = self.credit(invoice, 31)
        self.assertEqual(too_much.state, "draft")
        self.assertIn("1.00", too_much.lead_review_reason)
        self.assertIn(invoice.name, too_much.lead_review_reason)
        too_much.invoice_line_ids.price_unit = 30
        too_much.action_post()
        self.assertEqual(too_much.state, "posted")
        self.assertFalse(too_much.lead_review_reason)
        self.assertTrue(invoice.lead_credited)

    def test_a_runs_document_that_gives_back_too_much_stays_in_draft(self):
        for policy in ("net", "credit_note"):
            with self.subTest(policy=policy), self.env.cr.savepoint() as savepoint:
                self.company.lead_return_policy = policy
                sale = self.new_sale(price="80.00")
                invoice = self.generate()
                self.credit(invoice, 50)
                other = self.new_buyer(f"Other {policy}")
                self.new_sale(other, at="2026-11-10T12:00:00Z")
                self.return_later(sale)
                documents = self.generate(self.SECOND)
                kept = documents.filtered(
                    lambda move: move.commercial_partner_id == self.buyer
                )
                self.assertEqual(kept.state, "draft")
                self.assertIn("50.00", kept.lead_review_reason)
                self.assertEqual((documents - kept).state, "posted")
                self.assertEqual(kept.lead_run_buyer_id.state, "done")
                # The same for whoever posts it afterwards.
                kept.action_lead_post()
                self.assertEqual(kept.state, "draft")
                self.assertEqual(self.owed(), 30)
                savepoint.rollback()
            self.env.invalidate_all()

    def test_partial_credit_notes_and_returns_credit_a_document_together(self):
        small, big = self.new_sale(price="20.00"), self.new_sale(price="80.00")
        invoice = self.generate()
        credit_note = self.credit(invoice, 80)
        self.assertFalse(invoice.lead_credited)
        back = self.return_later(small)
        later = self.generate(self.SECOND)
        self.assertEqual(back.billing_state, "invoiced")
        self.assertTrue(invoice.lead_credited)
        # Nothing is left of the other one either.
        self.assertEqual(self.return_later(big).billing_state, "waived")
        credit_note.button_draft()
        self.assertFalse(invoice.lead_credited)
        later.button_draft()
        self.assertEqual(back.billing_state, "draft")

    def test_another_currency_or_buyer_credits_nothing(self):
        peso = self.env.ref("base.MXN")
        peso.active = True
        sale = self.new_sale(price="30.00")
        invoice = self.generate()
        for vals in ({"currency_id": peso.id}, {"partner_id": self.other_buyer.id}):
            credit_note = self.reverse(invoice)
            credit_note.write(vals)
            credit_note.action_post()
            self.assertEqual(credit_note.state, "posted")
            self.assertFalse(invoice.lead_credited)
            self.assertEqual(sale.billing_state, "invoiced")
        self.reverse(invoice).action_post()
        self.assertTrue(invoice.lead_credited)

    def test_a_credit_note_that_reverses_nothing_counts_not_here(self):
        sale = self.new_sale()
        invoice = self.generate()
        credit_note = self.reverse(invoice).copy()
        self.assertFalse(credit_note.reversed_entry_id)
        credit_note.invoice_date = invoice.invoice_date
        credit_note.action_post()
        self.assertFalse(invoice.lead_credited)
        self.assertEqual(sale.billing_state, "invoiced")

    def test_a_reversed_return_can_be_given_back_by_a_reversal(self):
        invoice, _small, _big, back = self.bill_and_return("net")
        self.reverse(invoice).action_post()
        self.assertTrue(invoice.lead_credited)
        # What takes the return back bills its sale again.
        self.reverse(back.invoice_id).action_post()
        self.assertEqual(back.billing_state, "credited")
        self.assertFalse(invoice.lead_credited)
        self.assertEqual(self.owed(), 20)
        rest = self.reverse(invoice)
        self.assertEqual(rest.amount_total, 20)
        rest.action_post()
        self.assertEqual(self.owed(), 0)
        # The return that is released now has nothing to give back.
        self.release(back.invoice_id)
        self.assertEqual(back.billing_state, "waived")

    def test_reversing_a_netted_credit_note_leaves_out_its_returned_sales(self):
        self.company.lead_return_policy = "net"
        big = self.new_sale(price="80.00")
        self.generate()
        small = self.new_sale(price="50.00", at="2026-11-10T12:00:00Z")
        self.return_later(big)
        netted = self.generate(self.SECOND)
        self.assertEqual((netted.move_type, netted.amount_total), ("out_refund", 30))
        self.new_return(small, at="2026-11-17T12:00:00Z")
        self.generate(self.THIRD)
        self.assertEqual(self.owed(), 0)
        undo = self.reverse(netted)
        self.assertEqual((undo.move_type, undo.amount_total), ("out_invoice", 80))
        undo.action_post()
        self.assertTrue(netted.lead_credited)
        self.assertEqual(self.owed(), 80)

    def test_reversals_of_reversals_count_however_deep(self):
        sale = self.new_sale()
        move = invoice = self.generate()
        for depth in range(1, 5):
            move = self.reverse(move)
            move.action_post()
            self.assertEqual(invoice.lead_credited, depth % 2 == 1)
        self.assertEqual(sale.billing_state, "invoiced")
        self.assertEqual(self.owed(), 10)

    def test_what_is_not_in_the_books_is_not_given_back(self):
        sale = self.new_sale()
        invoice = self.generate()
        draft = self.reverse(invoice)
        invoice.button_cancel()
        draft.action_post()
        self.assertEqual(draft.state, "draft")
        self.assertIn("not posted", draft.lead_review_reason)
        second = self.generate(self.SECOND)
        self.assertEqual(second.lead_sale_ids, sale)
        self.assertEqual(self.owed(), 10)

    def test_a_draft_is_not_given_back_before_it_is_posted(self):
        self.new_sale()
        invoice = self.generate()
        draft = self.reverse(invoice)
        invoice.button_draft()
        draft.action_post()
        self.assertEqual(draft.state, "draft")
        (invoice + draft).action_post()
        self.assertEqual(draft.state, "posted")
        self.assertTrue(invoice.lead_credited)
        self.assertEqual(self.owed(), 0)

    def test_a_return_that_was_taken_back_is_none_of_what_is_billed_anew(self):
        self.company.lead_return_policy = "credit_note"
        sale = self.new_sale()
        invoice = self.generate()
        self.new_return(sale, "4.00", at="2026-11-10T12:00:00Z")
        note = self.generate(self.SECOND)
        undo = self.reverse(note)
        undo.action_post()
        self.assertEqual(self.owed(), 10)
        invoice.button_draft()
        invoice.button_cancel()
        again = self.generate(self.SECOND + WEEK)
        self.assertEqual((again.lead_sale_ids, self.owed()), (sale, 10))
        whole = self.new_return(sale, "10.00", at="2026-11-25T12:00:00Z")
        for take_back in (undo.button_draft, undo.button_cancel):
            with (
                self.assertRaisesRegex(UserError, "not posted"),
                self.env.cr.savepoint(),
            ):
                take_back()
        self.generate(self.SECOND + 2 * WEEK)
        self.assertEqual((whole.billing_state, self.owed()), ("invoiced", 0))

    def test_what_undoes_the_credit_note_of_a_canceled_invoice_stays(self):
        sale = self.new_sale()
        invoice = self.generate()
        credit_note = self.reverse(invoice)
        credit_note.action_post()
        undo = self.reverse(credit_note)
        undo.action_post()
        invoice.button_cancel()
        for take_back in (undo.button_draft, undo.button_cancel):
            with (
                self.assertRaisesRegex(UserError, "not posted"),
                # As the end of a request would, the refusal takes all back.
                self.env.cr.savepoint(),
            ):
                take_back()
        again = self.reverse(undo)
        again.action_post()
        self.assertEqual(again.state, "draft")
        self.assertEqual(self.generate(self.SECOND).lead_sale_ids, sale)
        self.assertEqual(self.owed(), 10)

    def test_what_makes_a_credit_note_count_again_stays_when_a_return_came_since(self):
        sale = self.new_sale()
        move = invoice = self.generate()
        for _number in range(2):
            move = self.reverse(move)
            move.action_post()
        self.return_later(sale)
        self.generate(self.SECOND)
        again = self.reverse(move)
        again.action_post()
        self.assertEqual(again.state, "draft")
        self.assertIn(invoice.name, again.lead_review_reason)
        self.assertEqual(self.owed(), 0)

    def test_what_makes_a_return_count_again_stays_when_its_sale_was_credited_since(
        self,
    ):
        self.company.lead_return_policy = "credit_note"
        sale = self.new_sale()
        invoice = self.generate()
        credit_note = self.reverse(invoice)
        self.return_later(sale, "4.00")
        returned = self.generate(self.SECOND)
        undo = self.reverse(returned)
        undo.action_post()
        credit_note.action_post()
        self.assertEqual((credit_note.state, self.owed()), ("posted", 0))
        again = self.reverse(undo)
        again.action_post()
        self.assertEqual(again.state, "draft")
        self.assertIn(invoice.name, again.lead_review_reason)
        self.assertEqual(self.owed(), 0)

    def test_all_sales_of_a_netted_invoice_can_be_returned(self):
        self.company.lead_return_policy = "net"
        small = self.new_sale(price="50.00")
        self.generate()
        big = self.new_sale(price="80.00", at="2026-11-10T12:00:00Z")
        self.return_later(small)
        netted = self.generate(self.SECOND)
        self.assertEqual((netted.move_type, netted.amount_total), ("out_invoice", 30))
        self.new_return(big, at="2026-11-17T12:00:00Z")
        last = self.generate(self.THIRD)
        self.assertEqual((last.state, last.amount_total), ("posted", 80))
        self.assertEqual(self.owed(), 0)

    def test_more_than_a_credit_note_is_not_undone(self):
        self.new_sale()
        invoice = self.generate()
        credit_note = self.reverse(invoice)
        credit_note.action_post()
        undo = self.reverse(credit_note)
        undo.invoice_line_ids.price_unit = 12
        undo.action_post()
        self.assertEqual(undo.state, "draft")
        self.assertIn("2.00", undo.lead_review_reason)

    def test_what_undoes_a_credit_note_stays_when_a_return_came_since(self):
        sale = self.new_sale()
        invoice = self.generate()
        credit_note = self.reverse(invoice)
        credit_note.action_post()
        undo = self.reverse(credit_note)
        undo.action_post()
        self.return_later(sale)
        self.generate(self.SECOND)
        self.assertEqual(self.owed(), 0)
        for document, sentence in (
            (credit_note, "has been reversed by"),
            (undo, "would exceed the total"),
        ):
            with (
                self.assertRaisesRegex(UserError, sentence),
                # As the end of a request would, the refusal takes all back.
                self.env.cr.savepoint(),
            ):
                document.button_draft()

    def test_deleting_a_draft_reversal_changes_nothing(self):
        invoice, *_sales = self.bill_and_return()
        self.reverse(invoice).unlink()
        self.assertEqual(self.reverse(invoice).amount_total, 80)

    def test_a_document_whose_leads_were_given_back_stays_in_the_books(self):
        invoice, _small, _big, back = self.bill_and_return("net")
        for take_back in (invoice.button_draft, invoice.button_cancel):
            with self.assertRaisesRegex(UserError, "were credited on"):
                take_back()
        (invoice + back.invoice_id).button_draft()
        self.assertEqual(back.billing_state, "draft")

    def test_a_return_is_not_posted_before_its_sale(self):
        self.cycle.posting = "draft"
        self.company.lead_return_policy = "net"
        sale = self.new_sale()
        first = self.generate()
        self.return_later(sale)
        self.new_sale(price="50.00", at="2026-11-10T12:00:00Z")
        second = self.generate(self.SECOND)
        second.action_post()
        self.assertEqual(second.state, "draft")
        self.assertIn(sale.external_ref, second.lead_review_reason)
        (second + first).action_post()
        self.assertEqual((first + second).mapped("state"), ["posted"] * 2)
        self.assertEqual(second.invoice_line_ids.lead_origin_move_id, first)
        with self.assertRaisesRegex(UserError, "already been credited in full"):
            self.reverse(first)

    def test_a_free_document_is_reversed_once(self):
        sale = self.new_sale(price="0")
        invoice = self.generate()
        credit_note = self.reverse(invoice)
        credit_note.action_post()
        self.assertEqual(sale.billing_state, "credited")
        self.reverse(credit_note).action_post()
        self.assertEqual(sale.billing_state, "invoiced")

    def test_other_charges_are_given_back_with_what_is_left(self):
        self.cycle.posting = "draft"
        small, _big = self.new_sale(price="20.00"), self.new_sale(price="80.00")
        invoice = self.generate()
        invoice.invoice_line_ids = [
            Command.create({"name": "Fee", "price_unit": 10, "tax_ids": False})
        ]
        invoice.action_post()
        self.cycle.posting = "post"
        self.return_later(small)
        self.generate(self.SECOND)
        credit_note = self.reverse(invoice)
        self.assertEqual(credit_note.amount_total, 90)


@tagged("post_install", "-at_install")
class TestReturnsAreDecidedWhenClaimed(GivenBackCommon):
    """Whether a return still gives something back is decided as rows are claimed."""

    def free_a_return_of_a_credited_sale(self, free):
        sale = self.new_sale()
        invoice = self.generate()
        self.cycle.posting = "draft"
        back = self.return_later(sale)
        draft = self.generate(self.SECOND)
        self.assertEqual(back.invoice_id, draft)
        self.cycle.posting = "post"
        self.reverse(invoice).action_post()
        free(draft)
        return sale, back

    def test_a_return_freed_after_its_sale_was_credited_holds_up_nothing(self):
        frees = {
            "cancel": lambda draft: draft.button_cancel(),
            "delete": lambda draft: draft.unlink(),
            "delete line": lambda draft: draft.invoice_line_ids.unlink(),
        }
        for name, free in frees.items():
            with self.subTest(name=name), self.env.cr.savepoint() as savepoint:
                _sale, back = self.free_a_return_of_a_credited_sale(free)
                self.assertEqual(back.billing_state, "waived")
                self.assertEqual(self.buyer.lead_unbilled_amount, 0)
                new = self.new_sale(price="7.00", at="2026-11-17T12:00:00Z")
                document = self.generate(self.THIRD)
                self.assertEqual(document.lead_sale_ids, new)
                self.assertEqual(document.lead_run_buyer_id.state, "done")
                savepoint.rollback()
            self.env.invalidate_all()

    def test_a_waiting_return_of_a_credited_sale_is_waived_by_the_run(self):
        _sale, back = self.free_a_return_of_a_credited_sale(lambda d: d.unlink())
        self.env.flush_all()
        # As another transaction may leave it, that did not see the credit note.
        self.env.cr.execute(
            "UPDATE lead_sale SET waived = FALSE, waived_by_credit = FALSE"
            " WHERE id = %s",
            [back.id],
        )
        self.env.invalidate_all()
        new = self.new_sale(price="7.00", at="2026-11-17T12:00:00Z")
        document = self.generate(self.THIRD)
        self.assertEqual(document.lead_sale_ids, new)
        self.assertEqual(back.billing_state, "waived")
        self.assertTrue(back.waived_by_credit)
        self.assertEqual(back.waiver_ids[:1].reason, "already credited")

    def test_a_waiting_return_of_a_waived_sale_is_waived_by_the_run(self):
        sale = self.new_sale(at="2026-11-10T12:00:00Z")
        back = self.new_return(sale, at="2026-11-11T12:00:00Z")
        sale._waive("Goodwill")
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE lead_sale SET waived = FALSE WHERE id = %s", [back.id]
        )
        self.env.invalidate_all()
        wizard = self.env["lead.invoice.wizard"].create({"partner_ids": self.buyer.ids})
        wizard.action_preview()
        self.assertFalse(wizard.line_ids)
        self.assertEqual(back.billing_state, "unbilled")
        self.assertFalse(self.generate(self.SECOND))
        self.assertEqual(back.billing_state, "waived")
        sale._unwaive("Mistake")
        self.assertEqual(back.billing_state, "unbilled")

    def test_a_return_of_what_was_billed_elsewhere_is_billed(self):
        self.company.lead_billing_start = "2026-11-06"
        sale = self.new_sale()
        self.assertEqual(sale.billing_state, "waived")
        back = self.return_later(sale)
        credit_note = self.generate(self.SECOND)
        self.assertEqual(back.billing_state, "invoiced")
        self.assertEqual(credit_note.amount_total, 10)

    def test_a_return_waits_for_a_sale_that_its_cycle_leaves_out(self):
        self.cycle.include_earlier = False
        self.generate()
        late = self.new_sale(at="2026-11-04T12:00:00Z")
        back = self.return_later(late)
        new = self.new_sale(price="7.00", at="2026-11-11T12:00:00Z")
        self.assertEqual(self.generate(self.SECOND).lead_sale_ids, new)
        self.assertEqual(back.billing_state, "unbilled")

    def test_what_is_waived_as_goodwill_stays_so_when_the_billing_start_moves(self):
        sale, other = self.new_sale(), self.new_sale()
        waiting = self.return_later(other)
        sale._waive("goodwill")
        self.company.lead_billing_start = "2026-11-09"
        self.assertTrue(self.return_later(sale).waived)
        # As one that was being recorded when its sale was waived.
        self.env["lead.sale.waiver"].sudo().create(
            {
                "sale_id": other.id,
                "company_id": self.company.id,
                "waived": True,
                "reason": "goodwill",
            }
        )
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE lead_sale SET waived = TRUE WHERE id = %s", [other.id]
        )
        self.env.invalidate_all()
        self.assertFalse(self.generate(self.SECOND))
        self.assertEqual(waiting.billing_state, "waived")
        with self.assertRaisesRegex(UserError, "is waived"):
            waiting._unwaive("no")

    def test_what_was_billed_elsewhere_stays_so_without_a_billing_start(self):
        self.company.lead_billing_start = "2026-11-06"
        sale = self.new_sale()
        self.company.lead_billing_start = False
        back = self.return_later(sale)
        self.assertFalse(back.waived)
        back._waive("by mistake")
        back._unwaive("it is owed")
        self.assertEqual(self.generate(self.SECOND).amount_total, 10)
        self.assertEqual(back.billing_state, "invoiced")

    def test_a_correction_of_goodwill_was_not_billed_elsewhere(self):
        sale = self.new_sale(price="20.00")
        sale._waive("goodwill")
        self.record_all(
            {
                "external_ref": "K1",
                "type": "correction",
                "origin_external_ref": sale.external_ref,
                "occurred_at": "2026-11-05T12:00:00Z",
                "buyer_ref": self.buyer.ref,
                "lead_type": "EDU",
                "price": 15,
            }
        )
        corrected = self.env["lead.sale"].search(
            [("external_ref", "=", "K1"), ("transaction_type", "=", "sale")]
        )
        self.assertTrue(corrected.waived)
        self.assertFalse(corrected._is_history())
        self.assertTrue(self.return_later(corrected).waived)

    def test_amounts_of_other_currencies_are_not_added(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        self.cycle.posting = "draft"
        self.new_sale(price="30.00")
        sale = self.new_sale(price="10.00")
        invoice = self.generate()
        invoice.currency_id = euro
        total = invoice.amount_total
        with freeze_time("2026-11-09 12:00"):
            invoice.action_post()
        self.cycle.posting = "post"
        back = self.return_later(sale)
        self.new_sale(price="100.00", at="2026-11-12T12:00:00Z")
        self.generate(self.SECOND)
        self.assertEqual(back.billing_state, "invoiced")
        self.assertEqual(invoice._get_lead_amount_left()[0], total)
        self.broken_rules = ("transaction_differs_from_line", "tie_out")
