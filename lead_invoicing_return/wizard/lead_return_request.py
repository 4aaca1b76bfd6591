from odoo import models


class LeadReturnRequest(models.Model):
    """The buttons of requests that open a dialog."""

    _inherit = "lead.return.request"

    def action_open_decline(self):
        """Ask a clerk why these requests are declined."""
        return self._get_wizard_action(self.env._("Decline"), "decline")

    def action_open_ask(self):
        """Ask a clerk what to ask the buyer."""
        return self._get_wizard_action(self.env._("Ask the Buyer"), "ask")

    def _get_wizard_action(self, name, decision):
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": "lead.return.request.wizard",
            "view_mode": "form",
            "target": "new",
            "context": {
                "default_request_ids": self.ids,
                "default_decision": decision,
            },
        }
