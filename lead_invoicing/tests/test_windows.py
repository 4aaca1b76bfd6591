from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from odoo.tests import BaseCase

from odoo.addons.lead_invoicing.tools.windows import (
    DAY,
    MonthlySchedule,
    WeeklySchedule,
    available_zones,
    is_midnight,
    time_of_day,
    to_instant,
    to_wall,
)

from .common.optional_packages import given, st

TRICKY_ZONES = [
    "Africa/Cairo",  # clocks forward at midnight, and back at midnight
    "Africa/Casablanca",  # clocks back for Ramadan
    "America/Havana",  # midnight does not exist, or occurs twice
    "America/New_York",
    "America/Sao_Paulo",  # midnight did not exist
    "America/St_Johns",  # a half-hour zone; clocks changed at 00:01
    "Antarctica/Troll",  # two hours
    "Asia/Beirut",  # midnight does not exist
    "Asia/Kathmandu",  # 5:45
    "Asia/Kolkata",  # 5:30
    "Asia/Pyongyang",  # half an hour back and forth
    "Australia/Lord_Howe",  # clocks change by half an hour
    "Europe/Berlin",
    "Europe/Dublin",  # winter time is the exception
    "Europe/Lisbon",  # moved between zones
    "Pacific/Apia",  # no 30 December 2011
    "Pacific/Chatham",  # 12:45
    "Pacific/Kiritimati",  # no 31 December 1994
    "Pacific/Kwajalein",  # no 21 August 1993
    "UTC",
]

zones = st.builds(
    ZoneInfo, st.sampled_from(TRICKY_ZONES) | st.sampled_from(sorted(available_zones()))
)
anchors = st.dates(date(1990, 1, 1), date(2060, 12, 31))
# To the second, as Odoo stores them.
moments = st.datetimes(datetime(1990, 1, 1), datetime(2060, 12, 31)).map(
    lambda moment: moment.replace(microsecond=0)
)
times_of_day = st.integers(0, 24 * 60 - 1).map(
    lambda minutes: timedelta(minutes=minutes)
)
times_of_week = st.builds(
    lambda day, time: day * DAY + time, st.integers(0, 6), times_of_day
)
indexes = st.integers(-400, 400)


@st.composite
def weekly(draw, is_full=None):
    start = draw(times_of_week)
    end = start if is_full else draw(st.just(start) | times_of_week)
    generation = draw(st.just(end) | times_of_week)
    return WeeklySchedule(
        draw(zones), draw(anchors), draw(st.integers(1, 9)), start, end, generation
    )


@st.composite
def monthly(draw):
    halves = draw(st.just(1) | st.integers(1, 24).map(lambda months: 2 * months))
    return MonthlySchedule(draw(zones), draw(anchors), halves, draw(times_of_day))


tiling = weekly(is_full=True) | monthly()
schedules = weekly() | monthly()


class TestClock(BaseCase):
    """How a time on the wall becomes an instant."""

    def assert_instant(self, zone, wall, instant):
        self.assertEqual(
            to_instant(datetime.fromisoformat(wall), ZoneInfo(zone)),
            datetime.fromisoformat(instant),
        )

    def test_skipped_time_is_the_first_instant_after_the_gap(self):
        for zone, wall, instant in [
            ("Europe/Berlin", "2026-03-29 02:30", "2026-03-29 01:00"),
            ("America/Sao_Paulo", "2018-11-04 00:00", "2018-11-04 03:00"),
            ("Asia/Beirut", "2024-03-31 00:59", "2024-03-30 22:00"),
            ("Africa/Cairo", "2023-04-28 00:00", "2023-04-27 22:00"),
            ("America/Havana", "2024-03-10 00:00", "2024-03-10 05:00"),
            ("Australia/Lord_Howe", "2024-10-06 02:15", "2024-10-05 15:30"),
            ("Pacific/Apia", "2011-12-30 18:00", "2011-12-30 10:00"),
        ]:
            with self.subTest(zone=zone):
                self.assert_instant(zone, wall, instant)

    def test_time_that_occurs_twice_is_its_first_occurrence(self):
        for zone, wall, instant in [
            ("America/New_York", "2024-11-03 01:30", "2024-11-03 05:30"),
            ("America/Havana", "2024-11-03 00:00", "2024-11-03 04:00"),
            ("Australia/Lord_Howe", "2024-04-07 01:45", "2024-04-06 14:45"),
        ]:
            with self.subTest(zone=zone):
                self.assert_instant(zone, wall, instant)

    def test_ordinary_time_keeps_odd_offsets(self):
        self.assert_instant("Asia/Kolkata", "2026-11-01 00:00", "2026-10-31 18:30")
        self.assert_instant("Asia/Kathmandu", "2026-11-01 00:00", "2026-10-31 18:15")

    def test_day_begins_where_midnight_is_skipped(self):
        zone = ZoneInfo("America/Sao_Paulo")
        self.assertTrue(is_midnight(datetime(2018, 11, 4, 3), zone))
        self.assertFalse(is_midnight(datetime(2018, 11, 4, 4), zone))

    @given(moments, zones)
    def test_wall_is_first_reached_at_its_instant(self, wall, zone):
        instant = to_instant(wall, zone)
        self.assertGreaterEqual(to_wall(instant, zone), wall)
        self.assertLess(to_wall(instant - timedelta(seconds=1), zone), wall)

    @given(moments, st.integers(0, 3 * 24 * 3600), zones)
    def test_later_wall_is_never_an_earlier_instant(self, wall, later, zone):
        later = wall + timedelta(seconds=later)
        self.assertLessEqual(to_instant(wall, zone), to_instant(later, zone))

    @given(st.integers(0, 24 * 60 - 1))
    def test_time_of_day_is_exact_to_the_minute(self, minutes):
        typed = round(minutes / 60, 4)
        self.assertEqual(time_of_day(typed), timedelta(minutes=minutes))
        self.assertEqual(time_of_day(minutes / 60), timedelta(minutes=minutes))

    def test_time_of_day_is_within_the_day(self):
        for hours in (-0.25, 23.9999, 24.0, 1e9, float("inf"), float("nan")):
            with self.subTest(hours=hours), self.assertRaises(ValueError):
                time_of_day(hours)


