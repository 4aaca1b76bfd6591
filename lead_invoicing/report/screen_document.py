"""What a screen with dates and totals shows, on paper and as a workbook."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from odoo import models

from .as_xlsx import open_workbook

_WIDTH, _FIRST_WIDTH = 16, 30
# What Excel allows for the name of a sheet.
_LONGEST_NAME = 31


class Money(NamedTuple):
    """An amount and its currency."""

    amount: float
    currency: models.Model


@dataclass
class ScreenTable:
    """A table: its title, the labels of its columns, and rows of texts, whole numbers,
    days, :class:`Money` and blanks (None)."""

    title: str
    labels: list
    rows: list
    note: str = ""  # beneath it

    def get_rows_on_paper(self, most=500):
        return self.rows[:most]


@dataclass
class ScreenDocument:
    """A screen: its title, what is to be known of it (day, moment, author), and its
    tables."""

    env: object
    title: str
    company: models.Model
    facts: list
    tables: list = field(default_factory=list)


def make_screen_pdf(document):
    """Return a screen as PDF, as bytes."""
    # On its company's paper; its head has the moment in the zone of what it tells.
    reports = document.env["ir.actions.report"].with_company(document.company)
    reports = reports.with_context(tz=document.company._get_lead_zone().key)
    content, _type = reports._render_qweb_pdf(
        "lead_invoicing.action_report_screen",
        document.company.ids,
        data={"document": document},
    )
    return content


def write_screen_xlsx(document, file):
    """Write the workbook of a screen: a sheet for each table.

    :param file: a file to write bytes to that can be sought in
    :raises OSError: when it cannot be written
    """
    with open_workbook(file, document.title) as workbook:
        for table in document.tables:
            sheet = workbook.add_worksheet(table.title[:_LONGEST_NAME])
            _TableSheet(document, table, workbook, sheet).fill()


class _TableSheet:
    """Writes a table, and above it what is to be known, onto a worksheet."""

    def __init__(self, document, table, workbook, sheet):
        self.document, self.table = document, table
        self.workbook, self.sheet = workbook, sheet
        self.bold = workbook.add_format({"bold": True})
        self.day = workbook.add_format({"num_format": "yyyy-mm-dd"})
        self.money = {}

    def fill(self):
        sheet = self.sheet
        sheet.set_column(0, 0, _FIRST_WIDTH)
        sheet.set_column(1, len(self.table.labels), _WIDTH)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        head = [self.document.title, *self.document.facts, self.table.title]
        for number, text in enumerate(head):
            sheet.write_string(number, 0, text, None if number else self.bold)
        top = len(head) + 1
        for place, label in enumerate(self.table.labels):
            sheet.write_string(top, place, label, self.bold)
        for number, row in enumerate(self.table.rows, top + 1):
            for place, value in enumerate(row):
                self._write(number, place, value)
        if self.table.note:
            sheet.write_string(top + len(self.table.rows) + 2, 0, self.table.note)

    def _write(self, number, place, value):
        if isinstance(value, Money):
            money = self._get_money_format(value.currency)
            self.sheet.write_number(number, place, value.amount, money)
        elif isinstance(value, int):
            self.sheet.write_number(number, place, value)
        elif isinstance(value, date) and not isinstance(value, datetime):
            self.sheet.write_datetime(number, place, value, self.day)
        elif value:
            self.sheet.write_string(number, place, value)

    def _get_money_format(self, currency):
        if currency not in self.money:
            digits = currency.decimal_places
            places = f".{'0' * digits}" if digits else ""
            self.money[currency] = self.workbook.add_format(
                {"num_format": f"#,##0{places}"}
            )
        return self.money[currency]
