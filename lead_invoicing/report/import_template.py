"""Files to begin an import with: the columns that it knows, and rows as examples."""

import csv
import io
from datetime import date, datetime

from ..tools.formula_injection import make_safe
from .as_csv import BOM
from .as_xlsx import open_workbook

_WIDTH = 20
_DATE = "yyyy-mm-dd hh:mm:ss"


def write_template(rows, title, file_type, file):
    """Write a template.

    :param rows: a list of lists; the first one has the headers
    :param file_type: ``xlsx`` or ``csv``
    :param file: to write bytes to
    """
    if file_type == "csv":
        _write_csv(rows, file)
    else:
        _write_xlsx(rows, title, file)


def _write_csv(rows, file):
    text = io.StringIO()
    csv.writer(text).writerows(
        [make_safe(str(value)) if value else "" for value in row] for row in rows
    )
    file.write((BOM + text.getvalue()).encode())


def _write_xlsx(rows, title, file):
    with open_workbook(file, title) as workbook:
        sheet = workbook.add_worksheet(title)
        moment = workbook.add_format({"num_format": _DATE})
        bold = workbook.add_format({"bold": True})
        sheet.set_column(0, len(rows[0]) - 1, _WIDTH)
        sheet.freeze_panes(1, 0)
        for place, row in enumerate(rows):
            for column, value in enumerate(row):
                if isinstance(value, date | datetime):
                    sheet.write_datetime(place, column, value, moment)
                elif value not in ("", None, False):
                    write = (
                        sheet.write_string if isinstance(value, str) else sheet.write
                    )
                    write(place, column, value, None if place else bold)
