from datetime import datetime

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from .common.charges import ChargesCommon
from .common.generation import GENERATION, WEEK

MONTH_END = GENERATION + 4 * WEEK  # of the window from November 30 to December 6


@tagged("post_install", "-at_install")
class TestAgreeing(ChargesCommon):
    def test_the_most_specific_of_a_kind_and_lead_type_wins(self):
        company = self.agree("fee", partner_id=False, amount=1)
        cycle = self.agree("fee", cycle_id=self.cycle.id, amount=2)
        buyer = self.agree("fee", amount=3)
        typed = self.agree("fee", partner_id=False, amount=4, lead_type_id=self.edu.id)
        charges = company + cycle + buyer + typed
        day = GENERATION.date()
        other = self.new_buyer("Buyer B", lead_billing_cycle_id=False)
        nobody = self.env["lead.billing.cycle"]
        self.assertEqual(
            charges._get_winners(self.buyer, self.cycle, day), buyer + typed
        )
        self.assertEqual(charges._get_winners(other, self.cycle, day), cycle + typed)
        self.assertEqual(charges._get_winners(other, nobody, day), company + typed)

    def test_a_charge_without_a_name_has_a_proposed_one(self):
        vals = {
            "product_id": self.charge_product.id,
            "amount": 5,
            "partner_id": self.buyer.id,
        }
        charges = self.env["lead.billing.charge"].with_user(self.manager)
        fee, minimum = charges.create(
            [{**vals, "kind": "fee"}, {**vals, "kind": "minimum"}]
        )
        self.assertEqual((fee.name, minimum.name), ("Charge", "Minimum spend"))
        minimum.name = "At least"
        minimum.write({"kind": "discount", "percent": 5})
        self.assertEqual(minimum.name, "At least")
        with Form(charges) as form:
            form.amount = 7
            form.product_id = self.charge_product
        self.assertEqual(form.record.name, "Charge")

    def test_two_of_the_same_are_refused(self):
        first = self.agree("fee", amount=1, date_to="2026-11-30")
        self.agree("fee", amount=1, date_from="2026-12-01")
        self.agree("fee", partner_id=False, amount=1)
        with self.assertRaisesRegex(ValidationError, "already agreed"):
            first.date_to = "2026-12-01"

    def test_a_copy_is_archived_until_it_is_for_something_else(self):
        charge = self.agree("tier", steps=[(1, {"price": 9}), (10, {"price": 8})])
        copy = charge.copy()
        self.assertFalse(copy.active)
        self.assertEqual(copy.tier_ids.mapped("price"), [9, 8])
        with self.assertRaisesRegex(ValidationError, "already agreed"):
            copy.action_unarchive()
        copy.partner_id = self.new_buyer("Buyer B")
        copy.action_unarchive()
        self.assertTrue(copy.active)

    def test_figures_are_checked(self):
        for vals in (
            {"kind": "fee", "amount": 0},
            {"kind": "minimum", "amount": -1},
            {"kind": "discount", "percent": 101},
            {"kind": "tier"},
            {"kind": "tier", "steps": [(0, {"price": 1})]},
            {"kind": "tier", "steps": [(1, {})]},
            {"kind": "tier", "steps": [(1, {"price": 1, "percent": 1})]},
            {
                "kind": "fee",
                "amount": 1,
                "cycle_id": self.cycle.id,
                "partner_id": self.buyer.id,
            },
            {"kind": "fee", "amount": 1, "date_to": "2026-10-31"},
        ):
            with self.subTest(vals=vals), self.assertRaises(ValidationError):
                self.agree(**vals)

    def test_what_was_billed_stays_what_it_is(self):
        charge = self.agree("fee", amount=5)
        self.new_sale()
        self.generate()
        with self.assertRaisesRegex(UserError, "already been billed"):
            charge.kind = "discount"
        with self.assertRaisesRegex(UserError, "already been billed"):
            charge.unlink()
        charge.date_to = "2026-12-31"

    def test_users_read_and_managers_agree(self):
        charge = self.agree("fee", amount=5)
        self.assertEqual(charge.with_user(self.billing_user).amount, 5)
        charge.with_user(self.manager).amount = 6
        with self.assertRaises(AccessError):
            charge.with_user(self.billing_user).amount = 7
        with self.assertRaises(AccessError):
            charge.with_user(self.plain_user).read(["amount"])
        billed = self.env["lead.billed.charge"].with_user(self.manager)
        with self.assertRaises(AccessError):
            billed.create({"charge_id": charge.id})


