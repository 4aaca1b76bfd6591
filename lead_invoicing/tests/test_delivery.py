import subprocess

from odoo.tests import HttpCase, tagged

from .common.delivery import DeliveryCommon


@tagged("post_install", "-at_install")
class TestDelivery(DeliveryCommon):
    def test_the_invoice_is_mailed_at_once_with_its_pdf(self):
        self.new_sale()
        invoice = self.generate()
        self.assertEqual(invoice.lead_delivery_state, "to_send")
        trigger = self.env["ir.cron.trigger"].search(
            [("cron_id", "=", self.send_cron.id)]
        )
        self.assertTrue(trigger, "the job that sends is woken, not left for tomorrow")
        self.send()
        (mail,) = self.catcher.mails
        self.assertIn("buyera@example.com", mail["To"])
        self.assertIn("billing@example.com", mail["From"])
        self.assertIn(invoice.name, mail["Subject"])
        body = mail.get_body().get_content()
        self.assertIn("Nov 2, 2026 – Nov 8, 2026", body)
        self.assertIn("Online Degree", body)
        self.assertIn(f"include the reference {invoice.name}", body)
        (attachment,) = mail.iter_attachments()
        self.assertEqual(attachment.get_content_type(), "application/pdf")
        self.assertEqual(invoice.lead_delivery_state, "sent")
        self.assertFalse(invoice.activity_ids)

    def test_several_recipients(self):
        clerk, owner = (
            self.env["res.partner"].create({"name": name, "email": f"{name}@x.example"})
            for name in ("clerk", "owner")
        )
        self.buyer.lead_invoice_recipient_ids = clerk + owner
        self.new_sale()
        self.generate()
        self.send()
        recipients = " ".join(mail["To"] for mail in self.catcher.mails)
        self.assertIn("clerk@x.example", recipients)
        self.assertIn("owner@x.example", recipients)
        self.assertNotIn("buyera@", recipients)

    def test_a_buyer_without_address_is_invoiced_not_mailed_and_told(self):
        self.buyer.email = False
        self.new_sale()
        invoice = self.generate()
        self.assertEqual(invoice.state, "posted")
        self.send()
        self.assertEqual(invoice.lead_delivery_state, "no_address")
        self.assertFalse(invoice.is_move_sent)
        self.assertIn("no email address", invoice.activity_ids.note)
        # Fixed and sent by hand, the activity is gone.
        self.buyer.email = "found@example.com"
        self.send_by_hand(invoice)
        self.follow()
        with_invoice = [m for m in self.catcher.mails if invoice.name in m["Subject"]]
        self.assertIn("found@example.com", with_invoice[-1]["To"])
        self.assertEqual(
            len([m for m in self.catcher.mails if list(m.iter_attachments())]), 1
        )
        self.assertEqual(invoice.lead_delivery_state, "sent")
        self.assertFalse(invoice.activity_ids)

    def test_sent_by_hand_to_somebody_else(self):
        self.buyer.email = False
        self.new_sale()
        invoice = self.generate()
        self.send()
        friend = self.env["res.partner"].create({"name": "F", "email": "f@x.example"})
        self.send_by_hand(
            invoice, sending_methods=["email"], mail_partner_ids=friend.ids
        )
        self.follow()
        self.assertEqual(invoice.lead_delivery_state, "sent")
        self.assertFalse(invoice.activity_ids)

    def test_a_document_taken_back_while_it_waits_is_not_said_to_be_sent(self):
        self.new_sale()
        invoice = self.generate()
        invoice.button_draft()
        self.assertFalse(invoice.lead_delivery_state)

    def test_a_refused_mail_is_visible_and_told(self):
        self.catcher.refuse = ["buyera@example.com"]
        self.new_sale()
        invoice = self.generate()
        with self.assertLogs("odoo.addons.mail", "ERROR"):
            self.send()
        self.assertEqual(invoice.lead_delivery_state, "failed")
        self.assertIn("was not delivered", invoice.activity_ids.note)

    def test_a_resend_leaves_out_whom_the_document_has_reached(self):
        clerk, owner = (
            self.env["res.partner"].create({"name": name, "email": f"{name}@x.example"})
            for name in ("clerk", "owner")
        )
        self.buyer.lead_invoice_recipient_ids = clerk + owner
        self.new_sale()
        invoice = self.generate()
        self.catcher.refuse = ["owner@x.example"]
        # It is refused again, and then sent to the right address.
        for wrong in range(2):
            if wrong:
                invoice.action_lead_resend()
            with self.assertLogs("odoo.addons.mail", "ERROR"):
                self.send()
            self.assertEqual(invoice.lead_delivery_state, "failed")
            self.assertIn("owner", invoice.activity_ids.note)
            self.assertNotIn("clerk", invoice.activity_ids.note)
        owner.email = "boss@x.example"
        invoice.action_lead_resend()
        self.send()
        self.assertEqual(invoice.lead_delivery_state, "sent")
        self.assertEqual(
            sorted(self.catcher.recipients), ["boss@x.example", "clerk@x.example"]
        )
        # A person chooses: on its form, the document is offered to both.
        wizard = self.env["account.move.send.wizard"].with_context(
            active_model="account.move", active_ids=invoice.ids
        )
        self.assertEqual(wizard.create({}).mail_partner_ids, clerk + owner)
        # What was taken back goes to all of them again, and so does what has nobody
        # else to go to.
        invoice.button_draft()
        invoice.action_post()
        self.catcher.refuse = ["boss@x.example"]
        invoice._queue_lead_sending()
        with self.assertLogs("odoo.addons.mail", "ERROR"):
            self.send()
        self.assertEqual(self.catcher.recipients[2:], ["clerk@x.example"])
        self.buyer.lead_invoice_recipient_ids = clerk
        invoice.action_lead_resend()
        self.send()
        self.assertEqual(invoice.lead_delivery_state, "sent")
        self.assertEqual(self.catcher.recipients[3:], ["clerk@x.example"])

    def test_a_refused_mail_to_a_buyer_without_a_document_is_told_once(self):
        """A prepaid buyer whose balance runs out, and whose mailbox is gone."""
        self.buyer.write({"lead_billing_mode": "prepaid", "lead_balance_alerts": True})
        self.new_sale()
        self.catcher.refuse = ["buyera@example.com"]
        with self.enter_registry_test_mode():
            self.env.ref("lead_invoicing.ir_cron_tell_balances").method_direct_trigger()
        mail = self.env["mail.mail"].search([("model", "=", "lead.balance.level")])
        self.assertEqual(mail.state, "outgoing")
        with self.assertLogs("odoo.addons.mail", "ERROR"):
            self.send()
        self.assertEqual(mail.state, "exception")
        activity = self.buyer.activity_ids
        self.assertEqual(len(activity), 1)
        self.assertTrue(activity.lead_exception)
        self.assertEqual(activity.lead_company_id, self.company)
        self.assertIn("buyera@example.com", activity.note)
        self.assertIn("was not delivered", activity.note)
        self.follow()
        self.assertEqual(self.buyer.activity_ids, activity)
        activity.action_feedback()
        self.follow()
        self.assertFalse(self.buyer.activity_ids, "done is done")
        # Who sends it again is told again.
        mail.action_retry()
        self.follow()
        self.assertFalse(self.buyer.activity_ids)
        with self.assertLogs("odoo.addons.mail", "ERROR"):
            self.send()
        self.assertIn("buyera@example.com", self.buyer.activity_ids.note)
        self.buyer.activity_ids.unlink()
        # Where the mail server gave no reason, it is the kind of failure.
        mail.write(
            {"lead_told": False, "failure_reason": False, "failure_type": "mail_smtp"}
        )
        self.follow()
        self.assertIn("Connection failed", self.buyer.activity_ids.note)
        self.buyer.activity_ids.unlink()
        # Others' mails are others' business.
        other = mail.copy({"model": "res.partner", "res_id": self.buyer.id})
        other.state = "exception"
        self.follow()
        self.assertFalse(self.buyer.activity_ids)

    def test_a_document_that_cannot_be_printed_keeps_no_other_from_being_sent(self):
        other = self.new_buyer("Other")
        self.new_sale()
        self.new_sale(other)
        broken, good = self.generate().sorted(lambda m: m.partner_id == other)
        original = self.env.registry["ir.actions.report"]._pre_render_qweb_pdf

        def render(report, report_ref, res_ids=None, data=None):
            if broken.id in res_ids:
                raise ValueError("unprintable")
            return original(report, report_ref, res_ids=res_ids, data=data)

        self.patch(
            self.env.registry["ir.actions.report"], "_pre_render_qweb_pdf", render
        )
        with self.assertLogs("odoo.addons.lead_invoicing", "WARNING"):
            self.send()
        self.assertEqual(good.lead_delivery_state, "sent")
        self.assertEqual(broken.lead_delivery_state, "failed")
        self.assertIn("unprintable", broken.activity_ids.note)

    def test_a_buyer_who_gets_invoices_by_hand(self):
        self.buyer.invoice_sending_method = "manual"
        self.new_sale()
        invoice = self.generate()
        self.send()
        self.assertEqual(invoice.lead_delivery_state, "by_hand")
        self.assertEqual(len(invoice.activity_ids), 1)

    def test_the_mail_is_in_the_buyers_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        template = self.env.ref("lead_invoicing.mail_template_lead_invoice")
        template.with_context(lang="fr_FR").subject = "Facture {{ object.name }}"
        self.buyer.lang = "fr_FR"
        self.new_sale()
        invoice = self.generate()
        self.send()
        (mail,) = self.catcher.mails
        self.assertEqual(mail["Subject"], f"Facture {invoice.name}")
        self.assertIn("2 nov. 2026", mail.get_body().get_content())


