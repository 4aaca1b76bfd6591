from odoo import api, models

from .lead_recharge_consent_telling import ACTIVITY_TYPE


class MailActivity(models.Model):
    """What needs a person here is an exception of Lead Invoicing."""

    _inherit = "mail.activity"

    @api.model
    def _get_lead_exception_type_names(self):
        return [*super()._get_lead_exception_type_names(), ACTIVITY_TYPE]
