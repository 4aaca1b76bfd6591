"""Return requests in the portal: what a buyer does there, and what strangers cannot."""

import io
from datetime import date

from lxml import html
from openpyxl import Workbook

from odoo.tests import tagged

from .portal import COMPARE, URL, PortalReturnCommon


@tagged("post_install", "-at_install")
class TestPortal(PortalReturnCommon):
    def test_rows_of_the_report_are_chosen_and_asked_for(self):
        other = self.new_sale(lead_ref="L3")
        page = self.get_page("/my/invoicing-report")
        boxes = page.xpath("//input[@form='lead_return_form']/@value")
        self.assertEqual(set(boxes), {self.sale.external_ref, other.external_ref})
        page = self.get_page(f"{URL}/new", lead=boxes)
        (leads,) = page.xpath("//textarea[@name='leads']")
        self.assertFalse(
            self.ask(
                *leads.text_content().split(), reason_id=self.reason.id, note="Rang"
            )
        )
        self.assertEqual(self.requests.sale_id, self.sale + other)
        self.assertEqual(self.requests.reason_id, self.reason)
        self.assertEqual(self.requests.requester_id, self.portal_user.partner_id)
        # Beside the row stands what became of it.
        page = self.get_page("/my/invoicing-report")
        self.assertFalse(page.xpath("//input[@form='lead_return_form']"))
        self.assertIn("Requested", [row.get("Return") for row in self.rows(page)])

    def test_a_file_names_leads(self):
        self.new_sale(lead_ref="L3")
        for files in (
            self.csv("Lead-ID;Name\nL1;Ada\nX;Bob\n"),
            self.xlsx(["Name", "lead_ref"], ["Grace", "L3"], ["Bob", 7]),
        ):
            response = self.post(f"{URL}/new", files=files)
            (word,) = self.others(response)
            self.assertIn(word, ("X", "7"))
        self.assertEqual(self.requests.mapped("lead_ref"), ["L1", "L3"])
        # A list of nothing but leads needs no head; again is nothing new.
        others = self.others(self.post(f"{URL}/new", files=self.csv("L1\nL3\n")))
        self.assertEqual(set(others.values()), {"This return was requested before."})
        self.assertEqual(len(self.requests), 2)

    def make_huge_sheet(self):
        """Return a small file whose one cell is the last that a sheet can have."""
        book = Workbook()
        book.active["XFD1048576"] = "Lead"
        content = io.BytesIO()
        book.save(content)
        return content.getvalue()

    def test_posts_that_no_page_makes_are_answered(self):
        sale = self.new_sale()
        for lead in (f"{sale.external_ref}\tnan", f"{sale.external_ref}\tinf", "\0"):
            with self.subTest(lead=lead):
                response = self.post(f"{URL}/new", lead=lead)
                self.assertEqual(response.status_code, 200)
        response = self.post(f"{URL}/new", file="abc")
        self.assertEqual(response.status_code, 200)

    def test_a_file_that_is_none_is_told(self):
        for files, text in (
            (self.csv("Name;City\nAda;Paris\n"), "called “Lead”"),
            (self.csv('Lead,Name\nL1,"Ada\nL2,Bob\n'), "line 2 of the file"),
            ({"file": ("x.xlsx", b"PK\x03\x04 nothing")}, "cannot be read"),
            ({"file": ("x.csv", b"\x00\xff\xfe\x81\x00")}, ""),
            ({"file": ("x.csv", b"x" * 5_000_001)}, "larger than 5 MB"),
            ({"file": ("x.xlsx", self.make_huge_sheet())}, "too large"),
        ):
            response = self.post(f"{URL}/new", files=files)
            self.assertEqual(response.status_code, 200, response.text)
            self.assertIn(text, html.fromstring(response.text).text_content())
        response = self.post(f"{URL}/new")
        self.assertIn("Name at least one lead", response.text)
        others = self.others(
            self.post(f"{URL}/new", files=self.csv("Lead,x\n12345678901234567,1\n"))
        )
        self.assertIn("15 digits", others["Row 2"])
        self.assertFalse(self.requests)

    def test_a_lead_that_fits_several_sales_is_told(self):
        sales = self.new_sale(lead_ref="L9") + self.new_sale(lead_ref="L9")
        others = self.ask("L9")
        for sale in sales:
            self.assertIn(sale.external_ref, others["L9"])
        self.assertFalse(self.requests)

    def test_the_list_and_the_page_show_what_was_decided(self):
        self.ask("L1")
        request = self.requests
        request.with_user(self.billing_user).action_ask("Which <b>number</b>?")
        page = self.get_page(URL)
        (row,) = self.text(page, "//table[@name='lead_returns_table']/tbody/tr")
        for text in (request.name, "L1", "12.50", "Question", "Which <b>number</b>?"):
            self.assertIn(text, row)
        page = self.get_page(f"{URL}/{request.id}")
        self.assertIn("Which <b>number</b>?", page.text_content())
        response = self.post(f"{URL}/{request.id}/reply", answer="555-0100")
        self.assertEqual(response.status_code, 303)
        self.assertEqual((request.state, request.note), ("requested", "555-0100"))
        request.with_user(self.billing_user).action_accept()
        page = self.get_page(f"{URL}/{request.id}")
        self.assertIn(f"REQ-{request.id}", page.text_content())
        response = self.post(f"{URL}/{request.id}/withdraw")
        self.assertIn("has been decided already", response.text)
        self.assertEqual(request.state, "accepted")

    def test_a_page_that_is_none_is_the_first_one(self):
        for page in ("²", "x", "0", "-1", "9" * 30):
            for address in (f"{URL}?page={page}", f"{URL}/page/{page}"):
                with self.subTest(address=address):
                    response = self.url_open(address, allow_redirects=False)
                    self.assertEqual(response.status_code, 200)

    def test_a_request_is_withdrawn(self):
        self.ask("L1")
        response = self.post(f"{URL}/{self.requests.id}/withdraw")
        self.assertEqual(response.status_code, 303)
        self.assertEqual(self.requests.state, "withdrawn")
        self.assertFalse(self.ask("L1"))

    def test_the_home_page_leads_there(self):
        page = self.get_page("/my")
        self.assertTrue(page.xpath(f"//a[@href='{URL}']"))


