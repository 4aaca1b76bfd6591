from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools.misc import babel_locale_parse, format_date, get_lang

from odoo.addons.base.models.res_partner import _tz_get

from ..tools.engine_fields import CompanyGuard
from ..tools.windows import (
    MonthlySchedule,
    Schedule,
    WeeklySchedule,
    available_zones,
    is_midnight,
    is_zone,
    time_of_day,
    to_wall,
)
from ..tools.zone_field import Zone
from .lead_invoice_run_buyer import TRY_AGAIN

WEEKDAYS = [
    ("0", "Monday"),
    ("1", "Tuesday"),
    ("2", "Wednesday"),
    ("3", "Thursday"),
    ("4", "Friday"),
    ("5", "Saturday"),
    ("6", "Sunday"),
]

# What decides when windows open, close and are invoiced.
SCHEDULE_FIELDS = [
    "frequency",
    "interval",
    "anchor_date",
    "tz",
    "window_start_day",
    "window_start_time",
    "window_end_day",
    "window_end_time",
    "generation_day",
    "generation_time",
]

# Each has a `_day` and a `_time`.
WEEKLY_BOUNDS = ["window_start", "window_end", "generation"]

# Far beyond any bill, and far from where datetimes end.
MAX_INTERVAL = 1000
MIN_YEAR, MAX_YEAR = 1900, 2200

EN_DASH = " \N{EN DASH} "


