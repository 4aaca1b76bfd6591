from odoo import models


class AccountMove(models.Model):
    """What a buyer reads of agreed charges, beside the lines that explain each."""

    _inherit = "account.move"

    def _get_lead_charges_amount(self):
        """Return what agreed charges come to on this document, before tax, with the
        sign of the leads' amounts: above zero where the buyer pays."""
        self.ensure_one()
        # A buyer who may see the document may see what it consists of.
        lines = self.sudo().invoice_line_ids.filtered("lead_charge_id")
        amount = sum(lines.mapped("price_subtotal"))
        return self._get_lead_sign() * amount
