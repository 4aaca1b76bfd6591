from odoo import models


class AccountMoveSendWizard(models.TransientModel):
    _inherit = "account.move.send.wizard"

    def _get_lead_documents(self):
        return self.move_id

    def action_send_and_print(self, **settings):
        """Send the document, once.

        :raises UserError: where somebody else has sent it meanwhile
        """
        self._check_lead_attempts_seen()
        return super().action_send_and_print(**settings)


class AccountMoveSendBatchWizard(models.TransientModel):
    _inherit = "account.move.send.batch.wizard"

    def _get_lead_documents(self):
        return self.move_ids

    def action_send_and_print(self, **settings):
        """Send the documents, or have them sent, once.

        :raises UserError: where somebody else has sent some of them meanwhile
        """
        self._check_lead_attempts_seen()
        return super().action_send_and_print(**settings)
