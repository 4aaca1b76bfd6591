from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, date_utils

from ..models.lead_sale import behind_sql
from ..tools.context_values import read_day, read_moment
from .lead_unbilled import flush_depends
from .lead_unbilled_as_at import ALL_KNOWN, WAS_NOT_WAIVED

# What a month-end close tells of the transactions, in the order in which it adds up:
# unbilled at the start, with what was sold, returned and corrected, less what was
# waived and billed, with what was released, is unbilled at the end.
CLOSE_FIGURES = [
    ("opening", "Unbilled at the start"),
    ("sold", "Sold"),
    ("returned", "Returned"),
    ("corrected", "Price corrections"),
    ("waived", "Waived"),
    ("billed", "Billed"),
    ("released", "Released from reversed invoices"),
    ("closing", "Unbilled at the end"),
    ("deferred", "Deferred to the next month"),
    ("credited", "Credited"),
]
# How each of them counts in that sum; those without are told beside it.
CLOSE_SIGNS = {
    "opening": 1,
    "sold": 1,
    "returned": 1,
    "corrected": 1,
    "waived": -1,
    "billed": -1,
    "released": 1,
}
# What would be unbilled at the end if nothing was billed or released in the month.
_EXPECTED = "(at_start OR kind IS NOT NULL AND NOT waived)"
# Which transactions each of them counts. ``kind`` is what was recorded in the month.
# What was released in it and ends as it began was billed in it, too: before, or again.
_CONDITIONS = {
    "opening": "at_start",
    "sold": "kind = 'sale'",
    "returned": "kind = 'return'",
    "corrected": "kind = 'correction'",
    "waived": "waived",
    "billed": f"({_EXPECTED} AND NOT at_end OR released AND {_EXPECTED} = at_end)",
    "released": f"(at_end AND NOT {_EXPECTED} OR released AND {_EXPECTED} = at_end)",
    "closing": "at_end",
    "deferred": "at_end AND kind IS NOT NULL",
    "credited": "credited",
}


