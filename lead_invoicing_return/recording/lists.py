"""Read the list of leads that a buyer writes into a field or sends as a file."""

import csv
import io
import re
import zipfile
import zlib
from dataclasses import dataclass

from odoo.exceptions import UserError

from odoo.addons.base_import.models.base_import import ImportValidationError
from odoo.addons.lead_invoicing.recording.file_formats import check_reference
from odoo.addons.lead_invoicing.tools.parsing import RowError, fold, read_reference

# A larger file is no list of leads that somebody looked at.
MAX_BYTES = 5_000_000
MAX_UNPACKED = 20_000_000
MAX_ROWS = 50_000

# By which heads columns are known, folded, with spaces for underscores and hyphens;
# besides the labels of the Invoicing Report in the reader's language.
HEADS = {
    "reference": {"transaction", "transaction id", "reference", "external ref"},
    "lead": {"lead", "leads", "lead id", "lead ref", "lead reference", "id"},
    "price": {"price", "amount", "cost"},
}


@dataclass
class ListedLead:
    """A lead in a buyer's list.

    :param row: its number in the list, from 1; a head counts
    :param reference: the transaction's reference, None where the list has none
    :param lead: the lead's id, None where the list has none
    :param price: a cell as the file has it, None where it has no such column
    :param error: a sentence, where the row cannot be read
    """

    row: int
    reference: str | None = None
    lead: str | None = None
    price: object = None
    error: str = ""

    @property
    def word(self):
        """What the buyer names the lead by."""
        return self.reference or self.lead


def read_lines(env, text):
    """Return the :class:`ListedLead` of a text with a lead or a reference a line."""
    rows = [[line] for line in (text or "").splitlines()]
    return _read_rows(env, rows, {"reference": 0}, 1, from_file=False)


def read_file(env, content):
    """Return the :class:`ListedLead` of a CSV or XLSX file.

    A column counts by its head; a file with a single column needs none.

    :param bytes content: of the file
    :raises UserError: if there is no such list in it
    """
    rows = _read_table(env, content)
    if not rows:
        raise UserError(env._("This file is empty."))
    columns = _find_columns(env, rows[0])
    if columns:
        return _read_rows(env, rows[1:], columns, 2)
    if all(len(row) == 1 for row in rows):
        return _read_rows(env, rows, {"reference": 0}, 1)
    raise UserError(
        env._(
            "No column of this file is called “Lead” or “Transaction”. Name the column"
            " with your leads so in its first line."
        )
    )


def _find_columns(env, head):
    """Return {name: place} of the columns that the first row of a file names."""
    labels = {
        "reference": {fold(env._("Transaction"))},
        "lead": {fold(env._("Lead"))},
        "price": {fold(env._("Amount")), fold(env._("Price"))},
    }
    columns = {}
    for place, cell in enumerate(head):
        text = fold(re.sub("[_-]", " ", str(cell)))
        for name, heads in HEADS.items():
            if text in heads | labels[name]:
                columns.setdefault(name, place)
    return columns if columns.keys() & {"reference", "lead"} else {}


def _read_rows(env, rows, columns, first, from_file=True):
    leads = []
    for number, row in enumerate(rows, first):
        cells = {
            name: row[place] if place < len(row) else ""
            for name, place in columns.items()
        }
        lead = ListedLead(number, price=cells.get("price"))
        try:
            for name in columns.keys() & {"reference", "lead"}:
                if from_file:
                    check_reference(env, name, cells[name])
                value = read_reference(env, name, str(cells[name]).strip())
                setattr(lead, name, value)
        except RowError as refused:
            lead.error = refused.sentence
        if lead.word or lead.error:
            leads.append(lead)
    return leads


def _read_table(env, content):
    """Return the rows of a file as lists of cells, as Odoo's import reads those of lead
    transactions: numbers of a spreadsheet as they are shown."""
    if len(content) > MAX_BYTES:
        raise UserError(
            env._("This file is larger than %s MB.", MAX_BYTES // 1_000_000)
        )
    # What reads a file is not the buyer's to use otherwise; nothing is stored.
    reader = env["base_import.import"].sudo()
    reader = reader.new({"res_model": "lead.sale", "file": content})
    try:
        if content.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                if sum(file.file_size for file in archive.filelist) > MAX_UNPACKED:
                    raise UserError(env._("There is too much in this file."))
            _count, rows = reader._read_xlsx({})
        else:
            options = {"quoting": '"', "separator": "", "encoding": ""}
            _count, rows = reader._read_csv(options) or (0, [])
    except UserError:
        raise
    except ImportValidationError as error:
        raise UserError(str(error)) from error
    except (
        AttributeError,  # for an encoding that nobody knows
        EOFError,
        KeyError,
        LookupError,
        OSError,
        RuntimeError,  # for what is encrypted, or compressed in an unknown way
        SyntaxError,  # for XML that is none
        TypeError,
        ValueError,
        csv.Error,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise UserError(
            env._("This file cannot be read; send a CSV or an XLSX file.")
        ) from error
    if len(rows) > MAX_ROWS:
        raise UserError(env._("This file has more than %s rows.", MAX_ROWS))
    return rows
