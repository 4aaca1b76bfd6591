import logging
from collections import defaultdict
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import LockError, UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..tools.concurrency import TRY_AGAIN
from ..tools.machine import PrinterError
from ..tools.parsing import shorten
from .account_move_delivery import SENDING

_logger = logging.getLogger(__name__)

# A document that the machine cannot print is tried again after these pauses, then given
# up: within the two hours after which what waits is told of.
PAUSES = [timedelta(minutes=minutes) for minutes in (1, 5, 20, 60)]
# What is kept of that in Odoo's `sending_data`, and goes with it.
TRIES = "lead_tries"
TRY_AT = "lead_try_at"


class AccountMove(models.Model):
    """Odoo's job that sends documents, which one of them does not hold up for the
    others."""

    _inherit = "account.move"

    @api.model
    def _cron_account_move_send(self, job_count=10):
        """Send what waits, lead documents first.

        Not as Odoo does it, which tries a batch that fails again for ever: here, a
        document that cannot be sent leaves the line, with the reason, and holds up no
        other one, whoever's it is.

        :param job_count: so many lead documents, and so many others, at most
        """

        def find(operator):
            return self.search(
                self._get_waiting_domain() & Domain("lead_run_id", operator, False),
                order="date, invoice_date, sequence_number, id",
                limit=job_count,
            )

        find("!=")._send_waiting_lead_documents()
        find("=")._send_waiting()

    @api.model
    def _get_waiting_domain(self):
        """Return what waits to be sent, and can be tried now."""
        now = fields.Datetime.to_string(fields.Datetime.now())
        is_due = Domain.custom(
            # Which documents do not rest after a printer's trouble?
            to_sql=lambda move, alias, query: SQL(
                "COALESCE(%s ->> %s, '') <= %s",
                move._field_to_sql(alias, "sending_data", query),
                TRY_AT,
                now,
            ),
            predicate=lambda move: (move.sending_data or {}).get(TRY_AT, "") <= now,
        )
        return (
            Domain("sending_data", "!=", False)
            & Domain("state", "=", "posted")
            & is_due
        )

    def _send_waiting_lead_documents(self):
        """Find out how each of these can go, and send them: what goes by mail or post
        together, what a network is asked to take one by one, as it answers for all."""
        # Sending changes no line, and Odoo would touch those of documents that billing
        # settles at the same moment.
        self = self.with_context(skip_invoice_sync=True)
        together = defaultdict(self.browse)
        for move in self:
            methods = move._try_to_decide_lead_sending()
            if methods <= {"email", "snailmail"}:
                together[move.company_id, methods] += move
            else:
                move._send_waiting(sending_methods=sorted(methods))
        for (_company, methods), moves in together.items():
            if methods:
                moves._send_waiting(sending_methods=sorted(methods))

    def _try_to_decide_lead_sending(self):
        """Decide by which ways this document goes, and commit.

        :return: Odoo's names of them, a frozenset; empty when it is not to be sent now
        """
        self.ensure_one()
        methods = frozenset()
        try:
            self._ask_lead_networks()
            self._write_lead_contacts()
            if self._lock_waiting():
                methods = self._decide_lead_sending()
            self._commit_sending(not methods)
            return methods
        except TRY_AGAIN:
            # Somebody else changed the same rows: the next call finds them.
            self.env.cr.rollback()
        except Exception as error:
            self.env.cr.rollback()
            _logger.info("How %s goes cannot be decided", self, exc_info=True)
            self._give_up_sending(error)
        return frozenset()

    def _ask_lead_networks(self):
        """Let networks say whether they reach the buyer of this document, and commit:
        Odoo keeps their answer on the contact, and asks once. That comes before
        anything is written or locked: billing would wait as long as they do."""
        self.env["account.move.send"]._get_default_sending_methods(self)
        self.env["ir.cron"]._commit_progress()

    def _write_lead_contacts(self):
        """Note on whomever these documents go to that they may sign up, as Odoo does
        when it sends. That comes before the documents are locked: billing holds
        contacts, and waits for documents."""
        # Odoo's sending does the same for whoever sends.
        partners = self.partner_id.sudo()
        partners.signup_get_auth_param()
        partners.flush_recordset(["signup_type"])

    def _decide_lead_sending(self):
        """Return by which ways this document goes. Where there is none, it leaves the
        line, and says why."""
        wanted = self.env["account.move.send"]._get_default_sending_methods(self)
        methods = frozenset(
            method for method in wanted - {"manual"} if self._can_lead_go_by(method)
        )
        if not methods:
            self.sending_data = False
            if not self._get_lead_networks_that_took_it():
                move = self._for_lead_responsible()
                move._set_lead_delivery(*move._get_lead_reason_not_sent())
        return methods

    def _get_lead_reason_not_sent(self):
        """Return (state, sentence) of a document that no way of sending applies to."""
        buyer = self.commercial_partner_id.with_company(self.company_id)
        method = buyer.invoice_sending_method or "email"
        if method == "manual":
            return "by_hand", self.env._(
                "This buyer's invoices are delivered manually. Print this one and"
                " deliver it."
            )
        if method == "email":
            contact = self._get_lead_unreached_contact()
            if contact.email and not contact.active:
                return "no_address", self.env._(
                    "%s is archived, and Odoo sends no email to archived contacts."
                    " Unarchive it, or choose other recipients on the buyer's"
                    " Invoicing/Billing tab, then send this document.",
                    contact.display_name,
                )
            return "no_address", self.env._(
                "%s has no email address. Add one, or choose other recipients on the"
                " buyer's Invoicing/Billing tab, then send this document.",
                contact.display_name,
            )
        if method == "snailmail":
            return "no_address", self.env._(
                "%s does not have a complete mailing address. Fill in the street, ZIP"
                " code, city and country, then send this document.",
                self.partner_id.display_name,
            )
        selection = buyer._fields["invoice_sending_method"]
        return "failed", self.env._(
            "%(buyer)s receives its invoices %(method)s, but this document cannot be"
            " sent that way: %(company)s is not registered there, or the buyer cannot"
            " be reached there. Fix this, or choose another sending method on the"
            " buyer's contact, then send this document.",
            buyer=buyer.display_name,
            method=dict(selection._description_selection(self.env))[method],
            company=self.company_id.display_name,
        )

    def _lock_lead_sending(self):
        """Let nobody else send these lead documents until this transaction ends. What
        was sent since it began makes it fail, to be repeated, before anything leaves.

        :raises LockError: naming those that somebody else is sending, or changing
        """
        documents = self.filtered("lead_run_id")
        documents._write_lead_contacts()
        others = documents - documents.try_lock_for_update(allow_referencing=True)
        if others:
            raise LockError(
                self.env._(
                    "%s is being sent, or changed, at this moment. Look at its messages"
                    " in a minute, before you send it again.",
                    ", ".join(others.mapped("display_name")),
                )
            )

    def _lock_waiting(self):
        """Lock and return those of these documents that still wait to be sent."""
        locked = self.try_lock_for_update(allow_referencing=True)
        return locked.filtered_domain(self._get_waiting_domain())

    def _commit_sending(self, processed):
        self.env["ir.cron"]._commit_progress(
            int(processed), remaining=self.search_count(self._get_waiting_domain())
        )

    def _send_waiting(self, **settings):
        """Send these documents that wait, and commit; when that fails, one by one.

        :param settings: as Odoo's ``_generate_and_send_invoices`` takes them
        """
        try:
            moves = self._lock_waiting()
            if moves:
                self.env["account.move.send"]._generate_and_send_invoices(
                    moves, from_cron=True, **settings
                )
            self._commit_sending(len(moves))
            return
        except Exception as error:
            self.env.cr.rollback()
            if len(self) == 1:
                if isinstance(error, PrinterError):
                    self._put_off_sending(error)
                elif not isinstance(error, TRY_AGAIN):
                    self._give_up_sending(error)
                # Else somebody else changed what it needs: the next call sends it.
                return
            _logger.info("%s cannot be sent together", self, exc_info=True)
        for move in self:
            move._send_waiting(**settings)

    def _put_off_sending(self, error):
        """Let a document that could not be printed rest for a while; give it up when
        that has not helped several times."""
        try:
            # Whoever sends it: the job writes down what it does.
            for move in self._lock_waiting().sudo():
                tries = move.sending_data.get(TRIES, 0)
                if tries == len(PAUSES):
                    move._give_up_sending(error)
                    return
                at = fields.Datetime.now() + PAUSES[tries]
                move.sending_data = {
                    **move.sending_data,
                    TRIES: tries + 1,
                    TRY_AT: fields.Datetime.to_string(at),
                }
                self.env["ir.cron"]._wake_lead_job(SENDING, at)
                _logger.warning("%s is printed again at %s: %s", move.name, at, error)
            self._commit_sending(1)
        except TRY_AGAIN:
            self.env.cr.rollback()

    def _give_up_sending(self, error):
        """Take a document that cannot be sent out of the line, as Odoo does with those
        it finds an error in."""
        # Odoo tells where in its code a template failed, too: that is for the log.
        text, trace, _lines = str(error).partition("Traceback (most recent call last)")
        if trace or not isinstance(error, UserError):
            _logger.error("%s cannot be sent", self.name, exc_info=error)
        try:
            # Whoever sends it: the job writes down what it does.
            for move in self._lock_waiting().sudo():
                title = move._for_lead_responsible().env._(
                    "It could not be sent: %(error)s. Fix the problem, then send it"
                    " again.",
                    error=shorten(" ".join(text.split()), 500).rstrip(".")
                    or repr(error),
                )
                data = {
                    "error": {"error_title": title},
                    "sending_methods": [],
                    "author_partner_id": move.sending_data.get("author_partner_id"),
                }
                self.env["account.move.send"]._hook_if_errors(
                    {move: data}, allow_raising=False
                )
                move.sending_data = False
            self._commit_sending(1)
        except TRY_AGAIN:
            self.env.cr.rollback()
