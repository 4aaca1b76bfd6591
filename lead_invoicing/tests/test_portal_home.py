"""The buyer's home in the portal: each figure is what it leads to, for that buyer."""

import re
from urllib.parse import parse_qs, urlsplit

from freezegun import freeze_time
from lxml import html

from odoo import Command

from .common.generation import GENERATION, WEEK
from .common.portal import PortalReportCommon
from .common.prepaid import PrepaidCommon

HOME = "/my/leads"
INVOICES = f"{HOME}/invoices"
NOW = "2026-11-20 12:00"


class PortalHomeCommon(PortalReportCommon):
    def open(self, path=HOME):
        """Open a page as of NOW; return it as parsed HTML."""
        with freeze_time(NOW), self.assertNoLogs("odoo.http", "WARNING"):
            response = self.url_open(path)
        self.assertEqual(response.status_code, 200)
        return html.fromstring(response.text)

    def amount(self, text):
        """Return the amount in a text, without its currency."""
        text = re.sub("[^0-9.-]", "", text.replace("\N{MINUS SIGN}", "-"))
        return float(text)

    def linked(self, page, name):
        """Return the amount of a link, and the page that it leads to."""
        (link,) = page.xpath(f"//a[@name='{name}']")
        return self.amount(link.text_content()), self.open(link.get("href"))

    def documents(self, page):
        """Return the cells of the list of documents, row by row."""
        table = "//table[@name='lead_documents']"
        head = self.text(page, f"{table}/thead//th")
        return [
            dict(
                zip(
                    head,
                    (" ".join(c.text_content().split()) for c in row.xpath("td")),
                    strict=True,
                )
            )
            for row in page.xpath(f"{table}/tbody/tr")
        ]

    def total(self, page, label):
        """Return (number, amount) of a total of the report."""
        (text,) = self.text(
            page, f"//section[@name='lead_report_totals']//div[dt='{label}']/dd"
        )
        count, amount = text.split(maxsplit=1)
        return int(count.replace(",", "")), self.amount(amount)


