"""Every word of this addon that people see is translated."""

from odoo.tests import tagged

from odoo.addons.lead_invoicing.tests.common.catalogs import CatalogsCommon


@tagged("post_install", "-at_install")
class TestTranslations(CatalogsCommon):
    addon = "lead_invoicing_payment"

    def test_the_template_has_every_term(self):
        self.assert_template_is_whole()

    def test_every_term_is_translated(self):
        self.assert_all_is_translated()

    def test_french_spaces_do_not_break(self):
        self.assert_french_spaces_do_not_break()
