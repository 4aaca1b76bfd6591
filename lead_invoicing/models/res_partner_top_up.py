from odoo import models
from odoo.exceptions import UserError
from odoo.tools import float_is_zero

from .res_partner_guard import MAX_AMOUNT


class ResPartner(models.Model):
    """Who can pay in, and how much."""

    _inherit = "res.partner"

    def _get_lead_top_up_refusal(self):
        """Return why this buyer cannot pay in at the current company, as a sentence for
        the buyer; empty if it can."""
        self.ensure_one()
        if self.lead_billing_mode != "prepaid":
            return self.env._(
                "Only buyers who prepay have a balance to top up. Invoices are paid"
                " when they are due."
            )
        if self.lead_closing_id:
            return self.env._("This account is closed, so no funds can be added.")
        return ""

    def _check_lead_top_up_amount(self, amount, currency, minimum=0.0):
        """Check what is to be paid in.

        :param minimum: the smallest amount, in the same currency
        :raises UserError: if it is no such amount
        """
        # What is not a number is in no range.
        if not 0 < amount <= MAX_AMOUNT or not float_is_zero(
            currency.round(amount) - amount, precision_digits=6
        ):
            raise UserError(
                self.env._(
                    "Enter an amount above zero, in whole units or with the decimals of"
                    " %s.",
                    currency.name,
                )
            )
        if currency.compare_amounts(amount, minimum) < 0:
            raise UserError(
                self.env._("The smallest amount is %s.", currency.format(minimum))
            )

    def action_request_lead_top_up(self):
        """Open a new top-up request for this buyer."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Top-Up Request"),
            "res_model": "lead.top.up",
            "view_mode": "form",
            "context": {"default_partner_id": self.commercial_partner_id.id},
        }
