import shutil
import unicodedata
import unittest
from datetime import datetime

from freezegun import freeze_time
from lxml import html

from odoo import Command
from odoo.tests import HttpCase, tagged

from .common.charges import ChargesCommon
from .common.paper import PaperMixin
from .common.prepaid import PrepaidCommon

HEADS = ["Description", "Leads", "Price", "Amount"]
HEBREW = "ביטוח רכב"
ARABIC = "تأمين السيارات"
CHINESE = "汽车保险"
JAPANESE = "自動車ほけんカバー"
KOREAN = "자동차보험"
LONG = "Continuing Professional Education and Certificates " * 2


@tagged("post_install", "-at_install")
class TestPaper(PaperMixin, ChargesCommon):
    """The one table of a document: type, leads, price, amount."""

    def test_one_table_of_type_leads_price_and_amount(self):
        for _number in range(3):
            self.new_sale(price="12.00")
        self.new_sale(price="20.00", lead_type="AUTO")
        invoice = self.generate()
        self.assertEqual(
            self.read_table(invoice),
            [
                HEADS,
                ["Auto Insurance", "1", "20.00", "$ 20.00"],
                ["Online Degree", "3", "12.00", "$ 36.00"],
            ],
        )
        page = self.read_page(invoice)
        tables = page.xpath("//table[.//td[contains(., 'Online Degree')]]")
        self.assertEqual(len(tables), 1)
        self.assertNotIn("Leads purchased", self.read_text(page))
        self.assertIn("Leads sold: Nov 2, 2026 – Nov 8, 2026", self.read_text(page))

    def test_prices_and_returns_of_a_type_are_summed_below(self):
        sale = self.new_sale(price="12.00")
        self.new_sale(price="12.00")
        self.new_sale(price="15.00")
        self.new_return(sale)
        self.assertEqual(
            self.read_table(self.generate()),
            [
                HEADS,
                ["Online Degree", "1", "15.00", "$ 15.00"],
                ["Online Degree", "2", "12.00", "$ 24.00"],
                ["Online Degree – Leads returned", "-1", "12.00", "$ -12.00"],
                ["Online Degree (3 purchased, 1 returned)", "2", "", "$ 27.00"],
            ],
        )

    def test_the_rows_add_up_to_the_total(self):
        tax = self.company_data["default_tax_sale"]
        self.edu_product.taxes_id = [Command.set(tax.ids)]
        for price in ("12.00", "15.00"):
            self.new_return(self.new_sale(price=price), price="3.00")
        invoice = self.generate()
        rows = self.read_table(invoice)
        amounts = [float(row[-1].removeprefix("$ ")) for row in rows[1:]]
        self.assertEqual(sum(amounts[:-1]), amounts[-1])
        self.assertEqual(amounts[-1], invoice.amount_untaxed)

    def test_many_prices_are_one_row_with_the_number_of_leads(self):
        for cents in range(12):
            self.new_sale(price=f"10.{cents:02}")
        self.assertEqual(
            self.read_table(self.generate()),
            [HEADS, ["Online Degree", "12", "various", "$ 120.66"]],
        )

    def test_late_leads_say_when_they_were_sold(self):
        self.new_sale(at="2026-10-28T12:00:00Z")
        self.new_sale(at="2026-10-29T12:00:00Z")
        self.assertEqual(
            self.read_table(self.generate())[1],
            [
                "Online Degree, earlier (10/28/2026 – 10/29/2026)",
                "2",
                "10.00",
                "$ 20.00",
            ],
        )

    def test_price_adjustments_are_money_and_no_leads(self):
        for _number in range(2):
            self.new_return(self.new_sale(), price="4.00")
        self.assertEqual(
            self.read_table(self.generate())[1:],
            [
                ["Online Degree", "2", "10.00", "$ 20.00"],
                ["Online Degree – Price adjustments: 2", "", "4.00", "$ -8.00"],
                ["Online Degree (2 purchased)", "2", "", "$ 12.00"],
            ],
        )

    def test_a_price_correction_is_one_row(self):
        sale = self.new_sale()
        self.new_sale(
            type="correction", origin_external_ref=sale.external_ref, price="8.00"
        )
        self.assertEqual(
            self.read_table(self.generate())[1:],
            [
                ["Online Degree", "1", "10.00", "$ 10.00"],
                [
                    "Online Degree – Price corrected from $ 10.00 to $ 8.00",
                    "",
                    "",
                    "$ -2.00",
                ],
                ["Online Degree (1 purchased)", "1", "", "$ 8.00"],
            ],
        )

    def test_sub_accounts_have_their_subtotals(self):
        for name in ("East", "West"):
            contact = {"name": name, "ref": name, "parent_id": self.buyer.id}
            partner = self.env["res.partner"].create(contact)
            self.new_sale(partner)
        self.new_return(self.new_sale(partner))
        rows = self.read_table(self.generate())
        self.assertEqual(
            rows[-3:],
            [
                ["Online Degree (3 purchased, 1 returned)", "2", "", "$ 20.00"],
                ["East (1 purchased)", "1", "", "$ 10.00"],
                ["West (2 purchased, 1 returned)", "1", "", "$ 10.00"],
            ],
        )

    def test_sub_accounts_that_do_not_add_up_have_no_amounts(self):
        contact = {"name": "East", "ref": "East", "parent_id": self.buyer.id}
        self.new_sale(self.env["res.partner"].create(contact))
        self.cycle.posting = "draft"
        invoice = self.generate()
        invoice.invoice_line_ids.discount = 10
        rows = self.read_table(invoice)
        self.assertEqual(rows[0], [*HEADS[:3], "Disc.%", HEADS[3]])
        self.assertEqual(
            rows[1:],
            [
                ["Online Degree", "1", "10.00", "10.00", "$ 9.00"],
                ["East (1 purchased)", "1", "", "", ""],
            ],
        )

    def test_charges_and_fees_are_told_without_a_number(self):
        self.agree("fee", name="Platform fee", amount=25)
        self.cycle.posting = "draft"
        self.new_sale()
        invoice = self.generate()
        extra = {"name": "Rush", "quantity": 1, "price_unit": 5, "tax_ids": False}
        invoice.invoice_line_ids = [Command.create(extra)]
        self.assertEqual(
            self.read_table(invoice),
            [
                HEADS,
                ["Online Degree", "1", "10.00", "$ 10.00"],
                ["Platform fee (Nov 2, 2026 – Nov 8, 2026)", "", "", "$ 25.00"],
                ["Rush", "", "", "$ 5.00"],
            ],
        )
        invoice.invoice_line_ids[-1].quantity = 2
        rows = self.read_table(invoice)
        self.assertEqual(rows[0][1], "Quantity")
        self.assertEqual(rows[-1], ["Rush", "2", "5.00", "$ 10.00"])

    def test_what_somebody_wrote_is_printed(self):
        self.cycle.posting = "draft"
        self.new_sale()
        invoice = self.generate()
        invoice.invoice_line_ids.name = "Degrees, as agreed"
        self.assertEqual(self.read_table(invoice)[1][0], "Degrees, as agreed")

    def test_it_is_in_the_language_of_the_buyer(self):
        self.env["res.lang"]._activate_lang("de_DE")
        self.env["ir.module.module"]._load_module_terms(["lead_invoicing"], ["de_DE"])
        self.buyer.lang = "de_DE"
        for cents in range(12):
            self.new_sale(price=f"10.{cents:02}")
        invoice = self.generate()
        self.assertNotEqual(invoice.invoice_line_ids.name, "Online Degree")
        self.assertEqual(self.read_table(invoice)[1][:2], ["Online Degree", "12"])

    def test_no_code_is_printed_for_payment(self):
        self.new_sale()
        page = self.read_page(self.generate())
        self.assertFalse(page.xpath("//*[@id='qrcode' or @id='payment_link_qrcode']"))

    def test_other_documents_stay_as_odoo_prints_them(self):
        invoice = self.init_invoice("out_invoice", amounts=[100, 3], post=True)
        page = self.read_page(invoice)
        self.assertFalse(page.xpath("//*[starts-with(@name, 'lead_')]"))
        text = self.read_text(page)
        for expected in ("Unit Price", "Quantity 1.00", "Payment Communication"):
            self.assertIn(expected.split()[0], text)
        self.assertEqual(self.read_table(invoice)[1][1], "1.00")
        self.assertNotIn("How to Pay", text)
        self.assertEqual(invoice._get_lead_table(), {})


