from odoo import SUPERUSER_ID, api, fields
from odoo.exceptions import UserError
from odoo.modules.registry import Registry
from odoo.tests import BaseCase, get_db_name, tagged
from odoo.tools import mute_logger

from ..tools.concurrency import TRY_AGAIN
from .common.world import LeadInvoicingCommon

CODE = "MEETING"


class DecisionsAtOnceCommon(BaseCase):
    """Two database connections, as two workers have them, both begun before the first
    one decides something; what they store is removed.

    The second is refused by PostgreSQL and repeated, as Odoo repeats a request: then it
    sees what the first one did.
    """

    def setUp(self):
        super().setUp()
        self.registry = Registry(get_db_name())
        self.remove()  # what a run that was killed left
        self.addCleanup(self.remove)

    def remove(self):
        with self.registry.cursor() as cr:
            of_move = "model = 'account.move'"
            # Posted documents are not for deleting, but for their rows.
            for query in (
                "DELETE FROM account_partial_reconcile WHERE debit_move_id IN (%s)",
                "DELETE FROM lead_sale_past_billing WHERE sale_id IN (%s)",
                "DELETE FROM lead_sale_release WHERE sale_id IN (%s)",
                "DELETE FROM lead_sale WHERE id IN (%s) AND origin_id IS NOT NULL",
                "DELETE FROM lead_sale WHERE id IN (%s)",
                f"DELETE FROM mail_message WHERE {of_move} AND res_id IN (%s)",
                f"DELETE FROM ir_attachment WHERE res_{of_move} AND res_id IN (%s)",
                "DELETE FROM account_move WHERE id IN (%s)",
            ):
                sales = (
                    "SELECT sale.id FROM lead_sale sale JOIN lead_type"
                    " ON lead_type.id = sale.lead_type_id WHERE lead_type.code = %s"
                )
                partners = "partner_id IN (SELECT id FROM res_partner WHERE ref = %s)"
                lines = f"SELECT id FROM account_move_line WHERE {partners}"
                moves = f"SELECT id FROM account_move WHERE {partners}"
                found = sales if "sale" in query else moves
                cr.execute(query % (lines if "partial" in query else found), [CODE])
            env = api.Environment(cr, SUPERUSER_ID, {"active_test": False})
            partner = env["res.partner"].search([("ref", "=", CODE)])
            of_buyer = [("partner_id", "in", partner.ids)]
            env["lead.billed.charge"].search(of_buyer).unlink()
            env["lead.billing.charge"].search(of_buyer).unlink()
            runs = env["lead.invoice.run.buyer"].search(
                [("partner_id", "in", partner.ids)]
            )
            runs.run_id.unlink()
            lead_type = env["lead.type"].search([("code", "=", CODE)])
            product = lead_type.product_id
            lead_type.unlink()
            product.unlink()
            partner.unlink()

    # The world

    def build(self):
        """Sell one lead."""
        self.remove()
        self.refusals = 0
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            product = env["product.product"].create(
                {"name": CODE, "type": "service", "taxes_id": False}
            )
            env["lead.type"].create(
                {"name": CODE, "code": CODE, "product_id": product.id}
            )
            env["res.partner"].create(
                {"name": CODE, "ref": CODE, "email": "meeting@example.com"}
            )
            self.record(env, LeadInvoicingCommon.sale_vals("MEETING-1"))

    def in_turn(self, *steps):
        """Do these one after the other, each in a transaction of its own."""
        for step in steps:
            with self.registry.cursor() as cr:
                step(api.Environment(cr, SUPERUSER_ID, {}))

    def at_once(self, first, second, meet=True):
        """Do both in transactions that began before either did anything.

        :param meet: the second one must be repeated
        """
        with self.registry.cursor() as one, self.registry.cursor() as two:
            for cr in (one, two):
                cr.execute("SELECT count(*) FROM lead_sale")
            env = api.Environment(one, SUPERUSER_ID, {})
            first(env)
            env.flush_all()
            one.commit()
            env = api.Environment(two, SUPERUSER_ID, {})
            try:
                with mute_logger("odoo.sql_db"):
                    second(env)
                    env.flush_all()
                    two.commit()
            except TRY_AGAIN:
                two.rollback()
                env.invalidate_all(flush=False)
                env.transaction.reset()
                second(api.Environment(two, SUPERUSER_ID, {}))
            else:
                self.assertFalse(meet, "Nothing made the two meet.")

    # What is done

    def find(self, env, ref):
        return env["lead.sale"].search([("external_ref", "=", ref)])

    def sale(self, env):
        return self.find(env, "MEETING-1")

    def back(self, env):
        return self.find(env, "MEETING-R")

    def record(self, env, vals):
        (answer,) = env["lead.sale"].record_transactions(
            [{**vals, "buyer_ref": CODE, "lead_type": CODE}]
        )
        self.assertEqual(answer["status"], "created", answer["message"])

    def give_back(self, env):
        self.record(env, LeadInvoicingCommon.return_vals("MEETING-R", "MEETING-1"))

    def waive(self, env):
        self.sale(env)._waive("Goodwill")

    def bill(self, env, posting="post", **vals):
        """Bill the buyer, as a batch of a run does."""
        run = env["lead.invoice.run"].create(
            {
                "company_id": env.company.id,
                "window_end": fields.Datetime.now(),
                "tz": "UTC",
                "posting": posting,
                **vals,
            }
        )
        item = env["lead.invoice.run.buyer"].create(
            {
                "run_id": run.id,
                "company_id": env.company.id,
                "partner_id": env["res.partner"].search([("ref", "=", CODE)]).id,
            }
        )
        item._generate()

    def agree(self, env):
        """Agree on a fee with the buyer."""
        env["lead.billing.charge"].create(
            {
                "name": CODE,
                "kind": "fee",
                "amount": 5,
                "partner_id": env["res.partner"].search([("ref", "=", CODE)]).id,
                "product_id": env["lead.type"]
                .search([("code", "=", CODE)])
                .product_id.id,
                "date_from": "2026-01-01",
            }
        )

    def bill_charges(self, env):
        self.bill(env, include_charges=True)

    def draft(self, env):
        self.bill(env, "draft")

    def invoice(self, env):
        return env["account.move"].search(
            [("partner_id.ref", "=", CODE), ("lead_run_id", "!=", False)],
            order="id",
            limit=1,
        )

    def reversal(self, env):
        return self.invoice(env).reversal_move_ids.filtered(
            lambda move: not move.lead_run_id
        )

    def wizard(self, move):
        return (
            move.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"journal_id": move.journal_id.id})
        )

    def reverse(self, env):
        self.wizard(self.invoice(env)).refund_moves()

    def post_reversal(self, env):
        self.reversal(env).action_post()

    def take_reversal_back(self, env):
        self.reversal(env).button_draft()

    def undo_reversal(self, env):
        wizard = self.wizard(self.reversal(env))
        wizard.refund_moves()
        wizard.new_move_ids.action_post()

    def invoice_again(self, env):
        self.wizard(self.invoice(env)).modify_moves()

    def take_invoice_back(self, env):
        self.invoice(env).button_draft()

    def post_return(self, env):
        self.back(env).invoice_id.action_post()

    def release(self, env):
        self.invoice(env)._release_credited_lead_sales("Wrong company")

    def refused(self, step):
        """Return a step that is refused when it sees what was done before."""

        def try_step(env):
            try:
                with env.cr.savepoint():
                    step(env)
            except UserError:
                self.refusals += 1

        return try_step

    def assert_given_back_once(self):
        """The sale is on one live document at most, and given back once at most."""
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            self.bill(env)
            env.flush_all()
            lines = env["account.move.line"].search(
                [
                    ("partner_id.ref", "=", CODE),
                    ("account_type", "=", "asset_receivable"),
                    ("parent_state", "=", "posted"),
                ]
            )
            owed = sum(lines.mapped("balance"))
            self.assertIn(owed, (0, 20))
            cr.rollback()
        return owed


