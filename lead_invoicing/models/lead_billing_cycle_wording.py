from datetime import datetime

from odoo import fields, models

from ..tools.local_time import format_moment, format_time_of_day, format_window
from ..tools.windows import time_of_day
from .lead_billing_cycle import WEEKLY_BOUNDS


class LeadBillingCycle(models.Model):
    """The schedule of a cycle in words, for its form."""

    _inherit = "lead.billing.cycle"

    def _describe_schedule(self):
        """Return the schedule in words; it must be without error."""
        if self.frequency == "manual":
            return self.env._("Manual only")
        values = {
            "interval": self.interval,
            "time": self._describe_time("generation"),
        }
        if self.frequency == "semimonthly":
            return self.env._(
                "From the 1st through the 15th and from the 16th through the end of"
                " the month, invoiced the day after at %(time)s",
                **values,
            )
        if self.frequency == "monthly":
            if self.interval == 1:
                return self.env._(
                    "Every calendar month, invoiced on the 1st at %(time)s", **values
                )
            return self.env._(
                "Every %(interval)s calendar months, invoiced on the 1st at %(time)s",
                **values,
            )
        for bound in WEEKLY_BOUNDS:
            values[bound] = self._describe_bound(bound)
        if self.interval == 1:
            return self.env._(
                "Every week from %(window_start)s to %(window_end)s,"
                " invoiced %(generation)s",
                **values,
            )
        return self.env._(
            "Every %(interval)s weeks from %(window_start)s to %(window_end)s,"
            " invoiced %(generation)s",
            **values,
        )

    def _describe_bound(self, bound):
        """Return "Monday 8:00 AM" for a bound, named without `_day`."""
        days = dict(self._fields[f"{bound}_day"]._description_selection(self.env))
        return f"{days[self[f'{bound}_day']]} {self._describe_time(bound)}"

    def _describe_time(self, bound):
        """Return "8:00 AM" for a bound, named without `_time`."""
        moment = datetime.min + time_of_day(self[f"{bound}_time"])
        return format_time_of_day(self.env, moment.time())

    def _prepare_upcoming_values(self):
        """Return what the template `lead_billing_cycle_upcoming` shows."""
        if error := self._get_schedule_error() or self._get_planned_error():
            return {"error": error}
        values = {"error": False, "tz": self.tz, "windows": []}
        if self.frequency == "manual":
            note = self.env._("No invoices are scheduled: create them manually.")
            return {**values, "note": note}
        if not self.next_generation_at:
            note = self.env._("No invoices are scheduled: Next Invoice Run is empty.")
            return {**values, "note": note}
        now = fields.Datetime.now()
        schedule = self._get_schedule()
        first = schedule.first_due(self.next_generation_at)
        windows = [schedule.window(first + number) for number in range(3)]
        values["windows"] = [
            {
                "is_due": window.generation <= now,
                "bounds": [
                    format_moment(self.env, moment, schedule.zone) for moment in window
                ],
            }
            for window in windows
        ]
        start, end, generation = windows[0]
        period = format_window(self.env, start, end, self.tz)
        if generation <= now:
            note = self.env._(
                "Invoices are due. The next run of the scheduled action creates them,"
                " oldest billing period first, starting with %s.",
                period,
            )
        else:
            day, time = format_moment(self.env, generation, schedule.zone)
            note = self.env._(
                "The next invoices will be created on %(day)s at %(time)s, for"
                " %(period)s.",
                day=day,
                time=time,
                period=period,
            )
        return {**values, "note": note}
