import os
import random
from collections import Counter, defaultdict
from datetime import datetime, timedelta

from odoo.exceptions import UserError
from odoo.tests import tagged

from .given_back_common import GivenBackCommon

# What can happen, and how often beside the others.
STEPS = {
    "sell": 8,
    "give back": 6,
    "adjust": 3,
    "bill": 6,
    "post": 10,
    "take back": 3,
    "cancel": 2,
    "delete": 1,
    "reverse": 6,
    "credit a part": 2,
    "invoice again": 3,
    "release": 4,
}


@tagged("post_install", "-at_install")
class TestMoneyIsGivenBackOnce(GivenBackCommon):
    """Random lives of a buyer's leads: whatever people do in whatever order, a buyer
    pays for a lead its price at most, and gets that back at most."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.lead_billing_cycle_id = cls.cycle

    def test_lives(self):
        seeds = os.environ.get("LIVES", "1,2").split(",")
        done = Counter()
        for seed in map(int, seeds):
            with self.subTest(seed=seed), self.env.cr.savepoint() as savepoint:
                done += self.live(random.Random(seed), 50)
                savepoint.rollback()
            self.env.invalidate_all()
        # Lives in which nothing happens show nothing.
        for name in ("give back", "post", "reverse", "invoice again", "release"):
            self.assertGreater(done[name], 0, (done, self.told))

    def live(self, chance, length):
        done = Counter()
        self.told = []
        for _number in range(length):
            names = [name for name in STEPS if self.find(name)]
            (name,) = chance.choices(names, [STEPS[name] for name in names])
            thing = chance.choice(list(self.find(name)))
            told = f"{name} {thing.display_name} {thing.id}"
            try:
                with self.env.cr.savepoint():
                    getattr(self, f"do_{name.replace(' ', '_')}")(thing, chance)
                    self.env.flush_all()
                done[name] += 1
                self.told.append(told)
            except UserError as error:
                self.env.invalidate_all()
                done[f"{name}: refused"] += 1
                self.told.append(f"{told}: {error}")
            self.check()
        return done

    def find(self, name):
        sales = self.env["lead.sale"]
        moves = self.env["account.move"]
        of_buyer = ("commercial_partner_id", "=", self.buyer.id)
        if name == "sell":
            return self.buyer
        if name in ("give back", "adjust"):
            return sales.search([of_buyer, ("transaction_type", "=", "sale")])
        if name == "bill":
            return sales.search([of_buyer, ("billing_state", "=", "unbilled")])
        domain = {
            "post": [("state", "=", "draft")],
            "take back": [("state", "=", "posted")],
            "cancel": [("state", "!=", "cancel")],
            "delete": [("state", "=", "draft")],
            "reverse": [("state", "=", "posted")],
            "credit a part": [("state", "=", "posted"), ("lead_run_id", "!=", False)],
            "invoice again": [("state", "=", "posted"), ("lead_run_id", "!=", False)],
            "release": [("lead_credited", "=", True)],
        }[name]
        return moves.search([of_buyer, ("move_type", "!=", "entry"), *domain])

    # What people do

    def do_sell(self, buyer, chance):
        self.new_sale(buyer, f"{chance.randint(1, 30)}.25", lead_type="EDU")

    def do_give_back(self, sale, chance):
        rest = sale.price - sum(sale._search_returns().mapped("price"))
        self.try_return(sale, chance.choice([sale.price, rest or sale.price]))

    def do_adjust(self, sale, _chance):
        self.try_return(sale, 0.5)

    def try_return(self, sale, price):
        try:
            self.new_return(sale, price)
        except AssertionError as error:
            raise UserError(str(error)) from None

    def do_bill(self, _sale, chance):
        self.company.lead_return_policy = chance.choice(
            ["net", "credit_note", "credit_unpaid"]
        )
        run = (
            self.env["lead.invoice.run"]
            .sudo()
            .create(
                {
                    "company_id": self.company.id,
                    "window_end": datetime(2026, 11, 20) + timedelta(days=1),
                    "tz": "UTC",
                    "posting": chance.choice(["draft", "post", "post"]),
                }
            )
        )
        self.env["lead.invoice.run.buyer"].sudo().create(
            {
                "run_id": run.id,
                "company_id": self.company.id,
                "partner_id": self.buyer.id,
            }
        )._generate()

    def do_post(self, move, _chance):
        if not move.invoice_date:
            move.invoice_date = "2026-11-20"
        move.action_post()

    def do_take_back(self, move, _chance):
        move.button_draft()

    def do_cancel(self, move, _chance):
        move.button_cancel()

    def do_delete(self, move, _chance):
        move.with_context(force_delete=True).unlink()

    def do_reverse(self, move, chance):
        credit_note = self.reverse(move)
        if chance.random() < 0.7:
            credit_note.action_post()

    def do_credit_a_part(self, move, chance):
        credit_note = self.reverse(move)
        lines = credit_note.invoice_line_ids
        lines[0].price_unit = lines[0].price_unit / 2
        if chance.random() < 0.7:
            credit_note.action_post()

    def do_invoice_again(self, move, chance):
        self.invoice_again(move).action_post()

    def do_release(self, move, _chance):
        move._release_credited_lead_sales("Wrong company")

    # What must hold

    def check(self):
        sales = self.env["lead.sale"].search(
            [
                ("commercial_partner_id", "=", self.buyer.id),
                ("transaction_type", "=", "sale"),
            ]
        )
        documents = self.env["account.move"].search(
            [
                ("commercial_partner_id", "=", self.buyer.id),
                ("lead_run_id", "!=", False),
                ("state", "=", "posted"),
            ]
        )
        expected = self.company.currency_id.round(0)
        open_documents = defaultdict(float)
        for sale in sales:
            billed = sale.release_ids.invoice_id | sale.invoice_id
            net = 0.0
            for document in billed & documents:
                net += sale.price
                returned = sum(
                    back.price
                    for back in sale._search_returns()
                    if back.invoice_line_id.parent_state == "posted"
                    and not back.invoice_id.lead_credited
                    and (back.invoice_line_id.lead_origin_move_id or back.invoice_id)
                    == document
                )
                net -= max(returned, sale.price if document.lead_credited else 0)
                open_documents[document] += 0
            partly = any(
                not document.lead_credited and document._get_lead_reversals()
                for document in billed
            )
            expected += net
            if not partly:
                self.assertGreaterEqual(net, -0.001, self.tell(sale))
                self.assertLessEqual(net, sale.price + 0.001, self.tell(sale))
        partial = 0.0
        for document in documents:
            left, _blur = document._get_lead_amount_left()
            self.assertGreaterEqual(left, -0.001, self.tell(document))
            if not document.lead_credited:
                sign = -1 if document.move_type == "out_refund" else 1
                partial += sign * (
                    document.amount_total - document._get_lead_standing_amount()
                )
        self.assertGreaterEqual(self.owed(), -0.001, self.tell(self.buyer))
        self.assertAlmostEqual(
            self.owed(), expected - partial, 2, self.tell(self.buyer)
        )

    def tell(self, record):
        return f"{record.display_name} {record.id}\n" + "\n".join(self.told)
