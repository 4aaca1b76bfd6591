from freezegun import freeze_time

from ...report.lead_sale_close import CLOSE_SIGNS
from .as_at import AsAtCommon

DECEMBER = "2026-12-15 12:00:00"


class MonthCloseCommon(AsAtCommon):
    """Ways to close a month as a clerk, and to look at what it says."""

    def close(self, month="2026-11", now=DECEMBER, user=None, **vals):
        """Return the close of a month, filled by a clerk at a moment."""
        self.env.flush_all()
        with freeze_time(now):
            closes = self.env["lead.month.close"].with_user(user or self.billing_user)
            close = closes.create({"month": month, **vals})
            close.action_show()
        return close

    def figures(self, close, currency=None):
        """Return {figure: (transactions, amount)} of a close, without the zeros."""
        currency = currency or self.company.currency_id
        return {
            total.figure: (total.sale_count, round(total.amount, 2))
            for total in close.total_ids
            if total.currency_id == currency and total.sale_count
        }

    def get_sales(self, row):
        """Return the transactions that a row opens."""
        action = row.action_view_sales()
        ledger = self.env["lead.sale"].with_user(self.billing_user)
        return ledger.with_context(**action["context"]).search(action["domain"])

    def assert_adds_up(self, close):
        """Each figure is the sum of what it opens, and they go from start to end."""
        for row in [*close.total_ids, *close.line_ids]:
            sales = self.get_sales(row)
            with self.subTest(figure=row.figure):
                self.assertEqual(len(sales), row.sale_count)
                self.assertAlmostEqual(sum(sales.mapped("amount")), row.amount, 2)
        for currency, totals in close.total_ids.grouped("currency_id").items():
            amounts = {total.figure: total.amount for total in totals}
            counts = {total.figure: total.sale_count for total in totals}
            for numbers in (amounts, counts):
                end = sum(sign * numbers[name] for name, sign in CLOSE_SIGNS.items())
                self.assertAlmostEqual(end, numbers["closing"], 2, currency.name)
