from freezegun import freeze_time

from odoo import Command
from odoo.tests import tagged

from .common.generation import GENERATION, WEEK, GenerationCommon

PRICES = range(1, 13)  # more than a document has lines for, without a reason


@tagged("post_install", "-at_install")
class TestTaxesOnLeads(GenerationCommon):
    """Taxes that depend on the number of leads are charged for each lead."""

    def setUp(self):
        super().setUp()
        self.percent = self.company_data["default_tax_sale"]  # 15 %
        self.eco = self.env["account.tax"].create(
            {"name": "Per lead", "amount_type": "fixed", "amount": 1}
        )

    def tax(self, *taxes):
        self.edu_product.taxes_id = [Command.set([tax.id for tax in taxes])]

    def sell_at_all_prices(self):
        return [self.new_sale(price=str(price)) for price in PRICES]

    def test_each_lead_is_taxed_once_at_however_many_prices(self):
        self.tax(self.eco)
        self.sell_at_all_prices()
        self.new_sale(price="12")
        document = self.generate()
        self.assertEqual(document.amount_tax, 13)
        self.assertEqual(len(self.lines_of(document)), 12)
        self.assert_ties_out(document)

    def test_taxes_on_money_alone_leave_one_line(self):
        self.tax(self.percent)
        self.sell_at_all_prices()
        document = self.generate()
        self.assertEqual(document.amount_tax, 11.7)
        self.assertEqual(
            [line[1:] for line in self.lines_of(document)], [(1, sum(PRICES), 12)]
        )

    def test_clerks_can_preview_it(self):
        self.tax(self.eco)
        self.sell_at_all_prices()
        with freeze_time(GENERATION):
            wizards = self.env["lead.invoice.wizard"].with_user(self.billing_user)
            wizard = wizards.create({"partner_ids": self.buyer.ids})
            wizard.action_preview()
        self.assertEqual(wizard.line_ids.purchased, 12)

    def test_a_group_with_a_tax_on_each_lead_counts_them(self):
        group = self.env["account.tax"].create(
            {
                "name": "Both",
                "amount_type": "group",
                "children_tax_ids": [Command.set((self.percent + self.eco).ids)],
            }
        )
        self.tax(group)
        self.sell_at_all_prices()
        self.assertEqual(self.generate().amount_tax, 12 + 11.7)

    def test_a_fiscal_position_decides_what_each_buyer_pays(self):
        self.tax(self.percent)
        position = self.env["account.fiscal.position"].create({"name": "Per lead"})
        self.eco.write(
            {
                "fiscal_position_ids": [Command.link(position.id)],
                "original_tax_ids": [Command.link(self.percent.id)],
            }
        )
        self.buyer.property_account_position_id = position
        self.sell_at_all_prices()
        document = self.generate()
        self.assertEqual(document.fiscal_position_id, position)
        self.assertEqual(document.amount_tax, 12)

    def test_a_price_adjustment_gives_back_no_tax_on_the_lead(self):
        self.tax(self.percent, self.eco)
        sale = self.new_sale(price="40")
        invoice = self.generate()
        self.assertEqual(invoice.amount_tax, 7)
        self.company.lead_return_policy = "credit_note"
        self.new_return(sale, price=20, at="2026-11-10T12:00:00Z")
        credit_note = self.generate(GENERATION + WEEK)
        self.assertEqual(credit_note.amount_tax, 3)
        self.assertEqual(credit_note.invoice_line_ids.tax_ids, self.percent)
        # The rest is the lead itself.
        self.new_return(sale, price=20, at="2026-11-17T12:00:00Z")
        credit_note = self.generate(GENERATION + 2 * WEEK)
        self.assertEqual(credit_note.amount_tax, 4)

    def test_a_price_adjustment_on_its_sales_own_document(self):
        group = self.env["account.tax"].create(
            {
                "name": "Both",
                "amount_type": "group",
                "children_tax_ids": [Command.set((self.percent + self.eco).ids)],
            }
        )
        self.tax(group)
        sale = self.new_sale(price="40")
        self.new_return(sale, price=20)
        document = self.generate()
        self.assertEqual(document.amount_tax, 3 + 1)
        self.assert_ties_out(document)

    def test_returns_at_many_prices_give_back_the_tax_on_each_lead(self):
        self.tax(self.eco)
        sales = self.sell_at_all_prices()
        invoice = self.generate()
        for sale in sales:
            self.new_return(sale, at="2026-11-10T12:00:00Z")
        # What is charged now is of no concern.
        self.tax(self.percent)
        credit_note = self.generate(GENERATION + WEEK)
        self.assertEqual(credit_note.amount_tax, 12)
        self.assertEqual(credit_note.amount_total, invoice.amount_total)


