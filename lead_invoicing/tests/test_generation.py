from datetime import date, datetime, timedelta

from freezegun import freeze_time
from psycopg2.errors import SerializationFailure

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common.generation import GENERATION, WEEK, GenerationCommon


@tagged("post_install", "-at_install")
class TestGeneration(GenerationCommon):
    # One document per buyer and window

    def test_a_window_becomes_one_posted_invoice(self):
        self.new_sale(price="10.00")
        self.new_sale(price="10.00")
        self.new_sale(price="12.50", lead_type="AUTO")
        invoice = self.generate()
        self.assertRecordValues(
            invoice,
            [
                {
                    "move_type": "out_invoice",
                    "state": "posted",
                    "partner_id": self.buyer.id,
                    "amount_untaxed": 32.5,
                    "invoice_date": date(2026, 11, 9),
                    "delivery_date": date(2026, 11, 8),
                    "lead_window_start": datetime(2026, 11, 2, 5),
                    "lead_window_end": datetime(2026, 11, 9, 5),
                    "lead_sale_count": 3,
                }
            ],
        )
        self.assertEqual(
            self.lines_of(invoice),
            [
                ("Auto Insurance – Leads purchased", 1, 12.5, 1),
                ("Online Degree – Leads purchased", 2, 10, 2),
            ],
        )
        self.assert_ties_out(invoice)
        run = invoice.lead_run_id
        self.assertEqual((run.state, run.cycle_id), ("done", self.cycle))
        self.assertEqual(run.buyer_ids.mapped("state"), ["done"])

    def test_a_second_run_bills_nothing(self):
        self.new_sale()
        self.assertEqual(len(self.generate()), 1)
        self.assertFalse(self.generate())
        self.cycle.next_generation_at = datetime(2026, 10, 1)
        self.assertFalse(self.generate())

    def test_a_transaction_at_the_end_of_the_window_belongs_to_the_next(self):
        self.new_sale(at="2026-11-09T04:59:59Z")
        last = self.new_sale(at="2026-11-09T05:00:00Z")
        self.assertEqual(self.generate().lead_sale_count, 1)
        self.assertEqual(last.billing_state, "unbilled")
        second = self.generate(GENERATION + WEEK)
        self.assertEqual(second.lead_sale_ids, last)

    def test_nothing_is_made_before_its_moment(self):
        self.new_sale()
        self.assertFalse(self.generate(GENERATION - timedelta(seconds=1)))
        self.assertEqual(len(self.generate()), 1)

    def test_missed_windows_are_caught_up_oldest_first(self):
        self.new_sale(at="2026-11-04T12:00:00Z")
        self.new_sale(at="2026-11-11T12:00:00Z", price="11.00")
        self.new_sale(at="2026-11-18T12:00:00Z", price="12.00")
        documents = self.generate(datetime(2026, 11, 24, 3))
        self.assertEqual(documents.mapped("amount_untaxed"), [10, 11, 12])
        self.assertEqual(
            documents.mapped("lead_window_end"),
            [
                datetime(2026, 11, 9, 5),
                datetime(2026, 11, 16, 5),
                datetime(2026, 11, 23, 5),
            ],
        )
        # They are dated the day they are made, in New York, where it still is the 23rd.
        self.assertEqual(set(documents.mapped("invoice_date")), {date(2026, 11, 23)})
        self.assertEqual(self.cycle.next_generation_at, datetime(2026, 11, 30, 11))

    def test_invoice_date_can_be_the_last_day_of_the_window(self):
        self.cycle.invoice_date_policy = "window_end"
        self.new_sale()
        self.assertEqual(self.generate().invoice_date, date(2026, 11, 8))

    def test_late_transactions_stand_on_lines_of_their_own(self):
        self.new_sale(at="2026-10-20T12:00:00Z")
        self.new_sale(at="2026-10-21T12:00:00Z")
        self.new_sale()
        invoice = self.generate()
        self.assertEqual(
            self.lines_of(invoice),
            [
                ("Online Degree – Leads purchased", 1, 10, 1),
                (
                    "Online Degree – Leads purchased,"
                    " earlier (10/20/2026 – 10/21/2026)",
                    2,
                    10,
                    2,
                ),
            ],
        )

    def test_earlier_transactions_stay_unbilled_when_the_cycle_says_so(self):
        self.cycle.include_earlier = False
        late = self.new_sale(at="2026-10-20T12:00:00Z")
        now = self.new_sale()
        self.assertEqual(self.generate().lead_sale_ids, now)
        self.assertEqual(late.billing_state, "unbilled")

    def test_draft_posting_claims_without_posting(self):
        self.cycle.posting = "draft"
        sale = self.new_sale()
        invoice = self.generate()
        self.assertEqual(invoice.state, "draft")
        self.assertEqual(sale.billing_state, "draft")

    # Lines

    def test_up_to_ten_prices_have_a_line_each(self):
        for cents in range(10):
            self.new_sale(price=f"10.{cents:02}")
        self.assertEqual(len(self.generate().invoice_line_ids), 10)

    def test_more_than_ten_prices_become_one_line_with_the_exact_total(self):
        sales = [self.new_sale(price=f"10.{cents:02}") for cents in range(11)]
        for sale in sales:
            self.new_return(sale, at="2026-11-10T12:00:00Z")
        invoice = self.generate()
        self.assertEqual(
            self.lines_of(invoice),
            [("Online Degree – Leads purchased: 11", 1, 110.55, 11)],
        )
        credit_note = self.generate(GENERATION + WEEK)
        self.assertEqual(credit_note.move_type, "out_refund")
        self.assertEqual(credit_note.amount_untaxed, 110.55)
        self.assertEqual(credit_note.invoice_line_ids.lead_count, 11)
        self.assert_ties_out(invoice + credit_note)

    def test_many_prices_that_do_not_sum_up_in_floats(self):
        # 1.01 + 1.02 + ... + 1.12, in floats: 12.780000000000001
        prices = [f"1.{cents:02}" for cents in range(1, 13)]
        self.assertNotEqual(sum(map(float, prices)), 12.78)
        for price in prices:
            self.new_sale(price=price)
        invoice = self.generate()
        self.assertEqual(invoice.lead_run_buyer_id.state, "done")
        self.assertEqual(
            self.lines_of(invoice),
            [("Online Degree – Leads purchased: 12", 1, 12.78, 12)],
        )

    def test_a_free_lead_counts(self):
        self.new_sale(price="0")
        self.new_sale(price="10.00")
        invoice = self.generate()
        self.assertEqual(sum(invoice.invoice_line_ids.mapped("lead_count")), 2)
        self.assertEqual(invoice.amount_total, 10)

    def test_lines_take_taxes_and_fiscal_position_from_odoo(self):
        tax = self.company_data["default_tax_sale"]
        self.edu_product.taxes_id = tax
        self.new_sale(price="100.00")
        exempt = self.new_buyer("Exempt")
        exempt.property_account_position_id = self.env[
            "account.fiscal.position"
        ].create({"name": "Exempt"})
        tax_free = self.env["account.tax"].create(
            {
                "name": "0%",
                "amount": 0,
                "fiscal_position_ids": exempt.property_account_position_id.ids,
                "original_tax_ids": tax.ids,
            }
        )
        self.new_sale(exempt, price="100.00")
        taxed, untaxed = self.generate().sorted("amount_total", reverse=True)
        self.assertEqual(taxed.invoice_line_ids.tax_ids, tax)
        self.assertEqual(taxed.amount_total, 115)
        self.assertEqual(untaxed.invoice_line_ids.tax_ids, tax_free)
        self.assertEqual(untaxed.amount_total, 100)

    # Returns

    def test_a_return_in_the_window_shares_its_sales_document(self):
        sale = self.new_sale()
        self.new_sale(price="20.00")
        self.new_return(sale)
        invoice = self.generate()
        self.assertEqual(
            self.lines_of(invoice),
            [
                ("Online Degree – Leads purchased", 1, 20, 1),
                ("Online Degree – Leads purchased", 1, 10, 1),
                ("Online Degree – Leads returned", -1, 10, 1),
            ],
        )
        self.assertEqual(invoice.amount_total, 20)
        self.assert_ties_out(invoice)

    def test_a_price_adjustment_is_money_but_no_lead(self):
        sale = self.new_sale()
        self.new_return(sale, price="2.50")
        invoice = self.generate()
        self.assertEqual(
            self.lines_of(invoice)[1],
            ("Online Degree – Price adjustments", -1, 2.5, 0),
        )
        self.assertEqual(invoice.amount_total, 7.5)

    def test_returns_of_an_unpaid_invoice_become_its_credit_note(self):
        sale = self.new_sale(price="30.00")
        invoice = self.generate()
        self.new_return(sale, at="2026-11-10T12:00:00Z")
        self.new_sale(price="5.00", at="2026-11-10T12:00:00Z")
        documents = self.generate(GENERATION + WEEK)
        credit_note = documents.filtered(lambda m: m.move_type == "out_refund")
        self.assertEqual(credit_note.reversed_entry_id, invoice)
        self.assertEqual(credit_note.amount_total, 30)
        self.assertEqual(invoice.amount_residual, 0)
        self.assertEqual((documents - credit_note).amount_total, 5)
        # The sale was invoiced, and given back by its return; not by a reversal.
        self.assertEqual(sale.billing_state, "invoiced")
        self.assert_ties_out(documents)

    def test_returns_of_a_paid_invoice_are_deducted_from_the_next_one(self):
        sale = self.new_sale(price="30.00")
        invoice = self.generate()
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids
        ).create({})._create_payments()
        self.new_return(sale, at="2026-11-10T12:00:00Z")
        self.new_sale(price="50.00", at="2026-11-10T12:00:00Z")
        second = self.generate(GENERATION + WEEK)
        self.assertEqual(second.amount_total, 20)
        self.assertIn(invoice.name, second.invoice_line_ids.sorted("sequence")[1].name)

    def test_a_deducted_return_takes_the_original_lines_account_and_taxes(self):
        self.company.lead_return_policy = "net"
        tax = self.company_data["default_tax_sale"]
        self.edu_product.taxes_id = tax
        sale = self.new_sale(price="30.00")
        invoice = self.generate()
        account = invoice.invoice_line_ids.account_id
        self.edu_product.taxes_id = False
        self.edu_product.property_account_income_id = account.copy({"code": "499999"})
        self.new_return(sale, at="2026-11-10T12:00:00Z")
        self.new_sale(price="50.00", at="2026-11-10T12:00:00Z")
        bought, returned = self.generate(
            GENERATION + timedelta(days=7)
        ).invoice_line_ids.sorted("sequence")
        self.assertEqual((returned.account_id, returned.tax_ids), (account, tax))
        self.assertEqual(bought.account_id, self.edu_product.property_account_income_id)
        self.assertFalse(bought.tax_ids)

    def test_a_negative_total_becomes_a_credit_note(self):
        self.company.lead_return_policy = "net"
        sale = self.new_sale(price="30.00")
        self.generate()
        self.new_return(sale, at="2026-11-10T12:00:00Z")
        self.new_sale(price="5.00", at="2026-11-10T12:00:00Z")
        credit_note = self.generate(GENERATION + WEEK)
        self.assertEqual(credit_note.move_type, "out_refund")
        self.assertEqual(credit_note.amount_total, 25)
        self.assertEqual(
            sorted(credit_note.invoice_line_ids.mapped("quantity")), [-1, 1]
        )
        self.assert_ties_out(credit_note)

    def test_the_sign_is_decided_with_tax(self):
        # Untaxed -2, but the sold leads are taxed and the returned ones are not.
        self.company.lead_return_policy = "net"
        returned = self.new_sale(price="102.00", lead_type="AUTO")
        self.generate()
        self.edu_product.taxes_id = self.company_data["default_tax_sale"]
        self.new_sale(price="100.00", at="2026-11-10T12:00:00Z")
        self.new_return(returned, at="2026-11-10T12:00:00Z")
        document = self.generate(GENERATION + WEEK)
        self.assertEqual(document.move_type, "out_invoice")
        self.assertEqual(document.amount_untaxed, -2)
        self.assertEqual(document.amount_total, 13)
        self.assertEqual(document.state, "posted")
        self.assert_ties_out(document)

    # Totals that wait

    def test_a_zero_total_is_issued(self):
        sale = self.new_sale()
        self.new_return(sale)
        invoice = self.generate()
        self.assertEqual((invoice.amount_total, invoice.state), (0, "posted"))

    def test_a_zero_total_waits_when_the_company_says_so(self):
        self.company.lead_issue_zero = False
        sale = self.new_sale()
        self.new_return(sale)
        self.assertFalse(self.generate())
        self.assertEqual(sale.billing_state, "unbilled")
        item = self.env["lead.invoice.run.buyer"].search(
            [("partner_id", "=", self.buyer.id)]
        )
        self.assertEqual(item.state, "skipped")
        self.assertIn("Zero total", item.message)
        self.new_sale(at="2026-11-10T12:00:00Z")
        self.assertEqual(self.generate(GENERATION + WEEK).lead_sale_count, 3)

    def test_a_total_below_the_minimum_waits_for_more(self):
        self.buyer.lead_minimum_amount = 15
        self.new_sale()
        self.assertFalse(self.generate())
        self.new_sale(at="2026-11-10T12:00:00Z")
        self.assertEqual(self.generate(GENERATION + WEEK).amount_total, 20)

    def test_the_last_window_of_a_year_ignores_the_minimum(self):
        self.buyer.lead_minimum_amount = 15
        self.new_sale(at="2026-12-30T12:00:00Z")
        self.cycle.next_generation_at = datetime(2027, 1, 4, 11)
        self.assertFalse(self.generate(datetime(2027, 1, 4, 11)))
        # Its last day is in 2027; the week before was the last that ended in 2026.
        self.env["lead.sale"].search([]).unlink()
        self.new_sale(at="2026-12-26T12:00:00Z")
        self.cycle.next_generation_at = datetime(2026, 12, 28, 11)
        self.assertEqual(self.generate(datetime(2026, 12, 28, 11)).amount_total, 10)

    # Splits, sub-accounts, currencies, companies

    def test_split_by_lead_type(self):
        self.buyer.lead_invoice_split = "lead_type"
        self.new_sale()
        self.new_sale(lead_type="AUTO", price="12.00")
        self.assertEqual(sorted(self.generate().mapped("amount_total")), [10, 12])

    def test_split_by_campaign(self):
        self.buyer.lead_invoice_split = "campaign"
        self.new_sale(campaign="Spring", price="1.00")
        self.new_sale(campaign="Spring", price="1.00")
        self.new_sale(campaign='Autumn "2026"', price="3.00")
        self.new_sale(price="4.00")
        self.assertEqual(sorted(self.generate().mapped("amount_total")), [2, 3, 4])

    def test_sub_accounts_are_billed_to_their_company(self):
        north, south = (
            self.new_buyer(name, is_company=False, parent_id=self.buyer.id)
            for name in ("North", "South")
        )
        self.new_sale(north, price="10.00")
        self.new_sale(south, price="12.00")
        invoice = self.generate()
        self.assertEqual(invoice.commercial_partner_id, self.buyer)
        (row,) = invoice._get_lead_summary()
        self.assertEqual(
            [(sub["partner"], sub["net_amount"]) for sub in row["sub_accounts"]],
            [(north, 10), (south, 12)],
        )

    def test_split_by_sub_account(self):
        self.buyer.lead_invoice_split = "sub_account"
        north = self.new_buyer("North", is_company=False, parent_id=self.buyer.id)
        self.new_sale(north, price="10.00")
        self.new_sale(price="12.00")
        documents = self.generate().sorted("amount_total")
        self.assertEqual(documents.mapped("amount_total"), [10, 12])
        self.assertEqual(documents.partner_id, north + self.buyer)

    def test_each_currency_has_its_own_document(self):
        self.env.ref("base.EUR").active = True
        self.new_sale(price="10.00", currency="USD")
        self.new_sale(price="7.00", currency="EUR")
        documents = self.generate().sorted("amount_total")
        self.assertEqual(documents.currency_id.mapped("name"), ["EUR", "USD"])
        self.assertEqual(documents.mapped("amount_total"), [7, 10])

    def test_companies_bill_their_own_leads_only(self):
        other = self.setup_other_company()["company"]
        buyer = self.buyer
        other_cycle = (
            self.env["lead.billing.cycle"]
            .with_company(other)
            .create(
                {
                    "name": "Other",
                    "company_id": other.id,
                    "tz": "America/New_York",
                    "posting": "post",
                    "next_generation_at": GENERATION,
                }
            )
        )
        self.env["lead.type"].with_company(other).create(
            {
                "name": "Solar",
                "code": "EDU",
                "product_id": self.edu_product.id,
                "company_id": other.id,
            }
        )
        buyer.with_company(other).lead_billing_cycle_id = other_cycle
        self.new_sale(price="10.00")
        with freeze_time("2026-11-05"):
            (answer,) = (
                self.env["lead.sale"]
                .with_company(other)
                .record_transactions(
                    [
                        {
                            "external_ref": "other",
                            "type": "sale",
                            "occurred_at": "2026-11-04T12:00:00Z",
                            "buyer_ref": buyer.ref,
                            "lead_type": "EDU",
                            "price": 99,
                        }
                    ]
                )
            )
        self.assertEqual(answer["status"], "created", answer["message"])
        documents = self.generate()
        self.assertEqual(
            {(move.company_id, move.amount_untaxed) for move in documents},
            {(self.company, 10), (other, 99)},
        )
        others = documents.filtered(lambda move: move.company_id == other)
        self.assertEqual(others.journal_id.company_id, other)
        # The product has the default taxes of both companies.
        self.assertEqual(others.invoice_line_ids.tax_ids.company_id, other)

    # Cycles of buyers

    def test_without_payment_terms_it_is_due_on_its_own_day(self):
        with freeze_time("2026-11-03 12:00"):
            self.cycle.tz = "Asia/Tokyo"
        self.new_sale()
        # Monday at 6:30 in Tokyo, still Sunday where the server is.
        document = self.generate(datetime(2026, 11, 8, 21, 30))
        self.assertEqual(document.state, "posted")
        self.assertEqual(document.invoice_date, date(2026, 11, 9))
        self.assertEqual(document.invoice_date_due, date(2026, 11, 9))
        lines = document.line_ids.filtered("date_maturity")
        self.assertEqual(lines.mapped("date_maturity"), [date(2026, 11, 9)])

    def test_a_buyer_without_cycle_follows_the_companys_default(self):
        buyer = self.new_buyer("Nobody's", lead_billing_cycle_id=False)
        sale = self.new_sale(buyer)
        self.assertFalse(self.generate())
        self.company.lead_billing_cycle_id = self.cycle
        self.cycle.next_generation_at = GENERATION
        self.assertEqual(self.generate().lead_sale_ids, sale)

    def test_a_manual_cycle_leaves_a_buyer_out(self):
        self.company.lead_billing_cycle_id = self.cycle
        self.buyer.lead_billing_cycle_id = self.env["lead.billing.cycle"].create(
            {"name": "Manual", "frequency": "manual", "tz": "UTC"}
        )
        self.new_sale()
        self.assertFalse(self.generate())

    def test_an_archived_buyer_is_billed_and_named(self):
        self.new_sale()
        self.buyer.active = False
        invoice = self.generate()
        self.assertEqual(invoice.state, "posted")
        self.assertIn("archived", invoice.lead_run_buyer_id.message)

    def test_after_a_change_of_cycle_the_period_starts_where_the_last_one_ended(self):
        self.new_sale()
        self.generate()
        with freeze_time("2026-11-12"):
            monthly = self.env["lead.billing.cycle"].create(
                {
                    "name": "Monthly",
                    "frequency": "monthly",
                    "tz": "America/New_York",
                    "posting": "post",
                }
            )
        self.buyer.lead_billing_cycle_id = monthly
        self.new_sale(at="2026-11-20T12:00:00Z")
        invoice = self.generate(datetime(2026, 12, 1, 11))
        self.assertEqual(invoice.lead_window_start, datetime(2026, 11, 9, 5))
        self.assertEqual(invoice.lead_window_end, datetime(2026, 12, 1, 5))

    # Other things on the document

    def test_the_po_number_is_the_reference(self):
        self.buyer.lead_po_number = "PO 4711"
        self.new_sale()
        self.assertEqual(self.generate().ref, "PO 4711")

    def test_texts_are_in_the_buyers_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.edu.with_context(lang="fr_FR").name = "Diplôme en ligne"
        self.buyer.lang = "fr_FR"
        self.new_sale(at="2026-10-20T12:00:00Z")
        invoice = self.generate()
        self.assertIn("Diplôme en ligne", invoice.invoice_line_ids.name)
        self.assertIn("20/10/2026", invoice.invoice_line_ids.name)

    def test_extra_lines_are_other_charges(self):
        model = self.env.registry["lead.invoice.run.buyer"]

        def fee(items, document):
            return [{"name": "Platform fee", "quantity": 1, "price_unit": 3}]

        self.patch(model, "_prepare_extra_line_vals", fee)
        self.new_sale()
        invoice = self.generate()
        self.assertEqual(invoice.amount_total, 13)
        self.assert_ties_out(invoice)

    def test_extra_lines_of_a_credit_note_are_given_back(self):
        model = self.env.registry["lead.invoice.run.buyer"]

        def refund_fee(items, document):
            if not document.is_refund:
                return []
            return [{"name": "Platform fee", "quantity": 1, "price_unit": 3}]

        self.patch(model, "_prepare_extra_line_vals", refund_fee)
        sale = self.new_sale()
        self.generate()
        self.new_return(sale, at="2026-11-10T12:00:00Z")
        credit_note = self.generate(GENERATION + WEEK)
        self.assertEqual(credit_note.move_type, "out_refund")
        self.assertEqual(credit_note.amount_total, 13)
        self.assert_ties_out(credit_note)

    def test_a_changed_lead_line_is_shown_as_a_difference(self):
        self.cycle.posting = "draft"
        self.new_sale()
        invoice = self.generate()
        invoice.invoice_line_ids.price_unit = 9
        self.assertEqual(invoice.lead_amount_difference, -1)
        invoice.invoice_line_ids = [
            Command.create({"name": "Discount", "quantity": 1, "price_unit": -2})
        ]
        self.assertEqual(invoice.lead_amount_difference, -1)

    def test_unbilled_amount_of_a_buyer(self):
        self.new_sale(price="10.00")
        self.new_return(self.new_sale(price="4.00"), price="1.00")
        self.assertEqual(self.buyer.lead_unbilled_amount, 13)
        self.assertEqual(self.buyer.lead_sale_count, 3)
        self.generate()
        self.assertEqual(self.buyer.lead_unbilled_amount, 0)

    # Trouble

    def test_only_the_failing_buyer_is_parked(self):
        receivable = self.company_data["default_account_receivable"].copy(
            {"code": "121999", "name": "Old receivable"}
        )
        buyers = [self.new_buyer(f"Buyer {number}") for number in range(100)]
        for buyer in buyers:
            self.new_sale(buyer)
        buyers[4].property_account_receivable_id = receivable
        receivable.active = False
        documents = self.generate()
        self.assertEqual(len(documents), 99)
        run = documents.lead_run_id
        self.assertEqual(run.state, "failed")
        self.assertEqual(run.failure_ids.partner_id, buyers[4])
        self.assertIn("Old receivable", run.failure_ids.message)
        self.assertIn("archived", run.failure_ids.message)
        self.assertEqual(len(buyers[4].activity_ids), 1)
        # Mended and retried, it is invoiced, and its activity is gone.
        receivable.active = True
        run.failure_ids.action_retry()
        (invoice,) = self.generate()
        self.assertEqual(invoice.commercial_partner_id, buyers[4])
        self.assertEqual(run.state, "done")
        self.assertFalse(buyers[4].activity_ids)

    def test_an_unexpected_error_parks_its_buyer_only(self):
        good, bad = self.new_buyer("Good"), self.new_buyer("Bad")
        self.new_sale(good)
        sale = self.new_sale(bad)
        model = self.env.registry["lead.invoice.run.buyer"]
        original = model._prepare_move_vals

        def fail(items, document):
            if document.item.partner_id == bad:
                raise ZeroDivisionError("boom")
            return original(items, document)

        self.patch(model, "_prepare_move_vals", fail)
        with self.assertLogs("odoo.addons.lead_invoicing", "ERROR") as logs:
            invoice = self.generate()
        self.assertEqual(invoice.commercial_partner_id, good)
        self.assertIn("boom", invoice.lead_run_id.failure_ids.message)
        self.assertIn("ZeroDivisionError", logs.output[0])
        self.assertEqual(sale.billing_state, "unbilled")

    def test_a_parked_buyer_is_invoiced_with_the_next_window(self):
        self.new_sale()
        receivable = self.buyer.property_account_receivable_id
        self.buyer.property_account_receivable_id = receivable.copy(
            {"code": "121998", "active": False}
        )
        self.assertFalse(self.generate())
        failure = self.env["lead.invoice.run.buyer"].search(
            [("partner_id", "=", self.buyer.id)]
        )
        self.assertEqual(failure.state, "failed")
        self.buyer.property_account_receivable_id = receivable
        self.new_sale(at="2026-11-10T12:00:00Z")
        invoice = self.generate(GENERATION + WEEK)
        self.assertEqual(invoice.lead_sale_count, 2)
        self.assertEqual(failure.state, "skipped")
        self.assertEqual(failure.run_id.state, "done")
        self.assertFalse(self.buyer.activity_ids)

    def test_a_lock_date_beyond_today_stops_the_run_once(self):
        sales = self.new_sale() + self.new_sale(self.new_buyer("Buyer B"))
        with freeze_time(GENERATION):
            self.company.fiscalyear_lock_date = "2026-11-30"
        self.assertFalse(self.generate())
        self.assertFalse(self.generate(GENERATION + timedelta(hours=1)))
        run = self.env["lead.invoice.run"].search([("cycle_id", "=", self.cycle.id)])
        self.assertEqual(run.state, "stopped")
        self.assertEqual(len(run.activity_ids), 1)
        self.assertIn("2026", run.message)
        self.assertFalse(sales.partner_id.activity_ids)
        with freeze_time(GENERATION):
            self.company.fiscalyear_lock_date = False
        documents = self.generate(GENERATION + timedelta(hours=2))
        self.assertEqual(len(documents), 2)
        self.assertEqual(run.state, "done")
        self.assertFalse(run.activity_ids)

    def test_without_a_sales_journal_the_run_stops(self):
        self.new_sale()
        journals = self.env["account.journal"].search(
            [("type", "=", "sale"), ("company_id", "=", self.company.id)]
        )
        journals.active = False
        self.assertFalse(self.generate())
        run = self.env["lead.invoice.run"].search([("cycle_id", "=", self.cycle.id)])
        self.assertEqual(run.state, "stopped")
        self.assertIn("sales journal", run.message)
        journals.active = True
        self.assertEqual(len(self.generate()), 1)

    def test_a_time_zone_the_server_does_not_know_stops_that_cycle_only(self):
        broken = self.cycle.copy({"name": "Broken"})
        broken.next_generation_at = GENERATION
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE lead_billing_cycle SET tz = 'Mars/Base' WHERE id = %s", [broken.id]
        )
        self.env.invalidate_all()
        self.new_sale()
        self.assertEqual(len(self.generate()), 1)
        run = self.env["lead.invoice.run"].search([("cycle_id", "=", broken.id)])
        self.assertEqual(run.state, "stopped")
        self.assertIn("Mars/Base", run.message)
        self.assertEqual(len(run.activity_ids), 1)
        broken.tz = "UTC"
        self.generate()
        self.assertGreater(broken.next_generation_at, GENERATION)

    def _park(self, buyer):
        """Give a buyer an archived receivable account; return its good one."""
        good = buyer.property_account_receivable_id
        buyer.property_account_receivable_id = good.copy(
            {"code": "121997", "name": "Old receivable", "active": False}
        )
        return good

    def test_a_retry_at_the_moment_its_run_is_closed_is_not_lost(self):
        self.new_sale()
        good = self._park(self.buyer)
        self.generate()
        self.buyer.property_account_receivable_id = good
        item = self.env["lead.invoice.run.buyer"].search([])
        item.action_retry()
        # The scheduled action, which saw the item as failed, closes the run.
        item.run_id.sudo().state = "failed"
        self.assertEqual(len(self.generate()), 1)

    def test_the_activity_of_a_failure_that_still_stands_stays(self):
        self.cycle.include_earlier = False
        self.new_sale()
        good = self._park(self.buyer)
        self.generate()
        self.buyer.property_account_receivable_id = good
        self.new_sale(at="2026-11-10T12:00:00Z")
        self.assertEqual(len(self.generate(GENERATION + WEEK)), 1)
        failed = self.env["lead.invoice.run.buyer"].search([("state", "=", "failed")])
        self.assertEqual(len(failed), 1)
        self.assertEqual(len(self.buyer.activity_ids), 1)

    def test_activities_show_names_as_they_are(self):
        self.buyer.name = "Leads <Nord> & Co"
        self.new_sale()
        self._park(self.buyer)
        self.generate()
        self.assertIn("Leads &lt;Nord&gt; &amp; Co", self.buyer.activity_ids.note)

    def test_a_lead_type_without_income_account_parks_its_buyers_with_a_sentence(self):
        self.new_sale()
        journal = self.company_data["default_journal_sale"]
        journal.default_account_id = False
        self.env.company.income_account_id = False
        self.edu_product.categ_id.property_account_income_categ_id = False
        self.edu_product.property_account_income_id = False
        self.generate()
        failure = self.env["lead.invoice.run.buyer"].search([])
        self.assertEqual(failure.state, "failed")
        self.assertIn("no income account", failure.message)

    def test_windows_never_overtake_each_other(self):
        self.new_sale()
        self.new_sale(price="11.00", at="2026-11-10T12:00:00Z")
        model = self.env.registry["lead.invoice.run.buyer"]
        original = model._generate
        conflicts = iter([True, True])

        def generate(items):
            if next(conflicts, False):
                raise SerializationFailure
            return original(items)

        self.patch(model, "_generate", generate)
        documents = self.generate(GENERATION + WEEK)
        while not documents:
            documents = self.generate(GENERATION + WEEK)
        documents += self.generate(GENERATION + WEEK)
        self.assertEqual(documents.mapped("amount_total"), [10, 11])

    def test_a_stopped_run_of_a_mended_zone_bills_its_whole_window(self):
        self.cycle.generation_time = 0  # at the very end of the window
        moment = datetime(2026, 11, 9, 5)
        self.cycle.next_generation_at = moment
        self.new_sale()
        self._set_zone("Mars/Base")
        self.assertFalse(self.generate(moment))
        self._set_zone("America/New_York")
        invoice = self.generate(moment + timedelta(hours=1))
        self.assertEqual(invoice.lead_window_start, datetime(2026, 11, 2, 5))
        self.assertEqual(invoice.lead_window_label, "Nov 2, 2026 – Nov 8, 2026")

    def _set_zone(self, tz):
        # Past the ORM: as if the server's list of zones had changed.
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE lead_billing_cycle SET tz = %s WHERE id = %s", [tz, self.cycle.id]
        )
        self.env.invalidate_all()

    def test_a_cycle_that_bills_someone_cannot_be_archived(self):
        with self.assertRaisesRegex(UserError, "Buyer A"):
            self.cycle.active = False
        self.buyer.lead_billing_cycle_id = False
        self.cycle.active = False

    def test_a_disputed_invoice_is_unpaid(self):
        sale = self.new_sale()
        invoice = self.generate()
        invoice.action_toggle_block_payment()
        self.new_return(sale, at="2026-11-10T12:00:00Z")
        self.assertEqual(self.generate(GENERATION + WEEK).reversed_entry_id, invoice)

    def test_a_return_of_a_sale_on_a_credit_note_is_deducted(self):
        self.company.lead_return_policy = "net"
        big = self.new_sale(price="100.00")
        self.generate()
        self.new_return(big, at="2026-11-10T12:00:00Z")
        small = self.new_sale(at="2026-11-11T12:00:00Z")
        self.assertEqual(self.generate(GENERATION + WEEK).move_type, "out_refund")
        self.company.lead_return_policy = "credit_unpaid"
        self.new_return(small, at="2026-11-17T12:00:00Z")
        self.new_sale(price="50.00", at="2026-11-17T12:00:00Z")
        documents = self.generate(GENERATION + 2 * WEEK)
        self.assertEqual(documents.mapped("amount_total"), [40])

    def test_a_gap_after_a_change_of_cycle_is_billed(self):
        self.new_sale()
        self.generate()
        with freeze_time("2026-11-12"):
            monthly = self.cycle.copy(
                {
                    "name": "Monthly",
                    "frequency": "monthly",
                    "include_earlier": False,
                    "next_generation_at": datetime(2027, 1, 1, 11),
                }
            )
        self.buyer.lead_billing_cycle_id = monthly
        sale = self.new_sale(at="2026-11-20T12:00:00Z")
        self.generate(datetime(2027, 1, 1, 11))
        self.assertEqual(sale.billing_state, "invoiced")
