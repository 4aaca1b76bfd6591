from decimal import Decimal

from odoo import models
from odoo.tools import SQL

from ..tools.charges import round_half_up
from .account_move import sign_sql
from .lead_billed_charge_share import LIVE_SHARES
from .lead_billing_charge import SHARED_KINDS
from .lead_invoice_run_buyer_charges import PlannedCharge, PlannedChargeLine
from .lead_invoice_run_buyer_plan import to_decimal
from .lead_invoice_run_charges import DueCharge


class LeadInvoiceRunBuyer(models.Model):
    """Volume prices and discounts: what is taken off the price of each lead, exactly,
    as a part of a total that is rounded once."""

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
                -round_half_up(Decimal(share), currency.rounding),
                self._get_share_taxes(period.charge, taxes).ids,
                taxes,
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

    def _get_share_taxes(self, charge, tax_ids):
        """Return those of the leads' taxes that are on money alone: no lead comes back,
        and no tax on the number of leads.

        :param tax_ids: of the leads' lines
        """
        taxes = self.env["account.tax"].browse(tax_ids or [])
        return taxes._filter_independent_of_quantity(charge.product_id)

    def _shares_sql(self, period, documents=(), planned=()):
        """Return the query for the leads of a period with what a charge takes off each:
        ``id``, ``taxes``, ``base`` (its price less what was returned of it until now),
        ``net`` (that less what was taken off before), ``share``, ``step_price`` (the
        agreed price of such a lead, if there is one) and ``volume`` (the number of
        leads that count: purchased less returned on the period's documents).

        The corrected price of a lead of another period counts as no lead of this one:
        it keeps the step of volume prices that the lead was on.

        :param period: a ``DueCharge``
        :param documents: that are not made yet
        :param planned: list of ``PlannedCharge`` of them that come before
        """
        charge = period.charge
        no_type = self.env["lead.type"]
        earlier = [
            SQL(
                "SELECT id, share FROM (%s) shared",
                self._shares_sql(p, documents, planned[:i]),
            )
            for i, other in enumerate(planned)
            for p in other.periods
            if other.charge.kind in SHARED_KINDS
            and other.lines
            # Periods that do not overlap have other documents, and other leads.
            and p.start < period.end
            and period.start < p.end
            # Those of another lead type take nothing off these leads.
            and (
                not charge.lead_type_id
                or other.charge.lead_type_id in (charge.lead_type_id, no_type)
            )
        ]
        return SQL(
            """
            WITH RECURSIVE entry AS (%(entries)s
            ), former AS (
                -- What corrected prices correct, up to sales of other periods.
                SELECT id, corrected_sale_id AS sale_id
                  FROM entry
                 WHERE transaction_type = 'sale' AND corrected_sale_id IS NOT NULL
                 UNION ALL
                SELECT former.id, entry.corrected_sale_id
                  FROM former
                  JOIN entry ON entry.id = former.sale_id
                 WHERE entry.corrected_sale_id IS NOT NULL
            ), kept AS (
                SELECT former.id, live.step_price AS price,
                       100 * live.amount / NULLIF(live.base, 0) AS percent
                  FROM former
                  LEFT JOIN (%(live)s) live
                         ON live.sale_id = former.sale_id
                        AND live.charge_id = %(charge)s
                 WHERE former.sale_id NOT IN (SELECT id FROM entry)
            ), back AS (
                SELECT origin_id, sum(price) AS amount
                  FROM (%(returns)s) returned GROUP BY origin_id
            ), taken AS (
                SELECT id, sum(share) AS amount
                  FROM (SELECT sale_id AS id, amount AS share FROM (%(live)s) live
                         WHERE live.sale_id IN (SELECT id FROM entry)
                         %(earlier)s) every
                 GROUP BY id
            ), lead AS (
                SELECT entry.id, entry.taxes, entry.whole,
                       kept.id IS NOT NULL AS is_kept,
                       kept.price AS kept_price, kept.percent AS kept_percent,
                       entry.price - COALESCE(back.amount, 0) AS base,
                       GREATEST(entry.price - COALESCE(back.amount, 0)
                                - COALESCE(taken.amount, 0), 0) AS net,
                       row_number() OVER (PARTITION BY kept.id IS NULL
                                          ORDER BY entry.date, entry.id) AS position,
                       count(*) FILTER (WHERE kept.id IS NULL) OVER () AS leads
                  FROM entry
                  LEFT JOIN kept ON kept.id = entry.id
                  LEFT JOIN back ON back.origin_id = entry.id
                  LEFT JOIN taken ON taken.id = entry.id
                 WHERE entry.transaction_type = 'sale'
                   AND NOT EXISTS (
                       SELECT FROM entry whole
                        WHERE whole.origin_id = entry.id AND NOT whole.adjustment)
                   AND (%(all)s OR entry.lead_type_id = %(type)s)
            ), returned AS (
                SELECT count(*) AS leads
                  FROM entry
                 WHERE transaction_type = 'return' AND NOT adjustment
                   AND corrected_sale_id IS NULL
                   AND (%(all)s OR entry.lead_type_id = %(type)s)
                   AND origin_id NOT IN (SELECT id FROM entry)
            )
            SELECT lead.id, lead.taxes, lead.base, lead.net,
                   GREATEST(lead.leads - returned.leads, 0) AS volume,
                   CASE WHEN EXISTS (
                             SELECT FROM (%(live)s) live
                              WHERE live.sale_id = lead.id
                                AND live.charge_id = %(charge)s) THEN 0
                        ELSE %(share)s END AS share,
                   %(step_price)s AS step_price
              FROM lead
             CROSS JOIN returned
              %(steps)s
            """,
            entries=self._charged_entries_sql(period, documents),
            returns=self._returns_sql(documents),
            live=LIVE_SHARES,
            earlier=SQL().join(SQL(" UNION ALL %s", sql) for sql in earlier),
            all=not charge.lead_type_id,
            type=charge.lead_type_id.id or None,
            charge=charge.id,
            share=self._share_sql(charge),
            step_price=SQL(
                "NULL::numeric" if charge.kind == "discount" else "step.price"
            ),
            steps=self._steps_sql(charge),
        )

    def _share_sql(self, charge):
        """Return what a charge takes off a ``lead``."""
        if charge.kind == "discount":
            return SQL("lead.net * %s / 100", to_decimal(charge.percent))
        return SQL(
            """
            CASE WHEN step.price > 0
                 -- What is left of a lead has that part of the price.
                 THEN GREATEST(
                      lead.net - step.price * lead.base / NULLIF(lead.whole, 0), 0)
                 WHEN step.percent > 0 THEN lead.net * step.percent / 100
                 ELSE 0 END
            """
        )

    def _steps_sql(self, charge):
        """Return the join of each ``lead`` with the step of volume prices that it is
        on: the one that all reach, or its own by the order of dates; or the one that
        it keeps."""
        if charge.kind == "discount":
            return SQL()
        if not charge.tier_ids:
            # Whatever took them away holds up nobody.
            return SQL(
                """
                LEFT JOIN (VALUES (0, 0::numeric, 0::numeric))
                     AS step(from_count, price, percent) ON FALSE
                """
            )
        reached = SQL("lead.leads" if charge.tier_mode == "all" else "lead.position")
        return SQL(
            """
            LEFT JOIN LATERAL (
                 SELECT * FROM (VALUES %s) AS step(from_count, price, percent)
                  WHERE NOT lead.is_kept AND step.from_count <= %s - returned.leads
                  UNION ALL
                 SELECT 0, lead.kept_price, lead.kept_percent WHERE lead.is_kept
                  ORDER BY from_count DESC
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
                   sale.price, sale.corrected_sale_id,
                   COALESCE(sale.corrected_price, sale.price) AS whole,
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
                   sale.corrected_sale_id, COALESCE(sale.corrected_price, sale.price),
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

    def _returns_sql(self, documents):
        """Return the query for what is returned of the sales in ``entry``: on documents
        that were not credited, and on those that are not made yet.

        :param documents: that are not made yet
        """
        stored = SQL(
            """
            SELECT back.origin_id, back.price
              FROM entry
              JOIN lead_sale back ON back.origin_id = entry.id
              JOIN account_move_line line ON line.id = back.invoice_line_id
              JOIN account_move move ON move.id = line.move_id
             WHERE move.lead_credited IS NOT TRUE
            """
        )
        planned = self._planned_returns_sql(documents)
        if not planned:
            return stored
        return SQL(
            "%s UNION ALL SELECT origin_id, price FROM (%s) planned", stored, planned
        )

    def _planned_returns_sql(self, documents):
        """Return the query for the returns on documents that are not made yet, with the
        number of the document; None if there are none."""
        keys = {
            line.key: number
            for number, document in enumerate(documents)
            for line in document.lines
            if line.transaction_type == "return"
        }
        if not keys:
            return None
        return SQL(
            """
            SELECT back.origin_id, back.price, planned.number
              FROM (%s) candidate
              JOIN lead_sale back ON back.id = candidate.id
              JOIN (VALUES %s) AS planned(key, number)
                   ON planned.key = candidate.line_key
            """,
            self._candidates_sql({self.partner_id.id: documents[0].period_start}),
            SQL(", ").join(
                SQL("(%s, %s)", key, number) for key, number in keys.items()
            ),
        )

    # What is returned

    def _add_return_shares(self, documents):
        """Put on documents with returns what was taken off those leads before: of the
        price that is given back, it was never paid.

        :param documents: list of :class:`PlannedDocument`
        """
        # Whether there are any is no secret to whoever bills.
        if not self.env["lead.billed.charge.share"].sudo().search_count([], limit=1):
            return
        self.env.flush_all()
        for item in self:
            own = [d for d in documents if d.item == item and d.is_to_make]
            if planned := own and item._planned_returns_sql(own):
                item._add_return_shares_of_buyer(own, planned)

    def _add_return_shares_of_buyer(self, documents, planned):
        """Add these lines to a buyer's documents.

        :param SQL planned: the query for the returns on them
        """
        # What was taken off the leads that are returned on each document, by what?
        rows = self.env.execute_query(
            SQL(
                """
                SELECT back.number, live.billed_id,
                       sum(live.amount * back.price / live.base)::text
                  FROM (%s) back
                  JOIN (%s) live ON live.sale_id = back.origin_id
                 GROUP BY back.number, live.billed_id
                 ORDER BY back.number, live.billed_id
                """,
                planned,
                LIVE_SHARES,
            )
        )
        kept = self._read_shares_kept(
            [billed_id for _number, billed_id, _share in rows]
        )
        # Whoever bills bills what was agreed.
        billed_charges = self.env["lead.billed.charge"].sudo().browse(kept)
        billed_by_id = {billed.id: billed for billed in billed_charges}
        for number, billed_id, share in rows:
            billed = billed_by_id[billed_id]
            exact, rounded = kept[billed_id]
            # Of one total that is rounded once, its parts are what is still missing.
            exact += Decimal(share)
            amount = round_half_up(exact, billed.currency_id.rounding) - rounded
            kept[billed_id] = (exact, rounded + amount)
            if amount:
                due = DueCharge(
                    billed.charge_id, billed.period_start, billed.period_end
                )
                line = PlannedChargeLine(amount, billed.invoice_line_id.tax_ids.ids)
                documents[number].charges.append(
                    PlannedCharge(billed.charge_id, [due], [line], billed=billed)
                )

    def _read_shares_kept(self, billed_ids):
        """Return what was taken off leads that were returned so far.

        :param billed_ids: ids of ``lead.billed.charge``
        :return: {id: (exactly, as lines of documents have it)}
        """
        if not billed_ids:
            return {}
        # What was taken off leads that were returned since then, and what of it is on
        # lines of documents?
        rows = self.env.execute_query(
            SQL(
                """
                SELECT billed.id,
                       (SELECT sum(share.amount / share.base * GREATEST(0,
                                   share.base - sale.price
                                   + (SELECT COALESCE(sum(back.price), 0)
                                        FROM lead_sale back
                                        JOIN account_move_line line
                                          ON line.id = back.invoice_line_id
                                        JOIN account_move move ON move.id = line.move_id
                                       WHERE back.origin_id = sale.id
                                         AND move.lead_credited IS NOT TRUE)))::text
                          FROM lead_billed_charge_share share
                          JOIN lead_sale sale ON sale.id = share.sale_id
                         WHERE share.billed_id = billed.id),
                       (SELECT sum(%(sign)s * line.quantity * line.price_unit)::text
                          FROM account_move_line line
                          JOIN account_move move ON move.id = line.move_id
                         WHERE line.lead_billed_charge_id = billed.id
                           AND move.lead_credited IS NOT TRUE)
                  FROM lead_billed_charge billed
                 WHERE billed.id IN %(billed)s
                """,
                sign=sign_sql("move"),
                billed=tuple(billed_ids),
            )
        )
        return {
            billed_id: (Decimal(exact or 0), Decimal(rounded or 0))
            for billed_id, exact, rounded in rows
        }

    def _store_shares(self, period, parts):
        """Keep what a charge took off each lead.

        :param period: a ``DueCharge``
        :param parts: pairs of its ``lead.billed.charge`` and the planned line
        """
        parts = [(row, line) for row, line in parts if row.invoice_line_id]
        if not parts:
            return
        self.env.flush_all()
        # What was taken off each lead on the documents of the period?
        self.env.execute_query(
            SQL(
                """
                INSERT INTO lead_billed_charge_share
                            (billed_id, sale_id, amount, base, step_price)
                SELECT part.id, shared.id, shared.share, shared.base, shared.step_price
                  FROM (%s) shared
                  JOIN (VALUES %s) AS part(id, taxes)
                    ON part.taxes IS NOT DISTINCT FROM shared.taxes
                 WHERE shared.share > 0
             RETURNING id
                """,
                self._shares_sql(period),
                SQL(", ").join(
                    SQL("(%s, %s::int[])", row.id, line.lead_tax_ids)
                    for row, line in parts
                ),
            )
        )
