from odoo import api, fields, models
from odoo.tools import SQL

from ..tools.protected_fields import AppendOnly


class LeadStatementTakenBack(AppendOnly, models.Model):
    """Append-only record of what a statement carried and has left the books since: a
    document, a payment or an entry that was set to draft, canceled or deleted.

    Nothing of it changes but which statement tells of it, which is written once.
    """

    _name = "lead.statement.taken.back"
    _description = "Taken Back From a Statement"
    _order = "id desc"
    _rec_name = "document"

    statement_id = fields.Many2one(
        "lead.statement", required=True, index=True, ondelete="restrict"
    )
    carried_id = fields.Many2one(
        "lead.statement",
        "Shown on Statement",
        index="btree_not_null",
        ondelete="restrict",
    )
    partner_id = fields.Many2one(
        "res.partner", "Buyer", required=True, index=True, ondelete="restrict"
    )
    company_id = fields.Many2one("res.company", required=True)
    currency_id = fields.Many2one("res.currency", required=True)
    document = fields.Char(required=True)
    amount = fields.Monetary(help="What its leaving adds to the buyer's money.")

    @api.model
    def _log(self, lines):
        """Record that these items, which statements carry, leave the books now.

        :param lines: ``account.move.line``
        """
        # Which statement carried what of which document?
        self.env.execute_query(
            SQL(
                """
                INSERT INTO lead_statement_taken_back
                    (statement_id, partner_id, company_id, currency_id, document,
                     amount, create_uid, create_date)
                SELECT statement.id, statement.partner_id, statement.company_id,
                       statement.currency_id, COALESCE(move.name, '/'),
                       sum(line.amount_currency), %(uid)s, %(now)s
                  FROM account_move_line line
                  JOIN account_move move ON move.id = line.move_id
                  JOIN lead_statement statement
                       ON statement.id = line.lead_statement_id
                 WHERE line.id IN %(lines)s
                 GROUP BY statement.id, move.id
             RETURNING id
                """,
                uid=self.env.uid,
                now=self.env.cr.now(),
                lines=tuple(lines.ids),
            )
        )

    @api.model
    def _carry(self, statement):
        """Write down that a statement tells of all that was taken back of its chain."""
        # What of this buyer was taken back, and is on no statement yet?
        self.env.execute_query(
            SQL(
                """
                UPDATE lead_statement_taken_back back SET carried_id = %(statement)s
                  FROM res_partner contact
                 WHERE contact.id = back.partner_id
                   AND contact.commercial_partner_id = %(buyer)s
                   AND back.company_id = %(company)s
                   AND back.currency_id = %(currency)s
                   AND back.carried_id IS NULL
             RETURNING back.id
                """,
                statement=statement.id,
                buyer=statement.partner_id.commercial_partner_id.id,
                company=statement.company_id.id,
                currency=statement.currency_id.id,
            )
        )
        self.invalidate_model(["carried_id"])
