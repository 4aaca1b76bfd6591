"""What people write in any script, and however long, stands where it belongs."""

from lxml import html

from odoo.tests import HttpCase, tagged

from .common.generation import GENERATION, WEEK
from .common.report import NOVEMBER, ReportCommon

ARABIC = "تأمين (سيارات)"
LONG = "W" * 100


@tagged("post_install", "-at_install")
class TestAnyScript(ReportCommon, HttpCase):
    """Only a cell or paragraph of its own tells its direction by itself: within another
    one, wkhtmltopdf puts the brackets into the wrong place."""

    def setUp(self):
        super().setUp()
        self.edu.name = self.buyer.name = ARABIC
        self.new_sale(
            campaign=ARABIC, lead_data={"first_name": ARABIC, "program": LONG}
        )
        self.document = self.generate()
        self.env.flush_all()

    def assert_own_direction(self, page, tags):
        """Wherever the name stands, it is all that its cell or paragraph says."""
        found = page.xpath(f".//*[text()[contains(., '{ARABIC}')]]")
        self.assertTrue(found)
        seen = set()
        for node in found:
            # A name that is emphasized is within its paragraph.
            block = node if node.get("dir") else node.getparent()
            with self.subTest(node=html.tostring(node)):
                self.assertEqual(block.get("dir"), "auto")
                self.assertEqual(block.text_content().strip(), ARABIC)
            seen.add(block.tag)
        self.assertLessEqual(tags, seen)

    def test_report_on_paper(self):
        report = self.open(fields="first_name,program")
        content, _type = self.env["ir.actions.report"]._render_qweb_html(
            "lead_invoicing.report_invoicing",
            self.buyer.ids,
            data=report.get_params(),
        )
        page = html.fromstring(content.decode())
        self.assert_own_direction(page, {"p", "td"})
        # Nothing else has one: it makes printing ten times as slow.
        self.assertFalse(page.xpath("//td[contains(., 'Sale')][@dir]"))
        (cell,) = page.xpath(f"//td[contains(., '{LONG}')]")
        self.assertEqual(cell.get("class"), "o_lead_unbroken")

    def test_the_table_of_the_invoice(self):
        branch = {"name": ARABIC, "ref": "branch", "parent_id": self.buyer.id}
        later = "2026-11-10T12:00:00Z"
        self.new_sale(self.env["res.partner"].create(branch), at=later)
        self.new_sale(price="11.00", at=later)
        self.document = self.generate(GENERATION + WEEK)
        content, _type = self.env["ir.actions.report"]._render_qweb_html(
            "account.account_invoices", self.document.ids
        )
        page = html.fromstring(content.decode())
        (table,) = page.xpath("//table[@name='invoice_line_table']")
        self.assert_own_direction(table, {"td", "div"})
        for cell in page.xpath("//td[@name='account_invoice_line_name']"):
            self.assertEqual(cell.get("dir"), "auto")
            self.assertIn("text-break", cell.get("class"))

    def test_page_of_the_buyer(self):
        self.portal_user.sudo().password = "a password for tests"
        self.env.flush_all()
        self.authenticate(self.portal_user.login, "a password for tests")
        query = f"date_from={NOVEMBER['date_from']}&date_to={NOVEMBER['date_to']}"
        response = self.url_open(f"/my/invoicing-report?{query}")
        table = html.fromstring(response.text).xpath(
            "//table[@name='lead_report_table']"
        )
        self.assert_own_direction(table[0], {"td"})

    def test_mail(self):
        template = self.env.ref("lead_invoicing.mail_template_lead_invoice")
        # As it comes with the addon, whatever was made of it here.
        template.reset_template()
        body = template._render_field("body_html", self.document.ids)[self.document.id]
        self.assert_own_direction(html.fromstring(str(body)), {"span", "td"})
