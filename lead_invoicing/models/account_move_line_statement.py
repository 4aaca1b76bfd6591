from odoo import fields, models
from odoo.tools import SQL

from ..tools.protected_fields import changes

# What decides whose money an item is, and how much.
MONEY_FIELDS = {
    "account_id",
    "amount_currency",
    "balance",
    "company_id",
    "credit",
    "currency_id",
    "debit",
    "move_id",
    "partner_id",
}


class AccountMoveLine(models.Model):
    """Which statement of a prepaid buyer carries an item: a link, not a date, so that
    one that is dated back is on the next."""

    _inherit = "account.move.line"

    lead_statement_id = fields.Many2one(
        "lead.statement",
        "Statement of the Balance",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        groups="base.group_user",
    )

    def write(self, vals):
        """Take back what changes in the books, so that the next statement tells."""
        if MONEY_FIELDS & vals.keys():
            # Whoever may change it has this written down.
            lines = self.sudo().filtered(
                lambda line: line.parent_state == "posted" and line.lead_statement_id
            )
            lines.filtered(
                lambda line: changes(line, vals, MONEY_FIELDS)
            )._take_back_from_lead_statements()
        return super().write(vals)

    def unlink(self):
        """Take back what is deleted from the books, so that the next statement
        tells."""
        # Whoever may delete it has this written down.
        self.sudo()._take_back_from_lead_statements()
        return super().unlink()

    def _take_back_from_lead_statements(self):
        """Record that those of these items that statements carry leave the books, and
        are on no statement any longer."""
        if not self.ids:
            return
        self.flush_recordset(["amount_currency"])
        # Which of these does a statement carry?
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id FROM account_move_line
                 WHERE id IN %s AND lead_statement_id IS NOT NULL
                """,
                tuple(self.ids),
            )
        )
        if not rows:
            return
        lines = self.browse([line_id for (line_id,) in rows])
        # Whoever may take them out of the books has this written down.
        self.env["lead.statement.taken.back"].sudo()._log(lines)
        self.env.execute_query(
            SQL(
                """
                UPDATE account_move_line SET lead_statement_id = NULL
                 WHERE id IN %s RETURNING id
                """,
                tuple(lines.ids),
            )
        )
        lines.invalidate_recordset(["lead_statement_id"])
