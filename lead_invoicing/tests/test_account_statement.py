import io
from urllib.parse import urlencode

import openpyxl
from lxml import html

from odoo.exceptions import AccessError
from odoo.tests import HttpCase, tagged

from ..report.statement_files import write_statement_xlsx
from .common.generation import GENERATION, WEEK
from .common.portal import HOSTILE
from .common.prepaid import PrepaidCommon
from .common.rights import RightsCommon

URL = "/my/lead-statement"
STAFF = "/lead-invoicing/statement"
NOVEMBER = {"date_from": "2026-11-01", "date_to": "2026-11-30"}


class StatementCommon(PrepaidCommon):
    """A deposit and a receipt of the buyer, and another buyer's invoice."""

    def setUp(self):
        super().setUp()
        self.other_buyer.lead_billing_cycle_id = self.cycle
        self.tax()
        self.payment = self.deposit(1000)
        self.new_sale(price="100.00")
        self.new_sale(self.other_buyer, price="77.00")
        documents = self.generate()
        self.document = documents.filtered(
            lambda move: move.commercial_partner_id == self.buyer
        )
        self.other_document = documents - self.document

    def open(self, partner=None, user=None, **params):
        statements = self.env["lead.account.statement"]
        statements = statements.with_user(user or self.billing_user)
        partner = (partner or self.buyer).with_env(statements.env)
        return statements._open(partner, {**NOVEMBER, **params})


@tagged("post_install", "-at_install")
class TestAccountStatement(StatementCommon):
    """What a buyer was charged and what it paid, by day; the balance is the books'."""

    def rows(self, statement):
        (section,) = statement.sections
        return (
            section.opening,
            [
                (entry.name, entry.kind, entry.charge, entry.credit, entry.balance)
                for entry in section.entries
            ],
            section.closing,
        )

    def test_a_prepaid_buyers_money(self):
        self.assertEqual(
            self.rows(self.open()),
            (
                0,
                [
                    (self.payment.move_id.name, "Payment", 0, 1000, 1000),
                    (self.document.name, "Receipt", 115, 0, 885),
                ],
                885,
            ),
        )

    def test_what_a_buyer_on_credit_owes(self):
        opening, entries, closing = self.rows(self.open(self.other_buyer))
        self.assertEqual((opening, closing), (0, 88.55))
        self.assertEqual(entries[0][1:], ("Invoice", 88.55, 0, 88.55))

    def test_what_was_before_is_the_opening(self):
        statement = self.open(date_from="2026-11-05")
        opening, entries, closing = self.rows(statement)
        self.assertEqual((opening, len(entries), closing), (1000, 1, 885))
        # Two halves join.
        first = self.open(date_to="2026-11-04")
        self.assertEqual(self.rows(first)[2], opening)

    def test_later_entries_do_not_count(self):
        self.assertEqual(self.rows(self.open(date_to="2026-11-04"))[2], 1000)

    def test_drafts_are_not_on_it(self):
        self.document.button_draft()
        self.assertEqual(self.rows(self.open())[2], 1000)

    def test_currencies_have_sections_of_their_own(self):
        self.env.ref("base.EUR").active = True
        self.new_sale(price="10.00", currency="EUR", at="2026-11-10T12:00:00Z")
        self.generate(GENERATION + WEEK)
        closings = {
            section.currency.name: section.closing for section in self.open().sections
        }
        self.assertEqual(closings, {"USD": 885, "EUR": -11.5})

    def test_the_workbook_has_it_all(self):
        self.document.ref = "=1+1"
        file = io.BytesIO()
        write_statement_xlsx(self.open(), file)
        sheet = openpyxl.load_workbook(file).active
        rows = list(sheet.iter_rows(values_only=True))
        self.assertEqual(rows[-1][1:], ("Closing balance", None, None, 115, 1000, 885))
        cells = [cell for row in sheet.iter_rows() for cell in row]
        self.assertFalse([cell for cell in cells if cell.data_type == "f"])

    def test_the_dialog_shows_it_and_offers_files(self):
        buyer = self.buyer.with_user(self.billing_user)
        action = buyer.action_open_lead_statement()
        wizard = (
            self.env["lead.statement.wizard"]
            .with_user(self.billing_user)
            .browse(action["res_id"])
        )
        wizard.write(NOVEMBER)
        self.assertIn("885.00", wizard.preview)
        self.assertIn("/lead-invoicing/statement/pdf?", wizard.action_pdf()["url"])
        self.assertIn("date_from=2026-11-01", wizard.action_xlsx()["url"])
        wizard.date_to = "2026-10-01"
        self.assertIn("choose a later day", wizard.preview)

    def test_who_may_not_see_it_does_not(self):
        for user, partner in (
            (self.plain_user, self.buyer),
            (self.integrator, self.buyer),
            (self.portal_user, self.other_buyer),
        ):
            with self.assertRaises(AccessError):
                self.open(partner, user)
        with self.assertRaises(AccessError):
            self.buyer.with_user(self.plain_user).action_open_lead_statement()

    def test_another_company_is_not_on_the_clerks(self):
        company = self.setup_other_company()["company"]
        statements = self.env["lead.account.statement"].with_context(
            allowed_company_ids=company.ids
        )
        self.assertFalse(
            statements._open(self.buyer.with_env(statements.env), NOVEMBER).sections
        )


