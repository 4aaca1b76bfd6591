import json
import shlex
from datetime import timedelta
from unittest.mock import MagicMock, patch

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import HttpCase, new_test_user

from odoo.addons.base.models import res_users

from .common.delivery import DeliveryCommon
from .common.world import LeadInvoicingCommon


class SetupCommon(LeadInvoicingCommon):
    def setUp(self):
        super().setUp()
        self.new_company = self._create_company(name="New Leads House")
        self.manager.company_ids += self.new_company
        self.billing_user.company_ids += self.new_company

    def get_setup(self, user=None, **vals):
        return (
            self.env["lead.setup"]
            .with_user(user or self.manager)
            .with_context(allowed_company_ids=self.new_company.ids)
            .create(vals)
        )


class TestSetup(SetupCommon):
    """Getting started: what is offered, and what is there already."""

    def test_nothing_is_there_and_nothing_is_imposed(self):
        setup = self.get_setup()
        self.assertTrue(setup.has_journal)
        self.assertEqual(setup.step, "address")
        self.assertFalse({"type", "cycle", "sale"} & set(setup.done.split(",")))
        self.assertFalse(
            self.env["lead.billing.cycle"].search(
                [("company_id", "=", self.new_company.id)]
            )
        )

    def test_it_is_resumed_where_it_was_left(self):
        setups = self.env["lead.setup"].with_user(self.manager)
        setups = setups.with_context(allowed_company_ids=self.new_company.ids)
        action = setups._open()
        setup = setups.browse(action["res_id"])
        setup.lead_type_name = "Solar"
        setup.with_context(lead_setup_step="type").action_open_step()
        self.assertEqual(setup.step, "type")
        self.assertEqual(setups._open()["res_id"], setup.id)
        self.assertEqual((setup.lead_type_name, setup.step), ("Solar", "address"))
        others = setups.with_user(self.billing_user)
        self.assertNotEqual(others._open()["res_id"], setup.id)
        with self.assertRaises(UserError):
            setup.with_context(lead_setup_step="x").action_open_step()

    def test_a_manager_without_rights_on_products_takes_what_is_offered(self):
        self.assertFalse(
            self.env["product.product"].with_user(self.manager).has_access("create")
        )
        setup = self.get_setup()
        setup.action_create_lead_type()
        lead_type = self.env["lead.type"].search(
            [("company_id", "=", self.new_company.id)]
        )
        self.assertEqual((lead_type.name, lead_type.code), ("Mortgage", "MORTGAGE"))
        self.assertEqual(lead_type.product_id.type, "service")
        self.assertFalse(lead_type.product_id.taxes_id)
        setup.invalidate_recordset()
        self.assertIn("type", setup.done)
        self.assertEqual(setup.lead_type_summary, "Mortgage; tax: none.")
        action = setup.action_enter_sale()
        self.assertEqual(action["context"]["default_lead_type_id"], lead_type.id)

    def test_a_tax_is_charged_when_it_is_said(self):
        tax = self.new_company.account_sale_tax_id
        setup = self.get_setup(tax_ids=tax.ids, lead_type_name="Roof & Solar")
        self.assertEqual(setup.lead_type_code, "ROOF-SOLAR")
        setup.is_taxed = "yes"
        setup.action_create_lead_type()
        product = setup._find_first("lead.type").sudo().product_id
        self.assertEqual(product.taxes_id, tax)

    def test_each_cycle_that_is_offered(self):
        for frequency in ("weekly", "semimonthly", "monthly", "manual"):
            setup = self.get_setup(frequency=frequency, tz="Europe/Berlin")
            setup.action_confirm_zone()
            setup.action_create_cycle()
            cycle = self.new_company.lead_billing_cycle_id
            self.assertEqual((cycle.frequency, cycle.tz), (frequency, "Europe/Berlin"))
            self.assertEqual(bool(cycle.next_generation_at), frequency != "manual")
            self.assertEqual(setup.cycle_id, cycle)

    def test_a_cycle_that_is_there_is_done_and_can_be_the_default(self):
        cycle = self.env["lead.billing.cycle"].create(
            {"name": "Own", "company_id": self.new_company.id, "tz": "UTC"}
        )
        setup = self.get_setup()
        self.assertIn("cycle", setup.done)
        with self.assertRaisesRegex(UserError, "Choose a billing cycle"):
            setup.action_choose_cycle()
        setup.default_cycle_id = cycle
        setup.action_choose_cycle()
        self.assertEqual(self.new_company.lead_billing_cycle_id, cycle)

    def test_who_looks_after_exceptions(self):
        setup = self.get_setup()
        self.assertEqual(setup.team_user_ids, self.manager)
        setup.team_user_ids = self.billing_user
        setup.action_choose_team()
        self.assertEqual(self.new_company.lead_team_user_ids, self.billing_user)
        self.assertIn("team", setup.done)
        self.assertEqual(setup.team_summary, self.billing_user.name)

    def test_a_code_that_is_none_is_a_sentence(self):
        setup = self.get_setup(lead_type_code=" ")
        with self.assertRaisesRegex(ValidationError, "Code"):
            setup.action_create_lead_type()

    def test_the_first_invoice_is_offered_up_to_today(self):
        setup = self.get_setup(tz="America/New_York")
        setup.action_confirm_zone()
        with freeze_time("2026-11-12 03:00"):  # still the 11th in New York
            action = setup.action_invoice()
        self.assertEqual(action["context"], {"default_date_to": "2026-11-11"})

    def test_a_clerk_looks_and_changes_nothing(self):
        setup = self.get_setup(self.billing_user)
        self.assertNotIn("type", setup.done)
        for act in (
            setup.action_create_lead_type,
            setup.action_create_cycle,
            setup.action_confirm_zone,
            setup.action_choose_team,
            setup.action_test_mail,
            setup.action_hide,
            setup.action_try_sample,
            setup.action_remove_sample,
        ):
            with self.subTest(act=act.__name__), self.assertRaises(AccessError):
                act()
        self.assertFalse(self.new_company.lead_billing_cycle_id)
        self.assertFalse(self.new_company.lead_tz_confirmed)

    def test_another_companys_manager_sets_nothing_up_here(self):
        # Made while working in that company.
        setup = self.get_setup()
        setup.sudo().company_id = self.company
        for act in (
            setup.action_create_lead_type,
            setup.action_create_cycle,
            setup.action_confirm_zone,
            setup.action_choose_team,
            setup.action_test_mail,
            setup.action_hide,
            setup.action_try_sample,
            setup.action_remove_sample,
        ):
            with self.subTest(act=act.__name__), self.assertRaises(AccessError):
                act()

    def test_hidden_on_the_overview_and_shown_again(self):
        setup = self.get_setup()
        setup.action_hide()
        self.assertTrue(self.new_company.lead_setup_done)
        setup.action_hide()
        self.assertFalse(self.new_company.lead_setup_done)

    def test_a_reference_is_proposed_where_a_sale_is_entered(self):
        sales = self.env["lead.sale"]
        with freeze_time("2026-11-12 15:04:05"):
            proposed = sales.with_context(lead_is_form=True).default_get(
                ["external_ref"]
            )
        self.assertRegex(proposed["external_ref"], r"M-2026111\d-\d{6}")
        self.assertNotIn("external_ref", sales.default_get(["external_ref"]))


