from odoo import models


class AccountMove(models.Model):
    _inherit = "account.move"

    def _get_online_payment_error(self):
        if self._has_lead_rest_to_pay():
            return super()._get_online_payment_error()
        # Whoever sees a document may know what is disputed of it.
        return self.sudo()._get_lead_dispute_notice()

    def _get_portal_payment_link(self):
        # Of an invoice that is disputed in part, Odoo would ask for all that is open.
        # Whoever may see an invoice may know what is disputed of it …
        if not self.sudo()._get_lead_dispute_notice():
            return super()._get_portal_payment_link()
        wizards = self.env["payment.link.wizard"].with_context(
            active_model=self._name, active_id=self.id
        )
        # … and what is to be paid.
        return wizards.create(
            {
                "amount": self.sudo()._get_lead_amount_to_pay(),
                "res_model": self._name,
                "res_id": self.id,
            }
        ).link
