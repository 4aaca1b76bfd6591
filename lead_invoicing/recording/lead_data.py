"""Check the values of a lead against the definition of its lead type.

Odoo drops unknown keys of a Properties field silently and stores values of any type, so
that whatever comes from outside is checked here.
"""

import math
import re
from datetime import date, datetime

from ..tools.parsing import (
    INTEGER_LIMIT,
    RowError,
    read_instant,
    read_number,
    read_text,
    shorten,
)
from .file_formats import check_text_cell

NAME_PATTERN = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")
VALUE_TYPES = {
    "boolean",
    "char",
    "date",
    "datetime",
    "float",
    "integer",
    "monetary",
    "selection",
    "tags",
    "text",
}
LAYOUT_TYPES = {"separator"}

_BOOLEANS = {
    **dict.fromkeys(("true", "yes", "1"), True),
    **dict.fromkeys(("false", "no", "0"), False),
}
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_ODOO_DATETIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)


def read_properties(env, properties):
    """Return {name: value} of the list of dicts that Odoo has for a Properties field,
    without those that are deleted.

    :raises RowError: for one without a name, and for a name that is there twice
    """
    values = {}
    for prop in properties:
        if prop.get("definition_deleted"):
            continue
        name = prop.get("name")
        if not isinstance(name, str) or not name:
            raise RowError(
                "lead_data",
                env._("“%s” is not the name of a field; send its name.", shorten(name)),
            )
        if name in values:
            raise RowError(
                "lead_data",
                env._("“%s” appears twice; send it once.", shorten(name)),
            )
        values[name] = prop.get("value")
    return values


