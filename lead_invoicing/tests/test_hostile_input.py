"""Whatever a program, a link or a person writes is answered by a sentence."""

import base64
import json

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import new_test_user

from .common.rights import RightsCommon

NO_DAYS = (
    *("9999-12-31", "0001-01-01", "2201-01-01", "1969-12-31", "nonsense", "2026-13-01"),
    *(
        " ",
        "\ud800",
        "\x00",
        5,
        1.5,
        float("nan"),
        10**30,
        True,
        ["2026-01-01"],
        {"a": 1},
    ),
)
NO_IDS = ("x", 5, -1, [0], [-1], ["1"], [2**31], [None], [[1]], {"a": 1}, [1.5], [True])
NO_DEFINITIONS = (
    *("x", "5", '{"name": "a"}', 5, 1.5, True, {"name": "a"}, ["x"], [None], [[]]),
    *([{}], [{"name": 5, "type": "char"}], [{"name": "a"}]),
    *([{"name": "a", "type": []}], [{"name": [], "type": "char"}]),
    [{"name": "a", "type": "char", "nonsense": 1}],
    [{"name": "a", "type": "char"}, {"name": "a", "type": "char"}],
    [{"name": "a", "type": "selection", "selection": "x"}],
    [{"name": "a", "type": "selection", "selection": [[[], "x"]]}],
    [{"name": "a", "type": "tags", "tags": [["x", "y"]]}],
    *([{"name": "a", "type": "char", "string": odd}] for odd in (5, ["x"], {"x": 1})),
    *([{"name": "a", "type": "char", "string": odd}] for odd in ("x\x00", "\ud800")),
    [{"name": "a", "type": "selection", "selection": [[5, "b"]]}],
    [{"name": "a", "type": "selection", "selection": [["b", None]]}],
    [{"name": "a", "type": "selection", "selection": [["b\x00", "b"]]}],
    [{"name": "a", "type": "selection", "selection": 5}],
    [{"name": "a", "type": "tags", "tags": [["b", 5, 1]]}],
    [{"name": "a", "type": "tags", "tags": 5}],
    "[" * 100_000,
)
NO_CHOICES = (
    *("x", 5, [1], ["columns"], {"columns": 5}, {"columns": "x"}, {"columns": [1]}),
    *({"columns": {"x": 5}}, {"lead_type_id": []}, {"lead_type_id": "x"}),
    *({"lead_type_id": 2**40}, {"transaction_type": "x"}, {"transaction_type": [1]}),
)


