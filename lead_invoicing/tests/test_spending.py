from datetime import date, datetime, timedelta

from odoo.tests import BaseCase, tagged

from ..tools.spending import get_forecast, get_level, get_pace
from .common.optional_packages import given, settings, st

TODAY = date(2026, 11, 25)  # a Wednesday
NOON = datetime(2026, 11, 25, 12)
AMOUNTS = st.floats(0, 10_000, allow_nan=False)
SPENT = st.lists(AMOUNTS, min_size=56, max_size=56)


def by_day(amounts):
    """Return amounts as those of the days before today, the last one yesterday's."""
    return {
        TODAY - timedelta(days=len(amounts) - place): amount
        for place, amount in enumerate(amounts)
    }


@tagged("post_install", "-at_install")
class TestSpending(BaseCase):
    """How long money lasts, by the weekdays of the last eight weeks."""

    def test_what_is_left_of_sums_of_cents_is_nothing(self):
        mondays = [TODAY - timedelta(days=2 + 7 * week) for week in range(3)]
        spent = dict(zip(mondays, (0.1, 0.2, -0.3), strict=True))
        self.assertIsNone(get_forecast(100, spent, NOON, date(2020, 1, 1)))
        spent = {mondays[0]: 0.01}
        self.assertIsNone(get_forecast(1e12, spent, NOON, date(2020, 1, 1)).until)

    def test_by_weekday(self):
        # 100 on each Monday, 20 on each Thursday.
        spent = {
            TODAY - timedelta(days=number): {0: 100, 3: 20}.get(
                (TODAY - timedelta(days=number)).weekday(), 0
            )
            for number in range(1, 57)
        }
        forecast = get_forecast(10, spent, NOON, date(2020, 1, 1))
        self.assertEqual(forecast.week, 120)
        # Half of the 20 of Thursday.
        self.assertEqual(forecast.until, datetime(2026, 11, 26, 12))
        forecast = get_forecast(20 + 25, spent, NOON, date(2020, 1, 1))
        self.assertEqual(forecast.until, datetime(2026, 11, 30, 6))

    def test_nothing_is_told_with_less_than_two_weeks(self):
        spent = {TODAY - timedelta(days=3): 70}
        since = TODAY - timedelta(days=13)
        self.assertIsNone(get_forecast(100, spent, NOON, since))
        since -= timedelta(days=1)
        self.assertEqual(get_forecast(100, spent, NOON, since).week, 35)

    def test_days_without_purchases_count(self):
        spent = {TODAY - timedelta(days=7): 80}
        self.assertEqual(get_forecast(1, spent, NOON, date(2020, 1, 1)).week, 10)

    def test_nothing_is_told_without_purchases(self):
        self.assertIsNone(get_forecast(5, {}, NOON, date(2020, 1, 1)))

    def test_what_is_used_up_lasts_until_now(self):
        forecast = get_forecast(-5, by_day([1] * 56), NOON, date(2020, 1, 1))
        self.assertEqual(forecast.until, NOON)

    def test_what_lasts_for_years_has_no_date(self):
        forecast = get_forecast(10**9, by_day([1] * 56), NOON, date(2020, 1, 1))
        self.assertIsNone(forecast.until)

    def test_levels(self):
        for balance, level in (
            (500.01, "fine"),
            (500, "early"),
            (100, "low"),
            (0.01, "low"),
            (0, "empty"),
            (-7, "empty"),
        ):
            self.assertEqual(get_level(balance, 500, 100, 0), level)
        self.assertEqual(get_level(1, 0, 0, 0), "fine")

    @settings(max_examples=200, deadline=None)
    @given(SPENT, st.floats(0, 50_000), st.integers(0, 86_399))
    def test_what_is_spent_until_then_is_the_balance(self, amounts, balance, second):
        now = datetime(2026, 11, 25) + timedelta(seconds=second)
        since = date(2020, 1, 1)
        spent = by_day(amounts)
        forecast = get_forecast(balance, spent, now, since)
        pace = get_pace(spent, TODAY, since)
        if not sum(pace):
            self.assertIsNone(forecast)
            return
        self.assertAlmostEqual(forecast.week, sum(amounts) / 8, 4)
        if forecast.until is None:
            self.assertGreater(balance, 100 * forecast.week)
            return
        self.assertGreaterEqual(forecast.until, now)
        # What is spent from now until then, by steps of an hour at most.
        used, moment = 0.0, now
        while moment < forecast.until and used <= balance + 1:
            end = min(
                moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1),
                forecast.until,
            )
            used += pace[moment.weekday()] * ((end - moment) / timedelta(days=1))
            moment = end
        # To the full hour before.
        hour = pace[forecast.until.weekday()] / 24
        self.assertLessEqual(used, balance + 1e-3)
        self.assertGreaterEqual(used + hour + 1e-3, balance)

    @settings(max_examples=100, deadline=None)
    @given(SPENT, AMOUNTS, AMOUNTS)
    def test_more_money_lasts_longer(self, amounts, balance, more):
        spent, since = by_day(amounts), date(2020, 1, 1)
        less = get_forecast(balance, spent, NOON, since)
        longer = get_forecast(balance + more, spent, NOON, since)
        if less and less.until and longer.until:
            self.assertLessEqual(less.until, longer.until)
