from odoo import api, fields, models
from odoo.exceptions import ValidationError


class ResCompany(models.Model):
    _inherit = "res.company"

    lead_billing_cycle_id = fields.Many2one(
        "lead.billing.cycle",
        "Default Billing Cycle",
        check_company=True,
        ondelete="restrict",
        help="Used for buyers without a cycle of their own. To leave a buyer out, give"
        " it a manual cycle.",
    )
    lead_billing_start = fields.Date(
        help="Lead transactions before this day were billed elsewhere: they are"
        " recorded, but never invoiced here.",
    )
    lead_issue_zero = fields.Boolean(
        "Issue Zero Totals",
        default=True,
        help="Issue invoices whose total is zero. When off, their transactions wait"
        " for the next invoice.",
    )
    lead_return_policy = fields.Selection(
        [
            ("net", "Deduct from the next invoice"),
            ("credit_note", "Credit note of the original invoice"),
            ("credit_unpaid", "Credit note while the original is unpaid, else deduct"),
        ],
        "Returns of Invoiced Leads",
        required=True,
        default="credit_unpaid",
    )
    lead_review_zero_price = fields.Boolean(
        "Review Prices of Zero",
        help="Keep an invoice in draft when a lead on it costs nothing.",
    )
    lead_review_same_lead = fields.Boolean(
        "Review Leads Billed Twice",
        help="Keep an invoice in draft when a lead is on it twice, or was billed to"
        " this buyer before.",
    )
    lead_review_volume_factor = fields.Float(
        "Review Volumes Above",
        help="Keep an invoice in draft when its leads or its amount are more than so"
        " many times the average of the buyer's last windows. 0: never.",
    )

    @api.constrains("lead_review_volume_factor")
    def _check_lead_review_volume_factor(self):
        for company in self:
            # Below one, what is usual would be kept, too.
            if company.lead_review_volume_factor and (
                company.lead_review_volume_factor < 1
            ):
                raise ValidationError(
                    self.env._(
                        "To review unusual volumes, choose a factor of at least 1, such"
                        " as 3 for three times the average; or 0 to review none."
                    )
                )
