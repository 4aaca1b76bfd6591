"""An update from an earlier version, with what people did in it: nothing of it changes,
nothing is billed twice, and what is new knows of the time before."""

import ast
import json
import subprocess

import pytest

from dev.environment.provision import ROOT
from dev.tests.use import USE

MANIFEST = "lead_invoicing/__manifest__.py"


def get_version(manifest):
    return ast.literal_eval(manifest)["version"]


VERSION = get_version((ROOT / MANIFEST).read_text())

# In the version before, after USE: drafts, waivers, and documents that were reversed or
# cancelled.
USE_MORE = """
def bill(*rows, **vals):
    answers = env["lead.sale"].record_transactions(list(rows))
    assert {answer["status"] for answer in answers} == {"created"}, answers
    buyer = env["res.partner"].search([("ref", "=", rows[0]["buyer_ref"])])
    wizard = env["lead.invoice.wizard"].create({"partner_ids": buyer.ids, **vals})
    action = wizard.action_invoice()
    return env["lead.invoice.run"].browse(action["res_id"]).invoice_ids


env["res.partner"].create(
    [{"name": name, "ref": name, "is_company": True} for name in ("D", "E")]
)
env["lead.sale"].search([("external_ref", "=", "T8")])._waive("Goodwill")
draft = bill(row(10, buyer_ref="C"), row(11, buyer_ref="C"))
reversed = bill(row(20, buyer_ref="D"), posting="post")
now = datetime.now(timezone.utc).isoformat()
back = row(21, buyer_ref="D", type="return", origin_external_ref="T20")
env["lead.sale"].record_transactions([back | {"occurred_at": now}])
wizard = env["account.move.reversal"].with_context(
    active_model="account.move", active_ids=reversed.ids
)
wizard = wizard.create({"journal_id": reversed.journal_id.id})
wizard.reverse_moves()
wizard.new_move_ids.action_post()
bill(row(30, buyer_ref="E"), posting="post").button_cancel()
env["lead.sale"].record_transactions([row(12, buyer_ref="C")])
env["res.partner"].create({"name": "F", "ref": "F", "is_company": True})
lately = (datetime.now(timezone.utc) - timedelta(days=4)).isoformat()
unsent = bill(row(40, buyer_ref="F") | {"occurred_at": lately}, posting="send")
if unsent.lead_delivery_state == "to_send":
    # Since 19.0.1.2.0 the job that sends finds out.
    env["account.move"]._cron_account_move_send()
assert unsent.lead_delivery_state == "no_address"
if "lead.top.up" in env.registry:
    # Paid for good, as it was stored until 19.0.1.6.0.
    request = env["lead.top.up"].create(
        {
            "partner_id": env["res.partner"].search([("ref", "=", "A")]).id,
            "amount": 10,
        }
    )
    transaction = env["account.bank.statement.line"].create(
        {
            "journal_id": env["account.journal"].search([("type", "=", "bank")]).id,
            "payment_ref": request.reference,
            "amount": 10,
        }
    )
    assert request.state == "paid"
    transaction.action_undo_reconciliation()
    env.flush_all()
    env.cr.execute("UPDATE lead_top_up SET state = 'paid'")
# What was not recorded over the API had an empty value until 19.0.1.6.0, or a default.
env.cr.execute("UPDATE lead_sale SET lead_data = '{}' WHERE external_ref = 'T21'")
name = {"name": "name", "string": "Name", "type": "char", "default": "Ada"}
env["lead.type"].create(
    {
        "name": "Named",
        "code": "NAMED",
        "product_id": env["lead.type"].search([], limit=1).product_id.id,
        "lead_properties_definition": [name],
    }
)
env.cr.commit()
assert draft.state == "draft"
states = dict(env["lead.sale"].search([]).mapped(lambda s: (s.external_ref, s)))
assert states["T20"].billing_state == "credited"
assert states["T21"].waived_by_credit
assert states["T30"].billing_state == "unbilled"
"""

# What must be the same before and after.
TELL = """
import json


def read(records, names):
    return records.sorted("id").read(names.split(), load=None)


moves = env["account.move"].search([("move_type", "!=", "entry")])
told = {
    "transactions": read(
        env["lead.sale"].search([]),
        "external_ref billing_state amount invoice_line_id waived waived_by_credit"
        " reason lead_data commercial_partner_id",
    ),
    "documents": read(
        moves,
        "name state date amount_total amount_residual payment_state lead_run_id"
        " lead_window_end lead_sale_count lead_credited lead_amount_difference"
        " lead_delivery_state",
    ),
    "lines": read(
        moves.line_ids, "name balance quantity lead_type_id lead_count tax_ids"
    ),
    "runs": read(
        env["lead.invoice.run"].search([]), "cycle_id state window_end posting"
    ),
    "work": read(
        env["lead.invoice.run.buyer"].search([]), "state message partner_id"
    ),
    "buyers": read(
        env["res.partner"].search([("ref", "!=", False)]),
        "lead_billing_cycle_id lead_billing_mode lead_unbilled_amount lead_po_number"
        " lead_invoice_recipient_ids lead_buyer_ref_ids",
    ),
    "waivers": read(env["lead.sale.waiver"].search([]), "sale_id waived reason"),
    "releases": read(env["lead.sale.release"].search([]), "sale_id invoice_id reason"),
}
print("told:", json.dumps(told, default=str))
"""

