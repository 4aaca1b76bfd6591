import re
from datetime import timedelta
from unittest.mock import patch

from freezegun import freeze_time
from psycopg2.errors import SerializationFailure

from odoo.exceptions import UserError
from odoo.sql_db import BaseCursor
from odoo.tests import tagged

from .common.delivery import DeliveryCommon
from .common.generation import GENERATION, WEEK


@tagged("post_install", "-at_install")
class TestSending(DeliveryCommon):
    """What leaves the database cannot be rolled back: what is written meanwhile, what
    is tried again, and what is looked after."""

    def invoice_one(self, buyer=None):
        self.new_sale(buyer)
        return self.generate()

    def written_while(self, act):
        """Return the tables that something was written to during ``act()``."""
        tables = set()
        cursor_class = type(self.env.cr)
        execute = cursor_class.execute

        def record(cursor, query, *args, **kwargs):
            text = getattr(query, "code", None) or str(query)
            tables.update(
                re.findall(r'(?:INSERT INTO|UPDATE|DELETE FROM)\s+"?(\w+)', text)
            )
            return execute(cursor, query, *args, **kwargs)

        self.assertTrue(issubclass(cursor_class, BaseCursor))
        with patch.object(cursor_class, "execute", record):
            act()
            self.env.flush_all()
        return tables

    def run_cron(self, cron):
        with self.enter_registry_test_mode():
            cron.method_direct_trigger()

    def count_triggers(self, cron):
        return self.env["ir.cron.trigger"].search_count([("cron_id", "=", cron.id)])

    def get_activities(self, move):
        kind = self.env.ref("lead_invoicing.mail_activity_type_lead_delivery")
        return move.activity_ids.filtered(lambda a: a.activity_type_id == kind)

    # What is written where something leaves

    def test_nothing_of_a_document_is_written_while_its_mail_goes_out(self):
        invoice = self.invoice_one()
        self.run_cron(self.send_cron)
        tables = self.written_while(lambda: self.run_cron(self.mail_cron))
        self.assertEqual(len(self.catcher.mails), 1)
        self.assertIn("mail_notification", tables)
        self.assertFalse(
            {table for table in tables if table.startswith(("account_", "lead_"))}
        )
        self.assertNotIn("mail_activity", tables)
        self.assertIn("ir_cron_trigger", tables)
        self.assertEqual(invoice.lead_delivery_state, "to_send")
        self.follow()
        self.assertEqual(invoice.lead_delivery_state, "sent")

    def test_no_contact_is_written_while_its_document_is_locked(self):
        """Billing holds contacts and waits for documents: the other way round, two
        would wait for each other."""
        parameters = self.env["ir.config_parameter"].sudo()
        parameters.set_param("auth_signup.invitation_scope", "b2c")
        self.invoice_one()
        moves = self.env.registry["account.move"]
        original = moves._send_waiting
        tables = set()

        def send(documents, **settings):
            tables.update(self.written_while(lambda: original(documents, **settings)))

        self.patch(moves, "_send_waiting", send)
        self.run_cron(self.send_cron)
        self.assertIn("mail_mail", tables)
        self.assertNotIn("res_partner", tables)
        self.assertEqual(self.buyer.sudo().signup_type, "signup")

    def test_the_job_holds_nothing_while_it_asks_a_network(self):
        """Billing would wait for the contact, and for the document."""
        self.invoice_one()
        done = []

        def note(model, name):
            original = getattr(self.env.registry[model], name)

            def method(records, *args, **kwargs):
                done.append(name)
                return original(records, *args, **kwargs)

            self.patch(self.env.registry[model], name, method)

        note("account.move.send", "_get_default_sending_methods")
        note("ir.cron", "_commit_progress")
        note("account.move", "_write_lead_contacts")
        note("account.move", "_lock_waiting")
        self.run_cron(self.send_cron)
        self.assertEqual(
            done[:5],
            [
                "_get_default_sending_methods",
                "_commit_progress",
                "_write_lead_contacts",
                "_lock_waiting",
                # By then, the contact has what the network said.
                "_get_default_sending_methods",
            ],
        )

    def test_a_clerk_writes_the_contact_before_the_document_is_locked(self):
        parameters = self.env["ir.config_parameter"].sudo()
        parameters.set_param("auth_signup.invitation_scope", "b2c")
        document = self.invoice_one()
        moves = self.env.registry["account.move"]
        original = moves.try_lock_for_update
        signed_up = []

        def lock(documents, **options):
            if documents == document:
                self.env.cr.execute(
                    "SELECT signup_type FROM res_partner WHERE id = %s", self.buyer.ids
                )
                signed_up.extend(self.env.cr.fetchone())
            return original(documents, **options)

        self.patch(moves, "try_lock_for_update", lock)
        wizard = self.env["account.move.send.wizard"].create({"move_id": document.id})
        wizard.action_send_and_print()
        self.assertEqual(signed_up[:1], ["signup"])

    def test_nothing_of_a_document_is_written_when_its_mail_fails_or_bounces(self):
        self.catcher.refuse = ["buyera@example.com"]
        self.invoice_one()
        self.run_cron(self.send_cron)
        with self.assertLogs("odoo.addons.mail", "ERROR"):
            tables = self.written_while(lambda: self.run_cron(self.mail_cron))
        notification = self.env["mail.notification"].search(
            [("notification_status", "=", "exception")]
        )
        tables |= self.written_while(
            lambda: notification.sudo().write({"notification_status": "bounce"})
        )
        self.assertNotIn("account_move", tables)
        self.assertNotIn("mail_activity", tables)

    def test_billing_asks_nobody_how_a_document_goes(self):
        send = self.env.registry["account.move.send"]

        def ask(*args, **kwargs):
            raise AssertionError("asked inside billing")

        with (
            patch.object(send, "_get_default_sending_methods", ask),
            patch.object(send, "_is_applicable_to_move", ask),
        ):
            invoice = self.invoice_one()
            self.cycle.posting = "draft"
            self.new_sale(at="2026-11-11T12:00:00Z")
            draft = self.generate(GENERATION + WEEK)
            draft.action_lead_post_and_send()
        # Nothing is sent here.
        self.broken_rules = ("to_send_for_long",)
        self.assertEqual(invoice.lead_delivery_state, "to_send")
        self.assertEqual(draft.lead_delivery_state, "to_send")
        self.assertTrue(draft.sending_data)

    # What came of it

    def test_following_twice_changes_nothing(self):
        self.catcher.refuse = ["buyera@example.com"]
        invoice = self.invoice_one()
        with self.assertLogs("odoo.addons.mail", "ERROR"):
            self.send()
        self.assertEqual(invoice.lead_delivery_state, "failed")
        activity = self.get_activities(invoice)
        since = invoice.lead_delivery_since
        tables = self.written_while(self.follow)
        self.assertNotIn("account_move", tables)
        self.assertEqual(self.get_activities(invoice), activity)
        self.assertEqual(invoice.lead_delivery_since, since)
        activity.action_feedback()
        self.follow()
        self.assertFalse(self.get_activities(invoice), "done is done")

    def test_a_bounce_that_comes_later_makes_sent_failed_and_a_resend_mends_it(self):
        invoice = self.invoice_one()
        self.send()
        self.assertEqual(invoice.lead_delivery_state, "sent")
        self.env["mail.notification"].search(
            [("mail_message_id.res_id", "=", invoice.id)]
        ).filtered(lambda n: n.res_partner_id == self.buyer).sudo().write(
            {"notification_status": "bounce", "failure_reason": "No such user"}
        )
        self.follow()
        self.assertEqual(invoice.lead_delivery_state, "failed")
        self.assertIn("No such user", self.get_activities(invoice).note)
        self.assertEqual(invoice.lead_run_id.not_sent_count, 1)
        self.send_by_hand(invoice)
        self.follow()
        self.assertEqual(invoice.lead_delivery_state, "sent")
        self.assertFalse(self.get_activities(invoice))
        self.assertEqual(invoice.lead_run_id.not_sent_count, 0)

    def test_a_failed_mail_that_is_sent_again_from_the_queue_is_sent(self):
        self.catcher.refuse = ["buyera@example.com"]
        invoice = self.invoice_one()
        with self.assertLogs("odoo.addons.mail", "ERROR"):
            self.send()
        self.catcher.refuse = []
        mails = self.env["mail.mail"].search([("state", "=", "exception")])
        mails.action_retry()
        self.follow()
        self.run_cron(self.mail_cron)
        self.follow()
        self.assertEqual(invoice.lead_delivery_state, "sent")
        self.assertEqual(len(self.catcher.mails), 1)

    def test_a_mail_that_somebody_cancels_or_deletes_is_not_sent(self):
        other = self.new_buyer("Other")
        self.new_sale()
        self.new_sale(other)
        invoices = self.generate()
        self.run_cron(self.send_cron)
        canceled, deleted = self.env["mail.mail"].search(
            [("state", "=", "outgoing"), ("model", "=", "account.move")]
        )
        canceled.cancel()
        deleted.unlink()
        self.follow()
        self.assertEqual(set(invoices.mapped("lead_delivery_state")), {"failed"})
        self.assertEqual(self.catcher.mails, [])

    def test_a_mail_that_leaves_without_its_document_is_told(self):
        invoice = self.invoice_one()
        with self.enter_registry_test_mode():
            self.send_cron.method_direct_trigger()
        self.env.invalidate_all()
        mail = self.env["mail.mail"].search([("model", "=", "account.move")])
        mail.attachment_ids.unlink()
        self.send()
        self.assertEqual(len(self.catcher.mails), 1)
        self.assertEqual(invoice.lead_delivery_state, "failed")
        note = self.get_activities(invoice).note
        self.assertIn("its PDF was deleted", note)
        self.assertNotIn("nothing was sent", note)

    def test_a_named_recipient_that_gets_no_mail_is_told_of(self):
        clerk, boss, gone = self.env["res.partner"].create(
            [
                {"name": "Clerk", "email": "clerk@x.example"},
                {"name": "Boss"},
                {"name": "Gone", "email": "gone@x.example", "active": False},
            ]
        )
        self.buyer.lead_invoice_recipient_ids = clerk | boss | gone
        invoice = self.invoice_one()
        self.send()
        self.assertEqual(invoice.lead_delivery_state, "sent")
        self.assertEqual(len(self.catcher.mails), 1)
        activity = self.get_activities(invoice)
        self.assertEqual(activity.summary, "Invoice not sent to everyone")
        self.assertIn("Boss, Gone", activity.note)
        # Told once; and no more, once it went to all.
        activity.action_done()
        self.follow()
        self.assertFalse(self.get_activities(invoice))
        invoice._queue_lead_sending()
        self.send()
        self.assertTrue(self.get_activities(invoice))
        self.assertIn(gone, self.buyer.lead_invoice_recipient_ids)
        self.buyer.lead_invoice_recipient_ids = clerk
        self.send_by_hand(invoice)
        self.follow()
        self.assertFalse(self.get_activities(invoice))
        # Nor does it go to others, where nobody who is named gets mails.
        self.buyer.lead_invoice_recipient_ids = gone
        invoice._queue_lead_sending()
        self.send()
        self.assertEqual(invoice.lead_delivery_state, "no_address")
        self.assertIn("Gone is archived", self.get_activities(invoice).note)

    def test_many_mails_are_followed_with_as_many_queries_as_few(self):
        boss = self.env["res.partner"].create({"name": "Boss"})
        for number in range(6):
            buyer = self.new_buyer(f"Buyer {number}")
            buyer.lead_invoice_recipient_ids = buyer | boss
            self.new_sale(buyer)
        documents = self.generate()
        self.run_cron(self.send_cron)
        self.run_cron(self.mail_cron)
        counts = []
        for some in (documents[:2], documents[:2], documents):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.assertEqual(len(some._read_lead_mails()), len(some))
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[1], counts[2])

    def test_what_people_say_about_a_document_is_not_its_delivery(self):
        """They attach files of their own, and colleagues' mails come back, too."""
        colleague = self.env["res.partner"].create(
            {"name": "Colleague", "email": "colleague@x.example"}
        )

        def say(invoice):
            message = invoice.message_post(
                body="Look at this",
                partner_ids=colleague.ids,
                attachments=[("page.pdf", b"%PDF-1.4")],
                subtype_xmlid="mail.mt_note",
            )
            return message.notification_ids.sudo()

        other = self.new_buyer("Other")
        self.new_sale()
        self.new_sale(other)
        sent, failed = self.generate().sorted(lambda m: m.partner_id == other)
        self.catcher.refuse = ["other@example.com"]
        with self.assertLogs("odoo.addons.mail", "ERROR"):
            self.send()
        say(sent).write({"notification_status": "bounce"})
        say(failed).write({"notification_status": "sent"})
        self.follow()
        self.assertEqual(sent.lead_delivery_state, "sent")
        self.assertEqual(failed.lead_delivery_state, "failed")

    def test_an_archived_contact_is_named(self):
        self.new_sale()
        self.buyer.active = False
        invoice = self.generate()
        self.send()
        self.assertEqual(invoice.lead_delivery_state, "no_address")
        self.assertIn("is archived", self.get_activities(invoice).note)
        clerk = self.env["res.partner"].create({"name": "C", "email": "c@x.example"})
        self.buyer.lead_invoice_recipient_ids = clerk
        invoice._queue_lead_sending()
        self.send()
        self.assertEqual(invoice.lead_delivery_state, "sent")
        self.assertEqual(len(self.catcher.mails), 1)

    def test_a_template_that_somebody_deleted_keeps_nothing_from_being_sent(self):
        self.env.ref("lead_invoicing.mail_template_lead_invoice").unlink()
        invoice = self.invoice_one()
        self.send()
        self.assertEqual(invoice.lead_delivery_state, "sent")
        self.assertIn(invoice.name, self.catcher.mails[0]["Subject"])

    def test_a_template_that_fails_is_told_without_lines_of_code(self):
        template = self.env.ref("lead_invoicing.mail_template_lead_invoice")
        # Odoo refuses what it cannot render; what it renders can change.
        self.env.cr.execute(
            "UPDATE mail_template SET body_html = %s WHERE id = %s",
            ['{"en_US": "<t t-out=\\"object.nothing.x\\"/>"}', template.id],
        )
        self.env.invalidate_all()
        invoice = self.invoice_one()
        with self.assertLogs("odoo.addons.lead_invoicing", "ERROR"):
            self.send()
        note = self.get_activities(invoice).note
        self.assertIn("Failed to render", note)
        self.assertNotIn("Traceback", note)

    def test_sending_removes_only_the_activity_about_sending(self):
        self.buyer.lead_billing_mode = "prepaid"
        invoice = self.invoice_one()
        self.assertEqual(invoice.activity_ids.summary, "Prepaid balance used up")
        self.send()
        self.assertEqual(invoice.lead_delivery_state, "sent")
        self.assertEqual(invoice.activity_ids.summary, "Prepaid balance used up")

    def test_what_a_clerk_queues_waits_to_be_sent_too(self):
        self.cycle.posting = "post"
        self.new_sale()
        self.new_sale(self.new_buyer("Other"))
        invoices = self.generate()
        self.assertEqual(invoices.mapped("lead_delivery_state"), [False, False])
        self.env["account.move.send.batch.wizard"].with_context(
            active_model="account.move", active_ids=invoices.ids
        ).create({}).action_send_and_print()
        self.assertEqual(set(invoices.mapped("lead_delivery_state")), {"to_send"})
        self.send()
        self.assertEqual(set(invoices.mapped("lead_delivery_state")), {"sent"})
        self.assertEqual(len(self.catcher.mails), 2)

    def test_a_pdf_that_is_only_made_says_nothing_of_delivery(self):
        self.cycle.posting = "post"
        invoice = self.invoice_one()
        self.send_by_hand(invoice, sending_methods=[])
        self.follow()
        self.assertFalse(invoice.lead_delivery_state)

    # What is tried again

    def test_a_conflict_while_printing_is_no_print_error(self):
        self.new_sale()
        self.new_sale(self.new_buyer("Other"))
        invoices = self.generate()
        reports = self.env.registry["ir.actions.report"]
        original = reports._pre_render_qweb_pdf

        def conflict(report, report_ref, res_ids=None, data=None):
            raise SerializationFailure("somebody edited the contact")

        with (
            patch.object(reports, "_pre_render_qweb_pdf", conflict),
            self.assertNoLogs("odoo.addons.base.models.ir_cron", "ERROR"),
        ):
            self.run_cron(self.send_cron)
        with freeze_time(GENERATION):
            self.follow()
        self.assertIs(reports._pre_render_qweb_pdf, original)
        self.assertEqual(set(invoices.mapped("lead_delivery_state")), {"to_send"})
        self.assertFalse(invoices.activity_ids)
        self.send()
        self.assertEqual(set(invoices.mapped("lead_delivery_state")), {"sent"})
        self.assertEqual(len(self.catcher.mails), 2)

    def test_a_document_that_makes_the_job_fail_holds_up_nobody(self):
        other = self.new_buyer("Other")
        # Odoo refuses the whole batch for such a template.
        template = self.env["ir.actions.report"].search(
            [("model", "=", "account.move"), ("is_invoice_report", "=", False)], limit=1
        )
        self.buyer.invoice_template_pdf_report_id = template
        self.new_sale()
        self.new_sale(other)
        bad, good = self.generate().sorted(lambda m: m.partner_id == other)
        ordinary = bad.copy()
        ordinary.action_post()
        ordinary.sending_data = {"author_partner_id": self.env.user.partner_id.id}
        with self.assertNoLogs("odoo.addons.base.models.ir_cron", "ERROR"):
            self.send()
        self.assertEqual(good.lead_delivery_state, "sent")
        self.assertEqual(bad.lead_delivery_state, "failed")
        self.assertIn("report", self.get_activities(bad).note)
        self.assertFalse(bad.sending_data)
        self.assertEqual(bad.lead_run_id.not_sent_count, 1)
        self.assertEqual(bad.lead_run_id.state, "done")
        self.assertFalse(ordinary.sending_data)
        self.assertIn("could not be sent", ordinary.message_ids[0].body)
        # Fixed, and sent again by the same job.
        self.buyer.invoice_template_pdf_report_id = False
        bad._queue_lead_sending()
        self.send()
        self.assertEqual(bad.lead_delivery_state, "sent")
        self.assertFalse(self.get_activities(bad))

    # What is looked after

    def test_jobs_that_lost_their_trigger_are_woken_again_while_documents_wait(self):
        self.invoice_one()
        triggers = self.env["ir.cron.trigger"]
        for cron in (self.follow_cron, self.cron):
            triggers.search([]).unlink()
            self.run_cron(cron)
            self.assertTrue(self.count_triggers(self.send_cron))
            self.assertFalse(self.count_triggers(self.mail_cron))
        self.run_cron(self.send_cron)
        for cron in (self.follow_cron, self.cron):
            triggers.search([]).unlink()
            self.run_cron(cron)
            self.assertFalse(self.count_triggers(self.send_cron))
            self.assertTrue(self.count_triggers(self.mail_cron))
        self.run_cron(self.mail_cron)
        self.follow()
        triggers.search([]).unlink()
        self.follow()
        self.assertFalse(triggers.search([]), "nothing waits")

    def test_looking_again_soon_does_not_multiply(self):
        invoice = self.invoice_one()
        invoice.sudo().lead_delivery_since = self.env.cr.now()
        for _call in range(3):
            self.follow()
        self.assertLessEqual(self.count_triggers(self.follow_cron), 1)

    def test_what_waits_for_hours_is_told_once_and_found(self):
        invoice = self.invoice_one()
        not_delivered = [("lead_not_delivered", "=", True), ("id", "=", invoice.id)]
        moves = self.env["account.move"]
        with freeze_time(GENERATION + timedelta(hours=1)):
            self.follow()
            self.assertFalse(moves.search(not_delivered))
            self.assertFalse(self.get_activities(invoice))
        with freeze_time(GENERATION + timedelta(hours=3)):
            self.follow()
            self.follow()
            self.assertEqual(moves.search(not_delivered), invoice)
            self.assertTrue(invoice.lead_not_delivered)
            self.assertEqual(len(self.get_activities(invoice)), 1)
            self.assertIn("still not sent", self.get_activities(invoice).summary)
            self.env["res.config.settings"].create({"lead_sending_hours": 5}).execute()
            self.assertFalse(moves.search(not_delivered))
            # None, less, or more than there are: it says so, and does not go back to
            # another number.
            for hours in (0, -1, 99_999_999):
                settings = self.env["res.config.settings"].create(
                    {"lead_sending_hours": hours}
                )
                with self.assertRaisesRegex(UserError, "from 1 to"):
                    settings.execute()
            # As an administrator does.
            parameters = self.env["ir.config_parameter"].sudo()
            for text in ("99999999", "-1", "0", "soon"):
                # What somebody wrote there breaks no list, and stands for the default.
                parameters.set_param("lead_invoicing.sending_hours", text)
                self.assertEqual(moves.search(not_delivered), invoice)
                if text != "soon":
                    # Nor does it keep others from their own settings.
                    self.env["res.config.settings"].create({}).execute()
        self.assertEqual(invoice.lead_run_id.not_sent_count, 1)
        self.send()
        self.assertFalse(self.get_activities(invoice))
        self.assertEqual(invoice.lead_run_id.not_sent_count, 0)