@tagged("post_install", "-at_install")
class TestSimpleCharges(ChargesCommon):
    def test_a_fee_for_each_period_without_a_lead_too(self):
        self.agree("fee", amount=25)
        self.new_sale()
        first = self.generate()
        self.assertEqual(self.charges_on(first), [("fee", 25)])
        self.assertEqual(first.amount_total, 35)
        self.assert_ties_out(first)
        second = self.generate(GENERATION + WEEK)
        self.assertEqual((second.amount_total, second.state), (25, "posted"))
        self.assertEqual(second.lead_sale_count, 0)
        (label, *_figures) = self.lines_of(second)[0]
        self.assertEqual(label, "Fee (Nov 9, 2026 – Nov 15, 2026)")

    def test_the_last_day_of_a_period_decides(self):
        self.agree("fee", amount=25, date_from="2026-11-08", date_to="2026-11-14")
        self.new_sale()
        self.assertEqual(self.charges_on(self.generate()), [("fee", 25)])
        self.assertFalse(self.generate(GENERATION + WEEK))

    def test_a_minimum_spend_is_topped_up(self):
        self.agree("minimum", amount=100)
        self.new_sale(price="40")
        first = self.generate()
        self.assertEqual(self.charges_on(first), [("minimum", 60)])
        self.assertIn(
            "$ 40.00 billed, $ 100.00 agreed",
            self.lines_of(first)[1][0].replace("\xa0", " "),
        )
        self.new_sale(price="140", at="2026-11-10T12:00:00Z")
        self.assertEqual(self.charges_on(self.generate(GENERATION + WEEK)), [])
        self.assertEqual(
            self.charges_on(self.generate(GENERATION + 2 * WEEK)), [("minimum", 100)]
        )

    def test_in_order_discount_minimum_fee(self):
        self.agree("fee", amount=5)
        self.agree("minimum", amount=100)
        self.agree("discount", percent=10)
        self.new_sale(price="50")
        document = self.generate()
        self.assertEqual(
            self.charges_on(document), [("discount", -5), ("minimum", 55), ("fee", 5)]
        )
        self.assertEqual(document.amount_total, 105)

    def test_half_a_cent_goes_up(self):
        self.agree("discount", percent=5)
        self.new_sale(price="0.50")
        self.assertEqual(self.charges_on(self.generate()), [("discount", -0.03)])

    def test_a_discount_has_a_line_for_each_set_of_taxes(self):
        tax = self.company_data["default_tax_sale"]  # 15 %
        self.edu_product.taxes_id = tax
        self.agree("discount", percent=10)
        self.new_sale(price="100")
        self.new_sale(price="200", lead_type="AUTO")
        document = self.generate()
        lines = document.invoice_line_ids.filtered("lead_charge_id")
        self.assertEqual(
            {(line.price_subtotal, line.tax_ids) for line in lines},
            {(-10, tax), (-20, tax.browse())},
        )
        self.assertEqual(document.amount_total, 115 + 200 - 11.5 - 20)

    def test_charges_are_before_tax_where_prices_include_it(self):
        included = self.env["account.tax"].create(
            {"name": "In", "amount": 25, "price_include_override": "tax_included"}
        )
        self.edu_product.taxes_id = included
        self.charge_product.taxes_id = included
        self.agree("minimum", amount=100)
        self.agree("fee", amount=10)
        self.new_sale(price="50")  # 40 before tax
        document = self.generate()
        self.assertEqual(self.charges_on(document), [("minimum", 60), ("fee", 10)])
        self.assertEqual(document.amount_untaxed, 110)

    def test_a_discount_of_one_lead_type(self):
        self.agree("discount", percent=10, lead_type_id=self.edu.id)
        self.new_sale(price="100")
        self.new_sale(price="200", lead_type="AUTO")
        document = self.generate()
        self.assertEqual(self.charges_on(document), [("discount", -10)])

    def test_an_archived_account_holds_the_charge_alone(self):
        account = self.company_data["default_account_revenue"].copy({"code": "400998"})
        self.charge_product.property_account_income_id = account
        account.active = False
        self.agree("fee", amount=10)
        self.new_sale()
        document = self.generate(failing=True)
        self.assertEqual(document.amount_total, 10)
        item = document.lead_run_buyer_id
        self.assertEqual(item.state, "failed")
        self.assertIn("Fee", item.message)
        account.active = True
        item.action_retry()
        self.assertEqual(self.charges_on(self.generate()), [("fee", 10)])

    def test_an_archived_tax_holds_the_charge_alone(self):
        tax = self.company_data["default_tax_sale"].copy({"name": "Old tax"})
        self.charge_product.taxes_id = tax
        tax.active = False
        self.agree("fee", amount=10)
        # What lowers the price of leads has their taxes.
        self.agree("discount", percent=10)
        self.new_sale()
        document = self.generate(failing=True)
        self.assertEqual(self.charges_on(document), [("discount", -1)])
        item = document.lead_run_buyer_id
        self.assertIn("Old tax", item.message)
        tax.active = True
        item.action_retry()
        later = self.generate()
        self.assertEqual(self.charges_on(later), [("fee", 10)])
        self.assertTrue(later.amount_tax)

    def test_what_leads_in_trouble_would_count_for_waits_for_them(self):
        account = self.company_data["default_account_revenue"].copy({"code": "400997"})
        self.auto.product_id.property_account_income_id = account
        account.active = False
        self.agree("minimum", amount=100)
        self.agree("discount", percent=10)
        self.agree("fee", amount=5)
        self.new_sale(price="200", lead_type="AUTO")
        document = self.generate(failing=True)
        self.assertEqual(self.charges_on(document), [("fee", 5)])
        item = document.lead_run_buyer_id
        self.assertEqual(item.state, "failed")
        account.active = True
        item.action_retry()
        later = self.generate()
        self.assertEqual(self.charges_on(later), [("discount", -20)])
        self.assertEqual(later.amount_total, 180)

    def test_a_charge_in_another_currency_leaves_late_leads_theirs(self):
        euro = self.setup_other_currency("EUR")
        self.agree("fee", amount=9, period="month", currency_id=euro.id)
        for day in ("2026-11-04", "2026-12-02"):
            self.new_sale(at=f"{day}T12:00:00Z")
        with freeze_time("2026-12-07 12:00"):
            self.cycle.next_generation_at = MONTH_END
        documents = self.generate(MONTH_END)
        self.assertEqual(len(documents), 2)
        self.assertEqual(set(documents.mapped("currency_id.name")), {"USD", "EUR"})

    def test_a_minimum_is_before_tax_where_discounted_prices_include_it(self):
        tax = self.env["account.tax"].create(
            {"name": "In", "amount": 25, "price_include_override": "tax_included"}
        )
        self.edu_product.taxes_id = tax
        self.agree("discount", percent=10)
        self.agree("minimum", amount=100)
        self.new_sale(price="125")
        document = self.generate()
        self.assertEqual(
            self.charges_on(document), [("discount", -10), ("minimum", 10)]
        )
        self.assertEqual(document.amount_untaxed, 100)


