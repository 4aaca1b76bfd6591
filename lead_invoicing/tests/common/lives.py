"""Random lives: what people and jobs do to leads and their documents, in any order,
beside a plain model of what may come of it.

A step is a name and a number, from which all that it chooses is drawn; so a life is a
list of steps, and a list with steps left out is a life as well. A step is refused with
a sentence, or does what it says: in both cases nothing else may change.
"""

import random
import traceback
from dataclasses import dataclass, field
from datetime import timedelta

from odoo import Command, fields
from odoo.exceptions import RedirectWarning, UserError

# How often each step is taken, about.
WEIGHTS = {
    "sell": 26,
    "give_back": 11,
    "correct_price": 5,
    "run_schedule": 14,
    "run_by_hand": 2,
    "post": 7,
    "cancel": 3,
    "set_to_draft": 3,
    "delete": 3,
    "edit_line": 2,
    "delete_line": 1,
    "reverse": 4,
    "reverse_and_invoice": 2,
    "credit_in_part": 2,
    "post_credit_note": 2,
    "undo_credit_note": 2,
    "reverse_credit_note": 1,
    "release": 3,
    "waive": 2,
    "unwaive": 2,
    "dispute": 3,
    "decide_dispute": 3,
    "deposit": 3,
    "top_up": 2,
    "pay": 2,
    "remind": 3,
    "agree_on_charge": 0.6,
    "end_charge": 0.4,
    "cancel_payment": 1,
    "unreconcile": 1,
    "merge_buyers": 0.4,
    "move_buyer": 0.4,
    "archive_buyer": 0.6,
    "change_buyer": 2,
    "change_company": 2,
    "change_taxes": 0.6,
    "change_cycle": 0.6,
}
# After so many, PostgreSQL counts its rows anew.
STEPS_UNCOUNTED = 100
PRICES = (0, 5, 10, 10, 20, 20, 33.33)
# Findings that tell of what people did, not of what is wrong.
TOLD = {"edited", "draft_without_transactions"}


class ImpossibleError(UserError):
    """There is nothing that this step could be taken with."""

    def __init__(self):
        super().__init__("")


class BrokenError(AssertionError):
    """Something that always holds does not."""


@dataclass
class Change:
    """What a step may do to transactions and documents that were there before it."""

    # Documents whose transactions all get free; lines, too.
    freed: set = field(default_factory=set)
    freed_sales: set = field(default_factory=set)
    # The document that takes over another's transactions.
    moved: dict = field(default_factory=dict)
    # Documents whose state changes.
    touched: set = field(default_factory=set)
    # Transactions that may be billed on new documents, and those that must be.
    may_bill: set = field(default_factory=set)
    must_bill: set = field(default_factory=set)
    # Transactions whose waiver a person decides.
    waived: set = field(default_factory=set)
    # Waiting returns may be waived, or not, as their sales' documents are credited.
    credits: bool = False


@dataclass(frozen=True)
class Place:
    """Where a transaction is."""

    document: int | None
    waived: bool


