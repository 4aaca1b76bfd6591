import itertools

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL, clean_context

from ..tools.engine_fields import EngineGuard, engine_at_work
from ..tools.lead_data import LeadDataSchema
from ..tools.lead_recorder import MODEL_FIELDS, LeadRecorder
from ..tools.plain_values import Refused
from .lead_unbilled import UNBILLED_REASONS

# What a recorded transaction says; it never changes.
FROZEN_FIELDS = {
    "company_id",
    "currency_id",
    "date",
    "external_ref",
    "lead_type_id",
    "origin_id",
    "partner_id",
    "price",
    "transaction_type",
}
# What a document can be split or explained by; it does not change once billed.
BILLED_FIELDS = {"campaign", "lead_ref"}
# What Lead Invoicing itself decides; nobody else writes it.
ENGINE_FIELDS = {
    "amount",
    "commercial_partner_id",
    "invoice_line_id",
    "lead_data_erased_at",
    "price_adjustment",
    "return_number",
    "row_hash",
    "waived",
    "waived_by_credit",
}
# What only the values of a new transaction have: they stand for other fields.
ALIAS_FIELDS = {"buyer_ref", "occurred_at", "origin_external_ref"}
# What a person or the platform says.
INPUT_FIELDS = FROZEN_FIELDS | BILLED_FIELDS | ALIAS_FIELDS | {"reason"}


