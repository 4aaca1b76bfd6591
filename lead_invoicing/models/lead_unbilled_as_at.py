from datetime import datetime, time, timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..tools.windows import to_instant
from .lead_unbilled import AGES, get_age_sql


class LeadUnbilledAsAt(models.Model):
    """What was unbilled at the end of a past day: month end's accrual.

    The day and the moment of knowing come from the context, ``unbilled_as_at`` and
    ``unbilled_known_at``. The definition is with
    :meth:`LeadSale._read_unbilled_as_at`.
    """

    _name = "lead.unbilled.as.at"
    _description = "Unbilled Leads as at a Date"
    _auto = False
    _order = "partner_id, lead_type_id, id"
    _rec_name = "partner_id"
    _depends = {
        "lead.sale": [
            "amount",
            "commercial_partner_id",
            "company_id",
            "currency_id",
            "date",
            "invoice_line_id",
            "lead_type_id",
            "waived",
        ],
        "lead.sale.waiver": ["sale_id", "waived"],
        "account.move": ["date", "state"],
    }

    company_id = fields.Many2one("res.company", readonly=True)
    partner_id = fields.Many2one("res.partner", "Buyer", readonly=True)
    lead_type_id = fields.Many2one("lead.type", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    age = fields.Selection(AGES, readonly=True)
    sale_count = fields.Integer("Transactions", readonly=True)
    amount = fields.Monetary(readonly=True)
    oldest_date = fields.Datetime("Oldest", readonly=True, aggregator="min")

    @property
    def _table_query(self):
        context = self.env.context
        as_at = fields.Date.to_date(context.get("unbilled_as_at"))
        return self._get_sql(
            as_at or fields.Date.context_today(self),
            fields.Datetime.to_datetime(context.get("unbilled_known_at")),
        )

    @api.model
    def _get_sql(self, as_at, known_at):
        """Return the query for what was unbilled at the end of a day, in the current
        companies, each in its own time zone.

        :param date as_at: the day
        :param datetime known_at: naive UTC; None: all that is known now
        """
        companies = self.env.companies or self.env.company
        return SQL(" UNION ALL ").join(
            self._get_company_sql(company, as_at, known_at)
            for company in companies.sudo()
        )

    @api.model
    def _get_end(self, company, as_at):
        """Return the end of a day in the time zone of a company, as naive UTC."""
        cycles = self.env["lead.billing.cycle"]
        zone = cycles._get_zone(cycles._company_tz(company))
        return to_instant(datetime.combine(as_at + timedelta(days=1), time()), zone)

    @api.model
    def _get_company_sql(self, company, as_at, known_at):
        end = self._get_end(company, as_at)
        # Which transactions were on no document dated until then, and not waived, as
        # far as was known? Those that are on none now, on a later one, or waived since;
        # but not those that have left their document since.
        return SQL(
            """
            SELECT min(sale.id) AS id, sale.company_id,
                   sale.commercial_partner_id AS partner_id, sale.lead_type_id,
                   sale.currency_id, %(age)s AS age, count(*) AS sale_count,
                   sum(sale.amount) AS amount, min(sale.date) AS oldest_date
              FROM lead_sale sale
             WHERE sale.id IN (
                   SELECT id FROM lead_sale
                    WHERE company_id = %(company)s
                      AND invoice_line_id IS NULL AND NOT waived
                    UNION ALL
                   SELECT sale_id FROM lead_sale_waiver
                    WHERE company_id = %(company)s AND create_date > %(known_at)s
                    UNION ALL
                   SELECT billed.id
                     FROM account_move move
                     JOIN account_move_line line ON line.move_id = move.id
                     JOIN lead_sale billed ON billed.invoice_line_id = line.id
                    WHERE move.company_id = %(company)s
                      AND move.move_type IN ('out_invoice', 'out_refund')
                      AND (move.date > %(as_at)s OR move.state != 'posted'
                           OR move.create_date > %(known_at)s))
               AND sale.company_id = %(company)s
               AND sale.date < %(end)s
               AND sale.create_date <= %(known_at)s
               AND NOT EXISTS (
                   SELECT FROM account_move_line line
                     JOIN account_move move ON move.id = line.move_id
                    WHERE line.id = sale.invoice_line_id
                      AND move.state = 'posted' AND move.date <= %(as_at)s
                      AND move.create_date <= %(known_at)s)
               AND NOT EXISTS (
                   SELECT FROM lead_sale_release release
                     JOIN account_move move ON move.id = release.invoice_id
                    WHERE release.sale_id = sale.id
                      AND (release.create_date >= %(end)s
                           OR release.create_date > %(known_at)s)
                      AND move.state = 'posted' AND move.date <= %(as_at)s
                      AND move.create_date <= %(known_at)s)
               AND NOT COALESCE(
                   (SELECT waived FROM lead_sale_waiver
                     WHERE sale_id = sale.id AND create_date <= %(known_at)s
                     ORDER BY id DESC LIMIT 1),
                   (SELECT waived IS NOT TRUE FROM lead_sale_waiver
                     WHERE sale_id = sale.id ORDER BY id LIMIT 1),
                   sale.waived, FALSE)
             GROUP BY sale.company_id, sale.commercial_partner_id, sale.lead_type_id,
                      sale.currency_id, 6
            """,
            age=get_age_sql(SQL("sale.date"), end),
            company=company.id,
            as_at=as_at,
            end=end,
            known_at=known_at or datetime.max.replace(microsecond=0),
        )
