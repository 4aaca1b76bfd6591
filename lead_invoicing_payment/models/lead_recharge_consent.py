from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from odoo.addons.lead_invoicing.tools.local_time import local_day
from odoo.addons.lead_invoicing.tools.protected_fields import AppendOnly

from .payment_transaction import RECHARGING


class LeadRechargeConsent(AppendOnly, models.Model):
    """Append-only record of what a buyer consented to, and of the end of it: who, when,
    and in which words. The last one of a buyer and company is what is so now.

    A consent is given by the buyer itself, in the portal. It is withdrawn there too, or
    ended by a clerk, or by Lead Invoicing where a charge was declined.
    """

    _name = "lead.recharge.consent"
    _description = "Consent to Automatic Recharge"
    _order = "id desc"

    partner_id = fields.Many2one(
        "res.partner", "Buyer", required=True, index=True, ondelete="restrict"
    )
    company_id = fields.Many2one("res.company", required=True, ondelete="restrict")
    kind = fields.Selection(
        [("given", "Given"), ("withdrawn", "Withdrawn"), ("ended", "Ended")],
        required=True,
    )
    user_id = fields.Many2one(
        "res.users",
        "By",
        required=True,
        ondelete="restrict",
        default=lambda self: self.env.user,
    )
    text = fields.Text(required=True, help="What was agreed to, or why it ended.")
    token_id = fields.Many2one(
        "payment.token", "Payment Method", ondelete="restrict", index="btree_not_null"
    )
    token_name = fields.Char("Payment Method as Shown")
    currency_id = fields.Many2one("res.currency")
    threshold = fields.Monetary(help="A balance below this amount is recharged.")
    amount = fields.Monetary(help="What is charged each time.")
    daily_limit = fields.Monetary(help="The most charged in one day.")

    # What does this buyer consent to now?
    _last_idx = models.Index("(company_id, partner_id, id)")

    @api.depends("partner_id", "kind")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for consent in self:
            consent.display_name = self.env._(
                "%(buyer)s: %(kind)s",
                buyer=consent.partner_id.display_name,
                kind=kinds.get(consent.kind, ""),
            )

    # What is so now

    @api.model
    def _get_current(self, partners=None):
        """Return the consents that are in force in the current company.

        :param partners: only of these commercial entities
        """
        self.flush_model()
        only = SQL("TRUE")
        if partners is not None:
            only = SQL("partner_id = ANY(%s)", partners.ids)
        # What did each buyer say last?
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id
                  FROM (SELECT DISTINCT ON (partner_id) id, kind
                          FROM lead_recharge_consent
                         WHERE company_id = %s AND %s
                         ORDER BY partner_id, id DESC) last
                 WHERE kind = 'given'
                 ORDER BY id
                """,
                self.env.company.id,
                only,
            )
        )
        return self.browse([row[0] for row in rows])

    def _is_current(self):
        """Tell whether this consent is in force."""
        self.ensure_one()
        return self in self.with_company(self.company_id)._get_current(self.partner_id)

    def _get_buyer(self):
        """Return the buyer, in the company that this is about."""
        self.ensure_one()
        return self.partner_id.with_company(self.company_id)

    # Giving and ending it

    @api.model
    def _get_text(self, company, vals):
        """Return the sentences that a buyer agrees to.

        :param vals: values of the consent
        """
        currency = self.env["res.currency"].browse(vals["currency_id"])
        token = self.env["payment.token"].browse(vals["token_id"])
        return self.env._(
            "I agree that %(company)s charges %(amount)s to my payment method"
            " %(token)s when my balance for leads falls below %(threshold)s: once each"
            " time it falls below it, and at most %(limit)s in one day. The money is"
            " added to my balance. I can withdraw this consent at any time on this"
            " page.",
            company=company.name,
            token=token.display_name,
            amount=currency.format(vals["amount"]),
            threshold=currency.format(vals["threshold"]),
            limit=currency.format(vals["daily_limit"]),
        )

    @api.model
    def _check_terms(self, buyer, vals):
        """Check what a buyer is to agree to.

        :param buyer: in the company that it pays in at
        :raises UserError: a sentence that says what is wrong
        """
        currency = self.env["res.currency"].browse(vals["currency_id"])
        minimum = buyer.env.company._get_lead_top_up_minimum()
        buyer._check_lead_top_up_amount(vals["amount"], currency, minimum)
        buyer._check_lead_top_up_amount(vals["threshold"], currency)
        buyer._check_lead_top_up_amount(vals["daily_limit"], currency)
        if currency.compare_amounts(vals["daily_limit"], vals["amount"]) < 0:
            raise UserError(
                self.env._(
                    "The daily limit cannot be less than what is charged each time."
                )
            )

    @api.model
    def _give(self, buyer, vals):
        """Record that the current user, of this buyer, consents.

        :param buyer: a commercial entity, in the company that it pays in at
        :param vals: ``token_id``, ``currency_id``, ``threshold``, ``amount``,
            ``daily_limit``
        :return: the consent
        :raises UserError: if something is wrong with it
        """
        self._check_terms(buyer, vals)
        buyer._lock_lead_money()
        token = self.env["payment.token"].browse(vals["token_id"])
        consent = self.create(
            {
                **vals,
                "partner_id": buyer.id,
                "company_id": buyer.env.company.id,
                "kind": "given",
                "text": self._get_text(buyer.env.company, vals),
                "token_name": token.display_name,
            }
        )
        buyer._message_log(body=self.env._("Consent to automatic recharge given."))
        self.env["ir.cron"]._wake_lead_job(RECHARGING)
        return consent

    def _end(self, kind, text):
        """Record the end of this consent, if it is in force.

        :param kind: ``withdrawn`` by the buyer, else ``ended``
        :param text: why, in words
        """
        self.ensure_one()
        buyer = self._get_buyer()
        buyer._lock_lead_money()
        if not self._is_current():
            return
        self.create(
            {
                "partner_id": buyer.id,
                "company_id": self.company_id.id,
                "kind": kind,
                "text": text,
                "token_id": self.token_id.id,
                "token_name": self.token_name,
            }
        )
        buyer._message_log(
            body=self.env._("Automatic recharge has ended: %(reason)s", reason=text)
        )

    # Is it to be charged now?

    def _get_balances(self):
        """Return the balance of the buyer of each of these consents of the current
        company, in the currency of the consent.

        :return: {consent: amount}
        """
        by_buyer = self.partner_id._get_lead_balances()
        return {
            consent: 0.0
            - sum(
                balance.exposure
                for balance in by_buyer.get(consent.partner_id.id, ())
                if balance.currency == consent.currency_id
            )
            for consent in self
        }

    def _is_below(self, balance):
        self.ensure_one()
        return self.currency_id.compare_amounts(balance, self.threshold) < 0

    def _get_obstacle(self):
        """Return why nothing can be charged by this consent any more, as a sentence;
        empty if it can."""
        self.ensure_one()
        buyer, token = self._get_buyer(), self.token_id
        if buyer != buyer.commercial_partner_id:
            return self.env._("The buyer belongs to another one now.")
        if refusal := buyer._get_lead_top_up_refusal():
            return refusal
        provider = token.provider_id
        if (
            not token.active
            or token.partner_id.commercial_partner_id != buyer
            or provider.state not in ("enabled", "test")
            # What is only reserved is no deposit.
            or provider.capture_manually
            or provider.company_id != self.company_id
        ):
            return self.env._("The payment method cannot be used any more.")
        # Its money went with somebody's will, who does not want it charged anew.
        last = self.env["lead.recharge"]._get_last(self)
        if last and last._is_given_back():
            return self.env._("The charge %s was refunded or canceled.", last.reference)
        return ""

    def _get_charged_today(self):
        """Return what was charged to this buyer on the company's present day, or may
        have been."""
        self.ensure_one()
        tz, today = self.company_id.lead_tz, self.company_id._get_lead_today()
        recharges = self.env["lead.recharge"].search(
            [
                ("partner_id", "=", self.partner_id.id),
                ("company_id", "=", self.company_id.id),
                ("currency_id", "=", self.currency_id.id),
                ("state", "!=", "refused"),
                # No day is longer, in any time zone.
                ("create_date", ">", fields.Datetime.now() - timedelta(days=2)),
            ]
        )
        return sum(
            recharge.amount
            for recharge in recharges
            if local_day(self.env, recharge.create_date, tz) == today
        )
