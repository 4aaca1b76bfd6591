from odoo import models


class MailNotification(models.Model):
    _inherit = "mail.notification"

    def write(self, vals):
        res = super().write(vals)
        if vals.get("notification_status") == "bounce":
            self._update_lead_delivery()
        return res

    def _update_lead_delivery(self):
        """Carry what became of a mail over to the lead document it was sent for."""
        # Whoever's process sends mail may tell the document whether it went out.
        messages = self.sudo().mail_message_id.filtered(
            # The mail with the document, not what people say about it.
            lambda message: (
                message.model == "account.move"
                and "application/pdf" in message.attachment_ids.mapped("mimetype")
            )
        )
        for message in messages:
            move = self.env["account.move"].sudo().browse(message.res_id).exists()
            if not move.lead_run_id:
                continue
            move = move._for_lead_responsible()
            # Followers get copies; those that the document was sent to count.
            notifications = message.notification_ids.filtered(
                lambda n, message=message: (
                    n.notification_type == "email"
                    and n.res_partner_id in message.partner_ids
                )
            )
            failed = notifications.filtered(
                lambda n: n.notification_status in ("exception", "bounce")
            )
            if failed:
                move._set_lead_undelivered(
                    "failed",
                    move.env._(
                        "The mail to %(names)s was not delivered: %(reason)s. Mend the"
                        " address or the mail server, then send the document again.",
                        names=", ".join(failed.res_partner_id.mapped("display_name")),
                        reason=failed[0].failure_reason
                        or failed[0].format_failure_reason(),
                    ),
                )
            elif notifications and all(
                n.notification_status == "sent" for n in notifications
            ):
                move._set_lead_delivered()
