from odoo import fields, models

from ..tools.context_values import read_ids


class LeadSaleReleaseWizard(models.TransientModel):
    """Asks a manager why the transactions of reversed documents are billed again."""

    _name = "lead.sale.release.wizard"
    _description = "Release Lead Transactions"

    invoice_ids = fields.Many2many(
        "account.move",
        string="Documents",
        required=True,
        readonly=True,
        default=lambda self: read_ids(self.env, self.env.context.get("active_ids")),
    )
    reason = fields.Char(required=True)

    def action_release(self):
        """Make the transactions unbilled again.

        :raises UserError: for a document that is not reversed in full
        """
        self.ensure_one()
        self.invoice_ids.check_access("write")
        self.invoice_ids._release_credited_lead_sales(self.reason)
        return {"type": "ir.actions.act_window_close"}
