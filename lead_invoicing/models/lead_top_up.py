import re

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.account.tools import format_structured_reference_iso

from ..tools.parsing import as_float
from ..tools.protected_fields import EngineGuard, engine_at_work, is_engine
from .mail_activity_mixin import BALANCE_ACTIVITY_TYPE

# What Lead Invoicing itself decides.
ENGINE_FIELDS = {"is_canceled", "move_id", "reference", "requester_id", "state"}
# What was asked for stays so: the buyer has it on paper.
FROZEN_FIELDS = {"amount", "company_id", "currency_id", "partner_id"}
# Of one length: no reference begins another one, whatever a bank puts behind it.
_REFERENCE = re.compile(r"RF\d\dTOPUP\d{7}", re.ASCII)


class LeadTopUp(EngineGuard, models.Model):
    """What a prepaid buyer wants to pay in by bank transfer: an amount, and a payment
    reference that nothing else has. The money that comes in with it is the buyer's
    deposit, and pays the request; once."""

    _name = "lead.top.up"
    _inherit = ["mail.thread"]
    _lead_engine_fields = ENGINE_FIELDS
    _description = "Top-Up Request"
    _order = "id desc"
    _rec_name = "reference"

    reference = fields.Char(
        "Payment Reference",
        readonly=True,
        copy=False,
        help="The buyer includes it with the transfer: that is how the money is"
        " recognized.",
    )
    partner_id = fields.Many2one(
        "res.partner",
        "Buyer",
        required=True,
        index=True,
        ondelete="restrict",
        tracking=True,
    )
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    currency_id = fields.Many2one(
        "res.currency",
        compute="_compute_currency_id",
        store=True,
        precompute=True,
        readonly=False,
        required=True,
    )
    amount = fields.Monetary(required=True, tracking=True)
    requester_id = fields.Many2one(
        "res.partner",
        "Requested By",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="Who asked for it in the portal.",
    )
    move_id = fields.Many2one(
        "account.move",
        "Paid By",
        readonly=True,
        copy=False,
        index="btree_not_null",  # asked for with each entry that is written
        ondelete="set null",
        help="The payment or bank transaction that came in with this reference.",
    )
    is_canceled = fields.Boolean("Canceled", readonly=True, copy=False)
    state = fields.Selection(
        [("requested", "Requested"), ("paid", "Paid"), ("canceled", "Canceled")],
        compute="_compute_state",
        store=True,
        copy=False,
        tracking=True,
    )
    paid_amount = fields.Monetary(compute="_compute_paid_amount")

    _reference_uniq = models.UniqueIndex(
        "(reference)", "Another top-up request has this payment reference."
    )
    _move_uniq = models.UniqueIndex(
        "(move_id) WHERE move_id IS NOT NULL",
        "This money has already paid another top-up request.",
    )

    @api.depends("company_id")
    def _compute_currency_id(self):
        for request in self:
            request.currency_id = request.company_id._get_lead_top_up_currency()

    @api.depends(
        "move_id.state",
        "move_id.line_ids.account_id",
        "move_id.line_ids.partner_id",
        "is_canceled",
    )
    def _compute_state(self):
        for request in self:
            # Whoever takes a bank transaction off the buyer leaves it posted.
            if request.move_id.state == "posted" and request._get_paid_lines():
                request.state = "paid"
            else:
                request.state = "canceled" if request.is_canceled else "requested"

    @api.depends("move_id.line_ids.amount_currency", "state")
    def _compute_paid_amount(self):
        for request in self:
            lines = request._get_paid_lines()
            paid = request.state == "paid"
            request.paid_amount = paid and -sum(lines.mapped("amount_currency"))

    def _get_paid_lines(self, move=None):
        """Return the items of this request's buyer, in its currency, of what pays it.

        :param move: of this one instead
        """
        self.ensure_one()
        return (move or self.move_id).line_ids.filtered(
            lambda line: (
                line.account_type == "asset_receivable"
                and line.partner_id.commercial_partner_id
                == self.partner_id.commercial_partner_id
                and line.currency_id == self.currency_id
            )
        )

    # Create, write

    @api.model_create_multi
    def create(self, vals_list):
        """Ask for money of prepaid buyers; each request is its commercial entity's.

        :raises UserError: for a buyer that does not prepay, or an amount that is none
        """
        self.check_access("create")
        # Those of the context, too, are checked.
        vals_list = [
            {**self.default_get([n for n in FROZEN_FIELDS if n not in vals]), **vals}
            for vals in vals_list
        ]
        for vals in vals_list:
            partner = self.env["res.partner"].browse(vals.get("partner_id"))
            # Which entity it belongs to, and how it pays, whoever may ask may know.
            buyer = partner.sudo().commercial_partner_id
            vals["partner_id"] = buyer.id
            if buyer:
                self._check_request(buyer, vals)
        requests = super().create(vals_list)
        with engine_at_work(requests) as created:
            for request in created:
                number = str(request.id).zfill(7)
                request.reference = format_structured_reference_iso(f"TOPUP{number}")
        return requests

    @api.model
    def _check_request(self, buyer, vals):
        """Check that a buyer can pay in what is asked for.

        :raises UserError: if it cannot, or it is no amount
        """
        company = self.env["res.company"].browse(vals.get("company_id"))
        company = company or self.env.company
        buyer = buyer.with_company(company)
        if refusal := buyer._get_lead_top_up_refusal():
            raise UserError(refusal)
        currency = self.env["res.currency"].browse(vals.get("currency_id"))
        buyer._check_lead_top_up_amount(
            as_float(vals.get("amount")),
            currency or company._get_lead_top_up_currency(),
        )

    def write(self, vals):
        """Write values; what was asked for stays.

        :raises UserError: naming the fields
        """
        changed = {
            name
            for name in FROZEN_FIELDS & vals.keys()
            if any(
                request._fields[name].convert_to_cache(vals[name], request)
                != request._fields[name].convert_to_cache(request[name], request)
                for request in self
            )
        }
        if changed and not is_engine(self.env):
            raise UserError(
                self.env._(
                    "%s: this was requested from the buyer and cannot be changed."
                    " Cancel this request, and create another one.",
                    ", ".join(
                        self._fields[name]._description_string(self.env)
                        for name in sorted(changed)
                    ),
                )
            )
        return super().write(vals)

    # Actions

    def action_cancel(self):
        """Cancel these requests. Money that comes in with their reference all the same
        is the buyer's deposit.

        :raises UserError: for one that is paid
        """
        self.check_access("write")
        if paid := self.filtered(lambda request: request.state == "paid")[:1]:
            raise UserError(
                self.env._(
                    "The top-up request %s is paid and cannot be canceled.",
                    paid.reference,
                )
            )
        with engine_at_work(self) as requests:
            requests.write({"is_canceled": True})

    def _get_bank_account(self):
        """Return the company's bank account that is to be paid to: as Odoo chooses it
        for invoices, one in this currency first, and trusted ones."""
        self.ensure_one()
        banks = self.company_id.partner_id.bank_ids.filtered(
            lambda bank: not bank.company_id or bank.company_id == self.company_id
        )
        return banks.sorted(
            lambda bank: (
                bool(bank.currency_id and bank.currency_id != self.currency_id),
                not bank.allow_out_payment,
            )
        )[:1]

    # Matching

    @api.model
    def _find_by_texts(self, company, texts):
        """Return the requests of a company whose references are in any of these texts,
        however a bank parted or wrote them.

        :param texts: labels, memos and the like; empty ones are left out
        """
        words = set()
        for text in filter(None, texts):
            words.update(_REFERENCE.findall(re.sub(r"[\W_]+", "", text).upper()))
        # The number is the id: no text has to be looked for.
        return self.search(
            [
                ("company_id", "=", company.id),
                ("id", "in", [int(word[-7:]) for word in words]),
            ]
        ).filtered(lambda request: re.sub(r"\s", "", request.reference) in words)

    def _pay_with(self, move):
        """Write down that this posted money pays this request, unless other money does:
        then that is told, as it may be the same.

        Two at one moment both write the request, and the second is repeated.
        """
        self.ensure_one()
        if self.move_id == move:
            return
        if self.state == "paid":
            self._tell_of_second_money(move)
            return
        with engine_at_work(self) as request:
            request.write({"move_id": move.id})

    def _tell_of_second_money(self, move):
        user = self.company_id._get_lead_responsible()
        request = self.with_context(lang=self.company_id._get_lead_lang())
        sentence = request.env._(
            "The top-up request %(reference)s is already paid by %(paid)s, and"
            " %(other)s has the same reference. If it is the same money, reconcile the"
            " one with the other; otherwise apply it to the buyer.",
            reference=self.reference,
            paid=self.move_id.display_name,
            other=move.display_name,
        )
        self._message_log(body=sentence)
        request.partner_id._schedule_lead_activity(
            request.env._("Top-up paid twice?"),
            sentence,
            self.company_id,
            user,
            BALANCE_ACTIVITY_TYPE,
        )
