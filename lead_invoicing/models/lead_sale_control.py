import re
from datetime import date, datetime, timedelta

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..tools.local_time import localize
from ..tools.parsing import shorten

_ISO_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
FIRST_YEAR, LAST_YEAR = 1970, 2200


class LeadSale(models.Model):
    """Totals of what was recorded, for the platform to compare with its own."""

    _inherit = "lead.sale"

    # What came in, or happened, between two moments? Rows come roughly in the order of
    # time, so that this index is tiny however many they are.
    _feed_idx = models.Index("USING brin (date, create_date) WITH (autosummarize = on)")

    @api.model
    def control_totals(self, date_from, date_to):
        """Count and sum what was recorded, per day, type and currency.

        In the user's current company; also over HTTP, as
        ``POST /json/2/lead.sale/control_totals``. Everything that was recorded counts,
        billed, waived or neither. Days are those of the company's billing time
        zone. A day without transactions has no entry.

        :param date_from, date_to: days as ISO 8601 texts, such as ``2026-01-31``, both
            inclusive
        :return: a list of dicts, day by day, sales before returns before price
            corrections: ``day`` (ISO 8601), ``type`` (``sale``, ``return`` or
            ``correction``), ``currency`` (code), ``count`` and ``amount`` (the sum of
            the signed amounts: less than zero for returns; of corrections, what the
            new prices differ from those before)
        :raises AccessError: for users who neither record transactions nor bill them
        :raises UserError: for what are no days, or days in the wrong order
        """
        # Whoever sends transactions may have them counted; a buyer may not.
        if not self.has_access("create"):
            self.env["lead.invoice.run"].check_access("read")
        first = self._read_control_day("date_from", date_from)
        last = self._read_control_day("date_to", date_to)
        if first > last:
            raise UserError(
                self.env._(
                    "The first day, %(first)s, is after the last day, %(last)s.",
                    first=first,
                    last=last,
                )
            )
        return [
            {
                "day": day.isoformat(),
                "type": transaction_type,
                "currency": currency,
                "count": count,
                "amount": float(amount),
            }
            for day, transaction_type, currency, count, amount in (
                self._read_control_totals(first, last)
            )
        ]

    @api.model
    def _read_control_day(self, name, value):
        """Return the day that a caller means.

        :param name: of the parameter, for the message
        :raises UserError: for what is no day
        """
        # A moment is a date, too, but says nothing of its zone.
        if isinstance(value, date) and not isinstance(value, datetime):
            value = value.isoformat()
        if isinstance(value, str) and _ISO_DAY.fullmatch(value):
            try:
                day = date.fromisoformat(value)
            except ValueError:
                day = None
            if day and FIRST_YEAR <= day.year <= LAST_YEAR:
                return day
        raise UserError(
            self.env._(
                "%(name)s: “%(value)s” is not a day; send ISO 8601 between the years"
                " %(first)s and %(last)s, such as 2026-01-31.",
                name=name,
                value=shorten(value),
                first=FIRST_YEAR,
                last=LAST_YEAR,
            )
        )

    @api.model
    def _read_control_totals(self, first, last):
        """Return the rows of :meth:`control_totals` for two days, both inclusive."""
        company = self.env.company
        start = company._get_lead_day_start(first)
        end = company._get_lead_day_start(last + timedelta(days=1))
        self.flush_model()
        # What was recorded on each of these days?
        return self.env.execute_query(
            SQL(
                """
                SELECT %(moment)s::date AS day,
                       CASE WHEN sale.corrected_sale_id IS NULL
                            THEN sale.transaction_type ELSE 'correction' END AS type,
                       currency.name,
                       -- A correction is one row for the platform, and two here.
                       count(*) FILTER (WHERE sale.corrected_sale_id IS NULL
                                           OR sale.transaction_type = 'sale'),
                       sum(sale.amount)
                  FROM lead_sale sale
                  JOIN res_currency currency ON currency.id = sale.currency_id
                 WHERE sale.company_id = %(company)s
                   AND sale.date >= %(start)s AND sale.date < %(end)s
                 GROUP BY day, type, currency.name
                 ORDER BY day, bool_or(sale.corrected_sale_id IS NOT NULL), type DESC,
                       currency.name
                """,
                moment=localize(SQL("sale.date"), company._get_lead_zone().key),
                company=company.id,
                start=start,
                end=end,
            )
        )
