from odoo.tests import new_test_user, tagged

from .common.generation import GENERATION
from .common.given_back import GivenBackCommon
from .common.prepaid import PrepaidCommon


@tagged("post_install", "-at_install")
class LifeCommon(GivenBackCommon):
    def new_invoice(self, *prices):
        for price in prices or ("20.00", "80.00"):
            self.new_sale(price=price)
        return self.generate()

    def credit_in_part(self, document):
        """Credit the first line only."""
        credit_note = self.reverse(document)
        credit_note.invoice_line_ids[1:].unlink()
        credit_note.action_post()
        self.assertEqual(credit_note.state, "posted")
        return credit_note

    def pay(self, document, **vals):
        wizard = self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=document.ids
        )
        return wizard.create(vals)._create_payments()

    def write_off(self, document, paid):
        expense = self.company_data["default_account_expense"]
        return self.pay(
            document,
            amount=paid,
            payment_difference_handling="reconcile",
            writeoff_account_id=expense.id,
        )

    def edit(self, document, price):
        """Change the first line in draft, and post again."""
        document.button_draft()
        document.invoice_line_ids[0].price_unit = price
        document.action_post()


class TestTransactionsOfADocument(LifeCommon):
    """The first column of the table on the life of a document (docs/operations.md) is
    in ``test_document_events`` cell by cell, with ``test_given_back`` and
    ``test_release`` for what comes of two events. Here is what these leave out: a
    discount, and transactions behind a receipt."""

    def test_a_discounted_lead_line_keeps_and_tells_the_difference(self):
        invoice = self.new_invoice()
        invoice.button_draft()
        invoice.invoice_line_ids[0].discount = 50
        invoice.action_post()
        self.assertEqual(
            set(invoice.lead_sale_ids.mapped("billing_state")), {"invoiced"}
        )
        self.assertEqual(
            invoice.lead_amount_difference, -invoice.invoice_line_ids[0].price_unit / 2
        )


class TestReceiptOfADocument(PrepaidCommon, LifeCommon):
    """What becomes of a receipt. Where its money goes is in ``test_settlement``
    (``TestReceiptIsTrue``: canceled, bounced, refunded, unreconciled; written off;
    reversed in full; reversed and invoiced again), set to draft in ``test_prepaid``.
    """

    def setUp(self):
        super().setUp()
        self.payment = self.deposit(100)
        self.receipt = self.new_invoice()
        self.assertTrue(self.receipt.lead_is_receipt)

    def test_deleted_it_is_none_and_the_money_is_the_next_ones(self):
        self.receipt.button_draft()
        self.assertFalse(self.receipt.lead_is_receipt)
        self.receipt.with_context(force_delete=True).unlink()
        self.assertEqual(self.get_open_deposit(self.payment), 100)
        self.assertTrue(self.generate(self.SECOND).lead_is_receipt)

    def test_canceled_it_is_none_and_the_money_is_the_next_ones(self):
        self.receipt.button_cancel()
        self.assertFalse(self.receipt.lead_is_receipt)
        self.assertEqual(self.get_open_deposit(self.payment), 100)
        self.assertTrue(self.generate(self.SECOND).lead_is_receipt)

    def test_partly_credited_it_stays_one_while_it_is_paid(self):
        credit_note = self.credit_in_part(self.receipt)
        self.assertEqual(self.receipt.amount_residual, 0)
        self.assertTrue(self.receipt.lead_is_receipt)
        self.assertEqual(credit_note.amount_residual, credit_note.amount_total)

    def test_with_a_line_edited_it_is_decided_anew(self):
        self.edit(self.receipt, 5)
        self.assertTrue(self.receipt.lead_is_receipt)
        self.edit(self.receipt, 300)
        self.assertFalse(self.receipt.lead_is_receipt)
        self.assertGreater(self.receipt.amount_residual, 0)


