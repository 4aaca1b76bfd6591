from odoo import api, models


class AccountMoveLine(models.Model):
    """Settlement: see what comes onto the receivable by other ways than posting."""

    _inherit = "account.move.line"

    @api.model_create_multi
    def create(self, vals_list):
        """Let items in a buyer's favor settle its lead invoices, also where they are
        added to an entry that is posted: matching a bank transaction does so."""
        lines = super().create(vals_list)
        lines._announce_lead_settlement()
        return lines

    def write(self, vals):
        """Let items settle lead invoices once it is known whose they are."""
        result = super().write(vals)
        if {"account_id", "partner_id"} & vals.keys():
            self._announce_lead_settlement()
        return result

    def _announce_lead_settlement(self):
        self.filtered(
            lambda line: (
                line.parent_state == "posted"
                and line.account_type == "asset_receivable"
                and line.balance < 0
            )
        ).move_id._announce_lead_settlement()

    def _is_lead_credit(self):
        """Tell whether this open item is money in its buyer's favor."""
        self.ensure_one()
        return (
            self.amount_residual_currency < 0
            and self.move_id.origin_payment_id.state != "rejected"
        )

    def _settle_with(self, credits):
        """Reconcile this item with those of the same account that have something
        left."""
        self.ensure_one()
        left = credits.filtered(
            lambda line: line.account_id == self.account_id and not line.reconciled
        )
        if left and not self.reconciled:
            (self + left).reconcile()

    def reconcile(self):
        """Settle with what payments leave over that were meant for these items."""
        result = super().reconcile()
        if self:
            self.move_id._settle_announced_lead_items()
        return result
