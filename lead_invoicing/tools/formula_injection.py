"""Text that a spreadsheet program must take for text, whoever wrote it.

Excel, LibreOffice and others run a cell of a CSV file as a formula when it begins with
an operator; some of them skip what is not seen before it. Where the computer's language
or its user has them split lines at other characters than commas, a cell begins after
these, too. A text gets an apostrophe before each such beginning.

A cell of nothing but digits, spaces and ``+ - . ( )`` can call nothing, whatever a
spreadsheet program makes of it: telephone numbers stay as they are.
"""

import io
import re

from odoo.tools import SQL

_OPERATORS = "=+-@＝＋－＠"
# Control characters, spaces, and what has no width.
_UNSEEN = [
    *range(0x21),
    *range(0x7F, 0xA1),
    0xAD,
    0x1680,
    0x180E,
    *range(0x2000, 0x2010),
    *range(0x2028, 0x2030),
    *range(0x205F, 0x2070),
    0x3000,
    0xFEFF,
]
_UNSAFE = frozenset([*_UNSEEN, *map(ord, _OPERATORS)])
# What may end a cell, besides the comma, for which COPY and csv quote the text.
_SEPARATORS = ";|\t\r\n"
# A quote may come first, too.
_SKIPPED = "".join(map(chr, _UNSEEN)) + '"'
_INNER = re.compile(f"([{_SEPARATORS}][{_SKIPPED}]*)([{re.escape(_OPERATORS)}])")
_SAFE = r"\1'\2"
# The same for Python and for PostgreSQL. Only ASCII: to some programs, other digits and
# spaces are none.
_HARMLESS = r"\A[- +.()]*[0123456789][-0123456789 +.()]*\Z"
# What tells quickly that there is nothing to do.
_RARE = [separator.encode() for separator in _SEPARATORS if separator != "\n"]
_NO_ROW = re.compile(rb"\n[^0-9]")


def make_safe(text):
    """Return ``text`` in a form that no spreadsheet program runs."""
    if not text:
        return text
    text = re.sub(_INNER, _SAFE, text)
    is_unsafe = ord(text[0]) in _UNSAFE and not re.search(_HARMLESS, text)
    return f"'{text}" if is_unsafe else text


def get_safe_sql(text):
    """Return the SQL that does the same for the beginning of a text; for the rest,
    there is :class:`CsvGuard`.

    :param SQL text: is evaluated more than once
    """
    return SQL(
        "CASE WHEN ascii(%(text)s) = ANY(%(unsafe)s) AND %(text)s !~ %(harmless)s"
        " THEN '''' || %(text)s"
        " ELSE %(text)s END",
        text=text,
        # PostgreSQL's code of an empty text.
        unsafe=sorted(_UNSAFE - {0}),
        harmless=_HARMLESS,
    )


class CsvGuard(io.RawIOBase):
    """Passes lines of CSV on in a form that no spreadsheet program runs, wherever it
    takes cells to end. For PostgreSQL to look into each text takes as long as all the
    rest.

    What is written are bytes in UTF-8; every line begins with a digit, and the
    beginnings of texts are safe already.

    :param file: to write bytes to
    """

    def __init__(self, file):
        super().__init__()
        self.file = file
        self.rest = b""

    def writable(self):
        """Tell that this can be written to."""
        return True

    # pylint: disable=unknown-option-value,method-required-super,missing-return

    def write(self, piece):
        """Pass on what can be judged, and keep the rest."""
        # What may have to be changed begins with a separator: no piece ends after one.
        whole, newline, last = (self.rest + piece).rpartition(b"\n")
        self.rest = newline + last
        if whole:
            self.file.write(_make_piece_safe(whole))
        return len(piece)

    def close(self):
        """Pass on the rest."""
        rest, self.rest = self.rest, b""
        try:
            if rest:
                self.file.write(_make_piece_safe(rest))
        finally:
            super().close()


def _make_piece_safe(piece):
    # Nearly all pieces are left as they are.
    if any(separator in piece for separator in _RARE) or _NO_ROW.search(piece):
        return re.sub(_INNER, _SAFE, piece.decode()).encode()
    return piece
