"""Read the plain values of a transaction, as the API and files give them.

Each reader returns the value in the form that is stored, or ``None`` for no value, and
raises :class:`RowError` with a sentence that says what to do.
"""

import math
import re
from datetime import datetime, timezone
from decimal import Decimal

REFERENCE_LIMIT = 128
TEXT_LIMIT = 10_000
PRICE_LIMIT = Decimal(10) ** 12
FIRST_YEAR = 1970
# Beyond, a number in JSON is no longer exact for everybody who reads it.
INTEGER_LIMIT = 2**53

# PostgreSQL stores no NUL, UTF-8 has no lone surrogates, and a reference with other
# control characters is a broken export.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_NUMBER = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{0,20})?", re.ASCII)


class RowError(Exception):
    """A transaction that is not stored.

    :param field: the field at fault, by its name in the API
    :param sentence: what is wrong and what to do, for people
    """

    def __init__(self, field, sentence):
        super().__init__(sentence)
        self.field = field
        self.sentence = sentence


def shorten(value, limit=60):
    """Return ``value`` as text that is safe and short enough for a message."""
    if isinstance(value, str):
        text = value
    elif isinstance(value, (dict, list, tuple, bytes)):
        # They can be long and deep, and have the data of a lead in them.
        text = type(value).__name__
    else:
        try:
            text = str(value)
        except ValueError:  # Python writes no integer of more than 4,300 digits.
            text = type(value).__name__
    text = _CONTROL.sub("�", text[: limit + 1])
    return f"{text[:limit]}…" if len(text) > limit else text


def fold(text):
    """Return a text of a reason without what does not tell it from others: its case,
    and spaces around or between its words."""
    return " ".join((text or "").casefold().split())


def echo_reference(value):
    """Return what a caller sent as a reference in a form that every answer can hold,
    so that it is known again; ``False`` for nothing."""
    if value is None or value == "":
        return False
    if isinstance(value, bool) or _is_plain_reference(value):
        return value
    if isinstance(value, int) and abs(value) < INTEGER_LIMIT:
        return value
    return shorten(value)


def _is_plain_reference(value):
    """Say whether ``value`` needs no further look, as nearly all references do."""
    return (
        type(value) is str
        and 0 < len(value) <= REFERENCE_LIMIT
        and value.isascii()
        and value.isprintable()
        and value[0] != " " != value[-1]
    )


def read_reference(env, field, value, required=False):
    """Return a reference of at most 128 characters, without outer spaces."""
    if _is_plain_reference(value):
        return value
    if type(value) is int and abs(value) < INTEGER_LIMIT:
        value = str(value)
    if value is None or value is False or value == "":
        value = ""
    elif not isinstance(value, str):
        raise RowError(field, env._("“%s” is not text; send text.", shorten(value)))
    elif _CONTROL.search(value):
        raise RowError(
            field,
            env._(
                "“%s” contains control characters; send it without them.",
                shorten(value),
            ),
        )
    value = value.strip()
    if len(value) > REFERENCE_LIMIT:
        raise RowError(
            field,
            env._(
                "it is %(length)s characters long; send at most %(limit)s.",
                length=len(value),
                limit=REFERENCE_LIMIT,
            ),
        )
    if required and not value:
        raise RowError(field, env._("it is missing; send a value."))
    return value or None


def check_storable(env, field, text):
    """Refuse a text that PostgreSQL does not store."""
    if _UNSTORABLE.search(text):
        raise RowError(
            field,
            env._(
                "it contains characters that cannot be stored (NUL or half of a"
                " surrogate pair); send it without them."
            ),
        )


def read_text(env, field, value):
    """Return a text of at most 10,000 characters; line breaks are fine.

    What is refused is not told again: texts can be personal.
    """
    if value is None or value is False or value == "":
        return None
    if not isinstance(value, str):
        raise RowError(field, env._("“%s” is not text; send text.", shorten(value)))
    check_storable(env, field, value)
    if len(value) > TEXT_LIMIT:
        raise RowError(
            field,
            env._(
                "it is %(length)s characters long; send at most %(limit)s.",
                length=len(value),
                limit=TEXT_LIMIT,
            ),
        )
    return value


def as_float(value):
    """Return a number; 0 where nothing was sent, NaN for what is none."""
    try:
        return float(value or 0)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def read_number(env, field, value):
    """Return a finite ``Decimal`` from a number or a text such as ``"12.50"``."""
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        # The shortest text of a float is the number that its sender wrote.
        number = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
        if number.is_finite():
            return number
    elif isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return Decimal(value.strip())
    raise RowError(
        field,
        env._("“%s” is not a number; send a number such as 12.50.", shorten(value)),
    )


def read_price(env, field, value):
    """Return a price, not negative, as a ``Decimal``."""
    if value is None or value == "":
        raise RowError(field, env._("it is missing; send a value."))
    price = read_number(env, field, value)
    if price < 0:
        raise RowError(
            field,
            env._(
                "%s is negative; send the positive amount, with the type “return” for"
                " a return.",
                shorten(value),
            ),
        )
    if price >= PRICE_LIMIT:
        raise RowError(
            field,
            env._("%s is too large to be the price of a lead.", shorten(value)),
        )
    # -0 is the same price as 0.
    return price.copy_abs()


def read_instant(env, field, value):
    """Return an ISO 8601 moment with its offset as naive UTC, in whole seconds.

    Fractions of a second are cut, never rounded up: they could end up in the next
    billing window.
    """
    if value is None or value == "":
        raise RowError(field, env._("it is missing; send a value."))
    moment = None
    if isinstance(value, str) and len(value) < 40 and "T" in value.upper():
        try:
            # Python 3.10 does not know the letter Z.
            moment = datetime.fromisoformat(
                value.strip().upper().replace("Z", "+00:00")
            )
            if moment.tzinfo:
                moment = moment.astimezone(timezone.utc)
        except (ValueError, OverflowError):
            moment = None
    if moment is None or moment.year < FIRST_YEAR:
        raise RowError(
            field,
            env._(
                "“%s” is not a date and time; send ISO 8601 with an offset, such as"
                " 2026-01-31T18:30:00+01:00 or 2026-01-31T17:30:00Z.",
                shorten(value),
            ),
        )
    if moment.tzinfo is None:
        raise RowError(
            field,
            env._(
                "“%s” has no time zone; add an offset, such as +01:00, or Z for UTC.",
                shorten(value),
            ),
        )
    return moment.replace(tzinfo=None, microsecond=0)
