import logging

from odoo import models

from .lead_invoice_run_buyer import TRY_AGAIN

_logger = logging.getLogger(__name__)


class AccountMoveSend(models.AbstractModel):
    """What leaves here cannot be taken back: nothing of ours is written in these
    transactions, except attempts, which nobody else writes."""

    _inherit = "account.move.send"

    def _get_default_mail_partner_ids(self, move, mail_template, mail_lang):
        if move.lead_run_id:
            return move._get_lead_recipients()
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
        # One document that cannot be printed must not keep the others of its batch
        # from being sent. And a wkhtmltopdf without patched Qt fails on every batch,
        # but prints documents one at a time.
        if len(invoices_data) == 1 or not any(m.lead_run_id for m in invoices_data):
            return super()._prepare_invoice_pdf_report(invoices_data)
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
                    super()._prepare_invoice_pdf_report({move: move_data})
            except TRY_AGAIN:
                raise
            except Exception as error:
                _logger.warning("%s cannot be printed", move.name, exc_info=True)
                move_data["error"] = {
                    "error_title": self.env._(
                        "The PDF could not be made: %(error)s", error=error
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
            self.env["account.move"]._wake_lead_job(
                "mail.ir_cron_mail_scheduler_action"
            )
        return result