class TestHostileInput(RightsCommon):
    def setUp(self):
        super().setUp()
        self.new_sale()
        self.env.flush_all()

    def assert_sentence(self, method, *args, **kwargs):
        """It is refused by a sentence, not by a failure."""
        with self.assertRaises(UserError) as caught:
            method(*args, **kwargs)
        self.assertRegex(str(caught.exception), r"\w.*[.:]")

    def test_invoicing_by_hand(self):
        wizards = self.env["lead.invoice.wizard"].with_user(self.manager)
        for value in NO_DAYS:
            for name in ("default_date_from", "default_date_to"):
                with self.subTest(name=name, value=value):
                    opened = wizards.with_context(**{name: value})
                    self.assert_sentence(opened.default_get, ["date_to"])
                    self.assert_sentence(opened.create, {})
        for day in ("9999-12-31", "0001-01-01"):
            for vals in (
                {"date_from": "2026-01-01", "date_to": day},
                {"date_from": day, "date_to": "2026-01-01"},
            ):
                with self.subTest(**vals):
                    wizard = wizards.create(vals)
                    self.assert_sentence(wizard.action_preview)
                    self.assert_sentence(wizard.action_invoice)
        for ids in NO_IDS:
            with self.subTest(ids=ids):
                opened = wizards.with_context(
                    active_model="res.partner", active_ids=ids
                )
                self.assert_sentence(opened.default_get, ["partner_ids"])

    def test_releasing(self):
        wizards = self.env["lead.sale.release.wizard"].with_user(self.manager)
        for ids in NO_IDS:
            with self.subTest(ids=ids):
                opened = wizards.with_context(active_ids=ids)
                self.assert_sentence(opened.default_get, ["invoice_ids"])

    def test_time_zones(self):
        manager = self.manager
        cycle = self.cycle.with_user(manager)
        for value in ("Mars/Phobos", "\x00", 5, 1.5, True, ["UTC"], {"a": 1}, [[]]):
            with self.subTest(value=value):
                vals = {"name": "Cycle", "tz": value}
                self.assert_sentence(cycle.create, vals)
                self.assert_sentence(cycle.write, {"tz": value})
                self.assert_sentence(self.company.write, {"lead_tz": value})
                settings = self.env["res.config.settings"]
                self.assert_sentence(settings.create, {"lead_tz": value})
                setup = self.env["lead.setup"].with_user(manager)
                self.assert_sentence(setup.create, {"tz": value})
        for value in ({}, [], False, 0, ""):
            with self.subTest(value=value):
                self.assert_sentence(cycle.create, {"name": "Cycle", "tz": value})

    def test_unbilled_as_of(self):
        for value in NO_DAYS:
            for name in ("unbilled_as_at", "unbilled_known_at"):
                with self.subTest(name=name, value=value):
                    context = {name: value}
                    report = (
                        self.env["lead.unbilled.as.at"]
                        .with_user(self.manager)
                        .with_context(**context)
                    )
                    self.assert_sentence(report.search_count, [])
                    self.assert_sentence(
                        report.formatted_read_group, [], ["age"], ["amount:sum"]
                    )
                    sales = (
                        self.env["lead.sale"]
                        .with_user(self.manager)
                        .with_context(**context)
                    )
                    self.assert_sentence(sales.search, [("was_unbilled", "=", True)])
        for vals in (
            {"as_at": "9999-12-31"},
            {"as_at": "0001-01-01"},
            {"known_at": "9999-12-31 23:59:59"},
        ):
            wizard = (
                self.env["lead.unbilled.as.at.wizard"]
                .with_user(self.manager)
                .create(vals)
            )
            self.assert_sentence(wizard.action_view)

    def test_totals_of_the_platform(self):
        totals = self.env["lead.control.totals"].with_user(self.manager)
        for content in (b"abc", b"a=b", b"%%%", base64.b64encode(b"\xff\xfe\x00")):
            with self.subTest(content=content):
                wizard = totals.create({"platform_file": content})
                self.assert_sentence(wizard.action_show)
        for text in ("\n".join("x" * 100_000), "day\n1", "day,type\n" * 3):
            with self.subTest(text=text[:20]):
                wizard = totals.create({"platform_text": text})
                self.assert_sentence(wizard.action_show)
        for day in ("9999-12-31", "0001-01-01"):
            for name in ("date_from", "date_to"):
                wizard = totals.create({name: day})
                self.assert_sentence(wizard.action_show)

    def test_days_of_control_totals(self):
        ledger = self.env["lead.sale"].with_user(self.manager)
        for value in (*NO_DAYS, None, False, ""):
            with self.subTest(value=value):
                self.assert_sentence(ledger.control_totals, value, "2026-11-30")
                self.assert_sentence(ledger.control_totals, "2026-11-01", value)

    def test_definitions_of_lead_data(self):
        lead_types = self.env["lead.type"].with_user(self.manager)
        edu = self.edu.with_user(self.manager)
        before = self.edu.lead_properties_definition
        for definition in NO_DEFINITIONS:
            with self.subTest(definition=definition):
                vals = {"lead_properties_definition": definition}
                self.assert_sentence(edu.write, vals)
                self.assert_sentence(
                    lead_types.create,
                    {
                        "name": "X",
                        "code": "X",
                        "product_id": self.edu.product_id.id,
                        **vals,
                    },
                )
        generated = {"name": "0123456789abcdef", "type": "char"}
        for properties in (
            *(["x"], [None], [[]], [5], [{"name": 5}], [{"name": []}], [{}]),
            *([{**generated, "string": 5}], [{**generated, "string": "x\x00"}]),
        ):
            with self.subTest(properties=properties):
                self.assert_sentence(edu.write, {"lead_data_example": properties})
        self.assertEqual(self.edu.lead_properties_definition, before)
        # A definition as text is one, too.
        edu.write({"lead_properties_definition": '[{"name": "b", "type": "char"}]'})
        self.env.flush_all()

    def test_a_label_that_is_none_costs_no_other_row(self):
        """Also where it was stored before labels were checked."""
        odd = [
            {"name": "a", "type": "char", "string": 5},
            {"name": "b", "type": "char"},
        ]
        self.env.cr.execute(
            "UPDATE lead_type SET lead_properties_definition = %s WHERE id = %s",
            [json.dumps(odd), self.edu.id],
        )
        self.env.invalidate_all()
        answers = self.record(
            self.sale_vals("A1", lead_type="EDU", lead_data={"Foo": "x"}),
            self.sale_vals("A2", lead_type="EDU", lead_data={"a": "x", "b": "y"}),
        )
        self.assertEqual([a["status"] for a in answers], ["error", "created"])
        self.assertIn("is not a field", answers[0]["message"])
        self.env.user.group_ids |= self.env.ref("lead_invoicing.group_lead_data")
        example = self.env["lead.sale"]._get_sample_lead_data(self.edu)
        self.assertEqual(example, {"a": "5", "b": "b"})

    def test_lists_of_lead_data(self):
        """What a program sends as Odoo has it, with no more than names and values."""
        known = self.new_sale()
        ledger = self.env["lead.sale"]
        good = {
            "external_ref": "listed",
            "partner_id": self.buyer.id,
            "lead_type_id": self.edu.id,
            "price": 5,
        }
        definition = self.edu.lead_properties_definition
        named = [{"name": "first_name", "value": "Bob"}]
        odd_kinds = ({"type": 5}, {"type": "char", "string": 5}, {"type": "selection"})
        for value in (named, *([{**named[0], **kind}] for kind in odd_kinds)):
            with self.subTest(value=value):
                known.write({"lead_data": value})
                self.env.flush_all()
                self.env.invalidate_all()
                self.assertEqual(known.lead_data["first_name"], "Bob")
                known.write({"lead_data": {}})
                created = ledger.create({**good, "lead_data": value})
                self.assertEqual(created.lead_data["first_name"], "Bob")
                created.unlink()
        changed = {
            "name": "a",
            "type": "char",
            "value": "x",
            "definition_changed": True,
        }
        for value in (
            *([{"value": "x"}], [{"name": 5, "value": "x"}], [{}], named * 2),
            *([{"name": ["x"], "value": "a"}], [{"name": None, "value": "x"}]),
            [{"name": "nonsense", "type": "char", "value": "x"}],
            *([{**changed, "name": []}], [{**changed, "name": 5}]),
            *(
                [{**changed, "string": 5}],
                [{**changed, "type": "selection", "selection": "abc"}],
            ),
            [{**changed, "type": "selection", "selection": 5}],
        ):
            with self.subTest(value=value):
                self.assert_sentence(known.write, {"lead_data": value})
                self.assert_sentence(ledger.create, {**good, "lead_data": value})
        self.assertEqual(self.edu.lead_properties_definition, definition)

    def test_names_of_properties(self):
        for name in (5, None, [], "x", "price", "price.x", {"a": 1}):
            with self.subTest(name=name):
                self.assert_sentence(
                    self.env["lead.sale"].get_property_definition, name
                )
        self.assertFalse(self.env["lead.sale"].get_property_definition("lead_data.\0"))

    def test_numbers_of_a_buyer_and_of_what_bills_it(self):
        buyer = self.buyer.with_user(self.billing_user)
        names = ("lead_balance_early", "lead_balance_low", "lead_balance_empty")
        for name in (*names, "lead_minimum_amount"):
            for value in (float("nan"), float("inf"), 10**400, "x", ["x"]):
                with self.subTest(name=name, value=str(value)[:20]):
                    self.assert_sentence(buyer.write, {name: value})
                    self.assert_sentence(buyer.create, {"name": "New", name: value})
        cycles = self.env["lead.billing.cycle"].with_user(self.manager)
        cycle = self.cycle.with_user(self.manager)
        charge = self.env["lead.billing.charge"].create(
            {
                "kind": "tier",
                "product_id": self.edu_product.id,
                "tier_ids": [Command.create({"from_count": 1, "price": 1})],
            }
        )
        tier = charge.tier_ids.with_user(self.manager)
        for value in (2**40, 2**31, -(2**40), "x", ["x"], float("nan")):
            with self.subTest(value=value):
                vals = {"interval": value}
                self.assert_sentence(cycles.create, {"name": "X", "tz": "UTC", **vals})
                self.assert_sentence(cycle.write, vals)
                vals = {"from_count": value}
                self.assert_sentence(tier.write, vals)
                self.assert_sentence(
                    tier.create, {"charge_id": charge.id, "price": 1, **vals}
                )

    def test_steps_of_getting_started(self):
        setup = self.env["lead.setup"].with_user(self.manager).create({})
        for value in (["x"], {"a": 1}, 5, None, "nonsense"):
            with self.subTest(value=value):
                opened = setup.with_context(lead_setup_step=value)
                self.assert_sentence(opened.action_open_step)

    def test_values_of_a_transaction(self):
        """A new one and a recorded one, over any way."""
        ledger = self.env["lead.sale"]
        good = {
            "external_ref": "odd",
            "partner_id": self.buyer.id,
            "lead_type_id": self.edu.id,
            "price": 5,
        }
        known = self.new_sale()
        odd = (-1, 1.5, True, float("nan"), 1e308, 10**400, "x\x00", "\ud800")
        odd = (*odd, ["x"], [None], [[]], {"a": 1}, (4, 5), "x" * 20_000)
        names = ("partner_id", "lead_type_id", "currency_id", "origin_id", "date")
        for name in (*names, "price", "company_id", "transaction_type", "lead_data"):
            for value in odd:
                if name == "price" and value == 1.5:
                    continue
                with self.subTest(name=name, value=str(value)[:20]):
                    self.assert_sentence(ledger.create, {**good, name: value})
        for name in ("price", "date", "transaction_type", "lead_data"):
            for value in odd:
                with self.subTest(known=name, value=str(value)[:20]):
                    self.assert_sentence(known.write, {name: value})
        for name in ("reason", "campaign", "lead_ref"):
            for value in set(map(str, odd)) - {str(odd[0])}:
                if not value.isprintable() or len(value) > 10_000:
                    with self.subTest(known=name, value=value[:20]):
                        self.assert_sentence(known.write, {name: value})
            for value in ([1], {"a": 1}, True, 1.5):
                self.assert_sentence(known.write, {name: value})
        known.write({"reason": "because", "campaign": " spring ", "lead_ref": 5})
        self.assertEqual((known.campaign, known.lead_ref), ("spring", "5"))

    def test_remembered_choices(self):
        user = new_test_user(
            self.env,
            login="chooser",
            groups="lead_invoicing.group_user,lead_invoicing.group_lead_data",
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
        )
        settings = self.env["res.users.settings"]._find_or_create_for_user(user)
        wizards = self.env["lead.invoicing.report.wizard"].with_user(user)
        for choices in NO_CHOICES:
            with self.subTest(choices=choices):
                settings.lead_report_choices = choices
                wizard = wizards.create({"partner_id": self.buyer.id})
                self.assertEqual(wizard.lead_type_id, self.edu)
                wizard.write({"transaction_type": "sale"})
                self.assertEqual(
                    settings.lead_report_choices["transaction_type"], "sale"
                )
        wizard = wizards.create({"partner_id": self.buyer.id})
        for vals in (
            {"date_from": "9999-12-31", "date_to": False},
            {"date_to": "9999-12-31", "date_from": False},
            {"date_from": "0001-01-01"},
            {"page": 2**31 - 1},
            {"page": -5},
        ):
            wizard.write(vals)
            self.assertTrue(wizard.content)
            self.assertTrue(wizard.display_name)

    def test_a_search_for_a_person(self):
        for text in (
            "x" * 100_000,
            "1" * 100_000,
            "y x " * 25_000,
            "\n".join(["ada byron"] * 10_000),
        ):
            with self.subTest(text=text[:10]):
                wizard = (
                    self.env["lead.erasure.wizard"].with_user(self.manager).create({})
                )
                wizard.sudo().texts = text
                self.assert_sentence(wizard.sudo().action_search)
        # What is allowed can be searched for.
        wizard = self.env["lead.erasure.wizard"].create(
            {"texts": "\n".join(f"{'(é' * 95}{n}" for n in range(50))}
        )
        wizard.action_search()
