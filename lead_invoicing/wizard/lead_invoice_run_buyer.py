from odoo import models
from odoo.exceptions import UserError


class LeadInvoiceRunBuyer(models.Model):
    """The button of a buyer's row that opens a dialog."""

    _inherit = "lead.invoice.run.buyer"

    def action_fix(self):
        """Open the dialog with what keeps this buyer from being invoiced, or its
        documents from being delivered.

        :raises UserError: when there is nothing to be fixed
        """
        self.ensure_one()
        if self.state != "failed" and not self._get_undelivered_documents():
            raise UserError(self.env._("There is nothing left to be fixed here."))
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Fix: %s", self.partner_id.display_name),
            "res_model": "lead.invoice.run.fix",
            "view_mode": "form",
            "target": "new",
            "context": {"default_item_id": self.id},
        }
