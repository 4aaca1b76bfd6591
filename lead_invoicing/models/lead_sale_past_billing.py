from odoo import api, fields, models
from odoo.tools import SQL

from ..tools.protected_fields import AppendOnly


class LeadSalePastBilling(AppendOnly, models.Model):
    """Append-only record of transactions that were on a posted document until it left
    the books: it was set to draft, cancelled or deleted. Made when that happens; what
    was unbilled at a past moment is told from it.

    A document that is reversed stays in the books; what is released from it is in
    ``lead.sale.release``.
    """

    _name = "lead.sale.past.billing"
    _description = "Past Billing of a Lead Transaction"
    _order = "id desc"
    _rec_name = "document"

    sale_id = fields.Many2one(
        "lead.sale", "Transaction", required=True, index=True, ondelete="restrict"
    )
    company_id = fields.Many2one("res.company", required=True)
    document = fields.Char(required=True, help="Number of the document.")
    date = fields.Date("Accounting Date", required=True)
    posted_at = fields.Datetime("Posted On", required=True)

    @api.model
    def _log(self, lines):
        """Record that the transactions on these lines leave the books now.

        :param lines: ``account.move.line`` of posted documents of runs
        """
        if not lines:
            return
        self.env.flush_all()
        # Which transactions are on these lines, and since when are they in the books?
        self.env.execute_query(
            SQL(
                """
                INSERT INTO lead_sale_past_billing
                    (sale_id, company_id, document, date, posted_at, create_uid,
                     create_date)
                SELECT sale.id, sale.company_id, move.name, move.date,
                       move.lead_posted_at, %(uid)s, %(now)s
                  FROM lead_sale sale
                  JOIN account_move_line line ON line.id = sale.invoice_line_id
                  JOIN account_move move ON move.id = line.move_id
                 WHERE line.id IN %(lines)s
             RETURNING id
                """,
                uid=self.env.uid,
                now=self.env.cr.now(),
                lines=tuple(lines.ids),
            )
        )
