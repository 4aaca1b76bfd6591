from odoo import api, models

from ..recording.returns import ReturnsOnRequest


class LeadSale(models.Model):
    """The ledger knows which returns were made on a buyer's request."""

    _inherit = "lead.sale"

    @api.model
    def _get_recorder(self, company, file_options=None):
        recorder = super()._get_recorder(company, file_options)
        self.env["lead.return.request"].flush_model()
        base = type(recorder)
        made = type("RequestRecorder", (ReturnsOnRequest, base), {})
        return made(recorder.env, company, recorder.rules, recorder.formats)
