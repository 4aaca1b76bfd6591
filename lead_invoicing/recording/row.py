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
        "company_id",
        "corrected",
        "corrected_price",
        "corrected_sale_id",
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
        "met",
        "origin",
        "origin_external_ref",
        "origin_id",
        "pair",
        "partner_id",
        "price",
        "price_adjustment",
        "price_sign",
        "reason",
        "reason_id",
        "refusals",
        "rests_on_origin",
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
        self.company_id = self.row_hash = None
        self.partner_id = self.lead_type_id = self.currency_id = None
        self.lead_data_erased_at = self.reason = self.reason_id = None
        self.origin = self.origin_id = self.return_number = None
        self.corrected = self.corrected_sale_id = self.corrected_price = None
        self.pair = None
        # The return that was decided on here and that the platform reports with it.
        self.met = None
        self.price_adjustment = self.from_odoo = self.from_file = False
        self.waived = self.waived_by_credit = False
        # Something else would be stored, had somebody decided otherwise on its sale.
        self.rests_on_origin = False

    @property
    def is_return(self):
        return self.transaction_type == "return"

    @property
    def is_correction(self):
        """Whether this is a price correction that is not checked yet."""
        return self.transaction_type == "correction"

    def get_values(self, columns):
        """Return what this row says in these columns of the ledger, once it is checked
        and its sale has an id."""
        if self.origin:
            self.origin_id = self.origin.stored_id
        if self.corrected:
            self.corrected_sale_id = self.corrected.stored_id
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


def in_waves(rows):
    """Yield ``rows``, with the returns that corrections among them make, in lists that
    can be stored one after the other: sales, what corrects their prices, returns."""
    sales, returns = {}, []
    for row in rows:
        if row.is_return:
            returns.append(row)
            continue
        number, corrected = 0, row.corrected
        while corrected and corrected.row:
            number, corrected = number + 1, corrected.row.corrected
        sales.setdefault(number, []).append(row)
        if row.pair:
            returns.append(row.pair)
    yield from (sales[number] for number in sorted(sales))
    if returns:
        yield returns


class Origin:
    """The sale that a return names, with what was given back of it so far.

    ``named_ids`` are the ids under which callers know it: its own, and those of the
    sales whose prices it corrects.
    """

    __slots__ = (
        "campaign",
        "commercial_partner_id",
        "corrected_by",
        "corrected_price",
        "credited",
        "currency_id",
        "date",
        "external_ref",
        "id",
        "in_full",
        "is_history",
        "lead_data",
        "lead_data_erased_at",
        "lead_ref",
        "lead_type_id",
        "named_ids",
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
        origin.row, origin.id, origin.named_ids = row, None, set()
        for name in (
            "campaign",
            "commercial_partner_id",
            "corrected_price",
            "currency_id",
            "date",
            "external_ref",
            "lead_data",
            "lead_data_erased_at",
            "lead_ref",
            "lead_type_id",
            "partner_id",
            "price",
            "transaction_type",
            "waived",
        ):
            setattr(origin, name, getattr(row, name))
        origin.credited, origin.in_full = row.waived_by_credit, False
        # What a decision on its sale waived was not billed elsewhere.
        origin.is_history = row.waived and not (row.pair or row).rests_on_origin
        origin.returned, origin.number = Decimal(0), 0
        origin.corrected_by = None
        return origin

    @classmethod
    def from_record(cls, values):
        """Return the origin that a recorded transaction is."""
        origin = cls()
        origin.row = origin.corrected_by = origin.lead_data = None
        for name, value in values.items():
            setattr(origin, name, value)
        for name in ("price", "returned", "corrected_price"):
            value = getattr(origin, name)
            setattr(origin, name, value and Decimal(value))
        origin.named_ids = {origin.id}
        return origin

    @property
    def stored_id(self):
        """Its id in the ledger; ``False`` as long as it is not stored."""
        return self.id or self.row.id

    @property
    def left(self):
        """What was not returned of its price."""
        return self.price - self.returned

    @property
    def present_price(self):
        """The price of the lead now, whatever was returned of it: that of the last
        correction."""
        return self.price if self.corrected_price is None else self.corrected_price

    @property
    def in_force(self):
        """The sale that this has become by the corrections of its price so far."""
        origin = self
        while origin.corrected_by:
            origin = origin.corrected_by
        return origin