@tagged("post_install", "-at_install")
class TestInvoicePdf(DeliveryCommon, HttpCase):
    """The PDF as the buyer opens it, made by the real wkhtmltopdf."""

    def _get_text(self, invoice):
        """Print an invoice and return the text of its pages."""
        content, _kind = (
            self.env["ir.actions.report"]
            .with_context(force_report_rendering=True)
            ._render_qweb_pdf("account.account_invoices", invoice.ids)
        )
        return (
            subprocess.run(
                ["pdftotext", "-layout", "-", "-"],
                input=content,
                capture_output=True,
                check=True,
            )
            .stdout.decode()
            .replace("\u200b", "")
        )

    def test_the_pdf_says_how_many_leads_and_for_how_much_and_no_lead_data(self):
        self.buyer.lead_po_number = "PO 4711"
        for _number in range(3):
            sale = self.new_sale(
                price="12.00", lead_ref="L-SECRET", lead_data={"Email": "p@secret"}
            )
        self.new_return(sale)
        self.new_sale(price="20.00", lead_type="AUTO")
        text = self._get_text(self.generate())
        self.assertIn("Nov 2, 2026 – Nov 8, 2026", text)
        self.assertIn("PO 4711", text)
        words = [" ".join(line.split()) for line in text.splitlines()]
        self.assertIn("Description Leads Price Amount", words)
        self.assertIn("Online Degree 3 12.00 $ 36.00", words)
        self.assertIn("Online Degree – Leads returned -1 12.00 $ -12.00", words)
        self.assertIn("Online Degree (3 purchased, 1 returned) 2 $ 24.00", words)
        self.assertIn("Auto Insurance 1 20.00 $ 20.00", words)
        self.assertNotIn("SECRET", text.upper())

    def test_sub_accounts_have_subtotals(self):
        branch = self.new_buyer(
            "Branch North", is_company=False, parent_id=self.buyer.id
        )
        self.new_sale(branch, price="15.00")
        self.new_sale(price="10.00")
        words = [
            " ".join(line.split())
            for line in self._get_text(self.generate()).splitlines()
        ]
        self.assertIn("Online Degree (2 purchased) 2 $ 25.00", words)
        self.assertIn("Branch North (1 purchased) 1 $ 15.00", words)
        self.assertIn("Buyer A (1 purchased) 1 $ 10.00", words)
