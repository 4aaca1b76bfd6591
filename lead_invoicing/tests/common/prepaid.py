from odoo import Command

from .generation import GenerationCommon


class PrepaidCommon(GenerationCommon):
    """The buyer prepays; ways to pay in."""

    def setUp(self):
        super().setUp()
        self.buyer.lead_billing_mode = "prepaid"
        bank = self.company_data["default_journal_bank"]
        # Without an outstanding account a payment makes no journal entry.
        bank.inbound_payment_method_line_ids.payment_account_id = (
            self.env["account.account"].search(
                [("account_type", "=", "asset_current"), ("reconcile", "=", True)],
                limit=1,
            )
            or self.company_data["default_account_assets"]
        )

    def new_payment(self, amount, partner=None):
        return self.env["account.payment"].create(
            {
                "payment_type": "inbound",
                "partner_type": "customer",
                "partner_id": (partner or self.buyer).id,
                "amount": amount,
                "date": "2026-11-01",
                "journal_id": self.company_data["default_journal_bank"].id,
            }
        )

    def deposit(self, amount, partner=None):
        payment = self.new_payment(amount, partner)
        payment.action_post()
        self.assertTrue(payment.move_id)
        return payment

    def new_bank_line(self, amount, **vals):
        """Return a bank transaction of the buyer's, booked as values say."""
        return self.env["account.bank.statement.line"].create(
            {
                "journal_id": self.company_data["default_journal_bank"].id,
                "date": "2026-11-15",
                "payment_ref": "transfer",
                "partner_id": self.buyer.id,
                "amount": amount,
                **vals,
            }
        )

    def deposit_without_entry(self, amount, partner=None):
        """A payment by a method without an outstanding account: Odoo gives a new
        payment one, but takes it away when the method is changed."""
        bank = self.company_data["default_journal_bank"]
        wire = bank.inbound_payment_method_line_ids[0].copy(
            {"name": "Wire", "journal_id": bank.id}
        )
        payment = self.new_payment(amount, partner)
        payment.payment_method_line_id = wire
        payment.action_post()
        self.assertFalse(payment.move_id)
        return payment

    def get_open_deposit(self, payment):
        return -sum(
            payment.move_id.line_ids.filtered(
                lambda line: line.account_type == "asset_receivable"
            ).mapped("amount_residual")
        )

    def tax(self):
        """Have a tax of 15 % on leads."""
        self.edu_product.taxes_id = [
            Command.set(self.company_data["default_tax_sale"].ids)
        ]
