"""The rows, columns and totals of the Invoicing Report, and who may see them."""

import json
from datetime import date, datetime

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common.report import ReportCommon


@tagged("clock")
class TestRows(ReportCommon):
    def test_rows_by_date_with_what_they_are(self):
        sale = self.new_sale(
            price="20.00",
            lead_ref="L1",
            campaign="Autumn",
            lead_data={"first_name": "Ada", "email": "ada@example.com"},
        )
        back = self.new_return(sale, "20.00", reason="Duplicate")
        report = self.open()
        first, second = report.get_page(10)
        self.assertEqual(
            {name: first[name] for name in ("date", "external_ref", "amount")},
            {
                # 12:00 UTC in New York
                "date": datetime(2026, 11, 4, 7),
                "external_ref": sale.external_ref,
                "amount": 20,
            },
        )
        self.assertEqual(first["lead_data.first_name"], "Ada")
        self.assertEqual(first["billing_state"], "unbilled")
        self.assertEqual(second["external_ref"], back.external_ref)
        self.assertEqual(second["origin_ref"], sale.external_ref)
        self.assertEqual(second["reason"], "Duplicate")
        self.assertEqual(second["amount"], -20)
        # A return has the data of its sale.
        self.assertEqual(second["lead_data.first_name"], "Ada")

    def test_params_open_the_same_report_again(self):
        self.new_sale(lead_data={"first_name": "Ada", "email": "ada@example.com"})
        report = self.open(fields="email,first_name", transaction_type="sale")
        self.assertEqual(
            report.get_params(),
            {
                "lead_type_id": str(self.edu.id),
                "date_from": "2026-11-01",
                "date_to": "2026-11-30",
                "fields": "first_name,email",
                "transaction_type": "sale",
            },
        )
        again = self.open(**report.get_params())
        self.assertEqual(again.get_params(), report.get_params())

    def test_days_are_inclusive_and_local(self):
        inside = [
            self.new_sale(at="2026-11-03T05:00:00Z"),  # midnight in New York
            self.new_sale(at="2026-11-05T04:59:59Z"),
        ]
        self.new_sale(at="2026-11-03T04:59:59Z")
        self.new_sale(at="2026-11-05T05:00:00Z")
        report = self.open(date_from="2026-11-03", date_to="2026-11-04")
        self.assertEqual(self.refs(report), [sale.external_ref for sale in inside])
        self.assertEqual(report.tz, "America/New_York")

    def test_pages_from_either_end(self):
        refs = [self.new_sale().external_ref for _number in range(7)]
        report = self.open()
        self.assertEqual(report.count, 7)
        for limit in (1, 2, 3, 7, 10):
            pages = [report.get_page(limit, offset) for offset in range(0, 7, limit)]
            found = [row["external_ref"] for page in pages for row in page]
            self.assertEqual(found, refs)
            self.assertTrue(all(len(page) == limit for page in pages[:-1]))
        self.assertEqual(report.get_page(3, 7), [])

    def test_totals(self):
        sale = self.new_sale(price="20.00")
        self.new_sale(price="0.00")
        self.new_sale(price="7.00")._waive("Goodwill")
        half = self.new_sale(price="10.00")
        self.new_return(sale)
        self.new_return(half, "4.00")
        (total,) = self.open().get_totals()
        self.assertEqual(total["currency"], self.company.currency_id)
        self.assertEqual(
            {name: value for name, value in total.items() if name != "currency"},
            {
                "purchased": 3,
                "purchased_amount": 30,
                "returned": 1,
                "returned_amount": -20,
                "adjusted": 1,
                "adjusted_amount": -4,
                "corrected": 0,
                "corrected_amount": 0,
                "waived": 1,
                "waived_amount": 7,
                "net": 2,
                "net_amount": 6,
            },
        )
        self.assertEqual(self.open().count, 6)

    def test_each_kind_alone(self):
        sale = self.new_sale()
        back = self.new_return(sale)
        self.assertEqual(
            self.refs(self.open(transaction_type="sale")), [sale.external_ref]
        )
        self.assertEqual(
            self.refs(self.open(transaction_type="return")), [back.external_ref]
        )

    def test_the_default_days_begin_with_the_last_window(self):
        self.new_sale()
        with freeze_time("2026-11-11 03:00"):  # the 10th in New York
            report = self.open(date_from="", date_to="")
        self.assertEqual(report.date_from, date(2026, 11, 2))
        self.assertEqual(report.date_to, date(2026, 11, 10))

    def test_lead_data_that_were_chosen_in_the_order_of_the_type(self):
        self.new_sale(
            lead_type="AUTO",
            lead_data={
                "fuel": "ev",
                "extras": ["roof", "hook"],
                "asked_at": "2026-11-04T12:00:00Z",
                "born_on": "1980-02-29",
                "insured": False,
                "value": -1.5,
                "vehicle_year": 2019,
            },
        )
        names = "remarks,fuel,extras,insured,value,vehicle_year,born_on,asked_at"
        report = self.open(fields=names)
        columns = [column for column in report.columns if column.is_lead_data]
        self.assertEqual(
            [column.label for column in columns],
            [
                "Vehicle Year",
                "Currently Insured",
                "Value",
                "Born On",
                "Asked At",
                "Fuel",
                "Extras",
                "Remarks",
            ],
        )
        (row,) = report.get_page(10)
        self.assertEqual(
            [row[column.name] for column in columns],
            [
                2019,
                False,
                -1.5,
                date(1980, 2, 29),
                datetime(2026, 11, 4, 7),
                "ev",
                "Sun roof, Hook",
                None,
            ],
        )
        self.assertEqual(report.format_cell(columns[5], row), "Electric")
        self.assertFalse(
            [column for column in self.open(fields="").columns if column.is_lead_data]
        )

    def test_erased_lead_data_say_so(self):
        sale = self.new_sale(lead_data={"first_name": "Ada", "program": "Art"})
        back = self.new_return(sale)
        (sale + back).sudo().write(
            {"lead_data": False, "lead_data_erased_at": "2026-11-20"}
        )
        report = self.open(fields="first_name,program")
        columns = [column for column in report.columns if column.is_lead_data]
        for row in report.get_page(10):
            self.assertEqual(row["lead_data.first_name"], None)
            self.assertEqual(
                [report.format_cell(column, row) for column in columns],
                ["erased", "erased"],
            )

    def test_a_text_that_somebody_emptied_is_empty_and_not_false(self):
        sale = self.new_sale(lead_data={"first_name": "false", "program": "Art"})
        definition = self.edu.lead_properties_definition
        # As Odoo's form sends it.
        values = {"first_name": "false", "email": False, "program": False}
        sale.lead_data = [
            {**prop, "value": values[prop["name"]]} for prop in definition
        ]
        (row,) = self.open(fields="first_name,program").get_page(10)
        self.assertEqual(row["lead_data.first_name"], "false")
        self.assertIsNone(row["lead_data.program"])

    def test_whatever_is_stored_breaks_nothing(self):
        sale = self.new_sale(lead_type="AUTO")
        names = [prop["name"] for prop in self.auto.lead_properties_definition]
        for value in ("x", 7, True, None, ["x", 7], {"x": 7}, "2026-02-30", "\u0001"):
            stored = json.dumps(dict.fromkeys(names, value))
            self.env.cr.execute(
                "UPDATE lead_sale SET lead_data = %s WHERE id = %s", (stored, sale.id)
            )
            report = self.open(fields=",".join(names))
            (row,) = report.get_page(10)
            for column in report.columns:
                self.assertIsInstance(report.format_cell(column, row), str)

    def test_every_state_with_its_invoice(self):
        billed, waived = self.new_sale(), self.new_sale(price="1.00")
        waived._waive("Goodwill")
        document = self.generate()
        self.new_sale(at="2026-11-10T12:00:00Z")
        rows = self.open().get_page(10)
        self.assertEqual(
            [(row["billing_state"], row["invoice"]) for row in rows],
            [("invoiced", document.name), ("waived", None), ("unbilled", None)],
        )
        self.assertEqual(rows[0]["external_ref"], billed.external_ref)

    def test_sub_accounts_and_currencies_only_when_there_are_any(self):
        self.new_sale()
        self.assertFalse(
            {"sub_account", "currency"} & {c.name for c in self.open().columns}
        )
        branch = self.env["res.partner"].create(
            {"name": "Branch", "ref": "branch", "parent_id": self.buyer.id}
        )
        self.env.ref("base.EUR").active = True
        self.new_sale(branch, currency="EUR")
        report = self.open()
        self.assertEqual(
            [(row["sub_account"], row["currency"]) for row in report.get_page(10)],
            [("Buyer A", "USD"), ("Branch", "EUR")],
        )
        self.assertEqual(
            [total["currency"].name for total in report.get_totals()], ["EUR", "USD"]
        )

    def test_dates_at_the_edge_of_what_there_is(self):
        """Platforms send 9999-12-31 for "never"; another zone has the year 10000."""
        for zone, value in (
            ("Asia/Tokyo", "9999-12-31 23:59:59"),
            ("America/New_York", "0001-01-01 00:00:00"),
        ):
            self.cycle.tz = zone
            buyer = self.new_buyer(zone)
            sale = self.new_sale(buyer, lead_type="AUTO")
            self.env.cr.execute(
                "UPDATE lead_sale SET lead_data = %s WHERE id = %s",
                (json.dumps({"asked_at": value}), sale.id),
            )
            (row,) = self.open(buyer=buyer, fields="asked_at").get_page(10)
            self.assertIsNone(row["lead_data.asked_at"])

    def test_a_buyer_that_belongs_to_another_since(self):
        sale = self.new_sale()
        document = self.generate()
        holding = self.env["res.partner"].create(
            {"name": "Holding", "is_company": True}
        )
        self.buyer.write({"is_company": False, "parent_id": holding.id})
        self.new_sale(at="2026-11-10T12:00:00Z")
        report = self.open()
        self.assertEqual(report.partner, holding)
        self.assertEqual(self.refs(report)[0], sale.external_ref)
        self.assertEqual(report.count, 2)
        self.assertEqual(self.open(buyer=holding).count, 2)
        leads = self.open(invoice_id=str(document.id))
        self.assertEqual(self.refs(leads), [sale.external_ref])
        self.assertEqual(leads.get_difference(), 0)

    def test_as_many_decimal_places_as_the_currency_has(self):
        self.env.ref("product.decimal_price").digits = 3
        self.env.ref("base.KWD").active = self.env.ref("base.JPY").active = True
        for price, currency, shown in (
            ("1.125", "KWD", "1.125"),
            ("1500", "JPY", "1,500"),
        ):
            buyer = self.new_buyer(currency)
            self.new_sale(buyer, price=price, currency=currency)
            report = self.open(buyer=buyer)
            (row,) = report.get_page(10)
            (amount,) = (c for c in report.columns if c.name == "amount")
            self.assertEqual(report.format_cell(amount, row), shown)

    def test_a_number_of_the_lead_is_shown_whole(self):
        self.new_sale(lead_type="AUTO", lead_data={"value": 48.137154})
        report = self.open(fields="value")
        (row,) = report.get_page(10)
        (column,) = (c for c in report.columns if c.is_lead_data)
        self.assertEqual(report.format_cell(column, row), "48.137154")

    def test_a_buyer_without_leads(self):
        report = self.open(buyer=self.new_buyer("Buyer C"))
        self.assertFalse(report.lead_type)
        self.assertEqual((report.count, report.get_page(10)), (0, []))


