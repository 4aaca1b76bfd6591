from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from odoo.addons.lead_invoicing.tools.parsing import RowError, read_text
from odoo.addons.lead_invoicing.tools.protected_fields import engine_at_work

from .lead_return_request import OPEN_STATES


class LeadReturnRequest(models.Model):
    """The decision on requests, by a clerk or by the platform over the API."""

    _inherit = "lead.return.request"

    def action_accept(self, answer=None):
        """Accept these requests: each makes the return ``REQ-<id>``, once.

        Those that are accepted already stay so, so that a call that broke off is simply
        repeated. Where nothing is left of a sale, as the platform returned it
        meanwhile, that return is what the request is accepted with.

        :param answer: what the buyer is told; by default what the request has
        :return: True
        :raises AccessError: if the user may not decide requests
        :raises UserError: for one that was declined or withdrawn, or of whose sale
            there is less left; then none of them is accepted
        """
        todo = self._begin_decision("accepted")
        answer = self._read_answer(answer)
        todo._write_decision("accepted", answer, return_vals=todo._make_returns())
        todo._update_activities()
        return True

    def action_decline(self, answer=None):
        """Decline these requests.

        :param answer: why, for the buyer; by default what the request has
        :return: True
        :raises AccessError: if the user may not decide requests
        :raises UserError: without an answer, or for one that is decided otherwise
        """
        todo = self._begin_decision("declined")
        answer = self._read_answer(answer)
        todo._check_answer(answer)
        todo._write_decision("declined", answer)
        todo._update_activities()
        return True

    def action_ask(self, answer=None):
        """Ask the buyer a question about these requests, which stay open.

        :param answer: the question; by default what the request has as its answer
        :return: True
        :raises AccessError: if the user may not decide requests
        :raises UserError: without a question, or for one that is decided
        """
        todo = self._begin_decision(None)
        answer = self._read_answer(answer)
        todo._check_answer(answer)
        todo._write_decision("question", answer)
        todo._update_activities()
        return True

    def _begin_decision(self, state):
        """Check the user, lock these requests, and return those still to be decided,
        with the rights to decide them.

        :param state: what they are to become; such ones are left out
        """
        self.check_access("read")
        user = self.env.user
        may_decide = (
            self.env.su
            or user.has_group("lead_invoicing.group_user")
            or user.has_group("lead_invoicing_return.group_integrator_returns")
        )
        if not may_decide:
            raise AccessError(self.env._("You cannot decide return requests."))
        self._lock()
        self.invalidate_recordset()
        # The user may decide these requests, and the ledger is written by the engine.
        todo = self.sudo().filtered(lambda request: request.state != state)
        states = dict(self._fields["state"]._description_selection(self.env))
        for request in todo:
            if request.state not in OPEN_STATES:
                raise UserError(
                    self.env._(
                        "%(request)s for the sale %(sale)s can no longer be decided:"
                        " it is in the state “%(state)s”.",
                        request=request.name,
                        sale=request.sale_ref,
                        state=states[request.state],
                    )
                )
        return todo

    @api.model
    def _read_answer(self, answer):
        """Return what the buyer is told, None where nothing was sent.

        :raises UserError: for what is no text
        """
        try:
            return read_text(self.env, "answer", answer)
        except RowError as refused:
            raise UserError(refused.sentence) from refused

    def _check_answer(self, answer):
        for request in self:
            if not (answer or request._get_answer() or "").strip():
                raise UserError(
                    self.env._("Enter an answer: the buyer reads it by email.")
                )

    def _get_answer(self):
        """Return what the request has as its answer; a question is none."""
        self.ensure_one()
        return self.answer if self.answer != self.question else False

    def _write_decision(self, state, answer, return_vals=None, **vals):
        """Write down a decision, and tell the buyer of it; the clerks' activities are
        updated by the caller, once for all requests that it changes.

        :param return_vals: {request: return} of accepted ones
        """
        for request in self:
            decided = {"state": state, "answer": answer or request._get_answer()}
            if state == "question":
                decided["question"] = decided["answer"]
            else:
                decided["decided_by_id"] = self.env.uid
                decided["decided_at"] = fields.Datetime.now()
            if return_vals:
                decided["return_id"] = return_vals[request].id
            with engine_at_work(request) as own:
                own.write({**decided, **vals})
        self._tell_buyer()

    def _make_returns(self):
        """Record the returns that these requests ask for; return {request: return}.

        :raises ValidationError: naming each that the ledger refuses
        """
        left = self._get_left(self.sale_id)
        self._follow_corrections(left)
        new = self.filtered(lambda request: not left[request.sale_id.id].in_full)
        backs = self.env["lead.sale"].create(
            [
                request.sale_id._prepare_return_vals(
                    request._get_reference(),
                    request.amount,
                    reason_id=request.reason_id.id,
                    reason=request.reason_id.name
                    or self.env._("Requested by the buyer"),
                )
                for request in new
            ]
        )
        made = dict(zip(new, backs, strict=True))
        for request in self - new:
            returns = request.sale_id._search_returns()
            made[request] = returns.sorted("return_number")[-1:]
            request._message_log(
                body=self.env._(
                    "The sale was already returned, as %s; nothing more is credited.",
                    made[request].external_ref,
                )
            )
        return made

    def _follow_corrections(self, left):
        """Let requests of sales whose price was corrected since be of what is in force
        now; one for all that was left is so again.

        :param left: as :meth:`_get_left` tells of their sales
        """
        for request in self:
            sale, origin = request.sale_id, left[request.sale_id.id]
            if origin.id == sale.id:
                continue
            taken_back = self.env["lead.sale"].search(
                [
                    ("corrected_sale_id", "=", sale.id),
                    ("transaction_type", "=", "return"),
                ]
            )
            is_full = request.amount >= taken_back.price
            with engine_at_work(request) as own:
                own.write(
                    {
                        "sale_id": origin.id,
                        "amount": float(origin.left) if is_full else request.amount,
                    }
                )
