import logging

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..tools.concurrency import TRY_AGAIN
from ..tools.machine import PrinterError, is_momentary

_logger = logging.getLogger(__name__)


class AccountMoveSend(models.AbstractModel):
    """What leaves here cannot be taken back: nothing of ours is written in these
    transactions, except attempts, which nobody else writes."""

    _inherit = "account.move.send"

    # Stored in what a person opens to send documents, as this model's other fields are.
    lead_attempts_seen = fields.Integer(
        compute="_compute_lead_attempts_seen",
        store=True,
        precompute=True,
        readonly=False,
        help="How often its lead documents had been sent when this was opened.",
    )

    @api.depends()
    def _compute_lead_attempts_seen(self):
        for wizard in self:
            wizard.lead_attempts_seen = len(wizard._find_lead_attempts())

    def _get_lead_documents(self):
        """Return the lead documents that a person is about to send; wizards know."""
        return self.env["account.move"]

    def _find_lead_attempts(self):
        """Return when, so far, these lead documents were sent."""
        self.ensure_one()
        documents = self._get_lead_documents()._origin.filtered("lead_run_id")
        # Whoever may send documents is told whether they were sent.
        attempts = self.env["lead.delivery.attempt"].sudo()
        return attempts.search(
            [("move_id", "in", documents.ids), ("error", "=", False)]
        )

    def _check_lead_attempts_seen(self):
        """Refuse to send what somebody else has sent since this was opened.

        :raises UserError: naming the documents
        """
        self.ensure_one()
        since = self._find_lead_attempts().sorted("id")[self.lead_attempts_seen :]
        if since:
            raise UserError(
                self.env._(
                    "%s was sent while this window was open. Close it, and look at what"
                    " was sent before you send it again.",
                    ", ".join(since.move_id.mapped("display_name")),
                )
            )

    def _generate_and_send_invoices(
        self,
        moves,
        from_cron=False,
        allow_raising=True,
        allow_fallback_pdf=False,
        **custom_settings,
    ):
        """Send documents: each lead document by one at a time.

        :raises UserError: for one that somebody else is sending
        """
        if not from_cron:
            # The job has locked those that it sends.
            moves._lock_lead_sending()
        return super()._generate_and_send_invoices(
            moves,
            from_cron=from_cron,
            allow_raising=allow_raising,
            allow_fallback_pdf=allow_fallback_pdf,
            **custom_settings,
        )

    def _get_default_mail_partner_ids(self, move, mail_template, mail_lang):
        if move.lead_run_id:
            return move._get_lead_recipients_to_send()
        return super()._get_default_mail_partner_ids(move, mail_template, mail_lang)

    def _call_web_service_after_invoice_pdf_render(self, invoices_data):
        # A network that took a document was told so for good, whatever became of
        # Odoo's transaction afterwards: it does not get it a second time.
        for move, move_data in invoices_data.items():
            if move.lead_run_id:
                taken = move._get_lead_networks_that_took_it()
                move_data["sending_methods"] = [
                    method
                    for method in move_data["sending_methods"]
                    if method not in taken
                ]
        return super()._call_web_service_after_invoice_pdf_render(invoices_data)

    def _prepare_invoice_pdf_report(self, invoices_data):
        """Print documents.

        :raises PrinterError: where the machine cannot just now; nothing has left yet
        """
        # One document that cannot be printed must not keep the others of its batch
        # from being sent. And a wkhtmltopdf without patched Qt fails on every batch,
        # but prints documents one at a time.
        if len(invoices_data) == 1 or not any(m.lead_run_id for m in invoices_data):
            try:
                return super()._prepare_invoice_pdf_report(invoices_data)
            except Exception as error:
                if not is_momentary(error):
                    raise
                raise PrinterError(str(error) or type(error).__name__) from error
        try:
            with self.env.cr.savepoint():
                return super()._prepare_invoice_pdf_report(invoices_data)
        except TRY_AGAIN:
            # Nothing is wrong with the printing.
            raise
        except Exception:
            _logger.info(
                "%s documents cannot be printed at once, one by one now",
                len(invoices_data),
                exc_info=True,
            )
        for move, move_data in invoices_data.items():
            try:
                with self.env.cr.savepoint():
                    self._prepare_invoice_pdf_report({move: move_data})
            except (*TRY_AGAIN, PrinterError):
                raise
            except Exception as error:
                _logger.warning("%s cannot be printed", move.name, exc_info=True)
                move_data["error"] = {
                    "error_title": self.env._(
                        "The PDF could not be created: %(error)s", error=error
                    )
                }

    def _hook_if_errors(self, moves_data, allow_raising=True):
        result = super()._hook_if_errors(moves_data, allow_raising=allow_raising)
        self.env["lead.delivery.attempt"]._log(moves_data)
        return result

    def _hook_if_success(self, moves_data, from_cron=False):
        result = super()._hook_if_success(moves_data, from_cron=from_cron)
        self.env["lead.delivery.attempt"]._log(moves_data)
        if from_cron and any(move.lead_run_id for move in moves_data):
            # What a scheduled action mails only joins Odoo's queue, which is emptied
            # once an hour unless somebody asks. What a person sends, Odoo mails at
            # once: nobody else should try at the same moment.
            self.env["ir.cron"]._wake_lead_job("mail.ir_cron_mail_scheduler_action")
        return result
