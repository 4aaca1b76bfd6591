"""Time zones by name, and moments as people read them, in a zone and a language."""

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton, get_timezone_name

from odoo import fields
from odoo.exceptions import UserError
from odoo.tools import SQL
from odoo.tools.misc import babel_locale_parse, format_date, format_time, get_lang

from .windows import is_midnight, is_zone, to_wall

_LETTERS = re.compile("[A-Z]{2,5}")
EN_DASH = " \N{EN DASH} "


def get_zone(env, tz) -> ZoneInfo:
    """Return a time zone by its name.

    :raises UserError: if the server does not know it
    """
    if error := get_zone_error(env, tz):
        raise UserError(error)
    return ZoneInfo(tz)


def get_zone_error(env, tz):
    """Return why this is the name of no time zone, as a sentence, or False."""
    if not tz:
        return env._("Choose the time zone of the billing cycle.")
    if is_zone(tz):
        return False
    return env._(
        "This server does not know the time zone “%s”. Choose another one on the"
        " billing cycle, or for the company under Settings, or have the server's time"
        " zone database updated.",
        tz,
    )


def local_day(env, moment, tz) -> date:
    """Return the day of a moment in a time zone.

    :param datetime moment: naive UTC
    :raises UserError: if the server does not know the time zone
    """
    return to_wall(moment, get_zone(env, tz)).date()


def localize(sql, tz):
    """Return a moment of a query as a clock in a time zone shows it; its ``::date`` is
    the day there.

    :param SQL sql: naive UTC
    :param str tz: name of the time zone
    """
    return SQL("(%s AT TIME ZONE 'UTC' AT TIME ZONE %s)", sql, tz)


def last_instant(start, end) -> datetime:
    """Return the last instant of a window, whose end is exclusive.

    The day before its end is no answer: a zone can skip a whole day.
    """
    return max(start, end - timedelta.resolution)


def format_window(env, start, end, tz, lang_code=None):
    """Print a window for people, as its invoice does.

    From midnight to midnight it is its days, both inclusive, as in "Nov 1, 2026 to
    Nov 7, 2026"; else days, times and the zone, as in "6:00 AM ET".

    :param datetime start: naive UTC
    :param datetime end: naive UTC, exclusive
    :param str tz: name of the time zone to print it in
    :param str lang_code: language, by default that of the context
    :raises UserError: if the server does not know the time zone
    """
    zone = get_zone(env, tz)
    if is_midnight(start, zone) and is_midnight(end, zone):
        days = (
            format_date(env, to_wall(moment, zone).date(), lang_code, "medium")
            for moment in (start, last_instant(start, end))
        )
        return EN_DASH.join(dict.fromkeys(days))
    moments = (
        " ".join(format_moment(env, moment, zone, lang_code)) for moment in (start, end)
    )
    return f"{EN_DASH.join(moments)} {format_zone(env, tz, lang_code)}"


def format_moment(env, moment, zone, lang_code=None):
    """Return day, with its weekday, and time of a naive UTC moment in a zone."""
    wall = to_wall(moment, zone)
    locale = babel_locale_parse(get_lang(env, lang_code).code)
    day = format_skeleton("yMMMEd", wall, locale=locale)
    return day, format_time_of_day(env, wall.time(), lang_code)


def format_zoned_moment(env, moment, tz):
    """Print a moment for people, as in "Tue, Dec 1, 2026 at 6:00 AM ET".

    :param datetime moment: naive UTC
    :param str tz: name of the time zone to print it in
    :raises UserError: if the server does not know the time zone
    """
    day, time = format_moment(env, moment, get_zone(env, tz))
    return env._(
        "%(day)s at %(time)s %(zone)s", day=day, time=time, zone=format_zone(env, tz)
    )


def format_time_of_day(env, time, lang_code=None):
    """Return a time to the minute as people write it: "6:00 AM" in the United States,
    "06:00" in Germany.

    :param str lang_code: language, by default that of the context
    """
    return format_time(env, time, time_format="short", lang_code=lang_code)


def format_zone(env, tz, lang_code=None):
    """Return a time zone as people write it behind a time: "ET" in New York, "MST" in
    Phoenix, where clocks do not change; its name in parentheses where their language
    has no such letters for it.

    :param str lang_code: language, by default that of the context
    """
    locale = babel_locale_parse(get_lang(env, lang_code).code)
    zone = ZoneInfo(tz)
    year = fields.Datetime.now().year
    winter, summer = (datetime(year, month, 1, tzinfo=zone) for month in (1, 7))
    if winter.utcoffset() != summer.utcoffset():
        name = get_timezone_name(zone, width="short", locale=locale)
        return name if _LETTERS.fullmatch(name) else f"({tz})"
    # "MT" would be the time of Denver, too, whose clocks do change.
    name = get_timezone_name(
        zone, width="short", zone_variant="standard", locale=locale
    )
    return name if name == winter.tzname() else f"({tz})"
