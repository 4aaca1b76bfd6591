from odoo import fields, models


class AccountMove(models.Model):
    """Settlement: what pays lead invoices by itself, and which of them are receipts."""

    _inherit = "account.move"

    lead_is_receipt = fields.Boolean(
        "Paid From Balance",
        readonly=True,
        copy=False,
        help="The buyer's balance covered this invoice in full when it was posted: it"
        " is a receipt.",
    )

    def _settle_lead_documents(self):
        """Settle what these posted lead documents and deposits can settle, and make
        those that the buyer's balance covers in full receipts."""
        documents = self.filtered("lead_run_id")
        deposits = self.filtered(
            lambda move: (
                move.origin_payment_id.partner_type == "customer"
                and move.origin_payment_id.payment_type == "inbound"
            )
        )
        moves = documents | deposits
        for company, partner, currency in {
            (move.company_id, move.commercial_partner_id, move.currency_id)
            for move in moves
            if move.commercial_partner_id
        }:
            partner._settle_lead_invoices(company, currency)
        # Posting decides it, whoever posts.
        documents.sudo().filtered(
            lambda move: (
                move._is_prepaid_lead_invoice()
                and move.currency_id.is_zero(move.amount_residual)
            )
        ).lead_is_receipt = True

    def _is_prepaid_lead_invoice(self):
        """Tell whether this is an invoice for leads of a buyer who prepays."""
        self.ensure_one()
        buyer = self.commercial_partner_id.with_company(self.company_id)
        return (
            bool(self.lead_run_id)
            and self.move_type == "out_invoice"
            and buyer.lead_billing_mode == "prepaid"
        )
