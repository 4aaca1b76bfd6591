from odoo import models


class AccountPartialReconcile(models.Model):
    _inherit = "account.partial.reconcile"

    def unlink(self):
        """End the receipts that lose their money: whoever takes it, and how, undoes a
        reconciliation."""
        if not self:
            # Odoo asks so for each line that it writes.
            return super().unlink()
        # Whoever may do that need not be allowed to see the documents' runs.
        moves = (self.debit_move_id | self.credit_move_id).move_id.sudo()
        receipts = moves.filtered("lead_is_receipt")
        result = super().unlink()
        receipts._end_unpaid_lead_receipts()
        return result
