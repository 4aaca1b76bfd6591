"""The overview: every figure is the sum of what it opens, and shows each what it may
see."""

import json

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .common.generation import GENERATION, WEEK
from .common.overview import NOW, OverviewCommon
from .common.web_client import WebClient

TILES = {
    "failed",
    "stopped",
    "review",
    "draft",
    "not_delivered",
    "no_cycle",
    "disputes",
    "balances",
    "silent",
}
PICTURES = {"next_runs", "billed", "unbilled", "returns"}


@tagged("post_install", "-at_install")
class TestOverview(OverviewCommon):
    def own(self, cards):
        """Leave out the cards of other addons."""
        return {code for code in cards if code in TILES | PICTURES | {"setup"}}

    # Tiles

    @freeze_time(NOW)
    def test_without_anything_all_is_calm_and_says_so(self):
        cards = self.get_cards()
        self.assertEqual(self.own(cards), TILES | PICTURES)
        for code in TILES - {"silent"} | PICTURES - {"next_runs"}:
            with self.subTest(card=code):
                self.assertTrue(cards[code].is_calm)
                self.assertTrue(cards[code].message)
                self.assertEqual(cards[code].figure_count, 0)
                self.assertFalse(cards[code].amounts)
        self.assertEqual(cards["not_delivered"].message, "Everything was delivered.")

    def test_buyers_that_could_not_be_invoiced(self):
        self.make_trouble()
        with self.at_noon():
            card = self.assert_failed("41.50")
            self.assertFalse(card.is_calm)
            # Sold since, it is no trouble of that run.
            self.new_sale(self.other_buyer, "5.00", at="2026-11-11T11:00:00Z")
            self.assert_failed("41.50")
            # What else keeps it from being billed takes nothing off it.
            self.other_buyer.lead_billing_hold = True
            self.assert_failed("41.50")

    def test_a_buyer_that_failed_twice_has_its_money_once(self):
        self.make_trouble()
        self.new_sale(self.other_buyer, "5.00", at="2026-11-11T11:00:00Z")
        self.generate(GENERATION + WEEK)
        with freeze_time(GENERATION + WEEK):
            card = self.get_card("failed")
            failed = self.open(card.action_open())
            self.assertEqual(card.figure_count, len(failed))
            self.assertEqual(failed.partner_id, self.other_buyer)
            last = failed.sorted("window_end")[-1]
            self.assertIn("46.50", card.amounts)
            self.assertIn("46.50", last.not_invoiced_summary)

    def assert_failed(self, amount):
        """The card of failures shows the one there is, with this money, as the list
        does that both of them open."""
        card = self.get_card("failed")
        self.assertEqual(card.figure_count, 1)
        for action in (card.action_open(), card.action_open_money()):
            failed = self.open(action)
            self.assertEqual(failed.partner_id, self.other_buyer)
            self.assertIn(amount, failed.not_invoiced_summary)
        self.assertIn(amount, card.amounts)
        return card

    def test_drafts_to_review_in_each_currency(self):
        euro = self.setup_other_currency("EUR")
        self.company.lead_review_zero_price = True
        for currency, price in (("USD", "7.00"), (euro.name, "5.50")):
            self.new_sale(price="0.00", currency=currency)
            self.new_sale(price=price, currency=currency)
        self.generate()
        with self.at_noon():
            card = self.assert_adds_up(
                "review",
                2,
                {"USD": 7.0, "EUR": 5.5},
                "amount_total_in_currency_signed",
            )
        self.assertIn("; ", card.amounts)

    def test_drafts_that_need_no_review_wait_to_be_confirmed(self):
        self.company.lead_review_zero_price = True
        self.new_sale(price="0.00")
        kept = self.generate()
        self.cycle.posting = "draft"
        self.new_sale(price="9.00", at="2026-11-10T12:00:00Z")
        self.generate(GENERATION + WEEK)
        with freeze_time(GENERATION + WEEK):
            card = self.assert_adds_up(
                "draft", 1, {"USD": 9.0}, "amount_total_in_currency_signed"
            )
            self.assertFalse(card.is_calm)
            review = self.get_card("review")
            self.assertEqual(self.open(review.action_open()), kept)

    def test_posted_and_not_delivered(self):
        move = self.new_invoices("12.50")
        move._set_lead_delivery_state("no_address")
        with self.at_noon():
            self.assert_adds_up(
                "not_delivered", 1, {"USD": 12.5}, "amount_total_in_currency_signed"
            )
            # What is on its way is no trouble.
            move._set_lead_delivery_state("handed_over")
            self.assertTrue(self.get_card("not_delivered").is_calm)

    def test_unbilled_without_a_cycle(self):
        buyer = self.new_buyer("Buyer N", lead_billing_cycle_id=False)
        self.new_sale(buyer, "10.00")
        self.new_sale(buyer, "11.00", lead_type="AUTO")
        self.new_sale()
        with self.at_noon():
            self.assert_adds_up(
                "no_cycle",
                2,
                {"USD": 21.0},
                number=lambda rows: sum(rows.mapped("sale_count")),
            )

    def test_a_stopped_run(self):
        self.new_sale()
        self.company.fiscalyear_lock_date = "2030-12-31"
        self.generate()
        with self.at_noon():
            self.assert_adds_up("stopped", 1, {"USD": 10.0})

    def test_open_disputes(self):
        first, second = self.new_invoices("12.50", "20.00")
        with freeze_time("2026-11-17 12:00"):
            for move in (first, second):
                dispute = self.env["lead.dispute"].create(
                    {"move_id": move.id, "scope": "whole", "reason": "Wrong"}
                )
            self.assert_adds_up("disputes", 2, {"USD": 32.5})
            dispute.action_withdraw()
            self.assert_adds_up("disputes", 1, {"USD": 12.5})

    @freeze_time(NOW)
    def test_balances_running_out(self):
        self.buyer.write(
            {
                "lead_billing_mode": "prepaid",
                "lead_balance_alerts": True,
                "lead_balance_early": 500,
                "lead_balance_low": 100,
            }
        )
        self.deposit(1000)
        self.buyer._follow_lead_balances()
        self.assertTrue(self.get_card("balances").is_calm)
        for price in ("600.00", "350.00"):
            self.new_sale(price=price)
            self.buyer._follow_lead_balances()
        card = self.get_card("balances")
        self.assertEqual(card.figure_count, 1)
        level = self.open(card.action_open())
        self.assertEqual((level.partner_id, level.level), (self.buyer, "low"))
        # What is left now, in the list as on the card.
        self.new_sale(price="20.00")
        self.env.invalidate_all()
        self.assertEqual(level.balance, 50)
        self.assertEqual(level.balance_now, 30)
        self.assertIn("30.00", self.get_card("balances").amounts)
        self.assertEqual(level.action_view_buyer()["res_id"], self.buyer.id)
        with self.assertRaises(AccessError):
            level.with_user(self.plain_user).action_view_buyer()
        # Whoever does not prepay any longer is nobody to look after.
        self.buyer.lead_billing_mode = "credit"
        self.assertTrue(self.get_card("balances").is_calm)

    @freeze_time(NOW)
    def test_a_platform_that_fell_silent(self):
        card = self.get_card("silent")
        self.assertFalse(card.is_calm or card.figure)
        self.assertIn("Settings", card.message)
        with freeze_time("2026-11-10 18:00"):
            sale = self.new_sale()
        self.company.lead_feed_silence_hours = 24
        self.assertTrue(self.get_card("silent").is_calm)
        self.company.lead_feed_silence_hours = 12
        with self.enter_registry_test_mode():
            self.env.ref("lead_invoicing.ir_cron_watch_feed").method_direct_trigger()
        self.env.invalidate_all()
        self.assertTrue(self.company.lead_feed_is_silent)
        card = self.get_card("silent")
        self.assertEqual((card.figure, card.is_calm), ("Silent", False))
        self.assertIn(self.company.name, card.message)
        self.assertEqual(self.open(card.action_open()), sale)

    # Pictures

    def get_graph(self, code):
        card = self.get_card(code)
        graph = json.loads(card.graph)
        return (
            card,
            graph["labels"],
            {dataset["label"]: dataset["values"] for dataset in graph["datasets"]},
        )

    def test_billed_per_month_by_lead_type(self):
        self.new_sale(price="10.00", lead_type="AUTO")
        sale = self.new_sale(price="5.00")
        self.new_return(sale)
        self.new_sale(price="7.00")
        self.generate()
        self.new_sale(price="4.00", at="2026-12-01T12:00:00Z")
        self.generate(GENERATION + 4 * WEEK)
        with freeze_time("2026-12-10 12:00"):
            card, labels, datasets = self.get_graph("billed")
            self.assertEqual(labels[-2:], ["Nov 26", "Dec 26"])
            self.assertEqual(len(labels), 12)
            self.assertEqual(datasets["Auto Insurance"][-2:], [10.0, 0.0])
            self.assertEqual(datasets["Online Degree"][-2:], [7.0, 4.0])
            self.assertIn("4.00", card.message)
            lines = self.open(card.action_open())
            self.assertEqual(sum(lines.mapped("price_subtotal_currency")), 21.0)
            self.assertEqual(card.action_open()["views"][0][1], "graph")

    def test_what_was_reversed_was_not_billed(self):
        sale = self.new_sale(price="5.00")
        self.new_sale(price="7.00")
        first = self.generate()
        self.new_return(sale, at="2026-11-11T12:00:00Z")
        self.new_sale(price="4.00", at="2026-11-11T12:00:00Z")
        self.generate(GENERATION + WEEK)
        with self.at_noon():
            _card, _labels, datasets = self.get_graph("billed")
            self.assertEqual(datasets["Online Degree"][-1], 11.0)
            first._reverse_moves(cancel=True)
            self.assertTrue(first.lead_credited)
            card, _labels, datasets = self.get_graph("billed")
            self.assertEqual(datasets["Online Degree"][-1], 4.0)
            lines = self.open(card.action_open())
            self.assertEqual(sum(lines.mapped("price_subtotal_currency")), 4.0)

    def test_currencies_stand_beside_each_other_and_are_opened_as_a_table(self):
        euro = self.setup_other_currency("EUR")
        self.new_sale(price="10.00")
        self.new_sale(price="8.00", currency=euro.name)
        with self.at_noon():
            card = self.get_card("unbilled")
            datasets = json.loads(card.graph)["datasets"]
            self.assertEqual(
                {(dataset["label"], dataset["stack"]) for dataset in datasets},
                {("Next invoice (EUR)", "EUR"), ("Next invoice (USD)", "USD")},
            )
            self.assertEqual(card.action_open()["views"][0][1], "pivot")
        self.generate()
        with self.at_noon():
            card, _labels, datasets = self.get_graph("billed")
            self.assertEqual(datasets["Online Degree (EUR)"][-1], 8.0)
            self.assertEqual(datasets["Online Degree (USD)"][-1], 10.0)
            self.assertEqual(card.action_open()["views"][0][1], "pivot")

    def test_return_rate_per_month(self):
        sales = [self.new_sale(price="5.00") for _number in range(8)]
        self.new_return(sales[0])
        self.new_return(sales[1], "2.00")
        self.generate()
        with self.at_noon():
            card, _labels, datasets = self.get_graph("returns")
            self.assertEqual(json.loads(card.graph)["type"], "line")
            (rates,) = datasets.values()
            self.assertEqual(rates, [None] * 11 + [12.5])
            self.assertIn("12.5%", card.message)
            self.assertIn("no leads", card.message)
            action = card.action_open()
            lines = self.open(action)
            self.assertEqual(sum(lines.mapped("lead_purchased_count")), 8)
            self.assertEqual(sum(lines.mapped("lead_returned_count")), 1)
            # What it opens relates them as it does.
            ((month, rate),) = lines._read_group(
                action["domain"], ["invoice_date:month"], ["lead_return_rate:avg"]
            )
            self.assertEqual((month.month, rate), (11, 12.5))

    def test_unbilled_by_age_and_reason(self):
        self.new_sale(price="10.00", at="2026-10-20T12:00:00Z")
        self.new_sale(price="11.00", at="2026-11-10T12:00:00Z")
        buyer = self.new_buyer("Buyer N", lead_billing_cycle_id=False)
        self.new_sale(buyer, "3.00", at="2026-11-10T12:00:00Z")
        with self.at_noon():
            card, labels, datasets = self.get_graph("unbilled")
            self.assertEqual(labels[:2], ["Up to 7 days", "8 to 30 days"])
            self.assertEqual(
                datasets,
                {
                    "Next invoice": [11.0, 10.0, 0.0, 0.0],
                    "No billing cycle": [3.0, 0.0, 0.0, 0.0],
                },
            )
            self.assertIn("24.00", card.amounts)
            rows = self.open(card.action_open())
            self.assertEqual(sum(rows.mapped("amount")), 24.0)

    def test_the_next_runs_with_the_amount_expected(self):
        self.new_sale(price="10.00", at="2026-11-05T12:00:00Z")
        # After the end of the period that is invoiced next.
        later = self.new_sale(price="11.00", at="2026-11-09T10:00:00Z")
        with freeze_time("2026-11-09 10:30"):
            card = self.get_card("next_runs")
            (row,) = json.loads(card.table)
            self.assertEqual(row["name"], "Weekly")
            self.assertIn("10.00", row["amounts"])
            self.assertIn("Nov 9, 2026", row["text"])
            self.assertIn("10.00", card.amounts)
            rows = self.open(card.action_open())
            self.assertEqual(sum(rows.mapped("amount")), 10.0)
            # What is not in it is a row of its own, and opens its transactions.
            row = self.env["lead.unbilled"].search([("in_next_run", "=", False)])
            self.assertEqual(self.open(row.action_view_sales()), later)
            self.assertEqual(
                self.open(rows.action_view_sales()).mapped("amount"), [10.0]
            )
        self.generate()
        with freeze_time("2026-11-09 12:00"):
            self.assertIn("11.00", self.get_card("next_runs").amounts)

    def test_cycles_and_lead_types_of_several_companies_are_told_apart(self):
        abroad = self._create_company(name="Other House")
        self.env["lead.billing.cycle"].create(
            {"name": "Weekly", "frequency": "weekly", "company_id": abroad.id}
        )
        clerk = self.billing_user
        clerk.company_ids += abroad
        with self.at_noon():
            both = self.get_card("next_runs", companies=self.company | abroad)
            self.assertEqual(
                {row["name"] for row in json.loads(both.table)},
                {f"Weekly ({self.company.name})", "Weekly (Other House)"},
            )
            one = self.get_card("next_runs", companies=self.company)
            self.assertEqual([row["name"] for row in json.loads(one.table)], ["Weekly"])
        # So are lead types, of which each has its bars.
        other = self.auto.copy({"company_id": abroad.id, "name": self.auto.name})
        values = {(self.auto, abroad.currency_id): [1.0]}
        graph = json.loads(both._prepare_graph(["Nov"], values))
        self.assertEqual(graph["datasets"][0]["label"], self.auto.name)
        values[other, abroad.currency_id] = [2.0]
        graph = json.loads(both._prepare_graph(["Nov"], values))
        self.assertEqual(
            [bar["label"] for bar in graph["datasets"]],
            [
                f"{self.auto.name} ({self.company.name})",
                f"{self.auto.name} (Other House)",
            ],
        )

    def test_a_zone_that_the_server_no_longer_knows(self):
        self.new_sale()
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE lead_billing_cycle SET tz = 'Mars/Base' WHERE id = %s",
            [self.cycle.id],
        )
        self.env.invalidate_all()
        with self.at_noon():
            (row,) = json.loads(self.get_card("next_runs").table)
        self.assertIn("Mars/Base", row["text"])

    # Who sees what

    def test_set_up_is_for_managers_until_it_is_done(self):
        self.assertNotIn("setup", self.get_cards())
        card = self.get_card("setup", self.manager)
        self.assertFalse(card.is_calm)
        self.assertEqual(card.action_open()["res_model"], "lead.setup")
        self.company.lead_setup_hidden = True
        self.assertNotIn("setup", self.get_cards(self.manager))

    def test_others_see_nothing(self):
        accountant = new_test_user(
            self.env,
            login="overview_accountant",
            groups="account.group_account_invoice",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        card = self.get_card("failed")
        for user in (accountant, self.integrator, self.plain_user, self.portal_user):
            other = card.with_user(user)
            with self.subTest(user=user.login):
                for look in (
                    lambda user=user: self.get_cards(user),
                    lambda other=other: other.read(["figure"]),
                    other.action_open,
                    other.action_open_money,
                ):
                    with self.assertRaises(AccessError):
                        look()

    def test_cards_are_read_only(self):
        card = self.get_card("failed", self.manager)
        for change in (
            lambda: card.write({"name": "X"}),
            card.unlink,
            lambda: card.create({"name": "X", "code": "x"}),
        ):
            with self.assertRaises(AccessError):
                change()

    def test_figures_are_of_the_selected_companies(self):
        self.make_trouble()
        abroad = self._create_company(name="Other House")
        user = new_test_user(
            self.env,
            login="overview_abroad",
            groups="lead_invoicing.group_user",
            company_id=abroad.id,
            company_ids=[Command.set((abroad + self.company).ids)],
        )
        with self.at_noon():
            for code, card in self.get_cards(user, abroad).items():
                with self.subTest(card=code):
                    self.assertEqual(card.figure_count, 0)
                    self.assertFalse(card.amounts)
                    if card.kind == "graph":
                        self.assertTrue(card.is_calm)
            both = self.get_cards(user, abroad + self.company)
            self.assertEqual(both["failed"].figure_count, 1)
            self.assertEqual(both["review"].figure_count, 1)
            stranger = self.get_cards(user, self.company)
            self.assertEqual(stranger["failed"].figure_count, 1)

    # How much it asks

    @freeze_time(NOW)
    def test_it_asks_as_often_for_many_as_for_few(self):
        client = WebClient(self.env(user=self.billing_user, su=False))
        call = client.open_action("lead_invoicing.action_lead_overview", mode="kanban")

        def count():
            client.run(call)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            client.run(call)
            return self.env.cr.sql_log_count - before

        buyers = [self.new_buyer(f"Many {number}") for number in range(12)]
        for buyer in buyers[:2]:
            self.new_sale(buyer)
        self.generate()
        few = count()
        for buyer in buyers[2:]:
            self.new_sale(buyer)
            self.new_sale(buyer, at="2026-11-10T12:00:00Z")
            buyer.copy({"name": f"Of {buyer.name}", "ref": f"Of {buyer.ref}"})
        self.generate(GENERATION + WEEK)
        self.assertLessEqual(count(), few)


@tagged("post_install", "-at_install")
class TestMeasures(OverviewCommon):
    """What *Analysis* measures of the ledger."""

    def setUp(self):
        super().setUp()
        self.ledger = self.env["lead.sale"].with_user(self.billing_user)
        sales = [self.new_sale(price="10.00") for _number in range(4)]
        self.new_return(sales[0])
        self.new_return(sales[1], "4.00")
        self.new_sale(
            type="correction",
            origin_external_ref=sales[2].external_ref,
            price="7.00",
            at="2026-11-06T12:00:00Z",
        )

    def test_purchased_and_returned_add_up_to_the_net_amount(self):
        names = ["purchased_amount", "returned_amount", "amount"]
        sums = [f"{name}:sum" for name in names]
        ((purchased, returned, net, rate),) = self.ledger._read_group(
            [], [], [*sums, "return_rate:avg"]
        )
        # A corrected price is no return, a price adjustment no lead returned.
        self.assertEqual((purchased, returned, net), (37.0, -14.0, 23.0))
        self.assertEqual(rate, 25.0)
        for name, expected in zip(names, (purchased, returned, net), strict=True):
            self.assertEqual(sum(self.ledger.search([]).mapped(name)), expected)

    def test_what_adds_up_to_nothing_is_no_measure(self):
        fields = self.ledger.fields_get()
        measures = {
            name
            for name, field in fields.items()
            if field.get("aggregator") and field["type"] in ("float", "monetary")
        }
        self.assertEqual(
            measures,
            {"amount", "purchased_amount", "returned_amount", "return_rate"},
        )
        self.assertFalse(fields["return_number"].get("aggregator"))

    def test_technical_fields_are_not_offered_for_grouping(self):
        fields = self.ledger.fields_get(attributes=["groupable", "store"])
        offered = {
            name
            for name, field in fields.items()
            if field["groupable"] and not name.startswith("date")
        }
        self.assertFalse(offered & {"row_hash", "create_uid", "invoice_line_id"})
        self.assertTrue(offered >= {"campaign", "lead_type_id", "partner_id"})

    def test_pivot_and_graph_open(self):
        client = WebClient(self.env(user=self.billing_user, su=False))
        call = client.open_pivot("lead_invoicing.action_lead_sale_analysis")
        call.values["domain"] = []
        total = client.run(call)[0][0]
        self.assertEqual(total["purchased_amount:sum"], 37.0)
        self.assertEqual(total["return_rate:avg"], 25.0)

    def test_a_ledger_offers_no_duplicate(self):
        for kind in ("list", "form"):
            arch = self.ledger.get_view(view_type=kind)["arch"]
            self.assertIn('duplicate="0"', arch)


@tagged("post_install", "-at_install")
class TestUnbilledScreen(OverviewCommon):
    def get_help(self):
        actions = self.env["ir.actions.act_window"].with_user(self.billing_user)
        return actions._for_xml_id("lead_invoicing.action_lead_unbilled")["help"]

    def test_without_any_lead_it_says_where_to_begin(self):
        self.assertIn("No leads yet", self.get_help())
        self.assertIn("action_server_lead_setup", self.get_help())
        self.new_sale()
        self.assertIn("All leads are billed", self.get_help())

    def test_one_row_a_buyer_within_a_reason_with_totals(self):
        for at in ("2026-10-20T12:00:00Z", "2026-11-10T12:00:00Z"):
            self.new_sale(at=at)
        client = WebClient(self.env(user=self.billing_user, su=False))
        with self.at_noon():
            call = client.open_action("lead_invoicing.action_lead_unbilled")
            self.assertEqual(call.values["groupby"], ["reason", "partner_id"])
            (reason,) = client.run(call)["groups"]
            self.assertEqual(reason["amount:sum"], 20.0)
            by_buyer = client.open_action(
                "lead_invoicing.action_lead_unbilled", groupby=["partner_id"]
            )
            (buyer,) = client.run(by_buyer)["groups"]
            self.assertEqual(buyer["sale_count:sum"], 2)
