from odoo import fields, models
from odoo.tools import SQL

from ..tools.protected_fields import EngineOnly

# The shares of leads in charges that are on documents, and were not credited.
LIVE_SHARES = SQL(
    """
    SELECT share.sale_id, share.amount, share.base, share.step_price,
           billed.id AS billed_id, billed.charge_id, line.move_id
      FROM lead_billed_charge_share share
      JOIN lead_billed_charge billed ON billed.id = share.billed_id
      JOIN account_move_line line ON line.id = billed.invoice_line_id
      JOIN account_move move ON move.id = line.move_id
     WHERE move.lead_credited IS NOT TRUE
    """
)


class LeadBilledChargeShare(EngineOnly, models.Model):
    """By how much volume prices or a discount lowered the price of one lead: what a
    later return of it does not give back."""

    _name = "lead.billed.charge.share"
    _description = "Share of a Lead in a Charge"
    _rec_name = "sale_id"

    billed_id = fields.Many2one(
        "lead.billed.charge", required=True, index=True, ondelete="cascade"
    )
    sale_id = fields.Many2one(
        "lead.sale", "Transaction", required=True, index=True, ondelete="cascade"
    )
    amount = fields.Float(
        digits=0, help="Exact, as a part of a total that is rounded once."
    )
    base = fields.Float(
        digits=0,
        help="What was left to return of the lead's price when it was worked out.",
    )
    step_price = fields.Float(
        digits=0,
        help="The price of each lead on its step of volume prices, if that has one:"
        " what a later correction of the lead's price keeps.",
    )
