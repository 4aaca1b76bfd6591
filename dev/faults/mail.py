"""A mail server that can be slow, refuse, hang up, or be gone."""

import asyncio
import email
import email.policy
import re
from collections import Counter

from aiosmtpd.controller import Controller

# Odoo writes the record that a mail was sent for into its Message-Id.
DOCUMENT = re.compile(r"openerp-(\d+)-account\.move\b")


class MailServer:
    """Listens on a port of loopback and remembers what it took.

    `mode` is one of ``take``, ``slow`` (takes it after a while), ``later`` (451),
    ``refuse`` (550) and ``hang up`` (ends the connection instead of an answer);
    `asked` counts the mails that it was handed in each of them.
    """

    def __init__(self, port):
        self.port = port
        self.mode = "take"
        self.taken = []
        self.asked = Counter()
        self._controller = None

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        mode = self.mode
        self.asked[mode] += 1
        if mode == "slow":
            await asyncio.sleep(2)
        elif mode == "later":
            return "451 Come back later"
        elif mode == "refuse":
            return "550 Not wanted"
        elif mode == "hang up":
            server.transport.abort()
            return "421 Gone"
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        found = DOCUMENT.search(mail["Message-Id"] or "")
        if found:
            self.taken.append((int(found[1]), mail["Message-Id"].strip()))
        return "250 Taken"

    def start(self):
        self._controller = Controller(
            self, hostname="127.0.0.1", port=self.port, data_size_limit=None
        )
        self._controller.start()

    def stop(self):
        """Be gone: connections are refused from now on."""
        if self._controller:
            self._controller.stop()
            self._controller = None

    def count_by_document(self):
        return Counter(document for document, _message_id in self.taken)
