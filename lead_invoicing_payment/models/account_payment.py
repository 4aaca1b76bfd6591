from odoo import models


class AccountPayment(models.Model):
    """What a buyer pays online is applied to what it was asked for."""

    _inherit = "account.payment"

    def action_post(self):
        """Confirm payments, and apply those made online for several invoices first to
        those of which nothing is disputed. By due date, as Odoo applies the rest, they
        would settle what nobody was asked to pay, and leave a later invoice open."""
        result = super().action_post()
        for payment in self:
            # Only what was paid for, whoever confirms it.
            invoices = payment.sudo().payment_transaction_id.invoice_ids
            undisputed = invoices.filtered(lambda m: not m._get_lead_disputed_amount())
            if undisputed and undisputed != invoices:
                payment._apply_to_lead_invoices(undisputed)
        return result

    def _apply_to_lead_invoices(self, invoices):
        """Reconcile this payment with invoices, as Odoo does with all of them."""
        lines = (self.move_id | invoices).line_ids.filtered(
            lambda line: (
                line.account_id == self.destination_account_id
                and line.parent_state == "posted"
                and not line.reconciled
            )
        )
        lines.reconcile()
