import logging

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..tools.concurrency import TRY_AGAIN
from .mail_activity_mixin import ACTIVITY_TYPE

_logger = logging.getLogger(__name__)


class AccountMove(models.Model):
    """Drafts of runs that a person looks at, and posts."""

    _inherit = "account.move"

    lead_review_reason = fields.Text(
        "To Review Because",
        readonly=True,
        copy=False,
        help="Why the run that created this document kept it as a draft.",
        groups="base.group_user",
    )

    def action_lead_post(self):
        """Post these drafts of runs; one that fails does not hold up the others.

        :return: the action that says how many were posted, and what failed
        :raises AccessError: for users without rights in Lead Invoicing
        """
        return self._post_lead_drafts()

    def action_lead_post_and_send(self):
        """Post these drafts of runs and send them to their buyers; one that fails does
        not hold up the others.

        :return: the action that says how many were posted, and what failed
        :raises AccessError: for users without rights in Lead Invoicing
        """
        return self._post_lead_drafts(send=True)

    def _set_lead_review(self, reason):
        """Note why a person should look at this draft, with an activity for someone.

        :param reason: sentences, each on a line of its own
        """
        self.ensure_one()
        # What looks wrong is written down by whoever may make the document.
        self.sudo().lead_review_reason = reason
        self._tell_lead_responsible(self.env._("Review before confirming"), reason)

    def _end_lead_review(self):
        """Remove the reason and the activity of documents that were decided upon."""
        reviewed = self.filtered("lead_review_reason")
        if reviewed:
            reviewed.activity_unlink([ACTIVITY_TYPE])
            # Whoever may post or cancel a document has looked at it.
            reviewed.sudo().lead_review_reason = False

    def _post_lead_drafts(self, send=False):
        """Post the drafts of runs among these documents: together, and when that
        fails, one by one.

        :param send: send what was posted
        :return: the action that tells the user
        """
        self.env["lead.invoice.run"].check_access("read")
        drafts = self.filtered(lambda move: move.lead_run_id and move.state == "draft")
        if not drafts:
            raise UserError(
                self.env._("Select drafts that were created by an invoice run.")
            )
        posted, failures = drafts._try_to_post_lead_drafts()
        for item, moves in posted.grouped("lead_run_buyer_id").items():
            if item:
                # Posting may leave a message on the item that made the document.
                item.sudo()._notify_insufficient_balance(moves.sudo())
        if send:
            posted._queue_lead_sending()
        return self._get_lead_posted_action(posted, failures)

    def _try_to_post_lead_drafts(self):
        """Post these drafts as far as possible.

        :return: (the documents posted, a sentence for each of the others)
        """
        failures = []
        try:
            with self.env.cr.savepoint():
                posted = self._post(soft=False)
            failures += [
                f"{move._get_lead_draft_name()}: {move.lead_review_reason}"
                for move in self - posted
            ]
            return posted, failures
        except TRY_AGAIN:
            # Nothing is wrong with a document: Odoo repeats the whole request.
            raise
        except Exception as error:
            _logger.info("Lead invoicing: posting %s failed", self, exc_info=True)
            if len(self) == 1:
                reason = self.lead_run_buyer_id._explain(error)
                failures.append(f"{self._get_lead_draft_name()}: {reason}")
                return self.browse(), failures
        posted = self.browse()
        for move in self:
            posted_one, failed = move._try_to_post_lead_drafts()
            posted += posted_one
            failures += failed
        return posted, failures

    def _get_lead_draft_name(self):
        """Return what a clerk knows a draft by, which has no number yet."""
        self.ensure_one()
        return ", ".join(
            filter(None, [self.partner_id.display_name, self.lead_window_label])
        )

    def _get_lead_exception_name(self):
        """Return what a clerk knows a document by in the list of exceptions."""
        self.ensure_one()
        if self.state == "draft" and not self.posted_before:
            return self._get_lead_draft_name()
        return ", ".join(filter(None, [self.name, self.partner_id.display_name]))

    @api.model
    def _get_lead_posted_action(self, posted, failures):
        """Return the action that says what became of drafts that were posted together,
        and shows the list anew."""
        sentences = [self.env._("Documents confirmed: %s.", len(posted))] + failures
        return self._get_lead_told_action("\n".join(sentences), is_bad=bool(failures))

    @api.model
    def _get_lead_told_action(self, message, is_bad=False):
        """Return the action that tells the user something, and reloads the screen."""
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning" if is_bad else "success",
                "sticky": is_bad,
                "message": message,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def _tell_lead_responsible(self, summary, reason, activity_type=ACTIVITY_TYPE):
        """Raise an activity on this document, for whoever looks after its run.

        :param reason: sentences that say what to do
        :param activity_type: the XML id of its type
        """
        self.ensure_one()
        self._tell_lead_responsible_of_each(summary, {self: reason}, activity_type)

    def _tell_lead_responsible_of_each(
        self, summary, reasons, activity_type=ACTIVITY_TYPE
    ):
        """Raise an activity on each of these documents of one run, for whoever looks
        after it; who does not follow the documents for it, and get what buyers get.

        :param reasons: {document: sentences that say what to do}
        :param activity_type: the XML id of its type
        """
        followers = {move: move.message_partner_ids for move in self}
        # Whoever makes or sends a document need not be allowed to see its run.
        user = self[:1].sudo()._get_lead_run()._get_responsible()
        self._schedule_lead_activities(
            summary, reasons, self.company_id, user, activity_type
        )
        for move in self:
            move.message_unsubscribe((move.message_partner_ids - followers[move]).ids)
