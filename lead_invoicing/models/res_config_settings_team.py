from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    """Who looks after exceptions."""

    _inherit = "res.config.settings"

    lead_team_user_ids = fields.Many2many(
        related="company_id.lead_team_user_ids", readonly=False
    )
