from odoo import models


class AccountMove(models.Model):
    """The buttons of documents that open a dialog."""

    _inherit = "account.move"

    def action_open_lead_report(self):
        """Open the Invoicing Report of exactly the leads behind this document.

        :raises AccessError: for users without rights in Lead Invoicing
        """
        self.ensure_one()
        wizards = self.env["lead.invoicing.report.wizard"]
        return wizards._get_open_action(
            {"partner_id": self.commercial_partner_id.id, "invoice_id": self.id}
        )