class TestInvoiceRows(ReportCommon):
    def test_exactly_the_rows_of_a_document_of_several_types(self):
        sale = self.new_sale()
        auto = self.new_sale(lead_type="AUTO")
        document = self.generate()
        self.new_sale(at="2026-11-10T12:00:00Z")
        report = self.open(invoice_id=str(document.id))
        self.assertEqual(self.refs(report), [sale.external_ref, auto.external_ref])
        self.assertEqual(
            [
                report.format_cell(
                    next(c for c in report.columns if c.name == "lead_type"), row
                )
                for row in report.get_page(10)
            ],
            ["Online Degree", "Auto Insurance"],
        )
        self.assertEqual(report.get_difference(), 0)
        one = self.open(invoice_id=str(document.id), lead_type_id=str(self.auto.id))
        self.assertEqual(self.refs(one), [auto.external_ref])
        self.assertIsNone(one.get_difference())

    def test_released_rows_stay_on_the_reversed_document(self):
        self.bill()
        self.reverse().action_post()
        self.document._release_credited_lead_sales("Wrong buyer")
        report = self.open(invoice_id=str(self.document.id))
        self.assertEqual(self.refs(report), [self.sale.external_ref])
        self.assertEqual(report.get_page(1)[0]["billing_state"], "unbilled")
        self.assertEqual(report.get_difference(), 0)
        # Whatever becomes of them now.
        self.sale._waive("Goodwill")
        report = self.open(invoice_id=str(self.document.id))
        self.assertEqual(report.get_difference(), 0)

    def test_a_cancelled_document_has_no_leads_and_says_so(self):
        self.bill()
        self.document.button_cancel()
        report = self.open(invoice_id=str(self.document.id))
        self.assertEqual(report.count, 0)
        self.assertIsNone(report.get_difference())

    def test_a_vendor_bill_has_no_leads(self):
        bill = self.env["account.move"].create(
            {"move_type": "in_invoice", "partner_id": self.buyer.id}
        )
        with self.assertRaisesRegex(UserError, "does not exist"):
            self.open(invoice_id=str(bill.id))

    def test_buyers_do_not_read_why_something_is_waived(self):
        self.new_sale()._waive("Their lawyer wrote")
        back = self.new_return(self.new_sale(), reason="Wrong number")
        reasons = {
            user: [row["reason"] for row in self.open(user).get_page(10)]
            for user in (self.manager, self.portal_user)
        }
        self.assertIn("Their lawyer wrote", reasons[self.manager])
        self.assertEqual(
            [reason for reason in reasons[self.portal_user] if reason], [back.reason]
        )

    def test_a_lead_line_that_somebody_changed(self):
        self.new_sale(price="10.00")
        self.cycle.posting = "draft"
        document = self.generate()
        document.invoice_line_ids.price_unit = 12
        self.assertEqual(self.open(invoice_id=str(document.id)).get_difference(), 2)


