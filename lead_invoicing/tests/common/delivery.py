import email
import email.policy
from unittest.mock import patch

from .generation import GenerationCommon
from .optional_packages import Controller, needs_smtp_server


class LoopbackController(Controller or object):
    """The controller of aiosmtpd on a port that the system chooses."""

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        return super()._trigger_server()


class Catcher:
    """A real SMTP server on loopback that keeps what it is given."""

    def __init__(self):
        self.mails = []
        # Whom each went to, whatever it says.
        self.recipients = []
        self.refuse = ()

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if address in self.refuse:
            return "550 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.recipients += envelope.rcpt_tos
        self.mails.append(
            email.message_from_bytes(envelope.content, policy=email.policy.default)
        )
        return "250 OK"


@needs_smtp_server
class DeliveryCommon(GenerationCommon):
    def setUp(self):
        super().setUp()
        self.catcher = Catcher()
        controller = LoopbackController(self.catcher, hostname="127.0.0.1", port=0)
        controller.start()
        self.addCleanup(controller.stop)
        mail_server = self.env.registry["ir.mail_server"]
        # Odoo sends nothing in tests; here it shall, to loopback.
        self.startPatcher(
            patch.object(mail_server, "_disable_send", classmethod(lambda cls: False))
        )
        self.env["ir.mail_server"].sudo().search([]).active = False
        self.env["ir.mail_server"].sudo().create(
            {
                "name": "Catcher",
                "smtp_host": "127.0.0.1",
                "smtp_port": controller.port,
                "smtp_encryption": "none",
            }
        )
        self.company.email = "billing@example.com"
        self.cycle.posting = "send"
        self.send_cron = self.env.ref("account.ir_cron_account_move_send")
        self.mail_cron = self.env.ref("mail.ir_cron_mail_scheduler_action")
        self.follow_cron = self.env.ref("lead_invoicing.ir_cron_follow_deliveries")

    def send(self):
        """Let Odoo's own jobs print and send what is queued, and ours tell of it."""
        with self.enter_registry_test_mode():
            self.send_cron.method_direct_trigger()
            self.mail_cron.method_direct_trigger()
        self.follow()

    def follow(self):
        """Let the job of ours carry over what became of what was sent."""
        with self.enter_registry_test_mode():
            self.follow_cron.method_direct_trigger()
        self.env.invalidate_all()

    def send_by_hand(self, move, **vals):
        """Send a document as a clerk does, on its form."""
        wizard = self.env["account.move.send.wizard"].with_context(
            active_model="account.move", active_ids=move.ids
        )
        wizard.create(vals).action_send_and_print()
