"""Check transactions and write them to the ledger, a whole list at a time.

One validator serves the API (plain values), the import and ``create`` (Odoo values). It
asks the database a fixed number of questions for each list, never one for each row.
"""

import itertools
import json
from datetime import timedelta
from decimal import Decimal

from odoo import fields

from .file_values import FileFormats
from .lead_data import LeadDataSchema
from .lead_reader import LeadReader
from .lead_row import Origin
from .lead_store import LeadStore
from .plain_values import Refused, echo_reference

# Fields of the API by the fields of the model that hold them.
MODEL_FIELDS = {
    "type": "transaction_type",
    "origin_external_ref": "origin_id",
    "occurred_at": "date",
    "buyer_ref": "partner_id",
    "lead_type": "lead_type_id",
    "currency": "currency_id",
}
# So many rows fit into what PostgreSQL keeps in memory by default.
WRITE_CHUNK = 2_000
LEAD_OF_CLOCKS = timedelta(hours=1)


class LeadRecorder:
    """Checks transactions of one company and writes them.

    :param env: environment of the user; access is checked by the caller. What the
        recorder reads to find and check (buyers, lead types, currencies, recorded
        transactions) it reads for the company, whatever the user may see: an answer
        tells no more of it than whether the row fits.
    :param company: the company of the ledger
    :param file_options: dict of what was chosen for an imported file, see
        :class:`FileFormats`; None for what is no file
    """

    def __init__(self, env, company, file_options=None):
        self.env = env
        # Only what the docstring names is read with these rights.
        self.company = company.sudo()
        self.store = LeadStore(env, self.company)
        self.now = fields.Datetime.now()
        self.formats = None
        if file_options is not None:
            zone = self.company._get_lead_zone(file_options.get("tz"))
            self.formats = FileFormats(zone, file_options)
        self.reader = LeadReader(env, self.company, self.now, self.formats)
        self.billing_start = self._get_billing_start()
        self.kept_since = self.company._get_lead_data_cutoff()
        self.price_digits = env["decimal.precision"].precision_get("Product Price")
        self._checks = (
            self._check_date,
            self._check_buyer,
            self._check_lead_type,
            self._check_currency,
            self._check_lead_data,
        )
        self.quotes = True
        self._schemas = {}

    def record(self, vals_list):
        """Store the good ones of ``vals_list`` and return an answer for each.

        :param vals_list: list of dicts of plain values
        :return: list of dicts, see ``lead.sale.record_transactions``
        """
        self.env.flush_all()
        # The platform's logs keep no lead data: it knows what it sent.
        self.quotes = False
        rows = [self.reader.read_plain(vals) for vals in vals_list]
        self.check(rows)
        self.warn_of_leads_sold_twice(rows)
        self.store_rows([row for row in rows if not row.status])
        self.env.invalidate_all()
        return [
            self._prepare_answer(row, vals)
            for row, vals in zip(rows, vals_list, strict=True)
        ]

    def _prepare_answer(self, row, vals):
        if row.same_as:
            row.id = row.same_as.id
        reference = row.external_ref
        if not reference and isinstance(vals, dict):
            reference = echo_reference(vals.get("external_ref"))
        return {
            "external_ref": reference or False,
            "id": row.id,
            "status": row.status,
            "message": row.message,
            "warning": row.warning,
        }

    # ------------------------------------------------------------------
    # Checks: the same for all
    # ------------------------------------------------------------------

    def check(self, rows):
        """Decide for each of ``rows`` whether and how it enters the ledger.

        A row without a status afterwards is good; its values are complete.
        """
        good = [row for row in rows if not row.status]
        # Of a file, all that is wrong is told at once.
        unreadable = [row for row in rows if row.status and row.from_file]
        self._find_meanings(good + unreadable)
        self._set_hashes(good)
        self._mark_recorded(good)
        good = [row for row in good if not row.status]
        for row in good + unreadable:
            self._check_alone(row)
        good = [row for row in good if not row.status]
        accepted = {}
        self._accept(
            [row for row in good if not row.is_return], accepted, self._check_sale
        )
        returns = [row for row in good if row.is_return]
        # In the order of their dates, so that the order in the list does not matter.
        returns.sort(key=lambda row: row.date)
        self._find_origins(returns, accepted)
        self._accept(returns, accepted, self._check_return)

    def _accept(self, rows, accepted, check):
        """Check ``rows`` in turn; of the same reference the first good one counts."""
        for row in rows:
            if row.status:
                continue
            first = accepted.get(row.external_ref)
            if first is None:
                try:
                    check(row)
                    accepted[row.external_ref] = row
                except Refused as refused:
                    row.refuse(refused)
            else:
                self._mark_same(row, first.row_hash)
                row.same_as = first

    def _mark_same(self, row, row_hash):
        """Call ``row`` a duplicate of, or in conflict with, the one of that hash."""
        if row.row_hash == row_hash:
            row.status = "duplicate"
            return
        row.status = "conflict"
        row.refuse(
            Refused(
                "external_ref",
                self.env._(
                    "“%s” was recorded with other content; a recorded transaction does"
                    " not change: send a return and a new sale under references of"
                    " their own.",
                    row.external_ref,
                ),
            )
        )

    def _mark_recorded(self, rows):
        recorded = self.store.query_recorded({row.external_ref for row in rows})
        for row in rows:
            if found := recorded.get(row.external_ref):
                row.id, row_hash = found
                self._mark_same(row, row_hash)

    def _find_meanings(self, rows):
        """Look up the buyers, lead types and currencies that ``rows`` name."""
        self.buyers_by_ref = self.store.query_buyers_by_ref(
            {row.buyer_ref for row in rows if not row.partner_id}
        )
        self.buyers = self.store.query_buyers({row.partner_id for row in rows})
        self.lead_types = {
            lead_type.id: lead_type
            for lead_type in self.env["lead.type"]
            .sudo()  # What is read here is named in the docstring of the class.
            .with_context(active_test=False)
            .search([("company_id", "=", self.company.id)])
        }
        self.lead_type_ids = {
            lead_type.code: lead_type.id for lead_type in self.lead_types.values()
        }
        currencies = self.env["res.currency"].with_context(active_test=False)
        self.currencies = {
            currency.id: (
                currency.name,
                currency.active,
                Decimal(str(currency.rounding)),
                currency.symbol or "",
            )
            for currency in currencies.sudo().search([])  # public data
        }
        self.currency_ids = {values[0]: id_ for id_, values in self.currencies.items()}

    def _set_hashes(self, rows):
        """Hash rows of Odoo values as if the platform had sent them.

        So a file imported by hand and sent again over the API makes duplicates, not
        conflicts.
        """
        rows = [row for row in rows if row.from_odoo]
        origin_refs = self.store.query_references({row.origin_id for row in rows})
        names = self.store.query_buyer_names(
            {row.partner_id for row in rows if not row.buyer_ref}
        )
        for row in rows:
            lead_type = self.lead_types.get(row.lead_type_id)
            row.lead_type = lead_type and lead_type.code
            row.currency = self.currencies.get(row.currency_id, (None,))[0]
            row.buyer_ref = row.buyer_ref or names.get(row.partner_id)
            if row.origin_id:
                row.origin_external_ref = origin_refs.get(
                    row.origin_id, f"#{row.origin_id}"
                )
            row.set_hash()

    def _check_alone(self, row):
        """Check what needs no other transaction, and was read."""
        for check in self._checks:
            try:
                check(row)
            except Refused as refused:
                row.refuse(refused)
                if not row.from_file:
                    return

    def _check_lead_data(self, row):
        if row.lead_type_id not in self.lead_types:
            return
        schema = self._get_schema(row.lead_type_id)
        row.lead_data = schema.convert(row.lead_data, false_is_empty=row.from_odoo)
        if self.kept_since and row.date and row.date < self.kept_since:
            self._drop_lead_data(row, self.now)

    def _drop_lead_data(self, row, erased_at):
        """Do not store the data of a lead that are, or were to be, erased."""
        if row.lead_data:
            row.lead_data = None
            row.lead_data_erased_at = erased_at
            row.warning = self.env._(
                "The lead data are not stored: this lead's were erased, or are older"
                " than they are kept."
            )

    def _check_date(self, row):
        if row.date and row.date > self.now + LEAD_OF_CLOCKS:
            raise Refused(
                "occurred_at",
                self.env._(
                    "%(moment)s UTC is more than an hour ahead; it is %(now)s UTC now."
                    " Send the moment at which it happened.",
                    moment=row.date,
                    now=self.now.replace(microsecond=0),
                ),
            )

    def _check_buyer(self, row):
        if row.partner_id:
            self._check_buyer_id(row)
            return
        if not row.buyer_ref:
            return
        found = self.buyers_by_ref.get(row.buyer_ref, ())
        if not found:
            raise Refused(
                "buyer_ref",
                self.env._(
                    "no buyer is known as “%s”; enter it as the reference of a contact"
                    " or under Buyer References, then send the row again.",
                    row.buyer_ref,
                ),
            )
        if len(found) > 1:
            raise Refused(
                "buyer_ref",
                self.env._(
                    "%(count)s contacts have the reference “%(ref)s”; say under Lead"
                    " Buyer References which one is meant, then send the row again.",
                    count=len(found),
                    ref=row.buyer_ref,
                ),
            )
        row.partner_id, row.commercial_partner_id = found[0]

    def _check_buyer_id(self, row):
        row.commercial_partner_id = self.buyers.get(row.partner_id)
        if not row.commercial_partner_id:
            raise Refused(
                "buyer_ref",
                self.env._(
                    "the buyer does not exist or belongs to another company; choose"
                    " one of %s.",
                    self.company.name,
                ),
            )

    def _check_lead_type(self, row):
        if not (row.lead_type_id or row.lead_type):
            return
        lead_type_id = row.lead_type_id or self.lead_type_ids.get(row.lead_type)
        if lead_type_id not in self.lead_types:
            raise Refused(
                "lead_type",
                self.env._(
                    "“%(code)s” is not a lead type of %(company)s; its codes are:"
                    " %(known)s.",
                    code=row.lead_type or row.lead_type_id,
                    company=self.company.name,
                    known=", ".join(sorted(self.lead_type_ids)) or self.env._("none"),
                ),
            )
        row.lead_type_id = lead_type_id

    def _check_currency(self, row):
        """Check the currency, and that the price is not finer than it can be billed."""
        row.currency_id = row.currency_id or self.currency_ids.get(row.currency)
        name, active, rounding, symbol = self.currencies.get(
            row.currency_id, (row.currency, False, None, None)
        )
        if not active:
            raise Refused(
                "currency",
                self.env._(
                    "“%s” is not an active currency; send the code of one that is"
                    " active in Odoo, such as USD.",
                    name,
                ),
            )
        if row.price is None:
            return
        if row.price_sign and row.price_sign.upper() not in (name, symbol.upper()):
            raise Refused(
                "price",
                self.env._(
                    "“%(sign)s” is not the sign of %(currency)s, the currency of this"
                    " row; correct the price, or the currency.",
                    sign=row.price_sign,
                    currency=name,
                ),
            )
        if row.price % rounding:
            sentence = self.env._(
                "%(price)s is finer than %(currency)s allows; send a multiple of"
                " %(rounding)s.",
                price=row.price,
                currency=name,
                rounding=format(rounding.normalize(), "f"),
            )
            if row.from_file:
                sentence = self.env._(
                    "%s If thousands are meant, choose the decimal separator of the"
                    " file in the options of the import.",
                    sentence,
                )
            raise Refused("price", sentence)
        if row.price % Decimal(1).scaleb(-self.price_digits):
            raise Refused(
                "price",
                self.env._(
                    "%(price)s has more decimals than prices have in Odoo; send at most"
                    " %(digits)s, or raise the accuracy of “Product Price”.",
                    price=row.price,
                    digits=self.price_digits,
                ),
            )

    def _get_schema(self, lead_type_id):
        if lead_type_id not in self._schemas:
            definition = self.lead_types[lead_type_id].lead_properties_definition
            self._schemas[lead_type_id] = LeadDataSchema(
                self.env, definition or [], self.quotes, self.formats
            )
        return self._schemas[lead_type_id]

    def _check_sale(self, row):
        if row.origin_external_ref:
            raise Refused(
                "origin_external_ref",
                self.env._("only a return names a sale; leave it empty."),
            )
        row.amount = row.price
        if self._is_history(row.date):
            self._waive(row, self.env._("billed elsewhere"))

    # ------------------------------------------------------------------
    # Returns
    # ------------------------------------------------------------------

    def _find_origins(self, returns, accepted):
        """Find the sales that ``returns`` name, in the ledger or in the same list."""
        references = {row.origin_external_ref for row in returns}
        sold = self._find_sales_of_leads(returns, accepted)
        references.update(*sold.values())
        origins = self.store.query_origins(references)
        for reference in references:
            if reference in accepted and reference not in origins:
                origins[reference] = Origin.from_row(accepted[reference])
        self.sales_of_leads = {
            key: {reference: origins[reference] for reference in found}
            for key, found in sold.items()
        }
        for row in returns:
            row.origin = origins.get(row.origin_external_ref)

    def _find_sales_of_leads(self, returns, accepted):
        """Return ``{(buyer, lead_ref): [references]}`` of the sales of the leads that
        returns of a file name instead of their sales, as a buyer knows them."""
        keys = {
            (row.partner_id, row.lead_ref)
            for row in returns
            if row.from_file and not row.origin_external_ref and row.lead_ref
        }
        if not keys:
            return {}
        sold = {key: set() for key in keys}
        recorded = self.store.query_sales_of_leads({lead for _buyer, lead in keys})
        new = (
            (row.partner_id, row.lead_ref, row.external_ref)
            for row in accepted.values()
        )
        for partner_id, lead_ref, reference in itertools.chain(recorded, new):
            if (partner_id, lead_ref) in sold:
                sold[partner_id, lead_ref].add(reference)
        return sold

    def _find_origin_by_lead(self, row):
        """Find the one sale of the lead of ``row`` that money can be given back for."""
        sales = self.sales_of_leads.get((row.partner_id, row.lead_ref))
        if row.origin_external_ref or sales is None:
            return
        left = {
            reference: origin
            for reference, origin in sales.items()
            if not origin.in_full and origin.date <= row.date
        }
        if len(left) == 1:
            [(row.origin_external_ref, row.origin)] = left.items()
        elif left:
            raise Refused(
                "lead_ref",
                self.env._(
                    "the lead “%(lead)s” was sold to this buyer more than once, as"
                    " %(refs)s; name the sale that is returned.",
                    lead=row.lead_ref,
                    refs=", ".join(sorted(left)[:5]),
                ),
            )
        else:
            raise Refused(
                "lead_ref",
                self.env._(
                    "the lead “%s” was not sold to this buyer before the return, or was"
                    " returned in full; name the sale that is returned.",
                    row.lead_ref,
                ),
            )

    def _check_return(self, row):
        self._find_origin_by_lead(row)
        self._check_origin(row, row.origin)
        self._give_back(row, row.origin)
        if row.origin.lead_data_erased_at:
            self._drop_lead_data(row, row.origin.lead_data_erased_at)
        row.amount = -row.price
        row.commercial_partner_id = row.origin.commercial_partner_id
        self._check_return_waived(row, row.origin)

    def _check_origin(self, row, origin):
        """Check that ``origin`` is a sale that ``row`` can give money back for."""
        env = self.env
        if not row.origin_external_ref:
            sentence = env._("it is missing; a return names the sale it belongs to.")
        elif not origin or (row.origin_id and row.origin_id != origin.id):
            sentence = env._(
                "no sale “%s” is recorded; send the sale first, or in the same call.",
                row.origin_external_ref,
            )
        elif origin.type != "sale":
            sentence = env._(
                "“%s” is itself a return; name the sale.", row.origin_external_ref
            )
        elif origin.partner_id != row.partner_id:
            sentence = env._(
                "the sale “%s” was made to another buyer; a return has the buyer of"
                " its sale.",
                row.origin_external_ref,
            )
        elif origin.currency_id != row.currency_id:
            sentence = env._(
                "the sale “%(ref)s” is in %(currency)s; a return has the currency of"
                " its sale.",
                ref=row.origin_external_ref,
                currency=self.currencies[origin.currency_id][0],
            )
        elif origin.lead_type_id != row.lead_type_id:
            sentence = env._(
                "the sale “%(ref)s” has the lead type %(code)s; a return has the lead"
                " type of its sale.",
                ref=row.origin_external_ref,
                code=self.lead_types[origin.lead_type_id].code,
            )
        elif origin.date > row.date:
            raise Refused(
                "occurred_at",
                env._(
                    "the return is dated before its sale “%(ref)s” of %(date)s UTC.",
                    ref=row.origin_external_ref,
                    date=origin.date,
                ),
            )
        else:
            return
        raise Refused("origin_external_ref", sentence)

    def _give_back(self, row, origin):
        """Take the price of the return ``row`` from what is left of its sale."""
        rest = origin.price - origin.returned
        if origin.in_full:
            raise Refused(
                "origin_external_ref",
                self.env._(
                    "the sale “%s” was returned in full already; nothing is left to"
                    " give back.",
                    row.origin_external_ref,
                ),
            )
        if row.price > rest:
            raise Refused(
                "price",
                self.env._(
                    "%(price)s is more than is left of the sale “%(ref)s”; send at most"
                    " %(rest)s.",
                    price=row.price,
                    ref=row.origin_external_ref,
                    rest=rest,
                ),
            )
        row.price_adjustment = row.price < rest
        origin.in_full = not row.price_adjustment
        origin.returned += row.price
        origin.number += 1
        row.return_number = origin.number

    def _check_return_waived(self, row, origin):
        """Waive a return whose sale is not paid for, or was credited before."""
        if self._is_history(row.date):
            self._waive(row, self.env._("billed elsewhere"))
        elif origin.waived and not self._is_history(origin.date):
            self._waive(row, self.env._("its sale is waived"))
        elif origin.credited:
            self._waive(row, self.env._("already credited"))
            row.waived_by_credit = True
            row.warning = self.env._(
                "The invoice of the sale “%s” was credited, so that this return is not"
                " billed.",
                row.origin_external_ref,
            )

    def _get_billing_start(self):
        """Return the first instant that is billed here, as naive UTC, or ``None``."""
        start = self.company.lead_billing_start
        if not start:
            return None
        return self.company._get_lead_day_start(start)

    def _is_history(self, moment):
        return self.billing_start is not None and moment < self.billing_start

    def _waive(self, row, reason):
        row.waived = True
        row.reason = f"{row.reason} ({reason})" if row.reason else reason

    # ------------------------------------------------------------------
    # Warnings
    # ------------------------------------------------------------------

    def warn_of_leads_sold_twice(self, rows):
        """Warn where a buyer gets a lead again, under another reference."""
        sales = [
            row for row in rows if not row.status and not row.is_return and row.lead_ref
        ]
        sold = self.store.query_leads_sold({row.lead_ref for row in sales})
        for row in sales:
            key = (row.commercial_partner_id, row.lead_ref)
            if other := sold.get(key):
                row.warning = self.env._(
                    "The lead “%(lead)s” was sold to this buyer before, as “%(ref)s”.",
                    lead=row.lead_ref,
                    ref=other,
                )
            sold.setdefault(key, row.external_ref)

    # ------------------------------------------------------------------
    # Writing
    # ------------------------------------------------------------------

    def store_rows(self, rows):
        """Write checked ``rows``: sales first, for their returns to name them.

        In the order of their references: two calls with the same rows then wait for
        one another and never for each other.
        """
        for is_return in (False, True):
            batch = [row for row in rows if row.is_return == is_return]
            batch.sort(key=lambda row: row.external_ref)
            for start in range(0, len(batch), WRITE_CHUNK):
                self._write_chunk(batch[start : start + WRITE_CHUNK])

    def _write_chunk(self, rows):
        payload = json.dumps([self._prepare_column_values(row) for row in rows])
        ids = self.store.insert(payload)
        for row in rows:
            row.lead_data = None
            row.id = ids.get(row.external_ref, False)
            row.status = "created" if row.id else None
        if len(ids) < len(rows):
            self._mark_overtaken([row for row in rows if not row.id])

    def _mark_overtaken(self, rows):
        """Answer for rows that another transaction recorded at the same moment.

        Odoo's own isolation (repeatable read) never comes here: PostgreSQL raises a
        serialization failure instead, on which Odoo repeats the whole request.
        """
        self._mark_recorded(rows)
        for row in rows:
            if not row.status:
                row.refuse(
                    Refused(
                        "row",
                        self.env._(
                            "another return of this sale was recorded at the same"
                            " moment; send the row again."
                        ),
                    ),
                )

    def _prepare_column_values(self, row):
        origin = row.origin
        if origin:
            row.origin_id = origin.id or origin.row.id
        return {
            "external_ref": row.external_ref,
            "transaction_type": row.type,
            "origin_id": row.origin_id,
            "return_number": row.return_number,
            "partner_id": row.partner_id,
            "commercial_partner_id": row.commercial_partner_id,
            "lead_type_id": row.lead_type_id,
            "lead_ref": row.lead_ref,
            "campaign": row.campaign,
            "lead_data": row.lead_data or None,
            "lead_data_erased_at": row.lead_data_erased_at
            and row.lead_data_erased_at.isoformat(" "),
            "currency_id": row.currency_id,
            "price": str(row.price),
            "amount": str(row.amount),
            "date": row.date.isoformat(" "),
            "reason": row.reason,
            "waived": row.waived,
            "waived_by_credit": row.waived_by_credit,
            "price_adjustment": row.price_adjustment,
            "row_hash": row.row_hash,
        }
