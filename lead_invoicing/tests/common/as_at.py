from contextlib import contextmanager
from datetime import timedelta

from freezegun import freeze_time

from odoo.exceptions import UserError

from .unbilled import UnbilledCommon


class AsAtCommon(UnbilledCommon):
    """Ways to do something at a moment, and to ask what was unbilled."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.lead_billing_cycle_id = cls.cycle
        cls.cycle.posting = "draft"

    @contextmanager
    def at(self, moment):
        """Let it be this moment, also for what is written only when it is needed."""
        self.env.flush_all()
        with freeze_time(moment):
            yield moment
            self.env.flush_all()

    def answer(self, day, known_at=None):
        """Return {(buyer, lead type, age): (transactions, amount)}."""
        rows = (
            self.env["lead.sale"]
            .with_user(self.billing_user)
            ._read_unbilled_as_at(day, known_at)
        )
        names = self.env["res.partner"].browse
        codes = self.env["lead.type"].browse
        return {
            (
                names(row["partner_id"]).name,
                codes(row["lead_type_id"]).code,
                row["age"],
            ): (row["sale_count"], float(row["amount"]))
            for row in rows
        }

    def bill(self, until):
        """Invoice everything by hand until the end of a day; return the drafts."""
        wizard = self.env["lead.invoice.wizard"].create({"date_to": until})
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            action = wizard.with_env(wizard.env(cr=cr)).action_invoice()
        self.env.invalidate_all()
        return self.env["lead.invoice.run"].browse(action["res_id"]).invoice_ids

    def reverse(self, invoice, is_modify=False):
        """Reverse a document; return the credit note, or the invoice in its stead."""
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"journal_id": invoice.journal_id.id})
        )
        wizard.reverse_moves(is_modify=is_modify)
        if not is_modify:
            wizard.new_move_ids.action_post()
        return wizard.new_move_ids


# What can happen, and how often beside the others.
STEPS = {
    "sell": 6,
    "sell late": 3,
    "give back": 4,
    "waive": 4,
    "unwaive": 6,
    "bill": 6,
    "post": 8,
    "take back": 4,
    "cancel": 2,
    "delete": 1,
    "reverse": 3,
    "undo reversal": 8,
    "invoice again": 2,
    "release": 2,
}


class HistoryCommon(AsAtCommon):
    """What can happen to leads and their documents, done at random."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.buyers = cls.buyer + cls.new_buyer("Buyer B")

    def do_something(self, chance, now):
        """Do one of the steps for which there is something; return its name."""
        found = {name: self.find(name) for name in STEPS}
        names = [name for name in STEPS if found[name]]
        (name,) = chance.choices(names, [STEPS[name] for name in names])
        thing = chance.choice(list(found[name]))
        try:
            with self.env.cr.savepoint():
                getattr(self, f"do_{name.replace(' ', '_')}")(thing, chance, now)
        except UserError:
            self.env.invalidate_all()
            return f"{name}: refused"
        return name

    def find(self, name):
        """Return what a step could be done to."""
        if name in ("sell", "sell late"):
            return self.buyers
        ledger_states = {"waive": "unbilled", "bill": "unbilled", "unwaive": "waived"}
        if state := ledger_states.get(name):
            return self.env["lead.sale"].search([("billing_state", "=", state)])
        if name == "give back":
            return self.env["lead.sale"].search([("transaction_type", "=", "sale")])
        domain = {
            "post": [("state", "=", "draft")],
            "take back": [("state", "=", "posted")],
            "cancel": [("state", "!=", "cancel")],
            "delete": [("state", "!=", "posted")],
            "reverse": [("state", "=", "posted"), ("lead_credited", "=", False)],
            "invoice again": [("state", "=", "posted"), ("lead_credited", "=", False)],
            "undo reversal": [("lead_credited", "=", True)],
            "release": [("lead_credited", "=", True)],
        }[name]
        documents = self.env["account.move"]
        found = documents.search([("lead_run_id", "!=", False), *domain], order="id")
        return found.reversal_move_ids if name == "undo reversal" else found

    def do_sell(self, buyer, chance, now):
        price = f"{chance.randint(1, 30)}.25"
        self.new_sale(buyer, price, now.isoformat() + "Z")

    def do_sell_late(self, buyer, chance, now):
        self.do_sell(buyer, chance, now - timedelta(days=chance.randint(1, 40)))

    def do_give_back(self, sale, _chance, now):
        self.new_return(sale, price="0.25", at=now.isoformat() + "Z")

    def do_waive(self, sale, _chance, _now):
        sale._waive("Goodwill")

    def do_unwaive(self, sale, _chance, _now):
        sale._unwaive("Mistake")

    def do_bill(self, _sale, chance, now):
        for move in self.bill(now.date()):
            move.invoice_date = now.date() - timedelta(days=chance.randint(0, 30))

    def do_post(self, move, _chance, _now):
        move.action_post()

    def do_take_back(self, move, _chance, _now):
        move.button_draft()

    def do_cancel(self, move, _chance, _now):
        move.button_cancel()

    def do_delete(self, move, _chance, _now):
        move.unlink()

    def do_reverse(self, move, _chance, _now):
        self.reverse(move)

    def do_invoice_again(self, move, _chance, _now):
        self.reverse(move, is_modify=True)

    def do_undo_reversal(self, credit_note, _chance, _now):
        credit_note.button_draft()

    def do_release(self, move, _chance, _now):
        move._release_credited_lead_sales("Wrong company")
