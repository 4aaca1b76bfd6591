"""Those who work with the product at the same time: platform, clerk, importer."""

import http
import itertools
import time
import urllib.error
from datetime import datetime, timedelta

TYPES = ("EDU", "AUTO")


class Platform:
    """Reports sales and returns, and repeats what was not answered."""

    def __init__(self, world, name="P"):
        self.world = world
        self.name = name
        self.numbers = itertools.count(1)
        self.buyers = [
            row[0]
            for row in world.rows("SELECT ref FROM res_partner WHERE ref LIKE 'F%'")
        ]
        self.pending = None
        self.answered = []

    def send(self):
        """Send some rows, or again those that nobody has answered for."""
        self.pending = self.pending or self._prepare_rows()
        answers = self.world.call(
            "platform", "lead.sale", "record_transactions", vals_list=self.pending
        )
        bad = [a for a in answers if a["status"] not in ("created", "duplicate")]
        assert not bad, bad
        self.answered += [row["external_ref"] for row in self.pending]
        self.pending = None

    def _prepare_rows(self):
        """Sales of the last weeks, and a return of one in five."""
        chance = self.world.chance
        rows = []
        for _turn in range(chance.randint(1, 8)):
            moment = datetime.now() - timedelta(days=chance.uniform(1, 28))
            number = next(self.numbers)
            row = {
                "external_ref": f"{self.name}{number}",
                "type": "sale",
                "occurred_at": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
                "buyer_ref": chance.choice(self.buyers),
                "lead_type": chance.choice(TYPES),
                "price": f"{chance.randint(5, 40)}.50",
                "lead_ref": f"L{self.name}{number}",
            }
            rows.append(row)
            if chance.random() < 0.2:
                rows.append(
                    row
                    | {
                        "external_ref": f"{self.name}{number}R",
                        "type": "return",
                        "origin_external_ref": row["external_ref"],
                    }
                )
        return rows

    def find_lost(self):
        """Return the references that were answered for and are not recorded once."""
        recorded = {
            row[0] for row in self.world.rows("SELECT external_ref FROM lead_sale")
        }
        return sorted(set(self.answered) - recorded)


class Clerk:
    """Invoices buyers out of turn, edits their contacts, reverses documents."""

    def __init__(self, world):
        self.world = world
        self.buyers = [
            int(row[0])
            for row in world.rows("SELECT id FROM res_partner WHERE ref LIKE 'F%'")
        ]

    def invoice(self):
        """Invoice some buyers now, by the wizard, and send what it makes."""
        buyers = self.world.chance.sample(self.buyers, 3)
        ids = self.world.call(
            "clerk",
            "lead.invoice.wizard",
            "create",
            vals_list=[{"partner_ids": [[6, 0, buyers]], "posting": "send"}],
        )
        # Nothing to invoice is a sentence, not a fault.
        self._try("lead.invoice.wizard", "action_invoice", ids=ids)

    def edit(self):
        """Note another phone number of some buyer."""
        number = self.world.chance.randint(1000, 9999)
        buyer = self.world.chance.choice(self.buyers)
        self._try("res.partner", "write", ids=[buyer], vals={"phone": f"555 {number}"})

    def reverse(self):
        """Make and post a credit note of some document."""
        rows = self.world.rows(
            "SELECT id, journal_id FROM account_move WHERE lead_run_id IS NOT NULL"
            " AND state = 'posted' AND move_type = 'out_invoice'"
            " AND lead_credited IS NOT TRUE ORDER BY random() LIMIT 1"
        )
        for move, journal in rows:
            context = {"active_model": "account.move", "active_ids": [int(move)]}
            wizard = self.world.call(
                "clerk",
                "account.move.reversal",
                "create",
                vals_list=[{"journal_id": int(journal), "reason": "Wrong"}],
                context=context,
            )
            action = self._try("account.move.reversal", "refund_moves", ids=wizard)
            if action and action.get("res_id"):
                self._try("account.move", "action_post", ids=[action["res_id"]])

    def send(self, move_id):
        """Press Send on a document, choosing nothing else."""
        wizard = self.world.call(
            "clerk",
            "account.move.send.wizard",
            "create",
            vals_list=[{"move_id": move_id}],
        )
        self._press_send("account.move.send.wizard", wizard)

    def send_all(self, move_ids):
        """Choose documents in the list and have them sent: several in the background,
        but one by the same window as on its form."""
        if len(move_ids) == 1:
            self.send(move_ids[0])
            return
        wizard = self.world.call(
            "clerk",
            "account.move.send.batch.wizard",
            "create",
            vals_list=[{"move_ids": [[6, 0, move_ids]]}],
        )
        self._press_send("account.move.send.batch.wizard", wizard)

    def _press_send(self, model, wizard):
        """Send, and do so again in a while as long as the product says that a document
        is busy: a job may just write its outcome down."""
        for patience in (1, 2, 4, 8, 0):
            try:
                self.world.call("clerk", model, "action_send_and_print", ids=wizard)
            except urllib.error.HTTPError as error:
                if error.code != http.HTTPStatus.CONFLICT or not patience:
                    raise
                time.sleep(patience)
            else:
                return

    def _try(self, model, method, **arguments):
        """Do it unless the product says, with a sentence, that it cannot be done."""
        try:
            return self.world.call("clerk", model, method, **arguments)
        except urllib.error.HTTPError as error:
            if error.code != 422:
                raise
        return None


class Importer:
    """Imports files of sales, as a manager, one after the other."""

    def __init__(self, world):
        self.world = world
        self.numbers = itertools.count(1)
        self.imported = []

    def load(self):
        number = next(self.numbers)
        moment = datetime.now() - timedelta(days=self.world.chance.uniform(1, 28))
        rows = [
            [
                f"I{number}-{line}", "Sale", f"{moment:%Y-%m-%dT%H:%M:%SZ}",
                f"F{line:03}", "EDU", "12.50",
            ]
            for line in range(5)
        ]  # fmt: skip
        names = [
            "external_ref", "transaction_type", "occurred_at", "buyer_ref",
            "lead_type_id", "price",
        ]  # fmt: skip
        answer = self.world.call(
            "manager", "lead.sale", "load", fields=names, data=rows
        )
        assert answer["ids"], answer["messages"]
        self.imported += [row[0] for row in rows]
