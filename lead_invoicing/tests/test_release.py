from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common.generation import GENERATION, WEEK, GenerationCommon


@tagged("post_install", "-at_install")
class TestRelease(GenerationCommon):
    """What happens to leads when their document goes, comes back or is reversed."""

    def test_deleting_a_draft_releases_its_leads(self):
        self.cycle.posting = "draft"
        sale = self.new_sale()
        self.generate().unlink()
        self.assertEqual(sale.billing_state, "unbilled")

    def test_deleting_a_lead_line_releases_its_leads(self):
        self.cycle.posting = "draft"
        degree, auto = self.new_sale(), self.new_sale(lead_type="AUTO")
        invoice = self.generate()
        invoice.invoice_line_ids.filtered(
            lambda line: line.lead_type_id == self.auto
        ).unlink()
        self.assertEqual(degree.billing_state, "draft")
        self.assertEqual(auto.billing_state, "unbilled")

    def test_cancelling_a_posted_invoice_releases_its_leads_and_bills_them_again(self):
        sale = self.new_sale()
        invoice = self.generate()
        invoice.button_cancel()
        self.assertEqual(sale.billing_state, "unbilled")
        self.new_sale(at="2026-11-10T12:00:00Z")
        second = self.generate(GENERATION + WEEK)
        self.assertIn(sale, second.lead_sale_ids)
        # What was cancelled cannot come back and bill them twice.
        invoice.button_draft()
        with self.assertRaisesRegex(UserError, "released"):
            invoice.action_post()

    def test_back_to_draft_keeps_the_leads(self):
        sale = self.new_sale()
        invoice = self.generate()
        invoice.button_draft()
        self.assertEqual(sale.billing_state, "draft")
        invoice.action_post()
        self.assertEqual(sale.billing_state, "invoiced")

    def _reverse(self, invoice, is_modify=False, days=0):
        """Reverse a document as people do, so many days from today."""
        day = fields.Date.add(fields.Date.today(), days=days)
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"journal_id": invoice.journal_id.id, "date": day})
        )
        wizard.reverse_moves(is_modify=is_modify)
        return wizard.new_move_ids

    def test_a_reversed_document_credits_its_leads_until_they_are_released(self):
        sale = self.new_sale()
        waiting_return = self.new_return(sale, at="2026-11-10T12:00:00Z")
        invoice = self.generate()
        credit_note = self._reverse(invoice)
        self.assertEqual(sale.billing_state, "invoiced")
        credit_note.action_post()
        self.assertEqual(sale.billing_state, "credited")
        self.assertEqual(waiting_return.billing_state, "waived")
        self.cycle.next_generation_at = GENERATION
        self.assertFalse(self.generate())
        wizard = self.env["lead.sale.release.wizard"].create(
            {"invoice_ids": invoice.ids, "reason": "Wrong company name"}
        )
        wizard.action_release()
        self.assertEqual(sale.billing_state, "unbilled")
        self.assertEqual(invoice.lead_sale_ids, sale)
        self.assertEqual(invoice.lead_amount_difference, 0)
        release = self.env["lead.sale.release"].search([("sale_id", "=", sale.id)])
        self.assertEqual(release.invoice_id, invoice)
        self.assertEqual(release.reason, "Wrong company name")
        with self.assertRaises(UserError):
            release.reason = "Something else"

    def test_a_partial_credit_note_leaves_the_leads_invoiced(self):
        sale = self.new_sale()
        invoice = self.generate()
        credit_note = self._reverse(invoice)
        credit_note.invoice_line_ids.price_unit = 4
        credit_note.action_post()
        self.assertEqual(sale.billing_state, "invoiced")
        with self.assertRaises(UserError):
            self.env["lead.sale.release.wizard"].create(
                {"invoice_ids": invoice.ids, "reason": "No"}
            ).action_release()

    def test_reverse_and_invoice_again_moves_the_leads_line_by_line(self):
        degree, auto = self.new_sale(), self.new_sale(lead_type="AUTO", price="12.00")
        invoice = self.generate()
        draft = self._reverse(invoice, is_modify=True)
        self.assertEqual(draft.lead_sale_ids, degree + auto)
        self.assertEqual(degree.invoice_line_id.lead_type_id, self.edu)
        self.assertEqual(auto.invoice_line_id.lead_type_id, self.auto)
        self.assertEqual(degree.billing_state, "draft")
        self.assertEqual(invoice.lead_sale_ids, degree + auto)
        self.assert_ties_out(draft + invoice)
        draft.action_post()
        self.assertEqual(degree.billing_state, "invoiced")

    def _waiting_return(self):
        """Invoice a sale; its return waits for the next window."""
        sale = self.new_sale()
        back = self.new_return(sale, at="2026-11-10T12:00:00Z", reason="Wrong number")
        return sale, back, self.generate()

    def _release(self, invoice):
        self.env["lead.sale.release.wizard"].create(
            {"invoice_ids": invoice.ids, "reason": "Wrong company name"}
        ).action_release()

    def test_a_return_waits_on_when_its_sale_is_invoiced_again(self):
        sale, back, invoice = self._waiting_return()
        self._reverse(invoice, is_modify=True).action_post()
        self.assertEqual(sale.billing_state, "invoiced")
        self.assertEqual(back.billing_state, "unbilled")

    def test_a_return_waits_on_when_its_sale_is_released(self):
        sale, back, invoice = self._waiting_return()
        self._reverse(invoice).action_post()
        self.assertEqual(back.billing_state, "waived")
        self._release(invoice)
        self.assertEqual((sale + back).mapped("billing_state"), ["unbilled"] * 2)
        self.assertEqual(back.reason, "Wrong number")

    def test_a_return_waits_on_when_the_credit_note_is_undone(self):
        sale, back, invoice = self._waiting_return()
        credit_note = self._reverse(invoice)
        credit_note.action_post()
        credit_note.button_cancel()
        self.assertEqual(sale.billing_state, "invoiced")
        self.assertEqual(back.billing_state, "unbilled")

    def test_a_return_recorded_after_the_reversal_is_waived_until_it_is_undone(self):
        sale = self.new_sale()
        credit_note = self._reverse(self.generate())
        credit_note.action_post()
        back = self.new_return(sale, at="2026-11-10T12:00:00Z")
        self.assertEqual(back.billing_state, "waived")
        credit_note.button_draft()
        self.assertEqual(back.billing_state, "unbilled")

    def test_a_reversed_credit_note_credits_nothing(self):
        sale, back, invoice = self._waiting_return()
        credit_note = self._reverse(invoice)
        credit_note.action_post()
        self._reverse(credit_note).action_post()
        self.assertEqual(sale.billing_state, "invoiced")
        self.assertEqual(back.billing_state, "unbilled")
        with self.assertRaises(UserError):
            self._release(invoice)

    def test_a_credit_note_whose_leads_were_billed_again_cannot_be_undone(self):
        sale = self.new_sale()
        invoice = self.generate()
        credit_note = self._reverse(invoice)
        credit_note.action_post()
        self._release(invoice)
        self.assertEqual(self.generate(GENERATION + WEEK).lead_sale_ids, sale)
        with self.assertRaisesRegex(UserError, "released"):
            credit_note.button_cancel()
        with self.assertRaisesRegex(UserError, "released"):
            self._reverse(credit_note).action_post()

    def test_a_credit_note_of_reverse_and_invoice_again_cannot_be_undone(self):
        self.new_sale()
        invoice = self.generate()
        self._reverse(invoice, is_modify=True).action_post()
        with self.assertRaises(UserError):
            invoice.reversal_move_ids.button_draft()

    def test_a_reversed_document_cannot_be_taken_back_by_itself(self):
        self.new_sale()
        invoice = self.generate()
        self._reverse(invoice).action_post()
        with self.assertRaisesRegex(UserError, "leave its leads unbilled"):
            invoice.button_cancel()

    def test_a_return_on_a_draft_is_not_given_back_twice(self):
        sale = self.new_sale()
        invoice = self.generate()
        self.cycle.posting = "draft"
        back = self.new_return(sale, at="2026-11-10T12:00:00Z")
        draft = self.generate(GENERATION + WEEK)
        self.assertEqual(back.invoice_id, draft)
        self._reverse(invoice).action_post()
        with self.assertRaisesRegex(UserError, "already been credited"):
            draft.action_post()

    def test_reverse_and_invoice_again_is_not_for_the_future(self):
        sale = self.new_sale()
        invoice = self.generate()
        with self.assertRaisesRegex(UserError, "with a future date"):
            self._reverse(invoice, is_modify=True, days=30)
        self.assertEqual(sale.invoice_id, invoice)

    def test_a_draft_in_another_currency_shows_a_difference(self):
        self.broken_rules = ["transaction_differs_from_line"]
        self.cycle.posting = "draft"
        self.env.ref("base.EUR").active = True
        self.new_sale()
        invoice = self.generate()
        invoice.currency_id = self.env.ref("base.EUR")
        self.assertTrue(invoice.lead_amount_difference)

    def test_a_blank_reason_releases_nothing(self):
        self.new_sale()
        invoice = self.generate()
        wizard = self.env["lead.sale.release.wizard"].create(
            {"invoice_ids": invoice.ids, "reason": "   "}
        )
        with self.assertRaisesRegex(UserError, "Enter a reason"):
            wizard.action_release()
