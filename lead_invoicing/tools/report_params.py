"""Read what is asked of the Invoicing Report, as the query of its address gives it."""

import re
from datetime import date
from typing import NamedTuple

from odoo.exceptions import UserError

from .plain_values import shorten

NAMES = (
    "lead_type_id",
    "date_from",
    "date_to",
    "fields",
    "transaction_type",
    "invoice_id",
)
TRANSACTION_TYPES = ("sale", "return")
# Beyond, time zones and databases calculate differently, and nobody sold leads.
YEARS = range(1900, 3000)

_ID = re.compile(r"[0-9]{1,9}", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class ReportParams(NamedTuple):
    """The parameters that are well formed; whose they are is not known yet.

    None stands for what was not given. ``fields`` is None where nobody chose any, and
    empty where none are wanted.
    """

    lead_type_id: int | None = None
    date_from: date | None = None
    date_to: date | None = None
    fields: tuple | None = None
    transaction_type: str | None = None
    invoice_id: int | None = None


def refuse(name, sentence):
    """Return the error that names a parameter and says what to do."""
    return UserError(f"{name}: {sentence}")


def read_params(env, params):
    """Return the parameters in ``params``, a dict of texts; others are ignored.

    :raises UserError: naming the parameter that is not right
    """
    given = {name: params.get(name) for name in NAMES}
    result = ReportParams(
        lead_type_id=read_id(env, "lead_type_id", given["lead_type_id"]),
        date_from=_read_date(env, "date_from", given["date_from"]),
        date_to=_read_date(env, "date_to", given["date_to"]),
        fields=_read_names(given["fields"]),
        transaction_type=_read_type(env, given["transaction_type"]),
        invoice_id=read_id(env, "invoice_id", given["invoice_id"]),
    )
    if result.date_from and result.date_to and result.date_from > result.date_to:
        raise refuse(
            "date_to",
            env._(
                "%(to)s is before %(from)s, the first day; choose a later one.",
                **{"to": result.date_to, "from": result.date_from},
            ),
        )
    return result


def read_id(env, name, value):
    if not value:
        return None
    text = str(value).strip()
    if not _ID.fullmatch(text):
        raise refuse(
            name, env._("“%s” is not a number; choose one of the list.", shorten(value))
        )
    return int(text)


def _read_date(env, name, value):
    if not value:
        return None
    text = str(value).strip()
    try:
        day = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        day = None
    if not day or day.year not in YEARS:
        raise refuse(
            name,
            env._("“%s” is not a date; choose one such as 2026-01-31.", shorten(value)),
        )
    return day


def _read_names(value):
    if value is None:
        return None
    names = (name.strip() for name in str(value).split(","))
    return tuple(dict.fromkeys(filter(None, names)))


def _read_type(env, value):
    if not value:
        return None
    if value not in TRANSACTION_TYPES:
        raise refuse(
            "transaction_type",
            env._(
                "“%s” is no kind of transaction; choose sale, return, or leave it"
                " empty for both.",
                shorten(value),
            ),
        )
    return value
