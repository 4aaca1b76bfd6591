from odoo import models
from odoo.exceptions import UserError


class AccountMove(models.Model):
    """Agreed charges follow their document, as its leads do."""

    _inherit = "account.move"

    def _check_lead_sales_claimed(self):
        """Refuse to post lines of charges that were freed, too: their charges go onto
        another document.

        :raises UserError: naming the document
        """
        super()._check_lead_sales_claimed()
        lines = self.invoice_line_ids.filtered(
            lambda line: line.lead_charge_id and not line.lead_origin_move_id
        )
        if not lines:
            return
        # Only whether they are billed there is told, to whoever posts it.
        billed = self.env["lead.billed.charge"].sudo()
        claimed = billed.search([("invoice_line_id", "in", lines.ids)]).invoice_line_id
        for line in lines - claimed.sudo(self.env.su):
            raise UserError(
                self.env._(
                    "The charge “%(line)s” on %(document)s was freed when the document"
                    " was canceled, and will be billed elsewhere. Delete this line or"
                    " this document.",
                    line=line.name,
                    document=line.move_id.display_name,
                )
            )
