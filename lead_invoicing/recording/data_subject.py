"""Find the leads of one person by what their data say."""

import json
import re
import unicodedata

from odoo.tools import SQL

# So many digits at the end of a phone number tell it from others, however it is
# written and whether or not it has the code of its country.
PHONE_DIGITS = 9
# A shorter number may be a whole one, without the code of its country.
SHORTEST_PHONE = 7

_PHONE = re.compile(r"[\d\s()+./-]+", re.ASCII)


def get_person_sql(texts):
    """Return the condition on ``lead_sale sale`` that its lead data are a person's.

    That is so when one of the texts equals one of the data, ignoring case; or all of
    its words are among the words of the data, as with a name in two fields; or when
    they are the same phone number. Whoever erases looks at what is found: rather one
    too many.

    :param texts: such as an e-mail address, a phone number or a name; not empty
    """
    tests, patterns = [], []
    for text in texts:
        text = unicodedata.normalize("NFC", text.strip().lower())
        # Within its country a number begins with a zero, instead of a code.
        digits = re.sub(r"\D", "", text, flags=re.ASCII).lstrip("0")
        if _PHONE.fullmatch(text) and len(digits) >= SHORTEST_PHONE:
            tests.append(_get_phone_sql(digits))
            patterns.append(r"\D{0,5}".join(digits[-SHORTEST_PHONE:]))
        else:
            words = text.split()
            tests.append(SQL("%s = ANY(person.texts)", text))
            if len(words) > 1:
                tests.append(SQL("person.words @> %s", words))
            patterns += _get_patterns(max(words, key=len))
    # Do the data look like it at all? Only then they are taken apart.
    return SQL(
        r"""
        lower(sale.lead_data::text) ~ %s
        AND (SELECT %s
               FROM (SELECT array_agg(btrim(value, E' \t\r\n')) AS texts,
                            regexp_split_to_array(string_agg(value, ' '), '\s+')
                                AS words,
                            array_agg(ltrim(regexp_replace(value, '\D', '', 'g'), '0'))
                                AS numbers
                       FROM (SELECT lower(normalize(value)) AS value
                               FROM jsonb_each_text(sale.lead_data)) data) person)
        """,
        "|".join(patterns),
        SQL(" OR ").join(tests),
    )


def _get_phone_sql(digits):
    """Return the condition that one of the data's numbers is this one: it has the
    digits, or is the end of them, or both end in the same ones."""
    return SQL(
        """
        EXISTS (SELECT FROM unnest(person.numbers) number
                 WHERE strpos(number, %(digits)s) > 0
                    OR length(number) >= %(shortest)s
                       AND right(%(digits)s, length(number)) = number
                    OR length(number) >= %(length)s
                       AND right(number, %(length)s) = %(end)s)
        """,
        digits=digits,
        shortest=SHORTEST_PHONE,
        length=PHONE_DIGITS,
        end=digits[-PHONE_DIGITS:],
    )


def _get_patterns(word):
    """Return the regular expressions for a word, however its accents are stored."""
    forms = {unicodedata.normalize(form, word) for form in ("NFC", "NFD")}
    return [_escape(form) for form in sorted(forms)]


def _escape(word):
    """Return the regular expression for a word within the text of a JSON value."""
    return re.escape(json.dumps(word, ensure_ascii=False)[1:-1])
