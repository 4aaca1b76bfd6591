from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from odoo.addons.base.models.res_partner import _tz_get

from ..tools.local_time import get_zone, get_zone_error, local_day
from ..tools.protected_fields import CompanyGuard
from ..tools.storable import check_storable_numbers
from ..tools.windows import (
    MonthlySchedule,
    Schedule,
    WeeklySchedule,
    available_zones,
    time_of_day,
)
from ..tools.zone_field import Zone

WEEKDAYS = [
    ("0", "Monday"),
    ("1", "Tuesday"),
    ("2", "Wednesday"),
    ("3", "Thursday"),
    ("4", "Friday"),
    ("5", "Saturday"),
    ("6", "Sunday"),
]

# What is done with the documents of a run.
POSTINGS = [
    ("draft", "Leave as draft"),
    ("post", "Confirm"),
    ("send", "Confirm and send"),
]
INVOICE_DATE_POLICIES = [
    ("generation", "Day of the invoice run"),
    ("window_end", "Last day of the billing period"),
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

# Sanity bounds; the arithmetic of datetimes stays in range.
MAX_INTERVAL = 1000
MIN_YEAR, MAX_YEAR = 1900, 2200


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
        help="Gets the activities for buyers and runs that need attention. When empty,"
        " the billing team of the company shares them.",
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
        help="Length of a billing period, in weeks or months.",
    )
    anchor_date = fields.Date(
        "Counted From",
        compute="_compute_anchor_date",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        help="A billing period starts on the first start day and time on or after this"
        " day. With an interval above one, this decides which weeks or months.",
    )
    tz = Zone(
        _tz_selection,
        "Time Zone",
        required=True,
        default=lambda self: self.env.company._propose_lead_tz(),
        help="All days and times of this cycle are local times of this zone.",
    )
    window_start_day = fields.Selection(WEEKDAYS, "Starts On", default="0")
    window_start_time = fields.Float("Starts At")
    window_end_day = fields.Selection(WEEKDAYS, "Ends On", default="0")
    window_end_time = fields.Float("Ends At")
    generation_day = fields.Selection(WEEKDAYS, "Invoiced On", default="0")
    generation_time = fields.Float("Invoiced At", default=6.0)
    include_earlier = fields.Boolean(
        "Include Earlier Transactions",
        default=True,
        help="Unbilled transactions from before the billing period, because they were"
        " recorded late or fell between two billing periods, are included on its"
        " invoice as well.",
    )
    posting = fields.Selection(
        POSTINGS,
        "Invoices",
        required=True,
        default="send",
    )
    invoice_date_policy = fields.Selection(
        INVOICE_DATE_POLICIES,
        "Invoice Date",
        required=True,
        default="generation",
    )
    next_generation_at = fields.Datetime(
        "Next Invoice Run",
        compute="_compute_next_generation_at",
        store=True,
        readonly=False,
        precompute=True,
        copy=False,
        index=True,
        help="When the next invoices will be created, shown in your own time zone. If"
        " you move this into the past, every billing period that has ended since then"
        " is invoiced, oldest first.",
    )
    schedule_summary = fields.Char(
        "Schedule",
        compute="_compute_schedule_summary",
        help="The schedule in words, in local times of the cycle's time zone.",
    )
    upcoming_windows = fields.Html(
        "Upcoming Billing Periods", compute="_compute_upcoming_windows", sanitize=False
    )

    @api.depends("tz")
    def _compute_anchor_date(self):
        for cycle in self:
            cycle.anchor_date = cycle.anchor_date or local_day(
                self.env, fields.Datetime.now(), cycle.tz
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
        for vals in vals_list:
            check_storable_numbers(self, vals, {"interval"})
        cycles = super().create(vals_list)
        cycles._wake_scheduled_action()
        return cycles

    def write(self, vals):
        check_storable_numbers(self, vals, {"interval"})
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
                    "%s has already been used for invoicing, so its company cannot be"
                    " changed. Create one in the other company.",
                    run.cycle_id.display_name,
                )
            )

    def _check_not_used(self):
        """Refuse to take away cycles that bill someone: its leads would wait unseen.

        :raises UserError: naming the cycle and a buyer
        """
        for cycle in self:
            company = cycle.company_id
            # Only the name of one buyer is told, to a manager of that company.
            buyers = self.env["res.partner"].sudo().with_company(company)
            # Archived buyers are billed, too.
            buyers = buyers.with_context(active_test=False)
            buyer = buyers.search([("lead_billing_cycle_id", "=", cycle.id)], limit=1)
            # Whether it is this one is all that is told of the company.
            if company.sudo().lead_billing_cycle_id == cycle:
                user = company.name
            elif buyer:
                user = buyer.display_name
            else:
                continue
            raise UserError(
                self.env._(
                    "%(cycle)s bills %(user)s. Choose another cycle there first, or"
                    " set this one to Manual.",
                    cycle=cycle.name,
                    user=user,
                )
            )

    # Windows

    def _get_window(self, moment):
        """Return the last window that is closed at a moment.

        Whether its invoices were made, or are to be made later, does not matter.

        :param datetime moment: naive UTC
        :return: `(start, end)` in naive UTC of the last window with `end <= moment`;
            False for a manual cycle
        :rtype: tuple[datetime, datetime] | bool
        :raises UserError: if the server does not know the cycle's time zone
        """
        schedule = self._get_schedule()
        if not schedule:
            return False
        start, end, _generation = schedule.window(schedule.last_closed(moment))
        return start, end

    def _get_next_window(self):
        """Return the window that the next scheduled invoices are for.

        :rtype: lead_invoicing.tools.windows.Window | bool
        :return: False when no schedule bills anyone, and of an empty recordset
        :raises UserError: if the server does not know the cycle's time zone
        """
        if not self.next_generation_at:
            return False
        return self._next_due_window(self.next_generation_at)

    def _get_known_next_window(self):
        """Return what :meth:`_get_next_window` does, and False as well where the server
        does not know the cycle's time zone, which stops its run."""
        try:
            return self._get_next_window()
        except UserError:
            return False

    def _next_due_window(self, after):
        """Return the first window whose invoices are made at or after a moment.

        :param datetime after: naive UTC
        :return: `(start, end, generation)` in naive UTC; False for a manual cycle
        :rtype: lead_invoicing.tools.windows.Window | bool
        :raises UserError: if the server does not know the cycle's time zone
        """
        schedule = self._get_schedule()
        return schedule and schedule.window(schedule.first_due(after))

    # Schedule

    def _get_schedule(self) -> Schedule | bool:
        """Return the arithmetic of this cycle, False for a manual one.

        :raises UserError: if the server does not know the cycle's time zone
        :raises ValueError: for a time of day that is none; constraints keep those out
        """
        self.ensure_one()
        if self.frequency == "manual":
            return False
        zone = get_zone(self.env, self.tz)
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

    # What is wrong with a schedule

    def _get_schedule_error(self):
        """Return what is wrong with the schedule, as a sentence, or False."""
        self.ensure_one()
        if self.frequency == "manual":
            return False
        if error := get_zone_error(self.env, self.tz):
            return error
        if not self.anchor_date or not MIN_YEAR <= self.anchor_date.year <= MAX_YEAR:
            return self.env._(
                "Choose a day between the years %(first)s and %(last)s to count the"
                " billing periods from.",
                first=MIN_YEAR,
                last=MAX_YEAR,
            )
        if self.frequency != "semimonthly" and not 1 <= self.interval <= MAX_INTERVAL:
            return self.env._(
                "A billing period must be from 1 to %s weeks or months long.",
                MAX_INTERVAL,
            )
        return self._get_times_error() or self._get_weekly_error()

    def _get_planned_error(self):
        planned = self.next_generation_at
        if not planned:
            return False
        if self.frequency == "manual":
            return self.env._(
                "A manual cycle has no schedule: leave Next Invoice Run empty."
            )
        if MIN_YEAR <= planned.year <= MAX_YEAR:
            return False
        return self.env._(
            "Choose a next invoice run between the years %(first)s and %(last)s.",
            first=MIN_YEAR,
            last=MAX_YEAR,
        )

    def _get_times_error(self):
        bounds = WEEKLY_BOUNDS if self.frequency == "weekly" else ["generation"]
        for name in (f"{bound}_time" for bound in bounds):
            try:
                time_of_day(self[name])
            except ValueError:
                return self.env._(
                    "“%s” must be a time of day, from 00:00 to 23:59.",
                    self._fields[name]._description_string(self.env),
                )
        return False

    def _get_weekly_error(self):
        if self.frequency != "weekly":
            return False
        if not all(self[f"{bound}_day"] for bound in WEEKLY_BOUNDS):
            return self.env._(
                "A weekly cycle needs the days on which its billing period starts and"
                " ends and on which its invoices are created."
            )
        if self.generation_day != self.window_end_day:
            return False
        if time_of_day(self.generation_time) >= time_of_day(self.window_end_time):
            return False
        return self.env._(
            "The billing time must be the same as or before the generation time: the"
            " billing period ends on %(closing)s, but its invoices would be created at"
            " %(generation)s on that day.",
            closing=self._describe_bound("window_end"),
            generation=self._describe_time("generation"),
        )
