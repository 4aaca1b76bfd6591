from odoo import models


class AccountMove(models.Model):
    """Odoo's credit limit counts lead drafts; this one stands for itself."""

    _inherit = "account.move"

    def _get_partner_credit_warning_exclude_amount(self):
        amount = super()._get_partner_credit_warning_exclude_amount()
        # Whoever may see the document is warned.
        if self.sudo().lead_run_id:
            amount += self._origin.amount_residual_signed
        return amount
