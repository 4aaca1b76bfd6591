from odoo import api, fields, models
from odoo.tools import SQL

from ..tools.protected_fields import AppendOnly


class LeadSaleRelease(AppendOnly, models.Model):
    """Append-only record of transactions taken off a reversed document, so that the
    document still lists its rows and its money still ties out."""

    _name = "lead.sale.release"
    _description = "Released Lead Transaction"
    _order = "id desc"
    _rec_name = "sale_id"

    sale_id = fields.Many2one(
        "lead.sale", "Transaction", required=True, index=True, ondelete="restrict"
    )
    invoice_id = fields.Many2one(
        "account.move", "Document", required=True, index=True, ondelete="cascade"
    )
    invoice_line_id = fields.Many2one(
        "account.move.line", "Line", index="btree_not_null", ondelete="set null"
    )
    company_id = fields.Many2one("res.company", required=True)
    reason = fields.Char(required=True)

    @api.model
    def _log(self, moves, reason, keep=()):
        """Record that the transactions of these documents leave them now.

        :param moves: ``account.move``
        :param reason: why, in words
        :param keep: ids of transactions that stay
        """
        self.env.flush_all()
        # Which transactions are on which line of these documents?
        self.env.execute_query(
            SQL(
                """
                INSERT INTO lead_sale_release
                    (sale_id, invoice_id, invoice_line_id, company_id, reason,
                     create_uid, create_date)
                SELECT sale.id, line.move_id, line.id, sale.company_id, %s, %s, %s
                  FROM lead_sale sale
                  JOIN account_move_line line ON line.id = sale.invoice_line_id
                 WHERE line.move_id IN %s AND sale.id != ALL(%s)
             RETURNING id
                """,
                reason,
                self.env.uid,
                self.env.cr.now(),
                tuple(moves.ids),
                list(keep),
            )
        )
