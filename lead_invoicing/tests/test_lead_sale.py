import json

from psycopg2.errors import UniqueViolation

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user
from odoo.tools import mute_logger

from .common.world import LeadInvoicingCommon


class TestLeadSale(LeadInvoicingCommon):
    def create_sale(self, external_ref, /, **vals):
        return self.env["lead.sale"].create(self.odoo_vals(external_ref, **vals))

    def odoo_vals(self, external_ref, /, **vals):
        return {
            "external_ref": external_ref,
            "partner_id": self.buyer.id,
            "lead_type_id": self.auto.id,
            "price": 20.0,
            "date": "2026-01-15 12:00:00",
            **vals,
        }

    def assert_not_created(self, word, **vals):
        with self.assertRaisesRegex(ValidationError, word):
            self.create_sale("T9", **vals)

    # Created by hand

    def test_created_by_hand_is_as_recorded_by_the_platform(self):
        recorded = self.sell("T1", lead_data={"first_name": "Ada"})
        created = self.create_sale("T2", lead_data={"first_name": "Ada"})
        names = set(recorded._fields) - {
            *("id", "external_ref", "display_name", "row_hash"),
            *("create_date", "write_date", "write_uid"),
        }
        for name in names:
            with self.subTest(name=name):
                self.assertEqual(recorded[name], created[name])

    def test_platform_sends_again_what_was_entered_by_hand(self):
        self.create_sale("T1")
        self.create_sale(
            "R1",
            transaction_type="return",
            origin_external_ref="T1",
            date="2026-01-16 12:00:00",
        )
        answers = self.record(self.sale_vals("T1"), self.return_vals("R1", "T1"))
        self.assertEqual([a["status"] for a in answers], ["duplicate"] * 2)

    def test_same_checks_as_for_the_platform(self):
        self.assert_not_created("Price", price=-1)
        self.assert_not_created("Price", price=1.234)
        self.assert_not_created("Reference", external_ref="a\x00b")
        self.assert_not_created("Reference", external_ref=False)
        self.assert_not_created("Date", date="2126-01-15 12:00:00")
        self.assert_not_created("Buyer", partner_id=False)
        self.assert_not_created("Lead Data", lead_data={"first_name": 7})
        self.assert_not_created("Lead Data", lead_data={"shoe_size": 43})
        self.assert_not_created("Returned Sale", transaction_type="return")
        self.sell("T1")
        self.assert_not_created("already been recorded", external_ref="T1")
        self.assert_not_created("Reference", external_ref="T1", price=5)

    def test_returns_created_by_hand(self):
        sale = self.create_sale("T1")
        vals = {
            "transaction_type": "return",
            "origin_id": sale.id,
            "date": "2026-01-16 12:00:00",
        }
        part = self.create_sale("R1", **vals, price=15)
        self.assertRecordValues(
            part, [{"amount": -15, "price_adjustment": True, "return_number": 1}]
        )
        self.assert_not_created("Price", **vals, price=6)
        self.assert_not_created("Returned Sale", **vals, partner_id=self.other_buyer.id)

    def test_a_return_created_by_hand_hides_no_data_of_its_sale(self):
        sale = self.create_sale("T1", lead_data={"first_name": "Ada"})
        vals = {"transaction_type": "return", "origin_id": sale.id, "price": 5}
        vals["date"] = "2026-01-16 12:00:00"
        backs = self.create_sale("R1", **vals) + self.create_sale(
            "R2", lead_data=[{"name": "first_name", "value": False}], **vals
        )
        backs += self.create_sale("R3", lead_data={"first_name": "Grace"}, **vals)
        report = self.env["lead.invoicing.report"]._open(
            self.buyer, {"date_from": "2026-01-01", "date_to": "2026-01-31"}
        )
        names = {
            row["external_ref"]: row["lead_data.first_name"]
            for row in report.get_page(10)
        }
        self.assertEqual(names, {"T1": "Ada", "R1": "Ada", "R2": "Ada", "R3": "Grace"})
        # Of which there was nothing, nothing is erased.
        erasure = self.env["lead.erasure"]._erase_on_request(sale + backs, "Asked for")
        self.assertEqual(erasure.sale_count, 2)
        self.assertFalse((backs[0] + backs[1]).filtered("lead_data_erased_at"))

    def test_list_may_hold_a_return_before_its_sale(self):
        returned, sale = self.env["lead.sale"].create(
            [
                self.odoo_vals(
                    "R1",
                    transaction_type="return",
                    origin_external_ref="T1",
                    date="2026-01-16 12:00:00",
                ),
                self.odoo_vals("T1"),
            ]
        )
        self.assertEqual(returned.external_ref, "R1")
        self.assertEqual(returned.origin_id, sale)

    def test_one_bad_row_refuses_the_list_and_names_it(self):
        with self.assertRaisesRegex(ValidationError, "T2: Price"):
            self.env["lead.sale"].create(
                [self.odoo_vals("T1"), self.odoo_vals("T2", price=-1)]
            )
        self.assertFalse(self.env["lead.sale"].search([]))

    def test_what_lead_invoicing_decides_cannot_be_given(self):
        line = self.invoice(self.sell("T1")).invoice_line_ids
        for vals in (
            {"waived": True},
            {"amount": 1},
            {"row_hash": "x"},
            {"price_adjustment": True},
            {"commercial_partner_id": self.other_buyer.id},
            {"invoice_line_id": line.id},
        ):
            with (
                self.subTest(vals=vals),
                self.assertRaisesRegex(UserError, "Lead Invoicing sets this"),
            ):
                self.create_sale("T2", **vals)
        sale = (
            self.env["lead.sale"]
            .with_context(default_waived=True, default_invoice_line_id=line.id)
            .create(self.odoo_vals("T2"))
        )
        self.assertEqual(sale.billing_state, "unbilled")

    def test_buyer_of_another_company_is_refused(self):
        self.other_buyer.company_id = self._create_company(name="Other House")
        self.assert_not_created("Buyer", partner_id=self.other_buyer.id)

    def test_form_makes_and_shows_a_transaction(self):
        with Form(self.env["lead.sale"]) as form:
            form.external_ref = "T1"
            form.partner_id = self.buyer
            form.lead_type_id = self.auto
            form.price = 20
        self.assertEqual(form.record.amount, 20)

    # Frozen

    def test_what_was_recorded_does_not_change(self):
        sale, origin = self.sell("T1"), self.sell("T0")
        for vals in (
            {"partner_id": self.other_buyer.id},
            {"lead_type_id": self.edu.id},
            {"price": 21},
            {"currency_id": self.env.ref("base.EUR").id},
            {"date": "2026-01-15 12:00:01"},
            {"transaction_type": "return"},
            {"external_ref": "T2"},
            {"origin_id": origin.id},
            {"company_id": self.env.ref("base.main_company").id},
        ):
            for env in (sale, sale.sudo()):
                with (
                    self.subTest(vals=vals),
                    self.assertRaisesRegex(UserError, "Waive it and record another"),
                ):
                    env.write(vals)

    def test_same_values_may_be_written_again(self):
        sale = self.sell("T1")
        sale.write({"price": 20.0, "partner_id": self.buyer.id, "reason": "checked"})
        self.assertEqual(sale.reason, "checked")

    def test_what_lead_invoicing_decides_cannot_be_written(self):
        sale = self.sell("T1")
        for vals in (
            {"waived": True},
            {"amount": 1},
            {"row_hash": "x"},
            {"price_adjustment": True},
            {"return_number": 7},
            {"commercial_partner_id": self.other_buyer.id},
            {"invoice_line_id": False},
        ):
            with self.subTest(vals=vals), self.assertRaises(UserError):
                sale.with_user(self.manager).write(vals)

    def test_campaign_and_lead_are_corrected_until_billed(self):
        sale = self.sell("T1", campaign="C1")
        sale.write({"campaign": "C2", "lead_ref": "L2"})
        self.invoice(sale, post=False)
        for vals in ({"campaign": "C3"}, {"lead_ref": "L3"}):
            with self.assertRaises(UserError):
                sale.write(vals)
        sale.reason = "still open"

    def test_lead_data_are_corrected_with_the_same_checks(self):
        sale = self.sell("T1", lead_data={"vehicle_year": 2008})
        sale.lead_data = {"Vehicle Year": "2009"}
        self.assertEqual(sale.lead_data["vehicle_year"], 2009)
        for bad in ({"vehicle_year": "new"}, {"shoe_size": 1}):
            with self.assertRaises(ValidationError):
                sale.write({"lead_data": bad})
        shown = sale.read(["lead_data"])[0]["lead_data"]
        year = next(prop for prop in shown if prop["name"] == "vehicle_year")
        year["value"] = "soon"
        with self.assertRaises(ValidationError):
            sale.write({"lead_data": shown})
        year["value"] = 2010
        sale.write({"lead_data": shown})
        self.assertEqual(sale.lead_data["vehicle_year"], 2010)

    def test_billed_or_returned_is_not_deleted(self):
        sale = self.sell("T1")
        returned = self.give_back("R1", "T1")
        with self.assertRaisesRegex(UserError, "R1"):
            sale.unlink()
        (sale + returned).unlink()
        sale = self.sell("T2")
        self.invoice(sale, post=False)
        with self.assertRaisesRegex(UserError, "on an invoice"):
            sale.unlink()

    def test_merged_contacts_keep_their_transactions(self):
        sale = self.sell("T1", buyer_ref="B2")
        self.sell("T2", buyer_ref="B1")
        self.env["base.partner.merge.automatic.wizard"]._merge(
            (self.buyer + self.other_buyer).ids, self.buyer
        )
        sale.invalidate_recordset()
        self.assertEqual(sale.commercial_partner_id, self.buyer)

    # Waiving

    def test_waiving_needs_a_reason_and_an_unbilled_row(self):
        sale = self.sell("T1")
        with self.assertRaisesRegex(UserError, "reason"):
            sale._waive(" ")
        with self.assertRaises(AccessError):
            sale.with_user(self.billing_user)._waive("goodwill")
        sale.with_user(self.manager)._waive("goodwill")
        self.assertEqual(sale.billing_state, "waived")
        billed = self.sell("T2", reason="x")
        self.invoice(billed)
        with self.assertRaisesRegex(UserError, "on an invoice"):
            billed._waive("x")

    # Billing state

    def test_billing_state_follows_the_document(self):
        sales = {"unbilled": self.sell("T1"), "waived": self.sell("T2", reason="x")}
        sales["waived"]._waive("x")
        for state in ("draft", "invoiced", "credited"):
            sales[state] = self.sell(state)
            invoice = self.invoice(sales[state], post=state != "draft")
            if state == "credited":
                invoice.sudo().lead_credited = True
        for state, sale in sales.items():
            with self.subTest(state=state):
                self.assertEqual(sale.billing_state, state)
                self.assertEqual(self.search_state("=", state), sale)
                others = self.env["lead.sale"].search([]) - sale
                self.assertEqual(self.search_state("!=", state), others)
        two = self.search_state("in", ["draft", "waived"])
        self.assertEqual(two, sales["draft"] + sales["waived"])
        self.assertEqual(
            self.search_state("not in", ["draft", "waived"]) & two, two[:0]
        )

    def search_state(self, operator, value):
        return self.env["lead.sale"].search(
            [("billing_state", operator, value)], order="id"
        )

    def test_deleted_line_frees_its_transactions(self):
        sale = self.sell("T1")
        self.invoice(sale, post=False).unlink()
        sale.invalidate_recordset()
        self.assertEqual(sale.billing_state, "unbilled")

    # The database keeps what the checks promise

    @mute_logger("odoo.sql_db")
    def test_two_returns_at_the_same_moment_cannot_both_be_stored(self):
        self.sell("T1")
        self.give_back("R1", "T1", price=15)
        second = self.give_back("R2", "T1", price=5)
        self.env.flush_all()
        with self.assertRaises(UniqueViolation), self.cr.savepoint():
            self.cr.execute(
                "UPDATE lead_sale SET return_number = 1 WHERE id = %s", [second.id]
            )

    def test_no_constraint_contains_a_partner(self):
        self.cr.execute(
            """
            SELECT indexdef FROM pg_indexes
             WHERE tablename IN ('lead_sale', 'lead_buyer_ref', 'lead_type')
               AND indexdef LIKE 'CREATE UNIQUE%'
            """
        )
        for (definition,) in self.cr.fetchall():
            self.assertNotIn("partner", definition)

    # Access

    def test_a_buyer_does_not_read_the_ledger(self):
        """Pages and files show a buyer its rows; the ledger itself says more."""
        own = self.sell("T1") + self.sell("T2", buyer_ref="B1-SUB")
        ledger = self.env["lead.sale"].with_user(self.portal_user)
        for call in (
            lambda: ledger.search([]),
            lambda: ledger.search_count([("billing_state", "in", ["draft"])]),
            lambda: ledger.browse(own.ids).read(["price"]),
            lambda: ledger.browse(own.ids).write({"reason": "x"}),
        ):
            with self.assertRaises(AccessError):
                call()

    def test_billing_user_reads_and_manager_corrects(self):
        sale = self.sell("T1")
        as_user = sale.with_user(self.billing_user)
        self.assertEqual(as_user.price, 20)
        with self.assertRaises(AccessError):
            as_user.read(["lead_data"])
        with self.assertRaises(AccessError):
            as_user.write({"reason": "x"})
        with self.assertRaises(AccessError):
            as_user.unlink()
        as_manager = sale.with_user(self.manager)
        as_manager.reason = "x"
        as_manager.unlink()

    def test_plain_user_sees_nothing(self):
        sale = self.sell("T1")
        with self.assertRaises(AccessError):
            sale.with_user(self.plain_user).read(["price"])

    def test_user_of_another_company_sees_nothing(self):
        sale = self.sell("T1")
        other = self._create_company(name="Other House")
        stranger = new_test_user(
            self.env,
            login="stranger",
            groups="base.group_user,lead_invoicing.group_manager",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        self.assertFalse(self.env["lead.sale"].with_user(stranger).search([]))
        with self.assertRaises(AccessError):
            sale.with_user(stranger).read(["price"])


class TestLeadType(LeadInvoicingCommon):
    def set_definition(self, *properties):
        self.edu.lead_properties_definition = list(properties)

    def test_names_are_lower_snake_case(self):
        for name in ("FirstName", "first__name", "_first", "first_", "first-name"):
            with self.subTest(name=name), self.assertRaises(ValidationError):
                self.set_definition({"name": name, "string": "x", "type": "char"})
        self.set_definition({"name": "first_name_2", "string": "x", "type": "char"})

    def test_lead_data_are_plain_values(self):
        with self.assertRaisesRegex(ValidationError, "many2one"):
            self.set_definition(
                {
                    "name": "friend",
                    "string": "Friend",
                    "type": "many2one",
                    "comodel": "res.partner",
                }
            )

    def test_nothing_is_said_of_a_lead_by_default(self):
        email = {"name": "email", "string": "Email", "type": "char"}
        with self.assertRaisesRegex(ValidationError, "Email.*default value"):
            self.set_definition({**email, "default": "ada@example.com"})
        shown = self.edu.read(["lead_data_example"])[0]["lead_data_example"]
        shown[0] |= {"default": "Ada", "definition_changed": True}
        with self.assertRaisesRegex(ValidationError, "First Name.*default value"):
            self.edu.write({"lead_data_example": shown})
        # As Odoo's dialog sends it.
        self.set_definition({**email, "default": False})
        # Also where it was stored before definitions were checked for it.
        self.env.cr.execute(
            "UPDATE lead_type SET lead_properties_definition = %s WHERE id = %s",
            [json.dumps([{**email, "default": "ada@example.com"}]), self.edu.id],
        )
        self.env.invalidate_all()
        sale = self.env["lead.sale"].create(
            {
                "external_ref": "T1",
                "partner_id": self.buyer.id,
                "lead_type_id": self.edu.id,
                "price": 1,
            }
        )
        self.assertEqual(dict(sale.lead_data), {})

    def test_field_in_use_is_neither_deleted_nor_retyped(self):
        self.sell("T1", lead_type="EDU", lead_data={"program": "Law"})
        email = {"name": "email", "string": "Email", "type": "char"}
        program = {"name": "program", "string": "Program", "type": "char"}
        with self.assertRaisesRegex(UserError, "Program"):
            self.set_definition(email)
        with self.assertRaisesRegex(UserError, "Program"):
            self.set_definition(email, {**program, "type": "integer"})
        # Relabelled and reordered, and without what is not in use, it is fine.
        self.set_definition({**program, "string": "Course"}, email)

    def test_definition_is_edited_on_the_lead_type(self):
        shown = self.edu.read(["lead_data_example"])[0]["lead_data_example"]
        self.assertEqual(
            [prop["name"] for prop in shown], ["first_name", "email", "program"]
        )
        added = {"name": "degree", "string": "Degree", "type": "char"}
        self.edu.write(
            {"lead_data_example": [*shown, {**added, "definition_changed": True}]}
        )
        self.assertEqual(self.edu.lead_properties_definition[-1], added)

    def test_field_added_in_a_form_is_named_after_its_label(self):
        added = {
            "name": "3adf37f3258cfe40",
            "string": "Level of  Éducation (max.)",
            "type": "char",
            "value": "Bachelor",
            "definition_changed": True,
        }
        sale = self.sell("T1", lead_type="EDU", lead_data={"program": "Law"})
        shown = sale.read(["lead_data"])[0]["lead_data"]
        sale.write({"lead_data": [*shown, dict(added)]})
        name = "level_of_education_max"
        self.assertEqual(sale.lead_data[name], "Bachelor")
        self.assertEqual(self.edu.lead_properties_definition[-1]["name"], name)
        # Also on a row that is only being made; the name being taken, it stays.
        shown = sale.read(["lead_data"])[0]["lead_data"]
        created = self.env["lead.sale"].create(
            {
                "external_ref": "T2",
                "partner_id": self.buyer.id,
                "lead_type_id": self.edu.id,
                "price": 1,
                "lead_data": [*shown, {**added, "value": "Master"}],
            }
        )
        self.assertEqual(created.lead_data["3adf37f3258cfe40"], "Master")
        self.assertEqual(created.lead_data["program"], "Law")

    def test_code_is_unique_and_a_reference(self):
        for code in ("x" * 129, " EDU2", "a\nb"):
            with self.subTest(code=code), self.assertRaises(ValidationError):
                self.edu.code = code

    def test_found_by_code_or_name(self):
        find = self.env["lead.type"].name_search
        self.assertEqual(find("EDU", operator="=")[0][0], self.edu.id)
        self.assertEqual(find("Online Degree", operator="=")[0][0], self.edu.id)
