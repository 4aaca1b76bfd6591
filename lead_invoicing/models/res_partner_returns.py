from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL, formatLang, ormcache

# Over so many days before now.
RATE_DAYS = 90
# With fewer buyers, the median would tell of single ones.
MEDIAN_BUYERS = 5
# Leads of a buyer: how many were purchased, how many returned. A price adjustment is
# no lead returned; what is waived, or corrects a price, was neither.
_PURCHASED = SQL("count(*) FILTER (WHERE counted.transaction_type = 'sale')")
_RETURNED = SQL(
    "count(*) FILTER (WHERE counted.transaction_type = 'return'"
    " AND counted.price_adjustment IS NOT TRUE)"
)


class ResPartner(models.Model):
    """How many of its leads a buyer returns, beside what is usual."""

    _inherit = "res.partner"

    lead_return_rate = fields.Float(
        "Return Rate",
        compute="_compute_lead_return_rate",
        groups="lead_invoicing.group_user",
        help="Leads returned to leads purchased in the last 90 days, in the current"
        " company, without price adjustments.",
    )
    lead_return_rate_label = fields.Char(
        "Leads Returned",
        compute="_compute_lead_return_rate",
        groups="lead_invoicing.group_user",
    )

    @api.depends_context("company", "lang")
    def _compute_lead_return_rate(self):
        company = self.env.company
        now = fields.Datetime.now()
        self.env["lead.sale"].flush_model()
        # How many leads did each of these buyers purchase and return?
        counts = dict(
            self._query_of_lead_buyers(
                SQL("lead_sale"),
                self._get_lead_rate_condition(now),
                SQL(),
                SQL("ARRAY[%s, %s]", _PURCHASED, _RETURNED),
            )
        )
        median = None
        if counts:
            today = company._get_lead_today()
            median = self._get_lead_return_median(company.id, today)
        for partner in self:
            purchased, returned = counts.get(partner.commercial_partner_id.id, (0, 0))
            rate = returned / purchased if purchased else 0.0
            partner.lead_return_rate = rate
            partner.lead_return_rate_label = (
                self._format_lead_return_rate(rate, median) if purchased else False
            )

    @api.model
    def _format_lead_return_rate(self, rate, median):
        percent = formatLang(self.env, rate * 100, digits=1)
        if median is None:
            return self.env._(
                "%(rate)s%% in the last %(days)s days", rate=percent, days=RATE_DAYS
            )
        return self.env._(
            "%(rate)s%% in the last %(days)s days; the median of all buyers is"
            " %(median)s%%",
            rate=percent,
            days=RATE_DAYS,
            median=formatLang(self.env, median * 100, digits=1),
        )

    @api.model
    def _get_lead_rate_condition(self, now):
        return SQL(
            "date >= %s AND waived IS NOT TRUE AND corrected_sale_id IS NULL",
            now - timedelta(days=RATE_DAYS),
        )

    @api.model
    @ormcache("company_id", "day")
    def _get_lead_return_median(self, company_id, day):
        """Return the median of the return rates of all buyers of a company, None for
        fewer than five.

        It reads all transactions of three months, which is done once a day.

        :param day: today, where the company bills
        """
        # What is the median of the return rates, and of how many buyers?
        [(median, buyers)] = self.env.execute_query(
            SQL(
                """
                SELECT percentile_cont(0.5) WITHIN GROUP (
                           ORDER BY returned::float / purchased), count(*)
                  FROM (SELECT %(purchased)s AS purchased, %(returned)s AS returned
                          FROM (SELECT * FROM lead_sale
                                 WHERE company_id = %(company)s AND %(condition)s
                               ) counted
                          JOIN res_partner contact
                            ON contact.id = counted.commercial_partner_id
                         GROUP BY contact.commercial_partner_id) buyer
                 WHERE purchased > 0
                """,
                purchased=_PURCHASED,
                returned=_RETURNED,
                company=company_id,
                condition=self._get_lead_rate_condition(fields.Datetime.now()),
            )
        )
        return median if buyers >= MEDIAN_BUYERS else None
