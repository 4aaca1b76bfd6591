from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    lead_list_payments = fields.Boolean(
        related="company_id.lead_list_payments", readonly=False
    )