class TestRequestToPayOfADocument(LifeCommon):
    """What its mail asks for; of a receipt nothing, see ``TestPrepaidMail``."""

    def assert_requested(self, document, words):
        request = document._get_lead_payment_request().replace("\xa0", " ")
        self.assertIn(words, request)
        if not words:
            self.assertFalse(request)

    def test_posted_it_asks_for_all(self):
        self.assert_requested(self.new_invoice(), "Please pay by")

    def test_canceled_it_asks_for_nothing(self):
        invoice = self.new_invoice()
        invoice.button_cancel()
        self.assert_requested(invoice, "")

    def test_in_draft_it_asks_for_nothing(self):
        invoice = self.new_invoice()
        invoice.button_draft()
        self.assert_requested(invoice, "")

    def test_reversed_in_full_it_asks_for_nothing(self):
        invoice = self.new_invoice()
        self.reverse(invoice).action_post()
        self.assert_requested(invoice, "")

    def test_reversed_and_reinvoiced_the_new_one_asks(self):
        invoice = self.new_invoice()
        again = self.invoice_again(invoice)
        again.action_post()
        self.assert_requested(invoice, "")
        self.assert_requested(again, "Please pay by")

    def test_partly_credited_it_asks_for_the_rest(self):
        invoice = self.new_invoice()
        credit_note = self.credit_in_part(invoice)
        rest = 100 - credit_note.amount_total
        self.assert_requested(invoice, f"$ {rest:.2f} remains due")

    def test_written_off_it_asks_for_nothing(self):
        invoice = self.new_invoice()
        self.write_off(invoice, 90)
        self.assert_requested(invoice, "")

    def test_with_its_payment_taken_back_it_asks_for_the_rest(self):
        invoice = self.new_invoice()
        self.pay(invoice, amount=30)
        for take_back in ("cancel", "reject", "unreconcile"):
            with self.subTest(take_back):
                payment = self.pay(invoice, amount=70)
                self.assert_requested(invoice, "")
                if take_back == "cancel":
                    payment.action_cancel()
                elif take_back == "reject":
                    payment.action_reject()
                else:
                    payment.move_id.line_ids.remove_move_reconcile()
                self.assert_requested(invoice, "$ 70.00 remains due")

    def test_with_a_line_edited_it_asks_for_what_it_says_now(self):
        invoice = self.new_invoice()
        self.pay(invoice, amount=30)
        first = invoice.invoice_line_ids[0].price_unit
        invoice.button_draft()
        invoice.invoice_line_ids[0].price_unit = 50
        invoice.action_post()
        self.assertEqual(invoice.amount_total, 150 - first)
        self.assert_requested(invoice, "Please pay by")


class TestOutcomeOfADocument(LifeCommon):
    """The line on the form that says what has become of a document."""

    def assert_outcome(self, document, *words):
        # A clerk without rights in Lead Invoicing reads it as well.
        clerk = new_test_user(
            self.env,
            login=f"clerk{next(self.numbers)}",
            groups="account.group_account_invoice",
            company_id=self.company.id,
        )
        outcome = document.with_user(clerk).lead_outcome or ""
        for word in words:
            self.assertIn(word, outcome)
        if not words:
            self.assertFalse(outcome)

    def test_nothing_has_become_of_a_new_one(self):
        self.assert_outcome(self.new_invoice())

    def test_nothing_is_said_of_other_invoices(self):
        invoice = self.invoice(self.new_sale())
        invoice.button_draft()
        self.assertFalse(invoice.lead_outcome)

    def test_canceled(self):
        invoice = self.new_invoice()
        invoice.button_cancel()
        self.assert_outcome(invoice, "Canceled", "released")

    def test_set_to_draft(self):
        invoice = self.new_invoice()
        invoice.button_draft()
        self.assert_outcome(invoice, "Reset to draft", "stay on it")

    def test_reversed_in_full(self):
        invoice = self.new_invoice()
        credit_note = self.reverse(invoice)
        self.assert_outcome(invoice)
        credit_note.action_post()
        self.assert_outcome(
            invoice, f"Reversed by {credit_note.name}", "leads (2) are credited"
        )

    def test_reversed_and_released(self):
        invoice = self.new_invoice()
        self.reverse(invoice).action_post()
        self.release(invoice)
        self.assert_outcome(invoice, "Reversed by", "released to be billed again")

    def test_reversed_and_reinvoiced(self):
        invoice = self.new_invoice()
        again = self.invoice_again(invoice)
        self.assert_outcome(again, f"Replaces {invoice.name}")
        again.action_post()
        self.assert_outcome(invoice, "invoiced again", f"leads (2) are on {again.name}")
        self.assert_outcome(again)

    def test_partly_credited(self):
        invoice = self.new_invoice()
        credit_note = self.credit_in_part(invoice)
        self.assert_outcome(
            invoice, f"Credited in part by {credit_note.name}", "stay invoiced"
        )

    def test_written_off_by_a_payments_difference(self):
        invoice = self.new_invoice()
        self.write_off(invoice, 90)
        self.assert_outcome(invoice, "Written off: settled, not paid")

    def test_written_off_by_an_entry(self):
        invoice = self.new_invoice()
        receivable = invoice.line_ids.filtered(
            lambda line: line.account_type == "asset_receivable"
        )
        lines = [
            (0, 0, {"account_id": account.id, "partner_id": self.buyer.id, **amount})
            for account, amount in (
                (receivable.account_id, {"credit": 100}),
                (self.company_data["default_account_expense"], {"debit": 100}),
            )
        ]
        entry = self.env["account.move"].create({"line_ids": lines})
        entry.action_post()
        (receivable + entry.line_ids[0]).reconcile()
        self.assert_outcome(invoice, "Written off")

    def test_paid_says_nothing(self):
        invoice = self.new_invoice()
        self.pay(invoice)
        self.assertEqual(invoice.amount_residual, 0)
        self.assert_outcome(invoice)


