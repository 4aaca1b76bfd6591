"""The arithmetic of agreed charges: exact amounts and calendar months."""

from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from .windows import day_start, to_wall


def round_half_up(amount: Decimal, rounding: float) -> Decimal:
    """Return an amount as a multiple of its currency's smallest unit; what lies in the
    middle goes away from zero.

    :param rounding: the smallest unit, as Odoo has it: 0.01, 0.05, 1
    """
    unit = Decimal(str(rounding))
    return (amount / unit).quantize(Decimal(1), ROUND_HALF_UP) * unit


def months_ending(after, through, zone: ZoneInfo):
    """Return the calendar months of a zone that end after one moment, and not after
    another.

    :param datetime after: naive UTC, exclusive
    :param datetime through: naive UTC, inclusive
    :return: list of (start, end) in naive UTC, the end exclusive
    """
    months = []
    first = to_wall(after, zone).date().replace(day=1)
    while (end := day_start(first + relativedelta(months=1), zone)) <= through:
        if end > after:
            months.append((day_start(first, zone), end))
        first += relativedelta(months=1)
    return months
