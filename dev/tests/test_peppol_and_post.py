"""With Odoo's addons for Peppol and the post, in a database of its own: billing asks
nothing outside, a way counts where it applies, the state of a document is what the
network and the post office say, and no mail goes twice, with real transactions."""

# Runs in `odoo shell`: a Belgian company with buyers, a mail server, a post office, and
# a recorder of everybody that Python calls.
WORLD = """
import json
import logging
import socket
import threading
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer

from aiosmtpd.controller import Controller

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry

registry = Registry(env.cr.dbname)
env = env(user=env.ref("base.user_root"))
called = []
real_lookup = socket.getaddrinfo


def lookup(host, *args, **kwargs):
    if host in ("127.0.0.1", "localhost", "::1", None):
        return real_lookup(host, *args, **kwargs)
    called.append(host)
    raise socket.gaierror(f"{host} is outside")


real_connect = socket.socket.connect


def connect(self, address):
    if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1"):
        called.append(address)
        raise OSError(f"{address} is outside")
    return real_connect(self, address)


socket.getaddrinfo = lookup
socket.socket.connect = connect


class Mails:
    # What arrives; `meanwhile` happens while a mail is taken.
    def __init__(self):
        self.subjects, self.meanwhile = [], None

    async def handle_DATA(self, server, session, envelope):
        text = envelope.content.decode(errors="replace")
        self.subjects += [x for x in text.splitlines() if x.startswith("Subject")]
        if self.meanwhile:
            worker = threading.Thread(target=self.meanwhile)
            worker.start()
            worker.join()
        return "250 OK"


class Loopback(Controller):
    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


logging.getLogger("mail.log").setLevel(logging.WARNING)
mails = Mails()
smtp = Loopback(mails, hostname="127.0.0.1", port=0)
smtp.start()
env["ir.mail_server"].search([]).active = False
env["ir.mail_server"].create(
    {
        "name": "Catcher",
        "smtp_host": "127.0.0.1",
        "smtp_port": smtp.port,
        "smtp_encryption": "none",
    }
)
company = env.company
company.country_id = env.ref("base.be")
company.email = "billing@example.com"
env["account.chart.template"].try_loading("generic_coa", company)
env["ir.config_parameter"].set_param("web.base.url", "http://127.0.0.1:9")
cycle = env["lead.billing.cycle"].create(
    {"name": "Weekly", "tz": "Europe/Brussels", "posting": "send"}
)
product = env["product.product"].create({"name": "Lead", "type": "service"})
env["lead.type"].create({"name": "Auto", "code": "AUTO", "product_id": product.id})
env.cr.commit()
numbers = iter(range(1000))
triggers = env["ir.cron.trigger"]


def new_buyer(name, **vals):
    return env["res.partner"].create(
        {
            "name": name,
            "ref": name,
            "email": f"{name.replace(' ', '_')}@example.com",
            "is_company": True,
            "country_id": env.ref("base.be").id,
            "lead_billing_cycle_id": cycle.id,
            **vals,
        }
    )


def bill(*buyers):
    moment = datetime.now(timezone.utc) - timedelta(days=10)
    answers = env["lead.sale"].record_transactions(
        [
            {
                "external_ref": f"T{next(numbers)}",
                "type": "sale",
                "occurred_at": moment.isoformat(),
                "buyer_ref": buyer.ref,
                "lead_type": "AUTO",
                "price": 10,
            }
            for buyer in buyers
        ]
    )
    assert {answer["status"] for answer in answers} == {"created"}, answers
    cycle.next_generation_at = datetime.now() - timedelta(days=8)
    env.cr.commit()
    moves = env["account.move"].search([("lead_run_id", "!=", False)])
    for _call in range(5):
        env["lead.billing.cycle"]._cron_generate_invoices()
    moves = env["account.move"].search([("lead_run_id", "!=", False)]) - moves
    assert len(moves) == len(buyers), moves
    return [moves.filtered(lambda m: m.partner_id == buyer) for buyer in buyers]


def send():
    while env["account.move"].search_count([("sending_data", "!=", False)]):
        env["account.move"]._cron_account_move_send()
    env["mail.mail"].process_email_queue()
    env.cr.commit()
    follow()


def follow():
    env["account.move"]._cron_follow_lead_deliveries()
    env.cr.commit()


def expect(move, state, *words):
    assert move.state == "posted"
    notes = " ".join(str(note) for note in move.activity_ids.mapped("note"))
    assert move.lead_delivery_state == state, (move.lead_delivery_state, notes)
    assert bool(notes) == (state in ("failed", "no_address", "by_hand")), notes
    assert all(word in notes for word in words), notes
"""

