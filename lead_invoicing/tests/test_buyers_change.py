from datetime import datetime

from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.tests import tagged

from .common.generation import GENERATION, WEEK, GenerationCommon
from .common.given_back import GivenBackCommon


@tagged("post_install", "-at_install")
class TestBuyersMerged(GenerationCommon):
    """Two contacts become one: its names and its leads are those of both."""

    def merge(self, *partners):
        """Merge contacts into the last of them."""
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        ids = [partner.id for partner in partners]
        wizard._merge(ids, partners[-1], extra_checks=False)
        self.env.invalidate_all()
        return partners[-1]

    def assert_known(self, ref, buyer, company=None):
        ledger = self.env["lead.sale"].with_company(company or self.company)
        vals = self.sale_vals(f"{ref} {datetime.now()}", buyer_ref=ref)
        if company:
            vals.update(lead_type="OTHER", currency=company.currency_id.name)
        [answer] = ledger.record_transactions([vals])
        self.assertEqual(answer["status"], "created", answer["message"])
        self.assertEqual(ledger.browse(answer["id"]).partner_id, buyer)

    def assert_unknown(self, ref):
        [answer] = self.record(self.sale_vals("X", buyer_ref=ref))
        self.assertEqual(answer["status"], "error")

    def test_nobody_becomes_its_own_company(self):
        company = self.new_buyer("Buyer B")
        contact = self.new_buyer("Branch", parent_id=company.id, active=False)
        for partners in ((company, contact), (contact, company)):
            with self.assertRaisesRegex(UserError, "Branch belongs to Buyer B"):
                self.merge(*partners)
        contact.parent_id = False
        self.merge(contact, company)
        self.assertFalse(contact.exists())

    def test_it_is_still_known_by_both_names(self):
        second, first = self.new_buyer("Second"), self.new_buyer("First")
        self.new_sale(second)
        self.merge(second, first)
        self.assert_known("ref Second", first)
        self.assert_known("ref First", first)
        self.assertEqual(first.lead_sale_count, 3)

    def test_three_contacts_and_the_last_without_a_name(self):
        one, two = self.new_buyer("One"), self.new_buyer("Two")
        nameless = self.new_buyer("Nameless", ref=False)
        self.merge(one, two, nameless)
        self.assert_known("ref One", nameless)
        self.assert_known("ref Two", nameless)

    def test_the_companys_own_names_follow(self):
        second, first = self.new_buyer("Second"), self.new_buyer("First")
        self.env["lead.buyer.ref"].create({"ref": "P-2", "partner_id": second.id})
        self.merge(second, first)
        self.assert_known("P-2", first)
        self.assertEqual(
            sorted(first.lead_buyer_ref_ids.mapped("ref")), ["P-2", "ref Second"]
        )

    def test_a_name_that_means_somebody_else_keeps_its_meaning(self):
        second, first = self.new_buyer("Second"), self.new_buyer("First")
        other = self.new_buyer("Other")
        self.env["lead.buyer.ref"].create({"ref": "ref Second", "partner_id": other.id})
        self.merge(second, first)
        self.assert_known("ref Second", other)

    def test_two_of_one_name_are_one_afterwards(self):
        second = self.new_buyer("Second", ref="same")
        first = self.new_buyer("First", ref="same")
        self.assert_unknown("same")
        self.merge(second, first)
        self.assert_known("same", first)
        self.assertFalse(first.lead_buyer_ref_ids)

    def test_what_no_platform_can_send_does_not_keep_contacts_apart(self):
        first = self.new_buyer("First")
        for ref in (" spaces ", "x" * 200, "line\nbreak"):
            self.merge(self.new_buyer("Odd", ref=ref), first)
        self.assertFalse(first.lead_buyer_ref_ids)

    def test_every_company_that_sells_leads_keeps_the_name(self):
        company = self._create_company(name="Other House")
        product = self.env["product.product"].create({"name": "x", "type": "service"})
        self.env["lead.type"].create(
            {
                "name": "Other",
                "code": "OTHER",
                "company_id": company.id,
                "product_id": product.id,
            }
        )
        self.env.user.company_ids += company
        second, first = self.new_buyer("Second"), self.new_buyer("First")
        own = self.new_buyer("Own", company_id=self.company.id)
        self.merge(second, first)
        self.merge(own, first)
        self.assert_known("ref Second", first)
        self.assert_known("ref Second", first, company)
        self.assert_known("ref Own", first)
        refs = self.env["lead.buyer.ref"].search([("ref", "=", "ref Own")])
        self.assertEqual(refs.company_id, self.company)

    def test_leads_runs_and_documents_of_both_are_its_own(self):
        second, first = self.new_buyer("Second"), self.new_buyer("First")
        for buyer in (second, first):
            self.new_sale(buyer)
        self.generate(GENERATION)
        late = self.new_sale(second, at="2026-11-09T12:00:00Z")
        late._waive("test")
        self.new_sale(second, at="2026-11-09T12:00:00Z")
        self.merge(second, first)
        self.assertEqual(first.lead_sale_count, 4)
        self.assertEqual(first.lead_invoice_count, 2)
        self.assertEqual(first.lead_unbilled_amount, 10)
        self.assertTrue(late.waived and late.waiver_ids)
        self.generate(GENERATION + WEEK)
        self.assertEqual(first.lead_invoice_count, 3)
        self.assertEqual(first.lead_unbilled_amount, 0)

    def test_both_waiting_in_one_run_are_billed_once(self):
        second, first = self.new_buyer("Second"), self.new_buyer("First")
        sales = self.new_sale(second) + self.new_sale(first)
        run = (
            self.env["lead.invoice.run"]
            .sudo()
            .create(
                {
                    "company_id": self.company.id,
                    "window_end": GENERATION,
                    "tz": "UTC",
                    "posting": "post",
                    "include_earlier": True,
                }
            )
        )
        run._add_buyers(second + first)
        self.assertEqual(len(run.buyer_ids), 2)
        self.merge(second, first)
        self.generate(GENERATION)
        invoice = sales.invoice_id
        self.assertEqual(len(invoice), 1)
        self.assertEqual(invoice.amount_untaxed, 20)
        items = run.buyer_ids
        self.assertEqual(items.partner_id, first)
        self.assertEqual(sorted(items.mapped("state")), ["done", "skipped"])
        self.assertEqual(run.state, "done")