@tagged("post_install", "-at_install")
class TestMonths(ChargesCommon):
    def test_a_month_is_charged_on_the_first_document_after_its_end(self):
        self.agree("minimum", amount=100, period="month")
        self.agree("fee", amount=9, period="month", date_to="2026-11-30")
        for day in (4, 11, 18, 25):
            self.new_sale(price="10", at=f"2026-11-{day:02}T12:00:00Z")
        self.new_sale(price="77", at="2026-12-02T12:00:00Z")
        documents = self.generate(MONTH_END)
        self.assertEqual(len(documents), 5)
        self.assertEqual(self.charges_on(documents[:-2]), [])
        # Made on December 7, with nothing of November to come.
        self.assertEqual(self.charges_on(documents[-2]), [("minimum", 60), ("fee", 9)])
        self.assertEqual(self.charges_on(documents[-1]), [])

    def test_while_the_month_goes_on_its_last_document_has_none(self):
        self.agree("fee", amount=9, period="month")
        self.new_sale(at="2026-11-25T12:00:00Z")
        # November 30, 6 AM
        self.assertEqual(self.charges_on(self.generate(GENERATION + 3 * WEEK)), [])
        self.assertEqual(self.charges_on(self.generate(MONTH_END)), [("fee", 9)])

    def test_a_monthly_cycle_charges_its_own_month(self):
        with freeze_time("2026-11-02 12:00"):
            self.cycle.write({"frequency": "monthly", "anchor_date": "2026-11-01"})
        self.agree("minimum", amount=100, period="month")
        self.new_sale(price="30")
        document = self.generate(datetime(2026, 12, 1, 11))
        self.assertEqual(self.charges_on(document), [("minimum", 70)])

    def test_a_new_buyer_owes_nothing_for_months_before(self):
        self.agree(
            "fee", partner_id=False, amount=9, period="month", date_from="2026-01-01"
        )
        self.new_sale(at="2026-11-25T12:00:00Z")
        documents = self.generate(MONTH_END)
        self.assertEqual(self.charges_on(documents), [("fee", 9)])

    def test_a_discount_for_a_month_without_leads_after_it(self):
        self.agree("discount", percent=10, period="month")
        self.new_sale(price="100", at="2026-11-04T12:00:00Z")
        self.generate(GENERATION)
        documents = self.generate(MONTH_END)
        self.assertEqual(documents.move_type, "out_refund")
        self.assertEqual(self.charges_on(documents), [("discount", -10)])


