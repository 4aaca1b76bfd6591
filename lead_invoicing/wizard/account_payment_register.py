from odoo import Command, models


class AccountPaymentRegister(models.TransientModel):
    _inherit = "account.payment.register"

    def _init_payments(self, to_process, edit_mode=False):
        """Have payments name the invoices that they are for from the beginning: Odoo
        does so once they are reconciled. Named any later, one without an account that
        is reconciled would not be posted."""
        for vals in to_process:
            invoices = vals["to_reconcile"].move_id
            vals["create_vals"]["invoice_ids"] = [Command.set(invoices.ids)]
        return super()._init_payments(to_process, edit_mode)