# Before the company is registered anywhere.
BILLING = """
peppol = {"peppol_eas": "0208", "peppol_endpoint": "0239843188"}
buyers = [new_buyer(f"be{number}", **peppol) for number in range(3)]
env.cr.commit()
assert set(env["res.partner"].browse([b.id for b in buyers]).mapped(
    "peppol_verification_state")) == {"not_verified"}
called.clear()
documents = bill(*buyers)
cycle.posting = "draft"
(draft,) = bill(buyers[0])
draft.action_lead_post_and_send()
env.cr.commit()
cycle.posting = "send"
assert not called, called
assert {d.lead_delivery_state for d in [*documents, draft]} == {"to_send"}
send()
assert called, "the job that sends does ask"
for document in [*documents, draft]:
    expect(document, "sent")
assert len(mails.subjects) == 4, mails.subjects

# Not registered, with a buyer who is: the others get theirs, and this one by email.
# One who wants nothing else is told of.
mails.subjects.clear()
there, only_there = new_buyer("there", **peppol), new_buyer("only_there", **peppol)
(there + only_there).peppol_verification_state = "valid"
only_there.invoice_sending_method = "peppol"
by_mail, not_at_all, other = bill(there, only_there, buyers[1])
send()
expect(by_mail, "sent")
expect(other, "sent")
expect(not_at_all, "failed", "not registered", "by Peppol")
assert not_at_all.lead_run_id.not_sent_count == 1
assert not_at_all.lead_run_id.state == "done"
assert len(mails.subjects) == 2, mails.subjects
"""

# Peppol in its demonstration mode.
PEPPOL = """
env["ir.config_parameter"].set_param("account_peppol.edi.mode", "demo")
company.write({"peppol_eas": "0208", "peppol_endpoint": "0477472701"})
company.vat = "BE0477472701"
company.write({"street": "1", "zip": "1", "city": "C"})
env["peppol.registration"]._create_connection("0208:0477472701", "uuid", company)
env.cr.commit()
assert company.peppol_can_send
absent = new_buyer("absent", invoice_sending_method="peppol")
absent.peppol_verification_state = "not_valid"
taken, missing = bill(only_there, absent)
send()
expect(missing, "failed", "cannot be reached")
expect(taken, "handed_over")
assert taken.peppol_move_state == "processing"
asking = env.ref("account_peppol.ir_cron_peppol_get_message_status")
triggers.search([]).unlink()
follow()
assert asking in triggers.search([]).cron_id, "the network is asked again"
env["account_edi_proxy_client.user"]._cron_peppol_get_message_status()
follow()
expect(taken, "sent")
taken.peppol_move_state = "processing"
taken.lead_delivery_state = "handed_over"
taken.peppol_move_state = "error"
follow()
expect(taken, "failed", "Peppol")
# Sent by mail instead, it is sent.
wizard = env["account.move.send.wizard"].with_context(
    active_model="account.move", active_ids=taken.ids
)
wizard.create({"sending_methods": ["email"]}).action_send_and_print()
env.cr.commit()
follow()
expect(taken, "sent")

# The network took it, then the transaction failed: it is not handed over again.
(again,) = bill(only_there)
again.peppol_move_state = "processing"
env.cr.commit()
sent = []
User = type(env["account_edi_proxy_client.user"])
real_call = User._call_peppol_proxy
User._call_peppol_proxy = lambda self, *args, **kw: sent.append(args)
send()
User._call_peppol_proxy = real_call
assert not sent, sent
expect(again, "handed_over")
"""

