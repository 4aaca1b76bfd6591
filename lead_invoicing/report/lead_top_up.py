from odoo import models


class LeadTopUp(models.Model):
    """A request for a top-up on paper."""

    _inherit = "lead.top.up"

    def action_print(self):
        """Download the request as PDF."""
        return self.env.ref("lead_invoicing.action_report_top_up").report_action(self)
