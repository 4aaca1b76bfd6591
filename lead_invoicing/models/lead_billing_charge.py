from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..tools.protected_fields import CompanyGuard, changes

# The order in which charges of one document are worked out.
KINDS = [
    ("tier", "Volume prices"),
    ("discount", "Discount"),
    ("minimum", "Minimum spend"),
    ("fee", "Fee"),
]
KIND_ORDER = [kind for kind, _label in KINDS]
# Kinds that lower the price of each lead.
SHARED_KINDS = ("tier", "discount")
# Which charge this is, once it is on documents.
IDENTITY_FIELDS = {"currency_id", "cycle_id", "kind", "partner_id", "period"}


class LeadBillingCharge(CompanyGuard, models.Model):
    """What was agreed beside the prices of leads: a fee, a minimum spend, a discount or
    prices by volume, for each period. Of one kind and lead type, that of the buyer wins
    over that of its cycle, and this over the company's."""

    _name = "lead.billing.charge"
    _description = "Agreed Charge"
    _order = "company_id, kind, id"
    _check_company_auto = True

    active = fields.Boolean(default=True)
    name = fields.Char(
        compute="_compute_name",
        store=True,
        precompute=True,
        readonly=False,
        required=True,
        translate=True,
        help="What the buyer reads on the invoice.",
    )
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(
        "res.currency",
        required=True,
        default=lambda self: self.env.company.currency_id,
        ondelete="restrict",
        help="The charge applies to invoices in this currency.",
    )
    product_id = fields.Many2one(
        "product.product",
        required=True,
        check_company=True,
        ondelete="restrict",
        domain="[('type', '=', 'service')]",
        help="Gives the invoice line its income account. Fees and minimum spends have"
        " its taxes; volume prices and discounts have the taxes of the leads.",
    )
    kind = fields.Selection(KINDS, required=True, default="fee")
    period = fields.Selection(
        [("window", "Billing period"), ("month", "Calendar month")],
        "For Each",
        required=True,
        default="window",
        help="A calendar month is charged on the first invoice created after its end,"
        " in the time zone of the billing cycle.",
    )
    partner_id = fields.Many2one(
        "res.partner",
        "Buyer",
        check_company=True,
        ondelete="cascade",
        index="btree_not_null",
        help="Leave empty for every buyer of the billing cycle, or of the company.",
    )
    cycle_id = fields.Many2one(
        "lead.billing.cycle",
        "Billing Cycle",
        check_company=True,
        ondelete="restrict",
        index="btree_not_null",
        help="Leave empty for one buyer, or for every buyer of the company.",
    )
    applies_to = fields.Char(compute="_compute_applies_to")
    lead_type_id = fields.Many2one(
        "lead.type",
        check_company=True,
        ondelete="restrict",
        index="btree_not_null",
        help="Only leads of this type count. Leave empty for all.",
    )
    amount = fields.Monetary(
        help="The fee, or the minimum spend, for each period, before tax."
    )
    percent = fields.Float("Discount (%)", digits=(16, 4))
    tier_mode = fields.Selection(
        [
            ("all", "All leads at the price of the volume reached"),
            ("graduated", "Each lead at the price of its own step"),
        ],
        "Volume Prices",
        default="all",
    )
    tier_ids = fields.One2many(
        "lead.billing.charge.tier", "charge_id", "Steps", copy=True
    )
    date_from = fields.Date(
        "From",
        required=True,
        default=lambda self: self.env.company._get_lead_today(),
        help="A period is charged in full if its last day is in these days.",
    )
    date_to = fields.Date("Through", help="Leave empty if no end was agreed.")

    @api.depends("kind", "product_id")
    def _compute_name(self):
        """Propose a name where none was given: of a fee that of its product, which says
        what it is for."""
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for charge in self.filtered(lambda charge: not charge.name):
            proposed = kinds.get(charge.kind)
            if charge.kind == "fee":
                # How it is called is printed on the buyers' invoices.
                proposed = charge.product_id.sudo().name
            charge.name = proposed

    @api.depends("partner_id", "cycle_id", "company_id")
    @api.depends_context("lang")
    def _compute_applies_to(self):
        for charge in self:
            target = charge.partner_id or charge.cycle_id or charge.company_id
            charge.applies_to = target.display_name

    @api.constrains("partner_id", "cycle_id")
    def _check_target(self):
        for charge in self:
            if charge.partner_id and charge.cycle_id:
                raise ValidationError(
                    self.env._(
                        "%s: choose either a buyer or a billing cycle, not both.",
                        charge.name,
                    )
                )
            buyer = charge.partner_id.commercial_partner_id
            if charge.partner_id != buyer:
                raise ValidationError(
                    self.env._(
                        "%(charge)s: %(contact)s is billed as %(buyer)s. Choose"
                        " %(buyer)s instead.",
                        charge=charge.name,
                        contact=charge.partner_id.display_name,
                        buyer=buyer.display_name,
                    )
                )

    @api.constrains("kind", "amount", "percent", "tier_ids")
    def _check_figures(self):
        for charge in self:
            # What is not a number is in no range.
            if charge.kind in ("fee", "minimum") and not 0 < charge.amount < 1e12:
                raise ValidationError(
                    self.env._("%s: enter an amount above zero.", charge.name)
                )
            if charge.kind == "discount" and not 0 < charge.percent <= 100:
                raise ValidationError(
                    self.env._(
                        "%s: enter a discount above 0 and up to 100 percent.",
                        charge.name,
                    )
                )
            if charge.kind == "tier" and not (charge.tier_mode and charge.tier_ids):
                raise ValidationError(
                    self.env._(
                        "%s: enter the number of leads from which each price applies.",
                        charge.name,
                    )
                )

    @api.constrains("date_from", "date_to")
    def _check_dates(self):
        for charge in self:
            if charge.date_to and charge.date_to < charge.date_from:
                raise ValidationError(
                    self.env._(
                        "%s: the start date must be on or before the end date.",
                        charge.name,
                    )
                )

    @api.constrains(
        "active",
        "company_id",
        "currency_id",
        "cycle_id",
        "date_from",
        "date_to",
        "kind",
        "lead_type_id",
        "partner_id",
    )
    def _check_alone(self):
        """Refuse two charges of which none is more specific than the other."""
        for charge in self.filtered("active"):
            if other := charge._find_alike(charge.partner_id):
                raise ValidationError(
                    self.env._(
                        "“%(other)s” is already agreed for the same kind, lead type,"
                        " currency and days. End it first, or choose other days.",
                        other=other.name,
                    )
                )

    def _find_alike(self, partners):
        """Return another charge of these buyers, or of all where none is given, that is
        agreed for the same as this one on some day; empty without one."""
        self.ensure_one()
        return self.search(
            [
                ("id", "!=", self.id),
                ("partner_id", "in", partners.ids or [False]),
                (
                    "date_from",
                    "<=",
                    self.date_to or fields.Date.to_date("9999-12-31"),
                ),
                "|",
                ("date_to", "=", False),
                ("date_to", ">=", self.date_from),
                *(
                    (name, "=", self[name].id)
                    for name in (
                        "company_id",
                        "currency_id",
                        "cycle_id",
                        "lead_type_id",
                    )
                ),
                ("kind", "=", self.kind),
            ],
            limit=1,
        )

    def copy_data(self, default=None):
        """Archive copies until somebody has said what is different in them: two that
        are alike cannot be agreed at once."""
        vals_list = super().copy_data(default)
        if "active" not in (default or {}):
            for vals in vals_list:
                vals["active"] = False
        return vals_list

    def write(self, vals):
        """Keep what a charge is, once it was billed; what is agreed next is another.

        :raises UserError: naming the charge
        """
        self.filtered(
            lambda charge: changes(charge, vals, IDENTITY_FIELDS)
        )._check_not_billed()
        if "tier_ids" in vals:
            charges = self.with_context(lead_steps_of_charge=True)
            return super(LeadBillingCharge, charges).write(vals)
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_billed(self):
        self._check_not_billed()

    def _check_can_change_company(self):
        self._check_not_billed()

    def _check_not_billed(self):
        """Refuse to change what explains invoices.

        :raises UserError: naming the charge
        """
        if not self:
            return
        # Whether there is one is all that is told.
        billed = self.env["lead.billed.charge"].sudo()
        if row := billed.search([("charge_id", "in", self.ids)], limit=1):
            raise UserError(
                self.env._(
                    "“%s” has already been billed. Enter the last day that it applies,"
                    " and add another charge from the next day on.",
                    row.charge_id.name,
                )
            )

    # Which charges apply

    def _get_winners(self, partner, cycle, day):
        """Return those of these charges of one company that apply to a buyer on a day:
        of each kind and lead type, the most specific ones.

        :param partner: the commercial entity that is billed
        :param cycle: the cycle that bills it, if any
        :param day: the last day of a period
        """
        levels = defaultdict(self.browse)
        for charge in self:
            if charge.partner_id and charge.partner_id != partner:
                continue
            if charge.cycle_id and charge.cycle_id != cycle:
                continue
            if charge._applies_on(day):
                level = 0 if charge.partner_id else 1 if charge.cycle_id else 2
                levels[charge.kind, charge.lead_type_id, level] += charge
        winners = self.browse()
        for kind, lead_type, level in levels:
            if not any((kind, lead_type, lower) in levels for lower in range(level)):
                winners += levels[kind, lead_type, level]
        return winners

    def _applies_on(self, day):
        """Tell whether this is agreed for a day, and not archived."""
        self.ensure_one()
        return self.active and self.date_from <= day <= (self.date_to or day)
