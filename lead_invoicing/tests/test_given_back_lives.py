import os
import random
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal

from odoo.exceptions import UserError
from odoo.tests import tagged

from .common.given_back import GivenBackCommon
from .common.given_back_model import GivenBackModel

# What can happen, and how often beside the others.
STEPS = {
    "sell": 6,
    "give back": 6,
    "adjust": 3,
    "bill": 7,
    "post": 10,
    "take back": 3,
    "cancel": 3,
    "delete": 2,
    "reverse": 8,
    "reverse a reversal": 5,
    "credit a part": 2,
    "invoice again": 3,
    "release": 5,
}


def exact(amount):
    return Decimal(str(round(amount, 2)))


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
        length = int(os.environ.get("LIVES_STEPS", "60"))
        done = Counter()
        for seed in map(int, seeds):
            with self.subTest(seed=seed), self.env.cr.savepoint() as savepoint:
                done += self.live(random.Random(seed), length)
                savepoint.rollback()
            self.env.invalidate_all()
        # Lives in which nothing happens show nothing.
        for name in ("give back", "post", "cancel", "reverse", "reverse a reversal"):
            self.assertGreater(done[name], 0, done)
        for name in ("invoice again", "release"):
            self.assertGreater(done[name], 0, done)

    def live(self, chance, length):
        done = Counter()
        self.told = []
        self.model = GivenBackModel()
        self.week = datetime(2026, 11, 2)
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
                self.told.append(f"{told}: refused, {error}")
                self.assertNotEqual(name, "bill", self.tell(thing))
            self.see()
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
            return sales.search([of_buyer, ("billing_state", "=", "unbilled")])[:1]
        of_run = ("lead_run_id", "!=", False)
        domain = {
            "post": [("state", "=", "draft")],
            "take back": [("state", "in", ("posted", "cancel"))],
            "cancel": [("state", "!=", "cancel")],
            "delete": [("state", "!=", "posted")],
            "reverse": [("state", "=", "posted"), of_run],
            "reverse a reversal": [
                ("state", "=", "posted"),
                ("lead_run_id", "=", False),
                ("reversed_entry_id", "!=", False),
            ],
            "credit a part": [("state", "=", "posted"), of_run],
            "invoice again": [("state", "=", "posted"), of_run],
            "release": [("lead_credited", "=", True)],
        }[name]
        found = moves.search([of_buyer, ("move_type", "!=", "entry"), *domain])
        if name == "release":
            billed = sales.search([("invoice_id", "in", found.ids)])
            return found & billed.invoice_id
        return found

    # What people do

    def do_sell(self, buyer, chance):
        at = self.week + timedelta(hours=chance.randrange(24 * 6))
        price = f"{chance.randint(1, 30)}.25"
        self.new_sale(buyer, price, f"{at:%Y-%m-%dT%H:%M:%SZ}")

    def do_give_back(self, sale, chance):
        rest = sale.price - sum(sale._search_returns().mapped("price"))
        price = chance.choice([sale.price, rest or sale.price])
        self.try_return(sale, price, chance)

    def do_adjust(self, sale, chance):
        self.try_return(sale, 0.5, chance)

    def try_return(self, sale, price, chance):
        # In this week, or so late that it waits for the next one.
        at = max(sale.date, self.week) + timedelta(hours=chance.randrange(24 * 6))
        try:
            self.new_return(sale, price, f"{at:%Y-%m-%dT%H:%M:%SZ}")
        except AssertionError as error:
            raise UserError(str(error)) from None

    def do_bill(self, _sale, chance):
        self.company.lead_return_policy = chance.choice(
            ["net", "credit_note", "credit_unpaid"]
        )
        self.week += timedelta(days=7)
        run = (
            self.env["lead.invoice.run"]
            .sudo()
            .create(
                {
                    "company_id": self.company.id,
                    "window_end": self.week,
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
        left = self.env["lead.sale"].search(
            [
                ("commercial_partner_id", "=", self.buyer.id),
                ("billing_state", "=", "unbilled"),
                ("date", "<", self.week),
            ]
        )
        self.assertFalse(left, self.tell(left[:1]))

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
        reversal = self.reverse(move)
        self.assertEqual(
            exact(reversal.amount_total),
            abs(self.model.get_left_in_all(move.id)),
            self.tell(reversal),
        )
        if chance.random() < 0.7:
            reversal.action_post()

    def do_reverse_a_reversal(self, move, _chance):
        # All of it, as Odoo does; posting is refused where that is too much.
        self.reverse(move).action_post()

    def do_credit_a_part(self, move, chance):
        credit_note = self.reverse(move)
        lines = credit_note.invoice_line_ids
        lines[0].price_unit = round(lines[0].price_unit / 2, 2)
        if chance.random() < 0.7:
            credit_note.action_post()

    def do_invoice_again(self, move, chance):
        again = self.invoice_again(move)
        if chance.random() < 0.7:
            again.action_post()

    def do_release(self, move, _chance):
        self.release(move)

    # What must hold

    def see(self):
        """Tell the model what can be seen."""
        sales = self.search_sales()
        moves = self.env["account.move"].search(
            [("commercial_partner_id", "=", self.buyer.id)], order="id"
        )
        posted = moves.filtered(lambda move: move.state == "posted")
        self.model.see(
            places={
                sale.id: (sale.invoice_id.id, exact(sale.amount))
                for sale in sales
                if sale.invoice_line_id
            },
            origins={sale.id: sale.origin_id.id for sale in sales if sale.origin_id},
            posted=posted.ids,
            reversals={
                move.id: (move.reversed_entry_id.id, exact(move.amount_total))
                for move in posted
                if not move.lead_run_id
            },
            copies={
                move.lead_replaces_id.id: move.id
                for move in moves
                if move.lead_replaces_id
            },
        )

    def search_sales(self):
        return self.env["lead.sale"].search(
            [("commercial_partner_id", "=", self.buyer.id)], order="id"
        )

    def check(self):
        self.assertEqual(
            exact(self.owed()), self.model.get_books(), self.tell(self.buyer)
        )
        documents = self.env["account.move"].search(
            [
                ("commercial_partner_id", "=", self.buyer.id),
                ("lead_run_id", "!=", False),
            ]
        )
        for document in documents:
            self.assertEqual(
                document.lead_credited,
                self.model.is_credited(document.id),
                self.tell(document),
            )
        for sale in self.search_sales():
            self.check_sale(sale)

    def check_sale(self, sale):
        """What is owed for a sale, or was given back by a return, is between nothing
        and its price; it is nothing for what waits to be billed, or never is."""
        owed = self.model.get_owed_in_all(sale.id)
        if owed is None:
            # Its document was credited in part, by a sum that belongs to no sale.
            return
        price = exact(sale.price)
        least, most = (-price, 0) if sale.origin_id else (0, price)
        if sale.invoice_id.state == "draft" and sale.invoice_id.lead_replaces_id:
            # What was returned before is billed again, and returned of that: until
            # the new invoice is posted, the buyer is owed it.
            least = -price
        self.assertGreaterEqual(owed, least, self.tell(sale))
        self.assertLessEqual(owed, most, self.tell(sale))
        if sale.billing_state not in ("invoiced", "draft"):
            self.assertEqual(owed, 0, self.tell(sale))
        if sale.origin_id and not sale.invoice_line_id:
            self.assertEqual(
                sale.waived,
                self.model.is_credited(sale.origin_id.invoice_id.id),
                self.tell(sale),
            )

    def tell(self, record):
        return f"{record.display_name} {record.id}\n" + "\n".join(self.told)
