import re
from datetime import date

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import groupby

from ..recording.decided_returns import note_met
from ..recording.file_formats import (
    FILE_OPTIONS,
    BooleanCell,
    FileFormats,
    check_text_cell,
    is_sign_of,
    mark_cell,
)
from ..recording.lead_data import LeadDataSchema, read_properties
from ..recording.ledger_gateway import LedgerGateway
from ..recording.reader import REFERENCES
from ..recording.recorder import MODEL_FIELDS
from ..tools.concurrency import TRY_AGAIN
from ..tools.parsing import RowError, check_storable, shorten
from .lead_sale_recording import ALIAS_FIELDS

# What may be corrected whatever was recorded.
CORRECTED_FIELDS = {"reason", "reason_id", "lead_data"}
# What a date can be entered as, beside lead data.
MOMENTS = {"date", "occurred_at"}


class ImportBatch:
    """One call of :meth:`LeadSale.load`: how to read its file, and what came of it.

    It is in the context while the file is loaded. Equal contexts share an environment,
    so that it equals nothing but itself; and nobody can send one from outside.
    """

    __slots__ = ("conflict", "duplicates", "messages", "options")

    def __init__(self, options):
        # Whoever calls over the API can send anything.
        options = options if isinstance(options, dict) else {}
        self.options = {
            name: value if isinstance(value, str) else None
            for name in FILE_OPTIONS
            for value in [options.get(name)]
        }
        self.messages = []
        self.duplicates = 0
        self.conflict = None


