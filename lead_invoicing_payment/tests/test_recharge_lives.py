import logging
import random
from collections import Counter
from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import RechargeCommon

_logger = logging.getLogger(__name__)

SEEDS = range(1, 4)
STEPS = 25
JOB = "odoo.addons.lead_invoicing_payment.models.lead_recharge_job"


@tagged("post_install", "-at_install")
class TestRechargeLives(RechargeCommon):
    """Random lives of a recharged balance: whatever people, provider and crashes do, in
    whatever order, nothing is charged twice and no charge is lost."""

    def test_whatever_happens_each_crossing_is_charged_once(self):
        # The clock of all of them goes forward only.
        self.now = fields.Datetime.now()
        for seed in SEEDS:
            with self.subTest(seed=seed):
                self.live(random.Random(seed))

    def live(self, draw):
        self.draw = draw
        self.tokens = [
            self.new_token(self.person, state)
            for state in ("done", "done", "pending", "error")
        ]
        steps = [
            *(self.spend, self.spend, self.pay_in, self.go_on, self.go_on),
            *(self.go_on_unheard, self.answer, self.answer, self.die_deciding),
            *(self.die_asking, self.agree, self.agree, self.withdraw),
        ]
        taken = []
        for number in range(STEPS):
            step = draw.choice(steps)
            taken.append(step.__name__)
            with freeze_time(self.now):
                step()
            self.now += timedelta(minutes=draw.choice([0, 1, 12, 60]))
            self.generated_at = self.now
            try:
                self.assert_holds()
                if number % 5 == 4:
                    self.assert_books_hold()
            except AssertionError:
                _logger.error("Steps: %s", ", ".join(taken))
                raise

    # Steps

    def spend(self):
        at = self.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        self.new_sale(price=str(self.draw.choice([100, 450, 900])), at=at)

    def pay_in(self):
        self.deposit(self.draw.choice([50, 700]))

    def go_on(self):
        self.run_job(self.now)

    def go_on_unheard(self):
        self.outside.is_silent = True
        with mute_logger(JOB):
            self.run_job(self.now)
        self.outside.is_silent = False

    def answer(self):
        """The provider says, late or again, what became of a charge it knows."""
        known = self.recharges.transaction_id.filtered(
            lambda tx: tx.reference in self.outside.charges
        )
        if known:
            transaction = self.draw.choice(list(known))
            said = {
                "done": transaction.action_demo_set_done,
                "error": transaction.action_demo_set_error,
            }
            with mute_logger("odoo.addons.payment.models.payment_transaction"):
                said[self.draw.choice(["done", "done", "error"])]()

    def open(self):
        consents = self.env["lead.recharge.consent"].sudo()
        current = consents.with_company(self.company)._get_current(self.buyer)
        return current and self.env["lead.recharge"].sudo()._open(current)

    def die_deciding(self):
        self.open()

    def die_asking(self):
        if recharge := self.open():
            self.do_as_job("_ask", recharge)

    def agree(self):
        self.consent(
            self.draw.choice(self.tokens),
            amount=self.draw.choice([50.0, 500.0]),
            daily_limit=100_000.0,
        )

    def withdraw(self):
        consents = self.env["lead.recharge.consent"].sudo()
        for consent in consents.with_company(self.company)._get_current(self.buyer):
            consent._end("withdrawn", "x")

    # What always holds

    def assert_holds(self):
        self.env.invalidate_all()
        recharges = self.recharges
        self.assertLessEqual(
            self.outside.charges.keys(), set(recharges.mapped("reference"))
        )
        paid = Counter(self.payments.mapped("payment_transaction_id.reference"))
        for recharge in recharges:
            transaction = recharge.transaction_id
            count = paid[recharge.reference]
            self.assertLessEqual(count, transaction.state == "done")
            self.assertEqual(bool(transaction.payment_id), bool(count))
            if recharge.state == "paid":
                self.assertEqual(transaction.payment_id.amount, recharge.amount)
        standing = recharges.filtered(lambda r: r.state != "refused" and not r.left_at)
        self.assertLessEqual(len(standing), 1)
