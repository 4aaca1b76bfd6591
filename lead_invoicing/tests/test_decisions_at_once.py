from odoo import SUPERUSER_ID, api, fields
from odoo.tests import tagged

from .common.decisions import CODE, DecisionsAtOnceCommon


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
        self.charged_until = fields.Datetime.now()
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