# After the update: what is new knows of the time before.
LOOK = """
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

module = env.ref("base.module_lead_invoicing")
assert module.latest_version == VERSION, module.latest_version
documents = env["account.move"].search([("lead_run_id", "!=", False)])
for move in documents:
    assert bool(move.lead_posted_at) == (move.state == "posted"), move.read()
    made = move.create_date.replace(microsecond=0)
    assert not move.lead_posted_at or made <= move.lead_posted_at <= datetime.now()

assert set(env["lead.top.up"].search([]).mapped("state")) <= {"requested"}

env.cr.execute("SELECT external_ref FROM lead_sale WHERE lead_data IS NULL")
assert env.cr.fetchall() == [("T21",)]
named = env["lead.type"].search([("code", "=", "NAMED")])
name = {"name": "name", "string": "Name", "type": "char"}
assert named.lead_properties_definition == [name]

# Month end's question for a day before the documents, and for now.
sales = env["lead.sale"].search([("waived", "=", False)])
zone = ZoneInfo(env.company.lead_tz)
today = datetime.now(zone).date()
day = today - timedelta(days=5)
rows = env["lead.sale"]._read_unbilled_as_at(day)
utc = ZoneInfo("UTC")
old = sales.filtered(
    lambda sale: sale.date.replace(tzinfo=utc).astimezone(zone).date() <= day
)
assert len(old) == 12, old.mapped("external_ref")
assert sum(row["sale_count"] for row in rows) == len(old), rows
assert sum(row["amount"] for row in rows) == sum(old.mapped("amount")), rows
rows = env["lead.sale"]._read_unbilled_as_at(today + timedelta(days=1))
open_sales = sales.filtered(lambda s: s.billing_state in ("unbilled", "draft"))
assert sum(row["sale_count"] for row in rows) == len(open_sales), rows

# Days begin where they began: in the default cycle's zone, which nobody has confirmed.
for company in env["res.company"].search([]):
    cycle = company.lead_billing_cycle_id
    assert company.lead_tz == (cycle.tz or company._guess_lead_tz()), company.lead_tz
    assert not company.lead_tz_confirmed
# What was not delivered has an activity of its own kind.
undelivered = documents.filtered(lambda m: m.lead_delivery_state == "no_address")
assert len(undelivered) == 1 and undelivered.lead_not_delivered
kind = env.ref("lead_invoicing.mail_activity_type_lead_delivery")
assert undelivered.activity_ids.activity_type_id == kind
assert undelivered.activity_ids.lead_company_id == undelivered.company_id
assert undelivered.lead_run_id.not_sent_count == 1

# Every screen opens.
data = env["ir.model.data"].search(
    [("module", "=", "lead_invoicing"), ("model", "=", "ir.actions.act_window")]
)
for action in env["ir.actions.act_window"].browse(data.mapped("res_id")):
    env[action.res_model].get_views(
        [(view_id, mode) for view_id, mode in action.views]
    )
# Texts of mails are people's own; whoever wants the new one gets it.
for name in ("invoice", "receipt"):
    env.ref("lead_invoicing.mail_template_lead_" + name).reset_template()

# Everything once more: only what was unbilled is billed, once.
cycle = env["lead.billing.cycle"].search([])
cycle.next_generation_at = datetime.now() - timedelta(days=8)
env.cr.commit()
root = cycle.with_user(env.ref("base.user_root"))
for _number in range(5):
    root._cron_generate_invoices()
made = env["account.move"].search([("lead_run_id", "!=", False)]) - documents
refs = sorted(made.lead_sale_ids.mapped("external_ref"))
assert refs == ["T12", "T30"], refs
assert all(move.lead_posted_at and not move.lead_amount_difference for move in made)
draft = documents.filtered(lambda move: move.state == "draft")
draft.action_post()
assert draft.lead_posted_at
assert sorted(draft.lead_sale_ids.mapped("external_ref")) == ["T10", "T11"]
env.cr.commit()
"""


def git(*arguments):
    """Return what git answers; without it, or its history, the test cannot be run."""
    try:
        result = subprocess.run(
            ["git", "-C", ROOT, *arguments], capture_output=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", b"").decode().strip() or error
        pytest.skip(f"the version before cannot be had from git: {reason}")
    return result.stdout


@pytest.fixture(params=["the last version", "19.0.1.1.0"])
def version_before(request, tmp_path):
    """Unpack the addon as it was just before its version was raised: the last time, or
    from that one."""
    if git("rev-parse", "--is-shallow-repository").strip() == b"true":
        pytest.skip("the version before is not in this shallow clone.")
    pattern = r'-G^ *"version":'
    raised = git("log", "--format=%H", pattern, "--", MANIFEST).decode().split()
    # The first of them added the addon.
    versions = {}
    for commit in raised[:-1]:
        version = get_version(git("show", f"{commit}^:{MANIFEST}").decode())
        versions.setdefault(version, f"{commit}^")
    last = next(iter(versions))
    assert last != VERSION
    version = last if request.param == "the last version" else request.param
    if request.param == last:
        pytest.skip("this is the last version")
    before = versions[version]
    archive = git("archive", before, "lead_invoicing")
    subprocess.run(["tar", "-x", "-C", tmp_path], input=archive, check=True)
    return tmp_path


def tell(database, addons_path):
    output = database.run("shell", addons_path, script=TELL)
    (line,) = [line for line in output.splitlines() if line.startswith("told: ")]
    return json.loads(line.removeprefix("told: "))


def test_updates_from_the_version_before(database, version_before):
    paths = [*database.environment.odoo.addons, version_before]
    old = f"--addons-path={','.join(map(str, paths))}"
    new = f"--addons-path={','.join(map(str, database.environment.addons_path))}"
    database.run("-i", "lead_invoicing", "--stop-after-init", old)
    database.run("shell", old, script=USE + USE_MORE)
    before = tell(database, old)
    output = database.run("-u", "lead_invoicing", "--stop-after-init", new)
    assert "WARNING" not in output, output
    after = tell(database, new)
    for kind, records in before.items():
        assert after[kind] == records, kind
    database.run("shell", new, script=f"VERSION = {VERSION!r}\n{LOOK}")