class LeadSale(models.Model):
    """Odoo's import of files: nothing of a row is guessed, all that is wrong with the
    file is told at once, and all of it is stored or nothing."""

    _inherit = "lead.sale"

    @api.model
    def load(self, fields, data):
        """Import rows of a file, as Odoo does for any model.

        A row that is recorded already is counted, one with an External ID or a
        Database ID that is known corrects what may be corrected. How numbers and dates
        are written is among the options of the import, in the context as
        ``lead_import_options``; what can be read in two ways without them is refused.

        :return: what Odoo returns, and ``lead_duplicates``: how many rows were
            recorded already, and ``lead_notice``: a sentence on them
        """
        batch = ImportBatch(self.env.context.get("lead_import_options"))
        # One that there is not is told once, not for each row.
        self.env.company._get_lead_zone(batch.options["tz"])
        with self.env.cr.savepoint() as savepoint:
            loader = self.with_context(lead_import_batch=batch)
            data = self._check_cells(fields, data, batch)
            refused = {self._get_place(message) for message in batch.messages}
            count = len(batch.messages)
            result = super(LeadSale, loader).load(fields, data)
            if batch.conflict:
                # Nothing is wrong with the file: the request is repeated.
                raise batch.conflict
            # A cell that was refused is not missing, too.
            batch.messages[count:] = [
                message
                for message in batch.messages[count:]
                if self._get_place(message) not in refused
            ]
            messages = self._join_import_messages(result["messages"], batch.messages)
            result["messages"] = messages
            if messages:
                savepoint.rollback()
                self.env.invalidate_all(flush=False)
                result["ids"] = False
        result["lead_duplicates"] = batch.duplicates
        result["lead_notice"] = bool(batch.duplicates) and self.env._(
            "Rows that had already been recorded with the same content and were not"
            " changed: %s.",
            batch.duplicates,
        )
        return result

    @api.model
    def _check_cells(self, fields, data, batch):
        """Return the cells of a file without those on which Odoo, or PostgreSQL, would
        fail; the messages of ``batch`` say what is wrong with them."""
        columns = [
            (path, "id" if path == ".id" else re.split("[./]", path)[0])
            for path in fields
        ]
        rows = []
        for number, row in enumerate(data):
            cells = list(row)
            for place, ((path, name), cell) in enumerate(
                zip(columns, row, strict=False)
            ):
                try:
                    cells[place] = self._check_cell(path, name, cell)
                except RowError as refused:
                    cells[place] = ""
                    info = {"rows": {"from": number, "to": number}, "record": number}
                    batch.messages.append(
                        self._prepare_message(name, refused.sentence, info)
                    )
            rows.append(cells)
        return rows

    @api.model
    def _check_cell(self, path, name, cell):
        """Return a cell in the form that its reader takes.

        :param path: of the field, as Odoo's import writes it
        :param name: of the field itself
        :raises RowError: for what no reader of this field takes
        """
        is_lead_data = path.startswith("lead_data.")
        if cell is False and not is_lead_data:
            return ""
        if type(cell) is not str and cell is not False:
            if path == "lead_data" and isinstance(cell, list):
                return cell
            if not isinstance(cell, str):
                cell = self._mark_cell(name, cell)
            # Which lead data is a date, or true, is told apart by its own reader.
            if not is_lead_data and not self._is_cell_of(name, cell):
                check_text_cell(self.env, name, cell)
        if isinstance(cell, str):
            check_storable(self.env, name, cell)
            if path == ".id":
                cell = cell.strip()
                if cell and not re.fullmatch("-?[0-9]{1,30}", cell, re.ASCII):
                    raise RowError(
                        name, self.env._("“%s” is not a Database ID.", shorten(cell))
                    )
        return cell

    @api.model
    def _is_cell_of(self, name, cell):
        """Tell whether a field takes dates, or TRUE and FALSE, and a cell is one."""
        if isinstance(cell, date):
            return name in MOMENTS
        is_boolean = name in self._fields and self._fields[name].type == "boolean"
        return is_boolean and isinstance(cell, BooleanCell)

    @api.model
    def _mark_cell(self, name, value):
        try:
            return mark_cell(value)
        except ValueError:
            raise RowError(
                name, self.env._("“%s” is not text; send text.", shorten(value))
            ) from None

    @api.model
    def _get_place(self, message):
        """Return of which row and field a message is."""
        return message["rows"]["from"], message["field"]

    @api.model
    def _join_import_messages(self, told, found):
        """Return Odoo's messages and ours, row by row.

        What Odoo only warns of, such as several contacts of one name, would be a
        guess. Where Odoo could not read a field, we say nothing of it once more.
        """
        for message in told:
            message["type"] = "error"
        known = {
            (message["rows"]["from"], message.get("field"))
            for message in told
            if "rows" in message
        }
        told = told + [
            message
            for message in found
            if (message["rows"]["from"], message["field"]) not in known
        ]
        return sorted(told, key=lambda m: m["rows"]["from"] if "rows" in m else -1)

    @api.model
    def _load_records(self, data_list, update=False):
        batch = self.env.context.get("lead_import_batch")
        if update or not isinstance(batch, ImportBatch):
            return super()._load_records(data_list, update)
        told, duplicates = len(batch.messages), batch.duplicates
        try:
            return self._load_file_records(data_list, batch)
        except Exception as error:
            if isinstance(error, TRY_AGAIN):
                # Odoo would tell the user of it, as of an error of these rows.
                batch.conflict = error
            # Odoo tries again, row by row.
            del batch.messages[told:]
            batch.duplicates = duplicates
            raise

    @api.model
    def _load_file_records(self, data_list, batch):
        """Record new rows and correct known ones; return the transactions."""
        data_list = self._find_imported_records(data_list, batch)
        known = [data for data in data_list if data.get("record")]
        ids = [data["record"].id for data in known]
        for data in known:
            # Read together.
            data["record"] = data["record"].with_prefetch(ids)
        for data, row, is_same in self._read_known(known, batch):
            data["record"]._correct_from_file(data, row, is_same, batch)
        new = [data for data in data_list if not data.get("record")]
        if new:
            self._record_from_file(new, batch)
        return self.concat(*(data.get("record") or self.browse() for data in data_list))

    @api.model
    def _find_imported_records(self, data_list, batch):
        """Set the ``record`` of rows with an External ID or Database ID; return the
        rows without those whose External ID is something else's."""
        xml_ids = [data["xml_id"] for data in data_list if data.get("xml_id")]
        found, taken = {}, set()
        # As Odoo's import does: who names a record still needs the rights on it.
        for _id, module, name, model, res_id, _noupdate, exists in (
            self.env["ir.model.data"].sudo()._lookup_xmlids(xml_ids, self)
        ):
            if model != self._name:
                taken.add(f"{module}.{name}")
            elif exists:
                found[f"{module}.{name}"] = self.browse(res_id)
        good = []
        for data in data_list:
            if data.get("xml_id") in taken:
                sentence = self.env._(
                    "“%s” is the External ID of something else; choose another one.",
                    data["xml_id"],
                )
                batch.messages.append(
                    self._prepare_message("id", sentence, data["info"])
                )
                continue
            good.append(data)
            if data.get("xml_id"):
                data["record"] = found.get(data["xml_id"])
            elif id_ := data["values"].pop("id", False):
                data["record"] = self.browse(id_)
        return good

    @api.model
    def _record_from_file(self, data_list, batch):
        """Record the good ones of new rows; set their ``record``."""
        rows = self._check_vals_list(
            [data["values"] for data in data_list], batch.options
        )
        good = []
        for row, data in zip(rows, data_list, strict=True):
            if not row.status:
                good.append((row, data))
            elif row.status == "duplicate":
                batch.duplicates += 1
            for refused in row.refusals:
                batch.messages.append(self._prepare_import_message(row, refused, data))
        created = self._create_checked([(row, data["values"]) for row, data in good])
        note_met(self.env, rows)
        for (_row, data), sale in zip(good, created, strict=True):
            data["record"] = sale
        for row, data in zip(rows, data_list, strict=True):
            if row.status == "duplicate":
                data["record"] = self.browse(row.id or row.same_as.id)
        # Whoever records transactions may name them.
        self.env["ir.model.data"].sudo()._update_xmlids(
            [data for data in data_list if data.get("xml_id") and data.get("record")]
        )

    @api.model
    def _read_known(self, data_list, batch):
        """Yield rows of a file that have a recorded transaction, with what they say,
        and whether that is what was recorded, but for ``CORRECTED_FIELDS``."""
        # Whose ledger it is says how a row is read; to change it takes the rights.
        by_company = groupby(data_list, lambda data: data["record"].sudo().company_id)
        for company, known in by_company:
            recorder = self._get_recorder(company, batch.options)
            rows = [recorder.reader.read_odoo(data["values"]) for data in known]
            recorder.hash_rows(rows)
            for data, row in zip(known, rows, strict=True):
                # Only whether it is the same is told, to who sends the row.
                is_same = bool(row.row_hash) and (
                    row.row_hash == data["record"].sudo().row_hash
                )
                yield data, row, is_same

    def _correct_from_file(self, data, row, is_same, batch):
        """Write what a row of a file changes of this recorded transaction.

        :param row: what it says, a row on its way into the ledger
        :param is_same: whether it can only change ``CORRECTED_FIELDS``
        """
        self.ensure_one()
        refusals = []
        try:
            self.check_access("write")
            vals, refusals = self._read_corrections(data["values"], row, is_same, batch)
            changed = {
                name: value
                for name, value in vals.items()
                if name == "lead_data" or self._differs(name, vals)
            }
            if refusals:
                # What else is wrong is told, too.
                for refused in refusals:
                    changed.pop(self._get_refused_field(refused), None)
                self._check_frozen(changed)
            elif changed:
                with self.env.cr.savepoint():
                    self.write(changed)
        except UserError as error:
            batch.messages.append(
                self._prepare_message("external_ref", str(error), data["info"])
            )
        for refused in refusals:
            name = self._get_refused_field(refused)
            batch.messages.append(
                self._prepare_message(name, refused.sentence, data["info"])
            )

    def _read_corrections(self, values, row, is_same, batch):
        """Return field values from what a row of a file has for this transaction, and
        what cannot be read of it."""
        vals = {
            name: value
            for name, value in values.items()
            if name not in ALIAS_FIELDS and (not is_same or name in CORRECTED_FIELDS)
        }
        given = {MODEL_FIELDS.get(name, name) for name in values if values[name]}
        # What a file leaves out is not missing here.
        refusals = [
            refused
            for refused in row.refusals
            if self._get_refused_field(refused) in given
            # The API takes references that a spreadsheet program could spoil.
            and (
                refused.field not in REFERENCES
                or values.get(refused.field) != self[refused.field]
            )
        ]
        if not is_same:
            try:
                self._read_frozen(vals, values, row)
            except RowError as refused:
                refusals.append(refused)
        if "reason" in vals and self._has_reason_of_waiver(vals["reason"]):
            del vals["reason"]
        if data := vals.pop("lead_data", None):
            try:
                vals.update(self._read_corrected_data(data, batch))
            except RowError as refused:
                refusals.append(refused)
        return vals, refusals

    def _read_frozen(self, vals, values, row):
        """Put into ``vals`` what a row of a file says of what is frozen: if it is not
        what was recorded, writing refuses it.

        :raises RowError: for what cannot be compared
        """
        # What is read of the company is whom its platform names.
        store = LedgerGateway(self.env, self.company_id.sudo())
        if row.date:
            vals["date"] = row.date
        if row.price is not None:
            currency = self.currency_id
            if not is_sign_of(row.price_sign, currency.name, currency.symbol):
                raise RowError(
                    "price",
                    self.env._(
                        "“%(sign)s” is not the symbol of %(currency)s.",
                        sign=row.price_sign,
                        currency=currency.name,
                    ),
                )
            vals["price"] = float(row.price)
        if row.is_correction:
            vals["transaction_type"] = "sale" if self.corrected_sale_id else False
        if ref := values.get("buyer_ref"):
            buyers = store.query_buyers_by_ref({ref}).get(ref, ())
            if self.partner_id.id not in [buyer[0] for buyer in buyers]:
                vals["partner_id"] = False
        if ref := values.get("origin_external_ref"):
            found = store.query_recorded({ref}).get(ref)
            # Also where the transaction has no sale that it could differ from.
            vals["origin_id"] = found[0] if found else -1

    def _has_reason_of_waiver(self, reason):
        """Tell whether a reason of a file is the one that was recorded, without what
        waiving added."""
        added = self.reason or ""
        return self.waived and (not reason or added.startswith(f"{reason} ("))

    def _read_corrected_data(self, data, batch):
        """Return the field values for the lead data that a row of a file corrects.

        :raises RowError: for a wrong name or value
        """
        # Which fields a lead type has is no secret to who corrects their values.
        definition = self.lead_type_id.sudo().lead_properties_definition
        # What is read of the company is its zone.
        zone = self.company_id.sudo()._get_lead_zone(batch.options["tz"])
        formats = FileFormats(zone, batch.options)
        schema = LeadDataSchema(self.env, definition or [], formats=formats)
        given = data
        if isinstance(data, list):
            given = read_properties(self.env, self.lead_type_id._check_properties(data))
        kept = dict(self.lead_data)
        corrected = {**kept, **schema.convert(given, false_is_empty=True)}
        return {"lead_data": corrected} if corrected != kept else {}

    @api.model
    def _prepare_import_message(self, row, refused, data):
        return self._prepare_message(
            self._get_refused_field(refused),
            self._format_refused(row, refused),
            data["info"],
        )

    @api.model
    def _prepare_message(self, name, text, info):
        return {
            **info,
            "type": "error",
            "field": name,
            "field_name": self._get_labels([name]),
            "message": text,
        }
