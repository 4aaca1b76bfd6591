from datetime import timedelta

from odoo import api, fields, models

DAY = timedelta(days=1)


class LeadBillingCycle(models.Model):
    """What is unusual about a weekly cycle, said where it is set."""

    _inherit = "lead.billing.cycle"

    schedule_notice = fields.Char(compute="_compute_schedule_notice")

    @api.depends(
        "frequency",
        "interval",
        "window_start_day",
        "window_start_time",
        "window_end_day",
        "window_end_time",
        "generation_day",
        "generation_time",
        "include_earlier",
        "anchor_date",
        "tz",
    )
    @api.depends_context("lang")
    def _compute_schedule_notice(self):
        for cycle in self:
            cycle.schedule_notice = " ".join(cycle._get_schedule_notices()) or False

    def _get_schedule_notices(self):
        """Return sentences on the days that no period has, and on a late run."""
        if self.frequency != "weekly" or self._get_schedule_error():
            return []
        schedule = self._get_schedule()
        first, second = schedule.window(0), schedule.window(1)
        notices = []
        if (gap := second.start - first.end) >= DAY:
            days = round(gap / DAY)
            notices.append(
                self.env._(
                    "Days between two billing periods: %s. Leads sold then go on the"
                    " next invoice.",
                    days,
                )
                if self.include_earlier
                else self.env._(
                    "Days between two billing periods: %s. Leads sold then are not"
                    " invoiced by this cycle; they stay in Unbilled.",
                    days,
                )
            )
        if (delay := first.generation - first.end) >= DAY:
            notices.append(
                self.env._(
                    "Invoices are created %s days after the billing period ends.",
                    round(delay / DAY),
                )
            )
        return notices
