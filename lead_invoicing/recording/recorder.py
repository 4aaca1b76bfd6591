"""Check transactions and write them to the ledger, a whole list at a time.

One validator serves the API (plain values), the import and ``create`` (Odoo values). It
asks the database a fixed number of questions for each list, never one for each row.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from odoo import fields, models
from odoo.exceptions import ConcurrencyError

from ..tools.parsing import RowError, echo_reference
from .corrections import CorrectionRules
from .decided_returns import DecidedReturnRules, note_met
from .lead_data import LeadDataSchema
from .ledger_gateway import LedgerGateway
from .named_records import NamedRecordRules
from .reader import LeadReader
from .returns import ReturnRules
from .row import in_waves

# Fields of the API by the fields of the model that hold them.
MODEL_FIELDS = {
    "type": "transaction_type",
    "origin_external_ref": "origin_id",
    "occurred_at": "date",
    "buyer_ref": "partner_id",
    "lead_type": "lead_type_id",
    "currency": "currency_id",
}
# Rows of one INSERT; as many as fit into PostgreSQL's work_mem as it is delivered.
WRITE_CHUNK = 2_000
MAX_CLOCK_SKEW = timedelta(hours=1)


@dataclass
class LedgerRules:
    """What a company decides on what enters its ledger."""

    lead_types: models.Model  # all that it has, to be read whatever the user may see
    billing_start: datetime | None  # what was sold before was billed elsewhere
    kept_since: datetime | None  # lead data that are older are not kept
    reasons: models.Model  # its reasons for returns
    reason_words: dict[str, int]  # the active ones by code and name, folded
    # Samples, for which nothing real is recorded.
    sample_buyer_ids: frozenset[int] = frozenset()
    sample_type_ids: frozenset[int] = frozenset()


class LeadRecorder(NamedRecordRules, CorrectionRules, DecidedReturnRules, ReturnRules):
    """Checks transactions of one company and writes them.

    :param env: environment of the user; access is checked by the caller. What the
        recorder reads to find and check (buyers, lead types, currencies, recorded
        transactions) it reads for the company, whatever the user may see: an answer
        tells no more of it than whether the row fits.
    :param company: the company of the ledger
    :param rules: what it decides, :class:`LedgerRules`
    :param formats: how an imported file writes numbers and dates,
        :class:`~.file_formats.FileFormats`; None for what is no file
    """

    def __init__(self, env, company, rules, formats=None):
        self.env = env
        # Only what the docstring names is read with these rights.
        self.company = company.sudo()
        self.store = LedgerGateway(env, self.company)
        self.now = fields.Datetime.now()
        self.rules = rules
        self.lead_types = {lead_type.id: lead_type for lead_type in rules.lead_types}
        self.lead_type_ids = {
            lead_type.code: lead_type.id for lead_type in rules.lead_types
        }
        self.formats = formats
        self.reader = LeadReader(env, self.company, self.now, formats)
        self.price_digits = env["decimal.precision"].precision_get("Product Price")
        self._checks = (
            self._check_date,
            self._check_buyer,
            self._check_lead_type,
            self._check_no_sample,
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
        rows = self._read_and_check(vals_list)
        self.store_rows([row for row in rows if not row.status])
        note_met(self.env, rows)
        self.env.invalidate_all()
        return self._prepare_answers(rows, vals_list)

    def try_out(self, vals_list):
        """Return the answers that :meth:`record` would give now, and store nothing.

        :param vals_list: list of dicts of plain values
        :return: list of dicts; the ``id`` of what would be created is ``False``
        """
        rows = self._read_and_check(vals_list)
        for row in rows:
            row.status = row.status or "created"
        return self._prepare_answers(rows, vals_list)

    def _read_and_check(self, vals_list):
        self.env.flush_all()
        # The platform's logs keep no lead data: it knows what it sent.
        self.quotes = False
        rows = [self.reader.read_plain(vals) for vals in vals_list]
        self.check(rows)
        self.warn_of_leads_sold_twice(rows)
        return rows

    def _prepare_answers(self, rows, vals_list):
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

    # Checks: the same for all

    def check(self, rows):
        """Decide for each of ``rows`` whether and how it enters the ledger.

        A row without a status afterwards is good; its values are complete.
        """
        self._resolve_references(
            [row for row in rows if not row.status or row.from_file]
        )
        good = [row for row in rows if not row.status]
        # Of a file, all that is wrong is told at once.
        unreadable = [row for row in rows if row.status and row.from_file]
        self._set_hashes(good)
        self._mark_recorded(good)
        good = [row for row in good if not row.status]
        for row in good + unreadable:
            self._check_row(row)
        good = [row for row in good if not row.status]
        accepted = {}
        sales = [row for row in good if row.transaction_type == "sale"]
        self._accept(sales, accepted, self._check_sale)
        later = [row for row in good if row.transaction_type != "sale"]
        # In the order of their dates, so that the order in the list does not matter.
        later.sort(key=lambda row: row.date)
        self._find_origins(later, accepted)
        self._find_corrected([row for row in later if row.is_correction], accepted)
        self._accept(later, accepted, self._check_later)

    def _check_later(self, row):
        """Check what names a sale."""
        if row.is_correction:
            self._check_correction(row)
        else:
            self._check_return(row)

    def _accept(self, rows, accepted, check):
        """Check ``rows`` in turn; of the same reference the first good one counts."""
        for row in rows:
            if row.status:
                continue
            first = accepted.get(row.external_ref)
            if first is None:
                try:
                    check(row)
                except RowError as refused:
                    row.refuse(refused)
                if not row.status:
                    accepted[row.external_ref] = row
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
            RowError(
                "external_ref",
                self.env._(
                    "“%s” was recorded with different content; a recorded transaction"
                    " cannot be changed: send a return and a new sale under references"
                    " of their own.",
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

    def hash_rows(self, rows):
        """Hash rows of Odoo values as :meth:`check` does, to compare them with what is
        recorded."""
        self._resolve_references(rows)
        self._set_hashes([row for row in rows if not row.status])

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
                found = origin_refs.get(row.origin_id, f"#{row.origin_id}")
                if row.from_file and row.origin_external_ref not in (None, found):
                    row.refuse(
                        self.reader.refuse_two(
                            "origin_external_ref", row.origin_external_ref, found
                        )
                    )
                row.origin_external_ref = found
            row.set_hash()

    def _check_row(self, row):
        """Check what needs no other transaction, and was read."""
        for check in self._checks:
            try:
                check(row)
            except RowError as refused:
                row.refuse(refused)
                if not row.from_file:
                    return

    def _check_lead_data(self, row):
        if row.lead_type_id not in self.lead_types:
            return
        schema = self._get_schema(row.lead_type_id)
        row.lead_data = schema.convert(row.lead_data, false_is_empty=row.from_odoo)
        if self.rules.kept_since and row.date and row.date < self.rules.kept_since:
            self._drop_lead_data(row, self.now)

    def _drop_lead_data(self, row, erased_at):
        """Do not store the data of a lead that are, or were to be, erased."""
        if row.lead_data:
            row.lead_data = None
            row.lead_data_erased_at = erased_at
            row.warning = self.env._(
                "The lead data is not stored: this lead's data was erased, or is older"
                " than the retention period."
            )

    def _check_date(self, row):
        if row.date and row.date > self.now + MAX_CLOCK_SKEW:
            raise RowError(
                "occurred_at",
                self.env._(
                    "%(moment)s UTC is more than an hour in the future; it is now"
                    " %(now)s UTC. Send the date and time it happened.",
                    moment=row.date,
                    now=self.now.replace(microsecond=0),
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
            raise RowError(
                "origin_external_ref",
                self.env._("only a return names a sale; leave it empty."),
            )
        if row.reason_id:
            raise RowError(
                "reason_id", self.env._("only a return has one; leave it empty.")
            )
        row.amount = row.price
        if self._is_history(row.date):
            self._waive(row, self.env._("billed elsewhere"))

    # Warnings

    def warn_of_leads_sold_twice(self, rows):
        """Warn where a buyer gets a lead again, under another reference."""
        sales = [
            row
            for row in rows
            if not row.status
            and row.transaction_type == "sale"
            and not row.corrected
            and row.lead_ref
        ]
        sold = self.store.query_leads_sold({row.lead_ref for row in sales})
        for row in sales:
            key = (row.commercial_partner_id, row.lead_ref)
            if other := sold.get(key):
                row.warning = self.env._(
                    "The lead “%(lead)s” has already been sold to this buyer, as"
                    " “%(ref)s”.",
                    lead=row.lead_ref,
                    ref=other,
                )
            sold.setdefault(key, row.external_ref)

    # Writing

    def store_rows(self, rows):
        """Write checked ``rows``: sales first, for their returns to name them.

        In the order of their references: two calls with the same rows then wait for
        one another and never for each other.

        :raises ConcurrencyError: if only half of a price correction was stored
        """
        self.store.hold_origins(rows)
        for wave in in_waves(rows):
            batch = [row for row in wave if self._is_sale_stored(row)]
            batch.sort(key=lambda row: row.external_ref)
            for start in range(0, len(batch), WRITE_CHUNK):
                self._write_chunk(batch[start : start + WRITE_CHUNK])
        if any(row.pair and bool(row.id) != bool(row.pair.id) for row in rows):
            # Odoo repeats the request.
            raise ConcurrencyError("half of a price correction")

    def _is_sale_stored(self, row):
        """Tell whether the sale that this row gives back, or corrects, is in the
        ledger; refuse the row if its sale, of the same list, was not stored after all.
        """
        origin = row.origin or row.corrected
        if not origin or origin.stored_id:
            return True
        row.refuse(
            RowError(
                "origin_external_ref",
                self.env._(
                    "the sale “%s” could not be recorded; send both again.",
                    row.origin_external_ref,
                ),
            )
        )
        return False

    def _write_chunk(self, rows):
        ids = self.store.insert(rows)
        for row in rows:
            row.lead_data = None
            row.id = ids.get(row.external_ref, False)
            row.status = "created" if row.id else None
        if len(ids) < len(rows):
            self._mark_lost_race([row for row in rows if not row.id])

    def _mark_lost_race(self, rows):
        """Answer for rows that another transaction recorded at the same moment, or
        whose id is taken: a database that was copied while it crashed gives some twice.

        Odoo's own isolation (repeatable read) never comes here: PostgreSQL raises a
        serialization failure instead, on which Odoo repeats the whole request.
        """
        self._mark_recorded(rows)
        for row in rows:
            if row.status:
                continue
            if row.is_return:
                sentence = self.env._(
                    "another return of this sale was recorded at the same moment; send"
                    " the row again."
                )
            else:
                sentence = self.env._("the row could not be recorded; send it again.")
            row.refuse(RowError("row", sentence))
