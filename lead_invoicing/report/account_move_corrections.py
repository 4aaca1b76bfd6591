from collections import defaultdict

from odoo import api, models
from odoo.tools import SQL

from ..models.lead_sale import behind_sql


class AccountMove(models.Model):
    """What a document says of price corrections: one row for each kind of them, where
    the books have two lines."""

    _inherit = "account.move"

    def _get_move_lines_to_report(self):
        """Print the lines of price corrections as one row, in the place of the first
        of them, see :meth:`_get_lead_correction_rows`."""
        lines = super()._get_move_lines_to_report()
        # A buyer who may see the document may see what it consists of.
        corrections = lines.sudo().filtered("lead_corrects")
        if not corrections:
            return lines
        first = [
            group[0] for group in self._group_lead_corrections(corrections).values()
        ]
        return lines.filtered(lambda line: line not in corrections or line in first)

    @api.model
    def _group_lead_corrections(self, lines):
        """Return lines of price corrections, by what is one row on paper."""
        return lines.grouped(lambda line: (line.lead_type_id, line.tax_ids))

    def _get_lead_correction_rows(self):
        """Return what the document says of price corrections, instead of its two lines
        for each kind of them.

        :return: list of dicts: ``lines``, ``name``, ``quantity`` (the number of
            corrections), ``subtotal`` and ``total``, as the lines have them
        """
        self.ensure_one()
        # A buyer who may see the document may see what it consists of.
        lines = self.sudo().invoice_line_ids.filtered("lead_corrects")
        groups = self._group_lead_corrections(lines)
        # So, too, the prices behind these lines.
        prices = self.sudo()._read_lead_correction_prices() if groups else {}
        rows = []
        for (lead_type, _taxes), lines in groups.items():
            old, new, count = self._get_common_prices(prices, lines)
            if old is None:
                name = self.env._(
                    "%(lead_type)s – Prices corrected: %(count)s",
                    lead_type=lead_type.name,
                    count=count,
                )
            else:
                name = self.env._(
                    "%(lead_type)s – Price corrected from %(old)s to %(new)s",
                    lead_type=lead_type.name,
                    old=self.currency_id.format(old),
                    new=self.currency_id.format(new),
                )
                if count > 1:
                    name = self.env._("%(name)s: %(count)s", name=name, count=count)
            rows.append(
                {
                    "lines": lines,
                    "name": name,
                    "quantity": count,
                    "subtotal": sum(lines.mapped("price_subtotal")),
                    "total": sum(lines.mapped("price_total")),
                }
            )
        return rows

    def _read_lead_correction_prices(self):
        """Return from which prices to which ones the corrections on each line go.

        :return: {line id: list of (old price, new price, number of corrections)}
        """
        self.env["lead.sale"].flush_model()
        prices = defaultdict(list)
        # From which prices to which ones do the corrections on each line go?
        for line_id, *values in self.env.execute_query(
            SQL(
                """
                SELECT half.line_id, old.corrected_price, new.corrected_price, count(*)
                  FROM (%s) half
                  LEFT JOIN lead_sale old
                       ON old.corrected_sale_id = half.corrected_sale_id
                      AND old.transaction_type = 'return'
                  LEFT JOIN lead_sale new
                       ON new.corrected_sale_id = half.corrected_sale_id
                      AND new.transaction_type = 'sale'
                 WHERE half.move_id = %s
                 GROUP BY half.line_id, old.corrected_price, new.corrected_price
                """,
                behind_sql(SQL("sale.corrected_sale_id IS NOT NULL")),
                self.id,
            )
        ):
            prices[line_id].append(values)
        return prices

    @api.model
    def _get_common_prices(self, prices, lines):
        """Return the price before and the new one that all corrections on ``lines``
        have, each None where they differ; and how many corrections these are."""
        # Each correction is on two lines, but where one of them was deleted.
        half = lines.filtered(lambda line: line.lead_transaction_type == "sale")
        found = [entry for line in half or lines for entry in prices[line.id]]
        pairs = {(old, new) for old, new, _count in found}
        old, new = pairs.pop() if len(pairs) == 1 else (None, None)
        if new is None:
            old = None
        count = sum(count for _old, _new, count in found)
        return old, new, count