class TestReaders(ReportCommon):
    def setUp(self):
        super().setUp()
        self.bill()

    def test_buyers_see_their_own_with_the_data_of_their_leads(self):
        report = self.open(self.portal_user)
        (row,) = report.get_page(10)
        self.assertEqual(row["lead_data.first_name"], "Ada")
        self.assertEqual(row["invoice"], self.document.name)

    def test_nobody_else_sees_them(self):
        for user in (
            self.other_portal_user,
            self.plain_user,
            self.accountant,
            self.integrator,
            self.public_user,
        ):
            with self.subTest(user=user.id), self.assertRaises(AccessError):
                self.open(user)

    def test_whether_there_is_such_a_buyer_is_not_told(self):
        hidden = self.env["res.partner"].create({"name": "Hidden"})
        self.env["ir.rule"].create(
            {
                "name": "Hidden",
                "model_id": self.env.ref("base.model_res_partner").id,
                "domain_force": f"[('id', '!=', {hidden.id})]",
            }
        )
        gone = self.env["res.partner"].browse(2**31 - 2)
        for user in (self.billing_user, self.portal_user):
            for buyer in (hidden, gone, self.env["res.partner"]):
                model = self.env["lead.invoicing.report"].with_user(user)
                with self.assertRaisesRegex(AccessError, "leads of this buyer"):
                    model._open(buyer.with_env(model.env), {})

    def test_a_portal_user_with_more_rights_lent_by_a_controller(self):
        model = self.env["lead.invoicing.report"].with_user(self.portal_user).sudo()
        with self.assertRaises(AccessError):
            model._open(self.other_buyer, {})

    def test_a_clerk_sees_data_only_with_the_right(self):
        report = self.open(self.billing_user)
        self.assertEqual(self.refs(report), [self.sale.external_ref])
        self.assertFalse([c for c in report.columns if c.is_lead_data])
        with self.assertRaisesRegex(UserError, "^Lead Data: "):
            self.open(self.billing_user, fields="first_name")

    def test_another_companys_clerk_sees_no_type_and_no_row(self):
        report = self.open(self.stranger)
        self.assertFalse(report.lead_types)
        self.assertEqual(report.count, 0)
        with self.assertRaisesRegex(UserError, "^Lead Type: "):
            self.open(self.stranger, lead_type_id=str(self.edu.id))

    def test_every_bad_parameter_is_a_sentence_that_names_it(self):
        for name, value in (
            ("lead_type_id", "x"),
            ("lead_type_id", "1; DROP TABLE lead_sale"),
            ("lead_type_id", "9" * 30),
            ("lead_type_id", str(self.auto.id)),  # another's
            ("date_from", "2026-13-01"),
            ("date_from", "0001-01-01"),
            ("date_to", "<script>"),
            ("date_to", "2026-10-01"),  # before the first day
            ("fields", "password"),
            ("fields", "vehicle_year"),  # of another type
            ("fields", "first_name'; --"),
            ("transaction_type", "' OR 1=1 --"),
            ("invoice_id", "-1"),
            ("invoice_id", str(2**31 - 2)),
        ):
            for user in (self.portal_user, self.manager):
                with (
                    self.subTest(name=name, value=value, user=user.login),
                    self.assertRaisesRegex(UserError, r"^\w[\w ]*: .*\.$") as caught,
                ):
                    self.open(user, **{name: value})
                self.assertEqual(caught.exception.param, name)
