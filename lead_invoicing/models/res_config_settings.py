from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    lead_billing_cycle_id = fields.Many2one(
        related="company_id.lead_billing_cycle_id", readonly=False
    )
    lead_billing_start = fields.Date(
        related="company_id.lead_billing_start", readonly=False
    )
    lead_issue_zero = fields.Boolean(
        related="company_id.lead_issue_zero", readonly=False
    )
    lead_return_policy = fields.Selection(
        related="company_id.lead_return_policy", readonly=False, required=True
    )
