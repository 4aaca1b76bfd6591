"""A time zone that people or programs choose."""

from odoo import fields
from odoo.exceptions import ValidationError

from .parsing import shorten
from .windows import is_zone


class Zone(fields.Selection):
    """A selection of time zones; anything else is refused with a sentence.

    Odoo takes any value for a selection whose choices come from a method, and fails
    where it stores what is no text.
    """

    def convert_to_cache(self, value, record, validate=True):
        if validate and value and not is_zone(value):
            raise ValidationError(
                record.env._(
                    "“%s” is not a time zone that this server knows. Choose another"
                    " one, such as America/New_York.",
                    shorten(value),
                )
            )
        return super().convert_to_cache(value, record, validate)
