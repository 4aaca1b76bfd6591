import random
from collections import Counter
from datetime import datetime, timedelta

from odoo.tests import tagged

from ..report.lead_sale_close import CLOSE_SIGNS
from .common.as_at import STEPS, HistoryCommon
from .common.month_close import MonthCloseCommon
from .common.optional_packages import HealthCheck, given, settings, st

ZONES = ["America/New_York", "UTC", "Asia/Tokyo", "Pacific/Apia"]
MONTHS = ["2026-09", "2026-10", "2026-11", "2026-12"]


@tagged("post_install", "-at_install", "-clock")
class TestCloseLives(HistoryCommon, MonthCloseCommon):
    """Whatever happens to leads over months, each month goes from its start to its
    end, and from the end of one to the start of the next."""

    def test_lives(self):
        done = Counter()

        @settings(
            max_examples=6,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(st.integers(0, 10**6), st.sampled_from(ZONES))
        def try_life(seed, zone):
            with self.env.cr.savepoint() as savepoint:
                self.company.lead_tz = zone
                self.live(random.Random(seed), done)
                self.check_months()
                savepoint.rollback()
            self.env.invalidate_all()

        try_life()
        # Lives in which nothing happens show nothing.
        self.assertGreater(sum(done[name] for name in STEPS), 60, done)

    def live(self, chance, done):
        now = datetime(2026, 9, 20, 12)
        for _number in range(25):
            now += timedelta(hours=chance.randint(1, 140))
            with self.at(now):
                done[self.do_something(chance, now)] += 1

    def check_months(self):
        last = {}
        for month in MONTHS:
            close = self.close(month, "2027-03-01 12:00:00")
            amounts = {total.figure: total.amount for total in close.total_ids}
            if not amounts:
                continue
            self.assertAlmostEqual(
                sum(sign * amounts[name] for name, sign in CLOSE_SIGNS.items()),
                amounts["closing"],
                2,
            )
            for name, amount in last.items():
                self.assertAlmostEqual(amounts[name], amount, 2)
            for total in close.total_ids:
                sales = self.get_sales(total)
                self.assertEqual(len(sales), total.sale_count)
                self.assertAlmostEqual(sum(sales.mapped("amount")), total.amount, 2)
            self.assert_as_the_documents_have_it(close)
            last = {"opening": amounts["closing"]}

    def assert_as_the_documents_have_it(self, close):
        """What is told as billed is on documents of the month, as far as nothing was
        released, nor dated before the leads that it bills."""
        (total,) = close.total_ids.filtered(lambda total: total.figure == "billed")
        for sale in self.get_sales(total).filtered(lambda sale: not sale.release_ids):
            self.assertEqual(sale.invoice_line_id.parent_state, "posted")
            self.assertLessEqual(sale.invoice_id.date, close.date_to)
            if sale.date < self.company._get_lead_day_start(close.date_from):
                self.assertGreaterEqual(sale.invoice_id.date, close.date_from)
