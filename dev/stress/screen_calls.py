"""What the web client of a clerk asks for, screen by screen.

Runs in `odoo shell`, on the books that `dev.stress.books` wrote.
"""

import json
from datetime import date, timedelta
from pathlib import Path

from odoo.addons.lead_invoicing.tests.common.web_client import Call, WebClient

ALL = 10_000
DAY = date.today().replace(day=1) - timedelta(days=1)


def write_calls(env, options):
    """Write (title, call) of each screen as JSON to the file `path`."""
    clerk = env["res.users"].search([("login", "=", "clerk")])
    # As the clerk's browser has it.
    context = {"allowed_company_ids": clerk.company_ids.ids}
    env = env(
        user=clerk, su=False, context=clerk.with_user(clerk).context_get() | context
    )
    client = WebClient(env)
    calls = [
        (title, call._replace(context={**env.context, **call.context}))
        for title, call in get_calls(env, client)
    ]
    Path(options["path"]).write_text(json.dumps(calls, default=str))
    # The wizards that they press buttons of.
    env.cr.commit()


def get_calls(env, client):
    """Yield (title, call) of each screen."""
    yield from get_overview_calls(client)
    yield from get_buyer_calls(env, client)
    yield from get_ledger_calls(env, client)
    yield from get_document_calls(env, client)
    yield from get_workbench_calls(env, client)
    yield from get_unbilled_calls(env, client)
    yield from get_hand_calls(env)
    yield from get_close_calls(env, client)


def get_overview_calls(client):
    """The first screen, as it is opened: its views, then its cards, all at once; and
    what takes the most of it, by itself."""
    views = {"views": [[False, "kanban"], [False, "search"]], "options": {}}
    yield "overview, views", Call("lead.overview.card", [], "get_views", views, {})
    overview = client.open_action("lead_invoicing.action_lead_overview", mode="kanban")
    yield "overview, whole", overview
    for code in ("review", "billed", "unbilled"):
        domain = [*overview.values["domain"], ("code", "=", code)]
        values = {**overview.values, "domain": domain}
        yield f"overview, {code}", overview._replace(values=values)


def get_buyer_calls(env, client):
    buyers = "lead_invoicing.action_lead_buyers"
    unbilled = {"search_default_lead_unbilled": 1}
    yield "buyers, first page", client.open_action(buyers)
    yield "buyers, all in one list", client.open_action(buyers, limit=ALL)
    yield "buyers with unbilled leads", client.open_action(buyers, **unbilled)
    yield "a buyer", client.open_form(get_buyer(env))


def get_ledger_calls(env, client):
    sales = "lead_invoicing.action_lead_sale"
    buyer = get_buyer(env)
    sale = env["lead.sale"].search([("commercial_partner_id", "=", buyer.id)], limit=1)
    by_buyer = [
        "|",
        ("partner_id", "child_of", buyer.id),
        ("commercial_partner_id", "child_of", buyer.id),
    ]
    by_name = [
        "|",
        ("partner_id", "child_of", buyer.name),
        ("commercial_partner_id", "child_of", buyer.name),
    ]
    of_month = [("date", ">=", f"{DAY.replace(day=1)}"), ("date", "<=", f"{DAY}")]
    searches = {
        "first page": [],
        "by reference": [("external_ref", "=", sale.external_ref)],
        "by lead": [("lead_ref", "=", sale.lead_ref)],
        "of a buyer": by_buyer,
        "of a buyer, by its name": by_name,
        "unbilled": [("billing_state", "=", "unbilled")],
        "invoiced": [("billing_state", "in", ["draft", "invoiced"])],
        "of a month": of_month,
        "of an invoice": [("invoice_id", "=", get_invoice(env).id)],
    }
    for title, domain in searches.items():
        yield f"leads, {title}", client.open_action(sales, domain=domain)
    yield (
        "leads by buyer",
        client.open_action(sales, groupby=["commercial_partner_id"]),
    )
    yield "a lead", client.open_form(sale)
    yield (
        "leads by month, pivot",
        client.open_pivot("lead_invoicing.action_lead_sale_analysis"),
    )
    values = {"date_from": f"{DAY.replace(day=1)}", "date_to": f"{DAY}"}
    yield (
        "control totals of a month",
        Call("lead.sale", [], "control_totals", values, {}),
    )


