from odoo import models

from ..tools.protected_fields import engine_at_work


class AccountMove(models.Model):
    """Money that comes in with the reference of a top-up request is the buyer's
    deposit."""

    _inherit = "account.move"

    def _match_lead_top_ups(self):
        """Let posted payments and bank transactions pay the top-up requests that they
        name. A bank transaction is booked on the buyer's receivable; a payment is on
        the receivable of whom a person chose."""
        incoming = self.filtered(
            lambda move: (
                move.origin_payment_id.payment_type == "inbound"
                or move.statement_line_id.amount > 0
            )
        )
        # Posted anew, it may name another request, or be another buyer's.
        stale = self.env["lead.top.up"].sudo().search([("move_id", "in", incoming.ids)])
        with engine_at_work(stale) as requests:
            requests.write({"move_id": False})
        for move in incoming:
            # Whoever posts money has this follow, with no rights on requests; what
            # posting was asked to do is of no concern for it.
            env = self.env(su=True, context={"lang": self.env.context.get("lang")})
            move.with_env(env)._match_lead_top_up()

    def _match_lead_top_up(self):
        self.ensure_one()
        request = self.env["lead.top.up"]._find_by_texts(
            self.company_id, self._get_lead_payment_texts()
        )
        if len(request) != 1:
            # None; or more than one, which a person must divide.
            return
        if request.state != "paid" and self.statement_line_id:
            self._book_lead_top_up(request)
        if request._get_paid_lines(self) or request.state == "paid":
            request._pay_with(self)
        else:
            request._message_log(
                body=self.env._(
                    "%s has this reference, but is not this buyer's money in this"
                    " currency; the request stays open.",
                    self.display_name,
                )
            )

    def _get_lead_payment_texts(self):
        """Return the texts in which a payer's reference can be."""
        self.ensure_one()
        payment = self.origin_payment_id
        return [
            self.ref,
            self.payment_reference,
            self.statement_line_id.payment_ref,
            payment.memo,
            payment.payment_reference,
        ]

    def _book_lead_top_up(self, request):
        """Book the bank transaction that pays a request on its buyer's receivable, as
        far as nobody has said where it belongs."""
        bank_line = self.statement_line_id
        _liquidity, suspense, other = bank_line._seek_for_lines()
        if len(suspense) != 1 or other or suspense.currency_id != request.currency_id:
            return
        buyer = request.partner_id.commercial_partner_id.with_company(self.company_id)
        bank_line.partner_id = buyer
        _liquidity, suspense, _other = bank_line._seek_for_lines()
        suspense.account_id = buyer.property_account_receivable_id
