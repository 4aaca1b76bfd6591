from odoo import Command
from odoo.tests import new_test_user, tagged

from .common.generation import GENERATION, WEEK
from .common.settlement import SettlementCommon


@tagged("post_install", "-at_install")
class TestSettlement(SettlementCommon):
    """All that is in the favor of a buyer who prepays settles its lead invoices."""

    def test_credit_of_a_reversal_pays_the_next_invoice(self):
        self.deposit(100)
        (receipt,) = self.new_invoices(60)
        self.assertTrue(receipt.lead_is_receipt)
        credit_note = self.reverse(receipt)
        self.assertEqual(credit_note.amount_residual, 60)
        self.assertFalse(receipt.lead_is_receipt)
        invoice = self.next_invoice(90)
        self.assertEqual(invoice.amount_residual, 0)
        self.assertTrue(invoice.lead_is_receipt)
        self.assertFalse(invoice.activity_ids)
        self.assertEqual(-sum(self.get_open_amounts()), 10)

    def get_open_amounts(self):
        return (
            self.env["account.move.line"]
            .search(
                [
                    ("partner_id.commercial_partner_id", "=", self.buyer.id),
                    ("account_type", "=", "asset_receivable"),
                    ("parent_state", "=", "posted"),
                ]
            )
            .mapped("amount_residual")
        )

    def test_what_undoes_a_credit_note_is_settled_too(self):
        (first,) = self.new_invoices(30)
        undo = self.reverse(self.reverse(first))
        self.assertEqual((first.amount_residual, undo.amount_residual), (0, 30))
        self.deposit(40)
        self.assertEqual(undo.amount_residual, 0)

    def test_whatever_is_posted_in_its_favor_settles_its_invoices(self):
        (invoice,) = self.new_invoices(100)
        self.new_entry(10)
        self.assertEqual(invoice.amount_residual, 90)
        contact = self.env["res.partner"].create(
            {"name": "Accounting", "parent_id": self.buyer.id}
        )
        self.deposit(20, contact)
        self.assertEqual(invoice.amount_residual, 70)
        credit_note = self.env["account.move"].create(
            {
                "move_type": "out_refund",
                "partner_id": self.buyer.id,
                "invoice_date": "2026-11-10",
                "invoice_line_ids": [
                    Command.create(
                        {"name": "Goodwill", "price_unit": 30, "tax_ids": []}
                    )
                ],
            }
        )
        credit_note.action_post()
        self.assertEqual(invoice.amount_residual, 40)
        receivable = self.buyer.property_account_receivable_id
        self.new_bank_line(15, counterpart_account_id=receivable.id)
        self.assertEqual(invoice.amount_residual, 25)
        contact.active = False
        self.deposit(25, contact)
        self.assertEqual(invoice.amount_residual, 0)
        self.assertFalse(invoice.lead_is_receipt)

    def test_an_undone_reconciliation_is_left_alone_until_the_next_item(self):
        (invoice,) = self.new_invoices(60)
        self.deposit(100)
        self.assertEqual(invoice.amount_residual, 0)
        self.get_receivable(invoice).remove_move_reconcile()
        self.env.cr.flush()
        self.assertEqual(invoice.amount_residual, 60)
        self.deposit(1)
        self.assertEqual(invoice.amount_residual, 0)

    def test_invoices_from_credit_times_are_settled_too(self):
        self.buyer.lead_billing_mode = "credit"
        (invoice,) = self.new_invoices(60)
        self.deposit(50)
        self.assertEqual(invoice.amount_residual, 60)
        self.buyer.lead_billing_mode = "prepaid"
        self.deposit(5)
        self.assertEqual(invoice.amount_residual, 5)

    def test_a_buyer_can_be_left_to_the_accountant(self):
        self.assertTrue(self.new_buyer("New").lead_auto_settle)
        self.buyer.lead_auto_settle = False
        self.deposit(100)
        (invoice,) = self.new_invoices(60)
        self.deposit(100)
        self.assertEqual(invoice.amount_residual, 60)
        self.assertFalse(invoice.lead_is_receipt)
        self.assertFalse(invoice.activity_ids)

    def test_deposits_at_another_rate_settle_their_currency(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        self.env["res.currency.rate"].create(
            [
                {"name": "2026-10-01", "rate": 2, "currency_id": euro.id},
                {"name": "2026-11-05", "rate": 4, "currency_id": euro.id},
            ]
        )
        deposit = self.new_payment(100)
        deposit.currency_id = euro
        deposit.action_post()
        dollars = self.new_invoices(60)
        euros = self.new_sale(price="70", currency="EUR") and self.generate(
            GENERATION + WEEK
        )
        self.assertEqual(
            ((dollars + euros).mapped("amount_residual"), euros.lead_is_receipt),
            ([60, 0], True),
        )
        self.assertEqual(
            deposit.move_id.line_ids.mapped("amount_residual_currency")[1], -30
        )

    def test_what_was_paid_back_settles_nothing(self):
        self.deposit(100)
        receipt = self.new_invoices(60)
        self.pay_back(40)
        self.assertTrue(receipt.lead_is_receipt)
        invoice = self.next_invoice(30)
        self.assertEqual(invoice.amount_residual, 30)
        self.assertEqual([amount for amount in self.get_open_amounts() if amount], [30])

    def test_a_netted_credit_note_settles_the_invoices_its_leads_come_from(self):
        self.buyer.lead_billing_mode = "credit"
        self.company.lead_return_policy = "net"
        self.new_sale(price="30.00")
        second_sale = self.new_sale(price="50.00", at="2026-11-11T12:00:00Z")
        first, second = self.generate(GENERATION + WEEK)
        self.new_return(second_sale, price=50, at="2026-11-18T12:00:00Z")
        credit_note = self.generate(GENERATION + 2 * WEEK)
        self.assertEqual(credit_note.move_type, "out_refund")
        self.assertEqual((first + second).mapped("amount_residual"), [30, 0])

    def test_what_is_over_of_a_netted_credit_note_goes_to_the_oldest(self):
        self.buyer.lead_billing_mode = "credit"
        self.company.lead_return_policy = "net"
        self.new_sale(price="30.00")
        second_sale = self.new_sale(price="50.00", at="2026-11-11T12:00:00Z")
        first, second = self.generate(GENERATION + WEEK)
        self.register_payment(second, amount=40)
        self.new_return(second_sale, price=50, at="2026-11-18T12:00:00Z")
        self.generate(GENERATION + 2 * WEEK)
        self.assertEqual((first + second).mapped("amount_residual"), [0, 0])


@tagged("post_install", "-at_install")
class TestRegisteredPayments(SettlementCommon):
    """A payment for a given invoice settles that one; what is over, the oldest."""

    def test_a_registered_payment_settles_its_own_invoice(self):
        first, second = self.new_invoices(100, 100)
        self.register_payment(second)
        self.assertEqual((first + second).mapped("amount_residual"), [100, 0])

    def test_a_payment_straight_into_the_bank_account_settles_its_own_invoice(self):
        # Some have no outstanding receipts: nothing on the account is reconciled.
        bank = self.company_data["default_journal_bank"]
        account = self.company_data["default_account_assets"]
        self.assertFalse(account.reconcile)
        bank.inbound_payment_method_line_ids.payment_account_id = account
        first, second = self.new_invoices(100, 100)
        payment = self.register_payment(second)
        self.assertEqual(payment.move_id.state, "posted")
        self.assertEqual((first + second).mapped("amount_residual"), [100, 0])

    def test_what_is_over_of_a_registered_payment_goes_to_the_oldest(self):
        first, second = self.new_invoices(100, 100)
        self.register_payment(second, amount=130)
        self.assertEqual((first + second).mapped("amount_residual"), [70, 0])

    def test_part_of_an_invoice_can_be_paid(self):
        first, second = self.new_invoices(100, 100)
        self.register_payment(second, amount=30)
        self.assertEqual((first + second).mapped("amount_residual"), [100, 70])

    def test_payments_registered_together_settle_their_own_invoices(self):
        first, second, third = self.new_invoices(100, 100, 100)
        payments = self.register_payment(second + third, group_payment=False)
        self.assertEqual(len(payments), 2)
        self.assertEqual(
            (first + second + third).mapped("amount_residual"), [100, 0, 0]
        )

    def test_a_payment_for_a_disputed_invoice_settles_it(self):
        first, second = self.new_invoices(100, 100)
        second.action_toggle_block_payment()
        self.register_payment(second)
        self.assertEqual((first + second).mapped("amount_residual"), [100, 0])

    def test_a_payment_for_another_invoice_settles_that_one(self):
        (invoice,) = self.new_invoices(100)
        other = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.buyer.id,
                "invoice_date": "2026-11-10",
                "invoice_line_ids": [
                    Command.create({"name": "Fee", "price_unit": 40, "tax_ids": []})
                ],
            }
        )
        other.action_post()
        self.register_payment(other)
        self.assertEqual((invoice + other).mapped("amount_residual"), [100, 0])

    def test_a_written_off_invoice_is_no_receipt(self):
        (invoice,) = self.new_invoices(100)
        self.register_payment(
            invoice,
            amount=90,
            payment_difference_handling="reconcile",
            writeoff_account_id=self.company_data["default_account_expense"].id,
        )
        self.assertEqual(invoice.amount_residual, 0)
        self.assertFalse(invoice.lead_is_receipt)

    def test_a_payment_that_names_its_invoice_waits_for_its_reconciliation(self):
        """As payments in the portal do: posted first, reconciled by their transaction
        afterwards."""
        first, second = self.new_invoices(100, 100)
        payment = self.new_payment(130)
        payment.invoice_ids = second
        payment.action_post()
        self.assertEqual((first + second).mapped("amount_residual"), [100, 100])
        self.get_receivable(payment.move_id + second).reconcile()
        self.assertEqual((first + second).mapped("amount_residual"), [70, 0])

    def test_a_payment_that_nobody_reconciles_settles_what_it_names_at_the_end(self):
        first, second = self.new_invoices(100, 100)
        payment = self.new_payment(130)
        payment.invoice_ids = second
        payment.action_post()
        self.env.cr.flush()
        self.assertEqual((first + second).mapped("amount_residual"), [70, 0])

    def test_a_bank_transaction_matched_with_an_invoice_settles_that_one(self):
        first, second = self.new_invoices(100, 100)
        line = self.new_bank_line(130)
        _liquidity, suspense, _other = line._seek_for_lines()
        suspense.account_id = self.buyer.property_account_receivable_id
        self.assertEqual((first + second).mapped("amount_residual"), [100, 100])
        (suspense + self.get_receivable(second)).reconcile()
        self.assertEqual((first + second).mapped("amount_residual"), [70, 0])


