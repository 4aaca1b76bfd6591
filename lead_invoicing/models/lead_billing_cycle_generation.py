from datetime import timedelta

from odoo import api, fields, models

from ..tools.concurrency import TRY_AGAIN
from ..tools.local_time import local_day


class LeadBillingCycle(models.Model):
    """The job that invoices what is due, and which cycles are."""

    _inherit = "lead.billing.cycle"

    @api.model
    def _cron_generate_invoices(self):
        """Invoice every window whose generation moment has come, the oldest first.

        The scheduled action calls it again and again while work remains. It commits
        after each batch of buyers, and leaves off when the scheduler's time is up.
        """
        try:
            self.env["lead.invoice.run"]._generate_due()
            # What was sent and what waits is looked after hourly, also where the job
            # for it was lost.
            self.env["ir.cron"]._try_lead_step(
                self.env["account.move"]._cron_follow_lead_deliveries,
                "deliveries cannot be followed",
            )
        except TRY_AGAIN:
            # Somebody else changed the same run or cycle: the next call goes on.
            self.env.cr.rollback()
            self.env["ir.cron"]._commit_progress(remaining=1)

    @api.model
    def _get_due_cycles(self):
        """Return the cycles whose next generation has come, the longest due first;
        without those that a stopped run holds, or an earlier window that buyers are
        still to be done of."""
        held = self.env["lead.invoice.run"].search(
            ["|", ("state", "=", "stopped"), ("buyer_ids.state", "=", "todo")]
        )
        return self.search(
            [
                ("next_generation_at", "<=", fields.Datetime.now()),
                ("id", "not in", held.cycle_id.ids),
            ],
            order="next_generation_at, id",
        )

    def _is_last_window_of_year(self, window_end):
        """Tell whether the window with this end (naive UTC) is the last of a year."""
        self.ensure_one()
        schedule = self._get_schedule()
        following = schedule.window(schedule.last_closed(window_end) + 1)
        last_days = (
            local_day(self.env, end - timedelta.resolution, self.tz)
            for end in (window_end, following.end)
        )
        return len({day.year for day in last_days}) == 2