@tagged("post_install", "-at_install")
class TestPaperMoney(PaperMixin, ChargesCommon, PrepaidCommon):
    """Invoice, receipt and credit note say what they are, what they do, and how to
    pay."""

    def setUp(self):
        super().setUp()
        self.company.lead_return_policy = "credit_note"

    def totals(self, document):
        """Return the rows of totals, as texts."""
        rows = self.read_page(document).xpath("//div[@id='total']//tr")
        return [self.read_text(row) for row in rows]

    def title(self, document):
        return self.read_text(self.read_page(document).xpath("//h2")[0])

    def test_a_receipt_names_the_deposit_that_paid_it(self):
        payment = self.deposit(1000)
        payment.move_id.button_draft()
        payment.date = "2026-05-13"
        payment.action_post()
        self.new_sale()
        receipt = self.generate()
        self.assertTrue(receipt.lead_is_receipt)
        self.assertEqual(
            self.totals(receipt),
            [
                "Total $ 10.00",
                "From deposit of 05/13/2026 $ 10.00",
                "Amount Due $ 0.00",
            ],
        )
        self.assertEqual(self.title(receipt), f"Receipt {receipt.name}")
        text = self.read_text(self.read_page(receipt))
        for absent in ("Paid on", "How to Pay", "Due Date", "Payment terms"):
            self.assertNotIn(absent, text)
        self.assertEqual(receipt.type_name, "Receipt")

    def test_an_open_invoice_says_how_to_pay(self):
        self.buyer.lead_billing_mode = "credit"
        bank = self.env["res.partner.bank"].create(
            {
                "acc_number": "12-3456-789",
                "partner_id": self.company.partner_id.id,
                "bank_id": self.env["res.bank"].create({"name": "First Bank"}).id,
                "allow_out_payment": True,
            }
        )
        self.new_sale()
        invoice = self.generate()
        self.assertEqual(invoice.partner_bank_id, bank)
        text = self.read_text(self.read_page(invoice))
        self.assertNotIn("ask us for our bank account", text)
        (box,) = self.read_page(invoice).xpath("//div[@name='lead_how_to_pay']")
        self.assertEqual(
            self.read_text(box),
            f"How to Pay Due date {invoice.invoice_date_due:%m/%d/%Y}"
            " Bank account 12-3456-789, First Bank"
            f" Payment reference {invoice.payment_reference}",
        )

    def test_without_an_account_it_says_to_ask_for_it(self):
        self.buyer.lead_billing_mode = "credit"
        self.new_sale()
        invoice = self.generate()
        self.assertFalse(invoice.partner_bank_id)
        text = self.read_text(self.read_page(invoice))
        self.assertIn("Please ask us for our bank account", text)

    def test_a_reversal_says_leads_and_period_as_its_invoice_does(self):
        self.buyer.lead_billing_mode = "credit"
        self.new_sale()
        invoice = self.generate()
        reversal = invoice._reverse_moves([{}])
        reversal.action_post()
        page = self.read_page(reversal)
        self.assertIn("Billing period: Nov 2, 2026", self.read_text(page))
        self.assertTrue(page.xpath("//span[@name='lead_heading']"))
        # What is no lead is counted as what it is.
        other = invoice.copy({"lead_run_id": False})
        self.assertFalse(other._get_lead_printed_window())

    def test_what_is_paid_says_nothing_of_paying(self):
        self.buyer.lead_billing_mode = "credit"
        self.buyer.property_payment_term_id = self.env.ref(
            "account.account_payment_term_30days"
        )
        self.new_sale()
        invoice = self.generate()
        text = self.read_text(self.read_page(invoice))
        self.assertIn("Payment terms", text)
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids
        ).create({})._create_payments()
        text = self.read_text(self.read_page(invoice))
        for absent in ("How to Pay", "Payment terms", "Payment Communication"):
            self.assertNotIn(absent, text)
        # It was paid for itself, afterwards.
        self.assertIn("Paid on", " ".join(self.totals(invoice)))

    def test_a_credit_note_says_what_it_was_deducted_from(self):
        self.buyer.lead_billing_mode = "credit"
        self.buyer.property_payment_term_id = self.env.ref(
            "account.account_payment_term_30days"
        )
        sale = self.new_sale()
        invoice = self.generate()
        self.return_later(sale)
        credit_note = self.generate(self.SECOND)
        self.assertEqual(credit_note.move_type, "out_refund")
        text = self.read_text(self.read_page(credit_note))
        self.assertIn(f"$ 10.00 was deducted from invoice {invoice.name}.", text)
        self.assertIn("Billing period: Nov 9, 2026 – Nov 15, 2026", text)
        for absent in ("Payment terms", "How to Pay", "Paid on", "Reversed on"):
            self.assertNotIn(absent, text)
        self.assertIn(f"Applied to {invoice.name} $ 10.00", self.totals(credit_note))
        self.assertIn(f"Credit note {credit_note.name} $ 10.00", self.totals(invoice))
        self.assertEqual(
            self.read_table(credit_note)[1],
            [
                f"Online Degree – Leads returned, from invoice {invoice.name}",
                "1",
                "10.00",
                "$ 10.00",
            ],
        )

    def test_what_is_left_of_a_credit_note_goes_where_it_says(
        self,
    ):
        for mode, expected in (
            ("prepaid", "$ 10.00 was added to your balance."),
            ("credit", "$ 10.00 will be deducted from your next invoice."),
        ):
            with self.subTest(mode):
                buyer = self.new_buyer(f"Buyer {mode}", lead_billing_mode=mode)
                sale = self.new_sale(buyer)
                if mode == "prepaid":
                    self.deposit(10, buyer)
                self.cycle.next_generation_at = datetime(2026, 11, 9, 11)
                invoice = self.generate()
                if mode == "credit":
                    self.env["account.payment.register"].with_context(
                        active_model="account.move", active_ids=invoice.ids
                    ).create({})._create_payments()
                self.return_later(sale)
                credit_note = self.generate(self.SECOND)
                self.assertEqual(
                    credit_note._get_lead_effect().replace("\xa0", " "), expected
                )

    def test_a_reversal_by_hand_is_told_the_same_way(self):
        self.buyer.lead_billing_mode = "credit"
        self.new_sale()
        invoice = self.generate()
        with freeze_time(self.SECOND):
            credit_note = self.reverse(invoice)
            credit_note.action_post()
        text = self.read_text(self.read_page(credit_note))
        self.assertIn(f"$ 10.00 was deducted from invoice {invoice.name}.", text)
        self.assertEqual(self.read_table(credit_note)[1][1:], ["1", "10.00", "$ 10.00"])

    def test_the_email_of_each_kind_has_a_box(self):
        self.tax()
        self.deposit(5)
        self.new_sale()
        invoice = self.generate()
        template = self.env.ref("lead_invoicing.mail_template_lead_invoice")
        template.reset_template()
        body = self.read_mail(template, invoice)
        self.assertIn(
            "Before tax $ 10.00 Tax $ 1.50 Total $ 11.50 Already applied $ -5.00"
            " Amount due $ 6.50 How to Pay Due date",
            body,
        )
        self.assertIn(f"Payment reference {invoice.payment_reference}", body)

    def test_the_email_of_a_receipt_asks_for_nothing(self):
        self.deposit(50)
        self.new_sale()
        receipt = self.generate()
        template = self.env.ref("lead_invoicing.mail_template_lead_receipt")
        template.reset_template()
        body = self.read_mail(template, receipt)
        self.assertIn("Total $ 10.00 Paid from your balance $ -10.00", body)
        self.assertNotIn("How to Pay", body)

    def test_the_email_of_a_credit_note_says_what_it_does(self):
        self.buyer.lead_billing_mode = "credit"
        sale = self.new_sale()
        invoice = self.generate()
        self.return_later(sale)
        credit_note = self.generate(self.SECOND)
        template = self.env.ref("lead_invoicing.mail_template_lead_invoice")
        template.reset_template()
        body = self.read_mail(template, credit_note)
        self.assertIn(f"$ 10.00 was deducted from invoice {invoice.name}.", body)
        self.assertNotIn("How to Pay", body)

    def read_mail(self, template, document):
        """Return the text of the body of a document's email."""
        body = template._render_field("body_html", document.ids)[document.id]
        return self.read_text(html.fromstring(str(body)))


