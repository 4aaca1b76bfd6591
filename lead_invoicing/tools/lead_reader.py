"""Read what a caller sends for a transaction into a row, before any look-up."""

from odoo import fields

from .lead_row import Row
from .plain_values import (
    FIRST_YEAR,
    Refused,
    read_instant,
    read_price,
    read_reference,
    read_text,
    shorten,
)

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


class LeadReader:
    """Reads plain values (the API) and Odoo values (``create``, import) of a company.

    :param env: environment, for the language of messages
    :param company: the company of the ledger, for its currency
    :param now: the moment of recording, naive UTC
    """

    def __init__(self, env, company, now):
        self.env = env
        self.company = company
        self.now = now

    # ------------------------------------------------------------------
    # Plain values: the API
    # ------------------------------------------------------------------

    def read_plain(self, vals):
        """Return the row that the dict of plain values ``vals`` means."""
        row = Row()
        try:
            self._read_plain(row, vals)
        except Refused as refused:
            row.refuse(refused)
        return row

    def _read_plain(self, row, vals):
        env = self.env
        if not isinstance(vals, dict):
            raise Refused(
                "row",
                env._("it is not an object; send names and values."),
            )
        get = vals.get
        row.external_ref = read_reference(
            env, "external_ref", get("external_ref"), required=True
        )
        if unknown := vals.keys() - API_FIELDS:
            raise Refused(
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
        if value not in ("sale", "return"):
            raise Refused(
                "type",
                self.env._("“%s” is unknown; send “sale” or “return”.", shorten(value))
                if value
                else self.env._("it is missing; send “sale” or “return”."),
            )
        row.type = value

    # ------------------------------------------------------------------
    # Odoo values: create and import
    # ------------------------------------------------------------------

    def read_odoo(self, vals):
        """Return the row that the dict of field values ``vals`` means."""
        row = Row()
        row.from_odoo = True
        try:
            self._read_odoo(row, vals)
        except Refused as refused:
            row.refuse(refused)
        return row

    def _read_odoo(self, row, vals):
        env, get = self.env, vals.get
        row.external_ref = read_reference(
            env, "external_ref", get("external_ref"), required=True
        )
        self._set_type(row, get("transaction_type") or "sale")
        row.origin_id = get("origin_id") or None
        row.origin_external_ref = read_reference(
            env, "origin_external_ref", get("origin_external_ref")
        )
        row.date = self._read_odoo_date(get("date"), get("occurred_at"))
        row.partner_id = get("partner_id") or None
        row.buyer_ref = read_reference(
            env, "buyer_ref", get("buyer_ref"), required=not row.partner_id
        )
        row.lead_type_id = get("lead_type_id") or None
        if not row.lead_type_id:
            raise Refused("lead_type", env._("it is missing; send a value."))
        row.lead_ref = read_reference(env, "lead_ref", get("lead_ref"))
        row.campaign = read_reference(env, "campaign", get("campaign"))
        price = get("price")
        row.price = read_price(env, "price", None if price is False else price)
        row.currency_id = get("currency_id") or self.company.currency_id.id
        row.reason = read_text(env, "reason", get("reason"))
        row.lead_data = self._get_odoo_lead_data(get("lead_data"))

    def _read_odoo_date(self, value, occurred_at):
        if occurred_at:
            return read_instant(self.env, "occurred_at", occurred_at)
        try:
            moment = fields.Datetime.to_datetime(value or None) or self.now
        except ValueError:
            moment = None
        if moment is None or moment.year < FIRST_YEAR:
            raise Refused(
                "occurred_at",
                self.env._("“%s” is not a date and time.", shorten(value)),
            )
        return moment.replace(microsecond=0)

    def _get_odoo_lead_data(self, value):
        """Return the values of a Properties field as names to values."""
        if isinstance(value, (list, tuple)):
            value = {
                prop["name"]: prop.get("value")
                for prop in value
                if not prop.get("definition_deleted")
            }
        return dict(value or {})
