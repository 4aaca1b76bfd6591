"""The Invoicing Report as CSV, XLSX and PDF."""

import csv
import io
import os
import re
import shutil
import subprocess
import tempfile
import unittest
import warnings
from datetime import datetime
from pathlib import Path

import openpyxl
from openpyxl.utils.escape import unescape

from odoo.exceptions import UserError
from odoo.tools import SQL
from odoo.tools.pdf import PdfFileReader

from ..report import invoicing_report
from ..report.as_csv import write_csv
from ..report.as_pdf import make_pdf
from ..report.as_xlsx import write_xlsx
from ..tools.downloads import FileTooLargeError
from ..tools.formula_injection import CsvGuard, get_safe_sql, make_safe
from .common.optional_packages import HealthCheck, given, settings, st
from .common.report import FORMULAS, HARMLESS, ReportCommon

SETTINGS = settings(
    max_examples=200, deadline=None, suppress_health_check=list(HealthCheck)
)
# What PostgreSQL can store.
TEXTS = st.text(
    st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=30
)
# What looks like a telephone number, nearly.
PHONES = st.text("0159 +-.()\n;\u0663\u00a0", max_size=8)
TOTAL_LINES = 4


class FullFile(io.BytesIO):
    """Takes some bytes, then no more."""

    def __init__(self, error, limit=100_000):
        super().__init__()
        self.error = error
        self.limit = limit

    def write(self, data):
        if self.tell() > self.limit:
            raise self.error
        return super().write(data)


class FilesCommon(ReportCommon):
    def read_csv(self, report):
        """Return the lines of the report's CSV: lists of texts, header first."""
        file = io.BytesIO()
        write_csv(report, file)
        content = file.getvalue()
        self.assertTrue(content.startswith(b"\xef\xbb\xbf"), "no BOM")
        text = content.decode("utf-8-sig")
        return list(csv.reader(io.StringIO(text, newline=""), strict=True))

    def read_rows(self, report):
        """Return the rows of the report's CSV as dicts, without the totals."""
        header, *lines = self.read_csv(report)
        rows = [dict(zip(header, line, strict=True)) for line in lines if len(line) > 4]
        self.assertEqual(len(rows), report.count)
        return rows

    def read_xlsx(self, report):
        file = io.BytesIO()
        write_xlsx(report, file)
        return openpyxl.load_workbook(file).active

    def sell_formulas(self):
        """Record a sale for each formula, which is in all that comes from outside."""
        for formula in FORMULAS:
            self.new_sale(
                lead_data={"first_name": formula, "program": formula}, reason=formula
            )
        (text,) = [formula for formula in FORMULAS if formula == "=1+1"]
        self.new_sale(lead_ref=text, campaign=text, external_ref=text)


class TestSafeText(FilesCommon):
    @SETTINGS
    @given(TEXTS | PHONES | st.sampled_from(FORMULAS))
    def test_no_text_is_a_formula(self, text):
        safe = make_safe(text)
        self.assertEqual(safe.replace("'", ""), text.replace("'", ""))
        if re.fullmatch("[0-9 +.()-]*", text, re.ASCII) and re.search("[0-9]", text):
            self.assertEqual(safe, text)
            return
        # Wherever a program or its user takes cells to end.
        line = io.StringIO()
        csv.writer(line).writerow(["1", safe, "2"])
        unseen = "".join(map(chr, range(0x21))) + "\u00a0\ufeff\u200b"
        for separator in ",;|\t":
            file = io.StringIO(line.getvalue(), newline="")
            for cells in csv.reader(file, delimiter=separator):
                for cell in cells:
                    beginning = cell.lstrip(unseen)[:1]
                    self.assertNotIn(beginning or "1", "=+-@＝＋－＠", repr(cell))

    @SETTINGS
    @given(TEXTS | PHONES | st.sampled_from(FORMULAS), st.integers(1, 9))
    def test_a_stream_is_as_safe_as_each_text(self, text, size):
        safe = get_safe_sql(SQL("%s::varchar", text))
        query = SQL("COPY (SELECT 1, %s, -2) TO STDOUT (FORMAT csv)", safe)
        file = io.BytesIO()
        self.cr.copy_expert(self.cr.mogrify(query).decode(), file)
        lines = file.getvalue() * 2
        pieces = [lines[i : i + size] for i in range(0, len(lines), size)]
        file = io.BytesIO()
        with CsvGuard(file) as guard:
            for piece in pieces:
                guard.write(piece)
        stream = io.StringIO(file.getvalue().decode(), newline="")
        rows = [["1", make_safe(text), "-2"]] * 2
        self.assertEqual(list(csv.reader(stream, strict=True)), rows)


