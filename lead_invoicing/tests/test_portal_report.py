"""The Invoicing Report in the portal: what a buyer sees, and who sees nothing."""

import io
import itertools
import json
import zipfile
from unittest.mock import patch
from urllib.parse import parse_qs, urlencode, urlsplit

from freezegun import freeze_time
from lxml import html

from odoo import Command

from ..controllers import portal
from .common.generation import GENERATION, WEEK
from .common.portal import (
    BUYER_ROUTES,
    HOSTILE,
    PARAMETERS,
    STAFF_ROUTES,
    URL,
    PortalReportCommon,
)


class TestPage(PortalReportCommon):
    def test_a_buyer_sees_each_lead_with_its_data(self):
        self.login(self.portal_user)
        page = self.get_page()
        (row,) = self.rows(page)
        self.assertEqual(row["Transaction"], self.sale.external_ref)
        self.assertEqual(row["First Name"], "Ada")
        self.assertEqual(row["Invoice"], self.document.name)
        self.assertEqual(row["Billing"], "Invoiced")
        self.assertIn("$\xa012.50", page.text_content())
        self.assertFalse(self.errors(page))

    def test_choices_are_in_the_address_and_on_the_page(self):
        back = self.new_return(self.sale)
        self.login(self.portal_user)
        page = self.get_page(transaction_type="return", fields="email")
        (row,) = self.rows(page)
        self.assertEqual(row["Transaction"], back.external_ref)
        self.assertIn("Email", row)
        self.assertNotIn("First Name", row)
        form = page.forms[0]
        self.assertEqual(form.method.lower(), "get")
        values = form.form_values()
        self.assertEqual(
            sorted(values),
            sorted(
                [
                    ("lead_type_id", str(self.edu.id)),
                    ("date_from", "2026-11-01"),
                    ("date_to", "2026-11-30"),
                    ("transaction_type", "return"),
                    ("billing", ""),
                    ("fields", ""),
                    ("fields", "email"),
                ]
            ),
        )
        # What the browser sends of the form is the same page again.
        again = self.url_open(f"{URL}?{urlencode(values)}")
        self.assertEqual(self.rows(html.fromstring(again.text)), [row])

    def test_no_box_ticked_is_no_lead_data(self):
        self.login(self.portal_user)
        (row,) = self.rows(self.get_page(fields=""))
        self.assertNotIn("First Name", row)
        (row,) = self.rows(self.get_page(fields=["", "first_name"]))
        self.assertEqual(row["First Name"], "Ada")

    def test_downloads_have_the_same_choices(self):
        self.login(self.portal_user)
        page = self.get_page(transaction_type="sale", fields="email")
        for name in ("csv", "xlsx", "pdf"):
            (link,) = page.xpath(f"//a[@name='lead_report_{name}']/@href")
            address = urlsplit(link)
            self.assertEqual(address.path, f"{URL}/{name}")
            self.assertEqual(
                parse_qs(address.query),
                {
                    "lead_type_id": [str(self.edu.id)],
                    "date_from": ["2026-11-01"],
                    "date_to": ["2026-11-30"],
                    "transaction_type": ["sale"],
                    "fields": ["email"],
                },
            )

    def test_too_many_rows_for_a_pdf(self):
        self.new_sale()
        self.login(self.portal_user)
        with patch.dict(portal.LIMITS, pdf=1):
            page = self.get_page()
        (note,) = self.text(page, "//p[@name='lead_report_formats_note']")
        self.assertIn("PDF: at most 1 rows", note)
        self.assertTrue(page.xpath("//a[@name='lead_report_csv']"))
        self.assertFalse(page.xpath("//a[@name='lead_report_pdf']"))

    def test_another_lead_type(self):
        auto = self.new_sale(lead_type="AUTO", lead_data={"vehicle_year": 2019})
        self.login(self.portal_user)
        page = self.get_page(lead_type_id=self.edu.id)
        links = page.xpath("//nav[@aria-label='Lead type']//a")
        self.assertEqual(
            {link.text_content(): link.get("aria-current") for link in links},
            {"All types": None, "Online Degree": "page", "Auto Insurance": None},
        )
        link = links[1]
        page = html.fromstring(self.url_open(link.get("href")).text)
        (row,) = self.rows(page)
        self.assertEqual(row["Transaction"], auto.external_ref)
        self.assertEqual(row["Vehicle Year"], "2019")

    def test_opens_with_all_types_and_the_columns_that_all_have(self):
        auto = self.new_sale(lead_type="AUTO", at="2026-11-20T12:00:00Z")
        self.login(self.portal_user)
        page = self.get_page()
        rows = self.rows(page)
        self.assertEqual(
            {row["Transaction"]: row["Lead Type"] for row in rows},
            {
                self.sale.external_ref: "Online Degree",
                auto.external_ref: "Auto Insurance",
            },
        )
        self.assertNotIn("First Name", rows[0])
        self.assertTrue(page.xpath("//p[@name='lead_report_choose_type']"))
        (current,) = page.xpath("//nav[@aria-label='Lead type']//a[@aria-current]")
        self.assertEqual(current.text_content(), "All types")
        # As the files of the same address.
        content = self.get(f"{URL}/csv").text
        self.assertIn(auto.external_ref, content)
        self.assertIn(self.sale.external_ref, content)
        for name in ("csv", "xlsx", "pdf"):
            (link,) = page.xpath(f"//a[@name='lead_report_{name}']/@href")
            self.assertNotIn("lead_type_id", parse_qs(urlsplit(link).query))

    def test_addresses_that_ask_for_lead_data_show_one_type(self):
        auto = self.new_sale(
            lead_type="AUTO",
            at="2026-11-20T12:00:00Z",
            lead_data={"vehicle_year": 2019},
        )
        self.login(self.portal_user)
        # Without a type, it is the one that was sold last, as it always was.
        (row,) = self.rows(self.get_page(fields="vehicle_year"))
        self.assertEqual(row["Transaction"], auto.external_ref)
        self.assertEqual(row["Vehicle Year"], "2019")
        # With a type it is that, whatever was sold since.
        (row,) = self.rows(self.get_page(lead_type_id=self.edu.id))
        self.assertEqual(row["First Name"], "Ada")

    def test_dates_by_one_click(self):
        self.new_sale(at="2026-10-20T12:00:00Z", lead_ref="October")
        self.login(self.portal_user)
        with freeze_time("2026-11-12 12:00"):
            page = self.get_page(transaction_type="sale")
            links = {
                name: page.xpath(f"//a[@name='lead_report_{name}']/@href")[0]
                for name in ("this_month", "last_month", "last_invoice")
            }
            this, last, invoice = (
                html.fromstring(self.url_open(link).text) for link in links.values()
            )
        query = parse_qs(urlsplit(links["this_month"]).query)
        self.assertEqual(query["date_to"], ["2026-11-12"])
        self.assertEqual(query["transaction_type"], ["sale"])
        self.assertEqual([row["Lead"] for row in self.rows(this)], ["L1"])
        self.assertEqual([row["Lead"] for row in self.rows(last)], ["October"])
        self.assertEqual([row["Lead"] for row in self.rows(invoice)], ["L1"])
        self.assertIn(self.document.name, invoice.text_content())
        for page, label in (
            (this, "This month"),
            (last, "Last month"),
            (invoice, "Last invoice"),
        ):
            (current,) = page.xpath(
                "//nav[@name='lead_report_periods']//a[@aria-current]"
            )
            self.assertEqual(current.text_content(), label)

    def test_what_is_not_invoiced_yet(self):
        waiting = self.new_sale(at="2026-07-10T12:00:00Z")
        self.new_sale(at="2026-07-11T12:00:00Z")._waive("Goodwill")
        self.login(self.portal_user)
        with freeze_time("2026-11-12 12:00"):
            page = self.get_page(billing="unbilled", date_from="", date_to="")
        (row,) = self.rows(page)
        self.assertEqual(row["Transaction"], waiting.external_ref)
        self.assertEqual(
            page.xpath("//input[@name='date_from']")[0].value, "2026-07-10"
        )
        (link,) = page.xpath("//a[@name='lead_report_csv']/@href")
        self.assertIn("billing=unbilled", link)

    def test_what_is_not_invoiced_yet_begins_with_its_own_lead_type(self):
        self.new_sale(at="2026-07-10T12:00:00Z")
        waiting = self.new_sale(at="2026-09-10T12:00:00Z", lead_type="AUTO")
        lead_type_id = str(waiting.lead_type_id.id)
        self.login(self.portal_user)
        with freeze_time("2026-11-12 12:00"):
            page = self.get_page(
                billing="unbilled",
                date_from="",
                date_to="",
                lead_type_id=lead_type_id,
            )
        self.assertEqual(
            page.xpath("//input[@name='date_from']")[0].value, "2026-09-10"
        )

    def test_a_row_leads_to_its_invoice_and_back(self):
        self.login(self.portal_user)
        page = self.get_page()
        (link,) = page.xpath("//td[@data-name='invoice']/a/@href")
        self.assertEqual(link, f"/my/invoices/{self.document.id}")
        invoice = html.fromstring(self.url_open(link).text)
        (link,) = invoice.xpath("//a[@name='lead_report']/@href")
        (row,) = self.rows(html.fromstring(self.url_open(link).text))
        self.assertEqual(row["Transaction"], self.sale.external_ref)

    def test_the_link_of_a_mail_shows_all_lead_types_of_its_document(self):
        one_type = f"lead_type_id={self.edu.id}&"
        self.assertIn(one_type, self.document._get_lead_report_url())
        for lead_type in ("EDU", "AUTO"):
            self.new_sale(at="2026-11-11T12:00:00Z", lead_type=lead_type)
        document = self.generate(GENERATION + WEEK).filtered(
            lambda move: move.commercial_partner_id == self.buyer
        )
        self.login(self.portal_user)
        page = self.url_open(document._get_lead_report_url())
        self.assertEqual(len(self.rows(html.fromstring(page.text))), 2)

    def test_the_reason_says_which_sale_is_returned(self):
        self.new_return(self.sale, reason="Wrong number")
        self.login(self.portal_user)
        *_rest, row = self.rows(self.get_page())
        self.assertNotIn("Returned Sale", row)
        self.assertEqual(row["Reason"], f"Wrong number (sale {self.sale.external_ref})")

    def test_the_language_and_the_title_of_a_page(self):
        self.login(self.portal_user)
        page = self.get_page()
        self.assertEqual(page.get("lang"), "en-US")
        (title,) = page.xpath("//title")
        self.assertIn("Invoicing Report: Online Degree", title.text_content())
        page = self.get_page(f"/my/invoices/{self.document.id}")
        self.assertIn(self.document.name, page.findtext(".//head/title"))

    def test_pages(self):
        refs = [self.sale.external_ref]
        refs += [self.new_sale().external_ref for _number in range(59)]
        self.login(self.portal_user)
        first = self.get_page()
        self.assertEqual([row["Transaction"] for row in self.rows(first)], refs[:50])
        self.assertIn("1 to 50 of 60", first.text_content())
        (link,) = first.xpath("//nav[@aria-label='Pages']//a[text()='2']/@href")
        second = html.fromstring(self.url_open(link).text)
        self.assertEqual([row["Transaction"] for row in self.rows(second)], refs[50:])
        self.assertIn("51 to 60 of 60", second.text_content())
        # There is no page beyond the last, and none before the first.
        for page, expected in (("9" * 9, refs[50:]), ("0", refs[:50])):
            found = self.rows(self.get_page(f"{URL}/page/{page}"))
            self.assertEqual([row["Transaction"] for row in found], expected)

    def test_totals(self):
        self.new_return(self.new_sale(price="4.00"))
        self.new_sale(price="9.00")._waive("Goodwill")
        self.login(self.portal_user)
        (totals,) = self.text(self.get_page(), "//section[@name='lead_report_totals']")
        self.assertEqual(
            totals,
            "Purchased 2 $ 16.50 Returned 1 $ -4.00 Net 1 $ 12.50"
            " Waived (not charged) 1 $ 9.00",
        )

    def test_what_is_unbilled_and_when_the_next_invoice_comes(self):
        self.env.ref("base.EUR").active = True
        self.new_sale(price="5.00", at="2026-11-10T12:00:00Z")
        self.new_sale(price="3.00", at="2026-11-11T12:00:00Z", currency="EUR")
        # After that window.
        self.new_sale(price="100.00", at="2026-11-17T12:00:00Z")
        self.new_sale(price="1.00", at="2026-11-11T12:00:00Z")._waive("Goodwill")
        self.login(self.portal_user)
        with freeze_time("2026-11-12 12:00"):
            page = self.get_page()
        (outlook,) = self.text(page, "//section[@name='lead_report_outlook']")
        self.assertEqual(
            outlook,
            "Not invoiced yet 3.00 € $ 5.00 before tax"
            " Billing period Nov 9, 2026 – Nov 15, 2026"
            " Next invoice Mon, Nov 16, 2026 at 6:00 AM ET",
        )
        self.buyer.lead_billing_hold = True
        (outlook,) = self.text(
            self.get_page(), "//section[@name='lead_report_outlook']"
        )
        self.assertEqual(
            outlook,
            "Not invoiced yet 3.00 € $ 105.00 before tax"
            " Next invoice Not scheduled yet.",
        )

    def test_no_leads_on_these_days(self):
        self.login(self.portal_user)
        page = self.get_page(date_from="2020-01-01", date_to="2020-01-31")
        self.assertTrue(page.xpath("//div[@name='lead_report_empty']"))
        self.assertFalse(self.rows(page))
        # But the choices are there.
        self.assertTrue(page.forms)

    def test_no_leads_at_all(self):
        user = self.new_portal_user(self.new_buyer("Buyer C"))
        self.login(user)
        page = self.get_page()
        self.assertTrue(page.xpath("//div[@name='lead_report_no_leads']"))
        self.assertFalse(page.xpath("//form[@name='lead_report_choices']"))

    def test_an_erased_lead(self):
        self.env["lead.erasure"]._erase_on_request(self.sale, "Asked")
        self.login(self.portal_user)
        (row,) = self.rows(self.get_page())
        self.assertEqual(row["First Name"], "erased")
        self.assertEqual(row["Amount"], "12.50")

    def test_what_leads_say_is_text(self):
        self.new_sale(
            lead_ref="<b>L</b>",
            campaign="<script>alert(1)</script>",
            lead_data={"first_name": '"><img src=x onerror=alert(1)>'},
        )
        self.login(self.portal_user)
        response = self.get()
        self.assertNotIn("<script>alert(1)", response.text)
        self.assertNotIn("<img src=x", response.text)
        self.assertIn("&lt;img src=x", response.text)


