"""The addon comes and goes: installed, used, updated and uninstalled, in a database of
its own, with what it billed still there."""

import pytest

from dev.tests.use import USE

UNINSTALL = """
env["ir.module.module"].search(
    [("name", "=", "lead_invoicing")]
).button_immediate_uninstall()
"""

# Whether Odoo still works: its views, the documents, posting another one.
LOOK = """
assert "lead.sale" not in env
invoice = env["account.move"].search(
    [("state", "=", "posted"), ("move_type", "=", "out_invoice")]
)
assert len(invoice) == 1 and invoice.amount_untaxed == 40, invoice
assert sum(invoice.invoice_line_ids.mapped("price_subtotal")) == 40
assert invoice.ref == "PO 7"
leftover = env["ir.model.fields"].search([("name", "=like", "lead\\\\_%")])
assert not leftover, leftover.mapped("name")
assert not env["ir.model"].search([("model", "=like", "lead.%")])
assert not env["ir.cron"].search([("name", "ilike", "lead invoicing")])
assert not env["mail.template"].search([("name", "ilike", "lead")])
assert not env["ir.model.data"].search([("module", "=", "lead_invoicing")])
activities = env["mail.activity"].with_context(active_test=False).search([])
assert not activities.filtered(lambda a: "ead" in (a.summary or "")), activities
assert not env["mail.activity.type"].search([("name", "ilike", "lead inv")])
assert not env["ir.ui.menu"].search([("name", "ilike", "lead")])
assert not env["res.groups"].search([("name", "ilike", "lead")])
env.cr.execute(
    "SELECT table_name, column_name FROM information_schema.columns"
    " WHERE column_name LIKE 'lead\\\\_%' OR table_name LIKE 'lead\\\\_%'"
)
assert not (rows := env.cr.fetchall()), rows
views = env["ir.ui.view"].search([("model", "in", ("account.move", "res.partner"))])
views._check_xml()
for model in ("account.move", "res.partner", "res.config.settings"):
    env[model].get_views([(False, "list"), (False, "form"), (False, "search")])
draft = env["account.move"].search([("state", "=", "draft")])
draft.invoice_date = invoice.invoice_date
draft.action_post()
assert draft.state == "posted"
html = env["ir.actions.report"]._render_qweb_html(
    "account.account_invoices", invoice.ids
)[0]
assert b"40.00" in html
"""


def test_installs_bills_updates_and_uninstalls(database):
    database.run("-i", "lead_invoicing", "--stop-after-init")
    database.run("shell", script=USE)
    database.run("-u", "lead_invoicing", "--stop-after-init")
    database.run("shell", script=UNINSTALL)
    database.run("shell", script=LOOK)


# A request that became a return, and one that waits with an activity.
ASK = """
requests = env["lead.return.request"]
buyer = env["res.partner"].search([("ref", "=", "A")])
outcomes = requests._ask_for_returns(buyer, {"T1": None, "T2": None})
assert {wish.state for wish in outcomes} == {"requested"}, outcomes
requests.search([], limit=1).action_accept("Sorry.")
assert buyer.activity_ids
env.cr.commit()
"""

UNINSTALL_REQUESTS = UNINSTALL.replace("lead_invoicing", "lead_invoicing_return")

# The return stays, whatever becomes of the request for it.
LOOK_AFTER_REQUESTS = """
assert "lead.return.request" not in env
back = env["lead.sale"].search([("external_ref", "=like", "REQ-%")])
assert back.amount == -10, back
buyer = env["res.partner"].search([("ref", "=", "A")])
assert not buyer.activity_ids
(answer,) = env["lead.sale"].record_transactions([{}])
assert answer["status"] == "error"
assert not env["ir.model.data"].search([("module", "=", "lead_invoicing_return")])
"""


@pytest.mark.long
def test_return_requests_come_and_go(database):
    database.run("-i", "lead_invoicing_return", "--stop-after-init")
    database.run("shell", script=USE + ASK)
    database.run("-u", "lead_invoicing_return", "--stop-after-init")
    database.run("shell", script=UNINSTALL_REQUESTS)
    database.run("shell", script=LOOK_AFTER_REQUESTS)
