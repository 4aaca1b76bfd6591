from odoo import api, fields, models
from odoo.tools import formatLang


class AccountPayment(models.Model):
    """Deposits of buyers who prepay: say so when one cannot settle anything."""

    _inherit = "account.payment"

    lead_settlement_trouble = fields.Char(
        "Cannot Be Applied Because",
        compute="_compute_lead_settlement_trouble",
        groups="base.group_user",
    )

    @api.depends(
        "state",
        "move_id",
        "outstanding_account_id",
        "invoice_ids",
        "payment_type",
        "partner_type",
        "partner_id",
        "journal_id",
        "payment_method_line_id",
        "amount",
    )
    @api.depends_context("lang")
    def _compute_lead_settlement_trouble(self):
        for payment in self:
            payment.lead_settlement_trouble = (
                payment._is_lead_deposit_without_entry()
                and payment._get_lead_settlement_trouble()
            )

    def write(self, vals):
        """Take a payment that was rejected off the lead invoices that it paid."""
        result = super().write(vals)
        if vals.get("state") == "rejected":
            self.move_id._undo_lead_settlement(for_good=True)
        return result

    def _get_lead_source_payments(self):
        """Return the payments that these pay back; providers of payments know it."""
        if "source_payment_id" in self._fields:
            return self.source_payment_id
        return self.browse()

    def _is_lead_deposit_without_entry(self):
        """Tell whether this is a prepaid buyer's deposit without a journal entry:
        only journal items settle invoices."""
        self.ensure_one()
        buyer = self.partner_id.commercial_partner_id.with_company(self.company_id)
        return (
            # Saving a new payment may still give it an account, and so an entry.
            bool(self._origin)
            and self.state in ("draft", "in_process", "paid")
            and not self.move_id
            and not self.outstanding_account_id
            # One that was registered on an invoice is that invoice's.
            and not self.invoice_ids
            and self.payment_type == "inbound"
            and self.partner_type == "customer"
            and buyer.lead_billing_mode == "prepaid"
        )

    def _get_lead_settlement_trouble(self):
        """Return the sentences that say what is wrong with such a deposit, and what to
        do about it."""
        self.ensure_one()
        return self.env._(
            "%(payment)s (%(amount)s) does not create a journal entry, so it cannot be"
            " applied to the lead invoices of %(buyer)s. Open the journal %(journal)s"
            " and, on its Incoming Payments tab, choose an Outstanding Receipts"
            " account for the payment method %(method)s. Then duplicate this payment"
            " and confirm the copy; reset this one to draft and cancel it.",
            payment=self.name or self.env._("This payment"),
            amount=formatLang(self.env, self.amount, currency_obj=self.currency_id),
            buyer=self.partner_id.commercial_partner_id.display_name,
            journal=self.journal_id.display_name,
            method=self.payment_method_line_id.name,
        )

    @api.model
    def _find_lead_deposits_without_entry(self, moves):
        """Return the confirmed payments of the buyers of these documents that cannot
        settle anything.

        :param moves: ``account.move`` of one company
        """
        payments = self.search(
            [
                ("company_id", "=", moves.company_id.id),
                (
                    "partner_id.commercial_partner_id",
                    "in",
                    moves.commercial_partner_id.ids,
                ),
                ("state", "in", ("in_process", "paid")),
                ("move_id", "=", False),
            ],
            order="date, id",
        )
        return payments.filtered(
            lambda payment: payment._is_lead_deposit_without_entry()
        )

    def _is_lead_deposit_for(self, move):
        """Tell whether this payment is of the document's buyer and currency."""
        self.ensure_one()
        return (
            self.partner_id.commercial_partner_id == move.commercial_partner_id
            and self.currency_id == move.currency_id
        )
