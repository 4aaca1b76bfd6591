from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

from ..tools.parsing import RowError, read_reference, read_text
from ..tools.protected_fields import EngineGuard

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
    "corrected_price",
    "corrected_sale_id",
    "invoice_line_id",
    "lead_data_erased_at",
    "price_adjustment",
    "return_number",
    "row_hash",
    "waived",
    "waived_by_credit",
}
# What is unbilled, as a domain and in SQL. An index has the words that Odoo makes of
# the domain; with others, PostgreSQL would read every row.
UNBILLED_DOMAIN = Domain("waived", "=", False) & Domain("invoice_line_id", "=", False)
UNBILLED = "%s IS NULL AND %s IS NOT TRUE"


def unbilled_sql(alias="lead_sale"):
    """Return the condition that the transactions of a table are unbilled.

    :param alias: what the query calls the table
    """
    columns = ("invoice_line_id", "waived")
    return SQL(UNBILLED, *(SQL.identifier(alias, column) for column in columns))


def origin_sql(alias):
    """Return the id of the sale that a transaction gives back or corrects; NULL for a
    sale that corrects none.

    :param alias: what the query calls the table
    """
    # Both halves of a price correction name the sale that they correct.
    columns = ("corrected_sale_id", "origin_id")
    return SQL(
        "COALESCE(%s, %s)", *(SQL.identifier(alias, column) for column in columns)
    )


def billing_state_sql():
    """Return the billing state of ``sale``, as its field has it. The query calls the
    document of its line, if any, ``move``."""
    return SQL(
        """
        CASE WHEN sale.waived THEN 'waived'
             WHEN move.id IS NULL THEN 'unbilled'
             WHEN move.state != 'posted' THEN 'draft'
             WHEN move.lead_credited THEN 'credited'
             ELSE 'invoiced' END
        """
    )


