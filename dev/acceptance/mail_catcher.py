"""A mail server that takes every mail, delivers none and keeps all as files.

A program of its own, run by the Python of Odoo, which has aiosmtpd: `mail_catcher.py
FOLDER` prints the port it listens on and ends when its standard input does.
"""

import email
import email.policy
import re
import sys
from pathlib import Path

from aiosmtpd.controller import Controller


class MailCatcher:
    """Listens on loopback and writes each mail as `.eml`, its PDF files beside it."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.count = 0
        for name in ("mails", "pdf"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.count += 1
        content = envelope.content
        stem = f"{self.count:05d}"
        (self.folder / "mails" / f"{stem}.eml").write_bytes(content)
        message = email.message_from_bytes(content, policy=email.policy.default)
        for part in message.iter_attachments():
            if part.get_content_type() == "application/pdf":
                self._write_pdf(stem, part)
        return "250 Kept"

    def _write_pdf(self, stem, part):
        name = re.sub(r"[^\w.-]+", "_", part.get_filename() or "document.pdf")
        target = self.folder / "pdf" / f"{stem}-{name}"
        target.write_bytes(part.get_payload(decode=True))


class _LoopbackController(Controller):
    """aiosmtpd's controller, asking its own socket where it listens.

    The parent connects once to `port` to see that the server answers; with port 0 it
    would ask in vain.
    """

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


def main(folder):
    # Port 0: the system gives a free one.
    controller = _LoopbackController(
        MailCatcher(folder), hostname="127.0.0.1", port=0, data_size_limit=None
    )
    controller.start()
    print(controller.port, flush=True)
    sys.stdin.read()
    controller.stop()


if __name__ == "__main__":
    main(sys.argv[1])
