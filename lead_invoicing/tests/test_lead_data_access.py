"""Who is not in the group *see lead data* sees none, whatever is asked for."""

import json

from odoo import Command
from odoo.exceptions import AccessError, UserError

from .common.rights import RightsCommon

DATA = {"first_name": "Ada", "email": "ada@byron.example", "program": "Mathematics"}
SECRETS = ("Ada", "ada@byron.example", "Mathematics", "first_name", "First Name")
FIELD = "lead_data"
PROPERTY = "lead_data.first_name"
FOUND = [(PROPERTY, "=", "Ada")]


class TestLeadDataAccess(RightsCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.officer = cls.new_user(
            "officer", "lead_invoicing.group_manager,lead_invoicing.group_lead_data"
        )
        cls.anyone = [
            cls.billing_user,
            cls.manager,
            cls.accountant,
            cls.integrator,
            cls.portal_user,
            cls.other_portal_user,
            cls.public_user,
            cls.stranger,
        ]
        exporting = cls.env.ref("base.group_allow_export")
        for user in (cls.officer, *cls.anyone[:4], cls.stranger):
            user.group_ids += exporting

    def test_an_exported_lead_type_is_imported_again_with_its_fields(self):
        field = "lead_properties_definition"
        definition = self.auto[field]
        types = self.env["lead.type"].with_user(self.manager)
        exported = self.auto.with_user(self.manager).export_data([field])["datas"][0][0]
        rows = [
            ("A", str(exported)),
            ("B", json.dumps(definition)),
            ("C", ""),
        ]
        for code, text in rows:
            names = ["name", "code", "product_id/.id", field]
            row = ["Copy", code, str(self.auto_product.id), text]
            result = types.load(names, [row])
            self.assertTrue(result["ids"], result["messages"])
            stored = types.browse(result["ids"])[field]
            self.assertEqual(stored, definition if text else [])
        for text in ("first_name", "[1]", "{", "5"):
            with self.subTest(text=text):
                row = ["Copy", "D", str(self.auto_product.id), text]
                messages = types.load(names, [row])["messages"]
                self.assertRegex(messages[0]["message"], "lead.data")

    def setUp(self):
        super().setUp()
        self.sale = self.new_sale(lead_data=DATA)
        self.env.flush_all()
        self.env.invalidate_all()

    def get_attempts(self, user):
        """Return {what is tried: a function} to get at lead data by RPC."""
        sale = self.sale.with_user(user)
        sales = sale.browse()
        grouped = ([], [PROPERTY], ["__count"])
        return {
            "read": lambda: sale.read([FIELD]),
            "read all": sale.read,
            "read property": lambda: sale.read([PROPERTY]),
            "read summary": lambda: sale.read(["lead_data_summary"]),
            "web_read": lambda: sale.web_read({FIELD: {}}),
            "search_read": lambda: sales.search_read([], [FIELD]),
            "search": lambda: sales.search(FOUND).ids,
            "search like": lambda: sales.search([(PROPERTY, "like", "A")]).ids,
            "search set": lambda: sales.search([(FIELD, "!=", False)]).ids,
            "search_count": lambda: sales.search_count(FOUND),
            "search on the return's sale": lambda: sales.search_count(
                [(f"origin_id.{PROPERTY}", "=", "Ada")]
            ),
            "search any": lambda: sales.search_count([("origin_id", "any", FOUND)]),
            "order": lambda: sales.search([], order=PROPERTY).ids,
            "order all": lambda: sales.search([], order=FIELD).ids,
            "web_search_read": lambda: sales.web_search_read([], {FIELD: {}}),
            "web_search_read order": lambda: sales.web_search_read(
                [], {"id": {}}, order=PROPERTY
            ),
            "group": lambda: sales.formatted_read_group(*grouped),
            "group by all": lambda: sales.formatted_read_group([], [FIELD], []),
            "grouping sets": lambda: sales.formatted_read_grouping_sets(
                [], [[PROPERTY], []], ["__count"]
            ),
            "read_group": lambda: sales.read_group([], ["price"], [PROPERTY]),
            "web_read_group": lambda: sales.web_read_group(*grouped),
            "aggregate": lambda: sales.formatted_read_group(
                [], [], [f"{PROPERTY}:array_agg"]
            ),
            "aggregate all": lambda: sales.formatted_read_group(
                [], [], [f"{FIELD}:array_agg"]
            ),
            "having": lambda: sales.formatted_read_group(
                [], ["partner_id"], ["__count"], having=[(PROPERTY, "=", "Ada")]
            ),
            "export": lambda: sale.export_data([FIELD]),
            "export property": lambda: sale.export_data([PROPERTY]),
            "name_search": lambda: sales.name_search("", FOUND),
            "onchange": lambda: sale.onchange({}, [], {FIELD: {}}),
            "new from origin": lambda: sale.onchange(
                {"reason": "x"}, ["reason"], {FIELD: {}, "reason": {}}
            ),
            "fields_get": lambda: sales.fields_get([FIELD]),
            "definition": lambda: sales.get_property_definition(PROPERTY),
            "search_panel": lambda: sales.search_panel_select_range(
                FIELD, enable_counters=True
            ),
            "progress bar": lambda: sales.read_progress_bar(
                [], PROPERTY, {"field": "transaction_type", "colors": {}}
            ),
            "progress bar of it": lambda: sales.read_progress_bar(
                [], "partner_id", {"field": FIELD, "colors": {}}
            ),
            "through the invoices": lambda: (
                self.env["account.move"]
                .with_user(user)
                .search([("lead_sale_ids", "any", FOUND)])
                .ids
            ),
            "through the companies": lambda: (
                self.env["res.partner"]
                .with_user(user)
                .search([(f"lead_sale_ids.{PROPERTY}", "=", "Ada")])
                .ids
            ),
            "through an exported return": lambda: sale.export_data(
                [f"origin_id/{FIELD}"]
            ),
            "write": lambda: sale.write({FIELD: {"first_name": "Eve"}}),
            "create": lambda: sales.create(
                {
                    "external_ref": "X",
                    "partner_id": self.buyer.id,
                    "lead_type_id": self.edu.id,
                    "price": 1,
                    FIELD: {"first_name": "Eve"},
                }
            ),
            "import": lambda: sales.load(
                [
                    "external_ref",
                    "partner_id/.id",
                    "lead_type_id/.id",
                    "price",
                    PROPERTY,
                ],
                [["X", str(self.buyer.id), str(self.edu.id), "1", "Eve"]],
            ),
        }

    def try_all(self, user):
        """Try all; fail where an answer knows something, or tells right from wrong."""
        login = user.sudo().login
        for name, attempt in self.get_attempts(user).items():
            with self.subTest(attempt=name, user=login):
                try:
                    with self.env.cr.savepoint():
                        answer = json.dumps(attempt(), default=str)
                except (AccessError, UserError, ValueError, KeyError):
                    continue
                finally:
                    self.env.invalidate_all()
                for secret in SECRETS:
                    self.assertNotIn(secret, answer)
                if name.startswith(("search", "order", "name_search")):
                    # Who sees lead data may ask, and finds nothing.
                    self.assertEqual(user, self.stranger, answer)
                    self.assertIn(answer, ("0", "[]"))

    def test_of_who_sees_them_the_attempts_work(self):
        # Otherwise they would prove nothing of the others.
        for name in (
            "read",
            "web_read",
            "search",
            "search_count",
            "order",
            "group",
            "web_read_group",
            "export",
            "definition",
            "write",
        ):
            with self.subTest(attempt=name):
                self.assertTrue(self.get_attempts(self.officer)[name]())

    def test_nobody_else_gets_any(self):
        for user in self.anyone:
            self.try_all(user)
        self.assertEqual(self.sale.lead_data["first_name"], "Ada")

    def test_a_definition_is_that_of_the_own_company(self):
        abroad = self.stranger.company_id
        product = self.env["product.product"].create(
            {"name": "Theirs", "type": "service", "taxes_id": False}
        )
        definition = [{"name": "first_name", "string": "Vorname", "type": "char"}]
        self.env["lead.type"].create(
            {
                "name": "Theirs",
                "code": "X",
                "company_id": abroad.id,
                "product_id": product.id,
                "lead_properties_definition": definition,
            }
        )
        for user, label in ((self.stranger, "Vorname"), (self.officer, "First Name")):
            found = self.sale.with_user(user).get_property_definition(PROPERTY)
            self.assertEqual(found["string"], label)
        unknown = self.sale.with_user(self.officer).get_property_definition(
            "lead_data.nothing"
        )
        self.assertEqual(unknown, {})

    def test_answers_to_the_platform_tell_nothing_of_what_is_recorded(self):
        vals = {
            "external_ref": self.sale.external_ref,
            "type": "sale",
            "occurred_at": "2026-11-04T12:00:00Z",
            "buyer_ref": self.buyer.ref,
            "lead_type": "EDU",
            "price": "10.00",
        }
        for change in ({}, {"price": 11}, {"lead_data": {"email": "eve@example.com"}}):
            (answer,) = self.record({**vals, **change}, user=self.integrator)
            self.assertNotIn("ada", json.dumps(answer).casefold())

    def test_nothing_else_of_the_addon_keeps_lead_data(self):
        self.company.lead_review_same_lead = True
        self.new_sale(lead_data=DATA, lead_ref="L1")
        self.new_sale(lead_data=DATA, lead_ref="L1")
        self.generate()
        self.new_sale()._waive("Goodwill")
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
        tables = [table for (table,) in self.env.cr.fetchall()]
        keeping = []
        for table in tables:
            self.env.cr.execute(
                f'SELECT 1 FROM "{table}" t'  # pylint: disable=sql-injection
                " WHERE t::text LIKE '%ada@byron.example%' LIMIT 1"
            )
            if self.env.cr.fetchone():
                keeping.append(table)
        self.assertEqual(keeping, ["lead_sale"])

    def test_groups_of_several_companies_do_not_mix(self):
        self.officer.company_ids = [Command.link(self.abroad.id)]
        sales = self.env["lead.sale"].with_user(self.officer)
        own = sales.with_context(allowed_company_ids=self.abroad.ids)
        self.assertFalse(own.search(FOUND))
        self.assertEqual(own.get_property_definition(PROPERTY), {})