class TestInvoicePage(PortalReportCommon):
    def test_leads_to_exactly_its_leads(self):
        auto = self.new_sale(lead_type="AUTO", at="2026-11-10T12:00:00Z")
        edu = self.new_sale(at="2026-11-11T12:00:00Z")
        document = self.generate("2026-11-16 11:00")
        self.login(self.portal_user)
        invoice = html.fromstring(self.url_open(f"/my/invoices/{document.id}").text)
        (link,) = invoice.xpath("//a[@name='lead_report']/@href")
        page = html.fromstring(self.url_open(link).text)
        self.assertEqual(
            [row["Transaction"] for row in self.rows(page)],
            [auto.external_ref, edu.external_ref],
        )
        self.assertIn("add up to the amount billed", page.text_content())
        # The days are those of the document.
        self.assertFalse(page.xpath("//input[@type='date']"))
        (link,) = page.xpath("//nav[@aria-label='Lead type']//a[text()='All types']")
        self.assertEqual(link.get("aria-current"), "page")
        (link,) = page.xpath("//nav[@aria-label='Lead type']//a[contains(., 'Auto')]")
        page = html.fromstring(self.url_open(link.get("href")).text)
        self.assertEqual(
            [row["Transaction"] for row in self.rows(page)], [auto.external_ref]
        )

    def test_a_document_without_leads_has_no_link(self):
        invoice = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.buyer.id,
                "invoice_line_ids": [Command.create({"name": "x", "price_unit": 1})],
            }
        )
        invoice.action_post()
        self.login(self.portal_user)
        page = html.fromstring(self.url_open(f"/my/invoices/{invoice.id}").text)
        self.assertFalse(page.xpath("//a[@name='lead_report']"))

    def test_a_posted_document_is_no_pro_forma(self):
        self.login(self.portal_user)
        self.assertFalse(self.document.invoice_pdf_report_id)
        url = f"/my/invoices/{self.document.id}?report_type=html"
        text = self.url_open(url).text
        self.assertIn("Invoice", text)
        self.assertNotIn("Proforma", text)
        self.assertEqual(
            self.document._get_invoice_proforma_pdf_report_filename(),
            f"{self.document.name.replace('/', '_')}.pdf",
        )
        # Before it is posted, it may be called so.
        self.document.button_draft()
        self.assertIn(
            "proforma", self.document._get_invoice_proforma_pdf_report_filename()
        )

    def test_how_to_pay_by_transfer(self):
        self.login(self.portal_user)
        page = html.fromstring(self.url_open(f"/my/invoices/{self.document.id}").text)
        (text,) = self.text(page, "//section[@name='lead_how_to_pay']")
        self.assertIn(self.document.payment_reference, text)
        self.assertIn("How to Pay", text)
        self.assertEqual(page.get("lang"), "en-US")

    def test_the_mail_leads_to_the_days_of_its_window(self):
        template = self.env.ref("lead_invoicing.mail_template_lead_invoice")
        body = template._render_field("body_html", self.document.ids)[self.document.id]
        (link,) = html.fromstring(str(body)).xpath("//a/@href")
        address = urlsplit(link)
        self.assertEqual(address.path, URL)
        self.assertEqual(
            parse_qs(address.query),
            {
                "lead_type_id": [str(self.edu.id)],
                # Monday to Sunday in New York.
                "date_from": ["2026-11-02"],
                "date_to": ["2026-11-08"],
            },
        )
        # Nobody is logged in: first the login, then the report.
        path = f"{address.path}?{address.query}"
        response = self.url_open(path, allow_redirects=False)
        self.assertEqual(response.status_code, 303)
        login = urlsplit(response.headers["Location"])
        self.assertEqual(login.path, "/web/login")
        form = html.fromstring(self.url_open(response.headers["Location"]).text).forms[
            0
        ]
        values = dict(form.form_values())
        values.update(login=self.portal_user.login, password=self.portal_user.login)
        response = self.url_open(form.action or "/web/login", data=values)
        self.assertEqual(urlsplit(response.url).path, URL)
        (row,) = self.rows(html.fromstring(response.text))
        self.assertEqual(row["Transaction"], self.sale.external_ref)

    def test_a_receipt_leads_there_too(self):
        template = self.env.ref("lead_invoicing.mail_template_lead_receipt")
        body = template._render_field("body_html", self.document.ids)[self.document.id]
        self.assertIn(f"{URL}?", str(body))