class TestCsv(FilesCommon):
    def test_texts_dates_numbers_and_totals(self):
        sale = self.new_sale(
            price="1234.50",
            lead_ref="L1",
            campaign='Herbst "Köln", früh',
            lead_data={"first_name": "Zoë 🚗\nzweite Zeile"},
        )
        back = self.new_return(sale, reason="Duplicate")
        header, first, second, *totals = self.read_csv(self.open(fields="first_name"))
        self.assertEqual(
            header,
            [
                *("Date", "Transaction", "Type", "Lead", "Campaign", "Amount"),
                *("Invoice", "Billing", "Returned Sale", "Reason", "First Name"),
            ],
        )
        self.assertEqual(
            first,
            [
                *("2026-11-04 07:00:00", sale.external_ref, "Sale", "L1"),
                *('Herbst "Köln", früh', "1234.50", "", "Unbilled", "", ""),
                "Zoë 🚗\nzweite Zeile",
            ],
        )
        self.assertEqual(second[1], back.external_ref)
        self.assertEqual(float(second[5]), -1234.5)
        self.assertEqual(second[8:10], [sale.external_ref, "Duplicate"])
        self.assertEqual(
            totals,
            [
                ["Purchased", "1", "1234.50", "USD"],
                ["Returned", "1", "-1234.50", "USD"],
                ["Net", "0", "0.00", "USD"],
                ["Rows", "2"],
            ],
        )

    def test_every_type_of_lead_data(self):
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
        names = "vehicle_year,insured,value,born_on,asked_at,fuel,extras,remarks"
        (row,) = self.read_rows(self.open(fields=names))
        self.assertEqual(
            list(row.values())[-8:],
            [
                *("2019", "false", "-1.5", "1980-02-29", "2026-11-04 07:00:00"),
                *("Electric", "Sun roof, Hook", ""),
            ],
        )

    def test_formulas_stay_text_and_negative_amounts_numbers(self):
        self.sell_formulas()
        sale = self.new_sale(price="5.00")
        self.new_return(sale, reason="-1+A1")
        *rows, mixed, _sale, back = self.read_rows(
            self.open(fields="first_name,program")
        )
        for formula, row in zip(FORMULAS, rows, strict=True):
            for column in ("First Name", "Program", "Reason"):
                self.assertEqual(row[column], make_safe(formula))
        for column in ("Transaction", "Lead", "Campaign"):
            self.assertEqual(mixed[column], "'=1+1")
        self.assertEqual(back["Amount"], "-5.00")
        self.assertEqual(back["Reason"], "'-1+A1")

    def test_formulas_in_names_and_labels(self):
        self.buyer.name = "=2+3"
        self.edu.lead_properties_definition = [
            {"name": "first_name", "string": "=7+7", "type": "char"},
            {
                "name": "kind",
                "string": "Kind",
                "type": "selection",
                "selection": [["a", "=4+4"]],
            },
        ]
        branch = self.env["res.partner"].create(
            {"name": "@SUM(1)", "ref": "branch", "parent_id": self.buyer.id}
        )
        self.new_sale(branch, lead_data={"kind": "a"})
        (row,) = self.read_rows(self.open())
        self.assertIn("'=7+7", row)
        self.assertEqual(row["Sub-account"], "'@SUM(1)")
        self.assertEqual(row["Kind"], "'=4+4")

    def test_erased(self):
        sale = self.new_sale(lead_data={"first_name": "Ada"})
        sale.sudo().write({"lead_data": False, "lead_data_erased_at": "2026-11-20"})
        (row,) = self.read_rows(self.open(fields="first_name"))
        self.assertEqual(row["First Name"], "erased")

    def test_without_rows_it_is_whole(self):
        self.assertEqual(self.read_csv(self.open())[1:], [["Rows", "0"]])

    def test_rows_of_a_document(self):
        sale = self.new_sale()
        document = self.generate()
        self.new_sale(at="2026-11-10T12:00:00Z")
        report = self.open(invoice_id=str(document.id))
        (row,) = self.read_rows(report)
        self.assertEqual(row["Transaction"], sale.external_ref)
        self.assertEqual(row["Invoice"], document.name)

    def test_telephone_numbers_stay_as_they_are(self):
        for text in HARMLESS:
            self.new_sale(lead_data={"first_name": text})
        rows = self.read_rows(self.open(fields="first_name"))
        self.assertEqual([row["First Name"] for row in rows], HARMLESS)

    def test_plain_has_what_was_recorded_and_nothing_else(self):
        self.sell_formulas()
        file = io.BytesIO()
        report = self.open(fields="first_name,program")
        write_csv(report, file, is_plain=True)
        text = file.getvalue().decode()
        self.assertTrue(text.startswith("Date,Transaction,"))
        lines = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
        self.assertEqual(len(lines), report.count)
        for formula, line in zip(FORMULAS, lines, strict=False):
            self.assertEqual(line["First Name"], formula)
            self.assertEqual(line["Program"], formula)

    def test_a_file_that_cannot_be_written_leaves_the_database_at_work(self):
        self.new_sale(lead_data={"first_name": "x" * 5000})
        self.copy_sales(2000)
        for error in (FileTooLargeError(), OSError(28, "No space left on device")):
            file = FullFile(error)
            report = self.open(fields="first_name")
            for is_plain in (True, False):
                # Odoo's own assertRaises makes a savepoint, which hides the state.
                with unittest.TestCase().assertRaises(type(error)):
                    write_csv(report, file, is_plain)
                self.assertEqual(self.open().count, 2001)
            with self.assertRaises(type(error)):
                write_xlsx(report, FullFile(error, limit=1000))


