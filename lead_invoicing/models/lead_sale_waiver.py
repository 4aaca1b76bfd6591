from odoo import api, fields, models

from ..tools.protected_fields import AppendOnly


class LeadSaleWaiver(AppendOnly, models.Model):
    """Append-only record of who waived a transaction or took that back, when and why:
    a person by a decision, or by posting a credit note of its sale's invoice.

    A transaction that is waived as it is recorded says so by itself.
    """

    _name = "lead.sale.waiver"
    _description = "Waiver of a Lead Transaction"
    _order = "id desc"
    _rec_name = "sale_id"

    sale_id = fields.Many2one(
        "lead.sale", "Transaction", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one("res.company", required=True)
    waived = fields.Boolean(help="Off if the waiver was undone.")
    reason = fields.Char(required=True)
    own_reason = fields.Char(
        "Reason Before", help="What the transaction itself gave as its reason."
    )
    with_sale = fields.Boolean(
        "With Its Sale", help="This return followed the sale that it belongs to."
    )

    @api.model
    def _get_last(self, sales):
        """Return what was decided last on each of these transactions, if anything."""
        last = {}
        for waiver in self.search([("sale_id", "in", sales.ids)], order="id"):
            last[waiver.sale_id.id] = waiver
        return last
