from odoo import api, fields, models
from odoo.exceptions import UserError

ADDRESS_FIELDS = ("street", "city", "zip", "state_id", "country_id")


class LeadInvoiceRunFix(models.TransientModel):
    """Just what keeps one buyer from being invoiced, or its documents from reaching it;
    on saving, the buyer is invoiced again, or the documents are sent again.

    What is wrong is looked up as it is now, by the rules that refuse: what somebody has
    fixed since is not asked for. Where no field is known for it, the sentence stands
    alone, with a link to the buyer.
    """

    _name = "lead.invoice.run.fix"
    _description = "Fix What Keeps a Buyer From Being Invoiced"

    item_id = fields.Many2one(
        "lead.invoice.run.buyer", required=True, readonly=True, ondelete="cascade"
    )
    # Who may not see an item is told nothing of it, whatever they name here.
    company_id = fields.Many2one(related="item_id.company_id", related_sudo=False)
    partner_id = fields.Many2one(related="item_id.partner_id", related_sudo=False)
    problem = fields.Text(related="item_id.problem", related_sudo=False)
    kinds = fields.Char(
        compute="_compute_kinds", help="What can be fixed here, separated by commas."
    )
    is_failed = fields.Boolean(compute="_compute_kinds")
    # A hold
    remove_hold = fields.Boolean("Remove the Hold", default=True)
    # An account of the buyer
    receivable_account_id = fields.Many2one(
        "account.account",
        domain="[('account_type', '=', 'asset_receivable')]",
        check_company=True,
    )
    # An account of what it bought
    product_id = fields.Many2one("product.product", compute="_compute_kinds")
    income_account_id = fields.Many2one(
        "account.account",
        domain="[('internal_group', '=', 'income')]",
        check_company=True,
    )
    # Where its documents go
    address_id = fields.Many2one("res.partner", compute="_compute_kinds")
    email = fields.Char()
    street = fields.Char()
    city = fields.Char()
    zip = fields.Char("ZIP")
    state_id = fields.Many2one(
        "res.country.state", domain="[('country_id', '=?', country_id)]"
    )
    country_id = fields.Many2one("res.country")

    @api.model
    def default_get(self, fields):
        """Fill in the address as the contact has it."""
        defaults = super().default_get(fields)
        item = self.env["lead.invoice.run.buyer"].browse(defaults.get("item_id"))
        address = item._get_unreached_contact()
        for name in ("email", *ADDRESS_FIELDS):
            if name in fields and address:
                field = address._fields[name]
                defaults[name] = field.convert_to_write(address[name], address)
        return defaults

    @api.depends("item_id")
    def _compute_kinds(self):
        for fix in self:
            item = fix.item_id
            fix.is_failed = item.state == "failed"
            kinds = item._get_fixable_kinds()
            fix.kinds = ",".join(kinds)
            fix.product_id = kinds.get("income")
            fix.address_id = kinds.get("email") or kinds.get("address")

    # Actions

    def action_save(self):
        """Write what was filled in, and let the buyer be invoiced, or the documents be
        sent, again.

        :raises AccessError: for users without rights in Lead Invoicing
        """
        self.ensure_one()
        item = self.item_id
        item.check_access("read")
        for kind in filter(None, self.kinds.split(",")):
            getattr(self, f"_fix_{kind}")()
        if item.state == "failed":
            item.action_retry()
        undelivered = item._get_undelivered_documents()
        if undelivered:
            undelivered.action_lead_resend()
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    def action_view_partner(self):
        """Open the buyer: what is wrong has no field here."""
        return self.item_id.action_view_partner()

    def _fix_hold(self):
        if self.remove_hold:
            self.item_id._get_buyer().lead_billing_hold = False

    def _fix_receivable(self):
        buyer = self.item_id._get_buyer()
        buyer.property_account_receivable_id = self._require(
            self.receivable_account_id, "receivable_account_id"
        )

    def _fix_income(self):
        account = self._require(self.income_account_id, "income_account_id")
        if account.internal_group != "income" or not account.active:
            raise UserError(self.env._("Choose an income account that is in use."))
        # Clerks do not keep products. This is the product of a lead type, whose account
        # in this company is missing or archived: nothing that works is changed.
        product = self.product_id.sudo().with_company(self.company_id)
        product.property_account_income_id = account

    def _fix_email(self):
        self.address_id.email = self._require(self.email, "email").strip()

    def _fix_address(self):
        values = {}
        for name in ADDRESS_FIELDS:
            field = self._fields[name]
            values[name] = field.convert_to_write(self[name], self)
        self.address_id.write(values)

    def _require(self, value, name):
        if not value:
            raise UserError(
                self.env._(
                    "Fill in: %s.", self._fields[name]._description_string(self.env)
                )
            )
        return value
