import re
from io import BytesIO

from openpyxl import load_workbook

from odoo.tests import HttpCase, new_test_user

from .common.generation import GenerationCommon

OPTIONS = {
    "has_headers": True,
    "advanced": False,
    "keep_matches": False,
    "encoding": "",
    "separator": "",
    "quoting": '"',
    "date_format": "",
    "datetime_format": "",
    "float_thousand_separator": "",
    "float_decimal_separator": "",
    "tz": "",
}


class TestImportTemplate(GenerationCommon, HttpCase):
    """The templates that Odoo's import offers go through it as they are."""

    def setUp(self):
        super().setUp()
        self.administrator = new_test_user(
            self.env,
            login="templates",
            password="templates",
            groups="lead_invoicing.group_manager,lead_invoicing.group_lead_data,"
            "base.group_partner_manager",
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
        )

    def download(self, url):
        self.authenticate("templates", "templates")
        answer = self.url_open(url)
        self.assertEqual(answer.status_code, 200, answer.text)
        return answer

    def import_template(self, model, url):
        """Import a template as the web client does: preview, then what it proposes."""
        answer = self.download(url)
        wizard = (
            self.env["base_import.import"]
            .with_user(self.administrator)
            .create(
                {
                    "res_model": model,
                    "file": answer.content,
                    "file_name": re.search(r"[\w/-]+\.\w+", url)[0].rsplit("/", 1)[-1],
                    "file_type": answer.headers["Content-Type"].split(";")[0],
                }
            )
        )
        preview = wizard.parse_preview(dict(OPTIONS))
        self.assertNotIn("error", preview)
        matches = preview["matches"]
        columns = preview["headers"]
        self.assertEqual(len(matches), len(columns), (matches, columns))
        paths = ["/".join(matches[i]) for i in range(len(columns))]
        result = wizard.execute_import(paths, columns, preview["options"])
        self.assertFalse(result["messages"])
        return self.env[model].browse(result["ids"])

    def get_templates(self, model):
        models = self.env[model].with_user(self.administrator)
        return [template["template"] for template in models.get_import_templates()]

    def test_leads(self):
        for url in self.get_templates("lead.sale"):
            with self.subTest(url=url):
                sale, returned = self.import_template("lead.sale", url)
                self.assertEqual(returned.origin_id, sale)
                self.assertEqual(sale.company_id, self.company)
                self.assertTrue(sale.lead_data["email"])
                returned.unlink()
                sale.unlink()

    def test_buyers(self):
        self.company.lead_billing_cycle_id = self.cycle
        for url in self.get_templates("res.partner")[-2:]:
            with self.subTest(url=url):
                first, second = self.import_template("res.partner", url)
                self.assertEqual(first.lead_billing_cycle_id, self.cycle)
                self.assertEqual(second.lead_billing_mode, "prepaid")
                self.assertEqual((first.ref, first.is_company), ("B-1001", True))
                self.assertTrue(first.email)
                (first + second).unlink()

    def test_a_workbook_has_dates_and_numbers(self):
        url = self.get_templates("lead.sale")[0]
        book = load_workbook(BytesIO(self.download(url).content))
        self.assertTrue(book.active["D2"].is_date)
        self.assertEqual(book.active["G2"].value, 25)

    def test_contacts_have_odoos_own_as_before(self):
        plain = self.env["res.partner"].with_user(self.plain_user)
        (template,) = plain.get_import_templates()
        self.assertTrue(template["template"].startswith("/base/"))

    def test_not_for_strangers_nor_of_another_company(self):
        other = self._create_company(name="Other")
        url = self.get_templates("lead.sale")[0].split("?")[0]
        self.authenticate("templates", "templates")
        for query in (f"?company_id={other.id}", "?company_id=x"):
            self.assertEqual(self.url_open(url + query).status_code, 404)
        self.portal_user.password = "lead_portal"
        self.authenticate("lead_portal", "lead_portal")
        for name in ("leads.xlsx", "buyers.csv"):
            answer = self.url_open(f"/lead-invoicing/import-template/{name}")
            self.assertEqual(answer.status_code, 404)