@tagged("post_install", "-at_install")
class TestWhenChargesBegin(ChargesCommon):
    """What was before the company, the buyer or its account is not charged."""

    def agree_with_all(self, **vals):
        return self.agree("fee", partner_id=False, amount=9, **vals)

    def test_no_month_before_billing_start_though_history_was_recorded(self):
        self.company.lead_billing_start = "2026-11-01"
        self.agree_with_all(period="month", date_from="2026-01-01")
        with freeze_time("2026-11-02 12:00"):
            history = self.new_sale(at="2026-02-10T12:00:00Z")
        self.assertTrue(history.waived)
        self.new_sale()
        self.assertEqual(self.charges_on(self.generate()), [])
        self.assertEqual(self.charges_on(self.generate(MONTH_END)), [("fee", 9)])

    def test_no_month_of_an_own_charge_before_billing_start(self):
        self.company.lead_billing_start = "2026-11-01"
        self.agree("fee", amount=9, period="month", date_from="2026-01-01")
        self.assertFalse(self.generate())
        self.assertEqual(self.charges_on(self.generate(MONTH_END)), [("fee", 9)])

    def test_no_billing_period_before_billing_start(self):
        self.company.lead_billing_start = "2026-11-09"
        self.agree("fee", amount=9)
        self.assertFalse(self.generate())
        later = self.generate(GENERATION + WEEK)
        self.assertEqual(self.charges_on(later), [("fee", 9)])

    def test_no_month_before_the_contact_was_created(self):
        other = self.new_buyer("Buyer B", lead_billing_cycle_id=self.cycle.id)
        self.agree("fee", other, amount=9, period="month", date_from="2026-01-01")
        # A contact since October
        self.assertEqual(self.charges_on(self.generate()), [("fee", 9)])

    def test_a_monthly_fee_of_a_cycle_needs_no_lead_and_goes_back_for_nothing(self):
        self.agree("fee", partner_id=False, cycle_id=self.cycle.id, amount=9)
        self.agree_with_all(
            period="month", date_from="2026-01-01", lead_type_id=self.edu.id
        )
        self.assertEqual(self.charges_on(self.generate()), [("fee", 9)])
        weeks = [
            self.charges_on(self.generate(GENERATION + week * WEEK))
            for week in range(1, 5)
        ]
        self.assertEqual(weeks, [[("fee", 9)]] * 3 + [[("fee", 9), ("fee", 9)]])

    def test_catching_up_charges_no_newcomer_for_weeks_before(self):
        self.agree("fee", partner_id=False, cycle_id=self.cycle.id, amount=9)
        self.new_sale()
        self.generate()
        self.generate(GENERATION + WEEK)
        with freeze_time("2026-11-18 12:00"):
            # One who bought, and one who only has an agreement.
            other, silent = self.new_buyer("Buyer B"), self.new_buyer("Buyer C")
            self.agree("fee", silent, amount=7)
            self.new_sale(other, at="2026-11-18T12:00:00Z")
            self.cycle.next_generation_at = GENERATION
        documents = self.generate(GENERATION + 2 * WEEK)
        for buyer, amount in ((other, 9), (silent, 7)):
            own = documents.filtered(lambda m, b=buyer: m.partner_id == b)
            self.assertEqual(self.charges_on(own), [("fee", amount)])

    def test_a_buyer_that_buys_late_owes_its_own_fee_from_its_first_day(self):
        self.agree("fee", amount=9)
        self.new_sale(at="2026-11-18T12:00:00Z")
        documents = self.generate(GENERATION + 2 * WEEK)
        self.assertEqual(self.charges_on(documents), [("fee", 9)] * 3)

    def test_a_month_is_charged_once_though_the_time_zone_moves_west(self):
        with freeze_time("2026-11-02 12:00"):
            berlin = self.env["lead.billing.cycle"].create(
                {
                    "name": "Berlin",
                    "tz": "Europe/Berlin",
                    "frequency": "monthly",
                    "posting": "post",
                    "anchor_date": "2026-11-01",
                }
            )
            york = berlin.copy({"name": "New York", "tz": "America/New_York"})
        self.buyer.lead_billing_cycle_id = berlin
        self.agree("fee", amount=9, period="month")
        self.new_sale()
        first = self.generate(datetime(2026, 12, 1, 12))
        self.assertEqual(self.charges_on(first), [("fee", 9)])
        self.buyer.lead_billing_cycle_id = york
        self.new_sale(at="2026-12-10T12:00:00Z")
        second = self.generate(datetime(2027, 1, 1, 18))
        self.assertEqual(self.charges_on(second), [("fee", 9)])

    def test_what_was_freed_and_then_ended_is_not_charged(self):
        self.cycle.posting = "draft"
        ended = self.agree("fee", amount=5)
        archived = self.agree("fee", amount=7, lead_type_id=self.edu.id)
        kept = self.agree("fee", amount=9, lead_type_id=self.auto.id)
        self.new_sale()
        self.generate().invoice_line_ids.filtered("lead_charge_id").unlink()
        ended.date_to = "2026-11-07"
        archived.active = False
        kept.date_to = "2026-11-08"
        self.new_sale(at="2026-11-10T12:00:00Z")
        again = self.generate(GENERATION + WEEK)
        self.assertEqual(self.charges_on(again), [("fee", 9)])


