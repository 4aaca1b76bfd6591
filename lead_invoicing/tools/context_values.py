"""Read what a context asks for: links and programs write anything there."""

from datetime import date

from odoo.exceptions import UserError
from odoo.fields import Date, Datetime

from .parsing import shorten

# Beyond, nobody sold leads, and time zones and databases calculate differently.
FIRST_YEAR, LAST_YEAR = 1970, 2200
_LARGEST_ID = 2**31 - 1


def read_day(env, label, value):
    """Return the day that is asked for, None for none.

    :param label: what people call it
    :param value: a date, or a text such as 2026-01-31
    :raises UserError: for what is no day, or one of another time
    """
    return _read(env, label, value, Date.to_date)


def read_moment(env, label, value):
    """Return the moment that is asked for, in naive UTC, None for none.

    :param label: what people call it
    :param value: a datetime, or a text such as 2026-01-31 12:00:00
    :raises UserError: for what is no moment, or one of another time
    """
    return _read(env, label, value, Datetime.to_datetime)


def read_ids(env, value):
    """Return the ids of the records that were chosen, none for None.

    :raises UserError: for what are no ids
    """
    ids = value or ()
    is_right = isinstance(ids, list | tuple) and all(
        type(record_id) is int and 0 < record_id <= _LARGEST_ID for record_id in ids
    )
    if not is_right:
        raise UserError(
            env._(
                "“%s” does not identify any records: choose them from their list.",
                shorten(value),
            )
        )
    return ids


def write_companies(env):
    """Return the companies that are selected, the current one first, as addresses have
    them: ids with hyphens."""
    return "-".join(str(id_) for id_ in env.companies.ids)


def _read(env, label, value, convert):
    if not value:
        return None
    try:
        read = convert(value) if isinstance(value, str | date) else None
    except ValueError:
        read = None
    if not read or not FIRST_YEAR <= read.year <= LAST_YEAR:
        raise UserError(
            env._(
                "%(label)s: “%(value)s” is not a day between the years %(first)s and"
                " %(last)s; enter one such as 2026-01-31.",
                label=label,
                value=shorten(value),
                first=FIRST_YEAR,
                last=LAST_YEAR,
            )
        )
    return read
