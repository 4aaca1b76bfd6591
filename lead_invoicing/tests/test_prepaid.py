from html import unescape

from odoo import Command
from odoo.tests import Form, tagged

from .common.delivery import DeliveryCommon
from .common.generation import GENERATION, WEEK
from .common.prepaid import PrepaidCommon


@tagged("post_install", "-at_install")
class TestPrepaid(PrepaidCommon):
    """A buyer who prepays: deposits settle invoices, which become receipts."""

    def test_a_month_that_the_deposit_covers_is_a_receipt(self):
        self.tax()
        payment = self.deposit(1000)
        self.new_sale(price="350.00")
        receipt = self.generate()
        self.assertEqual(receipt.move_type, "out_invoice")
        self.assertEqual((receipt.amount_total, receipt.amount_residual), (402.5, 0))
        self.assertTrue(receipt.lead_is_receipt)
        self.assertIn(receipt.payment_state, ("paid", "in_payment"))
        self.assertEqual(self.get_open_deposit(payment), 597.5)
        self.assertFalse(receipt.activity_ids)
        # The second month is more than what is left: the rest is due.
        self.new_sale(price="600.00", at="2026-11-10T12:00:00Z")
        invoice = self.generate(GENERATION + WEEK)
        self.assertEqual((invoice.amount_total, invoice.amount_residual), (690, 92.5))
        self.assertFalse(invoice.lead_is_receipt)
        self.assertEqual(invoice.payment_state, "partial")
        self.assertIn("92.50", invoice.lead_run_buyer_id.message)
        self.assertEqual(len(invoice.activity_ids), 1)
        # A later deposit settles it; it stays the invoice that was sent.
        self.deposit(100)
        self.assertEqual(invoice.amount_residual, 0)
        self.assertFalse(invoice.lead_is_receipt)

    def test_the_oldest_invoice_is_settled_first_and_disputed_ones_are_not(self):
        for week in range(3):
            at = f"2026-11-{4 + 7 * week:02}T12:00:00Z"
            self.new_sale(price="100.00", at=at)
        first, second, third = self.generate(GENERATION + 2 * WEEK)
        second.action_toggle_block_payment()
        self.deposit(150)
        self.assertEqual(
            (first + second + third).mapped("amount_residual"), [0, 100, 50]
        )

    def test_a_deposit_without_journal_entry_is_explained(self):
        payment = self.deposit_without_entry(100)
        note = payment.lead_settlement_trouble
        for text in (payment.name, "100.00", "Buyer A", "Bank", "Wire"):
            self.assertIn(text, note)
        self.assertIn("Incoming Payments", note)
        self.assertIn("Outstanding Receipts", note)
        self.new_sale()
        invoice = self.generate()
        self.assertEqual(invoice.amount_residual, 10)
        self.assertIn(note, invoice.lead_run_buyer_id.message)
        self.assertIn("Outstanding Receipts", invoice.activity_ids.note)
        # What it says helps.
        payment.payment_method_line_id.payment_account_id = (
            self.company_data["default_journal_bank"]
            .inbound_payment_method_line_ids[0]
            .payment_account_id
        )
        copied = payment.copy()
        copied.action_post()
        payment.action_draft()
        payment.action_cancel()
        self.assertEqual(invoice.amount_residual, 0)
        self.assertFalse((payment + copied).filtered("lead_settlement_trouble"))

    def test_a_deposit_is_explained_where_the_clerk_confirms_it(self):
        payment = self.new_payment(100)
        self.assertFalse(payment.lead_settlement_trouble)
        form = Form(payment.with_user(self.billing_user))
        form.payment_method_line_id = payment.payment_method_line_id.copy(
            {"name": "Wire", "journal_id": payment.journal_id.id}
        )
        self.assertIn("Wire", form.lead_settlement_trouble)
        form.payment_method_line_id = payment.payment_method_line_id
        self.assertFalse(form.lead_settlement_trouble)

    def test_only_deposits_of_prepaid_buyers_are_explained(self):
        on_credit = self.new_buyer("On credit")
        self.assertFalse(
            self.deposit_without_entry(100, on_credit).lead_settlement_trouble
        )
        self.deposit_without_entry(50, self.new_buyer("P", lead_billing_mode="prepaid"))
        self.new_sale()
        self.assertNotIn("journal", self.generate().lead_run_buyer_id.message)

    def test_deposits_of_a_buyer_on_credit_settle_nothing_by_themselves(self):
        self.buyer.lead_billing_mode = "credit"
        self.deposit(1000)
        self.new_sale()
        invoice = self.generate()
        self.assertEqual(invoice.amount_residual, 10)
        self.assertFalse(invoice.lead_is_receipt)

    def test_lead_credit_notes_settle_open_lead_invoices(self):
        self.buyer.lead_billing_mode = "credit"
        self.company.lead_return_policy = "net"
        sale = self.new_sale(price="30.00")
        invoice = self.generate()
        self.new_return(sale, at="2026-11-10T12:00:00Z")
        credit_note = self.generate(GENERATION + WEEK)
        self.assertEqual(credit_note.move_type, "out_refund")
        self.assertEqual((invoice + credit_note).mapped("amount_residual"), [0, 0])

    def test_only_lead_invoices_are_settled(self):
        other = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.buyer.id,
                "invoice_date": "2026-10-01",
                "invoice_line_ids": [
                    Command.create({"name": "Consulting", "price_unit": 50})
                ],
            }
        )
        other.action_post()
        self.deposit(1000)
        self.new_sale()
        self.assertTrue(self.generate().lead_is_receipt)
        self.assertTrue(other.amount_residual)

    def test_another_currency_is_not_settled(self):
        self.env.ref("base.EUR").active = True
        self.deposit(1000)
        self.new_sale(currency="EUR")
        self.assertEqual(self.generate().amount_residual, 10)

    def test_back_to_draft_is_no_receipt(self):
        self.deposit(1000)
        self.new_sale()
        receipt = self.generate()
        receipt.button_draft()
        self.assertFalse(receipt.lead_is_receipt)
        receipt.action_post()
        self.assertTrue(receipt.lead_is_receipt)

    def test_a_receipt_has_its_own_mail_and_title(self):
        self.deposit(1000)
        self.new_sale()
        receipt = self.generate()
        self.assertEqual(
            receipt._get_mail_template(),
            self.env.ref("lead_invoicing.mail_template_lead_receipt"),
        )
        html = (
            self.env["ir.actions.report"]
            ._render_qweb_html("account.account_invoices", receipt.ids)[0]
            .decode()
        )
        self.assertIn("Receipt</span>", "".join(html.split()))
        self.assertIn("Invoice, paid in full from your balance", html)
        # Nothing asks for money.
        for text in ("Due Date", "How to Pay", "Payment terms"):
            self.assertNotIn(text, html)


