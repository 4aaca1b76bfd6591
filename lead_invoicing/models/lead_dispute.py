import math
from datetime import timedelta

from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError

from ..recording.ledger_gateway import LedgerGateway
from ..tools.numbers import search_number
from ..tools.parsing import as_float
from ..tools.protected_fields import EngineGuard, engine_at_work, is_engine
from ..tools.storable import check_storable_text

DISPUTE_ACTIVITY_TYPE = "lead_invoicing.mail_activity_type_lead_dispute"
# More leads than these are a sum, or the whole invoice.
MAX_ROWS = 1_000
# So much of what a buyer writes is kept.
MAX_REASON = 2_000
# What becomes of a dispute is decided by its buttons.
ENGINE_FIELDS = {
    "company_id",
    "credit_note_id",
    "decided_at",
    "decided_by_id",
    "from_buyer",
    "row_ids",
    "state",
}
# What is disputed; it never changes.
FROZEN_FIELDS = {"amount", "move_id", "reason", "sale_ids", "scope"}


class LeadDispute(EngineGuard, models.Model):
    """What a buyer does not accept of an invoice: all of it, a sum, or some of its
    leads. While it is open, the invoice settles from no balance, and nobody is asked to
    pay what is disputed. How it ends is in ``lead_dispute_deciding``."""

    _name = "lead.dispute"
    _description = "Lead Invoice Dispute"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _lead_engine_fields = ENGINE_FIELDS
    _order = "id desc"
    _rec_names_search = ["name", "move_id"]
    _check_company_auto = True

    name = fields.Char("Dispute", compute="_compute_name", search="_search_name")
    move_id = fields.Many2one(
        "account.move",
        "Invoice",
        required=True,
        index=True,
        ondelete="cascade",
        check_company=True,
        domain="[('lead_run_id', '!=', False), ('move_type', '=', 'out_invoice'),"
        " ('state', '=', 'posted'), ('lead_credited', '=', False)]",
    )
    company_id = fields.Many2one(
        related="move_id.company_id", store=True, precompute=True
    )
    currency_id = fields.Many2one(related="move_id.currency_id")
    partner_id = fields.Many2one(
        related="move_id.commercial_partner_id", string="Buyer", store=True
    )
    scope = fields.Selection(
        [
            ("whole", "The whole invoice"),
            ("amount", "An amount"),
            ("rows", "Certain leads"),
        ],
        "Disputed",
        required=True,
        default="rows",
    )
    amount = fields.Monetary(
        "Disputed Amount",
        tracking=True,
        help="Including tax. For the whole invoice and for certain leads it is"
        " calculated.",
    )
    row_ids = fields.One2many("lead.dispute.row", "dispute_id", readonly=True)
    sale_ids = fields.Many2many(
        "lead.sale",
        string="Leads",
        compute="_compute_sale_ids",
        inverse="_inverse_sale_ids",
        search="_search_sale_ids",
    )
    reason = fields.Text(required=True, help="Why the buyer does not accept this.")
    user_id = fields.Many2one(
        "res.users",
        "Owner",
        tracking=True,
        domain="[('share', '=', False)]",
        help="Who decides this dispute. When empty, the billing team does.",
    )
    deadline = fields.Date(tracking=True, help="Decide by this date.")
    is_overdue = fields.Boolean(
        "Overdue", compute="_compute_is_overdue", search="_search_is_overdue"
    )
    state = fields.Selection(
        [
            ("open", "Open"),
            ("accepted", "Accepted"),
            ("rejected", "Rejected"),
            ("withdrawn", "Withdrawn"),
        ],
        default="open",
        required=True,
        readonly=True,
        copy=False,
        index=True,
        tracking=True,
    )
    answer = fields.Text(help="What the buyer is told. Required to reject.")
    from_buyer = fields.Boolean(
        "From the Portal", readonly=True, copy=False, help="Opened by the buyer."
    )
    decided_at = fields.Datetime("Closed On", readonly=True, copy=False)
    decided_by_id = fields.Many2one(
        "res.users", "Closed By", readonly=True, copy=False, ondelete="set null"
    )
    credit_note_id = fields.Many2one(
        "account.move", readonly=True, copy=False, ondelete="set null"
    )

    def _compute_name(self):
        for dispute in self:
            number = dispute._origin.id
            dispute.name = f"DIS-{number}" if number else self.env._("New Dispute")

    @api.model
    def _search_name(self, operator, value):
        return search_number("DIS", operator, value)

    @api.depends("move_id")
    def _compute_display_name(self):
        for dispute in self:
            # Whoever may see the dispute may see which invoice it is about.
            invoice = dispute.move_id.sudo().name
            dispute.display_name = f"{dispute.name} ({invoice or ''})"

    @api.depends("row_ids.sale_id")
    def _compute_sale_ids(self):
        for dispute in self:
            dispute.sale_ids = dispute.row_ids.sale_id

    def _inverse_sale_ids(self):
        # What is wrong with a lead is told by its reference.
        self.sale_ids.check_access("read")
        # Whoever may open a dispute says about which leads, once; whether they can be
        # disputed is checked when it is opened.
        self.env["lead.dispute.row"].sudo().create(
            [
                {
                    "dispute_id": dispute.id,
                    "move_id": dispute.move_id.id,
                    "sale_id": sale.id,
                }
                for dispute in self
                for sale in dispute.sale_ids
            ]
        )

    @api.model
    def _search_sale_ids(self, operator, value):
        return [("row_ids.sale_id", operator, value)]

    @api.depends("deadline", "state")
    def _compute_is_overdue(self):
        for dispute in self:
            today = (dispute.company_id or self.env.company)._get_lead_today()
            dispute.is_overdue = (
                dispute.state == "open"
                and bool(dispute.deadline)
                and dispute.deadline < today
            )

    @api.model
    def _search_is_overdue(self, operator, value):
        if operator != "in":
            return NotImplemented
        today = self.env.company._get_lead_today()
        return [("state", "=", "open"), ("deadline", "<", today)]

    @api.onchange("scope")
    def _onchange_scope(self):
        if self.scope != "rows":
            self.sale_ids = False

    # Opening

    @api.model_create_multi
    def create(self, vals_list):
        """Open disputes; each is checked against its invoice.

        :raises UserError: saying what of the invoice cannot be disputed, and why
        """
        vals_list = [self._add_scope(vals) for vals in vals_list]
        for vals in vals_list:
            self._check_texts(vals)
            # Before Odoo rounds what is not a number.
            if not math.isfinite(as_float(vals.get("amount"))):
                raise UserError(self.env._("Enter the disputed amount as a number."))
        disputes = super().create(vals_list)
        for dispute in disputes:
            dispute._open()
        return disputes

    @api.model
    def _add_scope(self, vals):
        """Return values that say what is disputed: programs name leads, an amount or
        nothing; what the form proposes is for people, who see it."""
        if "scope" in vals or "default_scope" in self.env.context:
            return vals
        commands = vals.get("sale_ids")
        if commands and commands not in ([Command.clear()], [Command.set([])]):
            return {**vals, "scope": "rows"}
        return {**vals, "scope": "amount" if vals.get("amount") else "whole"}

    @api.model
    def _check_texts(self, vals):
        """Refuse texts that cannot be stored.

        :raises UserError: naming the field
        """
        for name in {"reason", "answer"} & vals.keys():
            check_storable_text(self, name, vals[name])

    def write(self, vals):
        """Change who decides, by when, and what is answered.

        :raises UserError: for what is disputed, or after the decision
        """
        self._check_texts(vals)
        if not is_engine(self.env):
            if FROZEN_FIELDS & vals.keys():
                raise UserError(
                    self.env._(
                        "What is disputed cannot be changed. Withdraw this dispute and"
                        " open another one."
                    )
                )
            if "answer" in vals and any(d.state != "open" for d in self):
                raise UserError(
                    self.env._(
                        "This dispute has been decided, and its answer was sent to the"
                        " buyer."
                    )
                )
        result = super().write(vals)
        if {"deadline", "user_id"} & vals.keys():
            self.filtered(lambda dispute: dispute.state == "open")._set_clock()
        return result

    def _open(self):
        """Check what is disputed, and start the clock.

        :raises UserError: saying what cannot be disputed, and why
        """
        self.ensure_one()
        # Who opens a dispute may see the invoice; what is left of it is asked of all
        # that gave it back.
        move = self.move_id.sudo()
        # Two disputes of one invoice at the same moment: the second sees the first.
        move._lock_lead_documents()
        move._check_lead_disputable()
        with engine_at_work(self) as dispute:
            dispute.amount = dispute._check_disputed()
            dispute.user_id = self.user_id or move._get_lead_run()._get_responsible()
            if not dispute.deadline:
                today = move.company_id._get_lead_today()
                days = move.company_id.lead_dispute_days
                dispute.deadline = today + timedelta(days=days)
        self._set_clock()
        move._message_log(
            body=self.env._(
                "%(dispute)s opened: %(amount)s of this invoice is disputed."
                " %(reason)s",
                dispute=self.name,
                amount=self.currency_id.format(self.amount),
                reason=self.reason,
            ),
            author_id=self.env.user.partner_id.id,
        )

    @api.model
    def _open_by_buyer(self, move, scope, reason, amount=0.0, sales=()):
        """Open a dispute as the portal user, of an own invoice.

        :param move: the invoice, read with whatever rights
        :param scope: as the field
        :param reason: why, in the buyer's words
        :param amount: of a sum, including tax
        :param sales: the ``lead.sale`` that are disputed
        :return: the dispute, to be read as the buyer's own
        :raises AccessError: for what is not the buyer's own
        :raises UserError: saying what cannot be disputed, and why
        """
        self._check_own(move)
        # PostgreSQL refuses a text with a zero byte.
        reason = (reason or "").replace("\0", "")
        if not reason.strip():
            raise UserError(self.env._("Tell us why you dispute this."))
        # The invoice is the buyer's own, its leads are compared with it, and nothing
        # else of what is given here decides anything.
        return self.sudo().create(
            {
                "move_id": move.id,
                "scope": scope,
                "amount": amount if scope == "amount" else 0.0,
                "sale_ids": [
                    Command.set([sale.id for sale in sales if scope == "rows"])
                ],
                "reason": reason.strip()[:MAX_REASON],
                "from_buyer": True,
            }
        )

    def _withdraw_by_buyer(self):
        """Take a dispute back as the portal user, whose own it is.

        :raises AccessError: for another buyer's
        :raises UserError: for one that is closed
        """
        # Whose it is, is checked before anything is told or done.
        dispute = self.sudo()
        self._check_own(dispute.move_id)
        dispute.action_withdraw()

    @api.model
    def _check_own(self, move):
        """Let a portal user at the invoices of its own commercial entity only.

        :raises AccessError: for another buyer's, and for whoever is no buyer
        """
        user = self.env.user
        # Only whose the invoice is, is asked.
        buyer = move.sudo().commercial_partner_id
        if not user._is_portal() or buyer != user.partner_id.commercial_partner_id:
            raise AccessError(self.env._("You can only dispute your own invoices."))

    def _check_disputed(self):
        """Return the disputed amount, tax included.

        :raises UserError: for more than what is left of the invoice
        """
        # What is left of it is told to whoever may dispute it.
        move = self.move_id.sudo()
        currency = self.currency_id
        left = move._get_lead_amount_left()[0] - move._get_lead_disputed_amount(self)
        if self.scope == "rows":
            # The engine's record of the leads is the dispute's own.
            rows = self.row_ids.sudo()
            amount = rows._check_disputed()
            # What the leads of other documents, returned on it, take off its total can
            # be returned of its own; and what was corrected is on another document.
            more = move._get_lead_amount_netted() + rows._get_corrected_amount()
            # Taxes are rounded on each line.
            more += currency.rounding * len(rows)
            if currency.compare_amounts(amount, left + more) <= 0:
                amount = min(amount, max(left, 0.0))
        elif self.scope == "whole":
            amount = left
        else:
            amount = currency.round(self.amount)
        if amount <= 0 or currency.compare_amounts(amount, left) > 0:
            raise UserError(
                self.env._(
                    "%(left)s of %(document)s is left to dispute: the rest has been"
                    " credited or is disputed already. Enter an amount from"
                    " %(smallest)s to %(left)s.",
                    left=currency.format(max(left, 0.0)),
                    document=move.name,
                    smallest=currency.format(currency.rounding),
                )
            )
        return amount

    def _read_origins(self):
        """Return what the ledger knows of the disputed leads, by their reference."""
        self.ensure_one()
        # The engine's own answer to what is left of a sale.
        company = self.company_id.sudo()
        self.env.flush_all()
        store = LedgerGateway(self.env, company)
        # The references of the dispute's own leads.
        sales = self.row_ids.sudo().sale_id
        return store.query_origins(sales.mapped("external_ref"))

    # The clock

    def _set_clock(self):
        """Have the owner see by when this is to be decided."""
        # Whoever may open a dispute, a buyer too, starts its clock.
        for dispute in self.sudo():
            dispute.activity_unlink([DISPUTE_ACTIVITY_TYPE])
            dispute._schedule_lead_activity(
                dispute.env._("Decide the dispute of %s", dispute.move_id.name),
                "",
                dispute.company_id,
                dispute.user_id,
                DISPUTE_ACTIVITY_TYPE,
                deadline=dispute.deadline,
            )

    def action_view_returns(self):
        """Open the returns that were made for this dispute."""
        self.ensure_one()
        returns = self.row_ids.return_id
        return self.env["lead.sale"]._get_view_action([("id", "in", returns.ids)])
