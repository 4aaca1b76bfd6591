from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .res_partner_guard import MAX_AMOUNT


class ResCompany(models.Model):
    """What prepaid buyers can pay in."""

    _inherit = "res.company"

    lead_top_up_currency_id = fields.Many2one(
        "res.currency",
        "Top-Up Currency",
        help="The currency in which prepaid buyers add funds. Leave empty for the"
        " company's currency.",
        groups="base.group_user",
    )
    lead_top_up_minimum = fields.Float(
        "Smallest Top-Up",
        help="Buyers cannot add less than this at a time in their portal. Enter 0 for"
        " no limit.",
        groups="base.group_user",
    )

    @api.constrains("lead_top_up_minimum")
    def _check_lead_top_up_minimum(self):
        for company in self:
            # What is not a number is in no range.
            if not 0 <= company.lead_top_up_minimum <= MAX_AMOUNT:
                raise ValidationError(
                    self.env._("Smallest Top-Up: enter an amount that is not negative.")
                )

    def _get_lead_top_up_minimum(self):
        """Return the smallest amount that this company's buyers pay in."""
        # It is no secret to who pays.
        return self.sudo().lead_top_up_minimum

    def _get_lead_top_up_currency(self):
        """Return the currency in which this company's buyers pay in."""
        # It is no secret to who pays.
        return self.sudo().lead_top_up_currency_id or self.currency_id