class TestSchedule(BaseCase):
    """What holds for the windows of every schedule, zone and year."""

    @given(tiling, indexes)
    def test_windows_tile_without_gap_or_overlap(self, schedule, k):
        self.assertEqual(schedule.window(k).end, schedule.window(k + 1).start)
        self.assertLess(schedule.window(k).start, schedule.window(k).end)

    @given(tiling, moments)
    def test_instant_is_in_exactly_one_window(self, schedule, moment):
        k = schedule.last_closed(moment) + 1
        containing = [
            number
            for number in range(k - 3, k + 4)
            if schedule.window(number).start <= moment < schedule.window(number).end
        ]
        self.assertEqual(containing, [k])

    @given(schedules, indexes)
    def test_windows_never_overlap(self, schedule, k):
        window, following = schedule.window(k), schedule.window(k + 1)
        self.assertLessEqual(window.start, window.end)
        self.assertLessEqual(window.end, following.start)
        self.assertLess(window.end, following.end)

    @given(schedules, indexes)
    def test_invoices_are_made_after_the_window_and_before_the_next_closes(
        self, schedule, k
    ):
        window = schedule.window(k)
        self.assertGreaterEqual(window.generation, window.end)
        self.assertLess(window.generation, schedule.window(k + 1).end)
        self.assertLess(window.generation, schedule.window(k + 1).generation)

    @given(schedules, moments)
    def test_last_closed_is_the_last_with_end_up_to_the_moment(self, schedule, moment):
        k = schedule.last_closed(moment)
        self.assertLessEqual(schedule.window(k).end, moment)
        self.assertGreater(schedule.window(k + 1).end, moment)

    @given(schedules, moments)
    def test_first_due_is_the_first_generated_from_the_moment_on(
        self, schedule, moment
    ):
        k = schedule.first_due(moment)
        self.assertGreaterEqual(schedule.window(k).generation, moment)
        self.assertLess(schedule.window(k - 1).generation, moment)

    @given(schedules, indexes)
    def test_a_window_is_found_again_by_its_bounds(self, schedule, k):
        window = schedule.window(k)
        self.assertEqual(schedule.last_closed(window.end), k)
        self.assertEqual(schedule.last_closed(window.end - timedelta.resolution), k - 1)
        self.assertEqual(schedule.first_closing(window.end), k)
        self.assertEqual(schedule.first_due(window.generation), k)
        self.assertEqual(
            schedule.first_due(window.generation + timedelta.resolution), k + 1
        )

    @given(weekly())
    def test_weekly_window_zero_opens_in_the_week_from_the_anchor_on(self, schedule):
        wait = schedule.walls(0).start - datetime.combine(schedule.anchor, time.min)
        self.assertGreaterEqual(wait, timedelta(0))
        self.assertLess(wait, timedelta(weeks=1))

    @given(monthly())
    def test_monthly_window_zero_opens_on_the_first_cut_from_the_anchor_on(
        self, schedule
    ):
        cuts = (1, 16) if schedule.halves == 1 else (1,)
        day = schedule.anchor
        while day.day not in cuts:
            day += DAY
        self.assertEqual(schedule.walls(0).start, datetime.combine(day, time.min))

    @given(weekly(), indexes)
    def test_weekly_bounds_are_the_days_and_times_of_the_schedule(self, schedule, k):
        def time_of_week(wall):
            return wall.weekday() * DAY + (wall - datetime.combine(wall, time.min))

        window = schedule.walls(k)
        self.assertEqual(time_of_week(window.start), schedule.start)
        self.assertEqual(time_of_week(window.end), schedule.end)
        self.assertEqual(time_of_week(window.generation), schedule.generation)
        # The interval-th end after the start.
        weeks = timedelta(weeks=schedule.interval)
        self.assertLess(weeks - timedelta(weeks=1), window.end - window.start)
        self.assertLessEqual(window.end - window.start, weeks)

    @given(monthly(), indexes)
    def test_monthly_bounds_are_midnights_of_the_1st_and_16th(self, schedule, k):
        for wall in schedule.walls(k)[:2]:
            self.assertEqual(wall.time(), time.min)
            self.assertIn(wall.day, (1, 16) if schedule.halves == 1 else (1,))

    @given(zones, anchors, anchors, times_of_week, moments)
    def test_anchor_does_not_matter_for_every_week(
        self, zone, anchor, other, start, moment
    ):
        first, second = (
            WeeklySchedule(zone, day, 1, start, start, start) for day in (anchor, other)
        )
        self.assertEqual(
            first.window(first.last_closed(moment)),
            second.window(second.last_closed(moment)),
        )