class TestFigures(PortalHomeCommon):
    def sell_and_bill(self):
        """Bill a second week, in dollars and euros; leave some of a third one."""
        self.env.ref("base.EUR").active = True
        self.new_sale(price="8.00", at="2026-11-10T12:00:00Z")
        self.new_sale(price="5.00", at="2026-11-11T12:00:00Z", currency="EUR")
        moves = self.generate(GENERATION + WEEK)
        self.new_sale(price="3.00", at="2026-11-17T12:00:00Z")
        self.new_sale(price="2.50", at="2026-11-18T12:00:00Z", lead_type="AUTO")
        back = self.new_sale(price="1.00", at="2026-11-18T13:00:00Z", lead_type="AUTO")
        self.new_return(back, at="2026-11-19T12:00:00Z")
        self.new_sale(price="9.00", at="2026-11-18T12:00:00Z")._waive("Goodwill")
        return moves.sorted("id")

    def test_what_is_open_and_overdue_is_the_sum_of_what_it_leads_to(self):
        moves = self.sell_and_bill()
        dollars = moves.filtered(lambda move: move.currency_id.name == "USD")
        # Two are due before today, the third one is not.
        dollars.invoice_date_due = "2026-12-31"
        self.login(self.portal_user)
        page = self.open()
        for name, names in (
            ("open_USD", {self.document.name, dollars.name}),
            ("overdue_USD", {self.document.name}),
            ("open_EUR", set((moves - dollars).mapped("name"))),
            ("overdue_EUR", set((moves - dollars).mapped("name"))),
        ):
            with self.subTest(figure=name):
                figure, listed = self.linked(page, f"lead_home_{name}")
                rows = self.documents(listed)
                self.assertEqual({row["Number"].split()[0] for row in rows}, names)
                self.assertAlmostEqual(
                    figure, sum(self.amount(row["Amount due"]) for row in rows)
                )

    def test_what_is_owed_to_each_company_leads_to_its_documents(self):
        company = self._create_company(name="Second Seller")
        product = self.env["product.product"].create({"name": "Solar lead"})
        self.env["lead.type"].create(
            {
                "name": "Solar",
                "code": "SOLAR",
                "company_id": company.id,
                "product_id": product.id,
            }
        )
        invoice = self.env["account.move"].with_company(company)
        invoice = invoice.create(
            {
                "move_type": "out_invoice",
                "partner_id": self.buyer.id,
                "invoice_date": "2026-11-12",
                "invoice_date_due": "2026-12-12",
                "invoice_line_ids": [
                    Command.create({"name": "Fee", "price_unit": 7, "tax_ids": []})
                ],
            }
        )
        invoice.action_post()
        self.login(self.portal_user)
        figures = {}
        for link in self.open().xpath("//a[@name='lead_home_open_USD']"):
            listed = self.open(link.get("href"))
            amounts = [self.amount(row["Amount due"]) for row in self.documents(listed)]
            figures[self.amount(link.text_content())] = amounts
        self.assertEqual(figures, {12.5: [12.5], 7.0: [7.0]})

    def test_credits_and_payments_that_are_on_no_invoice(self):
        credit = self.env["account.move"].create(
            {
                "move_type": "out_refund",
                "partner_id": self.buyer.id,
                "invoice_date": "2026-11-12",
                "invoice_line_ids": [
                    Command.create({"name": "Goodwill", "price_unit": 4, "tax_ids": []})
                ],
            }
        )
        credit.action_post()
        self.login(self.portal_user)
        page = self.open()
        figure, listed = self.linked(page, "lead_home_credit_USD")
        self.assertEqual(figure, -4)
        (row,) = self.documents(listed)
        self.assertEqual(self.amount(row["Amount due"]), -4)
        self.assertIn("Open credit", row["Status"])
        # All that is open is on documents.
        self.assertFalse(page.xpath("//a[@name='lead_home_unapplied_USD']"))

    def test_what_is_not_invoiced_yet_is_what_the_report_has(self):
        self.sell_and_bill()
        self.login(self.portal_user)
        page = self.open()
        rows = page.xpath("//table[@name='lead_home_waiting']/tbody/tr")
        self.assertEqual(len(rows), 3)
        for row in rows:
            name, count, amount = (cell.text_content().strip() for cell in row)
            with self.subTest(lead_type=name):
                report = self.open(row.xpath(".//a/@href")[0])
                purchased, _amount = self.total(report, "Purchased")
                _net, net_amount = self.total(report, "Net")
                self.assertEqual(int(count), purchased)
                self.assertAlmostEqual(self.amount(amount), net_amount)
        head = "//table[@name='lead_home_waiting']/thead//th"
        self.assertEqual(self.text(page, head)[2], "Amount before tax")
        (following,) = self.text(page, "//dl[@name='lead_home_next']")
        self.assertIn("Mon, Nov 23, 2026 at 6:00 AM ET", following)

    def test_what_includes_tax_is_not_said_to_be_before_it(self):
        self.sell_and_bill()
        self.edu_product.taxes_id = self.env["account.tax"].create(
            {"name": "In", "amount": 25, "price_include_override": "tax_included"}
        )
        self.login(self.portal_user)
        head = "//table[@name='lead_home_waiting']/thead//th"
        self.assertEqual(self.text(self.open(), head)[2], "Amount")

    def test_the_picture_is_a_table_too_and_each_number_what_the_report_has(self):
        self.sell_and_bill()
        self.new_sale(price="7.00", at="2026-01-31T23:30:00Z", lead_type="AUTO")
        # In New York, it was still in January.
        self.new_sale(price="7.00", at="2026-02-01T04:30:00Z", lead_type="AUTO")
        # Before the first of the twelve months there.
        self.new_sale(price="7.00", at="2025-12-01T04:30:00Z")
        self.login(self.portal_user)
        page = self.open()
        table = "//details[@name='lead_home_months_table']//table"
        rows = page.xpath(f"{table}/tbody/tr")
        self.assertEqual(len(rows), 12)
        self.assertEqual(self.text(page, f"{table}/tbody/tr[11]/th"), ["January 2026"])
        links = page.xpath(f"{table}/tbody//td/a")
        self.assertEqual(sorted(int(link.text_content()) for link in links), [2, 2, 4])
        for link in links:
            with self.subTest(link=link.get("href")):
                report = self.open(link.get("href"))
                purchased = self.text(
                    report,
                    "//section[@name='lead_report_totals']//div[dt='Purchased']/dd",
                )
                counts = [int(text.split()[0]) for text in purchased]
                self.assertEqual(sum(counts), int(link.text_content()))
        # The whole month, of all types.
        month = rows[10]
        report = self.open(month.xpath("th/a/@href")[0])
        self.assertEqual(self.total(report, "Net"), (2, 14.0))
        cells = [" ".join(cell.text_content().split()) for cell in month.xpath("td")]
        self.assertEqual(cells[2], "2")
        self.assertIn(14.0, [self.amount(cell) for cell in cells[3:]])
        # A bar has as many parts as the month has types.
        bars = page.xpath("//div[contains(@class, 'o_lead_month')]/*[name()='svg']")
        self.assertEqual([len(bar) for bar in bars], [0, 1, *[0] * 9, 2])

    def test_the_last_invoices(self):
        self.sell_and_bill()
        self.login(self.portal_user)
        *_rest, row = self.documents(self.open())
        self.assertEqual(row["Number"], f"{self.document.name} Invoice")
        self.assertEqual(row["Billing period"], "Nov 2, 2026 – Nov 8, 2026")
        self.assertEqual(row["Leads"], "1")
        self.assertEqual(self.amount(row["Total"]), 12.5)
        self.assertEqual(self.amount(row["Paid or credited"]), 0)
        self.assertEqual(row["Status"], "Overdue")
        link = f"//a[text()='{self.document.name}']/@href"
        self.assertEqual(self.open().xpath(link), [f"/my/invoices/{self.document.id}"])

    def test_states_of_documents(self):
        home = self.env["lead.buyer.home"].with_user(self.portal_user)._open(self.buyer)
        state = home.get_document_state
        move = self.document.with_env(home.documents.env)
        with freeze_time("2026-11-01 12:00"):
            self.assertEqual(state(move), ("open", "Open"))
        with freeze_time(NOW):
            self.assertEqual(state(move), ("overdue", "Overdue"))
        dispute = self.env["lead.dispute"].create(
            {
                "move_id": self.document.id,
                "scope": "amount",
                "amount": 2.5,
                "reason": "Wrong",
            }
        )
        with freeze_time(NOW):
            self.assertEqual(state(move), ("open", "In dispute"))
            (owed,) = home.get_owed()
        self.assertEqual((owed.open, owed.disputed), (12.5, 2.5))
        # What is not to be paid now is not overdue.
        self.assertEqual((owed.overdue, owed.overdue_count), (10, 1))
        self.login(self.portal_user)
        page = self.open()
        (link,) = page.xpath("//ul[@name='lead_home_disputes']//a/@href")
        self.assertEqual(link, f"/my/invoices/{self.document.id}#lead_disputes")
        dispute.answer = "No"
        dispute.action_reject()
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=self.document.ids
        ).create({})._create_payments()
        self.assertIn(state(move)[1], ("Paid", "Payment in process"))

    def test_nothing_yet(self):
        self.login(self.new_portal_user(self.new_buyer("Buyer C")))
        page = self.open()
        self.assertTrue(page.xpath("//p[@name='lead_home_nothing_owed']"))
        self.assertTrue(page.xpath("//p[@name='lead_home_nothing_waits']"))
        self.assertFalse(page.xpath("//section[@name='lead_home_months']"))
        self.assertTrue(self.open(INVOICES).xpath("//p[@name='lead_invoices_none']"))

    def test_it_is_the_first_card_and_the_first_step_back(self):
        self.login(self.portal_user)
        page = self.open("/my")
        cards = page.xpath("//div[@id='portal_client_category']//a/@href")
        self.assertEqual(cards[0], HOME)
        for path in ("/my/invoicing-report", "/my/lead-statement", INVOICES):
            page = self.open(path)
            steps = page.xpath("//ol[contains(@class, 'o_portal_submenu')]//a/@href")
            self.assertEqual(steps[:2], ["/my/home", HOME])
            self.assertEqual(page.get("lang"), "en-US")

    def test_addresses_that_nobody_would_write(self):
        self.login(self.portal_user)
        for query in (
            "status=x&currency=%00",
            "status=open&status=paid",
            "currency=usd",
            "currency=XYZ",
            "company=0",
            "company=x%00",
            f"company={self.company.id}&company=1",
            "page=9",
        ):
            self.open(f"{INVOICES}?{query}")
        for page in ("0", "-1", "99999999999", "x"):
            self.open(f"{INVOICES}/page/{page}")


