import errno
import subprocess
from contextlib import ExitStack
from datetime import timedelta

from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.tests import BaseCase, tagged

from ..models.account_move_sending import PAUSES
from ..tools.machine import PrinterError, is_momentary
from .common.delivery import DeliveryCommon
from .common.generation import GENERATION
from .common.printer import printing


@tagged("post_install", "-at_install")
class TestPrinter(DeliveryCommon):
    """The program that prints crashes now and then on a machine that has much to do:
    what it could not print is tried again by the job, and told of only in the end."""

    def setUp(self):
        super().setUp()
        stack = ExitStack()
        self.addCleanup(stack.close)
        self.printer = stack.enter_context(printing(self.env))
        self.clock = stack.enter_context(freeze_time(GENERATION))

    def invoice(self, *buyers):
        for buyer in buyers or (self.buyer,):
            self.new_sale(buyer)
        return self.generate()

    def send_in_trouble(self, expected="WARNING"):
        """Let the jobs work; what the printer did is in the log."""
        with self.assertLogs("odoo", expected):
            self.send()

    def pass_time(self, pause):
        self.clock.tick(pause + timedelta(seconds=1))

    def get_states(self, moves):
        return moves.mapped("lead_delivery_state")

    def test_a_crash_is_tried_again_later_and_the_mail_goes_once(self):
        invoice = self.invoice()
        since = invoice.lead_delivery_since
        self.printer.crash(2)
        for pause in PAUSES[:2]:
            self.send_in_trouble()
            self.assertEqual(self.get_states(invoice), ["to_send"])
            self.pass_time(pause)
        self.assertFalse(invoice.activity_ids)
        self.assertEqual(invoice.lead_delivery_since, since)
        self.send()
        self.assertEqual(self.get_states(invoice), ["sent"])
        self.assertEqual(len(self.catcher.mails), 1)
        self.assertFalse(invoice.activity_ids)
        self.assertFalse(invoice.sending_data)
        self.assertEqual(self.printer.calls, 3)
        self.assertNotIn("ailed", "".join(invoice.message_ids.mapped("body")))

    def test_it_rests_meanwhile_and_wakes_the_job_by_itself(self):
        invoice = self.invoice()
        self.printer.crash(1)
        self.env["ir.cron.trigger"].search([]).unlink()
        self.send_in_trouble()
        wake = self.env["ir.cron.trigger"].search([("cron_id", "=", self.send_cron.id)])
        self.assertIn(GENERATION + PAUSES[0], wake.mapped("call_at"))
        wake.unlink()
        self.send()
        self.assertEqual(self.printer.calls, 1)
        self.assertTrue(invoice.sending_data)
        # A trigger that was lost is not missed.
        self.pass_time(PAUSES[0])
        self.follow()
        wake = self.env["ir.cron.trigger"].search([("cron_id", "=", self.send_cron.id)])
        self.assertTrue(wake)

    def test_one_buyers_trouble_holds_up_nobody(self):
        good, bad = self.invoice(self.buyer, self.new_buyer("Other")).sorted("id")
        printer = self.env.registry["ir.actions.report"]
        original = printer._run_wkhtmltopdf

        def run(report, bodies, **options):
            self.printer.crash(int(any(bad.name in body for body in bodies)))
            return original(report, bodies, **options)

        self.patch(printer, "_run_wkhtmltopdf", run)
        self.send_in_trouble()
        self.assertEqual(self.get_states(good), ["sent"])
        self.assertEqual(self.get_states(bad), ["to_send"])
        self.assertFalse(bad.activity_ids)
        self.assertEqual(len(self.catcher.mails), 1)

    def test_what_never_prints_is_told_in_the_end_and_can_be_sent_again(self):
        invoice = self.invoice()
        self.printer.crash(100)
        for pause in PAUSES:
            self.send_in_trouble()
            self.assertEqual(self.get_states(invoice), ["to_send"])
            self.pass_time(pause)
        self.send_in_trouble()
        self.assertEqual(self.get_states(invoice), ["failed"])
        self.assertIn("-11", invoice.activity_ids.note)
        self.assertFalse(invoice.sending_data)
        self.assertEqual(self.printer.calls, len(PAUSES) + 1)
        self.assertLess(sum(PAUSES, timedelta()), timedelta(hours=2))
        self.printer.crash(1)
        invoice._queue_lead_sending()
        self.send_in_trouble()
        self.assertEqual(self.get_states(invoice), ["to_send"], "counted anew")
        self.pass_time(PAUSES[0])
        self.send()
        self.assertEqual(self.get_states(invoice), ["sent"])
        self.assertEqual(len(self.catcher.mails), 1)

    def test_an_error_of_the_document_is_told_at_once(self):
        view = self.env.ref("account.report_invoice_document")
        self.env["ir.ui.view"].create(
            {
                "name": "Broken",
                "type": "qweb",
                "inherit_id": view.id,
                "arch": """<xpath expr="//t[@t-call]" position="inside">
                    <t t-out="o.no_such_field"/></xpath>""",
            }
        )
        invoice = self.invoice()
        self.send_in_trouble(expected="ERROR")
        self.assertEqual(self.get_states(invoice), ["failed"])
        self.assertIn("no_such_field", invoice.activity_ids.note)
        self.assertEqual(self.printer.calls, 0)

    def test_a_clerk_is_told_at_once(self):
        self.cycle.posting = "post"
        invoice = self.invoice()
        self.printer.crash(1)
        with (
            self.assertLogs("odoo", "WARNING"),
            self.assertRaisesRegex(UserError, "-11"),
        ):
            self.send_by_hand(invoice)
        self.assertFalse(invoice.lead_delivery_state)


class TestMachine(BaseCase):
    def test_what_a_machine_runs_out_of_is_momentary(self):
        for error in (
            PrinterError("crashed"),
            MemoryError(),
            subprocess.TimeoutExpired("wkhtmltopdf", 60),
            OSError(errno.ENOMEM, "Cannot allocate memory"),
            BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"),
            OSError(errno.ENOSPC, "No space left on device"),
        ):
            with self.subTest(error=error):
                self.assertTrue(is_momentary(error))

    def test_what_will_not_go_away_is_not(self):
        for error in (
            UserError("This report cannot be printed"),
            FileNotFoundError(errno.ENOENT, "No such file"),
            # Whoever was asked may have taken it.
            TimeoutError(errno.ETIMEDOUT, "timed out"),
            ValueError("template"),
        ):
            with self.subTest(error=error):
                self.assertFalse(is_momentary(error))
