from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import clean_context

from ..recording.file_formats import FileFormats
from ..recording.ledger_gateway import COLUMNS, LedgerGateway
from ..recording.recorder import MODEL_FIELDS, LeadRecorder, LedgerRules
from ..recording.row import in_waves
from ..tools.protected_fields import engine_at_work
from .lead_sale import BILLED_FIELDS, ENGINE_FIELDS, FROZEN_FIELDS

# What only the values of a new transaction have: they stand for other fields.
ALIAS_FIELDS = {"buyer_ref", "occurred_at", "origin_external_ref"}
# What a person or the platform says.
INPUT_FIELDS = FROZEN_FIELDS | BILLED_FIELDS | ALIAS_FIELDS | {"reason", "reason_id"}


class LeadSale(models.Model):
    """The ledger's front door: how transactions get in, by the API, a form, a file or
    another addon."""

    _inherit = "lead.sale"

    @api.model
    def record_transactions(self, vals_list):
        """Record sales and returns, as the distribution platform reports them.

        Into the user's current company; also over HTTP, as
        ``POST /json/2/lead.sale/record_transactions``. Good rows are stored, bad rows
        are explained, and sending the same rows again changes nothing, so that a call
        that broke off is simply repeated.

        Two calls with the same rows at the same moment: one of them meets a
        serialization failure, which Odoo's HTTP layer repeats by itself. A caller in
        process repeats its transaction, as for any other write.

        :param vals_list: list of dicts of plain values:

            - ``external_ref``: the platform's reference of this transaction
            - ``type``: ``sale``, ``return`` or ``correction`` (of the price of a sale)
            - ``origin_external_ref``: of a return or correction: the reference of its
              sale, as it was first recorded or as it was corrected since
            - ``occurred_at``: ISO 8601 with an offset
            - ``buyer_ref``: a Lead Buyer Reference, or the reference of a contact
            - ``lead_type``: its code
            - ``lead_ref``, ``campaign``, ``reason``: optional texts
            - ``price``: number or text, not negative; of a correction, the new price
            - ``currency``: code; the company's if left out
            - ``lead_data``: dict of names or labels to values, as the lead type has

            A correction is stored as a full return ``<external_ref>/return`` and a sale
            ``<external_ref>``, with what is known of the lead. To the present price of
            its sale, it is a duplicate of that, and says so.
        :return: a list with a dict for each row, in order: ``external_ref``, ``id`` (of
            the transaction, ``False`` if refused), ``status`` (``created``,
            ``duplicate``, ``conflict``: recorded with other content, or ``error``),
            ``message`` (what is wrong and what to do) and ``warning``
        :raises AccessError: if the user may not create transactions
        :raises UserError: if ``vals_list`` is not a list
        """
        return self._get_api_recorder(vals_list).record(vals_list)

    @api.model
    def check_transactions(self, vals_list):
        """Tell what :meth:`record_transactions` would answer now, and store nothing.

        Also over HTTP, as ``POST /json/2/lead.sale/check_transactions``. Rows of one
        list are checked together, so that a return may come with its sale.

        :param vals_list: as for :meth:`record_transactions`
        :return: the same answers; what would be created has the ``id`` ``False``
        :raises AccessError: if the user may not create transactions
        :raises UserError: if ``vals_list`` is not a list
        """
        return self._get_api_recorder(vals_list).try_out(vals_list)

    @api.model
    def _get_api_recorder(self, vals_list):
        self.check_access("create")
        if not isinstance(vals_list, (list, tuple)):
            raise UserError(
                self.env._("Send a list of transactions, as the value of “vals_list”.")
            )
        return self._get_recorder(self.env.company)

    @api.model
    def _get_recorder(self, company, file_options=None):
        """Hook: return what checks transactions, and records those of the API.

        Another addon returns one of a subclass of its own, with further checks. Rows
        that come over the API are written in one statement: no ``create`` of another
        addon, and no stored compute, is called for them.

        :param company: whose ledger it is
        :param file_options: of an imported file, what was chosen for it
        """
        # An answer tells no more of what is read here than whether a row fits.
        company = company.sudo()
        lead_types = self.env["lead.type"].sudo().with_context(active_test=False)
        reasons = self.env["lead.return.reason"].sudo().with_context(active_test=False)
        rules = LedgerRules(
            lead_types=lead_types.search([("company_id", "=", company.id)]),
            billing_start=company._get_lead_billing_start(),
            kept_since=company._get_lead_data_cutoff(),
            reasons=reasons.search([("company_id", "=", company.id)]),
            reason_words=reasons._get_words(company),
        )
        formats = None
        if file_options is not None:
            zone = company._get_lead_zone(file_options.get("tz"))
            formats = FileFormats(zone, file_options)
        return LeadRecorder(self.env, company, rules, formats)

    @api.model_create_multi
    def create(self, vals_list):  # pylint: disable=unknown-option-value,method-required-super
        """Record transactions given as Odoo values.

        They are checked by the validator of :meth:`record_transactions`; the values
        that Lead Invoicing decides itself (amount, billed buyer, waived...) are set
        here. A ``transaction_type`` of ``correction`` corrects the price of the sale
        that is its ``origin_id``; its sale at the new price is returned. In addition to
        the fields, ``buyer_ref``, ``occurred_at`` and ``origin_external_ref`` can stand
        for ``partner_id``, ``date`` and ``origin_id``; a return may come before its
        sale.

        :raises ValidationError: naming each row and field that is not right
        """
        for vals in vals_list:
            self._save_changed_definition(vals)
        rows = self._check_vals_list(vals_list)
        errors = [
            self._format_refused(row, refused)
            for row in rows
            if row.status
            for refused in row.refusals or [None]
        ]
        if errors:
            raise ValidationError("\n".join(errors))
        return self._create_checked(list(zip(rows, vals_list, strict=True)))

    @api.model
    def _create_checked(self, prepared):
        """Create transactions from pairs of a checked row and its field values: what
        :meth:`create` does after its checks, and an import after its own."""
        # What the context has as defaults was checked with the values.
        ledger = self.with_context(clean_context(self.env.context))
        values = dict(prepared)
        for row, vals in prepared:
            # Whose ledger it was checked for, whoever said so.
            values[row] = {**vals, "company_id": row.company_id}
            if row.pair:
                values[row.pair] = {"company_id": row.company_id}
        rows = [row for row, _vals in prepared]
        for company in self.env["res.company"].browse({row.company_id for row in rows}):
            own_rows = [row for row in rows if row.company_id == company.id]
            LedgerGateway(self.env, company).hold_origins(own_rows)
        # Sales first: what names them comes after them.
        for wave in in_waves(rows):
            plain = [row for row in wave if not row.corrected]
            self._create_rows(ledger, plain, values)
            corrected = [row for row in wave if row.corrected]
            # Whoever corrects a price takes the data of the lead along, unseen.
            self._create_rows(ledger.sudo(), corrected, values)
        return self.browse([row.id for row in rows])

    def _prepare_return_vals(self, reference, price, **vals):
        """Return the values, for :meth:`create`, of a return of this sale that was
        decided on here.

        :param reference: of the return
        :param price: what is given back
        :param vals: more values
        """
        self.ensure_one()
        return {
            "external_ref": reference,
            "transaction_type": "return",
            "origin_id": self.id,
            "company_id": self.company_id.id,
            "partner_id": self.partner_id.id,
            "lead_type_id": self.lead_type_id.id,
            "lead_ref": self.lead_ref,
            "campaign": self.campaign,
            "currency_id": self.currency_id.id,
            "price": price,
            # A clock may have been fast when the sale was reported.
            "date": max(fields.Datetime.now(), self.date),
            **vals,
        }

    @api.model
    def _create_rows(self, ledger, rows, values):
        """Create the transactions of checked ``rows``, whose ids they get.

        :param values: {row: its field values}
        """
        # pylint: disable=unknown-option-value,missing-return
        vals_list = [self._prepare_create_vals(row, values[row]) for row in rows]
        with engine_at_work(ledger) as model:
            created = super(LeadSale, model).create(vals_list)  # pylint: disable=unknown-option-value,super-method-mismatch
        for row, sale in zip(rows, created, strict=True):
            row.id = sale.id

    @api.model
    def _save_changed_definition(self, vals):
        """Let a form that adds lead-data fields to a new row add them first."""
        properties = vals.get("lead_data")
        flags = {"definition_changed", "definition_deleted"}
        if isinstance(properties, list) and any(
            isinstance(prop, dict) and flags & prop.keys() for prop in properties
        ):
            lead_type_id = vals.get("lead_type_id")
            if type(lead_type_id) is int:
                lead_type = self.env["lead.type"].browse(lead_type_id).exists()
                lead_type._save_definition(properties)

    @api.model
    def _check_vals_list(self, vals_list, file_options=None):
        """Return a checked row for each of ``vals_list``; if refused, with a status.

        :param file_options: of an imported file, what was chosen for it
        """
        self.check_access("create")
        self.env.flush_all()
        rows = [None] * len(vals_list)
        # What a file leaves out, nobody has seen.
        names = INPUT_FIELDS - {"currency_id"} if file_options is None else ()
        vals_list = self._add_input_defaults(vals_list, names)
        company_ids = [vals["company_id"] for vals in vals_list]
        companies = self.env["res.company"].browse(
            dict.fromkeys(id_ for id_ in company_ids if type(id_) is int)
        )
        if any(type(id_) is not int for id_ in company_ids) or (
            not self.env.su and companies - self.env.companies
        ):
            # Before any check: what is wrong with a row tells of its company's ledger.
            raise AccessError(
                self.env._("You cannot record transactions in another company.")
            )
        for company in companies:
            recorder = self._get_recorder(company, file_options)
            places = [i for i, id_ in enumerate(company_ids) if id_ == company.id]
            own_rows = [recorder.reader.read_odoo(vals_list[i]) for i in places]
            recorder.check(own_rows)
            for place, row in zip(places, own_rows, strict=True):
                row.company_id = company.id
                rows[place] = row
        return rows

    @api.model
    def _add_input_defaults(self, vals_list, names):
        """Return ``vals_list`` with the company, and the defaults of the context and
        the user for ``names``."""
        given = {name for vals in vals_list for name, value in vals.items() if value}
        if decided := given & ENGINE_FIELDS:
            # Not even by the superuser: they come from the checks.
            self._refuse_lead_engine_fields(decided)
        defaults = self.default_get(sorted(names))
        defaults["company_id"] = defaults.get("company_id") or self.env.company.id
        return [
            {
                **defaults,
                **vals,
                "company_id": vals.get("company_id") or defaults["company_id"],
            }
            for vals in vals_list
        ]

    @api.model
    def _prepare_create_vals(self, row, vals):
        """Return ``vals`` with what the checks found out and decided."""
        values = {
            name: value for name, value in vals.items() if name not in ALIAS_FIELDS
        }
        columns = COLUMNS.keys()
        if "lead_data" not in vals and not row.corrected:
            columns -= {"lead_data", "lead_data_erased_at"}
        checked = row.get_values(columns)
        money = {
            name: float(checked[name])
            for name in ("price", "amount", "corrected_price")
            if checked[name] is not None
        }
        return {**values, **checked, **money, "invoice_line_id": False}

    @api.model
    def _add_missing_default_values(self, values):
        """Store of the lead data what was checked, or nothing: Odoo would add what
        their definition has as defaults, and else an empty value, which hides on a
        return the data of its sale."""
        defaults = super()._add_missing_default_values(values)
        return {**defaults, "lead_data": values.get("lead_data")}

    @api.model
    def _format_refused(self, row, refused):
        """Return an error of ``row`` as people know its fields, by their labels.

        :param refused: what is wrong; None where the row is recorded already
        """
        if not refused:
            return row.message or self.env._(
                "%s: this reference has already been recorded.", row.external_ref
            )
        name = self._get_refused_field(refused)
        label = self._fields[name]._description_string(self.env)
        sentence = f"{label}: {refused.sentence}"
        return f"{row.external_ref}: {sentence}" if row.external_ref else sentence

    @api.model
    def _get_refused_field(self, refused):
        name = MODEL_FIELDS.get(refused.field, refused.field)
        return name if name in self._fields else "external_ref"

    @api.model
    def default_get(self, fields):
        """Leave out lead data: they are checked where they are given."""
        return super().default_get([name for name in fields if name != "lead_data"])
