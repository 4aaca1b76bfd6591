"""The Invoicing Report as CSV, in pieces: PostgreSQL writes the rows by itself.

A million rows take half the time of a cursor that reads them into Python, and no more
memory than one piece.
"""

import csv
import io
import os
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

from odoo.tools import SQL

from .safe_text import get_safe_sql, make_csv_safe, make_safe

# Excel takes a file without it for one in the code page of the computer.
BOM = "\ufeff"
_PIECE = 64 * 1024


def iter_csv(report):
    """Yield the bytes of the file.

    Header, rows, and at the end lines of totals, the last of which counts the rows: a
    file without it is not whole.

    :param report: an ``InvoicingReport`` on a cursor that stays open meanwhile
    """
    yield (BOM + _write([column.label for column in report.columns])).encode()
    # Compiling the query takes longer than it saves.
    report.env.cr.execute("SET LOCAL jit = off")
    yield from make_csv_safe(_copy_out(report.env.cr, get_copy_sql(report)))
    yield "".join(_write(line) for line in _get_closing_lines(report)).encode()


def get_copy_sql(report):
    """Return the statement that writes the rows."""
    names = [SQL.identifier(f"cell_{i}") for i, _column in enumerate(report.columns)]
    erased = make_safe(report.env._("erased"))
    # The fence (OFFSET 0) has each value read once, however often it is looked at.
    return SQL(
        """
        COPY (SELECT %(cells)s
                FROM (%(rows)s OFFSET 0) AS row(%(names)s, is_erased))
          TO STDOUT (FORMAT csv)
        """,
        cells=SQL(", ").join(
            _get_cell_sql(column, name, erased)
            for column, name in zip(report.columns, names, strict=True)
        ),
        rows=report.get_rows_sql(),
        names=SQL(", ").join(names),
    )


def _get_cell_sql(column, value, erased):
    """Return the text of a cell; its value where COPY writes that right by itself."""
    sql = value
    if column.type in ("char", "selection"):
        sql = get_safe_sql(value)
    if column.options:
        labels = SQL(" ").join(
            SQL("WHEN %s THEN %s", key, make_safe(label))
            for key, label in column.options.items()
        )
        sql = SQL("CASE %s %s ELSE %s END", value, labels, sql)
    if column.type == "boolean" or column.is_lead_data:
        sql = SQL("(%s)::varchar", sql)
    if column.is_lead_data:
        sql = SQL("COALESCE(%s, CASE WHEN is_erased THEN %s END)", sql, erased)
    return sql


def _copy_out(cr, query):
    """Yield what COPY answers, at the pace of who reads it.

    psycopg2 pushes it; a thread and a pipe make it something that can be pulled.
    """
    statement = cr.mogrify(query).decode()
    read_end, write_end = os.pipe()

    def push():
        with open(write_end, "wb", buffering=_PIECE) as pipe:
            cr.copy_expert(statement, pipe)

    with ThreadPoolExecutor(1, "report_csv") as executor:
        copying = executor.submit(push)
        try:
            with open(read_end, "rb", buffering=0) as pipe:
                while piece := pipe.read(_PIECE):
                    yield piece
        finally:
            # Whoever stops reading breaks the pipe; PostgreSQL may still be writing.
            if isinstance(copying.exception(), BrokenPipeError):
                cr.connection.cancel()
        copying.result()


def _get_closing_lines(report):
    """Return the cells of the lines of totals: what, how many, how much, currency."""
    for total in report.get_totals():
        currency = total["currency"]
        for kind, label in report.get_total_labels():
            # All its decimal places, and a number: less than zero is no formula.
            amount = f"{total[f'{kind}_amount']:.{currency.decimal_places}f}"
            yield [label, total[kind], Decimal(amount), currency.name]
    yield [report.env._("Rows"), report.count]


def _write(cells):
    """Return a line of CSV."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(
        make_safe(cell) if isinstance(cell, str) else cell for cell in cells
    )
    return line.getvalue()
