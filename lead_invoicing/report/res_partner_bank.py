from odoo import models


class ResPartnerBank(models.Model):
    _inherit = "res.partner.bank"

    def _build_qr_code_vals(self, amount, *args, **kwargs):
        # Of an invoice that is disputed in part, Odoo would ask for all that is open.
        amount = self.env.context.get("lead_amount_to_pay", amount)
        return super()._build_qr_code_vals(amount, *args, **kwargs)
