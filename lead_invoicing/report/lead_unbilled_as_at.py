from datetime import datetime, timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..models.lead_sale import unbilled_sql
from ..tools.context_values import read_day, read_moment
from .lead_unbilled import AGES, SALE_FIELDS, get_age_domain, get_age_sql

# Later than anything that is known.
ALL_KNOWN = datetime.max.replace(microsecond=0)
# A waiver that came later tells that there was none before, and its undoing that there
# was one.
WAS_NOT_WAIVED = SQL("COALESCE(decided.waived, sale.waived IS NOT TRUE)")


class LeadUnbilledAsAt(models.Model):
    """What was unbilled at the end of a past day: month end's accrual.

    The day and the moment of knowing come from the context, ``unbilled_as_at`` and
    ``unbilled_known_at``. The definition is with
    :meth:`LeadSale._read_unbilled_as_at`.
    """

    _name = "lead.unbilled.as.at"
    _description = "Unbilled Leads as of a Date"
    _auto = False
    _order = "partner_id, lead_type_id, id"
    _rec_name = "partner_id"
    _depends = {
        "lead.sale": SALE_FIELDS,
        "lead.sale.past.billing": ["date", "posted_at", "sale_id"],
        "lead.sale.release": ["invoice_id", "sale_id"],
        "lead.sale.waiver": ["sale_id", "waived"],
        "account.move": ["date", "lead_posted_at"],
    }

    company_id = fields.Many2one("res.company", readonly=True)
    partner_id = fields.Many2one("res.partner", "Buyer", readonly=True)
    lead_type_id = fields.Many2one("lead.type", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    age = fields.Selection(AGES, readonly=True)
    sale_count = fields.Integer("Transactions", readonly=True)
    amount = fields.Monetary(readonly=True)
    oldest_date = fields.Datetime("Oldest", readonly=True, aggregator="min")
    as_at = fields.Date("As Of", readonly=True)

    @property
    def _table_query(self):
        return self._get_sql(*self._get_moments())

    # Actions

    def action_view_sales(self):
        """Open the transactions behind these rows, as they were at that moment."""
        self.check_access("read")
        return self.env["lead.sale"]._get_view_action(
            Domain.OR(row._get_sales_domain() for row in self),
            unbilled_as_at=self.env.context.get("unbilled_as_at"),
            unbilled_known_at=self.env.context.get("unbilled_known_at"),
        )

    def _get_sales_domain(self):
        """Return the domain of the transactions behind this row, in its context."""
        self.ensure_one()
        as_at, _known_at = self._get_moments()
        domain = Domain(
            [
                ("company_id", "=", self.company_id.id),
                ("commercial_partner_id", "=", self.partner_id.id),
                ("lead_type_id", "=", self.lead_type_id.id),
                ("currency_id", "=", self.currency_id.id),
                ("was_unbilled", "=", True),
            ]
        )
        return domain & get_age_domain(self.age, self._get_end(self.company_id, as_at))

    # The question: what was unbilled at the end of that day, as was known then?

    @api.model
    def _get_moments(self):
        """Return the day and the moment of knowing that the context asks for.

        :raises UserError: for what is neither
        """
        context = self.env.context
        day, moment = self.env._("As of"), self.env._("Based on data through")
        as_at = read_day(self.env, day, context.get("unbilled_as_at"))
        known_at = read_moment(self.env, moment, context.get("unbilled_known_at"))
        return as_at or self.env.company._get_lead_today(), known_at

    @api.model
    def _get_sql(self, as_at, known_at):
        """Return the query for what was unbilled at the end of a day, in the current
        companies, each in its own time zone.

        :param date as_at: the day
        :param datetime known_at: naive UTC; None: all that is known now
        """
        # A row is known by its oldest transaction: it is in no other row.
        return SQL(
            """
            SELECT min(id) AS id, company_id, partner_id, lead_type_id, currency_id,
                   age, count(*) AS sale_count, sum(amount) AS amount,
                   min(date) AS oldest_date, %s::date AS as_at
              FROM (%s) unbilled
             GROUP BY company_id, partner_id, lead_type_id, currency_id, age
            """,
            as_at,
            self._get_transactions_sql(as_at, known_at),
        )

    @api.model
    def _get_transactions_sql(self, as_at, known_at):
        """Return the query for the transactions that were unbilled, one row for each:
        its id, buyer, type, currency, amount, date and age."""
        companies = self.env.companies or self.env.company
        # Of companies that the user is working in; their time zone is no secret.
        return SQL(" UNION ALL ").join(
            self._get_company_sql(company, as_at, known_at)
            for company in companies.sudo()
        )

    @api.model
    def _get_end(self, company, as_at):
        """Return the end of a day in the time zone of a company, as naive UTC."""
        return company._get_lead_day_start(as_at + timedelta(days=1))

    @api.model
    def _get_company_sql(self, company, as_at, known_at):
        end = self._get_end(company, as_at)
        # Which transactions were in no books of that day, and not waived, as far as was
        # known? Those that are on no document now, or on one that is not, or was not
        # then, in the books of that day, or waived since; but not those that were in
        # the books then, on a document that was taken back or that they have left
        # since. What was first decided on a waiver since tells what was so before.
        return SQL(
            """
            SELECT sale.id, sale.company_id, sale.commercial_partner_id AS partner_id,
                   sale.lead_type_id, sale.currency_id, sale.amount, sale.date,
                   %(age)s AS age
              FROM (
                   SELECT lead_sale.* FROM lead_sale
                    WHERE company_id = %(company)s
                      AND %(unbilled)s
                    UNION ALL
                   SELECT lead_sale.*
                     FROM account_move move
                     JOIN account_move_line line ON line.move_id = move.id
                     JOIN lead_sale ON lead_sale.invoice_line_id = line.id
                    WHERE move.company_id = %(company)s
                      AND move.lead_run_id IS NOT NULL
                      AND (move.date > %(as_at)s OR move.lead_posted_at IS NULL
                           OR move.lead_posted_at > %(known_at)s)
                    UNION ALL
                   SELECT lead_sale.* FROM lead_sale
                    WHERE waived AND id IN (
                          SELECT sale_id FROM lead_sale_waiver
                           WHERE company_id = %(company)s
                             AND create_date > %(known_at)s)) sale
              LEFT JOIN (%(decided)s) decided ON decided.sale_id = sale.id
             WHERE sale.date < %(end)s
               AND sale.create_date <= %(known_at)s
               AND %(was_not_waived)s
               AND NOT EXISTS (
                   SELECT FROM lead_sale_past_billing past
                    WHERE past.sale_id = sale.id
                      AND past.date <= %(as_at)s
                      AND past.posted_at <= %(known_at)s
                      AND past.create_date > %(known_at)s)
               AND NOT EXISTS (
                   SELECT FROM lead_sale_release release
                     JOIN account_move move ON move.id = release.invoice_id
                    WHERE release.sale_id = sale.id
                      AND (release.create_date >= %(end)s
                           OR release.create_date > %(known_at)s)
                      AND move.date <= %(as_at)s
                      AND move.lead_posted_at <= %(known_at)s)
            """,
            age=get_age_sql(SQL("sale.date"), end),
            unbilled=unbilled_sql(),
            company=company.id,
            as_at=as_at,
            end=end,
            known_at=known_at or ALL_KNOWN,
            decided=self._get_decided_sql(company, known_at),
            was_not_waived=WAS_NOT_WAIVED,
        )

    @api.model
    def _get_decided_sql(self, company, known_at):
        """Return the query for what was first decided after a moment on waivers in a
        company: ``WAS_NOT_WAIVED`` asks that, as ``decided``, of ``sale``."""
        return SQL(
            """
            SELECT DISTINCT ON (sale_id) sale_id, waived
              FROM lead_sale_waiver
             WHERE company_id = %s AND create_date > %s
             ORDER BY sale_id, id
            """,
            company.id,
            known_at or ALL_KNOWN,
        )
