import os

from lxml import html

from odoo.tests import tagged

from .common.charges import ChargesCommon


@tagged("post_install", "-at_install")
class TestChargesPrinted(ChargesCommon):
    """What a buyer reads of agreed charges, on paper and in its email."""

    def setUp(self):
        super().setUp()
        tax = self.company_data["default_tax_sale"]  # 15 %
        self.edu_product.taxes_id = self.charge_product.taxes_id = tax
        kinds = {
            "tier": {
                "name": "Volume price",
                "lead_type_id": self.edu.id,
                "steps": [(3, {"price": 9}), (10, {"price": 8})],
            },
            "discount": {"name": "Partner discount", "percent": 2.5},
            "minimum": {"name": "Minimum spend", "amount": 100},
            "fee": {"name": "Platform fee", "amount": 25},
        }
        for kind, vals in kinds.items():
            self.agree(kind, **vals)
        for _number in range(4):
            self.new_sale()
        self.document = self.generate()

    def test_the_invoice_explains_each_charge(self):
        page = self.env["ir.actions.report"]._render_qweb_html(
            "account.report_invoice", self.document.ids
        )[0]
        text = " ".join(html.fromstring(page).text_content().split())
        period = "(Nov 2, 2026 – Nov 8, 2026)"
        for label in (
            f"Volume price, Online Degree {period}: 4 leads; from 3 leads $ 9.00 each",
            f"Partner discount {period}: 2.5% of $ 36.00",
            f"Minimum spend {period}: $ 35.10 billed, $ 100.00 agreed",
            f"Platform fee {period}",
        ):
            self.assertIn(label, text)
        self.assertEqual(self.document.amount_untaxed, 125)
        if path := os.environ.get("CHARGES_PDF"):
            with open(path, "wb") as file:
                report = self.env["ir.actions.report"].with_context(
                    force_report_rendering=True
                )
                file.write(
                    report._render_qweb_pdf(
                        "account.report_invoice", self.document.ids
                    )[0]
                )

    def test_the_email_names_other_charges(self):
        template = self.env.ref("lead_invoicing.mail_template_lead_invoice")
        body = template._render_field("body_html", self.document.ids)[self.document.id]
        text = " ".join(html.fromstring(body).text_content().split())
        self.assertIn("Other charges $ 85.00", text)
