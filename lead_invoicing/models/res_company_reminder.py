from itertools import pairwise

from odoo import api, fields, models
from odoo.exceptions import ValidationError

MAX_DAYS = 365
REMINDER_DAYS = ("lead_reminder_days_1", "lead_reminder_days_2", "lead_reminder_days_3")


class ResCompany(models.Model):
    """When buyers are reminded of what they have not paid, unless a buyer has days of
    its own."""

    _inherit = "res.company"

    lead_reminders = fields.Boolean(
        "Payment Reminders",
        help="Buyers are reminded by email of overdue lead invoices. The last reminder"
        " puts the buyer on buying hold.",
        groups="base.group_user",
    )
    lead_reminder_days_1 = fields.Integer(
        "First Reminder After (Days)",
        default=3,
        help="Days after the due date. Enter 0 to leave this reminder out.",
        groups="base.group_user",
    )
    lead_reminder_days_2 = fields.Integer(
        "Second Reminder After (Days)",
        default=10,
        help="Days after the due date. Enter 0 to leave this reminder out.",
        groups="base.group_user",
    )
    lead_reminder_days_3 = fields.Integer(
        "Last Reminder After (Days)",
        default=20,
        help="Days after the due date. Enter 0 to leave this reminder out.",
        groups="base.group_user",
    )
    lead_has_credit_control = fields.Boolean(
        compute="_compute_lead_has_credit_control",
        help="OCA's Account Credit Control is installed, which sends reminders itself.",
        groups="base.group_user",
    )

    def _compute_lead_has_credit_control(self):
        self.lead_has_credit_control = self._has_lead_credit_control()

    @api.model
    def _has_lead_credit_control(self):
        """Tell whether OCA's ``account_credit_control`` is here, and reminds."""
        return "credit.control.run" in self.env.registry

    @api.constrains("lead_reminders", *REMINDER_DAYS)
    def _check_lead_reminder_days(self):
        for company in self:
            self._check_reminder_days([company[name] for name in REMINDER_DAYS])

    @api.model
    def _check_reminder_days(self, days):
        """Check after how many days each reminder goes.

        :raises ValidationError: for days that are not in order
        """
        sent = [number for number in days if number]
        if any(not 0 <= number <= MAX_DAYS for number in days) or any(
            later <= earlier for earlier, later in pairwise(sent)
        ):
            raise ValidationError(
                self.env._(
                    "Each reminder goes later than the one before: enter days from 1 to"
                    " %s in ascending order, or 0 to leave a reminder out.",
                    MAX_DAYS,
                )
            )
