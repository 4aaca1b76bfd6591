"""What holds of the translations of each addon."""

import re
from io import BytesIO

import polib

from odoo.modules import get_module_path
from odoo.tests import TransactionCase, tagged
from odoo.tools.translate import trans_export

LANGUAGES = ("de", "es", "fr")


@tagged("post_install", "-at_install")
class CatalogsCommon(TransactionCase):
    """Every word of an addon that people see can be translated, and is."""

    addon = None

    def read_catalog(self, name):
        path = f"{get_module_path(self.addon)}/i18n/{name}"
        return polib.pofile(path, encoding="utf-8")

    def assert_template_is_whole(self):
        buffer = BytesIO()
        trans_export(None, [self.addon], buffer, "po", self.env)
        exported = polib.pofile(buffer.getvalue().decode())
        template = self.read_catalog(f"{self.addon}.pot")
        self.assertEqual(
            {entry.msgid for entry in template},
            {entry.msgid for entry in exported},
            "Write it anew, as CONTRIBUTING.md says.",
        )

    def assert_all_is_translated(self):
        template = self.read_catalog(f"{self.addon}.pot")
        terms = {entry.msgid for entry in template}
        for language in LANGUAGES:
            with self.subTest(language=language):
                catalog = self.read_catalog(f"{language}.po")
                self.assertEqual({entry.msgid for entry in catalog}, terms)
                guessed = [entry.msgid for entry in catalog.fuzzy_entries()]
                self.assertFalse(guessed)
                # Empty is what is the same word there, such as “Code”: no sentence
                # beside tags and placeholders.
                same = [entry.msgid for entry in catalog.untranslated_entries()]
                words = [
                    re.findall("[^ ]+", re.sub(r"<[^>]*>|%\(\w+\)s", "", term))
                    for term in same
                ]
                self.assertFalse([term for term in words if len(term) > 2])
                self.assertLess(len(same), 40)

    def assert_french_spaces_do_not_break(self):
        """No line ends before a colon, or beside a quotation mark."""
        breaking = []
        for entry in self.read_catalog("fr.po"):
            # What is in tags and braces is not read.
            text = re.sub(r"<[^>]*>|{{.*?}}|{[^}]*}", "", entry.msgstr)
            if re.search(r"\S [:;?!»]|« ", text):
                breaking.append(entry.msgid)
        self.assertFalse(breaking)
