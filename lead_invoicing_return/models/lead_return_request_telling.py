from odoo import models

TEMPLATE = "lead_invoicing_return.mail_template_return_request"


class LeadReturnRequest(models.Model):
    """Who is told of requests: the buyer by email, the clerks by an activity."""

    _inherit = "lead.return.request"

    def _tell_buyer(self):
        """Queue an email with what was decided, one for each person who asked; it is
        sent after the commit, by Odoo's job."""
        template = self.env.ref(TEMPLATE, raise_if_not_found=False)
        queued = False
        for (recipient, _company), requests in self.grouped(
            lambda request: (request._get_recipient(), request.company_id)
        ).items():
            if not template or not recipient.email:
                reason = (
                    self.env._(
                        "No email was sent: %s has no email address. The buyer sees"
                        " this in the portal.",
                        recipient.display_name,
                    )
                    if template
                    else self.env._(
                        "No email was sent: the template of this email was deleted. The"
                        " buyer sees this in the portal."
                    )
                )
                for request in requests:
                    request._message_log(body=reason)
                continue
            # A template of everybody's, with what its recipient may read.
            template.sudo().with_context(lead_requests=requests).send_mail(
                requests[0].id, force_send=False
            )
            queued = True
        if queued:
            self.env["ir.cron"]._wake_lead_job("mail.ir_cron_mail_scheduler_action")

    def _get_recipient(self):
        """Return who reads the answer: who asked, else the buyer."""
        self.ensure_one()
        return self.requester_id or self.commercial_partner_id.commercial_partner_id

    def _get_portal_url(self):
        """Return the address of the buyer's requests, for an email."""
        return f"{self.get_base_url()}/my/return-requests"

    def _update_activities(self):
        """Keep one activity on each buyer with requests to decide, and none else."""
        for company in self.company_id:
            own = self.filtered(lambda r, company=company: r.company_id == company)
            for buyer in own.commercial_partner_id.commercial_partner_id:
                buyer._update_return_activity(company)
