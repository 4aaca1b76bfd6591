from odoo import api, fields, models


class LeadReturnRequestWizard(models.TransientModel):
    """Asks a clerk what a buyer is told of requests that are declined, or asked."""

    _name = "lead.return.request.wizard"
    _description = "Answer Lead Return Requests"

    request_ids = fields.Many2many("lead.return.request", required=True, readonly=True)
    request_count = fields.Integer("Requests", compute="_compute_request_count")
    decision = fields.Selection(
        [("decline", "Decline"), ("ask", "Ask the buyer")], required=True, readonly=True
    )
    answer = fields.Text(required=True)

    @api.depends("request_ids")
    def _compute_request_count(self):
        for wizard in self:
            wizard.request_count = len(wizard.request_ids)

    def action_confirm(self):
        """Decline the requests, or ask their buyers.

        :raises UserError: naming one that cannot be decided any more
        """
        self.ensure_one()
        if self.decision == "decline":
            self.request_ids.action_decline(self.answer)
        else:
            self.request_ids.action_ask(self.answer)
        return {"type": "ir.actions.act_window_close"}