@tagged("post_install", "-at_install")
class TestAccountStatementPages(StatementCommon, RightsCommon, HttpCase):
    """The page and the files: each buyer its own."""

    def login(self, user):
        self.authenticate(user.login, user.login)

    def get(self, path=URL, **params):
        query = urlencode({**NOVEMBER, **params})
        # A replica can serve it.
        with self.assertNoLogs("odoo.http", "WARNING"):
            return self.url_open(f"{path}?{query}", allow_redirects=False)

    def test_a_buyer_sees_its_own(self):
        self.login(self.portal_user)
        response = self.get()
        self.assertEqual(response.status_code, 200)
        self.assertIn(self.document.name, response.text)
        self.assertIn("885.00", response.text)
        self.assertNotIn(self.other_document.name, response.text)
        self.assertIn("no-store", response.headers["Cache-Control"])
        # By no parameter another's.
        other = self.get(partner_id=self.other_buyer.id)
        self.assertNotIn(self.other_document.name, other.text)
        workbook = self.get(f"{URL}/xlsx", partner_id=self.other_buyer.id)
        sheet = openpyxl.load_workbook(io.BytesIO(workbook.content)).active
        texts = [str(cell.value) for row in sheet.iter_rows() for cell in row]
        self.assertIn(self.document.name, texts)
        self.assertNotIn(self.other_document.name, texts)

    def test_a_buyer_prints_it_without_what_there_is_to_press(self):
        self.login(self.portal_user)
        page = html.fromstring(self.get().text)
        (choices,) = page.xpath("//form[@name='lead_statement_choices']")
        self.assertIn("d-print-none", choices.get("class").split())
        self.assertTrue(choices.xpath(".//a[contains(@href, '/pdf?')]"))

    def test_another_buyer_sees_another(self):
        self.login(self.other_portal_user)
        text = self.get().text
        self.assertIn(self.other_document.name, text)
        self.assertNotIn(self.document.name, text)

    def test_strangers_and_buyers_get_no_files_of_the_staff(self):
        for kind in ("xlsx", "pdf"):
            path = f"{STAFF}/{kind}"
            self.authenticate(None, None)
            self.assertEqual(self.get(path, partner_id=1).status_code, 303)
            self.login(self.portal_user)
            for partner in (self.other_buyer.id, 10**8, "x"):
                response = self.get(path, partner_id=partner)
                self.assertIn(response.status_code, (400, 403))
                self.assertNotIn(self.other_document.name, response.text)
        self.authenticate(None, None)
        self.assertEqual(self.get().status_code, 303)

    def test_the_staff_gets_files(self):
        self.login(self.billing_user)
        response = self.get(f"{STAFF}/xlsx", partner_id=self.other_buyer.id)
        self.assertEqual(response.status_code, 200)
        self.assertIn("statement-2026-11-01", response.headers["Content-Disposition"])

    def test_files_of_the_staff_are_of_the_selected_companies(self):
        clerk = self.billing_user
        clerk.company_ids += self.abroad
        self.login(clerk)
        for company in (self.company, self.abroad):
            wizards = self.env["lead.statement.wizard"].with_user(clerk)
            wizard = wizards.with_context(allowed_company_ids=company.ids).create(
                {"partner_id": self.buyer.id, **NOVEMBER}
            )
            is_own = company == self.company
            self.assertEqual(self.document.name in wizard.preview, is_own)
            self.env.flush_all()
            content = self.url_open(wizard.action_xlsx()["url"]).content
            sheet = openpyxl.load_workbook(io.BytesIO(content)).active
            texts = [str(cell.value) for row in sheet.iter_rows() for cell in row]
            self.assertEqual(self.document.name in texts, is_own)
        response = self.get(
            f"{STAFF}/pdf", partner_id=self.buyer.id, company_ids=f"{10**8}"
        )
        self.assertEqual(response.status_code, 404)

    def test_whatever_is_asked_is_answered_with_a_sentence(self):
        self.login(self.portal_user)
        # What is NUL only is nothing, as the route reads it.
        for value in filter(lambda value: value.strip("\0"), HOSTILE):
            for name in NOVEMBER:
                response = self.get(**{name: value})
                self.assertEqual(response.status_code, 200, value)
                self.assertIn("lead_statement_error", response.text)
                self.assertEqual(
                    self.get(f"{URL}/xlsx", **{name: value}).status_code, 400
                )