class Life:
    """One life in the world of a test case, at the moment of its frozen clock."""

    weights = WEIGHTS

    def __init__(self, world, clock):
        self.world = world
        self.clock = clock
        self.now = world.birth
        self.count = 0
        self.refused = 0
        # Documents whose credit notes were, perhaps, taken back.
        self.uncredited = set()
        self.done = {}
        self.diary = []
        self.move_clock(timedelta())
        self.places = self.read_places()
        self.states = self.read_states()

    @property
    def env(self):
        return self.world.env

    # Living

    @classmethod
    def draw_steps(cls, seed, count):
        """Return the steps of a life."""
        draw = random.Random(seed)
        names, weights = list(cls.weights), list(cls.weights.values())
        return [
            (draw.choices(names, weights)[0], draw.getrandbits(32))
            for _number in range(count)
        ]

    def play(self, steps):
        """Take these steps.

        :return: None, or (index of the step that broke something, sentence)
        """
        for index, (name, seed) in enumerate(steps):
            if index % STEPS_UNCOUNTED == STEPS_UNCOUNTED - 1:
                # PostgreSQL plans by what it counted, and counts by itself only what
                # is committed: checks of the books took three times as long.
                self.env.cr.execute("ANALYZE")
            try:
                self.take(name, seed)
            except BrokenError as broken:
                return index, str(broken)
            except Exception:  # noqa: BLE001 whatever it is, it is told
                return index, traceback.format_exc(limit=-12)
        return None

    def take(self, name, seed):
        self.draw = random.Random(seed)
        self.chosen = []
        change = None
        try:
            with self.env.cr.savepoint():
                change = getattr(self, f"step_{name}")()
                # As the end of a request does.
                self.env.flush_all()
                self.env.cr.precommit.run()
                self.env.flush_all()
        except (UserError, RedirectWarning):
            self.refused += 1
            self.env.invalidate_all()
        self.env.cr.precommit.clear()
        self.env.cr.postcommit.clear()
        self.diary.append(
            f"{self.now:%Y-%m-%d %H:%M} {name}: {', '.join(self.chosen)}"
            f"{'' if change else ' (refused)'}"
        )
        if change:
            self.done[name] = self.done.get(name, 0) + 1
        self.compare(change or Change())
        self.check_others()
        self.check_books()

    def move_clock(self, delta):
        self.now += delta
        self.clock.move_to(self.now)
        # What is recorded now says so; the database's own clock stands still in a test.
        self.env.cr._now = self.now

    # The plain model: what may have changed

    def read_places(self):
        self.env.flush_all()
        self.env.cr.execute(
            """
            SELECT sale.id, line.move_id, COALESCE(sale.waived, FALSE)
              FROM lead_sale sale
              LEFT JOIN account_move_line line ON line.id = sale.invoice_line_id
            """
        )
        return {
            sale_id: Place(move_id, waived)
            for sale_id, move_id, waived in self.env.cr.fetchall()
        }

    def read_states(self):
        self.env.cr.execute(
            "SELECT id, state FROM account_move WHERE lead_run_id IS NOT NULL"
        )
        return dict(self.env.cr.fetchall())

    def compare(self, change):
        places, states = self.read_places(), self.read_states()
        for sale_id, old in self.places.items():
            if sale_id not in places:
                raise BrokenError(f"transaction {sale_id} is gone")
            self.compare_place(change, sale_id, old, places[sale_id])
        for move_id, state in self.states.items():
            may_change = move_id in change.touched | change.freed
            if not may_change and states.get(move_id) != state:
                raise BrokenError(
                    f"document {move_id} was {state}, is {states.get(move_id)}"
                )
        self.places, self.states = places, states

    def check_others(self):
        """Hook: check what else holds, after each step."""

    def compare_place(self, change, sale_id, old, new):
        if new.document != old.document:
            self.compare_document(change, sale_id, old, new)
        elif old.document and old.document in change.freed | change.moved.keys():
            raise BrokenError(f"{sale_id} stayed on document {old.document}")
        if new.waived != old.waived:
            self.compare_waiver(change, sale_id, old, new)
        if sale_id in change.must_bill and not new.document:
            raise BrokenError(f"{sale_id} was forgotten: {self.tell(sale_id)}")

    def compare_document(self, change, sale_id, old, new):
        if not old.document:
            is_right = sale_id in change.may_bill and new.document not in self.states
        elif not new.document:
            is_right = old.document in change.freed or sale_id in change.freed_sales
        else:
            is_right = change.moved.get(old.document) == new.document
        if not is_right:
            raise BrokenError(
                f"{sale_id} went from document {old.document} to {new.document}:"
                f" {self.tell(sale_id)}"
            )

    def compare_waiver(self, change, sale_id, old, new):
        sale = self.env["lead.sale"].browse(sale_id)
        root = sale
        while root and root.id not in change.waived:
            root = root.corrected_sale_id or root.origin_id
        if root:
            return
        named = sale.corrected_sale_id or sale.origin_id
        if change.credits and named and not new.document:
            return
        raise BrokenError(f"{sale_id} is waived: {new.waived}, was {old.waived}")

    def tell(self, sale_id):
        sale = self.env["lead.sale"].browse(sale_id)
        items = self.env["lead.invoice.run.buyer"].search(
            [("partner_id", "=", sale.commercial_partner_id.id)], order="id", limit=3
        )
        return (
            f"{sale.external_ref}, {sale.transaction_type} of {sale.date}, "
            f"{sale.commercial_partner_id.name},"
            f" {items.mapped(lambda item: (item.state, item.message))}"
        )

    def check_books(self):
        findings = self.env["lead.invoice.run"].check_books()
        for finding in findings:
            if finding["rule"] not in TOLD and not self.is_told_of_undone(finding):
                raise BrokenError(f"{finding['rule']}: {finding['message']}")

    def is_told_of_undone(self, finding):
        """Tell whether this is only about credit notes that accepted a dispute, and
        that a person took back."""
        if finding["rule"] != "accepted_without_credit":
            return False
        disputes = self.env["lead.dispute"].browse(finding["ids"])
        return set(disputes.move_id.ids) <= self.uncredited

    # Choosing

    def choose(self, candidates):
        """Return one of these records.

        :raises ImpossibleError: if there are none
        """
        if not candidates:
            raise ImpossibleError
        record = candidates[self.draw.randrange(len(candidates))]
        self.chosen.append(f"{record.display_name} ({record._name} {record.id})")
        return record

    def choose_company(self):
        return self.draw.choice([self.world.company] * 3 + [self.world.company_2])

    def choose_buyer(self):
        return self.choose(self.world.all_buyers.exists())

    def choose_move(self, *domain):
        """Return one of the documents, rather a recent one."""
        moves = self.env["account.move"].search(list(domain), order="id desc", limit=30)
        return self.choose(moves[: 1 + self.draw.randrange(30)])

    def choose_document(self, *domain):
        return self.choose_move(("lead_run_id", "!=", False), *domain)

    def choose_credit_note(self, *domain):
        return self.choose_move(
            ("reversed_entry_id.lead_run_id", "!=", False),
            ("lead_run_id", "=", False),
            *domain,
        )

    # Recording

    def record(self, company, vals):
        self.count += 1
        row = {"external_ref": f"L{self.count}", **vals}
        ledger = self.env["lead.sale"].with_company(company)
        (answer,) = ledger.record_transactions([row])
        if answer["status"] != "created":
            raise UserError(answer["message"])
        return Change()

    def step_sell(self):
        company = self.choose_company()
        late = timedelta(hours=self.draw.randrange(0, 24 * 12))
        return self.record(
            company,
            {
                "type": "sale",
                "occurred_at": f"{self.now - late:%Y-%m-%dT%H:%M:%SZ}",
                "buyer_ref": self.choose_buyer().ref,
                "lead_type": self.draw.choice(["AUTO", "EDU"]),
                "price": str(self.draw.choice(PRICES)),
                "currency": self.draw.choice(["USD", "USD", "USD", "EUR"]),
                "campaign": self.draw.choice([None, "Spring"]),
                "lead_ref": f"lead {self.draw.randrange(50)}",
            },
        )

    def step_give_back(self):
        sales = self.env["lead.sale"].search(
            [("transaction_type", "=", "sale")], order="id desc", limit=40
        )
        sale = self.choose(sales)
        price = sale.price
        if self.draw.random() < 0.4:
            price = round(sale.price * self.draw.choice([0.25, 0.5]), 2)
        return self.record(
            sale.company_id,
            {
                "type": "return",
                "origin_external_ref": sale.external_ref,
                "occurred_at": f"{max(self.now, sale.date):%Y-%m-%dT%H:%M:%SZ}",
                "buyer_ref": sale.partner_id.ref,
                "lead_type": sale.lead_type_id.code,
                "price": str(price),
                "currency": sale.currency_id.name,
                "reason": "wrong number",
            },
        )

    def step_correct_price(self):
        sales = self.env["lead.sale"].search(
            [("transaction_type", "=", "sale")], order="id desc", limit=40
        )
        sale = self.choose(sales)
        last = sale | sale._search_corrections()
        moment = max(self.now, *last.mapped("date"))
        return self.record(
            sale.company_id,
            {
                "type": "correction",
                "origin_external_ref": sale.external_ref,
                "occurred_at": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
                "buyer_ref": sale.partner_id.ref,
                "lead_type": sale.lead_type_id.code,
                "price": str(self.draw.choice(PRICES)),
                "currency": sale.currency_id.name,
            },
        )

    def step_waive(self):
        sale = self.choose(
            self.env["lead.sale"].search(
                [("billing_state", "=", "unbilled")], order="id desc", limit=20
            )
        )
        sale._waive("goodwill")
        return Change(waived={sale.id})

    def step_unwaive(self):
        sale = self.choose(self.env["lead.sale"].search([("waived", "=", True)]))
        sale._unwaive("after all")
        return Change(waived={sale.id})

    # Running

    def step_run_schedule(self):
        self.move_clock(
            timedelta(days=self.draw.randrange(0, 9), hours=self.draw.randrange(24))
        )
        before = self.env["lead.invoice.run"].search([])
        with self.world.enter_registry_test_mode():
            self.world.cron.method_direct_trigger()
        self.env.invalidate_all()
        made = self.env["lead.invoice.run"].search([]) - before
        ends = {cycle: self.get_last_end(cycle, made) for cycle in self.world.cycles}
        change = Change()
        for sale in self.env["lead.sale"].search([("id", "in", list(self.places))]):
            place = self.places[sale.id]
            if place.document or place.waived:
                continue
            # Whoever belongs to a buyer today is billed as it: a contact that joined
            # one keeps terms of its own in the companies that nobody moved it in.
            buyer = sale.commercial_partner_id.commercial_partner_id
            buyer = buyer.with_company(sale.company_id)
            cycle = buyer.lead_billing_cycle_id or sale.company_id.lead_billing_cycle_id
            end = ends.get(cycle)
            if not end or sale.date >= end or buyer.lead_billing_hold:
                continue
            change.may_bill.add(sale.id)
            if not (
                buyer.lead_minimum_amount
                or not sale.company_id.lead_issue_zero
                or self.is_credited(sale)
            ):
                change.must_bill.add(sale.id)
        self.check_failures()
        return change

    def is_credited(self, sale):
        """Tell whether what this returns or corrects was credited, or may be waived."""
        while sale := sale.corrected_sale_id or sale.origin_id:
            if sale.invoice_id.lead_credited or sale.waived:
                return True
        return False

    def get_last_end(self, cycle, made):
        """Return the end of the last window that was invoiced now, if any was."""
        if cycle.next_generation_at <= self.now:
            raise BrokenError(f"{cycle.name} is still due")
        runs = made.filtered(lambda run: run.cycle_id == cycle)
        return max(runs.mapped("window_end"), default=None)

    def check_failures(self):
        for item in self.env["lead.invoice.run.buyer"].search(
            [("state", "=", "failed")]
        ):
            buyer = item.partner_id.with_company(item.company_id)
            if not buyer.lead_billing_hold and "hold" not in item.message:
                raise BrokenError(f"{buyer.name} was parked: {item.message}")

    def step_run_by_hand(self):
        company = self.choose_company()
        buyer = self.choose_buyer().commercial_partner_id
        wizard = (
            self.env["lead.invoice.wizard"]
            .with_company(company)
            .create(
                {
                    "partner_ids": buyer.ids,
                    "posting": self.draw.choice(["draft", "post"]),
                    "ignore_minimum": self.draw.random() < 0.5,
                }
            )
        )
        with self.world.enter_registry_test_mode(), self.env.registry.cursor() as cr:
            wizard.with_env(wizard.env(cr=cr)).action_invoice()
        self.env.invalidate_all()
        waiting = self.env["lead.sale"].search(
            [
                ("id", "in", list(self.places)),
                ("company_id", "=", company.id),
                # Whoever belongs to the buyer today is billed with it.
                ("commercial_partner_id.commercial_partner_id", "=", buyer.id),
            ]
        )
        self.check_failures()
        return Change(may_bill=set(waiting.ids))

    # Documents

    def step_post(self):
        move = self.choose_document(("state", "=", "draft"))
        move.action_post()
        return Change(touched=set(move.ids), credits=True)

    def step_cancel(self):
        move = self.choose_document(("state", "in", ("draft", "posted")))
        move.button_cancel()
        return Change(freed=set(move.ids), credits=True)

    def step_set_to_draft(self):
        move = self.choose_document(("state", "in", ("posted", "cancel")))
        move.button_draft()
        return Change(touched=set(move.ids), credits=True)

    def step_delete(self):
        move = self.choose_document(("state", "in", ("draft", "cancel")))
        change = Change(freed=set(move.ids), credits=True)
        move.unlink()
        return change

    def choose_lead_line(self):
        move = self.choose_document(("state", "=", "draft"))
        return self.choose(move.invoice_line_ids.filtered("lead_type_id"))

    def step_edit_line(self):
        line = self.choose_lead_line()
        name, value = self.draw.choice(
            [
                ("price_unit", line.price_unit + 1),
                ("quantity", line.quantity + 1),
                ("discount", 50),
            ]
        )
        line.move_id.invoice_line_ids = [Command.update(line.id, {name: value})]
        return Change()

    def step_delete_line(self):
        line = self.choose_lead_line()
        sales = self.env["lead.sale"].search([("invoice_line_id", "=", line.id)])
        line.move_id.invoice_line_ids = [Command.delete(line.id)]
        return Change(freed_sales=set(sales.ids))

    # Credit notes

    def reverse(self, move, is_modify=False):
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"journal_id": move.journal_id.id, "date": fields.Date.today()})
        )
        wizard.reverse_moves(is_modify=is_modify)
        return wizard.new_move_ids

    def step_reverse(self):
        move = self.choose_document(("state", "=", "posted"))
        note = self.reverse(move)
        if self.draw.random() < 0.8:
            note.action_post()
        return Change(credits=True)

    def step_reverse_and_invoice(self):
        move = self.choose_document(("state", "=", "posted"))
        new_moves = self.reverse(move, is_modify=True)
        new = new_moves.filtered("lead_replaces_id")
        return Change(moved={move.id: new.id} if new else {}, credits=True)

    def step_credit_in_part(self):
        move = self.choose_document(("state", "=", "posted"))
        note = self.reverse(move)
        line = self.choose(note.invoice_line_ids)
        note.invoice_line_ids = [
            Command.update(line.id, {"price_unit": round(line.price_unit / 2, 2)})
        ]
        note.action_post()
        return Change(credits=True)

    def step_post_credit_note(self):
        self.choose_credit_note(("state", "=", "draft")).action_post()
        return Change(credits=True)

    def step_undo_credit_note(self):
        note = self.choose_credit_note()
        self.uncredited.update(note.reversed_entry_id.ids)
        method = self.draw.choice(["button_draft", "button_cancel", "unlink"])
        getattr(note, method)()
        return Change(credits=True)

    def step_reverse_credit_note(self):
        note = self.choose_credit_note(("state", "=", "posted"))
        self.uncredited.update(note.reversed_entry_id.ids)
        self.reverse(note).action_post()
        return Change(credits=True)

    def step_release(self):
        move = self.choose_document(("lead_credited", "=", True))
        wizard = self.env["lead.sale.release.wizard"].create(
            {"invoice_ids": move.ids, "reason": "Bill them again"}
        )
        kept = self.find_returned(move)
        wizard.action_release()
        places = self.read_places()
        if any(places[sale_id].document != move.id for sale_id in kept):
            raise BrokenError(f"a sale that was returned in full left {move.name}")
        freed = {
            sale_id
            for sale_id, place in self.places.items()
            if place.document == move.id and sale_id not in kept
        }
        if any(places[sale_id].document for sale_id in freed):
            raise BrokenError(f"{move.name} kept sales that were released")
        return Change(freed_sales=freed, credits=True)

    def find_returned(self, move):
        """Return the ids of the sales on a document of which returns on other documents
        that stand gave back all: nobody is to pay for them again."""
        self.env.cr.execute(
            """
            SELECT sale.id
              FROM lead_sale sale
              JOIN account_move_line line ON line.id = sale.invoice_line_id
              JOIN lead_sale back ON back.origin_id = sale.id
              JOIN account_move_line back_line ON back_line.id = back.invoice_line_id
              JOIN account_move document ON document.id = back_line.move_id
             WHERE line.move_id = %s AND back_line.move_id != line.move_id
               AND document.state = 'posted'
          GROUP BY sale.id
            HAVING sum(back.price) >= sale.price
            """,
            [move.id],
        )
        return {sale_id for (sale_id,) in self.env.cr.fetchall()}

    # Disputes

    def step_dispute(self):
        move = self.choose_document(
            ("state", "=", "posted"), ("move_type", "=", "out_invoice")
        )
        vals = {"move_id": move.id, "reason": "Wrong numbers", "scope": "whole"}
        kind = self.draw.random()
        if kind < 0.6:
            sales = self.env["lead.sale"].search(
                [
                    ("invoice_line_id.move_id", "=", move.id),
                    ("transaction_type", "=", "sale"),
                ],
                limit=5,
            )
            disputed = move.lead_dispute_ids.row_ids.filtered(
                lambda row: not row.withdrawn
            )
            sale = self.choose(sales - disputed.sale_id)
            vals.update(scope="rows", sale_ids=[Command.set(sale.ids)])
        elif kind < 0.9:
            vals.update(scope="amount", amount=self.draw.choice([0.01, 5, 12.34]))
        self.env["lead.dispute"].create(vals)
        return Change()

    def step_decide_dispute(self):
        dispute = self.choose(self.env["lead.dispute"].search([("state", "=", "open")]))
        way = self.draw.choice(["accept", "accept", "reject", "withdraw"])
        dispute.answer = "As agreed"
        getattr(dispute, f"action_{way}")()
        return Change(credits=True)

    # Money

    def step_deposit(self):
        company = self.choose_company()
        payment = self.env["account.payment"].create(
            {
                "payment_type": "inbound",
                "partner_type": "customer",
                "partner_id": self.choose_buyer().id,
                "amount": self.draw.choice([10, 50, 200]),
                "date": fields.Date.today(),
                "journal_id": self.world.banks[company].id,
            }
        )
        payment.action_post()
        return Change()

    def step_top_up(self):
        """A prepaid buyer is asked for money; it comes in, or the bank tells twice."""
        company = self.choose_company()
        buyer = self.choose_buyer().commercial_partner_id
        request = self.env["lead.top.up"].create(
            {
                "partner_id": buyer.id,
                "company_id": company.id,
                "currency_id": company.currency_id.id,
                "amount": self.draw.choice([10, 50, 200]),
            }
        )
        if self.draw.random() < 0.2:
            request.action_cancel()
        for _time in range(self.draw.choice([0, 1, 1, 1, 2])):
            self.env["account.bank.statement.line"].create(
                {
                    "journal_id": self.world.banks[company].id,
                    "date": fields.Date.today(),
                    "payment_ref": f"transfer {request.reference}",
                    "amount": request.amount,
                }
            )
        return Change()

    def step_pay(self):
        move = self.choose_document(
            ("state", "=", "posted"),
            ("move_type", "=", "out_invoice"),
            ("amount_residual", ">", 0),
        )
        wizard = (
            self.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"journal_id": self.world.banks[move.company_id].id})
        )
        if self.draw.random() < 0.3:
            wizard.amount = round(wizard.amount / 2, 2)
        wizard.action_create_payments()
        return Change()

    def step_cancel_payment(self):
        payment = self.choose(
            self.env["account.payment"].search(
                [("state", "in", ("in_process", "paid"))], order="id desc", limit=10
            )
        )
        payment.action_draft()
        payment.action_cancel()
        return Change()

    def step_unreconcile(self):
        move = self.choose_document(("state", "=", "posted"))
        move.line_ids.remove_move_reconcile()
        return Change()

    def step_remind(self):
        """The job reminds of what is overdue; called twice, it does so once."""
        before = self.env["lead.reminder"].search([])
        for _time in range(2):
            with self.world.enter_registry_test_mode():
                self.world.reminding.method_direct_trigger()
            self.env.invalidate_all()
        new = self.env["lead.reminder"].search([]) - before
        if len(new.move_id) != len(new):
            raise BrokenError(f"reminded twice: {new.mapped('display_name')}")
        for reminder in new:
            self.check_reminder(reminder, before)
        for move in self.env["account.move"].search(
            [
                ("lead_run_id", "!=", False),
                ("move_type", "=", "out_invoice"),
                ("state", "=", "posted"),
                ("payment_state", "in", ("not_paid", "partial")),
                ("lead_dispute_ids", "=", False),
                ("invoice_date_due", "<", self.now - timedelta(days=5)),
            ]
        ):
            # Nothing is mailed to an archived contact: a person is told.
            has_address = move.partner_id.active and move.partner_id.email
            if has_address and not move.lead_reminder_ids:
                raise BrokenError(f"{move.name} is overdue, and nobody was reminded")
        return Change()

    def check_reminder(self, reminder, before):
        move = reminder.move_id
        sent = before.filtered(
            lambda one: (one.move_id, one.due_date) == (move, reminder.due_date)
        )
        asks_in_time = reminder.due_date < reminder.day
        asks_for_what_is_open = 0 < reminder.amount <= move.amount_residual
        is_next = reminder.level == max(sent.mapped("level"), default=0) + 1
        disputes = move.lead_dispute_ids.filtered(lambda one: one.state == "open")
        asks_for_less = reminder.amount < move.amount_residual or not disputes
        if not (
            move.state == "posted"
            and asks_in_time
            and asks_for_what_is_open
            and is_next
            and asks_for_less
        ):
            raise BrokenError(
                f"{move.name} ({move.state}, {move.amount_residual} open) was reminded"
                f" of: level {reminder.level}, {reminder.amount}"
            )

    def step_agree_on_charge(self):
        kind = self.draw.choice(["fee", "minimum", "discount", "tier"])
        company = self.choose_company()
        vals = {
            "name": kind,
            "kind": kind,
            "company_id": company.id,
            "currency_id": company.currency_id.id,
            "product_id": self.world.charge_product.id,
            "period": self.draw.choice(["window", "month"]),
            "date_from": fields.Date.today(),
        }
        if self.draw.random() < 0.7:
            vals["partner_id"] = self.choose_buyer().commercial_partner_id.id
        if kind in ("fee", "minimum"):
            vals["amount"] = self.draw.choice([3, 25])
        elif kind == "discount":
            vals["percent"] = self.draw.choice([2.5, 10, 100])
        else:
            vals["tier_mode"] = self.draw.choice(["all", "graduated"])
            vals["tier_ids"] = [
                Command.create({"from_count": 2, "percent": 5}),
                Command.create({"from_count": 4, "price": 7}),
            ]
        self.env["lead.billing.charge"].create(vals)
        return Change()

    def step_end_charge(self):
        charge = self.choose(
            self.env["lead.billing.charge"].search([("date_to", "=", False)])
        )
        charge.date_to = max(fields.Date.today(), charge.date_from)
        return Change()

    # Contacts and settings

    def step_merge_buyers(self):
        buyers = self.world.all_buyers.exists()
        if len(buyers) < 4:
            raise ImpossibleError
        source, target = self.draw.sample(list(buyers), 2)
        self.chosen += [source.name, target.name]
        wizard = self.env["base.partner.merge.automatic.wizard"].sudo()
        wizard._merge((source | target).ids, target.sudo())
        return Change()

    def step_move_buyer(self):
        buyer = self.choose_buyer()
        if buyer.parent_id:
            buyer.write({"parent_id": False, "is_company": True})
        else:
            buyer.write({"parent_id": self.choose_buyer().id, "is_company": False})
        return Change()

    def step_archive_buyer(self):
        buyer = self.choose_buyer()
        buyer.active = not buyer.active
        return Change()

    def step_change_buyer(self):
        company = self.choose_company()
        buyer = self.choose_buyer().commercial_partner_id.with_company(company)
        name, values = self.draw.choice(
            [
                ("lead_billing_hold", [False, False, True]),
                ("lead_billing_mode", ["credit", "prepaid"]),
                ("lead_invoice_split", ["none", "lead_type", "campaign"]),
                ("lead_minimum_amount", [0, 0, 15]),
            ]
        )
        buyer[name] = self.draw.choice(values)
        return Change()

    def step_change_company(self):
        name, values = self.draw.choice(
            [
                ("lead_return_policy", ["net", "credit_note", "credit_unpaid"]),
                ("lead_issue_zero", [True, True, False]),
            ]
        )
        self.choose_company()[name] = self.draw.choice(values)
        return Change()

    def step_change_taxes(self):
        product = self.draw.choice([self.world.auto_product, self.world.edu_product])
        taxes = self.draw.choice(
            [tax.ids for tax in self.world.taxes] + [self.env["account.tax"].ids]
        )
        product.taxes_id = [Command.set(taxes)]
        return Change()

    def step_change_cycle(self):
        cycle = self.draw.choice(self.world.cycles)
        cycle.posting = self.draw.choice(["draft", "post", "post"])
        return Change()


def shrink(is_broken, steps, attempts):
    """Return fewer of these steps that still break something.

    :param is_broken: tells of a list of steps whether it does
    :param attempts: at most so many lists are tried
    """
    size = max(len(steps) // 2, 1)
    while attempts > 0:
        start, shorter = 0, False
        while start < len(steps) and attempts > 0:
            fewer = steps[:start] + steps[start + size :]
            attempts -= 1
            if fewer and is_broken(fewer):
                steps, shorter = fewer, True
            else:
                start += size
        if size == 1 and not shorter:
            break
        size = max(size // 2, 1)
    return steps
