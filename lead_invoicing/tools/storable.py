"""Refuse what the database does not store, before it fails on it."""

import math

from odoo.exceptions import UserError, ValidationError

from .parsing import RowError, as_float, check_storable, shorten

# What PostgreSQL takes for an integer ends before.
_INTEGER_LIMIT = 2**31


def check_storable_text(records, name, value):
    """Check what is written into a field of text.

    :param records: of the model that has the field
    :param name: of the field
    :param value: what is written; what is no text is none of ours
    :raises UserError: naming the field, for a text that PostgreSQL does not store
    """
    if not isinstance(value, str):
        return
    try:
        check_storable(records.env, name, value)
    except RowError as refused:
        label = records._fields[name]._description_string(records.env)
        sentence = f"{label}: {refused.sentence}"
        raise UserError(sentence) from None


def check_storable_numbers(records, vals, names=None):
    """Check what is written into fields of numbers.

    :param records: of the model that has the fields
    :param dict vals: what is written
    :param names: of the fields that are looked at; all where None
    :raises ValidationError: naming a field, for what is no number that can be stored
    """
    for name in vals if names is None else vals.keys() & names:
        field = records._fields.get(name)
        if not field or field.type not in ("integer", "float", "monetary"):
            continue
        number = as_float(vals[name])
        is_integer = field.type == "integer"
        if math.isfinite(number) and not (is_integer and abs(number) >= _INTEGER_LIMIT):
            continue
        raise ValidationError(
            records.env._(
                "%(field)s: “%(value)s” is not a number, or is too large. Enter another"
                " one.",
                field=field._description_string(records.env),
                value=shorten(vals[name]),
            )
        )
