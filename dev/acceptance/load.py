"""What the demonstration does inside Odoo: the company, its buyers, the transactions.

Runs in `odoo shell`; every function takes its environment.
"""

import json
import time
from datetime import datetime, timedelta

from dev.acceptance import sample, scenario

CHUNK = 2000


def say(text):
    print(text, flush=True)


def load(env, options):
    """Set everything up and record the sample. `options` comes from the command."""
    rows = sample.choose_rows(options.get("buyers"), options.get("copies", 1))
    silence(env)
    setup_company(env)
    setup_lead_types(env)
    cycles = setup_cycles(env, rows)
    create_buyers(env, rows, cycles, options)
    pay_in(env, rows)
    env.cr.commit()
    record(env, rows)
    if options.get("schedule", True):
        start_billing(cycles, rows)
    env.cr.commit()


def silence(env):
    """Switch off what has nothing to do with billing but mails or asks the network."""
    for name in (
        "digest.ir_cron_digest_scheduler_action",
        "mail.ir_cron_module_update_notification",
    ):
        if cron := env.ref(name, raise_if_not_found=False):
            cron.active = False
    if "iap_enrich_auto_done" in env.company:
        env.company.iap_enrich_auto_done = True


def setup_company(env):
    """A company in the United States that sells leads in dollars."""
    usd = env.ref("base.USD")
    usd.active = True
    env.company.write(
        {
            "name": "Demo Leads Inc.",
            "country_id": env.ref("base.us").id,
            "currency_id": usd.id,
            "email": "billing@demo-leads.example.com",
            "paperformat_id": env.ref("base.paperformat_us").id,
            # Else the documents show the placeholder that asks for one.
            "logo": False,
        }
    )
    admin = env.ref("base.user_admin")
    admin.write(
        {
            "tz": sample.TIME_ZONE,
            "group_ids": [
                (4, env.ref(f"lead_invoicing.{name}").id)
                for name in ("group_manager", "group_lead_data")
            ],
        }
    )


def set_addresses(env, options):
    """Where this start's server and its mail server are."""
    # wkhtmltopdf asks the server for the styles of a PDF at this address.
    for name in ("web.base.url", "report.url"):
        env["ir.config_parameter"].set_param(name, options["url"])
    env["ir.config_parameter"].set_param("web.base.url.freeze", True)
    env["ir.mail_server"].search([]).unlink()
    env["ir.mail_server"].create(
        {
            "name": "Demonstration",
            "smtp_host": options["smtp_server"],
            "smtp_port": options["smtp_port"],
        }
    )
    env.cr.commit()


def setup_lead_types(env):
    """One lead type per code, with its service product and its own typed lead data."""
    for code, (name, definition) in sample.LEAD_TYPES.items():
        product = env["product.product"].create(
            {
                "name": f"{name} Leads",
                "default_code": f"LEAD-{code}",
                "type": "service",
                # The expected amounts are net: no tax, so that they show at a glance.
                "taxes_id": [(5,)],
                "list_price": 0.0,
            }
        )
        env["lead.type"].create(
            {
                "name": name,
                "code": code,
                "product_id": product.id,
                "lead_properties_definition": definition,
            }
        )


def setup_cycles(env, rows):
    """Weekly and monthly cycles, each once posted only and once also mailed."""
    weekly = {
        "frequency": "weekly",
        "window_start_day": "0",
        "window_end_day": "0",
        "generation_day": "0",
    }
    monthly = {"frequency": "monthly"}
    values = {
        (False, False): weekly | {"name": "Weekly", "posting": "post"},
        (False, True): weekly | {"name": "Weekly, by mail", "posting": "send"},
        (True, False): monthly | {"name": "Monthly", "posting": "post"},
        (True, True): monthly | {"name": "Monthly, by mail", "posting": "send"},
    }
    common = {
        "tz": sample.TIME_ZONE,
        "generation_time": 6.0,
        # A history of documents, not a year and a half of them dated today.
        "invoice_date_policy": "window_end",
        "anchor_date": min(row["occurred_at"] for row in rows)[:10],
    }
    return {
        key: env["lead.billing.cycle"].create(common | vals)
        for key, vals in values.items()
    }