class TestPrepaidHome(PrepaidCommon, PortalHomeCommon):
    def test_balance_and_deposits_lead_to_the_statement(self):
        self.deposit(100)
        self.login(self.portal_user)
        page = self.open()
        (balance,) = self.text(page, "//section[@name='lead_home_balance']")
        self.assertIn("87.50", balance)
        (row,) = page.xpath("//table[@name='lead_home_deposits']/tbody/tr")
        day, _name, amount = (cell.text_content().strip() for cell in row)
        self.assertEqual((day, self.amount(amount)), ("11/01/2026", 100))
        (link,) = row.xpath(".//a/@href")
        self.assertEqual(parse_qs(urlsplit(link).query)["date_from"], ["2026-11-01"])
        statement = self.open(link)
        self.assertIn("100.00", statement.text_content())
        self.assertTrue(page.xpath("//a[@name='lead_home_top_up']"))

    def test_the_page_of_an_invoice_leads_back(self):
        self.login(self.portal_user)
        page = self.open(f"/my/invoices/{self.document.id}")
        self.assertTrue(
            page.xpath(
                "//ol[contains(@class, 'o_portal_submenu')]//a[@href='/my/leads']"
            )
        )

    def test_a_receipt_is_called_so(self):
        self.deposit(100)
        self.new_sale(at="2026-11-11T12:00:00Z")
        receipt = self.generate(GENERATION + WEEK)
        self.login(self.portal_user)
        row, _before = self.documents(self.open())
        self.assertEqual(row["Number"], f"{receipt.name} Receipt")
        self.assertEqual(row["Status"], "Paid from balance")
        self.assertEqual(row["Paid or credited"], row["Total"])
        owed = "//p[@name='lead_home_nothing_owed']"
        self.assertTrue(self.open().xpath(owed))
        text = self.url_open(f"/my/invoices/{receipt.id}?report_type=html").text
        self.assertIn("Receipt", text)
        self.assertNotIn("Proforma", text)


