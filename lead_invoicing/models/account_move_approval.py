from odoo import models
from odoo.exceptions import UserError

from .account_move_delivery import TO_RESEND_DOMAIN


class AccountMove(models.Model):
    """Drafts kept for review that a person has looked at and found right."""

    _inherit = "account.move"

    def action_lead_approve(self):
        """Note that these drafts were checked: they are no longer to be reviewed, and
        wait to be confirmed.

        :raises UserError: when none of them is to be reviewed
        :raises AccessError: for users without rights in Lead Invoicing
        """
        self.env["lead.invoice.run"].check_access("read")
        kept = self.filtered(
            lambda move: move.state == "draft" and move.lead_review_reason
        )
        if not kept:
            raise UserError(self.env._("None of these documents needs review."))
        kept.check_access("write")
        kept._end_lead_review()

    def action_lead_resend(self):
        """Send those of these posted documents that did not get to their buyers, in the
        background; what is on its way or has arrived does not go again, nor to those
        recipients that have it.

        :return: the action that says how many will be sent
        :raises UserError: when there is none
        :raises AccessError: for users without rights in Lead Invoicing
        """
        self.env["lead.invoice.run"].check_access("read")
        # What waits is sent by itself: nothing is sent twice.
        unsent = self.filtered("lead_run_id").filtered_domain(TO_RESEND_DOMAIN)
        if not unsent:
            raise UserError(
                self.env._(
                    "All of these documents were sent, or are waiting to be sent."
                )
            )
        unsent.check_access("write")
        unsent._queue_lead_sending(unsent._find_lead_reached())
        return self._get_lead_told_action(
            self.env._("Documents that will be sent now: %s.", len(unsent))
        )

    def action_lead_view_doubtful(self):
        """Open the leads behind what is to be reviewed: those of this draft without a
        price or billed to the buyer more than once; all of them, when it is kept for
        another reason."""
        self.ensure_one()
        self.check_access("read")
        sales = self.env["lead.sale"]
        sales.check_access("read")
        own = [("invoice_id", "=", self.id)]
        doubtful = self.env["lead.invoice.run.buyer"]._find_doubtful_sales(self)
        domain = [*own, ("id", "in", doubtful.ids)] if doubtful else own
        name = self.env._("Leads to Check")
        return {
            **sales._get_view_action(domain),
            "name": name,
            "display_name": name,
        }