class LeadSale(EngineGuard, models.Model):
    """The ledger of lead transactions: one row for each sale and each return.

    It is lean on purpose: there will be hundreds of millions of rows. What a row says
    is frozen once it is recorded; whether it is billed is decided by one link,
    ``invoice_line_id``, from which all else is derived.
    """

    _name = "lead.sale"
    _lead_engine_fields = ENGINE_FIELDS
    _description = "Lead Transaction"
    _rec_name = "external_ref"
    _order = "date desc, id desc"
    _check_company_auto = True

    external_ref = fields.Char("Reference", required=True, copy=False)
    transaction_type = fields.Selection(
        [("sale", "Sale"), ("return", "Return")], "Type", required=True, default="sale"
    )
    origin_id = fields.Many2one(
        "lead.sale", "Returned Sale", check_company=True, ondelete="restrict"
    )
    origin_external_ref = fields.Char(
        "Returned Sale's Reference",
        store=False,
        help="For import: the reference of the sale that is returned.",
    )
    return_number = fields.Integer(
        readonly=True,
        copy=False,
        help="Counts the returns of one sale; being unique, it keeps two returns at the"
        " same moment from giving back more than the price.",
    )
    partner_id = fields.Many2one(
        "res.partner", "Buyer", required=True, check_company=True, ondelete="restrict"
    )
    buyer_ref = fields.Char(
        "Buyer Reference",
        store=False,
        help="For import: what the platform calls the buyer.",
    )
    commercial_partner_id = fields.Many2one(
        "res.partner",
        "Billed Buyer",
        required=True,
        readonly=True,
        copy=False,
        ondelete="restrict",
        help="The commercial entity of the buyer when the transaction was recorded.",
    )
    lead_type_id = fields.Many2one(
        "lead.type", required=True, check_company=True, ondelete="restrict"
    )
    lead_ref = fields.Char("Lead")
    campaign = fields.Char()
    lead_data = fields.Properties(
        definition="lead_type_id.lead_properties_definition",
        groups="lead_invoicing.group_lead_data",
    )
    lead_data_summary = fields.Char(
        "Lead Data in Short",
        compute="_compute_lead_data_summary",
        groups="lead_invoicing.group_lead_data",
    )
    lead_data_erased_at = fields.Datetime(
        "Lead Data Erased",
        readonly=True,
        copy=False,
        help="When the personal data of the lead were erased, for good: on request, or"
        " because of their age.",
    )
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(
        "res.currency",
        required=True,
        default=lambda self: self.env.company.currency_id,
        ondelete="restrict",
    )
    price = fields.Monetary(
        required=True,
        help="Price of the lead, never negative; before tax, or including it where the"
        " taxes of the product are included in its price.",
    )
    amount = fields.Monetary(
        readonly=True,
        copy=False,
        help="The price of a sale, less than zero for a return.",
    )
    date = fields.Datetime(required=True, default=fields.Datetime.now)
    occurred_at = fields.Char(
        "Date with Offset",
        store=False,
        help="For import: the date in ISO 8601, such as 2026-01-31T18:30:00+01:00.",
    )
    reason = fields.Char(help="Why money is given back, or why this is never billed.")
    waived = fields.Boolean(
        readonly=True, copy=False, help="Will never be billed, for the reason given."
    )
    waived_by_credit = fields.Boolean(
        readonly=True,
        copy=False,
        help="A return waived because a reversal of its sale's invoice gave the money"
        " back already; no longer waived when that is undone.",
    )
    price_adjustment = fields.Boolean(
        readonly=True,
        copy=False,
        help="Gives back a part of the price only: money, but no lead returned.",
    )
    row_hash = fields.Char(
        readonly=True,
        copy=False,
        help="Hash of the row as first received; the same reference with another hash"
        " is a conflict.",
    )
    invoice_line_id = fields.Many2one(
        "account.move.line", readonly=True, copy=False, ondelete="set null"
    )
    invoice_id = fields.Many2one(related="invoice_line_id.move_id", string="Invoice")
    release_ids = fields.One2many(
        "lead.sale.release",
        "sale_id",
        "Releases",
        groups="lead_invoicing.group_user",
    )
    waiver_ids = fields.One2many(
        "lead.sale.waiver",
        "sale_id",
        "Waivers",
        readonly=True,
        groups="lead_invoicing.group_user",
    )
    past_billing_ids = fields.One2many(
        "lead.sale.past.billing",
        "sale_id",
        "Billed Before",
        readonly=True,
        groups="lead_invoicing.group_user",
    )
    was_unbilled = fields.Boolean(
        compute="_compute_was_unbilled",
        search="_search_was_unbilled",
        groups="lead_invoicing.group_user",
        help="Unbilled at the end of the day, and as was known at the moment, that the"
        " context has as unbilled_as_at and unbilled_known_at.",
    )
    unbilled_reason = fields.Selection(
        UNBILLED_REASONS,
        "Waits Because",
        compute="_compute_unbilled_reason",
        search="_search_unbilled_reason",
        groups="lead_invoicing.group_user",
    )
    billing_state = fields.Selection(
        [
            ("unbilled", "Unbilled"),
            ("draft", "On a draft"),
            ("invoiced", "Invoiced"),
            ("credited", "Credited"),
            ("waived", "Waived"),
        ],
        "Billing",
        compute="_compute_billing_state",
        search="_search_billing_state",
        compute_sudo=True,
    )

    # No partner column in a unique index: a contact merge deletes what violates it.
    _external_ref_company_uniq = models.UniqueIndex(
        "(company_id, external_ref)",
        "This reference is recorded already; every transaction has its own.",
    )
    # Also answers which returns a sale has.
    _origin_return_number_uniq = models.UniqueIndex(
        "(origin_id, return_number) WHERE origin_id IS NOT NULL",
        "Another return of this sale was recorded at the same moment; try again.",
    )
    # What is there to bill for a buyer before an instant, and how much is it? Odoo says
    # "IS NOT TRUE" of what is false: other words for it would not find this index.
    _unbilled_idx = models.Index(
        "(company_id, commercial_partner_id, date)"
        " INCLUDE (id, lead_type_id, currency_id, amount, create_date)"
        " WHERE invoice_line_id IS NULL AND waived IS NOT TRUE"
    )
    # What came last, and what is there of some days: the list of all.
    _date_idx = models.Index("(date, id)")
    # A buyer's rows by date, page by page, and their totals: reports and the portal.
    # What is included lets PostgreSQL find a page and add up without reading the rows.
    _commercial_partner_date_idx = models.Index(
        "(commercial_partner_id, date, id) INCLUDE (lead_type_id, partner_id,"
        " transaction_type, currency_id, amount, waived, price_adjustment)"
    )
    # Was this lead sold before?
    _lead_ref_idx = models.Index("(company_id, lead_ref) WHERE lead_ref IS NOT NULL")
    # The rows of an invoice; and foreign keys, which are slow to check without.
    _invoice_line_idx = models.Index(
        "(invoice_line_id) WHERE invoice_line_id IS NOT NULL"
    )
    _partner_idx = models.Index("(partner_id)")

    # ------------------------------------------------------------------
    # Billing state: derived from the one link, never stored
    # ------------------------------------------------------------------

    @api.depends(
        "waived",
        "invoice_line_id.parent_state",
        "invoice_line_id.move_id.lead_credited",
    )
    def _compute_billing_state(self):
        for sale in self:
            sale.billing_state = sale._get_billing_state()

    def _get_billing_state(self):
        if self.waived:
            return "waived"
        line = self.invoice_line_id
        if not line:
            return "unbilled"
        if line.parent_state != "posted":
            return "draft"
        return "credited" if line.move_id.lead_credited else "invoiced"

    def _search_billing_state(self, operator, value):
        if operator != "in":
            return NotImplemented
        return Domain.OR(self._get_billing_state_domain(state) for state in value)

    @api.model
    def _get_billing_state_domain(self, state):
        """Return the domain of the transactions in ``state``.

        The reader of a transaction may know its state without access to accounting,
        therefore the lines are looked up whatever the user may see of them.
        """
        if state == "waived":
            return Domain("waived", "=", True)
        billable = Domain("waived", "=", False)
        if state == "unbilled":
            return billable & Domain("invoice_line_id", "=", False)
        on_line = {
            "draft": Domain("parent_state", "!=", "posted"),
            "invoiced": Domain("parent_state", "=", "posted")
            & Domain("move_id.lead_credited", "=", False),
            "credited": Domain("parent_state", "=", "posted")
            & Domain("move_id.lead_credited", "=", True),
        }
        if state not in on_line:
            return Domain.FALSE
        return billable & Domain("invoice_line_id", "any!", on_line[state])

    @api.depends("lead_data")
    def _compute_lead_data_summary(self):
        for sale in self:
            # Whoever sees lead data may see in which order they are defined.
            definition = sale.lead_type_id.sudo().lead_properties_definition or []
            values = dict(sale.lead_data)
            texts = [values.get(prop["name"]) for prop in definition]
            sale.lead_data_summary = ", ".join(
                str(text) for text in texts if text not in (None, False, "", [])
            )

    @api.depends("waived", "invoice_line_id", "commercial_partner_id", "date")
    def _compute_unbilled_reason(self):
        reasons = {}
        if self.ids:
            self.env["lead.unbilled"]._flush_depends()
            # Why does each of these transactions wait?
            reasons = dict(
                self.env.execute_query(
                    SQL(
                        "SELECT id, reason FROM (%s) waiting WHERE id IN %s",
                        self.env["lead.unbilled"]._get_transactions_sql(
                            self.company_id, self.commercial_partner_id
                        ),
                        tuple(self.ids),
                    )
                )
            )
        for sale in self:
            sale.unbilled_reason = reasons.get(sale.id, False)

    @api.model
    def _search_unbilled_reason(self, operator, value):
        if operator != "in":
            return NotImplemented
        unbilled = self.env["lead.unbilled"]
        unbilled._flush_depends()
        waiting = SQL(
            "(SELECT id FROM (%s) waiting WHERE reason = ANY(%s))",
            unbilled._get_transactions_sql(self.env.companies),
            [reason for reason in value if reason],
        )
        found = Domain.custom(
            to_sql=lambda model, alias, query: SQL(
                "%s IN %s", SQL.identifier(alias, "id"), waiting
            )
        )
        if False in value:
            # Without a reason are those that do not wait at all.
            found |= Domain("billing_state", "!=", "unbilled")
        return found

    @api.depends_context("unbilled_as_at", "unbilled_known_at", "allowed_company_ids")
    def _compute_was_unbilled(self):
        unbilled = self.search([("id", "in", self.ids), ("was_unbilled", "=", True)])
        for sale in self:
            sale.was_unbilled = sale in unbilled

    @api.model
    def _search_was_unbilled(self, operator, value):
        if operator != "in":
            return NotImplemented
        report = self.env["lead.unbilled.as.at"]
        report._flush_depends()
        unbilled = report._get_transactions_sql(*report._get_moments())
        found = Domain.custom(
            to_sql=lambda model, alias, query: SQL(
                "%s IN (SELECT id FROM (%s) unbilled)",
                SQL.identifier(alias, "id"),
                unbilled,
            )
        )
        return found if True in value else ~found

    # ------------------------------------------------------------------
    # Create, write, unlink
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):  # pylint: disable=unknown-option-value,method-required-super
        """Record transactions given as Odoo values.

        They are checked by the validator of :meth:`record_transactions`; the values
        that Lead Invoicing decides itself (amount, billed buyer, waived...) are set
        here. In addition to the fields, ``buyer_ref``, ``occurred_at`` and
        ``origin_external_ref`` can stand for ``partner_id``, ``date`` and
        ``origin_id``; a return may come before its sale.

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
        # Sales first: their returns name them.
        for is_return in (False, True):
            batch = [
                (row, vals) for row, vals in prepared if row.is_return == is_return
            ]
            vals_list = [self._prepare_create_vals(row, vals) for row, vals in batch]
            with engine_at_work():
                created = super(LeadSale, ledger).create(vals_list)  # pylint: disable=unknown-option-value,super-method-mismatch
            for (row, _vals), sale in zip(batch, created, strict=True):
                row.id = sale.id
        return self.browse([row.id for row, _vals in prepared])

    @api.model
    def _save_changed_definition(self, vals):
        """Let a form that adds lead-data fields to a new row add them first."""
        properties = vals.get("lead_data")
        flags = {"definition_changed", "definition_deleted"}
        if isinstance(properties, list) and any(
            isinstance(prop, dict) and flags & prop.keys() for prop in properties
        ):
            lead_type = self.env["lead.type"].browse(vals.get("lead_type_id"))
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
        companies = self.env["res.company"].browse(dict.fromkeys(company_ids))
        if not self.env.su and companies - self.env.companies:
            # Before any check: what is wrong with a row tells of its company's ledger.
            raise AccessError(
                self.env._("You cannot record transactions in another company.")
            )
        for company in companies:
            recorder = LeadRecorder(self.env, company, file_options)
            places = [i for i, id_ in enumerate(company_ids) if id_ == company.id]
            own_rows = [recorder.reader.read_odoo(vals_list[i]) for i in places]
            recorder.check(own_rows)
            for place, row in zip(places, own_rows, strict=True):
                rows[place] = row
        return rows

    @api.model
    def _add_input_defaults(self, vals_list, names):
        """Return ``vals_list`` with the company, and the defaults of the context and
        the user for ``names``."""
        given = {name for vals in vals_list for name, value in vals.items() if value}
        if given & ENGINE_FIELDS:
            raise ValidationError(self._get_engine_fields_message(given))
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
        origin = row.origin
        values.update(
            external_ref=row.external_ref,
            transaction_type=row.type,
            origin_id=origin and (origin.id or origin.row.id),
            return_number=row.return_number,
            partner_id=row.partner_id,
            commercial_partner_id=row.commercial_partner_id,
            lead_type_id=row.lead_type_id,
            lead_ref=row.lead_ref,
            campaign=row.campaign,
            currency_id=row.currency_id,
            price=float(row.price),
            amount=float(row.amount),
            date=row.date,
            reason=row.reason,
            waived=row.waived,
            waived_by_credit=row.waived_by_credit,
            price_adjustment=row.price_adjustment,
            row_hash=row.row_hash,
            invoice_line_id=False,
        )
        if "lead_data" in vals:
            values["lead_data"] = row.lead_data
            values["lead_data_erased_at"] = row.lead_data_erased_at
        return values

    @api.model
    def _format_refused(self, row, refused):
        """Return an error of ``row`` as people know its fields, by their labels.

        :param refused: what is wrong; None where the row is recorded already
        """
        if not refused:
            return self.env._(
                "%s: this reference is recorded already.", row.external_ref
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

    def write(self, vals):
        """Correct what may be corrected; what was recorded is frozen.

        :raises UserError: for a change of what is frozen
        """
        self._check_frozen(vals)
        if "lead_data" in vals:
            self._check_lead_data_kept()
            vals = {**vals, "lead_data": self._check_lead_data(vals["lead_data"])}
        return super().write(vals)

    def _check_frozen(self, vals):
        for sale in self:
            frozen = FROZEN_FIELDS | (BILLED_FIELDS if sale.invoice_line_id else set())
            changed = [
                name for name in frozen & vals.keys() if sale._differs(name, vals)
            ]
            if changed:
                raise UserError(
                    self.env._(
                        "%(fields)s of the recorded transaction %(ref)s cannot be"
                        " changed. Waive it and record another one.",
                        fields=self._get_labels(changed),
                        ref=sale.external_ref,
                    )
                )

    def _differs(self, name, vals):
        field = self._fields[name]
        return field.convert_to_cache(vals[name], self) != field.convert_to_cache(
            self[name], self
        )

    @api.model
    def _get_labels(self, names):
        return ", ".join(
            self._fields[name]._description_string(self.env) for name in sorted(names)
        )

    @api.model
    def _get_engine_fields_message(self, names):
        return self.env._(
            "%s: Lead Invoicing decides this itself; leave it out.",
            self._get_labels(ENGINE_FIELDS.intersection(names)),
        )

    def _check_lead_data_kept(self):
        """Refuse to enter lead data again that were erased, or are too old."""
        for sale in self:
            # Only how long data are kept is read of the company.
            kept_since = sale.company_id.sudo()._get_lead_data_cutoff()
            erased_at = sale.lead_data_erased_at or sale.origin_id.lead_data_erased_at
            if erased_at or (kept_since and sale.date < kept_since):
                raise UserError(
                    self.env._(
                        "The lead data of the transaction %s were erased, and are not"
                        " entered again.",
                        sale.external_ref,
                    )
                )

    def _check_lead_data(self, value):
        """Return corrected lead data as Odoo takes them.

        :param value: a dict of names to values, or the list of the web client, which
            has the definition along and may change it
        """
        if isinstance(value, list):
            self.lead_type_id[:1]._name_new_properties(value)
            self._check_properties(value)
            return value
        if not isinstance(value, dict):
            return value
        definition = self.lead_type_id[:1].sudo().lead_properties_definition
        return self._read_lead_data(definition, value)

    def _check_properties(self, properties):
        """Check, in place, the values of a list of properties with definitions."""
        kept = [prop for prop in properties if not prop.get("definition_deleted")]
        kept = [prop for prop in kept if prop.get("value") not in (None, False, "")]
        values = self._read_lead_data(
            kept, {prop["name"]: prop["value"] for prop in kept}
        )
        for prop in kept:
            prop["value"] = values[prop["name"]]

    def _read_lead_data(self, definition, values):
        schema = LeadDataSchema(self.env, definition or [])
        try:
            return schema.convert(values, false_is_empty=True)
        except Refused as refused:
            raise ValidationError(
                self.env._("Lead Data: %s", refused.sentence)
            ) from None

    @api.ondelete(at_uninstall=False)
    def _unlink_except_billed_or_returned(self):
        if billed := self.filtered("invoice_line_id")[:1]:
            raise UserError(
                self.env._(
                    "The transaction %s is on an invoice and cannot be deleted. Correct"
                    " the invoice by a credit note.",
                    billed.external_ref,
                )
            )
        # Whoever may delete a transaction is told why this one has to stay.
        if billed := self.filtered(lambda sale: sale.sudo().past_billing_ids)[:1]:
            raise UserError(
                self.env._(
                    "The transaction %s was on an invoice in the books and cannot be"
                    " deleted. Waive it.",
                    billed.external_ref,
                )
            )
        domain = [("origin_id", "in", self.ids), ("id", "not in", self.ids)]
        if returned := self.search(domain, limit=1):
            raise UserError(
                self.env._(
                    "The sale %(sale)s has the return %(ref)s and cannot be deleted."
                    " Delete the return first, or waive both.",
                    sale=returned.origin_id.external_ref,
                    ref=returned.external_ref,
                )
            )

    @api.model
    def get_property_definition(self, full_name):
        """Return the definition of a lead-data field, of the lead types that the user
        may see. Odoo tells it of any company's, and to whoever reads a transaction.

        :param full_name: such as ``lead_data.first_name``
        :raises AccessError: for users who do not see lead data
        """
        field_name, _dot, name = full_name.partition(".")
        if field_name != "lead_data":
            return super().get_property_definition(full_name)
        self.browse().check_access("read")
        self._check_field_access(self._fields[field_name], "read")
        lead_types = (
            self.env["lead.type"]
            .with_context(active_test=False)
            .search([("lead_properties_definition", "!=", False)])
        )
        for prop in itertools.chain(*lead_types.mapped("lead_properties_definition")):
            if prop["name"] == name:
                return prop
        return {}

    # ------------------------------------------------------------------
    # Actions and business
    # ------------------------------------------------------------------

    def action_waive(self):
        """Ask why these transactions are never billed, and waive them."""
        return self._get_waive_action(self.env._("Waive"), False)

    def action_unwaive(self):
        """Ask why these waived transactions are billed after all, and free them."""
        return self._get_waive_action(self.env._("Take Back Waiver"), True)

    def action_erase_lead_data(self):
        """Ask why the lead data of these transactions are erased, and erase them."""
        self.check_access("write")
        if len(self.company_id) > 1:
            raise UserError(self.env._("Erase the lead data of one company at a time."))
        return self.env["lead.erasure.wizard"]._get_open_action(self)

    def _get_waive_action(self, name, take_back):
        self.check_access("write")
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": "lead.sale.waive.wizard",
            "view_mode": "form",
            "target": "new",
            "context": {
                "default_sale_ids": self.ids,
                "default_take_back": take_back,
            },
        }

    def _waive(self, reason):
        """Decide that these transactions are never billed. A sale takes its unbilled
        returns along: what is not paid for is not given back.

        :param reason: why, in words; a transaction keeps a reason of its own
        :raises AccessError: for users who do not manage lead invoicing
        :raises UserError: for a billed transaction, a sale with a billed return, or
            without a reason
        """
        self.check_access("write")
        self._check_waiver_reason(reason)
        sales = self.filtered(lambda sale: not sale.waived)
        returns = self._search_returns() - self
        for sale in sales + returns:
            if sale.invoice_line_id:
                raise UserError(
                    self.env._(
                        "The transaction %s is on an invoice. Correct the invoice by a"
                        " credit note.",
                        sale.external_ref,
                    )
                )
        returns = returns.filtered(
            lambda back: not back.waived and back.origin_id in sales
        )
        (sales + returns)._log_waiver(True, reason, with_sale=returns)
        for sale in (sales + returns).sudo():
            # The user may write these rows; only the freeze is passed.
            sale.write({"waived": True, "reason": sale.reason or reason})

    def _unwaive(self, reason):
        """Make these waived transactions unbilled again. A sale takes along the
        returns that are waived because it was.

        :param reason: why, in words
        :raises AccessError: for users who do not manage lead invoicing
        :raises UserError: for a return whose money was given back already, or whose
            sale stays waived, or without a reason
        """
        self.check_access("write")
        self._check_waiver_reason(reason)
        waivers = self.env["lead.sale.waiver"].sudo()
        sales = self.filtered("waived")
        returns = (sales._search_returns() - sales).filtered(
            lambda back: back.waived and not back.waived_by_credit
        )
        last = waivers._get_last(sales + returns)
        # One that was waived by itself before its sale stays so.
        returns = returns.filtered(
            lambda back: back.id not in last or last[back.id].with_sale
        )
        for sale in sales:
            sale._check_unwaive(sales)
        (sales + returns)._log_waiver(False, reason, with_sale=returns)
        for sale in (sales + returns).sudo():
            waiver = last.get(sale.id, waivers)
            borrowed = not waiver.own_reason and sale.reason == waiver.reason
            sale.write({"waived": False, "reason": False if borrowed else sale.reason})

    def _check_unwaive(self, unwaived):
        """Refuse to bill a return that gives back what was not, or is no longer, paid.

        :param unwaived: the transactions that are unwaived together
        """
        self.ensure_one()
        origin = self.origin_id
        if self.waived_by_credit or origin.billing_state == "credited":
            raise UserError(
                self.env._(
                    "The money of the return %s was given back already, by a credit"
                    " note of its sale's invoice.",
                    self.external_ref,
                )
            )
        if origin.waived and origin not in unwaived and not origin._is_history():
            raise UserError(
                self.env._(
                    "The sale %(sale)s of the return %(ref)s is waived. Take that back"
                    " first.",
                    sale=origin.external_ref,
                    ref=self.external_ref,
                )
            )

    def _is_history(self):
        """Tell whether this was sold before the company's billing start."""
        self.ensure_one()
        return LeadRecorder(self.env, self.company_id)._is_history(self.date)

    def _search_returns(self):
        """Return the returns of these sales."""
        return self.search([("origin_id", "in", self.ids)])

    @api.model
    def _check_waiver_reason(self, reason):
        if not (reason and reason.strip()):
            raise UserError(self.env._("Write down the reason."))

    def _log_waiver(self, waived, reason, with_sale):
        """Record who decides this on these transactions, when and why."""
        # Nobody writes this record by hand; the rights were checked.
        self.env["lead.sale.waiver"].sudo().create(
            [
                {
                    "sale_id": sale.id,
                    "company_id": sale.company_id.id,
                    "waived": waived,
                    "reason": reason,
                    "own_reason": sale.reason,
                    "with_sale": sale in with_sale,
                }
                for sale in self
            ]
        )

    @api.model
    def _read_unbilled_as_at(self, as_at, known_at=None):
        """Return what was unbilled at the end of a past day, in the current companies.

        A transaction counts when

        - its date is before the end of that day, in its company's billing time zone;
        - it was recorded by ``known_at``;
        - it was not waived, as was decided by ``known_at``;
        - it was in no books of that day: on no document whose accounting date is that
          day or before, and that was posted at ``known_at``. One that has left a
          reversed document, when a manager released it or it was invoiced again, was
          in the books until that day.

        The answer for a moment that is over stays the same for ever, whatever becomes
        of the transactions and their documents; what was still being written at that
        moment belongs to it. It changes with the time zone of the day; and where a
        manager deletes a transaction that was never billed, as if it had not been
        recorded.

        :param date as_at: the day
        :param datetime known_at: naive UTC; by default all that is known now
        :return: a list of dicts for each company, billed buyer, lead type, currency
            and age at that moment: ``company_id``, ``partner_id``, ``lead_type_id``,
            ``currency_id``, ``age``, ``sale_count``, ``amount``, ``oldest_date``
        :rtype: list[dict]
        """
        self.check_access("read")
        report = self.env["lead.unbilled.as.at"]
        report._flush_depends()
        return self.env.execute_query_dict(report._get_sql(as_at, known_at))

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
            - ``type``: ``sale`` or ``return``
            - ``origin_external_ref``: of a return: the reference of its sale
            - ``occurred_at``: ISO 8601 with an offset
            - ``buyer_ref``: a Lead Buyer Reference, or the reference of a contact
            - ``lead_type``: its code
            - ``lead_ref``, ``campaign``, ``reason``: optional texts
            - ``price``: number or text, not negative
            - ``currency``: code; the company's if left out
            - ``lead_data``: dict of names or labels to values, as the lead type has
        :return: a list with a dict for each row, in order: ``external_ref``, ``id`` (of
            the transaction, ``False`` if refused), ``status`` (``created``,
            ``duplicate``, ``conflict``: recorded with other content, or ``error``),
            ``message`` (what is wrong and what to do) and ``warning``
        :raises AccessError: if the user may not create transactions
        :raises UserError: if ``vals_list`` is not a list
        """
        self.check_access("create")
        if not isinstance(vals_list, (list, tuple)):
            raise UserError(
                self.env._("Send a list of transactions, as the value of “vals_list”.")
            )
        return LeadRecorder(self.env, self.env.company).record(vals_list)
