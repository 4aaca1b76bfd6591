"""Read what a caller sends for a transaction into a row, before any look-up."""

from odoo import fields

from ..tools.parsing import (
    FIRST_YEAR,
    RowError,
    read_instant,
    read_price,
    read_reference,
    read_text,
    shorten,
)
from .file_formats import check_reference, check_text_cell
from .lead_data import read_properties
from .row import IncomingTransaction

API_FIELDS = {
    "external_ref",
    "type",
    "origin_external_ref",
    "occurred_at",
    "buyer_ref",
    "lead_type",
    "lead_ref",
    "campaign",
    "price",
    "currency",
    "reason",
    "lead_data",
}


# What PostgreSQL takes for an id of a record ends before.
ID_LIMIT = 2**31
# In the order in which they are told to be wrong.
REFERENCES = (
    "external_ref",
    "origin_external_ref",
    "buyer_ref",
    "lead_ref",
    "campaign",
)


class LeadReader:
    """Reads plain values (the API) and Odoo values (``create``, import) of a company.

    :param env: environment, for the language of messages
    :param company: the company of the ledger, for its currency
    :param now: the moment of recording, naive UTC
    :param formats: the :class:`FileFormats` of an imported file
    """

    def __init__(self, env, company, now, formats=None):
        self.env = env
        self.formats = formats
        self.company = company
        self.now = now

    # Plain values: the API

    def read_plain(self, vals):
        """Return the row that the dict of plain values ``vals`` means."""
        row = IncomingTransaction()
        try:
            self._read_plain(row, vals)
        except RowError as refused:
            row.refuse(refused)
        return row

    def _read_plain(self, row, vals):
        env = self.env
        if not isinstance(vals, dict):
            raise RowError(
                "row",
                env._("it is not an object; send names and values."),
            )
        get = vals.get
        row.external_ref = read_reference(
            env, "external_ref", get("external_ref"), required=True
        )
        if unknown := vals.keys() - API_FIELDS:
            raise RowError(
                "row",
                env._(
                    "these fields are unknown: %(unknown)s; the known ones are:"
                    " %(known)s.",
                    unknown=shorten(
                        ", ".join(sorted(shorten(name) for name in unknown)), 400
                    ),
                    known=", ".join(sorted(API_FIELDS)),
                ),
            )
        self._set_type(row, get("type"))
        row.origin_external_ref = read_reference(
            env, "origin_external_ref", get("origin_external_ref")
        )
        row.date = read_instant(env, "occurred_at", get("occurred_at"))
        row.buyer_ref = read_reference(
            env, "buyer_ref", get("buyer_ref"), required=True
        )
        row.lead_type = read_reference(
            env, "lead_type", get("lead_type"), required=True
        )
        row.lead_ref = read_reference(env, "lead_ref", get("lead_ref"))
        row.campaign = read_reference(env, "campaign", get("campaign"))
        row.price = read_price(env, "price", get("price"))
        row.currency = read_reference(env, "currency", get("currency"))
        row.currency = (row.currency or self.company.currency_id.name).upper()
        row.reason = read_text(env, "reason", get("reason"))
        row.lead_data = get("lead_data")
        row.set_hash()

    def _set_type(self, row, value):
        if value not in ("sale", "return", "correction"):
            raise RowError(
                "type",
                self.env._(
                    "“%s” is unknown; send “sale”, “return” or “correction”.",
                    shorten(value),
                )
                if value
                else self.env._(
                    "it is missing; send “sale”, “return” or “correction”."
                ),
            )
        row.transaction_type = value

    # Odoo values: create and import

    def read_odoo(self, vals):
        """Return the row that the dict of field values ``vals`` means; where one is
        wrong, with what is wrong with any."""
        row = IncomingTransaction()
        row.from_odoo = True
        row.from_file = self.formats is not None
        row.transaction_type = row.origin_external_ref = None
        row.lead_ref = row.campaign = None
        row.origin_id = self._read_odoo_id(vals.get("origin_id"))
        row.partner_id = self._read_odoo_id(vals.get("partner_id"))
        row.currency_id = self._read_odoo_id(vals.get("currency_id"))
        row.currency_id = row.currency_id or self.company.currency_id.id
        for read in (
            self._read_odoo_references,
            self._read_odoo_type,
            self._read_odoo_date,
            self._read_odoo_lead_type,
            self._read_odoo_price,
            self._read_odoo_texts,
        ):
            try:
                read(row, vals.get)
            except RowError as refused:
                row.refuse(refused)
        return row

    def _read_odoo_references(self, row, get):
        for name in REFERENCES:
            is_required = name == "external_ref" or (
                name == "buyer_ref" and not row.partner_id
            )
            try:
                if row.from_file:
                    check_reference(self.env, name, get(name))
                value = read_reference(self.env, name, get(name), required=is_required)
                setattr(row, name, value)
            except RowError as refused:
                row.refuse(refused)

    def _read_odoo_type(self, row, get):
        # A person sees what a form proposes, but not what a file leaves out.
        value = get("transaction_type")
        self._set_type(row, value or (not row.from_file and "sale"))

    def _read_odoo_lead_type(self, row, get):
        row.lead_type_id = self._read_odoo_id(get("lead_type_id"))
        if not row.lead_type_id:
            raise RowError("lead_type", self.env._("it is missing; send a value."))

    def _read_odoo_price(self, row, get):
        price = get("price")
        if row.from_file and price not in (None, False, ""):
            price, row.price_sign = self.formats.read_number(self.env, "price", price)
        row.price = read_price(self.env, "price", None if price is False else price)

    def _read_odoo_texts(self, row, get):
        if row.from_file:
            check_text_cell(self.env, "reason", get("reason"))
        row.reason = read_text(self.env, "reason", get("reason"))
        row.reason_id = self._read_odoo_id(get("reason_id"))
        row.lead_data = self._get_odoo_lead_data(get("lead_data"))

    def _read_odoo_date(self, row, get):
        row.date = self._get_odoo_date(get("date"), get("occurred_at"))

    def _get_odoo_date(self, value, occurred_at):
        if self.formats:
            if not (occurred_at or value):
                raise RowError(
                    "occurred_at", self.env._("it is missing; send a value.")
                )
            moments = {
                self.formats.read_moment(self.env, "occurred_at", written)
                for written in (occurred_at, value)
                if written
            }
            if len(moments) > 1:
                raise self.refuse_two("occurred_at", occurred_at, value)
            return moments.pop()
        if occurred_at:
            return read_instant(self.env, "occurred_at", occurred_at)
        try:
            moment = fields.Datetime.to_datetime(value or None) or self.now
        except (TypeError, ValueError):
            moment = None
        if moment is None or moment.year < FIRST_YEAR:
            raise RowError(
                "occurred_at",
                self.env._("“%s” is not a date and time.", shorten(value)),
            )
        return moment.replace(microsecond=0)

    def refuse_two(self, field, one, other):
        """Return the error of a row whose columns say two things of one field."""
        return RowError(
            field,
            self.env._(
                "“%(one)s” and “%(other)s” are not the same; leave one of the two"
                " columns out.",
                one=shorten(one),
                other=shorten(other),
            ),
        )

    def _get_odoo_lead_data(self, value):
        """Return the values of a Properties field as names to values; what is no such
        value as it is."""
        if isinstance(value, (list, tuple)) and all(
            isinstance(prop, dict) for prop in value
        ):
            return read_properties(self.env, value)
        return value or {}

    def _read_odoo_id(self, value):
        """Return the id of a record; for what is none, one that no record has."""
        if not value:
            return None
        return value if type(value) is int and 0 < value < ID_LIMIT else -1
