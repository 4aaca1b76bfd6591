from datetime import datetime, timedelta
from unittest.mock import patch

from freezegun import freeze_time
from psycopg2.errors import UniqueViolation

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common.delivery import DeliveryCommon
from .common.dispute import DisputeCommon

DAY = timedelta(days=1)


class ReminderCommon(DisputeCommon):
    """A buyer with an invoice that is due on 9 November, and reminders after three,
    ten and twenty days."""

    def setUp(self):
        super().setUp()
        self.company.lead_reminders = True
        self.reminding = self.env.ref("lead_invoicing.ir_cron_send_reminders")

    def new_overdue(self):
        invoice = self.new_invoices(10)
        invoice.invoice_date_due = "2026-11-09"
        return invoice

    def remind(self, day):
        """Let the job run at noon of a day in November."""
        with (
            freeze_time(datetime(2026, 11, 1, 17) + (day - 1) * DAY),
            self.enter_registry_test_mode(),
            self.assertNoLogs("odoo.addons.base.models.ir_cron", "ERROR"),
        ):
            self.reminding.method_direct_trigger()
        self.env.invalidate_all()

    def levels(self, move):
        return move.lead_reminder_ids.sorted("id").mapped("level")


@tagged("post_install", "-at_install")
class TestReminder(ReminderCommon):
    def test_each_reminder_goes_once_after_its_days(self):
        invoice = self.new_overdue()
        found = []
        for day in (9, 11, 12, 12, 18, 19, 20, 28, 29, 30):
            self.remind(day)
            found.append(len(invoice.lead_reminder_ids))
        self.assertEqual(found, [0, 0, 1, 1, 1, 2, 2, 2, 3, 3])
        self.assertEqual(self.levels(invoice), [1, 2, 3])

    @mute_logger("odoo.addons.lead_invoicing.models.ir_cron")
    def test_one_that_cannot_be_followed_holds_up_no_reminder(self):
        invoice = self.new_overdue()
        self.remind(12)
        model = self.env.registry["account.move"]
        with patch.object(model, "_follow_lead_reminder", side_effect=TypeError):
            self.remind(19)
        self.assertEqual(self.levels(invoice), [1, 2])

    def test_reminders_are_off_until_they_are_turned_on(self):
        self.company.lead_reminders = False
        invoice = self.new_overdue()
        self.remind(30)
        self.assertFalse(invoice.lead_reminder_ids)

    def test_who_is_overdue_for_long_gets_the_first_one_first(self):
        invoice = self.new_overdue()
        self.remind(25)
        self.assertEqual(self.levels(invoice), [1])
        self.remind(26)
        self.assertEqual(self.levels(invoice), [1])

    def test_a_buyer_has_days_of_its_own_or_is_never_reminded(self):
        invoice = self.new_overdue()
        self.buyer.lead_reminders = "never"
        self.remind(30)
        self.assertFalse(invoice.lead_reminder_ids)
        self.buyer.write({"lead_reminders": "own", "lead_reminder_days_2": 1})
        self.remind(30)
        self.assertEqual(self.levels(invoice), [2])
        # The last one there is.
        self.assertTrue(self.buyer.lead_buying_hold)

    def test_days_ascend(self):
        with self.assertRaises(ValidationError):
            self.company.lead_reminder_days_2 = 2
        with self.assertRaises(ValidationError):
            self.buyer.write({"lead_reminder_days_1": 5, "lead_reminder_days_3": 5})
        self.company.write({"lead_reminder_days_1": 0, "lead_reminder_days_2": 1})

    def test_the_last_reminder_puts_the_buyer_on_buying_hold(self):
        invoice = self.new_overdue()
        for day in (12, 19):
            self.remind(day)
        self.assertFalse(self.buyer.lead_buying_hold)
        self.remind(29)
        self.assertTrue(self.buyer.lead_buying_hold)
        self.assertIn(invoice.name, self.buyer.lead_buying_hold_reason)
        # It is invoiced as before.
        self.assertTrue(self.next_invoice(10))

    def test_a_paid_invoice_is_not_reminded_of(self):
        invoice = self.new_overdue()
        self.register_payment(invoice)
        self.remind(12)
        self.assertFalse(invoice.lead_reminder_ids)

    def test_a_reminder_asks_for_the_undisputed_rest(self):
        invoice = self.new_overdue()
        self.dispute(invoice, scope="amount", amount=4)
        self.remind(12)
        self.assertEqual(invoice.lead_reminder_ids.amount, 6)
        body = invoice.lead_reminder_ids.message_id.body
        self.assertIn("$&nbsp;6.00", body)

    def test_nothing_is_asked_for_while_all_is_disputed(self):
        invoice = self.new_overdue()
        dispute = self.dispute(invoice, scope="whole")
        self.remind(14)
        self.assertFalse(invoice.lead_reminder_ids)
        # Rejected on the 12th: its reminders start again then.
        self.reject(dispute)
        self.remind(14)
        self.assertFalse(invoice.lead_reminder_ids)
        self.remind(15)
        self.assertEqual(self.levels(invoice), [1])
        self.assertEqual(str(invoice.lead_reminder_ids.due_date), "2026-11-12")

    def test_a_rejected_dispute_starts_the_reminders_again(self):
        invoice = self.new_overdue()
        self.remind(12)
        dispute = self.dispute(invoice, scope="amount", amount=4)
        self.reject(dispute)
        for day in (15, 22):
            self.remind(day)
        self.assertEqual(self.levels(invoice), [1, 1, 2])

    def test_who_has_no_address_is_named(self):
        invoice = self.new_overdue()
        self.buyer.lead_invoice_recipient_ids = self.env["res.partner"].create(
            {"name": "Accounts Payable", "parent_id": self.buyer.id}
        )
        self.remind(12)
        (activity,) = invoice.activity_ids.filtered(
            lambda one: one.summary == "Reminder not sent"
        )
        self.assertIn("Accounts Payable has no email", activity.note)

    def test_without_an_address_someone_is_told_once(self):
        invoice = self.new_overdue()
        self.buyer.email = False
        for day in (12, 13):
            self.remind(day)
        self.assertFalse(invoice.lead_reminder_ids)
        activity = invoice.activity_ids.filtered(
            lambda one: one.summary == "Reminder not sent"
        )
        self.assertEqual(len(activity), 1)
        self.buyer.email = "one@example.com"
        self.remind(14)
        self.assertEqual(self.levels(invoice), [1])

    def test_a_text_that_somebody_deleted_keeps_nobody_from_being_reminded(self):
        first, second = (
            self.env.ref(f"lead_invoicing.mail_template_lead_reminder_{level}")
            for level in (1, 2)
        )
        invoice = self.new_overdue()
        second.unlink()
        for day in (12, 19):
            self.remind(day)
        self.assertEqual(self.levels(invoice), [1, 2])
        subjects = invoice.lead_reminder_ids.message_id.mapped("subject")
        self.assertEqual(len(set(subjects)), 1)
        # Nothing to say: someone is told, once.
        first.unlink()
        other = self.next_invoice(20)
        other.invoice_date_due = "2026-11-16"
        for day in (25, 26):
            self.remind(day)
        self.assertFalse(other.lead_reminder_ids)
        activity = other.activity_ids.filtered(
            lambda one: one.summary == "Reminder not sent"
        )
        self.assertIn("template of its reminder was deleted", activity.note)

    def test_credit_control_of_others_is_left_to_remind(self):
        invoice = self.new_overdue()
        companies = self.env.registry["res.company"]
        with patch.object(companies, "_has_lead_credit_control", lambda self: True):
            self.remind(12)
        self.assertFalse(invoice.lead_reminder_ids)

    def test_another_process_that_reminds_is_met_at_the_row(self):
        invoice = self.new_overdue()
        self.remind(12)
        reminder = invoice.lead_reminder_ids
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(UniqueViolation),
            self.cr.savepoint(),
        ):
            reminder.sudo().create(
                {
                    "move_id": invoice.id,
                    "level": 1,
                    "due_date": reminder.due_date,
                    "day": reminder.day,
                }
            )

    def test_nobody_writes_reminders(self):
        invoice = self.new_overdue()
        self.remind(12)
        with self.assertRaises(UserError):
            invoice.lead_reminder_ids.with_user(self.manager).write({"level": 2})


