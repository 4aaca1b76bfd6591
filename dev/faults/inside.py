"""What the faults need inside Odoo; runs in `odoo shell`.

Every function takes its environment, and options that came as JSON.
"""

import json
from datetime import datetime, timedelta
from pathlib import Path

from dev.acceptance import load

CHUNK = 500
USERS = {
    "clerk": ("lead_invoicing.group_user", "base.group_partner_manager"),
    "manager": ("lead_invoicing.group_manager", "base.group_partner_manager"),
    "platform": ("lead_invoicing.group_integrator",),
}


def prepare(env, options):
    """Make a company with buyers that are billed weekly and by mail, what it sold in
    the last weeks, and its users; write their keys down."""
    load.silence(env)
    spare(env)
    load.setup_company(env)
    load.setup_lead_types(env)
    env["ir.mail_server"].create(
        {"name": "Faults", "smtp_host": "127.0.0.1", "smtp_port": 1}
    )
    set_param = env["ir.config_parameter"].set_param
    set_param("report.url", "http://127.0.0.1:1")
    set_param("web.base.url.freeze", "True")
    cycle = env["lead.billing.cycle"].create(
        {
            "name": "Weekly, by mail",
            "frequency": "weekly",
            "tz": "America/New_York",
            "posting": "send",
        }
    )
    buyers = env["res.partner"].create(
        [prepare_buyer(number, cycle) for number in range(options["buyers"])]
    )
    deposits = env["account.payment"].create(
        [
            {
                "payment_type": "inbound",
                "partner_type": "customer",
                "partner_id": buyer.id,
                "amount": 150.0,
            }
            for buyer in buyers.filtered(lambda b: b.lead_billing_mode == "prepaid")
        ]
    )
    deposits.action_post()
    record(env, prepare_rows(buyers.mapped("ref"), options["weeks"]))
    keys = {login: create_user(env, login) for login in USERS}
    env.cr.commit()
    Path(options["keys"]).write_text(json.dumps(keys))


def spare(env):
    """Do once what each copy of the company would do first: the styles of a PDF, and
    Odoo's daily cleaning."""
    for bundle in ("web.report_assets_common", "web.report_assets_pdf"):
        for kind in ("css", "js"):
            env["ir.qweb"]._get_asset_links(
                bundle, css=kind == "css", js=kind == "js", autoprefix=True
            )
    daily = env["ir.cron"].search([("interval_type", "!=", "hours")])
    daily.nextcall = datetime.now() + timedelta(days=1)


def prepare_buyer(number, cycle):
    return {
        "name": f"Buyer {number:03}",
        "ref": f"F{number:03}",
        "email": f"buyer{number}@example.com",
        "is_company": True,
        "lead_billing_cycle_id": cycle.id,
        "lead_billing_mode": "prepaid" if number % 5 == 0 else "credit",
        "lead_invoice_split": "lead_type" if number % 7 == 0 else "none",
    }


def prepare_rows(refs, weeks):
    """For each week and buyer four sales and, of one of them, a return a day later."""
    rows = []
    start = datetime.now().replace(microsecond=0) - timedelta(days=7 * weeks)
    for week in range(weeks):
        for number, ref in enumerate(refs):
            moment = start + timedelta(days=7 * week, minutes=number)
            for turn in range(4):
                rows.append(
                    {
                        "external_ref": f"{ref}-{week}-{turn}",
                        "type": "sale",
                        "occurred_at": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
                        "buyer_ref": ref,
                        "lead_type": ("EDU", "AUTO")[turn % 2],
                        "price": f"{10 + turn}.25",
                        "lead_ref": f"L{ref}-{week}-{turn}",
                    }
                )
            rows.append(
                rows[-1]
                | {
                    "external_ref": f"{ref}-{week}-R",
                    "type": "return",
                    "origin_external_ref": rows[-1]["external_ref"],
                    "occurred_at": f"{moment + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
                }
            )
    now = f"{datetime.now():%Y-%m-%dT%H:%M:%SZ}"
    return [row for row in rows if row["occurred_at"] < now]


def record(env, rows):
    for start in range(0, len(rows), CHUNK):
        answers = env["lead.sale"].record_transactions(rows[start : start + CHUNK])
        bad = [answer for answer in answers if answer["status"] != "created"]
        if bad:
            raise SystemExit(f"Error: {bad[0]}")


def create_user(env, login):
    user = (
        env["res.users"]
        .with_context(no_reset_password=True)
        .create(
            {
                "name": login,
                "login": login,
                "email": f"{login}@example.com",
                "group_ids": [(4, env.ref(group).id) for group in USERS[login]],
            }
        )
    )
    # A user makes such a key in the preferences.
    keys = env["res.users.apikeys"].with_user(user).sudo()
    return keys._generate("rpc", "Faults", None)


def prepare_recharge(env, options):
    """Have each prepaid buyer consent to be recharged by the demo provider."""
    bank = env["account.journal"].search([("type", "=", "bank")], limit=1)
    account = env["account.account"].create(
        {
            "name": "Outstanding Receipts",
            "code": "101499",
            "account_type": "asset_current",
            "reconcile": True,
        }
    )
    bank.inbound_payment_method_line_ids.payment_account_id = account
    provider = env["payment.provider"].search([("code", "=", "demo")], limit=1)
    provider.write({"state": "test", "allow_tokenization": True, "journal_id": bank.id})
    method = env.ref("payment_demo.payment_method_demo")
    method.active = True
    for buyer in env["res.partner"].search([("lead_billing_mode", "=", "prepaid")]):
        token = env["payment.token"].create(
            {
                "provider_id": provider.id,
                "payment_method_id": method.id,
                "partner_id": buyer.id,
                "provider_ref": "x",
                "payment_details": "1234",
                "demo_simulated_state": "done",
            }
        )
        env["lead.recharge.consent"]._give(
            buyer.with_company(env.company),
            {
                "token_id": token.id,
                "currency_id": env.company.currency_id.id,
                "threshold": options["amount"] / 2,
                "amount": options["amount"],
                "daily_limit": 100 * options["amount"],
            },
        )
    env.cr.commit()