class LeadBillingCycle(CompanyGuard, models.Model):
    """When a billing window opens and closes, and when its invoices are made."""

    _name = "lead.billing.cycle"
    _description = "Lead Billing Cycle"
    _order = "sequence, name, id"
    _check_company_auto = True

    def _tz_selection(self):
        """Return Odoo's time zones, without those this server cannot compute."""
        return [zone for zone in _tz_get(self) if zone[0] in available_zones()]

    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    name = fields.Char(required=True, translate=True)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    user_id = fields.Many2one(
        "res.users",
        "Responsible",
        default=lambda self: self.env.user,
        help="Gets the activities for buyers and runs that need attention.",
    )
    frequency = fields.Selection(
        [
            ("weekly", "Weekly"),
            ("semimonthly", "Twice a month"),
            ("monthly", "Monthly"),
            ("manual", "Manual"),
        ],
        required=True,
        default="weekly",
    )
    interval = fields.Integer(
        "Every",
        required=True,
        default=1,
        help="A window of every so many weeks or months.",
    )
    anchor_date = fields.Date(
        "Counted From",
        compute="_compute_anchor_date",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        help="A window opens at the first opening day and time on or after this day."
        " With an interval above one, this decides which weeks or months.",
    )
    tz = Zone(
        _tz_selection,
        "Time Zone",
        required=True,
        default=lambda self: self.env.company._propose_lead_tz(),
        help="All days and times of this cycle are local times of this zone.",
    )
    window_start_day = fields.Selection(WEEKDAYS, "Opens On", default="0")
    window_start_time = fields.Float("Opens At")
    window_end_day = fields.Selection(WEEKDAYS, "Closes On", default="0")
    window_end_time = fields.Float("Closes At")
    generation_day = fields.Selection(WEEKDAYS, "Invoiced On", default="0")
    generation_time = fields.Float("Invoiced At", default=6.0)
    include_earlier = fields.Boolean(
        "Include Earlier Transactions",
        default=True,
        help="Transactions from before the window that are not billed yet, because"
        " they came late or fell between two windows, go onto its invoice as well.",
    )
    posting = fields.Selection(
        [
            ("draft", "Leave as draft"),
            ("post", "Post"),
            ("send", "Post and send"),
        ],
        "Invoices",
        required=True,
        default="send",
    )
    invoice_date_policy = fields.Selection(
        [
            ("generation", "Day of generation"),
            ("window_end", "Last day of the window"),
        ],
        "Invoice Date",
        required=True,
        default="generation",
    )
    next_generation_at = fields.Datetime(
        "Next Generation",
        compute="_compute_next_generation_at",
        store=True,
        readonly=False,
        precompute=True,
        copy=False,
        index=True,
        help="When the next invoices are made, shown in your own time zone. Moved into"
        " the past, every window closed since then is invoiced, the oldest first.",
    )
    schedule_summary = fields.Char(
        "Schedule",
        compute="_compute_schedule_summary",
        help="The schedule in words, in local times of the cycle's time zone.",
    )
    upcoming_windows = fields.Html(compute="_compute_upcoming_windows", sanitize=False)

    @api.depends("tz")
    def _compute_anchor_date(self):
        for cycle in self:
            cycle.anchor_date = cycle.anchor_date or cycle._local_date(
                fields.Datetime.now()
            )

    @api.depends(*SCHEDULE_FIELDS)
    def _compute_next_generation_at(self):
        # The form shows what a change of schedule will do. Saving one goes through
        # `write`, the only place that knows the stored schedule before the change.
        now = fields.Datetime.now()
        for cycle in self:
            saved = cycle._origin
            cycle.next_generation_at = cycle._get_first_generation(
                now, saved.next_generation_at, saved._get_waiting_end(now)
            )

    @api.depends(*SCHEDULE_FIELDS)
    @api.depends_context("lang")
    def _compute_schedule_summary(self):
        for cycle in self:
            error = cycle._get_schedule_error()
            cycle.schedule_summary = not error and cycle._describe_schedule()

    @api.depends(*SCHEDULE_FIELDS, "next_generation_at")
    @api.depends_context("lang")
    def _compute_upcoming_windows(self):
        for cycle in self:
            cycle.upcoming_windows = self.env["ir.qweb"]._render(
                "lead_invoicing.lead_billing_cycle_upcoming",
                cycle._prepare_upcoming_values(),
            )

    @api.constrains(*SCHEDULE_FIELDS, "next_generation_at")
    def _check_schedule(self):
        for cycle in self:
            if error := cycle._get_schedule_error() or cycle._get_planned_error():
                raise ValidationError(error)

    @api.model_create_multi
    def create(self, vals_list):
        cycles = super().create(vals_list)
        cycles._wake_scheduled_action()
        return cycles

    def write(self, vals):
        if vals.get("active") is False:
            self._check_not_used()
        now = fields.Datetime.now()
        is_rescheduled = "next_generation_at" not in vals and any(
            name in vals for name in SCHEDULE_FIELDS
        )
        before = [
            (cycle, cycle.next_generation_at, cycle._get_waiting_end(now))
            for cycle in (self if is_rescheduled else self.browse())
        ]
        result = super().write(vals)
        for cycle, planned, waiting_end in before:
            cycle.next_generation_at = cycle._get_first_generation(
                now, planned, waiting_end
            )
        if "next_generation_at" in vals or vals.get("active"):
            self._wake_scheduled_action()
        return result

    def _check_can_change_company(self):
        self._check_not_used()
        # Whether there is one, in whatever company, is all that is told.
        runs = self.env["lead.invoice.run"].sudo()
        if run := runs.search([("cycle_id", "in", self.ids)], limit=1):
            raise UserError(
                self.env._(
                    "%s has invoiced already: it stays in its company. Create one in"
                    " the other company.",
                    run.cycle_id.display_name,
                )
            )

    def _check_not_used(self):
        """Refuse to take away cycles that bill someone: its leads would wait unseen.

        :raise UserError: naming the cycle and a buyer
        """
        for cycle in self:
            company = cycle.company_id
            # Only the name of one buyer is told, to a manager of that company.
            buyers = self.env["res.partner"].sudo().with_company(company)
            buyer = buyers.search([("lead_billing_cycle_id", "=", cycle.id)], limit=1)
            if company.sudo().lead_billing_cycle_id == cycle:
                user = company.name
            elif buyer:
                user = buyer.display_name
            else:
                continue
            raise UserError(
                self.env._(
                    "%(cycle)s bills %(user)s. Choose another cycle there first, or"
                    " make this one manual.",
                    cycle=cycle.name,
                    user=user,
                )
            )

    # ------------------------------------------------------------------
    # Windows
    # ------------------------------------------------------------------

    def _get_window(self, moment):
        """Return the last window that is closed at a moment.

        Whether its invoices were made, or are to be made later, does not matter.

        :param datetime moment: naive UTC
        :return: `(start, end)` in naive UTC of the last window with `end <= moment`;
            False for a manual cycle
        :rtype: tuple[datetime, datetime] | bool
        :raise UserError: if the server does not know the cycle's time zone
        """
        schedule = self._get_schedule()
        if not schedule:
            return False
        start, end, _generation = schedule.window(schedule.last_closed(moment))
        return start, end

    def _get_window_by_index(self, index):
        """Return a window by its number.

        :param int index: 0 for the first window that opens on or after the anchor
            date, negative for those before it
        :return: `(start, end, generation)` in naive UTC; False for a manual cycle
        :rtype: lead_invoicing.tools.windows.Window | bool
        :raise UserError: if the server does not know the cycle's time zone
        """
        schedule = self._get_schedule()
        return schedule and schedule.window(index)

    def _get_window_index(self, moment):
        """Return the number of the window that `_get_window` returns.

        Beware: it may be 0; a manual cycle has none and gives None.

        :param datetime moment: naive UTC
        :rtype: int | None
        :raise UserError: if the server does not know the cycle's time zone
        """
        schedule = self._get_schedule()
        return schedule.last_closed(moment) if schedule else None

    def _get_next_window(self):
        """Return the window that the next scheduled invoices are for.

        :rtype: lead_invoicing.tools.windows.Window | bool
        :return: False when no schedule bills anyone, and of an empty recordset
        :raise UserError: if the server does not know the cycle's time zone
        """
        if not self.next_generation_at:
            return False
        return self._next_due_window(self.next_generation_at)

    def _next_due_window(self, after):
        """Return the first window whose invoices are made at or after a moment.

        :param datetime after: naive UTC
        :return: `(start, end, generation)` in naive UTC; False for a manual cycle
        :rtype: lead_invoicing.tools.windows.Window | bool
        :raise UserError: if the server does not know the cycle's time zone
        """
        schedule = self._get_schedule()
        return schedule and schedule.window(schedule.first_due(after))

    def _local_date(self, moment):
        """Return the day of a moment in the cycle's time zone.

        :param datetime moment: naive UTC
        :rtype: date
        :raise UserError: if the server does not know the time zone
        """
        return to_wall(moment, self._get_zone(self.tz)).date()

    @api.model
    def _format_window(self, start, end, tz, lang_code=None):
        """Print a window for people, as its invoice does.

        From midnight to midnight it is its days, both inclusive, as in "Nov 1, 2026 to
        Nov 7, 2026"; else days, times and the zone.

        :param datetime start: naive UTC
        :param datetime end: naive UTC, exclusive
        :param str tz: name of the time zone to print it in
        :param str lang_code: language, by default that of the context
        :rtype: str
        :raise UserError: if the server does not know the time zone
        """
        zone = self._get_zone(tz)
        if is_midnight(start, zone) and is_midnight(end, zone):
            # The last instant, not the day before: a zone can skip a whole day.
            last = max(start, end - timedelta.resolution)
            days = (
                format_date(self.env, to_wall(moment, zone).date(), lang_code, "medium")
                for moment in (start, last)
            )
            return EN_DASH.join(dict.fromkeys(days))
        moments = (
            " ".join(self._format_moment(moment, zone, lang_code))
            for moment in (start, end)
        )
        return f"{EN_DASH.join(moments)} ({tz})"

    # ------------------------------------------------------------------
    # Schedule
    # ------------------------------------------------------------------

    def _get_schedule(self) -> Schedule | bool:
        """Return the arithmetic of this cycle, False for a manual one.

        :raise UserError: if the server does not know the cycle's time zone
        :raise ValueError: for a time of day that is none; constraints keep those out
        """
        self.ensure_one()
        if self.frequency == "manual":
            return False
        zone = self._get_zone(self.tz)
        if self.frequency == "weekly":
            return WeeklySchedule(
                zone,
                self.anchor_date,
                self.interval,
                *(self._get_time_of_week(bound) for bound in WEEKLY_BOUNDS),
            )
        halves = 1 if self.frequency == "semimonthly" else 2 * self.interval
        generation = time_of_day(self.generation_time)
        return MonthlySchedule(zone, self.anchor_date, halves, generation)

    def _get_time_of_week(self, bound):
        """Return the time since Monday 00:00 of a bound, named without `_day`."""
        return timedelta(int(self[f"{bound}_day"])) + time_of_day(self[f"{bound}_time"])

    @api.model
    def _get_zone(self, tz):
        """Return a time zone by its name.

        :raise UserError: if the server does not know it
        """
        if not is_zone(tz):
            raise UserError(self._get_zone_error(tz))
        return ZoneInfo(tz)

    def _get_waiting_end(self, now):
        """Return the end of the oldest window that is closed and not invoiced yet.

        :return: naive UTC; False if none is waiting
        """
        if not self.next_generation_at or self._get_schedule_error():
            return False
        window = self._next_due_window(self.next_generation_at)
        return window and window.end <= now and window.end

    def _get_first_generation(self, now, planned=False, waiting_end=False):
        """Return when a new or changed schedule makes its first invoices.

        That is its first generation moment after now: history is not billed by a
        change of schedule. But nothing is skipped either: what is due stays due, and
        a window that was closed and waiting keeps its turn, even if the new schedule
        would have made its invoices before now.

        :param datetime now: naive UTC
        :param datetime planned: next generation before the change
        :param datetime waiting_end: `_get_waiting_end` before the change
        :return: naive UTC; False for a manual cycle and while the schedule is wrong
        """
        schedule = not self._get_schedule_error() and self._get_schedule()
        if not schedule:
            return False
        index = schedule.first_due(now + timedelta.resolution)
        if waiting_end:
            index = min(index, schedule.first_closing(waiting_end))
        generation = schedule.window(index).generation
        return min(generation, planned) if planned and planned <= now else generation

    def _wake_scheduled_action(self):
        """Have invoices made at each cycle's own moment, not at the next hour."""
        moments = {moment for moment in self.mapped("next_generation_at") if moment}
        if moments:
            self.env["lead.invoice.run"]._trigger_generation(at=moments)

    # ------------------------------------------------------------------
    # Generation
    # ------------------------------------------------------------------

    @api.model
    def _cron_generate_invoices(self):
        """Invoice every window whose generation moment has come, the oldest first.

        The scheduled action calls it again and again while work remains. It commits
        after each batch of buyers, and leaves off when the scheduler's time is up.
        """
        try:
            self._generate_invoices()
            # What was sent and what waits is looked after hourly, also where the job
            # for it was lost.
            self.env["account.move"]._cron_follow_lead_deliveries()
        except TRY_AGAIN:
            # Somebody else changed the same run or cycle: the next call goes on.
            self.env.cr.rollback()
            self.env["ir.cron"]._commit_progress(remaining=1)

    def _generate_invoices(self):
        runs = self.env["lead.invoice.run"]
        runs._resume_mended_runs()
        runs._close_worked_off_runs()
        while True:
            processed = runs._run_next_batch()
            waiting = runs._count_waiting()
            # A window is opened once all of the earlier ones is dealt with.
            opened = not waiting and self._open_next_run()
            waiting = waiting or runs._count_waiting() + len(self._get_due_cycles())
            time_left = self.env["ir.cron"]._commit_progress(
                int(bool(opened)), remaining=waiting
            )
            if not (waiting and (processed or opened) and time_left):
                break

    @api.model
    def _get_due_cycles(self):
        """Return the cycles whose next generation has come, the longest due first;
        without those that a stopped run holds."""
        stopped = self.env["lead.invoice.run"].search([("state", "=", "stopped")])
        return self.search(
            [
                ("next_generation_at", "<=", fields.Datetime.now()),
                ("id", "not in", stopped.cycle_id.ids),
            ],
            order="next_generation_at, id",
        )

    @api.model
    def _open_next_run(self):
        """Open the run of the window that has been due for longest, if any, and set
        its cycle to its next one.

        :return: the run, empty when nothing is due
        """
        runs = self.env["lead.invoice.run"]
        due = self._get_due_cycles().try_lock_for_update(
            allow_referencing=True, limit=1
        )
        if not due:
            return runs
        # In the language of who reads what keeps the cycle from being invoiced.
        due = due.with_context(lang=due.user_id.lang)
        try:
            start, end, generation = due._next_due_window(due.next_generation_at)
        except UserError as error:
            # A zone that the server no longer knows: that cycle's trouble alone.
            return due.env[runs._name]._open_stopped_run(due, str(error))
        if generation > fields.Datetime.now():
            due.next_generation_at = generation
            return runs
        run = runs._open_scheduled_run(due, start, end)
        # The next generation moment is after this one, by at least the window that
        # lies between them.
        due.next_generation_at = due._next_due_window(
            generation + timedelta.resolution
        ).generation
        return run

    def _is_last_window_of_year(self, window_end):
        """Tell whether the window with this end (naive UTC) is the last of a year."""
        self.ensure_one()
        schedule = self._get_schedule()
        following = schedule.window(schedule.last_closed(window_end) + 1)
        last_days = (
            self._local_date(end - timedelta.resolution)
            for end in (window_end, following.end)
        )
        return len({day.year for day in last_days}) == 2

    # ------------------------------------------------------------------
    # Words
    # ------------------------------------------------------------------

    def _get_schedule_error(self):
        """Return what is wrong with the schedule, as a sentence, or False."""
        self.ensure_one()
        if self.frequency == "manual":
            return False
        if not is_zone(self.tz):
            return self._get_zone_error(self.tz)
        if not self.anchor_date or not MIN_YEAR <= self.anchor_date.year <= MAX_YEAR:
            return self.env._(
                "Choose a day between the years %(first)s and %(last)s to count the"
                " windows from.",
                first=MIN_YEAR,
                last=MAX_YEAR,
            )
        if self.frequency != "semimonthly" and not 1 <= self.interval <= MAX_INTERVAL:
            return self.env._(
                "The number of weeks or months of a window must be from 1 to %s.",
                MAX_INTERVAL,
            )
        return self._get_times_error() or self._get_weekly_error()

    def _get_planned_error(self):
        planned = self.next_generation_at
        if not planned:
            return False
        if self.frequency == "manual":
            return self.env._(
                "A manual cycle makes no invoices by schedule: leave its next"
                " generation empty."
            )
        if MIN_YEAR <= planned.year <= MAX_YEAR:
            return False
        return self.env._(
            "Choose a next generation between the years %(first)s and %(last)s.",
            first=MIN_YEAR,
            last=MAX_YEAR,
        )

    def _get_zone_error(self, tz):
        if not tz:
            return self.env._("Choose the time zone of the billing cycle.")
        return self.env._(
            'This server does not know the time zone "%s". Choose another one on the'
            " billing cycle, or for the company under Settings, or have the server's"
            " time zone database updated.",
            tz,
        )

    def _get_times_error(self):
        bounds = WEEKLY_BOUNDS if self.frequency == "weekly" else ["generation"]
        for name in (f"{bound}_time" for bound in bounds):
            try:
                time_of_day(self[name])
            except ValueError:
                return self.env._(
                    '"%s" must be a time of day, from 00:00 to 23:59.',
                    self._fields[name]._description_string(self.env),
                )
        return False

    def _get_weekly_error(self):
        if self.frequency != "weekly":
            return False
        if not all(self[f"{bound}_day"] for bound in WEEKLY_BOUNDS):
            return self.env._(
                "A weekly cycle needs the days on which its window opens and closes"
                " and on which its invoices are made."
            )
        if self.generation_day != self.window_end_day:
            return False
        if time_of_day(self.generation_time) >= time_of_day(self.window_end_time):
            return False
        return self.env._(
            "The billing time must be the same as or before the generation time: the"
            " window closes on %(closing)s, but its invoices would be made at"
            " %(generation)s of that day.",
            closing=self._describe_bound("window_end"),
            generation=self._describe_time("generation"),
        )

    def _describe_schedule(self):
        """Return the schedule in words; it must be without error."""
        if self.frequency == "manual":
            return self.env._("Only by hand")
        values = {
            "interval": self.interval,
            "time": self._describe_time("generation"),
        }
        if self.frequency == "semimonthly":
            return self.env._(
                "From the 1st to the 15th and from the 16th to the end of the month,"
                " invoiced the day after at %(time)s",
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
        """Return "Monday 08:00" for a bound, named without `_day`."""
        days = dict(self._fields[f"{bound}_day"]._description_selection(self.env))
        return f"{days[self[f'{bound}_day']]} {self._describe_time(bound)}"

    def _describe_time(self, bound):
        """Return "08:00" for a bound, named without `_time`, as the form writes it."""
        return f"{datetime.min + time_of_day(self[f'{bound}_time']):%H:%M}"

    def _prepare_upcoming_values(self):
        """Return what the template `lead_billing_cycle_upcoming` shows."""
        if error := self._get_schedule_error() or self._get_planned_error():
            return {"error": error}
        values = {"error": False, "tz": self.tz, "windows": []}
        if self.frequency == "manual":
            note = self.env._("No invoices are made by schedule: make them by hand.")
            return {**values, "note": note}
        if not self.next_generation_at:
            note = self.env._(
                "No invoices are made by schedule, as the next generation is empty."
            )
            return {**values, "note": note}
        now = fields.Datetime.now()
        schedule = self._get_schedule()
        first = schedule.first_due(self.next_generation_at)
        windows = [schedule.window(first + number) for number in range(3)]
        values["windows"] = [
            {
                "is_due": window.generation <= now,
                "bounds": [
                    self._format_moment(moment, schedule.zone) for moment in window
                ],
            }
            for window in windows
        ]
        start, end, generation = windows[0]
        period = self._format_window(start, end, self.tz)
        if generation <= now:
            note = self.env._(
                "Invoices are due: the next run of the scheduled action makes them,"
                " the oldest window first, starting with %s.",
                period,
            )
        else:
            day, time = self._format_moment(generation, schedule.zone)
            note = self.env._(
                "The next invoices are made on %(day)s at %(time)s, for %(period)s.",
                day=day,
                time=time,
                period=period,
            )
        return {**values, "note": note}

    @api.model
    def _format_moment(self, moment, zone, lang_code=None):
        """Return day, with its weekday, and time of a naive UTC moment in a zone."""
        wall = to_wall(moment, zone)
        locale = babel_locale_parse(get_lang(self.env, lang_code).code)
        return format_skeleton("yMMMEd", wall, locale=locale), f"{wall:%H:%M}"
