from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common.generation import GENERATION, WEEK
from .common.optional_packages import HealthCheck, given, settings, st
from .common.prepaid import PrepaidCommon


@tagged("post_install", "-at_install")
class TestBalance(PrepaidCommon):
    """What a buyer owes: open invoices, drafts and the unbilled with its tax, less its
    deposits."""

    def assert_balance(self, amount, buyer=None):
        buyer = (buyer or self.buyer).with_user(self.billing_user)
        buyer.invalidate_recordset()
        self.assertEqual(buyer.lead_prepaid_balance, amount)
        self.assertEqual(buyer.lead_exposure, -amount)

    def get_balances(self, buyer=None):
        buyer = (buyer or self.buyer).with_user(self.billing_user)
        buyer.invalidate_recordset()
        return {row["currency"]: row for row in buyer.lead_balances}

    def test_deposits_less_unbilled_with_its_tax(self):
        self.tax()
        self.assert_balance(0)
        self.deposit(1000)
        self.assert_balance(1000)
        self.new_sale(price="100.00")
        self.assert_balance(885)
        row = self.get_balances()["USD"]
        self.assertEqual((row["unbilled"], row["unbilled_taxed"]), (100, 115))
        self.assertEqual((row["receivable"], row["balance"]), (-1000, 885))

    def test_billing_moves_no_balance(self):
        self.tax()
        self.deposit(1000)
        sale = self.new_sale(price="99.99")
        self.new_sale(price="0.37")
        self.new_return(sale, price="13.31")
        balance = self.buyer.lead_prepaid_balance
        self.cycle.posting = "draft"
        draft = self.generate()
        self.assertEqual(draft.state, "draft")
        self.assert_balance(balance)
        self.assertEqual(self.get_balances()["USD"]["drafts"], draft.amount_total)
        draft.action_post()
        self.assert_balance(balance)
        self.assertEqual(balance, 1000 - draft.amount_total)

    def test_a_return_has_the_taxes_of_its_sale(self):
        self.tax()
        sale = self.new_sale(price="100.00")
        self.generate()
        self.edu_product.taxes_id = False
        self.assert_balance(-115)
        self.new_return(sale, at="2026-11-10T12:00:00Z")
        self.assert_balance(0)

    def test_a_return_of_a_sale_without_taxes_has_none(self):
        sale = self.new_sale(price="100.00")
        self.generate()
        self.tax()
        self.new_return(sale, "40.00", at="2026-11-10T12:00:00Z")
        self.new_sale(price="10.00", at="2026-11-10T12:00:00Z")
        self.assert_balance(-71.5)

    def test_what_is_waived_or_credited_counts_no_more(self):
        sale = self.new_sale(price="100.00")
        self.assert_balance(-100)
        sale._waive("goodwill")
        self.assert_balance(0)

    def test_the_fiscal_position_decides_on_the_tax(self):
        self.tax()
        country = self.env.ref("base.ca")
        self.env["account.fiscal.position"].create(
            {
                "name": "Abroad",
                "auto_apply": True,
                "country_id": country.id,
                "tax_ids": [
                    Command.create(
                        {
                            "name": "Export",
                            "amount": 0,
                            "original_tax_ids": [
                                Command.set(self.company_data["default_tax_sale"].ids)
                            ],
                        }
                    )
                ],
            }
        )
        abroad = self.new_buyer("Abroad", country_id=country.id)
        self.new_sale(abroad, price="100.00")
        self.new_sale(price="100.00")
        self.assert_balance(-100, abroad)
        self.assert_balance(-115)

    def test_prices_that_include_the_tax(self):
        tax = self.company_data["default_tax_sale"]
        tax.price_include_override = "tax_included"
        self.tax()
        self.new_sale(price="115.00")
        self.assert_balance(-115)
        self.generate()
        self.assert_balance(-115)

    def test_currencies_stand_apart_and_together(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        self.env["res.currency.rate"].create(
            {"name": "2026-01-01", "rate": 0.5, "currency_id": euro.id}
        )
        with freeze_time("2026-11-10 12:00"):
            self.deposit(1000)
            self.new_sale(price="100.00", currency="EUR")
            balances = self.get_balances()
            self.assertEqual(balances["EUR"]["balance"], -100)
            self.assertEqual(balances["USD"]["balance"], 1000)
            self.assert_balance(800)
            self.assertIn("100.00", self.buyer.lead_balance_table)

    def test_a_buyer_has_the_money_of_all_its_contacts(self):
        branch = self.env["res.partner"].create(
            {"name": "Branch", "ref": "branch", "parent_id": self.buyer.id}
        )
        self.deposit(50, branch)
        self.new_sale(branch, price="20.00")
        self.assert_balance(30)
        self.assert_balance(30, branch)

    def test_another_company_has_another_balance(self):
        company = self.setup_other_company()["company"]
        self.deposit(1000)
        buyer = self.buyer.with_context(allowed_company_ids=company.ids)
        self.assertEqual(buyer.with_company(company).lead_prepaid_balance, 0)

    def test_the_number_of_queries_does_not_grow_with_the_buyers(self):
        self.tax()
        buyers = self.env["res.partner"].concat(
            *(self.new_buyer(f"Many {number}") for number in range(30))
        )
        for number, buyer in enumerate(buyers):
            self.deposit(100 + number, buyer)
            sale = self.new_sale(buyer, price="10.00")
            if number % 2:
                self.new_return(sale, price="1.00")

        def count(some):
            for _time in range(2):
                self.env.flush_all()
                self.env.invalidate_all()
                before = self.env.cr.sql_log_count
                some.mapped("lead_prepaid_balance")
                queries = self.env.cr.sql_log_count - before
            return queries

        buyers = buyers.with_user(self.billing_user)
        few = count(buyers[:4])
        self.assertLessEqual(count(buyers), few)

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(st.integers(0, 99_999), min_size=1, max_size=14),
        st.booleans(),
        st.booleans(),
    )
    def test_what_is_told_before_is_what_the_document_comes_to(
        self, cents, is_included, is_global
    ):
        with self.env.cr.savepoint() as savepoint:
            tax = self.company_data["default_tax_sale"]
            tax.price_include_override = (
                "tax_included" if is_included else "tax_excluded"
            )
            self.company.tax_calculation_rounding_method = (
                "round_globally" if is_global else "round_per_line"
            )
            self.tax()
            for price in cents:
                self.new_sale(price=f"{price / 100:.2f}")
            self.buyer.invalidate_recordset()
            exposure = self.buyer.lead_exposure
            (invoice,) = self.generate()
            self.assertEqual(exposure, invoice.amount_total)
            savepoint.rollback()
            self.env.invalidate_all()
            self.generated_at = None

    def test_beyond_ten_prices_the_tax_is_on_one_line(self):
        self.company.tax_calculation_rounding_method = "round_per_line"
        self.tax()
        # Some tax on the number of leads that these leads do not have.
        self.company_data["default_tax_sale"].copy(
            {"name": "Per lead", "amount_type": "fixed", "amount": 1}
        )
        cents = (398, 1159, 10875, 544, 57440, 34618, 34245, 15534, 265, 487, 0)
        for price in cents:
            self.new_sale(price=f"{price / 100:.2f}")
        self.assert_balance(-1789)
        self.assertEqual(self.generate().amount_total, 1789)
        self.assert_balance(-1789)

    # Odoo's credit limit

    def test_the_credit_limit_counts_unbilled_and_drafts(self):
        self.tax()
        self.company.account_use_credit_limit = True
        self.buyer.lead_billing_mode = "credit"
        self.buyer.credit_limit = 200
        self.new_sale(price="100.00")
        self.buyer.invalidate_recordset()
        self.assertEqual(self.buyer.credit_to_invoice, 115)
        self.cycle.posting = "draft"
        draft = self.generate()
        self.buyer.invalidate_recordset()
        self.assertEqual(self.buyer.credit_to_invoice, 115)
        # The draft itself is counted once.
        self.assertFalse(draft.partner_credit_warning)
        self.new_sale(price="100.00", at="2026-11-10T12:00:00Z")
        self.env.invalidate_all()
        self.assertIn("230.00", draft.partner_credit_warning)


