from odoo import models
from odoo.exceptions import UserError


class LeadSale(models.Model):
    """The buttons of transactions that open a dialog."""

    _inherit = "lead.sale"

    def action_erase_lead_data(self):
        """Ask why the lead data of these transactions are erased, and erase them."""
        self.check_access("write")
        if len(self.company_id) > 1:
            raise UserError(self.env._("Erase the lead data of one company at a time."))
        return self.env["lead.erasure.wizard"]._get_open_action(self)
