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
        self._leave_lead_bank_transactions(vals)
        result = super().write(vals)
        if {"account_id", "partner_id"} & vals.keys():
            self._announce_lead_settlement()
        return result

    def _leave_lead_bank_transactions(self, vals):
        """Take what settled items of lead documents off them, where they change.

        Odoo does so with what is reset to draft and changed; but a bank transaction it
        sets back to the suspense account, and its money would be no buyer's any more.
        """
        names = vals.keys() & self._get_lock_date_protected_fields()["reconciliation"]
        if not names:
            return
        will_change = self.env["account.move"]._field_will_change
        self.filtered(
            lambda line: (
                line.matching_number
                and line.parent_state == "draft"
                and line.move_id._is_about_leads()
                and any(will_change(line, vals, name) for name in names)
            )
        ).remove_move_reconcile()

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
