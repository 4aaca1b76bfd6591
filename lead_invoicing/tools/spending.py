"""How long a buyer's money lasts at its own pace: plain arithmetic, without the ORM.

The pace of a weekday is the average of what was spent on those days of the last eight
weeks; within a day it is even. Times are those of a clock on the wall, as naive
datetimes.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

WEEKS = 8
# With less than this nothing is known of a weekday.
LEAST_WEEKS = 2
# Nobody plans beyond.
HORIZON = timedelta(days=3 * 365)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Forecast:
    """What can be told of a buyer's money.

    ``until`` is when it is used up, to the full hour before; None beyond the horizon.
    ``week`` is what a week costs.
    """

    until: datetime | None
    week: float


def get_first_day(today: date, since: date) -> date:
    """Return the first day that counts for somebody who has bought since a day."""
    return max(since, today - timedelta(weeks=WEEKS))


def get_pace(spent: dict[date, float], today: date, since: date) -> list[float] | None:
    """Return what is spent on a day, Monday to Sunday; None with too few weeks.

    :param spent: what was spent on each day; those without are nothing
    :param today: is not over, and does not count
    :param since: the day of the first purchase ever
    """
    first = get_first_day(today, since)
    if today - first < timedelta(weeks=LEAST_WEEKS):
        return None
    sums, days = [0.0] * 7, [0] * 7
    for number in range((today - first).days):
        day = first + number * DAY
        sums[day.weekday()] += spent.get(day, 0.0)
        days[day.weekday()] += 1
    # What came back on a weekday may be more than what was bought on it.
    # And sums of cents leave what is nothing.
    return [
        max(round(total / count, 6), 0.0)
        for total, count in zip(sums, days, strict=True)
    ]


def get_forecast(
    balance: float, spent: dict[date, float], now: datetime, since: date
) -> Forecast | None:
    """Return how long a balance lasts; None where nothing can be told, with less than
    two weeks of purchases or none since.

    :param balance: what is left
    :param spent, since: see :func:`get_pace`
    :param now: on the wall
    """
    pace = get_pace(spent, now.date(), since)
    if not pace or not sum(pace):
        return None
    week = sum(pace)
    return Forecast(_get_end(balance, pace, now), week)


def _get_end(balance: float, pace: list[float], now: datetime) -> datetime | None:
    weeks = max(int(balance // sum(pace)) - 1, 0)
    if weeks > HORIZON // timedelta(weeks=1):
        return None
    left = max(balance, 0.0) - weeks * sum(pace)
    start = now + timedelta(weeks=weeks)
    while True:
        end = datetime.combine(start.date() + DAY, time())
        of_day = pace[start.weekday()] * ((end - start) / DAY)
        if left < of_day:
            moment = start + (left / of_day) * (end - start)
            return max(moment.replace(minute=0, second=0, microsecond=0), now)
        left -= of_day
        start = end


def get_level(balance: float, early: float, low: float, empty: float) -> str:
    """Return which threshold a balance has come down to: the deepest.

    :param early, low: 0 where there is none
    """
    if balance <= empty:
        return "empty"
    if low and balance <= low:
        return "low"
    if early and balance <= early:
        return "early"
    return "fine"
