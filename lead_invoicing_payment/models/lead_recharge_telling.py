from odoo import models

TEMPLATE = "lead_invoicing_payment.mail_template_recharge"


class LeadRecharge(models.Model):
    """Who is told of recharges: the buyer by email, the clerk by an activity; and what
    happens where a charge was declined."""

    _inherit = "lead.recharge"

    def _for_clerk(self):
        """Return this recharge, to speak of it in the language of who looks after
        billing."""
        self.ensure_one()
        return self.with_context(lang=self.company_id._get_lead_lang())

    def _tell_paid(self, was_refused):
        """Tell the buyer of a deposit; and the clerk, where it was told before that the
        charge had been declined."""
        self.consent_id._get_buyer()._message_log(
            body=self.env._(
                "Automatic recharge: %(amount)s was charged (%(reference)s).",
                amount=self.currency_id.format(self.amount),
                reference=self.reference,
            )
        )
        self._queue_mail()
        if was_refused:
            self.consent_id._tell_clerk(
                self.env._("Declined charge was paid after all"),
                self.env._(
                    "The charge %(reference)s of %(amount)s was declined first, and"
                    " then confirmed by the provider. It is a deposit now. Remove the"
                    " buying hold, if there is one for it.",
                    reference=self.reference,
                    amount=self.currency_id.format(self.amount),
                ),
            )

    def _tell_refused(self):
        self._queue_mail()
        self.consent_id._tell_clerk(
            self.env._("Automatic recharge declined"),
            self.env._(
                "The charge %(reference)s of %(amount)s was declined: %(reason)s"
                " Automatic recharge of this buyer has ended. The buyer was notified,"
                " and can add funds, or consent again, in its portal.",
                reference=self.reference,
                amount=self.currency_id.format(self.amount),
                reason=self.refusal,
            ),
        )

    def _tell_late(self):
        if self.transaction_id.state == "done":
            self.consent_id._tell_clerk(
                self.env._("Automatic recharge without a deposit"),
                self.env._(
                    "The charge %(reference)s of %(amount)s was made, but its deposit"
                    " could not be posted. Ask your administrator to open the payment"
                    " transaction with this reference and to post-process it: that"
                    " says what is wrong.",
                    reference=self.reference,
                    amount=self.currency_id.format(self.amount),
                ),
            )
            return
        self.consent_id._tell_clerk(
            self.env._("Automatic recharge without an answer"),
            self.env._(
                "The provider has not said what became of the charge %(reference)s of"
                " %(amount)s. It is not charged again. Look it up at the provider, and"
                " say on the recharge whether it was charged.",
                reference=self.reference,
                amount=self.currency_id.format(self.amount),
            ),
        )

    def _queue_mail(self):
        """Queue an email to who consented; it goes after the commit."""
        recipient = self._get_recipient()
        template = self.env.ref(TEMPLATE, raise_if_not_found=False)
        if not template:
            self.consent_id._get_buyer()._message_log(
                body=self.env._(
                    "No email was sent about the recharge: the template of this email"
                    " was deleted."
                )
            )
            return
        if not recipient.email:
            self.consent_id._get_buyer()._message_log(
                body=self.env._(
                    "%s has no email address and was not notified of the recharge.",
                    recipient.display_name,
                )
            )
            return
        template.send_mail(self.id)
        self.env["ir.cron"]._wake_lead_job("mail.ir_cron_mail_scheduler_action")

    def _get_recipient(self):
        """Return the contact that is told: who consented, or the buyer."""
        self.ensure_one()
        person = self.consent_id.user_id.partner_id
        return person if person.active and person.email else self.partner_id

    def _get_portal_url(self):
        """Return the address of the buyer's page, for an email."""
        self.ensure_one()
        return f"{self.get_base_url()}/my/lead-recharge"

    def _apply_failure_policy(self):
        """Put the buyer on buying hold where that is agreed on for declined charges."""
        buyer = self.consent_id._get_buyer()
        if buyer.lead_recharge_failure == "hold" and not buyer.lead_buying_hold:
            reason = self.env._("Automatic recharge was declined.")
            buyer.write({"lead_buying_hold": True, "lead_buying_hold_reason": reason})
