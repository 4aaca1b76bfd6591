import logging

from odoo import models

_logger = logging.getLogger(__name__)


class AccountMoveSend(models.AbstractModel):
    _inherit = "account.move.send"

    def _get_default_mail_partner_ids(self, move, mail_template, mail_lang):
        if move.lead_run_id:
            return move._get_lead_recipients()
        return super()._get_default_mail_partner_ids(move, mail_template, mail_lang)

    def _prepare_invoice_pdf_report(self, invoices_data):
        # One document that cannot be printed must not keep the others of its batch
        # from being sent. And a wkhtmltopdf without patched Qt fails on every batch,
        # but prints documents one at a time.
        if len(invoices_data) == 1 or not any(m.lead_run_id for m in invoices_data):
            return super()._prepare_invoice_pdf_report(invoices_data)
        try:
            with self.env.cr.savepoint():
                return super()._prepare_invoice_pdf_report(invoices_data)
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
            except Exception as error:
                _logger.warning("%s cannot be printed", move.name, exc_info=True)
                move_data["error"] = {
                    "error_title": self.env._(
                        "The PDF could not be made: %(error)s", error=error
                    )
                }

    def _send_mails(self, moves_data):
        result = super()._send_mails(moves_data)
        # What a scheduled action mails only joins Odoo's queue, which is emptied once
        # an hour unless somebody asks.
        if any(move.lead_run_id for move in moves_data):
            # Waking it does nothing that it would not do by itself.
            self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()
        return result

    def _hook_if_errors(self, moves_data, allow_raising=True):
        result = super()._hook_if_errors(moves_data, allow_raising=allow_raising)
        for move, move_data in moves_data.items():
            if move.lead_run_id:
                move._for_lead_responsible()._set_lead_undelivered(
                    "failed", self._format_error_text(move_data["error"])
                )
        return result

    def _hook_if_success(self, moves_data, from_cron=False):
        result = super()._hook_if_success(moves_data, from_cron=from_cron)
        for move, move_data in moves_data.items():
            if move.lead_run_id and "email" not in move_data["sending_methods"]:
                # Sent by another of Odoo's methods, which reports by itself.
                move._set_lead_delivered()
        return result