@tagged("post_install", "-at_install")
class TestDiscountedLeads(GenerationCommon):
    """A discount on a lead line is a difference that the document tells."""

    def setUp(self):
        super().setUp()
        self.cycle.posting = "draft"

    def test_a_discount_is_a_difference(self):
        self.new_sale(price="40.00")
        draft = self.generate()
        draft.invoice_line_ids.discount = 50
        self.assertEqual(draft.amount_total, 20)
        self.assertEqual(draft.lead_amount_difference, -20)
        (row,) = draft._get_lead_summary()
        self.assertEqual((row["purchased_amount"], row["net_amount"]), (20, 20))
        report = self.env["lead.invoicing.report"]._open(
            self.buyer, {"invoice_id": str(draft.id)}
        )
        self.assertEqual(report.get_difference(), -20)

    def test_a_discount_on_a_credit_note_is_a_difference(self):
        self.company.lead_return_policy = "net"
        sale = self.new_sale(price="40.00")
        self.generate().action_post()
        self.new_return(sale, at="2026-11-10T12:00:00Z")
        credit_note = self.generate(GENERATION + WEEK)
        self.assertEqual(credit_note.move_type, "out_refund")
        credit_note.invoice_line_ids.discount = 25
        self.assertEqual(credit_note.lead_amount_difference, 10)

    def test_a_discount_is_seen_while_it_is_typed(self):
        self.new_sale(price="40.00")
        draft = self.generate()
        self.assertEqual(draft.lead_amount_difference, 0)
        draft.invoice_line_ids.discount = 10
        self.assertEqual(draft.lead_amount_difference, -4)

    def test_what_is_usual_counts_what_was_billed(self):
        self.cycle.posting = "post"
        self.company.lead_review_volume_factor = 1.5
        self.new_sale(price="100.00")
        self.cycle.posting = "draft"
        past = self.generate()
        past.invoice_line_ids.discount = 50
        past.action_post()
        self.cycle.posting = "post"
        self.new_sale(price="90.00", at="2026-11-11T12:00:00Z")
        document = self.generate(GENERATION + WEEK)
        self.assertEqual(document.state, "draft")
        self.assertIn("50.00", document.lead_review_reason)


