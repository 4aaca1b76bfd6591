from odoo import fields, models
from odoo.tools import SQL


class LeadInvoiceRun(models.Model):
    """Manual runs that bill sales and let returns wait for the next document."""

    _inherit = "lead.invoice.run"

    without_returns = fields.Boolean(
        readonly=True,
        help="Only leads purchased are invoiced; returns wait for the next invoice.",
    )

    def _get_limits_sql(self, start):
        limits = super()._get_limits_sql(start)
        if self.without_returns:
            limits["return"] = SQL("sale.transaction_type = 'sale'")
        return limits
