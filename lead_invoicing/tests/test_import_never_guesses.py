import csv
import io
import re
import zipfile
from datetime import date, datetime, time
from decimal import Decimal
from time import monotonic
from zoneinfo import ZoneInfo

from openpyxl import Workbook

from odoo.exceptions import UserError
from odoo.tests import TransactionCase, new_test_user, tagged
from odoo.tools import mute_logger

from ..recording.file_formats import FileFormats
from ..tools.parsing import RowError, shorten
from .common.optional_packages import HealthCheck, given, settings, st
from .common.world import LeadInvoicingCommon

# What Odoo's client sends, with nothing chosen.
OPTIONS = {
    "quoting": '"',
    "separator": ",",
    "has_headers": True,
    "date_format": "",
    "datetime_format": "",
    "float_thousand_separator": "",
    "float_decimal_separator": "",
}
READER = "odoo.addons.base_import.models.base_import"
MIMETYPES = {
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "xls": "application/vnd.ms-excel",
}
GERMAN = {"float_thousand_separator": ".", "float_decimal_separator": ","}
US = {"float_thousand_separator": ",", "float_decimal_separator": "."}
ROW = {
    "external_ref": "T1",
    "transaction_type": "sale",
    "date": "2026-01-15T12:00:00Z",
    "buyer_ref": "B1",
    "lead_type_id": "AUTO",
    "price": "20.00",
}


class ImportCommon(LeadInvoicingCommon):
    def import_file(
        self, columns, *rows, dryrun=False, user=None, file=None, **options
    ):
        """Import a CSV file with ``columns`` (field paths) and return the result."""
        buffer = io.StringIO()
        csv.writer(buffer).writerows([columns, *rows])
        imports = self.env["base_import.import"]
        if user:
            imports = imports.with_user(user)
        values = {
            "res_model": "lead.sale",
            "file": file or buffer.getvalue().encode(),
            "file_name": "sales.xlsx" if file else "sales.csv",
            "file_type": (
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
                if file
                else "text/csv"
            ),
        }
        return imports.create(values).execute_import(
            columns, columns, {**OPTIONS, **options}, dryrun
        )

    def import_dicts(self, *rows, **options):
        """Import rows like ``ROW`` with what is different in each."""
        rows = [{**ROW, "external_ref": f"T{i}", **row} for i, row in enumerate(rows)]
        columns = list(dict.fromkeys(name for row in rows for name in row))
        table = [[row.get(name, "") for name in columns] for row in rows]
        return self.import_file(columns, *table, **options)

    def assert_imported(self, result):
        self.assertEqual([m["message"] for m in result["messages"]], [])
        return self.env["lead.sale"].browse(result["ids"])

    def assert_refused(self, result, *expected):
        """Check (row, field, words) of all the errors."""
        self.assertFalse(result["ids"])
        told = result["messages"]
        self.assertEqual(
            [(m["rows"]["from"], m["field"], m["type"]) for m in told],
            [(row, field, "error") for row, field, _words in expected],
            [m["message"] for m in told],
        )
        for message, (_row, _field, words) in zip(told, expected, strict=True):
            self.assertIn(words, message["message"])


