"""Billing windows as plain arithmetic: a calendar on the wall in, instants out.

A schedule is written in *walls*: what a clock on the wall of its time zone shows.
Stored and compared are *instants*, in UTC. Both are naive datetimes, as Odoo keeps
them; `to_instant` and `to_wall` are the only way from one to the other.

Nothing here knows the ORM: the model `lead.billing.cycle` builds a schedule from its
fields and asks it.
"""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from functools import cache, cached_property
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)

available_zones = cache(available_timezones)


def is_zone(name: object) -> bool:
    """Tell whether this is the name of a time zone that can be computed here."""
    return isinstance(name, str) and name in available_zones()


class Window(NamedTuple):
    """A half-open interval `[start, end)` and the moment its invoices are made."""

    start: datetime
    end: datetime
    generation: datetime


def to_wall(instant: datetime, zone: ZoneInfo) -> datetime:
    """Return what the clock in `zone` shows at `instant` (naive UTC)."""
    return instant.replace(tzinfo=timezone.utc).astimezone(zone).replace(tzinfo=None)


def to_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return, in naive UTC, the first instant at which `zone` shows `wall` or later.

    That one rule settles every change of clocks: a time that occurs twice is its first
    occurrence, one that is skipped is the first instant after the gap. It also keeps
    the order: a later wall is never an earlier instant, so windows cut at walls tile.
    """
    first, second = (
        wall.replace(tzinfo=zone, fold=fold)
        .astimezone(timezone.utc)
        .replace(tzinfo=None)
        for fold in (0, 1)
    )
    if first <= second:
        return first
    # A skipped time: fold 0 reads it with the offset before the change and lands
    # beyond the gap, fold 1 lands short of it. The change is somewhere in between.
    return second + timedelta(
        seconds=bisect_left(
            range(int((first - second).total_seconds())),
            True,
            key=lambda s: to_wall(second + timedelta(seconds=s), zone) >= wall,
        )
    )


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant (naive UTC) at which `day` begins in `zone`."""
    return to_instant(datetime.combine(day, time.min), zone)


def is_midnight(instant: datetime, zone: ZoneInfo) -> bool:
    """Tell whether a local day begins at `instant` (naive UTC).

    Where clocks go forward at midnight, a day begins at one o'clock.
    """
    today = to_wall(instant, zone).date()
    return day_start(today, zone) == instant


def time_of_day(hours: float) -> timedelta:
    """Return a time of day, given in hours as Odoo's `float_time`, to the minute.

    :raises ValueError: unless 0 <= hours < 24
    """
    if not (0 <= hours < 24 and round(hours * 60) < 24 * 60):
        raise ValueError(hours)
    return timedelta(minutes=round(hours * 60))


class Schedule:
    """Numbered windows in a time zone; number 0 is the first from the anchor on.

    Window k is computed from the anchor for any k, negative ones too, never from the
    window before it. Subclasses say in walls where a window lies (`walls`) and which
    period a wall falls into (`_period`); instants are derived here.
    """

    zone: ZoneInfo

    def walls(self, k: int) -> Window:
        """Return start, end and generation of window `k` as walls."""
        raise NotImplementedError

    def _period(self, wall: datetime) -> int:
        """Return the number of the last window that starts at or before `wall`."""
        raise NotImplementedError

    def window(self, k: int) -> Window:
        """Return window `k` in naive UTC."""
        return Window(*(to_instant(wall, self.zone) for wall in self.walls(k)))

    def last_closed(self, moment: datetime) -> int:
        """Return the number of the last window with `end <= moment` (naive UTC)."""
        return self._last(moment, lambda window: window.end <= moment)

    def first_closing(self, moment: datetime) -> int:
        """Return the number of the first window with `end >= moment` (naive UTC)."""
        return self._last(moment, lambda window: window.end < moment) + 1

    def first_due(self, moment: datetime) -> int:
        """Return the number of the first window with `generation >= moment`."""
        return self._last(moment, lambda window: window.generation < moment) + 1

    def _last(self, moment, is_past):
        # No window beyond the next one can be past. The next one can, although the
        # wall lies before it, in the hour that clocks going back repeat.
        k = self._period(to_wall(moment, self.zone)) + 1
        while not is_past(self.window(k)):
            k -= 1
        return k


@dataclass(frozen=True)
class WeeklySchedule(Schedule):
    """Windows of one or more weeks; times of the week count from Monday 00:00."""

    zone: ZoneInfo
    anchor: date
    interval: int
    start: timedelta
    end: timedelta
    generation: timedelta

    @cached_property
    def _origin(self) -> datetime:
        midnight = datetime.combine(self.anchor, time.min)
        days = (self.start.days - self.anchor.weekday()) % 7
        return midnight + timedelta(days) + self.start % DAY

    @cached_property
    def _length(self) -> timedelta:
        # The same day and time is a full week; the end is the interval-th one.
        to_first_end = (self.end - self.start) % WEEK or WEEK
        return to_first_end + (self.interval - 1) * WEEK

    def walls(self, k: int) -> Window:
        start = self._origin + k * self.interval * WEEK
        end = start + self._length
        return Window(start, end, end + (self.generation - self.end) % WEEK)

    def _period(self, wall: datetime) -> int:
        return (wall - self._origin) // (self.interval * WEEK)


@dataclass(frozen=True)
class MonthlySchedule(Schedule):
    """Windows of whole or half calendar months, cut on the 1st and the 16th.

    `halves` is the length of a window in half months: 1 is twice a month, an even
    number a number of months. `generation` is the time on the day after the window.
    """

    zone: ZoneInfo
    anchor: date
    halves: int
    generation: timedelta

    @cached_property
    def _origin(self) -> int:
        origin = _half_month(self.anchor) + (self.anchor.day not in (1, 16))
        # Whole months begin on the 1st.
        return origin if self.halves == 1 else origin + origin % 2

    def walls(self, k: int) -> Window:
        start = self._origin + k * self.halves
        end = _first_of_half_month(start + self.halves)
        return Window(_first_of_half_month(start), end, end + self.generation)

    def _period(self, wall: datetime) -> int:
        return (_half_month(wall) - self._origin) // self.halves


def _half_month(day: date) -> int:
    return 2 * (12 * day.year + day.month - 1) + (day.day >= 16)


def _first_of_half_month(number: int) -> datetime:
    months, is_second = divmod(number, 2)
    year, month = divmod(months, 12)
    return datetime(year, month + 1, 16 if is_second else 1)
