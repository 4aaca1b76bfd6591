from odoo import api, fields, models

from ..tools.parsing import shorten
from .account_move_delivery import DELIVERY_ACTIVITY_TYPE


class MailMail(models.Model):
    """What becomes of mails to buyers. Those with documents and reminders are followed
    there, by their notifications; of others, Odoo tells nobody."""

    _inherit = "mail.mail"

    lead_told = fields.Boolean(
        "Failure Reported",
        readonly=True,
        help="Someone was notified that this email was not delivered.",
    )

    @api.model
    def _get_lead_notice_models(self):
        """Hook: return the names of models that mail their buyers; their records have
        a ``partner_id`` and a ``company_id``."""
        return ["lead.balance.level"]

    def write(self, vals):
        """Tell of the failure of a mail that is sent again, as of a new one's."""
        if vals.get("state") == "outgoing":
            vals = {**vals, "lead_told": False}
        return super().write(vals)

    def send(self, auto_commit=False, raise_exception=False, post_send_callback=None):
        names = ["account.move", *self._get_lead_notice_models()]
        # Asked before: sent mails are deleted. Only whether there are any is told.
        has_documents = self.sudo().search_count(
            [("id", "in", self.ids), ("model", "in", names)], limit=1
        )
        res = super().send(
            auto_commit=auto_commit,
            raise_exception=raise_exception,
            post_send_callback=post_send_callback,
        )
        if has_documents:
            self.env["account.move"]._wake_lead_following()
        return res

    @api.model
    def _follow_lead_notices(self):
        """Tell someone of the mails to buyers that failed, each once: a job's step,
        after the transaction that mailed."""
        failed = self.search(
            [
                ("state", "=", "exception"),
                ("model", "in", self._get_lead_notice_models()),
                ("lead_told", "=", False),
            ]
        )
        for mail in failed:
            self.env["ir.cron"]._try_lead_step(
                mail._tell_of_lead_failure, f"nobody can be told that {mail} failed"
            )

    def _tell_of_lead_failure(self):
        """Raise an activity on the buyer that this mail did not get to."""
        self.ensure_one()
        self.lead_told = True
        record = self.env[self.model].browse(self.res_id).exists()
        if not record:
            return
        company = record.company_id
        buyer = record.partner_id.commercial_partner_id
        buyer = buyer.with_context(lang=company._get_lead_lang())
        names = [*self.recipient_ids.mapped("display_name"), self.email_to]
        kind = self._fields["failure_type"]
        reason = " ".join((self.failure_reason or "").split())
        reason = reason or kind.convert_to_export(self.failure_type, buyer)
        buyer._schedule_lead_activity(
            buyer.env._("Email not delivered"),
            buyer.env._(
                "The email “%(subject)s” to %(names)s was not delivered: %(reason)s. It"
                " is not sent again automatically. Correct the email address or the"
                " mail server, and tell the buyer yourself.",
                subject=self.subject,
                names=", ".join(filter(None, names)),
                reason=shorten(reason, 300).rstrip("."),
            ),
            company,
            company._get_lead_responsible(),
            DELIVERY_ACTIVITY_TYPE,
        )
