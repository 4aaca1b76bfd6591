from datetime import datetime, timedelta

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common.generation import GENERATION, WEEK
from .common.optional_packages import HealthCheck, given, settings, st
from .common.prepaid import PrepaidCommon

LINES = ("deposits", "purchases", "returns", "tax", "refunds", "other", "taken_back")


@tagged("post_install", "-at_install")
class TestStatement(PrepaidCommon):
    """The money of a buyer who prepays, on each of its documents: frozen, chained, and
    equal to the books."""

    def get_statement(self, document):
        """Return the opening, what moved, and the closing of a document's statement."""
        moved = {
            name: document[f"lead_statement_{name}"]
            for name in LINES
            if document[f"lead_statement_{name}"]
        }
        return (
            document.lead_statement_opening,
            moved,
            document.lead_statement_closing,
        )

    def get_receivable(self, buyer=None, currency=None):
        items = self.env["account.move.line"].search(
            [
                ("partner_id.commercial_partner_id", "=", (buyer or self.buyer).id),
                ("account_type", "=", "asset_receivable"),
                ("parent_state", "=", "posted"),
                ("currency_id", "=", (currency or self.company.currency_id).id),
            ]
        )
        return sum(items.mapped("amount_currency"))

    def entry(self, amount, date="2026-11-05"):
        """Book an amount in the buyer's favor by an entry, and post it."""
        entry = self.env["account.move"].create(
            {
                "move_type": "entry",
                "date": date,
                "line_ids": [
                    Command.create(
                        {
                            "account_id": self.buyer.property_account_receivable_id.id,
                            "partner_id": self.buyer.id,
                            "credit": max(amount, 0),
                            "debit": max(-amount, 0),
                        }
                    ),
                    Command.create(
                        {
                            "account_id": self.company_data[
                                "default_account_revenue"
                            ].id,
                            "debit": max(amount, 0),
                            "credit": max(-amount, 0),
                        }
                    ),
                ],
            }
        )
        entry.action_post()
        return entry

    def pay_in(self, amount, date):
        payment = self.new_payment(amount)
        payment.date = date
        payment.action_post()
        return payment

    def test_a_month_with_deposits_purchases_returns_and_tax(self):
        self.tax()
        self.entry(200, "2026-10-31")
        self.pay_in(1000, "2026-11-03")
        sale = self.new_sale(price="300.00")
        self.new_sale(price="50.00")
        self.new_return(sale, price="100.00")
        receipt = self.generate()
        self.assertEqual(
            self.get_statement(receipt),
            (
                200,
                {
                    "deposits": 1000,
                    "purchases": -350,
                    "returns": 100,
                    "tax": -37.5,
                },
                912.5,
            ),
        )
        self.assertEqual(receipt.lead_statement_closing, -self.get_receivable())
        self.assertEqual(
            receipt.lead_statement_closing, self.buyer.lead_prepaid_balance
        )

    def test_the_next_one_opens_as_this_one_closed(self):
        self.pay_in(100, "2026-11-03")
        self.new_sale(price="30.00")
        first = self.generate()
        self.new_sale(price="20.00", at="2026-11-10T12:00:00Z")
        second = self.generate(GENERATION + WEEK)
        self.assertEqual(self.get_statement(first)[2], 70)
        self.assertEqual(self.get_statement(second), (70, {"purchases": -20}, 50))
        self.assertEqual(second.lead_statement_id.previous_id, first.lead_statement_id)

    def test_an_entry_dated_back_is_on_the_next_one(self):
        self.new_sale(price="30.00")
        self.generate()
        payment = self.pay_in(100, "2026-11-03")
        self.new_sale(price="20.00", at="2026-11-10T12:00:00Z")
        second = self.generate(GENERATION + WEEK)
        self.assertEqual(
            self.get_statement(second), (-30, {"deposits": 100, "purchases": -20}, 50)
        )
        statements = payment.move_id.line_ids.lead_statement_id
        self.assertEqual(statements, second.lead_statement_id)

    def test_documents_of_one_run_chain_in_the_order_of_their_numbers(self):
        self.buyer.lead_invoice_split = "lead_type"
        self.pay_in(100, "2026-11-03")
        self.new_sale(price="30.00")
        self.new_sale(price="20.00", lead_type="AUTO")
        documents = self.generate().sorted("sequence_number")
        first, second = documents
        self.assertEqual(first.lead_statement_opening, 0)
        self.assertEqual(first.lead_statement_deposits, 100)
        self.assertEqual(second.lead_statement_opening, first.lead_statement_closing)
        self.assertEqual(second.lead_statement_closing, 50)
        self.assertFalse(second.lead_statement_deposits)

    def test_a_document_that_leaves_the_books_is_taken_back_on_the_next(self):
        self.pay_in(100, "2026-11-03")
        self.new_sale(price="30.00")
        first = self.generate()
        record = first.lead_statement_id
        first.button_draft()
        self.assertFalse(first.lead_statement_id)
        self.assertEqual((record.document, record.closing), (first.name, 70))
        self.new_sale(price="20.00", at="2026-11-10T12:00:00Z")
        second = self.generate(GENERATION + WEEK)
        self.assertEqual(
            self.get_statement(second), (70, {"purchases": -20, "taken_back": 30}, 80)
        )
        # Posted again, it is the end of the chain.
        first.action_post()
        self.assertEqual(self.get_statement(first), (80, {"purchases": -30}, 50))
        self.assertEqual(first.lead_statement_id.previous_id, second.lead_statement_id)
        self.assertEqual(first.lead_statement_closing, -self.get_receivable())

    def test_a_deposit_that_is_canceled_is_taken_back_on_the_next(self):
        payment = self.pay_in(100, "2026-11-03")
        self.new_sale(price="30.00")
        receipt = self.generate()
        payment.action_draft()
        payment.action_cancel()
        self.assertFalse(receipt.lead_is_receipt)
        # What was said of it stays.
        self.assertEqual(self.get_statement(receipt)[2], 70)
        self.new_sale(price="20.00", at="2026-11-10T12:00:00Z")
        second = self.generate(GENERATION + WEEK)
        self.assertEqual(
            self.get_statement(second),
            (70, {"purchases": -20, "taken_back": -100}, -50),
        )

    def test_a_reversal_and_a_payback_have_lines_of_their_own(self):
        self.tax()
        self.pay_in(1000, "2026-11-03")
        self.new_sale(price="100.00")
        first = self.generate()
        self.env["account.move.reversal"].with_context(
            active_model="account.move", active_ids=first.ids
        ).create({"journal_id": first.journal_id.id, "reason": "Wrong"}).refund_moves()
        first.reversal_move_ids.action_post()
        payback = self.new_payment(300)
        payback.payment_type = "outbound"
        payback.date = "2026-11-09"
        bank = self.company_data["default_journal_bank"]
        lines = bank.outbound_payment_method_line_ids
        lines.payment_account_id = (
            bank.inbound_payment_method_line_ids.payment_account_id[:1]
        )
        payback.payment_method_line_id = lines[:1]
        payback.action_post()
        self.entry(-7, "2026-11-09")
        self.new_sale(price="10.00", at="2026-11-10T12:00:00Z")
        second = self.generate(GENERATION + WEEK)
        self.assertEqual(
            self.get_statement(second),
            (
                885,
                {
                    "purchases": -10,
                    "returns": 100,
                    "tax": 13.5,
                    "refunds": -300,
                    "other": -7,
                },
                681.5,
            ),
        )

    def test_currencies_and_taxes_stand_apart(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        self.company_data["default_tax_sale"].price_include_override = "tax_included"
        self.tax()
        self.pay_in(1000, "2026-11-03")
        self.new_sale(price="115.00", currency="EUR")
        self.new_sale(price="11.50")
        # A second rate.
        self.auto_product.taxes_id = self.company_data["default_tax_sale"].copy(
            {"name": "5 %", "amount": 5, "price_include_override": "tax_excluded"}
        )
        self.new_sale(price="100.00", lead_type="AUTO")
        documents = self.generate()
        in_euro = documents.filtered(lambda move: move.currency_id == euro)
        self.assertEqual(
            self.get_statement(in_euro), (0, {"purchases": -100, "tax": -15}, -115)
        )
        self.assertEqual(
            self.get_statement(documents - in_euro),
            (0, {"deposits": 1000, "purchases": -110, "tax": -6.5}, 883.5),
        )

    def test_buyers_on_credit_have_none(self):
        self.buyer.lead_billing_mode = "credit"
        self.new_sale()
        invoice = self.generate()
        self.assertFalse(invoice.lead_statement_id)
        # From the change-over on it opens with what was owed.
        self.buyer.lead_billing_mode = "prepaid"
        self.new_sale(price="20.00", at="2026-11-17T12:00:00Z")
        later = self.generate(GENERATION + 2 * WEEK)
        self.assertEqual(self.get_statement(later), (-10, {"purchases": -20}, -30))

    def test_a_contact_that_joins_brings_its_money(self):
        other = self.new_buyer("Joins", lead_billing_mode="prepaid")
        for buyer in (self.buyer, other):
            self.deposit(100, buyer)
            self.new_sale(buyer, price="10.00")
        self.generate()
        other.write({"is_company": False, "parent_id": self.buyer.id})
        self.new_sale(price="20.00", at="2026-11-10T12:00:00Z")
        later = self.generate(GENERATION + WEEK)
        self.assertEqual(later.lead_statement_closing, -self.get_receivable())
        self.assertEqual(later.lead_statement_closing, 160)
        self.assertEqual(later.lead_statement_other, 90)

    def test_a_contact_that_joined_and_leaves_has_a_chain_of_its_own(self):
        other = self.new_buyer("Joins", lead_billing_mode="prepaid")
        self.new_sale(self.buyer)
        self.generate()
        self.new_sale(other, at="2026-11-10T12:00:00Z")
        self.generate(GENERATION + WEEK)
        other.write({"is_company": False, "parent_id": self.buyer.id})
        self.new_sale(self.buyer, at="2026-11-17T12:00:00Z")
        joined = self.generate(GENERATION + 2 * WEEK)
        other.write({"is_company": True, "parent_id": False})
        for week, buyer, day in ((3, other, "11-24"), (4, self.buyer, "12-01")):
            self.new_sale(buyer, at=f"2026-{day}T12:00:00Z")
            document = self.generate(GENERATION + week * WEEK)
            self.assertEqual(document.partner_id, buyer)
            self.assertEqual(
                document.lead_statement_closing, -self.get_receivable(buyer)
            )
        self.assertTrue(joined.lead_statement_id)

    def test_what_is_taken_back_while_a_contact_belongs_to_another_buyer(self):
        other = self.new_buyer("Joins", lead_billing_mode="prepaid")
        self.new_sale(other)
        first = self.generate()
        self.new_sale(self.buyer, at="2026-11-10T12:00:00Z")
        self.generate(GENERATION + WEEK)
        other.write({"is_company": False, "parent_id": self.buyer.id})
        first.button_draft()
        self.deposit(50, other)
        self.new_sale(self.buyer, at="2026-11-17T12:00:00Z")
        joined = self.generate(GENERATION + 2 * WEEK)
        self.assertEqual(joined.lead_statement_taken_back, 10)
        other.write({"is_company": True, "parent_id": False})
        self.assert_books_hold()
        documents = []
        for week, buyer, day in ((3, other, "11-24"), (4, self.buyer, "12-01")):
            self.new_sale(buyer, at=f"2026-{day}T12:00:00Z")
            document = self.generate(GENERATION + week * WEEK)
            self.assertEqual(
                document.lead_statement_closing, -self.get_receivable(buyer)
            )
            self.assert_books_hold()
            documents.append(document)
        # Its deposit went with it.
        self.assertEqual(documents[0].lead_statement_deposits, 50)
        self.assertEqual(documents[1].lead_statement_taken_back, -50)

    def test_nobody_changes_a_statement(self):
        self.new_sale()
        receipt = self.generate()
        statement = receipt.lead_statement_id
        for user in (self.billing_user, self.manager):
            with self.assertRaises(AccessError):
                statement.with_user(user).write({"opening": 5})
            with self.assertRaises(AccessError):
                statement.with_user(user).unlink()
            with self.assertRaises(UserError):
                receipt.with_user(user).write({"lead_statement_id": False})
        with self.assertRaises(UserError):
            statement.sudo().write({"opening": 5})
        with self.assertRaises(AccessError):
            statement.with_user(self.plain_user).read(["opening"])
        self.assertEqual(statement.with_user(self.billing_user).opening, 0)

    def test_another_company_has_other_statements(self):
        self.new_sale()
        receipt = self.generate()
        company = self.setup_other_company()["company"]
        self.billing_user.write(
            {"company_ids": [Command.set(company.ids)], "company_id": company.id}
        )
        with self.assertRaises(AccessError):
            receipt.lead_statement_id.with_user(self.billing_user).read(["opening"])

    def test_the_document_shows_it(self):
        self.tax()
        self.pay_in(1000, "2026-11-03")
        self.new_sale(price="100.00")
        receipt = self.generate()
        html = self.env["ir.actions.report"]._render_qweb_html(
            "account.account_invoices", receipt.ids
        )[0]
        text = " ".join(html.decode().split())
        for part in ("Opening balance", "Deposits", "Closing balance", "885.00"):
            self.assertIn(part, text)
        self.assertNotIn("Taken back", text)

    def test_many_buyers_cost_no_more_queries(self):
        # Two runs, of few buyers and of many, are compared.
        def freeze(buyers, week):
            at = f"2026-11-{4 + 7 * week:02}T12:00:00Z"
            for buyer in buyers:
                self.new_sale(buyer, at=at)
            documents = self.generate(GENERATION + week * WEEK)
            self.assertEqual(len(documents), len(buyers))
            documents.lead_statement_id.previous_id.invalidate_recordset()
            # Frozen again, as it were: the chains go on.
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            with self.env.cr.savepoint() as savepoint:
                documents.sudo()._freeze_lead_statements()
                count = self.env.cr.sql_log_count - before
                savepoint.rollback()
            self.env.invalidate_all()
            return count

        buyers = [
            self.new_buyer(f"Many {number}", lead_billing_mode="prepaid")
            for number in range(12)
        ]
        few = freeze(buyers[:3], 0)
        # Linking is one statement for each.
        self.assertLessEqual(freeze(buyers, 1), few + 4 * 9)

    STEPS = st.lists(
        st.tuples(
            st.sampled_from(
                (
                    "deposit",
                    "deposit",
                    "sell",
                    "sell",
                    "sell",
                    "give_back",
                    "entry",
                    "run",
                    "run",
                    "run",
                    "draft",
                    "post",
                    "cancel",
                    "cancel_payment",
                    "reverse",
                )
            ),
            st.integers(0, 9999),
        ),
        min_size=4,
        max_size=25,
    )

    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
    @given(STEPS)
    def test_whatever_happens_the_chain_is_the_books(self, steps):
        with self.env.cr.savepoint() as savepoint:
            self.live(steps)
            savepoint.rollback()
        self.env.invalidate_all()
        self.generated_at = None

    def live(self, steps):
        self.env.ref("base.EUR").active = True
        self.tax()
        self.auto_product.taxes_id = self.company_data["default_tax_sale"].copy(
            {"name": "7 %", "amount": 7, "price_include_override": "tax_included"}
        )
        sales = self.env["lead.sale"]
        payments = self.env["account.payment"]
        week = 0
        for name, number in steps:
            now = GENERATION + timedelta(weeks=week)
            with freeze_time(now):
                at = f"{now - timedelta(days=3):%Y-%m-%dT%H:%M:%SZ}"
                documents = self.env["account.move"].search(
                    [("lead_run_id", "!=", False)]
                )
                document = documents and documents[number % len(documents)]
                if name == "deposit":
                    payments += self.pay_in(
                        number / 10 + 1, f"2026-11-{number % 28 + 1:02}"
                    )
                elif name == "sell":
                    sales += self.new_sale(
                        price=f"{number / 100:.2f}",
                        at=at,
                        lead_type=("AUTO", "EDU")[number % 2],
                        currency=("USD", "EUR")[number % 3 == 0],
                    )
                elif name == "give_back" and sales:
                    sale = sales[number % len(sales)]
                    sales -= sale
                    self.new_return(sale, at=at)
                elif name == "entry":
                    self.entry(number - 5000, f"2026-10-{number % 28 + 1:02}")
                elif name == "cancel_payment" and payments:
                    payment = payments[number % len(payments)]
                    payments -= payment
                    payment.action_draft()
                    payment.action_cancel()
                elif name == "run":
                    week += 1
                    self.generate(GENERATION + timedelta(weeks=week))
                elif document:
                    self.do_to(name, document)
                self.generated_at = datetime.now()
            self.assert_books_hold()
            self.assert_chain()

    def do_to(self, name, document):
        try:
            with self.env.cr.savepoint():
                if name == "draft" and document.state == "posted":
                    document.button_draft()
                elif name == "post" and document.state == "draft":
                    document.action_post()
                elif name == "cancel" and document.state != "cancel":
                    document.button_cancel()
                elif name == "reverse" and document.state == "posted":
                    document._reverse_moves(cancel=False).action_post()
        except UserError:
            self.env.invalidate_all()

    def assert_chain(self):
        """Beside the books' own rules: the last closing of each currency is the posted
        receivable but for what came after it."""
        statements = self.env["lead.statement"].search(
            [("partner_id", "=", self.buyer.id)]
        )
        for currency in statements.currency_id:
            own = statements.filtered(lambda s, c=currency: s.currency_id == c)
            last = own.sorted("id")[-1]
            later = self.env["account.move.line"].search(
                [
                    ("partner_id.commercial_partner_id", "=", self.buyer.id),
                    ("account_type", "=", "asset_receivable"),
                    ("parent_state", "=", "posted"),
                    ("currency_id", "=", currency.id),
                    ("lead_statement_id", "=", False),
                ]
            )
            back = self.env["lead.statement.taken.back"].search(
                [("carried_id", "=", False), ("currency_id", "=", currency.id)]
            )
            expected = (
                last.closing
                - sum(later.mapped("amount_currency"))
                + sum(back.mapped("amount"))
            )
            self.assertAlmostEqual(expected, -self.get_receivable(currency=currency), 2)