class TestSetupMail(DeliveryCommon):
    """The test email leaves by Odoo's own mail server."""

    def setUp(self):
        super().setUp()
        self.manager.email = "boss@example.com"
        self.setup = self.env["lead.setup"].with_user(self.manager).create({})

    def test_what_the_server_took_is_said_and_ticked(self):
        self.setup.action_test_mail()
        mails = [
            mail
            for mail in self.catcher.mails
            if mail["Subject"].startswith("Test email")
        ]
        self.assertEqual([mail["To"] for mail in mails], [self.manager.email_formatted])
        self.assertIn("boss@example.com", self.setup.mail_result)
        self.assertTrue(self.company.lead_mail_tested_at)
        self.assertIn("mail", self.setup.done)

    def test_it_leaves_once_nothing_of_the_company_is_left_to_write(self):
        """Whoever writes the company at the same moment would repeat the request."""
        servers = self.env.registry["ir.mail_server"]
        original = servers.send_email
        stored = []

        def send_email(server, message, *args, **kwargs):
            self.env.cr.execute(
                "SELECT lead_mail_tested_at FROM res_company WHERE id = %s",
                [self.company.id],
            )
            stored.extend(self.env.cr.fetchone())
            return original(server, message, *args, **kwargs)

        self.patch(servers, "send_email", send_email)
        self.setup.action_test_mail()
        self.assertEqual(stored, [self.company.lead_mail_tested_at])
        # What is refused leaves what was known before.
        before = self.company.lead_mail_tested_at
        self.catcher.refuse = ("boss@example.com",)
        with freeze_time(before + timedelta(days=1)):
            self.setup.action_test_mail()
        self.assertEqual(len(stored), 2)
        self.assertEqual(self.company.lead_mail_tested_at, before)

    def test_what_it_refused_is_a_sentence(self):
        self.catcher.refuse = ("boss@example.com",)
        self.setup.action_test_mail()
        self.assertIn("No such mailbox", self.setup.mail_result)
        self.assertNotIn("mail", self.setup.done)
        self.assertEqual(self.setup.step, "mail")

    def test_a_server_that_is_not_there_is_a_sentence(self):
        self.env["ir.mail_server"].search([]).smtp_port = 1
        self.setup.action_test_mail()
        self.assertIn("was not sent", self.setup.mail_result)
        self.assertFalse(self.company.lead_mail_tested_at)

    def test_without_an_address_of_ones_own(self):
        self.manager.email = False
        self.setup.action_test_mail()
        self.assertIn("preferences", self.setup.mail_result)


