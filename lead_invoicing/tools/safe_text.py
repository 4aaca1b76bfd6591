"""Text that a spreadsheet program must take for text, whoever wrote it.

Excel, LibreOffice and others run a cell of a CSV file as a formula when it begins with
an operator; some of them skip what is not seen before it. A text with such a beginning
gets an apostrophe before it.
"""

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


def make_safe(text):
    """Return ``text`` in a form that no spreadsheet program runs."""
    return f"'{text}" if text and ord(text[0]) in _UNSAFE else text


def get_safe_sql(text):
    """Return the SQL that does the same.

    :param SQL text: is evaluated more than once
    """
    return SQL(
        "CASE WHEN ascii(%(text)s) = ANY(%(unsafe)s) THEN '''' || %(text)s"
        " ELSE %(text)s END",
        text=text,
        # PostgreSQL's code of an empty text.
        unsafe=sorted(_UNSAFE - {0}),
    )
