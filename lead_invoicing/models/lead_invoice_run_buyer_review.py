from collections import defaultdict

from odoo import api, models
from odoo.tools import SQL, formatLang

from .account_move import sign_sql

# So many of a buyer's last windows say what is usual for it.
PAST_WINDOWS = 6


def is_returned_sql(alias):
    """Return the condition that a sale of a table was returned in whole."""
    return SQL(
        """
        EXISTS (SELECT FROM lead_sale back
                 WHERE back.origin_id = %s AND back.price_adjustment IS NOT TRUE)
        """,
        SQL.identifier(alias, "id"),
    )


# What a lead named ``sale`` is doubtful for: that it costs nothing,
IS_FREE = SQL(
    """
    (sale.transaction_type = 'sale'
     AND COALESCE(sale.corrected_price, sale.price) = 0)
    """
)
# or that its buyer is billed for it twice. A sale that was returned, or whose document
# was reversed, was given back: its lead may be billed again, at another price for
# example.
IS_BILLED_TWICE = SQL(
    """
    (sale.transaction_type = 'sale' AND sale.lead_ref IS NOT NULL AND NOT %s
     AND EXISTS (
         SELECT FROM lead_sale other
           JOIN account_move_line other_line ON other_line.id = other.invoice_line_id
           JOIN account_move other_move ON other_move.id = other_line.move_id
          WHERE other.company_id = sale.company_id
            AND other.lead_ref = sale.lead_ref
            AND other.commercial_partner_id = sale.commercial_partner_id
            AND other.id != sale.id
            AND other.transaction_type = 'sale'
            AND other_move.lead_credited IS NOT TRUE
            AND NOT %s))
    """,
    is_returned_sql("sale"),
    is_returned_sql("other"),
)


