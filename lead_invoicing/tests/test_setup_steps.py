from odoo import Command
from odoo.tests import new_test_user

from .common.generation import GENERATION, WEEK, GenerationCommon


class TestSetupSteps(GenerationCommon):
    """What a new company needs until its first invoice is delivered."""

    def setUp(self):
        super().setUp()
        self.new_company = self._create_company(name="New Leads House")
        self.billing_user.company_ids += self.new_company

    def get_done(self, company=None):
        """Return the keys of the steps that are done, as a clerk sees them."""
        company = (company or self.new_company).with_user(self.billing_user)
        company = company.with_context(allowed_company_ids=company.ids)
        return {step["key"] for step in company._get_lead_setup_steps() if step["done"]}

    def hide_buyers(self, but=()):
        """Let the buyers that all companies have be the other company's."""
        shared = self.env["res.partner"].search(
            [("ref", "!=", False), ("company_id", "=", False)]
        )
        (shared - self.new_company.partner_id).filtered(
            lambda partner: partner not in but
        ).company_id = self.company

    def test_a_new_company_has_nothing(self):
        self.new_company.partner_id.write({"ref": "SELF", "email": "me@example.com"})
        self.hide_buyers()
        self.assertEqual(self.get_done(), set())
        self.assertFalse(self.new_company.lead_setup_done)

    def test_a_logo_and_an_address(self):
        self.new_company.write(
            {
                "street": "1 Main St",
                "city": "Austin",
                "country_id": self.env.ref("base.us").id,
            }
        )
        self.assertNotIn("address", self.get_done())
        self.new_company.logo = self.PIXEL
        self.assertIn("address", self.get_done())
        self.new_company.street = False
        self.assertNotIn("address", self.get_done())

    def test_a_team_of_whoever_may_do_its_work(self):
        self.new_company.lead_team_user_ids = self.billing_user
        self.assertIn("team", self.get_done())
        self.billing_user.active = False
        self.assertFalse(self.new_company._get_lead_team())

    # A red pixel
    PIXEL = (
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/"
        "q842iQAAAABJRU5ErkJggg=="
    )

    def test_a_zone_counts_once_a_person_chose_it(self):
        self.assertNotIn("zone", self.get_done())
        self.new_company.lead_tz = "America/Chicago"
        self.assertIn("zone", self.get_done())

    def test_records_count_whoever_made_them_and_in_their_company_only(self):
        before = self.get_done()
        self.assertLessEqual({"type", "cycle"}, self.get_done(self.company))
        self.assertFalse({"type", "cycle", "sale", "delivery"} & before)

    def test_a_mail_server_counts_until_it_is_changed(self):
        server = self.env["ir.mail_server"].create(
            {"name": "Mail", "smtp_host": "localhost"}
        )
        self.new_company.sudo().lead_mail_tested_at = server.write_date
        self.assertIn("mail", self.get_done())
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE ir_mail_server SET write_date = write_date + interval '1 s'"
        )
        server.invalidate_recordset()
        self.assertNotIn("mail", self.get_done())

    def test_a_buyer_has_an_email_address(self):
        buyer = self.env["res.partner"].create(
            {"name": "New Buyer", "ref": "N1", "company_id": self.new_company.id}
        )
        self.hide_buyers(buyer)
        self.assertNotIn("buyer", self.get_done())
        buyer.email = "new@example.com"
        self.assertIn("buyer", self.get_done())
        self.assertNotIn("portal", self.get_done())
        new_test_user(
            self.env,
            login="new_buyer",
            groups="base.group_portal",
            partner_id=self.env["res.partner"]
            .create({"name": "Reader", "parent_id": buyer.id})
            .id,
            company_id=self.new_company.id,
            company_ids=[Command.set(self.new_company.ids)],
        )
        self.assertIn("portal", self.get_done())

    def test_an_invoice_counts_once_it_has_left(self):
        self.new_sale()
        invoice = self.generate()
        self.assertIn("sale", self.get_done(self.company))
        self.assertNotIn("delivery", self.get_done(self.company))
        invoice.sudo().lead_delivery_state = "sent"
        self.assertLessEqual({"delivery", "mail"}, self.get_done(self.company))

    def test_the_step_shows_the_invoice_that_was_delivered(self):
        self.new_sale()
        self.generate()
        self.new_sale(self.new_buyer("Another"), at="2026-11-10T12:00:00Z")
        delivered = self.generate(GENERATION + WEEK)
        delivered.sudo().lead_delivery_state = "sent"
        setup = self.env["lead.setup"].create({"company_id": self.company.id})
        self.assertEqual(setup.invoice_id, delivered)
        self.assertIn("Sent", setup.invoice_summary)

    def test_a_hidden_list_is_done(self):
        self.new_company.lead_setup_hidden = True
        self.assertTrue(self.new_company.lead_setup_done)

    def test_the_number_of_queries_is_constant(self):
        def count():
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.company._get_lead_setup_steps()
            return self.env.cr.sql_log_count - before

        self.new_sale()
        few = count()
        for number in range(5):
            self.new_sale(self.new_buyer(f"Another {number}"))
        self.assertLessEqual(count(), few)
