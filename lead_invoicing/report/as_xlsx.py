"""The Invoicing Report as a workbook: typed cells, written row by row."""

from contextlib import contextmanager

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

# Workbooks know no date before.
_FIRST_YEAR = 1900
_WIDTHS = {"date": 11, "datetime": 18, "boolean": 9}
_WIDTH = 16
_FORMATS = {
    "date": "yyyy-mm-dd",
    "datetime": "yyyy-mm-dd hh:mm:ss",
    "float": "General",
    "integer": "0",
}


@contextmanager
def open_workbook(file, title, **options):
    """Open a workbook in which a text is a text, whatever it looks like.

    :param file: a path, or a file to write bytes to that can be sought in
    :param options: more of xlsxwriter's
    :raises OSError: when it cannot be written
    """
    options |= {
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    try:
        with xlsxwriter.Workbook(file, options) as workbook:
            workbook.set_properties({"title": title})
            yield workbook
    except FileCreateError as error:
        raise OSError(str(error)) from error


def write_xlsx(report, file):
    """Write the workbook of a report.

    :param report: an ``InvoicingReport``
    :param file: a path, or a file to write bytes to that can be sought in
    :raises UserError: if there are more rows than a workbook may have
    :raises OSError: when it cannot be written
    """
    report.check_limit("xlsx")
    # Rows leave memory as they are written.
    with open_workbook(file, report.get_title(), constant_memory=True) as workbook:
        sheet = workbook.add_worksheet(report.env._("Leads"))
        _ReportSheet(report, workbook, sheet).fill()


class _ReportSheet:
    """Writes header, rows and totals onto a worksheet, from top to bottom."""

    def __init__(self, report, workbook, sheet):
        self.report = report
        self.sheet = sheet
        self.workbook = workbook
        self.bold = workbook.add_format({"bold": True})
        self.formats = {
            name: workbook.add_format({"num_format": text})
            for name, text in _FORMATS.items()
        }
        self.erased = report.env._("erased")

    def fill(self):
        columns = self.report.columns
        for place, column in enumerate(columns):
            self.sheet.set_column(place, place, _WIDTHS.get(column.type, _WIDTH))
        self.sheet.freeze_panes(1, 0)
        self.sheet.repeat_rows(0)
        self.sheet.set_landscape()
        self.sheet.fit_to_pages(1, 0)
        self.sheet.autofilter(0, 0, self.report.count, len(columns) - 1)
        for place, column in enumerate(columns):
            self.sheet.write_string(0, place, column.label, self.bold)
        writers = [
            (place, column.is_lead_data, self._get_writer(column))
            for place, column in enumerate(columns)
        ]
        number = 0
        for number, row in enumerate(self.report.iter_rows(), 1):
            is_erased = row[-1]
            for place, is_lead_data, write in writers:
                value = row[place]
                if value is not None:
                    write(number, place, value)
                elif is_erased and is_lead_data:
                    self.sheet.write_string(number, place, self.erased)
        self._write_totals(number + 2)

    def _get_writer(self, column):
        """Return the function that writes a value of a column into a cell."""
        sheet, cell_format = self.sheet, self.formats.get(column.type)
        if column.type == "monetary":
            cell_format = self._get_money_format(column.digits)
        if column.type == "selection":
            labels = column.options
            return lambda number, place, value: sheet.write_string(
                number, place, labels.get(value, value)
            )
        if column.type in ("date", "datetime"):
            return lambda number, place, value: (
                sheet.write_datetime(number, place, value, cell_format)
                if value.year >= _FIRST_YEAR
                else sheet.write_string(number, place, str(value))
            )
        write = {
            "boolean": sheet.write_boolean,
            "float": sheet.write_number,
            "integer": sheet.write_number,
            "monetary": sheet.write_number,
        }.get(column.type, sheet.write_string)
        return lambda number, place, value: write(number, place, value, cell_format)

    def _get_money_format(self, digits):
        places = f".{'0' * digits}" if digits else ""
        return self.workbook.add_format({"num_format": f"#,##0{places}"})

    def _write_totals(self, number):
        """Write what there is in all: a line for each kind and currency, the last for
        the number of rows."""
        report = self.report
        for total in report.get_totals():
            currency = total["currency"]
            money = self._get_money_format(currency.decimal_places)
            for kind, label in report.get_total_labels():
                self.sheet.write_string(number, 0, label, self.bold)
                self.sheet.write_number(number, 1, total[kind])
                amount = total[f"{kind}_amount"]
                self.sheet.write_number(number, 2, amount, money)
                self.sheet.write_string(number, 3, currency.name)
                number += 1
        self.sheet.write_string(number, 0, report.env._("Rows"), self.bold)
        self.sheet.write_number(number, 1, report.count)