@tagged("post_install", "-at_install")
class TestPrepaidMail(DeliveryCommon, PrepaidCommon):
    """What a buyer who prepays reads in the mail."""

    def generate_and_send(self, now=GENERATION):
        """Return what the run made, and the texts of its mail."""
        documents = self.generate(now)
        self.send()
        # The clerk who is told gets no copy.
        (mail,) = self.catcher.mails
        body = unescape(mail.get_body().get_content())
        return documents, mail["Subject"], body.replace("\N{NO-BREAK SPACE}", " ")

    def test_a_receipt_asks_for_nothing(self):
        self.tax()
        self.deposit(1000)
        self.new_sale(price="350.00")
        receipt, subject, body = self.generate_and_send()
        self.assertIn(f"receipt {receipt.name}", subject)
        self.assertIn("402.50", body)
        self.assertIn("paid from your balance", body)
        self.assertNotIn("Please pay", body)
        self.assertNotIn("due", body)

    def test_an_invoice_for_the_rest_asks_for_the_rest(self):
        self.tax()
        self.deposit(600)
        self.new_sale(price="600.00")
        invoice, subject, body = self.generate_and_send()
        self.assertIn(f"invoice {invoice.name}", subject)
        self.assertIn("with a total of $ 690.00", " ".join(body.split()))
        self.assertIn(
            "$ 600.00 has already been applied to this invoice; $ 90.00 remains due.",
            body,
        )
        self.assertIn("$ 90.00 due", body)
        self.assertNotIn("$ 690.00 due", body)