class TestXlsx(FilesCommon):
    def test_typed_cells_header_filter_and_totals(self):
        sale = self.new_sale(
            lead_type="AUTO",
            price="1234.50",
            lead_data={
                "insured": False,
                "value": -1.5,
                "vehicle_year": 2019,
                "born_on": "1980-02-29",
                "first_name": "Zoë",
            },
        )
        self.new_return(sale)
        names = "first_name,vehicle_year,insured,value,born_on"
        sheet = self.read_xlsx(self.open(fields=names))
        header = [cell.value for cell in sheet[1]]
        row = dict(zip(header, sheet[2], strict=True))
        self.assertEqual(row["Date"].value, datetime(2026, 11, 4, 7))
        self.assertTrue(row["Date"].is_date)
        self.assertEqual(row["Amount"].value, 1234.5)
        self.assertEqual(row["Amount"].number_format, "#,##0.00")
        self.assertIs(row["Currently Insured"].value, False)
        self.assertEqual(row["Value"].value, -1.5)
        self.assertEqual(row["Vehicle Year"].value, 2019)
        self.assertEqual(row["Born On"].value, datetime(1980, 2, 29))
        self.assertEqual(row["First Name"].value, "Zoë")
        self.assertEqual(sheet.freeze_panes, "A2")
        self.assertEqual(
            sheet.auto_filter.ref, f"A1:{sheet.cell(3, len(header)).coordinate}"
        )
        totals = [[cell.value for cell in line[:4]] for line in sheet["A5:D8"]]
        self.assertEqual(
            totals,
            [
                ["Purchased", 1, 1234.5, "USD"],
                ["Returned", 1, -1234.5, "USD"],
                ["Net", 0, 0, "USD"],
                ["Rows", 2, None, None],
            ],
        )

    def test_formulas_stay_text(self):
        self.sell_formulas()
        sheet = self.read_xlsx(self.open(fields="first_name,program"))
        header = [cell.value for cell in sheet[1]]
        place = header.index("First Name")
        for number, formula in enumerate(FORMULAS, 2):
            cell = sheet[number][place]
            self.assertEqual(cell.data_type, "s")
            self.assertEqual(unescape(cell.value), formula)

    def test_as_many_decimal_places_as_the_currency_has(self):
        self.env.ref("base.JPY").active = True
        self.new_sale(price="1500", currency="JPY")
        sheet = self.read_xlsx(self.open(fields=""))
        header = [cell.value for cell in sheet[1]]
        self.assertEqual(sheet[2][header.index("Amount")].number_format, "#,##0")
        self.assertEqual(sheet["C4"].number_format, "#,##0")

    def test_a_date_before_there_were_workbooks(self):
        self.new_sale(lead_type="AUTO", lead_data={"born_on": "1850-01-31"})
        sheet = self.read_xlsx(self.open(fields="born_on"))
        self.assertIn("1850-01-31", [cell.value for cell in sheet[2]])

    def test_erased(self):
        sale = self.new_sale(lead_data={"first_name": "Ada"})
        sale.sudo().write({"lead_data": False, "lead_data_erased_at": "2026-11-20"})
        sheet = self.read_xlsx(self.open(fields="first_name"))
        self.assertIn("erased", [cell.value for cell in sheet[2]])

    def test_too_many_rows_are_refused_in_a_sentence(self):
        self.new_sale()
        self.new_sale()
        self.patch(invoicing_report, "LIMITS", {"xlsx": 1, "pdf": 1})
        for write in (self.read_xlsx, make_pdf):
            with self.assertRaisesRegex(UserError, "at most 1. .* as CSV"):
                write(self.open())


