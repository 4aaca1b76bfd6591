from datetime import date, datetime
from unittest.mock import patch

from freezegun import freeze_time

from odoo import Command, fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, TransactionCase, tagged

from ..tools.local_time import format_window, format_zone, local_day

TUESDAY = "2026-11-03 12:00:00"  # 08:00 in New York is 13:00 UTC in November


def at(text):
    return datetime.fromisoformat(text)


def plain_spaces(text):
    """Return a text with plain spaces: "6:00 AM" has a narrow one that never breaks."""
    return " ".join(text.split())


@tagged("clock")
@freeze_time(TUESDAY)
class TestBillingCycle(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.user.tz = "America/New_York"

    def create_cycle(self, **vals):
        return self.env["lead.billing.cycle"].create({"name": "Cycle", **vals})

    # Defaults

    def test_new_cycle_bills_calendar_weeks_in_the_time_zone_of_its_user(self):
        cycle = self.create_cycle()
        self.assertEqual(cycle.tz, "America/New_York")
        self.assertEqual(cycle.anchor_date, date(2026, 11, 3))
        self.assertEqual(
            cycle._get_window(at(TUESDAY)),
            (at("2026-10-26 04:00"), at("2026-11-02 05:00")),
        )
        self.assertEqual(cycle.next_generation_at, at("2026-11-09 11:00"))

    def test_anchor_is_the_day_of_creation_in_the_time_zone_of_the_cycle(self):
        with freeze_time("2026-11-03 23:30:00"):
            self.assertEqual(
                self.create_cycle(tz="Asia/Kolkata").anchor_date, date(2026, 11, 4)
            )
            self.assertEqual(self.create_cycle(tz="UTC").anchor_date, date(2026, 11, 3))

    def test_new_cycle_begins_with_the_companys_time_zone(self):
        company = self.env["res.company"].create({"name": "Leads Ltd"})
        company.lead_tz = "Asia/Kolkata"
        new = self.env["lead.billing.cycle"].with_company(company).new({})
        self.assertEqual(new.tz, "Asia/Kolkata")

    def test_local_date_is_the_day_in_the_time_zone_of_the_cycle(self):
        cycle = self.create_cycle(tz="America/New_York")
        self.assertEqual(
            local_day(self.env, at("2026-11-03 04:59:59"), cycle.tz), date(2026, 11, 2)
        )
        self.assertEqual(
            local_day(self.env, at("2026-11-03 05:00"), cycle.tz), date(2026, 11, 3)
        )

    # Windows

    def test_window_is_the_last_closed_one_whatever_the_generation_time(self):
        cycle = self.create_cycle(tz="UTC", generation_day="4", generation_time=18)
        window = (at("2026-10-26 00:00"), at("2026-11-02 00:00"))
        for moment in ("2026-11-02 00:00", "2026-11-06 17:00", "2026-11-08 23:59:59"):
            with self.subTest(moment=moment):
                self.assertEqual(cycle._get_window(at(moment)), window)
        self.assertEqual(
            cycle._get_window(at("2026-11-01 23:59:59")),
            (at("2026-10-19 00:00"), at("2026-10-26 00:00")),
        )

    def test_partial_window_leaves_the_weekend_out(self):
        cycle = self.create_cycle(
            tz="Europe/Berlin",
            window_start_time=8,
            window_end_day="4",
            window_end_time=18,
            generation_day="4",
            generation_time=18,
        )
        self.assertEqual(
            cycle._get_window(at("2026-11-01 12:00")),
            (at("2026-10-26 07:00"), at("2026-10-30 17:00")),
        )

    def test_partial_window_crosses_the_end_of_the_week(self):
        cycle = self.create_cycle(
            tz="UTC", window_start_day="4", window_end_day="1", generation_day="1"
        )
        self.assertEqual(
            cycle._get_window(at(TUESDAY)),
            (at("2026-10-30 00:00"), at("2026-11-03 00:00")),
        )

    def test_two_weeks_end_at_the_second_closing_day_and_time(self):
        cycle = self.create_cycle(
            tz="UTC",
            interval=2,
            anchor_date="2026-10-06",
            window_start_time=8,
            window_end_day="4",
            window_end_time=18,
            generation_day="0",
        )
        self.assertEqual(
            cycle._get_schedule().window(0),
            (at("2026-10-12 08:00"), at("2026-10-23 18:00"), at("2026-10-26 06:00")),
        )
        self.assertEqual(
            cycle._get_schedule().window(-1)[:2],
            (at("2026-09-28 08:00"), at("2026-10-09 18:00")),
        )
        last_closed = cycle._get_schedule().last_closed
        self.assertEqual(last_closed(at("2026-10-23 18:00")), 0)
        self.assertEqual(last_closed(at("2026-10-23 17:59:59")), -1)

    def test_month_is_invoiced_on_the_first_in_the_morning(self):
        cycle = self.create_cycle(frequency="monthly", tz="America/New_York")
        self.assertEqual(
            cycle._get_schedule().window(0),
            (at("2026-12-01 05:00"), at("2027-01-01 05:00"), at("2027-01-01 11:00")),
        )
        self.assertEqual(
            cycle._get_window(at(TUESDAY)),
            (at("2026-10-01 04:00"), at("2026-11-01 04:00")),
        )

    def test_quarter_follows_the_anchor(self):
        cycle = self.create_cycle(
            frequency="monthly", interval=3, anchor_date="2025-01-01", tz="UTC"
        )
        self.assertEqual(
            cycle._get_window(at(TUESDAY)),
            (at("2026-07-01 00:00"), at("2026-10-01 00:00")),
        )
        self.assertEqual(cycle.next_generation_at, at("2027-01-01 06:00"))

    def test_half_months_are_invoiced_the_day_after_and_ignore_the_interval(self):
        cycle = self.create_cycle(frequency="semimonthly", tz="UTC", interval=5)
        self.assertEqual(
            cycle._next_due_window(at(TUESDAY)),
            (at("2026-11-01 00:00"), at("2026-11-16 00:00"), at("2026-11-16 06:00")),
        )
        self.assertEqual(
            cycle._next_due_window(at("2026-11-16 06:00:01")),
            (at("2026-11-16 00:00"), at("2026-12-01 00:00"), at("2026-12-01 06:00")),
        )

    def test_manual_cycle_has_no_window(self):
        cycle = self.create_cycle(frequency="manual")
        self.assertIs(cycle._get_window(at(TUESDAY)), False)
        self.assertIs(cycle._get_schedule(), False)
        self.assertIs(cycle._next_due_window(at(TUESDAY)), False)
        self.assertFalse(cycle.next_generation_at)
        with self.assertRaisesRegex(ValidationError, "leave Next Invoice Run empty"):
            cycle.next_generation_at = at(TUESDAY)

    def test_window_that_clocks_skip_is_empty_and_does_no_harm(self):
        cycle = self.create_cycle(
            tz="Pacific/Apia",
            window_start_day="4",
            window_end_day="4",
            window_end_time=18,
            generation_day="4",
            generation_time=18,
        )
        start, end = cycle._get_window(at("2011-12-31 00:00"))
        self.assertEqual(start, end)
        self.assertEqual(format_window(self.env, start, end, cycle.tz), "Dec 31, 2011")

    def test_time_zone_unknown_to_the_server_is_explained(self):
        cycle = self.create_cycle()
        with (
            patch(
                "odoo.addons.lead_invoicing.tools.windows.available_zones",
                return_value={"UTC"},
            ),
            self.assertRaisesRegex(UserError, "does not know the time zone"),
        ):
            cycle._get_window(at(TUESDAY))

    # Wrong schedules

    def test_weekly_invoices_cannot_be_made_before_the_window_closes(self):
        vals = {"window_start_time": 8, "window_end_time": 8}
        with self.assertRaisesRegex(
            ValidationError,
            "billing time must be the same as or before the generation time",
        ):
            self.create_cycle(**vals, generation_time=7.5)
        self.create_cycle(**vals, generation_time=8)
        self.create_cycle(**vals, generation_day="1", generation_time=7.5)

    def test_times_of_day_are_within_the_day(self):
        for field in ("window_start_time", "window_end_time", "generation_time"):
            for hours in (-1, 24, float("nan")):
                with (
                    self.subTest(field=field, hours=hours),
                    self.assertRaisesRegex(ValidationError, "time of day"),
                ):
                    self.create_cycle(**{field: hours})
        self.create_cycle(generation_time=23 + 59 / 60)

    def test_interval_is_at_least_one(self):
        for frequency in ("weekly", "monthly"):
            for interval in (0, -1, 10**6):
                with (
                    self.subTest(frequency=frequency, interval=interval),
                    self.assertRaisesRegex(ValidationError, "from 1 to"),
                ):
                    self.create_cycle(frequency=frequency, interval=interval)

    def test_weekly_cycle_needs_its_days_and_a_monthly_one_does_not(self):
        days = dict.fromkeys(["window_start_day", "window_end_day", "generation_day"])
        with self.assertRaisesRegex(ValidationError, "needs the days"):
            self.create_cycle(**days)
        self.create_cycle(frequency="monthly", **days)

    def test_dates_at_the_end_of_time_are_refused(self):
        for anchor in ("0001-01-01", "9999-12-31"):
            with self.subTest(anchor=anchor), self.assertRaises(ValidationError):
                self.create_cycle(anchor_date=anchor)
        cycle = self.create_cycle()
        with self.assertRaises(ValidationError):
            cycle.next_generation_at = at("9999-12-31 23:59:59")

    # Next generation

    def test_schedule_change_plans_the_first_generation_after_now(self):
        cycle = self.create_cycle(tz="UTC")
        cycle.generation_day = "3"
        self.assertEqual(cycle.next_generation_at, at("2026-11-05 06:00"))
        cycle.frequency = "monthly"
        self.assertEqual(cycle.next_generation_at, at("2026-12-01 06:00"))
        cycle.frequency = "manual"
        self.assertFalse(cycle.next_generation_at)
        cycle.frequency = "weekly"
        self.assertEqual(cycle.next_generation_at, at("2026-11-05 06:00"))

    def test_schedule_change_keeps_a_generation_that_is_due(self):
        cycle = self.create_cycle(tz="UTC")
        cycle.next_generation_at = at("2026-10-12 06:00")
        cycle.generation_time = 9
        self.assertEqual(cycle.next_generation_at, at("2026-10-12 06:00"))

    def test_schedule_change_never_skips_a_closed_window(self):
        # Closed on Monday at midnight, to be invoiced on Wednesday.
        cycle = self.create_cycle(tz="UTC", generation_day="2")
        waiting = cycle._get_window(at(TUESDAY))
        self.assertEqual(cycle.next_generation_at, at("2026-11-04 06:00"))
        cycle.generation_day = "0"
        self.assertEqual(cycle.next_generation_at, at("2026-11-02 06:00"))
        self.assertEqual(cycle._next_due_window(cycle.next_generation_at)[:2], waiting)

    def test_due_window_is_not_skipped_by_an_earlier_generation_time(self):
        cycle = self.create_cycle(tz="UTC")
        cycle.next_generation_at = at("2026-11-02 06:00")
        cycle.generation_time = 2
        self.assertEqual(
            cycle._next_due_window(cycle.next_generation_at)[:2],
            (at("2026-10-26 00:00"), at("2026-11-02 00:00")),
        )

    def test_a_cycle_of_an_archived_buyer_is_in_use(self):
        # Archived buyers are billed: their leads would wait unseen.
        cycle = self.create_cycle(frequency="weekly")
        buyer = self.env["res.partner"].create(
            {"name": "Gone Ltd", "lead_billing_cycle_id": cycle.id, "active": False}
        )
        with self.assertRaisesRegex(UserError, "bills Gone Ltd"):
            cycle.active = False
        buyer.lead_billing_cycle_id = False
        cycle.active = False

    def test_schedule_change_bills_no_history(self):
        cycle = self.create_cycle(tz="UTC", frequency="monthly")
        cycle.frequency = "weekly"
        self.assertEqual(cycle.next_generation_at, at("2026-11-09 06:00"))

    def test_manager_moves_next_generation_into_the_past(self):
        cycle = self.create_cycle(tz="UTC")
        cycle.next_generation_at = at("2026-10-13 00:00")
        self.assertEqual(
            cycle._next_due_window(cycle.next_generation_at),
            (at("2026-10-12 00:00"), at("2026-10-19 00:00"), at("2026-10-19 06:00")),
        )

    def test_written_next_generation_wins_over_the_schedule_beside_it(self):
        cycle = self.create_cycle(tz="UTC")
        cycle.write({"interval": 2, "next_generation_at": at("2026-10-13 00:00")})
        self.assertEqual(cycle.next_generation_at, at("2026-10-13 00:00"))

    def test_scheduled_action_is_woken_at_the_next_generation(self):
        cron = self.env.ref("lead_invoicing.ir_cron_generate_invoices")

        def is_woken(moment):
            return self.env["ir.cron.trigger"].search_count(
                [("cron_id", "=", cron.id), ("call_at", "=", moment)]
            )

        cycle = self.create_cycle(tz="UTC")
        self.assertTrue(is_woken(cycle.next_generation_at))
        cycle.generation_time = 7
        self.assertTrue(is_woken(at("2026-11-09 07:00")))
        cycle.next_generation_at = at("2026-10-13 00:00")
        self.assertTrue(is_woken(at("2026-10-13 00:00")))

    def test_copy_is_planned_anew(self):
        cycle = self.create_cycle(tz="UTC")
        cycle.next_generation_at = at("2026-10-13 00:00")
        self.assertEqual(cycle.copy().next_generation_at, at("2026-11-09 06:00"))

    def test_only_managers_configure(self):
        cycle = self.create_cycle()
        clerk = self.env["res.users"].create(
            {
                "name": "Clerk",
                "login": "clerk",
                "group_ids": [
                    Command.link(self.env.ref("lead_invoicing.group_user").id)
                ],
            }
        )
        manager = clerk.copy({"login": "manager"})
        manager.group_ids += self.env.ref("lead_invoicing.group_manager")
        self.assertTrue(cycle.with_user(clerk).schedule_summary)
        self.assertFalse(cycle.with_user(clerk).has_access("write"))
        cycle.with_user(manager).generation_day = "2"
        self.assertEqual(cycle.next_generation_at, at("2026-11-04 11:00"))

    # Words

    def test_schedule_is_said_in_words(self):
        for vals, words in [
            (
                {},
                "Every week from Monday 12:00 AM to Monday 12:00 AM, invoiced Monday"
                " 6:00 AM",
            ),
            (
                {"interval": 2, "window_start_time": 8.5, "window_end_day": "4"},
                "Every 2 weeks from Monday 8:30 AM to Friday 12:00 AM, invoiced Monday"
                " 6:00 AM",
            ),
            (
                {"frequency": "monthly"},
                "Every calendar month, invoiced on the 1st at 6:00 AM",
            ),
            (
                {"frequency": "monthly", "interval": 3},
                "Every 3 calendar months, invoiced on the 1st at 6:00 AM",
            ),
            (
                {"frequency": "semimonthly"},
                "From the 1st through the 15th and from the 16th through the end of the"
                " month, invoiced the day after at 6:00 AM",
            ),
            ({"frequency": "manual"}, "Manual only"),
        ]:
            with self.subTest(words=words):
                summary = self.create_cycle(**vals).schedule_summary
                self.assertEqual(plain_spaces(summary), words)

    def test_times_of_day_are_written_as_the_reader_writes_them(self):
        self.env["res.lang"]._activate_lang("de_DE")
        self.env["res.lang"]._activate_lang("fr_FR")
        cycle = self.create_cycle(generation_time=18.5)
        for code, time in (
            ("en_US", "6:30 PM"),
            ("de_DE", "18:30"),
            ("fr_FR", "18:30"),
        ):
            with self.subTest(language=code):
                summary = cycle.with_context(lang=code)._describe_schedule()
                self.assertIn(time, plain_spaces(summary))

    def test_window_from_midnight_to_midnight_is_printed_as_inclusive_days(self):
        cycle = self.create_cycle(tz="America/New_York")
        window = cycle._get_window(at(TUESDAY))
        self.assertEqual(
            format_window(self.env, *window, cycle.tz), "Oct 26, 2026 – Nov 1, 2026"
        )

    def test_window_is_printed_as_days_where_midnight_is_skipped(self):
        cycle = self.create_cycle(
            tz="America/Sao_Paulo", window_start_day="6", window_end_day="6"
        )
        window = cycle._get_window(at("2018-11-12 00:00"))
        self.assertEqual(window[0], at("2018-11-04 03:00"))
        self.assertEqual(
            format_window(self.env, *window, cycle.tz), "Nov 4, 2018 – Nov 10, 2018"
        )

    def test_window_with_times_is_printed_with_times_and_zone(self):
        window = (at("2026-10-26 12:00"), at("2026-10-30 22:00"))
        self.assertEqual(
            plain_spaces(format_window(self.env, *window, "America/New_York")),
            "Mon, Oct 26, 2026 8:00 AM – Fri, Oct 30, 2026 6:00 PM ET",
        )

    def test_letters_of_a_zone_tell_its_time(self):
        for tz, printed in (
            ("America/Denver", "MT"),
            ("America/Phoenix", "MST"),
            ("America/Regina", "CST"),
            ("Pacific/Honolulu", "HST"),
            ("UTC", "UTC"),
            ("Asia/Tokyo", "(Asia/Tokyo)"),
        ):
            with self.subTest(tz):
                self.assertEqual(format_zone(self.env, tz, "en_US"), printed)
        self.env["res.lang"]._activate_lang("fr_FR")
        for tz in ("America/Phoenix", "UTC"):
            with self.subTest(tz):
                self.assertEqual(format_zone(self.env, tz, "fr_FR"), f"({tz})")

    def test_window_is_printed_in_the_language_asked_for(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        window = (at("2026-10-26 00:00"), at("2026-11-02 00:00"))
        printed = "26 oct. 2026 – 1 nov. 2026"
        self.assertEqual(format_window(self.env, *window, "UTC", "fr_FR"), printed)
        self.assertEqual(
            format_window(self.env(context={"lang": "fr_FR"}), *window, "UTC"), printed
        )

    # Form

    def test_form_shows_the_next_three_windows_while_editing(self):
        with Form(self.env["lead.billing.cycle"]) as form:
            form.name = "Weekly"
            form.tz = "America/New_York"
            self.assertIn(
                "The next invoices will be created on Mon, Nov 9, 2026 at 6:00 AM,"
                " for Nov 2, 2026 – Nov 8, 2026.",
                plain_spaces(form.upcoming_windows),
            )
            for day in ("Nov 2", "Nov 9", "Nov 16", "Nov 23"):
                self.assertIn(f"Mon, {day}, 2026", form.upcoming_windows)
            form.frequency = "monthly"
            self.assertIn("Fri, Jan 1, 2027", form.upcoming_windows)
            self.assertEqual(form.next_generation_at, at("2026-12-01 11:00"))

    def test_form_says_what_is_due(self):
        with Form(self.create_cycle(tz="UTC")) as form:
            form.next_generation_at = at("2026-10-13 00:00")
            self.assertIn("starting with Oct 12, 2026", form.upcoming_windows)
            form.next_generation_at = False
            self.assertIn("Next Invoice Run is empty", form.upcoming_windows)

    def test_form_says_at_once_what_is_wrong(self):
        form = Form(self.env["lead.billing.cycle"])
        form.name = "Weekly"
        form.window_end_time = 8
        self.assertIn("billing time must be the same", form.upcoming_windows)
        self.assertFalse(form.schedule_summary)
        with self.assertRaises(ValidationError):
            form.save()
        form.generation_time = 8
        self.assertNotIn("billing time must be the same", form.upcoming_windows)
        self.assertTrue(form.save().next_generation_at > fields.Datetime.now())

    def test_form_previews_what_saving_will_do(self):
        cycle = self.create_cycle(tz="UTC", generation_day="2")
        with Form(cycle) as form:
            form.generation_day = "0"
            self.assertEqual(form.next_generation_at, at("2026-11-02 06:00"))
            form.generation_day = "2"
            self.assertEqual(form.next_generation_at, at("2026-11-04 06:00"))
