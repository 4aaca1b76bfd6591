from odoo import models


class ResPartner(models.Model):
    """Settlement of a buyer's open lead invoices."""

    _inherit = "res.partner"

    def _settle_lead_invoices(self, company, currency):
        """Settle this buyer's open lead invoices in a currency, the oldest first; a
        prepaid buyer's from deposits and lead credit notes, another's from lead credit
        notes alone. Disputed invoices are left open.

        :param company: the company whose books these are
        :param currency: the currency of the invoices and of what settles them
        """
        self.ensure_one()
        partner = self.commercial_partner_id
        is_prepaid = partner.with_company(company).lead_billing_mode == "prepaid"
        # Posting a document or a payment decides this; it reads no other buyer's books.
        lines = (
            self.env["account.move.line"]
            .sudo()
            .search(
                [
                    ("company_id", "=", company.id),
                    ("partner_id", "=", partner.id),
                    ("currency_id", "=", currency.id),
                    ("account_type", "=", "asset_receivable"),
                    ("parent_state", "=", "posted"),
                    ("reconciled", "=", False),
                    "|",
                    ("move_id.lead_run_id", "!=", False),
                    ("move_id.origin_payment_id", "!=", False),
                ],
                order="date_maturity, id",
            )
        )
        open_lines = lines.filtered(
            lambda line: (
                line.amount_residual_currency > 0
                and line.move_id.move_type == "out_invoice"
                and line.move_id.payment_state != "blocked"
            )
        )
        credit_lines = lines.filtered(
            lambda line: (
                line.amount_residual_currency < 0
                and (is_prepaid or line.move_id.lead_run_id)
            )
        )
        for open_line in open_lines:
            credits = credit_lines.filtered(
                lambda line, account=open_line.account_id: (
                    line.account_id == account and not line.reconciled
                )
            )
            if credits:
                (open_line + credits).reconcile()
