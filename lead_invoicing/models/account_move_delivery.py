import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, split_every

from ..tools.concurrency import TRY_AGAIN

_logger = logging.getLogger(__name__)

SENDING = "account.ir_cron_account_move_send"
FOLLOWING = "lead_invoicing.ir_cron_follow_deliveries"
DELIVERY_ACTIVITY_TYPE = "lead_invoicing.mail_activity_type_lead_delivery"

# Of several reports on one document, the first of these is what is said of it.
WORST_FIRST = ("failed", "to_send", "handed_over", "sent")
# What did not get to the buyer, and waits for a person.
UNDELIVERED = ("failed", "no_address", "by_hand")
# What was to be sent, and was not (yet). What was reversed since, nobody has to send.
NOT_SENT_DOMAIN = [
    ("lead_delivery_state", "in", ("to_send", "failed", "no_address")),
    ("state", "=", "posted"),
    ("lead_credited", "=", False),
]
# What did not get to its buyer, and goes again once a person says so.
TO_RESEND_DOMAIN = [
    ("lead_delivery_state", "in", ("failed", "no_address")),
    ("state", "=", "posted"),
    ("lead_credited", "=", False),
]
# After so many hours, what waits to be sent is told of; at most after a year.
DEFAULT_SENDING_HOURS = 2
MAX_SENDING_HOURS = 8784
# Whom a document that is sent again has reached, in Odoo's `sending_data`.
REACHED = "lead_reached"

# Documents looked at in one transaction, which locks them against billing.
BATCH_SIZE = 50
# While documents wait, they are looked at again so soon; old ones once an hour.
LOOK_AGAIN = timedelta(minutes=5)


