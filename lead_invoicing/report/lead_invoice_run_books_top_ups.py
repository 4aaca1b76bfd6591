from odoo import api, models
from odoo.tools.translate import LazyTranslate

from .books_rules import Rule

_lt = LazyTranslate(__name__)

TOP_UP_RULES = [
    Rule(
        "top_up_without_deposit",
        "lead.top.up",
        _lt(
            "Top-up requests are marked as paid, although no money of their buyers"
            " with their reference is in the books; or the other way around. Look at"
            " what paid them."
        ),
        """
        SELECT request.id
          FROM lead_top_up request
          LEFT JOIN account_move move ON move.id = request.move_id
         WHERE request.company_id = ANY(%(companies)s)
           AND (request.state = 'paid') != (
               COALESCE(move.state, '') = 'posted' AND EXISTS (
                   SELECT FROM account_move_line line
                     JOIN account_account account ON account.id = line.account_id
                    WHERE line.move_id = move.id AND line.balance < 0
                      AND account.account_type = 'asset_receivable'
                      AND line.partner_id IS NOT NULL
                      -- The buyer may have left the entity that it was booked on.
                      AND (request.state = 'paid'
                           OR line.partner_id = request.partner_id)
                      AND line.company_id = request.company_id))
        """,
    ),
]


class LeadInvoiceRun(models.Model):
    """What always holds of top-up requests."""

    _inherit = "lead.invoice.run"

    @api.model
    def _get_books_rules(self):
        return [*super()._get_books_rules(), *TOP_UP_RULES]