@tagged("post_install", "-at_install")
class TestWhereChargesGo(ChargesCommon):
    def test_on_the_first_of_split_documents(self):
        self.buyer.lead_invoice_split = "lead_type"
        self.agree("discount", percent=10)
        self.agree("fee", amount=5)
        self.new_sale(price="100")
        self.new_sale(price="200", lead_type="AUTO")
        documents = self.generate()
        self.assertEqual(len(documents), 2)
        self.assertEqual(self.charges_on(documents[0]), [("discount", -30), ("fee", 5)])
        self.assertEqual(self.charges_on(documents[1]), [])

    def test_what_is_not_billed_for_its_zero_total_does_not_count(self):
        """Where zero totals are not issued, their leads wait: they are no part of a
        volume, and nothing is taken off them."""
        self.company.lead_issue_zero = False
        self.buyer.lead_invoice_split = "lead_type"
        self.agree("tier", steps=[(2, {"percent": 5})])
        self.agree("discount", percent=10)
        self.agree("minimum", amount=100)
        self.new_sale(price="20")
        for _number in range(2):
            self.new_sale(price="0", lead_type="AUTO")
        sale = self.new_sale(price="30", lead_type="AUTO")
        self.new_return(sale)
        self.company.lead_tz = self.cycle.tz
        with freeze_time(GENERATION):
            wizard = self.env["lead.invoice.wizard"].create(
                {
                    "partner_ids": self.buyer.ids,
                    "date_to": "2026-11-08",
                    "include_charges": True,
                }
            )
            wizard.action_preview()
        made = wizard.line_ids.filtered(lambda line: not line.message)
        self.assertEqual(made.mapped("amount"), [20, -2, 82])
        document = self.generate()
        charges = [("discount", -2), ("minimum", 82)]
        self.assertEqual(self.charges_on(document), charges)
        with freeze_time(GENERATION):
            self.assertFalse(self.env["lead.invoice.run"].check_books())
        # It counts where it is billed.
        self.new_sale(price="40", at="2026-11-10T12:00:00Z", lead_type="AUTO")
        later = self.generate(GENERATION + WEEK)
        self.assertEqual(
            self.charges_on(later),
            [("tier", -2), ("discount", -3.8), ("minimum", 65.8)],
        )
        with freeze_time(GENERATION + WEEK):
            self.assertFalse(self.env["lead.invoice.run"].check_books())

    def test_a_document_that_is_held_holds_its_charges(self):
        self.buyer.lead_minimum_amount = 50
        self.agree("fee", amount=5)
        self.agree("discount", percent=10)
        self.new_sale(price="40")
        self.assertFalse(self.generate())
        self.new_sale(price="40", at="2026-11-10T12:00:00Z")
        document = self.generate(GENERATION + WEEK)
        self.assertEqual(
            self.charges_on(document), [("discount", -8), ("fee", 5), ("fee", 5)]
        )

    def test_minimums_that_waited_are_compared_together(self):
        self.buyer.lead_minimum_amount = 200
        self.agree("minimum", amount=100)
        self.new_sale(price="40")
        self.assertFalse(self.generate())
        self.new_sale(price="150", at="2026-11-10T12:00:00Z")
        document = self.generate(GENERATION + WEEK)
        self.assertEqual(self.charges_on(document), [("minimum", 10)])

    def test_a_deleted_draft_frees_its_charges(self):
        self.cycle.posting = "draft"
        self.agree("fee", amount=5)
        self.new_sale()
        draft = self.generate()
        draft.unlink()
        again = self.generate(GENERATION + WEEK)
        self.assertEqual(self.charges_on(again), [("fee", 5), ("fee", 5)])

    def test_a_canceled_document_frees_its_charges_and_cannot_come_back(self):
        self.agree("fee", amount=5)
        self.new_sale()
        document = self.generate()
        document.button_draft()
        document.button_cancel()
        again = self.generate(GENERATION + WEEK)
        self.assertEqual(self.charges_on(again), [("fee", 5), ("fee", 5)])
        document.button_draft()
        document.invoice_line_ids.filtered("lead_type_id").unlink()
        with self.assertRaisesRegex(UserError, "was freed"):
            document.action_post()

    def test_a_deleted_line_frees_its_charge(self):
        self.cycle.posting = "draft"
        self.agree("fee", amount=5)
        self.new_sale()
        self.generate().invoice_line_ids.filtered("lead_charge_id").unlink()
        again = self.generate(GENERATION + WEEK)
        self.assertEqual(self.charges_on(again), [("fee", 5), ("fee", 5)])

    def test_set_to_draft_keeps_them(self):
        self.agree("fee", amount=5)
        self.new_sale()
        document = self.generate()
        document.button_draft()
        self.assertEqual(
            self.charges_on(self.generate(GENERATION + WEEK)), [("fee", 5)]
        )
        document.action_post()
        self.assertEqual(document.amount_total, 15)

    def test_a_reversal_credits_them_and_a_release_frees_them(self):
        self.agree("fee", amount=5)
        self.new_sale()
        document = self.generate()
        self.reverse(document).action_post()
        self.assertTrue(document.lead_credited)
        self.assertEqual(self.owed(), 0)
        self.assertEqual(self.charges_on(self.generate(self.SECOND)), [("fee", 5)])
        self.release(document)
        third = self.generate(self.THIRD)
        self.assertEqual(self.charges_on(third), [("fee", 5), ("fee", 5)])
        self.assertEqual(third.lead_sale_count, 1)

    def test_a_freed_charge_keeps_the_credit_note_of_a_document_without_leads(self):
        self.agree("fee", amount=5)
        document = self.generate()
        self.assertEqual(self.charges_on(document), [("fee", 5)])
        reversal = self.reverse(document)
        reversal.action_post()
        self.release(document)
        for undo in (reversal.button_draft, self.reverse(reversal).action_post):
            with self.assertRaisesRegex(UserError, "released to be billed again"):
                undo()

    def test_invoiced_again_they_move(self):
        self.agree("fee", amount=5)
        self.agree("discount", percent=10)
        self.new_sale()
        document = self.generate()
        again = self.invoice_again(document)
        again.action_post()
        self.assertEqual(self.charges_on(again), [("discount", -1), ("fee", 5)])
        billed = self.env["lead.billed.charge"].search([])
        self.assertEqual(billed.invoice_id, again)
        self.assertEqual(self.charges_on(self.generate(self.SECOND)), [("fee", 5)])

    def test_manually_only_if_ticked(self):
        self.company.lead_tz = self.cycle.tz
        self.agree("fee", amount=5)
        self.new_sale()
        with freeze_time(GENERATION):
            wizard = (
                self.env["lead.invoice.wizard"]
                .with_user(self.billing_user)
                .create({"partner_ids": self.buyer.ids, "date_to": "2026-11-08"})
            )
            wizard.action_preview()
            self.assertFalse(wizard.line_ids.filtered("charge"))
            wizard.include_charges = True
            wizard.action_preview()
        line = wizard.line_ids.filtered("charge")
        self.assertEqual((line.amount, line.message), (5, False))
        self.assertIn("Fee (Nov 2, 2026", line.charge)
        with (
            freeze_time(GENERATION),
            self.enter_registry_test_mode(),
            self.registry.cursor() as cr,
        ):
            wizard.with_env(wizard.env(cr=cr)).action_invoice()
        self.env.invalidate_all()
        document = self.buyer.invoice_ids
        self.assertEqual(self.charges_on(document), [("fee", 5)])
        self.generated_at = GENERATION
        # The scheduled run finds it billed.
        self.assertFalse(self.generate())

    def test_lines_stay_on_their_document(self):
        self.cycle.posting = "draft"
        self.agree("fee", amount=5)
        self.new_sale()
        draft = self.generate()
        other = draft.copy()
        line = draft.invoice_line_ids.filtered("lead_charge_id")
        with self.assertRaisesRegex(UserError, "cannot be moved"):
            line.move_id = other
        self.assertFalse(other.invoice_line_ids.lead_charge_id)

    def test_only_the_engine_says_what_bills_a_charge(self):
        charge = self.agree("fee", amount=5)
        self.new_sale()
        line = self.generate().invoice_line_ids.filtered("lead_type_id")
        with self.assertRaisesRegex(UserError, "Lead Invoicing sets this itself"):
            line.lead_charge_id = charge

    def test_prepaid_buyers_alike(self):
        self.buyer.lead_billing_mode = "prepaid"
        self.agree("fee", amount=5)
        self.new_sale()
        self.assertEqual(self.charges_on(self.generate()), [("fee", 5)])

    def test_a_merged_buyer_is_charged_once_for_a_period(self):
        self.agree("fee", partner_id=False, amount=5, period="month")
        other = self.new_buyer("Buyer B")
        self.new_sale()
        self.new_sale(other)
        self.generate(MONTH_END)
        merge = self.env["base.partner.merge.automatic.wizard"]
        merge._merge((self.buyer + other).ids, self.buyer)
        self.new_sale(at="2026-12-09T12:00:00Z")
        self.assertEqual(self.charges_on(self.generate(MONTH_END + WEEK)), [])
        rows = self.env["lead.billed.charge"].search([])
        self.assertEqual((len(rows), rows.partner_id), (2, self.buyer))

    def test_buyers_with_the_same_charge_are_not_merged(self):
        other = self.new_buyer("Buyer B")
        self.agree("fee", amount=5)
        theirs = self.agree("fee", other, name="Platform", amount=7)
        self.agree("fee", other, amount=3, lead_type_id=self.edu.id)
        merge = self.env["base.partner.merge.automatic.wizard"]
        with self.assertRaisesRegex(UserError, "“Fee” of Buyer A and “Platform”"):
            merge._merge((self.buyer + other).ids, self.buyer)
        theirs.active = False
        merge._merge((self.buyer + other).ids, self.buyer)
        self.new_sale()
        charges = [("fee", 3), ("fee", 5)]
        self.assertEqual(self.charges_on(self.generate()), charges)


