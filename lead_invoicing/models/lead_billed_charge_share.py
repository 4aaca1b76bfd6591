from odoo import fields, models

from ..tools.protected_fields import EngineOnly


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
