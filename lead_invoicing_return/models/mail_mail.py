from odoo import api, models


class MailMail(models.Model):
    _inherit = "mail.mail"

    @api.model
    def _get_lead_notice_models(self):
        return [*super()._get_lead_notice_models(), "lead.return.request"]
