from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from odoo.addons.lead_invoicing.recording.ledger_gateway import LedgerGateway
from odoo.addons.lead_invoicing.recording.reader import ID_LIMIT
from odoo.addons.lead_invoicing.tools.numbers import search_number
from odoo.addons.lead_invoicing.tools.parsing import as_float
from odoo.addons.lead_invoicing.tools.protected_fields import EngineGuard, is_engine
from odoo.addons.lead_invoicing.tools.storable import check_storable_text

OPEN_STATES = ("requested", "question")
# What Lead Invoicing itself decides; people do so by its buttons.
ENGINE_FIELDS = {
    "commercial_partner_id",
    "company_id",
    "decided_at",
    "decided_by_id",
    "is_automatic",
    "lead_type_id",
    "partner_id",
    "platform_ref",
    "requester_id",
    "return_id",
    "state",
}
# What a request says; it stays so.
FROZEN_FIELDS = {"note", "sale_id"}
# What a clerk can settle until it is decided.
OPEN_FIELDS = {"amount", "answer", "reason_id"}


class LeadReturnRequest(EngineGuard, models.Model):
    """A buyer's wish to return a lead. Accepted, it makes the return ``REQ-<id>``."""

    _name = "lead.return.request"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _lead_engine_fields = ENGINE_FIELDS
    _description = "Lead Return Request"
    _order = "id desc"
    _rec_names_search = ["name", "sale_id"]
    _check_company_auto = True

    name = fields.Char("Request", compute="_compute_name", search="_search_name")
    sale_id = fields.Many2one(
        "lead.sale",
        required=True,
        check_company=True,
        ondelete="restrict",
        domain=[("transaction_type", "=", "sale")],
    )
    sale_ref = fields.Char("Transaction", related="sale_id.external_ref")
    lead_ref = fields.Char("Lead", related="sale_id.lead_ref")
    campaign = fields.Char(related="sale_id.campaign")
    sale_date = fields.Datetime("Sold On", related="sale_id.date")
    price = fields.Monetary(related="sale_id.price")
    # Stored, to be found by.
    company_id = fields.Many2one(related="sale_id.company_id", store=True, index=True)
    partner_id = fields.Many2one(
        related="sale_id.partner_id", string="Buyer", store=True, index=True
    )
    commercial_partner_id = fields.Many2one(
        related="sale_id.commercial_partner_id", store=True, index=True
    )
    lead_type_id = fields.Many2one(related="sale_id.lead_type_id", store=True)
    currency_id = fields.Many2one(related="sale_id.currency_id")
    amount = fields.Monetary(
        tracking=True,
        help="How much is to be credited: what is left of the price, unless less is"
        " asked for.",
    )
    state = fields.Selection(
        [
            ("requested", "To decide"),
            ("question", "Question to buyer"),
            ("accepted", "Accepted"),
            ("declined", "Declined"),
            ("withdrawn", "Withdrawn"),
        ],
        required=True,
        readonly=True,
        copy=False,
        default="requested",
        tracking=True,
    )
    reason_id = fields.Many2one(
        "lead.return.reason", check_company=True, ondelete="restrict"
    )
    note = fields.Text(help="What the buyer says of it.")
    answer = fields.Text(copy=False, help="What the buyer is told.")
    question = fields.Text(
        copy=False, help="What the buyer was asked last: no answer to the request."
    )
    requester_id = fields.Many2one(
        "res.partner",
        "Requested By",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="Who asked for it in the portal, and gets the answer by email.",
    )
    return_id = fields.Many2one(
        "lead.sale",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
    )
    platform_ref = fields.Char(
        "Platform's Reference",
        readonly=True,
        copy=False,
        help="Under which reference the platform reported this return as well; it was"
        " not recorded a second time.",
    )
    decided_by_id = fields.Many2one("res.users", readonly=True, copy=False)
    decided_at = fields.Datetime("Decided On", readonly=True, copy=False)
    is_automatic = fields.Boolean("Accepted Automatically", readonly=True, copy=False)

    _one_open_uniq = models.UniqueIndex(
        "(sale_id) WHERE state IN ('requested', 'question')",
        "This sale has an open return request already.",
    )
    # All requests of a sale.
    _sale_idx = models.Index("(sale_id)")
    _state_idx = models.Index("(company_id) WHERE state IN ('requested', 'question')")

    def _compute_name(self):
        for request in self:
            request.name = request._get_reference() if request.id else False

    @api.model
    def _search_name(self, operator, value):
        return search_number("REQ", operator, value)

    def _compute_display_name(self):
        for request in self:
            request.display_name = request.name or self.env._("New")

    def _get_reference(self):
        """Return the reference of the return that this request makes."""
        self.ensure_one()
        return f"REQ-{self._origin.id}"

    # Create, write

    @api.model_create_multi
    def create(self, vals_list):
        """Ask for returns, of what is left of the price unless told otherwise.

        :raises UserError: naming the sale of which not so much is left
        """
        self.check_access("create")
        for vals in vals_list:
            self._check_texts(vals)
        # Whoever calls over the API can send anything: what no sale can have is none.
        ids = [vals.get("sale_id") for vals in vals_list]
        ids = [id_ if type(id_) is int and 0 < id_ < ID_LIMIT else 0 for id_ in ids]
        sales = self.env["lead.sale"].browse(filter(None, ids))
        # Before any check: what is wrong tells of the sale.
        sales.check_access("read")
        left = self._get_left(sales)
        for vals, id_ in zip(vals_list, ids, strict=True):
            sale = self.env["lead.sale"].browse(id_ or None)
            origin = left.get(sale.id)
            vals["amount"] = self._check_amount(sale, vals.get("amount"), origin)
            # A price that was corrected is given back as it is now.
            vals["sale_id"] = origin.id
        return super().create(vals_list)

    def write(self, vals):
        """Settle what is open about a request; what was asked for, and what is decided,
        stays.

        :raises UserError: naming the fields
        """
        self._check_texts(vals)
        if not is_engine(self.env):
            names = vals.keys() & FROZEN_FIELDS
            if self.filtered(lambda request: request.state not in OPEN_STATES):
                names |= vals.keys() & OPEN_FIELDS
            if names:
                raise UserError(
                    self.env._(
                        "%s: this cannot be changed any more.",
                        ", ".join(
                            self._fields[name]._description_string(self.env)
                            for name in sorted(names)
                        ),
                    )
                )
        if "amount" in vals and not is_engine(self.env):
            left = self._get_left(self.sale_id)
            for request in self:
                amount = self._check_amount(
                    request.sale_id, vals["amount"], left.get(request.sale_id.id)
                )
                super(LeadReturnRequest, request).write({**vals, "amount": amount})
            return True
        return super().write(vals)

    @api.model
    def _check_texts(self, vals):
        """Refuse texts that cannot be stored.

        :raises UserError: naming the field
        """
        for name in {"answer", "note"} & vals.keys():
            check_storable_text(self, name, vals[name])

    @api.model
    def _get_left(self, sales):
        """Return ``{sale id: Origin}``: what the ledger knows of these sales, or of the
        last corrections of their prices, and what was given back of each. Of what is in
        force now the id is a key, too."""
        left = {}
        self.env.flush_all()
        # Of sales that the user may ask for returns of.
        sales = sales.sudo()
        for company in sales.company_id:
            own = sales.filtered(lambda s, company=company: s.company_id == company)
            origins = LedgerGateway(self.env, company).query_origins(
                set(own.mapped("external_ref"))
            )
            for sale in own:
                origin = origins[sale.external_ref]
                left[sale.id] = left[origin.id] = origin
        return left

    @api.model
    def _check_amount(self, sale, amount, origin):
        """Return how much of ``sale`` is to be given back.

        :param amount: what is asked for; all that is left where nothing is
        :param origin: what is known of the sale, see :meth:`_get_left`
        :raises UserError: if that is not left, or nothing is
        """
        # Reference and currency are no secret to whom names it.
        sale = sale.sudo()
        reference = sale.external_ref
        if not origin or origin.transaction_type != "sale":
            raise UserError(self.env._("Choose the sale that is returned."))
        if origin.in_full:
            raise UserError(
                self.env._("The sale %s has already been returned in full.", reference)
            )
        rest = float(origin.left)
        currency = sale.currency_id
        amount = as_float(amount)
        if not amount:
            return rest
        # What is not a number is in no range.
        if not 0 < amount <= rest or currency.round(amount) != amount:
            raise UserError(
                self.env._(
                    "The amount to return of the sale %(ref)s is not right: at most"
                    " %(rest)s is left of its price.",
                    ref=reference,
                    rest=currency.format(rest),
                )
            )
        return amount

    # Rows

    def _lock(self):
        """Keep others from deciding these requests at the same time: who comes second
        waits, is refused by PostgreSQL, and looks again at what is so then."""
        self.flush_recordset()
        self.env.execute_query(
            SQL(
                "SELECT id FROM lead_return_request WHERE id = ANY(%s)"
                " ORDER BY id FOR UPDATE",
                self.ids,
            )
        )
