"""A transaction on its way into the ledger, and the sale that a return names."""

from decimal import Decimal
from hashlib import blake2b


class IncomingTransaction:
    """One transaction on its way into the ledger.

    First as received (references and codes), then what they were found to mean
    (database ids), then the outcome.
    """

    __slots__ = (
        "amount",
        "buyer_ref",
        "campaign",
        "commercial_partner_id",
        "currency",
        "currency_id",
        "date",
        "external_ref",
        "from_file",
        "from_odoo",
        "id",
        "lead_data",
        "lead_data_erased_at",
        "lead_ref",
        "lead_type",
        "lead_type_id",
        "message",
        "origin",
        "origin_external_ref",
        "origin_id",
        "partner_id",
        "price",
        "price_adjustment",
        "price_sign",
        "reason",
        "reason_id",
        "refusals",
        "return_number",
        "row_hash",
        "same_as",
        "status",
        "transaction_type",
        "waived",
        "waived_by_credit",
        "warning",
    )

    def __init__(self):
        self.id = False
        self.status = None
        self.message = self.warning = ""
        self.external_ref = self.same_as = None
        self.refusals = ()
        # What cannot be read stays empty; the rest is checked all the same.
        self.date = self.price = self.price_sign = self.lead_data = None
        self.buyer_ref = self.lead_type = self.currency = None
        self.partner_id = self.lead_type_id = self.currency_id = None
        self.lead_data_erased_at = self.reason = self.reason_id = None
        self.origin = self.origin_id = self.return_number = None
        self.price_adjustment = self.from_odoo = self.from_file = False
        self.waived = self.waived_by_credit = False

    @property
    def is_return(self):
        return self.transaction_type == "return"

    def get_values(self, columns):
        """Return what this row says in these columns of the ledger, once it is checked
        and its sale has an id."""
        if self.origin:
            self.origin_id = self.origin.id or self.origin.row.id
        values = {column: getattr(self, column) for column in columns}
        if "lead_data" in values:
            values["lead_data"] = self.lead_data or None
        return values

    def refuse(self, refused):
        """Keep this row out of the ledger, for the reason that ``refused`` gives."""
        self.status = self.status or "error"
        self.refusals = (*self.refusals, refused)
        self.message = self.message or f"{refused.field}: {refused.sentence}"

    def set_hash(self):
        """Hash what was received, normalized, without the reason and the lead data."""
        content = (
            self.external_ref,
            self.transaction_type,
            self.origin_external_ref or "",
            self.date.isoformat(),
            self.buyer_ref or "",
            self.lead_type or "",
            self.lead_ref or "",
            self.campaign or "",
            format(self.price.normalize(), "f"),
            self.currency or "",
        )
        # No part holds a control character, so that the separator is safe.
        digest = blake2b("\x1f".join(content).encode(), digest_size=16)
        self.row_hash = digest.hexdigest()


class Origin:
    """The sale that a return names, with what was given back of it so far."""

    __slots__ = (
        "commercial_partner_id",
        "credited",
        "currency_id",
        "date",
        "id",
        "in_full",
        "lead_data_erased_at",
        "lead_type_id",
        "number",
        "partner_id",
        "price",
        "returned",
        "row",
        "transaction_type",
        "waived",
    )

    @classmethod
    def from_row(cls, row):
        """Return the origin that an accepted ``row`` of the same list will be."""
        origin = cls()
        origin.row, origin.id = row, None
        names = ("partner_id", "commercial_partner_id", "currency_id")
        for name in ("transaction_type", *names):
            setattr(origin, name, getattr(row, name))
        origin.lead_type_id, origin.date = row.lead_type_id, row.date
        origin.lead_data_erased_at = row.lead_data_erased_at
        origin.price, origin.waived = row.price, row.waived
        origin.credited = origin.in_full = False
        origin.returned, origin.number = Decimal(0), 0
        return origin

    @classmethod
    def from_record(cls, values):
        """Return the origin that a recorded transaction is."""
        origin = cls()
        origin.row = None
        for name, value in values.items():
            setattr(origin, name, value)
        origin.price, origin.returned = Decimal(origin.price), Decimal(origin.returned)
        return origin
