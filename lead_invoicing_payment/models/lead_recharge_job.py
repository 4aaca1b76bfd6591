import logging
from datetime import timedelta

from psycopg2 import IntegrityError

from odoo import api, fields, models
from odoo.fields import Domain

from odoo.addons.lead_invoicing.tools.concurrency import TRY_AGAIN

from .payment_transaction import RECHARGING, ChargeUnansweredError

_logger = logging.getLogger(__name__)

# An answer that did not come is asked for again after this time, and no more after the
# time for which providers keep the keys of requests.
ASK_AGAIN = timedelta(minutes=10)
ASK_UNTIL = timedelta(hours=20)
# Then a person is told.
TELL_LATE = timedelta(hours=24)


class LeadRecharge(models.Model):
    """The job, in steps that are committed one by one. Whatever dies where, the next
    call goes on with what is written:

    1. decide, and write the charge and its reference; this allows one request
    2. ask the provider; only Odoo's transaction is written with its answer
    3. post the deposit, which Odoo does once for each transaction
    4. carry over what became of it to recharge, consent, buyer and clerk
    """

    _inherit = "lead.recharge"

    @api.model
    def _cron_recharge(self):
        """Recharge the balances that fell below what their buyers consented to."""
        for recharge in self.search(self._get_news_domain(), order="id"):
            recharge._finish()
        for consent in self._find_below():
            recharge = self._try_to_open(consent)
            if recharge:
                recharge._ask()
                recharge._finish()
            if not self.env["ir.cron"]._commit_progress():
                # The scheduler has no time left: go on with its next call.
                self.env["ir.cron"]._wake_lead_job(RECHARGING)
                break

    @api.model
    def _get_news_domain(self):
        """Return the recharges of which something may have become: those that wait, and
        those that were refused, and paid after all."""
        return Domain("state", "=", "asked") | (
            Domain("state", "=", "refused")
            & Domain("transaction_id.state", "=", "done")
        )

    def _attempt(self, step):
        """Do a step of this recharge, and commit; whoever was faster, or what went
        wrong, is for the next call.

        :return: what the step returned; None where it was rolled back
        """
        try:
            result = step()
            self.env["ir.cron"]._commit_progress()
        except (*TRY_AGAIN, IntegrityError):
            self.env.cr.rollback()
        except Exception:
            self.env.cr.rollback()
            _logger.exception("Automatic recharge %s cannot go on yet", self.ids)
        else:
            return result
        return None

    # 1. Deciding

    @api.model
    def _find_below(self):
        """Return the consents that something may be to be decided on: balances below
        the threshold, or not any more."""
        found = self.env["lead.recharge.consent"]
        for company in self.env["lead.type"]._get_lead_companies():
            consents = found.with_company(company)._get_current()
            balances = self._try_to_get_balances(consents)
            open_recharges = self.search(
                [("company_id", "=", company.id), ("left_at", "=", False)]
            )
            opened = {(one.partner_id, one.currency_id) for one in open_recharges}
            found |= consents.filtered(
                lambda consent, balances=balances, opened=opened: (
                    consent in balances
                    and (
                        consent._is_below(balances[consent])
                        or (consent.partner_id, consent.currency_id) in opened
                    )
                )
            )
        return found

    @api.model
    def _try_to_get_balances(self, consents):
        """Return the balances of the buyers of these consents of one company, without
        those that cannot be worked out: nobody else waits for them.

        :return: {consent: amount}
        """
        try:
            return consents._get_balances()
        except Exception:
            self.env.cr.rollback()
            if len(consents) == 1:
                _logger.exception("The balance of %s cannot be worked out", consents)
                return {}
        balances = {}
        for consent in consents:
            balances.update(self._try_to_get_balances(consent))
        return balances

    @api.model
    def _try_to_open(self, consent):
        """Decide on a consent, and commit.

        :return: the new recharge, which this process may ask the provider for, or none
        """
        consent = consent.with_company(consent.company_id)
        return self._attempt(lambda: self._open(consent))

    @api.model
    def _open(self, consent):
        """Decide whether a consent's buyer is charged now; write it down.

        Two that decide at one moment both write the buyer's row, and the second is
        refused.
        """
        consent._get_buyer()._lock_lead_money()
        if not consent._is_current():
            return None
        balance = consent._get_balances()[consent]
        before = self._get_open(consent)
        if not consent._is_below(balance):
            before._leave()
            return None
        if before.filtered(lambda r: r.state != "refused" or r.consent_id == consent):
            # This crossing is charged already.
            return None
        # Another consent was declined; the buyer has given a new one.
        before._leave()
        if self._get_last(consent).payment_id.state == "draft":
            # Whoever corrects the payment posts it again, or cancels it.
            return None
        told = consent.with_context(lang=consent.company_id._get_lead_lang())
        if obstacle := told._get_obstacle():
            told._end_and_tell(obstacle)
            return None
        charged = consent._get_charged_today() + consent.amount
        if consent.currency_id.compare_amounts(charged, consent.daily_limit) > 0:
            return None
        return self.create(self._prepare_vals(consent, balance))

    @api.model
    def _prepare_vals(self, consent, balance):
        number = self._get_last(consent).number + 1
        return {
            "consent_id": consent.id,
            "number": number,
            "amount": consent.amount,
            "balance": balance,
            "asked_at": fields.Datetime.now(),
            "transaction_id": self.env["payment.transaction"]
            .create(
                {
                    "provider_id": consent.token_id.provider_id.id,
                    "payment_method_id": consent.token_id.payment_method_id.id,
                    "token_id": consent.token_id.id,
                    "partner_id": consent.token_id.partner_id.id,
                    "amount": consent.amount,
                    "currency_id": consent.currency_id.id,
                    "operation": "offline",
                    # Of this crossing, whoever counts.
                    "reference": f"RECHARGE-{consent.id}-{number}",
                }
            )
            .id,
        }

    def _leave(self):
        """Write down that the balance is restored; what the provider has not answered
        stays open."""
        done = self.filtered(lambda r: r.state != "asked" and not r.left_at)
        if done:
            done.write({"left_at": fields.Datetime.now()})

    # 2. Asking

    def _ask(self):
        """Ask the provider for this charge. That it may be asked, now and by this
        process, is committed.

        Nothing of ours is written here: it could be lost, and the charge not.
        """
        self.ensure_one()

        def ask():
            try:
                self.transaction_id._charge_with_token()
            except ChargeUnansweredError:
                # What was written meanwhile says that it was declined; it was not.
                self.env.cr.rollback()
                _logger.warning(
                    "The provider did not answer for the charge %s", self.reference
                )

        self._attempt(ask)

    def _ask_again(self):
        """Ask for an answer that never came: with the same reference, by which the
        provider knows what it has charged."""
        if self._attempt(self._claim_asking):
            self._ask()

    def _claim_asking(self):
        """Write down that this process asks again; only one can.

        :return: whether it may
        """
        self.ensure_one()
        now = fields.Datetime.now()
        if (
            not self.try_lock_for_update()
            or self.state != "asked"
            or self.transaction_id.state != "draft"
            or self.asked_at > now - ASK_AGAIN
            or self.create_date < now - ASK_UNTIL
            or not self.transaction_id.provider_id._lead_knows_references()
            # Had the first request not arrived, this would be a charge without consent.
            or not self.consent_id._is_current()
        ):
            return False
        self.write({"asked_at": now, "ask_count": self.ask_count + 1})
        return True

    # 3. and 4. What came of it

    def _finish(self):
        """Go on with this recharge, from wherever it is."""
        self.ensure_one()
        if self.state == "asked" and self.transaction_id.state == "draft":
            self._ask_again()
        self._attempt(self._post_answer)
        self._attempt(self._carry_over)

    def _post_answer(self):
        """Have Odoo post the deposit of a charge that the provider confirmed. Odoo's
        own job does so, too: both write the transaction, so that one is refused."""
        transaction = self.transaction_id
        if transaction.state == "done" and not transaction.is_post_processed:
            transaction._post_process()

    def _carry_over(self):
        """Write down what became of this charge, and queue what is told of it. What is
        written down already stays."""
        self.ensure_one()
        if not self.try_lock_for_update():
            return
        transaction = self.transaction_id
        if (
            self.state != "paid"
            and transaction.state == "done"
            and transaction.payment_id
        ):
            self._carry_over_payment()
        elif self.state == "asked" and transaction.state in ("cancel", "error"):
            self._carry_over_refusal()
        elif (
            self.state == "asked"
            and not self.is_told_late
            and self.create_date < fields.Datetime.now() - TELL_LATE
        ):
            self.is_told_late = True
            self._for_clerk()._tell_late()

    def _carry_over_payment(self):
        was_refused = self.state == "refused"
        self.write({"state": "paid", "refusal": False})
        consent = self.consent_id.with_company(self.company_id)
        if not consent._is_below(consent._get_balances()[consent]):
            self._leave()
        self._for_clerk()._tell_paid(was_refused)

    def _carry_over_refusal(self):
        reason = self.transaction_id.state_message or self.env._(
            "The provider declined the charge."
        )
        self.write({"state": "refused", "refusal": reason})
        self.consent_id._end(
            "ended", self.env._("The charge %s was declined.", self.reference)
        )
        self._for_clerk()._apply_failure_policy()
        self._for_clerk()._tell_refused()
