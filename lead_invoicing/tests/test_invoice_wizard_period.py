from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.tests import Form, tagged

from .common.generation import GenerationCommon

NOW = "2026-11-12 12:00"


@tagged("post_install", "-at_install")
class TestInvoiceWizardPeriod(GenerationCommon):
    """A month or a billing period by one click, with or without returns."""

    def open(self, period, buyers=None, **vals):
        wizard = self.env["lead.invoice.wizard"].with_user(self.billing_user)
        buyers = self.buyer if buyers is None else buyers
        with Form(wizard.with_context(default_partner_ids=buyers.ids)) as form:
            form.period = period
            for name, value in vals.items():
                setattr(form, name, value)
        return form.record

    def invoice(self, wizard):
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            action = wizard.with_env(wizard.env(cr=cr)).action_invoice()
        self.env.invalidate_all()
        run = self.env["lead.invoice.run"].browse(action["res_id"])
        self.generated_at = NOW
        return run, run.invoice_ids

    @freeze_time(NOW)
    def test_last_month(self):
        self.company.lead_tz = "America/New_York"
        sales = [
            self.new_sale(at=at)
            for at in (
                "2026-10-01T03:59:59Z",
                "2026-10-01T04:00:00Z",
                "2026-11-01T03:59:59Z",
                "2026-11-01T04:00:00Z",
            )
        ]
        wizard = self.open("month")
        self.assertEqual(
            (str(wizard.date_from), str(wizard.date_to)), ("2026-10-01", "2026-10-31")
        )
        _run, invoice = self.invoice(wizard)
        self.assertEqual(invoice.lead_sale_ids, sales[1] + sales[2])

    @freeze_time(NOW)
    def test_last_month_without_a_form(self):
        self.new_sale(at="2026-09-10T12:00:00Z")
        october = self.new_sale(at="2026-10-10T12:00:00Z")
        self.new_sale(at="2026-11-04T12:00:00Z")
        wizards = self.env["lead.invoice.wizard"].with_user(self.billing_user)
        chosen = {"partner_ids": self.buyer.ids}
        month, later = wizards.create([{**chosen, "period": "month"}, chosen])
        later.period = "month"
        days = ("2026-10-01", "2026-10-31")
        for wizard in (month, later):
            self.assertEqual((str(wizard.date_from), str(wizard.date_to)), days)
        # Days that are given are meant.
        month.write({"period": "month", "date_from": "2026-10-05"})
        self.assertEqual(str(month.date_from), "2026-10-05")
        _run, invoice = self.invoice(later)
        self.assertEqual(invoice.lead_sale_ids, october)

    @freeze_time(NOW)
    def test_last_billing_period_to_the_instant(self):
        self.cycle.write(
            {
                "window_start_time": 6.5,
                "window_end_time": 6.5,
                "generation_time": 7,
            }
        )
        inside = self.new_sale(at="2026-11-02T11:30:00Z")
        self.new_sale(at="2026-11-09T11:30:00Z")
        self.new_sale(at="2026-11-02T11:29:59Z")
        wizard = self.open("window")
        self.assertEqual(wizard.window_cycle_id, self.cycle)
        self.assertIn("6:30", wizard.window_label)
        run, invoice = self.invoice(wizard)
        self.assertEqual(invoice.lead_sale_ids, inside)
        window = self.cycle._get_window(run.create_date)
        self.assertEqual((run.window_start, run.window_end), window)
        self.assertEqual(run.tz, self.cycle.tz)

    @freeze_time(NOW)
    def test_buyers_of_several_cycles_have_no_billing_period(self):
        other = self.new_buyer(
            "Other", lead_billing_cycle_id=self.cycle.copy({"interval": 2}).id
        )
        wizard = self.open("window", self.buyer + other)
        self.assertFalse(wizard.window_label)
        for press in (wizard.action_preview, wizard.action_invoice):
            with self.assertRaises(UserError):
                press()

    @freeze_time(NOW)
    def test_without_returns_they_wait(self):
        sale = self.new_sale(price="30.00")
        back = self.new_return(sale, price="10.00")
        wizard = self.open("window", with_returns=False)
        wizard.action_preview()
        self.assertIn("Returns are left out.", wizard.line_ids.mapped("message"))
        made = wizard.line_ids.filtered(lambda line: not line.message)
        self.assertEqual((made.amount, made.returned), (30, 0))
        run, invoice = self.invoice(wizard)
        self.assertTrue(run.without_returns)
        self.assertEqual(invoice.amount_total, 30)
        self.assertEqual(back.billing_state, "unbilled")
        _run, credit_note = self.invoice(self.open("window"))
        self.assertEqual(credit_note.lead_sale_ids, back)

    def correct(self, sale, price):
        return self.new_sale(
            sale.partner_id,
            price,
            "2026-11-05T12:00:00Z",
            type="correction",
            origin_external_ref=sale.external_ref,
        )

    @freeze_time(NOW)
    def test_without_returns_a_price_correction_is_billed_whole(self):
        sale = self.new_sale(price="20.00")
        self.correct(sale, "15.00")
        wizard = self.open("window", with_returns=False)
        wizard.action_preview()
        self.assertNotIn("Returns are left out.", wizard.line_ids.mapped("message"))
        self.assertEqual(sum(wizard.line_ids.mapped("amount")), 15)
        _run, invoice = self.invoice(wizard)
        self.assertEqual(invoice.amount_total, 15)

    @freeze_time(NOW)
    def test_without_returns_a_correction_of_what_is_invoiced_is_whole(self):
        self.company.lead_return_policy = "credit_note"
        sale = self.new_sale(price="20.00")
        self.invoice(self.open("window"))
        self.correct(sale, "15.00")
        self.correct(self.new_sale(price="30.00"), "35.00")
        _run, invoice = self.invoice(self.open("window", with_returns=False))
        self.assertEqual(invoice.amount_total, 30)

    def test_a_run_of_a_part_closes_no_failures(self):
        self.new_sale()
        self.new_sale(lead_type="AUTO")
        account = self.buyer.property_account_receivable_id.copy()
        self.buyer.property_account_receivable_id = account
        account.active = False
        self.generate()
        failure = self.env["lead.invoice.run.buyer"].search(
            [("partner_id", "=", self.buyer.id)]
        )
        self.assertEqual(failure.state, "failed")
        account.active = True
        for vals, state in (
            ({"lead_type_ids": self.auto.ids}, "failed"),
            ({"with_returns": False}, "failed"),
            ({}, "skipped"),
        ):
            with freeze_time(NOW), self.subTest(vals=vals):
                self.new_sale(lead_type="AUTO", at="2026-11-10T12:00:00Z")
                self.env.flush_all()
                wizard = self.env["lead.invoice.wizard"].with_user(self.billing_user)
                values = {"partner_ids": self.buyer.ids, "date_to": "2026-11-11"}
                _run, invoice = self.invoice(wizard.create({**values, **vals}))
                self.assertTrue(invoice)
                self.env.invalidate_all()
                self.assertEqual(failure.state, state)
