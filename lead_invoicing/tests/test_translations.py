"""Every word that people see can be translated, and is: into the languages that come
with the addon."""

from odoo import tools
from odoo.tests import tagged

from .common.catalogs import CatalogsCommon
from .common.generation import GenerationCommon


@tagged("post_install", "-at_install")
class TestTranslations(CatalogsCommon):
    addon = "lead_invoicing"

    def test_the_template_has_every_term(self):
        self.assert_template_is_whole()

    def test_every_term_is_translated(self):
        self.assert_all_is_translated()

    def test_french_spaces_do_not_break(self):
        self.assert_french_spaces_do_not_break()

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
