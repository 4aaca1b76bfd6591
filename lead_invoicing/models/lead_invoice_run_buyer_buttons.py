from odoo import models
from odoo.fields import Domain


class LeadInvoiceRunBuyer(models.Model):
    """What a clerk does with rows of the workbench, one or many: each is the rule that
    the documents have for it."""

    _inherit = "lead.invoice.run.buyer"

    def action_review(self):
        """Open the drafts of these buyers."""
        return self.env["lead.invoice.run"]._get_documents_action(
            self.env._("To Review"),
            Domain("lead_run_buyer_id", "in", self.ids) & Domain("state", "=", "draft"),
        )

    def action_approve(self):
        """Note that the drafts of these buyers were checked."""
        return self.invoice_ids.action_lead_approve()

    def action_post(self):
        """Post the drafts of these buyers."""
        return self.invoice_ids.action_lead_post()

    def action_post_and_send(self):
        """Post the drafts of these buyers, and send them."""
        return self.invoice_ids.action_lead_post_and_send()

    def action_resend(self):
        """Send again what did not get to these buyers, in the background."""
        return self.invoice_ids.action_lead_resend()
