from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    """Accruing unbilled leads at month's end."""

    _inherit = "res.config.settings"

    lead_accrual_journal_id = fields.Many2one(
        related="company_id.lead_accrual_journal_id", readonly=False
    )
    lead_accrual_account_id = fields.Many2one(
        related="company_id.lead_accrual_account_id", readonly=False
    )
