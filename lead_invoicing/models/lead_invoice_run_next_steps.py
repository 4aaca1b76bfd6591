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
        return self._find_next_documents(TO_POST).action_lead_post()

    def action_post_and_send(self):
        """Post the drafts of this run that need no review, and send them."""
        return self._find_next_documents(TO_POST).action_lead_post_and_send()

    def action_resend(self):
        """Send again what did not get to the buyers of this run."""
        return self._find_next_documents(Domain(TO_RESEND_DOMAIN)).action_lead_resend()

    def _find_next_documents(self, domain):
        """Return the documents of this run that a step is for, as many as one request
        has time for.

        :raises UserError: when there is none
        """
        self.ensure_one()
        self.check_access("read")
        documents = self.env["account.move"].search(
            Domain("lead_run_id", "=", self.id) & domain, order="id", limit=MAX_POSTED
        )
        if not documents:
            raise UserError(self.env._("There is nothing left to do here."))
        return documents
