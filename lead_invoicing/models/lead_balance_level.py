from odoo import api, fields, models
from odoo.tools import SQL

from ..tools.protected_fields import AppendOnly
from .mail_activity_mixin import BALANCE_ACTIVITY_TYPE

# From the best to the worst.
LEVELS = [
    ("fine", "Fine"),
    ("early", "Early Warning"),
    ("low", "Low"),
    ("empty", "Empty"),
]
DEPTHS = {name: depth for depth, (name, _label) in enumerate(LEVELS)}


class LeadBalanceLevel(AppendOnly, models.Model):
    """Append-only record of each threshold that a prepaid buyer's balance crossed,
    downward or upward; the last one is where it is. One that was crossed downward is
    told to the buyer, once: the mail is queued in the transaction that records it."""

    _name = "lead.balance.level"
    _description = "Threshold of a Buyer's Balance"
    _order = "id desc"
    _rec_name = "level"

    partner_id = fields.Many2one(
        "res.partner", "Buyer", required=True, ondelete="restrict"
    )
    company_id = fields.Many2one("res.company", required=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    level = fields.Selection(LEVELS, required=True)
    balance = fields.Monetary(help="When it was crossed.")
    is_downward = fields.Boolean("Crossed Downward")

    _last_idx = models.Index("(partner_id, company_id, id)")

    @api.model
    def _get_last(self, partners):
        """Return the level that each of these buyers is at in the current company.

        :return: {partner's id: name of a level}; those that crossed none are left out
        """
        if not partners:
            return {}
        return dict(
            self.env.execute_query(
                SQL(
                    """
                    SELECT DISTINCT ON (partner_id) partner_id, level
                      FROM lead_balance_level
                     WHERE partner_id = ANY(%s) AND company_id = %s
                     ORDER BY partner_id, id DESC
                    """,
                    partners.ids,
                    self.env.company.id,
                )
            )
        )

    def _get_recipients(self):
        """Return the addresses that are told, separated by commas."""
        self.ensure_one()
        buyer = self.partner_id
        address = buyer.browse(buyer.address_get(["invoice"])["invoice"])
        recipients = buyer._get_lead_invoice_recipients(address)
        return ", ".join(recipients.mapped("email_formatted"))

    def _get_statement_url(self):
        self.ensure_one()
        return f"{self.partner_id.get_base_url()}/my/lead-statement"

    def _tell(self):
        """Queue the mails to these buyers; they go after the commit. Who cannot be told
        is an activity for someone."""
        template = self.env.ref(
            "lead_invoicing.mail_template_lead_balance", raise_if_not_found=False
        )
        for record in self:
            record = record.with_company(record.company_id)
            if template and record._get_recipients():
                template.send_mail(record.id)
                continue
            company = record.company_id
            user = company._get_lead_responsible()
            record = record.with_context(lang=company._get_lead_lang())
            buyer = record.partner_id
            reason = (
                record.env._(
                    "%s could not be notified that its balance is running out: there is"
                    " no email address. Add one, or call the buyer.",
                    buyer.display_name,
                )
                if template
                else record.env._(
                    "%s could not be notified that its balance is running out: the"
                    " template of this email was deleted. Ask your administrator to"
                    " upgrade the Lead Invoicing app, which restores it, and call the"
                    " buyer.",
                    buyer.display_name,
                )
            )
            buyer._schedule_lead_activity(
                record.env._("Prepaid balance running out"),
                reason,
                company,
                user,
                BALANCE_ACTIVITY_TYPE,
            )
        if self:
            self.env["ir.cron"]._wake_lead_job("mail.ir_cron_mail_scheduler_action")
