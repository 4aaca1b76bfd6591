"""Find the leads of one person by what their data say."""

import json
import re

from odoo.tools import SQL

# So many digits at the end of a phone number tell it from others, however it is
# written and whether or not it has the code of its country.
PHONE_DIGITS = 9
SHORTEST_PHONE = 7

_PHONE = re.compile(r"[\d\s()+./-]+", re.ASCII)


def get_person_sql(texts):
    """Return the condition on ``lead_sale sale`` that its lead data are a person's.

    That is so when one of the texts equals one of the data, ignoring case; or each word
    of it does, as with a name in two fields; or both end in the same digits, as with a
    phone number.

    :param texts: such as an e-mail address, a phone number or a name; not empty
    """
    tests, patterns = [], []
    for text in texts:
        text = text.strip().lower()
        digits = re.sub(r"\D", "", text, flags=re.ASCII)
        if _PHONE.fullmatch(text) and len(digits) >= SHORTEST_PHONE:
            end = digits[-PHONE_DIGITS:]
            tests.append(SQL("%s = ANY(person.numbers)", end))
            patterns.append(r"\D{0,3}".join(end))
        else:
            tests.append(SQL("%s = ANY(person.texts)", text))
            patterns.append(_escape(max(text.split(), key=len)))
            if len(words := text.split()) > 1:
                tests.append(SQL("person.texts @> %s", words))
    # Do the data look like it at all? Only then they are taken apart.
    return SQL(
        r"""
        lower(sale.lead_data::text) ~ %s
        AND (SELECT %s
               FROM (SELECT array_agg(lower(value)) AS texts,
                            array_agg(right(regexp_replace(value, '\D', '', 'g'), %s))
                                AS numbers
                       FROM jsonb_each_text(sale.lead_data)) person)
        """,
        "|".join(patterns),
        SQL(" OR ").join(tests),
        PHONE_DIGITS,
    )


def _escape(word):
    """Return the regular expression for a word within the text of a JSON value."""
    return re.escape(json.dumps(word, ensure_ascii=False)[1:-1])
