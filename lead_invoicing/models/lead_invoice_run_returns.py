from odoo import fields, models
from odoo.tools import SQL


class LeadInvoiceRun(models.Model):
    """Manual runs that bill sales and let returns wait for the next document."""

    _inherit = "lead.invoice.run"

    without_returns = fields.Boolean(
        readonly=True,
        help="Only leads purchased are invoiced; returns wait for the next invoice.",
    )

    def _get_types_sql(self):
        """Return the condition on ``sale`` for what this run bills of it."""
        self.ensure_one()
        if self.without_returns:
            return SQL("sale.transaction_type = 'sale'")
        return SQL("TRUE")
