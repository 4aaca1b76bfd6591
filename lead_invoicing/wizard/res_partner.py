from odoo import models


class ResPartner(models.Model):
    """The buttons of buyers that open a dialog."""

    _inherit = "res.partner"

    def action_open_lead_report(self):
        """Open the Invoicing Report of this buyer.

        :raises AccessError: for users without rights in Lead Invoicing
        """
        self.ensure_one()
        wizards = self.env["lead.invoicing.report.wizard"]
        return wizards._get_open_action({"partner_id": self.commercial_partner_id.id})
