"""Read the totals that a platform counted itself, pasted or uploaded as CSV."""

import csv
import io
import re
from datetime import date

from ..tools.parsing import RowError, read_number, shorten

COLUMNS = ("day", "type", "currency", "count", "amount")
TYPES = ("sale", "return", "correction")
_COUNT = re.compile("[0-9]{1,9}", re.ASCII)


class ControlTotalsReader:
    """Reads rows of day, type, currency, count and amount; names what is wrong.

    ``totals`` has what was read: {(day, type, currency): (count, amount)}; ``errors``
    has a sentence for each row that could not be read, with its line and field.

    :param first, last: the days that are compared, both inclusive
    :param currencies: {code: ``res.currency``}
    """

    def __init__(self, env, first, last, currencies):
        self.env = env
        self.first = first
        self.last = last
        self.currencies = currencies
        self.totals = {}
        self.errors = []
        self._lines = {}

    def read_csv(self, text):
        """Read CSV, separated by commas, semicolons or tabs, with or without a line
        that names the columns."""
        text = text.strip("\ufeff\r\n")
        first_line = text.partition("\n")[0]
        delimiter = max(",;\t", key=first_line.count)
        reader = csv.reader(io.StringIO(text), delimiter=delimiter)
        columns = None
        try:
            for cells in reader:
                cells = [cell.strip() for cell in cells]
                if not any(cells):
                    continue
                if columns is None:
                    columns = self._read_header(cells)
                    if columns != COLUMNS or cells[0].lower() in COLUMNS:
                        continue
                self._read_row(reader.line_num, columns, cells)
        except csv.Error as error:
            self._add_error(reader.line_num, self.env._("not valid CSV (%s)", error))
        except RowError as refused:
            self._add_error(reader.line_num, refused.sentence)

    def _read_header(self, cells):
        """Return the names of the columns; the usual ones when the line names none."""
        names = tuple(cell.lower() for cell in cells)
        if not set(names) & set(COLUMNS):
            return COLUMNS
        for name in COLUMNS:
            if name not in names:
                raise RowError(
                    name,
                    self.env._(
                        "the column “%(name)s” is missing; the columns are %(all)s.",
                        name=name,
                        all=",".join(COLUMNS),
                    ),
                )
        return names

    def _read_row(self, line, columns, cells):
        values = dict(zip(columns, cells, strict=False))
        try:
            key = (
                self._read_day(values.get("day", "")),
                self._read_type(values.get("type", "")),
                self._read_currency(values.get("currency", "")),
            )
            total = (
                self._read_count(values.get("count", "")),
                read_number(self.env, "amount", values.get("amount", "")),
            )
            if len(cells) > len(columns):
                raise RowError(
                    "amount",
                    self.env._(
                        "the row has more values than columns; write amounts with a"
                        " decimal point, such as 1234.50."
                    ),
                )
            if key in self._lines:
                raise RowError(
                    "day",
                    self.env._(
                        "the same day, type and currency are already in row %s.",
                        self._lines[key],
                    ),
                )
        except RowError as refused:
            self._add_error(line, f"{refused.field}: {refused.sentence}")
        else:
            self._lines[key] = line
            self.totals[key] = total

    def _add_error(self, line, sentence):
        self.errors.append(
            self.env._("Row %(line)s: %(sentence)s", line=line, sentence=sentence)
        )

    def _read_day(self, value):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise RowError(
                "day",
                self.env._(
                    "“%s” is not a day; write it such as 2026-01-31.", shorten(value)
                ),
            ) from None
        if not self.first <= day <= self.last:
            raise RowError(
                "day",
                self.env._(
                    "%(day)s is not within %(first)s through %(last)s, the days"
                    " compared.",
                    day=day,
                    first=self.first,
                    last=self.last,
                ),
            )
        return day

    def _read_type(self, value):
        if value.lower() not in TYPES:
            raise RowError(
                "type",
                self.env._(
                    "“%s” is neither “sale” nor “return” nor “correction”.",
                    shorten(value),
                ),
            )
        return value.lower()

    def _read_currency(self, value):
        currency = self.currencies.get(value.upper())
        if not currency:
            raise RowError(
                "currency",
                self.env._(
                    "“%s” is not a currency code; write it such as USD.",
                    shorten(value),
                ),
            )
        return currency

    def _read_count(self, value):
        if not _COUNT.fullmatch(value):
            raise RowError(
                "count",
                self.env._(
                    "“%s” is not a number of transactions; write it such as 12.",
                    shorten(value),
                ),
            )
        return int(value)
