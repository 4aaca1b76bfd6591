import csv
import io
from collections import defaultdict
from datetime import datetime

from openpyxl import load_workbook
from openpyxl.styles.numbers import is_datetime

from odoo import api, models
from odoo.exceptions import UserError

from odoo.addons.base_import.models.base_import import (
    FIELDS_RECURSION_LIMIT,
    ImportValidationError,
)

from ..recording.file_formats import FILE_OPTIONS, NumberCell, mark_cell
from ..tools.parsing import shorten

MAX_CELLS = 5_000_000


class BaseImport(models.TransientModel):
    """Odoo's import of files guesses separators, date formats and time zones. For lead
    transactions it leaves the cells to their own reader, which does not."""

    _inherit = "base_import.import"

    @api.model
    def get_fields_tree(self, model, depth=FIELDS_RECURSION_LIMIT):
        """Say beside the columns of dates in which zone they are read."""
        fields_tree = super().get_fields_tree(model, depth)
        if model == "lead.sale":
            comment = self.env._(
                "Days, and times without an offset such as -05:00, are in %s, the"
                " company's billing time zone, unless another one is chosen.",
                self.env.company._get_lead_zone().key,
            )
            for field in fields_tree:
                if field["name"] == "occurred_at" or field["type"] == "datetime":
                    field["lead_comment"] = comment
        return fields_tree

    def parse_preview(self, options, count=10):
        """Propose no format for lead transactions: it would look like a choice."""
        chosen = {name: options.get(name) for name in FILE_OPTIONS}
        result = super().parse_preview(options, count)
        if self.res_model == "lead.sale" and "options" in result:
            result["options"].update(
                {name: value or "" for name, value in chosen.items()}
            )
        return result

    def execute_import(self, fields, columns, options, dryrun=False):
        """Let lead transactions know how the file is written."""
        chosen = {name: options.get(name) for name in FILE_OPTIONS}
        self = self.with_context(lead_import_options=chosen)
        return super().execute_import(fields, columns, options, dryrun)

    def _convert_import_data(self, fields, options):
        """Refuse two columns for one field of lead transactions: Odoo would join their
        texts, and leave out one of two numbers."""
        chosen = [field for field in fields if field]
        # Two remarks are one text.
        twice = {field for field in chosen if chosen.count(field) > 1} - {"reason"}
        if self.res_model == "lead.sale" and twice:
            raise ImportValidationError(
                self.env._(
                    "More than one column is imported as “%s”. Choose one of them.",
                    self._get_lead_label(min(twice)),
                )
            )
        return super()._convert_import_data(fields, options)

    def _handle_multi_mapping(self, import_fields, input_file_data):
        """Leave the cells of lead transactions as they are: Odoo would make texts of
        dates, and forget which cells are no texts."""
        if self.res_model != "lead.sale":
            return super()._handle_multi_mapping(import_fields, input_file_data)
        places = defaultdict(list)
        for place, field in enumerate(import_fields):
            places[field].append(place)
        return list(places), [
            [self._join_cells([row[place] for place in own]) for own in places.values()]
            for row in input_file_data
        ]

    def _handle_fallback_values(self, import_field, input_file_data, fallback_values):
        """Take dates for other texts than those of a choice, as Odoo takes numbers."""
        if self.res_model == "lead.sale":
            input_file_data = [
                [
                    str(cell) if name in fallback_values and cell else cell
                    for name, cell in zip(import_field, row, strict=True)
                ]
                for row in input_file_data
            ]
        return super()._handle_fallback_values(
            import_field, input_file_data, fallback_values
        )

    @api.model
    def _join_cells(self, cells):
        """Return the cells of one field, of which only remarks can have several."""
        filled = [cell for cell in cells if cell]
        if len(filled) < 2:
            return filled[0] if filled else ""
        # One that is no text is told to be none.
        odd = [cell for cell in filled if type(cell) not in (str, NumberCell)]
        return odd[0] if odd else "\n".join(filled)

    @api.model
    def _get_lead_label(self, path):
        """Return what people call the field that a column is imported as."""
        field = self.env["lead.sale"]._fields.get(path.split("/")[0])
        return field._description_string(self.env) if field else path

    def _read_file(self, options):
        """Of a file of lead transactions, do without the empty cells that some programs
        leave out at the end of a row; and refuse rows with too many."""
        if self.res_model != "lead.sale":
            return super()._read_file(options)
        try:
            result = super()._read_file(options)
        except UserError as error:
            # Odoo tells only that it could not be read, and keeps why to itself.
            if isinstance(error.__cause__, UserError):
                raise ImportValidationError(str(error.__cause__)) from error
            raise
        if not result or not result[1]:
            raise ImportValidationError(self.env._("This file is empty."))
        length, rows = result
        width = len(rows[0])
        wrong = [
            f"{number} ({shorten(row[0])})"
            for number, row in enumerate(rows, 1)
            if any(row[width:])
        ]
        if wrong:
            # A decimal comma without quotation marks: what follows it would be lost.
            raise ImportValidationError(
                self.env._(
                    "These rows have more cells than the file has columns: %s. Put"
                    " values with the separator in them, such as 13,75, in quotation"
                    " marks, or choose the file's separator.",
                    ", ".join(wrong[:10]),
                )
            )
        return length, [[*row[:width], *[""] * (width - len(row))] for row in rows]

    @api.model
    def _parse_float_from_data(self, data, index, name, options):
        if self.res_model == "lead.sale":
            return None
        return super()._parse_float_from_data(data, index, name, options)

    def _parse_date_from_data(self, data, index, name, field_type, options):
        if self.res_model == "lead.sale":
            return None
        return super()._parse_date_from_data(data, index, name, field_type, options)

    def _read_csv(self, options):
        """Of a file of lead transactions, refuse a quotation mark that is not closed:
        the rows below it would be one cell."""
        if self.res_model != "lead.sale":
            return super()._read_csv(options)
        try:
            result = super()._read_csv(options)
        except csv.Error:
            # Of a cell that is too large, this says where it begins.
            self._check_quotation_marks(options)
            raise
        if result:
            self._check_quotation_marks(options)
        return result

    def _check_quotation_marks(self, options):
        """Read a CSV file once more, as strictly as its format is defined.

        :raises ImportValidationError: that names the first line that is not right
        """
        rows = csv.reader(
            io.StringIO(self.file.decode(options["encoding"])),
            quotechar=options["quoting"],
            delimiter=options.get("separator") or ",",
            strict=True,
        )
        line = 1
        try:
            for _row in rows:
                line = rows.line_num + 1
        except csv.Error as error:
            raise ImportValidationError(
                self.env._(
                    "A quotation mark is not closed in the row that begins on line %s"
                    " of the file, or there is more text behind the closing one. Close"
                    " it, and write those that belong to a text twice.",
                    line,
                )
            ) from error

    def _read_ods(self, options):
        if self.res_model == "lead.sale":
            raise self._refuse_format()
        return super()._read_ods(options)

    def _read_xls(self, options):
        if self.res_model == "lead.sale":
            raise self._refuse_format()
        return super()._read_xls(options)

    def _refuse_format(self):
        """Return the error of a spreadsheet of which nobody here tells numbers and
        dates from texts. Odoo goes on to what else the file could be: some browsers
        call a CSV file so."""
        return UserError(
            self.env._(
                "Transactions cannot be imported from this file format. Save the file"
                " as XLSX or CSV, and import that one."
            )
        )

    def _read_xlsx(self, options):
        """Of a spreadsheet of lead transactions, tell numbers from texts."""
        if self.res_model != "lead.sale":
            return super()._read_xlsx(options)
        book = load_workbook(io.BytesIO(self.file or b""), data_only=True)
        options["sheets"] = book.sheetnames
        options["sheet"] = options.get("sheet") or book.sheetnames[0]
        sheet = book[options["sheet"]]
        # All cells up to the last one are made, also where there is nothing.
        if sheet.max_row * sheet.max_column > MAX_CELLS:
            raise UserError(
                self.env._(
                    "This sheet is too large. Delete its empty rows and columns."
                )
            )
        rows = [[self._read_cell(cell) for cell in row] for row in sheet.rows]
        rows = [
            row
            for row in rows
            if any(not isinstance(value, str) or value.strip() for value in row)
        ]
        return sheet.max_row, rows

    @api.model
    def _read_cell(self, cell):
        value = cell.value
        if isinstance(value, datetime):
            # A time is one, also where the cell does not show it.
            is_day = is_datetime(cell.number_format) == "date" and not any(
                (value.hour, value.minute, value.second, value.microsecond)
            )
            return value.date() if is_day else value
        try:
            return mark_cell(value, is_error=cell.data_type == "e")
        except ValueError:
            return str(value)