@tagged("post_install", "-at_install")
class TestDecisionsAtOnce(DecisionsAtOnceCommon):
    # Pairs

    def test_a_release_and_taking_back_the_credit_note_meet(self):
        steps = {
            "draft": self.take_reversal_back,
            "reversed": self.undo_reversal,
        }
        for name, undo in steps.items():
            for pair in ((self.release, undo), (undo, self.release)):
                with self.subTest(name=name, first=pair[0].__name__):
                    self.build()
                    self.in_turn(self.bill, self.reverse, self.post_reversal)
                    self.at_once(*map(self.refused, pair))
                    self.assertEqual(self.refusals, 1)
                    self.assertEqual(self.assert_given_back_once(), 20)

    def test_two_releases_meet(self):
        self.build()
        self.in_turn(self.bill, self.reverse, self.post_reversal)
        self.at_once(self.release, self.release)
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            self.assertEqual(len(self.sale(env).release_ids), 1)
        self.assertEqual(self.assert_given_back_once(), 20)

    def test_posting_a_return_and_a_reversal_of_its_sale_meet(self):
        for pair in (
            (self.post_return, self.post_reversal),
            (self.post_reversal, self.post_return),
        ):
            with self.subTest(first=pair[0].__name__):
                self.build()
                self.in_turn(self.bill, self.give_back, self.draft, self.reverse)
                self.at_once(*map(self.refused, pair))
                self.assertEqual(self.assert_given_back_once(), 0)
                self.assertEqual(self.refusals, pair[0] == self.post_reversal)

    def test_billing_a_return_and_reversing_its_sale_meet(self):
        for pair in (
            (self.bill, self.post_reversal),
            (self.post_reversal, self.bill),
        ):
            with self.subTest(first=pair[0].__name__):
                self.build()
                self.in_turn(self.bill, self.give_back, self.reverse)
                self.at_once(*pair)
                self.assertEqual(self.assert_given_back_once(), 0)

    def test_posting_a_return_and_taking_back_its_sale_meet(self):
        for pair in (
            (self.post_return, self.take_invoice_back),
            (self.take_invoice_back, self.post_return),
        ):
            with self.subTest(first=pair[0].__name__):
                self.build()
                self.in_turn(self.bill, self.give_back, self.draft)
                self.at_once(*map(self.refused, pair))
                with self.registry.cursor() as cr:
                    env = api.Environment(cr, SUPERUSER_ID, {})
                    states = (
                        self.invoice(env).state,
                        self.back(env).invoice_id.state,
                    )
                    self.assertNotEqual(states, ("draft", "posted"))

    def test_posting_a_return_and_invoicing_its_sale_again_meet(self):
        for pair in (
            (self.post_return, self.invoice_again),
            (self.invoice_again, self.post_return),
        ):
            with self.subTest(first=pair[0].__name__):
                self.build()
                self.in_turn(self.bill, self.give_back, self.draft)
                self.at_once(*pair)
                with self.registry.cursor() as cr:
                    env = api.Environment(cr, SUPERUSER_ID, {})
                    again = self.sale(env).invoice_id
                    self.assertNotEqual(again, self.invoice(env))
                    (again + self.back(env).invoice_id).filtered(
                        lambda move: move.state == "draft"
                    ).action_post()
                self.assertEqual(self.assert_given_back_once(), 0)

    def test_a_return_recorded_while_its_sale_is_credited_is_not_billed(self):
        for pair in (
            (self.give_back, self.post_reversal),
            (self.post_reversal, self.give_back),
        ):
            with self.subTest(first=pair[0].__name__):
                self.build()
                self.in_turn(self.bill, self.reverse)
                # Neither waits for the other: the run decides.
                self.at_once(*pair, meet=False)
                self.in_turn(self.bill)
                self.assert_return_waived()
                self.assertEqual(self.assert_given_back_once(), 0)

    def test_a_return_recorded_while_its_sale_is_waived_is_not_billed(self):
        for pair in ((self.give_back, self.waive), (self.waive, self.give_back)):
            with self.subTest(first=pair[0].__name__):
                self.build()
                self.at_once(*pair, meet=False)
                self.in_turn(self.bill)
                self.assert_return_waived()
                self.assertEqual(self.assert_given_back_once(), 0)

    def test_two_workers_bill_a_charge_once(self):
        """With its lead, which both claim, and alone, where its period decides."""
        for before in ([], [self.bill]):
            with self.subTest(is_alone=bool(before)):
                self.build()
                self.in_turn(self.agree, *before)
                self.at_once(self.bill_charges, self.bill_charges)
                with self.registry.cursor() as cr:
                    env = api.Environment(cr, SUPERUSER_ID, {})
                    lines = env["account.move.line"].search(
                        [("lead_charge_id.name", "=", CODE)]
                    )
                    billed = env["lead.billed.charge"].search(
                        [("charge_id.name", "=", CODE)]
                    )
                    self.assertEqual(lines.mapped("price_subtotal"), [5])
                    self.assertEqual(billed.invoice_line_id, lines)

    def queue(self, env):
        self.bill(env, "send")

    def open_sending(self, env):
        """Open the window that sends the invoice, as a clerk does."""
        self.sending = (
            env["account.move.send.wizard"]
            .with_context(active_model="account.move", active_ids=self.invoice(env).ids)
            .create({})
            .id
        )

    def send(self, env):
        env["account.move.send.wizard"].browse(self.sending).action_send_and_print()

    def let_job_send(self, env):
        self.invoice(env)._send_waiting()

    def count_mails(self):
        """Return how many mails with the invoice there are."""
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            return env["mail.message"].search_count(
                [
                    ("model", "=", "account.move"),
                    ("res_id", "=", self.invoice(env).id),
                    ("attachment_ids", "!=", False),
                    ("partner_ids", "!=", False),
                ]
            )

    def test_a_clerk_and_the_job_mail_a_document_once(self):
        # The job repeats itself, whatever makes it fail.
        for first, second, meet in (
            (self.let_job_send, self.refused(self.send), True),
            (self.send, self.let_job_send, False),
        ):
            with self.subTest(first=first.__name__):
                self.build()
                self.in_turn(self.queue, self.open_sending)
                self.at_once(first, second, meet=meet)
                self.in_turn(self.let_job_send)
                self.assertEqual(self.count_mails(), 1)
                self.assertEqual(self.refusals, int(meet))
                # Whoever looks again may send it again.
                self.in_turn(self.open_sending, self.send)
                self.assertEqual(self.count_mails(), 2)

    def test_two_clerks_mail_a_document_once(self):
        self.build()
        self.in_turn(self.queue, self.open_sending)
        self.at_once(self.send, self.refused(self.send))
        self.assertEqual((self.count_mails(), self.refusals), (1, 1))

    def test_a_clerk_does_not_wait_for_the_job_and_is_told(self):
        self.build()
        self.in_turn(self.queue, self.open_sending)
        with self.registry.cursor() as cr:
            job = self.invoice(api.Environment(cr, SUPERUSER_ID, {}))
            self.assertTrue(job._lock_waiting())
            self.in_turn(self.refused(self.send))
        self.assertEqual((self.count_mails(), self.refusals), (0, 1))

    def assert_return_waived(self):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            self.assertEqual(self.back(env).billing_state, "waived")
