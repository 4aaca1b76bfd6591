import logging

from odoo import api, fields, models
from odoo.exceptions import RedirectWarning, UserError
from odoo.tools import formatLang

from ..tools.concurrency import TRY_AGAIN
from ..tools.protected_fields import EngineOnly
from .mail_activity_mixin import ACTIVITY_TYPE

_logger = logging.getLogger(__name__)


class ClaimError(Exception):
    """The transactions that were claimed are not those that were counted."""


class LeadInvoiceRunBuyer(EngineOnly, models.Model):
    """The work item of one buyer in one run: what is locked, shown and retried.

    A batch of items is one database transaction: count, make the documents, claim
    their transactions, compare, post last. When it fails, it is rolled back and its
    buyers are invoiced one by one, so that only the failing ones are parked.
    """

    _name = "lead.invoice.run.buyer"
    _description = "Buyer of a Lead Invoice Run"
    _order = "run_id desc, id"
    _rec_name = "partner_id"

    run_id = fields.Many2one(
        "lead.invoice.run", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, ondelete="cascade"
    )
    partner_id = fields.Many2one(
        "res.partner",
        "Buyer",
        required=True,
        readonly=True,
        ondelete="restrict",
    )
    window_end = fields.Datetime(
        related="run_id.window_end",
        store=True,
        help="The end of the run's billing period, stored here for searching.",
    )
    state = fields.Selection(
        [
            ("todo", "To do"),
            ("done", "Done"),
            ("failed", "Failed"),
            ("skipped", "Skipped"),
        ],
        required=True,
        readonly=True,
        default="todo",
    )
    message = fields.Text(readonly=True)
    held_back = fields.Boolean(
        readonly=True,
        help="Leads were carried forward to the next billing period: their total was"
        " below the amount from which the buyer is invoiced, or zero.",
    )
    invoice_ids = fields.One2many(
        "account.move", "lead_run_buyer_id", "Documents", readonly=True
    )

    _run_state_idx = models.Index("(run_id, state)")
    # The latest work item of a buyer.
    _partner_window_idx = models.Index(
        "(partner_id, company_id, window_end DESC, id DESC)"
    )
    # What is to be done next?
    _todo_idx = models.Index("(run_id, id) WHERE state = 'todo'")

    # Actions

    def action_retry(self):
        """Put failed buyers back in line; the scheduled action invoices them."""
        self.check_access("read")
        # Who may see a failure may have it tried again; nobody edits work items.
        failed = self.sudo().filtered(lambda item: item.state == "failed")
        failed.write({"state": "todo", "message": False})
        failed.run_id.filtered(lambda run: run.state in ("failed", "done")).write(
            {"state": "running"}
        )
        self.env["lead.invoice.run"]._trigger_generation()

    def action_view_invoices(self):
        """Open the documents of this buyer in this run."""
        self.ensure_one()
        action = self.run_id.action_view_invoices()
        action["domain"] = [("lead_run_buyer_id", "=", self.id)]
        return action

    def action_view_partner(self):
        """Open the buyer, to fix what keeps it from being invoiced."""
        self.ensure_one()
        return self.partner_id._get_records_action()

    # Processing

    def _process(self):
        """Invoice these buyers of one run in one transaction, and commit. When that
        fails, invoice them one by one, and park who fails alone; when others changed
        the same rows meanwhile, in halves, down to those that are still changing.

        :return: how many items were dealt with (done, skipped or parked)
        """
        if not self:
            return 0
        try:
            items = self._lock_todo()
            ready = items._follow_buyers()
            if ready := ready - ready._refuse():
                ready._generate()
            self.env["ir.cron"]._commit_progress(len(items))
            return len(items)
        except TRY_AGAIN:
            # Somebody else changed the same rows: nothing is lost. The smaller a batch,
            # the sooner it is over; who is alone is left to the next call.
            self.env.cr.rollback()
            half = len(self) // 2
            return half and self[:half]._process() + self[half:]._process()
        except Exception as error:
            self.env.cr.rollback()
            if len(self) == 1:
                return self._park(error)
            _logger.info(
                "Lead invoicing: %s buyers failed together, one by one now",
                len(self),
                exc_info=True,
            )
        return sum(item._process() for item in self)

    def _lock_todo(self):
        """Lock and return those of these items that still are to be done."""
        items = self.try_lock_for_update().filtered(lambda item: item.state == "todo")
        # An edit of a contact that is committed before the document naming it would
        # undo the batch: those that begin now wait for it. Who is editing already is
        # not waited for.
        items.partner_id.try_lock_for_update(allow_referencing=True)
        return items

    def _follow_buyers(self):
        """Let these items bill the commercial entities that their buyers belong to by
        now, each once: contacts are moved and merged while a run waits.

        :return: the items to go on with
        """
        left, seen = self.browse(), set()
        for item in self:
            buyer = item.partner_id.commercial_partner_id
            if item.partner_id != buyer:
                item._unlink_activities()
                if item._is_of_other_cycle(buyer):
                    item.write(
                        {
                            "state": "skipped",
                            "message": self.env._(
                                "Now belongs to %s, which another billing cycle"
                                " invoices, with all of its leads.",
                                buyer.display_name,
                            ),
                        }
                    )
                    continue
                item.partner_id = buyer
            if buyer in seen:
                item.write(
                    {
                        "state": "skipped",
                        "message": self.env._(
                            "Invoiced together with another buyer's leads."
                        ),
                    }
                )
            else:
                left += item
            seen.add(buyer)
        return left

    def _is_of_other_cycle(self, buyer):
        """Tell whether a buyer is invoiced by another cycle than this item's run.

        :param buyer: a commercial entity
        """
        cycle = self.run_id.cycle_id
        buyer = buyer.with_company(self.company_id)
        return bool(cycle) and buyer._get_lead_billing_cycle() != cycle

    def _refuse(self):
        """Park those of these items that are known to fail, before the others are
        invoiced together.

        :return: the items that were parked
        """
        refused = self.browse()
        for item in self.with_company(self.company_id):
            try:
                item._check_buyer()
            except UserError as error:
                item._set_failed(item._explain(error))
                refused += item
        return refused

    def _park(self, error):
        """Set this buyer aside with the reason, and commit.

        :return: 1, or 0 when another worker dealt with it meanwhile
        """
        self.ensure_one()
        message = self._explain(error)
        try:
            item = self._lock_todo()
            if item:
                item._set_failed(message)
            self.env["ir.cron"]._commit_progress(len(item))
            return len(item)
        except TRY_AGAIN:
            self.env.cr.rollback()
            return 0

    def _set_failed(self, message):
        """Note why this buyer was not invoiced, with an activity for someone."""
        self.ensure_one()
        self.write({"state": "failed", "message": message})
        self._unlink_activities()
        self.partner_id._schedule_lead_activity(
            self.env._("Leads not invoiced"),
            message,
            self.company_id,
            self.run_id._get_responsible(),
        )

    def _explain(self, error):
        """Return the sentence that tells a clerk why this buyer was not invoiced."""
        if isinstance(error, UserError | RedirectWarning) and error.args:
            return str(error.args[0])
        if isinstance(error, ClaimError):
            return self.env._(
                "The leads of this buyer changed while they were being invoiced."
                " Nothing was billed. Click Retry."
            )
        _logger.error(
            "Lead invoicing: buyer %s failed", self.partner_id.id, exc_info=error
        )
        return self._explain_unexpected(error)

    @api.model
    def _explain_unexpected(self, error):
        """Return the sentence on an error that has no other."""
        return self.env._(
            "Unexpected error: %(error)s. The details are in the server log; give your"
            " administrator the time and the buyer's name.",
            error=str(error).strip().splitlines()[0] if str(error) else repr(error),
        )

    def _unlink_activities(self):
        """Remove the activities of these items' buyers, in these items' companies."""
        companies = [False, *self.company_id.ids]
        self.partner_id.activity_search(
            [ACTIVITY_TYPE], additional_domain=[("lead_company_id", "in", companies)]
        ).unlink()

    # Refusing

    def _check_buyer(self):
        """Hook: refuse what would fail later with a message that names no remedy.

        :raises UserError: a sentence for the clerk
        """
        self.ensure_one()
        if self.partner_id.lead_billing_hold:
            raise UserError(
                self.env._(
                    "%s is on hold. Remove the hold on the buyer's Invoicing/Billing"
                    " tab, then retry.",
                    self.partner_id.display_name,
                )
            )
        account = self.partner_id.property_account_receivable_id
        if not account:
            raise UserError(
                self.env._(
                    "%(buyer)s has no receivable account. Choose one on the buyer's"
                    " contact, then retry.",
                    buyer=self.partner_id.display_name,
                )
            )
        if not account.active:
            raise UserError(
                self.env._(
                    "The receivable account %(account)s of %(buyer)s is archived."
                    " Choose another one on the buyer's contact, or restore"
                    " the account, then retry.",
                    account=account.display_name,
                    buyer=self.partner_id.display_name,
                )
            )

    # Results

    def _set_results(self, documents):
        """Write down what became of each buyer, in words. One that something was left
        out of has failed, whatever else was invoiced: retrying bills the rest.

        :param documents: all that were planned, list of :class:`PlannedDocument`
        """
        for item in self:
            own = [document for document in documents if document.item == item]
            notes = {document.waits for document in own if document.waits}
            if not item.partner_id.active:
                notes = [self.env._("This buyer is archived."), *notes]
            made = any(document.move for document in own)
            if not made and not notes:
                notes = [self.env._("Nothing left to invoice.")]
            item.write(
                {
                    "state": "done" if made else "skipped",
                    "message": " ".join(notes) or False,
                    "held_back": any(document.waits for document in own),
                }
            )
            # Several documents may have the same trouble.
            troubles = dict.fromkeys(d.trouble for d in own if d.trouble)
            if troubles:
                item._set_failed(" ".join(troubles))
        self.filtered(lambda item: item.state == "done")._settle_earlier_failures()
        self._unlink_settled_activities()

    def _notify_insufficient_balance(self, moves):
        """Tell of prepaid buyers whose balance does not cover what they bought, and of
        their payments that add nothing to it, as they make no journal entry."""
        uncovered = moves.filtered(
            lambda move: (
                move._is_prepaid_lead_invoice()
                and not move.lead_is_receipt
                and move.commercial_partner_id.with_company(
                    move.company_id
                ).lead_auto_settle
            )
        )
        useless = self.env["account.payment"]._find_lead_deposits_without_entry(
            uncovered
        )
        messages = {}
        for move in uncovered:
            item = move.lead_run_buyer_id
            message = " ".join(
                [
                    self.env._(
                        "The prepaid balance does not cover %(invoice)s; %(amount)s is"
                        " still due.",
                        invoice=move.name,
                        amount=formatLang(
                            self.env,
                            move.amount_residual,
                            currency_obj=move.currency_id,
                        ),
                    ),
                    *useless.filtered(
                        lambda payment, move=move: payment._is_lead_deposit_for(move)
                    ).mapped("lead_settlement_trouble"),
                ]
            )
            item.message = " ".join(filter(None, [item.message, message]))
            messages[move] = message
        if messages:
            summary = self.env._("Prepaid balance used up")
            uncovered._tell_lead_responsible_of_each(summary, messages)

    def _unlink_settled_activities(self):
        """Remove the activities of the buyers that no failure is left of, in whatever
        run of their company."""
        failing = self.search(
            [
                ("state", "=", "failed"),
                ("company_id", "in", self.company_id.ids),
                ("partner_id", "in", self.partner_id.ids),
            ]
        ).partner_id
        self.filtered(lambda item: item.partner_id not in failing)._unlink_activities()

    def _settle_earlier_failures(self):
        """Close the buyers' failures of earlier runs: what they left is invoiced,
        unless this run bills a part of it only."""
        run = self.run_id
        if not run.include_earlier or run.lead_type_ids or run.without_returns:
            return
        failures = self.search(
            [
                ("state", "=", "failed"),
                ("company_id", "=", self.run_id.company_id.id),
                ("partner_id.commercial_partner_id", "in", self.partner_id.ids),
                ("window_end", "<", self.run_id.window_end),
            ]
        )
        failures.write(
            {"state": "skipped", "message": self.env._("Invoiced in a later run.")}
        )
        failures.run_id._update_state()
