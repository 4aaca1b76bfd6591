from datetime import date, datetime, timedelta

from freezegun import freeze_time
from psycopg2.errors import SerializationFailure

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from .common.generation import GenerationCommon


@tagged("post_install", "-at_install")
class TestInvoiceWizard(GenerationCommon):
    """Invoicing by hand: a preview, and a run like any other."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.lead_tz = "America/New_York"

    def _wizard(self, **vals):
        with freeze_time("2026-11-12 12:00"):
            return (
                self.env["lead.invoice.wizard"]
                .with_user(self.billing_user)
                .create({"partner_ids": self.buyer.ids, **vals})
            )

    def _invoice(self, wizard):
        """Press the button, and return the run's documents."""
        with (
            freeze_time("2026-11-12 12:00"),
            self.enter_registry_test_mode(),
            self.registry.cursor() as cr,
        ):
            action = wizard.with_env(wizard.env(cr=cr)).action_invoice()
        self.env.invalidate_all()
        run = self.env["lead.invoice.run"].browse(action["res_id"])
        return run, run.invoice_ids

    def _preview(self, wizard):
        with freeze_time("2026-11-12 12:00"):
            wizard.action_preview()
        return [
            (
                line.partner_id.name,
                line.lead_type_id.name,
                line.purchased,
                line.returned,
                line.amount,
                line.message or "",
            )
            for line in wizard.line_ids
        ]

    def test_it_proposes_everything_until_yesterday(self):
        with freeze_time("2026-11-12 03:00"):  # still the 11th in New York
            self.company.lead_billing_cycle_id = self.cycle
            form = Form(
                self.env["lead.invoice.wizard"]
                .with_user(self.billing_user)
                .with_context(active_model="res.partner", active_ids=self.buyer.ids)
            )
            self.assertEqual(form.partner_ids.ids, self.buyer.ids)
            self.assertEqual(str(form.date_to), "2026-11-10")
            self.assertEqual(form.tz, "America/New_York")

    def test_its_days_are_the_companys_whoever_is_chosen(self):
        self.assertFalse(self.company.lead_billing_cycle_id)
        self.company.lead_tz = "Asia/Tokyo"
        with freeze_time("2026-11-12 03:00"):  # still the 11th in New York
            wizard = (
                self.env["lead.invoice.wizard"]
                .with_user(self.billing_user)
                .with_context(active_model="res.partner", active_ids=self.buyer.ids)
                .create({})
            )
            self.assertEqual(str(wizard.date_to), "2026-11-11")
            form = Form(wizard)
            for partner in (self.other_buyer, self.buyer):
                form.partner_ids.add(partner)
                self.assertEqual(form.tz, "Asia/Tokyo")
        vals = wizard._prepare_run_vals()
        self.assertEqual(vals["tz"], "Asia/Tokyo")
        self.assertEqual(vals["window_end"], datetime(2026, 11, 11, 15))

    def test_preview_and_invoice_agree(self):
        sale = self.new_sale(price="10.00")
        self.new_sale(price="12.50", lead_type="AUTO")
        self.new_return(sale)
        wizard = self._wizard(posting="post")
        self.assertEqual(
            self._preview(wizard),
            [
                ("Buyer A", "Auto Insurance", 1, 0, 12.5, ""),
                ("Buyer A", "Online Degree", 1, 1, 0.0, ""),
            ],
        )
        self.assertFalse(self.env["lead.invoice.run"].search([]))
        run, invoice = self._invoice(wizard)
        self.assertEqual((run.state, run.cycle_id.id), ("done", False))
        self.assertEqual((invoice.state, invoice.amount_untaxed), ("posted", 12.5))
        self.assertEqual(invoice.lead_window_label, "Nov 4, 2026 – Nov 11, 2026")
        self.assert_ties_out(invoice)

    def test_the_preview_tells_the_total_with_tax(self):
        tax = self.company_data["default_tax_sale"]
        included = tax.copy(
            {"name": "7 %", "amount": 7, "price_include_override": "tax_included"}
        )
        self.edu_product.taxes_id = tax
        self.auto_product.taxes_id = included
        sales = [self.new_sale(price=price) for price in ("0.35", "10.00", "7.77")]
        self.new_sale(price="12.50", lead_type="AUTO")
        self.new_sale(self.new_buyer("Buyer B"), price="3.33", lead_type="AUTO")
        for is_first in (True, False):
            wizard = self._wizard(posting="post")
            wizard.partner_ids = False
            self._preview(wizard)
            told = wizard.summary.replace("\xa0", " ")
            _run, documents = self._invoice(wizard)
            total = sum(documents.mapped("amount_total_signed"))
            self.assertIn(f"with tax: $ {total:.2f}.", told)
            if is_first:
                # Next comes a credit note.
                self.new_return(sales[1], at="2026-11-10T12:00:00Z")

    def test_preview_again_after_a_change(self):
        self.new_sale(price="10.00")
        self.new_sale(price="12.50", lead_type="AUTO")
        wizard = self._wizard()
        self.assertEqual(len(self._preview(wizard)), 2)
        wizard.lead_type_ids = self.edu
        (left_out, made) = sorted(self._preview(wizard), key=lambda row: not row[-1])
        self.assertEqual(made, ("Buyer A", "Online Degree", 1, 0, 10.0, ""))
        self.assertEqual(left_out[-1], "Another lead type.")

    def test_what_is_left_out_says_why(self):
        self.new_sale(at="2026-11-03T12:00:00Z")
        self.new_sale(at="2026-11-06T12:00:00Z", price="11.00")
        self.new_sale(at="2026-11-06T12:00:00Z", lead_type="AUTO")
        self.new_sale(at="2026-11-12T12:00:00Z", price="13.00")
        wizard = self._wizard(
            date_from=date(2026, 11, 5), lead_type_ids=self.edu.ids, posting="post"
        )
        self.assertEqual(
            [(amount, message) for *_rest, amount, message in self._preview(wizard)],
            [
                (11.0, ""),
                (10.0, "Before the first day."),
                (13.0, "After the last day."),
                (10.0, "Another lead type."),
            ],
        )
        _run, invoice = self._invoice(wizard)
        self.assertEqual(invoice.amount_untaxed, 11)
        self.assertEqual(invoice.lead_window_start, datetime(2026, 11, 5, 5))

    def test_what_is_left_out_of_everyone_says_why_too(self):
        held = self.new_buyer("Held", lead_billing_hold=True)
        self.new_sale()
        self.new_sale(held, price="11.00")
        self.new_sale(at="2026-11-13T12:00:00Z", price="13.00")
        self.assertEqual(
            [
                (name, amount, message)
                for name, *_rest, amount, message in self._preview(
                    self._wizard(partner_ids=[])
                )
            ],
            [
                ("Buyer A", 10.0, ""),
                ("Buyer A", 13.0, "After the last day."),
                ("Held", 11.0, "The buyer is on hold."),
            ],
        )

    def test_minimum_amounts_hold_back_unless_ignored(self):
        self.buyer.lead_minimum_amount = 50
        self.new_sale()
        ((*_rest, message),) = self._preview(self._wizard())
        self.assertIn("Hold Invoices Below", message)
        wizard = self._wizard(ignore_minimum=True)
        ((*_rest, message),) = self._preview(wizard)
        self.assertFalse(message)
        _run, invoice = self._invoice(wizard)
        self.assertEqual((invoice.amount_untaxed, invoice.state), (10, "draft"))

    def test_a_buyer_who_would_fail_is_named_before(self):
        receivable = self.buyer.property_account_receivable_id
        self.buyer.property_account_receivable_id = receivable.copy(
            {"code": "121996", "name": "Old receivable", "active": False}
        )
        self.new_sale()
        ((*_rest, message),) = self._preview(self._wizard())
        self.assertIn("Old receivable", message)

    def test_everyone_is_invoiced_when_nobody_is_chosen(self):
        manual = self.env["lead.billing.cycle"].create(
            {"name": "Manual", "frequency": "manual", "tz": "UTC"}
        )
        others = [
            self.new_buyer("Manual", lead_billing_cycle_id=manual.id),
            self.new_buyer("No cycle", lead_billing_cycle_id=False),
        ]
        for buyer in (self.buyer, *others):
            self.new_sale(buyer)
        _run, invoices = self._invoice(self._wizard(partner_ids=[]))
        self.assertEqual(len(invoices), 3)

    def test_many_buyers_go_on_in_the_background(self):
        for number in range(45):
            self.new_sale(self.new_buyer(f"Many {number}"))
        run, invoices = self._invoice(self._wizard(partner_ids=[]))
        self.assertEqual((run.state, len(invoices)), ("running", 0))
        self.assertEqual(len(self.generate(datetime(2026, 11, 12, 12))), 45)
        self.assertEqual(run.state, "done")

    def test_one_buyer_fails_alone(self):
        other = self.new_buyer("Buyer B")
        self.new_sale()
        failing = self.new_sale(other)
        model = type(self.env["lead.invoice.run.buyer"])
        prepare = model._prepare_move_vals

        def fail(item, document):
            if document.item.partner_id == other:
                raise ZeroDivisionError("the trouble")
            return prepare(item, document)

        self.patch(model, "_prepare_move_vals", fail)
        with self.assertLogs("odoo.addons.lead_invoicing", "ERROR"):
            run, invoice = self._invoice(
                self._wizard(partner_ids=(self.buyer + other).ids, posting="post")
            )
        self.assertEqual(run.state, "failed")
        self.assertEqual(invoice.commercial_partner_id, self.buyer)
        self.assertIn("the trouble", run.failure_ids.message)
        self.assertEqual(failing.billing_state, "unbilled")

    def test_who_meets_another_worker_goes_on_in_the_background(self):
        self.new_sale()
        model = type(self.env["lead.invoice.run.buyer"])
        generate = model._generate
        meetings = []

        def meet(items):
            if not meetings:
                meetings.append(items)
                raise SerializationFailure
            return generate(items)

        self.patch(model, "_generate", meet)
        run, invoices = self._invoice(self._wizard(posting="post"))
        self.assertEqual((run.state, len(invoices)), ("running", 0))
        self.assertTrue(
            self.env["ir.cron.trigger"].search_count([("cron_id", "=", self.cron.id)])
        )
        self.assertEqual(len(self.generate(datetime(2026, 11, 12, 12))), 1)
        self.assertEqual(run.state, "done")

    def test_a_run_that_others_finished_is_closed(self):
        self.new_sale()
        run, _invoice = self._invoice(self._wizard(posting="post"))
        run.sudo().state = "running"
        self.generate(datetime(2026, 11, 12, 12))
        self.assertEqual(run.state, "done")

    def test_the_preview_asks_no_question_per_buyer(self):
        def count_queries(number):
            for _number in range(number):
                self.new_sale(self.new_buyer(f"Many {next(self.numbers)}"))
            wizard = self._wizard(partner_ids=[])
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            with freeze_time("2026-11-12 12:00"):
                wizard.action_preview()
            return self.env.cr.sql_log_count - before

        count_queries(1)  # reads once what is kept
        self.assertEqual(count_queries(1), count_queries(30))

    def test_nothing_to_invoice_is_a_sentence(self):
        with self.assertRaisesRegex(UserError, "no unbilled leads"):
            self._invoice(self._wizard())

    def test_days_in_the_wrong_order_are_a_sentence(self):
        wizard = self._wizard(date_from=date(2026, 11, 9), date_to=date(2026, 11, 8))
        with self.assertRaisesRegex(UserError, "on or before"):
            wizard.action_preview()

    def test_the_scheduled_action_afterwards_bills_nothing_twice(self):
        sale = self.new_sale()
        self._invoice(self._wizard(posting="post"))
        self.assertFalse(self.generate(datetime(2026, 11, 12, 12)))
        self.assertEqual(sale.billing_state, "invoiced")

    def test_only_billing_users_of_the_company(self):
        self.new_sale()
        for user in (self.plain_user, self.integrator, self.portal_user):
            with self.assertRaises(AccessError):
                self.env["lead.invoice.wizard"].with_user(user).create({})
        other = self._create_company(name="Other House")
        with self.assertRaises(UserError):
            self._wizard(company_id=other.id).action_preview()

    def test_yesterday_is_the_last_day_even_at_midnight(self):
        self.new_sale(at="2026-11-12T04:59:59Z")
        late = self.new_sale(at="2026-11-12T05:00:00Z")
        _run, invoice = self._invoice(self._wizard(posting="post"))
        self.assertEqual(invoice.lead_sale_count, 1)
        self.assertEqual(late.billing_state, "unbilled")
        self.assertEqual(
            invoice.lead_window_end, datetime(2026, 11, 12, 5) + timedelta(0)
        )