class TestStrangersAtHome(PortalHomeCommon):
    def get_page_of(self, path):
        with freeze_time(NOW), self.assertNoLogs("odoo.http", "WARNING"):
            return self.url_open(path, allow_redirects=False)

    def test_a_buyer_sees_its_own(self):
        self.new_sale(self.other_buyer, price="66.60", at="2026-11-18T12:00:00Z")
        for user, own, others in (
            (self.portal_user, self.document, self.other_document),
            (self.branch_user, self.document, self.other_document),
            (self.other_portal_user, self.other_document, self.document),
        ):
            self.login(user)
            for path in (HOME, INVOICES, f"{INVOICES}?partner_id={self.buyer.id}"):
                with self.subTest(user=user.login, path=path):
                    response = self.get_page_of(path)
                    self.assertEqual(response.status_code, 200)
                    self.assertEqual(
                        response.headers["Cache-Control"], "no-store, private"
                    )
                    self.assertIn(own.name, response.text)
                    self.assertNotIn(others.name + "<", response.text)
                    if user != self.other_portal_user:
                        self.assertNotIn("66.60", response.text)
                        self.assertNotIn("77.00", response.text)

    def test_who_is_no_buyer_has_no_home(self):
        for user in (
            self.billing_user,
            self.manager,
            self.plain_user,
            self.accountant,
            self.integrator,
            self.stranger,
        ):
            self.login(user)
            for path in (HOME, INVOICES):
                with self.subTest(user=user.login, path=path):
                    self.assertEqual(self.get_page_of(path).status_code, 404)
        self.authenticate(None, None)
        for path in (HOME, INVOICES):
            response = self.get_page_of(path)
            self.assertEqual(response.status_code, 303)
            self.assertIn("/web/login", response.headers["Location"])

    def test_who_may_open_it_in_process(self):
        homes = self.env["lead.buyer.home"]
        for user in (self.other_portal_user, self.plain_user, self.accountant):
            with self.subTest(user=user.login):
                self.assert_refused(homes.with_user(user)._open, self.buyer)
        # Even where a controller lends a portal user more rights.
        lent = homes.with_user(self.other_portal_user).sudo()
        self.assert_refused(lent._open, self.buyer)

    def count_queries(self):
        homes = self.env["lead.buyer.home"].with_user(self.portal_user)
        for _number in range(2):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            home = homes._open(self.buyer.with_env(homes.env))
            home.get_owed()
            home.get_waiting()
            home.get_bars()
            home.get_legend()
            for move in home.get_documents(6):
                home.get_document_state(move)
                move._get_lead_purchased_count()
                move._get_lead_window_label()
            count = self.env.cr.sql_log_count - before
        return count, home

    def test_as_many_queries_for_much_as_for_little(self):
        self.new_sale(at="2026-11-10T12:00:00Z")
        self.new_sale(lead_type="AUTO", at="2026-11-10T12:00:00Z")
        self.generate(GENERATION + WEEK)
        self.new_sale(at="2026-11-17T12:00:00Z")
        few, _home = self.count_queries()
        for week in range(2, 6):
            for _number in range(5):
                for lead_type in ("EDU", "AUTO"):
                    at = (GENERATION + week * WEEK).strftime("%Y-%m-%dT%H:%M:%SZ")
                    self.new_sale(lead_type=lead_type, at=at)
            self.generate(GENERATION + (week + 1) * WEEK)
        many, home = self.count_queries()
        self.assertGreaterEqual(len(home.get_documents(9)), 6)
        self.assertLessEqual(many, few)
