from datetime import datetime

from freezegun import freeze_time

from odoo.tests import tagged
from odoo.tools.convert import convert_file

from .common.generation import GenerationCommon

TODAY = datetime(2026, 11, 25, 12)


@tagged("post_install", "-at_install")
class TestDemoData(GenerationCommon):
    """What an administrator finds who installs the addon with demo data."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with freeze_time(TODAY):
            for name in ("lead_invoicing_demo", "lead_company_demo"):
                convert_file(
                    cls.env,
                    "lead_invoicing",
                    f"demo/{name}.xml",
                    {},
                    mode="init",
                    noupdate=True,
                )
        cls.buyers = cls.env["res.partner"].search([("ref", "=like", "DEMO-%")])

    def test_every_transaction_is_recorded(self):
        ledger = self.env["lead.sale"].search([("external_ref", "=like", "DEMO-%")])
        sales = ledger.filtered(lambda sale: sale.transaction_type == "sale")
        self.assertEqual((len(sales), len(ledger)), (70, 74))
        self.assertEqual(set(ledger.mapped("billing_state")), {"unbilled"})
        self.assertTrue(all(sale.lead_data for sale in sales))

    def test_no_address_is_a_real_one(self):
        for buyer in self.buyers:
            self.assertTrue(buyer.email.endswith(".example.com"))
            self.assertIn("Example", buyer.name)

    def test_the_scheduled_action_makes_a_story_of_it(self):
        deposit = self.env["account.payment"].search(
            [("partner_id", "in", self.buyers.ids)]
        )
        self.assertTrue(deposit.move_id)
        documents = self.generate(TODAY)
        self.assert_ties_out(documents)
        runs = documents.lead_run_id
        self.assertGreaterEqual(len(runs), 5)
        self.assertEqual(set(runs.mapped("state")), {"done"})
        self.assertEqual(set(documents.mapped("state")), {"draft", "posted"})
        # A prepaid buyer whose deposit covers some, and a credit note.
        self.assertTrue(documents.filtered("lead_is_receipt"))
        self.assertIn(
            "Prepaid balance used up", documents.activity_ids.mapped("summary")
        )
        self.assertIn("out_refund", documents.mapped("move_type"))
        self.assertIn("PO-4711", documents.mapped("ref"))
        with freeze_time(TODAY):
            unbilled = self.env["lead.unbilled"].search(
                [("partner_id", "in", self.buyers.ids)]
            )
            self.assertEqual(
                set(unbilled.mapped("reason")), {"window", "manual", "minimum"}
            )
