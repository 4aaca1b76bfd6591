from odoo import fields, models
from odoo.tools import SQL


class LeadInvoiceRun(models.Model):
    """Manual runs that bill sales and let returns wait for the next document."""

    _inherit = "lead.invoice.run"

    without_returns = fields.Boolean(
        readonly=True,
        help="Only leads purchased and price corrections are invoiced; returns wait for"
        " the next invoice.",
    )

    def _get_limits_sql(self, start):
        limits = super()._get_limits_sql(start)
        if self.without_returns:
            # A price correction is no returned lead: both halves are billed, or the
            # buyer would pay the price before and the new one.
            limits["return"] = SQL(
                "(sale.transaction_type = 'sale' OR sale.corrected_sale_id IS NOT NULL)"
            )
        return limits
