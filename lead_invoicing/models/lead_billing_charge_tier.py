from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..tools.protected_fields import changes
from ..tools.storable import check_storable_numbers


class LeadBillingChargeTier(models.Model):
    """A step of volume prices: what a lead costs from a number of leads on."""

    _name = "lead.billing.charge.tier"
    _description = "Step of Volume Prices"
    _order = "charge_id, from_count, id"

    charge_id = fields.Many2one(
        "lead.billing.charge", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="charge_id.company_id")
    currency_id = fields.Many2one(related="charge_id.currency_id")
    from_count = fields.Integer("From Number of Leads", required=True, default=1)
    price = fields.Monetary(
        help="Price of each lead; one that costs less keeps its own price."
    )
    percent = fields.Float("Discount (%)", digits=(16, 4))

    _from_count_uniq = models.UniqueIndex(
        "(charge_id, from_count)", "There is already a price from this number of leads."
    )

    @api.constrains("from_count", "price", "percent")
    def _check_figures(self):
        for tier in self:
            if tier.from_count < 1:
                raise ValidationError(
                    self.env._("A volume price applies from 1 lead or more.")
                )
            # What is not a number is in no range.
            is_price = 0 < tier.price < 1e12 and not tier.percent
            is_percent = 0 < tier.percent <= 100 and not tier.price
            if not (is_price or is_percent):
                raise ValidationError(
                    self.env._(
                        "From %s leads: enter either a price above zero, or a discount"
                        " above 0 and up to 100 percent.",
                        tier.from_count,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        """Refuse numbers before PostgreSQL does."""
        for vals in vals_list:
            check_storable_numbers(self, vals)
        return super().create(vals_list)

    def write(self, vals):
        """Write values; a step stays with its charge.

        :raises UserError: for another charge, or numbers that PostgreSQL refuses
        """
        check_storable_numbers(self, vals)
        if any(changes(tier, vals, {"charge_id"}) for tier in self):
            raise UserError(
                self.env._(
                    "A volume price cannot be moved to another charge. Delete it here,"
                    " and add it there."
                )
            )
        return super().write(vals)

    def unlink(self):
        """Delete steps, but not all of a charge that rests on them.

        :raises ValidationError: naming the charge
        """
        charges = self.charge_id
        res = super().unlink()
        # Where a form replaces all steps, the charge is checked after the last change.
        if not self.env.context.get("lead_steps_of_charge"):
            charges.exists()._check_figures()
        return res
