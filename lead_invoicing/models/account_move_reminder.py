import logging
from datetime import timedelta

from psycopg2 import IntegrityError

from odoo import api, fields, models
from odoo.fields import Domain

from ..tools.concurrency import TRY_AGAIN
from ..tools.local_time import local_day

_logger = logging.getLogger(__name__)

REMINDING = "lead_invoicing.ir_cron_send_reminders"
REMINDER_ACTIVITY_TYPE = "lead_invoicing.mail_activity_type_lead_reminder"
# When it is worth looking what became of the mails.
LOOK_AGAIN = timedelta(minutes=10)


class AccountMove(models.Model):
    """Reminders of lead invoices that are overdue, each level once for each due date.
    A job of its own sends them: nothing else waits for it, nor it for anything."""

    _inherit = "account.move"

    lead_reminder_ids = fields.One2many(
        "lead.reminder", "move_id", "Reminders", groups="lead_invoicing.group_user"
    )

    @api.model
    def _cron_send_lead_reminders(self):
        """Carry over what became of the reminders before, and send what is due.

        One invoice is one transaction: who is reminded is not held up by others.
        """
        self._follow_lead_reminders()
        self.env["ir.cron"]._commit_progress()
        for move in self.search(self._get_lead_reminder_domain(), order="id"):
            tried = move._try_to_remind()
            if tried and not self.env["ir.cron"]._commit_progress(1):
                # The scheduler has no time left: go on with its next call.
                self.env["ir.cron"]._wake_lead_job(REMINDING)
                break

    @api.model
    def _get_lead_reminder_domain(self):
        """Return the invoices that may have a reminder due."""
        if self.env["res.company"]._has_lead_credit_control():
            return Domain.FALSE
        return (
            Domain("lead_run_id", "!=", False)
            & Domain("move_type", "=", "out_invoice")
            & Domain("state", "=", "posted")
            & Domain("payment_state", "in", ("not_paid", "partial"))
            # A day is not over everywhere at once; each company's own day decides.
            & Domain("invoice_date_due", "<=", fields.Date.today() + timedelta(days=1))
            & Domain("company_id.lead_reminders", "=", True)
        )

    def _try_to_remind(self):
        """Remind the buyer of this invoice, if that is due, and commit.

        :return: whether it was tried; most have none due, and need no transaction
        """
        try:
            if not self._find_lead_reminder_due():
                return False
            # It is decided in a transaction of its own: looking at those before may
            # have taken long, and the buyer may have disputed this one since.
            self.env["ir.cron"]._commit_progress()
            # What is paid, or sent by another process, at this moment makes this fail.
            locked = self.try_lock_for_update(allow_referencing=True)
            due = locked and locked._find_lead_reminder_due()
            if due:
                self._send_lead_reminder(*due)
            self.env["ir.cron"]._commit_progress()
        except (*TRY_AGAIN, IntegrityError):
            # Somebody else changed the same rows: the next call finds them.
            self.env.cr.rollback()
        except Exception:
            self.env.cr.rollback()
            _logger.exception("The buyer of %s cannot be reminded", self)
        return True

    def _get_lead_reminder_start(self):
        """Return since when the buyer is reminded of this invoice: its due date, or
        the later day on which a dispute of it was rejected."""
        self.ensure_one()
        tz = self.company_id.lead_tz
        rejected = self.lead_dispute_ids.filtered(lambda d: d.state == "rejected")
        days = [local_day(self.env, d.decided_at, tz) for d in rejected]
        return max([self.invoice_date_due, *days])

    def _find_lead_reminder_due(self):
        """Return (level, due date) of the reminder of this invoice that is due today,
        or None.

        Levels go in order, each as many days after the one before as their days are
        apart: whoever is overdue for long when reminders begin gets the first one.
        """
        self.ensure_one()
        move = self.with_company(self.company_id)
        if not move.filtered_domain(self._get_lead_reminder_domain()):
            return None
        # Nothing of it is to be paid now; or it would be for as long as it is disputed.
        if not move._get_lead_amount_to_pay():
            return None
        days = move.commercial_partner_id._get_lead_reminder_days()
        start = move._get_lead_reminder_start()
        sent = move.lead_reminder_ids.filtered(lambda one: one.due_date == start)
        last = max(sent, key=lambda one: one.level, default=None)
        level = min((n for n in days if not last or n > last.level), default=None)
        if not level:
            return None
        due = start + timedelta(days=days[level])
        if last:
            between = days[level] - days.get(last.level, 0)
            due = max(due, last.day + timedelta(days=between))
        return (level, start) if move.company_id._get_lead_today() >= due else None

    def _send_lead_reminder(self, level, due_date):
        """Write down that the buyer is reminded, and have Odoo's queue send the mail
        after the commit. The last reminder puts the buyer on buying hold.

        :param level: 1 to 3
        :param due_date: since when the invoice is overdue
        """
        self.ensure_one()
        move = self.with_company(self.company_id)
        buyer = move.commercial_partner_id
        recipients = move._get_lead_recipients()
        if not recipients:
            move._tell_of_lead_reminder_without_address()
            return
        template = self._get_lead_reminder_template(level)
        if not template:
            move._tell_of_lead_reminder_without_text()
            return

        def render(name):
            options = {"post_process": True} if name == "body_html" else {}
            return template._render_field(
                name, move.ids, compute_lang=True, options=options
            )[move.id]

        lang = template._render_lang(move.ids)[move.id]
        translated = move.with_context(
            lang=lang or self.env.lang,
            email_notification_allow_footer=True,
            mail_notify_force_send=False,
        )
        message = translated.message_post(
            body=render("body_html"),
            subject=render("subject"),
            email_from=render("email_from"),
            partner_ids=recipients.ids,
            message_type="comment",
            subtype_xmlid="mail.mt_comment",
            email_layout_xmlid="mail.mail_notification_layout_with_responsible_signature",
            email_add_signature=False,
            mail_auto_delete=template.auto_delete,
            model_description=translated.type_name,
        )
        self.env["lead.reminder"].create(
            {
                "move_id": move.id,
                "level": level,
                "due_date": due_date,
                "day": move.company_id._get_lead_today(),
                "amount": move._get_lead_amount_to_pay(),
                "message_id": message.id,
            }
        )
        if level == max(buyer._get_lead_reminder_days()):
            move._put_lead_buyer_on_hold()
        self.env["ir.cron"]._wake_lead_job("mail.ir_cron_mail_scheduler_action")
        self.env["ir.cron"]._wake_lead_job(
            REMINDING, fields.Datetime.now() + LOOK_AGAIN
        )

    @api.model
    def _get_lead_reminder_template(self, level):
        """Return the text of a reminder: where somebody deleted it, that of a level
        before it, or None."""
        for number in range(level, 0, -1):
            name = f"lead_invoicing.mail_template_lead_reminder_{number}"
            if template := self.env.ref(name, raise_if_not_found=False):
                return template
        return None

    def _put_lead_buyer_on_hold(self):
        """Have the buyer of this invoice buy nothing more; it is invoiced as before."""
        self.ensure_one()
        buyer = self.commercial_partner_id
        if buyer.lead_buying_hold:
            return
        reason = self._for_lead_responsible().env._(
            "%s is still unpaid after the last reminder.", self.name
        )
        buyer.write({"lead_buying_hold": True, "lead_buying_hold_reason": reason})
        buyer._message_log(body=reason)

    def _tell_of_lead_reminder_without_address(self):
        """Raise an activity, as long as there is none, for an overdue invoice whose
        buyer has no email address."""
        move = self._for_lead_responsible()
        move._tell_of_lead_reminder_not_sent(
            move.env._(
                "%(document)s is overdue, but %(buyer)s has no email address. Add one,"
                " or choose other recipients on the buyer's Invoicing/Billing tab; the"
                " reminder is then sent automatically.",
                document=move.name,
                buyer=move._get_lead_unreached_contact().display_name,
            )
        )

    def _tell_of_lead_reminder_without_text(self):
        """Raise an activity, as long as there is none, for an overdue invoice whose
        reminder somebody deleted the email template of."""
        move = self._for_lead_responsible()
        move._tell_of_lead_reminder_not_sent(
            move.env._(
                "%s is overdue, but the email template of its reminder was deleted. Ask"
                " your administrator to upgrade the Lead Invoicing app, which restores"
                " it; the reminder is then sent automatically.",
                move.name,
            )
        )

    def _tell_of_lead_reminder_not_sent(self, reason):
        if not self.activity_search([REMINDER_ACTIVITY_TYPE]):
            self._tell_lead_responsible(
                self.env._("Reminder not sent"), reason, REMINDER_ACTIVITY_TYPE
            )

    # What became of them

    @api.model
    def _follow_lead_reminders(self):
        """Write down what became of the mails of reminders: when each went, in the
        chatter; and tell someone of what did not. Repeated, it changes nothing."""
        queued = self.env["lead.reminder"].search([("state", "=", "queued")])
        for reminder in queued:
            self.env["ir.cron"]._try_lead_step(
                lambda reminder=reminder: reminder.move_id._follow_lead_reminder(
                    reminder
                ),
                f"{reminder} cannot be followed",
            )

    def _follow_lead_reminder(self, reminder):
        """Write down what became of the mail of a queued reminder of this invoice."""
        move = self._for_lead_responsible()
        notifications = reminder.message_id.notification_ids
        state, reason = "sent", ""
        if notifications:
            state, reason = move._get_lead_mail_report(notifications)
        if state in ("to_send", "handed_over"):
            return
        reminder.state = state
        if state == "sent":
            move.activity_unlink([REMINDER_ACTIVITY_TYPE])
            move._message_log(
                body=move.env._(
                    "Payment reminder %(level)s of %(amount)s was emailed to"
                    " %(names)s.",
                    level=reminder.level,
                    amount=reminder.currency_id.format(reminder.amount),
                    names=", ".join(notifications.res_partner_id.mapped("name")),
                )
            )
        else:
            move._tell_lead_responsible(
                move.env._("Reminder not sent"), reason, REMINDER_ACTIVITY_TYPE
            )
