from odoo import api, models
from odoo.exceptions import UserError

from ..recording.file_formats import FILE_OPTIONS, FileFormats
from ..recording.lead_data import LeadDataSchema
from ..recording.ledger_gateway import LedgerGateway
from ..tools.concurrency import TRY_AGAIN
from ..tools.parsing import RowError
from .lead_sale_recording import ALIAS_FIELDS


class ImportBatch:
    """One call of :meth:`LeadSale.load`: how to read its file, and what came of it.

    It is in the context while the file is loaded. Equal contexts share an environment,
    so that it equals nothing but itself; and nobody can send one from outside.
    """

    __slots__ = ("conflict", "duplicates", "messages", "options")

    def __init__(self, options):
        self.options = {name: options.get(name) for name in FILE_OPTIONS}
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
        batch = ImportBatch(self.env.context.get("lead_import_options") or {})
        # One that there is not is told once, not for each row.
        self.env.company._get_lead_zone(batch.options["tz"])
        with self.env.cr.savepoint() as savepoint:
            loader = self.with_context(lead_import_batch=batch)
            result = super(LeadSale, loader).load(fields, data)
            if batch.conflict:
                # Nothing is wrong with the file: the request is repeated.
                raise batch.conflict
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
        self._find_imported_records(data_list)
        for data in data_list:
            if data.get("record"):
                data["record"]._correct_from_file(data, batch)
        new = [data for data in data_list if not data.get("record")]
        if new:
            self._record_from_file(new, batch)
        return self.concat(*(data.get("record") or self.browse() for data in data_list))

    @api.model
    def _find_imported_records(self, data_list):
        """Set the ``record`` of rows with an External ID or Database ID."""
        xml_ids = [data["xml_id"] for data in data_list if data.get("xml_id")]
        # As Odoo's import does: who names a record still needs the rights on it.
        found = {
            f"{module}.{name}": self.browse(res_id)
            for _id, module, name, model, res_id, _noupdate, exists in (
                self.env["ir.model.data"].sudo()._lookup_xmlids(xml_ids, self)
            )
            if model == self._name and exists
        }
        for data in data_list:
            if data.get("xml_id"):
                data["record"] = found.get(data["xml_id"])
            elif id_ := data["values"].pop("id", False):
                data["record"] = self.browse(id_)

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
        for (_row, data), sale in zip(good, created, strict=True):
            data["record"] = sale
        for row, data in zip(rows, data_list, strict=True):
            if row.status == "duplicate":
                data["record"] = self.browse(row.id or row.same_as.id)
        # Whoever records transactions may name them.
        self.env["ir.model.data"].sudo()._update_xmlids(
            [data for data in data_list if data.get("xml_id") and data.get("record")]
        )

    def _correct_from_file(self, data, batch):
        """Write what a row of a file changes of this recorded transaction."""
        self.ensure_one()
        try:
            vals = self._read_corrections(data["values"], batch)
            changed = {
                name: value
                for name, value in vals.items()
                if name == "lead_data" or self._differs(name, vals)
            }
            if changed:
                with self.env.cr.savepoint():
                    self.write(changed)
        except RowError as refused:
            name = self._get_refused_field(refused)
            batch.messages.append(
                self._prepare_message(name, refused.sentence, data["info"])
            )
        except UserError as error:
            batch.messages.append(
                self._prepare_message("external_ref", str(error), data["info"])
            )

    def _read_corrections(self, values, batch):
        """Return field values from what a row of a file has for this transaction.

        :raises RowError: for what cannot be read
        """
        # What is read of the company is its zone, and whom its platform names.
        company = self.company_id.sudo()
        zone = company._get_lead_zone(batch.options["tz"])
        formats = FileFormats(zone, batch.options)
        store = LedgerGateway(self.env, company)
        vals = {
            name: value for name, value in values.items() if name not in ALIAS_FIELDS
        }
        if moment := values.get("occurred_at") or values.get("date"):
            vals["date"] = formats.read_moment(self.env, "occurred_at", moment)
        if price := values.get("price"):
            number, sign = formats.read_number(self.env, "price", price)
            currency = self.currency_id
            if sign and sign.upper() not in (currency.name, currency.symbol.upper()):
                raise RowError(
                    "price",
                    self.env._(
                        "“%(sign)s” is not the symbol of %(currency)s.",
                        sign=sign,
                        currency=currency.name,
                    ),
                )
            vals["price"] = float(number)
        if ref := values.get("buyer_ref"):
            buyers = store.query_buyers_by_ref({ref}).get(ref, ())
            if self.partner_id.id not in [buyer[0] for buyer in buyers]:
                vals["partner_id"] = False
        if ref := values.get("origin_external_ref"):
            found = store.query_recorded({ref}).get(ref)
            vals["origin_id"] = found and found[0]
        if data := vals.pop("lead_data", None):
            definition = self.lead_type_id.sudo().lead_properties_definition
            schema = LeadDataSchema(self.env, definition or [], formats=formats)
            given = {prop["name"]: prop.get("value") for prop in data}
            kept = dict(self.lead_data)
            corrected = {**kept, **schema.convert(given, false_is_empty=True)}
            if corrected != kept:
                vals["lead_data"] = corrected
        return vals

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