@tagged("post_install", "-at_install")
class TestStrangers(PortalReturnCommon):
    """Own rows only, on every route."""

    def setUp(self):
        super().setUp()
        self.ask("L1")
        self.request = self.requests
        self.assertEqual(self.request.sale_id, self.sale)

    def routes(self):
        page = f"{URL}/{self.request.id}"
        return {
            "get": (URL, page, f"{URL}/new", COMPARE),
            "post": (f"{page}/withdraw", f"{page}/reply", f"{URL}/new", COMPARE),
        }

    def test_another_buyer_sees_and_changes_nothing(self):
        self.login(self.other_portal_user)
        page = self.get_page(URL)
        self.assertNotIn(self.request.name, page.text_content())
        for path in ("", "/withdraw", "/reply"):
            path = f"{URL}/{self.request.id}{path}"
            response = self.post(path, answer="x") if path[-1] > "9" else self.get(path)
            self.assertEqual(response.status_code, 404)
        for word in ("L1", self.sale.external_ref):
            self.assertIn("You purchased no lead", self.ask(word)[word])
        self.assertEqual((self.request.state, len(self.requests)), ("requested", 1))

    def test_a_colleague_of_the_same_buyer_does(self):
        self.login(self.branch_user)
        self.assertIn(self.request.name, self.get_page(URL).text_content())
        self.post(f"{URL}/{self.request.id}/withdraw")
        self.assertEqual(self.request.state, "withdrawn")

    def test_who_is_no_buyer_has_no_such_pages(self):
        for user in (self.billing_user, self.plain_user, self.stranger):
            self.login(user)
            for method, paths in self.routes().items():
                for path in paths:
                    with self.subTest(user=user.login, path=path):
                        send = self.get if method == "get" else self.post
                        self.assertEqual(send(path).status_code, 404)

    def test_who_is_not_logged_in_is_asked_to(self):
        self.logout()
        for path in self.routes()["get"]:
            response = self.url_open(path, allow_redirects=False)
            self.assertEqual(response.status_code, 303)
            self.assertIn("/web/login", response.headers["Location"])

    def test_no_form_is_taken_from_elsewhere(self):
        self.new_sale(lead_ref="L3")
        for path in self.routes()["post"]:
            response = self.post(path, token=False, leads="L3", answer="x")
            self.assertEqual(response.status_code, 400, path)
        self.assertEqual(self.requests.mapped("state"), ["requested"])

    def test_another_companys_reason_is_not_taken(self):
        theirs = self.env["lead.return.reason"].sudo()
        theirs = theirs.create({"name": "x", "code": "x", "company_id": self.abroad.id})
        self.new_sale(lead_ref="L3")
        for reason_id in (theirs.id, "x", "0"):
            self.assertNotIn(f'value="{theirs.id}"', self.get(f"{URL}/new").text)
            self.ask("L3", reason_id=reason_id)
            request = self.requests[-1]
            self.assertFalse(request.reason_id)
            request._withdraw()

    def test_whatever_a_form_says_is_answered(self):
        for word in ("<script>", "' OR 1=1", "%s", "\x01", "x" * 500, "REQ-1", "-"):
            others = self.ask(word, note="<script>", reason_id="' OR 1=1")
            self.assertEqual(len(others), 1, word)
            self.assertNotIn(
                "<script>",
                html.tostring(self.page)
                .decode()
                .split("lead_returns_others")[1]
                .split("</table>")[0],
            )
        self.assertEqual(len(self.requests), 1)