class LeadInvoiceRunBuyer(models.Model):
    """Look at what a run made before it posts: what looks wrong stays in draft."""

    _inherit = "lead.invoice.run.buyer"

    def _keep_for_review(self, documents):
        """Keep the drafts that look wrong, each with its reason and an activity.

        :param documents: those that were made, list of :class:`PlannedDocument`
        """
        moves = self.env["account.move"].concat(*(d.move for d in documents))
        for move, sentences in self._get_review_reasons(documents, moves).items():
            if not sentences:
                continue
            move._set_lead_review("\n".join(sentences))

    def _get_review_reasons(self, documents, moves):
        """Hook: say which of these drafts a person should look at before posting.

        Another addon adds its own checks by extending the lists. All transactions are
        on their documents when it is called; it asks its questions for the whole
        batch, not document by document.

        :param documents: those that were made, list of :class:`PlannedDocument`; each
            has its draft as ``move``
        :param moves: their drafts together
        :return: {move: list of sentences for the clerk}
        """
        self.env.flush_all()
        company = self.run_id.company_id
        reasons = defaultdict(list)
        if not moves:
            return {}
        if company.lead_review_zero_price:
            self._add_zero_prices(moves, reasons)
        if company.lead_review_same_lead:
            self._add_same_leads(moves, reasons)
        if company.lead_review_volume_factor:
            self._add_volumes(moves, reasons, company.lead_review_volume_factor)
        return dict(reasons)

    def _add_zero_prices(self, moves, reasons):
        """Find the documents on which a lead costs nothing."""
        # How many sales at price zero are on each document?
        rows = self.env.execute_query(
            SQL(
                """
                SELECT line.move_id, count(*)
                  FROM account_move_line line
                  JOIN lead_sale sale ON sale.invoice_line_id = line.id
                 WHERE line.move_id IN %s AND %s
                 GROUP BY line.move_id
                """,
                tuple(moves.ids),
                IS_FREE,
            )
        )
        for move_id, count in rows:
            reasons[moves.browse(move_id)].append(
                self.env._("Leads sold at a zero price: %s.", count)
            )

    def _add_same_leads(self, moves, reasons):
        """Find the documents with a lead that this buyer is billed for twice."""
        # Which leads on each document are on it twice, or on another of this buyer's?
        rows = self.env.execute_query(
            SQL(
                """
                SELECT line.move_id, count(DISTINCT sale.lead_ref),
                       (array_agg(DISTINCT sale.lead_ref))[1:3]
                  FROM account_move_line line
                  JOIN lead_sale sale ON sale.invoice_line_id = line.id
                 WHERE line.move_id IN %s AND %s
                 GROUP BY line.move_id
                """,
                tuple(moves.ids),
                IS_BILLED_TWICE,
            )
        )
        for move_id, count, refs in rows:
            leads = ", ".join(refs) + ("…" if count > len(refs) else "")
            reasons[moves.browse(move_id)].append(
                self.env._(
                    "Leads billed to this buyer more than once: %(count)s (%(leads)s).",
                    count=count,
                    leads=leads,
                )
            )

    @api.model
    def _find_doubtful_sales(self, move):
        """Return the leads on this document that cost nothing, or that its buyer is
        billed for twice."""
        self.env.flush_all()
        # Which leads on this document are doubtful?
        rows = self.env.execute_query(
            SQL(
                """
                SELECT sale.id
                  FROM account_move_line line
                  JOIN lead_sale sale ON sale.invoice_line_id = line.id
                 WHERE line.move_id = %s AND (%s OR %s)
                """,
                move.id,
                IS_FREE,
                IS_BILLED_TWICE,
            )
        )
        return self.env["lead.sale"].browse(sale_id for (sale_id,) in rows)

    def _add_volumes(self, moves, reasons, factor):
        """Find the buyers with far more leads or money than is usual for them.

        A buyer's documents of one currency are looked at together, as its past ones
        are, however they are split. Windows of other lengths (another cycle, a run by
        hand) count by their length. A buyer without a past has nothing unusual.
        """
        # What do these documents bill, and what did the windows before on average?
        rows = self.env.execute_query(
            SQL(
                """
                WITH made AS (%(made)s)
                SELECT made.partner_id, made.currency_id, made.leads, made.amount,
                       past.leads * made.seconds / past.seconds,
                       past.amount * made.seconds / past.seconds
                  FROM made
                  JOIN LATERAL (
                      SELECT sum(leads) AS leads, sum(amount) AS amount,
                             sum(seconds) AS seconds
                        FROM (%(past)s) past_window
                  ) past ON past.seconds > 0
                 WHERE past.leads > 0
                       AND made.leads * past.seconds
                           > %(factor)s * past.leads * made.seconds
                    OR past.amount > 0
                       AND made.amount * past.seconds
                           > %(factor)s * past.amount * made.seconds
                """,
                made=self._volume_sql(
                    SQL("move.id IN %s", tuple(moves.ids)),
                    SQL("move.commercial_partner_id, move.currency_id"),
                ),
                past=self._volume_sql(
                    SQL(
                        """
                        move.commercial_partner_id = made.partner_id
                        AND move.company_id = %(company)s
                        AND move.currency_id = made.currency_id
                        AND move.lead_run_id IS NOT NULL
                        AND move.state = 'posted'
                        AND move.lead_window_end IN (
                            SELECT DISTINCT earlier.lead_window_end
                              FROM account_move earlier
                             WHERE earlier.commercial_partner_id = made.partner_id
                               AND earlier.company_id = %(company)s
                               AND earlier.currency_id = made.currency_id
                               AND earlier.lead_run_id IS NOT NULL
                               AND earlier.state = 'posted'
                               AND earlier.lead_window_end < made.window_end
                             ORDER BY earlier.lead_window_end DESC
                             LIMIT %(windows)s)
                        """,
                        company=self.run_id.company_id.id,
                        windows=PAST_WINDOWS,
                    ),
                    SQL(
                        "move.commercial_partner_id, move.currency_id,"
                        " move.lead_window_end"
                    ),
                ),
                factor=factor,
            )
        )
        by_buyer = moves.grouped(
            lambda move: (move.commercial_partner_id.id, move.currency_id.id)
        )
        for partner_id, currency_id, leads, amount, past_leads, past_amount in rows:
            currency = self.env["res.currency"].browse(currency_id)
            sentence = self.env._(
                "Unusually high for this buyer: leads purchased %(leads)s, amount"
                " %(amount)s. Average of recent billing periods: leads purchased"
                " %(past_leads)s, amount %(past_amount)s.",
                leads=leads,
                amount=formatLang(self.env, float(amount), currency_obj=currency),
                past_leads=formatLang(self.env, float(past_leads), digits=1),
                past_amount=formatLang(
                    self.env, float(past_amount), currency_obj=currency
                ),
            )
            for move in by_buyer[partner_id, currency_id]:
                reasons[move].append(sentence)

    def _volume_sql(self, where, group_by):
        """Return the query for leads purchased, amount and length of the window of
        the documents that ``where`` selects, by ``group_by``."""
        return SQL(
            """
            SELECT move.commercial_partner_id AS partner_id, move.currency_id,
                   max(move.lead_window_end) AS window_end,
                   sum(CASE WHEN line.lead_transaction_type = 'sale'
                            THEN line.lead_count ELSE 0 END) AS leads,
                   sum(%(sign)s * line.quantity * line.price_unit
                       * (1 - COALESCE(line.discount, 0) / 100)) AS amount,
                   EXTRACT(EPOCH FROM max(move.lead_window_end)
                                      - min(move.lead_window_start)) AS seconds
              FROM account_move move
              JOIN account_move_line line ON line.move_id = move.id
             WHERE line.lead_type_id IS NOT NULL AND %(where)s
             GROUP BY %(group_by)s
            """,
            sign=sign_sql("move"),
            where=where,
            group_by=group_by,
        )