def behind_sql(condition=None):
    """Return the query for the transactions behind documents: those on their lines, and
    those that were released from them after they were reversed.

    One row for each, with ``move_id`` and ``line_id`` besides the transaction's own
    columns; one that was billed again is behind both documents.

    :param SQL condition: on ``sale``, the transaction; one on ``move_id`` or
        ``line_id`` belongs outside, where PostgreSQL applies it to both parts
    """
    return SQL(
        """
        SELECT line.move_id, line.id AS line_id, sale.*
          FROM lead_sale sale
          JOIN account_move_line line ON line.id = sale.invoice_line_id
         WHERE %(condition)s
         UNION ALL
        SELECT release.invoice_id, release.invoice_line_id, sale.*
          FROM lead_sale sale
          JOIN lead_sale_release release ON release.sale_id = sale.id
         WHERE %(condition)s
        """,
        condition=condition or SQL("TRUE"),
    )


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
        help="Counts the returns of one sale; because it is unique, two returns"
        " recorded at the same moment cannot credit more than the price.",
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
    lead_data_erased_at = fields.Datetime(
        "Lead Data Erased",
        readonly=True,
        copy=False,
        help="When the personal data of the lead was permanently erased: on request,"
        " or because of its age.",
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
        help="Price of the lead, never negative: before tax, or including it if the"
        " product's taxes are included in its price.",
    )
    amount = fields.Monetary(
        readonly=True,
        copy=False,
        help="The price of a sale, negative for a return.",
    )
    date = fields.Datetime(required=True, default=fields.Datetime.now)
    occurred_at = fields.Char(
        "Date with Offset",
        store=False,
        help="For import: the date in ISO 8601, such as 2026-01-31T18:30:00+01:00.",
    )
    reason = fields.Char(help="Why money is credited, or why this is never billed.")
    waived = fields.Boolean(
        readonly=True, copy=False, help="Will never be billed, for the reason given."
    )
    waived_by_credit = fields.Boolean(
        readonly=True,
        copy=False,
        help="A return waived because a reversal of its sale's invoice has already"
        " credited the money; no longer waived when that is undone.",
    )
    price_adjustment = fields.Boolean(
        readonly=True,
        copy=False,
        help="Credits only part of the price: money, but no lead returned.",
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
        "This reference has already been recorded; each transaction has its own.",
    )
    # Also answers which returns a sale has.
    _origin_return_number_uniq = models.UniqueIndex(
        "(origin_id, return_number) WHERE origin_id IS NOT NULL",
        "Another return of this sale was recorded at the same moment; try again.",
    )
    # What is there to bill for a buyer before an instant, and how much is it?
    _unbilled_idx = models.Index(
        "(company_id, commercial_partner_id, date)"
        " INCLUDE (id, lead_type_id, currency_id, amount, create_date)"
        f" WHERE {UNBILLED % ('invoice_line_id', 'waived')}"
    )
    # Newest first, or a range of days: the default list.
    _date_idx = models.Index("(date, id)")
    # A buyer's rows by date, page by page, and their totals: reports and the portal.
    # What is included lets PostgreSQL find a page and add up without reading the rows.
    _commercial_partner_date_idx = models.Index(
        "(commercial_partner_id, date, id) INCLUDE (lead_type_id, partner_id,"
        " transaction_type, currency_id, amount, waived, price_adjustment,"
        " corrected_sale_id)"
    )
    # Was this lead sold before?
    _lead_ref_idx = models.Index("(company_id, lead_ref) WHERE lead_ref IS NOT NULL")
    # The rows of an invoice; and foreign keys, which are slow to check without.
    _invoice_line_idx = models.Index(
        "(invoice_line_id) WHERE invoice_line_id IS NOT NULL"
    )
    _partner_idx = models.Index("(partner_id)")

    # Billing state: derived from the one link, never stored

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
        if state == "unbilled":
            return UNBILLED_DOMAIN
        on_line = {
            "draft": Domain("parent_state", "!=", "posted"),
            "invoiced": Domain("parent_state", "=", "posted")
            & Domain("move_id.lead_credited", "=", False),
            "credited": Domain("parent_state", "=", "posted")
            & Domain("move_id.lead_credited", "=", True),
        }
        if state not in on_line:
            return Domain.FALSE
        return Domain("waived", "=", False) & Domain(
            "invoice_line_id", "any!", on_line[state]
        )

    # Create, write, unlink

    def write(self, vals):
        """Correct what may be corrected; what was recorded is frozen.

        :raises UserError: for a change of what is frozen
        """
        self._check_frozen(vals)
        vals = {**vals, **self._read_texts(vals)}
        if "lead_data" in vals:
            self._check_lead_data_kept()
            vals["lead_data"] = self._check_lead_data(vals["lead_data"])
        return super().write(vals)

    @api.model
    def _read_texts(self, vals):
        """Return the texts among ``vals`` as recording would store them.

        :raises ValidationError: for one that recording would refuse
        """
        readers = dict.fromkeys(BILLED_FIELDS, read_reference)
        if "waived" not in vals:
            # Else it is ours, with what somebody said before in it.
            readers["reason"] = read_text
        texts = {}
        for name in readers.keys() & vals.keys():
            try:
                texts[name] = readers[name](self.env, name, vals[name]) or False
            except RowError as refused:
                # Both are in the reader's language.
                message = f"{self._get_labels([name])}: {refused.sentence}"
                raise ValidationError(message) from None
        return texts

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
        try:
            value = field.convert_to_cache(vals[name], self)
        except (TypeError, ValueError, OverflowError):
            # What is no value of the field is another one.
            return True
        return value != field.convert_to_cache(self[name], self)

    @api.model
    def _get_labels(self, names):
        return ", ".join(
            self._fields[name]._description_string(self.env) for name in sorted(names)
        )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_billed_or_returned(self):
        if billed := self.filtered("invoice_line_id")[:1]:
            raise UserError(
                self.env._(
                    "The transaction %s is on an invoice and cannot be deleted."
                    " Correct the invoice with a credit note.",
                    billed.external_ref,
                )
            )
        # Whoever may delete a transaction is told why this one has to stay.
        if billed := self.filtered(lambda sale: sale.sudo().past_billing_ids)[:1]:
            raise UserError(
                self.env._(
                    "The transaction %s was on a posted invoice and cannot be deleted."
                    " Waive it.",
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

    # Actions

    @api.model
    def _get_view_action(self, domain, **context):
        """Return the action that opens the transactions of a domain, to be read.

        :param context: of the list, such as filters
        """
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "lead_invoicing.action_lead_sale"
        )
        action["domain"] = list(domain)
        action["context"] = {"create": False, **context}
        return action