@unittest.skipUnless(shutil.which("pdftotext"), "poppler-utils is not here.")
@tagged("post_install", "-at_install")
class TestPaperPdf(PaperMixin, ChargesCommon, PrepaidCommon, HttpCase):
    """The PDF as the buyer opens it, made by the real wkhtmltopdf."""

    FORMATS = ("base.paperformat_us", "base.paperformat_euro")

    def setUp(self):
        super().setUp()
        self.buyer.write({"street": "1 Main Street", "city": "Springfield"})

    def print_both(self, document):
        """Return the pages of a document on each paper format: US Letter and A4."""
        printed = []
        for name in self.FORMATS:
            self.company.paperformat_id = self.env.ref(name)
            file = f"{self._testMethodName}_{name.split('_')[-1]}"
            printed.append(self.read_pages(self.print_pdf(document, file)))
        return printed

    def test_an_invoice_with_statement_and_how_to_pay_is_one_page(self):
        self.tax()
        self.company.lead_list_payments = True
        self.deposit(20)
        sale = self.new_sale(price="12.00")
        for price in ("12.00", "14.00", "20.00"):
            self.new_sale(price=price)
        self.new_return(sale)
        invoice = self.generate()
        self.assertTrue(invoice.lead_statement_id)
        for pages in self.print_both(invoice):
            self.assertEqual(len(pages), 1)
            for text in ("Closing balance", "How to Pay", "View online"):
                self.assertIn(text, pages[0])

    def test_a_long_invoice_repeats_the_heads_of_its_table(self):
        types = self.env["lead.type"].create(
            [
                {
                    "name": f"Lead Type {number:02}",
                    "code": f"T{number}",
                    "product_id": self.edu_product.id,
                }
                for number in range(20)
            ]
        )
        for lead_type in types:
            for price in ("10.00", "11.00", "12.00"):
                self.new_sale(price=price, lead_type=lead_type.code)
        invoice = self.generate()
        for pages in self.print_both(invoice):
            self.assertGreater(len(pages), 1)
            rows = [line for page in pages for line in page.splitlines()]
            for lead_type in types:
                # No row is lost or torn at the end of a page.
                self.assertEqual(rows.count(f"{lead_type.name} 1 10.00 $ 10.00"), 1)
                self.assertIn(f"{lead_type.name} (3 purchased) 3 $ 33.00", rows)
            for page in pages:
                if "Lead Type" in page:
                    self.assertIn("Description Leads Price Amount", page)

    def test_names_of_every_script_print(self):
        names = (HEBREW, ARABIC, CHINESE, JAPANESE, KOREAN, LONG.strip())
        for number, name in enumerate(names):
            self.env["lead.type"].create(
                {
                    "name": name,
                    "code": f"N{number}",
                    "product_id": self.edu_product.id,
                }
            )
            contact = {"name": name, "ref": name, "parent_id": self.buyer.id}
            partner = self.env["res.partner"].create(contact)
            self.new_sale(partner, lead_type=f"N{number}")
        self.buyer.name = f"{CHINESE} {HEBREW}"
        invoice = self.generate()
        content = self.print_pdf(invoice)
        # Letters as they are joined on paper are letters, too.
        text = unicodedata.normalize("NFKC", "".join(self.read_pages(content)))
        plain = "".join(letter for letter in text if letter.isalpha())
        for name in (*names, self.buyer.name):
            self.assertIn("".join(filter(str.isalpha, name)), plain)
        fonts = self.read_fonts(content)
        self.assertTrue(all(fonts.values()), fonts)
        self.assertTrue(any("DejaVu" in font for font in fonts), fonts)
        self.assertTrue(any("MicroHei" in font for font in fonts), fonts)

    def test_a_word_without_end_stays_on_its_page(self):
        word = "W" * 220
        self.buyer.name = word
        self.env["res.partner.bank"].create(
            {
                "acc_number": "DE89370400440532013000",
                "bank_id": self.env["res.bank"].create({"name": word}).id,
                "partner_id": self.company.partner_id.id,
                "allow_out_payment": True,
            }
        )
        top_up = self.env["lead.top.up"].create(
            {"partner_id": self.buyer.id, "amount": 500}
        )
        self.new_sale()
        reports = self.env["ir.actions.report"].with_context(
            force_report_rendering=True
        )
        period = {"date_from": "2026-11-01", "date_to": "2026-11-30"}
        for name, record, data in (
            ("action_report_top_up", top_up, None),
            ("action_report_invoicing", self.buyer, period),
        ):
            with self.subTest(report=name):
                content, _type = reports._render_qweb_pdf(
                    f"lead_invoicing.{name}", record.ids, data=data
                )
                text = self._run_poppler("pdftotext", content, "-bbox", "-", "-")
                page = html.fromstring(text.encode())
                width = float(page.xpath("//page/@width")[0])
                right = max(map(float, page.xpath("//word/@xmax")))
                self.assertIn("WWWW", text)
                self.assertLess(right, width - 10)
