from odoo import models


class AccountPaymentRegister(models.TransientModel):
    _inherit = "account.payment.register"

    def _init_payments(self, to_process, edit_mode=False):
        """Have payments name the invoices that they are for as soon as there are any:
        Odoo does so once they are reconciled."""
        payments = super()._init_payments(to_process, edit_mode)
        for vals in to_process:
            vals["payment"].invoice_ids |= vals["to_reconcile"].move_id
        return payments