class AccountMove(models.Model):
    """How a lead document gets to its buyer, and what became of it.

    - Billing only writes down what is to be sent (``_queue_lead_sending``).
    - Odoo's job that sends, after the commit, finds out by which ways each document
      can go, and sends it (``_cron_account_move_send``). Odoo's queue of mails, the
      networks and the post office do the rest.
    - A job of our own carries over what came of it (``_cron_follow_lead_deliveries``).
      It can be repeated: it reads what Odoo knows.
    """

    _inherit = "account.move"

    lead_delivery_state = fields.Selection(
        [
            ("to_send", "To send"),
            ("handed_over", "Handed over"),
            ("sent", "Sent"),
            ("failed", "Not sent"),
            ("no_address", "No address"),
            ("by_hand", "To deliver manually"),
        ],
        "Lead Invoice Delivery",
        readonly=True,
        copy=False,
        groups="base.group_user",
    )
    lead_delivery_since = fields.Datetime(
        "Delivery State Since", readonly=True, copy=False, groups="base.group_user"
    )
    lead_not_delivered = fields.Boolean(
        "Not Delivered",
        compute="_compute_lead_not_delivered",
        search="_search_lead_not_delivered",
        help="It did not reach the buyer, or has been waiting to be sent for hours.",
        groups="base.group_user",
    )

    # What is to be looked after?
    _lead_delivery_idx = models.Index(
        "(lead_delivery_state) WHERE lead_delivery_state != 'sent'"
    )

    @api.depends("lead_credited", "lead_delivery_state", "lead_delivery_since", "state")
    def _compute_lead_not_delivered(self):
        not_delivered = self.filtered_domain(self._get_lead_not_delivered_domain())
        for move in self:
            move.lead_not_delivered = move in not_delivered

    def _search_lead_not_delivered(self, operator, value):
        if operator != "in":
            return NotImplemented
        return self._get_lead_not_delivered_domain()

    @api.model
    def _get_lead_not_delivered_domain(self):
        return (
            Domain("state", "=", "posted")
            & Domain("lead_credited", "=", False)
            & (
                Domain("lead_delivery_state", "in", UNDELIVERED)
                | self._get_lead_overdue_domain()
            )
        )

    @api.model
    def _get_lead_overdue_domain(self):
        """Return what has been waiting to be sent for longer than it should."""
        hours = self.env["ir.config_parameter"]._get_lead_number(
            "lead_invoicing.sending_hours", DEFAULT_SENDING_HOURS, MAX_SENDING_HOURS
        )
        return Domain("lead_delivery_state", "=", "to_send") & Domain(
            "lead_delivery_since", "<=", fields.Datetime.now() - timedelta(hours=hours)
        )

    # Queueing

    def _queue_lead_sending(self, reached=None):
        """Let Odoo send these posted documents in the background, at once.

        Only written down here: which ways there are may be a question to a network,
        and whoever posts holds the journal's numbers until the commit.

        :param reached: see :meth:`_find_lead_reached`; these contacts do not get it
            again
        """
        data = {
            "author_user_id": self.env.user.id,
            "author_partner_id": self.env.user.partner_id.id,
        }
        # Whoever may post a document may have it sent.
        documents = self.sudo()
        documents.sending_data = data
        for move in documents.filtered(lambda move: reached and reached.get(move.id)):
            move.sending_data = {**data, REACHED: sorted(reached[move.id])}
        self.env["ir.cron"]._wake_lead_job(SENDING)

    def _start_lead_sending(self):
        """Note that these documents wait to be sent, whoever queued them, and since
        when: one that is tried again has waited all the time."""
        self.filtered(
            lambda move: move.lead_run_id and move.lead_delivery_state != "to_send"
        )._set_lead_delivery_state("to_send")

    def _set_lead_delivery_state(self, state):
        # What became of a document is written down by whoever may post or send it.
        # Nothing that its lines are computed from changes.
        self.sudo().with_context(skip_invoice_sync=True).write(
            {
                "lead_delivery_state": state,
                "lead_delivery_since": fields.Datetime.now(),
            }
        )

    def _set_lead_delivery(self, state, reason):
        """Make visible what became of this document: with an activity, where it did
        not get to its buyer.

        :param state: one of ``lead_delivery_state``
        :param reason: for what did not get to all of its readers, a sentence that says
            what to do
        """
        self.ensure_one()
        self._set_lead_delivery_state(state)
        if state != "to_send":
            self.activity_unlink([DELIVERY_ACTIVITY_TYPE])
        if self.lead_credited:
            return
        if state in UNDELIVERED:
            self._tell_lead_responsible(
                self.env._("Invoice not sent"), reason, DELIVERY_ACTIVITY_TYPE
            )
        elif reason:
            self._tell_lead_responsible(
                self.env._("Invoice not sent to everyone"),
                reason,
                DELIVERY_ACTIVITY_TYPE,
            )

    @api.model
    def _wake_lead_following(self, at=None):
        self.env["ir.cron"]._wake_lead_job(FOLLOWING, at)

    def _end_lead_delivery_of_credited(self):
        """Close the exceptions of those of these documents that were reversed: nobody
        has to send them any more."""
        # Whoever reverses a document has this follow.
        if credited := self.sudo().filtered("lead_credited"):
            credited.activity_unlink([DELIVERY_ACTIVITY_TYPE])

    def _get_lead_recipients(self):
        """Return the contacts that get this document by email."""
        self.ensure_one()
        return self.commercial_partner_id._get_lead_invoice_recipients(self.partner_id)

    def _get_lead_recipients_to_send(self):
        """Return the contacts that get this document now: where it is sent again in the
        background, without those that have it, unless nobody else is left."""
        recipients = self._get_lead_recipients()
        # What is written down is for whoever sends.
        reached = (self.sudo().sending_data or {}).get(REACHED, [])
        return recipients.filtered(lambda one: one.id not in reached) or recipients

    def _get_lead_unreached_contact(self):
        """Return the contact that this document does not get to by email: the one that
        a mail came back from, else the first that it is for."""
        self.ensure_one()
        contacts = self.commercial_partner_id._get_lead_invoice_contacts(
            self.partner_id
        )
        # Whoever may see a document may know whom it did not get to.
        returned = self.env["mail.notification"].sudo()
        returned = returned.search(
            [
                ("mail_message_id.model", "=", self._name),
                ("mail_message_id.res_id", "=", self.id),
                ("res_partner_id", "in", contacts.ids),
                ("notification_status", "in", ("bounce", "exception")),
            ],
            order="id desc",
            limit=1,
        )
        return contacts.browse(returned.res_partner_id.ids) or contacts[:1]

    def _for_lead_responsible(self):
        """Return this document in the language of who gets its activities: jobs that
        send it have none."""
        self.ensure_one()
        # Whoever sends a document need not be allowed to see its run.
        run = self.sudo().lead_run_id
        return self.with_context(lang=run._get_responsible_lang()) if run else self

    def _get_mail_template(self):
        names = []
        if self and all(move.lead_is_receipt for move in self):
            names.append("lead_invoicing.mail_template_lead_receipt")
        if self and all(move.lead_run_id for move in self):
            names.append("lead_invoicing.mail_template_lead_invoice")
        for name in names:
            # One that somebody deleted must not keep documents from being sent.
            if template := self.env.ref(name, raise_if_not_found=False):
                return template
        return super()._get_mail_template()

    # Following

    @api.model
    def _cron_follow_lead_deliveries(self):
        """Carry over to the documents what became of what was sent, and look after
        what waits to be sent."""
        found = self._find_lead_deliveries_to_follow()
        # Each batch is a transaction of its own, and begins with what it locks.
        self.env["ir.cron"]._commit_progress()
        for ids in split_every(BATCH_SIZE, found):
            self.browse(ids)._try_to_follow_lead_deliveries()
        self.env["mail.mail"]._follow_lead_notices()
        self._look_after_lead_sending()

    @api.model
    def _find_lead_deliveries_to_follow(self):
        """Return the ids of the documents whose delivery may be other than they say."""
        self.env.flush_all()
        # Which were sent, are under way or failed since the last look, or bounced?
        rows = self.env.execute_query(
            SQL(
                """
                SELECT move_id FROM lead_delivery_attempt WHERE followed IS NOT TRUE
                 UNION
                SELECT id FROM account_move
                 WHERE lead_delivery_state IN ('to_send', 'handed_over', 'failed')
                   AND state = 'posted'
                 UNION
                SELECT move.id
                  FROM mail_notification
                  JOIN mail_message message
                       ON message.id = mail_notification.mail_message_id
                  JOIN account_move move ON move.id = message.res_id
                 WHERE notification_status IN ('bounce', 'exception')
                   AND message.model = 'account.move'
                   AND move.lead_delivery_state = 'sent'
                 ORDER BY 1
                """
            )
        )
        return [move_id for (move_id,) in rows]

    def _try_to_follow_lead_deliveries(self):
        """Follow these documents, and commit; when that fails, one by one."""
        try:
            self.try_lock_for_update(allow_referencing=True)._follow_lead_deliveries()
            self.env["ir.cron"]._commit_progress()
            return
        except TRY_AGAIN:
            # Somebody else changed the same rows: the next call finds them.
            self.env.cr.rollback()
            self._wake_lead_following(fields.Datetime.now() + timedelta(minutes=1))
            return
        except Exception:
            self.env.cr.rollback()
            if len(self) == 1:
                _logger.exception("The delivery of %s cannot be followed", self)
                return
        for move in self:
            move._try_to_follow_lead_deliveries()

    def _follow_lead_deliveries(self):
        """Carry over to these documents what Odoo knows of their delivery. Repeated,
        it changes nothing."""
        # The job may read what Odoo knows.
        attempts = self.env["lead.delivery.attempt"].sudo()
        attempts = attempts.search([("move_id", "in", self.ids)])
        news = attempts.filtered(lambda attempt: not attempt.followed)
        last = {attempt.move_id: attempt for attempt in attempts.sorted("id")}
        moves = self.filtered(lambda move: move.state == "posted" and move.lead_run_id)
        reports = moves._read_lead_delivery_reports()
        overdue = moves.filtered_domain(
            self._get_lead_overdue_domain() & Domain("lead_credited", "=", False)
        )
        for move in moves:
            move_told = move._for_lead_responsible()
            state, reason = move_told._get_lead_delivery(last.get(move), reports)
            is_news = move in news.move_id and state != "to_send"
            if state != move.lead_delivery_state or is_news:
                move_told._set_lead_delivery(state, reason)
            elif move in overdue:
                move_told._tell_of_lead_overdue()
        news.followed = True

    def _get_lead_delivery(self, attempt, reports):
        """Return (state, sentence) of this document, as Odoo knows it now.

        :param attempt: the last ``lead.delivery.attempt``, or None
        :param reports: see :meth:`_read_lead_delivery_reports`
        """
        if self.sending_data:
            return "to_send", ""
        if attempt and attempt.error:
            return "failed", attempt.error
        nothing_left = (
            "failed",
            self.env._(
                "Odoo gave up on sending this document, and nothing was sent. See its"
                " messages for the reason, fix the problem, then send it again."
            ),
        )
        methods = attempt.methods.split(",") if attempt else []
        found = [
            # Ways that tell nothing later are believed.
            reports[method].get(self.id, nothing_left)
            if method in reports
            else ("sent", "")
            for method in methods
        ]
        found += [
            report
            for method, by_move in reports.items()
            if (report := by_move.get(self.id))
            # What a network took stays with it, whatever was tried later. A document
            # of the time before attempts were written down has none.
            and method not in methods
            and (not attempt or report[0] == "handed_over")
        ]
        if not found and self.lead_delivery_state == "to_send":
            found = [nothing_left]
        if not found:
            return self.lead_delivery_state, ""
        return min(found, key=lambda report: WORST_FIRST.index(report[0]))

    @api.model
    def _get_lead_delivery_activity_type(self):
        """Return the id of the activities about deliveries, in a list; that is empty
        where somebody deleted their type."""
        kind = self.env.ref(DELIVERY_ACTIVITY_TYPE, raise_if_not_found=False)
        return kind.ids if kind else []

    def _tell_of_lead_overdue(self):
        """Raise an activity, once, for a document that should have been sent."""
        told = self.env["mail.activity"].with_context(active_test=False)
        # Those that were done count, too.
        if not told.sudo().search_count(
            [
                ("res_model", "=", self._name),
                ("res_id", "=", self.id),
                ("activity_type_id", "in", self._get_lead_delivery_activity_type()),
                "|",
                ("active", "=", True),
                ("create_date", ">=", self.lead_delivery_since),
            ],
            limit=1,
        ):
            self._tell_lead_responsible(
                self.env._("Invoice still not sent"),
                self.env._(
                    "This document has been waiting to be sent for hours. Ask your"
                    " administrator to check the scheduled actions that send invoices"
                    " and emails, and the queue of outgoing emails, or send it"
                    " yourself."
                ),
                DELIVERY_ACTIVITY_TYPE,
            )

    def _read_lead_delivery_reports(self):
        """Return what is known of these documents, by the ways that tell it later.

        :return: {Odoo's name of the way: {move id: (state, sentence)}}
        """
        return {"email": self._read_lead_mails(), **self._read_lead_networks()}

    @api.model
    def _look_after_lead_sending(self):
        """Wake Odoo's jobs while documents wait: a job that failed lost its trigger."""
        waiting = Domain("lead_delivery_state", "=", "to_send") & Domain(
            "state", "=", "posted"
        )
        queued = Domain("sending_data", "!=", False)
        if self.search_count(waiting & self._get_waiting_domain(), limit=1):
            self.env["ir.cron"]._wake_lead_job(SENDING)
        if self.search_count(waiting & ~queued, limit=1):
            self.env["ir.cron"]._wake_lead_job("mail.ir_cron_mail_scheduler_action")
        self._wake_lead_networks()
        under_way = (
            Domain("lead_delivery_state", "in", ("to_send", "handed_over"))
            & Domain("state", "=", "posted")
            & ~self._get_lead_overdue_domain()
        )
        now = fields.Datetime.now()
        following = self.env.ref(FOLLOWING, raise_if_not_found=False)
        later = following and self.env["ir.cron.trigger"].search_count(
            [("cron_id", "=", following.id), ("call_at", ">", now)], limit=1
        )
        if not later and self.search_count(under_way, limit=1):
            self._wake_lead_following(now + LOOK_AGAIN)
        self.env["ir.cron"]._commit_progress()

    # Networks and the post office
    #
    # The addon works with account_peppol and snailmail_account, and without them. All
    # that it has to know of them stands here, and is asked only where they are.
