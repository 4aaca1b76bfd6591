from odoo import fields, models
from odoo.tools import SQL

from ..tools.protected_fields import EngineOnly


def charge_waits_sql():
    """Return the condition on ``lead_billed_charge`` for what waits for a document:
    none was made, or its line is gone."""
    return SQL(
        "lead_billed_charge.invoice_line_id IS NULL"
        " AND lead_billed_charge.is_nothing IS NOT TRUE"
    )


class LeadBilledCharge(EngineOnly, models.Model):
    """One agreed charge of one buyer for one period: as the ledger does for a lead, one
    link, ``invoice_line_id``, says whether it is billed. Its line's deletion frees it.
    """

    _name = "lead.billed.charge"
    _description = "Billed Charge"
    _order = "period_end desc, id desc"
    _rec_name = "charge_id"

    charge_id = fields.Many2one(
        "lead.billing.charge", required=True, ondelete="restrict"
    )
    company_id = fields.Many2one("res.company", required=True)
    currency_id = fields.Many2one(related="charge_id.currency_id")
    partner_id = fields.Many2one(
        "res.partner", "Buyer", required=True, index=True, ondelete="restrict"
    )
    buyer_number = fields.Integer(
        required=True, help="The buyer's number when the period was charged first."
    )
    period_start = fields.Datetime(required=True)
    period_end = fields.Datetime(
        required=True, help="The period ends just before this moment."
    )
    part = fields.Integer(
        required=True, help="Counts the lines of one charge: one for each set of taxes."
    )
    amount = fields.Monetary(help="What its line charged, before tax.")
    is_nothing = fields.Boolean(
        "Nothing to Charge",
        help="The period was looked at, and there was nothing to charge.",
    )
    invoice_line_id = fields.Many2one("account.move.line", ondelete="set null")
    invoice_id = fields.Many2one(related="invoice_line_id.move_id", string="Invoice")

    # No partner column: a contact merge deletes what violates an index that has one.
    _period_uniq = models.UniqueIndex(
        "(charge_id, buyer_number, period_start, part)",
        "This charge has already been billed for this period.",
    )
    _invoice_line_idx = models.Index(
        "(invoice_line_id) WHERE invoice_line_id IS NOT NULL"
    )