@tagged("post_install", "-at_install")
class TestBuyersCopied(GenerationCommon):
    """A contact that is copied is another buyer."""

    def test_the_platforms_name_stays_with_the_buyer_that_has_it(self):
        copy = self.buyer.copy()
        self.assertFalse(copy.ref)
        self.assertEqual(self.new_sale().partner_id, self.buyer)
        self.assertEqual(self.buyer.copy({"ref": "other"}).ref, "other")


@tagged("post_install", "-at_install")
class TestBuyersMoved(GenerationCommon):
    """A buyer comes to belong to another one: documents and figures are that one's."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.group = cls.new_buyer("Group")
        cls.shop = cls.env["res.partner"].create(
            {
                "name": "Shop",
                "ref": "ref Shop",
                "lead_billing_cycle_id": cls.cycle.id,
            }
        )

    def move_shop(self):
        self.shop.write({"parent_id": self.group.id, "is_company": False})
        self.env.invalidate_all()
        self.assertEqual(self.shop.commercial_partner_id, self.group)

    def test_all_figures_are_the_groups(self):
        self.new_sale(self.shop)
        self.generate(GENERATION)
        with freeze_time(GENERATION):
            self.new_sale(self.shop, at="2026-11-09T10:00:00Z")
            self.new_sale(self.group, at="2026-11-09T10:00:00Z", price="5.00")
        self.move_shop()
        with freeze_time(GENERATION):
            for partner in (self.group, self.shop):
                self.assertEqual(partner.lead_sale_count, 3)
                self.assertEqual(partner.lead_invoice_count, 1)
                self.assertEqual(partner.lead_unbilled_amount, 15)
                outlook = partner._get_upcoming_lead_invoice()
                self.assertEqual(outlook["amounts"][0][1], 15)
        unbilled = self.env["lead.unbilled"].search([])
        self.assertEqual(unbilled.partner_id, self.group)
        self.assertEqual(sum(unbilled.mapped("amount")), 15)
        for action, count in (
            (self.group.action_view_lead_sales(), 3),
            (self.group.action_view_lead_invoices(), 1),
            (unbilled.action_view_sales(), 2),
        ):
            records = self.env[action["res_model"]].search(action["domain"])
            self.assertEqual(len(records), count)

    def test_its_leads_are_billed_to_the_group_once(self):
        sales = self.new_sale(self.shop) + self.new_sale(self.group)
        self.move_shop()
        self.generate(GENERATION)
        invoice = sales.invoice_id
        self.assertEqual(len(invoice), 1)
        self.assertEqual(invoice.commercial_partner_id, self.group)
        self.assertEqual(invoice.amount_untaxed, 20)
        self.assert_ties_out(invoice)
        run = invoice.lead_run_id
        self.assertEqual(run.buyer_ids.partner_id, self.group)

    def test_what_the_group_was_billed_for_stays_there_when_it_leaves(self):
        sale = self.new_sale(self.shop)
        self.move_shop()
        self.generate(GENERATION)
        self.shop.write({"parent_id": False, "is_company": True})
        self.assertEqual(self.shop.commercial_partner_id, self.shop)
        self.assertEqual(sale.invoice_id.commercial_partner_id, self.group)
        self.assert_books_hold()

    def test_a_draft_with_leads_of_one_that_left_can_only_be_canceled(self):
        self.cycle.posting = "draft"
        self.new_sale(self.group)
        sale = self.new_sale(self.shop, lead_type="AUTO")
        self.move_shop()
        self.generate(GENERATION)
        self.shop.write({"parent_id": False, "is_company": True})
        self.assert_books_hold()
        with self.assertRaisesRegex(UserError, "Group, Shop.*Cancel it"):
            sale.invoice_id.action_post()
        sale.invoice_id.button_cancel()
        self.assertFalse(sale.invoice_id)

    def test_hold_and_minimum_are_the_groups(self):
        sale = self.new_sale(self.shop)
        self.move_shop()
        self.group.lead_billing_hold = True
        self.generate(GENERATION)
        self.assertEqual(
            (sale.billing_state, sale.unbilled_reason), ("unbilled", "hold")
        )
        self.group.lead_billing_hold = False
        self.group.lead_minimum_amount = 50
        self.generate(GENERATION + WEEK)
        self.assertEqual(sale.billing_state, "unbilled")
        self.new_sale(self.group, at="2026-11-17T12:00:00Z", price="45.00")
        self.generate(GENERATION + 2 * WEEK)
        self.assertEqual(sale.invoice_id.amount_untaxed, 55)

    def test_the_cycle_is_the_groups(self):
        sale = self.new_sale(self.shop)
        with freeze_time("2026-11-03 12:00"):
            self.group.lead_billing_cycle_id = self.cycle.copy({"frequency": "manual"})
        self.move_shop()
        self.generate(GENERATION)
        self.assertEqual(
            (sale.billing_state, sale.unbilled_reason), ("unbilled", "manual")
        )

    def test_by_hand_it_is_the_groups(self):
        sale = self.new_sale(self.shop)
        self.move_shop()
        with freeze_time("2026-11-12 12:00"):
            wizard = self.env["lead.invoice.wizard"].create(
                {"partner_ids": self.shop.ids, "posting": "post"}
            )
            wizard.action_preview()
            [line] = wizard.line_ids
            self.assertEqual((line.partner_id, line.amount), (self.group, 10))
            self.assertFalse(line.message)
            with self.enter_registry_test_mode(), self.registry.cursor() as cr:
                wizard.with_env(wizard.env(cr=cr)).action_invoice()
        self.env.invalidate_all()
        self.assertEqual(sale.invoice_id.commercial_partner_id, self.group)

    def test_one_that_waits_in_a_run_is_billed_to_the_group(self):
        sale = self.new_sale(self.shop)
        waiting = (
            self.env["lead.invoice.run"]
            .sudo()
            .create(
                {
                    "company_id": self.company.id,
                    "window_end": GENERATION,
                    "tz": "UTC",
                    "posting": "post",
                    "include_earlier": True,
                }
            )
        )
        waiting._add_buyers(self.shop)
        self.move_shop()
        self.cycle.next_generation_at = False
        self.generate(GENERATION)
        self.assertEqual(sale.invoice_id.lead_run_id, waiting)
        self.assertEqual(sale.invoice_id.commercial_partner_id, self.group)
        self.assertEqual(waiting.buyer_ids.partner_id, self.group)

    def test_who_joins_a_buyer_of_another_cycle_is_left_to_that_one(self):
        manual = self.cycle.copy({"name": "Manual", "frequency": "manual"})
        holding = self.new_buyer("Holding", lead_billing_cycle_id=manual.id)
        buyer = self.new_buyer("Joining")
        sales = self.new_sale(buyer) + self.new_sale(holding)
        account = buyer.property_account_receivable_id.copy()
        buyer.property_account_receivable_id = account
        account.active = False
        self.generate()
        item = self.env["lead.invoice.run.buyer"].search(
            [("partner_id", "=", buyer.id)]
        )
        self.assertEqual(item.state, "failed")
        buyer.write({"parent_id": holding.id, "is_company": False})
        self.env.flush_all()
        item.action_retry()
        self.assertFalse(self.generate(GENERATION + WEEK / 100))
        self.env.invalidate_all()
        self.assertEqual(item.state, "skipped")
        self.assertIn("Now belongs to Holding", item.message)
        self.assertEqual(sales.mapped("billing_state"), ["unbilled"] * 2)


@tagged("post_install", "-at_install")
class TestDocumentsOfContactsThatMoved(GivenBackCommon):
    """Odoo keeps on a document whom its customer belonged to; who belongs to whom
    changes, and money is given back once all the same, to whom it is due."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.group = cls.new_buyer("Group")

    def assert_credited_once(self, invoice):
        reversal = self.reverse(invoice)
        reversal.action_post()
        self.assertTrue(invoice.lead_credited)
        with self.assertRaises(UserError):
            self.reverse(invoice)
        return reversal

    def test_a_company_that_becomes_a_branch_is_credited_once(self):
        shop = self.new_buyer("Shop", parent_id=self.group.id)
        sale = self.new_sale(shop)
        invoice = self.generate()
        shop.is_company = False
        self.assertEqual(shop.commercial_partner_id, self.group)
        self.assert_credited_once(invoice)
        shop.is_company = True
        invoice._update_given_back()
        self.assertEqual(sale.billing_state, "credited")

    def test_a_person_that_joins_a_company_is_credited_once(self):
        person = self.new_buyer("Person", is_company=False)
        self.env["res.partner"].create(
            {"name": "Books", "type": "invoice", "parent_id": person.id}
        )
        self.new_sale(person)
        invoice = self.generate()
        person.parent_id = self.group
        self.assert_credited_once(invoice)

    def test_a_person_that_joined_and_left_is_credited_where_it_owes(self):
        person = self.new_buyer("Person", is_company=False)
        self.new_sale(person)
        invoice = self.generate()
        person.parent_id = self.group
        person.parent_id = False
        owing = invoice.commercial_partner_id
        self.assertEqual(self.owed(owing), 10)
        self.assert_credited_once(invoice)
        self.assertEqual(self.owed(owing), 0)

    def test_the_money_of_a_branch_that_left_is_its_old_companys(self):
        self.buyer.lead_invoice_split = "sub_account"
        self.company.lead_return_policy = "credit_note"
        branch = self.env["res.partner"].create(
            {"name": "Branch", "ref": "branch", "parent_id": self.buyer.id}
        )
        returned, kept = self.new_sale(branch), self.new_sale(branch, price="30")
        invoice = self.generate()
        self.assertEqual(invoice.partner_id, branch)
        branch.parent_id = self.group
        self.return_later(returned)
        credit_note = self.generate(self.SECOND)
        self.assertEqual(credit_note.commercial_partner_id, self.buyer)
        self.assertEqual(self.owed(), 30)
        again = self.invoice_again(invoice)
        self.assertEqual(invoice.reversal_move_ids.commercial_partner_id, self.buyer)
        self.assertEqual(self.owed(self.group), 0)
        again.action_post()
        self.assertEqual(kept.invoice_id.commercial_partner_id, self.buyer)
        self.assert_credited_once(again)