@tagged("post_install", "-at_install")
class TestArchivedAccounts(GenerationCommon):
    """What was archived parks what needs it, with the remedy, and nothing else."""

    def setUp(self):
        super().setUp()
        self.account = self.company_data["default_account_revenue"].copy(
            {"name": "Leads", "code": "400999"}
        )
        self.edu_product.property_account_income_id = self.account

    def item_of(self):
        return self.env["lead.invoice.run.buyer"].search(
            [("partner_id", "=", self.buyer.id)], order="id desc", limit=1
        )

    def test_an_archived_income_account_is_named_and_holds_its_leads_alone(self):
        self.account.active = False
        held = self.new_sale()
        other = self.new_sale(lead_type="AUTO")
        document = self.generate()
        self.assertEqual(document.lead_sale_ids, other)
        self.assertEqual(document.state, "posted")
        item = self.item_of()
        self.assertEqual(item.state, "failed")
        for text in ("400999 Leads", "Education lead", "Lead House", "archived"):
            self.assertIn(text, item.message)
        self.assertTrue(self.buyer.activity_ids)
        self.assertEqual(held.billing_state, "unbilled")
        # What it says helps.
        self.account.active = True
        item.action_retry()
        self.assertEqual(self.generate().lead_sale_ids, held)
        self.assertEqual(item.state, "done")
        self.assertFalse(self.buyer.activity_ids)

    def test_the_preview_says_what_is_left_out(self):
        self.account.active = False
        self.new_sale()
        self.new_sale(lead_type="AUTO")
        with freeze_time(GENERATION):
            wizards = self.env["lead.invoice.wizard"].with_user(self.billing_user)
            wizard = wizards.create({"partner_ids": self.buyer.ids})
            wizard.action_preview()
        messages = {line.lead_type_id: line.message for line in wizard.line_ids}
        self.assertFalse(messages[self.auto])
        self.assertIn("400999", messages[self.edu])

    def test_a_buyer_without_other_leads_gets_no_document(self):
        self.account.active = False
        self.new_sale()
        self.assertFalse(self.generate())
        self.assertIn("400999", self.item_of().message)

    def test_a_fiscal_position_that_knows_another_account_helps(self):
        position = self.env["account.fiscal.position"].create(
            {
                "name": "Abroad",
                "account_ids": [
                    Command.create(
                        {
                            "account_src_id": self.account.id,
                            "account_dest_id": self.company_data[
                                "default_account_revenue"
                            ].id,
                        }
                    )
                ],
            }
        )
        self.buyer.property_account_position_id = position
        self.account.active = False
        self.new_sale()
        self.assertEqual(self.generate().state, "posted")

    def test_returns_go_where_the_product_is_booked_now(self):
        self.company.lead_return_policy = "net"
        sale = self.new_sale()
        self.generate()
        self.edu_product.property_account_income_id = self.company_data[
            "default_account_revenue"
        ]
        self.account.active = False
        self.new_return(sale, at="2026-11-10T12:00:00Z")
        self.new_sale(price="50", at="2026-11-11T12:00:00Z")
        document = self.generate(GENERATION + WEEK)
        self.assertEqual((document.state, document.amount_total), ("posted", 40))
        self.assertEqual(
            document.invoice_line_ids.account_id,
            self.company_data["default_account_revenue"],
        )
        self.assert_ties_out(document)

    def test_archived_taxes_and_products_are_given_back(self):
        tax = self.company_data["default_tax_sale"].copy({"name": "Old tax"})
        self.edu_product.taxes_id = tax
        sale = self.new_sale()
        invoice = self.generate()
        tax.active = False
        self.edu_product.active = False
        self.new_return(sale, at="2026-11-10T12:00:00Z")
        credit_note = self.generate(GENERATION + WEEK)
        self.assertEqual(credit_note.state, "posted")
        self.assertEqual(credit_note.amount_total, invoice.amount_total)

    def test_an_archived_tax_parks_new_leads_instead_of_leaving_tax_out(self):
        tax = self.company_data["default_tax_sale"].copy({"name": "Old tax"})
        self.edu_product.taxes_id = tax
        sold = self.new_sale()
        tax.active = False
        self.assertFalse(self.generate())
        for text in ("Old tax", self.edu_product.name, "without tax"):
            self.assertIn(text, self.item_of().message)
        # Another one, or none at all, is a choice.
        self.edu_product.taxes_id = self.company_data["default_tax_sale"]
        self.item_of().action_retry()
        self.generate(GENERATION + WEEK)
        document = sold.invoice_id
        self.assertEqual(document.state, "posted")
        self.assertTrue(document.amount_tax)
        # Odoo keeps archived ones on the product, where nobody sees them.
        tax.active = True
        self.edu_product.taxes_id = False
        tax.active = False
        untaxed = self.new_sale(at="2026-11-17T12:00:00Z")
        self.generate(GENERATION + 2 * WEEK)
        self.assertEqual(untaxed.invoice_id.amount_total, 10)

    def test_an_archived_currency_holds_its_leads_alone(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        self.new_sale(currency="EUR")
        other = self.new_sale()
        euro.active = False
        self.assertEqual(self.generate().lead_sale_ids, other)
        self.assertIn("EUR", self.item_of().message)

    def test_an_archived_tax_account_is_named(self):
        tax = self.company_data["default_tax_sale"].copy({"name": "City tax"})
        tax_account = self.account.copy({"name": "City", "code": "250999"})
        lines = tax.invoice_repartition_line_ids + tax.refund_repartition_line_ids
        lines.filtered(
            lambda line: line.repartition_type == "tax"
        ).account_id = tax_account
        self.edu_product.taxes_id = tax
        tax_account.active = False
        self.new_sale()
        self.assertFalse(self.generate())
        message = self.item_of().message
        for text in ("250999 City", "City tax", "Buyer A"):
            self.assertIn(text, message)
