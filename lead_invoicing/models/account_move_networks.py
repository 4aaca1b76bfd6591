from odoo import api, models
from odoo.tools import html2plaintext


class AccountMove(models.Model):
    """Networks and the post office: the addon works with ``account_peppol`` and
    ``snailmail_account``, and without them. All that it has to know of them stands
    here, and is asked only where they are."""

    _inherit = "account.move"

    def _has_lead_peppol(self):
        return "peppol_move_state" in self._fields

    def _can_lead_go_by(self, method):
        """Tell whether a way of sending is one for this document."""
        if method == "email":
            return bool(self._get_lead_recipients())
        if method in self._get_lead_networks_that_took_it():
            return False
        if method == "peppol" and not self.company_id.peppol_can_send:
            # Odoo offers it to whoever could register, and then fails.
            return False
        return self.env["account.move.send"]._is_applicable_to_move(method, self)

    def _get_lead_networks_that_took_it(self):
        """Return the ways by which this document is with its buyer, or on its way."""
        if self._has_lead_peppol() and self.peppol_move_state in ("processing", "done"):
            return {"peppol"}
        return set()

    def _read_lead_networks(self):
        """Return what the network and the post office say of these documents."""
        reports = {}
        if self._has_lead_peppol():
            reports["peppol"] = {
                move.id: report
                for move in self
                if (report := move._for_lead_responsible()._get_lead_peppol_report())
            }
        if "snailmail.letter" in self.env:
            # The job may read what became of letters.
            letters = self.env["snailmail.letter"].sudo()
            letters = letters.search(
                [("model", "=", self._name), ("res_id", "in", self.ids)], order="id"
            )
            reports["snailmail"] = {
                letter.res_id: self.browse(letter.res_id)
                ._for_lead_responsible()
                ._get_lead_letter_report(letter)
                for letter in letters
            }
        return reports

    def _get_lead_peppol_report(self):
        """Return (state, sentence) of what the network says; None if nothing."""
        return {
            "processing": ("handed_over", ""),
            "done": ("sent", ""),
            "error": (
                "failed",
                self.env._(
                    "The Peppol network did not deliver this document. See its"
                    " messages for the reason, fix the problem, then send it again."
                ),
            ),
        }.get(self.peppol_move_state)

    def _get_lead_letter_report(self, letter):
        """Return (state, sentence) of what the post office says."""
        return {
            "pending": ("handed_over", ""),
            "sent": ("sent", ""),
            "error": (
                "failed",
                self.env._(
                    "The letter was not sent: %s. Fix the problem, then send the"
                    " document again.",
                    html2plaintext(letter.info_msg or letter.error_code or "")
                    .strip()
                    .rstrip("."),
                ),
            ),
            "canceled": (
                "failed",
                self.env._("The letter was canceled. Send the document again."),
            ),
        }[letter.state]

    @api.model
    def _wake_lead_networks(self):
        """Have letters posted, and the network asked again for documents that it took:
        Odoo does either once a day."""
        handed_over = self.search([("lead_delivery_state", "=", "handed_over")])
        if self._has_lead_peppol() and "processing" in handed_over.mapped(
            "peppol_move_state"
        ):
            self.env["ir.cron"]._wake_lead_job(
                "account_peppol.ir_cron_peppol_get_message_status"
            )
        if "snailmail.letter" in self.env:
            # The job may read what became of letters.
            letters = self.env["snailmail.letter"].sudo()
            if letters.search_count(
                [
                    ("model", "=", self._name),
                    ("res_id", "in", handed_over.ids),
                    ("state", "=", "pending"),
                ],
                limit=1,
            ):
                self.env["ir.cron"]._wake_lead_job("snailmail.snailmail_print")
