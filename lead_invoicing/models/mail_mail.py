from odoo import models


class MailMail(models.Model):
    _inherit = "mail.mail"

    def _postprocess_sent_message(
        self, success_pids, success_emails, failure_reason=False, failure_type=None
    ):
        # Not when a notification is written: while it sends, Odoo sets each one to
        # failed for a moment, which is not what became of the mail.
        notifications = self.env["mail.notification"].search(
            [("mail_mail_id", "in", self.ids)]
        )
        res = super()._postprocess_sent_message(
            success_pids,
            success_emails,
            failure_reason=failure_reason,
            failure_type=failure_type,
        )
        notifications._update_lead_delivery()
        return res