@tagged("post_install", "-at_install")
class TestVolumePrices(ChargesCommon):
    def sell(self, *prices, at="2026-11-04T12:00:00Z", **vals):
        return [self.new_sale(price=str(price), at=at, **vals) for price in prices]

    def test_all_leads_at_the_price_of_the_volume_reached(self):
        self.agree("tier", steps=[(3, {"price": 8}), (5, {"percent": 50})])
        self.sell(10, 10)
        self.assertEqual(self.charges_on(self.generate()), [])
        # One that costs less keeps its price.
        self.sell(10, 10, 5, at="2026-11-10T12:00:00Z")
        document = self.generate(GENERATION + WEEK)
        self.assertEqual(self.charges_on(document), [("tier", -4)])
        label = self.lines_of(document)[-1][0].replace("\xa0", " ")
        self.assertIn("3 leads; from 3 leads $ 8.00 each", label)
        self.sell(10, 10, 10, 10, 5, at="2026-11-17T12:00:00Z")
        document = self.generate(GENERATION + 2 * WEEK)
        self.assertEqual(self.charges_on(document), [("tier", -22.5)])

    def test_each_lead_at_the_price_of_its_own_step(self):
        self.agree(
            "tier",
            tier_mode="graduated",
            steps=[(3, {"price": 8}), (5, {"percent": 50})],
        )
        self.sell(10, 10, 10, 10, 10, 10)
        self.assertEqual(self.charges_on(self.generate()), [("tier", -14)])

    def test_returns_count_where_they_are_billed(self):
        self.agree("tier", steps=[(3, {"price": 8})])
        first = self.sell(10, 10)
        self.generate()
        self.sell(10, 10, 10, at="2026-11-10T12:00:00Z")
        self.return_later(first[0])
        document = self.generate(GENERATION + WEEK)
        self.assertEqual(self.charges_on(document), [])

    def test_tiers_come_before_discounts(self):
        self.agree("tier", steps=[(2, {"price": 8})])
        self.agree("discount", percent=10)
        self.sell(10, 10)
        self.assertEqual(
            self.charges_on(self.generate()), [("tier", -4), ("discount", -1.6)]
        )

    def test_late_leads_count_where_they_are_billed(self):
        self.agree("tier", steps=[(3, {"price": 8})], period="month")
        self.sell(10, 10)
        self.generate()
        self.sell(10, at="2026-11-10T12:00:00Z")
        documents = self.generate(MONTH_END)
        self.assertEqual(self.charges_on(documents), [("tier", -6)])

    def test_a_corrected_price_keeps_the_step_of_its_lead(self):
        self.agree("tier", steps=[(3, {"price": 8}), (5, {"percent": 50})])
        first, *_others = self.sell(10, 10, 10)
        self.generate()
        self.assertEqual(self.owed(), 24)
        # In another period, where it counts as no lead: it costs 8.00 as before.
        corrected = self.correct(first, "9.50", at="2026-11-10T12:00:00Z")
        self.sell(10, 10, at="2026-11-11T12:00:00Z")
        document = self.generate(GENERATION + WEEK)
        self.assertEqual(self.charges_on(document), [("tier", 2), ("tier", -1.5)])
        self.assertEqual(document.amount_total, 20)
        # Once more, and twice in one period.
        again = self.correct(corrected, 12, at="2026-11-17T12:00:00Z")
        again = self.correct(again, 7, at="2026-11-18T12:00:00Z")
        self.generate(GENERATION + 2 * WEEK)
        self.assertEqual(self.owed(), 43)
        self.new_return(again, price=7, at="2026-11-24T12:00:00Z")
        self.generate(GENERATION + 3 * WEEK)
        self.assertEqual(self.owed(), 36)

    def test_a_corrected_price_has_the_percentage_of_its_lead(self):
        self.agree("tier", tier_mode="graduated", steps=[(2, {"percent": 50})])
        _first, second = self.sell(10, 10)
        self.generate()
        self.correct(second, 8, at="2026-11-10T12:00:00Z")
        # The position of the others is not moved by it.
        self.sell(10, 10, at="2026-11-11T12:00:00Z")
        document = self.generate(GENERATION + WEEK)
        self.assertEqual(self.charges_on(document), [("tier", 5), ("tier", -9)])
        self.assertEqual(document.amount_total, 14)

    def test_a_corrected_price_of_the_same_period_is_that_of_the_lead(self):
        self.agree("tier", steps=[(3, {"price": 8})])
        first, *_others = self.sell(10, 10, 10)
        self.correct(first, "9.50")
        self.assertEqual(self.charges_on(self.generate()), [("tier", -5.5)])

    def test_what_is_left_of_a_lead_has_that_part_of_the_price_of_its_step(self):
        self.agree("tier", steps=[(1, {"price": 8})])
        [sale] = self.sell(10)
        self.new_return(sale, price=4, at="2026-11-05T12:00:00Z")
        # As if it had come back a week later.
        document = self.generate()
        self.assertEqual(document.amount_total, 4.8)
        self.new_return(sale, price=6, at="2026-11-10T12:00:00Z")
        self.generate(GENERATION + WEEK)
        self.assertEqual(self.owed(), 0)

    def test_the_last_step_is_not_deleted(self):
        steps = [Command.create({"from_count": n, "price": n}) for n in (1, 2)]
        charge = self.agree("tier", tier_ids=steps)
        charge.tier_ids[1].unlink()
        with self.assertRaises(ValidationError):
            charge.tier_ids.unlink()

    def test_all_steps_are_replaced_at_once(self):
        charge = self.agree(
            "tier", tier_ids=[Command.create({"from_count": 1, "price": 1})]
        )
        new = Command.create({"from_count": 1, "price": 5})
        charge.write({"tier_ids": [Command.delete(charge.tier_ids.id), new]})
        self.assertEqual(charge.tier_ids.price, 5)
        with self.assertRaises(ValidationError):
            charge.write({"tier_ids": [Command.clear()]})

    def test_without_steps_leads_have_their_own_price(self):
        charge = self.agree(
            "tier", tier_ids=[Command.create({"from_count": 1, "price": 1})]
        )
        self.env.flush_all()
        # Whatever took them away.
        self.env.cr.execute(
            "DELETE FROM lead_billing_charge_tier WHERE charge_id = %s", [charge.id]
        )
        self.env.invalidate_all()
        self.new_sale(price="10.00")
        self.assertEqual(self.generate().amount_untaxed, 10)


