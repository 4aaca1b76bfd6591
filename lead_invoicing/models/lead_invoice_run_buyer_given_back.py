from odoo import models
from odoo.tools import SQL

from ..recording.ledger_gateway import history_sql
from .lead_sale import origin_sql, unbilled_sql
from .lead_sale_correction import is_left_alone_sql


class LeadInvoiceRunBuyer(models.Model):
    """Give money back once, and only what was billed."""

    _inherit = "lead.invoice.run.buyer"

    def _waive_given_back(self):
        """Waive the returns, and price corrections, of these buyers that have nothing
        to give back: their sale was credited, or is never billed.

        It is decided here, as rows are claimed. What is decided when a document is
        reversed, or a sale is waived, cannot see a return that is being recorded.
        """
        self.env.flush_all()
        # What corrects or returns what is waived now has nothing to give back either.
        while self._waive_given_back_once():
            self.env["lead.sale"].invalidate_model()

    def _waive_given_back_once(self):
        """Waive what rests on sales that are credited or waived by now.

        :return: whether there was any
        """
        company = self.run_id.company_id
        # Which waiting returns have nothing to give back? Waive them, and keep that in
        # the record.
        return self.env.execute_query(
            SQL(
                """
                WITH due AS (
                    SELECT sale.id, sale.reason,
                           COALESCE(origin_move.lead_credited, FALSE)
                               OR COALESCE(origin.waived_by_credit, FALSE) AS credited
                      FROM lead_sale sale
                      JOIN lead_sale origin ON origin.id = %(origin)s
                      LEFT JOIN account_move_line origin_line
                           ON origin_line.id = origin.invoice_line_id
                      LEFT JOIN account_move origin_move
                           ON origin_move.id = origin_line.move_id
                     WHERE sale.id IN (
                           SELECT id FROM lead_sale
                            WHERE company_id = %(company)s
                              AND commercial_partner_id IN %(buyers)s
                              AND %(unbilled)s
                              AND (amount <= 0 OR corrected_sale_id IS NOT NULL))
                       AND %(given_back)s
                ), changed AS (
                    UPDATE lead_sale SET waived = TRUE,
                           waived_by_credit = due.credited,
                           reason = COALESCE(due.reason, CASE WHEN due.credited
                                    THEN %(credited)s ELSE %(waived)s END)
                      FROM due WHERE lead_sale.id = due.id
                 RETURNING lead_sale.id
                )
                INSERT INTO lead_sale_waiver
                    (sale_id, company_id, waived, reason, own_reason, with_sale,
                     create_uid, create_date)
                SELECT due.id, %(company)s, TRUE,
                       CASE WHEN credited THEN %(credited)s ELSE %(waived)s END,
                       due.reason, NOT credited, %(uid)s, %(now)s
                  FROM due JOIN changed ON changed.id = due.id
             RETURNING id
                """,
                origin=origin_sql("sale"),
                unbilled=unbilled_sql(),
                company=company.id,
                buyers=tuple(self.partner_id.ids),
                given_back=self._get_given_back_sql(),
                credited=self.env._("already credited"),
                waived=self.env._("its sale is waived"),
                uid=self.env.uid,
                now=self.env.cr.now(),
            )
        )

    def _get_given_back_sql(self):
        """Return the condition for ``sale``, a return or half of a price correction,
        having nothing to give back: its sale, ``origin``, is on a document that was
        credited, ``origin_move``; or is waived, and was not billed elsewhere."""
        return SQL(
            """((COALESCE(origin_move.lead_credited, FALSE)
                 OR COALESCE(origin.waived AND NOT %s, FALSE))
                AND NOT %s)""",
            history_sql("origin"),
            is_left_alone_sql(),
        )

    def _get_review_reasons(self, documents, moves):
        reasons = super()._get_review_reasons(documents, moves)
        moves._link_lead_returns()
        for move, sentences in moves._get_lead_excess().items():
            reasons[move] = reasons.get(move, []) + sentences
        return reasons
