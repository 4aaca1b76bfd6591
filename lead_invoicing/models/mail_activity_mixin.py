from odoo import models
from odoo.tools import plaintext2html

ACTIVITY_TYPE = "lead_invoicing.mail_activity_type_lead_invoicing"


class MailActivityMixin(models.AbstractModel):
    """Tell a person that something needs one."""

    _inherit = "mail.activity.mixin"

    def _schedule_lead_activity(
        self, summary, reason, user, activity_type=ACTIVITY_TYPE, *, quiet=True
    ):
        """Raise an activity on these records.

        :param reason: sentences that say what to do
        :param user: whose activity it is
        :param activity_type: the XML id of its type
        :param quiet: the list of activities tells, not a mail for each record
        """
        records = self.with_context(mail_activity_quick_update=quiet)
        records.activity_schedule(
            activity_type,
            summary=summary,
            note=plaintext2html(reason),
            user_id=user.id,
        )
