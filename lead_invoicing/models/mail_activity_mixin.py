from odoo import models
from odoo.tools import plaintext2html

ACTIVITY_TYPE = "lead_invoicing.mail_activity_type_lead_invoicing"
# On buyers, and not done by invoicing them.
BALANCE_ACTIVITY_TYPE = "lead_invoicing.mail_activity_type_lead_balance"


class MailActivityMixin(models.AbstractModel):
    """Tell a person that something needs one."""

    _inherit = "mail.activity.mixin"

    def _schedule_lead_activity(
        self,
        summary,
        reason,
        company,
        user,
        activity_type=ACTIVITY_TYPE,
        *,
        mail_team=False,
        deadline=None,
    ):
        """Raise one activity on each of these records: who does it does it for all.

        :param reason: sentences that say what to do, if the summary does not
        :param company: in which it is to be done
        :param user: whose activity it is; empty: the billing team shares it
        :param activity_type: the XML id of its type
        :param mail_team: whether the company's team, or ``user``, gets a mail, too; by
            default the list of exceptions tells, not a mail for each record
        :param deadline: date by when it is to be done, by default the type's
        """
        records = self.with_context(mail_activity_quick_update=not mail_team)
        records.activity_schedule(
            activity_type,
            date_deadline=deadline,
            summary=summary,
            note=reason and plaintext2html(reason),
            user_id=user.id,
            lead_company_id=company.id,
        )
        if mail_team and not user:
            self._mail_lead_team(company, summary, reason)

    def _schedule_lead_activities(
        self, summary, reasons, company, user, activity_type=ACTIVITY_TYPE
    ):
        """Raise one activity on each of these records at once, as
        :meth:`_schedule_lead_activity` does, each with its own reason.

        :param reasons: {record: sentences that say what to do}
        """
        # Who is mailed would miss the note, which Odoo takes for all records alike.
        quiet = self.with_context(mail_activity_quick_update=True)
        activities = quiet.activity_schedule(
            activity_type,
            summary=summary,
            user_id=user.id,
            lead_company_id=company.id,
        )
        # None where a context says so.
        for activity, record in zip(activities or (), self, strict=False):
            activity.note = plaintext2html(reasons[record])

    def _mail_lead_team(self, company, summary, reason):
        """Mail the billing team of a company about each of these records."""
        # Who looks after exceptions may be mailed about one, whoever meets it.
        team = company.sudo()._get_lead_team()
        for record in self if team else ():
            record.message_notify(
                partner_ids=team.partner_id.ids,
                subject=summary,
                body=plaintext2html(reason),
            )
