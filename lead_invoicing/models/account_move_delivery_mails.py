from collections import defaultdict

from odoo import models


class AccountMove(models.Model):
    """What became of the emails by which documents go to their buyers."""

    _inherit = "account.move"

    def _read_lead_mails(self):
        """Return what became of the last mail with each of these documents; where there
        is none, of the last one that left without it."""
        reports, bare = {}, {}
        for move, message, notifications in self._find_lead_mails():
            move = move._for_lead_responsible()
            report = move._get_lead_mail_report(notifications)
            if "application/pdf" in message.attachment_ids.mapped("mimetype"):
                reports[move.id] = move._name_lead_unreached(report)
            else:
                bare[move.id] = move._tell_of_lead_bare_mail(report, notifications)
        return {**bare, **reports}

    def _find_lead_mails(self):
        """Yield the mails with these documents, the oldest first: the document, its
        ``mail.message`` and the ``mail.notification`` of those it was sent to."""
        # Whoever sends documents, and the job, may read what became of mails.
        messages = self.env["mail.message"].sudo()
        messages = messages.search(
            [
                ("model", "=", self._name),
                ("res_id", "in", self.ids),
                # The mail with the document, not what people say about it, with
                # files of their own, nor a reminder.
                # Only billing users may read those; their mails are just left out.
                ("id", "not in", self.sudo().lead_reminder_ids.message_id.ids),
                (
                    "email_layout_xmlid",
                    "=",
                    self.env["account.move.send"]._get_mail_layout(),
                ),
                ("partner_ids", "!=", False),
            ],
            order="id",
        )
        for message in messages:
            # One of these, read together with them.
            move = self.browse(message.res_id).with_prefetch(self.ids)
            # Followers get copies; those that the document was sent to count.
            notifications = message.notification_ids.filtered(
                lambda n, message=message: n.res_partner_id in message.partner_ids
            )
            if notifications:
                yield move, message, notifications

    def _find_lead_reached(self):
        """Return {document's id: ids of the contacts that have it by email, as it is
        now}: after it was taken back, it is another file."""
        reached = defaultdict(set)
        for move, message, notifications in self._find_lead_mails():
            # Whoever sends a document may see its PDF; a mail has a copy of it.
            checksum = move.sudo().invoice_pdf_report_id.checksum
            if checksum and checksum in message.attachment_ids.mapped("checksum"):
                sent = notifications.filtered(lambda n: n.notification_status == "sent")
                reached[move.id].update(sent.res_partner_id.ids)
        return reached

    def _name_lead_unreached(self, report):
        """Add to the report of a mail that was sent which of the recipients that the
        buyer names it did not go to."""
        state, _reason = report
        buyer = self.commercial_partner_id
        unreached = state == "sent" and buyer._get_lead_unreached_recipients()
        if not unreached:
            return report
        return state, self.env._(
            "It was sent, but not to %(names)s: no email address, or archived. Correct"
            " the recipients on the Invoicing/Billing tab of %(buyer)s, and forward the"
            " document where it is missing.",
            names=", ".join(unreached.mapped("display_name")),
            buyer=buyer.display_name,
        )

    def _tell_of_lead_bare_mail(self, report, notifications):
        """Return the report of a mail from whose queue somebody deleted the document:
        once it has left, it is no delivery."""
        state, _reason = report
        if state == "to_send":
            return report
        return "failed", self.env._(
            "The email to %s no longer has this document: its PDF was deleted. Send the"
            " document again.",
            ", ".join(notifications.res_partner_id.mapped("display_name")),
        )

    def _get_lead_mail_report(self, notifications):
        """Return (state, sentence) of a mail.

        :param notifications: the ``mail.notification`` of its recipients
        """
        failed = notifications.filtered(
            lambda n: n.notification_status in ("exception", "bounce")
        )
        if failed:
            reason = failed[0].failure_reason or failed[0].format_failure_reason()
            return "failed", self.env._(
                "The email to %(names)s was not delivered: %(reason)s. Correct the"
                " email address or the mail server, then send the document again.",
                names=", ".join(failed.res_partner_id.mapped("display_name")),
                reason=reason.strip().rstrip("."),
            )
        emails = notifications.filtered(lambda n: n.notification_type == "email")
        waiting = emails.filtered(lambda n: n.notification_status == "ready")
        canceled = waiting.filtered(
            lambda n: not n.mail_mail_id or n.mail_mail_id.state == "cancel"
        ) | emails.filtered(lambda n: n.notification_status == "canceled")
        if canceled:
            return "failed", self.env._(
                "The email to %s was canceled. Send the document again.",
                ", ".join(canceled.res_partner_id.mapped("display_name")),
            )
        if waiting:
            return "to_send", ""
        if any(n.notification_status in ("process", "pending") for n in emails):
            return "handed_over", ""
        return "sent", ""
