"""Every word that people see can be translated, and is: into the languages that come
with the addon."""

import re
from io import BytesIO

import polib

from odoo import tools
from odoo.modules import get_module_path
from odoo.tests import TransactionCase, tagged
from odoo.tools.translate import trans_export

from .common.generation import GenerationCommon

LANGUAGES = ("de", "es", "fr")


@tagged("post_install", "-at_install")
class TestTranslations(TransactionCase):
    def read_catalog(self, name):
        path = f"{get_module_path('lead_invoicing')}/i18n/{name}"
        return polib.pofile(path, encoding="utf-8")

    def test_the_template_has_every_term(self):
        buffer = BytesIO()
        trans_export(None, ["lead_invoicing"], buffer, "po", self.env)
        exported = polib.pofile(buffer.getvalue().decode())
        template = self.read_catalog("lead_invoicing.pot")
        self.assertEqual(
            {entry.msgid for entry in template},
            {entry.msgid for entry in exported},
            "Export it again: bin/odoo i18n export -d <database> lead_invoicing",
        )

    def test_every_term_is_translated(self):
        terms = {entry.msgid for entry in self.read_catalog("lead_invoicing.pot")}
        for language in LANGUAGES:
            with self.subTest(language=language):
                catalog = self.read_catalog(f"{language}.po")
                self.assertEqual({entry.msgid for entry in catalog}, terms)
                self.assertFalse(catalog.fuzzy_entries())
                # Empty is what is the same word there, such as “Code”: no sentence
                # beside tags and placeholders.
                same = [entry.msgid for entry in catalog.untranslated_entries()]
                words = [
                    re.findall("[^ ]+", re.sub(r"<[^>]*>|%\(\w+\)s", "", term))
                    for term in same
                ]
                self.assertFalse([term for term in words if len(term) > 2])
                self.assertLess(len(same), 40)

    def test_what_a_buyer_reads_is_in_the_buyers_language(self):
        template = self.env.ref("lead_invoicing.mail_template_lead_invoice")
        for code, word in (
            ("de_DE", "Rechnung"),
            ("es_ES", "factura"),
            ("fr_FR", "facture"),
        ):
            self.env["res.lang"]._activate_lang(code)
            self.env["ir.module.module"]._load_module_terms(["lead_invoicing"], [code])
            with self.subTest(language=code):
                body = template.with_context(lang=code).body_html
                self.assertIn(word, tools.html2plaintext(body))


@tagged("post_install", "-at_install")
class TestLanguages(GenerationCommon):
    """Each reader's language: the buyer's on documents, the clerk's in activities."""

    def setUp(self):
        super().setUp()
        self.env["res.lang"]._activate_lang("de_DE")
        self.env["ir.module.module"]._load_module_terms(["lead_invoicing"], ["de_DE"])
        self.cycle.user_id = self.billing_user

    def test_activities_are_in_the_language_of_who_gets_them(self):
        self.billing_user.lang = "de_DE"
        self.buyer.lead_billing_mode = "prepaid"
        self.new_sale()
        invoice = self.generate()
        self.assertIn("Guthaben", invoice.activity_ids.note)
        self.assertIn("Guthaben", invoice.lead_run_buyer_id.message)
        # The buyer reads English.
        self.assertIn("Leads purchased", invoice.invoice_line_ids.name)

    def test_documents_are_in_the_language_of_the_buyer(self):
        self.buyer.lang = "de_DE"
        self.cycle.posting = "send"
        self.new_sale()
        invoice = self.generate()
        self.assertNotIn("Leads purchased", invoice.invoice_line_ids.name)
        html = (
            self.env["ir.actions.report"]
            ._render_qweb_html("account.account_invoices", invoice.ids)[0]
            .decode()
        )
        self.assertIn("Leistungszeitraum", html)
        self.assertNotIn("Leads sold", html)
