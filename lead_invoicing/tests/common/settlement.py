from odoo import Command

from .generation import GENERATION, WEEK
from .prepaid import PrepaidCommon


class SettlementCommon(PrepaidCommon):
    """Ways to have the buyer pay, get money back and be in favor."""

    def new_invoices(self, *prices, **vals):
        """Return the documents of as many weeks, posted by runs."""
        for week, price in enumerate(prices):
            at = f"2026-11-{4 + 7 * week:02}T12:00:00Z"
            self.new_sale(price=str(price), at=at, **vals)
        return self.generate(GENERATION + (len(prices) - 1) * WEEK)

    def next_invoice(self, price, week=1):
        self.new_sale(price=str(price), at=f"2026-11-{4 + 7 * week:02}T12:00:00Z")
        return self.generate(GENERATION + week * WEEK)

    def reverse(self, move):
        """Reverse a document by Odoo's wizard, and post its credit note."""
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"journal_id": move.journal_id.id, "date": "2026-11-12"})
        )
        wizard.reverse_moves()
        reversal = wizard.new_move_ids
        if reversal.state == "draft":
            reversal.action_post()
        return reversal

    def register_payment(self, invoices, **vals):
        """Pay invoices by Odoo's wizard."""
        return (
            self.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=invoices.ids)
            .create({"payment_date": "2026-11-20", **vals})
            ._create_payments()
        )

    def pay_back(self, amount):
        """Send money to the buyer, as a payment that names nothing."""
        bank = self.company_data["default_journal_bank"]
        bank.outbound_payment_method_line_ids.payment_account_id = (
            bank.inbound_payment_method_line_ids.payment_account_id[:1]
        )
        payment = self.new_payment(amount)
        payment.payment_type = "outbound"
        payment.action_post()
        self.assertTrue(payment.move_id)
        return payment

    def get_receivable(self, moves):
        return moves.line_ids.filtered(
            lambda line: line.account_type == "asset_receivable"
        )

    def new_entry(self, amount, partner=None):
        """Return a posted entry in favor of the buyer, as an opening balance is."""
        receivable = self.buyer.property_account_receivable_id
        entry = self.env["account.move"].create(
            {
                "date": "2026-11-01",
                "line_ids": [
                    Command.create(
                        {
                            "account_id": receivable.id,
                            "partner_id": (partner or self.buyer).id,
                            "credit": amount,
                        }
                    ),
                    Command.create(
                        {
                            "account_id": self.company_data[
                                "default_account_revenue"
                            ].id,
                            "debit": amount,
                        }
                    ),
                ],
            }
        )
        entry.action_post()
        return entry