@tagged("post_install", "-at_install")
class TestComparison(PortalReturnCommon):
    """The buyer's own list beside what it was charged for."""

    def setUp(self):
        super().setUp()
        self.second = self.new_sale(price="20.00", lead_ref="L3")
        self.third = self.new_sale(price="30.00", lead_ref="L4")
        self.early = self.new_sale(lead_ref="L5", at="2026-10-30T12:00:00Z")

    def compare(self, files, **data):
        response = self.post(
            COMPARE,
            files=files,
            **{"date_from": "2026-11-01", "date_to": "2026-11-30", **data},
        )
        self.assertEqual(response.status_code, 200, response.text)
        self.page = html.fromstring(response.text)
        return {
            name: " ".join(self.text(self.page, f"//*[@name='lead_{name}']"))
            for name in (
                "comparison_same",
                "not_received",
                "other_price",
                "not_charged",
                "unreadable",
            )
        }

    def test_a_text_in_place_of_the_file_is_no_file(self):
        for sent in ({"file": "abc"}, {"file": ""}, {}):
            with self.subTest(sent):
                response = self.post(COMPARE, **sent)
                self.assertEqual(response.status_code, 200)
                self.assertIn("Choose a file with your leads.", response.text)

    def test_a_file_in_place_of_a_text_is_left_out(self):
        file = self.csv("Lead\nL1\n")
        for name in ("date_from", "date_to", "decimal"):
            with self.subTest(name):
                response = self.post(COMPARE, files={**file, name: ("x", b"y")})
                self.assertEqual(response.status_code, 200)
        for name in ("leads", "note", "reason_id", "lead"):
            with self.subTest(name):
                response = self.post(f"{URL}/new", files={name: ("x", b"y")})
                self.assertEqual(response.status_code, 200)
        response = self.post(f"{URL}/new", files=self.csv("Lead\nL1\n"))
        self.assertIn("lead_returns_made", response.text)

    def test_what_a_spreadsheet_made_of_a_lead_is_unreadable(self):
        found = self.compare(
            self.xlsx(["Lead", "Price"], [date(2026, 3, 5), 5], [True, 5], ["L1", 12.5])
        )
        self.assertIn("Format the cell as text", found["unreadable"])
        self.assertIn("no difference: 1.", found["comparison_same"])

    def test_all_differences_are_told(self):
        rows = "L1,12.50\nL3,18.00\nL5,10.00\nL6,9.00\nL2,77\n"
        found = self.compare(self.csv(f"Lead,Price\n{rows}"))
        self.assertIn("no difference: 1.", found["comparison_same"])
        self.assertIn("other days: 1.", found["comparison_same"])
        self.assertIn(self.third.external_ref, found["not_received"])
        self.assertNotIn(self.second.external_ref, found["not_received"])
        self.assertIn(self.second.external_ref, found["other_price"])
        self.assertIn("18.00", found["other_price"])
        # Another buyer's lead was never charged to this one.
        self.assertIn("L6, L2", found["not_charged"])
        self.assertNotIn(self.other_sale.external_ref, self.page.text_content())

    def test_differences_become_requests(self):
        self.compare(self.csv("Lead,Price\nL1,12.50\nL3,18.00\n"))
        values = self.page.xpath("//form//input[@name='lead']/@value")
        self.assertEqual(len(values), 2)
        response = self.post(f"{URL}/new", lead=values, reason_id=self.reason.id)
        self.assertFalse(self.others(response))
        self.assertEqual(
            {request.sale_id: request.amount for request in self.requests},
            {self.third: 30.0, self.second: 2.0},
        )

    def test_references_and_spreadsheets_compare_as_well(self):
        found = self.compare(
            self.xlsx(
                ["Transaction", "Amount"],
                [self.sale.external_ref, 12.5],
                [self.second.external_ref, 20],
                [self.third.external_ref, "$ 30.00"],
            )
        )
        self.assertIn("no difference: 3.", found["comparison_same"])
        self.assertIn("There is no difference", self.page.text_content())

    def test_a_price_is_not_guessed(self):
        files = self.csv("Lead;Price\nL3;20,00\nL4;30,00\nL1;12,50\n")
        self.assertIn("Rows that could not", self.compare(files)["unreadable"])
        found = self.compare(files, decimal=",")
        self.assertIn("no difference: 3.", found["comparison_same"])
        self.assertFalse(found["unreadable"])
        self.assertIn(
            "€", self.compare(self.csv("Lead,Price\nL3,€20.00\nx,1\n"))["unreadable"]
        )

    def test_twice_in_the_list_was_charged_once(self):
        found = self.compare(self.csv("Lead,x\nL1,1\nL1,1\nL3,1\nL4,1\n"))
        self.assertIn("no difference: 3.", found["comparison_same"])
        self.assertIn("L1", found["not_charged"])

    def test_what_is_waived_was_not_charged(self):
        (self.second | self.early)._waive("Goodwill")
        found = self.compare(
            self.csv("Lead,Price\nL1,12.50\nL3,20.00\nL4,30.00\nL5,10.00\n")
        )
        self.assertIn("no difference: 2.", found["comparison_same"])
        self.assertNotIn("other days: 1.", found["comparison_same"])
        self.assertIn("L3, L5", found["not_charged"])

    def test_what_was_credited_was_not_charged(self):
        invoice = self.sale.invoice_id
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"journal_id": invoice.journal_id.id})
        )
        wizard.refund_moves()
        wizard.new_move_ids.action_post()
        self.assertTrue(invoice.lead_credited)
        found = self.compare(self.csv("Lead,Price\nL3,20.00\nL4,30.00\n"))
        self.assertFalse(found["not_received"])
        found = self.compare(self.csv("Lead,Price\nL1,12.50\nL6,9.00\n"))
        self.assertIn("L1, L6", found["not_charged"])

    def test_what_was_returned_is_not_missed(self):
        self.new_return(self.third)
        self.new_return(self.second, 5)
        found = self.compare(self.csv("Lead,Price\nL1,12.50\nL3,15.00\n"))
        self.assertIn("no difference: 2.", found["comparison_same"])
        self.assertFalse(found["not_received"])

    def test_what_is_wrong_with_the_form_is_told(self):
        self.compare({}, date_from="x")
        self.assertTrue(self.page.xpath("//*[@id='lead_comparison_error']"))
        self.compare({})
        self.assertIn("Choose a file", self.page.text_content())
