"""What databases of tests are used for before they are updated or left."""

# Runs in `odoo shell`, as a user's day would: bill a buyer, park another one.
USE = """
from datetime import datetime, timedelta, timezone

env.company.country_id = env.ref("base.us")
env["account.chart.template"].try_loading("generic_coa", env.company)
cycle = env["lead.billing.cycle"].create(
    {"name": "Weekly", "tz": "America/New_York", "posting": "post"}
)
product = env["product.product"].create({"name": "Lead", "type": "service"})
env["lead.type"].create(
    {
        "name": "Auto",
        "code": "AUTO",
        "product_id": product.id,
        "lead_properties_definition": [
            {"name": "first_name", "string": "First Name", "type": "char"}
        ],
    }
)
buyers = env["res.partner"].create(
    [
        {
            "name": name,
            "ref": name,
            "is_company": True,
            "lead_billing_cycle_id": cycle.id,
            "lead_billing_mode": "prepaid",
            "lead_po_number": "PO 7",
        }
        for name in ("A", "B", "C")
    ]
)
buyers[0].lead_invoice_recipient_ids = buyers[2]
env["lead.buyer.ref"].create({"ref": "a", "partner_id": buyers[0].id})
env.company.lead_billing_cycle_id = cycle
env.company.lead_billing_start = "2020-01-01"
moment = datetime.now(timezone.utc) - timedelta(days=10)


def row(number, **vals):
    return {
        "external_ref": f"T{number}",
        "type": "sale",
        "occurred_at": moment.isoformat(),
        "buyer_ref": "A",
        "lead_type": "AUTO",
        "price": 10,
        "lead_data": {"first_name": "Ada"},
        **vals,
    }


answers = env["lead.sale"].record_transactions(
    [
        *map(row, range(5)),
        row(5, buyer_ref="B"),
        row(6, type="return", origin_external_ref="T0"),
        row(7, occurred_at=datetime.now(timezone.utc).isoformat()),
    ]
)
assert {answer["status"] for answer in answers} == {"created"}, answers
account = buyers[1].property_account_receivable_id.copy()
buyers[1].property_account_receivable_id = account
account.active = False
cycle.next_generation_at = datetime.now() - timedelta(days=8)
env.cr.commit()
root = env["lead.billing.cycle"].with_user(env.ref("base.user_root"))
for _number in range(5):
    root._cron_generate_invoices()
invoice = env["account.move"].search([("lead_run_id", "!=", False)])
assert invoice.state == "posted" and invoice.amount_untaxed == 40, invoice.read()
assert env["lead.invoice.run.buyer"].search([("state", "=", "failed")])
env["lead.sale"].record_transactions([row(8, buyer_ref="C")])
env["lead.sale.release"]._log(invoice, "A record of the past")
invoice.copy()
env.cr.commit()
"""