class LeadDataSchema:
    """The lead-data fields of one lead type.

    :param env: environment, for the language of messages
    :param definition: the lead type's ``lead_properties_definition``
    :param quotes: whether messages quote a value that is refused: to a person who
        enters it, not to a platform that keeps them
    :param formats: the :class:`FileFormats` of an imported file
    """

    def __init__(self, env, definition, quotes=True, formats=None):
        self.env = env
        self.formats = formats
        self.quotes = quotes
        self.properties = {
            prop["name"]: prop for prop in definition if prop["type"] in VALUE_TYPES
        }
        self._readers = {
            name: getattr(self, f"_read_{prop['type']}")
            for name, prop in self.properties.items()
        }
        self._options = {
            name: self._get_options(prop) for name, prop in self.properties.items()
        }
        self._names = {}

    def convert(self, values, false_is_empty=False):
        """Return ``values`` as Odoo stores them, without the empty ones.

        :param values: dict of lead-data names or labels, ignoring case, to plain values
        :param false_is_empty: take ``False``, as Odoo does, for no value, except where
            the field is a boolean
        :raises RowError: for an unknown or ambiguous name and for a wrong value
        """
        if not values:
            return {}
        if not isinstance(values, dict):
            raise RowError(
                "lead_data",
                self.env._(
                    "it is not an object; send names and values, such as"
                    ' {"first_name": "Ada"}.'
                ),
            )
        result = {}
        names = self._names
        for key, value in values.items():
            # An empty column of another lead type's field does no harm.
            if value is None or value == "":
                continue
            name = names.get(key) or self._find_name(key)
            if value is False and false_is_empty and not self._is_boolean(name):
                continue
            if name in result:
                raise RowError(
                    "lead_data",
                    self.env._("“%s” appears twice; send it once.", shorten(key)),
                )
            result[name] = self._readers[name](name, value)
        return result

    def _find_name(self, key):
        """Return the name that ``key`` means: a name, else a label, ignoring case."""
        folded = str(key).strip().casefold()
        found = [folded] if folded in self.properties else []
        found = found or [
            name
            for name, prop in self.properties.items()
            if str(prop.get("string") or "").strip().casefold() == folded
        ]
        if not found:
            raise RowError(
                "lead_data",
                self.env._(
                    "“%(name)s” is not a field of this lead type; its fields are:"
                    " %(known)s.",
                    name=shorten(key),
                    known=", ".join(self.properties) or self.env._("none"),
                ),
            )
        if len(found) > 1:
            raise RowError(
                "lead_data",
                self.env._(
                    "“%(label)s” is the label of several fields; use one of the names:"
                    " %(names)s.",
                    label=shorten(key),
                    names=", ".join(found),
                ),
            )
        self._names[key] = found[0]
        return found[0]

    def _is_boolean(self, name):
        return self.properties[name]["type"] == "boolean"

    def _get_options(self, prop):
        """Return ``{folded value or label: value}`` of a selection's or tags' options.

        The values are put in last: a value wins over the same word as a label.
        """
        options = prop.get(prop["type"]) or ()
        return {
            **{str(option[1]).strip().casefold(): option[0] for option in options},
            **{str(option[0]).casefold(): option[0] for option in options},
        }

    # Readers: one per type, plain value -> stored value

    def _refuse(self, name, value, expected):
        if not self.quotes:
            raise RowError(
                "lead_data",
                self.env._(
                    "%(name)s: send %(expected)s.", name=name, expected=expected
                ),
            )
        raise RowError(
            "lead_data",
            self.env._(
                "“%(value)s” is not valid for %(name)s; send %(expected)s.",
                value=shorten(value),
                name=name,
                expected=expected,
            ),
        )

    def _read_char(self, name, value):
        self._check_text(name, value)
        if not isinstance(value, str):
            self._refuse(name, value, self.env._("text"))
        try:
            return read_text(self.env, "lead_data", value)
        except RowError as refused:
            raise RowError("lead_data", f"{name}: {refused.sentence}") from None

    _read_text = _read_char

    def _check_text(self, name, value):
        """Refuse a cell of a file that is none of a text."""
        if self.formats:
            self._read_written(check_text_cell, name, value)

    def _read_boolean(self, name, value):
        if isinstance(value, str):
            value = _BOOLEANS.get(value.strip().casefold(), value)
        if value in (0, 1) and isinstance(value, int):
            return bool(value)
        return self._refuse(name, value, self.env._("true or false"))

    def _read_integer(self, name, value):
        number = self._get_number(name, value)
        if number is None or number != int(number) or abs(number) >= INTEGER_LIMIT:
            self._refuse(name, value, self.env._("a whole number"))
        return int(number)

    def _read_float(self, name, value):
        number = self._get_number(name, value)
        # JSON has no infinity, which is what a float makes of more.
        if number is None or math.isinf(float(number)):
            self._refuse(name, value, self.env._("a number"))
        return float(number)

    _read_monetary = _read_float

    def _get_number(self, name, value):
        if self.formats:
            number, sign = self._read_written(self.formats.read_number, name, value)
            return None if sign else number
        try:
            return read_number(self.env, "lead_data", value)
        except RowError:
            return None

    def _read_written(self, read, name, value):
        """Return what ``read``, of the formats of the file, makes of a cell."""
        try:
            return read(self.env, "lead_data", value)
        except RowError as refused:
            raise RowError("lead_data", f"{name}: {refused.sentence}") from None

    def _read_date(self, name, value):
        if self.formats:
            day = self._read_written(self.formats.read_day, name, value)
            return day.isoformat()
        if isinstance(value, str) and _DATE.fullmatch(value.strip()):
            value = self._get_date(value.strip())
        if not isinstance(value, date) or isinstance(value, datetime):
            self._refuse(name, value, self.env._("a date such as 2026-01-31"))
        return value.isoformat()

    def _get_date(self, text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            return text

    def _read_datetime(self, name, value):
        """Take ISO 8601 with an offset, or Odoo's own notation, which is UTC."""
        if self.formats:
            moment = self._read_written(self.formats.read_moment, name, value)
            return moment.isoformat(" ")
        if isinstance(value, datetime) and not value.tzinfo:
            return value.isoformat(" ", "seconds")
        if isinstance(value, str) and _ODOO_DATETIME.fullmatch(value):
            value = value.replace(" ", "T") + "Z"
        try:
            moment = read_instant(self.env, "lead_data", value)
        except RowError:
            expected = self.env._("a date and time such as 2026-01-31T17:30:00Z")
            self._refuse(name, value, expected)
        return moment.isoformat(" ")

    def _read_selection(self, name, value):
        self._check_text(name, value)
        option = self._find_option(name, value)
        if option is None:
            labels = [str(option[1]) for option in self._get_labelled(name)]
            self._refuse(name, value, self.env._("one of: %s", ", ".join(labels)))
        return option

    def _read_tags(self, name, value):
        """Take a list, or a text with commas, of tags."""
        self._check_text(name, value)
        tags = value.split(",") if isinstance(value, str) else value
        if not isinstance(tags, (list, tuple)):
            self._refuse(name, value, self.env._("a list of tags"))
        found = [self._find_option(name, tag) for tag in tags]
        if None in found:
            labels = [str(option[1]) for option in self._get_labelled(name)]
            self._refuse(name, value, self.env._("tags from: %s", ", ".join(labels)))
        return list(dict.fromkeys(found))

    def _find_option(self, name, value):
        if not isinstance(value, str):
            return None
        return self._options[name].get(value.strip().casefold())

    def _get_labelled(self, name):
        prop = self.properties[name]
        return prop.get(prop["type"]) or ()