@tagged("post_install", "-at_install")
class TestReceiptIsTrue(SettlementCommon):
    """A receipt says that it is paid for as long as it is."""

    def setUp(self):
        super().setUp()
        self.payment = self.deposit(100)
        (self.receipt,) = self.new_invoices(60)
        self.assertTrue(self.receipt.lead_is_receipt)

    def assert_ended(self, rest=60):
        self.assertFalse(self.receipt.lead_is_receipt)
        self.assertEqual(self.receipt.amount_residual, rest)
        self.assertEqual(len(self.receipt.activity_ids), 1)
        self.assertIn(self.receipt.name, self.receipt.activity_ids.note)
        self.assertEqual(
            self.receipt._get_mail_template(),
            self.env.ref("lead_invoicing.mail_template_lead_invoice"),
        )
        self.assertTrue(self.receipt._get_lead_payment_request())

    def test_a_canceled_deposit_ends_it(self):
        self.payment.action_cancel()
        self.assert_ended()

    def test_a_deposit_in_draft_ends_it(self):
        self.payment.action_draft()
        self.assert_ended()
        # It pays the invoice again; that was asked for, and stays an invoice.
        self.payment.action_post()
        self.assertEqual(self.receipt.amount_residual, 0)
        self.assertFalse(self.receipt.lead_is_receipt)

    def test_a_deleted_deposit_ends_it(self):
        self.payment.action_draft()
        self.payment.unlink()
        self.assert_ended()

    def test_a_rejected_deposit_ends_it(self):
        self.payment.action_reject()
        self.assert_ended()
        # What bounced pays nothing else.
        self.deposit(10)
        self.assertEqual(self.receipt.amount_residual, 50)

    def test_other_money_takes_the_place_of_a_deposit_that_is_gone(self):
        other = self.deposit(70)
        self.payment.action_draft()
        self.assertTrue(self.receipt.lead_is_receipt)
        self.assertEqual(self.receipt.amount_residual, 0)
        self.assertFalse(self.receipt.activity_ids)
        self.assertEqual(self.get_open_deposit(other), 10)
        # Posted again, it is the buyer's for whatever comes.
        self.payment.action_post()
        self.assertEqual(self.get_open_deposit(self.payment), 100)
        self.payment.action_reject()
        other.action_cancel()
        self.assert_ended()

    def test_no_more_is_asked_for_than_other_credit_leaves(self):
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=self.receipt.ids)
            .create({"journal_id": self.receipt.journal_id.id, "date": "2026-11-12"})
        )
        wizard.refund_moves()
        wizard.new_move_ids.invoice_line_ids.price_unit = 25
        wizard.new_move_ids.action_post()
        self.payment.action_draft()
        self.assert_ended(rest=35)

    def test_an_undone_reconciliation_ends_it(self):
        self.get_receivable(self.payment.move_id).remove_move_reconcile()
        self.assert_ended()

    def test_a_reconciliation_undone_on_the_invoice_ends_it(self):
        partial = self.get_receivable(self.receipt).matched_credit_ids
        self.receipt.js_remove_outstanding_partial(partial.id)
        self.assert_ended()

    def test_a_reversed_deposit_ends_it(self):
        self.env["account.move.reversal"].with_context(
            active_model="account.move", active_ids=self.payment.move_id.ids
        ).create(
            {"journal_id": self.payment.journal_id.id, "date": "2026-11-12"}
        ).reverse_moves()
        self.assert_ended()

    def test_a_refunded_deposit_ends_it(self):
        self.pay_back(100)
        self.assert_ended()

    def test_a_deposit_refunded_in_part_leaves_the_rest_to_be_paid(self):
        self.pay_back(70)
        self.assert_ended(30)

    def test_a_deposit_that_the_bank_takes_back_ends_it(self):
        receivable = self.buyer.property_account_receivable_id
        self.new_bank_line(-100, counterpart_account_id=receivable.id)
        self.assert_ended()

    def test_whoever_takes_the_money_back_ends_it(self):
        accountant = new_test_user(
            self.env,
            login="accountant",
            groups="account.group_account_invoice",
            company_id=self.company.id,
        )
        self.payment.with_user(accountant).action_draft()
        self.assert_ended()
        self.payment.with_user(accountant).action_post()
        self.assertEqual(self.receipt.amount_residual, 0)

    def test_it_ends_also_when_its_buyer_is_on_credit_by_then(self):
        self.buyer.lead_billing_mode = "credit"
        self.payment.action_draft()
        self.assert_ended()

    def test_refunds_leave_disputed_invoices_alone(self):
        disputed = self.next_invoice(90)
        self.assertEqual(disputed.amount_residual, 50)
        disputed.action_toggle_block_payment()
        self.pay_back(100)
        self.assertEqual(disputed.amount_residual, 50)
        self.assert_ended()

    def test_refunds_take_from_the_newest_receipt_first(self):
        (newest,) = self.next_invoice(40)
        self.assertTrue(newest.lead_is_receipt)
        self.pay_back(30)
        self.assertTrue(self.receipt.lead_is_receipt)
        self.assertFalse(newest.lead_is_receipt)
        self.assertEqual(newest.amount_residual, 30)

    def test_written_off_it_is_no_receipt_again(self):
        self.payment.action_cancel()
        self.register_payment(
            self.receipt,
            amount=1,
            payment_difference_handling="reconcile",
            writeoff_account_id=self.company_data["default_account_expense"].id,
        )
        self.assertEqual(self.receipt.amount_residual, 0)
        self.assertFalse(self.receipt.lead_is_receipt)

    def test_reversed_in_full_it_ends_without_a_word(self):
        self.reverse(self.receipt)
        self.assertFalse(self.receipt.lead_is_receipt)
        self.assertFalse(self.receipt.activity_ids)

    def test_reversed_and_invoiced_again_the_new_one_is_the_receipt(self):
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=self.receipt.ids)
            .create({"journal_id": self.receipt.journal_id.id})
        )
        wizard.modify_moves()
        new = self.env["account.move"].search(
            [("lead_replaces_id", "=", self.receipt.id)]
        )
        self.assertFalse(self.receipt.lead_is_receipt)
        self.assertFalse(self.receipt.activity_ids)
        new.action_post()
        self.assertTrue(new.lead_is_receipt)

    def test_what_was_printed_as_a_receipt_is_printed_anew(self):
        self.receipt.invoice_pdf_report_file = "cmVjZWlwdA=="
        self.payment.action_cancel()
        self.assertFalse(self.receipt.invoice_pdf_report_file)
        html = (
            self.env["ir.actions.report"]
            ._render_qweb_html("account.account_invoices", self.receipt.ids)[0]
            .decode()
        )
        self.assertNotIn("from your balance", html)
        self.assertIn("How to Pay", html)