@tagged("post_install", "-at_install")
class TestReturnsOfChargedLeads(ChargesCommon):
    def test_a_return_gives_back_the_price_less_its_share(self):
        self.agree("discount", percent=10)
        sale = self.new_sale(price="100")
        self.new_sale(price="50")
        first = self.generate()
        self.assertEqual(first.amount_total, 135)
        self.return_later(sale)
        second = self.generate(self.SECOND)
        self.assertEqual(second.move_type, "out_refund")
        self.assertEqual(second.amount_total, 90)
        self.assertEqual(self.charges_on(second), [("discount", 10)])
        line = second.invoice_line_ids.filtered("lead_charge_id")
        self.assertIn("Nov 2, 2026 – Nov 8, 2026", line.name)
        self.assertIn("not credited", line.name)
        self.assert_ties_out(second)
        self.assertEqual(self.owed(), 45)

    def test_a_part_of_the_price_has_a_part_of_the_share(self):
        self.agree("tier", steps=[(1, {"percent": 20})])
        self.agree("discount", percent=10)
        sale = self.new_sale(price="100")
        self.assertEqual(self.generate().amount_total, 72)
        self.return_later(sale, price=25)
        second = self.generate(self.SECOND)
        self.assertEqual(self.charges_on(second), [("tier", 5), ("discount", 2)])
        self.new_return(sale, price=75, at="2026-11-17T12:00:00Z")
        third = self.generate(self.THIRD)
        self.assertEqual(self.charges_on(third), [("tier", 15), ("discount", 6)])
        self.assertEqual(self.owed(), 0)

    def test_a_return_in_the_same_period_has_none(self):
        self.agree("discount", percent=10)
        sale = self.new_sale(price="100")
        self.new_sale(price="50")
        self.new_return(sale)
        self.assertEqual(self.charges_on(self.generate()), [("discount", -5)])

    def test_shares_add_up_to_what_was_taken_off(self):
        self.agree("discount", percent=3)
        sales = [self.new_sale(price="0.50") for _i in range(3)]
        # Of 0.045; one by one it would be 0.06.
        self.assertEqual(self.charges_on(self.generate()), [("discount", -0.05)])
        kept = 0
        for week, sale in enumerate(sales, 1):
            self.new_return(sale, at=f"2026-11-{3 + 7 * week:02}T12:00:00Z")
            document = self.generate(GENERATION + week * WEEK)
            kept += sum(amount for _kind, amount in self.charges_on(document))
        self.assertAlmostEqual(kept, 0.05)
        self.assertAlmostEqual(self.owed(), 0)

    def test_a_month_counts_what_was_returned_before_it_was_over(self):
        self.agree("discount", percent=10, period="month")
        sale = self.new_sale(price="100", at="2026-11-25T12:00:00Z")
        self.new_sale(price="50", at="2026-11-25T12:00:00Z")
        self.generate(GENERATION + 3 * WEEK)
        # On the first document of December, which charges November.
        self.new_return(sale, at="2026-12-01T12:00:00Z")
        document = self.generate(MONTH_END)
        self.assertEqual(self.charges_on(document), [("discount", -5)])
        self.assertEqual(self.owed(), 45)

    def test_a_month_and_a_return_after_it(self):
        self.agree("discount", percent=10, period="month")
        sale = self.new_sale(price="100", at="2026-11-25T12:00:00Z")
        other = self.new_sale(price="50", at="2026-12-01T12:00:00Z")
        self.generate(MONTH_END)
        self.assertEqual(self.owed(), 140)
        for each in (sale, other):
            self.new_return(each, at="2026-12-09T12:00:00Z")
        document = self.generate(MONTH_END + WEEK)
        self.assertEqual(document.state, "posted")
        self.assertEqual(self.charges_on(document), [("discount", 10)])
        self.assertEqual(self.owed(), 0)

    def assert_reversed_after_a_return(self):
        self.agree("discount", percent=10)
        sale = self.new_sale(price="100")
        self.new_sale(price="50")
        first = self.generate()
        self.return_later(sale)
        second = self.generate(self.SECOND)
        self.assertEqual(second.amount_total, 90)
        reversal = self.reverse(first)
        self.assertEqual(reversal.amount_total, 45)
        reversal.action_post()
        self.assertTrue(first.lead_credited)
        self.assertEqual(self.owed(), 0)

    def test_a_reversal_after_a_return_gives_back_what_is_left(self):
        self.assert_reversed_after_a_return()

    def test_and_after_a_credit_note_of_the_invoice(self):
        self.company.lead_return_policy = "credit_note"
        self.assert_reversed_after_a_return()

    def test_what_was_netted_leaves_nothing_to_reverse(self):
        self.agree("discount", percent=10)
        sale = self.new_sale(price="100")
        first = self.generate()
        self.return_later(sale)
        self.new_sale(price="200", at="2026-11-11T12:00:00Z")
        second = self.generate(self.SECOND)
        self.assertEqual(second.amount_total, 200 - 20 - 90)
        with self.assertRaisesRegex(UserError, "credited in full"):
            self.reverse(first)
        self.assertEqual(self.owed(), 180)

    def test_invoiced_again_a_return_still_has_its_share(self):
        self.agree("discount", percent=10)
        sale = self.new_sale(price="100")
        again = self.invoice_again(self.generate())
        again.action_post()
        self.return_later(sale)
        second = self.generate(self.SECOND)
        self.assertEqual(second.amount_total, 90)
        self.assertEqual(self.owed(), 0)

    def test_a_canceled_return_keeps_nothing(self):
        self.agree("discount", percent=10)
        sale = self.new_sale(price="100")
        self.generate()
        self.return_later(sale)
        second = self.generate(self.SECOND)
        second.button_draft()
        second.button_cancel()
        third = self.generate(self.THIRD)
        self.assertEqual(third.amount_total, 90)
        self.assertEqual(self.owed(), 0)

    def test_no_tax_on_the_number_of_leads_is_taken_off(self):
        eco = self.env["account.tax"].create(
            {"name": "Per lead", "amount_type": "fixed", "amount": 1}
        )
        tax = self.company_data["default_tax_sale"]  # 15 %
        self.edu_product.taxes_id = tax + eco
        self.agree("discount", percent=10)
        self.new_sale(price="100")
        document = self.generate()
        line = document.invoice_line_ids.filtered("lead_charge_id")
        self.assertEqual(line.tax_ids, tax)
        self.assertEqual(document.amount_tax, 15 + 1 - 1.5)


