"""Read numbers and moments as people write them into files, and never guess.

What could be read in two ways is refused, unless the person who imports the file says
how it is meant: by the separators and date formats among the options of the import.
"""

import re
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal

from ..tools.parsing import FIRST_YEAR, RowError, read_number, shorten
from ..tools.windows import day_start, to_instant, to_wall

# What a person can choose among the options of an import.
FILE_OPTIONS = (
    "float_decimal_separator",
    "float_thousand_separator",
    "date_format",
    "datetime_format",
    "tz",
)
# Excel keeps so many digits of a number, and writes zeros for the others.
EXACT_DIGITS = 15

# What separates thousands, or a sign: some languages' spaces break no line.
_SPACES = " \u00a0\u2009\u202f"
_SIGN = rf"[^\s{_SPACES}\d.,'’()+−-]{{0,5}}?"
_NUMBER = re.compile(
    rf"(?P<open>\()?[{_SPACES}]*(?P<before>{_SIGN})[{_SPACES}]*(?P<minus>[+−-]?)"
    rf"[{_SPACES}]*(?P<before2>{_SIGN})[{_SPACES}]*"
    rf"(?P<number>\d(?:[\d.,'’{_SPACES}]*\d)?)[{_SPACES}]*"
    rf"(?P<after>{_SIGN})[{_SPACES}]*(?P<close>\))?",
    re.ASCII,
)
# No number is as long; to read how it could be meant takes the third power of that.
_MAX_LENGTH = 100
_SEPARATORS = re.compile("[^0-9]")
_SCIENTIFIC = re.compile(r"\d+([.,]\d+)?[eE][+-]?\d+", re.ASCII)
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(?:[.,]\d{1,9})?)?"
    r"\s*(Z|[+-]\d\d:?\d\d)?",
    re.ASCII | re.IGNORECASE,
)


def is_sign_of(sign, code, symbol):
    """Tell whether what stands beside a number is the code or the symbol of its
    currency, whatever their case, or nothing."""
    return not sign or sign.upper() in (code, (symbol or "").upper())


class NumberCell(str):
    """A cell that is a number in the spreadsheet: nothing about it can be guessed."""

    __slots__ = ()


class BooleanCell(str):
    """A cell that is TRUE or FALSE in the spreadsheet."""

    __slots__ = ()


class TimeCell(str):
    """A cell that is a time of no day, or a duration, in the spreadsheet."""

    __slots__ = ()


class ErrorCell(str):
    """A cell whose formula has failed, such as #N/A."""

    __slots__ = ()


def mark_cell(value, is_error=False):
    """Return the value of a spreadsheet's cell in the form that readers tell apart:
    a text, a number, TRUE or FALSE, a time, an error, or a date as it is.

    :raises ValueError: for what is no such value, or no finite number
    """
    if value is None:
        return ""
    if is_error:
        return ErrorCell(value)
    if isinstance(value, str | date):
        return value
    if isinstance(value, bool):
        return BooleanCell(value)
    if isinstance(value, time | timedelta):
        return TimeCell(value)
    if isinstance(value, int | float):
        # What the program shows at most: the rest is how it calculates.
        number = Decimal(f"{value:.15g}" if isinstance(value, float) else value)
        if number.is_finite():
            return NumberCell(f"{number:f}")
    raise ValueError(value)


def check_text_cell(env, field, value):
    """Refuse a cell of which a spreadsheet program made something else than a text or
    a number, such as a date of the reference 3-5.

    :raises RowError: that says so
    """
    if isinstance(value, date | BooleanCell | TimeCell):
        raise RowError(
            field,
            env._(
                "“%s” is a date, a time, or TRUE or FALSE in your spreadsheet program,"
                " which may have changed what was entered. Format the cell as text, and"
                " enter it again.",
                shorten(value),
            ),
        )
    if isinstance(value, ErrorCell):
        raise RowError(
            field,
            env._(
                "“%s” is the error of a formula in your spreadsheet program. Correct"
                " it, or empty the cell.",
                shorten(value),
            ),
        )


