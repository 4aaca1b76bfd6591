"""With the Odoo apps that a seller of leads has beside ours, in companies of three
countries: it bills, and neither it nor Odoo has anything to complain of."""

import re

import pytest

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


# Odoo's payment providers, and taxes that are formulas.
PAYING_APPS = "account_payment,payment_demo,payment_custom,account_tax_python"

# A buyer who prepays and one on credit, with an invoice of each of three weeks.
OWE = """
from datetime import datetime, timedelta, timezone

env.company.country_id = env.ref("base.us")
env["account.chart.template"].try_loading("generic_coa", env.company)
moment = datetime.now(timezone.utc) - timedelta(days=40)
product = env["product.product"].create(
    {"name": "Lead", "type": "service", "taxes_id": False}
)
env["lead.type"].create({"name": "Auto", "code": "AUTO", "product_id": product.id})


def record(reference, buyer, price, days, **vals):
    row = {
        "external_ref": reference,
        "type": "sale",
        "occurred_at": (moment + timedelta(days=days)).isoformat(),
        "buyer_ref": buyer.ref,
        "lead_type": "AUTO",
        "price": price,
        **vals,
    }
    (answer,) = env["lead.sale"].record_transactions([row])
    assert answer["status"] == "created", answer


def invoice(buyer, days):
    before = env["account.move"].search([("lead_run_id", "!=", False)])
    day = (moment + timedelta(days=days)).date()
    env["lead.invoice.wizard"].create(
        {"partner_ids": buyer.ids, "date_to": day, "posting": "post"}
    ).action_invoice()
    made = env["account.move"].search([("lead_run_id", "!=", False)]) - before
    assert made and set(made.mapped("state")) == {"posted"}, made
    return made


buyers = env["res.partner"].create(
    [
        {
            "name": mode,
            "ref": mode,
            "is_company": True,
            "email": f"{mode}@example.com",
            "lead_billing_mode": mode,
        }
        for mode in ("prepaid", "credit")
    ]
)
invoices = {}
for buyer in buyers:
    for week, price in enumerate((100, 50, 70)):
        record(f"{buyer.ref} {week}", buyer, price, 7 * week)
        invoices[buyer.ref, week] = invoice(buyer, 7 * week + 1)
env.cr.commit()
"""

# As the portal's page of payments does it, when the provider says that it was paid.
PAY = """
provider = env.ref("payment.payment_provider_demo")
bank = env["account.journal"].search([("type", "=", "bank")], limit=1)
provider.write({"state": "test", "journal_id": bank.id})
bank.inbound_payment_method_line_ids.payment_account_id = env[
    "account.account"
].search([("account_type", "=", "asset_current")], limit=1)


def pay(document, amount):
    transaction = env["payment.transaction"].create(
        {
            "provider_id": provider.id,
            "payment_method_id": provider.payment_method_ids[:1].id
            or env.ref("payment.payment_method_unknown").id,
            "amount": amount,
            "currency_id": document.currency_id.id,
            "partner_id": document.partner_id.id,
            "reference": document.name,
            "operation": "online_direct",
            "invoice_ids": [(6, 0, document.ids)],
        }
    )
    transaction._process(
        "demo", {"reference": document.name, "simulated_state": "done"}
    )
    transaction._post_process()
    env.flush_all()
    env.cr.precommit.run()
    assert transaction.payment_id.move_id.state == "posted", transaction.payment_id


def assert_left(mode, *amounts):
    left = [invoices[mode, week].amount_residual for week in range(3)]
    assert left == list(amounts), (mode, left)


invoices = {
    (buyer.ref, week): document
    for buyer in env["res.partner"].search([("ref", "in", ("prepaid", "credit"))])
    for week, document in enumerate(
        env["account.move"].search(
            [("partner_id", "=", buyer.id), ("lead_run_id", "!=", False)], order="id"
        )
    )
}
for mode in ("prepaid", "credit"):
    pay(invoices[mode, 1], 50)
    assert_left(mode, 100, 0, 70)
# What is over goes to the oldest, where the buyer's balance pays its invoices.
pay(invoices["prepaid", 2], 90)
assert_left("prepaid", 80, 0, 0)
pay(invoices["credit", 2], 90)
assert_left("credit", 100, 0, 0)
for mode, amount in (("prepaid", 80), ("credit", 100)):
    env["account.payment.register"].with_context(
        active_model="account.move", active_ids=invoices[mode, 0].ids
    ).create({"journal_id": bank.id, "amount": amount})._create_payments()
    assert_left(mode, 0, 0, 0)
env.cr.commit()
"""

# An amount for each lead and one on money, as formulas.
TAX = """
product.taxes_id = env["account.tax"].create(
    [
        {"name": name, "amount_type": "code", "formula": formula}
        for name, formula in (("A lead", "quantity * 0.5"), ("Money", "base * 0.1"))
    ]
)
buyer = env["res.partner"].create({"name": "Taxed", "ref": "taxed"})
for number in range(1, 13):
    record(f"taxed {number}", buyer, number, 0)
document = invoice(buyer, 1)
assert document.amount_untaxed == 78, document.amount_untaxed
assert round(document.amount_tax, 2) == 13.8, document.amount_tax
back = {"type": "return"}
record("returned", buyer, 3, 7, origin_external_ref="taxed 3", **back)
record("adjusted", buyer, 5, 7, origin_external_ref="taxed 12", **back)
credit_note = invoice(buyer, 8)
assert credit_note.move_type == "out_refund", credit_note
# A lead comes back with its own amount; of an adjusted price none does.
assert credit_note.amount_untaxed == 8, credit_note.amount_untaxed
assert round(credit_note.amount_tax, 2) == 1.3, credit_note.amount_tax
"""


def assert_no_warning_of_ours(outputs):
    lines = "".join(outputs).splitlines()
    ours = [line for line in lines if re.search(r" WARNING .*lead[_.]", line)]
    assert not ours, "\n".join(ours)


def test_bills_beside_other_apps_in_three_countries(database):
    outputs = [
        database.run("-i", f"{APPS},lead_invoicing", "--stop-after-init"),
        database.run("shell", script=BILL),
        database.run("shell", script=PRINT),
    ]
    assert_no_warning_of_ours(outputs)


@pytest.mark.long
def test_payments_settle_their_invoices_and_formulas_tax_each_lead(database):
    apps = f"{PAYING_APPS},lead_invoicing"
    outputs = [
        database.run("-i", apps, "--stop-after-init"),
        database.run("shell", script=OWE + TAX + "env.cr.commit()"),
        database.run("shell", script=PAY),
    ]
    assert_no_warning_of_ours(outputs)
