"""From an empty company to a delivered invoice that its buyer reads, in a real browser,
as an administrator without a word of documentation would."""

import logging
import re
import time

from odoo import Command
from odoo.tests import HttpCase, new_test_user, tagged

from .common.delivery import DeliveryCommon

_logger = logging.getLogger(__name__)
# A red pixel
LOGO = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/"
    "q842iQAAAABJRU5ErkJggg=="
)


@tagged("-clock")
class SetupTourCommon(DeliveryCommon, HttpCase):
    """A company with a chart of accounts, a country, a logo and a mail server, and its
    administrator."""

    tour = "lead_invoicing_first_invoice"

    def setUp(self):
        super().setUp()
        # The chart that Odoo's accounting brings along: that of a country is an addon.
        self.new_company = self._create_company(name="New Leads House")
        self.new_company.write(
            {
                "country_id": self.env.ref("base.us").id,
                "logo": LOGO,
                "email": "billing@new.example.com",
            }
        )
        # Other buyers are not this company's.
        others = self.env["res.partner"].search(
            [("ref", "!=", False), ("company_id", "=", False)]
        )
        (
            others - self.env["res.company"].search([]).partner_id
        ).company_id = self.company
        self.newcomer = new_test_user(
            self.env,
            login="newcomer",
            password="newcomer",
            email="newcomer@example.com",
            groups="lead_invoicing.group_manager,base.group_system",
            company_id=self.new_company.id,
            company_ids=[Command.set(self.new_company.ids)],
            tz="America/New_York",
        )

    def check_first_invoice(self):
        """Follow the newcomer from an empty list to an invoice that a buyer reads."""
        started = time.monotonic()
        # By number: Odoo gives the name INFO to another level, too.
        with self.assertLogs(self._logger, logging.INFO) as logs:
            self.start_tour(
                "/odoo/action-lead_invoicing.action_lead_invoices",
                self.tour,
                login="newcomer",
            )
        seconds = time.monotonic() - started
        found = re.search(r"lead_invoicing clicks: (\d+)", "\n".join(logs.output))
        self.assertTrue(found, "The tour tells its clicks.")
        clicks = int(found[1])
        _logger.info(
            "First invoice in %s clicks and %.0f seconds of a browser (%s)",
            clicks,
            seconds,
            self.tour,
        )
        self.assertLessEqual(clicks, 40)
        self.send()
        invoice = self.env["account.move"].search(
            [
                ("lead_run_id", "!=", False),
                ("company_id", "=", self.new_company.id),
            ]
        )
        self.assertEqual((invoice.state, invoice.amount_total), ("posted", 25))
        self.assertEqual(invoice.lead_delivery_state, "sent")
        addresses = {mail["To"] for mail in self.catcher.mails}
        self.assertTrue(any("first@buyer.example.com" in to for to in addresses))
        self.start_tour(
            "/odoo/lead-setup", "lead_invoicing_all_set_up", login="newcomer"
        )
        self.assertTrue(self.new_company.lead_setup_done)
        self.read_as_buyer(invoice)

    def read_as_buyer(self, invoice):
        """Follow the buyer who was invited, with the password that was chosen."""
        buyer = invoice.partner_id.user_ids
        self.assertTrue(buyer._is_portal())
        buyer.password = "first_buyer"
        self.start_tour(
            "/my/invoices", "lead_invoicing_first_buyer_reads", login=buyer.login
        )


@tagged("post_install", "-at_install")
class TestSetupTour(SetupTourCommon):
    def test_first_invoice(self):
        self.check_first_invoice()

    def test_sample_leads(self):
        self.start_tour(
            "/odoo/lead-setup", "lead_invoicing_sample_leads", login="newcomer"
        )


@tagged("post_install", "-at_install", "long")
class TestSetupPhoneTour(SetupTourCommon):
    browser_size = "390x844"
    touch_enabled = True
    tour = "lead_invoicing_first_invoice_on_a_phone"

    def test_first_invoice_on_a_phone(self):
        self.check_first_invoice()
