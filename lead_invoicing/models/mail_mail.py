from odoo import models


class MailMail(models.Model):
    _inherit = "mail.mail"

    def send(self, auto_commit=False, raise_exception=False, post_send_callback=None):
        # Asked before: sent mails are deleted. Only whether there are any is told.
        has_documents = self.sudo().search_count(
            [("id", "in", self.ids), ("model", "=", "account.move")], limit=1
        )
        res = super().send(
            auto_commit=auto_commit,
            raise_exception=raise_exception,
            post_send_callback=post_send_callback,
        )
        if has_documents:
            self.env["account.move"]._wake_lead_following()
        return res
