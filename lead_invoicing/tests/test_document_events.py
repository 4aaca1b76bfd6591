from odoo.tests import tagged

from .common.given_back import GivenBackCommon


@tagged("post_install", "-at_install")
class TestDocumentEvents(GivenBackCommon):
    """What happens to transactions when their document, or its money, changes."""

    def setUp(self):
        super().setUp()
        self.sale = self.new_sale(price="20.00")
        self.other = self.new_sale(price="80.00", lead_type="AUTO")
        self.sales = self.sale + self.other
        self.back = self.return_later(self.sale)
        self.invoice = self.generate()
        self.assert_states("invoiced", "unbilled")

    def assert_states(self, sales, back):
        self.assertEqual(self.sales.mapped("billing_state"), [sales] * 2)
        self.assertEqual(self.back.billing_state, back)
        self.assert_ties_out(self.sales.invoice_id | self.back.invoice_id)

    def assert_billed_again(self, amount):
        """The next run bills what was freed, and only that."""
        documents = self.generate(self.SECOND)
        self.assertEqual(sum(documents.mapped("amount_total_signed")), amount)

    def test_deleted_releases(self):
        self.invoice.button_draft()
        self.invoice.with_context(force_delete=True).unlink()
        self.assert_states("unbilled", "unbilled")
        self.assert_billed_again(80)

    def test_canceled_releases(self):
        self.invoice.button_cancel()
        self.assert_states("unbilled", "unbilled")
        self.assert_billed_again(80)

    def test_set_to_draft_keeps(self):
        self.invoice.button_draft()
        self.assert_states("draft", "unbilled")
        self.invoice.action_post()
        self.assert_states("invoiced", "unbilled")
        self.assert_billed_again(-20)

    def test_reversed_in_full_credits_and_waives_waiting_returns(self):
        self.reverse(self.invoice).action_post()
        self.assert_states("credited", "waived")
        self.assertTrue(self.back.waived_by_credit)
        self.assert_billed_again(0)

    def test_a_reversal_in_draft_or_taken_back_credits_nothing(self):
        credit_note = self.reverse(self.invoice)
        self.assert_states("invoiced", "unbilled")
        credit_note.action_post()
        credit_note.button_draft()
        self.assert_states("invoiced", "unbilled")
        credit_note.action_post()
        credit_note.button_cancel()
        self.assert_states("invoiced", "unbilled")
        self.assert_billed_again(-20)

    def test_reversed_and_released_frees(self):
        self.reverse(self.invoice).action_post()
        self.release(self.invoice)
        self.assert_states("unbilled", "unbilled")
        self.assertEqual(self.invoice.lead_amount_difference, 0)
        self.assert_billed_again(80)

    def test_reversed_and_reinvoiced_moves_line_by_line(self):
        again = self.invoice_again(self.invoice)
        self.assert_states("draft", "unbilled")
        self.assertEqual(self.sales.invoice_id, again)
        self.assertEqual(self.sale.invoice_line_id.lead_type_id, self.edu)
        self.assertEqual(self.other.invoice_line_id.lead_type_id, self.auto)
        self.assertTrue(self.invoice.lead_credited)
        again.action_post()
        self.assert_states("invoiced", "unbilled")
        self.assert_billed_again(-20)

    def test_the_replacing_invoice_deleted_releases(self):
        self.invoice_again(self.invoice).unlink()
        self.assert_states("unbilled", "unbilled")
        self.assert_billed_again(80)

    def test_partly_credited_keeps(self):
        credit_note = self.reverse(self.invoice)
        credit_note.invoice_line_ids[0].unlink()
        credit_note.action_post()
        self.assertEqual(credit_note.state, "posted")
        self.assert_states("invoiced", "unbilled")

    def test_written_off_keeps(self):
        expense = self.company_data["default_account_expense"]
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=self.invoice.ids
        ).create(
            {
                "amount": 90,
                "payment_difference_handling": "reconcile",
                "writeoff_account_id": expense.id,
            }
        )._create_payments()
        self.assertTrue(self.invoice.currency_id.is_zero(self.invoice.amount_residual))
        self.assert_states("invoiced", "unbilled")
        self.assert_billed_again(-20)

    def test_payment_taken_back_keeps(self):
        payment = (
            self.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=self.invoice.ids)
            .create({})
            ._create_payments()
        )
        self.assert_states("invoiced", "unbilled")
        payment.action_draft()
        payment.action_cancel()
        self.assert_states("invoiced", "unbilled")
        self.assert_billed_again(-20)

    def test_a_lead_line_deleted_releases_its_own(self):
        self.invoice.button_draft()
        self.sale.invoice_line_id.unlink()
        self.assertEqual(self.sale.billing_state, "unbilled")
        self.assertEqual(self.other.billing_state, "draft")
        self.invoice.action_post()
        self.assertEqual(self.invoice.amount_total, 80)
        self.assert_ties_out(self.invoice)
        self.assert_billed_again(0)

    def test_a_lead_line_edited_keeps_and_tells_the_difference(self):
        self.invoice.button_draft()
        self.sale.invoice_line_id.price_unit = 15
        self.invoice.action_post()
        self.assertEqual(self.sales.mapped("billing_state"), ["invoiced"] * 2)
        self.assertEqual(self.invoice.lead_amount_difference, -5)

    def test_a_fee_deleted_keeps(self):
        self.invoice.button_draft()
        self.invoice.invoice_line_ids = [(0, 0, {"name": "Fee", "price_unit": 5})]
        self.invoice.invoice_line_ids.filtered(
            lambda line: not line.lead_type_id
        ).unlink()
        self.assert_states("draft", "unbilled")