class FileFormats:
    """How numbers and moments are written in a file.

    :param zone: where a time without an offset, and a day, is local
    :param options: what was chosen in the import: ``float_decimal_separator``,
        ``float_thousand_separator``, ``date_format`` and ``datetime_format`` (as for
        ``strptime``); empty where nothing was
    """

    def __init__(self, zone, options):
        self.zone = zone
        self.decimal = options.get("float_decimal_separator") or ""
        self.thousands = options.get("float_thousand_separator") or ""
        self.date_format = options.get("date_format") or ""
        self.datetime_format = options.get("datetime_format") or ""

    # Numbers

    def read_number(self, env, field, value):
        """Return a number and the sign or code of the currency written beside it.

        :rtype: tuple[Decimal, str]
        :raises RowError: for what is no number, or could be two
        """
        if isinstance(value, NumberCell) or not isinstance(value, str):
            return read_number(env, field, value), ""
        text = value.strip()
        found = len(text) <= _MAX_LENGTH and _NUMBER.fullmatch(text)
        signs = found and [found[name] for name in ("before", "before2", "after")]
        if (
            not found
            or bool(found["open"]) != bool(found["close"])
            or len(list(filter(None, signs))) > 1
        ):
            raise RowError(
                field,
                env._("“%s” is not a number; enter one such as 12.50.", shorten(value)),
            )
        number = self._read_digits(found["number"])
        if number is None:
            raise RowError(field, self._explain_separators(env, value))
        if found["open"] or found["minus"] in ("-", "−"):
            number = -number
        return number, "".join(signs)

    def _read_digits(self, text):
        """Return the number that ``text``, digits and separators, can only be; None
        where it can be two, or none."""
        separators = _SEPARATORS.findall(text)
        decimal = self._find_decimal(text, separators)
        if decimal is None:
            return None
        whole, point, fraction = text.partition(decimal) if decimal else (text, "", "")
        groups = dict.fromkeys(_SEPARATORS.findall(whole))
        if (point and not fraction.isdigit()) or len(groups) > 1:
            return None
        for group in groups:
            sizes = [len(part) for part in whole.split(group)]
            is_wrong = group == decimal or (self.thousands or group) != group
            if is_wrong or whole[0] == "0" or sizes[0] > 3 or set(sizes[1:]) != {3}:
                return None
            whole = whole.replace(group, "")
        return Decimal(f"{whole}.{fraction or 0}")

    def _find_decimal(self, text, separators):
        """Return the decimal separator of ``text``, "" if it has none, None if nobody
        can tell."""
        if self.decimal:
            return None if self.decimal == self.thousands else self.decimal
        kinds = list(dict.fromkeys(separators))
        if len(kinds) == 2 and separators.count(kinds[1]) == 1:
            # 1,375.00: the last one, and the only one of its kind.
            is_last = separators[-1] == kinds[1] != self.thousands
            return kinds[1] if is_last and kinds[1] in ".," else None
        if not kinds or len(separators) > 1 or kinds[0] == self.thousands:
            return ""
        if kinds[0] not in ".,":
            return ""
        whole, _point, fraction = text.partition(".")
        # 12.50 is how numbers are written everywhere here; 1.375 can be two.
        is_clear = kinds[0] == "." and (len(fraction) != 3 or whole[0] == "0")
        return "." if is_clear else None

    def _explain_separators(self, env, value):
        if self.decimal:
            return env._(
                "“%(value)s” does not use “%(decimal)s” as its decimal separator;"
                " choose the file's decimal separator in the import options.",
                value=shorten(value),
                decimal=self.decimal,
            )
        return env._(
            "“%s” can be read in two ways; choose the file's decimal separator in the"
            " import options, or format the cell as a number in your spreadsheet"
            " program.",
            shorten(value),
        )

    # Moments and days

    def read_moment(self, env, field, value):
        """Return a moment as naive UTC, in whole seconds; of a day, its beginning.

        :raises RowError: for what is none, could be two, or never was
        """
        wall = self._read_wall(env, field, value)
        try:
            if not isinstance(wall, datetime):
                moment = day_start(wall, self.zone)
            elif wall.tzinfo:
                moment = wall.astimezone(timezone.utc).replace(tzinfo=None)
            else:
                moment = self._to_instant(env, field, wall, value)
        except OverflowError:
            moment = datetime.min
        if moment.year < FIRST_YEAR:
            raise RowError(field, self._explain_dates(env, value))
        return moment.replace(microsecond=0)

    def read_day(self, env, field, value):
        """Return a day.

        :raises RowError: for what is none, or could be two
        """
        wall = self._read_wall(env, field, value)
        if isinstance(wall, datetime):
            raise RowError(field, self._explain_dates(env, value))
        return wall

    def _read_wall(self, env, field, value):
        """Return what is written: a day, a local time, or one with its offset."""
        if isinstance(value, date):
            return value
        if not isinstance(value, str):
            raise RowError(field, self._explain_dates(env, value))
        text = value.strip()
        # What was chosen comes first; ISO 8601 is always clear.
        if moment := self._parse(text, self.datetime_format):
            return moment
        if moment := self._parse(text, self.date_format):
            return moment.date()
        found = _MOMENT.fullmatch(text)
        try:
            day, minute, seconds, offset = found.groups()
            if not minute:
                # An offset alone says nothing of a day.
                return date.fromisoformat(day if not offset else "")
            wall = datetime.fromisoformat(f"{day} {minute}{seconds or ':00'}")
            return wall.replace(tzinfo=self._get_offset(offset)) if offset else wall
        except (AttributeError, ValueError):
            raise RowError(field, self._explain_dates(env, value)) from None

    def _parse(self, text, pattern):
        try:
            return pattern and datetime.strptime(text, pattern)
        except ValueError:
            return None

    def _get_offset(self, text):
        if text in "Zz":
            return timezone.utc
        minutes = int(text[1:3]) * 60 + int(text[-2:])
        return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))

    def _to_instant(self, env, field, wall, value):
        wall = wall.replace(microsecond=0)
        instant = to_instant(wall, self.zone)
        if to_wall(instant, self.zone) != wall:
            raise RowError(
                field,
                env._(
                    "“%(value)s” did not occur in %(zone)s, where clocks went forward"
                    " then; correct it, or add the offset, such as -05:00.",
                    value=shorten(value),
                    zone=self.zone.key,
                ),
            )
        if wall.replace(tzinfo=self.zone).utcoffset() != (
            wall.replace(tzinfo=self.zone, fold=1).utcoffset()
        ):
            raise RowError(
                field,
                env._(
                    "“%(value)s” occurred twice in %(zone)s, where clocks went back"
                    " then; add the offset, such as -05:00.",
                    value=shorten(value),
                    zone=self.zone.key,
                ),
            )
        return instant

    def _explain_dates(self, env, value):
        return env._(
            "“%s” is not a clear date; write it as 2026-01-31 or 2026-01-31 18:30:00,"
            " or choose the file's date format in the import options.",
            shorten(value),
        )


def check_reference(env, field, value):
    """Refuse a reference that a spreadsheet program spoiled."""
    check_text_cell(env, field, value)
    if not isinstance(value, str):
        return
    text = value.strip()
    is_long = text.isdecimal() and len(text) > EXACT_DIGITS
    if is_long or _SCIENTIFIC.fullmatch(text):
        raise RowError(
            field,
            env._(
                "“%(value)s” is a number with more than the %(digits)s digits that"
                " spreadsheet programs keep, so it may have been changed; send it over"
                " the API, or put a letter in front of it.",
                value=shorten(value),
                digits=EXACT_DIGITS,
            ),
        )
