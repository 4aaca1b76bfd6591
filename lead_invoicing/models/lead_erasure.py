import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..tools.concurrency import TRY_AGAIN
from ..tools.protected_fields import AppendOnly

_logger = logging.getLogger(__name__)

# By age, the leads of so much time are erased in one database transaction.
SLICE = timedelta(days=1)
# A call that was slow to record leads may have ended after the last erasure.
OVERLAP = timedelta(days=1)

# The buyers of the ledger, each looked up at the end of the last one in the index of a
# buyer's rows by date.
_BUYERS = SQL(
    """
    WITH RECURSIVE buyer(id) AS (
        SELECT min(commercial_partner_id) FROM lead_sale
         UNION ALL
        SELECT (SELECT min(commercial_partner_id) FROM lead_sale
                 WHERE commercial_partner_id > buyer.id)
          FROM buyer
         WHERE buyer.id IS NOT NULL
    )
    """
)


class LeadErasure(AppendOnly, models.Model):
    """Append-only record of lead data that were erased: who did it, when, why, and of
    how many transactions; never the data themselves.

    The transactions stay, with their money, their reference and the hash by which the
    same row is known when it is sent again.
    """

    _name = "lead.erasure"
    _description = "Erasure of Lead Data"
    _order = "id desc"
    _rec_name = "reason"

    company_id = fields.Many2one("res.company", required=True, index=True)
    kind = fields.Selection(
        [("request", "On request"), ("age", "By age")], required=True
    )
    reason = fields.Char(required=True)
    sale_count = fields.Integer("Transactions")
    erased_before = fields.Datetime(
        "Sold Before",
        help="By age: the lead data of everything sold before this moment has been"
        " erased.",
    )

    # On request

    @api.model
    def _erase_on_request(self, sales, reason):
        """Erase the lead data of these transactions, for good.

        The caller has checked that the user may do so.

        :param sales: transactions of one company
        :param reason: why, in words
        :return: the record of it, also where there was nothing to erase
        """
        self.env["lead.sale"].flush_model()
        company = sales.company_id
        # What corrected their prices since they were chosen took the data along.
        sales |= sales._search_corrections()
        count = self._erase(company, SQL("id = ANY(%s)", sales.ids))
        # Nobody writes this record by hand.
        return self.sudo().create(
            {
                "company_id": company.id,
                "kind": "request",
                "reason": reason,
                "sale_count": count,
            }
        )

    def _erase(self, company, rows):
        """Erase the lead data of some of a company's transactions.

        :param rows: condition on ``lead_sale``
        :return: how many transactions had any
        """
        # Forget what these leads said; how many were there?
        ((count,),) = self.env.execute_query(
            SQL(
                """
                WITH erased AS (
                    UPDATE lead_sale
                       SET lead_data = NULL, lead_data_erased_at = %s
                     WHERE company_id = %s AND lead_data IS NOT NULL AND %s
                 RETURNING id
                )
                SELECT count(*) FROM erased
                """,
                fields.Datetime.now(),
                company.id,
                rows,
            )
        )
        self.env["lead.sale"].invalidate_model(["lead_data", "lead_data_erased_at"])
        return count

    # By age

    @api.model
    def _cron_erase_aged(self):
        """Erase the lead data that are older than their companies keep them.

        A day of leads at a time, with a commit after each; it leaves off when the
        scheduler's time is up, and is called again while there are days left.
        """
        try:
            self._erase_aged()
        except TRY_AGAIN:
            # Somebody else changed one of the transactions: the next call goes on.
            self.env.cr.rollback()
            self.env["ir.cron"]._commit_progress(remaining=1)

    def _erase_aged(self):
        companies = self.env["res.company"].search([("lead_data_months", ">", 0)])
        cutoffs = {company: company._get_lead_data_cutoff() for company in companies}
        for company in companies:
            try:
                if not self._erase_aged_of(company, cutoffs):
                    return
            except TRY_AGAIN:
                raise
            except Exception:
                self.env.cr.rollback()
                _logger.exception("The lead data of %s cannot be erased", company)
                # Its days are none that the next call has to go on with at once.
                del cutoffs[company]
                self._commit_aged(cutoffs)

    def _erase_aged_of(self, company, cutoffs):
        """Erase the lead data that are older than a company keeps them.

        :return: whether the scheduler has time left
        """
        cutoff = cutoffs[company]
        moment = company.lead_data_erased_before
        moment = moment and moment - OVERLAP
        while start := self._find_next_date(moment, cutoff):
            moment = min(start + SLICE, cutoff)
            count = self._erase_slice(company, start, moment)
            self._log_aged(company, count, moment)
            if not self._commit_aged(cutoffs):
                return False
        company.lead_data_erased_before = cutoff
        self._commit_aged(cutoffs)
        return True

    def _commit_aged(self, cutoffs):
        """Commit a day of leads; return the seconds that are left."""
        return self.env["ir.cron"]._commit_progress(
            1,
            remaining=sum(
                company._count_lead_days_left(cutoff)
                for company, cutoff in cutoffs.items()
            ),
        )

    def _find_next_date(self, start, cutoff):
        """Return the date of the first transaction, of any company, in
        ``[start, cutoff)`` in naive UTC; without a start, of all before. None if there
        is none."""
        since = SQL("date >= %s", start) if start else SQL("TRUE")
        # When was the first transaction after that moment, asking buyer by buyer?
        ((moment,),) = self.env.execute_query(
            SQL(
                """
                %s
                SELECT min(sale.date)
                  FROM buyer
                 CROSS JOIN LATERAL (
                       SELECT date FROM lead_sale
                        WHERE commercial_partner_id = buyer.id AND date < %s AND %s
                        ORDER BY date
                        LIMIT 1) sale
                """,
                _BUYERS,
                cutoff,
                since,
            )
        )
        return moment

    def _erase_slice(self, company, start, end):
        """Erase what a company sold in ``[start, end)``; return how much that was."""
        # Which transactions were dated then, asking buyer by buyer?
        rows = SQL(
            "commercial_partner_id IN (%s SELECT id FROM buyer)"
            " AND date >= %s AND date < %s",
            _BUYERS,
            start,
            end,
        )
        return self._erase(company, rows)

    def _log_aged(self, company, count, erased_before):
        """Note that so many are erased by age, up to a moment: in one record for each
        day of leads of which there was something to erase."""
        company.lead_data_erased_before = erased_before
        if not count:
            return
        _logger.info(
            "Erased the lead data of %s transactions of %s, up to %s UTC",
            count,
            company.name,
            erased_before,
        )
        self.create(
            {
                "company_id": company.id,
                "kind": "age",
                "reason": self.env._("Older than %s months", company.lead_data_months),
                "sale_count": count,
                "erased_before": erased_before,
            }
        )
