from odoo import fields, models


class LeadMonthCloseLine(models.TransientModel):
    """A figure of a month-end close, of one buyer, lead type and currency."""

    _name = "lead.month.close.line"
    _description = "Month-End Close by Buyer and Lead Type"
    _inherit = "lead.month.close.total"
    _order = "partner_id, lead_type_id, currency_id, id"
    _rec_name = "partner_id"
    _transient_max_hours = 24.0

    partner_id = fields.Many2one("res.partner", "Buyer")
    lead_type_id = fields.Many2one("lead.type")
    is_different = fields.Boolean(
        "Differs", help="Differs from the same figure of the month before."
    )

    def action_open(self):
        """Open the transactions that this figure counts; where there are none, those
        of the month before."""
        self.ensure_one()
        if self.previous_count and not self.sale_count:
            return self.action_view_previous_sales()
        return self.action_view_sales()

    def _get_sales_domain(self):
        return [
            ("commercial_partner_id", "=", self.partner_id.id),
            ("lead_type_id", "=", self.lead_type_id.id),
        ]
