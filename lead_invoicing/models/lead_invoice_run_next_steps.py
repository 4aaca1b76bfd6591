from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Domain

from .account_move_delivery import TO_RESEND_DOMAIN
from .lead_invoice_run_totals import TO_POST

# So many documents are posted by one click: what a request has time for.
MAX_POSTED = 400


class LeadInvoiceRun(models.Model):
    """The next steps of a run, for all of its documents: each is the rule that the
    documents have for it. What is to be reviewed stays until somebody approves it."""

    _inherit = "lead.invoice.run"

    def action_post(self):
        """Post the drafts of this run that need no review."""
        return self._take_next_step(TO_POST, "action_lead_post")

    def action_post_and_send(self):
        """Post the drafts of this run that need no review, and send them."""
        return self._take_next_step(TO_POST, "action_lead_post_and_send")

    def action_resend(self):
        """Send again what did not get to the buyers of this run."""
        return self._take_next_step(Domain(TO_RESEND_DOMAIN), "action_lead_resend")

    def _take_next_step(self, domain, step):
        """Take a step with the documents of this run that it is for, as many as one
        request has time for.

        :param step: the name of their method
        :return: the action that tells what was done, and how many are left
        :raises UserError: when there is none
        """
        self.ensure_one()
        self.check_access("read")
        domain &= Domain("lead_run_id", "=", self.id)
        documents = self.env["account.move"].search(
            domain, order="id", limit=MAX_POSTED
        )
        if not documents:
            raise UserError(self.env._("There is nothing left to do here."))
        left = 0
        if len(documents) == MAX_POSTED:
            left = documents.search_count(domain) - MAX_POSTED
        action = getattr(documents, step)()
        if left:
            params = action["params"]
            told = self.env._("Documents left: %s. Click again to continue.", left)
            params["message"] = f"{params['message']}\n{told}"
            params["sticky"] = True
        return action