class TestWhoDidWhat(LifeCommon):
    """Decisions are in the chatter, with who made them; none of the ledger's rows."""

    def messages_of(self, record):
        return record.message_ids.filtered(
            lambda message: message.author_id == self.env.user.partner_id
        ).mapped("body")

    def assert_said(self, record, *words):
        for word in words:
            self.assertTrue(
                any(word in body for body in self.messages_of(record)),
                (word, record.message_ids.mapped("body")),
            )
        # Nobody gets a mail for it.
        self.assertFalse(record.message_ids.notification_ids)

    def test_a_release_says_who_and_why(self):
        invoice = self.new_invoice()
        self.reverse(invoice).action_post()
        self.release(invoice)
        self.assert_said(invoice, "released", "Wrong company name")

    def test_invoicing_again_says_where_the_leads_are(self):
        invoice = self.new_invoice()
        again = self.invoice_again(invoice)
        self.assert_said(invoice, "moved to", f'data-oe-id="{again.id}"')

    def test_a_review_says_who_approved_what(self):
        invoice = self.new_invoice()
        invoice.button_draft()
        invoice._set_lead_review("Twice the usual amount.")
        invoice.action_lead_post()
        self.assert_said(invoice, "Reviewed and confirmed", "Twice the usual amount")

    def test_a_run_says_what_stopped_it_and_who_had_it_go_on(self):
        self.new_sale()
        journals = self.env["account.journal"].search(
            [("type", "=", "sale"), ("company_id", "=", self.company.id)]
        )
        journals.active = False
        self.generate()
        run = self.env["lead.invoice.run"].search([], limit=1)
        self.assertEqual(run.state, "stopped")
        self.assertIn("Stopped", "".join(run.message_ids.mapped("body")))
        journals.active = True
        run.action_retry()
        self.assert_said(run, "Continued")

    def test_a_run_says_who_retried_whom(self):
        product = self.edu_product
        income = product._get_product_accounts()["income"]
        self.new_sale()
        income.active = False
        self.generate()
        item = self.env["lead.invoice.run.buyer"].search([], limit=1)
        self.assertEqual(item.state, "failed")
        income.active = True
        item.action_retry()
        self.assert_said(item.run_id, "Retried", self.buyer.display_name)
        self.generate(GENERATION)

    def test_a_buyer_says_who_changed_how_it_is_billed(self):
        other = self.cycle.copy({"name": "Other", "anchor_date": "2026-11-02"})
        # As after the commit of the buyer: what is new is not tracked before.
        self.env.cr.precommit.clear()
        self.buyer.with_context(tracking_disable=False, mail_notrack=False).write(
            {
                "lead_billing_cycle_id": other.id,
                "lead_billing_mode": "prepaid",
                "lead_billing_hold": True,
                "lead_minimum_amount": 50,
            }
        )
        self.env.flush_all()
        self.env.cr.flush()
        tracked = (
            self.env["mail.tracking.value"]
            .sudo()
            .search(
                [
                    ("mail_message_id.model", "=", "res.partner"),
                    ("mail_message_id.res_id", "=", self.buyer.id),
                ]
            )
        )
        self.assertEqual(
            set(tracked.field_id.mapped("name")),
            {
                "lead_billing_cycle_id",
                "lead_billing_mode",
                "lead_billing_hold",
                "lead_minimum_amount",
            },
        )
        self.assertEqual(tracked.mail_message_id.author_id, self.env.user.partner_id)

    def test_the_ledger_has_no_chatter(self):
        self.assertNotIn("message_ids", self.env["lead.sale"]._fields)
