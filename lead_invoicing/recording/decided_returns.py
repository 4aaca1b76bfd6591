"""The platform's own return of a sale that a decision made here has given back."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from odoo.tools import SQL


def _get_ids(origin):
    """Return under which ids a sale is in the ledger: its own, and those of what it
    corrects that the rows name."""
    return sorted(origin.named_ids | ({origin.id} if origin.id else set()))


@dataclass
class DecidedReturn:
    """A return that was decided on here.

    :param table: the table of the decision; it has a ``platform_ref``
    :param decision_id: the id of the decision
    :param id: the id of the return
    :param platform_ref: under which reference the platform sent it as well, if it did
    """

    table: str
    decision_id: int
    id: int
    reference: str
    price: Decimal
    platform_ref: str | None


class DecidedReturnRules:
    """The part of :class:`~.recorder.LeadRecorder` that knows what was given back here.
    When the platform reports a return of that sale and amount as well, this is answered
    as a duplicate of the return that was decided on. Each decision answers one report
    so."""

    # pylint: disable=unknown-option-value,missing-return

    def _find_origins(self, returns, accepted):
        super()._find_origins(returns, accepted)
        origins = [row.origin for row in returns]
        origins += [
            origin
            for found in self.sales_of_leads.values()
            for origin in found.values()
        ]
        self.decided = self._query_decided(
            {id_ for origin in origins if origin for id_ in _get_ids(origin)}
        )

    def _get_decisions(self):
        """Hook: return ``{table: query}`` of decisions that make returns. A query gives
        ``id``, ``sale_id``, ``return_id`` and ``platform_ref``, a field in which the
        reference of the platform's own report of that return is kept.
        """
        return {
            "lead_dispute_row": SQL(
                "SELECT id, sale_id, return_id, platform_ref FROM lead_dispute_row"
            )
        }

    def _query_decided(self, sale_ids):
        """Return ``{sale id: [DecidedReturn]}`` of these sales."""
        decided = {}
        if not sale_ids:
            return decided
        decisions = [
            SQL("SELECT %s AS source, decision.* FROM (%s) decision", table, query)
            for table, query in self._get_decisions().items()
        ]
        # Which returns of these sales did decisions make?
        for sale_id, *values in self.env.execute_query(
            SQL(
                """
                SELECT decision.sale_id, decision.source, decision.id, back.id,
                       back.external_ref, back.price::text, decision.platform_ref
                  FROM (%s) decision
                  JOIN lead_sale back ON back.id = decision.return_id
                 WHERE decision.sale_id = ANY(%s)
                 ORDER BY back.id
                """,
                SQL(" UNION ALL ").join(decisions),
                sorted(sale_ids),
            )
        ):
            back = DecidedReturn(*values)
            back.price = Decimal(back.price)
            decided.setdefault(sale_id, []).append(back)
        return decided

    def _find_same_return(self, row):
        if row.from_odoo and not row.from_file:
            # A person who enters a return knows what was given back.
            return super()._find_same_return(row)
        # Also those before the price of the sale was corrected.
        for id_ in _get_ids(row.origin):
            for back in self.decided.get(id_, ()):
                if back.price == row.price and (
                    back.platform_ref in (None, row.external_ref)
                ):
                    if not back.platform_ref:
                        back.platform_ref = row.external_ref
                        row.met = back
                    row.id, row.status = back.id, "duplicate"
                    row.message = self.env._(
                        "This sale was already returned on the buyer's request or"
                        " dispute, as “%s”; nothing more is credited.",
                        back.reference,
                    )
                    return True
        return super()._find_same_return(row)


def note_met(env, rows):
    """Note the platform's references on the decisions whose returns it reported, once
    they were answered as duplicates.

    :param rows: all that were checked
    """
    by_table = defaultdict(list)
    for row in rows:
        if row.met:
            by_table[row.met.table].append(row.met)
    # In one order, so that two do not wait for each other.
    for table, met in sorted(by_table.items()):
        # Whoever may record returns may write the platform's reference on the decision
        # that has made this one already.
        env.execute_query(
            SQL(
                """
                UPDATE %s decision
                   SET platform_ref = met.platform_ref
                  FROM (VALUES %s) AS met(id, platform_ref)
                 WHERE decision.id = met.id AND decision.platform_ref IS NULL
             RETURNING decision.id
                """,
                SQL.identifier(table),
                SQL(", ").join(
                    SQL("(%s, %s)", back.decision_id, back.platform_ref)
                    for back in sorted(met, key=lambda back: back.decision_id)
                ),
            )
        )
    if by_table:
        env.invalidate_all()