# By post: a post office that answers as Odoo's does.
POST = """
class Office(BaseHTTPRequestHandler):
    answer = {"error": "CREDIT_ERROR"}

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        params = json.loads(self.rfile.read(length))["params"]
        documents = [
            {"letter_id": d["letter_id"], **self.answer} for d in params["documents"]
        ]
        result = {"request_code": 200, "request": {"documents": documents}}
        text = json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        pass


office = HTTPServer(("127.0.0.1", 0), Office)
threading.Thread(target=office.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{office.server_port}"
env["ir.config_parameter"].set_param("snailmail.endpoint", address)
vague = new_buyer("vague", invoice_sending_method="snailmail")
clear = new_buyer(
    "clear", invoice_sending_method="snailmail", street="1", zip="1", city="C"
)
nowhere, letter_move = bill(vague, clear)
mails.subjects.clear()
send()
assert not mails.subjects, mails.subjects
expect(nowhere, "no_address", "mailing address")
expect(letter_move, "handed_over")
posting = env.ref("snailmail.snailmail_print")
assert posting in triggers.search([]).cron_id, "the letter is posted soon"
env["snailmail.letter"]._snailmail_cron()
follow()
expect(letter_move, "failed", "credits")
Office.answer = {"sent": True, "send_id": "L1"}
env["snailmail.letter"]._snailmail_cron()
follow()
expect(letter_move, "sent")
(canceled,) = bill(clear)
send()
env["snailmail.letter"].search([("res_id", "=", canceled.id)]).cancel()
follow()
expect(canceled, "failed", "canceled")
"""

# Somebody changes the document while its mail is taken: by the queue, and by a clerk.
RACES = """
def touch():
    with registry.cursor() as cr:
        move = api.Environment(cr, SUPERUSER_ID, {})["account.move"].browse(raced.id)
        move.write({"ref": f"touched {len(mails.subjects)}"})
        move.line_ids.flush_recordset()


mails.subjects.clear()
(raced,) = bill(new_buyer("raced"))
mails.meanwhile = touch
send()
mails.meanwhile = None
send()
assert len(mails.subjects) == 1, mails.subjects
env.invalidate_all()
assert raced.ref == "touched 1", raced.ref
expect(raced, "sent")

cycle.posting = "post"
mails.subjects.clear()
(raced,) = bill(new_buyer("raced again"))
mails.meanwhile = touch
wizard = env["account.move.send.wizard"].with_context(
    active_model="account.move", active_ids=raced.ids
)
wizard.create({"sending_methods": ["email"]}).action_send_and_print()
env.cr.commit()
mails.meanwhile = None
send()
assert len(mails.subjects) == 1, mails.subjects
env.invalidate_all()
assert raced.ref == "touched 1", raced.ref
expect(raced, "sent")

# A document touched, and not yet committed, while the job of ours looks at it.
with registry.cursor() as cr:
    cr.execute("UPDATE account_move SET ref = 'held' WHERE id = %s", [raced.id])
    notification = env["mail.notification"].search(
        [("mail_message_id.res_id", "=", raced.id), ("res_partner_id", "!=", False)]
    )
    notification.write({"notification_status": "bounce", "failure_reason": "Gone"})
    env.cr.commit()
    follow()
    env.invalidate_all()
    expect(raced, "sent")
env.cr.commit()
follow()
env.invalidate_all()
expect(raced, "failed", "Gone")
"""


def test_nothing_goes_twice_and_what_is_said_to_be_sent_was_sent(database):
    database.run(
        "-i", "lead_invoicing,account_peppol,snailmail_account", "--stop-after-init"
    )
    database.run("shell", script=WORLD + BILLING + PEPPOL + POST + RACES)
