from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    lead_top_up_currency_id = fields.Many2one(
        related="company_id.lead_top_up_currency_id", readonly=False
    )
    lead_top_up_minimum = fields.Float(
        related="company_id.lead_top_up_minimum", readonly=False
    )