@tagged("post_install", "-at_install")
class TestReminderMail(DeliveryCommon, ReminderCommon):
    def setUp(self):
        super().setUp()
        self.cycle.posting = "post"

    def send_queue(self):
        with self.enter_registry_test_mode():
            self.mail_cron.method_direct_trigger()

    def test_a_mail_goes_once_and_the_chatter_says_when(self):
        invoice = self.new_overdue()
        self.remind(12)
        # Written down, and nothing has left yet.
        self.assertEqual(invoice.lead_reminder_ids.state, "queued")
        self.assertFalse(self.catcher.mails)
        self.send_queue()
        self.remind(13)
        self.send_queue()
        (mail,) = self.catcher.mails
        self.assertIn("friendly reminder", mail["Subject"])
        self.assertEqual(invoice.lead_reminder_ids.state, "sent")
        notes = invoice.message_ids.mapped("body")
        self.assertTrue(
            any(
                "Payment reminder 1 of" in note and "was emailed" in note
                for note in notes
            )
        )

    def test_a_mail_that_does_not_arrive_is_told(self):
        invoice = self.new_overdue()
        self.catcher.refuse = (self.buyer.email,)
        self.remind(12)
        self.send_queue()
        self.remind(13)
        self.assertEqual(invoice.lead_reminder_ids.state, "failed")
        self.assertIn("Reminder not sent", invoice.activity_ids.mapped("summary"))
