from odoo import models


class LeadInvoiceRun(models.Model):
    """What stopped a run, and who had it go on, in its chatter. Nobody is notified."""

    _inherit = "lead.invoice.run"

    def _stop(self, trouble):
        res = super()._stop(trouble)
        for run in self:
            run._message_log(body=self.env._("Stopped: %s", trouble))
        return res

    def _resume(self):
        res = super()._resume()
        for run in self:
            run._message_log(body=self.env._("Continued after it had stopped."))
        return res
