"""Read what is asked of the Invoicing Report, as the query of its address gives it."""

import re
from datetime import date
from typing import NamedTuple

from odoo.exceptions import UserError
from odoo.tools import format_date

from ..tools.parsing import shorten

NAMES = (
    "lead_type_id",
    "date_from",
    "date_to",
    "fields",
    "transaction_type",
    "invoice_id",
    "billing",
)
TRANSACTION_TYPES = ("sale", "return")
BILLINGS = ("unbilled",)
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
    billing: str | None = None


def refuse(env, name, sentence):
    """Return the error for a parameter that is not right: its ``param`` says which, and
    its message, for people, what to do.

    It is no class of its own: Odoo's web client would take it for a failure.
    """
    message = f"{_get_labels(env)[name]}: {sentence}"
    error = UserError(message)
    error.param = name
    return error


def _get_labels(env):
    return {
        "partner_id": env._("Buyer"),
        "plain": env._("Plain CSV"),
        "lead_type_id": env._("Lead Type"),
        "date_from": env._("From"),
        "date_to": env._("Through"),
        "fields": env._("Lead Data"),
        "transaction_type": env._("Kind"),
        "invoice_id": env._("Document"),
        "billing": env._("Billing"),
    }


def read_params(env, params):
    """Return the parameters in ``params``, a dict of texts; others are ignored.

    :raises UserError: for the first that is not right
    """
    given = {name: params.get(name) for name in NAMES}
    result = ReportParams(
        lead_type_id=read_id(env, "lead_type_id", given["lead_type_id"]),
        date_from=_read_date(env, "date_from", given["date_from"]),
        date_to=_read_date(env, "date_to", given["date_to"]),
        fields=_read_names(given["fields"]),
        transaction_type=_read_type(env, given["transaction_type"]),
        invoice_id=read_id(env, "invoice_id", given["invoice_id"]),
        billing=_read_billing(env, given["billing"]),
    )
    if result.date_from and result.date_to and result.date_from > result.date_to:
        raise refuse(
            env,
            "date_to",
            env._(
                "%(to)s is before %(from)s, the first day; choose a later day.",
                **{
                    "to": format_date(env, result.date_to),
                    "from": format_date(env, result.date_from),
                },
            ),
        )
    return result


def read_id(env, name, value):
    """Return the id in a text, None for an empty one.

    :param name: of the parameter
    :raises UserError: for what is no id
    """
    if not value:
        return None
    text = str(value).strip()
    if not _ID.fullmatch(text):
        raise refuse(
            env,
            name,
            env._("“%s” is not a number; choose one from the list.", shorten(value)),
        )
    return int(text)


def read_flag(env, name, value):
    """Return whether a text says yes.

    :param name: of the parameter
    :raises UserError: for what is neither 1 nor 0
    """
    if value in (None, "", "0"):
        return False
    if value != "1":
        raise refuse(
            env,
            name,
            env._("“%s” is neither 1 nor 0; enter 1 for yes.", shorten(value)),
        )
    return True


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
            env,
            name,
            env._("“%s” is not a date; enter one such as 2026-01-31.", shorten(value)),
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
            env,
            "transaction_type",
            env._(
                "“%s” is not a transaction type; choose sale or return, or leave it"
                " empty for both.",
                shorten(value),
            ),
        )
    return value


def _read_billing(env, value):
    if not value:
        return None
    if value not in BILLINGS:
        raise refuse(
            env,
            "billing",
            env._(
                "“%s” is not something to choose here; choose unbilled, or leave it"
                " empty for all.",
                shorten(value),
            ),
        )
    return value
