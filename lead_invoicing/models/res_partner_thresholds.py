import logging
from datetime import datetime, timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import SQL, format_date, formatLang

from ..tools.concurrency import TRY_AGAIN
from ..tools.local_time import (
    format_time_of_day,
    get_zone,
    local_day,
    localize,
)
from ..tools.spending import get_first_day, get_forecast, get_level
from ..tools.windows import day_start, to_wall
from .lead_balance_level import DEPTHS, LEVELS
from .res_partner_guard import MAX_AMOUNT

_logger = logging.getLogger(__name__)

# So many buyers are looked at in one transaction.
BATCH = 200
THRESHOLDS = ("lead_balance_early", "lead_balance_low", "lead_balance_empty")
# Whose balances are looked after: nobody adds funds to a closed account, and what is
# left on it is paid back.
WATCHED = Domain(
    [
        ("lead_billing_mode", "=", "prepaid"),
        ("lead_balance_alerts", "=", True),
        ("lead_closing_id", "=", False),
    ]
)


class ResPartner(models.Model):
    """A prepaid buyer's balance running dry: thresholds, each told once when it is
    crossed downward and again only after it was left upward; and how long the balance
    lasts at the buyer's own pace."""

    _inherit = "res.partner"

    lead_balance_alerts = fields.Boolean(
        "Balance Alerts",
        company_dependent=True,
        tracking=True,
        help="Email the buyer when its balance comes down to one of these amounts: once"
        " for each, and again only after the balance was above it. In the company's"
        " currency; checked every 15 minutes.",
        groups="base.group_user",
    )
    lead_balance_early = fields.Float(
        "Early Warning At",
        company_dependent=True,
        tracking=True,
        help="Leave at zero for no early warning.",
        groups="base.group_user",
    )
    lead_balance_low = fields.Float(
        "Low At",
        company_dependent=True,
        tracking=True,
        help="Leave at zero for no second warning.",
        groups="base.group_user",
    )
    lead_balance_empty = fields.Float(
        "Empty At",
        company_dependent=True,
        tracking=True,
        help="The balance counts as used up when it comes down to this amount.",
        groups="base.group_user",
    )
    lead_balance_level = fields.Selection(
        LEVELS,
        "Balance Level",
        compute="_compute_lead_balance_level",
        search="_search_lead_balance_level",
        groups="lead_invoicing.group_user",
        help="The last threshold that the balance crossed. Blank for buyers without"
        " balance alerts.",
    )
    lead_forecast = fields.Char(
        "Forecast",
        compute="_compute_lead_forecast",
        groups="lead_invoicing.group_user",
        help="Estimated from the buyer's purchases of the last eight weeks, by"
        " weekday. Not shown with less than two weeks of purchases.",
    )

    @api.depends("lead_billing_mode", "lead_balance_alerts")
    @api.depends_context("company")
    def _compute_lead_balance_level(self):
        # Whoever may read the field may have it of these buyers.
        levels = self.env["lead.balance.level"].sudo()
        last = levels._get_last(self.commercial_partner_id)
        # Nobody looks after the others, whatever was crossed before.
        watched = self.commercial_partner_id.filtered_domain(WATCHED)
        for partner in self:
            buyer = partner.commercial_partner_id
            partner.lead_balance_level = buyer in watched and last.get(buyer.id, "fine")

    @api.model
    def _search_lead_balance_level(self, operator, value):
        if operator != "in":
            return NotImplemented
        # Odoo asks who may read a field, not who may search with its method.
        self._check_field_access(self._fields["lead_balance_level"], "read")
        # Which buyers crossed one of these last?
        at_level = SQL(
            """
            (SELECT partner_id
               FROM (SELECT DISTINCT ON (partner_id) partner_id, level
                       FROM lead_balance_level
                      WHERE company_id = %s
                      ORDER BY partner_id, id DESC) last
              WHERE level = ANY(%s))
            """,
            self.env.company.id,
            [name for name in DEPTHS if name not in value]
            if "fine" in value
            else [name for name in DEPTHS if name in value],
        )
        domain = WATCHED & Domain("id", "not in" if "fine" in value else "in", at_level)
        return domain | ~WATCHED if False in value else domain

    @api.depends_context("company", "lang")
    def _compute_lead_forecast(self):
        for partner in self:
            partner.lead_forecast = partner._get_lead_forecast_text()

    @api.constrains("lead_billing_mode", "lead_balance_alerts", *THRESHOLDS)
    def _check_lead_thresholds(self):
        for partner in self:
            early, low, empty = (partner[name] for name in THRESHOLDS)
            # What is not a number is in no range.
            if not all(abs(amount) <= MAX_AMOUNT for amount in (early, low, empty)):
                raise ValidationError(
                    self.env._(
                        "A threshold of the balance must be a number of at most %s.",
                        formatLang(self.env, MAX_AMOUNT, digits=0),
                    )
                )
            used = [amount for amount in (early, low) if amount] + [empty]
            if used != sorted(used, reverse=True):
                raise ValidationError(
                    self.env._(
                        "The early warning comes first, then low, then empty: enter"
                        " amounts that become smaller, or zero for no warning."
                    )
                )

    def _commercial_fields(self):
        return super()._commercial_fields() + ["lead_balance_alerts", *THRESHOLDS]

    # Telling

    @api.model
    def _cron_tell_lead_balances(self):
        """Tell the prepaid buyers whose balance came down to a threshold."""
        for company in self.env["lead.type"]._get_lead_companies():
            partners = self.with_company(company)
            buyers = partners.search(WATCHED, order="id")
            buyers = buyers.filtered(lambda buyer: buyer == buyer.commercial_partner_id)
            # Samples are nobody to be told.
            buyers -= company._get_lead_samples("res.partner")
            for start in range(0, len(buyers), BATCH):
                buyers[start : start + BATCH]._try_to_follow_lead_balances()

    def _try_to_follow_lead_balances(self):
        """Follow these buyers' balances, and commit; when that fails, one by one."""
        try:
            self._follow_lead_balances()
            self.env["ir.cron"]._commit_progress(len(self))
            return
        except TRY_AGAIN:
            # Their money is moving: the next call looks again.
            self.env.cr.rollback()
            return
        except Exception:
            self.env.cr.rollback()
            if len(self) == 1:
                _logger.exception("The balance of %s cannot be followed", self)
                return
        for buyer in self:
            buyer._try_to_follow_lead_balances()

    def _follow_lead_balances(self):
        """Record which thresholds of the current company these buyers' balances
        crossed, and queue what they are told.

        Two jobs that do this at one moment are a serialization failure.

        :return: the new ``lead.balance.level``
        """
        # The job's own record of what was told.
        levels = self.env["lead.balance.level"].sudo()
        last = levels._get_last(self)
        exposures = self._get_lead_exposures()
        vals_list = []
        for buyer in self:
            balance = 0.0 - exposures.get(buyer.id, 0.0)
            level = get_level(balance, *(buyer[name] for name in THRESHOLDS))
            before = last.get(buyer.id, "fine")
            if level != before:
                vals_list.append(
                    {
                        "partner_id": buyer.id,
                        "company_id": self.env.company.id,
                        "level": level,
                        "balance": balance,
                        "is_downward": DEPTHS[level] > DEPTHS[before],
                    }
                )
        crossed = self.browse([vals["partner_id"] for vals in vals_list])
        crossed._lock_lead_money()
        created = levels.create(vals_list)
        created.filtered("is_downward")._tell()
        return created

    # How long it lasts

    def _get_lead_forecast_text(self):
        """Return how long this prepaid buyer's balance lasts in the current company, in
        words and the time zone of its cycle; False where nothing can be told."""
        self.ensure_one()
        buyer = self.commercial_partner_id
        forecast = buyer.lead_billing_mode == "prepaid" and buyer._get_lead_forecast()
        if not forecast:
            return False
        env = self.env
        week = formatLang(env, forecast.week, currency_obj=env.company.currency_id)
        if not forecast.until:
            return env._(
                "At the current pace (%s per week), the balance lasts for years.", week
            )
        now = buyer._get_lead_wall()
        if forecast.until <= now:
            return env._("Used up. The current pace is %s per week.", week)
        return env._(
            "At the current pace (%(week)s per week), the balance lasts until %(day)s"
            " at %(time)s.",
            day=buyer._get_lead_day_text(forecast.until, now),
            time=format_time_of_day(env, forecast.until.time()),
            week=week,
        )

    @api.model
    def _get_lead_day_text(self, moment, now):
        """Return a day as people say it: its weekday, or its date beyond a week."""
        is_near = moment.date() - now.date() < timedelta(days=7)
        return format_date(
            self.env, moment.date(), date_format="EEEE" if is_near else False
        )

    def _get_lead_tz(self):
        """Return the name of the time zone that this buyer's days are in."""
        self.ensure_one()
        # The zone is no secret.
        cycle = self.sudo()._get_lead_billing_cycle()
        return cycle.tz or self.env.company._get_lead_zone().key

    def _get_lead_wall(self) -> datetime:
        """Return what the clock shows now in this buyer's time zone."""
        zone = get_zone(self.env, self._get_lead_tz())
        return to_wall(fields.Datetime.now(), zone)

    def _get_lead_forecast(self):
        """Return how long this buyer's balance lasts in the current company.

        :rtype: odoo.addons.lead_invoicing.tools.spending.Forecast
        """
        self.ensure_one()
        now = self._get_lead_wall()
        since = self._get_lead_first_day()
        if not since:
            return None
        spent = self._read_lead_spending(get_first_day(now.date(), since), now.date())
        return get_forecast(self.lead_prepaid_balance, spent, now, since)

    def _get_lead_first_day(self):
        """Return the day of this buyer's first purchase that was not waived, as what
        was billed elsewhere is; None without any."""
        self.env["lead.sale"].flush_model(["commercial_partner_id", "date"])
        # When did each of its contacts buy first?
        ((moment,),) = self.env.execute_query(
            SQL(
                """
                SELECT min(first.date)
                  FROM unnest(%s) AS buyer(id)
                 CROSS JOIN LATERAL (
                       SELECT date FROM lead_sale
                        WHERE commercial_partner_id = buyer.id AND company_id = %s
                           AND waived IS NOT TRUE
                        ORDER BY date, id LIMIT 1) first
                """,
                self._get_lead_buyers().ids,
                self.env.company.id,
            )
        )
        return moment and local_day(self.env, moment, self._get_lead_tz())

    def _read_lead_spending(self, first, today):
        """Return what this buyer spent on each day, returns deducted and with tax, in
        the company's currency at today's rate.

        :param first: the first day
        :param today: is left out
        :return: {day: amount}
        """
        company = self.env.company
        zone = get_zone(self.env, self._get_lead_tz())
        rows = self.env.execute_query_dict(
            SQL(
                """
                SELECT %(moment)s::date AS day,
                       currency_id, lead_type_id, sum(amount) AS amount
                  FROM lead_sale
                 WHERE commercial_partner_id = ANY(%(buyers)s)
                   AND company_id = %(company)s AND waived IS NOT TRUE
                   AND date >= %(start)s AND date < %(end)s
                 GROUP BY 1, 2, 3
                """,
                moment=localize(SQL("date"), zone.key),
                buyers=self._get_lead_buyers().ids,
                company=company.id,
                start=day_start(first, zone),
                end=day_start(today, zone),
            )
        )
        lines = {}
        for row in rows:
            row.update(
                is_return=row["amount"] < 0,
                taxes=None,
                price=None,
                count=1,
            )
            lines.setdefault((self.id, row["currency_id"]), []).append(row)
        self._tax_lead_lines(lines)
        spent = {}
        for (_partner_id, currency_id), some in lines.items():
            currency = self.env["res.currency"].browse(currency_id)
            for row in some:
                amount = currency._convert(
                    self._sum_lead_lines(currency, [row]),
                    company.currency_id,
                    company,
                    today,
                )
                spent[row["day"]] = spent.get(row["day"], 0.0) + amount
        return spent
