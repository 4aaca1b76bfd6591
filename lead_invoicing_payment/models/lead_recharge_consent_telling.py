from odoo import models

ACTIVITY_TYPE = "lead_invoicing_payment.mail_activity_type_recharge"


class LeadRechargeConsent(models.Model):
    """The clerk is told of what needs a person, by an activity on the buyer."""

    _inherit = "lead.recharge.consent"

    def _tell_clerk(self, summary, reason):
        """Raise an activity on the buyer."""
        buyer = self._get_buyer()
        company = self.company_id
        buyer.with_context(lang=company._get_lead_lang())._schedule_lead_activity(
            summary, reason, company, company._get_lead_responsible(), ACTIVITY_TYPE
        )

    def _end_and_tell(self, reason):
        """End this consent, as nothing can be charged by it, and tell the clerk."""
        self._end("ended", reason)
        self._tell_clerk(
            self.env._("Automatic recharge has ended"),
            self.env._("Nothing was charged. %s", reason),
        )
