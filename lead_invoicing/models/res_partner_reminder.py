from odoo import api, fields, models

from .res_company_reminder import REMINDER_DAYS


class ResPartner(models.Model):
    """When a buyer is reminded of what it has not paid."""

    _inherit = "res.partner"

    lead_reminders = fields.Selection(
        [("own", "Custom days"), ("never", "Never")],
        "Payment Reminders",
        company_dependent=True,
        help="Leave empty to use the company's settings.",
        groups="base.group_user",
    )
    lead_reminder_days_1 = fields.Integer(
        "First Reminder After (Days)",
        company_dependent=True,
        help="Days after the due date. Enter 0 to leave this reminder out.",
        groups="base.group_user",
    )
    lead_reminder_days_2 = fields.Integer(
        "Second Reminder After (Days)",
        company_dependent=True,
        help="Days after the due date. Enter 0 to leave this reminder out.",
        groups="base.group_user",
    )
    lead_reminder_days_3 = fields.Integer(
        "Last Reminder After (Days)",
        company_dependent=True,
        help="Days after the due date. Enter 0 to leave this reminder out.",
        groups="base.group_user",
    )

    @api.constrains("lead_reminders", *REMINDER_DAYS)
    def _check_lead_reminder_days(self):
        for partner in self:
            self.env["res.company"]._check_reminder_days(
                [partner[name] for name in REMINDER_DAYS]
            )

    def _commercial_fields(self):
        return super()._commercial_fields() + ["lead_reminders", *REMINDER_DAYS]

    def _get_lead_reminder_days(self):
        """Return after how many days after the due date this buyer is reminded, in the
        current company.

        :return: {level from 1 to 3: days}; empty where it is not reminded
        """
        self.ensure_one()
        buyer, company = self.commercial_partner_id, self.env.company
        if not company.lead_reminders or buyer.lead_reminders == "never":
            return {}
        source = buyer if buyer.lead_reminders == "own" else company
        days = enumerate((source[name] for name in REMINDER_DAYS), start=1)
        return {level: number for level, number in days if number}
