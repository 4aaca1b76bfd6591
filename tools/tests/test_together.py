"""With the Odoo apps that a seller of leads has beside ours, in companies of three
countries: it bills, and neither it nor Odoo has anything to complain of."""

import re

APPS = (
    "account,account_edi_ubl_cii,account_peppol,snailmail_account,account_payment,"
    "crm,website,sale_management,l10n_be,l10n_de,l10n_us"
)

# Each as a company of its own: a lead sold and one returned, billed by the schedule.
BILL = """
from datetime import datetime, timedelta, timezone

SELLERS = {
    "be": ("be_comp", "BE0477472701"),
    "de": ("de_skr03", "DE123456788"),
    "us": ("generic_coa", False),
}
moment = datetime.now(timezone.utc) - timedelta(days=10)
for country, (chart, vat) in SELLERS.items():
    company = env["res.company"].create(
        {
            "name": f"Leads {country}",
            "country_id": env.ref(f"base.{country}").id,
            "street": "Main Street 1",
            "city": "Town",
            "zip": "1000",
            "vat": vat,
            "phone": "+32 2 290 34 90",
        }
    )
    env.user.company_ids += company
    env["account.chart.template"].try_loading(chart, company)
    there = env(context={**env.context, "allowed_company_ids": company.ids})
    product = there["product.product"].create({"name": "Lead", "type": "service"})
    there["lead.type"].create(
        {
            "name": "Auto",
            "code": "AUTO",
            "product_id": product.id,
            "company_id": company.id,
        }
    )
    cycle = there["lead.billing.cycle"].create(
        {
            "name": "Weekly",
            "tz": "Europe/Brussels",
            "posting": "post",
            "company_id": company.id,
        }
    )
    there["res.partner"].create(
        {
            "name": f"Buyer {country}",
            "ref": f"B-{country}",
            "is_company": True,
            "country_id": company.country_id.id,
            "street": "Side Street 2",
            "city": "Town",
            "zip": "1000",
            "vat": vat,
            "email": f"buyer@{country}.example.com",
            "lead_billing_cycle_id": cycle.id,
        }
    )
    row = {
        "type": "sale",
        "occurred_at": moment.isoformat(),
        "buyer_ref": f"B-{country}",
        "lead_type": "AUTO",
        "price": 50,
    }
    answers = there["lead.sale"].record_transactions(
        [
            {**row, "external_ref": "T1"},
            {**row, "external_ref": "T2", "price": 20},
            {
                **row,
                "external_ref": "T3",
                "type": "return",
                "origin_external_ref": "T2",
                "price": 20,
            },
        ]
    )
    assert {answer["status"] for answer in answers} == {"created"}, answers
    cycle.next_generation_at = datetime.now() - timedelta(days=8)
env.cr.commit()
root = env["lead.billing.cycle"].with_user(env.ref("base.user_root"))
for _number in range(9):
    root._cron_generate_invoices()
runs = env["lead.invoice.run"].search([])
assert set(runs.mapped("state")) == {"done"}, runs.failure_ids.mapped("message")
documents = runs.invoice_ids
assert len(documents) == len(SELLERS), documents
for document in documents:
    assert document.state == "posted" and document.amount_untaxed == 50, document
    assert document.amount_tax > 0, document
env.cr.commit()
"""

# Letters and barcodes: what Odoo makes of the Python packages that come with it.
PRINT = """
import io

from reportlab.pdfgen.canvas import Canvas

from odoo.tools.pdf import PdfFileReader

page = io.BytesIO()
canvas = Canvas(page)
canvas.drawString(300, 400, "An invoice")
canvas.save()
document = env["account.move"].search([("lead_run_id", "!=", False)], limit=1)
letter = env["snailmail.letter"].create(
    {
        "model": "account.move",
        "res_id": document.id,
        "partner_id": document.partner_id.id,
        "company_id": document.company_id.id,
        "user_id": env.user.id,
        "report_template": env.ref("account.account_invoices").id,
    }
)
whole = letter._append_cover_page(letter._overwrite_margins(page.getvalue()))
pages = PdfFileReader(io.BytesIO(whole)).pages
assert "Buyer" in pages[0].extract_text() and "invoice" in pages[-1].extract_text()
code = env["ir.actions.report"].barcode("QR", "BCD", width=100, height=100)
assert code.startswith(b"\\x89PNG")
"""


def test_bills_beside_other_apps_in_three_countries(database):
    outputs = [
        database.run("-i", f"{APPS},lead_invoicing", "--stop-after-init"),
        database.run("shell", script=BILL),
        database.run("shell", script=PRINT),
    ]
    lines = "".join(outputs).splitlines()
    ours = [line for line in lines if re.search(r" WARNING .*lead[_.]", line)]
    assert not ours, "\n".join(ours)
