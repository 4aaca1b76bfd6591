from odoo import models


class AccountMoveSendWizard(models.TransientModel):
    _inherit = "account.move.send.wizard"

    def _get_lead_documents(self):
        return self.move_id

    def action_send_and_print(self, allow_fallback_pdf=False):
        """Send the document, once.

        :raises UserError: where somebody else has sent it meanwhile
        """
        self._check_lead_attempts_seen()
        return super().action_send_and_print(allow_fallback_pdf=allow_fallback_pdf)


class AccountMoveSendBatchWizard(models.TransientModel):
    _inherit = "account.move.send.batch.wizard"

    def _get_lead_documents(self):
        return self.move_ids

    def action_send_and_print(self, force_synchronous=False, allow_fallback_pdf=False):
        """Send the documents, or have them sent, once.

        :raises UserError: where somebody else has sent some of them meanwhile
        """
        self._check_lead_attempts_seen()
        return super().action_send_and_print(
            force_synchronous=force_synchronous, allow_fallback_pdf=allow_fallback_pdf
        )
