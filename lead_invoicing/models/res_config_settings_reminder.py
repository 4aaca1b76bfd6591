from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    """Disputes and reminders."""

    _inherit = "res.config.settings"

    lead_dispute_days = fields.Integer(
        related="company_id.lead_dispute_days", readonly=False
    )
    lead_reminders = fields.Boolean(related="company_id.lead_reminders", readonly=False)
    lead_reminder_days_1 = fields.Integer(
        related="company_id.lead_reminder_days_1", readonly=False
    )
    lead_reminder_days_2 = fields.Integer(
        related="company_id.lead_reminder_days_2", readonly=False
    )
    lead_reminder_days_3 = fields.Integer(
        related="company_id.lead_reminder_days_3", readonly=False
    )
    lead_has_credit_control = fields.Boolean(
        related="company_id.lead_has_credit_control"
    )
