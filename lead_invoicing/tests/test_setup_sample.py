from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common.world import LeadInvoicingCommon

# What Odoo's own jobs empty: what browsers are told, and when to wake.
QUEUES = {"bus_bus", "ir_cron_trigger"}


@tagged("-clock")
class TestSetupSample(LeadInvoicingCommon):
    """Sample leads are made and removed again by one click each."""

    def setUp(self):
        super().setUp()
        self.new_company = self._create_company(name="New Leads House")
        self.manager.company_ids += self.new_company
        self.setup = (
            self.env["lead.setup"]
            .with_user(self.manager)
            .with_context(allowed_company_ids=self.new_company.ids)
            .create({})
        )

    def press(self, button):
        """Press a button of the list, past the commits of the run."""
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            setup = self.setup.with_env(self.setup.env(cr=cr))
            getattr(setup, button)()
        self.env.invalidate_all()

    def count_rows(self):
        """Return {table: number of its rows}."""
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = current_schema"
        )
        counts = {}
        for (table,) in self.env.cr.fetchall():
            self.env.cr.execute(f'SELECT count(*) FROM "{table}"')
            counts[table] = self.env.cr.fetchone()[0]
        return {table: count for table, count in counts.items() if table not in QUEUES}

    def get_next_number(self):
        """Return the number that the next invoice of the company would get."""
        moves = self.env["account.move"].with_company(self.new_company)
        journal = self.env["account.journal"].search(
            [("company_id", "=", self.new_company.id), ("type", "=", "sale")], limit=1
        )
        move = moves.new({"move_type": "out_invoice", "journal_id": journal.id})
        return move._get_starting_sequence(), move._get_last_sequence()

    def get_documents(self):
        return self.env["account.move"].search(
            self.setup.action_view_sample()["domain"]
        )

    def test_nothing_is_left(self):
        before, number = self.count_rows(), self.get_next_number()
        self.press("action_try_sample")
        self.assertTrue(self.setup.has_sample)
        there = self.count_rows()
        self.assertEqual(there["lead_sale"] - before["lead_sale"], 74)
        self.assertEqual(there["mail_mail"], before["mail_mail"])
        self.assertEqual(self.get_next_number(), number)
        self.press("action_remove_sample")
        self.assertEqual(self.count_rows(), before)
        self.assertEqual(self.get_next_number(), number)

    def get_prepaid_sample(self):
        """Return a sample buyer whose balance is used up, with alerts."""
        buyers = self.new_company._get_lead_samples("res.partner")
        buyer = buyers.with_company(self.new_company).filtered(
            lambda one: one.lead_billing_mode == "prepaid"
        )
        buyer.lead_balance_alerts = True
        return buyer

    def test_a_sample_is_no_step_to_the_first_invoice(self):
        done = self.setup.done
        self.press("action_try_sample")
        self.assertEqual(self.setup.done, done)
        self.assertFalse(self.setup.invoice_id)
        self.assertNotIn("DEMO", self.setup.api_line)

    def test_sample_buyers_get_no_alerts(self):
        self.press("action_try_sample")
        buyer = self.get_prepaid_sample()
        with self.enter_registry_test_mode():
            self.env.ref("lead_invoicing.ir_cron_tell_balances").method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(buyer.lead_balance_level, "fine")

    def test_what_became_of_sample_buyers_is_removed_with_them(self):
        self.press("action_try_sample")
        buyer = self.get_prepaid_sample()
        # As the job did before it knew samples.
        self.assertTrue(buyer._follow_lead_balances())
        buyer._close_lead_account(self.env["lead.invoice.run"], None)
        self.press("action_remove_sample")
        self.assertFalse(buyer.exists())

    def assert_not_removed(self, message):
        with self.assertRaisesRegex(UserError, message), self.env.cr.savepoint():
            self.press("action_remove_sample")

    def test_what_is_real_and_rests_on_a_sample_is_named(self):
        self.press("action_try_sample")
        company = self.new_company
        buyers = company._get_lead_samples("res.partner")
        person = self.env["res.partner"].create(
            {"name": "Person", "parent_id": buyers[0].id}
        )
        self.assert_not_removed("Person is of a sample buyer")
        person.unlink()
        journal = self.env["account.journal"].search(
            [("company_id", "=", company.id), ("type", "=", "bank")], limit=1
        )
        payment = (
            self.env["account.payment"]
            .with_company(company)
            .create(
                {
                    "partner_id": buyers[0].id,
                    "amount": 5,
                    "journal_id": journal.id,
                }
            )
        )
        self.assert_not_removed("Draft Payment is of a sample buyer")
        payment.unlink()
        cycle = company._get_lead_samples("lead.billing.cycle")[:1]
        for record in (company, self.buyer.with_company(company)):
            record.lead_billing_cycle_id = cycle
            self.assert_not_removed(f"{record.name} uses Manual billing")
            record.lead_billing_cycle_id = False
        self.auto_product.company_id = False
        invoice = (
            self.env["account.move"]
            .with_company(company)
            .create(
                {
                    "move_type": "out_invoice",
                    "partner_id": self.buyer.id,
                    "invoice_line_ids": [
                        Command.create(
                            {
                                "product_id": company._get_lead_samples(
                                    "product.product"
                                )[:1].id
                            }
                        )
                    ],
                }
            )
        )
        self.assert_not_removed("Draft Invoice.* uses .*Lead")
        invoice.unlink()
        self.press("action_remove_sample")

    def test_requests_for_money_go_with_it(self):
        self.press("action_try_sample")
        requests = self.env["lead.top.up"].with_company(self.new_company)
        request = requests.create(
            {"partner_id": self.get_prepaid_sample().id, "amount": 20}
        )
        self.press("action_remove_sample")
        self.assertFalse(request.exists())

    def test_real_contacts_are_not_merged_with_samples(self):
        self.press("action_try_sample")
        buyers = self.new_company._get_lead_samples("res.partner")
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        real = self.env["res.partner"].create({"name": "Real"})
        for target in (real, buyers[0]):
            with self.assertRaisesRegex(UserError, "is a sample"):
                wizard._merge((real + buyers[0]).ids, target)
        wizard._merge(buyers[:2].ids, buyers[0])
        self.press("action_remove_sample")
        self.assertTrue(real.exists())

    def test_all_is_marked_and_stays_a_draft(self):
        self.press("action_try_sample")
        documents = self.get_documents()
        self.assertGreater(len(documents), 3)
        self.assertEqual(set(documents.mapped("state")), {"draft"})
        self.assertEqual(documents.company_id, self.new_company)
        for name in documents.mapped("partner_id.name"):
            self.assertIn("(Sample)", name)
        self.assertFalse(
            documents.filtered(lambda move: move.name and move.name != "/")
        )
        with self.assertRaisesRegex(UserError, "is a sample"):
            documents[:1].action_post()
        # No run finds them again.
        self.assertFalse(
            self.env["lead.billing.cycle"].search(
                [
                    ("company_id", "=", self.new_company.id),
                    ("next_generation_at", "!=", False),
                ]
            )
        )

    def test_nothing_real_is_recorded_for_a_sample(self):
        self.press("action_try_sample")
        buyer = self.new_company._get_lead_samples("res.partner")[:1]
        self.env["lead.type"].create(
            {
                "name": "Real",
                "code": "REAL",
                "company_id": self.new_company.id,
                "product_id": self.auto_product.id,
            }
        )
        sales = self.env["lead.sale"].with_user(self.manager)
        sales = sales.with_context(allowed_company_ids=self.new_company.ids)
        self.auto_product.company_id = False
        for vals in (
            {"buyer_ref": buyer.ref, "lead_type": "REAL"},
            {"buyer_ref": buyer.ref, "lead_type": "DEMO-AUTO"},
        ):
            (answer,) = sales.record_transactions([self.sale_vals("T1", **vals)])
            self.assertEqual(answer["status"], "error")
            self.assertIn("is a sample", answer["message"])
        self.press("action_remove_sample")

    def test_not_beside_real_leads(self):
        setup = self.env["lead.setup"].with_user(self.manager).create({})
        self.sell("T1")
        with self.assertRaisesRegex(UserError, "has leads already"):
            setup.action_try_sample()
        self.press("action_try_sample")
        with self.assertRaisesRegex(UserError, "has leads already"):
            self.press("action_try_sample")

    def test_not_beside_names_of_its_own(self):
        self.buyer.ref = "DEMO-X"
        with self.assertRaisesRegex(UserError, "named as sample leads"):
            self.press("action_try_sample")

    def test_the_sample_of_one_company_leaves_the_others_alone(self):
        self.press("action_try_sample")
        self.assertFalse(self.company._get_lead_samples())
        with self.assertRaises(AccessError):
            self.setup.with_context(
                allowed_company_ids=self.company.ids
            ).action_remove_sample()