class LeadSale(models.Model):
    """What became of transactions in a month: the figures of the month-end close.

    Month and moment of knowing come from the context, ``lead_close_month``, a day of
    it, and ``lead_close_known_at``.
    """

    _inherit = "lead.sale"

    close_figure = fields.Selection(
        CLOSE_FIGURES,
        "Month-End Close",
        compute="_compute_close_figure",
        search="_search_close_figure",
        groups="lead_invoicing.group_user",
        help="For searching: what became of the transaction in the month that the"
        " context has as lead_close_month. It can be several of these.",
    )

    def _compute_close_figure(self):
        # A transaction can be in several figures: they are for searching.
        self.close_figure = False

    @api.model
    def _search_close_figure(self, operator, value):
        if operator != "in":
            return NotImplemented
        month = read_day(
            self.env, self.env._("Month"), self.env.context.get("lead_close_month")
        )
        known_at = read_moment(
            self.env,
            self.env._("Based on data through"),
            self.env.context.get("lead_close_known_at"),
        )
        month = month or self.env.company._get_lead_today()
        flush_depends(self.env["lead.unbilled.as.at"])
        behind = SQL(
            "(SELECT id FROM (%s) closed WHERE %s)",
            SQL(" UNION ALL ").join(
                self._get_close_transactions_sql(company, month, known_at)
                for company in self.env.companies
            ),
            SQL(" OR ").join(
                SQL("(%s)", SQL(_CONDITIONS[figure]))
                for figure in value
                if figure in _CONDITIONS
            )
            or SQL("FALSE"),
        )
        return Domain.custom(
            to_sql=lambda model, alias, query: SQL(
                "%s IN %s", SQL.identifier(alias, "id"), behind
            )
        )

    @api.model
    def _get_close_sql(self, month, known_at):
        """Return the query for the figures of a month in the current company: buyer,
        lead type, currency, figure, number and sum of the transactions.

        :param date month: a day of the month, in the company's billing time zone
        :param datetime known_at: naive UTC; None: all that is known now
        """
        figures = SQL(", ").join(
            SQL("(%s, %s)", figure, SQL(condition))
            for figure, condition in _CONDITIONS.items()
        )
        return SQL(
            """
            SELECT partner_id, lead_type_id, currency_id, figure,
                   sum(number)::int AS sale_count, sum(amount) AS amount
              FROM (SELECT partner_id, lead_type_id, currency_id, kind, at_start,
                           at_end, waived, credited, released, count(*) AS number,
                           sum(amount) AS amount
                      FROM (%s) closed
                     GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9) alike
             CROSS JOIN LATERAL (VALUES %s) AS told(figure, holds)
             WHERE holds
             GROUP BY partner_id, lead_type_id, currency_id, figure
            """,
            self._get_close_transactions_sql(self.env.company, month, known_at),
            figures,
        )

    @api.model
    def _get_close_transactions_sql(self, company, month, known_at):
        """Return the query for the transactions that a month tells of in a company, one
        row for each, with what is asked by the conditions of the figures."""
        first, last = date_utils.get_month(month)
        unbilled = self.env["lead.unbilled.as.at"]
        before = first - timedelta(days=1)
        # What was unbilled when the month began and when it ended, what was recorded
        # in it, and what was credited and released in it?
        return SQL(
            """
            SELECT id, partner_id, lead_type_id, currency_id, amount,
                   bool_or(at_start) AS at_start, bool_or(at_end) AS at_end,
                   max(kind) AS kind, bool_or(waived) AS waived,
                   bool_or(credited) AS credited, bool_or(released) AS released
              FROM (
                   SELECT id, partner_id, lead_type_id, currency_id, amount,
                          TRUE AS at_start, FALSE AS at_end, NULL AS kind,
                          FALSE AS waived, FALSE AS credited, FALSE AS released
                     FROM (%(at_start)s) at_start
                    UNION ALL
                   SELECT id, partner_id, lead_type_id, currency_id, amount,
                          FALSE, TRUE, NULL, FALSE, FALSE, FALSE
                     FROM (%(at_end)s) at_end
                    UNION ALL
                   (%(recorded)s)
                    UNION ALL
                   (%(credited)s)
                    UNION ALL
                   (%(released)s)) told
             GROUP BY id, partner_id, lead_type_id, currency_id, amount
            """,
            at_start=unbilled._get_company_sql(company, before, known_at),
            at_end=unbilled._get_company_sql(company, last, known_at),
            recorded=self._get_close_recorded_sql(company, first, last, known_at),
            credited=self._get_close_credited_sql(company, first, last, known_at),
            released=self._get_close_released_sql(company, first, last, known_at),
        )

    @api.model
    def _get_close_recorded_sql(self, company, first, last, known_at):
        # What was recorded for these days, and was it waived?
        return SQL(
            """
            SELECT sale.id, sale.commercial_partner_id, sale.lead_type_id,
                   sale.currency_id, sale.amount, FALSE, FALSE,
                   CASE WHEN sale.corrected_sale_id IS NULL
                        THEN sale.transaction_type ELSE 'correction' END,
                   NOT %(was_not_waived)s, FALSE, FALSE
              FROM lead_sale sale
              LEFT JOIN (%(decided)s) decided ON decided.sale_id = sale.id
             WHERE sale.company_id = %(company)s
               AND sale.date >= %(start)s AND sale.date < %(end)s
               AND sale.create_date <= %(known_at)s
            """,
            was_not_waived=WAS_NOT_WAIVED,
            decided=self.env["lead.unbilled.as.at"]._get_decided_sql(company, known_at),
            company=company.id,
            start=company._get_lead_day_start(first),
            end=company._get_lead_day_start(last + timedelta(days=1)),
            known_at=known_at or ALL_KNOWN,
        )

    @api.model
    def _get_close_credited_sql(self, company, first, last, known_at):
        # Which transactions are behind documents of which nothing is left since the
        # last of their credit notes, one of these days, as far as was known? Credit
        # notes of earlier versions do not say when they were posted.
        return SQL(
            """
            SELECT behind.id, behind.commercial_partner_id, behind.lead_type_id,
                   behind.currency_id, behind.amount, FALSE, FALSE, NULL, FALSE, TRUE,
                   FALSE
              FROM (%(behind)s) behind
              JOIN (
                   SELECT move.id
                     FROM account_move move
                     JOIN account_move reversal ON reversal.reversed_entry_id = move.id
                    WHERE move.company_id = %(company)s
                      AND move.lead_credited
                      AND reversal.state = 'posted'
                      AND reversal.lead_run_id IS NULL
                    GROUP BY move.id
                   HAVING max(reversal.date) BETWEEN %(first)s AND %(last)s
                      AND max(COALESCE(reversal.lead_posted_at,
                                       reversal.create_date)) <= %(known_at)s) credited
                   ON credited.id = behind.move_id
             WHERE behind.create_date <= %(known_at)s
            """,
            behind=behind_sql(),
            company=company.id,
            first=first,
            last=last,
            known_at=known_at or ALL_KNOWN,
        )

    @api.model
    def _get_close_released_sql(self, company, first, last, known_at):
        # Which transactions were released on these days from documents in the books?
        return SQL(
            """
            SELECT sale.id, sale.commercial_partner_id, sale.lead_type_id,
                   sale.currency_id, sale.amount, FALSE, FALSE, NULL, FALSE, FALSE, TRUE
              FROM lead_sale_release release
              JOIN lead_sale sale ON sale.id = release.sale_id
              JOIN account_move move ON move.id = release.invoice_id
              LEFT JOIN (%(decided)s) decided ON decided.sale_id = sale.id
             WHERE release.company_id = %(company)s
               AND release.create_date >= %(start)s AND release.create_date < %(end)s
               AND release.create_date <= %(known_at)s
               AND move.date <= %(last)s
               AND move.lead_posted_at <= %(known_at)s
               AND %(was_not_waived)s
            """,
            decided=self.env["lead.unbilled.as.at"]._get_decided_sql(company, known_at),
            company=company.id,
            start=company._get_lead_day_start(first),
            end=company._get_lead_day_start(last + timedelta(days=1)),
            last=last,
            known_at=known_at or ALL_KNOWN,
            was_not_waived=WAS_NOT_WAIVED,
        )
