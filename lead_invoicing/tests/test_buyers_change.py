from datetime import datetime

from freezegun import freeze_time

from odoo.tests import tagged

from .common.generation import GENERATION, WEEK, GenerationCommon


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