def get_document_calls(env, client):
    yield "invoices", client.open_action("lead_invoicing.action_lead_invoices")
    yield "to review", client.open_action("lead_invoicing.action_lead_invoices_review")
    yield "an invoice", client.open_form(get_invoice(env))
    yield "runs", client.open_action("lead_invoicing.action_lead_invoice_run")
    run = env["lead.invoice.run"].search([("cycle_id", "!=", False)], limit=1)
    yield "a run", client.open_form(run)
    for title, action in (
        ("buyers of a run", run.action_view_buyers()),
        ("invoices of a run", run.action_view_invoices()),
        ("leads of a run", run.action_view_purchased()),
    ):
        yield title, client.open_action(action)


def get_workbench_calls(env, client):
    """The run with the most buyers: its form with the table; what its totals open."""
    ((run, _count), *_others) = env["lead.invoice.run.buyer"]._read_group(
        [], ["run_id"], ["__count"], order="__count desc", limit=1
    )
    yield "the largest run", client.open_form(run)
    for title, action in (
        ("posted documents of the largest run", run.action_view_posted()),
        ("documents to post of the largest run", run.action_view_drafts()),
        ("left out of the largest run", run.action_view_left_out()),
    ):
        yield title, client.open_action(action)
    yield "exceptions", client.open_action("lead_invoicing.action_lead_exceptions")


def get_unbilled_calls(env, client):
    unbilled, as_at = (
        "lead_invoicing.action_lead_unbilled",
        "lead_invoicing.action_lead_unbilled_as_at",
    )
    yield "unbilled by reason", client.open_action(unbilled)
    yield "unbilled by buyer", client.open_action(unbilled, groupby=["partner_id"])
    yield "unbilled, first page", client.open_action(unbilled, groupby=[])
    day = {"unbilled_as_at": f"{DAY}"}
    then = day | {"unbilled_known_at": f"{DAY} 12:00:00"}
    yield (
        "unbilled at month's end by buyer",
        client.open_action(as_at, groupby=["partner_id"], **day),
    )
    yield "unbilled at month's end", client.open_action(as_at, groupby=[], **day)
    yield "the same, as known then", client.open_action(as_at, groupby=[], **then)


def get_hand_calls(env):
    buyers = env["res.partner"].search([("ref", "=like", "BOOKS%")], limit=80)
    for title, chosen in (
        ("preview for a buyer", buyers[0]),
        ("preview for 80 buyers", buyers),
    ):
        wizard = env["lead.invoice.wizard"].create({"partner_ids": chosen.ids})
        yield title, Call(wizard._name, wizard.ids, "action_preview", {}, {})


def get_close_calls(env, client):
    """The screens with dates and totals, each filled, and what they open."""
    close = env["lead.month.close"]._open({})
    yield "month-end close", Call(close._name, close.ids, "action_show", {}, {})
    yield "month-end close, opened", client.open_form(close)
    yield (
        "month-end close by buyer",
        client.open_action(close.action_view_by_buyer()),
    )
    (billed,) = close.total_ids.filtered(lambda total: total.figure == "billed")
    yield "leads billed in the month", client.open_action(billed.action_view_sales())
    for title, model in (
        ("unbilled as of, filled", "lead.unbilled.as.at.wizard"),
        ("control totals of a week, filled", "lead.control.totals"),
    ):
        screen = env[model]._open({})
        yield title, Call(model, screen.ids, "action_show", {}, {})


def get_buyer(env):
    return env["res.partner"].search([("ref", "=", "BOOKS00077")])


def get_invoice(env):
    return env["account.move"].search(
        [("partner_id", "=", get_buyer(env).id), ("state", "=", "posted")], limit=1
    )
