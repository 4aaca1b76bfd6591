from dataclasses import dataclass
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

from odoo.addons.lead_invoicing.tools.protected_fields import engine_at_work

from .lead_return_request import OPEN_STATES

# So many days count for the shares that limit requests.
SHARE_DAYS = 30
# So many leads can be asked for at once.
MAX_WISHES = 2000
NAMED = 5


@dataclass
class Outcome:
    """What became of one wish.

    :param word: what the buyer named the lead by
    :param state: ``requested``, ``accepted``, ``known`` (asked for before) or
        ``refused``
    :param sentence: why, for people
    :param request: the ``lead.return.request``, if there is one
    """

    word: str
    state: str
    sentence: str = ""
    request: object = None


class LeadReturnRequest(models.Model):
    """The buyer's side: asking for returns, withdrawing them, answering questions.

    Portal users have no access to requests: what is here acts for one buyer, and is
    called with the rights to do so.
    """

    _inherit = "lead.return.request"

    @api.model
    def _get_buyer_domain(self, buyer):
        """Return the domain of the requests that a buyer sees: those of its own rows.

        :param buyer: a commercial partner
        """
        return Domain("commercial_partner_id", "in", buyer._get_lead_buyers().ids)

    @api.model
    def _get_marks(self, buyer, references):
        """Return {reference: request} of the sales of a buyer whose return was asked
        for; an empty one where it can be asked for, nothing where it cannot.

        :param buyer: a commercial partner
        :param references: of its sales
        """
        found = self._find_sales(buyer, references)
        asked, left = self._read_known(found)
        marks = {}
        for reference, ids in found.items():
            for sale in self.env["lead.sale"].browse(ids):
                current = self.env["lead.sale"].browse(left[sale.id].id)
                request = asked.get(current.id, self.browse())
                is_decided_on = request.state in (*OPEN_STATES, "declined")
                is_free = not self._get_refusal(current, asked, left)
                if is_decided_on or (request and not is_free):
                    marks[reference] = request
                elif is_free and current == sale:
                    marks[reference] = self.browse()
        return marks

    @api.model
    def _ask_for_returns(self, buyer, wishes, reason=None, note=None, requester=None):
        """Ask for returns of a buyer's leads, as far as the limits allow.

        :param buyer: a commercial partner
        :param wishes: {word: amount}, the word being the reference of a sale or the id
            of a lead, the amount None for all that is left
        :param reason: a ``lead.return.reason``, or an empty one
        :param note: what the buyer says of it
        :param requester: the contact that asks
        :return: list of :class:`Outcome` in order
        :raises UserError: for too many at once
        """
        if len(wishes) > MAX_WISHES:
            raise UserError(
                self.env._("Ask for at most %s leads at a time.", MAX_WISHES)
            )
        # Limits count what others ask for at this moment: who is second looks again.
        buyer._lock_lead_money()
        found = self._find_sales(buyer, wishes)
        asked, left = self._read_known(found)
        limits = {}
        outcomes, todo = [], {}
        for word, amount in wishes.items():
            try:
                sale = self._choose_sale(word, found.get(word, ()), asked, left)
                if sale in todo:
                    raise UserError(self.env._("This lead is named twice."))
                if sale.id in asked and asked[sale.id].state in OPEN_STATES:
                    request = asked[sale.id]
                    sentence = self.env._("This return was requested before.")
                    outcomes.append(Outcome(word, "known", sentence, request))
                    continue
                amount = self._check_amount(sale, amount, left[sale.id])
                self._check_limits(sale, buyer, limits)
                todo[sale] = Outcome(word, "requested")
                outcomes.append(todo[sale])
                todo[sale].request = self._prepare_wish_vals(
                    sale, amount, reason, note, requester
                )
            except UserError as error:
                outcomes.append(Outcome(word, "refused", str(error)))
        requests = self._create_wished([wish.request for wish in todo.values()])
        for outcome, request in zip(todo.values(), requests, strict=True):
            outcome.request = request
        requests._accept_automatically(buyer)
        for outcome in todo.values():
            outcome.state = outcome.request.state
        requests._update_activities()
        return outcomes

    @api.model
    def _prepare_wish_vals(self, sale, amount, reason, note, requester):
        return {
            "sale_id": sale.id,
            "amount": amount,
            # Another company of the seller's has reasons of its own.
            "reason_id": reason.id
            if reason and reason.company_id == sale.company_id
            else False,
            "note": note,
            "requester_id": requester and requester.id,
        }

    @api.model
    def _create_wished(self, vals_list):
        # Nobody follows them by having asked: who asked is told by email.
        model = self.with_context(mail_create_nosubscribe=True)
        with engine_at_work(model) as requests:
            return requests.create(vals_list)

    # Which sale is meant

    @api.model
    def _find_sales(self, buyer, words):
        """Return {word: [ids]} of the buyer's sales that words can mean: the one with
        this reference, else those of the lead with this id."""
        self.env["lead.sale"].flush_model()
        by_reference, by_lead = {}, {}
        # Which sales of this buyer have these references, or are of these leads?
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id, external_ref, lead_ref
                  FROM lead_sale
                 WHERE company_id = ANY(ARRAY(SELECT id FROM res_company))
                   AND commercial_partner_id = ANY(%(buyers)s)
                   AND transaction_type = 'sale'
                   AND (external_ref = ANY(%(words)s) OR lead_ref = ANY(%(words)s))
                 ORDER BY id
                """,
                buyers=buyer._get_lead_buyers().ids,
                words=list(words),
            )
        )
        for id_, reference, lead in rows:
            by_reference.setdefault(reference, []).append(id_)
            by_lead.setdefault(lead, []).append(id_)
        return {
            word: by_reference.get(word) or by_lead.get(word) or [] for word in words
        }

    @api.model
    def _read_known(self, found):
        """Return what is known of the sales that words can mean.

        :param found: see :meth:`_find_sales`
        :return: {sale id: the last request for it}, by the sales now in force where
            prices were corrected; and what is left of them, see :meth:`_get_left`
        """
        sales = self.env["lead.sale"].browse(
            {id_ for ids in found.values() for id_ in ids}
        )
        left = self._get_left(sales)
        # From what is in force now back to the first: each may have been asked for.
        sales |= sales.browse(list(left))
        while earlier := sales.corrected_sale_id - sales:
            sales |= earlier
        left.update(self._get_left(sales.filtered(lambda sale: sale.id not in left)))
        requests = self.search([("sale_id", "in", list(left))], order="id")
        asked = {left[request.sale_id.id].id: request for request in requests}
        return asked, left

    @api.model
    def _choose_sale(self, word, ids, asked, left):
        """Return the one sale that a word means.

        :param ids: of the sales that it can mean
        :param asked: see :meth:`_read_known`
        :param left: see :meth:`_get_left`
        :raises UserError: if there is none, or several
        """
        # Of a sale and the correction of its price there is one in force.
        sales = self.env["lead.sale"].browse(dict.fromkeys(left[id_].id for id_ in ids))
        if not sales:
            raise UserError(
                self.env._("You purchased no lead with this ID or reference.")
            )
        refusals = {sale: self._get_refusal(sale, asked, left) for sale in sales}
        free = sales.filtered(lambda sale: not refusals[sale])
        if len(free) > 1:
            raise UserError(
                self.env._(
                    "You purchased this lead more than once, as %s. Name the"
                    " transaction that you want to return.",
                    ", ".join(free[:NAMED].mapped("external_ref")),
                )
            )
        if not free:
            raise UserError(refusals[sales[0]])
        return free

    @api.model
    def _get_refusal(self, sale, asked, left):
        """Return why no return of a sale can be asked for; empty if one can."""
        origin, request = left[sale.id], asked.get(sale.id)
        if origin.in_full:
            return self.env._("This lead has already been returned.")
        if origin.credited:
            return self.env._("The invoice of this lead has already been credited.")
        if origin.waived and not origin.is_history:
            return self.env._("This lead was not charged.")
        if request and request.state == "declined":
            return self.env._(
                "The return of this lead was declined: %s", request.answer or ""
            )
        return ""

    # Limits

    @api.model
    def _check_limits(self, sale, buyer, limits):
        """Check the limits of a sale's lead type, and count the request that is made.

        :param limits: {lead type: how many more can be asked for}, filled here
        :raises UserError: if it is too late, or too many
        """
        lead_type = sale.lead_type_id
        days = lead_type.return_request_days
        purchased = sale
        while purchased.corrected_sale_id:
            purchased = purchased.corrected_sale_id
        if days and purchased.date < fields.Datetime.now() - timedelta(days=days):
            raise UserError(
                self.env._(
                    "This lead was purchased more than %s days ago, and can no longer"
                    " be returned.",
                    days,
                )
            )
        share = lead_type.return_request_share
        if not share:
            return
        if lead_type not in limits:
            limits[lead_type] = self._get_allowance(
                buyer, lead_type, share, (*OPEN_STATES, "accepted")
            )
        if limits[lead_type] < 1:
            raise UserError(
                self.env._(
                    "You can ask to return at most %(share)s%% of the leads of this"
                    " type that you purchased in the last %(days)s days.",
                    share=f"{share:g}",
                    days=SHARE_DAYS,
                )
            )
        limits[lead_type] -= 1

    @api.model
    def _get_allowance(self, buyer, lead_type, share, states):
        """Return how many more requests in certain states a buyer can have.

        :param share: in percent of the leads of this type purchased in 30 days
        :param states: of the requests made in these days that count
        """
        since = fields.Datetime.now() - timedelta(days=SHARE_DAYS)
        buyers = buyer._get_lead_buyers().ids
        purchased = self.env["lead.sale"].search_count(
            [
                ("commercial_partner_id", "in", buyers),
                ("lead_type_id", "=", lead_type.id),
                ("transaction_type", "=", "sale"),
                ("corrected_sale_id", "=", False),
                ("waived", "=", False),
                ("date", ">=", since),
            ]
        )
        requested = self.search_count(
            [
                ("commercial_partner_id", "in", buyers),
                ("lead_type_id", "=", lead_type.id),
                ("state", "in", states),
                ("create_date", ">=", since),
            ]
        )
        # A hundredth of a percent is exact enough for either.
        return int(round(share * 100) * purchased // 10_000) - requested

    def _accept_automatically(self, buyer):
        """Accept those of these new requests that are within the buyer's share."""
        for (company, lead_type), requests in self.grouped(
            lambda request: (request.company_id, request.lead_type_id)
        ).items():
            share = buyer.with_company(company).lead_return_auto_share
            if not share:
                continue
            allowed = self._get_allowance(buyer, lead_type, share, ("accepted",))
            requests[: max(allowed, 0)]._try_accept_automatically()

    def _try_accept_automatically(self):
        """Accept these requests; what the ledger refuses is left to a person."""
        try:
            with self.env.cr.savepoint():
                self._write_decision(
                    "accepted",
                    None,
                    return_vals=self._make_returns(),
                    is_automatic=True,
                    # No person decided it.
                    decided_by_id=False,
                )
        except ValidationError as error:
            self.env.invalidate_all(flush=False)
            for request in self:
                request._message_log(body=str(error))

    # What a buyer can do about a request

    def _withdraw(self):
        """Take this request back.

        :raises UserError: if it is decided
        """
        self._begin_change()
        with engine_at_work(self) as request:
            request.write({"state": "withdrawn"})
        self._update_activities()

    def _reply(self, text):
        """Answer the question about this request, which is to be decided again.

        :raises UserError: without an answer, or if there is no question
        """
        self._begin_change()
        if self.state != "question":
            raise UserError(self.env._("There is no question to answer any more."))
        if not (text or "").strip():
            raise UserError(self.env._("Enter an answer."))
        with engine_at_work(self) as request:
            request.write(
                {
                    "state": "requested",
                    "answer": self._get_answer(),
                    "note": "\n\n".join(filter(None, [self.note, text.strip()])),
                }
            )
        self._message_log(body=text.strip())
        self._update_activities()

    def _begin_change(self):
        self.ensure_one()
        self._lock()
        self.invalidate_recordset()
        if self.state not in OPEN_STATES:
            raise UserError(self.env._("This request has been decided already."))