class TestHome(PortalReportCommon):
    def count(self):
        response = self.url_open(
            "/my/counters",
            data=json.dumps({"params": {"counters": ["lead_sale_count"]}}),
            headers={"Content-Type": "application/json"},
        )
        return response.json()["result"]["lead_sale_count"]

    def test_a_card_for_buyers_of_leads(self):
        for user, expected in (
            (self.portal_user, 1),
            (self.branch_user, 1),
            (self.new_portal_user(self.new_buyer("Buyer C")), 0),
            (self.billing_user, 0),
            (self.plain_user, 0),
        ):
            self.login(user)
            with self.subTest(user=user.login):
                self.assertEqual(self.count(), expected)
                home = html.fromstring(self.url_open("/my").text)
                self.assertTrue(home.xpath(f"//a[@href='{URL}']"))


class TestStrangers(PortalReportCommon):
    """Nobody sees a row, or the name of a field, that is not theirs."""

    # Rows are put here where the engine would not put them.
    broken_rules = (
        "line_count",
        "line_without_transactions",
        "tie_out",
        "transaction_of_another_buyer",
        "transaction_outside_run",
    )

    def assert_nothing_of(self, response, *secrets):
        self.assertLess(response.status_code, 500)
        content = self.get_content(response)
        self.assertEqual([secret for secret in secrets if secret in content], [])

    def get_content(self, response):
        """Return all that is written in a page or a file."""
        if not response.content.startswith(b"PK"):
            return response.text
        with zipfile.ZipFile(io.BytesIO(response.content)) as workbook:
            return " ".join(
                workbook.read(name).decode() for name in workbook.namelist()
            )

    def test_the_files_do_tell_their_reader(self):
        # Otherwise it would prove nothing that they tell others nothing.
        self.login(self.portal_user)
        for path in BUYER_ROUTES:
            with self.subTest(path=path):
                self.assertIn("ada@byron.example", self.get_content(self.get(path)))
        self.billing_user.group_ids += self.env.ref("lead_invoicing.group_lead_data")
        self.login(self.billing_user)
        for path in STAFF_ROUTES:
            with self.subTest(path=path):
                response = self.get(path, partner_id=self.buyer.id)
                self.assertIn("ada@byron.example", self.get_content(response))

    def get_others_secrets(self):
        """Return what is only in the other buyer's report."""
        return (
            self.other_sale.external_ref + "<",
            "Grace",
            "grace@navy.example",
            "77.00",
            self.other_document.name,
        )

    def test_all_of_one_buyer_see_all_of_it(self):
        branch_sale = self.new_sale(self.branch, at="2026-11-05T12:00:00Z")
        expected = [self.sale.external_ref, branch_sale.external_ref]
        for user in (self.portal_user, self.branch_user):
            self.login(user)
            with self.subTest(user=user.login):
                rows = self.rows(self.get_page())
                self.assertEqual([row["Transaction"] for row in rows], expected)

    def test_of_several_sellers(self):
        """A buyer of two companies sees both, whichever company it logs in to."""
        seller = self.setup_other_company(name="Second House")["company"]
        env = self.env(context={"allowed_company_ids": seller.ids})
        product = env["product.product"].create(
            {"name": "Solar lead", "type": "service", "taxes_id": False}
        )
        env["lead.type"].create(
            {
                "name": "Solar",
                "code": "SOLAR",
                "company_id": seller.id,
                "product_id": product.id,
            }
        )
        with freeze_time("2026-12-01"):
            (answer,) = env["lead.sale"].record_transactions(
                [
                    self.sale_vals(
                        "S1",
                        buyer_ref=self.buyer.ref,
                        lead_type="SOLAR",
                        occurred_at="2026-11-04T12:00:00Z",
                        price="31.00",
                    )
                ]
            )
        self.assertEqual(answer["status"], "created", answer)
        self.login(self.portal_user)
        page = self.get_page()
        links = page.xpath("//nav[@aria-label='Lead type']//a")
        self.assertEqual(
            [link.text_content() for link in links],
            ["All types", "Online Degree", "Solar"],
        )
        outlooks = self.text(page, "//section[@name='lead_report_outlook']/dl")
        self.assertEqual(len(outlooks), 2)
        self.assertIn("Second House", outlooks[1])
        self.assertIn("31.00", outlooks[1])
        (row,) = self.rows(html.fromstring(self.url_open(links[2].get("href")).text))
        self.assertEqual(row["Transaction"], "S1")
        # Its documents, too.
        sale = self.env["lead.sale"].browse(answer["id"])
        journal = env["account.journal"].search(
            [("type", "=", "sale"), ("company_id", "=", seller.id)], limit=1
        )
        document = env["account.move"].create(
            {
                "move_type": "out_invoice",
                "journal_id": journal.id,
                "partner_id": self.buyer.id,
                "invoice_date": "2026-11-30",
                "invoice_line_ids": [
                    Command.create(
                        {"product_id": product.id, "price_unit": 31, "tax_ids": []}
                    )
                ],
            }
        )
        # Only the engine links transactions to lines.
        sale.sudo().invoice_line_id = document.invoice_line_ids
        for state, rows in (("draft", 0), ("posted", 1)):
            if state == "posted":
                document.action_post()
            page = self.get_page(invoice_id=document.id)
            self.assertEqual(len(self.rows(page)), rows)
        # Odoo shows no page of it: the buyer's home leads to its leads.
        home = html.fromstring(self.get("/my/leads").text)
        links = home.xpath(f"//a[text()='{document.name}']/@href")
        self.assertIn(f"{URL}?invoice_id={document.id}", links)
        # Another buyer sees nothing of it, by no guess.
        self.login(self.other_portal_user)
        response = self.get(
            lead_type_id=self.env["lead.type"].search([("code", "=", "SOLAR")]).id
        )
        self.assert_nothing_of(response, "Solar", "Second House", "31.00")

    def test_who_is_not_logged_in_logs_in_first(self):
        self.authenticate(None, None)
        for path in (f"{URL}/page/2", *BUYER_ROUTES, *STAFF_ROUTES):
            response = self.get(path)
            self.assertEqual(response.status_code, 303)
            self.assertIn("/web/login", response.headers["Location"])

    def test_staff_have_no_report_of_their_own(self):
        secrets = (*self.get_others_secrets(), "Ada", self.document.name)
        for user in (
            self.billing_user,
            self.manager,
            self.plain_user,
            self.accountant,
            self.integrator,
            self.stranger,
        ):
            self.login(user)
            for params in (
                {},
                {"lead_type_id": self.edu.id},
                {"invoice_id": self.document.id},
                {"partner_id": self.buyer.id},
            ):
                for path in BUYER_ROUTES:
                    with self.subTest(user=user.login, path=path, params=params):
                        self.assert_nothing_of(self.get(path, **params), *secrets)

    def test_what_is_anothers(self):
        only_theirs = self.new_sale(
            self.other_buyer, lead_type="AUTO", lead_data={"vehicle_year": 2019}
        )
        secrets = (
            *self.get_others_secrets(),
            only_theirs.external_ref + "<",
            "Vehicle",
            "Auto Insurance",
        )
        guesses = [
            {"lead_type_id": self.auto.id},
            {"fields": "vehicle_year"},
            {"fields": "first_name,vehicle_year"},
            {"invoice_id": self.other_document.id},
            {"invoice_id": self.other_document.id, "lead_type_id": self.edu.id},
            {"partner_id": self.other_buyer.id},
            {"commercial_partner_id": self.other_buyer.id},
            {"buyer_id": self.other_buyer.id},
            {"company_id": self.company.id},
            {"access_token": self.other_document._portal_ensure_token()},
            {"uid": 1},
        ]
        for user in (self.portal_user, self.branch_user):
            self.login(user)
            for path, params in itertools.product(BUYER_ROUTES, guesses):
                with self.subTest(user=user.login, path=path, params=params):
                    self.assert_nothing_of(self.get(path, **params), *secrets)

    def test_the_routes_of_the_staff(self):
        secrets = (*self.get_others_secrets(), "Ada", self.document.name)
        buyers = (self.buyer, self.other_buyer)
        for user in (
            self.portal_user,
            self.branch_user,
            self.plain_user,
            self.accountant,
            self.integrator,
            self.stranger,
        ):
            self.login(user)
            own = user.partner_id.commercial_partner_id
            for path, buyer in itertools.product(STAFF_ROUTES, buyers):
                if buyer == own:
                    continue
                with self.subTest(user=user.login, path=path):
                    response = self.get(path, partner_id=buyer.id)
                    self.assert_nothing_of(response, *secrets)

    def test_hostile_parameters_are_answered_by_a_sentence(self):
        secrets = (*self.get_others_secrets(), "<script>alert", "<img src=x", "1337")
        self.login(self.portal_user)
        for name, value in itertools.product(PARAMETERS, HOSTILE):
            with self.subTest(name=name, value=value[:30]):
                response = self.get(**{name: value})
                self.assertEqual(response.status_code, 200)
                self.assert_nothing_of(response, *secrets)
                page = html.fromstring(response.text)
                rows = self.rows(page)
                refs = {row["Transaction"] for row in rows}
                self.assertLessEqual(refs, {self.sale.external_ref})
                self.assertNotEqual(bool(rows), bool(self.errors(page)))
                for sentence in self.errors(page):
                    self.assertRegex(sentence, r"\w.*[.]$")
                file = self.get(f"{URL}/csv", **{name: value})
                self.assertIn(file.status_code, (200, 400))
                self.assert_nothing_of(file, *secrets)

    def test_hostile_pages_in_the_path(self):
        self.login(self.portal_user)
        for value in ("-1", "0", "x", "9" * 40, "1;--", "%3Cscript%3E", "%C2%B2"):
            with self.subTest(value=value):
                self.assertTrue(self.rows(self.get_page(f"{URL}/page/{value}")))

    def test_all_that_is_wrong_is_said_and_kept_to_be_mended(self):
        self.login(self.portal_user)
        page = self.get_page(
            date_from="2026-13-01", transaction_type="x", lead_type_id="y"
        )
        self.assertEqual(len(self.errors(page)), 3)
        field = page.xpath("//input[@name='date_from']")[0]
        self.assertEqual(field.value, "2026-13-01")
        self.assertEqual(field.get("aria-invalid"), "true")
        self.assertEqual(field.get("aria-describedby"), "lead_report_error")
        self.assertEqual(page.xpath("//input[@name='date_to']")[0].value, "2026-11-30")
        # Nothing is shown that was not asked for.
        self.assertFalse(self.rows(page))
        self.assertFalse(page.xpath("//a[@name='lead_report_csv']"))

    def test_a_document_shows_a_buyer_its_own_rows_only(self):
        """What decides is the row's own buyer, not whom a document is addressed to."""
        # Somehow the other buyer's lead got onto this document.
        self.other_sale.sudo().invoice_line_id = self.document.invoice_line_ids
        self.env.flush_all()
        self.login(self.portal_user)
        for path in BUYER_ROUTES:
            with self.subTest(path=path):
                response = self.get(path, invoice_id=self.document.id)
                content = self.get_content(response)
                self.assertIn("ada@byron.example", content)
                self.assertNotIn("grace@navy.example", content)
                self.assertNotIn("77.00", content)
        # Staff see what is wrong with it.
        self.login(self.billing_user)
        for path in STAFF_ROUTES[:1]:
            response = self.get(
                path, partner_id=self.buyer.id, invoice_id=self.document.id
            )
            self.assertIn("77.00", self.get_content(response))