@tagged("post_install", "-at_install")
class TestBooksOfCharges(ChargesCommon):
    """Each rule is broken in SQL, and found, alone."""

    def setUp(self):
        super().setUp()
        self.agree("discount", percent=10)
        sale = self.new_sale(price="100")
        self.first = self.generate()
        self.return_later(sale)
        self.second = self.generate(self.SECOND)
        self.billed = self.env["lead.billed.charge"].search(
            [("invoice_line_id", "!=", False)]
        )

    def assert_found(self, query, *rules):
        self.env.flush_all()
        with self.env.cr.savepoint() as savepoint, freeze_time(self.generated_at):
            self.env.cr.execute(query)
            self.env.invalidate_all()
            findings = self.env["lead.invoice.run"].check_books()
            self.assertEqual([finding["rule"] for finding in findings], list(rules))
            savepoint.rollback()
        self.env.invalidate_all()

    def test_all_holds(self):
        self.assert_found("SELECT 1")

    def test_each_rule_finds_its_fault(self):
        kept = self.second.invoice_line_ids.filtered("lead_charge_id")
        for query, rule in (
            (
                "UPDATE lead_billed_charge SET invoice_line_id ="
                f" {self.first.invoice_line_ids[0].id} WHERE id = {self.billed.id}",
                ("charge_elsewhere", "charge_line_alone"),
            ),
            (
                "UPDATE lead_billed_charge SET invoice_line_id = NULL"
                f" WHERE id = {self.billed.id}",
                ("charge_line_alone",),
            ),
            (
                "UPDATE lead_billed_charge_share SET amount = 9.99",
                ("charge_shares",),
            ),
            (
                "UPDATE lead_billed_charge_share SET amount = 101;"
                "UPDATE lead_billed_charge SET amount = -101",
                ("charge_share_of_lead",),
            ),
            (
                "UPDATE account_move_line SET price_subtotal = 2 * price_subtotal"
                f" WHERE id = {kept.id}",
                ("charge_kept_twice",),
            ),
        ):
            with self.subTest(rule=rule):
                self.assert_found(query, *rule)
