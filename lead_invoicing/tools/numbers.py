"""Numbers that people know records by, such as DIS-12: a word, and the id."""

import re

from odoo.fields import Domain


def search_number(word, operator, value):
    """Return the domain of what has one of these numbers, with or without their word.

    :param word: "DIS" of DIS-12
    :param operator: of the search; what contains a number is what has it
    :param value: what was searched for
    """
    if operator not in ("in", "like", "ilike", "=like", "=ilike"):
        return NotImplemented
    pattern = re.compile(rf"(?:{word}-)?([0-9]{{1,9}})", re.IGNORECASE)
    texts = value if operator == "in" else [value]
    matches = [pattern.fullmatch(str(text).strip(" %")) for text in texts]
    return Domain("id", "in", [int(match[1]) for match in matches if match])