@tagged("post_install", "-at_install")
class TestBuyingPower(PrepaidCommon):
    """May this buyer buy? The platform asks, and nothing is reserved."""

    def ask(self, *refs, user=None):
        self.env.invalidate_all()
        partners = self.env["res.partner"].with_user(user or self.integrator)
        return partners.lead_buying_power(list(refs))

    def test_a_prepaid_buyer_can_spend_its_balance(self):
        self.deposit(100)
        self.new_sale(price="30.00")
        expected = {
            "ref": self.buyer.ref,
            "partner_id": self.buyer.id,
            "currency": "USD",
            "can_spend": 70.0,
            "on_hold": False,
            "reason": "",
        }
        self.assertEqual(self.ask(self.buyer.ref), [expected])
        self.assertEqual(self.ask(self.buyer.ref, user=self.billing_user), [expected])

    def test_a_buyer_on_credit_can_spend_what_its_limit_leaves(self):
        self.buyer.lead_billing_mode = "credit"
        self.assertIs(self.ask(self.buyer.ref)[0]["can_spend"], False)
        self.company.account_use_credit_limit = True
        self.buyer.credit_limit = 50
        self.new_sale(price="20.00")
        self.assertEqual(self.ask(self.buyer.ref)[0]["can_spend"], 30)
        self.generate()
        self.new_sale(price="40.00", at="2026-11-10T12:00:00Z")
        self.assertEqual(self.ask(self.buyer.ref)[0]["can_spend"], -10)

    def test_a_hold_is_told_and_no_sale_is_refused_for_it(self):
        self.buyer.lead_buying_hold = True
        (answer,) = self.ask(self.buyer.ref)
        self.assertTrue(answer["on_hold"])
        self.assertIn("buying hold", answer["reason"])
        self.buyer.lead_buying_hold_reason = "Does not answer"
        branch = self.env["res.partner"].create(
            {"name": "Branch", "ref": "branch", "parent_id": self.buyer.id}
        )
        (answer,) = self.ask("branch")
        self.assertEqual(answer["partner_id"], branch.id)
        self.assertEqual(
            (answer["on_hold"], answer["reason"]), (True, "Does not answer")
        )
        self.new_sale()
        self.assertTrue(self.generate())

    def test_a_hold_is_in_the_chatter(self):
        self.cr.precommit.run()
        buyer = self.buyer.with_context(tracking_disable=False, mail_notrack=False)
        buyer.lead_buying_hold = True
        self.env.flush_all()
        self.cr.precommit.run()
        values = self.buyer.message_ids.sudo().tracking_value_ids
        self.assertIn("lead_buying_hold", values.field_id.mapped("name"))

    def test_names_mean_whom_they_mean_in_recording(self):
        self.new_buyer("Twin", ref="twin")
        self.new_buyer("Other twin", ref="twin")
        self.env["lead.buyer.ref"].create(
            {"ref": "platform 7", "partner_id": self.buyer.id}
        )
        answers = self.ask("platform 7", "twin", "nobody", "", 7, ["x"], "platform 7")
        self.assertEqual(
            [answer["partner_id"] for answer in answers],
            [self.buyer.id, False, False, False, False, False, self.buyer.id],
        )
        for answer in answers[1:6]:
            self.assertTrue(answer["reason"])
            self.assertEqual((answer["can_spend"], answer["currency"]), (0.0, False))
            self.assertIsNot(answer["can_spend"], False)
        self.assertEqual(answers[2]["ref"], "nobody")

    def test_nobody_else_is_told(self):
        for user in (self.plain_user, self.portal_user):
            with self.assertRaises(AccessError):
                self.ask(self.buyer.ref, user=user)
        with self.assertRaises(UserError):
            self.env["res.partner"].lead_buying_power("x")

    def test_others_put_nobody_on_hold(self):
        self.plain_user.group_ids += self.env.ref("base.group_partner_manager")
        with self.assertRaises(AccessError):
            self.buyer.with_user(self.plain_user).lead_buying_hold = True

    def test_the_number_of_queries_does_not_grow_with_the_buyers(self):
        self.tax()
        buyers = [self.new_buyer(f"Many {number}") for number in range(30)]
        for buyer in buyers:
            self.new_sale(buyer)
        refs = [buyer.ref for buyer in buyers]

        def count(some):
            for _time in range(2):
                before = self.env.cr.sql_log_count
                self.assertEqual(len(self.ask(*some)), len(some))
                queries = self.env.cr.sql_log_count - before
            return queries

        few = count(refs[:4])
        self.assertLessEqual(count(refs), few)

    def test_a_later_run_moves_no_power(self):
        self.tax()
        self.deposit(100)
        self.new_sale(price="20.00")
        before = self.ask(self.buyer.ref)
        self.generate(GENERATION + WEEK)
        self.assertEqual(self.ask(self.buyer.ref), before)
