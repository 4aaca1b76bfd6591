from odoo import fields, models


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
