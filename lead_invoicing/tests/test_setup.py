from freezegun import freeze_time

from odoo.exceptions import AccessError, ValidationError

from .common.world import LeadInvoicingCommon


class TestSetup(LeadInvoicingCommon):
    """Getting started: what is offered, and what is there already."""

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

    def test_nothing_is_there_and_nothing_is_imposed(self):
        setup = self.get_setup()
        self.assertTrue(setup.has_journal)
        self.assertFalse(setup.has_lead_type or setup.cycle_id or setup.has_sale)
        self.assertFalse(
            self.env["lead.billing.cycle"].search(
                [("company_id", "=", self.new_company.id)]
            )
        )

    def test_a_manager_without_rights_on_products_takes_what_is_offered(self):
        self.assertFalse(
            self.env["product.product"].with_user(self.manager).has_access("create")
        )
        setup = self.get_setup()
        setup.action_create_lead_type()
        lead_type = self.env["lead.type"].search(
            [("company_id", "=", self.new_company.id)]
        )
        self.assertEqual((lead_type.name, lead_type.code), ("Leads", "LEAD"))
        self.assertEqual(lead_type.product_id.type, "service")
        self.assertEqual(
            lead_type.product_id.taxes_id, self.new_company.account_sale_tax_id
        )
        setup.invalidate_recordset()
        self.assertTrue(setup.has_lead_type)
        action = setup.action_enter_sale()
        self.assertEqual(action["context"]["default_lead_type_id"], lead_type.id)

    def test_each_cycle_that_is_offered(self):
        for frequency in ("weekly", "semimonthly", "monthly", "manual"):
            setup = self.get_setup(frequency=frequency, tz="Europe/Berlin")
            setup.action_create_cycle()
            cycle = self.new_company.lead_billing_cycle_id
            self.assertEqual((cycle.frequency, cycle.tz), (frequency, "Europe/Berlin"))
            self.assertEqual(bool(cycle.next_generation_at), frequency != "manual")
            self.assertEqual(setup.cycle_id, cycle)

    def test_a_code_that_is_none_is_a_sentence(self):
        setup = self.get_setup(lead_type_code=" ")
        with self.assertRaisesRegex(ValidationError, "Code"):
            setup.action_create_lead_type()

    def test_the_first_invoice_is_offered_up_to_today(self):
        setup = self.get_setup(tz="America/New_York")
        setup.action_create_cycle()
        with freeze_time("2026-11-12 03:00"):  # still the 11th in New York
            action = setup.action_invoice()
        self.assertEqual(action["context"], {"default_date_to": "2026-11-11"})

    def test_a_clerk_looks_and_changes_nothing(self):
        setup = self.get_setup(self.billing_user)
        self.assertFalse(setup.has_lead_type)
        with self.assertRaises(AccessError):
            setup.action_create_lead_type()
        with self.assertRaises(AccessError):
            setup.action_create_cycle()
        self.assertFalse(self.new_company.lead_billing_cycle_id)

    def test_another_companys_manager_sets_nothing_up_here(self):
        setup = self.get_setup(company_id=self.company.id)
        with self.assertRaises(AccessError):
            setup.action_create_lead_type()
        with self.assertRaises(AccessError):
            setup.action_create_cycle()