class TestSetupApi(SetupCommon, HttpCase):
    """The key, and the line that uses it."""

    def identified(self):
        """Let the user have said a password a moment ago, as in a browser."""
        request = MagicMock()
        request.session.get.return_value = float("inf")
        return patch.object(res_users, "request", request)

    def test_the_ready_line_records_a_lead_of_this_company(self):
        admin = new_test_user(
            self.env,
            login="setup_admin",
            groups="lead_invoicing.group_manager,base.group_system",
            company_id=self.new_company.id,
            company_ids=[(6, 0, self.new_company.ids)],
        )
        self.env["res.partner"].create(
            {"name": "First", "ref": "it's B", "company_id": self.new_company.id}
        )
        setup = self.get_setup(admin)
        setup.action_create_lead_type()
        with self.identified():
            action = setup.action_create_api_key()
        key = action["context"]["default_key"]
        command = shlex.split(setup.api_line.replace("$KEY", key).replace("\\\n", ""))
        headers = dict(
            command[i + 1].split(": ", 1) for i, p in enumerate(command) if p == "-H"
        )
        path = command[1].removeprefix(self.new_company.get_base_url())
        answer = self.url_open(path, data=command[-1].encode(), headers=headers)
        self.assertEqual(answer.status_code, 200, answer.text)
        (row,) = json.loads(answer.text)
        self.assertEqual((row["status"], row["message"]), ("created", ""))
        sale = self.env["lead.sale"].browse(row["id"])
        self.assertEqual(sale.company_id, self.new_company)
        setup.invalidate_recordset()
        self.assertIn("TEST-1", setup.first_sale)
        # One user, however many keys; and no rights but to record.
        user = sale.create_uid
        setup.company_id._make_lead_api_key()
        self.assertEqual(
            self.env["res.users"].search([("login", "=", user.login)]), user
        )
        self.assertTrue(user.has_group("lead_invoicing.group_integrator"))
        self.assertFalse(user.has_group("lead_invoicing.group_user"))

    def test_only_administrators_make_keys(self):
        setup = self.get_setup()
        with self.identified(), self.assertRaises(AccessError):
            setup.action_create_api_key()