@tagged("post_install", "-at_install")
class TestImportNeverGuesses(ImportCommon):
    """Numbers and dates of files are clear, or refused with what to choose."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.lead_tz = "America/New_York"

    # Numbers

    def test_without_a_choice_what_can_be_two_numbers_is_refused(self):
        prices = ("13,75", "1.375", "0,99", "1,375")
        result = self.import_dicts(*({"price": price} for price in prices))
        self.assert_refused(
            result,
            *(
                (row, "price", "choose the file's decimal separator")
                for row in range(4)
            ),
        )

    def test_clear_numbers_need_no_choice(self):
        written = {"1,375.00": 1375, "1.375,00": 1375, "20": 20, "12.5": 12.5, "0": 0}
        sales = self.assert_imported(
            self.import_dicts(*({"price": price} for price in written))
        )
        self.assertEqual(sales.mapped("price"), list(written.values()))

    def test_a_chosen_separator_is_no_guess(self):
        for options, written in (
            (GERMAN, {"13,75": 13.75, "1.375": 1375, "1.375,50": 1375.5}),
            (US, {"13.75": 13.75, "1,375": 1375}),
            ({"float_decimal_separator": ","}, {"13,75": 13.75, "1.375": 1375}),
        ):
            sales = self.assert_imported(
                self.import_dicts(*({"price": price} for price in written), **options)
            )
            self.assertEqual(sales.mapped("price"), list(written.values()))
            sales.unlink()

    def test_what_does_not_fit_the_choice_is_refused(self):
        for options, price in (
            (US, "13,75"),
            (US, "0,99"),
            (US, "1.375"),
            (GERMAN, "1,375.00"),
            (GERMAN, "13.75"),
            ({"float_decimal_separator": ",", "float_thousand_separator": ","}, "1,5"),
        ):
            result = self.import_dicts({"price": price}, **options)
            self.assert_refused(
                result, (0, "price", "choose the file's decimal separator")
            )

    def test_the_language_of_the_user_decides_nothing(self):
        self.env["res.lang"]._activate_lang("de_DE")
        german = new_test_user(
            self.env,
            login="german",
            groups="base.group_user,lead_invoicing.group_manager",
            company_id=self.company.id,
        )
        german.lang = "de_DE"
        result = self.import_dicts({"price": "0,99"}, user=german)
        self.assertFalse(result["ids"])

    def test_a_sign_of_another_currency_is_refused(self):
        result = self.import_dicts(
            {"price": "€ 13.75"}, {"price": "13.75 MXN"}, {"price": "$1,375.00"}
        )
        self.assert_refused(result, (0, "price", "“€”"), (1, "price", "“MXN”"))
        sales = self.assert_imported(
            self.import_dicts({"price": "$1,375.00"}, {"price": "13.75 usd"})
        )
        self.assertEqual(sales.mapped("price"), [1375, 13.75])

    def test_spaces_that_break_no_line_are_spaces(self):
        """As programs write amounts in German, French, Swedish or Swiss."""
        self.company.currency_id.symbol = "kr"
        written = {
            "13,75\u00a0kr": 13.75,
            "1\u202f375,50\u00a0kr": 1375.5,
            "kr\u00a01\u2009375,00": 1375,
            "USD\u00a01’375,50": 1375.5,
        }
        sales = self.assert_imported(
            self.import_dicts(
                *({"price": price} for price in written), float_decimal_separator=","
            )
        )
        self.assertEqual(sales.mapped("price"), list(written.values()))

    def test_no_number_and_a_negative_one_are_refused(self):
        prices = ("abc", "(13.75)", "-5", "−5", "1.5E+3", "$5€", "", "1..5")
        result = self.import_dicts(*({"price": price} for price in prices))
        self.assertEqual(
            [(m["rows"]["from"], m["field"]) for m in result["messages"]],
            [(row, "price") for row in range(len(prices))],
        )

    def test_numbers_among_the_lead_data_are_no_guess_either(self):
        for text, options, number in (
            ("1.375", {}, None),
            ("13,75", {}, None),
            ("1.375", GERMAN, 1375),
            ("13,75", GERMAN, 13.75),
        ):
            result = self.import_dicts(
                {"lead_data.value": text, "price": "20"}, **options
            )
            if number is None:
                self.assert_refused(
                    result, (0, "lead_data", "choose the file's decimal separator")
                )
            else:
                sale = self.assert_imported(result)
                self.assertEqual(sale.lead_data["value"], number)
                sale.unlink()

    # Blank

    def test_blank_date_and_type_are_refused(self):
        result = self.import_dicts(
            {"date": ""}, {"transaction_type": ""}, {"date": "", "transaction_type": ""}
        )
        self.assert_refused(
            result,
            (0, "date", "missing"),
            (1, "transaction_type", "missing"),
            (2, "transaction_type", "missing"),
            (2, "date", "missing"),
        )

    def test_without_their_columns_they_are_blank(self):
        columns = ["external_ref", "buyer_ref", "lead_type_id", "price"]
        result = self.import_file(columns, ["T1", "B1", "AUTO", "20.00"])
        fields = {message["field"] for message in result["messages"]}
        self.assertEqual(fields, {"date", "transaction_type"})

    # References

    def test_what_a_spreadsheet_program_spoiled_is_refused(self):
        result = self.import_dicts(
            {"external_ref": "1234567890123456"},
            {"external_ref": "1.23457E+15"},
            {"lead_ref": "12345678901234560000"},
            {"external_ref": "123456789012345", "lead_ref": "A1234567890123456"},
        )
        self.assert_refused(
            result,
            (0, "external_ref", "digits"),
            (1, "external_ref", "digits"),
            (2, "lead_ref", "digits"),
        )

    # Moments

    def test_a_time_without_offset_is_the_companys(self):
        texts = {
            "2026-01-15 12:00:00": datetime(2026, 1, 15, 17),
            "2026-01-15T12:00": datetime(2026, 1, 15, 17),
            "2026-01-15T12:00:00-08:00": datetime(2026, 1, 15, 20),
            "2026-01-15T12:00:00.75Z": datetime(2026, 1, 15, 12),
            "2026-01-15": datetime(2026, 1, 15, 5),
        }
        self.env.user.tz = "Asia/Tokyo"
        for column in ("date", "occurred_at"):
            rows = [{"date": "", column: text} for text in texts]
            sales = self.assert_imported(self.import_dicts(*rows))
            self.assertEqual(sales.mapped("date"), list(texts.values()))
            sales.unlink()

    def test_a_chosen_zone_is_no_guess(self):
        sale = self.assert_imported(
            self.import_dicts({"date": "2026-01-15 12:00:00"}, tz="Asia/Tokyo")
        )
        self.assertEqual(sale.date, datetime(2026, 1, 15, 3))
        with self.assertRaisesRegex(UserError, "Mars/Base"):
            self.import_dicts({"external_ref": "X"}, tz="Mars/Base")

    def test_a_time_that_was_twice_or_never_is_refused(self):
        result = self.import_dicts(
            {"date": "2025-11-02 01:30:00"},
            {"date": "2026-03-08 02:30:00"},
            {"date": "2025-11-02 01:30:00-05:00"},
        )
        self.assert_refused(result, (0, "date", "twice"), (1, "date", "did not occur"))

    def test_a_date_format_is_chosen_or_iso(self):
        result = self.import_dicts({"date": "01/02/2026"}, {"date": "2026-13-01"})
        self.assert_refused(
            result, (0, "date", "date format"), (1, "date", "date format")
        )
        sales = self.assert_imported(
            self.import_dicts(
                {"date": "03/02/2026"},
                {"date": "03/02/2026 10:00", "lead_data.born_on": "31/01/1990"},
                date_format="%d/%m/%Y",
                datetime_format="%d/%m/%Y %H:%M",
            )
        )
        self.assertEqual(
            sales.mapped("date"), [datetime(2026, 2, 3, 5), datetime(2026, 2, 3, 15)]
        )
        self.assertEqual(str(sales[1].lead_data["born_on"]), "1990-01-31")

    def test_the_zone_is_said_beside_the_column(self):
        tree = self.env["base_import.import"].get_fields_tree("lead.sale")
        comments = {
            field["name"]: field["lead_comment"]
            for field in tree
            if "lead_comment" in field
        }
        self.assertLessEqual({"date", "occurred_at"}, comments.keys())
        self.assertIn("America/New_York", comments["date"])

    def test_the_preview_proposes_no_choice(self):
        rows = [["external_ref", "date", "price"], ["T1", "01/02/2026", "1.375,00"]]
        buffer = io.StringIO()
        csv.writer(buffer).writerows(rows)
        wizard = self.env["base_import.import"].create(
            {
                "res_model": "lead.sale",
                "file": buffer.getvalue().encode(),
                "file_type": "text/csv",
            }
        )
        options = wizard.parse_preview({**OPTIONS})["options"]
        for name in (*GERMAN, "date_format", "datetime_format"):
            self.assertEqual(options[name], "", name)

    # Spreadsheets

    def test_cells_of_a_spreadsheet_that_are_numbers_and_dates_are_clear(self):
        book = Workbook()
        columns = [*ROW, "lead_data.value"]
        book.active.append(columns)
        book.active.append(
            ["T1", "sale", datetime(2026, 1, 15, 12, 30), "B1", "AUTO", 1.37 + 0.005]
        )
        book.active.append(
            ["T2", "sale", datetime(2026, 1, 15).date(), "B1", "AUTO", 20 * 0.07, 1.375]
        )
        book.active.append(["T3", "sale", "2026-01-15", "B1", "AUTO", "1.375"])
        book.active.append([1234567890123456, "sale", "2026-01-15", "B1", "AUTO", 5])
        result = self.import_file(columns, file=self.save(book))
        self.assert_refused(
            result,
            (0, "price", "finer"),
            (2, "price", "choose the file's decimal separator"),
            (3, "external_ref", "digits"),
        )
        book.active.delete_rows(4, 2)
        book.active["F2"] = 1375
        sales = self.assert_imported(self.import_file(columns, file=self.save(book)))
        self.assertEqual(sales.mapped("price"), [1375, 1.4])
        self.assertEqual(
            sales.mapped("date"),
            [datetime(2026, 1, 15, 17, 30), datetime(2026, 1, 15, 5)],
        )
        self.assertEqual(sales[1].lead_data["value"], 1.375)

    def test_a_time_that_a_cell_does_not_show_is_one(self):
        book = Workbook()
        book.active.append(list(ROW))
        book.active.append(
            ["T1", "sale", datetime(2026, 1, 15, 12, 30), "B1", "AUTO", 20]
        )
        book.active["C2"].number_format = "dd/mm/yyyy"
        sale = self.assert_imported(self.import_file(list(ROW), file=self.save(book)))
        self.assertEqual(sale.date, datetime(2026, 1, 15, 17, 30))

    def load_sheet(self, fallback_values=None, /, **values):
        """Import a spreadsheet of one row like ``ROW`` with what is different."""
        row = {**ROW, **values}
        book = Workbook()
        book.active.append(list(row))
        book.active.append(list(row.values()))
        options = {"fallback_values": fallback_values} if fallback_values else {}
        return self.import_file(list(row), file=self.save(book), **options)

    def test_what_a_spreadsheet_made_of_a_text_is_refused(self):
        self.sell("3-5", lead_ref="4-6")
        made = {
            "a date": date(2026, 3, 5),
            "a date and time": datetime(2026, 3, 5, 12, 30),
            "a time": time(12, 30),
            "TRUE": True,
            "FALSE": False,
            "an error": "#N/A",
        }
        names = ("external_ref", "lead_ref", "campaign", "buyer_ref", "reason")
        names += ("origin_external_ref", "transaction_type", "lead_type_id", "id")
        names += (".id", "partner_id/id", "partner_id/.id", "origin_id/.id")
        names += ("partner_id", "currency_id", "origin_id/id")
        texts = ("email", "remarks", "fuel", "extras", "value", "vehicle_year")
        for name in (*names, *(f"lead_data.{text}" for text in texts)):
            for kind, cell in made.items():
                with self.subTest(name=name, kind=kind):
                    field = "id" if name == ".id" else re.split("[./]", name)[0]
                    result = self.load_sheet(**{name: cell})
                    self.assertFalse(result["ids"])
                    self.assertIn(
                        (0, field),
                        [(m["rows"]["from"], m["field"]) for m in result["messages"]],
                    )
        self.assertEqual(self.env["lead.sale"].search_count([]), 1)
        self.assert_refused(
            self.load_sheet(external_ref=made["a date"]),
            (0, "external_ref", "Format the cell as text"),
        )
        self.assert_refused(
            self.load_sheet(lead_ref="#N/A"), (0, "lead_ref", "error of a formula")
        )

    def test_what_a_spreadsheet_calls_a_date_or_true_is_one_where_it_is_asked_for(self):
        sale = self.assert_imported(
            self.load_sheet(
                **{
                    "date": datetime(2026, 1, 15, 12, 30),
                    "lead_data.born_on": date(2000, 2, 29),
                    "lead_data.asked_at": datetime(2026, 1, 2, 3, 4),
                    "lead_data.insured": True,
                    "lead_data.remarks": 12345,
                    "campaign": 77,
                }
            )
        )
        values = dict(sale.lead_data)
        self.assertEqual(values["born_on"], "2000-02-29")
        self.assertEqual(values["asked_at"], "2026-01-02 08:04:00")
        self.assertIs(values["insured"], True)
        self.assertEqual((values["remarks"], sale.campaign), ("12345", "77"))

    def test_what_stands_for_another_type_stands_for_a_date_too(self):
        chosen = {
            "fallback_value": "sale",
            "field_model": "lead.sale",
            "field_type": "selection",
        }
        sale = self.assert_imported(
            self.load_sheet(
                {"transaction_type": chosen}, transaction_type=date(2026, 3, 5)
            )
        )
        self.assertEqual(sale.transaction_type, "sale")

    def test_two_columns_of_remarks_are_one(self):
        columns = [*ROW, "reason", "reason"]
        sale = self.assert_imported(
            self.import_file(columns, [*ROW.values(), "a", "b"])
        )
        self.assertEqual(sale.reason, "a\nb")

    def test_cells_of_any_type_are_read_or_refused(self):
        self.sell("T0")
        odd = ("-", "--", " ", "9" * 30, "-5", 5, 1.5, None, True, ["x"], {"a": 1})
        odd += (date(2026, 1, 1), float("nan"), 10**400, b"x", [{"name": 5}], [5])
        columns = [".id", "id", *ROW, "partner_id/.id", "partner_id/id", "partner_id"]
        columns += ["origin_id/.id", "reason", "lead_data.email", "lead_data"]
        for name in (*columns, "currency_id", "waived"):
            for cell in odd:
                with self.subTest(name=name, cell=shorten(cell, 20)):
                    row = {**ROW, name: cell}
                    result = self.env["lead.sale"].load(list(row), [list(row.values())])
                    told = [message["message"] for message in result["messages"]]
                    self.assertFalse([t for t in told if "Unknown error" in t])
                    if result["ids"]:
                        sale = self.env["lead.sale"].browse(result["ids"])
                        self.assertNotIn(cell, (["x"], {"a": 1}, b"x", True))
                        sale.with_context(active_test=False).unlink()
        sale = self.env["lead.sale"].load(["lead_ref", *ROW], [[5, *ROW.values()]])
        self.assertEqual(self.assert_imported(sale).lead_ref, "5")

    # Columns

    def import_text(self, *lines):
        text = "\n".join([",".join(ROW), *lines])
        return self.env["base_import.import"].create(
            {
                "res_model": "lead.sale",
                "file": text.encode(),
                "file_name": "sales.csv",
                "file_type": "text/csv",
            }
        )

    def test_a_decimal_comma_without_quotation_marks_loses_nothing(self):
        good = ",".join(ROW.values())
        wizard = self.import_text(good, good.replace("20.00", "13,75"))
        result = wizard.execute_import(list(ROW), list(ROW), {**OPTIONS})
        self.assertFalse(result.get("ids"))
        self.assertIn("3 (T1)", result["messages"][0]["message"])
        self.assertIn("3 (T1)", wizard.parse_preview({**OPTIONS})["error"])

    def test_a_quotation_mark_that_is_not_closed_swallows_no_rows(self):
        good = ",".join(ROW.values())
        for bad in (
            good.replace("T1", '"T1'),
            good.replace("AUTO", '"AUTO'),
            good.replace("20.00", '"20.00" USD'),
        ):
            with self.subTest(bad):
                wizard = self.import_text(good, bad, good, good)
                result = wizard.execute_import(list(ROW), list(ROW), {**OPTIONS})
                self.assertFalse(result.get("ids"))
                self.assertIn("on line 3", result["messages"][0]["message"])
                self.assertIn("on line 3", wizard.parse_preview({**OPTIONS})["error"])
        # Also where there is so much below it that the cell is too large.
        wizard = self.import_text(good, '"' + good, *[good] * 5000)
        result = wizard.execute_import(list(ROW), list(ROW), {**OPTIONS})
        self.assertIn("on line 3", result["messages"][0]["message"])
        # One that belongs to a text, and a line break within a text, are fine.
        columns = [*ROW, "reason"]
        written = {"T1": 'a "b"', "T2": 'a\n"b",c', "T3": '2"'}
        rows = [
            [ref, *list(ROW.values())[1:], reason] for ref, reason in written.items()
        ]
        sales = self.assert_imported(self.import_file(columns, *rows))
        self.assertEqual(sales.mapped("reason"), list(written.values()))

    def test_formats_that_guess_are_refused(self):
        book = io.BytesIO()
        with zipfile.ZipFile(book, "w") as archive:
            archive.writestr("mimetype", MIMETYPES["ods"])
        for kind, content in (
            ("ods", book.getvalue()),
            ("xls", bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600)),
        ):
            with self.subTest(kind), mute_logger(READER):
                wizard = self.env["base_import.import"].create(
                    {
                        "res_model": "lead.sale",
                        "file": content,
                        "file_name": f"sales.{kind}",
                        "file_type": MIMETYPES[kind],
                    }
                )
                result = wizard.execute_import(list(ROW), list(ROW), {**OPTIONS})
                self.assertIn("XLSX or CSV", result["messages"][0]["message"])
                self.assertIn("XLSX or CSV", wizard.parse_preview({**OPTIONS})["error"])
        # What some browsers call so is none.
        wizard = self.import_text(",".join(ROW.values()))
        wizard.file_type = MIMETYPES["xls"]
        with mute_logger(READER):
            result = wizard.execute_import(list(ROW), list(ROW), {**OPTIONS})
        self.assertEqual(self.assert_imported(result).external_ref, "T1")

    def test_what_a_row_leaves_out_at_its_end_is_blank(self):
        wizard = self.import_text("T1,sale,2026-01-15,B1", "T2,sale,x,B1,AUTO,20,,,")
        result = wizard.execute_import(list(ROW), list(ROW), {**OPTIONS})
        self.assert_refused(
            result,
            (0, "lead_type_id", "missing"),
            (0, "price", "missing"),
            (1, "date", "date format"),
        )

    def test_two_columns_for_one_field_are_no_guess(self):
        for name in ("price", "date", "external_ref"):
            result = self.import_file([*ROW, name], [*ROW.values(), ROW[name]])
            self.assertFalse(result.get("ids"))
            self.assertIn("More than one column", result["messages"][0]["message"])

    def test_columns_that_say_two_things_are_no_guess(self):
        self.assert_refused(
            self.import_dicts(
                {"occurred_at": "2026-01-15T12:00:00Z"},
                {"occurred_at": "2026-01-15T12:00:01Z"},
                {"partner_id": "Buyer One"},
                {"partner_id": "Buyer Two"},
            ),
            (1, "date", "not the same"),
            (3, "partner_id", "“Buyer Two” and “B1”"),
        )

    def save(self, book):
        buffer = io.BytesIO()
        book.save(buffer)
        return buffer.getvalue()

    # Without Odoo's screen

    def test_a_plain_load_does_not_guess(self):
        load = self.env["lead.sale"].load
        columns = list(ROW)
        row = {**ROW, "price": "13,75", "date": "01/02/2026"}
        result = load(columns, [list(row.values())])
        self.assert_refused(
            result,
            (0, "date", "date format"),
            (0, "price", "choose the file's decimal"),
        )
        self.assertTrue(load(columns, [list(ROW.values())])["ids"])

    def test_other_models_are_imported_as_before(self):
        wizard = self.env["base_import.import"].create(
            {
                "res_model": "res.currency.rate",
                "file": b'name,rate\n2026-01-15,"1.375,5"\n',
                "file_type": "text/csv",
            }
        )
        columns = ["name", "inverse_company_rate"]
        data, fields = wizard._convert_import_data(columns, {**OPTIONS, **GERMAN})
        data = wizard._parse_import_data(data, fields, {**OPTIONS, **GERMAN})
        self.assertEqual(data, [["2026-01-15", "1375.5"]])


@tagged("post_install", "-at_install")
class TestImportAsAWhole(ImportCommon):
    """All of a file or nothing, with all that is wrong; and again without harm."""

    def test_every_error_of_the_file_is_listed(self):
        result = self.import_dicts(
            {},
            {"price": "abc", "buyer_ref": "B?", "date": "x"},
            {"buyer_ref": "", "partner_id": "Nobody"},
            {"lead_type_id": "NONE", "price": "-1"},
            {"transaction_type": "gift"},
            {"lead_data.vehicle_year": "new", "price": "13,75"},
        )
        self.assertFalse(result["ids"])
        found = {(m["rows"]["from"], m["field"]) for m in result["messages"]}
        self.assertEqual(
            found,
            {
                *((1, "price"), (1, "partner_id"), (1, "date")),
                (2, "partner_id"),
                *((3, "lead_type_id"), (3, "price")),
                (4, "transaction_type"),
                *((5, "lead_data"), (5, "price")),
            },
        )
        self.assertEqual(len(result["messages"]), len(found))
        self.assertFalse(self.env["lead.sale"].search([]))

    def test_all_texts_of_a_row_are_looked_at(self):
        result = self.import_dicts(
            {"lead_ref": "L\x01", "campaign": "c" * 200, "reason": "r" * 20_000}
        )
        self.assert_refused(
            result,
            (0, "lead_ref", "control"),
            (0, "campaign", "200"),
            (0, "reason", "20000"),
        )

    def test_what_cannot_be_stored_is_an_error_of_its_cell(self):
        columns = [".id", *ROW, "reason", "lead_data.email"]
        sale = self.sell("T0")
        row = [str(sale.id), "T0", *list(ROW.values())[1:], "a", "b"]
        for place, column in enumerate(columns):
            for bad in ("x\x00", "\ud800"):
                with self.subTest(column=column, bad=bad):
                    cells = [*row[:place], bad, *row[place + 1 :]]
                    result = self.env["lead.sale"].load(columns, [cells])
                    self.assertFalse(result["ids"])
                    field = "id" if column == ".id" else column.split(".")[0]
                    self.assertIn(
                        (0, field),
                        [(m["rows"]["from"], m["field"]) for m in result["messages"]],
                    )

    def test_a_hundred_errors_are_a_hundred_messages(self):
        result = self.import_dicts(*({"price": "x"} for _row in range(100)), {})
        self.assertEqual(len(result["messages"]), 100)

    def test_again_and_again_in_one_transaction(self):
        for _time in range(3):
            result = self.import_dicts({"price": "x"}, {"buyer_ref": "B?"})
            self.assertEqual(len(result["messages"]), 2)
        self.assert_imported(self.import_dicts({}, {}))

    def test_an_administrator_without_lead_data_imports(self):
        admin = new_test_user(
            self.env,
            login="no_lead_data",
            groups="base.group_system,lead_invoicing.group_manager",
            company_id=self.company.id,
        )
        self.assertFalse(admin.has_group("lead_invoicing.group_lead_data"))
        self.assertEqual(
            len(self.assert_imported(self.import_dicts({}, {}, user=admin))), 2
        )
        self.assert_refused(
            self.import_dicts({"external_ref": "X", "price": "x"}, user=admin),
            (0, "price", "x"),
        )

    def test_a_file_twice_is_counted_and_changes_nothing(self):
        first = self.assert_imported(self.import_dicts({}, {}))
        result = self.import_dicts({}, {}, {})
        sales = self.assert_imported(result)
        self.assertEqual(sales[:2], first)
        self.assertEqual(result["lead_duplicates"], 2)
        self.assertIn("2", result["lead_notice"])
        self.assertEqual(self.env["lead.sale"].search_count([]), 3)
        self.assertFalse(self.import_dicts({"external_ref": "N"})["lead_notice"])

    def test_the_same_reference_with_other_content_is_an_error(self):
        self.assert_imported(self.import_dicts({}))
        self.assert_refused(
            self.import_dicts({"price": "21.00"}),
            (0, "external_ref", "different content"),
        )
        result = self.import_dicts(
            {"external_ref": "X"}, {"external_ref": "X", "price": "5"}
        )
        self.assert_refused(result, (1, "external_ref", "different content"))

    def test_external_ids_find_their_row(self):
        columns = ["id", *ROW, "reason"]
        values = list(ROW.values())
        sale = self.assert_imported(
            self.import_file(columns, ["sale_1", *values, "first"])
        )
        self.assertEqual(sale._get_external_ids()[sale.id], ["__import__.sale_1"])
        again = self.import_file(columns, ["sale_1", *values, "second"])
        self.assertEqual(self.assert_imported(again), sale)
        self.assertEqual(sale.reason, "second")
        only = self.import_file(["id", "reason"], ["sale_1", "third"])
        self.assertEqual(self.assert_imported(only), sale)
        self.assertEqual((sale.reason, sale.price), ("third", 20))

    def test_many_known_rows_are_looked_up_with_as_many_queries_as_few(self):
        rows = [[f"s{i}", f"T{i}", *list(ROW.values())[1:], "why"] for i in range(9)]
        sales = self.assert_imported(self.import_file(["id", *ROW, "reason"], *rows))
        counts = []
        for number in (2, 2, 9):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            again = self.env["lead.sale"].load(
                ["id", "reason"], [[f"__import__.s{i}", "why"] for i in range(number)]
            )
            self.assertEqual(again["ids"], sales[:number].ids)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[1], counts[2])

    def test_an_external_id_of_something_else_stays_its_own(self):
        company = self.env.ref("base.main_company")
        result = self.import_file(
            ["id", *ROW],
            ["base.main_company", *ROW.values()],
            ["sale_2", *ROW.values()],
        )
        self.assert_refused(result, (0, "id", "base.main_company"))
        self.env.invalidate_all()
        self.assertEqual(self.env.ref("base.main_company"), company)

    def test_a_file_with_external_ids_twice_changes_nothing(self):
        columns = [
            *("id", "external_ref", "transaction_type", "origin_external_ref"),
            *("date", "buyer_ref", "lead_type_id", "price", "lead_ref"),
            *("currency_id", "reason"),
        ]
        day, rest = "2026-01-15", ("B1", "AUTO")
        rows = [
            ["s", "F1", "sale", "", day, *rest, "20", "L1", "", ""],
            ["c", "F2", "correction", "F1", day, *rest, "15", "", "", "cheaper"],
            ["r", "F3", "return", "F1", day, *rest, "5", "", "", "bad"],
            ["l", "F4", "return", "", day, *rest, "10", "L1", "", "bad"],
        ]
        sales = self.assert_imported(self.import_file(columns, *rows))
        before = sales.read()
        self.assertEqual(self.assert_imported(self.import_file(columns, *rows)), sales)
        self.assertEqual(sales.read(), before)
        rows[2][-1] = "worse"
        self.assert_imported(self.import_file(columns, *rows))
        self.assertEqual(sales[2].reason, "worse")
        rows[1][7] = "16"
        self.assert_refused(
            self.import_file(columns, *rows), (1, "external_ref", "cannot be changed")
        )

    def test_a_file_with_external_ids_twice_keeps_why_it_is_waived(self):
        self.company.lead_billing_start = "2026-02-01"
        columns = ["id", *ROW, "reason"]
        rows = [
            ["s1", *ROW.values(), ""],
            ["s2", "T2", *list(ROW.values())[1:], "trial"],
        ]
        sales = self.assert_imported(self.import_file(columns, *rows))
        self.assert_imported(self.import_file(columns, *rows))
        self.assertEqual(
            sales.mapped("reason"), ["billed elsewhere", "trial (billed elsewhere)"]
        )

    def test_all_that_is_wrong_with_a_known_row_is_told(self):
        sale = self.sell("T1")
        columns = ["price", "date", "campaign", "lead_data.vehicle_year", "reason"]
        for cells, fields in (
            (["1,5", "x", "c" * 200, "new", "r"], {"price", "date", "campaign"}),
            (["1e308", "", "", "new", "r"], {"price"}),
            (["20", "", "", "", "r" * 20_000], {"reason", "external_ref"}),
        ):
            result = self.import_file([".id", *columns], [str(sale.id), *cells])
            told = {message["field"] for message in result["messages"]}
            self.assertLessEqual(fields, told, result["messages"])
            self.assertFalse(sale.reason)

    def test_database_ids_find_their_row(self):
        sale = self.sell("T1")
        result = self.import_file([".id", "reason"], [str(sale.id), "checked"])
        self.assertEqual(self.assert_imported(result), sale)
        self.assertEqual(sale.reason, "checked")

    def test_a_known_row_keeps_what_is_frozen(self):
        sale = self.sell("T1")
        for column, value, words in (
            ("price", "21.00", "Price"),
            ("price", "13,75", "choose the file's decimal"),
            ("date", "2026-01-16", "Date"),
            ("occurred_at", "2026-01-16", "Date"),
            ("buyer_ref", "B2", "Buyer"),
        ):
            result = self.import_file(
                [".id", column, "reason"], [str(sale.id), value, "x"]
            )
            [message] = result["messages"]
            self.assertIn(words, message["message"])
            self.assertFalse(sale.reason)

    def test_lead_data_of_a_known_row_are_corrected(self):
        sale = self.sell("T1", lead_data={"email": "a@example.com"})
        columns = [".id", "lead_data.vehicle_year", "lead_data.email"]
        self.assert_imported(self.import_file(columns, [str(sale.id), "2008", ""]))
        self.assertEqual(sale.lead_data["vehicle_year"], 2008)
        self.assertEqual(sale.lead_data["email"], "a@example.com")

    def test_contacts_of_one_name_are_no_guess(self):
        self.env["res.partner"].create([{"name": "Twin"}, {"name": "Twin"}])
        result = self.import_dicts({"buyer_ref": "", "partner_id": "Twin"})
        self.assertFalse(result["ids"])
        self.assertEqual(result["messages"][0]["type"], "error")
        self.assertFalse(self.env["lead.sale"].search([]))

    # Returns name leads

    def give_back_lead(self, lead_ref, **row):
        return self.import_dicts(
            {
                "external_ref": "R1",
                "transaction_type": "return",
                "date": "2026-01-20",
                "lead_ref": lead_ref,
                **row,
            }
        )

    def test_a_return_finds_the_sale_of_its_lead(self):
        sale = self.sell("T1", lead_ref="L1")
        self.sell("T2", lead_ref="L1", buyer_ref="B2")
        returned = self.assert_imported(self.give_back_lead("L1"))
        self.assertEqual(returned.origin_id, sale)
        # The file once more.
        result = self.give_back_lead("L1")
        self.assertEqual(self.assert_imported(result), returned)
        self.assertEqual(result["lead_duplicates"], 1)
        # Nothing is left of it.
        self.assert_refused(
            self.give_back_lead("L1", external_ref="R2"), (0, "lead_ref", "“L1”")
        )

    def test_a_return_of_a_lead_sold_twice_names_its_sale(self):
        self.sell("T1", lead_ref="L1")
        self.sell("T2", lead_ref="L1")
        self.assert_refused(self.give_back_lead("L1"), (0, "lead_ref", "T1, T2"))
        self.give_back("R0", "T1")
        returned = self.assert_imported(self.give_back_lead("L1"))
        self.assertEqual(returned.origin_id.external_ref, "T2")

    def test_a_return_of_an_unknown_lead_is_a_sentence(self):
        self.sell("T1", lead_ref="L1", buyer_ref="B2")
        self.assert_refused(self.give_back_lead("L1"), (0, "lead_ref", "“L1”"))

    def test_a_return_finds_its_sale_in_the_same_file(self):
        give_back = {"transaction_type": "return", "date": "2026-01-20"}
        result = self.import_dicts(
            {**give_back, "lead_ref": "L1", "price": "5.00"},
            {**give_back, "lead_ref": "L1", "price": "15.00"},
            {"lead_ref": "L1"},
            {**give_back, "external_ref": "late", "date": "2026-01-21"}
            | {"lead_ref": "L1", "price": "1.00"},
        )
        self.assert_refused(result, (3, "lead_ref", "“L1”"))


NUMBERS = st.decimals(0, 10**9, places=2) | st.decimals(0, 10**6, places=3)


class TestFileFormats(TransactionCase):
    """Whatever the number, and however it is written: it, or a sentence."""

    def test_what_is_too_long_for_a_number_is_told_at_once(self):
        formats = FileFormats(ZoneInfo("UTC"), {})
        start = monotonic()
        with self.assertRaisesRegex(RowError, "not a number"):
            formats.read_number(self.env, "price", f"({' ' * 2000}x")
        self.assertLess(monotonic() - start, 1)

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        NUMBERS,
        st.sampled_from([",", ".", " ", "'", ""]),
        st.sampled_from([".", ","]),
        st.booleans(),
    )
    def test_a_number_is_never_another_one(self, number, group, point, is_chosen):
        text = f"{number:,}".replace(",", "G").replace(".", point).replace("G", group)
        options = {"float_decimal_separator": point} if is_chosen else {}
        formats = FileFormats(ZoneInfo("UTC"), options)
        try:
            found, _sign = formats.read_number(self.env, "price", text)
        except RowError:
            found = None
        if is_chosen and group != point:
            self.assertEqual(found, number, text)
        elif group != point:
            self.assertIn(found, (None, Decimal(number)), text)
