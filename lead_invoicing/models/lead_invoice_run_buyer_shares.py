from decimal import Decimal

from odoo import models
from odoo.tools import SQL

from ..tools.charges import round_half_up
from .lead_invoice_run_buyer_charges import PlannedCharge, PlannedChargeLine
from .lead_invoice_run_buyer_plan import to_decimal

# The shares of leads in charges that are on documents, and were not credited.
LIVE_SHARES = SQL(
    """
    SELECT share.sale_id, share.amount, share.base, billed.id AS billed_id,
           billed.charge_id, line.move_id
      FROM lead_billed_charge_share share
      JOIN lead_billed_charge billed ON billed.id = share.billed_id
      JOIN account_move_line line ON line.id = billed.invoice_line_id
      JOIN account_move move ON move.id = line.move_id
     WHERE move.lead_credited IS NOT TRUE
    """
)


class LeadInvoiceRunBuyer(models.Model):
    """Volume prices and discounts: what lowers the price of each lead, exactly, as parts
    of totals that are rounded once."""

    _inherit = "lead.invoice.run.buyer"

    def _plan_shares(self, documents, planned, currency, period):
        """Work out volume prices or a discount for what the documents of a period bill.

        :param documents: that this run makes for the buyer in that currency
        :param planned: list of :class:`PlannedCharge` that come before
        :param period: a ``DueCharge``
        """
        self.env.flush_all()
        # What do these leads come to for each set of taxes, and what is taken off?
        rows = self.env.execute_query(
            SQL(
                """
                SELECT taxes, sum(net)::text, sum(share)::text, max(volume)
                  FROM (%s) shared GROUP BY taxes ORDER BY taxes
                """,
                self._shares_sql(period, documents, planned),
            )
        )
        # Odoo reads numbers as floats; these are exact.
        lines = [
            PlannedChargeLine(
                -round_half_up(Decimal(share), currency.rounding), taxes or []
            )
            for taxes, _net, share, _volume in rows
        ]
        return PlannedCharge(
            period.charge,
            [period],
            [line for line in lines if line.amount],
            count=max((volume for *_row, volume in rows), default=0),
            base=sum(Decimal(net) for _taxes, net, *_row in rows),
        )

    def _shares_sql(self, period, documents=(), planned=()):
        """Return the query for the leads of a period with what a charge takes off each:
        ``id``, ``taxes``, ``net`` (its price less what was taken off before, and less
        what was given back of it on documents of that period), ``share`` and ``volume``
        (the number of leads that count: purchased less returned).

        :param period: a ``DueCharge``
        :param documents: that are not made yet
        :param planned: list of ``PlannedCharge`` of them that come before
        """
        charge = period.charge
        earlier = [
            SQL("SELECT id, share FROM (%s) shared", self._shares_sql(p, documents, planned[:i]))
            for i, other in enumerate(planned)
            for p in other.periods
            if other.charge.kind in ("tier", "discount") and other.lines
        ]
        return SQL(
            """
            WITH entry AS (%(entries)s
            ), back AS (
                SELECT origin_id, sum(price) AS amount,
                       bool_or(NOT adjustment) AS is_whole
                  FROM entry WHERE transaction_type = 'return' GROUP BY origin_id
            ), taken AS (
                SELECT id, sum(share) AS amount
                  FROM (SELECT sale_id AS id, amount AS share FROM (%(live)s) live
                         %(earlier)s) every
                 GROUP BY id
            ), lead AS (
                SELECT entry.id, entry.taxes,
                       GREATEST(entry.price - COALESCE(back.amount, 0)
                                - COALESCE(taken.amount, 0), 0) AS net,
                       row_number() OVER (ORDER BY entry.date, entry.id) AS position,
                       count(*) OVER () AS leads
                  FROM entry
                  LEFT JOIN back ON back.origin_id = entry.id
                  LEFT JOIN taken ON taken.id = entry.id
                 WHERE entry.transaction_type = 'sale'
                   AND back.is_whole IS NOT TRUE
                   AND (%(all)s OR entry.lead_type_id = %(type)s)
            ), returned AS (
                SELECT count(*) AS leads
                  FROM entry
                 WHERE transaction_type = 'return' AND NOT adjustment
                   AND (%(all)s OR entry.lead_type_id = %(type)s)
                   AND origin_id NOT IN (SELECT id FROM entry)
            )
            SELECT lead.id, lead.taxes, lead.net,
                   GREATEST(lead.leads - returned.leads, 0) AS volume,
                   CASE WHEN EXISTS (
                             SELECT FROM (%(live)s) live
                              WHERE live.sale_id = lead.id
                                AND live.charge_id = %(charge)s) THEN 0
                        ELSE %(share)s END AS share
              FROM lead
             CROSS JOIN returned
              %(steps)s
            """,
            entries=self._charged_entries_sql(period, documents),
            live=LIVE_SHARES,
            earlier=SQL().join(SQL(" UNION ALL %s", sql) for sql in earlier),
            all=not charge.lead_type_id,
            type=charge.lead_type_id.id or None,
            charge=charge.id,
            share=self._share_sql(charge),
            steps=self._steps_sql(charge),
        )

    def _share_sql(self, charge):
        """Return what a charge takes off a ``lead``."""
        if charge.kind == "discount":
            return SQL("lead.net * %s / 100", to_decimal(charge.percent))
        return SQL(
            """
            CASE WHEN step.price > 0 THEN GREATEST(lead.net - step.price, 0)
                 WHEN step.percent > 0 THEN lead.net * step.percent / 100
                 ELSE 0 END
            """
        )

    def _steps_sql(self, charge):
        """Return the join of each ``lead`` with the step of volume prices that it is
        on: the one that all reach, or its own by the order of dates."""
        if charge.kind == "discount":
            return SQL()
        reached = SQL("lead.leads" if charge.tier_mode == "all" else "lead.position")
        return SQL(
            """
            LEFT JOIN LATERAL (
                 SELECT * FROM (VALUES %s) AS step(from_count, price, percent)
                  WHERE step.from_count <= %s - returned.leads
                  ORDER BY step.from_count DESC
                  LIMIT 1) step ON TRUE
            """,
            SQL(", ").join(
                SQL(
                    "(%s, %s::numeric, %s::numeric)",
                    tier.from_count,
                    to_decimal(tier.price),
                    to_decimal(tier.percent),
                )
                for tier in charge.tier_ids
            ),
            reached,
        )

    def _charged_entries_sql(self, period, documents):
        """Return the query for the transactions that the documents of a period bill,
        with the taxes of their lines.

        :param documents: that are not made yet
        """
        stored = SQL(
            """
            SELECT sale.id, sale.transaction_type, sale.origin_id, sale.lead_type_id,
                   COALESCE(sale.price_adjustment, FALSE) AS adjustment, sale.date,
                   sale.price,
                   (SELECT array_agg(account_tax_id ORDER BY account_tax_id)
                      FROM account_move_line_account_tax_rel
                     WHERE account_move_line_id = line.id) AS taxes
              FROM account_move move
              JOIN account_move_line line ON line.move_id = move.id
              JOIN lead_sale sale ON sale.invoice_line_id = line.id
             WHERE %s
            """,
            self._charged_documents_sql(period.charge, period),
        )
        keys = {}
        if period.start < self.run_id.window_end <= period.end:
            for document in documents:
                for line in document.lines:
                    if line.key not in keys:
                        taxes = self._get_planned_taxes(document, line)
                        keys[line.key] = sorted(taxes.ids) or None
        if not keys:
            return stored
        return SQL(
            """
            %s
             UNION ALL
            SELECT sale.id, sale.transaction_type, sale.origin_id, sale.lead_type_id,
                   COALESCE(sale.price_adjustment, FALSE), sale.date, sale.price,
                   planned.taxes
              FROM (%s) candidate
              JOIN lead_sale sale ON sale.id = candidate.id
              JOIN (VALUES %s) AS planned(key, taxes)
                   ON planned.key = candidate.line_key
            """,
            stored,
            self._candidates_sql({self.partner_id.id: documents[0].period_start}),
            SQL(", ").join(
                SQL("(%s, %s::int[])", key, taxes) for key, taxes in keys.items()
            ),
        )

    def _store_shares(self, period, billed):
        """Keep what a charge took off each lead.

        :param period: a ``DueCharge``
        :param billed: ``lead.billed.charge`` of it, one for each set of taxes
        """
        if not billed:
            return
        self.env.flush_all()
        # What was taken off each lead on the documents of the period?
        self.env.execute_query(
            SQL(
                """
                INSERT INTO lead_billed_charge_share (billed_id, sale_id, amount, base)
                SELECT part.id, shared.id, shared.share, shared.net
                  FROM (%s) shared
                  JOIN (VALUES %s) AS part(id, taxes)
                    ON part.taxes IS NOT DISTINCT FROM shared.taxes
                 WHERE shared.share > 0
             RETURNING id
                """,
                self._shares_sql(period),
                SQL(", ").join(
                    SQL(
                        "(%s, %s::int[])",
                        row.id,
                        sorted(row.invoice_line_id.tax_ids.ids) or None,
                    )
                    for row in billed
                ),
            )
        )