class TestPdf(FilesCommon):
    def test_every_page_has_header_heads_and_number(self):
        if not shutil.which("wkhtmltopdf"):
            self.skipTest("wkhtmltopdf is not here.")
        self.new_sale(lead_data={"first_name": "Ada", "program": "=1+1"})
        for _number in range(80):
            self.new_sale()
        self.company.name = "Lead House"
        report = self.open()
        report.env = report.env(context={"force_report_rendering": True})
        with self.allow_pdf_render():
            content = make_pdf(report)
        pages = PdfFileReader(io.BytesIO(content)).pages
        self.assertGreater(len(pages), 1)
        for number, page in enumerate(pages, 1):
            text = " ".join(page.extract_text().split())
            self.assertIn("Lead House", text)
            self.assertIn("Transaction", text)
            self.assertIn(f"Page {number} / {len(pages)}", text)
            width, height = page.mediabox.width, page.mediabox.height
            self.assertGreater(width, height, "not in landscape")


@unittest.skipUnless(
    shutil.which("ssconvert"), "Gnumeric, which opens the files, is not here."
)
class TestSpreadsheetProgram(FilesCommon):
    """What people see who open the files in a spreadsheet program."""

    def convert(self, name, content, separator=","):
        """Open a file in Gnumeric, let it calculate, and return the sheet of it.

        :param name: of the file; as *.csv, Gnumeric would guess the separator badly
        :param separator: what ends a cell of CSV, as this computer's language has it
        :return: the sheet with its formulas, and with what they come to
        """
        options = []
        if separator != ",":
            lines = io.StringIO(content.decode(), newline="")
            text = io.StringIO(newline="")
            # With every cell in quotes, Gnumeric has no separator to guess.
            writer = csv.writer(text, quoting=csv.QUOTE_ALL)
            writer.writerows(csv.reader(lines, delimiter=separator))
            content = text.getvalue().encode()
            options = ["--import-type=Gnumeric_stf:stf_csvtab"]
        with tempfile.TemporaryDirectory() as folder:
            path, made = Path(folder, name), Path(folder, "made.xlsx")
            path.write_bytes(content)
            subprocess.run(
                ["ssconvert", "--recalc", *options, str(path), str(made)],
                check=True,
                capture_output=True,
                timeout=120,
                env={**os.environ, "HOME": folder},
            )
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Workbook contains no default style")
                return [
                    openpyxl.load_workbook(made, data_only=data_only).active
                    for data_only in (False, True)
                ]

    def test_formulas_stay_text(self):
        self.sell_formulas()
        report = self.open(fields="first_name,program")
        text = io.BytesIO()
        write_csv(report, text)
        content = text.getvalue()
        workbook = io.BytesIO()
        write_xlsx(report, workbook)
        for name, file in (("a.txt", content), ("b.xlsx", workbook.getvalue())):
            sheet, _values = self.convert(name, file)
            with self.subTest(file=name):
                cells = [cell for row in sheet.iter_rows() for cell in row]
                self.assertFalse([cell for cell in cells if cell.data_type == "f"])
                header = [cell.value for cell in sheet[1]]
                for number, formula in enumerate(FORMULAS, 2):
                    row = dict(zip(header, sheet[number], strict=True))
                    self.assertEqual(row["First Name"].data_type, "s")
                    # It is there; only line ends and what is not seen may be lost.
                    shown = formula.split()[-1].strip("\ufeff")
                    value = row["First Name"].value
                    if name.endswith(".txt"):
                        value = value.replace("'", "")
                    self.assertIn(shown, value)
                    # Amounts are numbers, dates are dates.
                    self.assertEqual(row["Amount"].value, 10)
                    self.assertTrue(row["Date"].is_date)
        # As computers of other languages do.
        for separator in ";\t":
            sheet, _values = self.convert("c.txt", content, separator)
            cells = [cell for row in sheet.iter_rows() for cell in row]
            self.assertFalse([cell for cell in cells if cell.data_type == "f"])

    def test_the_trap_is_real(self):
        """An unsafe cell does become a formula here: the test above can fail."""
        sheet, values = self.convert("trap.txt", b"a\n=20+1\n")
        self.assertEqual((sheet["A2"].data_type, values["A2"].value), ("f", 21))
        sheet, values = self.convert("trap.txt", b"a;b\nc;=20+1\n", ";")
        self.assertEqual((sheet["B2"].data_type, values["B2"].value), ("f", 21))
        unsafe = io.BytesIO()
        workbook = openpyxl.Workbook()
        workbook.active["A1"] = "=20+1"
        workbook.save(unsafe)
        sheet, values = self.convert("trap.xlsx", unsafe.getvalue())
        self.assertEqual((sheet["A1"].data_type, values["A1"].value), ("f", 21))