def create_buyers(env, rows, cycles, options):
    """A company contact per buyer; the platform's reference is the contact's own.

    A branch is a contact of the buyer that is billed for it.
    """
    buyers = sample.get_buyers(rows)
    heads = scenario.get_heads(rows)
    parts = scenario.get_parts(rows)
    mailed = scenario.choose_mailed(rows, options.get("mails", 0))
    terms = env.ref("account.account_payment_term_30days")
    say(f"creating {len(buyers)} buyers")

    def prepare(ref):
        name, address = buyers[ref]
        values = {"name": name, "ref": ref, "email": address}
        if ref in heads:
            return values | {"parent_id": partners[heads[ref]].id}
        cycle = cycles[scenario.is_monthly(ref), ref in mailed]
        return {
            **values,
            "is_company": True,
            "property_payment_term_id": terms.id,
            "lead_billing_cycle_id": cycle.id,
            **prepare_part(ref, parts[ref]),
        }

    partners = {}
    billed = [ref for ref in buyers if ref not in heads]
    for refs in (*batches(billed, 500), list(heads)):
        records = env["res.partner"].create([prepare(ref) for ref in refs])
        partners |= dict(zip(refs, records, strict=True))


def batches(items, size):
    return [items[start : start + size] for start in range(0, len(items), size)]


def prepare_part(ref, part):
    """What a buyer's part in the story sets on its contact."""
    return {
        scenario.PREPAID: {"lead_billing_mode": "prepaid"},
        scenario.PO_NUMBER: {"lead_po_number": f"PO-{ref[1:]}"},
        scenario.BY_LEAD_TYPE: {"lead_invoice_split": "lead_type"},
    }.get(part, {})


def pay_in(env, rows):
    """The deposits of the buyers who prepay, each on the day it was made."""
    plan = scenario.plan_deposits(rows)
    say(f"paying in {len(plan)} deposits")
    partners = env["res.partner"].search([("ref", "in", [ref for ref, *_ in plan])])
    by_ref = partners.grouped("ref")
    payments = env["account.payment"].create(
        [prepare_deposit(by_ref[ref], day, amount) for ref, day, amount in plan]
    )
    payments.action_post()


def prepare_deposit(partner, day, amount):
    return {
        "payment_type": "inbound",
        "partner_type": "customer",
        "partner_id": partner.id,
        "date": day,
        "amount": float(amount),
        "memo": "Deposit",
    }


def record(env, rows):
    """Hand the transactions to the ledger, as the platform would, chunk by chunk."""
    started = time.monotonic()
    sales = env["lead.sale"]
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        answers = sales.record_transactions(
            [sample.prepare_transaction(row) for row in chunk]
        )
        env.cr.commit()
        refused = [a for a in answers if a["status"] != "created"]
        if refused:
            raise SystemExit(
                f"{len(refused)} transactions were not recorded, the first one: "
                + json.dumps(refused[0], default=str)
            )
        seconds = time.monotonic() - started
        say(f"recorded {start + len(chunk)} of {len(rows)} in {seconds:.1f} s")


def start_billing(cycles, rows):
    """Move the next generation before the first sale: all windows since are due."""
    first = datetime.fromisoformat(min(row["occurred_at"] for row in rows)[:19])
    for cycle in cycles.values():
        cycle.next_generation_at = first - timedelta(days=1)


def restart_billing(env, _options):
    """Ask for every window once more; what was billed must stay as it is."""
    first = env["lead.sale"].search([], order="date", limit=1).date
    for cycle in env["lead.billing.cycle"].search([]):
        cycle.next_generation_at = first - timedelta(days=1)
    env.cr.commit()
