"""The screens with dates and totals: their links and files, by everybody."""

import io
import zipfile

from freezegun import freeze_time
from lxml import etree
from openpyxl import load_workbook

from odoo.tests import HOST, HttpCase, tagged

from .common.rights import RightsCommon

SCREENS = {
    "month-close": "lead.month.close",
    "unbilled-as-of": "lead.unbilled.as.at.wizard",
    "control-totals": "lead.control.totals",
}
# The fields with their rows.
ROWS = {
    "month-close": "line_ids",
    "unbilled-as-of": "line_ids",
    "control-totals": "sum_ids",
}
NOVEMBER = {
    "month-close": "month=2026-11",
    "unbilled-as-of": "day=2026-11-30",
    "control-totals": "from=2026-11-01&to=2026-11-30",
}


@tagged("post_install", "-at_install")
class TestScreens(RightsCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clerk = cls.new_login("clerk", "lead_invoicing.group_user")
        cls.colleague = cls.new_login("colleague", "lead_invoicing.group_manager")
        cls.portal_user.password = cls.portal_user.login
        cls.plain = cls.new_login("plain", "base.group_user")

    @classmethod
    def new_login(cls, login, groups):
        user = cls.new_user(f"screens_{login}", groups)
        user.password = user.login
        return user

    def login(self, user):
        self.authenticate(user.login, user.login)

    def open_screen(self, screen):
        """Return the screen of a name, filled by the clerk for November."""
        model = self.env[SCREENS[screen]].with_user(self.clerk)
        params = dict(pair.split("=") for pair in NOVEMBER[screen].split("&"))
        with freeze_time("2026-12-15 12:00:00"):
            return model._open(params)

    def test_titles_say_the_day(self):
        self.new_sale()
        titles = {screen: self.open_screen(screen).display_name for screen in SCREENS}
        self.assertEqual(
            titles,
            {
                "month-close": "Month-End Close November 2026",
                "unbilled-as-of": "Unbilled as of Nov 30, 2026 (known Dec 15, 2026)",
                "control-totals": "Control Totals Nov 1, 2026 through Nov 30, 2026",
            },
        )

    def test_they_say_that_nobody_has_confirmed_the_time_zone(self):
        self.company.lead_tz_confirmed = False
        setup = self.env.ref("lead_invoicing.action_server_lead_setup")
        records = [self.open_screen(screen) for screen in SCREENS]
        records.append(self.env["lead.invoice.wizard"].with_user(self.clerk).create({}))
        for record in records:
            arch = etree.fromstring(record.get_view(view_type="form")["arch"])
            (link,) = arch.xpath("//a[@invisible='tz_confirmed']/@href")
            with self.subTest(record._name):
                self.assertEqual(link, f"/odoo/{setup.path}")
                self.assertFalse(record.tz_confirmed)
        self.company.lead_tz_confirmed = True
        self.env.invalidate_all()
        self.assertTrue(all(record.tz_confirmed for record in records))

    def test_files_say_day_moment_and_author(self):
        self.new_sale()
        self.login(self.clerk)
        for screen in SCREENS:
            record = self.open_screen(screen)
            self.env.flush_all()
            for file_type in ("xlsx", "pdf"):
                url = getattr(record, f"action_{file_type}")()["url"]
                response = self.url_open(url)
                with self.subTest(url=url):
                    self.assertEqual(response.status_code, 200)
                    self.assertIn("no-store", response.headers["Cache-Control"])
                    name = response.headers["Content-Disposition"]
                    self.assertIn("2026", name)
                if file_type == "xlsx":
                    self.assert_says(response.content, record)

    def test_paper_is_that_of_the_company(self):
        report = self.env.ref("lead_invoicing.action_report_screen")
        for name, paper in (("us", "Letter"), ("euro", "A4")):
            self.env.company.paperformat_id = self.env.ref(f"base.paperformat_{name}")
            paperformat = report.get_paperformat()
            self.assertEqual(paperformat.format, paper)
            self.assertEqual(paperformat.orientation, "Landscape")

    def assert_says(self, content, record):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            text = archive.read("xl/sharedStrings.xml").decode()
        for words in (
            record.display_name,
            self.company.name,
            "Data through Tue, Dec 15, 2026 12:00",
            f"by {self.clerk.name}",
            "time zone",
        ):
            self.assertIn(words, text)

    def test_files_say_once_which_days_were_compared(self):
        self.new_sale()
        self.new_sale(at="2026-11-05T12:00:00Z")
        self.login(self.clerk)
        text = "2026-11-04,sale,USD,1,10.00"
        for screen in ("month-close", "control-totals"):
            record = self.open_screen(screen)
            record.platform_text = text
            with freeze_time("2026-12-15 12:00:00"):
                record.action_show()
            self.assertTrue(record.coverage)
            self.env.flush_all()
            content = self.url_open(record.action_xlsx()["url"]).content
            with self.subTest(screen=screen), io.BytesIO(content) as file:
                cells = [
                    value
                    for sheet in load_workbook(file).worksheets
                    for row in sheet.values
                    for value in row
                ]
                self.assertEqual(cells.count(record.coverage), 1)

    def test_what_looks_like_a_formula_is_a_text(self):
        self.new_sale(self.new_buyer("=1+1"))
        for screen in ("month-close", "unbilled-as-of"):
            self.login(self.clerk)
            record = self.open_screen(screen)
            self.env.flush_all()
            content = self.url_open(record.action_xlsx()["url"]).content
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                sheets = [name for name in archive.namelist() if "worksheets" in name]
                for sheet in sheets:
                    self.assertNotIn("<f>", archive.read(sheet).decode())

    def test_files_are_of_who_filled_the_screen(self):
        urls = []
        for screen in SCREENS:
            record = self.open_screen(screen)
            urls += [record.action_xlsx()["url"], record.action_pdf()["url"]]
            urls.append(f"/lead-invoicing/{screen}/999999999/xlsx")
            urls.append(f"/lead-invoicing/{screen}/0/xlsx")
        self.env.flush_all()
        for user in (self.colleague, self.portal_user, self.plain):
            self.login(user)
            for url in urls:
                with self.subTest(user=user.login, url=url):
                    self.assertIn(self.url_open(url).status_code, (400, 403))

    def test_links_open_the_screen(self):
        self.login(self.colleague)
        for screen, query in NOVEMBER.items():
            url = f"/lead-invoicing/{screen}?{query}"
            response = self.url_open(url, allow_redirects=False)
            with self.subTest(url=url):
                self.assertEqual(response.status_code, 303)
                self.assertRegex(response.headers["Location"], r"/odoo/action-\d+/\d+$")
        for query in ("month=x", "month=2026-13"):
            response = self.url_open(f"/lead-invoicing/month-close?{query}")
            self.assertEqual(response.status_code, 400)
        for query in ("day=x", "day=0001-01-01", "known_at=x"):
            response = self.url_open(f"/lead-invoicing/unbilled-as-of?{query}")
            self.assertEqual(response.status_code, 400)
        self.assertEqual(self.url_open("/lead-invoicing/x").status_code, 404)

    def test_links_open_the_company_that_they_were_made_in(self):
        colleagues = self.clerk + self.colleague
        colleagues.company_ids |= self.abroad
        self.login(self.colleague)
        for model in SCREENS.values():
            screens = self.env[model].with_user(self.clerk)
            link = screens.with_company(self.abroad)._open({}).link
            self.env.flush_all()
            response = self.url_open(link, allow_redirects=False)
            opened = int(response.headers["Location"].split("/")[-1])
            screen = self.env[model].with_user(self.colleague).browse(opened)
            self.assertEqual(screen.company_id, self.abroad)
        colleagues.company_ids -= self.abroad
        self.env.flush_all()
        self.assertEqual(self.url_open(link).status_code, 404)

    def test_links_open_figures_of_a_company_that_was_not_selected(self):
        sale = self.new_sale()
        self.colleague.company_ids |= self.abroad
        self.login(self.colleague)
        for screen in SCREENS:
            link = self.open_screen(screen).link
            self.env.flush_all()
            for selected in (f"{self.abroad.id}", "x-999999999", ""):
                with self.subTest(screen=screen, selected=selected):
                    companies, record = self.follow(link, selected)
                    self.assertEqual(companies[0], self.company.id)
                    rows = record[ROWS[screen]]
                    found = self.get_sales(rows[0], companies)
                    self.assertEqual(found, sale)
        both = f"{self.abroad.id}-{self.company.id}"
        companies, _record = self.follow(link, both)
        self.assertEqual(companies, (self.company + self.abroad).ids)

    def follow(self, link, selected):
        """Open a link where companies are selected; return those that are then, and
        the screen that it opens."""
        self.opener.cookies.set("cids", selected, domain=HOST)
        response = self.url_open(link, allow_redirects=False)
        cookie = self.opener.cookies.get("cids", domain=HOST)
        companies = [int(id_) for id_ in cookie.split("-")]
        model = self.env[SCREENS[link.split("?")[0].split("/")[-1]]]
        opened = int(response.headers["Location"].split("/")[-1])
        return companies, model.with_user(self.colleague).browse(opened)

    def get_sales(self, row, companies):
        """Return what a row opens where these companies are selected."""
        row = row.with_context(allowed_company_ids=companies)
        action = row.action_view_sales()
        ledger = row.env["lead.sale"].with_context(**action["context"])
        return ledger.search(action["domain"])

    def test_links_are_no_way_in(self):
        for user in (self.portal_user, self.plain):
            self.login(user)
            for screen, query in NOVEMBER.items():
                response = self.url_open(f"/lead-invoicing/{screen}?{query}")
                self.assertEqual(response.status_code, 403)
